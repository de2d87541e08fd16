package mapping

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files parses sources named a.map, b.map and so on; lazily if asked.
func files(t testing.TB, index bool, srcs ...string) []*File {
	t.Helper()
	var all []*File
	for i, src := range srcs {
		name := string(rune('a'+i)) + ".map"
		f, err := ParseFile(name, []byte(src))
		if index {
			f, err = IndexFile(name, []byte(src))
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

const builtinPID = `system cp https://x.example/
let n 5.1

table PID -> Patient
1   -      set id is positional
5   XPN[]  name
# a comment between
7   DT     birthDate  with 8=M
7   DTM    birthDate  with 8=F

8   0001   gender
22  DTM    issued
else 14  DTM  issued
else 'x'  ID  issued
- id made again

table SN -> Quantity|Range
1  NM  value
$n ST  unit

codes 0001 from cp # sex
  M  male
  F  female
> A  other   # as O
  O  other
  U  unknown
`

// show gives the rows of a table in short.
func show(t testing.TB, s *Set, name, typ string) []string {
	t.Helper()
	x, err := s.Table(name, typ)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, r := range x.Rows {
		rows = append(rows, r.String())
	}
	return rows
}

func TestMergeOrder(t *testing.T) {
	for _, index := range []bool{false, true} {
		builtin := files(t, index, builtinPID, "table PID -> Patient\n30 ST deceased\n")
		overlays := files(t, false, "table PID -> Patient\n40 ST a\n41 ST b\n", "table PID -> Patient\n50 ST c\ntable ZZZ -> Patient\n1 ST d\n")
		s, err := Merge(builtin, overlays)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"50  ST  c", "40  ST  a", "41  ST  b",
			"1  -  set id is positional", "5  XPN[]  name", "7  DT  birthDate  with 8=M", "7  DTM  birthDate  with 8=F", "8  0001  gender",
			"22  DTM  issued", "else 14  DTM  issued", "else 'x'  ID  issued", "-  id  made again", "30  ST  deceased"}
		if d := cmp.Diff(want, show(t, s, "PID", "Patient")); d != "" {
			t.Errorf("indexed %v: %s", index, d)
		}
		if d := cmp.Diff([]string{"1  NM  value", "5.1  ST  unit"}, []string{show(t, s, "SN", "Range")[0], plainRow(t, s, "SN", "Range", 1)}); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]Key{{"PID", "Patient"}, {"SN", "Quantity"}, {"SN", "Range"}, {"ZZZ", "Patient"}}, s.Tables()); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"Quantity", "Range"}, s.TypesOf("SN")); d != "" {
			t.Error(d)
		}
		if uri, ok := s.System("cp"); !ok || uri != "https://x.example/" {
			t.Error(uri)
		}
		if x, err := s.Table("PID", "Person"); x != nil || err != nil {
			t.Error(x, err)
		}
		if err := s.Check(); err != nil {
			t.Error(err)
		}
		r, _ := s.Table("PID", "Patient")
		if r.Rows[3].Pos != (Pos{"a.map", 5, 1}) || r.Rows[12].Pos != (Pos{"b.map", 2, 1}) {
			t.Errorf("positions %v %v", r.Rows[3].Pos, r.Rows[12].Pos)
		}
	}
}

// plainRow is a row with its $names expanded.
func plainRow(t testing.TB, s *Set, name, typ string, i int) string {
	x, _ := s.Table(name, typ)
	r := *x.Rows[i]
	r.written = nil
	return r.String()
}

func TestOverlayChanges(t *testing.T) {
	tests := []struct {
		at, overlay string
		want        []string // the rows of PID that are new or differ, in their places; others are given as their place
	}{
		{line(), "drop PID[Patient] 8 -> gender", []string{"1", "5", "7", "7", "22", "14", "", ""}},
		{line(), "table PID -> Patient\ndrop 8 -> gender", []string{"1", "5", "7", "7", "22", "14", "", ""}},
		{line(), "table PID -> Patient\ndrop 1 -> -\n1 ST id", []string{"1  ST  id", "5", "7", "7", "8", "22", "14", "", ""}},
		{line(), "drop PID[Patient] - -> id", []string{"1", "5", "7", "7", "8", "22", "14", ""}},
		{line(), "drop PID[Patient] 'x' -> issued", []string{"1", "5", "7", "7", "8", "22", "14", ""}},
		{line(), "drop PID[Patient] 7 -> birthDate", []string{"1", "5", "8", "22", "14", "", ""}},
		{line(), "drop PID[Patient] 7 -> birthDate with 8=F", []string{"1", "5", "7", "8", "22", "14", "", ""}},
		// What follows the first row of a chain begins the chain when it is dropped.
		{line(), "drop PID[Patient] 22 -> issued", []string{"1", "5", "7", "7", "8", "14  DTM  issued", "", ""}},
		{line(), "drop PID[Patient] 14 -> issued", []string{"1", "5", "7", "7", "8", "22", "", ""}},
		{line(), "replace PID[Patient] 8 -> gender\n8 Local gender", []string{"1", "5", "7", "7", "8  Local  gender", "22", "14", "", ""}},
		{line(), "table PID -> Patient\nreplace 14 -> issued\nelse 15 DTM issued # later\n60 ST x", []string{"60  ST  x", "1", "5", "7", "7", "8", "22", "else 15  DTM  issued  # later", "", ""}},
	}
	for _, tt := range tests {
		s, err := Merge(files(t, true, builtinPID), files(t, false, tt.overlay))
		if err != nil {
			t.Errorf("%s: %v", tt.at, err)
			continue
		}
		base, _ := Merge(files(t, false, builtinPID), nil)
		old := show(t, base, "PID", "Patient")
		x, _ := s.Table("PID", "Patient")
		var got []string
		for _, r := range x.Rows {
			if slices.Contains(old, r.String()) {
				got = append(got, r.Place)
			} else {
				got = append(got, r.String())
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", tt.at, d)
		}
		if d := cmp.Diff(old, show(t, base, "PID", "Patient")); d != "" {
			t.Errorf("%s: the built-in table has changed: %s", tt.at, d)
		}
	}
}

// The second overlay sees what the first has made of the built-in rows, and drop of a table of two types needs only one.
func TestOverlayOverOverlay(t *testing.T) {
	s, err := Merge(files(t, true, builtinPID), files(t, false, "drop SN[Quantity|Range] 1 -> value\ntable SN -> Range\n9 ST nine\n",
		"drop SN[Quantity|Range] 9 -> nine\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []string{"Quantity", "Range"} {
		if d := cmp.Diff([]string{"$n  ST  unit"}, show(t, s, "SN", typ)); d != "" {
			t.Errorf("%s: %s", typ, d)
		}
	}
}

// In a scope overlays stand behind the built-in rows, which make its first resources, but before a row for any name.
func TestOverlayOfScope(t *testing.T) {
	const builtin = "table ADT -> Bundle\nMSH  MSH  MessageHeader\nPID  PID  Patient\nOBX  OBX[]  .\nelse Z*  Z[]  Basic\nNK1  NK1[]  RelatedPerson\n"
	s, err := Merge(files(t, true, builtin), files(t, false, "table ADT -> Bundle\nZA1  A  Patient\n", "table ADT -> Bundle\nZB1  B  Patient\nZB2  B  Patient\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"MSH  MSH  MessageHeader", "PID  PID  Patient", "ZB1  B  Patient", "ZB2  B  Patient", "ZA1  A  Patient", "OBX  OBX[]  .", "else Z*  Z[]  Basic", "NK1  NK1[]  RelatedPerson"}
	if d := cmp.Diff(want, show(t, s, "ADT", "Bundle")); d != "" {
		t.Error(d)
	}
	s, err = Merge(files(t, true, "table ADT -> Bundle\nMSH  MSH  MessageHeader\n"), files(t, false, "table ADT -> Bundle\nZA1  A  Patient\n", "table ADT -> Bundle\nZB1  B  Patient\n"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"MSH  MSH  MessageHeader", "ZB1  B  Patient", "ZA1  A  Patient"}, show(t, s, "ADT", "Bundle")); d != "" {
		t.Error(d)
	}
}

func TestOverlayFaults(t *testing.T) {
	tests := []struct{ at, overlay, want string }{
		{line(), "drop PID[Patient] 8 -> gendre", "CP-MAP-005 a.map:1:1: PID[Patient] has no row from 8 to gendre (its rows from there: 8 -> gender)"},
		{line(), "drop PID[Patient] 9 -> gender", "CP-MAP-005 a.map:1:1: PID[Patient] has no row from 9 to gender (did you mean 8 -> gender?)"},
		{line(), "drop PID[Patient] 7 -> birthDate with 8=X", "CP-MAP-005 a.map:1:1: PID[Patient] has no row from 7 to birthDate (its rows from there: 7 -> birthDate  with 8=M, 7 -> birthDate  with 8=F)"},
		{line(), "drop PIX[Patient] 8 -> gender", "CP-MAP-005 a.map:1:1: there is no table PIX -> Patient (did you mean PID?)"},
		{line(), "drop PID[Person] 8 -> gender", "CP-MAP-005 a.map:1:1: there is no table PID -> Person (there is PID -> Patient)"},
		{line(), "replace PID[Patient] 7 -> birthDate\n7 DT birthDate", "CP-MAP-005 a.map:1:1: 2 rows go from 7 to birthDate (a.map:8 and a.map:9) (add the row's with or if: 7 -> birthDate  with 8=M)"},
		{line(), "replace PID[Patient] 22 -> issued\nelse 23 DTM issued", "CP-MAP-005 a.map:2:1: else would chain the new row"},
		{line(), "system cp https://y.example/", "CP-MAP-004 a.map:1:1: system cp is https://x.example/ in a.map:1 (names of systems"},
		{line(), "codes 0001 http://z.example\nM male", "CP-MAP-004 a.map:1:1: codes 0001 are of system"},
	}
	for _, tt := range tests {
		builtin := builtinPID
		if strings.Contains(tt.overlay, "codes") {
			builtin = "codes 0001 http://a.example\nM male\n"
		}
		_, err := Merge(files(t, true, builtin), files(t, false, tt.overlay))
		fs := FaultsOf(err)
		if len(fs) != 1 {
			t.Errorf("%s: %d faults: %v", tt.at, len(fs), err)
			continue
		}
		if got := string(fs[0].ID) + " " + fs[0].Error(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s:\n got %s\nwant %s", tt.at, got, tt.want)
		}
	}
}

func TestOverlayCodes(t *testing.T) {
	s, err := Merge(files(t, true, builtinPID), files(t, false, "codes 0001\n  W  female\n  M  unknown\n> X other # as O\n", "codes 0001\nD - unclear\n"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Codes("0001")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range c.Codes {
		got = append(got, k.String())
	}
	want := []string{"D  -  unclear", "W  female", "M  unknown", "> X  other  # as O",
		"> F  female  # a.map:2 says what female is written back as", "> A  other  # as O", "O  other", "> U  unknown  # a.map:3 says what unknown is written back as"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if c.From != "cp" || c.Note != "sex" {
		t.Errorf("%+v", c)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	tests := []struct{ at, src, want string }{
		{line(), "codes A\n1 a\n1 b", "CP-MAP-004 a.map:3:1: the code 1 of A stands twice (a.map:2) (a code has one translation"},
		{line(), "codes A\n1 a\n1 a", "CP-MAP-004 a.map:3:1: the code 1 of A stands twice (a.map:2) (remove one"},
		{line(), "codes A\n1 a\n2 a", "CP-MAP-004 a.map:3:1: a of A would be written back as 1 and as 2 (a.map:2) (mark the one"},
		{line(), "codes A\n1 a\n> 2 a # x\n< 1 b # y\n3 -  z\n4 -  z", ""},
		{line(), "table A -> B\n1 ST x\n2 ST", "CP-MAP-001 a.map:3:5: the target is missing"},
		{line(), "table A -> B|C\n2 ST", "CP-MAP-001 a.map:2:5: the target is missing"},
		{line(), "table A -> B\n2 ST x\ntable A -> B\n3 ST x", "CP-MAP-004 a.map:3:1: table A -> B stands twice"},
		{line(), "table A -> B|C\n2 ST x\ntable A -> B\n3 ST y", ""},
		{line(), "table A|C -> B\n2 ST x\ntable A -> B\n3 ST y\ntable C -> B\n3 ST y", ""},
		{line(), "table A|C -> B\n2 ST x\ntable A|C -> B\n3 ST y", "CP-MAP-004 a.map:3:1: table A|C -> B stands twice"},
		{line(), "table A|C -> B\n2 ST", "CP-MAP-001 a.map:2:5: the target is missing"},
	}
	for _, tt := range tests {
		s, err := Merge(files(t, true, tt.src), nil)
		if err != nil {
			t.Errorf("%s: %v", tt.at, err)
			continue
		}
		fs := FaultsOf(s.Check())
		if tt.want == "" {
			if len(fs) > 0 {
				t.Errorf("%s: %v", tt.at, fs)
			}
			continue
		}
		if len(fs) != 1 {
			t.Errorf("%s: %d faults: %v", tt.at, len(fs), fs)
			continue
		}
		if got := string(fs[0].Finding().ID) + " " + fs[0].Error(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s:\n got %s\nwant %s", tt.at, got, tt.want)
		}
	}
}

// TestBlockOfSeveral: the rows of a block of several tables are those of each, among those that each has for itself; an overlay changes them one by one.
func TestBlockOfSeveral(t *testing.T) {
	for _, index := range []bool{false, true} {
		builtin := files(t, index, "table A -> Patient\n1 ST a\n\ntable A|B -> Patient|Person\n2 ST b\n\ntable B -> Patient\n3 ST c\n")
		for _, tt := range []struct {
			over             string
			a, b, bPerson, c []string
		}{
			{"", []string{"1  ST  a", "2  ST  b"}, []string{"2  ST  b", "3  ST  c"}, []string{"2  ST  b"}, nil},
			{"drop B[Patient] 2 -> b\n", []string{"1  ST  a", "2  ST  b"}, []string{"3  ST  c"}, []string{"2  ST  b"}, nil},
			{"table B|C -> Patient\n4 ST d\n", []string{"1  ST  a", "2  ST  b"}, []string{"4  ST  d", "2  ST  b", "3  ST  c"}, []string{"2  ST  b"}, []string{"4  ST  d"}},
		} {
			s, err := Merge(builtin, files(t, false, tt.over))
			if err != nil {
				t.Fatal(err)
			}
			got := [][]string{show(t, s, "A", "Patient"), show(t, s, "B", "Patient"), show(t, s, "B", "Person"), nil}
			if s.Has("C", "Patient") {
				got[3] = show(t, s, "C", "Patient")
			}
			if d := cmp.Diff([][]string{tt.a, tt.b, tt.bPerson, tt.c}, got); d != "" {
				t.Errorf("indexed %v, %q: %s", index, tt.over, d)
			}
		}
	}
}

func TestChangeInBuiltin(t *testing.T) {
	for _, src := range []string{"table A -> B\n1 ST x\ndrop 2 -> y\n", "drop A[B] 2 -> y\n"} {
		f, err := IndexFile("a.map", []byte(src))
		if err == nil {
			_, err = Merge([]*File{f}, nil)
		}
		if err == nil {
			t.Errorf("%q: no fault", src)
		}
	}
}

func TestLibrary(t *testing.T) {
	over := files(t, false, "---\nname: Maple labs\nmatches:\n  facility: MAPLE\n---\ntable PID -> Patient\n60 ST maple\n", "---\nmatches:\n  sender: OAK\n  headers: [x]\n---\ntable PID -> Patient\n61 ST oak\n")
	l := NewLibrary(files(t, true, builtinPID), over)
	var wg sync.WaitGroup
	sets := make([]*Set, 8)
	for i := range sets {
		wg.Go(func() {
			src := Source{Format: "hl7v2", Facility: []string{"maple"}}
			if i%2 == 1 {
				src.Facility = nil
			}
			var err error
			if sets[i], err = l.For(src); err != nil {
				t.Error(err)
			}
			if _, err := sets[i].Table("PID", "Patient"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range sets {
		if sets[i] != sets[i%2] {
			t.Errorf("set %d is not the one of the same overlays", i)
		}
		x, _ := sets[i].Table("PID", "Patient")
		if maple := x.Rows[0].Place == "60"; maple != (i%2 == 0) {
			t.Errorf("set %d begins with %s", i, x.Rows[0])
		}
	}
	got := Unmatched(&Maps{library: l})
	if len(got) != 1 || got[0].ID != MapUnmatched || got[0].What != "the mapping b.map matched none of the sources: it is for sender OAK, its columns" {
		t.Errorf("%v", got)
	}
}

// big is some 3,000 rows in 60 files, as the built-in tables are.
func big() [][]byte {
	var srcs [][]byte
	for f := range 60 {
		var b strings.Builder
		fmt.Fprintf(&b, "# Segment %d, as the guide has it.\nsystem s%d http://terminology.example/%d\n\n", f, f, f)
		for tb := range 3 {
			fmt.Fprintf(&b, "\n# Part %d\ntable S%d_%d -> Patient\n", tb, f, tb)
			for r := range 12 {
				fmt.Fprintf(&b, "%-3d  XPN[]  name[use=official].extension(s%d).valueCodeableConcept   with 2=NM and no 3  # as in 3.4.%d of the standard\n", r, f, r)
			}
		}
		fmt.Fprintf(&b, "\ncodes c%d s%d\n", f, f)
		for r := range 15 {
			fmt.Fprintf(&b, "  C%d  code-%d  # the code %d of the table\n", r, r, r)
		}
		srcs = append(srcs, []byte(b.String()))
	}
	return srcs
}

func BenchmarkParse(b *testing.B) {
	srcs := big()
	n := 0
	for _, s := range srcs {
		n += len(s)
	}
	b.Run("all", func(b *testing.B) {
		b.SetBytes(int64(n))
		b.ReportAllocs()
		for b.Loop() {
			for _, s := range srcs {
				if _, err := ParseFile("x.map", s); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	// What one conversion does at its start: index all, merge, and parse the 20 tables that it needs.
	b.Run("start", func(b *testing.B) {
		b.SetBytes(int64(n))
		b.ReportAllocs()
		for b.Loop() {
			var all []*File
			for _, s := range srcs {
				f, err := IndexFile("x.map", s)
				if err != nil {
					b.Fatal(err)
				}
				all = append(all, f)
			}
			s, err := Merge(all, nil)
			if err != nil {
				b.Fatal(err)
			}
			for i := range 20 {
				if _, err := s.Table(fmt.Sprintf("S%d_0", i), "Patient"); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
