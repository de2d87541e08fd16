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
	{"CP-CNV-004", Reject, "the record cannot be a bundle of the kind that was asked for",
		"A message bundle begins with a MessageHeader and a document bundle with a Composition; none is made up.",
		"leave --bundle out, or ask for collection or transaction"},
	{"CP-CNV-005", Reject, "Chartpost failed on this record",
		"This is a fault of Chartpost. The record was not written; the others were.",
		"report it, with a record that shows it and no patient's data in it"},
	{"CP-CNV-006", Reject, "the input broke off while it was read",
		"What was read before is converted; what came behind is not known.",
		"look whether the file or archive is whole"},
}
