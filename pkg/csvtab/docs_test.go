package csvtab_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	. "github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
)

// TestDocs reads every example of docs/csv.md and compares it with what stands beside it.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testshared.Root(), "docs", "csv.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`CP-CSV-\d+`).FindAllString(string(page), -1) {
		if diag.ID(m).Entry().Why == "" {
			t.Errorf("%s is no finding", m)
		}
	}
	ran := map[string]int{}
	section := ""
	for line := range strings.Lines(string(page)) {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(name)
		}
		if !strings.HasPrefix(line, "| `") || section != "Cells" && section != "Dates" {
			continue
		}
		ran[section]++
		cols := strings.Split(line, "|")[1:4]
		for i := range cols {
			cols[i] = strings.TrimSpace(cols[i])
		}
		if section == "Dates" {
			tab := table(t, "DOB", Options{}, strings.Split(strings.Trim(cols[0], "`"), "` `")...)
			d := tab.Columns[1].Dates
			ask := ""
			if d.Question != nil {
				ask = string(d.Question.ID)
			}
			if order := string(d.Order + d.Compact); order != cols[1] || ask != cols[2] {
				t.Errorf("%s: read as %q, asks %q", line, order, ask)
			}
			continue
		}
		in := strings.Trim(cols[0], "`")
		f, err := Open("t.csv", Bytes([]byte("Id,Member ID,Last\n1,"+in+",x\n2,y,z\n")), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for r, err := range f.Tables[0].Rows() {
			if err != nil {
				t.Fatal(err)
			}
			c := r.Cells[1]
			got := "`" + c.Text + "`"
			if c.Is&IsDamaged != 0 {
				got += ", damaged"
			}
			if c.Is&IsError != 0 {
				got = "missing"
			}
			if got != cols[1] {
				t.Errorf("%s: read as %s", line, got)
			}
			break
		}
		var ids []string
		for _, x := range f.All() {
			ids = append(ids, string(x.ID))
		}
		if want := slices.DeleteFunc(cols[2:], func(s string) bool { return s == "" }); !slices.Equal(ids, want) {
			t.Errorf("%s: findings %v", line, ids)
		}
	}
	if ran["Cells"] < 10 || ran["Dates"] < 6 {
		t.Errorf("%v examples", ran)
	}
}
