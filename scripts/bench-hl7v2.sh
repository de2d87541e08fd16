#!/usr/bin/env bash
# Times HL7 v2 to FHIR on the shared messages beside LinuxForHealth's hl7v2-fhir-converter (Maven), on the same files in one run, on one core.
# usage: scripts/bench-hl7v2.sh BINARY
# Theirs is timed in its own process, from texts in memory to JSON, the first time that it sees each message and the best of three times after
# that: neither starting up nor files count. Ours is a whole run, with starting up, reading and writing the files, and what the same messages take
# in a run that goes on: the best of three.
# Needs the shared folder ($CHARTPOST_SHARED or ../shared), java and mvn; what is not here is not timed. $LINUXFORHEALTH is a folder that holds
# the converter's libraries; without it Maven fetches them.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shared=${CHARTPOST_SHARED:-../shared}
[ -d "$shared/corpus/hl7v2" ] || { echo "bench: HL7 v2 not timed, no shared folder here (set CHARTPOST_SHARED)"; exit 0; }
shared=$(cd "$shared" && pwd)
for tool in java mvn; do
  command -v "$tool" >/dev/null 2>&1 || { echo "bench: no comparison with LinuxForHealth, $tool is not here"; exit 0; }
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/in" "$tmp/both"
version=v1.1.0

libraries=${LINUXFORHEALTH:-$tmp/lib}
if ! ls "$libraries"/hl7v2-fhir-converter-*.jar >/dev/null 2>&1; then
  cat >"$tmp/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>bench</groupId><artifactId>bench</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>io.github.linuxforhealth</groupId><artifactId>hl7v2-fhir-converter</artifactId><version>$version</version>
  </dependency></dependencies>
</project>
XML
  mvn -q -B -f "$tmp/pom.xml" dependency:copy-dependencies -DoutputDirectory="$libraries" >/dev/null 2>&1 || {
    echo "bench: no comparison with LinuxForHealth, Maven cannot fetch it"
    exit 0
  }
fi

# It reads the first message of a file alone, so the files of one message are what both are timed on.
i=0
while IFS= read -r -d '' f; do
  if [ "$(tr '\r' '\n' <"$f" | grep -c '^MSH' || true)" = 1 ]; then
    i=$((i + 1))
    cp "$f" "$tmp/in/$(printf %04d "$i").hl7"
  fi
done < <(find "$shared/corpus/hl7v2" -type f -name '*.hl7' -print0 | LC_ALL=C sort -z)

cat >"$tmp/Bench.java" <<'JAVA'
import io.github.linuxforhealth.hl7.HL7ToFHIRConverter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;

/** Converts the files of a folder, copies those that it can convert to another, and prints how many, their bytes, and its seconds. */
public class Bench {
  public static void main(String[] folders) throws Exception {
    var out = System.out;
    System.setOut(System.err); // what the converter says of its own accord
    var paths = new ArrayList<Path>();
    try (var list = Files.list(Path.of(folders[0]))) {
      list.sorted().forEach(paths::add);
    }
    var converter = new HL7ToFHIRConverter();
    var texts = new ArrayList<String>();
    long bytes = 0, first = 0, cold = 0;
    for (var path : paths) {
      var text = Files.readString(path, StandardCharsets.ISO_8859_1);
      long begin = System.nanoTime();
      try {
        converter.convert(text);
      } catch (Exception | StackOverflowError e) {
        continue;
      }
      long took = System.nanoTime() - begin;
      if (texts.isEmpty()) first = took;
      cold += took;
      Files.copy(path, Path.of(folders[1]).resolve(path.getFileName()));
      texts.add(text);
      bytes += Files.size(path);
    }
    long warm = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      long begin = System.nanoTime();
      for (var text : texts) converter.convert(text);
      warm = Math.min(warm, System.nanoTime() - begin);
    }
    out.printf("%d %d %.3f %.3f %.3f%n", texts.size(), bytes, first / 1e9, cold / 1e9, warm / 1e9);
  }
}
JAVA
theirs=$(java -XX:ActiveProcessorCount=1 -cp "$libraries/*" "$tmp/Bench.java" "$tmp/in" "$tmp/both" 2>/dev/null | tail -1)
name="LinuxForHealth ${version#v}"
echo "$theirs" | awk -v n="$name" '{
  printf "%-44s %8.1f messages/s %6.2f MB/s   (%d messages that it converts; %.1f s for the first)\n", n ", cold, one core", $1/$4, $2/1e6/$4, $1, $3
  printf "%-44s %8.1f messages/s %6.2f MB/s\n", n ", warm, one core", $1/$5, $2/1e6/$5 }'

# least COMMAND...: its seconds by the clock, the least of three.
least() {
  for _ in 1 2 3; do
    rm -rf "$tmp/out" # as at a first conversion: to replace a file makes the disk write it at once
    { TIMEFORMAT='%R'; time "$@" >/dev/null 2>&1 || true; } 2>&1 | tail -1
  done | LC_ALL=C sort -n | head -1
}
export GOMAXPROCS=1
whole=$(least "$bin" convert "$tmp/both" --to fhir -o "$tmp/out/" --jobs 1 --force --quiet)
# Warm as theirs is: what a second to a sixth time of the same messages takes more than the first alone.
for f in "$tmp"/both/*.hl7; do cat "$f"; printf '\n'; done >"$tmp/once.hl7"
for _ in 1 2 3 4 5 6; do cat "$tmp/once.hl7"; done >"$tmp/often.hl7"
once=$(least "$bin" convert "$tmp/once.hl7" --to fhir --jobs 1 --quiet)
often=$(least "$bin" convert "$tmp/often.hl7" --to fhir --jobs 1 --quiet)
echo "$theirs" | awk -v t="$whole" -v once="$once" -v often="$often" '{
  w = (often - once) / 5
  printf "%-44s %8.1f messages/s %6.2f MB/s\n", "chartpost, convert --to fhir, one core", $1/t, $2/1e6/t
  printf "%-44s %8.1f messages/s %6.2f MB/s\n", "chartpost, warm, one core", $1/w, $2/1e6/w
  printf "  a whole run beside LinuxForHealth cold: %.1f times its messages/s; both warm: %.1f times\n", $4/t, $5/w }'
