package safefile

import (
	"errors"
	"os"
	"syscall"
)

// errorSharingViolation is ERROR_SHARING_VIOLATION: somebody else has the file open.
const errorSharingViolation = syscall.Errno(32)

// lockFile opens a file that nobody else may open meanwhile.
func lockFile(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errorSharingViolation) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, &os.PathError{Op: "lock", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// lockOpen has nothing to do: Windows does not remove a file that is open.
func lockOpen(*os.File) error { return nil }

func removeOpen(f *os.File, path string) {
	f.Close()
	os.Remove(path)
}

// stands has nothing to look for: Windows does not remove a file that is open.
func stands(*os.File, string) bool { return true }
