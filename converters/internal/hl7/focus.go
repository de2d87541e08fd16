package hl7

import (
	"slices"

	obpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"

	"github.com/chartpost/chartpost/pkg/mapping"
)

// TellsOfAnother reports an observation whose focus is, or may be, somebody else than its subject: a parent, a fetus, a donor. What a message or a
// document holds is said of its patient. A finding, a device or a specimen in focus is the patient's own.
func TellsOfAnother(rec *mapping.Record, r *mapping.Resource) bool {
	x, ok := r.Msg.(*obpb.Observation)
	if !ok {
		return false
	}
	for _, ref := range x.Focus {
		to, typ := rec.Resolve(r, ref)
		switch {
		case slices.Contains([]string{"", "Group", "Person", "Practitioner", "RelatedPerson"}, typ):
			return true
		case typ == "Patient":
			subject, _ := rec.Resolve(r, x.Subject)
			if to == nil || to != subject {
				return true
			}
		}
	}
	return false
}
