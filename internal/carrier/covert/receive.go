package covert

import (
	"context"
	"fmt"
	"math"

	"ditas/internal/carrier"
	"ditas/internal/fec/syndrome"
	"ditas/internal/keystream"
	"ditas/internal/parallel"
	"ditas/report"
)

// lowestBits returns the two lowest bits of a sample in steps.
func lowestBits(x float64) byte {
	if !(math.Abs(x) < 1<<52) {
		return 0
	}
	return byte(int64(math.RoundToEven(x)) & 3)
}

// find looks for a header.
func find(ctx context.Context, host *carrier.Host, key keystream.Key, progress func(done, total int)) (*found, error) {
	s := shapeOf(host.Format(), host.Frames())
	if s.samples() < leastSamples {
		return nil, carrier.ErrNotFound
	}
	shaped := s.key(key)
	places := s.placesOfHeader(shaped)
	p, low := newPieces(host, s), make([]byte, len(places))
	next := 0
	for from := int64(0); from < s.frames; from += pieceFrames {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		block, err := p.next(from)
		if err != nil {
			return nil, err
		}
		for end := min(s.frames, from+pieceFrames) * int64(s.channels); next < len(places) && places[next] < end; next++ {
			at := places[next] - from*int64(s.channels)
			low[next] = lowestBits(block[at%int64(s.channels)][margin+at/int64(s.channels)])
		}
		progress(int(from/pieceFrames)+1, int((s.frames+pieceFrames-1)/pieceFrames))
	}
	code, err := syndrome.New(height, len(places), headerBits)
	if err != nil {
		return nil, err
	}
	word, message := make([]byte, len(places)), make([]byte, headerBits)
	for k, at := range orderOfHeader(shaped, len(places)) {
		word[k] = low[at]
	}
	code.Extract(message, word)
	var b [headerSize]byte
	gather(b[:], 0, message)
	h, ok := parseHeader(b, shaped)
	if !ok || h.size < 1 {
		return nil, carrier.ErrNotFound
	}
	if h.second > 8*int64(h.size+tagSize) {
		return nil, carrier.ErrNotFound
	}
	f := &found{host: host, shape: s, body: newBody(s, h.nonce.key(shaped), places, h.size, h.second), size: h.size}
	for _, layer := range f.body.layers {
		if layer.count > f.body.total() {
			return nil, carrier.ErrNotFound // nobody can have hidden that much here
		}
	}
	return f, nil
}

// found is where a payload was found.
type found struct {
	host  *carrier.Host
	shape shape
	body  *body
	size  int
}

// Read reads it.
func (f *found) Read(ctx context.Context, o carrier.Options) (*carrier.Message, error) {
	sealed := make([]byte, f.size+tagSize)
	p, progress := newPieces(f.host, f.shape), phase(o, report.Reading)
	var low []byte // the lowest bits of each sample
	done, blocksRead := 0, 0
	for index := range f.body.ends {
		low = low[:0]
		for _, piece := range f.body.pieces(index, len(f.body.ends)) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			from, frames := f.body.span(piece)
			block, err := p.next(from)
			if err != nil {
				return nil, err
			}
			first, last := f.body.headers(piece)
			for i := range frames {
				for c, x := range block {
					at := (from+int64(i))*int64(f.shape.channels) + int64(c)
					if first < last && f.body.header[first] == at {
						first++
						continue
					}
					low = append(low, lowestBits(x[margin+i]))
				}
			}
			done++
			progress(done, len(f.body.order)+1)
		}
		blocks, err := f.body.blocks(index)
		if err != nil {
			return nil, err
		}
		order, messages := make([]uint32, len(low)), make([][layers][]byte, len(blocks))
		f.body.shuffle(order, index)
		parallel.Each(max(1, o.Workers), len(blocks), func(_, i int) {
			b := &blocks[i]
			word := make([]byte, b.to-b.from)
			for layer, c := range b.layers {
				if c.code == nil {
					continue
				}
				for k, at := range order[b.from:][:c.code.Bits()] {
					word[k] = low[at] >> layer
				}
				messages[i][layer] = make([]byte, c.code.Message())
				c.code.Extract(messages[i][layer], word[:c.code.Bits()])
				var number [1]byte
				gather(number[:], 0, messages[i][layer][:maskBits])
				messages[i][layer] = messages[i][layer][maskBits:]
				f.body.mask(messages[i][layer], b, layer, number[0])
			}
		})
		for i := range blocks {
			for layer, c := range blocks[i].layers {
				gather(sealed, c.bit, messages[i][layer])
			}
		}
		blocksRead += len(blocks)
	}
	payload, ok := open(f.body.key, sealed)
	if !ok {
		return nil, fmt.Errorf("%w: something was hidden in it by %s", carrier.ErrNotFound, "the method covert, which nothing survives")
	}
	progress(len(f.body.order)+1, len(f.body.order)+1)
	return &carrier.Message{
		Payload: payload, Size: f.size, Stages: []carrier.Arrival{{Bytes: f.size, Blocks: blocksRead, Arrived: blocksRead}},
		Frames: blocksRead, Arrived: blocksRead, Gain: 1, Cut: f.host.Cut(),
	}, nil
}
