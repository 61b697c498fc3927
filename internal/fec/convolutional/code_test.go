package convolutional

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// The answer to a single one is the generators themselves, interleaved: 1011011 and 1111001.
func TestEncodeImpulse(t *testing.T) {
	want := []byte{1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1}
	got := Encode([]byte{0x80})
	if len(got) != Len(1) || !bytes.Equal(got[:14], want) || bytes.IndexByte(got[14:], 1) >= 0 {
		t.Errorf("Encode(1) = %v, want %v and zeros", got, want)
	}
}

// An encoder is the product of the message and each generator as polynomials over GF(2).
func TestEncodeIsPolynomialProduct(t *testing.T) {
	generators := [2]string{"1011011", "1111001"} // 133 and 171, octal
	for _, size := range []int{0, 1, 2, 17, 100} {
		message := text(uint64(size), size)
		want := make([]byte, Len(size))
		for i := range 8 * size {
			if message[i/8]>>(7-i%8)&1 == 0 {
				continue
			}
			for g, taps := range generators {
				for delay, tap := range taps {
					if tap == '1' {
						want[2*(i+delay)+g] ^= 1
					}
				}
			}
		}
		if got := Encode(message); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: the code differs from the polynomial product", size)
		}
	}
}

// The distance spectrum of the code, as tabulated by Conan, "The weight spectra of some short low-rate convolutional
// codes", IEEE Trans. Commun. 32 (1984), and in most books since: the number of paths that leave the zero state and return
// to it at each weight, and the number of ones in their messages.
func TestDistanceSpectrum(t *testing.T) {
	wantPaths := map[int]int{10: 11, 12: 38, 14: 193, 16: 1331}
	wantBits := map[int]int{10: 36, 12: 211, 14: 1404, 16: 11633}
	const limit = 16
	type tally struct{ paths, ones int }
	var done [limit + 1]tally
	// at[s][w]: the paths that left the zero state and are now in state s with weight w.
	var at [states][limit + 1]tally
	step := func(register uint) (next uint, weight int) {
		return register >> 1, int(parity(register&generatorA) + parity(register&generatorB))
	}
	first, weight := step(1 << Memory)
	at[first][weight] = tally{1, 1}
	for range 200 { // far longer than any path of such weight
		var next [states][limit + 1]tally
		for s := uint(1); s < states; s++ {
			for bit := range uint(2) {
				to, weight := step(bit<<Memory | s)
				for w := 0; w+weight <= limit; w++ {
					from := at[s][w]
					sum := &next[to][w+weight]
					if to == 0 {
						sum = &done[w+weight]
					}
					sum.paths += from.paths
					sum.ones += from.ones + int(bit)*from.paths
				}
			}
		}
		at = next
	}
	for w, d := range done {
		if d.paths != wantPaths[w] || d.ones != wantBits[w] {
			t.Errorf("weight %d: %d paths with %d ones, want %d with %d", w, d.paths, d.ones, wantPaths[w], wantBits[w])
		}
	}
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// text returns random bytes.
func text(seed uint64, size int) []byte {
	rng := random(seed)
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func likelihoods(coded []byte) []float32 {
	l := make([]float32, len(coded))
	for i, c := range coded {
		l[i] = 4*float32(c) - 2
	}
	return l
}

func TestDecode(t *testing.T) {
	for _, size := range []int{0, 1, 2, 3, 100, 1000} {
		message := text(uint64(size), size)
		if got := Decode(likelihoods(Encode(message))); !bytes.Equal(got, message) {
			t.Errorf("%d bytes are not decoded without errors", size)
		}
	}
}

// A free distance of 10 corrects any 4 wrong symbols and any 9 lost ones, however close together.
func TestDecodeWithinFreeDistance(t *testing.T) {
	rng := random(1)
	for trial := range 300 {
		message := text(uint64(trial), 12)
		for name, c := range map[string]struct {
			count  int
			factor float32
		}{"wrong": {4, -1}, "lost": {9, 0}} {
			l := likelihoods(Encode(message))
			first := rng.IntN(len(l) - 20)
			for _, i := range rng.Perm(20)[:c.count] {
				l[first+i] *= c.factor
			}
			if !bytes.Equal(Decode(l), message) {
				t.Fatalf("%d %s symbols are not corrected", c.count, name)
			}
		}
	}
}

func TestDecodeExtremes(t *testing.T) {
	message := text(1, 50)
	inf := float32(math.Inf(1))
	for _, scale := range []float32{0.05, 1, 1e6, inf} {
		l := likelihoods(Encode(message))
		for i := range l {
			l[i] *= scale
		}
		if !bytes.Equal(Decode(l), message) {
			t.Errorf("log-likelihoods of ±%v are not decoded", 2*scale)
		}
	}
}

// Bit error rates with antipodal symbols in white Gaussian noise, unquantised soft decisions. The union bound
// Σ c_d·Q(√(d·Eb/N0)) over the published spectrum c_d is above the true rate of a maximum-likelihood decoder, and close to it
// from 3 dB on.
func TestBitErrorRate(t *testing.T) {
	spectrum := map[float64]float64{10: 36, 12: 211, 14: 1404, 16: 11633, 18: 77433, 20: 502690, 22: 3322763}
	for _, db := range []float64{3, 3.25, 3.5} {
		snr := math.Pow(10, db/10)
		bound := 0.0
		for d, c := range spectrum {
			bound += c * math.Erfc(math.Sqrt(d*snr/2)) / 2
		}
		rng := random(uint64(db * 100))
		sigma := math.Sqrt(1 / snr) // a bit has two symbols of energy 1, and N0 = 2·sigma²
		sent, wrong := 0, 0
		for range 40 {
			message := text(rng.Uint64(), 1250)
			l := make([]float32, Len(len(message)))
			for i, s := range Encode(message) {
				y := 2*float64(s) - 1 + sigma*rng.NormFloat64()
				l[i] = float32(2 * y / (sigma * sigma))
			}
			for i, b := range Decode(l) {
				wrong += bits.OnesCount8(b ^ message[i])
			}
			sent += 8 * len(message)
		}
		rate := float64(wrong) / float64(sent)
		t.Logf("%.2f dB: %.2g, bound %.2g", db, rate, bound)
		if rate > bound || rate < 0.4*bound {
			t.Errorf("bit error rate %.2g at %.2f dB, want a little less than %.2g", rate, db, bound)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{20, 400, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			l := likelihoods(Encode(text(1, size)))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				Decode(l)
			}
		})
	}
}
