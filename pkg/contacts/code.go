package contacts

import (
	"crypto/sha512"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/chartpost/chartpost/pkg/seal"
)

// codeHead begins the text of a card's QR code.
const codeHead = "CHARTPOST:CARD1:"

// Code is what the QR code of a card says: the digest of its three keys, the classic recipient and the signing key. A whole card does
// not fit into a code that can be scanned from a screen, so the code goes with the card: it tells that it is the right one. It is in
// upper case, for which QR codes have an encoding of their own.
func (c *Card) Code() string {
	text := codeHead + base32Text(c.keysDigest()) + ":" + strings.ToUpper(c.AgeCompat) + ":" + base32Text(c.SignKey())
	if seal.KindOf(c.AgeCompat) == seal.SSH {
		return codeHead + base32Text(c.keysDigest()) + "::" + base32Text(c.SignKey()) // it is the signing key
	}
	return text
}

func (c *Card) keysDigest() []byte {
	d := sha512.Sum512_256([]byte(c.keysText()))
	return d[:]
}

func base32Text(b []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}

// CheckCode compares a scanned code with the card's.
func (c *Card) CheckCode(scanned string) error {
	scanned = strings.ToUpper(strings.TrimSpace(scanned))
	switch {
	case !strings.HasPrefix(scanned, codeHead):
		return fmt.Errorf("%w: this is not the code of a card", ErrWords)
	case scanned != c.Code():
		return fmt.Errorf("%w: it is the code of another card", ErrWords)
	}
	return nil
}
