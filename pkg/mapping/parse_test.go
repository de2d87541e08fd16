package mapping

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRow(t *testing.T) {
	f, err := ParseFile("x.map", []byte("table PID -> Patient\n1 ST id\n> else 5.2[a='b c'] date(01/02/2006)[] name -> Practitioner with 2=NM and no 3 if 5.3 = 'a b'  # yes\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Row{Pos: Pos{"x.map", 3, 1}, Direction: Forward, Else: true, Kind: MapRow, Place: "5.2[a='b c']", Type: "date", Arg: "01/02/2006", Each: true,
		Target: "name -> Practitioner", With: []string{"2=NM", "no 3"}, If: []string{"5.3='a b'"}, Note: "yes"}
	if d := cmp.Diff(want, *f.Items[0].(*Table).Rows[1], cmp.AllowUnexported(Row{})); d != "" {
		t.Error(d)
	}
}

// line is where a table's case stands in this file, so that a failure leads there.
func line() string {
	_, _, n, _ := runtime.Caller(1)
	return fmt.Sprintf("parse_test.go:%d", n)
}

func TestParseRows(t *testing.T) {
	tests := []struct {
		at, row string
		want    Row
	}{
		{line(), "5 XPN[] name", Row{Kind: MapRow, Place: "5", Type: "XPN", Each: true, Target: "name"}},
		{line(), "1 -   set id is positional ", Row{Kind: DeclineSource, Place: "1", Note: "set id is positional"}},
		{line(), "1 - # set id's # place", Row{Kind: DeclineSource, Place: "1", Note: "set id's # place"}},
		{line(), "- id made again", Row{Kind: DeclineTarget, Target: "id", Note: "made again"}},
		{line(), "'it''s' ID status", Row{Kind: ConstTarget, Literal: "it's", Type: "ID", Target: "status"}},
		{line(), "else 'unknown' ID status", Row{Else: true, Kind: ConstTarget, Literal: "unknown", Type: "ID", Target: "status"}},
		{line(), "MSH-9.1 ID 'ORU'", Row{Kind: ConstSource, Place: "MSH-9.1", Type: "ID", Literal: "ORU"}},
		{line(), "5 CWE+0078[] interpretation", Row{Kind: MapRow, Place: "5", Type: "CWE", Codes: "0078", Each: true, Target: "interpretation"}},
		{line(), `"First Name" ST name.given`, Row{Kind: MapRow, Place: `"First Name"`, Type: "ST", Target: "name.given"}},
		{line(), `"else" ST name.given`, Row{Kind: MapRow, Place: `"else"`, Type: "ST", Target: "name.given"}},
		{line(), ".\tCWE_1\tcoding[]", Row{Kind: MapRow, Place: ".", Type: "CWE_1", Target: "coding[]"}},
		{line(), "act[@classCode='A CT'] X .", Row{Kind: MapRow, Place: "act[@classCode='A CT']", Type: "X", Target: "."}},
		{line(), "7 XCN[] participant[type=x#ATND].individual   ->  Practitioner[a=b]", Row{Kind: MapRow, Place: "7", Type: "XCN", Each: true, Target: "participant[type=x#ATND].individual -> Practitioner[a=b]"}},
		{line(), "< 7 ST x # back", Row{Direction: Backward, Kind: MapRow, Place: "7", Type: "ST", Target: "x", Note: "back"}},
		{line(), "7 ST x if a=b | 'c d' and no e", Row{Kind: MapRow, Place: "7", Type: "ST", Target: "x", If: []string{"a=b|'c d'", "no e"}}},
		{line(), "7 ST x if a != b with c=<|<=|>", Row{Kind: MapRow, Place: "7", Type: "ST", Target: "x", If: []string{"a!=b"}, With: []string{"c=<|<=|>"}}},
		{line(), "7#1 ST x#y #z", Row{Kind: MapRow, Place: "7#1", Type: "ST", Target: "x#y", Note: "z"}},
		{line(), "$s/c ST x if $s=1 and $s-2/@a", Row{Kind: MapRow, Place: "a/b/c", Type: "ST", Target: "x", If: []string{"a/b=1", "d/@a"}}},
		{line(), "x['$s'] ST x", Row{Kind: MapRow, Place: "x['$s']", Type: "ST", Target: "x"}},
	}
	for _, tt := range tests {
		f, err := ParseFile("x.map", []byte("let s a/b\nlet s-2 d\ntable A -> B\n0 ST first\n"+tt.row))
		if err != nil {
			t.Errorf("%s: %v", tt.at, err)
			continue
		}
		got := *f.Items[2].(*Table).Rows[1]
		got.Pos, got.written = Pos{}, nil
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(Row{})); d != "" {
			t.Errorf("%s: %s", tt.at, d)
		}
	}
}

func TestParseFaults(t *testing.T) {
	tests := []struct {
		at, src string
		want    string // the first fault; "id file:line:column: message (hint)", of which the end may be left out
	}{
		// rows
		{line(), "table A -> B\n5", "CP-MAP-001 x.map:2:2: the type and the target are missing (a row is: place  type  target; or declined: 5  -  reason)"},
		{line(), "table A -> B\n5 ST", "CP-MAP-001 x.map:2:5: the target is missing (a row is: place  type  target)"},
		{line(), "table A -> B\n5 ST # x", "CP-MAP-001 x.map:2:6: the target is missing"},
		{line(), "table A -> B\n> 5 ST x", "CP-MAP-003 x.map:2:1: a row that goes one way needs a note (say behind # why"},
		{line(), "table A -> B\n< 5 ST x #", "CP-MAP-003 x.map:2:1: a row that goes one way needs a note"},
		{line(), "table A -> B\n>", "CP-MAP-001 x.map:2:2: the place is missing"},
		{line(), "table A -> B\n5 -  ", "CP-MAP-003 x.map:2:1: a declined place needs its reason"},
		{line(), "table A -> B\n- id #", "CP-MAP-003 x.map:2:1: a declined element needs its reason"},
		{line(), "table A -> B\n- - why", "CP-MAP-001 x.map:2:5: the element that is declined is missing"},
		{line(), "table A -> B\n> 5 - why", "CP-MAP-001 x.map:2:1: > says nothing on a declined row"},
		{line(), "table A -> B\n5[] ST x", "CP-MAP-001 x.map:2:2: [] stands behind the type or a step of the target, not behind a place (write [] behind the type: 5  TYPE[])"},
		{line(), "table A -> B\n5 ST[][] x", "CP-MAP-001 x.map:2:5: \"[]\" may not stand behind a type (write [] once)"},
		{line(), "table A -> B\n5 SN[Range] x", "CP-MAP-001 x.map:2:5: \"[Range]\" may not stand behind a type (the type's table is chosen by the target: write SN)"},
		{line(), "table A -> B\n5 ST coding[system=x][]", "CP-MAP-001 x.map:2:22: [] is misplaced"},
		{line(), "table A -> B\n5 ST a[].b[]", "CP-MAP-001 x.map:2:11: [] stands twice"},
		{line(), "table A -> B\n5 CWE+ x", "CP-MAP-001 x.map:2:6: the codes behind + are missing"},
		{line(), "table A -> B\n5 date(x)y x", "CP-MAP-001 x.map:2:7: date(x)y: the argument stands at the end"},
		{line(), "table A -> B\n5 S:T x", "CP-MAP-001 x.map:2:3: S:T is no name of a type"},
		{line(), "table A -> B\n5 (x) x", "CP-MAP-001 x.map:2:3: the type has no name"},
		{line(), "table A -> B\n'a' ID 'b'", "CP-MAP-001 x.map:2:8: both sides are literals"},
		{line(), "table A -> B\n'' ID x", "CP-MAP-001 x.map:2:1: a constant without text does nothing"},
		{line(), "table A -> B\n'a' ID[] x", "CP-MAP-001 x.map:2:1: a constant does not repeat"},
		{line(), "table A -> B\n'a' - x", "CP-MAP-001 x.map:2:5: a constant cannot be declined"},
		{line(), "table A -> B\n'a'b ID x", "CP-MAP-001 x.map:2:1: 'a'b is not a literal"},
		{line(), "table A -> B\n5 ID 'a'b", "CP-MAP-001 x.map:2:6: 'a'b is not a literal"},
		{line(), "table A -> B\n5 ST x -> # y", "CP-MAP-001 x.map:2:8: the resource behind -> is missing"},
		{line(), "table A -> B\n5 ST x wiht 2=NM", "CP-MAP-001 x.map:2:8: \"wiht\" stands where with, if or a note is expected (did you mean with?)"},
		{line(), "table A -> B\n5 ST x note", "CP-MAP-001 x.map:2:8: \"note\" stands where with, if or a note is expected (a note begins with #)"},
		{line(), "table A -> B\n5 ST x with", "CP-MAP-001 x.map:2:12: a test is missing (as in with 2=NM"},
		{line(), "table A -> B\n5 ST x if no", "CP-MAP-001 x.map:2:13: a test is missing"},
		{line(), "table A -> B\n5 ST x if no 5=3", "CP-MAP-001 x.map:2:14: no asks whether a place is empty"},
		{line(), "table A -> B\n5 ST x if 2=a 3=b", "CP-MAP-001 x.map:2:15: \"3=b\" is not part of the test 2=a (join tests by and"},
		{line(), "table A -> B\n5 ST x if 2=a adn 3=b", "CP-MAP-001 x.map:2:15: \"adn\" is not part of the test 2=a (did you mean and?)"},
		{line(), "table A -> B\n5 ST x if 2=<= 3=b", "CP-MAP-001 x.map:2:16: \"3=b\" is not part of the test 2=<="},
		{line(), "table A -> B\n5 ST x if 2=a if 3=b", "CP-MAP-001 x.map:2:15: if stands twice"},
		{line(), "table A -> B\n5 ST x if 2='a", "CP-MAP-001 x.map:2:13: the quote ' is not closed"},
		{line(), "table A -> B\n\"First 5 ST x", "CP-MAP-001 x.map:2:1: the quote \" is not closed"},
		{line(), "table A -> B\n5 ST x[a=b", "CP-MAP-001 x.map:2:7: the bracket [ is not closed"},
		{line(), "table A -> B\n5 ST x(a]", "CP-MAP-001 x.map:2:9: ] closes ("},
		{line(), "table A -> B\n5 ST x]", "CP-MAP-001 x.map:2:7: ] closes nothing"},
		{line(), "table A -> B\n5 ST " + strings.Repeat("(", 17), "CP-MAP-001 x.map:2:22: brackets are nested too deep"},
		{line(), "table A -> B\n5 ST\u00a0x y", "CP-MAP-001 x.map:2:5: a no-break space stands here"},
		{line(), "table A -> B\n\u201cFirst\u201d ST x", "CP-MAP-001 x.map:2:1: a typographic quote stands here (type ' or"},
		{line(), "table A -> B\n5 S\x01T x", "CP-MAP-001 x.map:2:4: a control character stands here"},
		{line(), "table A -> B\nelse 5 ST x", "CP-MAP-001 x.map:2:1: else chains a row to the row above it, and there is none"},
		{line(), "table A -> B\n4 ST x\nelse > 5 ST x # y", "CP-MAP-001 x.map:3:6: > stands before else (write > else)"},
		{line(), "table A -> B\ntabel C -> D", "CP-MAP-001 x.map:2:9: the target is missing before -> (did you mean table?)"},
		{line(), "table A -> B\n$s/c ST x", "CP-MAP-001 x.map:2:1: $s is not known here (let s PLACE must stand above"},
		{line(), "let sub a\ntable A -> B\n5 ST x if 1 and $sbu/c", "CP-MAP-001 x.map:3:8: $sbu is not known here (did you mean sub?)"},
		// tables
		{line(), "5 ST x\n6 ST y", "CP-MAP-001 x.map:1:1: \"5\" stands outside a table (begin with table NAME -> TYPE or codes NAME)"},
		{line(), "tabel A -> B", "CP-MAP-001 x.map:1:1: \"tabel\" stands outside a table (did you mean table?)"},
		{line(), "table", "CP-MAP-001 x.map:1:1: the table has no name"},
		{line(), "table A", "CP-MAP-001 x.map:1:7: -> and a type are missing behind table A"},
		{line(), "table A ->", "CP-MAP-001 x.map:1:11: the type of table A is missing"},
		{line(), "table A -> B C", "CP-MAP-001 x.map:1:14: \"C\" is too much behind the table's type"},
		{line(), "table A -> B|", "CP-MAP-001 x.map:1:1: \"\" is no name of a type"},
		{line(), "table A -> B|B", "CP-MAP-001 x.map:1:1: the type B stands twice"},
		{line(), "table A -> B?", "CP-MAP-001 x.map:1:1: \"B?\" is no name of a type"},
		{line(), "table A| -> B", "CP-MAP-001 x.map:1:9: a table of the block has no name (several tables are separated by |)"},
		{line(), "table A|B|A -> B", "CP-MAP-001 x.map:1:11: the table A stands twice in one block"},
		{line(), "table A|B+ -> B", "CP-MAP-001 x.map:1:10: \"+\" may not stand in the name B+"},
		{line(), "table A|B -> C\n1 ST x\ndrop 1 -> x", "CP-MAP-001 x.map:3:6: drop in a block of several tables does not say which one it means (drop PID[Patient] 8 -> gender"},
		{line(), "table A+ -> B", "CP-MAP-001 x.map:1:8: \"+\" may not stand in the name A+"},
		{line(), "table A -> B\n1 ST x\ntable A -> B\n2 ST x", "CP-MAP-004 x.map:3:1: table A -> B stands twice in this file (line 1)"},
		// codes
		{line(), "codes", "CP-MAP-001 x.map:1:1: the codes have no name"},
		{line(), "codes A x from", "CP-MAP-001 x.map:1:15: a system is missing behind from"},
		{line(), "codes A x y", "CP-MAP-001 x.map:1:11: \"y\" is too much"},
		{line(), "codes A\nM", "CP-MAP-001 x.map:2:2: the code that M stands for is missing (a line of codes is"},
		{line(), "codes A\n< lt", "CP-MAP-001 x.map:2:5: the code that lt stands for is missing (the code < itself is written '<')"},
		{line(), "codes A\n> A b", "CP-MAP-003 x.map:2:1: a code that goes one way needs a note"},
		{line(), "codes A\nA -", "CP-MAP-003 x.map:2:1: a declined code needs its reason"},
		{line(), "codes A\n> A - x", "CP-MAP-001 x.map:2:1: > says nothing on a declined code"},
		{line(), "codes A\n- A", "CP-MAP-001 x.map:2:1: - is not a code"},
		{line(), "codes A\nA b c", "CP-MAP-001 x.map:2:5: \"c\" is too much; a note begins with # (a code with blanks"},
		{line(), "codes A\nA ''", "CP-MAP-001 x.map:2:3: '' is not a code"},
		{line(), "codes A\n1 2\ncodes A\n2 3", "CP-MAP-004 x.map:3:1: codes A stands twice in this file (line 1)"},
		// system, let, drop, replace
		{line(), "system", "CP-MAP-001 x.map:1:1: the system has no name"},
		{line(), "system a", "CP-MAP-001 x.map:1:9: the URI of system a is missing"},
		{line(), "system a b", "CP-MAP-001 x.map:1:10: \"b\" is not a URI (as in http://loinc.org)"},
		{line(), "system a 1.2.3", "CP-MAP-001 x.map:1:10: \"1.2.3\" is not a URI (an OID is written urn:oid:1.2.3)"},
		{line(), "system a b:c d", "CP-MAP-001 x.map:1:14: \"d\" is too much"},
		{line(), "system a b:c\nsystem a b:d", "CP-MAP-004 x.map:2:1: system a stands twice"},
		{line(), "let", "CP-MAP-001 x.map:1:1: let has no name"},
		{line(), "let a", "CP-MAP-001 x.map:1:6: the place that $a stands for is missing"},
		{line(), "let a/b c", "CP-MAP-001 x.map:1:5: \"a/b\" is no name for let"},
		{line(), "let a b c", "CP-MAP-001 x.map:1:9: \"c\" is too much"},
		{line(), "let a b\nlet a c", "CP-MAP-004 x.map:2:1: let a stands twice"},
		{line(), "drop 8 -> gender", "CP-MAP-001 x.map:1:6: drop does not say which table it means (drop PID[Patient] 8 -> gender;"},
		{line(), "drop PID 8 -> gender", "CP-MAP-001 x.map:1:6: \"PID\" does not name a table and its type"},
		{line(), "drop PID[Patient] 8", "CP-MAP-001 x.map:1:1: drop without -> and a target"},
		{line(), "drop PID[Patient] 8 ->", "CP-MAP-001 x.map:1:23: the target behind -> is missing"},
		{line(), "drop PID[Patient] 8 9 -> x", "CP-MAP-001 x.map:1:6: drop needs one place before ->"},
		{line(), "replace PID[Patient] 8 -> gender\n", "CP-MAP-001 x.map:1:1: replace is not followed by the row"},
		{line(), "table A -> B\nreplace 8 -> gender\ndrop 9 -> x", "CP-MAP-001 x.map:3:1: drop follows a replace that has no row yet"},
		// the head
		{line(), "---\nname: x\n", "CP-MAP-002 x.map:1:1: the head is not closed"},
		{line(), "---\nname: x\nmathces:\n  format: csv\n---\n", "CP-MAP-002 x.map:3:1: the head knows no mathces (did you mean matches?)"},
		{line(), "---\nname: x\npos: {}\n---\n", "CP-MAP-002 x.map:3:1: the head knows no pos (known are name,"},
		{line(), "---\nname: x\nmatches: csv\n---\n", "CP-MAP-002 x.map:3:1: cannot unmarshal !!str `csv` where lines of name: value are expected"},
		{line(), "---\nname: [x\n---\n", "CP-MAP-002 x.map:2:1: did not find expected ',' or ']'"},
		{line(), "---\nmatches:\n  format: hl7\n---\n", "CP-MAP-002 x.map:3:1: format: hl7 is not known (did you mean hl7v2?)"},
		{line(), "---\noptions:\n  dates: us\n---\n", "CP-MAP-002 x.map:3:1: dates: us is not known (known are mdy, dmy, ymd)"},
		// the bytes
		{line(), strings.Repeat("a", 16<<10+1), "CP-MAP-001 x.map:1:1: the line has more than 16384 bytes (is it a mapping file?)"},
		{line(), "table A -> B\n5 ST caf\xe9 # x", "CP-MAP-008 x.map:2:9: the line holds bytes that are not UTF-8 text (save the file as UTF-8)"},
		{line(), "\xff\xfet\x00", "CP-MAP-008 x.map:1:1: the file is in UTF-16"},
		{line(), "table A -> B\n5 ST a\x00b", "CP-MAP-008 x.map:2:7: the line holds bytes"},
	}
	for _, tt := range tests {
		_, err := ParseFile("x.map", []byte(tt.src))
		fs := FaultsOf(err)
		if len(fs) == 0 {
			t.Errorf("%s: no fault", tt.at)
			continue
		}
		id := fs[0].ID
		if id == "" {
			id = MapSyntax
		}
		if got := string(id) + " " + fs[0].Error(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s:\n got %s\nwant %s", tt.at, got, tt.want)
		}
		if f := fs[0].Finding(); f.ID != id || f.Place.Line != fs[0].Pos.Line || !strings.HasPrefix(f.What, fs[0].Msg) {
			t.Errorf("%s: the finding %v is not the fault %v", tt.at, f, fs[0])
		}
	}
}

func TestAllFaultsOfAFile(t *testing.T) {
	_, err := ParseFile("x.map", []byte("table A -> B\n5 ST\n6 ST x\n7 ST y wiht 3\ntable ->\n8 ST\n9\ncodes X\nA\n"))
	var lines []int
	for _, f := range FaultsOf(err) {
		lines = append(lines, f.Pos.Line)
	}
	// A block whose header is faulty is passed over: its rows would all be reported as standing outside a table.
	if d := cmp.Diff([]int{2, 4, 5, 9}, lines); d != "" {
		t.Errorf("lines with faults: %s", d)
	}
	var f *Fault
	if !errors.As(err, &f) || f.Pos.Line != 2 {
		t.Errorf("errors.As finds %v", f)
	}
}

func TestLimits(t *testing.T) {
	var b strings.Builder
	b.WriteString("let a0 aaaaaaaaaaaaaaaa\n")
	for i := range 40 {
		fmt.Fprintf(&b, "let a%d $a%d$a%d\n", i+1, i, i)
	}
	_, err := ParseFile("x.map", []byte(b.String()))
	if fs := FaultsOf(err); len(fs) == 0 || fs[0].Pos.Line != 10 || !strings.Contains(fs[0].Msg, "longer than 4096 bytes") {
		t.Errorf("%v", err)
	}
	_, err = ParseFile("x.map", []byte("table A -> B\n"+strings.Repeat("5\n", 1000)))
	if fs := FaultsOf(err); len(fs) != MaxFaults+1 || fs[MaxFaults].Pos.Line != MaxFaults+1 {
		t.Errorf("%d faults", len(fs))
	}
}

func TestLineEndsAndMarks(t *testing.T) {
	plain := "---\nname: x\n---\ntable A -> B\n5 ST x # a\n\n6 ST y\ncodes C\n1 2\n"
	want, err := ParseFile("x.map", []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	for name, src := range map[string]string{
		"CRLF": strings.ReplaceAll(plain, "\n", "\r\n"),
		"CR":   strings.ReplaceAll(plain, "\n", "\r"),
		"BOM":  "\ufeff" + plain,
		"tabs": strings.ReplaceAll(plain, " ST ", "\tST\t"),
		"end":  strings.TrimRight(plain, "\n"),
	} {
		got, err := ParseFile("x.map", []byte(src))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(string(Format(want)), string(Format(got))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestHead(t *testing.T) {
	f, err := ParseFile("x.map", []byte("---\nname: Maple\nversion: 1.2\nmatches:\n  format: csv\n  headers: [MRN, \"First Name\"]\noptions:\n  zone: America/New_York\n  dates: mdy\n---\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Head{Pos: Pos{"x.map", 1, 1}, Name: "Maple", Version: "1.2", Matches: Matches{Format: "csv", Headers: []string{"MRN", "First Name"}},
		Options: Options{Zone: "America/New_York", Dates: "mdy"}, Raw: f.Head.Raw}
	if d := cmp.Diff(want, *f.Head); d != "" {
		t.Error(d)
	}
}

func TestHeadMatch(t *testing.T) {
	oru := Source{Format: "hl7v2", Sender: []string{"LAB", "1.2.3"}, Facility: []string{"Maple Street"}, Event: "ORU^R01"}
	tests := []struct {
		at   string
		m    Matches
		src  Source
		want bool
	}{
		{line(), Matches{}, oru, true},
		{line(), Matches{Format: "hl7v2"}, oru, true},
		{line(), Matches{Format: "csv"}, oru, false},
		{line(), Matches{Sender: "1.2.3"}, oru, true},
		{line(), Matches{Sender: "LA"}, oru, false},
		{line(), Matches{Facility: " maple street"}, oru, true},
		{line(), Matches{Facility: "Oak"}, oru, false},
		{line(), Matches{Event: "ORU"}, oru, true},
		{line(), Matches{Event: "oru^r01"}, oru, true},
		{line(), Matches{Event: "ORU^R32"}, oru, false},
		{line(), Matches{Event: "R01"}, oru, false},
		{line(), Matches{Headers: []string{"MRN"}}, oru, false},
		{line(), Matches{Facility: "Oak", Sender: "x", Headers: []string{"a"}, Event: "ADT"}, Source{Format: "hl7v2", Event: "ADT^A08", Made: true}, true},
		{line(), Matches{Event: "ORU"}, Source{Format: "hl7v2", Event: "ADT^A08", Made: true}, false},
		{line(), Matches{Headers: []string{"mrn", "DOB"}}, Source{Headers: []string{"DOB", "x", "MRN"}}, true},
	}
	for _, tt := range tests {
		if got := (&Head{Matches: tt.m}).Match(tt.src); got != tt.want {
			t.Errorf("%s: %v", tt.at, got)
		}
	}
	if !(*Head)(nil).Match(oru) {
		t.Error("a file without a head is not for every source")
	}
}

// Every fault of this package has its words in the list of findings.
func TestFindingsAreListed(t *testing.T) {
	for _, f := range []*Fault{{}, {ID: MapHead}, {ID: MapReason}, {ID: MapTwice}, {ID: MapNoRow}, {ID: MapCompile}, {ID: MapUnmatched}, {ID: MapEncoding}} {
		if e := f.Finding().ID.Entry(); e.Why == "" || e.Fix == "" {
			t.Errorf("%s: %+v", f.ID, e)
		}
	}
}
