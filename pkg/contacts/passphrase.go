package contacts

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// PassphraseWords is how many words a package for a patient opens with: 77 random bits, and each guess costs what scrypt costs.
const PassphraseWords = 7

// ErrPassphraseWord says that a typed word cannot be one of a passphrase.
var ErrPassphraseWord = errors.New("is not in the list of words")

// NewPassphrase makes the passphrase of a package for a patient: seven words of the list, joined by hyphens, lower case. random may be nil.
func NewPassphrase(random io.Reader) (string, error) {
	if random == nil {
		random = rand.Reader
	}
	var b [(11*PassphraseWords + 7) / 8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return strings.Join(Phrase(b[:])[:PassphraseWords], "-"), nil
}

// ReadPassphrase gives a typed passphrase the one form that opens a package: case, blanks, hyphens and numbers between the words do not
// matter, and four letters of a word are enough. What has not that many words is left as it is: somebody else made it. The error says which
// word is wrong, and repeats none.
func ReadPassphrase(typed string) (string, error) {
	words := SplitWords(typed)
	if len(words) != PassphraseWords {
		return strings.TrimSpace(typed), nil
	}
	for i, w := range words {
		n := slices.IndexFunc(wordList(), func(x string) bool { return wordMatches(w, x) })
		if n < 0 {
			return "", fmt.Errorf("word %d %w", i+1, ErrPassphraseWord)
		}
		words[i] = wordList()[n]
	}
	return strings.Join(words, "-"), nil
}

// Words lists the 2,048 words in their order.
func Words() []string { return slices.Clone(wordList()) }
