package steganalysis

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strings"

	"ditas/audio"
	"ditas/internal/dsp"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
)

// cover is a recording to hide in.
type cover struct {
	recording *audio.Recording // as a 16-bit file has it
	precise   *audio.Recording // as it was before it was rounded
	group     string           // the speaker or track
	source    string           // the package it comes from
}

// Level is what recordings are multiplied with to make covers, after what rounding took from them was replaced by chance: their peaks are at 1, and people leave
// headroom of some 12 dB. It has another reason: data sets set the level of recordings that had been rounded, and so some values hardly ever occur, by which any change
// is known. Half as loud, and rounded anew, a recording is nearly as one that was rounded once: the noise of its rounding has 1.5 times the variance; a quarter as loud, 1.1 times.
const Level = 0.25

func (s *Scene) level() float64 { return cmp.Or(s.Level, Level) }

// covers takes excerpts of the recordings of a scene, of each group as many as a number at most. The names of files say what is a group: all
// but a number at the end. What stands before the first underscore is the source.
func covers(scene Scene, each int, seed uint64) ([]cover, error) {
	type excerpt struct {
		x     []int16
		group string
		index int
	}
	groups, rest := map[string][]excerpt{}, map[string][]int16{}
	var names []string
	index := 0
	for _, s := range scene.Sets {
		for i := range s.Len() {
			x := s.PCM(i)
			group := groupOf(s.Name(i))
			if groups[group] == nil && rest[group] == nil {
				names = append(names, group)
			}
			if scene.Joined {
				x = slices.Concat(rest[group], x)
			}
			for ; len(x) >= scene.Samples; x = x[scene.Samples:] {
				groups[group] = append(groups[group], excerpt{x[:scene.Samples], group, index})
				index++
			}
			rest[group] = x
		}
	}
	var all []cover
	for g, name := range names {
		e := groups[name]
		var source rand.PCG
		dataset.Seed(&source, seed, int(experiment.ForCovers), g)
		rng := rand.New(&source)
		rng.Shuffle(len(e), func(i, j int) { e[i], e[j] = e[j], e[i] })
		taken := 0
		for _, x := range e {
			if taken == each {
				break
			}
			c := newCover(x.x, scene.Rate, scene.level(), rng)
			if experiment.Power(c.precise.Samples[0]) < silence {
				continue
			}
			c.group = name
			c.source, _, _ = strings.Cut(path.Base(name), "_")
			all = append(all, c)
			taken++
		}
	}
	if len(all) == 0 {
		return nil, errNoCover
	}
	return all, nil
}

// newCover returns a cover of samples in units of an LSB.
func newCover(x []int16, rate int, level float64, rng *rand.Rand) cover {
	precise := fainter(furnished(x, rng), rate, level, rng)
	return cover{recording: rounded(precise), precise: precise}
}

// errNoCover reports a scene without covers.
var errNoCover = errors.New("no recording is as long as a cover")

// silence is the power below which an excerpt is no cover, −44 dB: at 50 dB below it, noise is as strong as 1 LSB.
const silence = 4e-5

var numbered = regexp.MustCompile(`[-_][0-9]+$`)

// groupOf is the name of a file without its extension and a number at its end.
func groupOf(name string) string {
	return numbered.ReplaceAllString(strings.TrimSuffix(name, path.Ext(name)), "")
}

// fainter returns samples, in units of an LSB, as a recording of them that is more precise and fainter.
func fainter(x []float64, rate int, level float64, rng *rand.Rand) *audio.Recording {
	r := &audio.Recording{Format: audio.Format{Rate: rate, Channels: 1, Encoding: audio.Float32}, Samples: audio.NewBlock(1, len(x))}
	for i, v := range x {
		r.Samples[0][i] = float64(float32((v + rng.Float64() - 0.5) * level * experiment.Step))
	}
	return r
}

// rounded returns a recording as a 16-bit file has it.
func rounded(precise *audio.Recording) *audio.Recording {
	r := &audio.Recording{Format: precise.Format, Samples: audio.NewBlock(1, len(precise.Samples[0]))}
	r.Format.Encoding = audio.Int16
	for i, v := range precise.Samples[0] {
		r.Samples[0][i] = r.Format.Quantize(v)
	}
	return r
}

const (
	stillness = 32  // zeros in a row that are digital silence, and not by chance
	edge      = 160 // samples beside it over which clips fade
	still     = 512 // of a frame in which the room is heard
	roomOrder = 32
)

// furnished returns samples with the noise of the room where they are digital silence: data sets join recordings with zeros, and nothing is
// easier to find than a change of those. The noise is Gaussian, and its level and spectrum are those of the quietest tenth of the recording's frames. It fades in as the
// recording fades out. Where no frame is without silence, it stays.
func furnished(x []int16, rng *rand.Rand) []float64 {
	out := make([]float64, len(x))
	share := make([]float64, len(x)) // of the amplitude that is the recording
	for i, v := range x {
		out[i], share[i] = float64(v), 1
	}
	silent := false
	for from := 0; from < len(x); from++ {
		to := from
		for to < len(x) && x[to] == 0 {
			to++
		}
		if to-from < stillness {
			from = max(from, to)
			continue
		}
		silent = true
		for i := max(0, from-edge); i < min(len(x), to+edge); i++ {
			share[i] = min(share[i], float64(max(from-i, i-to+1, 0))/edge)
		}
		from = to
	}
	if !silent {
		return out
	}
	filter, deviation := room(out, share)
	if filter == nil {
		return out
	}
	past := make([]float64, roomOrder) // of the noise, the last first
	for i := -still; i < len(x); i++ {
		v := deviation * rng.NormFloat64()
		for k, c := range filter[1:] {
			v -= c * past[k]
		}
		copy(past[1:], past)
		past[0] = v
		if i >= 0 {
			out[i] += math.Sqrt(1-share[i]*share[i]) * v
		}
	}
	return out
}

// room returns the prediction filter of the quietest tenth of the frames that are all recording, and the deviation of what it leaves; nil if
// there is no such frame.
func room(x, share []float64) (filter []float64, deviation float64) {
	type heard struct {
		energy float64
		at     int
	}
	var frames []heard
	for at := 0; at+still <= len(x); at += still / 2 {
		if slices.Min(share[at:at+still]) == 1 {
			frames = append(frames, heard{dsp.Dot(x[at:at+still], x[at:at+still]), at})
		}
	}
	if frames == nil {
		return nil, 0
	}
	slices.SortStableFunc(frames, func(a, b heard) int { return cmp.Compare(a.energy, b.energy) })
	frames = frames[:(len(frames)+9)/10]
	r, windowed := make([]float64, roomOrder+1), make([]float64, still)
	for _, f := range frames {
		for i := range windowed {
			windowed[i] = x[f.at+i] * math.Sin(math.Pi*(float64(i)+0.5)/still)
		}
		for k := range r {
			r[k] += dsp.Dot(windowed[k:], windowed[:still-k]) / float64(len(frames)*still/2)
		}
	}
	filter = make([]float64, roomOrder+1)
	r[0] *= 1 + 1e-9
	return filter, math.Sqrt(max(0, dsp.LPC(filter, r)))
}
