package csvfhir

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
)

// TestUnforeseenWords: a word that nobody foresaw never makes an element that FHIR refuses, and comes back; where FHIR demands a status and
// has none for what nobody knows, the row is rejected.
func TestUnforeseenWords(t *testing.T) {
	set, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	const absent = `"_%":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/alternate-codes","valueCodeableConcept":{"text":"Hollow"}}]}`
	beside := func(name string) string { return `"unknown",` + strings.Replace(absent, "%", name, 1) }
	for _, c := range []struct {
		file, text string
		has        []string
		hasNot     []string
		rejected   string
	}{
		{"patients.csv", "MRN,Last Name,DOB,Sex\n1,Reed,1970-01-02,Hollow\n", []string{`"gender":` + beside("gender")}, nil, ""},
		{"meds.csv", "MRN,Medication,Status\n1,Aspirin,Hollow\n", []string{`"status":` + beside("status")}, nil, ""},
		{"labs.csv", "MRN,Test Name,Result,Result Status,Collected\n1,Glucose,5,Hollow,2026-01-20\n", []string{`"status":` + beside("status")}, nil, ""},
		{"allergies.csv", "MRN,Allergen,Allergy Type,Category,Severity,Reaction,Status,Verification\n1,Peanut,Hollow,Hollow,Hollow,Hives,Hollow,Hollow\n",
			[]string{`"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}],"text":"Hollow"}`,
				`"url":"https://chartpost.org/fhir/StructureDefinition/csv-severity","valueString":"Hollow"`}, []string{`"_type"`, `"_category"`, `"_severity"`}, ""},
		{"shots.csv", "MRN,Vaccine,Date,Status\n1,Tdap,2026-01-20,Hollow\n", nil, nil, "shots.csv:2, row 2, column Status: " + NoStatus.Entry().What + " [CP-CSV-063]"},
		{"visits.csv", "MRN,Appointment Date,Appt ID,Status\n1,2026-01-20,7,Hollow\n", nil, nil, "visits.csv:2, row 2, column Status: " + NoStatus.Entry().What + " [CP-CSV-063]"},
		{"visits.csv", "MRN,Appointment Date,Appt ID,Status\n1,2026-01-20,7,LWBS\n", []string{`"status":"noshow"`}, nil, ""},
		{"shots.csv", "MRN,Vaccine,Date,Status\n1,Tdap,2026-01-20,Verweigert\n", []string{`"status":"not-done"`}, nil, ""},
		{"meds.csv", "MRN,Medication,Start Date,Stop Date\n1,Aspirin,2026-01-20,2026-01-19\n", []string{`"start":"2026-01-20"`,
			`"url":"https://chartpost.org/fhir/StructureDefinition/period-end","valueDateTime":"2026-01-19"`}, []string{`"end"`}, ""},
		{"meds.csv", "MRN,Medication,Start Date,Stop Date\n1,Aspirin,2026-01-20,2026-01-20\n", []string{`"start":"2026-01-20","end":"2026-01-20"`}, []string{"period-end"}, ""},
	} {
		o := convert.Options{To: "fhir", TempDir: t.TempDir()}
		out := convertTables(t, set, []*convert.File{inMemory(c.file, c.text)}, &o, set.Named(officeName))
		if got := strings.Join(out.rejected, "\n"); got != c.rejected {
			t.Errorf("%s: rejected %q, want %q", c.text, got, c.rejected)
		}
		if c.rejected != "" {
			continue
		}
		got := strings.Join(out.lines, "\n")
		for _, want := range c.has {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s is not in %s", c.text, want, got)
			}
		}
		for _, not := range c.hasNot {
			if strings.Contains(got, not) {
				t.Errorf("%s: %s is in %s", c.text, not, got)
			}
		}
		header, cells, _ := strings.Cut(strings.TrimSpace(c.text), "\n")
		var back []string
		for _, rows := range out.tables {
			for _, row := range rows {
				for _, cell := range row {
					back = append(back, cell)
				}
			}
		}
		for i, cell := range strings.Split(cells, ",") {
			if !slices.Contains(back, cell) {
				t.Errorf("%s: %s does not come back: %q", c.text, strings.Split(header, ",")[i], back)
			}
		}
		if out.tally.Unmapped+out.tally.Invalid > 0 {
			t.Errorf("%s: %v", c.text, out.ledger)
		}
	}
}

// TestWordsOfPage: the page of the lists has every word by which a row with a status is not rejected.
func TestWordsOfPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/lists.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"GIVEN", "APPOINTMENT"} {
		for line := range strings.Lines(vocabularies[name].lines) {
			if code, words, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.Contains(string(page), "| `"+code+"` | "+words+" |\n") {
				t.Errorf("docs/lists.md is without the words of %s for %s: %s", name, code, words)
			}
		}
	}
}
