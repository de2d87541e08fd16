package cli

import "testing"

// Whatever is in use, garbage is collected before there is more of it than of what is in use, or than there is room for.
func TestPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, 1200}, {1 << 20, 1200}, {16 << 20, 300}, {roomForGarbage, 100}, {1 << 30, 100}} {
		if got := percent(c.live); got != c.want {
			t.Errorf("%d bytes in use: %d %%, want %d", c.live, got, c.want)
		}
		if garbage := c.live * uint64(percent(c.live)) / 100; garbage > max(c.live, roomForGarbage) {
			t.Errorf("%d bytes in use: %d bytes of garbage", c.live, garbage)
		}
	}
}
