package convert

import (
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	for text, want := range map[string]string{
		"20260312090500-0500": "2026-03-12T14:05:00Z", "2026-03-12T09:05:00-05:00": "2026-03-12T14:05:00Z", "20260312": "2026-03-12T00:00:00Z",
		"2026-03-12": "2026-03-12T00:00:00Z", "2026": "2026-01-01T00:00:00Z", "202603120905": "2026-03-12T09:05:00Z", "20260312090500.25+0100": "2026-03-12T08:05:00.25Z",
		"2026-03-12T09:05:00.123Z": "2026-03-12T09:05:00.123Z", "": "", "soon": "", "20261312": "", "202603120": "", "2026031209050012": ""} {
		got := ""
		if us := Moment(text); us != 0 {
			got = time.UnixMicro(us).UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
