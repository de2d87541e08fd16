// Package suggest proposes mappings for tables that no mapping knows: it compares their columns, by name and by what stands in
// them, with those of tables that are known (docs/csv.md), and says how sure it is of each.
//
// A name is compared as a whole and in a normal form (Normal), with the names that the known table gives its column. A name that is
// only near (MaxDistance), and what only the content speaks for, is a guess: a person decides.
package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Column is a column of a table that nobody knows.
type Column struct {
	Name   string
	Values []string // some of its values, none of them blank
}

// Known is a column of a known table.
type Known struct {
	Name    string
	Names   []string // the other names that it has in tables
	Content *Content // what stands in it; nil if its form says nothing
	Person  bool     // it is a patient's, so that "patient" before its name says nothing more

	once sync.Once
	all  []forms // of its name and its other names
}

// forms are those of its name and its other names, made once.
func (k *Known) forms() []forms {
	k.once.Do(func() {
		for _, n := range append([]string{k.Name}, k.Names...) {
			k.all = append(k.all, formsOf(n))
		}
	})
	return k.all
}

// Kind is a known table.
type Kind struct {
	Name    string // people
	Columns []*Known
	Needs   [][]*Known // of each of these lists one column must be there: without them a row says nothing
}

// How says what speaks for a choice.
type How uint8

// From the surest on. ByName alone is used without being asked about.
const (
	ByName    How = iota + 1 // the name, and nothing speaks against it
	ByNear                   // a name near to it
	ByContent                // what stands in the column
	Doubtful                 // the name, but what stands in the column is something else; or a second column of that name
)

func (h How) String() string {
	return [...]string{"unknown", "by name", "by a near name", "by content", "doubtful"}[h]
}

// Choice is what a column is taken for.
type Choice struct {
	Column *Column
	Known  *Known // nil: nothing
	How    How
	Why    string   // in words, without values
	Looks  *Content // what the values look like, where they look like something
}

// Sure reports a choice that needs nobody's word.
func (c *Choice) Sure() bool { return c.Known != nil && c.How == ByName }

// Proposal is what a table is taken for.
type Proposal struct {
	Kind    *Kind // nil: none of the kinds
	Choices []Choice
	Missing [][]*Known // of Kind.Needs, those of which no column is there, not even as a guess
	Rivals  []*Kind    // that fit as well
}

// agree is the share of values that must be of a content to speak for it, and against the share below which they speak against it.
const (
	agree   = 0.9
	against = 0.5
	enough  = 3 // values; fewer say nothing
)

// For proposes what the columns of a table are: as a table of the kind that fits best, or of the one kind that is given.
func For(columns []Column, kinds ...*Kind) *Proposal {
	var best *Proposal
	top := 0.0
	weights := weigh(kinds)
	for _, k := range kinds {
		p := choose(columns, k)
		score := 0.0
		for _, c := range p.Choices {
			switch {
			case c.Known == nil:
			case c.How == ByName:
				score += weights[c.Known]
			case c.How == ByNear:
				score += weights[c.Known] / 2
			}
		}
		score -= 1.5 * float64(len(p.Missing)) // a table that lacks what its rows need is hardly of the kind
		switch {
		case len(kinds) > 1 && score <= 0:
		case best == nil || score > top:
			best, top = p, score
		case score == top:
			best.Rivals = append(best.Rivals, k)
		}
	}
	if best == nil {
		return &Proposal{Choices: choose(columns, &Kind{}).Choices}
	}
	return best
}

// weigh says how much a column tells of its kind: one that every kind has, a patient's number, says little.
func weigh(kinds []*Kind) map[*Known]float64 {
	having := map[string]int{}
	for _, k := range kinds {
		seen := map[string]bool{}
		for _, c := range k.Columns {
			for _, n := range c.normals() {
				if !seen[n] {
					seen[n] = true
					having[n]++
				}
			}
		}
	}
	w := map[*Known]float64{}
	for _, k := range kinds {
		for _, c := range k.Columns {
			most := 1
			for _, n := range c.normals() {
				most = max(most, having[n])
			}
			w[c] = 1 / float64(most)
		}
		for _, list := range k.Needs {
			for _, c := range list {
				w[c] *= 2
			}
		}
	}
	return w
}

func (k *Known) normals() []string {
	var list []string
	for _, n := range k.forms() {
		list = append(list, n.normal)
	}
	return list
}

// ByNames are the columns of a kind that columns of these names are, where a name says it and there is no doubt; nil for the others.
func ByNames(names []string, kind *Kind) []*Known {
	columns := make([]Column, len(names))
	for i, n := range names {
		columns[i].Name = n
	}
	list := make([]*Known, len(names))
	for i, c := range choose(columns, kind).Choices {
		if c.Sure() {
			list[i] = c.Known
		}
	}
	return list
}

// pair is a column and what it may be.
type pair struct {
	column int
	known  *Known
	how    How
	rank   int     // its own name before the others in their order; each as written, in normal form, without patient before it, in another order
	apart  float64 // of near names
	share  float64 // of values that are of the content
}

// choose takes each column for at most one of the kind's, and each of the kind's for at most one column. The best pairs come first.
func choose(columns []Column, kind *Kind) *Proposal {
	p := &Proposal{Kind: kind, Choices: make([]Choice, len(columns))}
	var pairs []pair
	for i := range columns {
		c := &columns[i]
		p.Choices[i] = Choice{Column: c, Looks: looks(c)}
		f := formsOf(c.Name)
		for _, k := range kind.Columns {
			if x, ok := match(c, f, k); ok {
				x.column = i
				pairs = append(pairs, x)
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.how, b.how), cmp.Compare(a.rank, b.rank), cmp.Compare(a.apart, b.apart), cmp.Compare(b.share, a.share), cmp.Compare(a.column, b.column))
	})
	taken := map[*Known]*Choice{}
	var second []pair
	for _, x := range pairs {
		c := &p.Choices[x.column]
		if c.Known != nil {
			continue
		}
		if taken[x.known] != nil {
			second = append(second, x)
			continue
		}
		c.Known, c.How, c.Why = x.known, x.how, x.why(c)
		taken[x.known] = c
	}
	for _, x := range second {
		if c := &p.Choices[x.column]; c.Known == nil && x.how != ByContent && c.Why == "" {
			c.Why = fmt.Sprintf("its name is that of %s too, for which %s is taken", x.known.Name, quote(taken[x.known].Column.Name))
		}
	}
	contents(p, kind, taken)
	for _, list := range kind.Needs {
		if !slices.ContainsFunc(list, func(k *Known) bool { return taken[k] != nil }) {
			p.Missing = append(p.Missing, list)
		}
	}
	return p
}

// match says how well a column's name, in these forms, is that of a known one.
func match(c *Column, f forms, k *Known) (pair, bool) {
	x := pair{known: k, how: ByName}
	if k.Content != nil {
		x.share = share(c, k.Content)
	}
	rank := 0 // no name
	for i, n := range k.forms() {
		r := 0
		switch {
		case f.name == n.name:
			r = 1
		case f.normal == n.normal:
			r = 2
		case k.Person && f.bare == n.bare && !(ofRows[f.normal] && n.bare != n.normal):
			r = 3
		case f.words == n.words, k.Person && f.bareWords == n.bareWords && !(ofRows[f.normal] && n.bare != n.normal):
			r = 4
		}
		if r += 4 * i; r > 4*i && (rank == 0 || r < rank) {
			rank = r
		}
	}
	if rank == 0 && k.Person && k.Content == contentNamed(namesOfPeople) && x.share >= agree && ofPatients[f.normal] {
		rank = 4 * (len(k.Names) + 1) // a column that is called Patient and holds names
	}
	if rank == 0 {
		x.how, x.apart = ByNear, 1
		for _, n := range k.forms() {
			x.apart = min(x.apart, apart(f.normal, f.in, n.normal, n.in))
			if k.Person {
				x.apart = min(x.apart, apart(f.bare, f.bareIn, n.bare, n.bareIn))
			}
		}
		if x.apart > MaxDistance {
			return x, false
		}
	}
	x.rank = rank
	if k.Content != nil && !k.Content.Loose && len(c.Values) >= enough && x.share < against {
		if x.how == ByNear {
			return x, false // neither name nor content
		}
		x.how = Doubtful
	}
	if x.how == ByName && unitOf(c.Name) != "" {
		x.how = Doubtful
	}
	return x, true
}

// contents takes columns that no name speaks for by what stands in them, where only one column of the kind has such content and is
// not taken, and only one column of the table holds it.
func contents(p *Proposal, kind *Kind, taken map[*Known]*Choice) {
	for _, t := range Contents {
		if !t.Telling {
			continue
		}
		var free []*Known
		for _, k := range kind.Columns {
			if k.Content == t && taken[k] == nil {
				free = append(free, k)
			}
		}
		var open []*Choice
		for i := range p.Choices {
			if c := &p.Choices[i]; c.Known == nil && c.Looks == t && c.Why == "" {
				open = append(open, c)
			}
		}
		if len(free) > 1 { // among several dates, the one without which a row says nothing
			free = slices.DeleteFunc(free, func(k *Known) bool {
				return !slices.ContainsFunc(kind.Needs, func(list []*Known) bool { return slices.Contains(list, k) })
			})
		}
		if len(free) != 1 || len(open) != 1 {
			continue
		}
		c := open[0]
		c.Known, c.How, c.Why = free[0], ByContent, "it holds "+t.Name
		taken[free[0]] = c
	}
}

func (x pair) why(c *Choice) string {
	switch x.how {
	case ByNear:
		why := "the name is near"
		if x.known.Content != nil && x.share >= agree {
			why += ", and it holds " + x.known.Content.Name
		}
		return why
	case Doubtful:
		if unit := unitOf(c.Column.Name); unit != "" {
			return "its name says a unit, which no row reads"
		}
		why := fmt.Sprintf("most values are no %s", x.known.Content.Name)
		if c.Looks != nil {
			why += " but look like " + c.Looks.Name
		}
		return why
	}
	return ""
}

// looks is the most telling content that nearly all values of a column have.
func looks(c *Column) *Content {
	if len(c.Values) < enough {
		return nil
	}
	for _, t := range Contents {
		if share(c, t) >= agree {
			return t
		}
	}
	return nil
}

func share(c *Column, t *Content) float64 {
	if len(c.Values) == 0 {
		return 0
	}
	n := 0
	for _, v := range c.Values {
		if t.Is(strings.TrimSpace(v)) {
			n++
		}
	}
	return float64(n) / float64(len(c.Values))
}

func quote(name string) string { return `"` + name + `"` }
