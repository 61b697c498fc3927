package slots

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/bits"
	"slices"
	"sort"

	"ditas/internal/carrier"
	"ditas/internal/fec/convolutional"
	"ditas/internal/keystream"
)

// What Read, Write, Plan and ParseLayout may report; test with errors.Is.
var (
	ErrNotFound = errors.New("slots: no message found: either there is none, or it has another key")
	ErrDamaged  = errors.New("slots: a message was found but too much of it is damaged or missing")
	ErrVersion  = errors.New("slots: the message was written by a later version of ditas; a newer ditas reads it")
	ErrTooShort = errors.New("slots: recording too short")
	ErrGrid     = errors.New("slots: samples too coarse to carry a message; use 8 bits or more")
)

// MaxBody is the length in bytes of the largest body, whatever the recording.
const MaxBody = 1 << 20

// The preamble of version 1, integers big-endian:
//
//	byte 0       version, 1
//	byte 1       flags, 0
//	byte 2       times each symbol of the body is written, 1 to maxRepeat
//	bytes 3–6    length of the body in bytes
//	bytes 7–11   number of samples of the recording
//	bytes 12–19  tag over bytes 0–11
//
// A later version keeps the place of the version byte and of the tag. What follows is the body and a tag over bytes 0–11
// of the preamble and the body. Preamble and body, each with its tag, are encoded separately.
const (
	version      = 1
	preambleSize = 12
	tagSize      = 8

	preambleLabel = "ditas preamble"
	bodyLabel     = "ditas body"
)

// The preamble is written whole into each of the regions [0, 4096), [4096, 8192), [8192, 16384), … that the recording
// fills. A receiver finds the regions without knowing how long the recording was, and no piece of a given share of the
// recording can hold them all.
const (
	firstRegion  = 4096
	preambleCode = 2 * (8*(preambleSize+tagSize) + convolutional.Memory)
)

// The body is repeated up to maxRepeat times as long as it takes at most one sample in repeatRoom.
const (
	maxRepeat  = 8
	repeatRoom = 8
)

// tagOf returns the tag over the parts.
func tagOf(key keystream.Key, label string, parts ...[]byte) [tagSize]byte {
	mac := key.MAC(label, parts...)
	return [tagSize]byte(mac[:tagSize])
}

// place is where one symbol lies: the sample, its dither, and the symbol's number in the codeword.
type place struct {
	sample, symbol int
	dither         float64
}

// scatter yields the places of count symbols in samples [first, first+length), samples ascending: one at a random place in
// each of count cells of equal size, symbols in random order. perm is scratch of length count.
func scatter(key keystream.Key, label string, first, length int, perm []uint32) iter.Seq[place] {
	return func(yield func(place) bool) {
		stream := keystream.New(key, label)
		stream.Permute(perm)
		count := len(perm)
		carry := 0
		for _, symbol := range perm {
			size := length / count
			if carry += length % count; carry >= count {
				carry -= count
				size++
			}
			p := place{sample: first + stream.Below(size), symbol: int(symbol)}
			p.dither = stream.Dither()
			if !yield(p) {
				return
			}
			first += size
		}
	}
}

// regions returns the number of preambles in a recording of the given number of samples.
func regions(samples int) int { return bits.Len(uint(samples / firstRegion)) }

// preamblePlaces yields the places of the preamble in region i.
func preamblePlaces(key keystream.Key, i int) iter.Seq[place] {
	first, length := 0, firstRegion
	if i > 0 {
		length = firstRegion << (i - 1)
		first = length
	}
	return scatter(key, fmt.Sprintf("%s places %d", preambleLabel, i), first, length, make([]uint32, preambleCode))
}

// bodyPlaces yields the places of the symbols of a body, each copy in its own stretch of the recording. Samples of
// preambles are not counted, so that nothing collides.
func bodyPlaces(key keystream.Key, samples, symbols, repeat int) iter.Seq[place] {
	return func(yield func(place) bool) {
		var taken []int
		for i := range regions(samples) {
			for p := range preamblePlaces(key, i) {
				taken = append(taken, p.sample)
			}
		}
		free := samples - len(taken)
		passed := 0
		perm := make([]uint32, symbols)
		for c := range repeat {
			first, end := share(free, c, repeat), share(free, c+1, repeat)
			for p := range scatter(key, fmt.Sprintf("%s places %d", bodyLabel, c), first, end-first, perm) {
				for passed < len(taken) && taken[passed] <= p.sample+passed {
					passed++
				}
				p.sample += passed
				if !yield(p) {
					return
				}
			}
		}
	}
}

// share returns n·i/of without overflow for small i and of.
func share(n, i, of int) int { return n/of*i + n%of*i/of }

// reserved bounds the number of samples that preambles take, so that what is left never shrinks as recordings grow.
func reserved(samples int) int {
	full := firstRegion << (regions(samples) - 1)
	return preambleCode*regions(samples) + preambleCode*((samples-full)/(full/firstRegion))/firstRegion
}

// Capacity returns the length in bytes of the largest body that a recording of a number of samples (frames times channels)
// takes, 0 if it is too short for any. At capacity every second sample is used; a body of at most an eighth of it leaves
// the recording nearly untouched.
func Capacity(samples int) int {
	if samples < firstRegion {
		return 0
	}
	room := (samples - reserved(samples)) / 2
	return min(MaxBody, (room/2-convolutional.Memory)/8-tagSize)
}

// MinSamples returns the number of samples of the shortest recording that takes a body of the given number of bytes. It is an
// answer for people; bodies longer than MaxBody fit nowhere.
func MinSamples(body int) int {
	body = min(body, MaxBody)
	return firstRegion + sort.Search(64*MaxBody, func(n int) bool { return Capacity(firstRegion+n) >= body })
}

// Change returns about the mean squared change that [Write] makes to a recording of a number of samples of grid g when body has so many
// bytes. It is 0 where nothing can be written.
func Change(samples int, g carrier.Grid, body int) float64 {
	lattice, ok := latticeFor(g)
	if !ok || samples < firstRegion {
		return 0
	}
	symbols := convolutional.Len(body + tagSize)
	touched := preambleCode*regions(samples) + symbols*repeats(samples, symbols)
	return min(1, float64(touched)/float64(samples)) * float64(lattice*lattice) / 12
}

// repeats returns how often the symbols of a body are written.
func repeats(samples, symbols int) int { return max(1, min(maxRepeat, samples/repeatRoom/symbols)) }

// Write embeds body into the recording s, whose file holds samples of grid g, to be found by [Read] under the same key. It
// is to be the last thing that changes the recording. Symbols are repeated up to eight times as long as that takes no more
// than one sample in eight; a recording of 26 million samples and a body of 400 bytes make that one sample in 460.
//
// It returns an error that wraps [ErrTooShort] if body exceeds [Capacity], or [ErrGrid], and has then changed nothing.
func Write(s Samples, g carrier.Grid, key keystream.Key, body []byte) error {
	m, err := NewMessage(s.Len(), g, key, body)
	if err != nil {
		return err
	}
	m.Write(s)
	return nil
}

// Message is a body as it is written into recordings of one length.
type Message struct {
	key        keystream.Key
	grid       carrier.Grid
	lattice    Lattice
	preamble   preamble
	head, body []byte // the symbols of the preamble and of the body
}

// NewMessage returns the message that [Write] embeds into a recording of a number of samples, with its errors.
func NewMessage(samples int, g carrier.Grid, key keystream.Key, body []byte) (*Message, error) {
	if len(body) > Capacity(samples) || samples < firstRegion {
		if len(body) > MaxBody {
			return nil, fmt.Errorf("slots: a message of %d bytes exceeds the limit of %d", len(body), MaxBody)
		}
		return nil, fmt.Errorf("%w: a message of %d bytes needs %d samples, this recording has %d",
			ErrTooShort, len(body), MinSamples(len(body)), samples)
	}
	lattice, ok := latticeFor(g)
	if !ok {
		return nil, ErrGrid
	}
	if uint64(samples) >= 1<<40 {
		return nil, errors.New("slots: recording too long: 2^40 samples and more have no place in the header")
	}
	m := &Message{key: key, grid: g, lattice: lattice, preamble: preamble{
		repeat:  repeats(samples, convolutional.Len(len(body)+tagSize)),
		body:    len(body),
		samples: samples,
	}}
	fields := m.preamble.fields()
	tag := tagOf(key, bodyLabel, fields[:], body)
	m.head = encodePreamble(key, fields[:])
	m.body = convolutional.Encode(slices.Concat(body, tag[:]))
	return m, nil
}

// Write embeds the message into a recording of its length.
func (m *Message) Write(s Samples) {
	embed(s, m.grid, m.lattice, m.head, m.headPlaces())
	embed(s, m.grid, m.lattice, m.body, m.bodyPlaces())
}

func (m *Message) headPlaces() iter.Seq[place] {
	return allPreambles(m.key, regions(m.preamble.samples))
}

func (m *Message) bodyPlaces() iter.Seq[place] {
	return bodyPlaces(m.key, m.preamble.samples, len(m.body), m.preamble.repeat)
}

// Mark is a symbol of a message in its place.
type Mark struct {
	Sample int
	shift  float64 // of the lattice, over Δ
}

// Marks yields the marks of the whole message, in the order in which Write makes them.
func (m *Message) Marks() iter.Seq[Mark] {
	return func(yield func(Mark) bool) {
		for p := range m.headPlaces() {
			if !yield(Mark{p.sample, bitSymbol(m.head[p.symbol]) + p.dither}) {
				return
			}
		}
		for p := range m.bodyPlaces() {
			if !yield(Mark{p.sample, bitSymbol(m.body[p.symbol]) + p.dither}) {
				return
			}
		}
	}
}

// Power returns about the sum of squares that a number of marks adds to a recording.
func (m *Message) Power(marks int) float64 { return float64(marks) * float64(m.lattice*m.lattice) / 12 }

// Make makes a mark in sample i of s, a stretch of the recording, as Write does in the whole of it unless nearly all is digital silence or a
// silence that begins or ends with the stretch goes on outside.
func (m *Message) Make(s Samples, i int, k Mark) {
	if !silent(s, i) {
		s.Set(i, m.lattice.Embed(s.At(i), 0, k.shift, m.grid))
	}
}

// Read returns the body that [Write] embedded in the recording s under the same key. It returns [ErrNotFound] if no preamble
// is there, [ErrVersion] if a later version wrote it, and [ErrDamaged] if the body does not pass its check. A body that is
// returned without an error is the one written, up to a chance of 2⁻⁶⁴ for each of a few dozen attempts.
func Read(s Samples, key keystream.Key) ([]byte, error) {
	for _, lattice := range []Lattice{fine, coarse} {
		fields, ok := findPreamble(s, lattice, key)
		if !ok {
			continue
		}
		p, err := parsePreamble(fields, s.Len())
		if err != nil {
			return nil, err
		}
		symbols := convolutional.Len(p.body + tagSize)
		for _, silence := range []bool{false, true} {
			sum := make([]float32, symbols)
			gather(sum, s, lattice, silence, bodyPlaces(key, p.samples, symbols, p.repeat))
			message := convolutional.Decode(sum)
			body, tag := message[:p.body], message[p.body:]
			if want := tagOf(key, bodyLabel, fields, body); bytes.Equal(want[:], tag) {
				return body, nil
			}
		}
		return nil, ErrDamaged
	}
	return nil, ErrNotFound
}

type preamble struct{ repeat, body, samples int }

func (p preamble) fields() (b [preambleSize]byte) {
	b[0] = version
	b[2] = byte(p.repeat)
	binary.BigEndian.PutUint32(b[3:], uint32(p.body))
	b[7] = byte(uint64(p.samples) >> 32)
	binary.BigEndian.PutUint32(b[8:], uint32(p.samples))
	return b
}

// parsePreamble reads fields whose tag was right, but which anyone who has the key may have written. samples is the length
// of the recording at hand, which may have lost a part but not so much that nothing could be left of the body: what
// follows takes time and memory in proportion to the recording.
func parsePreamble(b []byte, samples int) (p preamble, err error) {
	if b[0] != version || b[1] != 0 {
		return p, ErrVersion
	}
	whole := uint64(b[7])<<32 | uint64(binary.BigEndian.Uint32(b[8:]))
	if whole < firstRegion || whole > math.MaxInt || whole/(2*maxRepeat) > uint64(samples) {
		return p, ErrDamaged
	}
	p = preamble{repeat: int(b[2]), samples: int(whole)}
	body := binary.BigEndian.Uint32(b[3:])
	if uint64(body) > uint64(Capacity(p.samples)) || p.repeat < 1 || p.repeat > maxRepeat {
		return p, ErrDamaged
	}
	p.body = int(body)
	if p.repeat > 1 && p.repeat*convolutional.Len(p.body+tagSize) > p.samples/repeatRoom {
		return p, ErrDamaged
	}
	return p, nil
}

// encodePreamble returns the symbols of a preamble with its tag.
func encodePreamble(key keystream.Key, fields []byte) []byte {
	tag := tagOf(key, preambleLabel, fields)
	return convolutional.Encode(slices.Concat(fields, tag[:]))
}

// allPreambles yields the places of the preambles of a number of regions.
func allPreambles(key keystream.Key, regions int) iter.Seq[place] {
	return func(yield func(place) bool) {
		for i := range regions {
			for p := range preamblePlaces(key, i) {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// findPreamble returns the fields of the preamble whose tag is right. It tries the regions together, the later ones left
// out one by one because they may lie beyond what the sender wrote, and then each region alone.
func findPreamble(s Samples, lattice Lattice, key keystream.Key) (fields []byte, ok bool) {
	n := regions(s.Len())
	alone, upTo := make([][]float32, n), make([][]float32, n)
	try := func(likelihoods []float32) bool {
		message := convolutional.Decode(likelihoods)
		fields = message[:preambleSize]
		want := tagOf(key, preambleLabel, fields)
		return bytes.Equal(want[:], message[preambleSize:])
	}
	for _, silence := range []bool{false, true} {
		sum := make([]float32, preambleCode)
		for i := range n {
			alone[i] = make([]float32, preambleCode)
			gather(alone[i], s, lattice, silence, preamblePlaces(key, i))
			for j, l := range alone[i] {
				sum[j] += l
			}
			upTo[i] = slices.Clone(sum)
		}
		for i := n - 1; i >= 0; i-- {
			if try(upTo[i]) {
				return fields, true
			}
		}
		for i := n - 1; i > 0; i-- {
			if try(alone[i]) {
				return fields, true
			}
		}
	}
	return nil, false
}

// silent reports whether sample i belongs to digital silence.
func silent(s Samples, i int) bool {
	value, run, step := s.At(i), 1, s.Channels()
	for j := i - step; j >= 0 && run < carrier.SilenceRun && s.At(j) == value; j -= step {
		run++
	}
	for j := i + step; j < s.Len() && run < carrier.SilenceRun && s.At(j) == value; j += step {
		run++
	}
	return run >= carrier.SilenceRun
}

// embed writes the symbols coded into their places. It leaves digital silence alone unless that loses more than an eighth of
// the symbols, which with a tenth of the recording lost as well is about what the code repairs.
func embed(s Samples, g carrier.Grid, lattice Lattice, coded []byte, places iter.Seq[place]) {
	carried := make([]bool, len(coded))
	lost := len(coded)
	for _, everywhere := range []bool{false, true} {
		for p := range places {
			if !everywhere && silent(s, p.sample) {
				continue
			}
			if !carried[p.symbol] {
				carried[p.symbol] = true
				lost--
			}
			s.Set(p.sample, lattice.Embed(s.At(p.sample), bitSymbol(coded[p.symbol]), p.dither, g))
		}
		if lost <= len(coded)/8 {
			return
		}
	}
}

// gather adds to sum the log-likelihood of every symbol over all its places. Places beyond the recording, and those in digital
// silence unless silence is set, say nothing: there the sender wrote nothing, or it was zeroed on the way. The noise is taken
// from the readings themselves, a stretch at a time, so that a stretch that was replaced counts for little.
func gather(sum []float32, s Samples, lattice Lattice, silence bool, places iter.Seq[place]) {
	const stretch = 512
	var at [stretch]int
	var readings [stretch]float64
	n := 0
	flush := func() {
		c := certainty(noise(readings[:n]))
		for i, m := range readings[:n] {
			if m == m {
				sum[at[i]] += float32(logLikelihood(m, c))
			}
		}
		n = 0
	}
	length := s.Len()
	for p := range places {
		if p.sample >= length || !silence && silent(s, p.sample) {
			continue
		}
		at[n], readings[n] = p.symbol, lattice.Symbol(s.At(p.sample), p.dither)
		if n++; n == stretch {
			flush()
		}
	}
	flush()
}
