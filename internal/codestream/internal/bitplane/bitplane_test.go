package bitplane

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"ditas/internal/codestream/internal/entropy"
	"ditas/internal/codestream/internal/wavelet"
	"ditas/picture"
)

// response synthesises one coefficient of a signal of n samples, level times, in one dimension.
func response(level, n int, high bool) []float64 {
	const unit = 1 << 14
	x := make([]int32, n>>level)
	x[len(x)/2] = unit
	for l := level; l > 0; l-- {
		y := make([]int32, 2*len(x))
		for i, v := range x {
			if high && l == level {
				y[2*i+1] = v
			} else {
				y[2*i] = v
			}
		}
		x = make([]int32, len(y))
		_ = wavelet.Inverse(x, len(x), 1, func(_ int, row []int32) error { copy(row, y); return nil })
	}
	f := make([]float64, len(x))
	for i, v := range x {
		f[i] = float64(v) / unit
	}
	return f
}

func TestNorms(t *testing.T) {
	for level := 1; level <= 7; level++ {
		for _, high := range []bool{false, true} {
			var sum float64
			for _, v := range response(level, 1024, high) {
				sum += v * v
			}
			table := normLow[:]
			if high {
				table = normHigh[:]
			}
			if got, want := norm(table, level), int(math.Round(32*math.Log2(sum))); got < want-1 || got > want+1 {
				t.Errorf("level %d, high %t: weight is %d, want %d", level, high, got, want)
			}
		}
	}
}

// TestRange checks that no picture has coefficients that marks cannot hold, for as many levels as the largest have: the absolute
// sums of the analysis filters bound them.
func TestRange(t *testing.T) {
	const side, unit = 1 << 9, 1 << 14
	largest := 0.0
	for level := 1; level <= 6; level++ {
		var low, high float64
		for x := range side {
			s := make([]int32, side)
			s[x] = unit
			keep := func(_ int, row []int32) error { copy(s, row); return nil }
			for range level - 1 {
				_ = wavelet.Forward(s, len(s), 1, keep)
				for i := range len(s) / 2 {
					s[i] = s[2*i]
				}
				s = s[:len(s)/2]
			}
			_ = wavelet.Forward(s, len(s), 1, keep)
			middle := len(s) / 4 * 2
			low += math.Abs(float64(s[middle])) / unit
			high += math.Abs(float64(s[middle+1])) / unit
		}
		largest = max(largest, low*low, low*high, high*high)
	}
	if largest > 20 {
		t.Errorf("a coefficient may be %.1f times the largest sample", largest)
	}
}

// analysed returns the coefficients of a picture.
func analysed(t *testing.T, p *picture.Planes) *Layout {
	t.Helper()
	l, err := Analyse(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// ran runs l to or from c, and returns whether it came to the end.
func ran(t *testing.T, l *Layout, c *entropy.Coder, prior *Prior) bool {
	t.Helper()
	complete, err := l.Run(t.Context(), c, prior, nil)
	if err != nil {
		t.Fatal(err)
	}
	return complete
}

func ramp(width, height int) *picture.Planes {
	p := picture.New(width, height)
	for c, plane := range p.Pix {
		for i := range plane {
			plane[i] = float32((i%width*3+i/width*(c+1))%256) / 255
		}
	}
	return p
}

// TestRun codes with a prior that knows nothing, and with the one that ships.
func TestRun(t *testing.T) {
	p := ramp(37, 22)
	for _, prior := range []*Prior{Ignorant(), Learnt()} {
		c := entropy.NewEncoder(0)
		if !ran(t, analysed(t, p), c, prior) {
			t.Fatal("encoder did not come to the end")
		}
		stream, _ := c.Finish()
		l := New(37, 22, 3)
		if !ran(t, l, entropy.NewDecoder(stream), prior) {
			t.Fatal("decoder did not come to the end")
		}
		if e, err := l.Uncertainty(t.Context(), prior, 0); err != nil || e != [3]float64{} {
			t.Errorf("complete, and uncertain by %v, error %v", e, err)
		}
		q, err := l.Synthesise(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for ch, plane := range p.Pix {
			for i, v := range plane {
				if q.Pix[ch][i] != v {
					t.Fatalf("channel %d of pixel %d is %g, want %g", ch, i, q.Pix[ch][i], v)
				}
			}
		}
	}
}

func TestPassesInOrder(t *testing.T) {
	l := New(100, 70, 3)
	next := map[*band]int{}
	for _, b := range l.bands {
		next[b] = planes - 1
	}
	seen := map[*band]int{}
	for _, p := range l.passes {
		if p.plane != next[p.band] {
			t.Fatalf("%+v: plane %d before %d", p.band, p.plane, next[p.band])
		}
		if p.kind == busy && seen[p.band] != 0 || p.kind == warm && seen[p.band]&1 == 0 || p.kind == cold && seen[p.band]&3 != 3 {
			t.Fatalf("kind %d after %b", p.kind, seen[p.band])
		}
		seen[p.band] |= 1 << p.kind
		if seen[p.band] == 15 {
			seen[p.band] = 0
			next[p.band]--
		}
	}
}

func TestLikeliest(t *testing.T) {
	for plane := range 10 {
		for m := int32(1); m < 8; m++ {
			v := likeliest((2*m + 1) << plane)
			if v < m<<plane || v >= (m+1)<<plane {
				t.Errorf("plane %d: %d is not in [%d, %d)", plane, v, m<<plane, (m+1)<<plane)
			}
			if likeliest(-(2*m+1)<<plane) != -v {
				t.Errorf("plane %d: not odd", plane)
			}
		}
	}
}

// TestLearning checks that a prior that has seen a picture codes it in less, and that writing keeps it.
func TestLearning(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var all []*picture.Planes
	for range 6 {
		p := ramp(32, 32)
		for c := range p.Pix {
			for i := range p.Pix[c] {
				p.Pix[c][i] = min(1, p.Pix[c][i]*0.9+float32(rng.IntN(20))/255)
			}
		}
		p.Round()
		all = append(all, p)
	}
	var moments Moments
	var lines Regression
	p := Ignorant()
	for _, s := range all {
		moments.Add(analysed(t, s))
		lines.Add(analysed(t, s))
	}
	moments.Solve(p)
	lines.Solve(p)
	tally := NewTally(p)
	for _, s := range all {
		tally.Add(analysed(t, s))
	}
	tally.Fit(p)
	for _, s := range all {
		p.Practise(analysed(t, s), 20)
	}
	var file bytes.Buffer
	if err := p.Write(&file); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPrior(&file)
	if err != nil {
		t.Fatal(err)
	}
	size := func(prior *Prior) int {
		c := entropy.NewEncoder(0)
		ran(t, analysed(t, all[0]), c, prior)
		stream, _ := c.Finish()
		return len(stream)
	}
	if learnt, ignorant := size(got), size(Ignorant()); learnt > ignorant*9/10 || learnt != size(p) {
		t.Errorf("%d bytes, %d after writing; %d without learning", size(p), learnt, ignorant)
	}
	if _, err := ReadPrior(bytes.NewReader(learnt[:100])); err == nil {
		t.Error("reads a prior that is cut off")
	}
}
