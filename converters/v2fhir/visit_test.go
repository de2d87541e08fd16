package v2fhir

import (
	"slices"
	"strings"
	"testing"

	mhpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/message_header_go_proto"
	obpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// hubOf is the record that a message becomes.
func hubOf(t *testing.T, text string) *convert.Record {
	t.Helper()
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for raw, err := range hl7v2.NewReader(strings.NewReader(text), hl7v2.Options{}).All() {
		if err != nil {
			t.Fatal(err)
		}
		rec, err := Format(ms).NewWorker(&convert.Options{}).ToHub(&convert.Raw{Data: raw})
		if err != nil {
			t.Fatal(err)
		}
		return rec
	}
	t.Fatal("no message")
	return nil
}

// TestNoVisit: a PV1 that the structure demands and that says N alone is no visit, and comes back as it was; one that says more is one.
func TestNoVisit(t *testing.T) {
	const pid = "PID|1||7||Sample^Ann\r"
	tests := []struct {
		name, event, rest string
		visit             bool
	}{
		{"alone", "ADT^A08^ADT_A01", "PV1||N\r", false},
		{"numbered", "ADT^A08^ADT_A01", "PV1|1|N\r", false},
		{"beside a diagnosis", "ADT^A31^ADT_A05", "PV1|1|N\rDG1|1||gout^Gout|||W\r", false},
		{"in a group", "ORU^R01^ORU_R01", "PV1|1|N\rOBR|1||F1|NA^Sodium^L\rOBX|1|NM|NA^Sodium^L||140||||||F\r", false},
		{"of a document", "MDM^T02^MDM_T02", "PV1|1|N\rTXA|1|CN|TX|||||||||D1|||||AU\rOBX|1|TX|1^Note^L||Well.||||||F\r", false},
		{"with a number", "ADT^A08^ADT_A01", "PV1|1|N|||||||||||||||||V1\r", true},
		{"with a reason", "ADT^A08^ADT_A01", "PV1|1|N\rPV2|||cough^Cough\r", true},
		{"with what it cost", "ADT^A08^ADT_A01", "PV1|1|N\rDRG|470\r", true},
		{"of an accident", "ADT^A08^ADT_A01", "PV1|1|N\rACC|20310101\r", true},
		{"of a bill", "ADT^A08^ADT_A01", "PV1|1|N\rUB2|1||2\r", true},
		{"beside the patient's own doctor", "ADT^A08^ADT_A01", "ROL||AD|PP|9^Other^Bo\rPV1|1|N\r", false},
		{"in a group of a group", "OML^O21^OML_O21", "PV1|1|N\rORC|NW|P1\rOBR|1|P1||NA^Sodium^L\r", false},
		{"of one who takes part", "ADT^A08^ADT_A01", "ROL||AD|AT|9^Other^Bo\rPV1|1|N\r", true},
		{"that begins", "ADT^A01^ADT_A01", "PV1|1|N\r", true},
		{"of another class", "ADT^A08^ADT_A01", "PV1|1|U\r", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			evn := ""
			if !strings.HasPrefix(tt.event, "O") {
				evn = "EVN||20310203\r"
			}
			rec := hubOf(t, "MSH|^~\\&|A|B|C|D|20310203||"+tt.event+"|1|P|2.5.1\r"+evn+pid+tt.rest)
			visit := slices.ContainsFunc(rec.Resources, func(r *mapping.Resource) bool { return r.Type() == "Encounter" })
			if visit != tt.visit {
				t.Errorf("a visit: %v, want %v", visit, tt.visit)
			}
			folded, unread := false, ""
			rec.Leaves(func(place func() string, s tree.State, _ string) {
				folded = folded || strings.HasSuffix(place(), "PV1-2") && s == tree.Folded
				if s == tree.Unmapped {
					unread += " " + place()
				}
			})
			if folded == tt.visit || unread != "" {
				t.Errorf("PV1-2 is folded: %v; unmapped:%s", folded, unread)
			}
			back := strings.Join(messagesOf(t, rec.Record), "")
			if !strings.HasPrefix(tt.event, "O") && !strings.Contains(back, "\rPV1|") {
				t.Errorf("the message comes back without its PV1:\n%s", strings.ReplaceAll(back, "\r", "\n"))
			}
		})
	}
}

// TestAboutPatients: the header of a message leads to its patient, in the form of the other links, and a message comes back of it as before.
func TestAboutPatients(t *testing.T) {
	const text = "MSH|^~\\&|A|B|C|D|20310203||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||7||Sample^Ann\rOBR|1||F1|NA^Sodium^L\rOBX|1|NM|NA^Sodium^L||140||||||F\r"
	rec := hubOf(t, text)
	links := map[string]string{} // by what leads to the patient
	for _, r := range rec.Resources {
		switch m := r.Msg.(type) {
		case *mhpb.MessageHeader:
			for _, ref := range m.Focus {
				links["MessageHeader"] += ref.GetUri().GetValue()
			}
		case *obpb.Observation:
			links["Observation"] = m.GetSubject().GetUri().GetValue()
		}
	}
	if links["MessageHeader"] == "" || links["MessageHeader"] != links["Observation"] {
		t.Errorf("the header leads to %q, the observation to %q", links["MessageHeader"], links["Observation"])
	}
	if back := messagesOf(t, rec.Record); len(back) != 1 || !strings.Contains(back[0], "Sample^Ann") {
		t.Errorf("comes back as %q", back)
	}
	rec.Record.Leaves(func(place func() string, _ tree.State, _ string) {
		if strings.Contains(place(), "focus") {
			t.Errorf("%s is counted as a value", place())
		}
	})
}
