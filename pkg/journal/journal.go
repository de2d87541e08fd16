// Package journal is the log of disclosures (chartpost-log-v1, docs/format.md): an append-only file of JSON lines, each bound to the one
// before it by its SHA-256 and signed by the owner, with a body that only the owner can read. It also knows which packages have been
// seen, because it says so itself.
package journal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/seal"
)

// The two files of a log in its owner's folder. The second is a copy of the newest line, so that a log that was cut is noticed: whoever
// has no key can go back to an older line only together with a copy of that time.
const (
	File     = "journal.jsonl"
	HeadFile = "journal.head"
)

// Event is what an entry tells.
type Event string

// Sealing stands before a package is made and gives it its number; Sealed after it was written whole. A Sealing without a Sealed is a
// package that did not come to be.
const (
	Created         Event = "created"
	ContactAdded    Event = "contact-added"
	ContactUpdated  Event = "contact-updated"
	ContactVerified Event = "contact-verified"
	ContactRemoved  Event = "contact-removed"
	ContactRevoked  Event = "contact-revoked"
	CardChanged     Event = "card-changed"  // my own
	Rotated         Event = "keys-rotated"  // the entries that follow are signed with the new key
	Restored        Event = "keys-restored" // from a printed sheet
	Sealing         Event = "sealing"
	Sealed          Event = "sealed"
	Sent            Event = "sent"
	Opened          Event = "opened"
	ReceiptAdded    Event = "receipt-added"
)

// Entry is the part of a line that everybody can read.
type Entry struct {
	Num     int64     `json:"n"` // from 1
	Time    time.Time `json:"time"`
	Event   Event     `json:"event"`
	Package string    `json:"package,omitempty"` // its id, which tells nothing
	Ref     string    `json:"ref,omitempty"`     // id of the package whose place it takes
	Prev    string    `json:"prev"`              // SHA-256 of the previous entry, zeros for the first
	Body    []byte    `json:"body"`              // age file for the owner

	hash string
}

// Hash names the entry: the SHA-256 of its bytes in the line, in hexadecimal.
func (e *Entry) Hash() string { return e.hash }

// Peer is a contact as the log tells of it: as it was at that time.
type Peer struct {
	Name       string `json:"peer,omitempty"`
	City       string `json:"city,omitempty"`
	Address    string `json:"address,omitempty"`
	Key        string `json:"key,omitempty"` // its signing key
	Card       string `json:"card,omitempty"`
	State      string `json:"state,omitempty"`
	Unverified string `json:"unverified,omitempty"` // why it was sent to all the same
}

// PatientState is the state of a Peer that is no contact but a patient, for whose passphrase a package was sealed.
const PatientState = "patient"

// Body is what only the owner can read. Which members an event has is in docs/format.md.
type Body struct {
	By   string `json:"by,omitempty"` // the user of the computer
	Tool string `json:"tool,omitempty"`
	Peer
	Also       []Peer    `json:"also,omitempty"` // the other recipients of a package
	About      []Patient `json:"about,omitempty"`
	What       string    `json:"what,omitempty"` // what was disclosed, in a few words
	Purpose    string    `json:"purpose,omitempty"`
	Basis      string    `json:"basis,omitempty"`
	Note       string    `json:"note,omitempty"`
	Part2      bool      `json:"part2,omitempty"`
	Emergency  string    `json:"emergency,omitempty"`
	Supersedes string    `json:"supersedes,omitempty"`
	InReplyTo  string    `json:"in_reply_to,omitempty"`
	Expires    string    `json:"expires,omitempty"`
	Seq        int64     `json:"seq,omitempty"`
	Top        int64     `json:"top,omitempty"` // the highest seq that was ever opened from this sender
	Files      int       `json:"files,omitempty"`
	Bytes      int64     `json:"bytes,omitempty"`
	Sums       string    `json:"sums,omitempty"`    // SHA-256 of SHA256SUMS
	Cipher     string    `json:"cipher,omitempty"`  // SHA-256 of the package
	Receipt    string    `json:"receipt,omitempty"` // what receipt was asked for
	Proof      string    `json:"proof,omitempty"`   // the receipt, with its signature
	Via        string    `json:"via,omitempty"`     // where it was sent, without secrets

	// What was overridden when a package was opened, and what was found.
	Again     bool     `json:"again,omitempty"`
	Forwarded bool     `json:"forwarded,omitempty"`
	Expired   bool     `json:"expired,omitempty"`
	Recovery  bool     `json:"recovery,omitempty"` // opened with the recovery key
	Warnings  []string `json:"warnings,omitempty"` // ids of findings

	Book string `json:"book,omitempty"` // SHA-256 of the contact book after the event
}

// Peers are all whom an entry is about.
func (b *Body) Peers() []Peer {
	if b.Peer == (Peer{}) {
		return nil
	}
	return append([]Peer{b.Peer}, b.Also...)
}

// line is one line of the file.
type line struct {
	Entry     jsontext.Value `json:"entry"`
	Signature []byte         `json:"signature"`
}

// Journal is a log that has been read. To append to it, hold the lock of its folder from before Open until after Append.
type Journal struct {
	entries []Entry
	dir     string
	owner   *seal.Identity
	head    []byte // of HeadFile; nil if there is none
	size    int64  // of the whole lines
	torn    bool   // a killed run left a part of a line after them
	seq     int64
	opened  map[string]time.Time
	stands  map[string]int // packages in whose place others stand: the entry that says so
}

const noHash = "0000000000000000000000000000000000000000000000000000000000000000"

// Start makes the log of a new identity, with its first entry.
func Start(dir string, owner *seal.Identity, now time.Time, body Body) error {
	return start(dir, owner, now, Created, body)
}

// StartRestored makes the log of an identity whose own was lost with all else. How far that had counted nobody knows, so the numbers of its
// packages go on far above: with the day as a number and three more digits.
func StartRestored(dir string, owner *seal.Identity, now time.Time, body Body) error {
	return start(dir, owner, now, Restored, body)
}

func start(dir string, owner *seal.Identity, now time.Time, first Event, body Body) error {
	path := filepath.Join(dir, File)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("there is a log already: %s", path)
	}
	j := &Journal{dir: dir, owner: owner, opened: map[string]time.Time{}, stands: map[string]int{}}
	_, err := j.Append(now, first, "", body)
	return err
}

// Open reads a log and checks that its chain is whole up to the newest entry, that this is signed, and that none is missing after it.
// One signature is enough: the newest entry stands for all that it is chained to.
func Open(dir string, owner *seal.Identity) (*Journal, error) {
	j, raw, err := read(dir, owner)
	if err != nil {
		return nil, err
	}
	at := func(n int) diag.Place { return diag.Place{Source: filepath.Join(dir, File), Line: n} }
	prev := noHash
	for i, l := range raw {
		e, _, err := parse(l)
		if err != nil {
			return nil, diag.New("CP-PKG-050", at(i+1), "")
		}
		if e.Prev != prev || e.Num != int64(i+1) {
			return nil, diag.New("CP-PKG-051", at(i+1), "")
		}
		prev = e.hash
		j.add(*e)
	}
	if f := j.checkEnd(raw); f != nil {
		return nil, f
	}
	return j, nil
}

// read splits the file into its whole lines. The copy of the newest is read first: whoever appends writes it last, so it is never ahead of the
// lines that are read after it, even if that happens meanwhile.
func read(dir string, owner *seal.Identity) (*Journal, [][]byte, error) {
	head, err := os.ReadFile(filepath.Join(dir, HeadFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	j := &Journal{dir: dir, owner: owner, head: head, opened: map[string]time.Time{}, stands: map[string]int{}}
	whole := bytes.LastIndexByte(data, '\n') + 1
	j.size, j.torn = int64(whole), whole != len(data)
	var raw [][]byte
	for l := range bytes.Lines(data[:whole]) {
		raw = append(raw, bytes.TrimSuffix(l, []byte("\n")))
	}
	return j, raw, nil
}

// add takes an entry up into what the log knows.
func (j *Journal) add(e Entry) {
	switch e.Event {
	case Sealing:
		j.seq++
	case Restored:
		if len(j.entries) == 0 {
			y, m, d := e.Time.Date()
			j.seq = int64(y*10_000+int(m)*100+d) * 1000
		}
	case Opened:
		if _, ok := j.opened[e.Package]; !ok {
			j.opened[e.Package] = e.Time
		}
		if e.Ref != "" {
			j.stands[e.Ref] = len(j.entries)
		}
	}
	j.entries = append(j.entries, e)
}

// checkEnd checks the newest entry's signature, and that the log has not been cut before the line that HeadFile repeats.
func (j *Journal) checkEnd(raw [][]byte) error {
	at := diag.Place{Source: filepath.Join(j.dir, File), Line: len(raw)}
	if len(raw) == 0 {
		return diag.New("CP-PKG-053", at, "the log is empty or missing")
	}
	last := len(j.entries) - 1
	before := rotations(j.entries[:last])
	if signed, err := signature(raw[last]); err != nil || !signed(keyInForce(j.owner, before, before+rotations(j.entries[last:]))) {
		return diag.New("CP-PKG-052", at, "")
	}
	return j.checkHead(raw)
}

func (j *Journal) checkHead(raw [][]byte) error {
	path := filepath.Join(j.dir, HeadFile)
	at := diag.Place{Source: path}
	if j.head == nil {
		if len(raw) == 1 {
			return nil // the run that made it was stopped in between
		}
		return diag.New("CP-PKG-053", at, "the copy of the log's newest entry is missing")
	}
	head := bytes.TrimSuffix(j.head, []byte("\n"))
	e, signed, err := parse(head)
	if err != nil || !slices.ContainsFunc(j.owner.SignKeys(), signed) || e.Num < 1 {
		return diag.New("CP-PKG-050", at, "the copy of the log's newest entry is damaged")
	}
	if e.Num > int64(len(raw)) {
		return diag.New("CP-PKG-053", diag.Place{Source: filepath.Join(j.dir, File), Line: len(raw)},
			"the log ends with entry %d, but entry %d was written", len(raw), e.Num)
	}
	if !bytes.Equal(raw[e.Num-1], head) {
		return diag.New("CP-PKG-051", diag.Place{Source: filepath.Join(j.dir, File), Line: int(e.Num)}, "")
	}
	return nil
}

// rotations counts the changes of the owner's keys among entries.
func rotations(entries []Entry) (n int) {
	for i := range entries {
		if entries[i].Event == Rotated {
			n++
		}
	}
	return n
}

// keyInForce is the owner's signing key after some of all the rotations that the log tells of; nil if it tells of more than there were.
func keyInForce(owner *seal.Identity, before, all int) ed25519.PublicKey {
	keys := owner.SignKeys()
	if i := len(keys) - 1 - all + before; i >= 0 {
		return keys[i]
	}
	return nil
}

func signature(raw []byte) (func(ed25519.PublicKey) bool, error) {
	_, signed, err := parse(raw)
	return signed, err
}

// parse reads one line in the one way it can be written. It returns the entry, and whether a key signed it.
func parse(raw []byte) (e *Entry, signed func(ed25519.PublicKey) bool, err error) {
	var l line
	if err := json.Unmarshal(raw, &l, json.RejectUnknownMembers(true)); err != nil {
		return nil, nil, errors.New("not a line of a log")
	}
	sig, err := seal.ParseBlob(l.Signature)
	if err != nil {
		return nil, nil, err
	}
	e = new(Entry)
	if err := json.Unmarshal(l.Entry, e); err != nil || e.Event == "" || len(e.Prev) != len(noHash) {
		return nil, nil, errors.New("not an entry of a log")
	}
	e.hash = hash(l.Entry)
	if !bytes.Equal(format(l.Entry, sig), raw) {
		return nil, nil, errors.New("the line is not written in the one way there is")
	}
	return e, func(key ed25519.PublicKey) bool {
		return key != nil && sig.Verify(key, seal.NamespaceLog, l.Entry) == nil
	}, nil
}

func hash(entry []byte) string {
	d := sha256.Sum256(entry)
	return hex.EncodeToString(d[:])
}

// format writes a line: {"entry":...,"signature":"..."}.
func format(entry []byte, sig *seal.Signature) []byte {
	b := append([]byte(`{"entry":`), entry...)
	b = append(b, `,"signature":"`...)
	b = base64.StdEncoding.AppendEncode(b, sig.Blob())
	return append(b, `"}`...)
}

// Head is the hash of the newest entry.
func (j *Journal) Head() string {
	if len(j.entries) == 0 {
		return noHash
	}
	return j.entries[len(j.entries)-1].hash
}

// NextSeq is the number of the next package to be sealed.
func (j *Journal) NextSeq() int64 { return j.seq + 1 }

// Seen says when a package was first opened.
func (j *Journal) Seen(id string) (time.Time, bool) {
	t, ok := j.opened[id]
	return t, ok
}

// Replaced is the entry of an opened package that stands in the place of this one; nil if there is none.
func (j *Journal) Replaced(id string) *Entry {
	if i, ok := j.stands[id]; ok {
		return &j.entries[i]
	}
	return nil
}

// Last is the newest entry of an event for which ok holds, with its body; nil if there is none.
func (j *Journal) Last(event Event, ok func(*Entry, *Body) bool) (*Entry, *Body, error) {
	for i := len(j.entries) - 1; i >= 0; i-- {
		e := &j.entries[i]
		if e.Event != event {
			continue
		}
		b, err := j.Body(e)
		if err != nil {
			return nil, nil, err
		}
		if ok(e, b) {
			return e, b, nil
		}
	}
	return nil, nil, nil
}

// Package is the newest entry of an event about a package, with its body; nil if there is none.
func (j *Journal) Package(event Event, id string) (*Entry, *Body, error) {
	for i := len(j.entries) - 1; i >= 0; i-- {
		if e := &j.entries[i]; e.Event == event && e.Package == id {
			b, err := j.Body(e)
			return e, b, err
		}
	}
	return nil, nil, nil
}

// Holds reports whether an entry has this hash.
func (j *Journal) Holds(hash string) bool {
	return slices.ContainsFunc(j.entries, func(e Entry) bool { return e.hash == hash })
}

// Entries lists the log, oldest first.
func (j *Journal) Entries() []Entry { return j.entries }

// Append adds an entry and returns when it is on the disk. An error leaves no half entry.
func (j *Journal) Append(now time.Time, event Event, pkg string, body Body) (*Entry, error) {
	e, l, err := j.next(now, event, pkg, body)
	if err != nil {
		return nil, err
	}
	if err := j.append(l); err != nil {
		return nil, err
	}
	j.add(*e)
	return e, nil
}

// Line makes the entry that Append would add, without adding it: AppendLine does, as a part of a change of several files.
func (j *Journal) Line(now time.Time, event Event, pkg string, body Body) ([]byte, error) {
	_, l, err := j.next(now, event, pkg, body)
	return l, err
}

// AppendLine adds an entry that Line made to the log of a folder, if it is not there yet. The caller has held the lock of the folder
// since Line, or nobody could have appended anything in between.
func AppendLine(dir string, l []byte) error {
	j, raw, err := read(dir, nil)
	if err != nil {
		return err
	}
	if len(raw) > 0 && bytes.Equal(raw[len(raw)-1], bytes.TrimSuffix(l, []byte("\n"))) {
		return j.writeHead(l)
	}
	return j.append(l)
}

// next makes the next entry and its line.
func (j *Journal) next(now time.Time, event Event, pkg string, body Body) (*Entry, []byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, nil, err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, j.owner.Hybrid.Recipient())
	if err != nil {
		return nil, nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, nil, err
	}
	if err := w.Close(); err != nil {
		return nil, nil, err
	}
	e := Entry{Num: int64(len(j.entries) + 1), Time: now.UTC().Truncate(time.Second), Event: event, Package: pkg, Ref: body.Supersedes,
		Prev: j.Head(), Body: sealed.Bytes()}
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, nil, err
	}
	e.hash = hash(raw)
	return &e, append(format(raw, seal.Sign(j.owner.Sign, seal.NamespaceLog, raw)), '\n'), nil
}

// append writes a line and its copy.
func (j *Journal) append(l []byte) error {
	if err := j.write(l); err != nil {
		return fmt.Errorf("the log cannot be written: %w", err)
	}
	j.size, j.torn = j.size+int64(len(l)), false
	return j.writeHead(l)
}

func (j *Journal) writeHead(l []byte) error {
	if err := safefile.Write(filepath.Join(j.dir, HeadFile), l, 0o600); err != nil {
		return fmt.Errorf("the log cannot be written: %w", err)
	}
	return nil
}

// write appends a line, after cutting off what a killed run may have left of one: it was never told to be written.
func (j *Journal) write(l []byte) (err error) {
	f, err := os.OpenFile(filepath.Join(j.dir, File), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	if j.torn {
		if err := f.Truncate(j.size); err != nil {
			return err
		}
	}
	if _, err = f.WriteAt(l, j.size); err == nil {
		err = f.Sync()
	}
	if err != nil {
		f.Truncate(j.size)
		return err
	}
	if j.size == 0 {
		safefile.SyncDir(j.dir)
	}
	return nil
}

// Body decrypts what an entry tells its owner. An error is the finding CP-PKG-054.
func (j *Journal) Body(e *Entry) (*Body, error) {
	unread := diag.New("CP-PKG-054", diag.Place{Source: filepath.Join(j.dir, File), Line: int(e.Num)}, "")
	r, err := age.Decrypt(bytes.NewReader(e.Body), j.owner.Readers()...)
	if err != nil {
		return nil, unread
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, unread
	}
	b := new(Body)
	if err := json.Unmarshal(text, b); err != nil {
		return nil, unread
	}
	return b, nil
}

// Report is what Verify finds.
type Report struct {
	Entries  int
	Head     string
	Findings []*diag.Finding
	LastBook string // SHA-256 of the contact book after its last change
}

// Verify checks every line: its form, number, link, signature and content, and that none is missing at the end. It goes on after a
// fault. What it cannot see: entries cut from the end together with HeadFile set back to what it was then; docs/security.md says more.
func Verify(dir string, owner *seal.Identity) (*Report, error) { return verify(dir, owner, true) }

func verify(dir string, owner *seal.Identity, bodies bool) (*Report, error) {
	j, raw, err := read(dir, owner)
	if err != nil {
		return nil, err
	}
	r := &Report{Entries: len(raw), Head: noHash}
	path := filepath.Join(dir, File)
	find := func(id diag.ID, line int, text string) {
		r.Findings = append(r.Findings, diag.New(id, diag.Place{Source: path, Line: line}, "%s", text))
	}
	all := 0
	for _, l := range raw {
		if e, _, err := parse(l); err == nil && e.Event == Rotated {
			all++
		}
	}
	want, rotated := int64(1), 0
	for i, l := range raw {
		n := i + 1
		e, signed, err := parse(l)
		if err != nil {
			find("CP-PKG-050", n, "")
			r.Head, want = "", want+1
			continue
		}
		switch {
		case e.Num != want:
			find("CP-PKG-051", n, fmt.Sprintf("entry %d stands where entry %d must be", e.Num, want))
		case e.Prev != r.Head:
			find("CP-PKG-051", n, "the entry is not the one that followed the entry before it")
		}
		key := keyInForce(owner, rotated, all)
		if e.Event == Rotated {
			rotated++
		}
		if !signed(key) {
			find("CP-PKG-052", n, "")
		} else if bodies {
			if b, err := j.Body(e); err != nil {
				find("CP-PKG-054", n, "")
			} else if b.Book != "" {
				r.LastBook = b.Book
			}
		}
		r.Head, want = e.hash, e.Num+1
	}
	if len(raw) == 0 {
		find("CP-PKG-053", 0, "the log is empty or missing")
	}
	if err := j.checkHead(raw); err != nil {
		var f *diag.Finding
		if !errors.As(err, &f) {
			return nil, err
		}
		if !strings.HasSuffix(string(f.ID), "051") || len(r.Findings) == 0 {
			r.Findings = append(r.Findings, f)
		}
	}
	return r, nil
}
