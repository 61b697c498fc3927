package lattice

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"math"
	"slices"
	"time"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/parallel"
	"ditas/metric"
	"ditas/report"
)

// Survey is what has to be known of a recording before anything is hidden in it.
type Survey struct {
	format  audio.Format
	samples int64 // of a channel
	shaping Shaping
	masking *metric.Masking
	frames  [][]surveyed // channel by channel
	power   float64      // mean square of all samples
	digest  [sha256.Size]byte
	// contours are the filters, channel by channel: one for each window of the ear model. They are nil of a recording that has more than
	// keptContours, and heard again then. followers are those with which the error follows the recording's spectrum.
	contours, followers [][]contour
}

// surveyed is what is known of one frame.
type surveyed struct {
	usable    float32 // share of its samples that are not digital silence
	gain      float32 // by which shaping raises the power of the error on average
	tolerance float32 // variance that the error may have, before shaping, without being heard
	cover     float32 // variance of an error, before shaping, that is as strong as the recording
	// follows is the variance in dB of an error, before shaping, as strong as the recording, where it follows the recording's spectrum, and spread by which
	// that raises its power, both on average.
	follows, spread float32
}

// keptContours is how many filters a survey keeps at most: 32 bytes each, 64 MiB for six hours of stereo.
const keptContours = 1 << 21

// LeastLength is the number of samples of a channel that it takes to find and read the header, whatever the plan.
const LeastLength = leastFrames * FrameLength

const leastFrames = 8

// ErrTooShort reports a recording of fewer than 8 frames, or one without room for the payload.
var ErrTooShort = errors.New("lattice: the recording is too short to hide anything in it")

// before and after return how many samples a stretch holds on either side of its frames: what the windows of the ear model and runs of
// equal samples reach beyond them.
func (v *Survey) before() int { return v.masking.Window() / 2 }
func (v *Survey) after() int  { return v.masking.Window() }

// segment returns which window's filter is used at a sample, and up to which sample: the window in whose middle it lies.
func (v *Survey) segment(at int64) (window, end int64) {
	hop := int64(v.masking.Hop())
	window = max(0, (at-hop/2)/hop)
	return window, (window+1)*hop + hop/2
}

// hearing is one channel's ear and filters, window by window.
type hearing struct {
	ear    *metric.Ear
	shaper *shaper
	next   int64 // window
	// follower is the filter with which the error follows the recording's spectrum.
	follower *shaper
}

func (v *Survey) newHearing() hearing {
	rounding := roundingOf(v.format)
	return hearing{ear: v.masking.NewEar(), shaper: newShaper(v.shaping, rounding), follower: newShaper(0, rounding)}
}

// hear listens to the next window, which begins with x, and returns the variance that the error may have, that of one that is as strong as the recording, and
// that of one as strong as the recording that follows it.
func (h *hearing) hear(x []float64) (tolerance, cover, follows float64) {
	h.next++
	weights, densities := h.ear.Listen(x), h.ear.Densities()
	tolerance, cover = h.shaper.fit(weights, densities)
	return tolerance, cover, h.follower.match(densities)
}

// surveyBlock is the number of samples of a channel that are heard at a time.
const surveyBlock = 32 * FrameLength

// surveyor surveys one channel.
type surveyor struct {
	hearing
	survey              *Survey
	frames              []surveyed
	contours, followers []contour
	windows             []float32 // of each frame, the number of windows that reach into it
	quiet               []bool
	power               float64
	digest              hash.Hash // of all samples
	bytes               [8 * FrameLength]byte
}

// NewSurvey listens to a whole recording.
func NewSurvey(ctx context.Context, f audio.File, shaping Shaping, workers int, progress func(done, total int)) (*Survey, error) {
	s, err := carrier.NewHost(ctx, f)
	if err != nil {
		return nil, err
	}
	if err := carrier.CheckChannels(s.Channels()); err != nil {
		return nil, err
	}
	v := &Survey{format: f.Format(), samples: s.Frames(), shaping: shaping, frames: make([][]surveyed, s.Channels())}
	if v.masking, err = metric.NewMasking(max(metric.MinMaskingRate, min(v.format.Rate, metric.MaxMaskingRate))); err != nil {
		return nil, err
	}
	surveyors := v.newSurveyors()
	buf := audio.NewBlock(s.Channels(), v.before()+surveyBlock+v.after())
	for from := int64(0); from < s.Frames(); from += surveyBlock {
		if err := errors.Join(s.Read(buf, from-int64(v.before())), ctx.Err()); err != nil {
			return nil, err
		}
		parallel.Each(workers, s.Channels(), func(_, c int) { surveyors[c].add(ctx, buf[c], from, s.Frames()) })
		if progress != nil {
			progress(int(min(from+surveyBlock, s.Frames())>>10), int(s.Frames()>>10)+1)
		}
	}
	if err := errors.Join(s.Finish(), ctx.Err()); err != nil {
		return nil, err
	}
	if s.Cut() != nil {
		return nil, s.Cut()
	}
	if len(v.frames[0]) < leastFrames {
		return nil, ErrTooShort
	}
	all := sha256.New()
	for c := range surveyors {
		all.Write(surveyors[c].digest.Sum(nil))
		v.power += surveyors[c].power / float64(v.Frames()*FrameLength)
		if v.contours != nil {
			v.contours[c], v.followers[c] = surveyors[c].contours, surveyors[c].followers
		}
	}
	if v.power == 0 {
		return nil, carrier.ErrSilent
	}
	if !slices.ContainsFunc(v.frames, func(f []surveyed) bool {
		return slices.ContainsFunc(f, func(f surveyed) bool { return f.usable >= leastUsable })
	}) {
		return nil, carrier.ErrSilent
	}
	all.Sum(v.digest[:0])
	if progress != nil {
		progress(int(s.Frames()>>10)+1, int(s.Frames()>>10)+1)
	}
	return v, nil
}

// newSurveyors returns a surveyor of each channel.
func (v *Survey) newSurveyors() []surveyor {
	channels := int64(len(v.frames))
	count := min(v.samples/FrameLength, maxFrames/channels)
	windows := (v.samples + int64(v.masking.Hop()) - 1) / int64(v.masking.Hop())
	if v.shaping > 0 && windows*channels <= keptContours {
		v.contours, v.followers = make([][]contour, channels), make([][]contour, channels)
	}
	surveyors := make([]surveyor, channels)
	for c := range surveyors {
		v.frames[c] = make([]surveyed, count)
		for k := range v.frames[c] {
			v.frames[c][k].tolerance, v.frames[c][k].cover = float32(math.Inf(1)), float32(math.Inf(1))
		}
		surveyors[c] = surveyor{
			hearing: v.newHearing(), survey: v, frames: v.frames[c], windows: make([]float32, count), quiet: make([]bool, surveyBlock),
			digest: sha256.New(),
		}
		if v.contours != nil {
			surveyors[c].contours, surveyors[c].followers = make([]contour, 0, windows), make([]contour, 0, windows)
		}
	}
	return surveyors
}

// add surveys the samples of a block that begins at sample from of a recording of so many samples.
func (s *surveyor) add(ctx context.Context, x []float64, from, samples int64) {
	before, count := s.survey.before(), int64(len(s.frames))
	carrier.MarkSilence(s.quiet, x, before, before+surveyBlock)
	for k := from / FrameLength; k < min(count, (from+surveyBlock)/FrameLength); k++ {
		at := int(k*FrameLength - from)
		used := FrameLength
		for _, q := range s.quiet[at:][:FrameLength] {
			if q {
				used--
			}
		}
		power := s.power
		for _, a := range x[before+at:][:FrameLength] {
			if a-a == 0 { // finite
				power += float64(a * a)
			}
		}
		s.power = power
		s.frames[k].usable = float32(used) / FrameLength
	}
	s.note(x[before:][:min(surveyBlock, samples-from)])
	hop, window := int64(s.survey.masking.Hop()), s.survey.masking.Window()
	for at := s.next * hop; at < min(from+surveyBlock, samples); at = s.next * hop {
		if ctx.Err() != nil {
			return
		}
		tolerance, cover, follows := s.hear(x[before+int(at-from):][:window])
		if s.contours != nil {
			s.contours, s.followers = append(s.contours, s.shaper.contour), append(s.followers, s.follower.contour)
		}
		last := min(count-1, (at+int64(window)-1)/FrameLength)
		for k := at / FrameLength; k <= last; k++ {
			f := &s.frames[k]
			f.tolerance, f.cover = min(f.tolerance, float32(tolerance)), min(f.cover, float32(cover))
			s.windows[k]++
			f.follows += (float32(10*math.Log10(max(follows, 1e-30))) - f.follows) / s.windows[k]
			f.gain += (float32(s.shaper.gain) - f.gain) / s.windows[k]
			f.spread += (float32(s.follower.gain) - f.spread) / s.windows[k]
		}
	}
}

// note adds samples to the digest.
func (s *surveyor) note(x []float64) {
	for len(x) > 0 {
		n := min(len(x), FrameLength)
		for i, v := range x[:n] {
			binary.LittleEndian.PutUint64(s.bytes[8*i:], math.Float64bits(v))
		}
		s.digest.Write(s.bytes[:8*n])
		x = x[n:]
	}
}

// Frames returns the number of frames of all channels together.
func (v *Survey) Frames() int { return len(v.frames) * len(v.frames[0]) }

// silent marks a frame that is left alone.
const silent = 0xff

// leastUsable is the share of the samples of a frame that must not be digital silence if it is to carry something: with fewer, receivers know too little
// of a frame to tell how strong it is.
const leastUsable = 0.25

// leastUsed is how many frames have to carry something where most are left alone: fewer, here and there, are not found again for sure.
const leastUsed = 2 * leastFrames

// Plan is how a recording is to be used.
type Plan struct {
	survey  *Survey
	profile Profile
	shaping Shaping
	follows bool // the error follows the recording's spectrum
	levels  [][]uint8
	room    capacities
	mse     float64 // that was asked for, 0 of a plan that goes by something else
	missed  float64 // excess in dB of the error over that from which on the plan is refused
	heard   bool    // whatever the recording's format can hold would be heard
	faint   bool    // the change should be hard to find, and too few frames are strong enough for that
}

// digest returns a hash of the cover and of all that the plan decides.
func (p *Plan) digest() (d [sha256.Size]byte) {
	h := sha256.New()
	h.Write(p.survey.digest[:])
	binary.Write(h, binary.LittleEndian, []float64{float64(p.profile), float64(p.shaping)})
	if p.follows {
		h.Write([]byte{1})
	}
	for _, levels := range p.levels {
		h.Write(levels)
	}
	h.Sum(d[:0])
	return d
}

// missed is the excess in dB of a plan's error over what was asked for from which on it is refused, and mostMissed that where nothing was asked
// for, as long as it is not heard or may be. From slightlyMissed on a plan that misses less is preferred.
const (
	slightlyMissed = 0.5
	missed         = 3
	mostMissed     = 21
)

// SNR returns the signal-to-noise ratio in dB that comes out, about: at most 200, as of a plan that changes nothing.
func (p *Plan) SNR() float64 { return min(200, 10*math.Log10(p.survey.power/p.room.mse)) }

// Check returns an error if the plan misses its strength by 3 dB or more, or leaves the whole recording alone because
// everything would be heard or found, and nil otherwise.
func (p *Plan) Check() *report.TooQuietError {
	bits := 0
	if p.survey.format.Encoding == audio.Int8 {
		bits = 8
	}
	switch {
	case p.faint:
		return &report.TooQuietError{Faint: true, Bits: bits}
	case p.mse <= 0:
		return nil
	}
	asked := 10 * math.Log10(p.survey.power/p.mse)
	if p.heard {
		return &report.TooQuietError{Asked: asked, Heard: true, Bits: bits}
	}
	if excess := 10 * math.Log10(p.room.mse/p.mse); excess >= p.missed {
		return &report.TooQuietError{Asked: asked, Reached: asked - excess, Bits: bits}
	}
	return nil
}

// levelDithering is by how many levels the strengths of frames differ that might be alike. Offsets by the step that frames have in common are not
// to be told from none, so there has to be no such step.
const levelDithering = 1.5

// decibelsALevel is by how much the error grows from level to level.
const decibelsALevel = 1.505

// lowDiscrepancy returns the fraction of i times the golden section: such numbers are spread evenly, however many are taken in a row.
func lowDiscrepancy(i int) float64 {
	_, f := math.Modf(float64(i) * 0.6180339887498949)
	return f
}

// levelOf returns the level, in fractions, whose fine step squared is a value.
func levelOf(square float64) float64 { return 4 * math.Log2(math.Sqrt(square)/(2*unit)) }

// planned is how much of an error may be planned so that it is not exceeded.
const planned = 0.98

// hearingLimits bound what of a plan may be heard. Noise below the threshold that an ear model gives for each moment may be heard all the same: its
// threshold is for one moment and one band, and over time, in tonal recordings most of all, changes of loudness and harmonic errors are
// heard that it does not see. PEAQ sees them.
type hearingLimits struct {
	below   float64 // dB: how far the error is kept below the threshold of every moment, where steps can be that fine
	beneath float64 // dB: how far it is kept below the recording itself
	coarse  float64 // levels: how far the finest steps of a file may be above that. A frame in which they are more is left alone
	total   float64 // dB: the noise-to-mask ratio of the whole recording, beyond which frames are left alone, the worst first
	uneven  float64 // dB: how far the mean error may be above the mean of its decibels
}

// evenLevel is the highest level of frames at which an uneven error does not matter.
const evenLevel = 8

// Plan decides how strong every frame is, so that the mean squared error comes out at mse (full scale being 1) or a little less: all
// frames alike but for a level, and none so strong that an ear model hears it at any moment.
func (v *Survey) Plan(profile Profile, mse float64) *Plan {
	return v.plan(profile, mse, hearingLimits{below: 2, beneath: math.Inf(-1), coarse: math.Inf(1), total: math.Inf(1), uneven: math.Inf(1)})
}

// Unheard is Plan with a change so weak that nobody should hear it, whatever mse allows. Moments in which the finest steps of the file would
// be heard are left alone, and an error that would all be in a few loud frames is made smaller: it hardly adds to what the others carry, and
// makes the stego easier to find. So does an error that comes near to the recording itself, in its pauses: it stays so many dB beneath it in every frame, in the
// mean of the ratio of their power densities over all frequencies, -Inf being no limit.
func (v *Survey) Unheard(profile Profile, mse, beneath float64) *Plan {
	// Chosen so that PEAQ hears next to nothing: in 94 recordings of music and speech (4 to 10 s each, training and validation sets, robust plans
	// at 50 dB) an ODG of −0.07 in the mean and −0.46 at worst came out.
	return v.plan(profile, mse, hearingLimits{below: 22, beneath: beneath, coarse: 12, total: -19, uneven: 5})
}

// coarseSteps is how many steps of a file of 8 bits the finest lattice has. With two, rounding leaves nothing of its fine symbols; so many let three to five
// times as much be read, in changes that are 1 to 2 dB stronger, of as much of the recording as bears them unheard.
const coarseSteps = 3.3

// bounds are those of a frame's level: that of the strength, which all frames share, plus one of its own, up to what is heard.
type bounds struct{ own, most float64 }

// plan makes a plan within limits of hearing.
func (v *Survey) plan(profile Profile, mse float64, limits hearingLimits) *Plan {
	p := v.newPlan(profile)
	steps := 2.0
	if carrier.GridOf(v.format).Step > unit {
		steps = coarseSteps
	}
	floor := v.floor(steps)
	power := profile.power()
	hearing, seeing := math.Pow(10, -limits.below/10)/power, math.Pow(10, -limits.beneath/10)/power
	changes := v.changes(profile)
	levels := make([][]bounds, len(v.frames))
	for c, frames := range v.frames {
		levels[c] = make([]bounds, len(frames))
		for k := range frames {
			f := &frames[k]
			// The variance before shaping: the same error everywhere leaves the most room, as far as it is not heard.
			own := levelOf(1/(float64(f.gain)*power)) + levelDithering*lowDiscrepancy(k*len(v.frames)+c)
			levels[c][k] = bounds{own, min(levelOf(hearing*float64(f.tolerance)), levelOf(seeing*float64(f.cover)), Levels-1)}
		}
	}
	p.leaveAlone(levels, floor, limits)
	// assign gives every frame its level, and tells whether the error is too large or too uneven.
	assign := func(strength float64) bool {
		var total, sum, decibels, count float64
		highest := 0
		for c, frames := range v.frames {
			for k := range frames {
				f := &frames[k]
				if p.levels[c][k] == silent {
					continue
				}
				b := &levels[c][k]
				level := max(floor, int(math.Floor(min(2*strength+b.own, b.most))))
				p.levels[c][k] = uint8(level)
				highest = max(highest, level)
				change := changes[level] * float64(f.gain)
				total += change * float64(f.usable)
				sum, decibels, count = sum+change, decibels+10*math.Log10(change), count+1
			}
		}
		uneven := highest > evenLevel && 10*math.Log10(sum/count)-decibels/count > limits.uneven
		return uneven || total/float64(v.Frames()) > planned*mse
	}
	// The error and its unevenness grow with the strength, whose binary logarithm is given, so halving finds it.
	low, high := -60.0, 10.0
	for range 40 {
		if mid := (low + high) / 2; assign(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	assign(low)
	p.mse, p.missed = mse, missed
	p.measure()
	return p
}

// leaveAlone marks frames that carry nothing: those that cannot, and those in which steps of the lowest level would be heard.
func (p *Plan) leaveAlone(levels [][]bounds, floor int, limits hearingLimits) {
	v := p.survey
	usable := func(c, k int) bool {
		return v.frames[c][k].usable >= leastUsable && levels[c][k].most >= float64(floor)-limits.coarse
	}
	var highest []float64 // levels of all frames that may be used
	for c := range levels {
		for k := range levels[c] {
			if usable(c, k) {
				highest = append(highest, levels[c][k].most)
			}
		}
	}
	slices.Sort(highest)
	// The quieter a frame, the more of its change is heard: as many of the loudest are used as the whole recording bears.
	lowest, heard := math.Inf(1), 0.0
	for _, most := range slices.Backward(highest) {
		over := max(0, float64(floor)-most)
		heard += math.Pow(10, (decibelsALevel*over-limits.below)/10)
		if over > 0 && heard > math.Pow(10, limits.total/10)*float64(v.Frames()) {
			break
		}
		lowest = most
	}
	used, sounding := 0, 0
	for c := range levels {
		for k := range levels[c] {
			if v.frames[c][k].usable >= leastUsable {
				sounding++
			}
			if usable(c, k) && levels[c][k].most >= lowest {
				used++
			} else {
				p.levels[c][k] = silent
			}
		}
	}
	p.heard = used == 0 || used < leastUsed && used < sounding/4
}

// mostMasked is the ratio of a plan's error to what the ear masks, in dB, from which on it is said to be heard: it was −5 and more where PEAQ gave
// an ODG below −2, of recordings of 8 bits, and −16 and less in others.
const mostMasked = -10

// audible reports whether a plan that goes by something else than hearing may well be heard.
func (p *Plan) audible() bool {
	if p.mse > 0 || p.follows {
		return false
	}
	changes := p.survey.changes(p.profile)
	sum, count := 0.0, 0
	for c, levels := range p.levels {
		for k, level := range levels {
			if level != silent {
				sum += changes[level] / max(float64(p.survey.frames[c][k].tolerance), 1e-30)
				count++
			}
		}
	}
	return 10*math.Log10(sum/float64(count)) > mostMasked
}

// gain returns by how much the plan's filters raise the power of the error in a frame.
func (p *Plan) gain(f *surveyed) float64 {
	if p.follows {
		return float64(f.spread)
	}
	return float64(f.gain)
}

// Strength is that of the change to a frame, full scale being 1: its fine step, and the mean squared error that lattices of such a step
// make if nothing is shaped. Both are 0 of a frame that is left alone.
type Strength struct{ Step, MSE float64 }

// Strength returns that of a frame of [FrameLength] samples.
func (p *Plan) Strength(channel, frame int) Strength {
	level := p.levels[channel][frame]
	if level == silent {
		return Strength{}
	}
	f := &p.survey.frames[channel][frame]
	return Strength{fineStep(int(level)), p.survey.changes(p.profile)[level] * float64(f.usable)}
}

// changes returns, for each level, the mean squared error that lattices make in a frame if nothing is shaped.
func (v *Survey) changes(profile Profile) (of [Levels]float64) {
	grid := carrier.GridOf(v.format).Step
	for level := range of {
		step := fineStep(level)
		of[level] = profile.powerAt(level)*step*step + grid*grid/12
	}
	return of
}

// A faint change lies one of these numbers of dB below the recording: the first at which enough frames are strong enough and there is room. Chosen by how hard it
// is to find: see docs/SECURITY.md.
var faintBelow = []float64{50, 45, 40, 35, 30}

// leastMatched is the share of the frames that has to be strong enough.
const leastMatched = 0.5

// Faint returns the plans that are hard to find, the hardest first: see [Survey.Matched].
func (v *Survey) Faint() []*Plan {
	var plans []*Plan
	for i, below := range faintBelow {
		if p := v.Matched(below); p.Check() == nil || plans == nil && i+1 == len(faintBelow) {
			plans = append(plans, p)
		}
	}
	return plans
}

// Matched returns the plan whose change follows the recording's spectrum from moment to moment, so many dB below it, so that it has nothing where the recording
// has nothing. Frames are left alone in which the finest steps of the file would be more than that; where too few remain, [Plan.Check] returns an error.
func (v *Survey) Matched(below float64) *Plan {
	p := v.newPlan(Lean)
	p.follows = true
	floor := v.floor(2)
	var changes [Levels]float64 // in dB
	for level, c := range v.changes(Lean) {
		changes[level] = 10 * math.Log10(c)
	}
	used, sounding := 0, 0
	for c, frames := range v.frames {
		for k := range frames {
			f := &frames[k]
			p.levels[c][k] = silent
			if f.usable < leastUsable {
				continue
			}
			sounding++
			most := float64(f.follows) - below
			if !(changes[floor] <= most) {
				continue
			}
			level := floor
			for level+1 < Levels && changes[level+1] <= most {
				level++
			}
			p.levels[c][k] = uint8(level)
			used++
		}
	}
	if used < leastUsed || float64(used) < leastMatched*float64(sounding) {
		p.faint = true
		return p
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
	for level < Levels-1 && fineStep(level) < steps*carrier.GridOf(v.format).Step {
		level++
	}
	return level
}

// Duration returns how long the recording lasts.
func (v *Survey) Duration() time.Duration { return v.format.Duration(v.samples) }

// MSE returns the mean squared error that corresponds to a signal-to-noise ratio in dB.
func (v *Survey) MSE(snr float64) float64 { return v.power * math.Pow(10, -snr/10) }

// A payload that does not fit in stages that bear the noise and the loss they were made for is given more room by giving up first the
// one and then, from lossBackoff dB on, the other.
const (
	backoffStep = 0.5
	lossBackoff = 20
	mostBackoff = 60
)

// limit returns how many bytes a stage may have for the protection that its rung was made for, less a backoff in dB.
func (p *Plan) limit(i int, backoff float64, long bool) int {
	r := &ladders[p.profile][i]
	noise := r.bears + max(0, min(backoff, r.most)-r.yields)
	clean := p.room.clean.of(r)
	kept := clean - (clean-p.room.kept[i])*min(1, (mostBackoff-backoff)/(mostBackoff-lossBackoff))
	// Some more than what should suffice, as long as it is noise that is given up for it.
	kept *= 1 - 0.06*max(0, 1-backoff/lossBackoff)
	frames := float64(p.survey.Frames())
	noisy := !math.IsInf(r.bears, 1) && backoff < lossBackoff
	intact := backoff >= mostBackoff
	return min(
		p.room.takes(r, i, frames*kept, frames, false, intact, long),
		p.room.takes(r, i, frames*p.room.under(r, noise), frames, noisy, intact, long),
	)
}

// limits returns those of all stages, and their sum.
func (p *Plan) limits(backoff float64, long bool) (sizes []int, sum int) {
	for i := range ladders[p.profile] {
		n := p.limit(i, backoff, long)
		sizes, sum = append(sizes, n), sum+n
	}
	return sizes, sum
}

// header returns the header of a sealed payload whose stages have at most the given sizes, but for the last one.
func (p *Plan) header(sealed int, sizes []int) *header {
	h := &header{profile: p.profile, channels: len(p.levels), frames: p.survey.Frames(), sealed: sealed}
	h.division = divide(ladders[p.profile], h.frames, sizes)
	return h
}

// fits reports whether the last stage of a header, which takes what the others leave, is within its limit.
func (p *Plan) fits(h *header, limit int) bool {
	stages := h.ladder()
	return stages[len(stages)-1].size <= limit
}

// Room returns how many bytes of payload fit: none if [Plan.Check] returns an error.
func (p *Plan) Room() int {
	if p.Check() != nil {
		return 0
	}
	most := func(long bool) int {
		sizes, _ := p.limits(mostBackoff, long)
		h := p.header(maxSealed, sizes)
		total := sizes[len(sizes)-1]
		for _, s := range h.ladder()[:len(sizes)-1] {
			total += s.size
		}
		return min(total, maxSealed)
	}
	return max(0, max(min(most(false), longPayload), most(true))-payloadTag)
}

// fit returns the header of a payload with the most protection that there is room for, or nil if it does not fit.
func (p *Plan) fit(payload int) *header {
	sealed := payload + payloadTag
	long := sealed > longPayload
	sizes, sum := p.limits(0, long)
	last := len(sizes) - 1
	if sealed <= sum {
		if h := p.header(sealed, p.shrink(sizes, sum, sealed)); p.fits(h, sizes[last]) {
			return h
		}
	}
	for backoff := 0.0; backoff <= mostBackoff; backoff += backoffStep {
		sizes, sum = p.limits(backoff, long)
		limit := sizes[last]
		if h := p.header(sealed, sizes); p.fits(h, limit) {
			// What is to spare is taken from the stage before the last: the last one would have to repeat its bits, to no use where they are read
			// for sure.
			sizes[last-1] -= min(sizes[last-1], max(0, sum-sealed-limit/16))
			if level := p.header(sealed, sizes); p.fits(level, limit) {
				return level
			}
			return h
		}
	}
	return nil
}

// shrink returns the sizes of stages for a smaller sealed payload than there is room for. All but the last two are as large as they can be, unless
// that leaves less than the profile's reserve for these; then all of them are smaller.
func (p *Plan) shrink(full []int, sum, sealed int) []int {
	last := len(full) - 1
	keep := shapes[p.profile].reserve
	ends := full[last-1] + full[last]
	least := sum - ends + int(keep*float64(ends))
	sizes := slices.Clone(full)
	if sealed >= least {
		sizes[last-1] = min(full[last-1], sealed-(sum-ends)-int(keep*float64(full[last])))
		return sizes
	}
	sizes[last-1] = int(keep * float64(full[last-1]))
	for i := range sizes {
		sizes[i] = int(float64(sizes[i]) * float64(sealed) / float64(least))
	}
	return sizes
}
