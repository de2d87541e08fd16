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
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/testshared"
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
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
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
			_, err := os.Stat(filepath.Join(dir, "ledger.json.chartpost.partial"))
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
	if _, err := io.CopyN(in, batchOf(t), 512<<10); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	in.Close()
	left := contents(t, dir)
	if len(left) == 0 {
		t.Fatal("nothing is left of a run that had read most of half a megabyte: it writes elsewhere")
	}
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

// TestBoundedMemory: the memory of a run does not grow with its input. CHARTPOST_LARGE=1 takes 2 GB.
func TestBoundedMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc")
	}
	if testing.Short() {
		t.Skip("converts a large batch")
	}
	size := int64(8 << 20)
	if os.Getenv("CHARTPOST_LARGE") != "" {
		size = 2 << 30
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "convert", "-", "--to", "fhir", "--ledger", "/dev/null", "--quiet")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), runAsChartpost+"=1")
	cmd.Stdin = io.LimitReader(batchOf(t), size)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := func() (kb int) {
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
	most, written := 0, int64(0)
	buf := make([]byte, 1<<20)
	for {
		n, err := out.Read(buf)
		written += int64(n)
		most = max(most, peak())
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	var e *exec.ExitError
	if err != nil && !(errors.As(err, &e) && e.ExitCode() == 7) { // the last message is cut off
		t.Fatalf("%v %s", err, stderr.String())
	}
	t.Logf("%d MB in, %d MB out, %s: peak memory %d MB", size>>20, written>>20, time.Since(begin).Round(time.Millisecond), most>>10)
	if most>>10 > 200 {
		t.Errorf("peak memory %d MB", most>>10)
	}
}
