package csvtab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
)

// table reads one column of dates, called DOB, whose cells are given with blanks between them.
func table(t testing.TB, name string, o Options, cells ...string) *Table {
	t.Helper()
	o.Comma = '|'
	f, err := Open("t.csv", Bytes([]byte("Id|"+name+"\nx|"+strings.Join(cells, "\nx|")+"\n")), o)
	if err != nil {
		t.Fatal(err)
	}
	return f.Tables[0]
}

func TestDate(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"2026-03-04", "2026-03-04"},
		{" 2026-03-04 ", "2026-03-04"},
		{"2026-3-4", "2026-03-04"},
		{"2026/03/04", "2026-03-04"},
		{"2026.03.04", "2026-03-04"},
		{"2024-02-29", "2024-02-29"},
		{"2023-02-29", ""},
		{"1900-02-29", ""},
		{"2026-13-04", ""},
		{"2026-00-04", ""},
		{"2026-03-32", ""},
		{"0000-00-00", ""},
		{"00/00/0000", ""},
		{"3/4/2026", "2026-03-04"},
		{"03/04/2026", "2026-03-04"},
		{"3-4-2026", "2026-03-04"},
		{"13/4/2026", ""},
		{"3/4/26", "2026-03-04"},
		{"3/4/27", "1927-03-04"},
		{"12/31/99", "1999-12-31"},
		{"1/1/00", "2000-01-01"},
		{"2/29/00", "2000-02-29"},
		{"3/4-2026", ""},
		{"3/4/202", ""},
		{"3/4/20260", ""},
		{"3/2026", "2026-03"},
		{"2026-03", "2026-03"},
		{"March 2026", "2026-03"},
		{"2026", "2026"},
		{"1066", ""},
		{"4 Mar 2026", "2026-03-04"},
		{"4-MAR-26", "2026-03-04"},
		{"04MAR2026", "2026-03-04"},
		{"31 Feb 2026", ""},
		{"March 4, 2026", "2026-03-04"},
		{"Mar. 4 2026", "2026-03-04"},
		{"Sept 4, 2026", "2026-09-04"},
		{"Tue, 4 Mar 2026", "2026-03-04"},
		{"Marching 4, 2026", ""},
		{"20260304", "2026-03-04"},
		{"20261304", ""},
		{"202603041030", "2026-03-04T10:30:00"},
		{"20260304103045", "2026-03-04T10:30:45"},
		{"20260304103045+0100", "2026-03-04T10:30:45+01:00"},
		{"3/4/2026 10:30", "2026-03-04T10:30:00"},
		{"3/4/2026 10:30:15 AM", "2026-03-04T10:30:15"},
		{"3/4/2026 12:00 AM", "2026-03-04T00:00:00"},
		{"3/4/2026 12:00 PM", "2026-03-04T12:00:00"},
		{"3/4/2026 1:05 p.m.", "2026-03-04T13:05:00"},
		{"3/4/2026 13:05 PM", ""},
		{"3/4/2026 24:00", ""},
		{"3/4/2026 10:60", ""},
		{"2026-03-04T10:30:00Z", "2026-03-04T10:30:00Z"},
		{"2026-03-04 10:30:00.123456", "2026-03-04T10:30:00.123456"},
		{"2026-03-04 10:30:00 UTC", "2026-03-04T10:30:00Z"},
		{"2026-03-04T10:30:00-05", "2026-03-04T10:30:00-05:00"},
		{"2026-03-04T10:30:00+15:00", ""},
		{"2026-03-04 10:30:00 EST", ""},
		{"2026-03-04 or so", ""},
		{"45306", ""}, // the column has no serials
		{"unknown", ""},
		{"", ""},
	} {
		tab := table(t, "DOB", Options{Dates: MDY}, "1980-03-14", "2/13/80")
		got := ""
		if d, ok := tab.Date(1, tt.in, false); ok {
			got = d.String()
		}
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

// TestEveryDay: every day of four centuries is read from every form that has one meaning, and from a serial number.
func TestEveryDay(t *testing.T) {
	tab := table(t, "DOB", Options{Dates: DMY}, "1980-03-14", "1980-03-14", "1980-03-14", "29294", "13/2/1980")
	forms := []string{"2006-01-02", "2/1/2006", "02.01.2006", "20060102", "2-Jan-2006", "January 2, 2006"}
	first := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	for day := time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() <= 2100; day = day.AddDate(0, 0, 1) {
		want := day.Format("2006-01-02")
		for _, f := range forms {
			if d, ok := tab.Date(1, day.Format(f), false); !ok || d.String() != want {
				t.Fatalf("%s as %s: %v %v", want, f, d, ok)
			}
		}
		if day.Year() >= 1930 && day.Year() < 2119 {
			serial := fmt.Sprint(int(day.Sub(first).Hours() / 24))
			if d, ok := tab.Date(1, serial, false); !ok || d.String() != want {
				t.Fatalf("%s as %s: %v %v", want, serial, d, ok)
			}
		}
	}
}

func TestOrder(t *testing.T) {
	for _, tt := range []struct {
		name    string
		o       Options
		cells   string
		order   Order
		compact Order
		ask     diag.ID
	}{
		{"DOB", Options{}, "3/4/2026 12/25/2026", MDY, "", ""},
		{"DOB", Options{}, "3/4/2026 25/12/2026", DMY, "", ""},
		{"DOB", Options{}, "3/4/2026 5/6/2026", "", "", DatesAmbiguous},
		{"DOB", Options{}, "13/4/2026 5/16/2026", "", "", DatesMixed},
		{"DOB", Options{Dates: DMY}, "13/4/2026 5/16/2026", DMY, "", ""},
		{"DOB", Options{}, "80/3/14 75/11/2 99/1/1", YMD, "", ""},
		{"DOB", Options{}, "19800314 19751102", "", YMD, ""},
		{"DOB", Options{}, "03141980 11021975", "", MDY, ""},
		{"DOB", Options{}, "14031980 02111975", "", DMY, ""},
		{"DOB", Options{}, "03041980 11021975", "", "", DatesAmbiguous},
		{"DOB", Options{Dates: MDY}, "03041980 11021975", "", MDY, ""},
		{"DOB", Options{}, "2026-03-04 3/3/2026", "", "", ""},
	} {
		tab := table(t, tt.name, tt.o, strings.Fields(tt.cells)...)
		d := tab.Columns[1].Dates
		if d == nil {
			t.Errorf("%s: no dates", tt.cells)
			continue
		}
		ask := diag.ID("")
		if d.Question != nil {
			ask = d.Question.ID
		}
		if d.Order != tt.order || d.Compact != tt.compact || ask != tt.ask {
			t.Errorf("%s: order %q, compact %q, question %q", tt.cells, d.Order, d.Compact, ask)
		}
	}
	// Numbers that nobody calls dates are none.
	for _, cells := range []string{"19800314 19751102", "45306 45307", "1 2 3", "2024 2025", "1.2.840 1.2.841", "a 1980-03-14 b c"} {
		if d := table(t, "Chart", Options{}, strings.Fields(cells)...).Columns[1].Dates; d != nil {
			t.Errorf("%s are taken for dates", cells)
		}
	}
	// Somebody who knows says that they are.
	tab := table(t, "Chart", Options{}, "03141980", "11021975")
	if d := tab.AsDates(1, ""); d.Compact != MDY || d.Question != nil {
		t.Errorf("as dates: %+v", d)
	}
	if d, ok := tab.Date(1, "11021975", false); !ok || d.String() != "1975-11-02" {
		t.Errorf("as dates: %v", d)
	}
	if d := table(t, "Chart", Options{}, "a", "3/4/2026", "b", "c").AsDates(1, ""); d.Question == nil {
		t.Error("as dates: no question")
	}
	for _, cells := range []string{"3/4/2026 5/6/2026", "03042026 05062026"} { // an answer for one column
		tab := table(t, "DOB", Options{}, strings.Fields(cells)...)
		if tab.Columns[1].Dates.Question == nil {
			t.Errorf("%s: no question", cells)
		}
		if d := tab.AsDates(1, DMY); d.Question != nil {
			t.Errorf("%s: the question is still open", cells)
		}
		if d, ok := tab.Date(1, strings.Fields(cells)[0], false); !ok || d.String() != "2026-04-03" {
			t.Errorf("%s: %v", cells, d)
		}
	}
}

// TestPast: a two-digit year of a birth is never after the file's own dates, or the pivot that was given.
func TestPast(t *testing.T) {
	for _, tt := range []struct {
		name  string
		o     Options
		cells string
		in    string
		want  string
	}{
		{"DOB", Options{}, "3/14/80", "3/14/26", "2026-03-14"},
		{"DOB", Options{}, "3/14/80", "3/14/27", "1927-03-14"},
		{"DOB", Options{Pivot: 2031}, "3/14/80", "3/14/31", "2031-03-14"},
		{"DOB", Options{Pivot: 2031}, "3/14/80", "3/14/32", "1932-03-14"},
		{"Next visit", Options{}, "3/14/30", "3/14/32", "2032-03-14"},
		{"Visit date", Options{}, "3/14/2003 3/14/80", "3/14/04", "2004-03-14"},
	} {
		tab := table(t, tt.name, tt.o, strings.Fields(tt.cells)...)
		if d, _ := tab.Date(1, tt.in, false); d.String() != tt.want {
			t.Errorf("%s %s: %v, want %s", tt.name, tt.in, d, tt.want)
		}
	}
	// The mapping knows a birth date where the column's name does not say so.
	tab := table(t, "Visit date", Options{}, "3/14/2003", "3/14/80")
	if d, _ := tab.Date(1, "3/14/04", true); d.String() != "1904-03-14" {
		t.Errorf("%v is in the future of the file", d)
	}
}
