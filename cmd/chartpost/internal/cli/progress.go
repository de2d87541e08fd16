package cli

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows how far work has come, on standard error if that is a terminal and the work outlasts a second. Its methods may be
// called from several goroutines.
type bar struct {
	mu    sync.Mutex
	line  *line // nil: nothing is shown
	what  string
	total int64 // below 0 if it is not known
	sum   int64
	now   func() time.Time
	begin time.Time
	shown *progressbar.ProgressBar
	ended bool
}

func (c *CLI) bar(what string, total int64, quiet bool) *bar {
	b := &bar{what: what, total: total, now: c.now, begin: c.now()}
	if !quiet && c.terminal(c.Err) {
		b.line = &line{w: c.Err}
	}
	return b
}

// progress is a bar as two functions.
func (c *CLI) progress(what string, total int64, quiet bool) (add func(int64), done func()) {
	b := c.bar(what, total, quiet)
	return b.add, b.done
}

// add moves the bar on.
func (b *bar) add(n int64) {
	if b.line == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum += n
	if b.ended {
		return
	}
	if b.shown == nil {
		if b.now().Sub(b.begin) < time.Second {
			return
		}
		// Without an interval the spinner of an unknown total turns when work is done. With one it has a goroutine, which goes on
		// drawing over what is printed later.
		b.shown = progressbar.NewOptions64(b.total, append(fitting(columnsOf(b.line.w), b.what, b.total >= 0), progressbar.OptionSetWriter(b.line), progressbar.OptionSetDescription(b.what),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetSpinnerChangeInterval(0))...)
	}
	if b.total >= 0 {
		n = min(b.sum, b.total)
	} else {
		n = b.sum
	}
	b.shown.Set64(n)
}

// fitting says what of a bar there is room for in a line of so many columns: one that is longer would leave its begin behind each time it is drawn.
func fitting(columns int, what string, known bool) []progressbar.Option {
	const (
		counts = len("(999.9/999.9 MB, 999.9 kB/s)")
		times  = len(" [10h59m59s:10h59m59s]")
		least  = 8
	)
	room := columns - 1 - len(what) - len(" 100% || ")
	shows := func(counted, timed bool, width int) []progressbar.Option {
		if width = max(1, min(width, 40)); !known {
			width = 40 // there is a spinner instead, and the width says how it turns
		}
		o := []progressbar.Option{progressbar.OptionSetElapsedTime(timed), progressbar.OptionSetPredictTime(timed), progressbar.OptionSetWidth(width)}
		if counted {
			o = append(o, progressbar.OptionShowBytes(true), progressbar.OptionShowCount())
		}
		return o
	}
	switch {
	case room-counts-times >= least:
		return shows(true, true, room-counts-times)
	case room-counts >= least:
		return shows(true, false, room-counts)
	}
	return shows(false, false, room)
}

// columnsOf is the width of a terminal.
func columnsOf(w io.Writer) int {
	switch w := w.(type) {
	case *os.File:
		if n, _, err := term.GetSize(int(w.Fd())); err == nil && n > 0 {
			return n
		}
	case interface{ columns() int }:
		return w.columns()
	}
	return 80
}

// hide takes the bar away until it is moved on, so that a line can be printed in its place.
func (b *bar) hide() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown != nil && !b.ended {
		b.line.clear()
	}
}

// done takes it away for good.
func (b *bar) done() {
	b.hide()
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
}

// line is the last line of a terminal. It knows how much of it has been written on, to clear it on every system.
type line struct {
	w     io.Writer
	at    int
	width int
}

func (l *line) Write(p []byte) (int, error) {
	for _, part := range strings.SplitAfter(string(p), "\r") {
		l.at += utf8.RuneCountInString(strings.TrimSuffix(part, "\r"))
		if l.width = max(l.width, l.at); strings.HasSuffix(part, "\r") {
			l.at = 0
		}
	}
	return l.w.Write(p)
}

// clear writes over it and goes back to its begin.
func (l *line) clear() {
	if l.width > 0 {
		io.WriteString(l.w, "\r"+strings.Repeat(" ", l.width)+"\r")
		l.at, l.width = 0, 0
	}
}
