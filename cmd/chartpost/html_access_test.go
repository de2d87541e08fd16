package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/browsertest"
	"github.com/chartpost/chartpost/internal/testshared"
)

// The rules of the Web Content Accessibility Guidelines 2.1, levels A and AA, that a program can check, with those of 2.2.
const axeRun = `axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]}, iframes: false})
	.then((r) => JSON.stringify({passes: r.passes.length, violations: brief(r.violations), unsure: brief(r.incomplete)}))`

const axeBrief = `const brief = (list) => list.map((x) => x.id + ": " + x.help + " (" + x.nodes.map((n) => n.target.join(" ")).join(", ") + ")");`

// axe is axe-core (Deque, MPL-2.0), which tests use and nothing else; it is not part of what is built.
func axe(t *testing.T) string {
	t.Helper()
	tool := filepath.Join(testshared.Root(), "internal", "gen", "agejs")
	text, err := os.ReadFile(filepath.Join(tool, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Skip("axe-core is not installed: npm ci in " + tool)
	}
	return string(text) + ";" + axeBrief
}

// audit gives what axe finds wrong with the page as it is now, and what it cannot decide.
func audit(t *testing.T, b *browsertest.Browser, axe string) (violations, unsure []string) {
	t.Helper()
	if b.Eval("typeof globalThis.axe") == "undefined" {
		b.Eval(axe + "0")
	}
	var r struct {
		Passes             int
		Violations, Unsure []string
	}
	if err := json.Unmarshal([]byte(b.Eval(axeRun)), &r); err != nil {
		t.Fatal(err)
	}
	if r.Passes < 10 {
		t.Errorf("only %d rules had anything to look at", r.Passes)
	}
	return r.Violations, r.Unsure
}

// states brings the page that seal --html makes into each state that a person can meet, and calls look in each, with its name.
func pageStates(t *testing.T, b *browsertest.Browser, dir, page, words string, look func(state string)) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	variant := func(name, text string) string {
		path := filepath.Join(dir, name+".html")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	b.Open(page)
	look("form")
	openPage(b, "aback abandon abate zzzzz abbot abide ability")
	b.Wait(pageIdle+` && document.getElementById("said").className === "trouble"`, patience)
	look("error")
	openPage(b, words)
	b.Wait(pageOpened+` && document.getElementById("record").srcdoc !== ""`, patience)
	look("record")
	b.Eval(`document.querySelector("details").open = true`)
	look("details")

	// A page whose package stands beside it; one whose program was changed, so that the browser does not run it; one in an old browser.
	before, rest, _ := strings.Cut(string(text), `id="package">`)
	_, after, _ := strings.Cut(rest, "<")
	b.Open(variant("picker", before+`id="package"><`+after))
	if b.Eval(`document.getElementById("picker").hidden`) != "false" {
		t.Fatal("no file is asked for")
	}
	look("picker")
	b.Open(variant("changed", strings.Replace(string(text), "<script>/*!", "<script>/*?", 1)))
	if b.Eval(`document.getElementById("dead").hidden`) != "false" {
		t.Fatal("a changed program runs")
	}
	look("changed")
	b.Before(`Object.defineProperty(globalThis, "crypto", {value: {}})`)
	b.Open(page)
	if !strings.Contains(b.Eval(`document.getElementById("dead").textContent`), "cannot open the record") {
		t.Fatal("the browser is not too old")
	}
	look("unsupported")
}

// TestPageAccess: axe finds nothing wrong with the page in any state, nor with the record in it; and would if there was something.
func TestPageAccess(t *testing.T) {
	t.Parallel()
	source := axe(t)
	dir, env := withIdentity(t)
	page, words := sealPage(t, dir, env, "--expires", "1y")
	b := browsertest.Start(t, "")
	states := 0
	pageStates(t, b, dir, page, words, func(state string) {
		states++
		violations, unsure := audit(t, b, source)
		for _, v := range violations {
			t.Errorf("%s: %s", state, v)
		}
		for _, v := range unsure {
			if state != "record" && state != "details" || !strings.HasPrefix(v, "frame-tested: ") { // the frame's page is looked at below
				t.Errorf("%s: it cannot be told: %s", state, v)
			}
		}
	})
	if states != 7 {
		t.Errorf("%d states", states)
	}
	if status, _, stderr := chartpost(t, dir, env, "view", "lab.hl7", "-o", "record.html"); status != 0 {
		t.Fatal(stderr)
	}
	b.Open(filepath.Join(dir, "record.html"))
	violations, unsure := audit(t, b, source)
	if len(violations)+len(unsure) > 0 {
		t.Errorf("record: %q %q", violations, unsure)
	}
	b.Eval(`document.body.insertAdjacentHTML("beforeend", '<img src="data:,"><p>pale</p><input>'); document.body.lastChild.previousSibling.style.color = "#aaa"`)
	violations, _ = audit(t, b, source)
	for _, want := range []string{"image-alt", "color-contrast", "label"} {
		if !strings.Contains(strings.Join(violations, "\n"), want+": ") {
			t.Errorf("a fault of %s is not found in %q", want, violations)
		}
	}
}

// TestPageKeyboard: the page is used by the keyboard alone: each control is reached in the order in which it stands, is seen to have the focus, and
// what comes of it is told and gets the focus.
func TestPageKeyboard(t *testing.T) {
	t.Parallel()
	dir, env := withIdentity(t)
	page, words := sealPage(t, dir, env)
	b := browsertest.Start(t, "")
	b.Open(page)
	focus := func() string {
		return b.Eval(`(() => { const e = document.activeElement; return e.id || e.download || e.tagName })()`)
	}
	seen := func() bool {
		return b.Eval(`(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 })()`) == "true"
	}
	next := func(key, want string) {
		t.Helper()
		b.Key(key)
		if got := focus(); got != want {
			t.Fatalf("after %s the focus is at %q, not at %q", key, got, want)
		}
		if want != "BODY" && want != "record" && !seen() {
			t.Errorf("nobody sees that %q has the focus", want)
		}
	}
	next("Tab", "typed")
	b.Type("one two")
	b.Key("Enter")
	b.Wait(pageSaid+`.includes("There are 2 words")`, patience)
	if got := focus(); got != "typed" {
		t.Errorf("after a fault the focus is at %q", got)
	}
	b.Eval(`document.getElementById("typed").select()`)
	b.Type(words)
	next("Tab", "open")
	next("Shift+Tab", "typed")
	next("Tab", "open")
	b.Key(" ")
	b.Wait(pageOpened, patience)
	if got := focus(); got != "opened" {
		t.Errorf("when it is open the focus is at %q", got)
	}
	// Through the frame and out of it to the files, the checks and the way out; nothing holds the focus.
	var order []string
	for range 60 {
		b.Key("Tab")
		at := focus()
		if n := len(order); n == 0 || order[n-1] != at {
			order = append(order, at)
		}
		if at == "save" {
			break
		}
	}
	if got := strings.Join(order, " "); got != "record lab.hl7 record.html SUMMARY save" {
		t.Errorf("the keyboard goes %s", got)
	}
	b.Key("Shift+Tab")
	b.Key("Enter")
	if b.Eval(`document.querySelector("details").open`) != "true" {
		t.Error("the checks cannot be unfolded")
	}
}

// TestPageReflow: in each state, at 400 % zoom and on a narrow telephone, nothing has to be scrolled sideways, nor when the text is set wider
// (WCAG 2.1, 1.4.10 and 1.4.12); and nothing that is written is cut off.
func TestPageReflow(t *testing.T) {
	t.Parallel()
	dir, env := withIdentity(t)
	page, words := sealPage(t, dir, env, "--note", strings.Repeat("overlong", 30))
	b := browsertest.Start(t, "")
	wider := `for (const e of document.querySelectorAll("*")) { e.style.lineHeight = "1.5"; e.style.letterSpacing = "0.12em"; e.style.wordSpacing = "0.16em" }
		for (const e of document.querySelectorAll("p")) e.style.marginBottom = "2em"`
	// A field to type in shows a part of what was typed, and moves it by itself.
	const over = `[...document.querySelectorAll("body *")].filter((e) => e.id !== "typed" && e.getClientRects().length && (e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 ||
		e.clientWidth && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible")).map((e) => e.id || e.tagName).join(" ")`
	pageStates(t, b, dir, page, words, func(state string) {
		b.Width(320)
		for _, spaced := range []bool{false, true} {
			if spaced {
				b.Eval(wider)
			}
			if got := b.Eval(`document.documentElement.scrollWidth - document.documentElement.clientWidth`); got != "0" {
				t.Errorf("%s, wider text %v: %s pixels too wide", state, spaced, got)
			}
			if got := b.Eval(over); got != "" {
				t.Errorf("%s, wider text %v: sticks out or is cut: %s", state, spaced, got)
			}
		}
		b.Width(0)
	})
}
