package keystream

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// RFC 5869, test case 1, second step: the info and key there are what Derive feeds to Expand.
func TestDerive(t *testing.T) {
	prk, _ := hex.DecodeString("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
	info, _ := hex.DecodeString("f0f1f2f3f4f5f6f7f8f9")
	want := "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf" // the first 32 of its 42 bytes
	if got := Key(prk).Derive(string(info)); hex.EncodeToString(got[:]) != want {
		t.Errorf("derived %x, want %s", got, want)
	}
}

func TestStream(t *testing.T) {
	// The first number of the sample output in the specification of chacha8rand.
	var sample Stream
	sample.Reset(Key([]byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ123456")))
	if got, want := sample.Dither(), float64(0xb773b6063d4616a5>>11)/(1<<53); got != want {
		t.Errorf("the generator starts with %v, want %v", got, want)
	}
	a, b, c := New(Key{}, "a"), New(Key{}, "a"), New(Key{}, "b")
	same := 0
	for range 1000 {
		x := a.Dither()
		if x != b.Dither() {
			t.Fatal("the same key and label give another stream")
		}
		if x == c.Dither() {
			same++
		}
	}
	if same > 0 {
		t.Errorf("%d of 1000 numbers are the same under another label", same)
	}
}

// Symbols are hidden only as far as dither is uniform: chi-squared over 64 bins, 63 degrees of freedom, within 5 sigma.
func TestUniform(t *testing.T) {
	s := New(Public(), "test")
	for name, draw := range map[string]func() int{
		"Dither": func() int { return int(64 * s.Dither()) },
		"Below":  func() int { return s.Below(64) },
	} {
		var bins [64]float64
		const n = 1 << 18
		for range n {
			bins[draw()]++
		}
		chi := 0.0
		for _, b := range bins {
			chi += (b - n/64) * (b - n/64) / (n / 64)
		}
		if math.Abs(chi-63) > 5*math.Sqrt(2*63) {
			t.Errorf("%s: chi-squared %.1f, want 63", name, chi)
		}
	}
	p := make([]uint32, 1000)
	s.Permute(p)
	if slices.IsSorted(p) {
		t.Error("nothing is permuted")
	}
	slices.Sort(p)
	for i, v := range p {
		if int(v) != i {
			t.Fatalf("not a permutation: %d at %d", v, i)
		}
	}
}

func TestMACDependsOnEverything(t *testing.T) {
	want := Key{}.MAC("a", []byte("bc"))
	for _, got := range [][32]byte{
		{}, Key{1}.MAC("a", []byte("bc")), Key{}.MAC("b", []byte("bc")), Key{}.MAC("a", []byte("bd")), Key{}.MAC("a"),
	} {
		if got == want {
			t.Errorf("code %x for something else too", got)
		}
	}
}

// The expected key comes from the reference implementation's command:
// printf 'caf\303\251' | argon2 'ditas passphrase 1' -id -t 3 -k 262144 -p 1 -l 32 -r
func TestFromPassphrase(t *testing.T) {
	const want = "c92d97500828c2ee8a6081a8c114be1f90d73faa82cc55b53515ff2812a840f1"
	composed, err := FromPassphrase("caf\u00e9", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(composed[:]); got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	if decomposed, _ := FromPassphrase("cafe\u0301", nil); decomposed != composed {
		t.Error("an accent that is composed in another way gives another key")
	}
	if other, _ := FromPassphrase("cafe", nil); other == composed {
		t.Error("another passphrase gives the same key")
	}
	if _, err := FromPassphrase(" \t\u00a0", nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("blanks: %v", err)
	}
	if _, err := FromPassphrase("", nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty passphrase: %v", err)
	}
}

// Salts tell every difference in what they are made of, but for blanks around a name and the way in which its accents are composed.
func TestSalt(t *testing.T) {
	seen := map[string]string{}
	for _, c := range []struct{ what, name, file string }{
		{"a name", "Anna", ""}, {"another name", "anna", ""}, {"a file", "", "Anna"}, {"another file", "", "anna"}, {"both", "Anna", "Anna"},
		{"another name and a file", "anna", "Anna"}, {"a name that looks like both", "file Anna", ""},
	} {
		var file io.Reader
		if c.file != "" {
			file = strings.NewReader(c.file)
		}
		salt, err := Salt(c.name, file)
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		if other, ok := seen[string(salt)]; ok || len(salt) == 0 {
			t.Errorf("%s has the salt of %q", c.what, other)
		}
		seen[string(salt)] = c.what
	}
	composed, _ := Salt("caf\u00e9", nil)
	if decomposed, _ := Salt(" cafe\u0301\n", nil); !bytes.Equal(composed, decomposed) {
		t.Error("blanks or the way in which accents are composed matter")
	}
	if salt, err := Salt("", nil); salt != nil || err != nil {
		t.Errorf("nothing makes %q, error %v", salt, err)
	}
	for _, err := range []error{second(Salt(" \t", nil)), second(Salt("", strings.NewReader(""))), second(Salt("Anna", strings.NewReader("")))} {
		if !errors.Is(err, ErrEmptySalt) {
			t.Errorf("an empty salt: %v", err)
		}
	}
	if err := second(Salt("Anna", iotest.ErrReader(io.ErrUnexpectedEOF))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

func second(_ []byte, err error) error { return err }
