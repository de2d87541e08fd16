package mapping_test

import (
	"strings"
	"testing"
)

// TestConditional: what a row wrote where the source does not say what the row asks for is folded, and what another row writes or reads is not. Rows
// with if that chain, constants that nothing keeps, and groups of which the source says that another one is read.
func TestConditional(t *testing.T) {
	for _, x := range []struct{ name, rows, record, back, ledger string }{
		{"if does not hold", "1 ST identifier[use=usual].value if 9=en\n", `{"resourceType":"Patient","identifier":[{"use":"usual","value":"a"}]}`, "P|a",
			"Patient.identifier[0].use folded: written to a place that is read as something else there\nPatient.identifier[0].value folded: written to a place that is read as something else there"},
		{"a later row makes if hold", "1 ST identifier[use=usual].value if 9=en\n9 ST language\n", `{"resourceType":"Patient","language":"en","identifier":[{"use":"usual","value":"a"}]}`, "P|a||||||||en", ""},
		{"with no", "1 ST identifier[use=usual].value with no 9\n9 ST language\n", `{"resourceType":"Patient","language":"en","identifier":[{"use":"usual","value":"a"}]}`, "P|a||||||||en",
			"Patient.identifier[0].use folded: written to a place that is read as something else there\nPatient.identifier[0].value folded: written to a place that is read as something else there"},
		{"another row reads it as it was", "1 ST identifier[use=usual].value if 9=en\n1 ST identifier[use=usual].value if 9!=en\n", `{"resourceType":"Patient","identifier":[{"use":"usual","value":"a"}]}`, "P|a", ""},
		{"a chain behind if", "1 ST identifier[use=usual].value if 9!=en\nelse 2 ST name.text\n", `{"resourceType":"Patient","identifier":[{"use":"usual","value":"a"}],"name":[{"text":"b"}]}`, "P|a|b",
			"Patient.name[0].text folded: written, but of a chain of rows one is read, and that is another"},
		{"a constant that nothing keeps", "1 ST name.text if 9=en\n'en' ST language\n", `{"resourceType":"Patient","language":"en","name":[{"text":"a"}]}`, "P|a",
			"Patient.language folded: written to a place that is read as something else there\nPatient.name[0].text folded: written to a place that is read as something else there"},
	} {
		t.Run(x.name, func(t *testing.T) {
			m := mapOf(t, er7Tree, "table M -> Bundle\nP P Patient\n\ntable P -> Patient\n"+x.rows)
			rec := recordOf(t, x.record)
			doc, err := m.FromFHIR("M", "Bundle", rec)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(printER7(doc)); got != x.back {
				t.Errorf("written %s, want %s", got, x.back)
			}
			if got := strings.TrimSpace(recordLedger(rec)); got != x.ledger {
				t.Errorf("ledger\n%s\nwant\n%s", got, x.ledger)
			}
		})
	}
}

// TestConditionalGroup: of two groups the one is written that will be read.
func TestConditionalGroup(t *testing.T) {
	m := mapOf(t, er7Tree, "table M -> Bundle\nP P Patient\nG A .  if P-1=a\nG B .  if P-1!=a\n\ntable P -> Patient\n1 ST name.text\n\ntable A -> Bundle\nO O Observation\n\ntable B -> Bundle\nO Q Observation\n\n"+
		"table O -> Observation\n1 ST code.text\n'final' ST status\n\ntable Q -> Observation\n2 ST code.text\n'final' ST status\n")
	for name, want := range map[string]string{"a": "P|a\nG\n  O|x", "b": "P|b\nG\n  O||x"} {
		rec := recordOf(t, `{"resourceType":"Patient","name":[{"text":"`+name+`"}]}`+"\n"+`{"resourceType":"Observation","status":"final","code":{"text":"x"}}`)
		doc, err := m.FromFHIR("M", "Bundle", rec)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(printER7(doc)); got != want {
			t.Errorf("written\n%s\nwant\n%s", got, want)
		}
	}
}
