// Package converters is the one explicit list of formats: what can be read and written, and with which tables.
package converters

import (
	"slices"

	"github.com/chartpost/chartpost/converters/ccdafhir"
	"github.com/chartpost/chartpost/converters/csvfhir"
	"github.com/chartpost/chartpost/converters/v2fhir"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// Formats are all formats, for a run with these overlays, of which the last wins. unmatched gives, after the run, a finding
// for each overlay that matched nothing.
func Formats(overlays []*mapping.File) (*convert.Formats, error) {
	messages, err := mapping.NewMaps(v2fhir.Tables(), overlays)
	if err != nil {
		return nil, err
	}
	documents, err := mapping.NewMaps(ccdafhir.Tables(), overlays)
	if err != nil {
		return nil, err
	}
	tables, err := csvfhir.NewSet(overlays)
	if err != nil {
		return nil, err
	}
	return &convert.Formats{
		List: []*convert.Format{v2fhir.Format(messages), ccdafhir.Format(documents), convert.FHIR(), convert.NDJSON(), convert.FHIRXML(), csvfhir.Reader(tables)},
		Unmatched: func() []*diag.Finding {
			return slices.DeleteFunc(mapping.Unmatched(messages, documents), func(f *diag.Finding) bool { return tables.Used(f.Place.Source) })
		},
		MappedTables: func(to, name string, w convert.TableStyle) *convert.Format {
			m := tables.Last(name)
			if m == nil {
				return nil
			}
			return csvfhir.Writer(m, to, csvtab.Writing{Excel: w.Excel, Raw: w.Raw})
		},
	}, nil
}

// Mappings are the built-in tables of all formats.
func Mappings() []mapping.Tables {
	return []mapping.Tables{v2fhir.Tables(), ccdafhir.Tables()}
}
