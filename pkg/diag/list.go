package diag

import "slices"

// The one list of findings, one file for each area: CP-V2 (HL7 v2), CP-CDA (C-CDA), CP-CSV, CP-FHIR, CP-PKG (packages,
// contacts, keys, log), CP-MAP (mapping files), CP-CNV (conversion and files). Numbers are never reused; add at the end of
// an area.
var entries = slices.Concat(
	ccdaEntries, ccdaValidateEntries, cnvEntries, csvEntries, csvkindsEntries, csvmapEntries, deliveryEntries, fhirEntries,
	fhirXMLEntries, hl7v2Entries, mapEntries, pkgEntries, v2ValidateEntries, v2fhirEntries, validateEntries, viewEntries,
)
