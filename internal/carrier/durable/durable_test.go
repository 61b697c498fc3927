package durable

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/channel"
	"ditas/internal/dsp"
	"ditas/internal/keystream"
	"ditas/internal/racetest"
	"ditas/report"
)

// random gives bytes of a seed.
type random struct{ rand.Source }

func (r random) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r.Uint64())
	}
	return len(p), nil
}

func seeded(seed uint64) io.Reader { return random{rand.NewPCG(seed, 1)} }

func bytesOf(n int) []byte {
	b := make([]byte, n)
	_, _ = seeded(77).Read(b)
	return b
}

// song returns something like music: notes with harmonics that decay, and noise that swells with them.
func song(format audio.Format, seconds float64, seed uint64) *audio.Recording {
	r := rand.New(rand.NewPCG(seed, 2))
	n := int(seconds * float64(format.Rate))
	rec := &audio.Recording{Format: format, Samples: audio.NewBlock(format.Channels, n)}
	dt := 1 / float64(format.Rate)
	for at := 0; at < n; at += format.Rate / 5 {
		base := 110 * math.Exp2(float64(r.IntN(30))/12)
		pan, noise := r.Float64(), 0.02+0.05*r.Float64()
		var low float64
		for i := at; i < min(n, at+2*format.Rate/3); i++ {
			t := float64(i-at) * dt
			v := 0.0
			for h := 1.0; h < 12 && h*base < 0.45*float64(format.Rate); h++ {
				v += math.Sin(2*math.Pi*h*base*t) / h
			}
			low += 0.6 * (r.NormFloat64() - low)
			v = (0.09*v + noise*low) * math.Exp(-4*t) * min(1, t*200)
			for c := range rec.Samples {
				gain := 1.0
				if format.Channels == 2 {
					gain = math.Abs(float64(c) - pan)
				}
				rec.Samples[c][i] += gain * v
			}
		}
	}
	return quantized(rec)
}

func quantized(r *audio.Recording) *audio.Recording {
	for _, x := range r.Samples {
		for i, v := range x {
			x[i] = r.Format.Quantize(max(-1, min(1, v)))
		}
	}
	return r
}

func file(t testing.TB, r *audio.Recording) *wav.File {
	t.Helper()
	var b bytes.Buffer
	if err := wav.Encode(&b, r); err != nil {
		t.Fatal(err)
	}
	return opened(t, b.Bytes())
}

func opened(t testing.TB, b []byte) *wav.File {
	t.Helper()
	f, err := wav.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var (
	stereo = audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}
	key    = keystream.Public()
)

// hide hides as much as there is room for, of the same bytes always, and returns the stego and what was hidden.
func hide(t testing.TB, cover *audio.Recording, aim Aim) (*audio.Recording, []byte) {
	t.Helper()
	s, err := Carrier{aim}.Survey(context.Background(), file(t, cover), carrier.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	payload := bytesOf(s.Room(carrier.Strength{}).Bytes)
	var dst bytes.Buffer
	r, err := s.Embed(context.Background(), &dst, carrier.Strength{}, payload, key, seeded(5), carrier.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.Payload, payload) {
		t.Fatalf("%d of %d bytes would come back", len(r.Payload), len(payload))
	}
	stego, err := audio.ReadAll(opened(t, dst.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return stego, payload
}

func reveal(t testing.TB, stego *audio.Recording, k keystream.Key) (*carrier.Message, error) {
	t.Helper()
	h, err := carrier.NewHost(context.Background(), file(t, stego))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Carrier{}.Find(context.Background(), h, k, carrier.Options{Workers: 1})
	if err != nil {
		return nil, err
	}
	return f.Read(context.Background(), carrier.Options{Workers: 1})
}

// expect reveals and wants at least so many stages of the payload.
func expect(t *testing.T, stego *audio.Recording, payload []byte, stages int) *carrier.Message {
	t.Helper()
	m, err := reveal(t, stego, key)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, s := range m.Stages[:min(stages, len(m.Stages))] {
		want += s.Bytes
	}
	if len(m.Payload) < want || !bytes.Equal(m.Payload, payload[:len(m.Payload)]) {
		t.Fatalf("%d bytes of %d came back, want %d: %+v", len(m.Payload), len(payload), want, m.Stages)
	}
	return m
}

const allStages = 99

func TestFormats(t *testing.T) {
	racetest.Skip(t)
	for name, c := range map[string]struct {
		format  audio.Format
		seconds float64
		stages  int
	}{
		"16 kHz":          {audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 4, allStages},
		"44.1 kHz stereo": {stereo, 4.5, allStages},
		"96 kHz float":    {audio.Format{Rate: 96000, Channels: 1, Encoding: audio.Float32}, 4, allStages},
		"11.111 kHz":      {audio.Format{Rate: 11111, Channels: 1, Encoding: audio.Int16}, 5, 3},
		"22.05 kHz":       {audio.Format{Rate: 22050, Channels: 1, Encoding: audio.Int24}, 5, allStages},
	} {
		t.Run(name, func(t *testing.T) {
			stego, payload := hide(t, song(c.format, c.seconds, 1), Share)
			expect(t, stego, payload, c.stages)
		})
	}
}

// A recording at 8 kHz has no room above 3.6 kHz, and so takes less than its length lets expect.
func TestNarrow(t *testing.T) {
	racetest.Skip(t)
	cover := song(audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int16}, 8, 1)
	s, err := Carrier{Share}.Survey(context.Background(), file(t, cover), carrier.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	for n := s.Room(carrier.Strength{}).Bytes; n > 20; n /= 2 {
		var dst bytes.Buffer
		payload := bytesOf(n)
		_, err := s.Embed(context.Background(), &dst, carrier.Strength{}, payload, key, seeded(5), carrier.Options{Workers: 1})
		var lost *carrier.LostError
		if errors.As(err, &lost) && !lost.Written && dst.Len() == 0 {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		stego, err := audio.ReadAll(opened(t, dst.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		expect(t, stego, payload, allStages)
		return
	}
	t.Fatal("nothing fits")
}

// changed applies a function to the samples of a copy.
func changed(r *audio.Recording, f func(x []float64) []float64) *audio.Recording {
	c := *r
	c.Samples = nil
	for _, x := range r.Samples {
		c.Samples = append(c.Samples, f(append([]float64(nil), x...)))
	}
	return quantized(&c)
}

func TestWhatHappensToRecordings(t *testing.T) {
	racetest.Skip(t)
	stego, payload := hide(t, song(stereo, 26, 3), Share)
	resampled := func(x []float64) []float64 {
		r, err := dsp.NewResampler(44100, 48000)
		if err != nil {
			t.Fatal(err)
		}
		return r.Convert(x)
	}
	t.Run("cut, quieter and upside down", func(t *testing.T) {
		s := changed(stego, func(x []float64) []float64 {
			for i := range x {
				x[i] *= -0.5
			}
			return x[61234:]
		})
		if m := expect(t, s, payload, allStages); m.Gain >= 0 {
			t.Errorf("a gain of %g", m.Gain)
		}
	})
	t.Run("cut at a fraction of a sample", func(t *testing.T) {
		s := changed(stego, func(x []float64) []float64 { return resampled(x)[50001:] })
		s.Format.Rate = 48000
		expect(t, s, payload, allStages)
	})
	t.Run("8 s", func(t *testing.T) {
		s := changed(stego, func(x []float64) []float64 { return x[9*44100+17:][:8*44100] })
		expect(t, s, payload, 2)
	})
	t.Run("a third lost", func(t *testing.T) {
		s := changed(stego, func(x []float64) []float64 { return append(x[:9*44100+777], x[18*44100:]...) })
		m, err := reveal(t, s, key)
		if err != nil {
			t.Fatal(err)
		}
		arrived := 0
		for _, stage := range m.Stages {
			if stage.Arrived == stage.Blocks {
				arrived++
			}
		}
		if arrived < len(m.Stages)-1 || !bytes.Equal(m.Payload, payload[:len(m.Payload)]) {
			t.Errorf("%+v", m.Stages)
		}
	})
	for _, ppm := range []float64{-100, 100} {
		t.Run("drift", func(t *testing.T) {
			p := newInterpolator()
			s := changed(stego, func(x []float64) []float64 {
				y := make([]float64, len(x)-200)
				p.convert(y, x, 50.3, 1+ppm*1e-6)
				return y
			})
			expect(t, s, payload, 3)
		})
	}
	t.Run("another passphrase", func(t *testing.T) {
		if _, err := reveal(t, changed(stego, func(x []float64) []float64 { return x[:5*44100] }), keystream.Key{1}); !errors.Is(err, carrier.ErrNotFound) {
			t.Error(err)
		}
	})
}

// What is played faster or slower than clocks differ is found if one asks for it.
func TestOtherSpeeds(t *testing.T) {
	racetest.Skip(t)
	stego, payload := hide(t, song(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 9, 5), Voice)
	for _, percent := range []float64{-0.2, 0.12} {
		p, speed := newInterpolator(), 1+percent/100
		s := changed(stego, func(x []float64) []float64 {
			y := make([]float64, int(float64(len(x)-200)/speed))
			p.convert(y, x, 50.3, speed)
			return y
		})
		h, err := carrier.NewHost(context.Background(), file(t, s))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (Carrier{}).Find(context.Background(), h, key, carrier.Options{Workers: 1}); !errors.Is(err, carrier.ErrNotFound) {
			t.Errorf("%g %%, without a thorough search: %v", percent, err)
		}
		f, err := Carrier{}.Find(context.Background(), h, key, carrier.Options{Workers: 1, Thorough: true})
		if err != nil {
			t.Fatalf("%g %%: %v", percent, err)
		}
		m, err := f.Read(context.Background(), carrier.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		if want := m.Stages[0].Bytes + m.Stages[1].Bytes; len(m.Payload) < want || !bytes.Equal(m.Payload, payload[:len(m.Payload)]) {
			t.Errorf("%g %%: %d bytes came back, want %d", percent, len(m.Payload), want)
		}
	}
}

// What is played at another speed with its own pitch, too, though much of what lies between its pieces is lost.
func TestStretched(t *testing.T) {
	racetest.Skip(t)
	stego, payload := hide(t, song(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 17, 5), Share)
	s, err := channel.Stretch(stego, 1.05)
	if err != nil {
		t.Fatal(err)
	}
	h, err := carrier.NewHost(context.Background(), file(t, quantized(s)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Carrier{}.Find(context.Background(), h, key, carrier.Options{Workers: 1, Thorough: true})
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Read(context.Background(), carrier.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := m.Stages[0].Bytes + m.Stages[1].Bytes; len(m.Payload) < want || !bytes.Equal(m.Payload, payload[:len(m.Payload)]) {
		t.Errorf("%d bytes came back, want %d", len(m.Payload), want)
	}
}

func TestNothingHidden(t *testing.T) {
	racetest.Skip(t)
	for name, r := range map[string]*audio.Recording{
		"a song":     song(stereo, 6, 9),
		"silence":    {Format: stereo, Samples: audio.NewBlock(2, 5*44100)},
		"next to no": {Format: stereo, Samples: audio.NewBlock(2, 50)},
		"nothing":    {Format: stereo, Samples: audio.NewBlock(2, 0)},
	} {
		if _, err := reveal(t, r, key); !errors.Is(err, carrier.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCovers(t *testing.T) {
	ctx := context.Background()
	_, err := Carrier{}.Survey(ctx, file(t, &audio.Recording{Format: stereo, Samples: audio.NewBlock(2, 5*44100)}), carrier.Options{})
	if !errors.Is(err, carrier.ErrSilent) {
		t.Errorf("silence: %v", err)
	}
	var short *report.TooShortError
	if _, err = (Carrier{}).Survey(ctx, file(t, song(stereo, 3, 1)), carrier.Options{}); !errors.As(err, &short) || short.Need < short.Have {
		t.Errorf("3 s: %v", err)
	}
}

func TestPanning(t *testing.T) {
	racetest.Skip(t)
	mono := song(audio.Format{Rate: 32000, Channels: 1, Encoding: audio.Int16}, 5, 4)
	x := mono.Samples[0]
	negative := append([]float64(nil), x...)
	for i := range negative {
		negative[i] = max(-x[i], -1)
	}
	format := audio.Format{Rate: 32000, Channels: 2, Encoding: audio.Int16}
	t.Run("one channel", func(t *testing.T) {
		stego, payload := hide(t, &audio.Recording{Format: format, Samples: [][]float64{x, make([]float64, len(x))}}, Share)
		for i, v := range stego.Samples[1] {
			if v != 0 {
				t.Fatalf("sample %d of the silent channel is %g", i, v)
			}
		}
		expect(t, stego, payload, allStages)
	})
	t.Run("out of phase", func(t *testing.T) {
		stego, payload := hide(t, &audio.Recording{Format: format, Samples: [][]float64{x, negative}}, Share)
		expect(t, stego, payload, allStages)
	})
}

// Silence stays silent, and what is at full scale does not wrap round or exceed it.
func TestSilenceAndFullScale(t *testing.T) {
	racetest.Skip(t)
	cover := song(audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int16}, 10, 6)
	x := cover.Samples[0]
	for i := range x {
		x[i] *= 6
	}
	clear(x[3*44100 : 4*44100])
	quantized(cover)
	stego, payload := hide(t, cover, Share)
	for i, v := range stego.Samples[0] {
		if i >= 3*44100 && i < 4*44100 && v != 0 {
			t.Fatalf("sample %d of silence is %g", i, v)
		}
		if math.Abs(v-x[i]) > 0.5 {
			t.Fatalf("sample %d went from %g to %g", i, x[i], v)
		}
	}
	expect(t, stego, payload, 3)
}

// What is added to a cover at full scale stays below 8 kHz, where it is masked: samples are not cut off one by one.
func TestNoClicks(t *testing.T) {
	racetest.Skip(t)
	cover := song(audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int16}, 5, 6)
	x := cover.Samples[0]
	for i := range x {
		x[i] *= 7
	}
	quantized(cover)
	full := 0
	for _, v := range x {
		if math.Abs(v) > 0.999 {
			full++
		}
	}
	if full < len(x)/500 {
		t.Fatalf("only %d samples of the cover are at full scale", full)
	}
	stego, _ := hide(t, cover, Share)
	change := make([]float64, len(x))
	for i, v := range stego.Samples[0] {
		change[i] = v - x[i]
	}
	down, err := dsp.NewResampler(44100, 16000)
	if err != nil {
		t.Fatal(err)
	}
	up, err := dsp.NewResampler(16000, 44100)
	if err != nil {
		t.Fatal(err)
	}
	high := append([]float64(nil), change...)
	for i, v := range up.Convert(down.Convert(change)) {
		if i < len(high) {
			high[i] -= v
		}
	}
	if share := 10 * math.Log10(power(high)/power(change)); share > -35 {
		t.Errorf("%.1f dB of the change lies above 8 kHz", share)
	}
}

// What is added does not run ahead of a sudden sound into the quiet before it.
func TestBeforeAttacks(t *testing.T) {
	racetest.Skip(t)
	r := rand.New(rand.NewPCG(4, 2))
	cover := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Float32}, Samples: audio.NewBlock(1, 5*16000)}
	x := cover.Samples[0]
	const every = 5003 // no multiple of a frame
	for i := range x {
		x[i] = (0.001 + 0.3*math.Exp(-float64(i%every)/1000)) * r.NormFloat64()
		if i%every > 3500 {
			x[i] = 0.001 * r.NormFloat64()
		}
	}
	stego, _ := hide(t, cover, Share)
	var before, there float64
	for i := every; i < len(x); i += every {
		for j := i - 200; j < i-20; j++ {
			e := stego.Samples[0][j] - x[j]
			before += e * e
			there += x[j] * x[j]
		}
	}
	if db := 10 * math.Log10(before/there); db > 0 {
		t.Errorf("the change is %.1f dB above what it precedes", db)
	}
}

// Each aim for one codec gives that nearly all of the symbols, and the receiver finds out by itself what was aimed at.
func TestAims(t *testing.T) {
	racetest.Skip(t)
	cover := song(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 4, 12)
	for aim := MusicMP3; aim < aims; aim++ {
		t.Run(aim.String(), func(t *testing.T) {
			stages := ladders[aim]
			last, all := stages[len(stages)-1].slots, 0
			n := 0
			for b, s := range last {
				n += s
				for i := range stages {
					all += stages[i].slots[b]
				}
			}
			if 10*n < 8*all {
				t.Errorf("%d of %d groups", n, all)
			}
			stego, payload := hide(t, cover, aim)
			expect(t, stego, payload, allStages)
		})
	}
	if _, err := (Carrier{aims}).Survey(context.Background(), file(t, cover), carrier.Options{}); err == nil {
		t.Error("an unknown aim is taken")
	}
}

// One seed gives one file, and a payload that leaves room comes back from it too.
func TestSmallPayload(t *testing.T) {
	cover := song(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 6, 8)
	s, err := Carrier{Voice}.Survey(context.Background(), file(t, cover), carrier.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for _, workers := range []int{1, 3} {
		var dst bytes.Buffer
		done, total := 0, 0
		o := carrier.Options{Workers: workers, Progress: func(_ report.Phase, d, of int) { done, total = d, of }}
		if _, err := s.Embed(context.Background(), &dst, carrier.Strength{}, []byte("hello"), key, seeded(3), o); err != nil {
			t.Fatal(err)
		}
		if done != total || total == 0 {
			t.Errorf("progress ends at %d of %d", done, total)
		}
		if first == nil {
			first = dst.Bytes()
		}
		if !bytes.Equal(first, dst.Bytes()) {
			t.Errorf("%d workers give another file", workers)
		}
	}
	stego, err := audio.ReadAll(opened(t, first))
	if err != nil {
		t.Fatal(err)
	}
	if m := expect(t, stego, []byte("hello"), allStages); string(m.Payload) != "hello" {
		t.Errorf("%q", m.Payload)
	}
	for r, most := range map[*audio.Recording]bool{cover: false, stego: true} {
		h, err := carrier.NewHost(context.Background(), file(t, r))
		if err != nil {
			t.Fatal(err)
		}
		score, err := Carrier{}.Score(context.Background(), h, key, carrier.Options{Workers: 1})
		if err != nil || most != (score > certain) || !most && score > sure {
			t.Errorf("a score of %.2f (%v), something hidden: %t", score, err, most)
		}
	}
	if _, err := s.Embed(context.Background(), io.Discard, carrier.Strength{}, make([]byte, 1<<20), key, seeded(3), carrier.Options{}); err == nil {
		t.Error("a payload without room fits")
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f := file(t, song(stereo, 4, 1))
	if _, err := (Carrier{}).Survey(ctx, f, carrier.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("survey: %v", err)
	}
	h, err := carrier.NewHost(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Carrier{}).Find(ctx, h, key, carrier.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("find: %v", err)
	}
}

func TestLadders(t *testing.T) {
	racetest.Skip(t)
	for aim := range aims {
		for b := range bands {
			n := 0
			for i := range ladders[aim] {
				n += ladders[aim][i].slots[b]
				if groupSize%ladders[aim][i].lengths[b] != 0 {
					t.Errorf("%v, stage %d: symbols of %d", aim, i, ladders[aim][i].lengths[b])
				}
			}
			want := slotsOfBand
			if b < headerBands {
				want -= headerSlots[formOf(aim)]
			}
			if n != want {
				t.Errorf("%v, band %d: %d slots, want %d", aim, b, n, want)
			}
		}
		for blocks := leastBlocks; blocks < 20000; blocks += blocks {
			for scale := range scales {
				size := room(aim, blocks, scale)
				sum := 0
				for i, s := range ladder(aim, blocks, scale, size) {
					sum += s.size
					if s.size > 0 && (s.bits > s.length || s.blocks*s.block < s.size || s.bits > maxBlock) {
						t.Errorf("%v, %d blocks, scale %d, stage %d: %+v", aim, blocks, scale, i, s)
					}
				}
				if sum != size {
					t.Errorf("%v, %d blocks, scale %d: stages hold %d of %d", aim, blocks, scale, sum, size)
				}
			}
		}
	}
}

func TestHeader(t *testing.T) {
	for n := 0; n <= maxBlocks; n = n*9/8 + 1 {
		if r := roundBlocks(n); r > n || r < n*31/33 || n < 32 && r != n || roundBlocks(r) != r {
			t.Errorf("%d blocks become %d", n, r)
		}
	}
	h := header{nonce: nonce{1, 2, 3, 4, 5, 6, 7, 8}, aim: SpeechOpus24, level: 29, scale: 2, blocks: 29, payload: 300}
	b := h.marshal(key)
	if got, ok, err := parseHeader(b, key); !ok || err != nil || got != h {
		t.Errorf("%+v %v %v", got, ok, err)
	}
	for i := range 8 * headerSize {
		c := b
		c[i/8] ^= 1 << (i % 8)
		if _, ok, _ := parseHeader(c, key); ok {
			t.Errorf("bit %d may change", i)
		}
	}
	if _, ok, _ := parseHeader(b, keystream.Key{}); ok {
		t.Error("another key reads it")
	}
}

// FuzzHeader reads headers whose tag is right, whatever they say: only those that can be true are taken.
func FuzzHeader(f *testing.F) {
	f.Add(uint64(0), uint64(0))
	f.Add(uint64(1), uint64(0xffffffffff))
	f.Fuzz(func(t *testing.T, n, fields uint64) {
		var b [headerSize]byte
		binary.BigEndian.PutUint64(b[:], n)
		var all [8]byte
		binary.BigEndian.PutUint64(all[:], fields<<24)
		copy(b[8:headerFields], all[:])
		tag := key.MAC("durable header tag", b[:headerFields])
		copy(b[headerFields:], tag[:])
		nonce(b[:8]).mask(&b, key)
		h, ok, err := parseHeader(b, key)
		if !ok {
			t.Fatal("the tag is right")
		}
		if err != nil {
			return
		}
		total := 0
		for _, s := range ladder(h.aim, h.blocks, h.scale, h.payload) {
			total += s.positions()
		}
		if total > 6*8*(MaxPayload+1<<15) {
			t.Fatalf("%+v takes %d likelihoods", h, total)
		}
	})
}

// FuzzFind looks for something in recordings of any samples.
func FuzzFind(f *testing.F) {
	f.Add([]byte("RIFF"), uint16(8000))
	f.Add(bytes.Repeat([]byte{0, 128, 255, 127}, 500), uint16(100))
	f.Fuzz(func(t *testing.T, b []byte, rate uint16) {
		if len(b) > 1<<13 || rate < 100 {
			return
		}
		r := &audio.Recording{Format: audio.Format{Rate: int(rate), Channels: 2, Encoding: audio.Int8}, Samples: audio.NewBlock(2, len(b)/2)}
		for i := range 2 * (len(b) / 2) {
			r.Samples[i%2][i/2] = float64(int8(b[i])) / 128
		}
		if len(r.Samples[0])*16/int(rate) > 30 {
			return
		}
		if m, err := reveal(t, r, key); err == nil {
			t.Errorf("found %d bytes", len(m.Payload))
		}
	})
}
