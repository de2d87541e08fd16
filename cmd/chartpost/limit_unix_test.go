//go:build !windows

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// fileLimit is the variable that says how large the files may become that the program writes: a disk that is full, for everybody to have.
const fileLimit = "CHARTPOST_TEST_FILE_LIMIT"

func limitFiles() {
	if n, err := strconv.ParseUint(os.Getenv(fileLimit), 10, 63); err == nil {
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			panic(err)
		}
		limit.Cur = min(n, limit.Max)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			panic(err)
		}
	}
}

// limited runs the program with files that become no larger than so many bytes.
func (p *person) limited(limit int, args ...string) (int, string) {
	p.t.Helper()
	cmd := p.command(args...)
	cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", fileLimit, limit))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var e *exec.ExitError
	if err != nil && !errors.As(err, &e) {
		p.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// told are the events of the log that something came of.
func (p *person) told() string {
	p.t.Helper()
	log, _ := p.run("log", "--json")
	return fmt.Sprint(strings.Count(log, `"sealed"`), strings.Count(log, `"opened"`), strings.Count(log, `"sent"`), strings.Count(log, `"receipt-added"`))
}

// tree is the content of every file below a folder, locks and folders aside.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "lock" {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

// TestFileLimit: whatever of a command's files cannot be written to its end, the command ends with status 3 and says so. Nothing that is not
// whole stands anywhere, the log is whole and tells of nothing that is not there, and with room the same command does what it should.
func TestFileLimit(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the program some hundred times")
	}
	dir := t.TempDir()
	maple, lake := twoPractices(t, dir)
	noise := make([]byte, 150<<10)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		noise[i] = byte(x)
	}
	os.WriteFile(filepath.Join(dir, "scan.pdf"), noise, 0o600)
	os.WriteFile(filepath.Join(dir, "lab.hl7"), []byte(htmlRecord), 0o600)
	os.Mkdir(filepath.Join(dir, "outbox"), 0o700)
	fir := &person{t, filepath.Join(dir, "fir"), dir}
	cedar := &person{t, filepath.Join(dir, "cedar"), dir}
	cedar.run("init", "--name", "cedar", "--no-passphrase")
	cedar.run("card", "-o", "cedar.contact")
	for _, c := range []struct {
		who  *person
		args string
		out  []string // what it makes in the folder
	}{
		{fir, "init --name fir --no-passphrase", nil},
		{maple, "card -o new.contact", []string{"new.contact"}},
		{maple, "contact add cedar.contact", nil},
		{maple, "seal scan.pdf lab.hl7 --to lake --purpose treatment --about none -o p.zip.age", []string{"p.zip.age"}},
		{maple, "seal scan.pdf --to-patient Tansy --html --about none --passphrase-out words -o page.html", []string{"page.html", "words"}},
		{lake, "open p.zip.age -o opened", []string{"opened", "chartpost-*.receipt.age"}},
		{maple, "receipt add RECEIPT", nil},
		{maple, "send p.zip.age --via outbox --retries 0", []string{"outbox/p.zip.age"}},
		{maple, "key rotate", nil},
		{maple, "convert lab.hl7 --to fhir -o lab.json", []string{"lab.json"}},
	} {
		if got, _ := filepath.Glob(filepath.Join(dir, "chartpost-*.receipt.age")); len(got) == 1 {
			c.args = strings.Replace(c.args, "RECEIPT", filepath.Base(got[0]), 1)
		}
		limits := []int{0, 1, 300, 2000, 4096, 12_000, 40_000, 70_000, 140_000, 200_000, 400_000}
		done := false
		for _, limit := range limits {
			before, listing, disclosed := tree(t, c.who.home), names(t, dir), ""
			if len(before) > 0 {
				disclosed = c.who.told()
			}
			status, out := c.who.limited(limit, strings.Fields(c.args)...)
			if status == 0 {
				done = true
				break
			}
			if status != 3 || !strings.Contains(out, "file too large") || !strings.Contains(out, "takes no file of this size") {
				t.Errorf("%s, files up to %d: status %d\n%s", c.args, limit, status, out)
			}
			if got := names(t, dir); got != listing {
				t.Errorf("%s, files up to %d leaves\n%s, before there was\n%s", c.args, limit, got, listing)
			}
			after := tree(t, c.who.home)
			_, ready := after[filepath.Join(c.who.home, "change.ready", "log-line")]
			for path, text := range after {
				// The log may have grown: it tells that something was to be sealed. A change of contacts or keys that is ready is made by the next run.
				// A receipt is kept, whole, before the log tells of it.
				if text != before[path] && !ready && filepath.Base(filepath.Dir(path)) != "receipts" && filepath.Base(path) != "journal.jsonl" && filepath.Base(path) != "journal.head" {
					t.Errorf("%s, files up to %d changes %s", c.args, limit, path)
				}
			}
			if len(before) > 0 {
				c.who.run("log", "verify")
				c.who.tidy()
				if told := c.who.told(); told != disclosed {
					t.Errorf("%s, files up to %d: the log tells of what is not there: %s", c.args, limit, told)
				}
			}
		}
		if !done {
			t.Fatalf("%s: there was never room", c.args)
		}
		for _, name := range c.out {
			if got, _ := filepath.Glob(filepath.Join(dir, name)); len(got) != 1 {
				t.Errorf("%s: no %s", c.args, name)
			}
		}
		c.who.run("log", "verify")
		nothingPartial(t, dir)
	}
	if got := maple.told() + ", " + lake.told(); got != "2 0 1 1, 0 1 0 0" {
		t.Errorf("in the end the logs tell of %s", got)
	}
	same(t, filepath.Join(dir, "opened"), map[string][]byte{"scan.pdf": noise, "lab.hl7": []byte(htmlRecord)})
}

// names are the files in a folder and its folders, those of identities aside.
func names(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(path, "lock")); err == nil && d.IsDir() {
			return fs.SkipDir
		}
		fmt.Fprintln(&b, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
