package diag

// csvmapEntries are the findings of mappings between tables and FHIR.
var csvmapEntries = []Entry{
	{"CP-CSV-050", Reject, "no mapping knows the columns of this table",
		"A table says nothing of what its columns mean: a mapping says it, and none of the built-in ones and of those given has these columns.",
		"have one proposed with chartpost map suggest, look it over, and give it with --map"},
	{"CP-CSV-051", Info, "columns that no row of the mapping knows",
		"Their cells are unmapped in the ledger, and are not in the output.",
		"look whether they matter: chartpost map suggest writes a mapping to which rows can be added; --unmapped keep keeps them as they are"},
	{"CP-CSV-052", Reject, "the table has columns that the mapping does not know, and it was to be refused then",
		"With --unmapped refuse, or options.unmapped in the mapping's head, a table is read whole or not at all.",
		"write rows for the columns, decline them with a reason, or leave the option out"},
	{"CP-CSV-053", Info, "keys that lead to rows of a table which is not among the inputs",
		"The references have the ids that these rows would make, and the keys as their identifiers; whoever has the other table has the resources.",
		"give the table too, if it is to be converted"},
	{"CP-CSV-054", Misread, "keys that lead to no row",
		"The other table is among the inputs, and has no row with these keys: the references lead to nothing.",
		"look whether the table is whole, and whether the keys are written in the same way"},
	{"CP-CSV-055", Reject, "nothing of the row could be mapped",
		"None of its cells is known to the mapping and of the type that it says.",
		"look at the ledger of a row that is like it, and at the mapping"},
	{"CP-CSV-056", Misread, "rows with a key that another row has",
		"A key identifies one row. The first has the id that references lead to; the others have ids of their own.",
		"look whether they are one thing said twice, or whether the key has more columns"},
	{"CP-CSV-057", Misread, "rows say different things of one person or thing",
		"They have one identifier and contradict one another. The first stays as it is; what another says is a resource of its own.",
		"look which of them is right"},
}
