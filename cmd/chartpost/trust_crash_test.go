package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// killed runs a command again and again, killed at random points, and looks after each. It returns how many were killed in time.
func (p *person) killed(rounds int, usual *pace, args func(round int) []string, after func(round int, ended bool)) (n int) {
	for i := range rounds {
		ended := usual.kill(p, args(i)...)
		if !ended {
			n++
		}
		after(i, ended)
	}
	return n
}

// tidy fails if anything unfinished lies in the folder of the identity.
func (p *person) tidy() {
	p.t.Helper()
	entries, err := os.ReadDir(p.home)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".partial") || strings.HasSuffix(e.Name(), ".ready") {
			p.t.Errorf("%s was not taken away", e.Name())
		}
	}
}

// TestKilledKeys kills init, key rotate, contact add and card renew. Afterwards the identity is the one of before or the one of after,
// whole, and the next run takes the rest away.
func TestKilledKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	dir := t.TempDir()
	newPerson := func(name string) *person { return &person{t, filepath.Join(dir, name), dir} }
	timed := func(p *person, args ...string) *pace {
		begin := time.Now()
		p.run(args...)
		usual := pace(time.Since(begin) + time.Millisecond)
		return &usual
	}
	total := 0

	// init: there is no identity, or a whole one.
	usual := timed(newPerson("measure"), "init", "--name", "measure", "--no-passphrase")
	for i := range 10 {
		p := newPerson("init" + string(rune('a'+i)))
		total += p.killed(1, usual, func(int) []string { return []string{"init", "--name", "maple", "--no-passphrase"} }, func(_ int, ended bool) {
			// Either way a run of init says how it stands, and clears away what is not whole.
			err := p.command("init", "--name", "maple", "--no-passphrase").Run()
			if ended && err == nil {
				t.Errorf("%d: an identity was made twice", i)
			}
			p.run("log", "verify")
			p.run("contact", "list")
			p.tidy()
			for _, name := range []string{"identity.txt", "identity-compat.txt", "card.contact", "revocation.contact", "contacts.json", "journal.jsonl", "journal.head"} {
				if _, err := os.Stat(filepath.Join(p.home, name)); err != nil {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
	}

	// key rotate and card renew: one step or none.
	maple, lake := newPerson("maple"), newPerson("lake")
	for _, p := range []*person{maple, lake} {
		p.run("init", "--name", filepath.Base(p.home), "--no-passphrase")
	}
	lake.run("card", "-o", "lake.contact")
	maple.run("contact", "add", "lake.contact")
	number := func() string {
		card, _ := maple.run("card")
		for line := range strings.Lines(card) {
			if n, ok := strings.CutPrefix(line, "sequence: "); ok {
				return strings.TrimSpace(n)
			}
		}
		t.Fatal("the card has no number")
		return ""
	}
	for _, command := range [][]string{{"key", "rotate"}, {"card", "renew"}} {
		usual := timed(maple, command...)
		before := number()
		total += maple.killed(10, usual, func(int) []string { return command }, func(i int, ended bool) {
			after := number() // this run brings the change to its end, or takes it away
			if ended && after == before {
				t.Errorf("%q %d: it ended, and nothing has changed", command, i)
			}
			before = after
			if out, _ := maple.run("contact", "list"); !strings.Contains(out, "lake") {
				t.Errorf("%q %d: the contact is gone", command, i)
			}
			maple.run("log", "verify")
			maple.tidy()
		})
	}
	// All rotations are in the log, and as many former keys in the identity.
	log, _ := maple.run("log")
	text, err := os.ReadFile(filepath.Join(maple.home, "identity.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if in, keys := strings.Count(log, "keys-rotated"), strings.Count(string(text), "# chartpost-key: "); keys != in+1 {
		t.Errorf("%d rotations in the log, %d sets of keys", in, keys)
	}

	// contact add: the book is whole; the log may be one entry ahead, which log verify says and the next change mends.
	var others []string
	for i := range 8 {
		p := newPerson("other" + string(rune('a'+i)))
		p.run("init", "--name", "Other "+string(rune('A'+i)), "--no-passphrase")
		file := "other" + string(rune('a'+i)) + ".contact"
		p.run("card", "-o", file)
		others = append(others, file)
	}
	usual = timed(maple, "contact", "add", others[0])
	total += maple.killed(7, usual, func(i int) []string { return []string{"contact", "add", others[i+1]} }, func(i int, ended bool) {
		out, _ := maple.run("contact", "list")
		if there := strings.Contains(out, "Other "+string(rune('B'+i))); ended && !there {
			t.Errorf("contact add %d ended, and the contact is not there", i)
		}
		maple.run("contact", "add", others[i+1])
		maple.run("contact", "remove", "lake")
		maple.run("contact", "add", "lake.contact")
		maple.run("log", "verify")
		maple.tidy()
	})
	if out, _ := maple.run("contact", "list"); strings.Count(out, "Other ") != 8 {
		t.Errorf("contacts are missing:\n%s", out)
	}
	t.Logf("%d runs were killed before their end", total)
	if total < 5 {
		t.Error("too few runs were killed in time")
	}
}
