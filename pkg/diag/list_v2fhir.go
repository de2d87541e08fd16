package diag

// v2fhirEntries are the findings of the mapping between HL7 v2 and FHIR.
var v2fhirEntries = []Entry{
	{"CP-V2-101", Misread, "a local time does not exist or exists twice in the zone that was given",
		"Clocks were changed; which moment is meant cannot be known, so only the date is kept.",
		"send times with their offset"},
}
