package v2fhir

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// Over the corpus, with the ledger on: reading alone, reading and mapping, writing the bundles, and the whole of it. B/op and
// allocs/op are of the whole corpus; the last columns are of a message, and MB of HL7 v2.
//
// What was learnt from the profiles: a message has 375 leaves in 521 nodes and becomes 44 resources of 412 structs; for it 152 tables are
// read, 560 rows are tried and 436 find something: which rows can be passed over is known before. Two fifths of the time were memory: structs
// made, looked through by the collector and thrown away, until a record's memory was used for the next one. Reflect is a
// sixth; fields by their offsets (unsafe, which the design excludes) would save 7 %. What is left is flat: no function has more than a fiftieth
// of it by itself.

// runCorpus is the messages of the corpus as one text.
func runCorpus(b *testing.B) (list []message, text []byte, o *convert.Options, format *convert.Format) {
	b.Helper()
	maps, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		b.Fatal(err)
	}
	m, err := maps.For(mapping.Source{Format: "hl7v2"})
	if err != nil {
		b.Fatal(err)
	}
	o = &convert.Options{From: "hl7v2", To: "fhir", LedgerFull: true, Jobs: 1}
	format = Format(maps)
	worker := format.NewWorker(o)
	for _, msg := range corpus(b, m) {
		if _, err := worker.ToHub(&convert.Raw{Index: 1, Data: msg.raw}); err != nil { // the laws count what is rejected
			continue
		}
		list = append(list, msg)
		text = append(append(text, msg.raw.Data...), '\r')
	}
	b.SetBytes(int64(len(text)))
	return list, text, o, format
}

// perMessage reports rates by message.
func perMessage(b *testing.B, messages int, do func()) time.Duration {
	do() // compiles the tables
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	for range b.N {
		do()
	}
	b.StopTimer()
	runtime.ReadMemStats(&after)
	n := float64(b.N * messages)
	b.ReportMetric(n/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/message")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/n, "B/message")
	return b.Elapsed()
}

func BenchmarkCorpusParse(b *testing.B) {
	list, _, o, format := runCorpus(b)
	worker := format.NewWorker(o).(*worker)
	perMessage(b, len(list), func() {
		for _, msg := range list {
			m, err := worker.parser.Parse(msg.raw)
			if err != nil {
				b.Fatal(err)
			}
			m.Group()
		}
	})
}

func BenchmarkCorpusParseAndMap(b *testing.B) {
	list, _, o, format := runCorpus(b)
	worker := format.NewWorker(o)
	perMessage(b, len(list), func() {
		for _, msg := range list {
			rec, err := worker.ToHub(&convert.Raw{Index: 1, Data: msg.raw})
			if err != nil {
				b.Fatal(err)
			}
			rec.Record.Release() // as after each conversion
		}
	})
}

func BenchmarkCorpusMarshal(b *testing.B) {
	list, _, o, format := runCorpus(b)
	var recs []*convert.Record
	for _, msg := range list {
		// A worker uses its memory again, so each record has one of its own.
		rec, err := format.NewWorker(o).ToHub(&convert.Raw{Index: 1, Data: msg.raw})
		if err != nil {
			b.Fatal(err)
		}
		recs = append(recs, rec)
	}
	w := convert.FHIR().NewWriter(o)
	perMessage(b, len(list), func() {
		for _, rec := range recs {
			if _, _, err := w.FromHub(rec); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRatio compares, in one run on one core, reading and mapping with writing what they made: parse+map/marshal.
func BenchmarkRatio(b *testing.B) {
	list, _, o, format := runCorpus(b)
	worker, w := format.NewWorker(o), convert.FHIR().NewWriter(o)
	var there, back time.Duration
	for i := range b.N + 1 {
		if i == 1 { // the first one compiles the tables
			there, back = 0, 0
			b.ResetTimer()
		}
		for _, msg := range list {
			begin := time.Now()
			rec, err := worker.ToHub(&convert.Raw{Index: 1, Data: msg.raw})
			if err != nil {
				b.Fatal(err)
			}
			middle := time.Now()
			if _, _, err := w.FromHub(rec); err != nil {
				b.Fatal(err)
			}
			there, back = there+middle.Sub(begin), back+time.Since(middle)
			rec.Record.Release()
		}
	}
	b.ReportMetric(there.Seconds()/back.Seconds(), "parse+map/marshal")
}

// BenchmarkWhole is a conversion of the corpus from its text to bundles and a ledger, on one core and on all.
func BenchmarkWhole(b *testing.B) {
	for _, jobs := range []int{1, runtime.GOMAXPROCS(0)} {
		b.Run("jobs="+strconv.Itoa(jobs), func(b *testing.B) {
			list, text, o, format := runCorpus(b)
			o.Jobs = jobs
			if jobs == 1 {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the collector too
			}
			perMessage(b, len(list), func() {
				ledger := convert.NewLedgerWriter(io.Discard, false, false)
				if err := ledger.Begin("fhir"); err != nil {
					b.Fatal(err)
				}
				written := 0
				err := convert.Run(context.Background(), format, convert.FHIR(), bytes.NewReader(text), "corpus", o, func(r *convert.Result) error {
					if r.Entry == nil {
						return nil
					}
					if r.Rejected == nil {
						written++
					}
					return ledger.Add(r.Entry)
				})
				if err != nil || written < len(list)*9/10 {
					b.Fatal(written, err)
				}
			})
		})
	}
}
