package conformance

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate/cda"
)

// TestDocumentsAreValid: nothing that is written as C-CDA where FHIR is the origin would be rejected.
func TestDocumentsAreValid(t *testing.T) {
	shared := testshared.Dir(t)
	files, _ := filepath.Glob(filepath.Join(shared, "corpus/fhir/synthea/*.json"))
	files = append(files, filepath.Join(testshared.Root(), "converters/ccdafhir/testdata/born.json"))
	formats, err := converters.Formats(nil)
	if err != nil {
		t.Fatal(err)
	}
	to, err := formats.Named("ccda")
	if err != nil {
		t.Fatal(err)
	}
	v := cda.New()
	documents := 0
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		from := formats.Detect("", b[:min(len(b), convert.SniffLen)])
		o := &convert.Options{From: from.Name, To: "ccda", Zone: time.UTC, Jobs: 1}
		err = convert.Run(t.Context(), from, to, bytes.NewReader(b), path, o, func(r *convert.Result) error {
			for _, p := range r.Parts {
				documents++
				for _, f := range v.Document(p.Data, filepath.Base(path)).Findings {
					if f.Severity() == diag.Reject {
						t.Errorf("%v", f)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if documents < len(files) || len(files) < 10 {
		t.Errorf("%d documents of %d files", documents, len(files))
	}
}

func TestCCDAAgreement(t *testing.T) {
	lines := "x.xml\tXSD\t-\tline 3\tElement 'a': no\n" +
		"x.xml\tERROR\ta-1-2-c\t/ClinicalDocument/component[1]/section[2]\tSHALL\n" +
		"x.xml\tWARN\ta-1-3\t/ClinicalDocument\tSHOULD\n" +
		"x.xml\tERROR\txslt\t-\tschematron did not run\n"
	theirs := refereeStatements(lines)
	if len(theirs) != 2 || !theirs["XSD"] || !theirs["1-2-c /ClinicalDocument/component/section[2]"] {
		t.Errorf("%v", theirs)
	}
	a := &CCDAAgreement{Ours: map[string]int{}, Theirs: map[string]int{}}
	a.add("same", theirs, theirs)
	a.add("schema", map[string]bool{"1-2-c /ClinicalDocument/component/section[2]": true}, theirs)
	a.add("ours", map[string]bool{"1-9 /a": true}, map[string]bool{})
	a.add("theirs", map[string]bool{}, map[string]bool{"1-9 /a": true})
	a.add("explained", map[string]bool{}, map[string]bool{"1098-28042 /a": true})
	if a.Documents != 5 || a.Same != 2 || a.Explained != 1 || len(a.Schema) != 1 || a.Ours["1-9"] != 1 || a.Theirs["1-9"] != 1 || a.Theirs["1098-28042"] != 0 {
		t.Errorf("%+v", a)
	}
	var out strings.Builder
	a.Print(&out)
	if !strings.HasPrefix(out.String(), "ccda-validate: 2 of 5, 40.0 %\n") {
		t.Error(out.String())
	}
	for s, why := range ExplainedStatements() {
		if side, _, _ := strings.Cut(s, " "); side != "ours" && side != "theirs" || len(why) < 5 {
			t.Errorf("%q: %q", s, why)
		}
	}
}
