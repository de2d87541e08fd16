package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/ccda"
)

// chartpost runs the program as a process in a folder.
func chartpost(t testing.TB, dir string, env []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), runAsChartpost+"=1"), env...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var e *exec.ExitError
	if errors.As(err, &e) {
		return e.ExitCode(), out.String(), errOut.String()
	} else if err != nil {
		t.Fatal(err)
	}
	return 0, out.String(), errOut.String()
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		all[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func compare(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: %d files, and %d", what, len(want), len(got))
	}
	bad := 0
	for name, text := range want {
		if got[name] != text {
			if bad++; bad < 4 {
				t.Errorf("%s: %s differs", what, name)
			}
		}
	}
}

// TestSameBytes: over all of the corpus, the same bytes at any number of jobs, in any time zone, and in any order of the inputs.
// Ledgers add up, and records in = written + rejected.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("converts the corpus four times")
	}
	corpus := filepath.Join(testshared.Dir(t), "corpus", "hl7v2")
	entries, err := os.ReadDir(corpus)
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, filepath.Join(corpus, e.Name()))
		}
	}
	dir := t.TempDir()
	run := func(name string, env []string, inputs []string, more ...string) map[string]string {
		t.Helper()
		args := append(append([]string{"convert"}, inputs...), "--to", "fhir", "-o", name+"/out/", "--ledger", name+"/ledger.json", "--rejects", name+"/rejects", "--json")
		status, _, stderr := chartpost(t, dir, env, append(args, more...)...)
		if status != 7 && status != 0 && status != 3 { // 3: there are files beside the messages
			t.Fatalf("%s: exit %d\n%s", name, status, stderr)
		}
		return contents(t, filepath.Join(dir, name))
	}
	first := run("one", []string{"TZ=UTC"}, folders, "--jobs", "1")
	compare(t, "8 jobs in another time zone", first, run("two", []string{"TZ=Asia/Kathmandu"}, folders, "--jobs", "8"))
	slices.Reverse(folders)
	compare(t, "another order", first, run("three", []string{"TZ=America/St_Johns"}, folders, "--jobs", "3"))
	slices.Reverse(folders)

	var ledger struct {
		Sources []struct {
			Source  struct{ Path string }
			Records []struct {
				Values, Carried                     int
				Folded, Declined, Unmapped, Invalid []struct{ At string }
				Rejected                            *struct{ At, Why string }
			}
			Totals map[string]int
		}
		Totals map[string]int
	}
	if err := json.Unmarshal([]byte(first["ledger.json"]), &ledger); err != nil {
		t.Fatal(err)
	}
	records, rejected := 0, 0
	for _, s := range ledger.Sources {
		for i, r := range s.Records {
			if r.Rejected != nil {
				rejected++
				continue
			}
			records++
			if n := r.Carried + len(r.Folded) + len(r.Declined) + len(r.Unmapped) + len(r.Invalid); n != r.Values {
				t.Errorf("%s, record %d: %d values, and %d in the states", s.Source.Path, i+1, r.Values, n)
			}
			at := map[string]bool{}
			for _, l := range slices.Concat(r.Folded, r.Declined, r.Unmapped, r.Invalid) {
				if at[l.At] {
					t.Errorf("%s, record %d: %s stands twice", s.Source.Path, i+1, l.At)
				}
				at[l.At] = true
			}
		}
	}
	outputs, reasons := 0, 0
	for name := range first {
		switch {
		case strings.HasPrefix(name, "out/"):
			outputs++
		case strings.HasSuffix(name, ".reason.json"):
			reasons++
		}
	}
	if records != outputs || rejected != reasons || ledger.Totals["records"] != records || ledger.Totals["rejected"] != rejected || records < 300 {
		t.Errorf("the ledger has %d records and %d rejected, its totals %v; %d were written, %d have a reason", records, rejected, ledger.Totals, outputs, reasons)
	}
	t.Logf("%d sources: %d records written, %d rejected", len(ledger.Sources), records, rejected)
}

// TestLeafOut: one leaf that is taken out of the hub is missing on the way back, so nothing keeps the message beside it.
func TestLeafOut(t *testing.T) {
	dir := t.TempDir()
	example := filepath.Join(testshared.Root(), "examples", "visit-adt-a08.hl7")
	if status, _, stderr := chartpost(t, dir, nil, "convert", example, "--to", "fhir", "-o", "a.json"); status != 0 {
		t.Fatal(stderr)
	}
	b, err := os.ReadFile(filepath.Join(dir, "a.json"))
	if err != nil {
		t.Fatal(err)
	}
	back := func(name string) string {
		status, stdout, stderr := chartpost(t, dir, nil, "convert", name, "--to", "hl7v2")
		if status != 0 {
			t.Fatal(stderr)
		}
		for line := range strings.SplitSeq(stdout, "\r") {
			if strings.HasPrefix(line, "PID") {
				return strings.Split(line, "|")[8]
			}
		}
		t.Fatal("no PID")
		return ""
	}
	if back("a.json") == "" {
		t.Fatal("PID-8 does not come back")
	}
	i := bytes.Index(b, []byte(`"gender":"`))
	if i < 0 {
		t.Fatal("no gender in the bundle")
	}
	end := i + len(`"gender":"`) + bytes.IndexByte(b[i+len(`"gender":"`):], '"') + 2 // with the comma
	out := slices.Concat(b[:i], b[end:])
	if err := os.WriteFile(filepath.Join(dir, "b.json"), out, 0o600); err != nil {
		t.Fatal(err)
	}
	if again := back("b.json"); again != "" {
		t.Errorf("PID-8 is %d characters long, though the hub has no gender", len(again))
	}
}

// TestConvertInterrupted: Ctrl-C ends with status 130, leaves no half file, and does not wait for input.
func TestConvertInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no way to send Ctrl-C to one process")
	}
	for _, to := range []string{"fhir", "ndjson"} {
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0], "convert", "-", "--to", to, "-o", "out", "--ledger", "ledger.json")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), runAsChartpost+"=1")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(in, batchOf(t), 512<<10); err != nil { // and then nothing more
			t.Fatal(err)
		}
		for begun := false; !begun && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			_, err := os.Stat(filepath.Join(dir, "ledger.json"+safefile.Ours))
			begun = err == nil
		}
		cmd.Process.Signal(os.Interrupt)
		err = cmd.Wait()
		in.Close()
		var e *exec.ExitError
		if !errors.As(err, &e) || e.ExitCode() != 130 {
			t.Errorf("%s: %v", to, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%s: %v was left, %v", to, entries, err)
		}
	}
}

// TestConvertKilled: what a killed run leaves stands under no final name, and the next takes it away.
func TestConvertKilled(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "convert", "-", "--to", "fhir", "-o", "out.json", "--ledger", "ledger.json")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), runAsChartpost+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It is at work for as long as its input does not end; how much is read ahead of the first record depends on the number of cores.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(in, batchOf(t))
	}()
	for end := time.Now().Add(10 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if info, err := os.Stat(filepath.Join(dir, "out.json"+safefile.Ours)); err == nil && info.Size() > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nothing is written beside the output: it writes elsewhere")
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	in.Close()
	<-ended
	left := contents(t, dir)
	for name := range left {
		if !strings.HasSuffix(name, ".partial") {
			t.Errorf("%s stands under its name", name)
		}
	}
	example := filepath.Join(testshared.Root(), "examples", "batch.hl7")
	if status, _, stderr := chartpost(t, dir, nil, "convert", example, "--to", "fhir", "-o", "other.json"); status != 0 {
		t.Fatal(stderr)
	}
	if got := contents(t, dir); len(got) != 1 {
		t.Errorf("%d files are left", len(got))
	}
}

// batch is an endless batch of messages that differ in their patients.
type batch struct {
	message []byte
	n       int
	rest    []byte
}

func batchOf(t testing.TB) *batch {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(testshared.Root(), "examples", "lab-oru-r01.hl7"))
	if err != nil {
		t.Fatal(err)
	}
	return &batch{message: append(bytes.TrimRight(b, "\r\n"), '\r')}
}

func (b *batch) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		b.n++
		b.rest = bytes.Replace(b.message, []byte("PID|1||"), fmt.Appendf(nil, "PID|1||%09d", b.n), 1)
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// fhirOf is FHIR of some size: a bundle, or bulk data of many patients, none of whom has many resources.
func fhirOf(kind string, size int64) io.Reader {
	n := 0
	left := size
	next := func() string {
		patient := n / 8
		n++
		if n%8 == 1 {
			return fmt.Sprintf(`{"resourceType":"Patient","id":"p-%09d","name":[{"family":"Example","given":["Fern"]}],"gender":"female"}`, patient)
		}
		return fmt.Sprintf(`{"resourceType":"Observation","id":"o-%09d","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],`+
			`"code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Body height"}],"text":"Body height"},"subject":{"reference":"Patient/p-%09d"},`+
			`"effectiveDateTime":"2026-11-22T10:00:00+01:00","valueQuantity":{"value":170.5,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}`, n, patient)
	}
	state := 0
	var rest string
	return readerFunc(func(p []byte) (int, error) {
		if rest == "" {
			switch {
			case kind == "bulk":
				if left <= 0 {
					return 0, io.EOF
				}
				rest = next() + "\n"
			case state == 0:
				state, rest = 1, `{"resourceType":"Bundle","type":"collection","entry":[{"resource":`+next()+`}`
			case left > 0:
				rest = ",\n" + `{"resource":` + next() + `}`
			case state == 1:
				state, rest = 2, "]}\n"
			default:
				return 0, io.EOF
			}
			left -= int64(len(rest))
		}
		k := copy(p, rest)
		rest = rest[k:]
		return k, nil
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestBoundedMemory: the memory of a run does not grow with its input. CHARTPOST_LARGE=1 takes 2 GB, CHARTPOST_LARGE=300 as many MB.
func TestBoundedMemory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc")
	}
	if testing.Short() {
		t.Skip("converts a large batch")
	}
	small, large := int64(8<<20), int64(0)
	if v := os.Getenv("CHARTPOST_LARGE"); v != "" {
		if large = 2 << 30; v != "1" {
			mb, err := strconv.Atoi(v)
			if err != nil {
				t.Fatalf("CHARTPOST_LARGE=%s: 1, or a number of MB", v)
			}
			large = int64(mb) << 20
		}
	}
	for _, c := range []struct {
		name   string
		to     string
		size   int64
		input  func(size int64) io.Reader
		file   bool
		limit  int64   // MB, with two jobs
		growth float64 // of the size of the input
	}{
		{"hl7v2 to fhir", "fhir", small, func(n int64) io.Reader { return io.LimitReader(batchOf(t), n) }, false, 200, 0},
		{"a bundle to ndjson", "ndjson", 4 * small, func(n int64) io.Reader { return fhirOf("bundle", n) }, true, 160, 0.1},
		{"a bundle from a pipe to ndjson", "ndjson", 4 * small, func(n int64) io.Reader { return fhirOf("bundle", n) }, false, 160, 0.1},
		{"bulk data to ndjson", "ndjson", 4 * small, func(n int64) io.Reader { return fhirOf("bulk", n) }, true, 160, 0},
		// Who refers to whom must be known before the first record is: numbers, and no texts.
		{"bulk data to hl7v2", "hl7v2", 4 * small, func(n int64) io.Reader { return fhirOf("bulk", n) }, true, 160, 0.3},
		{"bulk data from a pipe to hl7v2", "hl7v2", 4 * small, func(n int64) io.Reader { return fhirOf("bulk", n) }, false, 160, 0.3},
	} {
		t.Run(c.name, func(t *testing.T) {
			size := c.size
			if large > 0 {
				size = large
			}
			limit := c.limit + int64(float64(size>>20)*c.growth)
			args := []string{"convert", "-", "--to", c.to, "--quiet", "--jobs", "2"}
			in := c.input(size)
			if c.file {
				args[1] = filepath.Join(t.TempDir(), "in")
				f, err := os.Create(args[1])
				if err == nil {
					_, err = io.Copy(f, in)
				}
				if err := errors.Join(err, f.Close()); err != nil {
					t.Fatal(err)
				}
				in = nil
			}
			if c.to == "fhir" {
				args = append(args, "--ledger", "/dev/null")
			}
			begin := time.Now()
			status, most, written, stderr := runMeasured(t, in, args...)
			if status != 0 && status != 7 { // the last message of the batch is cut off
				t.Fatalf("exit %d %s", status, stderr)
			}
			t.Logf("%d MB in, %d MB out, %s: peak memory %d MB", size>>20, written>>20, time.Since(begin).Round(time.Millisecond), most)
			if most > limit {
				t.Errorf("peak memory %d MB, more than %d MB", most, limit)
			}
			if written < size/10 {
				t.Errorf("only %d bytes were written", written)
			}
		})
	}
}

// TestDocumentMemory: a document of C-CDA is held whole. The largest of the corpus, repeated, takes at most twelve times its size, the program with
// its tables included; the example, of which nothing is narrative or blank, makes nearly twice its size of FHIR and takes more.
func TestDocumentMemory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc")
	}
	if testing.Short() {
		t.Skip("converts large documents")
	}
	measure := func(t *testing.T, source string, most float64) {
		large := enlarged(source, 24<<20)
		in := filepath.Join(t.TempDir(), "large.xml")
		if err := os.WriteFile(in, []byte(large), 0o600); err != nil {
			t.Fatal(err)
		}
		status, peak, written, stderr := runMeasured(t, nil, "convert", in, "--to", "fhir", "--quiet", "--ledger", "/dev/null")
		if status != 0 {
			t.Fatalf("exit %d %s", status, stderr)
		}
		factor := float64(peak<<20) / float64(len(large))
		t.Logf("%d MB in, %d MB out: peak memory %d MB, %.1f times the size", len(large)>>20, written>>20, peak, factor)
		if factor > most {
			t.Errorf("peak memory %.1f times the size of the document", factor)
		}
		if written < int64(len(large))/4 {
			t.Errorf("only %d bytes were written", written)
		}
	}
	t.Run("example", func(t *testing.T) {
		source, err := os.ReadFile(filepath.Join("..", "..", "examples", "ccd.xml"))
		if err != nil {
			t.Fatal(err)
		}
		measure(t, string(source), 18)
	})
	t.Run("corpus", func(t *testing.T) {
		largest := ""
		err := filepath.WalkDir(filepath.Join(testshared.Dir(t), "corpus", "ccda"), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || filepath.Ext(path) != ".xml" {
				return err
			}
			if b, err := os.ReadFile(path); err != nil || len(b) <= len(largest) || !ccda.Sniff(b) {
				return err
			} else if _, err := new(ccda.Parser).Parse(b); err == nil {
				largest = string(b)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		measure(t, largest, 12)
	})
}

var (
	sectionText = regexp.MustCompile(`(?s)<text>.*?</text>`)
	anEntry     = regexp.MustCompile(`(?s)<entry[ >].*?</entry>`)
	textID      = regexp.MustCompile(`\b(ID="|value="#)([^"]*)"`)
	statementID = regexp.MustCompile(`(<id root="[^"]*")( extension="([^"]*)")?( ?/>)`)
	people      = regexp.MustCompile(`(?s)<(author|performer|informant|participant)[ >].*?</(author|performer|informant|participant)>`)
)

// enlarged repeats what the sections of a document hold until it has so many bytes: the statements under ids of their own, by the same people.
func enlarged(doc string, size int) string {
	times := size / len(doc)
	again := func(s string, i int) string {
		s = textID.ReplaceAllString(s, fmt.Sprintf(`${1}${2}-%d"`, i))
		var b strings.Builder
		for last := 0; ; {
			at := people.FindStringIndex(s[last:])
			if at == nil {
				at = []int{len(s) - last, len(s) - last}
			}
			b.WriteString(statementID.ReplaceAllString(s[last:last+at[0]], fmt.Sprintf(`${1} extension="${3}-%d"${4}`, i)))
			b.WriteString(s[last+at[0] : last+at[1]])
			if last += at[1]; last == len(s) {
				return b.String()
			}
		}
	}
	var b strings.Builder
	sections := strings.SplitAfter(doc, "</section>")
	for _, s := range sections {
		entries := anEntry.FindAllStringIndex(s, -1)
		if len(entries) == 0 {
			b.WriteString(s)
			continue
		}
		from, to := entries[0][0], entries[len(entries)-1][1]
		text := sectionText.FindStringIndex(s[:from])
		if text == nil {
			text = []int{from, from}
		} else {
			text[0], text[1] = text[0]+len("<text>"), text[1]-len("</text>")
		}
		b.WriteString(s[:text[0]])
		for i := range times {
			b.WriteString(again(s[text[0]:text[1]], i))
		}
		b.WriteString(s[text[1]:from])
		for i := range times {
			b.WriteString(again(s[from:to], i))
		}
		b.WriteString(s[to:])
	}
	return b.String()
}

// TestPackageMemory: to seal and to open takes no more memory for a large file than for a small one. The aim is 32 MiB; the tests'
// own program is some MiB larger.
func TestPackageMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc")
	}
	if testing.Short() {
		t.Skip("seals a large file")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	noise := rand.NewChaCha8([32]byte{1})
	b := make([]byte, 160<<20)
	noise.Read(b)
	if err := os.WriteFile(at("scan.bin"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(home string, args ...string) int64 {
		t.Setenv("CHARTPOST_HOME", at(home))
		status, most, _, stderr := runMeasured(t, nil, args...)
		if status != 0 {
			t.Fatalf("%v: exit %d %s", args, status, stderr)
		}
		return most
	}
	for _, who := range []string{"cedar", "maple"} {
		run(who, "init", "--name", who, "--no-passphrase")
		run(who, "card", "-o", at(who+".contact"))
	}
	run("maple", "contact", "add", at("cedar.contact"))
	run("cedar", "contact", "add", at("maple.contact"))
	for _, c := range []struct {
		home string
		args []string
	}{
		{"maple", []string{"seal", at("scan.bin"), "--to", "cedar", "--purpose", "treatment", "--unverified", "test", "-o", at("p.zip.age"), "--about", "Fern Testperson, 1980-01-01"}},
		{"cedar", []string{"open", at("p.zip.age"), "-o", at("opened"), "--yes"}},
	} {
		most := run(c.home, c.args...)
		t.Logf("%s: peak memory %d MB", c.args[0], most)
		if most > 44 {
			t.Errorf("%s: peak memory %d MB", c.args[0], most)
		}
	}
}

// runMeasured runs the program in an empty folder and gives its peak memory in MB.
func runMeasured(t *testing.T, in io.Reader, args ...string) (status int, peakMB, written int64, messages string) {
	t.Helper()
	temp := t.TempDir()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), runAsChartpost+"=1", "TMPDIR="+temp)
	cmd.Stdin = in
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := func() (kb int64) {
		f, err := os.Open(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if err != nil {
			return 0
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if _, err := fmt.Sscanf(s.Text(), "VmHWM: %d kB", &kb); err == nil {
				return kb
			}
		}
		return 0
	}
	ended := make(chan struct{})
	sampled := make(chan int64)
	go func() { // what writes files says nothing for a while
		most := int64(0)
		for {
			select {
			case <-ended:
				sampled <- most
				return
			case <-time.After(10 * time.Millisecond):
				most = max(most, peak())
			}
		}
	}()
	buf := make([]byte, 1<<20)
	for {
		n, err := out.Read(buf)
		written += int64(n)
		peakMB = max(peakMB, peak()>>10)
		if err != nil {
			break
		}
	}
	close(ended)
	peakMB = max(peakMB, <-sampled>>10)
	err = cmd.Wait()
	var e *exec.ExitError
	if err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("temporary files were left: %v %v", left, err)
	}
	return cmd.ProcessState.ExitCode(), peakMB, written, stderr.String()
}

// TestStart: starting costs next to nothing: no package of ours unpacks, parses or compiles anything before it is asked for.
func TestStart(t *testing.T) {
	status, _, stderr := chartpost(t, t.TempDir(), []string{"GODEBUG=inittrace=1"}, "--version")
	if status != 0 || !strings.Contains(stderr, "init runtime ") {
		t.Fatalf("exit %d, %s", status, stderr)
	}
	ours := regexp.MustCompile(`init (github.com/chartpost/\S+) @.* clock, (\d+) bytes`)
	for _, m := range ours.FindAllStringSubmatch(stderr, -1) {
		if n, err := strconv.Atoi(m[2]); err != nil || n > 128<<10 {
			t.Errorf("%s allocates %s bytes at the start", m[1], m[2])
		}
	}
}
