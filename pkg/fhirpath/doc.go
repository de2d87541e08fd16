// Package fhirpath compiles and evaluates FHIRPath 2.0.0 (N1, ANSI/HL7 NMN R1-2020) with the additions of FHIR R4 (fhirpath.html)
// and the functions that SQL-on-FHIR v2 asks for, over the messages of the hub.
//
// Compile turns an expression into closures once, for the static type of the items that it will be evaluated on; Test, Bool and
// Eval then run it with a Context, which one goroutine uses again and again. A wrong element name is an error when it is compiled,
// with its column. Nearly every evaluation allocates nothing.
//
// # How it works
//
//	lex, parse      text to a tree
//	types           what an expression may give: the hub's types (pkg/fhir/plan) and those of FHIRPath's own system
//	node, compile   the tree to nodes; a node is five closures (all, one, any, test, count), so that exists() stops at the first
//	                item, count() collects nothing, and and/or/where see a three-valued truth instead of a collection
//	walk            paths: steps through the structs of the hub
//	operators, fn_* FHIRPath chapters 5 and 6, one file a chapter
//	value, decimal, temporal, quantity, units
//
// Items are put on one stack in the Context; a node's closure leaves its items on top of what was there before.
//
// Places cost nothing until someone asks: Context.Place looks for the item in its resource.
//
// # Deviations
//
// Each is marked QUIRK where it stands: as() filters collections whose types are not known, a date may be compared with a string,
// and \d within a string literal stays \d, because expressions of R4 rely on these.
package fhirpath
