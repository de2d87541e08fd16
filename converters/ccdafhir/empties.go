package ccdafhir

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// An element that says nothing is still there: C-CDA demands many elements and is content with <effectiveTime/>. Such elements are no
// values, so no row reads them; they are kept by name with the statement, section or document that holds them, and come back empty.
//
//	effectiveTime                        <effectiveTime/>
//	effectiveTime(low,high)              <effectiveTime><low/><high/></effectiveTime>
//	author[2]/assignedAuthor/addr/city   below what is not empty, the second author
//	id[2]                                the second id
//	value@PQ                             <value xsi:type="PQ"/>

const emptyURL = ownExtensions + "empty"

// keepsEmpties are the elements whose tables have a row EMPTY: what is empty below them is not their holder's.
func keepsEmpties(name string) bool {
	switch name {
	case "ClinicalDocument", "patientRole", "section", "act", "observation", "procedure", "encounter", "organizer", "supply", "substanceAdministration":
		return true
	}
	return false
}

func readEmpties(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d := c.Doc
	var names []string
	var walk func(k tree.Node)
	walk = func(k tree.Node) {
		for ; k != 0; k = d.Next(k) {
			name := d.Name(k)
			switch {
			case name[0] == '@':
			case strings.Contains(name, ":") && !strings.HasPrefix(name, "sdtc:"): // nobody would bind its prefix
			case blank(c, k):
				names = append(names, pathBelow(d, n, k)+shape(c, k))
			case d.First(k) == 0 || keepsEmpties(name):
			default:
				walk(d.First(k))
			}
		}
	}
	walk(d.First(n))
	for _, s := range names {
		extend(dst, textExtension(emptyURL, s))
	}
	return len(names) > 0
}

// blank reports an element that says nothing: without text and attributes but its type, and what it holds says nothing either. Neither
// does a time or a language that is none: the ledger has it as invalid, and the element remains.
func blank(c *mapping.Context, n tree.Node) bool {
	d := c.Doc
	if d.Text(n) != "" {
		return false
	}
	for k := d.First(n); k != 0; k = d.Next(k) {
		switch name := d.Name(k); {
		case name[0] != '@':
			if !blank(c, k) {
				return false
			}
		case d.Text(k) == "" || name == "@xsi:type" && d.Name(n) == "value":
		case name == "@value" && d.State(k) < tree.Folded && isTime(d.Name(n)):
			if _, err := hl7.ParseMoment(d.Text(k), false); err == nil {
				return false
			}
		case name == "@code" && d.Name(n) == "languageCode" && d.State(k) < tree.Folded:
		default:
			return false
		}
	}
	return true
}

func isTime(name string) bool {
	return name == "low" || name == "high" || name == "center" || name == "time" || strings.HasSuffix(name, "Time")
}

// pathBelow is the way from n to k.
func pathBelow(d *tree.Doc, n, k tree.Node) string {
	if d.Parent(k) == n {
		return nth(d, k)
	}
	return pathBelow(d, n, d.Parent(k)) + "/" + nth(d, k)
}

// nth is an element's name and, from the second of that name on, which of them it is.
func nth(d *tree.Doc, n tree.Node) string {
	i := 1
	for k := d.First(d.Parent(n)); k != n; k = d.Next(k) {
		if d.Name(k) == d.Name(n) {
			i++
		}
	}
	if i == 1 {
		return d.Name(n)
	}
	return d.Name(n) + "[" + strconv.Itoa(i) + "]"
}

// shape is what of an empty element there is beside its name.
func shape(c *mapping.Context, n tree.Node) string {
	d := c.Doc
	s := ""
	var below []string
	for k := d.First(n); k != 0; k = d.Next(k) {
		switch {
		case d.Name(k)[0] != '@':
			below = append(below, d.Name(k)+shape(c, k))
		case d.Name(k) == "@xsi:type" && d.Text(k) != "":
			s = "@" + d.Text(k)
			c.Carry(k)
		}
	}
	if below != nil {
		s += "(" + strings.Join(below, ",") + ")"
	}
	return s
}

func writeEmpties(c *mapping.Context, src proto.Message, n tree.Node) bool {
	list := extensions(src)
	if list == nil {
		return false
	}
	any := false
	for _, x := range *list {
		s := x.GetValue().GetStringValue().GetValue()
		if x.GetUrl().GetValue() != emptyURL || !addEmpty(c.Doc, n, s) {
			continue
		}
		c.Claim(x)
		any = true
	}
	return any
}

// addEmpty makes the element that a path names, unless the elements around it are not there. It reports whether it is there.
func addEmpty(d *tree.Doc, n tree.Node, s string) bool {
	for {
		step, rest, more := strings.Cut(s, "/")
		if !more {
			break
		}
		name, i := ordinalOf(step)
		if n = nthChild(d, n, name, i); n == 0 {
			return false
		}
		s = rest
	}
	head, inner, _ := strings.Cut(s, "(")
	step, typ, _ := strings.Cut(head, "@")
	name, i := ordinalOf(step)
	if !isName(name) || typ != "" && !isName(typ) {
		return false
	}
	if nthChild(d, n, name, i) != 0 {
		return true // something stands there, which is better than nothing
	}
	k := d.Add(n, name, "")
	if typ != "" {
		d.Add(k, "@xsi:type", typ)
	}
	ccda.Keep(d, k)
	for _, below := range parts(strings.TrimSuffix(inner, ")")) {
		addEmptyBelow(d, k, below)
	}
	return true
}

// parts are what commas separate outside of brackets.
func parts(s string) (list []string) {
	depth, from := 0, 0
	for i := range len(s) {
		switch {
		case s[i] == '(':
			depth++
		case s[i] == ')':
			depth--
		case s[i] == ',' && depth == 0:
			list = append(list, s[from:i])
			from = i + 1
		}
	}
	if from < len(s) {
		list = append(list, s[from:])
	}
	return list
}

// addEmptyBelow is addEmpty for what stands within an empty element: each time anew.
func addEmptyBelow(d *tree.Doc, n tree.Node, s string) {
	name, _, _ := strings.Cut(s, "(")
	name, _, _ = strings.Cut(name, "@")
	i := 1
	for nthChild(d, n, name, i) != 0 {
		i++
	}
	addEmpty(d, n, name+"["+strconv.Itoa(i)+"]"+s[len(name):])
}

func ordinalOf(step string) (name string, i int) {
	name, number, found := strings.Cut(strings.TrimSuffix(step, "]"), "[")
	if i, err := strconv.Atoi(number); found && err == nil && i > 0 {
		return name, i
	}
	return name, 1
}

func nthChild(d *tree.Doc, n tree.Node, name string, i int) tree.Node {
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k) == name {
			if i--; i == 0 {
				return k
			}
		}
	}
	return 0
}

// isName reports a name of CDA's: FHIR that others have edited makes no elements of other kinds.
func isName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != ':' && r != '_' && (r < '0' || r > '9') {
			return false
		}
	}
	return s != "" && (s[0] > '9')
}
