package csvfhir

import (
	"strings"
	"testing"
)

func TestOlder(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{`{"resourceType":"Patient","name":[{"family":["Vale"]}]}`, true},
		{`{"resourceType":"Patient","name":[{"family":"Vale"}]}`, false},
		{`{"resourceType":"MedicationOrder","status":"active"}`, true},
		{`{"resourceType":"MedicationRequest","status":"active"}`, false},
		{`{"resourceType":"Observation","comments":"x"}`, true},
		{`{"resourceType":"Observation","note":[{"text":"comments"}]}`, false},
		{`{"comments":"x","resourceType":"Observation"}`, true}, // in any order
		{`{"resourceType":"Basic","extension":[{"url":"x","valueHumanName":{"text":"comments"}}]}`, false},
		{`{"resourceType":"Immunization","contained":[{"resourceType":"Patient","date":"x"}]}`, false}, // another's element
		{``, false},
		{`{"resourceType"`, false},
	} {
		if got := older(c.text); got != c.want {
			t.Errorf("older(%s) = %v", c.text, got)
		}
	}
}

func TestCells(t *testing.T) {
	s, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	cell := func(json string) string { return `"` + strings.ReplaceAll(json, `"`, `""`) + `"` }
	text := "Row ID,FHIR\n1," + cell(`{"resourceType":"Patient","id":"a"}`) + "\n2," + cell(`{"resourceType":"Patient","careProvider":[{"display":"x"}]}`) + "\n3,SECRET\n4," +
		cell(`{"resourceType":"Patient","gender":"SECRET"}`) + "\n"
	lines, sum, _ := check(t, s, "cells.csv", text, CheckOptions{})
	if sum.Good != 1 || sum.Bad != 3 || len(lines) != 3 {
		t.Errorf("%+v %q", sum, lines)
	}
	for i, want := range []string{"CP-CSV-089 row 3, column FHIR | ", "CP-CSV-090 row 4, column FHIR | ", "CP-CSV-090 row 5, column FHIR | "} {
		if i < len(lines) && (!strings.HasPrefix(lines[i], want) || strings.Contains(lines[i], "SECRET")) {
			t.Errorf("%s, want %s", lines[i], want)
		}
	}
}
