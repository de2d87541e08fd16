package csvfhir

import (
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// FuzzMapping loads mapping files with heads of tables. What loads without a fault knows the files that its head describes.
func FuzzMapping(f *testing.F) {
	f.Add(people)
	f.Add(results)
	f.Add("---\nname: x\nmatches: {format: csv}\nfiles:\n  a: {headers: [A, B], fixed: [A 1-3, B 4-9], file: 'a*.txt', key: [A, B], comma: tab, header: none, order: [A]}\n---\ntable a -> Patient\nA  ST  id\n")
	f.Add("---\nmatches: {format: csv, headers: [A]}\n---\ntable a -> Bundle\n.  b  Patient\ntable b -> Patient\nA  ref(a)  managingOrganization\n")
	f.Add("---\nmatches: {format: csv}\nfiles:\n  a: {headers: [A], columns: {A: [b], B: [a]}, record: B, split: {A: ';'}, dates: {A: mdy}}\n---\ntable a -> Basic\nA  DATE  created\n'x'  ST  code.text\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := mapping.ParseFile("mine.map", []byte(text))
		if err != nil {
			return
		}
		if _, err := mapping.ParseFile("mine.map", mapping.Format(file)); err != nil {
			t.Fatalf("what was formatted is not read: %v", err)
		}
		set, err := NewSet([]*mapping.File{file})
		if err != nil {
			return
		}
		for _, m := range set.Mappings {
			if m.BuiltIn || m.Check() != nil {
				continue
			}
			for _, x := range m.Tables {
				if len(x.Headers) == 0 || x.File != "" || slices.ContainsFunc(x.Without, func(not string) bool {
					return slices.ContainsFunc(x.Headers, func(h string) bool { return normal(h) == normal(not) })
				}) {
					continue
				}
				if set.Find("any.csv", "", x.Headers) == nil {
					t.Errorf("no kind of file has the headers of %s, though its head says so", x.Name)
				}
			}
		}
	})
}

// FuzzRows takes tables of any content to FHIR and back: the ledger adds up, places are unique, and what is carried comes back.
func FuzzRows(f *testing.F) {
	_, body, _ := strings.Cut(everyTable, "\n")
	f.Add("MRN,DOB,Sex,Phones\n1,1960-03-04,F,1;2\n")
	f.Add("MRN;DOB;First Name\n1;3/14/60;Ann\n2;45306;\"B\n")
	f.Add("Patient,Vaccine,Given\n1,Flu,2020-01-02 10:11\n1,Flu,2020-01-02 10:11\n")
	f.Add("MRN,DOB\n,#N/A\n=\"001\",'0\n")
	f.Add(body)
	set, err := NewSet(parsed(f, people))
	if err != nil {
		f.Fatal(err)
	}
	m := set.Mappings[0]
	k := kit(f, m)
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range []convert.Options{{To: "ndjson"}, {To: "fhir", Unmapped: "keep", Dates: "mdy"}} {
			worker := Reader(set).NewWorker(&o)
			o.TempDir = t.TempDir()
			for raw, err := range set.readFiles([]*convert.File{inMemory("in.csv", text)}, &o) {
				if err != nil {
					t.Fatal(err)
				}
				if raw.Index == 0 || raw.Reject != nil {
					continue
				}
				rec, err := worker.ToHub(raw)
				if err != nil {
					continue
				}
				seen := map[string]bool{}
				rec.Leaves(func(place func() string, _ tree.State, _ string) {
					if seen[place()] {
						t.Fatalf("the place %s stands twice", place())
					}
					seen[place()] = true
				})
			}
		}
		for _, name := range []string{"people", "shots"} {
			if strings.Contains(text, "== ") {
				return
			}
			res, err := k.Run([]byte("== " + name + "\n" + text))
			if err != nil {
				return
			}
			for _, fault := range res.Faults {
				t.Errorf("%s\n%s\n%s", fault, res.Doc, res.Back)
			}
		}
	})
}
