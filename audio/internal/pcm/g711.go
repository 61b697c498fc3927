package pcm

// Law is the value of each byte of samples that were companded by G.711 [1], in units of 2^-15 of full scale.
//
//   - [1] ITU-T G.711, Pulse code modulation (PCM) of voice frequencies, 1988
type Law [256]int16

// The two laws. The values of A-law have 13 bits and those of µ-law 14; they are the upper ones here, as in all programs.
var (
	ALaw  = expand(aLaw)
	MuLaw = expand(muLaw)
)

func expand(law func(code byte) int16) *Law {
	var table Law
	for i := range table {
		table[i] = law(byte(i))
	}
	return &table
}

// aLaw returns the value of a byte, whose even bits are inverted: a sign that is set for what is positive, three bits for the segment, and four
// for one of its sixteen intervals, which stands for its middle. The first two segments have intervals of 16, and then they double.
func aLaw(code byte) int16 {
	code ^= 0x55
	v := int16(code&15)<<4 + 8
	if segment := code >> 4 & 7; segment > 0 {
		v = (v + 256) << (segment - 1)
	}
	if code&128 == 0 {
		return -v
	}
	return v
}

// muLaw returns the value of a byte, whose bits are all inverted: a sign that is set for what is negative, segment and interval. Intervals are 8
// in the first segment, and double with each.
func muLaw(code byte) int16 {
	const bias = 33 << 2
	code = ^code
	v := (int16(code&15)<<3+bias)<<(code>>4&7) - bias
	if code&128 != 0 {
		return -v
	}
	return v
}
