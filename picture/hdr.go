package picture

import "math"

// Code points of ITU-T H.273 for curves of high dynamic range.
const (
	codePQ  = 16
	codeHLG = 18
)

// isHDR reports whether a code point is that of such a curve.
func isHDR(transfer int) bool { return transfer == codePQ || transfer == codeHLG }

// Light in cd/m².
const (
	mostPQ  = 10000.0 // what PQ can say
	peakHLG = 1000.0  // of the display that HLG is looked at on (ITU-R BT.2100, table 5)
	diffuse = 203.0   // of white that does not shine, which is white in sRGB (ITU-R BT.2408, HDR reference white)
)

// Constants of PQ (SMPTE ST 2084; ITU-R BT.2100, table 4).
const (
	pqM1 = 2610.0 / 16384
	pqM2 = 2523.0 / 4096 * 128
	pqC1 = 3424.0 / 4096
	pqC2 = 2413.0 / 4096 * 32
	pqC3 = 2392.0 / 4096 * 32
)

// fromPQ returns the light that a value in PQ stands for, in units of mostPQ.
func fromPQ(v float64) float64 {
	p := math.Pow(v, 1/pqM2)
	return math.Pow(max(p-pqC1, 0)/(pqC2-pqC3*p), 1/pqM1)
}

// toPQ is the inverse of fromPQ.
func toPQ(light float64) float64 {
	p := math.Pow(light, pqM1)
	return math.Pow((pqC1+pqC2*p)/(1+pqC3*p), pqM2)
}

// fromHLG returns the light of the scene that a value in HLG stands for, from 0 to 1 (ITU-R BT.2100, table 5).
func fromHLG(v float64) float64 {
	const a, b, c = 0.17883277, 0.28466892, 0.55991073
	if v <= 0.5 {
		return v * v / 3
	}
	return (math.Exp((v-c)/a) + b) / 12
}

// gammaHLG is by what power of the luminance of the scene that of a display of peakHLG rises (ITU-R BT.2100, table 5).
const gammaHLG = 1.2

// dimming returns by what light of x⁴, in units of mostPQ and with x = k/steps, is to be multiplied where the most is peak, so that all of it is
// at most diffuse: by 1 up to a knee, and from there on by less along a curve (ITU-R BT.2390, section 5.4.1, without the lift of black).
func dimming(peak float64) []float32 {
	t := make([]float32, steps+1)
	top := toPQ(peak)
	most := toPQ(diffuse/mostPQ) / top
	knee := 1.5*most - 0.5
	for k := range t {
		x := float64(k) / steps
		light := x * x * x * x
		t[k] = 1
		if b := toPQ(light) / top; b > knee && most < 1 {
			b = min(b, 1)
			s := (b - knee) / (1 - knee)
			curved := (2*s*s*s-3*s*s+1)*knee + (s*s*s-2*s*s+s)*(1-knee) + (-2*s*s*s+3*s*s)*most
			t[k] = float32(fromPQ(curved*top) / light)
		}
	}
	return t
}

// light turns values of a profile of high dynamic range into light of a display, in units of mostPQ, and returns the most of it.
func (p *profile) light(q *Planes) (peak float32) {
	t := curve(fromPQ).table()
	if p.hdr == codeHLG {
		t = curve(fromHLG).table()
	}
	for i := range q.Pix[0] {
		gain := float32(1)
		r, g, b := look(t, q.Pix[0][i]), look(t, q.Pix[1][i]), look(t, q.Pix[2][i])
		if p.hdr == codeHLG {
			y := 0.2627*float64(r) + 0.6780*float64(g) + 0.0593*float64(b)
			gain = peakHLG / mostPQ * float32(math.Pow(y, gammaHLG-1))
		}
		q.Pix[0][i], q.Pix[1][i], q.Pix[2][i] = gain*r, gain*g, gain*b
		peak = max(peak, gain*max(r, g, b))
	}
	return peak
}

// convertHDR turns values of a profile of high dynamic range into values of sRGB. White that does not shine becomes that of sRGB. If there is anything
// brighter, the brightest of it does, and colours keep their hue as far as sRGB can show them: all three channels are dimmed by what the largest one is.
// It reports whether that was so.
func (p *profile) convertHDR(q *Planes) (dimmed bool) {
	peak := p.light(q)
	dimmed = peak > diffuse/mostPQ*1.001
	gains := dimming(float64(peak))
	back := curve(encoded).table()
	m := p.toLinear()
	for i := range q.Pix[0] {
		r, g, b := q.Pix[0][i], q.Pix[1][i], q.Pix[2][i]
		gain := float32(mostPQ) / diffuse
		if dimmed {
			x := steps * float32(math.Sqrt(math.Sqrt(float64(max(r, g, b)))))
			k := min(int(x), steps-1)
			gain *= gains[k] + (x-float32(k))*(gains[k+1]-gains[k])
		}
		for c := range q.Pix {
			q.Pix[c][i] = encodedNear(back, gain*(float32(m[c][0])*r+float32(m[c][1])*g+float32(m[c][2])*b))
		}
	}
	return dimmed
}
