package safefile

import (
	"fmt"
	"os"
	"path/filepath"
)

// NoRoomError says that a disk has less room than what is to be written needs.
type NoRoomError struct {
	Dir        string
	Need, Free int64 // in bytes
}

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("%s has room for %d bytes, and %d are needed", e.Dir, e.Free, e.Need)
}

// Room checks that so many bytes fit into a folder, or into where it will be. Where the system does not tell, they do.
func Room(dir string, need int64) error {
	if dir == "" {
		dir = "."
	}
	for {
		info, err := os.Stat(dir)
		if err == nil && info.IsDir() {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil
		}
		dir = up
	}
	if free, ok := freeSpace(dir); ok && free < need {
		return &NoRoomError{dir, need, free}
	}
	return nil
}
