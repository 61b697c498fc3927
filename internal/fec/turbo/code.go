package turbo

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// The range of information lengths, in bits.
const (
	MinK = 40
	MaxK = 16384
)

// endingGap is how many pairs of parities lie between the inputs of two ending steps.
const endingGap = 4

// memory is the number of cells of a constituent's shift register, and so of the steps that end its trellis.
const memory = 3

// Code is the code for one information length. It is immutable and safe for concurrent use.
type Code struct {
	k    int
	perm []uint16 // step t of constituent 2 reads information bit perm[t]

	// Where each stream lies in transmission order.
	info   []uint32    // [K] information bits
	ends   [2][]uint32 // [constituent][3] inputs of the steps that end the trellis
	first  [2][]uint32 // [constituent][K+3] parity n0
	second [2][]uint32 // [constituent][K+3] parity n1
}

// New returns the code for k information bits, MinK to MaxK.
func New(k int) (*Code, error) {
	if k < MinK || k > MaxK {
		return nil, fmt.Errorf("turbo: %d information bits, want %d to %d", k, MinK, MaxK)
	}
	c := &Code{k: k, perm: interleave(k)}
	steps := k + memory
	room := make([]uint32, c.Len())
	take := func(n int) []uint32 {
		part := room[:n:n]
		room = room[n:]
		return part
	}
	c.info = take(k)
	for i := range 2 {
		c.ends[i], c.first[i], c.second[i] = take(memory), take(steps), take(steps)
	}

	next := uint32(0)
	place := func(p *uint32) {
		*p = next
		next++
	}
	for _, i := range evenly(k) {
		place(&c.info[i])
	}
	order := evenly(steps)
	for j, at := range order {
		if j%endingGap == 0 && j/endingGap < memory {
			place(&c.ends[0][j/endingGap])
			place(&c.ends[1][j/endingGap])
		}
		place(&c.first[0][at])
		place(&c.first[1][at])
	}
	for _, at := range order {
		place(&c.second[0][at])
		place(&c.second[1][at])
	}
	return c, nil
}

// evenly returns the numbers from 0 to n−1 so that as many of them as one likes to begin with are spread evenly: in the order of the
// fractions of their multiples of the golden section. (The multiples of a number near it, modulo n, are not: in their end, the steps between
// neighbours may be multiples of the constituents' cycle, and then the parities that are sent say the same.)
func evenly(n int) []int {
	order, fractions := make([]int, n), make([]float64, n)
	for i := range order {
		order[i] = i
		_, fractions[i] = math.Modf(float64(i) * 0.6180339887498949)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(fractions[a], fractions[b]) })
	return order
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// K returns the number of information bits.
func (c *Code) K() int { return c.k }

// Len returns the number of positions of the mother codeword, 5K+18.
func (c *Code) Len() int { return 5*c.k + 6*memory }

// Encode writes the mother codeword of info, K bytes of 0 or 1, to dst, Len bytes of 0 or 1 in transmission order.
func (c *Code) Encode(dst, info []byte) {
	dst, info = dst[:c.Len()], info[:c.k]
	for i, p := range c.info {
		dst[p] = info[i] & 1
	}
	for i := range 2 {
		var r register
		for t, p := range c.first[i][:c.k] {
			j := t
			if i == 1 {
				j = int(c.perm[t])
			}
			dst[p], dst[c.second[i][t]] = r.push(info[j] & 1)
		}
		for t, p := range c.ends[i] {
			u := r.feedback()
			dst[p] = u
			dst[c.first[i][c.k+t]], dst[c.second[i][c.k+t]] = r.push(u)
		}
	}
}

// register holds the cells of a constituent, the newest in bit 0. The feedback is 1+D²+D³, the parities are n0 = 1+D+D³ and
// n1 = 1+D+D²+D³ (3GPP2 C.S0002, turbo encoder).
type register byte

// feedback returns the input that makes the next cell zero.
func (r register) feedback() byte { return byte(r>>1^r>>2) & 1 }

// push feeds bit u and returns the parities.
func (r *register) push(u byte) (n0, n1 byte) {
	s := byte(*r)
	a := u ^ r.feedback()
	n0 = a ^ (s^s>>2)&1
	n1 = n0 ^ s>>1&1
	*r = register(s<<1&7 | a)
	return n0, n1
}
