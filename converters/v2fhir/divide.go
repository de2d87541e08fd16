package v2fhir

import (
	"cmp"
	"slices"
	"strings"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	aipb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/allergy_intolerance_go_proto"
	conpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"
	epb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/encounter_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// This file divides a record that no message made among the messages that together have a place for it: no structure of HL7 v2 holds the
// allergies, the results and the vaccinations of one patient, and none has two visits.
//
//	PPR^PC1   problems with a status        a message for each visit that they belong to, and one for those of no visit
//	VXU^V04   vaccinations                  the same
//	ORU^R01   reports and results           the same
//	SIU^S12   an appointment                a message for each
//	MDM^T02   a document                    a message for each
//	PGL^PC6   goals that no problem has
//	ADT^A60   allergies that are not active, or unconfirmed, or were told in error, which AL1 cannot say and IAM can
//	ADT^A08   all else: the person, diagnoses, allergies, procedures, insurances; a message for each visit, with what belongs to it, and of
//	          one that has ended nobody knows when an ADT^A03, which says so
//
// An order or a prescription is never sent by itself: who receives one may carry it out. Each message has the patient, and what its subjects
// refer to. What no message has a place for goes with the first, whose tables say why it is left out.

// kinds are the messages that a record is divided among, those first that take what is theirs alone, each with what it is about.
var kinds = []struct {
	structure string
	types     []string
	each      bool // a message has one of them
}{
	{"PPR_PC1", []string{"Condition"}, false},
	{"PGL_PC6", []string{"Goal"}, false},
	{"VXU_V04", []string{"Immunization"}, false},
	{"ORU_R01", []string{"DiagnosticReport", "Observation"}, false},
	{"SIU_S12", []string{"Appointment"}, true},
	{"MDM_T02", []string{"DocumentReference"}, true},
	{"ADT_A60", []string{"AllergyIntolerance"}, false},
}

// ofPerson is the message of the person or of a visit. It is the last kind.
const ofPerson = "ADT_A01"

// typesOfPerson are what it is about.
var typesOfPerson = []string{"AllergyIntolerance", "Condition", "Procedure", "Coverage", "Observation"}

// isSubject reports a type that has messages of its own, and stands in no other.
func isSubject(typ string) bool {
	if typ == "Encounter" || slices.Contains(typesOfPerson, typ) {
		return true
	}
	for _, k := range kinds {
		if slices.Contains(k.types, typ) {
			return true
		}
	}
	return false
}

// portion is what a message is about.
type portion struct {
	structure string
	rank      rank
	subjects  []*mapping.Resource
	visit     *mapping.Resource // nil: none
}

// rank is the order in which the messages of a record stand; those of one rank stand in that in which they are written.
type rank int

const (
	mainMessage  rank = iota // of the person, with all that no other message has
	withoutVisit             // of the person, what belongs to no visit
	ofVisit
	ofKind
)

// division is a record that is being divided.
type division struct {
	rec    *mapping.Record
	leads  map[*mapping.Resource][]*mapping.Resource // to what a resource refers
	from   map[*mapping.Resource][]*mapping.Resource // what refers to it
	at     map[*mapping.Resource]int                 // where in the record it stands
	people []*mapping.Resource                       // of whom messages tell
	told   map[*mapping.Resource]bool                // it stands in a message
	within map[*mapping.Resource]bool                // it tells of another statement, and says nothing without that
	list   []*outgoing
	write  func(structure string, part *mapping.Record) (*outgoing, error)
}

// divide is the messages that a record becomes, the one of the person first. write makes one of a part of the record, or nil if it would say
// nothing of what it is about.
func divide(rec *mapping.Record, write func(structure string, part *mapping.Record) (*outgoing, error)) ([]*outgoing, error) {
	d := &division{rec: rec, write: write, told: map[*mapping.Resource]bool{}, within: map[*mapping.Resource]bool{}, at: map[*mapping.Resource]int{},
		leads: map[*mapping.Resource][]*mapping.Resource{}, from: map[*mapping.Resource][]*mapping.Resource{}}
	for i, r := range rec.Resources {
		d.at[r] = i
		if typ := r.Type(); !r.Inside() && (typ == "Patient" || typ == "RelatedPerson" || typ == "MessageHeader") {
			d.people = append(d.people, r)
		}
		rec.LeadsTo(r, func(to *mapping.Resource) {
			d.leads[r] = append(d.leads[r], to)
			d.from[to] = append(d.from[to], r)
		})
	}
	d.findWithin()
	var portions []portion
	for _, k := range kinds {
		if k.structure != "ORU_R01" || d.has("DiagnosticReport") { // observations without any report stand in the message of the person
			portions = append(portions, d.portions(k.structure, k.types, k.each)...)
		}
	}
	person := len(portions) == 0 || d.wantsPerson(portions)
	for i, p := range portions {
		if err := d.add(p, !person && i == len(portions)-1); err != nil {
			return nil, err
		}
	}
	// A visit that results or vaccinations belong to, and that does not stand beside them: only a message of its own says that it has ended.
	person = person || slices.ContainsFunc(portions, func(p portion) bool { return p.visit != nil && !d.told[p.visit] })
	if person || len(d.list) == 0 {
		if err := d.person(); err != nil {
			return nil, err
		}
	}
	d.declineVisits()
	slices.SortStableFunc(d.list, func(a, b *outgoing) int { return cmp.Compare(a.rank, b.rank) })
	return d.list, nil
}

// declineVisits says why a visit stands in no message. All else that none has goes with the last one, whose tables say why; visits do not.
func (d *division) declineVisits() {
	for i, r := range d.rec.Resources {
		if r.Type() != "Encounter" || r.Inside() || d.told[r] {
			continue
		}
		why := "nothing that a message holds belongs to this visit"
		if slices.ContainsFunc(d.leads[r], func(to *mapping.Resource) bool { return to.Type() == "Patient" && !d.told[to] }) {
			why = "a message is about one patient at a time, and this visit is that of another"
		}
		d.rec.Decline(i, why)
	}
}

func (d *division) has(typ string) bool {
	return slices.ContainsFunc(d.rec.Resources, func(r *mapping.Resource) bool { return r.Type() == typ && !r.Inside() })
}

// findWithin finds the observations of a document that stand within another statement and tell of that alone: how severe a reaction was, how old
// somebody was at the beginning, what a medicine is for. A part of an observation (COMP) is one of its own.
func (d *division) findWithin() {
	for _, r := range d.rec.Resources {
		if r.Type() == "Encounter" {
			continue // why a visit was stands beside it
		}
		var ids map[string]bool
		for _, x := range extensionsOf(r.Msg) {
			if x.GetUrl().GetValue() != relatedURL {
				continue
			}
			typ, id := "", ""
			for _, y := range x.Extension {
				switch v := y.GetValue(); {
				case y.GetUrl().GetValue() == "type":
					typ = v.GetCode().GetValue()
				case v.GetReference() != nil:
					id = fhir.ReferenceText(v.GetReference())
				}
			}
			if id = id[strings.LastIndexAny(id, ":/")+1:]; typ != "COMP" && id != "" {
				if ids == nil {
					ids = map[string]bool{}
				}
				ids[id] = true
			}
		}
		for _, to := range d.leads[r] {
			if ids[to.ID] && to.Type() == "Observation" {
				d.within[to] = true
			}
		}
	}
}

const relatedURL = cp + "related"

// visitOf is the visit that a resource refers to, nil if there is none.
func (d *division) visitOf(r *mapping.Resource) *mapping.Resource {
	for _, to := range d.leads[r] {
		if to.Type() == "Encounter" {
			return to
		}
	}
	return nil
}

// portions are those of a kind: one for each visit, or for each subject. What is a part of another subject goes with that.
func (d *division) portions(structure string, types []string, each bool) (list []portion) {
	of := map[*mapping.Resource]int{} // the portion of a visit
	for _, r := range d.rec.Resources {
		isPart := func(of *mapping.Resource) bool { return of != r && slices.Contains(types, of.Type()) }
		if r.Inside() || !slices.Contains(types, r.Type()) || !each && slices.ContainsFunc(d.from[r], isPart) || d.ofVaccination(r) || d.within[r] || isDiagnosis(r) || isListed(r) {
			continue
		}
		visit := d.visitOf(r)
		i, ok := of[visit]
		if !ok || each {
			i = len(list)
			of[visit] = i
			list = append(list, portion{structure: structure, rank: ofKind, visit: visit})
		}
		list[i].subjects = append(list[i].subjects, r)
	}
	return list
}

// isListed reports an allergy that stands in the list of those that a patient has (AL1): it is active, and nobody doubts it. One that was refuted
// is no matter of a message of its own, which has no word for it either.
func isListed(r *mapping.Resource) bool {
	a, ok := r.Msg.(*aipb.AllergyIntolerance)
	if !ok {
		return false
	}
	clinical, verified := allergyStatus(a)
	return verified == "refuted" || clinical == "active" && (verified == "" || verified == "confirmed") || clinical == "" && verified != "entered-in-error"
}

// ofVaccination reports an observation that belongs to a vaccination, with which it goes.
func (d *division) ofVaccination(r *mapping.Resource) bool {
	return r.Type() == "Observation" && slices.ContainsFunc(d.leads[r], func(to *mapping.Resource) bool { return to.Type() == "Immunization" })
}

// isDiagnosis reports a condition of which a diagnosis (DG1) says all: one without a status, for which that has no place.
func isDiagnosis(r *mapping.Resource) bool {
	c, ok := r.Msg.(*conpb.Condition)
	return ok && c.ClinicalStatus == nil && c.VerificationStatus == nil
}

// structureOf is the message of a visit: that it has ended is said by the time at which it did, or by the event.
func structureOf(visit *mapping.Resource) string {
	if visit != nil {
		if e, ok := visit.Msg.(*epb.Encounter); ok && e.GetStatus().GetValue() == cpb.EncounterStatusCode_FINISHED && e.GetPeriod().GetEnd() == nil {
			return endOfVisit
		}
	}
	return ofPerson
}

// wantsPerson reports that a record holds what none of the portions is about and a message of the person has a place for.
func (d *division) wantsPerson(portions []portion) bool {
	reports := d.has("DiagnosticReport")
	visited := map[*mapping.Resource]bool{}
	for _, p := range portions {
		visited[p.visit] = true
	}
	return slices.ContainsFunc(d.rec.Resources, func(r *mapping.Resource) bool {
		switch typ := r.Type(); {
		case r.Inside():
			return false
		case typ == "Observation":
			return !reports && !d.ofVaccination(r) && !d.within[r]
		case typ == "AllergyIntolerance":
			return isListed(r)
		case typ == "Condition":
			return isDiagnosis(r)
		case typ == "Encounter":
			return !visited[r]
		default:
			return slices.Contains(typesOfPerson, typ)
		}
	})
}

// person adds the messages of the person: one for each visit of which something is not told yet, the first one with all that no other message
// has, and one for what belongs to no visit, where a message of a visit has no place for that.
func (d *division) person() error {
	var visits []portion
	for _, r := range d.rec.Resources {
		if r.Type() != "Encounter" || r.Inside() {
			continue
		}
		p := portion{structure: structureOf(r), rank: ofVisit, subjects: []*mapping.Resource{r}, visit: r}
		for _, of := range d.from[r] {
			if !d.told[of] && !of.Inside() && (of.Type() == "Procedure" || of.Type() == "Observation" && !d.within[of]) && d.visitOf(of) == r {
				p.subjects = append(p.subjects, of)
			}
		}
		if !d.told[r] || len(p.subjects) > 1 || slices.ContainsFunc(d.leads[r], func(to *mapping.Resource) bool { return to.Type() == "Condition" }) {
			visits = append(visits, p)
		}
	}
	// All that no other message has goes with a visit that is not told as one that has ended.
	first := portion{structure: ofPerson}
	if i := slices.IndexFunc(visits, func(p portion) bool { return p.structure == ofPerson }); i >= 0 {
		first.visit = visits[i].visit
		visits = slices.Delete(visits, i, i+1)
	}
	for _, p := range visits {
		if err := d.add(p, false); err != nil {
			return err
		}
	}
	if err := d.add(first, true); err != nil {
		return err
	}
	alone := portion{structure: ofPerson, rank: withoutVisit}
	for _, r := range d.rec.Resources {
		if !d.told[r] && !r.Inside() && (r.Type() == "Condition" || r.Type() == "Procedure") {
			alone.subjects = append(alone.subjects, r)
		}
	}
	if first.visit == nil || len(alone.subjects) == 0 {
		return nil
	}
	return d.add(alone, false)
}

// add writes a portion, with all that no other message has if it is the last one, and keeps the message if something of what it is about
// stands in it.
func (d *division) add(p portion, last bool) error {
	p.subjects = slices.DeleteFunc(p.subjects, func(r *mapping.Resource) bool { return r.Type() == "Goal" && d.told[r] }) // below its problem
	subject := map[*mapping.Resource]bool{}
	for _, r := range p.subjects {
		subject[r] = true
	}
	in := d.closure(p, subject)
	if last {
		for _, r := range d.rec.Resources {
			switch typ := r.Type(); {
			case r.Inside() || typ == "Encounter" || isSubject(typ) && d.told[r]:
			case isUnasked(p.structure, typ):
				d.rec.Decline(d.at[r], "an order is sent where it is asked for, by --message")
			case d.within[r] && !in[r]:
				if !d.told[r] {
					d.rec.Decline(d.at[r], "it tells of another statement alone, and a message has no place for it below that")
				}
			default:
				in[r] = true
			}
		}
	}
	var places []int
	for r := range in {
		places = append(places, d.at[r])
	}
	slices.Sort(places)
	part := d.rec.Excerpt(places)
	m, err := d.write(p.structure, part)
	if err != nil {
		return err
	}
	own := typesOfPerson
	for _, k := range kinds {
		if k.structure == p.structure {
			own = k.types
		}
	}
	news := false
	var told []*mapping.Resource
	for _, r := range part.Resources {
		if r.Placed() && (!isSubject(r.Type()) || r.Type() == "Encounter" || slices.Contains(own, r.Type()) || d.ofVaccination(r) || belowProblem(p.structure, r)) {
			told = append(told, r)
			news = news || subject[r] && !d.told[r]
		}
	}
	if last {
		news = len(d.list) == 0 || d.rec.Adds(part)
	}
	if news && m != nil || last { // what the last one has no place for is left out for its reasons, be it sent or not
		d.rec.Absorb(part)
	}
	if m == nil || !news {
		return nil
	}
	for _, r := range told {
		d.told[r] = true
	}
	m.rank = p.rank
	d.list = append(d.list, m)
	return nil
}

// belowProblem reports a goal that stands below the problem which it addresses.
func belowProblem(structure string, r *mapping.Resource) bool {
	return structure == "PPR_PC1" && r.Type() == "Goal"
}

// isUnasked reports an order or a prescription that a message has a place for, below a problem, and that nobody has asked to be sent.
func isUnasked(structure, typ string) bool {
	return structure == "PPR_PC1" && (typ == "MedicationRequest" || typ == "ServiceRequest")
}

// closure is what a message about the subjects of a portion needs: the patient, what tells of whom the message is, whatever the subjects refer
// to, and what tells of them.
func (d *division) closure(p portion, subject map[*mapping.Resource]bool) map[*mapping.Resource]bool {
	in := map[*mapping.Resource]bool{}
	var include func(r *mapping.Resource)
	include = func(r *mapping.Resource) {
		if r.Inside() { // it goes with what contains it
			return
		}
		if d.within[r] && p.structure != "PPR_PC1" { // observations stand below a problem, and below nothing else that they are within
			return
		}
		if in[r] || r.Type() == "Encounter" && r != p.visit || isUnasked(p.structure, r.Type()) {
			return
		}
		if isSubject(r.Type()) && d.told[r] && r != p.visit && !subject[r] {
			return
		}
		in[r] = true
		for _, to := range d.leads[r] {
			if !slices.Contains(aloneInMessage, to.Type()) {
				include(to)
			}
		}
	}
	for _, r := range d.people {
		if r.Type() != "RelatedPerson" || p.structure == "VXU_V04" { // registries look for a child by his mother
			include(r)
		}
	}
	if p.visit != nil {
		include(p.visit)
	}
	for _, r := range p.subjects {
		include(r)
	}
	for _, r := range p.subjects {
		for _, of := range d.from[r] {
			if of.Type() == "Provenance" || of.Type() == "Basic" || d.ofVaccination(of) || belowProblem(p.structure, of) {
				include(of)
			}
		}
	}
	return in
}

// aloneInMessage are the types of which a message has one, so that none comes by a reference from another.
var aloneInMessage = []string{"Appointment", "DocumentReference"}
