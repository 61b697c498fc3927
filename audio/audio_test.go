package audio_test

import (
	"errors"
	"io"
	"math"
	"slices"
	"testing"
	"time"

	"ditas/audio"
)

func TestEveryCodeSurvives(t *testing.T) {
	for _, f := range []audio.Format{
		{Encoding: audio.Int8}, {Encoding: audio.Int16}, {Encoding: audio.Int24}, {Encoding: audio.Int32},
		{Encoding: audio.Int16, ValidBits: 12}, {Encoding: audio.Int24, ValidBits: 20}, {Encoding: audio.Int32, ValidBits: 24},
	} {
		half := int64(1) << (f.Bits() - 1)
		skip := max(1, half>>16|1)
		for code := -half; code < half; code += skip {
			x := float64(code) / float64(half)
			if got := f.Quantize(x); got != x {
				t.Fatalf("%v: code %d became %v, want %v", f, code, got, x)
			}
		}
		if top := 1 - f.Step(); f.Quantize(top) != top || f.Quantize(1) != top || f.Quantize(math.Inf(1)) != top {
			t.Errorf("%v: full scale is %v, want %v", f, f.Quantize(1), top)
		}
	}
}

func TestQuantize(t *testing.T) {
	const lsb = 1.0 / 32768
	for _, test := range []struct {
		encoding audio.Encoding
		x, want  float64
	}{
		{audio.Int16, 0.49 * lsb, 0},
		{audio.Int16, 0.5 * lsb, 0},
		{audio.Int16, 1.5 * lsb, 2 * lsb},
		{audio.Int16, -0.5 * lsb, 0},
		{audio.Int16, -1.5 * lsb, -2 * lsb},
		{audio.Int16, -0.51 * lsb, -lsb},
		{audio.Int16, -7, -1},
		{audio.Int16, math.Inf(-1), -1},
		{audio.Int16, math.NaN(), 0},
		{audio.Int16, 1 - 0.5*lsb, 1 - lsb},
		{audio.Int32, 0.3, 644245094.0 / (1 << 31)},
		{audio.Float32, 0.1, 0.100000001490116119384765625},
		{audio.Float32, 3, 3},
		{audio.Float64, 0.1, 0.1},
		{audio.Float64, -1e300, -1e300},
	} {
		got := audio.Format{Encoding: test.encoding}.Quantize(test.x)
		if got != test.want || math.Signbit(got) != math.Signbit(test.want) {
			t.Errorf("%v: %v became %v, want %v", test.encoding, test.x, got, test.want)
		}
	}
}

func TestStep(t *testing.T) {
	for _, test := range []struct {
		format audio.Format
		want   float64
	}{
		{audio.Format{Encoding: audio.Int8}, 1.0 / 128},
		{audio.Format{Encoding: audio.Int16}, 1.0 / 32768},
		{audio.Format{Encoding: audio.Int24}, 1.0 / 8388608},
		{audio.Format{Encoding: audio.Int24, ValidBits: 20}, 1.0 / 524288},
		{audio.Format{Encoding: audio.Int32}, 1.0 / 2147483648},
		{audio.Format{Encoding: audio.Float32}, float64(1 - math.Nextafter32(1, 0))},
		{audio.Format{Encoding: audio.Float64}, 1 - math.Nextafter(1, 0)},
	} {
		if got := test.format.Step(); got != test.want {
			t.Errorf("%+v: step %v, want %v", test.format, got, test.want)
		}
	}
}

func TestFormatCheckAndString(t *testing.T) {
	for _, test := range []struct {
		format audio.Format
		ok     bool
		words  string
	}{
		{audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, true, "16000 Hz, mono, 16-bit"},
		{audio.Format{Rate: 96000, Channels: 6, Encoding: audio.Int24, ValidBits: 20}, true, "96000 Hz, 6 channels, 20 in 24 bits"},
		{audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Float32}, true, "44100 Hz, 2 channels, 32-bit float"},
		{audio.Format{Rate: 0, Channels: 1, Encoding: audio.Int16}, false, "0 Hz, mono, 16-bit"},
		{audio.Format{Rate: 1, Channels: 0, Encoding: audio.Int16}, false, "1 Hz, 0 channels, 16-bit"},
		{audio.Format{Rate: 1, Channels: 1}, false, "1 Hz, mono, encoding 0"},
		{audio.Format{Rate: 1, Channels: 1, Encoding: audio.Int8, ValidBits: 9}, false, "1 Hz, mono, 9 in 8 bits"},
		{audio.Format{Rate: 1, Channels: 1, Encoding: audio.Float32, ValidBits: 24}, false, "1 Hz, mono, 24 in 32 bits"},
	} {
		if err := test.format.Check(); (err == nil) != test.ok {
			t.Errorf("%+v: %v", test.format, err)
		}
		if got := test.format.String(); got != test.words {
			t.Errorf("got %q, want %q", got, test.words)
		}
	}
}

func TestDuration(t *testing.T) {
	if d := (audio.Format{Rate: 44100}).Duration(44100 * 3600); d != time.Hour {
		t.Errorf("an hour takes %v", d)
	}
}

func TestMono(t *testing.T) {
	rec := &audio.Recording{
		Format:  audio.Format{Rate: 8000, Channels: 2, Encoding: audio.Int16},
		Samples: [][]float64{{1, 0, -0.5}, {0, 0, -1}},
	}
	mono := rec.Mono()
	if mono.Format.Channels != 1 || !slices.Equal(mono.Samples[0], []float64{0.5, 0, -0.75}) || len(mono.Samples) != 1 {
		t.Errorf("got %+v", mono)
	}
	if rec.Samples[0][0] != 1 {
		t.Error("the recording itself has changed")
	}
}

// counter is a recording whose sample i is i, and which may not know its length, or be wrong about it.
type counter struct {
	frames, claim int64
	end           error
}

func (c counter) Format() audio.Format {
	return audio.Format{Rate: 1, Channels: 2, Encoding: audio.Float64}
}
func (c counter) Frames() int64        { return c.claim }
func (c counter) Reader() audio.Reader { return &countReader{counter: c} }

type countReader struct {
	counter
	next int64
}

func (r *countReader) SeekFrame(frame int64) error { r.next = frame; return nil }

func (r *countReader) Read(block [][]float64) (int, error) {
	n := int(min(int64(len(block[0])), r.frames-r.next))
	if n == 0 {
		return 0, r.end
	}
	for i := range n {
		block[0][i], block[1][i] = float64(r.next), -float64(r.next)
		r.next++
	}
	return n, nil
}

func TestReadAll(t *testing.T) {
	cut := &audio.TruncatedError{Frames: 7, Declared: 9}
	for _, test := range []counter{
		{0, 0, io.EOF},
		{0, -1, io.EOF},
		{5, 5, io.EOF},
		{1_500_000, 1_500_000, io.EOF},
		{1_500_000, -1, io.EOF},
		{10, 3, io.EOF},
		{600_000, 1, io.EOF},
		{5, 1 << 60, io.EOF},
		{7, 9, cut},
	} {
		rec, err := audio.ReadAll(test)
		if test.end == io.EOF && err != nil || test.end != io.EOF && !errors.Is(err, test.end) {
			t.Fatalf("%+v: %v", test, err)
		}
		if int64(rec.Frames()) != test.frames || len(rec.Samples) != 2 || len(rec.Samples[1]) != rec.Frames() {
			t.Fatalf("%+v: %d frames", test, rec.Frames())
		}
		for i := range rec.Samples[0] {
			if rec.Samples[0][i] != float64(i) || rec.Samples[1][i] != -float64(i) {
				t.Fatalf("%+v: frame %d is %v, %v", test, i, rec.Samples[0][i], rec.Samples[1][i])
			}
		}
	}
}

// collect keeps what is written, as samples.
type collect struct {
	rec    *audio.Recording
	frames int64
	closed bool
}

func (c *collect) Write(block [][]float64) error {
	for i := range block {
		c.rec.Samples[i] = append(c.rec.Samples[i], block[i]...)
	}
	return nil
}

func (c *collect) Close() error {
	c.closed = true
	return nil
}

func TestConvert(t *testing.T) {
	for _, claim := range []int64{10_000, -1} {
		c := &collect{rec: &audio.Recording{Samples: make([][]float64, 2)}}
		rewriter, err := audio.Convert(counter{10_000, claim, io.EOF}, audio.Int8, func(_ io.Writer, f audio.Format, frames int64) (audio.Writer, error) {
			c.rec.Format, c.frames = f, frames
			return c, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := audio.Format{Rate: 1, Channels: 2, Encoding: audio.Int8}
		if rewriter.Format() != want || rewriter.Frames() != 10_000 {
			t.Errorf("%d frames of %v", rewriter.Frames(), rewriter.Format())
		}
		rec, err := audio.ReadAll(rewriter)
		if err != nil || rec.Samples[0][7] != 1-1.0/128 || rec.Samples[1][7] != -1 {
			t.Errorf("sample 7 is %v, %v; %v", rec.Samples[0][7], rec.Samples[1][7], err)
		}
		w, err := rewriter.Rewrite(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write([][]float64{{0.5, 0.25}, {-0.5, 0}}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil || !c.closed {
			t.Fatal(c.closed, err)
		}
		rec.Samples[0][0], rec.Samples[0][1], rec.Samples[1][0], rec.Samples[1][1] = 0.5, 0.25, -0.5, 0
		if c.rec.Format != want || c.frames != 10_000 || !slices.EqualFunc(c.rec.Samples, rec.Samples, slices.Equal) {
			t.Errorf("%d of %d frames of %v were written, or others than given", c.rec.Frames(), c.frames, c.rec.Format)
		}
	}
	if _, err := audio.Convert(counter{}, 0, nil); err == nil {
		t.Error("something of no encoding was promised")
	}
	if _, err := audio.Convert(counter{5, -1, io.ErrClosedPipe}, audio.Int16, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("an error while frames are counted became %v", err)
	}
}
