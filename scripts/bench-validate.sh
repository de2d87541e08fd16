#!/usr/bin/env bash
# Times validate on Synthea's bundles, reading and US Core included, beside `jq -c .` and, with --official, the official validator; and
# on the clinical documents of the corpus beside xmllint, which checks the schema alone.
# usage: scripts/bench-validate.sh BINARY [--official]
# Needs the shared folder ($CHARTPOST_SHARED or ../shared); jq, and Java and Maven, where they are asked for.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shared=${CHARTPOST_SHARED:-../shared}
[ -d "$shared/corpus/fhir/synthea" ] || { echo "bench: validate not timed, no shared folder here (set CHARTPOST_SHARED)"; exit 0; }
shared=$(cd "$shared" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/in"
for i in 1 2 3 4 5; do # some 40 MB, so that starting up does not count
  for f in "$shared"/corpus/fhir/synthea/*.json; do cp "$f" "$tmp/in/$i-$(basename "$f")"; done
done
bytes=$(cat "$tmp"/in/*.json | wc -c)

# rate NAME COMMAND...: megabytes a second by the clock and by processor time, the best of three.
rate() {
  local name=$1 best=
  shift
  for _ in 1 2 3; do
    local out
    out=$( { TIMEFORMAT='%R %U %S'; time "$@" >/dev/null 2>&1 || true; } 2>&1 )
    best=$(printf '%s\n%s\n' "$best" "$out" | grep . | LC_ALL=C sort -n | head -1)
  done
  echo "$best" | awk -v n="$name" -v b="$bytes" '{ printf "%-34s %6.1f MB/s by the clock, %6.1f by processor time\n", n, b/1e6/$1, b/1e6/($2+$3) }'
}

GOMAXPROCS=1 rate "validate, one core" "$bin" validate "$tmp/in" --jobs 1 --quiet
GOMAXPROCS=1 rate "validate, us-core, one core" "$bin" validate "$tmp/in" --jobs 1 --quiet --profile us-core
rate "validate, us-core, all cores" "$bin" validate "$tmp/in" --quiet --profile us-core
if command -v jq >/dev/null 2>&1; then
  rate "jq -c ." jq -c . "$tmp"/in/*.json
fi
mkdir "$tmp/ccda"
find "$shared/corpus/ccda" -name '*.xml' -print0 | xargs -0 grep -lZ '<ClinicalDocument' | while IFS= read -r -d '' f; do
  cp "$f" "$tmp/ccda/$(printf %s "${f#"$shared"/corpus/ccda/}" | tr '/ ' '__')"
done
bytes=$(cat "$tmp"/ccda/*.xml | wc -c)
GOMAXPROCS=1 rate "validate, C-CDA, one core" "$bin" validate "$tmp/ccda" --jobs 1 --quiet
rate "validate, C-CDA, all cores" "$bin" validate "$tmp/ccda" --quiet
if command -v xmllint >/dev/null 2>&1; then
  rate "xmllint --schema, one core" xmllint --noout --nonet --huge --schema "$shared/referee/ccda/xsd/infrastructure/cda/CDA_SDTC.xsd" "$tmp"/ccda/*.xml
fi
echo '{"resourceType":"Patient"}' >"$tmp/small.json"
TIMEFORMAT='one small file, with starting up: %R s'
time "$bin" validate "$tmp/small.json" --profile us-core >/dev/null 2>&1 || true
if [ "${2:-}" = --official ]; then
  echo "the official validator, three passes over the same bundles once, with US Core; the last is warm:"
  "$shared/referee/fhir/validate.sh" -u 610 -a -q -n 3 "$shared/corpus/fhir/synthea" 2>&1 | grep '^pass' || true
fi
