package v2fhir

import (
	"slices"
	"strings"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	mpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/message_header_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

const (
	rfc3986  = "urn:ietf:rfc:3986"
	idTypes  = "http://terminology.hl7.org/CodeSystem/v2-0301"
	usIDs    = "http://hl7.org/fhir/sid/us-" // registries of FHIR that HL7 v2 knows by their OIDs
	dnsURI   = "urn:dns:"
	events   = "http://terminology.hl7.org/CodeSystem/v2-0003"
	eventsV2 = "HL70003"
)

// universalURI makes a URI of a universal id and its type (HD.2 and HD.3, EI.3 and EI.4; table 0301).
func universalURI(id, typ string) (uri string, ok bool) {
	if id == "" {
		return "", false
	}
	switch strings.ToUpper(typ) {
	case "ISO":
		id = strings.TrimPrefix(id, "urn:oid:")
		if s, ok := terminology.ByOID(id); ok && strings.HasPrefix(s.URI, usIDs) {
			return s.URI, true
		}
		return "urn:oid:" + id, isOID(id)
	case "UUID", "GUID":
		id = strings.ToLower(strings.TrimPrefix(id, "urn:uuid:"))
		return "urn:uuid:" + id, isUUID(id)
	case "URI", "URL":
		return id, isURI(id)
	}
	return "", false
}

// universalID is the way back.
func universalID(uri string) (id, typ string, ok bool) {
	if s, known := terminology.ByURI(uri); known && s.OID != "" && strings.HasPrefix(uri, usIDs) {
		return s.OID, "ISO", true
	}
	if id, ok := strings.CutPrefix(uri, "urn:oid:"); ok {
		return id, "ISO", true
	}
	if id, ok := strings.CutPrefix(uri, "urn:uuid:"); ok {
		return id, "UUID", true
	}
	return uri, "URI", isURI(uri)
}

// says reports that the universal id that stands in two parts already is this URI, perhaps in other words (GUID).
func says(c *mapping.Context, n tree.Node, idName, typName, uri string) bool {
	id, _ := part(c, n, idName)
	typ, _ := part(c, n, typName)
	have, ok := universalURI(id, typ)
	return ok && have == uri
}

// carryUID marks the leaves of a universal id that became a URI.
func carryUID(c *mapping.Context, uri, id, typ string, leaves ...tree.Node) {
	why := ""
	if backID, backType, _ := universalID(uri); backID != id || backType != typ {
		why = "comes back as " + backType + " in another form"
	}
	carry(c, why, leaves...)
}

// claimUID claims a URI that a message has as a universal id and its type, and may have as another's: then it does not come back as it was.
func claimUID(c *mapping.Context, m proto.Message, uri, id, typ string) {
	if back, ok := universalURI(id, typ); !ok || back != uri {
		defer c.Fold(otherURI)()
	}
	c.Claim(m)
}

// comesBack reports that readHDID makes this value of a universal id and its type.
func comesBack(id, typ, value string) bool {
	uri, ok := universalURI(id, typ)
	if !strings.HasPrefix(uri, "urn:") && strings.EqualFold(typ, "ISO") {
		uri = "urn:oid:" + id
	}
	return ok && uri == value
}

// --- UID and EI_SYSTEM: the universal id of an HD, and that of an EI, as the URI of a system ---

// uriPair is the pair of functions for a universal id and its type that stand in these two components. shared says that another
// row may have written them.
func uriPair(parts []string, idPart, typPart string, shared bool) mapping.Pair {
	return mapping.Pair{Parts: parts, Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		u, ok := dst.(*dpb.Uri)
		if !ok {
			return false
		}
		id, idLeaf := part(c, n, idPart)
		typ, typLeaf := part(c, n, typPart)
		if u.Value, ok = universalURI(id, typ); ok {
			carryUID(c, u.Value, id, typ, idLeaf, typLeaf)
		}
		return ok
	}, Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
		u, ok := src.(*dpb.Uri)
		if !ok {
			return false
		}
		id, typ, ok := universalID(u.Value)
		if !(shared && says(c, n, idPart, typPart, u.Value)) && (!ok || !setPart(c, n, idPart, id) || !setPart(c, n, typPart, typ)) {
			return false
		}
		claimUID(c, u, u.Value, id, typ)
		return true
	}}
}

// --- HD_ID: the universal id of an HD as an identifier of an organization, device or place ---

// readHDID makes {type, system urn:ietf:rfc:3986, value} of an id that is a URI, {use secondary, type, value} of any other.
func readHDID(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Identifier)
	if !ok {
		return false
	}
	id, idLeaf := part(c, n, "2")
	typ, typLeaf := part(c, n, "3")
	if id == "" && typ == "" {
		return false
	}
	if uri, ok := universalURI(id, typ); ok {
		d.System, d.Value = &dpb.Uri{Value: rfc3986}, str(uri)
		if !strings.HasPrefix(uri, "urn:") && strings.EqualFold(typ, "ISO") {
			d.Value = str("urn:oid:" + id) // the registry's name is for systems; this is an id
		}
		back, _, _ := universalID(d.Value.Value)
		why := ""
		if back != id {
			why = "comes back in another form"
		}
		carry(c, why, idLeaf)
		carry(c, "", typLeaf)
	} else {
		d.Use = &dpb.Identifier_UseCode{Value: cpb.IdentifierUseCode_SECONDARY}
		if id != "" {
			d.Value = str(id)
		}
		carry(c, "", idLeaf, typLeaf)
	}
	if typ != "" {
		d.Type = &dpb.CodeableConcept{}
		if holds, _ := terminology.Holds(idTypes, typ); holds {
			d.Type.Coding = []*dpb.Coding{{System: &dpb.Uri{Value: idTypes}, Code: &dpb.Code{Value: typ}}}
		} else {
			d.Type.Text = str(typ)
		}
	}
	return true
}

func writeHDID(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.Identifier)
	if !ok {
		return false
	}
	typ := d.GetType().GetText().GetValue()
	if cs := d.GetType().GetCoding(); len(cs) == 1 && cs[0].GetSystem().GetValue() == idTypes {
		typ = cs[0].GetCode().GetValue()
	}
	id := d.GetValue().GetValue()
	switch {
	case d.GetSystem().GetValue() == rfc3986:
		back, backType, ok := universalID(id)
		if !ok {
			return false
		}
		if uri, ok := universalURI(back, typ); !ok || uri != id && !strings.HasPrefix(uri, usIDs) {
			typ = backType
		}
		id = back
	case d.System != nil || d.GetUse().GetValue() != cpb.IdentifierUseCode_SECONDARY:
		return false
	}
	if !setPart(c, n, "2", id) || !setPart(c, n, "3", typ) {
		return false
	}
	if said := d.GetValue().GetValue(); d.System != nil && !comesBack(id, typ, said) {
		defer c.Fold(otherURI)()
	}
	claim(c, d.Value, d.System)
	if cs := d.GetType().GetCoding(); len(cs) == 1 {
		claim(c, cs[0].System, cs[0].Code) // a message has no words for it
	} else if len(cs) == 0 && d.Type != nil {
		claim(c, d.Type)
	}
	if d.Use != nil {
		c.Claim(d.Use)
	}
	return true
}

// --- HD_UID, EI_UID, CNN_UID: a universal id as the system of an identifier, or as extensions where it is no URI ---

func uidPair(idName, typName string) mapping.Pair {
	return mapping.Pair{
		Parts: []string{idName, typName},
		Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
			d, ok := dst.(*dpb.Identifier)
			if !ok {
				return false
			}
			id, idLeaf := part(c, n, idName)
			typ, typLeaf := part(c, n, typName)
			if id == "" && typ == "" {
				return false
			}
			if uri, ok := universalURI(id, typ); ok && d.System == nil {
				d.System = &dpb.Uri{Value: uri}
				carryUID(c, uri, id, typ, idLeaf, typLeaf)
				return true
			}
			keepUID(&d.Extension, id, typ)
			carry(c, "", idLeaf, typLeaf)
			return true
		},
		Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
			d, ok := src.(*dpb.Identifier)
			if !ok {
				return false
			}
			any := restoreUID(c, d.Extension, n, idName, typName)
			if d.System == nil {
				return any
			}
			id, typ, ok := universalID(d.System.Value)
			if !ok || !setPart(c, n, idName, id) || !setPart(c, n, typName, typ) {
				return any
			}
			claimUID(c, d.System, d.System.Value, id, typ)
			return true
		},
	}
}

func keepUID(list *[]*dpb.Extension, id, typ string) {
	if id != "" {
		*list = append(*list, stringExt("universal-id", id))
	}
	if typ != "" {
		*list = append(*list, stringExt("universal-id-type", typ))
	}
}

func restoreUID(c *mapping.Context, list []*dpb.Extension, n tree.Node, idName, typName string) (any bool) {
	for _, at := range []struct{ ext, name string }{{"universal-id", idName}, {"universal-id-type", typName}} {
		if s, x := extText(list, at.ext); x != nil && setPart(c, n, at.name, s) {
			c.Claim(x)
			any = true
		}
	}
	return any
}

// --- ENDPOINT: a universal id as the address of a sender or receiver ---

// endpoint is what MessageHeader.source and MessageHeader.destination have in common.
func endpoint(m proto.Message) (url **dpb.Url, ext *[]*dpb.Extension) {
	switch m := m.(type) {
	case *mpb.MessageHeader_MessageSource:
		return &m.Endpoint, &m.Extension
	case *mpb.MessageHeader_MessageDestination:
		return &m.Endpoint, &m.Extension
	}
	return nil, nil
}

func readEndpoint(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	url, ext := endpoint(dst)
	id, idLeaf := part(c, n, "2")
	typ, typLeaf := part(c, n, "3")
	if url == nil || id == "" && typ == "" {
		return false
	}
	uri, ok := universalURI(id, typ)
	if typ == "DNS" && id != "" && !strings.ContainsAny(id, " \t\r\n") {
		uri, ok = dnsURI+id, true
		carry(c, "", idLeaf, typLeaf)
	} else if ok {
		carryUID(c, uri, id, typ, idLeaf, typLeaf)
	}
	if ok {
		*url = &dpb.Url{Value: uri}
		return true
	}
	keepUID(ext, id, typ)
	carry(c, "", idLeaf, typLeaf)
	return true
}

func writeEndpoint(c *mapping.Context, src proto.Message, n tree.Node) bool {
	url, ext := endpoint(src)
	if url == nil {
		return false
	}
	any := restoreUID(c, *ext, n, "2", "3")
	if *url == nil || (*url).Value == "" {
		return any
	}
	id, typ, ok := universalID((*url).Value)
	if name, dns := strings.CutPrefix((*url).Value, dnsURI); dns {
		id, typ, ok = name, "DNS", true
	}
	if !says(c, n, "2", "3", (*url).Value) && (!ok || !setPart(c, n, "2", id) || !setPart(c, n, "3", typ)) {
		return any
	}
	if typ == "DNS" {
		c.ClaimValue(*url)
	} else {
		claimUID(c, *url, (*url).Value, id, typ)
	}
	return true
}

// --- MSG: a message type as the event of a MessageHeader ---

// readMSG reads MSG: the trigger event is the code, and the display is the whole (MSG[Coding]).
func readMSG(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Coding)
	if !ok {
		return false
	}
	var parts []string
	var leaves []tree.Node
	last := 0
	for i, name := range []string{"1", "2", "3"} {
		s, leaf := part(c, n, name)
		parts, leaves = append(parts, s), append(leaves, leaf)
		if s != "" {
			last = i + 1
		}
	}
	if last == 0 {
		return false
	}
	if parts[0] != "" && parts[1] == "" { // before 2.3 the event stood in EVN-1 alone
		c.Elsewhere()
		if event := textAt(c.Doc, c.Doc.Child(tree.Root, "EVN"), "1"); len(event) == 3 {
			parts[1], last = event, max(last, 2)
		}
	}
	d.Display = str(strings.Join(parts[:last], "^"))
	if event := strings.Join(strings.Fields(parts[1]), " "); event != "" {
		d.Code, d.System = &dpb.Code{Value: event}, &dpb.Uri{Value: systemURI(eventsV2, "", event)}
	}
	carry(c, "", leaves...)
	return true
}

func writeMSG(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.Coding)
	if !ok {
		return false
	}
	parts := strings.Split(d.GetDisplay().GetValue(), "^")
	if len(parts) > 3 || len(parts) > 1 && parts[1] != d.GetCode().GetValue() || len(parts) == 1 && d.Code != nil {
		parts = nil // a display of its own
	}
	claimed := parts != nil
	if !claimed {
		parts = []string{"", d.GetCode().GetValue()}
	}
	for i, s := range parts {
		if !setPart(c, n, []string{"1", "2", "3"}[i], s) {
			return false
		}
	}
	if claimed {
		c.Claim(d.Display)
	}
	if s := d.GetSystem().GetValue(); s == events || s == terminology.LocalURI(eventsV2) {
		claim(c, d.System)
	}
	claim(c, d.Code)
	return true
}

// --- PL_BED and the like: a place and those around it as one identifier ---

// levels are the components of a person location, outermost last: bed, room, point of care, floor, building, facility.
type levels struct{ bed, room, poc, floor, building, facility string }

var (
	plLevels  = levels{"3", "2", "1", "8", "7", "4"}
	ndlLevels = levels{"6", "5", "4", "11", "10", "7"}
)

// pair makes the identifier that tells a place from others of its name elsewhere, bed A of this room: a PL with the place
// and all that is around it. The levels' own identifiers come back, so it needs not.
func (l levels) pair(from int) mapping.Pair {
	around := []string{l.bed, l.room, l.poc, l.floor, l.building, l.facility}[from:]
	return mapping.Pair{
		Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
			d, ok := dst.(*dpb.Identifier)
			if !ok {
				return false
			}
			var all []string
			for _, name := range []string{l.poc, l.room, l.bed, l.facility, "", "", l.building, l.floor} {
				var parts []string
				if !slices.Contains(around, name) {
					all = append(all, "")
					continue
				}
				if k := c.Doc.Find(n, 0, &tree.Step{Name: name}); k != 0 {
					for _, sub := range []string{"1", "2", "3"} {
						s, _ := part(c, k, sub)
						parts = append(parts, s)
					}
				}
				all = append(all, strings.TrimRight(strings.Join(parts, "&"), "&"))
			}
			value := strings.TrimRight(strings.Join(all, "^"), "^")
			if strings.Trim(value, " ^&") == "" {
				return false // nothing, or blanks alone
			}
			d.Value = str(value)
			return true
		},
		Write: func(c *mapping.Context, src proto.Message, _ tree.Node) bool {
			d, ok := src.(*dpb.Identifier)
			if !ok || d.Value == nil {
				return false
			}
			c.Claim(d.Value)
			return true
		},
	}
}
