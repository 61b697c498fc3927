//go:build !js

package passphrase

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/sethvargo/go-diceware/diceware"
)

// List returns the words that [Throw] draws from, in the order of their throws.
func List() []string {
	list := diceware.WordListEffLarge()
	words := make([]string, 0, listed)
	for i := range listed {
		throws := 0
		for n, place := i, 1; place < 100_000; n, place = n/6, 10*place {
			throws += (n%6 + 1) * place
		}
		words = append(words, list.WordAt(throws))
	}
	return words
}

// Throw draws a passphrase from a source of random bytes: words of the EFF's long list, no two of them alike, with blanks between them. bits is
// the binary logarithm of the number of passphrases that might have come out. The error is about the number of words, from [LeastWords] to
// [MostWords], or the source's.
func Throw(random io.Reader, words int) (text string, bits float64, err error) {
	if words < LeastWords || words > MostWords {
		return "", 0, fmt.Errorf("a passphrase of %d words: want %d to %d", words, LeastWords, MostWords)
	}
	g, err := diceware.NewGenerator(&diceware.GeneratorInput{RandReader: random, WordList: diceware.WordListEffLarge()})
	if err != nil {
		return "", 0, err
	}
	list, err := g.Generate(words)
	if err != nil {
		return "", 0, fmt.Errorf("random numbers for a passphrase: %w", err)
	}
	for i := range list {
		bits += math.Log2(float64(listed - i))
	}
	return strings.Join(list, " "), bits, nil
}
