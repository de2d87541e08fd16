package ccda

import (
	"bytes"
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
// says, else the XML declaration, else UTF-8 (XML 1.0, appendix F).
func decode(b []byte, asked string) (text, charset string, err error) {
	switch {
	case bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		b, charset = b[3:], "utf-8"
	case bytes.HasPrefix(b, []byte("\xFE\xFF")):
		b, charset = b[2:], "utf-16be"
	case bytes.HasPrefix(b, []byte("\xFF\xFE")):
		b, charset = b[2:], "utf-16le"
	case bytes.HasPrefix(b, []byte("\x00<")):
		charset = "utf-16be"
	case bytes.HasPrefix(b, []byte("<\x00")):
		charset = "utf-16le"
	default:
		if charset = strings.ToLower(asked); charset == "" {
			charset = declared(b)
		}
	}
	switch charset {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		if at := invalidUTF8(b); at >= 0 {
			return "", charset, badByte{at}
		}
		return string(b), charset, nil
	}
	e := charsets[charset]
	if e == nil {
		return "", charset, fmt.Errorf("the character set %q is not known here", charset)
	}
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return "", charset, fmt.Errorf("the bytes are not %s", charset)
	}
	return string(out), charset, nil
}

// badByte is the offset of a byte that is not UTF-8.
type badByte struct{ at int }

func (badByte) Error() string { return "the bytes are not UTF-8" }

func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	at := 0
	for at < len(b) {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n == 1 {
			return at
		}
		at += n
	}
	return -1
}

// declared is the encoding that an XML declaration names, in lower case.
func declared(b []byte) string {
	if !bytes.HasPrefix(b, []byte("<?xml")) {
		return ""
	}
	end := bytes.Index(b[:min(len(b), 256)], []byte("?>"))
	if end < 0 {
		return ""
	}
	_, rest, ok := strings.Cut(string(b[:end]), "encoding")
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
