package hl7v2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	msg1 = "MSH|^~\\&|A|1\rPID|||1\r"
	msg2 = "MSH|^~\\&|B|2\rPID|||2\r"
)

// read lists the records of a source with their places and findings, and checks their offsets in its text.
func read(t *testing.T, src io.Reader, text string, o Options) string {
	t.Helper()
	var b strings.Builder
	r := NewReader(src, o)
	for {
		raw, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Fprintf(&b, "error %v\n", err)
			break
		}
		fmt.Fprintf(&b, "%d %d:%d %q", raw.Record, raw.Line, raw.Column, raw.Data)
		if !strings.HasPrefix(text[raw.Offset:], raw.Data) {
			t.Errorf("%q does not stand at %d", raw.Data, raw.Offset)
		}
		if raw.Framed {
			b.WriteString(" framed")
		}
		for e := raw.Batch; e != nil; e = e.Parent {
			fmt.Fprintf(&b, " in %s %s", e.Name, e.Field(3))
		}
		if raw.Reject != nil {
			fmt.Fprintf(&b, " rejected %s %s", raw.Reject.ID, raw.Reject.Place)
		}
		for _, f := range raw.Findings {
			fmt.Fprintf(&b, " %s %s", f.ID, f.Place)
		}
		b.WriteByte('\n')
	}
	for _, f := range r.Findings() {
		fmt.Fprintf(&b, "end %s %s\n", f.ID, f.Place)
	}
	return b.String()
}

func TestReader(t *testing.T) {
	lf := strings.NewReplacer("\r", "\n")
	crlf := strings.NewReplacer("\r", "\r\n")
	long := "MSH|^~\\&|A|" + strings.Repeat("x", 3000) + "\r"
	for _, tt := range []struct {
		name, in string
		max      int
		want     string
	}{
		{"one", msg1, 0, "1 1:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\"\n"},
		{"without a last line end", "MSH|^~\\&|A|1\rPID|||1", 0, "1 1:1 \"MSH|^~\\\\&|A|1\\rPID|||1\"\n"},
		{"two", msg1 + msg2, 0, "1 1:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\"\n2 3:1 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\"\n"},
		{"LF", lf.Replace(msg1 + msg2), 0, "1 1:1 \"MSH|^~\\\\&|A|1\\nPID|||1\\n\"\n2 3:1 \"MSH|^~\\\\&|B|2\\nPID|||2\\n\"\n"},
		{"CRLF", crlf.Replace(msg1 + msg2), 0, "1 1:1 \"MSH|^~\\\\&|A|1\\r\\nPID|||1\\r\\n\"\n2 3:1 \"MSH|^~\\\\&|B|2\\r\\nPID|||2\\r\\n\"\n"},
		{"blank lines", "\r\r" + msg1 + "\r\r\n \r" + msg2 + "\r", 0, "1 3:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\"\n2 8:1 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\"\n"},
		{"blank lines within", "MSH|^~\\&|A|1\r\rPID|||1\r\rPV1||I\r\r", 0, "1 1:1 \"MSH|^~\\\\&|A|1\\r\\rPID|||1\\r\\rPV1||I\\r\"\n"},
		{"mark", "\ufeff" + msg1, 0, "1 1:4 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\"\n"},
		{"blanks before", "  " + msg1, 0, "1 1:1 \"  MSH|^~\\\\&|A|1\\rPID|||1\\r\"\n"},
		{"no line end between", "MSH|^~\\&|A|1\rPID|||1" + msg2, 0, "1 1:1 \"MSH|^~\\\\&|A|1\\rPID|||1\"\n2 2:8 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\" CP-V2-032 :2:8, record 2\n"},
		{"prose before", "Dear all,\r\rplease find\r" + msg1, 0, "1 1:1 \"Dear all,\\r\\rplease find\\r\" rejected CP-V2-004 :1:1\n2 4:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\"\n"},
		{"prose between", msg1 + "and then\r" + msg2, 0, "1 1:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\"\n2 3:1 \"and then\\r\" rejected CP-V2-004 :3:1, record 2\n3 4:1 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\"\n"},
		{"prose after a blank line", msg1 + "\r2|messages\r", 0, "1 1:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\"\n2 4:1 \"2|messages\\r\" rejected CP-V2-004 :4:1, record 2\n"},
		{"a log's prefix", "12:00 sent MSH|^~\\&|A|1\rPID|||1\r", 0, "1 1:1 \"12:00 sent \" rejected CP-V2-004 :1:1\n2 1:12 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\" CP-V2-032 :1:12, record 2\n"},
		{"a text that goes on at the end", "MSH|^~\\&|A|1\rNTE|1||one\rtwo\r" + msg2, 0, "1 1:1 \"MSH|^~\\\\&|A|1\\rNTE|1||one\\rtwo\\r\"\n2 4:1 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\"\n"},
		{"a field that goes on at the end", "MSH|^~\\&|A|1\rOBR|1|a\rb|c\r", 0, "1 1:1 \"MSH|^~\\\\&|A|1\\rOBR|1|a\\rb|c\\r\"\n"},
		{"segments without MSH", "PID|||1\rPV1||I\r" + msg1, 0, "1 1:1 \"PID|||1\\rPV1||I\\r\" rejected CP-V2-004 :1:1\n2 3:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\"\n"},
		{"batch", "FHS|^~\\&|F\rBHS|^~\\&|B\r" + msg1 + msg2 + "BTS|2\rFTS|1\r", 0,
			"1 3:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\" in BHS B in FHS F\n2 5:1 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\" in BHS B in FHS F\n"},
		{"two batches", "FHS|^~\\&|F\rBHS|^~\\&|B\r" + msg1 + "BTS|1\rBHS|^~\\&|C\r" + msg2 + "BTS|1\rFTS|2\r", 0,
			"1 3:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\" in BHS B in FHS F\n2 7:1 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\" in BHS C in FHS F\n"},
		{"wrong counts", "FHS|^~\\&|F\rBHS|^~\\&|B\r" + msg1 + "BTS|7\rFTS|9\r", 0,
			"1 3:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\" in BHS B in FHS F\nend CP-V2-007 :5:1\nend CP-V2-007 :6:1\n"},
		{"no counts", "FHS|^~\\&|F\rBHS|^~\\&|B\r" + msg1 + "BTS\rFTS\r", 0, "1 3:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\" in BHS B in FHS F\n"},
		{"not closed", "FHS|^~\\&|F\rBHS|^~\\&|B\r" + msg1, 0, "1 3:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\" in BHS B in FHS F\nend CP-V2-008 :5:1\nend CP-V2-008 :5:1\n"},
		{"a batch within a batch", "BHS|^~\\&|B\r" + msg1 + "BHS|^~\\&|C\r" + msg2 + "BTS|1\r", 0,
			"1 2:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\" in BHS B\n2 5:1 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\" in BHS C CP-V2-008 :4:1\n"},
		{"trailers alone", msg1 + "BTS|1\rFTS|1\r", 0, "1 1:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\"\nend CP-V2-009 :3:1\nend CP-V2-009 :4:1\n"},
		{"an empty batch", "BHS|^~\\&|B\rBTS|0\r", 0, "end CP-V2-002 \n"},
		{"frames", "\x0b" + msg1 + "\x1c\r\x0b" + msg2 + "\x1c\r", 0, "1 1:2 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\" framed\n2 4:2 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\" framed\n"},
		{"frames whose last line has no end", "\x0bMSH|^~\\&|A|1\rPID|||1\x1c\r\x0b" + msg2 + "\x1c", 0,
			"1 1:2 \"MSH|^~\\\\&|A|1\\rPID|||1\" framed\n2 3:2 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\" framed\n"},
		{"frames back to back", "\x0b" + msg1 + "\x1c\x0b" + msg2 + "\x1c\r", 0, "1 1:2 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\" framed\n2 3:3 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\" framed\n"},
		{"a frame that is not closed", "\x0b" + msg1 + "\x0b" + msg2, 0,
			"1 1:2 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\" framed CP-V2-028 :3:2\n2 3:2 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\" framed CP-V2-028 :5:1, record 2\n"},
		{"prose in a frame stays", "\x0b" + msg1 + "hello\r\x1c\r", 0, "1 1:2 \"MSH|^~\\\\&|A|1\\rPID|||1\\rhello\\r\" framed\n"},
		{"prose between frames", "\x0b" + msg1 + "\x1c\rhello\r\x0b" + msg2 + "\x1c\r", 0,
			"1 1:2 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\" framed\n2 4:1 \"hello\\r\" rejected CP-V2-004 :4:1, record 2\n3 5:2 \"MSH|^~\\\\&|B|2\\rPID|||2\\r\" framed\n"},
		{"empty", "", 0, "end CP-V2-002 \n"},
		{"blank", " \r\n\r\n", 0, "end CP-V2-002 \n"},
		{"binary", "\x7fELF\x02\x01\x00\x00\xff", 0, "1 1:1 \"\\x7fELF\\x02\\x01\\x00\\x00\\xff\" rejected CP-V2-004 :1:1\nend CP-V2-002 \n"},
		{"half a message", "MSH|^~\\&|A|1\rPI", 0, "1 1:1 \"MSH|^~\\\\&|A|1\\r\"\n2 2:1 \"PI\" rejected CP-V2-004 :2:1, record 2\n"},
		{"too long", long + "PID|||1\r" + msg1, 1000, fmt.Sprintf("1 1:1 %q rejected CP-V2-003 :1:1\n2 3:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\"\n", (long + "PID|||1\r" + msg1))},
		{"too long by its number of lines", "MSH|^~\\&|A|1\r" + strings.Repeat("OBX|1\r", 300) + msg1, 1000,
			fmt.Sprintf("1 1:1 %q rejected CP-V2-003 :1:1\n2 302:1 \"MSH|^~\\\\&|A|1\\rPID|||1\\r\"\n", "MSH|^~\\&|A|1\r"+strings.Repeat("OBX|1\r", 300)+msg1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(t, strings.NewReader(tt.in), tt.in, Options{MaxMessage: tt.max}); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			// Reading in small pieces changes nothing but how much of a rejected record has been seen.
			if tt.max == 0 {
				if got := read(t, iotest.OneByteReader(strings.NewReader(tt.in)), tt.in, Options{}); got != tt.want {
					t.Errorf("byte by byte\n%swant\n%s", got, tt.want)
				}
			}
		})
	}
}

func TestReaderEncodings(t *testing.T) {
	for _, enc := range []string{"UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"} {
		text := "MSH|^~\\&|A|1|C|D|2026||ORU^R01|1|P|2.5.1\r\nPID|||1||JOS\u00c9\U0001F600\r\n"
		b, ok := wide(enc).encode([]byte(text+text), 0)
		if !ok {
			t.Fatal(enc)
		}
		for _, mark := range []bool{true, false} {
			in := b
			size := 2
			if strings.HasPrefix(enc, "UTF-32") {
				size = 4
			}
			if !mark {
				in = b[size:]
			}
			r := NewReader(bytes.NewReader(in), Options{})
			var last *Raw
			for raw, err := range r.All() {
				if err != nil || raw.Data != text || raw.Encoding != enc {
					t.Fatalf("%s: %+v %v", enc, raw, err)
				}
				m, err := (&Parser{}).Parse(raw)
				if err != nil || !strings.Contains(leaves(m.Doc), "PID-5=JOS\u00c9\U0001F600\n") || len(m.Findings) > 0 || m.Charset != enc {
					t.Errorf("%s: %v %v %v", enc, m, m.Findings, err)
				}
				if !bytes.HasSuffix(in, raw.Bytes()[size:]) {
					t.Errorf("%s: the bytes are not those of the source", enc)
				}
				last = raw
			}
			if last == nil || last.Record != 2 || last.Line != 3 {
				t.Fatalf("%s: %+v", enc, last)
			}
			if at := in[last.Offset:]; !bytes.HasPrefix(at, last.Bytes()[size:]) {
				t.Errorf("%s, mark %v: the second message does not stand at %d", enc, mark, last.Offset)
			}
			// A whole file given to Parse.
			m, err := Parse(string(in[:len(in)/2]), Options{})
			if err != nil || m.Type != "ORU" {
				t.Errorf("%s: %v", enc, err)
			}
		}
	}
}

func TestReaderError(t *testing.T) {
	broken := errors.New("the line is dead") // nobody knows whether the second message was whole
	got := read(t, io.MultiReader(strings.NewReader(msg1+msg2+"MSH|^"), iotest.ErrReader(broken)), msg1+msg2, Options{})
	if strings.Count(got, "\n") != 2 || !strings.HasSuffix(got, "error the line is dead\n") {
		t.Error(got)
	}
	if got := read(t, iotest.ErrReader(broken), "", Options{}); got != "error the line is dead\n" {
		t.Error(got)
	}
}

func TestReaderStops(t *testing.T) {
	n := 0
	for range NewReader(strings.NewReader(msg1+msg2), Options{}).All() {
		n++
		break
	}
	if n != 1 {
		t.Error(n)
	}
	r := NewReader(strings.NewReader(msg1), Options{})
	for range r.All() {
	}
	for range 2 {
		if _, err := r.Next(); err != io.EOF || len(r.Findings()) > 0 {
			t.Error(err, r.Findings())
		}
	}
}

// TestReaderMemory reads a large batch and a large binary file and looks at the memory in use.
func TestReaderMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 200 MB")
	}
	for _, text := range []string{manyOBX(50), strings.Repeat("\x01\x02\x03\xff", 4096)} {
		r := NewReader(&repeated{text: text, n: 96 << 20 / len(text)}, Options{})
		n, peak := 0, uint64(0)
		for _, err := range r.All() {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n%1000 == 1 {
				runtime.GC() // what is still referred to counts, not what a busy machine has yet to collect
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
		}
		if n < 90 || peak > 64<<20 {
			t.Errorf("%d records, %d MB in use", n, peak>>20)
		}
		t.Logf("%d records, %d MB in use", n, peak>>20)
	}
}
