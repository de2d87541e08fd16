package csvfhir

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file holds the types that the built-in lists need beyond what any mapping needs (types.go): races, OMOP's birth dates and concepts, and
// what a row before has left.

// withKinds adds the types of the built-in lists, and the vocabularies (words.go), to those of every mapping.
func withKinds(types mapping.Types) mapping.Types {
	for name, v := range vocabularies {
		types[name] = v.pair()
	}
	maps.Copy(types, mapping.Types{
		"RACE":       mapping.Pair{Read: races.read, Write: races.write},
		"ETHNICITY":  mapping.Pair{Read: ethnicities.read, Write: ethnicities.write},
		"OMOP_BIRTH": mapping.Pair{Parts: []string{"year_of_birth"}, Read: readOMOPBirth, Write: writeOMOPBirth},
		"TIMED":      only(date(false), true),
		"DAY":        only(date(false), false),
		"PERIOD_END": hl7.PeriodEnd("END_OF_PERIOD"), "PERIOD_END_TIMED": hl7.PeriodEnd("TIMED_END_OF_PERIOD"), "PERIOD_END_DAY": hl7.PeriodEnd("DAY_END_OF_PERIOD"),
		"LEFT":       mapping.Pair{Read: readLeft, Write: writeLeft},
		"CONCEPT":    concept,
		"VOCABULARY": vocabularyPair,
		"OMOP_RACE":  races.category(), "OMOP_ETHNICITY": ethnicities.category(),
		"BASE64": base64Text,
	})
	return types
}

// --- RACE, ETHNICITY: the extensions of US Core ---

// demographic is one of the two: categories of OMB, and a text that FHIR wants and that is what the cell says.
type demographic struct {
	words *Vocabulary
	names map[string]string // by code
	most  int               // categories that US Core allows
}

const cdcrec = "urn:oid:2.16.840.1.113883.6.238"

var races = &demographic{
	words: vocabulary(cdcrec, `
		1002-5: American Indian or Alaska Native, american indian, alaska native, native american, american indian/alaska native, i, ai/an, native
		2028-9: Asian, a
		2054-5: Black or African American, black, african american, black/african american, b, aa
		2076-8: Native Hawaiian or Other Pacific Islander, native hawaiian, pacific islander, hawaiian, p, nh/pi, native hawaiian/pacific islander
		2106-3: White, caucasian, w, c`),
	names: map[string]string{"1002-5": "American Indian or Alaska Native", "2028-9": "Asian", "2054-5": "Black or African American",
		"2076-8": "Native Hawaiian or Other Pacific Islander", "2106-3": "White"},
	most: 5,
}

var ethnicities = &demographic{
	words: vocabulary(cdcrec, `
		2135-2: Hispanic or Latino, hispanic, latino, latina, latinx, h, y, yes, hispanic/latino, hispanic or latina
		2186-5: Not Hispanic or Latino, nonhispanic, non-hispanic, non hispanic, not hispanic, nh, n, no, non-hispanic/latino, not hispanic/latino, non-hispanic or latino`),
	names: map[string]string{"2135-2": "Hispanic or Latino", "2186-5": "Not Hispanic or Latino"},
	most:  1,
}

// codes are the categories that a text names, one or several.
func (d *demographic) codes(text string) (list []string) {
	l := d.words.parsed()
	if code := l.code[wordOf(text)]; code != "" {
		return []string{code}
	}
	if d.most == 1 {
		return nil
	}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(";,|&", r) }) {
		code := l.code[wordOf(part)]
		if code == "" {
			return nil
		}
		list = append(list, code)
	}
	return list
}

// omb is the extension that says a category.
func (d *demographic) omb(code string) *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: "ombCategory"}, Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Coding{
		Coding: &dpb.Coding{System: &dpb.Uri{Value: cdcrec}, Code: &dpb.Code{Value: code}, Display: str(d.names[code])}}}}
}

func (d *demographic) read(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	x, ok := dst.(*dpb.Extension)
	s := cell(c, n)
	if !ok || s == "" {
		return false
	}
	for i, code := range d.codes(s) {
		if i == d.most {
			break
		}
		x.Extension = append(x.Extension, d.omb(code))
	}
	x.Extension = append(x.Extension, &dpb.Extension{Url: &dpb.Uri{Value: "text"}, Value: &dpb.Extension_ValueX{
		Choice: &dpb.Extension_ValueX_StringValue{StringValue: str(s)}}})
	carryAs(c, n, s)
	return true
}

func (d *demographic) write(c *mapping.Context, src proto.Message, n tree.Node) bool {
	x, ok := src.(*dpb.Extension)
	if !ok {
		return false
	}
	var text *dpb.Extension
	var words []string
	said := map[string]*dpb.Extension{}
	for _, part := range x.Extension {
		switch part.GetUrl().GetValue() {
		case "text":
			text = part
		case "ombCategory":
			code := part.GetValue().GetCoding().GetCode().GetValue()
			if d.names[code] != "" {
				said[code] = part
				words = append(words, d.names[code])
			}
		}
	}
	s := text.GetValue().GetStringValue().GetValue()
	if s == "" {
		s = strings.Join(words, "; ")
	}
	if !put(c, n, s) {
		return false
	}
	c.ClaimValue(x.Url)
	if text != nil {
		c.Claim(text)
	}
	for _, code := range d.codes(s) { // what the text says of itself
		if part := said[code]; part != nil {
			c.Claim(part)
		}
	}
	return true
}

// --- OMOP ---

// birthParts are the columns of a person's birth date. A date may lack the day, or the month too.
var birthParts = []string{"year_of_birth", "month_of_birth", "day_of_birth"}

func readOMOPBirth(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	ti, e := plan.OfMessage(dst), reflect.ValueOf(dst).Elem()
	if ti.Prim == nil {
		return false
	}
	s := ""
	var leaves []tree.Node
	for i, name := range birthParts {
		k := beside(c, n, name)
		if k == 0 || cell(c, k) == "" {
			break
		}
		if i == 0 {
			s = fmt.Sprintf("%04s", whole(cell(c, k)))
		} else {
			s += fmt.Sprintf("-%02s", whole(cell(c, k)))
		}
		leaves = append(leaves, k)
	}
	val, err := ti.Prim.Parse(s)
	if err != nil {
		for _, k := range leaves {
			c.Doc.Mark(k, tree.Invalid, "the parts make no date")
		}
		return false
	}
	ti.Prim.Store(e, val)
	for i, k := range leaves {
		carryAs(c, k, strings.TrimLeft(strings.Split(s, "-")[i], "0"))
	}
	return true
}

func writeOMOPBirth(c *mapping.Context, src proto.Message, n tree.Node) bool {
	ti, e := plan.OfMessage(src), reflect.ValueOf(src).Elem()
	if ti.Prim == nil || ti.Prim.Text(e) == "" {
		return false
	}
	for i, part := range strings.Split(ti.Prim.Text(e), "-") {
		row := rowOf(c.Doc, n)
		k := c.Doc.Child(row, birthParts[i])
		if k == 0 {
			k = c.Doc.Add(row, birthParts[i], "")
		}
		if !put(c, k, strings.TrimLeft(part, "0")) {
			return false
		}
	}
	c.ClaimValue(src)
	return true
}

// only is a type of dates for one of two columns, of which the one has the day and the other the time too: it writes those with a time of day, or
// those without.
func only(t mapping.Type, timed bool) mapping.Type {
	t.Write = func(_ *mapping.Context, s string) (string, error) {
		if strings.Contains(s, "T") != timed {
			return "", errors.New("it has a column of its own")
		}
		return s, nil
	}
	return t
}

// concept is a concept id: 0 says that none matched.
var concept = mapping.Type{Read: func(_ *mapping.Context, s string) (string, error) {
	s = whole(s)
	switch {
	case s == "":
		return "", errors.New("not the number of a concept")
	case strings.Trim(s, "0") == "":
		return "", mapping.Loss("0 says that no concept of the vocabularies matched")
	}
	return s, nil
}, Normal: whole}

// base64Text is a text as base64Binary.
var base64Text = mapping.Type{
	Read: func(_ *mapping.Context, s string) (string, error) {
		return base64.StdEncoding.EncodeToString([]byte(s)), nil
	},
	Write: func(_ *mapping.Context, s string) (string, error) {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return "", errors.New("not a text")
		}
		return string(b), nil
	},
}

// --- LEFT: what the rows before have not read ---

// readLeft reads the text of a column that no row before has read: a unit beside a result that is no number.
func readLeft(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	x, ok := dst.(*dpb.String)
	leaf := c.Doc.Leaf(n)
	if !ok || c.Doc.State(leaf) != tree.Unmapped {
		return false
	}
	s, err := fit(c.Doc.Text(leaf), "string")
	if err != nil {
		return false
	}
	x.Value = s
	carryAs(c, n, s)
	return true
}

func writeLeft(c *mapping.Context, src proto.Message, n tree.Node) bool {
	x, ok := src.(*dpb.String)
	if !ok || !put(c, n, x.GetValue()) {
		return false
	}
	c.ClaimValue(x)
	return true
}
