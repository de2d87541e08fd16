package hl7v2

import (
	"bytes"
	"strings"
)

// Sniff reports whether a source that begins with head (some kilobytes do) looks like HL7 v2 in the vertical-bar encoding:
// a message, batch or MLLP frame, in any encoding, perhaps with blanks or some lines of prose before it.
func Sniff(head []byte) bool {
	if enc := sniffWide(string(head[:min(len(head), 8)])); enc != "" {
		text, _ := wide(enc).decode(string(head[:len(head)&^3]))
		head = []byte(text)
	}
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	if bytes.IndexByte(head, 0) >= 0 && !bytes.HasPrefix(bytes.TrimLeft(head, "\x0b \t\r\n"), []byte("MSH")) {
		return false
	}
	// Other formats have none of these in them: to look at the lines of each document of XML took a tenth of its conversion.
	if !bytes.Contains(head, []byte("MSH")) && !bytes.Contains(head, []byte("FHS")) && !bytes.Contains(head, []byte("BHS")) {
		return false
	}
	for line := range strings.FieldsFuncSeq(string(head), func(r rune) bool { return r == '\r' || r == '\n' || r == 0x0b || r == 0x1c }) {
		line = strings.TrimLeft(line, " \t")
		switch kindOf([]byte(line)) {
		case messageStart, fileStart, batchStart:
			// The separator comes back, or the head ends here; MSH-2 is made of punctuation.
			if len(line) == 3 {
				continue
			}
			sep := line[3]
			if end := strings.IndexByte(line[4:], sep); end >= 0 && end <= 6 && distinctOrNone(line[4:4+end]) {
				return true
			}
		}
		if i := strings.Index(line, string(joined)); i >= 0 {
			return true
		}
	}
	return false
}

func distinctOrNone(enc string) bool {
	for i := range len(enc) {
		if !separator(enc[i]) {
			return false
		}
	}
	return true
}
