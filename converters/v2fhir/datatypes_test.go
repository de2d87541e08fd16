package v2fhir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
)

func load(t testing.TB) *mapping.Map {
	t.Helper()
	names, _ := filepath.Glob("*.map")
	var files []*mapping.File
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := mapping.ParseFile(name, src)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	set, err := mapping.Merge(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return mapping.New(hl7v2.Format, Types, set)
}

func TestTablesCompile(t *testing.T) {
	if err := load(t).Check(); err != nil {
		t.Error(err)
	}
}
