// Package ccdafhir holds the tables between clinical documents (HL7 CDA R2, C-CDA R1.1 to R2.1) and FHIR R4: the rows of the
// C-CDA on FHIR Implementation Guide STU 2.0, and rows of Chartpost's own where the guide is silent.
//
// The tables are the .map files, one for each section; what cannot be a row is a leaf type or a pair of functions beside them.
package ccdafhir

import (
	"embed"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/mapping"
)

//go:embed *.map
var tables embed.FS

// Tables are the built-in mapping.
func Tables() mapping.Tables {
	return mapping.Tables{Format: ccda.Format, Types: Types, Files: files}
}

var files = mapping.Embedded(tables)
