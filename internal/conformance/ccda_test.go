package conformance

import (
	"strings"
	"testing"
)

func TestRoundTripCountsOnlyWhatIsNew(t *testing.T) {
	before := parseRules("a.xml\tERROR\ta-1\t/x\told\na.xml\tERROR\ta-2\t/x\told\n")
	after := parseRules("b.xml\tERROR\ta-2\t/x\told\nb.xml\tERROR\ta-3\t/x\tnew\nb.xml\tXSD\t-\tline 3\tnew\n")
	trip := &RoundTrip{Rules: map[string]int{}}
	trip.add("b.xml", before, after, true)
	trip.add("c.xml", before, before, true)
	trip.add("d.xml", after, after, false)
	if trip.Valid != 2 || len(trip.Broken) != 1 || trip.Sample != 2 || trip.WithBroken != 1 || trip.Rules["a-3"] != 1 || len(trip.Rules) != 1 {
		t.Errorf("%+v", trip)
	}
	if trip.Check(1) == nil { // one is no longer valid to the schema
		t.Error("a document that is no longer valid passes")
	}
	trip.Broken = nil
	if trip.Check(1) != nil || trip.Check(0) == nil {
		t.Error("the bound does not hold")
	}
	trip.Broken = []string{"b.xml"}
	var b strings.Builder
	trip.Print(&b)
	if !strings.Contains(b.String(), "1 of 2 valid to the schema stay so") || !strings.Contains(b.String(), "newly break a-3") {
		t.Error(b.String())
	}
}
