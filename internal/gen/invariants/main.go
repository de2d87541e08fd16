// Command invariants writes pkg/validate/invariant/rules.tsv.gz: the constraints of FHIR R4 4.0.1, each where it is introduced, taken from
// the StructureDefinitions of the package hl7.fhir.r4.core 4.0.1 (CC0).
//
//	go run ./internal/gen/invariants ../shared/conformance/fhir-r4-core/hl7.fhir.r4.core-4.0.1.tgz
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"io"
	"log"
	"os"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/internal/fhirpackage"
)

type definition struct {
	Kind, Derivation, URL string
	Snapshot              struct {
		Element []struct {
			Path       string
			Constraint []struct{ Key, Severity, Human, Expression, Source string }
		}
	}
}

// everywhere are constraints of abstract types, which snapshots repeat wherever they hold.
var everywhere = map[string]string{"ele-1": "Element", "ext-1": "Extension", "dom-2": "DomainResource", "dom-3": "DomainResource",
	"dom-4": "DomainResource", "dom-5": "DomainResource", "dom-6": "DomainResource"}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: invariants PACKAGE.tgz")
	}
	rows, err := read(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	out, err := compress(rows)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("pkg/validate/invariant/rules.tsv.gz", out, 0o644); err != nil {
		log.Fatal(err)
	}
}

// read gives a line for each constraint: key, severity, path, words, expression.
func read(pkg string) ([]string, error) {
	var rows []string
	for f, err := range fhirpackage.Files(pkg) {
		if err != nil {
			return nil, err
		}
		if !f.Defines("StructureDefinition") {
			continue
		}
		var d definition
		if err := json.NewDecoder(f).Decode(&d); err != nil {
			return nil, err
		}
		if d.Kind == "logical" || d.Derivation == "constraint" {
			continue
		}
		for _, e := range d.Snapshot.Element {
			for _, c := range e.Constraint {
				if at := everywhere[c.Key]; c.Source != "" && c.Source != d.URL || at != "" && at != e.Path {
					continue // it is introduced elsewhere
				}
				row := []string{c.Key, c.Severity, e.Path, c.Human, c.Expression}
				for i, s := range row {
					row[i] = strings.Join(strings.Fields(s), " ")
				}
				rows = append(rows, strings.Join(row, "\t"))
			}
		}
	}
	slices.SortFunc(rows, func(a, b string) int {
		return cmp.Or(strings.Compare(field(a, 2), field(b, 2)), strings.Compare(a, b))
	})
	return slices.Compact(rows), nil
}

func field(row string, i int) string { return strings.Split(row, "\t")[i] }

func compress(rows []string) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(z, strings.Join(rows, "\n")+"\n"); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}
