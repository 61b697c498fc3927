// Package passphrase throws passphrases by dice, and estimates how hard others are to guess.
package passphrase

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	// Words is how many words a passphrase should have, and LeastWords the number below which it is not worth throwing dice.
	Words, LeastWords = 6, 4
	// MostWords bounds them.
	MostWords = 64
	// Enough is the number of bits below which a passphrase is weak. Guessing one of 50 bits takes 2⁴⁹ derivations of keys on average.
	Enough = 50
)

// listed is the number of words that are drawn from: five throws of a die.
const listed = 7776

// wordBits is what one of them tells.
var wordBits = math.Log2(listed)

// What a letter, a digit and any other character tell at most, in bits.
var letterBits, digitBits, otherBits = math.Log2(26), math.Log2(10), math.Log2(32)

// Bits returns how many bits a passphrase has at most, counted as a guesser would who knows how people make them but has never heard of
// this one: no word counts for more than one that was drawn by dice, digits in a word are taken for the letters that they resemble, and what
// comes again or goes on as it began, as in "aaa", "1234" and "qwerty", counts for nothing. Where a text is a pattern, it has no more than
// it takes to describe that. What people think up has fewer, and what somebody has written before far fewer.
func Bits(text string) float64 {
	text = norm.NFC.String(text)
	return min(spoken(text), described(text))
}

// spoken returns how many bits a text has as words, numbers and signs.
func spoken(text string) (bits float64) {
	seen := map[string]bool{}
	for _, part := range strings.Fields(text) {
		all := tokens([]rune(part))
		random := len(all) >= jumble || len(all) >= jumble-2 && len(part) >= 14
		if !random {
			all = tokens(spelled([]rune(part)))
		}
		for _, token := range all {
			folded := strings.ToLower(string(token))
			if len(token) > 2 && seen[folded] {
				continue
			}
			seen[folded] = true
			if folded != string(token) {
				bits++
			}
			bits += tokenBits([]rune(folded), random)
		}
	}
	return bits
}

// jumble is the number of words, numbers and signs without a blank between them from which on they are taken for random characters.
const jumble = 8

// tokenBits returns how many bits a token in small letters has, which is no word if it is from a part that is random.
func tokenBits(token []rune, random bool) float64 {
	n := float64(fresh(token))
	switch kindOf(token[0]) {
	case digit:
		return n * digitBits
	case han:
		return n * wordBits / 2 // two characters make a word
	case letter:
		if random || unspeakable(token) {
			return n * letterBits
		}
		return min(n*letterBits, wordBits*max(1, n/letters))
	}
	return n * otherBits
}

// letters is how many letters a word of the list has on average: runs of more may be several words.
const letters = 7

// kind is what characters make tokens of.
type kind int

const (
	digit kind = iota
	han
	letter
	other
)

func kindOf(r rune) kind {
	switch {
	case unicode.IsDigit(r):
		return digit
	case unicode.Is(unicode.Han, r):
		return han
	case unicode.IsLetter(r) || unicode.IsMark(r):
		return letter
	}
	return other
}

// spelled replaces single digits between letters by the letters that they stand for.
func spelled(text []rune) []rune {
	out := slices.Clone(text)
	for i := 1; i < len(text)-1; i++ {
		if at := strings.IndexRune("013457", text[i]); at >= 0 && kindOf(text[i-1]) == letter && kindOf(text[i+1]) == letter {
			out[i] = rune("oieast"[at])
		}
	}
	return out
}

// tokens divides a text without blanks into words, numbers and runs of other characters. A capital after a small letter begins another word.
func tokens(text []rune) (all [][]rune) {
	from := 0
	for i := 1; i <= len(text); i++ {
		if i < len(text) && kindOf(text[i]) == kindOf(text[i-1]) && (!unicode.IsUpper(text[i]) || unicode.IsUpper(text[i-1])) {
			continue
		}
		all = append(all, text[from:i])
		from = i
	}
	return all
}

// sequences are characters that follow each other, in alphabets and on keyboards.
const sequences = "abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm"

// fresh returns how many characters of a run do not follow from the two before: by being the same, or the next in a sequence up or down.
func fresh(run []rune) (n int) {
	for i, r := range run {
		if i > 1 {
			if u, v := run[i-2], run[i-1]; u == v && v == r || strings.Contains(sequences, string([]rune{u, v, r})) || strings.Contains(sequences, string([]rune{r, v, u})) {
				continue
			}
		}
		n++
	}
	return n
}

// unspeakable reports whether a word has so many consonants in a row that it hardly is one.
func unspeakable(word []rune) bool {
	const many = 5
	n := 0
	for _, r := range word {
		if n++; r > unicode.MaxASCII || strings.ContainsRune("aeiouy", r) {
			n = 0
		}
		if n >= many {
			return true
		}
	}
	return false
}
