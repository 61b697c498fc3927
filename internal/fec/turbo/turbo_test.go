package turbo

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

var lengths = []int{MinK, 41, 47, 48, 63, 64, 77, 100, 160, 163, 500, 512, 1023, 1530, 2000, 4096, 5114, 8191, MaxK}

func newCode(t testing.TB, k int) *Code {
	t.Helper()
	c, err := New(k)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func randomBits(rng *rand.Rand, n int) []byte {
	bits := make([]byte, n)
	for i := range bits {
		bits[i] = byte(rng.Uint32() & 1)
	}
	return bits
}

func TestNewRefuses(t *testing.T) {
	for _, k := range []int{math.MinInt, -1, 0, MinK - 1, MaxK + 1, math.MaxInt} {
		if c, err := New(k); err == nil || c != nil {
			t.Errorf("New(%d) = %v, %v; want an error", k, c, err)
		}
	}
}

// Polynomials over GF(2), the coefficient of the lowest power first.

func multiply(a, b []byte) []byte {
	product := make([]byte, len(a)+len(b)-1)
	for i, x := range a {
		for j, y := range b {
			product[i+j] ^= x & y
		}
	}
	return product
}

// divide divides by long division from the highest power.
func divide(a, b []byte) (quotient, rest []byte) {
	rest = slices.Clone(a)
	quotient = make([]byte, len(a))
	for i := len(a) - len(b); i >= 0; i-- {
		if rest[i+len(b)-1] == 1 {
			quotient[i] = 1
			for j, y := range b {
				rest[i+j] ^= y
			}
		}
	}
	return quotient, rest
}

// The parities of a terminated constituent are u·n/d with u the polynomial of its inputs, the ending ones included, which d
// divides.
func TestEncodeDividesPolynomials(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, k := range lengths {
		c := newCode(t, k)
		info := randomBits(rng, k)
		word := make([]byte, c.Len())
		c.Encode(word, info)
		read := func(places []uint32) (bits []byte) {
			for _, p := range places {
				bits = append(bits, word[p])
			}
			return bits
		}
		if !slices.Equal(read(c.info), info) {
			t.Fatalf("K=%d: information bits differ", k)
		}
		for i := range 2 {
			u := slices.Clone(info)
			if i == 1 {
				for j, from := range c.perm {
					u[j] = info[from]
				}
			}
			a, rest := divide(append(u, read(c.ends[i])...), []byte{1, 0, 1, 1})
			if slices.Contains(rest, 1) {
				t.Fatalf("K=%d: constituent %d does not end in state 0", k, i+1)
			}
			if want := multiply(a, []byte{1, 1, 0, 1})[:k+3]; !slices.Equal(read(c.first[i]), want) {
				t.Errorf("K=%d: parity n0 of constituent %d differs", k, i+1)
			}
			if want := multiply(a, []byte{1, 1, 1, 1})[:k+3]; !slices.Equal(read(c.second[i]), want) {
				t.Errorf("K=%d: parity n1 of constituent %d differs", k, i+1)
			}
		}
	}
}

// What is sent must never change.
func TestEncodeGolden(t *testing.T) {
	for _, test := range []struct {
		k   int
		sum uint32
	}{{40, 0x7ae56386}, {163, 0x7fbe62e4}, {500, 0xb4898433}, {MaxK, 0x6bc64880}} {
		c := newCode(t, test.k)
		info := make([]byte, test.k)
		for i := range info {
			info[i] = byte(uint32(i) * 2654435761 >> 31)
		}
		word := make([]byte, c.Len())
		c.Encode(word, info)
		if sum := crc32.ChecksumIEEE(word); sum != test.sum {
			t.Errorf("K=%d: CRC-32 of the codeword is %#08x, was %#08x", test.k, sum, test.sum)
		}
	}
}

// The order of transmission, built from the words of the package's documentation.
func TestOrderOfTransmission(t *testing.T) {
	for k := MinK; k <= 700; k++ {
		c := newCode(t, k)
		streams := [][]uint32{c.info, c.ends[0], c.ends[1], c.first[0], c.first[1], c.second[0], c.second[1]}
		seen := make([]bool, c.Len())
		for _, p := range slices.Concat(streams...) {
			if seen[p] {
				t.Fatalf("K=%d: position %d is taken twice", k, p)
			}
			seen[p] = true
		}
		if slices.Contains(seen, false) {
			t.Fatalf("K=%d: a position is not used", k)
		}
		// Multiples of the golden section, sorted by what is behind the point.
		sorted := func(m int) []int {
			all := make([]int, m)
			for i := range all {
				all[i] = i
			}
			behind := func(i int) float64 { return math.Mod(float64(i)*0.6180339887498949, 1) }
			sort.Slice(all, func(a, b int) bool { return behind(all[a]) < behind(all[b]) })
			return all
		}
		bits, steps := sorted(k), sorted(k+3)
		for i, bit := range bits {
			if c.info[bit] != uint32(i) {
				t.Fatalf("K=%d: position %d does not hold information bit %d", k, i, bit)
			}
		}
		next := uint32(k)
		for j := range k + 3 {
			step := steps[j]
			if j == 0 || j == 4 || j == 8 {
				if c.ends[0][j/4] != next || c.ends[1][j/4] != next+1 {
					t.Fatalf("K=%d: ending input %d misplaced", k, j/4)
				}
				next += 2
			}
			if c.first[0][step] != next || c.first[1][step] != next+1 {
				t.Fatalf("K=%d: parity n0 of step %d misplaced", k, step)
			}
			second := uint32(k + 2*(k+3) + 6 + 2*j)
			if c.second[0][step] != second || c.second[1][step] != second+1 {
				t.Fatalf("K=%d: parity n1 of step %d misplaced", k, step)
			}
			next += 2
		}
	}
}

// A run of lost positions must not lose neighbouring information bits.
func TestRunsAreSpread(t *testing.T) {
	for _, k := range lengths {
		c := newCode(t, k)
		for i := range k - 1 {
			for d := 1; d <= 2 && i+d < k; d++ {
				if e := int(c.info[i]) - int(c.info[i+d]); max(e, -e) < 5 {
					t.Fatalf("K=%d: information bits %d and %d are sent %d apart", k, i, i+d, max(e, -e))
				}
			}
		}
	}
}

// Every length makes a code that stands the loss of a share of its symbols that leaves a tenth or so more than there are bits, at every rate.
// Orders of transmission that look as even may leave the parities of some lengths without a say.
func TestEveryLengthStandsLosses(t *testing.T) {
	lengths := []int{2424, 2560, 3240, 3648, 4680, 5816, 6816, 7240, 7808, 7952}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		lengths = append(lengths, 1500+rng.IntN(6700))
	}
	for _, k := range lengths {
		c := newCode(t, k)
		d := NewDecoder(c)
		info, got := make([]byte, k), make([]byte, k)
		word, llr := make([]byte, c.Len()), make([]float32, c.Len())
		for _, r := range []struct{ rate, lost float64 }{{0.25, 0.6}, {0.4, 0.45}, {0.5, 0.37}, {0.56, 0.3}, {0.65, 0.22}, {0.8, 0.1}} {
			for i := range info {
				info[i] = byte(rng.IntN(2))
			}
			c.Encode(word, info)
			clear(llr)
			for i := range int(float64(k) / r.rate) {
				if rng.Float64() >= r.lost {
					llr[i] = 12 * float32(2*int(word[i])-1)
				}
			}
			if !d.Decode(got, llr, 16, func(got []byte) bool { return bytes.Equal(got, info) }) {
				t.Errorf("K=%d at rate %g: lost with %g of the symbols", k, r.rate, r.lost)
			}
		}
	}
}

func TestInterleaverSpreads(t *testing.T) {
	lengths := slices.Clone(lengths)
	for k := MinK; k <= 1200; k++ {
		lengths = append(lengths, k)
	}
	for _, k := range lengths {
		perm := interleave(k)
		sorted := slices.Clone(perm)
		slices.Sort(sorted)
		for i, j := range sorted {
			if i != int(j) {
				t.Fatalf("K=%d: not a permutation", k)
			}
		}
		// √(2K) is the most that any permutation reaches (Boutillon and Gnaedig 2005). Bits left out cost up to seven steps.
		want := 0.3 * math.Sqrt(2*float64(k))
		if k%group != 0 {
			want = max(2, want-group+1)
		}
		least := k
		for i := range perm {
			for d := 1; d < least && i+d < k; d++ {
				e := int(perm[i]) - int(perm[i+d])
				least = min(least, d+max(e, -e))
			}
		}
		if float64(least) < want {
			t.Errorf("K=%d: spread %d, want %.1f", k, least, want)
		}
		// A pair of bits a and b periods of the feedback apart makes a codeword of weight 6+4(a+b) at rate 1/3.
		if k%group != 0 {
			continue
		}
		least = 4 * cycle
		if k < 100 {
			least = 3 * cycle
		}
		for i := range perm {
			for d := cycle; d < least && i+d < k; d += cycle {
				e := int(perm[i]) - int(perm[i+d])
				if e = max(e, -e); e%cycle == 0 && d+e < least {
					t.Fatalf("K=%d: steps %d and %d read bits %d apart", k, i, i+d, e)
				}
			}
		}
	}
}

// The interleaver by the words of the package's documentation: all pairs of steps, all the way around.
func TestInterleaverByDefinition(t *testing.T) {
	for _, k := range []int{40, 47, 104, 163, 500} {
		n := (k + 7) / 8 * 8
		around := func(d int) int { return min((d+n)%n, (n-d)%n) }
		var want []uint16
		greatest, tried := 0.0, 0
		for p := (3*n + 7) / 8; p < n && tried < 64; p++ {
			if gcd(p, n) != 1 {
				continue
			}
			tried++
			pi := make([]int, n)
			for i := range pi {
				m := (i/8*8 + []int{7, 2, 4, 5, 0, 1, 3, 6}[i%8]) * p % n
				pi[i] = m/8*8 + []int{2, 4, 3, 1, 6, 7, 5, 0}[m%8]
			}
			least := math.Inf(1)
			for i := range pi {
				for j := range i {
					a, b := around(i-j), around(pi[i]-pi[j])
					distance := float64(a + b)
					if a%7 == 0 && b%7 == 0 {
						distance /= 4
					}
					least = min(least, distance)
				}
			}
			if least > greatest {
				greatest, want = least, nil
				for _, j := range pi {
					if j < k {
						want = append(want, uint16(j))
					}
				}
			}
		}
		if !slices.Equal(interleave(k), want) {
			t.Errorf("K=%d: not the permutation defined", k)
		}
	}
}

func TestErasures(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, test := range []struct {
		k         int
		sent      float64 // positions sent per information bit
		lost      float64
		blocks, n int // decoded, and how many have to be
	}{
		{MinK, 1, 0, 10, 10},
		{MinK, 1.25, 0, 10, 10},
		{163, 3, 0, 10, 10},
		{MaxK, 5, 0, 2, 2},
		{160, 5, 0.70, 50, 49},    // capacity 0.80
		{160, 3, 0.50, 50, 49},    // 0.67
		{512, 3, 0.57, 50, 49},    // 0.67
		{2000, 1.25, 0.1, 20, 20}, // 0.20
		{2000, 2, 0.40, 20, 20},   // 0.50
		{2000, 5, 0.72, 20, 20},   // 0.80
		{8191, 3, 0.60, 5, 5},     // 0.67
	} {
		c := newCode(t, test.k)
		d := NewDecoder(c)
		decoded := 0
		for range test.blocks {
			info := randomBits(rng, test.k)
			word := make([]byte, c.Len())
			c.Encode(word, info)
			llr := make([]float32, c.Len())
			for i := range min(c.Len(), int(test.sent*float64(test.k))) {
				if rng.Float64() >= test.lost {
					llr[i] = 8 * (2*float32(word[i]) - 1)
				}
			}
			got := make([]byte, test.k)
			if d.Decode(got, llr, 20, func(got []byte) bool { return slices.Equal(got, info) }) {
				decoded++
			}
		}
		if decoded < test.n {
			t.Errorf("K=%d, %.2f positions per bit, %.0f %% lost: %d of %d decoded, want %d",
				test.k, test.sent, 100*test.lost, decoded, test.blocks, test.n)
		}
	}
}

// noise returns the likelihoods of word after BPSK over n positions, repeated cyclically, with white noise of ebN0 dB.
func noise(rng *rand.Rand, k, n int, word []byte, ebN0 float64) []float32 {
	variance := float64(n) / (2 * float64(k) * math.Pow(10, ebN0/10))
	llr := make([]float32, len(word))
	for i := range n {
		y := 2*float64(word[i%len(word)]) - 1 + math.Sqrt(variance)*rng.NormFloat64()
		llr[i%len(word)] += float32(2 * y / variance)
	}
	return llr
}

// Each point is where the decoder fails on far fewer blocks than allowed. The Shannon limits are for binary input at
// the same rate. For orientation: codes of cdma2000 and UMTS at rate 1/3 reach a frame error rate of 0.01 at 1.0 dB with
// K = 1530 and at 0.6 dB to 0.7 dB with K = 5114.
func TestWhiteNoise(t *testing.T) {
	for _, test := range []struct {
		k              int
		n              float64 // positions per bit
		ebN0           float64 // dB
		scale          float32 // of the likelihoods; 1 is right
		blocks, failed int
	}{
		{160, 10, 1.6, 1, 300, 5},   // limit −1.29 dB
		{160, 5, 1.8, 1, 300, 5},    // limit −0.96 dB
		{160, 3, 2.2, 1, 300, 5},    // limit −0.50 dB
		{160, 1.25, 5.4, 1, 300, 7}, // limit 2.04 dB
		{500, 5, 1.0, 1, 150, 5},    // limit −0.96 dB
		{500, 5, 1.4, 0.5, 150, 5},
		{500, 5, 1.4, 10, 150, 5},
		{1530, 3, 1.0, 1, 60, 3}, // limit −0.50 dB
		{5114, 3, 0.7, 1, 15, 1}, // limit −0.50 dB
		{2000, 2, 1.6, 1, 40, 2}, // limit 0.19 dB
	} {
		t.Run(fmt.Sprintf("K=%d rate=%.2f scale=%g", test.k, 1/test.n, test.scale), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 3))
			c := newCode(t, test.k)
			d := NewDecoder(c)
			word, got := make([]byte, c.Len()), make([]byte, test.k)
			failed := 0
			for range test.blocks {
				info := randomBits(rng, test.k)
				c.Encode(word, info)
				llr := noise(rng, test.k, int(test.n*float64(test.k)), word, test.ebN0)
				for i := range llr {
					llr[i] *= test.scale
				}
				if !d.Decode(got, llr, 10, func(got []byte) bool { return slices.Equal(got, info) }) {
					failed++
				}
			}
			t.Logf("%d of %d blocks failed", failed, test.blocks)
			if failed > test.failed {
				t.Errorf("%d of %d blocks failed, want at most %d", failed, test.blocks, test.failed)
			}
		})
	}
}

// With all but a few information bits known for certain, the most likely codeword can be found by trying all.
func TestAgreesWithMaximumLikelihood(t *testing.T) {
	const k, unknown, blocks = MinK, 10, 60
	rng := rand.New(rand.NewPCG(4, 4))
	c := newCode(t, k)
	d := NewDecoder(c)
	agree, wrong := 0, 0
	for range blocks {
		info := randomBits(rng, k)
		word, try := make([]byte, c.Len()), make([]byte, c.Len())
		c.Encode(word, info)
		llr := noise(rng, k, 3*k, word, -3)
		free := rng.Perm(k)[:unknown]
		for i, p := range c.info {
			if !slices.Contains(free, i) {
				llr[p] = float32(math.Inf(2*int(info[i]) - 1))
			}
		}
		best, likely := math.Inf(-1), []byte(nil)
		candidate := slices.Clone(info)
		for v := range 1 << unknown {
			for j, i := range free {
				candidate[i] = byte(v >> j & 1)
			}
			c.Encode(try, candidate)
			sum := 0.0
			for i, b := range try {
				if l := float64(llr[i]); b == 1 && !math.IsInf(l, 0) {
					sum += l
				}
			}
			if sum > best {
				best, likely = sum, slices.Clone(candidate)
			}
		}
		got := make([]byte, k)
		d.Decode(got, llr, 20, nil)
		if slices.Equal(got, likely) {
			agree++
		}
		if !slices.Equal(info, likely) {
			wrong++
		}
	}
	t.Logf("agrees on %d of %d blocks; %d most likely words are not the one sent", agree, blocks, wrong)
	if wrong == 0 {
		t.Error("too little noise to tell anything")
	}
	if agree < blocks*8/10 {
		t.Errorf("agrees on %d of %d blocks", agree, blocks)
	}
}

func TestDecodeForgets(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	large, small := newCode(t, 1000), newCode(t, 163)
	used := NewDecoder(large)
	rubbish := make([]float32, large.Len())
	for i := range rubbish {
		rubbish[i] = float32(rng.NormFloat64() * 100)
	}
	used.Decode(make([]byte, 1000), rubbish, 3, nil)
	word := make([]byte, small.Len())
	for range 20 {
		info := randomBits(rng, 163)
		small.Encode(word, info)
		llr := noise(rng, 163, 3*163, word, 1)
		used.Reset(small)
		a, b := make([]byte, 163), make([]byte, 163)
		okA := used.Decode(a, llr, 5, nil)
		okB := NewDecoder(small).Decode(b, llr, 5, nil)
		if okA != okB || !slices.Equal(a, b) {
			t.Fatal("a used decoder decides otherwise than a new one")
		}
	}
}

func TestDecodeExtremes(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	c := newCode(t, MaxK)
	info := randomBits(rng, MaxK)
	word := make([]byte, c.Len())
	c.Encode(word, info)
	for _, size := range []float32{1e-1, 1, 1e4, math.MaxFloat32, float32(math.Inf(1))} {
		llr := make([]float32, c.Len())
		for i, b := range word {
			llr[i] = size * (2*float32(b) - 1)
			if i%5 == 0 {
				llr[i] = float32(math.NaN())
			}
		}
		got := make([]byte, MaxK)
		if !NewDecoder(c).Decode(got, llr, 10, nil) || !slices.Equal(got, info) {
			t.Errorf("likelihoods of ±%g, a fifth of them NaN: not decoded", size)
		}
	}
}

// A clean block costs one look; no iteration, no check of anything else.
func TestDecodeTriesReceivedBitsFirst(t *testing.T) {
	c := newCode(t, 100)
	llr := make([]float32, c.Len())
	for i := range 100 {
		llr[i] = 1
	}
	calls := 0
	ok := NewDecoder(c).Decode(make([]byte, 100), llr, 0, func(got []byte) bool {
		calls++
		return !slices.Contains(got, 0)
	})
	if !ok || calls != 1 {
		t.Errorf("Decode = %v after %d checks, want true after 1", ok, calls)
	}
}

func TestDecodeStops(t *testing.T) {
	c := newCode(t, 100)
	calls := 0
	ok := NewDecoder(c).Decode(make([]byte, 100), make([]float32, c.Len()), 4, func([]byte) bool { calls++; return false })
	// What was received, and either way of iterating after each iteration and half the first.
	if ok || calls != 1+2*(1+4) {
		t.Errorf("Decode = %v after %d checks, want false after 11", ok, calls)
	}
}

// Each byte is the likelihood of one position; the last few values stand for what no channel should say.
func FuzzDecode(f *testing.F) {
	f.Add(uint16(40), []byte{0})
	f.Add(uint16(41), []byte{0x80, 0x7f, 0x7e, 0x7d, 0x7c, 1, 2, 3})
	f.Fuzz(func(t *testing.T, extra uint16, data []byte) {
		c := newCode(t, MinK+int(extra%200))
		llr := make([]float32, c.Len())
		for i := range llr {
			if len(data) == 0 {
				break
			}
			switch v := int8(data[i%len(data)]); v {
			case 127:
				llr[i] = float32(math.Inf(1))
			case -128:
				llr[i] = float32(math.Inf(-1))
			case 126:
				llr[i] = float32(math.NaN())
			case 125:
				llr[i] = math.MaxFloat32
			default:
				llr[i] = float32(v) / 4
			}
		}
		info := make([]byte, c.K())
		d := NewDecoder(c)
		ok := d.Decode(info, llr, 3, nil)
		for _, b := range info {
			if b > 1 {
				t.Fatalf("a bit is %d", b)
			}
		}
		again := make([]byte, c.K())
		if d.Decode(again, llr, 3, nil) != ok || !slices.Equal(again, info) {
			t.Fatal("decides otherwise the second time")
		}
	})
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(MaxK); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	c := newCode(b, 8192)
	word, info := make([]byte, c.Len()), make([]byte, c.K())
	for b.Loop() {
		c.Encode(word, info)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.K()), "ns/bit")
}

// The time of one iteration of both constituents, for one information bit.
func BenchmarkDecode(b *testing.B) {
	for _, k := range []int{160, 8192, MaxK} {
		b.Run(fmt.Sprint("K=", k), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			c := newCode(b, k)
			d := NewDecoder(c)
			info, llr := make([]byte, k), make([]float32, c.Len())
			for i := range llr {
				llr[i] = float32(rng.NormFloat64())
			}
			for b.Loop() {
				d.Decode(info, llr, 5, func([]byte) bool { return false })
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*2*5*k), "ns/bit")
		})
	}
}
