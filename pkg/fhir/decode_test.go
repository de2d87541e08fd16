package fhir

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// strict are resources with faults, the findings that they give, and what is left of them when they are written again.
var strict = []struct {
	in   string
	want []string // id line:column path
	left string   // "" if nothing could be read
}{
	// Grammar.
	{``, []string{"CP-FHIR-001 1:1 "}, ""},
	{"\xef\xbb\xbf", []string{"CP-FHIR-001 1:4 "}, ""},
	{`{"resourceType":"Patient"`, []string{"CP-FHIR-001 1:26 "}, ""},
	{"{\"resourceType\":\n\"Patient\",}", []string{"CP-FHIR-001 2:11 "}, ""},
	{`{"resourceType":"Patient"} x`, []string{"CP-FHIR-017 1:28 "}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient"}{}`, []string{"CP-FHIR-017 1:27 "}, `{"resourceType":"Patient"}`},
	{"{\"resourceType\":\"Patient\",\"id\":\"\xff\"}", []string{"CP-FHIR-001 1:33 "}, ""},
	{`{"resourceType":"Patient","language":"\ud800"}`, []string{"CP-FHIR-001 1:39 "}, ""},
	{"{\"resourceType\":\"Patient\",\"language\":\"a\nb\"}", []string{"CP-FHIR-001 1:40 "}, ""},
	// The resource's type.
	{`{}`, []string{"CP-FHIR-004 1:1 "}, ""},
	{`{"id":"x"}`, []string{"CP-FHIR-004 1:1 "}, ""},
	{`[]`, []string{"CP-FHIR-008 1:1 "}, ""},
	{`null`, []string{"CP-FHIR-006 1:1 "}, ""},
	{`{"resourceType":"patient"}`, []string{"CP-FHIR-005 1:17 "}, ""},
	{`{"resourceType":7}`, []string{"CP-FHIR-004 1:1 "}, ""},
	{`{"id":"x","resourceType":"Patient"}`, nil, `{"resourceType":"Patient","id":"x"}`},
	{`{"resourceType":"Patient","resourceType":"Patient"}`, []string{"CP-FHIR-002 1:27 Patient"}, `{"resourceType":"Patient"}`},
	// Names.
	{`{"resourceType":"Patient","BirthDate":"2000"}`, []string{"CP-FHIR-003 1:27 Patient"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","surname":"x","id":"a"}`, []string{"CP-FHIR-003 1:27 Patient"}, `{"resourceType":"Patient","id":"a"}`},
	{`{"resourceType":"Patient","_name":[{"id":"x"}]}`, []string{"CP-FHIR-003 1:27 Patient"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","deceased":true}`, []string{"CP-FHIR-003 1:27 Patient"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","":1}`, []string{"CP-FHIR-003 1:27 Patient"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","fhir_comments":["x"]}`, []string{"CP-FHIR-003 1:27 Patient"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","id":"a","id":"b"}`, []string{"CP-FHIR-002 1:36 Patient.id"}, `{"resourceType":"Patient","id":"a"}`},
	{`{"resourceType":"Patient","name":[{"text":"a"}],"name":[{"text":"b"}]}`, []string{"CP-FHIR-002 1:49 Patient.name"}, `{"resourceType":"Patient","name":[{"text":"a"}]}`},
	{`{"resourceType":"Patient","name":[{"te\u0078t":"a"}]}`, nil, `{"resourceType":"Patient","name":[{"text":"a"}]}`},
	// Nothing where something must be.
	{`{"resourceType":"Patient","active":null}`, []string{"CP-FHIR-006 1:36 Patient.active"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","name":null,"meta":null}`, []string{"CP-FHIR-006 1:34 Patient.name", "CP-FHIR-006 1:46 Patient.meta"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","name":[null]}`, []string{"CP-FHIR-006 1:35 Patient.name[0]"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","name":[{"family":""}]}`, []string{"CP-FHIR-007 1:45 Patient.name[0].family"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","birthDate":""}`, []string{"CP-FHIR-007 1:39 Patient.birthDate"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","name":[]}`, []string{"CP-FHIR-007 1:34 Patient.name"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","name":[{}]}`, []string{"CP-FHIR-007 1:35 Patient.name[0]"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","meta":{}}`, []string{"CP-FHIR-007 1:34 Patient.meta"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","_birthDate":{}}`, []string{"CP-FHIR-007 1:40 Patient.birthDate"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","_birthDate":null}`, []string{"CP-FHIR-006 1:40 Patient.birthDate"}, `{"resourceType":"Patient"}`},
	// JSON types.
	{`{"resourceType":"Patient","active":"true"}`, []string{"CP-FHIR-008 1:36 Patient.active"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","name":{"text":"a"},"id":"b"}`, []string{"CP-FHIR-008 1:34 Patient.name"}, `{"resourceType":"Patient","id":"b"}`},
	{`{"resourceType":"Patient","meta":[{"versionId":"1"}]}`, []string{"CP-FHIR-008 1:34 Patient.meta"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","birthDate":{"a":[1,"]"]},"id":"b"}`, []string{"CP-FHIR-008 1:39 Patient.birthDate"}, `{"resourceType":"Patient","id":"b"}`},
	{`{"resourceType":"Patient","multipleBirthInteger":"2"}`, []string{"CP-FHIR-008 1:50 Patient.multipleBirthInteger"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","birthDate":2000}`, []string{"CP-FHIR-008 1:39 Patient.birthDate"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","name":[{"text":5,"family":"x"}]}`, []string{"CP-FHIR-008 1:43 Patient.name[0].text"}, `{"resourceType":"Patient","name":[{"family":"x"}]}`},
	// FHIR types.
	{`{"resourceType":"Patient","multipleBirthInteger":1.0}`, []string{"CP-FHIR-009 1:50 Patient.multipleBirthInteger"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","multipleBirthInteger":2147483648}`, []string{"CP-FHIR-009 1:50 Patient.multipleBirthInteger"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","telecom":[{"rank":0}]}`, []string{"CP-FHIR-009 1:46 Patient.telecom[0].rank"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","birthDate":"2000-02-30"}`, []string{"CP-FHIR-009 1:39 Patient.birthDate"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Patient","deceasedDateTime":"2000-02-03T10:00:00"}`, []string{"CP-FHIR-009 1:46 Patient.deceasedDateTime"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Binary","contentType":"x","data":"*"}`, []string{"CP-FHIR-009 1:51 Binary.data"}, `{"resourceType":"Binary","contentType":"x"}`},
	{`{"resourceType":"Patient","gender":"Male"}`, []string{"CP-FHIR-010 1:36 Patient.gender"}, `{"resourceType":"Patient"}`},
	{`{"resourceType":"Observation","status":"ENTERED_IN_ERROR"}`, []string{"CP-FHIR-010 1:40 Observation.status"}, `{"resourceType":"Observation"}`},
	{`{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2000"}`, []string{"CP-FHIR-011 1:75 Patient.deceasedDateTime"}, `{"resourceType":"Patient","deceasedBoolean":true}`},
	{`{"resourceType":"Observation","valueString":"a","valueQuantity":{"value":1}}`, []string{"CP-FHIR-011 1:65 Observation.valueQuantity"}, `{"resourceType":"Observation","valueString":"a"}`},
	// Kept, though it breaks the rules of its type.
	{`{"resourceType":"Patient","id":"a b"}`, []string{"CP-FHIR-013 1:32 Patient.id"}, `{"resourceType":"Patient","id":"a b"}`},
	{`{"resourceType":"Patient","language":" en"}`, []string{"CP-FHIR-013 1:38 Patient.language"}, `{"resourceType":"Patient","language":" en"}`},
	{`{"resourceType":"Patient","implicitRules":"http://a b"}`, []string{"CP-FHIR-013 1:43 Patient.implicitRules"}, `{"resourceType":"Patient","implicitRules":"http://a b"}`},
	{`{"resourceType":"Patient","name":[{"text":"a\u0000b"}]}`, []string{"CP-FHIR-013 1:43 Patient.name[0].text"}, `{"resourceType":"Patient","name":[{"text":"a\u0000b"}]}`},
	// Primitives with extensions.
	{`{"resourceType":"Patient","_birthDate":{"extension":[{"url":"u","valueCode":"c"}]}}`, nil, `{"resourceType":"Patient","_birthDate":{"extension":[{"url":"u","valueCode":"c"}]}}`},
	{`{"resourceType":"Patient","_active":{"id":"x"},"active":false}`, nil, `{"resourceType":"Patient","active":false,"_active":{"id":"x"}}`},
	{`{"resourceType":"Patient","active":false,"_active":{"id":"x"}}`, nil, `{"resourceType":"Patient","active":false,"_active":{"id":"x"}}`},
	{`{"resourceType":"Patient","_active":{"id":"x"}}`, nil, `{"resourceType":"Patient","_active":{"id":"x"}}`},
	{`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]}`, nil, `{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]}`},
	{`{"resourceType":"Patient","name":[{"_given":[null,{"id":"x"}],"given":["a",null]}]}`, nil, `{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]}`},
	{`{"resourceType":"Patient","name":[{"_given":[{"id":"y"},{"id":"x"}]}]}`, nil, `{"resourceType":"Patient","name":[{"_given":[{"id":"y"},{"id":"x"}]}]}`},
	{`{"resourceType":"Patient","name":[{"given":["a",null]}]}`, []string{"CP-FHIR-006 1:49 Patient.name[0].given[1]"}, `{"resourceType":"Patient","name":[{"given":["a"]}]}`},
	{`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[{"id":"x"},null]}]}`, []string{"CP-FHIR-006 1:49 Patient.name[0].given[1]"}, `{"resourceType":"Patient","name":[{"given":["a"],"_given":[{"id":"x"}]}]}`},
	{`{"resourceType":"Patient","name":[{"given":["a","b"],"_given":[{"id":"x"}]}]}`, []string{"CP-FHIR-012 1:63 Patient.name[0].given"}, `{"resourceType":"Patient","name":[{"given":["a","b"],"_given":[{"id":"x"},null]}]}`},
	{`{"resourceType":"Patient","name":[{"given":["a"],"_given":[{"id":"x"},{"id":"y"}]}]}`, []string{"CP-FHIR-012 1:59 Patient.name[0].given"}, `{"resourceType":"Patient","name":[{"given":["a",null],"_given":[{"id":"x"},{"id":"y"}]}]}`},
	{`{"resourceType":"Patient","gender":"male","_gender":{"extension":[{"url":"u","valueBoolean":true}]}}`, nil, `{"resourceType":"Patient","gender":"male","_gender":{"extension":[{"url":"u","valueBoolean":true}]}}`},
	{`{"resourceType":"Patient","deceasedBoolean":false,"_deceasedBoolean":{"id":"x"}}`, nil, `{"resourceType":"Patient","deceasedBoolean":false,"_deceasedBoolean":{"id":"x"}}`},
	{`{"resourceType":"Patient","_deceasedDateTime":{"extension":[{"url":"u","valueString":"s"}]}}`, nil, `{"resourceType":"Patient","_deceasedDateTime":{"extension":[{"url":"u","valueString":"s"}]}}`},
	// What the text said.
	{`{"resourceType":"Observation","effectiveDateTime":"2026-11-22T23:59:60.1234567-00:00","valueQuantity":{"value":1.50e+2}}`, nil, `{"resourceType":"Observation","effectiveDateTime":"2026-11-22T23:59:60.1234567-00:00","valueQuantity":{"value":1.50e+2}}`},
	{`{"resourceType":"Binary","contentType":"x","data":"aGVs bG8="}`, nil, `{"resourceType":"Binary","contentType":"x","data":"aGVs bG8="}`},
	{`{"resourceType":"Patient","name":[{"text":"\u00e4\/\n\"\\ \u0041"}]}`, nil, `{"resourceType":"Patient","name":[{"text":"ä/\n\"\\ A"}]}`},
	// References.
	{`{"resourceType":"Patient","link":[{"other":{"reference":"Patient/1"},"type":"refer"},{"other":{"reference":"#a"},"type":"refer"},{"other":{"reference":"#"},"type":"refer"},{"other":{"reference":"Patient/1/_history/2"},"type":"refer"},{"other":{"reference":"Patient/"},"type":"refer"},{"other":{"reference":"Foo/1"},"type":"refer"},{"other":{"reference":"urn:uuid:1","type":"Patient"},"type":"refer"},{"other":{"reference":"Medication/a/_history/"},"type":"refer"},{"other":{"reference":"Patient?x=y/z"},"type":"refer"}]}`, nil,
		`{"resourceType":"Patient","link":[{"other":{"reference":"Patient/1"},"type":"refer"},{"other":{"reference":"#a"},"type":"refer"},{"other":{"reference":"#"},"type":"refer"},{"other":{"reference":"Patient/1/_history/2"},"type":"refer"},{"other":{"reference":"Patient/"},"type":"refer"},{"other":{"reference":"Foo/1"},"type":"refer"},{"other":{"reference":"urn:uuid:1","type":"Patient"},"type":"refer"},{"other":{"reference":"Medication/a/_history/"},"type":"refer"},{"other":{"reference":"Patient?x=y/z"},"type":"refer"}]}`},
	{`{"resourceType":"Patient","managingOrganization":{"reference":"Organization/1","_reference":{"extension":[{"url":"u","valueCode":"c"}]}}}`, nil,
		`{"resourceType":"Patient","managingOrganization":{"reference":"Organization/1","_reference":{"extension":[{"url":"u","valueCode":"c"}]}}}`},
	{`{"resourceType":"Patient","managingOrganization":{"display":"d","_reference":{"id":"i"},"reference":"#1"}}`, nil,
		`{"resourceType":"Patient","managingOrganization":{"reference":"#1","_reference":{"id":"i"},"display":"d"}}`},
	{`{"resourceType":"Patient","managingOrganization":{"_reference":{"extension":[{"url":"u","valueCode":"c"}]}}}`, nil,
		`{"resourceType":"Patient","managingOrganization":{"_reference":{"extension":[{"url":"u","valueCode":"c"}]}}}`},
	{`{"resourceType":"Patient","managingOrganization":{"_reference":{"history":"1"}}}`, []string{"CP-FHIR-003 1:65 Patient.managingOrganization.reference"}, `{"resourceType":"Patient"}`},
	// Resources within.
	{`{"resourceType":"Patient","contained":[{"id":"a","resourceType":"Organization","name":"x"}]}`, nil, `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","name":"x"}]}`},
	{`{"resourceType":"Patient","contained":[{"id":"a"},{"resourceType":"Organization","name":null,"id":"b"}]}`, []string{"CP-FHIR-004 1:40 Patient.contained[0]", "CP-FHIR-006 1:89 Patient.contained[1].name"}, `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"b"}]}`},
	{`{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient","id":"a"},"part":[{"name":"b","resource":{"resourceType":"Binary","contentType":"x"}}]}]}`, nil,
		`{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient","id":"a"},"part":[{"name":"b","resource":{"resourceType":"Binary","contentType":"x"}}]}]}`},
	{`{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Nope"},"fullUrl":"u"},{"resource":{"resourceType":"Patient"}}]}`, []string{"CP-FHIR-005 1:78 Bundle.entry[0].resource"}, `{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"u"},{"resource":{"resourceType":"Patient"}}]}`},
	// The order of the specification.
	{`{"resourceType":"Patient","gender":"female","extension":[{"valueString":"s","url":"u","id":"i"}],"id":"x","name":[{"given":["G"],"family":"F","use":"official"}],"meta":{"profile":["p"],"versionId":"1"}}`, nil,
		`{"resourceType":"Patient","id":"x","meta":{"versionId":"1","profile":["p"]},"extension":[{"id":"i","url":"u","valueString":"s"}],"name":[{"use":"official","family":"F","given":["G"]}],"gender":"female"}`},
}

func findingsOf(fs []*diag.Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, fmt.Sprintf("%s %d:%d %s", f.ID, f.Place.Line, f.Place.Column, f.Place.Path))
	}
	return out
}

func TestStrict(t *testing.T) {
	for _, c := range strict {
		m, fs := Unmarshal([]byte(c.in))
		if got := findingsOf(fs); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s\nfindings %q\nwant     %q", c.in, got, c.want)
		}
		left := ""
		if m != nil {
			before := proto.Clone(m)
			b, err := Append(nil, m)
			if err != nil {
				t.Errorf("%s: %v", c.in, err)
			}
			left = string(b)
			if !proto.Equal(before, m) {
				t.Errorf("%s: writing changed the message", c.in)
			}
		}
		if left != c.left {
			t.Errorf("%s\nleaves %s\nwant   %s", c.in, left, c.left)
		}
	}
}

// TestFindings asks that the list of findings has all that the reader may say, and that none tells a value of the source.
func TestFindings(t *testing.T) {
	seen := map[diag.ID]bool{}
	for _, c := range strict {
		_, fs := Unmarshal([]byte(strings.ReplaceAll(strings.ReplaceAll(c.in, "Male", "Confidential"), "2000-02-30", "Confidential")))
		for _, f := range fs {
			seen[f.ID] = true
			if strings.Contains(f.Error(), "Confidential") {
				t.Errorf("a finding tells a value: %v", f)
			}
			if f.ID.Entry().Fix == "" {
				t.Errorf("%s is not in the list", f.ID)
			}
		}
	}
	for n := 1; n <= 13; n++ {
		if id := diag.ID(fmt.Sprintf("CP-FHIR-%03d", n)); !seen[id] {
			t.Errorf("no case gives %s", id)
		}
	}
}

func TestDepthAndNumber(t *testing.T) {
	nest := func(n int) string {
		return `{"resourceType":"Basic","extension":` + strings.Repeat(`[{"url":"u","extension":`, n) + `[{"url":"v","valueCode":"c"}]` + strings.Repeat(`}]`, n) + `}`
	}
	if _, fs := Unmarshal([]byte(nest(MaxDepth - 2))); len(fs) > 0 {
		t.Errorf("%d levels: %v", MaxDepth, fs)
	}
	_, fs := Unmarshal([]byte(nest(MaxDepth - 1)))
	if got := findingsOf(fs); len(got) != 1 || !strings.HasPrefix(got[0], "CP-FHIR-014 1:") {
		t.Errorf("%d levels: %q", MaxDepth+1, got)
	}
	_, fs = Unmarshal([]byte(nest(100000)))
	if got := findingsOf(fs); len(got) != 1 || !strings.HasPrefix(got[0], "CP-FHIR-014 1:") {
		t.Errorf("100000 levels: %q", got)
	}
	_, fs = Unmarshal([]byte(`{"resourceType":"Patient","name":[` + strings.Repeat("null,", 500) + "null]}"))
	if len(fs) != maxFindings+1 || fs[maxFindings].ID != "CP-FHIR-016" {
		t.Errorf("%d findings, the last is %v", len(fs), fs[len(fs)-1])
	}
}

// TestKeys asks that the bits for what was seen suffice for every type.
func TestKeys(t *testing.T) {
	done := map[string]bool{}
	most := 0
	var walk func(c *codec)
	walk = func(c *codec) {
		if done[c.typ.Name] || c.typ.Kind == plan.Contained || c.typ.Kind == plan.Packed {
			return
		}
		done[c.typ.Name] = true
		if most = max(most, 2*len(c.keys)); 2*len(c.keys) > seenWords*64 {
			t.Errorf("%s has %d keys", c.typ.Name, len(c.keys))
		}
		for _, k := range c.keys {
			walk(k.codec())
		}
	}
	for _, name := range plan.Resources() {
		walk(resourceKeys()[name].codec())
	}
	t.Logf("%d types, %d bits at most", len(done), most)
}
