package convert

import (
	"bytes"
	"fmt"
	"io"
	"iter"

	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file is the hub's own format: FHIR R4 as JSON, a bundle per record, and NDJSON, a resource a line.

// FHIR is the format of bundles.
func FHIR() *Format {
	return &Format{Name: "fhir", Extension: ".json", Sniff: sniffFHIR, Read: readFHIR, NewWorker: newFHIRWorker,
		NewWriter: func(o *Options) Writer { return &bundleWriter{o: o} }, Describe: describeFHIR}
}

// NDJSON is the format of bulk data. It is read as FHIR is.
func NDJSON() *Format {
	return &Format{Name: "ndjson", Extension: ".ndjson", Read: readFHIR, NewWorker: newFHIRWorker,
		NewWriter: func(o *Options) Writer { return &linesWriter{} }}
}

// sniffFHIR looks for a JSON object that names its resourceType early, or that is cut off before it could.
func sniffFHIR(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 || head[0] != '{' {
		return false
	}
	return bytes.Contains(head, []byte(`"resourceType"`))
}

func readFHIR(r io.Reader, source string, o *Options) iter.Seq2[*Raw, error] {
	return func(yield func(*Raw, error) bool) {
		// Going to NDJSON a bundle need not be whole in memory.
		whole := o.To != "ndjson"
		reader := fhir.NewReader(r, fhir.ReaderOptions{Source: source, Whole: whole, Max: maxOr(o.MaxRecord, 1<<30)})
		index := 0
		var loose []fhir.Entry // resources that stand alone: one record for each patient
		for e, err := range reader.All() {
			if err != nil {
				yield(nil, err)
				return
			}
			if e.End {
				continue
			}
			if whole && e.Resource != nil && o.To != "fhir" && fhir.TypeOf(e.Resource) != "Bundle" {
				loose = append(loose, e)
				continue
			}
			index++
			text := e.Text
			raw := &Raw{Index: index, Bytes: func() []byte { return []byte(text) }, Data: []fhir.Entry{e}, Findings: e.Findings}
			if f := fhir.Lost(e.Findings); f != nil || e.Resource == nil {
				if f == nil {
					continue // an entry of a bundle without a resource
				}
				raw.Reject, raw.Findings = f, nil
			}
			if !yield(raw, nil) {
				return
			}
		}
		for _, group := range byPatient(loose) {
			index++
			var text []byte
			var finds []*diag.Finding
			for _, e := range group {
				text = append(append(text, e.Text...), '\n')
				finds = append(finds, e.Findings...)
			}
			if !yield(&Raw{Index: index, Bytes: func() []byte { return text }, Data: group, Findings: finds}, nil) {
				return
			}
		}
	}
}

func maxOr(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// byPatient makes a group for each patient: what refers to it and what it refers to, at any distance, but not by way of
// another patient. What no patient reaches is a group of its own at the end. The order is that of the source.
func byPatient(loose []fhir.Entry) [][]fhir.Entry {
	if len(loose) == 0 {
		return nil
	}
	index := fhir.NewIndex()
	at := map[proto.Message]int{}
	for i, e := range loose {
		index.Add(fhir.Located{Resource: e.Resource, FullURL: e.FullURL()})
		at[e.Resource] = i
	}
	edges := make([][]int, len(loose))
	for i, e := range loose {
		for _, to := range references(e.Resource, index) {
			if j, ok := at[to]; ok && j != i {
				edges[i] = append(edges[i], j)
				edges[j] = append(edges[j], i)
			}
		}
	}
	patient := func(i int) bool { return fhir.TypeOf(loose[i].Resource) == "Patient" }
	var groups [][]fhir.Entry
	reached := make([]bool, len(loose))
	for i := range loose {
		if !patient(i) {
			continue
		}
		in := map[int]bool{i: true}
		// What refers to the patient belongs to it; what that refers to is needed to understand it.
		queue := []int{i}
		for len(queue) > 0 {
			k := queue[0]
			queue = queue[1:]
			for _, j := range edges[k] {
				if in[j] || patient(j) || shared(loose[j].Resource) && !directly(edges, k, j, loose) {
					continue
				}
				in[j] = true
				if !shared(loose[j].Resource) { // a practitioner leads on to other patients
					queue = append(queue, j)
				}
			}
		}
		var g []fhir.Entry
		for j := range loose {
			if in[j] {
				g = append(g, loose[j])
				reached[j] = true
			}
		}
		groups = append(groups, g)
	}
	var rest []fhir.Entry
	for j := range loose {
		if !reached[j] {
			rest = append(rest, loose[j])
		}
	}
	if len(rest) > 0 {
		groups = append(groups, rest)
	}
	return groups
}

// shared reports a resource that many patients may refer to.
func shared(m proto.Message) bool {
	switch fhir.TypeOf(m) {
	case "Practitioner", "PractitionerRole", "Organization", "Location", "Device", "Medication", "HealthcareService", "Endpoint":
		return true
	}
	return false
}

func directly(edges [][]int, from, to int, _ []fhir.Entry) bool {
	for _, j := range edges[from] {
		if j == to {
			return true
		}
	}
	return false
}

func references(m proto.Message, index *fhir.Index) (list []proto.Message) {
	fhir.References(m, func(ref *dpb.Reference) {
		if to := index.Resolve(ref, m); to != nil {
			list = append(list, to)
		}
	})
	return list
}

type fhirWorker struct{ o *Options }

func newFHIRWorker(o *Options) Worker { return &fhirWorker{o} }

func (w *fhirWorker) ToHub(raw *Raw) (*Record, error) {
	entries := raw.Data.([]fhir.Entry)
	rec := mapping.NewRecord(nil)
	out := &Record{Record: rec, FromFHIR: true}
	for _, e := range entries {
		b, ok := e.Resource.(*rpb.Bundle)
		if !ok {
			rec.Add(mapping.NewResource(e.Resource, e.FullURL()))
			out.ID = fhir.IDOf(e.Resource)
			continue
		}
		out.ID = b.GetId().GetValue()
		shell := proto.Clone(&rpb.Bundle{Id: b.Id, Meta: b.Meta, ImplicitRules: b.ImplicitRules, Language: b.Language, Identifier: b.Identifier, Type: b.Type,
			Timestamp: b.Timestamp, Total: b.Total, Link: b.Link, Signature: b.Signature}).(*rpb.Bundle)
		rec.Bundle = shell
		for _, x := range b.Entry {
			if m := fhir.Unwrap(x.GetResource()); m != nil {
				rec.Add(mapping.NewResource(m, x.GetFullUrl().GetValue()))
			}
		}
	}
	if w.o.To == "fhir" || w.o.To == "ndjson" { // nothing is mapped: all of it is carried
		out.Leaves = func(f func(func() string, tree.State, string)) {
			rec.Leaves(func(place func() string, _ tree.State, _ string) { f(place, tree.Carried, "") })
		}
	} else {
		out.Leaves = rec.Leaves
	}
	return out, nil
}

// bundleWriter writes a record as one bundle, on one line.
type bundleWriter struct {
	o   *Options
	buf bytes.Buffer
}

func (w *bundleWriter) FromHub(rec *Record) ([]Part, []*diag.Finding, error) {
	natural := fhir.Collection
	if len(rec.Resources) > 0 && rec.Resources[0].Type() == "MessageHeader" {
		natural = fhir.Message
	}
	if rec.FromFHIR && rec.Bundle != nil && rec.Bundle.GetType() != nil && w.o.BundleKind == "" {
		natural = fhir.BundleType(rec.Bundle.GetType().GetValue())
	}
	kind, err := w.o.BundleType(natural)
	if err != nil {
		return nil, nil, err
	}
	shell := &rpb.Bundle{}
	if rec.Bundle != nil {
		proto.Merge(shell, rec.Bundle)
	}
	shell.Type = &rpb.Bundle_TypeCode{Value: codes.BundleTypeCode_Value(kind)}
	if shell.Id == nil && rec.Key != "" {
		shell.Id = &dpb.Id{Value: fhir.ID("Bundle", "record", rec.Key)}
	}
	w.buf.Reset()
	bw := fhir.NewBundleWriter(&w.buf, shell)
	for _, r := range rec.Resources {
		if r.Inside() {
			continue
		}
		e, err := fhir.NewEntry(kind, r.Msg)
		if err != nil {
			return nil, nil, err
		}
		if r.FullURL != "" {
			e.FullUrl = fhir.URI(r.FullURL)
		}
		if err := bw.AddEntry(e); err != nil {
			return nil, nil, err
		}
	}
	if err := bw.Close(); err != nil {
		return nil, nil, err
	}
	w.buf.WriteByte('\n')
	return []Part{{Data: bytes.Clone(w.buf.Bytes())}}, nil, nil
}

// linesWriter writes a record as NDJSON, the lines of each type of resource together.
type linesWriter struct{}

func (linesWriter) FromHub(rec *Record) ([]Part, []*diag.Finding, error) {
	var parts []Part
	at := map[string]int{}
	for _, r := range rec.Resources {
		if r.Inside() {
			continue
		}
		i, ok := at[r.Type()]
		if !ok {
			i = len(parts)
			at[r.Type()] = i
			parts = append(parts, Part{Type: r.Type()})
		}
		data, err := fhir.Append(parts[i].Data, r.Msg)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", r.Type(), err)
		}
		parts[i].Data = append(data, '\n')
	}
	return parts, nil, nil
}

// describeFHIR counts resources by type.
func describeFHIR(raw *Raw, _ *Options) (Description, *diag.Finding) {
	if raw.Reject != nil {
		return Description{}, raw.Reject
	}
	d := Description{Kinds: map[string]int{}, Facts: map[string]string{"version": "R4"}}
	for _, e := range raw.Data.([]fhir.Entry) {
		b, ok := e.Resource.(*rpb.Bundle)
		if !ok {
			d.Kinds[fhir.TypeOf(e.Resource)]++
			continue
		}
		if t := fhir.BundleType(b.GetType().GetValue()); t != 0 {
			d.Facts["bundle"] = t.String()
		}
		for _, x := range b.Entry {
			if m := fhir.Unwrap(x.GetResource()); m != nil {
				d.Kinds[fhir.TypeOf(m)]++
			}
		}
	}
	return d, nil
}
