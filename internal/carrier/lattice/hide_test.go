package lattice

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
	"ditas/internal/racetest"
)

// formats are those that a recording can have.
var formats = []audio.Format{
	{Rate: 8000, Channels: 1, Encoding: audio.Int8},
	{Rate: 16000, Channels: 1, Encoding: audio.Int16},
	{Rate: 44100, Channels: 2, Encoding: audio.Int16},
	{Rate: 48000, Channels: 2, Encoding: audio.Int24},
	{Rate: 48000, Channels: 1, Encoding: audio.Int24, ValidBits: 20},
	{Rate: 96000, Channels: 1, Encoding: audio.Int32},
	{Rate: 22050, Channels: 3, Encoding: audio.Float32},
	{Rate: 11025, Channels: 1, Encoding: audio.Float64},
}

// All that there is room for arrives, in every format, and the report tells what was done.
func TestEveryFormat(t *testing.T) {
	for _, f := range formats {
		t.Run(f.String(), func(t *testing.T) {
			if f.Channels != 2 || f.Encoding != audio.Int16 {
				racetest.Skip(t)
			}
			every(t, func(t *testing.T, profile Profile) {
				snr := 40.0
				if f.Encoding == audio.Int8 {
					snr = 15
				}
				rec := noise(2, f, 12*FrameLength+123) // a length that is a multiple of nothing
				v, cover := survey(t, rec)
				p := v.Plan(profile, v.MSE(snr))
				hidden := payload(p.Room())
				if len(hidden) < 100 {
					t.Fatalf("there is room for %d bytes", len(hidden))
				}
				var b bytes.Buffer
				last, end := -1, 0
				made, err := hide(context.Background(), &b, cover, p, hidden, ours, fixed, 2, func(done, total int) {
					if done < last || done > total {
						t.Errorf("progress went from %d to %d of %d", last, done, total)
					}
					last, end = done, total
				})
				if err != nil {
					t.Fatal(err)
				}
				if last != end {
					t.Errorf("progress ended at %d of %d", last, end)
				}
				if !bytes.Equal(made.Payload, hidden) {
					t.Errorf("the report expects %d of %d bytes", len(made.Payload), len(hidden))
				}
				got := decode(t, b.Bytes())
				var signal, total, most float64
				for c, y := range got.Samples {
					for i, v := range y {
						d := v - rec.Samples[c][i]
						signal += rec.Samples[c][i] * rec.Samples[c][i]
						total += d * d
						most = max(most, math.Abs(d))
						if math.Abs(v) > 1 {
							t.Fatalf("sample %d of channel %d is %g", i, c, v)
						}
					}
				}
				mse := total / float64(got.Frames()*f.Channels)
				if math.Abs(made.MSE/mse-1) > 1e-4 || math.Abs(made.SNR-10*math.Log10(signal/total)) > 1e-3 || math.Abs(made.MaxDeviation/most-1) > 1e-4 {
					t.Errorf("reported: mean square %g, %.3f dB, at most %g; it is %g, %.3f dB, %g", made.MSE, made.SNR, made.MaxDeviation, mse, 10*math.Log10(signal/total), most)
				}
				if made.SNR < snr-0.7 {
					t.Errorf("asked for %g dB, got %.1f dB", snr, made.SNR)
				}
				m := findIn(t, b.Bytes())
				if !bytes.Equal(m.Payload, hidden) || m.Size != len(hidden) || m.Robust != (profile == Robust) {
					t.Errorf("%d of %d bytes came back, robust: %t", len(m.Payload), len(hidden), m.Robust)
				}
				if m.Frames != 12*f.Channels || m.Arrived != m.Frames || m.Gain != 1 || m.Offset != 0 || m.Cut != nil {
					t.Errorf("%d of %d frames, gain %g, offset %g, %v", m.Arrived, m.Frames, m.Gain, m.Offset, m.Cut)
				}
			})
		})
	}
}

// The file stays what it was but for its samples: silence stays silence, and what does not fill a frame is not touched.
func TestWhatIsNotTouched(t *testing.T) {
	racetest.Skip(t)
	rec := speech(t, 30000, 40*FrameLength+777)
	x := rec.Samples[0]
	clear(x[5000:9000])
	for i := range x[20000:20500] {
		x[20000+i] = 0.25
	}
	clear(x[30000 : 30000+carrier.SilenceRun-1]) // too short to be silence
	data := append(file(t, rec), "note\x04\x00\x00\x00abcd"...)
	cover := open(t, data)
	v, err := NewSurvey(context.Background(), cover, DefaultShaping, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := v.Plan(Robust, v.MSE(45))
	hidden := payload(p.Room())
	got := write(t, cover, p, hidden)
	if len(got) != len(data) || !bytes.Equal(got[:44], data[:44]) || !bytes.Equal(got[len(got)-12:], data[len(data)-12:]) {
		t.Error("more has changed than samples")
	}
	y := decode(t, got).Samples[0]
	marks := make([]bool, len(x))
	carrier.MarkSilence(marks, x, 0, len(x))
	changed := 0
	for i, v := range y {
		switch {
		case v != x[i] && (marks[i] || i >= 40*FrameLength):
			t.Fatalf("sample %d went from %g to %g", i, x[i], v)
		case v != x[i]:
			changed++
		}
	}
	if changed < len(x)/2 {
		t.Errorf("only %d samples have changed", changed)
	}
	if m := findIn(t, got); !bytes.Equal(m.Payload, hidden) {
		t.Errorf("%d of %d bytes came back", len(m.Payload), len(hidden))
	}
}

// Hiding is a function of cover, plan, payload, key and nonce, whoever does how much of the work; nothing of what happens to the
// file afterwards can be in it. Another nonce makes another recording of it.
func TestHidingIsAFunction(t *testing.T) {
	rec := noise(3, audio.Format{Rate: 44100, Channels: 3, Encoding: audio.Int16}, 20*FrameLength+5)
	var first []byte
	for _, workers := range []int{1, 2, 3, 7} {
		if testing.Short() && workers != 3 {
			continue
		}
		cover := open(t, file(t, rec))
		v, err := NewSurvey(context.Background(), cover, DefaultShaping, workers, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := v.Plan(Robust, v.MSE(45))
		hidden := payload(p.Room())
		var b bytes.Buffer
		if _, err := hide(context.Background(), &b, cover, p, hidden, ours, fixed, workers, nil); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b.Bytes()
		} else if !bytes.Equal(b.Bytes(), first) {
			t.Errorf("%d workers make another file", workers)
		}
		m, err := Find(context.Background(), host(open(t, first)), ours, workers, nil)
		if err != nil || !bytes.Equal(m.Payload, hidden) {
			t.Fatalf("%d workers find something else: %v", workers, err)
		}
		if workers > 1 {
			continue
		}
		var again bytes.Buffer
		if _, err := Hide(context.Background(), &again, cover, p, hidden, HideOptions{Key: ours, Nonce: rand.Reader, Workers: workers}); err != nil {
			t.Fatal(err)
		}
		a, c := decode(t, first), decode(t, again.Bytes())
		same := 0
		for i, v := range a.Samples[0][:20*FrameLength] {
			if v == c.Samples[0][i] {
				same++
			}
		}
		if same > 10*FrameLength {
			t.Errorf("%d of %d samples are the same under another nonce", same, 20*FrameLength)
		}
	}
}

// Where there is not a word, there is nothing to be had: another key, an innocent recording, silence, something that is no sound.
// All of these give the same error.
func TestNotFound(t *testing.T) {
	racetest.Skip(t)
	data, _ := stego(t, noise(4, mono(audio.Int16), 10*FrameLength), Robust, 40)
	if _, err := Find(context.Background(), host(open(t, data)), theirs, 2, nil); !errors.Is(err, carrier.ErrNotFound) {
		t.Errorf("another key: %v", err)
	}
	made := func(n int, f func(i int) float64) *audio.Recording {
		rec := &audio.Recording{Format: mono(audio.Float32), Samples: audio.NewBlock(1, n)}
		for i := range rec.Samples[0] {
			rec.Samples[0][i] = rec.Format.Quantize(f(i))
		}
		return rec
	}
	for name, rec := range map[string]*audio.Recording{
		"innocent":          speech(t, 0, 12*FrameLength),
		"silence":           made(6*FrameLength, func(int) float64 { return 0 }),
		"constant":          made(6*FrameLength, func(int) float64 { return 0.3 }),
		"not numbers":       made(5*FrameLength, func(i int) float64 { return math.NaN() }),
		"nothing":           made(0, nil),
		"one sample":        made(1, func(int) float64 { return 0.5 }),
		"less than a frame": made(FrameLength-1, func(i int) float64 { return math.Sin(float64(i)) }),
		"65 channels":       {Format: audio.Format{Rate: 8000, Channels: 65, Encoding: audio.Int16}, Samples: audio.NewBlock(65, 3*FrameLength)},
	} {
		if m, err := Find(context.Background(), host(open(t, file(t, rec))), ours, 2, nil); m != nil || !errors.Is(err, carrier.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a recording is like makes no difference as long as it is long enough.
func TestStrangeRecordings(t *testing.T) {
	racetest.Skip(t)
	rng := newRand(6)
	for name, f := range map[string]func(i int) float64{
		"noise that is clipped": func(int) float64 { return max(-1, min(1, 0.8*rng.NormFloat64())) },
		"a tone":                func(i int) float64 { return 0.5 * math.Sin(float64(i)/7) },
		"clicks": func(i int) float64 {
			if i%13 == 0 {
				return 0.7
			}
			return 0
		},
		"an offset": func(int) float64 { return 0.4 + 0.01*rng.NormFloat64() },
		"half of silence": func(i int) float64 {
			if i/3000%2 == 0 {
				return 0
			}
			return 0.1 * rng.NormFloat64()
		},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &audio.Recording{Format: mono(audio.Int16), Samples: audio.NewBlock(1, 24*FrameLength+1)}
			for i := range rec.Samples[0] {
				rec.Samples[0][i] = rec.Format.Quantize(f(i))
			}
			data, hidden := stego(t, rec, Robust, 35)
			if m := findIn(t, data); !bytes.Equal(m.Payload, hidden) || m.Gain != 1 || m.Offset != 0 {
				t.Errorf("%d of %d bytes came back, gain %g, offset %g", len(m.Payload), len(hidden), m.Gain, m.Offset)
			}
			for i, v := range decode(t, data).Samples[0] {
				if v < -1 || v > 1-unit {
					t.Fatalf("sample %d is %g", i, v)
				}
			}
		})
	}
}

// Where half of the samples stand at full scale, lattices have no room: what becomes of it is open, but not that anything leaves
// full scale or breaks.
func TestFullScale(t *testing.T) {
	racetest.Skip(t)
	for _, e := range []audio.Encoding{audio.Int8, audio.Int16, audio.Float32} {
		rec := &audio.Recording{Format: mono(e), Samples: audio.NewBlock(1, 8*FrameLength)}
		for i := range rec.Samples[0] {
			rec.Samples[0][i] = rec.Format.Quantize(1 - 2*float64(i/6%2))
		}
		v, cover := survey(t, rec)
		var b bytes.Buffer
		hidden := payload(80)
		_, err := hide(context.Background(), &b, cover, v.Plan(Robust, v.MSE(35)), hidden, ours, fixed, 2, nil)
		if errors.As(err, new(*carrier.LostError)) && b.Len() == 0 {
			continue // nothing that would not come back is written
		}
		if err != nil {
			t.Fatal(err)
		}
		highest := 1.0
		if !e.IsFloat() {
			highest -= rec.Format.Step()
		}
		for i, y := range decode(t, b.Bytes()).Samples[0] {
			if y < -1 || y > highest {
				t.Fatalf("%v: sample %d is %g", e, i, y)
			}
		}
		if e != audio.Int16 {
			continue
		}
		m, err := Find(context.Background(), host(open(t, b.Bytes())), ours, 2, nil)
		if err != nil && !errors.Is(err, carrier.ErrNotFound) || err == nil && !bytes.HasPrefix(hidden, m.Payload) {
			t.Errorf("%v: something else came back, or %v", e, err)
		}
	}
}

// From the shortest recording on that takes anything, what is hidden is found.
func TestShortRecordings(t *testing.T) {
	racetest.Skip(t)
	for _, frames := range []int{0, 1, 7, 8, 11} {
		for _, extra := range []int{500 * (frames % 2)} {
			rec := noise(uint64(20+frames), mono(audio.Int16), frames*FrameLength+extra)
			cover := open(t, file(t, rec))
			v, err := NewSurvey(context.Background(), cover, DefaultShaping, 2, nil)
			if errors.Is(err, ErrTooShort) {
				if frames >= 10 {
					t.Errorf("%d frames are too short", frames)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%d frames: %v", frames, err)
			}
			for name, p := range map[string]*Plan{"robust": v.Plan(Robust, v.MSE(40)), "lean": v.Plan(Lean, v.MSE(40)), "faint": v.Faint()[0]} {
				hidden := payload(p.Room())
				if len(hidden) == 0 {
					continue
				}
				data := write(t, cover, p, hidden)
				m, err := Find(context.Background(), host(open(t, data)), ours, 2, nil)
				if err != nil {
					t.Errorf("%d frames, %s: %v", frames, name, err)
				} else if !bytes.Equal(m.Payload, hidden) {
					t.Errorf("%d frames, %s: %d of %d bytes came back", frames, name, len(m.Payload), len(hidden))
				}
			}
		}
	}
}

func TestPlans(t *testing.T) {
	racetest.Skip(t)
	rec := speech(t, 0, 60*FrameLength)
	v, cover := survey(t, rec)
	if v.Frames() != 60 || v.Duration().Seconds() != 60*FrameLength/16000.0 {
		t.Errorf("%d frames, %v", v.Frames(), v.Duration())
	}
	every(t, func(t *testing.T, profile Profile) {
		last := math.MaxInt
		for snr := 20.0; snr <= 80; snr += 5 {
			p := v.Plan(profile, v.MSE(snr))
			room := p.Room()
			// The first stages go by noise relative to the whole change. They hold less of it the more frames differ, as they do where
			// hearing limits many of them.
			if float64(room) > 1.03*float64(last) {
				t.Errorf("at %g dB there is room for %d bytes, more than with more noise", snr, room)
			}
			last = room
		}
	})
	if l, r := v.Plan(Lean, v.MSE(50)).Room(), v.Plan(Robust, v.MSE(50)).Room(); l < r {
		t.Errorf("lean has room for %d bytes, robust for %d", l, r)
	}
	p := v.Plan(Robust, v.MSE(50))
	if _, err := Hide(context.Background(), io.Discard, cover, p, payload(MaxPayload), HideOptions{Key: ours, Nonce: rand.Reader, Workers: 2}); !errors.Is(err, ErrTooShort) || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("too much: %v", err)
	}
	if p := v.Plan(Robust, 0); p.Room() < 0 {
		t.Error("a plan that changes nothing has less than no room")
	}
}

// A survey of the same recording is the same, and its progress goes forward.
func TestSurveyErrors(t *testing.T) {
	racetest.Skip(t)
	rec := noise(8, audio.Format{Rate: 16000, Channels: 65, Encoding: audio.Int8}, 9*FrameLength)
	if _, err := NewSurvey(context.Background(), open(t, file(t, rec)), DefaultShaping, 2, nil); err == nil {
		t.Error("65 channels were surveyed")
	}
	data := file(t, noise(9, mono(audio.Int16), 60*FrameLength))
	var cut *audio.TruncatedError
	if _, err := NewSurvey(context.Background(), open(t, data[:len(data)/2]), DefaultShaping, 2, nil); !errors.As(err, &cut) {
		t.Errorf("a file that is cut off: %v", err)
	}
	last := -1
	if _, err := NewSurvey(context.Background(), open(t, data), DefaultShaping, 2, func(done, total int) {
		if done < last || done > total {
			t.Errorf("progress went from %d to %d of %d", last, done, total)
		}
		last = done
	}); err != nil || last < 0 {
		t.Errorf("%v after progress of %d", err, last)
	}
}

// Who gives up gets an error soon.
func TestCancel(t *testing.T) {
	data := file(t, noise(10, mono(audio.Int16), 100*FrameLength))
	cover := open(t, data)
	v, err := NewSurvey(context.Background(), cover, DefaultShaping, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := v.Plan(Robust, v.MSE(40))
	hidden := payload(2000)
	stego := write(t, cover, p, hidden)
	for name, do := range map[string]func(ctx context.Context, progress func(done, total int)) error{
		"NewSurvey": func(ctx context.Context, progress func(done, total int)) error {
			_, err := NewSurvey(ctx, cover, DefaultShaping, 2, progress)
			return err
		},
		"Hide": func(ctx context.Context, progress func(done, total int)) error {
			_, err := Hide(ctx, io.Discard, cover, p, hidden, HideOptions{Key: ours, Nonce: rand.Reader, Workers: 2, Progress: progress})
			return err
		},
		"Find": func(ctx context.Context, progress func(done, total int)) error {
			_, err := Find(ctx, host(open(t, stego)), ours, 2, progress)
			return err
		},
	} {
		for _, at := range []int{0, 2} { // at once, or in the middle
			ctx, cancel := context.WithCancel(context.Background())
			calls := 0
			if at == 0 {
				cancel()
			}
			err := do(ctx, func(int, int) {
				if calls++; calls == at {
					cancel()
				}
			})
			cancel()
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			if at > 0 && calls > at+3 {
				t.Errorf("%s went on for %d steps", name, calls)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Find(ctx, host(open(t, data)), theirs, 2, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a search: %v", err)
	}
}

// Samples that are no numbers stay, and do no harm to the others.
func TestNotFinite(t *testing.T) {
	racetest.Skip(t)
	rec := speech(t, 30000, 24*FrameLength)
	rec.Format.Encoding = audio.Float32
	rec.Samples[0][5000], rec.Samples[0][9000] = math.NaN(), math.Inf(1)
	data := file(t, rec)
	cover := open(t, data)
	v, err := NewSurvey(context.Background(), cover, DefaultShaping, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := v.Plan(Robust, v.MSE(45))
	hidden := payload(p.Room() / 2)
	var out bytes.Buffer
	r, err := Hide(context.Background(), &out, cover, p, hidden, HideOptions{Key: keystream.Public(), Nonce: rand.Reader, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if !(r.SNR > 40 && r.SNR < 60) || !bytes.Equal(r.Payload, hidden) {
		t.Errorf("SNR %g dB, %d of %d bytes expected to arrive", r.SNR, len(r.Payload), len(hidden))
	}
	if y := decode(t, out.Bytes()).Samples[0]; y[5000] == y[5000] || !math.IsInf(y[9000], 1) {
		t.Errorf("they became %g and %g", y[5000], y[9000])
	}
}

// A recording that is too long for its filters to be kept is heard a second time, and comes out the same.
func TestFiltersAreHeardAgain(t *testing.T) {
	racetest.Skip(t)
	for _, rate := range []int{8000, 44100, 400000} {
		rec := noise(11, audio.Format{Rate: rate, Channels: 2, Encoding: audio.Int16}, 40*FrameLength+7)
		clear(rec.Samples[0][3*FrameLength : 25*FrameLength])
		v, cover := survey(t, rec)
		p := v.Plan(Lean, v.MSE(45))
		hidden := payload(p.Room() / 2)
		kept := write(t, cover, p, hidden)
		if v.contours == nil {
			t.Fatal("no filters were kept")
		}
		v.contours = nil
		if !bytes.Equal(write(t, cover, p, hidden), kept) {
			t.Errorf("%d Hz: another recording", rate)
		}
	}
}

// Samples beside silence do not become a part of it, so that sender and receiver agree on where it is.
func TestSilenceKeepsItsEnds(t *testing.T) {
	racetest.Skip(t)
	rng := newRand(12)
	for _, e := range []audio.Encoding{audio.Int8, audio.Int16, audio.Float32} {
		rec := &audio.Recording{Format: mono(e), Samples: audio.NewBlock(1, 60*FrameLength)}
		x := rec.Samples[0]
		for i := range x {
			if rng.IntN(7) == 0 { // now and then a run long enough to be silence
				x[i] = rec.Format.Step() * float64(rng.IntN(5)-2)
			}
		}
		v, cover := survey(t, rec)
		var b bytes.Buffer
		p := v.Plan(Lean, v.MSE(10))
		p.missed = math.Inf(1) // however strong it has to be
		if _, err := hide(context.Background(), &b, cover, p, payload(min(100, p.Room())), ours, fixed, 2, nil); err != nil {
			t.Fatal(err)
		}
		before, after := make([]bool, len(x)), make([]bool, len(x))
		carrier.MarkSilence(before, x, 0, len(x))
		carrier.MarkSilence(after, decode(t, b.Bytes()).Samples[0], 0, len(x))
		silence, differ := 0, 0
		for i, q := range before {
			if q {
				silence++
			}
			if q != after[i] {
				differ++
			}
		}
		if silence < len(x)/20 || silence > len(x)*9/10 || differ > 0 {
			t.Errorf("%v: %d of %d samples are silence, and %d differ in it", e, silence, len(x), differ)
		}
	}
}

// A recording too quiet for the strength that was asked for is refused, with the one that it can have; a silent one has no room at all.
func TestQuiet(t *testing.T) {
	rec := noise(13, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int24}, 40*FrameLength)
	for i, v := range rec.Samples[0] {
		rec.Samples[0][i] = rec.Format.Quantize(v * 1e-4)
	}
	v, cover := survey(t, rec)
	p := v.Plan(Robust, v.MSE(50))
	quiet := p.Check()
	if quiet == nil || math.Abs(quiet.Asked-50) > 1e-6 || quiet.Reached > 47 {
		t.Fatalf("at 50 dB: %v", quiet)
	}
	if _, err := Hide(context.Background(), io.Discard, cover, p, payload(10), HideOptions{Key: ours, Nonce: rand.Reader, Workers: 2}); !errors.As(err, &quiet) || p.Room() != 0 {
		t.Errorf("room for %d bytes, %v", p.Room(), err)
	}
	if quiet.Reached > 0 {
		p = v.Plan(Robust, v.MSE(quiet.Reached))
		if err := p.Check(); err != nil {
			t.Errorf("at the strength that it can have: %v", err)
		}
	}
	clear(rec.Samples[0])
	if _, err := NewSurvey(context.Background(), open(t, file(t, rec)), DefaultShaping, 2, nil); !errors.Is(err, carrier.ErrSilent) {
		t.Errorf("silence: %v", err)
	}
	for i := range rec.Samples[0] {
		rec.Samples[0][i] = rec.Format.Quantize(0.3)
	}
	if _, err := NewSurvey(context.Background(), open(t, file(t, rec)), DefaultShaping, 2, nil); !errors.Is(err, carrier.ErrSilent) {
		t.Errorf("a constant: %v", err)
	}
}
