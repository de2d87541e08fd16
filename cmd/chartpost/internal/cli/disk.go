package cli

import (
	"errors"
	"runtime"
	"syscall"
)

// diskHint says what can be done about a disk that takes no more.
func diskHint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.Errno(112)) && runtime.GOOS == "windows": // ERROR_DISK_FULL
		return "make room there, or write to another disk"
	case errors.Is(err, syscall.EFBIG), errors.Is(err, syscall.Errno(223)) && runtime.GOOS == "windows": // ERROR_FILE_TOO_LARGE
		return "the disk takes no file of this size: a stick in the format FAT32 holds files below 4 GiB, one in exFAT has no such limit"
	}
	return ""
}
