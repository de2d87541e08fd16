package journal

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// Pages to print: self-contained, without script; their one style is named by its hash.

const pageStyle = `body{font:11pt/1.45 sans-serif;max-width:19cm;margin:1.5cm auto;padding:0 .5cm;color:#111}
h1{font-size:17pt;margin:0 0 .2em}h2{font-size:12pt;margin:1.6em 0 .4em}p{margin:.4em 0}
.result{border:2pt solid #111;padding:.5em .8em;font-size:14pt;font-weight:bold;margin:1em 0;display:inline-block}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25em .5em;border-bottom:.5pt solid #999}
.facts th{width:10em;font-weight:normal;color:#444}code{font-size:8.5pt;overflow-wrap:anywhere}pre{font-size:7.5pt;white-space:pre-wrap;overflow-wrap:anywhere;border:.5pt solid #999;padding:.6em}
@media print{body{margin:0;max-width:none}}`

func pageHead(b *strings.Builder, title string) {
	sum := sha256.Sum256([]byte(pageStyle))
	fmt.Fprintf(b, `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'">
<title>%s</title><style>%s</style></head><body>
<h1>%s</h1>
`, base64.StdEncoding.EncodeToString(sum[:]), html.EscapeString(title), pageStyle, html.EscapeString(title))
}

func facts(b *strings.Builder, rows ...[2]string) {
	b.WriteString("<table class=\"facts\">\n")
	for _, r := range rows {
		if r[1] == "" {
			continue
		}
		value := html.EscapeString(r[1])
		if len(r[1]) >= 32 && !strings.Contains(r[1], " ") {
			value = "<code>" + value + "</code>"
		}
		fmt.Fprintf(b, "<tr><th scope=\"row\">%s</th><td>%s</td></tr>\n", html.EscapeString(r[0]), value)
	}
	b.WriteString("</table>\n")
}

// pageTime is a time as a page has it.
const pageTime = "2006-01-02 15:04:05 UTC"

// confirmation is what a confirmation page says, as pairs of a name and a value.
func (d *Delivery) confirmation() (result string, rows [][2]string) {
	b := d.Body
	rows = [][2]string{
		{"To", joined(", ", d.Peer.Name, d.Peer.Address, d.Peer.City)},
		{"Sealed", d.Sealed.UTC().Format(pageTime)},
		{"Purpose", b.Purpose},
		{"Contents", b.What},
		{"Files", fmt.Sprintf("%d", b.Files)},
		{"Bytes", fmt.Sprintf("%d", b.Bytes)},
		{"Number", fmt.Sprintf("%d", b.Seq)},
		{"Package", d.Package},
	}
	if d.Receipt == nil {
		return "NOT CONFIRMED", rows
	}
	r := d.Receipt
	return "DELIVERED AND OPENED", append(rows,
		[2]string{"Opened", r.Time.UTC().Format(pageTime) + " (the recipient's clock)"},
		[2]string{"Opened by", joined(", ", r.By.Name, r.By.City)},
		[2]string{"Receipt added", d.Added.UTC().Format(pageTime)},
		[2]string{"Checked there", "signature, sender, recipient, and the digest of every file, before anything was unpacked"},
		[2]string{"SHA256SUMS", r.Sums},
		[2]string{"Package file", r.Cipher},
		[2]string{"Signing key", r.By.Sign},
	)
}

// WriteConfirmation writes the page that takes the place of a fax machine's confirmation sheet.
func (d *Delivery) WriteConfirmation(w io.Writer, from string) error {
	result, rows := d.confirmation()
	var b strings.Builder
	pageHead(&b, "Delivery confirmation")
	fmt.Fprintf(&b, "<p class=\"result\">Result: %s</p>\n", html.EscapeString(result))
	facts(&b, append([][2]string{{"From", from}}, rows...)...)
	if d.Receipt != nil {
		fmt.Fprintf(&b, "<h2>Receipt, signed by the recipient</h2>\n<p>To check it: save the text up to the line that begins with -----BEGIN as receipt.json, "+
			"the rest as receipt.json.sig, and run <code>ssh-keygen -Y verify -f allowed_signers -I recipient -n %s -s receipt.json.sig &lt; receipt.json</code></p>\n<pre>%s</pre>\n",
			seal.NamespaceReceipt, html.EscapeString(d.Proof))
	}
	b.WriteString("</body></html>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteConfirmationText is WriteConfirmation as plain text.
func (d *Delivery) WriteConfirmationText(w io.Writer, from string) error {
	result, rows := d.confirmation()
	var b strings.Builder
	fmt.Fprintf(&b, "DELIVERY CONFIRMATION\n\n%-15s %s\n%-15s %s\n", "Result", result, "From", from)
	for _, r := range rows {
		if r[1] != "" {
			fmt.Fprintf(&b, "%-15s %s\n", r[0], r[1])
		}
	}
	if d.Receipt != nil {
		fmt.Fprintf(&b, "\nReceipt, signed by the recipient:\n\n%s", d.Proof)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Account is an accounting of disclosures as it is handed out.
type Account struct {
	From     string // whose disclosures they are
	Patients []Patient
	Since    time.Time
	Made     time.Time
	All      bool // those too that the rule does not ask for
	Nameless int
	List     []Disclosure
}

// WriteHTML writes the accounting as a page to print.
func (a *Account) WriteHTML(w io.Writer) error {
	var b strings.Builder
	pageHead(&b, "Accounting of disclosures")
	names := make([]string, len(a.Patients))
	for i, p := range a.Patients {
		names[i] = p.String()
	}
	facts(&b, [2]string{"Patient", strings.Join(names, "; ")}, [2]string{"Disclosed by", a.From},
		[2]string{"Period", a.Since.UTC().Format(time.DateOnly) + " to " + a.Made.UTC().Format(time.DateOnly)},
		[2]string{"Holds", a.holds()}, [2]string{"Made", a.Made.UTC().Format(pageTime)})
	if len(a.List) == 0 {
		b.WriteString("<p>No disclosures in this period.</p>\n")
	} else {
		b.WriteString("<h2>Disclosures</h2>\n<table>\n<tr><th>Date</th><th>To</th><th>What</th><th>Why</th><th>Package</th></tr>\n")
		for i := range a.List {
			d := &a.List[i]
			row := d.row()
			why := []string{d.Purpose, d.Basis, d.Emergency}
			if d.Part2 {
				why = append(why, pack.Part2Notice)
			}
			for k, cell := range []string{row[0], d.Name + "\n" + row[2], d.What, joined("\n", why...), pack.ShortID(d.Package)} {
				if k == 0 {
					b.WriteString("<tr>")
				}
				fmt.Fprintf(&b, "<td>%s</td>", strings.ReplaceAll(html.EscapeString(cell), "\n", "<br>"))
			}
			b.WriteString("</tr>\n")
		}
		b.WriteString("</table>\n")
	}
	if a.Nameless > 0 {
		fmt.Fprintf(&b, "<p>In this period the log holds %d more that do not say whom they are about.</p>\n", a.Nameless)
	}
	b.WriteString("</body></html>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *Account) holds() string {
	if a.All {
		return "every disclosure in the log"
	}
	return "what 45 CFR 164.528 and 42 CFR 2.25 ask for: not treatment, payment, operations, disclosures to the patient and authorized ones"
}
