package validate

import (
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// use is a reference that leads out of its resource. Where it stands is worked out while the text is at hand, because what it leads
// to may come at the end of the bundle.
type use struct {
	typ, text    string // Type and id of a relative reference without version; else the whole text
	elem         *plan.Element
	line, column int
	from, to     int // its path, in steps
}

// reference checks what a Reference says of itself, and keeps it where it leads to another resource of a bundle.
func (w *walker) reference(e *elemPlan, r *dpb.Reference) {
	var targets []string
	if e != nil {
		targets = e.elem.Targets
	}
	if t := r.GetType().GetValue(); t != "" {
		if rest, ok := strings.CutPrefix(t, "http://hl7.org/fhir/StructureDefinition/"); ok {
			t = rest
		}
		switch {
		case strings.Contains(t, ":"): // a logical model
		case plan.ContainedType().ResourceAlt(t) == nil:
			w.findAt("type", "CP-FHIR-106", "FHIR R4 has no such type of resource%s", plan.Suggest(t, plan.Resources())).WithValue(t)
		case !allowed(targets, t):
			w.findAt("type", "CP-FHIR-102", "a reference to %s; here it may lead to %s", t, strings.Join(targets, ", "))
		}
	}
	typ, text := targetOf(r)
	switch m := r.GetReference().(type) {
	case nil:
		return
	case *dpb.Reference_Fragment:
		w.fragment(m.Fragment.GetValue(), targets)
		return
	case *dpb.Reference_Uri:
		if text == "" {
			return
		}
		if text == "#" {
			w.fragments = append(w.fragments, "")
			if w.root == w.resource {
				return
			}
			if t := fhir.TypeOf(w.root); !allowed(targets, t) {
				w.find("CP-FHIR-102", "the reference leads to the %s that contains this resource; here it may lead to %s", t, strings.Join(targets, ", "))
			}
			return
		}
		if t := typeOfURL(text); t != "" && !allowed(targets, t) {
			w.findAt("reference", "CP-FHIR-105", "the reference leads to %s by its URL; here it may lead to %s", article(t), strings.Join(targets, ", "))
		}
	default:
		if text == "" {
			return // extensions only
		}
	}
	if blanks(text) {
		w.findAt("reference", "CP-FHIR-013", "a blank within a reference").WithValue(text)
		return
	}
	if typ != "" && !allowed(targets, typ) {
		w.findAt("reference", "CP-FHIR-105", "the reference leads to %s; here it may lead to %s", article(typ), strings.Join(targets, ", "))
	}
	if w.keep {
		if w.v.profiled {
			if w.useOf == nil {
				w.useOf = map[*dpb.Reference]int32{}
			}
			w.useOf[r] = int32(len(w.refs))
		}
		w.keepUse(e, typ, text)
	}
}

// targetOf is the type and the id of a relative reference, without version; of any other the whole text, but of a fragment.
func targetOf(r *dpb.Reference) (typ, text string) {
	switch m := r.GetReference().(type) {
	case nil, *dpb.Reference_Fragment:
		return "", ""
	case *dpb.Reference_Uri:
		return "", m.Uri.GetValue()
	case *dpb.Reference_PatientId:
		return "Patient", m.PatientId.GetValue()
	case *dpb.Reference_EncounterId:
		return "Encounter", m.EncounterId.GetValue()
	case *dpb.Reference_PractitionerId:
		return "Practitioner", m.PractitionerId.GetValue()
	case *dpb.Reference_OrganizationId:
		return "Organization", m.OrganizationId.GetValue()
	case *dpb.Reference_ObservationId:
		return "Observation", m.ObservationId.GetValue()
	}
	typ, text, ok := strings.Cut(fhir.ReferenceText(r), "/")
	if !ok {
		return "", ""
	}
	text, _, _ = strings.Cut(text, "/_history/")
	return typ, text
}

// containedType is the type of the resource that is contained under an id, "" if none is.
func (w *walker) containedType(id string) string {
	if w.types == nil {
		w.types = map[string]string{}
		all, _ := w.contained.Of(w.root)
		for _, m := range slices.Backward(all) { // of two with one id the first counts
			w.types[fhir.IDOf(m)] = fhir.TypeOf(m)
		}
	}
	return w.types[id]
}

// keepUse notes a reference for when all of the bundle is known. References come nearly in the order of the text, so its place is
// looked for from the last one on.
func (w *walker) keepUse(e *elemPlan, typ, text string) {
	u := use{typ: typ, text: text, from: len(w.steps)}
	if e != nil {
		u.elem = e.elem
	}
	w.steps = append(w.steps, w.path...)
	u.to = len(w.steps)
	u.line, u.column = w.scan.find(w.entry, text)
	w.refs = append(w.refs, u)
}

// textScan finds texts in the JSON of an entry, in about the order in which they stand there.
type textScan struct {
	at, line, column int
	misses           int
}

func (s *textScan) find(e *fhir.Entry, text string) (line, column int) {
	if s.line == 0 {
		s.line, s.column = e.Place.Line, e.Place.Column
	}
	if e.Text == "" || s.misses > 64 {
		return e.Place.Line, e.Place.Column
	}
	i := strings.Index(e.Text[s.at:], text)
	if i < 0 {
		s.misses++
		*s = textScan{misses: s.misses, line: e.Place.Line, column: e.Place.Column}
		if i = strings.Index(e.Text, text); i < 0 {
			return e.Place.Line, e.Place.Column
		}
	}
	passed := e.Text[s.at : s.at+i]
	if n := strings.Count(passed, "\n"); n > 0 {
		s.line += n
		s.column = len(passed) - strings.LastIndexByte(passed, '\n')
	} else {
		s.column += len(passed)
	}
	s.at += i
	return s.line, s.column
}

// fragment checks a reference to a contained resource.
func (w *walker) fragment(id string, targets []string) {
	w.fragments = append(w.fragments, id)
	switch t := w.containedType(id); {
	case t == "":
		w.findAt("reference", "CP-FHIR-103", "")
	case !allowed(targets, t):
		w.findAt("reference", "CP-FHIR-102", "the contained resource is %s; here it may be %s", article(t), strings.Join(targets, ", "))
	}
}

// allowed reports that a reference with these targets may lead to a type.
func allowed(targets []string, typ string) bool {
	return len(targets) == 0 || slices.Contains(targets, typ) || slices.Contains(targets, "Resource")
}

func article(typ string) string {
	if strings.IndexByte("AEIO", typ[0]) >= 0 {
		return "an " + typ
	}
	return "a " + typ
}

// typeOfURL is the type of resource to which an http URL leads, if it ends in Type/id or is a conditional reference.
func typeOfURL(url string) string {
	if t, _, ok := strings.Cut(url, "?"); ok && plan.ContainedType().ResourceAlt(t) != nil {
		return t
	}
	if !strings.HasPrefix(url, "http") {
		return ""
	}
	url, _, _ = strings.Cut(url, "/_history/")
	i := strings.LastIndexByte(url, '/')
	if i <= 0 {
		return ""
	}
	if t := url[strings.LastIndexByte(url[:i], '/')+1 : i]; t != "" && plan.ContainedType().ResourceAlt(t) != nil {
		return t
	}
	return ""
}
