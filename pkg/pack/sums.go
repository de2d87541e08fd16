package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

// Digest is a SHA-256.
type Digest = [sha256.Size]byte

// Sum is one line of SHA256SUMS.
type Sum struct {
	Path   string
	Digest Digest
}

// FormatSums writes SHA256SUMS as sha256sum does: 64 hexadecimal digits, two blanks, the path, a line feed.
func FormatSums(sums []Sum) []byte {
	var b bytes.Buffer
	for _, s := range sums {
		b.WriteString(hex.EncodeToString(s.Digest[:]))
		b.WriteString("  ")
		b.WriteString(s.Path)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// ParseSums reads what FormatSums writes, and nothing else: sha256sum's other forms (a star, escapes, upper case) are refused, so
// that every program reads the same digests out of it. Whether the paths are those of the members is for the caller to compare.
func ParseSums(b []byte) ([]Sum, error) {
	var sums []Sum
	for line := 1; len(b) > 0; line++ {
		text, rest, ok := bytes.Cut(b, []byte("\n"))
		if !ok || len(text) < 67 || text[64] != ' ' || text[65] != ' ' || !isHex(string(text[:64]), sha256.Size) {
			return nil, refuse("CP-PKG-008", SumsName, "line %d of SHA256SUMS is not a digest, two blanks and a path", line)
		}
		s := Sum{Path: string(text[66:])}
		if CheckName(s.Path) != nil {
			return nil, refuse("CP-PKG-008", SumsName, "line %d of SHA256SUMS names a path that is not allowed", line)
		}
		hex.Decode(s.Digest[:], text[:64])
		if len(sums) > MaxFiles+3 {
			return nil, refuse("CP-PKG-006", SumsName, "SHA256SUMS lists more than %d files", MaxFiles)
		}
		sums = append(sums, s)
		b = rest
	}
	return sums, nil
}
