package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/browsertest"
)

// TestPageInFirefox: the page does in Firefox what it does in Chromium: it opens its package, says what went wrong, shows the record in its frame
// and hands out the parts; and a changed program does not run.
func TestPageInFirefox(t *testing.T) {
	t.Parallel()
	dir, env := withIdentity(t)
	page, words := sealPage(t, dir, env)
	saved := filepath.Join(dir, "saved")
	if err := os.Mkdir(saved, 0o700); err != nil {
		t.Fatal(err)
	}
	f := browsertest.StartFirefox(t, saved)
	f.Open(page)
	f.Wait(`!document.getElementById("form").hidden && document.getElementById("dead").hidden`, patience)
	for _, tt := range []struct{ typed, said string }{
		{"one two", "There are 2 words; the passphrase has 7."},
		{"aback abandon abate abbey abbot abide ability", "does not open it"},
	} {
		f.Type("#typed", tt.typed)
		f.Click("#open")
		f.Wait(pageIdle+` && `+pageSaid+`.includes(`+jsString(tt.said)+`)`, patience)
	}
	f.Type("#typed", strings.ToUpper(strings.ReplaceAll(words, "-", " "))+"\ue007") // and the key Enter
	f.Wait(pageOpened, patience)
	if got := f.Eval(`document.activeElement.id`); got != "opened" {
		t.Errorf("the focus is at %q", got)
	}
	if facts := f.Eval(`document.getElementById("facts").textContent`); !strings.Contains(facts, "Maple Street Clinic, Springfield") || !strings.Contains(facts, "see <b>me</b>") {
		t.Error(facts)
	}
	record := ""
	for end := time.Now().Add(patience); !strings.Contains(record, "194 mg/dL") && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		record = f.Frame("#record")
	}
	for _, want := range []string{"Tansy Example", "194 mg/dL", "3 February 1980"} {
		if !strings.Contains(record, want) {
			t.Errorf("%q is not in the record that is shown: %s", want, record)
		}
	}
	f.Click("#parts li a[download='lab.hl7']")
	f.Click("#save")
	sealedName := f.Eval(`document.getElementById("save").dataset.name`)
	for name, want := range map[string]string{"lab.hl7": htmlRecord, sealedName: ""} {
		var got []byte
		for end := time.Now().Add(patience); len(got) == 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(saved, name+".part")); err != nil { // else it is still being written
				got, _ = os.ReadFile(filepath.Join(saved, name))
			}
		}
		if len(got) == 0 || want != "" && string(got) != want {
			t.Errorf("%s was saved with %d bytes", name, len(got))
		}
	}

	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(dir, "changed.html")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), "<script>/*!", "<script>document.title='mine';/*!", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	f.Open(changed)
	if f.Eval(`document.getElementById("form").hidden`) != "true" || f.Eval(`document.getElementById("dead").hidden`) != "false" || f.Eval("document.title") == "mine" {
		t.Error("a changed program runs")
	}
}
