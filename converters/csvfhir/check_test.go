package csvfhir

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// check checks a table in memory and gives the findings as lines, and the lists of rows.
func check(t *testing.T, s *Set, name, text string, o CheckOptions) (lines []string, sum Checked, lists map[string]string) {
	t.Helper()
	bufs := map[string]*bytes.Buffer{}
	o.Lists = func(table, list string) (io.Writer, error) {
		if table != name {
			t.Errorf("a list of %s", table)
		}
		bufs[list] = &bytes.Buffer{}
		return bufs[list], nil
	}
	if o.Run == nil {
		o.Run = &convert.Options{}
	}
	f := &convert.File{Name: name, Path: name, Size: int64(len(text)), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	sum, err := s.Check(f, o, func(f *diag.Finding) {
		lines = append(lines, fmt.Sprintf("%s %s | %s", f.ID, f.Place.Path, f.Message()))
	})
	if err != nil {
		t.Fatal(err)
	}
	lists = map[string]string{}
	for k, b := range bufs {
		lists[k] = b.String()
	}
	return lines, sum, lists
}

func TestCheckTables(t *testing.T) {
	s, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text, want string
	}{
		{"nothing is wrong", "MRN,Last Name,DOB\n1,Vale,1980-03-14\n", ""},
		{"a cell that is no date, a code that is none, a cell that looks wrong",
			"MRN,Last Name,DOB,PCP NPI,Email\n1,Vale,1980-03-14,1234567890,a@b.example\n2,Stone,unknown,1234567893,nobody\n3,Reed,1990-01-02,1234567893,c@b.example\n",
			"CP-CSV-083 row 2, column PCP NPI | column PCP NPI: the check digit of the NPI does not fit\nCP-CSV-082 row 3, column DOB | column DOB: not a date\n" +
				"CP-CSV-084 row 3, column Email | column Email: it does not look like an e-mail address"},
		{"missing columns come first and once", "MRN,Last Name,First Name\n1,Vale,Ann\n2,Stone,Bo\n", "CP-CSV-080  | as people of the mapping office the table lacks birth_date"},
		{"a blank where a row needs a value", "MRN,Vaccination Date,CVX,Lot\n1,2025-10-01,140,a\n2,2025-10-01,,b\n3,2025-10-02,140,c\n", "CP-CSV-085 row 3, column CVX | column CVX is blank"},
		{"the same row, and the same key with other values", "MRN,Last Name,DOB\n1,Vale,1980-03-14\n2,Stone,1975-12-25\n1,Vale,1980-03-14\n2,Stein,1975-12-25\n",
			"CP-CSV-086 row 4, as row 2 | a row is the same as one before it\nCP-CSV-087 row 5, as row 3 | a row has the key of another and says something else (MRN)"},
		{"unknown columns once", "MRN,Last Name,DOB,Colour\n1,Vale,1980-03-14,red\n2,Stone,1975-12-25,blue\n", "CP-CSV-051  | the table is read as people of office; columns that no row of the mapping knows: Colour"},
		{"nothing known", "Colour,Length\nred,1\n", "CP-CSV-050  | no mapping knows the columns of this table"},
	} {
		lines, _, _ := check(t, s, "list.csv", c.text, CheckOptions{})
		if got := strings.Join(lines, "\n"); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestCheckLists(t *testing.T) {
	s, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	text := "MRN;Last Name;DOB\n1;\"Vale; Ann\";1980-03-14\n2;Stone;soon\n1;\"Vale; Ann\";1980-03-14\n3;Reed;2001-07-04\n"
	_, sum, lists := check(t, s, "list.csv", text, CheckOptions{})
	if sum != (Checked{Tables: 1, Rows: 4, Good: 2, Bad: 1, Same: 1}) {
		t.Errorf("%+v", sum)
	}
	for list, want := range map[string]string{
		"good":      "MRN;Last Name;DOB\n1;\"Vale; Ann\";1980-03-14\n3;Reed;2001-07-04\n",
		"bad":       "row;reason;MRN;Last Name;DOB\n3;column DOB: not a date;2;Stone;soon\n",
		"duplicate": "row;reason;MRN;Last Name;DOB\n4;the same as row 2;1;\"Vale; Ann\";1980-03-14\n",
	} {
		if lists[list] != want {
			t.Errorf("%s:\n got %q\nwant %q", list, lists[list], want)
		}
	}
	// The list of the good is good.
	lines, sum, _ := check(t, s, "list.csv", lists["good"], CheckOptions{})
	if len(lines) > 0 || sum.Bad+sum.Same > 0 {
		t.Errorf("the good rows: %v %+v", lines, sum)
	}
}

// TestCheckOwn: against a mapping of one's own, what it knows and the table lacks is said too.
func TestCheckOwn(t *testing.T) {
	f, err := mapping.ParseFile("own.map", []byte("---\nname: Own\nmatches:\n  format: csv\nfiles:\n  dogs:\n    headers: [Tag, Born]\n    unique: Tag\n---\ntable dogs -> Patient\nTag   ST     identifier.value\nBorn  BIRTH  birthDate\nName  ST     name.text\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSet([]*mapping.File{f})
	if err != nil {
		t.Fatal(err)
	}
	lines, _, _ := check(t, s, "list.csv", "Tag,Born\n7,2020-01-01\n7,2021-01-01\n", CheckOptions{})
	want := "CP-CSV-081  | columns that the mapping knows are not in the table: Name\nCP-CSV-087 row 3, as row 2 | a row has the key of another and says something else (Tag)"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	lines, _, _ = check(t, s, "list.csv", "Tag,Name\n7,Rex\n", CheckOptions{})
	if got := strings.Join(lines, "\n"); got != "CP-CSV-080  | as dogs of the mapping Own the table lacks Born" {
		t.Errorf("got %s", got)
	}
}

// TestCheckLayout: against the columns of a view.
func TestCheckLayout(t *testing.T) {
	s, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	layouts := []Layout{
		{"people", []LayoutColumn{{"id", "id", false}, {"born", "date", false}, {"active", "boolean", false}, {"weight", "decimal", false}}},
		{"things", []LayoutColumn{{"colour", "string", false}}},
	}
	lines, sum, _ := check(t, s, "p.csv", "ID,Born,Active,Extra\na-1,2020-01-01,true,x\na 2,soon,maybe,y\na-3,2020-01-03,,z\n", CheckOptions{Layouts: layouts})
	want := "CP-CSV-080  | as people the table lacks weight\nCP-CSV-051  | columns that the view people has not: Extra\n" +
		"CP-CSV-033 row 3, column Born | 1 cell without a date in a column of dates\n" +
		"CP-CSV-088 row 3, column ID | column ID: it is no id\nCP-CSV-088 row 3, column Born | column Born: it is no date\nCP-CSV-088 row 3, column Active | column Active: it is no boolean"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if sum.Bad != 1 || sum.Good != 2 {
		t.Errorf("%+v", sum)
	}
}

// TestCheckWithoutValues: findings name places, not values (law 9).
func TestCheckWithoutValues(t *testing.T) {
	s, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	lines, _, lists := check(t, s, "list.csv", "MRN,Last Name,DOB,PCP NPI,Email,Home Phone\n1,SECRET,SECRET,SECRET,SECRET,SECRET\n1,SECRET,SECRET,SECRET,SECRET,\n2,x,1980-01-01,1234567893,a@b.example,\n3,x,1980-01-01,1234567893,a@b.example,\n", CheckOptions{})
	if len(lines) < 4 {
		t.Errorf("little was found: %v", lines)
	}
	for _, l := range lines {
		if strings.Contains(l, "SECRET") {
			t.Error(l)
		}
	}
	if !strings.Contains(lists["bad"], "SECRET") {
		t.Error("the list of bad rows lacks its rows")
	}
}
