package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate/cda"
)

// documents checks clinical documents. Each is checked as a whole, so several are worked on at the same time, and what is found is told
// in the order of the sources.
type documents struct {
	v     *cda.Validator
	slots chan struct{}
	early []chan early // by source; nil where one is not looked at before its turn
}

// early is what is known of a source before its turn: nothing, if it is no clinical document.
type early struct {
	result *cda.Result
	err    error
}

func newDocuments(ctx context.Context, o *validateOptions, sources []convert.Source) *documents {
	d := &documents{v: cda.New(), slots: make(chan struct{}, o.jobs), early: make([]chan early, len(sources))}
	if o.jobs < 2 || len(sources) < 2 || o.from == "fhir" {
		return d
	}
	for i, src := range sources {
		if src.File != "" {
			d.early[i] = make(chan early, 1)
		}
	}
	go func() {
		for i, src := range sources {
			if d.early[i] == nil {
				continue
			}
			select {
			case d.slots <- struct{}{}: // given back when the result is told, so that no more than a few are kept
			case <-ctx.Done():
				return
			}
			go func() { d.early[i] <- d.look(ctx, o, src) }()
		}
	}()
	return d
}

// look checks a file if it is a clinical document.
func (d *documents) look(ctx context.Context, o *validateOptions, src convert.Source) (e early) {
	f, err := os.Open(src.File)
	if err != nil {
		return e
	}
	defer f.Close()
	head := make([]byte, convert.SniffLen)
	n, _ := io.ReadFull(f, head)
	if o.from != "ccda" && !ccda.Sniff(head[:n]) {
		return e
	}
	e.result, e.err = d.v.Stream(ctx, io.MultiReader(bytes.NewReader(head[:n]), f), src.Path)
	return e
}

// take waits for what is known of a source.
func (d *documents) take(ctx context.Context, i int) (e early) {
	if d.early[i] == nil {
		return e
	}
	select {
	case e = <-d.early[i]:
		<-d.slots
	case <-ctx.Done():
	}
	return e
}

// document tells what was found in a clinical document.
func (r *validateRun) document(res *cda.Result, err error, name string) {
	if err != nil {
		r.unreadable++
		r.report(diag.New("CP-CNV-006", diag.Place{Source: name}, "the input broke off while it was read: %s", convert.Plain(err)))
		return
	}
	for _, f := range res.Findings {
		r.report(f)
	}
	r.documents++
	r.counts.Unchecked.Systems = sumCounts(r.counts.Unchecked.Systems, res.Unchecked.Systems)
	r.counts.Unchecked.Other = sumCounts(r.counts.Unchecked.Other, res.Unchecked.Other)
	r.templates = sumCounts(r.templates, res.Unchecked.Templates)
}

func sumCounts(a, b map[string]int) map[string]int {
	if a == nil && len(b) > 0 {
		a = map[string]int{}
	}
	for k, n := range b {
		a[k] += n
	}
	return a
}

// uncheckedTemplates says which template ids there are no rules for; briefly for people, of whom few know a template by its number.
func (r *validateRun) uncheckedTemplates(brief bool) []string {
	ids := slices.SortedFunc(maps.Keys(r.templates), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.templates[b], r.templates[a]), cmp.Compare(a, b))
	})
	list := []string{}
	others, claims := 0, 0
	for i, id := range ids {
		if named := id[0] < '0' || id[0] > '9'; brief && (i >= 8 || !named) {
			others++
			claims += r.templates[id]
			continue
		}
		list = append(list, fmt.Sprintf("%s (%d): no rules for this version of the template", id, r.templates[id]))
	}
	if others > 0 {
		list = append(list, fmt.Sprintf("%s in %s: no rules for them; --format json names them", plural(others, "other template"), plural(claims, "place")))
	}
	return list
}
