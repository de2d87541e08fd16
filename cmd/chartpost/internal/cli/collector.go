package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The collector of Go waits until as much garbage has come together as is in use. A conversion has 20 MB in use and makes 200 MB of
// garbage a second, so that a fifth of its time went into collecting. So garbage may be roomForGarbage at the least: a quarter of what
// a run is to have in memory at the most (200 MB, for whatever size of input). What has more than that in use, a single record of tens
// or hundreds of megabytes, may have the less garbage the more it is, down to a third: its memory is what it needs, and not twice that.
const roomForGarbage = 48 << 20

// percent is the collector's percentage for so many bytes in use.
func percent(live uint64) int {
	return int(max(33, min(100*roomForGarbage/max(live, 1), 1200)))
}

// easeCollector sets the collector's percentage after each collection, unless GOGC says what it is to be.
func easeCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	now := percent(0)
	debug.SetGCPercent(now)
	type turn struct{ next func() }
	var arm func()
	arm = func() { // what nobody holds is finalized after the next collection, and so on
		runtime.SetFinalizer(&turn{arm}, func(t *turn) {
			metrics.Read(sample)
			if p := percent(sample[0].Value.Uint64()); p < now*9/10 || p > now*11/10 { // to set it stops the world
				now = p
				debug.SetGCPercent(now)
			}
			t.next()
		})
	}
	arm()
}
