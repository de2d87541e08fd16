//go:build ignore

// gen writes codes.csv and ucum.csv: the codes of the code systems that R4 defines in full and that HL7 v2 can name, and the
// atoms of UCUM. It is run by hand when their sources change:
//
//	go run gen.go hl7.fhir.r4.core-4.0.1.tgz ucum-essence.xml tables.tsv
//
// Then make lists packs codes.csv for the program. tables.tsv are the code maps of v2-to-FHIR; its table 0399 has the three-letter codes of ISO 3166.
package main

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"io"
	"log"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/internal/fhirpackage"
)

type concept struct {
	Code     string
	Concept  []concept
	Property []struct {
		Code         string
		ValueBoolean bool
	}
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: go run gen.go hl7.fhir.r4.core-4.0.1.tgz ucum-essence.xml tables.tsv")
	}
	named := map[string]bool{}
	for _, row := range read("systems.csv")[1:] {
		named[row[1]] = true
	}
	writeCodes(os.Args[1], os.Args[3], named)
	writeUCUM(os.Args[2])
}

var lists = map[string]bool{"ValueSet-iso3166-1-2.json": true}

func writeCodes(pkg, tables string, named map[string]bool) {
	out := map[string][]string{}
	for f, err := range fhirpackage.Files(pkg) {
		check(err)
		if lists[strings.TrimPrefix(f.Name, "package/")] { // systems that R4 has as value sets
			var vs struct {
				Compose struct {
					Include []struct {
						System  string
						Concept []concept
					}
				}
			}
			check(json.NewDecoder(f).Decode(&vs))
			for _, x := range vs.Compose.Include {
				if out[x.System] == nil {
					out[x.System] = []string{""}
				}
				out[x.System] = append(out[x.System], codes(x.Concept)...)
			}
			continue
		}
		if !f.Defines("CodeSystem") {
			continue
		}
		var cs struct {
			URL, Content string
			Identifier   []struct{ Value string }
			Concept      []concept
		}
		check(json.NewDecoder(f).Decode(&cs))
		v2 := strings.HasPrefix(cs.URL, "http://terminology.hl7.org/CodeSystem/v2-") && !strings.Contains(cs.URL, "|")
		if cs.Content != "complete" || !v2 && !named[cs.URL] {
			continue
		}
		oid := ""
		if len(cs.Identifier) > 0 {
			oid = strings.TrimPrefix(cs.Identifier[0].Value, "urn:oid:")
		}
		out[cs.URL] = append([]string{oid}, codes(cs.Concept)...)
	}
	tsv, err := os.ReadFile(tables)
	check(err)
	for line := range strings.SplitSeq(string(tsv), "\n") {
		if f := strings.Split(line, "\t"); len(f) > 5 && f[0] == "table-hl70399-to-iso-3166-1" {
			out[f[4]] = append(out[f[4]], f[5])
		}
	}
	w := create("codes.csv", "uri", "oid", "codes")
	for _, uri := range slices.Sorted(maps.Keys(out)) {
		check(w.Write([]string{uri, out[uri][0], strings.Join(out[uri][1:], "|")}))
	}
	w.Flush()
	check(w.Error())
}

func codes(in []concept) (out []string) {
	for _, c := range in {
		out = append(append(out, c.Code), codes(c.Concept)...)
	}
	return out
}

func writeUCUM(essence string) {
	f, err := os.Open(essence)
	check(err)
	var root struct {
		Prefix []struct {
			Code string `xml:"Code,attr"`
		} `xml:"prefix"`
		Base []struct {
			Code string `xml:"Code,attr"`
		} `xml:"base-unit"`
		Unit []struct {
			Code   string `xml:"Code,attr"`
			Metric string `xml:"isMetric,attr"`
		} `xml:"unit"`
	}
	d := xml.NewDecoder(f)
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	check(d.Decode(&root))
	w := create("ucum.csv", "kind", "code")
	for _, p := range root.Prefix {
		check(w.Write([]string{"prefix", p.Code}))
	}
	for _, u := range root.Base {
		check(w.Write([]string{"metric", u.Code}))
	}
	for _, u := range root.Unit {
		kind := "unit"
		if u.Metric == "yes" {
			kind = "metric"
		}
		check(w.Write([]string{kind, u.Code}))
	}
	w.Flush()
	check(w.Error())
}

func read(name string) [][]string {
	f, err := os.Open(name)
	check(err)
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	check(err)
	return rows
}

func create(name string, head ...string) *csv.Writer {
	f, err := os.Create(name)
	check(err)
	_, err = f.WriteString("# Made by gen.go; DO NOT EDIT.\n")
	check(err)
	w := csv.NewWriter(f)
	check(w.Write(head))
	return w
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
