package safefile

import (
	"os"

	"golang.org/x/sys/unix"
)

// nameless creates a file that never has a name, so that nothing is left wherever a run ends; nil if the file system cannot.
func nameless(dir string) *os.File {
	f, err := os.OpenFile(dir, unix.O_TMPFILE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return nil
	}
	return f
}
