//go:build !windows

package safefile

import (
	"os"
	"syscall"
)

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockOpen(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// lockOpen locks an open file or folder for as long as it is open.
func lockOpen(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch err {
		case syscall.EINTR:
			continue
		case syscall.EWOULDBLOCK:
			return ErrLocked
		case syscall.ENOTSUP, syscall.ENOLCK, syscall.ENOSYS:
			return nil // a network file system without locks
		}
		return err
	}
}

func removeOpen(f *os.File, path string) {
	if stands(f, path) { // between opening and locking, the name may have been given to another file
		os.Remove(path)
	}
}

// stands reports whether an open file is the one that has a name.
func stands(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}
