package covert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/fec/syndrome"
	"ditas/internal/keystream"
	"ditas/internal/parallel"
	"ditas/report"
)

// Embed writes the cover with a payload in it.
func (s *survey) Embed(
	ctx context.Context, dst io.Writer, _ carrier.Strength, payload []byte, key keystream.Key, random io.Reader, o carrier.Options,
) (*carrier.Report, error) {
	cover, ok := s.cover.(audio.Rewriter)
	if !ok {
		return nil, fmt.Errorf("covert: %w: a recording of this kind cannot be written", errors.ErrUnsupported)
	}
	if most := s.Room(carrier.Strength{}).Bytes; len(payload) > most || len(payload) == 0 {
		return nil, fmt.Errorf("covert: a payload of %d bytes, room for %d", len(payload), most)
	}
	host, err := carrier.NewHost(ctx, s.source)
	if err != nil {
		return nil, err
	}
	var e *embedding
	for range headerTries {
		if e, err = s.arrange(ctx, host, payload, key, random, o); !errors.Is(err, syndrome.ErrWet) {
			break
		}
	}
	if errors.Is(err, syndrome.ErrWet) {
		return nil, &carrier.LostError{Arrived: 0, Size: len(payload)}
	}
	if err != nil {
		return nil, err
	}
	w, err := cover.Rewrite(dst)
	if err != nil {
		return nil, err
	}
	r, err := e.write(ctx, w)
	if err != nil {
		return nil, err
	}
	r.Payload = payload
	r.Stages = []carrier.Protection{{Bytes: len(payload)}}
	return r, w.Close()
}

// headerTries is how many nonces are tried. Some headers cannot be told by the samples that may be changed, where these are few.
const headerTries = 8

// arrange finds what is flipped of all samples. The error wraps [syndrome.ErrWet] if that cannot be, under the nonce that was drawn.
func (s *survey) arrange(
	ctx context.Context, host *carrier.Host, payload []byte, key keystream.Key, random io.Reader, o carrier.Options,
) (*embedding, error) {
	shaped := s.key(key)
	n, err := newNonce(random, shaped, payload)
	if err != nil {
		return nil, err
	}
	e := &embedding{
		survey: s, workers: max(1, o.Workers), pieces: newPieces(host, s.shape), flipped: newFlips(s.samples()),
	}
	head := header{nonce: n, size: len(payload)}
	if bits := 8 * float64(len(payload)+tagSize); s.dithered {
		dry := float64(s.counts.dry()) / float64(s.samples())
		body, err := flippingFor(ctx, &s.roundings, bits/float64(s.samples()-int64(s.headerSamples())), dry)
		if err != nil {
			return nil, err
		}
		head, err := flippingFor(ctx, &s.roundings, headerBits/float64(s.headerSamples()), dry)
		if err != nil {
			return nil, err
		}
		e.dither, e.headDither = &ditherer{flips: body, scale: s.scale()}, &ditherer{flips: head, scale: s.scale()}
	} else {
		steps := s.counts.telling(bits + headerBits)
		e.prices = steps.prices()
		second, lowest := steps.entropy(&s.counts)
		head.second = int64(bits * second / (second + lowest))
	}
	e.body = newBody(s.shape, n.key(shaped), s.placesOfHeader(shaped), len(payload), head.second)
	e.sealed = seal(e.body.key, payload)
	e.prepare()
	progress, total := phase(o, report.Embedding), 2*len(e.body.order)
	done := 0
	e.progress = func() {
		done++
		progress(done, total)
	}
	for i := range e.body.ends {
		if err := e.segment(ctx, i); err != nil {
			return nil, err
		}
	}
	told := head.marshal(n.key(shaped))
	return e, e.hideHeader(ctx, shaped, told[:])
}

// embedding is a payload on its way into a recording.
type embedding struct {
	*survey
	body       *body
	sealed     []byte
	prices     prices    // of the samples of each class; where there is dither every sample has its own
	dither     *ditherer // of the payload's samples
	headDither *ditherer // of the header's
	workers    int
	pieces     *pieces
	progress   func() // a piece is done
	flipped    [layers]flips

	powers   []*power
	classes  [][]uint8
	encoders []*syndrome.Encoder // of each worker, nil until it has had a block

	at   []int64 // the samples of a segment in the order in which it is read
	all  samples // of a segment
	head samples // of the header
}

// flips tells of each sample whether a bit of it is flipped.
type flips []uint64

func newFlips(samples int64) (f [layers]flips) {
	for layer := range f {
		f[layer] = make(flips, (samples+63)/64)
	}
	return f
}

func (f flips) add(at int64)      { f[at>>6] |= 1 << (at & 63) }
func (f flips) has(at int64) bool { return f[at>>6]>>(at&63)&1 != 0 }

// samples are the lowest bits of samples, and what it costs to flip each of them.
type samples struct {
	low  []byte
	cost [][layers]float32
}

// prepare makes what is needed to read pieces.
func (e *embedding) prepare() {
	e.head = samples{make([]byte, len(e.body.header)), make([][layers]float32, len(e.body.header))}
	for range e.channels {
		e.powers = append(e.powers, newPower())
	}
	e.classes, e.encoders = make([][]uint8, e.channels), make([]*syndrome.Encoder, e.workers)
}

// choice is what a sample may become, in steps.
type choice struct {
	x     float64 // what it is
	point float64 // what it becomes where no bit is flipped
	other float64 // what it becomes where any is
	cost  [layers]float32
}

// piece reads a piece and calls do for each sample of it, in order.
func (e *embedding) piece(index uint32, do func(at int64, c choice)) error {
	from, frames := e.body.span(index)
	block, err := e.pieces.next(from)
	if err != nil {
		return err
	}
	parallel.Each(min(e.workers, e.channels), e.channels, func(_, c int) {
		if e.dithered {
			e.powers[c].still(frames, block[c], e.scale()-1)
			return
		}
		e.classes[c] = grown(e.classes[c], frames)
		e.powers[c].classify(e.classes[c], block[c], e.scale()-1)
	})
	if e.dithered {
		stream := keystream.New(e.body.key, fmt.Sprintf("covert piece %d", index))
		e.dither.stream, e.headDither.stream = stream, stream
	}
	first, last := e.body.headers(index)
	for i := range frames {
		for c, x := range block {
			at, v, dither := (from+int64(i))*int64(e.channels)+int64(c), x[margin+i], e.dither
			if first < last && e.body.header[first] == at {
				dither = e.headDither
				first++
			}
			switch {
			case !e.dithered:
				do(at, choice{v, v, v + step(v, e.flipped[0].has(at), e.flipped[1].has(at)), e.prices[e.classes[c][i]]})
			case e.powers[c].silent[i]:
				do(at, dither.plainly(v))
			default:
				do(at, dither.round(v))
			}
		}
	}
	return nil
}

// step returns what to add to a sample so that its lowest bit flips, its second lowest, or both. For the second lowest alone it takes two steps, towards 0.
func step(x float64, lowest, second bool) float64 {
	switch {
	case second && !lowest:
		return math.Copysign(2, -x)
	case lowestBits(x)&1 == 1 == second:
		return 1
	default:
		return -1
	}
}

// segment finds what is flipped in a segment, and notes the samples of the header that lie in its pieces.
func (e *embedding) segment(ctx context.Context, index int) error {
	blocks, err := e.body.blocks(index)
	if err != nil {
		return err
	}
	e.at, e.all.low, e.all.cost = e.at[:0], e.all.low[:0], e.all.cost[:0]
	for _, p := range e.body.pieces(index, len(e.body.ends)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		first, last := e.body.headers(p)
		err := e.piece(p, func(at int64, c choice) {
			low := lowestBits(c.point)
			if first < last && e.body.header[first] == at {
				e.head.low[first], e.head.cost[first] = low, c.cost
				first++
				return
			}
			e.at, e.all.low, e.all.cost = append(e.at, at), append(e.all.low, low), append(e.all.cost, c.cost)
		})
		if err != nil {
			return err
		}
		e.progress()
	}
	order := make([]uint32, len(e.at))
	e.body.shuffle(order, index)
	errs := make([]error, len(blocks))
	parallel.Each(e.workers, len(blocks), func(worker, i int) {
		errs[i] = e.block(ctx, &e.encoders[worker], &blocks[i], order[blocks[i].from:blocks[i].to],
			keystream.New(e.body.key, fmt.Sprintf("covert choices %d %d", index, i)))
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, at := range e.at {
		for layer := range e.flipped {
			if e.all.low[i]>>(toFlip+layer)&1 != 0 {
				e.flipped[layer].add(at)
			}
		}
	}
	return nil
}

// twoSteps is what it costs to move a sample by two steps, far more than moving others by one.
const twoSteps = 40

// toFlip is where in the lowest bits of a sample those begin that tell which are to be flipped.
const toFlip = 4

// block finds what is flipped in a block, whose samples of the segment are given.
//
// The second lowest bits come first. A step that flips one flips the lowest bit as well, so that this one has no choice any more; the other step flips the
// lowest bit alone. So every sample stays or moves by one step, but where no word is left for a message: then few move by two (Filler, Judas and
// Fridrich, "Minimizing additive distortion in steganography using syndrome-trellis codes", IEEE Trans. Information Forensics and Security 6, 2011,
// section VI, in the other order).
func (e *embedding) block(ctx context.Context, encoder **syndrome.Encoder, b *block, samples []uint32, random *keystream.Stream) error {
	word, cost := make([]byte, len(samples)), make([]float32, len(samples))
	for layer := layers - 1; layer >= 0; layer-- {
		c := b.layers[layer]
		if c.code == nil {
			continue
		}
		n := c.code.Bits()
		for k, at := range samples[:n] {
			word[k], cost[k] = e.all.low[at]>>layer&1, e.all.cost[at][layer]
			switch {
			case e.all.low[at]>>toFlip != 0:
				word[k], cost[k] = word[k]^1, twoSteps
			case cost[k] < syndrome.Wet:
				cost[k] *= jitter(random)
			}
		}
		if *encoder == nil {
			*encoder = syndrome.NewEncoder(c.code)
		} else {
			(*encoder).Reset(c.code)
		}
		if err := e.tell(ctx, *encoder, b, layer, word[:n], cost[:n]); err != nil {
			return err
		}
		for k, at := range samples[:n] {
			e.all.low[at] |= (e.all.low[at]>>layer&1 ^ word[k]) << (toFlip + layer)
		}
		if layer == 1 {
			// Beyond the lowest bits that tell something, nothing else flips these.
			for _, at := range samples[min(n, b.layers[0].bits()):] {
				e.all.low[at] |= e.all.low[at] >> (toFlip + 1) & 1 << toFlip
			}
		}
	}
	return nil
}

// tell changes the bits of a layer of a block to those that tell what is to lie there, by the first mask with which this is possible.
func (e *embedding) tell(ctx context.Context, encoder *syndrome.Encoder, b *block, layer int, word []byte, cost []float32) error {
	c := b.layers[layer]
	message, told := make([]byte, c.code.Message()), make([]byte, len(word))
	var err error
	for number := range 1 << maskBits {
		spread(message[:maskBits], []byte{byte(number)})
		for k := range message[maskBits:] {
			bit := c.bit + int64(k)
			message[maskBits+k] = e.sealed[bit>>3] >> (7 - bit&7) & 1
		}
		e.body.mask(message[maskBits:], b, layer, byte(number))
		if _, err = encoder.Embed(ctx, told, word, cost, message); !errors.Is(err, syndrome.ErrWet) {
			copy(word, told)
			break
		}
	}
	return err
}

// hideHeader finds what is flipped of the header's samples.
func (e *embedding) hideHeader(ctx context.Context, shaped keystream.Key, head []byte) error {
	code, err := syndrome.New(height, len(e.body.header), headerBits)
	if err != nil {
		return err
	}
	order := orderOfHeader(shaped, len(e.body.header))
	word, cost := make([]byte, len(order)), make([]float32, len(order))
	for k, i := range order {
		word[k], cost[k] = e.head.low[i]&1, e.head.cost[i][0]
	}
	message := make([]byte, headerBits)
	spread(message, head)
	if _, err := syndrome.NewEncoder(code).Embed(ctx, word, word, cost, message); err != nil {
		return err
	}
	random := keystream.New(e.body.key, "covert choices of the header")
	for k, i := range order {
		if at := e.body.header[i]; word[k] != e.head.low[i]&1 {
			e.flipped[0].add(at)
			if random.Below(2) == 1 {
				e.flipped[1].add(at)
			}
		}
	}
	return nil
}

// write writes the recording.
func (e *embedding) write(ctx context.Context, w audio.Writer) (*carrier.Report, error) {
	block := audio.NewBlock(e.channels, pieceFrames)
	part := make([][]float64, e.channels)
	var squares, signal, most float64
	for index := range uint32(len(e.body.order)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		from, frames := e.body.span(index)
		first := from * int64(e.channels)
		err := e.piece(index, func(at int64, c choice) {
			point := c.point
			if e.flipped[0].has(at) || e.flipped[1].has(at) {
				point = c.other
			}
			d := point - c.x
			squares, signal, most = squares+d*d, signal+c.x*c.x, max(most, math.Abs(d))
			block[(at-first)%int64(e.channels)][(at-first)/int64(e.channels)] = point / e.scale()
		})
		if err != nil {
			return nil, err
		}
		for c := range part {
			part[c] = block[c][:frames]
		}
		if err := w.Write(part); err != nil {
			return nil, err
		}
		e.progress()
	}
	r := &carrier.Report{
		MSE: squares / float64(e.samples()) / (e.scale() * e.scale()), MaxDeviation: most / e.scale(), SNR: math.Inf(1), Dithered: e.dithered,
	}
	if squares > 0 {
		r.SNR = 10 * math.Log10(signal/squares)
	}
	return r, nil
}
