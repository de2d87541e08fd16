package csvfhir

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartpost/chartpost/pkg/convert"
)

// Invented tables, and of CONCEPT what OHDSI's site gives out: separated by tabs, with quotes that quote nothing.
const (
	omopConditions = "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_source_value,condition_source_concept_id\n" +
		"1,7,320128,2018-05-01,I10,35207668\n2,7,444444,2019-05-01,local,0\n3,7,9202,2019-06-01,odd,0\n"
	omopMeasurements = "measurement_id,person_id,measurement_concept_id,measurement_date,value_as_number,value_as_concept_id,unit_concept_id,unit_source_value\n" +
		"1,7,3004501,2020-01-02,104,0,8840,mg/dl\n2,7,3004501,2020-01-03,,9191,,\n"
	omopPersons  = "person_id,gender_concept_id,year_of_birth,race_concept_id,race_source_value,ethnicity_concept_id\n7,8532,1980,8527,,38003564\n8,8507,1981,8516,Blk,0\n"
	omopConcepts = "concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept\tconcept_code\n" +
		"320128\tEssential hypertension\tCondition\tSNOMED\tDisorder\tS\t59621000\n" +
		"35207668\tEssential (primary) hypertension\tCondition\tICD10CM\tCode\t\tI10\n" +
		"3004501\t\"Glucose\" in serum\tMeasurement\tLOINC\tLab Test\tS\t2345-7\n" +
		"8840\tmilligram per deciliter\tUnit\tUCUM\tUnit\tS\tmg/dL\n" +
		"9191\tPositive\tMeas Value\tSNOMED\tQualifier\tS\t10828004\n" +
		"9202\tOutpatient visit\tVisit\tVisit\tVisit\tS\tOP\n" +
		"5\tNobody asks for it\tDrug\tRxNorm\tIngredient\tS\t5\n"
)

// TestVocabulary: where CONCEPT lies among the tables of OMOP, concept ids become the codes for which they stand, and the ids and source values
// stay. Its rows are no records.
func TestVocabulary(t *testing.T) {
	set, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	omop := set.Named("omop")
	csv := strings.ReplaceAll(strings.ReplaceAll(omopConcepts, `"Glucose" in serum`, `"""Glucose"" in serum"`), "\t", ",")
	for name, concepts := range map[string]string{"": "", "CONCEPT.csv": omopConcepts, "concept.csv": csv, "concept2.csv": "\ufeff" + strings.ReplaceAll(omopConcepts, "\n", "\r\n")} {
		files := []*convert.File{inMemory("condition_occurrence.csv", omopConditions), inMemory("measurement.csv", omopMeasurements), inMemory("person.csv", omopPersons)}
		if name != "" {
			files = append(files, inMemory(name, concepts), inMemory("CONCEPT_RELATIONSHIP.csv", "concept_id_1\tconcept_id_2\trelationship_id\n1\t2\tMaps to\n"))
		}
		for _, to := range []string{"ndjson", "fhir"} {
			o := convert.Options{To: to, TempDir: t.TempDir()}
			out := convertTables(t, set, files, &o, omop)
			all := strings.Join(out.lines, "\n")
			for part, with := range map[string]bool{
				`{"system":"http://snomed.info/sct","code":"59621000","display":"Essential hypertension"},{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"I10","display":"Essential (primary) hypertension"}`: true,
				`{"system":"http://loinc.org","code":"2345-7","display":"\"Glucose\" in serum"}`:                                                                                                                    true,
				`"valueQuantity":{"value":104,"unit":"mg/dl","system":"http://unitsofmeasure.org","code":"mg/dL"}`:                                                                                                  true,
				`"valueCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"10828004","display":"Positive"}]}`:                                                                                    true,
				`{"system":"https://fhir-terminology.ohdsi.org","code":"9202","display":"Outpatient visit"}`:                                                                                                        true, // of no code system of others
				`"code":{"coding":[{"system":"https://fhir-terminology.ohdsi.org","code":"444444"}],"text":"local"}`:                                                                                                false,
				`{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3","display":"White"}},{"url":"text","valueString":"White"}`:                                           false,
				`{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2054-5","display":"Black or African American"}},{"url":"text","valueString":"Blk"}`:                         false,
				`"code":"2186-5"`: false,
			} {
				if strings.Contains(all, part) != (!with || name != "") {
					t.Errorf("%q, %s: is it there? %v\n%s", name, part, strings.Contains(all, part), all)
				}
			}
			var want []string
			if name != "" {
				want = []string{"CP-CSV-058 CONCEPT_RELATIONSHIP.csv", "CP-CSV-058 " + name, "CP-CSV-059 " + name}
			}
			var got []string
			for _, f := range out.findings {
				id, rest, _ := strings.Cut(f, " ")
				place, _, _ := strings.Cut(rest, " ")
				got = append(got, id+" "+strings.TrimRight(place, ":"))
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%q: findings (-want +got):\n%s\n%s", name, d, strings.Join(out.findings, "\n"))
			}
			if n := len(out.rejected); n > 0 {
				t.Errorf("%q: rejected %v", name, out.rejected)
			}
			for at, why := range out.ledger {
				if strings.HasPrefix(why, "invalid") || strings.HasPrefix(why, "unmapped") {
					t.Errorf("%q: %s %s", name, at, why)
				}
			}
		}
	}
}

// TestVocabularyMemory: of a table of concepts only those are kept that the tables name.
func TestVocabularyMemory(t *testing.T) {
	var b strings.Builder
	b.WriteString("concept_id\tconcept_name\tvocabulary_id\tconcept_code\n")
	const rows = 300000
	for i := range rows {
		fmt.Fprintf(&b, "%d\tA concept with a name of usual length, number %d\tSNOMED\t%d\n", i, i, i)
	}
	used := concepts{"7": {}, "299999": {}, "300001": {}}
	f := inMemory("CONCEPT.csv", b.String())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, err := used.read(f)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n != rows || used.known() != 2 || used["299999"].code != "299999" {
		t.Errorf("%d rows, %d known", n, used.known())
	}
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 4<<20 {
		t.Errorf("%d bytes are kept", kept)
	}
	runtime.KeepAlive(f)
}
