package fhirpath_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	gofhir "github.com/gofhir/fhirpath"
	"github.com/gofhir/fhirpath/funcs"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// BenchmarkExpression runs expressions over official examples, with gofhir/fhirpath on the JSON of the same element beside it, both
// compiled beforehand.
func BenchmarkExpression(b *testing.B) {
	funcs.SetTraceLogger(funcs.NullTraceLogger{})
	for _, x := range []struct{ name, file, path, source string }{
		{"given", "Patient-f001", "", "name.given"},
		{"official", "Patient-f001", "", "name.where(use = 'official').family"},
		{"pat-1", "Patient-f001", "contact", "name.exists() or telecom.exists() or address.exists() or organization.exists()"},
		{"ele-1", "Patient-f001", "name", "hasValue() or (children().count() > id.count())"},
		{"obs-6", "Observation-blood-pressure", "", "dataAbsentReason.empty() or value.empty()"},
		{"ref-1", "Observation-blood-pressure", "subject", "reference.startsWith('#').not() or (reference.substring(1) in %rootResource.contained.id)"},
		{"per-1", "Encounter-home", "period", "start.hasValue().not() or end.hasValue().not() or (start <= end)"},
		{"dom-3", "MedicationRequest-medrx0301", "", "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | " +
			"%resource.descendants().as(uri) | %resource.descendants().as(url))) or descendants().where(reference = '#').exists()).not()).empty()"},
	} {
		data, err := os.ReadFile(filepath.Join(testshared.Dir(b), "corpus/fhir/examples", x.file+".json"))
		if err != nil {
			b.Fatal(err)
		}
		m, _ := fhir.Unmarshal(data)
		root := fhirpath.Of(m)
		c := fhirpath.NewContext(fhirpath.Env{})
		c.SetScope(root, root)
		v, part := root, json.RawMessage(data)
		if x.path != "" {
			items, err := fhirpath.MustCompile(x.path+".first()", fhirpath.TypesOf(root.Type())).Eval(c, root)
			if err != nil || len(items) != 1 {
				b.Fatalf("%s: %v", x.name, err)
			}
			v = items[0]
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(data, &fields); err != nil {
				b.Fatal(err)
			}
			var list []json.RawMessage
			if part = fields[x.path]; json.Unmarshal(part, &list) == nil {
				part = list[0]
			}
		}
		own := fhirpath.MustCompile(x.source, fhirpath.TypesOf(v.Type()))
		theirs := gofhir.MustCompile(x.source)
		resource := gofhir.WithVariable("resource", gofhir.MustEvaluate(data, "$this"))
		rootResource := gofhir.WithVariable("rootResource", gofhir.MustEvaluate(data, "$this"))
		b.Run(x.name+"/own", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := own.Eval(c, v); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(x.name+"/gofhir", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := theirs.EvaluateWithOptions(part, resource, rootResource); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkView is the columns of a view over the Observations of a bundle of Synthea.
func BenchmarkView(b *testing.B) {
	files, err := filepath.Glob(filepath.Join(testshared.Dir(b), "corpus/fhir/synthea/*.json"))
	if err != nil || len(files) == 0 {
		b.Fatal("no bundles", err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		b.Fatal(err)
	}
	m, _ := fhir.Unmarshal(data)
	bundle := fhirpath.Of(m)
	c := fhirpath.NewContext(fhirpath.Env{})
	found, err := fhirpath.MustCompile("entry.resource.ofType(Observation)", fhirpath.TypesOf(bundle.Type())).Eval(c, bundle)
	if err != nil || len(found) == 0 {
		b.Fatal("no observations", err)
	}
	rows := append([]fhirpath.Value(nil), found...)
	var columns []*fhirpath.Expr
	for _, s := range []string{"getResourceKey()", "subject.getReferenceKey(Patient)", "code.coding.where(system = 'http://loinc.org').code.first()",
		"effective.ofType(dateTime)", "value.ofType(Quantity).value", "value.ofType(Quantity).unit", "status"} {
		columns = append(columns, fhirpath.MustCompile(s, fhirpath.TypesOf(rows[0].Type())))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range rows {
			for _, x := range columns {
				if _, err := x.Eval(c, r); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rows)), "ns/row")
}
