//go:build unix

package v2fhir

import (
	"syscall"
	"time"
)

// cpuTime is the time that this process has used, which tells more than the clock where others use the machine too.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
