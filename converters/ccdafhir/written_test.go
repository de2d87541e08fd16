package ccdafhir

import (
	"fmt"
	"strings"
	"testing"

	provpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/provenance_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// problemsOf is a record of so many problems that one Provenance says somebody wrote.
func problemsOf(t *testing.T, n int) *mapping.Record {
	t.Helper()
	rec := mapping.NewRecord(nil)
	add := func(text string) {
		m, finds := fhir.Unmarshal([]byte(text))
		if m == nil || len(finds) > 0 {
			t.Fatal(finds)
		}
		r := mapping.NewResource(m, "")
		r.FullURL = "urn:uuid:" + r.ID
		rec.Add(r)
	}
	add(`{"resourceType":"Patient","id":"p","name":[{"family":"Testperson"}]}`)
	add(`{"resourceType":"Practitioner","id":"w","name":[{"family":"Testwriter"}]}`)
	var targets []string
	for i := range n {
		add(fmt.Sprintf(`{"resourceType":"Condition","id":"c%d","subject":{"reference":"urn:uuid:p"},"code":{"text":"Problem"}}`, i))
		targets = append(targets, fmt.Sprintf(`{"reference":"urn:uuid:c%d"}`, i))
	}
	add(`{"resourceType":"Provenance","id":"v","recorded":"2026-03-04T10:00:00Z","agent":[{"who":{"reference":"urn:uuid:w"}}],"target":[` + strings.Join(targets, ",") + `]}`)
	return rec
}

// TestThousandsOfTargets counts what is looked through for each of the statements that one Provenance leads to: its own targets alone, in a list
// that is made once for a document.
func TestThousandsOfTargets(t *testing.T) {
	const n = 3000
	m := builtin(t)
	rec := problemsOf(t, n)
	_, err := m.FromFHIRBy("ClinicalDocument", rec, func(c *mapping.Context) {
		looked, statements := 0, 0
		for _, r := range c.Resources() {
			if r.Type() != "Condition" {
				continue
			}
			statements++
			for _, w := range written(c)[r.Msg] {
				looked += len(w.targets)
			}
		}
		if statements != n || looked != n {
			t.Errorf("%d targets are looked at for %d statements, not %d", looked, statements, n)
		}
		// What was made once is not made again: whoever changes the Provenance now is not heard.
		for _, r := range c.Resources() {
			if p, ok := r.Msg.(*provpb.Provenance); ok {
				p.Target = p.Target[:1]
				extend(p, textExtension(derivedURL, provenanceDigest(p)))
			}
		}
		if len(written(c)) != n || len(derivedProvenances(c)) != 0 {
			t.Errorf("%d statements were written by somebody, and %d Provenances are derived, when asked again", len(written(c)), len(derivedProvenances(c)))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
