package set

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	"ditas/audio"
	"ditas/internal/channel"
	"ditas/internal/ffmpeg"
)

// chord returns some seconds of tones that come and go, over a little noise, in 16 bits.
func chord(rate, channels int, seconds float64) *audio.Recording {
	format := audio.Format{Rate: rate, Channels: channels, Encoding: audio.Int16}
	r := &audio.Recording{Format: format, Samples: audio.NewBlock(channels, int(seconds*float64(rate)))}
	rng := rand.New(rand.NewPCG(3, 4))
	for c, x := range r.Samples {
		for i := range x {
			s := float64(i) / float64(rate)
			v := 0.002 * rng.NormFloat64()
			for k, hertz := range []float64{220, 587, 1109, 1760, 2637} {
				v += 0.08 * math.Sin(2*math.Pi*hertz*s+float64(c)) * (1 + 0.8*math.Sin(2*math.Pi*(0.7+0.31*float64(k))*s))
			}
			x[i] = format.Quantize(v)
		}
	}
	return r
}

func power(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	return sum / float64(len(x))
}

// likeness returns the largest correlation of a stretch of a with b at any shift up to a tenth of a second.
func likeness(a, b []float64, rate int) float64 {
	from, n, best := rate/2, rate/8, 0.0
	for shift := -rate / 10; shift <= rate/10; shift++ {
		var product, pa, pb float64
		for i := from; i < from+n; i++ {
			product += a[i] * b[i+shift]
			pa += a[i] * a[i]
			pb += b[i+shift] * b[i+shift]
		}
		best = max(best, product/math.Sqrt(pa*pb))
	}
	return best
}

// rates of recordings that come out at another.
var rates = map[string]int{"rate-48k": 48000, "rate-44k": 44100, "rate-16k": 16000}

// lengths are those that a channel makes of 3 s, in seconds.
var lengths = map[string]float64{
	"speed-faster-0.01": 3 / 1.0001, "speed-slower-0.01": 3 / 0.9999, "speed-faster-0.1": 3 / 1.001, "speed-slower-0.1": 3 / 0.999,
	"speed-faster-1": 3 / 1.01, "speed-slower-1": 3 / 0.99, "speed-faster-5": 3 / 1.05, "speed-slower-5": 3 / 0.95,
	"stretch-faster-5": 3 / 1.05, "stretch-slower-5": 3 / 0.95,
}

var drawnLengths = map[string][2]float64{"handled": {2.69, 2.86}, "stretch": {2.4, 4}}

func TestEveryChannel(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		if seen[c.Name] || seen[c.Title] || seen[c.Description] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name], seen[c.Title], seen[c.Description] = true, true, true
		if !regexp.MustCompile(`^[a-z0-9.-]+$`).MatchString(c.Name) || c.Title == "" || c.Description == "" || c.Kind == "" {
			t.Errorf("%+v is incomplete", c)
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if err := c.Available(); err != nil {
				t.Skip(err)
			}
			for _, format := range []struct{ rate, channels int }{{44100, 2}, {16000, 1}} {
				everyFormat(t, c, chord(format.rate, format.channels, 3))
			}
		})
	}
}

func everyFormat(t *testing.T, c Channel, r *audio.Recording) {
	before := slices.Clone(r.Samples[0])
	got, err := c.Pass(t.Context(), r, 7)
	if err != nil {
		t.Fatal(err)
	}
	if once := c.NeedsFFmpeg && c.Name != "mp3-128-opus-64"; !once {
		again, err := c.Pass(t.Context(), r, 7)
		if err != nil || again.Format != got.Format || !slices.EqualFunc(again.Samples, got.Samples, slices.Equal) {
			t.Errorf("one seed gives two recordings, %v", err)
		}
	}
	if !slices.Equal(before, r.Samples[0]) {
		t.Error("the argument has changed")
	}
	for i, v := range got.Samples[0] {
		if v*32768 != math.Round(v*32768) || v < -1 || v >= 1 {
			t.Fatalf("sample %d is %g, which 16 bits do not hold", i, v)
		}
	}
	rate := r.Format.Rate
	if to, ok := rates[c.Name]; ok {
		rate = to
	} else if c.Kind == Codec && got.Format.Rate == 48000 {
		rate = 48000 // Opus
	}
	channels := r.Format.Channels
	if c.Name == "mono" || c.Kind == Codec && got.Format.Channels == 1 {
		channels = 1
	}
	if got.Format.Rate != rate || got.Format.Channels != channels || got.Format.Encoding != audio.Int16 {
		t.Fatalf("format %+v of %+v", got.Format, r.Format)
	}
	seconds := float64(got.Frames()) / float64(rate)
	low, high := 2.999, 3.001
	if want, ok := lengths[c.Name]; ok {
		low, high = want-0.001, want+0.001
	} else if want, ok := drawnLengths[c.Name]; ok {
		low, high = want[0], want[1]
	} else if c.Kind == Codec {
		low, high = 2.97, 3.2
	}
	if seconds < low || seconds > high {
		t.Errorf("%.4f s, want %.4f to %.4f", seconds, low, high)
	}
	// What is heard is the same as before, as far as the kind of channel says.
	if c.Kind != Time && c.Name != "handled" && rate == r.Format.Rate {
		least := map[Kind]float64{Codec: 0.95, Format: 0.99, Level: 0.9, Filter: 0.6, Dynamics: 0.6, Room: 0.5, Noise: 0.99, Cut: 0.5}[c.Kind]
		before := r
		if channels < r.Format.Channels {
			before = r.Mono()
		}
		if c.Name == "polarity" {
			for _, v := range got.Samples {
				for i := range v {
					v[i] = -v[i]
				}
			}
		}
		if l := likeness(before.Samples[0], got.Samples[0], rate); l < least {
			t.Errorf("a likeness of %.3f, want %g", l, least)
		}
		if change := 10 * math.Log10(power(got.Samples[0])/power(before.Samples[0])); c.Kind == Codec && math.Abs(change) > 1 {
			t.Errorf("%.1f dB louder", change)
		}
	}
}

// What is drawn follows the seed.
func TestSeeds(t *testing.T) {
	r := chord(16000, 1, 1)
	for _, name := range []string{"handled", "equaliser", "reverb", "noise-20", "gain", "limiter", "stretch", "gap", "low-pass", "high-pass"} {
		c, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		a, err1 := c.Pass(t.Context(), r, 1)
		b, err2 := c.Pass(t.Context(), r, 2)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(a.Samples[0], b.Samples[0]) {
			t.Errorf("%s: two seeds give one recording", name)
		}
	}
}

func TestExcerpts(t *testing.T) {
	r := chord(16000, 1, 20)
	for name, seconds := range map[string]int{"cut-8s": 8, "cut-4s": 4} {
		c, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Pass(t.Context(), r, 3); err != nil || got.Frames() != 16000*seconds {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestHandledStaysBelowFullScale(t *testing.T) {
	r := channel.Gain(chord(16000, 1, 1), 6)
	r = channel.Gain(r, headroom(r))
	for seed := range uint64(20) {
		got, err := Handled().Pass(t.Context(), r, seed)
		if err != nil {
			t.Fatal(err)
		}
		ratio := math.Sqrt(power(got.Samples[0]) / power(r.Samples[0]))
		if ratio > 1.1 {
			t.Errorf("seed %d: %.1f times as loud, though it was at full scale", seed, ratio)
		}
	}
}

func TestWithoutFFmpeg(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r := chord(16000, 1, 1)
	for _, c := range All() {
		_, err := c.Pass(t.Context(), r, 1)
		if c.NeedsFFmpeg != errors.Is(err, ffmpeg.ErrMissing) || c.NeedsFFmpeg != errors.Is(c.Available(), ffmpeg.ErrMissing) {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range All() {
		if _, err := c.Pass(ctx, chord(16000, 1, 1), 1); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

func TestNamed(t *testing.T) {
	if _, err := Named("mp4"); err == nil {
		t.Error("there is a channel mp4")
	}
	if c, err := Named("aac-64"); err != nil || c.Name != "aac-64" {
		t.Errorf("%v, %v", c.Name, err)
	}
}
