package v2fhir

import (
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// TestMessagesOfFHIR turns a record of FHIR about an appointment, or about a document, into the message that is for it, and that back: what it
// says is there, and a second message of it is the same.
func TestMessagesOfFHIR(t *testing.T) {
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := builtin(t)
	tests := []struct {
		name      string
		resources []string
		holds     []string // segments of the message, from their beginning
		types     map[string]int
	}{
		{"an appointment", []string{annLee,
			`{"resourceType":"Practitioner","id":"doe","name":[{"family":"Doe","given":["Dan"]}],"identifier":[{"value":"21"}]}`,
			`{"resourceType":"Appointment","id":"visit","status":"booked","identifier":[{"value":"A1"}],"start":"2024-04-01T09:00:00-05:00","end":"2024-04-01T09:30:00-05:00",
			"minutesDuration":30,"reasonCode":[{"text":"Cough"}],"participant":[{"actor":{"reference":"urn:uuid:ann"},"status":"accepted"},
			{"actor":{"reference":"urn:uuid:doe"},"status":"accepted"}]}`},
			[]string{"SCH|A1|", "PID|1||7||Lee^Ann", "RGS|1", "AIP|1||21^Doe^Dan"},
			map[string]int{"Appointment": 1, "Patient": 1, "Practitioner": 2}}, // and the one whom SCH-16 and SCH-20 must name, and nobody knows
		{"a document", []string{annLee,
			`{"resourceType":"DocumentReference","id":"summary","status":"current","masterIdentifier":{"value":"D1"},"type":{"text":"Discharge summary"},"docStatus":"final",
			"subject":{"reference":"urn:uuid:ann"},"content":[{"attachment":{"contentType":"text/plain","data":"QW5uIHdhcyB3ZWxsLg=="}}]}`},
			[]string{"EVN|T02", "PID|1||7||Lee^Ann", "TXA|1|", "OBX|1|ED|"},
			map[string]int{"DocumentReference": 1, "Patient": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := ""
			rec := recordOf(t, tt.resources...)
			for round := range 3 {
				parts, _, err := Format(ms).NewWriter(&convert.Options{}).FromHub(&convert.Record{Record: rec, FromFHIR: true})
				if err != nil {
					t.Fatal(err)
				}
				was := text
				text = string(parts[0].Data)
				for _, want := range tt.holds {
					if !strings.Contains("\r"+text, "\r"+want) {
						t.Errorf("round %d: no %q in %q", round, want, text)
					}
				}
				if round > 0 && text != was {
					t.Errorf("round %d: another message: %q\nwas %q", round, text, was)
				}
				msg, err := hl7v2.Parse(text, hl7v2.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if rec, err = m.ToFHIR(msg.Group(), "Bundle", msg.Doc, mapping.ReadOptions{Key: "test", Facility: "test"}); err != nil {
					t.Fatal(err)
				}
				types := map[string]int{}
				for _, r := range rec.Resources {
					types[r.Type()]++
				}
				for typ, n := range tt.types {
					if types[typ] != n {
						t.Errorf("round %d: %d of %s, want %d", round, types[typ], typ, n)
					}
				}
				for _, f := range msg.Findings {
					t.Errorf("round %d: %s", round, f)
				}
			}
		})
	}
}
