package convert

import (
	"slices"
	"strconv"
	"strings"

	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file keeps account of what could not be read of FHIR: the record is converted without it (fhir.Partial), and the ledger has its leaves.

// lostLeaf is a leaf that is not in the hub.
type lostLeaf struct {
	fhir.LostLeaf
	of *mapping.Resource // of a record of resources that stood alone
}

// ofEntries gives the lost leaves of a bundle's entries to their envelopes, which are in order.
func (rec *Record) ofEntries(envelopes []envelope) []envelope {
	rest := rec.lost[:0:0]
	for _, l := range rec.lost {
		if l.Entry < 0 || l.of != nil {
			rest = append(rest, l)
			continue
		}
		i, found := slices.BinarySearchFunc(envelopes, l.Entry, func(e envelope, at int) int { return e.index - at })
		if !found {
			envelopes = slices.Insert(envelopes, i, envelope{index: l.Entry})
		}
		envelopes[i].lost = append(envelopes[i].lost, l)
	}
	rec.lost = rest
	return envelopes
}

// inOrder puts the findings of a bundle into the order in which its pieces are read: those of the bundle itself, then of entry after entry.
func inOrder(finds []*diag.Finding) {
	at := func(f *diag.Finding) int {
		rest, ok := strings.CutPrefix(f.Place.Path, "Bundle.entry[")
		if !ok {
			return -1
		}
		n, _ := strconv.Atoi(rest[:max(0, strings.IndexByte(rest, ']'))])
		return n
	}
	slices.SortStableFunc(finds, func(a, b *diag.Finding) int { return at(a) - at(b) })
}

func (l *lostLeaf) tell() (place func() string, s tree.State, why string) {
	if s = tree.Declined; l.Invalid {
		s = tree.Invalid
	}
	return func() string { return l.At }, s, l.Why
}

// keep takes over what is known of a part of the record that was not read whole. A place takes the place of the name of its type.
func (rec *Record) keep(p *fhir.Partial, place string, of *mapping.Resource) {
	for _, l := range p.Lost {
		if place != "" {
			if i := strings.IndexByte(l.At, '.'); i >= 0 {
				l.At = place + l.At[i:]
			}
		}
		rec.lost = append(rec.lost, lostLeaf{l, of})
	}
	rec.Record.Added(p.Made())
}

// tellLost adds the leaves that are not in the hub to those of the record.
func (rec *Record) tellLost() {
	if len(rec.lost) == 0 {
		return
	}
	leaves, share := rec.Leaves, rec.Shared
	rec.Leaves = func(f func(func() string, tree.State, string)) {
		for i := range rec.lost {
			if l := &rec.lost[i]; rec.shares[l.of] == 0 {
				f(l.tell())
			}
		}
		leaves(f)
	}
	if share == nil {
		return
	}
	rec.Shared = func(f func(uint64, func() string, tree.State, string)) {
		told := map[uint64]bool{}
		share(func(key uint64, place func() string, s tree.State, why string) {
			f(key, place, s, why)
			if told[key] {
				return
			}
			told[key] = true
			for i := range rec.lost { // those of one key stand together
				if l := &rec.lost[i]; rec.shares[l.of] == key {
					place, s, why := l.tell()
					f(key, place, s, why)
				}
			}
		})
	}
}

// undo makes a collection of a document of which something cannot be read that FHIR demands, as it does that all is there to which its Composition leads.
func (rec *Record) undo() {
	at := diag.Place{Path: "Bundle"}
	rec.Findings = append(rec.Findings, diag.New(NoInstant, at, "what FHIR demands of a document cannot be read: it is a collection, with its Composition first"))
	rec.whole.Type = &rpb.Bundle_TypeCode{Value: codes.BundleTypeCode_COLLECTION}
	rec.Record.Bundle.Type = nil
	rec.lost = append(rec.lost, lostLeaf{LostLeaf: fhir.LostLeaf{At: "Bundle.type", Entry: -1, Why: "what FHIR demands of a document cannot be read, so that it becomes a collection"}})
}

// salvage makes an entry of a bundle, or its end, what can be kept of it; nil if that is nothing. An entry without a resource may be left.
func salvage(e *fhir.Entry, record int) *fhir.Partial {
	if e.Over || e.Text == "" {
		return nil
	}
	text, at := []byte(e.Text), fhir.Options{Record: record, Line: e.Place.Line, Column: e.Place.Column}
	var part *fhir.Partial
	if e.End {
		if part = fhir.Salvage(text, true, at); part == nil || part.Resource == nil {
			return nil
		}
		e.Bundle, _ = part.Resource.(*rpb.Bundle)
	} else {
		if part = fhir.SalvageEntry(text, e.Index, at); part == nil {
			return nil
		}
		if e.Item, e.Resource = part.Item, part.Resource; e.Item == nil {
			e.Item = &rpb.Bundle_Entry{}
		}
	}
	e.Findings = append(fhir.Soften(e.Findings), part.Findings...)
	return part
}

// again reads an entry that was read before, whole or what could be kept of it.
func (rec *Record) again(e fhir.Entry, record int) (x *rpb.Bundle_Entry, part *fhir.Partial, finds []*diag.Finding, err error) {
	e.Item, e.Findings = fhir.UnmarshalEntry([]byte(e.Text), e.Index, fhir.Options{Record: record, Line: e.Place.Line, Column: e.Place.Column})
	if fhir.Lost(e.Findings) != nil {
		if part = salvage(&e, record); part == nil {
			return nil, nil, nil, errChanged
		}
		rec.keep(part, "", nil)
		e.Item = part.Item
	} else if e.Item == nil {
		return nil, nil, nil, errChanged
	}
	return e.Item, part, e.Findings, nil
}

// salvage keeps what can be kept of a part of a large bundle that cannot be read whole; if nothing can, the bundle is rejected.
func (b *largeBundle) salvage(p *fhir.Entry, lost *diag.Finding, record int) *diag.Finding {
	part := salvage(p, record)
	switch {
	case part == nil:
		return lost
	case p.End:
		b.lost = part
	case part.Item == nil:
		if b.why == nil {
			b.why = lost
		}
		b.head = b.head || p.Index == 0
	case part.Resource == nil:
		b.kept++
	}
	return nil
}

// empty says why nothing can be kept of a bundle of which some entries could not be.
func (b *largeBundle) empty() *diag.Finding {
	switch t := b.shell.GetType().GetValue(); {
	case b.why == nil:
		return nil
	case b.kept == 0, b.head && (t == codes.BundleTypeCode_DOCUMENT || t == codes.BundleTypeCode_MESSAGE):
		return b.why
	}
	return nil
}
