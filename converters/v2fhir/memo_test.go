package v2fhir

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// TestMemos: what is remembered of texts that were read before, in this message and in others, changes nothing: neither what a message
// becomes nor what the ledger says of it. A reading that is asked for normal forms remembers nothing.
func TestMemos(t *testing.T) {
	m := builtin(t)
	read := func(text, structure string, o mapping.ReadOptions) string {
		msg, err := (&hl7v2.Parser{}).Parse(&hl7v2.Raw{Data: text, Line: 1, Column: 1, Record: 1})
		if err != nil {
			t.Fatal(err)
		}
		msg.Group()
		rec, err := m.ToFHIR(structure, "Bundle", msg.Doc, o)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, r := range rec.Resources {
			out, err := fhir.Append(nil, r.Msg)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n", out)
		}
		msg.Leaves(func(n tree.Node, s tree.State, why string) {
			fmt.Fprintln(&b, msg.PlaceOf(n), s, why)
		})
		for _, f := range rec.Findings {
			fmt.Fprintln(&b, f.ID, f.Place.Path, f.What)
		}
		return b.String()
	}
	compare := func(name, text, structure string) {
		t.Helper()
		o := mapping.ReadOptions{Key: "k", Facility: "f"}
		got := read(text, structure, o)
		o.Normal = func(tree.Node, string) {}
		if want := read(text, structure, o); got != want {
			t.Errorf("%s: remembered and anew differ (-anew +remembered):\n%s", name, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
		}
	}
	// Performers of results, one OBX each: OBX-16 and OBX-23 to 25.
	for i, who := range [][]string{
		{"7^EXAMPLE^ANN|", "7^EXAMPLE^ANN|", "7^EXAMPLE^ANN|"},
		{"7^EXAMPLE|", "7^EXAMPLE|", "7^EXAMPLE^ANN^^^DR|", "7^EXAMPLE|", "7^EXAMPLE^ANN^^^DR|", "7^EXAMPLE|"}, // the fuller one stays
		{"7^EXAMPLE^ANN|", "7^OTHER^BEA|", "7^EXAMPLE^ANN|", "7^OTHER^BEA|"},                                   // contradictions
		{"^EXAMPLE^ANN|", "^EXAMPLE^ANN|", "^EXAMPLE^BEA|", "^EXAMPLE^ANN|"},                                   // without numbers
		{"7^EXAMPLE^ANN^B|", "7^EXAMPLE^B^ANN|", "7^EXAMPLE^ANN^B|", "7^EXAMPLE^B^ANN|"},                       // in another order
		{"7^EXAMPLE^ANN^B|", "7^EXAMPLE^ANN^B|", "7^EXAMPLE^B^ANN^^DR|", "7^EXAMPLE^ANN^B|"},                   // the fuller one in another order
		{`""|`, `""|`, "7^EXAMPLE|"},
		{"|||||||LAB^L^55|1 Oak^^Maple|", "|||||||LAB^L^55|1 Oak^^Maple|", "|||||||LAB^L^55||", "|||||||LAB^L^55|1 Oak^^Maple|9^HEAD^HAL", "|||||||LAB^L^55|1 Oak^^Maple|9^HEAD^HAL"},
		{"7^EXAMPLE^ANN^^^^^^&2.999.1&ISO|||||||LAB^L^^^^&2.999.1&ISO^XX^^^55|", "7^EXAMPLE^ANN^^^^^^&2.999.1&ISO|||||||LAB^L^^^^&2.999.1&ISO^XX^^^55|"},
		{"7^EXAMPLE^ANN^^^^^^HOSP~8^EXAMPLE^BEA^^^^^^HOSP|", "8^EXAMPLE^BEA^^^^^^HOSP~7^EXAMPLE^ANN^^^^^^HOSP|"},
	} {
		var b strings.Builder
		b.WriteString("MSH|^~\\&|LAB|MAPLE|EHR|CLINIC|20240102030405+0000||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||1^^^MAPLE^MR||EXAMPLE^ANN\rOBR|1|P1|F1|24323-8^Panel^LN|||20240102030405+0000\r")
		for j, x := range who {
			fmt.Fprintf(&b, "OBX|%d|NM|2345-7^Glucose^LN||%d|mg/dL^^UCUM|||||F||||7^EXAMPLE^ANN|%s\r", j+1, j, x)
		}
		for range 2 {
			compare(fmt.Sprint("performers ", i), b.String(), "ORU_R01")
		}
	}
	if testshared.Find() == "" {
		return
	}
	for _, msg := range corpus(t, m) {
		compare(msg.name, msg.raw.Data, msg.structure)
	}
}

// TestShared: primitives that are one struct in many places and records change nothing: a record says the same as without them, and still
// does when all the others have been read.
func TestShared(t *testing.T) {
	m := builtin(t)
	texts := map[string]string{}
	type read struct {
		name string
		rec  *mapping.Record
		text string
	}
	var all []read
	print := func(rec *mapping.Record) string {
		var out []byte
		for _, r := range rec.Resources {
			var err error
			if out, err = fhir.Append(out, r.Msg); err != nil {
				t.Fatal(err)
			}
			out = append(out, '\n')
		}
		return string(out)
	}
	try := func(name, text, structure string) {
		for _, shared := range []bool{false, true, true} {
			msg, err := (&hl7v2.Parser{}).Parse(&hl7v2.Raw{Data: text, Line: 1, Column: 1, Record: 1})
			if err != nil {
				t.Fatal(err)
			}
			msg.Group()
			rec, err := m.ToFHIR(structure, "Bundle", msg.Doc, mapping.ReadOptions{Key: "k", Facility: "f", Shared: shared})
			if err != nil {
				t.Fatal(err)
			}
			got := print(rec)
			if !shared {
				texts[name] = got
				continue
			}
			if got != texts[name] {
				t.Errorf("%s: shared and apart differ (-apart +shared):\n%s", name, cmp.Diff(strings.Split(texts[name], "\n"), strings.Split(got, "\n")))
			}
			all = append(all, read{name, rec, got})
		}
	}
	// What one place changes after it was read, and another may not see: a name without a family, an unknown code with its text.
	for i, pid := range []string{`PID|1||1^^^MAPLE^MR||EXAMPLE^ANN||19800101|F`, `PID|1||1^^^MAPLE^MR||EXAMPLE^ANN||19800101|""`, `PID|1||1^^^MAPLE^MR||EXAMPLE^ANN||198001|X^local`} {
		try(fmt.Sprint("patient ", i), "MSH|^~\\&|LAB|MAPLE|EHR|CLINIC|20240102030405+0000||ORU^R01^ORU_R01|1|P|2.5.1\r"+pid+
			"\rOBR|1|P1|F1|24323-8^Panel^LN|||20240102030405+0000\rOBX|1|NM|2345-7^Glucose^LN||5|mg/dL^^UCUM|||||F\r", "ORU_R01")
	}
	if testshared.Find() != "" {
		for _, msg := range corpus(t, m) {
			try(msg.name, msg.raw.Data, msg.structure)
		}
	}
	for _, x := range all {
		if got := print(x.rec); got != x.text {
			t.Errorf("%s: what was read after it changed it (-before +after):\n%s", x.name, cmp.Diff(strings.Split(x.text, "\n"), strings.Split(got, "\n")))
		}
	}
}

// TestMemosOfOrigins: what became of the leaves of a record of which only a part is shown does not depend on what was read before it.
func TestMemosOfOrigins(t *testing.T) {
	m := builtin(t)
	text := "MSH|^~\\&|LAB|MAPLE|EHR|CLINIC|20240102030405+0000||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||1^^^MAPLE^MR||EXAMPLE^ANN\r" +
		"OBR|1|P1|F1|24323-8^Panel^LN|||20240102030405+0000\rOBX|1|NM|2345-7^Glucose^LN||5|mg/dL^^UCUM|||||F\r"
	read := func() string {
		msg, err := (&hl7v2.Parser{}).Parse(&hl7v2.Raw{Data: text, Line: 1, Column: 1, Record: 1})
		if err != nil {
			t.Fatal(err)
		}
		msg.Group()
		rec, err := m.ToFHIR("ORU_R01", "Bundle", msg.Doc, mapping.ReadOptions{Key: "k", Facility: "f", Origins: true})
		if err != nil {
			t.Fatal(err)
		}
		rec.Project(func(l *mapping.Leaf) (tree.State, string) { return tree.Declined, "in " + l.Place() })
		var b strings.Builder
		msg.Leaves(func(n tree.Node, s tree.State, why string) { fmt.Fprintln(&b, msg.PlaceOf(n), s, why) })
		return b.String()
	}
	first := read()
	if !strings.Contains(first, "OBX-3.1 declined in Observation.code.coding[0].code") {
		t.Errorf("OBX-3.1 is not followed to its element:\n%s", first)
	}
	for range 2 {
		if again := read(); again != first {
			t.Errorf("read again (-first +again):\n%s", cmp.Diff(strings.Split(first, "\n"), strings.Split(again, "\n")))
		}
	}
}
