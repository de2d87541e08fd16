// Package terminology knows code systems by all their names: the FHIR URI, the OID, and the name in an HL7 v2 message (HL7
// table 0396), and the codes of those that FHIR R4 (4.0.1) defines in full; and the grammar of UCUM units.
package terminology

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/chartpost/chartpost/internal/squeezed"
)

// System is a code system.
type System struct {
	Name string // in HL7 v2; empty if it has none
	URI  string
	OID  string // without urn:oid:; empty if it has none
}

//go:embed systems.csv
var systemsCSV string

//go:embed codes.csv.gz
var codesList string // codes.csv; make lists

const (
	v2Prefix   = "http://terminology.hl7.org/CodeSystem/v2-"
	v2OIDs     = "2.16.840.1.113883.12." // the tables of HL7 v2 by number
	localNames = "urn:id:"               // a name that nobody registered, as other converters write it
)

type index struct {
	name, uri, oid map[string]System
	codes          map[string]map[string]bool
}

var load = sync.OnceValue(func() *index {
	x := &index{name: map[string]System{}, uri: map[string]System{}, oid: map[string]System{}, codes: map[string]map[string]bool{}}
	for _, row := range rows(systemsCSV) {
		s := System{Name: row[0], URI: row[1], OID: row[2]}
		if first, ok := x.uri[s.URI]; ok {
			first.OID = or(first.OID, s.OID)
			x.name[s.Name] = first // another name of it
			continue
		}
		x.add(s)
		if s.Name != "" {
			x.name[s.Name] = s
		}
	}
	for _, row := range rows(squeezed.Text(codesList)) {
		uri, oid := row[0], row[1]
		set := map[string]bool{}
		for c := range strings.SplitSeq(row[2], "|") {
			set[c] = true
		}
		x.codes[uri] = set
		if _, ok := x.uri[uri]; !ok {
			x.add(System{Name: tableName(uri), URI: uri, OID: oid})
		}
	}
	return x
})

func (x *index) add(s System) {
	x.uri[s.URI] = s
	if s.OID != "" {
		x.oid[s.OID] = s
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// rows reads one of the embedded lists, which a test has read before.
func rows(text string) [][]string {
	r := csv.NewReader(strings.NewReader(text))
	r.Comment = '#'
	all, err := r.ReadAll()
	if err != nil {
		panic(fmt.Sprintf("terminology: %v", err))
	}
	return all[1:]
}

// ByName finds a system by its name in HL7 v2: LN, SCT, HL70005.
func ByName(name string) (System, bool) {
	x := load()
	if s, ok := x.name[name]; ok {
		return s, true
	}
	if len(name) == 7 && strings.EqualFold(name[:3], "HL7") && digits(name[3:]) {
		uri := v2Prefix + name[3:]
		if s, ok := x.uri[uri]; ok {
			return s, true
		}
		return System{Name: "HL7" + name[3:], URI: uri}, true
	}
	s, ok := x.name[strings.ToUpper(name)] // RxNorm, Loinc
	return s, ok
}

// ByURI finds a system by its FHIR URI.
func ByURI(uri string) (System, bool) {
	if s, ok := load().uri[uri]; ok {
		return s, true
	}
	if name := tableName(uri); name != "" {
		return System{Name: name, URI: uri}, true
	}
	return System{}, false
}

// ByOID finds a system by its OID, with or without urn:oid:.
func ByOID(oid string) (System, bool) {
	oid = strings.TrimPrefix(oid, "urn:oid:")
	if s, ok := load().oid[oid]; ok {
		return s, true
	}
	if n, ok := strings.CutPrefix(oid, v2OIDs); ok && len(n) <= 4 && digits(n) {
		s, ok := ByURI(v2Prefix + strings.Repeat("0", 4-len(n)) + n)
		s.OID = oid
		return s, ok
	}
	return System{}, false
}

// tableName is HL7nnnn for the URI of an HL7 v2 table.
func tableName(uri string) string {
	if n, ok := strings.CutPrefix(uri, v2Prefix); ok && len(n) == 4 && digits(n) {
		return "HL7" + n
	}
	return ""
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// Holds reports whether a code belongs to a code system. ok is false if only a terminology server could tell.
func Holds(uri, code string) (holds, ok bool) {
	if uri == "http://unitsofmeasure.org" {
		return IsUCUM(code), true
	}
	set, ok := load().codes[uri]
	return set[code], ok
}

// LocalURI is the URI of a system that has nothing but a name, and LocalName the name again.
func LocalURI(name string) string { return localNames + url.PathEscape(name) }

// LocalName is the name that LocalURI was given.
func LocalName(uri string) (name string, ok bool) {
	name, ok = strings.CutPrefix(uri, localNames)
	if !ok || name == "" {
		return "", false
	}
	name, err := url.PathUnescape(name)
	return name, err == nil
}
