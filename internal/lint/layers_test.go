package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

const module = "github.com/chartpost/chartpost/"

// layers says for each part of the module which other parts it may import. The first line whose pattern matches a package
// holds; "x/..." is x and all below it. A package may always import what lies below itself. What is in no line fails, so that a
// new package gets a place when it is made. Tests are bound by testLayers only.
//
// The picture is docs/architecture.md; .golangci.yml says the same to depguard.
var layers = []struct {
	from string
	to   []string
}{
	{"cmd/...", []string{"cmd/...", "converters/...", "pkg/...", "internal/safefile"}},

	// The tables of one pair of formats know nothing of the others; all.go alone knows them all.
	{"converters", []string{"converters/...", "pkg/..."}},
	{"converters/internal/hl7", []string{"pkg/mapping", "pkg/fhir/...", "pkg/tree", "pkg/diag"}}, // what HL7 v2 and CDA have in common, and local times and periods of all
	{"converters/v2fhir/...", []string{"converters/internal/hl7", "pkg/convert", "pkg/mapping/...", "pkg/terminology/...", "pkg/fhirpath", "pkg/fhir/...", "pkg/hl7v2/...",
		"pkg/tree", "pkg/diag"}},
	{"converters/ccdafhir/...", []string{"converters/internal/hl7", "pkg/convert", "pkg/mapping/...", "pkg/terminology/...", "pkg/fhirpath", "pkg/fhir/...", "pkg/ccda/...",
		"pkg/tree", "pkg/diag"}},
	{"converters/views/...", []string{"pkg/convert", "pkg/sqlview", "pkg/mapping", "pkg/fhirpath", "pkg/fhir/...", "pkg/csvtab", "pkg/tree", "pkg/diag",
		"internal/safefile", "internal/squeezed"}},
	{"converters/csvfhir/...", []string{"converters/internal/hl7", "pkg/convert", "pkg/mapping/...", "pkg/terminology/...", "pkg/fhirpath", "pkg/fhir/...",
		"pkg/csvtab/...", "pkg/tree", "pkg/diag", "internal/safefile"}},

	// What every part may build on.
	{"pkg/diag/...", nil},
	{"pkg/tree/...", []string{"pkg/diag"}},

	// Codecs know a grammar: never the hub, never one another.
	{"pkg/hl7v2/...", []string{"pkg/hl7v2/...", "pkg/tree", "pkg/diag", "internal/squeezed"}},
	{"pkg/ccda/...", []string{"pkg/ccda/...", "pkg/tree", "pkg/diag"}},
	{"pkg/csvtab/...", []string{"pkg/csvtab/...", "pkg/tree", "pkg/diag"}},

	// The hub and the languages over it know no format.
	{"pkg/fhir/...", []string{"pkg/fhir/...", "pkg/diag"}},
	{"pkg/terminology/...", []string{"pkg/diag", "internal/squeezed"}},
	{"pkg/fhirpath/...", []string{"pkg/fhir/...", "pkg/diag"}},
	{"pkg/sqlview/...", []string{"pkg/fhirpath", "pkg/fhir/...", "pkg/diag"}},
	{"pkg/mapping/...", []string{"pkg/mapping/...", "pkg/terminology/...", "pkg/fhirpath", "pkg/fhir/...", "pkg/tree", "pkg/diag"}},
	{"pkg/convert/...", []string{"internal/safefile", "pkg/mapping/...", "pkg/terminology/...", "pkg/fhirpath", "pkg/fhir/...", "pkg/tree", "pkg/diag"}},
	{"pkg/validate/...", []string{"pkg/terminology/...", "pkg/fhirpath", "pkg/fhir/...", "pkg/hl7v2/...", "pkg/ccda/...", "pkg/csvtab/...",
		"pkg/tree", "pkg/diag", "internal/fhirpackage", "internal/squeezed"}},
	{"pkg/view/...", []string{"pkg/terminology/...", "pkg/fhirpath", "pkg/fhir/...", "pkg/diag"}},

	// Packages, keys and logs know nothing of health records.
	{"pkg/pack/...", []string{"pkg/diag"}},
	{"pkg/seal/page", []string{"internal/squeezed"}}, // the page around a package
	{"pkg/seal/...", []string{"pkg/pack/...", "pkg/diag", "internal/safefile"}},
	{"pkg/contacts/...", []string{"pkg/seal/...", "pkg/pack/...", "pkg/diag", "internal/safefile"}},
	{"pkg/journal/...", []string{"pkg/seal/...", "pkg/pack/...", "pkg/contacts/...", "pkg/diag", "internal/safefile"}},

	// What carries sealed files, and alone reaches the network.
	{"pkg/transport/...", []string{"pkg/seal/...", "pkg/diag", "internal/safefile"}},

	// Files that are written whole or not at all.
	{"internal/safefile", nil},
	// Lists that are embedded compressed.
	{"internal/squeezed", nil},
	// The archives of FHIR's definitions.
	{"internal/fhirpackage", nil},

	// Tools of the developers are in no binary that is given away.
	{"internal/...", []string{"internal/...", "pkg/...", "converters/..."}},
}

// testLayers is what tests may not import.
var testLayers = []struct{ from, to string }{
	{"pkg/...", "cmd/..."},
	{"pkg/...", "converters/..."},
	{"converters/...", "cmd/..."},
}

// foreign are packages of others that only certain parts may import; "" in only means that none may, tests aside.
var foreign = []struct {
	pkg  string
	only []string
	why  string
}{
	{"github.com/google/fhir/go/jsonformat/...", nil, "the library's own codec is an oracle for tests"},
	{"github.com/gofhir/...", nil, "it is an oracle for tests"},
	{"net", []string{"pkg/transport", "internal/sshtest", "internal/browsertest"}, "no command but export, send, fetch and watch opens a socket"},
	{"net/http/...", []string{"pkg/transport", "internal/sshtest"}, "no command but export, send, fetch and watch opens a socket"},
	{"crypto/tls", []string{"pkg/transport", "internal/sshtest"}, "no command but export, send, fetch and watch opens a socket"},
	{"github.com/pkg/sftp/...", []string{"pkg/transport", "internal/sshtest"}, "no command but export, send, fetch and watch opens a socket"},
	{"golang.org/x/crypto/ssh/agent", []string{"pkg/transport", "internal/sshtest"}, "no command but export, send, fetch and watch opens a socket"},
	{"golang.org/x/crypto/ssh/knownhosts", []string{"pkg/transport", "internal/sshtest"}, "no command but export, send, fetch and watch opens a socket"},
	{"github.com/spf13/cobra/...", []string{"cmd/..."}, "the command line lives in cmd"},
	{"github.com/schollz/progressbar/...", []string{"cmd/..."}, "the command line lives in cmd"},
	{"github.com/charmbracelet/...", []string{"cmd/..."}, "the command line lives in cmd"},
	{"filippo.io/age/...", []string{"cmd/...", "pkg/seal/...", "pkg/pack/...", "pkg/contacts/...", "pkg/journal/...", "internal/..."},
		"health packages do not encrypt"},
	{"github.com/google/fhir/...", []string{"converters/...", "cmd/...", "pkg/fhir/...", "pkg/fhirpath/...", "pkg/mapping/...", "pkg/convert/...",
		"pkg/validate/...", "pkg/view/...", "internal/..."}, "codecs and packages know nothing of the hub"},
	{"text/template/...", nil, "the linker then keeps every method of every FHIR message"},
	{"html/template/...", nil, "the linker then keeps every method of every FHIR message"},
	{"testing", []string{"internal/...", "pkg/mapping/maptest"}, "it belongs into tests"},
}

type listed struct {
	ImportPath, Dir                    string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
}

// packages lists the module.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = testshared.Root()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// matches says whether a path is a pattern's: itself, or with /... also what is below it.
func matches(pattern, p string) bool {
	base, deep := strings.CutSuffix(pattern, "/...")
	return p == base || deep && strings.HasPrefix(p, base+"/")
}

func anyMatches(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, p) })
}

// mayImport says whether the layers let one package import another, both named within the module.
func mayImport(from, to string) (ok, known bool) {
	for _, l := range layers {
		if matches(l.from, from) {
			return anyMatches(l.to, to) || strings.HasPrefix(to, from+"/"), true
		}
	}
	return false, false
}

func TestLayers(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		if _, known := mayImport(from, from); !known {
			t.Errorf("%s is in no layer: give it a line in internal/lint/layers_test.go and .golangci.yml", from)
			continue
		}
		for _, imp := range p.Imports {
			if to, ours := strings.CutPrefix(imp, module); ours {
				if ok, _ := mayImport(from, to); !ok {
					t.Errorf("%s imports %s: DESIGN.md section 4 has no arrow from the one to the other", from, to)
				}
				continue
			}
			for _, f := range foreign {
				if matches(f.pkg, imp) && !anyMatches(f.only, from) {
					t.Errorf("%s imports %s: %s", from, imp, f.why)
				}
			}
		}
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			to, ours := strings.CutPrefix(imp, module)
			for _, l := range testLayers {
				if ours && matches(l.from, from) && matches(l.to, to) {
					t.Errorf("a test of %s imports %s", from, to)
				}
			}
		}
	}
}

// TestLayersBite breaks the arrows to see that they hold.
func TestLayersBite(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		ok       bool
	}{
		{"cmd/chartpost/internal/cli", "pkg/convert", true},
		{"converters/v2fhir", "pkg/hl7v2/schema", true},
		{"converters/v2fhir", "converters/ccdafhir", false},
		{"converters", "converters/ccdafhir", true},
		{"pkg/hl7v2", "pkg/tree", true},
		{"pkg/hl7v2", "pkg/hl7v2/schema", true},
		{"pkg/hl7v2", "pkg/fhir", false},
		{"pkg/hl7v2", "pkg/ccda", false},
		{"pkg/mapping", "pkg/fhir/plan", true},
		{"pkg/mapping", "pkg/hl7v2", false},
		{"pkg/mapping", "converters/v2fhir", false},
		{"pkg/pack", "pkg/fhir", false},
		{"pkg/journal", "pkg/tree", false},
		{"pkg/transport", "pkg/seal", true},
		{"pkg/transport", "pkg/fhir", false},
		{"pkg/transport", "pkg/convert", false},
		{"pkg/seal", "pkg/transport", false},
		{"pkg/convert", "pkg/transport", false},
		{"pkg/tree", "pkg/mapping", false},
		{"pkg/convert", "cmd/chartpost/internal/cli", false},
	} {
		if ok, known := mayImport(tt.from, tt.to); ok != tt.ok || !known {
			t.Errorf("%s -> %s: allowed %v, known %v", tt.from, tt.to, ok, known)
		}
	}
	if _, known := mayImport("pkg/"+path.Base("unknown"), "pkg/diag"); known {
		t.Error("a package without a layer passes")
	}
}
