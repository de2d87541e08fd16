package csvtab

import "testing"

// FuzzSurelyNoDate: what is passed over as surely no date is none.
func FuzzSurelyNoDate(f *testing.F) {
	for _, s := range []string{"2026-03-04", "3/4/26", "04MAR2026", "4 Mar 2026", "March 4, 2026", "Tue, 4 Mar 2026", "20260304", "202603041030", "20260304103045+0100", "45306",
		"45306.5", "2026", "3/2026", "12.12.12", "Mar 2026", "3edac2e3", "8302-2", "word", "1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s = trim(s); s != "" && surelyNoDate(s) && scanDate(s).shape != noDate {
			t.Errorf("%q is a date", s)
		}
	})
}
