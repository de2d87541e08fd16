package cli

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/chartpost/chartpost/internal/testshared"
)

// screen is a terminal: what was written to it, and what can be seen.
type screen struct {
	mu   sync.Mutex
	all  bytes.Buffer
	rows [][]rune
	at   int
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.Write(p)
	if s.rows == nil {
		s.rows = [][]rune{nil}
	}
	for _, r := range string(p) {
		row := &s.rows[len(s.rows)-1]
		switch r {
		case '\r':
			s.at = 0
		case '\n':
			s.rows, s.at = append(s.rows, nil), 0
		default:
			for len(*row) <= s.at {
				*row = append(*row, ' ')
			}
			(*row)[s.at] = r
			s.at++
		}
	}
	return len(p), nil
}

// seen is what stands on the screen.
func (s *screen) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, row := range s.rows {
		lines = append(lines, strings.TrimRight(string(row), " "))
	}
	return strings.Join(lines, "\n")
}

func (s *screen) written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// clock goes on when it is told to.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) wait(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func TestBar(t *testing.T) {
	for _, total := range []int64{1000, -1} {
		s, k := new(screen), &clock{t: time.Unix(1e9, 0)}
		c := &CLI{Err: s, Env: func(string) string { return "" }, Now: k.now, Terminal: func(io.Writer) bool { return true }}
		b := c.bar("working", total, false)
		b.add(100)
		k.wait(900 * time.Millisecond)
		b.add(100)
		b.hide()
		if s.written() != "" {
			t.Errorf("total %d: within the first second %q", total, s.written())
		}
		k.wait(200 * time.Millisecond)
		b.add(100)
		if !strings.HasPrefix(strings.TrimLeft(s.seen(), "-|/\\⠋ "), "working") {
			t.Errorf("total %d: after a second %q", total, s.seen())
		}
		b.hide()
		io.WriteString(s, "a finding\n")
		if s.seen() != "a finding\n" {
			t.Errorf("total %d: a line is printed over the bar: %q", total, s.seen())
		}
		time.Sleep(110 * time.Millisecond) // the bar's own clock
		b.add(100)
		if !strings.Contains(s.seen(), "a finding\n") || !strings.Contains(strings.TrimPrefix(s.seen(), "a finding\n"), "working") {
			t.Errorf("total %d: it does not come again: %q", total, s.seen())
		}
		b.done()
		b.add(100)
		io.WriteString(s, "the end\n")
		time.Sleep(250 * time.Millisecond) // something may still be drawing
		if s.seen() != "a finding\nthe end\n" {
			t.Errorf("total %d: at the end %q", total, s.seen())
		}
	}
}

// narrow is a screen of so many columns.
type narrow struct {
	*screen
	n int
}

func (s narrow) columns() int { return s.n }

// TestNarrow: on a terminal of any width the bar stands in one line.
func TestNarrow(t *testing.T) {
	for _, n := range []int{20, 30, 44, 60, 72, 80, 100, 200} {
		for _, total := range []int64{987_654_321, -1} {
			s, k := narrow{new(screen), n}, &clock{t: time.Unix(1e9, 0)}
			c := &CLI{Err: s, Env: func(string) string { return "" }, Now: k.now, Terminal: func(io.Writer) bool { return true }}
			b := c.bar("converting", total, false)
			k.wait(2 * time.Second)
			for range 3 {
				b.add(98_765_432)
				time.Sleep(110 * time.Millisecond) // the bar's own clock
			}
			seen := strings.TrimSpace(s.seen())
			if got := utf8.RuneCountInString(seen); got >= n || !strings.Contains(seen, "converting") {
				t.Errorf("%d columns, total %d: %d of %q, all %q", n, total, got, seen, s.written())
			}
			if n >= 80 && total > 0 && !strings.Contains(seen, "MB") {
				t.Errorf("%d columns: %q", n, seen)
			}
			b.done()
		}
	}
}

// slow is an input that takes its time.
type slow struct {
	text []string
	k    *clock
}

func (s *slow) Read(p []byte) (int, error) {
	if len(s.text) == 0 {
		return 0, io.EOF
	}
	s.k.wait(2 * time.Second)
	n := copy(p, s.text[0])
	if s.text[0] = s.text[0][n:]; s.text[0] == "" {
		s.text = s.text[1:]
	}
	return n, nil
}

// TestProgress: the bar of a conversion is there on a terminal only, when the work outlasts a second, and not with --quiet or --json.
// At the end nothing of it is left.
func TestProgress(t *testing.T) {
	msg := "MSH|^~\\&|A|B|C|D|20260101120000+0000||ADT^A08^ADT_A01|1|P|2.5.1\rPID|1||77^^^B&2.999.1&ISO^MR||EXAMPLE^TANSY||19990101|F\r"
	for _, tt := range []struct {
		name     string
		terminal bool
		term     string
		args     []string
		fast     bool
		want     bool
	}{
		{"a terminal", true, "xterm", nil, false, true},
		{"work that is done at once", true, "xterm", nil, true, false},
		{"no terminal", false, "xterm", nil, false, false},
		{"a dumb terminal", true, "dumb", nil, false, false},
		{"quiet", true, "xterm", []string{"--quiet"}, false, false},
		{"json", true, "xterm", []string{"--json"}, false, false},
	} {
		s, k := new(screen), &clock{t: time.Unix(1e9, 0)}
		in := io.Reader(&slow{text: []string{msg, msg, strings.Repeat("\n", 70000), msg}, k: k})
		if tt.fast {
			in = strings.NewReader(msg)
		}
		c := &CLI{In: in, Out: io.Discard, Err: s, Env: func(name string) string { return map[string]string{"TERM": tt.term, "NO_COLOR": "1"}[name] }, Now: k.now,
			Terminal: func(io.Writer) bool { return tt.terminal }}
		if code := c.Run(t.Context(), append([]string{"convert", "-", "--to", "fhir"}, tt.args...)); code != 0 {
			t.Fatalf("%s: exit %d: %s", tt.name, code, s.seen())
		}
		if got := strings.Contains(s.written(), "converting"); got != tt.want {
			t.Errorf("%s: shown %v: %q", tt.name, got, s.written())
		}
		if strings.Contains(s.seen(), "converting") {
			t.Errorf("%s: something is left: %q", tt.name, s.seen())
		}
		if !tt.want && strings.Contains(s.written(), "\r") {
			t.Errorf("%s: %q", tt.name, s.written())
		}
	}
	// With a total: files.
	s, k := new(screen), &clock{t: time.Unix(1e9, 0)}
	c := &CLI{In: strings.NewReader(""), Out: io.Discard, Err: s, Env: func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] },
		Now: func() time.Time { k.wait(time.Second); return k.now() }, Terminal: func(io.Writer) bool { return true }}
	example := filepath.Join(testshared.Root(), "examples", "batch.hl7")
	if code := c.Run(t.Context(), []string{"convert", example, example + "x", "--to", "ndjson", "-o", t.TempDir()}); code != 3 {
		t.Fatalf("exit %d: %s", code, s.seen())
	}
	if strings.Contains(s.seen(), "converting") || !strings.Contains(s.seen(), "batch.hl7x: reject") {
		t.Errorf("%q", s.seen())
	}
}
