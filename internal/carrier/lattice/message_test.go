package lattice

import (
	"bytes"
	"context"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
)

var (
	ours   = keystream.Key{1}
	theirs = keystream.Key{2}
)

// fixed is a nonce of tests.
var fixed = nonce{3, 1, 4, 1, 5, 9}

// recordingKey returns the key of a recording with a nonce.
func recordingKey(n nonce, master keystream.Key) keystream.Key {
	h := header{nonce: n, channels: 1, frames: 313, sealed: 12345}
	return h.key(master)
}

// hide hides under a nonce, and where that fails under those that follow it.
func hide(
	ctx context.Context, dst io.Writer, cover audio.Rewriter, p *Plan, payload []byte, key keystream.Key, n nonce, workers int,
	progress func(done, total int),
) (*carrier.Report, error) {
	n[0]--
	t := task{plan: p, payload: payload, key: key, workers: workers, progress: always(progress), nonce: func() (nonce, error) {
		n[0]++
		return n, nil
	}}
	return t.hide(ctx, dst, cover)
}

// host returns a recording to be searched.
func host(f audio.File) *carrier.Host {
	h, err := carrier.NewHost(context.Background(), f)
	if err != nil {
		panic(err)
	}
	return h
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// noise returns samples of noise whose spectrum falls and whose level goes up and down, in units of full scale, rounded to a
// format.
func noise(seed uint64, f audio.Format, samples int) *audio.Recording {
	rng := newRand(seed)
	rec := &audio.Recording{Format: f, Samples: audio.NewBlock(f.Channels, samples)}
	for _, x := range rec.Samples {
		var low, mid float64
		for i := range x {
			low = 0.95*low + rng.NormFloat64()
			mid = 0.5*mid + low
			x[i] = f.Quantize(0.01 * mid * (1.2 + math.Sin(float64(i)/5000)))
		}
	}
	return rec
}

// speech returns some samples of the demonstration's recording, mono of 16 bits at 16 kHz.
func speech(t testing.TB, from, samples int) *audio.Recording {
	t.Helper()
	data, err := os.ReadFile("../../../cmd/ditas/demo/speech.wav")
	if err != nil {
		t.Fatal(err)
	}
	rec, err := wav.Decode(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	rec.Samples[0] = rec.Samples[0][from:][:samples]
	return rec
}

func mono(e audio.Encoding) audio.Format { return audio.Format{Rate: 16000, Channels: 1, Encoding: e} }

func file(t testing.TB, rec *audio.Recording) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, data []byte) *wav.File {
	t.Helper()
	f, err := wav.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func decode(t testing.TB, data []byte) *audio.Recording {
	t.Helper()
	rec, err := audio.ReadAll(open(t, data))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func survey(t testing.TB, rec *audio.Recording) (*Survey, *wav.File) {
	t.Helper()
	cover := open(t, file(t, rec))
	v, err := NewSurvey(context.Background(), cover, DefaultShaping, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v, cover
}

// payload returns bytes that look random.
func payload(n int) []byte {
	rng := newRand(uint64(n))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// stego returns a recording with as much in it as a plan has room for.
func stego(t testing.TB, rec *audio.Recording, profile Profile, snr float64) (data, hidden []byte) {
	t.Helper()
	v, cover := survey(t, rec)
	p := v.Plan(profile, v.MSE(snr))
	hidden = payload(p.Room())
	return write(t, cover, p, hidden), hidden
}

func write(t testing.TB, cover *wav.File, p *Plan, hidden []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	r, err := hide(context.Background(), &b, cover, p, hidden, ours, fixed, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.Payload, hidden) {
		t.Fatalf("the sender expects %d of %d bytes to arrive", len(r.Payload), len(hidden))
	}
	return b.Bytes()
}

func find(t testing.TB, rec *audio.Recording) *carrier.Message {
	t.Helper()
	return findIn(t, file(t, rec))
}

func findIn(t testing.TB, data []byte) *carrier.Message {
	t.Helper()
	m, err := Find(context.Background(), host(open(t, data)), ours, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// reopen returns a recording as a file, for those who have no test at hand.
func reopen(rec *audio.Recording) (*wav.File, error) {
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		return nil, err
	}
	return wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// embed returns a recording with so many bytes in it.
func embed(cover *wav.File, p *Plan, size int, n nonce) (*audio.Recording, error) {
	var b bytes.Buffer
	if _, err := hide(context.Background(), &b, cover, p, payload(size), ours, n, 1, nil); err != nil {
		return nil, err
	}
	return wav.Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// scale returns a recording that is louder or fainter, rounded to its format.
func scale(rec *audio.Recording, gain float64) *audio.Recording {
	scaled := clone(rec)
	for _, x := range scaled.Samples {
		for i, v := range x {
			x[i] = rec.Format.Quantize(max(-1, min(1, gain*v)))
		}
	}
	return scaled
}

// zeros is a source of random bytes that is broken.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A source of random bytes that repeats itself does not make two recordings share a nonce, unless they are the same in everything.
func TestABrokenSourceOfRandomBytes(t *testing.T) {
	rec := noise(70, mono(audio.Int16), 12*FrameLength)
	other := clone(rec)
	other.Samples[0][len(other.Samples[0])-1] += unit // behind the last level that could be another one
	v, _ := survey(t, rec)
	w, _ := survey(t, other)
	plan := v.Plan(Robust, v.MSE(40))
	draw := func(p *Plan, payload string, key keystream.Key, tries int) (n nonce) {
		drawn := task{plan: p, payload: []byte(payload), key: key}
		for range tries {
			var err error
			if n, err = drawn.newNonce(zeros{}); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	seen := map[nonce]string{draw(plan, "abc", ours, 1): "the first one"}
	for name, n := range map[string]nonce{
		"another payload": draw(plan, "abd", ours, 1), "another cover": draw(w.Plan(Robust, w.MSE(40)), "abc", ours, 1),
		"another strength": draw(v.Plan(Robust, v.MSE(43)), "abc", ours, 1), "another profile": draw(v.Plan(Lean, v.MSE(40)), "abc", ours, 1),
		"another key": draw(plan, "abc", theirs, 1), "another try": draw(plan, "abc", ours, 2),
	} {
		if before, ok := seen[n]; ok {
			t.Errorf("%s has the nonce of %s", name, before)
		}
		seen[n] = name
	}
	if n := draw(plan, "abc", ours, 1); seen[n] != "the first one" {
		t.Error("the same cover, payload and bytes give another nonce, so that identical inputs make different files")
	}
	short := task{plan: plan, key: ours}
	if _, err := short.newNonce(bytes.NewReader(make([]byte, 15))); err == nil {
		t.Error("a source that ends is not noticed")
	}
}

// Should a nonce come again, recordings that differ in any field of their header still have nothing in common.
func TestTheRecordingsKeyDependsOnAllFields(t *testing.T) {
	h := header{Robust, fixed, 2, 1000, 5000, division{23, [maxStages - 1]int{9, 3, 12, 17, 30}}}
	seen := map[keystream.Key]int{h.key(ours): -1, h.key(theirs): -2}
	for i, change := range []func(h *header){
		func(h *header) { h.profile = Lean }, func(h *header) { h.nonce[0]++ }, func(h *header) { h.nonce[5]++ }, func(h *header) { h.channels = 1 },
		func(h *header) { h.frames += 2 }, func(h *header) { h.sealed++ }, func(h *header) { h.scale++ }, func(h *header) { h.shares[0]-- },
		func(h *header) { h.shares[4]-- },
	} {
		other := h
		change(&other)
		k := other.key(ours)
		if before, ok := seen[k]; ok {
			t.Errorf("changes %d and %d make the same key", before, i)
		}
		seen[k] = i
	}
}
