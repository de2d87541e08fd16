package cda

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/tree"
)

var one = regexp.MustCompile(`\[1\]`)

func TestOracleDev(t *testing.T) {
	want := map[string]map[string]bool{}
	files := map[string]bool{}
	for _, f := range strings.Fields(os.Getenv("ORACLE")) {
		b, _ := os.ReadFile(f + ".err")
		for line := range strings.Lines(string(b)) {
			if name, _, ok := strings.Cut(line, ": xsd_errors="); ok {
				files[name] = true
			}
		}
		b, _ = os.ReadFile(f + ".tsv")
		for line := range strings.Lines(string(b)) {
			c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(c) < 5 || c[1] == "XSD" {
				continue
			}
			if want[c[0]] == nil {
				want[c[0]] = map[string]bool{}
			}
			want[c[0]][c[1]+" "+strings.TrimPrefix(c[2], "a-")+" "+one.ReplaceAllString(c[3], "")] = true
		}
	}
	tab := loadTable()
	var p ccda.Parser
	agree, docs := 0, 0
	miss, extra := map[string]int{}, map[string]int{}
	ex := map[string]string{}
	for name := range files {
		b, err := os.ReadFile(filepath.Join("/work/shared/corpus/ccda", name))
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Parse(b)
		if err != nil {
			t.Log(name, err)
			continue
		}
		docs++
		got := map[string]bool{}
		m := &machine{d: d.Doc, named: map[string][]tree.Node{}, steps: 1 << 40}
		tab.run(m, func(x broken) {
			k := "ERROR "
			if x.r.should {
				k = "WARN "
			}
			got[k+x.s.id+" "+strings.ReplaceAll(d.PlaceOf(x.n), "sdtc:", "")] = true
		})
		same := true
		for k := range want[name] {
			if !got[k] {
				id := strings.Join(strings.Fields(k)[:2], " ")
				miss[id]++
				ex["-"+id] = name + " " + k
				same = same && !strings.HasPrefix(k, "ERROR")
			}
		}
		for k := range got {
			if !want[name][k] {
				id := strings.Join(strings.Fields(k)[:2], " ")
				extra[id]++
				ex["+"+id] = name + " " + k
				same = same && !strings.HasPrefix(k, "ERROR")
			}
		}
		if same {
			agree++
		}
	}
	fmt.Println("agree", agree, "of", docs)
	for sign, x := range map[string]map[string]int{"-": miss, "+": extra} {
		var ids []string
		for id := range x {
			ids = append(ids, id)
		}
		sort.Strings(ids)
		for _, id := range ids {
			fmt.Println(sign, x[id], id, "  ", ex[sign+id])
		}
	}
}
