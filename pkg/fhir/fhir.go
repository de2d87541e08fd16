// Package fhir is Chartpost's hub: the messages of FHIR R4 (4.0.1) as google/fhir defines them, with their JSON (json.html)
// and NDJSON, references, bundles and deterministic ids.
//
// Reading is as strict as FHIR is and goes on after a fault: what is wrong is a finding with its line, column and path, what
// is right is in the message. Writing puts resourceType first and elements in the order of the specification; it changes
// nothing in the message. Extensions that stand in the hub alone (plan.IsInternal) are never written.
package fhir

import (
	"bytes"

	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Options say how Unmarshal and a Reader see their input. The zero value is ready.
type Options struct {
	Source string // the input's name, for the places of findings
	Record int    // the record's position in it, from 1
	Line   int    // where it begins in it, from 1; 0 is 1
	Column int
}

// Unmarshal reads one resource in JSON or, if the first character is a <, in XML: such as *patient_go_proto.Patient or *bundle_and_contained_resource_go_proto.Bundle.
//
// The message holds all that could be read; it is nil if nothing could. Whoever demands that nothing is missing takes the
// message only if Lost finds nothing in the findings. b is not kept; texts in the message share the memory of one copy of it.
func Unmarshal(b []byte, opts ...Options) (proto.Message, []*diag.Finding) {
	at := start(opts)
	if rest, ok := bytes.CutPrefix(b, utf8Mark); ok {
		b, at.column = rest, at.column+len(utf8Mark)
	}
	x := decoders.Get().(*decoder)
	defer func() {
		x.part()
		x.json.Reset(bytes.NewBuffer(nil)) // lets go of b
		decoders.Put(x)
	}()
	if isXML(b) {
		if !x.beginXML(b, at, nil) {
			return nil, x.findings
		}
		v, k := x.documentXML()
		if k == nil {
			return nil, x.findings
		}
		return v.Addr().Interface().(proto.Message), x.findings
	}
	if !x.begin(b, at) {
		return nil, x.findings
	}
	v, k := x.resource()
	if k == nil {
		return nil, x.findings
	}
	return v.Addr().Interface().(proto.Message), x.findings
}

// UnmarshalEntry reads one entry of a bundle, {"fullUrl":...,"resource":{...}}, as Unmarshal does a resource. index is its position in
// the bundle, from 0. The entry is nil if nothing could be read.
func UnmarshalEntry(b []byte, index int, opts ...Options) (*rpb.Bundle_Entry, []*diag.Finding) {
	x := decoders.Get().(*decoder)
	defer func() {
		x.json.Reset(bytes.NewBuffer(nil))
		decoders.Put(x)
	}()
	at := start(opts)
	p := part{kind: partEntry, data: b, index: index, document: at.record, at: at}
	if p.xml = isXML(b); p.xml {
		p.ns = []binding{{"", fhirSpace}}
	}
	e := x.entry(p, at.source)
	return e.Item, e.Findings
}

func start(opts []Options) place {
	at := place{line: 1, column: 1}
	for _, o := range opts {
		at = place{source: o.Source, record: o.Record, line: max(o.Line, 1), column: max(o.Column, 1)}
	}
	return at
}

// isXML tells XML from JSON.
func isXML(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && b[0] == '<'
}

var utf8Mark = []byte("\xef\xbb\xbf")

// Lost is the first finding that means that something of the input is not in the message, nil if all of it is.
func Lost(findings []*diag.Finding) *diag.Finding {
	for _, f := range findings {
		if f.ID != "CP-FHIR-013" && f.ID != "CP-FHIR-084" {
			return f
		}
	}
	return nil
}

// TypeOf is the name of a resource's type: Patient.
func TypeOf(m proto.Message) string { return plan.OfMessage(m).Name }
