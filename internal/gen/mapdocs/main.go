// Command mapdocs writes docs/mappings: a page for each mapping file under converters, its rows and codes as tables.
//
//	go run ./internal/gen/mapdocs
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/mapping"
)

func main() {
	log.SetFlags(0)
	root := testshared.Root()
	if root == "" {
		log.Fatal("mapdocs: run it within the repository")
	}
	pages, err := build(os.DirFS(filepath.Join(root, "converters")))
	if err != nil {
		log.Fatal(err)
	}
	if err := update(filepath.Join(root, "docs", "mappings"), pages); err != nil {
		log.Fatal(err)
	}
}

// update makes a folder hold the pages and no other .md files.
func update(dir string, pages map[string][]byte) error {
	have, err := existing(dir)
	if err != nil {
		return err
	}
	for name := range have {
		if pages[name] == nil {
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
				return err
			}
		}
	}
	for name, text := range pages {
		if bytes.Equal(have[name], text) {
			continue
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// existing reads the pages that are there.
func existing(dir string) (map[string][]byte, error) {
	pages := map[string][]byte{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err):
			return nil
		case err != nil:
			return err
		case d.IsDir() || filepath.Ext(name) != ".md":
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		pages[filepath.ToSlash(rel)], err = os.ReadFile(name)
		return err
	})
	return pages, err
}

// source is one mapping file with the name of its page.
type source struct {
	folder, name string // v2fhir, pid
	file         *mapping.File
}

// formats says what the folders of converters hold, and what their places are called.
var formats = map[string]struct{ title, place string }{
	"v2fhir":   {"HL7 v2", "HL7 v2"},
	"ccdafhir": {"C-CDA", "C-CDA"},
	"csvfhir":  {"CSV", "column"},
}

// build makes the pages of the mapping files in the folders of fsys, by name.
func build(fsys fs.FS) (map[string][]byte, error) {
	names, err := fs.Glob(fsys, "*/*.map")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var srcs []source
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		f, err := mapping.ParseFile(path.Base(name), text)
		if err != nil {
			return nil, err
		}
		srcs = append(srcs, source{path.Dir(name), strings.TrimSuffix(path.Base(name), ".map"), f})
	}
	pages := map[string][]byte{}
	var index bytes.Buffer
	index.WriteString("# The mappings\n\nWhat each format's rows say, one page for each mapping file, made from the files by internal/gen/mapdocs. " +
		"[The row language](../rows.md) explains the words; `chartpost explain PID-8` shows the rows of one place.\n")
	folder := ""
	for _, s := range srcs {
		if s.folder != folder {
			folder = s.folder
			fmt.Fprintf(&index, "\n## %s\n\n| file | rows | codes | what it holds |\n|---|---:|---:|---|\n", cmp.Or(formats[folder].title, folder))
		}
		p := page{links: linksOf(srcs, s), source: s}
		pages[path.Join(s.folder, s.name+".md")] = p.make()
		fmt.Fprintf(&index, "| [%s.map](%s/%s.md) | %s | %s | %s |\n", s.name, s.folder, s.name, number(p.rows), number(p.codes), strings.Join(p.names, ", "))
	}
	pages["README.md"] = index.Bytes()
	return pages, nil
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// linksOf says where the tables and codes that the rows of a source name are described.
func linksOf(srcs []source, from source) map[string]string {
	links := map[string]string{}
	for _, s := range srcs {
		if s.folder != from.folder {
			continue
		}
		at := s.name + ".md"
		if s.name == from.name {
			at = ""
		}
		for _, x := range s.file.Items {
			name := ""
			switch x := x.(type) {
			case *mapping.Table:
				name = x.Name
			case *mapping.Codes:
				name = x.Name
			}
			if name != "" && links[name] == "" {
				links[name] = at + "#" + anchor(name)
			}
		}
	}
	return links
}

func anchor(name string) string { return strings.ToLower(name) }

// page makes one page.
type page struct {
	source
	links map[string]string

	b           bytes.Buffer
	anchors     map[string]bool
	names       []string
	rows, codes int
	inTable     bool // the last line was one of a table of the page
}

func (p *page) make() []byte {
	p.anchors = map[string]bool{}
	fmt.Fprintf(&p.b, "<!-- Made from converters/%s/%s.map by internal/gen/mapdocs. DO NOT EDIT. -->\n# %s.map\n", p.folder, p.name, p.name)
	var para []string
	flush := func() {
		if len(para) > 0 {
			fmt.Fprintf(&p.b, "\n%s\n", strings.Join(para, "\n"))
		}
		para = nil
	}
	systems := false
	for i, x := range p.file.Items {
		if _, is := x.(*mapping.System); !is {
			systems = false
		}
		switch x := x.(type) {
		case *mapping.Comment:
			if x.Text == "" {
				flush()
			} else {
				para = append(para, prose(x.Text))
			}
		case *mapping.System:
			flush()
			if !systems {
				p.b.WriteString("\n| system | URI |\n|---|---|\n")
				systems = true
			}
			fmt.Fprintf(&p.b, "| %s | `%s` |\n", code(x.Name), x.URI)
		case *mapping.Let:
			flush()
			fmt.Fprintf(&p.b, "\n`$%s` stands for %s.\n", x.Name, code(x.Place))
		case *mapping.Table:
			names := x.Names()
			if names == nil {
				continue // it stands below the heading of the first of its block
			}
			// A comment right above the table stands below its heading.
			p.heading(strings.Join(names, ", ")+" -> "+strings.Join(x.Types, ", "), names...)
			flush()
			p.table(x)
		case *mapping.Codes:
			p.heading("codes "+x.Name, x.Name)
			flush()
			p.codesOf(x)
		}
		if i == len(p.file.Items)-1 {
			flush()
		}
	}
	return p.b.Bytes()
}

func (p *page) heading(text string, names ...string) {
	p.b.WriteByte('\n')
	for _, name := range names {
		if !p.anchors[name] {
			p.anchors[name] = true
			p.names = append(p.names, name)
			fmt.Fprintf(&p.b, "<a id=\"%s\"></a>\n", anchor(name))
		}
	}
	fmt.Fprintf(&p.b, "## %s\n", text)
}

func (p *page) table(t *mapping.Table) {
	if t.Note != "" {
		fmt.Fprintf(&p.b, "\n%s\n", escape(t.Note))
	}
	p.inTable = false
	for _, x := range t.Lines {
		switch x := x.(type) {
		case *mapping.Comment:
			if x.Text != "" {
				p.between(prose(x.Text))
			}
		case *mapping.Row:
			p.rows++
			p.begin("| " + cmp.Or(formats[p.folder].place, "source") + " | type | FHIR | when | note |\n|---|---|---|---|---|\n")
			p.row(t, x)
		}
	}
}

// begin begins a table of the page, if none is open.
func (p *page) begin(head string) {
	if !p.inTable {
		p.b.WriteString("\n" + head)
	}
	p.inTable = true
}

// between is a comment between rows.
func (p *page) between(text string) {
	if p.inTable {
		p.b.WriteByte('\n')
	} else if !bytes.HasSuffix(p.b.Bytes(), []byte("\n\n")) {
		p.b.WriteByte('\n')
	}
	p.b.WriteString(text + "\n")
	p.inTable = false
}

func (p *page) row(t *mapping.Table, r *mapping.Row) {
	place := code(r.Place)
	typ := p.typ(r)
	target := code(r.Target)
	switch r.Kind {
	case mapping.DeclineSource:
		typ, target = "", "*not taken over*"
	case mapping.DeclineTarget:
		place, typ = "*not taken over*", ""
	case mapping.ConstTarget:
		place = code("'" + r.Literal + "'")
	case mapping.ConstSource:
		target = code("'" + r.Literal + "'")
	}
	if r.Else {
		place = "else " + place
	}
	var when []string
	if len(r.With) > 0 {
		when = append(when, "with "+code(strings.Join(r.With, " and ")))
	}
	if len(r.If) > 0 {
		when = append(when, "if "+code(strings.Join(r.If, " and ")))
	}
	note := escape(r.Note)
	switch r.Direction {
	case mapping.Forward:
		note = "to FHIR only: " + note
	case mapping.Backward:
		note = "from FHIR only: " + note
	}
	fmt.Fprintf(&p.b, "| %s | %s | %s | %s | %s |\n", place, typ, target, strings.Join(when, " "), note)
}

// typ is the row's type, which leads to where it is described.
func (p *page) typ(r *mapping.Row) string {
	link := func(name string) string {
		if at := p.links[name]; at != "" {
			return "[" + escape(name) + "](" + at + ")"
		}
		return escape(name)
	}
	s := link(r.Type)
	if r.Arg != "" {
		s += "(" + escape(r.Arg) + ")"
	}
	if r.Codes != "" {
		s += " + " + link(r.Codes)
	}
	if r.Each {
		s += ", each"
	}
	return s
}

func (p *page) codesOf(c *mapping.Codes) {
	if c.Note != "" {
		fmt.Fprintf(&p.b, "\n%s\n", escape(c.Note))
	}
	if c.System != "" || c.From != "" {
		p.b.WriteString("\n")
		if c.From != "" {
			fmt.Fprintf(&p.b, "From %s. ", code(c.From))
		}
		if c.System != "" {
			fmt.Fprintf(&p.b, "To %s.", code(c.System))
		}
		p.b.WriteString("\n")
	}
	p.inTable = false
	for _, x := range c.Lines {
		switch x := x.(type) {
		case *mapping.Comment:
			if x.Text != "" {
				p.between(prose(x.Text))
			}
		case *mapping.Code:
			p.codes++
			p.begin("| code | FHIR | note |\n|---|---|---|\n")
			to, note := code(x.To), escape(x.Note)
			switch {
			case x.Declined:
				to = "*no counterpart*"
			case x.Direction == mapping.Forward:
				note = "to FHIR only: " + note
			case x.Direction == mapping.Backward:
				note = "from FHIR only: " + note
			}
			fmt.Fprintf(&p.b, "| %s | %s | %s |\n", code(x.From), to, note)
		}
	}
}

// code is text in code style, as it may stand in a table.
func code(s string) string {
	if s == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 || strings.HasPrefix(s, "`") {
		s = " " + s + " "
	}
	return fence + strings.ReplaceAll(s, "|", `\|`) + fence
}

// escape is text in which nothing is markup.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`, "]", `\]`).Replace(s)
}

// prose is a comment's text without its #.
func prose(s string) string { return escape(strings.TrimSpace(strings.TrimLeft(s, "#"))) }
