package turbo

// The interleaver is a dithered relative prime one (Crozier and Guinand 2001): with n the least multiple of 8 that is at
// least K, information bits are permuted within groups of 8, read at a stride relatively prime to n, and permuted within
// groups of 8 again. Values of K and above are then left out.
const group = 8

// Of 1400 random pairs this one makes the fewest codewords of low weight out of four information bits or two, over many K.
var before, after = [group]int{7, 2, 4, 5, 0, 1, 3, 6}, [group]int{2, 4, 3, 1, 6, 7, 5, 0}

// strides is how many strides are tried.
const strides = 64

// cycle is the period of the constituents' feedback polynomial. Two information bits this number of steps apart, or a multiple of
// it, make parities that end after the second, so a pair which both constituents see like that makes a codeword of low
// weight.
const cycle = 7

// interleave returns the permutation for k bits: step t of constituent 2 reads information bit interleave(k)[t].
func interleave(k int) []uint16 {
	n := (k + group - 1) / group * group
	best, spread := 1, 0
	for p, left := n*3/8|1, strides; p < n && left > 0; p += 2 {
		if gcd(p, n) != 1 {
			continue
		}
		left--
		if s := (order{n, p}).spread(spread); s > spread {
			best, spread = p, s
		}
	}
	o := order{n, best}
	perm := make([]uint16, 0, n)
	for i := range n {
		if j := o.at(i); j < k {
			perm = append(perm, uint16(j))
		}
	}
	return perm
}

// order is the permutation of n, a multiple of 8, with stride p.
type order struct{ n, p int }

// at returns the bit that step i reads.
func (o order) at(i int) int {
	m := (i - i%group + before[i%group]) * o.p % o.n
	return m - m%group + after[m%group]
}

// spread returns the least distance of any two steps i and j, times 4: |i−j| + |at(i)−at(j)|, the lengths taken around a
// circle of n. A pair with both lengths multiples of cycle counts a quarter of its distance. It may return early with any
// number that is at most enough.
func (o order) spread(enough int) int {
	least := 4 * o.n
	for d := 1; d < least; d++ {
		weight := 4
		if d%cycle == 0 {
			weight = 1
		} else if 4*d >= least {
			continue
		}
		// A shift by one group moves both bits of a pair by the same amount, so the first group stands for all.
		for i := range group {
			e := o.at((i+d)%o.n) - o.at(i)
			e = max(e, -e)
			e = min(e, o.n-e)
			w := weight
			if e%cycle != 0 {
				w = 4
			}
			if least = min(least, w*(d+e)); least <= enough {
				return least
			}
		}
	}
	return least
}
