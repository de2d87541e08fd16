package hl7v2

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// A charset is a character set of table 0211. Its encoding is nil if it is UTF-8 or a part of it.
type charset struct {
	name string // as table 0211 has it
	enc  encoding.Encoding
}

var (
	utf8Set = &charset{name: "UNICODE UTF-8"}
	ascii   = &charset{name: "ASCII"}
	// windows1252 is what most senders of undeclared text have. It has a character for each byte, so nothing gets lost.
	windows1252 = &charset{"windows-1252", charmap.Windows1252}
	// QUIRK: 8859/1 is read as Windows-1252, as browsers do: they differ in 0x80 to 0x9F, which are controls in the one
	// and in the other the quotes and dashes that word processors write.
	latin1       = &charset{"8859/1", charmap.Windows1252}
	strictLatin1 = &charset{"8859/1", charmap.ISO8859_1} // for writing
	utf16        = &charset{"UNICODE UTF-16", unicode.UTF16(unicode.BigEndian, unicode.UseBOM)}
	utf32s       = &charset{"UNICODE UTF-32", utf32.UTF32(utf32.BigEndian, utf32.UseBOM)}
	shiftJIS     = &charset{"Shift_JIS", japanese.ShiftJIS}
	iso2022jp    = &charset{"ISO IR87", japanese.ISO2022JP}
)

// lookupCharset finds a character set by its name in table 0211 or one that senders use for it, nil if nobody knows it.
func lookupCharset(name string) *charset {
	key := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 32
		case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
	switch key {
	case "ASCII", "USASCII", "ISOIR6", "ISO646", "ANSIX34", "ANSIX341986":
		return ascii
	case "UNICODEUTF8", "UTF8", "UNICODE", "ISO10646UTF8", "65001":
		return utf8Set
	case "UNICODEUTF16", "UTF16":
		return utf16
	case "UNICODEUTF32", "UTF32":
		return utf32s
	case "88591", "ISO88591", "LATIN1", "ISOLATIN1", "ISOIR100":
		return latin1
	case "WINDOWS1252", "CP1252", "1252", "ANSI", "WINDOWSCP1252":
		return windows1252
	case "ISOIR87", "ISOIR159", "ISOIR14", "ISOIR13", "ISO2022JP", "JIS":
		return iso2022jp
	case "SHIFTJIS", "SJIS", "WINDOWS31J", "MS932", "CP932":
		return shiftJIS
	case "EUCJP":
		return &charset{"EUC-JP", japanese.EUCJP}
	}
	for _, m := range [...]struct {
		n   string
		enc *charmap.Charmap
	}{{"2", charmap.ISO8859_2}, {"3", charmap.ISO8859_3}, {"4", charmap.ISO8859_4}, {"5", charmap.ISO8859_5}, {"6", charmap.ISO8859_6},
		{"7", charmap.ISO8859_7}, {"8", charmap.ISO8859_8}, {"9", charmap.ISO8859_9}, {"10", charmap.ISO8859_10},
		{"13", charmap.ISO8859_13}, {"14", charmap.ISO8859_14}, {"15", charmap.ISO8859_15}, {"16", charmap.ISO8859_16}} {
		if key == "8859"+m.n || key == "ISO8859"+m.n {
			return &charset{"8859/" + m.n, m.enc}
		}
	}
	for _, m := range [...]struct {
		key string
		enc *charmap.Charmap
	}{{"1250", charmap.Windows1250}, {"1251", charmap.Windows1251}, {"437", charmap.CodePage437}, {"850", charmap.CodePage850}} {
		if key == "WINDOWS"+m.key || key == "CP"+m.key || key == m.key {
			return &charset{"windows-" + m.key, m.enc}
		}
	}
	return nil
}

// decode reads bytes as text, and reports whether each of them had a meaning.
func (c *charset) decode(s string) (string, bool) {
	if c.enc == nil {
		if utf8.ValidString(s) {
			return s, true
		}
		return strings.ToValidUTF8(s, "\uFFFD"), false
	}
	if c.enc == charmap.Windows1252 {
		return decode1252(s), true
	}
	text, err := c.enc.NewDecoder().String(s)
	return text, err == nil && !strings.Contains(text, "\uFFFD")
}

// encode writes text from position at of dst in the character set, and reports whether it has all the characters. If not,
// dst is as it was.
func (c *charset) encode(dst []byte, at int) ([]byte, bool) {
	if c.enc == nil {
		if c == ascii {
			for _, b := range dst[at:] {
				if b >= utf8.RuneSelf {
					return dst, false
				}
			}
		}
		return dst, true
	}
	if c.enc == charmap.Windows1252 {
		return encode1252(dst, at)
	}
	b, err := c.enc.NewEncoder().Bytes(dst[at:])
	if err != nil {
		return dst, false
	}
	return append(dst[:at], b...), true
}

// decode1252 reads Windows-1252. QUIRK: five of its bytes have no character; they are read as the controls of 8859/1, so that
// they can be given back.
func decode1252(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/4)
	for i := range len(s) {
		r := charmap.Windows1252.DecodeByte(s[i])
		if r == utf8.RuneError {
			r = rune(s[i])
		}
		b.WriteRune(r)
	}
	return b.String()
}

func encode1252(dst []byte, at int) ([]byte, bool) {
	out := make([]byte, 0, len(dst)-at)
	for _, r := range string(dst[at:]) {
		b, ok := charmap.Windows1252.EncodeRune(r)
		if !ok && r < 0x100 && charmap.Windows1252.DecodeByte(byte(r)) == utf8.RuneError {
			b, ok = byte(r), true
		}
		if !ok {
			return dst, false
		}
		out = append(out, b)
	}
	return append(dst[:at], out...), true
}

// decodeBytes reads the bytes of \X..\ escapes in the message's character set.
func (p *Parser) decodeBytes(b []byte) (string, bool) {
	c := p.charset
	if c == utf16 || c == utf32s { // the reader has made UTF-8 of it; the bytes are those of one character of the text
		text, ok := (&charset{enc: unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)}).decode(string(b))
		if ok && len(b)%2 == 0 {
			return text, true
		}
		c = windows1252
	}
	if c.enc == nil && !utf8.Valid(b) {
		text, _ := windows1252.decode(string(b))
		return text, false
	}
	return c.decode(string(b))
}

// switched decodes what follows a charset switch \Cxxyy\ or \Mxxyyzz\ up to the end of the token (2.14.9). The bytes are
// those of an ISO 2022 escape sequence: 2842 is ESC ( B, ASCII; 2442 is ESC $ B, JIS X 0208; 2D42 is ESC - B, the upper half
// of 8859/2.
func (p *Parser) switched(body, rest string) (string, bool) {
	esc := p.delims.Escape
	var out strings.Builder
	for {
		b := make([]byte, 0, 3)
		for i := 1; i+1 < len(body); i += 2 {
			b = append(b, unhex(body[i])<<4|unhex(body[i+1]))
		}
		// the text up to the next switch
		end, next, after := len(rest), "", ""
		for i := 0; i < len(rest); i++ {
			if rest[i] != esc {
				continue
			}
			j := strings.IndexByte(rest[i+1:], esc)
			if j < 0 {
				break
			}
			if in := rest[i+1 : i+1+j]; in != "" && (in[0] == 'C' && hex(in[1:], 4, 4) || in[0] == 'M' && hex(in[1:], 4, 6)) {
				end, next, after = i, in, rest[i+2+j:]
				break
			}
		}
		text := rest[:end]
		switch {
		case b[0] == 0x28 || b[0] == 0x24: // G0: 7-bit bytes
			t, err := japanese.ISO2022JP.NewDecoder().String("\x1b" + string(b) + text)
			if err != nil || strings.Contains(t, "\uFFFD") {
				return "", false
			}
			out.WriteString(p.separators(t))
		case b[0] == 0x2D: // G1: the upper half of a part of 8859
			part := map[byte]string{'A': "8859/1", 'B': "8859/2", 'C': "8859/3", 'D': "8859/4", 'L': "8859/5", 'G': "8859/6", 'F': "8859/7",
				'H': "8859/8", 'M': "8859/9", 'b': "8859/15"}[b[1]]
			c := lookupCharset(part)
			if c == nil {
				return "", false
			}
			bytes := text
			if from := p.charset; from.enc != nil { // back to the bytes that the sender wrote
				e, ok := from.encode([]byte(text), 0)
				if !ok {
					return "", false
				}
				bytes = string(e)
			} else if strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
				return "", false
			}
			t, ok := c.decode(bytes)
			if !ok {
				return "", false
			}
			out.WriteString(p.separators(t))
		default:
			return "", false
		}
		if next == "" {
			break
		}
		body, rest = next, after
	}
	if out.Len() == 0 {
		return "", false
	}
	return out.String(), true
}

// separators decodes the escapes of the separators in what follows a charset switch.
func (p *Parser) separators(s string) string {
	d := &p.delims
	if strings.IndexByte(s, d.Escape) < 0 {
		return s
	}
	e := string(rune(d.Escape))
	return strings.NewReplacer(e+"F"+e, string(rune(d.Field)), e+"S"+e, string(rune(d.Component)), e+"R"+e, string(rune(d.Repetition)),
		e+"T"+e, string(rune(d.Subcomponent)), e+"E"+e, e).Replace(s)
}
