package convert

import (
	"crypto/sha256"
	"io"
	"iter"
	"slices"
	"strings"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	papb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
)

// A web is who refers to whom among resources, as numbers instead of names. What makes a record together hangs together in it.
type web struct {
	kinds []uint16
	types []string // by kind
	refs  []pair64 // from one resource to another
	same  []pair64 // patients who are one person

	unread  bool   // there is a patient more, who could not be read
	several []bool // by byPatient: it is in the groups of several patients
}

// A gathering is all the resources of a source that stand alone, as in bulk data. Which of them make a record is known when all have
// been seen, so their texts wait in a store, and in memory there is only who refers to whom: numbers instead of names, some 100
// bytes for a resource.
type gathering struct {
	web
	store *store
	spans []span
	finds map[int32][]*diag.Finding
	keys  uint64 // what the keys of its resources begin behind, in the ledger

	names map[[16]byte]int32 // numbers of what references lead to, by digest
	first []int32            // by number: the first resource that is called so, -1 if there is none
	again []reference        // patients with a number that one before them has
	leads []reference
	links []reference // from a patient to one whom it replaces, or who replaces it
}

type reference struct{ from, name int32 }

func newGathering(s *store) *gathering {
	return &gathering{store: s, names: map[[16]byte]int32{}, finds: map[int32][]*diag.Finding{}}
}

// add adds a resource and its text, which stands at a place in the source.
func (g *gathering) add(m proto.Message, text string, offset int64, finds []*diag.Finding) error {
	i := int32(len(g.spans))
	s, err := g.store.put(text, offset)
	if err != nil {
		return err
	}
	g.spans = append(g.spans, s)
	if len(finds) > 0 {
		g.finds[i] = finds
	}
	typ := fhir.TypeOf(m)
	g.node(typ)
	self := i // the first of its id
	if id := fhir.IDOf(m); id != "" {
		self = g.call(i, typ+"/"+id)
		if url := fhir.FullURL(typ, id); strings.HasSuffix(url, ":"+id) {
			g.call(i, url)
		}
	}
	for _, key := range identifierKeys(m) {
		if j := g.call(self, key); j != self && typ == "Patient" {
			g.again = append(g.again, reference{self, g.number(key)})
		}
	}
	var within fhir.Contained
	references(m, &within, func(ref *dpb.Reference, targets []string) {
		lead := func(key string) {
			if r := (reference{i, g.number(key)}); !slices.Contains(g.leads[max(0, len(g.leads)-8):], r) { // most are repeated at once
				g.leads = append(g.leads, r)
			}
		}
		keys := identifierKeysOf(ref, targets)
		for _, key := range keys {
			lead(key)
		}
		if key, ok := fhir.ReferenceKey(fhir.ReferenceText(ref)); ok && keys == nil {
			lead(key)
		}
	})
	for _, ref := range replaced(m) {
		if key, ok := fhir.ReferenceKey(fhir.ReferenceText(ref)); ok {
			g.links = append(g.links, reference{i, g.number(key)})
		}
	}
	return nil
}

// node adds a resource.
func (w *web) node(typ string) {
	kind := slices.Index(w.types, typ)
	if kind < 0 {
		kind = len(w.types)
		w.types = append(w.types, strings.Clone(typ))
	}
	w.kinds = append(w.kinds, uint16(kind))
}

// references calls do for each reference of a resource and of what is contained in it.
func references(m proto.Message, within *fhir.Contained, do func(r *dpb.Reference, targets []string)) {
	fhir.ReferencesTo(m, do)
	contained, err := within.Of(m)
	if err != nil {
		return // who decodes it again says so
	}
	for _, c := range contained {
		fhir.ReferencesTo(c, do)
	}
}

// replaced are the references of a patient to those whom it replaces, and to who replaces it: one person, whose number has changed. Other links
// are between patients of whom each is one.
func replaced(m proto.Message) (list []*dpb.Reference) {
	p, ok := m.(*papb.Patient)
	if !ok {
		return nil
	}
	for _, l := range p.Link {
		switch l.GetType().GetValue() {
		case cpb.LinkTypeCode_REPLACES, cpb.LinkTypeCode_REPLACED_BY:
			if l.Other != nil {
				list = append(list, l.Other)
			}
		}
	}
	return list
}

// identifierKeys are those of fhir.IdentifierKeys that are looked for: of whom systems name so.
func identifierKeys(m proto.Message) []string {
	if !namedByNumber(fhir.TypeOf(m)) {
		return nil
	}
	return fhir.IdentifierKeys(m)
}

// identifierKeysOf are those of fhir.IdentifierKeysOf that are looked for.
func identifierKeysOf(ref *dpb.Reference, targets []string) []string {
	return slices.DeleteFunc(fhir.IdentifierKeysOf(ref, targets), func(key string) bool {
		typ, _, _ := strings.Cut(key, "?")
		return !namedByNumber(typ)
	})
}

func namedByNumber(typ string) bool { return typ == "Patient" || slices.Contains(sharedTypes, typ) }

// number is the number of a name.
func (g *gathering) number(key string) int32 {
	var digest [16]byte
	sum := sha256.Sum256([]byte(key))
	copy(digest[:], sum[:])
	n, ok := g.names[digest]
	if !ok {
		n = int32(len(g.first))
		g.names[digest] = n
		g.first = append(g.first, -1)
	}
	return n
}

func (g *gathering) call(i int32, key string) (first int32) {
	n := g.number(key)
	if g.first[n] < 0 {
		g.first[n] = i
	}
	return g.first[n]
}

// weave makes the web, when all resources have been seen.
func (g *gathering) weave() {
	pairs := func(list []reference) (pairs []pair64) {
		for _, r := range list {
			if j := g.first[r.name]; j >= 0 && j != r.from {
				pairs = append(pairs, newPair64(r.from, j))
			}
		}
		return pairs
	}
	g.same = pairs(g.links)
	if len(g.again) > 0 { // a number of two people, such as a family's with its insurer, leads to none of them
		person, _ := g.people()
		for _, r := range g.again {
			if j := g.first[r.name]; j >= 0 && person[j] != person[r.from] {
				g.first[r.name] = -1
			}
		}
	}
	g.refs = pairs(g.leads)
	g.names, g.leads, g.links, g.again, g.first = nil, nil, nil, nil, nil
}

func (w *web) typeOf(i int32) string { return w.types[w.kinds[i]] }

// neighbours are lists of numbers, one for each resource, in one slice.
type neighbours struct{ from, list []int32 }

func (n *neighbours) of(i int32) []int32 { return n.list[n.from[i]:n.from[i+1]] }

// A pair64 says that one resource refers to another: the number of the first in the upper half.
type pair64 uint64

func newPair64(a, b int32) pair64 { return pair64(a)<<32 | pair64(b) }

func (p pair64) first() int32  { return int32(p >> 32) }
func (p pair64) second() int32 { return int32(p & 0xffffffff) }

// neighboursOf lists the second of all pairs by their first, each once and in order.
func neighboursOf(pairs []pair64, count int) *neighbours {
	slices.Sort(pairs)
	n := &neighbours{from: make([]int32, count+1), list: make([]int32, 0, len(pairs))}
	for k, p := range pairs {
		if k == 0 || p != pairs[k-1] {
			n.list = append(n.list, p.second())
			n.from[p.first()+1]++
		}
	}
	for i := range count {
		n.from[i+1] += n.from[i]
	}
	return n
}

// manyPatients is how many patients a resource may name and still be about each of them. One that names more is a list of patients, as a Group or
// a List may be, and goes with none: else each of ten thousand records would hold the list of all.
const manyPatients = 16

// byPatient makes a group for each patient: what refers to it and what it refers to, at any distance, but not by way of
// another patient. Patients of whom one replaces the other are one. What no patient reaches is a group of its own at the end, but with the
// patient if there is only one. The order is that of the source. The references are forgotten.
func (w *web) byPatient() (groups [][]int32) {
	all := int32(len(w.kinds))
	w.several = make([]bool, all)
	shared := make([]bool, len(w.types))
	for k, typ := range w.types {
		shared[k] = slices.Contains(sharedTypes, typ)
	}
	person, people := w.people()
	if len(people) < 2 && !w.unread { // else nobody knows which of the two it is that the rest belongs to
		if all > 0 {
			group := make([]int32, all)
			for i := range all {
				group[i] = i
			}
			groups = append(groups, group)
		}
		return groups
	}
	to := neighboursOf(w.refs, int(all))
	var about []pair64 // whom of the people a resource names
	for _, p := range w.refs {
		if who := person[p.second()]; who >= 0 {
			about = append(about, newPair64(p.first(), who))
		}
	}
	named := neighboursOf(about, int(all))
	for k, p := range w.refs {
		w.refs[k] = newPair64(p.second(), p.first())
	}
	from := neighboursOf(w.refs, int(all))
	w.refs = nil
	isList := func(i int32) bool { return person[i] < 0 && len(named.of(i)) > manyPatients }
	// anothers reports that a resource is about patients, and p is none of them.
	anothers := func(i, p int32) bool {
		list := named.of(i)
		return len(list) > 0 && !slices.Contains(list, p)
	}
	in := make([]int32, all) // the last group that it is in, from 1
	for g, is := range people {
		number, p := int32(g+1), is[0]
		members := slices.Clone(is)
		for _, j := range is {
			in[j] = number
		}
		take := func(list []int32) {
			for _, j := range list {
				if in[j] != number && person[j] < 0 && !isList(j) && !anothers(j, p) {
					w.several[j] = in[j] > 0
					in[j] = number
					members = append(members, j)
				}
			}
		}
		for i := 0; i < len(members); i++ {
			k := members[i]
			take(to.of(k))
			if !shared[w.kinds[k]] { // what refers to a practitioner belongs to other patients as well
				take(from.of(k))
			}
		}
		slices.Sort(members)
		groups = append(groups, slices.Clip(members))
	}
	var rest []int32
	for j := range all {
		if in[j] == 0 {
			rest = append(rest, j)
		}
	}
	if len(rest) > 0 {
		groups = append(groups, rest)
	}
	return groups
}

// people are the patients, those who are one person together: of each resource the first of the patients who are the one that it is, -1 of what is
// no patient, and the lists.
func (w *web) people() (person []int32, people [][]int32) {
	person = make([]int32, len(w.kinds))
	for i := range person {
		if person[i] = -1; w.typeOf(int32(i)) == "Patient" {
			person[i] = int32(i)
		}
	}
	first := func(i int32) int32 {
		for person[i] != i {
			person[i] = person[person[i]]
			i = person[i]
		}
		return i
	}
	for _, p := range w.same {
		if a, b := p.first(), p.second(); person[a] >= 0 && person[b] >= 0 {
			a, b = first(a), first(b)
			person[max(a, b)] = min(a, b)
		}
	}
	at := map[int32]int{}
	for i := range person {
		if person[i] < 0 {
			continue
		}
		p := first(int32(i))
		if person[i] = p; p == int32(i) {
			at[p] = len(people)
			people = append(people, nil)
		}
		people[at[p]] = append(people[at[p]], int32(i))
	}
	return person, people
}

// sharedTypes are the types of resources that many patients may refer to.
var sharedTypes = []string{"Practitioner", "PractitionerRole", "Organization", "OrganizationAffiliation", "Location", "Device", "DeviceDefinition", "Medication",
	"MedicationKnowledge", "HealthcareService", "Endpoint", "Substance", "Questionnaire", "PlanDefinition", "ActivityDefinition", "Library", "Measure"}

// group is resources that make a record together.
type group struct {
	of      *gathering
	members []int32
}

// member is a resource of a group, and what was kept of it if that is not all.
type member struct {
	m    proto.Message
	part *fhir.Partial
}

// resources reads them again.
func (g *group) resources() iter.Seq2[member, error] {
	return func(yield func(member, error) bool) {
		for _, i := range g.members {
			text, err := g.of.store.get(g.of.spans[i])
			if err != nil {
				yield(member{}, err)
				return
			}
			var x member
			var finds []*diag.Finding
			if x.m, finds = fhir.Unmarshal(text); fhir.Lost(finds) != nil {
				if x.part = fhir.Salvage(text, false); x.part != nil {
					x.m = x.part.Resource
				}
			}
			if x.m == nil {
				yield(x, errChanged) // it was read before
				return
			}
			if !yield(x, nil) {
				return
			}
		}
	}
}

// keys are those of their leaves that other groups have too, 0 of its own.
func (g *group) keys() []uint64 {
	keys := make([]uint64, len(g.members))
	for i, m := range g.members {
		if g.of.several[m] {
			keys[i] = g.of.keys + uint64(m) + 1
		}
	}
	return keys
}

// size is how long their texts are together.
func (g *group) size() int {
	n := 0
	for _, i := range g.members {
		n += int(g.of.spans[i].n)
	}
	return n
}

// text is their texts, a line each.
func (g *group) text() io.Reader {
	i := 0
	var rest []byte
	return readFunc(func(p []byte) (int, error) {
		if len(rest) == 0 {
			if i == len(g.members) {
				return 0, io.EOF
			}
			text, err := g.of.store.get(g.of.spans[g.members[i]])
			if err != nil {
				return 0, err
			}
			i++
			rest = append(text, '\n')
		}
		n := copy(p, rest)
		rest = rest[n:]
		return n, nil
	})
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
