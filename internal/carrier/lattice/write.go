package lattice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
	"ditas/internal/parallel"
	"ditas/metric"
)

// Report tells what Hide did to a recording and what a receiver will read if nothing happens to it.
type Report struct {
	Profile      Profile
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
	Loss  float64 // share of the recording that may be lost in one piece, if nothing else happens to it
}

// Hide writes cover to dst with the payload in it. A few bytes of random make the recording's dither its own: no two recordings of a key
// may be given the same, so it is crypto/rand's Reader wherever something is kept secret.
func Hide(ctx context.Context, dst io.Writer, cover audio.Rewriter, p *Plan, payload []byte, key keystream.Key, random io.Reader, workers int, progress func(done, total int)) (*Report, error) {
	n, err := newNonce(random)
	if err != nil {
		return nil, err
	}
	return hide(ctx, dst, cover, p, payload, key, n, workers, progress)
}

func hide(ctx context.Context, dst io.Writer, cover audio.Rewriter, p *Plan, payload []byte, master keystream.Key, n nonce, workers int, progress func(done, total int)) (*Report, error) {
	h, err := newHider(ctx, cover, p, payload, master, n, workers)
	if err != nil {
		return nil, err
	}
	w, err := cover.Rewrite(dst)
	if err != nil {
		return nil, err
	}
	if err := h.run(ctx, w, progress); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return h.report(ctx)
}

// hider embeds a payload, block by block, and reads it again as a receiver would.
type hider struct {
	plan    *Plan
	header  *header
	key     keystream.Key // of this recording
	workers int
	source  *carrier.Host

	stages []stage
	coded  [][]byte
	shares []share
	code   headerCode
	bits   []byte // of the header
	noise  int    // index of the only noise that a receiver meets who gets the file as it is: rounding

	gatherer *gatherer
	lanes    []lane
}

// lane is what embedding in a channel takes, and what it has done.
type lane struct {
	framer              *framer
	ear                 *metric.Ear
	embedder            *embedder
	reader              *reader
	bits                bits[byte]
	quiet               []bool
	signal, error, most float64
}

// blockLength is the number of samples of a channel that are embedded at a time.
const blockLength = blockFrames * FrameLength

// embedded is a block of all channels that was embedded, and what a receiver reads from it.
type embedded struct {
	first int // frame
	size  int // samples of a channel
	out   [][]float64
	read  [][blockFrames]bits[float32]
}

func newHider(ctx context.Context, cover audio.File, p *Plan, payload []byte, master keystream.Key, n nonce, workers int) (*hider, error) {
	header := p.fit(len(payload))
	if header == nil {
		return nil, fmt.Errorf("%w: a payload of %d bytes, room for %d", ErrTooShort, len(payload), p.Room())
	}
	header.nonce = n
	h := &hider{plan: p, header: header, key: n.key(master), workers: max(1, workers), stages: header.ladder()}
	var err error
	if h.source, err = carrier.NewHost(ctx, cover); err != nil {
		return nil, err
	}
	if h.coded, err = encodePayload(ctx, h.stages, payload, h.key, h.workers); err != nil {
		return nil, err
	}
	if h.code, err = newHeaderCode(); err != nil {
		return nil, err
	}
	h.bits = h.code.encode(header.marshal(master))
	dealt := newSlots(h.key)
	h.shares, h.gatherer = dealt.deal(h.stages), newGatherer(h.stages, dealt)

	grid := carrier.GridOf(p.survey.format)
	h.noise = roundingIndex(grid)
	marker, tables := newMarker(master), newTables(p.profile)
	for range h.source.Channels() {
		h.lanes = append(h.lanes, lane{
			framer:   &framer{marker: marker, set: n.set(), key: h.key, profile: p.profile},
			ear:      p.survey.masking.NewEar(),
			embedder: &embedder{shape: &shapes[p.profile], grid: grid, shaper: newShaper(p.shaping)},
			reader:   newReader(p.profile, tables),
			quiet:    make([]bool, blockLength),
		})
	}
	return h, nil
}

// run embeds the whole recording. While one block is embedded, the one before is written and read again.
func (h *hider) run(ctx context.Context, w audio.Writer, progress func(done, total int)) error {
	s, margin := h.source, h.plan.survey.margin()
	buf := audio.NewBlock(s.Channels(), blockLength+2*margin)
	var blocks [2]embedded
	for i := range blocks {
		blocks[i] = embedded{out: audio.NewBlock(s.Channels(), blockLength), read: make([][blockFrames]bits[float32], s.Channels())}
	}
	delivered := make(chan error, 1)
	delivered <- nil
	for i, from := 0, int64(0); from < s.Frames(); i, from = i+1, from+blockLength {
		b := &blocks[i%2]
		err := errors.Join(s.Read(buf, from-int64(margin)), ctx.Err())
		if err == nil {
			b.first, b.size = int(from/FrameLength), int(min(blockLength, s.Frames()-from))
			parallel.Each(h.workers, s.Channels(), func(_, c int) { h.embed(b, c, buf[c]) })
		}
		if err := errors.Join(err, <-delivered); err != nil {
			return err
		}
		go func() { delivered <- h.deliver(b, w) }()
		if progress != nil {
			progress(int(min(from+blockLength, s.Frames())>>10), int(s.Frames()>>10)+1)
		}
	}
	return <-delivered
}

// frames calls do for those frames of a block that are in use.
func (h *hider) frames(b *embedded, c int, do func(i, k int)) {
	levels := h.plan.levels[c]
	for i := range blockFrames {
		if k := b.first + i; k < len(levels) && levels[k] != silent {
			do(i, k)
		}
	}
}

// embed embeds one channel of a block, x being its samples with margins on both sides.
func (h *hider) embed(b *embedded, c int, x []float64) {
	l, out, margin, window := &h.lanes[c], b.out[c], h.plan.survey.margin(), h.plan.survey.masking.Window()
	// One filter holds for less than a window.
	length := FrameLength
	for length > window {
		length /= 2
	}
	copy(out, x[margin:])
	carrier.MarkSilence(l.quiet, x, margin, margin+blockLength)
	h.frames(b, c, func(i, k int) {
		at, level := i*FrameLength, int(h.plan.levels[c][k])
		f := l.framer.at(c, k)
		fill(&l.bits, h.shares, h.stages, h.coded, h.number(c, k))
		l.embedder.place(f, level, &l.bits, func(i int) byte { return h.bits[h.code.position(c, k, i)] })
		for j := 0; j < FrameLength; j += length {
			l.ear.Reset()
			l.embedder.shaper.fit(l.ear.Listen(x[margin+at+j+(length-window)/2:][:window]))
			l.embedder.run(out[at:], x[margin+at:], l.quiet[at:], fineStep(level), j, j+length)
		}
		copy(l.reader.quiet[:], l.quiet[at:])
		l.reader.read(&b.read[c][i], out[at:], f, level, h.noise)
	})
	for i, y := range out[:b.size] {
		t := x[margin+i]
		e := y - t
		if e-e != 0 { // not finite, and left as it is
			continue
		}
		l.signal += t * t
		l.error += e * e
		l.most = max(l.most, math.Abs(e))
	}
}

// number returns the number of frame k of a channel.
func (h *hider) number(c, k int) int { return k*len(h.lanes) + c }

// deliver writes a block and notes what is read from it.
func (h *hider) deliver(b *embedded, w audio.Writer) error {
	part := make([][]float64, len(h.lanes))
	for c := range h.lanes {
		h.frames(b, c, func(i, k int) { h.gatherer.add(&b.read[c][i], h.number(c, k)) })
		part[c] = b.out[c][:b.size]
	}
	return w.Write(part)
}

// report tells what was done, and reads the payload.
func (h *hider) report(ctx context.Context) (*Report, error) {
	r := &Report{Profile: h.plan.profile, Frames: h.header.frames}
	var signal, total float64
	for c := range h.lanes {
		signal += h.lanes[c].signal
		total += h.lanes[c].error
		r.MaxDeviation = max(r.MaxDeviation, h.lanes[c].most)
	}
	r.MSE = total / float64(h.source.Frames()*int64(len(h.lanes)))
	r.SNR = min(200, 10*math.Log10(signal/total))
	for _, s := range h.stages {
		if s.size > 0 {
			r.Stages = append(r.Stages, Protection{Bytes: s.size, Loss: h.plan.bears(h.header, &s)})
		}
	}
	var err error
	r.Payload, _, err = h.gatherer.decode(ctx, h.key, h.workers, nil)
	return r, err
}

// bears returns the share of a recording that may be lost at once, wherever it is, before a stage is.
func (p *Plan) bears(h *header, s *stage) float64 {
	spare := p.room.clean.of(&s.rung) - float64(s.blocks*s.bits)/(p.room.efficiency(&s.rung, s.bits, false, false)*float64(h.frames))
	all := len(p.levels[0])
	// A loss that does not begin where a frame does spoils one more.
	n := sort.Search(all, func(n int) bool { return p.worst(&s.rung, n+1) > spare }) - 1
	return float64(max(0, n)) / float64(all)
}
