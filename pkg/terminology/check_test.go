package terminology

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/currency"

	"github.com/chartpost/chartpost/internal/fhirpackage"
	"github.com/chartpost/chartpost/internal/testshared"
)

// TestCheck: for each system codes that are right, and codes that are wrong in one way each. The good ones are from the
// specifications' own examples where they give some.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		uri       string
		how       Checked
		good, bad []string
	}{
		{loincURI, ByForm, []string{"2345-7", "29463-7", "8302-2", "718-7", "10-9", "LA6576-8", "LP14449-0", "LL361-7", "100000-9"},
			[]string{"", "2345-6", "2354-7", "23457", "2345-", "-7", "2345-77", "12345678-4", "LX1-8", "2345_7", "LOINC"}},
		{snomedURI, ByForm, []string{"138875005", "73211009", "22298006", "404684003", "900000000000207008", "999000011000000103", "731000124108", "73211009 |Diabetes mellitus|",
			"27624003:363698007=(53085002:272741003=7771000)", "{ 64572001 } + 5935008", "322236009 : 1142135004 = #500.5"},
			[]string{"", "73211008", "72311009", "1", "12345", "073211009", "7321100900000000000", "751689013", "1228510020", "E11.9", "73211009 |Diabetes", "73211009:36369800=1", "|term|"}},
		{npiURI, ByForm, []string{"1234567893", "2000000002"}, []string{"", "1234567890", "3234567893", "123456789", "12345678930", "123456789X"}},
		{ucumURI, ByList, []string{"mg/dL", "10*3/uL", "10^9/L", "[degF]", "mm[Hg]", "{beats}/min", "/min", "1", "%", "m2", "kg/m2", "ug/(8.h)", "g{creat}", "mmol/(kg.min)", "[in_i'H2O]", "s-1", "{}"},
			[]string{"", "mg/dl ", "MG/DL", "mg//dL", "mg/", "mg(", "K/uL2x", "bpm", "mmHg", "{a", "kkg", "mg%x", "m^2"}},
		{icd10cmURI, ByForm, []string{"E11.9", "S52.521A", "A00", "C7A.021", "Z3A.09", "U07.1", "T36.0X1A", "A00-A09", "M1A.0110"},
			[]string{"", "E119", "e11.9", "11.9", "E1.19", "E11.", "E11.99999", "E11,9", "E11 .9", "AB1.2"}},
		{icd10URI, ByForm, []string{"E11.9", "A18.0", "A00", "B95.48", "A17.0†", "G01*", "I10-I15"}, []string{"", "E119", "E11.999", "C7A.02", "E11.A", "e11"}},
		{cvxURI, ByForm, []string{"03", "140", "998"}, []string{"", "3", "0140", "a3", " 03"}},
		{rxnormURI, ByForm, []string{"197361", "7980", "2671234"}, []string{"", "0197361", "RX7980", "123456789", "7980 "}},
		{ndcURI, ByForm, []string{"0002-1433-80", "50242-040-62", "60575-4112-1", "00002-1433-80", "00002143380", "50242-040", "0002-1433"},
			[]string{"", "0002143380", "002-1433-80", "0002-1433-8", "0002-143-80", "0002--80", "0002-1433-80-1", "A002-1433-80", "123"}},
		{mediaURI, ByForm, []string{"text/plain", "application/fhir+json; charset=utf-8", "image/svg+xml", `text/plain;a="b;c";d=e`, "application/vnd.ms-excel", `multipart/x; b="a\"c"`},
			[]string{"", "text", "text/", "/plain", "text/plain;", "text/pl ain", "text/plain; charset", "text/plain;a=b c", "-x/y", "text/plain/x", `text/plain;a="b`}},
		{langURI, ByForm, []string{"en", "en-US", "zh-Hans-CN", "de-CH-1901", "sl-rozaj-biske", "es-419", "zh-yue-HK", "en-x-us", "x-whatever", "i-klingon", "de-DE-u-co-phonebk", "en-a-bbb-x-a-ccc", "sgn-BE-FR", "art-lojban", "hy-Latn-IT-arevela"},
			[]string{"", "e", "en_US", "en-", "-en", "englishlanguage", "en-US-", "en-u", "en-x", "de-1901-1901", "en-a-bb-a-cc", "en-USA1x-x", "12", "en-Ü", "i-mine"}},
		{moneyURI, ByList, []string{"USD", "EUR", "JPY", "HRK"}, []string{"", "usd", "US", "USDX", "D E", "ZZZ", "SD "}},
		{regionURI, ByForm, []string{"US-CA", "GB-ENG", "FR-75C", "AT-9"}, []string{"", "US", "US-", "USA-CA", "XX-CA", "US-CALI", "US-ca"}},
		{"urn:iso:std:iso:3166", ByList, []string{"US", "USA", "DE"}, []string{"", "us", "XX", "Germany"}},
		{"http://terminology.hl7.org/CodeSystem/v2-0203", ByList, []string{"MR"}, []string{"", "mr", "nosuch"}},
		{"https://maple.example/codes", NotChecked, []string{"anything", ""}, nil},
	} {
		for _, code := range c.good {
			if how, problem := Check(c.uri, code); how != c.how || problem != "" {
				t.Errorf("%s %q: %d %s", c.uri, code, how, problem)
			}
		}
		for _, code := range c.bad {
			how, problem := Check(c.uri, code)
			if how != c.how || problem == "" {
				t.Errorf("%s %q: %d, and nothing is wrong with it", c.uri, code, how)
			}
			if len(code) > 4 && strings.ContainsAny(code, "0123456789") && strings.Contains(problem, code) {
				t.Errorf("%s %q: the problem quotes the code", c.uri, code)
			}
		}
	}
}

// TestOneDigit: a check digit finds every wrong digit, and Verhoeff's every swap of neighbours too.
func TestOneDigit(t *testing.T) {
	for _, c := range []struct {
		code  string
		check func(string) string
		swaps bool
	}{{"29463-7", LOINC, false}, {"1234567893", NPI, false}, {"404684003", SNOMED, true}, {"900000000000207008", SNOMED, true}} {
		b := []byte(c.code)
		for i := range b {
			if b[i] < '0' {
				continue
			}
			was := b[i]
			for d := byte('0'); d <= '9'; d++ {
				if b[i] = d; d != was && c.check(string(b)) == "" {
					t.Errorf("%s is as good as %s", b, c.code)
				}
			}
			if b[i] = was; c.swaps && i > 0 && b[i-1] != was {
				b[i-1], b[i] = b[i], b[i-1]
				if c.check(string(b)) == "" {
					t.Errorf("%s is as good as %s", b, c.code)
				}
				b[i-1], b[i] = b[i], b[i-1]
			}
		}
	}
}

// TestCurrencies: the list has what the library's tables say is in use.
func TestCurrencies(t *testing.T) {
	n := 0
	for it := currency.Query(currency.NonTender); it.Next(); {
		if c := it.Unit().String(); Currency(c) != "" && c != "CNH" {
			t.Errorf("%s is missing", c)
		}
		n++
	}
	for it := currency.Query(); it.Next(); {
		if c := it.Unit().String(); Currency(c) != "" && c != "CNH" {
			t.Errorf("%s is missing", c)
		}
		n++
	}
	if n < 150 {
		t.Errorf("only %d were compared", n)
	}
	for c := range strings.FieldsSeq(currencies) {
		if _, err := currency.ParseISO(c); err != nil && !strings.Contains(" MRU UYW VES VED SLE ZWG XCG XAD XBA XBB XBC XBD XSU XTS XUA ", " "+c+" ") {
			t.Errorf("%s: %v", c, err)
		}
	}
}

// coding is a code with its system in any JSON.
type coding struct{ system, code string }

func codings(v any, do func(coding)) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			codings(x, do)
		}
	case map[string]any:
		system, _ := v["system"].(string)
		if code, ok := v["code"].(string); ok && system != "" {
			do(coding{system, code})
		}
		if system == npiURI {
			if code, ok := v["value"].(string); ok {
				do(coding{system, code})
			}
		}
		if concepts, ok := v["concept"].([]any); ok && system != "" { // a value set's
			for _, x := range concepts {
				if m, ok := x.(map[string]any); ok {
					if code, ok := m["code"].(string); ok {
						do(coding{system, code})
					}
				}
			}
		}
		for _, x := range v {
			codings(x, do)
		}
	}
}

// maxMadeUp is how large a part of the codes in the specification's examples may be made up.
const maxMadeUp = 0.02

// TestCheckCorpus: of the codes in FHIR's own value sets and examples, in US Core and in Synthea's bundles hardly any fails, and in
// Synthea none that a human would call right.
func TestCheckCorpus(t *testing.T) {
	shared := testshared.Dir(t)
	total, failed := map[string]int{}, map[string]map[string]bool{}
	see := func(name string, b []byte, strict bool) {
		var v any
		if json.Unmarshal(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), &v) != nil {
			return
		}
		codings(v, func(c coding) {
			how, problem := Check(c.system, c.code)
			if how == NotChecked || byForm[c.system] == nil && c.system != ucumURI {
				return
			}
			total[c.system]++
			if problem == "" {
				return
			}
			if failed[c.system] == nil {
				failed[c.system] = map[string]bool{}
			}
			failed[c.system][c.code] = true
			if strict && c.system != npiURI && c.code != "34552-0" { // Synthea's NPIs are small numbers; that one is a LOINC code
				t.Errorf("%s: %s %s: %s", name, c.system, c.code, problem)
			}
		})
	}
	files, err := filepath.Glob(filepath.Join(shared, "corpus/fhir/synthea/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no bundles", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		see(filepath.Base(f), b, true)
	}
	for _, tgz := range []string{"conformance/us-core/us_core_610.tgz", "conformance/fhir-r4-core/hl7.fhir.r4.core-4.0.1.tgz"} {
		for f, err := range fhirpackage.Files(filepath.Join(shared, tgz)) {
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(f.Name)
			if filepath.Ext(name) != ".json" || f.Size > 4<<20 || testing.Short() && !strings.HasPrefix(name, "ValueSet") {
				continue
			}
			b, err := io.ReadAll(f)
			if err != nil {
				t.Fatal(err)
			}
			see(f.Name, b, false)
		}
	}
	for uri, n := range total {
		bad := 0
		var list []string
		for code := range failed[uri] {
			bad++
			if len(list) < 25 {
				list = append(list, code)
			}
		}
		t.Logf("%-45s %6d codes, %d different ones fail: %q", uri, n, bad, list)
		if float64(bad) > maxMadeUp*float64(n) && n > 200 {
			t.Errorf("%s: %d of %d fail", uri, bad, n)
		}
	}
}
