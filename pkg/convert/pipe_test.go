package convert

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a test waits for what comes at once unless it never comes.
const patience = 5 * time.Minute

// meeting is a worker that goes on only when so many records are at work at once.
type meeting struct {
	testWorker
	wait *sync.WaitGroup
	late *atomic.Bool
}

func (m meeting) ToHub(raw *Raw) (*Record, error) {
	m.wait.Done()
	met := make(chan struct{})
	go func() { m.wait.Wait(); close(met) }()
	select {
	case <-met:
	case <-time.After(patience):
		m.late.Store(true)
	}
	return m.testWorker.ToHub(raw)
}

// TestSourcesShareWorkers: the records of two sources are at work at the same time.
func TestSourcesShareWorkers(t *testing.T) {
	var wait sync.WaitGroup
	wait.Add(2)
	m := meeting{wait: &wait, late: new(atomic.Bool)}
	r, err := runJob(t, map[string]string{"in/a.t": "test:\n1\n", "in/b.t": "test:\n2\n"}, func(j *Job) {
		f := testFormat()
		f.NewWorker = func(*Options) Worker { return m }
		j.Formats, j.Options.Jobs = &Formats{List: []*Format{f}}, 2
	}, "in")
	if err != nil || names(r.files(t, "out")) != "a.out b.out" {
		t.Fatalf("%v %v", r.files(t, "out"), err)
	}
	if m.late.Load() {
		t.Error("one waited for the other in vain")
	}
}

// TestJobsOverFolders: a folder of small and large, good and bad sources gives the same files, ledger, rejects and findings, in the
// same order, at every number of jobs.
func TestJobsOverFolders(t *testing.T) {
	files := map[string]string{"in/empty.t": "", "in/what.bin": "\x00", "in/p.json": `{"resourceType":"Patient","id":"p"}`, "in/q.json": `{"resourceType":"Patient","id":"q","gender":1}`}
	for i := range 200 {
		text := "test:\n"
		for k := range i%4 + i%7/6*50 {
			text += fmt.Sprintf("record %d of %d%s\n", k, i, map[int]string{0: "!", 5: "*"}[(i+k)%31])
		}
		files[fmt.Sprintf("in/%d/%d.t", i%9, i)] = text
	}
	files["in/half.zip"] = "PK" // no archive within folders: it is of no known format
	type result struct {
		files map[string]string
		finds []string
		sum   Summary
	}
	var first *result
	for _, jobs := range []int{1, 2, 3, 16} {
		r, err := runJob(t, files, func(j *Job) { j.Ledger, j.Rejects, j.Options.Jobs = "out/l.json", "out/rej", jobs }, "in")
		if err != nil {
			t.Fatal(err)
		}
		got := &result{r.files(t, "out"), r.finds, *r.sum}
		if first == nil {
			first = got
			if got.sum.Totals.Rejected == 0 || got.sum.Unreadable == 0 || len(got.files) < 300 || len(got.finds) < 10 {
				t.Errorf("%+v, %d files, %d findings", got.sum, len(got.files), len(got.finds))
			}
			checkLedger(t, filepath.Join(r.dir, "out/l.json"), got.sum.Sources-1, got.sum.Totals) // two are joined
			continue
		}
		if !maps.Equal(got.files, first.files) {
			t.Errorf("%d jobs: other files", jobs)
		}
		if !slices.Equal(got.finds, first.finds) || got.sum != first.sum {
			t.Errorf("%d jobs: other findings or totals: %+v, %+v", jobs, got.sum, first.sum)
		}
	}
}

// TestReadAhead: however slow the writer is, only so many records are read ahead of it, over all sources.
func TestReadAhead(t *testing.T) {
	const jobs, sources = 4, 50
	var written atomic.Int64
	most := int64(0)
	ahead := make(chan struct{}) // closed when as many are read as there are jobs
	steps := func(yield func(*step) bool) {
		for i := range int64(sources) {
			in := &input{from: testFormat(), name: "x"}
			if most = max(most, i+1-written.Load()); i+1 == jobs {
				close(ahead)
			}
			if !yield(&step{in: in, begin: true}) || !yield(&step{in: in, raw: &Raw{Index: 1, Data: "x"}}) || !yield(&step{in: in, end: true}) {
				return
			}
		}
	}
	err := pipe(context.Background(), testFormat(), &Options{Jobs: jobs}, steps, func(s *step, _ *Result) error {
		if s.raw != nil {
			select {
			case <-ahead:
			case <-time.After(patience):
			}
			time.Sleep(time.Millisecond)
			written.Add(1)
		}
		return nil
	})
	if err != nil || written.Load() != sources {
		t.Fatal(err, written.Load())
	}
	if most > readAhead*jobs+2 || most < jobs { // one that waits for room, one that is written and not yet counted
		t.Errorf("%d records were in memory at once", most)
	}
}

// TestPipeStops: an error of the writer, of the tables or of the caller ends everything, and no goroutine waits for ever.
func TestPipeStops(t *testing.T) {
	broken := errors.New("no more room")
	for _, jobs := range []int{1, 4} {
		ended := make(chan struct{})
		steps := func(yield func(*step) bool) {
			defer close(ended)
			in := &input{from: testFormat(), name: "x"}
			for i := 1; ; i++ {
				if !yield(&step{in: in, raw: &Raw{Index: i, Data: "x"}}) {
					return
				}
			}
		}
		n := 0
		err := pipe(context.Background(), testFormat(), &Options{Jobs: jobs}, steps, func(*step, *Result) error {
			if n++; n == 100 {
				return broken
			}
			return nil
		})
		if !errors.Is(err, broken) {
			t.Errorf("%d jobs: %v", jobs, err)
		}
		select {
		case <-ended:
		case <-time.After(patience):
			t.Errorf("%d jobs: the reader goes on", jobs)
		}
	}
}
