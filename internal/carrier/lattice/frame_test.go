package lattice

import (
	"fmt"
	"math"
	"testing"

	"ditas/internal/carrier"
	"ditas/internal/keystream"
	"ditas/internal/racetest"
)

func newFramer(key keystream.Key, p Profile) *framer {
	return &framer{marker: newMarker(ours), set: fixed.set(), key: key, profile: p}
}

// Each sample of a frame has one use, and all that a frame carries has its place.
func TestUsesAreDisjoint(t *testing.T) {
	racetest.Skip(t)
	every(t, func(t *testing.T, p Profile) {
		f := newFramer(recordingKey(fixed, ours), p)
		for k := range 40 {
			g := f.at(k%3, k)
			var used [FrameLength]int
			mark := func(all []place) {
				for _, q := range all {
					used[q.at]++
				}
			}
			for _, q := range g.sync {
				used[q.at]++
			}
			mark(g.level[:])
			mark(g.strong[:])
			mark(g.marks.fine[:])
			mark(g.data)
			count := 0
			for i, n := range used {
				if n > 1 {
					t.Fatalf("frame %d: sample %d is used %d times", k, i, n)
				}
				count += n
			}
			if want := marked + shapes[p].data; count != want {
				t.Fatalf("frame %d: %d samples are used, want %d", k, count, want)
			}
			var uses [4]int
			for _, u := range g.use {
				uses[u]++
			}
			strong := levelPilots + shapes[p].header + shapes[p].data
			if want := [4]int{FrameLength - strong - headerFine - syncPilots, strong, headerFine, syncPilots}; uses != want {
				t.Fatalf("frame %d: uses %d, want %d", k, uses, want)
			}
			if p == Robust && uses[useMedium]+uses[useHeader] != mediumSlots {
				t.Fatalf("frame %d: %d medium symbols, want %d", k, uses[useMedium]+uses[useHeader], mediumSlots)
			}
			// Dithers of places are those of the whole frame.
			for _, all := range [][]place{g.level[:], g.strong[:shapes[p].header], g.data} {
				for _, q := range all {
					if g.coarse[q.at] != q.dither {
						t.Fatalf("frame %d: sample %d has two dithers", k, q.at)
					}
				}
			}
			for _, q := range g.marks.fine {
				if g.fine[q.at] != q.dither {
					t.Fatalf("frame %d: sample %d of the header has two dithers", k, q.at)
				}
			}
		}
	})
}

// uniform fails unless numbers in [0, 1) are uniform: chi-squared over 64 bins, 63 degrees of freedom, within 5 sigma.
func uniform(t *testing.T, what string, values []float64) {
	t.Helper()
	var bins [64]float64
	for _, v := range values {
		if !(v >= 0 && v < 1) {
			t.Fatalf("%s: %g is not in [0, 1)", what, v)
		}
		bins[int(64*v)]++
	}
	chi, want := 0.0, float64(len(values))/64
	for _, n := range bins {
		chi += (n - want) * (n - want) / want
	}
	if math.Abs(chi-63) > 5*math.Sqrt(2*63) {
		t.Errorf("%s: chi-squared %.1f, want 63", what, chi)
	}
}

// correlation returns the mean of cos 2π(a−b) in standard deviations: 0 ± 1 for dithers that are independent.
func correlation(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Cos(2 * math.Pi * (a[i] - b[i]))
	}
	return sum / math.Sqrt(float64(len(a))/2)
}

func TestDithersAreUniformAndIndependent(t *testing.T) {
	racetest.Skip(t)
	f := newFramer(recordingKey(fixed, ours), Robust)
	var coarse, fine, places []float64
	for k := range 60 {
		g := f.at(0, k)
		coarse = append(coarse, g.coarse[:]...)
		fine = append(fine, g.fine[:]...)
		for _, p := range g.data {
			places = append(places, float64(p.at)/FrameLength)
		}
	}
	uniform(t, "coarse dithers", coarse)
	uniform(t, "fine dithers", fine)
	uniform(t, "places of the payload", places)
	if c := correlation(coarse, fine); math.Abs(c) > 5 {
		t.Errorf("coarse and fine dithers are correlated: %.1f σ", c)
	}
	if c := correlation(fine[1:], fine[:len(fine)-1]); math.Abs(c) > 5 {
		t.Errorf("dithers of neighbours are correlated: %.1f σ", c)
	}
}

// A dither that served two frames would give away what it hides: none repeats across frames, lanes, recordings and passphrases,
// and the same frame always has the same one.
func TestNoDitherServesTwice(t *testing.T) {
	racetest.Skip(t)
	type source struct {
		key     keystream.Key
		lane, k int
	}
	var sources []source
	for _, key := range []keystream.Key{ours, theirs} {
		for _, n := range []nonce{fixed, {}, {3, 1, 4, 1, 5, 10}, {4, 1, 4, 1, 5, 9}} {
			for _, lane := range []int{0, 1, 2, 63} {
				for _, k := range []int{0, 1, 16, 17, 255, 256, 1 << 16, 1<<24 - 1} {
					sources = append(sources, source{recordingKey(n, key), lane, k})
				}
			}
		}
	}
	seen := make(map[uint64]string)
	first := make(map[source][FrameLength]float64)
	for _, s := range sources {
		g := newFramer(s.key, Robust).at(s.lane, s.k)
		first[s] = g.fine
		taken := make(map[int]bool)
		for _, p := range g.marks.fine {
			taken[int(p.at)] = true
		}
		// Numbers of 64 bits, half of which are the fine dither of a sample and half the coarse one.
		for i := range g.fine {
			if g.use[i] != useMedium {
				continue
			}
			v := uint64(g.fine[i]*0x1p32)<<32 | uint64(g.coarse[i]*0x1p32)
			where := fmt.Sprintf("sample %d of frame %d of lane %d of key %x", i, s.k, s.lane, s.key[:4])
			if other, ok := seen[v]; ok {
				t.Fatalf("%s has the dithers of %s", where, other)
			}
			seen[v] = where
		}
	}
	for s, want := range first {
		f := newFramer(s.key, Robust)
		f.at(s.lane, s.k+1) // a framer remembers nothing
		if f.at(s.lane, s.k).fine != want {
			t.Fatalf("frame %d of lane %d is another one the second time", s.k, s.lane)
		}
	}
}

// Marks are spread over a frame, no two of which have any in common, and of a set nothing is to be seen in another one or under
// another key.
func TestMarks(t *testing.T) {
	racetest.Skip(t)
	type source struct {
		m            *marker
		set, lane, k int
	}
	a, b := newMarker(ours), newMarker(theirs)
	first := source{a, 3, 1, 70}
	var want, got marks
	a.frame(&want, 3, 1, 70)
	newMarker(ours).frame(&got, 3, 1, 70)
	if got != want {
		t.Error("the marks of a key differ")
	}
	var sync [syncPilots]pilot
	a.sync(&sync, 3, 1, 70)
	if sync != want.sync {
		t.Error("pilots are others when they are alone")
	}
	for _, s := range []source{{b, 3, 1, 70}, {a, 4, 1, 70}, {a, 3, 0, 70}, {a, 3, 1, 71}, {a, 3, 1, 70 + 16}, {a, 3, 1, 70 + 1<<16}} {
		s.m.frame(&got, s.set, s.lane, s.k)
		same, dithers := 0, 0
		for i, p := range got.sync {
			if p.at == want.sync[i].at {
				same++
			}
			if p.u>>20 == want.sync[i].u>>20 {
				dithers++
			}
		}
		if same > 4 || dithers > 1 {
			t.Errorf("%+v and %+v: %d places and %d dithers are the same", first, s, same, dithers)
		}
	}
	// Every sample is marked as often as any other, and dithers are uniform on lattices of all steps.
	var counts [FrameLength]float64
	dithers := make([][]float64, octaves+1)
	const frames = 4000
	for k := range frames {
		a.frame(&got, k%sets, k%3, k)
		for _, p := range got.sync {
			counts[p.at]++
			for h := 1; h <= octaves; h += 5 {
				dithers[h] = append(dithers[h], p.dither(h))
			}
		}
	}
	chi, mean := 0.0, float64(frames*syncPilots)/FrameLength
	for _, n := range counts {
		chi += (n - mean) * (n - mean) / mean
	}
	if math.Abs(chi-FrameLength) > 5*math.Sqrt(2*FrameLength) {
		t.Errorf("chi-squared of pilots' places is %.0f, want %d", chi, FrameLength)
	}
	for h := 1; h <= octaves; h += 5 {
		uniform(t, fmt.Sprintf("dithers of step 2^%d", h), dithers[h])
	}
}

// A point of a pilot's lattice is a point of all its finer ones.
func TestPilotsAreNested(t *testing.T) {
	rng := newRand(5)
	for range 1000 {
		p := pilot{u: rng.Uint32()}
		coarse := 1 + rng.IntN(octaves)
		y := (float64(rng.IntN(9)-4) + p.dither(coarse)) * math.Exp2(float64(coarse))
		for h := 1; h <= coarse; h++ {
			if off := y*math.Exp2(float64(-h)) - p.dither(h); math.Abs(off-math.Round(off)) > 1e-9 {
				t.Fatalf("a point of step 2^%d is %g off one of step 2^%d", coarse, off, h)
			}
			if q := pilotPhase(y*unit, p.u, h); q != 0 && q != phases-1 {
				t.Fatalf("its phase is %d", q)
			}
		}
	}
}

func TestStill(t *testing.T) {
	naive := func(x []float64, i int) bool {
		from, to := i, i+1
		for from > 0 && x[from-1] == x[i] {
			from--
		}
		for to < len(x) && x[to] == x[i] {
			to++
		}
		return to-from >= carrier.SilenceRun
	}
	rng := newRand(4)
	for range 300 {
		var x []float64
		for len(x) < 200 {
			v := float64(rng.IntN(3))
			for range 1 + rng.IntN(2*carrier.SilenceRun) {
				x = append(x, v)
			}
		}
		from := carrier.SilenceRun + rng.IntN(50)
		to := from + rng.IntN(len(x)-carrier.SilenceRun-from)
		marks := make([]bool, to-from)
		carrier.MarkSilence(marks, x, from, to)
		for i, got := range marks {
			if want := naive(x, from+i); got != want {
				t.Fatalf("sample %d of %v is marked %t, want %t", from+i, x, got, want)
			}
		}
	}
}
