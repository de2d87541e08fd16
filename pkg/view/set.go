package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// resource is a resource with where it came from.
type resource struct {
	object
	typ, id string
	source  int // index into Set.sources
	num     int // its place among all
}

func (r *resource) key() string { return r.typ + "/" + r.id }

// Source is an input, for the part of the page that says where it comes from.
type Source struct {
	Name    string // of the file
	Format  string // in words: "C-CDA"
	Records int
}

// Left is a value of a source that is not in the record, or not as it was: the ledger's.
type Left struct {
	Source string
	At     string
	State  string // folded, declined, unmapped, invalid, rejected
	Why    string
}

// Set is what one or several inputs hold.
type Set struct {
	sources []Source
	list    []*resource
	byKey   map[string]*resource
	left    []Left
}

// NewSet makes an empty set.
func NewSet() *Set { return &Set{byKey: map[string]*resource{}} }

// AddSource begins an input; the resources that follow are from it.
func (s *Set) AddSource(src Source) { s.sources = append(s.sources, src) }

// Leave adds what the ledger says of a value that was not simply carried.
func (s *Set) Leave(l Left) { s.left = append(s.left, l) }

// Len is how many resources there are.
func (s *Set) Len() int { return len(s.list) }

// ErrTwo says that two inputs call two patients by one id: servers number them each for itself.
var ErrTwo = errors.New("two inputs have different patients under one id")

// Add adds a resource in JSON. One that came before under the same type and id takes the newer one's content if both are of one input, or
// are a patient; of two inputs, which may have numbered each for itself, both stay unless they are equal. Two patients under one id give ErrTwo.
func (s *Set) Add(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var x object
	if err := d.Decode(&x); err != nil {
		return errors.New("not a resource in JSON")
	}
	r := &resource{object: x, typ: str(x["resourceType"]), id: str(x["id"]), source: len(s.sources) - 1, num: len(s.list)}
	if r.typ == "" {
		return errors.New("not a resource")
	}
	if r.id != "" {
		old := s.byKey[r.key()]
		switch {
		case old == nil:
		case r.typ == "Patient" && !samePerson(old.object, x):
			return ErrTwo
		case old.source == r.source || r.typ == "Patient" || reflect.DeepEqual(old.object, x):
			old.object = x
			return nil
		}
		s.byKey[r.key()] = r
	}
	s.list = append(s.list, r)
	return nil
}

// samePerson reports that nothing that both say of a patient tells two people apart: birth date, sex, family name.
func samePerson(a, b object) bool {
	for _, name := range []string{"birthDate", "gender"} {
		if x, y := str(a[name]), str(b[name]); x != "" && y != "" && x != y && !strings.HasPrefix(x, y) && !strings.HasPrefix(y, x) {
			return false
		}
	}
	x, y := families(a), families(b)
	return len(x) == 0 || len(y) == 0 || slices.ContainsFunc(x, func(s string) bool { return slices.Contains(y, s) })
}

func families(x object) (all []string) {
	for _, n := range list(x["name"]) {
		if f := strings.ToLower(str(obj(n)["family"])); f != "" {
			all = append(all, f)
		}
	}
	return all
}

// find resolves a reference of a resource: Type/id, an address that ends so, or #id of what is contained.
func (s *Set) find(from *resource, ref string) *resource {
	if id, ok := strings.CutPrefix(ref, "#"); ok && from != nil {
		for _, c := range list(from.object["contained"]) {
			if x, ok := c.(object); ok && str(x["id"]) == id {
				return &resource{object: x, typ: str(x["resourceType"]), id: id, source: from.source, num: from.num}
			}
		}
		return nil
	}
	if before, _, ok := strings.Cut(ref, "/_history/"); ok {
		ref = before
	}
	parts := strings.Split(ref, "/")
	if len(parts) < 2 {
		return nil
	}
	return s.byKey[strings.Join(parts[len(parts)-2:], "/")]
}

// refs calls do for every reference below a value.
func refs(v any, do func(string)) {
	switch v := v.(type) {
	case object:
		if ref, ok := v["reference"].(string); ok {
			do(ref)
		}
		for _, x := range v {
			refs(x, do)
		}
	case []any:
		for _, x := range v {
			refs(x, do)
		}
	}
}

// whose are the elements that say whose a resource is.
var whose = []string{"subject", "patient", "for", "beneficiary", "individual"}

// patientsOf are the patients that a resource is about, by key.
func (s *Set) patientsOf(r *resource) []string {
	if r.typ == "Patient" {
		return []string{r.key()}
	}
	var keys []string
	note := func(ref string) {
		if p := s.find(r, ref); p != nil && p.typ == "Patient" && !slices.Contains(keys, p.key()) {
			keys = append(keys, p.key())
		}
	}
	for _, name := range whose {
		refs(r.object[name], note)
	}
	if keys == nil {
		refs(r.object, note)
		slices.Sort(keys)
	}
	return keys
}

// ErrNothing says that there is no record to show.
var ErrNothing = errors.New("there is no record in it")

// Pages are the records, one for each patient, in the order in which they came; one for all if there is no patient or only one.
func (s *Set) Pages() ([]*Page, error) {
	if len(s.list) == 0 {
		return nil, ErrNothing
	}
	var patients []*resource
	for _, r := range s.list {
		if r.typ == "Patient" {
			patients = append(patients, r)
		}
	}
	if len(patients) < 2 {
		p := &Page{set: s, list: s.list, left: s.left}
		if len(patients) == 1 {
			p.patient = patients[0]
		}
		return []*Page{p}, nil
	}
	about := make(map[*resource][]string, len(s.list))
	for _, r := range s.list {
		about[r] = s.patientsOf(r)
	}
	pages := make([]*Page, len(patients))
	for i, patient := range patients {
		in := map[*resource]bool{}
		var reach func(r *resource)
		reach = func(r *resource) {
			if in[r] {
				return
			}
			in[r] = true
			refs(r.object, func(ref string) {
				// What is about nobody comes with what refers to it: people, places, medicines. What is about somebody else does not.
				if to := s.find(r, ref); to != nil && s.byKey[to.key()] == to && (len(about[to]) == 0 || slices.Contains(about[to], patient.key())) {
					reach(to)
				}
			})
		}
		from := map[int]bool{}
		for _, r := range s.list {
			if slices.Contains(about[r], patient.key()) {
				reach(r)
				from[r.source] = true
			}
		}
		p := &Page{set: s, patient: patient}
		for _, r := range s.list {
			if in[r] {
				p.list = append(p.list, r)
			}
		}
		// Of what was left out of a source with several patients nobody can say whose it is; it is named by its place only.
		for _, l := range s.left {
			for n := range from {
				if n >= 0 && n < len(s.sources) && s.sources[n].Name == l.Source {
					p.left = append(p.left, l)
				}
			}
		}
		pages[i] = p
	}
	return pages, nil
}

func str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

//go:noinline
func obj(v any) object {
	x, _ := v.(object)
	return x
}
