// Package mapping is the row language and its engine: one row of text states one fact of a mapping guide and serves both
// directions, over any tree, to and from FHIR R4. docs/rows.md is the language on one page.
//
// Its files, in the order in which they are best read:
//
//   - the text: ast.go is what a file holds, scan.go and parse.go read it, head.go its head, lazy.go what is parsed when first used,
//     format.go prints it, fault.go is what is wrong with it;
//   - many files: set.go puts tables, overlays and codes together, library.go and maps.go choose those of a source, explain.go shows rows;
//   - rows made ready: compile.go binds a row to its type, path.go its target to the hub's struct fields, forward.go and shape.go choose
//     the rows that are tried; rivals.go, contests.go, repeats.go and defaults.go refuse what is ambiguous, confused, crowded or can stay empty;
//   - the hub's side: record.go is what a document becomes, scratch.go the memory of a run, pairs.go what functions in Go may ask for;
//   - to FHIR: read.go, then read_scope.go, read_element.go, read_leaf.go and read_arrow.go for what a row can lead to, memo.go and
//     memo_arrow.go for texts that were read before, finish.go for ids and references, same.go for things that are said twice, trial.go for
//     records that are written at once, because it is doubtful that they come back;
//   - back: write.go, write_scope.go and write_codes.go, turns.go for groups that several rows read and write in turn, write_attempt.go for
//     what comes to nothing, write_refuse.go for what must not be written, write_conditional.go for what will not be read again, write_rest.go for what is left,
//     excerpt.go for a record that becomes several documents, named.go for references that lead to a number or to somebody elsewhere;
//   - beside the rows: leaf.go and origin.go are for those who show a part of a record and keep the account themselves, added.go for codes
//     that a file adds to those of a record.
package mapping
