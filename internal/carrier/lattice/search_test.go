package lattice

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
	"ditas/internal/racetest"
)

// filled returns a recording with something in it that takes so much of its room.
func filled(t *testing.T, rec *audio.Recording, snr, share float64) (*audio.Recording, []byte) {
	t.Helper()
	v, cover := survey(t, rec)
	p := v.Plan(Robust, v.MSE(snr))
	hidden := payload(int(float64(p.Room()) * share))
	return decode(t, write(t, cover, p, hidden)), hidden
}

// part returns samples of all channels.
func part(rec *audio.Recording, from, to int) *audio.Recording {
	c := &audio.Recording{Format: rec.Format}
	for _, x := range rec.Samples {
		c.Samples = append(c.Samples, slices.Clone(x[from:to]))
	}
	return c
}

// Pieces from anywhere are found, whatever their gain was, in files of 16 bits.
func TestPieces(t *testing.T) {
	racetest.Skip(t)
	short, few := filled(t, speech(t, 16000, 3*16384), 50, 0.3)
	long, much := filled(t, music(2, 44100, 2, 6*44100), 50, 0.3)
	for name, c := range map[string]struct {
		rec      *audio.Recording
		hidden   []byte
		from, to int // in thousandths
		gain     float64
		least    int // bytes
	}{
		"all but the last fifth cut":        {short, few, 800, 1000, 0, 10},
		"all but the last tenth cut":        {short, few, 895, 1000, 0, 1},
		"a tenth in the middle":             {short, few, 471, 571, 0, 1},
		"a fifth of music":                  {long, much, 371, 571, 0, 100},
		"three quarters of music, −3 dB":    {long, much, 201, 951, -3, 1000},
		"three quarters of music, −2 dB":    {long, much, 201, 951, -2, 1000},
		"three quarters of music, −6 dB":    {long, much, 201, 951, -6.0206, 500},
		"three quarters of music, −6.00 dB": {long, much, 201, 951, -6, 500},
		"three quarters of music, −4.3 dB":  {long, much, 201, 951, -4.3, 500},
		"three quarters of music, −9 dB":    {long, much, 201, 951, -9, 500},
		"three quarters of music, −12 dB":   {long, much, 201, 951, -12, 200},
		"three quarters of music, +3 dB":    {long, much, 201, 951, 3, 1000},
		"half of speech, −3 dB":             {short, few, 401, 951, -3, 50},
		"all of speech, −24 dB":             {short, few, 0, 1000, -24, 1},
		"all of music, +6 dB":               {long, much, 0, 1000, 6, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			n := len(c.rec.Samples[0])
			rec := part(c.rec, n*c.from/1000, n*c.to/1000)
			if c.gain != 0 {
				rec = scale(rec, math.Pow(10, c.gain/20))
			}
			m := arrives(t, rec, c.hidden, c.least)
			if g := math.Pow(10, c.gain/20); math.Abs(m.Gain/g-1) > 1e-3 {
				t.Errorf("gain %g was taken for %g", g, m.Gain)
			}
		})
	}
}

// Of clips whose middle four fifths were cut, both ends are found.
func TestMiddleCut(t *testing.T) {
	racetest.Skip(t)
	for seed := range 8 {
		rec, hidden := filled(t, speech(t, 9000+20000*seed, 3*16384), 50, 0.2)
		x := rec.Samples[0]
		rec.Samples[0] = slices.Delete(x, 4915+313*seed, 4915+313*seed+39321)
		m := arrives(t, rec, hidden, 1)
		first, last := 0, 0
		for k, heard := range m.Map[0] {
			if heard && k < 12 {
				first++
			} else if heard {
				last++
			}
		}
		if first < 3 || last < 2 {
			t.Errorf("clip %d: %d frames of its beginning and %d of its end were found", seed, first, last)
		}
	}
}

// Recordings use all sets, about equally often, and are found in any.
func TestSets(t *testing.T) {
	racetest.Skip(t)
	v, cover := survey(t, noise(40, mono(audio.Int16), 12*FrameLength))
	p := v.Plan(Robust, v.MSE(40))
	drawn := task{plan: p, payload: payload(100), key: ours}
	random := rand.NewChaCha8([32]byte{6})
	counts := make([]int, sets)
	for range 64 * sets {
		n, err := drawn.newNonce(random)
		if err != nil {
			t.Fatal(err)
		}
		counts[n.set()]++
	}
	for set, n := range counts {
		if n < 24 || n > 110 {
			t.Errorf("set %d is drawn %d times of %d", set, n, 64*sets)
		}
	}
	for set := 0; set < sets; set += 9 {
		rec, err := embed(cover, p, 100, nonce{1, 2, 3, 4, 5, byte(64 + set)})
		if err != nil {
			t.Fatal(err)
		}
		if m := find(t, rec); len(m.Payload) != 100 {
			t.Errorf("set %d: %d of 100 bytes came back", set, len(m.Payload))
		}
	}
}

// Nothing repeats within a recording: somebody without the key who compares samples of any two frames at the same
// place, modulo any step of pilots, sees what chance makes of it. Vectors of pairs of frames are added up for each
// distance of frames and each place, and for each place over all frames; all that repeated would make a sum that
// stands out. The law of their squared lengths is exponential, of mean 1.
func TestNothingRepeats(t *testing.T) {
	racetest.Skip(t)
	const frames = 160
	cover := noise(41, mono(audio.Int16), frames*FrameLength)
	rec, err := embed(open(t, file(t, cover)), planOf(t, cover, 45), 3000, fixed)
	if err != nil {
		t.Fatal(err)
	}
	x := rec.Samples[0]
	tried, above, top := 0, 0, 0.0
	see := func(re, im float64, n int) {
		v := (re*re + im*im) / float64(n)
		tried++
		if v > 6 {
			above++
		}
		top = max(top, v)
	}
	for h := 2; h <= 9; h++ {
		scale := math.Exp2(float64(-h)) / unit
		vector := func(v float64) (float64, float64) {
			c := &circle[phase(v*scale, 0)]
			return float64(c[0]), float64(c[1])
		}
		for at := range FrameLength {
			var re, im float64
			for k := range frames {
				r, i := vector(x[k*FrameLength+at])
				re, im = re+r, im+i
			}
			see(re, im, frames)
			for _, distance := range []int{1, 2, 3, 4, 8, 16, 32, 64} {
				re, im = 0, 0
				for k := range frames - distance {
					r, i := vector(x[(k+distance)*FrameLength+at] - x[k*FrameLength+at])
					re, im = re+r, im+i
				}
				see(re, im, frames-distance)
			}
		}
	}
	// Lattices of small steps are not finer than the cover's own distribution, whose samples are all alike.
	if want := float64(tried) * math.Exp(-6); float64(above) > want+5*math.Sqrt(want) || top > math.Log(float64(tried))+8 {
		t.Errorf("%d of %d sums exceed 6, where chance has %.0f; the largest is %.1f", above, tried, want, top)
	}
}

// Somebody without the key who compares two recordings of one passphrase sees something only where they share a
// set: their pilots are then alike in place and dither, so that differences of samples are multiples of a step more
// often than by chance.
func TestComparingRecordings(t *testing.T) {
	racetest.Skip(t)
	var of [3]*audio.Recording
	for i, n := range []nonce{{1, 5: 7}, {2, 5: 7 + 64}, {3, 5: 8}} {
		cover := noise(uint64(50+i), mono(audio.Int16), 48*FrameLength)
		var err error
		if of[i], err = embed(open(t, file(t, cover)), planOf(t, cover, 45), 1000, n); err != nil {
			t.Fatal(err)
		}
	}
	compare := func(a, b *audio.Recording) (top float64) {
		for h := 2; h <= 8; h++ {
			var re, im float64
			for i, v := range a.Samples[0] {
				c := circle[phase((v-b.Samples[0][i])/unit*math.Exp2(float64(-h)), 0)]
				re, im = re+float64(c[0]), im+float64(c[1])
			}
			top = max(top, (re*re+im*im)/float64(len(a.Samples[0])))
		}
		return top
	}
	alike, other := compare(of[0], of[1]), compare(of[0], of[2])
	t.Logf("the same set: %.1f, another one: %.1f", alike, other)
	if alike < 12 || other > 10 {
		t.Errorf("sums of differences are %.1f where a set is shared and %.1f where not", alike, other)
	}
}

func planOf(t *testing.T, rec *audio.Recording, snr float64) *Plan {
	v, _ := survey(t, rec)
	return v.Plan(Robust, v.MSE(snr))
}

// Scores of recordings in which nothing is hidden under a key follow the laws that thresholds are derived from: a
// likelihood ratio exceeds e^x with a probability of e^−x at most, and a sum of vectors x with about that.
func TestFalseAlarms(t *testing.T) {
	racetest.Skip(t)
	const keys = 6
	recordings := []*audio.Recording{
		speech(t, 0, 24*FrameLength), noise(42, mono(audio.Int16), 24*FrameLength), music(43, 16000, 1, 24*FrameLength), speech(t, 200000, 24*FrameLength),
	}
	tone := clone(recordings[1])
	for i := range tone.Samples[0] {
		tone.Samples[0][i] = tone.Format.Quantize(0.3 * math.Sin(float64(i)/20))
	}
	recordings = append(recordings, tone)
	ratios, sums, tried := make([]int, 12), make([]int, 12), 0
	highest := 0.0
	for i, rec := range recordings {
		for key := range keys {
			l, err := newListener(host(open(t, file(t, rec))), keystream.Key{9, byte(i), byte(key)}, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.acquire.load(context.Background(), 0); err != nil {
				t.Fatal(err)
			}
			y, frames := l.acquire.window.samples[0], l.acquire.window.usable(0, 24)
			s := search{acquirer: l.acquire, hypothesis: hypothesis{gain: 1, octave: 3}}
			s.prepare(y)
			for set := range sets {
				trial := trial{set: set}
				trial.extend(l.marker, y, 0, frames, 24)
				for start := range int64(8) {
					sum := s.sum(start*12345, setLane{set, 0}, 1)
					for x := range sums {
						if sum > float64(x) {
							sums[x]++
						}
					}
					highest = max(highest, sum)
				}
				for x := range ratios {
					if trial.score() > float64(x) {
						ratios[x]++
					}
				}
				tried++
			}
		}
	}
	for x := 1; x < len(ratios); x++ {
		most := float64(tried) * math.Exp(-float64(x))
		if n := float64(ratios[x]); n > most+4*math.Sqrt(most)+1 {
			t.Errorf("%g of %d likelihood ratios exceed e^%d, where %.1f may", n, tried, x, most)
		}
		want := 8 * float64(tried) * math.Exp(-float64(x))
		if n := float64(sums[x]); math.Abs(n-want) > 5*math.Sqrt(want)+2 {
			t.Errorf("%g of %d sums exceed %d, where the exponential law has %.1f", n, 8*tried, x, want)
		}
	}
	if limit := threshold(1); highest > limit {
		t.Errorf("a sum of %.1f, beyond the threshold of %.1f", highest, limit)
	}
}

// A recording in which there is nothing is read four times at most, and progress goes on to its end.
func TestInnocentsAreReadFourTimes(t *testing.T) {
	racetest.Skip(t)
	for name, rec := range map[string]*audio.Recording{
		"speech": speech(t, 30000, 40*FrameLength), "music": music(44, 44100, 2, 3*44100), "noise": noise(45, mono(audio.Float32), 30*FrameLength),
	} {
		if passes := seek(t, rec, theirs, carrier.ErrNotFound); passes > 4 {
			t.Errorf("%s is read %.1f times", name, passes)
		}
		last, calls := 0, 0
		_, err := Find(context.Background(), host(open(t, file(t, rec))), theirs, 2, func(done, total int) {
			if done < last || done > total {
				t.Errorf("%s: progress went from %d to %d of %d", name, last, done, total)
			}
			if last, calls = done, calls+1; total != 1000 {
				t.Errorf("%s: progress of %d", name, total)
			}
		})
		if !errors.Is(err, carrier.ErrNotFound) || last != 1000 || calls < 8 {
			t.Errorf("%s: %v after %d reports, the last of %d", name, err, calls, last)
		}
	}
}

// Where there is something, progress goes on to its end as well, wherever it is found.
func TestProgressOfFinding(t *testing.T) {
	racetest.Skip(t)
	rec, _ := filled(t, noise(46, mono(audio.Int16), 40*FrameLength), 40, 0.5)
	for _, cut := range []int{0, 3333} {
		last := 0
		if _, err := Find(context.Background(), host(open(t, file(t, part(rec, cut, len(rec.Samples[0]))))), ours, 2, func(done, total int) {
			if done < last || done > total {
				t.Errorf("progress went from %d to %d of %d", last, done, total)
			}
			last = done
		}); err != nil || last != 1000 {
			t.Errorf("%d samples cut: %v, progress ends at %d", cut, err, last)
		}
	}
}

// A correlation is what its definition says, at any lag and however templates are added up.
func TestCorrelation(t *testing.T) {
	racetest.Skip(t)
	rec := noise(47, mono(audio.Int16), 9*FrameLength)
	l, err := newListener(host(open(t, file(t, rec))), ours, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.acquire.load(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	s := search{acquirer: l.acquire, hypothesis: hypothesis{gain: 1, octave: 3, sets: []int{3, 5}, lanes: []int{1}, last: 100}}
	s.prepare(l.acquire.window.samples[0])
	s.groups = []group{{[]setLane{{3, 1}, {5, 1}}, 0, 100 * FrameLength}}
	if err := s.correlate(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(s.peaks) < mostPeaks/2 {
		t.Fatalf("%d peaks", len(s.peaks))
	}
	for _, p := range s.peaks[:5] {
		var re, im float64
		count := 0
		for _, lane := range s.groups[0].lanes {
			for start := int64(p.lag) - int64(s.points); start < 100*FrameLength; start += int64(s.points) {
				var pilots [syncPilots]pilot
				for k := max(0, start/FrameLength-1); k <= min(99, (start+int64(len(s.y)))/FrameLength); k++ {
					s.marker.sync(&pilots, lane.set, lane.lane, int(k))
					for _, q := range pilots {
						at := k*FrameLength + int64(q.at) - start
						if at < 0 || at >= int64(len(s.y)) {
							continue
						}
						d := float64(s.y[at])/8 - q.dither(3)
						re, im, count = re+math.Cos(2*math.Pi*d), im+math.Sin(2*math.Pi*d), count+1
					}
				}
			}
		}
		// Phases are those of 256 bins, and the number of pilots that meet a sample is an average.
		if v := (re*re + im*im) / float64(count); math.Abs(v/p.score-1) > 0.1 {
			t.Errorf("lag %d: %.2f, want %.2f", p.lag, p.score, v)
		}
	}
}

// A short clip whose middle is gone is found where noise hides what its samples would tell of its gain, whichever set it
// is of.
func TestQuieterMiddleCutInNoise(t *testing.T) {
	racetest.Skip(t)
	for _, frames := range []int{24, 32, 40} {
		v, cover := survey(t, noise(40, mono(audio.Int16), frames*FrameLength))
		p := v.Plan(Robust, v.MSE(45))
		for set := 0; set < sets; set += 9 {
			rec, err := embed(cover, p, 100, nonce{1, 2, 3, 4, 5, byte(64 + set)})
			if err != nil {
				t.Fatal(err)
			}
			x := rec.Samples[0]
			power := 0.0
			for _, v := range x {
				power += v * v / float64(len(x))
			}
			x = slices.Delete(x, len(x)*3/8, len(x)*5/8)
			rng := newRand(uint64(set))
			for i := range x {
				x[i] += math.Sqrt(power) * 1e-3 * rng.NormFloat64()
			}
			rec.Samples[0] = x
			if m := find(t, scale(rec, math.Pow(10, -3.0/20))); m.Arrived < m.Frames/3 {
				t.Errorf("%d frames, set %d: %d of them found", frames, set, m.Arrived)
			}
		}
	}
}
