package csvfhir

import (
	"regexp"
	"strings"

	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file reads cells that say several things at once. What a cell does not say plainly stays text: no name is cut into parts by guess.

func str(s string) *dpb.String { return &dpb.String{Value: s} }

// cell is the text of a leaf as a string of FHIR may hold it: without outer blanks and control characters.
func cell(c *mapping.Context, n tree.Node) string {
	s, err := fit(c.Doc.LeafText(n), "string")
	if err != nil {
		return ""
	}
	return s
}

// carryAs takes note that a leaf is carried, and comes back in a form.
func carryAs(c *mapping.Context, n tree.Node, form string) {
	leaf := c.Doc.Leaf(n)
	if s := strings.TrimSpace(c.Doc.Text(leaf)); !printableASCII(s) {
		if fitted, _ := fit(s, "string"); fitted != s {
			c.Doc.Mark(leaf, tree.Folded, "without control characters")
			return
		}
	}
	c.Carry(leaf)
	if form != c.Doc.Text(leaf) {
		c.Normal(leaf, func() string { return form })
	}
}

// put writes the text of a cell; false if another stands there.
func put(c *mapping.Context, n tree.Node, s string) bool {
	if s == "" {
		return false
	}
	if have := c.Doc.Text(n); have != "" {
		return have == s
	}
	c.Doc.SetText(n, s)
	return true
}

// beside is the cell of another column of the same row, 0 if it has none.
func beside(c *mapping.Context, n tree.Node, column string) tree.Node {
	if column == "" {
		return 0
	}
	row := n
	for row != 0 && c.Doc.Parent(row) != tree.Root {
		row = c.Doc.Parent(row)
	}
	if row == 0 {
		return 0
	}
	return c.Doc.Child(row, column)
}

// rowOf is the row in which a node stands.
func rowOf(d *tree.Doc, n tree.Node) tree.Node {
	for n > tree.Root && d.Parent(n) != tree.Root {
		n = d.Parent(n)
	}
	return n
}

// inCell is a pair over one cell. read is given its text, without outer blanks and never empty.
func inCell[T proto.Message](makes string, read func(c *mapping.Context, n tree.Node, s string, dst T) bool, write func(c *mapping.Context, src T, n tree.Node) bool) mapping.Pair {
	return mapping.Pair{
		Makes: []string{makes},
		Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
			d, ok := dst.(T)
			s := cell(c, n)
			return ok && s != "" && read(c, n, s, d)
		},
		Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
			x, ok := src.(T)
			return ok && write(c, x, n)
		},
	}
}

// --- NAME: a person's name in one cell ---

// readName reads "Lee, Ann B." and "Lee, Ann B., MD" into parts; a name without a comma stays a text, for nobody knows which of its words is the family.
func readName(c *mapping.Context, n tree.Node, s string, name *dpb.HumanName) bool {
	s = strings.Join(strings.Fields(s), " ")
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" || parts[len(parts)-1] == "" {
		name.Text = str(s)
		carryAs(c, n, s)
		return true
	}
	name.Family = str(parts[0])
	for _, g := range strings.Fields(parts[1]) {
		name.Given = append(name.Given, str(g))
	}
	if len(parts) == 3 {
		name.Suffix = append(name.Suffix, str(parts[2]))
	}
	carryAs(c, n, nameText(name))
	return true
}

// nameText is a name as one cell has it.
func nameText(name *dpb.HumanName) string {
	if name.GetFamily().GetValue() == "" {
		return name.GetText().GetValue()
	}
	join := func(list []*dpb.String) string {
		var words []string
		for _, w := range list {
			if w.GetValue() != "" {
				words = append(words, w.Value)
			}
		}
		return strings.Join(words, " ")
	}
	s := name.Family.Value
	if given := join(name.Given); given != "" {
		s += ", " + given
	}
	if suffix := join(name.Suffix); suffix != "" {
		if len(name.Given) == 0 {
			s += ","
		}
		s += ", " + suffix
	}
	return s
}

func writeName(c *mapping.Context, name *dpb.HumanName, n tree.Node) bool {
	if !put(c, n, nameText(name)) {
		return false
	}
	if name.GetFamily().GetValue() == "" {
		c.ClaimValue(name.Text)
		return true
	}
	c.ClaimValue(name.Family)
	for _, list := range [][]*dpb.String{name.Given, name.Suffix} {
		for _, w := range list {
			c.ClaimValue(w)
		}
	}
	if t := name.GetText(); t != nil && sameWords(t.Value, name) {
		c.ClaimValue(t)
	}
	return true
}

// sameWords reports a text that has all words of a name and no other but titles.
func sameWords(text string, name *dpb.HumanName) bool {
	fields := strings.Fields(strings.ReplaceAll(text, ",", " "))
	have := map[string]int{}
	for _, f := range fields {
		have[f]++
	}
	for _, list := range [][]*dpb.String{{name.Family}, name.Given, name.Suffix, name.Prefix} {
		for _, w := range list {
			for _, f := range strings.Fields(w.GetValue()) {
				have[f]--
			}
		}
	}
	for _, n := range have {
		if n != 0 {
			return false
		}
	}
	return true
}

// --- ADDRESS: an address in one cell ---

// stateAndZIP is how an address of the United States ends.
var stateAndZIP = regexp.MustCompile(`^([A-Z]{2}) (\d{5}(?:-\d{4})?)$`)

// readAddress keeps the text, and beside it the parts of an address of the United States: "12 Main St, Springfield, IL 62704".
func readAddress(c *mapping.Context, n tree.Node, s string, a *dpb.Address) bool {
	a.Text = str(s)
	carryAs(c, n, s)
	parts := strings.Split(strings.NewReplacer("\r\n", ",", "\n", ",").Replace(s), ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if m := stateAndZIP.FindStringSubmatch(parts[len(parts)-1]); m != nil && len(parts) >= 3 {
		for _, line := range parts[:len(parts)-2] {
			if line == "" {
				return true
			}
		}
		for _, line := range parts[:len(parts)-2] {
			a.Line = append(a.Line, str(line))
		}
		a.City, a.State, a.PostalCode = str(parts[len(parts)-2]), str(m[1]), str(m[2])
	}
	return true
}

func writeAddress(c *mapping.Context, a *dpb.Address, n tree.Node) bool {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	for _, l := range a.Line {
		add(l.GetValue())
	}
	add(a.GetCity().GetValue())
	add(strings.TrimSpace(a.GetState().GetValue() + " " + a.GetPostalCode().GetValue()))
	composed := strings.Join(parts, ", ")
	s := a.GetText().GetValue()
	if s == "" {
		s = composed
		if country := a.GetCountry().GetValue(); country != "" && s != "" {
			s += ", " + country
		}
	}
	if !put(c, n, s) {
		return false
	}
	if a.GetText().GetValue() != "" {
		c.ClaimValue(a.Text)
		flat := strings.Join(strings.Fields(strings.NewReplacer(",", " ", "\n", " ", "\r", " ").Replace(s)), " ")
		if composed == "" || strings.Join(strings.Fields(strings.ReplaceAll(composed, ",", " ")), " ") != flat {
			return true // the text says something else than the parts
		}
	} else {
		c.ClaimValue(a.Country)
	}
	for _, l := range a.Line {
		c.ClaimValue(l)
	}
	c.ClaimValue(a.City)
	c.ClaimValue(a.State)
	c.ClaimValue(a.PostalCode)
	return true
}

// --- QUANTITY, RESULT, RANGE: what laboratories write ---

// measured is "<5", ">= 1.50", "12 mg/dL": comparator, number, unit.
var measured = regexp.MustCompile(`^(<=|>=|<|>|≤|≥)? ?([-+]?(?:\d+(?:[.,]\d+)*|\.\d+)) ?([^\d\s.,:;+\-/][^:;]*|/[^\d:;]+|10\*.*|x ?10.*)?$`)

var comparators = map[string]codes.QuantityComparatorCode_Value{
	"<": codes.QuantityComparatorCode_LESS_THAN, "<=": codes.QuantityComparatorCode_LESS_THAN_OR_EQUAL_TO,
	">": codes.QuantityComparatorCode_GREATER_THAN, ">=": codes.QuantityComparatorCode_GREATER_THAN_OR_EQUAL_TO,
}

var comparatorSigns = func() map[codes.QuantityComparatorCode_Value]string {
	m := map[codes.QuantityComparatorCode_Value]string{}
	for sign, code := range comparators {
		m[code] = sign
	}
	return m
}()

// parseQuantity reads a result with its comparator and unit, of a cell of a column.
func parseQuantity(c *mapping.Context, n tree.Node, s string) (sign, value, unit string, ok bool) {
	m := measured.FindStringSubmatch(s)
	if m == nil || doubtful(c, c.Doc.Leaf(n), m[2]) {
		return "", "", "", false
	}
	sign = strings.NewReplacer("≤", "<=", "≥", ">=").Replace(m[1])
	value = numeral(m[2])
	return sign, value, strings.TrimSpace(m[3]), value != ""
}

func setQuantity(q *dpb.Quantity, sign, value, unit string) {
	q.Value = &dpb.Decimal{Value: value}
	if sign != "" {
		q.Comparator = &dpb.Quantity_ComparatorCode{Value: comparators[sign]}
	}
	if unit != "" {
		q.Unit = str(unit)
	}
}

// unitCell is the unit that another column says; own is the one in the cell itself, before which it stands back.
func unitCell(c *mapping.Context, n tree.Node, column, own string) (unit string, leaf tree.Node) {
	if leaf = beside(c, n, column); leaf == 0 || own != "" {
		return own, 0
	}
	return cell(c, leaf), leaf
}

// quantityPair is QUANTITY, or QUANTITY(Units) where the unit has a column of its own.
func quantityPair(units string) mapping.Pair {
	units = mapping.ColumnName(units)
	return inCell("Quantity",
		func(c *mapping.Context, n tree.Node, s string, q *dpb.Quantity) bool {
			sign, value, own, ok := parseQuantity(c, n, s)
			if !ok {
				c.Doc.Mark(c.Doc.Leaf(n), tree.Invalid, "not a number, with or without comparator and unit")
				return false
			}
			unit, leaf := unitCell(c, n, units, own)
			setQuantity(q, sign, value, unit)
			carryAs(c, n, strings.TrimSpace(sign+value+" "+own))
			if leaf != 0 {
				carryAs(c, leaf, unit)
			}
			return true
		},
		func(c *mapping.Context, q *dpb.Quantity, n tree.Node) bool { return writeQuantity(c, q, n, units) })
}

// dosePair is DOSE(Units): an amount with its unit, in one cell or in two. FHIR has no comparator for it.
func dosePair(units string) mapping.Pair {
	q := quantityPair(units)
	return inCell("SimpleQuantity",
		func(c *mapping.Context, n tree.Node, s string, d *dpb.SimpleQuantity) bool {
			if strings.ContainsAny(s[:1], "<>") || strings.HasPrefix(s, "≤") || strings.HasPrefix(s, "≥") {
				c.Doc.Mark(c.Doc.Leaf(n), tree.Invalid, "not an amount")
				return false
			}
			var whole dpb.Quantity
			if !q.Read(c, n, &whole) {
				return false
			}
			d.Value, d.Unit = whole.Value, whole.Unit
			return true
		},
		func(c *mapping.Context, d *dpb.SimpleQuantity, n tree.Node) bool {
			return q.Write(c, &dpb.Quantity{Value: d.Value, Unit: d.Unit, Code: d.Code, System: d.System}, n)
		})
}

func writeQuantity(c *mapping.Context, q *dpb.Quantity, n tree.Node, units string) bool {
	value := q.GetValue().GetValue()
	unit := q.GetUnit().GetValue()
	if unit == "" {
		unit = q.GetCode().GetValue()
	}
	sign := comparatorSigns[q.GetComparator().GetValue()]
	s := sign + value
	if units == "" && unit != "" {
		s += " " + unit
	}
	if value == "" || !put(c, n, s) {
		return false
	}
	if units != "" && unit != "" {
		row := rowOf(c.Doc, n)
		k := c.Doc.Child(row, units)
		if k == 0 {
			k = c.Doc.Add(row, units, "")
		}
		if !put(c, k, unit) {
			return false
		}
	}
	c.ClaimValue(q.Value)
	c.ClaimValue(q.Unit)
	if q.Comparator != nil {
		c.Claim(q.Comparator)
	}
	if q.GetCode().GetValue() == unit { // the unit says it too, where it is one of UCUM
		c.ClaimValue(q.Code)
		c.ClaimValue(q.System)
	}
	return true
}

var (
	titer  = regexp.MustCompile(`^(<|>|<=|>=)?(\d+) ?: ?(\d+)$`)
	fromTo = regexp.MustCompile(`^([-+]?\d+(?:\.\d+)?) ?(?:-|–|to) ?(\d+(?:\.\d+)?) ?([^\d\s].*)?$`)
	upTo   = regexp.MustCompile(`^(<=|>=|<|>|≤|≥) ?(\d+(?:\.\d+)?) ?([^\d\s].*)?$`)
)

// resultPair is RESULT, or RESULT(Units): the value of an Observation, as a laboratory's list has it. A number is a Quantity, 1:40 a Ratio, anything
// else a text: POS, trace, see note.
func resultPair(units string) mapping.Pair {
	units = mapping.ColumnName(units)
	return inCell("Observation",
		func(c *mapping.Context, n tree.Node, s string, o *opb.Observation) bool {
			if o.Value != nil {
				return false
			}
			if sign, value, own, ok := parseQuantity(c, n, s); ok {
				unit, leaf := unitCell(c, n, units, own)
				q := &dpb.Quantity{}
				setQuantity(q, sign, value, unit)
				o.Value = &opb.Observation_ValueX{Choice: &opb.Observation_ValueX_Quantity{Quantity: q}}
				carryAs(c, n, strings.TrimSpace(sign+value+" "+own))
				if leaf != 0 {
					carryAs(c, leaf, unit)
				}
				return true
			}
			if m := titer.FindStringSubmatch(s); m != nil {
				r := &dpb.Ratio{Numerator: &dpb.Quantity{Value: &dpb.Decimal{Value: m[2]}}, Denominator: &dpb.Quantity{Value: &dpb.Decimal{Value: m[3]}}}
				if m[1] != "" {
					r.Numerator.Comparator = &dpb.Quantity_ComparatorCode{Value: comparators[m[1]]}
				}
				o.Value = &opb.Observation_ValueX{Choice: &opb.Observation_ValueX_Ratio{Ratio: r}}
				carryAs(c, n, m[1]+m[2]+":"+m[3])
				return true
			}
			o.Value = &opb.Observation_ValueX{Choice: &opb.Observation_ValueX_StringValue{StringValue: str(s)}}
			carryAs(c, n, s)
			return true
		},
		func(c *mapping.Context, o *opb.Observation, n tree.Node) bool {
			// The pair stands on the row itself or on a column of it.
			if q := o.GetValue().GetQuantity(); q != nil {
				return writeQuantity(c, q, n, units)
			}
			if r := o.GetValue().GetRatio(); r != nil {
				s := comparatorSigns[r.GetNumerator().GetComparator().GetValue()] + r.GetNumerator().GetValue().GetValue() + ":" + r.GetDenominator().GetValue().GetValue()
				if r.GetNumerator().GetValue().GetValue() == "" || !put(c, n, s) {
					return false
				}
				c.ClaimValue(r.Numerator.Value)
				c.ClaimValue(r.Denominator.GetValue())
				if r.Numerator.Comparator != nil {
					c.Claim(r.Numerator.Comparator)
				}
				return true
			}
			if s := o.GetValue().GetStringValue(); s != nil && put(c, n, s.Value) {
				c.ClaimValue(s)
				return true
			}
			if cc := o.GetValue().GetCodeableConcept(); cc != nil {
				return writeConcept(c, cc, n)
			}
			return false
		})
}

// writeConcept writes a coded value in words: its text, else the first display.
func writeConcept(c *mapping.Context, cc *dpb.CodeableConcept, n tree.Node) bool {
	if t := cc.GetText(); t.GetValue() != "" && put(c, n, t.Value) {
		c.ClaimValue(t)
		return true
	}
	for _, coding := range cc.Coding {
		if d := coding.GetDisplay(); d.GetValue() != "" && put(c, n, d.Value) {
			c.ClaimValue(d)
			return true
		}
	}
	return false
}

// rangePair is RANGE: a reference range, 70-99, <5 or words.
func rangePair(units string) mapping.Pair {
	units = mapping.ColumnName(units)
	return inCell("Observation.referenceRange",
		func(c *mapping.Context, n tree.Node, s string, r *opb.Observation_ReferenceRange) bool {
			unit := ""
			if k := beside(c, n, units); k != 0 {
				unit = cell(c, k)
			}
			side := func(value, own string) *dpb.SimpleQuantity {
				q := &dpb.SimpleQuantity{Value: &dpb.Decimal{Value: value}}
				if own == "" {
					own = unit
				}
				if own != "" {
					q.Unit = str(own)
				}
				return q
			}
			m := fromTo.FindStringSubmatch(s)
			one := upTo.FindStringSubmatch(s)
			switch {
			case doubtful(c, c.Doc.Leaf(n), s):
			case m != nil:
				r.Low, r.High = side(m[1], m[3]), side(m[2], m[3])
			case one != nil && one[1] == "<=", one != nil && one[1] == "≤":
				r.High = side(one[2], one[3])
			case one != nil && one[1] == ">=", one != nil && one[1] == "≥":
				r.Low = side(one[2], one[3])
			}
			// FHIR's limits belong to the range; those that do not, and words, are a text.
			r.Text = str(s)
			carryAs(c, n, s)
			return true
		},
		func(c *mapping.Context, r *opb.Observation_ReferenceRange, n tree.Node) bool {
			low, high := r.GetLow().GetValue().GetValue(), r.GetHigh().GetValue().GetValue()
			s := r.GetText().GetValue()
			if s == "" {
				switch {
				case low != "" && high != "":
					s = low + "-" + high
				case low != "":
					s = ">=" + low
				case high != "":
					s = "<=" + high
				}
			}
			if !put(c, n, s) {
				return false
			}
			c.ClaimValue(r.Text)
			for _, q := range []*dpb.SimpleQuantity{r.Low, r.High} {
				if q != nil && (low == "" || strings.Contains(s, low)) && (high == "" || strings.Contains(s, high)) {
					c.ClaimValue(q.Value)
					c.ClaimValue(q.Unit)
				}
			}
			return true
		})
}

// --- COLUMN: a column that no row knows ---

// columnURL is the extension in which a column is kept that no row knows: its name and its cell.
const columnURL = "https://chartpost.org/fhir/StructureDefinition/csv-column"

func readColumn(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	x, ok := dst.(*dpb.Extension)
	if !ok || c.Doc.State(n) != tree.Unmapped {
		return false
	}
	value := cell(c, n)
	if value == "" {
		return false
	}
	name, err := fit(c.Doc.Name(n), "string")
	if err != nil || name != c.Doc.Name(n) {
		return false // a column that nobody could name
	}
	part := func(url, text string) *dpb.Extension {
		return &dpb.Extension{Url: &dpb.Uri{Value: url}, Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_StringValue{StringValue: str(text)}}}
	}
	x.Url = &dpb.Uri{Value: columnURL}
	x.Extension = []*dpb.Extension{part("name", name), part("value", value)}
	carryAs(c, n, value)
	return true
}

func writeColumn(c *mapping.Context, src proto.Message, n tree.Node) bool {
	x, ok := src.(*dpb.Extension)
	if !ok || x.GetUrl().GetValue() != columnURL {
		return false
	}
	var name, value string
	for _, p := range x.Extension {
		switch p.GetUrl().GetValue() {
		case "name":
			name = p.GetValue().GetStringValue().GetValue()
		case "value":
			value = p.GetValue().GetStringValue().GetValue()
		}
	}
	if name == "" || c.Doc.Child(n, name) != 0 || value == "" {
		return false
	}
	c.Doc.Add(n, name, value)
	c.Claim(x)
	return true
}
