package metric

import (
	"math"
	"math/cmplx"
	"sync"
)

// The pairs of recordings that testdata/peaq/pairs.py writes, sample by sample: 4 s each at 48 kHz, mono, in 16 bits.

const pairSamples = 4 * 48000

type peaqPair struct {
	name      string
	ref, test []float64
}

var peaqPairs = sync.OnceValue(func() []peaqPair {
	half := func(x []float64) []float64 { return each(x, func(v float64) float64 { return 0.5 * v }) }
	p, t, s := half(pink(newNumpy(1))), half(plucked(newNumpy(2))), half(speechlike(newNumpy(3)))
	pairs := []peaqPair{
		{"00-pink-same", p, p},
		{"01-pink-noise30", p, noisy(newNumpy(4), p, 30)},
		{"02-tones-noise40", t, noisy(newNumpy(5), t, 40)},
		{"03-tones-noise60", t, noisy(newNumpy(6), t, 60)},
		{"04-tones-lowpass8k", t, filtered(t, func(f float64) float64 { return 1 / (1 + math.Pow(max(0, f-8000)/300, 4)) })},
		{"05-speech-noise25", s, noisy(newNumpy(7), s, 25)},
		{"06-speech-eightbits", s, each(s, func(v float64) float64 { return math.RoundToEven(v*127) / 127 })},
		{"07-speech-gain", s, each(s, func(v float64) float64 { return 0.89 * v })},
		{"08-tones-clipped", t, each(t, func(v float64) float64 { return max(-0.2, min(0.2, v)) })},
		{"09-pink-modulated", p, make([]float64, pairSamples)},
	}
	for i, v := range p {
		pairs[9].test[i] = v * (1 + 0.1*math.Sin(2*math.Pi*8*float64(i)/48000))
	}
	for i := range pairs {
		pairs[i].ref, pairs[i].test = in16Bits(pairs[i].ref), in16Bits(pairs[i].test)
	}
	return pairs
})

func each(x []float64, f func(float64) float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = f(v)
	}
	return y
}

func in16Bits(x []float64) []float64 {
	return each(x, func(v float64) float64 { return max(-32768, min(32767, math.RoundToEven(v*32768))) / 32768 })
}

// normalised divides by the largest magnitude.
func normalised(x []float64) []float64 {
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	return each(x, func(v float64) float64 { return v / most })
}

func pink(r *numpy) []float64 {
	return normalised(filtered(r.normals(), func(f float64) float64 { return 1 / math.Sqrt(max(f, 20)) }))
}

func plucked(r *numpy) []float64 {
	x := make([]float64, pairSamples)
	for k := range 16 {
		from := k * pairSamples / 16
		base := 110 * math.Pow(2, float64(r.below(36))/12)
		for h := 1.0; h < 20; h++ {
			if h*base >= 20000 {
				continue
			}
			phase := 6.28 * r.uniform()
			for n := range min(pairSamples/8, pairSamples-from) {
				t := float64(n)
				envelope := min(1, t/240) * math.Exp(-t/(0.18*48000))
				x[from+n] += envelope * math.Sin(2*math.Pi*h*base*t/48000+phase) / h
			}
		}
	}
	return normalised(x)
}

func speechlike(r *numpy) []float64 {
	x, gate := r.normals(), make([]float64, pairSamples)
	before := 0.0
	for i := range x {
		t := float64(i) / 48000
		open := math.Sin(2*math.Pi*3.1*t) + 0.3*math.Sin(2*math.Pi*0.7*t)
		gate[i] = math.Sqrt(max(0, min(1, open)))
		x[i] *= 0.02
		pulse := math.Floor(t * (110 + 15*math.Sin(2*math.Pi*0.9*t)))
		if pulse > before {
			x[i]++
		}
		before = pulse
	}
	x = filtered(x, func(f float64) float64 {
		sum := 0.002
		for _, formant := range [][3]float64{{500, 80, 1}, {1500, 120, 0.5}, {2500, 160, 0.3}, {3600, 220, 0.15}} {
			u := (f - formant[0]) / formant[1]
			sum += formant[2] / (1 + u*u)
		}
		return sum
	})
	for i := range x {
		x[i] *= gate[i]
	}
	return normalised(x)
}

// noisy adds white noise at a signal-to-noise ratio.
func noisy(r *numpy, x []float64, db float64) []float64 {
	noise := r.normals()
	signal, _ := energies(x, x)
	power, _ := energies(noise, noise)
	gain := math.Sqrt(signal/power) * math.Pow(10, -db/20)
	for i, v := range x {
		noise[i] = v + gain*noise[i]
	}
	return noise
}

// filtered multiplies a spectrum by a response to frequencies in Hz.
func filtered(x []float64, response func(f float64) float64) []float64 {
	spectrum := make([]complex128, len(x))
	for i, v := range x {
		spectrum[i] = complex(v, 0)
	}
	spectrum = fourier(spectrum)
	for k := range spectrum {
		spectrum[k] *= complex(response(float64(min(k, len(x)-k))*48000/float64(len(x))), 0)
		spectrum[k] = cmplx.Conj(spectrum[k])
	}
	y := make([]float64, len(x))
	for i, v := range fourier(spectrum) {
		y[i] = real(v) / float64(len(x))
	}
	return y
}

// fourier is the discrete Fourier transform of any size, fast where that has small factors.
func fourier(x []complex128) []complex128 {
	roots := make([]complex128, len(x))
	for k := range roots {
		roots[k] = cmplx.Rect(1, -2*math.Pi*float64(k)/float64(len(x)))
	}
	return fourierOf(x, roots)
}

// fourierOf takes the roots of unity of a multiple of the size.
func fourierOf(x, roots []complex128) []complex128 {
	n, factor := len(x), 2
	if n == 1 {
		return x
	}
	for n%factor != 0 {
		factor++
	}
	m, y := n/factor, make([]complex128, n)
	for p := range factor {
		part := make([]complex128, m)
		for i := range part {
			part[i] = x[i*factor+p]
		}
		part = fourierOf(part, roots)
		for k := range y {
			y[k] += part[k%m] * roots[p*k%n*(len(roots)/n)]
		}
	}
	return y
}

// numpy draws what numpy's RandomState draws: the Mersenne Twister of Matsumoto and Nishimura (1998), and normal
// values by Marsaglia's polar method.
type numpy struct {
	state [624]uint32
	next  int
	spare *float64
}

func newNumpy(seed uint32) *numpy {
	r := &numpy{next: 624}
	for i := range r.state {
		r.state[i] = seed
		seed = 1812433253*(seed^seed>>30) + uint32(i) + 1
	}
	return r
}

func (r *numpy) bits() uint32 {
	if r.next == len(r.state) {
		for i := range r.state {
			y := r.state[i]&0x80000000 | r.state[(i+1)%624]&0x7fffffff
			r.state[i] = r.state[(i+397)%624] ^ y>>1 ^ (y&1)*0x9908b0df
		}
		r.next = 0
	}
	y := r.state[r.next]
	r.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// uniform returns a value in [0, 1).
func (r *numpy) uniform() float64 {
	a, b := r.bits()>>5, r.bits()>>6
	return (float64(a)*67108864 + float64(b)) / 9007199254740992
}

// below returns a whole number in [0, n), n ≤ 64.
func (r *numpy) below(n uint32) uint32 {
	for {
		if v := r.bits() & 63; v < n {
			return v
		}
	}
}

func (r *numpy) normal() float64 {
	if r.spare != nil {
		v := *r.spare
		r.spare = nil
		return v
	}
	for {
		x, y := 2*r.uniform()-1, 2*r.uniform()-1
		if s := x*x + y*y; s < 1 && s != 0 {
			f := math.Sqrt(-2 * math.Log(s) / s)
			x *= f
			r.spare = &x
			return y * f
		}
	}
}

func (r *numpy) normals() []float64 {
	x := make([]float64, pairSamples)
	for i := range x {
		x[i] = r.normal()
	}
	return x
}
