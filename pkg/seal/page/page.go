// Package page writes the page that opens a package with a passphrase in a browser (docs/format.md, Page): one HTML file, with the package in
// it or beside it, that needs no network and no other program.
//
// Its script is page_gen.js, which internal/gen/agejs makes of page.js and of age-encryption, the TypeScript implementation of age. The page's
// Content-Security-Policy names it by hash; it allows this page's style and that of a record (pkg/view), and nothing else.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"
	"sync"

	"github.com/chartpost/chartpost/internal/squeezed"
)

//go:embed page_gen.js.gz
var scriptGz string

var script = sync.OnceValue(func() string { return squeezed.Text(scriptGz) })

// MaxInside is the size from which a package does not stand in the page but beside it: browsers hold all of it in memory, several times.
const MaxInside = 20 << 20

// Page is what is written around a package.
type Page struct {
	Package    string   // what the package is called when it is saved or picked: chartpost-DATE-ID.zip.age
	Inside     bool     // it stands in the page
	Words      []string // those that a passphrase is made of
	RecordHash string   // the style of the record in it, as a Content-Security-Policy names it: 'sha256-...'
}

const style = `:root{color-scheme:light}*{box-sizing:border-box}[hidden]{display:none!important}
body{margin:0;font:1.05rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;color:#1a1a1a;background:#fff;overflow-wrap:break-word}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1.25rem}h1{font-size:1.7rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1.25rem;margin:2rem 0 .5rem}
label{display:block;font-weight:700;margin:1rem 0 .25rem}input{font:inherit;padding:.5rem .6rem;border:2px solid #5b616b;border-radius:.3rem}#typed,#file{width:100%}
button{font:inherit;font-weight:700;margin-top:1rem;padding:.55rem 1.6rem;color:#fff;background:#0b4778;border:2px solid #0b4778;border-radius:.3rem}button:disabled{background:#5b616b;border-color:#5b616b}
:focus-visible{outline:3px solid #b35900;outline-offset:2px}a{color:#0b4778}.note{background:#fff4e0;border-left:4px solid #b35900;padding:.5rem .75rem}
#said{min-height:1.6em;margin:.75rem 0;font-weight:700}#said.trouble{color:#8b0a03}dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem 1rem}dt{color:#444}dd{margin:0}
iframe{width:100%;height:85vh;border:2px solid #5b616b;border-radius:.3rem}code{background:#eef1f5;padding:.05rem .3rem;overflow-wrap:anywhere}small{color:#444}
@media (max-width:40rem){dl{grid-template-columns:minmax(0,1fr)}}`

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// policy is what the page may do. The record is shown within it, in a frame without scripts, and is bound by this policy and its own.
func (p *Page) policy() string {
	styles := hash(style)
	if p.RecordHash != "" {
		styles += " " + p.RecordHash
	}
	return "default-src 'none'; script-src " + hash(script()) + "; style-src " + styles + "; img-src data:; base-uri 'none'; form-action 'none'"
}

// Write writes the page. sealed is the package, which is read if it stands inside; of one beside it sealed may be nil.
func (p *Page) Write(w io.Writer, sealed io.Reader) error {
	before, after := p.parts()
	if _, err := io.WriteString(w, before); err != nil {
		return err
	}
	if p.Inside {
		enc := base64.NewEncoder(base64.StdEncoding, w)
		if _, err := io.Copy(enc, sealed); err != nil {
			return err
		}
		if err := enc.Close(); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, after)
	return err
}

// parts are what stands before the package and behind it. All values are escaped; the script and the style hold no end of their elements.
func (p *Page) parts() (before, after string) {
	name := html.EscapeString(p.Package)
	zip := html.EscapeString(strings.TrimSuffix(p.Package, ".age"))
	var b strings.Builder
	fmt.Fprintf(&b, `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%[1]s">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<title>A sealed health record</title><style>%[2]s</style></head><body><main>
<h1>A sealed health record</h1>
<p>This page holds a health record that only its passphrase opens: seven words, which you were given by another way than this page. It is opened
here, on this computer. Nothing is sent anywhere, and no network is needed.</p>
<p id="dead" class="note">If this sentence stays, the page cannot work: the browser does not run its program, or somebody changed the page. Then type
nothing into it; below stands another way.</p>
<form id="form" autocomplete="off" hidden>
<div id="picker"><label for="file">The sealed file: %[3]s</label><input type="file" id="file" accept=".age"></div>
<label for="typed">Passphrase</label>
<input type="text" id="typed" autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false" aria-describedby="help">
<small id="help">Small or capital letters, blanks or hyphens between the words: all the same.</small>
<div><button id="open">Open</button></div>
<p id="said" role="status" aria-live="polite"></p>
</form>
<section id="out" hidden><h2 id="opened" tabindex="-1">It is open</h2>
<dl id="facts"></dl>
<p class="note">Whoever made the passphrase made what is in here. This page cannot show more of who that was than the name above, because a page
can be made by anybody: trust it as far as you trust the way by which page and passphrase came to you.</p>
<div id="shown" hidden><h2>The record</h2><iframe id="record" title="The record" sandbox="allow-downloads"></iframe></div>
<h2>Files</h2><p>What you save is no longer sealed: keep it where others do not look.</p><ul id="parts"></ul>
<details><summary>To check it with other programs</summary><ul id="checks"></ul></details>
</section>
<section><h2>Another way to open it</h2>
<p id="keep"><a id="save" href="#save" data-name="%[3]s">Save the sealed file</a> (%[3]s). It stays sealed.</p>
<p>With the program age (age-encryption.org): <code>age -d -o %[4]s %[3]s</code>, then the passphrase in small letters with a hyphen between each two words.
What comes out is a zip file with the record in it. With Chartpost: <code>chartpost open %[3]s</code></p>
</section>
</main>
<script type="text/plain" id="words">%[5]s</script>
<script type="text/plain" id="package">`,
		html.EscapeString(p.policy()), style, name, zip, html.EscapeString(strings.Join(p.Words, " ")))
	return b.String(), "</script>\n<script>" + script() + "</script>\n</body></html>\n"
}

// What a page begins with, and what stands before the package in it.
const (
	pageBegin    = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; script-src &#39;sha256-"
	packageBegin = `<script type="text/plain" id="package">`
)

// Sniff reports whether a file begins as a page does.
func Sniff(head []byte) bool { return strings.HasPrefix(string(head), pageBegin) }

// ErrBeside says that a page's package stands beside it, and ErrAltered that a page is not whole.
var (
	ErrBeside  = errors.New("the package does not stand in the page but beside it, as a file of its own")
	ErrAltered = errors.New("the page was changed or cut short")
)

// Package gives the package that stands in a page.
func Package(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, 2*MaxInside))
	if err != nil {
		return nil, err
	}
	_, rest, ok := bytes.Cut(text, []byte(packageBegin))
	inside, _, whole := bytes.Cut(rest, []byte("<"))
	if !ok || !whole {
		return nil, ErrAltered
	}
	if len(inside) == 0 {
		return nil, ErrBeside
	}
	sealed, err := base64.StdEncoding.AppendDecode(nil, inside)
	if err != nil {
		return nil, ErrAltered
	}
	return sealed, nil
}
