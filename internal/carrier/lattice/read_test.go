package lattice

import (
	"math"
	"testing"
)

// evidence returns the log-likelihood ratio of the symbols that are known, at a level and a noise index, to noise
// alone.
func (r *reader) evidence(level, noise int) float64 {
	var sum float32
	if k := pilotRatio(noise, level); k < ratios {
		h := octave(level) + r.shape.rise
		for i := range r.sync {
			sum += r.tables.pilots[pilotPhase(r.sync[i].sample, r.sync[i].u, h)][k]
		}
	}
	k := ratioIndex(noise, level)
	if k >= ratios {
		return float64(sum)
	}
	inverse := 1 / fineStep(level)
	n := fineBits(level)
	for i := range r.fine {
		f := &r.fine[i]
		sum += r.tables.knownFine[phase(f.sample*inverse, f.at[n])][k]
	}
	inverse /= r.shape.strong
	for _, s := range r.strong {
		sum += r.tables.knownStrong[phase(s.sample*inverse, s.at)][k]
	}
	return float64(sum)
}

// The likeliest level is that which has the most evidence of all when they are tried one by one, wherever the search
// for it begins.
func TestLikeliestLevel(t *testing.T) {
	rng := newRand(70)
	for p := range profiles {
		r := newReader(p, newTables(p))
		for trial := range 300 {
			level := rng.IntN(Levels)
			step, sigma := fineStep(level), math.Exp2(6*rng.Float64()-5)*float64(trial%3)
			r.sync, r.strong, r.fine = r.sync[:0], r.strong[:0], r.fine[:0]
			for range rng.IntN(syncPilots + 1) {
				u := rng.Uint32()
				h := octave(level) + r.shape.rise
				at := (float64(rng.IntN(9)-4) + pilot{u: u}.dither(min(h, octaves))) * math.Exp2(float64(h)) * unit
				r.sync = append(r.sync, knownPilot{at + sigma*step*rng.NormFloat64(), u})
			}
			for range rng.IntN(levelPilots + headerStrong + 1) {
				at := rng.Float64()
				x := (float64(rng.IntN(9)-4) + at) * r.shape.strong
				r.strong = append(r.strong, knownSymbol{(x + sigma*rng.NormFloat64()) * step, at})
			}
			for range rng.IntN(headerFine + 1) {
				f := knownFine{}
				for n := range f.at {
					f.at[n] = rng.Float64()
				}
				f.sample = (float64(rng.IntN(99)-49) + f.at[fineBits(level)] + sigma*rng.NormFloat64()) * step
				r.fine = append(r.fine, f)
			}
			noise := rng.IntN(noiseIndices)
			want, most := 0, math.Inf(-1)
			for level := range Levels {
				if e := r.evidence(level, noise); e > most {
					want, most = level, e
				}
			}
			for range 3 {
				if got, e := r.likeliest(noise, rng.IntN(Levels)); got != want || e != most {
					t.Fatalf("profile %d, trial %d: level %d with %g, want %d with %g", p, trial, got, e, want, most)
				}
			}
		}
	}
}
