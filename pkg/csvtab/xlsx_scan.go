package csvtab

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A scanner of the XML of workbooks: elements by their local names, attributes, text. It reads a sheet of any length through one
// buffer and allocates nothing for an element; encoding/xml takes ten times as long. It does not check what it need not know; a
// document type declaration, which could make a reader swell, is refused.

type xmlToken uint8

const (
	xmlStart xmlToken = iota + 1
	xmlEnd
	xmlText
)

var (
	errXML  = errors.New("the XML is broken")
	errBomb = errors.New("it unpacks to more than allowed")
)

// maxToken is the longest tag or text between tags.
const maxToken = 16 << 20

type xmlScanner struct {
	r     io.Reader
	buf   []byte
	pos   int
	eof   bool
	end   bool   // the element that has just begun is empty: its end comes next
	name  []byte // of the element that begins or ends, without its prefix; good until the next token
	attrs []byte // behind the name
	text  []byte // of a text, with its entities
	cdata bool   // the text has none
	depth int
}

func newXMLScanner(r io.Reader) *xmlScanner {
	return &xmlScanner{r: r, buf: make([]byte, 0, blockSize)}
}

// fill reads more behind what is left from pos on.
func (s *xmlScanner) fill() error {
	if s.eof {
		return io.ErrUnexpectedEOF
	}
	rest := len(s.buf) - s.pos
	if rest > maxToken {
		return errXML
	}
	if s.pos > 0 {
		copy(s.buf, s.buf[s.pos:])
		s.buf, s.pos = s.buf[:rest], 0
	}
	if rest == cap(s.buf) {
		s.buf = append(make([]byte, 0, 2*cap(s.buf)), s.buf...)
	}
	for range 100 {
		n, err := s.r.Read(s.buf[rest:cap(s.buf)])
		s.buf = s.buf[:rest+n]
		if err == io.EOF {
			s.eof = true
			if n > 0 {
				return nil
			}
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}

// find is the offset from pos of b at or behind from, reading on as needed.
func (s *xmlScanner) find(b string, from int) (int, error) {
	for {
		if at := s.pos + from; at < len(s.buf) {
			if i := bytes.Index(s.buf[at:], []byte(b)); i >= 0 {
				return from + i, nil
			}
			from = max(from, len(s.buf)-s.pos-len(b)+1)
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

func (s *xmlScanner) findByte(c byte, from int) (int, error) {
	for {
		if i := bytes.IndexByte(s.buf[min(s.pos+from, len(s.buf)):], c); i >= 0 {
			return from + i, nil
		}
		from = max(from, len(s.buf)-s.pos)
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// next is the next token; io.EOF at the end of the document.
func (s *xmlScanner) next() (xmlToken, error) {
	if s.end {
		s.end = false
		s.depth--
		return xmlEnd, nil
	}
	for {
		i, err := s.findByte('<', 0)
		if err == io.ErrUnexpectedEOF && s.depth == 0 {
			return 0, io.EOF
		} else if err != nil {
			return 0, err
		}
		if i > 0 {
			s.text, s.cdata = s.buf[s.pos:s.pos+i], false
			s.pos += i
			if s.depth > 0 {
				return xmlText, nil
			}
			continue
		}
		for len(s.buf)-s.pos < 9 && !s.eof {
			if err := s.fill(); err != nil && err != io.ErrUnexpectedEOF {
				return 0, err
			}
		}
		tag := s.buf[s.pos:]
		switch {
		case bytes.HasPrefix(tag, []byte("<!--")):
			if i, err = s.find("-->", 4); err != nil {
				return 0, err
			}
			s.pos += i + 3
			continue
		case bytes.HasPrefix(tag, []byte("<![CDATA[")):
			if i, err = s.find("]]>", 9); err != nil {
				return 0, err
			}
			s.text, s.cdata = s.buf[s.pos+9:s.pos+i], true
			s.pos += i + 3
			return xmlText, nil
		case bytes.HasPrefix(tag, []byte("<?")):
			if i, err = s.find("?>", 2); err != nil {
				return 0, err
			}
			s.pos += i + 2
			continue
		case bytes.HasPrefix(tag, []byte("<!")):
			return 0, errXML
		}
		if i, err = s.tagEnd(); err != nil {
			return 0, err
		}
		body := s.buf[s.pos+1 : s.pos+i]
		s.pos += i + 1
		if len(body) == 0 {
			return 0, errXML
		}
		if body[0] == '/' {
			s.name = local(bytes.TrimRight(body[1:], " \t\r\n"))
			if s.depth--; s.depth < 0 {
				return 0, errXML
			}
			return xmlEnd, nil
		}
		if body[len(body)-1] == '/' {
			s.end, body = true, body[:len(body)-1]
		}
		n := 0
		for n < len(body) && body[n] > ' ' {
			n++
		}
		s.name, s.attrs = local(body[:n]), body[n:]
		if s.depth++; s.depth > 200 {
			return 0, errXML
		}
		return xmlStart, nil
	}
}

// tagEnd is the offset of the > that ends the tag at pos: not one within the quotes of an attribute.
func (s *xmlScanner) tagEnd() (int, error) {
	from := 1
	for {
		i, err := s.findByte('>', from)
		if err != nil {
			return 0, err
		}
		open := byte(0)
		for _, c := range s.buf[s.pos+1 : s.pos+i] {
			switch {
			case c != '"' && c != '\'':
			case open == 0:
				open = c
			case open == c:
				open = 0
			}
		}
		if open == 0 {
			return i, nil
		}
		from = i + 1
	}
}

func local(name []byte) []byte {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[i+1:]
	}
	return name
}

// attr is the value of an attribute of the element that has just begun, by its local name.
func (s *xmlScanner) attr(name string) string {
	a := s.rawAttr(name)
	if bytes.IndexByte(a, '&') < 0 {
		return string(a)
	}
	return string(unescapeXML(nil, a))
}

// rawAttr is the value with its entities; good until the next token.
func (s *xmlScanner) rawAttr(name string) []byte {
	b := s.attrs
	for {
		eq := bytes.IndexByte(b, '=')
		if eq < 0 {
			return nil
		}
		key := local(bytes.TrimSpace(b[:eq]))
		b = bytes.TrimLeft(b[eq+1:], " \t\r\n")
		if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
			return nil
		}
		end := bytes.IndexByte(b[1:], b[0])
		if end < 0 {
			return nil
		}
		if string(key) == name {
			return b[1 : 1+end]
		}
		b = b[end+2:]
	}
}

// cellAttrs are the attributes r, t and s of a cell, found in one go: a sheet is made of them. They are good until the next token.
func (s *xmlScanner) cellAttrs() (ref, kind, style []byte) {
	b := s.attrs
	for {
		eq := bytes.IndexByte(b, '=')
		if eq < 1 || eq+1 == len(b) {
			return ref, kind, style
		}
		quote := b[eq+1]
		end := -1
		if quote == '"' || quote == '\'' {
			end = bytes.IndexByte(b[eq+2:], quote)
		}
		if end < 0 { // blanks about the =, as nobody writes them
			return s.rawAttr("r"), s.rawAttr("t"), s.rawAttr("s")
		}
		if val := b[eq+2 : eq+2+end]; eq == 1 || b[eq-2] <= ' ' {
			switch b[eq-1] {
			case 'r':
				ref = val
			case 't':
				kind = val
			case 's':
				style = val
			}
		}
		b = b[eq+end+3:]
	}
}

// is reports the name of the element that begins or ends.
func (s *xmlScanner) is(name string) bool { return string(s.name) == name }

// appendText appends the text token without entities.
func (s *xmlScanner) appendText(dst []byte) []byte {
	if s.cdata || bytes.IndexByte(s.text, '&') < 0 && bytes.IndexByte(s.text, '\r') < 0 {
		return append(dst, s.text...)
	}
	return unescapeXML(dst, s.text)
}

// unescapeXML appends text without entities, with line ends as XML has them (XML 1.0, 2.11). What is no entity stays as it is.
func unescapeXML(dst, b []byte) []byte {
	for len(b) > 0 {
		i := bytes.IndexAny(b, "&\r")
		if i < 0 {
			return append(dst, b...)
		}
		dst = append(dst, b[:i]...)
		if b = b[i:]; b[0] == '\r' {
			if b = b[1:]; len(b) == 0 || b[0] != '\n' {
				dst = append(dst, '\n')
			}
			continue
		}
		end := bytes.IndexByte(b[:min(len(b), 12)], ';')
		if end < 0 {
			dst, b = append(dst, '&'), b[1:]
			continue
		}
		switch name := string(b[1:end]); name {
		case "amp":
			dst = append(dst, '&')
		case "lt":
			dst = append(dst, '<')
		case "gt":
			dst = append(dst, '>')
		case "quot":
			dst = append(dst, '"')
		case "apos":
			dst = append(dst, '\'')
		default:
			n, base := strings.TrimPrefix(name, "#"), 10
			if strings.HasPrefix(n, "x") {
				n, base = n[1:], 16
			}
			r, err := strconv.ParseUint(n, base, 32)
			if err != nil || len(n) == len(name) || !utf8.ValidRune(rune(r)) {
				dst, b = append(dst, '&'), b[1:]
				continue
			}
			dst = utf8.AppendRune(dst, rune(r))
		}
		b = b[end+1:]
	}
	return dst
}

// unescapeX appends a text without the _xHHHH_ with which workbooks write what XML cannot hold.
func unescapeX(b []byte, from int) []byte {
	i := bytes.Index(b[from:], []byte("_x"))
	if i < 0 {
		return b
	}
	out := b[:from+i]
	for rest := b[from+i:]; len(rest) > 0; {
		if rest[0] == '_' && len(rest) >= 7 && isEscape(string(rest[:7])) {
			r, _ := strconv.ParseUint(string(rest[2:6]), 16, 32)
			if utf8.ValidRune(rune(r)) { // writes no more than it has read
				rest = rest[7:]
				out = utf8.AppendRune(out, rune(r))
				continue
			}
		}
		out, rest = append(out, rest[0]), rest[1:]
	}
	return out
}

// limited ends with errBomb where a member is longer than allowed.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errBomb
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}
