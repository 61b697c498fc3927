package metric

import (
	"math"
	"slices"
)

// channelTally gathers a channel's variables over frames.
type channelTally struct {
	frames, disturbed int
	differs           bool
	nmr               float64
	bandwidthFrames   int
	bandwidth         [2]float64
	harmonicFrames    int
	harmonics         float64
	modulationFrames  int
	recent            [modulationWindow]float64 // roots of the last differences
	windows           float64
	modulation        [2]float64
	weight            float64
	noiseFrames       int
	noise             float64
}

const (
	modulationWindow = 4   // frames in 0.1 s
	leastBandwidth   = 346 // that counts, in bins
	energyThreshold  = 8000.0 / (32768 * 32768)
)

// disturbance is by how much the error is above the mask in a disturbed frame: 1.5 dB.
var disturbance = math.Pow(10, 0.15)

// tally adds a frame.
func (p *peaqModel) tally(t *channelTally, e *pairEar) {
	t.frames++
	t.differs = t.differs || e.differ
	var sum, most float64
	for i := range p.bands {
		ratio := e.noise[i] / (p.bands[i].offset * e.ref.excitation[i])
		sum += ratio
		most = max(most, ratio)
	}
	t.nmr += sum / float64(len(p.bands))
	if most > disturbance {
		t.disturbed++
	}
	if e.bandwidth[0] > leastBandwidth {
		t.bandwidthFrames++
		t.bandwidth[0] += float64(e.bandwidth[0])
		t.bandwidth[1] += float64(e.bandwidth[1])
	}
	if e.harmonics >= 0 {
		t.harmonicFrames++
		t.harmonics += e.harmonics
	}
}

// tallyModulation adds a frame to the modulation differences (section 4.2).
func (p *peaqModel) tallyModulation(t *channelTally, e *pairEar) {
	var one, two, weight float64
	for i, r := range e.ref.modulation {
		d := e.test.modulation[i] - r
		one += math.Abs(d) / (1 + r)
		if d < 0 {
			d *= -0.1
		}
		two += d / (0.01 + r)
		weight += e.ref.mean[i] / (e.ref.mean[i] + p.noiseRoot[i])
	}
	scale := 100 / float64(len(p.bands))
	t.modulation[0] += weight * scale * one
	t.modulation[1] += weight * scale * two
	t.weight += weight
	t.recent[t.modulationFrames%modulationWindow] = math.Sqrt(scale * one)
	if t.modulationFrames++; t.modulationFrames >= modulationWindow {
		var mean float64
		for _, v := range t.recent {
			mean += v / modulationWindow
		}
		t.windows += mean * mean * mean * mean
	}
}

// tallyNoise adds a frame to the noise loudness (section 4.3).
func (p *peaqModel) tallyNoise(t *channelTally, e *pairEar) {
	var sum float64
	for i, r := range e.ref.adapted {
		threshold := p.bands[i].internal
		sr, st := 0.15*e.ref.modulation[i]+0.5, 0.15*e.test.modulation[i]+0.5
		above := st*e.test.adapted[i] - sr*r
		if above <= 0 {
			continue
		}
		beta := math.Exp(-1.5 * (e.test.adapted[i] - r) / r)
		sum += p.noiseLoud[i] * power(st, -0.23) * (power(1+above/(threshold+sr*r*beta), 0.23) - 1)
	}
	loudness := 24 / float64(len(p.bands)) * sum
	t.noiseFrames++
	t.noise += loudness * loudness
}

// detection gathers how likely the error is to be detected, over all channels (section 4.7).
type detection struct {
	smooth, most float64 // probability after the low-pass, and the largest of these
	distorted    int
	steps        float64
}

// add adds a frame.
func (d *detection) add(p *peaqModel, channels []peaqChannel) {
	missed, steps := 1.0, 0.0
	for i := range p.bands {
		var probability, step float64
		for c := range channels {
			e := &channels[c].ear
			r, t := 10*math.Log10(e.ref.excitation[i]), 10*math.Log10(e.test.excitation[i])
			difference, exponent := r-t, 6.0
			if difference > 0 {
				exponent = 4
			}
			s := jnd(0.3*max(r, t) + 0.7*t)
			probability = max(probability, 1-math.Exp2(-power(max(math.Abs(difference)/s, 1e-30), exponent)))
			step = max(step, math.Abs(math.Trunc(difference))/s)
		}
		missed *= 1 - probability
		steps += step
	}
	found := 1 - missed
	d.smooth = 0.9*d.smooth + 0.1*found
	d.most = max(d.most, d.smooth)
	if found > 0.5 {
		d.distorted++
		d.steps += steps
	}
}

// jnd returns the difference of levels in dB that is just noticeable at a level.
func jnd(l float64) float64 {
	if l <= 0 {
		return 1e30
	}
	return -0.198719 + l*(0.0550197+l*(-0.00102438+l*(5.05622e-6+l*9.01033e-11))) + 5.95072*power(6.39468/l, 1.71332)
}

// NoBandwidth is what both bandwidths are set to, in bins of 23.4 Hz, where no frame has one that counts.
const NoBandwidth = leastBandwidth

// summary returns the variables and the grade.
func summary(channels []channelTally, d detection, narrow bool) PEAQResult {
	r := PEAQResult{ODG: math.NaN(), DI: math.NaN(), BandwidthRef: NoBandwidth, BandwidthTest: NoBandwidth, Marked: true}
	if len(channels) == 0 {
		return r
	}
	equal := func(t channelTally) bool { return !t.differs }
	if differing := slices.DeleteFunc(slices.Clone(channels), equal); len(differing) > 0 {
		channels = differing
	}
	var wide, late int // channels that have a bandwidth, and noise
	var bandwidth [2]float64
	n := float64(len(channels))
	for i := range channels {
		t := &channels[i]
		frames := float64(t.frames)
		r.NMRTotal += 10 * math.Log10(t.nmr/frames) / n
		r.RelDistFrames += float64(t.disturbed) / frames / n
		if t.bandwidthFrames > 0 && !narrow {
			wide++
			for k, v := range t.bandwidth {
				bandwidth[k] += v / float64(t.bandwidthFrames)
			}
		}
		if t.harmonicFrames > 0 {
			r.EHS += 1000 * t.harmonics / float64(t.harmonicFrames) / n
		}
		if t.weight > 0 {
			r.AvgModDiff1 += t.modulation[0] / t.weight / n
			r.AvgModDiff2 += t.modulation[1] / t.weight / n
		}
		if windows := t.modulationFrames - modulationWindow + 1; windows > 0 {
			r.WinModDiff1 += math.Sqrt(t.windows/float64(windows)) / n
		}
		if t.noiseFrames > 0 {
			late++
			r.RmsNoiseLoud += math.Sqrt(t.noise/float64(t.noiseFrames)) / n
		}
	}
	if wide > 0 {
		r.BandwidthRef, r.BandwidthTest = bandwidth[0]/float64(wide), bandwidth[1]/float64(wide)
	}
	r.MFPD = d.most
	switch {
	case d.distorted == 0:
	case d.steps > 0:
		r.ADB = math.Log10(d.steps / float64(d.distorted))
	default:
		r.ADB = -0.5
	}
	r.Marked = wide == 0 || late == 0
	r.DI, r.ODG = r.grade()
	return r
}

// grade maps the variables to the distortion index and the grade: a net of three hidden nodes (section 5).
func (r *PEAQResult) grade() (di, odg float64) {
	inputs := [...]struct{ value, least, most, a, b, c float64 }{
		{r.BandwidthRef, 393.916656, 921, -0.502657, 0.436333, 1.219602},
		{r.BandwidthTest, 361.965332, 881.131226, 4.307481, 3.246017, 1.123743},
		{r.NMRTotal, -24.045116, 16.212030, 4.984241, -2.211189, -0.192096},
		{r.WinModDiff1, 1.110661, 107.137772, 0.051056, -1.762424, 4.331315},
		{r.ADB, -0.206623, 2.886017, 2.321580, 1.789971, -0.754560},
		{r.EHS, 0.074318, 13.933351, -5.303901, -3.452257, -10.814982},
		{r.AvgModDiff1, 1.113683, 63.257874, 2.730991, -6.111805, 1.519223},
		{r.AvgModDiff2, 0.950345, 1145.018555, 0.624950, -1.331523, -5.955151},
		{r.RmsNoiseLoud, 0.029985, 14.819740, 3.102889, 0.871260, -5.922878},
		{r.MFPD, 0.000101, 1, -1.051468, -0.939882, -0.142913},
		{r.RelDistFrames, 0, 1, -1.804679, -0.503610, -0.620456},
	}
	a, b, c := -2.518254, 0.654841, -2.207228
	for _, in := range inputs {
		v := (in.value - in.least) / (in.most - in.least)
		a, b, c = a+in.a*v, b+in.b*v, c+in.c*v
	}
	di = -0.307594 - 3.817048*logistic(a) + 4.107138*logistic(b) + 4.629582*logistic(c)
	return di, -3.98 + (0.22+3.98)*logistic(di)
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
