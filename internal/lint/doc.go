// Package lint holds the house's own rules as tests: the arrows between the layers of DESIGN.md section 4, and what a reader may
// count on in every file. `make lint` runs them alone, `make test` among the others.
package lint
