package fhirpath_test

import (
	"fmt"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// An expression is compiled once for a type, and run over any number of messages with one context a goroutine.
func Example() {
	m, _ := fhir.Unmarshal([]byte(`{"resourceType":"Patient","name":[{"use":"usual","given":["Annie"]},{"use":"official","given":["Ann","May"]}]}`))
	patient := fhirpath.Of(m)
	x, err := fhirpath.Compile("name.where(use = 'official').given", fhirpath.TypesOf(patient.Type()))
	if err != nil {
		fmt.Println(err)
		return
	}
	c := fhirpath.NewContext(fhirpath.Env{})
	items, err := x.Eval(c, patient)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range items {
		text, _ := v.Text()
		fmt.Println(c.Place(v), text)
	}
	_, err = fhirpath.Compile("name.famly", fhirpath.TypesOf(patient.Type()))
	fmt.Println(err)
	// Output:
	// Patient.name[1].given[0] Ann
	// Patient.name[1].given[1] May
	// column 6: HumanName has no element famly; did you mean family?
}
