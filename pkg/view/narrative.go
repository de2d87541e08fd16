package view

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir/xhtml"
)

// A narrative is what the author of a document signed, so it is shown as it stands: its text, lists and tables. Nothing of its markup is
// passed on: a tag of the list below is written anew, with the few attributes that matter to a table; all others leave their text behind.
// Styles, ids, links, addresses of pictures, forms, scripts and handlers have no way through.

// narrativeTags maps what may be in a narrative to what is written.
var narrativeTags = map[string]string{"p": "p", "div": "div", "br": "br", "b": "strong", "strong": "strong", "i": "em", "em": "em", "u": "span", "sub": "sub", "sup": "sup",
	"span": "span", "pre": "pre", "code": "code", "tt": "code", "samp": "code", "kbd": "code", "blockquote": "blockquote", "q": "q", "cite": "cite", "dfn": "dfn",
	"abbr": "abbr", "acronym": "abbr", "big": "span", "small": "small", "hr": "hr", "address": "div",
	"h1": "h4", "h2": "h4", "h3": "h4", "h4": "h4", "h5": "h5", "h6": "h6", "ul": "ul", "ol": "ol", "li": "li", "dl": "dl", "dt": "dt", "dd": "dd",
	"table": "table", "caption": "caption", "thead": "thead", "tbody": "tbody", "tfoot": "tfoot", "tr": "tr", "th": "th", "td": "td"}

// narrative writes the content of a Narrative's div.
func (w *writer) narrative(div string) {
	for _, f := range xhtml.Check(div) {
		if f.Kind == xhtml.Malformed || f.Kind == xhtml.Root { // where its elements end nobody knows
			w.element("p", strings.Join(strings.Fields(textOf(div)), " "))
			return
		}
	}
	var ends []bool // of each open element: whether it was written
	drop := 0       // how deep below an element whose content is not text to read
	for s := div; s != ""; {
		if s[0] != '<' {
			text, rest := s, ""
			if i := strings.IndexByte(s, '<'); i >= 0 {
				text, rest = s[:i], s[i:]
			}
			if drop == 0 {
				w.text(unescape(text))
			}
			s = rest
			continue
		}
		switch {
		case strings.HasPrefix(s, "<!--"):
			_, s, _ = strings.Cut(s, "-->")
			continue
		case strings.HasPrefix(s, "<![CDATA["):
			text, rest, _ := strings.Cut(s[len("<![CDATA["):], "]]>")
			if drop == 0 {
				w.text(text)
			}
			s = rest
			continue
		case strings.HasPrefix(s, "<?"), strings.HasPrefix(s, "<!"):
			_, s, _ = strings.Cut(s, ">")
			continue
		case strings.HasPrefix(s, "</"):
			_, s, _ = strings.Cut(s, ">")
			if n := len(ends) - 1; n >= 0 {
				if drop > 0 {
					drop--
				} else if ends[n] {
					w.end()
				}
				ends = ends[:n]
			}
			continue
		}
		tag, attrs, empty, rest := readTag(s)
		s = rest
		if drop == 0 && tag == "img" {
			w.image(attrs)
		}
		out := narrativeTags[tag]
		switch {
		case drop > 0 && empty:
		case drop > 0 || tag == "script" || tag == "style":
			if !empty {
				drop++
				ends = append(ends, false)
			}
		case out == "" || void(out):
			if out != "" {
				w.start(out)
			}
			if !empty {
				ends = append(ends, false)
			}
		default:
			w.start(out, "?colspan", span(attrs["colspan"]), "?rowspan", span(attrs["rowspan"]), "?scope", scope(out, attrs["scope"]))
			if empty {
				w.end()
			} else {
				ends = append(ends, true)
			}
		}
	}
}

// span is a number of columns or rows, if it is one.
func span(s string) string {
	if n, err := strconv.Atoi(s); err == nil && n > 1 && n <= 1000 {
		return strconv.Itoa(n)
	}
	return ""
}

func scope(tag, s string) string {
	if tag != "th" {
		return ""
	}
	switch s {
	case "row", "col", "rowgroup", "colgroup":
		return s
	}
	return "col"
}

// image shows a picture that is in the narrative itself, and of any other its description.
func (w *writer) image(attrs map[string]string) {
	alt := attrs["alt"]
	if rest, ok := strings.CutPrefix(attrs["src"], "data:"); ok {
		media, data, ok := strings.Cut(rest, ";base64,")
		if raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data), "")); ok && err == nil && visible[media] {
			w.start("img", "src", "data:"+media+";base64,"+base64.StdEncoding.EncodeToString(raw), "alt", alt)
			return
		}
	}
	w.text(strings.TrimSuffix("[picture: "+alt, ": ") + "]")
}

// readTag reads a start tag of well-formed XML.
func readTag(s string) (tag string, attrs map[string]string, empty bool, rest string) {
	i := 1
	for i < len(s) && !strings.ContainsRune(" \t\r\n/>", rune(s[i])) {
		i++
	}
	tag, s = strings.ToLower(s[1:i]), s[i:]
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		switch {
		case s == "":
			return tag, attrs, true, ""
		case s[0] == '>':
			return tag, attrs, empty, s[1:]
		case s[0] == '/':
			empty, s = true, s[1:]
			continue
		}
		name, after, ok := strings.Cut(s, "=")
		after = strings.TrimLeft(after, " \t\r\n")
		if !ok || after == "" {
			return tag, attrs, true, ""
		}
		value, end, ok := strings.Cut(after[1:], after[:1])
		if !ok {
			return tag, attrs, true, ""
		}
		if attrs == nil {
			attrs = map[string]string{}
		}
		attrs[strings.ToLower(strings.TrimSpace(name))] = unescape(value)
		s = end
	}
}

// unescape resolves the references that XML has. Whatever comes of it is escaped again when it is written.
func unescape(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		name, rest, ok := strings.Cut(s[i+1:], ";")
		r := map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}[name]
		if digits, num := strings.CutPrefix(name, "#"); num && ok {
			base := 10
			if hex, x := strings.CutPrefix(strings.ToLower(digits), "x"); x {
				digits, base = hex, 16
			}
			if n, err := strconv.ParseUint(digits, base, 21); err == nil {
				r = string(rune(n))
			}
		}
		if !ok || r == "" {
			b.WriteByte('&')
			s = s[i+1:]
			continue
		}
		b.WriteString(r)
		s = rest
	}
}

// textOf is the text between tags.
func textOf(s string) string {
	var b strings.Builder
	for s != "" {
		before, after, _ := strings.Cut(s, "<")
		b.WriteString(unescape(before))
		b.WriteByte(' ')
		_, s, _ = strings.Cut(after, ">")
	}
	return b.String()
}
