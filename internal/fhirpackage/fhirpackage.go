// Package fhirpackage reads the packages in which FHIR's specification and its guides are published (FHIR NPM Package Specification):
// gzipped tar archives of definitions and examples.
package fhirpackage

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"iter"
	"os"
	"path"
	"strings"
)

// File is a file of a package, to be read before the next one is asked for.
type File struct {
	io.Reader
	Name string // as the package has it: package/StructureDefinition-Patient.json
	Size int64
}

// maxUnpacked bounds what a package may hold, in bytes. The specification of R4 holds a tenth of it.
const maxUnpacked = 1 << 30

// Files gives the files of the package that the file of this name is, in its order. An error ends it.
func Files(name string) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		f, err := os.Open(name)
		if err != nil {
			yield(File{}, err)
			return
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			yield(File{}, err)
			return
		}
		r := tar.NewReader(io.LimitReader(z, maxUnpacked))
		for {
			h, err := r.Next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(File{}, err)
				return
			case h.Typeflag != tar.TypeReg:
			case !yield(File{r, h.Name, h.Size}, nil):
				return
			}
		}
	}
}

// IsDefinition reports a definition of the package's own, in JSON: examples and what other programs made of the definitions stand in folders
// below.
func (f File) IsDefinition() bool {
	base := path.Base(f.Name)
	return path.Dir(path.Clean(f.Name)) == "package" && path.Ext(base) == ".json" && base != "package.json" && !strings.HasPrefix(base, ".")
}

// Defines reports a definition of a kind of resource: StructureDefinition, CodeSystem.
func (f File) Defines(typ string) bool {
	return f.IsDefinition() && strings.HasPrefix(path.Base(f.Name), typ+"-")
}
