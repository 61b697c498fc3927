package durable

import (
	"context"
	"fmt"
	"math"

	"ditas/internal/carrier"
	"ditas/internal/carrier/durable/ear"
	"ditas/internal/dsp"
)

// lowHost is a recording as it sounds at 16 kHz in a projection: sample j lies at the time j·stride/16000, whatever the recording's rate. It is
// not safe for concurrent use.
type lowHost struct {
	host       *carrier.Host
	down       *dsp.Resampler
	projection projection
	stride     float64 // 1 unless the recording is played faster or slower than it was written
	between    *interpolator
	straight   []float64
	block      [][]float64
	mono       []float64
	// power of the channels, on average, and of what was read of them.
	channels, projected float64
}

// sideways tells whether what was read has so little in it, beside the channels, that another projection may be the one that is used.
func (l *lowHost) sideways() bool { return l.projected < 4*sideways*l.channels }

func newLowHost(h *carrier.Host) (*lowHost, error) {
	if err := checkRate(h.Format().Rate); err != nil {
		return nil, fmt.Errorf("%w (%w)", carrier.ErrNotFound, err)
	}
	down, err := dsp.NewResampler(int(nominal(h.Format().Rate)), ear.Rate)
	if err != nil {
		return nil, err
	}
	return &lowHost{host: h, down: down, stride: 1, between: newInterpolator()}, nil
}

// length returns the number of samples.
func (l *lowHost) length() int64 {
	n := lowLength(l.host.Frames(), l.host.Format().Rate)
	if l.stride != 1 {
		n = int64(float64(n) / l.stride)
	}
	return n
}

// hostBlock is how many samples are read at a time.
const hostBlock = 1 << 13

// read fills dst with the samples from number from on.
func (l *lowHost) read(ctx context.Context, dst []float64, from int64) error {
	if l.stride == 1 {
		return l.readStraight(ctx, dst, from)
	}
	at := float64(from) * l.stride
	first := math.Floor(at) - reach
	l.straight = grow(l.straight, int(math.Ceil(float64(len(dst))*l.stride))+2*reach+2)
	if err := l.readStraight(ctx, l.straight, int64(first)); err != nil {
		return err
	}
	l.between.convert(dst, l.straight, at-first, l.stride)
	return nil
}

// readStraight fills dst with the samples from number from on at a stride of 1.
func (l *lowHost) readStraight(ctx context.Context, dst []float64, from int64) error {
	for len(dst) > 0 {
		n := min(len(dst), hostBlock)
		if err := ctx.Err(); err != nil {
			return err
		}
		first, end := l.down.Span(from, n)
		l.resize(int(end - first))
		if err := l.host.Read(l.block, first); err != nil {
			return err
		}
		l.mono = l.projection.project(l.mono, l.block)
		for _, x := range l.block {
			l.channels += power(finite(x)) / float64(len(l.block))
		}
		l.projected += power(l.mono)
		l.down.ConvertPart(dst[:n], from, l.mono, first)
		dst, from = dst[n:], from+int64(n)
	}
	return nil
}

func (l *lowHost) resize(n int) {
	if l.block == nil {
		l.block = make([][]float64, l.host.Channels())
	}
	for c := range l.block {
		l.block[c] = grow(l.block[c], n)
	}
}

// line says where frames lie: frame t, counted from the one of a reference, begins at sample at + t·hop·rate.
type line struct{ at, rate float64 }

// frameAt returns where frame t begins.
func (l line) frameAt(t int) float64 { return l.at + l.rate*float64(t)*hop }

// interpolator finds values between samples, by a sinc under a Kaiser window: what lies below 7.2 kHz passes within 0.01 dB.
type interpolator struct {
	table [interpolationSteps + 1][interpolationTaps]float64
}

const (
	interpolationTaps  = 40
	interpolationSteps = 256
	interpolationBeta  = 6.0
)

func newInterpolator() *interpolator {
	p := new(interpolator)
	for i := range p.table {
		for k := range p.table[i] {
			t := float64(k-interpolationTaps/2+1) - float64(i)/interpolationSteps
			u := 2 * t / interpolationTaps
			if math.Abs(u) >= 1 {
				continue
			}
			w := bessel(interpolationBeta*math.Sqrt(1-u*u)) / bessel(interpolationBeta)
			if t != 0 {
				w *= math.Sin(math.Pi*t) / (math.Pi * t)
			}
			p.table[i][k] = w
		}
	}
	return p
}

// bessel is the modified Bessel function of the first kind and order zero, by its power series.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*0x1p-54; k++ {
		term *= x / 2 / k * (x / 2 / k)
		sum += term
	}
	return sum
}

// reach is how many samples on either side of a place a value there is made of.
const reach = interpolationTaps / 2

// convert fills dst with the values of x at the places at, at+rate, at+2·rate, …; at is counted from x[0], and x has to hold reach samples on
// both sides.
func (p *interpolator) convert(dst, x []float64, at, rate float64) {
	for i := range dst {
		place := at + float64(i)*rate
		n := int(place)
		f := (place - float64(n)) * interpolationSteps
		j := int(f)
		f -= float64(j)
		a, b := &p.table[j], &p.table[j+1]
		in := (*[interpolationTaps]float64)(x[n-reach+1:])
		var s, t float64
		for k, v := range in {
			s += v * a[k]
			t += v * b[k]
		}
		dst[i] = s + f*(t-s)
	}
}

// aligned reads frames of a recording that lie along a line.
type aligned struct {
	low          *lowHost
	interpolator *interpolator
	transform    *transform
	samples      []float64
	straight     []float64
}

// read computes the frames from number first on, as many as dst holds.
func (a *aligned) read(ctx context.Context, dst []frame, l line, first int) error {
	n := (len(dst) + 2*contextFrames + 1) * hop
	at := l.frameAt(first - contextFrames)
	from := int64(math.Floor(at)) - reach
	count := int(math.Ceil(at+l.rate*float64(n))) + reach + 2 - int(from)
	a.samples, a.straight = grow(a.samples, count), grow(a.straight, n)
	if err := a.low.read(ctx, a.samples, from); err != nil {
		return err
	}
	if l.rate == 1 && at == math.Floor(at) {
		copy(a.straight, a.samples[reach:])
	} else {
		a.interpolator.convert(a.straight, a.samples, at-float64(from), l.rate)
	}
	a.transform.normalise(dst, a.straight)
	return ctx.Err()
}
