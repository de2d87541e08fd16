// Package packtest builds packages for tests byte by byte, so that they can be wrong in every way that an attacker may think of.
package packtest

import (
	"bytes"
	"compress/flate"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// Member is one member of a zip. Zero values make an ordinary streamed, deflated file; the other fields override what its headers say.
type Member struct {
	Name   string
	Data   []byte
	Stored bool // method 0, sizes in the local header, no descriptor

	LocalName  string // the name in the local header
	LocalFlags uint16 // added to the flags in the local header
	LocalTime  uint16
	Flags      uint16 // added to the flags in both headers
	Method     uint16 // instead of 8 in both headers
	Mode       uint32 // the upper half of the external attributes, 0100600 by default
	DOS        uint32 // the lower half
	Extra      []byte // in the directory
	Comment    string
	Size       uint32 // in directory and descriptor
	CRC        uint32 // added to the CRC in directory and descriptor
	Offset     int    // added to the offset in the directory
	Gap        []byte // bytes after the member
	Unlisted   bool   // not in the directory
	NoMarker   bool   // the descriptor without its signature
	Packed     []byte // instead of the deflated data
}

// Zip is a whole zip.
type Zip struct {
	Members []Member
	Prefix  []byte // before everything; offsets count from the real beginning
	BeforeDirectory,
	AfterDirectory []byte
	Comment string
	Count   int    // added to the count in the end record
	Suffix  []byte // after everything
}

// Bytes writes the zip.
func (z *Zip) Bytes() []byte {
	le := binary.LittleEndian
	var b bytes.Buffer
	u16 := func(v ...uint16) {
		for _, x := range v {
			binary.Write(&b, le, x)
		}
	}
	u32 := func(v ...uint32) {
		for _, x := range v {
			binary.Write(&b, le, x)
		}
	}
	type entry struct {
		m             Member
		flags, method uint16
		crc, packed   uint32
		size, offset  uint32
	}
	var dir []entry
	b.Write(z.Prefix)
	for _, m := range z.Members {
		e := entry{m: m, flags: 8 | m.Flags, method: 8, crc: crc32.ChecksumIEEE(m.Data) + m.CRC, size: uint32(len(m.Data)), offset: uint32(b.Len() + m.Offset)}
		data := m.Packed
		if m.Stored {
			e.flags, e.method, data = m.Flags, 0, m.Data
		} else if data == nil {
			var d bytes.Buffer
			w, _ := flate.NewWriter(&d, flate.BestSpeed)
			w.Write(m.Data)
			w.Close()
			data = d.Bytes()
		}
		if m.Method != 0 {
			e.method = m.Method
		}
		if m.Size != 0 {
			e.size = m.Size
		}
		e.packed = uint32(len(data))
		local := m.LocalName
		if local == "" {
			local = m.Name
		}
		u32(0x04034b50)
		u16(20, e.flags|m.LocalFlags, e.method, m.LocalTime, 0x21)
		if m.Stored {
			u32(e.crc, e.packed, e.size)
		} else {
			u32(0, 0, 0)
		}
		u16(uint16(len(local)), 0)
		b.WriteString(local)
		b.Write(data)
		if !m.Stored {
			if !m.NoMarker {
				u32(0x08074b50)
			}
			u32(e.crc, e.packed, e.size)
		}
		b.Write(m.Gap)
		if !m.Unlisted {
			dir = append(dir, e)
		}
	}
	b.Write(z.BeforeDirectory)
	start := b.Len()
	for _, e := range dir {
		mode := e.m.Mode
		if mode == 0 {
			mode = 0o100600
		}
		u32(0x02014b50)
		u16(3<<8|20, 20, e.flags, e.method, 0, 0x21)
		u32(e.crc, e.packed, e.size)
		u16(uint16(len(e.m.Name)), uint16(len(e.m.Extra)), uint16(len(e.m.Comment)), 0, 0)
		u32(mode<<16|e.m.DOS, e.offset)
		b.WriteString(e.m.Name)
		b.Write(e.m.Extra)
		b.WriteString(e.m.Comment)
	}
	size := b.Len() - start
	b.Write(z.AfterDirectory)
	u32(0x06054b50)
	u16(0, 0, uint16(len(dir)+z.Count), uint16(len(dir)+z.Count))
	u32(uint32(size), uint32(start))
	u16(uint16(len(z.Comment)))
	b.WriteString(z.Comment)
	b.Write(z.Suffix)
	return b.Bytes()
}

// Package is what a package is made of. Build fills in what is left out, so that a zero Package with keys is a good one.
type Package struct {
	Sign      ed25519.PrivateKey
	From      string
	To        *seal.Identity // whom the manifest names
	For       age.Recipient  // whom it is encrypted for; To by default
	Namespace string
	Files     []Member
	Padding   []byte // rightly signed; nil is none

	Manifest func(*pack.Manifest)    // changes the manifest before it is written
	Text     func(string) string     // changes the text of the manifest
	Sums     func(string) string     // changes SHA256SUMS before it is signed
	Armor    func(string) string     // changes the signature
	Late     func([]Member) []Member // changes the members after they were signed
	Zip      func(*Zip)              // changes the zip
}

// ID is the id of the packages that Build makes.
const ID = "00112233445566778899aabbccddeeff"

// Plain is the zip of the package.
func (p *Package) Plain(t testing.TB) []byte {
	t.Helper()
	if p.Files == nil {
		p.Files = []Member{{Name: "files/a.txt", Data: []byte("hello\n")}, {Name: "files/b.txt", Data: bytes.Repeat([]byte("0123456789\n"), 20_000)}}
	}
	m := &pack.Manifest{
		Format: pack.Format, ID: ID, Seq: 1, Created: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		From:    pack.Party{Name: p.From, Sign: seal.FormatKey(p.Sign.Public().(ed25519.PublicKey)), Age: "age1pq1"},
		To:      []pack.Party{{Name: p.To.Name, Age: p.To.Hybrid.Recipient().String()}},
		Purpose: "treatment", LogHead: strings.Repeat("0", 64), Receipt: "none", Tool: "test",
	}
	for _, f := range p.Files {
		size := int64(len(f.Data))
		if f.Size != 0 {
			size = int64(f.Size)
		}
		m.Files = append(m.Files, pack.File{Path: f.Name, Size: size, Media: "text/plain"})
	}
	if p.Manifest != nil {
		p.Manifest(m)
	}
	text, err := m.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if p.Text != nil {
		text = []byte(p.Text(string(text)))
	}
	members := append(p.Files[:len(p.Files):len(p.Files)], Member{Name: pack.ReadmeName, Data: []byte("read me\n")})
	if p.Padding != nil {
		members = append(members, Member{Name: pack.PaddingName, Data: p.Padding, Stored: true})
	}
	members = append(members, Member{Name: pack.ManifestName, Data: text})
	var sums []pack.Sum
	for _, f := range members {
		sums = append(sums, pack.Sum{Path: f.Name, Digest: sha256.Sum256(f.Data)})
	}
	list := pack.FormatSums(sums)
	if p.Sums != nil {
		list = []byte(p.Sums(string(list)))
	}
	namespace := p.Namespace
	if namespace == "" {
		namespace = seal.NamespacePackage
	}
	armor := seal.Sign(p.Sign, namespace, list).Armor()
	if p.Armor != nil {
		armor = []byte(p.Armor(string(armor)))
	}
	members = append(members, Member{Name: pack.SumsName, Data: list}, Member{Name: pack.SignatureName, Data: armor})
	if p.Late != nil {
		members = p.Late(members)
	}
	z := &Zip{Members: members}
	if p.Zip != nil {
		p.Zip(z)
	}
	return z.Bytes()
}

// Build makes the package.
func (p *Package) Build(t testing.TB) []byte {
	t.Helper()
	to := p.For
	if to == nil {
		to = p.To.Hybrid.Recipient()
	}
	return Encrypt(t, p.Plain(t), to)
}

// Encrypt makes an age file.
func Encrypt(t testing.TB, plain []byte, to ...age.Recipient) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
