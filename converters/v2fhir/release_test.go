package v2fhir

import (
	"bytes"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// TestRelease: a record that is made in the memory of those before it is written as one that has memory of its own. The messages grow and
// shrink, and each has fields that the one before it has not.
func TestRelease(t *testing.T) {
	tables := func() *mapping.Maps {
		maps, err := mapping.NewMaps(Tables(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return maps
	}
	o := &convert.Options{From: "hl7v2", To: "fhir", Jobs: 1}
	// The maps hold the memory that was released; from those of the others nothing is ever released.
	format, others, writer := Format(tables()), Format(tables()), convert.FHIR().NewWriter(o)
	write := func(w convert.Worker, text string) ([]byte, *convert.Record) {
		rec, err := w.ToHub(&convert.Raw{Index: 1, Data: &hl7v2.Raw{Data: text, Line: 1, Column: 1, Record: 1}})
		if err != nil {
			t.Fatal(err)
		}
		parts, _, err := writer.FromHub(rec)
		if err != nil {
			t.Fatal(err)
		}
		var b []byte
		for _, p := range parts {
			b = append(b, p.Data...)
		}
		return b, rec
	}
	short := "MSH|^~\\&|LAB|MAPLE|EHR|CLINIC|20240102030405+0000||ADT^A08^ADT_A01|7|P|2.5.1\rEVN|A08|20240102030405+0000\r" +
		"PID|1||2^^^MAPLE^MR||EXAMPLE^BOB^Q^JR||19700101|M||2106-3|1 ELM ST^^MAPLE^VT^05001||^PRN^PH^^1^555^5550100\rPV1|1|O\r"
	texts := []string{manyResults(1, 5, 3), short, manyResults(40, 5, 3), short, manyResults(3, 1, 9), manyResults(400, 7, 90), manyResults(40, 5, 3), short}
	w := format.NewWorker(o)
	for i := range 3 * len(texts) {
		text := texts[i%len(texts)]
		want, _ := write(others.NewWorker(o), text)
		got, rec := write(w, text)
		if !bytes.Equal(got, want) {
			t.Fatalf("message %d differs from the same one in memory of its own", i)
		}
		if rec.Record.Release(); len(rec.Resources) != 0 {
			t.Fatal("a record that was released has resources")
		}
	}
}
