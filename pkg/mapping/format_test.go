package mapping

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartpost/chartpost/internal/testshared"
)

// messy is every form of the language, as nobody would leave it.
const messy = `---
name: Maple
version: "1"   # of the overlay
matches:
  format: hl7v2
---


# systems
system   cp   https://chartpost.org/fhir/StructureDefinition/
system v2-0203 http://terminology.hl7.org/CodeSystem/v2-0203 # identifier types
let sub participant[@typeCode='CSM']/code
let deep $sub/qualifier   # a let in a let
# PID, in one go
table PID->Patient
table PID   ->   Patient |Person    # two types
# first
1 - it's positional # and more


3 CX[] identifier   # note
# between
  10  RACE[] extension(us-core-race)
drop 8 -> gender # why
replace 7 -> birthDate   if   7 and no 8
7	DTM	birthDate	with 2=NM|'a b' and no 3   if 4!=x
> else 5.2 NM valueQuantity.value if $sub/@x=1 # forward
< $deep/@code  date(01/02/2006)  code -> Practitioner[a=b]   # back
'it''s' ID status
"First Name" CWE+0004[] code
5 ID 'final'
- id made again
drop OBX[Observation] 5 -> valueString
table AL1|IAM  ->  AllergyIntolerance # two tables
3 CWE code
codes 0001 v2-0203 from http://x.example/y # sex
 M male
> A other # as other
< Z zed # back
 'a b' -   no counterpart
 '' x

 '-' '<='
codes 0002
X [IU]
# end
`

var valid = strings.NewReplacer("table PID->Patient\n", "", " '' x\n", "").Replace(messy)

func TestFormat(t *testing.T) {
	f, err := ParseFile("messy.map", []byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	want := `---
name: Maple
version: "1"   # of the overlay
matches:
  format: hl7v2
---

# systems
system cp       https://chartpost.org/fhir/StructureDefinition/
system v2-0203  http://terminology.hl7.org/CodeSystem/v2-0203  # identifier types
let sub   participant[@typeCode='CSM']/code
let deep  $sub/qualifier  # a let in a let

# PID, in one go
table PID -> Patient|Person  # two types
# first
1  -  it's positional # and more

3              CX[]              identifier                               # note
# between
10             RACE[]            extension(us-core-race)
drop 8 -> gender  # why
replace 7 -> birthDate  if 7 and no 8
  7  DTM  birthDate  with 2=NM|'a b' and no 3 if 4!=x
> else 5.2     NM                valueQuantity.value        if $sub/@x=1  # forward
< $deep/@code  date(01/02/2006)  code -> Practitioner[a=b]                # back
'it''s'        ID                status
"First Name"   CWE+0004[]        code
5              ID                'final'
-              id  made again
drop OBX[Observation] 5 -> valueString

table AL1|IAM -> AllergyIntolerance  # two tables
3  CWE  code

codes 0001 v2-0203 from http://x.example/y  # sex
  M      male
> A      other  # as other
< Z      zed    # back
  'a b'  -      no counterpart

  '-'  <=

codes 0002
  X  [IU]
# end
`
	if d := cmp.Diff(want, string(Format(f))); d != "" {
		t.Error(d)
	}
	checkLaws(t, []byte(valid))
}

// checkLaws checks that printing settles and keeps the meaning. It reports whether the source parses.
func checkLaws(t *testing.T, src []byte) bool {
	t.Helper()
	f, err := ParseFile("x.map", src)
	if err != nil {
		return false
	}
	once := Format(f)
	g, err := ParseFile("x.map", once)
	if err != nil {
		t.Fatalf("what Format prints does not parse: %v\n%s\nfrom\n%s", err, once, src)
	}
	if twice := Format(g); !bytes.Equal(once, twice) {
		t.Fatalf("Format is not settled:\n%s", cmp.Diff(string(once), string(twice)))
	}
	if a, b := meaning(f), meaning(g); !reflect.DeepEqual(a, b) {
		t.Fatalf("Format changes the meaning:\n%s", cmp.Diff(a, b))
	}
	return true
}

// The built-in tables keep the laws, too, as the most varied text in the language that there is.
func TestFormatBuiltin(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(testshared.Root(), "converters", "*", "*.map"))
	if err != nil || len(names) == 0 {
		t.Fatal("no built-in tables", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !checkLaws(t, b) {
			t.Errorf("%s does not parse", name)
		}
	}
}

// meaning is a file without positions, comments and how $names were written.
func meaning(f *File) (out []any) {
	if f.Head != nil {
		h := *f.Head
		h.Pos = Pos{}
		out = append(out, h)
	}
	bare := func(x Item) any {
		switch x := x.(type) {
		case *Row:
			r := *x
			r.Pos, r.written = Pos{}, nil
			return r
		case *Code:
			c := *x
			c.Pos = Pos{}
			return c
		case *System:
			return [3]string{x.Name, x.URI, x.Note}
		case *Let:
			return [3]string{x.Name, x.Place, x.Note}
		case *Change:
			c := *x
			c.Pos, c.tests, c.written = Pos{}, nil, ""
			if c.Row != nil {
				r := *c.Row
				r.Pos, r.written = Pos{}, nil
				c.Row = &r
			}
			return c
		case *Comment:
			return nil
		}
		return x
	}
	for _, x := range f.Items {
		switch x := x.(type) {
		case *Table:
			out = append(out, x.Name, x.Types, x.Note)
			for _, l := range x.Lines {
				if b := bare(l); b != nil {
					out = append(out, b)
				}
			}
		case *Codes:
			out = append(out, x.Name, x.System, x.From, x.Note)
			for _, l := range x.Lines {
				if b := bare(l); b != nil {
					out = append(out, b)
				}
			}
		default:
			if b := bare(x); b != nil {
				out = append(out, b)
			}
		}
	}
	return out
}

func FuzzFormat(f *testing.F) {
	f.Add([]byte(valid))
	for line := range strings.SplitSeq(valid, "\n") {
		f.Add([]byte("let sub a/b\nlet deep c\ntable A -> B\n1 ST x\n" + line + "\n3 ID y\n"))
		f.Add([]byte("codes A\n" + line + "\n"))
	}
	files, _ := filepath.Glob("testdata/*.map")
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) { checkLaws(t, src) })
}

// FuzzIndex: a file that was only indexed gives the rows and codes, in their places, that the parser gives.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(strings.NewReplacer("drop 8 -> gender # why\n", "", "drop OBX[Observation] 5 -> valueString\n", "",
		"replace 7 -> birthDate   if   7 and no 8\n7\tDTM\tbirthDate\twith 2=NM|'a b' and no 3   if 4!=x\n", "").Replace(valid)))
	f.Add([]byte("table A -> B\r\n\r\n1 ST x\r\n# c\r\n 2 ST y\r\ncodes C\r\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		want, err := ParseFile("x.map", src)
		if err != nil {
			return
		}
		for _, x := range want.Items {
			if x, ok := x.(*Table); ok && slices.ContainsFunc(x.Lines, func(i Item) bool { _, is := i.(*Change); return is }) {
				return // of overlays, which are not indexed
			}
		}
		got, err := IndexFile("x.map", src)
		if err != nil {
			t.Fatal(err)
		}
		blocks := func(f *File) (out []any) {
			for _, x := range f.Items {
				switch x := x.(type) {
				case *Table:
					rows, err := x.rows()
					if err != nil {
						t.Fatal(err)
					}
					out = append(out, x.Pos, x.Name, x.Types, x.Note, len(rows))
					for _, r := range rows {
						out = append(out, *r)
					}
				case *Codes:
					lines, err := x.lines()
					if err != nil {
						t.Fatal(err)
					}
					out = append(out, x.Pos, x.Name, x.System, x.From, x.Note, len(lines))
					for _, c := range lines {
						out = append(out, *c)
					}
				}
			}
			return out
		}
		if a, b := blocks(want), blocks(got); !reflect.DeepEqual(a, b) {
			t.Fatal(cmp.Diff(a, b, cmp.AllowUnexported(Row{})))
		}
	})
}
