package preflight_test

import (
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/internal/preflight"
	"ditas/report"
)

// noise is one channel of seconds of noise whose power falls with frequency, up to an end of its band in Hz.
func noise(rate int, seconds, end float64) *audio.Recording {
	f := audio.Format{Rate: rate, Channels: 1, Encoding: audio.Int16}
	rec := &audio.Recording{Format: f, Samples: audio.NewBlock(1, int(seconds*float64(rate)))}
	x := rec.Samples[0]
	rng := rand.New(rand.NewPCG(3, 3))
	v := 0.0
	for i := range x {
		v = 0.7*v + 0.03*rng.NormFloat64()
		x[i] = v
	}
	if end > 0 {
		x = lowpass(x, end/float64(rate))
	}
	for i := range x {
		rec.Samples[0][i] = f.Quantize(x[i])
	}
	return rec
}

// lowpass filters with a windowed sinc of 1201 taps; the cut is a share of the sampling rate.
func lowpass(x []float64, cut float64) []float64 {
	const half = 600
	taps := make([]float64, 2*half+1)
	for i := range taps {
		t := float64(i - half)
		w := 0.42 + 0.5*math.Cos(math.Pi*t/half) + 0.08*math.Cos(2*math.Pi*t/half)
		taps[i] = 2 * cut * w
		if t != 0 {
			taps[i] = w * math.Sin(2*math.Pi*cut*t) / (math.Pi * t)
		}
	}
	y := make([]float64, len(x))
	for i := range y {
		for k, tap := range taps {
			if j := i + k - half; j >= 0 && j < len(x) {
				y[i] += tap * x[j]
			}
		}
	}
	return y
}

// file returns a recording as a WAV file.
func file(t *testing.T, rec *audio.Recording) *wav.File {
	t.Helper()
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	f, err := wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func listen(t *testing.T, rec *audio.Recording) *preflight.Report {
	t.Helper()
	return hear(t, file(t, rec), false)
}

// hear reads a recording as carriers do, in blocks that overlap.
func hear(t *testing.T, f audio.Rewriter, lossy bool) *preflight.Report {
	t.Helper()
	tap := preflight.NewTap(f, lossy)
	r, block := tap.Reader(), audio.NewBlock(f.Format().Channels, 5000)
	for from := int64(0); ; from += 4000 {
		if err := r.SeekFrame(from); err != nil {
			t.Fatal(err)
		}
		n, err := r.Read(block)
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		if n < len(block[0]) {
			return tap.Report()
		}
	}
}

func kinds(r *preflight.Report) (list []report.WarningKind) {
	for _, w := range r.Warnings() {
		if w.Text == "" || w.Advice == "" {
			panic("a warning that says nothing")
		}
		list = append(list, w.Kind)
	}
	return list
}

// fading returns noise that falls by 12 dB an octave, down to what rounding leaves, at a gain.
func fading(gain float64) *audio.Recording {
	rec := noise(44100, 3, 0)
	x := rec.Samples[0]
	for range 2 {
		v := 0.0
		for i := range x {
			v += 0.05 * (x[i] - v)
			x[i] = v
		}
	}
	for i, v := range x {
		x[i] = rec.Format.Quantize(gain * v)
	}
	return rec
}

func TestWhatIsWrongIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		recording func() *audio.Recording
		want      []report.WarningKind
	}{
		"noise":            {func() *audio.Recording { return noise(16000, 3, 0) }, nil},
		"noise that fades": {func() *audio.Recording { return fading(1) }, []report.WarningKind{report.Narrow}},
		// What is hidden in it is not stronger than what rounding leaves.
		"weak noise that fades": {func() *audio.Recording { return fading(0.02) }, nil},
		"half of it silent": {func() *audio.Recording {
			rec := noise(16000, 3, 0)
			clear(rec.Samples[0][:20000])
			return rec
		}, nil},
		"mostly silent": {func() *audio.Recording {
			rec := noise(16000, 3, 0)
			clear(rec.Samples[0][10000:40000])
			return rec
		}, []report.WarningKind{report.Silent}},
		"a loud moment": {func() *audio.Recording {
			rec := noise(16000, 3, 0)
			for i := range 6 {
				rec.Samples[0][1000+i] = 32767.0 / 32768
			}
			return rec
		}, nil},
		"clipped": {func() *audio.Recording {
			rec := noise(16000, 3, 3000)
			for i, v := range rec.Samples[0] {
				rec.Samples[0][i] = rec.Format.Quantize(30 * v)
			}
			return rec
		}, []report.WarningKind{report.Clipped}},
		"of 8 kHz":               {func() *audio.Recording { return noise(16000, 3, 3700) }, []report.WarningKind{report.Narrow}},
		"of 22.05 kHz":           {func() *audio.Recording { return noise(48000, 2, 10500) }, []report.WarningKind{report.Compressed}},
		"of 16 kHz":              {func() *audio.Recording { return noise(44100, 2, 7600) }, []report.WarningKind{report.Narrow}},
		"cut at 16 kHz":          {func() *audio.Recording { return noise(44100, 2, 16000) }, []report.WarningKind{report.Compressed}},
		"filtered for sampling":  {func() *audio.Recording { return noise(44100, 2, 20900) }, nil},
		"filtered at a low rate": {func() *audio.Recording { return noise(16000, 3, 7000) }, nil},
		"short":                  {func() *audio.Recording { return noise(16000, 0.5, 3700) }, []report.WarningKind{report.Narrow}},
		"nothing":                {func() *audio.Recording { return noise(16000, 0, 0) }, nil},
		"silent": {func() *audio.Recording {
			rec := noise(16000, 3, 0)
			clear(rec.Samples[0])
			return rec
		}, []report.WarningKind{report.Silent}},
		"six channels, two of which sound":              {func() *audio.Recording { return surround(2, 6, 0) }, []report.WarningKind{report.Silent}},
		"six channels, two of which sound now and then": {func() *audio.Recording { return surround(2, 6, 40000) }, []report.WarningKind{report.Silent, report.Silent}},
	} {
		t.Run(name, func(t *testing.T) {
			r := listen(t, c.recording())
			if got := kinds(r); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v: %+v", got, c.want, r)
			}
		})
	}
}

// surround returns noise in the first of several channels, silent at first for so many samples, and silence in the others.
func surround(sounding, channels, silence int) *audio.Recording {
	rec := noise(16000, 3, 0)
	x := rec.Samples[0]
	clear(x[:silence])
	for c := 1; c < channels; c++ {
		other := make([]float64, len(x))
		if c < sounding {
			copy(other, x)
			slices.Reverse(other[silence:])
		}
		rec.Samples = append(rec.Samples, other)
	}
	rec.Format.Channels = channels
	return rec
}

// What stands still is called what it is.
func TestStillness(t *testing.T) {
	square := noise(16000, 3, 0)
	for i := range square.Samples[0] {
		square.Samples[0][i] = 32767.0 / 32768
		if i/40%2 == 1 {
			square.Samples[0][i] = -1
		}
	}
	for name, c := range map[string]struct {
		recording *audio.Recording
		want      []string
	}{
		"a square wave at full scale":       {square, []string{"stays at full scale for 100 % of its length", "is clipped: 100 %"}},
		"two of six channels":               {surround(2, 6, 0), []string{"is silent in 4 of its 6 channels"}},
		"two of six channels, now and then": {surround(2, 6, 36000), []string{"is silent in 4 of its 6 channels", "is digital silence for 75 % of its length"}},
		"two channels, silent now and then": {surround(2, 2, 36000), []string{"is digital silence for 75 % of its length"}},
		"two channels that are both silent": {surround(2, 2, 48000), []string{"is digital silence for 100 % of its length", "has two channels that are the same"}},
		"one of two, and that now and then": {surround(1, 2, 36000), []string{"is silent in 1 of its 2 channels", "is digital silence for 75 % of its length"}},
	} {
		var got []string
		for _, w := range listen(t, c.recording).Warnings() {
			got = append(got, w.Text)
		}
		if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The figures are what was put in.
func TestFigures(t *testing.T) {
	rec := noise(16000, 3, 3700)
	x := rec.Samples[0]
	clear(x[1000:13000])
	for i := range 480 {
		x[20000+i] = -1
	}
	for i := range 3 { // too few to be clipping
		x[30000+i] = -1
	}
	r := listen(t, rec)
	if math.Abs(r.Silent-(12000+480)/48000.0) > 1e-4 || r.Clipped != 480.0/48000 || r.Rate != 16000 || r.Lossy {
		t.Errorf("%+v", r)
	}
	if r = listen(t, noise(16000, 3, 3700)); math.Abs(r.Band-3700) > 200 {
		t.Errorf("the band ends at %g Hz, want 3700", r.Band)
	}
	for i := range x {
		x[i] = math.Copysign(1, float64(i%16)-7.5) * 32767 / 32768
	}
	r = listen(t, rec)
	if list := r.Warnings(); r.Clipped != 1 || len(list) != 1 || !strings.Contains(list[0].Text, " 100 % of its samples") {
		t.Errorf("a square wave: %+v", list)
	}
	// Channels count alike.
	rec = noise(16000, 3, 0)
	rec.Format.Channels = 2
	rec.Samples = append(rec.Samples, make([]float64, rec.Frames()))
	if r = listen(t, rec); math.Abs(r.Silent-0.5) > 1e-3 || r.Band != 8000 {
		t.Errorf("%+v", r)
	}
}

// Speech, and what a real encoder made.
func TestRealFiles(t *testing.T) {
	for name, want := range map[string][]report.WarningKind{
		filepath.Join("..", "..", "cmd", "ditas", "demo", "speech.wav"):    nil,
		filepath.Join("..", "..", "audio", "mp3", "testdata", "joint.mp3"): {report.Compressed},
	} {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		f, err := codec.Open(file, info.Size())
		if err != nil {
			t.Fatal(err)
		}
		cover, ok := f.(audio.Rewriter)
		if !ok {
			if cover, err = audio.Convert(f, audio.Int16, wav.NewWriter); err != nil {
				t.Fatal(err)
			}
		}
		r := hear(t, cover, codec.Lossy(f))
		if got := kinds(r); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v: %+v", name, got, want, r)
		}
	}
}

// What is read again, or after the report, is not heard again.
func TestHeardOnce(t *testing.T) {
	rec := noise(16000, 3, 0)
	clear(rec.Samples[0][:len(rec.Samples[0])*2/3])
	tap := preflight.NewTap(file(t, rec), false)
	for range 2 {
		if _, err := audio.ReadAll(tap); err != nil {
			t.Fatal(err)
		}
	}
	once := tap.Report()
	if math.Abs(once.Silent-2.0/3) > 1e-3 {
		t.Errorf("%g of the recording is silent, want 2/3", once.Silent)
	}
	if _, err := audio.ReadAll(tap); err != nil {
		t.Fatal(err)
	}
	if again := tap.Report(); *again != *once {
		t.Errorf("%+v, and later %+v", once, again)
	}
}

// whole is a recording that was not rounded, though others of its kind are.
type whole struct{ audio.Rewriter }

func (whole) Unrounded() audio.File { return nil }

// A recording is heard as it was before it was rounded, where it was.
func TestUnrounded(t *testing.T) {
	rec := noise(16000, 1, 0)
	rec.Format.Encoding = audio.Float32
	for i := range rec.Samples[0] {
		rec.Samples[0][i] *= 1e5
	}
	f := file(t, rec)
	rounded, err := audio.Convert(f, audio.Int16, wav.NewWriter)
	if err != nil {
		t.Fatal(err)
	}
	tap := preflight.NewTap(rounded, false)
	if _, err := audio.ReadAll(tap.Unrounded()); err != nil {
		t.Fatal(err)
	}
	if tap.Report().TooLoud() == nil {
		t.Error("a recording that is far too loud is heard as rounding has left it")
	}
	for _, f := range []audio.Rewriter{f, whole{f}} {
		if u := preflight.NewTap(f, false).Unrounded(); u != nil {
			t.Errorf("%T was %T before it was rounded", f, u)
		}
	}
}

// Two channels of which one is the other, louder, quieter or upside down, are told as the same but for that; any other two are not.
func TestChannelsThatDifferByAFactor(t *testing.T) {
	one, other := noise(16000, 3, 0), noise(16000, 3, 3000)
	rng := rand.New(rand.NewPCG(1, 1))
	for name, c := range map[string]struct {
		second func(i int, v float64) float64
		factor float64
		alike  bool
	}{
		"the same":           {func(_ int, v float64) float64 { return v }, 0, true},
		"upside down":        {func(_ int, v float64) float64 { return -v }, -1, false},
		"half":               {func(_ int, v float64) float64 { return v / 2 }, 0.5, false},
		"louder":             {func(_ int, v float64) float64 { return 2.5 * v }, 0.4, false},
		"quieter, dithered":  {func(_ int, v float64) float64 { return 0.3*v + (rng.Float64()-rng.Float64())/32768 }, 0.3, false},
		"another":            {func(i int, _ float64) float64 { return other.Samples[0][i] }, 0, false},
		"one with some room": {func(i int, v float64) float64 { return v + 0.01*other.Samples[0][max(0, i-500)] }, 0, false},
		"silence":            {func(int, float64) float64 { return 0 }, 0, false},
		"hardly anything":    {func(int, float64) float64 { return float64(rng.IntN(3)-1) / 32768 }, 0, false},
	} {
		rec := &audio.Recording{Format: one.Format, Samples: audio.NewBlock(2, one.Frames())}
		rec.Format.Channels = 2
		for i, v := range one.Samples[0] {
			rec.Samples[0][i], rec.Samples[1][i] = v, rec.Format.Quantize(c.second(i, v))
		}
		r := listen(t, rec)
		if math.Abs(r.Factor-c.factor) > 0.001 || r.Alike != c.alike {
			t.Errorf("%s: a factor of %v, alike %v", name, r.Factor, r.Alike)
		}
		if warned := slices.Contains(kinds(r), report.Alike); warned != (c.alike || c.factor != 0) {
			t.Errorf("%s: warned %v", name, warned)
		}
	}
}
