#!/usr/bin/env bash
# Runs every fuzz target of the module in turn. usage: scripts/fuzz.sh TIME-EACH
# An input that covers something new is made smaller, for up to a minute each if nothing says otherwise: longer than the target's time.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-20s}
go=${GO:-go}
ran=0
while IFS= read -r pkg; do
  while IFS= read -r target; do
    echo "== $pkg $target, $time"
    "$go" test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 100x "$pkg"
    ran=$((ran + 1))
  done < <("$go" test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true)
done < <("$go" list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | grep .)
echo "fuzzed $ran targets"
