package fhir

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strconv"

	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
)

// Namespace is the namespace of all ids that Chartpost makes: the UUIDv5 of https://chartpost.org/fhir/id in RFC 9562's
// namespace for URLs. It never changes.
const Namespace = "8db38809-1de9-563d-abf6-1ffb4f315b8b"

var namespace = [16]byte{0x8d, 0xb3, 0x88, 0x09, 0x1d, 0xe9, 0x56, 0x3d, 0xab, 0xf6, 0x1f, 0xfb, 0x4f, 0x31, 0x5b, 0x8b}

// ID is the UUIDv5 of what identifies a thing. kind is the type of the resource, or says what else the id is of. Two lists of
// parts that differ never give the same text to hash.
func ID(kind string, parts ...string) string {
	var room [256]byte
	return uuid5(appendKey(appendKey(append(room[:0], namespace[:]...), kind), parts...))
}

// uuid5 hashes a namespace with a name behind it (RFC 9562, 5.5).
func uuid5(b []byte) string {
	u := putUUID5(b)
	return string(u[len(urn):])
}

const urn = "urn:uuid:"

// putUUID5 is uuid5 with urn:uuid: before it.
func putUUID5(b []byte) (text [len(urn) + 36]byte) {
	h := sha1.Sum(b)
	h[6], h[8] = h[6]&0x0f|0x50, h[8]&0x3f|0x80
	u := text[copy(text[:], urn):]
	hex.Encode(u[0:8], h[0:4])
	hex.Encode(u[9:13], h[4:6])
	hex.Encode(u[14:18], h[6:8])
	hex.Encode(u[19:23], h[8:10])
	hex.Encode(u[24:36], h[10:16])
	u[8], u[13], u[18], u[23] = '-', '-', '-', '-'
	return text
}

// The kinds of identifier are codes of http://terminology.hl7.org/CodeSystem/v2-0203.

// firstKinds come before all others, in this order.
var firstKinds = []string{"MR", "PI", "PT", "MA"}

// sharedKinds belong to no one thing, or to the wrong one: accounts and bank cards, social security, licences, a payer's
// numbers (a family may share a member number), and numbers of groups and specimens that several orders share.
var sharedKinds = []string{
	"AN", "ANON", "ANC", "AND", "ANT", "ACSN", "BA", "BC", "BCT", "BCFN", "PGN", // accounts, cards, groups
	"SS", "SB", "SSN", "TAX", // social security, tax
	"DL", "CDL", "LN", "SL", "MD", "DO", "DDS", "DP", "OD", "PA", "RPH", "NP", "DEA", // licences
	"MC", "MCD", "MCR", "MB", "SN", "WC", "WCN", // a payer's
}

// FieldURL is the extension that says in which field of HL7 v2 something stands, where nothing else tells.
const FieldURL = "https://chartpost.org/fhir/StructureDefinition/v2-field"

// IdentityKey is what identifies the thing that a resource is about: the type of the resource with its best identifier, or the
// empty string if there is none (DESIGN.md, law 4). Identifiers with a system come before those without; then the kinds MR,
// PI, PT, MA in this order; then the order in the resource. Kinds that belong to no one thing never count, nor old and
// temporary identifiers. One without a system counts within the facility that sent it, and its kind counts with it; so does
// the field of an organization's.
func IdentityKey(m proto.Message, facility string) string {
	var room [256]byte
	return string(appendIdentityKey(room[:0], m, facility))
}

func appendIdentityKey(b []byte, m proto.Message, facility string) []byte {
	var list []*dpb.Identifier
	switch x := m.(type) {
	case interface{ GetIdentifier() []*dpb.Identifier }:
		list = x.GetIdentifier()
	case interface{ GetIdentifier() *dpb.Identifier }:
		list = []*dpb.Identifier{x.GetIdentifier()}
	}
	var best *dpb.Identifier
	bestKind, rank := "", 1<<30
	for _, id := range list {
		noSystem := id.GetSystem().GetValue() == ""
		switch id.GetUse().GetValue() {
		case codes.IdentifierUseCode_OLD, codes.IdentifierUseCode_TEMP:
			continue
		}
		if id.GetValue().GetValue() == "" || noSystem && facility == "" {
			continue
		}
		kind, shared := "", false
		for _, c := range id.GetType().GetCoding() {
			code := c.GetCode().GetValue()
			shared = shared || slices.Contains(sharedKinds, code)
			if kind == "" || slices.Contains(firstKinds, code) {
				kind = code
			}
		}
		if shared {
			continue
		}
		r := slices.Index(firstKinds, kind)
		if r < 0 {
			r = len(firstKinds)
		}
		if noSystem {
			r += len(firstKinds) + 1
		}
		if r < rank {
			best, bestKind, rank = id, kind, r
		}
	}
	if best == nil {
		return b
	}
	value, system := best.GetValue().GetValue(), best.GetSystem().GetValue()
	if system != "" {
		return appendKey(b, TypeOf(m), "system", system, value)
	}
	if typ := TypeOf(m); typ != "Organization" {
		return appendKey(b, typ, "facility", facility, bestKind, value)
	}
	// A sender numbers insurers (1) and names authorities (1) each in a list of its own: the field tells them apart.
	return appendKey(b, "Organization", "facility", facility, bestKind+fieldOf(best), value)
}

// fieldOf is the field of HL7 v2 that an identifier is said to stand in, if it is.
func fieldOf(id *dpb.Identifier) string {
	for _, x := range id.GetExtension() {
		if x.GetUrl().GetValue() == FieldURL {
			return x.GetValue().GetCode().GetValue()
		}
	}
	return ""
}

// appendKey joins texts so that lists that differ give keys that differ.
func appendKey(b []byte, parts ...string) []byte {
	for _, p := range parts {
		b = append(strconv.AppendInt(b, int64(len(p)), 10), ':')
		b = append(b, p...)
	}
	return b
}

// IdentifierID is the id of a resource of a type whose identity is an identifier with a system: what ResourceID gives for it.
func IdentifierID(typ, system, value string) string {
	var room [256]byte
	return ID(typ, "identifier", string(appendKey(room[:0], typ, "system", system, value)))
}

// ResourceID is the id of a resource: that of its IdentityKey, else of what the caller knows of its record and of its place in
// it, such as the record's sha256 and the position.
func ResourceID(m proto.Message, facility string, record ...string) string {
	return ResourceURL(m, facility, record...)[len(urn):]
}

// ResourceURL is the fullUrl of a resource whose id is that of ResourceID, which is its end.
func ResourceURL(m proto.Message, facility string, record ...string) string {
	var room, name [256]byte
	b := append(room[:0], namespace[:]...)
	if key := appendIdentityKey(name[:0], m, facility); len(key) > 0 {
		b = appendKey(b, TypeOf(m), "identifier")
		b = append(strconv.AppendInt(b, int64(len(key)), 10), ':')
		b = append(b, key...)
	} else {
		b = appendKey(appendKey(b, TypeOf(m), "record"), record...)
	}
	u := putUUID5(b)
	return string(u[:])
}
