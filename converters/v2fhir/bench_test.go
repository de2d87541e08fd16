package v2fhir

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/maptest"
)

// The benchmarks run over the messages of shared corpus/hl7v2, all in each iteration, and give the time of one message.
// Compare them within one run: parse + map should cost no more than marshal.

func benchCorpus(b *testing.B, f func(m *mapping.Map, msg message)) {
	m := builtin(b)
	list := corpus(b, m)
	size := 0
	for _, msg := range list {
		size += len(msg.raw.Data)
		f(m, msg) // compiles what is compiled when first used
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	from := cpuTime()
	for b.Loop() {
		for _, msg := range list {
			f(m, msg)
		}
	}
	b.ReportMetric(float64(cpuTime()-from)/float64(b.N*len(list)), "CPU-ns/message")
}

func parse(b testing.TB, msg message) *hl7v2.Message {
	doc, err := (&hl7v2.Parser{}).Parse(msg.raw)
	if err != nil {
		b.Fatal(err)
	}
	doc.Group()
	return doc
}

func toFHIR(b testing.TB, m *mapping.Map, msg message) *mapping.Record {
	rec, err := m.ToFHIR(msg.structure, "Bundle", parse(b, msg).Doc, mapping.ReadOptions{Key: "bench", Facility: "bench", Shared: true})
	if err != nil {
		b.Fatal(err)
	}
	return rec
}

func BenchmarkParse(b *testing.B) {
	benchCorpus(b, func(_ *mapping.Map, msg message) { parse(b, msg) })
}

func BenchmarkParseMap(b *testing.B) {
	benchCorpus(b, func(m *mapping.Map, msg message) { toFHIR(b, m, msg) })
}

func BenchmarkMarshal(b *testing.B) {
	records := map[string]*mapping.Record{}
	var out []byte
	benchCorpus(b, func(m *mapping.Map, msg message) {
		rec := records[msg.name]
		if rec == nil {
			rec = toFHIR(b, m, msg)
			records[msg.name] = rec
		}
		out = out[:0]
		for _, r := range rec.Resources {
			var err error
			if out, err = fhir.Append(out, r.Msg); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBack(b *testing.B) {
	records := map[string]*mapping.Record{}
	benchCorpus(b, func(m *mapping.Map, msg message) {
		rec := records[msg.name]
		if rec == nil {
			var err error
			if rec, err = maptest.Rebuild(toFHIR(b, m, msg)); err != nil {
				b.Fatal(err)
			}
			records[msg.name] = rec
		}
		if _, err := m.FromFHIR(msg.structure, "Bundle", rec); err != nil {
			b.Fatal(err)
		}
	})
}

// manyResults is a message with n OBX, each with a note, in groups of so many to an order, by so many persons.
func manyResults(n, group, persons int) string {
	var b strings.Builder
	b.WriteString("MSH|^~\\&|LAB|MAPLE|EHR|CLINIC|20240102030405+0000||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||1^^^MAPLE^MR||EXAMPLE^ANN\r")
	for i := range n {
		if i%group == 0 {
			fmt.Fprintf(&b, "ORC|RE|P%d|F%d\rOBR|%d|P%d|F%d|24323-8^Panel^LN|||20240102030405+0000\r", i, i, i/group+1, i, i)
		}
		fmt.Fprintf(&b, "OBX|%d|NM|2345-7^Glucose^LN|%d|%d.5|mg/dL|||||F|||20240102030405+0000||%d^DOE^JOHN\rNTE|1||note %d\r", i%group+1, i, i%200, i%persons, i)
	}
	return b.String()
}

// A message of many results takes time in proportion: CPU-ns/OBX must not grow with the number.
func BenchmarkManyResults(b *testing.B) {
	m := builtin(b)
	for _, shape := range []struct {
		name           string
		group, persons int
	}{{"groups of 50", 50, 10}, {"one group", 1 << 30, 10}, {"an order each", 1, 10}, {"a person each", 50, 1 << 30}} {
		for _, n := range []int{1000, 10000, 40000} {
			text := manyResults(n, shape.group, shape.persons)
			read := func() *mapping.Record {
				msg, err := hl7v2.Parse(text, hl7v2.Options{})
				if err != nil {
					b.Fatal(err)
				}
				msg.Group()
				rec, err := m.ToFHIR("ORU_R01", "Bundle", msg.Doc, mapping.ReadOptions{Key: "bench", Facility: "bench"})
				if err != nil {
					b.Fatal(err)
				}
				return rec
			}
			measure := func(name string, f func()) {
				b.Run(fmt.Sprintf("%s/%s/%d", name, shape.name, n), func(b *testing.B) {
					b.ReportAllocs()
					from := cpuTime()
					for b.Loop() {
						f()
					}
					b.ReportMetric(float64(cpuTime()-from)/float64(b.N*n), "CPU-ns/OBX")
				})
			}
			measure("read", func() { read() })
			rec, err := maptest.Rebuild(read())
			if err != nil {
				b.Fatal(err)
			}
			measure("back", func() {
				if _, err := m.FromFHIR("ORU_R01", "Bundle", rec); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
