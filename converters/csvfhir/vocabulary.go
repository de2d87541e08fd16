package csvfhir

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"io"
	"path"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file reads OHDSI's standardized vocabularies (OMOP CDM 5.4, the table CONCEPT) where they lie among the tables: they say which code of which
// code system a concept id stands for. They are millions of rows, and no records. So the tables are asked first which ids they name, and of CONCEPT
// only these rows are kept.

// Findings of vocabularies.
const (
	VocabularyRead diag.ID = "CP-CSV-058"
	NoConcept      diag.ID = "CP-CSV-059"
)

// conceptRow is a row of CONCEPT.
type conceptRow struct{ vocabulary, code, name string }

// concepts are the rows of CONCEPT that a run uses, by id.
type concepts map[string]conceptRow

// vocabularyTables are the tables of the vocabularies, by two columns that only they have. Of all of them CONCEPT alone is needed.
var vocabularyTables = []struct{ name, one, two string }{
	{"CONCEPT", "concept_code", "vocabulary_id"},
	{"CONCEPT_RELATIONSHIP", "concept_id_1", "concept_id_2"},
	{"CONCEPT_ANCESTOR", "ancestor_concept_id", "descendant_concept_id"},
	{"CONCEPT_SYNONYM", "concept_synonym_name", "language_concept_id"},
	{"CONCEPT_CLASS", "concept_class_name", "concept_class_concept_id"},
	{"VOCABULARY", "vocabulary_name", "vocabulary_concept_id"},
	{"DOMAIN", "domain_name", "domain_concept_id"},
	{"RELATIONSHIP", "relationship_name", "reverse_relationship_id"},
	{"DRUG_STRENGTH", "drug_concept_id", "ingredient_concept_id"},
	{"SOURCE_TO_CONCEPT_MAP", "source_vocabulary_id", "target_vocabulary_id"},
}

// vocabularyTable is the name of the vocabularies' table that has these columns; empty if it is none.
func vocabularyTable(columns []string) string {
	has := func(name string) bool {
		return slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(strings.TrimSpace(c), name) })
	}
	for _, t := range vocabularyTables {
		if has(t.one) && has(t.two) {
			return t.name
		}
	}
	return ""
}

// vocabularyOf is the mapping whose rows ask the vocabularies, nil if none does.
func (s *Set) vocabularyOf() *Mapping {
	for _, m := range s.Mappings {
		if m.asks {
			return m
		}
	}
	return nil
}

// concepts reads, of the tables CONCEPT among the files, the rows whose ids the tables name.
func (r *reading) concepts() error {
	used := concepts{}
	for _, x := range r.tables {
		var columns []int
		for i, name := range x.Names {
			if x.Table.of.asks && strings.HasSuffix(strings.ToLower(name), "concept_id") {
				columns = append(columns, i)
			}
		}
		if len(columns) == 0 {
			continue
		}
		for row, err := range x.table.Rows() {
			if err != nil {
				return err
			}
			for _, i := range columns {
				id := whole(row.Cells[i].Text)
				if _, have := used[id]; !have && id != "" && id != "0" {
					used[strings.Clone(id)] = conceptRow{}
				}
			}
		}
		x.concepts = used
	}
	for _, f := range r.vocabularies {
		n, err := used.read(f)
		if err != nil {
			return err
		}
		r.find(diag.New(VocabularyRead, diag.Place{Source: f.Path}, "%s; of %d concepts %d are used", VocabularyRead.Entry().What, n, used.known()))
	}
	if lost := len(used) - used.known(); lost > 0 {
		r.find(diag.New(NoConcept, diag.Place{Source: r.vocabularies[0].Path}, "%s (x%d)", NoConcept.Entry().What, lost))
	}
	return nil
}

func (c concepts) known() (n int) {
	for _, x := range c {
		if x.code != "" {
			n++
		}
	}
	return n
}

// read fills in the rows of a file. It returns how many rows the file has.
func (c concepts) read(f *convert.File) (n int, err error) {
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	next := conceptRows(in)
	header, err := next()
	if err != nil {
		return 0, err
	}
	at := func(name string) int {
		return slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(strings.Trim(h, "\ufeff \r"), name) })
	}
	id, code, name, vocabulary := at("concept_id"), at("concept_code"), at("concept_name"), at("vocabulary_id")
	most := max(id, code, name, vocabulary)
	for id >= 0 && code >= 0 && vocabulary >= 0 {
		row, err := next()
		if err == io.EOF {
			break
		} else if err != nil {
			return n, err
		}
		if n++; len(row) <= most {
			continue
		}
		if _, asked := c[row[id]]; asked {
			x := conceptRow{vocabulary: strings.Clone(row[vocabulary]), code: strings.Clone(row[code])}
			if name >= 0 {
				x.name = strings.Clone(row[name])
			}
			c[row[id]] = x
		}
	}
	return n, nil
}

// maxConceptLine is the length of a line beyond which a file is no table of concepts.
const maxConceptLine = 1 << 20

// conceptRows reads rows. QUIRK: what OHDSI gives out is separated by tabs and quotes nothing, and names of concepts begin with quotes; what databases write
// is CSV.
func conceptRows(in io.Reader) func() ([]string, error) {
	b := bufio.NewReaderSize(in, 64<<10)
	head, _ := b.Peek(4 << 10)
	line, _, _ := bytes.Cut(head, []byte("\n"))
	if bytes.IndexByte(line, '\t') < 0 {
		r := csv.NewReader(b)
		if bytes.IndexByte(line, ',') < 0 && bytes.IndexByte(line, ';') >= 0 {
			r.Comma = ';'
		}
		r.LazyQuotes, r.ReuseRecord, r.FieldsPerRecord = true, true, -1
		return r.Read
	}
	s := bufio.NewScanner(b)
	s.Buffer(make([]byte, 64<<10), maxConceptLine)
	var cells []string
	return func() ([]string, error) {
		if !s.Scan() {
			if err := s.Err(); err != nil {
				return nil, err
			}
			return nil, io.EOF
		}
		cells = cells[:0]
		for cell := range strings.SplitSeq(s.Text(), "\t") {
			cells = append(cells, cell)
		}
		return cells, nil
	}
}

// vocabularySystems are the URIs of OHDSI's vocabularies whose names there no system of HL7 has.
var vocabularySystems = map[string]string{
	"ICD10PCS": "http://www.cms.gov/Medicare/Coding/ICD10", "CPT4": "http://www.ama-assn.org/go/cpt", "ICD9CM": "http://hl7.org/fhir/sid/icd-9-cm",
	"RxNorm": "http://www.nlm.nih.gov/research/umls/rxnorm", "RxNorm Extension": "", "Nebraska Lexicon": "http://snomed.info/sct", "ATC": "http://www.whocc.no/atc",
	"CMS Place of Service": "https://www.cms.gov/Medicare/Coding/place-of-service-code-sets",
	// Whose codes are their own, whatever a system of HL7 is called.
	"Race": "", "Ethnicity": "", "Gender": "", "Visit": "", "Type Concept": "", "None": "",
}

// system is the URI of a concept's code system; empty if it has none.
func (x conceptRow) system() string {
	if uri, ok := vocabularySystems[x.vocabulary]; ok {
		return uri
	}
	s, _ := terminology.ByName(x.vocabulary)
	return s.URI
}

// look finds the concept of a cell's id.
func look(c *mapping.Context, n tree.Node) (id string, x conceptRow, ok bool) {
	src, _ := c.Doc.Source.(*source)
	if id = whole(c.Doc.LeafText(n)); src == nil || id == "" {
		return id, x, false
	}
	x, ok = src.rows[c.Doc.Ordinal(rowOf(c.Doc, n))-1].of.concepts[id]
	return id, x, ok && x.code != ""
}

const omopSystem = "https://fhir-terminology.ohdsi.org"

// vocabularyPair is VOCABULARY: the code for which a concept id stands, beside the id. Of a Quantity it is the unit's code.
var vocabularyPair = mapping.Pair{Read: readVocabulary, Write: func(*mapping.Context, proto.Message, tree.Node) bool { return false }}

func readVocabulary(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	id, x, ok := look(c, n)
	if !ok {
		return false
	}
	uri := x.system()
	switch d := dst.(type) {
	case *dpb.CodeableConcept:
		if uri == "" { // what it is called is all that others can understand
			i := slices.IndexFunc(d.Coding, func(y *dpb.Coding) bool {
				return y.GetSystem().GetValue() == omopSystem && y.GetCode().GetValue() == id && y.Display == nil
			})
			if i < 0 || x.name == "" {
				return false
			}
			d.Coding[i].Display = str(x.name)
			break
		}
		if slices.ContainsFunc(d.Coding, func(y *dpb.Coding) bool { return y.GetSystem().GetValue() == uri && y.GetCode().GetValue() == x.code }) {
			return false // the source's own code is the standard one
		}
		y := &dpb.Coding{System: &dpb.Uri{Value: uri}, Code: &dpb.Code{Value: x.code}}
		if x.name != "" {
			y.Display = str(x.name)
		}
		d.Coding = append(d.Coding, y)
	case *dpb.Quantity:
		if uri != ucum || d.Value == nil {
			return false
		}
		d.System, d.Code = &dpb.Uri{Value: uri}, &dpb.Code{Value: x.code}
	default:
		return false
	}
	c.Carry(c.Doc.Leaf(n))
	return true
}

const ucum = "http://unitsofmeasure.org"

// omopCategories are the concepts of OMOP's vocabularies Race and Ethnicity that are categories of OMB. They are the same in every release, so that
// CONCEPT is not needed.
var omopCategories = map[string]string{"8657": "1002-5", "8515": "2028-9", "8516": "2054-5", "8557": "2076-8", "8527": "2106-3",
	"38003563": "2135-2", "38003564": "2186-5"}

// category is OMOP_RACE and OMOP_ETHNICITY: US Core's category for a concept, where the source's own words made none.
func (d *demographic) category() mapping.Pair {
	return mapping.Pair{Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		x, ok := dst.(*dpb.Extension)
		code := omopCategories[whole(c.Doc.LeafText(n))]
		name := d.names[code]
		if !ok || name == "" || slices.ContainsFunc(x.Extension, func(y *dpb.Extension) bool { return y.GetUrl().GetValue() == "ombCategory" }) {
			return false
		}
		x.Extension = append([]*dpb.Extension{d.omb(code)}, x.Extension...)
		if len(x.Extension) == 1 {
			x.Extension = append(x.Extension, &dpb.Extension{Url: &dpb.Uri{Value: "text"}, Value: &dpb.Extension_ValueX{
				Choice: &dpb.Extension_ValueX_StringValue{StringValue: str(name)}}})
		}
		c.Carry(c.Doc.Leaf(n))
		return true
	}, Write: func(*mapping.Context, proto.Message, tree.Node) bool { return false }}
}

// vocabularyFile is the name of the vocabularies' table that a file holds which no mapping knows; empty if it holds none.
func (s *Set) vocabularyFile(f *convert.File) string {
	head, ok := sniffed(f)
	if !ok || s.vocabularyOf() == nil || s.Find(path.Base(f.Name), anySheet, head) != nil {
		return ""
	}
	return vocabularyTable(head)
}

// needless says of a table of the vocabularies that nothing in it is asked for.
func needless(name, file string) *diag.Finding {
	return diag.New(VocabularyRead, diag.Place{Source: file}, "%s is a table of OHDSI's vocabularies: it holds no records", name)
}
