package compare_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/compare"
	"ditas/metric"
	"ditas/picture"
	"ditas/picture/quality"
)

func file(t *testing.T, rate int, channels ...[]float64) audio.File {
	t.Helper()
	var b bytes.Buffer
	rec := &audio.Recording{Format: audio.Format{Rate: rate, Channels: len(channels), Encoding: audio.Float64}, Samples: channels}
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	f, err := wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func noise(n int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, seed))
	x := make([]float64, n)
	v := 0.0
	for i := range x {
		v = 0.5*v + 0.1*rng.NormFloat64()
		x[i] = v * (1 + math.Sin(float64(i)/20000))
	}
	return x
}

func plus(x []float64, level float64, seed uint64) []float64 {
	y := noise(len(x), seed)
	for i, v := range x {
		y[i] = v + level*y[i]
	}
	return y
}

func recordings(t *testing.T, a, b audio.File, o compare.Options) *compare.RecordingReport {
	t.Helper()
	r, err := compare.Recordings(context.Background(), a, b, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecordings(t *testing.T) {
	x, y := noise(100000, 1), noise(100000, 2)
	v := plus(y, 0.01, 3)
	last := 0
	r := recordings(t, file(t, 16000, x, y), file(t, 16000, x, v), compare.Options{Progress: func(done, total int) {
		if done <= last || done > total {
			t.Errorf("progress from %d to %d of %d", last, done, total)
		}
		last = done
	}})
	mse, err := metric.MSE(y, v)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(r.MSE/(mse/2)-1) > 1e-9 || r.Differing != 0.5 || r.Equal || r.Frames != 100000 || r.Seconds != 6.25 || r.Offset != 0 || last != 100000 {
		t.Errorf("%+v, MSE %g", r, mse/2)
	}
	if snr := 10 * math.Log10((power(x)+power(y))/mse); r.SNR == nil || math.Abs(*r.SNR-snr) > 1e-9 {
		t.Errorf("SNR %v, want %g", r.SNR, snr)
	}
	if r.NMR == nil || r.Masked == nil || *r.Masked < 0.5 || r.Disturbed == nil {
		t.Errorf("%+v", r)
	}
	if !recordings(t, file(t, 16000, x), file(t, 16000, x), compare.Options{}).Equal {
		t.Error("a recording differs from itself")
	}
}

func power(x []float64) (p float64) {
	for _, v := range x {
		p += v * v / float64(len(x))
	}
	return p
}

// Where a piece was cut off, it is found where the rest belongs, however much noise there is.
func TestAlign(t *testing.T) {
	x := noise(200000, 1)
	whole := file(t, 16000, x)
	for name, c := range map[string]struct {
		a, b         audio.File
		offset, size int64
	}{
		"the same":             {whole, whole, 0, 200000},
		"cut in front":         {whole, file(t, 16000, plus(x[12345:], 0.3, 5)), 12345, 200000 - 12345},
		"cut behind":           {whole, file(t, 16000, x[:150001]), 0, 150001},
		"a short piece":        {whole, file(t, 16000, x[199000:199900]), 199000, 900},
		"cut in front, turned": {file(t, 16000, x[70001:]), whole, -70001, 200000 - 70001},
		"shifted":              {file(t, 16000, x[1000:]), file(t, 16000, x[:198000]), -1000, 197000},
	} {
		r := recordings(t, c.a, c.b, compare.Options{Align: true})
		if r.Offset != c.offset || r.Frames != c.size {
			t.Errorf("%s: offset %d, %d frames, want %d, %d", name, r.Offset, r.Frames, c.offset, c.size)
		}
	}
	_, err := compare.Recordings(context.Background(), whole, file(t, 16000, noise(100000, 9)), compare.Options{Align: true})
	if !errors.Is(err, compare.ErrUnrelated) {
		t.Errorf("%v", err)
	}
}

func TestErrors(t *testing.T) {
	x := noise(5000, 1)
	a := file(t, 16000, x)
	for _, c := range []struct {
		b    audio.File
		want error
	}{{file(t, 8000, x), compare.ErrFormat}, {file(t, 16000, x, x), compare.ErrFormat}, {file(t, 16000, x[1:]), compare.ErrLength}} {
		if _, err := compare.Recordings(context.Background(), a, c.b, compare.Options{}); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
	if _, err := compare.Pictures(picture.New(3, 4), picture.New(4, 3)); !errors.Is(err, quality.ErrSize) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := compare.Recordings(ctx, a, a, compare.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func pictures(t *testing.T, width, height int) (a, b *picture.Planes) {
	a, b = picture.New(width, height), picture.New(width, height)
	for c := range a.Pix {
		for i := range a.Pix[c] {
			a.Pix[c][i] = float32((i*7+c*30)%256) / 255
			b.Pix[c][i] = a.Pix[c][i]
		}
	}
	return a, b
}

func TestPictures(t *testing.T) {
	a, b := pictures(t, 40, 20)
	for i := range 200 {
		b.Pix[1][i] = a.Pix[1][i] + 2.0/255
		if b.Pix[1][i] > 1 {
			b.Pix[1][i] = a.Pix[1][i] - 2.0/255
		}
	}
	r, err := compare.Pictures(a, b)
	if err != nil {
		t.Fatal(err)
	}
	want := 200 * (2.0 / 255) * (2.0 / 255) / 2400
	if r.Differing != 0.25 || math.Abs(r.MSE/want-1) > 1e-5 || r.PSNR == nil || math.Abs(*r.PSNR+10*math.Log10(want)) > 1e-4 || r.SSIM == nil || r.MSSSIM == nil || r.Equal {
		t.Errorf("%+v", r)
	}
	d, gain := r.Difference()
	if gain != 32 || math.Abs(float64(d.Pix[0][0])-0.5) > 1e-6 || math.Abs(math.Abs(float64(d.Pix[1][0])-0.5)-64.0/255) > 1e-5 {
		t.Errorf("difference %g, %g, gain %g", d.Pix[0][0], d.Pix[1][0], gain)
	}
	if r, err = compare.Pictures(a, a); err != nil || !r.Equal || r.PSNR != nil || r.Differing != 0 || *r.SSIM != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	small, _ := pictures(t, 5, 5)
	if r, err = compare.Pictures(small, small); err != nil || r.SSIM != nil || r.MSSSIM != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// figure is what both reports can draw.
type figure interface {
	Figure(w io.Writer, format, a, b string) error
}

func TestFigures(t *testing.T) {
	a, b := pictures(t, 30, 20)
	p, err := compare.Pictures(a, b)
	if err != nil {
		t.Fatal(err)
	}
	x := noise(30000, 1)
	tone := make([]float64, len(x))
	for i := range tone {
		tone[i] = 0.5 * math.Sin(float64(i))
	}
	if err := recordings(t, file(t, 16000, x), file(t, 16000, x), compare.Options{}).Figure(io.Discard, compare.PNG, "", ""); err == nil {
		t.Error("what was not kept was drawn")
	}
	for name, f := range map[string]figure{
		"pictures":   p,
		"recordings": recordings(t, file(t, 16000, x, x), file(t, 16000, x, tone), compare.Options{Figure: true}),
		"moments":    recordings(t, file(t, 16000, x[:1]), file(t, 16000, x[1:2]), compare.Options{Figure: true}),
		"equal":      recordings(t, file(t, 100, x), file(t, 100, x), compare.Options{Figure: true}),
	} {
		var b bytes.Buffer
		if err := f.Figure(&b, compare.PNG, "a.wav", "b.wav"); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, err := png.Decode(&b)
		if err != nil || m.Bounds().Dx() < 400 {
			t.Errorf("%s: %v", name, err)
		}
		b.Reset()
		if err := f.Figure(&b, compare.SVG, "a.wav", "b & <c>.wav"); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d, text := xml.NewDecoder(&b), false
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if c, ok := token.(xml.CharData); ok && string(c) == "b & <c>.wav" {
				text = true
			}
		}
		if !text {
			t.Errorf("%s: the figure does not name the second", name)
		}
		if err := f.Figure(&b, "gif", "", ""); err == nil {
			t.Errorf("%s was drawn as a GIF", name)
		}
	}
}

// Pictures of any shape are drawn on a page that can be looked at.
func TestFiguresOfStrips(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {400, 1}, {1, 400}} {
		a, b := pictures(t, size[0], size[1])
		r, err := compare.Pictures(a, b)
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := r.Figure(&file, compare.PNG, "a", "b"); err != nil {
			t.Fatal(err)
		}
		m, err := png.DecodeConfig(&file)
		if err != nil || m.Height < 100 || m.Height > 1500 || m.Width < 800 || m.Width > 2500 {
			t.Errorf("%d×%d pixels: a figure of %d×%d dots (%v)", size[0], size[1], m.Width, m.Height, err)
		}
	}
}

// TestNotFinite checks that samples that are no numbers compare, and that a report of them can be written as JSON.
func TestNotFinite(t *testing.T) {
	f := audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Float32}
	file := func(change float64) audio.File {
		rec := &audio.Recording{Format: f, Samples: audio.NewBlock(1, 16000)}
		for i := range rec.Samples[0] {
			rec.Samples[0][i] = []float64{math.NaN(), math.Inf(1), 0.25, math.Sin(float64(i))}[i%4]
		}
		rec.Samples[0][8000] = change
		var b bytes.Buffer
		if err := wav.Encode(&b, rec); err != nil {
			t.Fatal(err)
		}
		w, err := wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	for change, differing := range map[float64]float64{math.Inf(-1): 1, 1: 1} {
		r, err := compare.Recordings(t.Context(), file(math.NaN()), file(change), compare.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(r); err != nil || r.Equal || r.Differing*16000 != differing || r.MaxDeviation != 1 {
			t.Errorf("%+v, error %v", r, err)
		}
		// What an ear would make of it nobody knows.
		if r.ODG != nil || r.PEAQ != nil || r.NMR != nil || r.Masked != nil || r.NoNumbers*16000 != 1 {
			t.Errorf("a grade of no numbers: %+v", r)
		}
	}
	r, err := compare.Recordings(t.Context(), file(math.NaN()), file(math.NaN()), compare.Options{})
	if err != nil || !r.Equal || r.NoNumbers != 0 {
		t.Errorf("%+v, error %v", r, err)
	}
}

// TestManyChannels checks that a file that claims 65535 channels is refused before memory is taken for them.
func TestManyChannels(t *testing.T) {
	rec := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 65535, Encoding: audio.Int8}, Samples: audio.NewBlock(65535, 1)}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	w, err := wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := compare.Recordings(t.Context(), w, w, compare.Options{Align: true}); !errors.Is(err, compare.ErrFormat) {
		t.Errorf("error %v", err)
	}
}
