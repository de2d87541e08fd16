package main

import (
	"log"
	"os"
	"regexp"
	"strconv"
	"strings"
)

type guideFacts struct {
	segments, datatypes map[string][]field
	messages            map[string]*part
}

var (
	fieldName = regexp.MustCompile(`^([A-Z][A-Z0-9]{1,2})[-.](\d+)$`)
	segName   = regexp.MustCompile(`^[A-Z][A-Z0-9]{2}$`)
)

// readGuide takes from the guide's maps.tsv the fields of the segments and datatypes it maps, and its message structures.
func readGuide(file string) *guideFacts {
	b, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	g := &guideFacts{map[string][]field{}, map[string][]field{}, map[string]*part{}}
	type level struct {
		part *part
		id   string
	}
	var open []level
	seen := ""
	for _, line := range strings.Split(string(b), "\n") {
		c := strings.Split(line, "\t")
		if len(c) < 8 {
			continue
		}
		switch c[0] {
		case "segment", "datatype":
			m := fieldName.FindStringSubmatch(strings.TrimSpace(c[3]))
			if m == nil || !strings.HasPrefix(c[1], m[1]+"[") {
				continue
			}
			n, _ := strconv.Atoi(m[2])
			to := g.segments
			if c[0] == "datatype" {
				to = g.datatypes
			}
			for len(to[m[1]]) < n {
				to[m[1]] = append(to[m[1]], field{})
			}
			f := &to[m[1]][n-1]
			if f.Opt != 0 {
				continue // each map of the segment repeats its fields
			}
			datatype := strings.TrimSpace(c[5])
			switch strings.ToLower(datatype) {
			case "varies":
				datatype = "VARIES"
			case "string":
				datatype = "ST"
			}
			*f = field{Datatype: datatype, Desc: c[4], Opt: 1, Rep: 1}
			if c[6] == "1" {
				f.Opt = 2
			}
			switch c[7] {
			case "-1":
				f.Rep = 0
			case "2", "3", "4", "5":
				f.Rep, _ = strconv.Atoi(c[7])
			}
		case "message":
			id := c[1]
			if g.messages[id] == nil {
				g.messages[id] = &part{Name: id}
				open = []level{{g.messages[id], ""}}
			}
			sort, name, text := c[2], c[4], c[5]
			if key := id + " " + sort + " " + c[3] + name; key == seen {
				continue // one row per target
			} else {
				seen = key
			}
			top := open[len(open)-1].part
			word := strings.Trim(name, "[]{} ")
			switch {
			case strings.HasPrefix(c[3], "/") && strings.Contains(name, ">"), strings.HasSuffix(text, " end"):
				if len(open) > 1 {
					open = open[:len(open)-1]
				}
			case strings.Contains(text, " begin") || strings.Contains(name, "<"):
				p := &part{Min: 1, Max: 1, Choice: strings.Contains(name, "<")}
				if !p.Choice {
					p.Name = strings.Fields(strings.Replace(text, "---", "", 1))[0]
				}
				if strings.Contains(name, "[") {
					p.Min = 0
				}
				if strings.Contains(name, "{") {
					p.Max = 0
				}
				top.Parts = append(top.Parts, p)
				open = append(open, level{p, sort})
			case segName.MatchString(word):
				if n := len(top.Parts); n > 0 && top.Parts[n-1].Name == word {
					continue // a second note on the segment before
				}
				p := &part{Name: word, Min: 1, Max: 1}
				if strings.Contains(name, "[") {
					p.Min = 0
				}
				if strings.Contains(name, "{") {
					p.Max = 0
				}
				top.Parts = append(top.Parts, p)
			}
		}
	}
	return g
}
