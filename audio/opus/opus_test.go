package opus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/internal/ogg"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func open(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var fixtures = []struct {
	name             string
	channels, frames int
}{
	{"celt", 2, 24000}, {"mono", 1, 24000}, {"silk", 1, 33600}, {"hybrid", 1, 24000}, {"voice", 2, 28800}, {"short", 2, 14400}, {"pages", 1, 28800},
}

// libopus is the reference. It gives integers, so a rounding error is left, and decodes SILK, which carries low rates, in integers too, where
// the decoder here takes floating point: its error is 50 dB below the sound.
func TestSamplesAgreeWithLibopus(t *testing.T) {
	for _, fixture := range fixtures {
		f := open(t, read(t, fixture.name+".opus"))
		rec, err := audio.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		want := audio.Format{Rate: 48000, Channels: fixture.channels, Encoding: audio.Float32}
		if rec.Format != want || f.Frames() != int64(fixture.frames) || rec.Frames() != fixture.frames {
			t.Errorf("%s: %d of %d frames of %v, want %d of %v", fixture.name, rec.Frames(), f.Frames(), rec.Format, fixture.frames, want)
			continue
		}
		s16 := read(t, fixture.name+".s16")
		var power, change, most float64
		for i := range fixture.frames * fixture.channels {
			y := float64(int16(binary.LittleEndian.Uint16(s16[2*i:])))
			d := 32768*rec.Samples[i%fixture.channels][i/fixture.channels] - y
			power += y * y
			change += d * d
			most = max(most, math.Abs(d))
		}
		if exact := fixture.name == "celt" || fixture.name == "short"; exact && most > 0.6 {
			t.Errorf("%s: an error of %.2f steps of 16 bits", fixture.name, most)
		}
		if snr := 10 * math.Log10(power/change); snr < 48 {
			t.Errorf("%s: %.1f dB above the error", fixture.name, snr)
		}
	}
}

// Sound beside a film.
func TestFilm(t *testing.T) {
	film, alone := open(t, read(t, "video.ogg")), open(t, read(t, "celt.opus"))
	got, err := audio.ReadAll(film)
	if err != nil {
		t.Fatal(err)
	}
	want, err := audio.ReadAll(alone)
	if err != nil {
		t.Fatal(err)
	}
	if n := got.Frames(); n < 12000 || !slices.Equal(got.Samples[1], want.Samples[1][:n]) {
		t.Errorf("%d frames beside a film, or others than without", n)
	}
}

func TestSeekFrameGivesWhatReadingGives(t *testing.T) {
	for _, fixture := range fixtures {
		f := open(t, read(t, fixture.name+".opus"))
		rec, err := audio.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		r, block := f.Reader(), audio.NewBlock(fixture.channels, 50)
		frames := []int64{0, f.Frames(), f.Frames() - 1, 0, 10, 11, 10}
		for range 30 {
			frames = append(frames, rng.Int64N(f.Frames()+1))
		}
		for _, at := range frames {
			if err := r.SeekFrame(at); err != nil {
				t.Fatal(err)
			}
			n, err := r.Read(block)
			if at == f.Frames() {
				if n != 0 || err != io.EOF {
					t.Errorf("%s: at the end %d frames, %v", fixture.name, n, err)
				}
				continue
			}
			if want := int(min(50, f.Frames()-at)); err != nil || n != want {
				t.Fatalf("%s: %d frames from %d on, %v", fixture.name, n, at, err)
			}
			for c := range block {
				if !slices.Equal(block[c][:n], rec.Samples[c][at:int(at)+n]) {
					t.Fatalf("%s: other samples from frame %d on", fixture.name, at)
				}
			}
		}
		for _, at := range []int64{-1, f.Frames() + 1} {
			if err := r.SeekFrame(at); err == nil {
				t.Errorf("%s: frame %d is there", fixture.name, at)
			}
		}
	}
}

// edit returns a file with other bytes in the page at an index, its checksum mended.
func edit(t testing.TB, data []byte, index int, change func(page []byte)) []byte {
	t.Helper()
	data = slices.Clone(data)
	at := int64(0)
	for i := 0; ; i++ {
		p, ok, err := ogg.ReadPage(bytes.NewReader(data), at, int64(len(data)))
		if err != nil || !ok {
			t.Fatalf("page %d: %v", i, err)
		}
		page := data[at : at+p.Size]
		if at += p.Size; i < index {
			continue
		}
		change(page)
		clear(page[22:26])
		binary.LittleEndian.PutUint32(page[22:], ogg.Checksum(page))
		return data
	}
}

const headAt = ogg.PageHead + 1 // where the first header begins in its page

func TestGainAndSkip(t *testing.T) {
	data := read(t, "mono.opus")
	want, err := audio.ReadAll(open(t, data))
	if err != nil {
		t.Fatal(err)
	}
	louder := edit(t, data, 0, func(page []byte) {
		binary.LittleEndian.PutUint16(page[headAt+16:], 6*256)
		binary.LittleEndian.PutUint16(page[headAt+10:], 312+1000)
	})
	got, err := audio.ReadAll(open(t, louder))
	if err != nil {
		t.Fatal(err)
	}
	if got.Frames() != want.Frames()-1000 {
		t.Fatalf("%d frames, want 1000 fewer than %d", got.Frames(), want.Frames())
	}
	for i, v := range got.Samples[0] {
		if w := want.Samples[0][1000+i] * math.Pow(10, 6.0/20); math.Abs(v-w) > 1e-6 {
			t.Fatalf("frame %d is %g, want %g", i, v, w)
		}
	}
}

func TestRefusals(t *testing.T) {
	mono := read(t, "mono.opus")
	head := func(change func(head []byte)) []byte {
		return edit(t, mono, 0, func(page []byte) { change(page[headAt:]) })
	}
	for name, c := range map[string]struct {
		data []byte
		want error
		says string
	}{
		"nothing":           {nil, audio.ErrFormat, ""},
		"WAV":               {[]byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"), audio.ErrFormat, ""},
		"Vorbis":            {head(func(h []byte) { copy(h, "\x01vorbis\x00") }), audio.ErrFormat, ""},
		"surround":          {read(t, "surround.opus"), audio.ErrUnsupported, "6 channels"},
		"chained":           {read(t, "chained.opus"), audio.ErrUnsupported, "more than one recording: another recording begins at byte 2260"},
		"version":           {head(func(h []byte) { h[8] = 16 }), audio.ErrUnsupported, "version 16"},
		"no channels":       {head(func(h []byte) { h[9] = 0 }), audio.ErrMalformed, "no channels"},
		"headers alone":     {mono[:60], audio.ErrMalformed, "within its headers"},
		"going back":        {edit(t, read(t, "pages.opus"), 4, func(p []byte) { p[6], p[7] = 1, 0 }), audio.ErrMalformed, "back in time"},
		"less than nothing": {edit(t, read(t, "pages.opus"), 2, func(p []byte) { p[6], p[7] = 1, 0 }), audio.ErrMalformed, "ends with frame 1"},
	} {
		_, err := Open(bytes.NewReader(c.data), int64(len(c.data)))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDamage(t *testing.T) {
	data := read(t, "pages.opus")
	whole := open(t, data)
	// Cut off, what is there is read.
	cut := open(t, data[:2*len(data)/3])
	rec, err := audio.ReadAll(cut)
	if !errors.As(err, new(*audio.TruncatedError)) || cut.Frames() >= whole.Frames() || cut.Frames() < 9600 || rec.Frames() != int(cut.Frames()) {
		t.Errorf("cut off: %d of %d frames, %v", rec.Frames(), cut.Frames(), err)
	}
	changed := slices.Clone(data)
	changed[len(data)/2] ^= 1
	if _, err := audio.ReadAll(open(t, changed)); !errors.Is(err, audio.ErrDamaged) {
		t.Errorf("a changed bit: %v", err)
	}
	longer := edit(t, data, 3, func(p []byte) { p[6]++ })
	if _, err := audio.ReadAll(open(t, longer)); !errors.Is(err, audio.ErrDamaged) || !strings.Contains(err.Error(), "instead of") {
		t.Errorf("a page with a wrong position: %v", err)
	}
}

func TestFrameCount(t *testing.T) {
	for _, c := range []struct {
		packet []byte
		want   int // 0: none
	}{
		{nil, 0}, {[]byte{0}, 480}, {[]byte{3 << 3}, 2880}, {[]byte{3<<3 | 1}, 5760}, {[]byte{12 << 3}, 480}, {[]byte{15<<3 | 2}, 1920},
		{[]byte{16 << 3}, 120}, {[]byte{31 << 3}, 960}, {[]byte{31<<3 | 3, 6}, 5760}, {[]byte{31<<3 | 3, 7}, 0}, {[]byte{31<<3 | 3}, 0}, {[]byte{31<<3 | 3, 0}, 0},
		{[]byte{16<<3 | 3, 48}, 5760}, {[]byte{3<<3 | 3, 3}, 0},
	} {
		if got, err := frameCount(c.packet); got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("% x: %d frames, %v, want %d", c.packet, got, err, c.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, name := range []string{"celt.opus", "silk.opus", "hybrid.opus", "short.opus", "video.ogg", "surround.opus"} {
		f.Add(read(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// Checksums are mended, or nothing changed would get through.
		for at := int64(0); at < int64(len(data)); {
			p, ok, _ := ogg.ReadPage(bytes.NewReader(data), at, int64(len(data)))
			if !ok {
				at, _ = ogg.FindPage(bytes.NewReader(data), at+1, int64(len(data)))
				continue
			}
			page := data[at : at+p.Size]
			clear(page[22:26])
			binary.LittleEndian.PutUint32(page[22:], ogg.Checksum(page))
			at += p.Size
		}
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		r, block := file.Reader(), audio.NewBlock(file.Format().Channels, 999)
		var total int64
		for {
			n, err := r.Read(block)
			if total += int64(n); total > file.Frames() {
				t.Fatalf("%d frames of %d", total, file.Frames())
			}
			if err != nil {
				break
			}
		}
		// A packet of two bytes or more lasts at most 120 ms.
		if most := int64(len(data)) * longest; total > most {
			t.Fatalf("%d frames from %d bytes", total, len(data))
		}
		if err := r.SeekFrame(total / 2); err == nil {
			r.Read(block)
		}
		// What is lost takes no more than that for each page.
		rec, _ := audio.ReadAll(audio.Mend(file))
		if n := int64(rec.Frames()); n > file.Frames() || n > int64(len(data))*longest+1<<20*int64(1+bytes.Count(data, []byte("OggS"))) {
			t.Fatalf("%d frames of %d from %d bytes, mended", n, file.Frames(), len(data))
		}
	})
}
