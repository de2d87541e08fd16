package v2fhir

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Types are what in the tables cannot be a row: the primitive datatypes of HL7 v2 (chapter 2A) as leaf types, and pairs of
// functions for values that several components make together. The others stand in times.go, ids.go, codings.go, telecom.go
// and media.go.
var Types = mapping.Types{
	"ST": text, "ID": text, "IS": text, "SI": text, "GTS": text,
	"TX": formatted, "FT": formatted, "RESULT": result, "LINE": line, "OBX_7": reference,
	"NM": number, "SN1": number,
	"DT": day, "DTM": dtm, "TS": dtm, "TM": dtm,
	"FHIR_ID": fhirID, "OID": oid, "UUID": uuid, "URI": uri, "URL": uri,
	"SYSTEM":   system,
	"CURRENCY": currency,

	"BIRTH":     birth(birthTimeURL),
	"BIRTH_RP":  birth(otherBirthTimeURL),
	"SYSTEM_1":  systemPair("1", "3", "14"),
	"SYSTEM_4":  systemPair("4", "6", "17"),
	"SYSTEM_10": systemPair("10", "12", "20"),
	"UNIT":      mapping.Pair{Parts: []string{"1", "2"}, Read: readUnit, Write: writeUnit},
	"UID":       uriPair(nil, "2", "3", true),
	"EI_SYSTEM": uriPair([]string{"3"}, "3", "4", false),
	"HD_ID":     mapping.Pair{Parts: []string{"2", "3"}, Read: readHDID, Write: writeHDID},
	"FC_2":      fc2,
	"NDL":       ndl,
	"RXO_DOSE":  doseOf("RXO", "3"),
	"RXE_DOSE":  doseOf("RXE", "4"),
	"XPN_MORE":  more("3", "4", "5"),
	"XCN_MORE":  more("4", "5", "6"),
	"XAD_MORE":  more("", "", ""),
	"XPN_10":    rangeOf("XPN_10", "10"),
	"XCN_17":    rangeOf("XCN_17", "17"),
	"XAD_12":    rangeOf("XAD_12", "12"),
	"HD_UID":    uidPair("2", "3"),
	"EI_UID":    uidPair("3", "4"),
	"CNN_UID":   uidPair("10", "11"),
	"ENDPOINT":  mapping.Pair{Parts: []string{"2", "3"}, Read: readEndpoint, Write: writeEndpoint},
	"MSG":       mapping.Pair{Read: readMSG, Write: writeMSG},
	"NUMBER":    mapping.Pair{Read: readNumber, Write: writeNumber},
	"DATA":      mapping.Pair{Read: readData, Write: writeData},
	"RP_1":      pointer,
	"MEDIA":     mapping.Pair{Read: readMedia, Write: writeMedia},
	"VALUES":    mapping.Pair{Read: readValues, Write: writeValues},
	"SNTEXT":    mapping.Pair{Read: readSNText, Write: writeSNText},
	"VRTEXT":    mapping.Pair{Read: readVRText, Write: writeVRText},
	"CODED":     sentAsCode,
	"OF_PERSON": mapping.Pair{Read: nothing, Write: declineOfPerson},

	"PL_BED":       plLevels.pair(0),
	"PL_ROOM":      plLevels.pair(1),
	"PL_POC":       plLevels.pair(2),
	"PL_FLOOR":     plLevels.pair(3),
	"PL_BUILDING":  plLevels.pair(4),
	"NDL_BED":      ndlLevels.pair(0),
	"NDL_ROOM":     ndlLevels.pair(1),
	"NDL_POC":      ndlLevels.pair(2),
	"NDL_FLOOR":    ndlLevels.pair(3),
	"NDL_BUILDING": ndlLevels.pair(4),
}

// --- text ---

// text is ST, ID, IS and the like: the text as it is. FHIR's code wants single blanks, its uri none.
var text = mapping.Type{Read: func(c *mapping.Context, s string) (string, error) { return fit(s, c.Target()) }}

// fit makes a text fit a FHIR type.
func fit(s, target string) (string, error) {
	switch target {
	case "code":
		if !oneWord(s) {
			s = strings.Join(strings.Fields(s), " ")
		}
	case "uri", "url", "canonical", "id", "oid", "uuid":
		if strings.ContainsAny(s, " \t\r\n") {
			return "", errors.New("a blank within a URI")
		}
	}
	if s = printable(s); strings.Trim(s, " \t\r\n") == "" {
		return "", mapping.Loss("nothing but blanks")
	}
	return s, nil
}

// oneWord reports a text of ASCII without blanks, which most codes are.
func oneWord(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// printable leaves out the control characters that FHIR's texts may not hold.
func printable(s string) string {
	ok := true
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			ok = false
		}
	}
	if ok {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' {
			return -1
		}
		return r
	}, s)
}

// lineEnds makes every line break one of FHIR's texts.
var lineEnds = strings.NewReplacer(`\.br\`, "\n", "\r\n", "\n", "\r", "\n")

// formatted is FT and TX: the command for a line break becomes one, and back. The other formatting commands stay as they
// are, for FHIR's texts have nothing like them; they come back.
var formatted = mapping.Type{
	Read: func(c *mapping.Context, s string) (string, error) {
		return fit(lineEnds.Replace(s), c.Target())
	},
	Write: func(_ *mapping.Context, s string) (string, error) {
		return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", `\.br\`), nil
	},
	Whole: wholeText,
}

// wholeText is the text of a field or component whose type has no parts, and in which a separator stands that nobody escaped: chills & fever,
// 5 x10^9/L. In a message with separators of its own it is left in its parts.
func wholeText(d *tree.Doc, n tree.Node) string {
	if msh := d.Child(tree.Root, "MSH"); msh != 0 {
		if k := d.Child(msh, "2"); k != 0 {
			if s := d.Text(k); s == "" || s[0] != '^' || len(s) > 3 && s[3] != '&' {
				return ""
			}
		}
	}
	sep := "&"
	if p := d.Parent(n); p != 0 && hl7v2.IsSegment(d, p) {
		sep = "^"
	}
	return joined(d, n, sep)
}

// joined is the text below a node with the separators between its parts.
func joined(d *tree.Doc, n tree.Node, sep string) string {
	var b strings.Builder
	b.WriteString(d.Text(n))
	at := 1
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Empty(k) {
			continue
		}
		for i, _ := strconv.Atoi(d.Name(k)); at < i; at++ {
			b.WriteString(sep)
		}
		b.WriteString(joined(d, k, "&"))
	}
	return b.String()
}

// line is ST in a place where people write.
var line = mapping.Type{Read: text.Read, Whole: wholeText}

// reference is OBX-7, beside whose text senders put its two ends: 35-150^35^150.
var reference = mapping.Type{Read: text.Read, Whole: func(d *tree.Doc, n tree.Node) string {
	if most := d.Child(n, "3"); most != 0 && !d.Empty(most) && d.LeafText(n) != "" {
		return ""
	}
	return wholeText(d, n)
}}

// result is the text of OBX-5, unless it is a code that was sent as a text: that is read by its parts too, and its first is what it says.
var result = mapping.Type{Read: formatted.Read, Write: formatted.Write, Whole: func(d *tree.Doc, n tree.Node) string {
	if coded(d, n) {
		return ""
	}
	return wholeText(d, n)
}}

// coded reports parts that may be a code, its words and its system: one word, and then a name. 5.4x10^9/L is none.
func coded(d *tree.Doc, n tree.Node) bool {
	named := func(s string) bool {
		first, _ := utf8.DecodeRuneInString(s)
		return unicode.IsLetter(first)
	}
	code, words := textAt(d, n, "1"), textAt(d, n, "2")
	return code != "" && !strings.Contains(code, " ") && (named(words) || words != "" && named(textAt(d, n, "3")))
}

// sentAsCode is a code that was sent as a text.
var sentAsCode = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		return coded(c.Doc, n) && c.ReadTable("CWE", n, dst)
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool { return c.WriteTable("CWE", src, n) },
}

// --- numbers ---

// number is NM. Its normal form has neither plus nor leading zeros nor a point without digits beside it.
var number = mapping.Type{
	Read:   func(_ *mapping.Context, s string) (string, error) { return hl7.Number(s), nil },
	Normal: hl7.Number,
}

// currency is a code of ISO 4217, which FHIR demands.
var currency = mapping.Type{Read: func(_ *mapping.Context, s string) (string, error) {
	if len(s) != 3 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", errors.New("not a currency of ISO 4217")
	}
	return s, nil
}}

// doseOf is a dose: a range if its maximum is a number, else the amount. A maximum that is no number stays unread, with a finding.
func doseOf(segment, most string) mapping.Pair {
	return mapping.Pair{
		Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
			k := c.Doc.Child(n, most)
			if k == 0 || c.Doc.Blank(k) {
				return c.ReadTable(segment+"_AMOUNT", n, dst)
			}
			if s := c.Doc.LeafText(k); s != c.Doc.Null {
				if _, err := decimalType().Parse(hl7.Number(s)); err != nil {
					c.Doc.Mark(c.Doc.Leaf(k), tree.Invalid, err.Error())
					return c.ReadTable(segment+"_AMOUNT", n, dst)
				}
			}
			return c.ReadTable(segment+"_RANGE", n, dst)
		},
		Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
			return c.WriteTable(segment+"_RANGE", src, n) || c.WriteTable(segment+"_AMOUNT", src, n)
		},
	}
}

// --- URIs ---

// fhirID is an id of FHIR: what has another form is not valid there.
var fhirID = mapping.Type{
	Read: func(_ *mapping.Context, s string) (string, error) {
		ok := len(s) <= 64
		for i := range len(s) {
			c := s[i]
			ok = ok && (c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '.')
		}
		if !ok {
			return "", errors.New("not the form of an id of FHIR")
		}
		return s, nil
	},
}

var oid = mapping.Type{
	Read: func(_ *mapping.Context, s string) (string, error) {
		if !isOID(s) {
			return "", errors.New("not an OID")
		}
		return "urn:oid:" + s, nil
	},
	Write: func(_ *mapping.Context, s string) (string, error) {
		if id, ok := strings.CutPrefix(s, "urn:oid:"); ok {
			return id, nil
		}
		return "", errors.New("not an OID")
	},
}

var uuid = mapping.Type{
	Read: func(_ *mapping.Context, s string) (string, error) {
		if !isUUID(s) {
			return "", errors.New("not a UUID")
		}
		return "urn:uuid:" + strings.ToLower(s), nil
	},
	Write: func(_ *mapping.Context, s string) (string, error) {
		if id, ok := strings.CutPrefix(s, "urn:uuid:"); ok {
			return id, nil
		}
		return "", errors.New("not a UUID")
	},
	Normal: strings.ToLower,
}

var uri = mapping.Type{Read: func(_ *mapping.Context, s string) (string, error) {
	if !isURI(s) {
		return "", errors.New("not a URI")
	}
	return s, nil
}}

// isOID reports an OID. QUIRK: the official validator takes none of so few arcs that its last dot is among the first
// characters (1.2.3), and real ones are longer.
func isOID(s string) bool {
	// Most of what is asked is no OID, and is told by its first characters.
	if len(s) < 3 || s[0] < '0' || s[0] > '2' || s[1] != '.' || strings.LastIndexByte(s, '.') < 5 {
		return false
	}
	return oidType().WellFormed("urn:oid:" + s)
}

// isUUID reports a UUID; a message may have it in capitals.
func isUUID(s string) bool { return fhir.IsUUID(strings.ToLower(s)) }

var (
	oidType = sync.OnceValue(func() *plan.Prim { return plan.Of(reflect.TypeFor[dpb.Oid]()).Prim })

	decimalType = sync.OnceValue(func() *plan.Prim { return plan.Of(reflect.TypeFor[dpb.Decimal]()).Prim })
)

// isURI reports an absolute URI: a scheme, and no blanks or control characters.
func isURI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" {
		return false
	}
	for i := range len(scheme) {
		c := scheme[i] | 0x20
		if !(c >= 'a' && c <= 'z') && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(scheme[i]))) {
			return false
		}
	}
	for i := range len(rest) {
		if rest[i] <= ' ' || rest[i] == 0x7f {
			return false
		}
	}
	for _, known := range []struct {
		prefix string
		valid  func(string) bool
	}{{"urn:oid:", isOID}, {"urn:uuid:", isUUID}} {
		if id, ok := strings.CutPrefix(s, known.prefix); ok && !known.valid(id) {
			return false
		}
	}
	return true
}

// system is the name of a code system (HL7 table 0396) where no code stands beside it.
var system = mapping.Type{
	Read:  func(_ *mapping.Context, s string) (string, error) { return systemURI(s, "", ""), nil },
	Write: func(_ *mapping.Context, s string) (string, error) { return systemName(s), nil },
}

// --- what pairs share ---

// part is the text of a component or subcomponent, and its leaf. An explicit null is none.
func part(c *mapping.Context, n tree.Node, name string) (string, tree.Node) {
	if c.Doc.Below(n)&tree.NamesOf(name) == 0 {
		return "", 0
	}
	k := c.Doc.Find(n, 0, &tree.Step{Name: name})
	if k == 0 {
		return "", 0
	}
	k = c.Doc.Leaf(k)
	if s := c.Doc.Text(k); s != c.Doc.Null {
		return s, k
	}
	return "", 0
}

// setPart writes a component or subcomponent; false if another text stands there.
func setPart(c *mapping.Context, n tree.Node, name, s string) bool {
	if s == "" {
		return true
	}
	if have, _ := part(c, n, name); have != "" {
		return have == s
	}
	k := c.Doc.Leaf(c.Doc.Make(n, tree.Path{{Name: name}}, false))
	if c.Doc.First(k) != 0 && c.Doc.Self != "" {
		k = c.Doc.Add(k, c.Doc.Self, "")
	}
	c.Doc.SetText(k, s)
	return true
}

// carry marks leaves as carried, or as folded if there is a reason why they do not come back as they were.
func carry(c *mapping.Context, why string, leaves ...tree.Node) {
	for _, k := range leaves {
		switch {
		case k == 0:
		case why != "":
			c.Doc.Mark(k, tree.Folded, why)
		default:
			c.Carry(k)
		}
	}
}

// Extensions of Chartpost's own that pairs make; their names say where in HL7 v2 the text stands.
const cp = "https://chartpost.org/fhir/StructureDefinition/"

func stringExt(name, s string) *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: cp + name}, Value: &dpb.Extension_ValueX{
		Choice: &dpb.Extension_ValueX_StringValue{StringValue: &dpb.String{Value: s}}}}
}

// extText is the text of an extension of ours, and the extension; nil if there is none.
func extText(list []*dpb.Extension, name string) (string, *dpb.Extension) {
	for _, x := range list {
		if s := x.GetValue().GetStringValue(); s != nil && x.GetUrl().GetValue() == cp+name {
			return s.GetValue(), x
		}
	}
	return "", nil
}

func str(s string) *dpb.String { return &dpb.String{Value: s} }

// claim claims what is there.
func claim(c *mapping.Context, ms ...proto.Message) {
	for _, m := range ms {
		c.Claim(m)
	}
}

// systemURI is the URI of a system by its name, by its OID where it has no name; a code that the system does not hold, and
// R4 knows them all, gets the local form of the name, which claims nothing.
func systemURI(name, oid, code string) string {
	var s terminology.System
	ok := false
	switch {
	case name == "":
		if s, ok = terminology.ByOID(oid); !ok {
			if !isOID(oid) {
				return ""
			}
			return "urn:oid:" + oid
		}
	case isURI(name) && (strings.HasPrefix(name, "urn:") || strings.Contains(name, "://")): // CD:1220 is a name
		s.URI = name
	case isOID(name):
		if s, ok = terminology.ByOID(name); !ok {
			s.URI = "urn:oid:" + name
		}
	default:
		if s, ok = terminology.ByName(name); !ok {
			return terminology.LocalURI(name)
		}
	}
	if code != "" {
		if holds, known := terminology.Holds(s.URI, code); known && !holds {
			if name == "" {
				return "urn:oid:" + oid
			}
			return terminology.LocalURI(name)
		}
	}
	return s.URI
}

// systemName is the name by which HL7 v2 knows a system.
func systemName(uri string) string {
	if name, ok := terminology.LocalName(uri); ok {
		return name
	}
	if s, ok := terminology.ByURI(uri); ok && s.Name != "" {
		return s.Name
	}
	if oid, ok := strings.CutPrefix(uri, "urn:oid:"); ok && isOID(oid) {
		return oid
	}
	return uri
}
