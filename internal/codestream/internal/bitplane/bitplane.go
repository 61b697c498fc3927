// Package bitplane codes the wavelet coefficients of a picture bit plane by bit plane, what lowers the error of the picture most
// first.
//
//	l, err := bitplane.Analyse(ctx, photo)   // or bitplane.New(width, height, colours) to decode
//	complete, err := l.Run(ctx, coder, bitplane.Learnt(), nil)
//	photo, err = l.Synthesise(ctx, 0)
//
// A pass goes over one band (a subband of one colour plane) in one bit plane and codes the coefficients of one kind: those not
// yet known to be other than zero, divided into three kinds by what is known around them, or those that are. Passes are
// taken in the order of the error that they remove for each bit, as far as that can be told in advance.
//
// What is known of a coefficient is held as a mark, twice the middle of the interval that its magnitude lies in: m·2^p to
// (m+1)·2^p − 1, m > 0, is (2m+1)·2^p, whose lowest bit that is set tells p. A coefficient that may still be zero has mark 0.
package bitplane

import (
	"context"
	"slices"

	"ditas/internal/codestream/internal/entropy"
)

// Orientations of bands.
const (
	low      = iota
	across   // high-pass along rows
	down     // high-pass along columns
	diagonal // both
	orientations
)

const (
	// planes is the number of bit planes. Magnitudes stay below 2^14: the absolute sum of the analysis filters is below 20 at
	// any level, and samples are at most 255.
	planes = 14
	// classes is the number of classes of bands: 3 colours, 8 levels, the last for all coarser ones, and the
	// orientations.
	classes      = colours * levelClasses * orientations
	colours      = 3
	levelClasses = 8
	// pad is how far the arrays of a band reach beyond it on every side, and spare how far beyond that at their end, so that
	// eight columns can be looked at at once.
	pad   = 2
	spare = 8
	// smallBand is the size up to which a band goes without the decisions on where it begins.
	smallBand = 16
	// firstMark is the mark, in units of the plane's half step, of a coefficient that becomes significant.
	firstMark = 3
)

// band is one subband of one colour plane. Arrays have pad more elements on every side; those that hold what is known are nil
// until the band begins.
type band struct {
	colour, level, orient int
	width, height, stride int
	value                 []int16 // the coefficients, where they are known: when coding
	largest               int32   // of their magnitudes
	knowledge
	forgotten        knowledge // whose memory begin may take
	started          bool      // some coefficient may be other than zero
	found            int       // how many coefficients are known to be other than zero
	open             int       // planes from here on are not coded, for coefficients that may be zero
	parent           *band     // of the next level
	siblings, others [2]*band  // the other orientations, the colours before
}

// significant is what a band has seen of a coefficient that is known to be other than zero.
const significant = 255

// knowledge is what is known of a band's coefficients.
type knowledge struct {
	mark   []uint16 // what is known of the magnitude
	signed []int16  // mark with the sign
	near   []uint8  // how many of the neighbours are known to be other than zero, direct ones counting twice
	seen   []uint8  // planes − the last plane in which the coefficient was coded as zero, or significant
}

const (
	// surePixels is the number of pixels that any stream may have.
	surePixels = 1 << 20
	// pixelsPerByte is how many it may have beyond that for each of its bytes: twice as many as pictures have that were coded with a bit a
	// pixel.
	pixelsPerByte = 16
)

// Allowed returns the number of pixels that a stream of a number of bytes may have. Nothing is decoded beyond it, so that time and memory
// are bounded by what has arrived.
func Allowed(bytes int) int { return surePixels + pixelsPerByte*bytes }

// LeastBytes returns the number of bytes that a stream of a number of pixels has at least.
func LeastBytes(pixels int) int {
	return (max(0, pixels-surePixels) + pixelsPerByte - 1) / pixelsPerByte
}

// begin takes memory for what is known of the coefficients, that from before it was forgotten if there is any.
func (b *band) begin() {
	b.knowledge, b.forgotten = b.forgotten, knowledge{}
	if n := b.size(); b.mark == nil {
		b.knowledge = knowledge{make([]uint16, n), make([]int16, n), make([]uint8, n), make([]uint8, n)}
	} else {
		clear(b.mark)
		clear(b.signed)
		clear(b.near)
		clear(b.seen)
	}
	b.started = true
}

// forget forgets what is known of the coefficients.
func (b *band) forget() {
	if b.mark != nil {
		b.forgotten, b.knowledge = b.knowledge, knowledge{}
	}
	b.started, b.found, b.open = false, 0, planes
	if b.small() {
		b.begin()
	}
}

// small reports whether a band goes without the decisions on where it begins.
func (b *band) small() bool { return b.width*b.height <= smallBand }

// size is the number of elements of its arrays.
func (b *band) size() int { return b.stride*(b.height+2*pad) + spare }

func (b *band) at(x, y int) int { return (y+pad)*b.stride + x + pad }

// class numbers the statistics that the band shares with bands of other pictures.
func (b *band) class() int {
	return (b.colour*levelClasses+min(b.level, levelClasses-1))*orientations + b.orient
}

// Layout is a picture as bands.
type Layout struct {
	width, height, colours int
	bands                  []*band
	index                  map[bandKey]*band
	passes                 []pass
	levels                 []extent   // sizes of the pictures that each level starts from
	widest                 int        // stride
	scratch                []int32    // of rows
	chroma                 [2][]int16 // of rows
}

// Colours returns the number of colour planes, 1 or 3.
func (l *Layout) Colours() int { return l.colours }

type extent struct{ width, height int }

type bandKey struct{ colour, level, orient int }

// pass is one visit to a band.
type pass struct {
	band     *band
	plane    int
	kind     int
	priority int
}

// Kinds of passes: the significance of coefficients with much, something, and nothing known around them, and one more bit of
// those that are significant.
const (
	busy = iota
	warm
	cold
	refinement
	kinds
)

// busyFrom is how much has to be near for a coefficient to be busy.
const busyFrom = 2

// The error that a bit removes is in proportion to the square of the step, the squared norm of the synthesis functions and the
// weight of the colour. Units are 1/32 of its binary logarithm.
var (
	// normLow and normHigh are the norms of a low-pass and a high-pass function in one dimension, by level.
	normLow  = [...]int{0, 23, 54, 86}
	normHigh = [...]int{0, -20, -3, 27}
	// colourWeight is the squared norm in RGB of a step in Y, Co and Cg: 3, 1/2 and 3/4.
	colourWeight = [colours]int{51, -32, -13}
	// kindWeight was chosen on the validation pictures. All passes of a plane have to lie within 64, a plane's distance.
	kindWeight = [kinds]int{0, -20, -54, -32}
)

// norm continues a table by what it converges to, a doubling each level.
func norm(table []int, level int) int {
	last := len(table) - 1
	return table[min(level, last)] + 32*max(0, level-last)
}

// weight is the priority of a step of 1 in the band.
func (b *band) weight() int { return b.norms(b.level) + colourWeight[b.colour] }

// norms is the squared norm of a synthesis function of the band if it were at some level.
func (b *band) norms(level int) int {
	h, v := normLow[:], normLow[:]
	if b.orient&across != 0 {
		h = normHigh[:]
	}
	if b.orient&down != 0 {
		v = normHigh[:]
	}
	return norm(h, level) + norm(v, level)
}

// New lays out the bands of a picture of width×height pixels, both at least 1, in 1 or 3 colours. All is zero.
func New(width, height, colours int) *Layout {
	l := &Layout{width: width, height: height, colours: colours, index: map[bandKey]*band{}}
	w, h := width, height
	for w > 1 || h > 1 {
		l.levels = append(l.levels, extent{w, h})
		w, h = (w+1)/2, (h+1)/2
	}
	top := len(l.levels)
	for c := range colours {
		l.add(bandKey{c, top, low}, w, h)
		for level := top; level > 0; level-- {
			s := l.levels[level-1]
			l.add(bandKey{c, level, across}, s.width/2, (s.height+1)/2)
			l.add(bandKey{c, level, down}, (s.width+1)/2, s.height/2)
			l.add(bandKey{c, level, diagonal}, s.width/2, s.height/2)
		}
	}
	for _, b := range l.bands {
		k := bandKey{b.colour, b.level, b.orient}
		l.relate(b, k)
		for plane := range planes {
			for kind := range kinds {
				l.passes = append(l.passes, pass{b, plane, kind, b.weight() + kindWeight[kind] + 64*plane})
			}
		}
	}
	slices.SortStableFunc(l.passes, func(a, b pass) int { return b.priority - a.priority })
	return l
}

func (l *Layout) add(k bandKey, width, height int) {
	if width == 0 || height == 0 {
		return
	}
	b := &band{
		colour: k.colour, level: k.level, orient: k.orient, width: width, height: height, stride: width + 2*pad, open: planes,
	}
	if b.small() {
		b.begin()
	}
	l.widest = max(l.widest, b.stride)
	l.index[k] = b
	l.bands = append(l.bands, b)
}

// relate finds the bands that tell something about b.
func (l *Layout) relate(b *band, k bandKey) {
	b.parent = l.index[bandKey{k.colour, k.level + 1, k.orient}]
	switch k.orient {
	case across:
		b.siblings = [2]*band{l.index[bandKey{k.colour, k.level, down}], l.index[bandKey{k.colour, k.level, diagonal}]}
	case down:
		b.siblings = [2]*band{l.index[bandKey{k.colour, k.level, across}], l.index[bandKey{k.colour, k.level, diagonal}]}
	case diagonal:
		b.siblings = [2]*band{l.index[bandKey{k.colour, k.level, across}], l.index[bandKey{k.colour, k.level, down}]}
	}
	for c := range k.colour {
		b.others[c] = l.index[bandKey{c, k.level, k.orient}]
	}
}

// Run codes l to or from coder, and returns whether it came to the end before the coder did. The prior is not changed. Progress,
// if it is not nil, is called between passes with how many of them are done.
func (l *Layout) Run(
	ctx context.Context, coder *entropy.Coder, prior *Prior, progress func(done, total int),
) (complete bool, err error) {
	return l.run(ctx, &run{model: newModel(coder, prior)}, progress)
}

func (l *Layout) run(ctx context.Context, r *run, progress func(done, total int)) (complete bool, err error) {
	r.colours = l.colours
	r.nothing, r.unsigned = make([]int16, l.widest+2*pad+spare), make([]uint16, l.widest+2*pad+spare)
	for i, p := range l.passes {
		b := p.band
		if p.kind == busy && !b.started {
			r.start(b, p.plane)
		}
		if r.coder.Done {
			return false, nil
		}
		if b.started {
			if progress != nil {
				progress(i, len(l.passes))
			}
			if p.kind == refinement {
				err = r.refine(ctx, b, p.plane)
			} else {
				err = r.significance(ctx, b, p.plane, p.kind)
			}
			if err != nil || r.coder.Done {
				return false, err
			}
		}
		if p.kind == cold {
			b.open = p.plane
			if r.ended != nil {
				r.ended(b)
			}
		}
	}
	return true, nil
}

// start codes whether a band has coefficients that begin in a plane.
func (r *run) start(b *band, plane int) {
	begins := 0
	if b.largest>>plane != 0 {
		begins = 1
	}
	parent := 0
	if b.parent != nil {
		parent = 1
		if b.parent.started {
			parent = 2
		}
	}
	if r.replay != nil {
		if r.replay.take(r.coder) && begins != 0 {
			b.begin()
		}
		return
	}
	if r.alone(uint16(startBase[0]+(b.class()*planes+plane)*3+parent), begins) != 0 {
		n := b.width * b.height
		if r.coder.Afford(n, LeastBytes((r.begun+n)/r.colours)); !r.coder.Done {
			r.begun += n
			b.begin()
		}
	}
}
