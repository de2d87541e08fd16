package fhir

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/internal/fhirpackage"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// The oracle: google/fhir's jsonformat makes the same message of the same JSON, for every public resource there is at hand.

type file struct {
	name string
	data []byte
}

// corpora gives the JSON of resources under shared, and the library's own.
func corpora(t testing.TB) iter.Seq[file] {
	shared := testshared.Dir(t)
	return func(yield func(file) bool) {
		for _, dir := range []string{"corpus/fhir/synthea", "corpus/fhir/examples", "conformance/fhir-test-cases", "conformance/ccda-fhir/fhir", "conformance/hl7v2-fhir"} {
			stop := false
			err := filepath.WalkDir(filepath.Join(shared, dir), func(p string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() || path.Ext(p) != ".json" || stop {
					return err
				}
				b, err := os.ReadFile(p)
				stop = err == nil && !yield(file{strings.TrimPrefix(p, shared+"/"), b})
				return err
			})
			if err != nil {
				t.Error(err)
			}
			if stop {
				return
			}
		}
		for _, tgz := range []string{"conformance/us-core/us_core_311.tgz", "conformance/us-core/us_core_610.tgz", "conformance/us-core/us_core_700.tgz",
			"conformance/fhir-r4-core/hl7.fhir.r4.core-4.0.1.tgz"} {
			if testing.Short() && !strings.Contains(tgz, "610") {
				continue
			}
			for f, err := range fhirpackage.Files(filepath.Join(shared, tgz)) {
				if err != nil {
					t.Error(err)
					return
				}
				if !f.IsDefinition() && (path.Dir(f.Name) != "package/example" || path.Ext(f.Name) != ".json" || strings.HasPrefix(path.Base(f.Name), ".")) {
					continue
				}
				b, err := io.ReadAll(f)
				if err != nil {
					t.Error(err)
					return
				}
				if !yield(file{tgz + "/" + f.Name, b}) {
					return
				}
			}
		}
	}
}

func oracle(t testing.TB) *jsonformat.Unmarshaller {
	u, err := jsonformat.NewUnmarshallerWithoutValidation("UTC", fhirversion.R4)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// alike takes out of a message what the two codecs say in their own ways: how the text of a value was written, and a reference
// to a type without an id, of which the oracle makes an empty id.
func alike(m protoreflect.Message) {
	if r, ok := m.Interface().(*dpb.Reference); ok && r.Reference != nil {
		if v, _ := refMembers().Chosen(reflect.ValueOf(r).Elem()); v.Addr().Interface().(interface{ GetValue() string }).GetValue() == "" && r.GetUri() == nil {
			m.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
				if o := fd.ContainingOneof(); o != nil && fd.Message().Name() == "ReferenceId" {
					r.Reference = &dpb.Reference_Uri{Uri: &dpb.String{Value: plan.OfMessage(r).Element("reference").ByWrap(reflect.TypeOf(r.Reference).Elem()).Name + "/"}}
				}
				return true
			})
		}
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Message() == nil:
		case fd.IsList():
			l, n := v.List(), 0
			for i := range l.Len() {
				x := l.Get(i).Message()
				if e, ok := x.Interface().(*dpb.Extension); ok && e.GetUrl().GetValue() != plan.NoValueURL && plan.IsInternal(e) {
					continue
				}
				if a, ok := x.Interface().(*anypb.Any); ok {
					if u, err := Unpack(a); err == nil {
						alike(u.ProtoReflect())
						if p, err := Pack(u); err == nil {
							a.Value = p.Value
						}
					}
				}
				alike(x)
				l.Set(n, protoreflect.ValueOfMessage(x))
				n++
			}
			l.Truncate(n)
			if n == 0 {
				m.Clear(fd)
			}
		default:
			alike(v.Message())
		}
		return true
	})
}

// sameJSON compares two documents by content: numbers by their text, objects without regard to order.
func sameJSON(t *testing.T, name string, a, b []byte) {
	t.Helper()
	var x, y any
	for _, d := range []struct {
		b []byte
		v *any
	}{{a, &x}, {b, &y}} {
		dec := json.NewDecoder(bytes.NewReader(d.b))
		dec.UseNumber()
		if err := dec.Decode(d.v); err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
	if !reflect.DeepEqual(x, y) {
		t.Errorf("%s: the JSON that was written differs:\n%s", name, firstDifference("", x, y))
	}
}

func firstDifference(at string, x, y any) string {
	if mx, ok := x.(map[string]any); ok {
		if my, ok := y.(map[string]any); ok {
			for k := range mx {
				if !reflect.DeepEqual(mx[k], my[k]) {
					return firstDifference(at+"."+k, mx[k], my[k])
				}
			}
			for k := range my {
				if _, ok := mx[k]; !ok {
					return at + "." + k + " is new"
				}
			}
		}
	}
	if lx, ok := x.([]any); ok {
		if ly, ok := y.([]any); ok && len(lx) == len(ly) {
			for i := range lx {
				if !reflect.DeepEqual(lx[i], ly[i]) {
					return firstDifference(at+"[]", lx[i], ly[i])
				}
			}
		}
	}
	bx, _ := json.Marshal(x)
	by, _ := json.Marshal(y)
	return at + ": " + string(bx[:min(len(bx), 300)]) + "\nbecomes " + string(by[:min(len(by), 300)])
}

// stricterThanOracle are the files that the oracle takes and FHIR does not allow.
var stricterThanOracle = map[string]diag.ID{
	"bundle-sig-2.json":          "CP-FHIR-006", // "meta": null
	"empty-array.json":           "CP-FHIR-007",
	"contained-resource.json":    "CP-FHIR-013", // an id that begins with #
	"resource-invalid-id-3.json": "CP-FHIR-013", // the oracle does not look at contained resources
	"shc-bad-1.json":             "CP-FHIR-010", // "Completed"
}

func TestOracle(t *testing.T) {
	u := oracle(t)
	files, equal, both, stricter, laxer := 0, 0, 0, 0, 0
	for f := range corpora(t) {
		files++
		m, findings := Unmarshal(f.data)
		want, err := u.Unmarshal(bytes.TrimPrefix(f.data, utf8Mark))
		switch {
		case err != nil && len(findings) > 0:
			both++
			continue
		case err != nil:
			laxer++
			// The oracle does not know Parameters.parameter.resource.
			if rest := strings.ReplaceAll(err.Error(), `.resource": unknown field`, ""); !strings.Contains(rest, "Parameters.parameter") || strings.Contains(rest, "unknown") {
				t.Errorf("%s: only the oracle refuses: %.200v", f.name, err)
			}
		case len(findings) > 0:
			stricter++
			if findings[0].ID != stricterThanOracle[path.Base(f.name)] {
				t.Errorf("%s: only we find: %v", f.name, findings[0])
			}
			continue
		default:
			w, g := proto.Clone(Unwrap(want.(*rpb.ContainedResource))), proto.Clone(m)
			alike(w.ProtoReflect())
			alike(g.ProtoReflect())
			if !proto.Equal(w, g) {
				t.Errorf("%s: the message differs from the oracle's:\n%s", f.name, cmp.Diff(w, g, protocmp.Transform()))
				continue
			}
			equal++
		}
		out, err := Append(nil, m)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		sameJSON(t, f.name, bytes.TrimPrefix(f.data, utf8Mark), out)
	}
	t.Logf("%d files: %d equal, %d refused by both, %d by us alone, %d by the oracle alone", files, equal, both, stricter, laxer)
}
