package cda

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestXSDDev(t *testing.T) {
	v := New()
	re := regexp.MustCompile(`^(.*): xsd_errors=(\d+) `)
	agree, n := 0, 0
	for _, f := range strings.Fields(os.Getenv("ORACLE")) {
		b, _ := os.ReadFile(f + ".err")
		msgs, _ := os.ReadFile(f + ".tsv")
		for line := range strings.Lines(string(b)) {
			m := re.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			src, _ := os.ReadFile(filepath.Join("/work/shared/corpus/ccda", m[1]))
			r := v.Document(src, m[1])
			bad := !r.Read
			first := ""
			for _, x := range r.Findings {
				if x.ID >= "CP-CDA-050" && x.ID <= "CP-CDA-061" || !r.Read {
					bad = true
					first += "\n     " + x.Error()
				}
			}
			n++
			if bad == (m[2] != "0") {
				agree++
			} else {
				fmt.Println(m[1], m[2], first)
				for l := range strings.Lines(string(msgs)) {
					if strings.HasPrefix(l, m[1]+"\tXSD") {
						fmt.Print("   REF ", l[len(m[1]):])
					}
				}
			}
		}
	}
	fmt.Println("xsd agree", agree, n)
}

func TestShowDev(t *testing.T) {
	b, err := os.ReadFile(os.Getenv("SHOW"))
	if err != nil {
		t.Skip()
	}
	r := New().Document(b, "x.xml")
	for _, f := range r.Findings {
		fmt.Println(f.Error())
	}
	fmt.Println(r.Unchecked)
}
