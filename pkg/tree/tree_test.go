package tree

import (
	"reflect"
	"strconv"
	"testing"
)

var er7 = &Format{Name: "er7", Steps: ".-", Self: "1", Null: `""`, Place: func(d *Doc, n Node) string { return d.Name(n) }}

func path(t *testing.T, f *Format, s string) Path {
	t.Helper()
	p, err := f.ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSelf: in a format with a Self name a leaf is its own first part, when it is read and when it is made.
func TestSelf(t *testing.T) {
	d := New(er7, 8)
	five := d.Add(Root, "5", "DOE")
	for _, p := range []string{"5", "5.1", "5.1.1"} {
		if k := d.At(Root, path(t, er7, p)); d.LeafText(k) != "DOE" {
			t.Errorf("%s leads to %q", p, d.LeafText(k))
		}
	}
	if k := d.At(Root, path(t, er7, "5.2")); k != 0 {
		t.Errorf("5.2 leads to a node")
	}
	d.Mark(five, Carried, "")
	m := d.Checkpoint()
	d.SetText(d.Make(Root, path(t, er7, "5.2"), false), "JANE")
	d.SetText(d.Make(Root, path(t, er7, "5.1.2"), false), "VAN")
	want := "5\n  1\n    1 \"DOE\" carried\n    2 \"VAN\" unmapped\n  2 \"JANE\" unmapped\n"
	if d.String() != want {
		t.Errorf("made:\n%swant:\n%s", d, want)
	}
	d.Rollback(m)
	if want := "5 \"DOE\" carried\n"; d.String() != want {
		t.Errorf("rolled back:\n%swant:\n%s", d, want)
	}
	if d.Text(five) != "DOE" || d.Len() != 2 {
		t.Errorf("rolled back to %d nodes", d.Len())
	}
}

// TestOrdinals: a step with an ordinal is found at its place and made there, with empty ones before it; one with [2-] is the second and
// all behind it.
func TestOrdinals(t *testing.T) {
	d := New(er7, 8)
	second, rest := path(t, er7, "12[2]"), path(t, er7, "12[2-]")
	if s := er7.PathString(rest); s != "12[2-]" {
		t.Errorf("printed %s", s)
	}
	for i, text := range []string{"B", "C", "D"} {
		p := rest
		if i == 0 {
			p = second
		}
		d.SetText(d.Make(Root, p, i > 0), text)
	}
	d.SetText(d.Make(Root, path(t, er7, "12"), false), "A")
	if want := "12 \"A\" unmapped\n12 \"B\" unmapped\n12 \"C\" unmapped\n12 \"D\" unmapped\n"; d.String() != want {
		t.Errorf("made:\n%swant:\n%s", d, want)
	}
	for p, want := range map[string]string{"12[1]": "A", "12[2]": "B", "12[2-]": "BCD", "12[4-]": "D", "12[5-]": "", "12": "ABCD"} {
		got := ""
		d.Each(Root, path(t, er7, p), func(n Node) bool {
			got += d.Text(n)
			return true
		})
		if got != want {
			t.Errorf("%s leads to %q, want %q", p, got, want)
		}
	}
	if _, err := er7.ParsePath("12[0-]"); err == nil {
		t.Error("12[0-] is taken")
	}
}

func TestTests(t *testing.T) {
	d := New(er7, 8)
	obx := d.Add(Root, "OBX", "")
	d.Add(obx, "2", "CE")
	d.Add(obx, "5", "x")
	for _, c := range []struct {
		test string
		want bool
	}{
		{"2=CWE|CE", true}, {"2=NM", false}, {"2!=NM", true}, {"2!=CE|CWE", false}, {"5", true}, {"no 5", false}, {"6", false}, {"no 6", true},
		{"6=''", true}, {"6!=x", true}, {"5.1=x", true}, {"5.2=''", true},
		{"2~=ce", true}, {"2!~=ce|cwe", false}, {"2!~=nm", true}, {"2=ce", false}, {"6~=''", true}, {"6!~=x", true},
	} {
		tt, err := er7.ParseTest(c.test)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := d.Ask(obx, &tt); ok != c.want {
			t.Errorf("%s is %v", c.test, ok)
		}
		if got := er7.TestString(&tt); got != c.test {
			t.Errorf("%s is written %s", c.test, got)
		}
	}
	two, _ := er7.ParseTest("2=CWE|CE")
	d.MarkTest(obx, &two, Carried, "")
	if k := d.Child(obx, "2"); d.State(k) != Folded || d.Why(k) != "written back as CWE" {
		t.Errorf("an alternative value is %s (%s)", d.State(k), d.Why(k))
	}
}

func TestPathErrors(t *testing.T) {
	for _, s := range []string{"5.", "5..1", "5[", "5[0]", "[1]", "5[2=NM]x", "5[2='NM]", "5[2~=nm]"} {
		if p, err := er7.ParsePath(s); err == nil {
			t.Errorf("%q is read as %s", s, er7.PathString(p))
		}
	}
}

// TestStates: a state only rises, the first reason stands, and a rollback brings back what was.
func TestStates(t *testing.T) {
	d := New(er7, 4)
	n := d.Add(Root, "1", "x")
	d.Mark(n, Declined, "first")
	d.Mark(n, Declined, "second")
	d.Mark(n, Unmapped, "")
	if d.State(n) != Declined || d.Why(n) != "first" {
		t.Errorf("%s (%s)", d.State(n), d.Why(n))
	}
	m := d.Checkpoint()
	d.Mark(n, Carried, "")
	d.Rollback(m)
	if d.State(n) != Declined || d.Why(n) != "first" {
		t.Errorf("after a rollback %s (%s)", d.State(n), d.Why(n))
	}
	if got := d.Tally(); got != (Tally{Declined: 1}) || got.Values() != 1 {
		t.Errorf("%+v", got)
	}
}

// TestMakeEach: a place that repeats is made anew at the step that says so, else at its last.
func TestMakeEach(t *testing.T) {
	xml := &Format{Name: "xml", Steps: "/", Place: func(d *Doc, n Node) string { return d.Name(n) }}
	for _, c := range []struct{ path, want string }{
		{"a/b", "a\n  b \"1\" unmapped\n  b \"2\" unmapped\n"},
		{"a[]/b", "a\n  b \"1\" unmapped\na\n  b \"2\" unmapped\n"},
		{"a[][@x=y]/b", "a\n  @x \"y\" unmapped\n  b \"1\" unmapped\na\n  @x \"y\" unmapped\n  b \"2\" unmapped\n"},
	} {
		p := path(t, xml, c.path)
		if got := xml.PathString(p); got != c.path {
			t.Errorf("%s is written as %s", c.path, got)
		}
		d := New(xml, 8)
		d.SetText(d.Make(Root, p, true), "1")
		d.SetText(d.Make(Root, p, true), "2")
		if got := d.String(); got != c.want {
			t.Errorf("%s:\n%swant:\n%s", c.path, got, c.want)
		}
		if k := d.Make(Root, p, false); d.Text(k) != "1" {
			t.Errorf("%s: what is there is made again", c.path)
		}
	}
	if _, err := xml.ParsePath("a[]/b[]"); err == nil {
		t.Error("two steps repeat")
	}
}

// TestShape: a node is as large as it says, and names that share a place in Names, or that are more than are kept, are told apart,
// in the next document too.
func TestShape(t *testing.T) {
	if size := reflect.TypeFor[node]().Size(); size != 64 {
		t.Errorf("a node has %d bytes", size)
	}
	d := New(er7, 8)
	for range 3 {
		for i := range maxNames + 100 {
			d.Add(Root, strconv.Itoa(i), strconv.Itoa(i))
			d.Add(Root, strconv.Itoa(i%7), "")
		}
		k := d.First(Root)
		for i := range maxNames + 100 {
			if d.Name(k) != strconv.Itoa(i) || d.Text(k) != d.Name(k) || d.Name(d.Next(k)) != strconv.Itoa(i%7) {
				t.Fatalf("%d is %q %q, then %q", i, d.Name(k), d.Text(k), d.Name(d.Next(k)))
			}
			k = d.Next(d.Next(k))
		}
		if k := d.Child(Root, strconv.Itoa(maxNames)); d.Text(k) != strconv.Itoa(maxNames) {
			t.Errorf("a child is %q", d.Text(k))
		}
		d.Reset()
	}
}

// TestReasons: each leaf keeps its reason, and a reason is kept once.
func TestReasons(t *testing.T) {
	d := New(er7, 8)
	for i := range 100 {
		d.Mark(d.Add(Root, strconv.Itoa(i), "x"), Declined, "reason "+strconv.Itoa(i%10))
	}
	i := 0
	d.Leaves(func(n Node, s State, why string) {
		if s != Declined || why != "reason "+strconv.Itoa(i%10) {
			t.Errorf("%d: %s %s", i, s, why)
		}
		i++
	})
	if i != 100 || len(d.whys) != 11 {
		t.Errorf("%d leaves, %d reasons", i, len(d.whys))
	}
}

// TestUnread: what a test has found, and what could not be read, is blank when the document is read again, and keeps its reason.
func TestUnread(t *testing.T) {
	d := New(er7, 8)
	seven, eight := d.Add(Root, "7", "soon"), d.Add(Root, "8", "20240301")
	parts := d.Add(Root, "9", "")
	day, hour := d.Add(parts, "1", "20240302"), d.Add(parts, "2", "noon")
	exists := func(p string) bool {
		_, ok := d.Ask(Root, &Test{Path: path(t, er7, p), Op: Exists})
		return ok
	}
	read := func() {
		d.Mark(seven, Invalid, "no time")
		d.Mark(eight, Carried, "")
		d.Mark(day, Carried, "")
		d.Mark(hour, Invalid, "no hour")
	}
	if !exists("8") || !exists("9") {
		t.Error("8 and 9 are not there")
	}
	if read(); d.Unread() {
		t.Error("to be read again, though nobody asked for 7, and of 9 something was read")
	}
	if exists("7"); !d.Unread() || exists("7") || !exists("8") || !exists("9") {
		t.Error("7 is still there, or 8 and 9 are not")
	}
	if d.State(seven) != Invalid || d.Why(seven) != "no time" || d.State(eight) != Unmapped || d.State(day) != Unmapped {
		t.Errorf("7 is %s: %s, 8 %s, 9.1 %s", d.State(seven), d.Why(seven), d.State(eight), d.State(day))
	}
	if read(); d.Unread() {
		t.Error("read again and again")
	}
}

// TestHide: hidden texts are not there until they are put back, as they were, also of a leaf that is named twice.
func TestHide(t *testing.T) {
	d := New(er7, 8)
	seven, eight := d.Add(Root, "7", "soon"), d.Add(Root, "8", "late")
	show := d.Hide([]Node{seven, eight, seven})
	if d.Text(seven) != "" || d.Text(eight) != "" {
		t.Error("not hidden")
	}
	if show(); d.Text(seven) != "soon" || d.Text(eight) != "late" {
		t.Errorf("put back as %q and %q", d.Text(seven), d.Text(eight))
	}
}
