package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

// TestDocsMappings: the mappings with a head that the pages show compile over the built-in tables, and do what they say.
func TestDocsMappings(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(testshared.Root(), "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	checked, overlay := 0, ""
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range strings.Split("\n"+string(text), "\n```map")[1:] {
			info, block, _ := strings.Cut(block, "\n")
			if block, _, _ = strings.Cut(block, "\n```"); !strings.HasPrefix(block, "---\n") {
				continue
			}
			name := fmt.Sprintf("%s-%d.map", strings.TrimSuffix(filepath.Base(page), ".md"), i+1)
			if err := os.WriteFile(filepath.Join(dir, name), []byte(block+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if status, stdout, stderr := chartpost(t, dir, nil, "map", "check", name); status != 0 {
				t.Errorf("%s, mapping %d: %s%s", page, i+1, stdout, stderr)
			}
			if checked++; strings.TrimSpace(info) == "overlay" {
				overlay = name
			}
		}
	}
	if checked < 3 || overlay == "" {
		t.Fatalf("only %d mappings", checked)
	}
	message := "MSH|^~\\&|LAB|MAPLE|||20260102030405-0500||ADT^A08^ADT_A01|9|P|2.5.1\nEVN|A08|20260102\n" +
		"PID|1||7^^^MAPLE^MR||Reed^Ann||19700203|2||||||^PRN^PH^^^503^5550100" + strings.Repeat("|", 21) + "dog\nPV1|1|N\n"
	if err := os.WriteFile(filepath.Join(dir, "m.hl7"), []byte(message), 0o600); err != nil {
		t.Fatal(err)
	}
	status, bundle, stderr := chartpost(t, dir, nil, "convert", "m.hl7", "--map", overlay, "--to", "fhir")
	if want := `{"url":"https://maple.example/fhir/species","valueString":"dog"}`; status != 0 || !strings.Contains(bundle, `"gender":"female"`) || !strings.Contains(bundle, want) || strings.Contains(bundle, "5550100") {
		t.Errorf("%s: %d\n%s%s", overlay, status, bundle, stderr)
	}
	if err := os.WriteFile(filepath.Join(dir, "m.json"), []byte(bundle), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, back, _ := chartpost(t, dir, nil, "convert", "m.json", "--map", overlay, "--to", "hl7v2"); !strings.Contains(back, "|19700203|2|") || !strings.Contains(back, "|dog\r") {
		t.Errorf("%s: back as %q", overlay, back)
	}
}
