package turbo

// Unpack returns the bits of b, the most significant of a byte first, and zeros up to count.
func Unpack(b []byte, count int) []byte {
	info := make([]byte, count)
	for i := range min(count, 8*len(b)) {
		info[i] = b[i/8] >> (7 - i%8) & 1
	}
	return info
}

// Pack is the inverse of Unpack: it fills b.
func Pack(b []byte, info []byte) {
	clear(b)
	for i := range min(len(info), 8*len(b)) {
		b[i/8] |= info[i] << (7 - i%8)
	}
}
