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
		Parts: []string{name, oid},
		Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
			u, ok := dst.(*dpb.Uri)
			if !ok {
				return false
			}
			codeText, _ := part(c, n, code)
			nameText, leaf := part(c, n, name)
			oidText, _ := part(c, n, oid)
			if codeText == "" || nameText == "" && oidText == "" {
				return false // FHIR has no system without a code of it: an extension keeps its name
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
			back := systemName(u.Value)
			if !ok || u.Value == "" || !setPart(c, n, name, back) {
				return false
			}
			if codeText, _ := part(c, n, code); codeText == "" {
				defer c.Fold("FHIR reads no system of words without a code")()
			} else if systemURI(back, "", codeText) != u.Value {
				defer c.Fold(otherURI)()
			}
			c.Claim(u)
			return true
		},
	}
}

// otherURI is said of a URI which a message has by its name or number, by which it comes back as the one that FHIR has for that.
const otherURI = "a message has its name or number, which comes back as another URI"

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
//	10^9/L              unit, with a separator that nobody escaped
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
	whole := ""
	if strings.HasSuffix(code, "10") {
		whole = wholeText(c.Doc, n)
	}
	switch {
	case code == "" && unit == "":
		return false
	case isPowerOfTen(whole):
		*q.unit = str(whole)
		carry(c, "a unit with a separator that was not escaped: it comes back with it escaped", codeLeaf, unitLeaf)
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

// isPowerOfTen reports a unit such as 10^9/L or x10^3/uL: 9/L, which its second component says alone, is another.
func isPowerOfTen(s string) bool {
	base, exponent, ok := strings.Cut(s, "^")
	return ok && strings.TrimLeft(base, "xX* ") == "10" && exponent != "" && '0' <= exponent[0] && exponent[0] <= '9' && !strings.Contains(exponent, "^")
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
	claim(c, *q.unit, *q.code)
	switch system := *q.system; {
	case system == nil:
	case code == "":
		c.Decline(system, "a message has the system of a unit that is a code")
	case systemURI(systemName(system.Value), oid, code) != system.Value:
		end := c.Fold(otherURI)
		c.Claim(system)
		end()
	default:
		c.Claim(system)
	}
	return true
}
