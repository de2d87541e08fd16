// Package conformance measures Chartpost against what others have published: the HL7 v2-to-FHIR guide's rows, pairs of message
// and FHIR of three other projects, and the official FHIR validator. It is a tool of the developers; nothing of it is in the
// binary. The command conform runs it, `make conformance` all of it.
package conformance
