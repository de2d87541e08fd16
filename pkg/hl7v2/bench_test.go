package hl7v2

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// messages are the records of the corpus.
func messages(b testing.TB) (list []*Raw, size int64) {
	files := corpus(b)
	for _, name := range names(files) {
		for raw, err := range NewReader(bytes.NewReader(files[name]), Options{}).All() {
			if err != nil {
				b.Fatal(err)
			}
			if raw.Reject == nil {
				list = append(list, raw)
				size += int64(len(raw.Data))
			}
		}
	}
	return list, size
}

func rate(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkParse(b *testing.B) {
	list, size := messages(b)
	b.SetBytes(size)
	b.ReportAllocs()
	p := &Parser{}
	for b.Loop() {
		for _, raw := range list {
			if _, err := p.Parse(raw); err != nil {
				b.Fatal(err)
			}
		}
	}
	rate(b, len(list))
}

func BenchmarkParseGroup(b *testing.B) {
	list, size := messages(b)
	b.SetBytes(size)
	b.ReportAllocs()
	p := &Parser{}
	for b.Loop() {
		for _, raw := range list {
			m, err := p.Parse(raw)
			if err != nil {
				b.Fatal(err)
			}
			m.Group()
		}
	}
	rate(b, len(list))
}

func BenchmarkPrint(b *testing.B) {
	benchmarkPrint(b, func(out []byte, m *Message) []byte { return m.Append(out) })
}

func BenchmarkPrintBuilt(b *testing.B) {
	benchmarkPrint(b, func(out []byte, m *Message) []byte {
		out, _ = AppendMessage(out, m.Doc, PrintOptions{})
		return out
	})
}

func benchmarkPrint(b *testing.B, print func([]byte, *Message) []byte) {
	list, size := messages(b)
	var parsed []*Message
	for _, raw := range list {
		m, err := Parse(raw.Data, Options{})
		if err != nil {
			b.Fatal(err)
		}
		m.Group()
		parsed = append(parsed, m)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		for _, m := range parsed {
			out = print(out[:0], m)
		}
	}
	rate(b, len(list))
}

func BenchmarkRead(b *testing.B) {
	list, _ := messages(b)
	var all bytes.Buffer
	for _, raw := range list {
		all.WriteString(strings.TrimPrefix(raw.Data, "\ufeff"))
		all.WriteByte('\r')
	}
	b.SetBytes(int64(all.Len()))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		r := NewReader(bytes.NewReader(all.Bytes()), Options{})
		for _, err := range r.All() {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	rate(b, len(list))
}

// manyOBX makes a message of n OBX.
func manyOBX(n int) string {
	var s strings.Builder
	s.WriteString("MSH|^~\\&|LAB|NORTH|EHR|SOUTH|20260101||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||1^^^N^MR||DOE^JAMIE\rOBR|1|||1^PANEL^L\r")
	for i := range n {
		fmt.Fprintf(&s, "OBX|%d|NM|%d^Analyte^L||%d|mg/dL^mg/dL^UCUM|1-9|N|||F\rNTE|1||note\r", i+1, i%97, i)
	}
	return s.String()
}

// BenchmarkManyOBX shows that the time for an OBX does not depend on how many there are.
func BenchmarkManyOBX(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		text := manyOBX(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			p := &Parser{}
			for b.Loop() {
				raw, err := NewReader(strings.NewReader(text), Options{}).Next()
				if err != nil {
					b.Fatal(err)
				}
				m, err := p.Parse(raw)
				if err != nil || m.Group() != "ORU_R01" {
					b.Fatal(err)
				}
				m.Append(nil)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/OBX")
		})
	}
}

// repeated reads a text n times, as a batch whose trailer counts.
type repeated struct {
	text string
	n    int
	r    io.Reader
}

func (r *repeated) Read(p []byte) (int, error) {
	for {
		if r.r != nil {
			if n, err := r.r.Read(p); err == nil {
				return n, nil
			}
		}
		if r.n == 0 {
			return 0, io.EOF
		}
		r.n--
		r.r = strings.NewReader(r.text)
	}
}
