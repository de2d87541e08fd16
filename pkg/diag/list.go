package diag

import "slices"

// The one list of findings. Areas: CP-V2 (HL7 v2), CP-CDA (C-CDA), CP-CSV, CP-FHIR, CP-PKG (packages, contacts, keys, log),
// CP-MAP (mapping files), CP-CNV (conversion and files). Numbers are never reused; add at the end of an area.
var entries = slices.Concat([]Entry{
	{"CP-V2-001", Reject, "the message does not begin with an MSH segment",
		"Without MSH nobody can tell the separators or the kind of message.",
		"export the message again, or cut what stands before MSH"},
}, pkgEntries)
