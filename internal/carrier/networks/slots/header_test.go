package slots

import (
	"bytes"
	"ditas/internal/carrier"
	"ditas/internal/fec/convolutional"
	"ditas/internal/keystream"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// recording returns a cover on grid g: coloured noise under a slow envelope, a different one in each channel.
func recording(seed uint64, channels, frames int, g carrier.Grid) Planar[float64] {
	rng := random(seed)
	p := make(Planar[float64], channels)
	for c := range p {
		p[c] = make([]float64, frames)
		level, v := 0.0, 0.0
		for i := range p[c] {
			level += 0.001 * (rng.Float64() - level)
			v = 0.9*v + 0.2*rng.NormFloat64()*level
			p[c][i] = max(-1, min(1-g.Step, g.Round(v)))
		}
	}
	return p
}

func text(seed uint64, n int) []byte {
	rng := random(seed ^ 0xbeef)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func clone(p Planar[float64]) Planar[float64] {
	q := make(Planar[float64], len(p))
	for c := range p {
		q[c] = slices.Clone(p[c])
	}
	return q
}

func each(p Planar[float64], f func(v float64) float64) {
	for _, c := range p {
		for i := range c {
			c[i] = f(c[i])
		}
	}
}

func mustWrite(t testing.TB, s Samples, g carrier.Grid, body []byte) {
	t.Helper()
	if err := Write(s, g, keystream.Public(), body); err != nil {
		t.Fatal(err)
	}
}

func wantBody(t testing.TB, s Samples, body []byte) {
	t.Helper()
	got, err := Read(s, keystream.Public())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, body) {
		t.Fatalf("read %d bytes that are not the %d written", len(got), len(body))
	}
}

func wantError(t testing.TB, s Samples, key keystream.Key, want error) {
	t.Helper()
	if body, err := Read(s, key); !errors.Is(err, want) {
		t.Fatalf("read %d bytes and error %v, want %v", len(body), err, want)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, bits := range []int{8, 12, 16, 24, 32, 0} {
		g := carrier.Grid{}
		if bits > 0 {
			g = pcm(bits)
		}
		for _, channels := range []int{1, 2, 3, 6} {
			for _, samples := range []int{4096, 4100, 8191, 16384, 49152, 100003} {
				frames := (samples + channels - 1) / channels
				n := frames * channels
				for _, size := range []int{0, 1, 60, Capacity(n)} {
					t.Run(fmt.Sprintf("%dbit/%dch/%d/%dB", bits, channels, n, size), func(t *testing.T) {
						cover := recording(uint64(n+size), channels, frames, g)
						stego, body := clone(cover), text(uint64(size), size)
						mustWrite(t, stego, g, body)
						wantBody(t, stego, body)
						bound := float64(fine)/2 + g.Step/2
						if bits == 8 || bits == 12 {
							bound = float64(coarse)/2 + g.Step/2
						}
						for c := range stego {
							for i, v := range stego[c] {
								if v != g.Round(v) || v < -1 || v > 1-g.Step {
									t.Fatalf("sample %v is not on the grid", v)
								}
								clips := math.Abs(v) > 1-2*bound // a point beyond full scale gives way to the next
								if d := math.Abs(v - cover[c][i]); d > bound && !clips {
									t.Fatalf("a sample moved by %v, more than %v", d, bound)
								}
							}
						}
					})
				}
			}
		}
	}
}

func TestFormatsConvert(t *testing.T) {
	body := text(1, 60)
	for _, from := range []int{8, 16, 24, 32} {
		stego := recording(7, 2, 12000, pcm(from))
		mustWrite(t, stego, pcm(from), body)
		for _, to := range []int{16, 24, 32} {
			back := clone(stego)
			each(back, pcm(to).Round)
			wantBody(t, back, body)
			each(back, func(v float64) float64 { return float64(float32(v)) })
			wantBody(t, back, body)
			each(back, pcm(16).Round)
			wantBody(t, back, body)
		}
	}
	// Some programs take 32767 for full scale.
	stego := recording(7, 2, 12000, pcm(16))
	mustWrite(t, stego, pcm(16), body)
	each(stego, func(v float64) float64 { return v * 32768 / 32767 })
	wantBody(t, stego, body)
}

func TestFloat32Samples(t *testing.T) {
	cover := recording(3, 2, 10000, carrier.Grid{})
	stego := make(Planar[float32], 2)
	for c := range cover {
		for _, v := range cover[c] {
			stego[c] = append(stego[c], float32(v))
		}
	}
	body := text(2, 100)
	mustWrite(t, stego, carrier.Grid{}, body)
	wantBody(t, stego, body)
}

func TestFullScaleCover(t *testing.T) {
	for _, g := range []carrier.Grid{pcm(8), pcm(16), {}} {
		// A square wave at full scale, of a period short enough not to count as silence.
		stego := Planar[float64]{make([]float64, 16384)}
		for i := range stego[0] {
			if stego[0][i] = 1 - g.Step; i/7%2 == 1 {
				stego[0][i] = -1
			}
		}
		body := text(3, 60)
		mustWrite(t, stego, g, body)
		for _, v := range stego[0] {
			if v < -1 || v > 1-g.Step {
				t.Fatalf("sample %v exceeds full scale", v)
			}
		}
		wantBody(t, stego, body)
	}
}

func TestWriteTooLong(t *testing.T) {
	for _, n := range []int{0, 1, 4095, 4096, 16384, 100000} {
		cover := recording(1, 1, n, pcm(16))
		stego := clone(cover)
		err := Write(stego, pcm(16), keystream.Public(), make([]byte, Capacity(n)+1))
		if !errors.Is(err, ErrTooShort) {
			t.Errorf("%d samples: error %v, want %v", n, err, ErrTooShort)
		}
		if !slices.Equal(cover[0], stego[0]) {
			t.Errorf("%d samples: the recording was changed", n)
		}
	}
	if err := Write(Planar[float64](nil), pcm(16), keystream.Public(), nil); !errors.Is(err, ErrTooShort) {
		t.Errorf("empty recording: error %v", err)
	}
	for _, g := range []carrier.Grid{pcm(7), pcm(1), {Step: -1}, {Step: math.NaN()}} {
		if err := Write(recording(1, 1, 16384, pcm(16)), g, keystream.Public(), nil); !errors.Is(err, ErrGrid) {
			t.Errorf("grid %v: error %v", g, err)
		}
	}
}

func TestCapacity(t *testing.T) {
	last := 0
	for n := 0; n < 1<<18; n++ {
		c := Capacity(n)
		if c < last {
			t.Fatalf("Capacity(%d) = %d, less than of one sample less", n, c)
		}
		last = c
	}
	for _, body := range []int{0, 1, 60, 400, 10000, MaxBody} {
		n := MinSamples(body)
		if Capacity(n) < body || n > firstRegion && Capacity(n-1) >= body {
			t.Errorf("MinSamples(%d) = %d is not the smallest", body, n)
		}
	}
	if c := Capacity(16384); c < 400 {
		t.Errorf("16384 samples take %d bytes, want 400", c)
	}
	if c := Capacity(math.MaxInt32); c != MaxBody {
		t.Errorf("a long recording takes %d bytes, want %d", c, MaxBody)
	}
}

func TestPlacesNeverCollide(t *testing.T) {
	for _, n := range []int{4096, 5000, 16384, 70001} {
		symbols := convolutional.Len(Capacity(n) + tagSize)
		seen := make([]bool, n)
		visit := func(p place) {
			if p.sample < 0 || p.sample >= n || seen[p.sample] {
				t.Fatalf("%d samples: place %d is outside or taken", n, p.sample)
			}
			seen[p.sample] = true
		}
		for i := range regions(n) {
			for p := range preamblePlaces(keystream.Public(), i) {
				visit(p)
			}
		}
		last, count := -1, make([]int, symbols)
		for p := range bodyPlaces(keystream.Public(), n, symbols, 1) {
			visit(p)
			count[p.symbol]++
			if p.sample < last {
				t.Fatalf("%d samples: place %d after %d", n, p.sample, last)
			}
			last = p.sample
		}
		for s, c := range count {
			if c != 1 {
				t.Fatalf("%d samples: symbol %d has %d places", n, s, c)
			}
		}
	}
}

// The limits of white noise that the package comment promises.
func TestWhiteNoise(t *testing.T) {
	for _, c := range []struct {
		samples, body int
		sigma         float64 // over Δ
	}{
		{16384, 60, 1. / 9},
		{49152, 60, 0.17},
		{1 << 20, 400, 0.2},
	} {
		failed, trials := 0, 20
		for trial := range trials {
			stego := recording(uint64(trial), 1, c.samples, pcm(16))
			body := text(uint64(trial), c.body)
			mustWrite(t, stego, pcm(16), body)
			rng := random(uint64(1000 + trial))
			each(stego, func(v float64) float64 {
				return pcm(16).Round(v + c.sigma*float64(fine)*rng.NormFloat64())
			})
			if got, err := Read(stego, keystream.Public()); err != nil || !bytes.Equal(got, body) {
				failed++
			}
		}
		t.Logf("%d samples, %d bytes, noise %.3f Δ: %d of %d lost", c.samples, c.body, c.sigma, failed, trials)
		if failed > 0 {
			t.Errorf("%d samples: %d of %d messages lost at noise %.3f Δ", c.samples, failed, trials, c.sigma)
		}
	}
}

func TestLostPieces(t *testing.T) {
	body := text(9, 60)
	for _, samples := range []int{16384, 49152, 300000} {
		cover := recording(uint64(samples), 2, samples/2, pcm(16))
		stego := clone(cover)
		mustWrite(t, stego, pcm(16), body)
		frames := samples / 2
		tenth := frames / 10
		other := recording(99, 2, frames, pcm(16))
		for k := range 19 {
			first := k * tenth / 2
			zeroed, replaced := clone(stego), clone(stego)
			for c := range stego {
				clear(zeroed[c][first : first+tenth])
				copy(replaced[c][first:first+tenth], other[c][first:])
			}
			t.Run(fmt.Sprintf("%d/zeroed from %d", samples, first), func(t *testing.T) { wantBody(t, zeroed, body) })
			t.Run(fmt.Sprintf("%d/replaced from %d", samples, first), func(t *testing.T) { wantBody(t, replaced, body) })
		}
		cut, longer := clone(stego), clone(stego)
		for c := range stego {
			cut[c] = cut[c][:frames-tenth]
			longer[c] = append(longer[c], other[c][:frames]...)
			longer[c] = append(longer[c], other[c]...)
		}
		t.Run(fmt.Sprintf("%d/end cut", samples), func(t *testing.T) { wantBody(t, cut, body) })
		t.Run(fmt.Sprintf("%d/appended", samples), func(t *testing.T) { wantBody(t, longer, body) })
	}
}

// Single spoilt samples, which nothing marks as lost.
func TestSpoiltSamples(t *testing.T) {
	stego := recording(5, 1, 16384, pcm(16))
	body := text(5, 60)
	mustWrite(t, stego, pcm(16), body)
	rng := random(5)
	for i := range stego[0] {
		if rng.Float64() < 0.08 {
			stego[0][i] = pcm(16).Round(rng.Float64() - 0.5)
		}
	}
	wantBody(t, stego, body)
}

func TestTooMuchDamage(t *testing.T) {
	stego := recording(5, 1, 100000, pcm(16))
	mustWrite(t, stego, pcm(16), text(5, 3000))
	copy(stego[0][8192:], recording(6, 1, 100000-8192, pcm(16))[0])
	wantError(t, stego, keystream.Public(), ErrDamaged) // the first two preambles are whole
	copy(stego[0], recording(7, 1, 100000, pcm(16))[0])
	wantError(t, stego, keystream.Public(), ErrNotFound)
}

func TestSilence(t *testing.T) {
	body := text(6, 60)
	for _, share := range []float64{0.02, 0.1, 0.5, 1} {
		for _, bits := range []int{8, 16} {
			for _, level := range []float64{0, 0.25} { // a constant is as silent as zero
				cover := recording(6, 1, 20000, pcm(bits))
				n := int(share * 20000)
				for i := range n {
					cover[0][i] = level
				}
				stego := clone(cover)
				mustWrite(t, stego, pcm(bits), body)
				wantBody(t, stego, body)
				if share <= 0.1 && !slices.Equal(stego[0][:n], cover[0][:n]) {
					t.Errorf("%d bits: digital silence in %.0f %% of the recording was disturbed", bits, 100*share)
				}
			}
		}
	}
}

func TestInnocentRecordings(t *testing.T) {
	const trials = 200
	for trial := range uint64(trials) {
		rng := random(trial)
		channels := 1 + rng.IntN(2)
		frames := 4096 << rng.IntN(4) / channels
		p := recording(trial, channels, frames, pcm(16))
		switch trial % 5 {
		case 1: // a tone
			each(p, func(float64) float64 { return 0 })
			for i := range p[0] {
				p[0][i] = pcm(16).Round(0.5 * math.Sin(float64(i)*0.05))
			}
		case 2: // nothing
			each(p, func(float64) float64 { return 0 })
		case 3: // eight bits
			each(p, pcm(8).Round)
		case 4: // no recording at all
			each(p, func(float64) float64 { return rng.Float64()*2 - 1 })
		}
		wantError(t, p, keystream.Public(), ErrNotFound)
	}
}

func TestWrongKey(t *testing.T) {
	stego := recording(8, 2, 30000, pcm(16))
	key := keystream.Key{1}
	if err := Write(stego, pcm(16), key, text(8, 100)); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(stego, key); err != nil || !bytes.Equal(got, text(8, 100)) {
		t.Fatalf("right key: %v", err)
	}
	for bit := range 8 {
		wrong := key
		wrong[31] ^= 1 << bit
		wantError(t, stego, wrong, ErrNotFound)
	}
	wantError(t, stego, keystream.Public(), ErrNotFound)
}

func TestNoNumbers(t *testing.T) {
	stego := recording(4, 1, 20000, carrier.Grid{})
	for i := 0; i < len(stego[0]); i += 50 {
		stego[0][i] = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e18, 3.5}[i/50%6]
	}
	body := text(4, 60)
	mustWrite(t, stego, carrier.Grid{}, body)
	wantBody(t, stego, body)
	if v := stego[0][0]; v == v {
		t.Errorf("NaN became %v", v)
	}
	each(stego, func(float64) float64 { return math.NaN() })
	wantError(t, stego, keystream.Public(), ErrNotFound)
}

// Anyone can write a preamble under the public key.
func TestHostilePreamble(t *testing.T) {
	good := preamble{repeat: 1, body: 60, samples: 16384}.fields()
	huge := func(b *[preambleSize]byte) { b[7] = 0xff }
	for name, c := range map[string]struct {
		change func(b *[preambleSize]byte)
		want   error
	}{
		"version":       {func(b *[preambleSize]byte) { b[0] = 2 }, ErrVersion},
		"flags":         {func(b *[preambleSize]byte) { b[1] = 1 }, ErrVersion},
		"no repeat":     {func(b *[preambleSize]byte) { b[2] = 0 }, ErrDamaged},
		"repeat":        {func(b *[preambleSize]byte) { b[2] = 9 }, ErrDamaged},
		"dense repeat":  {func(b *[preambleSize]byte) { b[2] = 8 }, ErrDamaged},
		"body":          {func(b *[preambleSize]byte) { b[3] = 0xff }, ErrDamaged},
		"one too many":  {func(b *[preambleSize]byte) { binary.BigEndian.PutUint32(b[3:], uint32(Capacity(16384)+1)) }, ErrDamaged},
		"samples":       {huge, ErrDamaged},
		"few samples":   {func(b *[preambleSize]byte) { b[10], b[11] = 0, 0 }, ErrDamaged},
		"no body there": {func(*[preambleSize]byte) {}, ErrDamaged},
		"all at once": {func(b *[preambleSize]byte) {
			*b = preamble{repeat: 1, body: Capacity(16384 * 16), samples: 16384 * 16}.fields()
		}, ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			fields := good
			c.change(&fields)
			p := recording(1, 1, 16384, pcm(16))
			embed(p, pcm(16), fine, encodePreamble(keystream.Public(), fields[:]), allPreambles(keystream.Public(), regions(16384)))
			wantError(t, p, keystream.Public(), c.want)
		})
	}
}

// The format must not change unnoticed: a recording written today has to be read tomorrow.
func TestFormatIsFixed(t *testing.T) {
	stego := Planar[float64]{make([]float64, 30000)}
	mustWrite(t, stego, pcm(16), []byte("ditas"))
	sum := crc32.NewIEEE()
	for _, v := range stego[0] {
		binary.Write(sum, binary.LittleEndian, int16(v*32768))
	}
	if got := sum.Sum32(); got != 0x4dd72299 {
		t.Errorf("the samples have the check sum %#x", got)
	}
}

func FuzzRead(f *testing.F) {
	body := text(1, 20)
	for _, channels := range []int{1, 2} {
		p := recording(1, channels, 4096/channels, pcm(16))
		mustWrite(f, p, pcm(16), body)
		data := make([]byte, 0, 8192)
		for i := range p.Len() {
			data = binary.LittleEndian.AppendUint16(data, uint16(int16(p.At(i)*32768)))
		}
		f.Add(uint8(channels), data)
	}
	f.Add(uint8(1), []byte{})
	f.Add(uint8(3), make([]byte, 10000))
	f.Fuzz(func(t *testing.T, channels uint8, data []byte) {
		p := make(Planar[float64], channels%4)
		for i := 0; i+2 <= len(data) && len(p) > 0; i += 2 {
			c := i / 2 % len(p)
			p[c] = append(p[c], float64(int16(binary.LittleEndian.Uint16(data[i:])))/32768)
		}
		if got, err := Read(p, keystream.Public()); err == nil && !bytes.Equal(got, body) {
			t.Errorf("read %x, which nobody wrote", got)
		}
	})
}

// Whatever a preamble with a right tag says, it costs no more than the recording is worth.
func FuzzPreamble(f *testing.F) {
	cover := recording(1, 1, 4096, pcm(16))
	for _, p := range []preamble{{1, 20, 4096}, {8, 0, 65536}, {1, Capacity(65536), 65536}, {2, math.MaxInt32, math.MaxInt32}} {
		fields := p.fields()
		f.Add(fields[:])
	}
	f.Fuzz(func(t *testing.T, fields []byte) {
		p := clone(cover)
		fields = append(fields, make([]byte, preambleSize)...)[:preambleSize]
		embed(p, pcm(16), fine, encodePreamble(keystream.Public(), fields), allPreambles(keystream.Public(), regions(p.Len())))
		want := ErrDamaged
		if fields[0] != version || fields[1] != 0 {
			want = ErrVersion
		}
		wantError(t, p, keystream.Public(), want)
	})
}

func benchmarkRecording(b *testing.B, frames, body int) (Planar[float32], []byte) {
	b.Helper()
	p := Planar[float32]{make([]float32, frames), make([]float32, frames)}
	rng := random(1)
	for c := range p {
		for i := range p[c] {
			p[c][i] = float32(pcm(16).Round(rng.Float64() - 0.5))
		}
	}
	b.ReportAllocs()
	return p, text(1, body)
}

// Five minutes of stereo at 44.1 kHz.
func BenchmarkWrite(b *testing.B) {
	p, body := benchmarkRecording(b, 13_230_000, 400)
	for b.Loop() {
		mustWrite(b, p, pcm(16), body)
	}
}

func BenchmarkRead(b *testing.B) {
	p, body := benchmarkRecording(b, 13_230_000, 400)
	mustWrite(b, p, pcm(16), body)
	for b.Loop() {
		wantBody(b, p, body)
	}
}

func BenchmarkReadInnocent(b *testing.B) {
	p, _ := benchmarkRecording(b, 13_230_000, 400)
	for b.Loop() {
		wantError(b, p, keystream.Public(), ErrNotFound)
	}
}

func BenchmarkReadLongBody(b *testing.B) {
	p, body := benchmarkRecording(b, MinSamples(MaxBody)/2+1, MaxBody)
	mustWrite(b, p, pcm(16), body)
	b.SetBytes(MaxBody)
	for b.Loop() {
		wantBody(b, p, body)
	}
}

// pcm is the grid of integer samples.
func pcm(bits int) carrier.Grid { return carrier.Grid{Step: math.Ldexp(1, 1-bits)} }
