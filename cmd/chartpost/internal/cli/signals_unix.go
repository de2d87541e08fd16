//go:build !windows

package cli

import (
	"os/signal"
	"syscall"
)

// heedLimits makes errors of what by itself would end the program at once and leave behind what is not whole: a file that may not grow any more
// (ulimit -f), like a full disk, and a pipe that nobody reads any more (head -1).
func heedLimits() { signal.Ignore(syscall.SIGXFSZ, syscall.SIGPIPE) }
