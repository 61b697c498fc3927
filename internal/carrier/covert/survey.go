package covert

import (
	"context"
	"errors"
	"fmt"
	"math"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/parallel"
	"ditas/report"
)

// A recording counts as more precise than its file if more than one in preciseShare of the samples that may be changed are.
const preciseShare = 1000

// A recording of 16 bits is dithered if that gives it more than ditherGain times the room.
const ditherGain = 10

// leastRoom is how many bytes of payload there have to be room for at least, for anything to be hidden.
const leastRoom = 16

// The header has at least so many samples that may be changed to each of its bits.
const dryShare = 4

// survey is what is known of a cover.
type survey struct {
	shape
	cover    audio.File
	source   audio.File // what is hidden in: the cover, or what that was before it was rounded
	dithered bool
	counts   counts  // in the classes of their power, or all in class 1 where there is dither
	signal   float64 // mean square of the samples, in steps
	// roundings are those of what the recording was before it was rounded, if it was more precise.
	roundings roundings
}

func newSurvey(ctx context.Context, cover audio.File, workers int, progress func(done, total int)) (*survey, error) {
	host, err := carrier.NewHost(ctx, cover)
	if err != nil {
		return nil, err
	}
	s := &survey{shape: shapeOf(cover.Format(), host.Frames()), cover: cover, source: cover}
	if cover.Format().Encoding.IsFloat() || cover.Format().Bits() > s.bits {
		return nil, fmt.Errorf("covert: %w: a file of %v, at most 16 bits", errors.ErrUnsupported, cover.Format())
	}
	if err := carrier.CheckChannels(s.channels); err != nil {
		return nil, err
	}
	precise, err := s.compare(ctx)
	if err != nil {
		return nil, err
	}
	if precise {
		s.source, s.dithered = unrounded(cover), true
	}
	powers, part := make([]*power, s.channels), make([]counts, s.channels)
	for c := range powers {
		powers[c] = newPower()
	}
	classes, sums, still := make([][]uint8, s.channels), make([]float64, s.channels), make([]int64, s.channels)
	p, team := newPieces(host, s.shape), parallel.NewWorkers(min(workers, s.channels))
	for from := int64(0); from < host.Frames(); from += pieceFrames {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		block, err := p.next(from)
		if err != nil {
			return nil, err
		}
		frames := int(min(pieceFrames, host.Frames()-from))
		team.Each(s.channels, func(_, c int) {
			classes[c] = grown(classes[c], frames)
			if s.dithered {
				still[c] += powers[c].still(frames, block[c], s.scale()-1)
			} else {
				still[c] += powers[c].classify(classes[c], block[c], s.scale()-1)
			}
			for i, class := range classes[c] {
				part[c][class]++
				sums[c] += block[c][margin+i] * block[c][margin+i]
			}
		})
		if progress != nil {
			progress(int(from/pieceFrames)+1, int((s.frames+pieceFrames-1)/pieceFrames))
		}
	}
	if err := host.Finish(); err != nil {
		return nil, err
	}
	if host.Cut() != nil {
		return nil, host.Cut()
	}
	silent := int64(0)
	for c := range part {
		for class, n := range part[c] {
			s.counts[class] += n
		}
		silent += still[c]
		s.signal += sums[c] / float64(max(1, s.samples()))
	}
	loud := s.samples() - silent
	if loud == 0 {
		return nil, carrier.ErrSilent
	}
	if s.bits == 16 && !s.dithered && ditherRate*float64(loud) > ditherGain*s.counts.room() {
		s.dithered = true
	}
	if s.dithered {
		s.counts = counts{0: silent, 1: loud}
	}
	return s, nil
}

// compare reports whether the cover was more precise before it was rounded.
func (s *survey) compare(ctx context.Context) (bool, error) {
	before := unrounded(s.cover)
	if before == nil {
		return false, nil
	}
	r, block := before.Reader(), audio.NewBlock(s.channels, audio.BlockFrames(s.channels, pieceFrames))
	between, all := int64(0), int64(0)
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := r.Read(block)
		if err != nil {
			return all > 0 && between > all/preciseShare, nil // what is wrong with the recording others tell
		}
		for _, x := range block {
			for _, v := range x[:n] {
				if v *= s.scale(); v == 0 || !(math.Abs(v) < 1<<52) {
					continue
				}
				all++
				if v != math.RoundToEven(v) {
					between++
				}
				s.roundings.add(v)
			}
		}
	}
}

// Room tells how much fits. The strength is the recording's own.
func (s *survey) Room(carrier.Strength) carrier.Room {
	bits, changed, bounded := ditherRate*float64(s.counts.dry()), ditherVariance, false
	if !s.dithered {
		most := s.counts.room()
		bits = stepRate * float64(s.counts.dry())
		bits, bounded = min(bits, most), most < bits
		steps := s.counts.telling(bits)
		changed = steps.moved(&s.counts) / float64(s.samples())
	}
	room := carrier.Room{
		SNR: 10 * math.Log10(s.signal/max(changed, 1e-12)), Cover: s.cover.Format().Duration(s.frames),
		Least:    s.cover.Format().Duration((leastSamples + int64(s.channels) - 1) / int64(s.channels)),
		Dithered: s.dithered, Sublinear: bounded,
	}
	if s.samples() < leastSamples {
		return room
	}
	dry := float64(s.counts.dry()) / float64(s.samples()) * float64(s.headerSamples()) // of the header
	if room.Bytes = min(MaxPayload, int(bits/8)-tagSize); room.Bytes < leastRoom || dry < dryShare*headerBits {
		room.Bytes, room.Exposed = 0, &report.ExposedError{Bits: s.bits}
	}
	return room
}

// Divide tells that a payload is hidden as a whole.
func (s *survey) Divide(_ carrier.Strength, size int) []int { return []int{size} }

// phase returns progress that may be called whether or not anybody asks for it.
func phase(o carrier.Options, p report.Phase) func(done, total int) {
	if f := o.Phase(p); f != nil {
		return f
	}
	return func(int, int) {}
}
