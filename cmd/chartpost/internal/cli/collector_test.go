package cli

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever is in use, garbage is collected before there is more of it than a third of what is in use, or than there is room for.
func TestPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, 1200}, {1 << 20, 1200}, {16 << 20, 300}, {roomForGarbage, 100}, {2 * roomForGarbage, 50}, {1 << 30, 33}} {
		if got := percent(c.live); got != c.want {
			t.Errorf("%d bytes in use: %d %%, want %d", c.live, got, c.want)
		}
		if garbage := c.live * uint64(percent(c.live)) / 100; garbage > max(c.live/3, roomForGarbage) {
			t.Errorf("%d bytes in use: %d bytes of garbage", c.live, garbage)
		}
	}
}

// TestEased: the collector is eased for commands over records and for no other.
func TestEased(t *testing.T) {
	eased := map[string]bool{"convert": true, "validate": true, "view": true}
	home := t.TempDir()
	missing := filepath.Join(home, "missing")
	for _, cmd := range Tree().Commands() {
		n := 0
		c := &CLI{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Env: func(string) string { return home }}
		c.run(t.Context(), []string{cmd.Name(), missing}, func() { n++ })
		if want := eased[cmd.Name()]; want != (n == 1) || n > 1 {
			t.Errorf("%s: eased %d times", cmd.Name(), n)
		}
		delete(eased, cmd.Name())
	}
	if len(eased) > 0 {
		t.Errorf("no such commands: %v", eased)
	}
}
