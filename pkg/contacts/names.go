package contacts

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// lookAlikes are letters of other alphabets, and digits, that most typefaces draw like a Latin letter (a selection of Unicode's
// confusables.txt, UTS 39, after case folding), in pairs. i, l and 1 are one: a capital I is drawn like a small l.
var lookAlikes = strings.NewReplacer(
	"а", "a", "в", "b", "е", "e", "ё", "e", "к", "k", "м", "m", "н", "h", "о", "o", "р", "p", "с", "c", "т", "t", "у", "y", "х", "x",
	"ѕ", "s", "і", "l", "ї", "l", "ј", "l", "ԁ", "d", "ԛ", "q", "ԝ", "w", "һ", "h", "ӏ", "l", "ь", "b", "г", "r", "п", "n", "и", "u",
	"α", "a", "β", "b", "γ", "y", "ε", "e", "η", "n", "ι", "l", "κ", "k", "μ", "u", "ν", "v", "ο", "o", "ρ", "p", "σ", "o", "ς", "c",
	"τ", "t", "υ", "u", "χ", "x", "ω", "w", "ζ", "z",
	"ı", "l", "ɑ", "a", "ɡ", "g", "ø", "o", "ł", "l", "đ", "d", "ħ", "h", "ŧ", "t", "ſ", "f", "ß", "ss", "æ", "ae", "œ", "oe",
	"0", "o", "1", "l", "i", "l", "j", "l", "rn", "m", "vv", "w",
)

// skeleton is what a hurried reader sees of a name: two names with the same skeleton could be taken for one another, and two with the same slug
// have one.
func skeleton(name string) string {
	letters := func(s string) string { // without blanks, punctuation and accents
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, s)
	}
	seen := letters(strings.ToValidUTF8(name, ""))                              // a small 2 above the line is left out before it is taken apart, as in a slug
	folded := letters(strings.ToLower(strings.ToUpper(norm.NFKD.String(seen)))) // upper first, which folds more; a letter behind a broken byte is not taken apart
	return lookAlikes.Replace(lookAlikes.Replace(folded))                       // twice, because a replaced letter can make a pair
}

// LookAlike reports whether one name could be taken for the other.
func LookAlike(a, b string) bool { return skeleton(a) == skeleton(b) }
