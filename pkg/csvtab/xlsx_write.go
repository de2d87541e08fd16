package csvtab

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"

	"github.com/chartpost/chartpost/pkg/diag"
)

// The writer of workbooks (ECMA-376 part 1, SpreadsheetML). Each sheet is compressed as its rows come, into a Spool of its own, so
// that many sheets can be open at once; Close joins them. Texts stand in their cells: a table of shared strings would have to be
// held in memory.
//
// excelize would do this and more for 5.6 MB of program; its formula engine calls reflect's MethodByName, with which the linker
// keeps every method of every FHIR message too.

// Limits of Excel.
const (
	maxSheetRows  = 1 << 20
	maxSheetCols  = 1 << 14
	maxCellLength = 32767 // UTF-16 units
	maxSheetName  = 31
)

// epoch is the first day of a zip: the same sheets are the same bytes.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// A Spool holds a compressed sheet until the workbook is joined: a temporary file, say.
type Spool interface {
	io.ReadWriteSeeker
	io.Closer
}

// Workbook writes an .xlsx.
type Workbook struct {
	w      io.Writer
	spool  func() (Spool, error)
	sheets []*Sheet
	parts  []*part
	names  map[string]bool
	flate  *flate.Writer // of a part that is closed
	closed bool
}

// NewWorkbook writes to w when it is closed. spool opens a place for a sheet, and what it returns is closed with the workbook; nil is the
// memory, where a million rows of observations take some 60 MB.
func NewWorkbook(w io.Writer, spool func() (Spool, error)) *Workbook {
	if spool == nil {
		spool = func() (Spool, error) { return &memory{}, nil }
	}
	return &Workbook{w: w, spool: spool, names: map[string]bool{}}
}

// Sheet is one table of a workbook.
type Sheet struct {
	book   *Workbook
	name   string
	fields []Field
	part   *part
	parts  int
	rows   int // in the part
	cells  []byte
	closed bool
}

var _ RowWriter = (*Sheet)(nil)

// part is one sheet of the file.
type part struct {
	name  string
	spool Spool
	z     *flate.Writer
	crc   hash.Hash32
	size  uint64
}

func (p *part) Write(b []byte) (int, error) {
	p.crc.Write(b)
	p.size += uint64(len(b))
	return p.z.Write(b)
}

// Sheet begins a sheet. Its name is changed where Excel allows none such: not longer than 31 characters, without []:*?/\, and
// unlike the others. A sheet that grows beyond 1,048,576 rows goes on in another, NAME (2).
func (b *Workbook) Sheet(name string, fields []Field) (*Sheet, error) {
	if len(fields) > maxSheetCols {
		return nil, fmt.Errorf("a sheet has %d columns at most, not %d", maxSheetCols, len(fields))
	}
	s := &Sheet{book: b, name: name, fields: fields}
	b.sheets = append(b.sheets, s)
	return s, s.begin()
}

// unique is a name that Excel allows and that no other sheet has.
func (b *Workbook) unique(name string, number int) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`[]:*?/\`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	name = strings.Trim(name, "'")
	if name == "" || strings.EqualFold(name, "History") { // which Excel keeps for itself
		name += "_"
	}
	for ; ; number++ {
		suffix := ""
		if number > 1 {
			suffix = " (" + strconv.Itoa(number) + ")"
		}
		short := name
		for utf16Len(short) > maxSheetName-len(suffix) {
			_, n := utf8.DecodeLastRuneInString(short)
			short = short[:len(short)-n]
		}
		if key := strings.ToLower(short + suffix); !b.names[key] {
			b.names[key] = true
			return short + suffix
		}
	}
}

// FitsCell reports that a text is not longer than a cell of a workbook can be.
func FitsCell(s string) bool { return len(s) <= maxCellLength || utf16Len(s) <= maxCellLength }

func utf16Len(s string) (n int) {
	for _, r := range s {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}

// The names that the parts of a workbook have in XML.
const (
	mainNS     = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	relationNS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	partTypes  = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	xmlHead    = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
)

const sheetHead = xmlHead + `<worksheet xmlns="` + mainNS + `"><sheetViews><sheetView workbookViewId="0">` +
	`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`

// The styles of cells, by their index in styles.xml; behind them those of numbers with so many decimals.
const (
	styleGeneral = iota
	styleText
	styleDay
	styleDateTime
	styleHeader
	styleDecimals // and 9 more
)

const maxDecimals = 10

// begin begins a part with its header.
func (s *Sheet) begin() error {
	s.parts++
	spool, err := s.book.spool()
	if err != nil {
		return err
	}
	p := &part{name: s.book.unique(s.name, s.parts), spool: spool, crc: crc32.NewIEEE()}
	s.book.parts, s.part, s.rows = append(s.book.parts, p), p, 0
	if p.z = s.book.flate; p.z != nil {
		s.book.flate = nil
		p.z.Reset(spool)
	} else if p.z, err = flate.NewWriter(spool, flate.BestSpeed+1); err != nil {
		return err
	}
	b := append(s.cells[:0], sheetHead...)
	if len(s.fields) > 0 {
		b = append(b, "<cols>"...)
		for i, f := range s.fields {
			style, width := styleText, min(max(utf16Len(f.Name)+2, 10), 40)
			switch f.Kind {
			case Number, Boolean:
				style = styleGeneral
			case Day:
				style = styleDay
			case DateTime:
				style, width = styleDateTime, max(width, 20)
			}
			b = fmt.Appendf(b, `<col min="%d" max="%d" width="%d" style="%d" customWidth="1"/>`, i+1, i+1, width, style)
		}
		b = append(b, "</cols>"...)
	}
	b = append(b, "<sheetData>"...)
	s.cells = b
	if _, err := p.Write(b); err != nil {
		return err
	}
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.Name
	}
	return s.write(names, true)
}

// Row writes one row.
func (s *Sheet) Row(cells []string) error {
	if s.closed {
		return errors.New("the sheet is closed")
	}
	if len(cells) > maxSheetCols {
		return fmt.Errorf("a sheet has %d columns at most, not %d", maxSheetCols, len(cells))
	}
	if s.rows == maxSheetRows {
		if err := s.end(); err != nil {
			return err
		}
		if err := s.begin(); err != nil {
			return err
		}
	}
	return s.write(cells, false)
}

func (s *Sheet) write(cells []string, header bool) error {
	s.rows++
	b := append(s.cells[:0], `<row r="`...)
	b = strconv.AppendInt(b, int64(s.rows), 10)
	b = append(b, `">`...)
	for i, c := range cells {
		if c == "" {
			continue
		}
		if !FitsCell(c) {
			at := diag.Place{Path: fmt.Sprintf("sheet %s, row %d, column %d", s.part.name, s.rows, i+1)}
			if i < len(s.fields) {
				at.Path = fmt.Sprintf("sheet %s, row %d, column %s", s.part.name, s.rows, s.fields[i].Name)
			}
			s.rows--
			return diag.New(CellTooLong, at, "")
		}
		b = append(b, `<c r="`...)
		b = appendColumn(b, i)
		b = strconv.AppendInt(b, int64(s.rows), 10)
		kind := Text
		if i < len(s.fields) && !header {
			kind = s.fields[i].Kind
		}
		style := styleText
		if header {
			style = styleHeader
		}
		b = appendCell(b, c, kind, style)
	}
	b = append(b, "</row>"...)
	s.cells = b
	_, err := s.part.Write(b)
	return err
}

// appendColumn appends the letters of a column: A, Z, AA.
func appendColumn(b []byte, i int) []byte {
	if i >= 26 {
		b = appendColumn(b, i/26-1)
	}
	return append(b, byte('A'+i%26))
}

// appendCell appends a cell from behind its place. What is not exactly a value of its kind is text.
func appendCell(b []byte, s string, kind Kind, style int) []byte {
	value := func(style int, v string) []byte {
		b = append(b, `" s="`...)
		b = strconv.AppendInt(b, int64(style), 10)
		b = append(append(append(b, `"><v>`...), v...), "</v></c>"...)
		return b
	}
	switch kind {
	case Number:
		if decimals, ok := exactNumber(s); ok && decimals == 0 {
			return value(styleGeneral, s)
		} else if ok {
			return value(styleDecimals+decimals-1, s)
		}
	case Boolean:
		if s == "true" || s == "false" || s == "TRUE" || s == "FALSE" {
			v := "0"
			if s[0]|0x20 == 't' {
				v = "1"
			}
			return append(append(append(b, `" t="b"><v>`...), v...), "</v></c>"...)
		}
	case Day, DateTime:
		if v, style, ok := exactDate(s, kind); ok {
			return value(style, v)
		}
	}
	b = append(b, `" s="`...)
	b = strconv.AppendInt(b, int64(style), 10)
	b = append(b, `" t="inlineStr"><is><t`...)
	if _, wrapped := unwrap(s); wrapped { // a text is no formula here, but the reader would take this for one that was marked as text
		s = "'" + s
	}
	if s[0] <= ' ' || s[len(s)-1] <= ' ' || strings.IndexByte(s, '\n') >= 0 {
		b = append(b, ` xml:space="preserve"`...)
	}
	b = append(b, '>')
	b = appendText(b, s)
	return append(b, "</t></is></c>"...)
}

// exactNumber reports whether a number cell brings s back as it is: 15 digits are enough for it, and no zero before it. Zeros at the end
// of its decimals are kept by the format of the cell; decimals is how many it must show, 0 if none needs that.
func exactNumber(s string) (decimals int, ok bool) {
	t := strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(t, ".")
	if !isDigits(whole) || len(whole) > 1 && whole[0] == '0' || point && !isDigits(fraction) || len(fraction) > maxDecimals ||
		len(whole)+len(fraction) > 15 {
		return 0, false
	}
	if len(t) < len(s) && strings.Trim(t, "0.") == "" { // -0
		return 0, false
	}
	if point && fraction[len(fraction)-1] == '0' {
		return len(fraction), true
	}
	return 0, true
}

// exactDate is the number of a date, if a date cell brings it back as it is.
func exactDate(s string, kind Kind) (v string, style int, ok bool) {
	if len(s) != 10 && (len(s) != 19 || kind != DateTime || s[10] != 'T') {
		return "", 0, false
	}
	w := scanDate(s)
	d := w.date
	if w.shape != plainDay || d.String() != s || d.Year < 1900 || d.Year == 1900 && d.Month < 3 || d.Year > 9999 {
		return "", 0, false
	}
	days := daysSince1970(d.Year, d.Month, d.Day) + 25569
	if !d.HasTime() {
		return strconv.Itoa(days), styleDay, true
	}
	sec := atoi(d.Second)
	if sec > 59 {
		return "", 0, false
	}
	at := float64(days) + float64(d.Hour*3600+d.Minute*60+sec)/86400
	return strconv.FormatFloat(at, 'f', -1, 64), styleDateTime, true
}

// appendText escapes a text for XML, and what XML cannot hold as _xHHHH_ (ECMA-376 part 1, 22.9.2.19).
func appendText(b []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		esc, n := "", 1
		switch {
		case c == '&':
			esc = "&amp;"
		case c == '<':
			esc = "&lt;"
		case c == '>':
			esc = "&gt;"
		case c == '_' && isEscape(s[i:]):
			esc = "_x005F_"
		case c < ' ' && c != '\t' && c != '\n':
			esc = fmt.Sprintf("_x%04X_", c)
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			n = size
			if r == 0xfffe || r == 0xffff {
				esc = fmt.Sprintf("_x%04X_", r)
			} else if r == utf8.RuneError && size == 1 {
				esc = "\uFFFD"
			}
		}
		if esc != "" {
			b = append(append(b, s[from:i]...), esc...)
			from = i + n
		}
		i += n
	}
	return append(b, s[from:]...)
}

// isEscape reports whether s begins with _xHHHH_.
func isEscape(s string) bool {
	if len(s) < 7 || s[0] != '_' || s[1] != 'x' || s[6] != '_' {
		return false
	}
	for _, c := range []byte(s[2:6]) {
		if !digit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// end ends the part.
func (s *Sheet) end() error {
	b := append(s.cells[:0], "</sheetData>"...)
	if n := len(s.fields); n > 0 { // no green corners on identifiers
		b = append(b, `<ignoredErrors><ignoredError sqref="A1:`...)
		b = appendColumn(b, n-1)
		b = strconv.AppendInt(b, int64(s.rows), 10)
		b = append(b, `" numberStoredAsText="1"/></ignoredErrors>`...)
	}
	b = append(b, "</worksheet>"...)
	if _, err := s.part.Write(b); err != nil {
		return err
	}
	err := s.part.z.Close()
	s.book.flate, s.part.z = s.part.z, nil
	return err
}

// Close ends the sheet; the workbook's Close does it too.
func (s *Sheet) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return s.end()
}

// Close writes the workbook and closes the spools. A workbook without a sheet gets an empty one, since there is none without. It does not
// close what it is written to.
func (b *Workbook) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	err := b.join()
	for _, p := range b.parts {
		err = errors.Join(err, p.spool.Close())
	}
	return err
}

// Discard closes the spools and writes nothing.
func (b *Workbook) Discard() error {
	b.closed = true
	var err error
	for _, p := range b.parts {
		err = errors.Join(err, p.spool.Close())
	}
	return err
}

func (b *Workbook) join() error {
	if len(b.sheets) == 0 {
		if _, err := b.Sheet("Sheet1", nil); err != nil {
			return err
		}
	}
	for _, s := range b.sheets {
		if err := s.Close(); err != nil {
			return err
		}
	}
	z := zip.NewWriter(b.w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed+1) })
	var types, sheets, rels bytes.Buffer
	relation := func(i int, kind, target string) {
		fmt.Fprintf(&rels, `<Relationship Id="rId%d" Type="%s/%s" Target="%s"/>`, i, relationNS, kind, target)
	}
	for i, p := range b.parts {
		fmt.Fprintf(&types, `<Override PartName="/%s" ContentType="%sworksheet+xml"/>`, sheetPart(i), partTypes)
		name := strings.ReplaceAll(string(appendText(nil, p.name)), `"`, "&quot;")
		fmt.Fprintf(&sheets, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, name, i+1, i+1)
		relation(i+1, "worksheet", strings.TrimPrefix(sheetPart(i), "xl/"))
	}
	relation(len(b.parts)+1, "styles", "styles.xml")
	const package2006 = "http://schemas.openxmlformats.org/package/2006/"
	const relations = `<Relationships xmlns="` + package2006 + `relationships">`
	for _, m := range [...]struct{ name, text string }{
		{"[Content_Types].xml", `<Types xmlns="` + package2006 + `content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="` + partTypes + `sheet.main+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="` + partTypes + `styles+xml"/>` + types.String() + `</Types>`},
		{"_rels/.rels", relations + `<Relationship Id="rId1" Type="` + relationNS + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook xmlns="` + mainNS + `" xmlns:r="` + relationNS + `"><bookViews><workbookView/></bookViews><sheets>` +
			sheets.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", relations + rels.String() + `</Relationships>`},
		{"xl/styles.xml", styles()},
	} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: epoch})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, xmlHead+m.text); err != nil {
			return err
		}
	}
	for i, p := range b.parts {
		size, err := p.spool.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if _, err := p.spool.Seek(0, io.SeekStart); err != nil {
			return err
		}
		w, err := z.CreateRaw(&zip.FileHeader{Name: sheetPart(i), Method: zip.Deflate, Modified: epoch,
			CRC32: p.crc.Sum32(), CompressedSize64: uint64(size), UncompressedSize64: p.size})
		if err != nil {
			return err
		}
		if n, err := io.Copy(w, p.spool); err != nil {
			return err
		} else if n != size {
			return io.ErrUnexpectedEOF
		}
	}
	return z.Close()
}

func sheetPart(i int) string { return fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1) }

// styles is the part with the formats of cells: the constants above are its indexes.
func styles() string {
	var formats, cells strings.Builder
	formats.WriteString(`<numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/><numFmt numFmtId="165" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/>`)
	for i := range maxDecimals {
		fmt.Fprintf(&formats, `<numFmt numFmtId="%d" formatCode="0.%s"/>`, 166+i, strings.Repeat("0", i+1))
		fmt.Fprintf(&cells, `<xf numFmtId="%d" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>`, 166+i)
	}
	return fmt.Sprintf(`<styleSheet xmlns="%s"><numFmts count="%d">`, mainNS, 2+maxDecimals) + formats.String() + `</numFmts>` +
		`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
		fmt.Sprintf(`<cellXfs count="%d">`, styleDecimals+maxDecimals) +
		`<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
		`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>` +
		cells.String() + `</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`
}

// memory is a Spool in memory.
type memory struct {
	b  []byte
	at int
}

func (m *memory) Write(p []byte) (int, error) {
	m.b = append(m.b, p...)
	return len(p), nil
}

func (m *memory) Read(p []byte) (int, error) {
	if m.at == len(m.b) {
		return 0, io.EOF
	}
	n := copy(p, m.b[m.at:])
	m.at += n
	return n, nil
}

func (m *memory) Seek(offset int64, whence int) (int64, error) {
	at := offset
	switch whence {
	case io.SeekCurrent:
		at += int64(m.at)
	case io.SeekEnd:
		at += int64(len(m.b))
	}
	if at < 0 || at > int64(len(m.b)) {
		return 0, errors.New("out of range")
	}
	m.at = int(at)
	return at, nil
}

func (m *memory) Close() error {
	m.b = nil
	return nil
}
