package durable

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"ditas/internal/fec/turbo"
	"ditas/internal/keystream"
	"ditas/internal/parallel"
)

// check returns what follows the payload of a block of the code: the front of a message authentication code.
func check(key keystream.Key, stage, block int, part []byte) [checkSize]byte {
	var where [8]byte
	binary.BigEndian.PutUint32(where[:], uint32(stage))
	binary.BigEndian.PutUint32(where[4:], uint32(block))
	mac := key.MAC("durable check", where[:], part)
	return [checkSize]byte(mac[:checkSize])
}

// order returns where the coded bits of each block of a stage lie among those of the block. It is random, so that what is lost together
// is spread over the code.
func order(key keystream.Key, stage, length int) []uint32 {
	o := make([]uint32, length)
	keystream.New(key, fmt.Sprintf("durable order of stage %d", stage)).Permute(o)
	return o
}

// encodePayload returns the coded bits of each stage, one in each byte.
func encodePayload(stages []stage, payload []byte, key keystream.Key) ([][]byte, error) {
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
		order, mother := order(key, i, s.length), make([]byte, code.Len())
		for b := range s.blocks {
			from, to := s.span(b)
			part := make([]byte, s.block, s.block+checkSize)
			copy(part, payload[from:to])
			c := check(key, i, b, part)
			code.Encode(mother, turbo.Unpack(append(part, c[:]...), s.bits))
			for p, bit := range mother[:s.length] {
				coded[i][int(order[p])*s.blocks+b] = bit
			}
		}
	}
	return coded, nil
}

// gatherer adds up what symbols say about the coded bits.
type gatherer struct {
	stages []stage
	sums   [][]int16 // log-likelihoods in sixteenths, saturating; nil as long as there are none
	lost   []bool    // stages of which too little can arrive
}

const likelihoodScale = 16

func newGatherer(stages []stage) *gatherer {
	return &gatherer{stages: stages, sums: make([][]int16, len(stages)), lost: make([]bool, len(stages))}
}

// bound says that no more than so many blocks of the recording are there. Of stages of which these cannot hold a single block of the code nothing is
// kept: headers may tell of more than anyone has.
func (g *gatherer) bound(blocks int) {
	for i, s := range g.stages {
		g.lost[i] = s.size > 0 && float64(blocks)*float64(s.symbols) < leastInformation*float64(s.bits)*float64(s.blocks)
	}
}

// add adds the log-likelihood of a coded bit.
func (g *gatherer) add(stage, position int, l float32) {
	if g.lost[stage] {
		return
	}
	if g.sums[stage] == nil {
		g.sums[stage] = make([]int16, g.stages[stage].positions())
	}
	sum := &g.sums[stage][position]
	v := int32(*sum) + int32(math.RoundToEven(float64(l*likelihoodScale)))
	*sum = int16(max(-math.MaxInt16, min(math.MaxInt16, v)))
}

// iterations bounds those of the decoder.
const iterations = 20

// decode returns the beginning of the payload up to the first block that is lost, and how many blocks of each stage came through.
func (g *gatherer) decode(ctx context.Context, key keystream.Key, workers int, progress func(done, total int)) ([]byte, []int, error) {
	d := &decoding{gatherer: g, key: key, progress: progress, arrived: make([]int, len(g.stages))}
	size := 0
	for i := range g.stages {
		d.total += g.stages[i].blocks
		size += g.stages[i].size
	}
	d.payload, d.intact = make([]byte, size), size
	for i := range g.stages {
		if g.stages[i].size == 0 {
			continue
		}
		if err := d.stage(ctx, i, workers); err != nil {
			return nil, nil, err
		}
	}
	return d.payload[:d.intact], d.arrived, nil
}

// decoding is a payload that is being decoded.
type decoding struct {
	*gatherer
	key      keystream.Key
	progress func(done, total int)
	total    int

	mu      sync.Mutex
	done    int
	payload []byte
	intact  int
	arrived []int
}

// decoderMemory is what a goroutine decodes a block in.
type decoderMemory struct {
	decoder    *turbo.Decoder
	mother     []float32
	info, part []byte
}

// stage decodes the blocks of stage i.
func (d *decoding) stage(ctx context.Context, i, workers int) error {
	s := &d.stages[i]
	code, err := turbo.New(s.bits)
	if err != nil {
		return err
	}
	if d.sums[i] == nil {
		for b := range s.blocks {
			d.keep(i, b, false, nil)
		}
		return ctx.Err()
	}
	order, memory := order(d.key, i, s.length), make([]decoderMemory, workers)
	parallel.Each(workers, s.blocks, func(w, b int) {
		if ctx.Err() != nil {
			return
		}
		m := &memory[w]
		if m.decoder == nil {
			*m = decoderMemory{turbo.NewDecoder(code), make([]float32, code.Len()), make([]byte, s.bits), make([]byte, s.bits/8)}
		}
		clear(m.mother)
		for j := range s.length {
			m.mother[j] = float32(d.sums[i][int(order[j])*s.blocks+b]) / likelihoodScale
		}
		ok := enough(m.mother, s.bits) && m.decoder.Decode(m.info, m.mother, iterations, func(info []byte) bool {
			if ctx.Err() != nil {
				return true
			}
			turbo.Pack(m.part, info)
			want := check(d.key, i, b, m.part[:s.block])
			return subtle.ConstantTimeCompare(want[:], m.part[s.block:]) == 1
		})
		if ctx.Err() == nil {
			d.keep(i, b, ok, m.part)
		}
	})
	return ctx.Err()
}

// keep notes what became of a block.
func (d *decoding) keep(i, b int, ok bool, part []byte) {
	from, to := d.stages[i].span(b)
	d.mu.Lock()
	defer d.mu.Unlock()
	if ok {
		copy(d.payload[from:to], part)
		d.arrived[i]++
	} else if from < to {
		d.intact = min(d.intact, from)
	}
	d.done++
	if d.progress != nil {
		d.progress(d.done, d.total)
	}
}

// enough tells whether log-likelihoods can hold a number of bits: what they say in all, for the law of such ratios, has to be at
// least near to it. It spares the time that hopeless blocks take.
func enough(mother []float32, bits int) bool {
	var information float64
	for _, l := range mother {
		// 1 − H(p) of a ratio l, whose probability of an error is p.
		if a := math.Abs(float64(l)); a > 0.02 {
			p := 1 / (1 + math.Exp(a))
			information += 1 + (p*math.Log2(p) + (1-p)*math.Log2(1-p))
		}
	}
	return information > leastInformation*float64(bits)
}

// leastInformation is how much, as a share of its bits, a block of the code needs to be worth an attempt.
const leastInformation = 0.8
