#!/usr/bin/env bash
# Measures a build of Chartpost against the guide, the pairs of other projects and the official FHIR validator.
# usage: scripts/conformance.sh BINARY      needs the shared folder ($CHARTPOST_SHARED or ../shared); Java and Maven for the referee
# What is written stays in bin/conformance, to look at.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
go=${GO:-go}
shared=${CHARTPOST_SHARED:-../shared}
if [ ! -d "$shared/conformance" ]; then
  echo "conformance: skipped, no shared folder here (set CHARTPOST_SHARED)"
  exit 0
fi
shared=$(cd "$shared" && pwd)
export CHARTPOST_SHARED=$shared CHARTPOST_BIN=$bin
out=bin/conformance
rm -rf "$out"
mkdir -p "$out/corpus" "$out/fhir"
"$go" build -o bin/conform ./internal/conformance/conform

# A heading, and how many seconds have gone.
part() { echo "== $1 (${SECONDS}s)"; }

# Converts a folder. Other files lie beside the documents of the corpus, and are not read.
turn() { # FROM FORMAT TO
  local status=0
  "$bin" convert "$1" --to "$2" -o "$3" --force --quiet || status=$?
  case $status in
    0 | 1 | 3 | 7) ;;
    *) echo "conformance: convert ended with status $status" >&2; exit 1 ;;
  esac
}

# What becomes FHIR, and documents made of FHIR that others made.
first_half() {
  part "the guide: rows for which it has a target"
  bin/conform coverage

  part "pairs of other projects, by content"
  bin/conform pairs
  bin/conform pairs -back

  # The messages of the structures that Chartpost converts.
  part "the corpus: messages of ADT_A01, ORU_R01 and VXU_V04"
  bin/conform select "$out/corpus"
  status=0
  "$bin" convert "$out/corpus" --to fhir -o "$out/fhir/" --ledger "$out/ledger.ndjson" --rejects "$out/rejects/" --force --quiet || status=$?
  case $status in
    0 | 1 | 7) ;; # written; something in the data; some records rejected, which the ledger counts
    *) echo "conformance: convert ended with status $status" >&2; exit 1 ;;
  esac
  bin/conform ledgers -messages "$out/corpus" "$out/ledger.ndjson"

  part "the official validator on every bundle made from them"
  bin/conform referee "$out/fhir"

  # The corpus has few messages of most structures: the tests have one of each.
  part "the official validator on every kind of message that the tests have"
  mkdir -p "$out/messages"
  CHARTPOST_MESSAGES=$PWD/$out/messages "$go" test -count=1 -run WriteMessages ./converters/v2fhir
  turn "$out/messages" fhir "$out/messages.fhir/"
  bin/conform referee "$out/messages.fhir"

  part "our validator against the test suite of the official one"
  bin/conform validator

  part "views: the test suite of SQL on FHIR"
  bin/conform views -report "$out/sql-on-fhir.json"
  part "pairs of clinical documents and FHIR, by content"
  bin/conform clinical
  bin/conform clinical -back
  part "clinical documents to FHIR, by the official validator"
  turn "$shared/corpus/ccda" fhir "$out/documents/"
  # The official validator takes minutes for all of them: every eighth bundle. Codes that senders invent are errors to it, and stay:
  # there are two.
  mkdir -p "$out/documents.sample"
  find "$out/documents" -name '*.json' | LC_ALL=C sort | awk 'NR % 8 == 0' | while IFS= read -r bundle; do
    cp "$bundle" "$out/documents.sample/$(printf %s "${bundle#"$out"/documents/}" | tr / _)"
  done
  bin/conform referee -most 2 "$out/documents.sample"
  part "C-CDA: documents made of the Synthea bundles, by the official schema and schematrons"
  if command -v xmllint > /dev/null && command -v xsltproc > /dev/null; then
    "$bin" convert "$shared/corpus/fhir/synthea" --to ccda -o "$out/synthea/" --ledger "$out/synthea.ledger.json" --force --quiet
    "$bin" convert converters/ccdafhir/testdata/born.json --to ccda -o "$out/synthea/" --force --quiet
    "$shared/referee/ccda/validate.sh" "$out"/synthea/*.xml
    "$bin" validate "$out/synthea" --quiet # says nothing, as they do
  else
    echo "conformance: skipped, xmllint or xsltproc is not here"
  fi
}

# Documents of every type, what we say of documents, and documents there and back.
second_half() {
  mkdir -p "$out/ccda"
  if command -v xmllint > /dev/null && command -v xsltproc > /dev/null; then
    part "each type of document, of records that hold every kind of resource, likewise"
    # The first of nine records as each type; NTH=1: all of them, which takes a quarter of an hour. One rule cannot be met: docs/ccda.md.
    bin/conform gather "$out/gathered"
    cp converters/ccdafhir/testdata/born.json "$out/gathered/"
    [ "${NTH:-8}" = 1 ] || find "$out/gathered" -name 'gathered-[2-8].json' -delete
    for type in ccd referral discharge consultation history progress procedure operative transfer careplan imaging unstructured; do
      "$bin" convert "$out/gathered" --to ccda --document "$type" -o "$out/ccda/$type/" --force --quiet
    done
    broken=$("$shared/referee/ccda/validate.sh" \
      "$out"/ccda/{ccd,referral,discharge,consultation,history,progress,procedure,operative,transfer,careplan,imaging,unstructured}/*.xml 2> /dev/null || true)
    if printf '%s' "$broken" | grep -v 'a-1198-8487-c' | grep .; then
      echo "conformance: a document that was made of FHIR breaks a rule" >&2
      exit 1
    fi
    part "our check of clinical documents against them, over every sixth of the corpus"
    bin/conform ccda-validate
  else
    echo "conformance: skipped, xmllint or xsltproc is not here"
  fi
  part "clinical documents to FHIR and back"
  turn "$shared/corpus/ccda" fhir "$out/ccda/fhir/"
  turn "$out/ccda/fhir" ccda "$out/ccda/ccda/"
  # The rules over all of them take half an hour: NTH=1 does that.
  bin/conform ccda -nth "${NTH:-16}" "$shared/corpus/ccda" "$out/ccda/ccda"
}

# Most of each half runs on one core, and they take alike: they go side by side, and what the second says is kept until the first is done.
second_half > "$out/second_half.txt" 2>&1 &
half=$!
trap 'kill "$half" 2> /dev/null || true' EXIT
first_half
status=0
wait "$half" || status=$?
cat "$out/second_half.txt"
exit "$status"
