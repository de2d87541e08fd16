package diag

var cnvEntries = []Entry{
	{"CP-CNV-001", Reject, "the format of the input is not known",
		"It begins like no HL7 v2 message and no FHIR resource, so nothing of it can be converted.",
		"name the format with --from, or leave the file out"},
	{"CP-CNV-002", Reject, "the input cannot be read",
		"What cannot be read cannot be converted; the other inputs are.",
		"look whether the file is whole and may be read"},
	{"CP-CNV-003", Reject, "the input is empty",
		"There is no record in it.",
		"export it again, or leave it out"},
}
