// Package view writes a record in FHIR R4 (4.0.1) as one page for people: HTML that needs nothing beside itself, with the sections of the
// International Patient Summary (IPS 2.0) in their order, and WCAG 2.2 AA in mind.
//
// # How it works
//
//	set        resources in JSON, kept by Type/id; one Page for each patient, with what refers to them and what that refers to
//	sections   which resource stands in which section, and its columns: a table, one line for each kind of resource
//	value      datatypes to words: the plain label first, codes small, dates spelled
//	narrative  XHTML that a sender wrote, rebuilt from a short list of elements and attributes
//	writer     the one place that writes markup: whatever is not a tag of this package goes through its escaping
//	page       banner, counts, sections, what was left out, style
//
// An element that no column names stands in the last column of its row, under its own name, so nothing that a person would read is left out;
// ids, extensions and the like are counted. What turns a meaning around (a status such as refuted or not-done, doNotPerform, a modifier
// extension) is said in words beside what it turns around. Nothing is concluded: a value out of its range is called high only if the record
// does so.
//
// The page has no script, and its Content-Security-Policy names its one style by hash. No address in it is ever loaded.
package view
