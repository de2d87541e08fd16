package ccda

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

var charsets = map[string]encoding.Encoding{
	"utf-16": unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "utf-16be": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"utf-16le":   unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"iso-8859-1": charmap.ISO8859_1, "latin1": charmap.ISO8859_1, "iso-8859-2": charmap.ISO8859_2, "iso-8859-3": charmap.ISO8859_3,
	"iso-8859-4": charmap.ISO8859_4, "iso-8859-5": charmap.ISO8859_5, "iso-8859-6": charmap.ISO8859_6, "iso-8859-7": charmap.ISO8859_7,
	"iso-8859-8": charmap.ISO8859_8, "iso-8859-9": charmap.ISO8859_9, "iso-8859-10": charmap.ISO8859_10, "iso-8859-13": charmap.ISO8859_13,
	"iso-8859-14": charmap.ISO8859_14, "iso-8859-15": charmap.ISO8859_15, "iso-8859-16": charmap.ISO8859_16,
	"windows-1252": charmap.Windows1252, "cp1252": charmap.Windows1252, "windows-1250": charmap.Windows1250,
}

// decode is a source as UTF-8 text, without a byte order mark, and the name of what it was in: the mark, else what asked
// says, else the XML declaration, else UTF-8 (XML 1.0, appendix F). A text of UTF-8 is not copied.
func decode(s, asked string) (text, charset string, err error) {
	switch {
	case strings.HasPrefix(s, "\xEF\xBB\xBF"):
		s, charset = s[3:], "utf-8"
	case strings.HasPrefix(s, "\xFE\xFF"):
		s, charset = s[2:], "utf-16be"
	case strings.HasPrefix(s, "\xFF\xFE"):
		s, charset = s[2:], "utf-16le"
	case strings.HasPrefix(s, "\x00<"):
		charset = "utf-16be"
	case strings.HasPrefix(s, "<\x00"):
		charset = "utf-16le"
	default:
		if charset = strings.ToLower(asked); charset == "" {
			charset = declared(s)
		}
	}
	switch charset {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		if at := invalidUTF8(s); at >= 0 {
			return "", charset, badByte{at}
		}
		return s, charset, nil
	}
	e := charsets[charset]
	if e == nil {
		return "", charset, fmt.Errorf("the character set %q is not known here", charset)
	}
	out, err := e.NewDecoder().String(s)
	if err != nil {
		return "", charset, fmt.Errorf("the bytes are not %s", charset)
	}
	return out, charset, nil
}

// badByte is the offset of a byte that is not UTF-8.
type badByte struct{ at int }

func (badByte) Error() string { return "the bytes are not UTF-8" }

func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	at := 0
	for at < len(s) {
		r, n := utf8.DecodeRuneInString(s[at:])
		if r == utf8.RuneError && n == 1 {
			return at
		}
		at += n
	}
	return -1
}

// declared is the encoding that an XML declaration names, in lower case.
func declared(s string) string {
	if !strings.HasPrefix(s, "<?xml") {
		return ""
	}
	end := strings.Index(s[:min(len(s), 256)], "?>")
	if end < 0 {
		return ""
	}
	_, rest, ok := strings.Cut(s[:end], "encoding")
	if !ok {
		return ""
	}
	rest = strings.TrimLeft(rest, " \t\r\n=")
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	name, _, _ := strings.Cut(rest[1:], rest[:1])
	return strings.ToLower(name)
}
