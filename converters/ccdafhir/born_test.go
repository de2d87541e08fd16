package ccdafhir_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/converters/ccdafhir"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
)

// through converts one source and gives its records; rejected ones are faults of the test.
func through(t testing.TB, from, to, document string, b []byte) [][]byte {
	t.Helper()
	var out [][]byte
	for _, r := range results(t, from, to, document, b) {
		var whole []byte
		for _, p := range r.Parts {
			whole = append(whole, p.Data...)
		}
		out = append(out, whole)
	}
	return out
}

// results is through with the ledger and the findings of each record.
func results(t testing.TB, from, to, document string, b []byte) (out []*convert.Result) {
	t.Helper()
	out = outcomes(t, from, to, document, b)
	for _, r := range out {
		if r.Rejected != nil {
			t.Errorf("rejected: %v", r.Rejected)
		}
	}
	return out
}

// outcomes are results, of which any may be a reject.
func outcomes(t testing.TB, from, to, document string, b []byte) (out []*convert.Result) {
	t.Helper()
	return outcomesBy(t, &convert.Options{From: from, To: to, Document: document}, b)
}

// outcomesBy is outcomes with other options.
func outcomesBy(t testing.TB, o *convert.Options, b []byte) (out []*convert.Result) {
	t.Helper()
	o.Jobs, o.LedgerFull = 1, true
	formats, err := converters.Formats(nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := formats.Named(o.From)
	if err != nil {
		t.Fatal(err)
	}
	g, err := formats.Named(o.To)
	if err != nil {
		t.Fatal(err)
	}
	err = convert.Run(context.Background(), f, g, bytes.NewReader(b), "test", o, func(r *convert.Result) error {
		keep := *r
		keep.Parts = slices.Clone(r.Parts)
		for i := range keep.Parts {
			keep.Parts[i].Data = bytes.Clone(keep.Parts[i].Data)
		}
		out = append(out, &keep)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func synthea(t testing.TB) []string {
	files, err := filepath.Glob(filepath.Join(testshared.Dir(t), "corpus", "fhir", "synthea", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no bundles: %v", err)
	}
	return files
}

// validXSD judges a document by the official schema.
func validXSD(t *testing.T, name string, doc []byte) {
	t.Helper()
	xsd := filepath.Join(testshared.Dir(t), "referee", "ccda", "xsd", "infrastructure", "cda", "CDA_SDTC.xsd")
	cmd := exec.Command("xmllint", "--nonet", "--huge", "--noout", "--schema", xsd, "-")
	cmd.Stdin = bytes.NewReader(doc)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %s", name, out[:min(len(out), 600)])
	}
}

func wantXMLLint(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("xmllint is not here")
	}
}

// said are the codes of the resources of a kind, each with its first date of day precision: what must come back.
var said = map[string]struct{ code, date string }{
	"Condition": {"code", "onsetDateTime"}, "AllergyIntolerance": {"code", "onsetDateTime"}, "MedicationRequest": {"medicationCodeableConcept", "authoredOn"},
	"Immunization": {"vaccineCode", "occurrenceDateTime"}, "Procedure": {"code", "performedPeriod"}, "Observation": {"code", "effectiveDateTime"},
}

// TestBornContent converts bundles to documents, and the documents to FHIR again: every code of a statement, every date of it and every
// value that was measured is there again.
func TestBornContent(t *testing.T) {
	for _, file := range synthea(t) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		docs := through(t, "fhir", "ccda", "", b)
		if len(docs) != 1 {
			t.Fatalf("%s: %d documents", filepath.Base(file), len(docs))
		}
		again := through(t, "ccda", "fhir", "", docs[0])
		if len(again) != 1 {
			t.Fatalf("%s: %d bundles", filepath.Base(file), len(again))
		}
		text := string(again[0])
		var bundle struct {
			Entry []struct{ Resource map[string]any }
		}
		if err := json.Unmarshal(b, &bundle); err != nil {
			t.Fatal(err)
		}
		missing, all := 0, 0
		want := func(s string) {
			if all++; !strings.Contains(text, s) {
				if missing++; missing < 5 {
					t.Errorf("%s: %s did not come back", filepath.Base(file), s)
				}
			}
		}
		for _, e := range bundle.Entry {
			r := e.Resource
			x, ok := said[r["resourceType"].(string)]
			if !ok {
				continue
			}
			if r["component"] != nil && r["category"] != nil && strings.Contains(string(mustJSON(t, r["category"])), "vital-signs") {
				x.code = "" // of a panel of vital signs the measurements stand side by side, without its own code
			}
			concept, _ := r[x.code].(map[string]any)
			codings, _ := concept["coding"].([]any)
			for _, c := range codings {
				want(`"code":"` + c.(map[string]any)["code"].(string) + `"`)
			}
			switch d := r[x.date].(type) {
			case string:
				want(`"` + d[:10])
			case map[string]any:
				want(`"` + d["start"].(string)[:10])
			}
			values := []any{r["valueQuantity"]}
			components, _ := r["component"].([]any)
			for _, c := range components {
				values = append(values, c.(map[string]any)["valueQuantity"])
			}
			for _, v := range values {
				if q, ok := v.(map[string]any); ok {
					want(`"value":` + string(mustJSON(t, q["value"])))
				}
			}
		}
		if all < 50 {
			t.Errorf("%s: only %d things were looked for", filepath.Base(file), all)
		}
		if missing > 0 {
			t.Errorf("%s: %d of %d did not come back", filepath.Base(file), missing, all)
		}
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBornIsValid judges documents of every type, and of every official example, by the schema of CDA.
func TestBornIsValid(t *testing.T) {
	wantXMLLint(t)
	smallest := synthea(t)[0]
	b, err := os.ReadFile(smallest)
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := os.ReadFile(filepath.Join("testdata", "born.json")) // a resource of each kind that a section takes
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range ccdafhir.Documents() {
		for _, doc := range slices.Concat(through(t, "fhir", "ccda", kind, b), through(t, "fhir", "ccda", kind, kinds)) {
			validXSD(t, kind, doc)
		}
	}
	for _, file := range synthea(t) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range through(t, "fhir", "ccda", "", b) {
			validXSD(t, filepath.Base(file), doc)
		}
	}
	examples, err := filepath.Glob(filepath.Join(testshared.Dir(t), "corpus", "fhir", "examples", "*.json"))
	if err != nil || len(examples) < 100 {
		t.Fatalf("%d examples: %v", len(examples), err)
	}
	for _, file := range examples {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range outcomes(t, "fhir", "ccda", "", withPatient(t, b)) {
			if r.Rejected != nil {
				if i == 0 || r.Rejected.ID != "CP-CDA-103" { // what no patient of several reaches is a record about nobody
					t.Errorf("%s: rejected: %v", filepath.Base(file), r.Rejected)
				}
				continue
			}
			var whole []byte
			for _, p := range r.Parts {
				whole = append(whole, p.Data...)
			}
			validXSD(t, filepath.Base(file), whole)
		}
	}
}

// withPatient gives an example that is about nobody a patient: of a record without one no document is made.
func withPatient(t *testing.T, b []byte) []byte {
	t.Helper()
	if bytes.Contains(b, []byte(`"resourceType": "Patient"`)) {
		return b
	}
	var example map[string]any
	if err := json.Unmarshal(b, &example); err != nil {
		t.Fatal(err)
	}
	entry := func(resource any) map[string]any { return map[string]any{"resource": resource} }
	list := []any{entry(map[string]any{"resourceType": "Patient", "id": "added-here"})}
	if example["resourceType"] == "Bundle" {
		entries, _ := example["entry"].([]any)
		for _, e := range entries {
			object, _ := e.(map[string]any)
			if object["resource"] != nil {
				list = append(list, entry(object["resource"]))
			}
		}
	} else {
		list = append(list, entry(example))
	}
	bundle, err := json.Marshal(map[string]any{"resourceType": "Bundle", "type": "collection", "entry": list})
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

const bornBundle = `{"resourceType":"Bundle","type":"collection","timestamp":"2026-03-04T10:00:00Z","entry":[
{"fullUrl":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c0001","resource":{"resourceType":"Patient","id":"5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c0001","name":[{"family":"Testperson","given":["Fern"]}],
"gender":"female","birthDate":"1980-02-03","contact":[{"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0131","code":"C"}]}],"name":{"text":"Rowan Testperson"}}]}},
{"resource":{"resourceType":"AllergyIntolerance","id":"a1","patient":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c0001"},"code":{"coding":[{"system":"http://snomed.info/sct","code":"716186003"}]}}},
{"resource":{"resourceType":"Condition","id":"c1","subject":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c0001"},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"refuted"}]},"code":{"coding":[{"system":"http://snomed.info/sct","code":"38341003"}]}}},
{"resource":{"resourceType":"Condition","id":"c2","subject":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c0001"},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"entered-in-error"}]},"code":{"coding":[{"system":"http://snomed.info/sct","code":"73211009"}]}}},
{"resource":{"resourceType":"Immunization","id":"i1","status":"not-done","statusReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"PATOBJ"}]},"vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"207"}]},"patient":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c0001"},"occurrenceDateTime":"2026-01-02"}},
{"resource":{"resourceType":"MedicationRequest","id":"m1","status":"active","intent":"order","doNotPerform":true,"medicationCodeableConcept":{"text":"Aspirin"},"subject":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c0001"},
"dosageInstruction":[{"timing":{"repeat":{"frequency":3,"period":1,"periodUnit":"d"}}}]}},
{"resource":{"resourceType":"Procedure","id":"p1","status":"not-done","code":{"text":"Colonoscopy"},"subject":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c0001"}}},
{"resource":{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2339-0"}]},"subject":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c0001"},
"valueQuantity":{"value":5,"comparator":"<","unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}}},
{"resource":{"resourceType":"Observation","id":"o2","status":"preliminary","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},
"subject":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c0001"},"valueQuantity":{"value":61}}}
]}`

// TestBornMeaning: what is denied, refused or uncertain stays so, and what was entered in error is not there.
func TestBornMeaning(t *testing.T) {
	docs := through(t, "fhir", "ccda", "", []byte(bornBundle))
	if len(docs) != 1 {
		t.Fatalf("%d documents", len(docs))
	}
	doc := regexp.MustCompile(`>\s+<`).ReplaceAllString(string(docs[0]), "><")
	for _, want := range []string{
		`<effectiveTime value="20260304100000+0000"/>`,
		`<id root="5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c0001"/>`,
		`<participant typeCode="IND"><associatedEntity classCode="ECON">`,
		`<code nullFlavor="NA"/>`, // the substance of "no known allergies", which is negated
		`<period value="8" unit="h"/>`,
		`inclusive="false"`,
		`<templateId root="2.16.840.1.113883.10.20.22.4.4" extension="2015-08-01"/>`,
		`<reference value="#problems-1"/>`, `<tr ID="problems-1">`,
	} {
		if !strings.Contains(doc, want) {
			t.Errorf("it does not hold %s", want)
		}
	}
	if n := strings.Count(doc, `negationInd="true"`); n != 5 {
		t.Errorf("%d statements are negated, want 5", n)
	}
	if strings.Contains(doc, "73211009") {
		t.Error("what was entered in error is there")
	}
	if strings.Contains(doc, "guardian") {
		t.Error("a contact became a guardian")
	}
	vitals := doc[strings.Index(doc, `code="8716-3"`):]
	if strings.Contains(vitals[:strings.Index(vitals, "</section>")], "8867-4") {
		t.Error("a preliminary measurement stands among those that are complete")
	}
	again := through(t, "fhir", "ccda", "", []byte(bornBundle))
	if !slices.Equal(docs[0], again[0]) {
		t.Error("the same record made another document")
	}
}

const bornMessage = "MSH|^~\\&|LAB|NORTH|EHR|CLINIC|20260301101500-0500||ORU^R01^ORU_R01|7|P|2.5.1\r" +
	"PID|1||4711^^^NORTH^MR||Testperson^Fern||19800203|F\r" +
	"OBR|1|A1|B1|24323-8^Panel^LN|||20260301080000-0500|||||||||||||||20260301100000-0500|||F\r" +
	"OBX|1|NM|2345-7^Glucose^LN||97|mg/dL^^UCUM|70-99|N|||F|||20260301080000-0500\r"

// TestThroughTheHub converts a message to a document, and a document to a message.
func TestThroughTheHub(t *testing.T) {
	docs := through(t, "hl7v2", "ccda", "", []byte(bornMessage))
	if len(docs) != 1 {
		t.Fatalf("%d documents", len(docs))
	}
	for _, want := range []string{`code="2345-7"`, `value="97"`, `unit="mg/dL"`, "Testperson", `value="20260301080000-0500"`, `extension="4711"`} {
		if !bytes.Contains(docs[0], []byte(want)) {
			t.Errorf("the document does not hold %s", want)
		}
	}
	messages := through(t, "ccda", "hl7v2", "", docs[0])
	if len(messages) == 0 {
		t.Fatal("no message")
	}
	for _, want := range []string{"PID|", "Testperson^Fern", "OBX|1|NM|2345-7", "|97|"} {
		if !bytes.Contains(messages[0], []byte(want)) {
			t.Errorf("the message does not hold %s:\n%s", want, messages[0])
		}
	}
}

// oneSection is a document of one section.
func oneSection(template, code, entry string) string {
	before, _, _ := strings.Cut(allergyDocument, "<component><structuredBody>")
	return before + `<component><structuredBody><component><section><templateId root="` + template + `"/><code code="` + code +
		`" codeSystem="2.16.840.1.113883.6.1"/><title>Section</title><text>Nothing</text><entry>` + entry + `</entry></section></component></structuredBody></component></ClinicalDocument>`
}

var problemDocument = oneSection("2.16.840.1.113883.10.20.22.2.5.1", "11450-4", `<act classCode="ACT" moodCode="EVN">
<templateId root="2.16.840.1.113883.10.20.22.4.3" extension="2015-08-01"/><id root="1.2.3.5"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/>
<statusCode code="active"/><effectiveTime><low value="20200101"/></effectiveTime><entryRelationship typeCode="SUBJ">
<observation classCode="OBS" moodCode="EVN" negationInd="true"><templateId root="2.16.840.1.113883.10.20.22.4.4" extension="2015-08-01"/>
<id root="1.2.3.6" extension="statement"/><code code="64572001" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/>
<effectiveTime><low value="20200101"/></effectiveTime>
<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" code="55607006" codeSystem="2.16.840.1.113883.6.96" displayName="Problem">
<originalText><reference value="#none"/></originalText></value></observation></entryRelationship></act>`)

var medicationDocument = oneSection("2.16.840.1.113883.10.20.22.2.1.1", "10160-0", `<substanceAdministration classCode="SBADM" moodCode="EVN" negationInd="true">
<templateId root="2.16.840.1.113883.10.20.22.4.16" extension="2014-06-09"/><id root="1.2.3.6" extension="statement"/><statusCode code="active"/>
<effectiveTime xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="IVL_TS" nullFlavor="NA"/><doseQuantity nullFlavor="NA"/>
<consumable><manufacturedProduct classCode="MANU"><templateId root="2.16.840.1.113883.10.20.22.4.23" extension="2014-06-09"/><manufacturedMaterial>
<code nullFlavor="OTH" codeSystem="2.16.840.1.113883.6.88"><translation code="410942007" codeSystem="2.16.840.1.113883.6.96" displayName="drug or medication"/></code>
</manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`)

const allergyDocument = `<ClinicalDocument xmlns="urn:hl7-org:v3"><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="2.16.840.1.113883.10.20.22.1.2" extension="2015-08-01"/><id root="1.2.3.4" extension="9"/>
<code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><effectiveTime value="20260304100000-0500"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/><recordTarget><patientRole><id root="1.2.3" extension="7"/>
<patient><name><given>Fern</given><family>Testperson</family></name></patient></patientRole></recordTarget>
<component><structuredBody><component><section><templateId root="2.16.840.1.113883.10.20.22.2.6.1" extension="2015-08-01"/>
<code code="48765-2" codeSystem="2.16.840.1.113883.6.1"/><title>Allergies</title><text>None of a drug</text>
<entry><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.30" extension="2015-08-01"/><id root="1.2.3.5"/>
<code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/><effectiveTime><low value="20200101"/></effectiveTime>
<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN" negationInd="true">
<templateId root="2.16.840.1.113883.10.20.22.4.7" extension="2014-06-09"/><id root="1.2.3.6" extension="statement"/>
<code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/><statusCode code="completed"/><effectiveTime><low value="20200101"/></effectiveTime>
<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" code="416098002" codeSystem="2.16.840.1.113883.6.96"/>
</observation></entryRelationship></act></entry></section></component></structuredBody></component></ClinicalDocument>`

// TestEdited: what FHIR repeats of a statement is not written a second time while it still says the same; what somebody has changed is
// written, and the rest of the statement with it.
func TestEdited(t *testing.T) {
	allergy := through(t, "ccda", "fhir", "", []byte(allergyDocument))[0]
	problem := through(t, "ccda", "fhir", "", []byte(problemDocument))[0]
	medication := through(t, "ccda", "fhir", "", []byte(medicationDocument))[0]
	for _, tt := range []struct {
		name          string
		bundle        []byte
		from, to      string
		want, wantNot string
		unwritten     bool // a leaf that the ledger names
	}{
		{"none of a drug", allergy, "", "", `negationInd="true"`, `409137002`, false},
		{"an allergy's status", allergy, `"code":"active"`, `"code":"resolved"`, `code="413322009"`, `55561003`, false},
		{"an allergy in place of none", allergy, `"code":"409137002","display":"No known drug allergy"`, `"code":"387207008","display":"Ibuprofen"`,
			`<code code="387207008"`, `negationInd="true"`, true},
		{"no problem", problem, "", "", `negationInd="true"`, `160245001`, false},
		{"a problem's status", problem, `"code":"active"`, `"code":"inactive"`, `code="73425007"`, `"55561003"`, false},
		{"a problem in place of none", problem, `"code":"160245001","display":"No current problems or disability"`, `"code":"195967001","display":"Asthma"`,
			`code="195967001"`, `negationInd="true"`, true},
		{"no drug", medication, "", "", `negationInd="true"`, `787481004`, false},
		{"a drug in place of none", medication, `"code":"787481004","display":"No known medications"`, `"code":"387458008","display":"Aspirin"`,
			`code="387458008"`, `negationInd="true"`, true},
	} {
		edited := bytes.Replace(tt.bundle, []byte(tt.from), []byte(tt.to), 1)
		if tt.from != "" && bytes.Equal(edited, tt.bundle) {
			t.Errorf("%s: the bundle holds no %s:\n%s", tt.name, tt.from, tt.bundle)
			continue
		}
		r := results(t, "fhir", "ccda", "", edited)[0]
		doc := string(r.Parts[0].Data)
		if !strings.Contains(doc, tt.want) || strings.Contains(doc, tt.wantNot) {
			t.Errorf("%s: it should hold %s and not %s:\n%s", tt.name, tt.want, tt.wantNot, doc[strings.Index(doc, "<entry"):])
		}
		if !strings.Contains(doc, `extension="statement"`) {
			t.Errorf("%s: the statement is gone", tt.name)
		}
		missed := len(r.Entry.Unmapped)+len(r.Entry.Declined) > 0
		if missed != tt.unwritten {
			t.Errorf("%s: the ledger misses something: %t, want %t: %v %v", tt.name, missed, tt.unwritten, r.Entry.Unmapped, r.Entry.Declined)
		}
	}
}

// TestNoInstant: a document that does not say its time to the second, with its offset, is a collection, and the tool says so.
func TestNoInstant(t *testing.T) {
	for when, want := range map[string]bool{"20260304100000-0500": false, "20260304100000": true, "20260304": true} {
		doc := strings.Replace(allergyDocument, "20260304100000-0500", when, 1)
		for _, r := range results(t, "ccda", "fhir", "", []byte(doc)) {
			said := slices.ContainsFunc(r.Findings, func(f *diag.Finding) bool { return f.ID == convert.NoInstant })
			if said != want || bytes.Contains(r.Parts[0].Data, []byte(`"type":"collection"`)) != want {
				t.Errorf("%s: a finding: %t, want %t; %.80s", when, said, want, r.Parts[0].Data)
			}
		}
	}
}

// TestDayOfDocument: the time of a document says a day, whatever its latest statement says.
func TestDayOfDocument(t *testing.T) {
	for when, want := range map[string]string{"2023": "20231231", "2024-02": "20240229", "2024-04": "20240430", "2024-04-03": "20240403"} {
		b := `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","name":[{"family":"Testperson"}]}},
{"resource":{"resourceType":"Condition","subject":{"reference":"urn:uuid:1"},"code":{"text":"Hay fever"},"recordedDate":"` + when + `"}}]}`
		doc := string(through(t, "fhir", "ccda", "ccd", []byte(b))[0])
		if head, _, _ := strings.Cut(doc, "<recordTarget"); !strings.Contains(head, `<effectiveTime value="`+want+`"`) {
			t.Errorf("%s: %s", when, head[max(0, len(head)-300):])
		}
	}
}
