// Command ccdarules turns the facts of schematrons of C-CDA into pkg/validate/cda/rules.txt: which template demands what, with the
// CONF number of each statement. The words of the guides are not taken over; where the words that pkg/validate/cda makes of a test
// would not do, words.txt beside this file has ours.
//
//	go run ./internal/gen/ccdarules ../shared/referee/ccda/sch > pkg/validate/cda/rules.txt
//	make lists
//
// Left out are statements that no test can tell (the schematrons write them as not(tested)), and statements of permission.
package main

import (
	"bufio"
	_ "embed"
	"encoding/xml"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed words.txt
var wordsText string

//go:embed names.txt
var namesText string

type schema struct {
	Patterns []pattern `xml:"pattern"`
}

type pattern struct {
	ID    string `xml:"id,attr"`
	Rules []rule `xml:"rule"`
}

type rule struct {
	ID       string `xml:"id,attr"`
	Abstract string `xml:"abstract,attr"`
	Context  string `xml:"context,attr"`
	Parts    []part `xml:",any"`
}

// part is an assert or an extends, in their order.
type part struct {
	XMLName xml.Name
	ID      string `xml:"id,attr"`
	Rule    string `xml:"rule,attr"`
	Test    string `xml:"test,attr"`
	Text    string `xml:",chardata"`
}

type sets struct {
	Systems []struct {
		OID   string `xml:"valueSetOid,attr"`
		Name  string `xml:"valueSetName,attr"`
		Codes []struct {
			Value string `xml:"value,attr"`
		} `xml:"code"`
	} `xml:"system"`
}

// The schematrons, each with the name of what it is of. Statements of the later one that are those of the earlier one word for word
// are found once.
var sources = [...][2]string{
	{"CCDA_R2.1_HL7.sch", "C-CDA R2.1"},
	{"CCDA_CG_R4.1.sch", "C-CDA R2.1 Companion Guide R4.1"},
}

// missing are value sets that the schematrons use and voc.xml has not. ONC Administrative Sex: US Core 3.1.1 lists its two codes of
// AdministrativeGender in its value set birthsex, beside UNK; US Core 6.1.0 composes the same value set of this one and UNK.
var missing = map[string]string{
	"2.16.840.1.113762.1.4.1": "2.16.840.1.113762.1.4.1 ONC Administrative Sex: F M",
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: ccdarules FOLDER > rules.txt")
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintln(out, "# What C-CDA demands, from the schematrons of C-CDA R2.1 and its Companion Guide R4.1 by internal/gen/ccdarules. rules.go says how to read it.")
	words := map[string]string{}
	for line := range strings.Lines(wordsText) {
		if id, w, ok := strings.Cut(strings.TrimSpace(line), " "); ok && id != "#" {
			words[id] = w
		}
	}
	var body strings.Builder
	names, used := map[string]string{}, map[string]bool{}
	dropped, kept := 0, 0
	usedWords := map[string]bool{}
	for _, src := range sources {
		var s schema
		read(filepath.Join(os.Args[1], src[0]), &s)
		abstract := map[string]rule{}
		for _, p := range s.Patterns {
			for _, r := range p.Rules {
				if r.Abstract == "true" {
					abstract[r.ID] = r
				}
				for _, a := range r.Parts {
					learn(names, a.Text)
				}
			}
		}
		fmt.Fprintf(&body, "\nsource %s\n", src[1])
		for _, p := range s.Patterns {
			level := "shall"
			if strings.Contains(p.ID, "warning") {
				level = "should"
			}
			head := fmt.Sprintf("\npattern %s\n", level)
			for _, r := range p.Rules {
				if r.Abstract == "true" {
					continue
				}
				var lines []string
				seen := map[string]bool{}
				var add func(parts []part)
				add = func(parts []part) {
					for _, a := range parts {
						if a.XMLName.Local == "extends" {
							add(abstract[a.Rule].Parts)
							continue
						}
						if a.XMLName.Local != "assert" {
							continue
						}
						if untestable.MatchString(a.Test) || level == "should" && permission(a.Text) {
							dropped++
							continue
						}
						id := strings.TrimPrefix(a.ID, "a-")
						if id == "" {
							id = p.ID
						}
						line := id + " " + compact(a.Test, used)
						if w := words[id]; w != "" {
							line += " -- " + w
							usedWords[id] = true
						}
						if !seen[line] {
							lines = append(lines, line)
							seen[line] = true
							kept++
						}
					}
				}
				add(r.Parts)
				// A rule without statements still counts: of a pattern the first rule that fits an element is the one that holds.
				if len(lines) == 0 && len(p.Rules) <= 2 {
					continue
				}
				body.WriteString(head)
				head = ""
				fmt.Fprintf(&body, "rule %s\n", compact(r.Context, used))
				for _, l := range lines {
					body.WriteString(l + "\n")
				}
			}
		}
	}
	for id := range words {
		if !usedWords[id] {
			log.Printf("words.txt: no statement is called %s", id)
		}
	}
	for line := range strings.Lines(namesText) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && id != "#" {
			if strings.HasPrefix(id, ".") {
				id = prefix + id
			}
			names[id] = name
		}
	}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		fmt.Fprintf(out, "name %s %s\n", short(id), names[id])
	}
	out.WriteByte('\n')
	var v sets
	read(filepath.Join(os.Args[1], "voc.xml"), &v)
	for _, s := range v.Systems {
		if !used[s.OID] {
			continue
		}
		delete(used, s.OID)
		fmt.Fprintf(out, "set %s %s:", s.OID, strings.TrimSpace(s.Name))
		for _, c := range s.Codes {
			fmt.Fprintf(out, " %s", c.Value)
		}
		out.WriteByte('\n')
	}
	for oid := range used {
		if missing[oid] == "" {
			log.Fatalf("the value set %s is not here", oid)
		}
		fmt.Fprintf(out, "set %s\n", missing[oid])
	}
	out.WriteString(body.String())
	log.Printf("%d statements, %d that no test can tell", kept, dropped)
}

// untestable is how the schematrons write that a statement has no test.
var untestable = regexp.MustCompile(`^\s*(\.|not\(\s*test[\w-]*\s*\))\s*$`)

// permission reports a statement that only allows.
func permission(text string) bool {
	return strings.Contains(text, "MAY") && !strings.Contains(text, "SHOULD") && !strings.Contains(text, "SHALL")
}

var identified = regexp.MustCompile(`\] ([^\[\]]+?)\s*\(identifier: urn:(?:oid|hl7ii):([0-9.]+)(?::[0-9-]+)?\)`)

// learn takes the names of templates out of a statement.
func learn(names map[string]string, text string) {
	for _, m := range identified.FindAllStringSubmatch(strings.Join(strings.Fields(text), " "), -1) {
		if name := strings.TrimSpace(version.ReplaceAllString(m[1], "")); len(name) < 80 {
			names[m[2]] = name
		}
	}
}

var version = regexp.MustCompile(` ?\(V\d+\)`)

var (
	templateTest = regexp.MustCompile(`\[\s*cda:templateId\[@root='([0-9.]+)'(?:(?: and |\]\[)@extension='([^']+)')?\]\s*\]`)
	valueSet     = regexp.MustCompile(`\s*=\s*document\('voc\.xml'\)/voc:systems/voc:system\[@valueSetOid='([0-9.]+)'\]/voc:code/@value`)
	bare         = regexp.MustCompile(`(//|\()(ClinicalDocument)\b`)
	spaces       = regexp.MustCompile(`\s+`)
)

// compact writes a test as rules.txt does: cda: is left out, {R:E} stands for a template id, in OID for the codes of a value set.
func compact(test string, used map[string]bool) string {
	test = strings.TrimSpace(spaces.ReplaceAllString(test, " "))
	test = bare.ReplaceAllString(test, "${1}none:$2") // without a prefix it is in no namespace, and never there
	test = templateTest.ReplaceAllStringFunc(test, func(s string) string {
		m := templateTest.FindStringSubmatch(s)
		id := short(m[1])
		if m[2] != "" {
			id += ":" + m[2]
		}
		return "{" + id + "}"
	})
	test = valueSet.ReplaceAllStringFunc(test, func(s string) string {
		oid := valueSet.FindStringSubmatch(s)[1]
		used[oid] = true
		return " in " + oid
	})
	test = strings.ReplaceAll(test, "[xsi:type=", "[@xsi:type=") // a slip of CONF:1098-28042: there is no element of that name
	return strings.ReplaceAll(test, "cda:", "")
}

const prefix = "2.16.840.1.113883.10.20"

// short leaves out what the roots of most templates begin with.
func short(oid string) string {
	if rest, ok := strings.CutPrefix(oid, prefix); ok && strings.HasPrefix(rest, ".") {
		return rest
	}
	return oid
}

func read(name string, into any) {
	f, err := os.Open(name)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if err := xml.NewDecoder(f).Decode(into); err != nil {
		log.Fatalf("%s: %v", name, err)
	}
}
