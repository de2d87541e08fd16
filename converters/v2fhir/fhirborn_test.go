package v2fhir

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	bpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/maptest"
	"github.com/chartpost/chartpost/pkg/tree"
)

// The laws from FHIR that no message made: the ledger of FHIR -> HL7 v2 names whatever the message does not say, nothing is
// written without its modifiers, and HL7 v2 -> FHIR -> HL7 v2 is stable from there on.

// fhirBorn are the bundles and single resources of shared corpus/fhir, as records.
func fhirBorn(t *testing.T) map[string]func() *mapping.Record {
	dir := filepath.Join(testshared.Dir(t), "corpus", "fhir")
	born := map[string]func() *mapping.Record{}
	for _, pattern := range []string{"examples/*.json", "synthea/*.json"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(src) > 400_000 && testing.Short() {
				continue
			}
			m, finds := fhir.Unmarshal(src)
			if m == nil || len(finds) > 0 {
				continue // what is no R4 is the codec's affair
			}
			born[filepath.Base(file)] = func() *mapping.Record {
				bundle, ok := m.(*bpb.Bundle)
				if !ok {
					return mapping.NewRecord(nil, mapping.NewResource(m, ""))
				}
				rec := mapping.NewRecord(nil)
				for _, e := range bundle.GetEntry() {
					if e.GetResource() == nil {
						continue
					}
					if v, a := plan.ContainedType().Resource(reflect.ValueOf(e.GetResource()).Elem()); a != nil {
						rec.Add(mapping.NewResource(v.Addr().Interface().(proto.Message), e.GetFullUrl().GetValue()))
					}
				}
				return rec
			}
		}
	}
	return born
}

// modifierFaults are leaves of elements with modifiers that were written while a modifier was not.
func modifierFaults(rec *mapping.Record) (faults []string) {
	written := map[string]bool{} // by place
	var lost []string
	rec.Leaves(func(place func() string, s tree.State, _ string) {
		at := place()
		if s >= tree.Folded {
			written[at] = true
		} else {
			lost = append(lost, at)
		}
	})
	for _, at := range lost {
		i := strings.LastIndexByte(at, '.')
		owner, name := at[:i], at[i+1:]
		switch name { // primitives alone: the engine's rule is tested on all, this is the same law told apart from it
		case "use", "comparator", "status", "intent", "active", "doNotPerform":
		default:
			continue
		}
		if !isModifier(owner, name) {
			continue
		}
		for other := range written {
			if strings.HasPrefix(other, owner+".") {
				faults = append(faults, fmt.Sprintf("%s is written without %s", maptest.Unnumbered(other), name))
				break
			}
		}
	}
	return faults
}

// isModifier reports that FHIR flags the element of a resource, or of a datatype that stands under these names.
func isModifier(owner, name string) bool {
	last := owner[strings.LastIndexByte(owner, '.')+1:]
	last, _, _ = strings.Cut(last, "[")
	typ, ok := map[string]string{"name": "HumanName", "identifier": "Identifier", "address": "Address", "telecom": "ContactPoint"}[last]
	if in, found := strings.CutPrefix(last, "ofType("); !ok && found { // of a choice, or of a bundle's entry
		typ, ok = strings.TrimSuffix(in, ")"), true
	}
	if !ok && !strings.Contains(owner, ".") {
		typ, ok = owner, true
	}
	if !ok {
		return false
	}
	ti, err := plan.Named(typ)
	if err != nil {
		return false
	}
	e := ti.Element(name)
	return e != nil && e.Modifier
}

func TestBornAsFHIR(t *testing.T) {
	m := builtin(t)
	born := fhirBorn(t)
	if len(born) < 100 {
		t.Fatalf("only %d records", len(born))
	}
	var legs tree.Tally
	faults, example := map[string]int{}, map[string]string{}
	kinds := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(born)) {
		fault := func(format string, args ...any) {
			f := fmt.Sprintf(format, args...)
			faults[f]++
			if example[f] == "" {
				example[f] = name
			}
		}
		rec := born[name]()
		var structures []string
		messages, err := divide(rec, func(structure string, part *mapping.Record) (*outgoing, error) {
			doc, err := m.FromFHIR(structure, "Bundle", part)
			return &outgoing{structure: structure, doc: doc}, err
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		legs = legs.Plus(rec.Tally())
		rec.Leaves(func(place func() string, s tree.State, why string) {
			if why == "" && (s == tree.Folded || s == tree.Declined || s == tree.Invalid) {
				fault("%s is %s without a reason", maptest.Unnumbered(place()), s)
			}
		})
		for _, f := range modifierFaults(rec) {
			fault("%s", f)
		}
		for _, out := range messages {
			doc, structure := out.doc, out.structure
			structures = append(structures, structure)
			if doc.Empty(tree.Root) {
				continue
			}
			withHeader(doc, structure)
			k := kit(m, structure)
			printed := k.Print(doc)
			msg, err := hl7v2.Parse(string(printed), hl7v2.Options{})
			if err != nil {
				fault("the message is not read: %v", err)
				continue
			}
			if got := msg.Group(); got != structure {
				fault("a %s is read as a %s", structure, got)
				continue
			}
			for _, f := range msg.Findings {
				if !slices.ContainsFunc(rec.Resources, func(r *mapping.Resource) bool { return r.Type() == "Patient" }) {
					break // a message about nobody: the structures want a PID, and there is none to make it of
				}
				fault("the message has a finding %s at %s", f.ID, maptest.Unnumbered(f.Place.Path))
			}
			// From here on HL7 v2 and FHIR must stay what they are.
			res, err := k.Run(printed)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, f := range res.Faults {
				fault("second leg: %s", maptest.Unnumbered(f))
			}
			for _, f := range activeAgain(rec, res.Record) {
				fault("%s", f)
			}
			for _, f := range inventedLinks(rec, res.Record) {
				fault("%s", f)
			}
		}
		kinds[strings.Join(slices.Compact(structures), " ")]++
	}
	maptest.Top(t, "messages of a record", kinds, 30, nil)
	t.Logf("%d records: %d values, %d carried, %d folded, %d declined, %d unmapped, %d invalid", len(born), legs.Values(), legs.Carried, legs.Folded, legs.Declined, legs.Unmapped, legs.Invalid)
	maptest.Top(t, "fault", faults, 60, example)
	if len(faults) > 0 {
		t.Errorf("%d kinds of broken laws", len(faults))
	}
}

// activeAgain reports resources that were entered in error and come out as if they were not: no resource of such a type may
// come back where all of them were entered in error.
func activeAgain(before, after *mapping.Record) (faults []string) {
	all, wrong := map[string]int{}, map[string]int{}
	inError := func(r *mapping.Resource) bool {
		out, err := fhir.Append(nil, r.Msg)
		return err == nil && strings.Contains(string(out), `"entered-in-error"`)
	}
	for _, r := range before.Resources {
		all[r.Type()]++
		if inError(r) {
			wrong[r.Type()]++
		}
	}
	for _, r := range after.Resources {
		if n := wrong[r.Type()]; n > 0 && n == all[r.Type()] && !inError(r) {
			faults = append(faults, fmt.Sprintf("a %s that was entered in error comes back as if it were true", r.Type()))
		}
	}
	return faults
}

// inventedLinks reports resources that come back with a link to a patient or a visit that no resource of their type and code had:
// what merely stood beside it in the message does not belong to it (law 3).
func inventedLinks(before, after *mapping.Record) (faults []string) {
	type thing struct {
		Code, VaccineCode struct {
			Text   string
			Coding []struct{ Code string }
		}
		Subject, Patient, Encounter *struct{ Reference string }
	}
	links := func(rec *mapping.Record) map[string]map[string]bool {
		m := map[string]map[string]bool{}
		for _, r := range rec.Resources {
			switch r.Type() {
			case "DiagnosticReport", "Observation", "Immunization", "Procedure", "Condition", "AllergyIntolerance":
			default:
				continue
			}
			out, err := fhir.Append(nil, r.Msg)
			var x thing
			if err != nil || json.Unmarshal(out, &x) != nil {
				continue
			}
			key := r.Type() + " " + x.Code.Text + x.VaccineCode.Text
			for _, c := range append(x.Code.Coding, x.VaccineCode.Coding...) {
				key = r.Type() + " " + c.Code
				break
			}
			if m[key] == nil {
				m[key] = map[string]bool{}
			}
			for name, ref := range map[string]bool{"patient": x.Subject != nil || x.Patient != nil, "encounter": x.Encounter != nil} {
				m[key][name] = m[key][name] || ref
			}
		}
		return m
	}
	had := links(before)
	for key, names := range links(after) {
		typ, code, _ := strings.Cut(key, " ")
		for name, is := range names {
			if old := had[key]; is && old != nil && !old[name] && code != "" {
				faults = append(faults, fmt.Sprintf("a %s that had no %s comes back with one", typ, name))
			}
		}
	}
	slices.Sort(faults)
	return faults
}

// TestNoInventedLink holds the law on one record whose every reference is known: what stands in one group with a visit or a patient
// must have said so.
func TestNoInventedLink(t *testing.T) {
	m := builtin(t)
	rec := mapping.NewRecord(nil)
	for _, line := range []string{
		`{"resourceType":"Patient","id":"p","identifier":[{"value":"1"}]}`,
		`{"resourceType":"Encounter","id":"e","status":"in-progress","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP"},"subject":{"reference":"Patient/p"}}`,
		`{"resourceType":"DiagnosticReport","id":"d1","status":"final","code":{"text":"with"},"subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"}}`,
		`{"resourceType":"DiagnosticReport","id":"d2","status":"final","code":{"text":"without"},"subject":{"reference":"Patient/p"}}`,
		`{"resourceType":"DiagnosticReport","id":"d3","status":"final","code":{"text":"nobody's"}}`,
		`{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"a result without"},"subject":{"reference":"Patient/p"}}`,
	} {
		r, finds := fhir.Unmarshal([]byte(line))
		if len(finds) > 0 {
			t.Fatal(finds[0])
		}
		rec.Add(mapping.NewResource(r, ""))
	}
	doc, err := m.FromFHIR("ORU_R01", "Bundle", rec)
	if err != nil {
		t.Fatal(err)
	}
	withHeader(doc, "ORU_R01")
	res, err := kit(m, "ORU_R01").Run(kit(m, "ORU_R01").Print(doc))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(res.Faults, inventedLinks(rec, res.Record)...) {
		t.Error(f)
	}
	var got []string
	for _, r := range res.Record.Resources {
		if r.Type() == "DiagnosticReport" || r.Type() == "Observation" || r.Type() == "Patient" {
			got = append(got, r.Type())
		}
	}
	slices.Sort(got)
	if want := []string{"DiagnosticReport", "DiagnosticReport", "DiagnosticReport", "Observation", "Patient"}; !slices.Equal(got, want) {
		t.Errorf("came back: %v, want %v", got, want)
	}
}

// withHeader is what a message must have and no record says.
func withHeader(d *tree.Doc, structure string) {
	msh := d.Child(tree.Root, "MSH")
	if msh == 0 {
		msh = d.Add(tree.Root, "MSH", "")
	}
	typ, event, _ := strings.Cut(structure, "_")
	for _, x := range [][2]string{{"9.1", typ}, {"9.2", event}, {"9.3", structure}, {"10", "1"}, {"11", "P"}, {"12", "2.5.1"}} {
		p, err := hl7v2.Format.ParsePath(x[0])
		if err != nil {
			continue
		}
		if k := d.At(msh, p); k == 0 || d.LeafText(k) == "" {
			d.SetText(d.Leaf(d.Make(msh, p, false)), x[1])
		}
	}
}
