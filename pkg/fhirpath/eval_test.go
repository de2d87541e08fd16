package fhirpath_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// patient is the invented patient of the tables.
const patient = `{"resourceType":"Patient","id":"p1","active":true,"gender":"female","birthDate":"1974-12-25",
 "_birthDate":{"extension":[{"url":"http://example.org/birthTime","valueDateTime":"1974-12-25T14:35:45.1234-05:00"}]},
 "_deceasedBoolean":{"extension":[{"url":"http://example.org/unknown","valueCode":"asked"}]},
 "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Ann Lee</div>"},
 "contained":[{"resourceType":"Organization","id":"o","name":"Elm Clinic"},{"resourceType":"Practitioner","id":"d"}],
 "name":[{"use":"official","family":"Lee","given":["Ann","May"],"period":{"start":"2000"}},
  {"use":"usual","given":[null,"Annie"],"_given":[{"extension":[{"url":"http://example.org/y","valueString":"z"}]},null],"_family":{"id":"f1"}}],
 "telecom":[{"system":"phone","value":"555-0100","rank":2},{"system":"email","value":"ann@example.org","rank":1}],
 "managingOrganization":{"reference":"#o"},
 "generalPractitioner":[{"reference":"Practitioner/d1/_history/2"},{"reference":"urn:uuid:00000000-0000-4000-8000-000000000001"},{"identifier":{"value":"x"}}],
 "link":[{"other":{"reference":"#"},"type":"seealso"}],
 "extension":[{"url":"http://example.org/d","valueDecimal":1.50},{"url":"http://example.org/e","valueDecimal":1.5e3},
  {"url":"http://example.org/q","valueQuantity":{"value":500,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}},
  {"url":"http://example.org/r","valueQuantity":{"value":500,"comparator":"<","unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}},
  {"url":"http://example.org/a","valueAge":{"value":40,"unit":"years","system":"http://unitsofmeasure.org","code":"a"}},
  {"url":"http://example.org/m","valueDateTime":"2020-01"},{"url":"http://example.org/t","valueTime":"12:30:00"},
  {"url":"http://example.org/i","valueInstant":"2020-01-02T03:04:05Z"},{"url":"http://example.org/b","valueBase64Binary":"aGk="}]}`

var clock = time.Date(2026, 11, 22, 16, 30, 15, 250e6, time.FixedZone("", 3600))

func read(t testing.TB, text string) proto.Message {
	t.Helper()
	m, findings := fhir.Unmarshal([]byte(text))
	if m == nil || len(findings) > 0 {
		t.Fatalf("cannot be read: %v", findings)
	}
	return m
}

// row is an expression and what it gives: items as their texts, or the error.
type row struct{ source, want string }

// results writes what an expression gives.
func results(c *fhirpath.Context, v fhirpath.Value, source string, o fhirpath.Options) string {
	x, err := fhirpath.Compile(source, fhirpath.TypesOf(v.Type()), o)
	if err != nil {
		return "! " + err.Error()
	}
	items, err := x.Eval(c, v)
	if err != nil {
		return "!! " + err.Error()
	}
	var out []string
	for _, v := range items {
		s, ok := v.Text()
		if !ok {
			s = "(" + v.TypeName() + ")"
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return "{}"
	}
	return strings.Join(out, ", ")
}

// check runs rows on the patient; each is also run on a patient of unknown type, which must give the same.
func check(t *testing.T, o fhirpath.Options, rows []row) {
	t.Helper()
	m := read(t, patient)
	v := fhirpath.Of(m)
	c := fhirpath.NewContext(fhirpath.Env{Now: clock})
	c.SetScope(v, v)
	for _, r := range rows {
		if got := results(c, v, r.source, o); got != r.want {
			t.Errorf("%s\n\tgives %s\n\twant  %s", r.source, got, r.want)
		}
		x, err := fhirpath.Compile(r.source, nil, o)
		if err != nil || strings.HasPrefix(r.want, "!") {
			continue
		}
		static := fhirpath.MustCompile(r.source, fhirpath.TypesOf(v.Type()), o)
		a, errA := static.Eval(c, v)
		want := fmt.Sprint(len(a), errA)
		b, errB := x.Eval(c, v)
		if got := fmt.Sprint(len(b), errB); got != want {
			t.Errorf("%s\n\twithout types gives %s items, with them %s", r.source, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"Patient.name.given", "Ann, May, (FHIR.string), Annie"},
		{"name.`given`.where(hasValue())", "Ann, May, Annie"},
		{"name[0].given[1]", "May"},
		{"name[1 - 1].given[9]", "{}"},
		{"name.given[1]", "May"},
		{"$this.name.family", "Lee, (FHIR.string)"},
		{"name.famly", "! column 6: HumanName has no element famly; did you mean family?"},
		{"Observation.status", "! column 1: Patient has no element Observation"},
		{"extension.valueDecimal", "! column 11: Extension has no element valueDecimal; write value.ofType(decimal)"},
		{"name.given.hasValue()", "false"}, // several
		{"name.given.select(hasValue())", "true, true, false, true"},
		{"name[1].family.id", "f1"},
		{"birthDate.extension.url", "http://example.org/birthTime"},
		{"birthDate.extension('http://example.org/birthTime').value", "1974-12-25T14:35:45.1234-05:00"},
		{"birthDate.children().count()", "1"},
		{"deceased.hasValue()", "false"},
		{"deceased.exists()", "true"},
		{"deceased = true", "false"},
		{"deceased.extension.value", "asked"},
		{"name.given.extension('http://example.org/y').value", "z"},
		{"extension('http://example.org/' & 'd').value", "1.50"},
		{"extension.where(url.endsWith('q')).value.code", "mg"},
		{"managingOrganization.reference", "#o"},
		{"generalPractitioner.reference", "Practitioner/d1/_history/2, urn:uuid:00000000-0000-4000-8000-000000000001"},
		{"generalPractitioner.reference.startsWith('Practitioner/d')", "!! column 31: startsWith() wants one item (at Patient)"},
		{"generalPractitioner.where(reference.startsWith('Practitioner/d1/_h')).count()", "1"},
		{"generalPractitioner.where(reference = 'Practitioner/d1/_history/2').count()", "1"},
		{"generalPractitioner.where('urn:uuid:00000000-0000-4000-8000-000000000001' = reference).count()", "1"},
		{"generalPractitioner.reference.where($this in ('Practitioner/d1/_history/2' | 'x')).count()", "1"},
		{"managingOrganization.resolve().name", "Elm Clinic"},
		{"link.other.resolve().id", "p1"},
		{"generalPractitioner.resolve().count()", "0"},
		{"contained.id", "o, d"},
		{"contained[0].name", "Elm Clinic"},
		{"contained.ofType(Organization).name", "Elm Clinic"},
		{"contained.where($this is Practitioner).id", "d"},
		{"descendants().ofType(Reference).count()", "5"},
		{"descendants().where($this is DomainResource).count()", "2"},
		{"%resource.id | %context.id | %rootResource.id", "p1"},
		{"%ucum & %sct & %loinc", "http://unitsofmeasure.orghttp://snomed.info/scthttp://loinc.org"},
		{"%`vs-name` | %ext-name", "http://hl7.org/fhir/ValueSet/name, http://hl7.org/fhir/StructureDefinition/name"},
		{"%other", "! column 1: unknown variable %other"},
	})
}

func TestTypes(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"gender is code and gender is string and (gender is System.String).not()", "true"},
		{"gender.ofType(code)", "female"},
		{"gender.ofType(string)", "{}"},
		{"name.first() is HumanName and name.first() is Element", "true"},
		{"link.first() is BackboneElement", "true"},
		{"$this is Patient and $this is DomainResource and $this is Resource", "true"},
		{"extension('http://example.org/a').value is Quantity", "true"},
		{"extension('http://example.org/a').value.ofType(Quantity).value", "40"},
		{"extension.value.ofType(decimal)", "1.50, 1.5e3"},
		{"(extension('http://example.org/t').value as time) = @T12:30", "{}"},
		{"name.as(HumanName)", "!! column 6: as wants one item; use ofType for several (at Patient)"},
		{"name.is(HumanName)", "!! column 6: is wants one item (at Patient)"},
		{"name.first().is(Hat)", "! column 14: FHIR has no type Hat"},
		{"1 is Patient.Hat", "! column 3: no namespace Patient: it is FHIR or System"},
		{"name.first().type().name | gender.type().namespace | 1.type().name", "HumanName, FHIR, Integer"},
		{"1.is(System.Patient)", "false"},
		{"name.ofType(1)", "! column 13: ofType() wants the name of a type"},
	})
}

func TestExistence(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"name.empty() | name.exists() | name.exists(use = 'old') | {}.exists()", "false, true"},
		{"name.exists(given.count() = 2 and $index = 0)", "true"},
		{"name.all(given.exists()) and {}.all(false)", "true"},
		{"(true | false).allTrue() or (true | false).allFalse()", "false"},
		{"(true | false).anyTrue() and (true | false).anyFalse()", "true"},
		{"name.allTrue()", "!! column 6: allTrue() wants booleans (at Patient)"},
		{"(1 | 2).subsetOf(1 | 2 | 3) and (1 | 2).supersetOf(2)", "true"},
		{"name.given.count()", "4"},
		{"(1 | 1 | 2).distinct()", "1, 2"},
		{"name.given.isDistinct()", "true"},
		{"(1).combine(1).isDistinct()", "false"},
		{"active.not() | {}.not()", "false"},
	})
}

func TestFiltering(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"name.where(use = 'usual').given", "(FHIR.string), Annie"},
		{"telecom.where(rank > 1).value", "555-0100"},
		{"name.where(period.start)", "(FHIR.HumanName)"}, // an item is true
		{"name.select(given.first())", "Ann, (FHIR.string)"},
		{"name.select(use & ':' & given.count().toString())", "official:2, usual:2"},
		{"(1 | 2).select($this * 10 + $index)", "10, 21"},
		{"(1).repeat(iif($this < 5, $this + 1, {}))", "2, 3, 4, 5"},
		{"contained.repeat(contained).count()", "0"},
		{"name.where(given)", "!! column 12: several items where one is wanted (at Patient.name[0])"},
	})
}

func TestSubsetting(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"name.given.first() & name.given.last()", "AnnAnnie"},
		{"(1 | 2 | 3).tail() | (1 | 2 | 3).skip(2) | (1 | 2 | 3).take(1)", "2, 3, 1"},
		{"(1 | 2).skip(-1).count() + (1 | 2).take(-1).count()", "2"},
		{"(1 | 2).single()", "!! column 9: single() on several items (at Patient)"},
		{"{}.single().exists()", "false"},
		{"(1 | 2 | 3).intersect(3 | 2)", "2, 3"},
		{"(1 | 2 | 3).exclude(2)", "1, 3"},
		{"(1 | 2).skip('a')", "!! column 9: skip() wants an integer (at Patient)"},
		{"(1 | 2)['a']", "!! column 8: [ ] wants one integer (at Patient)"},
	})
	check(t, fhirpath.Options{Strict: true}, []row{
		{"children().skip(1)", "! column 12: skip() depends on an order that children() and descendants() do not have"},
		{"children().where(true).first()", "! column 24: first() depends on an order that children() and descendants() do not have"},
	})
}

func TestCombining(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"(1 | 2).union(2 | 3)", "1, 2, 3"},
		{"(1 | 2).combine(2 | 3)", "1, 2, 2, 3"},
		{"name.given | name.family", "Ann, May, (FHIR.string), Annie, Lee, (FHIR.string)"},
		{"{} | 1", "1"},
	})
}

func TestConversion(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"'7'.toInteger() + '1.5'.toDecimal()", "8.5"},
		{"'2147483648'.toInteger()", "{}"},
		{"'yes'.toBoolean() and 1.toBoolean() and 'N'.toBoolean().not()", "true"},
		{"true.toInteger() | false.toDecimal()", "1, 0.0"},
		{"'4 days'.toQuantity() = 4 days", "true"},
		{"'4 parsecs'.toQuantity()", "{}"},
		{"(1 'g').toQuantity('mg')", "1000 'mg'"},
		{"(1 'g').convertsToQuantity('m')", "false"},
		{"(37 'Cel').toQuantity('[degF]')", "98.6 '[degF]'"},
		{"extension('http://example.org/q').value.toQuantity()", "500 'mg'"},
		{"birthDate.toString() & birthDate.toDateTime().toString()", "1974-12-251974-12-25"},
		{"'2020-01-02T03:04:05+14:00'.toDateTime().toDate()", "2020-01-02"},
		{"'2020-02-30'.toDate() | '24:00'.toTime() | '2020-01-01T12'.toTime()", "{}"},
		{"'12:30'.toTime()", "12:30"},
		{"name.first().toString()", "{}"},
		{"name.toString()", "!! column 6: toString() wants one item (at Patient)"},
		{"extension('http://example.org/b').value.toString()", "aGk="},
		{"1.convertsToString() and 'a'.convertsToInteger().not()", "true"},
	})
}

func TestStrings(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"'ångström'.indexOf('s') | 'ångström'.length() | 'aXbX'.lastIndexOf('X')", "3, 8"},
		{"'ångström'.substring(1, 2) | 'abc'.substring(1) | 'abc'.substring(1, {})", "ng, bc"},
		{"'abc'.substring(3) | 'abc'.substring(-1)", "{}"},
		{"'abc'.startsWith('a') and 'abc'.endsWith('c') and 'abc'.contains('b')", "true"},
		{"'Abc'.upper() | 'Abc'.lower() | ' a '.trim()", "ABC, abc, a"},
		{"'a1'.matches('\\d') and 'a1'.matchesFull('\\d').not() and 'a\\nb'.matches('a.b')", "true"},
		{"'a'.matches('[')", "! column 5: matches() wants a regular expression: error parsing regexp: missing closing ]: `[`"},
		{"'a'.matches('[' & '')", "!! column 5: matches() wants a regular expression (at Patient)"},
		{"'aXb'.replace('X', '-') | 'a1b2'.replaceMatches('[0-9]', '')", "a-b, ab"},
		{"'a,b'.split(',') | 'ab'.toChars()", "a, b"},
		{"name.given.join('-') | {}.join(',')", "Ann-May--Annie"},
		{"'hi'.encode('base64') | 'aGk='.decode('base64') | 'hi'.encode('hex') | 'zz'.decode('hex')", "aGk=, hi, 6869"},
		{"'<a>'.escape('html') | '&lt;'.unescape('html') | '\"'.escape('json')", `&lt;a&gt;, <, \"`},
		{"name.upper()", "! column 6: upper() wants a string, not HumanName"},
		{"1.upper()", "!! column 3: upper() wants a string, not System.Integer (at Patient)"},
		{"birthDate.startsWith('1974')", "true"}, // QUIRK
	})
	check(t, fhirpath.Options{JoinEmpty: true}, []row{{"{}.join(',').length()", "0"}})
}

func TestMath(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"(-1.5).abs() | (-2).abs() | (-3 'mg').abs()", "1.5, 2, 3 'mg'"},
		{"1.1.ceiling() | (-1.1).ceiling() | (-1.1).floor() | (-1.9).truncate()", "2, -1, -2"},
		{"2.5.round() | 3.14159.round(3) | 1.round(101)", "!! column 36: round() wants a number of digits from 0 to 100 (at Patient)"},
		{"2.5.round() | 3.14159.round(3)", "3, 3.142"},
		{"2.power(10) | 2.power(0.5).round(3) | 2.power(31) | (-1).sqrt()", "1024, 1.414"},
		{"0.exp() | 1.ln() | 100.log(10) | 0.ln()", "1.0, 0.0, 2.0"},
		{"'a'.abs()", "!! column 5: abs() wants a number, not System.String (at Patient)"},
	})
}

func TestUtility(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"now()", "2026-11-22T16:30:15.250+01:00"},
		{"today() | timeOfDay()", "2026-11-22, 16:30:15.250"},
		{"iif(active, 'a', 'b') | iif({}, 'a') | name.first().iif(use = 'official', given.first())", "a, Ann"},
		{"iif('a', 1, 2)", "! column 1: iif() wants a boolean"},
		{"telecom.rank.aggregate($this + $total, 0)", "3"},
		{"(1 | 2 | 3).aggregate(iif($total.empty(), $this, $this + $total * 10))", "123"},
		{"telecom.sort(rank).value", "ann@example.org, 555-0100"},
		{"telecom.sort(-value).rank", "1, 2"},
		{"(3 | 1 | 2).sort()", "1, 2, 3"},
		{"name.trace('n', given).count()", "2"},
		{"nothing()", "! column 1: no function nothing()"},
		{"name.Where(true)", "! column 6: no function Where(); did you mean where()?"},
		{"name.where()", "! column 6: where() takes 1 arguments, not 0"},
		{"name.exists(1, 2)", "! column 6: exists() takes 0 to 1 arguments, not 2"},
	})
}

func TestBoundaries(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"1.587.lowBoundary(2) | 1.587.highBoundary()", "1.58, 1.58750000"},
		{"@2014.lowBoundary() | @2014.highBoundary() | @2016-02.highBoundary()", "2014-01-01, 2014-12-31, 2016-02-29"},
		{"@T10:30.highBoundary() | @2014-01-01T08:05+02:00.highBoundary()", "10:30:59.999, 2014-01-01T08:05:59.999+02:00"},
		{"1.587.precision() | @2014-01.precision() | @T10.precision()", "3, 6, 2"},
		{"(1 'cm').comparable(1 'm') | (1 'cm').comparable(1 's')", "true, false"},
		{"@2014.lowBoundary(17) | true.lowBoundary()", "{}"},
	})
}

func TestFHIR(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"birthDate.getValue() | deceased.getValue()", "1974-12-25"},
		{"text.div.htmlChecks() and text.div.htmlChecks2()", "true"},
		{"conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')", "true"},
		{"conformsTo('http://hl7.org/fhir/StructureDefinition/Person')", "false"},
		{"conformsTo('http://example.org/p')", "!! column 1: conformsTo() does not know that profile (at Patient)"},
		{"gender.memberOf('http://example.org/vs')", "{}"},
	})
}

func TestViews(t *testing.T) {
	check(t, fhirpath.Options{Variables: map[string][]fhirpath.Value{"two": {fhirpath.NewInteger(2)}, "code": {fhirpath.NewString("phone")}}, Unset: []string{"rowIndex"}}, []row{
		{"getResourceKey()", "Patient/p1"},
		{"generalPractitioner[0].getReferenceKey()", "Practitioner/d1"},
		{"generalPractitioner[0].getReferenceKey(Practitioner)", "Practitioner/d1"},
		{"generalPractitioner[0].getReferenceKey(Patient)", "{}"},
		{"generalPractitioner[0].getReferenceKey(Hat)", "! column 24: FHIR has no type Hat"},
		{"telecom.where(rank = %two and system = %code).value", "555-0100"},
		{"%rowIndex", "{}"},
	})
}

func TestOperators(t *testing.T) {
	check(t, fhirpath.Options{}, []row{
		{"1 + 2 * 3 - 4 / 2", "5"},
		{"7 div 2 | 7 mod 2 | -7 div 2 | 1 / 0 | 1 mod 0 | 1.0 / 3", "3, 1, -3, 0.333333333333333333"},
		{"2147483647 + 1 | 100000 * 100000", "{}"},
		{"1.50 + 1.5 | 1.50 * 2 | 0.1 + 0.2", "3.00, 0.3"},
		{"'a' + 'b' | 'a' & {} | 'a' + {}", "ab, a"},
		{"(name.family & 'x') & name.suffix & contact.id & 'y'", "!! column 14: & wants one item on each side (at Patient)"},
		{"name[0].family & contact.id & 'y'", "Leey"},
		{"1 + 'a'", "!! column 3: + is not for System.Integer and System.String (at Patient)"},
		{"(1 | 2) + 1", "!! column 9: + wants one item on each side (at Patient)"},
		{"1 = 1.0 and 1.0 ~ 1.04 and (1 = 1.04).not() and 'A b' ~ 'a  B' and ('A' = 'a').not()", "true"},
		{"name.given = name.given and (name.given = name.given.first()).not() and ({} = 1).empty()", "true"},
		{"(1 | 2) ~ (2 | 1) and ((1 | 2) = (2 | 1)).not() and {} ~ {} and (1 !~ 2)", "true"},
		{"1 < 2 and 'a' <= 'b' and 1.5 > 1 and 2 >= 2.0", "true"},
		{"1 < 'a'", "!! column 3: < cannot compare System.Integer with System.String (at Patient)"},
		{"'Ann' in name.given and name.given contains 'May' and ({} in name.given).empty()", "true"},
		{"(true and {}).empty() and (false and {}) = false and ({} or true) and ({} xor true).empty()", "true"},
		{"({} implies true) and (false implies {}) and ({} implies false).empty() and (true implies false).not()", "true"},
		{"extension('http://example.org/d').value = 1.5 and extension('http://example.org/e').value = 1500", "true"},
		{"name.first() = name.first() and (name.first() = name.last()).not()", "true"},
		{"-name", "!! column 1: - wants one number (at Patient)"},
		{"2147483648", "! column 1: an integer beyond 2147483647"},
		{"-2147483648", "-2147483648"},
	})
}

// recorder answers as a caller's interfaces would.
type recorder struct{ m proto.Message }

func (r recorder) Find(text string, within proto.Message) proto.Message {
	if text == "urn:uuid:00000000-0000-4000-8000-000000000001" && within != nil {
		return r.m
	}
	return nil
}

func (r recorder) MemberOf(v fhirpath.Value, url string) (member, known bool) {
	s, _ := v.Text()
	return s == "female", url == "http://example.org/vs"
}

func (r recorder) ConformsTo(v fhirpath.Value, url string) (conforms, known bool) {
	return v.Type().Name == "Patient", url == "http://example.org/p"
}

func TestEnv(t *testing.T) {
	m := read(t, patient)
	v := fhirpath.Of(m)
	var traced []string
	r := recorder{read(t, `{"resourceType":"Practitioner","id":"d9"}`)}
	c := fhirpath.NewContext(fhirpath.Env{Resolver: r, ValueSets: r, Profiles: r,
		Trace: func(name string, items []fhirpath.Value) { traced = append(traced, fmt.Sprint(name, len(items))) }})
	c.SetScope(v, v)
	c.SetVariable("rowIndex", fhirpath.NewInteger(3))
	for _, x := range []row{
		{"generalPractitioner.resolve().id", "d9"},
		{"generalPractitioner.select(getReferenceKey())", "Practitioner/d1, Practitioner/d9"},
		{"generalPractitioner.select(getReferenceKey(Patient))", "{}"},
		{"gender.memberOf('http://example.org/vs')", "true"},
		{"gender.memberOf('http://example.org/other')", "{}"},
		{"conformsTo('http://example.org/p')", "true"},
		{"name.trace('n').given.trace('g', length()).count()", "4"},
		{"name.trace('n').given", "Ann, May, (FHIR.string), Annie"},
		{"now()", "!! column 1: now() without a clock (at Patient)"},
		{"%rowIndex + 1", "4"},
	} {
		if got := results(c, v, x.source, fhirpath.Options{Unset: []string{"rowIndex"}}); got != x.want {
			t.Errorf("%s\n\tgives %s\n\twant  %s", x.source, got, x.want)
		}
	}
	if fmt.Sprint(traced) != "[n2 n2]" {
		t.Errorf("traced %v", traced)
	}
}

// TestErrors: an error says where in the expression and where in the data, and never a value.
func TestErrors(t *testing.T) {
	v := fhirpath.Of(read(t, patient))
	c := fhirpath.NewContext(fhirpath.Env{})
	c.SetScope(v, v)
	x := fhirpath.MustCompile("name.all(given.single() = 'x')", fhirpath.TypesOf(v.Type()))
	_, err := x.Test(c, v)
	var e *fhirpath.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	if e.Column != 16 || e.Place != "Patient.name[0]" || e.Source != x.String() || e.Msg != "single() on several items" {
		t.Errorf("error %+v", e)
	}
	if t2, err := fhirpath.MustCompile("name.exists()", nil).Test(c, v); err != nil || t2 != fhirpath.True {
		t.Errorf("the context is spoiled by an error: %v %v", t2, err)
	}
}

func TestPlace(t *testing.T) {
	m := read(t, `{"resourceType":"Bundle","type":"collection","entry":[{"resource":`+patient+`}]}`)
	v := fhirpath.Of(m)
	c := fhirpath.NewContext(fhirpath.Env{})
	c.SetScope(v, v)
	for _, x := range []row{
		{"entry.resource.name[1].given[1]", "Bundle.entry[0].resource.name[1].given[1]"},
		{"entry.resource", "Bundle.entry[0].resource"},
		{"entry.resource.contained[0].name", "Bundle.entry[0].resource.contained[0].name"},
		{"entry.resource.extension[2].value.code", "Bundle.entry[0].resource.extension[2].valueQuantity.code"},
		{"entry.resource.managingOrganization.reference", "Bundle.entry[0].resource.managingOrganization.reference"},
		{"entry.resource.birthDate.extension.value", "Bundle.entry[0].resource.birthDate.extension[0].valueDateTime"},
		{"entry.count()", ""},
	} {
		out, err := fhirpath.MustCompile(x.source, fhirpath.TypesOf(v.Type())).Eval(c, v)
		if err != nil || len(out) != 1 {
			t.Errorf("%s: %d items, %v", x.source, len(out), err)
		} else if got := c.Place(out[0]); got != x.want {
			t.Errorf("%s is at %q, want %q", x.source, got, x.want)
		}
	}
}

// TestLimits: no expression runs without end, and none makes texts without bound.
func TestLimits(t *testing.T) {
	v := fhirpath.Of(read(t, patient))
	c := fhirpath.NewContext(fhirpath.Env{MaxSteps: 100_000})
	deep := strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300)
	for _, x := range []row{
		{"(1).repeat($this + 1)", "gave up after 100000 steps"},
		{"descendants().select(%resource.descendants().select(%resource.descendants())).count()", "gave up after 100000 steps"},
		{"name.given.aggregate($total.combine($total).combine($this).combine($total).combine($total).combine($total), 1).aggregate($total.combine($total), 1).repeat($this & $this)", "gave up after 100000 steps"},
		{"(1).repeat($this + 1).select('x')", "gave up"},
		{deep, "nested more than 200 levels"},
		{strings.Repeat("-", 300) + "1", "nested more than 200 levels"},
		{"1" + strings.Repeat("+1", 1500), "more than 1000 operators in a row"},
		{"name" + strings.Repeat(".given", 1500), "a path of more than 1000 steps"},
		{"'" + strings.Repeat("x", 70000) + "'", "more than 65536 bytes"},
		{"('" + strings.Repeat("x", 1000) + "').repeat($this + $this)", "more than"},
		{"'" + strings.Repeat("x", 5000) + "'.replace('x', '" + strings.Repeat("y", 5000) + "')", "more than"},
		{strings.Repeat("9", 1001), "a number of more than 1000 digits"},
	} {
		got := results(c, v, x.source, fhirpath.Options{})
		if !strings.Contains(got, x.want) {
			t.Errorf("%.60s gives %.200s, want %s", x.source, got, x.want)
		}
	}
}

func TestDiscriminator(t *testing.T) {
	check(t, fhirpath.Options{Subset: fhirpath.Discriminator}, []row{
		{"$this", "(FHIR.Patient)"},
		{"name.given", "Ann, May, (FHIR.string), Annie"},
		{"extension('http://example.org/d').value", "1.50"},
		{"extension('http://example.org/q').value.ofType(Quantity).code", "mg"},
		{"managingOrganization.resolve().name", "Elm Clinic"},
		{"name.where(use = 'x')", "! column 6: a discriminator cannot use where()"},
		{"name.given | name.family", "! column 12: a discriminator is a path of elements, extension(url), ofType(type) and resolve()"},
		{"name[0]", "! column 5: a discriminator is a path of elements, extension(url), ofType(type) and resolve()"},
		{"extension(name.family)", "! column 1: a discriminator cannot use extension()"},
	})
}

// TestNoAllocation: what is run most allocates nothing.
func TestNoAllocation(t *testing.T) {
	v := fhirpath.Of(read(t, patient))
	c := fhirpath.NewContext(fhirpath.Env{})
	c.SetScope(v, v)
	for _, source := range []string{
		"name.given", "name.where(use = 'official').family", "name.exists()", "contact.name.exists() or telecom.exists()", "telecom.rank.count() = 2",
		"managingOrganization.reference.startsWith('#')", "generalPractitioner.where(reference = 'Practitioner/d1').empty()",
		"name.period.start <= @2020-01-01", "telecom.all(rank > 0)", "gender in ('male' | 'female')", "extension('http://example.org/d').value > 1",
		"hasValue() or (children().count() > id.count())", "contained.contained.empty()", "birthDate >= @1970-01-01",
	} {
		x := fhirpath.MustCompile(source, fhirpath.TypesOf(v.Type()))
		if _, err := x.Eval(c, v); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = x.Eval(c, v) }); n > 0 {
			t.Errorf("%s allocates %v times", source, n)
		}
	}
}
