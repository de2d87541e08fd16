package validate_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/validate"
)

// TestPacksAreCurrent: the packs are what internal/gen/profiles makes of the packages, and small.
func TestPacksAreCurrent(t *testing.T) {
	shared := testshared.Dir(t)
	total := 0
	for name, pkg := range map[string]string{"r4": "", "us-core@6.1.0": "us_core_610.tgz", "us-core@7.0.0": "us_core_700.tgz"} {
		if pkg != "" {
			pkg = filepath.Join(shared, "conformance/us-core", pkg)
		}
		var b bytes.Buffer
		if err := validate.MakePack(&b, filepath.Join(shared, "conformance/fhir-r4-core/hl7.fhir.r4.core-4.0.1.tgz"), pkg); err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(filepath.Join("data", name+".gz"))
		if err != nil {
			t.Fatal(err)
		}
		total += len(have)
		if !bytes.Equal(unzip(t, have), unzip(t, b.Bytes())) {
			t.Errorf("%s is not current: go run ./internal/gen/profiles", name)
		}
	}
	if total > 250<<10 {
		t.Errorf("the packs have %d bytes", total)
	}
}

func unzip(t *testing.T, b []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
