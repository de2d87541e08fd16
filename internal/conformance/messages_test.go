package conformance

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate/v2"
)

// TestMessagesAreValid: a message that is made of FHIR or C-CDA has all that its version wants, by our own check. A message about nobody (an
// organization alone) cannot be.
func TestMessagesAreValid(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "corpus")
	sources, err := filepath.Glob(filepath.Join(dir, "fhir/synthea/*.json"))
	if err != nil || len(sources) < 10 {
		t.Fatal(len(sources), err)
	}
	texts := map[string][]byte{"examples": examples(t, filepath.Join(dir, "fhir"))}
	for _, path := range sources {
		if texts[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if messages := messagesAreValid(t, "fhir", texts); messages < 20 {
		t.Errorf("only %d records of FHIR became messages", messages)
	}
	texts = map[string][]byte{}
	err = filepath.WalkDir(filepath.Join(dir, "ccda"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".xml" {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("ClinicalDocument")) {
			texts[path] = text
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if messages := messagesAreValid(t, "ccda", texts); messages < 300 {
		t.Errorf("only %d documents became messages", messages)
	}
}

// messagesAreValid counts the records of texts that became messages, and reports what is wrong with those.
func messagesAreValid(t *testing.T, format string, texts map[string][]byte) (records int) {
	formats, err := converters.Formats(nil)
	if err != nil {
		t.Fatal(err)
	}
	from, err := formats.Named(format)
	if err != nil {
		t.Fatal(err)
	}
	to, err := formats.Named("hl7v2")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		o := &convert.Options{From: format, To: "hl7v2", Zone: time.UTC, Jobs: 1}
		err := convert.Run(t.Context(), from, to, bytes.NewReader(text), name, o, func(r *convert.Result) error {
			for _, p := range r.Parts {
				if !bytes.Contains(p.Data, []byte("\rPID|")) {
					continue
				}
				records++
				_, err := v2.Stream(t.Context(), bytes.NewReader(p.Data), filepath.Base(name), func(f *diag.Finding) {
					if f.Severity() == diag.Reject {
						t.Errorf("%v", f)
					}
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	return records
}

// examples are the official examples of resources, gathered in one bundle for each patient that one of them is or names. What has no
// status that HL7 v2 knows (an observation whose status is unknown) is left out, and every bundle has a time.
func examples(t *testing.T, dir string) []byte {
	files, err := filepath.Glob(filepath.Join(dir, "examples/*.json"))
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]json.RawMessage{}
	var patients []string
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r struct {
			ResourceType, ID, Status string
			Subject, Patient         struct{ Reference string }
		}
		if json.Unmarshal(b, &r) != nil {
			continue
		}
		who := r.Subject.Reference + r.Patient.Reference
		if r.ResourceType == "Patient" {
			who = "Patient/" + r.ID
			patients = append(patients, who)
		}
		if strings.HasPrefix(who, "Patient/") && (r.ResourceType != "Observation" || r.Status == "final") {
			of[who] = append(of[who], b)
		}
	}
	var out bytes.Buffer
	for _, who := range patients {
		out.WriteString(`{"resourceType":"Bundle","type":"collection","timestamp":"2026-01-01T00:00:00Z","entry":[`)
		for i, b := range of[who] {
			if i > 0 {
				out.WriteByte(',')
			}
			var r struct{ ResourceType, ID string }
			if err := json.Unmarshal(b, &r); err != nil {
				t.Fatal(err)
			}
			out.WriteString(`{"fullUrl":"https://example.org/` + r.ResourceType + "/" + r.ID + `","resource":`)
			if err := json.Compact(&out, b); err != nil {
				t.Fatal(err)
			}
			out.WriteByte('}')
		}
		out.WriteString("]}\n")
	}
	return out.Bytes()
}
