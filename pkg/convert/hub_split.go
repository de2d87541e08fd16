package convert

import (
	"bytes"
	"cmp"
	"maps"
	"strings"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// A document or a message is about one patient, so a Bundle of several becomes a record for each, by the rule for bulk data (web.byPatient). It
// stays one record
//
//	if it is one event       a document, a message, or one of those that has become a bundle of another type: it begins with its MessageHeader,
//	                         and a collection with its Composition. A message tells of two patients who change beds, or of mother and child
//	if it has one patient    the same twice is one, by its fullUrl or id, and so are two of whom one replaces the other
//	if a patient in it, or   then it is rejected as a whole. Of what else cannot be read, what can be kept goes where it belongs
//	nothing can be read

// bundlePart is what belongs to one patient of a bundle: some of its entries.
type bundlePart struct {
	*splitBundle
	entries []fhir.Entry // their texts
	keys    []uint64     // of their resources in the ledger, 0 of those that no other record has; those of what an entry says beside it come next
}

// splitBundle is what the parts of a bundle share.
type splitBundle struct {
	shell         *rpb.Bundle
	lost          *fhir.Partial // of the shell, if it was not read whole
	made          []*dpb.Extension
	before, after string       // the text around its entries
	empty         []fhir.Entry // entries without a resource
	key           uint64       // of what the bundle says, and those
}

// text is a bundle of its entries alone.
func (p *bundlePart) text() []byte {
	var b bytes.Buffer
	b.WriteString(p.before)
	for i, e := range p.entries {
		if i > 0 && !strings.HasPrefix(e.Text, "<") {
			b.WriteByte(',')
		}
		b.WriteString("\n" + e.Text)
	}
	b.WriteString("\n" + p.after)
	return b.Bytes()
}

// bundle is what the bundle says that is true of each part of it, aside what is about all of them.
func (b *splitBundle) bundle() (each, aside *rpb.Bundle) {
	x := b.shell
	return &rpb.Bundle{Meta: x.Meta, ImplicitRules: x.ImplicitRules, Language: x.Language, Type: x.Type, Timestamp: x.Timestamp},
		&rpb.Bundle{Id: x.Id, Identifier: x.Identifier, Total: x.Total, Link: x.Link, Signature: x.Signature}
}

const (
	ofAllPatients = "it is about a bundle of several patients, and each has a record of its own"
	keysOfEntry   = 2 // for its resource, and for what it says beside it
)

// takeKeys gives room for n keys of the ledger, behind the number that it gives.
func (x *fhirReading) takeKeys(n int) uint64 {
	before := x.keys
	x.keys += uint64(n)
	return before
}

// split gives the records of a bundle of several patients; done is false of any other document, which is one record.
func (x *fhirReading) split(text []byte, at diag.Place) (done, more bool) {
	if !x.o.documents() || !severalPatients(text) {
		return false, true
	}
	opts := fhir.ReaderOptions{Source: x.source, Jobs: x.o.Jobs, Max: len(text) + 1, Record: x.index + 1, Line: at.Line, Column: at.Column}
	var entries []fhir.Entry
	var end fhir.Entry
	b := &splitBundle{}
	for e, err := range fhir.NewReader(bytes.NewReader(text), opts).All() {
		if err != nil {
			return false, true
		}
		if fhir.Lost(e.Findings) != nil {
			part := salvage(&e, x.index+1)
			if part == nil || part.DroppedPatient() { // nobody knows whose the rest is
				return false, true
			}
			if e.End {
				b.lost, b.made = part, part.Made()
			}
		}
		switch {
		case e.End:
			end = e
		case e.Item == nil:
			return false, true
		case e.Resource == nil:
			b.empty = append(b.empty, e)
		default:
			entries = append(entries, e)
		}
	}
	if end.Bundle == nil || oneEvent(end.Bundle, entries) {
		return false, true
	}
	w := webOf(entries)
	groups := w.byPatient()
	if len(groups) < 2 {
		return false, true
	}
	b.shell = end.Bundle
	b.before, b.after = end.Around()
	keys := x.takeKeys(keysOfEntry*len(entries) + 1)
	b.key = keys + keysOfEntry*uint64(len(entries)) + 1
	told := make([]bool, len(entries))
	finds := end.Findings
	if f := onePage(b.shell); f != nil {
		finds = append(finds, f)
	}
	for _, e := range b.empty {
		finds = append(finds, e.Findings...)
	}
	for i := range entries {
		entries[i].Resource, entries[i].Item, entries[i].Bundle = nil, nil, nil // the workers read them again: what they change is their own
	}
	for _, members := range groups {
		x.index++
		part := &bundlePart{splitBundle: b, entries: make([]fhir.Entry, len(members)), keys: make([]uint64, len(members))}
		raw := &Raw{Index: x.index, Bytes: part.text, Data: hubRecord{part: part}, Findings: finds}
		finds = nil
		for i, m := range members {
			part.entries[i] = entries[m]
			if w.several[m] {
				part.keys[i] = keys + keysOfEntry*uint64(m) + 1
			}
			raw.Size += len(entries[m].Text)
			if !told[m] {
				raw.Findings = append(raw.Findings, entries[m].Findings...)
			}
			told[m] = true
		}
		for _, f := range raw.Findings {
			f.Place.Record = x.index
		}
		if !x.yield(raw, nil) {
			return true, false
		}
	}
	return true, true
}

// severalPatients reports a text that may hold two resources of patients. It costs next to nothing, and most texts hold one.
func severalPatients(text []byte) bool {
	if fhir.SniffXML(text[:min(len(text), SniffLen)]) != "" {
		return bytes.Count(text, []byte("</Patient")) > 1 || bytes.Contains(text, []byte(":Patient"))
	}
	name := []byte(`"Patient"`)
	for n := 0; ; {
		i := bytes.Index(text, name)
		if i < 0 {
			return false
		}
		before := bytes.TrimRight(text[:i], " \t\r\n")
		if before, colon := bytes.CutSuffix(before, []byte{':'}); colon && bytes.HasSuffix(bytes.TrimRight(before, " \t\r\n"), []byte(`"resourceType"`)) {
			if n++; n > 1 {
				return true
			}
		}
		text = text[i+len(name):]
	}
}

// oneEvent reports a bundle that is told of as one, however many patients there are in it.
func oneEvent(b *rpb.Bundle, entries []fhir.Entry) bool {
	first := ""
	if len(entries) > 0 {
		first = fhir.TypeOf(entries[0].Resource)
	}
	switch b.GetType().GetValue() {
	case cpb.BundleTypeCode_DOCUMENT, cpb.BundleTypeCode_MESSAGE:
		return true
	case cpb.BundleTypeCode_SEARCHSET, cpb.BundleTypeCode_HISTORY: // which begin with whatever was asked for
		return false
	case cpb.BundleTypeCode_COLLECTION:
		return first == "MessageHeader" || first == "Composition"
	}
	return first == "MessageHeader"
}

// webOf is who refers to whom among the entries of a bundle.
func webOf(entries []fhir.Entry) *web {
	w := &web{}
	index := fhir.NewIndex()
	places := make(map[proto.Message]int32, len(entries))
	for i, e := range entries {
		w.node(fhir.TypeOf(e.Resource))
		index.Add(fhir.Located{FullURL: e.FullURL(), Resource: e.Resource})
		places[e.Resource] = int32(i)
	}
	for k, e := range entries {
		i, m := int32(k), e.Resource
		for _, ref := range replaced(m) {
			if j, ok := places[index.Resolve(ref, m)]; ok {
				w.same = append(w.same, newPair64(i, j))
			}
		}
		if id := fhir.IDOf(m); w.typeOf(i) == "Patient" && (id != "" || e.FullURL() != "") { // it may be there twice
			if j, ok := places[index.Find(cmp.Or(e.FullURL(), "Patient/"+id), m)]; ok {
				w.same = append(w.same, newPair64(i, j))
			}
		}
	}
	person, _ := w.people()
	numbers := map[string]int32{} // by what references call them; -1: a number of two people leads to none of them
	for k, e := range entries {
		for _, key := range identifierKeys(e.Resource) {
			if j, taken := numbers[key]; !taken {
				numbers[key] = int32(k)
			} else if j >= 0 && person[j] != person[k] {
				numbers[key] = -1
			}
		}
	}
	for k, e := range entries {
		i, m := int32(k), e.Resource
		references(m, &index.Contained, func(ref *dpb.Reference, targets []string) {
			lead := func(j int32, ok bool) {
				if ok && j >= 0 && j != i {
					w.refs = append(w.refs, newPair64(i, j))
				}
			}
			keys := identifierKeysOf(ref, targets)
			for _, key := range keys {
				j, ok := numbers[key]
				lead(j, ok)
			}
			if keys == nil {
				j, ok := places[index.Resolve(ref, m)]
				lead(j, ok)
			}
		})
	}
	return w
}

// addTo adds its resources to a record. What was found of them is told already.
func (p *bundlePart) addTo(out *Record, add func(int, *rpb.Bundle_Entry, *fhir.Partial)) error {
	rec := out.Record
	rec.Part = true
	rec.Bundle, _ = p.bundle()
	if p.lost != nil {
		rec.Moved = p.lost.Moved(-1)
		out.keep(p.lost, "", nil)
		rec.Added(p.made)
	}
	for _, list := range [][]fhir.Entry{p.empty, p.entries} {
		for _, e := range list {
			x, part, _, err := out.again(e, 0)
			if err != nil {
				return err
			}
			add(e.Index, x, part)
		}
	}
	for _, r := range rec.Resources {
		if r.Type() == "Patient" && !r.Inside() {
			out.ID = r.ID
			break
		}
	}
	if out.ID == "" { // what it says tells it apart from the other parts
		out.Key = digestOf(p.text())
	}
	return nil
}

// sharePart tells the leaves of what other parts of the bundle have too apart from those of the part's own.
func (w *fhirWorker) sharePart(out *Record, p *bundlePart, envelopes []envelope) {
	keys := map[int]uint64{} // of entries
	for i, e := range p.entries {
		if p.keys[i] > 0 {
			keys[e.Index] = p.keys[i] + 1
		}
	}
	for _, e := range p.empty {
		keys[e.Index] = p.key
	}
	w.share(out, p.keys, func(f func(uint64, func() string, tree.State, string)) {
		out.Record.BundleLeaves(func(l *mapping.Leaf) { f(p.key, l.Place, l.State, l.Why) })
		_, aside := p.bundle()
		mapping.NewRecord(aside).BundleLeaves(func(l *mapping.Leaf) { f(p.key, l.Place, tree.Declined, ofAllPatients) })
		for _, ofBundle := range []bool{true, false} { // what has one key stands together
			for _, e := range envelopes {
				if key := keys[e.index]; key == p.key == ofBundle {
					e.leaves(func(place func() string, s tree.State, why string) { f(key, place, s, why) }, tree.Declined, w.beside())
				}
			}
		}
	})
	if p.lost != nil {
		out.shares = maps.Clone(out.shares)
		out.shares[nil] = p.key
	}
}
