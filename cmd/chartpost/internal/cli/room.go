package cli

import (
	"errors"
	"fmt"

	"github.com/chartpost/chartpost/internal/safefile"
)

// room checks that so many bytes can be written to a folder, or to where it will be, before any of them is.
func (c *CLI) room(dir string, need int64) error {
	check := safefile.Room
	if c.Room != nil {
		check = c.Room
	}
	err := check(dir, need)
	var full *safefile.NoRoomError
	if errors.As(err, &full) {
		return fail(exitUnreadable, fmt.Errorf("%s has room for %s, and %s are needed", full.Dir, byteCount(full.Free), byteCount(full.Need)),
			"make room there, or write to another disk with -o")
	}
	return err
}
