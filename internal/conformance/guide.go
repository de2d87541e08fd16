package conformance

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// GuideRow is one line of maps.tsv, the tables of the HL7 v2-to-FHIR guide (HL7/v2-to-fhir, STU1 1.0.0, the folder mappings/).
//
// The file has no header line: the two header lines of the guide's own sheets were left out when it was made. Its columns are
//
//	 1 kind       segment, datatype or message          12 FHIRPath        the guide's "FHIR Attribute"
//	 2 map        PID[Patient], CWE[Coding], ORU_R01    13 extension       "Extension": a proposal, never published
//	 3 sequence   of the sheet                          14 FHIR datatype
//	 4 place      PID-5, CWE.1                          15, 16 FHIR min, max (-1: unbounded)
//	 5 name       the element's name                    17 datatype map    XPN[HumanName]
//	 6 v2 type    XPN                                   18 vocabulary map  AdministrativeSex
//	 7, 8 min, max of the v2 element (-1: unbounded)    19 assignment      a constant in quotes, or /words/
//	 9 condition  in the guide's ANTLR grammar          20 always empty
//	10 condition  in FHIRPath                           21 comment
//	11 condition  in words
//
// and for a message, where rows are segments and group borders:
//
//	 4 path       ORU_R01.PATIENT_RESULT...OBX, with a / before it where the group ends
//	 5 segment    with the brackets of the message structure: [{OBX}]
//	12 target     Observation[2]                        14 references      Observation[2].subject.reference=Patient[1].id
//	13 segment map OBX[Observation]                     16 comment
//
// A cell that held a quote or a comma still has the quotes of the CSV file. The indexes in FHIR places ([1], [2]) mean "another
// element of the list", not a position.
type GuideRow struct {
	Kind      string // segment, datatype or message
	Map       string // PID[Patient], CWE[CodeableConcept], ORU_R01
	Source    string // PID, CWE, ORU_R01: the map's name without its target
	Target    string // Patient, CodeableConcept; empty for a message
	Seq       string
	Place     string // PID-5, CWE.1, or the path of a segment in a message
	Name      string
	Datatype  string // the v2 datatype; for a message the segment with its brackets
	Min, Max  string
	Condition string // ANTLR
	FHIRPathC string // the same condition in FHIRPath, where the guide has it
	Narrative string // a condition in words
	FHIRPath  string // the place in FHIR; for a message the resource (Observation[2])
	Extension string // an extension that was proposed and never published
	FHIRType  string
	FHIRMin   string
	FHIRMax   string
	TypeMap   string // the datatype map; for a message the segment map
	CodeMap   string // the vocabulary map
	Assign    string // a constant in quotes or a procedure in words
	Refs      string // of a message: the references to set
	Comment   string
	Line      int // in maps.tsv
}

// HasTarget says whether the row gives the place a home in FHIR.
func (r GuideRow) HasTarget() bool { return r.FHIRPath != "" }

// Constant is the literal that the row assigns, if it assigns one.
func (r GuideRow) Constant() (string, bool) {
	s := strings.TrimSpace(r.Assign)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1], true
	}
	return "", false
}

// mapName splits PID[Patient]; some names have a suffix after the bracket or no bracket at all.
var mapName = regexp.MustCompile(`^([A-Za-z0-9_]+)\s*(?:\[(.*)\])?`)

// ReadGuide reads maps.tsv.
func ReadGuide(r io.Reader) ([]GuideRow, error) {
	var rows []GuideRow
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for line := 1; sc.Scan(); line++ {
		cells := strings.Split(strings.TrimRight(sc.Text(), "\r"), "\t")
		if len(cells) < 16 {
			return nil, fmt.Errorf("maps.tsv:%d: %d columns, 16 or more expected", line, len(cells))
		}
		for len(cells) < 21 {
			cells = append(cells, "")
		}
		for i := range cells {
			cells[i] = unquoteCSV(cells[i])
		}
		g := GuideRow{
			Kind: cells[0], Map: cells[1], Seq: cells[2], Place: cells[3], Min: cells[6], Max: cells[7],
			Condition: cells[8], FHIRPathC: cells[9], Narrative: cells[10], FHIRPath: cells[11], Line: line,
		}
		m := mapName.FindStringSubmatch(g.Map)
		if m == nil {
			return nil, fmt.Errorf("maps.tsv:%d: %q is not the name of a map", line, g.Map)
		}
		g.Source, g.Target = m[1], m[2]
		switch g.Kind {
		case "segment", "datatype":
			g.Name, g.Datatype, g.Extension, g.FHIRType = cells[4], cells[5], cells[12], cells[13]
			g.FHIRMin, g.FHIRMax, g.TypeMap, g.CodeMap, g.Assign = cells[14], cells[15], cells[16], cells[17], cells[18]
			g.Comment = cells[20]
		case "message":
			g.Datatype, g.Name, g.TypeMap, g.Refs, g.Comment = cells[4], cells[5], cells[12], cells[13], cells[15]
		default:
			return nil, fmt.Errorf("maps.tsv:%d: %q is neither segment, datatype nor message", line, g.Kind)
		}
		rows = append(rows, g)
	}
	return rows, sc.Err()
}

// ReadGuideDir reads maps.tsv in the shared folder.
func ReadGuideDir(shared string) ([]GuideRow, error) {
	f, err := os.Open(filepath.Join(shared, "conformance", "v2-to-fhir-ig", "maps.tsv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadGuide(f)
}

// unquoteCSV takes the CSV quotes off a cell that still has them.
func unquoteCSV(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = strings.ReplaceAll(s[1:len(s)-1], `""`, `"`)
	}
	return strings.TrimSpace(s)
}

// CodeRow is one line of tables.tsv: a published ConceptMap of the guide.
type CodeRow struct {
	Map, System, Code, Display, TargetSystem, Target, TargetDisplay, Equivalence, Comment string
}

// ReadCodes reads tables.tsv, whose first line names its columns.
func ReadCodes(r io.Reader) ([]CodeRow, error) {
	var rows []CodeRow
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for line := 1; sc.Scan(); line++ {
		c := strings.Split(strings.TrimRight(sc.Text(), "\r"), "\t")
		if line == 1 {
			continue
		}
		if len(c) != 9 {
			return nil, fmt.Errorf("tables.tsv:%d: %d columns, 9 expected", line, len(c))
		}
		rows = append(rows, CodeRow{c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8]})
	}
	return rows, sc.Err()
}

// ReadCodesDir reads tables.tsv in the shared folder.
func ReadCodesDir(shared string) ([]CodeRow, error) {
	f, err := os.Open(filepath.Join(shared, "conformance", "v2-to-fhir-ig", "tables.tsv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadCodes(f)
}

// RenderGuide writes the guide as text files that a person can work from: one file a map, one line a row, in the guide's order.
func RenderGuide(dir string, rows []GuideRow, codes []CodeRow) error {
	files := map[string]*strings.Builder{}
	file := func(name string) *strings.Builder {
		b := files[name]
		if b == nil {
			b = new(strings.Builder)
			files[name] = b
		}
		return b
	}
	folder := map[string]string{"segment": "segments", "datatype": "datatypes", "message": "messages"}
	for _, r := range rows {
		b := file(folder[r.Kind] + "/" + strings.ReplaceAll(r.Map, "/", "-") + ".txt")
		if b.Len() == 0 {
			fmt.Fprintf(b, "# %s\n", r.Map)
		}
		b.WriteString(r.String())
		b.WriteByte('\n')
	}
	for _, c := range codes {
		b := file("tables/" + c.Map + ".txt")
		if b.Len() == 0 {
			fmt.Fprintf(b, "# %s\n# from %s\n", c.Map, c.System)
		}
		target := "(no target)"
		if c.Target != "" {
			target = c.TargetSystem + "#" + c.Target + "  " + quoteIf(c.TargetDisplay)
		}
		fmt.Fprintf(b, "%-8s %-40s -> %s  [%s] %s\n", c.Code, quoteIf(c.Display), target, c.Equivalence, c.Comment)
	}
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		p := filepath.Join(dir, filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(p, []byte(files[n].String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// String is the row on one line, for people.
func (r GuideRow) String() string {
	var b strings.Builder
	if r.Kind == "message" {
		depth := strings.Count(r.Place, ".")
		fmt.Fprintf(&b, "%-10s %s%-28s %s", r.Seq, strings.Repeat("  ", depth), r.Datatype, r.Name)
	} else {
		fmt.Fprintf(&b, "%-8s %-40s %-4s %3s..%-2s", r.Place, r.Name, r.Datatype, r.Min, star(r.Max))
	}
	switch {
	case r.FHIRPath != "":
		fmt.Fprintf(&b, "  ->  %s", r.FHIRPath)
		if r.FHIRType != "" {
			fmt.Fprintf(&b, " : %s", r.FHIRType)
		}
		if r.FHIRMin != "" || r.FHIRMax != "" {
			fmt.Fprintf(&b, " %s..%s", r.FHIRMin, star(r.FHIRMax))
		}
	case r.Extension != "":
		fmt.Fprintf(&b, "  ->  (only proposed) %s", r.Extension)
	case r.Kind != "message":
		b.WriteString("  ->  -")
	}
	add := func(word, s string) {
		if s != "" {
			fmt.Fprintf(&b, "  %s %s", word, s)
		}
	}
	if r.Extension != "" && r.FHIRPath != "" {
		add("proposed", r.Extension)
	}
	add("via", r.TypeMap)
	add("codes", r.CodeMap)
	add(":=", r.Assign)
	add("set", r.Refs)
	add("IF:", strings.TrimPrefix(r.Condition, "IF "))
	add("IF-FHIRPATH:", r.FHIRPathC)
	add("WHEN:", r.Narrative)
	add("#", r.Comment)
	return strings.TrimRight(b.String(), " ")
}

func star(max string) string {
	if max == "-1" {
		return "*"
	}
	return max
}

func quoteIf(s string) string {
	if s == "" {
		return ""
	}
	return "'" + s + "'"
}
