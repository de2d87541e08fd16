package fhirpath

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Chapter 5.6 of N1: string manipulation, with trim, split, join, lastIndexOf, encode, decode, escape, unescape and matchesFull of the
// build after it, which FHIR's tests ask for.

var manipulation = chapter{
	"indexOf": {min: 1, max: 1, build: onString(Integer, func(s, x string) Value { return integerOf(runesTo(s, strings.Index(s, x))) })},
	"lastIndexOf": {min: 1, max: 1, build: onString(Integer, func(s, x string) Value {
		return integerOf(runesTo(s, strings.LastIndex(s, x)))
	})},
	"substring":  {min: 1, max: 2, build: buildSubstring},
	"startsWith": {min: 1, max: 1, build: buildStartsWith},
	"endsWith":   {min: 1, max: 1, build: onString(Boolean, func(s, x string) Value { return booleanOf(strings.HasSuffix(s, x)) })},
	"contains":   {min: 1, max: 1, build: onString(Boolean, func(s, x string) Value { return booleanOf(strings.Contains(s, x)) })},
	"upper":      {build: onString(String, func(s, _ string) Value { return stringOf(strings.ToUpper(s)) })},
	"lower":      {build: onString(String, func(s, _ string) Value { return stringOf(strings.ToLower(s)) })},
	"trim":       {build: onString(String, func(s, _ string) Value { return stringOf(strings.TrimSpace(s)) })},
	"length":     {build: onString(Integer, func(s, _ string) Value { return integerOf(int64(utf8.RuneCountInString(s))) })},
	// The second argument of these three, flags, is of the build after N1.
	"matches":        {min: 1, max: 2, build: buildMatches},
	"matchesFull":    {min: 1, max: 2, build: buildMatches},
	"replaceMatches": {min: 2, max: 3, build: buildReplaceMatches},
	"replace":        {min: 2, max: 2, build: buildReplace},
	"toChars":        {build: buildSplit},
	"split":          {min: 1, max: 1, build: buildSplit},
	"join":           {max: 1, build: buildJoin},
	"encode":         {min: 1, max: 1, build: recoded(encode)},
	"decode":         {min: 1, max: 1, build: recoded(decode)},
	"escape":         {min: 1, max: 1, build: recoded(escape)},
	"unescape":       {min: 1, max: 1, build: recoded(unescape)},
}

// text is an item that must be a string. A date is taken for its text, as R4's expressions have it; a primitive without value is
// nothing.
func (f *call) text(c *Context, this, v Value) (string, bool) {
	switch {
	case v.kind() == String:
		return v.s, true
	case v.isTemporal():
		return v.temporalText(), true
	case !v.isPrimitive():
		c.fail(f.pos, this, "%s() wants a string, not %s", f.name, v.TypeName())
	}
	return "", false
}

// checkString refuses an input that can only be something else than a primitive.
func (f *call) checkString() {
	if len(f.in.types) != 1 {
		return
	}
	if t := f.in.types[0]; t.FHIR != nil && !t.isPrimitive() {
		fail(f.pos, "%s() wants a string, not %s", f.name, t)
	}
}

// onString builds a function of a string and perhaps another.
func onString(result Kind, do func(s, x string) Value) func(*compiler, *call) *node {
	return func(_ *compiler, f *call) *node {
		f.checkString()
		return f.scalar(system(result), func(c *Context, this, v Value, args [2]Value) (Value, bool) {
			s, ok := f.text(c, this, v)
			x, ok2 := "", true
			if len(f.args) > 0 {
				x, ok2 = f.text(c, this, args[0])
			}
			if !ok || !ok2 {
				return v, false
			}
			return do(s, x), true
		})
	}
}

// buildStartsWith looks at the beginning of a reference without making its text, for ref-1 does nothing else.
func buildStartsWith(k *compiler, f *call) *node {
	prefix, ok := f.args[0].value(String)
	if !ok {
		return onString(Boolean, func(s, x string) Value { return booleanOf(strings.HasPrefix(s, x)) })(k, f)
	}
	f.checkString()
	in := f.in
	return testNode(func(c *Context, this Value) truth {
		v, n := in.one(c, this)
		switch {
		case n == 0:
			return unknown
		case n > 1:
			c.fail(f.pos, this, "startsWith() wants one item")
			return unknown
		case v.isReference():
			return truthOf(referenceHasPrefix(v.v, prefix.s))
		}
		s, ok := f.text(c, this, v.system(c))
		if !ok {
			return unknown
		}
		return truthOf(strings.HasPrefix(s, prefix.s))
	})
}

// runesTo is a position in characters.
func runesTo(s string, i int) int64 {
	if i < 0 {
		return -1
	}
	return int64(utf8.RuneCountInString(s[:i]))
}

// runeOffset is where the n-th character begins.
func runeOffset(s string, n int64) int {
	if n <= 0 {
		return 0
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func buildSubstring(_ *compiler, f *call) *node {
	f.checkString()
	start, length := f.args[0], f.arg(1)
	f.args = nil // both are run here: an empty length is as if there were none
	return f.scalar(system(String), func(c *Context, this, v Value, _ [2]Value) (Value, bool) {
		s, ok := f.text(c, this, v)
		if !ok {
			return v, false
		}
		from, n := start.one(c, this)
		if from = from.system(c); n == 0 {
			return v, false
		}
		if n > 1 || from.kind() != Integer {
			c.fail(f.pos, this, "substring() wants an integer")
			return v, false
		}
		i := runeOffset(s, from.n)
		if from.n < 0 || i == len(s) {
			return v, false
		}
		s = s[i:]
		if length != nil {
			if w, n := length.one(c, this); n == 1 {
				if w = w.system(c); w.kind() != Integer {
					c.fail(f.pos, this, "substring() wants an integer")
					return v, false
				}
				s = s[:runeOffset(s, w.n)]
			}
		}
		return stringOf(s), true
	})
}

// pattern is a regular expression, or that it is none.
type pattern struct {
	re  *regexp.Regexp
	err error
}

// compilePattern compiles a regular expression as N1 has it: . is any character, \n among them.
func compilePattern(s string, full bool) pattern {
	if full {
		s = "^(?:" + s + ")$"
	}
	re, err := regexp.Compile("(?s)" + s)
	return pattern{re, err}
}

// pattern gives a regular expression that was made when run, and remembers some.
func (c *Context) pattern(s string, full bool) pattern {
	key := s
	if full {
		key = "^" + s
	}
	if p, ok := c.regexps[key]; ok {
		return *p
	}
	p := compilePattern(s, full)
	if c.regexps == nil || len(c.regexps) > 100 {
		c.regexps = map[string]*pattern{}
	}
	c.regexps[key] = &p
	return p
}

// fixedPattern is an argument that is a constant, compiled.
func (f *call) fixedPattern(full bool) *regexp.Regexp {
	s, ok := f.args[0].value(String)
	if !ok {
		return nil
	}
	p := compilePattern(s.s, full)
	if p.err != nil {
		fail(f.pos, "%s() wants a regular expression: %v", f.name, p.err)
	}
	return p.re
}

func buildMatches(_ *compiler, f *call) *node {
	f.checkString()
	full := f.name == "matchesFull"
	fixed := f.fixedPattern(full)
	f.args = f.args[:1]
	return f.scalar(system(Boolean), func(c *Context, this, v Value, args [2]Value) (Value, bool) {
		s, ok := f.text(c, this, v)
		if !ok {
			return v, false
		}
		re := fixed
		if re == nil {
			p := c.pattern(args[0].s, full)
			if p.err != nil || args[0].kind() != String {
				c.fail(f.pos, this, "%s() wants a regular expression", f.name)
				return v, false
			}
			re = p.re
		}
		return booleanOf(re.MatchString(s)), true
	})
}

func buildReplaceMatches(_ *compiler, f *call) *node {
	f.checkString()
	fixed := f.fixedPattern(false)
	f.args = f.args[:2]
	return f.scalar(system(String), func(c *Context, this, v Value, args [2]Value) (Value, bool) {
		s, ok := f.text(c, this, v)
		if !ok || args[0].kind() != String || args[1].kind() != String {
			return v, false
		}
		if args[0].s == "" {
			return stringOf(s), true
		}
		re := fixed
		if re == nil {
			p := c.pattern(args[0].s, false)
			if p.err != nil {
				c.fail(f.pos, this, "%s() wants a regular expression", f.name)
				return v, false
			}
			re = p.re
		}
		if len(s)*(len(args[1].s)+1) > maxText && len(re.FindAllStringIndex(s, -1))*len(args[1].s)+len(s) > maxText {
			c.fail(f.pos, this, "a text of more than %d bytes", maxText)
			return v, false
		}
		return stringOf(re.ReplaceAllString(s, args[1].s)), true
	})
}

func buildReplace(_ *compiler, f *call) *node {
	f.checkString()
	return f.scalar(system(String), func(c *Context, this, v Value, args [2]Value) (Value, bool) {
		s, ok := f.text(c, this, v)
		if !ok || args[0].kind() != String || args[1].kind() != String {
			return v, false
		}
		if strings.Count(s, args[0].s)*len(args[1].s)+len(s) > maxText {
			c.fail(f.pos, this, "a text of more than %d bytes", maxText)
			return v, false
		}
		return stringOf(strings.ReplaceAll(s, args[0].s, args[1].s)), true
	})
}

func buildSplit(_ *compiler, f *call) *node {
	f.checkString()
	in, sep := f.in, f.arg(0)
	return allNode(system(String), func(c *Context, this Value) {
		v, n := in.one(c, this)
		if n == 0 {
			return
		}
		if n > 1 {
			c.fail(f.pos, this, "%s() wants one item", f.name)
			return
		}
		s, ok := f.text(c, this, v.system(c))
		by := ""
		if sep != nil && ok {
			w, k := sep.one(c, this)
			if k != 1 {
				return
			}
			by, ok = f.text(c, this, w.system(c))
		}
		if !ok {
			return
		}
		for part := range strings.SplitSeq(s, by) {
			if !c.step(this) {
				return
			}
			c.push(stringOf(part))
		}
	})
}

// buildJoin joins the texts of all items. Of none it is nothing, or ” for views.
func buildJoin(k *compiler, f *call) *node {
	in, sep, empty := f.in, f.arg(0), k.options.JoinEmpty
	return oneNode(system(String), func(c *Context, this Value) (Value, int) {
		by := ""
		if sep != nil {
			if w, n := sep.one(c, this); n > 0 {
				by, _ = f.text(c, this, w.system(c))
			}
		}
		base := len(c.stack)
		in.all(c, this)
		items := c.stack[base:]
		c.stack = c.stack[:base]
		switch len(items) {
		case 0:
			if empty {
				return stringOf(""), 1
			}
			return Value{}, 0
		case 1:
			return stringOf(c.textOf(items[0])), 1
		}
		var b strings.Builder
		for i, v := range items {
			if i > 0 {
				b.WriteString(by)
			}
			b.WriteString(c.textOf(v))
			if b.Len() > maxText {
				c.fail(f.pos, this, "a text of more than %d bytes", maxText)
				return Value{}, 0
			}
		}
		return stringOf(b.String()), 1
	})
}

// recoded builds a function of a string and the name of a coding.
func recoded(do func(s, coding string) (string, bool)) func(*compiler, *call) *node {
	return func(_ *compiler, f *call) *node {
		return f.scalar(system(String), func(c *Context, this, v Value, args [2]Value) (Value, bool) {
			s, ok := f.text(c, this, v)
			if !ok || len(s) > maxText/6 {
				return v, false
			}
			s, ok = do(s, args[0].s)
			return stringOf(s), ok
		})
	}
}

func encode(s, coding string) (string, bool) {
	switch coding {
	case "hex":
		return hex.EncodeToString([]byte(s)), true
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(s)), true
	case "urlbase64":
		return base64.URLEncoding.EncodeToString([]byte(s)), true
	}
	return "", false
}

func decode(s, coding string) (string, bool) {
	var b []byte
	var err error
	switch coding {
	case "hex":
		b, err = hex.DecodeString(s)
	case "base64":
		b, err = base64.StdEncoding.DecodeString(s)
	case "urlbase64":
		b, err = base64.URLEncoding.DecodeString(s)
	default:
		return "", false
	}
	return string(b), err == nil && utf8.Valid(b)
}

func escape(s, coding string) (string, bool) {
	switch coding {
	case "html":
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(s), true
	case "json":
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s), true
	}
	return "", false
}

func unescape(s, coding string) (string, bool) {
	switch coding {
	case "html":
		return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#39;", "'", "&apos;", "'").Replace(s), true
	case "json":
		var out string
		if json.Unmarshal([]byte(`"`+s+`"`), &out) != nil {
			return s, true
		}
		return out, true
	}
	return "", false
}
