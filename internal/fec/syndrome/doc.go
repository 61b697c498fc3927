// Package syndrome hides bits in other bits at the least cost: syndrome-trellis codes, binary, of constraint heights 7 to 12 (Filler,
// Judas and Fridrich, "Minimizing additive distortion in steganography using syndrome-trellis codes", IEEE Trans. Information Forensics
// and Security 6, 2011).
//
// The sender has n cover bits and what it costs to flip each of them. Of all words of n bits whose syndrome is the message, [Encoder.Embed]
// finds the one that costs least. The receiver computes the syndrome, and needs to know neither the cover nor the costs:
//
//	code, err := syndrome.New(10, n, m)
//	cost, err := syndrome.NewEncoder(code).Embed(ctx, stego, cover, costs, message)
//	…
//	code.Extract(message, stego)
//
// # The code
//
// Block i of the n bits, 0 ≤ i < m, is those from ⌊i·n/m⌋ on to ⌊(i+1)·n/m⌋. Bit j of a block of width w flips the message bits i+k for which
// bit k, from the lowest, of column j of the submatrix of that width is set, 0 ≤ k < h; those beyond the last message bit do not
// count. Every column has its lowest and its highest bit set. The submatrices of up to [MaxSearched] columns were found by search, and are in
// found.go; column j of all others is 1 + 2·(x mod 2^(h−2)) + 2^(h−1) with x the upper 32 bits of (j+1)·0x9e3779b97f4a7c15 mod 2⁶⁴.
//
// # Costs
//
// Costs are taken as multiples of 1/1024, and are below [MaxCost]. Flipping a [Wet] bit is out of the question; if there are so many of these that the
// message cannot be told otherwise, the error wraps [ErrWet].
package syndrome
