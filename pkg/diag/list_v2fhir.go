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
	{"CP-V2-106", Info, "what the message must have and the record does not say was filled in",
		"HL7 v2 wants places filled of which FHIR, or a document, says nothing: a time of the message, a control id, the class of a visit. The finding lists them; all else comes from the record.",
		"nothing, or say it in the record: a MessageHeader, an identifier and a name of the patient, an Encounter"},
	{"CP-V2-107", Reject, "the record is about no patient, and the message must have one",
		"Nobody could tell whose the message is, and its structure demands a PID.",
		"add the Patient, of several of them leave one, or ask for a message that may go without with --message (ORU^R01)"},
	{"CP-V2-108", Reject, "the record holds nothing of what the message is about",
		"A message of orders without an order, of an appointment or a document without one, is none of its type: a receiver refuses it.",
		"leave out --message, so that the record chooses the message, or ask for another"},
}
