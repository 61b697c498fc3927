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
	shaped := s.key(key)
	n, err := newNonce(random, shaped, payload)
	if err != nil {
		return nil, err
	}
	host, err := carrier.NewHost(ctx, s.source)
	if err != nil {
		return nil, err
	}
	e := &embedding{
		survey: s, body: newBody(s.shape, n.key(shaped), s.placesOfHeader(shaped), len(payload)),
		workers: max(1, o.Workers), pieces: newPieces(host, s.shape), flipped: make([]uint64, (s.samples()+63)/64),
	}
	e.sealed = seal(e.body.key, payload)
	e.prepare()
	if told := float64(e.body.bits + headerBits); s.dithered {
		e.dither = newDitherer(told/float64(s.counts.dry()), s.scale())
	} else {
		e.prices = s.counts.prices(told)
	}
	progress, total := phase(o, report.Embedding), 2*len(e.body.order)
	done := 0
	e.progress = func() {
		done++
		progress(done, total)
	}
	for i := range e.body.ends {
		if err := e.segment(ctx, i); err != nil {
			return nil, e.lost(err, len(payload))
		}
	}
	head := header{n, len(payload)}.marshal(n.key(shaped))
	if err := e.hideHeader(ctx, shaped, head[:]); err != nil {
		return nil, e.lost(err, len(payload))
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

// embedding is a payload on its way into a recording.
type embedding struct {
	*survey
	body     *body
	sealed   []byte
	prices   [classes]float32 // of the samples of each class; where there is dither every sample has its own
	dither   ditherer
	workers  int
	pieces   *pieces
	progress func() // a piece is done
	flipped  []uint64

	powers  []*power
	classes [][]uint8
	at      []int64 // the samples of a segment in the order in which it is read
	parity  []byte
	cost    []float32
	head    samples // those of the header
}

// samples are the parities of samples, and what it costs to flip them.
type samples struct {
	parity []byte
	cost   []float32
}

// prepare makes what is needed to read pieces.
func (e *embedding) prepare() {
	e.head = samples{make([]byte, len(e.body.header)), make([]float32, len(e.body.header))}
	for range e.channels {
		e.powers = append(e.powers, newPower())
	}
	e.classes = make([][]uint8, e.channels)
}

// lost returns the error of a recording that has no room for what it seemed to have room for.
func (e *embedding) lost(err error, size int) error {
	if errors.Is(err, syndrome.ErrWet) {
		return &carrier.LostError{Arrived: size / 2, Size: size}
	}
	return err
}

// piece reads a piece and calls do for each sample of it, in order, with what it would be if nothing were told, and what the next best is and costs.
func (e *embedding) piece(index uint32, do func(at int64, x, point, other float64, cost float32)) error {
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
	e.dither.stream = keystream.New(e.body.key, fmt.Sprintf("covert piece %d", index))
	for i := range frames {
		for c, x := range block {
			var (
				v            = x[margin+i]
				point, other float64
				cost         float32
			)
			switch {
			case !e.dithered:
				point, other = v, v+math.Copysign(1, e.dither.stream.Dither()-0.5)
				cost = e.prices[e.classes[c][i]]
			case e.powers[c].silent[i]:
				point, other, cost = e.dither.plainly(v)
			default:
				point, other, cost = e.dither.round(v)
			}
			do((from+int64(i))*int64(e.channels)+int64(c), v, point, other, cost)
		}
	}
	return nil
}

// segment finds what is flipped in a segment, and notes the samples of the header that lie in its pieces.
func (e *embedding) segment(ctx context.Context, index int) error {
	blocks, err := e.body.blocks(index)
	if err != nil {
		return err
	}
	e.at, e.parity, e.cost = e.at[:0], e.parity[:0], e.cost[:0]
	for _, p := range e.body.pieces(index, len(e.body.ends)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		first, last := e.body.headers(p)
		err := e.piece(p, func(at int64, _, point, _ float64, cost float32) {
			parity := byte(int64(point) & 1)
			if first < last && e.body.header[first] == at {
				e.head.parity[first], e.head.cost[first] = parity, cost
				first++
				return
			}
			e.at, e.parity, e.cost = append(e.at, at), append(e.parity, parity), append(e.cost, cost)
		})
		if err != nil {
			return err
		}
		e.progress()
	}
	order := make([]uint32, len(e.at))
	e.body.shuffle(order, index)
	errs := make([]error, len(blocks))
	parallel.Each(e.workers, len(blocks), func(_, i int) {
		b := &blocks[i]
		all := samples{make([]byte, b.to-b.from), make([]float32, b.to-b.from)}
		random := keystream.New(e.body.key, fmt.Sprintf("covert choices %d %d", index, i))
		for k, at := range order[b.from:b.to] {
			// Of samples that cost the same the code would prefer some, always in the same way.
			all.parity[k], all.cost[k] = e.parity[at], e.cost[at]
			if all.cost[k] < syndrome.Wet {
				all.cost[k] *= float32(0.9 + 0.2*random.Dither())
			}
		}
		message := make([]byte, b.code.Message())
		for k := range message {
			bit := b.bit + int64(k)
			message[k] = e.sealed[bit>>3] >> (7 - bit&7) & 1
		}
		_, errs[i] = syndrome.NewEncoder(b.code).Embed(ctx, all.parity, all.parity, all.cost, message)
		for k, at := range order[b.from:b.to] {
			e.parity[at] ^= (e.parity[at] ^ all.parity[k]) << 1 // the second bit tells that the first one is to be flipped
		}
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, at := range e.at {
		if e.parity[i]&2 != 0 {
			e.flip(at)
		}
	}
	return nil
}

// flip notes that a sample is flipped.
func (e *embedding) flip(at int64) { e.flipped[at>>6] |= 1 << (at & 63) }

// hideHeader finds what is flipped of the header's samples.
func (e *embedding) hideHeader(ctx context.Context, shaped keystream.Key, head []byte) error {
	code, err := syndrome.New(height, len(e.body.header), headerBits)
	if err != nil {
		return err
	}
	order := orderOfHeader(shaped, len(e.body.header))
	all := samples{make([]byte, len(order)), make([]float32, len(order))}
	for k, at := range order {
		all.parity[k], all.cost[k] = e.head.parity[at], e.head.cost[at]
	}
	message := make([]byte, headerBits)
	spread(message, head)
	if _, err := syndrome.NewEncoder(code).Embed(ctx, all.parity, all.parity, all.cost, message); err != nil {
		return err
	}
	for k, at := range order {
		if all.parity[k] != e.head.parity[at] {
			e.flip(e.body.header[at])
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
		err := e.piece(index, func(at int64, x, point, other float64, _ float32) {
			if e.flipped[at>>6]>>(at&63)&1 != 0 {
				point = other
			}
			d := point - x
			squares, signal, most = squares+d*d, signal+x*x, max(most, math.Abs(d))
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
