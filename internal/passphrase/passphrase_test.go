package passphrase

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sethvargo/go-diceware/diceware"
)

// Passphrases that people choose are warned of, those of dice and of password managers are not.
func TestBits(t *testing.T) {
	for _, weak := range []string{
		"", " ", "x", "password", "password123", "Tr0ub4dour&3", "iloveyou2", "Berlin1989!", "correct horse", "open sesame", "qwertyuiopasdfghjkl",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "12345678901234567890", "abcdefghijklmnopqrstuvwxyz", "love love love love love love", "пароль", "密码",
		"Summer2024!!!!!!!!!!!", "Liverpool Liverpool 1892", "19.05.1987",
		// Repetitions, whole and in part, of what is short.
		strings.Repeat("ab1", 10), strings.Repeat("12", 12), strings.Repeat("xk", 10), strings.Repeat("a1", 9), strings.Repeat("a1", 2000), strings.Repeat("ab1", 10) + "ab",
		strings.Repeat("x7Q", 8) + "!", strings.Repeat("correcthorse", 4),
		// Keyboards, sequences that take turns, and numbers that everybody knows.
		"1qaz2wsx3edc4rfv", "zaq12wsxcde34rfv", "!QAZ@WSX#EDC$RFV", "q1w2e3r4t5y6u7i8", "1a2b3c4d5e6f7g8h", "a1b2c3d4e5f6g7h8i9", "!@#$%^&*()_+", "3141592653589793238",
		"3.14159265358979323846", "2.718281828459045235", "1.4142135623730950488", "zyxwvutsrqponmlkjihg",
	} {
		if b := Bits(weak); b >= Enough {
			t.Errorf("%q has %.1f bits", weak, b)
		}
	}
	for _, strong := range []string{
		"correct horse battery staple", "jackknife unhinge pedicure salami tartness uptight", "jackknifeunhingepedicuresalamitartnessuptight",
		"JackknifeUnhingePedicureSalamiTartness", "dVfK2xQ9mLp0", "Tr9$kLm2#xQz8!vB", "f84f9b6e433099a4621ba3a9", "ätzend Übermut gießen Hügel", "跑马溜溜的山上一朵云",
	} {
		if b := Bits(strong); b < Enough {
			t.Errorf("%q has %.1f bits", strong, b)
		}
	}
	random := rand.NewChaCha8([32]byte{7})
	for range 300 {
		text, bits, err := Throw(random, Words)
		if err != nil {
			t.Fatal(err)
		}
		if b := Bits(text); b > 1.3*bits || b < 0.8*bits {
			t.Errorf("%q has %.1f bits, from dice it has %.1f", text, b, bits)
		}
	}
}

// Random characters, as password managers make them, are hardly ever warned of.
func TestBitsOfRandomCharacters(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for alphabet, length := range map[string]int{
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": 16, "abcdefghijklmnopqrstuvwxyz0123456789": 20, "0123456789abcdef": 24,
		"0123456789": 20, "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~ABCDEFabcdef0123456789": 16,
	} {
		warned := 0
		for range 1000 {
			var b strings.Builder
			for range length {
				b.WriteByte(alphabet[rng.IntN(len(alphabet))])
			}
			if Bits(b.String()) < Enough {
				warned++
			}
		}
		if warned > 40 {
			t.Errorf("%d of 1000 strings of %d from %q are called weak", warned, length, alphabet)
		}
	}
}

// Dice draw every word of the list equally often, no word twice in a passphrase, and what they say of their number is true.
func TestThrow(t *testing.T) {
	list := diceware.WordListEffLarge()
	random := rand.NewChaCha8([32]byte{1})
	words := map[string]int{}
	for i := range 2000 {
		n := LeastWords + i%5
		text, bits, err := Throw(random, n)
		if err != nil {
			t.Fatal(err)
		}
		drawn := strings.Split(text, " ")
		if len(drawn) != n || math.Abs(bits-12.925*float64(n)) > 0.01 {
			t.Fatalf("%q has %d words and %.2f bits", text, n, bits)
		}
		seen := map[string]bool{}
		for _, w := range drawn {
			if seen[w] || w == "" {
				t.Fatalf("%q", text)
			}
			seen[w] = true
			words[w]++
		}
	}
	if len(words) < 6000 { // of 7,776, 12,000 draws leave out e^−1.54
		t.Errorf("12000 words are %d different ones", len(words))
	}
	for w, n := range words {
		if n > 12 {
			t.Errorf("%q was drawn %d times", w, n)
		}
	}
	if n := list.(diceware.WordListNumWordser).NumWords(); n != listed {
		t.Errorf("the list has %d words", n)
	}
	a, _, _ := Throw(rand.NewChaCha8([32]byte{2}), Words)
	if b, _, _ := Throw(rand.NewChaCha8([32]byte{2}), Words); a != b {
		t.Errorf("the same random bytes give %q and %q", a, b)
	}
	for _, n := range []int{-1, 0, LeastWords - 1, MostWords + 1} {
		if _, _, err := Throw(random, n); err == nil {
			t.Errorf("%d words are thrown", n)
		}
	}
	if _, _, err := Throw(iotest.ErrReader(iotest.ErrTimeout), Words); err == nil {
		t.Error("a source that fails gives a passphrase")
	}
}

// List has all the words that are thrown, each once.
func TestList(t *testing.T) {
	list := List()
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	if len(list) != 7776 || len(slices.Compact(sorted)) != len(list) || slices.Contains(list, "") || !slices.IsSorted(list) {
		t.Errorf("%d words, %d of them unlike", len(list), len(slices.Compact(sorted)))
	}
	text, _, err := Throw(rand.NewChaCha8([32]byte{}), MostWords)
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(text) {
		if !slices.Contains(list, word) {
			t.Errorf("%s is thrown and not listed", word)
		}
	}
}
