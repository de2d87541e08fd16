package views

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhirpath"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// belonging are the resources of a record that belong to one of them: of a record of several patients, for a patient that one and what
// refers to it; else all.
func belonging(rec *convert.Record, to *mapping.Resource, all []fhirpath.Value) []fhirpath.Value {
	if to.Type() != "Patient" {
		return all
	}
	patients := 0
	for _, r := range rec.Resources {
		if r.Type() == "Patient" && !r.Inside() {
			patients++
		}
	}
	if patients < 2 {
		return all
	}
	index := rec.Index()
	var list []fhirpath.Value
	for _, v := range all {
		m := v.Message()
		mine := m == to.Msg
		fhir.References(m, func(ref *dpb.Reference) { mine = mine || index.Resolve(ref, m) == to.Msg })
		if mine {
			list = append(list, v)
		}
	}
	return list
}
