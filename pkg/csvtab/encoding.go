package csvtab

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	xunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// An encoding is how the bytes of a text are read.
type encoding struct {
	name  string // as Dialect has it
	order byte   // 'l' or 'b' of UTF-16
	mixed bool   // UTF-8, and where that fails Windows-1252
	table *charmap.Charmap
}

var utf8Encoding = &encoding{name: "UTF-8"}

// encodings are what --encoding knows, by name without punctuation, in lower case.
var encodings = map[string]*encoding{
	"utf8": utf8Encoding, "utf8sig": utf8Encoding, "ascii": utf8Encoding, "usascii": utf8Encoding,
	"utf16": {name: "UTF-16LE", order: 'l'}, "utf16le": {name: "UTF-16LE", order: 'l'}, "utf16be": {name: "UTF-16BE", order: 'b'},
	// QUIRK: ISO-8859-1 is read as Windows-1252, as browsers do: they differ in 0x80 to 0x9F, controls in the one and the quotes and
	// dashes of word processors in the other.
	"windows1252": windows1252, "cp1252": windows1252, "ansi": windows1252, "latin1": windows1252, "iso88591": windows1252,
	"macroman": macRoman, "macintosh": macRoman, "mac": macRoman,
	"iso885915": {name: "ISO-8859-15", table: charmap.ISO8859_15}, "latin9": {name: "ISO-8859-15", table: charmap.ISO8859_15},
	"iso88592": {name: "ISO-8859-2", table: charmap.ISO8859_2}, "windows1250": {name: "windows-1250", table: charmap.Windows1250},
	"cp1250": {name: "windows-1250", table: charmap.Windows1250}, "windows1251": {name: "windows-1251", table: charmap.Windows1251},
	"cp1251": {name: "windows-1251", table: charmap.Windows1251}, "cp437": {name: "cp437", table: charmap.CodePage437},
	"cp850": {name: "cp850", table: charmap.CodePage850}, "mixed": mixed,
}

var (
	windows1252 = &encoding{name: "windows-1252", table: charmap.Windows1252}
	macRoman    = &encoding{name: "macintosh", table: charmap.Macintosh}
	mixed       = &encoding{name: "UTF-8 and windows-1252", mixed: true}
)

// KnownEncoding reports whether Options.Encoding may be so called.
func KnownEncoding(name string) bool { return lookupEncoding(name) != nil }

func lookupEncoding(name string) *encoding {
	return encodings[strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 32
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)]
}

var marks = []struct {
	bytes string
	enc   *encoding
}{{"\xef\xbb\xbf", utf8Encoding}, {"\xff\xfe", encodings["utf16le"]}, {"\xfe\xff", encodings["utf16be"]}}

// markOf is the encoding that a byte order mark says, and its length.
func markOf(head []byte) (*encoding, int) {
	for _, m := range marks {
		if bytes.HasPrefix(head, []byte(m.bytes)) {
			return m.enc, len(m.bytes)
		}
	}
	return nil, 0
}

// unmarked16 recognises UTF-16 without a mark: every other byte of Latin text is zero.
func unmarked16(head []byte) *encoding {
	n := len(head) &^ 1
	if n < 4 {
		return nil
	}
	var zeros [2]int
	for i := range n {
		if head[i] == 0 {
			zeros[i&1]++
		}
	}
	half := n / 2
	switch {
	case zeros[1]*10 >= half*7 && zeros[0]*50 <= half:
		return encodings["utf16le"]
	case zeros[0]*10 >= half*7 && zeros[1]*50 <= half:
		return encodings["utf16be"]
	}
	return nil
}

// reader makes UTF-8 of the bytes of r, of which a mark has been read.
func (e *encoding) reader(r io.Reader) io.Reader {
	switch {
	case e.order == 'l':
		return transform.NewReader(r, xunicode.UTF16(xunicode.LittleEndian, xunicode.IgnoreBOM).NewDecoder())
	case e.order == 'b':
		return transform.NewReader(r, xunicode.UTF16(xunicode.BigEndian, xunicode.IgnoreBOM).NewDecoder())
	case e.table != nil:
		b := &byteDecoder{r: r}
		for i := range 128 {
			c := e.table.DecodeByte(byte(128 + i))
			if c == utf8.RuneError { // QUIRK: the five bytes of Windows-1252 without a character are the controls of ISO-8859-1
				c = rune(128 + i)
			}
			b.table[i] = string(c)
		}
		return b
	case e.mixed:
		return &mixedDecoder{r: bufio.NewReaderSize(r, blockSize), bytes: windows1252.table}
	}
	return r
}

// byteDecoder makes UTF-8 of text in which a byte is a character.
type byteDecoder struct {
	r     io.Reader
	table [128]string
	in    []byte
	buf   [4 << 10]byte
	err   error
}

func (d *byteDecoder) Read(p []byte) (int, error) {
	if len(p) < 3 {
		return 0, io.ErrShortBuffer
	}
	if len(d.in) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		n, err := d.r.Read(d.buf[:])
		d.in, d.err = d.buf[:n], err
	}
	n := 0
	for len(d.in) > 0 && n+3 <= len(p) {
		if c := d.in[0]; c < utf8.RuneSelf {
			p[n] = c
			n++
		} else {
			n += copy(p[n:], d.table[c-128])
		}
		d.in = d.in[1:]
	}
	return n, nil
}

// mixedDecoder leaves UTF-8 as it is and reads every other byte as of a single-byte encoding.
type mixedDecoder struct {
	r     *bufio.Reader
	bytes *charmap.Charmap
}

func (d *mixedDecoder) Read(p []byte) (int, error) {
	n := 0
	for n+utf8.UTFMax <= len(p) {
		c, size, err := d.r.ReadRune()
		if err != nil {
			if n > 0 {
				err = nil
			}
			return n, err
		}
		if c == utf8.RuneError && size == 1 {
			if err := d.r.UnreadRune(); err != nil {
				return n, err
			}
			b, _ := d.r.ReadByte()
			if c = d.bytes.DecodeByte(b); c == utf8.RuneError {
				c = rune(b)
			}
		}
		n += utf8.EncodeRune(p[n:], c)
		if d.r.Buffered() == 0 && n > 0 {
			return n, nil
		}
	}
	if n == 0 {
		return 0, io.ErrShortBuffer
	}
	return n, nil
}

// guess says what a text that is not UTF-8 is in. Where it has sequences of UTF-8 too, it is both; else the letters tell Windows-1252
// from MacRoman: each byte above 127 is asked what it would be in the one and in the other, and how that fits its neighbours. A letter of
// the same case between letters fits, a capital within a word or a sign does not.
func guess(r io.Reader) (*encoding, error) {
	br := bufio.NewReaderSize(r, blockSize)
	good, bad, score := 0, 0, 0
	before, high := byte(0), byte(0) // the byte before, and before that one above 127
	for {
		c, size, err := br.ReadRune()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		b := byte(0x80) // any letter that is not ASCII
		switch {
		case c == utf8.RuneError && size == 1:
			bad++
			if err := br.UnreadRune(); err != nil {
				return nil, err
			}
			b, _ = br.ReadByte()
		case size > 1:
			good++
		default:
			b = byte(c)
		}
		if high != 0 {
			score += fits(windows1252.table, before, high, b) - fits(macRoman.table, before, high, b)
			high, before = 0, 'a'
		}
		if c == utf8.RuneError && size == 1 {
			high = b
		} else {
			before = b
		}
	}
	if high != 0 {
		score += fits(windows1252.table, before, high, 0) - fits(macRoman.table, before, high, 0)
	}
	switch {
	case good > 0 && good*4 >= bad:
		return mixed, nil
	case score < 0:
		return macRoman, nil
	}
	return windows1252, nil
}

func fits(table *charmap.Charmap, before, b, after byte) int {
	r := table.DecodeByte(b)
	letters := asciiLetter(before) || asciiLetter(after)
	switch {
	case r == utf8.RuneError, unicode.IsControl(r):
		return -4
	case r == '’' && asciiLetter(before) && asciiLetter(after):
		return 3
	case unicode.IsLetter(r):
		lower := unicode.IsLower(r)
		switch {
		case !letters:
			return 0
		case lower && (asciiLower(before) || asciiLower(after)):
			return 2
		case !lower && (asciiLower(before)): // a capital within a word
			return -2
		case !lower && (asciiLetter(before) || asciiLetter(after)):
			return 1
		}
		return 0
	case asciiLetter(before) && asciiLetter(after): // a sign within a word
		return -2
	}
	return 0
}

func asciiLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func asciiLetter(c byte) bool { return asciiLower(c | 0x20) }
