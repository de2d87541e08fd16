package convert

import (
	"crypto/sha256"
	"io"
	"iter"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
)

// A gathering is all the resources of a source that stand alone, as in bulk data. Which of them make a record is known when all have
// been seen, so their texts wait in a store, and in memory there is only who refers to whom: numbers instead of names, some 100
// bytes for a resource.
type gathering struct {
	store  *store
	spans  []span
	kinds  []uint16
	types  []string // by kind
	finds  map[int32][]*diag.Finding
	unread bool // there is a patient more, which could not be read

	names map[[16]byte]int32 // numbers of what references lead to, by digest
	first []int32            // by number: the first resource that is called so, -1 if there is none
	refs  []reference
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
	kind := slices.Index(g.types, typ)
	if kind < 0 {
		kind = len(g.types)
		g.types = append(g.types, strings.Clone(typ))
	}
	g.kinds = append(g.kinds, uint16(kind))
	if id := fhir.IDOf(m); id != "" {
		g.call(i, typ+"/"+id)
		if url := fhir.FullURL(typ, id); strings.HasSuffix(url, ":"+id) {
			g.call(i, url)
		}
	}
	fhir.References(m, func(ref *dpb.Reference) {
		key, ok := fhir.ReferenceKey(fhir.ReferenceText(ref))
		if !ok {
			return
		}
		if r := (reference{i, g.number(key)}); !slices.Contains(g.refs[max(0, len(g.refs)-8):], r) { // most are repeated at once
			g.refs = append(g.refs, r)
		}
	})
	return nil
}

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

func (g *gathering) call(i int32, key string) {
	if n := g.number(key); g.first[n] < 0 {
		g.first[n] = i
	}
}

func (g *gathering) typeOf(i int32) string { return g.types[g.kinds[i]] }

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

// byPatient makes a group for each patient: what refers to it and what it refers to, at any distance, but not by way of
// another patient. What no patient reaches is a group of its own at the end, but with the patient if there is only one. The order
// is that of the source.
func (g *gathering) byPatient() iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		all := int32(len(g.spans))
		patients := 0
		shared := make([]bool, len(g.types))
		isPatient := make([]bool, len(g.types))
		for k, typ := range g.types {
			shared[k], isPatient[k] = sharedType(typ), typ == "Patient"
		}
		patient := func(i int32) bool { return isPatient[g.kinds[i]] }
		for i := range all {
			if patient(i) {
				patients++
			}
		}
		if patients < 2 && !g.unread { // else nobody knows which of the two it is that the rest belongs to
			if all > 0 {
				group := make([]int32, all)
				for i := range all {
					group[i] = i
				}
				yield(group)
			}
			return
		}
		var pairs []pair64
		for _, r := range g.refs {
			if j := g.first[r.name]; j >= 0 && j != r.from {
				pairs = append(pairs, newPair64(r.from, j))
			}
		}
		g.names, g.refs, g.first = nil, nil, nil
		to := neighboursOf(pairs, int(all))
		for k, p := range pairs {
			pairs[k] = newPair64(p.second(), p.first())
		}
		from := neighboursOf(pairs, int(all))
		pairs = nil
		// anothers reports that a resource is about patients, and p is none of them.
		anothers := func(i, p int32) bool {
			other := false
			for _, j := range to.of(i) {
				if j == p {
					return false
				}
				other = other || patient(j)
			}
			return other
		}
		groups := int32(0)
		in := make([]int32, all) // the last group that it is in, from 1
		for p := range all {
			if !patient(p) {
				continue
			}
			groups++
			in[p] = groups
			members := []int32{p}
			take := func(list []int32) {
				for _, j := range list {
					if in[j] != groups && !patient(j) && !anothers(j, p) {
						in[j] = groups
						members = append(members, j)
					}
				}
			}
			for i := 0; i < len(members); i++ {
				k := members[i]
				take(to.of(k))
				if !shared[g.kinds[k]] { // what refers to a practitioner belongs to other patients as well
					take(from.of(k))
				}
			}
			slices.Sort(members)
			if !yield(members) {
				return
			}
		}
		var rest []int32
		for j := range all {
			if in[j] == 0 {
				rest = append(rest, j)
			}
		}
		if len(rest) > 0 {
			yield(rest)
		}
	}
}

// sharedType reports a type of resources that many patients may refer to.
func sharedType(typ string) bool {
	switch typ {
	case "Practitioner", "PractitionerRole", "Organization", "OrganizationAffiliation", "Location", "Device", "DeviceDefinition", "Medication",
		"MedicationKnowledge", "HealthcareService", "Endpoint", "Substance", "Questionnaire", "PlanDefinition", "ActivityDefinition", "Library", "Measure":
		return true
	}
	return false
}

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
