package slots

import "ditas/internal/carrier"

// Samples is a recording as one sequence: sample i belongs to channel i mod Channels in frame i / Channels. Full scale is 1.
// The header visits samples in ascending order within each copy of what it writes, and nearby ones around each.
type Samples interface {
	Len() int                 // number of samples, frames times channels
	Channels() int            // number of channels, at least 1
	At(i int) float64         // sample i
	Set(i int, value float64) // replaces sample i; value is on the Grid given to Write
}

// Planar is a recording in memory, one slice of equal length for each channel.
type Planar[F float32 | float64] [][]F

// Len returns the number of samples; the shortest channel counts.
func (p Planar[F]) Len() int {
	if len(p) == 0 {
		return 0
	}
	frames := len(p[0])
	for _, c := range p {
		frames = min(frames, len(c))
	}
	return frames * len(p)
}

// Channels returns the number of channels, 1 for a recording without any.
func (p Planar[F]) Channels() int { return max(1, len(p)) }

// At returns sample i.
func (p Planar[F]) At(i int) float64 { return float64(p[i%len(p)][i/len(p)]) }

// Set replaces sample i.
func (p Planar[F]) Set(i int, value float64) { p[i%len(p)][i/len(p)] = F(value) }

// The lattices of the header. Fine is 8 steps of a 16-bit file, so that the message passes unharmed through 16-bit, 24-bit
// and float files; coarse is 4 steps of an 8-bit file. A receiver cannot know the format the sender wrote and tries both.
const (
	fine   Lattice = 8.0 / 32768
	coarse Lattice = 4.0 / 128
)

// latticeFor returns the finer of the header's lattices whose symbols survive rounding to g, and false if none does.
func latticeFor(g carrier.Grid) (Lattice, bool) {
	for _, l := range []Lattice{fine, coarse} {
		if g.Step >= 0 && 4*g.Step <= float64(l) {
			return l, true
		}
	}
	return 0, false
}
