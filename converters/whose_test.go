package converters_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
)

// about are a patient, what the given resources say, and a group, a place and a device, as entries of one bundle.
func about(resources ...string) string {
	all := append([]string{
		`{"resourceType":"Patient","id":"a","identifier":[{"system":"urn:oid:2.999.2","value":"77"}],"name":[{"family":"Ashgrove"}]}`,
		`{"resourceType":"Group","id":"g","type":"person","actual":true}`, `{"resourceType":"Location","id":"l","name":"Well"}`,
		`{"resourceType":"Device","id":"d","deviceName":[{"name":"Pump","type":"model-name"}]}`}, resources...)
	var entries []string
	for _, r := range all {
		typ := strings.Split(r, `"`)[3]
		id := strings.Split(r, `"`)[7]
		entries = append(entries, fmt.Sprintf(`{"fullUrl":"https://a.example/fhir/%s/%s","resource":%s}`, typ, id, r))
	}
	return `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Join(entries, ",") + "]}"
}

// TestWhoseResult: a result stands in the patient's messages and documents if it leads to him, and in none if it leads to anybody else, or to nobody
// who is here (law 3). The ledger says so of all its values.
func TestWhoseResult(t *testing.T) {
	for _, c := range []struct {
		subject string
		his     bool
	}{
		{`"subject":{"reference":"Patient/a"}`, true},
		{`"subject":{"reference":"Patient/a/_history/2"}`, true},
		{`"subject":{"reference":"https://a.example/fhir/Patient/a/_history/2"}`, true},
		{`"subject":{"identifier":{"system":"urn:oid:2.999.2","value":"77"}}`, true},
		{`"subject":{"type":"Patient","identifier":{"system":"urn:oid:2.999.2","value":"77"}}`, true},
		{`"subject":{"reference":"Patient?identifier=urn:oid:2.999.2|77"}`, true},
		{`"identifier":[{"system":"urn:oid:2.999.2","value":"77"}],"subject":{"identifier":{"system":"urn:oid:2.999.2","value":"77"}}`, true}, // the result has the same number
		{`"subject":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:oid:2.999.2","value":"77"}]}]`, true},
		{`"subject":{"reference":"Patient/a"},"focus":[{"reference":"Specimen/s"}]`, true},
		{`"subject":{"reference":"Patient/b"}`, false},
		{`"subject":{"reference":"https://b.example/fhir/Patient/a"}`, false},
		{`"subject":{"reference":"urn:uuid:0b4ae1a2-0000-4000-8000-000000000009"}`, false},
		{`"subject":{"identifier":{"system":"urn:oid:2.999.2","value":"78"}}`, false},
		{`"subject":{"identifier":{"value":"77"}}`, false},
		{`"subject":{"reference":"Patient?identifier=urn:oid:2.999.2|78"}`, false},
		{`"subject":{"display":"Bellflower"}`, false},
		{`"subject":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p","name":[{"family":"Bellflower"}]}]`, false},
		{`"subject":{"reference":"Group/g"}`, false},
		{`"subject":{"reference":"Group/h"}`, false},
		{`"subject":{"reference":"Location/l"}`, false},
		{`"subject":{"reference":"Device/d"}`, false},
		{`"subject":{"reference":"Patient/a"},"focus":[{"reference":"RelatedPerson/r"}]`, false},
		{`"subject":{"reference":"Patient/a"},"focus":[{"reference":"https://a.example/fhir/Patient/b"}]`, false},
		{`"subject":{"reference":"Patient/a"},"focus":[{"reference":"Group/g"}]`, false},
	} {
		text := about(`{"resourceType":"Observation","id":"o","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],` +
			`"code":{"text":"Lead in blood"},"valueString":"QUITEALOT","effectiveDateTime":"2031-02-03",` + c.subject + `}`)
		for _, to := range []string{"hl7v2", "ccda"} {
			records, told, _ := written(t, "fhir", to, text, 1)
			copied := to == "hl7v2" && strings.Contains(c.subject, "contained") // a message has no link to a copy
			if his := strings.Contains(records[0], "QUITEALOT"); his != (c.his && !copied) {
				t.Errorf("%s, %s: it is there: %v", to, c.subject, his)
			}
			said := slices.ContainsFunc(told, func(l convert.Line) bool {
				return strings.Contains(l.At, "Observation") && strings.HasSuffix(l.At, "value.ofType(string)") && l.Why == convert.OfAnother
			})
			if said == c.his {
				t.Errorf("%s, %s: the ledger says that it is another's: %v", to, c.subject, said)
			}
		}
	}
}

// TestWhoseStatement: the same of all kinds of statements, and of what leads to them.
func TestWhoseStatement(t *testing.T) {
	for _, list := range []string{
		`{"resourceType":"Condition","id":"x","code":{"text":"NOTHIS"},"subject":WHO}`,
		`{"resourceType":"AllergyIntolerance","id":"x","code":{"text":"NOTHIS"},"patient":WHO}`,
		`{"resourceType":"Immunization","id":"x","status":"completed","vaccineCode":{"text":"NOTHIS"},"patient":WHO,"occurrenceDateTime":"2031-02-03"}`,
		`{"resourceType":"Procedure","id":"x","status":"completed","code":{"text":"NOTHIS"},"subject":WHO,"performedDateTime":"2031-02-03"}`,
		`{"resourceType":"MedicationRequest","id":"x","status":"active","intent":"order","medicationCodeableConcept":{"text":"NOTHIS"},"subject":WHO}`,
		`{"resourceType":"Encounter","id":"x","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"type":[{"text":"NOTHIS"}],"subject":WHO,"identifier":[{"system":"urn:oid:2.999.5","value":"NOTHIS"}]}`,
		`{"resourceType":"Goal","id":"x","lifecycleStatus":"active","description":{"text":"NOTHIS"},"subject":WHO}`,
		`{"resourceType":"CarePlan","id":"x","status":"active","intent":"plan","title":"NOTHIS","category":[{"text":"NOTHIS"}],"subject":WHO,"activity":[{"detail":{"status":"scheduled","code":{"text":"NOTHIS"}}}]}`,
		`{"resourceType":"Coverage","id":"x","status":"active","beneficiary":WHO,"subscriberId":"NOTHIS","payor":[{"display":"NOTHIS"}]}`,
		`{"resourceType":"DocumentReference","id":"x","status":"current","subject":WHO,"type":{"text":"NOTHIS"},"content":[{"attachment":{"contentType":"text/plain","data":"TkVWRVI="}}]}`,
		`{"resourceType":"FamilyMemberHistory","id":"x","status":"completed","patient":WHO,"relationship":{"text":"NOTHIS"},"condition":[{"code":{"text":"NOTHIS"}}]}`,
		`{"resourceType":"RelatedPerson","id":"x","patient":WHO,"name":[{"family":"NOTHIS"}]}`,
		`{"resourceType":"CareTeam","id":"x","status":"active","subject":WHO,"name":"NOTHIS","participant":[{"member":{"reference":"Practitioner/q"}}]}` + "\n" + `{"resourceType":"Practitioner","id":"q","name":[{"family":"Teamdoctor"}]}`,
		`{"resourceType":"Composition","id":"x","status":"final","type":{"text":"NOTHIS"},"subject":WHO,"date":"2031-02-03","title":"NOTHIS","author":[{"display":"Nobody"}],"section":[{"title":"NOTHIS","text":{"status":"additional","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">NOTHIS</div>"}}]}`,
		`{"resourceType":"Observation","id":"x","status":"final","code":{"text":"NOTHIS"},"subject":WHO,"effectiveDateTime":"2031-02-03","valueString":"NOTHIS"}` + "\n" +
			`{"resourceType":"DiagnosticReport","id":"y","status":"final","code":{"text":"Panel"},"subject":{"reference":"Patient/a"},"result":[{"reference":"Observation/x"}],"effectiveDateTime":"2031-02-03"}`,
		`{"resourceType":"Condition","id":"x","code":{"text":"NOTHIS"},"subject":WHO}` + "\n" +
			`{"resourceType":"Procedure","id":"y","status":"completed","code":{"text":"Walk"},"subject":{"reference":"Patient/a"},"reasonReference":[{"reference":"Condition/x"}],"performedDateTime":"2031-02-03"}`,
	} {
		kind := strings.Split(list, `"`)[3]
		for _, to := range []string{"hl7v2", "ccda"} {
			there := func(who string) bool {
				records, _, _ := written(t, "fhir", to, about(strings.Split(strings.ReplaceAll(list, "WHO", who), "\n")...), 1)
				return strings.Contains(strings.Join(records, ""), "NOTHIS")
			}
			if there(`{"reference":"Patient/gone"}`) {
				t.Errorf("%s: %s of somebody who is not here is the patient's", to, kind)
			}
			if to == "ccda" && kind != "RelatedPerson" && kind != "CareTeam" && !there(`{"reference":"Patient/a"}`) {
				t.Errorf("%s: %s of the patient is not there", to, kind)
			}
		}
	}
}

// TestWhoseWithoutPatient: a record without a Patient is about the one whom it names first.
func TestWhoseWithoutPatient(t *testing.T) {
	one := func(who, what string) string {
		return `{"resource":{"resourceType":"Condition","id":"` + what + `","subject":{"reference":"Patient/` + who + `"},"code":{"text":"` + what + `"}}}`
	}
	records, _, _ := written(t, "fhir", "ccda", `{"resourceType":"Bundle","type":"collection","entry":[`+one("a", "FIRST")+","+one("b", "SECOND")+","+one("a", "THIRD")+"]}", 1)
	for what, his := range map[string]bool{"FIRST": true, "SECOND": false, "THIRD": true} {
		if strings.Contains(records[0], what) != his {
			t.Errorf("%s: it is there: %v", what, !his)
		}
	}
}

// TestWhoseReplaced: what leads to a patient whom the patient replaces is his, and what leads to a number that both have.
func TestWhoseReplaced(t *testing.T) {
	text := about(`{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/old"},"code":{"text":"OLDONE"}}`,
		`{"resourceType":"Condition","id":"n","subject":{"identifier":{"system":"urn:oid:2.999.2","value":"77"}},"code":{"text":"NUMBERED"}}`,
		`{"resourceType":"Patient","id":"old","identifier":[{"system":"urn:oid:2.999.2","value":"77"}],"name":[{"family":"Ashgrove"}],"link":[{"type":"replaced-by","other":{"reference":"Patient/a"}}]}`)
	records, _, _ := written(t, "fhir", "ccda", text, 1)
	for _, want := range []string{"OLDONE", "NUMBERED"} {
		if !strings.Contains(records[0], want) {
			t.Errorf("%s is not there", want)
		}
	}
}
