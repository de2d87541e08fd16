package conformance

import (
	"strings"
	"testing"
)

// TestParseVerdict reads lines as the referee writes them.
func TestParseVerdict(t *testing.T) {
	out := strings.Join([]string{
		"/x/a.json\tERROR\tValidation_VAL_Profile_Minimum\t10:4 Bundle.entry[3].resource/*Observation/null*/.code\tObservation.code: minimum required = 1",
		"/x/b.json\tERROR\tValidation_VAL_Profile_Minimum\t90:4 Bundle.entry[7].resource/*Observation/b-2*/.code\tObservation.code: minimum required = 1",
		"/x/b.json\tWARNING\tdom-6\t1:1 Bundle.entry[0].resource/*Patient/p*/\tshould have narrative",
	}, "\n")
	errs := "ready after 9.1 s\n/x/a.json: errors=1 warnings=0\n/x/b.json: errors=1 warnings=1\npass 1: 2 files, 2 resources or bundles, 2 with errors, 1.3 MB in 2.7 s, 0.5 MB/s\n"
	v := parseVerdict(out, errs)
	if v.Files != 2 || v.Errors != 2 || v.Warnings != 1 || len(v.Kinds) != 2 {
		t.Fatalf("files %d, errors %d, warnings %d, kinds %d", v.Files, v.Errors, v.Warnings, len(v.Kinds))
	}
	k := v.Kinds[0]
	if k.N != 2 || k.Path != "Bundle.entry.resource(Observation).code" || len(k.Files) != 2 {
		t.Errorf("first kind: %+v", *k)
	}
}
