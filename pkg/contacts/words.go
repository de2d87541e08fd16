package contacts

import (
	"crypto/sha512"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
)

//go:embed words.txt
var wordText string

// wordList is the list in the order of its file, comments aside.
var wordList = sync.OnceValue(func() []string {
	list := make([]string, 0, 2048)
	for line := range strings.Lines(wordText) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			list = append(list, line)
		}
	}
	return list
})

// WordCount is how many words tell a card: 8 of 11 bits each.
const WordCount = 8

// wordRounds makes the search for keys with the same words as another card's 65,536 times as long.
const wordRounds = 1 << 16

// Words are what the owner of a card reads aloud: 88 bits of SHA-512, repeated 65,536 times, over the three keys. Name and address are
// not part of them, so a card that only tells a new address keeps its words.
func (c *Card) Words() []string {
	h := sha512.Sum512([]byte(c.keysText()))
	for range wordRounds - 1 {
		h = sha512.Sum512(h[:])
	}
	return Phrase(h[:])[:WordCount]
}

// Phrase writes bytes as words, 11 bits each, high bits first; what lacks of the last word is zero.
func Phrase(data []byte) []string {
	words := make([]string, 0, PhraseLen(len(data)))
	acc, bits := uint32(0), 0
	for _, b := range data {
		if acc, bits = acc<<8|uint32(b), bits+8; bits >= 11 {
			bits -= 11
			words = append(words, wordList()[acc>>bits&0x7ff])
		}
	}
	if bits > 0 {
		words = append(words, wordList()[acc<<(11-bits)&0x7ff])
	}
	return words
}

// PhraseLen is how many words Phrase makes of so many bytes.
func PhraseLen(size int) int { return (8*size + 10) / 11 }

// ReadPhrase reads what Phrase wrote of so many bytes. Four letters of a word are enough. The error says which word is wrong.
func ReadPhrase(typed string, size int) ([]byte, error) {
	words := SplitWords(typed)
	if want := PhraseLen(size); len(words) != want {
		return nil, fmt.Errorf("there are %d words, not %d", len(words), want)
	}
	data := make([]byte, 0, size+2)
	acc, bits := uint32(0), 0
	for i, w := range words {
		n := slices.IndexFunc(wordList(), func(x string) bool { return wordMatches(w, x) })
		if n < 0 {
			return nil, fmt.Errorf("word %d is not in the list of words", i+1)
		}
		for acc, bits = acc<<11|uint32(n), bits+11; bits >= 8; bits -= 8 {
			data = append(data, byte(acc>>(bits-8)))
		}
	}
	if acc&(1<<bits-1) != 0 || slices.ContainsFunc(data[size:], func(b byte) bool { return b != 0 }) {
		return nil, fmt.Errorf("word %d is another one", len(words))
	}
	return data[:size], nil
}

// SplitWords takes typed words apart: case, numbers, punctuation and line ends do not matter.
func SplitWords(typed string) []string {
	return strings.FieldsFunc(strings.ToLower(typed), func(r rune) bool { return !unicode.IsLetter(r) })
}

// keysText is what tells a card's keys from those of any other.
func (c *Card) keysText() string {
	return "chartpost-card-v1\n" + c.Age + "\n" + c.AgeCompat + "\n" + c.Sign + "\n"
}

// CheckWords compares typed words with the card's. Four letters of a word are enough; case, punctuation and line ends do not matter.
// The error says which word is wrong, never what it should have been.
func (c *Card) CheckWords(typed string) error {
	got := SplitWords(typed)
	if len(got) != WordCount {
		return fmt.Errorf("%w: %d words were given, not %d", ErrWords, len(got), WordCount)
	}
	want := c.Words()
	var wrong []string
	for i, w := range got {
		if !wordMatches(w, want[i]) {
			if !slices.ContainsFunc(wordList(), func(x string) bool { return wordMatches(w, x) }) {
				wrong = append(wrong, fmt.Sprintf("word %d is not in the list of words", i+1))
			} else {
				wrong = append(wrong, fmt.Sprintf("word %d is another one", i+1))
			}
		}
	}
	if wrong != nil {
		return fmt.Errorf("%w: %s", ErrWords, strings.Join(wrong, ", "))
	}
	return nil
}

func wordMatches(typed, word string) bool {
	return typed == word || len(typed) >= 4 && strings.HasPrefix(word, typed)
}

// ErrWords says that the words typed are not the card's.
var ErrWords = errors.New("these are not the words of the card")
