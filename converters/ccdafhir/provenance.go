package ccdafhir

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	compb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/composition_go_proto"
	devpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/device_go_proto"
	prpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/practitioner_role_go_proto"
	provpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/provenance_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Who wrote a statement is an author within it, or of the concern around it, and a Provenance in FHIR: C-CDA on FHIR, the rows "author" of
// each kind; US Core Provenance. The statement keeps its authors, from which they come back; so a Provenance is marked as derived. There is
// one for each author and time, which leads to all that this author wrote then. An author of a section or of the document wrote what
// says nothing else too, and is not said again of each.

const (
	authorURL = ownExtensions + "author"

	participantTypes   = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
	participationTypes = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"

	onlyAuthors = "of the history of a resource a document says who wrote it, and when"
)

// authorship is who wrote something when.
type authorship struct {
	who       proto.Message
	at        int64
	zone      string
	precision dpb.DateTime_Precision
}

func readProvenance(c *mapping.Context, _ tree.Node, dst proto.Message) bool {
	document, ok := dst.(*compb.Composition)
	if !ok {
		return false
	}
	c.Elsewhere()
	made := map[authorship]*provpb.Provenance{}
	type statement struct {
		by authorship
		of proto.Message
	}
	said := map[statement]bool{}
	var order []*provpb.Provenance
	var first []*mapping.Resource
	write := func(author *dpb.Reference, of *mapping.Resource) {
		who := c.Led(author)
		if who == nil {
			return
		}
		key, when := authorship{who: who}, authoredAt(author)
		if when != nil {
			key.at, key.zone, key.precision = when.ValueUs, when.Timezone, when.Precision
		}
		p := made[key]
		if p == nil {
			p = provenanceOf(c, author, when)
			made[key], order, first = p, append(order, p), append(first, of)
		}
		if said[statement{key, of.Msg}] {
			return
		}
		said[statement{key, of.Msg}] = true
		target := &dpb.Reference{}
		c.ReferTo(target, of)
		p.Target = append(p.Target, target)
	}
	own := map[proto.Message]*mapping.Resource{} // resources without an author of their own
	for _, r := range c.Resources() {
		authors := referencesOf(*extensions(r.Msg), authorURL)
		if len(authors) == 0 {
			own[r.Msg] = r
		}
		for _, a := range authors {
			write(a, r)
		}
	}
	around := func(x *dpb.Extension) { // the authors of an act are those of what matters in it
		for _, a := range referencesOf(x.Extension, "author") {
			for _, said := range concernedBy(x) {
				if r := own[c.Led(said)]; r != nil {
					write(a, r)
				}
			}
		}
	}
	eachSection(document.Section, func(s *compb.Composition_Section) {
		for _, ref := range s.Entry {
			for _, x := range ref.Extension {
				if x.GetUrl().GetValue() == concernURL && x.Value == nil {
					around(x)
				}
			}
		}
	})
	for _, r := range c.Resources() {
		for _, x := range statementsWithin(*extensions(r.Msg)) {
			around(x)
		}
	}
	for i, p := range order {
		extend(p, textExtension(derivedURL, provenanceDigest(p)))
		c.Add(p, first[i])
	}
	return false
}

func eachSection(list []*compb.Composition_Section, f func(*compb.Composition_Section)) {
	for _, s := range list {
		f(s)
		eachSection(s.Section, f)
	}
}

// referencesOf are the references that the extensions of a name hold.
func referencesOf(list []*dpb.Extension, name string) (refs []*dpb.Reference) {
	for _, x := range list {
		if ref := x.GetValue().GetReference(); ref != nil && x.GetUrl().GetValue() == name {
			refs = append(refs, ref)
		}
	}
	return refs
}

// authoredAt is the time of an author; nil if it is not known.
func authoredAt(author *dpb.Reference) *dpb.DateTime {
	for _, x := range author.Extension {
		if t := x.GetValue().GetDateTime(); t != nil && x.GetUrl().GetValue() == ownExtensions+"time" && t.Precision != dpb.DateTime_PRECISION_UNSPECIFIED {
			return t
		}
	}
	return nil
}

// provenanceOf says of an author what FHIR wants. A time that makes no instant is when it occurred, and when it was recorded is unknown.
func provenanceOf(c *mapping.Context, author *dpb.Reference, when *dpb.DateTime) *provpb.Provenance {
	p := &provpb.Provenance{Recorded: instantOf(when)}
	if when != nil && p.Recorded == nil {
		p.Occurred = &provpb.Provenance_OccurredX{Choice: &provpb.Provenance_OccurredX_DateTime{
			DateTime: &dpb.DateTime{ValueUs: when.ValueUs, Timezone: when.Timezone, Precision: when.Precision}}}
	}
	if p.Recorded == nil {
		p.Recorded = &dpb.Instant{Extension: []*dpb.Extension{noValue("unknown")}}
	}
	agent := &provpb.Provenance_Agent{Type: concept(participantTypes, "author"), Who: &dpb.Reference{}}
	agent.Type.Coding[0].Display = &dpb.String{Value: "Author"}
	c.ReferAs(agent.Who, author)
	var employer *dpb.Reference
	switch x := c.Led(author).(type) {
	case *prpb.PractitionerRole:
		employer = x.Organization
	case *devpb.Device:
		employer = x.Owner
	}
	if to := new(dpb.Reference); employer != nil && c.ReferAs(to, employer) {
		agent.OnBehalfOf = to
	}
	p.Agent = append(p.Agent, agent)
	return p
}

// instantOf is a time as an instant; nil if it says no second or no offset.
func instantOf(t *dpb.DateTime) *dpb.Instant {
	precision := map[dpb.DateTime_Precision]dpb.Instant_Precision{dpb.DateTime_SECOND: dpb.Instant_SECOND,
		dpb.DateTime_MILLISECOND: dpb.Instant_MILLISECOND, dpb.DateTime_MICROSECOND: dpb.Instant_MICROSECOND}[t.GetPrecision()]
	if precision == 0 || t.Timezone == "" {
		return nil
	}
	return &dpb.Instant{ValueUs: t.ValueUs, Timezone: t.Timezone, Precision: precision}
}

// provenanceDigest is the digest of what a Provenance says beside where it leads.
func provenanceDigest(p *provpb.Provenance) string {
	bare, _ := proto.Clone(p).(*provpb.Provenance)
	bare.Id = nil
	bare.Extension = slices.DeleteFunc(bare.Extension, isMark)
	dropInternal(bare)
	dropReferences(bare)
	return digest(bare)
}

// isDerivedProvenance reports one that was made of authors that stand in the document, and that nobody has changed.
func isDerivedProvenance(p *provpb.Provenance) bool {
	return slices.ContainsFunc(p.Extension, func(x *dpb.Extension) bool {
		return isMark(x) && x.GetValue().GetStringValue().GetValue() == provenanceDigest(p)
	})
}

// derivedProvenances are those of a record, each of which is digested once.
func derivedProvenances(c *mapping.Context) map[*provpb.Provenance]bool {
	type key struct{}
	derived, _ := c.Memo(key{}, func() any {
		derived := map[*provpb.Provenance]bool{}
		for _, r := range c.Resources() {
			if p, ok := r.Msg.(*provpb.Provenance); ok && isDerivedProvenance(p) {
				derived[p] = true
			}
		}
		return derived
	}).(map[*provpb.Provenance]bool)
	return derived
}

// writeProvenance claims what is read again from the authors.
func writeProvenance(c *mapping.Context, _ proto.Message, _ tree.Node) bool {
	any := false
	for _, r := range c.Resources() {
		p, ok := r.Msg.(*provpb.Provenance)
		switch {
		case !ok:
		case derivedProvenances(c)[p]:
			c.Place(r)
			c.Claim(p)
			any = true
		default:
			c.Decline(p, onlyAuthors)
		}
	}
	return any
}

// writeAuthors writes the authors of a statement of which a Provenance says that did not come of the document.
func writeAuthors(c *mapping.Context, src proto.Message, n tree.Node) bool {
	any := false
	for _, w := range written(c)[src] {
		any = writeAuthorsOf(c, w.by, w.says, n) || any
		for _, t := range w.targets {
			c.ClaimReference(t)
		}
	}
	return any
}

// isAuthor reports an agent who wrote, or of whom nothing else is said.
func isAuthor(agent *provpb.Provenance_Agent) bool {
	return agent.Type == nil || conceptCode(agent.Type, participantTypes) == "author" || conceptCode(agent.Type, participationTypes) == "AUT"
}

// writeAuthorsOf writes the authors among the agents of a Provenance.
func writeAuthorsOf(c *mapping.Context, r *mapping.Resource, p *provpb.Provenance, n tree.Node) bool {
	any := false
	for _, agent := range p.Agent {
		if !isAuthor(agent) || c.Refused(agent) || agent.Who == nil || c.Resolve(r, agent.Who) == nil {
			continue
		}
		c.Anew(func() {
			k := c.Doc.Add(n, "author", "")
			if !c.WriteTable("Agent", agent, k) {
				emptied(c.Doc, k)
				return
			}
			if !c.WriteTable("Agent_Time", p, k) {
				set(c.Doc, c.Doc.Add(k, "time", ""), "nullFlavor", "UNK")
			}
			if agent.Type != nil {
				c.Claim(agent.Type)
			}
			c.Place(r)
			any = true
		})
	}
	return any
}

// A writing is what a Provenance that did not come of a document says of a resource.
type writing struct {
	by      *mapping.Resource
	says    *provpb.Provenance
	targets []*dpb.Reference // those that lead to it
}

// written are, by resource, who wrote it. A server may say of thousands of resources with one Provenance that somebody wrote them.
func written(c *mapping.Context) map[proto.Message][]writing {
	type key struct{}
	by, _ := c.Memo(key{}, func() any {
		by := map[proto.Message][]writing{}
		for _, r := range c.Resources() {
			p, ok := r.Msg.(*provpb.Provenance)
			if !ok || derivedProvenances(c)[p] || c.Refused(p) {
				continue
			}
			for _, t := range p.Target {
				to := c.Resolve(r, t)
				if to == nil {
					continue
				}
				list := by[to.Msg]
				if last := len(list) - 1; last >= 0 && list[last].by == r {
					list[last].targets = append(list[last].targets, t)
				} else {
					by[to.Msg] = append(list, writing{r, p, []*dpb.Reference{t}})
				}
			}
		}
		return by
	}).(map[proto.Message][]writing)
	return by
}
