#!/usr/bin/env bash
# A small Python environment for the tests that attach a consumer in another language, or
# read our tables with one.
# Where there is no Python or no package index, those tests say so and are skipped.
set -euo pipefail
dir=.cache/python
say() { echo "test-deps: $*"; }

if [ -x "$dir/bin/python" ] && "$dir/bin/python" -c 'import zmq, msgpack, pyarrow' 2>/dev/null; then
  say "nothing to install (Python with pyzmq, msgpack and pyarrow in $dir)"
  exit 0
fi
if ! command -v python3 >/dev/null; then
  say "no python3: the tests of the Python consumer will be skipped"
  exit 0
fi
if python3 -m venv "$dir" 2>/dev/null && "$dir/bin/pip" install --quiet --disable-pip-version-check pyzmq==27.1.0 msgpack==1.1.2 pyarrow==26.0.1; then
  say "installed pyzmq, msgpack and pyarrow into $dir"
else
  rm -rf "$dir"
  say "could not set up $dir: the tests of the Python consumer will be skipped"
fi
