package fhir

import (
	"strings"
	"testing"
)

// TestEarlier: what DSTU2 and STU3 had is called so, in JSON and XML; what nobody ever had is not.
func TestEarlier(t *testing.T) {
	for _, c := range []struct {
		text, want string
		before     bool
	}{
		{`{"resourceType":"MedicationOrder","status":"active"}`, "no such type of resource", true},
		{`{"resourceType":"Patient","name":[{"family":["Example"]}]}`, "an array stands where FHIR has a text", true},
		{`{"resourceType":"Condition","clinicalStatus":"active","subject":{"reference":"Patient/p"}}`, "a text stands where FHIR has an object", true},
		{`{"resourceType":"Condition","patient":{"reference":"Patient/p"}}`, "Condition has no such element", true},
		{`{"resourceType":"Observation","status":"final","code":{"text":"x"},"comments":"y"}`, "Observation has no such element", true},
		{`{"resourceType":"Patient","careProvidor":[]}`, "Patient has no such element", false},
		{`{"resourceType":"Patient","name":[{"given":"Ann"}]}`, "a text stands where FHIR has an array", false},
		{`<MedicationOrder xmlns="http://hl7.org/fhir"><status value="active"/></MedicationOrder>`, "no such type of resource", true},
		{`<Patient xmlns="http://hl7.org/fhir"><animal/></Patient>`, "Patient has no such element", true},
		{`<Patient xmlns="http://hl7.org/fhir"><animals/></Patient>`, "Patient has no such element", false},
	} {
		_, finds := Unmarshal([]byte(c.text))
		said := ""
		for _, f := range finds {
			said += f.What + "\n"
		}
		if !strings.Contains(said, c.want) || strings.Contains(said, "before R4") != c.before {
			t.Errorf("%s: %s", c.text, said)
		}
	}
	for _, c := range []struct {
		text, want string
		after      bool
	}{
		{`{"resourceType":"GenomicStudy","status":"available"}`, "no such type of resource", true},
		{`{"resourceType":"Condition","subject":{"reference":"Patient/p"},"participant":[]}`, "Condition has no such element", true},
		{`{"resourceType":"Appointment","serviceType":[{"concept":{"text":"x"}}]}`, "CodeableConcept has no such element", true},
		{`{"resourceType":"Patient","photo":[{"size":"12"}]}`, "a text stands where FHIR has a number", true},
		{`<Encounter xmlns="http://hl7.org/fhir"><actualPeriod/></Encounter>`, "Encounter has no such element", true},
		{`{"resourceType":"Condition","participants":[]}`, "Condition has no such element", false},
		{`{"resourceType":"Observation","status":"final","code":{"text":"x"},"interpretation":{"text":"high"}}`, "before R4 had it so", false},
	} {
		_, finds := Unmarshal([]byte(c.text))
		said := ""
		for _, f := range finds {
			said += f.What + "\n"
		}
		if !strings.Contains(said, c.want) || strings.Contains(said, "after R4") != c.after {
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
