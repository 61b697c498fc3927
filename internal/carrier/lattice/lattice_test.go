package lattice

import (
	"math"
	"testing"

	"ditas/internal/carrier"
	"ditas/internal/racetest"
)

// every calls f for the profiles by name.
func every(t *testing.T, f func(t *testing.T, p Profile)) {
	for p, name := range [profiles]string{Robust: "robust", Lean: "lean"} {
		t.Run(name, func(t *testing.T) { f(t, Profile(p)) })
	}
}

func TestNearest(t *testing.T) {
	rng := newRand(1)
	for range 10000 {
		v, step, symbol := 2*rng.Float64()-1, math.Exp2(-15*rng.Float64()), 2*rng.Float64()-0.5
		got := carrier.Nearest(v, step, symbol)
		if d := math.Abs(got - v); d > step/2*(1+1e-9) {
			t.Fatalf("carrier.Nearest(%g, %g, %g) = %g is %g steps away", v, step, symbol, got, d/step)
		}
		if r := got/step - symbol; math.Abs(r-math.Round(r)) > 1e-9 {
			t.Fatalf("carrier.Nearest(%g, %g, %g) = %g is not congruent to the symbol", v, step, symbol, got)
		}
	}
}

// Level by level the step grows by a quarter of an octave, and the points of the fine lattice are a step of 16 bits apart or
// more.
func TestLevels(t *testing.T) {
	for level := range Levels {
		if r := fineStep(level) / unit; math.Abs(r-2*math.Pow(2, float64(level)/4)) > 1e-9 {
			t.Errorf("level %d has a step of %g units", level, r)
		}
		if spacing := fineStep(level) / unit / math.Exp2(float64(fineBits(level))); spacing < 1-1e-12 {
			t.Errorf("level %d has points %g units apart", level, spacing)
		}
	}
	for p, s := range shapes {
		for level := range Levels {
			fine := math.Exp2(float64(octave(level))) * unit
			if r := fine / fineStep(level); r < 0.84 || r > 1.4143 {
				t.Errorf("level %d: the pilots' step is %g of the frame's", level, r)
			}
			if h := octave(level) + s.rise; h > octaves {
				t.Errorf("profile %d, level %d: pilots of a step of 2^%d units", p, level, h)
			}
		}
	}
}

func TestGrayLabels(t *testing.T) {
	racetest.Skip(t)
	for n := 1; n <= maxFineBits; n++ {
		at := make(map[float64]uint)
		for l := range uint(1) << n {
			at[fineSymbol(l, n)*math.Exp2(float64(n))] = l
		}
		points := 1 << n
		for i := range points {
			a, ok := at[float64(i)]
			if !ok {
				t.Fatalf("%d bits: nothing stands at %d of %d", n, i, points)
			}
			if b := at[float64((i+1)%points)]; (a^b)&((a^b)-1) != 0 || a == b {
				t.Errorf("%d bits: neighbours %d have the labels %b and %b", n, i, a, b)
			}
			var bits [maxFineBits]byte
			for j := range n {
				bits[j] = byte(a >> (n - 1 - j) & 1)
			}
			if got := label(bits[:], n); got != a {
				t.Errorf("the label of %v is %b, want %b", bits[:n], got, a)
			}
		}
	}
}

// The error of embedding both symbols has the mean square that Profile.powerAt says, on samples of any kind and whatever is
// hidden, and lies on the grid.
func TestPowerDoesNotDependOnWhatIsHidden(t *testing.T) {
	racetest.Skip(t)
	const frames = 240
	covers := map[string]func(i int) float64{
		"noise": func() func(i int) float64 {
			rng := newRand(2)
			return func(int) float64 { return 0.1 * rng.NormFloat64() }
		}(),
		"ramp": func(i int) float64 { return float64(i%200) / 1000 },
	}
	payloads := map[string]func(i int) byte{
		"zeros":  func(int) byte { return 0 },
		"ones":   func(int) byte { return 1 },
		"random": func() func(i int) byte { rng := newRand(3); return func(int) byte { return byte(rng.Uint32() & 1) } }(),
	}
	every(t, func(t *testing.T, p Profile) {
		f := &framer{marker: newMarker(ours), set: fixed.set(), key: recordingKey(fixed, ours), profile: p}
		for cover, sample := range covers {
			for hidden, bit := range payloads {
				for _, grid := range []carrier.Grid{{}, {Step: unit}} {
					level := 14 + len(hidden)%4
					e := &embedder{shape: &shapes[p], grid: grid, shaper: newShaper(0, 0)}
					sum := 0.0
					x, y := make([]float64, FrameLength), make([]float64, FrameLength)
					var b bits[byte]
					for k := range frames {
						for i := range x {
							x[i] = sample(k*FrameLength + i)
						}
						for i := range b.strong {
							b.strong[i] = bit(i)
						}
						for i := range b.medium {
							b.medium[i] = bit(i)
						}
						for i := range b.fine {
							b.fine[i] = bit(i)
						}
						e.place(f.at(0, k), level, &b, func(i int) byte { return bit(i) })
						e.run(y, x, make([]bool, FrameLength), fineStep(level), 0, FrameLength)
						for i := range x {
							sum += (y[i] - x[i]) * (y[i] - x[i])
							if grid.Round(y[i]) != y[i] {
								t.Fatalf("%g is not on the grid", y[i])
							}
						}
					}
					step := fineStep(level)
					got := sum / (frames * FrameLength)
					want := p.powerAt(level)*step*step + grid.Step*grid.Step/12
					if math.Abs(got/want-1) > 0.01 {
						t.Errorf("%s, %s, grid %g: mean square %.4f of what it should be", cover, hidden, grid.Step, got/want)
					}
				}
			}
		}
	})
}

// wrapped returns the density of the sum of Gaussian noise and uniform noise of some widths, around a circle of length 1, at the
// middles of fine bins: turns of the Gaussian added up, and running means over the widths.
func wrapped(sigma float64, widths ...float64) []float64 {
	d := make([]float64, fineBins)
	for i := range d {
		x := (float64(i) + 0.5) / fineBins
		for turn := -8; turn <= 8; turn++ {
			z := (x + float64(turn)) / sigma
			d[i] += math.Exp(-z*z/2) / (sigma * math.Sqrt(2*math.Pi))
		}
	}
	for _, w := range widths {
		// The integral from 0 to i, and on around the circle.
		sums := make([]float64, fineBins+1)
		for i, v := range d {
			sums[i+1] = sums[i] + v
		}
		integral := func(at float64) float64 {
			turns := math.Floor(at / fineBins)
			at -= turns * fineBins
			i := int(at)
			v := turns*sums[fineBins] + sums[i]
			if i < fineBins {
				v += (at - float64(i)) * (sums[i+1] - sums[i])
			}
			return v
		}
		for i := range d {
			middle, half := float64(i)+0.5, w*fineBins/2
			d[i] = (integral(middle+half) - integral(middle-half)) / (2 * half)
		}
	}
	return d
}

const fineBins = 16 * phases

// at returns the density at a place, that of the fine bin it lies in.
func at(d []float64, x float64) float64 { return d[int((x-math.Floor(x))*fineBins)&(fineBins-1)] }

func TestDensity(t *testing.T) {
	racetest.Skip(t)
	for _, sigma := range []float64{0.008, 0.03, 0.1, 0.4, 1.5} {
		for _, widths := range [][]float64{nil, {0.5}, {0.5, 0.125}} {
			fine := wrapped(sigma, widths...)
			sum, off := 0.0, 0.0
			for p, v := range density(sigma, widths...) {
				sum += v / phases
				want := 0.0 // the mean over a bin
				for _, w := range fine[p*fineBins/phases:][:fineBins/phases] {
					want += w * phases / fineBins
				}
				off = max(off, math.Abs(v-want)/max(1, want))
			}
			if math.Abs(sum-1) > 1e-3 {
				t.Errorf("σ %g and widths %g: the density integrates to %g", sigma, widths, sum)
			}
			if off > 0.01 {
				t.Errorf("σ %g and widths %g: the density is off by %g", sigma, widths, off)
			}
		}
	}
}

// told is what a bit tells, in bits, that arrives in noise of the given density and is read by log-likelihoods, where
// symbols stand at points: 1 − E log₂(1 + e^(−llr)).
func told(points []float64, bit func(i int) int, llr func(x float64) float64, noise []float64) float64 {
	sum, weight := 0.0, 0.0
	for i, p := range points {
		for j := range fineBins {
			x := (float64(j) + 0.5) / fineBins
			w := at(noise, x-p)
			l := llr(x)
			if bit(i) == 0 {
				l = -l
			}
			sum += w * math.Log2(1+math.Exp(-l))
			weight += w
		}
	}
	return 1 - sum/weight
}

// The tables' log-likelihoods tell as much as there is to know, which is what exact ones tell, and are of the right sign.
func TestTablesTellWhatThereIsToKnow(t *testing.T) {
	racetest.Skip(t)
	every(t, func(t *testing.T, p Profile) {
		tab, info := newTables(p), newInformation(p)
		s := &shapes[p]
		for _, ratio := range []int{-8, -4, 0, 4} {
			sigma := quarters(ratio) / 16
			r := ratio - quietest
			noise := wrapped(sigma)
			for n := 1; n <= maxFineBits; n++ {
				points := make([]float64, 1<<n)
				for i := range points {
					points[i] = float64(i) / float64(len(points))
				}
				for b := range n {
					of := func(i int) int { return (i ^ i>>1) >> (n - 1 - b) & 1 }
					exact := make([]float64, fineBins)
					for i := range exact {
						var sum [2]float64
						for j, p := range points {
							sum[of(j)] += at(noise, (float64(i)+0.5)/fineBins-p)
						}
						exact[i] = math.Log((sum[1] + 1e-30) / (sum[0] + 1e-30))
					}
					table := func(x float64) float64 { return float64(tab.fine[n-1][r][int(x*phases)][b]) }
					got := told(points, of, table, noise)
					want := told(points, of, func(x float64) float64 { return at(exact, x) }, noise)
					if math.Abs(got-want) > 0.01 {
						t.Errorf("ratio %d, bit %d of %d: %.4f bits, want %.4f", ratio, b, n, got, want)
					}
					if counted := info.fine[n-1][r][b]; math.Abs(counted-want) > 0.01 {
						t.Errorf("ratio %d, bit %d of %d: it tells %.4f bits, %.4f are counted on", ratio, b, n, want, counted)
					}
					for i, p := range points {
						// Where there is more noise than room, neighbours of the other value may win.
						if l := table(p); sigma*float64(len(points)) < 0.2 && (l > 0) != (of(i) == 1) {
							t.Errorf("ratio %d, bit %d of %d: log-likelihood %g at point %d", ratio, b, n, l, i)
						}
					}
				}
				for _, l := range tab.fine[n-1][r] {
					for b := n; b < maxFineBits; b++ {
						if l[b] != 0 {
							t.Fatalf("bit %d of %d has the log-likelihood %g", b, n, l[b])
						}
					}
				}
			}
			for name, c := range map[string]struct {
				step  float64
				table *[phases]float32
			}{"strong": {s.strong, &tab.strong[r]}, "medium": {s.medium, &tab.medium[r]}} {
				if c.step == 0 {
					if *c.table != ([phases]float32{}) {
						t.Errorf("there are no %s symbols, yet their table says something", name)
					}
					continue
				}
				noise := wrapped(sigma/c.step, 0.5, 1/c.step)
				points := []float64{0.75, 0.25} // of 0, a quarter below the dither, and of 1
				of := func(i int) int { return i }
				exact := func(x float64) float64 {
					return math.Log((at(noise, x-0.25) + 1e-12) / (at(noise, x-0.75) + 1e-12))
				}
				got := told(points, of, func(x float64) float64 { return float64(c.table[int(x*phases)]) }, noise)
				want := told(points, of, exact, noise)
				if math.Abs(got-want) > 0.01 {
					t.Errorf("ratio %d: a %s symbol tells %.4f bits, want %.4f", ratio, name, got, want)
				}
				if c.table[phases/4] <= 0 || c.table[3*phases/4] >= 0 {
					t.Errorf("ratio %d: log-likelihoods %g of 1 and %g of 0", ratio, c.table[phases/4], c.table[3*phases/4])
				}
				counted := map[string]float64{"strong": info.strong[r], "medium": info.medium[r]}[name]
				if math.Abs(counted-want) > 0.01 {
					t.Errorf("ratio %d: a %s symbol tells %.4f bits, %.4f are counted on", ratio, name, want, counted)
				}
			}
		}
	})
}

// A phase is where a sample stands from the dither, and never out of range.
func TestPhase(t *testing.T) {
	for _, c := range []struct {
		t, dither float64
		want      int
	}{{0, 0, 0}, {0.5, 0, 128}, {0.25, 0.5, 192}, {-3.75, 0, 64}, {1e9, 0, 0}, {7, 7, 0}} {
		if got := phase(c.t, c.dither); got != c.want {
			t.Errorf("phase(%g, %g) = %d, want %d", c.t, c.dither, got, c.want)
		}
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e300, math.Nextafter(0, -1)} {
		if p := phase(v, 0.3); p < 0 || p >= phases {
			t.Errorf("phase(%g) = %d", v, p)
		}
	}
}
