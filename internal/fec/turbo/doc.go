// Package turbo is a turbo code of any length from 40 to 16384 bits and of any rate down to 1/5, with soft decoding, for
// channels that add noise and lose symbols (Berrou, Glavieux and Thitimajshima 1993).
//
// A [Code] turns K information bits into a mother codeword of 5K+18 bits. The first n of them, for any n from K up, are a
// good code of rate K/n, so a sender fills the room that it has, and starts again from the first where there is
// room for more. A receiver adds the log-likelihoods of what it got of each position, leaves 0 where it got nothing, and
// hands them to a [Decoder]:
//
//	code, err := turbo.New(k)
//	code.Encode(word, info)
//	…
//	ok := turbo.NewDecoder(code).Decode(info, llr, 12, checksumHolds)
//
// # The code
//
// Two constituents read the information bits, the second one in interleaved order. Each is the recursive systematic
// constituent of cdma2000 (3GPP2 C.S0002): eight states, feedback 1+D²+D³, parities n0 = 1+D+D³ and n1 = 1+D+D²+D³. Three
// more steps, whose inputs equal the feedback, bring it back to state zero; their inputs and parities are sent as well.
//
// # Interleaver
//
// Let n be the least multiple of 8 that is at least K, b = (7 2 4 5 0 1 3 6) and a = (2 4 3 1 6 7 5 0). With stride p, step
// i reads bit π(i):
//
//	m    = (8⌊i/8⌋ + b[i mod 8])·p mod n
//	π(i) = 8⌊m/8⌋ + a[m mod 8]
//
// for i = 0…n−1, leaving out every i where π(i) ≥ K. The stride is one of the first 64 numbers p ≥ 3n/8, p < n, that have
// no factor in common with n (of all such if there are fewer): the one with the greatest spread, the least of these. The
// spread is the least distance |i−j| + |π(i)−π(j)| of any two steps, both lengths taken around a circle of n; where both
// lengths are multiples of 7, the period of the feedback, a quarter of the distance counts.
//
// # Order of transmission
//
// The numbers from 0 to m−1 are taken in the order of the fractions of i·0.6180339887498949, in double precision: as many of them as
// one likes to begin with are spread evenly. g(m, j) is number j of them, from 0.
//
//   - K positions: information bits g(K, i) for i = 0…K−1.
//   - 2(K+3)+6 positions: for j = 0…K+2, parity n0 of step g(K+3, j), of constituent 1 and then of 2; before those
//     of j = 0, 4 and 8, the input of the first, second and third ending step of constituent 1 and then of 2.
//   - 2(K+3) positions: for j = 0…K+2, parity n1 of step g(K+3, j), of constituent 1 and then of 2.
//
// Steps K, K+1 and K+2 are the ending ones.
package turbo
