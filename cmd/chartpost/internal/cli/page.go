package cli

import (
	"fmt"
	"html"
	"strings"
)

// sheet is a page for the printer: one HTML file without scripts or anything from elsewhere. A template would be shorter, but with one
// the linker keeps every method of every FHIR message.
type sheet struct {
	b strings.Builder
}

const sheetStyle = `@page{size:auto;margin:14mm}*{box-sizing:border-box}
body{font:11pt/1.4 system-ui,sans-serif;color:#000;background:#fff;max-width:182mm;margin:0 auto;padding:4mm}
h1{font-size:17pt;margin:0 0 2mm}p{margin:0 0 2mm}ol.words{list-style:none;display:grid;grid-template-columns:repeat(5,1fr);gap:1mm 4mm;padding:0;margin:3mm 0;font:12pt/1.35 ui-monospace,monospace}
ol.words b{display:inline-block;width:8mm;color:#555;font:8pt system-ui,sans-serif}svg{display:block;width:56mm;height:56mm}
.two{display:grid;grid-template-columns:60mm 1fr;gap:6mm;align-items:start;margin:3mm 0}code{font:10pt ui-monospace,monospace;overflow-wrap:anywhere}
table{border-collapse:collapse}td{padding:.6mm 4mm .6mm 0;vertical-align:top}.line{border-bottom:.3mm solid #000;height:8mm}.small{font-size:9pt;color:#333}
@media print{body{padding:0}}`

func newSheet(title string) *sheet {
	s := new(sheet)
	s.printf(`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`+
		`<title>%s</title><style>%s</style></head><body><h1>%[1]s</h1>`, text(title), text(sheetStyle))
	s.b.WriteString("\n")
	return s
}

// text is a string that is text on the page, not markup.
func text(s string) string { return html.EscapeString(s) }

// printf adds markup. What is not markup goes through text first.
func (s *sheet) printf(format string, args ...any) { fmt.Fprintf(&s.b, format, args...) }

func (s *sheet) paragraph(p string) { s.printf("<p>%s</p>\n", text(p)) }

// rows adds a table of names and values, without those that are empty.
func (s *sheet) rows(rows [][2]string) {
	s.printf("<table>\n")
	for _, r := range rows {
		if r[1] != "" {
			s.printf("<tr><td>%s</td><td><b>%s</b></td></tr>\n", text(r[0]), text(r[1]))
		}
	}
	s.printf("</table>\n")
}

func (s *sheet) end() string {
	s.printf("</body></html>\n")
	return s.b.String()
}
