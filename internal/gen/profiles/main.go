// Command profiles makes the packs of definitions in pkg/validate/data from FHIR packages: hl7.fhir.r4.core 4.0.1 (CC0), and
// hl7.fhir.us.core 6.1.0 and 7.0.0 (CC0-1.0). It is run by hand when they change; a test says when the packs are not current.
//
//	go run ./internal/gen/profiles [DIR]      DIR is the shared folder; by default it is looked for as the tests do
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/validate"
)

func main() {
	shared := testshared.Find()
	if len(os.Args) > 1 {
		shared = os.Args[1]
	}
	if shared == "" {
		fmt.Fprintln(os.Stderr, "profiles: no shared folder here")
		os.Exit(1)
	}
	core := filepath.Join(shared, "conformance/fhir-r4-core/hl7.fhir.r4.core-4.0.1.tgz")
	for name, pkg := range map[string]string{"r4": "", "us-core@6.1.0": "us_core_610.tgz", "us-core@7.0.0": "us_core_700.tgz"} {
		if pkg != "" {
			pkg = filepath.Join(shared, "conformance/us-core", pkg)
		}
		if err := write(filepath.Join(testshared.Root(), "pkg/validate/data", name+".gz"), core, pkg); err != nil {
			fmt.Fprintln(os.Stderr, "profiles:", err)
			os.Exit(1)
		}
	}
}

func write(file, core, pkg string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := validate.MakePack(f, core, pkg); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
