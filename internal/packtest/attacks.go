package packtest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// zip64 is the extra field of the long sizes.
func zip64(values ...byte) []byte { return append([]byte{1, 0, byte(len(values)), 0}, values...) }

// Parties are a sender who is pinned, an attacker who is not, and two recipients.
type Parties struct{ Maple, Lake, Other, Mallory *seal.Identity }

// Attack is a change to a good package, and how opening refuses it.
type Attack struct {
	Name string
	Want diag.ID
	Edit func(*Package, *Parties)
}

// Attacks are packages that a sender, or somebody with a sender's keys, could make: rightly signed for Lakeside unless the attack is on
// that.
var Attacks = []Attack{
	{"parent", "CP-PKG-002", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/../../evil"}} }},
	{"absolute", "CP-PKG-002", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "/etc/evil"}} }},
	{"drive", "CP-PKG-002", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/C:/evil"}} }},
	{"backslash", "CP-PKG-002", func(a *Package, _ *Parties) { a.Files = []Member{{Name: `files/..\evil`}} }},
	{"device", "CP-PKG-002", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/aux.txt"}} }},
	{"bidi", "CP-PKG-002", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/cod\u202etxt.exe", Flags: 0x800}}
	}},
	{"control", "CP-PKG-002", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a\x1b[2J"}} }},
	{"not UTF-8", "CP-PKG-002", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { m[0].Name, m[0].Flags = "files/\xff", 0x800; return m }
	}},
	{"trailing dot", "CP-PKG-002", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a."}} }},
	{"decomposed", "CP-PKG-002", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/e\u0301", Flags: 0x800}} }},
	{"too deep", "CP-PKG-002", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/" + strings.Repeat("a/", 20) + "b"}}
	}},
	{"empty name", "CP-PKG-002", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { return append([]Member{{Name: ""}}, m...) }
	}},
	{"twice", "CP-PKG-003", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a"}, {Name: "files/a"}} }},
	{"case", "CP-PKG-003", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/A"}, {Name: "files/a"}} }},
	{"case of a folder", "CP-PKG-003", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/A/x"}, {Name: "files/a/y"}} }},
	{"file and folder", "CP-PKG-003", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a"}, {Name: "files/a/b"}} }},
	{"folder and file", "CP-PKG-003", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a/b"}, {Name: "files/a"}} }},
	{"second manifest", "CP-PKG-003", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { return append([]Member{{Name: "manifest.json"}}, m...) }
	}},
	{"symlink", "CP-PKG-004", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a", Data: []byte("/etc/passwd"), Mode: 0o120777}}
	}},
	{"unix folder", "CP-PKG-004", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a", Mode: 0o040755}} }},
	{"device node", "CP-PKG-004", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a", Mode: 0o020666}} }},
	{"DOS folder", "CP-PKG-004", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a", DOS: 0x10}} }},
	{"folder by name", "CP-PKG-004", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a/"}} }},
	{"other local name", "CP-PKG-005", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a", LocalName: "files/b"}}
	}},
	{"longer local name", "CP-PKG-001", func(a *Package, _ *Parties) {
		// The data begin later than the directory implies, for whoever believes the local header.
		a.Files = []Member{{Name: "files/a", LocalName: "files/ab"}}
	}},
	{"other local flags", "CP-PKG-005", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a", LocalFlags: 1}} }},
	{"other local time", "CP-PKG-005", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a", LocalTime: 7}} }},
	{"wrong CRC", "CP-PKG-014", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a", Data: []byte("x"), CRC: 1}}
	}},
	{"extra field", "CP-PKG-001", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a", Extra: []byte{0x75, 0x70, 1, 0, 0}}}
	}},
	{"needless long sizes", "CP-PKG-001", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a", Extra: zip64(1, 0, 0, 0, 0, 0, 0, 0)}}
	}},
	{"missing long sizes", "CP-PKG-001", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a", Size: 0xffffffff}} }},
	{"member comment", "CP-PKG-001", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a", Comment: "x"}} }},
	{"encrypted member", "CP-PKG-001", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a", Flags: 1}} }},
	{"other method", "CP-PKG-001", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a", Method: 93}} }},
	{"descriptor without marker", "CP-PKG-001", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a", NoMarker: true}} }},
	{"gap", "CP-PKG-001", func(a *Package, _ *Parties) { a.Files = []Member{{Name: "files/a", Gap: []byte("hidden")}} }},
	{"hidden member", "CP-PKG-001", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { return append([]Member{{Name: "files/0", Unlisted: true}}, m...) }
	}},
	{"overlap", "CP-PKG-001", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a", Data: []byte("x")}, {Name: "files/b", Data: []byte("x"), Offset: -40}}
	}},
	{"before", "CP-PKG-001", func(a *Package, _ *Parties) {
		a.Zip = func(z *Zip) { z.Prefix = []byte("#!/bin/sh\n") }
	}},
	{"before the directory", "CP-PKG-001", func(a *Package, _ *Parties) {
		a.Zip = func(z *Zip) { z.BeforeDirectory = []byte("x") }
	}},
	{"after the directory", "CP-PKG-001", func(a *Package, _ *Parties) {
		a.Zip = func(z *Zip) { z.AfterDirectory = []byte("x") }
	}},
	{"zip comment", "CP-PKG-001", func(a *Package, _ *Parties) { a.Zip = func(z *Zip) { z.Comment = "x" } }},
	{"wrong count", "CP-PKG-001", func(a *Package, _ *Parties) { a.Zip = func(z *Zip) { z.Count = -1 } }},
	{"data after the stream", "CP-PKG-014", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a", Packed: []byte{3, 0, 'x'}}}
	}},
	{"not deflate", "CP-PKG-014", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a", Data: []byte("x"), Packed: []byte{7, 7, 7}}}
	}},
	{"bomb", "CP-PKG-014", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a", Data: make([]byte, 1<<20), Size: 10}}
	}},
	{"shorter than signed", "CP-PKG-014", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a", Data: []byte("x"), Size: 10}}
	}},
	{"huge by its own account", "CP-PKG-014", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a", Data: make([]byte, 1000), Size: 0xfffffffe}}
	}},
	{"no payload folder", "CP-PKG-007", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "a.txt"}}
	}},
	{"no signature", "CP-PKG-007", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { return m[:len(m)-1] }
	}},
	{"other order", "CP-PKG-007", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { n := len(m); m[n-4], m[n-3] = m[n-3], m[n-4]; return m }
	}},
	{"nothing", "CP-PKG-007", func(a *Package, _ *Parties) { a.Late = func([]Member) []Member { return nil } }},
	{"file added later", "CP-PKG-013", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { return append([]Member{{Name: "files/0"}}, m...) }
	}},
	{"file left out later", "CP-PKG-013", func(a *Package, _ *Parties) { a.Late = func(m []Member) []Member { return m[1:] } }},
	{"file renamed later", "CP-PKG-013", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { m[0].Name = "files/A.txt"; return m }
	}},
	{"file not in the manifest", "CP-PKG-013", func(a *Package, _ *Parties) {
		a.Manifest = func(m *pack.Manifest) { m.Files = m.Files[1:] }
	}},
	{"other file in the manifest", "CP-PKG-013", func(a *Package, _ *Parties) {
		a.Manifest = func(m *pack.Manifest) { m.Files[0].Path = "files/0" }
	}},
	{"file changed later", "CP-PKG-014", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { m[0].Data = []byte("hallo\n"); return m }
	}},
	{"README changed later", "CP-PKG-014", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { m[2].Data = []byte("rm -rf\n"); return m }
	}},
	{"manifest changed later", "CP-PKG-014", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member {
			m[3].Data = bytes.Replace(m[3].Data, []byte("treatment"), []byte("emergency"), 1)
			return m
		}
	}},
	{"sums changed later", "CP-PKG-010", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { m[4].Data[0] ^= 1; return m }
	}},
	{"signed size differs", "CP-PKG-014", func(a *Package, _ *Parties) { a.Manifest = func(m *pack.Manifest) { m.Files[0].Size++ } }},
	{"upper-case digest", "CP-PKG-008", func(a *Package, _ *Parties) {
		a.Sums = func(s string) string { return strings.ToUpper(s[:64]) + s[64:] }
	}},
	{"binary digest line", "CP-PKG-008", func(a *Package, _ *Parties) {
		a.Sums = func(s string) string { return strings.Replace(s, "  ", " *", 1) }
	}},
	{"no last line feed", "CP-PKG-008", func(a *Package, _ *Parties) {
		a.Sums = func(s string) string { return strings.TrimSuffix(s, "\n") }
	}},
	{"carriage returns", "CP-PKG-008", func(a *Package, _ *Parties) {
		a.Sums = func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	}},
	{"digest left out", "CP-PKG-014", func(a *Package, _ *Parties) {
		a.Sums = func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			return strings.Join(lines[:len(lines)-2], "")
		}
	}},
	{"attacker signs", "CP-PKG-016", func(a *Package, p *Parties) { a.Sign = p.Mallory.Sign }},
	{"attacker swaps the signature", "CP-PKG-016", func(a *Package, p *Parties) {
		a.Late = func(m []Member) []Member {
			m[5].Data = seal.Sign(p.Mallory.Sign, seal.NamespacePackage, m[4].Data).Armor()
			return m
		}
	}},
	{"manifest names another sender", "CP-PKG-011", func(a *Package, p *Parties) {
		a.Manifest = func(m *pack.Manifest) { m.From.Sign = seal.FormatKey(p.Mallory.PublicKey()) }
	}},
	{"signature over something else", "CP-PKG-010", func(a *Package, p *Parties) {
		a.Armor = func(string) string {
			return string(seal.Sign(p.Maple.Sign, seal.NamespacePackage, []byte("x")).Armor())
		}
	}},
	{"namespace of a card", "CP-PKG-009", func(a *Package, _ *Parties) { a.Namespace = seal.NamespaceCard }},
	{"namespace of file", "CP-PKG-009", func(a *Package, _ *Parties) { a.Namespace = "file" }},
	{"damaged armor", "CP-PKG-009", func(a *Package, _ *Parties) {
		a.Armor = func(s string) string { return s[:40] + "\n" + s[40:] }
	}},
	{"text after the signature", "CP-PKG-009", func(a *Package, _ *Parties) { a.Armor = func(s string) string { return s + "\n" } }},
	{"manifest with a double member", "CP-PKG-011", func(a *Package, _ *Parties) {
		a.Text = func(s string) string { return strings.Replace(s, `"note"`, `"part2": true, "note"`, 1) + "" }
		a.Manifest = func(m *pack.Manifest) { m.Note = "x" }
	}},
	{"manifest with more after it", "CP-PKG-011", func(a *Package, _ *Parties) { a.Text = func(s string) string { return s + "{}" } }},
	{"manifest in another case", "CP-PKG-011", func(a *Package, _ *Parties) {
		a.Text = func(s string) string { return strings.Replace(s, `"purpose"`, `"Purpose"`, 1) }
	}},
	{"manifest not UTF-8", "CP-PKG-011", func(a *Package, _ *Parties) {
		a.Text = func(s string) string { return strings.Replace(s, "Maple", "Map\xffe", 1) }
	}},
	{"terminal codes in a name", "CP-PKG-011", func(a *Package, _ *Parties) { a.From = "Maple\x1b[2J" }},
	{"terminal codes in a key", "CP-PKG-011", func(a *Package, _ *Parties) {
		a.Manifest = func(m *pack.Manifest) { m.From.AgeCompat = "age1\u009b2J" }
	}},
	{"another line within a name", "CP-PKG-011", func(a *Package, _ *Parties) { a.From = "Maple" + strings.Repeat(" ", 70) + "From: Hilltop" }},
	{"a letter that nobody sees in a name", "CP-PKG-011", func(a *Package, _ *Parties) { a.From = "Maple\u3164" }},
	{"a letter that nobody sees", "CP-PKG-002", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/a.txt\u3164", Flags: 0x800}}
	}},
	{"another format", "CP-PKG-012", func(a *Package, _ *Parties) {
		a.Manifest = func(m *pack.Manifest) { m.Format = "chartpost-package-v2" }
	}},
	{"unknown crit", "CP-PKG-012", func(a *Package, _ *Parties) {
		a.Manifest = func(m *pack.Manifest) { m.Crit = []string{"supersedes"} }
	}},
	{"forwarded", "CP-PKG-019", func(a *Package, p *Parties) { a.To, a.For = p.Other, p.Lake.Hybrid.Recipient() }},
	{"names my other key", "CP-PKG-019", func(a *Package, p *Parties) {
		k, _ := p.Lake.Compat()
		a.For = k.Recipient() // the manifest names the hybrid one
	}},
	{"no recipient", "CP-PKG-011", func(a *Package, _ *Parties) { a.Manifest = func(m *pack.Manifest) { m.To = nil } }},
	{"carried on after the end", "CP-PKG-001", func(a *Package, _ *Parties) { a.Zip = func(z *Zip) { z.Suffix = []byte("PK\x05\x06") } }},
	{"folded letters", "CP-PKG-003", func(a *Package, _ *Parties) {
		a.Files = []Member{{Name: "files/mass.txt"}, {Name: "files/ma\u017fs.txt", Flags: 0x800}}
	}},
	{"a recipient twice", "CP-PKG-011", func(a *Package, _ *Parties) { a.Manifest = func(m *pack.Manifest) { m.To = append(m.To, m.To[0]) } }},
	{"terminal codes in a recipient's city", "CP-PKG-011", func(a *Package, _ *Parties) { a.Manifest = func(m *pack.Manifest) { m.To[0].City = "\x1b[2J" } }},
	{"terminal codes in an emergency", "CP-PKG-011", func(a *Package, _ *Parties) { a.Manifest = func(m *pack.Manifest) { m.Emergency = "x\x1b]0;" } }},
	{"replaces itself", "CP-PKG-011", func(a *Package, _ *Parties) { a.Manifest = func(m *pack.Manifest) { m.Supersedes = m.ID } }},
	{"answers no id", "CP-PKG-011", func(a *Package, _ *Parties) { a.Manifest = func(m *pack.Manifest) { m.InReplyTo = "../../x" } }},
	{"the one before is no id", "CP-PKG-011", func(a *Package, _ *Parties) { a.Manifest = func(m *pack.Manifest) { m.To[0].Prev = "x" } }},
	{"part 2 without its notice", "CP-PKG-011", func(a *Package, _ *Parties) { a.Manifest = func(m *pack.Manifest) { m.Part2 = true } }},
	{"padding among the files", "CP-PKG-007", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member { return append([]Member{{Name: pack.PaddingName, Stored: true}}, m...) }
	}},
	{"padding that is not signed", "CP-PKG-013", func(a *Package, _ *Parties) {
		a.Late = func(m []Member) []Member {
			n := len(m)
			return slices.Insert(m, n-3, Member{Name: pack.PaddingName, Stored: true})
		}
	}},
	{"padding that was changed", "CP-PKG-014", func(a *Package, _ *Parties) {
		a.Padding = make([]byte, 1000)
		a.Late = func(m []Member) []Member { m[3].Data[7] = 1; return m }
	}},
}
