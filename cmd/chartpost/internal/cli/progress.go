package cli

import (
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows how far work has come, on standard error if that is a terminal and the work outlasts a second. Its methods may be
// called from several goroutines.
type bar struct {
	mu    sync.Mutex
	f     *os.File // nil: nothing is shown
	what  string
	total int64 // below 0 if it is not known
	sum   int64
	begin time.Time
	shown *progressbar.ProgressBar
	ended bool
}

func (c *CLI) bar(what string, total int64, quiet bool) *bar {
	b := &bar{what: what, total: total, begin: time.Now()}
	if f, ok := c.Err.(*os.File); ok && !quiet && c.Env("TERM") != "dumb" && term.IsTerminal(int(f.Fd())) {
		b.f = f
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
	if b.f == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum += n
	if b.ended {
		return
	}
	if b.shown == nil {
		if time.Since(b.begin) < time.Second {
			return
		}
		b.shown = progressbar.NewOptions64(b.total, progressbar.OptionSetWriter(b.f), progressbar.OptionSetDescription(b.what),
			progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	if b.total >= 0 {
		n = min(b.sum, b.total)
	} else {
		n = b.sum
	}
	b.shown.Set64(n)
}

// hide takes the bar away until it is moved on, so that a line can be printed in its place.
func (b *bar) hide() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown != nil && !b.ended {
		b.shown.Clear()
	}
}

// done takes it away for good.
func (b *bar) done() {
	b.hide()
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
}
