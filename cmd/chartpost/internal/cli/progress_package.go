package cli

import (
	"os"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows a bar on standard error if that is a terminal and the work outlasts a second. done takes it away.
func (c *CLI) progress(what string, total int64, quiet bool) (add func(int64), done func()) {
	f, ok := c.Err.(*os.File)
	if quiet || !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	var n atomic.Int64
	begin := time.Now()
	add = func(k int64) {
		sum := n.Add(k)
		if bar == nil {
			if time.Since(begin) < time.Second {
				return
			}
			bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
				progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
		bar.Set64(min(sum, total))
	}
	return add, func() {
		if bar != nil {
			bar.Clear()
		}
	}
}
