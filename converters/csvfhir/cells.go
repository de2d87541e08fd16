package csvfhir

import (
	"bytes"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file reads resources of FHIR that stand as JSON in the cells of a column, as exports of health data from telephones have them. They are what
// they are: they keep their ids and references, and no row is asked.

// Findings of resources in cells.
const (
	OldResource diag.ID = "CP-CSV-089"
	NoResource  diag.ID = "CP-CSV-090"
)

// addCells adds the resources that stand in the cells of rows to a record.
func addCells(rec *mapping.Record, d *tree.Doc, rows []*row) *diag.Finding {
	for n := d.First(tree.Root); n != 0; n = d.Next(n) {
		x := rows[d.Ordinal(n)-1]
		if x.of.Table.Resource == "" {
			continue
		}
		k := d.Child(n, x.of.Table.Resource)
		if k == 0 {
			continue
		}
		text := strings.TrimSpace(d.Text(k))
		at := diag.Place{Source: x.of.file, Line: x.line, Path: d.PlaceOf(k)}
		m, finds := fhir.Unmarshal([]byte(text))
		if m == nil || len(finds) > 0 && fhir.Lost(finds) != nil {
			if older(text) {
				return diag.New(OldResource, at, "")
			}
			what := NoResource.Entry().What
			if i := slices.IndexFunc(finds, func(f *diag.Finding) bool { return f.Severity() == diag.Reject }); i >= 0 && text != "" {
				what += ": " + finds[i].Message()
				if p := finds[i].Place.Path; p != "" {
					what += " (" + p + ")"
				}
			}
			return diag.New(NoResource, at, "%s", what)
		}
		if b, ok := m.(*rpb.Bundle); ok {
			for _, e := range b.Entry {
				if r := fhir.Unwrap(e.GetResource()); r != nil {
					add(rec, r, e.GetFullUrl().GetValue(), x)
				}
			}
		} else {
			add(rec, m, "", x)
		}
		d.Mark(k, tree.Carried, "")
	}
	return nil
}

// add adds a resource, which keeps its id if it has one.
func add(rec *mapping.Record, m proto.Message, fullURL string, x *row) {
	r := mapping.NewResource(m, fullURL)
	if ti := plan.OfMessage(m); r.ID == "" && ti.ID >= 0 {
		id := &dpb.Id{Value: fhir.ResourceID(m, "", x.keyed())}
		reflect.ValueOf(m).Elem().Field(ti.ID).Set(reflect.ValueOf(id))
		r = mapping.NewResource(m, fullURL)
	}
	rec.Add(r)
}

// older reports JSON of a resource that has marks of an edition before R4: its type, an element, or a family name that is a list.
func older(text string) bool {
	typ, names, family := "", []string{}, false
	dec := jsontext.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			break
		}
		depth := dec.StackDepth()
		if kind, n := dec.StackIndex(depth); kind != '{' || n%2 == 0 || tok.Kind() != '"' { // not a name
			continue
		}
		name := tok.String()
		if depth == 1 {
			names = append(names, name)
		}
		switch {
		case name == "resourceType" && depth == 1:
			if v, err := dec.ReadToken(); err == nil && v.Kind() == '"' {
				typ = v.String()
			}
		case name == "family" && dec.PeekKind() == '[':
			family = true
		}
	}
	return family || fhir.Earlier(typ, "") || slices.ContainsFunc(names, func(n string) bool { return fhir.Earlier(typ, n) })
}
