package ccdafhir_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
)

// TestComesHome: what comes back of a document as something else, or in another form, is not called carried, and what comes back is.
func TestComesHome(t *testing.T) {
	const patient = `"subject":{"reference":"Patient/p"}`
	tests := []struct {
		name, resource string
		folded         string // ends of places
		declined       string
		carried        string
		document       string // what the document holds
		home           string // what comes home
	}{
		{"a component", `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Pressure"},` + patient + `,"component":[{"code":{"text":"Systolic"},"valueQuantity":{"value":120,"unit":"mm[Hg]","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}`,
			"component[0].code.text component[0].value.ofType(Quantity).value", "", "", `value="120"`, `"Systolic"`},
		{"a statement of a medication", `{"resourceType":"MedicationStatement","id":"m","status":"active","medicationCodeableConcept":{"text":"Aspirin"},` + patient + `}`,
			"medication.ofType(CodeableConcept).text .status", "", "", "Aspirin", `"MedicationRequest"`},
		{"words of a reference", `{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"period":{"start":"2031-02-03"},"subject":{"reference":"Patient/p","display":"The patient"}}`,
			"", "subject.display", "", "", ""},
		{"the patient of what has no place", `{"resourceType":"Claim","id":"c","status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/p","display":"The patient"},"created":"2031-02-03","provider":{"display":"x"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}]}`,
			"", "patient.reference patient.display", "", "", ""},
		{"a status with words", `{"resourceType":"Condition","id":"c","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active","display":"In force","userSelected":true}]},"code":{"text":"Gout"},` + patient + `}`,
			"clinicalStatus.coding[0].display clinicalStatus.coding[0].userSelected", "", "clinicalStatus.coding[0].code clinicalStatus.coding[0].system", "", `"active"`},
		{"between when it began", `{"resourceType":"Condition","id":"c","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},"code":{"text":"Gout"},` + patient + `,"onsetPeriod":{"start":"2030-01-01","end":"2030-02-01"}}`,
			"onset.ofType(Period).start", "onset.ofType(Period).end", "", `<low value="20300101"/>`, `"onsetDateTime":"2030-01-01"`},
		{"a point in time", `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Weight"},` + patient + `,"effectivePeriod":{"start":"2030-01-01","end":"2030-01-01"},"valueString":"light"}`,
			"effective.ofType(Period).start effective.ofType(Period).end", "", "value.ofType(string)", "", `"light"`},
		{"not negated", `{"resourceType":"MedicationRequest","id":"m","status":"active","intent":"order","doNotPerform":false,"medicationCodeableConcept":{"text":"Aspirin"},` + patient + `}`,
			"doNotPerform", "", "medication.ofType(CodeableConcept).text", "", ""},
		{"once in a period", `{"resourceType":"MedicationRequest","id":"m","status":"active","intent":"order","medicationCodeableConcept":{"text":"Aspirin"},` + patient + `,"dosageInstruction":[{"timing":{"repeat":{"frequency":1,"period":8,"periodUnit":"h"}}}]}`,
			"repeat.frequency", "", "repeat.period repeat.periodUnit", "", `"period":8`},
		{"nothing was measured", `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Weight"},` + patient + `,"dataAbsentReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/data-absent-reason","code":"asked-unknown","display":"Asked"}]}}`,
			"dataAbsentReason.coding[0].code dataAbsentReason.coding[0].display", "", "", `nullFlavor="ASKU"`, ""},
		{"a system by its OID", `{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"urn:oid:2.16.840.1.113883.6.1","code":"29463-7"}]},` + patient + `,"valueString":"light"}`,
			"code.coding[0].system", "", "code.coding[0].code", "", `"http://loinc.org"`},
		{"lines of a note", `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Weight"},` + patient + `,"valueString":"light","note":[{"text":"One.\n\nTwo."},{"text":"Three."}]}`,
			"note[0].text", "", "note[1].text", "", `"Three."`},
		{"the words of a unit", `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Share"},` + patient + `,"valueQuantity":{"value":5,"unit":"percent","system":"http://unitsofmeasure.org","code":"%"}}`,
			"(Quantity).unit", "", "(Quantity).code", `unit="%"`, ""},
		{"a class of visits of another system", `{"resourceType":"Encounter","id":"e","status":"finished","class":{"system":"http://www.ama-assn.org/go/cpt","code":"99213"},"period":{"start":"2031-02-03"},` + patient + `}`,
			"", "", "", `code="99213" codeSystem="2.16.840.1.113883.6.12"`, ""},
		{"a medication that several orders may lead to", `{"resourceType":"MedicationRequest","id":"m","status":"active","intent":"order","medicationReference":{"reference":"Medication/x"},` + patient + `}},
				{"resource":{"resourceType":"Medication","id":"x","code":{"text":"Aspirin"}}`, "Medication.code.text", "", "", "Aspirin", `"MedicationRequest"`},
		{"who wrote it", `{"resourceType":"Provenance","id":"v","target":[{"reference":"Observation/na"}],"recorded":"2031-02-03T09:00:00Z","agent":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/provenance-participant-type","code":"author"}]},"who":{"reference":"Practitioner/d"}}]}},
				{"resource":{"resourceType":"Practitioner","id":"d","name":[{"family":"Testwriter"}]}`, "Provenance.recorded", "", "", "Testwriter", `"Testwriter"`},
		{"a printed report beside its results", `{"resourceType":"DiagnosticReport","id":"r","status":"final","code":{"text":"Panel"},` + patient + `,"effectiveDateTime":"2030-01-01","conclusion":"All is well.","result":[{"reference":"Observation/na"}],"presentedForm":[{"contentType":"application/pdf","data":"JVBERi0xLjQ=","title":"The panel"},{"contentType":"text/plain","data":"V2VsbC4="}]}`,
			"presentedForm[0].data presentedForm[0].contentType presentedForm[1].data conclusion", "", "", "JVBERi0xLjQ=", `"JVBERi0xLjQ="`},
		{"what was ordered", `{"resourceType":"ServiceRequest","id":"s","status":"active","intent":"order","code":{"text":"Scan"},` + patient + `}`,
			"", "", "ServiceRequest.intent ServiceRequest.status", `moodCode="RQO"`, `"intent":"order"`},
		{"what was ordered by who shall do it", `{"resourceType":"ServiceRequest","id":"s","status":"active","intent":"filler-order","code":{"text":"Scan"},` + patient + `}`,
			"ServiceRequest.intent", "", "ServiceRequest.status", `moodCode="RQO"`, `"intent":"order"`},
		{"what was proposed", `{"resourceType":"ServiceRequest","id":"s","status":"active","intent":"proposal","code":{"text":"Scan"},` + patient + `}`,
			"", "", "ServiceRequest.intent", `moodCode="PRP"`, `"intent":"proposal"`},
		{"what nobody has put in force", `{"resourceType":"ServiceRequest","id":"s","status":"draft","intent":"plan","code":{"text":"Scan"},` + patient + `}`,
			"", "", "ServiceRequest.intent ServiceRequest.status", `<statusCode code="new"/>`, `"status":"draft"`},
		{"somebody elsewhere", `{"resourceType":"Immunization","id":"i","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"140"}]},"patient":{"reference":"Patient/p"},"occurrenceDateTime":"2031-02-03","performer":[{"actor":{"reference":"Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999999399","display":"Dr. Kim Dahl"}}]}`,
			"actor.reference actor.display", "", "", `<name>Dr. Kim Dahl</name>`, `"9999999399"`},
		{"somebody elsewhere by an identifier", `{"resourceType":"Immunization","id":"i","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"140"}]},"patient":{"reference":"Patient/p","type":"Patient","identifier":{"value":"x"}},"occurrenceDateTime":"2031-02-03","performer":[{"actor":{"type":"Practitioner","identifier":{"system":"http://hl7.org/fhir/sid/us-npi","value":"9999999399"},"display":"Dr. Kim Dahl"}}]}`,
			"actor.identifier.system actor.identifier.value actor.display", "actor.type patient.type patient.identifier.value", "", `extension="9999999399"`, `"Dr. Kim Dahl"`},
		{"a role of somebody elsewhere", `{"resourceType":"Immunization","id":"i","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"140"}]},"patient":{"reference":"Patient/p"},"occurrenceDateTime":"2031-02-03","performer":[{"actor":{"reference":"#r"}}],
				"contained":[{"resourceType":"PractitionerRole","id":"r","active":true,"practitioner":{"reference":"Practitioner/kim","display":"Dr. Kim Dahl"},"specialty":[{"coding":[{"system":"http://nucc.org/provider-taxonomy","code":"207Q00000X"}]},{"coding":[{"system":"http://nucc.org/provider-taxonomy","code":"208D00000X"}]}]}]}`,
			"PractitionerRole.specialty[0].coding[0].code practitioner.display", "PractitionerRole.specialty[1].coding[0].code PractitionerRole.active", "", `code="207Q00000X"`, `"207Q00000X"`},
		{"who keeps a note", `{"resourceType":"DocumentReference","id":"d","status":"current","language":"en","type":{"text":"Note"},` + patient + `,"custodian":{"reference":"Organization?identifier=https://maple.example/org|1","display":"Maple Clinic"},"content":[{"attachment":{"contentType":"text/plain","data":"V2VsbC4="}}]}`,
			"", "custodian.reference custodian.display DocumentReference.language", "", "", ""},
		{"parts of names and lines", `{"resourceType":"Immunization","id":"i","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"140"}]},"patient":{"reference":"Patient/p"},"occurrenceDateTime":"2031-02-03","performer":[{"actor":{"reference":"#q"}}],
				"contained":[{"resourceType":"Practitioner","id":"q","name":[{"family":"van Elm","_family":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/humanname-own-prefix","valueString":"van"}]},"given":["Ida"]}],"address":[{"line":["Elm Way 1"],"_line":[{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-streetName","valueString":"Elm Way"}]}],"city":"Elmton"}]}]}`,
			"", "family.extension[0].value.ofType(string) line[0].extension[0].value.ofType(string)", "", "van Elm", `"van Elm"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bundle := []byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}},
				{"resource":{"resourceType":"Observation","id":"na","status":"final","code":{"text":"Sodium"},"subject":{"reference":"Patient/p"},"valueQuantity":{"value":140}}},{"resource":` + tt.resource + `}]}`)
			r := results(t, "fhir", "ccda", "", bundle)[0]
			states := map[string]string{}
			for state, list := range map[string][]convert.Line{"folded": r.Entry.Folded, "declined": r.Entry.Declined, "unmapped": r.Entry.Unmapped} {
				for _, l := range list {
					states[l.At] = state
				}
			}
			for state, ends := range map[string]string{"folded": tt.folded, "declined": tt.declined} {
				for end := range strings.FieldsSeq(ends) {
					found := false
					for at, s := range states {
						found = found || strings.HasSuffix(at, end) && s == state
					}
					if !found {
						t.Errorf("%s is not %s", end, state)
					}
				}
			}
			for end := range strings.FieldsSeq(tt.carried) {
				for at, s := range states {
					if strings.HasSuffix(at, end) && !strings.Contains(at, "subject") && strings.Contains(fmt.Sprint(at), typeIn(tt.resource)) {
						t.Errorf("%s is %s", at, s)
					}
				}
			}
			var document []byte
			for _, p := range r.Parts {
				document = append(document, p.Data...)
			}
			if !strings.Contains(string(document), tt.document) {
				t.Errorf("the document does not hold %s:\n%s", tt.document, document)
			}
			validXSD(t, filepath.Base(t.Name()), document)
			home := string(slices.Concat(through(t, "ccda", "fhir", "", document)...))
			if !strings.Contains(strings.ReplaceAll(home, `": `, `":`), tt.home) {
				t.Errorf("%s is not at home:\n%s", tt.home, home)
			}
		})
	}
}

// TestPrintedReport: each form of a report is a note with an id and words of its own, beside the report; one without results is the note itself.
func TestPrintedReport(t *testing.T) {
	report := func(result string) (ids map[string]int, doc string) {
		r := results(t, "fhir", "ccda", "", []byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}},
			{"resource":{"resourceType":"Observation","id":"na","status":"final","code":{"text":"Sodium"},"subject":{"reference":"Patient/p"},"valueQuantity":{"value":140}}},
			{"resource":{"resourceType":"DiagnosticReport","id":"r","status":"final","code":{"text":"Panel"},"subject":{"reference":"Patient/p"},"conclusion":"All is well.",`+result+
			`"presentedForm":[{"contentType":"application/pdf","data":"JVBERi0xLjQ=","title":"The panel"},{"contentType":"text/plain","data":"V2VsbC4="}]}}]}`))[0]
		for _, p := range r.Parts {
			doc += string(p.Data)
		}
		ids = map[string]int{}
		for _, m := range regexp.MustCompile(`<(?:act|organizer) [^>]*>(?:\s*<templateId [^>]*>)*\s*<id root="([^"]*)"`).FindAllStringSubmatch(doc, -1) {
			ids[m[1]]++
		}
		return ids, doc
	}
	ids, doc := report(`"result":[{"reference":"Observation/na"}],`)
	if len(ids) != 3 || strings.Count(doc, "The panel") != 1 {
		t.Errorf("the ids of the report and its forms: %v\n%s", ids, doc)
	}
	ids, doc = report("")
	if len(ids) != 3 || strings.Contains(doc, "The panel") || !strings.Contains(doc, "All is well.") { // sodium has an organizer
		t.Errorf("the ids of two forms: %v\n%s", ids, doc)
	}
}

// TestBornOrganization: of what kind an organization is stands wherever CDA allows it, which is not in a custodian; and what an address says in an
// extension of another program is no part of it.
func TestBornOrganization(t *testing.T) {
	r := results(t, "fhir", "ccda", "", []byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p","managingOrganization":{"reference":"Organization/g"}}},
		{"resource":{"resourceType":"Organization","id":"g","name":"Maple Lab","type":[{"coding":[{"system":"http://nucc.org/provider-taxonomy","code":"291U00000X"}]}],
			"address":[{"extension":[{"url":"https://maple.example/door","valueString":"the red door"}],"city":"Testwil"}]}},
		{"resource":{"resourceType":"Observation","id":"na","status":"final","code":{"text":"Sodium"},"subject":{"reference":"Patient/p"},"performer":[{"reference":"Organization/g"}],"valueQuantity":{"value":140}}}]}`))[0]
	doc := ""
	for _, p := range r.Parts {
		doc += string(p.Data)
	}
	for name, want := range map[string]bool{"providerOrganization": true, "representedOrganization": true, "representedCustodianOrganization": false} {
		_, rest, there := strings.Cut(doc, "<"+name+">")
		inner, _, _ := strings.Cut(rest, "</"+name+">")
		if !there || strings.Contains(inner, "standardIndustryClassCode") != want || !strings.Contains(inner, "Testwil") || strings.Contains(inner, "red door") {
			t.Errorf("%s holds %s", name, inner)
		}
	}
}

// typeIn is the type of a resource in JSON.
func typeIn(resource string) string {
	_, rest, _ := strings.Cut(resource, `"resourceType":"`)
	kind, _, _ := strings.Cut(rest, `"`)
	return kind
}
