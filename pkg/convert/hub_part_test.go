package convert

import (
	"strings"
	"testing"
)

// TestFaultsInLines: of resources that stand alone one with a fault stays with the others of its patient, and its leaves are in the ledger once,
// also where several patients have it; one that must be left out is rejected with its bytes, and nobody else gets what is about its patient.
func TestFaultsInLines(t *testing.T) {
	const (
		org  = `{"resourceType":"Organization","id":"o","name":"Elm Clinic","partOf":7}`
		a    = `{"resourceType":"Patient","id":"a","gender":"F","managingOrganization":{"reference":"Organization/o"}}`
		b    = `{"resourceType":"Patient","id":"b","managingOrganization":{"reference":"Organization/o"}}`
		obs  = `{"resourceType":"Observation","id":"x","status":"final","code":{"text":"t"},"subject":{"reference":"Patient/a"},"issued":"today"}`
		shot = `{"resourceType":"Immunization","id":"i","status":"completed","wasNotGiven":true,"vaccineCode":{"text":"v"},"patient":{"reference":"Patient/a"},"occurrenceString":"once"}`
	)
	r, err := runJob(t, map[string]string{"in.ndjson": strings.Join([]string{org, a, b, obs, shot}, "\n")}, func(j *Job) {
		j.To, j.Ledger, j.Rejects, j.Options.Jobs = FHIR(), "out/l.json", "out/rej", 2
	}, "in.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	got := r.files(t, "out")
	ledger := got["l.json"]
	if r.sum.Totals.Records != 2 || r.sum.Totals.Rejected != 1 || r.sum.Totals.Invalid != 3 {
		t.Errorf("%+v\n%s", r.sum.Totals, ledger)
	}
	for _, at := range []string{`"Bundle.entry[0].resource.partOf"`, `"Bundle.entry[1].resource.gender"`, `"Bundle.entry[2].resource.issued"`} {
		if strings.Count(ledger, at) != 1 {
			t.Errorf("%s is there %d times:\n%s", at, strings.Count(ledger, at), ledger)
		}
	}
	all := ""
	for name, text := range got {
		if strings.Contains(name, "rej/") && !strings.Contains(name, ".reason.") && strings.TrimSpace(text) != shot {
			t.Errorf("rejected: %s", text)
		} else if strings.HasPrefix(name, "in") {
			all += text
		}
	}
	if strings.Contains(all, "Immunization") || !strings.Contains(all, "Observation") {
		t.Error(all)
	}

	// The observation of a patient who cannot be read is not that of the only other.
	bad := strings.Replace(b, `"id":"b"`, `"id":"b","deceasedBoolean":"no"`, 1)
	other := strings.Replace(obs, "Patient/a", "Patient/b", 1)
	if r, err = runJob(t, map[string]string{"in.ndjson": strings.Join([]string{a, bad, other}, "\n")}, func(j *Job) { j.To = FHIR() }, "in.ndjson"); err != nil {
		t.Fatal(err)
	}
	for name, text := range r.files(t, "out") {
		if strings.Contains(text, `"id":"a"`) && strings.Contains(text, "Observation") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestFaultyDocument: a document that lost what FHIR demands of one becomes a collection, and the ledger says so.
func TestFaultyDocument(t *testing.T) {
	const doc = `{"resourceType":"Bundle","identifier":{"system":"urn:ietf:rfc:3986","value":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},"type":"document","timestamp":"2020","entry":[
{"fullUrl":"http://a.example/Composition/c","resource":{"resourceType":"Composition","id":"c","status":"final","type":{"text":"x"},"date":"2020","author":[{"display":"y"}],"title":"z"}}]}`
	for in, want := range map[string][3]string{
		doc: {`"type":"collection"`, `"invalid":[{"at":"Bundle.timestamp"`, `"declined":[{"at":"Bundle.type"`},
		strings.Replace(doc, `"2020","entry"`, `"2020-01-01T00:00:00Z","entry"`, 1): {`"type":"document"`, `"invalid":[]`, `"declined":[]`},
	} {
		r, err := runJob(t, map[string]string{"in.json": in}, func(j *Job) { j.To, j.Ledger = FHIR(), "out/l.json" }, "in.json")
		if err != nil {
			t.Fatal(err)
		}
		got := r.files(t, "out")
		if !strings.Contains(got["in.json"], want[0]) || !strings.Contains(got["l.json"], want[1]) || !strings.Contains(got["l.json"], want[2]) {
			t.Errorf("%v, want %q", got, want)
		}
	}
}
