package ccdafhir

// Older gives the templates of before C-CDA that mean the same as one of its, for the tests.
func Older(root string) []string { return older[root] }
