package fhir

import (
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/diag"
)

// salvaged are resources with one fault each: what is kept of them, and what is told to be lost, ! before what could not be read.
var salvaged = []struct{ name, in, kept, lost string }{
	{"a value", `{"resourceType":"Patient","id":"a","birthDate":"soon","gender":"male"}`, `{"resourceType":"Patient","id":"a","gender":"male"}`, "!Patient.birthDate"},
	{"a code", `{"resourceType":"Patient","id":"a","gender":"M"}`, `{"resourceType":"Patient","id":"a"}`, "!Patient.gender"},
	{"an unknown element", `{"resourceType":"Patient","address":[{"foo":{"a":[1,"x"]},"city":"Ovid"}]}`, `{"resourceType":"Patient","address":[{"city":"Ovid"}]}`,
		"!Patient.address[0].foo.a[0] !Patient.address[0].foo.a[1]"},
	{"null", `{"resourceType":"Patient","id":"a","language":null}`, `{"resourceType":"Patient","id":"a"}`, "!Patient.language"},
	{"empty", `{"resourceType":"Patient","id":"a","name":[],"photo":[{}],"language":""}`, `{"resourceType":"Patient","id":"a"}`, "!Patient.name !Patient.photo[0] !Patient.language"},
	{"an object for an array", `{"resourceType":"Patient","id":"a","name":{"family":"Ames"}}`, `{"resourceType":"Patient","id":"a"}`, "!Patient.name.family"},
	{"an array for an object", `{"resourceType":"Patient","id":"a","maritalStatus":[{"text":"x"}]}`, `{"resourceType":"Patient","id":"a"}`, "!Patient.maritalStatus[0].text"},
	{"twice", `{"resourceType":"Patient","id":"a","birthDate":"2001","birthDate":"2002"}`, `{"resourceType":"Patient","id":"a"}`, "!Patient.birthDate !Patient.birthDate[1]"},
	{"two of a choice", `{"resourceType":"Patient","id":"a","multipleBirthBoolean":true,"multipleBirthInteger":2}`, `{"resourceType":"Patient","id":"a"}`,
		"!Patient.multipleBirth.ofType(boolean) !Patient.multipleBirth.ofType(integer)"},
	{"in a list", `{"resourceType":"Patient","name":[{"given":["A",5,"C"],"_given":[null,{"id":"x"},null]}]}`, `{"resourceType":"Patient","name":[{"given":["A",null,"C"],"_given":[null,{"id":"x"},null]}]}`,
		"!Patient.name[0].given[1]"},
	{"arrays out of step", `{"resourceType":"Patient","name":[{"given":["A"],"_given":[null,{"id":"x"}]}]}`, `{"resourceType":"Patient","name":[{"given":["A"]}]}`, "!Patient.name[0].given[1].id"},
	{"an extension", `{"resourceType":"Patient","id":"a","extension":[{"url":"http://a.example/x","valueDate":"x"},{"url":"http://a.example/y","valueString":"z"}]}`,
		`{"resourceType":"Patient","id":"a","extension":[{"url":"http://a.example/y","valueString":"z"}]}`, "Patient.extension[0].url !Patient.extension[0].value.ofType(date)"},
	{"its parts together", `{"resourceType":"Observation","status":"final","code":{"text":"c"},"valueQuantity":{"value":5,"unit":7}}`,
		`{"resourceType":"Observation","status":"final","code":{"text":"c"},"valueQuantity":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"error"}]}}`,
		"Observation.value.ofType(Quantity).value !Observation.value.ofType(Quantity).unit"},
	{"the end of a period", `{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"period":{"start":"2020","end":"x"}}`,
		`{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"period":{"start":"2020","_end":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"error"}]}}}`,
		"!Encounter.period.end"},
	{"required", `{"resourceType":"Composition","status":"final","type":{"text":"x"},"date":"x","author":[{"display":"x"}],"title":"t"}`,
		`{"resourceType":"Composition","status":"final","type":{"text":"x"},"_date":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"error"}]},"author":[{"display":"x"}],"title":"t"}`,
		"!Composition.date"},
	{"a required part of a part", `{"resourceType":"Patient","id":"a","communication":[{"language":5,"preferred":true}]}`,
		`{"resourceType":"Patient","id":"a","communication":[{"language":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"error"}]},"preferred":true}]}`,
		"!Patient.communication[0].language"},
	{"a code that FHIR demands", `{"resourceType":"Patient","id":"a","contact":[{"name":{"text":"x"}}],"text":{"status":"none","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}}`,
		`{"resourceType":"Patient","id":"a","contact":[{"name":{"text":"x"}}]}`, "!Patient.text.status Patient.text.div"},
	{"a contained resource", `{"resourceType":"Encounter","contained":[{"resourceType":"Location","id":"l","status":"x"},{"resourceType":"Location","id":"m"}],"status":"finished","class":{"code":"AMB"},` +
		`"location":[{"location":{"reference":"#l","display":"here"}},{"location":{"reference":"#m"}}]}`,
		`{"resourceType":"Encounter","contained":[{"resourceType":"Location","id":"m"}],"status":"finished","class":{"code":"AMB"},"location":[{"location":{"display":"here"}},{"location":{"reference":"#m"}}]}`,
		"Encounter.contained[0].id !Encounter.contained[0].status Encounter.location[0].location.reference"},
	{"what led to a contained resource", `{"resourceType":"Encounter","contained":[{"resourceType":"Practitioner","id":"l"}],"status":"finished","class":{"code":"AMB"},"participant":[{"individual":{"reference":"#l"},"modifierExtension":5}]}`,
		`{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"}}`, "Encounter.contained[0].id Encounter.participant[0].individual.reference !Encounter.participant[0].modifierExtension"},
	{"one of which FHIR wants one", `{"resourceType":"ImmunizationRecommendation","patient":{"display":"x"},"date":"2026","recommendation":[{"vaccineCode":{"text":"Varicella"},"forecastStatus":{"text":"due"}}]}`,
		`{"resourceType":"ImmunizationRecommendation","patient":{"display":"x"},"date":"2026","recommendation":[{"vaccineCode":[{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"error"}]}],"forecastStatus":{"text":"due"}}]}`,
		"!ImmunizationRecommendation.recommendation[0].vaccineCode.text"},
	{"the use of a name", `{"resourceType":"Patient","id":"a","name":[{"use":"former","family":"Ames"},{"Use":"old","family":"Bell"},{"family":"Clay"}]}`, `{"resourceType":"Patient","id":"a","name":[{"family":"Clay"}]}`,
		"!Patient.name[0].use Patient.name[0].family !Patient.name[1].Use Patient.name[1].family"},

	// A modifier, or what may be one: the resource goes.
	{"a status", `{"resourceType":"Observation","status":"entered-in-eror","code":{"text":"c"}}`, "", "!Observation.status Observation.code.text"},
	{"a status of another kind", `{"resourceType":"Condition","clinicalStatus":"inactive","subject":{"display":"x"}}`, "", "!Condition.clinicalStatus Condition.subject.display"},
	{"a part of a status", `{"resourceType":"AllergyIntolerance","verificationStatus":{"coding":[{"system":"http://a.example","code":5}]},"patient":{"display":"x"}}`, "",
		"AllergyIntolerance.verificationStatus.coding[0].system !AllergyIntolerance.verificationStatus.coding[0].code AllergyIntolerance.patient.display"},
	{"null for a status", `{"resourceType":"Observation","status":null,"code":{"text":"c"}}`, "", "!Observation.status Observation.code.text"},
	{"a status twice", `{"resourceType":"Observation","status":"final","status":"entered-in-error","code":{"text":"c"}}`, "", "!Observation.status !Observation.status[1] Observation.code.text"},
	{"a modifier extension", `{"resourceType":"Observation","modifierExtension":[{"url":"http://a.example/not","valueBoolean":"yes"}],"status":"final","code":{"text":"c"}}`, "",
		"Observation.modifierExtension[0].url !Observation.modifierExtension[0].value.ofType(boolean) Observation.status Observation.code.text"},
	{"a modifier extension misspelt", `{"resourceType":"Observation","modifierextension":[{"url":"http://a.example/not"}],"status":"final"}`, "", "!Observation.modifierextension[0].url Observation.status"},
	{"no modifier extensions", `{"resourceType":"Observation","modifierExtension":[],"status":"final","code":{"text":"c"}}`, `{"resourceType":"Observation","status":"final","code":{"text":"c"}}`, "!Observation.modifierExtension"},
	{"other rules", `{"resourceType":"Basic","implicitRules":5,"code":{"text":"c"}}`, "", "!Basic.implicitRules Basic.code.text"},
	{"whom it is about", `{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":5}}`, "", "Observation.status Observation.code.text !Observation.subject.reference"},
	{"a refusal of DSTU2", `{"resourceType":"Immunization","status":"completed","wasNotGiven":true}`, "", "Immunization.status !Immunization.wasNotGiven"},
	{"a refusal of STU3", `{"resourceType":"Immunization","status":"completed","notGiven":true}`, "", "Immunization.status !Immunization.notGiven"},
	{"a reason not to give", `{"resourceType":"Immunization","status":"completed","explanation":{"reasonNotGiven":[{"text":"x"}]}}`, "", "Immunization.status !Immunization.explanation.reasonNotGiven[0].text"},
	{"not taken", `{"resourceType":"MedicationStatement","status":"active","taken":"n"}`, "", "MedicationStatement.status !MedicationStatement.taken"},
	{"not taken, DSTU2", `{"resourceType":"MedicationStatement","status":"active","wasNotTaken":true}`, "", "MedicationStatement.status !MedicationStatement.wasNotTaken"},
	{"not done", `{"resourceType":"Procedure","status":"completed","notDone":true}`, "", "Procedure.status !Procedure.notDone"},
	{"not performed", `{"resourceType":"Procedure","status":"completed","notPerformed":true}`, "", "Procedure.status !Procedure.notPerformed"},
	{"not administered", `{"resourceType":"MedicationAdministration","status":"completed","notGiven":true}`, "", "MedicationAdministration.status !MedicationAdministration.notGiven"},
	{"not said", `{"resourceType":"Communication","status":"completed","notDone":true}`, "", "Communication.status !Communication.notDone"},
	{"no such history", `{"resourceType":"FamilyMemberHistory","status":"completed","notDone":true}`, "", "FamilyMemberHistory.status !FamilyMemberHistory.notDone"},
	{"not to do, R5", `{"resourceType":"DeviceRequest","intent":"order","doNotPerform":true}`, "", "DeviceRequest.intent !DeviceRequest.doNotPerform"},
	{"another spelling", `{"resourceType":"Observation","Status":"entered-in-error","code":{"text":"c"}}`, "", "!Observation.Status Observation.code.text"},
	{"a word of denial", `{"resourceType":"Condition","negated":true,"code":{"text":"c"}}`, "", "!Condition.negated Condition.code.text"},
	{"a patient of DSTU2", `{"resourceType":"Condition","patient":{"reference":"Patient/b"},"code":{"text":"c"}}`, "", "!Condition.patient.reference Condition.code.text"},
	{"notes are no denial", `{"resourceType":"Condition","notes":"x","subject":{"display":"y"}}`, `{"resourceType":"Condition","subject":{"display":"y"}}`, "!Condition.notes"},
	{"a denial of consent", `{"resourceType":"Consent","status":"active","scope":{"text":"s"},"category":[{"text":"c"}],"provision":{"provision":[{"type":"denied"}]}}`, "",
		"Consent.status Consent.scope.text Consent.category[0].text !Consent.provision.provision[0].type"},
	{"as needed", `{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{"text":"m"},"subject":{"display":"x"},"dosageInstruction":[{"asNeededBoolean":"yes","timing":{"code":{"text":"daily"}}}]}`,
		`{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{"text":"m"},"subject":{"display":"x"}}`,
		"!MedicationRequest.dosageInstruction[0].asNeeded.ofType(boolean) MedicationRequest.dosageInstruction[0].timing.code.text"},
	{"a medication of R5", `{"resourceType":"MedicationRequest","status":"active","medication":{"concept":{"text":"m"}}}`, "", "MedicationRequest.status !MedicationRequest.medication.concept.text"},

	{"an entry", `{"resourceType":"Bundle","type":"collection","timestamp":"2020","entry":[{"resource":{"resourceType":"Nothing","id":"x"}},7,{"fullUrl":"http://a.example/Basic/b","resource":{"resourceType":"Basic","id":"b","code":5},"search":{"mode":"match"}},{"resource":{"resourceType":"Basic","id":"c","code":{"text":"x"},"created":"x"}}]}`,
		`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Basic","id":"c","code":{"text":"x"}}}]}`,
		"!Bundle.timestamp !Bundle.entry[0].resource.id !Bundle.entry[1] Bundle.entry[2].resource.id !Bundle.entry[2].resource.code Bundle.entry[2].search.mode !Bundle.entry[3].resource.created"},
	{"what a bundle is", `{"resourceType":"Bundle","type":"none","entry":[{"resource":{"resourceType":"Basic","code":{"text":"x"}}}]}`, "", "!Bundle.type Bundle.entry[0].resource.code.text"},
	{"the head of a message", `{"resourceType":"Bundle","type":"message","entry":[{"resource":{"resourceType":"MessageHeader","implicitRules":5}},{"resource":{"resourceType":"Basic","code":{"text":"x"}}}]}`, "",
		"Bundle.type !Bundle.entry[0].resource.implicitRules Bundle.entry[1].resource.code.text"},
	{"what to do with it", `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Basic","code":{"text":"x"}},"request":{"method":"REMOVE","url":"Basic/1"}}]}`, "",
		"Bundle.type Bundle.entry[0].resource.code.text !Bundle.entry[0].request.method Bundle.entry[0].request.url"},
}

// TestSalvage: the smallest thing that holds a fault is left out, and with it what it modifies; all leaves are told of, in JSON and in XML.
func TestSalvage(t *testing.T) {
	for _, c := range salvaged {
		t.Run(c.name, func(t *testing.T) {
			if _, finds := Unmarshal([]byte(c.in)); Lost(finds) == nil {
				t.Fatal("it has no fault")
			}
			p := Salvage([]byte(c.in), false)
			if p == nil {
				t.Fatal("nothing was kept")
			}
			p.Made()
			kept := ""
			if p.Resource != nil {
				b, err := Append(nil, p.Resource)
				if err != nil {
					t.Fatal(err)
				}
				kept = string(b)
			}
			if kept != c.kept {
				t.Errorf("kept\n%s, want\n%s", kept, c.kept)
			}
			var lost []string
			for _, l := range p.Lost {
				if l.Why == "" {
					t.Errorf("%s: no reason", l.At)
				}
				if l.Invalid {
					l.At = "!" + l.At
				}
				lost = append(lost, l.At)
			}
			if got := strings.Join(lost, " "); got != c.lost {
				t.Errorf("lost\n%s, want\n%s", got, c.lost)
			}
			for _, f := range p.Findings {
				if f.Place.Line != 1 || f.Place.Path == "" || f.Severity() == diag.Reject {
					t.Errorf("%v", f)
				}
			}
		})
	}
}

// TestSalvageXML: the same for XML, with the faults that only XML has.
func TestSalvageXML(t *testing.T) {
	const ns = ` xmlns="http://hl7.org/fhir"`
	for _, c := range []struct{ in, kept, lost string }{
		{`<Patient` + ns + `><id value="a"/><name><given value="A"/><given/><given value="C"/></name><birthDate value="x"><extension url="http://a.example/x"><valueString value="y"/></extension></birthDate></Patient>`,
			`{"resourceType":"Patient","id":"a","name":[{"given":["A","C"]}],"_birthDate":{"extension":[{"url":"http://a.example/x","valueString":"y"}]}}`, "!Patient.name[0].given[1] !Patient.birthDate"},
		{`<Patient` + ns + `><gender value="male"/><gender value="female"/><active value="true"/></Patient>`, `{"resourceType":"Patient","active":true}`, "!Patient.gender !Patient.gender[1]"},
		{`<Patient` + ns + `><gender value="male"/>words<x:other xmlns:x="http://a.example"><x:y value="1"/></x:other><active value="true"/></Patient>`, `{"resourceType":"Patient","active":true,"gender":"male"}`,
			"!Patient.text !Patient.other.y.value"},
		{`<Condition` + ns + `><clinicalStatus value="inactive"/><subject><display value="x"/></subject></Condition>`, "", "!Condition.clinicalStatus.value Condition.subject.display"},
		{`<Immunization` + ns + `><status value="completed"/><notGiven value="true"/></Immunization>`, "", "Immunization.status !Immunization.notGiven.value"},
		{`<Encounter` + ns + `><contained><Location><id value="l"/></Location><Location><id value="m"/></Location></contained><status value="finished"/><class><code value="AMB"/></class><length><value value="ten"/></length></Encounter>`,
			`{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"}}`, "!Encounter.contained[0][0].id !Encounter.contained[0][1].id !Encounter.length.value"},
		{`<Bundle` + ns + `><type value="collection"/><timestamp value="x"/><entry><resource><Basic><id value="b"/><code><text value="t"/></code><created value="x"/></Basic></resource></entry></Bundle>`,
			`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Basic","id":"b","code":{"text":"t"}}}]}`, "!Bundle.timestamp !Bundle.entry[0].resource.created"},
	} {
		p := Salvage([]byte(c.in), false)
		if p == nil {
			t.Errorf("%s\nnothing was kept", c.in)
			continue
		}
		kept := ""
		if p.Resource != nil {
			b, _ := Append(nil, p.Resource)
			kept = string(b)
		}
		var lost []string
		for _, l := range p.Lost {
			if l.Invalid {
				l.At = "!" + l.At
			}
			lost = append(lost, l.At)
		}
		if got := strings.Join(lost, " "); kept != c.kept || got != c.lost {
			t.Errorf("%s\nkept %s, want %s\nlost %s, want %s", c.in, kept, c.kept, got, c.lost)
		}
	}
}

// TestNoSalvage: where nothing behind a fault can be trusted, nothing is kept.
func TestNoSalvage(t *testing.T) {
	for _, in := range []string{``, `{"resourceType":"Patient",}`, `{"id":"a"}`, `{"resourceType":"MadeUp"}`, `{"resourceType":"Patient","resourceType":"Basic"}`, `{"resourceType":"Patient"} x`,
		`[]`, `<Patient xmlns="http://hl7.org/fhir"><id value="a"></Patient>`, `<Made xmlns="http://hl7.org/fhir"/>`, `<Patient xmlns="http://a.example"><id value="a"/></Patient>`} {
		if p := Salvage([]byte(in), false); p != nil {
			t.Errorf("%s: %+v", in, p)
		}
	}
}
