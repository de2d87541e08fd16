//go:build !windows

package safefile

import "os"

// Temp creates a file of no name in a folder, or for an empty dir in the system's for temporary files. Its space is free again when it is
// closed, or when the process ends, however it ends. Nobody else can read it.
func Temp(dir string) (*os.File, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	if f := nameless(dir); f != nil {
		return f, nil
	}
	f, err := os.CreateTemp(dir, ".chartpost-*"+Ours) // mode 0600; Sweep knows the name, should the process end here
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
