package fhirpath_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// seeds are expressions of every kind.
var seeds = []string{
	"Patient.name.where(use = 'official').given.first()", "name.select(given & ' ' & family).join(', ')", "telecom.rank.aggregate($this + $total, 0)",
	"descendants().where($this is Reference).reference.distinct().count() > 2 implies active", "birthDate + 3 months >= @2020-02-29T12:00:00.5+01:00",
	"(1 | 2.5 | 'a' | @T12:30 | 4 'mg' | true).repeat($this)", "iif(active, 1 'g' + 1 'mg', -(3 days))", "extension('http://example.org/d').value.ofType(decimal) * 2",
	"contained.where('#' + id in %resource.descendants().reference).trace('x').empty()", "'aXb'.replaceMatches('[A-Z]', '$0').split('X').skip(1)",
	"1.587.lowBoundary(2) ~ 1.58 xor 7 div 2 mod 3 = 1", "children().children().sort(-id).take(3).type().name", "name[0].given[1] as string", "%ucum & %`vs-x` // end",
	"link.other.resolve().conformsTo('http://hl7.org/fhir/StructureDefinition/Patient') /* c */", "text.div.htmlChecks() and 2.power(31).round(2) < 'x'.length()",
	"'\\u0041\\n'.encode('base64').decode('hex').escape('json')", "managingOrganization.getReferenceKey(Organization) | getResourceKey()",
}

// FuzzParse: any text compiles or is refused with a column within it, and what compiles for a type runs on it.
func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Add("((((")
	f.Add("@2020-13-45T99")
	f.Add("'\\")
	f.Fuzz(func(t *testing.T, source string) {
		x, err := fhirpath.Compile(source, nil)
		if err != nil {
			var e *fhirpath.Error
			if !errors.As(err, &e) || e.Column < 1 || e.Column > len(source)+1 || e.Msg == "" {
				t.Fatalf("%q: error %#v", source, err)
			}
			return
		}
		if x.String() != source {
			t.Fatalf("%q became %q", source, x)
		}
	})
}

// FuzzEval: no expression makes an evaluation panic or go on without end; the same expression gives the same twice; its four ways
// agree; and no error holds a value of the patient's.
func FuzzEval(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	v := fhirpath.Of(read(f, patient))
	f.Fuzz(func(t *testing.T, source string) {
		for _, types := range []fhirpath.Types{nil, fhirpath.TypesOf(v.Type())} {
			x, err := fhirpath.Compile(source, types)
			if err != nil {
				continue
			}
			c := fhirpath.NewContext(fhirpath.Env{Now: clock, MaxSteps: 50_000})
			c.SetScope(v, v)
			first := outcome(x.Eval(c, v))
			if again := outcome(x.Eval(c, v)); again != first {
				t.Fatalf("%q gives %s, then %s", source, first, again)
			}
			if strings.HasPrefix(first, "error") {
				if strings.Contains(first, "Annie") && !strings.Contains(source, "Annie") {
					t.Fatalf("%q: an error holds a value", source)
				}
				continue
			}
			exists, err := x.Exists(c, v)
			if err == nil && exists != (first != "") {
				t.Fatalf("%q gives %s, but exists is %v", source, first, exists)
			}
			if x.Single() && strings.Count(first, "\n") > 1 {
				t.Fatalf("%q is single, but gives %s", source, first)
			}
			_, _ = x.Test(c, v)
		}
	})
}

func outcome(items []fhirpath.Value, err error) string {
	if err != nil {
		return "error " + err.Error()
	}
	var b strings.Builder
	for _, v := range items {
		s, _ := v.Text()
		b.WriteString(v.TypeName() + strconv.Quote(s) + "\n")
	}
	return b.String()
}
