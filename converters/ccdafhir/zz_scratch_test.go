package ccdafhir

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestZZ(t *testing.T) {
	if os.Getenv("ZZ") == "" {
		t.Skip("scratch")
	}
	m := builtin(t)
	files := documentsIn(t, os.Getenv("ZZ"))
	only := os.Getenv("ZZF")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if only != "" && !strings.Contains(name, only) {
			continue
		}
		res, err := laws(kit(m), files[name])
		if err != nil || len(res.Faults) == 0 {
			continue
		}
		t.Logf("FILE %s %d", name, len(res.Faults))
		for i, f := range res.Faults {
			if i > 400 {
				break
			}
			t.Logf("F %s", f)
		}
		if only != "" && os.Getenv("ZZO") != "" {
			os.WriteFile(os.Getenv("ZZO"), res.Back, 0o644)
		}
	}
}
