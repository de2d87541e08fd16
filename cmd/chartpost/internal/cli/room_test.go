package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/internal/testshared"
)

// full is a disk that is full.
func full(dir string, need int64) error {
	if need <= 10 {
		return nil
	}
	return &safefile.NoRoomError{Dir: dir, Need: need, Free: 10}
}

// TestConvertNoRoom: what cannot fit is not begun; a stream and what is small are not asked about.
func TestConvertNoRoom(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(testshared.Root(), "examples", "batch.hl7")
	run := func(args ...string) (int, string) {
		var out, errOut bytes.Buffer
		c := &CLI{In: strings.NewReader("MSH|^~\\&|"), Out: &out, Err: &errOut, Env: func(string) string { return "" }, Room: full}
		code := c.Run(t.Context(), append([]string{"convert"}, args...))
		return code, errOut.String()
	}
	for _, to := range []string{"fhir", "ndjson", "hl7v2"} {
		code, stderr := run(in, "--to", to, "-o", filepath.Join(dir, "out")+"/")
		if code != 3 || !strings.Contains(stderr, "has room for 10 bytes, and ") || !strings.Contains(stderr, "make room there") {
			t.Errorf("%s: exit %d: %s", to, code, stderr)
		}
	}
	if code, stderr := run(in, "--to", "fhir"); code != 0 {
		t.Errorf("to a stream: exit %d: %s", code, stderr)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

// TestOpenNoRoom: the signed sizes are held against the disk before anything is unpacked.
func TestOpenNoRoom(t *testing.T) {
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	befriend(maple, lake)
	befriend(lake, maple)
	if err := os.WriteFile(filepath.Join(dir, "note.txt"), bytes.Repeat([]byte("x"), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := maple.run("seal", "note.txt", "--to", "Lakeside", "--purpose", "treatment", "-o", "p.zip.age"); code != 0 {
		t.Fatal(stderr)
	}
	var errOut bytes.Buffer
	c := lake.cli(strings.NewReader(""), io.Discard, &errOut)
	c.Room = full
	out := filepath.Join(dir, "opened")
	if code := c.Run(t.Context(), []string{"open", filepath.Join(dir, "p.zip.age"), "-o", out}); code != 3 || !strings.Contains(errOut.String(), "has room for 10 bytes, and 5.0 kB are needed") {
		t.Errorf("exit %d: %s", code, errOut.String())
	}
	if left, err := filepath.Glob(out + "*"); err != nil || len(left) != 0 {
		t.Errorf("%v %v", left, err)
	}
}
