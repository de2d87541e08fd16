package diag

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

func sample() []*Finding {
	var list []*Finding
	for i := range 8 {
		list = append(list, New("CP-CNV-002", Place{Source: "b c.hl7", Record: i + 1, Line: 10 + i, Path: "PID-3"}, "").WithValue("SECRET"))
	}
	list = append(list, New("CP-FHIR-010", Place{Source: "a.json", Line: 3, Column: 7, Path: "Patient.gender"}, "this is <no> code"),
		New("CP-FHIR-016", Place{Source: "a.json"}, ""), New("CP-CNV-002", Place{Source: "-"}, "another\x1b[2J wording"))
	return list
}

func render(t *testing.T, form string, o WriteOptions, list []*Finding) string {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(form, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextWriter(t *testing.T) {
	got := render(t, "text", WriteOptions{Places: 2}, sample())
	want := `b c.hl7:10, PID-3: reject: the input cannot be read [CP-CNV-002]
  look whether its name is right, and whether it is whole and may be read
b c.hl7:11, record 2, PID-3: reject: the input cannot be read [CP-CNV-002]
a.json:3:7, Patient.gender: reject: this is <no> code [CP-FHIR-010]
  use a code of the value set (upper and lower case count); keep a local code in an extension
a.json: info: there are more findings, which are not listed [CP-FHIR-016]
  mend those that are listed and check again
and 7 more of CP-CNV-002; chartpost explain CP-CNV-002 tells more
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := render(t, "text", WriteOptions{Quietest: Reject}, sample()); strings.Contains(got, "info") || strings.Contains(got, "\x1b") {
		t.Errorf("quiet: %s", got)
	}
	if got := render(t, "text", WriteOptions{Color: true}, sample()); !strings.Contains(got, "\x1b[31mreject\x1b[0m") {
		t.Errorf("no colour: %s", got)
	}
}

// TestWriters: no form shows a value unless told to, none depends on the order of what comes, and repeats are one with a count.
func TestWriters(t *testing.T) {
	for _, form := range WriterNames() {
		t.Run(form, func(t *testing.T) {
			plain := render(t, form, WriteOptions{}, sample())
			if strings.Contains(plain, "SECRET") {
				t.Errorf("a value without being asked:\n%s", plain)
			}
			if shown := render(t, form, WriteOptions{ShowValues: true}, sample()); !strings.Contains(shown, "SECRET") {
				t.Errorf("no value though asked:\n%s", shown)
			}
			if form == "text" {
				return
			}
			if !json.Valid([]byte(plain)) || !json.Valid([]byte(render(t, form, WriteOptions{}, nil))) {
				t.Error("not JSON")
			}
			for range 5 {
				list := sample()
				rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
				if got := render(t, form, WriteOptions{}, list); got != plain {
					t.Fatalf("another order, another output:\n%s\n%s", got, plain)
				}
			}
		})
	}
	if _, err := NewWriter("xml", nil, WriteOptions{}); err == nil {
		t.Error("xml is no form")
	}
}

func TestJSONWriter(t *testing.T) {
	var doc struct {
		Chartpost string
		JSON
	}
	if err := json.Unmarshal([]byte(render(t, "json", WriteOptions{}, sample())), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Chartpost != FindingsVersion || doc.Totals != (Severities{Reject: 10, Info: 1}) || len(doc.Findings) != 4 {
		t.Fatalf("%+v", doc)
	}
	if f := doc.Findings[1]; f.Count != 8 || len(f.Places) != 5 || f.Places[0] != (JSONPlace{Source: "b c.hl7", Record: 1, Line: 10, At: "PID-3"}) {
		t.Errorf("%+v", f)
	}
	if f := doc.Findings[3]; f.Severity != Info {
		t.Errorf("the least severe stands last: %+v", f)
	}
}

func TestOutcomeWriter(t *testing.T) {
	got := render(t, "outcome", WriteOptions{}, sample())
	for _, want := range []string{`"resourceType": "OperationOutcome"`, `"severity": "error"`, `"code": "invalid"`, `"code": "CP-FHIR-010"`,
		`"Patient.gender"`, `"text": "this is <no> code"`, `8 times. `, `"severity": "information"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, `"expression": [
        "PID-3`) {
		t.Error("PID-3 is no FHIRPath")
	}
	if none := render(t, "outcome", WriteOptions{}, nil); !strings.Contains(none, `"issue": [`) || !strings.Contains(none, "nothing was found") {
		t.Errorf("an OperationOutcome has an issue: %s", none)
	}
}

func TestSARIFWriter(t *testing.T) {
	var doc struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, Version string
					Rules         []struct{ ID ID }
				}
			}
			Results []struct {
				RuleID          ID `json:"ruleId"`
				RuleIndex       int
				Level           string
				OccurrenceCount int
				Locations       []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
				RelatedLocations []any
			}
		}
	}
	if err := json.Unmarshal([]byte(render(t, "sarif", WriteOptions{Version: "1.2.3"}, sample())), &doc); err != nil {
		t.Fatal(err)
	}
	run := doc.Runs[0]
	if doc.Version != "2.1.0" || run.Tool.Driver.Version != "1.2.3" || len(run.Tool.Driver.Rules) != 3 || len(run.Results) != 4 {
		t.Fatalf("%+v", doc)
	}
	for _, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("%s has the rule of %s", r.RuleID, run.Tool.Driver.Rules[r.RuleIndex].ID)
		}
	}
	r := run.Results[1]
	if at := r.Locations[0].PhysicalLocation; at.ArtifactLocation.URI != "b%20c.hl7" || at.Region.StartLine != 10 || r.OccurrenceCount != 8 ||
		len(r.RelatedLocations) != 4 || r.Level != "error" {
		t.Errorf("%+v", r)
	}
}

// TestGroupsAreBounded: findings in endless wordings do not fill the memory.
func TestGroupsAreBounded(t *testing.T) {
	c := NewCollector(WriteOptions{})
	for i := range 5000 {
		c.Write(New("CP-CNV-002", Place{Source: "x"}, "wording %d", i))
	}
	doc := c.JSON()
	if len(doc.Findings) > maxGroups+1 || doc.Totals.Reject != 5000 {
		t.Errorf("%d groups of %d findings", len(doc.Findings), doc.Totals.Reject)
	}
}

func TestFHIRPath(t *testing.T) {
	for p, want := range map[string]bool{"Patient.gender": true, "Bundle.entry[3].resource": true, "PID-3": false, "OBX[3]-5[2].1.2": false,
		"PID.3": false, "row 14, column DOB": false, "/ClinicalDocument/id": false, "": false} {
		if fhirPath(p) != want {
			t.Errorf("%q: %v", p, !want)
		}
	}
}
