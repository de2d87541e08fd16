package v2

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/hl7v2"
)

const good = "MSH|^~\\&|LAB|OAKVALLEY|EHR|MAPLE|20260304101500-0500||ORU^R01^ORU_R01|EX-1|P|2.5.1\r" +
	"PID|1||EX-4711^^^OAKVALLEY^MR||Exampleton^Fern||19810409|F\r" +
	"PV1|1|O\r" +
	"ORC|RE\r" +
	"OBR|1||F-1|24323-8^Panel^LN|||20260304095000-0500|||||||||||||||20260304101500-0500|||F\r" +
	"OBX|1|NM|2823-3^Potassium^LN||4.2|mmol/L|3.5-5.1|N|||F|||20260304095000-0500\r" +
	"OBX|2|DT|11368-8^Onset^LN||20260301||||||F\r"

// check gives the findings of a source, each in a line: id, place, words.
func check(t testing.TB, source string) []string {
	var list []string
	_, err := Stream(t.Context(), strings.NewReader(source), "", func(f *diag.Finding) {
		list = append(list, fmt.Sprintf("%s %s %s", f.ID, f.Place.Path, f.Message()))
		if f.ID.Entry().Why == "" {
			t.Errorf("%s is not in the list", f.ID)
		}
		if f.Place.Line == 0 && f.ID != "CP-V2-002" { // which is about the whole
			t.Errorf("%v has no line", f)
		}
	})
	if err != nil {
		t.Error(err)
	}
	return list
}

func TestFindings(t *testing.T) {
	if list := check(t, good); len(list) > 0 {
		t.Fatalf("%q", list)
	}
	for _, c := range []struct {
		name, from, to, want string // want begins the one finding
	}{
		{"segment missing", "OBR|1||F-1|24323-8^Panel^LN|||20260304095000-0500|||||||||||||||20260304101500-0500|||F\r", "", "CP-V2-050 ORC OBR is missing in the group ORDER_OBSERVATION"},
		{"segment twice", "PV1|1|O\r", "PV1|1|O\rPV2\rPV2\r", "CP-V2-051 PV2[2] PV2 stands more often in the group VISIT"},
		{"unknown segment", "ORC|RE\r", "QQQ|1\rORC|RE\r", "CP-V2-052 QQQ no version of HL7 has a segment QQQ"},
		{"field missing", "Exampleton^Fern", "", "CP-V2-053 PID-5 PID-5 (Patient name) is missing"},
		{"field null", "Exampleton^Fern", `""`, ""},
		{"field unknown", "|F|||20260304095000-0500\r", "|F|||20260304095000-0500||||||||||||||X\r", "CP-V2-054 OBX-28 version 2.5.1 has no field OBX-28"},
		{"field twice", "||19810409|", "||19810409~19810410|", "CP-V2-055 PID-7[2] PID-7"},
		{"identifiers twice", "EX-4711^^^OAKVALLEY^MR", "EX-4711^^^OAKVALLEY^MR~EX-9^^^OAKVALLEY^PI", ""},
		{"no date", "19810409", "04/09/1981", "CP-V2-056 PID-7 the value is no DTM"},
		{"no day", "|20260301|", "|20260229|", "CP-V2-056 OBX[2]-5 the value is no DT: YYYYMMDD"},
		{"no number", "|4.2|", "|4,2|", "CP-V2-056 OBX-5 the value is no NM"},
		{"a null number", "|4.2|", `|""|`, ""},
		{"no sequence", "OBX|1|", "OBX|one|", "CP-V2-056 OBX-1 the value is no SI"},
		{"code", "|N|||F|||2026", "|N|||final|||2026", "CP-V2-057 OBX-11 table 0085 of HL7 has no such code"},
		{"code of blanks", "|N|||F|||2026", "| |||F|||2026", ""},
		{"code between blanks", "|N|||F|||2026", "|N||| F |||2026", ""},
		{"code of a site's own message", "ORU^R01^ORU_R01", "ZRU^Z99^ZRU_Z99", "CP-V2-020 MSH-9 no message structure is known for the type in MSH-9"},
		{"code of a site's own event", "ORU^R01^ORU_R01", "ORU^Z99^ORU_R01", ""},
		{"component too many", "EX-4711^^^OAKVALLEY^MR", "EX-4711^^^OAKVALLEY^MR^^^^^^X", "CP-V2-058 PID-3.11 CX has 10 components"},
		{"primitive with components", "|RE\r", "|RE^X\r", "CP-V2-058 ORC-1.2 ID has one component"},
		{"component missing", "EX-4711^^^OAKVALLEY^MR", "^^^OAKVALLEY^MR", "CP-V2-059 PID-3.1 component 1 (ID Number) of CX is missing"},
		{"value type unknown", "|NM|", "|QQ|", "CP-V2-060 OBX-2 "},
		{"value type missing", "|NM|", "||", "CP-V2-053 OBX-2 OBX-2 (Value Type) is missing, and OBX-5 has a value"},
		{"no value", "|NM|2823-3^Potassium^LN||4.2|", "||2823-3^Potassium^LN|||", ""},
		{"Z segment", "PV1|1|O\r", "PV1|1|O\rZAB|x|y\r", ""},
		{"older version knows it not", "2.5.1", "2.3", ""},
		{"no header", "MSH|", "XSH|", "none"},
	} {
		if !strings.Contains(good, c.from) {
			t.Errorf("%s: the message has no %q", c.name, c.from)
			continue
		}
		list := check(t, strings.Replace(good, c.from, c.to, 1))
		if c.name == "older version knows it not" { // what 2.3 calls otherwise is not held against the sender
			for _, f := range list {
				if strings.HasPrefix(f, "CP-V2-053") || strings.HasPrefix(f, "CP-V2-050") {
					t.Errorf("%s: %q", c.name, list)
				}
			}
			continue
		}
		if c.name == "no header" {
			if len(list) == 0 {
				t.Errorf("%s: nothing", c.name)
			}
			continue
		}
		if c.want == "" && len(list) > 0 || c.want != "" && (len(list) == 0 || !strings.HasPrefix(list[0], c.want) || len(list) > 1) {
			t.Errorf("%s: %q", c.name, list)
		}
	}
}

func TestForms(t *testing.T) {
	for datatype, values := range map[string]map[string]bool{
		"DT":  {"2026": true, "202602": true, "20240229": true, "20250229": false, "2026-01-01": false, "202613": false, "20260100": false, "": false, "0000": false},
		"TM":  {"10": true, "1015": true, "101530": true, "101530.1234": true, "1015-0500": true, "24": false, "1060": false, "10:15": false, "101530.": false, "1015-05": false},
		"DTM": {"2026": true, "20260304101530.25+0100": true, "2026030410": true, "202603041": false, "20260304101": false, "20260304T1015": false, "20260304-0500": true},
		"NM":  {"1": true, "-1.5": true, "+.5": true, "1.": true, "1,5": false, "<5": false, ".": false, "": false, "1.2.3": false, " 7 ": true},
		"SI":  {"0": true, "9999": true, "10000": false, "-1": false, "": false},
	} {
		for v, want := range values {
			if got := forms[datatype].valid(v); got != want {
				t.Errorf("%s %q: %v", datatype, v, got)
			}
		}
	}
}

// No finding quotes a value (law 9).
func TestNoValues(t *testing.T) {
	bad := good
	for _, s := range []string{"19810409", "|4.2|", "|F|||2026", "EX-4711", "|O\r"} {
		bad = strings.Replace(bad, s, strings.ReplaceAll(s, strings.Trim(s, "|\r"), "Zyxwv"), 1)
	}
	list := check(t, bad)
	if len(list) < 2 {
		t.Errorf("%q", list)
	}
	for _, f := range list {
		if strings.Contains(f, "Zyxwv") {
			t.Error(f)
		}
	}
}

func TestStream(t *testing.T) {
	n := 0
	res, err := Stream(t.Context(), strings.NewReader(good+"\r"+good+"ZZZ|1\r"), "x", func(*diag.Finding) { n++ })
	if err != nil || res.Messages != 2 || n != 0 || len(res.Unchecked) != 1 {
		t.Errorf("%+v %v, %d findings", res, err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Stream(ctx, strings.NewReader(good), "x", func(*diag.Finding) {}); err == nil {
		t.Error("it goes on when nobody wants it")
	}
	for _, source := range []string{"", "hello", "\x0b\x1c\r", "MSH", "MSH|", "MSH|^~\\&\r", "PID|1\r"} {
		_, err := Stream(t.Context(), strings.NewReader(source), "x", func(f *diag.Finding) {})
		if err != nil {
			t.Errorf("%q: %v", source, err)
		}
	}
	many := 0
	_, _ = Stream(t.Context(), strings.NewReader(good+strings.Repeat("OBX|x\r", 3000)), "x", func(f *diag.Finding) { many++ })
	if many < maxFindings || many > 3*maxFindings+100 {
		t.Errorf("%d findings", many)
	}
}

// The corpus: no crash, and messages made to be right have no finding of the first severity.
func TestCorpus(t *testing.T) {
	files, messages, rejected := 0, 0, 0
	err := filepath.WalkDir(filepath.Join(testshared.Dir(t), "corpus", "hl7v2"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || !hl7v2.Sniff(b[:min(len(b), 4096)]) {
			return err
		}
		files++
		bad := false
		res, err := Stream(t.Context(), strings.NewReader(string(b)), filepath.Base(path), func(f *diag.Finding) { bad = bad || f.Severity() == diag.Reject })
		messages += res.Messages
		if bad {
			rejected++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d messages; %d files with what a receiver would reject", files, messages, rejected)
	if files < 500 || rejected > files/2 {
		t.Errorf("%d of %d files", rejected, files)
	}
}

func BenchmarkStream(b *testing.B) {
	source := strings.Repeat(good, 2000)
	b.SetBytes(int64(len(source)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Stream(b.Context(), strings.NewReader(source), "", func(*diag.Finding) {}); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzStream(f *testing.F) {
	f.Add(good)
	f.Add("MSH|^~\\&|||||||ADT^A08|1|P|2.3\rEVN|A08\rPID|||1^^^^~2||A&B^C|||Q\rZZZ\r")
	f.Fuzz(func(t *testing.T, source string) {
		_, err := Stream(t.Context(), strings.NewReader(source), "x", func(f *diag.Finding) {
			if f.ID.Entry().Why == "" {
				t.Errorf("%v", f)
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestWithdrawnFields: what 2.7 has withdrawn is not demanded of a later message. What all versions demand is.
func TestWithdrawnFields(t *testing.T) {
	for _, version := range []string{"2.8", "2.8.2", "2.9"} {
		list := check(t, "MSH|^~\\&|EHR|MAPLE|||20260304101500-0500||ADT^A40^ADT_A39|1|P|"+version+"\r"+
			"EVN||20260304101500-0500\rPID|1||4711^^^MAPLE^MR||Sample^Ann\rMRG|4713^^^MAPLE^MR\r")
		for _, f := range list {
			if strings.HasPrefix(f, "CP-V2-053") {
				t.Errorf("%q: %s", version, f)
			}
		}
		list = check(t, "MSH|^~\\&|EHR|MAPLE|||20260304101500-0500||ADT^A40^ADT_A39|1|P|"+version+"\r"+
			"EVN||20260304101500-0500\rPID|1||4711^^^MAPLE^MR\rMRG|4713^^^MAPLE^MR\r")
		if !slices.ContainsFunc(list, func(f string) bool { return strings.HasPrefix(f, "CP-V2-053 PID-5") }) {
			t.Errorf("%q: PID-5 is not missed: %q", version, list)
		}
	}
}
