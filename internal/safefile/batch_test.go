package safefile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/chartpost/chartpost/internal/safefile"
)

// TestBatch stops a change at every point of it. Afterwards either all files are the old ones or all are the new ones.
func TestBatch(t *testing.T) {
	names := []string{"a", "b", "c"}
	for stop := range 6 {
		dir := t.TempDir()
		for _, n := range names[:2] {
			os.WriteFile(filepath.Join(dir, n), []byte("old"), 0o600)
		}
		b, err := safefile.NewBatch(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range append(names, "log") {
			if i > stop {
				break // killed while it was writing
			}
			if err := b.Write(n, []byte("new"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if stop >= 4 {
			if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		var logged []string
		count := 0
		special := func(name string, data []byte) (bool, error) {
			if count++; stop == 5 && count == 3 {
				return false, errors.New("killed while it was moving")
			}
			if name == "log" {
				logged = append(logged, string(data))
			}
			return name == "log", nil
		}
		if !safefile.Pending(dir) {
			t.Errorf("%d: nothing is pending", stop)
		}
		if err := safefile.Finish(dir, special); (err != nil) != (stop == 5) {
			t.Errorf("%d: %v", stop, err)
		}
		if err := safefile.Finish(dir, special); err != nil {
			t.Errorf("%d: %v", stop, err)
		}
		want := map[bool]string{true: "new", false: "old"}[stop >= 4]
		for _, n := range names[:2] {
			if got, _ := os.ReadFile(filepath.Join(dir, n)); string(got) != want {
				t.Errorf("%d: %s is %q, want %q", stop, n, got, want)
			}
		}
		entries, _ := os.ReadDir(dir)
		if n := map[bool]int{true: 3, false: 2}[stop >= 4]; len(entries) != n || safefile.Pending(dir) {
			t.Errorf("%d: %v", stop, entries)
		}
		if (len(logged) == 1) != (stop >= 4) {
			t.Errorf("%d: logged %q", stop, logged)
		}
	}
}
