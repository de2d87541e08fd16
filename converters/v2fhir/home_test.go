package v2fhir

import (
	"maps"
	"slices"
	"strings"
	"testing"

	procpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/procedure_go_proto"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/maptest"
	"github.com/chartpost/chartpost/pkg/tree"
)

// cameHome is what comes home of a record that goes out as messages: a record for each.
func cameHome(t *testing.T, rec *mapping.Record) (home []*mapping.Record) {
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	parts, _, err := Format(ms).NewWriter(&convert.Options{}).FromHub(&convert.Record{Record: rec, FromFHIR: true})
	if err != nil {
		return nil // no message is made of it
	}
	for text := range strings.SplitSeq(string(parts[0].Data), "\rMSH|") {
		home = append(home, hubOf(t, "MSH|"+strings.TrimPrefix(text, "MSH|")).Record)
	}
	return home
}

// TestComesHome: what the ledger calls carried comes home, and what comes home in another form is not called so.
func TestComesHome(t *testing.T) {
	tests := []struct {
		name, resource string
		states         map[string]tree.State // by the end of the place
	}{
		{"the system of a unit without a code",
			`{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Weight"},"subject":{"reference":"urn:uuid:ann"},"valueQuantity":{"value":61,"unit":"kg","system":"http://unitsofmeasure.org"}}`,
			map[string]tree.State{".unit": tree.Carried, "(Quantity).system": tree.Declined}},
		{"a system by its OID",
			`{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"urn:oid:2.16.840.1.113883.6.1","code":"2951-2","display":"Sodium"}]},"subject":{"reference":"urn:uuid:ann"},"valueInteger":140}`,
			map[string]tree.State{"code.coding[0].system": tree.Folded, "coding[0].code": tree.Carried}},
		{"a system that is no URI",
			`{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"ourList","code":"NA"}]},"subject":{"reference":"urn:uuid:ann"},"valueInteger":140}`,
			map[string]tree.State{"code.coding[0].system": tree.Folded, "coding[0].code": tree.Carried}},
		{"a system without a code",
			`{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"https://lab.example/list","display":"Sodium"}]},"subject":{"reference":"urn:uuid:ann"},"valueInteger":140}`,
			map[string]tree.State{"code.coding[0].system": tree.Folded, "coding[0].display": tree.Carried}},
		{"a registry of FHIR by its OID",
			`{"resourceType":"Practitioner","id":"bo","name":[{"family":"Other"}],"identifier":[{"system":"urn:oid:2.16.840.1.113883.4.6","value":"1234567893"}]}`,
			map[string]tree.State{"identifier[0].system": tree.Folded, "identifier[0].value": tree.Folded}},
		{"an assigner by a URL that is an OID's",
			`{"resourceType":"Organization","id":"clinic","name":"Elm Clinic","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0301","code":"ISO"}]},"system":"urn:ietf:rfc:3986","value":"urn:oid:2.16.840.1.113883.4.6"}]}`,
			map[string]tree.State{"identifier[0].value": tree.Carried, "type.coding[0].code": tree.Carried}},
		{"a system of reports by the OID of one that has a URL",
			`{"resourceType":"DiagnosticReport","id":"r","status":"final","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"FILL"}]},"system":"urn:oid:2.16.840.1.113883.4.6","value":"F7"}],"code":{"text":"Panel"},"subject":{"reference":"urn:uuid:ann"},"result":[{"reference":"urn:uuid:sodium"}]}`,
			map[string]tree.State{"identifier[0].system": tree.Folded, "identifier[0].value": tree.Carried}},
		{"an instruction of an appointment",
			`{"resourceType":"Appointment","id":"a","status":"booked","start":"2031-02-03T09:00:00Z","end":"2031-02-03T09:30:00Z","patientInstruction":"Eat nothing.","comment":"Bring the plan.","participant":[{"actor":{"reference":"urn:uuid:ann"},"status":"accepted"}]}`,
			map[string]tree.State{".patientInstruction": tree.Folded, ".comment": tree.Folded}},
		{"a race of the CDC's beside one that is none",
			`{"resourceType":"Patient","id":"eve","identifier":[{"value":"8"}],"name":[{"family":"Sample"}],"extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3","display":"White"}},{"url":"text","valueString":"White"}]}]}`,
			map[string]tree.State{"extension[0].url": tree.Carried, "(Coding).code": tree.Carried}},
		{"labels and languages of a visit, and how long it was",
			`{"resourceType":"Encounter","id":"e","meta":{"security":[{"code":"R"}]},"language":"en","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"subject":{"reference":"urn:uuid:ann"},"length":{"value":3,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}`,
			map[string]tree.State{"meta.security[0].code": tree.Declined, ".language": tree.Declined, "length.value": tree.Declined}},
		{"an event in the words of another program",
			`{"resourceType":"MessageHeader","id":"h","eventCoding":{"system":"http://terminology.hl7.org/CodeSystem/v2-0003","code":"A08","display":"ADT^A08"},"source":{"endpoint":"urn:x:y"}}`,
			map[string]tree.State{"(Coding).display": tree.Folded, "(Coding).code": tree.Carried}},
		{"the words of a kind of universal id",
			`{"resourceType":"Organization","id":"clinic","name":"Elm Clinic","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0301","code":"ISO","display":"An OID"}]},"system":"urn:ietf:rfc:3986","value":"urn:oid:2.999.7"}]}`,
			map[string]tree.State{"identifier[0].value": tree.Carried, "type.coding[0].code": tree.Carried, "type.coding[0].display": tree.Declined}},
		{"a media type with parameters",
			`{"resourceType":"DocumentReference","id":"d","status":"current","subject":{"reference":"urn:uuid:ann"},"type":{"text":"Note"},"content":[{"attachment":{"contentType":"text/plain; charset=utf-8","data":"V2VsbC4="}}]}`,
			map[string]tree.State{".contentType": tree.Carried}},
		{"a race that is not known",
			`{"resourceType":"Patient","id":"eve","identifier":[{"value":"8"}],"name":[{"family":"Sample"}],"extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[{"url":"ombCategory","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-NullFlavor","code":"UNK","display":"Unknown","userSelected":false}},{"url":"text","valueString":"Unknown"}]}]}`,
			map[string]tree.State{"extension[0].url": tree.Folded, "(Coding).code": tree.Folded, "(Coding).userSelected": tree.Declined}},
		{"a race in words",
			`{"resourceType":"Patient","id":"eve","identifier":[{"value":"8"}],"name":[{"family":"Sample"}],"extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[{"url":"text","valueString":"Not asked"}]}]}`,
			map[string]tree.State{"(string)": tree.Folded}},
		{"a name in one piece",
			`{"resourceType":"Patient","id":"eve","identifier":[{"value":"8"}],"name":[{"text":"Eve Sample"}],"contact":[{"name":{"text":"Dan Sample","given":["Dan"]}}]}`,
			map[string]tree.State{"Patient.name[0].text": tree.Folded, "contact[0].name.text": tree.Declined}},
		{"names and lines for which there is one component",
			`{"resourceType":"Patient","id":"eve","identifier":[{"value":"8"}],"name":[{"family":"Sample","given":["Eve","Ida","Una"],"prefix":["Dr.","Prof."],"suffix":["Jr."]},{"use":"maiden","family":"Elm","given":["Eve","Ida"]}],"address":[{"line":["1 Elm Way","Flat 2","Rear"],"city":"Elmton"}]}`,
			map[string]tree.State{"name[0].given[0]": tree.Carried, "name[0].given[1]": tree.Folded, "name[0].given[2]": tree.Folded, "prefix[0]": tree.Folded, "prefix[1]": tree.Folded, "suffix[0]": tree.Carried,
				"name[1].given[1]": tree.Carried, "line[0]": tree.Carried, "line[1]": tree.Folded, "line[2]": tree.Folded}},
		{"a report of unknown status",
			`{"resourceType":"DiagnosticReport","id":"r","status":"unknown","code":{"text":"Panel"},"subject":{"reference":"urn:uuid:ann"},"result":[{"reference":"urn:uuid:sodium"}]}`,
			map[string]tree.State{".status": tree.Folded}},
		{"the description of an appointment",
			`{"resourceType":"Appointment","id":"a","status":"booked","start":"2031-02-03T09:00:00Z","end":"2031-02-03T09:30:00Z","description":"Check of the wound","comment":"Bring the plan.","participant":[{"actor":{"reference":"urn:uuid:ann"},"status":"accepted"}]}`,
			map[string]tree.State{".description": tree.Folded, ".comment": tree.Folded}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resources := []string{annLee, sodium, tt.resource}
			switch { // what leads to it
			case strings.Contains(tt.resource, `"Practitioner"`):
				resources[1] = strings.Replace(sodium, `"code"`, `"performer":[{"reference":"urn:uuid:bo"}],"code"`, 1)
			case strings.Contains(tt.resource, `"Organization"`):
				resources[1] = strings.Replace(foreign, `"source"`, `"sender":{"reference":"urn:uuid:clinic"},"source"`, 1)
			case strings.Contains(tt.resource, `"Patient"`):
				resources = []string{tt.resource}
			}
			rec := recordOf(t, resources...)
			home := cameHome(t, rec)
			if lost := maptest.NotHome(rec, home...); len(lost) > 0 {
				t.Errorf("called carried and not at home: %q", lost)
			}
			found, last := map[string]bool{}, rec.Resources[len(rec.Resources)-1]
			rec.EachLeaf(func(l *mapping.Leaf) {
				for end, want := range tt.states {
					if place := l.Place(); l.Resource == last && strings.HasSuffix(place, end) {
						found[end] = true
						if l.State != want {
							t.Errorf("%s is %s (%s), want %s", place, l.State, l.Why, want)
						}
					}
				}
			})
			if len(found) != len(tt.states) {
				t.Errorf("found %v", slices.Sorted(maps.Keys(found)))
			}
		})
	}
}

// TestCarriedComesHome holds the law over the records of others.
func TestCarriedComesHome(t *testing.T) {
	faults := map[string]int{}
	born := fhirBorn(t)
	for _, name := range slices.Sorted(maps.Keys(born)) {
		rec := born[name]()
		home := cameHome(t, rec)
		if home == nil {
			continue
		}
		for _, place := range maptest.NotHome(rec, home...) {
			if faults[place]++; faults[place] == 1 {
				t.Logf("%s: %s", name, place)
			}
		}
	}
	for _, place := range slices.Sorted(maps.Keys(faults)) {
		t.Errorf("%4d of %s are called carried and not at home", faults[place], place)
	}
}

// TestSurgeonOnce: who did a procedure stands in PR1, and not in ROL once more, of which a second performer would come home.
func TestSurgeonOnce(t *testing.T) {
	const head = "MSH|^~\\&|MAPLE|||ELM|20310203||DFT^P03|7|P|2.5.1\rEVN|P03|20310203\rPID|1||7||Lee^Ann\rFT1|1|||20310203||CG|73630\r"
	for _, pr1 := range []string{"PR1|1||73630||20310203||||||1^Berg^Tom", "PR1|1||73630||20310203|||||||1^Berg^Tom"} {
		home := cameHome(t, hubOf(t, head+pr1+"\r").Record)
		if len(home) != 1 {
			t.Fatalf("%d messages", len(home))
		}
		for _, r := range home[0].Resources {
			if x, ok := r.Msg.(*procpb.Procedure); ok && len(x.Performer) != 1 {
				t.Errorf("%s: %d performers come home", pr1, len(x.Performer))
			}
		}
	}
}
