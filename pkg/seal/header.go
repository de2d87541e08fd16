package seal

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
)

// ageIntro is the first line of every age file (C2SP age.md, version line).
const ageIntro = "age-encryption.org/v1"

// ErrNotSealed says that something is no age file, or that its header is damaged.
var ErrNotSealed = errors.New("this is not a sealed package")

// Sniff reports whether a file begins as an age file does, armored or not.
func Sniff(head []byte) bool {
	return bytes.HasPrefix(head, []byte(ageIntro)) || IsArmored(head)
}

// IsArmored reports whether a file begins as an age file in text form.
func IsArmored(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("-----BEGIN AGE ENCRYPTED FILE-----"))
}

// Header is what anybody can see of a package without a key.
type Header struct {
	Recipients []string `json:"recipients"` // the kind of each: "mlkem768x25519", "X25519", "scrypt"
	Size       int64    `json:"size"`       // of the whole file
}

// PostQuantum reports whether every recipient is a hybrid one.
func (h *Header) PostQuantum() bool {
	for _, r := range h.Recipients {
		if r != "mlkem768x25519" {
			return false
		}
	}
	return len(h.Recipients) > 0
}

// Passphrase reports whether the package opens with a passphrase.
func (h *Header) Passphrase() bool { return len(h.Recipients) == 1 && h.Recipients[0] == "scrypt" }

// Classic reports whether a recipient is an X25519 one.
func (h *Header) Classic() bool { return h.has("X25519") }

func (h *Header) has(kind string) bool { return slices.Contains(h.Recipients, kind) }

// ReadHeader reads the header of an age file.
func ReadHeader(src io.ReaderAt, size int64) (*Header, error) {
	raw, err := age.ExtractHeader(io.NewSectionReader(src, 0, size))
	if err != nil {
		return nil, ErrNotSealed
	}
	h := &Header{Size: size}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "-> "); ok {
			kind, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			h.Recipients = append(h.Recipients, kind)
		}
	}
	return h, nil
}
