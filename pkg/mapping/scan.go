package mapping

import (
	"strings"
)

// scanner cuts one line into columns.
type scanner struct {
	line  string
	at    int // where the rest begins: at a column or the end
	from  int // where the last column began
	bad   string
	hint  string
	badAt int
}

func (s *scanner) reset(line string) {
	*s = scanner{line: line}
	s.blanks()
}

func (s *scanner) blanks() {
	for s.at < len(s.line) && (s.line[s.at] == ' ' || s.line[s.at] == '\t') {
		s.at++
	}
}

func (s *scanner) end() bool { return s.at == len(s.line) }

// skip leaves out the word at hand, a keyword.
func (s *scanner) skip() {
	s.from = s.at
	s.at += len(word(s.line[s.at:]))
	s.blanks()
}

// note is what stands behind the # at hand, "" if there is none.
func (s *scanner) note() string {
	if s.end() || s.line[s.at] != '#' {
		return ""
	}
	return strings.Trim(s.line[s.at:], "# \t")
}

// reason is the rest of the line; that it is written as a note is no fault.
func (s *scanner) reason() string {
	return strings.TrimRight(strings.TrimLeft(s.line[s.at:], "# \t"), " \t")
}

// column is the next column; false at the end, before a note and at a fault.
func (s *scanner) column() (string, bool) {
	if s.bad != "" || s.end() || s.line[s.at] == '#' {
		return "", false
	}
	s.from = s.at
	line, i := s.line, s.at
	var open [16]int // where the brackets at hand were opened
	depth := 0
scan:
	for i < len(line) {
		switch c := line[i]; c {
		case ' ', '\t':
			if depth == 0 {
				break scan
			}
		case '\'', '"':
			end := strings.IndexByte(line[i+1:], c)
			if end < 0 {
				return s.fault(i, "close it, or put a word that holds it in quotes and double it", "the quote "+string(c)+" is not closed")
			}
			i += end + 1
		case '[', '(':
			if depth == len(open) {
				return s.fault(i, "", "brackets are nested too deep")
			}
			open[depth] = i
			depth++
		case ']', ')':
			if depth == 0 {
				return s.fault(i, "quote a word that holds one", string(c)+" closes nothing")
			}
			if want := line[open[depth-1]]; want == '[' && c != ']' || want == '(' && c != ')' {
				return s.fault(i, "", string(c)+" closes "+string(want))
			}
			depth--
		case 0xc2:
			if i+1 < len(line) && line[i+1] == 0xa0 {
				return s.fault(i, "type a plain blank in its place", "a no-break space stands here")
			}
		case 0xe2:
			for _, q := range [...]string{"\u2018", "\u2019", "\u201c", "\u201d"} {
				if strings.HasPrefix(line[i:], q) {
					return s.fault(i, "type ' or \" in its place", "a typographic quote stands here")
				}
			}
		default:
			if c < ' ' || c == 0x7f {
				return s.fault(i, "remove it", "a control character stands here")
			}
		}
		i++
	}
	if depth > 0 {
		return s.fault(open[depth-1], "", "the bracket "+string(line[open[depth-1]])+" is not closed")
	}
	col := line[s.at:i]
	s.at = i
	s.blanks()
	return col, true
}

func (s *scanner) fault(at int, hint, msg string) (string, bool) {
	s.bad, s.hint, s.badAt = msg, hint, at
	return "", false
}

// near is a hint at the one of the words that s was probably meant to be, "" if none is near.
func near(s string, words []string) string {
	best, at := 3, ""
	for _, w := range words {
		if d := Distance(s, w); d < best && d < len(w) && d <= max(1, len(w)/2) {
			best, at = d, w
		}
	}
	if at == "" {
		return ""
	}
	return "did you mean " + at + "?"
}

// Distance is how many letters must be put in, left out, changed or swapped with their neighbour to make a of b.
func Distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var rows [3][65]int
	before, prev, cur := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := range len(a) {
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if lower(a[i]) == lower(b[j]) {
				cost = 0
			}
			cur[j+1] = min(prev[j]+cost, prev[j+1]+1, cur[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cur[j+1] = min(cur[j+1], before[j-1]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
