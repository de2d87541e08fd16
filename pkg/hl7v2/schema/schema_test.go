package schema

import (
	"os"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/squeezed"
)

func TestStructureOf(t *testing.T) {
	for _, tt := range []struct {
		typ, event, want string
		ok               bool
	}{
		{"ORU", "R01", "ORU_R01", true},
		{"ADT", "A01", "ADT_A01", true},
		{"ADT", "A04", "ADT_A01", true},
		{"ADT", "A08", "ADT_A01", true},
		{"ADT", "A13", "ADT_A01", true},
		{"ADT", "A28", "ADT_A05", true},
		{"ADT", "A31", "ADT_A05", true},
		{"ADT", "A40", "ADT_A39", true},
		{"ADT", "A10", "ADT_A09", true},
		{"ADT", "A11", "ADT_A09", true},
		{"ADT", "A29", "ADT_A21", true},
		{"ADT", "A34", "ADT_A30", true},
		{"VXU", "V04", "VXU_V04", true},
		{"SIU", "S15", "SIU_S12", true},
		{"MDM", "T06", "MDM_T02", true},
		{"PPR", "PC3", "PPR_PC1", true},
		{"RDE", "O01", "RDE_O11", true},
		{"RDE", "O25", "RDE_O11", true},
		{"REF", "I14", "REF_I12", true},
		{"ACK", "A01", "ACK", true},
		{"ACK", "", "ACK", true},
		{"ORU", "", "ORU_R01", true},
		{"ADT", "", "", false},
		{"ADT", "Z99", "", false},
		{"", "", "", false},
	} {
		if got, ok := StructureOf(tt.typ, tt.event); got != tt.want || ok != tt.ok {
			t.Errorf("StructureOf(%s, %s) = %q, %v; want %q, %v", tt.typ, tt.event, got, ok, tt.want, tt.ok)
		}
	}
}

// TestGroups holds the group names that the mapping tables are written with.
func TestGroups(t *testing.T) {
	for _, tt := range []struct{ id, want string }{
		{"ORU_R01", "PATIENT_RESULT(PATIENT(PID PD1? PRT* NTE* NK1* NTE* ARV* PATIENT_OBSERVATION(OBX PRT*)* VISIT(PV1 PV2? PRT*)?)? "},
		{"ORU_R01", "ORDER_OBSERVATION(COMMON_ORDER(ORC PRT* ORDER_DOCUMENT(OBX PRT* TXA)?)? OBR PRT* NTE* "},
		{"ORU_R01", "SPECIMEN(SPM NTE* SPECIMEN_OBSERVATION(OBX PRT*)*)*)+)+ DSC?"},
		{"ADT_A01", "NEXT_OF_KIN(NK1 OH2* OH3?)* PV1 PV2? "},
		{"ADT_A01", "OBSERVATION(OBX PRT*)* AL1* IAM* DG1* DRG? PROCEDURE(PR1 ROL* PRT*)* GT1* INSURANCE(IN1 IN2? IN3* "},
		{"VXU_V04", "PATIENT_VISIT(PV1 PV2? ARV*)? GT1* INSURANCE(IN1 IN2? IN3?)* PERSON_OBSERVATION(OBX PRT* NTE*)* ORDER(ORC? PRT* TIMING(TQ1 TQ2*)* RXA PRT* RXR? OBSERVATION(OBX PRT* NTE*)*)*"},
		{"ORM_O01", "ORDER_DETAIL((OBR|RQD|RQ1|RXO|ODS|ODT|ORO|RX1) RQ1? ODS* ODT* RXR* COMPONENT(RXC NTE*)* PRT* NTE* ROL* CTD? DG1* OBSERVATION(OBX PRT* NTE*)* IPC* SPECIMEN(SPM NTE*)*)? FT1*"},
		{"MDM_T02", "TXA CON* OBSERVATION(OBX PRT* NTE*)+"},
		{"ADT_A39", "PATIENT(PID PD1? PATIENT_NOTES(NTE+)? MRG PV1? PV2? "},
	} {
		if got := Structure(tt.id).String(); !strings.Contains(got, tt.want) {
			t.Errorf("%s = %s, without %s", tt.id, got, tt.want)
		}
	}
	if p := Structure("ADT_A08"); p.Name != "ADT_A01" {
		t.Errorf("ADT_A08 is read as %s", p.Name)
	}
	if got := StructureIn("ORU_R01", "2.5.1").String(); !strings.Contains(got, "ORDER_OBSERVATION(ORC? OBR NTE* TIMING_QTY(") {
		t.Errorf("ORU_R01 of 2.5.1 = %s", got)
	}
	if got := StructureIn("ORU_R01", "2.1").String(); strings.Contains(got, "SPM") {
		t.Errorf("ORU_R01 of 2.1 = %s", got)
	}
}

// TestStructuresRoundTrip reads every grammar and writes it again.
func TestStructuresRoundTrip(t *testing.T) {
	n := 0
	for line := range strings.Lines(squeezed.Text(structuresList)) {
		c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if line[0] == '#' || c[1] == "=" {
			continue
		}
		text := c[2]
		p := &Part{Name: "X", Min: 1, Max: 1, Parts: parseParts(&text)}
		if got := p.String(); got != "X("+c[2]+")" {
			t.Errorf("%s %s: %s became %s", c[0], c[1], c[2], got)
		}
		if c[1] == "*" && p.Parts[0].Name != "MSH" {
			t.Errorf("%s begins with %s", c[0], p.Parts[0].Name)
		}
		n++
	}
	if n < 500 {
		t.Errorf("only %d grammars", n)
	}
}

// TestAliasesResolve finds an event that points nowhere.
func TestAliasesResolve(t *testing.T) {
	for id, to := range structures().same {
		if structures().index[to] == nil {
			t.Errorf("%s has the structure %s, which is not there", id, to)
		}
		if p := Structure(id); p == nil || p.Name != to {
			t.Errorf("Structure(%s) = %v", id, p)
		}
	}
}

func TestSegmentIn(t *testing.T) {
	for _, tt := range []struct {
		seg, version string
		n            int
		want         Field
	}{
		{"PID", "2.3", 5, Field{"Patient name", "XPN", Required, 1, 48, ""}},
		{"PID", "2.5.1", 5, Field{"Patient name", "XPN", Required, 0, 250, ""}},
		{"PID", "2.5.1", 8, Field{"Administrative Sex", "IS", Optional, 1, 1, "0001"}},
		{"PID", "2.7.1", 8, Field{"Administrative Sex", "CWE", Optional, 1, 0, "0001"}},
		{"PID", "2.7.1", 2, Field{"Patient ID", "ST", Withdrawn, 1, 0, ""}},
		{"PID", "2.8", 7, Field{"Date/Time Of Birth", "DTM", Optional, 1, 0, ""}},
		{"OBX", "2.4", 11, Field{"Observation Result Status", "ID", Required, 1, 1, "0085"}},
		{"PRT", "2.5", 4, Field{"Participation", "CWE", Required, 1, 0, "0912"}}, // first known in 2.7
	} {
		s := SegmentIn(tt.seg, tt.version)
		if s == nil || len(s.Fields) < tt.n {
			t.Fatalf("%s of %s: %+v", tt.seg, tt.version, s)
		}
		got := s.Fields[tt.n-1]
		if !strings.EqualFold(got.Name, tt.want.Name) {
			t.Errorf("%s-%d of %s is called %q, want %q", tt.seg, tt.n, tt.version, got.Name, tt.want.Name)
		}
		got.Name, tt.want.Name = "", ""
		if got != tt.want {
			t.Errorf("%s-%d of %s = %+v, want %+v", tt.seg, tt.n, tt.version, got, tt.want)
		}
	}
	if n21, n251, n9 := len(SegmentIn("PID", "2.1").Fields), len(SegmentIn("PID", "2.5.1").Fields), len(SegmentIn("PID", "").Fields); n21 != 20 || n251 != 39 || n9 != 40 {
		t.Errorf("PID has %d, %d, %d fields in 2.1, 2.5.1 and last", n21, n251, n9)
	}
	if SegmentIn("ZZZ", "") != nil || DatatypeIn("ZZZ", "") != nil {
		t.Error("found what is not there")
	}
}

func TestDatatypeIn(t *testing.T) {
	if d := DatatypeIn("CX", "2.5.1"); len(d.Components) != 10 || d.Components[3].Datatype != "HD" || d.Components[4].Table != "0203" {
		t.Errorf("CX of 2.5.1 = %+v", d)
	}
	if d := DatatypeIn("ST", "2.5.1"); d == nil || len(d.Components) != 0 {
		t.Errorf("ST = %+v", d)
	}
	if d := DatatypeIn("TS", "2.3"); len(d.Components) != 1 {
		t.Errorf("TS of 2.3 = %+v", d)
	}
}

// TestDatatypesExist finds a field whose datatype nobody describes.
func TestDatatypesExist(t *testing.T) {
	missing := map[string]bool{}
	check := func(at string, fields []Field) {
		for _, f := range fields {
			if f.Datatype != "" && DatatypeIn(f.Datatype, "") == nil {
				missing[f.Datatype] = true
			}
			if f.Name != "" && f.Usage == 0 {
				t.Errorf("%s: a field without usage: %+v", at, f)
			}
			if f.Usage != 0 && strings.IndexByte("ORCX", byte(f.Usage)) < 0 {
				t.Errorf("%s: usage %c", at, f.Usage)
			}
		}
	}
	for _, v := range Versions() {
		for _, n := range Segments() {
			check(n, SegmentIn(n, v).Fields)
		}
		for _, n := range Datatypes() {
			check(n, DatatypeIn(n, v).Components)
		}
	}
	for n := range missing {
		t.Logf("no description of %s", n)
	}
	if len(missing) > 40 {
		t.Errorf("%d datatypes are not described", len(missing))
	}
}

func TestLater(t *testing.T) {
	order := append(Versions(), "2.10", "")
	for i := range order {
		for j := range order {
			if got := later(order[i], order[j]); got != (i > j) {
				t.Errorf("later(%q, %q) = %v", order[i], order[j], got)
			}
		}
	}
}

func BenchmarkFirstUse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		index(squeezed.Text(segmentsList))
		index(squeezed.Text(datatypesList))
	}
}

func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	text := segmentIndex()["PID"]
	for b.Loop() {
		read(text, "2.5.1")
	}
}

func TestNearest(t *testing.T) {
	for _, tt := range [][2]string{{"2.5.1", "2.5.1"}, {"2.8", "2.9"}, {"2.8.2", "2.9"}, {"3", "2.9"}, {"", "2.9"}, {"2.3.2", "2.3.1"}, {"2.0", "2.1"}, {"1", "2.1"},
		{"what", "2.1"}, {"2.5.1.7", "2.5.1"}} {
		if got := Nearest(tt[0]); got != tt[1] {
			t.Errorf("Nearest(%q) = %q, want %q", tt[0], got, tt[1])
		}
	}
}

// TestLists: what is embedded is what the source says.
func TestLists(t *testing.T) {
	for name, list := range map[string]string{"structures.txt": structuresList, "segments.txt": segmentsList, "datatypes.txt": datatypesList} {
		if want, err := os.ReadFile(name); err != nil || squeezed.Text(list) != string(want) {
			t.Errorf("%s.gz is not current: run make lists (%v)", name, err)
		}
	}
}
