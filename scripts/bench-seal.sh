#!/usr/bin/env bash
# What sealing and opening cost beside age alone, and beside gzip and zstd before age. usage: scripts/bench-seal.sh BINARY
#
# BENCH_MIB  how large the files are (1024)        BENCH_SPARSE_GIB  how large the sparse one is (10; 0 leaves it out)
# BENCH_DIR  where they lie (the system's temporary folder; best a disk in memory)        BENCH_RUNS  how often, the best counts (3)
#
# Aims (issue 7): seal at most 1.2 times age on data that does not compress; five times as fast as gzip | age on FHIR as JSON; open at most
# 1.8 times age -d and sha256sum; memory below 32 MiB whatever the size.
set -euo pipefail
cd "$(dirname "$0")/.."
chartpost=$(cd "$(dirname "${1:-bin/chartpost}")" && pwd)/$(basename "${1:-bin/chartpost}")
[ -x "$chartpost" ] || { echo "bench-seal: no program at $chartpost; make build makes it" >&2; exit 2; }
mib=${BENCH_MIB:-1024} sparse=${BENCH_SPARSE_GIB:-10} runs=${BENCH_RUNS:-3} go=${GO:-go}
dir=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/bench-seal.XXXXXX")
trap 'rm -rf "$dir"' EXIT

"$go" build -o "$dir/peak" ./internal/peak
age=$(command -v age || true)
if GOBIN=$dir GOFLAGS= "$go" install "filippo.io/age/cmd/age@$("$go" list -m -f '{{.Version}}' filippo.io/age)" 2>/dev/null; then age=$dir/age; fi
[ -n "$age" ] || { echo "bench-seal: no age: install it" >&2; exit 2; }

export CHARTPOST_HOME=$dir/lake
"$chartpost" init --name Lakeside --no-passphrase 2>/dev/null
"$chartpost" card -o "$dir/lake.contact" 2>/dev/null
words=$("$chartpost" card 2>&1 >/dev/null | sed -n 's/^The words of this card: //p')
export CHARTPOST_HOME=$dir/maple
"$chartpost" init --name Maple --no-passphrase 2>/dev/null
"$chartpost" card -o "$dir/maple.contact" 2>/dev/null
"$chartpost" contact add "$dir/lake.contact" 2>/dev/null
"$chartpost" contact verify Lakeside --words "$words" 2>/dev/null
CHARTPOST_HOME=$dir/lake "$chartpost" contact add "$dir/maple.contact" 2>/dev/null
recipient=$(sed -n 's/^age-compat: //p' "$dir/lake.contact")

echo "making $mib MiB of each kind"
head -c "${mib}M" /dev/urandom >"$dir/random"
# FHIR as JSON: the corpus where it is, else what the examples become.
source=${CHARTPOST_SHARED:-../shared}/corpus/fhir
if [ -d "$source" ] && [ -n "$(find "$source" -name '*.json' -size +500k -print -quit)" ]; then
  find "$source" -name '*.json' -size +500k -print0 | sort -z | xargs -0 cat >"$dir/part" || true
else
  "$chartpost" convert examples/*.hl7 --to ndjson -o "$dir/part.d/" --quiet
  cat "$dir"/part.d/* >"$dir/part"
fi
# In other words each time, so that it does not compress better than records do.
n=0
: >"$dir/json"
while [ "$(stat -c %s "$dir/json")" -lt $((mib << 20)) ]; do
  n=$((n + 1))
  sed "s/[0-9]\{4\}/$((1000 + n % 9000))/7" "$dir/part" >>"$dir/json"
done
truncate -s "${mib}M" "$dir/json"
rm -rf "$dir/part" "$dir/part.d"

row() { printf '  %-46s %8s s %8s MiB\n' "$@"; }
measure() { # measure NAME COMMAND...: prints the row and leaves the time in $took
  local name=$1 out
  shift
  out=$("$dir/peak" -n "$runs" -before "rm -rf $dir/out $dir/out.* $dir/*.receipt.age" "$@")
  took=${out% *}
  row "$name" "$took" "${out#* }"
}
times() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

for kind in random json; do
  echo
  echo "$kind, $mib MiB"
  measure "age" "$age" -r "$recipient" -o "$dir/out.age" "$dir/$kind"; plain=$took
  measure "gzip -6 | age" sh -c "gzip -6 <'$dir/$kind' | '$age' -r '$recipient' -o '$dir/out.age'"; gz=$took
  if command -v zstd >/dev/null; then measure "zstd -1 | age" sh -c "zstd -q -1 -c '$dir/$kind' | '$age' -r '$recipient' -o '$dir/out.age'"; fi
  measure "chartpost seal" "$chartpost" seal "$dir/$kind" --to Lakeside --purpose treatment --about none -q -o "$dir/out.zip.age"; sealed=$took
  echo "  seal takes $(times "$sealed" "$plain") times age, and gzip | age $(times "$gz" "$sealed") times seal"
  "$chartpost" seal "$dir/$kind" --to Lakeside --purpose treatment --about none -q -o "$dir/p.zip.age" --force >/dev/null
  "$age" -r "$recipient" -o "$dir/p.age" "$dir/$kind"
  export CHARTPOST_HOME=$dir/lake
  "$chartpost" open "$dir/p.zip.age" -o "$dir/first" --yes -q >/dev/null
  rm -rf "$dir/first"
  measure "age -d, then sha256sum" sh -c "'$age' -d -i '$dir/lake/identity-compat.txt' -o '$dir/out' '$dir/p.age' && sha256sum '$dir/out' >/dev/null"; undo=$took
  measure "chartpost open" "$chartpost" open "$dir/p.zip.age" -o "$dir/out" --yes --again -q; opened=$took
  measure "chartpost inspect (checks, writes nothing)" "$chartpost" inspect "$dir/p.zip.age"
  echo "  open takes $(times "$opened" "$undo") times age -d and sha256sum"
  export CHARTPOST_HOME=$dir/maple
  rm -rf "$dir/out" "$dir/p.zip.age" "$dir/p.age" "$dir/$kind"
done

if [ "$sparse" -gt 0 ]; then
  echo
  echo "sparse, $sparse GiB"
  truncate -s "${sparse}G" "$dir/sparse"
  runs=1
  measure "chartpost seal" "$chartpost" seal "$dir/sparse" --to Lakeside --purpose treatment --about none -q -o "$dir/out.zip.age"
  mv "$dir/out.zip.age" "$dir/p.zip.age"
  CHARTPOST_HOME=$dir/lake measure "chartpost inspect (checks, writes nothing)" "$chartpost" inspect "$dir/p.zip.age"
fi
