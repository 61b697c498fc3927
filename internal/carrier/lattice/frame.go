package lattice

import (
	"encoding/binary"
	"fmt"
	"math"

	"ditas/internal/keystream"
)

// What the samples of a frame carry, besides the payload.
const (
	words        = 16 // synchronisation words
	syncPilots   = 24 // strong symbols that make the word
	headerStrong = 72 // strong symbols of the header, not all of them used by each profile
	headerFine   = 12 // samples whose fine symbols belong to the header
	framePilots  = 16 // strong symbols that tell which frame it is
	headerBits   = headerStrong + maxFineBits*headerFine
)

// word is the part of a frame that can be found and read without knowing more than the key: where it lies and how it is
// dithered.
type word struct {
	sync   [syncPilots]place   // strong symbols at 0
	strong [headerStrong]place // strong symbols of the header
	fine   [headerFine]place   // fine symbols of the header
}

// place is a sample and the dither of one of its symbols, in steps.
type place struct {
	at     uint16
	dither float64
}

// newWords returns all words of a key. The positions of a word are the first of a random permutation of a frame.
func newWords(key keystream.Key) *[words]word {
	all := new([words]word)
	for i := range all {
		w := &all[i]
		s := keystream.New(key, fmt.Sprintf("word %d", i))
		d := newDeck(nil)
		for _, part := range [][]place{w.sync[:], w.strong[:], w.fine[:]} {
			for j := range part {
				part[j] = place{d.draw(s), s.Dither()}
			}
		}
	}
	return all
}

// deck is what is left of the samples of a frame to draw from.
type deck struct {
	left  [FrameLength]uint16
	count int
}

// newDeck returns a deck of all samples that are not taken by a word.
func newDeck(w *word) *deck {
	d := new(deck)
	d.reset(w)
	return d
}

func (d *deck) reset(w *word) {
	var taken [FrameLength]bool
	if w != nil {
		for _, part := range [][]place{w.sync[:], w.strong[:], w.fine[:]} {
			for _, p := range part {
				taken[p.at] = true
			}
		}
	}
	d.count = 0
	for i, t := range taken {
		if !t {
			d.left[d.count] = uint16(i)
			d.count++
		}
	}
}

// draw takes a random one.
func (d *deck) draw(s *keystream.Stream) uint16 {
	i := s.Below(d.count)
	d.count--
	drawn := d.left[i]
	d.left[i] = d.left[d.count]
	return drawn
}

// frame is how all samples of one frame are used.
type frame struct {
	word   *word
	pilots [framePilots]place // strong symbols at 0
	data   []place            // strong symbols of the payload
	// fine and coarse are the dithers of all samples; those that the word has of its own are not used.
	fine, coarse [FrameLength]float64
	use          [FrameLength]use
}

// use says what a sample's symbols are for.
type use uint8

const (
	useMedium use = iota // a medium coarse symbol and a fine one, both of the payload
	useStrong            // a strong coarse symbol, and a fine one of the payload
	useHeader            // a medium coarse symbol of the payload, and a fine one of the header
)

// framer makes frames. It is not safe for concurrent use.
type framer struct {
	words   *[words]word
	key     keystream.Key // of this recording alone
	profile Profile
	stream  keystream.Stream
	deck    deck
	frame   frame
}

// wordOf returns the word of frame k of a lane in a recording whose first word is start.
func wordOf(start, lane, k int) int { return (start + k + 5*lane) % words }

// at returns frame k of a lane, valid until the next call.
func (f *framer) at(start, lane, k int) *frame {
	w := &f.words[wordOf(start, lane, k)]
	g := &f.frame
	g.word = w
	var label [16]byte
	copy(label[:], "frame")
	binary.BigEndian.PutUint16(label[6:], uint16(lane))
	binary.BigEndian.PutUint64(label[8:], uint64(k))
	f.stream.Reset(f.key.Derive(string(label[:])))
	f.deck.reset(w)
	clear(g.use[:])
	for _, p := range w.sync {
		g.use[p.at] = useStrong
	}
	strong := w.strong[:shapes[f.profile].header]
	for _, p := range strong {
		g.use[p.at] = useStrong
	}
	for _, p := range w.fine {
		g.use[p.at] = useHeader
	}
	draw := func() place {
		p := place{at: f.deck.draw(&f.stream)}
		g.use[p.at] = useStrong
		return p
	}
	for i := range g.pilots {
		g.pilots[i] = draw()
		g.pilots[i].dither = f.stream.Dither()
	}
	g.data = g.data[:0]
	for range shapes[f.profile].data {
		g.data = append(g.data, draw())
	}
	for i := range g.fine {
		v := f.stream.Uint64()
		g.fine[i] = float64(v>>32) * 0x1p-32
		g.coarse[i] = float64(v&math.MaxUint32) * 0x1p-32
	}
	for _, p := range g.pilots {
		g.coarse[p.at] = p.dither
	}
	for i := range g.data {
		g.data[i].dither = g.coarse[g.data[i].at]
	}
	for _, p := range w.sync {
		g.coarse[p.at] = p.dither
	}
	for _, p := range strong {
		g.coarse[p.at] = p.dither
	}
	for _, p := range w.fine {
		g.fine[p.at] = p.dither
	}
	return g
}
