package mapping_test

import (
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/tree"
)

// Three kinds of tree for the engine's own tests, as plain as they can be: the engine must not grow round one format.

// er7Tree reads segments, a line each; lines indented by two blanks more than a line above without | are in its group.
var er7Tree = &tree.Format{Name: "er7", Steps: ".-", Self: "1", Null: `""`, Place: func(d *tree.Doc, n tree.Node) string {
	s := d.Name(n)
	if d.Ordinal(n) > 1 {
		s += fmt.Sprintf("[%d]", d.Ordinal(n))
	}
	for p := d.Parent(n); p != tree.Root && p != 0; p = d.Parent(p) {
		name := d.Name(p)
		if d.Ordinal(p) > 1 {
			name += fmt.Sprintf("[%d]", d.Ordinal(p))
		}
		sep := "."
		if len(name) >= 3 && name[0] >= 'A' {
			sep = "-"
		}
		s = name + sep + s
		if sep == "-" {
			break
		}
	}
	return s
}}

func parseER7(text string) *tree.Doc {
	d := tree.New(er7Tree, 64)
	stack := []tree.Node{tree.Root}
	seen := map[string]int{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			continue
		}
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		line = strings.TrimLeft(line, " ")
		stack = stack[:depth+1]
		parent := stack[depth]
		if !strings.Contains(line, "|") {
			stack = append(stack, d.Add(parent, line, ""))
			continue
		}
		fields := strings.Split(line, "|")
		seg := d.Add(parent, fields[0], "")
		seen[fields[0]]++
		d.SetOrdinal(seg, seen[fields[0]])
		for i, f := range fields[1:] {
			if f == "" {
				continue
			}
			for rep := range strings.SplitSeq(f, "~") {
				split(d, seg, strconv.Itoa(i+1), rep, "^&")
			}
		}
	}
	return d
}

func split(d *tree.Doc, parent tree.Node, name, text, seps string) {
	if seps == "" || !strings.ContainsAny(text, seps) {
		d.Add(parent, name, text)
		return
	}
	n := d.Add(parent, name, "")
	for i, part := range strings.Split(text, seps[:1]) {
		if part != "" {
			split(d, n, strconv.Itoa(i+1), part, seps[1:])
		}
	}
}

func printER7(d *tree.Doc) string {
	var b strings.Builder
	var walk func(n tree.Node, depth int)
	walk = func(n tree.Node, depth int) {
		for k := d.First(n); k != 0; k = d.Next(k) {
			if d.Empty(k) {
				continue
			}
			if isNumber(d.Name(d.First(k))) {
				fmt.Fprintf(&b, "%s%s|%s\n", strings.Repeat("  ", depth), d.Name(k), joinParts(d, k, "|^&"))
				continue
			}
			fmt.Fprintf(&b, "%s%s\n", strings.Repeat("  ", depth), d.Name(k))
			walk(k, depth+1)
		}
	}
	walk(tree.Root, 0)
	return b.String()
}

func isNumber(s string) bool { _, err := strconv.Atoi(s); return err == nil }

func joinParts(d *tree.Doc, n tree.Node, seps string) string {
	if d.First(n) == 0 {
		return d.Text(n)
	}
	var parts []string
	for k := d.First(n); k != 0; k = d.Next(k) {
		i, _ := strconv.Atoi(d.Name(k))
		for len(parts) < i {
			parts = append(parts, "")
		}
		text := joinParts(d, k, seps[1:])
		if parts[i-1] != "" && seps[0] == '|' {
			text = parts[i-1] + "~" + text
		}
		parts[i-1] = text
	}
	return strings.Join(parts, seps[:1])
}

// xmlTree reads elements and attributes.
var xmlTree = &tree.Format{Name: "xml", Steps: "/", Place: func(d *tree.Doc, n tree.Node) string {
	s := ""
	for ; n != tree.Root && n != 0; n = d.Parent(n) {
		step := "/" + d.Name(n)
		if d.Ordinal(n) > 1 {
			step += fmt.Sprintf("[%d]", d.Ordinal(n))
		}
		s = step + s
	}
	return s
}}

func parseXML(text string) *tree.Doc {
	d := tree.New(xmlTree, 64)
	dec := xml.NewDecoder(strings.NewReader(text))
	at := tree.Root
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return d
		} else if err != nil {
			panic(err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			nth := 1
			for k := d.First(at); k != 0; k = d.Next(k) {
				if d.Name(k) == tok.Name.Local {
					nth++
				}
			}
			at = d.Add(at, tok.Name.Local, "")
			d.SetOrdinal(at, nth)
			for _, a := range tok.Attr {
				name := a.Name.Local
				if a.Name.Space != "" {
					name = a.Name.Space + ":" + name
				}
				d.Add(at, "@"+name, a.Value)
			}
		case xml.EndElement:
			at = d.Parent(at)
		case xml.CharData:
			if s := strings.TrimSpace(string(tok)); s != "" {
				d.SetText(at, s)
			}
		}
	}
}

func printXML(d *tree.Doc) string {
	var b strings.Builder
	var walk func(n tree.Node, depth int)
	walk = func(n tree.Node, depth int) {
		if d.Empty(n) {
			return
		}
		pad := strings.Repeat("  ", depth)
		var attrs []string
		kids := false
		for k := d.First(n); k != 0; k = d.Next(k) {
			if strings.HasPrefix(d.Name(k), "@") {
				attrs = append(attrs, fmt.Sprintf(" %s=%q", d.Name(k)[1:], d.Text(k)))
			} else {
				kids = true
			}
		}
		slices.Sort(attrs)
		b.WriteString(pad + "<" + d.Name(n) + strings.Join(attrs, ""))
		if !kids && d.Text(n) == "" {
			b.WriteString("/>\n")
			return
		}
		if !kids {
			b.WriteString(">" + d.Text(n) + "</" + d.Name(n) + ">\n")
			return
		}
		b.WriteString(">\n")
		for k := d.First(n); k != 0; k = d.Next(k) {
			if !strings.HasPrefix(d.Name(k), "@") {
				walk(k, depth+1)
			}
		}
		b.WriteString(pad + "</" + d.Name(n) + ">\n")
	}
	for k := d.First(tree.Root); k != 0; k = d.Next(k) {
		walk(k, 0)
	}
	return b.String()
}

// csvTree is one row of a CSV file with its header.
var csvTree = &tree.Format{Name: "csv", Place: func(d *tree.Doc, n tree.Node) string { return "row 2, column " + d.Name(n) }}

func parseCSV(text string) *tree.Doc {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		panic(err)
	}
	d := tree.New(csvTree, 16)
	for i, name := range rows[0] {
		d.Add(tree.Root, name, rows[1][i])
	}
	return d
}

func printCSV(d *tree.Doc) string {
	var b strings.Builder
	for k := d.First(tree.Root); k != 0; k = d.Next(k) {
		if d.Text(k) != "" {
			fmt.Fprintf(&b, "%s: %s\n", d.Name(k), d.Text(k))
		}
	}
	return b.String()
}
