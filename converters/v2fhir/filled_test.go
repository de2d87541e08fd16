package v2fhir

import (
	"errors"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// recordOf is a record of these resources, in JSON, whose fullUrls are urn:uuid: with their ids.
func recordOf(t *testing.T, resources ...string) *mapping.Record {
	t.Helper()
	rec := mapping.NewRecord(nil)
	for _, r := range resources {
		m, finds := fhir.Unmarshal([]byte(r))
		if m == nil || len(finds) > 0 {
			t.Fatal(finds)
		}
		added := mapping.NewResource(m, "")
		added.FullURL = "urn:uuid:" + added.ID
		rec.Add(added)
	}
	return rec
}

const (
	bobLee    = `{"resourceType":"Patient","id":"bob","name":[{"family":"Lee","given":["Bob"]}],"identifier":[{"value":"8"}]}`
	annLee    = `{"resourceType":"Patient","id":"ann","name":[{"family":"Lee","given":["Ann"]}],"identifier":[{"value":"7"}]}`
	nameless  = `{"resourceType":"Patient","id":"ann","gender":"female"}`
	dose      = `{"resourceType":"Immunization","id":"dose","status":"completed","vaccineCode":{"text":"Hep B"},"patient":{"reference":"urn:uuid:ann"},"occurrenceDateTime":"2024-03-01"}`
	second    = `{"resourceType":"Immunization","id":"second","status":"completed","vaccineCode":{"text":"MMR"},"patient":{"reference":"urn:uuid:ann"},"occurrenceDateTime":"2024-03-01"}`
	sodium    = `{"resourceType":"Observation","id":"sodium","status":"final","code":{"text":"Sodium"},"subject":{"reference":"urn:uuid:ann"},"valueQuantity":{"value":140}}`
	potassium = `{"resourceType":"Observation","id":"potassium","status":"final","code":{"text":"Potassium"},"subject":{"reference":"urn:uuid:ann"},"valueQuantity":{"value":4}}`
	panel     = `{"resourceType":"DiagnosticReport","id":"panel","status":"final","code":{"text":"Panel"},"subject":{"reference":"urn:uuid:ann"},"result":[{"reference":"urn:uuid:potassium"}]}`
	ofNobody  = `{"resourceType":"Observation","id":"blank","status":"final","code":{"text":"Blank"},"valueQuantity":{"value":0}}`
	aspirin   = `{"resourceType":"MedicationRequest","id":"aspirin","status":"unknown","intent":"order","subject":{"reference":"urn:uuid:ann"},"medicationCodeableConcept":{"text":"Aspirin"},"identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"PLAC"}]},"value":"P1"}]}`
	foreign   = `{"resourceType":"MessageHeader","id":"head","eventCoding":{"system":"http://terminology.hl7.org/CodeSystem/v2-0003","code":"A08","display":"ADT^A08^ADT_A01"},"source":{"endpoint":"urn:x"}}`
	header    = `{"resourceType":"MessageHeader","id":"head","extension":[{"url":"https://chartpost.org/fhir/StructureDefinition/MSH-15","valueCode":"AL"}],"eventCoding":{"system":"http://terminology.hl7.org/CodeSystem/v2-0003","code":"A08","display":"ADT^A08^ADT_A01"},"source":{"endpoint":"urn:x"}}`
)

// linkedTo is Ann Lee with a link to a record elsewhere.
func linkedTo(kind string) string {
	return strings.TrimSuffix(annLee, "}") + `,"link":[{"other":{"reference":"Patient/elsewhere"},"type":"` + kind + `"}]}`
}

// TestFilledIn holds what is told of places that nobody has said against what the message holds, and that no message is made of what
// has nobody or nothing that the message is about.
func TestFilledIn(t *testing.T) {
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name      string
		o         convert.Options
		resources []string
		filled    string // what CP-V2-106 lists
		reject    diag.ID
		holds     string // a segment of the message
	}{
		{name: "a visit of which nobody tells", resources: []string{annLee},
			filled: "MSH-9, MSH-10, MSH-11, MSH-12, EVN-1, PID-1, PV1-1, PV1-2", holds: "PV1|1|N"},
		{name: "neither number nor name", resources: []string{nameless},
			filled: "MSH-9, MSH-10, MSH-11, MSH-12, EVN-1, PID-1, PID-3, PID-5, PV1-1, PV1-2", holds: "PID|1||ann||^^^^^^U|||F"},
		{name: "what the user asked for is not made up", o: convert.Options{Message: "ADT^A08", Version: "2.3"}, resources: []string{annLee},
			filled: "MSH-10, MSH-11, EVN-1, PID-1, PV1-1, PV1-2", holds: "EVN|A08"},
		{name: "each of several", resources: []string{annLee, dose, second},
			filled: "MSH-7, MSH-9, MSH-10, MSH-11, MSH-12, PID-1, ORC[*]-1, ORC[*]-3, RXA[*]-1, RXA[*]-2, RXA[*]-4, RXA[*]-6", holds: "ORC|RE"},
		{name: "results without a report", o: convert.Options{Message: "ORU^R01"}, resources: []string{annLee, sodium},
			filled: "MSH-10, MSH-11, MSH-12, PID-1, OBX-1, OBR-1, OBR-3, OBR-4, OBR-25", holds: "OBR|1||c9cc05d821bb919c546d|^Observations|||||||||||||||||||||F"},
		{name: "results without a report beside a report", o: convert.Options{Message: "ORU^R01"}, resources: []string{annLee, potassium, panel, sodium},
			filled: "MSH-10, MSH-11, MSH-12, PID-1, OBX[*]-1, OBR[*]-1, OBR[*]-3, OBR-4, OBR-25", holds: "OBR|2||c9cc05d821bb919c546d|^Observations|||||||||||||||||||||F\rOBX|1|NM|^^^^^^^^Sodium"},
		{name: "a vaccination and a result", o: convert.Options{Message: "VXU^V04"}, resources: []string{annLee, dose, sodium},
			filled: "MSH-7, MSH-10, MSH-11, MSH-12, PID-1, ORC-1, ORC-3, RXA-1, RXA-2, RXA-4, RXA-6", holds: "PID|1||7||Lee^Ann\rORC|RE||dose\rRXA"},
		{name: "results of nobody", o: convert.Options{Message: "ORU^R01"}, resources: []string{ofNobody},
			filled: "MSH-10, MSH-11, MSH-12, OBX-1, OBR-1, OBR-3, OBR-4, OBR-25", holds: "OBX|1|NM|"},
		{name: "an order that does not say what it is for", o: convert.Options{Message: "OMP^O09"}, resources: []string{annLee, aspirin},
			filled: "MSH-10, MSH-11, MSH-12, PID-1, ORC-1", holds: "ORC|RE|P1"},
		{name: "a prescription of which little is known", o: convert.Options{Message: "RDE^O11"}, resources: []string{annLee, aspirin},
			filled: "MSH-10, MSH-11, MSH-12, PID-1, ORC-1, TQ1-1, RXR-1, RXE-5", holds: "RXE||^^^^^^^^Aspirin|||^not stated"},
		{name: "the end of an account has no place for results", o: convert.Options{Message: "BAR^P02"}, resources: []string{annLee, sodium},
			filled: "MSH-10, MSH-11, MSH-12, EVN-1, PID-1", holds: "EVN|P02\rPID|1||7||Lee^Ann\r"},
		{name: "a record about nobody", resources: []string{ofNobody}, reject: AboutNobody},
		{name: "a visit of nobody", o: convert.Options{Message: "ADT^A01"}, resources: []string{ofNobody}, reject: AboutNobody},
		{name: "a patient with records beside his own", resources: []string{linkedTo("seealso")},
			filled: "MSH-9, MSH-10, MSH-11, MSH-12, EVN-1, PID-1, PV1-1, PV1-2", holds: "PID|1||7||Lee^Ann"},
		{name: "a patient whose main record is another's", o: convert.Options{Message: "ADT^A08"}, resources: []string{linkedTo("refer")},
			filled: "MSH-10, MSH-11, MSH-12, EVN-1, PID-1, PV1-1, PV1-2", holds: "PID|1||7||Lee^Ann"},
		{name: "a record that took another's place", o: convert.Options{Message: "ADT^A08"}, resources: []string{linkedTo("replaces")},
			filled: "MSH-10, MSH-11, MSH-12, EVN-1, PID-1, PV1-1, PV1-2", holds: "PID|1||7||Lee^Ann"},
		{name: "a record that is used no more", o: convert.Options{Message: "ADT^A08"}, resources: []string{linkedTo("replaced-by")}, reject: AboutNobody},
		{name: "orders without an order", o: convert.Options{Message: "OML^O21"}, resources: []string{annLee, sodium}, reject: AboutNothing},
		{name: "an appointment without one", o: convert.Options{Message: "SIU^S12"}, resources: []string{annLee}, reject: AboutNothing},
		{name: "a merge without the number that was", o: convert.Options{Message: "ADT^A40"}, resources: []string{annLee, sodium}, reject: AboutNothing},
		{name: "the state of a bed", o: convert.Options{Message: "ADT^A20"}, resources: []string{annLee}, reject: AboutNothing},
		{name: "a pathway", o: convert.Options{Message: "PPP^PCB"}, resources: []string{annLee}, reject: AboutNothing},
		{name: "two patients, of whom one is there", o: convert.Options{Message: "ADT^A17"}, resources: []string{annLee}, reject: AboutNothing},
		{name: "two patients", o: convert.Options{Message: "ADT^A24"}, resources: []string{annLee, bobLee},
			filled: "MSH-10, MSH-11, MSH-12, EVN-1, PID[*]-1", holds: "PID|2||8||Lee^Bob"},
		{name: "a message that had no patient goes back without", resources: []string{header}, holds: "MSH|"},
		{name: "a message of another program that has no patient", resources: []string{foreign}, reject: AboutNobody},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			parts, finds, err := Format(ms).NewWriter(&tt.o).FromHub(&convert.Record{Record: recordOf(t, tt.resources...), FromFHIR: true})
			if tt.reject != "" {
				var f *diag.Finding
				if !errors.As(err, &f) || f.ID != tt.reject {
					t.Fatalf("got %v, want %s", err, tt.reject)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text := string(parts[0].Data)
			if !strings.Contains("\r"+text, "\r"+tt.holds) {
				t.Errorf("%q is not in %q", tt.holds, text)
			}
			got := ""
			for _, f := range finds {
				if f.ID == FilledIn {
					if f.Severity() != diag.Info {
						t.Error("it is more than an information")
					}
					_, got, _ = strings.Cut(f.What, ": ")
				}
			}
			if got != tt.filled {
				t.Errorf("filled in %s\nwant      %s", got, tt.filled)
			}
		})
	}
}

// TestNoPlaceInStructure: what the structure that is asked for has no segment for says so, and which message has.
func TestNoPlaceInStructure(t *testing.T) {
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{"BAR^P02", "ADT^A11"} {
		rec := recordOf(t, annLee, cough, penicillin)
		if _, _, err := Format(ms).NewWriter(&convert.Options{Message: message}).FromHub(&convert.Record{Record: rec, FromFHIR: true}); err != nil {
			t.Fatal(err)
		}
		told := false
		rec.Leaves(func(place func() string, s tree.State, why string) {
			if strings.HasPrefix(place(), "AllergyIntolerance.code") {
				told = true
				if s != tree.Declined || !strings.Contains(why, "ADT^A08 has") {
					t.Errorf("%s: %s is %s: %s", message, place(), s, why)
				}
			}
		})
		if !told {
			t.Error("the allergy has no leaves")
		}
	}
}

// TestEmptyPID says of a message without a person that the PID which it has is empty.
func TestEmptyPID(t *testing.T) {
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	format := Format(ms)
	for body, want := range map[string]string{
		"MSA|AA|1\r":           kindsWithoutPerson["ACK"],
		"MSA|AA|1\rPID|||||\r": kindsWithoutPerson["ACK"] + ", and its PID is empty",
	} {
		for raw, err := range hl7v2.NewReader(strings.NewReader("MSH|^~\\&|EHR|MAPLE|||20240301||ACK|1|P|2.5\r"+body), hl7v2.Options{}).All() {
			if err != nil {
				t.Fatal(err)
			}
			_, err := format.NewWorker(&convert.Options{}).ToHub(&convert.Raw{Index: 1, Data: raw})
			var f *diag.Finding
			if !errors.As(err, &f) || f.ID != NoPerson || f.Message() != want {
				t.Errorf("%q: got %v, want %q", body, err, want)
			}
		}
	}
}
