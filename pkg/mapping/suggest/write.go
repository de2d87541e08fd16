package suggest

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/chartpost/chartpost/pkg/mapping"
)

// Source is a table for which a mapping is written.
type Source struct {
	Name     string // of the file, for people
	Headers  []string
	Dates    string // mdy, dmy, ymd; empty: as the file says
	Proposal *Proposal
	Use      func(*Choice) bool // whether a choice that is not sure is used all the same
}

// Write is the text of a mapping for tables: with a head that says which of their columns are which of the known tables', and those rows
// of the known tables that read them. What is not sure is written as a comment; so are the columns that nobody knows. from is the mapping
// of the kinds. numbers, if not empty, is the system of the numbers that an office gives its patients: with it, the patient of every list is
// the same.
func Write(title, numbers string, from *mapping.File, sources []Source) ([]byte, error) {
	w, err := walkerOf(from)
	if err != nil {
		return nil, err
	}
	w.numbers = numbers
	head := &strings.Builder{}
	fmt.Fprintf(head, "name: %s\nversion: \"1\"\nmatches:\n  format: csv\n", yamlText(title))
	dates := sources[0].Dates
	if dates != "" && !slices.ContainsFunc(sources, func(s Source) bool { return s.Dates != dates }) {
		fmt.Fprintf(head, "options:\n  dates: %s\n", dates)
	}
	head.WriteString("files:\n")
	out := &mapping.File{Head: &mapping.Head{}}
	columns := map[string]map[string]bool{} // by kind: those that rows may name
	done := map[string]bool{}
	for _, s := range sources {
		kind := s.Proposal.Kind
		if done[kind.Name] {
			continue // a second file of the kind is read by the same entry, if it has the same columns
		}
		done[kind.Name] = true
		used, maybe := map[string][]string{}, map[string][]*Choice{}
		names := map[string]bool{}
		var must []string
		for _, other := range sources {
			if other.Proposal.Kind != kind {
				continue
			}
			for i := range other.Proposal.Choices {
				c := &other.Proposal.Choices[i]
				switch {
				case c.Known == nil:
				case c.Sure() || other.Use != nil && other.Use(c):
					if !slices.Contains(used[c.Known.Name], c.Column.Name) {
						used[c.Known.Name] = append(used[c.Known.Name], c.Column.Name)
					}
					names[c.Known.Name] = true
				default:
					maybe[c.Known.Name] = append(maybe[c.Known.Name], c)
				}
			}
		}
		for _, list := range kind.Needs { // by these columns the file is known again
			var have []string
			for _, k := range list {
				if names[k.Name] {
					have = append(have, k.Name)
				}
			}
			if len(have) > 0 && !slices.Contains(must, strings.Join(have, "|")) {
				must = append(must, strings.Join(have, "|"))
			}
		}
		if len(must) == 0 {
			for _, k := range kind.Columns {
				if names[k.Name] {
					must = append(must, k.Name)
				}
			}
		}
		fmt.Fprintf(head, "  %s:\n", kind.Name)
		fmt.Fprintf(head, "    headers: [%s]\n", strings.Join(must, ", "))
		builtin := from.Head.Files[kind.Name]
		if builtin.Record != "" && names[builtin.Record] {
			fmt.Fprintf(head, "    record: %s\n", builtin.Record)
		}
		for column, sep := range builtin.Split {
			if names[column] {
				fmt.Fprintf(head, "    split: {%s: '%s'}\n", column, sep)
			}
		}
		head.WriteString("    columns:\n")
		for _, k := range kind.Columns {
			if list := used[k.Name]; len(list) > 0 {
				quoted := make([]string, len(list))
				for i, n := range list {
					quoted[i] = yamlText(n)
				}
				fmt.Fprintf(head, "      %s: [%s]\n", k.Name, strings.Join(quoted, ", "))
			}
			for _, c := range maybe[k.Name] {
				fmt.Fprintf(head, "      # %s: [%s]  # not sure: %s\n", k.Name, yamlText(c.Column.Name), c.Why)
				if Normal(c.Column.Name) != Normal(k.Name) {
					names[k.Name] = true // with its row, so that one line has to be changed if the guess is right
				}
			}
		}
		columns[kind.Name] = names
	}
	out.Head.Raw = head.String()
	copied := map[string]bool{}
	for _, s := range sources {
		kind := s.Proposal.Kind
		if columns[kind.Name] == nil {
			continue
		}
		out.Items = append(out.Items, w.copies(kind.Name, columns, kind.Name, copied)...)
	}
	for _, s := range sources {
		var open []*Choice
		for i := range s.Proposal.Choices {
			if c := &s.Proposal.Choices[i]; c.Known == nil {
				open = append(open, c)
			}
		}
		if len(open) == 0 {
			continue
		}
		out.Items = append(out.Items, &mapping.Comment{}, &mapping.Comment{Text: "# No row reads these columns of " + oneLine(s.Name) + "; the ledger lists them as unmapped. Write a row for each that matters,"},
			&mapping.Comment{Text: "# or decline it: \"Shoe Size\"  -  not a health fact"})
		for _, c := range open {
			why := ""
			if c.Looks != nil && c.Looks.Telling {
				why = "  (it holds " + c.Looks.Name + ")"
			}
			out.Items = append(out.Items, &mapping.Comment{Text: "#   " + oneLine(c.Column.Name) + why})
		}
	}
	return mapping.Format(out), nil
}

// copies are the tables that read a row of a kind, without the rows of columns that are not there.
func (w *walker) copies(name string, columns map[string]map[string]bool, kind string, copied map[string]bool) []mapping.Item {
	var items []mapping.Item
	have := func(column string) bool {
		for _, names := range columns {
			if names[column] {
				return true
			}
		}
		return false
	}
	var live func(name string, seen []string) bool // some row of the table reads a column that is there
	live = func(name string, seen []string) bool {
		if slices.Contains(seen, name) {
			return false
		}
		for _, t := range w.tables[name] {
			for _, r := range w.rows[t] {
				switch {
				case r.Kind == mapping.MapRow && r.Place == ".":
					if w.tables[r.Type] == nil || live(r.Type, append(seen, name)) {
						return true
					}
				case r.Kind == mapping.MapRow && have(mapping.ColumnName(r.Place)):
					return true
				}
			}
		}
		return false
	}
	var copyTable func(name string)
	copyTable = func(name string) {
		if copied[name] {
			return
		}
		copied[name] = true
		var next []string
		for _, t := range w.tables[name] {
			x := &mapping.Table{Name: t.Name, Types: t.Types, Note: t.Note}
			chained := false // the row above, to which an else belongs, is there
			for _, r := range w.rows[t] {
				keep := r.Kind == mapping.ConstTarget || r.Kind == mapping.DeclineTarget
				if r.Kind == mapping.MapRow {
					if keep = have(mapping.ColumnName(r.Place)); r.Place == "." {
						keep = w.tables[r.Type] == nil || live(r.Type, nil)
					}
				}
				with, ok1 := tests(r.With, have)
				ifs, ok2 := tests(r.If, have)
				if !keep || !ok1 || !ok2 {
					chained = chained && r.Else
					continue
				}
				y := *r
				if w.numbers != "" {
					y.Target = strings.Replace(y.Target, ownNumber, "identifier[system='"+w.numbers+"',type=v2-0203#MR]", 1)
				}
				y.With, y.If = with, ifs
				y.Else = r.Else && chained
				chained = true
				x.Rows = append(x.Rows, &y)
				x.Lines = append(x.Lines, &y)
				if r.Place == "." && r.Kind == mapping.MapRow && w.tables[r.Type] != nil {
					next = append(next, r.Type)
				}
			}
			items = append(items, x)
		}
		for _, n := range next {
			copyTable(n)
		}
	}
	copyTable(name)
	return items
}

// ownNumber is how the known tables write the number that an office gives a patient.
const ownNumber = "identifier[type=v2-0203#MR]"

// tests leaves out tests of columns that are not there: they hold, or else ok is false and the row can never be taken.
func tests(list []string, have func(string) bool) (kept []string, ok bool) {
	for _, t := range list {
		no := strings.HasPrefix(t, "no ")
		column := strings.TrimPrefix(t, "no ")
		not := strings.Contains(column, "!=")
		if i := strings.IndexAny(column, "!="); i >= 0 {
			column = column[:i]
		}
		switch {
		case have(mapping.ColumnName(column)):
			kept = append(kept, t)
		case !no && !not:
			return nil, false
		}
	}
	return kept, true
}

// yamlText is a text as a scalar of YAML's flow style.
func yamlText(s string) string {
	plain := s != "" && strings.TrimSpace(s) == s
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f && r != 0xfeff && r != 0x85 && r != 0x2028 && r != 0x2029:
		case i > 0 && (r >= '0' && r <= '9' || r == '_' || r == ' ' || r == '-' || r == '.' || r == '/' || r == '(' || r == ')'):
		default:
			plain = false
		}
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "true", "false", "on", "off", "null":
		plain = false
	}
	if plain {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// oneLine is a text as a comment holds it.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
