package fhirpath_test

import (
	"testing"

	"github.com/chartpost/chartpost/pkg/fhirpath"
)

func TestQuantities(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"extension('http://example.org/q').value = 0.5 'g'", "true"},
		{"extension('http://example.org/q').value > 499 'mg' and extension('http://example.org/q').value < 1 'kg'", "true"},
		{"(extension('http://example.org/r').value = 500 'mg').empty()", "true"}, // < 500 mg is no amount
		{"(extension('http://example.org/r').value > 1 'mg').empty()", "true"},
		{"extension('http://example.org/a').value >= 40 'a'", "true"},
		{"1 'g' + 1 'mg' | 1 'g' - 1 'g' | (1 'g' + 1 'm')", "1001 'mg', 0 'g'"},
		{"2 'cm' * 3 'cm' | 6 'm' / 2 's' | 1 'm' / 0 's'", "0.0006 'm2', 3 'm/s'"},
		{"6 'mg' * 2 | 6 'mg' / 2", "0.012 'g', 0.003 'g'"},
		{"(1 year = 1 'a').empty() and 1 year ~ 1 'a' and 1 year = 12 months and 1 week = 7 days and 60 minutes = 1 hour", "true"},
		{"4 'g' ~ 4040 'mg' and (4.0 'g' ~ 4060 'mg').not() and 1 'g' ~ 1000 'mg'", "true"},
		{"(1 'g' = 1 'm').empty() and (1 'g' ~ 1 'm').not()", "true"},
		{"(1 'furlong' = 1 'furlong') and (1 'furlong' = 1 'm').empty()", "true"},
		{"1 'g' < true", "!! column 7: < cannot compare System.Quantity with System.Boolean (at Patient)"},
	})
}

// TestUnits compares amounts in units of UCUM; each pair is equal, and twice the first is not.
func TestUnits(t *testing.T) {
	pairs := []struct{ a, b string }{
		{"1 'L'", "10 'dL'"}, {"1 'l'", "1000000 'uL'"}, {"1 'dm3'", "1 'L'"}, {"1 'mmol/L'", "1000 'umol/L'"}, {"1 'mg/dL'", "0.01 'g/L'"},
		{"1 'ug/mL'", "1 'mg/L'"}, {"1 'kg.m/s2'", "1 'N'"}, {"1 'kg/m2'", "0.1 'g/cm2'"}, {"1 'mm[Hg]'", "0.133322 'kPa'"}, {"1 'm[H2O]'", "9.80665 'kPa'"},
		{"1 '[lb_av]'", "453.59237 'g'"}, {"16 '[oz_av]'", "1 '[lb_av]'"}, {"1 '[ft_i]'", "12 '[in_i]'"}, {"1 '[in_i]'", "2.54 'cm'"}, {"1 'h'", "3600 's'"},
		{"1 'd'", "24 'h'"}, {"1 'wk'", "7 'd'"}, {"1 'a'", "12 'mo'"}, {"37 'Cel'", "98.6 '[degF]'"}, {"0 'Cel'", "273.15 'K'"}, {"1 'kcal'", "4.184 'kJ'"},
		{"1 '%'", "0.01 '1'"}, {"100 '/min'", "100 '{beats}/min'"}, {"1 '10*3/uL'", "1 '10*9/L'"}, {"1 '10^6'", "1000000 '1'"}, {"1 'm-1'", "1 '/m'"},
		{"1 '[iU]/L'", "1 'm[IU]/mL'"}, {"1 'mg/kg/d'", "1 'mg/(kg.d)'"}, {"1 'ng/mL/h'", "1 'ng/(mL.h)'"}, {"1 'U/L'", "0.001 'U/mL'"}, {"1 'meq/L'", "0.001 'eq/L'"},
		{"1 '[gal_us]'", "4 '[qt_us]'"}, {"1 '[foz_us]'", "2 '[tbs_us]'"}, {"6 '[tsp_us]'", "1 '[foz_us]'"}, {"1 'J/s'", "1 'W'"}, {"1 'mSv'", "0.001 'Sv'"}, {"180 'deg'", "3.1415926535897932 'rad'"},
	}
	var rows []row
	for _, p := range pairs[:len(pairs)-1] {
		rows = append(rows, row{p.a + " = " + p.b, "true"}, row{p.a + " != " + p.b, "false"}, row{"(" + p.a + ").comparable(" + p.b + ")", "true"})
	}
	last := pairs[len(pairs)-1] // not exact in decimals
	rows = append(rows, row{last.a + " < " + last.b, "false"}, row{"(" + last.a + ").comparable(" + last.b + ")", "true"})
	for _, bad := range []string{"mg/", "(mg", "mg)", "kk", "m^2", "10*999", "/", ".", "{", "min3x", "dd", "a.b.c"} {
		rows = append(rows, row{"(1 '" + bad + "').comparable(1 'g')", "false"})
	}
	check(t, fhirpath.Options{}, rows)
}

func TestTemporal(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"birthDate = @1974-12-25 and (birthDate = @1974-12).empty() and birthDate != @1975 and birthDate < @1975", "true"},
		{"(birthDate = @1974-12-25T00:00:00Z).empty()", "true"},
		{"@2020-01-01T12:00:00Z = @2020-01-01T13:00:00+01:00 and @2020-01-01T12:00:00Z < @2020-01-01T12:00:00-01:00", "true"},
		{"(@2020-01-01T12:00:00Z = @2020-01-01T12:00:00).empty() and @2020-01-01T12:00:00 < @2020-01-03T12:00:00Z", "true"},
		{"@T12:00 = @T12:00 and @T12:00:00 = @T12:00:00.000 and (@T12:00 = @T12:00:00).empty() and @T12:00 < @T12:01:00", "true"},
		{"@T12:00 = @2020", "false"},
		{"@T12:00 < @2020", "!! column 9: < cannot compare System.Time with System.Date (at Patient)"},
		{"birthDate = '1974-12-25' and birthDate < '2000'", "true"}, // QUIRK
		{"birthDate.extension.value < @1974-12-25T19:35:45.2Z", "true"},
		{"birthDate.extension.value.toString()", "1974-12-25T14:35:45.1234-05:00"},
		{"extension('http://example.org/m').value.toString() | extension('http://example.org/t').value | extension('http://example.org/i').value", "2020-01, 12:30:00, 2020-01-02T03:04:05Z"},
		{"extension('http://example.org/i').value = @2020-01-02T04:04:05+01:00", "true"},
		{"@2020-01-31 + 1 month | @2020-02-29 + 1 year | @2020-03-31 - 1 month | @2019-12-31 + 1 day", "2020-02-29, 2021-02-28, 2020-01-01"},
		{"@2014 + 24 months | @2014 + 730 days | @2014-01 + 59 days | @2014 + 23 months", "2016, 2014-02, 2015"},
		{"@2020-01-01T23:30:00+01:00 + 90 minutes | @T23:30 + 2 hours | @2020-01-01T00:00:00Z + 1.5 seconds", "2020-01-02T01:00:00+01:00, 01:30, 2020-01-01T00:00:01Z"},
		{"@2020-01-01 + 1 'a'", "!! column 13: + is not for System.Date and System.Quantity (at Patient)"},
		{"@T12:00 + 1 day", "!! column 9: + is not for System.Time and System.Quantity (at Patient)"},
		{"@9999-12-31 + 1 day | @0001-01-01 - 1 day | @2020-01-01 + 99999999999999999 years", "{}"},
		{"@2020-13", "! column 1: @2020-13 is not a date, dateTime or time"},
		{"@2020-02-30", "! column 1: @2020-02-30 is not a date, dateTime or time"},
		{"@T25:00", "! column 1: @T25:00 is not a date, dateTime or time"},
		{"@2020-01-01T12:00+15:00", "! column 1: @2020-01-01T12:00+15:00 is not a date, dateTime or time"},
		{"@T12:00Z", "! column 8: unexpected Z"},
		{"@2020T.toString() & @2020-01T.type().name", "2020DateTime"},
	})
}

// TestSyntax: what is wrong with a text, and at which column.
func TestSyntax(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"", "! column 1: unexpected the end"},
		{"1 +", "! column 4: unexpected the end"},
		{"name.", "! column 6: want a name, found the end"},
		{"name[0", "! column 7: want ], found the end"},
		{"(1", "! column 3: want ), found the end"},
		{"name.exists(1,)", "! column 15: want an argument, found )"},
		{"1 2", "! column 3: unexpected 2"},
		{"{1}", "! column 2: want }, found 1"},
		{"'a", "! column 1: a quote that does not end"},
		{"'\\u12'", "! column 2: \\u without four hexadecimal digits"},
		{"1 /* a", "! column 3: a comment that does not end"},
		{"1 § 2", "! column 3: unexpected '§'"},
		{"$that", "! column 1: $that is none of $this, $index, $total"},
		{"% ", "! column 1: % without a name"},
		{"name is", "! column 8: want a type, found the end"},
		{"gender is System.", "! column 18: want a type, found the end"},
		{"`gender` // the end", "female"},
		{"'\\'\\\\\\n\\u0041'.length()", "4"},
		{"name.$this.count()", "2"},
		{"contains.exists()", "! column 1: Patient has no element contains; did you mean contained?"},
	})
}
