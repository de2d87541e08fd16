package views_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/converters/views"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/sqlview"
)

// fill writes files into a folder of its own.
func fill(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tables converts a folder at one job and at three, and gives the files, the summary and the findings, which must be the same.
func tables(t *testing.T, f func() *convert.Format, dir string) (files map[string]string, sum *convert.Summary, finds []string) {
	t.Helper()
	for _, jobs := range []int{1, 3} {
		formats, err := converters.Formats(nil)
		if err != nil {
			t.Fatal(err)
		}
		sources, many, err := convert.Sources([]string{dir}, nil)
		if err != nil {
			t.Fatal(err)
		}
		to, out := f(), t.TempDir()
		var list []string
		o := &convert.Options{To: to.Name, Jobs: jobs, LedgerFull: true}
		job := &convert.Job{Formats: formats, To: to, Options: o, Sources: sources, Many: many, Out: out + "/", Ledger: filepath.Join(t.TempDir(), "ledger.json"),
			Report: func(f *diag.Finding) { list = append(list, fmt.Sprintf("%s %s %s", f.ID, f.Place.Path, f.Message())) }}
		if err := job.Prepare(); err != nil {
			t.Fatal(err)
		}
		s, err := job.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if x := s.Totals; x.Values != x.Carried+x.Folded+x.Declined+x.Unmapped+x.Invalid {
			t.Errorf("the ledger does not add up: %+v", x)
		}
		names, err := os.ReadDir(out)
		if err != nil {
			t.Fatal(err)
		}
		ledger, err := os.ReadFile(job.Ledger)
		if err != nil {
			t.Fatal(err)
		}
		if places := placeAt.FindAllString(string(ledger), -1); s.Totals.Records == 1 {
			slices.Sort(places)
			if n := len(places); n != len(slices.Compact(places)) {
				t.Errorf("%d places of the ledger, and some of them twice", n)
			}
		}
		got := map[string]string{}
		for _, n := range names {
			b, err := os.ReadFile(filepath.Join(out, n.Name()))
			if err != nil {
				t.Fatal(err)
			}
			got[n.Name()] = string(b)
		}
		if jobs > 1 {
			for name := range got {
				if got[name] != files[name] {
					t.Errorf("%s differs at %d jobs", name, jobs)
				}
			}
			if !slices.Equal(list, finds) || s.Totals != sum.Totals || s.LeftOut != sum.LeftOut {
				t.Errorf("at %d jobs %v %+v, at one %v %+v", jobs, list, s, finds, sum)
			}
		}
		files, sum, finds = got, s, list
	}
	return files, sum, finds
}

var placeAt = regexp.MustCompile(`"at":"[^"]*"`)

// columns are the cells of a table's rows in some columns.
func columns(t *testing.T, text string, names ...string) (rows []string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(all) == 0 {
		t.Fatalf("%v in %s", err, text)
	}
	for _, cells := range all[1:] {
		var row []string
		for _, name := range names {
			row = append(row, cells[slices.Index(all[0], name)])
		}
		rows = append(rows, strings.Join(row, "|"))
	}
	return rows
}

// message is an ADT^A08 of a time about one patient, with what stands in PID from PID-5 on and behind it.
func message(id, time, pid string, more ...string) string {
	return "MSH|^~\\&|SAMPLE|MAPLE|||" + time + "||ADT^A08^ADT_A01|" + id + "|P|2.5.1\rEVN|A08|" + time + "\rPID|1||EX-77^^^MAPLE^MR||" + pid + "\rPV1|1|O\r" +
		strings.Join(more, "")
}

// TestWholeRun: whatever the records are that speak of a patient, and in whatever order they come, he has one row with the latest of what they say.
func TestWholeRun(t *testing.T) {
	// The last in the folder is the first in time.
	messages := map[string]string{
		"1.hl7": message("M1", "20260302", "EXAMPLETON^FERN^||19810409|F|||9 OAK ST^^SAMPLETOWN", "AL1|1|DA|7980^PENICILLIN^RXNORM\r"),
		"2.hl7": message("M2", "20260301", "SAMPLE^FERN||19810409|F|||12 ELM ST^APT 3^^IL||^PRN^PH^^^555^5550142", "AL1|1|DA|7980^PENICILLIN^RXNORM\rAL1|2|DA|1191^ASPIRIN^RXNORM\r"),
		"3.hl7": message("M3", "20260303", "EXAMPLETON^FERN||||||||"),
	}
	format := func(to, set string) func() *convert.Format {
		return func() *convert.Format {
			list, _ := views.Named(set)
			f, err := views.Format(to, set, list, csvtab.Writing{})
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	files, _, finds := tables(t, format("csv", "patients"), fill(t, messages))
	// The name is that of the 2nd and 3rd of March, the address as a whole that of the 2nd, and the telephone number that of the 1st.
	if got, want := columns(t, files["patients.csv"], "mrn", "last_name", "birth_date", "address", "city", "state", "phone"), []string{"EX-77|EXAMPLETON|1981-04-09|9 OAK ST|SAMPLETOWN||555 5550142"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if want := "CP-CSV-115  1 resources of the view patients stand in several records; 3 of their values gave way to later ones"; !slices.Contains(finds, want) {
		t.Errorf("%q, want %q", finds, want)
	}
	files, _, _ = tables(t, format("csv", "summary"), fill(t, messages))
	// What two messages say in the same words under ids of their own is one allergy.
	if got, want := columns(t, files["summary.csv"], "last_name", "birth_date", "allergies", "allergy_count"), []string{"EXAMPLETON|1981-04-09|PENICILLIN; ASPIRIN|2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	files, _, _ = tables(t, format("ndjson", "summary"), fill(t, messages))
	if got := files["summary.ndjson"]; strings.Count(got, "\n") != 1 || !strings.Contains(got, `"last_name":"EXAMPLETON","first_name":"FERN","birth_date":"1981-04-09","sex":"female","deceased":null`) {
		t.Errorf("%s", got)
	}
	if files, _, _ = tables(t, format("xlsx", "summary"), fill(t, messages)); len(files["summary.xlsx"]) == 0 {
		t.Error("no workbook")
	}

	// An explicit null deletes: what was before it is not asked any more.
	messages["4.hl7"] = message("M4", "20260304", `EXAMPLETON^FERN||||||||""`)
	files, _, _ = tables(t, format("csv", "patients"), fill(t, messages))
	if got, want := columns(t, files["patients.csv"], "last_name", "birth_date", "phone"), []string{"EXAMPLETON||"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}

	// Two bundles: a condition is as the later says, although it comes first; both count.
	bundle := func(time, status string, more string) string {
		return `{"resourceType":"Bundle","type":"collection","timestamp":"` + time + `","entry":[{"resource":{"resourceType":"Patient","id":"p","gender":"female"}},
{"resource":{"resourceType":"Condition","id":"c","clinicalStatus":{"coding":[{"code":"` + status + `"}]},"subject":{"reference":"Patient/p"},"code":{"text":"Testitis"}}}` + more + `]}`
	}
	dir := fill(t, map[string]string{
		"a.json": bundle("2026-03-05T10:00:00Z", "resolved", `,{"resource":{"resourceType":"Condition","id":"d","subject":{"reference":"Patient/p"},"code":{"text":"Sampleosis"}}}`),
		"b.json": bundle("2026-03-01T10:00:00+01:00", "active", `,{"resource":{"resourceType":"Condition","id":"e","subject":{"reference":"Patient/p"},"code":{"text":"Exampleemia"}}}`)})
	files, sum, _ := tables(t, format("csv", "summary"), dir)
	if got, want := columns(t, files["summary.csv"], "id", "problems", "problem_count"), []string{"p|Exampleemia; Sampleosis|2"}; !slices.Equal(got, want) || sum.Totals.Records != 2 {
		t.Errorf("%q, want %q, %+v", got, want, sum)
	}
}

// TestResolve: a path that follows a reference finds what it leads to in the record, also where resources go one by one otherwise.
func TestResolve(t *testing.T) {
	dir := fill(t, map[string]string{"p.ndjson": `{"resourceType":"Patient","id":"p","birthDate":"1980-02-03","generalPractitioner":[{"reference":"Practitioner/d"}]}
{"resourceType":"Patient","id":"q","generalPractitioner":[{"reference":"Practitioner/d"}]}
{"resourceType":"Practitioner","id":"d","gender":"male"}
{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"}}
`})
	files, _, _ := tables(t, parsed(t, "csv", `[{"name":"c","resource":"Condition","select":[{"column":[{"name":"id","path":"id"},{"name":"born","path":"subject.resolve().ofType(Patient).birthDate"}]}]},
{"name":"d","resource":"Practitioner","select":[{"column":[{"name":"id","path":"id"}]}]}]`), dir)
	if files["c.csv"] != "id,born\nc,1980-02-03\n" || files["d.csv"] != "id\nd\n" {
		t.Errorf("%q", files)
	}
}

// one is a view of observations whose value must be one.
const one = `{"resourceType":"ViewDefinition","name":"one","resource":"Observation","select":[{"column":[{"name":"id","path":"id"},{"name":"code","path":"code.coding.code"}]},
{"forEach":"component","column":[{"name":"part","path":"code.coding.code"}]}]}`

func parsed(t *testing.T, to, text string) func() *convert.Format {
	return func() *convert.Format {
		list, finds := sqlview.Parse("v.json", "v", []byte(text))
		if len(list) == 0 {
			t.Fatal(finds)
		}
		f, err := views.Format(to, "v", list, csvtab.Writing{})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
}

// TestFailing: a view that fails on a resource of a bundle, be that held in memory or read in pieces, leaves out all its rows, also those that it
// gave before it failed, and says where; the rest goes on.
func TestFailing(t *testing.T) {
	for name, n := range map[string]int{"small": 20, "large": 9000} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString(`{"resourceType":"Bundle","type":"collection","entry":[`)
			bad, pad := n-7, ""
			if name == "large" { // enough to be read in pieces
				pad = strings.Repeat("x", 2000)
			}
			for i := range n {
				second := `{"code":{"coding":[{"code":"y"}]}}`
				if i == bad {
					second = `{"code":{"coding":[{"code":"y"},{"code":"z"}]}}`
				}
				if i > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, `{"resource":{"resourceType":"Observation","id":"o%d","status":"final","code":{"coding":[{"code":"c%d"}]},"note":[{"text":"note%s"}],"component":[{"code":{"coding":[{"code":"x"}]}},%s]}}`,
					i, i, pad, second)
			}
			b.WriteString(`]}`)
			files, sum, finds := tables(t, parsed(t, "csv", one), fill(t, map[string]string{"bundle.json": b.String()}))
			rows := strings.Split(strings.TrimSuffix(files["one.csv"], "\n"), "\n")
			if len(rows) != 2*(n-1)+1 || slices.ContainsFunc(rows, func(r string) bool { return strings.HasPrefix(r, fmt.Sprintf("o%d,", bad)) }) {
				t.Errorf("%d rows of %d resources", len(rows), n)
			}
			want := fmt.Sprintf("CP-CSV-112 Bundle.entry[%d].resource.component[1].code.coding[1].code the column part of the view one has 2 values for one row", bad)
			if !slices.Equal(finds, []string{want}) || sum.LeftOut != 1 || sum.Totals.Records != 1 || sum.Totals.Rejected != 0 {
				t.Errorf("%q, %+v, want %q", finds, sum, want)
			}
			// Of the bad one: id, code, and what stands in its components.
			if carried := 4 * (n - 1); sum.Totals.Carried != carried {
				t.Errorf("%d carried, want %d", sum.Totals.Carried, carried)
			}
		})
	}
}

// TestTooLong: what is too long for a cell of a workbook is left blank, told, and declined; the table is written.
func TestTooLong(t *testing.T) {
	long := strings.Repeat("x", 40_000)
	dir := fill(t, map[string]string{"o.json": `{"resourceType":"Bundle","type":"collection","entry":[
{"resource":{"resourceType":"Observation","id":"a","status":"final","code":{"text":"c"},"valueString":"` + long + `"}},
{"resource":{"resourceType":"Observation","id":"b","status":"final","code":{"text":"c"},"valueString":"short"}}]}`})
	const view = `{"resourceType":"ViewDefinition","name":"v","resource":"Observation","select":[{"column":[{"name":"id","path":"id"},{"name":"v","path":"value.ofType(string)"}]}]}`
	for name, f := range map[string]func() *convert.Format{"v": parsed(t, "xlsx", view), "flat": func() *convert.Format { return views.Flat("xlsx", csvtab.Writing{}) }} {
		files, sum, finds := tables(t, f, dir)
		if len(finds) != 1 || !strings.HasPrefix(finds[0], "CP-CSV-045 Bundle.entry[0].resource") || sum.LeftOut != 1 {
			t.Errorf("%s: %q %+v", name, finds, sum)
		}
		book, err := csvtab.Open("x.xlsx", csvtab.Bytes([]byte(files[name+".xlsx"])), csvtab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for row, err := range book.Tables[0].Rows() {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, row.Cells[0].Text)
		}
		if !slices.Equal(ids, []string{"a", "b"}) {
			t.Errorf("%s: rows %q", name, ids)
		}
		if err := book.Close(); err != nil {
			t.Error(err)
		}
		if want := map[string]int{"v": 3, "flat": 7}[name]; sum.Totals.Carried != want {
			t.Errorf("%s: %d carried, want %d", name, sum.Totals.Carried, want)
		}
	}
	files, _, finds := tables(t, parsed(t, "csv", view), dir)
	if len(finds) != 0 || !bytes.Contains([]byte(files["v.csv"]), []byte(long)) {
		t.Error("a CSV has cells of any length")
	}
}
