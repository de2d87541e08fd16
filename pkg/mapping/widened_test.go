package mapping_test

import (
	"testing"

	"github.com/chartpost/chartpost/pkg/mapping"
)

// TestWidened: of several organizations with one number none contradicts another, so that they are one, whatever the order in which the source says them.
func TestWidened(t *testing.T) {
	m := mapOf(t, er7Tree, `
table M -> Bundle
PID PID Patient

table PID -> Patient
1 O[] generalPractitioner -> Organization

table O -> Organization
1 ST identifier.value
2 ST name
3 ST type.text
4 ST telecom.value
`)
	for _, tt := range []struct {
		doc string
		n   int
	}{
		{"PID|7^Elm~7^Elm^clinic~7^Elm^^555~7^Elm^clinic^555\n", 1},
		{"PID|7^Elm^clinic~7^Elm^^555\n", 2}, // of neither it is known that it is the other
		{"PID|7^Elm^^555~7^Elm^clinic~7^Oak~7^Elm^clinic^555\n", 2},
		{"PID|7^Elm^clinic^555~7^Elm^clinic~7^Elm^^555\n", 1},
		{"PID|^Elm^clinic~^Elm^^555~^Elm^clinic^555\n", 3}, // without a number
	} {
		doc := parseER7(tt.doc)
		rec, err := m.ToFHIR("M", "Bundle", doc, mapping.ReadOptions{Key: "case"})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range rec.Resources {
			if r.Type() == "Organization" {
				n++
			}
		}
		if n != tt.n {
			t.Errorf("%s%d organizations, want %d%s", tt.doc, n, tt.n, printRecord(t, rec))
		}
		back, err := m.FromFHIR("M", "Bundle", rebuild(t, rec))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := m.ToFHIR("M", "Bundle", back, mapping.ReadOptions{Key: "case"}); err != nil || printRecord(t, again) != printRecord(t, rec) {
			t.Errorf("%sis not stable: %v\n%s", tt.doc, err, printER7(back))
		}
	}
}
