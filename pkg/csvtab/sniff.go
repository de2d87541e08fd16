package csvtab

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chartpost/chartpost/pkg/diag"
)

// Sniffing: what the first 64 KiB of a file say of it.

const sniffLen = 64 << 10

// delimiters in the order of preference where two fit equally well.
var delimiters = []byte{',', ';', '\t', '|', 0x1f, '^', '~', ':'}

// Sniff reports whether a source that begins with head (64 KiB do) looks like a table: a workbook, or text in which a delimiter makes
// rows of equal length. Formats that are surer of themselves are asked before.
func Sniff(head []byte) bool {
	if k := kindOf(head); k == workbook || k == oldWorkbook {
		return true
	} else if k != text {
		return false
	}
	h := bytes.TrimLeft(head, "\ufeff\x0b \t\r\n")
	if len(h) == 0 || h[0] == '{' || h[0] == '[' || slices.Contains([]string{"MSH", "FHS", "BHS"}, string(h[:min(3, len(h))])) {
		return false
	}
	s, ok := decodeHead(head)
	if !ok {
		return false
	}
	if _, _, ok := sepLine(s); ok {
		return true
	}
	d := sniffText(s, 0)
	return d.width >= 2 && d.sure
}

type kind uint8

const (
	text kind = iota
	workbook
	oldWorkbook // .xls, or an encrypted .xlsx: both are OLE compound files
	archive
	markup
	document // PDF, RTF
	binary
)

func kindOf(head []byte) kind {
	h := bytes.TrimLeft(head, "\ufeff \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		if bytes.Contains(head, []byte("xl/")) || bytes.Contains(head, []byte("[Content_Types].xml")) ||
			bytes.Contains(head[:min(len(head), 200)], []byte("opendocument.spreadsheet")) || bytes.Contains(head, []byte("Index/Document.iwa")) {
			return workbook
		}
		return archive
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return oldWorkbook
	case bytes.HasPrefix(head, []byte("\x1f\x8b")), bytes.HasPrefix(head, []byte("7z\xbc\xaf")),
		bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return archive
	case bytes.HasPrefix(h, []byte("%PDF-")), bytes.HasPrefix(h, []byte(`{\rtf`)):
		return document
	case len(h) > 1 && h[0] == '<' && (asciiLetter(h[1]) || h[1] == '!' || h[1] == '?'):
		return markup
	}
	if e, _ := markOf(head); e != nil || unmarked16(head) != nil {
		return text
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return binary
	}
	return text
}

// oleHas reports whether a compound file has a stream or storage of a name in its directory.
func oleHas(b []byte, name string) bool {
	wide := make([]byte, 0, 2*len(name))
	for i := range len(name) {
		wide = append(wide, name[i], 0)
	}
	return bytes.Contains(b, wide)
}

// decodeHead is the beginning of a text in UTF-8, whole characters only.
func decodeHead(head []byte) (string, bool) {
	e, n := markOf(head)
	if e == nil {
		if e = unmarked16(head); e == nil {
			if e = utf8Encoding; !validPrefix(head) {
				e = windows1252
			}
		}
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(e.reader(bytes.NewReader(head[n:]))); err != nil {
		return "", false
	}
	s := b.String()
	for range utf8.UTFMax {
		if r, n := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && n == 1 {
			s = s[:len(s)-1]
		}
	}
	return s, true
}

// validPrefix reports whether b is UTF-8, cut off anywhere.
func validPrefix(b []byte) bool {
	for i := 0; i < utf8.UTFMax && i <= len(b); i++ {
		if utf8.Valid(b[:len(b)-i]) {
			return i == 0 || !utf8.FullRune(b[len(b)-i:])
		}
	}
	return false
}

// sepLine reads the line sep=; with which a spreadsheet is told the delimiter. rest is what follows it.
func sepLine(s string) (comma byte, rest string, ok bool) {
	line, rest, _ := strings.Cut(s, "\n")
	if l, r, cr := strings.Cut(line, "\r"); cr && r != "" { // line ends of the old Mac
		line, rest = l, s[len(l)+1:]
	}
	line = strings.TrimRight(line, "\r")
	if len(line) >= 2 && line[0] == '"' && line[len(line)-1] == '"' {
		line = line[1 : len(line)-1]
	}
	// Some write the delimiters of the other cells behind it: sep=;;;;
	if len(line) < 5 || !strings.EqualFold(line[:4], "sep=") || line[4] >= utf8.RuneSelf || strings.Trim(line[5:], line[4:5]) != "" {
		return 0, s, false
	}
	return line[4], rest, true
}

// lineEnd is what ends the lines of a text.
func lineEnd(s string) string {
	switch i := strings.IndexByte(s, '\n'); {
	case i > 0 && s[i-1] == '\r':
		return "\r\n"
	case i < 0 && strings.IndexByte(strings.TrimRight(s, "\r"), '\r') >= 0:
		return "\r"
	}
	return "\n"
}

func eolOf(end string) byte { return end[len(end)-1] }

// guessed is what sniffing found.
type guessed struct {
	comma  byte
	width  int      // cells of most rows
	sure   bool     // rows agree well enough to call it a table
	rival  byte     // another delimiter that fits as well
	rows   []rawRow // the rows of the head, the last left out if it may be cut
	eol    byte
	single bool // no delimiter makes more than one column
}

// sniffText finds the delimiter: the one with which, quotes honoured, most rows have the same number of cells, more than one, and among
// those that the first row of that length has too. comma is the delimiter if it is known.
func sniffText(s string, comma byte) guessed {
	end := lineEnd(s)
	candidates := delimiters
	if comma != 0 {
		candidates = []byte{comma}
	}
	best, bestScore, second := guessed{comma: ',', single: true, eol: eolOf(end)}, 0.0, 0.0
	for _, c := range candidates {
		rows := headRows(s, c, eolOf(end))
		width, agree, filled := mode(rows)
		if width < 2 && comma == 0 || len(rows) == 0 {
			continue
		}
		// Agreement counts most: 0.9 of the rows with 3 cells are better than half of them with 30.
		score := float64(agree) / float64(filled)
		score = score * score * (2 - 1/float64(width))
		switch c {
		case ':', '^', '~': // they stand in times and messages: they must be without fault
			if agree < filled || filled < 2 || width < 3 {
				continue
			}
			score *= 0.5
		}
		g := guessed{comma: c, width: width, rows: rows, eol: eolOf(end), sure: agree*10 >= (filled-titles(rows, width))*7 && (filled > 1 || width > 2)}
		if score > bestScore*1.0001 {
			g.rival = best.comma
			second, bestScore, best = bestScore, score, g
		} else if score > second {
			best.rival, second = c, score
		}
	}
	if best.single {
		best.rows = headRows(s, best.comma, best.eol)
		best.width, _, _ = mode(best.rows)
		best.width = max(best.width, 1)
		best.rival = 0
	} else if second < bestScore*0.95 {
		best.rival = 0
	}
	return best
}

// headRows are the rows of a head that holds whole characters.
func headRows(s string, comma, eol byte) []rawRow {
	const most = 1000
	t := textReader{r: strings.NewReader(""), comma: comma, quote: '"', eol: eol, max: len(s), look: sniffLen / 2, text: s,
		quoteAt: -1, eof: true}
	var rows []rawRow
	for len(rows) < most {
		r, ok, err := t.next()
		if !ok || err != nil {
			break
		}
		kept := *r
		kept.cells = append([]Cell(nil), r.cells...)
		rows = append(rows, kept)
	}
	if len(rows) > 1 && len(rows) < most && len(s) >= sniffLen-utf8.UTFMax {
		rows = rows[:len(rows)-1] // it may be cut
	}
	return rows
}

// mode is the number of cells that most rows have, how many have it, and how many rows are not blank. Rows of one cell, titles and remarks,
// count half, and not at all for the number where two rows agree on another.
func mode(rows []rawRow) (width, agree, filled int) {
	count := map[int]int{}
	for _, r := range rows {
		if n := cellsOf(&r); n > 0 {
			count[len(r.cells)]++
			filled++
		}
	}
	one := count[1]
	delete(count, 1)
	for w, n := range count {
		if n > agree || n == agree && w > width {
			width, agree = w, n
		}
	}
	if agree < 2 && one > agree {
		return 1, one, filled
	}
	return width, agree, filled - one/2
}

// titles counts the lines of one cell above a header of at least three names, as far as mode has counted them: a report of few rows may have
// more of them than rows.
func titles(rows []rawRow, width int) int {
	above := 0
	for i := range rows {
		switch n := len(rows[i].cells); {
		case cellsOf(&rows[i]) == 0:
		case n == 1 && above < mostTitles:
			above++
		case n == width && width >= 3 && cellsOf(&rows[i])*2 > width && isHeader(rows[i:], width):
			return above - above/2
		default:
			return 0
		}
	}
	return 0
}

// mostTitles is how many lines may stand above a header.
const mostTitles = 20

// cellsOf counts the cells that are not blank, nor a wrapped nothing.
func cellsOf(r *rawRow) (n int) {
	for i := range r.cells {
		s := r.cells[i].Text
		if s != "" && (s[0] == '=' || s[0] == '\'') {
			s, _ = unwrap(s)
		}
		if s != "" && (plain(s[0]) || !isBlank(s)) {
			n++
		}
	}
	return n
}

// class is the kind of value that a cell holds, for telling a header from data.
type class uint8

const (
	blankCell class = iota
	wordCell        // what could be a name
	valueCell       // a number, a date, an identifier, a long text: no header has such names
)

func classOf(s string) class {
	s = trim(s)
	if s == "" {
		return blankCell
	}
	if len(s) > 80 || isNumber(s, true) || isErrorValue(s) {
		return valueCell
	}
	if _, ok := parseDate(s, &Dates{Order: MDY, Pivot: PivotYear}, false); ok {
		return valueCell
	}
	if _, ok := parseDate(s, &Dates{Order: DMY, Pivot: PivotYear}, false); ok {
		return valueCell
	}
	letters, digits := 0, 0
	for _, r := range s {
		switch {
		case unicode.IsLetter(r):
			letters++
		case unicode.IsDigit(r):
			digits++
		}
	}
	if letters == 0 || digits > letters && digits > 3 || strings.ContainsRune(s, '@') {
		return valueCell
	}
	return wordCell
}

// isHeader decides whether the first of the rows names the columns of those below.
func isHeader(rows []rawRow, width int) bool {
	head := rows[0]
	words, values := 0, 0
	known := 0
	seen := map[string]bool{}
	twice := 0
	for _, c := range head.cells {
		switch classOf(c.Text) {
		case wordCell:
			words++
			key := strings.ToLower(trim(c.Text))
			if seen[key] {
				twice++
			}
			seen[key] = true
			if namesColumn(c.Text) {
				known++
			}
		case valueCell:
			values++
		}
	}
	if words == 0 || values > 0 && values*4 >= words+values {
		return false
	}
	if known*3 >= words {
		return true
	}
	// Where a column below holds values, a word above it is its name.
	typed, same := 0, 0
	below := rows[1:min(len(rows), 60)]
	for i := range min(width, len(head.cells)) {
		v, n := 0, 0
		for _, r := range below {
			if i < len(r.cells) {
				switch classOf(r.cells[i].Text) {
				case valueCell:
					v, n = v+1, n+1
				case wordCell:
					n++
					if trim(r.cells[i].Text) == trim(head.cells[i].Text) {
						same++
					}
				}
			}
		}
		if n > 0 && v*10 >= n*8 && classOf(head.cells[i].Text) == wordCell {
			typed++
		}
	}
	if typed > 0 {
		return true
	}
	// All words above and below: a header repeats nothing, not itself nor what is below it, and leaves nothing blank.
	return known > 0 || len(below) > 0 && same == 0 && twice == 0 && words == width
}

// namesColumn reports a text with a word of which column names are made.
func namesColumn(s string) bool {
	for _, part := range strings.FieldsFunc(splitCase(trim(s)), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if headerWords[strings.ToLower(part)] {
			return true
		}
	}
	return false
}

// layout is where the header and the data of a table begin, by row number.
type layout struct {
	header  int      // 0: none
	headers int      // rows of the header: 2 under merged cells
	first   int      // row number of the first row of data
	skipped int      // rows before the header, or the data, that are not blank
	names   []string // of a header of two rows
}

// lay finds the header in the first rows: below lines that hold much less than a row does, a title.
func lay(rows []rawRow, width int, o *Options) layout {
	i, skipped := 0, 0
	for i < len(rows) && (rows[i].number <= o.Skip || cellsOf(&rows[i]) == 0) {
		if cellsOf(&rows[i]) > 0 {
			skipped++
		}
		i++
	}
	if i >= len(rows) {
		return layout{first: o.Skip + 1, skipped: skipped}
	}
	named := func(i, skipped int) layout {
		return layout{header: rows[i].number, headers: 1, first: rows[i].number + 1, skipped: skipped}
	}
	if o.Header == HeaderYes {
		return named(i, skipped)
	}
	if o.Header == HeaderAuto {
		title := 0
		for j := i; j < len(rows) && j < i+mostTitles; j++ {
			if n := cellsOf(&rows[j]); n == 0 {
				continue
			} else if width >= 3 && (n == 1 || n*3 < width && len(rows[j].cells) != width) {
				title++
				continue
			}
			if names := underGroups(rows[j:]); names != nil {
				l := named(j+1, skipped+title)
				l.headers, l.names = 2, names
				return l
			}
			if isHeader(rows[j:], width) {
				return named(j, skipped+title)
			}
			break
		}
		if isHeader(rows[i:], width) {
			return named(i, skipped)
		}
	}
	return layout{first: rows[i].number, skipped: skipped}
}

// underGroups are the names of columns where the first row has names of groups of them, "Address,,,Phone,", and the second the columns' own. A
// name that stands twice has its group's name before it. nil if the rows are no such header.
func underGroups(rows []rawRow) []string {
	if len(rows) < 2 || rows[1].number != rows[0].number+1 || len(rows[0].cells) != len(rows[1].cells) {
		return nil
	}
	upper, lower := rows[0].cells, rows[1].cells
	groups, below, known := 0, 0, 0
	count := map[string]int{}
	for i := range upper {
		switch classOf(upper[i].Text) {
		case valueCell:
			return nil
		case wordCell:
			groups++
		}
		switch classOf(lower[i].Text) {
		case valueCell:
			return nil
		case wordCell:
			below++
			count[strings.ToLower(trim(lower[i].Text))]++
			if namesColumn(lower[i].Text) {
				known++
			}
		case blankCell:
			if !isBlank(upper[i].Text) {
				return nil // a value below it is missing: these are a header and a row
			}
		}
	}
	// The second row must name columns by its own words: a header that leaves some out and a first row of words are no such pair.
	if groups == 0 || groups*3 > below*2 || known*2 < below || below < 3 {
		return nil
	}
	names := make([]string, len(lower))
	group := ""
	for i := range lower {
		if s := trim(upper[i].Text); s != "" {
			group = s
		}
		names[i] = trim(lower[i].Text)
		if count[strings.ToLower(names[i])] > 1 && group != "" {
			names[i] = group + " " + names[i]
		}
	}
	return names
}

// refusal is why a file that is no text and no workbook cannot be read.
func refusal(k kind, name string, head []byte) *diag.Finding {
	at := diag.Place{Source: name}
	switch k {
	case oldWorkbook:
		if oleHas(head, "EncryptedPackage") || oleHas(head, "EncryptionInfo") {
			return diag.New(LockedWorkbook, at, "")
		}
		for _, stream := range []string{"WordDocument", "PowerPoint Document", "__nameid_version1.0"} { // the last of a mail of Outlook
			if oleHas(head, stream) {
				return diag.New(ForPeople, at, "the file is a document or a mail of an Office program, not a record that programs read")
			}
		}
		return diag.New(OldWorkbook, at, "")
	case archive:
		return diag.New(NoTable, at, "the file is an archive, no table")
	case markup:
		what := "the file is a page or document of markup, no table"
		switch {
		case bytes.Contains(head, []byte("urn:schemas-microsoft-com:office:spreadsheet")):
			what = "the file is a spreadsheet in the XML of Excel 2003"
		case bytes.Contains(bytes.ToLower(head), []byte("<table")):
			what = "the file is a web page with a table in it, whatever its name says"
		}
		return diag.New(NoTable, at, "%s", what)
	case document:
		return diag.New(NoTable, at, "the file is a PDF or a text document, no table")
	}
	return diag.New(Binary, at, "")
}
