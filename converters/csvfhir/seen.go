package csvfhir

// seen remembers keys by 64 bits of them: eight bytes and a little more for each, for which millions of rows must not be too many. That two keys have
// the same bits is as good as impossible, and would only give a row an id that it need not have had.
type seen struct {
	slots []uint64
	n     int
}

// maxSeen is how many keys are remembered: what comes behind is only compared with these.
const maxSeen = 12 << 20

// add enters a key and reports whether it was there.
func (s *seen) add(h uint64) bool {
	if h == 0 {
		h = 1
	}
	if s.n*4 >= len(s.slots)*3 && s.n < maxSeen {
		s.grow()
	}
	i := s.find(h)
	if s.slots[i] == h {
		return true
	}
	if s.n < maxSeen {
		s.slots[i] = h
		s.n++
	}
	return false
}

func (s *seen) has(h uint64) bool {
	if h == 0 {
		h = 1
	}
	return len(s.slots) > 0 && s.slots[s.find(h)] == h
}

// find is the slot of h, or the free one where it belongs.
func (s *seen) find(h uint64) int {
	mask := len(s.slots) - 1
	i := int(h>>17) & mask
	for s.slots[i] != 0 && s.slots[i] != h {
		i = (i + 1) & mask
	}
	return i
}

func (s *seen) grow() {
	old := s.slots
	s.slots = make([]uint64, max(64, 2*len(old)))
	for _, h := range old {
		if h != 0 {
			s.slots[s.find(h)] = h
		}
	}
}

// hash is 64 bits of texts, FNV-1a with a last stir.
func hash(parts ...string) uint64 {
	h := uint64(14695981039346656037)
	for _, p := range parts {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>29
}
