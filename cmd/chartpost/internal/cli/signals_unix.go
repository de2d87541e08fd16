//go:build !windows

package cli

import (
	"os/signal"
	"syscall"
)

// heedLimits makes a file that may not grow any more (ulimit -f) an error like that of a full disk, after which what is not whole is removed:
// by itself the signal ends the program at once.
func heedLimits() { signal.Ignore(syscall.SIGXFSZ) }
