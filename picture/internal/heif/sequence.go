package heif

// sequence is what is of use here of a sequence parameter set of HEVC (ITU-T H.265, section 7.3.2.2).
type sequence struct {
	chroma                      int // 0 none, 1 half across and down, 2 half across, 3 whole
	width, height               int // of what is shown
	depth                       [2]int
	full                        bool
	primaries, transfer, matrix int
}

// deep reports whether samples take more than 8 bits and come with all of them. Where chroma of half the resolution has a single row or column they come
// with 8, because of what [Deep.mendEdges] needs.
func (s *sequence) deep() bool {
	return s.depth[0] > 8 && (s.chroma != 1 || min(s.width, s.height) > 2)
}

// sequence reads the configuration of an HEVC image.
func (i *item) sequence() (*sequence, error) {
	b, ok := i.property("hvcC")
	c := cursor{b: b}
	c.take(22)
	if ok {
		for range c.u8() {
			kind := c.u8() & 0x3f
			for range c.u16() {
				unit := c.take(int(c.u16()))
				if c.bad {
					break
				}
				if kind == 33 {
					return parseSequence(unit)
				}
			}
		}
	}
	return nil, malformed("an HEVC image has no sequence parameter set")
}

// bits reads bits, and zeros behind their end.
type bits struct {
	b  []byte
	at int // in bits
}

func (r *bits) u(n int) (v int) {
	for range n {
		v <<= 1
		if r.at < 8*len(r.b) {
			v |= int(r.b[r.at/8]>>(7-r.at%8)) & 1
		}
		r.at++
	}
	return v
}

func (r *bits) flag() bool { return r.u(1) == 1 }

// ue reads an unsigned Exp-Golomb code, at most 2²⁴ (section 9.2).
func (r *bits) ue() int {
	zeros := 0
	for !r.flag() {
		if zeros++; zeros > 24 || r.past() {
			r.at = 8*len(r.b) + 1
			return 0
		}
	}
	return 1<<zeros - 1 + r.u(zeros)
}

// past reports whether more was read than there is.
func (r *bits) past() bool { return r.at > 8*len(r.b) }

// parseSequence reads a sequence parameter set with its header of two bytes.
func parseSequence(unit []byte) (*sequence, error) {
	var raw []byte
	for i, b := range unit {
		if i >= 2 && !(b == 3 && i >= 4 && unit[i-1] == 0 && unit[i-2] == 0) {
			raw = append(raw, b)
		}
	}
	r := &bits{b: raw}
	s := &sequence{primaries: unspecified, transfer: unspecified, matrix: unspecified}
	r.u(4)
	layers := r.u(3)
	r.u(1)
	r.profileTierLevel(layers)
	r.ue()
	s.chroma = r.ue()
	separate := s.chroma == 3 && r.flag()
	s.width, s.height = r.ue(), r.ue()
	if r.flag() {
		across, down := 1, 1
		if s.chroma == 1 || s.chroma == 2 {
			across = 2
		}
		if s.chroma == 1 {
			down = 2
		}
		s.width -= across * (r.ue() + r.ue())
		s.height -= down * (r.ue() + r.ue())
	}
	s.depth = [2]int{8 + r.ue(), 8 + r.ue()}
	if r.past() || s.chroma > 3 || separate || s.width < 1 || s.height < 1 || max(s.depth[0], s.depth[1]) > 16 {
		return nil, malformed("a sequence parameter set makes no sense")
	}
	if s.chroma == 0 {
		s.depth[1] = s.depth[0]
	}
	r.colours(s, layers)
	return s, nil
}

// profileTierLevel skips what section 7.3.3 has.
func (r *bits) profileTierLevel(layers int) {
	r.at += 96
	var present [8][2]bool
	for i := range layers {
		present[i] = [2]bool{r.flag(), r.flag()}
	}
	if layers > 0 {
		r.at += 2 * (8 - layers)
	}
	for i := range layers {
		if present[i][0] {
			r.at += 88
		}
		if present[i][1] {
			r.at += 8
		}
	}
}

// colours reads on from the bit depths to the colours in the usability information (annex E), and leaves s as it is if it does not get there.
func (r *bits) colours(s *sequence, layers int) {
	order := r.ue() + 4 // bits of a picture order count
	from := layers
	if r.flag() {
		from = 0
	}
	for range 3 * (layers - from + 1) {
		r.ue()
	}
	for range 6 {
		r.ue()
	}
	if scaled := r.flag(); scaled && r.flag() {
		r.scalingLists()
	}
	r.u(2)
	if r.flag() {
		r.u(8)
		r.ue()
		r.ue()
		r.u(1)
	}
	if !r.referenceSets() {
		return
	}
	if r.flag() {
		for range min(r.ue(), 32) {
			r.at += order + 1
		}
	}
	r.u(2)
	if !r.flag() {
		return
	}
	if r.flag() && r.u(8) == 255 {
		r.u(32)
	}
	if r.flag() {
		r.u(1)
	}
	if !r.flag() {
		return
	}
	r.u(3)
	full := r.flag()
	if r.flag() {
		primaries, transfer, matrix := r.u(8), r.u(8), r.u(8)
		if !r.past() {
			s.primaries, s.transfer, s.matrix = primaries, transfer, matrix
		}
	}
	if !r.past() {
		s.full = full
	}
}

// scalingLists skips section 7.3.4.
func (r *bits) scalingLists() {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6 && !r.past(); matrix += step {
			if !r.flag() {
				r.ue()
				continue
			}
			if size > 1 {
				r.ue()
			}
			for range min(64, 1<<(4+2*size)) {
				r.ue()
			}
		}
	}
}

// referenceSets skips the sets of section 7.3.7, and reports whether they make sense.
func (r *bits) referenceSets() bool {
	n := r.ue()
	if n > 64 {
		return false
	}
	var counts [64]int
	for set := range n {
		if set > 0 && r.flag() {
			r.u(1)
			r.ue()
			for range counts[set-1] + 1 {
				if used := r.flag(); used || r.flag() {
					counts[set]++
				}
			}
		} else {
			counts[set] = r.ue() + r.ue()
			if counts[set] > 16 {
				return false
			}
			for range counts[set] {
				r.ue()
				r.u(1)
			}
		}
		if counts[set] > 16 || r.past() {
			return false
		}
	}
	return true
}
