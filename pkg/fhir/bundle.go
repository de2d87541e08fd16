package fhir

import (
	"bytes"
	"fmt"
	"io"
	"reflect"

	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// BundleType is the kind of a bundle that we make.
type BundleType codes.BundleTypeCode_Value

const (
	Document    = BundleType(codes.BundleTypeCode_DOCUMENT)    // the first resource is the Composition
	Message     = BundleType(codes.BundleTypeCode_MESSAGE)     // the first resource is the MessageHeader
	Transaction = BundleType(codes.BundleTypeCode_TRANSACTION) // every resource is PUT under its id
	Batch       = BundleType(codes.BundleTypeCode_BATCH)       // the same, each on its own
	Collection  = BundleType(codes.BundleTypeCode_COLLECTION)
)

var bundleWords = map[string]BundleType{
	"document": Document, "message": Message, "transaction": Transaction, "batch": Batch, "collection": Collection,
}

// ParseBundleType reads FHIR's code for a kind of bundle that we make.
func ParseBundleType(word string) (BundleType, error) {
	if t, ok := bundleWords[word]; ok {
		return t, nil
	}
	return 0, fmt.Errorf("no bundle type %q: it is one of message, document, collection, transaction, batch", word)
}

func (t BundleType) String() string {
	for w, x := range bundleWords {
		if x == t {
			return w
		}
	}
	return fmt.Sprintf("BundleType(%d)", int(t))
}

// NewBundle makes a bundle of resources, each under the fullUrl urn:uuid:<id>. What else the kind demands is the caller's to
// set: an id, an identifier and a timestamp of a document, for instance.
func NewBundle(kind BundleType, resources ...proto.Message) (*rpb.Bundle, error) {
	b := &rpb.Bundle{Type: &rpb.Bundle_TypeCode{Value: codes.BundleTypeCode_Value(kind)}}
	if err := kind.check(resources...); err != nil {
		return nil, err
	}
	for _, m := range resources {
		e, err := NewEntry(kind, m)
		if err != nil {
			return nil, err
		}
		b.Entry = append(b.Entry, e)
	}
	return b, nil
}

// check asks for the first resource that a kind of bundle demands.
func (t BundleType) check(resources ...proto.Message) error {
	first := map[BundleType]string{Document: "Composition", Message: "MessageHeader"}[t]
	if first != "" && (len(resources) == 0 || resources[0] == nil || TypeOf(resources[0]) != first) {
		return fmt.Errorf("a %s bundle begins with a %s", t, first)
	}
	return nil
}

// NewEntry makes the entry of a resource in a bundle of a kind.
func NewEntry(kind BundleType, m proto.Message) (*rpb.Bundle_Entry, error) {
	cr := Wrap(m)
	if cr == nil {
		return nil, fmt.Errorf("%s is not a resource of FHIR R4", m.ProtoReflect().Descriptor().Name())
	}
	e := &rpb.Bundle_Entry{Resource: cr}
	typ, id := TypeOf(m), IDOf(m)
	if id != "" {
		e.FullUrl = URI(FullURL(typ, id))
	}
	if kind == Transaction || kind == Batch {
		method, url := codes.HTTPVerbCode_PUT, typ+"/"+id
		if id == "" {
			method, url = codes.HTTPVerbCode_POST, typ
		}
		e.Request = &rpb.Bundle_Entry_Request{Method: &rpb.Bundle_Entry_Request_MethodCode{Value: method}, Url: URI(url)}
	}
	return e, nil
}

// BundleWriter writes a bundle entry by entry, in memory that does not grow with it.
type BundleWriter struct {
	w     io.Writer
	kind  BundleType
	shell *rpb.Bundle
	buf   []byte
	n     int
	err   error
	xml   bool
}

// NewBundleWriter begins a bundle on w. shell has all but the entries and is not changed.
func NewBundleWriter(w io.Writer, shell *rpb.Bundle) *BundleWriter {
	return &BundleWriter{w: w, kind: BundleType(shell.GetType().GetValue()), shell: shell}
}

// NewXMLBundleWriter is NewBundleWriter in XML.
func NewXMLBundleWriter(w io.Writer, shell *rpb.Bundle) *BundleWriter {
	b := NewBundleWriter(w, shell)
	b.xml = true
	return b
}

// Add writes the entry of a resource as NewEntry makes it.
func (b *BundleWriter) Add(m proto.Message) error {
	return b.AddResource("", m)
}

// AddResource is Add under a fullUrl of its own; with an empty one the entry has that of NewEntry. In JSON no entry is made for it.
func (b *BundleWriter) AddResource(fullURL string, m proto.Message) error {
	t := plan.OfMessage(m)
	if b.xml || b.kind == Transaction || b.kind == Batch || t.Kind != plan.Resource {
		e, err := NewEntry(b.kind, m)
		if err != nil {
			return err
		}
		if fullURL != "" {
			e.FullUrl = URI(fullURL)
		}
		return b.AddEntry(e)
	}
	if err := b.open(m); err != nil {
		return err
	}
	if id := IDOf(m); fullURL == "" && id != "" {
		fullURL = FullURL(t.Name, id)
	}
	w := encoder{b: append(b.buf, '{')}
	var f *diag.Finding
	if fullURL != "" {
		w.b = append(w.b, `"fullUrl":`...)
		if f = w.text(fullURL); f != nil {
			f = within("fullUrl", -1, f)
		}
		w.b = append(w.b, ',')
	}
	if f == nil {
		w.b = append(w.b, `"resource":`...)
		if f = w.resource(codecOf(t), reflect.ValueOf(m).Elem()); f != nil {
			f = within("resource", -1, f)
		}
	}
	if f != nil {
		f.Place.Path = fmt.Sprintf("Bundle.entry[%d]%s", b.n, f.Place.Path)
		return f
	}
	b.buf = append(w.b, '}')
	b.n++
	return b.flush()
}

// open puts into the buffer what stands before an entry.
func (b *BundleWriter) open(m proto.Message) error {
	if b.err != nil {
		return b.err
	}
	if b.n == 0 {
		if err := b.kind.check(m); err != nil {
			return err
		}
		if err := b.begin(); err != nil {
			return err
		}
		if !b.xml {
			b.buf = append(b.buf, `,"entry":[`...)
		}
	} else if b.buf = b.buf[:0]; !b.xml {
		b.buf = append(b.buf, ',')
	}
	return nil
}

// AddEntry writes an entry. If the entry cannot be written, the bundle is as it was before.
func (b *BundleWriter) AddEntry(e *rpb.Bundle_Entry) error {
	var m proto.Message
	if b.n == 0 {
		m = Unwrap(e.GetResource())
	}
	if err := b.open(m); err != nil {
		return err
	}
	ok, f := b.entry(reflect.ValueOf(e).Elem())
	if f != nil {
		f.Place.Path = fmt.Sprintf("Bundle.entry[%d]%s", b.n, f.Place.Path)
		return f
	}
	if !ok {
		return fmt.Errorf("an entry of a bundle is empty")
	}
	b.n++
	return b.flush()
}

// entry puts an entry into the buffer, and reports whether there was anything to put.
func (b *BundleWriter) entry(v reflect.Value) (ok bool, f *diag.Finding) {
	if b.xml {
		w := xmlEncoder{b: b.buf}
		ok, f = w.element("entry", entryCodec(), v)
		b.buf = w.b
		return ok, f
	}
	w := encoder{b: b.buf}
	ok, f = w.object(entryCodec(), v)
	b.buf = w.b
	return ok, f
}

// begin puts the shell up to its entries into the buffer.
func (b *BundleWriter) begin() error {
	head := &rpb.Bundle{Id: b.shell.GetId(), Meta: b.shell.GetMeta(), ImplicitRules: b.shell.GetImplicitRules(), Language: b.shell.GetLanguage(),
		Identifier: b.shell.GetIdentifier(), Type: b.shell.GetType(), Timestamp: b.shell.GetTimestamp(), Total: b.shell.GetTotal(), Link: b.shell.GetLink()}
	if b.xml {
		out, err := AppendXML(b.buf[:0], head)
		if err != nil {
			return err
		}
		if empty, ok := bytes.CutSuffix(out, []byte("/>")); ok {
			b.buf = append(empty, '>')
		} else {
			b.buf = bytes.TrimSuffix(out, []byte(xmlBundleEnd))
		}
		return nil
	}
	out, err := Append(b.buf[:0], head)
	if err != nil {
		return err
	}
	b.buf = out[:len(out)-1]
	return nil
}

const xmlBundleEnd = "</Bundle>"

func (b *BundleWriter) flush() error {
	_, b.err = b.w.Write(b.buf)
	return b.err
}

// Close ends the bundle; it does not close the writer.
func (b *BundleWriter) Close() error {
	if b.err != nil {
		return b.err
	}
	if b.n == 0 {
		if err := b.begin(); err != nil {
			return err
		}
	} else if b.buf = b.buf[:0]; !b.xml {
		b.buf = append(b.buf, ']')
	}
	s := b.shell.GetSignature()
	if b.xml {
		if s != nil {
			w := xmlEncoder{b: b.buf}
			if _, f := w.element("signature", codecOf(plan.OfMessage(s)), reflect.ValueOf(s).Elem()); f != nil {
				return within("signature", -1, f)
			}
			b.buf = w.b
		}
		b.buf = append(b.buf, xmlBundleEnd...)
		return b.flush()
	}
	if s != nil {
		tail, err := Append(nil, &rpb.Bundle{Signature: s})
		if err != nil {
			return err
		}
		b.buf = append(append(b.buf, ','), tail[len(`{"resourceType":"Bundle",`):len(tail)-1]...)
	}
	b.buf = append(b.buf, '}')
	return b.flush()
}
