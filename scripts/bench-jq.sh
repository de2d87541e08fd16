#!/usr/bin/env bash
# Times a whole run at --jobs 1 against `jq -c .` over its output, in turn, and prints the medians and their
# ratio. usage: scripts/bench-jq.sh BINARY [ROUNDS]
# Needs the shared folder ($CHARTPOST_SHARED or ../shared) and jq; without them it says so and ends well.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
rounds=${2:-7}
shared=${CHARTPOST_SHARED:-../shared}
[ -d "$shared/corpus/hl7v2" ] || { echo "bench: no comparison with jq, no shared folder here (set CHARTPOST_SHARED)"; exit 0; }
command -v jq >/dev/null 2>&1 || { echo "bench: no comparison with jq, it is not installed"; exit 0; }
shared=$(cd "$shared" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# One source of all messages, as a file of lines.
find "$shared/corpus/hl7v2" -type f -name '*.hl7' | LC_ALL=C sort | while IFS= read -r f; do cat "$f"; printf '\n'; done >"$tmp/in.hl7"

ms() { local begin end; begin=$(date +%s%N); "$@"; end=$(date +%s%N); echo $(((end - begin) / 1000000)); }
run() { "$bin" convert "$tmp/in.hl7" --to fhir --jobs 1 --ledger "$tmp/ledger.json" --force --quiet >"$tmp/out.json" 2>/dev/null || [ $? -eq 7 ]; }
compact() { jq -c . "$tmp/out.json" >/dev/null; }
median() { LC_ALL=C sort -n | sed -n "$(((rounds + 1) / 2))p"; }
export GOMAXPROCS=1
run
compact
for _ in $(seq "$rounds"); do
  ms run >>"$tmp/run"
  ms compact >>"$tmp/jq"
done
a=$(median <"$tmp/run") b=$(median <"$tmp/jq")
printf 'whole run, --jobs 1: %s ms; jq -c . over its output: %s ms; ratio %s (medians of %s; %s bytes in, %s bytes out)\n' \
  "$a" "$b" "$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.2f", a / b }')" "$rounds" "$(wc -c <"$tmp/in.hl7")" "$(wc -c <"$tmp/out.json")"
