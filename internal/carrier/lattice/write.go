package lattice

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
	"ditas/internal/parallel"
)

// spooled returns how many frames a recording of a format has at most that is written only when it has turned out to give everything back: 16 MiB of
// samples. In longer ones chance evens out, and what they hold is known from the survey; only with 8 bits, where steps are hardly coarser than
// rounding, it takes eight times as long.
func spooled(f audio.Format) int {
	const frames = 2048
	if f.Encoding == audio.Int8 {
		return 8 * frames
	}
	return frames
}

// attempts is how often a short recording is tried, with another nonce each time.
const attempts = 5

// HideOptions say under which key to hide.
type HideOptions struct {
	Key keystream.Key
	// Nonce gives the random bytes that make the recording's dither its own. They are mixed with cover, plan and payload, so that bytes which
	// come again lead to the same dither only where all else is the same too.
	Nonce    io.Reader
	Workers  int
	Progress func(done, total int) // may be nil; starts again with every try
}

// Hide writes cover to dst with the payload in it, and reads the payload again as a receiver would. The error is [ErrTooShort] if there is
// no room for the payload, a *[carrier.LostError] if it could not be read again, and a *[report.TooQuietError] if the plan misses its strength.
func Hide(ctx context.Context, dst io.Writer, cover audio.Rewriter, p *Plan, payload []byte, o HideOptions) (*carrier.Report, error) {
	t := task{
		plan: p, payload: payload, key: o.Key, workers: o.Workers, progress: always(o.Progress),
	}
	t.nonce = func() (nonce, error) { return t.newNonce(o.Nonce) }
	return t.hide(ctx, dst, cover)
}

// task is a payload to be hidden.
type task struct {
	plan     *Plan
	payload  []byte
	key      keystream.Key
	nonce    func() (nonce, error) // the next one
	tries    uint64                // nonces so far
	workers  int
	progress func(done, total int)
}

// newNonce draws the next nonce. Whatever it is made of besides the random bytes makes up for a source of these that repeats itself, as
// RFC 8452 does: what is not the same in all of that has another nonce, but for chance.
func (t *task) newNonce(random io.Reader) (n nonce, err error) {
	var front [24]byte
	if _, err := io.ReadFull(random, front[:16]); err != nil {
		return n, fmt.Errorf("random numbers for the recording: %w", err)
	}
	binary.BigEndian.PutUint64(front[16:], t.tries)
	t.tries++
	plan := t.plan.digest()
	mac := t.key.MAC("nonce", front[:], plan[:], t.payload)
	copy(n[:], mac[:])
	return n, nil
}

// hide hides, in a short recording until it gives everything back.
func (t *task) hide(ctx context.Context, dst io.Writer, cover audio.Rewriter) (*carrier.Report, error) {
	if err := t.plan.Check(); err != nil {
		return nil, err
	}
	if t.plan.survey.Frames() > spooled(t.plan.survey.format) {
		w, err := cover.Rewrite(dst)
		if err != nil {
			return nil, err
		}
		r, err := t.try(ctx, w, cover)
		var lost *carrier.LostError
		if errors.As(err, &lost) {
			lost.Written = true
		}
		if err != nil {
			return nil, err
		}
		return r, w.Close()
	}
	var last error
	whole := t.progress
	for range attempts {
		var s carrier.Spool
		t.progress = portion(whole, 0, 0.5)
		r, err := t.try(ctx, &s, cover)
		if err == nil {
			err = t.prove(ctx, s.File(t.plan.survey.format), whole)
		}
		if err == nil {
			whole(thousandths, thousandths)
			w, err := cover.Rewrite(dst)
			if err != nil {
				return nil, err
			}
			return r, s.CopyTo(w)
		}
		if last = err; !errors.Is(err, carrier.ErrUnfound) && !errors.As(err, new(*carrier.LostError)) {
			break
		}
	}
	return nil, last
}

// prove reads a recording as a receiver does, who is told nothing. What try read, it read knowing where the frames are and how strong each is,
// which a receiver does not always recognise where steps are as coarse as rounding, or most samples are silent.
func (t *task) prove(ctx context.Context, stego audio.File, progress func(done, total int)) error {
	lost := &carrier.LostError{Size: len(t.payload)}
	source, err := carrier.NewHost(ctx, stego)
	if err != nil {
		return err
	}
	l, err := newListener(source, t.key, t.workers)
	if err != nil {
		return err
	}
	l.progress = portion(progress, 0.5, 1)
	h, k, err := l.search(ctx)
	var m *carrier.Message
	if err == nil {
		m, err = l.read(ctx, h, k)
	}
	switch {
	case errors.Is(err, carrier.ErrNotFound):
		return carrier.ErrUnfound
	case err != nil:
		return err
	case len(m.Payload) < len(t.payload):
		lost.Arrived = len(m.Payload)
		return lost
	}
	return nil
}

// thousandths is the total of progress in portions.
const thousandths = 1000

// portion returns the progress of a part of the work, that from one share of it to another.
func portion(progress func(done, total int), from, to float64) func(done, total int) {
	return func(done, total int) {
		progress(int(thousandths*(from+(to-from)*float64(done)/float64(max(1, total)))), thousandths)
	}
}

// always returns progress that may be called whether or not anybody asks for it.
func always(progress func(done, total int)) func(done, total int) {
	if progress == nil {
		return func(int, int) {}
	}
	return progress
}

// try embeds the payload once, under the next nonce.
func (t *task) try(ctx context.Context, w audio.Writer, cover audio.File) (*carrier.Report, error) {
	n, err := t.nonce()
	if err != nil {
		return nil, err
	}
	h, err := newHider(ctx, cover, t, n)
	if err != nil {
		return nil, err
	}
	if err := h.run(ctx, w, t.progress); err != nil {
		return nil, err
	}
	r, err := h.report(ctx, t.progress)
	if err != nil {
		return nil, err
	}
	if len(r.Payload) < len(t.payload) {
		return nil, &carrier.LostError{Arrived: len(r.Payload), Size: len(t.payload)}
	}
	return r, nil
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
	hearing             *hearing  // of a recording whose survey kept no filters
	follows             bool      // the error follows the recording's spectrum
	contours            []contour // those from window first on
	first               int64
	window              int64 // whose filter is set
	embedder            *embedder
	reader              *reader
	bits                bits[byte]
	quiet               []bool // of a block, with a sample on either side
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

func newHider(ctx context.Context, cover audio.File, t *task, n nonce) (*hider, error) {
	p := t.plan
	header := p.fit(len(t.payload))
	if header == nil {
		return nil, fmt.Errorf("%w: a payload of %d bytes, room for %d", ErrTooShort, len(t.payload), p.Room())
	}
	header.nonce = n
	h := &hider{plan: p, header: header, key: header.key(t.key), workers: max(1, t.workers), stages: header.ladder()}
	var err error
	if h.source, err = carrier.NewHost(ctx, cover); err != nil {
		return nil, err
	}
	if h.coded, err = encodePayload(ctx, h.stages, seal(h.key, t.payload), h.key, h.workers); err != nil {
		return nil, err
	}
	if h.code, err = newHeaderCode(); err != nil {
		return nil, err
	}
	h.bits = h.code.encode(header.marshal(t.key))
	dealt := newSlots(h.key)
	h.shares, h.gatherer = dealt.deal(h.stages), newGatherer(h.stages, dealt, math.MaxInt)

	grid := carrier.GridOf(p.survey.format)
	h.noise = roundingIndex(grid)
	marker, tables := newMarker(t.key), newTables(p.profile)
	for c := range h.source.Channels() {
		h.lanes = append(h.lanes, lane{
			framer:   &framer{marker: marker, set: n.set(), key: h.key, profile: p.profile},
			window:   -1,
			embedder: &embedder{shape: &shapes[p.profile], grid: grid, shaper: newShaper(p.shaping, roundingOf(p.survey.format))},
			reader:   newReader(p.profile, tables),
			quiet:    make([]bool, blockLength+2),
		})
		l := &h.lanes[c]
		spare(&l.bits)
		switch {
		case p.shaping == 0:
		case p.survey.contours != nil && p.follows:
			l.contours = p.survey.followers[c]
		case p.survey.contours != nil:
			l.contours = p.survey.contours[c]
		default:
			hearing := p.survey.newHearing()
			l.hearing, l.follows = &hearing, p.follows
		}
	}
	return h, nil
}

// run embeds the whole recording. While one block is embedded, the one before is written and read again.
func (h *hider) run(ctx context.Context, w audio.Writer, progress func(done, total int)) error {
	s, v := h.source, h.plan.survey
	buf := audio.NewBlock(s.Channels(), v.before()+blockLength+v.after())
	var blocks [2]embedded
	for i := range blocks {
		blocks[i] = embedded{out: audio.NewBlock(s.Channels(), blockLength), read: make([][blockFrames]bits[float32], s.Channels())}
	}
	delivered := make(chan error, 1)
	delivered <- nil
	for i, from := 0, int64(0); from < s.Frames(); i, from = i+1, from+blockLength {
		b := &blocks[i%2]
		err := errors.Join(s.Read(buf, from-int64(v.before())), ctx.Err())
		if err == nil {
			b.first, b.size = int(from/FrameLength), int(min(blockLength, s.Frames()-from))
			parallel.Each(h.workers, s.Channels(), func(_, c int) { h.embed(ctx, b, c, buf[c]) })
		}
		if err := errors.Join(err, <-delivered); err != nil {
			return err
		}
		go func() { delivered <- h.deliver(b, w) }()
		progress(int(min(from+blockLength, s.Frames())/FrameLength), h.steps())
	}
	return <-delivered
}

// steps is how many steps of progress hiding takes: one for a frame of all channels, and one for as many blocks of the code as are read
// again in the same time.
func (h *hider) steps() int { return int(h.source.Frames()/FrameLength) + h.blocks()/blocksAStep + 1 }

const blocksAStep = 8

// blocks returns the number of the payload's blocks.
func (h *hider) blocks() (n int) {
	for i := range h.stages {
		n += h.stages[i].blocks
	}
	return n
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

// embed embeds one channel of a block, x being its samples with what the survey asks for on both sides.
func (h *hider) embed(ctx context.Context, b *embedded, c int, x []float64) {
	l, out, before := &h.lanes[c], b.out[c], h.plan.survey.before()
	copy(out, x[before:])
	carrier.MarkSilence(l.quiet, x, before-1, before+blockLength+1)
	l.listen(ctx, h.plan.survey, x, int64(b.first)*FrameLength)
	h.frames(b, c, func(i, k int) {
		if ctx.Err() != nil {
			return
		}
		at, level := i*FrameLength, int(h.plan.levels[c][k])
		f := l.framer.at(c, k)
		fill(&l.bits, h.shares, h.stages, h.coded, h.number(c, k))
		l.embedder.place(f, level, &l.bits, func(i int) byte { return h.bits[h.code.position(c, k, i)] })
		for j := 0; j < FrameLength; {
			end := l.filter(h.plan.survey, int64(k)*FrameLength+int64(j)) - int64(k)*FrameLength
			to := int(min(FrameLength, end))
			l.embedder.run(out[at:], x[before+at:], l.quiet[at+1:], fineStep(level), j, to)
			j = to
		}
		l.embedder.detach(out[at:], x[before+at-1:], l.quiet[at:], fineStep(level))
		copy(l.reader.quiet[:], l.quiet[at+1:])
		l.reader.read(&b.read[c][i], out[at:], f, level, h.noise)
	})
	signal, change, most := l.signal, l.error, l.most
	for i, y := range out[:b.size] {
		t := x[before+i]
		e := y - t
		if e-e != 0 { // not finite, and left as it is
			continue
		}
		signal += float64(t * t)
		change += float64(e * e)
		most = max(most, math.Abs(e))
	}
	l.signal, l.error, l.most = signal, change, most
}

// listen hears the windows whose filters a block needs, from one that begins at sample from, unless they were kept. It keeps the last one
// of the block before.
func (l *lane) listen(ctx context.Context, v *Survey, x []float64, from int64) {
	if l.hearing == nil {
		return
	}
	if n := len(l.contours); n > 0 {
		l.first += int64(n) - 1
		l.contours = append(l.contours[:0], l.contours[n-1])
	}
	hop, window := int64(v.masking.Hop()), v.masking.Window()
	last, _ := v.segment(min(from+blockLength, v.samples) - 1)
	for l.hearing.next <= last && ctx.Err() == nil {
		l.hearing.hear(x[int64(v.before())+l.hearing.next*hop-from:][:window])
		filter := l.hearing.shaper
		if l.follows {
			filter = l.hearing.follower
		}
		l.contours = append(l.contours, filter.contour)
	}
}

// filter sets the filter for a sample, and returns up to which sample it holds.
func (l *lane) filter(v *Survey, at int64) (end int64) {
	window, end := v.segment(at)
	if window != l.window && window-l.first < int64(len(l.contours)) {
		l.embedder.shaper.set(l.contours[window-l.first])
		l.window = window
	}
	return end
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
func (h *hider) report(ctx context.Context, progress func(done, total int)) (*carrier.Report, error) {
	r := &carrier.Report{Robust: h.plan.profile == Robust, Heard: h.plan.audible()}
	var signal, total float64
	for c := range h.lanes {
		signal += h.lanes[c].signal
		total += h.lanes[c].error
		r.MaxDeviation = max(r.MaxDeviation, h.lanes[c].most)
	}
	r.MSE = total / float64(h.source.Frames()*int64(len(h.lanes)))
	r.SNR = min(200, 10*math.Log10(signal/total))
	for i, s := range h.stages {
		if s.size > 0 {
			r.Stages = append(r.Stages, carrier.Protection{Bytes: h.header.payloadOf(&s), Loss: h.plan.bears(h.header, i, &s)})
		}
	}
	frames := int(h.source.Frames() / FrameLength)
	sealed, _, err := h.gatherer.decode(ctx, h.key, h.workers, func(done, _ int) { progress(frames+done/blocksAStep, h.steps()) })
	if err != nil {
		return nil, err
	}
	if r.Payload, err = unseal(h.key, sealed, h.header.sealed); err != nil {
		return nil, err
	}
	progress(h.steps(), h.steps())
	return r, nil
}

// bears returns the share of a recording that may be lost at once, wherever it is, before a stage is.
func (p *Plan) bears(h *header, i int, s *stage) float64 {
	spare := p.room.clean.of(&s.rung) - float64(s.blocks*s.bits)/(p.room.efficiency(&s.rung, i, s.bits, false, false)*float64(h.frames))
	all := len(p.levels[0])
	// A loss that does not begin where a frame does spoils one more.
	n := sort.Search(all, func(n int) bool { return p.worst(&s.rung, n+1) > spare }) - 1
	return float64(max(0, n)) / float64(all)
}

// withstands returns the share of the recording that may be lost at once, wherever it is, before any of a payload is.
func (p *Plan) withstands(payload int) float64 {
	h := p.fit(payload)
	if h == nil {
		return 0
	}
	least := 1.
	for i, s := range h.ladder() {
		if s.size > 0 {
			least = min(least, p.bears(h, i, &s))
		}
	}
	return least
}
