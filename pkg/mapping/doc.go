// Package mapping is the row language and its engine: one row of text states one fact of a mapping guide and serves both
// directions, over any tree, to and from FHIR R4. docs/rows.md is the language on one page.
package mapping
