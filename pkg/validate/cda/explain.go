package cda

import (
	"strings"
)

// Rule is a conformance statement as this package checks it.
type Rule struct {
	Conf    string `json:"conf"`    // 1198-7504
	Level   string `json:"level"`   // SHALL or SHOULD
	Source  string `json:"source"`  // the guide
	About   string `json:"about"`   // the template, and the element in it
	Demands string `json:"demands"` // in words
	Test    string `json:"test"`    // as the table has it
	Context string `json:"context"` // the elements that it is for
}

// Explain gives the statements of a CONF number, with or without CONF: before it; none if it is not one that is checked here. Several
// templates, versions and guides may have statements of one number.
func Explain(number string) []Rule {
	number, ok := ConfNumber(number)
	if !ok {
		return nil
	}
	t := loadTable()
	var list []Rule
	for _, r := range t.rules {
		for i, line := range r.lines {
			id, test, _ := strings.Cut(line, " ")
			if conf(id) != number {
				continue
			}
			test, _, _ = strings.Cut(test, " -- ")
			s := t.statements(r)[i]
			x := Rule{Conf: number, Level: "SHALL", Source: r.source, About: t.subject(r, nil, 0), Demands: s.words, Test: test, Context: r.context}
			if r.should {
				x.Level = "SHOULD"
			}
			if x.Demands == "" {
				x.Demands = (&wording{t: t}).must(s.test)
			}
			if len(list) > 0 && (list[len(list)-1] == x) {
				continue
			}
			list = append(list, x)
		}
	}
	return list
}

// ConfNumber reads a CONF number as people write it: CONF:1198-7504, conf:1198-7504, 1198-7504.
func ConfNumber(s string) (string, bool) {
	s = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "CONF:")
	a, b, ok := strings.Cut(s, "-")
	return s, ok && a != "" && b != "" && strings.Trim(a+b, "0123456789") == ""
}
