package diag

// mapEntries are the findings of mapping files: the built-in tables, overlays, CSV mappings.
var mapEntries = []Entry{
	{"CP-MAP-001", Reject, "a line of the mapping file cannot be read",
		"A mapping is used as a whole or not at all, so that no row is left out unseen.",
		"correct the line; docs/rows.md shows every form with an example"},
	{"CP-MAP-002", Reject, "the head of the mapping file cannot be read",
		"The head says which sources the file is for; misread, it would be used for the wrong ones.",
		"correct the lines between the two lines of ---"},
	{"CP-MAP-003", Reject, "a row or code that goes one way has no note, or a declined one no reason",
		"The ledger quotes the note to whoever asks why a value did not come back.",
		"say why behind # at the end of the line, or behind the - of a declined row"},
	{"CP-MAP-004", Reject, "something is defined twice",
		"Only one of the two can hold, and nobody could tell which.",
		"remove or rename one of them; in an overlay, write replace before the row that takes another's place"},
	{"CP-MAP-005", Reject, "drop or replace names a row that is not there",
		"The overlay was written for other rows than these, so the built-in row would go on working unseen.",
		"chartpost explain shows the rows of a place; copy its place and target"},
	{"CP-MAP-006", Reject, "a row does not fit its table",
		"A row that cannot be read or written would lose its value.",
		"correct the row as the message suggests"},
	{"CP-MAP-007", Misread, "a mapping matched nothing of the source",
		"What the mapping says was not applied; perhaps it is meant for another sender.",
		"compare the head of the mapping with the source: chartpost inspect shows format, sender, facility and event"},
	{"CP-MAP-008", Reject, "the mapping file is not text in UTF-8",
		"Places and codes could be misread.",
		"save the file as UTF-8"},
}
