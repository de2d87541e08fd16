#!/usr/bin/env bash
# What Chartpost does, in one minute: three HL7 v2 messages become FHIR, one goes back, and a practice seals them for another,
# which opens the package. usage: scripts/demo.sh BINARY      Everything is written below demo/, which is made anew.
set -euo pipefail
cd "$(dirname "$0")/.."
chartpost=$(cd "$(dirname "${1:-bin/chartpost}")" && pwd)/$(basename "${1:-bin/chartpost}")
[ -x "$chartpost" ] || { echo "demo: no program at $chartpost; make build makes it" >&2; exit 2; }

rm -rf demo
mkdir -p demo
maple=$PWD/demo/home/maple   # two practices on one machine: each has a home of its own
cedar=$PWD/demo/home/cedar

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || say() { printf '\n%s\n' "$*"; }

# run shows a command as one would type it, and runs it.
run() {
  local shown= arg
  for arg in "$@"; do
    case $arg in
      "$chartpost") arg=chartpost ;;
      *[!A-Za-z0-9_./:=,@%+-]*) arg="'$arg'" ;;
    esac
    shown="$shown $arg"
  done
  printf '  $%s\n' "$shown"
  "$@" 2>&1 </dev/null | sed 's/^/      /'
}

say "1. Three messages become FHIR: a laboratory report, a visit, a vaccination"
run "$chartpost" convert examples/lab-oru-r01.hl7 examples/visit-adt-a08.hl7 examples/shots-vxu-v04.hl7 \
  --to fhir -o demo/fhir/ --ledger demo/ledger.json

say "2. The ledger says what became of every value"
"${GO:-go}" run ./internal/conformance/conform ledgers -top 3 demo/ledger.json | sed 's/^/  /'

say "3. The laboratory report goes back to HL7 v2"
run "$chartpost" convert demo/fhir/lab-oru-r01.json --to hl7v2 -o demo/lab-again.hl7
printf '  the beginning of demo/lab-again.hl7:\n'
tr '\r' '\n' <demo/lab-again.hl7 | sed -n '1,5s/^\(.\{0,110\}\).*/    \1/p'

say "4. Two practices make their keys and cards, and check each other's words on the telephone"
export CHARTPOST_HOME
CHARTPOST_HOME=$maple run "$chartpost" init --name "Maple Street Clinic" --city Springfield --no-passphrase
CHARTPOST_HOME=$cedar run "$chartpost" init --name "Cedar Cardiology" --city Springfield --no-passphrase
CHARTPOST_HOME=$maple run "$chartpost" card -o demo/maple.contact
CHARTPOST_HOME=$cedar run "$chartpost" card -o demo/cedar.contact
CHARTPOST_HOME=$maple run "$chartpost" contact add demo/cedar.contact
CHARTPOST_HOME=$cedar run "$chartpost" contact add demo/maple.contact
# On the telephone, each reads the words that card shows to the other.
words_of() { CHARTPOST_HOME=$1 "$chartpost" card 2>&1 >/dev/null | sed -n 's/^The words of this card: //p'; }
CHARTPOST_HOME=$maple run "$chartpost" contact verify "Cedar Cardiology" --words "$(words_of "$cedar")"
CHARTPOST_HOME=$cedar run "$chartpost" contact verify "Maple Street Clinic" --words "$(words_of "$maple")"

say "5. Maple Street Clinic seals the originals, the FHIR and the ledger for Cedar Cardiology"
CHARTPOST_HOME=$maple run "$chartpost" seal examples/lab-oru-r01.hl7 examples/visit-adt-a08.hl7 examples/shots-vxu-v04.hl7 \
  demo/fhir demo/ledger.json --to "Cedar Cardiology" --purpose treatment --note "Records for the visit in April" -o demo/records.zip.age

say "6. Cedar Cardiology opens the package: everything is checked before anything is written"
CHARTPOST_HOME=$cedar run "$chartpost" open demo/records.zip.age -o demo/opened

for f in lab-oru-r01 visit-adt-a08 shots-vxu-v04; do
  found=$(find demo/opened -name "$f.hl7" -type f)
  cmp -s "examples/$f.hl7" "$found" || { echo "demo: $f.hl7 did not arrive as it was sent" >&2; exit 1; }
  [ -n "$(find demo/opened -name "$f.json" -type f)" ] || { echo "demo: $f.json did not arrive" >&2; exit 1; }
done

say "7. The receipt goes back: signed proof of delivery, where a fax machine prints a sheet"
CHARTPOST_HOME=$maple run "$chartpost" receipt add demo/chartpost-*.receipt.age
CHARTPOST_HOME=$maple run "$chartpost" receipt show demo/records.zip.age -o demo/confirmation.html

say "The same records arrived, byte for byte. Where to look:"
cat <<'END'
  demo/fhir/              the three messages as FHIR bundles
  demo/ledger.json        what became of every value of them
  demo/lab-again.hl7      the laboratory report, back from FHIR
  demo/records.zip.age    the sealed package
  demo/opened/            what Cedar Cardiology received, with the manifest
  demo/confirmation.html  the confirmation of the delivery, to print
END
