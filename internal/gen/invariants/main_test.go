package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

// TestCurrent makes the table anew and compares it with the one that is checked in.
func TestCurrent(t *testing.T) {
	rows, err := read(filepath.Join(testshared.Dir(t), "conformance/fhir-r4-core/hl7.fhir.r4.core-4.0.1.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(testshared.Root(), "pkg/validate/invariant/rules.tsv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	have, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(rows, "\n") + "\n"; string(have) != want {
		t.Errorf("rules.tsv.gz is not what the package gives: %d bytes, want %d; run the generator", len(have), len(want))
	}
}
