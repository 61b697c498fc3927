package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/racetest"
	"ditas/picture"
)

func write(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	p := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// wavFile makes a WAV file of the same samples in all channels.
func wavFile(t testing.TB, f audio.Format, x []float64) []byte {
	t.Helper()
	rec := &audio.Recording{Format: f}
	for range f.Channels {
		rec.Samples = append(rec.Samples, x)
	}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tone is a second of a tone of 1 kHz that swells and fades.
func tone(rate int, level float64) []float64 {
	x := make([]float64, rate)
	for i := range x {
		t := float64(i) / float64(rate)
		x[i] = level * math.Sin(2*math.Pi*1000*t) * math.Sin(math.Pi*t)
	}
	return x
}

func ramp(n int, top int16) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(int(top)*(i+1)/n) / (1 << 15)
	}
	return x
}

var pcm16k = audio.Format{Rate: Rate, Channels: 1, Encoding: audio.Int16}

// sphereFile makes a NIST SPHERE file as TIMIT has them.
func sphereFile(x []int16) []byte {
	h := fmt.Sprintf("NIST_1A\n   1024\ndatabase_id -s5 TIMIT\nchannel_count -i 1\nsample_count -i %d\nsample_rate -i 16000\n"+
		"sample_n_bytes -i 2\nsample_byte_format -s2 01\nsample_sig_bits -i 16\nend_head\n", len(x))
	b := append([]byte(h), bytes.Repeat([]byte(" "), 1024-len(h))...)
	for _, v := range x {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func TestOpenSpeech(t *testing.T) {
	dir := t.TempDir()
	codes := []int16{3, -20000, 5, 7, 12000, -1}
	write(t, dir, "TEST/DR1/FAKS0/SA1.WAV", sphereFile(codes))
	write(t, dir, "TEST/DR1/FAKS0/SA1.TXT", []byte("0 63488 She had your dark suit in greasy wash water all year.\n"))
	write(t, dir, "b/stereo.wav", wavFile(t, audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int24}, tone(44100, 0.25)))
	write(t, dir, "a.wav", wavFile(t, pcm16k, ramp(100, 1000)))
	write(t, dir, ".hidden/a.wav", []byte("RIFF"))
	write(t, dir, "empty", nil)
	s, err := OpenSpeech(context.Background(), dir, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range s.Len() {
		names = append(names, s.Name(i))
	}
	if want := []string{"TEST/DR1/FAKS0/SA1.WAV", "a.wav", "b/stereo.wav"}; !slices.Equal(names, want) {
		t.Fatalf("loaded %q, want %q", names, want)
	}
	if n := s.Samples(2); n != Rate {
		t.Errorf("a second of 44.1 kHz became %d samples", n)
	}

	// The evaluation's excerpt: peak 0.99, 16-bit values, from the start, repeated.
	cover := make([]float32, 15)
	s.Cover(0, cover)
	for i, v := range cover {
		want := math.RoundToEven(float64(codes[i%6])*Peak/20000*(1<<15)) / (1 << 15)
		if float64(v) != want {
			t.Errorf("sample %d is %v, want %v", i, v, want)
		}
	}
	x := make([]float32, Rate)
	s.Cover(2, x)
	for i, want := range tone(Rate, Peak) {
		if math.Abs(float64(x[i])-want) > 1e-4 {
			t.Fatalf("sample %d of the converted tone is %v, want %v", i, x[i], want)
		}
	}
}

// What lies just below half of the new rate is there only where it is asked for.
func TestFullBand(t *testing.T) {
	dir := t.TempDir()
	const rate, high = 44100, 7900
	x := make([]float64, rate)
	for i := range x {
		at := 2 * math.Pi * float64(i) / rate
		x[i] = 0.4*math.Sin(1000*at) + 0.4*math.Sin(high*at)
	}
	write(t, dir, "a.wav", wavFile(t, audio.Format{Rate: rate, Channels: 1, Encoding: audio.Int16}, x))
	level := func(o LoadOptions) float64 {
		s, err := OpenSpeech(t.Context(), dir, o)
		if err != nil {
			t.Fatal(err)
		}
		amplitude := func(frequency float64) float64 {
			sum := complex(0, 0)
			for i, v := range s.PCM(0)[1000 : Rate-1000] {
				sum += complex(float64(v), 0) * cmplx.Rect(1, 2*math.Pi*frequency*float64(i)/Rate)
			}
			return cmplx.Abs(sum)
		}
		return 20 * math.Log10(amplitude(high)/amplitude(1000))
	}
	if dB := level(LoadOptions{}); dB > -30 {
		t.Errorf("%d Hz has %.1f dB by default", high, dB)
	}
	if dB := level(LoadOptions{FullBand: true}); dB < -7 {
		t.Errorf("%d Hz has %.1f dB in the full band", high, dB)
	}
}

func TestOpenSpeechFailures(t *testing.T) {
	open := func(dir string, o LoadOptions) (*Speech, error) { return OpenSpeech(context.Background(), dir, o) }
	expect := func(err error, words ...string) {
		t.Helper()
		for _, w := range words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("error %q does not say %q", err, w)
			}
		}
	}
	dir := t.TempDir()
	_, err := open(filepath.Join(dir, "no"), LoadOptions{})
	expect(err, "no")
	write(t, dir, "a.txt", []byte("text"))
	_, err = open(dir, LoadOptions{})
	expect(err, "none of the 1 files", dir)

	good := wavFile(t, pcm16k, ramp(100, 1000))
	write(t, dir, "good.wav", good)
	write(t, dir, "x/cut.wav", good[:len(good)-10])
	write(t, dir, "x/nan.wav", wavFile(t, audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Float32}, []float64{0, math.NaN()}))
	write(t, dir, "x/none.wav", wavFile(t, pcm16k, nil))
	_, err = open(dir, LoadOptions{})
	expect(err, "3 of", "x/cut.wav", "cut off", "x/nan.wav", "x/none.wav", "skip")
	calls := 0
	s, err := open(dir, LoadOptions{SkipUnreadable: true, Progress: func(done, total int) {
		if calls++; done != calls || total != 5 {
			t.Errorf("progress %d of %d at call %d", done, total, calls)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if skipped := s.Skipped(); s.Len() != 1 || len(skipped) != 3 || skipped[0].Name != "x/cut.wav" || skipped[0].Err == nil || calls != 5 {
		t.Errorf("%d clips, skipped %v, %d calls", s.Len(), skipped, calls)
	}
	_, err = open(dir, LoadOptions{SkipUnreadable: true, MaxBytes: 199})
	expect(err, "memory", dir)
	_, err = open(filepath.Join(dir, "good.wav"), LoadOptions{})
	expect(err, "not a folder")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := OpenSpeech(ctx, dir, LoadOptions{}); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

func speech(t testing.TB) *Speech {
	dir := t.TempDir()
	write(t, dir, "long.wav", wavFile(t, pcm16k, ramp(9000, 9000)))
	write(t, dir, "loud.wav", wavFile(t, pcm16k, ramp(900, 30000)))
	write(t, dir, "short.wav", wavFile(t, pcm16k, ramp(100, 100)))
	write(t, dir, "silent.wav", wavFile(t, pcm16k, make([]float64, 100)))
	s, err := OpenSpeech(context.Background(), dir, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestClip(t *testing.T) {
	s := speech(t)
	const n = 500
	dst := make([]float32, n)
	counts := map[string]int{}
	var source rand.PCG
	rng := rand.New(&source)
	starts := map[int]bool{}
	for i := range 10000 {
		Seed(&source, 1, 0, i)
		s.Clip(rng, dst)
		step := float64(dst[1] - dst[0])
		switch {
		case dst[0] == 0 && dst[1] == 0:
			counts["silent"]++
		case math.Abs(step-Peak/9000) < 1e-6:
			counts["long"]++
			start := int(math.Round(float64(dst[0])/Peak*9000)) - 1
			if start < 0 || start > 9000-n {
				t.Fatalf("an excerpt starts at %d", start)
			}
			starts[start] = true
			if d := float64(dst[n-1]-dst[0]) - Peak*(n-1)/9000; math.Abs(d) > 1e-5 {
				t.Fatalf("samples are not consecutive: off by %g", d)
			}
		case math.Abs(step-Peak/900) < 1e-4:
			counts["loud"]++
		default:
			counts["short"]++
			for i, v := range dst { // all of it is in use, again and again, up to the peak
				if i >= 100 && v != dst[i-100] {
					t.Fatal("a short clip is not repeated")
				}
			}
			if slices.Max(dst) != Peak {
				t.Fatalf("the peak is %v", slices.Max(dst))
			}
		}
	}
	for name, share := range map[string]float64{"long": 9000, "loud": 900, "short": 100, "silent": 100} {
		if want := share / 10100 * 10000; math.Abs(float64(counts[name])-want) > 5*math.Sqrt(want) {
			t.Errorf("%s was drawn %d times, want about %.0f", name, counts[name], want)
		}
	}
	if len(starts) < 4000 {
		t.Errorf("only %d places were drawn", len(starts))
	}
}

// gradient is a picture whose channels rise along x, along y, and in a checkerboard.
func gradient(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{uint8(255 * x / w), uint8(255 * y / h), uint8(255 * ((x ^ y) & 1)), 255})
		}
	}
	return m
}

func pngFile(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pictures(t testing.TB, o LoadOptions) (*Pictures, string) {
	dir := t.TempDir()
	write(t, dir, "wide.png", pngFile(t, gradient(200, 100)))
	write(t, dir, "faces/tiny", pngFile(t, gradient(40, 50)))
	write(t, dir, "readme.md", []byte("# pictures"))
	p, err := OpenPictures(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return p, dir
}

func TestThumbnail(t *testing.T) {
	p, dir := pictures(t, LoadOptions{})
	if p.Len() != 2 || p.Name(0) != "faces/tiny" || p.Name(1) != "wide.png" {
		t.Fatalf("loaded %d pictures, the first is %s", p.Len(), p.Name(0))
	}
	dst := picture.New(64, 64)
	p.Thumbnail(1, dst)
	want := picture.FromImage(gradient(200, 100)).Thumbnail(64)
	for c := range 3 {
		for i, v := range dst.Pix[c] {
			if math.Abs(float64(v-want.Pix[c][i])) > 1e-6 {
				t.Fatalf("channel %d, pixel %d is %v, want %v", c, i, v, want.Pix[c][i])
			}
		}
	}
	thumbs, err := OpenThumbnails(context.Background(), dir, 64, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	thumbs.Thumbnail(1, dst)
	want.Round()
	for c := range 3 {
		if !slices.Equal(dst.Pix[c], want.Pix[c]) {
			t.Fatalf("channel %d differs from the rounded thumbnail", c)
		}
	}
}

func TestSideIsCapped(t *testing.T) {
	p, _ := pictures(t, LoadOptions{Side: 20})
	if q := p.photos[1].value; q.width != 20 || q.height != 10 {
		t.Errorf("200×100 became %d×%d", q.width, q.height)
	}
}

func TestCrop(t *testing.T) {
	racetest.Skip(t)
	p, _ := pictures(t, LoadOptions{})
	var source rand.PCG
	rng := rand.New(&source)
	dst := picture.New(64, 64)
	mirrored, tiny := 0, 0
	small, large := 1.0, 0.0
	const runs = 2000
	for i := range runs {
		Seed(&source, 7, i, 0)
		p.Crop(rng, dst)
		across := float64(dst.Pix[0][63] - dst.Pix[0][0])
		down := float64(dst.Pix[1][63*64] - dst.Pix[1][0])
		if across < 0 {
			mirrored++
		}
		if math.Abs(across) > 0.9 {
			tiny++ // the wide picture is half as high as wide
			continue
		}
		if math.Abs(math.Abs(across)*2-down) > 0.04 {
			t.Fatalf("the crop is no square: %v across, %v down", across, down)
		}
		small, large = min(small, down), max(large, down)
		var mean float64
		for _, v := range dst.Pix[2] {
			mean += float64(v) / (64 * 64)
		}
		if math.Abs(mean-0.5) > 0.02 {
			t.Fatalf("a checkerboard averages to %v", mean)
		}
	}
	if small > 0.66 || large < 0.96 {
		t.Errorf("crops reach from %.2f to %.2f of the height, want 0.64 to 1", small, large)
	}
	if math.Abs(float64(mirrored)/runs-0.5) > 0.05 {
		t.Errorf("%d of %d are mirrored", mirrored, runs)
	}
	if math.Abs(float64(tiny)/runs-0.5) > 0.05 {
		t.Errorf("one of two pictures was drawn %d times of %d", tiny, runs)
	}
}

// What a sample is must not depend on who draws it and when, or training cannot be resumed.
func TestSamplesAreRandomAccess(t *testing.T) {
	s := speech(t)
	p, _ := pictures(t, LoadOptions{})
	draw := func(step, index int) string {
		var source rand.PCG
		rng := rand.New(&source)
		Seed(&source, 42, step, index)
		x, q := make([]float32, 50), picture.New(8, 8)
		s.Clip(rng, x)
		p.Crop(rng, q)
		return fmt.Sprint(x, q.Pix)
	}
	want := map[[2]int]string{}
	seen := map[string]bool{}
	for step := range 10 {
		for index := range 10 {
			v := draw(step, index)
			want[[2]int{step, index}] = v
			seen[v] = true
		}
	}
	if len(seen) < 99 {
		t.Errorf("only %d of 100 samples differ", len(seen))
	}
	var wg sync.WaitGroup
	for k, v := range want {
		wg.Go(func() {
			if draw(k[0], k[1]) != v {
				t.Errorf("sample %v came out differently", k)
			}
		})
	}
	wg.Wait()
}

func TestPairs(t *testing.T) {
	for _, n := range [][2]int{{51, 80}, {80, 51}, {1, 7}, {19, 19}} {
		pairs := Pairs(n[0], n[1])
		pics, clips := make([]int, n[0]), make([]int, n[1])
		seen := map[Pair]bool{}
		for _, p := range pairs {
			pics[p.Picture]++
			clips[p.Clip]++
			seen[p] = true
		}
		if len(pairs) != max(n[0], n[1]) || len(seen) != len(pairs) {
			t.Errorf("%v: %d pairs, %d of them distinct", n, len(pairs), len(seen))
		}
		for _, counts := range [][]int{pics, clips} {
			if slices.Min(counts) < 1 || slices.Max(counts) > slices.Min(counts)+1 {
				t.Errorf("%v: used %v times", n, counts)
			}
		}
		if !slices.Equal(pairs, Pairs(n[0], n[1])) {
			t.Errorf("%v: not the same again", n)
		}
	}
	// Published numbers stand on these pairs.
	if p := Pairs(51, 80)[:3]; !slices.Equal(p, []Pair{{50, 55}, {6, 14}, {1, 37}}) {
		t.Errorf("the pairs begin with %v", p)
	}
}

func BenchmarkCrop(b *testing.B) {
	dir := b.TempDir()
	write(b, dir, "a.png", pngFile(b, gradient(640, 480)))
	p, err := OpenPictures(b.Context(), dir, LoadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	dst := picture.New(64, 64)
	for b.Loop() {
		p.Crop(rng, dst)
	}
}

func ExampleBuild() {
	m, err := Build(context.Background(), Options{Dir: "data", Lean: true}, func(p Progress) {
		fmt.Printf("%d/%d %s\n", p.Done, p.Total, p.Step)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the sets are", m.Digest())
}

func ExampleSpeech_Clip() {
	ctx := context.Background()
	speech, err := OpenSpeech(ctx, filepath.Join("data", "train", "speech"), LoadOptions{})
	if err != nil {
		return // the folder is made by Build
	}
	photos, err := OpenPictures(ctx, filepath.Join("data", "train", "photos"), LoadOptions{})
	if err != nil {
		return
	}
	cover, secret := make([]float32, 3*16384), picture.New(64, 64)
	var source rand.PCG
	rng := rand.New(&source)
	for index := range 16 { // one batch, on any number of goroutines
		Seed(&source, 1, 0, index)
		speech.Clip(rng, cover)
		photos.Crop(rng, secret)
	}
}

func ExamplePairs() {
	for _, p := range Pairs(2, 5) {
		fmt.Println("picture", p.Picture, "in clip", p.Clip)
	}
	// Output:
	// picture 1 in clip 0
	// picture 0 in clip 1
	// picture 1 in clip 4
	// picture 0 in clip 2
	// picture 1 in clip 3
}
