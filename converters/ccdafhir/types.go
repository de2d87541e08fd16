package ccdafhir

import (
	"errors"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/ccda/schema"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Types are what in the tables cannot be a row: the primitive datatypes of CDA as leaf types, and pairs of functions.
var Types = mapping.Types{
	"ST": text, "TS": hl7.Time, "NM": number, "INT": number, "INT_POS": positive, "BL": boolean, "SYSTEM": system,
	"OWN_SYSTEM":   mapping.Pair{Read: readOwnSystem, Write: writeNothing, Parts: []string{"@codeSystem"}},
	"II_VALUE":     mapping.Pair{Read: readII, Write: writeII},
	"TEL_VALUE":    mapping.Pair{Read: readTEL, Write: writeTEL},
	"UNIT":         mapping.Pair{Read: readUnit, Write: writeUnit},
	"TEXT_SELF":    mapping.Pair{Read: readText, Write: writeText},
	"XSI_TYPE":     mapping.Pair{Read: readXSIType, Write: writeXSIType},
	"DERIVED":      mapping.Pair{Read: readDerived, Write: writeDerived},
	"RACE":         mapping.Pair{Read: readRace, Write: writeRace},
	"MEDICATION":   mapping.Pair{Read: readMedication, Write: writeMedication},
	"REFILLS":      refills,
	"CONCERN":      mapping.Pair{Read: readConcern, Write: writeConcern, Makes: []string{"Reference"}},
	"FULL_NAME":    mapping.Pair{Read: readFullName, Write: writeNothing},
	"EMPTY":        mapping.Pair{Read: readEmpties, Write: writeEmpties},
	"TEMPLATES":    mapping.Pair{Read: readTemplates, Write: writeTemplates},
	"GENDER":       mapping.Pair{Read: readGender, Write: writeGender},
	"NARRATIVE":    mapping.Pair{Read: readNarrative, Write: writeNarrative},
	"MOOD":         mapping.Pair{Read: readMood, Write: writeMood},
	"LIFE":         mapping.Pair{Read: readLife, Write: writeLife},
	"BUNDLE":       mapping.Pair{Read: readNothing, Write: writeBundle},
	"STATUS":       mapping.Pair{Read: readNothing, Write: writeStatus},
	"CONDITION":    mapping.Pair{Read: readCondition, Write: writeCondition},
	"ALLERGY":      mapping.Pair{Read: readAllergy, Write: writeAllergy},
	"NO_ALLERGY":   mapping.Pair{Read: readNoAllergy, Write: writeNothing},
	"NO_PROBLEM":   mapping.Pair{Read: readNoProblem, Write: writeNothing},
	"NO_DRUG":      mapping.Pair{Read: readNothing, Write: writeNoMedication},
	"NO_DRUG_CODE": mapping.Pair{Read: readNoMedication, Write: writeNothing},
	"SECTION_TEXT": mapping.Pair{Read: readSectionTexts, Write: writeNothing},
	"MARKDOWN":     mapping.Pair{Read: readMarkdown, Write: writeNothing},
	"BOUND":        mapping.Pair{Read: readBound, Write: writeBound},
	"SEX":          mapping.Pair{Read: readSex, Write: writeSex},
	"RANGE_TEXT":   mapping.Pair{Read: readRangeText, Write: writeRangeText},
	"PERIOD":       mapping.Pair{Read: readPeriod, Write: writePeriod},
	"PERIOD_ORDER": mapping.Pair{Read: readPeriodOrder, Write: writeNothing},
	"RANGE_ORDER":  mapping.Pair{Read: readRangeOrder, Write: writeNothing, Parts: []string{"high"}},
	"MEAL":         mapping.Pair{Read: readMeal, Write: writeMeal, Parts: []string{"event"}},
	"BASE64":       base64,
	"ORG_NAME":     mapping.Pair{Read: readOrgName, Write: writeNothing},
	"STREET":       mapping.Pair{Read: readStreet, Write: writeStreet},
	"AD_TEXT":      mapping.Pair{Read: readAddressText, Write: writeAddressText},
	"ON_TEXT":      mapping.Pair{Read: readON, Write: writeON},
	"EFFECTIVE":    mapping.Pair{Read: readEffective, Write: writeEffective},
	"DRUG_NAME":    mapping.Pair{Read: readDrugName, Write: writeDerived},
	"GUARDIAN":     mapping.Pair{Read: readGuardian, Write: writeDerived},
	"SOMEBODY":     mapping.Pair{Read: readSomebody, Write: writeDerived},
	"SECRECY":      mapping.Pair{Read: readSecrecy, Write: writeSecrecy},
	"TAG":          languageTag,
	"OTHER_TONGUE": mapping.Pair{Read: readOtherTongue, Write: writeNothing, Parts: []string{"languageCode"}},
	"REFERS":       mapping.Pair{Read: readEntryReferences, Write: writeNothing},
	"PROVENANCE":   mapping.Pair{Read: readProvenance, Write: writeProvenance},
	"UDI":          mapping.Pair{Read: readUDI, Write: writeNothing},
	"WRITTEN_BY":   mapping.Pair{Read: readNothing, Write: writeAuthors},
	"MISPLACED":    mapping.Pair{Read: readMisplaced, Write: writeMisplaced},
	"VALUES":       mapping.Pair{Read: readValues, Write: writeValues},
	"TONGUE":       mapping.Pair{Read: readTongue, Write: writeTongue},
}

// text is the text as it is. FHIR's code wants single blanks, its uri none.
var text = mapping.Type{Read: func(c *mapping.Context, s string) (string, error) {
	switch c.Target() {
	case "code":
		s = strings.Join(strings.Fields(s), " ")
	case "uri", "url", "canonical", "id", "oid", "uuid":
		if strings.ContainsAny(s, " \t\r\n") {
			return "", errors.New("a blank within a URI")
		}
	}
	return s, nil
}}

// positive is int_pos: a number of 1 and more.
var positive = mapping.Type{Read: number.Read, Normal: number.Normal, Write: func(_ *mapping.Context, s string) (string, error) {
	if n, err := strconv.Atoi(s); err != nil || n < 1 {
		return "", errors.New("no number of 1 or more")
	}
	return s, nil
}}

// base64 is the text of a B64 ED: FHIR's has no blanks.
var base64 = mapping.Type{Read: func(_ *mapping.Context, s string) (string, error) { return solid(s), nil }, Normal: solid}

func solid(s string) string { return strings.Join(strings.Fields(s), "") }

// number is real and int: without plus, leading zeros, or a point without digits beside it.
var number = mapping.Type{Read: func(_ *mapping.Context, s string) (string, error) { return hl7.Number(s), nil }, Normal: hl7.Number}

// boolean is bl: true or false.
var boolean = mapping.Type{Read: func(_ *mapping.Context, s string) (string, error) {
	if s != "true" && s != "false" {
		return "", errors.New("neither true nor false")
	}
	return s, nil
}}

// system is the OID of a code system (@codeSystem) and its URI in FHIR.
var system = mapping.Type{
	Read: func(c *mapping.Context, s string) (string, error) {
		s = strings.TrimSpace(s)
		if uri := icd9[s]; uri != "" {
			return uri, nil
		}
		if known, ok := terminology.ByOID(s); ok {
			// A code that the system does not have, where we know them all, is one of somebody's who calls it by the same number.
			if code := attrText(c.Doc, c.Doc.Parent(c.Leaf()), "code"); code != "" && namesSystem(s) {
				if holds, all := terminology.Holds(known.URI, code); all && !holds {
					return rootURI(s)
				}
			}
			return known.URI, nil
		}
		if strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") { // QUIRK: CDA wants an OID; some senders write FHIR's URI
			return s, mapping.Loss("a URI where CDA has an OID")
		}
		if known, ok := terminology.ByName(s); ok { // QUIRK: and some the system's name, as messages of HL7 v2 have it
			return known.URI, mapping.Loss("a name where CDA has an OID")
		}
		return rootURI(s)
	},
	Write: func(_ *mapping.Context, s string) (string, error) {
		for oid, uri := range icd9 {
			if uri == s {
				return oid, nil
			}
		}
		if known, ok := terminology.ByURI(s); ok && known.OID != "" {
			return known.OID, nil
		}
		if root, ok := uriRoot(s); ok {
			return root, nil
		}
		if n, err := strconv.Atoi(strings.TrimPrefix(s, "http://terminology.hl7.org/CodeSystem/v2-")); err == nil && n > 0 {
			return "2.16.840.1.113883.12." + strconv.Itoa(n), nil // a table of HL7 v2
		}
		return "", errors.New("a system that has no OID")
	},
}

// codeSystemURL is what stands in @codeSystem where FHIR has no URI for it.
const codeSystemURL = extensionBase + "code-system"

// isOwnSystem reports a @codeSystem that CDA allows and FHIR cannot name: an OID of few arcs, or a word.
func isOwnSystem(s string) bool {
	if namesSystem(s) || isUUID(s) || !schema.IsUID(s) {
		return false
	}
	_, named := terminology.ByName(s)
	return !named
}

// readOwnSystem keeps it beside the code, before the row of the system finds that it is none.
func readOwnSystem(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	k := attr(c.Doc, n, "codeSystem")
	if k == 0 || attr(c.Doc, n, "code") == 0 || !isOwnSystem(c.Doc.Text(k)) {
		return false
	}
	extend(dst, textExtension(codeSystemURL, c.Doc.Text(k)))
	c.Carry(k)
	return true
}

// icd9 is ICD-9-CM as documents and the guide name it: its diagnoses, and the whole of it.
var icd9 = map[string]string{
	"2.16.840.1.113883.6.103": "http://hl7.org/fhir/sid/icd-9-cm",
	"2.16.840.1.113883.6.2":   "http://terminology.hl7.org/CodeSystem/icd9cm",
}

// rootURI is the URI of an OID or UUID. Those of FHIR are in lower case.
func rootURI(root string) (string, error) {
	switch {
	case namesSystem(root):
		return "urn:oid:" + root, nil
	case isUUID(root):
		return "urn:uuid:" + strings.ToLower(root), nil
	}
	return "", errors.New("neither an OID nor a UUID")
}

func uriRoot(uri string) (string, bool) {
	if s, ok := strings.CutPrefix(uri, "urn:oid:"); ok && isOID(s) {
		return s, true
	}
	if s, ok := strings.CutPrefix(uri, "urn:uuid:"); ok && isUUID(s) {
		return s, true
	}
	return "", false
}

// isOID reports whether FHIR's oid takes s: [0-2](\.(0|[1-9][0-9]*))+
func isOID(s string) bool {
	if len(s) < 3 || s[0] < '0' || s[0] > '2' || s[1] != '.' {
		return false
	}
	for i := 1; i < len(s); { // at a dot
		from := i + 1
		for i = from; i < len(s) && s[i] != '.'; i++ {
			if s[i] < '0' || s[i] > '9' {
				return false
			}
		}
		if i == from || s[from] == '0' && i > from+1 {
			return false
		}
	}
	return true
}

// namesSystem reports an OID that FHIR takes as the name of a system. QUIRK: the official validator takes none of so few arcs that its
// last dot is among the first characters (1.2.3, 2.999): those are arcs below which others are given out.
func namesSystem(s string) bool { return strings.LastIndexByte(s, '.') >= 5 && isOID(s) }

// isUUID reports a UUID; a document may have it in capitals.
func isUUID(s string) bool { return fhir.IsUUID(strings.ToLower(s)) }

const (
	xsiTypeURL = extensionBase + "xsi-type"
	codedType  = "CD" // what a coded value is written as where nothing says otherwise
)

// readXSIType keeps which of the coded types a value is.
func readXSIType(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	if c.Doc.Text(n) == codedType {
		c.Doc.Mark(n, tree.Declined, "the element's type says it")
		return false
	}
	extend(dst, codeExtension(xsiTypeURL, c.Doc.Text(n)))
	c.Carry(n)
	return true
}

// writeXSIType writes the type that was kept. CV, CO and CS have no translations, so what has got some since is a CD.
func writeXSIType(c *mapping.Context, src proto.Message, n tree.Node) bool {
	list := extensions(src)
	if list == nil {
		return false
	}
	concept, _ := src.(*dpb.CodeableConcept)
	for _, x := range *list {
		if t := x.GetValue().GetCode().GetValue(); t != "" && x.GetUrl().GetValue() == xsiTypeURL {
			if len(concept.GetCoding()) > 1 && (t == "CV" || t == "CO" || t == "CS") {
				c.Decline(x, "a "+t+" has no translations, and this has")
				return true // with the type that the row's test wrote
			}
			c.Doc.SetText(n, t) // over the type that the row's test wrote
			c.Claim(x)
			return true
		}
	}
	return false
}

// attr is the attribute of a node, 0 if there is none or it is empty.
func attr(d *tree.Doc, n tree.Node, name string) tree.Node {
	for k := d.First(n); k != 0; k = d.Next(k) {
		if s := d.Name(k); len(s) == len(name)+1 && s[0] == '@' && s[1:] == name {
			if d.Text(k) == "" {
				return 0
			}
			return k
		}
	}
	return 0
}

func attrText(d *tree.Doc, n tree.Node, name string) string {
	if k := attr(d, n, name); k != 0 {
		return d.Text(k)
	}
	return ""
}

// set writes an attribute, or reports that another value stands there.
func set(d *tree.Doc, n tree.Node, name, value string) bool {
	k := d.Child(n, "@"+name)
	if k == 0 {
		k = d.Add(n, "@"+name, "")
	}
	if have := d.Text(k); have != "" {
		return have == value
	}
	d.SetText(k, value)
	return true
}

const (
	rfc3986  = "urn:ietf:rfc:3986"
	rootURL  = extensionBase + "root"
	uriRootO = "2.16.840.1.113883.4.873" // HL7's root for identifiers that are URIs
)

// --- II ---

// readII reads an instance identifier (CDA R2, datatype II): the extension within the system of its root; without an
// extension the root itself, as a URI. A root of URIs holds a system of FHIR's that has no OID, and the value behind it.
func readII(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Identifier)
	root, ext := attr(c.Doc, n, "root"), attr(c.Doc, n, "extension")
	if !ok || root == 0 && ext == 0 {
		return false
	}
	switch {
	case root == 0:
		d.Value = &dpb.String{Value: c.Doc.Text(ext)}
	case ext != 0 && c.Doc.Text(root) == uriRootO:
		d.System, d.Value = &dpb.Uri{Value: rfc3986}, &dpb.String{Value: c.Doc.Text(ext)}
	default:
		uri, err := rootURI(strings.TrimSpace(c.Doc.Text(root)))
		if err != nil {
			// No system that FHIR could name: the value stands alone, and the root beside it.
			d.Extension = append(d.Extension, textExtension(rootURL, c.Doc.Text(root)))
			d.Value = &dpb.String{Value: c.Doc.Text(root)}
			if ext != 0 {
				d.Value.Value = c.Doc.Text(ext)
				if d.Value.Value == c.Doc.Text(root) {
					c.Doc.Mark(ext, tree.Folded, "the same as its root")
				} else {
					c.Carry(ext)
				}
			}
			c.Carry(root)
			return true
		}
		if ext == 0 {
			d.System, d.Value = &dpb.Uri{Value: rfc3986}, &dpb.String{Value: uri}
		} else {
			if known, ok := terminology.ByOID(c.Doc.Text(root)); ok && strings.HasPrefix(known.URI, "http://hl7.org/fhir/sid/") {
				uri = known.URI
			}
			d.System, d.Value = &dpb.Uri{Value: uri}, &dpb.String{Value: c.Doc.Text(ext)}
		}
	}
	if root != 0 {
		if s := strings.TrimSpace(c.Doc.Text(root)); isUUID(s) && s != strings.ToLower(s) {
			defer c.Fold("a UUID is written in lower case")()
		}
		c.Carry(root)
	}
	if ext != 0 {
		c.Carry(ext)
	}
	return true
}

func writeII(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.Identifier)
	if !ok || d.GetValue().GetValue() == "" {
		return false
	}
	uri, value := d.GetSystem().GetValue(), d.GetValue().GetValue()
	for _, x := range d.Extension {
		if said := x.GetValue().GetStringValue(); said != nil && x.GetUrl().GetValue() == rootURL && uri == "" {
			if !schema.IsUID(said.Value) { // the value has it, or stands without it
				c.Claim(d.Value)
				c.Decline(x, "CDA's schema allows no such root")
				return set(c.Doc, n, "extension", value) && (attr(c.Doc, n, "nullFlavor") != 0 || set(c.Doc, n, "nullFlavor", "UNK"))
			}
			if !set(c.Doc, n, "root", said.Value) || value != said.Value && !set(c.Doc, n, "extension", value) {
				return false
			}
			c.Claim(x)
			c.Claim(d.Value)
			return true
		}
	}
	root, isRoot := uriRoot(value)
	switch {
	case uri == "":
		ok = set(c.Doc, n, "extension", value)
	case uri == rfc3986 && isRoot:
		ok = set(c.Doc, n, "root", root)
	case uri == rfc3986:
		ok = set(c.Doc, n, "root", uriRootO) && set(c.Doc, n, "extension", value)
	default:
		if root, isRoot = uriRoot(uri); !isRoot {
			if known, found := terminology.ByURI(uri); found && known.OID != "" {
				root, isRoot = known.OID, true
			}
		}
		if !isRoot {
			return false
		}
		ok = set(c.Doc, n, "root", root) && set(c.Doc, n, "extension", value)
	}
	if !ok {
		return false
	}
	if d.System != nil {
		c.Claim(d.System)
	}
	c.Claim(d.Value)
	return true
}

// --- TEL ---

var schemes = [...]struct {
	scheme string
	system string
}{{"tel:", "phone"}, {"mailto:", "email"}, {"fax:", "fax"}, {"sms:", "sms"}, {"http:", "url"}, {"https:", "url"}}

// readTEL reads the URL of a TEL: the system from its scheme, and what stands behind. A web address keeps its scheme.
func readTEL(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.ContactPoint)
	v := attr(c.Doc, n, "value")
	if !ok || v == 0 {
		return false
	}
	s := c.Doc.Text(v)
	value, system := s, "other"
	for _, x := range schemes {
		if len(s) > len(x.scheme) && strings.HasPrefix(s, x.scheme) {
			value, system = s[len(x.scheme):], x.system
			if system == "url" {
				value = s
			}
			break
		}
	}
	code := &dpb.ContactPoint_SystemCode{}
	if !hl7.Store(code, system) {
		return false
	}
	d.System, d.Value = code, &dpb.String{Value: value}
	c.Carry(v)
	return true
}

func writeTEL(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.ContactPoint)
	if !ok || d.GetValue().GetValue() == "" {
		return false
	}
	s := d.GetValue().GetValue()
	system := hl7.FHIRText(d.GetSystem())
	for _, x := range schemes {
		if x.system == system && system != "url" {
			s = x.scheme + s
			break
		}
	}
	if !set(c.Doc, n, "value", s) {
		return false
	}
	if d.System != nil {
		c.Claim(d.System)
	}
	c.Claim(d.Value)
	return true
}

// --- PQ ---

const ucum = "http://unitsofmeasure.org"

// readUnit reads @unit: UCUM's code, or the text of a unit that is none of UCUM.
func readUnit(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	u := attr(c.Doc, n, "unit")
	q, ok := quantityOf(dst)
	if name := c.Doc.Name(n); u == 0 && (name == "low" || name == "high" || name == "center") && attr(c.Doc, n, "value") != 0 {
		c.Elsewhere()
		if u = attr(c.Doc, c.Doc.Parent(n), "unit"); u != 0 { // QUIRK: the unit of an interval, said once for its ends
			defer c.Fold("each end of an interval has its unit")()
		}
	}
	if !ok || u == 0 {
		return false
	}
	*q.unit = &dpb.String{Value: c.Doc.Text(u)}
	if terminology.IsUCUM(c.Doc.Text(u)) {
		*q.system, *q.code = &dpb.Uri{Value: ucum}, &dpb.Code{Value: c.Doc.Text(u)}
	}
	c.Carry(u)
	return true
}

func writeUnit(c *mapping.Context, src proto.Message, n tree.Node) bool {
	q, ok := quantityOf(src)
	if !ok {
		return false
	}
	coded := (*q.system).GetValue() == ucum && (*q.code).GetValue() != ""
	unit := (*q.unit).GetValue()
	if coded {
		unit = (*q.code).GetValue()
	}
	if unit == "" || !set(c.Doc, n, "unit", unit) {
		return false
	}
	if coded {
		c.Claim(*q.system)
		c.Claim(*q.code)
	}
	if (*q.unit).GetValue() == unit {
		c.Claim(*q.unit)
	}
	return true
}

// quantity is what the types that are a Quantity have in common.
type quantity struct {
	unit   **dpb.String
	system **dpb.Uri
	code   **dpb.Code
}

func quantityOf(m proto.Message) (quantity, bool) {
	switch x := m.(type) {
	case *dpb.Quantity:
		return quantity{&x.Unit, &x.System, &x.Code}, true
	case *dpb.SimpleQuantity:
		return quantity{&x.Unit, &x.System, &x.Code}, true
	case *dpb.Age:
		return quantity{&x.Unit, &x.System, &x.Code}, true
	case *dpb.Duration:
		return quantity{&x.Unit, &x.System, &x.Code}, true
	}
	return quantity{}, false
}
