package diag

// v2fhirEntries are the findings of the mapping between HL7 v2 and FHIR.
var v2fhirEntries = []Entry{
	{"CP-V2-101", Misread, "a local time does not exist or exists twice in the zone that was given",
		"Clocks were changed; which moment is meant cannot be known, so only the date is kept.",
		"send times with their offset"},
	{"CP-V2-102", Reject, "no table reads messages of this structure",
		"Chartpost has tables for the messages that docs/formats.md lists, and for what an overlay adds.",
		"give a table for the structure with --map, or leave the message to the system that reads it"},
	{"CP-V2-103", Reject, "no table writes a message of this structure",
		"Chartpost writes the messages that docs/formats.md lists, and what an overlay adds.",
		"ask for another message with --message"},
	{"CP-V2-104", Misread, "no table knows the structure of the message: its segments are read by themselves",
		"The patient and what belongs to him is read in the usual order. Which segment belongs to which is a guess where the structure says otherwise.",
		"give a table for the structure with --map"},
	{"CP-V2-105", Reject, "the message holds no record of a person",
		"An acknowledgement, a query, or what systems tell one another of their lists has nothing that FHIR would say of a patient.",
		"leave the message to the system that it is for"},
}
