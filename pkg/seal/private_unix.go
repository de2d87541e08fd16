//go:build !windows

package seal

import (
	"fmt"
	"os"
)

// checkPrivate refuses a file, or a folder, that others than its owner can read or write.
func checkPrivate(f *os.File, dir string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w: %s has the mode %04o, not 0600", ErrExposed, f.Name(), info.Mode().Perm())
	}
	return CheckPrivateDir(dir)
}

// CheckPrivateDir refuses a folder that others than its owner can look or write into.
func CheckPrivateDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w: %s has the mode %04o, not 0700", ErrExposed, dir, info.Mode().Perm())
	}
	return nil
}
