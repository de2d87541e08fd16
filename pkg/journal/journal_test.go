package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/seal"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func start(t testing.TB, entries int) (string, *seal.Identity) {
	t.Helper()
	id, err := seal.Generate("Maple Street Clinic")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := journal.Start(dir, id, now, journal.Body{By: "ann"}); err != nil {
		t.Fatal(err)
	}
	for i := range entries - 1 {
		add(t, dir, id, fmt.Sprintf("%032d", i))
	}
	return dir, id
}

func add(t testing.TB, dir string, id *seal.Identity, pkg string) {
	t.Helper()
	j, err := journal.Open(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(now, journal.Sealing, pkg, journal.Body{Peer: journal.Peer{Name: "Lakeside Cardiology"}, Purpose: "treatment"}); err != nil {
		t.Fatal(err)
	}
}

func lines(t testing.TB, dir string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, journal.File))
	if err != nil {
		t.Fatal(err)
	}
	l := strings.SplitAfter(string(data), "\n")
	return l[:len(l)-1]
}

func write(t testing.TB, dir string, l []string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, journal.File), []byte(strings.Join(l, "")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAppend(t *testing.T) {
	dir, id := start(t, 3)
	if err := journal.Start(dir, id, now, journal.Body{}); err == nil {
		t.Error("a log was started over another")
	}
	j, err := journal.Open(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	if j.NextSeq() != 3 || len(j.Entries()) != 3 {
		t.Errorf("next is %d after %d entries", j.NextSeq(), len(j.Entries()))
	}
	head := j.Head()
	e, err := j.Append(now, journal.Opened, "cafe", journal.Body{Peer: journal.Peer{Name: "Hilltop"}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Prev != head || e.Hash() != j.Head() || j.Head() == head {
		t.Error("the chain does not go on")
	}
	if when, ok := j.Seen("cafe"); !ok || !when.Equal(now) {
		t.Error("the opened package is not seen")
	}
	if j, err = journal.Open(dir, id); err != nil {
		t.Fatal(err)
	}
	if _, ok := j.Seen("cafe"); !ok || j.Head() != e.Hash() {
		t.Error("not there when read again")
	}
	if _, ok := j.Seen("beef"); ok {
		t.Error("a package was seen that was not opened")
	}
	b, err := j.Body(&j.Entries()[3])
	if err != nil || b.Name != "Hilltop" {
		t.Errorf("%+v %v", b, err)
	}
	for _, l := range lines(t, dir) {
		if strings.Contains(l, "Lakeside") || strings.Contains(l, "Hilltop") || strings.Contains(l, "treatment") || strings.Contains(l, "ann") && strings.Contains(l, `"by"`) {
			t.Errorf("the log shows what only its owner may read: %s", l)
		}
	}
	r, err := journal.Verify(dir, id)
	if err != nil || len(r.Findings) != 0 || r.Entries != 4 || r.Head != e.Hash() {
		t.Errorf("%+v %v", r, err)
	}
	other, _ := seal.Generate("Mallory")
	if _, err := journal.Open(dir, other); err == nil {
		t.Error("somebody else's log was taken for mine")
	}
}

// TestTampering: every change to the file is found, and no command goes on with such a log.
func TestTampering(t *testing.T) {
	dir, id := start(t, 6)
	good := lines(t, dir)
	other, otherID := start(t, 6)
	foreign := lines(t, other)
	_ = otherID
	for _, tt := range []struct {
		name string
		edit func([]string) []string
		want diag.ID
	}{
		{"edit of a time", func(l []string) []string { l[2] = strings.Replace(l[2], "10:00:00", "10:00:01", 1); return l }, "CP-PKG-052"},
		{"edit of an event", func(l []string) []string { l[2] = strings.Replace(l[2], `"sealing"`, `"opened"`, 1); return l }, "CP-PKG-052"},
		{"edit of a body", func(l []string) []string {
			i := strings.Index(l[3], `"body":"`) + 100
			l[3] = l[3][:i] + "AAAA" + l[3][i+4:]
			return l
		}, "CP-PKG-052"},
		{"edit of the last entry", func(l []string) []string { l[5] = strings.Replace(l[5], "10:00:00", "10:00:01", 1); return l }, "CP-PKG-052"},
		{"order", func(l []string) []string { l[2], l[3] = l[3], l[2]; return l }, "CP-PKG-051"},
		{"entry taken out", func(l []string) []string { return append(l[:2], l[3:]...) }, "CP-PKG-051"},
		{"first entry taken out", func(l []string) []string { return l[1:] }, "CP-PKG-051"},
		{"entry twice", func(l []string) []string { return append(l[:3], l[2:]...) }, "CP-PKG-051"},
		{"entry of another log", func(l []string) []string { l[3] = foreign[3]; return l }, "CP-PKG-051"},
		{"another log", func([]string) []string { return slices.Clone(foreign) }, "CP-PKG-052"},
		{"end cut", func(l []string) []string { return l[:5] }, "CP-PKG-053"},
		{"most cut", func(l []string) []string { return l[:1] }, "CP-PKG-053"},
		{"all cut", func([]string) []string { return nil }, "CP-PKG-053"},
		{"last line feed cut", func(l []string) []string { l[5] = strings.TrimSuffix(l[5], "\n"); return l }, "CP-PKG-053"},
		{"empty line", func(l []string) []string { l[2] += "\n"; return l }, "CP-PKG-050"},
		{"text", func(l []string) []string { l[2] = "hello\n"; return l }, "CP-PKG-050"},
		{"blank added", func(l []string) []string { l[2] = strings.Replace(l[2], `{"entry":`, `{"entry": `, 1); return l }, "CP-PKG-050"},
		{"member added", func(l []string) []string { l[2] = strings.Replace(l[2], `{"entry":`, `{"x":1,"entry":`, 1); return l }, "CP-PKG-050"},
		{"carriage return", func(l []string) []string { l[2] = strings.Replace(l[2], "\n", "\r\n", 1); return l }, "CP-PKG-050"},
		{"signature of another entry", func(l []string) []string {
			i, k := strings.Index(l[2], `,"signature"`), strings.Index(l[3], `,"signature"`)
			l[2] = l[2][:i] + l[3][k:]
			return l
		}, "CP-PKG-052"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			write(t, dir, tt.edit(slices.Clone(good)))
			r, err := journal.Verify(dir, id)
			if err != nil {
				t.Fatal(err)
			}
			var ids []diag.ID
			for _, f := range r.Findings {
				ids = append(ids, f.ID)
			}
			if !slices.Contains(ids, tt.want) {
				t.Errorf("found %v, want %s", ids, tt.want)
			}
			var f *diag.Finding
			if _, err := journal.Open(dir, id); !errors.As(err, &f) && tt.name != "signature of another entry" {
				t.Errorf("the log was opened: %v", err)
			}
		})
	}
	write(t, dir, good)
	head := filepath.Join(dir, journal.HeadFile)
	data, _ := os.ReadFile(head)
	for name, edit := range map[string]func(){
		"missing": func() { os.Remove(head) },
		"damaged": func() { os.WriteFile(head, data[:100], 0o600) },
		"foreign": func() { os.WriteFile(head, []byte(foreign[5]), 0o600) },
	} {
		edit()
		if r, err := journal.Verify(dir, id); err != nil || len(r.Findings) == 0 {
			t.Errorf("the copy of the newest entry is %s: %v %v", name, r.Findings, err)
		}
		os.WriteFile(head, data, 0o600)
	}
	if r, err := journal.Verify(dir, id); err != nil || len(r.Findings) != 0 {
		t.Errorf("%v %v", r.Findings, err)
	}
}

// TestKilled: what a run that was killed while it appended leaves behind does not hurt.
func TestKilled(t *testing.T) {
	dir, id := start(t, 3)
	good := lines(t, dir)
	path := filepath.Join(dir, journal.File)
	old, _ := os.ReadFile(filepath.Join(dir, journal.HeadFile))
	add(t, dir, id, "cafe")
	next := lines(t, dir)[3]
	for n := 1; n < len(next); n += 97 {
		// Killed within the line: it does not count, and the next entry takes its place.
		os.WriteFile(path, []byte(strings.Join(good, "")+next[:n]), 0o600)
		os.WriteFile(filepath.Join(dir, journal.HeadFile), old, 0o600)
		j, err := journal.Open(dir, id)
		if err != nil {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		if len(j.Entries()) != 3 {
			t.Fatalf("after %d bytes: %d entries", n, len(j.Entries()))
		}
		if _, err := j.Append(now, journal.Sealing, "beef", journal.Body{}); err != nil {
			t.Fatal(err)
		}
		if r, err := journal.Verify(dir, id); err != nil || len(r.Findings) != 0 || r.Entries != 4 {
			t.Fatalf("after %d bytes: %+v %v", n, r, err)
		}
	}
	// Killed between the line and its copy: it counts.
	os.WriteFile(path, []byte(strings.Join(good, "")+next), 0o600)
	os.WriteFile(filepath.Join(dir, journal.HeadFile), old, 0o600)
	if j, err := journal.Open(dir, id); err != nil || len(j.Entries()) != 4 {
		t.Errorf("%v", err)
	}
	// The same with the first entry.
	one, oneID := start(t, 1)
	os.Remove(filepath.Join(one, journal.HeadFile))
	if j, err := journal.Open(one, oneID); err != nil || len(j.Entries()) != 1 {
		t.Errorf("%v", err)
	}
}

// TestTwoAtOnce: with the lock, writers at the same time do not lose an entry.
func TestTwoAtOnce(t *testing.T) {
	dir, id := start(t, 1)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 5 {
				l, err := safefile.Acquire(context.Background(), filepath.Join(dir, "lock"), time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				add(t, dir, id, fmt.Sprintf("%d-%d", w, i))
				l.Unlock()
			}
		})
	}
	wg.Wait()
	if r, err := journal.Verify(dir, id); err != nil || len(r.Findings) != 0 || r.Entries != 21 {
		t.Errorf("%+v %v", r, err)
	}
}

// FuzzLog: of the bytes of a log, none can be changed without being found.
func FuzzLog(f *testing.F) {
	dir, id := start(f, 4)
	good := []byte(strings.Join(lines(f, dir), ""))
	want, err := journal.Open(dir, id)
	if err != nil {
		f.Fatal(err)
	}
	// Three bytes of input are one edit: where, where, how. One or two bytes at the end cut the log there. (The log itself cannot be the
	// input: the fuzzer's workers make each their own.)
	f.Add([]byte{})
	f.Add([]byte{0, 30, 1})
	f.Add([]byte{20})
	f.Add([]byte{16, 0, 7, 16, 0, 7})
	f.Fuzz(func(t *testing.T, edits []byte) {
		data := bytes.Clone(good)
		for ; len(edits) >= 3; edits = edits[3:] {
			data[(int(edits[0])<<8|int(edits[1]))%len(data)] ^= edits[2]
		}
		if len(edits) > 0 {
			data = data[:int(edits[0])*len(data)/256]
		}
		d := t.TempDir()
		head, _ := os.ReadFile(filepath.Join(dir, journal.HeadFile))
		os.WriteFile(filepath.Join(d, journal.HeadFile), head, 0o600)
		os.WriteFile(filepath.Join(d, journal.File), data, 0o600)
		r, err := journal.VerifyChain(d, id)
		if err != nil {
			t.Fatal(err)
		}
		whole := data[:bytes.LastIndexByte(data, '\n')+1]
		same := bytes.Equal(whole, good)
		if same != (len(r.Findings) == 0) {
			t.Errorf("changed: %v, findings: %v", !same, r.Findings)
		}
		// Open looks at one signature only, the last; of the others it needs none, as long as the entries are the same.
		j, err := journal.Open(d, id)
		if same && err != nil || err == nil && (len(j.Entries()) != 4 || j.Head() != want.Head()) {
			t.Errorf("opened: %v", err)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	dir, id := start(b, 1000)
	info, err := os.Stat(filepath.Join(dir, journal.File))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := journal.Open(dir, id); err != nil {
			b.Fatal(err)
		}
	}
}

// TestRotation: the entry that tells of new keys is signed with the old ones, those after it with the new ones, and all can be read.
func TestRotation(t *testing.T) {
	dir, old := start(t, 3)
	j, err := journal.Open(dir, old)
	if err != nil {
		t.Fatal(err)
	}
	l, err := j.Line(now, journal.Rotated, "", journal.Body{Note: "new keys"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := old.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is there already
		if err := journal.AppendLine(dir, l); err != nil {
			t.Fatal(err)
		}
	}
	if len(lines(t, dir)) != 4 {
		t.Fatalf("%d entries", len(lines(t, dir)))
	}
	whole := func(id *seal.Identity) error {
		if _, err := journal.Open(dir, id); err != nil {
			return err
		}
		r, err := journal.Verify(dir, id)
		if err == nil && len(r.Findings) > 0 {
			return r.Findings[0]
		}
		return err
	}
	if err := whole(id); err != nil {
		t.Errorf("after the rotation: %v", err)
	}
	add(t, dir, id, "x")
	if err := whole(id); err != nil {
		t.Errorf("after an entry with the new key: %v", err)
	}
	if j, err = journal.Open(dir, id); err != nil {
		t.Fatal(err)
	}
	for i := range j.Entries() {
		if _, err := j.Body(&j.Entries()[i]); err != nil {
			t.Errorf("entry %d cannot be read: %v", i+1, err)
		}
	}
	if err := whole(old); !hasID(err, "CP-PKG-052") {
		t.Errorf("the old key alone is enough: %v", err)
	}
	// An entry by the old key after the rotation is somebody else's.
	forged, err := j.As(old).Line(now, journal.Sealing, "y", journal.Body{})
	if err != nil {
		t.Fatal(err)
	}
	if err := journal.AppendLine(dir, forged); err != nil {
		t.Fatal(err)
	}
	if err := whole(id); !hasID(err, "CP-PKG-052") {
		t.Errorf("an entry with the old key: %v", err)
	}
}

func hasID(err error, id diag.ID) bool {
	var f *diag.Finding
	return errors.As(err, &f) && f.ID == id
}

// BenchmarkLast reads every body, as a package for a contact that never got one makes it do.
func BenchmarkLast(b *testing.B) {
	dir, id := start(b, 200)
	j, err := journal.Open(dir, id)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if e, _, err := j.Last(journal.Sealing, func(*journal.Entry, *journal.Body) bool { return false }); e != nil || err != nil {
			b.Fatal(e, err)
		}
	}
}

// TestStartRestored: the packages of a log that was begun anew have higher numbers than those of the one that was lost.
func TestStartRestored(t *testing.T) {
	dir, id := start(t, 5)
	before, err := journal.Open(dir, id)
	if err != nil || before.NextSeq() != 5 {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := journal.StartRestored(dir, id, now, journal.Body{}); err != nil {
		t.Fatal(err)
	}
	add(t, dir, id, strings.Repeat("a", 32))
	after, err := journal.Open(dir, id)
	if err != nil || after.NextSeq() != 20261122002 {
		t.Errorf("%d %v", after.NextSeq(), err)
	}
	// Keys that are put back beside their log change nothing of its count.
	dir, id = start(t, 5)
	j, err := journal.Open(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(now, journal.Restored, "", journal.Body{}); err != nil || j.NextSeq() != 5 {
		t.Errorf("%d %v", j.NextSeq(), err)
	}
}

// TestReadWhileWritten: whoever reads the log while another appends to it finds a whole one, of before or of after.
func TestReadWhileWritten(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is being read cannot be replaced there")
	}
	dir, owner := start(t, 1)
	j, err := journal.Open(dir, owner)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		for range 200 {
			if _, err := j.Append(now, journal.Sealing, pkgID, journal.Body{}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		if _, err := journal.Open(dir, owner); err != nil {
			t.Fatal(err, <-done)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
}
