package converters_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
)

// written are the records that a text becomes, and what the ledger says of it.
func written(t *testing.T, from, to, text string, jobs int) (records []string, told []convert.Line, totals convert.Totals) {
	t.Helper()
	in, out := formatsNamed(t, from, to)
	o := &convert.Options{From: from, To: to, LedgerFull: true, Jobs: jobs}
	err := convert.Run(context.Background(), in, out, strings.NewReader(text), "test", o, func(r *convert.Result) error {
		if r.Rejected != nil {
			t.Fatal(r.Rejected)
		}
		s := ""
		for _, p := range r.Parts {
			s += string(p.Data)
		}
		records = append(records, s)
		totals.Add(r.Entry)
		told = slices.Concat(told, r.Entry.Folded, r.Entry.Declined, r.Entry.Unmapped, r.Entry.Invalid)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records, told, totals
}

// TestBundleOfSeveralPatients: a bundle of several patients becomes the messages and documents of as many bundles of one, at every number of jobs.
// Each of its values is in the ledger once, by its place in the bundle; what is written comes back, and goes out again the same.
func TestBundleOfSeveralPatients(t *testing.T) {
	const clinic = `{"fullUrl":"https://a.example/fhir/Organization/g","resource":{"resourceType":"Organization","id":"g","identifier":[{"system":"urn:oid:2.999.1","value":"G1"}],"name":"Maple Street Clinic"},"search":{"mode":"include"}}`
	var all, singles []string
	n := 12
	for i := range n {
		p := fmt.Sprintf(`{"fullUrl":"https://a.example/fhir/Patient/p%[1]d","resource":{"resourceType":"Patient","id":"p%[1]d","identifier":[{"system":"urn:oid:2.999.2","value":"10%[1]d"}],`+
			`"name":[{"family":"Marrow","given":["Tess %[2]c"]}],"gender":"female","birthDate":"1980-01-02","managingOrganization":{"reference":"Organization/g"}},"search":{"mode":"match"}}`, i, 'A'+i)
		o := fmt.Sprintf(`{"fullUrl":"https://a.example/fhir/Observation/o%[1]d","resource":{"resourceType":"Observation","id":"o%[1]d","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],`+
			`"code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Body height"}]},"subject":{"reference":"Patient/p%[1]d"},"effectiveDateTime":"2026-02-0%[2]d","performer":[{"reference":"Organization/g"}],`+
			`"valueQuantity":{"value":16%[2]d,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"},"contained":[{"resourceType":"Device","id":"d","status":"active"}],"device":{"reference":"#d"}}}`, i, i%9+1)
		o += "," + strings.NewReplacer(fmt.Sprintf("o%d", i), fmt.Sprintf("w%d", i), "8302-2", "29463-7", "height", "weight", "cm", "kg").Replace(o)
		all = append(all, p, o)
		singles = append(singles, strings.Join([]string{clinic, p, o}, ","))
	}
	wrap := func(entries string) string {
		return `{"resourceType":"Bundle","type":"searchset","timestamp":"2026-03-01T10:00:00Z","entry":[` + entries + "]}"
	}
	whole := strings.Replace(wrap(strings.Join(all, ",")+","+clinic+`,{"search":{"mode":"outcome"}}`), `"entry"`, `"id":"b","identifier":{"system":"urn:oid:2.999.3","value":"B"},"total":12,"link":[{"relation":"self","url":"https://a.example/fhir/Patient"}],"entry"`, 1)
	_, _, leaves := written(t, "fhir", "fhir", whole, 1)
	place := regexp.MustCompile(`^Bundle\.(entry\[(\d+)\]\.(resource|search)\.|id$|identifier\.|type$|timestamp$|total$|link\[)`)
	for _, to := range []string{"hl7v2", "ccda"} {
		t.Run(to, func(t *testing.T) {
			records, told, totals := written(t, "fhir", to, whole, 1)
			if len(records) != n || totals.Values != leaves.Values {
				t.Fatalf("%d records, %d values of %d", len(records), totals.Values, leaves.Values)
			}
			once := map[string]bool{}
			for _, l := range told {
				if !place.MatchString(l.At) || once[l.At] || strings.Contains(l.At, "Device)[1]") {
					t.Errorf("%s: %s", l.At, l.Why)
				}
				once[l.At] = true
			}
			again, toldAgain, _ := written(t, "fhir", to, whole, 8)
			if !slices.Equal(records, again) || !slices.Equal(told, toldAgain) {
				t.Error("with eight jobs it is not the same")
			}
			for i, r := range records {
				single, _, _ := written(t, "fhir", to, wrap(singles[i]), 1)
				if to == "ccda" { // its id is made of the bundle's, or of its patient's
					r = regexp.MustCompile(`<id root="[^"]*"/>`).ReplaceAllString(r, "")
					single[0] = regexp.MustCompile(`<id root="[^"]*"/>`).ReplaceAllString(single[0], "")
				}
				if r != single[0] {
					t.Errorf("record %d:\n%s\nof a bundle of one:\n%s", i+1, r, single[0])
				}
				back, _, _ := written(t, to, "fhir", records[i], 1)
				out, _, _ := written(t, "fhir", to, back[0], 1)
				if out[0] != records[i] {
					t.Errorf("record %d comes back as\n%s\nof\n%s", i+1, out[0], records[i])
				}
			}
		})
	}
}

// TestEventOfSeveralPatients: what is told of two patients as one event comes back as one message, in a bundle of its own type or of another.
func TestEventOfSeveralPatients(t *testing.T) {
	const swap = "MSH|^~\\&|WARD|HILL|LAB|HILL|20260301100000+0000||ADT^A17^ADT_A17|7|P|2.5.1\rEVN|A17|20260301100000+0000\r" +
		"PID|1||901^^^&2.999.4&ISO||Marrow^Tess\rPV1|1|I|W^1^1\rPID|2||902^^^&2.999.4&ISO||Hollis^Ivo\rPV1|2|I|W^1^2\r"
	const merge = "MSH|^~\\&|WARD|HILL|LAB|HILL|20260301100000+0000||ADT^A40^ADT_A39|8|P|2.5.1\rEVN|A40|20260301100000+0000\r" +
		"PID|1||901^^^&2.999.4&ISO||Marrow^Tess\rMRG|902^^^&2.999.4&ISO\r"
	for _, text := range []string{swap, merge} {
		bundle, _, _ := written(t, "hl7v2", "fhir", text, 1)
		for _, typ := range []string{"message", "collection", "transaction"} {
			back, _, _ := written(t, "fhir", "hl7v2", strings.Replace(bundle[0], `"type":"message"`, `"type":"`+typ+`"`, 1), 1)
			if len(back) != 1 || back[0] != text {
				t.Errorf("%s: %q, want %q", typ, back, text)
			}
		}
	}
}

// TestFaultsInBundleOfSeveralPatients: what cannot be read of a bundle, of a resource that several have, of one's own and of an entry is left out, and
// each value is in the ledger once, whether the bundle stays one or becomes a record for each patient.
func TestFaultsInBundleOfSeveralPatients(t *testing.T) {
	const text = `{"resourceType":"Bundle","type":"searchset","timestamp":"last week","total":3,"entry":[
{"resource":{"resourceType":"Organization","id":"g","name":"Maple Street Clinic","alias":[7],"telecom":[{"system":"pager number","value":"555"}]},"search":{"mode":"among others"}},
{"resource":{"resourceType":"Patient","id":"p1","name":[{"family":"Marrow"}],"birthDate":"spring","managingOrganization":{"reference":"Organization/g"}}},
{"resource":{"resourceType":"Patient","id":"p2","name":[{"family":"Hollis"}],"managingOrganization":{"reference":"Organization/g"}}},
{"resource":{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Weight"},"subject":{"reference":"Patient/p2"},"issued":"noon","valueString":"70 kg"}},
{"resource":{"resourceType":"Observation","id":"x","status":"whatever","code":{"text":"Height"},"subject":{"reference":"Patient/p1"},"valueString":"170 cm"}},
{"resource":{"resourceType":"Unheard","of":"it"}}]}`
	sorted := func(told []convert.Line) (list []string) {
		for _, l := range told {
			list = append(list, l.At)
		}
		slices.Sort(list)
		return list
	}
	_, toldWhole, leaves := written(t, "fhir", "fhir", text, 1)
	lost := sorted(toldWhole)
	for _, at := range []string{"Bundle.timestamp", "Bundle.entry[0].resource.alias[0]", "Bundle.entry[1].resource.birthDate",
		"Bundle.entry[3].resource.issued", "Bundle.entry[4].resource.status", "Bundle.entry[4].resource.value.ofType(string)"} {
		if !slices.Contains(lost, at) {
			t.Errorf("%s is not in the ledger: %q", at, lost)
		}
	}
	for _, to := range []string{"hl7v2", "ccda"} {
		for _, jobs := range []int{1, 8} {
			records, told, totals := written(t, "fhir", to, text, jobs)
			if len(records) != 2 || totals.Values != leaves.Values || totals.Invalid != leaves.Invalid || leaves.Invalid == 0 {
				t.Fatalf("%s: %d records, %d values, %d invalid; of the bundle %d, %d\n%q", to, len(records), totals.Values, totals.Invalid, leaves.Values, leaves.Invalid, sorted(told))
			}
			places := sorted(told)
			if twice := slices.Compact(slices.Clone(places)); len(twice) != len(places) {
				t.Errorf("%s: a value is told twice: %q", to, places)
			}
			for _, at := range lost {
				if !slices.Contains(places, at) {
					t.Errorf("%s: %s is not in the ledger", to, at)
				}
			}
			if strings.Contains(records[0], "Weight") || !strings.Contains(records[1], "70 kg") || strings.Contains(records[0]+records[1], "170 cm") {
				t.Errorf("%s:\n%s", to, strings.Join(records, "\n"))
			}
		}
	}
}
