package contacts

import (
	"slices"
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
	"օ", "o", "ո", "n", "ս", "u", "հ", "h", "ց", "g", "զ", "q", "լ", "l", "ү", "y", "ѵ", "v", "ѡ", "w", "ԍ", "g", "ϲ", "c", "ϳ", "l",
	"ı", "l", "ɑ", "a", "ɡ", "g", "ø", "o", "ł", "l", "đ", "d", "ħ", "h", "ŧ", "t", "ſ", "f", "ß", "ss", "æ", "ae", "œ", "oe",
	"0", "o", "1", "l", "i", "l", "j", "l",
)

// lookAlikePairs are two letters that are drawn like one.
var lookAlikePairs = strings.NewReplacer("rn", "m", "vv", "w", "cl", "d")

// drawnAlike are capitals that are drawn like a Latin one while their small letters are drawn like another.
var drawnAlike = strings.NewReplacer("Η", "H", "Μ", "M", "Ν", "N", "Υ", "Y", "Ζ", "Z", "Ү", "Y", "З", "3",
	"ς", "c", "ϲ", "c", "|", "l") // nor do these stay what they are when case is folded

// skeleton is what a hurried reader sees of a name: no blanks, punctuation, accents, nor letters that are not drawn at all.
func skeleton(name string) string {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			switch {
			case unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
				return -1
			case unicode.Is(unicode.Lm, r) && unicode.Is(unicode.Common, r): // an apostrophe that is a letter
				return -1
			case unicode.IsLetter(r), unicode.IsDigit(r), unicode.In(r, unicode.Nl, unicode.Mc):
				return r
			}
			return -1
		}, s)
	}
	// A small 2 above the line is left out before it is taken apart, as in a slug.
	seen := letters(drawnAlike.Replace(strings.ToValidUTF8(name, "")))
	folded := letters(strings.ToLower(strings.ToUpper(drawnAlike.Replace(norm.NFKD.String(seen))))) // upper first, which folds more
	return lookAlikes.Replace(folded)
}

// LookAlike reports whether one name could be taken for the other.
func LookAlike(a, b string) bool {
	if s := slug(a); s != "" && s == slug(b) {
		return true
	}
	x, y := skeleton(a), skeleton(b)
	return drawnAsOne(x, y) || drawnAsOne(lookAlikePairs.Replace(x), lookAlikePairs.Replace(y))
}

// drawnAsOne compares two skeletons. A letter that the tables know nothing of could be any Latin one if it stands among those, or belongs to
// an alphabet that is drawn like theirs: nobody writes a name so who does not imitate another.
func drawnAsOne(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) != len(y) {
		return false
	}
	latin := func(r rune) bool { return r <= unicode.MaxASCII }
	mixedX, mixedY := slices.ContainsFunc(x, latin), slices.ContainsFunc(y, latin)
	for i, r := range x {
		switch s := y[i]; {
		case r == s:
		case latin(s) && !latin(r) && (mixedX || drawnLatin(r)), latin(r) && !latin(s) && (mixedY || drawnLatin(s)):
		default:
			return false
		}
	}
	return true
}

func drawnLatin(r rune) bool {
	return unicode.In(r, unicode.Latin, unicode.Cherokee, unicode.Lisu, unicode.Coptic)
}
