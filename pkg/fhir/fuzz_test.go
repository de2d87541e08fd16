package fhir

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/internal/testshared"
)

func seeds(f *testing.F) {
	for _, c := range strict {
		f.Add([]byte(c.in))
	}
	if dir := testshared.Find(); dir != "" {
		names, _ := filepath.Glob(filepath.Join(dir, "corpus/fhir/examples/*.json"))
		for _, n := range names {
			if b, err := os.ReadFile(n); err == nil && len(b) < 20000 {
				f.Add(b)
			}
		}
	}
}

// FuzzUnmarshal asserts, of any bytes: what was read without a finding is in the output as it was in the input, the output is
// valid and gives the same message again, and the oracle, where it takes the input too, made the same message of it.
func FuzzUnmarshal(f *testing.F) {
	seeds(f)
	u := oracle(f)
	u.MaxNestingDepth = MaxDepth + 10
	f.Fuzz(func(t *testing.T, in []byte) {
		m, findings := Unmarshal(in)
		for _, x := range findings {
			if x.Place.Line < 1 || x.Place.Column < 1 || x.Place.Line > bytes.Count(in, newline)+1 {
				t.Errorf("a finding at line %d, column %d", x.Place.Line, x.Place.Column)
			}
		}
		if m == nil {
			if len(findings) == 0 {
				t.Error("neither a message nor a finding")
			}
			return
		}
		out, err := Append(nil, m)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, left := Unmarshal(out)
		if Lost(left) != nil {
			t.Fatalf("what was written is refused: %v\n%s", left[0], out)
		}
		if len(findings) > 0 {
			return // something was left out
		}
		if !proto.Equal(m, again) {
			t.Errorf("%s\nis written as %s\nand read as another message", in, out)
		}
		sameJSON(t, "", bytes.TrimPrefix(in, utf8Mark), out)
		if bytes.Contains(in, []byte(`"parameter"`)) {
			return // the oracle does not know Parameters.parameter.resource
		}
		want, err := u.Unmarshal(bytes.TrimPrefix(in, utf8Mark))
		if err != nil {
			if !strings.Contains(err.Error(), "invalid") && !strings.Contains(err.Error(), "expected") && !strings.Contains(err.Error(), "depth") {
				t.Errorf("only the oracle refuses %s: %v", in, err)
			}
			return
		}
		w, g := proto.Clone(Unwrap(want.(*rpb.ContainedResource))), proto.Clone(m)
		alike(w.ProtoReflect())
		alike(g.ProtoReflect())
		if !proto.Equal(w, g) && !oracleErrs(in) {
			t.Errorf("the oracle reads %s\nas   %v\nnot %v", in, w, g)
		}
	})
}

// oracleErrs reports inputs that the oracle is known to get wrong: false and 0 with extensions lose their value, an empty
// fragment, a version without text, more digits of a second than it keeps and the like.
func oracleErrs(in []byte) bool {
	for _, s := range []string{":false", `_reference`, `"#"`, "/_history/", ":0", "-0", `\`} {
		if bytes.Contains(bytes.ReplaceAll(in, []byte(" "), nil), []byte(s)) {
			return true
		}
	}
	return false
}

// FuzzReader asserts that the reader finds in a stream what Unmarshal finds in its documents, however the stream is cut.
func FuzzReader(f *testing.F) {
	for _, c := range strict {
		f.Add([]byte(c.in), uint8(7))
		f.Add([]byte(c.in+"\n"+c.in), uint8(200))
	}
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}},{}],"type":"batch"}`), uint8(3))
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		var runs [2][]string
		for i, o := range []ReaderOptions{{}, {Jobs: 3}} {
			r := &steps{b: in, n: int(step) + 1}
			if i == 1 {
				r.n = len(in) + 1
			}
			for e, err := range NewReader(r, o).All() {
				runs[i] = append(runs[i], say(e, err))
			}
		}
		if a, b := strings.Join(runs[0], "\n"), strings.Join(runs[1], "\n"); a != b {
			t.Errorf("in steps of %d:\n%s\nat once:\n%s", step, a, b)
		}
		m, findings := Unmarshal(in)
		if m == nil || len(findings) > 0 {
			return
		}
		var entries []*Entry
		for e := range NewReader(bytes.NewReader(in), ReaderOptions{}).All() {
			if len(e.Findings) > 0 {
				t.Fatalf("only the reader finds %v", e.Findings[0])
			}
			entries = append(entries, &e)
		}
		last := entries[len(entries)-1]
		if !last.End {
			if len(entries) != 1 || !proto.Equal(m, last.Resource) {
				t.Errorf("%d entries of one resource", len(entries))
			}
			return
		}
		b := proto.Clone(last.Bundle).(*rpb.Bundle)
		for _, e := range entries[:len(entries)-1] {
			b.Entry = append(b.Entry, e.Item)
		}
		if !proto.Equal(m, b) {
			t.Errorf("the entries do not make up the bundle:\n%v\nwant\n%v", b, m)
		}
	})
}

type steps struct {
	b []byte
	n int
}

func (s *steps) Read(b []byte) (int, error) {
	n := copy(b, s.b[:min(s.n, len(s.b))])
	s.b = s.b[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// FuzzSalvage asserts, of any bytes: what is kept is read again without loss, each lost leaf is told once and has a reason, and what has no fault loses
// nothing.
func FuzzSalvage(f *testing.F) {
	for _, c := range salvaged {
		f.Add([]byte(c.in))
	}
	seeds(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		p := Salvage(in, false)
		if p == nil {
			return
		}
		seen := map[string]bool{}
		for _, l := range p.Lost {
			if l.Why == "" || seen[l.At] {
				t.Errorf("%+v", l)
			}
			seen[l.At] = true
		}
		if p.Resource == nil {
			return
		}
		p.Made()
		out, err := Append(nil, p.Resource)
		if err != nil {
			t.Fatal(err)
		}
		if _, finds := Unmarshal(out); Lost(finds) != nil {
			t.Fatalf("%v\n%s", finds[0], out)
		}
		if _, finds := Unmarshal(in); Lost(finds) == nil && len(p.Lost) > 0 {
			t.Errorf("%+v of what has no fault", p.Lost)
		}
	})
}
