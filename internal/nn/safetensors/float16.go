package safetensors

import "math"

// Float16bits returns the IEEE 754 binary16 representation of f, rounded to nearest, ties to even. What is too large
// becomes infinity; a NaN stays a quiet NaN.
func Float16bits(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000: // NaN: the top of its payload, quiet
		return sign | 0x7e00 | uint16(b>>13&0x1ff)
	case b >= 0x477ff000: // 65520, halfway between the largest number and the next, and above
		return sign | 0x7c00
	case b < 0x33000000: // below 2⁻²⁵, half the smallest subnormal
		return sign
	case b < 0x38800000: // subnormal: a multiple of 2⁻²⁴
		shift := 126 - b>>23
		m := b&0x7fffff | 0x800000
		return sign | uint16((m+1<<(shift-1)-1+m>>shift&1)>>shift)
	}
	b -= 112 << 23 // exponent bias 127 to 15
	return sign | uint16((b+0xfff+b>>13&1)>>13)
}

// Float16frombits returns the number that the binary16 representation b stands for, exactly.
func Float16frombits(b uint16) float32 {
	sign := uint32(b&0x8000) << 16
	exp, frac := uint32(b>>10&31), uint32(b&0x3ff)
	switch {
	case exp == 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	case exp == 0:
		f := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(sign | math.Float32bits(f))
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}
