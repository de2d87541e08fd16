package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/browsertest"
)

const htmlRecord = `MSH|^~\&|LAB|MAPLE|||20261122||ORU^R01^ORU_R01|1|P|2.5.1
PID|1||77^^^M&2.999.1&ISO^MR||Example^Tansy||19800203|F
OBR|1|||2345-7^Glucose^LN|||20261120
OBX|1|NM|2345-7^Glucose^LN||194|mg/dL|70-99|H|||F
`

// patience is how long a test waits for a browser, which may be slow, and for what comes at once unless it never comes.
const patience = 5 * time.Minute

// sealPage seals a record for a patient as a page, and gives the page's file and the passphrase.
func sealPage(t *testing.T, dir string, env []string, args ...string) (page, words string) {
	t.Helper()
	os.WriteFile(filepath.Join(dir, "lab.hl7"), []byte(htmlRecord), 0o600)
	page = filepath.Join(dir, "page.html")
	args = append([]string{"seal", "lab.hl7", "--to-patient", "Tansy Example", "--html", "-o", "page.html", "--force", "--note", "see <b>me</b>"}, args...)
	status, _, stderr := chartpost(t, dir, env, args...)
	if status != 0 {
		t.Fatalf("%d %s", status, stderr)
	}
	m := regexp.MustCompile(`Passphrase:  (\S+)`).FindStringSubmatch(stderr)
	if m == nil {
		t.Fatal(stderr)
	}
	return page, m[1]
}

func withIdentity(t *testing.T) (dir string, env []string) {
	t.Helper()
	dir = t.TempDir()
	env = []string{"CHARTPOST_HOME=" + filepath.Join(dir, "home")}
	if status, _, stderr := chartpost(t, dir, env, "init", "--name", "Maple Street Clinic", "--city", "Springfield"); status != 0 {
		t.Fatal(stderr)
	}
	return dir, env
}

// open types words and presses the button.
func openPage(b *browsertest.Browser, words string) {
	b.Eval(`document.getElementById("typed").value = ` + jsString(words) + `; document.getElementById("open").click()`)
}

func jsString(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

const (
	pageSaid   = `document.getElementById("said").textContent`
	pageOpened = `!document.getElementById("out").hidden`
	pageIdle   = `!document.getElementById("open").disabled`
)

// TestPageInBrowser: the page opens its package in Chromium, from a file, as a person would, and shows and hands out what is in it.
func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	dir, env := withIdentity(t)
	page, words := sealPage(t, dir, env)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Tansy", "Maple", "Springfield", "Glucose", words} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%q stands in the page for everybody", secret)
		}
	}
	saved := filepath.Join(dir, "saved")
	os.Mkdir(saved, 0o700)
	b := browsertest.Start(t, saved)
	b.Open(page)
	b.Wait(`!document.getElementById("form").hidden && document.getElementById("dead").hidden && document.getElementById("picker").hidden`, patience)

	// What people get wrong.
	for _, tt := range []struct{ typed, said string }{
		{"", "Type the passphrase first"},
		{"one two", "There are 2 words; the passphrase has 7."},
		{"aback abandon abate zzzzz abbot abide ability", "Word 4 is not in the list"},
		{"aback abandon abate abbey abbot abide ability", "does not open it"},
	} {
		openPage(b, tt.typed)
		b.Wait(pageIdle+` && `+pageSaid+`.includes(`+jsString(tt.said)+`)`, patience)
		if b.Eval(pageOpened) == "true" {
			t.Fatal("it is open")
		}
	}

	// Capitals, blanks and four letters are enough.
	var typed []string
	for i, w := range strings.Split(words, "-") {
		if i%2 == 0 {
			w = strings.ToUpper(w)
		} else {
			w = w[:min(4, len(w))]
		}
		typed = append(typed, w)
	}
	openPage(b, strings.Join(typed, "  "))
	b.Wait(pageOpened, patience)
	facts := b.Eval(`document.getElementById("facts").textContent`)
	for _, want := range []string{"Maple Street Clinic, Springfield", "Tansy Example", "see <b>me</b>"} {
		if !strings.Contains(facts, want) {
			t.Errorf("%q is not in %q", want, facts)
		}
	}
	if got := b.Eval(`document.getElementById("typed").value`); got != "" {
		t.Error("the passphrase stays in the page")
	}
	b.Wait(`document.getElementById("record").srcdoc.includes("<h1>Tansy Example</h1>")`, patience)
	record := ""
	for end := time.Now().Add(patience); !strings.Contains(record, "194 mg/dL") && time.Now().Before(end); {
		record = b.Frame("about:srcdoc")
	}
	for _, want := range []string{"Tansy Example", "194 mg/dL", "High", "3 February 1980"} {
		if !strings.Contains(record, want) {
			t.Errorf("%q is not in the record that is shown: %s", want, record)
		}
	}
	// The record's style is let in, and nothing that the page does is against its policy.
	if len(b.Errors) > 0 {
		t.Errorf("the browser complains: %q", b.Errors)
	}
	if !strings.Contains(b.Eval(`document.getElementById("record").srcdoc`), `<a href="about:srcdoc#results">`) {
		t.Error("the ways to the sections lead out of the frame")
	}
	if path := os.Getenv("CHARTPOST_SCREENSHOT"); path != "" {
		b.Eval(`document.getElementById("record").scrollIntoView()`) // a frame out of sight is not painted
		time.Sleep(time.Second)
		b.Screenshot(path)
	}

	// The parts come out as they went in, and the sealed file opens with Chartpost.
	b.Eval(`[...document.querySelectorAll("#parts a")].find((a) => a.download === "lab.hl7").click()`)
	b.Eval(`document.getElementById("save").click()`)
	sealedName := b.Eval(`document.getElementById("save").dataset.name`)
	for name, want := range map[string]string{"lab.hl7": htmlRecord, sealedName: ""} {
		var got []byte
		for end := time.Now().Add(patience); len(got) == 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			got, _ = os.ReadFile(filepath.Join(saved, name))
		}
		if len(got) == 0 || want != "" && string(got) != want {
			t.Errorf("%s was saved with %d bytes", name, len(got))
		}
	}
	os.WriteFile(filepath.Join(dir, "words"), []byte(words), 0o600)
	if status, _, stderr := chartpost(t, dir, env, "open", filepath.Join(saved, sealedName), "-o", "out", "--passphrase-file", "words"); status != 0 {
		t.Errorf("%d %s", status, stderr)
	}
}

// TestPageAltered: whatever is changed in the page, it opens nothing and says so.
func TestPageAltered(t *testing.T) {
	t.Parallel()
	dir, env := withIdentity(t)
	page, words := sealPage(t, dir, env)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	b := browsertest.Start(t, "")
	before, rest, _ := strings.Cut(string(text), `id="package">`)
	inside, after, _ := strings.Cut(rest, "<")
	sealed, err := base64.StdEncoding.DecodeString(inside)
	if err != nil {
		t.Fatal(err)
	}
	try := func(name, html string) {
		t.Helper()
		path := filepath.Join(dir, name+".html")
		if err := os.WriteFile(path, []byte(html), 0o600); err != nil {
			t.Fatal(err)
		}
		b.Open(path)
	}
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-20] ^= 1
	for name, inside := range map[string]string{
		"flipped":    base64.StdEncoding.EncodeToString(flipped),
		"cut":        base64.StdEncoding.EncodeToString(sealed[:len(sealed)-100]),
		"not base64": "%%%",
	} {
		try(name, before+`id="package">`+inside+"<"+after)
		openPage(b, words)
		b.Wait(pageIdle+` && `+pageSaid+`.includes("This is not as it was made")`, patience)
		if b.Eval(pageOpened) == "true" {
			t.Errorf("%s: it is open", name)
		}
	}
	// A script that was changed does not run: the policy names the right one. What stands there then says so.
	head, script, _ := strings.Cut(string(text), "<script>(")
	if script == "" {
		head, script, _ = strings.Cut(string(text), "<script>/*!")
	}
	if script == "" {
		t.Fatal("no script in the page")
	}
	try("script", head+"<script>document.title='mine';/*!"+script)
	if b.Eval(`document.getElementById("form").hidden`) != "true" || b.Eval(`document.getElementById("dead").hidden`) != "false" || b.Eval("document.title") == "mine" {
		t.Error("a changed script runs")
	}
	if len(b.Errors) == 0 {
		t.Error("the browser does not say that it blocked the script")
	}
	// Nor does one that came in from elsewhere.
	try("more", strings.Replace(string(text), "<main>", `<main><script>document.title="mine"</script><img src="x" onerror="document.title='mine'">`, 1))
	if b.Eval("document.title") == "mine" {
		t.Error("another script runs")
	}
}

// TestPageWithoutCrypto: a browser that lacks what is needed says so, before anything is typed.
func TestPageWithoutCrypto(t *testing.T) {
	t.Parallel()
	dir, env := withIdentity(t)
	page, _ := sealPage(t, dir, env)
	b := browsertest.Start(t, "")
	b.Before(`Object.defineProperty(globalThis, "crypto", {value: {}})`)
	b.Open(page)
	if got := b.Eval(`document.getElementById("dead").textContent`); !strings.Contains(got, "This browser cannot open the record") || b.Eval(`document.getElementById("form").hidden`) != "true" {
		t.Error(got)
	}
}

// TestPageBesideLarge: what is too large for a page stands beside it and is picked.
func TestPageBesideLarge(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("seals 21 MiB")
	}
	dir, env := withIdentity(t)
	noise := make([]byte, 21<<20)
	for i, x := 0, uint32(1); i < len(noise); i++ { // nothing that can be compressed
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		noise[i] = byte(x)
	}
	os.WriteFile(filepath.Join(dir, "scan.pdf"), noise, 0o600)
	page, words := sealPage(t, dir, env, "scan.pdf", "--pad", "--expires", "1y")
	beside := filepath.Join(dir, "page.zip.age")
	if info, err := os.Stat(beside); err != nil || info.Size() < 20<<20 {
		t.Fatal(err)
	}
	if info, err := os.Stat(page); err != nil || info.Size() > 1<<20 {
		t.Fatal(err)
	}
	b := browsertest.Start(t, "")
	b.Open(page)
	openPage(b, words)
	b.Wait(pageIdle+` && `+pageSaid+`.includes("Choose the file")`, patience)
	b.SetFile("#file", filepath.Join(dir, "lab.hl7"))
	openPage(b, words)
	b.Wait(pageIdle+` && `+pageSaid+`.includes("not a sealed package")`, patience)
	b.SetFile("#file", beside)
	openPage(b, words)
	b.Wait(pageOpened, patience)
	if got := b.Eval(`document.getElementById("parts").textContent`); !strings.Contains(got, "scan.pdf (22,020,096 bytes)") {
		t.Error(got)
	}
}
