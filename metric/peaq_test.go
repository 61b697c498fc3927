package metric

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// independent is what two implementations of others say about the pairs, by variable. What has no value in the
// first is NaN.
type independent struct{ first, second map[string]float64 }

func readIndependent(t *testing.T) map[string]independent {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "peaq", "movs.json"))
	if err != nil {
		t.Fatal(err)
	}
	type figures map[string]map[string]*float64
	var file struct {
		Pairs  figures `json:"pairs"`
		Second struct {
			Pairs figures `json:"pairs"`
		} `json:"second"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	values := func(m map[string]*float64) map[string]float64 {
		list := map[string]float64{}
		for name, v := range m {
			if list[name] = math.NaN(); v != nil {
				list[name] = *v
			}
		}
		return list
	}
	all := map[string]independent{}
	for name := range file.Pairs {
		all[name] = independent{values(file.Pairs[name]), values(file.Second.Pairs[name])}
	}
	if len(all) != 10 {
		t.Fatalf("%d pairs", len(all))
	}
	return all
}

// variables calls f for each variable under the name that the figures have for it.
func (r *PEAQResult) variables(f func(name string, v *float64)) {
	for _, v := range []struct {
		name  string
		value *float64
	}{
		{"BandwidthRefB", &r.BandwidthRef}, {"BandwidthTestB", &r.BandwidthTest}, {"TotalNMRB", &r.NMRTotal},
		{"WinModDiff1B", &r.WinModDiff1}, {"ADBB", &r.ADB}, {"EHSB", &r.EHS}, {"AvgModDiff1B", &r.AvgModDiff1},
		{"AvgModDiff2B", &r.AvgModDiff2}, {"RmsNoiseLoudB", &r.RmsNoiseLoud}, {"MFPDB", &r.MFPD}, {"RelDistFramesB", &r.RelDistFrames},
	} {
		f(v.name, v.value)
	}
}

// hearWhole returns what PEAQ says about recordings that are given as they are.
func hearWhole(t testing.TB, rate int, cover, stego [][]float64) PEAQResult {
	t.Helper()
	p, err := NewPEAQ(rate, len(cover))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Add(cover, stego); err != nil {
		t.Fatal(err)
	}
	return p.Result()
}

func within(got, want, relative, absolute float64) bool {
	return math.Abs(got-want) <= max(relative*math.Abs(want), absolute)
}

// All variables are within 0.5 % or 0.01 of an independent implementation's, and the grade is within 0.02. What
// differs more:
//
//   - AvgModDiff2, by up to 1.5 %, because the other has the misprints of the standard's table of bands: see the
//     next test.
//   - The bandwidths of speech-gain, where the other lets frames of digital silence have the bandwidth 921, and so
//     its grade, which is compared for its bandwidths instead. Where the other has no bandwidths, there is no grade
//     to compare.
func TestPEAQAgreesWithAnIndependentImplementation(t *testing.T) {
	figures := readIndependent(t)
	for _, pair := range peaqPairs() {
		got, want := hearWhole(t, 48000, [][]float64{pair.ref}, [][]float64{pair.test}), figures[pair.name].first
		silences := pair.name == "07-speech-gain"
		got.variables(func(name string, v *float64) {
			relative := 0.005
			switch {
			case name == "AvgModDiff2B":
				relative = 0.015
			case math.IsNaN(want[name]):
				if *v != NoBandwidth || !got.Marked {
					t.Errorf("%s: %s %g, marked %v", pair.name, name, *v, got.Marked)
				}
				return
			case silences && (name == "BandwidthRefB" || name == "BandwidthTestB"):
				*v = want[name]
			}
			if !within(*v, want[name], relative, 0.01) {
				t.Errorf("%s: %s %g, want %g", pair.name, name, *v, want[name])
			}
		})
		if math.IsNaN(want["ODG"]) {
			continue
		}
		if got.Marked {
			t.Errorf("%s: marked", pair.name)
		}
		di, odg := got.grade()
		if !silences && (di != got.DI || odg != got.ODG) {
			t.Errorf("%s: DI %g and ODG %g of the variables, %g and %g in the result", pair.name, di, odg, got.DI, got.ODG)
		}
		if !within(di, want["DI"], 0, 0.01) || !within(odg, want["ODG"], 0, 0.02) {
			t.Errorf("%s: DI %g, want %g; ODG %g, want %g", pair.name, di, want["DI"], odg, want["ODG"])
		}
	}
}

// With the table's misprints, an upper edge of 4643.482 Hz in place of 4616.482 and a lower one of 3853.817 in
// place of 3853.348, what is left of the differences is below 0.02 %.
func TestPEAQWithMisprintedBands(t *testing.T) {
	figures := readIndependent(t)
	for _, pair := range peaqPairs() {
		p, err := NewPEAQ(48000, 1)
		if err != nil {
			t.Fatal(err)
		}
		bands := p.model.Masking.bands
		for i, edges := range map[int][2]float64{66: {3853.817, 3995.399}, 70: {4452.890, 4643.482}} {
			b := p.model.Masking.newBand(edges[0], edges[1], 48000.0/2048)
			bands[i].bin, bands[i].weights = b.bin, b.weights
		}
		if err := p.Add([][]float64{pair.ref}, [][]float64{pair.test}); err != nil {
			t.Fatal(err)
		}
		got, want := p.Result(), figures[pair.name].first
		got.variables(func(name string, v *float64) {
			silences := pair.name == "07-speech-gain" && (name == "BandwidthRefB" || name == "BandwidthTestB")
			if silences || math.IsNaN(want[name]) {
				*v = want[name]
			}
			if !within(*v, want[name], 2e-4, 1.1e-6) && !math.IsNaN(want[name]) {
				t.Errorf("%s: %s %.8g, want %.8g", pair.name, name, *v, want[name])
			}
		})
		di, odg := got.grade()
		if !math.IsNaN(want["ODG"]) && (!within(di, want["DI"], 0, 1.1e-4) || !within(odg, want["ODG"], 0, 1.1e-4)) {
			t.Errorf("%s: DI %g, want %g; ODG %g, want %g", pair.name, di, want["DI"], odg, want["ODG"])
		}
	}
}

// The other implementation, in C, begins 1024 samples later, judges no frame that is quiet, and looks for the
// harmonic structure otherwise: it is near in what does not depend on that.
func TestPEAQIsNearToAnother(t *testing.T) {
	figures := readIndependent(t)
	for _, pair := range peaqPairs() {
		got, want := hearWhole(t, 48000, [][]float64{pair.ref}, [][]float64{pair.test}), figures[pair.name].second
		got.variables(func(name string, v *float64) {
			tolerance := map[string]float64{
				"WinModDiff1B": 0.02, "ADBB": 0.035, "AvgModDiff1B": 0.02, "AvgModDiff2B": 0.1, "RmsNoiseLoudB": 0.03, "MFPDB": 0.01,
			}[name]
			if tolerance != 0 && !within(*v, want[name], tolerance, 0.01) {
				t.Errorf("%s: %s %g, want %g", pair.name, name, *v, want[name])
			}
		})
	}
}

// From the same variables everybody has to come to the same grade.
func TestPEAQGrade(t *testing.T) {
	graded := 0
	for name, both := range readIndependent(t) {
		for _, figures := range []map[string]float64{both.first, both.second} {
			if math.IsNaN(figures["ODG"]) {
				continue
			}
			graded++
			var r PEAQResult
			r.variables(func(name string, v *float64) { *v = figures[name] })
			if di, odg := r.grade(); !within(di, figures["DI"], 0, 2e-4) || !within(odg, figures["ODG"], 0, 2e-4) {
				t.Errorf("%s: DI %g and ODG %g, want %g and %g", name, di, odg, figures["DI"], figures["ODG"])
			}
		}
	}
	if graded != 16 {
		t.Errorf("%d grades", graded)
	}
}

// stereo is a pair of recordings in two channels that differ, with silence at both ends.
func stereo(rate, samples, silence int) (cover, stego [][]float64) {
	rng := rand.New(rand.NewPCG(3, 5))
	cover, stego = make([][]float64, 2), make([][]float64, 2)
	for c := range cover {
		for i := range samples {
			v, w := 0.0, 0.0
			if i >= silence && i < samples-silence {
				t := float64(i) / float64(rate)
				for _, f := range []float64{220, 660, 1500, 3100, 5300} {
					v += 0.1 * math.Sin(2*math.Pi*f*float64(c+2)/2*t) * (1 + math.Sin(2*math.Pi*3*t))
				}
				v += 0.02 * rng.NormFloat64()
				w = 0.003 * rng.NormFloat64()
			}
			cover[c], stego[c] = append(cover[c], v), append(stego[c], v+w)
		}
	}
	return cover, stego
}

func TestPEAQInBlocks(t *testing.T) {
	for _, rate := range []int{48000, 44100, 16000} {
		cover, stego := stereo(rate, rate*5/4, rate/10)
		want := hearWhole(t, rate, cover, stego)
		for _, block := range []int{1, 333, 2048, 10000} {
			if block == 1 && rate != 16000 {
				continue
			}
			p, err := NewPEAQ(rate, 2)
			if err != nil {
				t.Fatal(err)
			}
			for from := 0; from < len(cover[0]); from += block {
				to := min(from+block, len(cover[0]))
				x := [][]float64{cover[0][from:to], cover[1][from:to]}
				y := [][]float64{stego[0][from:to], stego[1][from:to]}
				if err := p.Add(x, y); err != nil {
					t.Fatal(err)
				}
				if n := cap(p.channels[1].x); n > 3*max(peaqFrame, 3*block)+4096 {
					t.Fatalf("%d samples are kept", n)
				}
			}
			if got := p.Result(); got != want || got != p.Result() {
				t.Errorf("%d Hz in blocks of %d: %+v, want %+v", rate, block, got, want)
			}
		}
	}
}

// Variables are means over channels, except the ones of detection.
func TestPEAQChannels(t *testing.T) {
	cover, stego := stereo(48000, 72000, 0)
	one := func(c int) PEAQResult { return hearWhole(t, 48000, cover[c:c+1], stego[c:c+1]) }
	left, right, both := one(0), one(1), hearWhole(t, 48000, cover, stego)
	want := map[string]float64{}
	left.variables(func(name string, v *float64) { want[name] = *v / 2 })
	right.variables(func(name string, v *float64) { want[name] += *v / 2 })
	both.variables(func(name string, v *float64) {
		switch name {
		case "MFPDB":
			if *v < max(left.MFPD, right.MFPD) {
				t.Errorf("%s %g, and %g and %g of the channels", name, *v, left.MFPD, right.MFPD)
			}
		case "ADBB":
			if *v < min(left.ADB, right.ADB) {
				t.Errorf("%s %g, and %g and %g of the channels", name, *v, left.ADB, right.ADB)
			}
		default:
			if !within(*v, want[name], 1e-9, 1e-12) {
				t.Errorf("%s %g, want %g", name, *v, want[name])
			}
		}
	})
	if math.Abs(left.NMRTotal-right.NMRTotal) < 0.1 {
		t.Error("the channels do not differ enough for this test")
	}
	// A channel that is the same in both recordings changes nothing.
	silence := make([]float64, len(cover[0]))
	for _, same := range [][]float64{silence, cover[1]} {
		got := hearWhole(t, 48000, [][]float64{cover[0], same}, [][]float64{stego[0], same})
		if !within(got.ODG, left.ODG, 1e-9, 0) {
			t.Errorf("beside an equal channel: %+v, want %+v", got, left)
		}
	}
	// The same in all channels, however many, is the same.
	for _, channels := range []int{2, 5} {
		var x, y [][]float64
		for range channels {
			x, y = append(x, cover[0]), append(y, stego[0])
		}
		got := hearWhole(t, 48000, x, y)
		if !within(got.ODG, left.ODG, 1e-9, 0) || !within(got.ADB, left.ADB, 1e-9, 0) || !within(got.MFPD, left.MFPD, 1e-9, 0) {
			t.Errorf("%d channels: %+v, want %+v", channels, got, left)
		}
	}
}

// Silence at both ends does not count, a pause does.
func TestPEAQDataBoundary(t *testing.T) {
	const lead, tail = 40 * standardHop, 30*standardHop + 17
	cover, stego := stereo(48000, 96000, 0)
	padded := func(list [][]float64) [][]float64 {
		var all [][]float64
		for _, x := range list {
			x = append(make([]float64, lead), x...)
			all = append(all, append(x, make([]float64, tail)...))
		}
		return all
	}
	want, got := hearWhole(t, 48000, cover, stego), hearWhole(t, 48000, padded(cover), padded(stego))
	// Two frames more reach into the recording.
	if !within(got.NMRTotal, want.NMRTotal, 0, 0.2) || !within(got.EHS, want.EHS, 0.05, 0) ||
		!within(got.RelDistFrames, want.RelDistFrames, 0, 0.04) {
		t.Errorf("%+v, want about %+v", got, want)
	}
	var frames [2]int
	for i, x := range [][][]float64{cover, padded(cover)} {
		p, err := NewPEAQ(48000, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Add(x, x); err != nil {
			t.Fatal(err)
		}
		p.Result()
		frames[i] = p.kept[0].frames
	}
	// Frames begin with the recording, so one reaches into it from before; behind it the rest of a hop is taken in,
	// and a frame more.
	if full := (96000-peaqFrame)/standardHop + 1; frames[0] != full || frames[1] != full+3 {
		t.Errorf("%d frames, and %d with silence around them", frames[0], frames[1])
	}
	pause := append(append(append([]float64{}, cover[0]...), make([]float64, tail)...), cover[0]...)
	p, err := NewPEAQ(48000, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Add([][]float64{pause}, [][]float64{pause}); err != nil {
		t.Fatal(err)
	}
	p.Result()
	if n, full := p.kept[0].frames, (len(pause)-peaqFrame)/standardHop+1; n != full {
		t.Errorf("%d of %d frames with a pause were judged", n, full)
	}
}

// A recording gets about the same grade at any rate that can hold it.
func TestPEAQAtOtherRates(t *testing.T) {
	want, cover, stego := PEAQResult{}, [][]float64(nil), [][]float64(nil)
	for _, rate := range []int{48000, 44100, 36000, 96000} {
		cover, stego = [][]float64{nil}, [][]float64{nil}
		rng := rand.New(rand.NewPCG(7, 7))
		phases := make([]float64, 100)
		for i := range phases {
			phases[i] = 2 * math.Pi * rng.Float64()
		}
		// Tones from 160 Hz to 16 kHz, the same at all rates, and others 35 dB below, in 16 bits.
		for i := range rate {
			t := float64(i) / float64(rate)
			var x, e float64
			for k := range 50 {
				x += 0.02 / float64(k/5+1) * math.Sin(2*math.Pi*320*float64(k+1)*t+phases[k])
				e += 0.0003 / float64(k/5+1) * math.Sin(2*math.Pi*(320*float64(k)+160)*t+phases[50+k])
			}
			x *= 1 + 0.5*math.Sin(2*math.Pi*4*t)
			cover[0], stego[0] = append(cover[0], x), append(stego[0], x+e)
		}
		cover[0], stego[0] = in16Bits(cover[0]), in16Bits(stego[0])
		got := hearWhole(t, rate, cover, stego)
		if rate == 48000 {
			want = got
			continue
		}
		if got.Marked || !within(got.NMRTotal, want.NMRTotal, 0, 0.05) || !within(got.AvgModDiff1, want.AvgModDiff1, 0.02, 0) ||
			!within(got.BandwidthRef, want.BandwidthRef, 0, 3) || !within(got.BandwidthTest, want.BandwidthTest, 0, 3) ||
			!within(got.ODG, want.ODG, 0, 0.05) {
			t.Errorf("%d Hz: %+v, want %+v", rate, got, want)
		}
	}
}

// The noise of rounding is no bandwidth where the rate ends below 21.6 kHz.
func TestPEAQBandwidthAtLowerRates(t *testing.T) {
	x := make([]float64, 44100)
	for i := range x {
		for f := 1000.0; f < 9500; f += 1000 {
			x[i] += 0.05 * math.Sin(2*math.Pi*f*float64(i)/22050+f*f)
		}
	}
	x = in16Bits(x)
	y := in16Bits(each(x, func(v float64) float64 { return 0.999 * v }))
	r := hearWhole(t, 22050, [][]float64{x}, [][]float64{y})
	want := 9000.0 * 2048 / 48000
	if r.Marked || !within(r.BandwidthRef, want, 0.03, 0) || !within(r.BandwidthTest, want, 0.03, 0) {
		t.Errorf("%+v, want bandwidths of %g", r, want)
	}
}

func TestPEAQMarks(t *testing.T) {
	cover, stego := stereo(16000, 32000, 0)
	clear(cover[0][10000:20000])
	clear(stego[0][10000:20000])
	r := hearWhole(t, 16000, cover, stego)
	if !r.Marked || r.BandwidthRef != NoBandwidth || r.BandwidthTest != NoBandwidth || math.IsNaN(r.ODG) {
		t.Errorf("at 16 kHz: %+v", r)
	}
	wide, noisy := stereo(48000, 20000, 0)
	if r := hearWhole(t, 48000, wide, noisy); !r.Marked || r.RmsNoiseLoud != 0 || r.NMRTotal < -100 || math.IsNaN(r.ODG) {
		t.Errorf("a short recording: %+v", r)
	}
	r = hearWhole(t, 48000, [][]float64{wide[0][:700]}, [][]float64{noisy[0][:700]})
	if !r.Marked || math.IsNaN(r.ODG) || r.NMRTotal < -100 {
		t.Errorf("less than a frame: %+v", r)
	}
	silence := [][]float64{make([]float64, 48000)}
	for _, x := range [][][]float64{silence, {nil}} {
		if r := hearWhole(t, 48000, x, x); !r.Marked || !math.IsNaN(r.ODG) || !math.IsNaN(r.DI) {
			t.Errorf("%d samples of silence: %+v", len(x[0]), r)
		}
	}
}

// What is equal is imperceptible, also where only one channel is, and the louder the noise, the worse.
func TestPEAQGetsWorseWithNoise(t *testing.T) {
	cover, _ := stereo(48000, 96000, 0)
	before := hearWhole(t, 48000, cover, cover)
	if before.ODG < 0 || before.NMRTotal > -150 || before.EHS != 0 || before.WinModDiff1 != 0 {
		t.Errorf("equal recordings: %+v", before)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for level := 1e-5; level < 0.1; level *= 4 {
		stego := make([][]float64, 2)
		for c, x := range cover {
			for _, v := range x {
				stego[c] = append(stego[c], v+level*rng.NormFloat64())
			}
		}
		r := hearWhole(t, 48000, cover, stego)
		if r.ODG > before.ODG+0.02 || r.NMRTotal < before.NMRTotal+10 && before.NMRTotal > -100 || r.ODG < -3.98 {
			t.Errorf("noise of %g: %+v after %+v", level, r, before)
		}
		before = r
	}
	if before.ODG > -3 {
		t.Errorf("loud noise has ODG %.2f", before.ODG)
	}
}

// A tone of 1 kHz and 40 dB has 1 sone, that being what a sone is, of which the standard's constant leaves 0.6; and
// 10 dB more sound some twice as loud.
func TestPEAQLoudness(t *testing.T) {
	tone := func(db float64) float64 {
		p, err := NewPEAQ(48000, 1)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float64, 40*standardHop)
		for i := range x {
			x[i] = math.Pow(10, (db-fullScale)/20.0) * math.Sin(2*math.Pi*1000*float64(i)/48000)
		}
		if err := p.Add([][]float64{x}, [][]float64{x}); err != nil {
			t.Fatal(err)
		}
		return p.model.loudness(p.channels[0].ear.ref.excitation)
	}
	if sone := tone(40); sone < 0.5 || sone > 1.1 {
		t.Errorf("40 dB: %g sone", sone)
	}
	if growth := tone(70) / tone(60); growth < 1.6 || growth > 2.1 {
		t.Errorf("10 dB more are %g times as loud", growth)
	}
}

func TestPEAQBandwidths(t *testing.T) {
	ref, test := make([]float64, standardHop), make([]float64, standardHop)
	if r, s := bandwidths(ref, test, 0); r != 0 || s != 0 {
		t.Errorf("silence reaches to %d and %d", r, s)
	}
	test[1000] = 1
	for k := range 921 {
		ref[k], test[k] = 9.9, 3.1
	}
	if r, s := bandwidths(ref, test, 0); r != 0 || s != 0 {
		t.Errorf("what is too faint reaches to %d and %d", r, s)
	}
	ref[700], test[500], test[701] = 10.1, 3.2, 3.2
	if r, s := bandwidths(ref, test, 0); r != 701 || s != 501 {
		t.Errorf("bins 700 and 500 reach to %d and %d", r, s)
	}
	if r, s := bandwidths(ref, test, 1.1); r != 0 || s != 0 {
		t.Errorf("what is below a floor reaches to %d and %d", r, s)
	}
}

func TestPEAQErrors(t *testing.T) {
	for _, bad := range [][2]int{{0, 1}, {MinMaskingRate - 1, 1}, {MaxMaskingRate + 1, 1}, {48000, 0}} {
		if _, err := NewPEAQ(bad[0], bad[1]); err == nil {
			t.Errorf("%d Hz in %d channels were accepted", bad[0], bad[1])
		}
	}
	p, err := NewPEAQ(48000, 1)
	if err != nil {
		t.Fatal(err)
	}
	one := func(n int) [][]float64 { return [][]float64{make([]float64, n)} }
	for _, pair := range [][2][][]float64{{one(1), one(2)}, {one(1), {}}, {append(one(1), one(1)...), one(1)}} {
		if err := p.Add(pair[0], pair[1]); !errors.Is(err, ErrSize) {
			t.Errorf("%v", err)
		}
	}
}

// Total NMR is the mean noise-to-mask ratio of a Comparison. At 48 kHz the only differences are the frames at the
// end and the boundaries of the data; at another rate Masking has the bands that the rate can hold, PEAQ always
// those up to 18 kHz.
func TestPEAQNMRIsThatOfComparison(t *testing.T) {
	for _, test := range []struct {
		rate      int
		tolerance float64
	}{{48000, 0.05}, {44100, 0.1}, {32000, 1}, {16000, 2}} {
		cover, stego := stereo(test.rate, test.rate*2, 0)
		c, err := NewComparisonWithPEAQ(test.rate, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Add(cover, stego); err != nil {
			t.Fatal(err)
		}
		f := c.Figures()
		if f.PEAQ == nil || *f.PEAQ != hearWhole(t, test.rate, cover, stego) {
			t.Fatalf("%d Hz: %+v", test.rate, f.PEAQ)
		}
		t.Logf("%d Hz: NMR %.2f dB, Total NMR %.2f dB", test.rate, f.NMR, f.PEAQ.NMRTotal)
		if !within(f.PEAQ.NMRTotal, f.NMR, 0, test.tolerance) {
			t.Errorf("%d Hz: NMR %.2f dB, Total NMR %.2f dB", test.rate, f.NMR, f.PEAQ.NMRTotal)
		}
	}
	c, err := NewComparisonWithPEAQ(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	if f := c.Figures(); f.PEAQ != nil {
		t.Errorf("at 100 Hz: %+v", f.PEAQ)
	}
}

func BenchmarkPEAQ(b *testing.B) {
	for _, rate := range []int{48000, 44100, 16000} {
		b.Run(fmt.Sprintf("second-of-stereo-%d", rate), func(b *testing.B) {
			cover, stego := stereo(rate, rate, 0)
			p, err := NewPEAQ(rate, 2)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := p.Add(cover, stego); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
