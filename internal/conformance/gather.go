package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// GatherExamples gathers the official examples of FHIR into so many records of one patient each: every resource that is about a patient is in
// one of them, made that patient's, and one of each kind is in all; who and what they refer to is in all of them too.
func GatherExamples(shared string, records int) ([][]byte, error) {
	names, err := filepath.Glob(filepath.Join(shared, "corpus", "fhir", "examples", "*.json"))
	if err != nil {
		return nil, err
	}
	byType := map[string][]map[string]any{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		var r map[string]any
		if d.Decode(&r) != nil {
			continue
		}
		if typ, _ := r["resourceType"].(string); typ != "" && typ != "Bundle" {
			byType[typ] = append(byType[typ], r)
		}
	}
	if len(byType["Patient"]) == 0 {
		return nil, fmt.Errorf("no example of a Patient")
	}
	around := []string{"Practitioner", "PractitionerRole", "Organization", "Medication", "Location", "Substance"}
	var out [][]byte
	for k := range records {
		patient := byType["Patient"][k%len(byType["Patient"])]
		id, _ := patient["id"].(string)
		entries := []any{map[string]any{"resource": patient}}
		for _, typ := range slices.Sorted(maps.Keys(byType)) {
			list := byType[typ]
			for i, r := range list {
				mine := i%records == k || len(list) < records && i == k%len(list) || slices.Contains(around, typ)
				if typ == "Patient" || !mine {
					continue
				}
				entries = append(entries, map[string]any{"resource": ofPatient(r, id)})
			}
		}
		b, err := json.Marshal(map[string]any{"resourceType": "Bundle", "type": "collection", "entry": entries})
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// ofPatient is a copy of a part of a resource in which every reference to a patient leads to one.
func ofPatient(x any, id string) any {
	switch x := x.(type) {
	case map[string]any:
		c := make(map[string]any, len(x))
		for k, v := range x {
			if s, ok := v.(string); ok && k == "reference" && strings.HasPrefix(s, "Patient/") {
				v = "Patient/" + id
			}
			c[k] = ofPatient(v, id)
		}
		return c
	case []any:
		c := make([]any, len(x))
		for i := range x {
			c[i] = ofPatient(x[i], id)
		}
		return c
	}
	return x
}
