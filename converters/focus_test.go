package converters_test

import (
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
)

// TestFocus: a message and a document have no result that is, or may be, somebody else's; what else is in focus takes none away. The ledger says why.
func TestFocus(t *testing.T) {
	const (
		mother = "urn:uuid:0c3f2c1e-0000-4000-8000-000000000001"
		lesion = "urn:uuid:0c3f2c1e-0000-4000-8000-000000000002"
		visit  = "urn:uuid:0c3f2c1e-0000-4000-8000-000000000003"
	)
	for _, tt := range []struct {
		name, says string
		own        bool
	}{
		{"nothing in focus", ``, true},
		{"a relative of the record", `"focus":[{"reference":"` + mother + `"}],`, false},
		{"a relative by type and id", `"focus":[{"reference":"RelatedPerson/m"}],`, false},
		{"a relative elsewhere", `"focus":[{"reference":"https://x.example/fhir/RelatedPerson/7"}],`, false},
		{"a relative who is contained", `"contained":[{"resourceType":"RelatedPerson","id":"r","patient":{"reference":"Patient/p"}}],"focus":[{"reference":"#r"}],`, false},
		{"a relative by type alone", `"focus":[{"type":"RelatedPerson","display":"mother"}],`, false},
		{"another patient", `"focus":[{"reference":"Patient/q"}],`, false},
		{"words", `"focus":[{"display":"the fetus"}],`, false},
		{"a link to nobody knows what", `"focus":[{"reference":"urn:uuid:0c3f2c1e-0000-4000-8000-00000000000f"}],`, false},
		{"the patient", `"focus":[{"reference":"Patient/p"}],`, true},
		{"a problem of the record", `"focus":[{"reference":"` + lesion + `"}],`, true},
		{"a visit of the record, which stands in another message", `"focus":[{"reference":"` + visit + `"}],`, true},
		{"a device that is contained", `"contained":[{"resourceType":"Device","id":"d"}],"focus":[{"reference":"#d"}],`, true},
		{"a device elsewhere", `"focus":[{"reference":"Device/7"}],`, true},
		{"a device, then a relative", `"focus":[{"reference":"Device/7"},{"reference":"` + mother + `"}],`, false},
	} {
		for _, reported := range []bool{false, true} {
			report := ""
			if reported {
				report = `,{"resource":{"resourceType":"DiagnosticReport","id":"r","status":"final","code":{"text":"Panel"},"subject":{"reference":"Patient/p"},"result":[{"reference":"Observation/o"}]}}`
			}
			bundle := `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p","name":[{"family":"Testperson"}]}},` +
				`{"fullUrl":"` + mother + `","resource":{"resourceType":"RelatedPerson","id":"m","patient":{"reference":"Patient/p"}}},` +
				`{"fullUrl":"` + lesion + `","resource":{"resourceType":"Condition","id":"c","code":{"text":"Lesion"},"subject":{"reference":"Patient/p"}}},` +
				`{"fullUrl":"` + visit + `","resource":{"resourceType":"Encounter","id":"e","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"subject":{"reference":"Patient/p"}}},` +
				`{"resource":{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Size"},"subject":{"reference":"Patient/p"},` + tt.says + `"valueString":"found so"}}` + report + `]}`
			for _, to := range []string{"hl7v2", "ccda"} {
				records, told, _ := written(t, "fhir", to, bundle, 1)
				why := false
				for _, l := range told {
					why = why || l.Why == convert.OfAnother
				}
				if got := strings.Contains(strings.Join(records, ""), "found so"); got != tt.own || why == tt.own {
					t.Errorf("%s, in a report %v: %s has it: %v, want %v; the ledger says why: %v", tt.name, reported, to, got, tt.own, why)
				}
			}
		}
	}
}
