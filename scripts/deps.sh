#!/usr/bin/env bash
# Installs what building needs and the machine lacks, and says what it did.
# Debian and Ubuntu are tried; Fedora and macOS are written down from their package
# lists and untried.
set -euo pipefail

say() { echo "deps: $*"; }

have_zmq() { command -v pkg-config >/dev/null && pkg-config --exists 'libzmq >= 4.2'; }
have_cc() { command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null; }

if ! command -v "${GO:-go}" >/dev/null; then
  say "Go is missing: install Go 1.26 or newer from your system or https://go.dev/dl, then run this again" >&2
  exit 1
fi
if have_zmq && have_cc; then
  say "nothing to install (libzmq $(pkg-config --modversion libzmq), $("${GO:-go}" env GOVERSION))"
  exit 0
fi

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else
    say "need to run as root, or with sudo: $*" >&2
    exit 1
  fi
}

packages=()
case "$(uname -s)" in
Linux)
  if command -v apt-get >/dev/null; then
    command -v pkg-config >/dev/null || packages+=(pkg-config)
    have_zmq || packages+=(libzmq3-dev)
    have_cc || packages+=(gcc libc6-dev)
    say "installing with apt-get: ${packages[*]}"
    as_root apt-get update -qq || say "apt-get update failed; going on with the package lists that are there"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  elif command -v dnf >/dev/null; then # untried
    packages=(pkgconf-pkg-config zeromq-devel gcc)
    say "installing with dnf (untried path): ${packages[*]}"
    as_root dnf install -y -q "${packages[@]}"
  else
    say "no apt-get and no dnf: install pkg-config, a C compiler and the development files of ZeroMQ 4.2 or newer by hand" >&2
    exit 1
  fi
  ;;
Darwin) # untried
  if ! command -v brew >/dev/null; then
    say "Homebrew is missing: install it, or pkg-config and zeromq by hand" >&2
    exit 1
  fi
  say "installing with brew (untried path): pkg-config zeromq"
  brew install --quiet pkg-config zeromq
  ;;
*)
  say "unknown system $(uname -s): install pkg-config, a C compiler and the development files of ZeroMQ 4.2 or newer by hand" >&2
  exit 1
  ;;
esac
have_zmq || { say "libzmq 4.2 or newer is still not found by pkg-config" >&2; exit 1; }
have_cc || { say "there is still no C compiler (cc, gcc or clang)" >&2; exit 1; }
say "installed: ${packages[*]:-pkg-config zeromq} (libzmq $(pkg-config --modversion libzmq))"
