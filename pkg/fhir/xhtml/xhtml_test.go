package xhtml

import (
	"fmt"
	"strings"
	"testing"
)

const open, shut = `<div xmlns="http://www.w3.org/1999/xhtml">`, `</div>`

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name, s string
		want    string // kind@offset of each fault
	}{
		{"text", open + "Ann" + shut, ""},
		{"every kind of thing", open + `<h1 title="a">A</h1><p style="color: red">b<br/>c &lt; &#160;&#x41;</p><!-- c --><table border="1"><tbody><tr><td colspan="2"><a href="#x">d</a></td></tr></tbody></table>` +
			`<img src="data:image/png;base64,AA==" alt="x"/><![CDATA[e < f]]>` + shut, ""},
		{"white space around it", "\n " + open + "Ann" + shut + " \n", ""},
		{"an image alone", open + `<img src="#i" alt=""/>` + shut, ""},
		{"nothing to read", open + " <p>\n&#160;</p>" + shut, "5@0"},
		{"an image without source", open + `<img alt="x"/>` + shut, "5@0"},
		{"no namespace", "<div>Ann</div>", "2@0"},
		{"another namespace", `<div xmlns="http://example.org">Ann</div>`, "4@5 2@0"},
		{"no div", `<p xmlns="http://www.w3.org/1999/xhtml">Ann</p>`, "2@0"},
		{"script", open + "a<script>alert(1)</script>" + shut, "3@43"},
		{"upper case", open + "<P>a</P>" + shut, "3@42"},
		{"form, frame, object", open + "a<form/><iframe/><object/><head/><base/><link/>" + shut, "3@43 3@50 3@59 3@68 3@75 3@82"},
		{"what is marked as changed (9.4)", open + "<ins>a</ins>" + shut, "3@42"},
		{"a deprecated element", open + "<font>a</font>" + shut, "3@42"},
		{"a handler", open + `<p onclick="x()">a</p>` + shut, "4@45"},
		{"an attribute of another element", open + `<p href="x">a</p>` + shut, "4@45"},
		{"a script in a link", open + `<a href="JavaScript:x()">a</a>` + shut, "4@45"},
		{"a script in a link, hidden", open + `<a href=" java&#10;script&#58;x()">a</a>` + shut, "4@45"},
		{"a script in a style", open + `<p style="width: expression(x)">a</p>` + shut, "4@45"},
		{"a prefix", open + `<x:p xmlns:x="http://www.w3.org/1999/xhtml">a</x:p>` + shut, "3@42 4@47"},
		{"an entity of HTML", open + "a&nbsp;b" + shut, "1@43"},
		{"a bare &", open + "a & b" + shut, "1@44"},
		{"not closed", open + "<p>a" + shut, "1@46"},
		{"cut off", open + "a", "1@43"},
		{"text after it", open + "a" + shut + "b", "1@49"},
		{"two of them", open + "a" + shut + "<div/>", "1@49"},
		{"nothing", "", "1@0"},
		{"a declaration", "<!DOCTYPE div>" + open + "a" + shut, "1@0"},
		{"a processing instruction", open + "<?x?>a" + shut, ""},
		{"a processing instruction without end", open + "a<?x>" + shut, "1@43"},
		{"lists and tables", open + "<ul>\n<li>a<ul><li>b</li></ul></li></ul><dl><dt>a</dt><dd>b</dd></dl><table><caption>c</caption><colgroup><col/></colgroup>" +
			"<thead><tr><th>a</th></tr></thead><tr> <td><p>b</p><table><tr><td>c</td></tr></table></td></tr></table>" + shut, ""},
		{"a part without its list", open + "<li>a</li><p><td>b</td></p>" + shut, "3@42 3@55"},
		{"a list that holds more", open + "<ol><p>a</p>b</ol>" + shut, "3@46 3@54"},
		{"a row without cells", open + "<table><td>a</td></table>" + shut, "3@49"},
		{"a block within a line", open + "<p>a<ul><li>b</li></ul></p><b><div>c</div></b>" + shut, "3@46 3@72"},
		{"an attribute twice", open + `<p id="a" id="b">c</p>` + shut, "1@52"},
		{"an attribute without quotes", open + `<p id=a>c</p>` + shut, "1@48"},
		{"an attribute without value", open + `<p nowrap>c</p>` + shut, "1@51"},
		{"a comment with --", open + "<!-- a -- b -->c" + shut, "1@42"},
		{"a control character", open + "a\x01" + shut, "1@43"},
		{"not UTF-8", open + "a\xff" + shut, "1@0"},
		{"a reference to no character", open + "a&#0;" + shut, "1@43"},
		{"deep", open + strings.Repeat("<b>", 600), fmt.Sprintf("1@%d", len(open)+3*499)},
	} {
		var got []string
		for _, f := range Check(tt.s) {
			got = append(got, fmt.Sprintf("%d@%d", f.Kind, f.Offset))
			if f.Msg == "" || strings.Contains(f.Msg, "Ann") {
				t.Errorf("%s: message %q", tt.name, f.Msg)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s: %v", tt.name, got, tt.want, Check(tt.s))
		}
	}
}

func TestCheckStops(t *testing.T) {
	if n := len(Check(open + strings.Repeat("<u/>", 1000) + "a" + shut)); n != maxFaults {
		t.Errorf("%d faults", n)
	}
}

// FuzzCheck: no text makes it panic, every fault is within the text, and what a fault-free text holds is no script.
func FuzzCheck(f *testing.F) {
	f.Add(open + `<p style="a">b &amp; c<br/></p><img src="x"/><!-- d --><![CDATA[e]]>` + shut)
	f.Add(open + `<a href="javascript:x()" onclick='y()'>` + shut)
	f.Fuzz(func(t *testing.T, s string) {
		faults := Check(s)
		for _, x := range faults {
			if x.Offset < 0 || x.Offset > len(s) || x.Kind == 0 {
				t.Fatalf("%q: %v", s, x)
			}
		}
		if len(faults) == 0 && strings.Contains(s, "<script") && !strings.Contains(s, "<!") {
			t.Fatalf("%q passes", s)
		}
	})
}
