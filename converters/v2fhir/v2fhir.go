// Package v2fhir holds the tables between HL7 v2 (2.1 to 2.9) and FHIR R4: row for row those of the HL7 v2-to-FHIR
// Implementation Guide 1.0.0, and rows of Chartpost's own where the guide is silent.
//
// The tables are the .map files; what cannot be a row is a leaf type or a pair of functions beside them.
package v2fhir

import (
	"embed"
	"maps"
	"strings"
	"sync"

	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

//go:embed *.map
var tables embed.FS

// Files are the built-in mapping files. Their rows are parsed when they are first used.
var Files = sync.OnceValues(func() ([]*mapping.File, error) {
	entries, err := tables.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var files []*mapping.File
	for _, e := range entries {
		src, err := tables.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		f, err := mapping.IndexFile(e.Name(), src)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
})

// AllTypes are the leaf types and pairs that rows may name.
func AllTypes() mapping.Types {
	all := maps.Clone(Types)
	maps.Copy(all, segmentTypes)
	return all
}

// segmentTypes are the pairs that stand for segments and fields, not for datatypes.
var segmentTypes = mapping.Types{
	"ZSEGMENT":    zSegment,
	"MINUTES":     minutes,
	"OBX_5":       obx5,
	"OBX_PART":    obxPart,
	"REFRANGE":    refRange,
	"OBR_22":      obr22,
	"RACES":       race.pair(),
	"ETHNICITIES": ethnicity.pair(),
	"DISCHARGE":   discharge,
	"PV1_STATUS":  status,
}

// Maps gives the compiled map for each message: the built-in tables, with the overlays that match it.
type Maps struct {
	library *mapping.Library
	mu      sync.Mutex
	of      map[*mapping.Set]*mapping.Map
}

// NewMaps makes the maps of a run with overlays, of which the last wins.
func NewMaps(overlays []*mapping.File) (*Maps, error) {
	files, err := Files()
	if err != nil {
		return nil, err
	}
	return &Maps{library: mapping.NewLibrary(files, overlays), of: map[*mapping.Set]*mapping.Map{}}, nil
}

// Library is the library that the maps are made of.
func (m *Maps) Library() *mapping.Library { return m.library }

// For is the map for a source.
func (m *Maps) For(src mapping.Source) (*mapping.Map, error) {
	set, err := m.library.For(src)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	have := m.of[set]
	if have == nil {
		have = mapping.New(hl7v2.Format, AllTypes(), set)
		m.of[set] = have
	}
	return have, nil
}

// SourceOf is what a message says of itself, for overlays to match.
func SourceOf(msg *hl7v2.Message) mapping.Source {
	src := mapping.Source{Format: "hl7v2", Event: msg.Type + "^" + msg.Event}
	if msh := msg.Child(tree.Root, "MSH"); msh != 0 {
		src.Sender = parts(msg.Doc, msg.Child(msh, "3"))
		src.Facility = parts(msg.Doc, msg.Child(msh, "4"))
	}
	return src
}

func parts(d *tree.Doc, n tree.Node) (list []string) {
	if n != 0 {
		d.LeavesBelow(n, func(k tree.Node, _ tree.State, _ string) { list = append(list, d.Text(k)) })
	}
	return list
}

// Facility is what scopes the identifiers of a message that have no system: MSH-4.
func Facility(d *tree.Doc) string {
	msh := d.Child(tree.Root, "MSH")
	if msh == 0 {
		return ""
	}
	return strings.Join(parts(d, d.Child(msh, "4")), "^")
}

// StructureFor is the message structure that a record of FHIR becomes: what the MessageHeader's event says, else what the
// record holds most tellingly.
func StructureFor(rec *mapping.Record) string {
	if code := eventOf(rec); code != "" {
		typ, event, _ := strings.Cut(code, "^")
		if id, ok := schema.StructureOf(typ, event); ok {
			return id
		}
	}
	structure := "ADT_A01"
	for _, r := range rec.Resources {
		switch r.Type() {
		case "DiagnosticReport":
			return "ORU_R01"
		case "Immunization":
			structure = "VXU_V04"
		}
	}
	return structure
}
