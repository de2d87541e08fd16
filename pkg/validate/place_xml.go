package validate

import "strings"

// locateXML is locate for a text in FHIR's XML: the start of the element to which a path leads, or of the last one on the way there
// is. What is an attribute there (an id, an extension's url) stands with its element.
func locateXML(text string, path []step) int {
	at := nextTag(text, 0)
	for _, s := range path {
		name := s.name
		if s.json != "" {
			name = s.json
		}
		child := childXML(text, at, name, max(s.n, 0))
		if child < 0 {
			return at
		}
		at = child
		if name == "resource" || name == "contained" { // which hold the resource's own element
			if inner := childXML(text, at, "", 0); inner >= 0 {
				at = inner
			}
		}
	}
	return at
}

// childXML is where the n-th child of a name begins in the element that begins at an offset; any child if the name is empty.
func childXML(text string, at int, name string, n int) int {
	i, empty := tagEnd(text, at)
	if empty {
		return -1
	}
	for depth := 0; ; {
		if i = nextTag(text, i); i >= len(text) {
			return -1
		}
		if strings.HasPrefix(text[i:], "</") {
			if depth == 0 {
				return -1
			}
			depth--
			i++
			continue
		}
		if depth == 0 {
			if tag := tagName(text[i+1:]); name == "" || tag == name {
				if n == 0 {
					return i
				}
				n--
			}
		}
		if i, empty = tagEnd(text, i); !empty {
			depth++
		}
	}
}

// nextTag is the offset of the next start or end tag from i on, behind comments and the like; the length of the text if there is none.
func nextTag(text string, i int) int {
	for {
		j := strings.IndexByte(text[min(i, len(text)):], '<')
		if j < 0 {
			return len(text)
		}
		i += j
		end := ""
		switch rest := text[i:]; {
		case strings.HasPrefix(rest, "<!--"):
			end = "-->"
		case strings.HasPrefix(rest, "<![CDATA["):
			end = "]]>"
		case strings.HasPrefix(rest, "<?"):
			end = "?>"
		default:
			return i
		}
		if j = strings.Index(text[i:], end); j < 0 {
			return len(text)
		}
		i += j + len(end)
	}
}

// tagEnd is the offset behind the start tag at i, and whether it is an end as well.
func tagEnd(text string, i int) (end int, empty bool) {
	quote := byte(0)
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1, text[i-1] == '/'
		}
	}
	return len(text), true
}

// tagName is the name of the element whose tag goes on with s, without a prefix.
func tagName(s string) string {
	s = s[:strings.IndexAny(s+">", " \t\r\n/>")]
	if _, local, ok := strings.Cut(s, ":"); ok {
		return local
	}
	return s
}
