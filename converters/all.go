// Package converters is the one explicit list of formats: what can be read and written, and with which tables.
package converters

import (
	"github.com/chartpost/chartpost/converters/v2fhir"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Formats are all formats, for a run with these overlays, of which the last wins. unmatched gives, after the run, a finding
// for each overlay that matched nothing.
func Formats(overlays []*mapping.File) (*convert.Formats, error) {
	maps, err := v2fhir.NewMaps(overlays)
	if err != nil {
		return nil, err
	}
	return &convert.Formats{
		List:      []*convert.Format{v2fhir.Format(maps), convert.FHIR(), convert.NDJSON()},
		Unmatched: maps.Library().Unmatched,
	}, nil
}

// A Mapping is the built-in tables of one format, for those who look at rows and not at records.
type Mapping struct {
	Name  string // hl7v2
	Tree  *tree.Format
	Types mapping.Types
	Files func() ([]*mapping.File, error)
}

// Mappings are the built-in tables of all formats.
func Mappings() []Mapping {
	return []Mapping{
		{Name: "hl7v2", Tree: hl7v2.Format, Types: v2fhir.AllTypes(), Files: v2fhir.Files},
	}
}
