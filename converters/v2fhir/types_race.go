package v2fhir

import (
	"cmp"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Race and ethnicity (PID-10, PID-22 and their likes): the extensions of US Core hold what is coded as CDC's race and ethnicity
// code system has it, in as many codes as a person has, with one text over all of them. A repetition that says more than such
// a code can (a local code, an alternate, an original text) is kept as a whole in an extension of Chartpost's own, named after
// the field, and its code, if it has one, stands in US Core's extension too.
//
// Going back, the codes come first and the whole repetitions last. Where a message has them in another order, each says
// which repetition it was.
type demographic struct {
	url        string
	omb        map[string]string // the codes of OMB's categories, with their names
	translated map[string]string // codes of the HL7 table, as CDC's
	table      string            // the URI of the HL7 table
	single     bool              // US Core allows one category
	detailed   func(code string) bool
}

const (
	cdcrecSystem  = "urn:oid:2.16.840.1.113883.6.238"
	systemURL     = "https://chartpost.org/fhir/StructureDefinition/coding-system"
	repetitionURL = "https://chartpost.org/fhir/StructureDefinition/repetition"
	fieldBase     = "https://chartpost.org/fhir/StructureDefinition/"
)

var race = demographic{
	url:   "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
	table: "http://terminology.hl7.org/CodeSystem/v2-0005",
	omb: map[string]string{"1002-5": "American Indian or Alaska Native", "2028-9": "Asian", "2054-5": "Black or African American",
		"2076-8": "Native Hawaiian or Other Pacific Islander", "2106-3": "White"},
	detailed: func(code string) bool { return cdcCode(code) && code < "2131-1" },
}

var ethnicity = demographic{
	url:        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity",
	table:      "http://terminology.hl7.org/CodeSystem/v2-0189",
	omb:        map[string]string{"2135-2": "Hispanic or Latino", "2186-5": "Not Hispanic or Latino"},
	translated: map[string]string{"H": "2135-2", "N": "2186-5"},
	single:     true,
	detailed:   func(code string) bool { return cdcCode(code) && code > "2135-2" && code < "2186-5" },
}

// cdcCode reports the form of a code of CDC's race and ethnicity code system: four digits and a check digit.
func cdcCode(s string) bool {
	if len(s) != 6 || s[4] != '-' {
		return false
	}
	return strings.Trim(s[:4]+s[5:], "0123456789") == ""
}

func (d *demographic) pair() mapping.Pair { return mapping.Pair{Read: d.read, Write: d.write} }

// derive is the code that US Core's extension has for a repetition, nil if none.
func (d *demographic) derive(cc *dpb.CodeableConcept) *dpb.Coding {
	if len(cc.Coding) == 0 {
		return nil
	}
	from := cc.Coding[0]
	code, system := from.GetCode().GetValue(), strings.TrimSpace(from.GetSystem().GetValue())
	switch system {
	case cdcrecSystem, d.table, "":
	default:
		return nil
	}
	if to, ok := d.translated[code]; ok && system == d.table {
		return &dpb.Coding{System: &dpb.Uri{Value: cdcrecSystem}, Code: &dpb.Code{Value: to}, Display: &dpb.String{Value: d.omb[to]}}
	}
	if d.omb[code] == "" && !d.detailed(code) {
		return nil
	}
	to := &dpb.Coding{System: &dpb.Uri{Value: cdcrecSystem}, Code: &dpb.Code{Value: code}, Display: from.Display, Version: from.Version}
	if system != cdcrecSystem && system != "" {
		to.System.Extension = []*dpb.Extension{uriExtension(systemURL, from.GetSystem().GetValue())}
	}
	return to
}

// originalCode is what a code of US Core's extension was made of.
func originalCode(c *dpb.Coding) *dpb.CodeableConcept {
	back := proto.Clone(c).(*dpb.Coding)
	back.Extension = nil
	if back.System != nil {
		for _, x := range back.System.Extension {
			if x.GetUrl().GetValue() == systemURL {
				back.System = &dpb.Uri{Value: x.GetValue().GetUri().GetValue()}
				break
			}
		}
	}
	return &dpb.CodeableConcept{Coding: []*dpb.Coding{back}}
}

func uriExtension(url, value string) *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: url}, Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Uri{Uri: &dpb.Uri{Value: value}}}}
}

func (d *demographic) read(c *mapping.Context, first tree.Node, dst proto.Message) bool {
	field := c.Doc.Name(c.Doc.Parent(first)) + "-" + c.Doc.Name(first)
	var omb, detailed, whole, inOrder []*dpb.Extension
	var texts []string
	for n := first; n != 0; n = c.Doc.Next(n) {
		if c.Doc.Name(n) != c.Doc.Name(first) || c.Doc.Empty(n) {
			continue
		}
		cc := &dpb.CodeableConcept{}
		if !c.ReadTable("CWE", n, cc) {
			continue
		}
		if t := conceptText(cc); t != "" && !slices.Contains(texts, t) {
			texts = append(texts, t)
		}
		to := d.derive(cc)
		var kept *dpb.Extension
		if to == nil || !proto.Equal(originalCode(to), cc) || d.single && len(omb) > 0 && d.omb[to.Code.Value] != "" {
			kept = &dpb.Extension{Url: &dpb.Uri{Value: fieldBase + field},
				Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_CodeableConcept{CodeableConcept: cc}}}
			whole = append(whole, kept)
		}
		if to != nil && !hasCoding(omb, to) && !hasCoding(detailed, to) {
			x := &dpb.Extension{Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Coding{Coding: to}}}
			switch {
			case d.omb[to.Code.Value] == "":
				x.Url = &dpb.Uri{Value: "detailed"}
				detailed = append(detailed, x)
			case !d.single || len(omb) == 0:
				x.Url = &dpb.Uri{Value: "ombCategory"}
				omb = append(omb, x)
			}
			if kept == nil {
				kept = x
			}
		}
		if kept != nil {
			inOrder = append(inOrder, kept)
		}
	}
	if len(inOrder) == 0 {
		return false
	}
	var back []*dpb.Extension // those that a repetition comes back from, as write finds them
	for _, x := range slices.Concat(omb, detailed, whole) {
		if slices.Contains(inOrder, x) {
			back = append(back, x)
		}
	}
	if !slices.Equal(back, inOrder) {
		for i, x := range inOrder {
			numbered(x, uint32(i+1))
		}
	}
	if len(omb)+len(detailed) > 0 {
		text := &dpb.Extension{Url: &dpb.Uri{Value: "text"}, Value: &dpb.Extension_ValueX{
			Choice: &dpb.Extension_ValueX_StringValue{StringValue: &dpb.String{Value: strings.Join(texts, ", ")}}}}
		addExtensions(dst, &dpb.Extension{Url: &dpb.Uri{Value: d.url}, Extension: slices.Concat(omb, detailed, []*dpb.Extension{text})})
	}
	addExtensions(dst, whole...)
	return true
}

// conceptText is what people read of a repetition.
func conceptText(cc *dpb.CodeableConcept) string {
	if t := cc.GetText().GetValue(); t != "" {
		return t
	}
	for _, c := range cc.Coding {
		if t := c.GetDisplay().GetValue(); t != "" {
			return t
		}
	}
	for _, c := range cc.Coding {
		if t := c.GetCode().GetValue(); t != "" {
			return t
		}
	}
	return ""
}

func hasCoding(list []*dpb.Extension, c *dpb.Coding) bool {
	return slices.ContainsFunc(list, func(x *dpb.Extension) bool {
		return x.GetValue().GetCoding().GetCode().GetValue() == c.GetCode().GetValue()
	})
}

// numbered says which repetition a code or a whole one was. The number stands on the value: of an extension that has a value
// FHIR allows nothing else.
func numbered(x *dpb.Extension, i uint32) {
	n := &dpb.Extension{Url: &dpb.Uri{Value: repetitionURL}, Value: &dpb.Extension_ValueX{
		Choice: &dpb.Extension_ValueX_PositiveInt{PositiveInt: &dpb.PositiveInt{Value: i}}}}
	if c := x.GetValue().GetCoding(); c != nil {
		c.Extension = append(c.Extension, n)
	} else if cc := x.GetValue().GetCodeableConcept(); cc != nil {
		cc.Extension = append(cc.Extension, n)
	}
}

// repetitionOf is which repetition an element was, 0 if it does not say; without is the list without that.
func repetitionOf(list []*dpb.Extension) (i uint32, without []*dpb.Extension) {
	for _, x := range list {
		if x.GetUrl().GetValue() == repetitionURL {
			i = x.GetValue().GetPositiveInt().GetValue()
		} else {
			without = append(without, x)
		}
	}
	return i, without
}

func (d *demographic) write(c *mapping.Context, src proto.Message, to tree.Node) bool {
	field := c.Doc.Name(c.Doc.Parent(to)) + "-" + c.Doc.Name(to)
	type repetition struct {
		at  uint32
		cc  *dpb.CodeableConcept
		all proto.Message // what is written with it
	}
	var list []repetition
	var us *dpb.Extension
	derived := map[string]bool{}
	for _, x := range extensionsOf(src) {
		switch x.GetUrl().GetValue() {
		case d.url:
			us = x
		case fieldBase + field:
			if cc := x.GetValue().GetCodeableConcept(); cc != nil {
				plain := proto.Clone(cc).(*dpb.CodeableConcept)
				at, rest := repetitionOf(plain.Extension)
				plain.Extension = rest
				list = append(list, repetition{at, plain, x})
				if code := d.derive(plain); code != nil {
					derived[code.Code.Value] = true
				}
			}
		}
	}
	whole := len(list)
	if us != nil {
		for _, kind := range []string{"ombCategory", "detailed"} {
			for _, x := range us.Extension {
				coding := x.GetValue().GetCoding()
				if x.GetUrl().GetValue() != kind || coding == nil {
					continue
				}
				if derived[coding.GetCode().GetValue()] {
					claimCoded(c, x)
					continue
				}
				at, _ := repetitionOf(coding.Extension)
				list = append(list, repetition{at, originalCode(coding), x})
			}
		}
	}
	list = slices.Concat(list[whole:], list[:whole])
	slices.SortStableFunc(list, func(a, b repetition) int { return cmp.Compare(a.at, b.at) })
	if len(list) == 0 && us != nil { // a text alone
		for _, x := range us.Extension {
			if t := x.GetValue().GetStringValue().GetValue(); x.GetUrl().GetValue() == "text" && t != "" {
				list = append(list, repetition{0, &dpb.CodeableConcept{Text: &dpb.String{Value: t}}, x})
			}
		}
	}
	any, known := false, len(derived) > 0
	var texts []string
	for _, r := range list {
		n := to
		if any {
			n = c.Doc.Add(c.Doc.Parent(to), c.Doc.Name(to), "")
		}
		if !c.WriteTable("CWE", r.cc, n) {
			continue
		}
		any = true
		if x, _ := r.all.(*dpb.Extension); x.GetValue().GetCodeableConcept() == nil && d.derive(r.cc) == nil {
			end := c.Fold(besideRace)
			claimCoded(c, x)
			end()
		} else {
			known = known || x.GetValue().GetCoding() != nil
			claimCoded(c, r.all)
		}
		if t := conceptText(r.cc); t != "" && !slices.Contains(texts, t) {
			texts = append(texts, t)
		}
	}
	if any && us != nil {
		if !known {
			defer c.Fold(besideRace)()
		}
		c.Claim(us.Url)
		for _, x := range us.Extension {
			if x.GetUrl().GetValue() == "text" && x.GetValue().GetStringValue().GetValue() == strings.Join(texts, ", ") {
				c.Claim(x)
			}
		}
	}
	return any
}

// besideRace is said of what is no race or ethnicity of CDC's, such as that it is not known: US Core's extension is made of those.
const besideRace = "a code that is none of CDC's comes back in an extension of its own"

// claimCoded claims an extension, but for the name that a document gives to the system of its code, which a message has not.
func claimCoded(c *mapping.Context, m proto.Message) {
	x, ok := m.(*dpb.Extension)
	coding := x.GetValue().GetCoding()
	if !ok || coding == nil {
		c.Claim(m)
		return
	}
	for _, part := range []proto.Message{x.Url, coding.System, coding.Version, coding.Code, coding.Display} {
		c.Claim(part)
	}
	for _, y := range coding.Extension {
		if y.GetUrl().GetValue() != cp+"code-system-name" {
			c.Claim(y)
		}
	}
}

// extensionsOf are the extensions of a resource.
func extensionsOf(m proto.Message) (list []*dpb.Extension) {
	r := m.ProtoReflect()
	f := r.Descriptor().Fields().ByName("extension")
	if f == nil {
		return nil
	}
	all := r.Get(f).List()
	for i := range all.Len() {
		if x, ok := all.Get(i).Message().Interface().(*dpb.Extension); ok {
			list = append(list, x)
		}
	}
	return list
}

func addExtensions(m proto.Message, list ...*dpb.Extension) {
	r := m.ProtoReflect()
	f := r.Descriptor().Fields().ByName("extension")
	if f == nil {
		return
	}
	all := r.Mutable(f).List()
	for _, x := range list {
		all.Append(protoreflect.ValueOfMessage(x.ProtoReflect()))
	}
}
