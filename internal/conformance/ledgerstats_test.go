package conformance

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLedgerStats(t *testing.T) {
	one := `{"chartpost":"ledger/1","source":{"path":"a.hl7","format":"hl7v2"},"records":[
	 {"index":1,"id":"x","values":6,"carried":2,"folded":[{"at":"PID-12","why":"joined"}],"declined":[{"at":"PID-1","why":"set id is positional"}],
	  "unmapped":[{"at":"OBX[1]-99"}],"invalid":[{"at":"OBX[2]-5[2].1","why":"no number"}]},
	 {"index":2,"rejected":{"at":"MSH-9","why":"no type"}}],"totals":{"records":1}}`
	two := `{"chartpost":"ledger/1","source":{"path":"b.hl7","format":"hl7v2"},"records":[
	 {"index":1,"id":"y","values":3,"carried":1,"folded":[],"declined":[],"unmapped":[{"at":"OBX[7]-99"}],"invalid":[]}]}`
	for _, stream := range []string{one + "\n" + two, `{"chartpost":"ledger/1","sources":[` + one + "," + two + `],"records":[]}`} {
		var s LedgerStats
		if err := s.Read(strings.NewReader(stream)); err != nil {
			t.Fatal(err)
		}
		if s.Files != 2 || s.Records != 2 || s.Rejected != 1 {
			t.Errorf("files %d, records %d, rejected %d", s.Files, s.Records, s.Rejected)
		}
		for state, n := range map[string]int{"values": 9, "carried": 3, "folded": 1, "declined": 1, "unmapped": 2, "invalid": 1} {
			if s.Values[state] != n {
				t.Errorf("%s: %d, %d expected", state, s.Values[state], n)
			}
		}
		if p := s.Places["unmapped"]["OBX-99"]; p == nil || p.N != 2 || len(p.Sources) != 2 {
			t.Errorf("OBX-99: %+v", p)
		}
		if len(s.Unbalanced) != 1 || !strings.Contains(s.Unbalanced[0], "b.hl7 record 1") {
			t.Errorf("the record that does not add up: %q", s.Unbalanced)
		}
		var b strings.Builder
		s.Print(&b, 1)
		if !strings.Contains(b.String(), "2 in   2 files  OBX-99") {
			t.Errorf("printed:\n%s", b.String())
		}
	}
}

func TestMessageKinds(t *testing.T) {
	dir := t.TempDir()
	msg := "MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5\rPID|1||MSH\rMSH|^~\\&|A|B|C|D|2026||ORU^R01^ORU_R01|2|P|2.5\n"
	if err := os.WriteFile(filepath.Join(dir, "a.hl7"), []byte("\xef\xbb\xbf"+msg), 0o644); err != nil {
		t.Fatal(err)
	}
	kind := MessageKinds(dir)
	got := []string{kind("a.hl7", 1), kind("a.hl7", 2), kind("a.hl7", 3), kind("b.hl7", 1)}
	if want := []string{"ADT_A01", "ORU_R01", "", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, %q expected", got, want)
	}
	s := LedgerStats{KindOf: kind}
	ledger := `{"source":{"path":"a.hl7"},"records":[{"index":1,"values":1,"carried":1},{"index":2,"rejected":{"at":"MSH"}}]}`
	if err := s.Read(strings.NewReader(ledger)); err != nil {
		t.Fatal(err)
	}
	if s.Structures["ADT_A01"].Values["carried"] != 1 || s.Structures["ORU_R01"].Rejected != 1 {
		t.Errorf("structures: %v", s.Structures)
	}
}
