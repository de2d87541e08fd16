package view

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Page is a record as it is shown.
type Page struct {
	set     *Set
	patient *resource // nil if the record names none
	list    []*resource
	left    []Left

	reported map[*resource]bool        // Observations that a report names
	worn     map[*resource]bool        // Devices that a statement says the patient uses
	whole    map[*resource]*resource   // of an Observation the one that it is a member of
	related  map[*resource][]*resource // Observations that are about another resource
	taken    map[*resource]bool        // those, which have no row of their own
	hidden   int
}

// Style is the one style of every page.
const Style = `:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0;font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;color:#1a1a1a;background:#fff;overflow-wrap:break-word}
header,nav,main,footer{max-width:76rem;margin:0 auto;padding:0 1.25rem}
.skip{position:absolute;left:-99rem}.skip:focus{position:static;display:block;padding:.6rem 1.25rem;background:#1a1a1a;color:#fff}
header{padding-top:1.25rem}h1{font-size:1.75rem;line-height:1.25;margin:.25rem 0}h2{font-size:1.35rem;margin:2rem 0 .5rem;padding-bottom:.25rem;border-bottom:3px solid #205493}
h3,caption{font-size:1.05rem;font-weight:700;text-align:left;margin:1rem 0 .25rem;padding:.25rem 0}h4{font-size:1rem;margin:.75rem 0 .25rem}
.kind{margin:0;font-size:.95rem;color:#444}dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.75rem 0}dl.facts dt{color:#444}dl.facts dd{margin:0}code{overflow-wrap:anywhere}
nav ul{list-style:none;margin:.5rem 0;padding:0;display:flex;flex-wrap:wrap;gap:.5rem}nav a{display:block;padding:.35rem .7rem;border:1px solid #5b616b;border-radius:.3rem;text-decoration:none}
a{color:#0b4778}a:hover{text-decoration:underline}a:focus-visible{outline:3px solid #b35900;outline-offset:2px}
.wide{overflow-x:auto}.wide:focus-visible{outline:3px solid #b35900}
table{border-collapse:collapse;width:100%;font-size:.95rem}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #b5bac1}
thead th{background:#eef1f5;border-bottom:2px solid #5b616b;white-space:nowrap}tbody th{font-weight:600;min-width:11rem}
small{font-size:.8rem;color:#4d4d4d;font-weight:400}.flag{font-weight:700;color:#8b0a03}.odd td,.odd th{text-decoration:line-through;color:#4d4d4d}.odd .flag{display:inline-block;text-decoration:none}
.sheet>tbody>tr>.own{border:0;border-left:4px solid #b5bac1;padding:0 0 0 1rem}.own table{font-size:.9rem}.note{background:#fff4e0;border-left:4px solid #b35900;padding:.5rem .75rem}
img{max-width:100%;height:auto}pre{white-space:pre-wrap}footer{margin-top:2.5rem;padding-bottom:2rem;color:#444;font-size:.9rem}.running{display:none}
@media (max-width:40rem){dl.facts{grid-template-columns:1fr}dl.facts dd{margin-bottom:.4rem}}
@page{margin:16mm 12mm}@page{@bottom-right{content:"Page " counter(page) " of " counter(pages);font:9pt sans-serif}}
@media print{body{font-size:10pt}header,nav,main,footer{max-width:none;padding:0}nav,.skip{display:none}.wide{overflow:visible}thead{display:table-header-group}
tr,dt,dd,h2,h3{break-inside:avoid}.sheet>tbody>tr{break-inside:auto}h2,h3,h4,caption{break-after:avoid}.running{display:table-row}.running>*{font-size:8pt;font-weight:400;white-space:normal;background:none;border:0;padding:0 0 1mm}a{color:inherit;text-decoration:none}}`

// StyleHash names the style in a Content-Security-Policy.
func StyleHash() string {
	sum := sha256.Sum256([]byte(Style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// policy lets the page have its one style and pictures that are in it, and nothing else at all.
func policy() string {
	return "default-src 'none'; style-src " + StyleHash() + "; img-src data:; base-uri 'none'; form-action 'none'"
}

// WriteTo writes the page. The same record gives the same bytes.
func (p *Page) WriteTo(out io.Writer) (int64, error) {
	p.relate()
	w := new(writer)
	title := "Health record"
	who := p.who()
	if who != "" {
		title += ": " + who
	}
	w.b = append(w.b, "<!DOCTYPE html>\n"...)
	w.start("html", "lang", "en")
	w.start("head")
	w.start("meta", "charset", "utf-8")
	w.start("meta", "http-equiv", "Content-Security-Policy", "content", policy())
	w.start("meta", "name", "viewport", "content", "width=device-width, initial-scale=1")
	w.start("meta", "name", "referrer", "content", "no-referrer")
	w.element("title", title)
	w.start("style")
	w.b = append(w.b, Style...)
	w.end()
	w.end()
	w.line()
	w.start("body")
	w.element("a", "Skip to the record", "class", "skip", "href", "#record")
	w.line()
	p.banner(w)
	tables := p.tables()
	p.contents(w, tables)
	w.start("main", "id", "record")
	w.line()
	for _, t := range tables {
		p.section(w, t, who)
	}
	p.narratives(w, who)
	p.rest(w)
	w.end()
	w.line()
	p.footer(w)
	w.end()
	w.end()
	w.line()
	n, err := out.Write(w.b)
	return int64(n), err
}

// Name is what the patient is called; empty if the record does not say it.
func (p *Page) Name() string {
	if p.patient == nil {
		return ""
	}
	return bestName(p.patient.object["name"])
}

// who tells one patient from another, for the top of every sheet.
func (p *Page) who() string {
	s := p.Name()
	if p.patient == nil {
		return s
	}
	if b := str(p.patient.object["birthDate"]); b != "" {
		s = strings.TrimPrefix(s+", born "+spelled(b), ", ")
	}
	return s
}

// relate finds out which Observations belong to something else.
func (p *Page) relate() {
	p.reported, p.related, p.taken, p.hidden = map[*resource]bool{}, map[*resource][]*resource{}, map[*resource]bool{}, 0
	p.worn, p.whole = map[*resource]bool{}, map[*resource]*resource{}
	in := make(map[*resource]bool, len(p.list))
	for _, r := range p.list {
		in[r] = true
	}
	for _, r := range p.list {
		if r.typ == "DiagnosticReport" {
			for _, v := range list(r.object["result"]) {
				if o := p.set.find(r, str(obj(v)["reference"])); o != nil {
					p.reported[o] = true
				}
			}
		}
		switch r.typ {
		case "DeviceUseStatement":
			if d := p.set.find(r, str(obj(r.object["device"])["reference"])); d != nil {
				p.worn[d] = true
			}
		case "Procedure":
			for _, v := range list(r.object["focalDevice"]) {
				if d := p.set.find(r, str(obj(obj(v)["manipulated"])["reference"])); d != nil {
					p.worn[d] = true
				}
			}
		case "Observation":
			for _, v := range list(r.object["hasMember"]) {
				if o := p.set.find(r, str(obj(v)["reference"])); o != nil && o != r {
					p.whole[o] = r
				}
			}
		}
		if unshown[r.typ] {
			continue
		}
		var ids []string
		extensionRefs(r.object, false, &ids)
		slices.Sort(ids)
		for _, ref := range slices.Compact(ids) {
			if o := p.set.find(r, ref); o != nil && o != r && o.typ == "Observation" && in[o] && !p.taken[o] {
				p.taken[o] = true
				p.related[r] = append(p.related[r], o)
			}
		}
	}
	// What two Observations say of each other only would be on no row.
	for changed := true; changed; {
		changed = false
		shown := map[*resource]bool{}
		var reach func(r *resource)
		reach = func(r *resource) {
			if !shown[r] {
				shown[r] = true
				for _, o := range p.related[r] {
					reach(o)
				}
			}
		}
		for _, r := range p.list {
			if !p.taken[r] {
				reach(r)
			}
		}
		for _, r := range p.list {
			if !shown[r] && p.taken[r] {
				delete(p.taken, r)
				changed = true
				break
			}
		}
	}
	for _, list := range p.related {
		slices.SortFunc(list, func(a, b *resource) int { return a.num - b.num })
	}
}

// extensionRefs collects the references within extensions.
func extensionRefs(v any, inside bool, ids *[]string) {
	switch v := v.(type) {
	case object:
		if ref, ok := v["reference"].(string); ok && inside {
			*ids = append(*ids, ref)
		}
		for name, x := range v {
			extensionRefs(x, inside || name == "extension" || name == "modifierExtension", ids)
		}
	case []any:
		for _, x := range v {
			extensionRefs(x, inside, ids)
		}
	}
}

// write writes a cell.
func (c cell) write(w *writer) {
	for _, x := range c {
		switch x.style {
		case plain:
			w.text(x.text)
		case small:
			w.b = append(w.b, ' ')
			w.element("small", x.text)
		case flag:
			w.element("strong", x.text, "class", "flag")
		case newline:
			w.start("br")
		case link:
			w.element("a", x.text, "href", x.href, "download", x.name)
		case picture:
			w.start("img", "src", x.href, "alt", x.text)
		}
	}
}

func (w *writer) facts(rows ...fact) {
	w.start("dl", "class", "facts")
	for _, f := range rows {
		if len(f.value) == 0 {
			continue
		}
		w.element("dt", f.name)
		w.start("dd")
		f.value.write(w)
		w.end()
		w.line()
	}
	w.end()
	w.line()
}

type fact struct {
	name  string
	value cell
}

// banner says who it is about, who wrote it, and when.
func (p *Page) banner(w *writer) {
	w.start("header")
	w.element("p", "Health record", "class", "kind")
	name := p.Name()
	if name == "" {
		name = "A patient without a name"
		if p.patient == nil {
			name = "A record that names no patient"
		}
	}
	w.element("h1", name)
	w.line()
	var rows []fact
	if r := p.patient; r != nil {
		x := r.object
		rows = append(rows, fact{"Born", spacedWords(spelled(str(x["birthDate"])))}, fact{"Sex", p.sex(r)})
		if _, v := element(x, "deceased*"); v != nil && v != false {
			died := flagged("yes")
			if t, ok := v.(string); ok {
				died = flagged(spelled(t))
			}
			rows = append(rows, fact{"Died", died})
		}
		rows = append(rows, fact{"Numbers", numbers(x)}, fact{"Address", p.value(r, "address", x["address"])}, fact{"Contact", p.value(r, "telecom", x["telecom"])},
			fact{"Other names", otherNames(x, name)}, fact{"Marital status", concept(obj(x["maritalStatus"]))}, fact{"Languages", p.languages(r)},
			fact{"Race and ethnicity", race(x)}, fact{"Contacts", p.contacts(r)}, fact{"Usual clinician", p.value(r, "", x["generalPractitioner"])})
		if active, ok := x["active"].(bool); ok && !active {
			rows = append(rows, fact{"Notice", flagged("This patient's record is marked as not in use")})
		}
		if m := modified(x); m != nil {
			rows = append(rows, fact{"Notice", m})
		}
	}
	rows = append(rows, p.origin()...)
	w.facts(rows...)
	if p.patient != nil && len(list(p.patient.object["link"])) > 0 {
		w.element("p", "The record says that this patient has another record, or took the place of one: look at both.", "class", "note")
	}
	w.end()
	w.line()
}

func spacedWords(s ...string) cell { return words(strings.Join(s, " ")) }

func (p *Page) sex(r *resource) cell {
	c := words(plainWord(str(r.object["gender"])))
	for _, e := range list(r.object["extension"]) {
		if lastPart(str(obj(e)["url"])) == "us-core-birthsex" {
			c = spaced("; ", c, words("at birth "+strings.ToLower(plainWord(str(obj(e)["valueCode"])))))
		}
	}
	return c
}

// numbers lists identifiers by their kind, a social security number by its end only.
func numbers(x object) cell {
	var all []cell
	for _, id := range list(x["identifier"]) {
		id := obj(id)
		value := strings.TrimSpace(str(id["value"]))
		if value == "" {
			continue
		}
		kind := concept(obj(id["type"])).label()
		if w := numberWords[kind]; w != "" {
			kind = w
		}
		secret := str(id["system"]) == "http://hl7.org/fhir/sid/us-ssn"
		for _, c := range list(obj(id["type"])["coding"]) {
			secret = secret || str(obj(c)["code"]) == "SS" || str(obj(c)["code"]) == "SB"
		}
		if secret {
			kind = "Social security number"
			value = "ends in " + value[max(0, len(value)-4):]
		}
		c := words(value)
		if len(value) > 30 && kind == "" {
			continue // a number of machines
		}
		if kind != "" {
			c = append(c, piece{text: kind, style: small})
		}
		all = append(all, c)
	}
	return joined(all...)
}

// numberWords are HL7's codes for the kinds of a patient's numbers (table 0203).
var numberWords = map[string]string{"MR": "medical record number", "PI": "number within the practice", "PT": "number from elsewhere", "AN": "account number",
	"DL": "driver's license", "PPN": "passport", "MA": "Medicaid number", "MC": "Medicare number", "MB": "member number", "NI": "national number", "VN": "visit number"}

// languageWords are the languages that patients of US practices speak most (BCP 47).
var languageWords = map[string]string{"en": "English", "es": "Spanish", "zh": "Chinese", "vi": "Vietnamese", "tl": "Tagalog", "fil": "Filipino", "ko": "Korean", "ru": "Russian",
	"ar": "Arabic", "fr": "French", "ht": "Haitian Creole", "pt": "Portuguese", "de": "German", "pl": "Polish", "it": "Italian", "ja": "Japanese", "hi": "Hindi", "fa": "Persian",
	"ur": "Urdu", "gu": "Gujarati", "bn": "Bengali", "pa": "Punjabi", "so": "Somali", "am": "Amharic", "uk": "Ukrainian", "hmn": "Hmong", "nv": "Navajo", "ase": "American Sign Language"}

func otherNames(x object, name string) cell {
	var all []cell
	for _, n := range list(x["name"]) {
		if s := humanName(obj(n)); s != "" && s != name {
			c := words(s)
			if use := str(obj(n)["use"]); use != "" {
				c = append(c, piece{text: plainWord(use), style: small})
			}
			all = append(all, c)
		}
	}
	return joined(all...)
}

func (p *Page) languages(r *resource) cell {
	var all []cell
	for _, v := range list(r.object["communication"]) {
		c := concept(obj(obj(v)["language"]))
		main, _, _ := strings.Cut(strings.ToLower(c.label()), "-")
		if w := languageWords[main]; w != "" {
			c = words(w)
		}
		if pref, ok := obj(v)["preferred"].(bool); ok && pref {
			c = append(c, piece{text: "preferred", style: small})
		}
		all = append(all, c)
	}
	return joined(all...)
}

func race(x object) cell {
	var all []cell
	for _, e := range list(x["extension"]) {
		switch lastPart(str(obj(e)["url"])) {
		case "us-core-race", "us-core-ethnicity":
			for _, part := range list(obj(e)["extension"]) {
				if str(obj(part)["url"]) == "text" {
					all = append(all, words(str(obj(part)["valueString"])))
				}
			}
		}
	}
	return spaced("; ", all...)
}

func (p *Page) contacts(r *resource) cell {
	var all []cell
	for _, v := range list(r.object["contact"]) {
		v := obj(v)
		all = append(all, spaced(", ", words(humanName(obj(v["name"]))), p.value(r, "", v["organization"]), p.value(r, "", v["relationship"]), p.value(r, "", v["telecom"]),
			words(address(obj(v["address"])))))
	}
	return joined(all...)
}

// origin says what kind of record it is, whose, and of when: what its Composition or MessageHeader says.
func (p *Page) origin() []fact {
	var rows []fact
	for _, r := range p.list {
		x := r.object
		switch r.typ {
		case "Composition":
			rows = append(rows, fact{"Document", spaced(", ", words(str(x["title"])), concept(obj(x["type"])))}, fact{"Status", p.standing(r, false)}, fact{"Written", p.value(r, "date", x["date"])},
				fact{"By", p.value(r, "", x["author"])}, fact{"Kept by", p.value(r, "", x["custodian"])})
			for _, a := range list(x["attester"]) {
				a := obj(a)
				rows = append(rows, fact{"Signed", spaced(", ", p.value(r, "", a["party"]), p.value(r, "", a["time"]), words(plainWord(str(a["mode"]))))})
			}
		case "MessageHeader":
			rows = append(rows, fact{"Message", p.value(r, "", x["eventCoding"])}, fact{"From", joined(words(str(obj(x["source"])["name"])), p.value(r, "", x["sender"]))})
		}
	}
	var names []cell
	for _, s := range p.set.sources {
		c := words(s.Name)
		if s.Format != "" {
			c = append(c, piece{text: s.Format, style: small})
		}
		names = append(names, c)
	}
	return append(rows, fact{"Made from", joined(names...)})
}

// table is a section with what is in it.
type table struct {
	*section
	parts []part
	rows  int
}

type part struct {
	*kind
	heads []string
	rows  []row
}

// tables puts every resource into its section.
func (p *Page) tables() []table {
	var all []table
	known := map[string]bool{}
	for i := range sections {
		s := &sections[i]
		t := table{section: s}
		for k := range s.kinds {
			known[s.kinds[k].typ] = true
			if x := p.part(&s.kinds[k]); len(x.rows) > 0 {
				t.parts = append(t.parts, x)
				t.rows += len(x.rows)
			}
		}
		if t.rows > 0 {
			all = append(all, t)
		}
	}
	// A type that no section knows is shown all the same, with every element under its own name.
	var types []string
	for _, r := range p.list {
		if !known[r.typ] && !unshown[r.typ] && !slices.Contains(types, r.typ) {
			types = append(types, r.typ)
		}
	}
	slices.Sort(types)
	rest := table{section: &section{id: "more", title: "Other parts of the record"}}
	for _, typ := range types {
		x := p.part(&kind{typ: typ, caption: title(typ), columns: "What=!name; Status=!status"})
		rest.parts, rest.rows = append(rest.parts, x), rest.rows+len(x.rows)
	}
	if rest.rows > 0 {
		all = append(all, rest)
	}
	return all
}

// part makes the table of a kind: newest first, without columns in which nothing stands.
func (p *Page) part(k *kind) part {
	cols := k.split()
	x := part{kind: k}
	seen := map[string]bool{}
	for _, r := range p.list {
		if r.typ != k.typ || p.taken[r] || k.class != "" && p.class(r) != k.class {
			continue
		}
		row := p.row(k, cols, r)
		if k.brief && len(row.cells[0]) == 0 {
			continue // nobody could say who that is
		}
		if k.brief { // of people and places a record often holds one many times, under other ids
			label := ""
			for _, c := range row.cells {
				label += c.label() + "\x00"
			}
			if seen[label] {
				continue
			}
			seen[label] = true
		}
		x.rows = append(x.rows, row)
	}
	if !k.brief || k.typ == "Claim" || k.typ == "ExplanationOfBenefit" {
		slices.SortStableFunc(x.rows, func(a, b row) int {
			return cmp.Or(strings.Compare(b.when, a.when), strings.Compare(a.cells[0].label(), b.cells[0].label()))
		})
	}
	heads := make([]string, 0, len(cols)+1)
	for _, c := range cols {
		heads = append(heads, c.head)
	}
	heads = append(heads, "More")
	for i := len(heads) - 1; i > 0; i-- {
		if !slices.ContainsFunc(x.rows, func(r row) bool { return len(r.cells[i]) > 0 }) {
			heads = slices.Delete(heads, i, i+1)
			for j := range x.rows {
				x.rows[j].cells = slices.Delete(x.rows[j].cells, i, i+1)
			}
		}
	}
	x.heads = heads
	return x
}

// contents says what is in the record, with a way to each part.
func (p *Page) contents(w *writer, tables []table) {
	w.start("nav", "aria-label", "What's in this record")
	w.element("h2", "What's in this record")
	w.start("ul")
	w.line()
	item := func(id, text string) {
		w.start("li")
		w.element("a", text, "href", "#"+id)
		w.end()
		w.line()
	}
	for _, t := range tables {
		item(t.id, fmt.Sprintf("%s: %d", t.title, t.rows))
	}
	if n := len(p.texts()); n > 0 {
		item("text", "In the author's words: "+plural(n, "section"))
	}
	item("left", "Left out: "+plural(p.lost(), "value"))
	w.end()
	w.end()
	w.line()
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func (p *Page) section(w *writer, t table, who string) {
	w.start("section", "aria-labelledby", t.id)
	w.element("h2", t.title, "id", t.id)
	w.line()
	for _, x := range t.parts {
		w.start("div", "class", "wide", "tabindex", "0", "role", "group", "aria-label", x.caption)
		w.start("table")
		w.element("caption", fmt.Sprintf("%s (%d)", x.caption, len(x.rows)))
		w.start("thead")
		if who != "" { // seen on paper only: each sheet says whose it is
			w.start("tr", "class", "running", "aria-hidden", "true")
			w.element("th", who, "colspan", fmt.Sprint(len(x.heads)))
			w.end()
		}
		w.start("tr")
		for _, h := range x.heads {
			w.element("th", h, "scope", "col")
		}
		w.end()
		w.end()
		w.line()
		w.start("tbody")
		for _, r := range x.rows {
			class := ""
			if r.odd {
				class = "odd"
			}
			w.start("tr", "?class", class)
			for i, c := range r.cells {
				if i == 0 && len(c) > 0 && len(r.cells) > 1 { // what names nothing, or has nothing beside it, heads no row
					w.start("th", "scope", "row")
				} else {
					w.start("td")
				}
				c.write(w)
				w.end()
			}
			w.end()
			w.line()
		}
		w.end()
		w.end()
		w.end()
		w.line()
	}
	w.end()
	w.line()
}

// text is a narrative with its title.
type text struct {
	title cell
	div   string
	empty cell
	depth int
}

// texts are the sections of documents as their authors wrote them, and other narratives that say more than the data.
func (p *Page) texts() []text {
	var all []text
	var walk func(r *resource, v any, depth int)
	walk = func(r *resource, v any, depth int) {
		for _, s := range list(v) {
			s := obj(s)
			t := text{div: str(obj(s["text"])["div"]), empty: concept(obj(s["emptyReason"])), depth: depth}
			if t.title = words(str(s["title"])); len(t.title) == 0 {
				t.title = concept(obj(s["code"]))
			}
			if t.div != "" || len(t.empty) > 0 || len(list(s["section"])) > 0 {
				all = append(all, t)
			}
			walk(r, s["section"], depth+1)
		}
	}
	for _, r := range p.list {
		if x := obj(r.object["text"]); str(x["status"]) == "additional" || r.typ == "Composition" && str(x["div"]) != "" && len(list(r.object["section"])) == 0 {
			all = append(all, text{title: p.name(r), div: str(x["div"])})
		}
		if r.typ == "Composition" {
			walk(r, r.object["section"], 0)
		}
	}
	return all
}

func (p *Page) narratives(w *writer, who string) {
	all := p.texts()
	if len(all) == 0 {
		return
	}
	w.start("section", "aria-labelledby", "text")
	w.element("h2", "In the author's words", "id", "text")
	w.element("p", "The text of the document as it was signed. Where it differs from the tables above, it counts.")
	for _, t := range all {
		tag := "h3"
		if t.depth > 0 {
			tag = "h4"
		}
		w.start(tag)
		t.title.write(w)
		w.end()
		// A table for the printer alone, which repeats its head on each sheet.
		w.start("table", "role", "presentation", "class", "sheet")
		if who != "" {
			w.start("thead")
			w.start("tr", "class", "running", "aria-hidden", "true")
			w.element("td", who)
			w.end()
			w.end()
		}
		w.start("tbody")
		w.start("tr")
		w.start("td", "class", "own")
		switch {
		case t.div != "":
			w.narrative(t.div)
		case len(t.empty) > 0:
			w.start("p")
			t.empty.write(w)
			w.end()
		}
		for range 4 {
			w.end()
		}
		w.line()
	}
	w.end()
	w.line()
}

// lost counts what is in the source and not in the record, or not as it was.
func (p *Page) lost() int {
	n := 0
	for _, l := range p.left {
		if l.State != "folded" {
			n++
		}
	}
	return n
}

// maxLeft is how many places the page lists of each kind; convert --ledger lists all.
const maxLeft = 200

// rest says what is not on the page: what the conversion left out, by the ledger, and what a person does not read.
func (p *Page) rest(w *writer) {
	w.start("section", "aria-labelledby", "left")
	w.element("h2", "Left out", "id", "left")
	if len(p.left) == 0 {
		w.element("p", "Everything that stood in the source is in the record.")
	}
	for _, s := range []struct{ state, title, one string }{
		{"rejected", "Parts that could not be read at all", "part"},
		{"invalid", "Values that could not be read as what they should be", "value"},
		{"unmapped", "Values for which there is no place yet", "value"},
		{"declined", "Values that were left out for a reason", "value"},
		{"folded", "Values that are in the record, but not told apart as they were", "value"},
	} {
		var found []Left
		for _, l := range p.left {
			if l.State == s.state {
				found = append(found, l)
			}
		}
		if len(found) == 0 {
			continue
		}
		w.start("details")
		w.element("summary", s.title+": "+plural(len(found), s.one))
		w.start("ul")
		for _, l := range found[:min(len(found), maxLeft)] {
			w.start("li")
			w.element("code", l.At)
			if len(p.set.sources) > 1 {
				w.text(" of " + l.Source)
			}
			if l.Why != "" {
				w.text(": " + l.Why)
			}
			w.end()
			w.line()
		}
		w.end()
		if n := len(found) - maxLeft; n > 0 {
			w.element("p", fmt.Sprintf("And %d more; chartpost convert --ledger FILE lists all.", n))
		}
		w.end()
		w.line()
	}
	var types []string
	n := 0
	for _, r := range p.list {
		if unshown[r.typ] && r.typ != "Patient" && r.typ != "Composition" && r.typ != "PractitionerRole" && r.typ != "Medication" {
			if n++; !slices.Contains(types, title(r.typ)) {
				types = append(types, title(r.typ))
			}
		}
	}
	slices.Sort(types)
	if n > 0 {
		w.element("p", fmt.Sprintf("Not shown, because it tells how the record was made and not what is in it: %s (%s).", plural(n, "part"), strings.Join(types, ", ")))
	}
	if p.hidden > 0 {
		w.element("p", fmt.Sprintf("Not shown, because only machines read it: %s (ids, versions, extensions, the lines of bills). The files that came with this page hold all.", plural(p.hidden, "value")))
	}
	w.end()
	w.line()
}

func (p *Page) footer(w *writer) {
	w.start("footer")
	w.element("p", "Made by Chartpost from the files named above. Dates are as they were written; nothing was concluded from them. This page loads nothing from elsewhere.")
	w.end()
	w.line()
}
