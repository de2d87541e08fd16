package convert

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file is the hub's own format: FHIR R4 as JSON, a bundle per record, and NDJSON, a resource a line.

// FHIR is the format of bundles.
func FHIR() *Format {
	return &Format{Name: "fhir", Extension: ".json", Sniff: sniffFHIR, Loose: looseFHIR, Read: readFHIR, NewWorker: newFHIRWorker,
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

// looseFHIR reports that a source begins with a resource that is no bundle: it stands alone, as in bulk data, and what it belongs
// to may be in another file.
func looseFHIR(head []byte) bool {
	dec := jsontext.NewDecoder(bytes.NewReader(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))), jsontext.AllowDuplicateNames(true))
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
		return false
	}
	for {
		name, err := dec.ReadToken()
		if err != nil || name.Kind() != '"' {
			return false
		}
		if name.String() == "resourceType" {
			typ, err := dec.ReadToken()
			return err == nil && typ.Kind() == '"' && typ.String() != "Bundle"
		}
		if dec.SkipValue() != nil {
			return false
		}
	}
}

// loose is a resource that stands alone, as text: all of a source of such must be seen before the first record is known, and text
// takes an eighth of the memory that resources take.
type loose struct {
	text  string
	at    diag.Place
	finds []*diag.Finding
	bare  proto.Message // of the resource's type, with its id and nothing else
	refs  []string
}

func newLoose(e fhir.Entry) *loose {
	l := &loose{text: e.Text, at: e.Place, finds: e.Findings}
	l.bare = reflect.New(reflect.TypeOf(e.Resource).Elem()).Interface().(proto.Message)
	setID(l.bare, fhir.IDOf(e.Resource))
	fhir.References(e.Resource, func(ref *dpb.Reference) {
		if text := fhir.ReferenceText(ref); text != "" && text[0] != '#' {
			l.refs = append(l.refs, strings.Clone(text))
		}
	})
	return l
}

func setID(m proto.Message, id string) {
	if id == "" {
		return
	}
	if i := plan.OfMessage(m).ID; i >= 0 {
		if f := reflect.ValueOf(m).Elem().Field(i); f.Type() == reflect.TypeFor[*dpb.Id]() {
			f.Set(reflect.ValueOf(&dpb.Id{Value: strings.Clone(id)}))
		}
	}
}

func readFHIR(r io.Reader, source string, o *Options) iter.Seq2[*Raw, error] {
	return func(yield func(*Raw, error) bool) {
		reader := fhir.NewReader(r, fhir.ReaderOptions{Source: source, Whole: true, Max: maxOr(o.MaxRecord, 1<<30)})
		index := 0
		var all []*loose
		for e, err := range reader.All() {
			if err != nil {
				yield(nil, err)
				return
			}
			lost := fhir.Lost(e.Findings)
			if lost == nil && e.Resource == nil {
				continue
			}
			single := lost == nil && fhir.TypeOf(e.Resource) != "Bundle"
			if single && o.To != "ndjson" { // where resources go one by one, none has to wait for others
				all = append(all, newLoose(e))
				continue
			}
			index++
			text := e.Text
			raw := &Raw{Index: index, Bytes: func() []byte { return []byte(text) }, Data: hubRecord{resource: e.Resource, text: text}, Findings: e.Findings}
			if lost != nil {
				lost.Place.Record = index
				raw.Reject, raw.Findings, raw.Data = lost, nil, nil
			}
			if !yield(raw, nil) {
				return
			}
		}
		for _, group := range byPatient(all) {
			index++
			var finds []*diag.Finding
			for _, l := range group {
				finds = append(finds, l.finds...)
			}
			raw := &Raw{Index: index, Data: hubRecord{group: group}, Findings: finds, Bytes: func() []byte {
				var text []byte
				for _, l := range group {
					text = append(append(text, l.text...), '\n')
				}
				return text
			}}
			if !yield(raw, nil) {
				return
			}
		}
	}
}

// hubRecord is a bundle, a resource, or a group of resources that stood alone.
type hubRecord struct {
	resource proto.Message
	text     string
	group    []*loose
}

func maxOr(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// byPatient makes a group for each patient: what refers to it and what it refers to, at any distance, but not by way of
// another patient. What no patient reaches is a group of its own at the end, but with the patient if there is only one. The order
// is that of the source.
func byPatient(all []*loose) [][]*loose {
	patients := 0
	for _, l := range all {
		if fhir.TypeOf(l.bare) == "Patient" {
			patients++
		}
	}
	switch {
	case len(all) == 0:
		return nil
	case patients < 2:
		return [][]*loose{all}
	}
	index := fhir.NewIndex()
	at := make(map[proto.Message]int, len(all))
	for i, l := range all {
		index.Add(fhir.Located{Resource: l.bare})
		at[l.bare] = i
	}
	patient := func(i int) bool { return fhir.TypeOf(all[i].bare) == "Patient" }
	to, from := make([][]int, len(all)), make([][]int, len(all)) // what it refers to, what refers to it
	for i, l := range all {
		for _, text := range l.refs {
			if j, ok := at[index.Find(text, l.bare)]; ok && j != i && !slices.Contains(to[i], j) {
				to[i] = append(to[i], j)
				from[j] = append(from[j], i)
			}
		}
		l.refs = nil
	}
	// anothers reports that a resource is about patients, and p is none of them.
	anothers := func(i, p int) bool {
		other := false
		for _, j := range to[i] {
			if j == p {
				return false
			}
			other = other || patient(j)
		}
		return other
	}
	var groups [][]*loose
	in := make([]int, len(all)) // the last group that it is in, from 1
	for p := range all {
		if !patient(p) {
			continue
		}
		n := len(groups) + 1
		in[p] = n
		members := []int{p}
		take := func(list []int) {
			for _, j := range list {
				if in[j] != n && !patient(j) && !anothers(j, p) {
					in[j] = n
					members = append(members, j)
				}
			}
		}
		for i := 0; i < len(members); i++ {
			k := members[i]
			take(to[k])
			if !shared(all[k].bare) { // what refers to a practitioner belongs to other patients as well
				take(from[k])
			}
		}
		slices.Sort(members)
		group := make([]*loose, len(members))
		for i, j := range members {
			group[i] = all[j]
		}
		groups = append(groups, group)
	}
	var rest []*loose
	for j, l := range all {
		if in[j] == 0 {
			rest = append(rest, l)
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
	case "Practitioner", "PractitionerRole", "Organization", "OrganizationAffiliation", "Location", "Device", "DeviceDefinition", "Medication",
		"MedicationKnowledge", "HealthcareService", "Endpoint", "Substance", "Questionnaire", "PlanDefinition", "ActivityDefinition", "Library", "Measure":
		return true
	}
	return false
}

type fhirWorker struct{ o *Options }

func newFHIRWorker(o *Options) Worker { return &fhirWorker{o} }

func (w *fhirWorker) ToHub(raw *Raw) (*Record, error) {
	h := raw.Data.(hubRecord)
	rec := mapping.NewRecord(nil)
	out := &Record{Record: rec, FromFHIR: true}
	var envelopes []envelope
	switch b, bundle := h.resource.(*rpb.Bundle); {
	case bundle:
		out.ID, out.whole = b.GetId().GetValue(), b
		rec.Bundle = &rpb.Bundle{Id: b.Id, Meta: b.Meta, ImplicitRules: b.ImplicitRules, Language: b.Language, Identifier: b.Identifier,
			Type: b.Type, Timestamp: b.Timestamp, Total: b.Total, Link: b.Link, Signature: b.Signature}
		for i, x := range b.Entry {
			if m := fhir.Unwrap(x.GetResource()); m != nil {
				rec.Add(mapping.NewResource(m, x.GetFullUrl().GetValue()))
			}
			if x.Search != nil || x.Request != nil || x.Response != nil || x.Link != nil {
				envelopes = append(envelopes, envelope{i, &rpb.Bundle_Entry{Link: x.Link, Search: x.Search, Request: x.Request, Response: x.Response}})
			}
		}
	case h.resource != nil:
		rec.Add(mapping.NewResource(h.resource, ""))
		out.ID, out.loose = fhir.IDOf(h.resource), true
	default:
		out.loose = true
		for _, l := range h.group {
			m, finds := fhir.Unmarshal([]byte(l.text))
			if m == nil {
				return nil, fhir.Lost(finds) // it was read before, so this does not happen
			}
			rec.Add(mapping.NewResource(m, ""))
			if out.ID == "" && fhir.TypeOf(m) == "Patient" {
				out.ID = fhir.IDOf(m)
			}
		}
	}
	key := func(i int) string {
		sum := sha256.Sum256([]byte(h.text))
		return hex.EncodeToString(sum[:]) + "#" + strconv.Itoa(i)
	}
	if w.o.To == "ndjson" && out.whole != nil { // there a resource is found by its id alone
		for i, r := range rec.Resources {
			if r.Inside() || r.ID != "" {
				continue
			}
			id := r.FullURL[strings.LastIndexAny(r.FullURL, ":/")+1:]
			if !isID(id) {
				id = fhir.ID(r.Type(), "entry", key(i))
			}
			setID(r.Msg, id)
			r.ID = id
		}
	}
	if err := w.restyle(out); err != nil {
		return nil, err
	}
	out.Leaves = rec.Leaves
	if w.o.To == "fhir" || w.o.To == "ndjson" { // nothing is mapped: the resources are carried as they are
		out.Leaves = func(f func(func() string, tree.State, string)) { w.leaves(out, envelopes, f) }
	}
	return out, nil
}

// envelope is what a bundle's entry says beside its resource.
type envelope struct {
	index int
	entry *rpb.Bundle_Entry
}

// leaves gives the leaves of a record that stays FHIR. Lost is what a bundle says that is written as another or as none.
func (w *fhirWorker) leaves(rec *Record, envelopes []envelope, f func(func() string, tree.State, string)) {
	shell, why := tree.Carried, ""
	switch {
	case rec.whole == nil:
	case w.o.To == "ndjson":
		shell, why = tree.Declined, "NDJSON has resources and no bundle"
	case w.o.BundleKind != "":
		shell, why = tree.Declined, "the bundle becomes one of another kind"
	}
	rec.Record.Leaves(func(place func() string, _ tree.State, _ string) {
		if shell == tree.Carried || !strings.HasPrefix(place(), "Bundle.") || strings.HasPrefix(place(), "Bundle.entry") {
			f(place, tree.Carried, "")
			return
		}
		if at := place(); w.o.To == "fhir" && at != "Bundle.type" && at != "Bundle.total" && !strings.HasPrefix(at, "Bundle.link") && !strings.HasPrefix(at, "Bundle.signature") {
			f(place, tree.Carried, "")
			return
		}
		f(place, shell, why)
	})
	for _, e := range envelopes {
		mapping.NewRecord(nil, mapping.NewResource(e.entry, "")).Leaves(func(place func() string, _ tree.State, _ string) {
			f(func() string {
				return fmt.Sprintf("Bundle.entry[%d]%s", e.index, strings.TrimPrefix(place(), "Bundle.entry"))
			}, shell, why)
		})
	}
}

// restyle writes references in the style of the target: urn:uuid in bundles of what stood alone, Type/id in NDJSON.
func (w *fhirWorker) restyle(rec *Record) error {
	style := fhir.RefURN
	switch {
	case w.o.To == "ndjson" && rec.whole != nil:
		style = fhir.RefRelative
	case w.o.To == "fhir" && rec.loose:
	default:
		return nil
	}
	index := fhir.NewIndex()
	for _, r := range rec.Resources {
		if !r.Inside() {
			index.Add(fhir.Located{FullURL: r.FullURL, Resource: r.Msg})
		}
	}
	for _, r := range rec.Resources {
		if r.Inside() {
			continue
		}
		if err := index.Restyle(r.Msg, style); err != nil {
			return err
		}
	}
	return nil
}

// isID reports what FHIR takes for an id.
func isID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.')
	}) < 0
}

// bundleWriter writes a record as one bundle, on one line.
type bundleWriter struct {
	o   *Options
	buf bytes.Buffer
}

func (w *bundleWriter) FromHub(rec *Record) ([]Part, []*diag.Finding, error) {
	if rec.whole != nil && w.o.BundleKind == "" {
		data, err := fhir.Append(nil, rec.whole)
		if err != nil {
			return nil, nil, err
		}
		return []Part{{Data: append(data, '\n')}}, nil, nil
	}
	natural := fhir.Collection
	resources := headFirst(rec.Resources)
	first := ""
	if len(resources) > 0 {
		first = resources[0].Type()
	}
	if !rec.FromFHIR && first == "MessageHeader" {
		natural = fhir.Message
	}
	if !rec.FromFHIR && first == "Composition" && rec.Bundle.GetTimestamp() != nil { // which a document must have
		natural = fhir.Document
	}
	kind, err := w.o.BundleType(natural)
	if err != nil {
		return nil, nil, err
	}
	shell := &rpb.Bundle{}
	if rec.Bundle != nil {
		proto.Merge(shell, rec.Bundle)
	}
	if rec.whole != nil { // what it says of the kind that it was
		shell.Total, shell.Link, shell.Signature = nil, nil, nil
	}
	if kind == fhir.Message && first != "MessageHeader" || kind == fhir.Document && first != "Composition" {
		return nil, nil, diag.New(NoBundle, diag.Place{}, "a %s bundle begins with a %s, and this record with none", kind,
			map[fhir.BundleType]string{fhir.Message: "MessageHeader", fhir.Document: "Composition"}[kind])
	}
	shell.Type = &rpb.Bundle_TypeCode{Value: codes.BundleTypeCode_Value(kind)}
	if shell.Id == nil && rec.Key != "" {
		shell.Id = &dpb.Id{Value: fhir.ID("Bundle", "record", rec.Key)}
	}
	w.buf.Reset()
	bw := fhir.NewBundleWriter(&w.buf, shell)
	for _, r := range resources {
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

// headFirst puts what a bundle of messages or documents begins with before everything else.
func headFirst(all []*mapping.Resource) []*mapping.Resource {
	i := slices.IndexFunc(all, func(r *mapping.Resource) bool {
		return !r.Inside() && (r.Type() == "MessageHeader" || r.Type() == "Composition")
	})
	if i <= 0 {
		return all
	}
	return slices.Concat(all[i:i+1], all[:i], all[i+1:])
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
	h := raw.Data.(hubRecord)
	for _, l := range h.group {
		d.Kinds[fhir.TypeOf(l.bare)]++
	}
	switch b, bundle := h.resource.(*rpb.Bundle); {
	case bundle:
		if t := b.GetType().GetValue(); t != 0 {
			d.Facts["bundle"] = strings.ReplaceAll(strings.ToLower(t.String()), "_", "-")
		}
		for _, x := range b.Entry {
			if m := fhir.Unwrap(x.GetResource()); m != nil {
				d.Kinds[fhir.TypeOf(m)]++
			}
		}
	case h.resource != nil:
		d.Kinds[fhir.TypeOf(h.resource)]++
	}
	return d, nil
}
