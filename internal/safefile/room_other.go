//go:build !linux && !darwin && !windows

package safefile

// freeSpace is not known.
func freeSpace(string) (int64, bool) { return 0, false }
