package bitplane

import "math/bits"

// run is what one run of coding works with.
type run struct {
	*model
	feature [features]int32
	// Rows of bands that do not exist.
	nothing  []int16
	unsigned []uint16
	// regress, where set, is told of every sign: what is around it in units of 2^−(plane+1), and the sign, ±1.
	regress func(class int, around *[features]int32, plane int, sign float64)
	// ended, where set, is told when all coefficients of a band have been coded in the plane b.open.
	ended func(b *band)
}

func (r *run) marks(b *band, y int) []uint16 {
	if b == nil {
		return r.unsigned
	}
	return b.mark[(y+pad)*b.stride:][:b.stride]
}

func (r *run) signs(b *band, y int) []int16 {
	if b == nil {
		return r.nothing
	}
	return b.signed[(y+pad)*b.stride:][:b.stride]
}

// relatives are rows of the bands related to a band.
type relatives struct {
	parent         []uint16
	sibling, other [2][]uint16
}

func (r *run) relatives(b *band, y int) relatives {
	return relatives{
		parent:  r.marks(b.parent, y>>1),
		sibling: [2][]uint16{r.marks(b.siblings[0], y), r.marks(b.siblings[1], y)},
		other:   [2][]uint16{r.marks(b.others[0], y), r.marks(b.others[1], y)},
	}
}

// surroundings are the marks around a coefficient, in units of half the plane's step: 0 is unknown or zero, 3 became
// significant in this plane.
type surroundings struct {
	west, east, north, south int32
	diagonals                int32 // sum of four
	far                      int32 // sum of the four at a distance of 2
	along, across            int32 // sums of the direct neighbours along the edges that the band responds to and across them
	parent, uncles           int32
	sibling, other           [2]int32
	otherNear                int32
}

// look fills s for column x of a row of b that starts at index base.
func (s *surroundings) look(b *band, base, x int, plane uint, rel *relatives) {
	plane &= 15
	m, i, n := b.mark, base+x, b.stride
	up, here, below := (*[3]uint16)(m[i-n-1:]), (*[5]uint16)(m[i-2:]), (*[3]uint16)(m[i+n-1:])
	s.west, s.east = int32(here[1]>>plane), int32(here[3]>>plane)
	s.north, s.south = int32(up[1]>>plane), int32(below[1]>>plane)
	s.diagonals = int32(up[0]>>plane) + int32(up[2]>>plane) + int32(below[0]>>plane) + int32(below[2]>>plane)
	s.along, s.across = s.north+s.south, s.west+s.east
	if b.orient == down {
		s.along, s.across = s.across, s.along
	}
	s.distant(b, i, x, plane, rel)
}

// distant fills all but the eight neighbours.
func (s *surroundings) distant(b *band, i, x int, plane uint, rel *relatives) {
	plane &= 15
	m, n := b.mark, b.stride
	s.far = int32(m[i-2]>>plane) + int32(m[i+2]>>plane) + int32(m[i-2*n]>>plane) + int32(m[i+2*n]>>plane)
	up := (*[3]uint16)(rel.parent[x>>1+pad-1:])
	s.parent, s.uncles = int32(up[1]>>plane), int32(up[0]>>plane)+int32(up[2]>>plane)
	s.sibling = [2]int32{int32(rel.sibling[0][x+pad] >> plane), int32(rel.sibling[1][x+pad] >> plane)}
	luma := (*[3]uint16)(rel.other[0][x+pad-1:])
	s.other = [2]int32{int32(luma[1] >> plane), int32(rel.other[1][x+pad] >> plane)}
	s.otherNear = int32(luma[0]>>plane) + int32(luma[2]>>plane)
}

// family is a context of 3·4·4·5·5: what is known at the same place in the related bands.
func (s *surroundings) family(g group) int32 {
	siblings := min(coarse(s.sibling[0]), 3)*4 + min(coarse(s.sibling[1]), 3)
	return ((g.colour*16+siblings)*5+coarse(s.other[0]))*5 + coarse(s.other[1])
}

// shape merges the two directions of edges.
var shape = [orientations]int32{2, 0, 0, 1}

// group says which statistics a band shares in tables that do not tell all classes apart.
type group struct {
	class  int32 // all apart
	colour int32
	chroma int32 // 0 for luma, 1
	shape  int32 // colour and shape, 9 in all
	form   int32 // shape alone
	level  int32 // 0 to 3
}

func (b *band) group() group {
	c, o := int32(b.colour), shape[b.orient]
	return group{int32(b.class()), c, min(c, 1), c*3 + o, o, int32(min(max(b.level-1, 0), 3))}
}

func (r *run) significance(b *band, plane, kind int) {
	g := b.group()
	now := uint8(plane + 1)
	var s surroundings
	for y := range b.height {
		rel := r.relatives(b, y)
		base := b.at(0, y)
		near := b.near[base:][:b.width]
		mark, seen := b.mark[base:][:len(near)], b.seen[base:][:len(near)]
		for x, n := range near {
			switch kind {
			case busy:
				if n < busyFrom {
					continue
				}
			case warm:
				if n == 0 && rel.parent[x>>1+pad]|rel.other[0][x+pad] == 0 {
					continue
				}
			}
			if mark[x] != 0 || seen[x] == now {
				continue
			}
			seen[x] = now
			var v int32
			if b.value != nil {
				v = b.value[base+x]
			}
			bit := 0
			if max(v, -v)>>plane != 0 {
				bit = 1
			}
			if n == 0 {
				s = surroundings{}
				s.distant(b, base+x, x, uint(plane), &rel)
				bit = r.lonely(&s, g, plane, bit)
			} else {
				s.look(b, base, x, uint(plane), &rel)
				bit = r.neighboured(&s, g, plane, bit)
			}
			if bit != 0 && !r.coder.Done {
				r.found(b, base+x, x, y, plane, g, v < 0)
			}
			if r.coder.Done {
				return
			}
		}
	}
}

// lonely codes whether a coefficient becomes significant none of whose neighbours is.
func (r *run) lonely(s *surroundings, g group, plane, bit int) int {
	all := s.far + 2*s.parent + s.uncles + 2*(s.sibling[0]+s.sibling[1]) + 3*s.other[0] + 2*s.other[1] + s.otherNear
	c := &r.cell
	if all == 0 {
		c[0] = int32(silentBase[0]) + g.class*planes + int32(plane)
		return r.alone(bit)
	}
	c[0] = int32(lonelyBase[0]) + (g.class*planes+int32(plane))*4 + min(coarse(s.far), 3)
	c[1] = int32(lonelyBase[1]) + (g.shape*4+g.level)*24 + fine(2*all, 23)
	c[2] = int32(lonelyBase[2]) + ((g.shape*4+min(coarse(s.parent), 3))*4+min(coarse(s.uncles), 3))*4 + min(coarse(s.far), 3)
	c[3] = int32(lonelyBase[3]) + s.family(g)
	return r.decide4(lonelySets+int(g.shape*4+g.level), bit)
}

// neighboured codes whether another coefficient becomes significant.
func (r *run) neighboured(s *surroundings, g group, plane, bit int) int {
	nearby := 3*s.along + 2*s.across + s.diagonals + s.far>>1
	all := 2*nearby + 2*s.parent + s.uncles + 2*(s.sibling[0]+s.sibling[1]) + 3*s.other[0] + 2*s.other[1] + s.otherNear
	c := &r.cell
	c[0] = int32(closeBase[0]) + (g.class*planes+int32(plane))*16 + fine(nearby, 15)
	c[1] = int32(closeBase[1]) + (((g.form*2+g.chroma)*7+seventh(s.along))*7+seventh(s.across))*7 + seventh(s.diagonals)
	c[2] = int32(closeBase[2]) + (g.shape*4+g.level)*24 + fine(2*all, 23)
	c[3] = int32(closeBase[3]) + ((g.shape*5+coarse(s.parent))*5+coarse(s.uncles))*8 + fine(nearby, 15)/2
	c[4] = int32(closeBase[4]) + s.family(g)*5 + coarse(nearby/2)
	c[5] = int32(closeBase[5]) + ((((((g.form*2+g.chroma)*3+age(s.west))*3+age(s.east))*3+age(s.north))*3+age(s.south))*4+
		min(coarse(s.diagonals), 3))*4 + min(coarse(s.far), 3)
	return r.decide6(closeSets+int(g.shape*4+g.level), bit)
}

// found codes the sign of coefficient i and marks it.
func (r *run) found(b *band, i, x, y, plane int, g group, negative bool) {
	v, n := b.signed, b.stride
	luma, orange, parent := r.signs(b.others[0], y)[x+pad], r.signs(b.others[1], y)[x+pad], r.signs(b.parent, y>>1)[x>>1+pad]
	sides := ((three(v[i-1])*3+three(v[i+1]))*3+three(v[i-n]))*3 + three(v[i+n])
	corners := ((three(v[i-n-1])*3+three(v[i-n+1]))*3+three(v[i+n-1]))*3 + three(v[i+n+1])
	guess := bend(r.predict(b, i, x, y, plane))
	form := g.colour*orientations + int32(b.orient)
	c := &r.cell
	c[0] = int32(signBase[0]) + form*81 + sides
	c[1] = int32(signBase[1]) + g.class*27 + (three(luma)*3+three(orange))*3 + three(parent)
	c[2] = int32(signBase[2]) + g.class*15 + guess
	c[3] = int32(signBase[3]) + form*81 + corners
	c[4] = int32(signBase[4]) + (g.colour*15+guess)*5 + five(int32(luma)>>plane)
	bit := 0
	if negative {
		bit = 1
	}
	if r.regress != nil {
		r.regress(int(g.class), &r.feature, plane, float64(1-2*bit))
	}
	bit = r.decide5(signSets+int(form), bit)
	if r.coder.Done {
		return
	}
	b.found++
	b.mark[i] = firstMark << plane
	v[i] = int16(firstMark<<plane) * int16(1-2*bit)
	m := b.near
	m[i-1] += 2
	m[i+1] += 2
	m[i-n] += 2
	m[i+n] += 2
	m[i-n-1]++
	m[i-n+1]++
	m[i+n-1]++
	m[i+n+1]++
}

func (r *run) refine(b *band, plane int) {
	g := b.group()
	half := uint16(1) << plane
	var s surroundings
	for y := range b.height {
		rel := r.relatives(b, y)
		base := b.at(0, y)
		marks := b.mark[base:][:b.width]
		for x, k := range marks {
			if k == 0 || k&half != 0 {
				continue
			}
			i := base + x
			bit := 0
			if b.value != nil {
				v := b.value[i]
				bit = int(max(v, -v)>>plane) & 1
			}
			own := int32(k >> plane)
			if own >= lateMark {
				r.cell[0] = int32(lateBase[0]) + g.class*planes + int32(plane)
				bit = r.alone(bit)
			} else {
				s.look(b, base, x, uint(plane), &rel)
				bit = r.early(&s, g, plane, own, bit)
			}
			if r.coder.Done {
				return
			}
			if bit != 0 {
				k += half
			} else {
				k -= half
			}
			marks[x] = k
			if b.signed[i] < 0 {
				b.signed[i] = -int16(k)
			} else {
				b.signed[i] = int16(k)
			}
		}
	}
}

// lateMark is the mark, in units of half the plane's step, from which on a bit is no longer the first or second after the
// highest: nothing around tells it.
const lateMark = 16

// early codes the first or second bit after the highest, of a coefficient with the mark own in units of half the plane's step.
func (r *run) early(s *surroundings, g group, plane int, own int32, bit int) int {
	nearby := 3*s.along + 2*s.across + s.diagonals
	all := nearby + s.parent + s.sibling[0] + s.sibling[1] + s.other[0] + s.other[1]
	second := own >> 3 & 1
	kind := g.shape*2 + second
	c := &r.cell
	c[0] = int32(refineBase[0]) + (g.class*planes+int32(plane))*2 + second
	c[1] = int32(refineBase[1]) + kind*16 + fine(nearby, 15)
	c[2] = int32(refineBase[2]) + kind*16 + min(all*2/own, 15)
	c[3] = int32(refineBase[3]) + ((g.shape*5+coarse(s.other[0]))*5+coarse(s.parent))*5 + coarse(max(s.sibling[0], s.sibling[1]))
	return r.decide4(refineSets+int(kind), bit)
}

// features is the number of inputs of the linear prediction.
const features = 19

// predict returns the linear prediction of coefficient i from what is known around it, in eighths of the plane's step.
func (r *run) predict(b *band, i, x, y, plane int) int32 {
	f, v, n := &r.feature, b.signed, b.stride
	up, here, below := (*[3]int16)(v[i-n-1:]), (*[5]int16)(v[i-2:]), (*[3]int16)(v[i+n-1:])
	f[0], f[1], f[2], f[3] = int32(here[1]), int32(here[3]), int32(up[1]), int32(below[1])
	f[4], f[5], f[6], f[7] = int32(up[0]), int32(up[2]), int32(below[0]), int32(below[2])
	f[8], f[9], f[10], f[11] = int32(here[0]), int32(here[4]), int32(v[i-2*n]), int32(v[i+2*n])
	f[12], f[13], f[14] = 0, 0, 0
	if p := b.parent; p != nil {
		j := p.at(x>>1, y>>1)
		f[12] = int32(p.signed[j])
		f[13] = int32(p.signed[j-1+2*(x&1)])
		f[14] = int32(p.signed[j+(2*(y&1)-1)*p.stride])
	}
	f[15] = int32(r.signs(b.others[0], y)[x+pad])
	f[16] = int32(r.signs(b.others[1], y)[x+pad])
	f[17] = int32(r.signs(b.siblings[0], y)[x+pad])
	f[18] = int32(r.signs(b.siblings[1], y)[x+pad])
	w := &r.linear[b.class()]
	sum := int32(0)
	for k, v := range f {
		sum += v * int32(w[k])
	}
	return sum >> 6 >> plane // a step is 2 in marks, and weights are of 256
}

// Quantisers of sums of marks.

var logTable = func() (t [1024]uint8) {
	// 2·log2(v+1), rounded down: the largest n with 2^n <= (v+1)².
	for v := range t {
		t[v] = uint8(bits.Len(uint((v+1)*(v+1))) - 1)
	}
	return t
}()

// fine has two steps an octave, at most most.
func fine(v, most int32) int32 { return min(int32(logTable[min(v, 1023)]), most) }

var coarseTable = func() (t [32]uint8) {
	for v := range t {
		switch {
		case v == 0:
		case v <= 4:
			t[v] = 1
		case v <= 10:
			t[v] = 2
		case v <= 24:
			t[v] = 3
		default:
			t[v] = 4
		}
	}
	return t
}()

// coarse has five steps.
func coarse(v int32) int32 { return int32(coarseTable[min(v, 31)]) }

var seventhTable = func() (t [64]uint8) {
	for v := range t {
		t[v] = min(min(logTable[v], 9)*3/4, 6)
	}
	return t
}()

// seventh has seven steps.
func seventh(v int32) int32 { return int32(seventhTable[min(v, 63)]) }

// age tells insignificant, significant since this plane, and significant for longer.
func age(v int32) int32 {
	if v == 0 {
		return 0
	}
	if v <= 4 {
		return 1
	}
	return 2
}

// three is the sign of v plus 1.
func three(v int16) int32 {
	switch {
	case v < 0:
		return 0
	case v > 0:
		return 2
	}
	return 1
}

// five tells signs and two sizes apart.
func five(v int32) int32 {
	switch {
	case v < -6:
		return 0
	case v < 0:
		return 1
	case v == 0:
		return 2
	case v <= 6:
		return 3
	}
	return 4
}

// bend has fifteen steps, narrow around 0.
func bend(v int32) int32 {
	n := int32(0)
	for _, edge := range [...]int32{1, 2, 3, 5, 8, 12, 18} {
		if max(v, -v) < edge {
			break
		}
		n++
	}
	if v < 0 {
		return 7 - n
	}
	return 7 + n
}
