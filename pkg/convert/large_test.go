package convert

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/testshared"
)

// hardBundle has what makes a bundle hard to read in pieces: references forwards and backwards, by urn, by absolute and relative URL,
// by version, from contained resources, to nowhere and to other servers; resources without ids, entries without resources, what
// a bundle says behind its entries.
const hardBundle = `{"resourceType":"Bundle","id":"b1","type":"transaction","entry":[
{"fullUrl":"urn:uuid:0c3f2c1e-0000-4000-8000-000000000002","resource":{"resourceType":"Observation","status":"final","code":{"text":"a"},
 "subject":{"reference":"urn:uuid:0c3f2c1e-0000-4000-8000-000000000001"},"performer":[{"reference":"#in"},{"reference":"Practitioner/d"},{"reference":"http://a.example/fhir/Practitioner/d/_history/3"}],
 "contained":[{"resourceType":"PractitionerRole","id":"in","practitioner":{"reference":"http://a.example/fhir/Practitioner/d"}}]},"request":{"method":"POST","url":"Observation"}},
{"fullUrl":"urn:uuid:0c3f2c1e-0000-4000-8000-000000000001","resource":{"resourceType":"Patient","id":"p","managingOrganization":{"reference":"http://else.example/fhir/Organization/o"}},"request":{"method":"POST","url":"Patient"}},
{"request":{"method":"DELETE","url":"Patient/9"}},
{"fullUrl":"http://a.example/fhir/Practitioner/d","resource":{"resourceType":"Practitioner","id":"d"},"search":{"mode":"match"}},
{"fullUrl":"http://a.example/fhir/Encounter/no_id","resource":{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p"},"participant":[{"individual":{"reference":"Practitioner/d"}}]}},
{"fullUrl":"http://a.example/fhir/Condition/c","resource":{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/no_id"},"asserter":{"reference":"Nobody/1"}}},
{"resource":{"resourceType":"Organization","name":"without id"}},
{"resource":{"resourceType":"Patient","id":"p","gender":"male"}}
],"signature":{"type":[{"code":"x"}],"when":"2026-01-01T00:00:00Z","who":{"reference":"Practitioner/d"}}}`

// TestLargeBundles: a bundle that is read in pieces becomes the same lines, the same ledger and the same findings as one that is held,
// wherever it comes from and at every number of jobs.
func TestLargeBundles(t *testing.T) {
	bad := strings.Replace(hardBundle, `"gender":"male"`, `"gender":"none of these"`, 1)
	worse := strings.NewReplacer(`"resourceType":"Encounter","status":"finished"`, `"resourceType":"Encounter","status":"over"`, `{"resource":{"resourceType":"Patient","id":"p","gender":"male"}}`,
		`{"resource":{"resourceType":"Patient","id":"p","name":[{"family":5},{"family":"Second","given":["A",null,"B"]}],"name2":1,"link":[{"other":{"reference":"Patient/q"},"type":"seealso"}]},"search":{"mode":"none"}},
{"fullUrl":7,"resource":{"resourceType":"Flag"},"link":[]},{"resource":{"resourceType":"MadeUp","id":"x"}},3,{"resource":{"resourceType":"Basic","id":"z","code":{"text":"c"},"created":"2020","created":"2021"}}`,
		`"when":"2026-01-01T00:00:00Z"`, `"when":"then"`).Replace(hardBundle)
	broken := strings.Replace(hardBundle, `"type":`, `"implicitRules":5,"type":`, 1)
	single := `{"resourceType":"Patient","id":"alone","gender":"female"}`
	text := "\xef\xbb\xbf" + hardBundle + "\n" + bad + "\n" + worse + "\n" + broken + "\n" + single + "\n" + strings.ReplaceAll(hardBundle, "\n", "") + "\n" + `{"resourceType":"Bundle","type":"batch"}` + "\n"
	files := map[string]string{"hard.json": text}
	if shared := testshared.Find(); shared != "" && !testing.Short() {
		all, _ := filepath.Glob(filepath.Join(shared, "corpus/fhir/synthea/*.json"))
		for _, name := range all[:min(3, len(all))] {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.Base(name)] = string(b)
		}
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(files[name]))
	}
	z.Close()
	in := map[string]string{"in.zip": archive.String()}
	for name, text := range files {
		in["in/"+name] = text
	}
	var first map[string]string
	var finds []string
	for _, c := range []struct {
		name  string
		whole int
		jobs  int
		arg   string
	}{{"held", 1 << 30, 1, "in"}, {"in pieces", 1, 1, "in"}, {"in pieces, three jobs", 1000, 3, "in"}, {"from an archive", 1, 2, "in.zip"}} {
		t.Run(c.name, func(t *testing.T) {
			r, err := runJob(t, in, func(j *Job) {
				j.To, j.Ledger, j.Rejects, j.Options.Jobs, j.Options.maxWhole = NDJSON(), "out/l.json", "out/rej", c.jobs, c.whole
			}, c.arg)
			if err != nil {
				t.Fatal(err)
			}
			got := r.files(t, "out")
			for i, f := range r.finds {
				r.finds[i] = strings.ReplaceAll(f, "in.zip!", "in/")
			}
			if first == nil {
				first, finds = got, r.finds
				if r.sum.Totals.Rejected != 1 || !strings.Contains(got["Observation.ndjson"], `"subject":{"reference":"Patient/p"}`) ||
					got["rej/hard-000004.json"] != broken || !strings.Contains(got["l.json"], `"Bundle.entry[7].resource.gender"`) || !strings.Contains(got["Condition.ndjson"], `"reference":"Encounter/`) {
					t.Errorf("%+v %v", r.sum, got)
				}
				return
			}
			if names(got) != names(first) {
				t.Fatalf("%s, and held %s", names(got), names(first))
			}
			for name := range first {
				if got[name] != first[name] {
					t.Errorf("%s differs:\n%.2000s\nheld:\n%.2000s", name, got[name], first[name])
				}
			}
			if !slices.Equal(r.finds, finds) {
				t.Errorf("%q, held %q", r.finds, finds)
			}
		})
	}
}

// TestLinesInOrder: on standard output resources stand in the order of the bundle, held or not, and standard input is read in pieces too.
func TestLinesInOrder(t *testing.T) {
	for _, whole := range []int{1 << 30, 1} {
		var out bytes.Buffer
		format := NDJSON()
		j := &Job{Formats: &Formats{List: []*Format{FHIR()}}, To: format, Options: &Options{To: "ndjson", maxWhole: whole}, Stdout: &out}
		var err error
		if j.Sources, _, err = Sources([]string{"-"}, strings.NewReader(hardBundle)); err != nil {
			t.Fatal(err)
		}
		if err := j.Prepare(); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		var types []string
		for line := range strings.Lines(out.String()) {
			typ, _, _ := strings.Cut(strings.TrimPrefix(line, `{"resourceType":"`), `"`)
			types = append(types, typ)
		}
		if got, want := strings.Join(types, " "), "Observation Patient Practitioner Encounter Condition Organization Patient"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestStore: texts come back from memory, from the source and from a temporary file, and a source that changes meanwhile is noticed.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	type put struct {
		at   int64
		text string
	}
	var puts []put
	for i := range 40 {
		s := fmt.Sprintf("%d:%s", i, strings.Repeat("x", 1<<20))
		puts = append(puts, put{int64(text.Len()), s})
		text.WriteString(s)
	}
	path := filepath.Join(dir, "in")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*reread{"again": {parts: []Source{{File: path}}}, "once": nil} {
		s, err := newStore(strings.NewReader(""), dir)
		if r != nil {
			s, err = newStore(r, dir)
		}
		if err != nil {
			t.Fatal(err)
		}
		var spans []span
		for _, p := range puts {
			x, err := s.put(p.text, p.at)
			if err != nil {
				t.Fatal(err)
			}
			spans = append(spans, x)
		}
		if err := s.ready(); err != nil {
			t.Fatal(err)
		}
		if (s.file != nil) != (r == nil) || s.held > maxHeld || s.held == 0 {
			t.Errorf("%s: %d held, file %v", name, s.held, s.file)
		}
		for i, x := range spans {
			if b, err := s.get(x); err != nil || string(b) != puts[i].text {
				t.Errorf("%s: text %d does not come back: %v", name, i, err)
			}
		}
		if r != nil {
			for _, change := range []string{strings.ToUpper(text.String()), "cut"} {
				if err := os.WriteFile(path, []byte(change), 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := s.get(spans[len(spans)-1]); err != errChanged {
					t.Errorf("a source that changed: %v", err)
				}
			}
		}
		s.close()
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("%s: %v %v", name, entries, err)
		}
	}
}

// TestRereadJoined: several files that are one source are read again, at any place, as they were read the first time.
func TestRereadJoined(t *testing.T) {
	dir := t.TempDir()
	var parts []Source
	for i := range 80 {
		path := filepath.Join(dir, fmt.Sprint(i))
		text := strings.Repeat(fmt.Sprintf("line %d\n", i), i%5)
		if i%3 == 0 {
			text = strings.TrimSuffix(text, "\n")
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, Source{Name: path, Path: path, Size: int64(len(text)), File: path, Open: func() (io.ReadCloser, error) { return os.Open(path) }})
	}
	s := join(parts)
	r, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	at, err := Rereadable(bufio.NewReader(r), s).(rereadable).again()
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	pos := int64(0)
	for line := range bytes.Lines(whole) {
		text := bytes.TrimSuffix(line, []byte("\n"))
		got := make([]byte, len(text))
		if n, err := at.ReadAt(got, pos); n < len(text) || !bytes.Equal(got, text) {
			t.Fatalf("at %d: %q, want %q: %v", pos, got[:n], text, err)
		}
		pos += int64(len(line))
	}
	if pos < 500 {
		t.Error("there was little to compare")
	}
}

// TestLargeInterrupted: an interruption ends the reading of a large bundle, at every number of jobs.
func TestLargeInterrupted(t *testing.T) {
	for _, jobs := range []int{1, 3} {
		dir := t.TempDir()
		path := filepath.Join(dir, "in.json")
		entry := `{"resource":{"resourceType":"Patient","id":"p"}},`
		text := `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Repeat(entry, 200000) + `{"resource":{"resourceType":"Patient","id":"q"}}]}`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sources, _, err := Sources([]string{path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		read := int64(0)
		j := &Job{Formats: &Formats{List: []*Format{FHIR()}}, To: NDJSON(), Options: &Options{To: "ndjson", Jobs: jobs}, Sources: sources, Out: filepath.Join(dir, "out.ndjson"),
			Progress: func(n int64) {
				if read += n; read == int64(len(text)) { // its end is found; now it is checked
					cancel()
				}
			}}
		if err := j.Prepare(); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Run(ctx); err != context.Canceled {
			t.Errorf("%d jobs: %v", jobs, err)
		}
		// The reader, for which nobody waits, may be about to take the name from a temporary file.
		entries, err := os.ReadDir(dir)
		for until := time.Now().Add(patience); err == nil && len(entries) != 1 && time.Now().Before(until); entries, err = os.ReadDir(dir) {
			time.Sleep(10 * time.Millisecond)
		}
		if err != nil || len(entries) != 1 {
			t.Errorf("%d jobs: %v %v", jobs, entries, err)
		}
	}
}
