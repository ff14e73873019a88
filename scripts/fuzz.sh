#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time each.
set -euo pipefail
time="${1:-5s}"
grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do
  dir=$(dirname "$file")
  grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | cut -d' ' -f2 | while read -r target; do
    echo "fuzz: $dir $target"
    "${GO:-go}" test "$dir" -run '^$' -fuzz "^${target}\$" -fuzztime "$time"
  done
done
