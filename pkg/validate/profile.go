package validate

import (
	"reflect"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

func (w *walker) profiles(m proto.Message, t *plan.Type) {}

func (w *walker) extension(x *dpb.Extension) {
	url := x.GetUrl().GetValue()
	if n := len(w.path); n > 1 && w.path[n-1].name == "extension" && w.path[n-2].name == "extension" {
		return
	}
	if url != "" && !absolute(url) {
		w.findAt("url", "CP-FHIR-118", "").WithValue(url)
	}
}

type rules struct{}

func (v *Validator) rulesOf(t *plan.Type) *rules                  { return nil }
func (v *Validator) rulesAt(t *plan.Type, e *plan.Element) *rules { return nil }
func (w *walker) invariants(r *rules, v reflect.Value)            {}
