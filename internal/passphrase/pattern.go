package passphrase

import (
	"math"
	"strings"
	"unicode"
)

// mostDescribed is how many characters of a text [described] looks at: if so many tell little, more of them will not tell much.
const mostDescribed = 1024

// patterns are what people type without thinking: alphabets, the rows and columns of keyboards, and numbers that are known to many digits.
const patterns = "abcdefghijklmnopqrstuvwxyz 1234567890-= 01234567890 qwertyuiop[] asdfghjkl;' zxcvbnm,./ qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn " +
	"1qaz 2wsx 3edc 4rfv 5tgb 6yhn 7ujm 8ik, 9ol. 0p;/ 1qay 6zhn " +
	"31415926535897932384626433832795028841971693993751 27182818284590452353602874713526624977572470936999 14142135623730950488016887242096980785696718753769"

// patternBits is what it takes to say where a pattern begins, and in which of two directions it goes on.
var patternBits = 1 + math.Log2(float64(len(patterns)))

var backwards = func() string {
	r := []byte(patterns)
	for i := range len(r) / 2 {
		r[i], r[len(r)-1-i] = r[len(r)-1-i], r[i]
	}
	return string(r)
}()

// described returns how many bits the shortest description of a text takes, as one that is repeated, or as up to four strands that take turns,
// each made of single characters, of patterns, and of what has been there before.
func described(text string) float64 {
	const strands = 4
	all := []rune(text)
	all = all[:min(len(all), mostDescribed)]
	best := math.Inf(1)
	for m := 1; m <= strands; m++ {
		bits := math.Log2(float64(m))
		for k := range m {
			var strand []rune
			for i := k; i < len(all); i += m {
				strand = append(strand, all[i])
			}
			bits += strandBits(strand)
		}
		best = min(best, bits)
	}
	for unit := 1; unit <= len(all)/2; unit++ {
		if len(all)%unit == 0 && strings.Repeat(string(all[:unit]), len(all)/unit) == string(all) {
			return min(best, Bits(string(all[:unit]))+math.Log2(float64(len(all)/unit)))
		}
	}
	return best
}

// strandBits returns how many bits the shortest description of a strand takes (by dynamic programming, as in Ziv and Lempel 1977).
func strandBits(strand []rune) float64 {
	const least = 3 // characters of what is worth being named
	keys := make([]rune, len(strand))
	for i, r := range strand {
		keys[i] = key(r)
	}
	before := repeats(strand)
	to := make([]float64, len(strand)+1) // the bits of each beginning of the strand
	for i := range to[1:] {
		to[i+1] = math.Inf(1)
	}
	for i, r := range strand {
		to[i+1] = min(to[i+1], to[i]+runeBits(r))
		for n := least; n <= before[i]; n++ {
			to[i+n] = min(to[i+n], to[i]+1+math.Log2(float64(i+1))+math.Log2(float64(n)))
		}
		shift := 0.0
		for n := 1; i+n <= len(strand); n++ {
			if keys[i+n-1] != strand[i+n-1] {
				shift = 1
			}
			if piece := string(keys[i : i+n]); strings.Contains(piece, " ") || !strings.Contains(patterns, piece) && !strings.Contains(backwards, piece) {
				break
			}
			if n >= least {
				to[i+n] = min(to[i+n], to[i]+patternBits+shift+math.Log2(float64(n)))
			}
		}
	}
	return to[len(strand)]
}

// repeats returns for each place in a text how many characters from there on follow each other at an earlier place, too.
func repeats(text []rune) []int {
	longest, row := make([]int, len(text)), make([]int, len(text)+1)
	for i := len(text) - 1; i >= 0; i-- {
		// Of row, what is not yet written is of i+1: there row[k+1] says how many are alike from i+1 and k+1 on.
		for k := range i {
			if row[k] = 0; text[k] == text[i] {
				row[k] = 1 + row[k+1]
			}
			longest[i] = max(longest[i], row[k])
		}
	}
	return longest
}

// runeBits returns what a character tells that follows from nothing.
func runeBits(r rune) float64 {
	bits := otherBits
	switch kindOf(r) {
	case digit:
		bits = digitBits
	case han:
		bits = wordBits / 2
	case letter:
		bits = letterBits
	}
	if unicode.IsUpper(r) {
		bits++
	}
	return bits
}

// key returns what a key of an American keyboard writes without shift, of what it writes with it.
func key(r rune) rune {
	const shifted, plain = `!@#$%^&*()_+{}:"<>?`, `1234567890-=[];',./`
	if at := strings.IndexRune(shifted, r); at >= 0 {
		return rune(plain[at])
	}
	return unicode.ToLower(r)
}
