package slots

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrLayout is wrapped by the errors of layouts that break a rule of their format.
var ErrLayout = errors.New("slots: malformed layout")

// Layout tells a receiver what a recording carries and where.
//
// The recording is cut into blocks of SlotLength frames; a last, shorter one is not used. One channel of one block is a slot.
// Slots are numbered block by block, the channels of a block in their order, so that slot i is channel i mod Channels of
// block i / Channels.
//
// # Encoding
//
// A uvarint is an unsigned LEB128 number as in encoding/binary, in its shortest form. In this order:
//
//	uvarint   version, 1
//	uvarint   Method
//	4 bytes   Weights
//	uvarint   Width, Height, Stages, Tile, Planes, SlotLength, Channels, Frames: eight of them
//	uvarint   number of used slots, n
//	uvarints  lengths of runs of slots, unused and used in turn from slot 0 on, until the used ones add up to n; only the
//	          first may be 0; none if n is 0
//	n bytes   strengths, in slot order
//
// Nothing may follow. Every layout has one encoding, so that no two different encodings mean the same.
type Layout struct {
	Method        int     // how the picture was hidden; the numbers are the caller's, 0 to 65535
	Weights       [4]byte // the first bytes of SHA-256 of the weights file that hid it
	Width, Height int     // picture size in pixels, 1 to 65535
	Stages        int     // stages of the method, 1 to 255
	Tile          int     // side of a tile in pixels, 1 to 65535
	Planes        int     // colour planes of the picture, 1 to 255; RGB has 3
	SlotLength    int     // samples of a slot, 1 to 2^24
	Channels      int     // channels of the recording, 1 to 65535
	Frames        int     // frames of the recording, 0 to 2^40−1; a recording with fewer was cut
	Slots         []Slot  // the used slots, ascending
}

// Slot is a used slot.
type Slot struct {
	Index int // number of the slot in the recording
	// Strength says how strongly the slot is used, in the terms of the method.
	Strength uint8
}

const layoutVersion = 1

// field is one of a layout's numbers with its bounds.
type field struct {
	name     string
	value    *int
	min, max uint64
}

// head and geometry list the numbers before and after Weights in the order of their encoding.
func (l *Layout) head() []field { return []field{{"method", &l.Method, 0, 1<<16 - 1}} }

func (l *Layout) geometry() []field {
	return []field{
		{"width", &l.Width, 1, 1<<16 - 1},
		{"height", &l.Height, 1, 1<<16 - 1},
		{"stages", &l.Stages, 1, 1<<8 - 1},
		{"tile", &l.Tile, 1, 1<<16 - 1},
		{"planes", &l.Planes, 1, 1<<8 - 1},
		{"slot length", &l.SlotLength, 1, 1 << 24},
		{"channels", &l.Channels, 1, 1<<16 - 1},
		{"frames", &l.Frames, 0, min(1<<40-1, math.MaxInt)},
	}
}

func (f field) check(v uint64) error {
	if v < f.min || v > f.max {
		return fmt.Errorf("%w: %s is %d, not in %d to %d", ErrLayout, f.name, v, f.min, f.max)
	}
	return nil
}

// Count returns the number of slots of the recording, used or not.
func (l *Layout) Count() int { return SlotCount(l.Frames, l.Channels, l.SlotLength) }

// SlotCount returns the number of slots of a recording, 0 unless all arguments are positive.
func SlotCount(frames, channels, slotLength int) int {
	if frames <= 0 || channels <= 0 || slotLength <= 0 || frames/slotLength > math.MaxInt/channels {
		return 0
	}
	return frames / slotLength * channels
}

// AppendBinary appends the encoding of l to b. It returns an error that wraps [ErrLayout] if a number is out of bounds or
// the slots are not ascending slots of the recording.
func (l *Layout) AppendBinary(b []byte) ([]byte, error) {
	c := *l
	b = append(b, layoutVersion)
	for _, f := range c.head() {
		if err := f.check(uint64(*f.value)); err != nil {
			return nil, err
		}
		b = binary.AppendUvarint(b, uint64(*f.value))
	}
	b = append(b, c.Weights[:]...)
	for _, f := range c.geometry() {
		if err := f.check(uint64(*f.value)); err != nil {
			return nil, err
		}
		b = binary.AppendUvarint(b, uint64(*f.value))
	}
	b = binary.AppendUvarint(b, uint64(len(c.Slots)))
	next, count := 0, c.Count()
	for i := 0; i < len(c.Slots); {
		first := c.Slots[i].Index
		if first < next || first >= count {
			return nil, fmt.Errorf("%w: slot %d after slot %d of %d", ErrLayout, first, next-1, count)
		}
		run := 1
		for i+run < len(c.Slots) && c.Slots[i+run].Index == first+run {
			run++
		}
		if run > count-first {
			return nil, fmt.Errorf("%w: slot %d of %d", ErrLayout, count, count)
		}
		b = binary.AppendUvarint(b, uint64(first-next))
		b = binary.AppendUvarint(b, uint64(run))
		i += run
		next = first + run
	}
	for _, s := range c.Slots {
		b = append(b, s.Strength)
	}
	return b, nil
}

// ParseLayout decodes what [Layout.AppendBinary] encoded. Anything else is an error that wraps [ErrVersion], for layouts of a
// later version, or [ErrLayout]. It takes memory in proportion to data, whatever data says.
func ParseLayout(data []byte) (*Layout, error) {
	p := parser{rest: data}
	v := p.uvarint()
	if p.err == nil && v != layoutVersion {
		return nil, ErrVersion
	}
	l := new(Layout)
	p.fields(l.head())
	copy(l.Weights[:], p.bytes(len(l.Weights)))
	p.fields(l.geometry())

	used, next, count := p.uvarint(), uint64(0), uint64(l.Count())
	if p.err == nil && used > min(count, uint64(len(p.rest))) {
		return nil, fmt.Errorf("%w: %d slots used of %d, with %d bytes left to describe them", ErrLayout, used, count, len(p.rest))
	}
	if p.err == nil {
		l.Slots = make([]Slot, 0, used)
	}
	for p.err == nil && uint64(len(l.Slots)) < used {
		skip, run := p.uvarint(), p.uvarint()
		if skip > count-next || run > count-next-skip || run > used-uint64(len(l.Slots)) || run == 0 || skip == 0 && next > 0 {
			p.fail("bad run of slots")
			break
		}
		next += skip
		for range run {
			l.Slots = append(l.Slots, Slot{Index: int(next)})
			next++
		}
	}
	for i, code := range p.bytes(len(l.Slots)) {
		l.Slots[i].Strength = code
	}
	if len(p.rest) > 0 {
		p.fail("something follows the end")
	}
	if p.err != nil {
		return nil, p.err
	}
	return l, nil
}

// parser reads from the front of rest until something is wrong.
type parser struct {
	rest []byte
	err  error
}

func (p *parser) fail(what string) {
	if p.err == nil {
		p.err = fmt.Errorf("%w: %s", ErrLayout, what)
	}
	p.rest = nil
}

func (p *parser) uvarint() uint64 {
	v, n := binary.Uvarint(p.rest)
	if n <= 0 || n > 1 && p.rest[n-1] == 0 {
		p.fail("bad number")
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *parser) bytes(n int) []byte {
	if n > len(p.rest) {
		p.fail("ends too early")
		return nil
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

func (p *parser) fields(fields []field) {
	for _, f := range fields {
		v := p.uvarint()
		if p.err != nil {
			return
		}
		if p.err = f.check(v); p.err != nil {
			p.rest = nil
			return
		}
		*f.value = int(v)
	}
}

// Usable reports whether a slot whose largest magnitude is peak can carry anything: it must not be digital silence, nor more
// than 24 dB above full scale or no number.
func Usable(peak float64) bool { return peak > 0 && peak < 16 }

// Plan chooses the slots for a payload of a number of slots, and returns them in ascending order. worth says how well each slot
// of the cover would carry, in the order of slot numbers: 1 is best, and 0 or less not at all.
//
// If enough slots are worth ¾ and more only those count, else those worth ½, else those worth ¼. Among them the choice is
// spread over time: they are divided into as many equal groups as slots are needed, and the best of each group is taken, the
// first of equals. If there are still too few, the best of all usable ones are taken.
//
// It returns an error that wraps [ErrTooShort] if there are fewer usable slots than needed.
func Plan(worth []float64, needed int) ([]int, error) {
	needed = max(needed, 0)
	above := func(least float64) (slots []int) {
		for i, w := range worth {
			if w > 0 && w >= least {
				slots = append(slots, i)
			}
		}
		return slots
	}
	for _, least := range []float64{0.75, 0.5, 0.25} {
		good := above(least)
		if len(good) < needed {
			continue
		}
		chosen := make([]int, needed)
		for g := range chosen {
			group := good[share(len(good), g, needed):share(len(good), g+1, needed)]
			chosen[g] = slices.MaxFunc(group, func(a, b int) int { return cmp.Compare(worth[a], worth[b]) })
		}
		return chosen, nil
	}
	usable := above(0)
	if len(usable) < needed {
		return nil, fmt.Errorf("%w: the payload needs %d slots, the recording has %d that are of use", ErrTooShort, needed, len(usable))
	}
	slices.SortStableFunc(usable, func(a, b int) int { return cmp.Compare(worth[b], worth[a]) })
	chosen := usable[:needed]
	slices.Sort(chosen)
	return chosen, nil
}
