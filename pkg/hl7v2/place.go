package hl7v2

import (
	"strings"
	"sync"

	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
)

// validPath reports whether a path of step names can exist in a message: groups and segments that the dictionary knows or
// that a site may define (Z..), then numbers that some version has. A path may begin anywhere: with a field's number in
// the table of a segment, a component's in that of a datatype.
func validPath(path []string) bool {
	i := 0
	for i < len(path) && !digit(first(path[i])) {
		i++
	}
	for _, s := range path {
		if strings.HasSuffix(s, "*") {
			return true // all names that begin so
		}
	}
	if i == 0 { // within a segment or datatype that the path does not name
		for _, s := range path {
			if atoi(s) == 0 {
				return false
			}
		}
		return true
	}
	name := path[i-1]
	for _, s := range path[:i-1] {
		if isSegmentName(s) && schema.SegmentIn(s, "") != nil && s != "PSG" {
			return false // nothing but fields is below a segment
		}
	}
	numbers := path[i:]
	for _, s := range numbers {
		if atoi(s) == 0 {
			return false
		}
	}
	if len(numbers) > 3 {
		return false
	}
	switch {
	case first(name) == 'Z' && isSegmentName(name), name == StrayName:
		return true
	case isSegmentName(name) && schema.SegmentIn(name, "") != nil:
		if len(numbers) == 0 {
			return true
		}
		return anyVersion(func(v string) bool {
			s := schema.SegmentIn(name, v)
			n := atoi(numbers[0])
			return n <= len(s.Fields) && validBelow(s.Fields[n-1].Datatype, v, numbers[1:])
		})
	}
	if dt := schema.DatatypeIn(name, ""); dt != nil {
		return len(numbers) == 0 || anyVersion(func(v string) bool { return validBelow(name, v, numbers) })
	}
	return len(numbers) == 0 && groupNames()[name]
}

func anyVersion(f func(string) bool) bool {
	for _, v := range schema.Versions() {
		if f(v) {
			return true
		}
	}
	return false
}

// validBelow reports whether a datatype has such components. A primitive is its own first component.
func validBelow(datatype, version string, numbers []string) bool {
	if len(numbers) == 0 || datatype == "VARIES" || datatype == "" {
		return true
	}
	dt := schema.DatatypeIn(datatype, version)
	if dt == nil || len(dt.Components) == 0 {
		for _, n := range numbers {
			if n != "1" {
				return false
			}
		}
		return true
	}
	n := atoi(numbers[0])
	return n <= len(dt.Components) && validBelow(dt.Components[n-1].Datatype, version, numbers[1:])
}

// groupNames are the names of the groups of all structures.
var groupNames = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	var add func(*schema.Part)
	add = func(p *schema.Part) {
		if !p.IsSegment() && !p.Choice {
			m[p.Name] = true
		}
		for _, k := range p.Parts {
			add(k)
		}
	}
	for _, id := range schema.Structures() {
		add(schema.Structure(id))
	}
	return m
})
