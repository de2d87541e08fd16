package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

// runIn runs one command line in a folder of the given files and returns what it prints.
func runIn(t *testing.T, files map[string]string, stdin string, args ...string) (code int, out, errs, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "DIR", dir)
	}
	var stdout, stderr bytes.Buffer
	c := &CLI{In: strings.NewReader(stdin), Out: &stdout, Err: &stderr, Env: func(string) string { return "" }, Version: "test"}
	code = c.Run(context.Background(), args)
	cut := func(b *bytes.Buffer) string {
		return strings.ReplaceAll(b.String(), dir+string(filepath.Separator), "")
	}
	return code, cut(&stdout), cut(&stderr), dir
}

func TestMapCheckFaults(t *testing.T) {
	files := map[string]string{
		"a.map": "codes mine\nA b\nB c d\n> C e\n",
		"b.map": "table ZZZ -> Patient\n1 ST\n",
	}
	code, out, errs, _ := runIn(t, files, "", "map", "check", "DIR/a.map", "DIR/b.map")
	want := `a.map:3:5: "d" is too much; a note begins with # [CP-MAP-001]
  a code with blanks stands in 'quotes'
a.map:4:1: a code that goes one way needs a note [CP-MAP-003]
  say behind # what it is written back as
b.map:2:5: the target is missing [CP-MAP-001]
  a row is: place  type  target
`
	if code != exitFindings || out != want || errs != "chartpost: 3 faults in 2 mapping files\n" {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	code, out, _, _ = runIn(t, files, "", "map", "check", "--json", "DIR")
	var got struct {
		Files  int
		Faults []struct {
			ID, Severity, File, What, Hint string
			Line, Column                   int
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitFindings || got.Files != 2 || len(got.Faults) != 3 || got.Faults[1].ID != "CP-MAP-003" ||
		got.Faults[1].Line != 4 || got.Faults[1].Severity != "reject" || got.Faults[0].Hint == "" {
		t.Errorf("%v %d %s", err, code, out)
	}
}

func TestMapCheckFine(t *testing.T) {
	code, out, errs, _ := runIn(t, nil, "codes mine\n  A  b\n  C  d\n\ntable ZA1|ZA2 -> AllergyIntolerance\n1  ST  code.text\n", "map", "check", "-") // a row of two tables is one
	if code != exitOK || out != "" || errs != "1 mapping file, 3 rows and lines of codes, no fault\n" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	code, out, errs, _ = runIn(t, nil, "codes mine\n  A  b\n", "map", "check", "-q", "-")
	if code != exitOK || out != "" || errs != "" {
		t.Errorf("%d %q %q", code, out, errs)
	}
}

func TestMapUnreadable(t *testing.T) {
	for _, args := range [][]string{{"map", "check", "DIR/none.map"}, {"map", "fmt", "DIR/none.map"}, {"map", "check", "DIR"}, {"explain", "--map", "DIR/none.map", "PID-8"}} {
		if code, _, errs, _ := runIn(t, nil, "", args...); code != exitUnreadable || errs == "" {
			t.Errorf("%v: %d %q", args, code, errs)
		}
	}
	for _, args := range [][]string{{"map", "check"}, {"map", "fmt"}, {"map", "fmt", "-w", "--check", "x"}, {"map", "fmt", "-w", "-"}, {"explain"}, {"explain", "--all", "x"}, {"explain", "a", "b"}} {
		if code, _, _, _ := runIn(t, nil, "", args...); code != exitUsage {
			t.Errorf("%v: %d, not a usage error", args, code)
		}
	}
}

func TestMapFmt(t *testing.T) {
	const messy, neat = "codes  mine\n A   b\n> CCC d # x\n", "codes mine\n  A    b\n> CCC  d  # x\n"
	files := map[string]string{"a.map": messy, "b.map": neat, "c.map": "table"}
	code, out, _, _ := runIn(t, files, "", "map", "fmt", "DIR/a.map")
	if code != exitOK || out != neat {
		t.Errorf("%d %q", code, out)
	}
	code, out, _, dir := runIn(t, files, "", "map", "fmt", "--check", "DIR/a.map", "DIR/b.map")
	if code != exitFindings || out != "a.map\n" {
		t.Errorf("%d %q", code, out)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "a.map")); string(b) != messy {
		t.Errorf("--check has changed the file to %q", b)
	}
	code, out, errs, dir := runIn(t, files, "", "map", "fmt", "-w", "DIR")
	if code != exitFindings || out != "" || !strings.Contains(errs, "c.map:1:1: the table has no name [CP-MAP-001]\n") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	for name, want := range map[string]string{"a.map": neat, "b.map": neat, "c.map": "table"} {
		name = filepath.Join(dir, name)
		if b, _ := os.ReadFile(name); string(b) != want {
			t.Errorf("%s is %q", name, b)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%v: mode %v", err, info.Mode())
		}
	}
}

func TestExplainFinding(t *testing.T) {
	code, out, _, _ := runIn(t, nil, "", "explain", "cp-map-003")
	if code != exitOK || !strings.HasPrefix(out, "CP-MAP-003 (reject): a row or code that goes one way has no note") || !strings.Contains(out, "\n  why   ") || !strings.Contains(out, "\n  mend  ") {
		t.Errorf("%d %s", code, out)
	}
	code, out, _, _ = runIn(t, nil, "", "explain", "--json", "CP-MAP-003")
	var got explained
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK || len(got.Findings) != 1 || got.Findings[0].ID != "CP-MAP-003" {
		t.Errorf("%v %d %s", err, code, out)
	}
	code, _, errs, _ := runIn(t, nil, "", "explain", "CP-MAP-999")
	if code != exitUsage || !strings.Contains(errs, "nothing is known of CP-MAP-999\n  there are CP-MAP-001 to CP-MAP-") {
		t.Errorf("%d %s", code, errs)
	}
	code, _, errs, _ = runIn(t, nil, "", "explain", "CP-XYZ-1")
	if code != exitUsage || !strings.Contains(errs, "findings are called CP-V2-001") {
		t.Errorf("%d %s", code, errs)
	}
}

// What the page of the language and the examples say is so.
func TestMapCheckExamples(t *testing.T) {
	overlays, err := filepath.Glob(filepath.Join(testshared.Root(), "examples", "overlays", "*.map"))
	if err != nil || len(overlays) < 2 {
		t.Fatal("no overlays in examples", err)
	}
	for _, o := range overlays {
		if code, out, errs, _ := runIn(t, nil, "", "map", "check", o); code != exitOK {
			t.Errorf("%d %s%s", code, out, errs)
		}
		if code, out, errs, _ := runIn(t, nil, "", "map", "fmt", "--check", o); code != exitOK {
			t.Errorf("%d %s%s", code, out, errs)
		}
	}
}

func TestMapCheckOverBuiltin(t *testing.T) {
	files := map[string]string{
		"rival.map":   "table PV1 -> Encounter\n44  ST  period.start\n",
		"replace.map": "table PV1 -> Encounter\nreplace 44 -> period.start\n  44  DTM  period.start  if 2=I\ndrop 1 -> -\n",
		"none.map":    "drop PV1[Encounter] 44 -> period.strat\n",
		"place.map":   "table PID -> Patient\n8  ST  nam.text\n",
		"csv.map":     "---\nmatches:\n  format: csv\n---\ntable people -> Patient\nhat_size  ST  extension(csv/hat-size).valueString\n",
		"alias.map":   "---\nmatches:\n  format: csv\n---\ntable people -> Patient\nDOB  ST  birthDate\n",
	}
	tests := []struct {
		file, want string // the fault; empty if there is none
	}{
		{"rival.map", "rival"},
		{"replace.map", ""},
		{"none.map", "none.map:1:1: PV1[Encounter] has no row from 44 to period.strat [CP-MAP-005]\n  its rows from there: 44 -> period.start"},
		{"place.map", "did you mean name?"},
		{"csv.map", ""},
		{"alias.map", "alias.map:6:1: DOB is another name of the column birth_date of people [CP-MAP-002]\n  write birth_date"},
	}
	for _, tt := range tests {
		code, out, errs, _ := runIn(t, files, "", "map", "check", "DIR/"+tt.file)
		if tt.want == "" && code != exitOK || tt.want != "" && (code != exitFindings || !strings.Contains(out, tt.want)) {
			t.Errorf("%s: %d %s%s", tt.file, code, out, errs)
		}
	}
	// A built-in file is checked in its place among the others, not over itself.
	code, out, errs, _ := runIn(t, nil, "", "map", "check", filepath.Join(testshared.Root(), "converters", "v2fhir", "pid.map"))
	if code != exitOK {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

func TestExplainRows(t *testing.T) {
	code, out, _, _ := runIn(t, nil, "", "explain", "PID-8")
	if code != exitOK || !strings.Contains(out, "PID-8 <-> Patient.gender\n  row   8  0001  gender") || !strings.Contains(out, "(PID[Patient], pid.map:") || !strings.Contains(out, "\n    F  female") {
		t.Errorf("%d %s", code, out)
	}
	code, out, _, _ = runIn(t, nil, "", "explain", "--json", "Patient.gender")
	var got struct {
		Query string
		Rows  []struct{ Format, Table, Source, FHIR, At, Way string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK || got.Query != "Patient.gender" {
		t.Fatalf("%v %d %s", err, code, out)
	}
	found := false
	for _, r := range got.Rows {
		found = found || r.Format == "hl7v2" && r.Table == "PID[Patient]" && r.Source == "PID-8" && r.FHIR == "Patient.gender" && r.Way == "both" && strings.HasPrefix(r.At, "pid.map:")
	}
	if !found {
		t.Errorf("%s", out)
	}
	code, out, errs, _ := runIn(t, nil, "", "explain", "Patient.gendr")
	if code != exitUsage || out != "" || errs != "chartpost: nothing is known of Patient.gendr\n  did you mean Patient.gender?\n" {
		t.Errorf("%d %s%s", code, out, errs)
	}
	code, out, _, _ = runIn(t, map[string]string{"o.map": "table ZPI -> Patient\n3  ST  name.text\n"}, "", "explain", "--map", "DIR/o.map", "ZPI-3")
	if code != exitOK || out != "ZPI-3 <-> Patient.name.text\n  row   3  ST  name.text  (ZPI[Patient], o.map:2)\n" {
		t.Errorf("%d %s", code, out)
	}
	code, out, _, _ = runIn(t, nil, "", "explain", "--all", "--json")
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK || len(got.Rows) < 500 {
		t.Errorf("%v %d: %d rows", err, code, len(got.Rows))
	}
}

// The overlays in examples do what their comments say, there and back.
func TestExampleOverlays(t *testing.T) {
	const oak = "MSH|^~\\&|OAK LIS|OAK VALLEY LAB|||20260930093000-0500||ORU^R01^ORU_R01|OV1|P|2.5.1\r" +
		"PID|1||OV-1^^^OAK VALLEY LAB&2.999.7.5&ISO^MR||EXAMPLE^REED^^^^^L\r" +
		"OBR|1||OV-60001|PANEL^Panel^L|||20260930091000-0500|||||||||||||||20260930092500-0500||CH|F\r" +
		"OBX|1|NM|GLU^Glucose^L||294|mg/dL|70-99|HI|||F\rOBX|2|NM|HGB2^Hemoglobin^L||14|g/dL|12-16|OK|||F\r"
	visit, err := os.ReadFile(filepath.Join(testshared.Root(), "examples", "visit-adt-a08.hl7"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		overlay, message string
		fhir, back       []string // what must be in the output
	}{
		{"maple-pharmacy.map", string(visit),
			[]string{`{"extension":[{"url":"name","valueString":"Elm Pharmacy"},{"url":"street","valueString":"12 ELM ST"},{"url":"city","valueString":"SPRINGFIELD"},{"url":"since","valueDate":"2026-04-03"}],"url":"https://maple.example/fhir/StructureDefinition/preferred-pharmacy"}`},
			[]string{"|Elm Pharmacy^12 ELM ST^SPRINGFIELD|20260403\r"}},
		{"oak-valley-lab.map", oak,
			[]string{`"coding":[{"system":"http://loinc.org","code":"2345-7"},{"system":"`, `"code":"GLU","display":"Glucose"}`, `"coding":[{"system":"http://loinc.org","code":"718-7"}`, `"code":"H"}`, `"code":"HI"}`},
			[]string{"GLU^Glucose^L", "HGB2^Hemoglobin^L", "|HI|", "|OK|"}},
	}
	for _, tt := range tests {
		overlay := filepath.Join(testshared.Root(), "examples", "overlays", tt.overlay)
		code, out, errs, _ := runIn(t, map[string]string{"in.hl7": tt.message}, "", "convert", "DIR/in.hl7", "--to", "fhir", "--map", overlay)
		if code != exitOK || strings.Contains(errs, "CP-MAP-007") {
			t.Fatalf("%s: %d %s", tt.overlay, code, errs)
		}
		for _, want := range tt.fhir {
			if !strings.Contains(out, want) {
				t.Errorf("%s: the bundle does not hold %s", tt.overlay, want)
			}
		}
		code, back, errs, _ := runIn(t, map[string]string{"in.json": out}, "", "convert", "DIR/in.json", "--to", "hl7v2", "--map", overlay)
		if code != exitOK || strings.Contains(errs, "CP-MAP-007") {
			t.Fatalf("%s: %d %s", tt.overlay, code, errs)
		}
		for _, want := range tt.back {
			if !strings.Contains(back, want) {
				t.Errorf("%s: what comes back does not hold %s:\n%s", tt.overlay, want, strings.ReplaceAll(back, "\r", "\n"))
			}
		}
	}
	// A message of another sender is left as the built-in tables have it, and the run says that the overlay was of no use.
	other := strings.Replace(oak, "OAK VALLEY LAB|", "ELM LAB|", 1)
	code, out, errs, _ := runIn(t, map[string]string{"in.hl7": other}, "", "convert", "DIR/in.hl7", "--to", "fhir", "--map", filepath.Join(testshared.Root(), "examples", "overlays", "oak-valley-lab.map"))
	if code != exitOK || strings.Contains(out, "2345-7") || !strings.Contains(errs, "CP-MAP-007") {
		t.Errorf("%d %s", code, errs)
	}
}
