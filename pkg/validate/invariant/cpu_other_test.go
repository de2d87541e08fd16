//go:build !unix

package invariant

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
