package v2fhir

import (
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

const (
	ofAnn      = `"subject":{"reference":"urn:uuid:ann"}`
	penicillin = `{"resourceType":"AllergyIntolerance","id":"penicillin","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
		"code":"active","display":"Active"}],"extension":[{"url":"https://maple.example/by","valueString":"nurse"}]},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification","code":"confirmed"}]},
		"code":{"text":"Penicillin"},"patient":{"reference":"urn:uuid:ann"},"onsetDateTime":"2020-01-02T10:00:00Z"}`
	latex = `{"resourceType":"AllergyIntolerance","id":"latex","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
		"code":"active"}]},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification","code":"refuted"}]},
		"code":{"text":"Latex"},"patient":{"reference":"urn:uuid:ann"}}`
	gout = `{"resourceType":"Condition","id":"gout","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"resolved"}]},
		"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"confirmed"}]},"code":{"text":"Gout"},` + ofAnn + `,
		"onsetDateTime":"2019-02-03","abatementDateTime":"2020-05-06",
		"extension":[{"url":"https://maple.example/treated-by","valueReference":{"reference":"urn:uuid:forGout"}}]}`
	cough   = `{"resourceType":"Condition","id":"cough","code":{"text":"Cough"},` + ofAnn + `}`
	biopsy  = `{"resourceType":"Procedure","id":"biopsy","status":"completed","code":{"text":"Biopsy"},` + ofAnn + `,"performedDateTime":"2023-04-05"}`
	undated = `{"resourceType":"Procedure","id":"undated","status":"completed","code":{"text":"Suture"},` + ofAnn + `}`
	notDone = `{"resourceType":"Procedure","id":"not","status":"not-done","code":{"text":"Biopsy"},` + ofAnn + `,"performedDateTime":"2023-04-05"}`
	tablets = `{"resourceType":"MedicationRequest","id":"tablets","status":"active","intent":"order","medicationCodeableConcept":{"text":"Aspirin"},` + ofAnn + `}`
	forGout = `{"resourceType":"MedicationRequest","id":"forGout","status":"active","intent":"order","medicationCodeableConcept":{"text":"Colchicine"},` + ofAnn + `,
		"reasonReference":[{"reference":"urn:uuid:gout"}]}`
	letter = `{"resourceType":"DocumentReference","id":"letter","status":"current","masterIdentifier":{"value":"D1"},"type":{"text":"Letter"},` + ofAnn + `,
		"content":[{"attachment":{"contentType":"text/plain","data":"QW5uIGlzIHdlbGwu"}}]}`
	reply = `{"resourceType":"DocumentReference","id":"reply","status":"current","masterIdentifier":{"value":"D2"},"type":{"text":"Reply"},` + ofAnn + `,
		"relatesTo":[{"code":"appends","target":{"reference":"urn:uuid:letter"}}],"content":[{"attachment":{"contentType":"text/plain","data":"VGhhbmtzLg=="}}]}`
	spring = `{"resourceType":"Encounter","id":"spring","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},` + ofAnn + `,
		"identifier":[{"value":"V1"}],"period":{"start":"2024-03-01"}}`
	summer = `{"resourceType":"Encounter","id":"summer","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},` + ofAnn + `,
		"identifier":[{"value":"V2"}],"period":{"start":"2024-07-01","end":"2024-07-01"}}`
	autumn     = `{"resourceType":"Encounter","id":"autumn","status":"planned","class":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]},` + ofAnn + `,"identifier":[{"value":"V3"}]}`
	inSummer   = `{"resourceType":"Procedure","id":"inSummer","status":"completed","code":{"text":"Cast"},` + ofAnn + `,"encounter":{"reference":"urn:uuid:summer"},"performedDateTime":"2024-07-01"}`
	springNote = `{"resourceType":"DiagnosticReport","id":"springNote","status":"final","code":{"text":"Panel"},` + ofAnn + `,"encounter":{"reference":"urn:uuid:spring"},
		"result":[{"reference":"urn:uuid:potassium"}]}`
	codeless = `{"resourceType":"Observation","id":"codeless","status":"final","code":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason",
		"valueCode":"unknown"}]},` + ofAnn + `,"valueString":"5"}`
	pollen = `{"resourceType":"AllergyIntolerance","id":"pollen","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
		"code":"resolved"}]},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification","code":"confirmed"}]},
		"code":{"text":"Pollen"},"patient":{"reference":"urn:uuid:ann"},"onsetDateTime":"2020-01-02T10:00:00Z"}`
	nuts = `{"resourceType":"AllergyIntolerance","id":"nuts","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
		"code":"active"}]},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification","code":"unconfirmed"}]},
		"code":{"text":"Nuts"},"patient":{"reference":"urn:uuid:ann"},"identifier":[{"value":"A9"}]}`
	wasp = `{"resourceType":"AllergyIntolerance","id":"wasp","verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
		"code":"entered-in-error"}]},"code":{"text":"Wasp"},"patient":{"reference":"urn:uuid:ann"}}`
	eggs = `{"resourceType":"AllergyIntolerance","id":"eggs","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]},
		"code":{"text":"Eggs"},"patient":{"reference":"urn:uuid:ann"},"reaction":[{"severity":"moderate","manifestation":[{"coding":[{"system":"http://snomed.info/sct","code":"247472004",
		"display":"Hives"}]}]}],"extension":[{"url":"https://chartpost.org/fhir/StructureDefinition/related","extension":[{"url":"type","valueCode":"MFST"},
		{"url":"observation","valueReference":{"reference":"urn:uuid:severity"}}]}]}`
	severity = `{"resourceType":"Observation","id":"severity","status":"final","code":{"text":"Severity"},` + ofAnn + `,"valueString":"moderate"}`
	asthma   = `{"resourceType":"Condition","id":"asthma","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},
		"code":{"text":"Asthma"},` + ofAnn + `,"identifier":[{"value":"C1"}],"extension":[{"url":"https://chartpost.org/fhir/StructureDefinition/related","extension":[{"url":"type","valueCode":"SUBJ"},
		{"url":"observation","valueReference":{"reference":"urn:uuid:severity"}}]},{"url":"https://chartpost.org/fhir/StructureDefinition/related","extension":[{"url":"type","valueCode":"REFR"},
		{"url":"observation","valueReference":{"reference":"urn:uuid:severity"}}]}]}`
	eczema = `{"resourceType":"Condition","id":"eczema","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},
		"code":{"text":"Eczema"},` + ofAnn + `,"identifier":[{"value":"C1"}]}`
	someday   = `{"resourceType":"Immunization","id":"someday","status":"completed","vaccineCode":{"text":"Polio"},"patient":{"reference":"urn:uuid:ann"},"occurrenceString":"as a child"}`
	refused   = `{"resourceType":"Immunization","id":"refused","status":"not-done","vaccineCode":{"text":"Flu"},"patient":{"reference":"urn:uuid:ann"},"occurrenceString":"unknown","recorded":"2024-05-06","identifier":[{"value":"I1"}]}`
	atVisit   = `{"resourceType":"Immunization","id":"atVisit","status":"completed","vaccineCode":{"text":"Tetanus"},"patient":{"reference":"urn:uuid:ann"},"encounter":{"reference":"urn:uuid:summer"},"occurrenceString":"at the visit"}`
	uncertain = `{"resourceType":"Observation","id":"uncertain","status":"unknown","code":{"text":"Weight"},` + ofAnn + `,"valueQuantity":{"value":7.50e+1}}`
	summary   = `{"resourceType":"Composition","id":"summary","status":"final","type":{"text":"Summary"},` + ofAnn + `,"date":"2024-01-01","author":[{"display":"A"}],"title":"Summary"}`
	maybe     = `{"resourceType":"Procedure","id":"maybe","status":"unknown","code":{"text":"Suture"},` + ofAnn + `}`
	seen      = `{"resourceType":"Encounter","id":"seen","status":"unknown","class":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]},` + ofAnn + `,"identifier":[{"value":"V9"}]}`
	walking   = `{"resourceType":"Goal","id":"walking","lifecycleStatus":"active","description":{"text":"Walk a mile"},` + ofAnn + `,"startDate":"2024-02-03","target":[{"dueDate":"2024-08-09"}],
		"extension":[{"url":"https://chartpost.org/fhir/StructureDefinition/value-string","valueString":"without a rest"}]}`
	noAttack = `{"resourceType":"Goal","id":"noAttack","lifecycleStatus":"active","description":{"text":"No attack of gout"},` + ofAnn + `,"addresses":[{"reference":"urn:uuid:gout"}],"identifier":[{"value":"G1"}]}`
	policy   = `{"resourceType":"Coverage","id":"policy","status":"active","beneficiary":{"reference":"urn:uuid:ann"},"payor":[{"reference":"urn:uuid:maple"}]}`
	maple    = `{"resourceType":"Organization","id":"maple","name":"Maple Mutual"}`
	bob      = `{"resourceType":"Patient","id":"ann","name":[{"family":"Ray","given":["Bob"]}],"identifier":[{"system":"http://hl7.org/fhir/sid/us-ssn","value":"000-00-0001"}],
		"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueAddress":{"city":"Milford","state":"MA"}}]}`
	checkUp   = `{"resourceType":"Appointment","id":"checkUp","status":"booked","start":"2026-02-03T09:00:00Z","end":"2026-02-03T09:30:00Z","participant":[{"actor":{"reference":"urn:uuid:ann"},"status":"accepted"}]}`
	countless = `{"resourceType":"Observation","id":"countless","status":"final","code":{"text":"Colonies"},` + ofAnn + `,"effectiveDateTime":"2024-05-06T07:08:09.123456-05:00",
		"valueQuantity":{"value":1e8,"comparator":">"}}`
	ofDose = `{"resourceType":"Observation","id":"ofDose","status":"final","code":{"text":"Reaction"},` + ofAnn + `,"partOf":[{"reference":"urn:uuid:dose"}],"valueString":"none"}`
)

// TestDivide: a record that no message made becomes the messages that together have a place for it, and what none has is told.
func TestDivide(t *testing.T) {
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := builtin(t)
	nameless := func(text string) string {
		return strings.NewReplacer(`"id":"letter",`, "", `"masterIdentifier":{"value":"D1"},`, "", "QW5uIGlzIHdlbGwu", text).Replace(letter)
	}
	tests := []struct {
		name      string
		o         convert.Options
		resources []string
		messages  []string // the segments that each must hold, by their beginnings, behind its event
		lacks     string   // what no message holds
		leftOut   string
	}{
		{name: "the person alone", resources: []string{annLee}, messages: []string{"A08\nPID|1||7"}},
		{name: "an allergy, whose status has an extension, one that was refuted, and a diagnosis", resources: []string{annLee, penicillin, latex, cough},
			messages: []string{"A08\nAL1|1||^^^^^^^^Penicillin|||20200102\r\nDG1|1||^^^^^^^^Cough"}, lacks: "Latex", leftOut: "1 AllergyIntolerance"},
		{name: "an order for a problem, which nobody has asked for", resources: []string{annLee, gout, tablets, forGout},
			messages: []string{"PC1\nPRB|AD|20190203|"}, lacks: "Colchicine", leftOut: "2 MedicationRequest"},
		{name: "a problem with its status", resources: []string{annLee, gout},
			messages: []string{"PC1\nPRB|AD|20190203|^^^^^^^^Gout|gout|||||20200506||||confirmed|resolved|"}},
		{name: "all kinds of things", resources: []string{annLee, penicillin, gout, biopsy, dose, panel, potassium, sodium, letter, reply, tablets},
			messages: []string{"A08\nAL1|1||^^^^^^^^Penicillin\nPR1|1||^^^^^^^^Biopsy", "PC1\nPRB|AD|", "V04\nRXA|0|1|20240301", "R01\nOBR|1||panel|^^^^^^^^Panel\nOBR|2||c9cc05d821bb919c546d|^Observations|||||||||||||||||||||F",
				"T02\nTXA|1|^^^^^^^^Letter", "T06\nTXA|1|^^^^^^^^Reply"},
			leftOut: "1 MedicationRequest"},
		{name: "one message, if that is asked for", o: convert.Options{Message: "ORU^R01"}, resources: []string{annLee, penicillin, dose, panel, potassium},
			messages: []string{"R01\nOBR|1||panel|^^^^^^^^Panel"}, leftOut: "1 AllergyIntolerance, 1 Immunization"},
		{name: "vaccinations, and what was observed for them", resources: []string{annLee, dose, ofDose},
			messages: []string{"V04\nRXA|0|1|20240301\nOBX|1|ST|^^^^^^^^Reaction"}},
		{name: "vaccinations, and what was observed beside them", resources: []string{annLee, dose, sodium},
			messages: []string{"A08\nOBX|1|NM|^^^^^^^^Sodium", "V04\nRXA|0|1|20240301"}},
		{name: "a visit that ended nobody knows when, one with an end, and one that is planned", resources: []string{annLee, spring, summer, autumn, inSummer, cough},
			messages: []string{"A08\nPV1|1|O|\nPR1|1||^^^^^^^^Cast", "A08\nDG1|1||^^^^^^^^Cough", "A03\nPV1|1|O|", "A08\nPV1|1|P"}},
		{name: "results of a visit that is told with them", resources: []string{annLee, spring, springNote, potassium},
			messages: []string{"A03\nPV1|1|O|", "R01\nOBX|1|NM|^^^^^^^^Potassium"}},
		{name: "procedures that were done, were not, and of which nobody knows when", resources: []string{annLee, biopsy, notDone, undated},
			messages: []string{"A08\nPR1|1||^^^^^^^^Biopsy"}, lacks: "Suture", leftOut: "2 Procedure"},
		{name: "a document without a number", resources: []string{annLee, strings.Replace(letter, `"masterIdentifier":{"value":"D1"},`, "", 1)},
			messages: []string{"T02\nTXA|1|^^^^^^^^Letter||||||||||letter|||||DO|"}},
		{name: "documents without number and id, of which only the text differs", resources: []string{annLee, nameless("QW5uIGlzIHdlbGwu"), nameless("QW5uIGlzIHdlbGwh")},
			messages: []string{"T02\nTXA|1|^^^^^^^^Letter||||||||||7576b1eb8d5976d7a247|||||DO|", "T02\nTXA|1|^^^^^^^^Letter||||||||||26fc66f4f66cd4282358|||||DO|"}},
		{name: "allergies that are not active, not confirmed or told in error", resources: []string{annLee, penicillin, pollen, nuts, wasp},
			messages: []string{"A08\nAL1|1||^^^^^^^^Penicillin", "A60\nIAM|1||^^^^^^^^Pollen|||A|||||20200102||||||I^Confirmed but inactive^HL70438" +
				"\nIAM|2||^^^^^^^^Nuts|||A|A9||||||||||U^Unconfirmed^HL70438\nIAM|3||^^^^^^^^Wasp|||A|||||||||||E^Erroneous^HL70438"}},
		{name: "what stands within an allergy, and its reaction", resources: []string{annLee, eggs, severity},
			messages: []string{"A08\nAL1|1||^^^^^^^^Eggs|MO|Hives"}, lacks: "OBX", leftOut: "1 Observation"},
		{name: "what stands within a problem, to which it leads twice; a number that another has too", resources: []string{annLee, asthma, eczema, severity},
			messages: []string{"PC1\nPRB|AD||^^^^^^^^Asthma|asthma|\nOBX|1|ST|^^^^^^^^Severity||moderate\nPRB|AD||^^^^^^^^Eczema|eczema|"}, lacks: "OBX|2"},
		{name: "vaccinations at a visit, refused, and nobody knows when", resources: []string{annLee, summer, someday, refused, atVisit},
			messages: []string{"V04\nORC|RE||I1\nRXA|0|1|20240506|20240506|^^^^^^^^Flu", "V04\nRXA|0|1|20240701|20240701|^^^^^^^^Tetanus"}, lacks: "Polio", leftOut: "1 Immunization"},
		{name: "a result of which nobody knows the status", resources: []string{annLee, uncertain},
			messages: []string{"A08\nOBX|1|NM|^^^^^^^^Weight||75.0||||||R"}},
		{name: "such a result of a document that is final", resources: []string{annLee, uncertain, summary},
			messages: []string{"A08\nOBX|1|NM|^^^^^^^^Weight||75.0||||||F"}},
		{name: "a procedure of which nobody knows whether and when", resources: []string{annLee, maybe}, messages: []string{"A08"}, lacks: "PR1", leftOut: "1 Procedure"},
		{name: "two visits of which nothing is known but one number", resources: []string{annLee, seen, strings.Replace(seen, `"id":"seen"`, `"id":"again"`, 1), penicillin},
			messages: []string{"A08\nPV1|1|U|||||||||||||||||V9\nAL1|1|", "A08\nPV1|1|U|||||||||||||||||V9"}},
		{name: "three of them", resources: []string{annLee, seen, strings.Replace(seen, `"id":"seen"`, `"id":"again"`, 1), strings.Replace(seen, `"id":"seen"`, `"id":"once"`, 1), penicillin},
			messages: []string{"A08\nPV1|1|U|||||||||||||||||V9\nAL1|1|", "A08\nPV1|1|U|||||||||||||||||V9"}},
		{name: "a goal of a problem, and one of none", resources: []string{annLee, gout, noAttack, walking},
			messages: []string{"PC1\nPRB|AD|20190203|^^^^^^^^Gout|gout|||||20200506||||confirmed|resolved||20190203\r\nGOL|AD|20190203|^^^^^^^^No attack of gout|G1|",
				"PC6\nGOL|AD|20190203|^^^^^^^^Walk a mile|d2daa2952794ea033e28|||20240203|20240809||||||||||active\r\nNTE|1||without a rest"}},
		{name: "an insurance by the name of the company", resources: []string{annLee, policy, maple}, messages: []string{"A08\nIN1|1|^not stated|Maple Mutual|Maple Mutual"}},
		{name: "a number of social security and a place of birth", resources: []string{bob}, messages: []string{"A08\nPID|1||000-00-0001^^^&2.16.840.1.113883.4.1&ISO^SS||Ray^Bob||||||||||||||||||Milford, MA"}},
		{name: "an appointment of which nobody is named", resources: []string{annLee, checkUp}, messages: []string{"S12\nSCH||||||^not stated|||||^^^20260203090000+0000^20260203093000+0000|||||^^^^^^^^^U||||^^^^^^^^^U"}},
		{name: "a MessageHeader of another program, of an event that HL7 v2 has", resources: []string{foreign, annLee, cough, summer},
			messages: []string{"A08\nMSH|^~\\&|^urn:x^URI||||20240701||ADT^A08^ADT_A01|\nEVN|A08|20240701\nPV1|1|O|"}, leftOut: "1 Condition"},
		{name: "one of an event that it does not have", resources: []string{strings.NewReplacer("A08", "prescription-order", "ADT^A08^ADT_A01", "An order").Replace(foreign), annLee, gout},
			messages: []string{"PC1\nMSH|^~\\&|^urn:x^URI||||20190203||PPR^PC1^PPR_PC1|"}, lacks: "prescription-order"},
		{name: "one of an event of which the record says nothing", resources: []string{strings.ReplaceAll(foreign, "ADT^A08^ADT_A01", "SIU^S12^SIU_S12"), annLee, gout},
			messages: []string{"PC1\nMSH|^~\\&|^urn:x^URI||||20190203||PPR^PC1^PPR_PC1|"}, lacks: "S12"},
		{name: "days and times longer than HL7 v2 has them, and a number with an exponent behind a sign", resources: []string{
			strings.Replace(annLee, `"value":"7"`, `"value":"7","period":{"start":"2020-01-02T03:04:05Z"}`, 1), countless},
			messages: []string{"A08\nPID|1||7^^^^^^20200102||Lee^Ann\nOBX|1|SN|^^^^^^^^Colonies||>^100000000||||||F|||20240506070809.1234-0500"}},
		{name: "a document without its content", resources: []string{annLee, strings.Replace(letter, `"contentType":"text/plain","data":"QW5uIGlzIHdlbGwu"`, `"title":"Letter"`, 1)}, messages: []string{"T01\nTXA|1|^^^^^^^^Letter"}, lacks: "OBX"},
		{name: "a report that names nobody, with results that do", resources: []string{annLee, strings.Replace(panel, `"subject":{"reference":"urn:uuid:ann"},`, "", 1), potassium},
			messages: []string{"R01\nPID|1||7||Lee^Ann\rOBR|1||20dc82b5d9d175cd5e95|^Observations|||||||||||||||||||||F\rOBX|1|NM|\nOBR|2||panel|^^^^^^^^Panel|||||||||||||||||||||F"}},
		{name: "a diagnosis of which the record does not say of what kind it is", resources: []string{annLee, cough}, messages: []string{"A08\nDG1|1||^^^^^^^^Cough|||W"}},
		{name: "codes that a message must have", resources: []string{annLee, codeless},
			messages: []string{"A08\nOBX|1|ST|^not stated||5"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := recordOf(t, tt.resources...)
			parts, finds, err := Format(ms).NewWriter(&tt.o).FromHub(&convert.Record{Record: rec, FromFHIR: true})
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for raw, err := range hl7v2.NewReader(strings.NewReader(string(parts[0].Data)), hl7v2.Options{}).All() {
				if err != nil {
					t.Fatal(err)
				}
				texts = append(texts, raw.Data)
			}
			if len(texts) != len(tt.messages) {
				t.Fatalf("%d messages, want %d: %q", len(texts), len(tt.messages), texts)
			}
			var ids []string
			for i, want := range tt.messages {
				text := "\r" + strings.ReplaceAll(texts[i], "\n", "\r")
				msg, err := hl7v2.Parse(texts[i], hl7v2.Options{})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, msg.ControlID)
				segments := strings.Split(want, "\n")
				if msg.Event != segments[0] {
					t.Errorf("message %d is %s, want %s", i, msg.Event, segments[0])
				}
				for _, s := range segments[1:] {
					if !strings.Contains(text, "\r"+s) {
						t.Errorf("message %d has no %q: %q", i, s, text)
					}
				}
				if tt.lacks != "" && strings.Contains(text, tt.lacks) {
					t.Errorf("message %d holds %q", i, tt.lacks)
				}
				if _, err := m.ToFHIR(msg.Group(), "Bundle", msg.Doc, mapping.ReadOptions{Key: "test", Facility: "test"}); err != nil {
					t.Fatal(err)
				}
				for _, f := range msg.Findings {
					t.Errorf("message %d: %s", i, f)
				}
			}
			slices.Sort(ids)
			if len(slices.Compact(slices.Clone(ids))) != len(ids) {
				t.Errorf("messages have one control id: %q", ids)
			}
			got := ""
			for _, f := range finds {
				if f.ID == LeftOut {
					_, got, _ = strings.Cut(f.What, ": ")
				}
			}
			if got != tt.leftOut {
				t.Errorf("left out: %s, want %s", got, tt.leftOut)
			}
		})
	}
}

// TestVisitsLeftOut: a visit that stands in no message has a reason, that of somebody else too.
func TestVisitsLeftOut(t *testing.T) {
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	of := strings.NewReplacer("urn:uuid:ann", "urn:uuid:eve", `"id":"ann"`, `"id":"eve"`)
	rec := recordOf(t, annLee, summer, of.Replace(bob), strings.Replace(of.Replace(summer), `"id":"summer"`, `"id":"hers","language":"en"`, 1))
	if _, _, err := Format(ms).NewWriter(&convert.Options{}).FromHub(&convert.Record{Record: rec, FromFHIR: true}); err != nil {
		t.Fatal(err)
	}
	n := 0
	rec.Leaves(func(place func() string, s tree.State, why string) {
		if s == tree.Unmapped {
			t.Errorf("%s is unmapped", place())
		}
		if strings.Contains(place(), "Encounter)[1]") {
			n++
			if s != tree.Declined || !strings.Contains(why, "one patient at a time") {
				t.Errorf("%s is %s: %s", place(), s, why)
			}
		}
	})
	if n == 0 {
		t.Error("the other's visit has no leaves")
	}
}

// TestNobodyNamed: what names nobody is not told of the patient of a message, and the ledger says why.
func TestNobodyNamed(t *testing.T) {
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range []string{
		`{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Sodium"},"valueQuantity":{"value":140}}`,
		`{"resourceType":"ServiceRequest","id":"s","status":"active","intent":"order","code":{"text":"Panel"}}`,
	} {
		rec := recordOf(t, annLee, resource)
		if _, _, err := Format(ms).NewWriter(&convert.Options{}).FromHub(&convert.Record{Record: rec, FromFHIR: true}); err != nil {
			t.Fatal(err)
		}
		n := 0
		rec.Leaves(func(place func() string, s tree.State, why string) {
			if strings.HasSuffix(place(), "code.text") {
				n++
				if s != tree.Declined || !strings.Contains(why, "nobody is named in it") {
					t.Errorf("%s is %s: %s", place(), s, why)
				}
			}
		})
		if n != 1 {
			t.Errorf("%d leaves of %s", n, resource)
		}
	}
}

// TestNumberOfNobody: a patient who has neither a number nor an id gets one that nobody has of whom another record tells.
func TestNumberOfNobody(t *testing.T) {
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]bool{}
	for _, text := range []string{"Cough", "Cold", "Cough"} {
		rec := recordOf(t, `{"resourceType":"Patient","name":[{"family":"Lee"}]}`, `{"resourceType":"Condition","id":"c","code":{"text":"`+text+`"},"subject":{"reference":"urn:uuid:"}}`)
		parts, _, err := Format(ms).NewWriter(&convert.Options{}).FromHub(&convert.Record{Record: rec, FromFHIR: true})
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(parts[0].Data), "\rPID|1||")
		number, _, _ := strings.Cut(rest, "|")
		numbers[number] = true
	}
	if len(numbers) != 2 || numbers[""] {
		t.Errorf("the numbers are %v", numbers)
	}
}

// TestDay: a message about a record that says no time has the day that was given; one that says a time has its own.
func TestDay(t *testing.T) {
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		day, msh string
		list     []string
		finding  diag.ID
	}{
		{"", "MSH|^~\\&|||||||ADT^A08", []string{annLee}, convert.Undated},
		{"2031-02-03", "MSH|^~\\&|||||20310203||ADT^A08", []string{annLee}, convert.DatedByUser},
		{"2031-02-03", "MSH|^~\\&|||||20230405||ADT^A08", []string{annLee, biopsy}, ""},
	} {
		parts, finds, err := Format(ms).NewWriter(&convert.Options{Date: tt.day}).FromHub(&convert.Record{Record: recordOf(t, tt.list...), FromFHIR: true})
		if err != nil {
			t.Fatal(err)
		}
		if text := string(parts[0].Data); !strings.HasPrefix(text, tt.msh) || tt.day != "" && !strings.Contains(text, "\rEVN|A08|20") {
			t.Errorf("%s: got %q, want %s", tt.day, text, tt.msh)
		}
		got := diag.ID("")
		for _, f := range finds {
			if f.ID == convert.Undated || f.ID == convert.DatedByUser {
				got = f.ID
			}
		}
		if got != tt.finding {
			t.Errorf("%s: the finding is %q, want %q", tt.day, got, tt.finding)
		}
	}
}
