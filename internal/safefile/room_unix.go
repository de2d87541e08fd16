//go:build linux || darwin

package safefile

import (
	"math"
	"syscall"
)

// freeSpace is what the user may still write.
func freeSpace(dir string) (int64, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil || s.Blocks == 0 { // some virtual file systems count nothing
		return 0, false
	}
	size := uint64(s.Bsize)
	if size > 0 && uint64(s.Bavail) > math.MaxInt64/size {
		return math.MaxInt64, true
	}
	return int64(uint64(s.Bavail) * size), true
}
