package views

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhirpath"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// members are the resources of a record, and of one that is about several patients which belong to each.
type members struct {
	all      []fhirpath.Value
	patients map[proto.Message][]fhirpath.Value // nil if there is but one
}

func membersOf(rec *convert.Record) (m members) {
	patients := map[proto.Message][]fhirpath.Value{}
	for _, r := range rec.Resources {
		if r.Inside() {
			continue
		}
		v := fhirpath.Of(r.Msg)
		m.all = append(m.all, v)
		if r.Type() == "Patient" {
			patients[r.Msg] = nil
		}
	}
	if len(patients) < 2 {
		return m
	}
	m.patients = patients
	index := rec.Index()
	for _, v := range m.all {
		msg := v.Message()
		mine := map[proto.Message]bool{}
		if _, patient := patients[msg]; patient {
			mine[msg] = true
		}
		fhir.References(msg, func(ref *dpb.Reference) {
			if to := index.Resolve(ref, msg); to != nil {
				if _, patient := patients[to]; patient {
					mine[to] = true
				}
			}
		})
		for p := range mine {
			patients[p] = append(patients[p], v)
		}
	}
	return m
}

// of are the resources that belong to one of the record: of a patient among several that one and what refers to it; else all.
func (m members) of(to *mapping.Resource) []fhirpath.Value {
	if to.Type() != "Patient" || m.patients == nil {
		return m.all
	}
	return m.patients[to.Msg]
}
