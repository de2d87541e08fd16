package diag

// Findings of FHIR's XML (FHIR R4, xml.html).
var fhirXMLEntries = []Entry{
	{"CP-FHIR-081", Reject, "the XML is not well-formed",
		"Tags do not match, an attribute or a text is cut off, or a character stands where XML does not allow it, so what follows has no certain meaning.",
		"look at the place given; &, < and quotes within a value are written &amp; &lt; &quot;"},
	{"CP-FHIR-082", Reject, "a document type or an entity, which FHIR's XML does not have",
		"Entities can pull in other files or grow without end, so they are neither expanded nor fetched. Narratives have no &nbsp; in XML.",
		"remove the document type; write the characters themselves or their numbers, &#160;"},
	{"CP-FHIR-083", Reject, "an element or attribute that is not in FHIR's namespace",
		"Elements of FHIR are in http://hl7.org/fhir, the narrative's in http://www.w3.org/1999/xhtml; anything else says nothing to a reader of FHIR.",
		"declare the namespace on the resource, as in <Patient xmlns=\"http://hl7.org/fhir\">, or move what it says into an extension"},
	{"CP-FHIR-084", Misread, "the elements are not in the order of the specification",
		"XML of FHIR is a sequence in a fixed order. The values were read as they are; a receiver that checks the schema refuses the file.",
		"put the elements into the order in which the specification lists them; write the file anew with --to fhir-xml"},
	{"CP-FHIR-085", Reject, "text stands where FHIR has none",
		"Values are written in the attribute value, as in <family value=\"...\"/>; text between tags says nothing.",
		"move the text into the attribute value"},
	{"CP-FHIR-086", Reject, "a text that XML cannot hold",
		"XML has no control characters, and the narrative must be a well-formed div of XHTML. Nothing was written of the resource.",
		"remove the character, or mend the narrative"},
}
