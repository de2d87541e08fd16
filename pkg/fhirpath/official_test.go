package fhirpath_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// officialTest is a test of FHIR's suite (tests-fhir-r4.xml).
type officialTest struct {
	Name       string `xml:"name,attr"`
	Input      string `xml:"inputfile,attr"`
	Predicate  bool   `xml:"predicate,attr"`
	Mode       string `xml:"mode,attr"`
	Expression struct {
		Invalid string `xml:"invalid,attr"`
		Text    string `xml:",chardata"`
	} `xml:"expression"`
	Output []struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"output"`
}

// explained are the official tests that fail, each with the reason. One that begins to pass must go.
var explained = map[string]string{
	"LowBoundary/LowBoundaryDecimal15": "-0.0034 may be as low as -0.00345, which is below -0.0: with one digit the low boundary is -0.1, as it is " +
		"-1.59 with two digits for -1.587 (LowBoundaryNegDecimal2)",
	"HighBoundary/HighBoundaryDecimal15": "0.0034 may be as high as 0.00345, which is above 0.0: with one digit the high boundary is 0.1, as it is " +
		"1.59 with two digits for 1.587 (HighBoundaryDecimal1)",
	"HighBoundary/HighBoundaryDecimal16":            "a minus sign binds less than a dot: this is the negative of HighBoundaryDecimal15, and so -0.1",
	"HighBoundary/HighBoundaryDateTimeMillisecond1": "08 is the whole hour from 08:00 to 08:59:59.999; the test ends it after its first minute",
	"HighBoundary/HighBoundaryDateTimeMillisecond3": "the same expression as HighBoundaryDateTimeMillisecond1",
}

// officialPass is how many of the official tests pass.
const officialPass = 930

func TestOfficial(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "conformance", "fhirpath")
	var suite struct {
		Groups []struct {
			Name  string         `xml:"name,attr"`
			Tests []officialTest `xml:"test"`
		} `xml:"group"`
	}
	b, err := os.ReadFile(filepath.Join(dir, "tests-fhir-r4.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(b, &suite); err != nil {
		t.Fatal(err)
	}
	inputs := map[string]fhirpath.Value{}
	input := func(name string) fhirpath.Value {
		if name == "" {
			name = "patient-example.xml"
		}
		if v, ok := inputs[name]; ok {
			return v
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && strings.HasSuffix(name, ".xml") {
			b, err = xmlToJSON(b)
		}
		if err != nil {
			t.Fatal(err)
		}
		m, findings := fhir.Unmarshal(b)
		if m == nil {
			t.Fatalf("%s: %v", name, findings)
		}
		inputs[name] = fhirpath.Of(m)
		return inputs[name]
	}
	total, pass := 0, 0
	c := fhirpath.NewContext(fhirpath.Env{Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)})
	for _, g := range suite.Groups {
		for _, x := range g.Tests {
			total++
			key := g.Name + "/" + x.Name
			why := runOfficial(c, x, input(x.Input))
			reason, known := explained[key]
			switch {
			case why == "" && known:
				t.Errorf("%s passes: it needs no explanation any more", key)
			case why == "":
				pass++
			case !known:
				t.Errorf("%s: %s\n\t%s", key, strings.TrimSpace(x.Expression.Text), why)
			default:
				t.Logf("%s: %s (%s)", key, why, reason)
			}
		}
	}
	if total != 935 || pass < officialPass {
		t.Errorf("%d of %d official tests pass, want %d of 935", pass, total, officialPass)
	}
}

// runOfficial says why a test fails, nothing if it passes.
func runOfficial(c *fhirpath.Context, x officialTest, v fhirpath.Value) string {
	c.SetScope(v, v)
	e, err := fhirpath.Compile(x.Expression.Text, fhirpath.TypesOf(v.Type()), fhirpath.Options{Strict: x.Mode == "strict"})
	var out []fhirpath.Value
	if err == nil {
		out, err = e.Eval(c, v)
	}
	switch {
	case x.Expression.Invalid != "" && err == nil:
		return "should be invalid: " + x.Expression.Invalid + "; gave " + show(out)
	case x.Expression.Invalid != "":
		return ""
	case err != nil:
		return err.Error()
	case x.Predicate:
		if ok, err := e.Bool(c, v); err != nil || fmt.Sprint(ok) != x.Output[0].Text {
			return fmt.Sprintf("as a condition: %v %v", ok, err)
		}
		return ""
	case len(out) != len(x.Output):
		return "gave " + show(out)
	}
	for i, want := range x.Output {
		text, _ := out[i].Text()
		w := strings.TrimPrefix(want.Text, "@")
		if out[i].System().Kind() == fhirpath.Time {
			w = strings.TrimPrefix(w, "T")
		}
		if text != w {
			return "gave " + show(out)
		}
		_, name, _ := strings.Cut(out[i].TypeName(), ".")
		if want.Type != "" && !strings.EqualFold(name, want.Type) && !(want.Type == "code" && name == "string") {
			return "type " + name + ", want " + want.Type
		}
	}
	return ""
}

func show(vs []fhirpath.Value) string {
	var b strings.Builder
	for i, v := range vs {
		if i == 8 {
			b.WriteString("...")
			break
		}
		s, _ := v.Text()
		fmt.Fprintf(&b, "%s:%s ", v.TypeName(), s)
	}
	return fmt.Sprintf("%s(%d)", b.String(), len(vs))
}
