package v2fhir

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/maptest"
)

// manySpecimens is a message of n results by specimen, with so many orders to a specimen.
func manySpecimens(n, orders int) string {
	var b strings.Builder
	b.WriteString("MSH|^~\\&|LAB|MAPLE|EHR|CLINIC|20240102030405+0000||OUL^R22^OUL_R22|1|P|2.5.1\rPID|1||1^^^MAPLE^MR||EXAMPLE^ANN\r")
	for i := range n {
		if i%orders == 0 {
			fmt.Fprintf(&b, "SPM|%d|S%d&LAB||BLD^Blood^HL70487\r", i/orders+1, i)
		}
		fmt.Fprintf(&b, "OBR|%d|P%d|F%d|24323-8^Panel^LN|||20240102030405+0000\rORC|RE|P%d|F%d\rOBX|1|NM|2345-7^Glucose^LN||%d.5|mg/dL|||||F\r", i+1, i, i, i, i, i%200)
	}
	return b.String()
}

// TestGrowth: to read and to write a message of thousands of orders, results or specimens is work in proportion to them. What is counted is
// no time but the looks at nodes, tags, elements and resources: of two messages, one ten times the other, the larger takes ten times as
// many if the work is in proportion, and a hundred times if each thing is held against each other.
func TestGrowth(t *testing.T) {
	const (
		small, factor = 200, 10
		growth        = 12
	)
	m := builtin(t)
	for _, shape := range []struct {
		name, structure string
		text            func(n int) string
	}{
		{"results of one order", "ORU_R01", func(n int) string { return manyResults(n, n, 10) }},
		{"an order for each result", "ORU_R01", func(n int) string { return manyResults(n, 1, 10) }},
		{"a performer for each result", "ORU_R01", func(n int) string { return manyResults(n, 50, n) }},
		{"a specimen for each order", "OUL_R22", func(n int) string { return manySpecimens(n, 1) }},
		{"orders of one specimen", "OUL_R22", func(n int) string { return manySpecimens(n, n) }},
	} {
		steps := func(n int) (parsed, read, written int) {
			msg, err := hl7v2.Parse(shape.text(n), hl7v2.Options{})
			if err != nil {
				t.Fatal(err)
			}
			msg.Group()
			parsed = msg.Steps()
			rec, err := m.ToFHIR(shape.structure, "Bundle", msg.Doc, mapping.ReadOptions{Key: "growth", Facility: "growth"})
			if err != nil {
				t.Fatal(err)
			}
			read = msg.Steps() - parsed + rec.Steps()
			again, err := maptest.Rebuild(rec)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := m.FromFHIR(shape.structure, "Bundle", again)
			if err != nil {
				t.Fatal(err)
			}
			return parsed, read, doc.Steps() + again.Steps()
		}
		parsed, read, written := steps(small)
		parsed2, read2, written2 := steps(factor * small)
		for _, x := range []struct {
			what      string
			few, many int
		}{{"parsed", parsed, parsed2}, {"read", read, read2}, {"written", written, written2}} {
			t.Logf("%s, %s: %d and %d steps", shape.name, x.what, x.few/small, x.many/small/factor)
			if x.many > growth*x.few {
				t.Errorf("%s, %s: %d times as many take %d steps, and not %d", shape.name, x.what, factor, x.many, factor*x.few)
			}
		}
	}
}
