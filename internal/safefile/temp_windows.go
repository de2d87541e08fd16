package safefile

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"syscall"
)

// FILE_ATTRIBUTE_TEMPORARY and FILE_FLAG_DELETE_ON_CLOSE.
const (
	fileAttributeTemporary = 0x100
	fileFlagDeleteOnClose  = 0x04000000
)

// Temp creates a file in a folder, or for an empty dir in the system's for temporary files. It is gone when it is closed, or when the
// process ends, however it ends. Nobody else can open it.
func Temp(dir string) (*os.File, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	path := filepath.Join(dir, ".chartpost-"+rand.Text()+Ours)
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.CREATE_NEW,
		fileAttributeTemporary|fileFlagDeleteOnClose, 0)
	if err != nil {
		return nil, &os.PathError{Op: "create", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}
