package fhir_test

import (
	"fmt"
	"os"
	"strings"

	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir"
)

func ExampleUnmarshal() {
	m, findings := fhir.Unmarshal([]byte(`{
  "resourceType": "Patient",
  "name": [{"family": "Testwell", "given": ["Ann"], "Prefix": ["Dr."]}],
  "birthDate": "1980-02-30"
}`))
	for _, f := range findings {
		fmt.Println(f)
	}
	fmt.Println(m.(*ppb.Patient).Name[0].Family.Value)
	// Output:
	// :3:53, Patient.name[0]: HumanName has no such element; did you mean prefix? [CP-FHIR-003]
	// :4:16, Patient.birthDate: not a date [CP-FHIR-009]
	// Testwell
}

func ExampleReader() {
	in := `{"resourceType":"Patient","id":"a"}
{"resourceType":"Patient","id":}
{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"c"}}]}
`
	for e, err := range fhir.NewReader(strings.NewReader(in), fhir.ReaderOptions{Source: "in.ndjson", Jobs: 2}).All() {
		switch {
		case err != nil:
			fmt.Println(err)
		case e.End:
			fmt.Println("a bundle ends, entries:", e.Index)
		case fhir.Lost(e.Findings) != nil:
			fmt.Println(fhir.Lost(e.Findings))
		default:
			fmt.Println(fhir.TypeOf(e.Resource), fhir.IDOf(e.Resource))
		}
	}
	// Output:
	// Patient a
	// in.ndjson:2:32, record 2: JSON does not allow what stands here [CP-FHIR-001]
	// Patient c
	// a bundle ends, entries: 1
}

func ExampleNewBundle() {
	id := fhir.ID("Patient", "Maple Street Clinic", "0042")
	p := &ppb.Patient{Id: fhir.NewID(id), MaritalStatus: fhir.Concept("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "M", "")}
	b, err := fhir.NewBundle(fhir.Transaction, p)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := fhir.Append(nil, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	os.Stdout.Write(fhir.Indent(nil, out))
	// Output:
	// {
	//   "resourceType": "Bundle",
	//   "type": "transaction",
	//   "entry": [
	//     {
	//       "fullUrl": "urn:uuid:3f8b0c3e-a15d-5b4e-9fb5-2d45bab97684",
	//       "resource": {
	//         "resourceType": "Patient",
	//         "id": "3f8b0c3e-a15d-5b4e-9fb5-2d45bab97684",
	//         "maritalStatus": {
	//           "coding": [
	//             {
	//               "system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
	//               "code": "M"
	//             }
	//           ]
	//         }
	//       },
	//       "request": {
	//         "method": "PUT",
	//         "url": "Patient/3f8b0c3e-a15d-5b4e-9fb5-2d45bab97684"
	//       }
	//     }
	//   ]
	// }
}
