package carrier

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"ditas/audio"
	"ditas/metric"
	"ditas/parallel"
)

// Shaping is how much the error may follow the recording's spectrum: the factor by which that may raise its power at equal
// steps. 1 and less leave it white. More of it hides the error better and leaves less room.
type Shaping float64

// DefaultShaping is 0.8 dB.
const DefaultShaping Shaping = 1.2

// Survey is what has to be known of a recording before anything is hidden in it.
type Survey struct {
	format  audio.Format
	samples int64 // of a channel
	shaping Shaping
	frames  [][]surveyed // channel by channel
	power   float64      // mean square of all samples
}

// surveyed is what is known of one frame.
type surveyed struct {
	usable    float32 // share of its samples that are not digital silence
	gain      float32 // by which shaping raises the power of the error
	tolerance float32 // variance that the error may have, before shaping, without being heard
}

// leastFrames is the number of frames of a channel that it takes to find and read the header, whatever the plan.
const leastFrames = 8

// ErrTooShort reports a recording of fewer than 8 frames, or one without room for the payload.
var ErrTooShort = errors.New("carrier: the recording is too short to hide anything in it")

// margin is what a stretch holds on both sides of its frames.
const margin = shapeReach / 2

// NewSurvey listens to a whole recording.
func NewSurvey(ctx context.Context, f audio.File, shaping Shaping, workers int, progress func(done, total int)) (*Survey, error) {
	s, err := newSource(f)
	if err != nil {
		return nil, err
	}
	if s.channels > MaxChannels {
		return nil, fmt.Errorf("carrier: a recording with %d channels, more than %d", s.channels, MaxChannels)
	}
	v := &Survey{format: f.Format(), samples: s.frames, shaping: shaping, frames: make([][]surveyed, s.channels)}
	count := s.frames / FrameLength
	count = min(count, maxFrames/int64(s.channels))
	for c := range v.frames {
		v.frames[c] = make([]surveyed, count)
		for k := range v.frames[c] {
			v.frames[c][k].tolerance = float32(math.Inf(1))
		}
	}
	masking, err := metric.NewMasking(max(metric.MinMaskingRate, min(v.format.Rate, metric.MaxMaskingRate)))
	if err != nil {
		return nil, err
	}
	// Blocks are read with what the windows of filters and of the ear model reach beyond them.
	const block = 32 * FrameLength
	before, after := margin, masking.Window()+margin
	buf := audio.NewBlock(s.channels, before+block+after)
	type ear struct {
		tolerance *metric.Tolerance
		shaper    *shaper
		next      int64
		quiet     []bool
		power     float64
		filters   [block / FrameLength][shapeOrder + 1]float64 // of the block's frames
	}
	ears := make([]ear, s.channels)
	for c := range ears {
		ears[c] = ear{tolerance: masking.NewTolerance(), shaper: newShaper(shaping), quiet: make([]bool, block)}
		for i := range ears[c].filters {
			ears[c].filters[i][0] = 1
		}
	}
	for from := int64(0); from < s.frames; from += block {
		if err := errors.Join(s.read(buf, from-int64(before)), ctx.Err()); err != nil {
			return nil, err
		}
		parallel.Each(workers, s.channels, func(_, c int) {
			e, x, frames := &ears[c], buf[c], v.frames[c]
			still(e.quiet, x, before, before+block)
			for k := from / FrameLength; k < min(count, (from+block)/FrameLength); k++ {
				at := int(k*FrameLength - from)
				used := 0
				for _, q := range e.quiet[at:][:FrameLength] {
					if !q {
						used++
					}
				}
				for _, a := range x[before+at:][:FrameLength] {
					if a-a == 0 { // finite
						e.power += a * a
					}
				}
				e.shaper.fit(x[before+at+(FrameLength-shapeReach)/2:])
				e.filters[k%(block/FrameLength)] = e.shaper.den
				frames[k].usable = float32(used) / FrameLength
				frames[k].gain = float32(e.shaper.gain)
			}
			for ; e.next < from+block && e.next < s.frames; e.next += int64(masking.Hop()) {
				at := before + int(e.next-from)
				i := e.next / FrameLength % (block / FrameLength)
				tolerance := float32(e.tolerance.Next(x[at:][:masking.Window()], e.filters[i][:]))
				last := min(count-1, (e.next+int64(masking.Window())-1)/FrameLength)
				for k := e.next / FrameLength; k <= last; k++ {
					frames[k].tolerance = min(frames[k].tolerance, tolerance)
				}
			}
		})
		if progress != nil {
			progress(int(min(from+block, s.frames)>>10), int(s.frames>>10)+1)
		}
	}
	if err := s.finish(); err != nil {
		return nil, err
	}
	if s.cut != nil {
		return nil, s.cut
	}
	if count < leastFrames {
		return nil, ErrTooShort
	}
	for c := range ears {
		v.power += ears[c].power / float64(count*FrameLength*int64(s.channels))
	}
	return v, nil
}

// Frames returns the number of frames of all channels together.
func (v *Survey) Frames() int { return len(v.frames) * len(v.frames[0]) }

// silent marks a frame that is left alone.
const silent = 0xff

// Plan is how a recording is to be used.
type Plan struct {
	survey  *Survey
	profile Profile
	shaping Shaping
	levels  [][]uint8
	room    capacities
}

// audible is how far, in dB, the error is kept below what can be heard.
const audible = 2

// Plan decides how strong every frame is, so that the mean squared error comes out at mse (full scale being 1): all frames alike, but
// none so strong that it would be heard.
func (v *Survey) Plan(profile Profile, mse float64) *Plan {
	p := v.newPlan(profile)
	floor := v.floor(2)
	hearing := math.Pow(10, -audible/10.0)
	// The total grows with the strength, so halving finds it.
	assign := func(strength float64) (total float64) {
		for c, frames := range v.frames {
			for k := range frames {
				f := &frames[k]
				if f.usable == 0 {
					p.levels[c][k] = silent
					continue
				}
				// The variance before shaping: the same error everywhere leaves the most room, as far as it is not heard.
				variance := min(strength/float64(f.gain), hearing*float64(f.tolerance))
				level := int(math.Floor(4 * math.Log2(math.Sqrt(variance/profile.power())/(2*unit))))
				level = max(floor, min(level, Levels-1))
				p.levels[c][k] = uint8(level)
				total += v.change(profile, f, level)
			}
		}
		return total / float64(v.Frames())
	}
	low, high := -60.0, 10.0
	for range 40 {
		mid := (low + high) / 2
		if assign(math.Exp2(mid)) > mse {
			high = mid
		} else {
			low = mid
		}
	}
	assign(math.Exp2(low))
	p.measure()
	return p
}

// change returns the mean squared error of a frame at a level.
func (v *Survey) change(profile Profile, f *surveyed, level int) float64 {
	step, grid := fineStep(level), v.grid().Step
	return (profile.power()*step*step + grid*grid/12) * float64(f.gain) * float64(f.usable)
}

// Faintest returns the plan that changes samples least while fine symbols still carry two bits, or as near to that as the
// recording's format allows: in 16 bits a step of 4 units, and a mean squared error of 1.4 of them squared.
func (v *Survey) Faintest() *Plan {
	p := v.newPlan(Lean)
	p.shaping = 1
	level := max(4, v.floor(4))
	for c, frames := range v.frames {
		for k := range frames {
			p.levels[c][k] = uint8(level)
			if frames[k].usable == 0 {
				p.levels[c][k] = silent
			}
		}
	}
	p.measure()
	return p
}

func (v *Survey) newPlan(profile Profile) *Plan {
	p := &Plan{survey: v, profile: profile, shaping: v.shaping, levels: make([][]uint8, len(v.frames))}
	for c := range v.frames {
		p.levels[c] = make([]uint8, len(v.frames[c]))
	}
	return p
}

// floor returns the lowest level whose fine step is at least so many steps of the file.
func (v *Survey) floor(steps float64) int {
	level := 0
	for level < Levels-1 && fineStep(level) < steps*v.grid().Step {
		level++
	}
	return level
}

func (v *Survey) grid() Grid {
	if v.format.Encoding.IsFloat() {
		return Grid{}
	}
	return Grid{v.format.Step()}
}

// Duration returns how long the recording lasts.
func (v *Survey) Duration() time.Duration { return v.format.Duration(v.samples) }

// MSE returns the mean squared error that corresponds to a signal-to-noise ratio in dB.
func (v *Survey) MSE(snr float64) float64 { return v.power * math.Pow(10, -snr/10) }

// A payload that does not fit in stages that bear the noise and the loss they were made for is given more room by giving up first the
// one and then, from lossRelief dB on, the other.
const (
	reliefStep = 0.5
	lossRelief = 20
	mostRelief = 60
)

// limit returns how many bytes a stage may have for the protection that its rung was made for, less a relief in dB.
func (p *Plan) limit(i int, relief float64) int {
	r := &ladders[p.profile][i]
	if r.firm {
		relief = 0
	}
	kept := 1 - r.lost*min(1, (mostRelief-relief)/(mostRelief-lossRelief))
	frames := float64(p.survey.Frames())
	room := frames * min(p.room.under(r, r.bears+relief), kept*p.room.clean.of(r))
	return p.room.takes(room, frames*float64(r.perFrame()), !math.IsInf(r.bears, 1) && relief < lossRelief)
}

// limits returns those of all stages, and their sum.
func (p *Plan) limits(relief float64) (sizes []int, sum int) {
	for i := range ladders[p.profile] {
		n := p.limit(i, relief)
		sizes, sum = append(sizes, n), sum+n
	}
	return sizes, sum
}

// header returns the header of a payload whose stages have at most the given sizes, but for the last one.
func (p *Plan) header(payload int, sizes []int) *header {
	h := &header{profile: p.profile, channels: len(p.levels), frames: p.survey.Frames(), payload: payload}
	h.division = divide(ladders[p.profile], h.frames, sizes)
	return h
}

// fits reports whether the last stage of a header, which takes what the others leave, is within its limit.
func (p *Plan) fits(h *header, limit int) bool {
	stages := h.ladder()
	return stages[len(stages)-1].size <= limit
}

// Room returns how many bytes of payload fit.
func (p *Plan) Room() int {
	sizes, _ := p.limits(mostRelief)
	h := p.header(MaxPayload, sizes)
	total := sizes[len(sizes)-1]
	for _, s := range h.ladder()[:len(sizes)-1] {
		total += s.size
	}
	return min(total, MaxPayload)
}

// fit returns the header of a payload with the most protection that there is room for, or nil if it does not fit.
func (p *Plan) fit(payload int) *header {
	sizes, sum := p.limits(0)
	last := len(sizes) - 1
	if payload <= sum {
		if h := p.header(payload, p.shrink(sizes, sum, payload)); p.fits(h, sizes[last]) {
			return h
		}
	}
	for relief := 0.0; relief <= mostRelief; relief += reliefStep {
		sizes, _ = p.limits(relief)
		if h := p.header(payload, sizes); p.fits(h, sizes[last]) {
			return h
		}
	}
	return nil
}

// shrink returns the sizes of stages for less payload than there is room for. All but the last two are as large as they can be, unless
// that leaves less than the profile's reserve for these; then all of them are smaller.
func (p *Plan) shrink(full []int, sum, payload int) []int {
	last := len(full) - 1
	keep := shapes[p.profile].reserve
	ends := full[last-1] + full[last]
	least := sum - ends + int(keep*float64(ends))
	sizes := slices.Clone(full)
	if payload >= least {
		sizes[last-1] = min(full[last-1], payload-(sum-ends)-int(keep*float64(full[last])))
		return sizes
	}
	sizes[last-1] = int(keep * float64(full[last-1]))
	for i := range sizes {
		sizes[i] = int(float64(sizes[i]) * float64(payload) / float64(least))
	}
	return sizes
}
