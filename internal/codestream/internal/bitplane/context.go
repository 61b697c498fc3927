package bitplane

import (
	"context"
	"encoding/binary"
	"math/bits"
)

// run is what one run of coding works with.
type run struct {
	*model
	feature [features]int32
	colours int // of the picture
	begun   int // coefficients of the bands that have begun
	// Rows of bands that do not exist or are unknown.
	nothing  []int16
	unsigned []uint16
	// regress, where set, is told of every sign: what is around it in units of 2^−(plane+1), and the sign, ±1.
	regress func(class int, around *[features]int32, plane int, sign float64)
	// replay, where set, takes the decisions in place of the model.
	replay *replay
	// ended, where set, is told when all coefficients of a band have been coded in the plane b.open.
	ended func(b *band)
}

func (r *run) marks(b *band, y int) []uint16 {
	if b == nil || b.mark == nil {
		return r.unsigned
	}
	return b.mark[(y+pad)*b.stride:][:b.stride]
}

func (r *run) signs(b *band, y int) []int16 {
	if b == nil || b.mark == nil {
		return r.nothing
	}
	return b.signed[(y+pad)*b.stride:][:b.stride]
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

// site is what the contexts of one pass have in common, and the rows around the one that is being coded.
type site struct {
	*band
	plane uint
	// The cells that the tables of a pass begin with.
	close          [6]int32
	lonely         [4]int32
	sign           [5]int32
	refine         [2][4]int32 // for the first bit after the highest and for the second
	silent, late   uint16
	weighClose     *[inputs]int32
	weighLonely    *[inputs]int32
	weighSign      *[inputs]int32
	weighRefine    [2]*[inputs]int32
	turned         bool // edges lie along rows
	base           int  // of the row: the index of its first coefficient
	above          []uint16
	sibling, other [2][]uint16
	luma, orange   []int16
	parents        []int16
	kin            [2][]int16 // the siblings
	line           *[features]int16
}

func (r *run) site(b *band, plane int) *site {
	g, p := b.group(), int32(plane)
	base := func(table int, offset int32) int32 { return int32(table) + offset }
	s := &site{band: b, plane: uint(plane), turned: b.orient == down, line: &r.prior.linear[g.class]}
	s.close = [6]int32{
		base(closeBase[0], (g.class*planes+p)*16), base(closeBase[1], (g.form*2+g.chroma)*343), base(closeBase[2], (g.shape*4+g.level)*24),
		base(closeBase[3], g.shape*200), base(closeBase[4], g.colour*2000), base(closeBase[5], (g.form*2+g.chroma)*1296),
	}
	s.lonely = [4]int32{
		base(lonelyBase[0], (g.class*planes+p)*4), base(lonelyBase[1], (g.shape*4+g.level)*24), base(lonelyBase[2], g.shape*64),
		base(lonelyBase[3], g.colour*400),
	}
	form := g.colour*orientations + int32(b.orient)
	s.sign = [5]int32{
		base(signBase[0], form*81), base(signBase[1], g.class*27), base(signBase[2], g.class*15), base(signBase[3], form*81),
		base(signBase[4], g.colour*75),
	}
	for second := range int32(2) {
		kind := g.shape*2 + second
		s.refine[second] = [4]int32{
			base(refineBase[0], (g.class*planes+p)*2+second), base(refineBase[1], kind*16), base(refineBase[2], kind*16),
			base(refineBase[3], g.shape*125),
		}
		s.weighRefine[second] = &r.weights[refineSets+kind]
	}
	s.silent, s.late = uint16(silentBase[0]+int(g.class*planes+p)), uint16(lateBase[0]+int(g.class*planes+p))
	s.weighClose, s.weighLonely = &r.weights[closeSets+g.shape*4+g.level], &r.weights[lonelySets+g.shape*4+g.level]
	s.weighSign = &r.weights[signSets+form]
	return s
}

// row goes to a row of the band.
func (s *site) row(r *run, y int) {
	s.base = s.at(0, y)
	s.above = r.marks(s.parent, y>>1)
	s.sibling = [2][]uint16{r.marks(s.siblings[0], y), r.marks(s.siblings[1], y)}
	s.other = [2][]uint16{r.marks(s.others[0], y), r.marks(s.others[1], y)}
	s.luma, s.orange, s.parents = r.signs(s.others[0], y), r.signs(s.others[1], y), r.signs(s.parent, y>>1)
	s.kin = [2][]int16{r.signs(s.siblings[0], y), r.signs(s.siblings[1], y)}
}

// Eight bytes at once: the highest bits of all, and the number 1 in all.
const (
	highs = 0x8080808080808080
	ones  = 0x0101010101010101
)

// eight loads eight bytes.
func eight(b []uint8) uint64 { return binary.LittleEndian.Uint64(b) }

// significance makes a pass of one of the kinds busy, warm and cold.
func (r *run) significance(ctx context.Context, b *band, plane, kind int) error {
	now := uint8(planes - plane)
	s := r.site(b, plane)
	for y := range b.height {
		if err := ctx.Err(); err != nil {
			return err
		}
		base, ready := b.at(0, y), false
		near, seen := b.near[base:][:b.width+spare], b.seen[base:][:b.width+spare]
		for start := 0; start < b.width; start += 8 {
			// The highest bits of those that have not been coded in this plane. Counts do not reach these bits.
			todo := ^(eight(seen[start:]) | highs - uint64(now)*ones) & highs
			if left := b.width - start; left < 8 {
				todo &= 1<<(8*left) - 1
			}
			if kind == busy {
				todo &= eight(near[start:]) + (128-busyFrom)*ones
			}
			if todo == 0 {
				continue
			}
			if !ready {
				s.row(r, y)
				ready = true
			}
			if kind != warm && r.replay != nil && r.replay.zeros(s, start, todo) {
				for ; todo != 0; todo &= todo - 1 {
					seen[start+bits.TrailingZeros64(todo)>>3] = now
				}
				continue
			}
			if eight(near[start:]) == 0 {
				if kind == warm && !s.related(start) {
					continue
				}
				if kind == cold && r.replay == nil && r.observe == nil && s.desolate(start) {
					if todo = r.desolate(s, start, y, todo, now); r.coder.Done {
						return nil
					}
				}
			}
			for todo != 0 {
				k := bits.TrailingZeros64(todo) >> 3
				todo &= todo - 1
				x := start + k
				n := near[x]
				if kind == warm && n == 0 && s.above[x>>1+pad]|s.other[0][x+pad] == 0 {
					continue
				}
				seen[x] = now
				found := r.significant(s, x, y, n)
				if r.coder.Done {
					return nil
				}
				if found && kind == busy { // what lies ahead may be busy now
					todo = ^(eight(seen[start:]) | highs - uint64(now)*ones) & highs & (eight(near[start:]) + (128-busyFrom)*ones)
					todo &= 1<<(8*min(b.width-start, 8)) - 1
					todo &^= 1<<(8*k+8) - 1
				}
			}
		}
	}
	return nil
}

// desolate reports whether nothing is known that lonely looks at in eight columns none of which has a neighbour. What it looks at beyond
// the ends of rows makes it say no at worst.
func (s *site) desolate(start int) bool {
	i, n := s.base+start, 2*s.stride
	above, below := (*[8]uint16)(s.mark[i-n:]), (*[8]uint16)(s.mark[i+n:])
	any := s.mark[i-2] | s.mark[i+9]
	luma := (*[10]uint16)(s.other[0][start+pad-1:][:10])
	any |= luma[8] | luma[9]
	others := [3]*[8]uint16{
		(*[8]uint16)(s.sibling[0][start+pad:][:8]), (*[8]uint16)(s.sibling[1][start+pad:][:8]), (*[8]uint16)(s.other[1][start+pad:][:8]),
	}
	for k := range above {
		any |= above[k] | below[k] | luma[k] | others[0][k] | others[1][k] | others[2][k]
	}
	for _, v := range (*[6]uint16)(s.above[start>>1+pad-1:][:6]) {
		any |= v
	}
	return any == 0
}

// desolate codes those of eight columns that are to do, up to the first that becomes significant or further, and returns the others.
func (r *run) desolate(s *site, start, y int, todo uint64, now uint8) uint64 {
	first := 8
	if s.value != nil {
		first = s.zeros(start, todo)
	}
	zeros, one := r.coder.Zeros(&r.cells[s.silent], bits.OnesCount64(todo), first)
	for range zeros {
		s.seen[s.base+start+bits.TrailingZeros64(todo)>>3] = now
		todo &= todo - 1
	}
	if one {
		x := start + bits.TrailingZeros64(todo)>>3
		todo &= todo - 1
		s.seen[s.base+x] = now
		if !r.coder.Done {
			r.found(s, x, y, s.value != nil && s.value[s.base+x] < 0)
		}
	}
	return todo
}

// zeros returns how many of the columns of todo, from the first on, are not significant in this plane.
func (s *site) zeros(start int, todo uint64) (n int) {
	value := (*[8]int16)(s.value[s.base+start:])
	for ; todo != 0; todo &= todo - 1 {
		if v := value[bits.TrailingZeros64(todo)>>3&7]; max(v, -v)>>s.plane != 0 {
			return n
		}
		n++
	}
	return n
}

// related reports whether eight columns may have parents or luma.
func (s *site) related(start int) bool {
	up, luma := s.above[start>>1+pad:], s.other[0][start+pad:]
	for i := range min(len(up), 4) {
		if up[i] != 0 {
			return true
		}
	}
	for i := range min(len(luma), 8) {
		if luma[i] != 0 {
			return true
		}
	}
	return false
}

// significant codes whether the coefficient in column x becomes significant, n of whose neighbours are, and its sign.
func (r *run) significant(s *site, x, y int, n uint8) bool {
	var v int16
	if s.value != nil {
		v = s.value[s.base+x]
	}
	bit := 0
	if max(v, -v)>>s.plane != 0 {
		bit = 1
	}
	switch {
	case r.replay != nil:
		if r.replay.take(r.coder) && bit != 0 && r.replay.take(r.coder) {
			s.put(x, v < 0)
			return true
		}
		return false
	case n == 0:
		bit = r.lonely(s, x, bit)
	default:
		bit = r.neighboured(s, x, bit)
	}
	if bit == 0 || r.coder.Done {
		return false
	}
	r.found(s, x, y, v < 0)
	return true
}

// Marks around a coefficient are taken in units of half the plane's step: 0 is unknown or zero, 3 became significant in this
// plane. Far are the four at a distance of 2; parent, uncles, siblings and others are at the same place in the related bands.

// lonely codes whether a coefficient becomes significant none of whose neighbours is.
func (r *run) lonely(s *site, x, bit int) int {
	p, n, i := s.plane&15, s.stride, s.base+x
	m := s.mark
	up := (*[3]uint16)(s.above[x>>1+pad-1:])
	luma := (*[3]uint16)(s.other[0][x+pad-1:])
	far := int32(m[i-2]>>p) + int32(m[i+2]>>p) + int32(m[i-2*n]>>p) + int32(m[i+2*n]>>p)
	parent, uncles := int32(up[1]>>p), int32(up[0]>>p)+int32(up[2]>>p)
	sibling0, sibling1 := int32(s.sibling[0][x+pad]>>p), int32(s.sibling[1][x+pad]>>p)
	other0, other1 := int32(luma[1]>>p), int32(s.other[1][x+pad]>>p)
	all := far + 2*parent + uncles + 2*(sibling0+sibling1) + 3*other0 + 2*other1 + int32(luma[0]>>p) + int32(luma[2]>>p)
	if all == 0 {
		return r.alone(s.silent, bit)
	}
	distance := coarse4(far)
	return r.decide4(s.weighLonely, bit,
		uint16(s.lonely[0]+distance),
		uint16(s.lonely[1]+fine(2*all)),
		uint16(s.lonely[2]+(coarse4(parent)*4+coarse4(uncles))*4+distance),
		uint16(s.lonely[3]+family(sibling0, sibling1, other0, other1)))
}

// family tells apart 4·4·5·5 kinds of what is known at the same place in the related bands.
func family(sibling0, sibling1, other0, other1 int32) int32 {
	return ((coarse4(sibling0)*4+coarse4(sibling1))*5+coarse(other0))*5 + coarse(other1)
}

// neighboured codes whether another coefficient becomes significant.
func (r *run) neighboured(s *site, x, bit int) int {
	p, n, i := s.plane&15, s.stride, s.base+x
	m := s.mark
	up, here, below := (*[3]uint16)(m[i-n-1:]), (*[5]uint16)(m[i-2:]), (*[3]uint16)(m[i+n-1:])
	west, east, north, south := int32(here[1]>>p), int32(here[3]>>p), int32(up[1]>>p), int32(below[1]>>p)
	diagonals := int32(up[0]>>p) + int32(up[2]>>p) + int32(below[0]>>p) + int32(below[2]>>p)
	far := int32(here[0]>>p) + int32(here[4]>>p) + int32(m[i-2*n]>>p) + int32(m[i+2*n]>>p)
	// The direct neighbours along the edges that the band responds to, and across them.
	along, across := north+south, west+east
	if s.turned {
		along, across = across, along
	}
	above, luma := (*[3]uint16)(s.above[x>>1+pad-1:]), (*[3]uint16)(s.other[0][x+pad-1:])
	parent, uncles := int32(above[1]>>p), int32(above[0]>>p)+int32(above[2]>>p)
	sibling0, sibling1 := int32(s.sibling[0][x+pad]>>p), int32(s.sibling[1][x+pad]>>p)
	other0, other1 := int32(luma[1]>>p), int32(s.other[1][x+pad]>>p)
	nearby := 3*along + 2*across + diagonals + far>>1
	all := 2*nearby + 2*parent + uncles + 2*(sibling0+sibling1) + 3*other0 + 2*other1 + int32(luma[0]>>p) + int32(luma[2]>>p)
	around := min(fine(nearby), 15)
	return r.decide6(s.weighClose, bit,
		uint16(s.close[0]+around),
		uint16(s.close[1]+(seventh(along)*7+seventh(across))*7+seventh(diagonals)),
		uint16(s.close[2]+fine(2*all)),
		uint16(s.close[3]+(coarse(parent)*5+coarse(uncles))*8+around>>1),
		uint16(s.close[4]+family(sibling0, sibling1, other0, other1)*5+coarse(nearby>>1)),
		uint16(s.close[5]+((((age(west)*3+age(east))*3+age(north))*3+age(south))*4+coarse4(diagonals))*4+coarse4(far)))
}

// found codes the sign of the coefficient in column x and marks it.
func (r *run) found(s *site, x, y int, negative bool) {
	v, n, i := s.signed, s.stride, s.base+x
	up, here, below := (*[3]int16)(v[i-n-1:]), (*[3]int16)(v[i-1:]), (*[3]int16)(v[i+n-1:])
	luma := s.luma[x+pad]
	guess := bend(r.predict(s, x, y))
	bit := 0
	if negative {
		bit = 1
	}
	if r.regress != nil {
		r.regress(s.class(), &r.feature, int(s.plane), float64(1-2*bit))
	}
	bit = r.decide5(s.weighSign, bit,
		uint16(s.sign[0]+((three(here[0])*3+three(here[2]))*3+three(up[1]))*3+three(below[1])),
		uint16(s.sign[1]+(three(luma)*3+three(s.orange[x+pad]))*3+three(s.parents[x>>1+pad])),
		uint16(s.sign[2]+guess),
		uint16(s.sign[3]+((three(up[0])*3+three(up[2]))*3+three(below[0]))*3+three(below[2])),
		uint16(s.sign[4]+guess*5+five(int32(luma)>>(s.plane&15))))
	if !r.coder.Done {
		s.put(x, bit != 0)
	}
}

// put marks the coefficient in column x as significant in this plane.
func (s *site) put(x int, negative bool) {
	n, i := s.stride, s.base+x
	s.found++
	s.seen[i] = significant
	s.mark[i] = firstMark << s.plane
	s.signed[i] = int16(firstMark << s.plane)
	if negative {
		s.signed[i] = -s.signed[i]
	}
	m := s.near
	m[i-1] += 2
	m[i+1] += 2
	m[i-n] += 2
	m[i+n] += 2
	m[i-n-1]++
	m[i-n+1]++
	m[i+n-1]++
	m[i+n+1]++
}

// refine makes a pass that codes one more bit of the coefficients that are significant.
func (r *run) refine(ctx context.Context, b *band, plane int) error {
	half := uint16(1) << plane
	s := r.site(b, plane)
	for y := range b.height {
		if err := ctx.Err(); err != nil {
			return err
		}
		base, ready := b.at(0, y), false
		seen := b.seen[base:][:b.width+spare]
		for start := 0; start < b.width; start += 8 {
			todo := eight(seen[start:]) & highs
			if left := b.width - start; left < 8 {
				todo &= 1<<(8*left) - 1
			}
			for ; todo != 0; todo &= todo - 1 {
				i := base + start + bits.TrailingZeros64(todo)>>3
				k := b.mark[i]
				if k&half != 0 { // it became significant in this plane
					continue
				}
				if !ready {
					s.row(r, y)
					ready = true
				}
				bit := 0
				if b.value != nil {
					v := b.value[i]
					bit = int(max(v, -v)>>plane) & 1
				}
				own := int32(k >> plane)
				if r.replay != nil {
					r.replay.take(r.coder)
				} else if own >= lateMark {
					bit = r.alone(s.late, bit)
				} else {
					bit = r.early(s, i-base, own, bit)
				}
				if r.coder.Done {
					return nil
				}
				k += uint16(2*bit-1) * half
				b.mark[i] = k
				sign := b.signed[i] >> 15 // 0 or −1; branches could only be guessed
				b.signed[i] = int16(k) * (1 + 2*sign)
			}
		}
	}
	return nil
}

// lateMark is the mark, in units of half the plane's step, from which on a bit is no longer the first or second after the
// highest: nothing around tells it.
const lateMark = 16

// early codes the first or second bit after the highest, of a coefficient with the mark own in units of half the plane's step.
func (r *run) early(s *site, x int, own int32, bit int) int {
	p, n, i := s.plane&15, s.stride, s.base+x
	m := s.mark
	up, here, below := (*[3]uint16)(m[i-n-1:]), (*[3]uint16)(m[i-1:]), (*[3]uint16)(m[i+n-1:])
	along, across := int32(up[1]>>p)+int32(below[1]>>p), int32(here[0]>>p)+int32(here[2]>>p)
	if s.turned {
		along, across = across, along
	}
	parent := int32(s.above[x>>1+pad] >> p)
	sibling0, sibling1 := int32(s.sibling[0][x+pad]>>p), int32(s.sibling[1][x+pad]>>p)
	other0, other1 := int32(s.other[0][x+pad]>>p), int32(s.other[1][x+pad]>>p)
	nearby := 3*along + 2*across + int32(up[0]>>p) + int32(up[2]>>p) + int32(below[0]>>p) + int32(below[2]>>p)
	all := nearby + parent + sibling0 + sibling1 + other0 + other1
	second := own >> 3 & 1
	c := &s.refine[second]
	return r.decide4(s.weighRefine[second], bit,
		uint16(c[0]),
		uint16(c[1]+min(fine(nearby), 15)),
		uint16(c[2]+min(int32(uint32(all)*2/uint32(own)), 15)),
		uint16(c[3]+(coarse(other0)*5+coarse(parent))*5+coarse(max(sibling0, sibling1))))
}

// features is the number of inputs of the linear prediction.
const features = 19

// predict returns the linear prediction of the coefficient in column x from what is known around it, in eighths of the plane's
// step.
func (r *run) predict(s *site, x, y int) int32 {
	f, v, n, i := &r.feature, s.signed, s.stride, s.base+x
	up, here, below := (*[3]int16)(v[i-n-1:]), (*[5]int16)(v[i-2:]), (*[3]int16)(v[i+n-1:])
	f[0], f[1], f[2], f[3] = int32(here[1]), int32(here[3]), int32(up[1]), int32(below[1])
	f[4], f[5], f[6], f[7] = int32(up[0]), int32(up[2]), int32(below[0]), int32(below[2])
	f[8], f[9], f[10], f[11] = int32(here[0]), int32(here[4]), int32(v[i-2*n]), int32(v[i+2*n])
	f[12], f[13], f[14] = 0, 0, 0
	if p := s.parent; p != nil && p.mark != nil {
		j := p.at(x>>1, y>>1)
		f[12] = int32(p.signed[j])
		f[13] = int32(p.signed[j-1+2*(x&1)])
		f[14] = int32(p.signed[j+(2*(y&1)-1)*p.stride])
	}
	f[15], f[16] = int32(s.luma[x+pad]), int32(s.orange[x+pad])
	f[17], f[18] = int32(s.kin[0][x+pad]), int32(s.kin[1][x+pad])
	w := s.line
	sum := int32(0)
	for k, v := range f {
		sum += v * int32(w[k])
	}
	return sum >> 6 >> s.plane // a step is 2 in marks, and weights are of 256
}

// Quantisers of sums of marks.

var logTable = func() (t [1024]uint8) {
	// 2·log2(v+1), rounded down: the largest n with 2^n <= (v+1)².
	for v := range t {
		t[v] = uint8(bits.Len(uint((v+1)*(v+1))) - 1)
	}
	return t
}()

// fine has two steps an octave, 0 to 20.
func fine(v int32) int32 { return int32(logTable[min(uint32(v), 1023)]) }

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
func coarse(v int32) int32 { return int32(coarseTable[min(uint32(v), 31)]) }

// coarse4 has the first four of them.
func coarse4(v int32) int32 { return int32(coarse4Table[min(uint32(v), 31)]) }

var coarse4Table = func() (t [32]uint8) {
	for v, n := range coarseTable {
		t[v] = min(n, 3)
	}
	return t
}()

var seventhTable = func() (t [64]uint8) {
	for v := range t {
		t[v] = min(min(logTable[v], 9)*3/4, 6)
	}
	return t
}()

// seventh has seven steps.
func seventh(v int32) int32 { return int32(seventhTable[min(uint32(v), 63)]) }

var ageTable = [8]uint8{0, 1, 1, 1, 1, 2, 2, 2}

// age tells insignificant, significant since this plane, and significant for longer.
func age(v int32) int32 { return int32(ageTable[min(uint32(v), 7)]) }

// three is the sign of v plus 1.
func three(v int16) int32 { return 1 + int32(v>>15) + int32(uint16(-v)>>15) }

// five tells signs and two sizes apart.
func five(v int32) int32 { return int32(fiveTable[min(max(v, -7), 7)+7]) }

var fiveTable = [15]uint8{0, 1, 1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3, 4}

// bend has fifteen steps, narrow around 0.
func bend(v int32) int32 { return int32(bendTable[min(max(v, -18), 18)+18]) }

var bendTable = func() (t [37]uint8) {
	for i := range t {
		v, n := i-18, 0
		for _, edge := range [...]int{1, 2, 3, 5, 8, 12, 18} {
			if max(v, -v) >= edge {
				n++
			}
		}
		if v < 0 {
			n = -n
		}
		t[i] = uint8(7 + n)
	}
	return t
}()
