package ccdafhir

import (
	"maps"
	"slices"
	"testing"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// documents are the corpus in the order of its names, without what is no document.
func documents(b *testing.B) (docs [][]byte, size int64) {
	files := corpus(b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if _, err := new(ccda.Parser).Parse(files[name]); err == nil {
			docs = append(docs, files[name])
			size += int64(len(files[name]))
		}
	}
	return docs, size
}

// bench runs each document of the corpus once a round and says how many documents a second that was.
func bench(b *testing.B, docs int, size int64, round func() error) {
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if err := round(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(docs*b.N)/b.Elapsed().Seconds(), "documents/s")
}

// BenchmarkCorpus is the parts of a conversion of every document of the corpus on one core: reading the XML, making FHIR of it, writing
// that as JSON, all of these, and the way back to XML.
//
// What was learnt from the profiles, in the order of what it brought: the commonest datatypes written by their Go fields (writing took
// 0.6 of its time); no protobuf reflection where the plan knows the fields (references, what is derived); what FHIR wants is not sought below
// extensions; no text made that nobody reads (the place of each leaf, the way to each element that might be empty); one piece of memory for
// an extension and what it holds; rows whose hot fields stand together; fields by their offsets and not by reflect; the memory of a record used
// for the next one. On the way back, of 7.5 million allocations for the corpus 1.7 were left: the text of each leaf's place, which the ledger asks
// for where it tells of the leaf; references made into text whenever they were followed; protobuf reflection in what is derived, and clones to digest it;
// maps by interfaces in the place of addresses; the window of a reader for each file. A table REST was looked up, under a lock, for each element.
// To pass over rows whose first element is not there brought nothing, nor did rows laid out anew. What remains is flat: 3,200 rows tried for a document, of which 2,100 find something and 1,800 carry it, in 890 tables.
func BenchmarkCorpus(b *testing.B) {
	m := builtin(b)
	docs, size := documents(b)
	read := func(source []byte) (*mapping.Record, error) {
		doc, err := new(ccda.Parser).Parse(source)
		if err != nil {
			return nil, err
		}
		return m.ToFHIR("ClinicalDocument", "Bundle", doc.Doc, mapping.ReadOptions{Key: "bench", Facility: "bench"})
	}
	var buf []byte
	write := func(rec *mapping.Record) (err error) {
		for _, r := range rec.Resources {
			if buf, err = fhir.Append(buf[:0], r.Msg); err != nil {
				return err
			}
		}
		return nil
	}
	var made []*mapping.Record
	for _, source := range docs {
		rec, err := read(source)
		if err != nil {
			b.Fatal(err)
		}
		made = append(made, rec)
	}
	b.Run("Parse", func(b *testing.B) {
		bench(b, len(docs), size, func() error {
			for _, source := range docs {
				if _, err := new(ccda.Parser).Parse(source); err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.Run("ParseAndMap", func(b *testing.B) {
		bench(b, len(docs), size, func() error {
			for _, source := range docs {
				if _, err := read(source); err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.Run("Marshal", func(b *testing.B) {
		bench(b, len(docs), size, func() error {
			for _, rec := range made {
				if err := write(rec); err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.Run("Whole", func(b *testing.B) {
		bench(b, len(docs), size, func() error {
			for _, source := range docs {
				rec, err := read(source)
				if err == nil {
					err = write(rec)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.Run("Back", func(b *testing.B) {
		bench(b, len(docs), size, func() error {
			for _, rec := range made {
				doc, err := m.FromFHIR("ClinicalDocument", "Bundle", rec)
				if err != nil {
					return err
				}
				buf, _ = ccda.AppendDocument(buf[:0], doc, nil)
			}
			return nil
		})
	})
}
