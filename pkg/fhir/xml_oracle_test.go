package fhir

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/chartpost/chartpost/internal/testshared"
)

// TestXMLOracle: what JSON says goes to XML and comes back as it was, for every public resource there is at hand.
func TestXMLOracle(t *testing.T) {
	files, held := 0, 0
	for f := range corpora(t) {
		m, findings := Unmarshal(f.data)
		if m == nil || Lost(findings) != nil {
			continue
		}
		files++
		out, err := AppendXML(nil, m)
		if err != nil {
			if strings.Contains(err.Error(), "CP-FHIR-086") || strings.Contains(err.Error(), "XHTML") {
				held++
				t.Logf("%s: %v", f.name, err)
				continue
			}
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		back, finds := Unmarshal(out)
		if Lost(finds) != nil || len(finds) != len(findings) {
			t.Errorf("%s: %v, was %v", f.name, finds, findings)
			continue
		}
		if strings.HasSuffix(f.name, "/xml-bad-entities.json") { // HTML's entities come back as the characters
			continue
		}
		if !proto.Equal(m, back) {
			t.Errorf("%s: the message differs after XML:\n%.2000s", f.name, cmp.Diff(m, back, protocmp.Transform()))
		}
	}
	t.Logf("%d files, %d of them have a narrative that XML cannot hold", files, held)
}

// TestXMLFiles: the XML of the public suites is read, and says the same as its JSON where there is one.
func TestXMLFiles(t *testing.T) {
	shared := testshared.Dir(t)
	files, pairs, refused := 0, 0, 0
	for _, dir := range []string{"conformance/fhirpath", "conformance/fhir-test-cases", "conformance/fhir-r4-core", "corpus/fhir"} {
		err := filepath.WalkDir(filepath.Join(shared, dir), func(p string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(p) != ".xml" {
				return err
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			if SniffXML(b[:min(len(b), 4096)]) == "" {
				return nil
			}
			files++
			m, finds := Unmarshal(b)
			name := strings.TrimPrefix(p, shared+"/")
			for _, f := range finds {
				t.Logf("%s: %v", name, f)
			}
			if Lost(finds) != nil {
				refused++
				return nil
			}
			out, err := AppendXML(nil, m)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return nil
			}
			if back, finds := Unmarshal(out); Lost(finds) != nil || !proto.Equal(m, back) {
				t.Errorf("%s: differs after writing: %v", name, finds)
			}
			j, err := os.ReadFile(strings.TrimSuffix(p, ".xml") + ".json")
			if err != nil {
				return nil
			}
			want, jfinds := Unmarshal(j)
			if Lost(jfinds) != nil {
				return nil
			}
			pairs++
			a, err1 := Append(nil, want)
			c, err2 := Append(nil, m)
			if err1 != nil || err2 != nil || !bytes.Equal(a, c) {
				t.Logf("%s: the JSON of the same name says something else", name)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d files, %d with findings, %d with JSON beside them", files, refused, pairs)
	if files < 7 {
		t.Errorf("only %d files were found", files)
	}
}
