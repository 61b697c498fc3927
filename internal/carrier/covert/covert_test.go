package covert_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/flac"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/carrier/covert"
	"ditas/internal/keystream"
	"ditas/report"
)

// key is that of somebody, and another that of somebody else.
var (
	key     = keystream.Public().Derive("somebody")
	another = keystream.Public().Derive("somebody else")
)

// loud returns a recording that has no quiet place: noise with a spectrum that falls, in steps of 16 bits unless it is precise.
func loud(channels, frames int, level float64, seed uint64) *audio.Recording {
	r := rand.New(rand.NewPCG(seed, 1))
	rec := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: channels, Encoding: audio.Int16}, Samples: audio.NewBlock(channels, frames)}
	for _, x := range rec.Samples {
		low := 0.0
		for i := range x {
			low = 0.9*low + r.NormFloat64()
			x[i] = math.RoundToEven(level*(low+r.NormFloat64())) / 32768
		}
	}
	return rec
}

// file returns a recording as a WAV file.
func file(t testing.TB, rec *audio.Recording) *wav.File {
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

// options are those of most tests.
var options = carrier.Options{Workers: 2}

// source is a source of random bytes that are the same each time.
func source(seed uint64) io.Reader {
	var s [32]byte
	s[0] = byte(seed)
	return rand.NewChaCha8(s)
}

// survey surveys a cover.
func survey(t testing.TB, cover audio.File) carrier.Survey {
	t.Helper()
	s, err := covert.Carrier{}.Survey(context.Background(), cover, options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hidden returns a cover with a payload in it.
func hidden(t testing.TB, cover audio.File, payload []byte, seed uint64, o carrier.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	r, err := survey(t, cover).Embed(context.Background(), &b, carrier.Strength{}, payload, key, source(seed), o)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.Payload, payload) || len(r.Stages) != 1 || r.Stages[0].Bytes != len(payload) {
		t.Errorf("reported: %d bytes in %v", len(r.Payload), r.Stages)
	}
	return b.Bytes()
}

// read returns what is hidden in a file.
func read(t testing.TB, data []byte, key keystream.Key) ([]byte, error) {
	t.Helper()
	f, err := codec.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	h, err := carrier.NewHost(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	found, err := covert.Carrier{}.Find(context.Background(), h, key, options)
	if err != nil {
		return nil, err
	}
	m, err := found.Read(context.Background(), options)
	if err != nil {
		return nil, err
	}
	return m.Payload, nil
}

// random returns random bytes.
func random(n int, seed uint64) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(source(seed), b); err != nil {
		panic(err)
	}
	return b
}

// What fills the room comes back, and so does a little, from recordings of any number of channels and of odd lengths, longer than a segment too; and
// from the same samples in another container. Hardly a sample moves by more than a step.
func TestRoundTrip(t *testing.T) {
	for _, c := range []struct {
		channels, frames int
		level            float64
	}{{1, 49152, 40}, {2, 40001, 100}, {3, 33000, 15}, {1, 16384*7 + 1, 8}, {2, 1_300_000, 60}} {
		if testing.Short() && c.frames > 1_000_000 {
			continue
		}
		rec := loud(c.channels, c.frames, c.level, 1)
		cover := file(t, rec)
		room := survey(t, cover).Room(carrier.Strength{})
		for _, size := range []int{room.Bytes / 7, room.Bytes, 1} {
			if c.frames > 1_000_000 && size != room.Bytes/7 {
				continue
			}
			payload := random(size, 3)
			stego := hidden(t, cover, payload, 5, options)
			got, err := read(t, stego, key)
			if err != nil || !bytes.Equal(got, payload) {
				t.Fatalf("%d channels of %d frames, %d bytes: %v", c.channels, c.frames, size, err)
			}
			after, err := codec.Decode(bytes.NewReader(stego), int64(len(stego)))
			if err != nil {
				t.Fatal(err)
			}
			one, two := 0, 0
			for ch, x := range after.Samples {
				for i, v := range x {
					switch d := math.Abs(v-rec.Samples[ch][i]) * 32768; {
					case d > 2:
						t.Fatalf("a sample moved by %g steps", d)
					case d == 2:
						two++
					case d == 1:
						one++
					}
				}
			}
			if t.Logf("%d samples of %d moved by a step for %d bytes, %d by two", one, c.channels*c.frames, size, two); two > one/1000 {
				t.Errorf("%d samples moved by two steps, and %d by one", two, one)
			}
			var b bytes.Buffer
			if err := flac.Encode(&b, after); err != nil {
				t.Fatal(err)
			}
			if got, err := read(t, b.Bytes(), key); err != nil || !bytes.Equal(got, payload) {
				t.Errorf("as FLAC: %v", err)
			}
		}
	}
}

// Room is kept where most samples must not be changed.
func TestMostlySilent(t *testing.T) {
	rec := loud(1, 200000, 60, 2)
	r := rand.New(rand.NewPCG(5, 5))
	for from := 0; from < 200000; from += 2000 {
		if r.IntN(8) > 0 {
			clear(rec.Samples[0][from : from+2000])
		}
	}
	cover := file(t, rec)
	room := survey(t, cover).Room(carrier.Strength{})
	for seed := range uint64(8) {
		payload := random(room.Bytes, seed)
		if got, err := read(t, hidden(t, cover, payload, seed, options), key); err != nil || !bytes.Equal(got, payload) {
			t.Errorf("%d bytes: %v", len(payload), err)
		}
	}
}

// Nothing is found with another key, in recordings in which there is nothing, and in those that have changed; and in one that changed a little
// nothing wrong is found.
func TestNothingFound(t *testing.T) {
	rec := loud(1, 49152, 40, 1)
	cover := file(t, rec)
	stego := hidden(t, cover, random(400, 1), 2, options)
	var plain bytes.Buffer
	if err := wav.Encode(&plain, rec); err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(stego)
	for i := 1000; i < len(changed); i += 2000 {
		changed[i&^1] ^= 1
	}
	cut, err := codec.Decode(bytes.NewReader(stego), int64(len(stego)))
	if err != nil {
		t.Fatal(err)
	}
	cut.Samples[0] = cut.Samples[0][:49000]
	var shorter bytes.Buffer
	if err := wav.Encode(&shorter, cut); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		key  keystream.Key
	}{
		"another key": {stego, another}, "nothing hidden": {plain.Bytes(), key}, "changed": {changed, key}, "shorter": {shorter.Bytes(), key},
	} {
		if got, err := read(t, c.data, c.key); !errors.Is(err, carrier.ErrNotFound) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// Results depend on cover, payload, key and random bytes alone, not on the number of workers, and on each of these.
func TestDeterministic(t *testing.T) {
	cover, payload := file(t, loud(2, 60000, 40, 1)), random(2000, 1)
	one := hidden(t, cover, payload, 2, carrier.Options{Workers: 1})
	if !bytes.Equal(one, hidden(t, cover, payload, 2, carrier.Options{Workers: 5})) {
		t.Error("five workers make another file")
	}
	if bytes.Equal(one, hidden(t, cover, payload, 3, carrier.Options{Workers: 1})) {
		t.Error("another nonce makes the same file")
	}
}

// A recording that is quiet in one half, has nothing above 4 kHz in a quarter, and is silent and clipped in places is left as it is there.
func TestLeftAlone(t *testing.T) {
	rec := loud(1, 131072, 60, 1)
	x := rec.Samples[0]
	for i := range x {
		switch {
		case i < 32768: // a pure sound: no power of its own but at one frequency
			x[i] = math.RoundToEven(4000*math.Sin(float64(i)*0.05)) / 32768
		case i < 65536:
			x[i] = math.RoundToEven(x[i]*32768/60) / 32768
		case i < 70000:
			x[i] = 0
		case i < 72000:
			x[i] = math.Copysign(32767.0/32768, x[i])
		}
	}
	cover := file(t, rec)
	room := survey(t, cover).Room(carrier.Strength{})
	stego := hidden(t, cover, random(room.Bytes, 1), 2, options)
	after, err := codec.Decode(bytes.NewReader(stego), int64(len(stego)))
	if err != nil {
		t.Fatal(err)
	}
	changed := func(from, to int) (n int) {
		for i := from; i < to; i++ {
			if after.Samples[0][i] != x[i] {
				n++
			}
		}
		return n
	}
	if n := changed(0, 32000); n > 0 {
		t.Errorf("%d samples of a pure sound have changed", n)
	}
	if n := changed(65536, 72000); n > 0 {
		t.Errorf("%d samples of silence and at full scale have changed", n)
	}
	if quiet, loud := changed(33000, 65000), changed(80000, 112000); quiet > loud/4 {
		t.Errorf("%d samples have changed where it is quiet, %d where it is not", quiet, loud)
	}
	t.Logf("room %d bytes; changed: %d quiet, %d loud", room.Bytes, changed(33000, 65000), changed(80000, 112000))
}

// precise returns a recording that is more precise than 16 bits.
func precise(channels, frames int, level float64) *audio.Recording {
	rec := loud(channels, frames, level, 1)
	rec.Format.Encoding = audio.Float32
	r := rand.New(rand.NewPCG(9, 9))
	for _, x := range rec.Samples {
		for i := range x {
			x[i] = float64(float32(x[i] + (r.Float64()-0.5)/32768))
		}
	}
	return rec
}

// errorOf returns mean and variance of the error of samples beside those of a recording, in steps of 16 bits, and the correlation of one error with
// the next.
func errorOf(t *testing.T, data []byte, rec *audio.Recording) (mean, variance, next float64) {
	t.Helper()
	after, err := codec.Decode(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if after.Format.Encoding != audio.Int16 {
		t.Errorf("a file of %v", after.Format)
	}
	n, last := 0.0, 0.0
	for c, x := range after.Samples {
		for i, v := range x {
			d := 32768 * (v - rec.Samples[c][i])
			mean, variance, next, last, n = mean+d, variance+d*d, next+d*last, d, n+1
		}
	}
	return mean / n, variance / n, next / variance
}

// What is more precise than 16 bits is rounded with an error like that of usual dither, whether much is hidden, little or nothing, and so is a
// recording of 16 bits with empty bands; it comes back all the same.
func TestDither(t *testing.T) {
	fine, coarse := precise(2, 120000, 30), loud(2, 120000, 0, 1)
	for c, x := range coarse.Samples { // with little but sounds
		for i := range x {
			x[i] = math.RoundToEven(6000*math.Sin(float64(i)*0.031*float64(c+1))+2000*math.Sin(float64(i)*0.211)) / 32768
		}
	}
	for name, rec := range map[string]*audio.Recording{"more precise": fine, "empty bands": coarse} {
		cover, err := audio.Convert(file(t, rec), audio.Int16, wav.NewWriter)
		if err != nil {
			t.Fatal(err)
		}
		room := survey(t, cover).Room(carrier.Strength{})
		if want := 240000 * 7 / 10 / 8; room.Bytes < want*95/100 || room.Bytes > want {
			t.Errorf("%s: room for %d bytes, want about %d", name, room.Bytes, want)
		}
		for _, size := range []int{room.Bytes, room.Bytes / 5, 0} {
			var b bytes.Buffer
			if size == 0 {
				if err := covert.Dither(context.Background(), &b, cover, another, options); err != nil {
					t.Fatal(err)
				}
			} else {
				payload := random(size, 1)
				b.Write(hidden(t, cover, payload, 2, options))
				if got, err := read(t, b.Bytes(), key); err != nil || !bytes.Equal(got, payload) {
					t.Errorf("%s, %d bytes: %v", name, size, err)
				}
			}
			mean, variance, next := errorOf(t, b.Bytes(), rec)
			t.Logf("%s, %d bytes: mean %.4f, variance %.4f, correlation %.4f", name, size, mean, variance, next)
			if math.Abs(mean) > 0.005 || math.Abs(variance-0.25) > 0.005 || math.Abs(next) > 0.01 {
				t.Errorf("%s, %d bytes: an error of mean %.4f, variance %.4f and correlation %.4f, want 0, 0.25 and 0", name, size, mean, variance, next)
			}
		}
	}
}

// Wherever a sample lies between two points, the error has the mean and variance that usual dither gives it, whether much is hidden or nothing.
func TestDitherBetweenPoints(t *testing.T) {
	fine := precise(1, 400000, 30)
	cover, err := audio.Convert(file(t, fine), audio.Int16, wav.NewWriter)
	if err != nil {
		t.Fatal(err)
	}
	room := survey(t, cover).Room(carrier.Strength{}).Bytes
	for _, size := range []int{room, room / 3, 0} {
		var b bytes.Buffer
		if size == 0 {
			if err := covert.Dither(context.Background(), &b, cover, key, options); err != nil {
				t.Fatal(err)
			}
		} else {
			b.Write(hidden(t, cover, random(size, 1), 6, options))
		}
		after := must(codec.Decode(bytes.NewReader(b.Bytes()), int64(b.Len())))
		var mean, variance, count [8]float64
		for i, x := range fine.Samples[0] {
			x *= 32768
			part := min(7, int(8*(x-math.RoundToEven(x)+0.5)))
			d := after.Samples[0][i]*32768 - x
			mean[part], variance[part], count[part] = mean[part]+d, variance[part]+d*d, count[part]+1
		}
		for i, n := range count {
			if m, v := mean[i]/n, variance[i]/n; math.Abs(m) > 0.01 || math.Abs(v-0.25) > 0.006 {
				t.Errorf("%d bytes, part %d: an error of mean %.4f and variance %.4f, want 0 and 0.25", size, i, m, v)
			}
		}
	}
}

// Covers that take nothing have an error or no room.
func TestNoRoom(t *testing.T) {
	silent := loud(1, 60000, 0, 1)
	if _, err := (covert.Carrier{}).Survey(context.Background(), file(t, silent), options); !errors.Is(err, carrier.ErrSilent) {
		t.Errorf("silence: %v", err)
	}
	if room := survey(t, file(t, loud(1, 9000, 40, 1))).Room(carrier.Strength{}); room.Bytes != 0 || room.Least.Seconds() < 0.8 {
		t.Errorf("half a second: room %+v", room)
	}
	s := survey(t, file(t, loud(1, 49152, 40, 1)))
	for _, size := range []int{0, s.Room(carrier.Strength{}).Bytes + 1} {
		if _, err := s.Embed(context.Background(), io.Discard, carrier.Strength{}, make([]byte, size), key, source(1), options); err == nil {
			t.Errorf("%d bytes: no error", size)
		}
	}
	deep := loud(1, 49152, 40, 1)
	deep.Format.Encoding = audio.Int24
	if _, err := (covert.Carrier{}).Survey(context.Background(), file(t, deep), options); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("24 bits: %v", err)
	}
}

// Progress ends at the end, and a run that is cancelled ends.
func TestProgressAndCancel(t *testing.T) {
	cover, payload := file(t, loud(2, 300000, 40, 1)), random(3000, 1)
	last := map[report.Phase][2]int{}
	o := carrier.Options{Workers: 2, Progress: func(p report.Phase, done, total int) {
		if done < last[p][0] {
			t.Errorf("%s falls from %d to %d", p, last[p][0], done)
		}
		last[p] = [2]int{done, total}
	}}
	s, err := covert.Carrier{}.Survey(context.Background(), cover, o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := s.Embed(context.Background(), &b, carrier.Strength{}, payload, key, source(1), o); err != nil {
		t.Fatal(err)
	}
	h, err := carrier.NewHost(context.Background(), file(t, must(codec.Decode(bytes.NewReader(b.Bytes()), int64(b.Len())))))
	if err != nil {
		t.Fatal(err)
	}
	f, err := covert.Carrier{}.Find(context.Background(), h, key, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	for _, p := range []report.Phase{report.Surveying, report.Embedding, report.Searching, report.Reading} {
		if v := last[p]; v[0] != v[1] || v[1] == 0 {
			t.Errorf("%s ends at %d of %d", p, v[0], v[1])
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.Progress = func(report.Phase, int, int) { cancel() }
	for name, run := range map[string]func() error{
		"survey": func() error { _, err := covert.Carrier{}.Survey(ctx, cover, o); return err },
		"embed": func() error {
			_, err := s.Embed(ctx, io.Discard, carrier.Strength{}, payload, key, source(1), o)
			return err
		},
		"find": func() error { _, err := covert.Carrier{}.Find(ctx, h, another, o); return err },
		"read": func() error { _, err := f.Read(ctx, o); return err },
	} {
		if err := run(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Nothing is found in 2,000 recordings in which there is nothing, each with a key of its own. Chance finds something in one of 2⁶⁴.
func TestInnocent(t *testing.T) {
	rec := loud(1, 20000, 40, 6)
	r := rand.New(rand.NewPCG(1, 7))
	for i := range 2000 {
		for range 100 {
			rec.Samples[0][r.IntN(20000)] += 1. / 32768
		}
		h, err := carrier.NewHost(context.Background(), file(t, rec))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (covert.Carrier{}).Find(context.Background(), h, key.Derive(string(rune(i))), options); !errors.Is(err, carrier.ErrNotFound) {
			t.Fatalf("recording %d: %v", i, err)
		}
	}
}
