package fhirpath

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The units of UCUM 2.1 (ucum.org) that medicine measures in, each by another, down to the base units; quantities are compared and
// converted by them. Whether a text is a unit of UCUM at all is for pkg/terminology to say: this list is shorter, and what is not
// in it compares with the same unit only.

// unit is n of a unit in base units: factor*n + offset of dim.
type unit struct {
	factor *big.Rat
	offset *big.Rat // of a temperature in degrees
	dim    string   // what it measures, in base units: g.m-3
}

// unitPrefixes are powers of ten.
var unitPrefixes = map[string]int{"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3,
	"u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24}

// metricUnits may have a prefix. A unit that is its own definition is a base; mol, eq, the arbitrary units and pH are bases here, for
// nobody compares them with pure numbers.
var metricUnits = map[string][2]string{
	"m": {}, "s": {}, "g": {}, "K": {}, "C": {}, "cd": {}, "rad": {}, "mol": {}, "eq": {}, "[iU]": {}, "[IU]": {"1", "[iU]"}, "U": {"1", "umol/min"},
	"kat": {"1", "mol/s"}, "osm": {"1", "mol"}, "L": {"1", "dm3"}, "l": {"1", "dm3"}, "Hz": {"1", "/s"}, "N": {"1", "kg.m/s2"}, "Pa": {"1", "N/m2"},
	"J": {"1", "N.m"}, "W": {"1", "J/s"}, "A": {"1", "C/s"}, "V": {"1", "J/C"}, "F": {"1", "C/V"}, "Ohm": {"1", "V/A"}, "S": {"1", "A/V"},
	"Wb": {"1", "V.s"}, "T": {"1", "Wb/m2"}, "H": {"1", "Wb/A"}, "lm": {"1", "cd"}, "lx": {"1", "lm/m2"}, "Bq": {"1", "/s"}, "Gy": {"1", "J/kg"},
	"Sv": {"1", "J/kg"}, "Ci": {"37000000000", "Bq"}, "t": {"1000", "kg"}, "bar": {"100000", "Pa"}, "cal": {"4.184", "J"}, "cal_th": {"4.184", "J"},
	"ar": {"100", "m2"}, "m[H2O]": {"9.80665", "kPa"}, "m[Hg]": {"133.322", "kPa"}, "u": {"1.66053906660e-24", "g"}, "eV": {"1.602176634e-19", "J"},
	"dyn": {"1", "g.cm/s2"}, "erg": {"1", "dyn.cm"}, "P": {"1", "dyn.s/cm2"}, "St": {"1", "cm2/s"}, "G": {"0.0001", "T"}, "[arb'U]": {}, "[anti'Xa'U]": {},
	"[ELU]": {}, "[EU]": {}, "bit_s": {}, "bit": {"1", "bit_s"}, "By": {"8", "bit"},
}

// plainUnits take no prefix.
var plainUnits = map[string][2]string{
	"1": {"1", ""}, "%": {"0.01", ""}, "[ppth]": {"0.001", ""}, "[ppm]": {"0.000001", ""}, "[ppb]": {"0.000000001", ""}, "10*": {"10", ""}, "10^": {"10", ""},
	"min": {"60", "s"}, "h": {"60", "min"}, "d": {"24", "h"}, "wk": {"7", "d"}, "a": {"365.25", "d"}, "a_j": {"365.25", "d"}, "mo": {"30.4375", "d"}, "mo_j": {"30.4375", "d"},
	"deg": {"0.01745329251994329577", "rad"}, "[in_i]": {"2.54", "cm"}, "[ft_i]": {"12", "[in_i]"}, "[yd_i]": {"3", "[ft_i]"}, "[mi_i]": {"5280", "[ft_i]"},
	"[in_us]": {"2.540005080010160020", "cm"}, "[sin_i]": {"1", "[in_i]2"}, "[sft_i]": {"1", "[ft_i]2"}, "[cin_i]": {"1", "[in_i]3"},
	"[gr]": {"64.79891", "mg"}, "[lb_av]": {"7000", "[gr]"}, "[oz_av]": {"437.5", "[gr]"}, "[lb_tr]": {"5760", "[gr]"}, "[oz_tr]": {"480", "[gr]"},
	"[stone_av]": {"14", "[lb_av]"}, "[car_m]": {"0.2", "g"}, "[gal_us]": {"231", "[in_i]3"}, "[qt_us]": {"0.25", "[gal_us]"}, "[pt_us]": {"0.125", "[gal_us]"},
	"[foz_us]": {"0.0078125", "[gal_us]"}, "[tbs_us]": {"0.5", "[foz_us]"}, "[tsp_us]": {"1", "[foz_us]/6"}, "[cup_us]": {"16", "[tbs_us]"},
	"[tsp_m]": {"5", "mL"}, "[tbs_m]": {"15", "mL"}, "[foz_m]": {"30", "mL"}, "[cup_m]": {"240", "mL"}, "[drp]": {"0.05", "mL"}, "[Cal]": {"1", "kcal_th"},
	"atm": {"101325", "Pa"}, "[psi]": {"6894.757293168", "Pa"}, "[pH]": {}, "[HPF]": {}, "[LPF]": {}, "[CFU]": {}, "[PFU]": {},
	"[diop]": {"1", "/m"}, "[Ch]": {"1", "mm/3.141592653589793"}, "[todd'U]": {}, "[mclg'U]": {}, "[ka'U]": {}, "[MET]": {"3.5", "mL/min/kg"}, "[Amb'a'1'U]": {},
}

// degrees are the temperatures that begin elsewhere than at absolute zero.
var degrees = map[string]func() unit{
	"Cel":     func() unit { return unit{big.NewRat(1, 1), big.NewRat(27315, 100), "K"} },
	"[degF]":  func() unit { return unit{big.NewRat(5, 9), big.NewRat(45967*5, 900), "K"} },
	"[degRe]": func() unit { return unit{big.NewRat(5, 4), big.NewRat(27315, 100), "K"} },
}

// calendar are the units of the calendar: those that are always as long as UCUM's are the same, the others measure months.
var calendar = map[string]string{"week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s", "millisecond": "ms"}

var knownUnits sync.Map // text of an atom -> unit: there are only as many as the tables have

// unit reads a unit as FHIRPath writes it: 'mg', or day.
func (c *Context) unit(text string) (u unit, ok bool) {
	if u, ok := c.units[text]; ok {
		return u, u.factor != nil
	}
	switch {
	case strings.HasPrefix(text, "'"):
		u, ok = parseUnit(strings.Trim(text, "'"))
	case text == "year":
		u, ok = unit{factor: big.NewRat(12, 1), dim: "month of the calendar"}, true
	case text == "month":
		u, ok = unit{factor: big.NewRat(1, 1), dim: "month of the calendar"}, true
	default:
		u, ok = parseUnit(calendar[text])
	}
	if c.units == nil || len(c.units) > 1000 {
		c.units = map[string]unit{}
	}
	c.units[text] = u
	return u, ok
}

func parseUnit(s string) (u unit, ok bool) {
	if len(s) == 0 || len(s) > 100 {
		return u, false
	}
	if f, ok := degrees[s]; ok {
		return f(), true
	}
	p := &unitParser{rest: s, dims: map[string]int{}, factor: big.NewRat(1, 1)}
	p.term(1)
	if p.bad || p.rest != "" {
		return u, false
	}
	return unit{factor: p.factor, dim: dimText(p.dims)}, true
}

// unitParser multiplies up the components of a unit.
type unitParser struct {
	rest   string
	factor *big.Rat
	dims   map[string]int
	depth  int
	bad    bool
}

// term reads components between dots and slashes, each to the power of sign.
func (p *unitParser) term(sign int) {
	if p.depth++; p.depth > 20 {
		p.bad = true
		return
	}
	defer func() { p.depth-- }()
	at := sign
	if strings.HasPrefix(p.rest, "/") {
		at, p.rest = -sign, p.rest[1:]
	}
	for !p.bad {
		p.component(at)
		switch {
		case strings.HasPrefix(p.rest, "."):
			at = sign
		case strings.HasPrefix(p.rest, "/"):
			at = -sign
		default:
			return
		}
		p.rest = p.rest[1:]
	}
}

func (p *unitParser) component(sign int) {
	if rest, ok := strings.CutPrefix(p.rest, "("); ok {
		p.rest = rest
		p.term(sign)
		if !strings.HasPrefix(p.rest, ")") {
			p.bad = true
			return
		}
		p.rest = p.rest[1:]
		return
	}
	// An atom ends at an operator or a brace; within [] everything belongs to it.
	n, in := 0, false
	for ; n < len(p.rest); n++ {
		c := p.rest[n]
		if c == '[' {
			in = true
		} else if c == ']' {
			in = false
		} else if !in && strings.IndexByte("./(){}", c) >= 0 {
			if c == '.' && n > 0 && isDigit(p.rest[n-1]) && n+1 < len(p.rest) && isDigit(p.rest[n+1]) && endOfDigits(p.rest, 0) == n {
				continue // the point of a number in our own tables
			}
			break
		}
	}
	simple := p.rest[:n]
	p.rest = p.rest[n:]
	if strings.HasPrefix(p.rest, "{") { // an annotation counts as 1
		end := strings.IndexByte(p.rest, '}')
		if end < 0 {
			p.bad = true
			return
		}
		p.rest = p.rest[end+1:]
		if simple == "" {
			return
		}
	}
	if simple == "" {
		p.bad = true
		return
	}
	if r, ok := ratOf(simple); ok { // a number
		p.multiply(r, nil, sign)
		return
	}
	atom, power := simple, 1
	if i := strings.LastIndexAny(simple, "*^]"); simple[len(simple)-1] != ']' {
		k := len(simple)
		for k > i+1 && isDigit(simple[k-1]) {
			k--
		}
		if k < len(simple) {
			if k > i+1 && (simple[k-1] == '-' || simple[k-1] == '+') {
				k--
			}
			e, err := strconv.Atoi(simple[k:])
			if err != nil || e > 99 || e < -99 {
				p.bad = true
				return
			}
			atom, power = simple[:k], e
		}
	}
	factor, dims, ok := unitAtom(atom)
	if !ok {
		p.bad = true
		return
	}
	p.multiply(factor, dims, sign*power)
}

func (p *unitParser) multiply(factor *big.Rat, dims map[string]int, power int) {
	if factor.Sign() == 0 {
		p.bad = true
		return
	}
	for range max(power, -power) {
		if power > 0 {
			p.factor.Mul(p.factor, factor)
		} else {
			p.factor.Quo(p.factor, factor)
		}
	}
	for d, n := range dims {
		if p.dims[d] += n * power; p.dims[d] == 0 {
			delete(p.dims, d)
		}
	}
}

type atomUnit struct {
	factor *big.Rat
	dims   map[string]int
}

// unitAtom is one atom with its prefix.
func unitAtom(s string) (factor *big.Rat, dims map[string]int, ok bool) {
	if a, ok := knownUnits.Load(s); ok {
		x := a.(atomUnit)
		return x.factor, x.dims, true
	}
	define := func(name string, def [2]string) (*big.Rat, map[string]int, bool) {
		if def[0] == "" {
			return big.NewRat(1, 1), map[string]int{name: 1}, true
		}
		f, _ := ratOf(def[0])
		p := &unitParser{rest: def[1], dims: map[string]int{}, factor: f}
		if def[1] != "" {
			p.term(1)
		}
		return p.factor, p.dims, !p.bad && p.rest == ""
	}
	if def, is := plainUnits[s]; is {
		factor, dims, ok = define(s, def)
	} else if def, is := metricUnits[s]; is {
		factor, dims, ok = define(s, def)
	} else {
		for n := 1; n <= 2 && n < len(s); n++ {
			power, isPrefix := unitPrefixes[s[:n]]
			if def, is := metricUnits[s[n:]]; isPrefix && is {
				if factor, dims, ok = define(s[n:], def); ok {
					factor = new(big.Rat).Mul(factor, powerOfTen(power))
				}
				break
			}
		}
	}
	if ok {
		knownUnits.Store(s, atomUnit{factor, dims})
	}
	return factor, dims, ok
}

// bases in the order in which a unit is written.
var bases = [...]string{"g", "m", "s", "K", "C", "cd", "rad", "mol"}

// dimText writes a product of base units in one order: g/m, m2, g.m/s2.
func dimText(dims map[string]int) string {
	var over, under []string
	add := func(name string, n int) {
		text := name
		if k := max(n, -n); k > 1 {
			text += strconv.Itoa(k)
		}
		if n > 0 {
			over = append(over, text)
		} else {
			under = append(under, "/"+text)
		}
	}
	for _, b := range bases {
		if n := dims[b]; n != 0 {
			add(b, n)
		}
	}
	for _, table := range []map[string][2]string{metricUnits, plainUnits} {
		for _, name := range sortedBases(table) {
			if n := dims[name]; n != 0 {
				add(name, n)
			}
		}
	}
	s := strings.Join(over, ".") + strings.Join(under, "")
	if s == "" {
		return "1"
	}
	return s
}

// sortedBases are the units of a table that are their own definition and not in bases.
func sortedBases(table map[string][2]string) []string {
	var names []string
	for name, def := range table {
		if def[0] == "" && !slices.Contains(bases[:], name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
