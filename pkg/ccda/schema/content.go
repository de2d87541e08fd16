package schema

import "slices"

// Match reports whether elements of these names, in this order, are what the type may hold. If not, at is the index of the first
// that may not stand there, or len(names) if one is missing at the end, and want are the names of which one should stand there.
//
// A content model of XML Schema is deterministic, so that the next name alone says which part of it goes on.
func (t *Type) Match(names []string) (at int, want []string, ok bool) {
	if t.Content == nil {
		return 0, nil, len(names) == 0
	}
	m := matcher{names: names}
	at, ok = m.match(t.Content, 0)
	if ok && at == len(names) {
		return at, nil, true
	}
	m = matcher{names: names, collect: true, at: at} // again, for what might have stood there
	m.match(t.Content, 0)
	return at, m.want, false
}

type matcher struct {
	names   []string
	collect bool
	at      int
	want    []string
}

// starts reports whether the i-th element is one with which p may begin.
func (m *matcher) starts(p *Particle, i int) bool {
	if m.collect && i == m.at && p.Name != "" && !slices.Contains(m.want, p.Name) {
		m.want = append(m.want, p.Name)
	}
	switch {
	case p.Name == "*":
		return i < len(m.names) && foreign(m.names[i])
	case p.Name != "":
		return i < len(m.names) && m.names[i] == p.Name
	}
	for _, q := range p.Parts {
		if m.starts(q, i) {
			return true
		}
		if !p.Choice && !q.nullable() {
			return false
		}
	}
	return false
}

// foreign reports a name of another namespace than those of CDA.
func foreign(name string) bool {
	for i := range len(name) {
		if name[i] == ':' {
			return name[:i] != "sdtc"
		}
	}
	return false
}

// nullable reports whether nothing at all is enough.
func (p *Particle) nullable() bool {
	if p.Least == 0 {
		return true
	}
	if p.Name != "" {
		return false
	}
	for _, q := range p.Parts {
		if q.nullable() == p.Choice {
			return p.Choice
		}
	}
	return !p.Choice
}

// match takes what it can for p from the i-th element on, and says whether it is enough.
func (m *matcher) match(p *Particle, i int) (int, bool) {
	n := 0
	for p.Most < 0 || n < p.Most {
		if !m.starts(p, i) {
			break
		}
		if p.Name != "" {
			i++
		} else {
			j, ok := m.once(p, i)
			if !ok {
				return j, false
			}
			i = j
		}
		n++
	}
	return i, n >= p.Least || p.nullable()
}

// once takes a group one time.
func (m *matcher) once(p *Particle, i int) (int, bool) {
	for _, q := range p.Parts {
		if p.Choice {
			if m.starts(q, i) {
				return m.match(q, i)
			}
			continue
		}
		j, ok := m.match(q, i)
		if !ok {
			return j, false
		}
		i = j
	}
	return i, true
}
