package validate

import (
	"math/big"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Answers against their questionnaire (questionnaireresponse.html#notes), where that is at hand: contained, among what the user gave, or
// in the same bundle. What may come later in a bundle is waited for, see bundleState.answer.

type (
	question = qpb.Questionnaire_Item
	reply    = rpb.QuestionnaireResponse_Item
)

// questionnaire is a Questionnaire ready to compare with.
type questionnaire struct {
	m    *qpb.Questionnaire
	in   proto.Message // what contains its value sets: itself, or the resource that contains it too
	byID map[string]*question
	mu   sync.Mutex
	sets map[string]*valueSet // those that are contained
}

func newQuestionnaire(m *qpb.Questionnaire, in proto.Message) *questionnaire {
	q := &questionnaire{m: m, in: in, byID: map[string]*question{}, sets: map[string]*valueSet{}}
	var add func(list []*question)
	add = func(list []*question) {
		for _, x := range list {
			q.byID[x.GetLinkId().GetValue()] = x
			add(x.GetItem())
		}
	}
	add(m.GetItem())
	return q
}

// is reports that a canonical URL names the questionnaire.
func (q *questionnaire) is(url string) bool {
	u, version, ok := strings.Cut(url, "|")
	return u == q.m.GetUrl().GetValue() && u != "" && (!ok || version == q.m.GetVersion().GetValue())
}

// set is a contained value set, nil if there is none of that id.
func (q *questionnaire) set(id string) *valueSet {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s, ok := q.sets[id]; ok {
		return s
	}
	q.sets[id] = nil
	var all fhir.Contained
	list, _ := all.Of(q.in)
	for _, m := range list {
		if fhir.IDOf(m) != id || fhir.TypeOf(m) != "ValueSet" {
			continue
		}
		var s ValueSet
		if b, err := fhir.Append(nil, m); err == nil && json.Unmarshal(b, &s) == nil {
			q.sets[id] = newValueSet(&s)
		}
	}
	return q.sets[id]
}

// questionnaireOf finds what a response answers: nil if it is not at hand, and whether it may come later in the bundle.
func (w *walker) questionnaireOf(r *rpb.QuestionnaireResponse) (q *questionnaire, later bool) {
	url := r.GetQuestionnaire().GetValue()
	if id, ok := strings.CutPrefix(url, "#"); ok {
		all, _ := w.contained.Of(w.root)
		for _, m := range all {
			if x, ok := m.(*qpb.Questionnaire); ok && fhir.IDOf(m) == id {
				return newQuestionnaire(x, w.root), false
			}
		}
		return nil, false
	}
	for _, q := range w.v.lib.questionnaires {
		if q.is(url) {
			return q, false
		}
	}
	return nil, url != ""
}

// answered checks a response against its questionnaire.
func (w *walker) answered(m proto.Message) {
	r, ok := m.(*rpb.QuestionnaireResponse)
	if !ok {
		return
	}
	q, later := w.questionnaireOf(r)
	switch {
	case q != nil:
		w.compare(q, r)
	case later && w.keep && w.depth == 1:
		w.waits = true
	default:
		w.unchecked.note(noQuestionnaire)
	}
}

const noQuestionnaire = "answers against questionnaires that are not here"

// comparing is a response while it is compared.
type comparing struct {
	w       *walker
	q       *questionnaire
	given   map[string][]given // the answers of each question, wherever they stand
	partial bool               // it is not complete yet
}

// given is an answer: its type, and what of it is compared.
type given struct {
	typ, text, system, unit string
}

func (w *walker) compare(q *questionnaire, r *rpb.QuestionnaireResponse) {
	c := &comparing{w: w, q: q, given: map[string][]given{}, partial: r.GetStatus().GetValue() == codes.QuestionnaireResponseStatusCode_IN_PROGRESS}
	c.collect(r.GetItem())
	c.items(q.m.GetItem(), r.GetItem())
}

func (c *comparing) collect(list []*reply) {
	for _, x := range list {
		id := x.GetLinkId().GetValue()
		for _, a := range x.GetAnswer() {
			if v := a.GetValue(); v != nil {
				c.given[id] = append(c.given[id], c.w.giving(reflect.ValueOf(a).Elem(), "value"))
			}
			c.collect(a.GetItem())
		}
		c.collect(x.GetItem())
	}
}

// giving reads the choice of that name.
func (w *walker) giving(v reflect.Value, name string) given {
	from := w.items(plan.Of(v.Type()).Element(name), v)
	defer func() { w.stack = w.stack[:from] }()
	if len(w.stack) == from {
		return given{}
	}
	it := w.stack[from]
	g := given{typ: it.t.Name}
	switch x := it.v.Addr().Interface().(type) {
	case *dpb.Coding:
		g.text, g.system = x.GetCode().GetValue(), x.GetSystem().GetValue()
	case *dpb.Quantity:
		g.text, g.system, g.unit = x.GetValue().GetValue(), x.GetSystem().GetValue(), x.GetCode().GetValue()
	case *dpb.Reference:
		g.text = fhir.ReferenceText(x)
	default:
		if it.t.Kind == plan.Primitive {
			g.text = it.t.Prim.Text(it.v)
		}
	}
	return g
}

// items compares the items of a response with the questions that may stand there, in their order.
func (c *comparing) items(questions []*question, list []*reply) {
	w := c.w
	last := -1
	seen := map[string]int{}
	for i, x := range list {
		id := x.GetLinkId().GetValue()
		w.path = append(w.path, step{"item", "", i, nil})
		at := slices.IndexFunc(questions, func(q *question) bool { return q.GetLinkId().GetValue() == id })
		q := c.q.byID[id]
		switch {
		case id == "": // which is said already
		case q == nil:
			w.findAt("linkId", "CP-FHIR-150", "the questionnaire has no item with this linkId").WithValue(id)
		case at < 0:
			w.findAt("linkId", "CP-FHIR-150", "the questionnaire has the item with this linkId in another place").WithValue(id)
			c.item(q, x)
		default:
			if at < last {
				w.findAt("linkId", "CP-FHIR-156", "").WithValue(id)
			}
			last = max(last, at)
			if len(x.GetAnswer())+len(x.GetItem()) > 0 {
				if seen[id]++; seen[id] == 2 && !q.GetRepeats().GetValue() {
					w.find("CP-FHIR-152", "the item stands more than once, and the questionnaire does not let it repeat")
				}
				if c.enabled(q) == no {
					w.find("CP-FHIR-155", "")
				}
			}
			c.item(q, x)
		}
		w.pop()
	}
	for _, q := range questions {
		if id := q.GetLinkId().GetValue(); q.GetRequired().GetValue() && !c.partial && seen[id] == 0 && c.enabled(q) == yes {
			w.find("CP-FHIR-151", "").WithValue(id)
		}
	}
}

// item compares an item with its question.
func (c *comparing) item(q *question, x *reply) {
	w := c.w
	kind := q.GetType().GetValue()
	if t := x.GetText().GetValue(); t != "" && t != q.GetText().GetValue() {
		w.findAt("text", "CP-FHIR-157", "")
	}
	answers := x.GetAnswer()
	switch {
	case kind == codes.QuestionnaireItemTypeCode_GROUP && len(answers) > 0:
		w.findAt("answer", "CP-FHIR-153", "a group has no answers, it has items")
	case kind == codes.QuestionnaireItemTypeCode_DISPLAY && len(answers)+len(x.GetItem()) > 0:
		w.find("CP-FHIR-153", "what is only displayed has no answer")
	case len(answers) > 1 && !q.GetRepeats().GetValue():
		w.findAt("answer", "CP-FHIR-152", "there are %d answers, and the questionnaire does not let the question repeat", len(answers))
	case q.GetRequired().GetValue() && len(answers) == 0 && len(x.GetItem()) > 0 && kind != codes.QuestionnaireItemTypeCode_GROUP && !c.partial:
		w.find("CP-FHIR-151", "").WithValue(q.GetLinkId().GetValue())
	}
	for i, a := range answers {
		w.path = append(w.path, step{"answer", "", i, nil})
		if a.GetValue() != nil {
			c.answer(q, w.giving(reflect.ValueOf(a).Elem(), "value"))
		}
		c.items(q.GetItem(), a.GetItem())
		w.pop()
	}
	if len(x.GetItem()) > 0 {
		c.items(q.GetItem(), x.GetItem())
	}
}

// answerTypes are the types that the answers to a type of question have.
var answerTypes = map[codes.QuestionnaireItemTypeCode_Value][]string{
	codes.QuestionnaireItemTypeCode_BOOLEAN: {"boolean"}, codes.QuestionnaireItemTypeCode_DECIMAL: {"decimal"}, codes.QuestionnaireItemTypeCode_INTEGER: {"integer"},
	codes.QuestionnaireItemTypeCode_DATE: {"date"}, codes.QuestionnaireItemTypeCode_DATE_TIME: {"dateTime"}, codes.QuestionnaireItemTypeCode_TIME: {"time"},
	codes.QuestionnaireItemTypeCode_STRING: {"string"}, codes.QuestionnaireItemTypeCode_TEXT: {"string"}, codes.QuestionnaireItemTypeCode_URL: {"uri"},
	codes.QuestionnaireItemTypeCode_CHOICE:      {"Coding", "date", "time", "integer", "string", "Reference"},
	codes.QuestionnaireItemTypeCode_OPEN_CHOICE: {"Coding", "date", "time", "integer", "string", "Reference"},
	codes.QuestionnaireItemTypeCode_ATTACHMENT:  {"Attachment"}, codes.QuestionnaireItemTypeCode_REFERENCE: {"Reference"},
	codes.QuestionnaireItemTypeCode_QUANTITY: {"Quantity"},
}

// answer compares an answer with its question.
func (c *comparing) answer(q *question, g given) {
	w := c.w
	kind := q.GetType().GetValue()
	want, ok := answerTypes[kind]
	if !ok {
		return
	}
	if !slices.Contains(want, g.typ) {
		w.findAt("value", "CP-FHIR-153", "an answer of the type %s, where it may be %s", g.typ, strings.Join(want, ", "))
		return
	}
	if kind == codes.QuestionnaireItemTypeCode_CHOICE || kind == codes.QuestionnaireItemTypeCode_OPEN_CHOICE {
		c.option(q, g, kind == codes.QuestionnaireItemTypeCode_OPEN_CHOICE)
	}
	if n := int(q.GetMaxLength().GetValue()); n > 0 && (g.typ == "string" || g.typ == "uri") && len([]rune(g.text)) > n {
		w.findAt("value", "CP-FHIR-158", "the answer is longer than the %d characters that the questionnaire allows", n)
	}
	for _, x := range q.GetExtension() {
		limit := w.giving(reflect.ValueOf(x).Elem(), "value")
		switch strings.TrimPrefix(x.GetUrl().GetValue(), coreURL) {
		case "minLength":
			if n, ok := new(big.Rat).SetString(limit.text); ok && g.typ == "string" && n.Cmp(big.NewRat(int64(len([]rune(g.text))), 1)) > 0 {
				w.findAt("value", "CP-FHIR-158", "the answer is shorter than the questionnaire allows")
			}
		case "minValue":
			if order(g, limit) == less {
				w.findAt("value", "CP-FHIR-158", "the answer is less than the questionnaire allows")
			}
		case "maxValue":
			if order(g, limit) == more {
				w.findAt("value", "CP-FHIR-158", "the answer is more than the questionnaire allows")
			}
		case "maxDecimalPlaces":
			if _, places, _ := strings.Cut(g.text, "."); g.typ == "decimal" && limit.typ == "integer" {
				if n, ok := new(big.Rat).SetString(limit.text); ok && big.NewRat(int64(len(places)), 1).Cmp(n) > 0 {
					w.findAt("value", "CP-FHIR-158", "the answer has more decimal places than the questionnaire allows")
				}
			}
		}
	}
}

// option checks that an answer is one of the options of its question.
func (c *comparing) option(q *question, g given, open bool) {
	w := c.w
	if list := q.GetAnswerOption(); len(list) > 0 {
		for _, o := range list {
			v := w.giving(reflect.ValueOf(o).Elem(), "value")
			if v.typ == g.typ && v.text == g.text && v.system == g.system {
				return
			}
		}
		if !open || g.typ != "string" { // words of one's own, not codes
			w.findAt("value", "CP-FHIR-154", "")
		}
		return
	}
	url := q.GetAnswerValueSet().GetValue()
	if url == "" || g.typ != "Coding" || g.text == "" {
		return
	}
	var held truth
	if id, ok := strings.CutPrefix(url, "#"); ok {
		if s := c.q.set(id); s != nil {
			held = w.v.lib.in(s, g.system, g.text, false, 0)
		}
	} else {
		held = w.v.lib.member(url, g.system, g.text, false)
	}
	switch {
	case held == no:
		w.findAt("value", "CP-FHIR-154", "")
	case held == unknown:
		w.unchecked.note("codes of value sets that are not here")
	}
}

// enabled reports whether a question may be answered, by the answers to others.
func (c *comparing) enabled(q *question) truth {
	for _, x := range q.GetExtension() {
		if strings.HasSuffix(x.GetUrl().GetValue(), "enableWhenExpression") {
			c.w.unchecked.note("questions that an expression enables")
			return unknown
		}
	}
	list := q.GetEnableWhen()
	if len(list) == 0 {
		return yes
	}
	met := 0
	for _, x := range list {
		if c.holds(x) {
			met++
		}
	}
	all := q.GetEnableBehavior().GetValue() == codes.EnableWhenBehaviorCode_ALL
	return known3(all && met == len(list) || !all && met > 0, true)
}

// holds reports whether a condition of a question is met: by any of the answers to the other question.
func (c *comparing) holds(x *qpb.Questionnaire_Item_EnableWhen) bool {
	answers := c.given[x.GetQuestion().GetValue()]
	want := c.w.giving(reflect.ValueOf(x).Elem(), "answer")
	op := x.GetOperator().GetValue()
	if op == codes.QuestionnaireItemOperatorCode_EXISTS {
		return (len(answers) > 0) == (want.text == "true")
	}
	return slices.ContainsFunc(answers, func(g given) bool {
		o := order(g, want)
		switch op {
		case codes.QuestionnaireItemOperatorCode_EQUALS:
			return o == same
		case codes.QuestionnaireItemOperatorCode_NOT_EQUAL_TO:
			return o != same
		case codes.QuestionnaireItemOperatorCode_GREATER_THAN:
			return o == more
		case codes.QuestionnaireItemOperatorCode_LESS_THAN:
			return o == less
		case codes.QuestionnaireItemOperatorCode_GREATER_THAN_OR_EQUAL_TO:
			return o == more || o == same
		case codes.QuestionnaireItemOperatorCode_LESS_THAN_OR_EQUAL_TO:
			return o == less || o == same
		}
		return false
	})
}

// relation is how two answers stand to one another.
type relation uint8

const (
	apart relation = iota // they cannot be compared, or are just not the same
	less
	same
	more
)

// order compares two answers of one type. Dates and times of different precision are compared as far as both go.
func order(a, b given) relation {
	number := func(s string) bool { return s == "integer" || s == "decimal" || s == "Quantity" }
	switch {
	case number(a.typ) && number(b.typ):
		if a.system != b.system || a.unit != b.unit || len(a.text)+len(b.text) > 200 {
			return apart
		}
		x, ok := new(big.Rat).SetString(a.text)
		y, ok2 := new(big.Rat).SetString(b.text)
		if !ok || !ok2 {
			return apart
		}
		return relation(int(same) + x.Cmp(y))
	case a.typ != b.typ:
		return apart
	case a.typ == "date" || a.typ == "dateTime" || a.typ == "time":
		n := min(len(a.text), len(b.text), 19)
		return relation(int(same) + strings.Compare(a.text[:n], b.text[:n]))
	case a.text == b.text && a.system == b.system:
		return same
	}
	return apart
}

// maxWaiting bounds how many responses of a bundle wait for their questionnaires, and how many questionnaires are kept.
const maxWaiting = 256

// answer takes an entry with a questionnaire, or with a response whose questionnaire may come.
func (b *bundleState) answer(n *entryNote, report func(*diag.Finding)) {
	if n.asks != nil && len(b.questionnaires) < maxWaiting {
		q := newQuestionnaire(n.asks, n.asks)
		b.questionnaires = append(b.questionnaires, q)
		b.waiting = slices.DeleteFunc(b.waiting, func(e *fhir.Entry) bool { return b.v.late(e, q, report) })
	}
	if n.waits == nil {
		return
	}
	for _, q := range b.questionnaires {
		if b.v.late(n.waits, q, report) {
			return
		}
	}
	if len(b.waiting) < maxWaiting {
		b.waiting = append(b.waiting, n.waits)
	} else {
		b.unanswered++
	}
}

// late compares a response with a questionnaire of its bundle, if it is the one that it answers.
func (v *Validator) late(e *fhir.Entry, q *questionnaire, report func(*diag.Finding)) bool {
	r := e.Resource.(*rpb.QuestionnaireResponse)
	if !q.is(r.GetQuestionnaire().GetValue()) {
		return false
	}
	w := v.free.Get().(*walker)
	defer v.free.Put(w)
	w.begin(e)
	w.fixed = 2
	w.path = append(w.path, step{"Bundle", "", -1, nil}, step{"entry", "", e.Index, plan.OfMessage(e.Item)}, step{"resource", "", -1, plan.OfMessage(r)})
	w.root, w.resource = r, r
	w.compare(q, r)
	for _, f := range w.findings {
		report(f)
	}
	w.end()
	return true
}
