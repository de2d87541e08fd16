package page

import (
	"bytes"
	"encoding/base64"
	"os"
	"strings"
	"testing"
)

// TestScript: what is embedded is what stands beside it, and cannot end its element.
func TestScript(t *testing.T) {
	js, err := os.ReadFile("page_gen.js")
	if err != nil {
		t.Fatal(err)
	}
	if string(js) != script() {
		t.Error("page_gen.js.gz is not current: make lists")
	}
	for _, bad := range []string{"</script", "<!--", "eval(", "new Function", "fetch(", "XMLHttpRequest", "WebSocket", "import("} {
		if strings.Contains(strings.ToLower(script()), strings.ToLower(bad)) {
			t.Errorf("the script holds %q", bad)
		}
	}
	if strings.Contains(style, "<") {
		t.Error("the style holds a tag")
	}
}

func TestWrite(t *testing.T) {
	sealed := bytes.Repeat([]byte("age-encryption.org/v1\n\x00\xff"), 1000)
	p := &Page{Package: `chartpost-2026-11-22-6f30-27b0.zip.age`, Inside: true, Words: []string{"aback", "abandon"}, RecordHash: "'sha256-x'"}
	var b bytes.Buffer
	if err := p.Write(&b, bytes.NewReader(sealed)); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	_, rest, _ := strings.Cut(text, `id="package">`)
	inside, rest, _ := strings.Cut(rest, "</script>\n<script>")
	if got, err := base64.StdEncoding.DecodeString(inside); err != nil || !bytes.Equal(got, sealed) {
		t.Error("another package stands in the page", err)
	}
	if js, _, _ := strings.Cut(rest, "</script>"); js != script() {
		t.Error("another script stands in the page")
	}
	head, _, _ := strings.Cut(text, "<body>")
	for _, want := range []string{"script-src &#39;sha256-", "default-src &#39;none&#39;", "&#39;sha256-x&#39;", "base-uri &#39;none&#39;"} {
		if !strings.Contains(head, want) {
			t.Errorf("%q is not in the policy", want)
		}
	}
	for _, want := range []string{`id="words">aback abandon</script>`, `data-name="chartpost-2026-11-22-6f30-27b0.zip.age"`, `age -d -o chartpost-2026-11-22-6f30-27b0.zip chartpost-2026-11-22-6f30-27b0.zip.age<`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	if strings.Contains(text, "unsafe-") || strings.Contains(text, "%!") {
		t.Error("the policy allows what is unsafe")
	}
	if !Sniff(b.Bytes()) || Sniff([]byte("<!DOCTYPE html>\n<html>")) {
		t.Error("a page is not known for one")
	}
	if got, err := Package(bytes.NewReader(b.Bytes())); err != nil || !bytes.Equal(got, sealed) {
		t.Error("the package does not come out of the page", err)
	}
	for _, cut := range []int{100, len(text) / 3} {
		if _, err := Package(strings.NewReader(text[:cut])); err != ErrAltered {
			t.Error(err)
		}
	}
	if _, err := Package(strings.NewReader(strings.Replace(text, `id="package">`, `id="package">%`, 1))); err != ErrAltered {
		t.Error(err)
	}
	if _, err := Package(strings.NewReader(strings.Replace(text, inside, "", 1))); err != ErrBeside {
		t.Error(err)
	}
	// A name is text wherever it stands.
	p.Package, p.Inside = `"><script>x.age`, false
	b.Reset()
	if err := p.Write(&b, nil); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "<script") != 3 || !strings.Contains(b.String(), `id="package"></script>`) {
		t.Error(b.String()[:3000])
	}
}
