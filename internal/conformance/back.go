package conformance

import (
	"fmt"
	"os"
	"strings"
)

// BackConverter makes one HL7 v2 message of one FHIR file.
type BackConverter func(path string) ([]byte, error)

// CompareBackPair turns a pair's FHIR into a message and looks in it for every value of the expected message. A value is found
// if ours has it at the same place of a segment of the same name, as often as it is expected; the order of the segments does
// not count, and neither do MSH-7 and MSH-10, which belong to the sending.
func CompareBackPair(p Pair, convert BackConverter) PairResult {
	res := PairResult{Pair: p}
	want, err := os.ReadFile(p.Expected)
	if err != nil {
		res.Err = err
		return res
	}
	got, err := convert(p.Input)
	if err != nil {
		res.Err = err
	}
	have := map[sourceValue]int{}
	elsewhere := map[string]string{}
	there := map[string]string{}
	for _, v := range atoms(got) {
		have[v]++
		elsewhere[v.text] = v.place
		there[v.place] = v.text
	}
	for _, v := range atoms(want) {
		if v.place == "MSH-7" || v.place == "MSH-10" {
			continue
		}
		res.Total++
		if have[v] > 0 {
			have[v]--
			res.Found++
			continue
		}
		seg, path, _ := strings.Cut(v.place, "-")
		m := Miss{Resource: seg, Path: path, Value: v.text, Ours: "nothing there"}
		if t, ok := there[v.place]; ok {
			m.Ours = "there is: " + t
		} else if at, ok := elsewhere[v.text]; ok && len(v.text) > 1 {
			m.Ours = "the value is at " + at
		}
		res.Misses = append(res.Misses, m)
	}
	return res
}

// atoms are the values of a message that are not cut up further; a component without subcomponents stands as its own.
func atoms(msg []byte) []sourceValue {
	all := sourceValues(msg)
	var out []sourceValue
	for _, v := range all {
		if v.place == "MSH-2" || strings.ContainsAny(v.text, "^~") || strings.Contains(v.text, "&") {
			continue
		}
		// The places of a lone value: PID-8 is PID-8.1 and PID-8.1.1.
		switch strings.Count(v.place, ".") {
		case 0:
			v.place += ".1.1"
		case 1:
			v.place += ".1"
		}
		out = append(out, v)
	}
	return out
}

// String is a pair by its suite and the name of the expected file.
func (p Pair) String() string { return fmt.Sprintf("%s %s", p.Suite, p.Expected) }
