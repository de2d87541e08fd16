package ccdafhir

import (
	"maps"
	"slices"
	"testing"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	apb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/allergy_intolerance_go_proto"
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"
	fpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/family_member_history_go_proto"
	mpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/medication_request_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// saysNo reports that a resource says of what it holds that it is not so, was not done or shall not be.
func saysNo(m proto.Message) bool {
	switch x := m.(type) {
	case *cpb.Condition:
		return conceptCode(x.VerificationStatus, conditionVerification) == "refuted" && x.ClinicalStatus == nil ||
			conceptCode(x.Code, snomed) == noKnownProblem && isDerived(x.Code)
	case *mpb.MedicationRequest:
		if none := x.GetMedication().GetCodeableConcept(); conceptCode(none, snomed) == noKnownMedication && isDerived(none) {
			return x.DoNotPerform == nil // which would deny the denial
		}
	case *apb.AllergyIntolerance:
		if conceptCode(x.VerificationStatus, allergyVerification) == "refuted" {
			return true
		}
		switch conceptCode(x.Code, snomed) {
		case "716186003", "409137002", "429625007", "428607008":
			return isDerived(x.Code)
		}
		return false
	}
	if l := lives[string(m.ProtoReflect().Descriptor().Name())]; l != nil {
		if l.never != "" {
			never, _ := field(m, l.never).(*dpb.Boolean)
			return never.GetValue()
		}
		if status := field(m, l.field); status != nil && l.negated != "" && hl7.FHIRText(status) == l.negated {
			for _, x := range *extensions(m) {
				if x.GetUrl().GetValue() == negationURL && x.GetValue().GetStringValue().GetValue() == "true" {
					return true
				}
			}
		}
	}
	r := m.ProtoReflect()
	f := r.Descriptor().Fields().ByName("modifier_extension")
	if f == nil {
		return false
	}
	var modifiers []*dpb.Extension
	for i := range r.Get(f).List().Len() {
		if x, ok := r.Get(f).List().Get(i).Message().Interface().(*dpb.Extension); ok {
			modifiers = append(modifiers, x)
		}
	}
	return deniedBy(modifiers)
}

// deniedBy reports a modifier that says no.
func deniedBy(modifiers []*dpb.Extension) bool {
	return slices.ContainsFunc(modifiers, func(x *dpb.Extension) bool {
		return x.GetUrl().GetValue() == negationURL && x.GetValue().GetBoolean().GetValue()
	})
}

// TestNegation counts what the documents of the corpus deny, and what the resources made of it deny: a denial may be lost only with
// a line in the ledger, and may never become its contrary.
func TestNegation(t *testing.T) {
	m := builtin(t)
	files := corpus(t)
	total, kept := 0, 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		doc, err := new(ccda.Parser).Parse(files[name])
		if err != nil {
			continue
		}
		rec, err := m.ToFHIR("ClinicalDocument", "Bundle", doc.Doc, mapping.ReadOptions{Key: "test", Facility: "test"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		denied, told := 0, 0
		doc.Leaves(func(n tree.Node, s tree.State, _ string) {
			if doc.Name(n) != "@negationInd" || doc.Text(n) != "true" || !statementNames[doc.Name(doc.Parent(n))] {
				return
			}
			denied++
			if s == tree.Unmapped || s == tree.Invalid || s == tree.Declined {
				told++
			}
		})
		found := 0
		for _, r := range rec.Resources {
			if saysNo(r.Msg) {
				found++
			}
			if f, ok := r.Msg.(*fpb.FamilyMemberHistory); ok { // its conditions are statements of their own
				for _, condition := range f.Condition {
					if deniedBy(condition.ModifierExtension) {
						found++
					}
				}
			}
		}
		total, kept = total+denied, kept+found
		if found != denied-told {
			t.Errorf("%s: %d statements are denied, %d resources deny, %d stand in the ledger", name, denied, found, told)
		}
	}
	t.Logf("%d denials, %d kept as such", total, kept)
	if total == 0 {
		t.Error("the corpus denies nothing, so this test says nothing")
	}
}

// TestPlansAreNoFacts wants every planned, asked for or intended procedure and observation as something that has not happened.
func TestPlansAreNoFacts(t *testing.T) {
	m := builtin(t)
	for name, b := range corpus(t) {
		doc, err := new(ccda.Parser).Parse(b)
		if err != nil {
			continue
		}
		rec, err := m.ToFHIR("ClinicalDocument", "Bundle", doc.Doc, mapping.ReadOptions{Key: "test", Facility: "test"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, r := range rec.Resources {
			mood := ""
			for _, x := range *extensions(r.Msg) {
				if x.GetUrl().GetValue() == moodURL {
					mood = x.GetValue().GetCode().GetValue()
				}
			}
			if mood == "" || mood == "EVN" {
				continue
			}
			switch r.Type() {
			case "ServiceRequest", "MedicationRequest", "SupplyRequest", "Goal":
			case "Encounter":
				if s := hl7.FHIRText(field(r.Msg, "status")); s != "planned" && s != "cancelled" {
					t.Errorf("%s: an encounter in mood %s is %s", name, mood, s)
				}
			default:
				t.Errorf("%s: a %s bears mood %s in an extension that readers may pass over", name, r.Type(), mood)
			}
		}
	}
}
