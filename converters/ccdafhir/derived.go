package ccdafhir

import (
	"cmp"
	stdbase64 "encoding/base64"
	"reflect"
	"slices"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	apb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/allergy_intolerance_go_proto"
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"
	devpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/device_go_proto"
	drpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/diagnostic_report_go_proto"
	docpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/document_reference_go_proto"
	epb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/encounter_go_proto"
	ipb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/immunization_go_proto"
	lpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/location_go_proto"
	medpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/medication_go_proto"
	mpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/medication_request_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"
	procpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/procedure_go_proto"
	srpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/service_request_go_proto"
	spb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/specimen_go_proto"
	sreqpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/supply_request_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// FHIR asks of one resource what a document says in statements around, within or beside the one that the resource was made of: the
// recorder of a problem is the author of its statement, what a medication is for stands in an observation within it. The tables
// Derived say what of that goes where, as rows; the statements themselves are kept whole by the rows of their own tables. So what
// Derived gives is marked as derived and not written a second time.

const derivedWhy = "it stands in the statement that says it, and here again"

func readDerived(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	t, to := plan.OfMessage(dst), reflect.ValueOf(dst).Elem()
	from := reflect.New(t.Go)
	said, _ := from.Interface().(proto.Message)
	end := c.Fold(derivedWhy)
	c.ReadTable("Derived", n, said)
	conducted(c, n, said)
	end()
	sealPlaces(c, t, from.Elem())
	complete(c.Doc, n, said)
	if x, ok := dst.(*docpb.DocumentReference); ok {
		noteVisit(c, x, said)
	}
	merge(t, to, from.Elem())
	named(c, n, dst)
	switch x := dst.(type) {
	case *ipb.Immunization:
		reactions(c, n, x)
		for _, p := range x.Performer { // who gave it: C-CDA on FHIR, Immunizations
			if p.Function == nil {
				p.Function = derivedConcept("http://terminology.hl7.org/CodeSystem/v2-0443", "AP")
			}
		}
	case *mpb.MedicationRequest:
		for _, dosage := range x.DosageInstruction {
			offset(dosage.GetTiming().GetRepeat())
		}
	case *epb.Encounter:
		diagnoses(c, x)
		if code := visitClass(x); x.ClassValue == nil && code != "" {
			x.ClassValue = &dpb.Coding{System: &dpb.Uri{Value: "http://terminology.hl7.org/CodeSystem/v3-ActCode"}, Code: &dpb.Code{Value: code}}
			markDerived(x.ClassValue)
		}
	case *cpb.Condition:
		if c.Doc.Name(n) == "act" {
			concernParts(c, x)
		}
	case *sreqpb.SupplyRequest:
		orderedSupply(c, n, x)
	case *srpb.ServiceRequest:
		if ofTemplate(c.Doc, n, instruction) && c.Doc.Name(c.Doc.Parent(c.Doc.Parent(n))) != "supply" { // what a pharmacy is told is no education
			x.Category = append(x.Category, derivedConcept(snomed, "409073007"))
		}
	case *opb.Observation:
		if code := observationCategory(c.Doc, n); code != "" && len(x.Category) == 0 {
			x.Category = append(x.Category, derivedConcept(observationCategories, code))
		}
		profiled(c.Doc, n, x)
		delivery(c, n, x)
		if who := relative(c.Doc, n); who != "" && len(x.Focus) == 0 {
			x.Focus = []*dpb.Reference{{Type: &dpb.Uri{Value: "RelatedPerson"}, Display: &dpb.String{Value: who}}}
			markDerived(x.Focus[0])
		}
	case *docpb.DocumentReference:
		attach(x)
		x.Category = append(x.Category, derivedConcept("http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "clinical-note"))
	case *drpb.DiagnosticReport:
		if len(x.Category) == 0 && attrText(c.Doc, c.Doc.Child(sectionOf(c.Doc, n), "code"), "code") == resultsSection {
			x.Category = append(x.Category, derivedConcept("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB"))
		}
	}
	return false
}

// named gives what has neither a code nor words for what it is those of its statement: the name of an allergy's substance, else the text.
// The words of what is denied may deny it themselves, so there they are none of the thing.
func named(c *mapping.Context, n tree.Node, dst proto.Message) {
	if attrText(c.Doc, n, "negationInd") == "true" {
		return
	}
	var code **dpb.CodeableConcept
	words := ""
	switch x := dst.(type) {
	case *apb.AllergyIntolerance:
		code, words = &x.Code, c.Doc.Text(c.Doc.Child(substance(c.Doc, n), "name"))
	case *cpb.Condition:
		code = &x.Code
	case *ipb.Immunization:
		code, words = &x.VaccineCode, drugName(c.Doc, product(c.Doc, n))
	case *procpb.Procedure:
		code = &x.Code
	case *mpb.MedicationRequest:
		if x.GetMedication().GetReference() != nil {
			return // a Medication has its own name
		}
		cc := x.GetMedication().GetCodeableConcept()
		if cc == nil {
			defer func() { // a statement without a product says in words what is taken
				if cc != nil {
					x.Medication = &mpb.MedicationRequest_MedicationX{Choice: &mpb.MedicationRequest_MedicationX_CodeableConcept{CodeableConcept: cc}}
				}
			}()
		}
		code, words = &cc, drugName(c.Doc, product(c.Doc, n))
	case *medpb.Medication:
		code, words = &x.Code, drugName(c.Doc, n)
	default:
		return
	}
	if x := *code; x != nil && (x.Text != nil || slices.ContainsFunc(x.Coding, func(y *dpb.Coding) bool { return y.Code != nil || y.Display != nil })) {
		return
	}
	for _, x := range *extensions(dst) {
		if words == "" && x.GetUrl().GetValue() == ownExtensions+"text" {
			words = x.GetValue().GetStringValue().GetValue()
		}
	}
	if words = strings.Join(strings.Fields(words), " "); strings.Trim(words, "-. ") == "" {
		return
	}
	if *code == nil {
		*code = &dpb.CodeableConcept{}
	}
	(*code).Text = &dpb.String{Value: words}
	markDerived((*code).Text)
}

func product(d *tree.Doc, n tree.Node) tree.Node {
	return d.Child(d.Child(n, "consumable"), "manufacturedProduct")
}

// drugName is the name of what a product holds.
func drugName(d *tree.Doc, product tree.Node) string {
	for _, holder := range []string{"manufacturedMaterial", "manufacturedLabeledDrug"} {
		if name := d.Text(d.Child(d.Child(product, holder), "name")); name != "" {
			return name
		}
	}
	return ""
}

func readDrugName(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	named(c, n, dst)
	return false
}

// complete makes what the tables Derived have read such as FHIR wants it: a note has words, what is taken as needed without a reason says
// just that, and what has ended nobody knows when has an end.
func complete(d *tree.Doc, n tree.Node, said proto.Message) {
	switch x := said.(type) {
	case *cpb.Condition:
		x.Note = worded(x.Note)
		if d.Name(n) == "observation" && endUnknown(d, n) && snomedStatus[valueWithin(d, n, problemStatus)] == "" && attrText(d, n, "negationInd") != "true" {
			x.Abatement = &cpb.Condition_AbatementX{Choice: &cpb.Condition_AbatementX_DateTime{DateTime: &dpb.DateTime{
				Extension: []*dpb.Extension{noValue("unknown")}}}}
		}
	case *apb.AllergyIntolerance:
		x.Note = worded(x.Note)
	case *mpb.MedicationRequest:
		x.Note = worded(x.Note)
		for _, dosage := range x.DosageInstruction {
			if why := dosage.GetAsNeeded().GetCodeableConcept(); why != nil && len(why.Coding) == 0 && why.Text == nil {
				dosage.AsNeeded = nil
			}
		}
		if hasPrecondition(d, n) {
			if len(x.DosageInstruction) == 0 {
				x.DosageInstruction = append(x.DosageInstruction, &dpb.Dosage{})
			}
			if first := x.DosageInstruction[0]; first.AsNeeded == nil {
				first.AsNeeded = &dpb.Dosage_AsNeededX{Choice: &dpb.Dosage_AsNeededX_Boolean{Boolean: &dpb.Boolean{Value: true}}}
			}
		}
	case *ipb.Immunization:
		x.Note = worded(x.Note)
	case *procpb.Procedure:
		x.Note = worded(x.Note)
	case *opb.Observation:
		x.Note = worded(x.Note)
	}
}

func worded(notes []*dpb.Annotation) []*dpb.Annotation {
	return slices.DeleteFunc(notes, func(x *dpb.Annotation) bool { return x.GetText().GetValue() == "" })
}

func hasPrecondition(d *tree.Doc, n tree.Node) bool {
	k := d.Child(n, "precondition")
	return k != 0 && !d.Empty(k)
}

// offset gives a moment of the day, an hour before a meal, FHIR's minutes, which have no sign: whether it is before or after the moment says.
func offset(repeat *dpb.Timing_Repeat) {
	if repeat == nil || repeat.Offset != nil || len(repeat.When) == 0 {
		return
	}
	for _, x := range repeat.Extension {
		q := x.GetValue().GetQuantity()
		each, ok := map[string]float64{"min": 1, "h": 60}[q.GetUnit().GetValue()]
		length, err := strconv.ParseFloat(q.GetValue().GetValue(), 64)
		minutes := length * each
		if x.GetUrl().GetValue() == ownExtensions+"offset" && ok && err == nil && minutes > 0 && minutes == float64(uint32(minutes)) {
			repeat.Offset = &dpb.UnsignedInt{Value: uint32(minutes)}
			markDerived(repeat.Offset)
		}
	}
}

// visitClass is the class of an encounter by the code of what was billed: C-CDA on FHIR, Encounters, names these ranges of CPT.
func visitClass(x *epb.Encounter) string {
	for _, t := range x.Type {
		for _, c := range t.Coding {
			code := c.GetCode().GetValue()
			if c.GetSystem().GetValue() != "http://www.ama-assn.org/go/cpt" || len(code) != 5 {
				continue
			}
			switch {
			case "99211" <= code && code <= "99215":
				return "AMB"
			case "99221" <= code && code <= "99223":
				return "IMP"
			case "99281" <= code && code <= "99285":
				return "EMER"
			}
		}
	}
	return ""
}

// conducted reads what the context says of a statement: CDA R2, 4.4. Since when a problem is asserted stands in the concern around it. Who
// wrote it, where it does not say so itself, is the author of the nearest statement around it, else of the section, else of the document;
// when, too, but for the document: that it was written says nothing of when each of its statements was first recorded.
func conducted(c *mapping.Context, n tree.Node, dst proto.Message) {
	d := c.Doc
	switch x := dst.(type) {
	case *cpb.Condition:
		act := d.Parent(d.Parent(n))
		if d.Name(n) == "act" {
			act = n
		}
		if len(x.Extension) == 0 && d.Name(act) == "act" && (act == n || ofTemplate(d, act, problemConcern)) {
			c.ReadTable("Derived_Assertion", act, dst)
		}
	case *apb.AllergyIntolerance, *procpb.Procedure:
	default:
		return
	}
	for k := n; k != 0 && k != tree.Root; k = d.Parent(k) {
		switch {
		case d.Name(k) == "ClinicalDocument":
			c.ReadTable("Derived_Document", k, dst)
			return
		case hasAuthor(d, k):
			if k != n { // the tables Derived have read its own
				c.ReadTable("Derived_Concern", k, dst)
			}
			return
		case attrText(d, k, "contextConductionInd") == "false":
			return
		}
	}
}

func hasAuthor(d *tree.Doc, n tree.Node) bool {
	k := d.Child(n, "author")
	return k != 0 && !d.Empty(k)
}

// merge moves what src says into dst, marked as derived, where dst says nothing.
func merge(t *plan.Type, dst, src reflect.Value) {
	for _, e := range t.Elements {
		n := e.Len(src)
		switch {
		case n == 0:
		case e.Name == "dosageInstruction" && e.Len(dst) > 0: // a document has one dosage
			merge(e.Type(), e.At(dst, 0), e.At(src, 0))
		case e.List:
			for i := range n {
				x := e.At(src, i)
				mark(e.Type(), x)
				e.Put(dst, x)
			}
		case e.Len(dst) == 0:
			markWithin(e, src)
			dst.Field(e.Index).Set(src.Field(e.Index))
		case e.Choice == nil && !e.RefText && e.Type().Extension >= 0 && e.Name != "onset":
			merge(e.Type(), e.At(dst, 0), e.At(src, 0))
		}
	}
}

// mark marks an element as derived: an extension by its value.
func mark(t *plan.Type, v reflect.Value) {
	m, _ := v.Addr().Interface().(proto.Message)
	if _, ext := m.(*dpb.Extension); !ext && t.Extension >= 0 {
		markDerived(m)
		return
	}
	for _, e := range t.Elements {
		if !e.List && e.Name != "url" && e.Len(v) > 0 {
			markWithin(e, v)
		}
	}
}

// markWithin marks an element of v that is no list, a choice of types by what it holds.
func markWithin(e *plan.Element, v reflect.Value) {
	if e.Choice == nil && !e.RefText {
		mark(e.Type(), e.At(v, 0))
	} else if x, a := e.Chosen(v); a != nil {
		mark(a.Type(), x)
	}
}

// writeDerived claims what is read again from where it came from.
func writeDerived(c *mapping.Context, src proto.Message, _ tree.Node) bool {
	any := false
	var walk func(v reflect.Value, t *plan.Type)
	walk = func(v reflect.Value, t *plan.Type) {
		for _, e := range t.Elements {
			if e.RefText || e.Name == "contained" {
				continue
			}
			for i := range e.Len(v) {
				x, next := e.Item(v, i)
				switch {
				case next == nil:
				case next.Extension >= 0 && x.Field(next.Extension).Len() > 0 && isDerived(plan.MessageOf(x)):
					m := plan.MessageOf(x)
					c.Claim(m)
					claimPlaces(c, m)
					any = true
				case e.Name != "extension":
					walk(x, next)
				default:
					if ext := plan.As[dpb.Extension](x); claimValue(ext) {
						c.Claim(ext)
						any = true
					}
				}
			}
		}
	}
	walk(reflect.ValueOf(src).Elem(), plan.OfMessage(src))
	return any
}

// claimValue reports that the value of an extension is derived.
func claimValue(x *dpb.Extension) bool {
	v := reflect.ValueOf(x).Elem()
	value, a := plan.OfMessage(x).Element("value").Chosen(v)
	return a != nil && isDerived(plan.MessageOf(value))
}

// A place, and a specimen, is a resource of its own, made of the participant, facility or specimen that the statement keeps: the reference to
// it holds its digest, so that who changes it is heard.
const placeURL = ownExtensions + "place"

func sealPlaces(c *mapping.Context, t *plan.Type, v reflect.Value) {
	t.EachReference(v, func(ref *dpb.Reference) {
		switch place := c.Led(ref).(type) {
		case *lpb.Location, *spb.Specimen, *devpb.Device:
			extend(ref, textExtension(placeURL, placeDigest(place)))
		}
	})
}

func claimPlaces(c *mapping.Context, m proto.Message) {
	plan.OfMessage(m).EachReference(reflect.ValueOf(m).Elem(), func(ref *dpb.Reference) {
		for _, x := range ref.Extension {
			if x.GetUrl().GetValue() != placeURL {
				continue
			}
			to := c.Resolve(nil, ref)
			if to == nil {
				continue
			}
			switch place := to.Msg.(type) {
			case *lpb.Location, *spb.Specimen, *devpb.Device:
				if placeDigest(place) == x.GetValue().GetStringValue().GetValue() {
					c.Place(to)
					c.Claim(place)
				}
			}
		}
	})
}

func placeDigest(place proto.Message) string {
	bare := proto.Clone(place)
	m := bare.ProtoReflect()
	for _, name := range []protoreflect.Name{"id", "subject", "patient"} { // they come after it
		if f := m.Descriptor().Fields().ByName(name); f != nil {
			m.Clear(f)
		}
	}
	dropReferences(bare)
	return digest(bare)
}

const (
	observationCategories = "http://terminology.hl7.org/CodeSystem/observation-category"
	resultsSection        = "30954-2"
	resultOrganizer       = entries + "1"
	vitalsOrganizer       = entries + "26"
	functionalOrganizer   = entries + "66"
	mentalOrganizer       = entries + "75"
	laboratoryObservation = "1.3.6.1.4.1.19376.1.3.1.6" // IHE XD-LAB
	socialSection         = "29762-2"
	problemConcern        = entries + "3"
	problemObservation    = entries + "4"
	allergyObservation    = entries + "7"
	allergyConcern        = entries + "30"
	familyOrganizer       = entries + "45"
	instruction           = entries + "20"
)

// relative is who a statement tells of that is not the patient, as it, what it is within or its section says: FHIR's focus, for without it a mother's
// illness would be her child's.
func relative(d *tree.Doc, n tree.Node) string {
	for ; n != 0; n = d.Parent(n) {
		k := d.Child(d.Child(n, "subject"), "relatedSubject")
		if k == 0 {
			continue
		}
		code := d.Child(k, "code")
		if class := attrText(d, k, "classCode"); class == "PAT" || slices.Contains([]string{"SELF", "ONESELF"}, attrText(d, code, "code")) {
			return ""
		}
		return cmp.Or(strings.TrimSpace(attrText(d, code, "displayName")), strings.TrimSpace(attrText(d, code, "code")), "relative")
	}
	return ""
}

// observationCategory is what US Core wants to know of an observation: laboratory, vital-signs or social-history, by the organizer around
// it or the section.
func observationCategory(d *tree.Doc, n tree.Node) string {
	if d.Name(n) != "observation" {
		return ""
	}
	if ofTemplate(d, n, laboratoryObservation) {
		return "laboratory"
	}
	if org := d.Parent(d.Parent(n)); d.Name(org) == "organizer" {
		switch {
		case ofTemplate(d, org, vitalsOrganizer):
			return "vital-signs"
		case ofTemplate(d, org, functionalOrganizer, mentalOrganizer): // C-CDA R1.1 has it as an organizer of results
		case ofTemplate(d, org, resultOrganizer):
			return "laboratory"
		}
	}
	if d.Name(d.Parent(n)) == "entry" && attrText(d, d.Child(sectionOf(d, n), "code"), "code") == socialSection {
		return "social-history"
	}
	return ""
}

// related are the references to the statements within a resource's own, by the name that the table Related_Entry gives their kind.
func related(m proto.Message, kind string) (refs []*dpb.Reference) {
	for _, x := range relatedAs(m, kind) {
		if ref := x.GetValue().GetReference(); ref != nil {
			refs = append(refs, ref)
		}
	}
	return refs
}

// relatedAs are the parts of a name of the extensions that say what stands within a resource's statement.
func relatedAs(m proto.Message, name string) []*dpb.Extension {
	return partsAs(m, ownExtensions+"related", name)
}

// partsAs are the parts of a name within a resource's extensions of a URL.
func partsAs(m proto.Message, url, name string) (parts []*dpb.Extension) {
	list := extensions(m)
	if list == nil {
		return nil
	}
	for _, x := range *list {
		if x.GetUrl().GetValue() != url {
			continue
		}
		for _, y := range x.Extension {
			if y.GetUrl().GetValue() == name {
				parts = append(parts, y)
			}
		}
	}
	return parts
}

// reactions are the Reaction Observations within an immunization, E.9.
func reactions(c *mapping.Context, n tree.Node, d *ipb.Immunization) {
	for _, ref := range related(d, "observation") {
		to := c.Led(ref)
		o, ok := to.(*opb.Observation)
		if !ok || !hasTemplate(o, reaction) {
			continue
		}
		r := &ipb.Immunization_Reaction{Detail: &dpb.Reference{}}
		switch {
		case o.GetEffective().GetDateTime() != nil:
			r.Date, _ = proto.Clone(o.Effective.GetDateTime()).(*dpb.DateTime)
		case o.GetEffective().GetPeriod().GetStart() != nil:
			r.Date, _ = proto.Clone(o.Effective.GetPeriod().Start).(*dpb.DateTime)
		}
		c.ReferAs(r.Detail, ref)
		markDerived(r)
		d.Reaction = append(d.Reaction, r)
	}
}

// diagnoses are the problems within the Encounter Diagnoses of an encounter, E.80.
func diagnoses(c *mapping.Context, d *epb.Encounter) {
	for _, act := range statementsWithin(d.Extension) {
		if !isTemplate(act.Extension, encounterDiagnose) {
			continue
		}
		for _, ref := range concernedBy(act) {
			if _, ok := c.Led(ref).(*cpb.Condition); !ok {
				continue
			}
			x := &epb.Encounter_Diagnosis{Condition: &dpb.Reference{}}
			c.ReferAs(x.Condition, ref)
			markDerived(x)
			d.Diagnosis = append(d.Diagnosis, x)
		}
	}
}

// statementsWithin are the acts within a resource's statement that are no resources: the table Within.
func statementsWithin(list []*dpb.Extension) (acts []*dpb.Extension) {
	for _, x := range list {
		if x.GetUrl().GetValue() != ownExtensions+"related" {
			continue
		}
		for _, y := range x.Extension {
			if y.GetUrl().GetValue() == "statement" {
				acts = append(acts, y)
			}
		}
	}
	return acts
}

// concernParts gives a concern what it refers to: a Condition's evidence is whatever else tells of it.
func concernParts(c *mapping.Context, d *cpb.Condition) {
	e := &cpb.Condition_Evidence{}
	for _, x := range d.Extension {
		if x.GetUrl().GetValue() != ownExtensions+"related" {
			continue
		}
		for _, y := range x.Extension {
			to := &dpb.Reference{}
			if ref := y.GetValue().GetReference(); ref != nil && c.ReferAs(to, ref) {
				e.Detail = append(e.Detail, to)
			} else if y.GetUrl().GetValue() == "statement" {
				for _, ref := range concernedBy(y) {
					if to := (&dpb.Reference{}); c.ReferAs(to, ref) {
						e.Detail = append(e.Detail, to)
					}
				}
			}
		}
	}
	if len(e.Detail) > 0 {
		markDerived(e)
		d.Evidence = append(d.Evidence, e)
	}
}

// orderedSupply says what FHIR wants to know of a supply order: what shall be supplied, which the medication around it says if the order does
// not, and how much of it.
func orderedSupply(c *mapping.Context, n tree.Node, d *sreqpb.SupplyRequest) {
	if d.Item == nil {
		if around := c.Doc.Parent(c.Doc.Parent(n)); c.Doc.Name(around) == "substanceAdministration" {
			end := c.Fold(derivedWhy)
			c.ReadTable("Derived_Supply", around, d)
			end()
		}
		item := d.GetItem().GetCodeableConcept()
		if item == nil {
			item = &dpb.CodeableConcept{Extension: []*dpb.Extension{noValue("unknown")}}
			d.Item = &sreqpb.SupplyRequest_ItemX{Choice: &sreqpb.SupplyRequest_ItemX_CodeableConcept{CodeableConcept: item}}
		}
		markDerived(item)
	}
	if d.Quantity == nil {
		d.Quantity = &dpb.Quantity{Extension: []*dpb.Extension{noValue("unknown")}}
		markDerived(d.Quantity)
	}
}

// noValue is the extension that says why there is no value.
func noValue(why string) *dpb.Extension {
	return codeExtension(absentURL, why)
}

// attach gives a note its content: the text of the act, or that of the narrative to which it refers.
func attach(d *docpb.DocumentReference) {
	for _, x := range d.Extension {
		text := x.GetValue().GetStringValue()
		if x.GetUrl().GetValue() != ownExtensions+"text" || text.GetValue() == "" {
			continue
		}
		kind, data := "text/plain", []byte(text.Value)
		for _, y := range text.Extension {
			switch y.GetUrl().GetValue() {
			case ownExtensions + "media-type":
				kind = y.GetValue().GetStringValue().GetValue()
			case ownExtensions + "representation":
				if y.GetValue().GetCode().GetValue() == "B64" {
					raw, err := stdbase64.StdEncoding.DecodeString(solid(text.Value))
					if err != nil {
						return // the text stands beside it as it was written
					}
					data = raw
				}
			}
		}
		content := &docpb.DocumentReference_Content{Attachment: &dpb.Attachment{
			ContentType: &dpb.Attachment_ContentTypeCode{Value: kind}, Data: &dpb.Base64Binary{Value: data}}}
		markDerived(content)
		d.Content = append(d.Content, content)
	}
}

// readFullName is the name of a person as one text.
func readFullName(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.String)
	if !ok {
		return false
	}
	words := []string{c.Doc.Text(n)}
	for k := c.Doc.First(n); k != 0; k = c.Doc.Next(k) {
		if name := c.Doc.Name(k); name[0] != '@' && name != "validTime" {
			words = append(words, c.Doc.Text(k))
		}
	}
	d.Value = strings.Join(strings.Fields(strings.Join(words, " ")), " ")
	return d.Value != ""
}

// hasTemplate reports whether a resource was made of a statement of a template.
func hasTemplate(m proto.Message, root string) bool { return isTemplate(*extensions(m), root) }

func isTemplate(list []*dpb.Extension, root string) bool {
	for _, x := range list {
		id := x.GetValue().GetIdentifier()
		if x.GetUrl().GetValue() != templateURL {
			continue
		}
		for _, uri := range []string{id.GetSystem().GetValue(), id.GetValue().GetValue()} {
			if s, ok := strings.CutPrefix(uri, "urn:oid:"); ok && (s == root || slices.Contains(older[root], s)) {
				return true
			}
		}
	}
	return false
}

// refills is repeatNumber of an order: how often it may be supplied, the first time included. FHIR counts what follows it.
var refills = mapping.Type{Read: func(_ *mapping.Context, s string) (string, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return "", mapping.Loss("no number of times")
	}
	return strconv.Itoa(n - 1), nil
}}
