// Package validate checks records against FHIR R4 (4.0.1), profiles of it and value sets, without a server, and says what is wrong
// as findings: where, what, why and how to mend it.
//
// A Validator is made once and checks any number of sources at once. A source streams: its resources and the entries of its
// bundles are checked one by one, by several goroutines, and what is found comes in the order of the source.
package validate

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// Options say what a Validator checks beyond FHIR itself. The zero value is ready.
type Options struct {
	Jobs        int      // how many goroutines check a source; below 2 the caller's own does
	Profiles    []string // that every resource of their type must meet: us-core, us-core@7.0.0, URLs, files, folders, packages
	Terminology []string // files and folders with code systems and value sets
	MustSupport bool     // tell of elements that are not there and that a profile marks as must-support
}

// Validator checks FHIR. It is safe for concurrent use.
type Validator struct {
	opts     Options
	plans    sync.Map // *plan.Type -> *typePlan
	lib      *library
	base     func() map[string]Bind // the bindings of FHIR's own elements
	compiled sync.Map               // URL -> *profile
	misses   atomic.Int64           // of compiled
	asked    map[string][]asked     // by type of resource
	targets  map[string][]*profile  // that references ask for, by type of resource
	profiled bool                   // there are profiles that may say where references lead
	guided   bool                   // a guide that is built in was asked for
	whole    bool                   // bundles are not taken apart, because a profile speaks of their entries
	mu       sync.Mutex
	remarks  []*diag.Finding
	free     sync.Pool // of *walker
}

// New makes a Validator.
func New(o Options) (*Validator, error) {
	v := &Validator{opts: o, lib: newLibrary(), asked: map[string][]asked{}}
	v.base = sync.OnceValue(v.lib.bindings)
	for _, name := range o.Terminology {
		if _, err := v.lib.add(name); err != nil {
			return nil, fmt.Errorf("--terminology: %w", err)
		}
	}
	if err := v.ask(o.Profiles); err != nil {
		return nil, err
	}
	v.findTargets()
	v.free.New = func() any {
		w := &walker{v: v}
		w.paths = fhirpath.NewContext(fhirpath.Env{Resolver: w, ValueSets: w, Contained: &w.contained})
		return w
	}
	return v, nil
}

// Counts is what was checked of one or more sources.
type Counts struct {
	Resources int // with those contained in others and in bundles
	Unchecked Unchecked
}

// Message checks a resource that stands alone. text is the JSON that it came from, for lines and columns, or empty.
func (v *Validator) Message(m proto.Message, text string, at diag.Place) []*diag.Finding {
	e := &fhir.Entry{Resource: m, Text: text, Place: at}
	v.check(e)
	return e.Findings
}

// Stream checks a source. What it finds goes to report in the order of the source. An error is one of reading; the findings until
// then have been reported.
func (v *Validator) Stream(ctx context.Context, r io.Reader, source string, report func(*diag.Finding)) (Counts, error) {
	var c Counts
	var b *bundleState
	empty := true
	reader := fhir.NewReader(r, fhir.ReaderOptions{Source: source, Jobs: v.opts.Jobs, Whole: v.whole, Each: v.check})
	for e, err := range reader.All() {
		if err != nil {
			return c, err
		}
		if err := ctx.Err(); err != nil {
			return c, err
		}
		empty = false
		for _, f := range e.Findings {
			report(f)
		}
		n, _ := e.Note.(*entryNote)
		if n != nil {
			c.Resources += n.unchecked.resources
			c.Unchecked.add(&n.unchecked)
		}
		switch {
		case e.End:
			if b == nil {
				b = newBundleState(v, report)
			}
			if e.Bundle != nil {
				at := e.Place
				at.Path = "Bundle"
				b.end(e.Bundle, at)
			}
			if k := len(b.waiting) + b.unanswered; k > 0 {
				c.Unchecked.Other = sum(c.Unchecked.Other, map[string]int{noQuestionnaire: k})
			}
			b = nil
		case e.Item != nil:
			if b == nil {
				b = newBundleState(v, report)
			}
			kind := codes.BundleTypeCode_INVALID_UNINITIALIZED
			if e.Bundle != nil {
				kind = e.Bundle.GetType().GetValue()
			}
			b.add(n, kind)
		}
	}
	if empty {
		report(diag.New("CP-CNV-003", diag.Place{Source: source}, ""))
	}
	return c, nil
}

// check checks an entry of a source, in whichever goroutine read it.
func (v *Validator) check(e *fhir.Entry) {
	w := v.free.Get().(*walker)
	defer v.free.Put(w)
	w.begin(e)
	switch {
	case e.Item != nil:
		t := plan.OfMessage(e.Item)
		w.path = append(w.path, step{"Bundle", "", -1, nil}, step{"entry", "", e.Index, t})
		w.fixed, w.keep = 2, true
		w.object(v.plan(t), reflect.ValueOf(e.Item).Elem())
		n := noteOf(e.Item, e.Place)
		n.refs, n.steps, n.unchecked = slices.Clone(w.refs), slices.Clone(w.steps), w.unchecked.take()
		n.wants, n.met = slices.Clone(w.wants), w.met
		n.asks, _ = e.Resource.(*qpb.Questionnaire)
		if w.waits {
			n.waits = &fhir.Entry{Resource: e.Resource, Item: e.Item, Index: e.Index, Text: e.Text, Place: e.Place}
		}
		e.Note = &n
	case e.End && e.Bundle != nil:
		w.fixed, w.shell = 1, true
		w.path = append(w.path, step{"Bundle", "", -1, plan.OfMessage(e.Bundle)})
		w.root, w.resource = e.Bundle, e.Bundle
		w.checkRoot(e.Bundle, plan.OfMessage(e.Bundle))
		e.Note = &entryNote{unchecked: w.unchecked.take()}
	case e.Resource != nil:
		t := plan.OfMessage(e.Resource)
		w.path = append(w.path, step{t.Name, "", -1, t})
		w.fixed = 1
		w.root, w.resource = e.Resource, e.Resource
		w.checkRoot(e.Resource, t)
		e.Note = &entryNote{unchecked: w.unchecked.take()}
	}
	slices.SortStableFunc(w.findings, func(a, b *diag.Finding) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column), cmp.Compare(a.ID, b.ID))
	})
	e.Findings = slices.CompactFunc(w.findings, func(a, b *diag.Finding) bool { // a profile and its base may say the same
		return a.ID == b.ID && a.Place == b.Place && a.What == b.What
	})
	w.end()
}

// begin makes the walker ready for an entry.
func (w *walker) begin(e *fhir.Entry) {
	typ := ""
	if e.Resource != nil {
		typ = fhir.TypeOf(e.Resource)
	}
	for _, f := range e.Findings {
		f.Place.Path = fhirPath(f.Place.Path, typ)
	}
	w.entry, w.findings, w.given = e, e.Findings, len(e.Findings)
	w.path, w.refs, w.steps, w.fragments = w.path[:0], w.refs[:0], w.steps[:0], w.fragments[:0]
	w.divs, w.wants, w.met = w.divs[:0], w.wants[:0], 0
	w.waits = false
	w.scan, w.keep, w.shell, w.depth = textScan{}, false, false, 0
	w.contained = e.Contained()
}

// beginMessage makes the walker ready for a resource that stands alone.
func (w *walker) beginMessage(m proto.Message) {
	w.begin(&fhir.Entry{Resource: m})
	t := plan.OfMessage(m)
	w.path = append(w.path, step{t.Name, "", -1, t})
	w.root, w.resource = m, m
	w.scope()
}

// end lets go of the entry.
func (w *walker) end() {
	w.entry, w.findings, w.root, w.resource, w.types, w.index = nil, nil, nil, nil, nil, nil
	w.contained = fhir.Contained{}
	w.paths.Forget()
	clear(w.refs)
	clear(w.useOf)
	clear(w.answers)
}

// Failed reports whether a finding means that the record fails: the first severity, and when strict the second too.
func Failed(f *diag.Finding, strict bool) bool {
	s := f.Severity()
	return s == diag.Reject || strict && s == diag.Misread
}

// Systems whose codes cannot be told without a server are counted by their URI.
type tally struct {
	resources int
	systems   map[string]int
	profiles  map[string]int
	other     map[string]int
}

func (t *tally) codes(system string) {
	count(&t.systems, system)
}

// count adds one. The key may be a part of a record, which must not be held for it.
func count(m *map[string]int, key string) {
	if *m == nil {
		*m = map[string]int{}
	}
	if _, ok := (*m)[key]; !ok {
		key = strings.Clone(key)
	}
	(*m)[key]++
}

func (t *tally) profile(url string) {
	count(&t.profiles, url)
}

func (t *tally) note(what string) {
	if t.other == nil {
		t.other = map[string]int{}
	}
	t.other[what]++
}

func (t *tally) take() tally {
	x := *t
	*t = tally{}
	return x
}

// Unchecked counts what could not be checked.
type Unchecked struct {
	Systems  map[string]int // codes, by system
	Profiles map[string]int // resources, by a profile that is not known
	Other    map[string]int // in words
}

func (u *Unchecked) add(t *tally) {
	u.Systems = sum(u.Systems, t.systems)
	u.Profiles = sum(u.Profiles, t.profiles)
	u.Other = sum(u.Other, t.other)
}

// Add adds the counts of another source.
func (u *Unchecked) Add(o Unchecked) {
	u.Systems, u.Profiles, u.Other = sum(u.Systems, o.Systems), sum(u.Profiles, o.Profiles), sum(u.Other, o.Other)
}

func sum(a, b map[string]int) map[string]int {
	if len(b) > 0 && a == nil {
		a = map[string]int{}
	}
	for k, n := range b {
		if _, ok := a[k]; !ok && len(a) >= maxCached {
			k = "others"
		}
		a[k] += n
	}
	return a
}

// Sniff reports a source that looks like FHIR: JSON, which begins as an object does, or FHIR's XML.
func Sniff(head []byte) bool {
	if fhir.SniffXML(head) != "" {
		return true
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(head) > 0 && (head[0] == '{' || head[0] == '[' || bytes.HasPrefix(head, []byte("//")) || bytes.HasPrefix(head, []byte("/*")))
}

// SystemName is what people call a code system.
func SystemName(uri string) string {
	if n := systemNames[uri]; n != "" {
		return n
	}
	return uri
}

var systemNames = map[string]string{
	"http://loinc.org": "LOINC", "http://snomed.info/sct": "SNOMED CT", "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
	"http://hl7.org/fhir/sid/cvx": "CVX", "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM", "http://hl7.org/fhir/sid/icd-10": "ICD-10",
	"http://hl7.org/fhir/sid/ndc": "NDC", "http://www.ama-assn.org/go/cpt": "CPT", "http://unitsofmeasure.org": "UCUM",
}
