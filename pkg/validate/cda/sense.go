package cda

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file has what neither the schema nor the guides can say: whether links lead somewhere, and whether what is said makes sense.

// reference is a link to an ID, which may stand anywhere in the document.
type reference struct {
	to     string
	what   string // what refers
	n      tree.Node
	within tree.Node // the narrative that it stands in, and its place there
	offset int
}

// identify keeps the IDs of a document. The schema allows each once.
func (c *checker) identify(id string, n tree.Node) {
	id = strings.Trim(id, " \t\r\n")
	if c.ids[id] {
		c.find(schemaTwice, n, "").WithValue(id)
	}
	c.ids[id] = true
}

// links gathers the references of a narrative.
func (c *checker) links(d *tree.Doc) {
	for n := tree.Root + 1; int(n) <= d.Len(); n++ {
		refs := ""
		switch d.Name(n) {
		case "linkHtml":
			refs, _ = strings.CutPrefix(attribute(d, n, "@href"), "#")
			if refs == attribute(d, n, "@href") {
				continue
			}
		case "footnoteRef":
			refs = attribute(d, n, "@IDREF")
		case "renderMultiMedia":
			refs = attribute(d, n, "@referencedObject")
		case "td", "th":
			refs = attribute(d, n, "@headers")
		default:
			continue
		}
		for id := range strings.FieldsSeq(refs) {
			c.refs = append(c.refs, reference{id, d.Name(n), 0, c.within, c.base + d.Offset(n)})
		}
	}
}

// resolve reports references to IDs that are not there.
func (c *checker) resolve() {
	for _, r := range c.refs {
		if c.ids[r.to] {
			continue
		}
		if r.within == 0 {
			c.find(linkNowhere, r.n, fmt.Sprintf("%s refers to text with an ID that is not in the document", r.what)).WithValue(r.to)
			continue
		}
		f := c.find(linkNowhere, r.within, fmt.Sprintf("%s in the narrative refers to an ID that is not in the document", r.what)).WithValue(r.to)
		f.Place.Line, f.Place.Column = c.doc.Position(r.offset)
	}
}

// sense looks at each element by itself.
func (c *checker) sense() {
	d := c.doc.Doc
	patients := 0
	for n := tree.Root + 1; int(n) <= d.Len(); n++ {
		name := d.Name(n)
		if name[0] == '@' {
			continue
		}
		switch name {
		case "recordTarget":
			if patients++; patients == 2 {
				c.find(twoPatients, n, "the document is about more than one patient: it has more than one recordTarget")
			}
		case "reference":
			v := attribute(d, n, "@value")
			if id, ok := strings.CutPrefix(v, "#"); ok && id != "" && c.refersToText(n) {
				c.refs = append(c.refs, reference{id, "reference", n, 0, 0})
			}
		case "id", "templateId", "setId":
			if d.Below(n)&roots == 0 || d.Child(n, "@root") == 0 {
				if d.Child(n, "@nullFlavor") == 0 {
					c.find(idWithout, n, name+" has neither a root nor a nullFlavor")
				}
			}
		}
		below := d.Below(n)
		if below&nulls != 0 && d.Child(n, "@nullFlavor") != 0 {
			for _, v := range [...]string{"@value", "@code"} {
				if k := d.Child(n, v); k != 0 && d.Text(k) != "" {
					c.find(nullAndValue, n, name+" has a nullFlavor and "+v[1:])
				}
			}
		}
		if below&codes1 != 0 {
			c.code(n)
		}
		if below&lows != 0 && below&highs != 0 {
			c.interval(n)
		}
	}
}

var (
	roots  = tree.NamesOf("@root")
	nulls  = tree.NamesOf("@nullFlavor")
	codes1 = tree.NamesOf("@code")
	lows   = tree.NamesOf("low")
	highs  = tree.NamesOf("high")
)

// refersToText reports whether a reference is one into the narrative: that of a text, or of the original text of a code.
func (c *checker) refersToText(n tree.Node) bool {
	p := c.doc.Parent(n)
	name := c.doc.Name(p)
	return name == "originalText" || name == "text" && !ccda.IsNarrative(c.doc.Doc, p) || name == "value"
}

// interval reports an interval of time that ends before it begins.
func (c *checker) interval(n tree.Node) {
	d := c.doc.Doc
	low, high := d.Child(n, "low"), d.Child(n, "high")
	if low == 0 || high == 0 {
		return
	}
	a, b := attribute(d, low, "@value"), attribute(d, high, "@value")
	da, db := leading(a), leading(b)
	if da < 4 || db < 4 || len(a) == da != (len(b) == db) || a[da:] != b[db:] { // quantities, or times in two zones
		return
	}
	if isTime := d.Child(low, "@unit") == 0 && d.Child(high, "@unit") == 0; !isTime {
		return
	}
	if same := min(da, db); a[:same] > b[:same] {
		c.find(backwards, n, d.Name(n)+" ends before it begins")
	}
}

// leading is how many digits a text begins with.
func leading(s string) int {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return i
}

// coded is a code with its system, checked what terminology says of it.
type coded struct{ system, code string }

type checked struct {
	how     terminology.Checked
	problem string
	uri     string
}

// code looks at a code by itself: whether its system can have it.
func (c *checker) code(n tree.Node) {
	d := c.doc.Doc
	system, code := attribute(d, n, "@codeSystem"), attribute(d, n, "@code")
	if system == "" || code == "" {
		return
	}
	key := coded{system, code}
	k, ok := c.codes[key]
	if !ok {
		s, _ := terminology.ByOID(system)
		k.uri = strings.Clone(cmp.Or(s.URI, "urn:oid:"+system))
		if s.URI != "" {
			k.how, k.problem = terminology.Check(s.URI, code)
		}
		if len(c.codes) >= maxLexemes {
			clear(c.codes)
		}
		c.codes[coded{strings.Clone(system), strings.Clone(code)}] = k
	}
	switch {
	case k.problem != "" && k.how == terminology.ByList:
		c.find(codeUnknown, n, fmt.Sprintf("%s: the code of %s", cmp.Or(systemName(system), system), d.Name(n))+" is not in the code system").WithValue(code)
	case k.problem != "":
		c.find(codeForm, n, fmt.Sprintf("%s: %s, in %s", cmp.Or(systemName(system), system), k.problem, d.Name(n))).WithValue(code)
	case k.how != terminology.ByList:
		c.result.Unchecked.Systems = add(c.result.Unchecked.Systems, k.uri)
	}
}
