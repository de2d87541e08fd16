// Package sqlview runs ViewDefinitions of SQL on FHIR v2 (2.1.0-pre): what is in resources of the hub becomes the rows of flat tables.
//
// A file of views is read with Parse, which finds every fault with its place before anything is run. A View never changes and serves
// any number of goroutines; each has a Runner of its own, which gives the rows of one resource after the other.
//
// Beyond the specification a path may use %record: all the resources of the record that the resource is of (a message, a document, a
// bundle, what bulk data says of one patient). That is how a row of a patient can count what stands in other resources.
package sqlview
