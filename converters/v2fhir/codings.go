package v2fhir

import (
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// --- SYSTEM_1, SYSTEM_4, SYSTEM_10: Coding.system of the triplets of a CWE ---

func systemPair(code, name, oid string) mapping.Pair {
	return mapping.Pair{
		Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
			u, ok := dst.(*dpb.Uri)
			if !ok {
				return false
			}
			codeText, _ := part(c, n, code)
			nameText, leaf := part(c, n, name)
			oidText, _ := part(c, n, oid)
			if nameText == "" && oidText == "" {
				return false
			}
			if u.Value = systemURI(nameText, oidText, codeText); u.Value == "" {
				return false
			}
			if back := systemName(u.Value); leaf != 0 && back != nameText {
				carry(c, "written back as "+back, leaf)
			} else {
				carry(c, "", leaf)
			}
			return true
		},
		Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
			u, ok := src.(*dpb.Uri)
			if !ok || u.Value == "" || !setPart(c, n, name, systemName(u.Value)) {
				return false
			}
			c.Claim(u)
			return true
		},
	}
}

// --- UNIT: what a CWE says of a quantity's unit ---

// quantity is what the kinds of Quantity have in common.
type quantity struct {
	unit   **dpb.String
	system **dpb.Uri
	code   **dpb.Code
	ext    *[]*dpb.Extension
}

func quantityOf(m proto.Message) (q quantity, ok bool) {
	switch m := m.(type) {
	case *dpb.Quantity:
		return quantity{&m.Unit, &m.System, &m.Code, &m.Extension}, true
	case *dpb.SimpleQuantity:
		return quantity{&m.Unit, &m.System, &m.Code, &m.Extension}, true
	case *dpb.Duration:
		return quantity{&m.Unit, &m.System, &m.Code, &m.Extension}, true
	case *dpb.Age:
		return quantity{&m.Unit, &m.System, &m.Code, &m.Extension}, true
	}
	return q, false
}

// readUnit reads components 1, 2, 3 and 14:
//
//	mg^milligram^UCUM   code, unit and system
//	mg^^UCUM            code and system, and the code is the unit as well
//	mg^milligram        unit; FHIR has no code without system, so it stands in an extension
//	mg                  unit
//	^milligram          unit, which comes back as component 1
func readUnit(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	q, ok := quantityOf(dst)
	if !ok {
		return false
	}
	code, codeLeaf := part(c, n, "1")
	unit, unitLeaf := part(c, n, "2")
	name, nameLeaf := part(c, n, "3")
	oid, oidLeaf := part(c, n, "14")
	fits := strings.Join(strings.Fields(code), " ")
	uri := ""
	if code != "" {
		uri = systemURI(name, oid, fits)
	}
	switch {
	case code == "" && unit == "":
		return false
	case uri != "":
		*q.code, *q.system = &dpb.Code{Value: fits}, &dpb.Uri{Value: uri}
		if unit == "" {
			unit = code
		}
		*q.unit = str(unit)
		why := ""
		if fits != code {
			why = "blanks within a code are one in FHIR"
		}
		carry(c, why, codeLeaf)
		carry(c, "", unitLeaf)
		if back := systemName(uri); name != "" && back != name {
			carry(c, "written back as "+back, nameLeaf)
		} else {
			carry(c, "", nameLeaf)
		}
		if oid != "" {
			*q.ext = append(*q.ext, stringExt("CWE-14", oid))
			carry(c, "", oidLeaf)
		}
	case code != "" && unit != "":
		*q.unit = str(unit)
		*q.ext = append(*q.ext, stringExt("CWE-1", code))
		carry(c, "", codeLeaf, unitLeaf)
	case code != "":
		*q.unit = str(code)
		carry(c, "", codeLeaf)
	default:
		*q.unit = str(unit)
		carry(c, "comes back as component 1", unitLeaf)
		if name != "" {
			*q.ext = append(*q.ext, stringExt("CWE-3", name))
			carry(c, "", nameLeaf)
		}
	}
	return true
}

func writeUnit(c *mapping.Context, src proto.Message, n tree.Node) bool {
	q, ok := quantityOf(src)
	if !ok || *q.unit == nil && *q.code == nil {
		return false
	}
	kept, keptExt := extText(*q.ext, "CWE-1")
	oid, oidExt := extText(*q.ext, "CWE-14")
	name, nameExt := extText(*q.ext, "CWE-3")
	unit, code := (*q.unit).GetValue(), (*q.code).GetValue()
	switch {
	case code != "":
		name := systemName((*q.system).GetValue())
		if !setPart(c, n, "1", code) || !setPart(c, n, "2", unit) || !setPart(c, n, "3", name) || !setPart(c, n, "14", oid) {
			return false
		}
	case kept != "":
		if !setPart(c, n, "1", kept) || !setPart(c, n, "2", unit) {
			return false
		}
	default:
		if !setPart(c, n, "1", unit) || !setPart(c, n, "3", name) {
			return false
		}
	}
	for _, x := range []*dpb.Extension{keptExt, oidExt, nameExt} {
		if x != nil {
			c.Claim(x)
		}
	}
	claim(c, *q.unit, *q.code, *q.system)
	return true
}

// --- RACE and ETHNICITY: US Core's extensions, beside the field itself ---

const (
	cdcrec     = "urn:oid:2.16.840.1.113883.6.238"
	nullFlavor = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
)

// races are the OMB categories by the codes of table 0005, which are theirs, and by what senders write instead.
var races = map[string]string{"1002-5": "1002-5", "2028-9": "2028-9", "2054-5": "2054-5", "2076-8": "2076-8", "2106-3": "2106-3",
	"I": "1002-5", "A": "2028-9", "B": "2054-5", "P": "2076-8", "W": "2106-3", "C": "2106-3"}

// ethnicities are the OMB categories by the codes of table 0189 and by their own.
var ethnicities = map[string]string{"H": "2135-2", "N": "2186-5", "NH": "2186-5", "2135-2": "2135-2", "2186-5": "2186-5"}

var ombNames = map[string]string{"1002-5": "American Indian or Alaska Native", "2028-9": "Asian", "2054-5": "Black or African American",
	"2076-8": "Native Hawaiian or Other Pacific Islander", "2106-3": "White", "2135-2": "Hispanic or Latino", "2186-5": "Not Hispanic or Latino"}

// omb makes one US Core extension of all repetitions of a field. The field itself comes back from an extension of ours, so
// what is made here is only written where that is not.
type omb struct {
	codes map[string]string
	url   string
	many  bool
}

func (o omb) pair() mapping.Pair { return mapping.Pair{Read: o.read, Write: o.write} }

func (o omb) read(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	x, ok := dst.(*dpb.Extension)
	if !ok {
		return false
	}
	var texts []string
	category, seen := 0, map[string]bool{}
	field, name := c.Doc.Parent(n), c.Doc.Name(n)
	for k := n; k != 0; k = c.Doc.Next(k) {
		if c.Doc.Parent(k) != field || c.Doc.Name(k) != name {
			continue
		}
		code, text := "", ""
		for _, at := range [][2]string{{"1", "2"}, {"4", "5"}, {"10", "11"}} {
			id, _ := part(c, k, at[0])
			label, _ := part(c, k, at[1])
			if text == "" {
				text = label
			}
			if code == "" && (o.codes[id] != "" || isCDCREC(id) || id == "U" || id == "UNK" || id == "ASKU") {
				code = id
			}
			if text == "" && code == "" {
				text = id
			}
		}
		if original, _ := part(c, k, "9"); original != "" {
			text = original
		}
		omb := o.codes[code]
		coding := &dpb.Coding{System: &dpb.Uri{Value: cdcrec}}
		url := "ombCategory"
		switch {
		case omb != "":
			coding.Code, coding.Display = &dpb.Code{Value: omb}, str(ombNames[omb])
			if text == "" {
				text = ombNames[omb]
			}
		case isCDCREC(code):
			url, coding.Code = "detailed", &dpb.Code{Value: code}
		case code == "U" || code == "UNK":
			coding.System.Value, coding.Code = nullFlavor, &dpb.Code{Value: "UNK"}
			text = orText(text, "Unknown")
		case code == "ASKU":
			coding.System.Value, coding.Code = nullFlavor, &dpb.Code{Value: "ASKU"}
			text = orText(text, "Asked but unknown")
		}
		if key := url + coding.GetCode().GetValue(); coding.Code != nil && !seen[key] && (url == "detailed" || o.many || category == 0) {
			if seen[key] = true; url != "detailed" {
				category++
			}
			x.Extension = append(x.Extension, &dpb.Extension{Url: &dpb.Uri{Value: url},
				Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Coding{Coding: coding}}})
		}
		if text = orText(text, code); text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		return false
	}
	x.Extension = append(x.Extension, &dpb.Extension{Url: &dpb.Uri{Value: "text"},
		Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_StringValue{StringValue: str(strings.Join(texts, ", "))}}})
	return true
}

func orText(s, other string) string {
	if s != "" {
		return s
	}
	return other
}

// isCDCREC reports the form of a code of CDC's race and ethnicity codes: 1234-5.
func isCDCREC(s string) bool { return len(s) == 6 && s[4] == '-' && digits(s[:4]) && digits(s[5:]) }

func (o omb) write(c *mapping.Context, src proto.Message, n tree.Node) bool {
	x, ok := src.(*dpb.Extension)
	if !ok {
		return false
	}
	if c.Doc.First(n) != 0 || c.Doc.LeafText(n) != "" { // the field itself came back
		c.Claim(x)
		return true
	}
	field, name := c.Doc.Parent(n), c.Doc.Name(n)
	first, text := true, ""
	for _, sub := range x.Extension {
		coding := sub.GetValue().GetCoding()
		if sub.GetUrl().GetValue() == "text" {
			text = sub.GetValue().GetStringValue().GetValue()
		}
		if coding.GetCode() == nil {
			continue
		}
		k := n
		if !first {
			k = c.Doc.Add(field, name, "")
		}
		first = false
		setPart(c, k, "1", coding.GetCode().GetValue())
		setPart(c, k, "2", coding.GetDisplay().GetValue())
		setPart(c, k, "3", systemName(coding.GetSystem().GetValue()))
	}
	if first {
		if text == "" {
			return false
		}
		setPart(c, n, "2", text)
	}
	c.Claim(x)
	return true
}
