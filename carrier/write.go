package carrier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"ditas/audio"
	"ditas/keystream"
	"ditas/parallel"
)

// Report tells what Hide did to a recording and what a receiver will read if nothing happens to it.
type Report struct {
	Profile      Profile
	Scale        int // of the ladder
	Stages       []Protection
	MSE          float64 // mean squared error, full scale 1
	SNR          float64 // dB
	MaxDeviation float64
	Frames       int    // of all channels together
	Payload      []byte // as it would be read
}

// Protection tells how well a stage is protected.
type Protection struct {
	Bytes int     // of the payload
	Rate  float64 // share of the recording that suffices: the rest may be lost if nothing else happens to it
}

// Hide writes cover to dst with the payload in it. nonce makes the recording's dither its own; only tests set it.
func Hide(ctx context.Context, dst io.Writer, cover audio.Rewriter, p *Plan, payload []byte, key keystream.Key, workers int, progress func(done, total int)) (*Report, error) {
	return hide(ctx, dst, cover, p, payload, key, newNonce(), workers, progress)
}

func hide(ctx context.Context, dst io.Writer, cover audio.Rewriter, p *Plan, payload []byte, master keystream.Key, n nonce, workers int, progress func(done, total int)) (*Report, error) {
	h := p.fit(len(payload))
	if h == nil {
		return nil, fmt.Errorf("%w: a payload of %d bytes, room for %d", ErrTooShort, len(payload), p.Room())
	}
	h.nonce = n
	key := n.key(master)
	stages := h.ladder()
	coded, err := encodePayload(ctx, stages, payload, key, max(1, workers))
	if err != nil {
		return nil, err
	}
	code, err := newHeaderCode()
	if err != nil {
		return nil, err
	}
	headerBits := code.encode(h.marshal(master))
	dealt := newSlots(key)
	words := newWords(master)
	tables := newTables(p.profile)
	shares := dealt.deal(stages)
	gathered := newGatherer(stages, dealt)

	v := p.survey
	grid := v.grid()
	// What rounding makes of noise is all that a receiver meets who gets the file as it is.
	noise := 0
	if grid.Step > 0 {
		noise = max(0, int(math.Round(4*math.Log2(8*grid.Step/unit/math.Sqrt(12)))))
	}
	s, err := newSource(cover)
	if err != nil {
		return nil, err
	}
	w, err := cover.Rewrite(dst)
	if err != nil {
		return nil, err
	}
	type lane struct {
		framer   *framer
		embedder *embedder
		reader   *reader
		bits     bits[byte]
		read     [blockFrames]bits[float32]
		quiet    []bool
		signal   float64
		error    float64
		most     float64
	}
	lanes := make([]lane, s.channels)
	for c := range lanes {
		lanes[c] = lane{
			framer:   &framer{words: words, key: key, profile: p.profile},
			embedder: &embedder{shape: &shapes[p.profile], grid: grid, shaper: newShaper(p.shaping)},
			reader:   newReader(p.profile, tables),
			quiet:    make([]bool, blockFrames*FrameLength),
		}
	}
	const block = blockFrames * FrameLength
	buf := audio.NewBlock(s.channels, block+2*margin)
	out := audio.NewBlock(s.channels, block)
	part := make([][]float64, s.channels)
	for from := int64(0); from < s.frames; from += block {
		if err := errors.Join(s.read(buf, from-margin), ctx.Err()); err != nil {
			return nil, err
		}
		size := int(min(block, s.frames-from))
		first := int(from / FrameLength)
		parallel.Each(workers, s.channels, func(_, c int) {
			l := &lanes[c]
			x := buf[c]
			copy(out[c], x[margin:])
			still(l.quiet, x, margin, margin+block)
			for i := range blockFrames {
				k := first + i
				at := i * FrameLength
				if k >= len(p.levels[c]) || p.levels[c][k] == silent {
					continue
				}
				level := int(p.levels[c][k])
				f := l.framer.at(n.start(), c, k)
				word := wordOf(n.start(), c, k)
				fill(&l.bits, shares, stages, coded, k*s.channels+c)
				l.embedder.place(f, level, &l.bits, func(i int) byte { return headerBits[code.position(word, i)] })
				for j := 0; j < FrameLength; j += shapeBlock {
					l.embedder.shaper.fit(x[margin+at+j+(shapeBlock-shapeReach)/2:])
					l.embedder.run(out[c][at:], x[margin+at:], l.quiet[at:], fineStep(level), j, j+shapeBlock)
				}
				copy(l.reader.quiet[:], l.quiet[at:])
				l.reader.read(&l.read[i], out[c][at:], f, level, noise)
			}
			for i, y := range out[c][:size] {
				t := x[margin+i]
				e := y - t
				if e-e != 0 { // not finite, and left as it is
					continue
				}
				l.signal += t * t
				l.error += e * e
				l.most = max(l.most, math.Abs(e))
			}
		})
		for c := range lanes {
			for i := range blockFrames {
				if k := first + i; k < len(p.levels[c]) && p.levels[c][k] != silent {
					gathered.add(&lanes[c].read[i], k*s.channels+c)
				}
			}
			part[c] = out[c][:size]
		}
		if err := w.Write(part); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(int(min(from+block, s.frames)>>10), int(s.frames>>10)+1)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	r := &Report{Profile: p.profile, Scale: h.scale, Frames: h.frames}
	var signal, total float64
	for c := range lanes {
		signal += lanes[c].signal
		total += lanes[c].error
		r.MaxDeviation = max(r.MaxDeviation, lanes[c].most)
	}
	r.MSE = total / float64(s.frames*int64(s.channels))
	r.SNR = min(200, 10*math.Log10(signal/total))
	for _, s := range stages {
		if s.size > 0 {
			r.Stages = append(r.Stages, Protection{Bytes: s.size, Rate: p.rate(h, &s)})
		}
	}
	if r.Payload, _, err = gathered.decode(ctx, key, max(1, workers), nil); err != nil {
		return nil, err
	}
	return r, nil
}

// rate returns the share of a recording that a stage needs.
func (p *Plan) rate(h *header, s *stage) float64 {
	room := strongCapacity*float64(s.strong) + mediumCapacity*float64(s.medium) + p.effective/maxFineBits*float64(s.fine)
	return min(1, float64(s.blocks*s.bits)/(p.efficiency(s.bits)*room*p.usable*float64(h.frames)))
}
