package fhir

import (
	"strings"
	"testing"
)

// TestEra: what DSTU2 and STU3 had, and what R5 has, is called so, in JSON and XML; what nobody ever had is not.
func TestEra(t *testing.T) {
	for _, c := range []struct{ text, want, era string }{
		{`{"resourceType":"MedicationOrder","status":"active"}`, "no such type of resource", "before R4"},
		{`{"resourceType":"Patient","name":[{"family":["Example"]}]}`, "an array stands where FHIR has a text", "before R4"},
		{`{"resourceType":"Condition","clinicalStatus":"active","subject":{"reference":"Patient/p"}}`, "a text stands where FHIR has an object", "before R4"},
		{`{"resourceType":"Condition","patient":{"reference":"Patient/p"}}`, "Condition has no such element", "before R4"},
		{`{"resourceType":"Observation","status":"final","code":{"text":"x"},"comments":"y"}`, "Observation has no such element", "before R4"},
		{`{"resourceType":"Patient","careProvidor":[]}`, "Patient has no such element", ""},
		{`{"resourceType":"Patient","name":[{"given":"Ann"}]}`, "a text stands where FHIR has an array", ""},
		{`<MedicationOrder xmlns="http://hl7.org/fhir"><status value="active"/></MedicationOrder>`, "no such type of resource", "before R4"},
		{`<Patient xmlns="http://hl7.org/fhir"><animal/></Patient>`, "Patient has no such element", "before R4"},
		{`<Patient xmlns="http://hl7.org/fhir"><animals/></Patient>`, "Patient has no such element", ""},
		{`{"resourceType":"GenomicStudy","status":"available"}`, "no such type of resource", "after R4"},
		{`{"resourceType":"Condition","subject":{"reference":"Patient/p"},"participant":[]}`, "Condition has no such element", "after R4"},
		{`{"resourceType":"Appointment","serviceType":[{"concept":{"text":"x"}}]}`, "CodeableConcept has no such element", "after R4"},
		{`{"resourceType":"Patient","photo":[{"size":"12"}]}`, "a text stands where FHIR has a number", "after R4"},
		{`<Encounter xmlns="http://hl7.org/fhir"><actualPeriod/></Encounter>`, "Encounter has no such element", "after R4"},
		{`{"resourceType":"Condition","participants":[]}`, "Condition has no such element", ""},
		{`{"resourceType":"Observation","status":"final","code":{"text":"x"},"interpretation":{"text":"high"}}`, "", "before R4"},
	} {
		_, finds := Unmarshal([]byte(c.text))
		said := ""
		for _, f := range finds {
			said += f.What + "\n"
		}
		era := ""
		for _, e := range []string{"before R4", "after R4"} {
			if strings.Contains(said, e) {
				era += e
			}
		}
		if !strings.Contains(said, c.want) || era != c.era {
			t.Errorf("%s: %s", c.text, said)
		}
	}
	for _, typ := range laterTypes {
		if resourceKeys()[typ] != nil {
			t.Errorf("R4 has %s", typ)
		}
	}
	for typ, elements := range laterElements {
		if resourceKeys()[typ] == nil {
			continue // a datatype
		}
		for _, e := range elements {
			if _, finds := Unmarshal([]byte(`{"resourceType":"` + typ + `","` + e + `":"x"}`)); !strings.Contains(finds[0].What, "after R4") {
				t.Errorf("R4 has %s.%s: %s", typ, e, finds[0].What)
			}
		}
	}
	for typ := range earlierElements {
		if resourceKeys()[typ] == nil {
			t.Errorf("R4 has no %s", typ)
		}
	}
	for _, typ := range earlierTypes {
		if resourceKeys()[typ] != nil {
			t.Errorf("R4 has %s", typ)
		}
	}
	for typ, elements := range earlierElements {
		for _, e := range elements {
			if _, finds := Unmarshal([]byte(`{"resourceType":"` + typ + `","` + e + `":"x"}`)); !strings.Contains(finds[0].What, "before R4") {
				t.Errorf("R4 has %s.%s: %s", typ, e, finds[0].What)
			}
		}
	}
}
