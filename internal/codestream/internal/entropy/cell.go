package entropy

// Mixing weighs and sums log odds, in units of 1/256: 256·ln(p/(1−p)), limited to ±2047. Squash turns the sum into a probability.

// squashKnots holds 65536/(1+exp(−x)) for x = −8, −7.5, … 8.
var squashKnots = [33]int32{
	22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743, 32768,
	40793, 47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514,
}

// squashTable is squash at i − 2048: straight lines between the knots.
var squashTable = func() (t [4096]uint16) {
	for i := range t {
		k, f := i>>7, int32(i&127)
		t[i] = uint16((squashKnots[k]*(128-f) + squashKnots[k+1]*f + 64) >> 7)
	}
	return t
}()

// stretchTable inverts squash, at the middle of 1/4096th p>>4.
var stretchTable = func() (t [4096]int16) {
	x := 0
	for i := range t {
		p := i<<4 + 8
		for x < 4095 && int(squashTable[x]) < p {
			x++
		}
		t[i] = int16(max(x-2048, -2047))
	}
	return t
}()

// Squash returns the probability, of 65536, that log odds stand for.
func Squash(x int64) uint32 {
	return uint32(squashTable[(min(max(x, -2047), 2047)+2048)&4095])
}

// Cell is an adaptive probability: 22 bits of probability above 10 bits of count.
type Cell uint32

// NewCell returns a cell of probability p of 65536 that weighs as much as n observations.
func NewCell(p uint32, n uint32) Cell { return Cell(p<<16 | n) }

// P returns the probability, of 65536, of a 1.
func (c Cell) P() uint32 { return uint32(c >> 16) }

// Count returns how many observations the probability is worth.
func (c Cell) Count() uint32 { return uint32(c & 1023) }

// Memory is the number of observations that a cell remembers: its count stops there.
const Memory = 250

// pace holds, by count, 65536/(count+1.5), and above these 16 bits by how much an observation raises the count.
var pace = func() (t [1024]uint32) {
	for n := range t {
		t[n] = uint32(131072 / (2*n + 3))
		if n < Memory {
			t[n] |= 1 << 16
		}
	}
	return t
}()

// Odds returns the log odds of a 1.
func (c Cell) Odds() int64 { return int64(stretchTable[c>>20]) }

// Update moves the probability towards bit, 0 or 1, by a share that falls with the count.
func (c *Cell) Update(bit int) {
	v := uint32(*c)
	step := pace[v&1023]
	move := (int64(bit)*(1<<22-1) - int64(v>>10)) * int64(step&0xffff) >> 16
	*c = Cell(v + uint32(move)<<10 + step>>16)
}
