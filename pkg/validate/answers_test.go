package validate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate"
)

const ownQuestions = `{"resourceType":"Questionnaire","id":"q","url":"http://acme.test/Questionnaire/q","version":"2","status":"active",` + div + `,
"contained":[{"resourceType":"ValueSet","id":"vs","status":"active","compose":{"include":[{"system":"http://acme.test/cs","concept":[{"code":"A"}]}]}}],
"item":[{"linkId":"g","type":"group","item":[
{"linkId":"s","type":"string","text":"Name","maxLength":5,"required":true},
{"linkId":"b","type":"boolean"},
{"linkId":"i","type":"integer","enableWhen":[{"question":"b","operator":"=","answerBoolean":true}],"extension":[
 {"url":"http://hl7.org/fhir/StructureDefinition/minValue","valueInteger":1},{"url":"http://hl7.org/fhir/StructureDefinition/maxValue","valueInteger":9}]},
{"linkId":"c","type":"choice","answerOption":[{"valueCoding":{"system":"http://acme.test/cs","code":"A"}}]},
{"linkId":"o","type":"open-choice","answerOption":[{"valueCoding":{"system":"http://acme.test/cs","code":"A"}}]},
{"linkId":"v","type":"choice","answerValueSet":"#vs"},
{"linkId":"d","type":"display","text":"Thank you"},
{"linkId":"r","type":"date","repeats":true},
{"linkId":"x","type":"decimal","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/maxDecimalPlaces","valueInteger":2}]},
{"linkId":"l","type":"text","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/minLength","valueInteger":3}]},
{"linkId":"n","type":"string","enableBehavior":"all","enableWhen":[{"question":"i","operator":">","answerInteger":3},{"question":"c","operator":"exists","answerBoolean":false}],
 "item":[{"linkId":"n1","type":"string","required":true}]}]}]}`

const name = `{"linkId":"s","answer":[{"valueString":"Ann"}]}`

func answering(canonical, contained, status, items string) string {
	return `{"resourceType":"QuestionnaireResponse","id":"r",` + div + contained + `,"questionnaire":"` + canonical + `","status":"` + status + `","item":[{"linkId":"g","item":[` + items + `]}]}`
}

func value(id, v string) string { return `,{"linkId":"` + id + `","answer":[{` + v + `}]}` }

// TestAnswers: answers are compared with the questionnaire that is contained, with one of the user, and with one of the bundle, before
// or behind; each finding has its place.
func TestAnswers(t *testing.T) {
	code := func(c string) string { return `"valueCoding":{"system":"http://acme.test/cs","code":"` + c + `"}` }
	yes := value("b", `"valueBoolean":true`)
	const at = "QuestionnaireResponse.item[0]"
	cases := []struct{ name, items, want string }{
		{"right", name + yes + value("i", `"valueInteger":5`) + value("o", `"valueString":"other"`) + value("v", code("A")) +
			`,{"linkId":"d","text":"Thank you"},{"linkId":"r","answer":[{"valueDate":"2026-01-01"},{"valueDate":"2026-01-02"}]}` + value("x", `"valueDecimal":1.25`) +
			value("l", `"valueString":"abc"`) + value("n", `"valueString":"a","item":[{"linkId":"n1","answer":[{"valueString":"b"}]}]`), ""},
		{"an unknown link", name + value("zz", `"valueString":"a"`), "CP-FHIR-150 " + at + ".item[1].linkId"},
		{"in another place", name + value("n1", `"valueString":"a"`), "CP-FHIR-150 " + at + ".item[1].linkId"},
		{"a required one is missing", yes[1:], "CP-FHIR-151 " + at},
		{"a required one within an answer", name + yes + value("i", `"valueInteger":5`) + value("n", `"valueString":"a"`), "CP-FHIR-151 " + at + ".item[3].answer[0]"},
		{"two answers", `{"linkId":"s","answer":[{"valueString":"a"},{"valueString":"b"}]}`, "CP-FHIR-152 " + at + ".item[0].answer"},
		{"two items", name + "," + name, "CP-FHIR-152 " + at + ".item[1]"},
		{"another type", name + value("b", `"valueString":"a"`), "CP-FHIR-153 " + at + ".item[1].answer[0].value"},
		{"what is displayed", name + value("d", `"valueString":"a"`), "CP-FHIR-153 " + at + ".item[1]"},
		{"no option", name + value("c", code("B")), "CP-FHIR-154 " + at + ".item[1].answer[0].value"},
		{"no option where words are allowed", name + value("o", code("B")), "CP-FHIR-154 " + at + ".item[1].answer[0].value"},
		{"none of the value set", name + value("v", code("B")), "CP-FHIR-154 " + at + ".item[1].answer[0].value"},
		{"not enabled", name + value("b", `"valueBoolean":false`) + value("i", `"valueInteger":5`), "CP-FHIR-155 " + at + ".item[2]"},
		{"not enabled by all", name + yes + value("i", `"valueInteger":5`) + value("c", code("A")) + value("n", `"valueString":"a","item":[{"linkId":"n1","answer":[{"valueString":"b"}]}]`),
			"CP-FHIR-155 " + at + ".item[4]"},
		{"out of order", yes[1:] + "," + name, "CP-FHIR-156 " + at + ".item[1].linkId"},
		{"another text", `{"linkId":"s","text":"Age","answer":[{"valueString":"Ann"}]}`, "CP-FHIR-157 " + at + ".item[0].text"},
		{"too long", `{"linkId":"s","answer":[{"valueString":"Annabella"}]}`, "CP-FHIR-158 " + at + ".item[0].answer[0].value"},
		{"too short", name + value("l", `"valueString":"ab"`), "CP-FHIR-158 " + at + ".item[1].answer[0].value"},
		{"too small", name + yes + value("i", `"valueInteger":0`), "CP-FHIR-158 " + at + ".item[2].answer[0].value"},
		{"too large", name + yes + value("i", `"valueInteger":10`), "CP-FHIR-158 " + at + ".item[2].answer[0].value"},
		{"too many places", name + value("x", `"valueDecimal":1.255`), "CP-FHIR-158 " + at + ".item[1].answer[0].value"},
	}
	const canonical = "http://acme.test/Questionnaire/q|2"
	plain := newValidator(t, validate.Options{})
	given := newValidator(t, validate.Options{Terminology: []string{write(t, t.TempDir(), "q.json", ownQuestions)}})
	// What is contained contains nothing: its value set stands beside it.
	const set = `{"resourceType":"ValueSet","id":"vs","status":"active","compose":{"include":[{"system":"http://acme.test/cs","concept":[{"code":"A"}]}]}}`
	contained := strings.Replace(ownQuestions, `"contained":[`+set+`],`, "", 1) + "," + set
	for _, c := range cases {
		ofBundle := strings.Replace(c.want, "QuestionnaireResponse.", "Bundle.entry[%d].resource.", 1)
		place := func(i int) string {
			if c.want == "" {
				return ""
			}
			return fmt.Sprintf(ofBundle, i)
		}
		r := answering(canonical, "", "completed", c.items)
		for _, how := range []struct {
			name, text, want string
			v                *validate.Validator
		}{
			{"given", r, c.want, given},
			{"contained", answering("#q", `,"contained":[`+contained+`]`, "completed", c.items), c.want, plain},
			{"before", bundleOf("collection", "", entry(u0, ownQuestions, ""), entry(u1, r, "")), place(1), plain},
			{"behind", bundleOf("collection", "", entry(u0, r, ""), entry(u1, ownQuestions, "")), place(0), plain},
		} {
			var want []string
			if how.want != "" {
				want = []string{how.want}
			}
			if got := said(rejects(message(t, how.v, []byte(how.text)))); !slices.Equal(got, want) {
				t.Errorf("%s, %s: %v, want %v", c.name, how.name, got, want)
			}
		}
	}
	if got := rejects(message(t, given, []byte(answering(canonical, "", "in-progress", value("b", `"valueBoolean":true`)[1:])))); len(got) > 0 {
		t.Errorf("in progress: %v", got)
	}
}

// TestNoQuestionnaire: a response whose questionnaire is not at hand is counted as not checked.
func TestNoQuestionnaire(t *testing.T) {
	v := newValidator(t, validate.Options{})
	r := answering("http://acme.test/Questionnaire/q|3", "", "completed", value("zz", `"valueString":"a"`)[1:])
	for name, text := range map[string]string{"alone": r, "in a bundle with another version": bundleOf("collection", "", entry(u0, r, ""), entry(u1, ownQuestions, ""))} {
		c, err := v.Stream(t.Context(), strings.NewReader(text), "x", func(f *diag.Finding) {
			if f.Severity() == diag.Reject {
				t.Errorf("%s: %v", name, f)
			}
		})
		if err != nil || c.Unchecked.Other["answers against questionnaires that are not here"] != 1 {
			t.Errorf("%s: %v, %v", name, c.Unchecked, err)
		}
	}
}
