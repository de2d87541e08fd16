package v2fhir

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	aipb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/allergy_intolerance_go_proto"
	bpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// messagesOf are the messages that a record becomes, or the one that is asked for.
func messagesOf(t *testing.T, rec *mapping.Record, asked ...string) (texts []string) {
	t.Helper()
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	parts, _, err := Format(ms).NewWriter(&convert.Options{Message: strings.Join(asked, "")}).FromHub(&convert.Record{Record: rec, FromFHIR: true})
	if err != nil {
		t.Fatal(err)
	}
	for raw, err := range hl7v2.NewReader(strings.NewReader(string(parts[0].Data)), hl7v2.Options{}).All() {
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, raw.Data)
	}
	return texts
}

// TestControlIDs: messages of two documents with one number have ids of their own, each that fits into MSH-10, and a document that is sent again
// has the same ones.
func TestControlIDs(t *testing.T) {
	ids := func(resources ...string) (list []string) {
		rec := recordOf(t, resources...)
		rec.Bundle = &bpb.Bundle{Identifier: &dpb.Identifier{Value: &dpb.String{Value: "A-DOCUMENT-OF-A-LONG-NUMBER"}}}
		for _, text := range messagesOf(t, rec) {
			list = append(list, strings.Split(text, "|")[9])
		}
		if id := rec.Bundle.Identifier; id == nil {
			t.Error("the record has lost its identifier")
		}
		return list
	}
	first, other, again := ids(annLee, penicillin, gout), ids(annLee, penicillin, biopsy, gout), ids(annLee, penicillin, gout)
	if !slices.Equal(first, again) {
		t.Errorf("sent again: %q and %q", first, again)
	}
	if len(first) != 2 || len(first[0]) != 20 || len(first[1]) != 20 || first[0] == first[1] || first[0] == other[0] {
		t.Errorf("ids %q and %q", first, other)
	}
}

// TestHiddenNumbers: numbers that several things bear stay in the record, and the ledger says of each why it is in no message.
func TestHiddenNumbers(t *testing.T) {
	for _, message := range []string{"", "PPR^PC1"} {
		hiddenNumbers(t, message)
	}
}

// TestNumbersOfTheirOwn: segments without a number get those of the things that they tell of where there is one thing for each, and else one made
// of what they say: the number of another thing would be taken for theirs.
func TestNumbersOfTheirOwn(t *testing.T) {
	rec := recordOf(t, annLee, cough, gout)
	messagesOf(t, rec)
	for n, want := range map[int][]string{1: nil, 2: {"cough", "gout"}, 3: nil} {
		d := tree.New(hl7v2.Format, 8)
		var list []tree.Node
		for i := range n {
			prb := d.Add(tree.Root, "PRB", "")
			d.SetText(leafAt(d, prb, "3.1"), hl7v2.Number(i+1))
			list = append(list, prb)
		}
		giveIDs(d, rec, list, "Condition", "4")
		var got []string
		for _, prb := range list {
			got = append(got, textAt(d, prb, "4.1"))
		}
		if want != nil && !slices.Equal(got, want) {
			t.Errorf("%d of 2: %q, want %q", n, got, want)
		}
		for i, id := range got {
			if want == nil && (id == "" || id == "cough" || id == "gout" || slices.Contains(got[:i], id)) {
				t.Errorf("%d of 2: %q is the number of another, or none", n, got)
			}
		}
	}
}

func hiddenNumbers(t *testing.T, message string) {
	rec := recordOf(t, annLee, asthma, eczema)
	messagesOf(t, rec, message)
	declined := 0
	rec.Leaves(func(place func() string, s tree.State, why string) {
		if strings.HasSuffix(place(), ".identifier[0].value") && s == tree.Declined && strings.Contains(why, "another thing of its kind") {
			declined++
		}
	})
	if declined != 2 {
		t.Errorf("%q: %d numbers are declined, want 2", message, declined)
	}
}

// TestIAMStatus: what IAM-17 says of an allergy is not turned into its contrary, and what FHIR says of one comes back.
func TestIAMStatus(t *testing.T) {
	m := builtin(t)
	read := func(text string) *mapping.Record { return readMessage(t, m, text) }
	statuses := func(rec *mapping.Record) (list []string) {
		for _, r := range rec.Resources {
			if a, ok := r.Msg.(*aipb.AllergyIntolerance); ok {
				clinical, verified := allergyStatus(a)
				list = append(list, clinical+"/"+verified)
			}
		}
		return list
	}
	for code, want := range map[string]string{"I": "inactive/", "E": "/entered-in-error", "U": "active/unconfirmed", "C": "active/", "": "active/"} {
		for _, event := range []string{"A60^ADT_A60", "A08^ADT_A01", "A02^ADT_A02", "A11^ADT_A09", "A18^ADT_A18", "A40^ADT_A39", "A44^ADT_A43", "A47^ADT_A30"} {
			merge := ""
			if strings.Contains("A18 A40 A44 A47", event[:3]) {
				merge = "MRG|8\r"
			}
			rec := read("MSH|^~\\&|TEST||||20260101||ADT^" + event + "|1|P|2.5.1\rEVN||20260101\rPID|1||7||Lee^Ann\r" + merge + "PV1|1|N\rIAM|1||D1^Dust|||A|A1||||||||||" + code + "\r")
			if got := statuses(rec); len(got) != 1 || got[0] != want {
				t.Errorf("%s, IAM-17 %s: %q, want %s", event, code, got, want)
			}
		}
	}
	texts := messagesOf(t, recordOf(t, annLee, penicillin, pollen, nuts, wasp, latex))
	var got []string
	for _, text := range texts {
		got = append(got, statuses(read(text))...)
	}
	if want := []string{"active/", "inactive/", "active/unconfirmed", "/entered-in-error"}; !slices.Equal(got, want) {
		t.Errorf("come back as %q, want %q", got, want)
	}
}

// TestAskedHasItsSegments: a message of a visit that is asked for has no segment that its structure has not in the version that is written, though in
// such messages senders put all of them, and they are read.
func TestAskedHasItsSegments(t *testing.T) {
	const sister = `{"resourceType":"RelatedPerson","id":"sister","patient":{"reference":"urn:uuid:ann"},"name":[{"family":"Ray"}],"relationship":[{"text":"sister"}]}`
	visit := strings.Replace(summer, ofAnn, ofAnn+`,"diagnosis":[{"condition":{"reference":"urn:uuid:cough"}}]`, 1)
	operation := strings.Replace(biopsy, ofAnn, ofAnn+`,"encounter":{"reference":"urn:uuid:summer"}`, 1)
	written := map[string]bool{}
	for _, event := range []string{"A01", "A02", "A09", "A12", "A15", "A21", "A38", "A52", "A54", "A60", "A61"} {
		id, _ := schema.StructureOf("ADT", event)
		part := schema.StructureIn(id, "2.5.1")
		rec := recordOf(t, annLee, visit, sodium, cough, penicillin, pollen, operation, sister, policy, maple)
		text := strings.Join(messagesOf(t, rec, "ADT^"+event), "")
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r"), "\r") {
			name, _, _ := strings.Cut(line, "|")
			if written[name] = true; !part.Holds(name) {
				t.Errorf("%s has %s, which %s has not", event, name, id)
			}
		}
	}
	for _, name := range []string{"AL1", "DG1", "IN1", "NK1", "OBX", "PR1"} {
		if !written[name] {
			t.Errorf("no message has %s", name)
		}
	}
}

// TestFoldedStatus: a status that a message has for want of the right one is not called carried.
func TestFoldedStatus(t *testing.T) {
	rec := recordOf(t, annLee, uncertain)
	messagesOf(t, rec)
	said := ""
	rec.Leaves(func(place func() string, s tree.State, why string) {
		if place() == "Observation.status" {
			said = fmt.Sprint(s, ": ", why)
		}
	})
	if want := fmt.Sprint(tree.Folded, ": OBX-11 must say a status, and says that of the report or of the document"); said != want {
		t.Errorf("%s, want %s", said, want)
	}
}

func TestPlainNumber(t *testing.T) {
	for s, want := range map[string]string{"1.50e+2": "150", "1.0000000e+000": "1.0000000", "-2.5E-3": "-0.0025", "7e1": "70", "1e-2": "0.01", "12.5": "12.5", "0.5e1": "5", "1e99": "1e99"} {
		if got := hl7.Plain(s); got != want {
			t.Errorf("%s is %s, want %s", s, got, want)
		}
	}
}

// TestDeclinedMarks: what documents say beside the elements that a message has, in extensions of primitives too, is left out for a reason.
func TestDeclinedMarks(t *testing.T) {
	rec := recordOf(t, `{"resourceType":"Patient","id":"ann","identifier":[{"value":"7"}],"extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[
		{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3","display":"White","extension":[{"url":"https://chartpost.org/fhir/StructureDefinition/code-system-name","valueString":"CDCREC"}]}},
		{"url":"text","valueString":"White"}]}],"gender":"female","_gender":{"extension":[
		{"url":"https://chartpost.org/fhir/StructureDefinition/administrative-gender","valueCodeableConcept":{"text":"Female"}}]},
		"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"en"}]},"preferred":true}]}`)
	messagesOf(t, rec)
	why := map[string]string{}
	rec.Leaves(func(place func() string, s tree.State, w string) {
		if s == tree.Declined {
			why[place()] = w
		} else if s == tree.Unmapped {
			t.Errorf("%s is unmapped", place())
		}
	})
	for place, want := range map[string]string{"Patient.gender.extension[0].value.ofType(CodeableConcept).text": "PID-8 has one code", "Patient.communication[0].preferred": "PID-15",
		"Patient.extension[0].extension[0].value.ofType(Coding).extension[0].value.ofType(string)": "a message has the id of a code system alone"} {
		if !strings.HasPrefix(why[place], want) {
			t.Errorf("%s: %q, want %s", place, why[place], want)
		}
	}
}

// TestNamedByNumber: a reference that names whom it leads to by number leads to who has the number, and what it says of somebody who is not in the
// record is in the message: who did it, who keeps it, and where.
func TestNamedByNumber(t *testing.T) {
	const (
		ann = `"reference":"Patient?identifier=https://maple.example/mrn%7C7"`
		tom = `"reference":"Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999999299","display":"Dr. Tom Berg"`
	)
	rec := recordOf(t, `{"resourceType":"Patient","id":"ann","identifier":[{"system":"https://maple.example/mrn","value":"7"}],"name":[{"text":"Ann Lee"}]}`,
		`{"resourceType":"Practitioner","id":"tom","identifier":[{"system":"http://hl7.org/fhir/sid/us-npi","value":"9999999299"}],"name":[{"family":"Berg","given":["Tom"]}]}`,
		`{"resourceType":"Encounter","id":"e","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"subject":{`+ann+`},
			"participant":[{"individual":{"reference":"https://maple.example/fhir/PractitionerRole/12/_history/2","display":"Dr. Kim Dahl"}},{"type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"PPRF"}]}],"individual":{`+tom+`}}],
			"location":[{"location":{"reference":"Location?identifier=https://maple.example/places|3","display":"Maple Clinic"}}]}`,
		`{"resourceType":"Immunization","id":"i","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"140"}]},"patient":{`+ann+`},"encounter":{"reference":"Encounter/e"},"occurrenceDateTime":"2031-02-03",
			"location":{"reference":"Location/3","display":"Maple Clinic"},"performer":[{"actor":{"identifier":{"system":"http://hl7.org/fhir/sid/us-npi","value":"9999999299"}}}]}`,
		`{"resourceType":"DocumentReference","id":"d","status":"current","type":{"text":"Note"},"subject":{`+ann+`},"author":[{`+tom+`}],"custodian":{"type":"Organization","display":"Maple Clinic"},
			"content":[{"attachment":{"contentType":"text/plain","data":"V2VsbC4="}}]}`)
	had := len(rec.Resources)
	rec.LinkNamed()
	messages := strings.Join(messagesOf(t, rec), "")
	for _, want := range []string{"||Ann Lee\r", "PV1|1|O|^^^^^^^^Maple Clinic|", "|^Dr. Kim Dahl", "|9999999299^Berg^Tom^^^^^^&2.16.840.1.113883.4.6&ISO|^^^Maple Clinic|", "|||9999999299^Berg^Tom^", "ParticipationType|9999999299^Berg^Tom^", "||||||||Maple Clinic\r"} {
		if !strings.Contains(messages, want) {
			t.Errorf("%s is not in\n%s", want, strings.ReplaceAll(messages, "\r", "\n"))
		}
	}
	got, kinds := map[string]tree.State{}, map[string]int{}
	rec.EachLeaf(func(l *mapping.Leaf) {
		got[l.Place()] = l.State
		if l.Resource.StandIn() {
			t.Errorf("%s is a leaf", l.Place())
		}
		if l.State == tree.Unmapped {
			t.Errorf("%s is unmapped", l.Place())
		}
	})
	for place, want := range map[string]tree.State{"Encounter.participant[0].individual.reference": tree.Folded, "Encounter.participant[0].individual.display": tree.Folded,
		"Encounter.participant[1].individual.reference": tree.Folded, "Encounter.location[0].location.display": tree.Folded, "Immunization.location.display": tree.Folded,
		"Immunization.performer[0].actor.identifier.system": tree.Folded, "Immunization.performer[0].actor.identifier.value": tree.Folded,
		"DocumentReference.author[0].reference": tree.Carried, "DocumentReference.author[0].display": tree.Declined, "DocumentReference.custodian.display": tree.Folded} {
		if got[place] != want {
			t.Errorf("%s is %s, want %s", place, got[place], want)
		}
	}
	for _, r := range rec.Resources[had:] {
		kinds[r.Type()]++
	}
	if want := map[string]int{"Practitioner": 1, "Location": 2, "Organization": 1}; !maps.Equal(kinds, want) {
		t.Errorf("%v stand in, want %v", kinds, want)
	}
}

// TestAmbiguousNumber: a number that two of the record have leads to neither of them, and one without a system to nobody in it.
func TestAmbiguousNumber(t *testing.T) {
	rec := recordOf(t, annLee, `{"resourceType":"Practitioner","id":"tom","identifier":[{"system":"https://maple.example/staff","value":"1"}],"name":[{"family":"Berg"}]}`,
		`{"resourceType":"Practitioner","id":"kim","identifier":[{"system":"https://maple.example/staff","value":"1"},{"value":"2"}],"name":[{"family":"Dahl"}]}`,
		`{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Weight"},"subject":{"reference":"urn:uuid:ann"},"valueString":"light",
			"performer":[{"reference":"Practitioner?identifier=https://maple.example/staff|1"},{"type":"Practitioner","identifier":{"value":"2"}}]}`)
	rec.LinkNamed()
	if got := strings.Join(messagesOf(t, rec), ""); strings.Contains(got, "Berg") || strings.Contains(got, "Dahl") || !strings.Contains(got, "|1^") {
		t.Errorf("somebody else performed it, or nobody:\n%s", strings.ReplaceAll(got, "\r", "\n"))
	}
}

// TestRoleGave: who gave a vaccine stands in the message whether FHIR says a person or a person's role.
func TestRoleGave(t *testing.T) {
	const role = `{"resourceType":"PractitionerRole","id":"r","active":true,"practitioner":{"reference":"Practitioner/tom","display":"Dr. Tom Berg"}}`
	for _, function := range []string{"", `"function":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0443","code":"AP"}]},`} {
		rec := recordOf(t, annLee, role, `{"resourceType":"Immunization","id":"i","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"140"}]},
			"patient":{"reference":"urn:uuid:ann"},"occurrenceDateTime":"2031-02-03","performer":[{`+function+`"actor":{"reference":"PractitionerRole/r"}}]}`)
		rec.LinkNamed()
		if got := strings.Join(messagesOf(t, rec), ""); !strings.Contains(got, "CVX|999||||^Dr. Tom Berg") {
			t.Errorf("nobody gave it:\n%s", strings.ReplaceAll(got, "\r", "\n"))
		}
		rec.Leaves(func(place func() string, s tree.State, _ string) {
			if s == tree.Unmapped {
				t.Errorf("%s is unmapped", place())
			}
		})
	}
}

// TestRoleInMessage: who has a role stands wherever a message has room for a person.
func TestRoleInMessage(t *testing.T) {
	const role = `{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/tom"}}`
	const tom = `{"resourceType":"Practitioner","id":"tom","name":[{"family":"Berg","given":["Tom"]}]}`
	for field, resource := range map[string]string{
		"ROL-4": `{"resourceType":"Encounter","id":"e","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"subject":{"reference":"urn:uuid:ann"},
			"participant":[{"individual":{"reference":"PractitionerRole/r"}}]}`,
		"TXA-9": `{"resourceType":"DocumentReference","id":"d","status":"current","type":{"text":"Note"},"subject":{"reference":"urn:uuid:ann"},"author":[{"reference":"PractitionerRole/r"}],
			"content":[{"attachment":{"contentType":"text/plain","data":"V2VsbC4="}}]}`,
		"TXA-10": `{"resourceType":"DocumentReference","id":"d","status":"current","type":{"text":"Note"},"subject":{"reference":"urn:uuid:ann"},"authenticator":{"reference":"PractitionerRole/r"},
			"content":[{"attachment":{"contentType":"text/plain","data":"V2VsbC4="}}]}`,
		"NTE-5": `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Weight"},"subject":{"reference":"urn:uuid:ann"},"valueString":"light","note":[{"authorReference":{"reference":"PractitionerRole/r"},"text":"Well."}]}`,
	} {
		rec := recordOf(t, annLee, role, tom, resource)
		got := "\r" + strings.Join(messagesOf(t, rec), "")
		segment, number, _ := strings.Cut(field, "-")
		_, rest, _ := strings.Cut(got, "\r"+segment+"|")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		if fields := strings.Split(strings.SplitN(rest, "\r", 2)[0], "|"); len(fields) < n || !strings.HasPrefix(fields[n-1], "^Berg^Tom") {
			t.Errorf("nobody in %s:%s", field, strings.ReplaceAll(got, "\r", "\n"))
		}
	}
}
