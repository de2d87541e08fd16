package pack

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Format is the only value of a manifest's "format" that this package reads and writes.
const Format = "chartpost-package-v1"

// Manifest is manifest.json: who sent what to whom and why. Members that this version does not know are ignored, unless Crit names
// them; then the package is refused.
type Manifest struct {
	Format  string     `json:"format"`
	ID      string     `json:"id"`  // 16 random bytes in hexadecimal
	Seq     int64      `json:"seq"` // the sender's count of packages, from 1; failed attempts leave gaps
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires"`
	Crit    []string   `json:"crit,omitempty"`
	From    Party      `json:"from"`
	To      []Party    `json:"to"`
	Purpose Purpose    `json:"purpose"`
	Basis   string     `json:"basis,omitempty"` // "authorization" or "part2-consent" where a consent is inside
	Note    string     `json:"note,omitempty"`
	Part2   bool       `json:"part2"`
	Notice  string     `json:"part2_notice,omitempty"`
	Consent []string   `json:"consent,omitempty"` // members that hold the patient's consent
	// Emergency is why it could not wait for what is otherwise asked of a package.
	Emergency  string `json:"emergency,omitempty"`
	Supersedes string `json:"supersedes,omitempty"`  // id of the package whose place this one takes
	InReplyTo  string `json:"in_reply_to,omitempty"` // id of the package that this one answers
	Files      []File `json:"files"`
	LogHead    string `json:"log_head"` // hash of the newest entry of the sender's log
	Receipt    string `json:"receipt"`  // ReceiptNone, ReceiptRequested, or what a later version asks for
	Tool       string `json:"tool"`
}

// What a sender wants to hear of a package's arrival.
const (
	ReceiptNone      = "none"
	ReceiptRequested = "requested"
)

// Party is a sender or a recipient. Of a recipient only the name, the key that the package is encrypted to and Prev stand there. One who
// opens it with a passphrase has no key, and is the only one.
type Party struct {
	Name      string `json:"name"`
	City      string `json:"city,omitempty"`
	Sign      string `json:"sign,omitempty"` // "ssh-ed25519 AAAA..."
	Age       string `json:"age,omitempty"`  // "age1pq1..." or, for a compatible package's recipient, "age1..."
	AgeCompat string `json:"age_compat,omitempty"`
	Card      string `json:"card,omitempty"` // SHA-256 of the sender's card
	Prev      string `json:"prev,omitempty"` // id of the package that was sealed for this recipient before this one

	Passphrase bool `json:"passphrase,omitempty"` // a recipient without a key: whoever knows the passphrase
}

// hasKeys reports whether what stands there as keys can be keys: they are shown, so no more than that.
func (p *Party) hasKeys() bool {
	for _, key := range []string{p.Sign, p.Age, p.AgeCompat} {
		if len(key) > 8<<10 || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
			return false
		}
	}
	return true
}

// File is one member of the payload.
type File struct {
	Path  string `json:"path"`
	Size  int64  `json:"size"`
	Media string `json:"media"`
}

// Purpose is why the records are disclosed.
type Purpose string

// Purposes is the whole list.
var purposes = []Purpose{"treatment", "payment", "operations", "patient-request", "legal", "public-health", "emergency"}

// Purposes lists what a purpose can be.
func Purposes() []Purpose { return slices.Clone(purposes) }

// ParsePurpose reads one of Purposes.
func ParsePurpose(s string) (Purpose, error) {
	if p := Purpose(s); slices.Contains(purposes, p) {
		return p, nil
	}
	words := make([]string, len(purposes))
	for i, p := range purposes {
		words[i] = string(p)
	}
	return "", fmt.Errorf("no purpose is called %q; there are %s", s, strings.Join(words, ", "))
}

// Part2Notice is the statement of 42 CFR 2.32(a)(2) that goes with records under 42 CFR Part 2.
const Part2Notice = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."

// IsID reports whether s is the id of a package.
func IsID(s string) bool { return isHex(s, 16) }

// ShortID is the part of an id that people read to one another: 6f30-27b0.
func ShortID(id string) string {
	if !IsID(id) {
		return id
	}
	return id[:4] + "-" + id[4:8]
}

// NewID makes the id of a package.
func NewID(random io.Reader) (string, error) {
	if random == nil {
		random = rand.Reader
	}
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// BaseName is what a package and the folder it is unpacked into are called: the day and a part of the id, never a patient's name.
func (m *Manifest) BaseName() string {
	return BaseName(m.Created, m.ID)
}

// BaseName is that of a package with this date and id.
func BaseName(created time.Time, id string) string {
	return fmt.Sprintf("chartpost-%s-%s", created.UTC().Format(time.DateOnly), ShortID(id))
}

// Bytes writes the manifest as it stands in a package.
func (m *Manifest) Bytes() ([]byte, error) {
	b, err := json.Marshal(m, jsontext.WithIndent("  "))
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// ParseManifest reads manifest.json strictly: UTF-8, no member twice, names in their exact case, nothing after the object.
func ParseManifest(b []byte) (*Manifest, error) {
	m := new(Manifest)
	// The parser's own words may repeat what stands there; only the kind of fault is passed on (law 9).
	if err := json.Unmarshal(b, m); err != nil {
		return nil, refuse("CP-PKG-011", ManifestName, "manifest.json is not the JSON object it must be, at byte %d", errorOffset(err))
	}
	if m.Format != Format {
		return nil, refuse("CP-PKG-012", ManifestName, "the package is of another format than %s", Format)
	}
	if len(m.Crit) > 0 {
		return nil, refuse("CP-PKG-012", ManifestName, "the sender insists on %d things that this version does not know", len(m.Crit))
	}
	if why := m.check(); why != "" {
		return nil, refuse("CP-PKG-011", ManifestName, "manifest.json: %s", why)
	}
	return m, nil
}

// Check says what is wrong with a manifest that is about to be written.
func (m *Manifest) Check() error {
	if why := m.check(); why != "" {
		return fmt.Errorf("manifest: %s", why)
	}
	return nil
}

func (m *Manifest) check() string {
	switch {
	case !isHex(m.ID, 16):
		return "id is not 16 bytes in lower-case hexadecimal"
	case m.Seq < 1:
		return "seq is not a count from 1"
	case m.Created.IsZero() || !isUTC(m.Created):
		return "created is not a time in UTC"
	case m.Expires != nil && !isUTC(*m.Expires):
		return "expires is not a time in UTC"
	case !isLine(m.From.Name) || m.From.City != "" && !isLine(m.From.City):
		return "from is not a name on one line"
	case m.From.Sign == "" || m.From.Age == "":
		return "from lacks a key"
	case !m.From.hasKeys() || m.From.Card != "" && !isHex(m.From.Card, 32):
		return "a key or the card of from is not as it must be"
	case len(m.To) == 0:
		return "to is empty"
	case !slices.Contains(purposes, m.Purpose):
		return "purpose is not one of the list"
	case m.Basis != "" && !isLine(m.Basis) || !isLine(m.Receipt) || !isLine(m.Tool):
		return "basis, receipt or tool is not one line"
	case !isText(m.Note):
		return "note holds control characters or is too long"
	case m.Part2 && m.Notice == "":
		return "part2 stands without its notice"
	case !m.Part2 && m.Notice != "":
		return "a notice of part 2 stands without part2"
	case m.Part2 && len(m.Consent) == 0:
		return "part2 stands without a consent"
	case m.Emergency != "" && !isLine(m.Emergency):
		return "emergency is not one line"
	case m.Supersedes != "" && !isHex(m.Supersedes, 16) || m.InReplyTo != "" && !isHex(m.InReplyTo, 16):
		return "supersedes or in_reply_to is not the id of a package"
	case m.Supersedes == m.ID || m.InReplyTo == m.ID:
		return "supersedes or in_reply_to is the package itself"
	case !isText(m.Notice):
		return "part2_notice holds control characters or is too long"
	case len(m.Files) == 0:
		return "files is empty"
	case len(m.Files) > MaxFiles:
		return "files is too long"
	case !isHex(m.LogHead, 32):
		return "log_head is not a SHA-256 in lower-case hexadecimal"
	}
	keys := make(map[string]bool, len(m.To))
	for _, to := range m.To {
		if !isLine(to.Name) || (to.Age == "") != to.Passphrase {
			return "a recipient lacks its name or key"
		}
		if to.Passphrase && (len(m.To) > 1 || to.Prev != "" || m.Receipt != ReceiptNone) {
			return "a recipient with a passphrase is not alone, or is asked for what only a key can give"
		}
		if !to.hasKeys() || to.Card != "" && !isHex(to.Card, 32) {
			return "a recipient's key is not as it must be"
		}
		if to.City != "" && !isLine(to.City) || to.Prev != "" && !isHex(to.Prev, 16) {
			return "a recipient's city or the package before is not as it must be"
		}
		if keys[to.Age] {
			return "a recipient stands there twice"
		}
		keys[to.Age] = true
	}
	var total int64
	paths := make(map[string]bool, len(m.Files))
	for _, f := range m.Files {
		if !strings.HasPrefix(f.Path, PayloadDir) || CheckName(f.Path) != nil {
			return "a path in files is not allowed"
		}
		if f.Size < 0 || f.Size > MaxTotal {
			return "a size in files is not allowed"
		}
		if total += f.Size; total > MaxTotal {
			return "the sizes in files are too much together"
		}
		if f.Media != "" && !isLine(f.Media) {
			return "a media type in files is not one line"
		}
		paths[f.Path] = true
	}
	for _, c := range m.Consent {
		if !paths[c] {
			return "consent names a file that is not there"
		}
	}
	return ""
}

// ForPassphrase reports whether the package is for whoever knows its passphrase.
func (m *Manifest) ForPassphrase() bool { return len(m.To) == 1 && m.To[0].Passphrase }

// PageName is what a record as a page to read is called in a package for a patient, and PagePath its member's name.
const (
	PageName = "record.html"
	PagePath = PayloadDir + PageName
)

func (m *Manifest) has(path string) bool {
	return slices.ContainsFunc(m.Files, func(f File) bool { return f.Path == path })
}

// Total is the size of the payload.
func (m *Manifest) Total() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// errorOffset is where the parser stopped.
func errorOffset(err error) int64 {
	for err != nil {
		switch e := err.(type) {
		case *json.SemanticError:
			return e.ByteOffset
		case *jsontext.SyntacticError:
			return e.ByteOffset
		}
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			break
		}
		err = u.Unwrap()
	}
	return 0
}

func isUTC(t time.Time) bool { _, offset := t.Zone(); return offset == 0 }

func isHex(s string, n int) bool {
	if len(s) != 2*n {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// IsLine reports whether s is one line of visible text, fit to be shown in a terminal: a name, a city.
func IsLine(s string) bool { return isLine(s) }

func isLine(s string) bool {
	return strings.TrimSpace(s) == s && s != "" && len(s) <= 200 && isText(s) && !strings.ContainsAny(s, "\n\t") && !hasGap(s)
}

// hasGap reports whether a line holds so many blanks on end that what follows could pass for another line of the screen.
func hasGap(s string) bool {
	n := 0
	for _, r := range s {
		if n++; !unicode.Is(unicode.Zs, r) {
			n = 0
		}
		if n > 3 {
			return true
		}
	}
	return false
}

// isText allows what a terminal shows harmlessly.
func isText(s string) bool {
	if len(s) > 10_000 || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && invisible(r) })
}

// invisible reports whether a character steers a terminal or is not seen there: controls, format characters, letters such as the Hangul filler, the
// Braille cell without dots. Variation selectors stay: names in Japanese need them.
func invisible(r rune) bool {
	return r == utf8.RuneError || r == '\u2800' || unicode.IsControl(r) ||
		unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) && !unicode.Is(unicode.Variation_Selector, r)
}

// IsText reports whether s can stand as a note: visible text of any lines, not too long.
func IsText(s string) bool { return isText(s) }
