// Package ear tells how strong a change to each coefficient of a lapped transform may be. Sender and receiver compute it alike, each from
// the recording at hand, so it depends on nothing that a lossy codec, a change of volume or a cut would take away: not on a listening
// level, and not on what was heard more than two frames before.
//
// The model is the one of PEAQ's basic version (ITU-R BS.1387, annex 2, section 2.1) at 16 kHz and for frames of 32 ms, with slopes
// that do not depend on the level: energy in bands of a quarter of a Bark is spread over its neighbours, and noise is masked as far as it lies
// below that by some decibels.
package ear

import (
	"math"

	"ditas/internal/dsp"
)

const (
	Rate   = 16000 // Hz
	Hop    = 256   // samples from frame to frame, and coefficients of the transform
	Window = 512   // samples of a frame
)

const (
	lowest      = 80.0 // Hz
	highest     = 8000.0
	resolution  = 0.25 // Bark
	compression = 0.4  // power of the energies that add up where slopes meet
	// Slopes in dB a Bark: upward from a frequency f in Hz upwardSlope + 230/f, which is PEAQ's at 70 dB.
	downwardSlope = 27.0
	upwardSlope   = 10.0
	spacing       = float64(Rate) / Window // Hz, of the bins
	least         = 1e-20                  // energy that every band has
)

// Bands is the number of bands.
const Bands = 87

// Ear computes masks. It keeps scratch memory and is not safe for concurrent use.
type Ear struct {
	power                      *dsp.Power
	window                     [Window]float64
	spectrum                   [Window/2 + 1]float64
	energy, smeared, scattered [Bands]float64
	bands                      [Bands]band
	places                     [Hop]place
}

// band is a quarter of a Bark.
type band struct {
	bin      int // the first that lies in it
	weights  []float64
	up, down float64 // compressed energy that reaches the next band above and below
	offset   float64 // log2 of what the spread energy is multiplied by to give the density of the mask
}

// place says between which bands a coefficient lies.
type place struct {
	band     int
	fraction float64
}

// New returns an Ear.
func New() *Ear { return newEar(1) }

// NewSharp returns an Ear that hears less of a tone in bands away from it, where the window of the transform lets it leak to. It is for senders,
// which may be more careful than receivers can.
func NewSharp() *Ear { return newEar(3) }

// newEar returns an Ear whose window is a power of a sine.
func newEar(power float64) *Ear {
	e := new(Ear)
	e.power, _ = dsp.NewPower(Window) // a power of two
	sum := 0.0
	for n := range e.window {
		e.window[n] = math.Pow(math.Sin(math.Pi*(float64(n)+0.5)/Window), power)
		sum += e.window[n] * e.window[n]
	}
	for n := range e.window {
		e.window[n] /= math.Sqrt(sum) // so that white noise of variance 1 has a power of 1 in every bin
	}
	first := bark(lowest)
	for i := range e.bands {
		from := hertz(first + float64(i)*resolution)
		to := min(hertz(first+float64(i+1)*resolution), highest)
		e.bands[i] = newBand(from, to)
	}
	e.normalise()
	for k := range e.places {
		z := (bark((float64(k)+0.5)*spacing)-first)/resolution - 0.5
		z = max(0, min(z, Bands-1.001))
		b := int(z)
		e.places[k] = place{b, z - float64(b)}
	}
	return e
}

// bark returns the place of a frequency in Hz on PEAQ's scale, and hertz is its inverse.
func bark(f float64) float64  { return 7 * math.Asinh(f/650) }
func hertz(z float64) float64 { return 650 * math.Sinh(z/7) }

func newBand(from, to float64) band {
	centre := hertz((bark(from) + bark(to)) / 2)
	b := band{
		bin:  int(from/spacing + 0.5),
		up:   math.Pow(10, -(upwardSlope+230/centre)*resolution*compression/10),
		down: math.Pow(10, -downwardSlope*resolution*compression/10),
	}
	for k := b.bin; k <= Window/2; k++ {
		f := float64(k) * spacing
		part := min(to, f+spacing/2) - max(from, f-spacing/2)
		if part <= 0 {
			break
		}
		b.weights = append(b.weights, part/spacing)
	}
	below := max(3, 0.25*bark(centre)) // dB, BS.1387, annex 2, section 2.1.7
	b.offset = -below/10*math.Log2(10) - math.Log2((to-from)/spacing)
	return b
}

// normalise makes spreading leave equal energies as they are.
func (e *Ear) normalise() {
	for i := range e.energy {
		e.energy[i] = 1
	}
	e.spread()
	for i := range e.bands {
		e.bands[i].offset -= math.Log2(e.smeared[i])
	}
}

// spread spreads the energies of the bands, giving their sums the power that undoes the compression.
func (e *Ear) spread() {
	for i, v := range e.energy {
		e.scattered[i] = exp2(float64(compression * log2(v)))
	}
	carried := 0.0
	for i := range e.bands {
		e.smeared[i] = carried
		carried = (carried + e.scattered[i]) * e.bands[i].up
	}
	carried = 0
	for i := len(e.bands) - 1; i >= 0; i-- {
		v := e.smeared[i] + e.scattered[i] + carried
		carried = (carried + e.scattered[i]) * e.bands[i].down
		e.smeared[i] = v * v * math.Sqrt(v)
	}
}

// Mask writes the binary logarithm of the variance that a coefficient of an orthonormal transform may have at the threshold, for each of
// the [Bands], as a frame x of [Window] samples masks it by itself.
func (e *Ear) Mask(dst []float64, x []float64) {
	x = x[:Window]
	for i := range Window / 2 {
		e.power.Set(i, x[2*i]*e.window[2*i], x[2*i+1]*e.window[2*i+1])
	}
	e.power.Compute(e.spectrum[:])
	for i := range e.bands {
		b := &e.bands[i]
		sum := least
		for k, p := range e.spectrum[b.bin:][:len(b.weights)] {
			sum += b.weights[k] * p
		}
		if !(sum < 1e30) { // samples beyond all bounds
			sum = least
		}
		e.energy[i] = sum
	}
	e.spread()
	for i, v := range e.smeared {
		dst[i] = log2(v) + e.bands[i].offset
	}
}

// Sigma writes the standard deviation that coefficients first, first+1, … of a frame may have at the threshold, from the masks of the frame
// before, of the frame itself and of the one behind: their least, since noise spreads over the whole frame and is heard before a sound
// that would mask it.
func (e *Ear) Sigma(dst []float64, first int, before, at, behind []float64) {
	for i := range e.energy {
		e.energy[i] = min(before[i], at[i], behind[i]) / 2
	}
	for i := range dst {
		p := &e.places[first+i]
		a, b := e.energy[p.band], e.energy[p.band+1]
		dst[i] = exp2(a + float64(p.fraction*(b-a)))
	}
}
