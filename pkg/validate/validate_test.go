package validate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate"
)

// said are the ids and places of findings but for advice, in their order: "CP-FHIR-101 Patient.name".
func said(list []*diag.Finding) []string {
	var out []string
	for _, f := range list {
		if f.ID != "CP-FHIR-222" {
			out = append(out, string(f.ID)+" "+f.Place.Path)
		}
	}
	return out
}

const (
	div     = `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}`
	patient = `{"resourceType":"Patient","id":"p1",` + div + `,"name":[{"family":"Test"}]}`
	u1, u2  = "urn:uuid:98549f1a-e0d5-4454-849c-f5b97d3ed291", "urn:uuid:98549f1a-e0d5-4454-849c-f5b97d3ed292"
)

// obs is an Observation with a subject and more members.
func obs(subject, more string) string {
	return `{"resourceType":"Observation","id":"o1",` + div + `,"status":"final","code":{"text":"x"},"subject":{"reference":"` + subject + `"}` + more + `}`
}

// entry is an entry of a bundle.
func entry(url, resource, more string) string {
	if url != "" {
		url = `"fullUrl":"` + url + `",`
	}
	return `{` + url + `"resource":` + resource + more + `}`
}

func bundleOf(kind, more string, entries ...string) string {
	return `{"resourceType":"Bundle","type":"` + kind + `"` + more + `,"entry":[` + strings.Join(entries, ",") + `]}`
}

const docHead = `,"identifier":{"system":"http://acme.test/id","value":"1"},"timestamp":"2026-01-01T00:00:00Z"`

func composition(subject, section string) string {
	return `{"resourceType":"Composition","id":"c1",` + div + `,"status":"final","type":{"text":"x"},"subject":{"reference":"` + subject +
		`"},"date":"2026-01-01","author":[{"display":"x"}],"title":"x","section":[{"title":"s",` + div + `,"entry":[{"reference":"` + section + `"}]}]}`
}

const u0 = "urn:uuid:98549f1a-e0d5-4454-849c-f5b97d3ed290"

var cases = []struct {
	name, json string
	want       []string
}{
	{"nothing", obs("Patient/1", ""), nil},
	{"required", `{"resourceType":"Observation",` + div + `,"status":"final"}`, []string{"CP-FHIR-101 Observation"}},
	{"required that could not be read", `{"resourceType":"Observation",` + div + `,"status":"x","code":{"text":"x"}}`, []string{"CP-FHIR-010 Observation.status"}},
	{"required within", obs("Patient/1", `,"component":[{"valueString":"x"}]`), []string{"CP-FHIR-101 Observation.component[0]"}},
	{"unknown element", obs("Patient/1", `,"foo":1`), []string{"CP-FHIR-003 Observation"}},
	{"path of a choice", obs("Patient/1", `,"valueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":"foo"}`),
		[]string{"CP-FHIR-113 Observation.value.ofType(Quantity).code"}},
	{"path of the codec", obs("Patient/1", `,"effectiveDateTime":"x"`), []string{"CP-FHIR-009 Observation.effective.ofType(dateTime)"}},

	{"wrong type by its text", obs("Practitioner/1", ""), []string{"CP-FHIR-105 Observation.subject.reference"}},
	{"Reference.type", obs("Patient/1", `,"performer":[{"type":"Medication","display":"x"}]`), []string{"CP-FHIR-102 Observation.performer[0].type"}},
	{"unknown Reference.type", obs("Patient/1", `,"performer":[{"type":"patient","display":"x"}]`), []string{"CP-FHIR-106 Observation.performer[0].type"}},
	{"no such contained", obs("#x", ""), []string{"CP-FHIR-103 Observation.subject.reference"}},
	{"contained of a wrong type", obs("#p", `,"contained":[{"resourceType":"Practitioner","id":"p"}]`), []string{"CP-FHIR-102 Observation.subject.reference"}},
	{"contained twice", obs("#p", `,"contained":[{"resourceType":"Patient","id":"p"},{"resourceType":"Patient","id":"p"}]`), []string{"CP-FHIR-116 Observation.contained[1]"}},
	{"contained that nothing refers to", obs("#p", `,"contained":[{"resourceType":"Patient","id":"p"},{"resourceType":"Patient","id":"q"}]`),
		[]string{"CP-FHIR-117 Observation.contained[1]"}},
	{"contained is checked", obs("Patient/1", `,"contained":[{"resourceType":"Observation","id":"p","status":"final"}],"derivedFrom":[{"reference":"#p"}]`),
		[]string{"CP-FHIR-101 Observation.contained[0]"}},

	{"attachment", `{"resourceType":"Media",` + div + `,"status":"completed","content":{"contentType":"text/plain","data":"AAAA","size":4,"hash":"AAAA"}}`,
		[]string{"CP-FHIR-108 Media.content.size", "CP-FHIR-109 Media.content.hash"}},
	{"narrative", `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>x</script></div>"}}`,
		[]string{"CP-FHIR-114 Patient.text.div"}},
	{"empty narrative", `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"> </div>"}}`,
		[]string{"CP-FHIR-115 Patient.text.div"}},
	{"link in a narrative", `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"#b\">x</a><p id=\"a\">y</p><a href=\"#a\">z</a></div>"}}`,
		[]string{"CP-FHIR-120 Patient.text.div"}},
	{"identifiers", `{"resourceType":"Patient",` + div + `,"identifier":[{"system":"x","value":"1"},{"system":"urn:oid:1.2.x","value":"1"},{"system":"urn:ietf:rfc:3986","value":"1.2.3"}]}`,
		[]string{"CP-FHIR-110 Patient.identifier[0].system", "CP-FHIR-013 Patient.identifier[1].system", "CP-FHIR-111 Patient.identifier[2].value"}},
	{"canonical", obs("Patient/1", `,"meta":{"profile":["Foo"]}`), []string{"CP-FHIR-107 Observation.meta.profile[0]"}},
	{"search parameter", `{"resourceType":"SearchParameter",` + div + `,"url":"http://acme.test/x","name":"X","status":"draft","description":"x","code":"x","base":["Patient"],"type":"string","expression":"Patient.nam"}`,
		[]string{"CP-FHIR-146 SearchParameter.expression"}},

	{"code without system", obs("Patient/1", `,"method":{"coding":[{"code":"1"}]}`), []string{"CP-FHIR-112 Observation.method.coding[0]"}},
	{"a system of which R4 does not say that case counts", obs("Patient/1", `,"method":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"Dl"}]}`), nil},
	{"a system without a code", obs("Patient/1", `,"method":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category"}]}`),
		[]string{"CP-FHIR-125 Observation.method.coding[0]"}},
	{"data linked to a place of the narrative", strings.Replace(obs("Patient/1", ""), `"div":`, `"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/textLink","extension":[{"url":"htmlid","valueString":"x"}]}],"div":`, 1),
		[]string{"CP-FHIR-120 Observation.text.extension[0]"}},
	{"a blank in a reference", obs("Organization/a b", ""), []string{"CP-FHIR-013 Observation.subject.reference"}},
	{"a short OID", obs("Patient/1", `,"identifier":[{"system":"urn:oid:1.2.3","value":"1"}]`), []string{"CP-FHIR-013 Observation.identifier[0].system"}},
	{"a unit's relative system", obs("Patient/1", `,"valueQuantity":{"value":1,"system":"x","code":"mg"}`), []string{"CP-FHIR-110 Observation.value.ofType(Quantity).system"}},
	{"relative system", obs("Patient/1", `,"method":{"coding":[{"system":"x","code":"1"}]}`), []string{"CP-FHIR-126 Observation.method.coding[0].system"}},
	{"unknown code", obs("Patient/1", `,"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-sign"}]}]`),
		[]string{"CP-FHIR-113 Observation.category[0].coding[0].code"}},
	{"extensible, not in it", obs("Patient/1", `,"dataAbsentReason":{"coding":[{"system":"http://acme.test/cs","code":"A"}]}`), []string{"CP-FHIR-122 Observation.dataAbsentReason"}},
	{"extensible, text", obs("Patient/1", `,"dataAbsentReason":{"text":"x"}`), []string{"CP-FHIR-123 Observation.dataAbsentReason"}},
	{"required, text", `{"resourceType":"AllergyIntolerance",` + div + `,"clinicalStatus":{"text":"active"},"patient":{"reference":"Patient/1"}}`,
		[]string{"CP-FHIR-121 AllergyIntolerance.clinicalStatus"}},
	{"a code that is absent with a reason", `{"resourceType":"Observation",` + div + `,"_status":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]},"code":{"text":"x"}}`,
		[]string{"CP-FHIR-121 Observation.status"}},
	{"required, absent with a reason", `{"resourceType":"AllergyIntolerance",` + div + `,"clinicalStatus":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]},"patient":{"reference":"Patient/1"}}`,
		[]string{"CP-FHIR-121 AllergyIntolerance.clinicalStatus"}},
	{"extensible, absent with a reason", obs("Patient/1", `,"dataAbsentReason":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}`), nil},
	{"invariant", `{"resourceType":"Patient",` + div + `,"contact":[{"gender":"male"}]}`, []string{"CP-FHIR-220 Patient.contact[0]"}},

	{"extension of a wrong type", obs("Patient/1", `,"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueString":"x"}]`),
		[]string{"CP-FHIR-121 Observation.extension[0].value.ofType(string)", "CP-FHIR-203 Observation.extension[0].value.ofType(string)"}},
	{"extension where it may not stand", obs("Patient/1", `,"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueAddress":{"city":"x"}}]`),
		[]string{"CP-FHIR-213 Observation.extension[0]"}},
	{"extension with a relative url", obs("Patient/1", `,"extension":[{"url":"foo","valueString":"x"}]`), []string{"CP-FHIR-118 Observation.extension[0].url"}},
	{"part of an extension that it does not have", `{"resourceType":"Patient",` + div + `,"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-nationality","extension":[{"url":"cod","valueString":"x"}]}]}`,
		[]string{"CP-FHIR-210 Patient.extension[0].extension[0]"}},
	{"unknown modifier", obs("Patient/1", `,"modifierExtension":[{"url":"http://acme.test/x","valueString":"x"}]`), []string{"CP-FHIR-119 Observation.modifierExtension[0]"}},

	{"collection", bundleOf("collection", "", entry(u1, patient, ""), entry(u2, obs(u1, ""), "")), nil},
	{"no fullUrl", bundleOf("collection", "", entry("", patient, ""), entry("", obs("Patient/p1", ""), "")),
		[]string{"CP-FHIR-134 Bundle.entry[1].resource.subject", "CP-FHIR-130 Bundle.entry[0]", "CP-FHIR-130 Bundle.entry[1]"}},
	{"relative fullUrl", bundleOf("collection", "", entry("Patient/p1", patient, "")), []string{"CP-FHIR-131 Bundle.entry[0].fullUrl"}},
	{"fullUrl of another", bundleOf("collection", "", entry("http://acme.test/Patient/p7", patient, "")), []string{"CP-FHIR-132 Bundle.entry[0].fullUrl"}},
	{"fullUrl twice", bundleOf("collection", "", entry(u1, patient, ""), entry(u1, patient, "")), []string{"CP-FHIR-133 Bundle.entry[1].fullUrl"}},
	{"urn that is not there", bundleOf("collection", "", entry(u2, obs(u1, ""), "")), []string{"CP-FHIR-135 Bundle.entry[0].resource.subject"}},
	{"a reference without a type", bundleOf("collection", "", entry(u1, patient, ""), entry(u2, obs("p1", ""), "")), []string{"CP-FHIR-225 Bundle.entry[1].resource.subject"}},
	{"relative beside urn", bundleOf("collection", "", entry(u1, patient, ""), entry(u2, obs("Patient/p1", ""), "")), []string{"CP-FHIR-136 Bundle.entry[1].resource.subject"}},
	{"relative on a server", bundleOf("collection", "", entry("http://acme.test/Patient/p1", patient, ""), entry("http://acme.test/Observation/o1", obs("Patient/p1", ""), "")), nil},
	{"forward", bundleOf("collection", "", entry(u2, obs(u1, ""), ""), entry(u1, patient, "")), nil},
	{"wrong type in the bundle", bundleOf("collection", "", entry(u1, `{"resourceType":"Practitioner","id":"x",`+div+`}`, ""), entry(u2, obs(u1, ""), "")),
		[]string{"CP-FHIR-102 Bundle.entry[1].resource.subject"}},
	{"document", bundleOf("document", docHead, entry(u0, composition(u1, u2), ""), entry(u1, patient, ""), entry(u2, obs(u1, ""), "")), nil},
	{"document without its head", bundleOf("document", "", entry(u1, patient, "")), []string{"CP-FHIR-142 Bundle", "CP-FHIR-142 Bundle", "CP-FHIR-141 Bundle"}},
	{"document: orphan", bundleOf("document", docHead, entry(u0, composition(u1, u1), ""), entry(u1, patient, ""), entry(u2, `{"resourceType":"Practitioner","id":"x",`+div+`}`, "")),
		[]string{"CP-FHIR-139 Bundle.entry[2]"}},
	{"document: section leads nowhere", bundleOf("document", docHead, entry(u0, composition(u1, u2), ""), entry(u1, patient, "")),
		[]string{"CP-FHIR-138 Bundle.entry[0].resource.section[0].entry[0]"}},
	{"document: relative", bundleOf("document", docHead, entry(u0, composition(u1, u2), ""), entry(u1, patient, ""), entry(u2, obs("Patient/p1", ""), "")),
		[]string{"CP-FHIR-137 Bundle.entry[2].resource.subject"}},
	{"transaction without request", bundleOf("transaction", "", entry(u1, patient, "")), []string{"CP-FHIR-142 Bundle.entry[0]"}},
	{"response in a collection", bundleOf("collection", "", entry(u1, patient, `,"response":{"status":"200"}`)), []string{"CP-FHIR-142 Bundle.entry[0].response"}},
	{"search", bundleOf("searchset", `,"total":1,"link":[{"relation":"self","url":"http://acme.test/x"},{"relation":"self","url":"http://acme.test/x"}]`,
		entry("http://acme.test/Patient/p1", patient, `,"search":{"mode":"outcome"}`)), []string{"CP-FHIR-143 Bundle.link[1].relation", "CP-FHIR-144 Bundle.entry[0].resource"}},
	{"total of a collection", bundleOf("collection", `,"total":1`, entry(u1, patient, "")), []string{"CP-FHIR-142 Bundle.total"}},
	{"paging of a collection", bundleOf("collection", `,"link":[{"relation":"next","url":"http://acme.test/x"}]`, entry(u1, patient, "")), []string{"CP-FHIR-143 Bundle.link[0].relation"}},
	{"search without modes", bundleOf("searchset", "", entry("http://acme.test/Patient/p1", patient, "")), []string{"CP-FHIR-145 Bundle"}},
	{"bundle in a bundle", bundleOf("collection", "", entry(u1, bundleOf("collection", "", entry(u1, patient, ""), entry(u1, patient, "")), "")),
		[]string{"CP-FHIR-133 Bundle.entry[0].resource.entry[1].fullUrl"}},
}

// TestCases: each is found where it stands, whether the bundle's type stands before its entries or behind, at each number of jobs.
func TestCases(t *testing.T) {
	one, many := newValidator(t, validate.Options{}), newValidator(t, validate.Options{Jobs: 4})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			list := message(t, one, []byte(c.json))
			if got := said(list); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v\n%v", got, c.want, list)
			}
			if got := message(t, many, []byte(c.json)); fmt.Sprint(got) != fmt.Sprint(list) {
				t.Errorf("with four jobs %v, with one %v", got, list)
			}
			if rest, ok := strings.CutPrefix(c.json, `{"resourceType":"Bundle","type":"`); ok {
				kind, rest, _ := strings.Cut(rest, `"`)
				late := `{"resourceType":"Bundle"` + rest[:len(rest)-1] + `,"type":"` + kind + `"}`
				got := said(message(t, one, []byte(late)))
				slices.Sort(got)
				want := slices.Clone(c.want)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("with the type at the end: got %v, want %v", got, c.want)
				}
			}
		})
	}
}

// TestPlaces: every finding stands at the line and column of what it is about, in JSON that is laid out and in JSON that is not.
func TestPlaces(t *testing.T) {
	text := `{"resourceType":"Patient",` + div + `,
 "contact":[
   {"name":{"family":"x"}},
   {"gender":"male"}],
 "communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"no such language"}]}}]
}`
	got := map[diag.ID]string{}
	for _, f := range message(t, newValidator(t, validate.Options{}), []byte(text)) {
		got[f.ID] = fmt.Sprintf("%d:%d", f.Place.Line, f.Place.Column)
	}
	if got["CP-FHIR-220"] != "4:4" || got["CP-FHIR-113"] != "5:77" {
		t.Errorf("%v", got)
	}
}

// TestNoValues: what a finding says holds nothing of the record (law 9).
func TestNoValues(t *testing.T) {
	v := newValidator(t, validate.Options{})
	for _, c := range cases {
		for _, f := range message(t, v, []byte(strings.ReplaceAll(c.json, `"family":"Test"`, `"family":"SECRET","foo":"SECRET"`))) {
			if strings.Contains(f.Message()+f.Place.Path, "SECRET") {
				t.Errorf("%s: %v", c.name, f)
			}
		}
	}
}

// profileCases are profiles with a record that meets them and one that does not. %s stands for elements of a differential.
var profileCases = []struct {
	name, elements, good, bad, want string
}{
	{"min", `{"id":"Observation.method","path":"Observation.method","min":1}`, `,"method":{"text":"x"}`, ``, "CP-FHIR-201 Observation.method"},
	{"max", `{"id":"Observation.method","path":"Observation.method","max":"0"}`, ``, `,"method":{"text":"x"}`, "CP-FHIR-202 Observation.method"},
	{"fixed", `{"id":"Observation.method.text","path":"Observation.method.text","fixedString":"x"}`, `,"method":{"text":"x"}`, `,"method":{"text":"y"}`, "CP-FHIR-204 Observation.method.text"},
	{"fixed, all of it", `{"id":"Observation.method","path":"Observation.method","fixedCodeableConcept":{"text":"x"}}`, `,"method":{"text":"x"}`, `,"method":{"id":"a","text":"x"}`, "CP-FHIR-204 Observation.method"},
	{"pattern", `{"id":"Observation.method","path":"Observation.method","patternCodeableConcept":{"coding":[{"system":"http://a.test","code":"1"}]}}`,
		`,"method":{"coding":[{"system":"http://b.test","code":"1"},{"system":"http://a.test","code":"1","display":"x"}]}`, `,"method":{"coding":[{"system":"http://a.test","code":"2"}]}`, "CP-FHIR-204 Observation.method"},
	{"types", `{"id":"Observation.value[x]","path":"Observation.value[x]","type":[{"code":"Quantity"},{"code":"string"}]}`, `,"valueString":"x"`, `,"valueBoolean":true`, "CP-FHIR-203 Observation.value.ofType(boolean)"},
	{"a choice by its name", `{"id":"Observation.valueQuantity","path":"Observation.valueQuantity","min":1}`, `,"valueQuantity":{"value":1}`, `,"valueString":"x"`, "CP-FHIR-201 Observation.value"},
	{"type slice", `{"id":"Observation.value[x]","path":"Observation.value[x]","slicing":{"discriminator":[{"type":"type","path":"$this"}],"rules":"open"}},{"id":"Observation.value[x]:valueQuantity","path":"Observation.value[x]","sliceName":"valueQuantity","type":[{"code":"Quantity"}]},{"id":"Observation.value[x]:valueQuantity.unit","path":"Observation.value[x].unit","min":1}`,
		`,"valueQuantity":{"value":1,"unit":"x"}`, `,"valueQuantity":{"value":1}`, "CP-FHIR-201 Observation.value.ofType(Quantity).unit"},
	{"slice by value", `{"id":"Observation.identifier","path":"Observation.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},{"id":"Observation.identifier:a","path":"Observation.identifier","sliceName":"a","min":1,"max":"1"},{"id":"Observation.identifier:a.system","path":"Observation.identifier.system","fixedUri":"http://a.test"}`,
		`,"identifier":[{"system":"http://b.test"},{"system":"http://a.test"}]`, `,"identifier":[{"system":"http://b.test"}]`, "CP-FHIR-201 Observation.identifier"},
	{"slice too often", `{"id":"Observation.identifier","path":"Observation.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},{"id":"Observation.identifier:a","path":"Observation.identifier","sliceName":"a","max":"1"},{"id":"Observation.identifier:a.system","path":"Observation.identifier.system","fixedUri":"http://a.test"}`,
		`,"identifier":[{"system":"http://a.test"}]`, `,"identifier":[{"system":"http://a.test"},{"system":"http://a.test"}]`, "CP-FHIR-202 Observation.identifier"},
	{"closed", `{"id":"Observation.category","path":"Observation.category","slicing":{"discriminator":[{"type":"pattern","path":"$this"}],"rules":"closed"}},{"id":"Observation.category:a","path":"Observation.category","sliceName":"a","patternCodeableConcept":{"text":"a"}}`,
		`,"category":[{"text":"a"}]`, `,"category":[{"text":"b"}]`, "CP-FHIR-205 Observation.category[0]"},
	{"ordered", `{"id":"Observation.category","path":"Observation.category","slicing":{"discriminator":[{"type":"pattern","path":"$this"}],"ordered":true,"rules":"open"}},{"id":"Observation.category:a","path":"Observation.category","sliceName":"a","patternCodeableConcept":{"text":"a"}},{"id":"Observation.category:b","path":"Observation.category","sliceName":"b","patternCodeableConcept":{"text":"b"}}`,
		`,"category":[{"text":"a"},{"text":"b"}]`, `,"category":[{"text":"b"},{"text":"a"}]`, "CP-FHIR-206 Observation.category[1]"},
	{"exists", `{"id":"Observation.identifier","path":"Observation.identifier","slicing":{"discriminator":[{"type":"exists","path":"period"}],"rules":"open"}},{"id":"Observation.identifier:a","path":"Observation.identifier","sliceName":"a"},{"id":"Observation.identifier:a.period","path":"Observation.identifier.period","min":1},{"id":"Observation.identifier:a.value","path":"Observation.identifier.value","min":1}`,
		`,"identifier":[{"system":"http://a.test"},{"value":"1","period":{"start":"2026"}}]`, `,"identifier":[{"period":{"start":"2026"}}]`, "CP-FHIR-201 Observation.identifier[0].value"},
	{"where a reference to what is contained leads to", `{"id":"Observation.performer","path":"Observation.performer","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Practitioner","http://acme.test/StructureDefinition/org"]}]}`,
		`,"contained":[{"resourceType":"Organization","id":"a","name":"x"}],"performer":[{"reference":"#a"}]`,
		`,"contained":[{"resourceType":"CareTeam","id":"a"}],"performer":[{"reference":"#a"}]`, "CP-FHIR-215 Observation.performer[0]"},
	{"what is contained meets its profile", `{"id":"Observation.performer","path":"Observation.performer","type":[{"code":"Reference","targetProfile":["http://acme.test/StructureDefinition/org","http://acme.test/StructureDefinition/orgs"]}]}`,
		`,"contained":[{"resourceType":"Organization","id":"a","name":"x","partOf":{"reference":"#b"}},{"resourceType":"Organization","id":"b","name":"y","partOf":{"reference":"#a"}}],"performer":[{"reference":"#a"}]`,
		`,"contained":[{"resourceType":"Organization","id":"a","name":"x","partOf":{"reference":"#b"}},{"resourceType":"Organization","id":"b","active":true,"partOf":{"reference":"#a"}}],"performer":[{"reference":"#a"}]`,
		"CP-FHIR-216 Observation.performer[0]"},
	{"type of what a reference leads to", `{"id":"Observation.performer","path":"Observation.performer","slicing":{"discriminator":[{"type":"type","path":"resolve()"}],"rules":"open"}},{"id":"Observation.performer:a","path":"Observation.performer","sliceName":"a","min":1,"type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Organization"]}]}`,
		`,"performer":[{"reference":"Organization/1"}]`, `,"performer":[{"reference":"Practitioner/1"}]`, "CP-FHIR-201 Observation.performer"},
	{"re-slicing", `{"id":"Observation.category","path":"Observation.category","slicing":{"discriminator":[{"type":"pattern","path":"$this"}],"rules":"open"}},{"id":"Observation.category:a","path":"Observation.category","sliceName":"a","slicing":{"discriminator":[{"type":"exists","path":"text"}],"rules":"open"},"patternCodeableConcept":{"coding":[{"system":"http://a.test","code":"a"}]}},{"id":"Observation.category:a/b","path":"Observation.category","sliceName":"a/b","min":1},{"id":"Observation.category:a/b.text","path":"Observation.category.text","min":1}`,
		`,"category":[{"coding":[{"system":"http://a.test","code":"a"}],"text":"x"}]`, `,"category":[{"coding":[{"system":"http://a.test","code":"a"}]}]`, "CP-FHIR-201 Observation.category"},
	{"binding", `{"id":"Observation.method","path":"Observation.method","binding":{"strength":"required","valueSet":"http://acme.test/ValueSet/own"}}`,
		`,"method":{"coding":[{"system":"http://acme.test/cs","code":"A"}]}`, `,"method":{"coding":[{"system":"http://acme.test/cs","code":"B"}]}`, "CP-FHIR-121 Observation.method"},
	{"constraint", `{"id":"Observation","path":"Observation","constraint":[{"key":"own-1","severity":"error","human":"a method","expression":"method.exists()"}]}`, `,"method":{"text":"x"}`, ``, "CP-FHIR-220 Observation"},
	{"length", `{"id":"Observation.method.text","path":"Observation.method.text","maxLength":2}`, `,"method":{"text":"xx"}`, `,"method":{"text":"xxx"}`, "CP-FHIR-207 Observation.method.text"},
	{"largest", `{"id":"Observation.value[x]","path":"Observation.value[x]","maxValueInteger":5}`, `,"valueInteger":5`, `,"valueInteger":6`, "CP-FHIR-207 Observation.value.ofType(integer)"},
	{"extension", `{"id":"Observation.extension","path":"Observation.extension","slicing":{"discriminator":[{"type":"value","path":"url"}],"rules":"open"}},{"id":"Observation.extension:a","path":"Observation.extension","sliceName":"a","min":1,"type":[{"code":"Extension","profile":["http://acme.test/StructureDefinition/ext"]}]}`,
		`,"extension":[{"url":"http://acme.test/StructureDefinition/ext","valueString":"x"}]`, ``, "CP-FHIR-201 Observation.extension"},
}

const ownTerms = `{"resourceType":"Bundle","type":"collection","entry":[
{"resource":{"resourceType":"CodeSystem","url":"http://acme.test/cs","status":"active","content":"complete","concept":[{"code":"A","concept":[{"code":"A1"}]},{"code":"B"}]}},
{"resource":{"resourceType":"ValueSet","url":"http://acme.test/ValueSet/own","status":"active","compose":{"include":[{"system":"http://acme.test/cs","filter":[{"property":"concept","op":"is-a","value":"A"}]}]}}}]}`

const ownExtension = `{"resourceType":"StructureDefinition","url":"http://acme.test/StructureDefinition/ext","name":"Ext","status":"active","kind":"complex-type","abstract":false,
"context":[{"type":"element","expression":"Observation"}],"type":"Extension","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Extension","derivation":"constraint",
"differential":{"element":[{"id":"Extension.url","path":"Extension.url","fixedUri":"http://acme.test/StructureDefinition/ext"},{"id":"Extension.value[x]","path":"Extension.value[x]","type":[{"code":"string"}]}]}}`

func structure(url, base, elements string) string {
	return `{"resourceType":"StructureDefinition","url":"` + url + `","name":"Own","status":"active","kind":"resource","abstract":false,"type":"Observation",
"baseDefinition":"` + base + `","derivation":"constraint","differential":{"element":[` + elements + `]}}`
}

// TestProfiles: each kind of demand is met by one record and broken by another, by the profile itself and by one derived from it.
func TestProfiles(t *testing.T) {
	for _, c := range profileCases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "base.json", structure("http://acme.test/StructureDefinition/base", "http://hl7.org/fhir/StructureDefinition/Observation", c.elements))
			write(t, dir, "derived.json", structure("http://acme.test/StructureDefinition/derived", "http://acme.test/StructureDefinition/base",
				`{"id":"Observation.note","path":"Observation.note","max":"0"}`))
			write(t, dir, "ext.json", ownExtension)
			write(t, dir, "org.json", ownOrganization)
			write(t, dir, "orgs.json", ownGroup)
			write(t, dir, "terms.json", ownTerms)
			for _, url := range []string{"base", "derived"} {
				v := newValidator(t, validate.Options{Profiles: []string{dir, "http://acme.test/StructureDefinition/" + url}})
				if got := ofProfiles(message(t, v, []byte(obs("Patient/1", c.good)))); len(got) > 0 {
					t.Errorf("%s: good: %v", url, got)
				}
				if got := said(ofProfiles(message(t, v, []byte(obs("Patient/1", c.bad))))); !slices.Contains(got, c.want) {
					t.Errorf("%s: bad: got %v, want %s", url, got, c.want)
				}
			}
		})
	}
}

const ownOrganization = `{"resourceType":"StructureDefinition","url":"http://acme.test/StructureDefinition/org","name":"Org","status":"active","kind":"resource","abstract":false,
"type":"Organization","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Organization","derivation":"constraint",
"differential":{"element":[{"id":"Organization.name","path":"Organization.name","min":1},{"id":"Organization.partOf","path":"Organization.partOf",
"type":[{"code":"Reference","targetProfile":["http://acme.test/StructureDefinition/org"]}]}]}}`

const ownGroup = `{"resourceType":"StructureDefinition","url":"http://acme.test/StructureDefinition/orgs","name":"Orgs","status":"active","kind":"resource","abstract":false,
"type":"Organization","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Organization","derivation":"constraint",
"differential":{"element":[{"id":"Organization.alias","path":"Organization.alias","min":1}]}}`

// ofProfiles are the findings of the first severity, and those about what a reference leads to.
func ofProfiles(list []*diag.Finding) (out []*diag.Finding) {
	for _, f := range list {
		if f.Severity() == diag.Reject || f.ID == "CP-FHIR-216" {
			out = append(out, f)
		}
	}
	return out
}

// TestTargets: what a profile says of where a reference leads, and of what stands there, is asked of the bundle too, whichever comes
// first.
func TestTargets(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "base.json", structure("http://acme.test/StructureDefinition/base", "http://hl7.org/fhir/StructureDefinition/Observation",
		`{"id":"Observation.subject","path":"Observation.subject","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Patient"]}]},
		{"id":"Observation.performer","path":"Observation.performer","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Practitioner","http://acme.test/StructureDefinition/org"]}]}`))
	write(t, dir, "org.json", ownOrganization)
	v := newValidator(t, validate.Options{Profiles: []string{dir, "http://acme.test/StructureDefinition/base"}})
	named := newValidator(t, validate.Options{Profiles: []string{dir, "http://acme.test/StructureDefinition/base", "http://acme.test/StructureDefinition/org"}})
	group := `{"resourceType":"Group","id":"g1",` + div + `,"type":"person","actual":true}`
	by := func(ref string) string { return obs(u1, `,"performer":[{"reference":"`+ref+`"}]`) }
	const u2 = "urn:uuid:00000000-0000-4000-8000-000000000002"
	org := func(rest string) string {
		return entry(u2, `{"resourceType":"Organization","id":"o1",`+div+rest+`}`, "")
	}
	for name, c := range map[string]struct {
		v       *validate.Validator
		entries []string
		want    []string
	}{
		"a patient before": {v, []string{entry(u1, patient, ""), entry(u0, obs(u1, ""), "")}, nil},
		"a patient behind": {v, []string{entry(u0, obs(u1, ""), ""), entry(u1, patient, "")}, nil},
		"a group before":   {v, []string{entry(u1, group, ""), entry(u0, obs(u1, ""), "")}, []string{"CP-FHIR-215 Bundle.entry[1].resource.subject"}},
		"a group behind":   {v, []string{entry(u0, obs(u1, ""), ""), entry(u1, group, "")}, []string{"CP-FHIR-215 Bundle.entry[0].resource.subject"}},
		"it meets, before": {v, []string{org(`,"name":"x"`), entry(u1, patient, ""), entry(u0, by(u2), "")}, nil},
		"it meets, behind": {v, []string{entry(u0, by(u2), ""), entry(u1, patient, ""), org(`,"name":"x"`)}, nil},
		"it does not, before": {v, []string{org(`,"identifier":[{"value":"1"}]`), entry(u1, patient, ""), entry(u0, by(u2), "")},
			[]string{"CP-FHIR-216 Bundle.entry[2].resource.performer[0]"}},
		"it does not, behind": {v, []string{entry(u0, by(u2), ""), entry(u1, patient, ""), org(`,"identifier":[{"value":"1"}]`)},
			[]string{"CP-FHIR-216 Bundle.entry[0].resource.performer[0]"}},
		"it does not, and that is said": {named, []string{entry(u0, by(u2), ""), entry(u1, patient, ""), org(`,"identifier":[{"value":"1"}]`)},
			[]string{"CP-FHIR-201 Bundle.entry[2].resource.name"}},
	} {
		if got := said(ofProfiles(message(t, c.v, []byte(bundleOf("collection", "", c.entries...))))); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	// What is not at hand is judged by the text of the reference, which may be misread and is not refused.
	got := message(t, v, []byte(obs("Patient/1", `,"performer":[{"reference":"Organization/1"},{"reference":"CareTeam/1"},{"reference":"http://acme.test/fhir/x"}]`)))
	if s := said(got); len(rejects(got)) > 0 || !slices.Contains(s, "CP-FHIR-105 Observation.performer[1].reference") || slices.Contains(s, "CP-FHIR-105 Observation.performer[0].reference") {
		t.Errorf("not at hand: %v", got)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	if !strings.HasSuffix(name, ".json") || json.Valid([]byte(text)) {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	t.Fatalf("%s is not JSON: %s", name, text)
	return ""
}

// TestDisplays: a display is compared with what a code system of the user calls the code, in whatever case and blanks.
func TestDisplays(t *testing.T) {
	const system = `{"resourceType":"CodeSystem","url":"http://acme.test/cs","status":"active","content":"complete","concept":[
		{"code":"A","display":"Left  hand","designation":[{"value":"Linke Hand"}]},{"code":"B"}]}`
	for file, text := range map[string]string{"cs.json": system, "list.csv": "system,code,display\nhttp://acme.test/cs,A,Left hand\nhttp://acme.test/cs,A,Linke Hand\nhttp://acme.test/cs,B,\n"} {
		v := newValidator(t, validate.Options{Terminology: []string{write(t, t.TempDir(), file, text)}})
		for coding, want := range map[string]bool{`"A","display":"left hand"`: false, `"A","display":"Linke Hand"`: false, `"A"`: false, `"B","display":"Anything"`: false,
			`"A","display":"Right hand"`: true} {
			got := said(message(t, v, []byte(obs("Patient/1", `,"method":{"coding":[{"system":"http://acme.test/cs","code":`+coding+`}]}`))))
			if slices.Contains(got, "CP-FHIR-127 Observation.method.coding[0].display") != want {
				t.Errorf("%s: %s: %v", file, coding, got)
			}
		}
	}
}

// TestTerminology: lists of codes in each form that people have them in.
func TestTerminology(t *testing.T) {
	coded := func(system, code string) string {
		return obs("Patient/1", `,"method":{"coding":[{"system":"`+system+`","code":"`+code+`"}]}`)
	}
	for name, c := range map[string]struct{ file, text, system string }{
		"CodeSystem":  {"cs.json", `{"resourceType":"CodeSystem","url":"http://acme.test/cs","status":"active","content":"complete","concept":[{"code":"GOOD"}]}`, "http://acme.test/cs"},
		"CSV":         {"codes.csv", "system,code,display\nhttp://acme.test/cs,GOOD,x\n", "http://acme.test/cs"},
		"LOINC":       {"Loinc.csv", "\"LOINC_NUM\",\"COMPONENT\"\n\"GOOD\",\"x\"\n", "http://loinc.org"},
		"RF2":         {"sct2_Concept.txt", "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\nGOOD\t20260101\t1\t1\t1\nBAD\t20260101\t0\t1\t1\n", "http://snomed.info/sct"},
		"by its name": {"cvx.csv", "code\nGOOD\n", "http://hl7.org/fhir/sid/cvx"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newValidator(t, validate.Options{Terminology: []string{write(t, t.TempDir(), c.file, c.text)}})
			if got := said(message(t, v, []byte(coded(c.system, "GOOD")))); len(got) > 0 {
				t.Errorf("%v", got)
			}
			if got := said(message(t, v, []byte(coded(c.system, "BAD")))); !slices.Equal(got, []string{"CP-FHIR-113 Observation.method.coding[0].code"}) {
				t.Errorf("%v", got)
			}
		})
	}
	if _, err := validate.New(validate.Options{Terminology: []string{write(t, t.TempDir(), "x.csv", "a,b\n1,2\n")}}); err == nil {
		t.Error("a list without codes")
	}
}

// TestUnchecked: what could not be checked is counted.
func TestUnchecked(t *testing.T) {
	v := newValidator(t, validate.Options{})
	n, err := v.Stream(t.Context(), strings.NewReader(obs("Patient/1", `,"meta":{"profile":["http://acme.test/p"]},"method":{"coding":[{"system":"http://acme.test/cs","code":"1"}]}`)), "x",
		func(*diag.Finding) {})
	if err != nil || n.Resources != 1 || n.Unchecked.Systems["http://acme.test/cs"] != 1 || n.Unchecked.Profiles["http://acme.test/p"] != 1 {
		t.Errorf("%+v %v", n, err)
	}
}

// TestSuppressions: a suppression covers what it says until it expires, and says when it is of no use.
func TestSuppressions(t *testing.T) {
	file := write(t, t.TempDir(), "s.yaml", `suppress:
  - {id: CP-FHIR-113, path: "Observation.category*", reason: known, expires: 2027-01-01}
  - {id: CP-FHIR-101, reason: old, expires: 2020-01-01}
  - {id: CP-FHIR-102, reason: never, expires: 2027-01-01}
`)
	s, err := validate.ReadSuppressions(file, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	at := func(id diag.ID, path string) bool {
		return s.Covers(diag.New(id, diag.Place{Source: "a/b.json", Path: path}, ""))
	}
	if !at("CP-FHIR-113", "Observation.category[0].coding[0].code") || at("CP-FHIR-113", "Observation.code") || at("CP-FHIR-101", "Patient") {
		t.Error("covers")
	}
	if got := said(s.Remarks()); !slices.Equal(got, []string{"CP-FHIR-160 ", "CP-FHIR-161 "}) || s.Count != 1 {
		t.Errorf("%v", got)
	}
	for _, bad := range []string{"suppress:\n  - {id: CP-FHIR-113, expires: 2027-01-01}", "suppress:\n  - {id: CP-FHIR-113, reason: x}", "suppress:\n  - {id: NO, reason: x, expires: 2027-01-01}",
		"suppress:\n  - {id: CP-FHIR-113, reason: x, expires: 2027-01-01, foo: 1}", "foo: 1"} {
		if _, err := validate.ReadSuppressions(write(t, t.TempDir(), "b.yaml", bad), time.Now()); err == nil {
			t.Errorf("no error: %s", bad)
		}
	}
}

// TestCleanAllocates bounds what the check of a clean record allocates beyond reading it.
func TestCleanAllocates(t *testing.T) {
	v := newValidator(t, validate.Options{})
	var b bytes.Buffer
	for range 1000 {
		b.WriteString(obs("Patient/1", `,"valueQuantity":{"value":1,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}`) + "\n")
	}
	run := func() {
		if _, err := v.Stream(t.Context(), bytes.NewReader(b.Bytes()), "x", func(*diag.Finding) {}); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(3, run) / 1000; n > 45 {
		t.Errorf("%.0f allocations a resource", n)
	}
}

// FuzzStream: no input makes it panic or hang, and the same input gives the same findings.
func FuzzStream(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.json))
	}
	v, err := validate.New(validate.Options{Profiles: []string{"us-core"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		a, c := fmt.Sprint(message(t, v, b)), fmt.Sprint(message(t, v, b))
		if a != c {
			t.Errorf("%s\n%s", a, c)
		}
	})
}
