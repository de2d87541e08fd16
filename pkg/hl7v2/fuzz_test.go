package hl7v2

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// The findings after which a message cannot be printed as it was: blanks before segments are left out, and bytes that
// the character set lacks cannot be given back.
var inexact = []string{"CP-V2-012", "CP-V2-015"}

func seeds(f *testing.F) {
	for _, s := range []string{msg1, msg1 + msg2, msh + "\rPID|1||A^B&C~D^^|\"\"|\\F\\\\X41\\\r", msh + "\rPID|1||7||Reed^Ann\nLee||2026\n0102|F||a \rb^c\\F\\\nd|\rZZZ|a\nb|\n", "MSH||\r|\r", "MSH^^\x00\xc9\\XC9\\\r", "MSH$%*!?$A!S!B\r", "MSH|^~\\&#|A\\P\\\r", "MSH||A\r", "MSH|^|a\\b\r",
		"\x0b" + msg1 + "\x1c\r", "FHS|^~\\&\rBHS|^~\\&\r" + msg1 + "BTS|1\rFTS|1\r", msh + "\rNTE|1||one\ntwo\n\nOBX|1\n", "\ufeff" + msg1, "M\x00S\x00H\x00|\x00^\x00~\x00",
		"MSH|^~\\&|A|B|C|D|2026||ORU^R01|1|P|2.5.1||||||8859/1\rPID|||\xc9\\XC9\\\r", "MSH|^~\\&|A|B|C|D|2026||ORU^R01|1|P|2.5.1||||||ISO IR87\rPID|||\x1b$B;3\x1b(B\r",
		msh + "\rZZZ|\\C2842\\a|\\M2442\\$\"|\\.br\\|\\E\\.br\\E\\|\\Z1\\|\\Q\\|\\\r", "  MSH|^~\\&|\r  PID|1\r", msh + "\rPID|||1\rPV1\rOBX|1\rORC\rOBR\rNTE\rIN2\rZZZ\r"} {
		f.Add(s)
	}
}

// FuzzParse: print(parse(x)) == x, grouping moves nothing, and parsing what was printed gives the same tree.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		m, err := Parse(s, Options{})
		if err != nil {
			return
		}
		exact := !slices.ContainsFunc(m.Findings, func(f *diag.Finding) bool { return slices.Contains(inexact, string(f.ID)) }) && sniffWide(s) == ""
		if m.set == iso2022jp || m.set.name == "Shift_JIS" || m.set.name == "EUC-JP" {
			exact = false // they have several ways to write one text
		}
		first := string(m.Append(nil))
		if got, want := normal(first), normal(s); exact && got != want {
			t.Fatalf("printed differently\n%s", firstDifference(got, want))
		}
		was := leaves(m.Doc)
		m.Group()
		if got := string(m.Append(nil)); got != first {
			t.Fatalf("grouped, it is printed differently\n%s", firstDifference(got, first))
		}
		if got := leaves(m.Doc); got != was {
			t.Fatalf("grouped, it has other leaves\n%s", firstDifference(got, was))
		}
		seen := map[string]bool{}
		m.Leaves(func(n tree.Node, _ tree.State, _ string) {
			at := m.PlaceOf(n)
			if seen[at] {
				t.Fatalf("%s twice", at)
			}
			seen[at] = true
			if p := m.Place(n); p.Line < 1 || p.Column < 1 {
				t.Fatalf("%s stands at %s", at, p)
			}
		})
		if !exact {
			return
		}
		again, err := Parse(first, Options{})
		if err != nil {
			t.Fatalf("what was printed cannot be read: %v", err)
		}
		if got := leaves(again.Doc); got != was {
			t.Fatalf("read again, it has other leaves\n%s", firstDifference(got, was))
		}
	})
}

// FuzzEscape: text that is written and read is the same text, whatever the text and the delimiters.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"a", `\`, `\.br\`, `\E.br\`, `\E.br\E.br\`, `\\.br\\`, `\H\N\`, `\Z1\`, `\X41\`, "|^~\\&#\r\n\x00\x7f", `\C2842\x`, `\F\`, "\u00c9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || !utf8.ValidString(s) {
			return
		}
		for _, d := range []Delimiters{Recommended, {'|', '^', '~', '\\', '&', '#'}, {'$', '%', '*', '!', '?', 0}} {
			b := appendEscaped(nil, s, &d)
			if bytes.ContainsAny(b, "\r\n") || bytes.IndexByte(b, d.Field) >= 0 {
				t.Fatalf("%q holds separators", b)
			}
			got := string(b)
			if bytes.IndexByte(b, d.Escape) >= 0 || bytes.IndexByte(b, '\\') >= 0 {
				p := &Parser{delims: d, charset: utf8Set}
				got, _ = p.unescape(string(b))
			}
			if got != s {
				t.Fatalf("%q is written %q and read %q", s, b, got)
			}
		}
		if strings.Contains(s, `\`) {
			return
		}
		if got, want := RenderText(FormatText(s)), strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"); got != want {
			t.Fatalf("%q is shown as %q", FormatText(s), got)
		}
	})
}

// FuzzReader: records stand where they say, in order, without overlap; the size of the pieces that are read changes nothing;
// everything between them is blank or an envelope.
func FuzzReader(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		r := NewReader(strings.NewReader(s), Options{MaxMessage: 1 << 16})
		small := NewReader(&slow{s: s}, Options{MaxMessage: 1 << 16})
		at := int64(0)
		for n := 1; ; n++ {
			raw, err := r.Next()
			other, err2 := small.Next()
			if err != err2 {
				t.Fatalf("%v and %v", err, err2)
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if raw.Record != n || raw.Offset < at || raw.Line < 1 || raw.Column < 1 {
				t.Fatalf("record %+v after %d", raw, at)
			}
			if raw.Data != other.Data || raw.Offset != other.Offset || raw.Line != other.Line || raw.Column != other.Column {
				t.Fatalf("read in pieces it is another: %+v %+v", raw, other)
			}
			if raw.Encoding == "" {
				if !strings.HasPrefix(s[raw.Offset:], raw.Data) {
					t.Fatalf("it does not stand there: %+v", raw)
				}
				for line := range strings.FieldsFuncSeq(s[at:raw.Offset], func(r rune) bool { return r == '\r' || r == '\n' || r == 0x0b || r == 0x1c }) {
					line = strings.TrimPrefix(line, "\ufeff")
					if k := kindOf([]byte(strings.TrimLeft(line, " \t"))); k == proseLine || k == segmentLine || k == messageStart {
						t.Fatalf("%q is lost", line)
					}
				}
				at = raw.Offset + int64(len(raw.Data))
			}
			if m, err := (&Parser{}).Parse(raw); err == nil {
				m.Group()
				m.Append(nil)
			}
		}
	})
}

// slow reads three bytes at a time.
type slow struct{ s string }

func (r *slow) Read(p []byte) (int, error) {
	if r.s == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(3, len(p))], r.s)
	r.s = r.s[n:]
	return n, nil
}
