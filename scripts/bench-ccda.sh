#!/usr/bin/env bash
# Times C-CDA on the shared documents, all on the same files in one run, the best of three, on one core and on all:
#   reading and printing a document beside xmllint, which parses and prints;
#   the whole conversion to FHIR beside xmllint;
#   the whole conversion beside @medplum/ccda (npm), cold, each document once as it comes to a new process, and warm.
# Then the memory for the largest of them, repeated to 20 MB, where Go is here.
# usage: scripts/bench-ccda.sh BINARY
# Needs the shared folder ($CHARTPOST_SHARED or ../shared) and Go ($GO); node and npm, and xmllint, where they are here. $MEDPLUM is a folder
# with @medplum/ccda in its node_modules; without it npm fetches the package.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
go=${GO:-go}
shared=${CHARTPOST_SHARED:-../shared}
[ -d "$shared/corpus/ccda" ] || { echo "bench: C-CDA not timed, no shared folder here (set CHARTPOST_SHARED)"; exit 0; }
shared=$(cd "$shared" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/in" "$tmp/both"
"$go" build -o "$tmp/reprint" ./internal/reprint
cores=$(getconf _NPROCESSORS_ONLN)

# The documents that we convert, by number: their names hold blanks.
"$bin" convert "$shared/corpus/ccda" --to fhir -o "$tmp/first/" --force --quiet >/dev/null 2>&1 || true
i=0
while IFS= read -r -d '' f; do
  rel=${f#"$shared"/corpus/ccda/}
  if [ -e "$tmp/first/${rel%.*}.json" ]; then
    i=$((i + 1))
    cp "$f" "$tmp/in/$(printf %04d "$i").xml"
  fi
done < <(find "$shared/corpus/ccda" -type f ! -name '*.json' ! -name '*.tsv' -print0 | LC_ALL=C sort -z)

# rate NAME FOLDER COMMAND...: documents and megabytes a second by the clock, and the processor time, the best of three. It sets last to the
# documents a second.
last=
rate() {
  local name=$1 folder=$2 best=
  shift 2
  for _ in 1 2 3; do
    local out
    rm -rf "$tmp/out" "$tmp/back" # as at a first conversion: to replace a file makes the disk write it at once
    out=$( { TIMEFORMAT='%R %U %S'; time "$@" >/dev/null 2>&1 || true; } 2>&1 | tail -1)
    best=$(printf '%s\n%s\n' "$best" "$out" | grep . | LC_ALL=C sort -n | head -1)
  done
  local docs
  docs=$(find "$folder" -name '*.xml' | wc -l)
  last=$(echo "$best" | awk -v d="$docs" '{ print d/$1 }')
  echo "$best" | awk -v n="$name" -v d="$docs" -v b="$(cat "$folder"/*.xml | wc -c)" \
    '{ printf "%-52s %8.1f documents/s %7.1f MB/s   %.2f s of processor time\n", n, d/$1, b/1e6/$1, $2+$3 }'
}

# beside WHAT OURS THEIRS: how many times theirs ours is.
beside() {
  awk -v w="$1" -v o="$2" -v t="$3" 'BEGIN { printf "  %s: %.2f times its documents/s, %.2f times its time\n", w, o/t, t/o }'
}

echo "$(find "$tmp/in" -name '*.xml' | wc -l) documents, $(cat "$tmp"/in/*.xml | wc -c) bytes, $cores cores; starting up and writing the files count"
have_xmllint=
if command -v xmllint >/dev/null 2>&1; then
  have_xmllint=1
  rate "xmllint, parsing and printing, one core" "$tmp/in" xmllint --nonet --huge "$tmp"/in/*.xml
  lint_one=$last
  rate "xmllint, parsing and printing, a process for each core" "$tmp/in" \
    bash -c 'printf "%s\0" "$1"/*.xml | xargs -0 -P "$2" -n "$(( ($(ls "$1" | wc -l) + $2 - 1) / $2 ))" xmllint --nonet --huge' _ "$tmp/in" "$cores"
  lint_all=$last
else
  echo "xmllint is not here"
fi
rate "chartpost, parsing and printing, one core" "$tmp/in" env GOMAXPROCS=1 "$tmp/reprint" -jobs 1 "$tmp"/in/*.xml
[ -z "$have_xmllint" ] || beside "beside xmllint on one core" "$last" "$lint_one"
rate "chartpost, parsing and printing, all cores" "$tmp/in" "$tmp/reprint" "$tmp"/in/*.xml
[ -z "$have_xmllint" ] || beside "beside xmllint on all" "$last" "$lint_all"
rate "chartpost, convert --to fhir, one core" "$tmp/in" env GOMAXPROCS=1 "$bin" convert "$tmp/in" --to fhir -o "$tmp/out/" --force --quiet --jobs 1
[ -z "$have_xmllint" ] || beside "beside xmllint on one core" "$last" "$lint_one"
rate "chartpost, convert --to fhir, all cores" "$tmp/in" "$bin" convert "$tmp/in" --to fhir -o "$tmp/out/" --force --quiet
[ -z "$have_xmllint" ] || beside "beside xmllint on all" "$last" "$lint_all"
mv "$tmp/out" "$tmp/made"
rate "chartpost, and back: convert --to ccda, one core" "$tmp/in" env GOMAXPROCS=1 "$bin" convert "$tmp/made" --to ccda -o "$tmp/back/" --force --quiet --jobs 1

CHARTPOST_SHARED=$shared "$go" test -count=1 -run TestDocumentMemory -v ./cmd/chartpost 2>/dev/null | sed -n 's/.*go:[0-9]*: \(.*peak memory.*\)/\1/p'

if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
  echo "@medplum/ccda: not timed, no node and npm here"
  exit 0
fi
medplum=${MEDPLUM:-$tmp/npm}
if [ ! -d "$medplum/node_modules/@medplum/ccda" ]; then
  mkdir -p "$medplum"
  (cd "$medplum" && npm install --silent --no-audit --no-fund @medplum/ccda@5.1.10 @medplum/core >/dev/null 2>&1) || {
    echo "@medplum/ccda: not timed, npm cannot fetch it"
    exit 0
  }
fi
# Its own process, from texts in memory to JSON: neither starting up nor files count. Cold is the first time that it sees each document, warm the
# best of three times after that. The documents that it converts are copied to the folder both, on which we are timed again.
cat >"$medplum/bench.mjs" <<'JS'
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
globalThis.WebSocket ??= class {}; // which Node 20 lacks and the package asks for
const { convertCcdaToFhir, convertXmlToCcda } = await import('@medplum/ccda');
const [from, both] = process.argv.slice(2);
const options = { ignoreUnsupportedSections: true };
const convert = (text) => JSON.stringify(convertCcdaToFhir(convertXmlToCcda(text), options));
const texts = [];
let bytes = 0;
let cold = 0;
for (const name of readdirSync(from).sort()) {
  const text = readFileSync(`${from}/${name}`, 'utf8');
  const start = process.hrtime.bigint();
  try {
    convert(text);
  } catch {
    continue;
  }
  cold += Number(process.hrtime.bigint() - start) / 1e9;
  copyFileSync(`${from}/${name}`, `${both}/${name}`);
  texts.push(text);
  bytes += Buffer.byteLength(text);
}
let best = Infinity;
for (let i = 0; i < 3; i++) {
  const start = process.hrtime.bigint();
  for (const text of texts) convert(text);
  best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e9);
}
console.log(`${texts.length} ${bytes} ${cold} ${best}`);
JS
theirs=$(cd "$medplum" && node --max-old-space-size=4096 bench.mjs "$tmp/in" "$tmp/both" 2>/dev/null | tail -1)
echo "$theirs" | awk '{
  printf "%-52s %8.1f documents/s %7.1f MB/s   (%d documents that it converts)\n", "@medplum/ccda 5.1.10, cold, one core", $1/$3, $2/1e6/$3, $1
  printf "%-52s %8.1f documents/s %7.1f MB/s\n", "@medplum/ccda 5.1.10, warm, one core", $1/$4, $2/1e6/$4 }'
cold=$(echo "$theirs" | awk '{ print $1/$3 }')
warm=$(echo "$theirs" | awk '{ print $1/$4 }')
rate "chartpost, convert --to fhir, one core, on the same" "$tmp/both" env GOMAXPROCS=1 "$bin" convert "$tmp/both" --to fhir -o "$tmp/out/" --force --quiet --jobs 1
beside "beside Medplum cold" "$last" "$cold"
beside "beside Medplum warm" "$last" "$warm"
rate "chartpost, convert --to fhir, all cores, on the same" "$tmp/both" "$bin" convert "$tmp/both" --to fhir -o "$tmp/out/" --force --quiet
beside "beside Medplum cold" "$last" "$cold"
beside "beside Medplum warm" "$last" "$warm"
