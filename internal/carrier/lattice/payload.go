package lattice

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"ditas/internal/carrier"
	"ditas/internal/fec/turbo"
	"ditas/internal/keystream"
	"ditas/internal/parallel"
)

// slots says which stage each of a frame's bits belongs to. Medium symbols, and for each place in a fine symbol its bits, are dealt
// out in a random order that is the same in every frame of a recording, so that each stage has its share of all samples.
type slots struct {
	medium []uint32
	fine   [maxFineBits][]uint32
}

func newSlots(key keystream.Key) *slots {
	s := &slots{medium: make([]uint32, mediumSlots)}
	keystream.New(key, "medium slots").Permute(s.medium)
	stream := keystream.New(key, "fine slots")
	for b := range s.fine {
		s.fine[b] = make([]uint32, fineSamples)
		stream.Permute(s.fine[b])
		for i, j := range s.fine[b] {
			s.fine[b][i] = maxFineBits*j + uint32(b)
		}
	}
	return s
}

// bits are the payload's bits in one frame: a bit in each byte for the embedder, a log-likelihood for the receiver.
type bits[T any] struct {
	strong [maxData]T
	medium [mediumSlots]T
	fine   [fineSlots]T
}

// spare sets those bits of fine symbols that stages may leave unused, the last two, so that a symbol stands far from those with other
// first bits: with the last one set, the one before decides which of the first two is farther.
func spare(b *bits[byte]) {
	for i := range fineSamples {
		b.fine[maxFineBits*i+maxFineBits-2] = byte(i & 1)
		b.fine[maxFineBits*i+maxFineBits-1] = 1
	}
}

// share is the part of a frame's bits that belongs to one stage, in the order of its coded bits: the strong ones from first on,
// and those of the medium and the fine ones with the given numbers.
type share struct {
	first, strong int
	medium, fine  []uint32
}

// deal returns the shares of all stages.
func (s *slots) deal(stages []stage) []share {
	shares := make([]share, len(stages))
	first, medium, fine := 0, s.medium, s.fine
	for i := range stages {
		r := &stages[i].rung
		shares[i] = share{first: first, strong: r.strong, medium: medium[:r.medium]}
		first, medium = first+r.strong, medium[r.medium:]
		for b, n := range r.fine {
			shares[i].fine = append(shares[i].fine, fine[b][:n]...)
			fine[b] = fine[b][n:]
		}
	}
	return shares
}

// check returns what follows the payload of a block: the front of a message authentication code.
func check(key keystream.Key, stage, block int, part []byte) [checkSize]byte {
	var where [8]byte
	binary.BigEndian.PutUint32(where[:], uint32(stage))
	binary.BigEndian.PutUint32(where[4:], uint32(block))
	mac := key.MAC("check", where[:], part)
	return [checkSize]byte(mac[:checkSize])
}

// payloadTag is the number of bytes of the tag behind a payload.
const payloadTag = 16

// seal returns a payload with its tag behind it, which only somebody with the recording's key can make.
func seal(key keystream.Key, payload []byte) []byte {
	tag := key.MAC("payload tag", payload)
	return append(payload[:len(payload):len(payload)], tag[:payloadTag]...)
}

// unseal returns as much of the payload as there is in the beginning of a sealed one of so many bytes: all of it only if the tag is there as
// well. The error wraps [carrier.ErrNotFound] if that is another one: then nothing can be trusted, whatever the checks of the blocks say.
func unseal(key keystream.Key, sealed []byte, size int) ([]byte, error) {
	n := size - payloadTag
	if len(sealed) < size {
		return sealed[:max(0, min(len(sealed), n-1))], nil
	}
	tag := key.MAC("payload tag", sealed[:n])
	if subtle.ConstantTimeCompare(tag[:payloadTag], sealed[n:]) == 0 {
		return nil, fmt.Errorf("%w: what is in it was put together from something else", carrier.ErrNotFound)
	}
	return sealed[:n], nil
}

// order returns where the coded bits of each block of a stage lie among those of the block. It is random, so that what is lost together
// is spread over the code, which has regularities of its own.
func order(key keystream.Key, stage, length int) []uint32 {
	o := make([]uint32, length)
	keystream.New(key, fmt.Sprintf("order of stage %d", stage)).Permute(o)
	return o
}

// encodePayload returns the coded bits of each stage of a sealed payload, one in each byte.
func encodePayload(ctx context.Context, stages []stage, sealed []byte, key keystream.Key, workers int) ([][]byte, error) {
	coded := make([][]byte, len(stages))
	for i := range stages {
		s := &stages[i]
		if s.size == 0 {
			continue
		}
		code, err := turbo.New(s.bits)
		if err != nil {
			return nil, err
		}
		coded[i] = make([]byte, s.positions())
		order := order(key, i, s.length)
		mothers := make([][]byte, workers)
		parallel.Each(workers, s.blocks, func(w, b int) {
			if ctx.Err() != nil {
				return
			}
			if mothers[w] == nil {
				mothers[w] = make([]byte, code.Len())
			}
			from, to := s.span(b)
			part := make([]byte, s.block, s.block+checkSize)
			copy(part, sealed[from:to])
			c := check(key, i, b, part)
			code.Encode(mothers[w], turbo.Unpack(append(part, c[:]...), s.bits))
			for p, bit := range mothers[w][:s.length] {
				coded[i][int(order[p])*s.blocks+b] = bit
			}
		})
	}
	return coded, ctx.Err()
}

// ring is a place among the coded bits of a stage, which follow each other in a circle.
type ring[T any] struct {
	all []T
	at  int
}

// next returns the next values, at most n of them: as many as there are before the circle closes.
func (r *ring[T]) next(n int) []T {
	part := r.all[r.at:min(r.at+n, len(r.all))]
	if r.at += len(part); r.at == len(r.all) {
		r.at = 0
	}
	return part
}

// fill sets the bits of frame number f.
func fill(b *bits[byte], shares []share, stages []stage, coded [][]byte, f int) {
	for i := range stages {
		if stages[i].size == 0 {
			continue
		}
		h, c := &shares[i], ring[byte]{coded[i], stages[i].begin(f)}
		for to := b.strong[h.first:][:h.strong]; len(to) > 0; {
			to = to[copy(to, c.next(len(to))):]
		}
		for where := h.medium; len(where) > 0; {
			part := c.next(len(where))
			for j, bit := range part {
				b.medium[where[j]] = bit
			}
			where = where[len(part):]
		}
		for where := h.fine; len(where) > 0; {
			part := c.next(len(where))
			for j, bit := range part {
				b.fine[where[j]] = bit
			}
			where = where[len(part):]
		}
	}
}

// gatherer adds up what frames say about the coded bits.
type gatherer struct {
	stages []stage
	shares []share
	sums   [][]int16 // log-likelihoods in sixteenths, saturating
}

const likelihoodScale = 16

// newGatherer returns the gatherer of a payload of which so many frames are there at most. It takes no memory for stages of which these are too few:
// only a header says how large they are.
func newGatherer(stages []stage, s *slots, frames int) *gatherer {
	g := &gatherer{stages: stages, shares: s.deal(stages), sums: make([][]int16, len(stages))}
	for i := range stages {
		if s := &stages[i]; s.size > 0 && leastSeen*float64(s.blocks*s.bits) <= float64(frames)*float64(s.perFrame()) {
			g.sums[i] = make([]int16, s.positions())
		}
	}
	return g
}

// leastSeen is the share of a stage's bits of information of which as many coded bits have to be there, with some to spare: blocks do not all
// have the same share of what is.
const leastSeen = 0.8

// add adds the log-likelihoods of frame number f.
func (g *gatherer) add(b *bits[float32], f int) {
	for i := range g.stages {
		if g.sums[i] == nil {
			continue
		}
		h, sums := &g.shares[i], ring[int16]{g.sums[i], g.stages[i].begin(f)}
		for from := b.strong[h.first:][:h.strong]; len(from) > 0; {
			part := sums.next(len(from))
			for j := range part {
				part[j] = saturate(part[j], from[j])
			}
			from = from[len(part):]
		}
		for where := h.medium; len(where) > 0; {
			part := sums.next(len(where))
			for j := range part {
				part[j] = saturate(part[j], b.medium[where[j]])
			}
			where = where[len(part):]
		}
		for where := h.fine; len(where) > 0; {
			part := sums.next(len(where))
			for j := range part {
				part[j] = saturate(part[j], b.fine[where[j]])
			}
			where = where[len(part):]
		}
	}
}

// saturate adds a log-likelihood to a sum, as far as it goes.
func saturate(sum int16, l float32) int16 {
	v := int32(sum) + int32(l*likelihoodScale)
	if v != int32(int16(v)) {
		return int16(v>>31) ^ math.MaxInt16
	}
	return int16(v)
}

// iterations bounds those of the decoder. Blocks that it does not help by then are lost.
const iterations = 16

// decode returns the beginning of the sealed payload up to the first block that is lost, and how many blocks of each stage came
// through.
func (g *gatherer) decode(ctx context.Context, key keystream.Key, workers int, progress func(done, total int)) (sealed []byte, arrived []int, err error) {
	arrived = make([]int, len(g.stages))
	total, done := 0, 0
	for i := range g.stages {
		total += g.stages[i].blocks
	}
	last := g.stages[len(g.stages)-1]
	sealed = make([]byte, last.first+last.size)
	intact := len(sealed)
	var mu sync.Mutex
	for i := range g.stages {
		s := &g.stages[i]
		if s.size == 0 {
			continue
		}
		if g.sums[i] == nil {
			intact, done = min(intact, s.first), done+s.blocks
			continue
		}
		code, err := turbo.New(s.bits)
		if err != nil {
			return nil, nil, err
		}
		order := order(key, i, s.length)
		type place struct {
			decoder *turbo.Decoder
			mother  []float32
			info    []byte
			part    []byte
		}
		places := make([]place, workers)
		parallel.Each(workers, s.blocks, func(w, b int) {
			if ctx.Err() != nil {
				return
			}
			p := &places[w]
			if p.decoder == nil {
				*p = place{turbo.NewDecoder(code), make([]float32, code.Len()), make([]byte, s.bits), make([]byte, s.bits/8)}
			}
			clear(p.mother)
			seen := 0
			for j := range s.length {
				v := g.sums[i][int(order[j])*s.blocks+b]
				p.mother[j] = float32(v) / likelihoodScale
				if v != 0 {
					seen++
				}
			}
			ok := false
			if seen >= s.bits*9/10 {
				ok = p.decoder.Decode(p.info, p.mother, iterations, func(info []byte) bool {
					turbo.Pack(p.part, info)
					want := check(key, i, b, p.part[:s.block])
					return subtle.ConstantTimeCompare(want[:], p.part[s.block:]) == 1
				})
			}
			from, to := s.span(b)
			mu.Lock()
			defer mu.Unlock()
			if ok {
				copy(sealed[from:to], p.part)
				arrived[i]++
			} else if from < to {
				intact = min(intact, from)
			}
			done++
			if progress != nil {
				progress(done, total)
			}
		})
	}
	return sealed[:intact], arrived, ctx.Err()
}
