package ditas_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/flac"
	"ditas/audio/wav"
	"ditas/internal/racetest"
	"ditas/picture"
	"ditas/report"
)

// Whoever hides in a file that is damaged is told before, and what is made is as long as that.
func TestDamagedCover(t *testing.T) {
	racetest.Skip(t)
	file := func(path ...string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(path...))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	rec, err := audio.ReadAll(open(t, music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 7)))
	if err != nil {
		t.Fatal(err)
	}
	var encoded bytes.Buffer
	if err := flac.Encode(&encoded, rec); err != nil {
		t.Fatal(err)
	}
	aBit := func(data []byte) { data[len(data)/2] ^= 4 }
	secret, err := ditas.Passphrase("correct horse battery staple", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data    []byte
		damage  func(data []byte)
		methods []string
	}{
		"MP3":  {file("audio", "mp3", "testdata", "joint.mp3"), func(data []byte) { clear(data[len(data)/2:][:len(data)/8]) }, []string{ditas.Lattice}},
		"Opus": {file("audio", "opus", "testdata", "pages.opus"), aBit, []string{ditas.Lattice}},
		"FLAC": {encoded.Bytes(), aBit, []string{ditas.Lattice, ditas.Covert, ditas.Networks, ditas.Durable}},
	} {
		for _, method := range c.methods {
			hide := func(data []byte) (int64, []report.Warning) {
				t.Helper()
				cover := anyFile(t, data)
				s, err := ditas.NewSurvey(t.Context(), cover, ditas.SurveyOptions{Method: method})
				if err != nil {
					t.Fatalf("%s, %s: %v", name, method, err)
				}
				key := ditas.Public()
				if method == ditas.Covert {
					key = secret
				}
				var stego bytes.Buffer
				if _, err := s.Hide(t.Context(), &stego, scene(24, 18), key, ditas.HideOptions{Fit: true}); err != nil {
					t.Fatalf("%s, %s: %v", name, method, err)
				}
				if _, r := reveal(t, stego.Bytes(), key, ditas.RevealOptions{}); !r.Complete || r.Damaged > 0 || r.Altered {
					t.Errorf("%s, %s: complete %t, and %g s are damaged in what was made, altered %t", name, method, r.Complete, r.Damaged, r.Altered)
				}
				if _, err := ditas.Holds(t.Context(), cover, key); err != nil {
					t.Errorf("%s, %s: %v", name, method, err)
				}
				return anyFile(t, stego.Bytes()).Frames(), slices.DeleteFunc(s.Warnings(), func(w report.Warning) bool { return w.Kind != report.Damaged })
			}
			whole, w := hide(c.data)
			if len(w) > 0 {
				t.Errorf("%s, %s: of a whole file: %v", name, method, w)
			}
			data := bytes.Clone(c.data)
			c.damage(data)
			frames, w := hide(data)
			if len(w) != 1 || !strings.HasPrefix(w[0].Text, "is damaged: ") || !strings.HasSuffix(w[0].Text, " s of it cannot be read") || strings.Contains(w[0].Text, " 0.00 s") {
				t.Errorf("%s, %s: of a damaged file: %v", name, method, w)
			}
			if frames != whole && name == "FLAC" {
				t.Errorf("%s, %s: %d of %d frames", name, method, frames, whole)
			}
		}
	}
	// In Go, other ways to give it and to write it are no different.
	data := bytes.Clone(encoded.Bytes())
	aBit(data)
	for _, name := range []string{"stego.flac", "stego.wav"} {
		cover, _, err := codec.Cover(anyFile(t, data), codec.CoverOptions{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if w := ditas.Damage(cover); w != nil {
			t.Errorf("%s: told before anything is read: %v", name, w)
		}
		var b bytes.Buffer
		if err := ditas.Dither(t.Context(), &b, cover, ditas.DitherOptions{}); err != nil {
			t.Fatal(err)
		}
		if w := ditas.Damage(cover); len(w) != 1 || !strings.HasPrefix(w[0].Text, "is damaged: 0.26 s") {
			t.Errorf("%s, dithered: %v", name, w)
		}
		if n := anyFile(t, b.Bytes()).Frames(); n != int64(rec.Frames()) {
			t.Errorf("%s, dithered: %d of %d frames", name, n, rec.Frames())
		}
	}
}

// Whoever hides in a file, or reveals from one, whose samples are not those of the checksum in its header is told.
func TestAlteredCover(t *testing.T) {
	racetest.Skip(t)
	rec, err := audio.ReadAll(open(t, music(t, audio.Format{Rate: 16000, Channels: 2, Encoding: audio.Int16}, 5)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := flac.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	const sum = 4 + 4 + 18 // where the MD5 stands: behind the mark, the head of a block, and sizes and the like
	b.Bytes()[sum] ^= 1
	const want = "is not as it was made: its samples do not match the checksum in its header"
	for _, method := range []string{ditas.Lattice, ditas.Covert, ditas.Networks, ditas.Durable} {
		s, err := ditas.NewSurvey(t.Context(), anyFile(t, b.Bytes()), ditas.SurveyOptions{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if w := s.Warnings(); !slices.ContainsFunc(w, func(w report.Warning) bool { return w.Kind == report.Damaged && w.Text == want && w.Advice != "" }) {
			t.Errorf("%s: %v", method, w)
		}
		var stego bytes.Buffer
		if method != ditas.Lattice {
			continue
		}
		if _, err := s.Hide(t.Context(), &stego, scene(24, 18), ditas.Public(), ditas.HideOptions{Fit: true}); err != nil {
			t.Fatal(err)
		}
		if _, r := reveal(t, stego.Bytes(), ditas.Public(), ditas.RevealOptions{}); r.Altered {
			t.Error("what was made is said to be altered")
		}
		stego.Bytes()[sum] ^= 1
		if _, r := reveal(t, stego.Bytes(), ditas.Public(), ditas.RevealOptions{}); !r.Altered {
			t.Error("that another one was altered is not told")
		}
	}
}

// anyFile opens a recording of any format.
func anyFile(t testing.TB, data []byte) audio.File {
	t.Helper()
	f, err := codec.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Speech of 8 bits has steps as coarse as rounding: what is hidden in it is found, or it is refused and nothing is written.
func TestEightBits(t *testing.T) {
	racetest.Skip(t)
	data, err := os.ReadFile(filepath.Join("cmd", "ditas", "demo", "speech.wav"))
	if err != nil {
		t.Fatal(err)
	}
	rec, err := codec.Decode(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	secret := scene(6, 6)
	for _, gain := range []float64{1, 0.7, 0.5} {
		rec := &audio.Recording{Format: rec.Format, Samples: [][]float64{slices.Clone(rec.Samples[0])}}
		rec.Format.Channels, rec.Format.Encoding = 1, audio.Int8
		for i, v := range rec.Samples[0] {
			rec.Samples[0][i] = rec.Format.Quantize(gain * v)
		}
		var cover, stego bytes.Buffer
		if err := wav.Encode(&cover, rec); err != nil {
			t.Fatal(err)
		}
		f, err := codec.Open(bytes.NewReader(cover.Bytes()), int64(cover.Len()))
		if err != nil {
			t.Fatal(err)
		}
		_, err = ditas.Hide(context.Background(), &stego, f, secret, ditas.Public(), ditas.HideOptions{Fit: true})
		if errors.Is(err, ditas.ErrUnfound) || errors.As(err, new(*report.TooQuietError)) || errors.As(err, new(*report.TooShortError)) {
			if stego.Len() > 0 {
				t.Errorf("at a gain of %g %d bytes were written before: %v", gain, stego.Len(), err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, r := reveal(t, stego.Bytes(), ditas.Public(), ditas.RevealOptions{}); !r.Complete {
			t.Errorf("at a gain of %g not all of it comes back", gain)
		}
	}
}

// au is a recording as an AU file, which is not written: its samples are numbers of one of the encodings 2 to 7, high bytes first.
func au(t *testing.T, rec *audio.Recording) []byte {
	t.Helper()
	be, f := binary.BigEndian, rec.Format
	encoding := map[audio.Encoding]uint32{audio.Int8: 2, audio.Int16: 3, audio.Int24: 4, audio.Int32: 5, audio.Float32: 6, audio.Float64: 7}[f.Encoding]
	out := []byte(".snd")
	for _, v := range []uint32{24, uint32(rec.Frames() * f.Channels * f.Encoding.Bits() / 8), encoding, uint32(f.Rate), uint32(f.Channels)} {
		out = be.AppendUint32(out, v)
	}
	for i := range rec.Frames() {
		for _, x := range rec.Samples {
			switch f.Encoding {
			case audio.Float32:
				out = be.AppendUint32(out, math.Float32bits(float32(x[i])))
			case audio.Float64:
				out = be.AppendUint64(out, math.Float64bits(x[i]))
			default:
				bits := f.Encoding.Bits()
				out = append(out, be.AppendUint32(nil, uint32(int32(math.Ldexp(x[i], bits-1)))<<(32-bits))[:bits/8]...)
			}
		}
	}
	return out
}

// aLaw is a recording of one channel as a WAV file of A-law.
func aLaw(t *testing.T, rec *audio.Recording) []byte {
	t.Helper()
	le := binary.LittleEndian
	file := func(codes []byte) []byte {
		b := le.AppendUint32([]byte("RIFF"), uint32(38+len(codes)))
		b = append(b, "WAVEfmt \x12\x00\x00\x00\x06\x00\x01\x00"...)
		b = le.AppendUint32(le.AppendUint32(b, uint32(rec.Format.Rate)), uint32(rec.Format.Rate))
		b = append(b, "\x01\x00\x08\x00\x00\x00data"...)
		return append(le.AppendUint32(b, uint32(len(codes))), codes...)
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	values, err := audio.ReadAll(open(t, file(all)))
	if err != nil {
		t.Fatal(err)
	}
	codes := make([]byte, rec.Frames())
	for i, x := range rec.Samples[0] {
		for code, v := range values.Samples[0] {
			if math.Abs(v-x) < math.Abs(values.Samples[0][codes[i]]-x) {
				codes[i] = byte(code)
			}
		}
	}
	return file(codes)
}

// A recording that cannot be written as it is becomes FLAC, or WAV if that cannot hold it, with its rate, channels and bits, and whoever hides in it is
// told; not so who has asked for a format. The picture comes back exactly.
func TestWhatCannotBeWrittenAsItIs(t *testing.T) {
	racetest.Skip(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	var secret bytes.Buffer
	p := scene(32, 24)
	if err := p.Encode(&secret, picture.PNG); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("secret.png"), secret.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	record := func(channels int, encoding audio.Encoding) *audio.Recording {
		rec, err := audio.ReadAll(open(t, music(t, audio.Format{Rate: 16000, Channels: channels, Encoding: encoding}, 5)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range rec.Samples[0] {
			if encoding == audio.Int8 { // whose steps would be heard in music
				rec.Samples[0][i] = rec.Format.Quantize(0.2 * rng.NormFloat64())
			}
		}
		return rec
	}
	for name, c := range map[string]struct {
		cover          []byte
		begins, become string
	}{
		"8 bits":        {au(t, record(1, audio.Int8)), "fLaC", "FLAC (16000 Hz, mono, 8-bit), without its tags"},
		"16 bits":       {au(t, record(2, audio.Int16)), "fLaC", "FLAC (16000 Hz, 2 channels, 16-bit), without its tags"},
		"24 bits":       {au(t, record(1, audio.Int24)), "fLaC", "FLAC (16000 Hz, mono, 24-bit), without its tags"},
		"32 bits":       {au(t, record(1, audio.Int32)), "fLaC", "FLAC (16000 Hz, mono, 32-bit), without its tags"},
		"floats":        {au(t, record(1, audio.Float32)), "RIFF", "WAV (16000 Hz, mono, 32-bit float), without its tags"},
		"more for FLAC": {au(t, record(9, audio.Int16)), "RIFF", "WAV (16000 Hz, 9 channels, 16-bit), without its tags"},
		"A-law":         {aLaw(t, record(1, audio.Int16)), "RIFF", "WAV (16000 Hz, mono, 16-bit)"},
		"what can be":   {music(t, mono, 5), "RIFF", ""},
	} {
		if err := os.WriteFile(at("cover"), c.cover, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, stego := range []string{"stego", "stego.wav"} {
			var o ditas.HideOptions
			if name == "8 bits" {
				o.Strength = ditas.SNR(20)
			}
			r, err := ditas.HideFile(t.Context(), at(stego), at("cover"), at("secret.png"), ditas.Public(), o)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			data, err := os.ReadFile(at(stego))
			if err != nil {
				t.Fatal(err)
			}
			begins, become := c.begins, c.become
			if stego != "stego" && name != "A-law" { // which has become 16 bits in whatever WAV file
				begins, become = "RIFF", ""
			}
			if !strings.HasPrefix(string(data), begins) || r.Becomes != become {
				t.Errorf("%s as %s: the file begins with %q, and it is said to become %q, want %q and %q", name, stego, data[:4], r.Becomes, begins, become)
			}
			if _, err := ditas.RevealFile(t.Context(), at("revealed.png"), at(stego), ditas.Public(), ditas.RevealOptions{}); err != nil {
				t.Fatalf("%s as %s: %v", name, stego, err)
			}
			revealed, err := os.ReadFile(at("revealed.png"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := picture.Decode(bytes.NewReader(revealed))
			if err != nil || !slices.EqualFunc(got.Pix[:], p.Pix[:], slices.Equal) {
				t.Errorf("%s as %s: another picture came back (%v)", name, stego, err)
			}
		}
	}
	// Any other form of hiding says the same.
	data := au(t, record(1, audio.Int16))
	cover, err := codec.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var stego bytes.Buffer
	r, err := ditas.Hide(t.Context(), &stego, cover, nil, ditas.Public(), ditas.HideOptions{File: &ditas.File{Name: "a", Data: []byte("b")}})
	if err != nil || r.Becomes != "FLAC (16000 Hz, mono, 16-bit), without its tags" || !strings.HasPrefix(stego.String(), "fLaC") {
		t.Errorf("a file in it: %+v, %v", r, err)
	}
}

// The largest picture that a cover is said to take comes back at its size, also one that has nothing fine in it.
func TestTheLargestComesBackAtItsSize(t *testing.T) {
	racetest.Skip(t)
	format := audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}
	data := music(t, format, 1)
	s, err := ditas.NewSurvey(t.Context(), open(t, data), ditas.SurveyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Capacity(ditas.Strength{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Pixels <= 1<<20 {
		t.Fatalf("%d pixels: what is tested begins beyond a million", c.Pixels)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	soft := picture.New(c.Side, c.Side)
	for k := range soft.Pix {
		for range 60 {
			u, v, phase := 40*rng.NormFloat64()/float64(c.Side), 40*rng.NormFloat64()/float64(c.Side), 6*rng.Float64()
			for i := range soft.Pix[k] {
				soft.Pix[k][i] += float32(0.06 * math.Sin(u*float64(i%c.Side)+v*float64(i/c.Side)+phase))
			}
		}
		for i, x := range soft.Pix[k] {
			soft.Pix[k][i] = max(0, min(1, 0.5+x))
		}
	}
	soft.Round()
	var stego bytes.Buffer
	if _, err := s.Hide(t.Context(), &stego, soft, ditas.Public(), ditas.HideOptions{}); err != nil {
		t.Fatal(err)
	}
	p, r := reveal(t, stego.Bytes(), ditas.Public(), ditas.RevealOptions{})
	if p.Width != c.Side || p.Height != c.Side || !r.Complete {
		t.Errorf("%d×%d of %d×%d pixels came back, complete %t", p.Width, p.Height, c.Side, c.Side, r.Complete)
	}
}

// Samples of 8 bits hold no faint change, and recordings that are too quiet take none: capacity and Hide say so.
func TestTooQuietForFaint(t *testing.T) {
	racetest.Skip(t)
	for _, c := range []struct {
		encoding audio.Encoding
		level    float64
		bits     int
		refused  bool
	}{{audio.Int8, 1, 8, true}, {audio.Int16, 1, 0, false}, {audio.Int16, 1e-3, 0, true}} {
		rec, err := audio.ReadAll(open(t, music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: c.encoding}, 5)))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range rec.Samples[0] {
			rec.Samples[0][i] = rec.Format.Quantize(v * c.level)
		}
		var cover bytes.Buffer
		if err := wav.Encode(&cover, rec); err != nil {
			t.Fatal(err)
		}
		f, err := ditas.NewSurvey(t.Context(), open(t, cover.Bytes()), ditas.SurveyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		room, err := f.Capacity(ditas.Faint())
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		_, err = f.Hide(t.Context(), &b, scene(32, 24), ditas.Public(), ditas.HideOptions{Strength: ditas.Faint()})
		var quiet *report.TooQuietError
		if errors.As(err, &quiet) != c.refused || c.refused && (!quiet.Faint || quiet.Bits != c.bits || b.Len() > 0 || room.Pixels > 0) || !c.refused && room.Pixels == 0 {
			t.Errorf("%v at %g: %v, and room for %d pixels", c.encoding, c.level, err, room.Pixels)
		}
	}
}

// Of two recordings that were joined the first is revealed, and the report tells of the rest.
func TestMoreBehind(t *testing.T) {
	racetest.Skip(t)
	data := music(t, mono, 4)
	var stego bytes.Buffer
	if _, err := ditas.Hide(t.Context(), &stego, open(t, data), scene(24, 24), ditas.Public(), ditas.HideOptions{}); err != nil {
		t.Fatal(err)
	}
	rec, err := audio.ReadAll(open(t, stego.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if _, r := reveal(t, stego.Bytes(), ditas.Public(), ditas.RevealOptions{}); r.Beyond != 0 {
		t.Errorf("%.1f s behind the end of one", r.Beyond)
	}
	rec.Samples[0] = slices.Concat(rec.Samples[0], rec.Samples[0])
	var joined bytes.Buffer
	if err := wav.Encode(&joined, rec); err != nil {
		t.Fatal(err)
	}
	if _, r := reveal(t, joined.Bytes(), ditas.Public(), ditas.RevealOptions{}); !r.Complete || math.Abs(r.Beyond-4) > 0.1 {
		t.Errorf("complete %t, and %.1f s of 4 behind it", r.Complete, r.Beyond)
	}
}

// A WAV file in which padding is missing is told of, and what is made of it has it.
func TestCoverWithoutPadding(t *testing.T) {
	data := music(t, mono, 5)
	for chunks, want := range map[string]string{
		"LIST\x05\x00\x00\x00INFO\x00":                                `is malformed: the byte that has to follow its chunk "LIST" is missing, so that other programs may not read it`,
		"LIST\x05\x00\x00\x00INFO\x00bext\x03\x00\x00\x00abc":         `is malformed: the bytes that have to follow its chunk "LIST", and 1 more, are missing, so that other programs may not read it`,
		"LIST\x05\x00\x00\x00INFO\x00\x00bext\x03\x00\x00\x00abc\x00": "",
	} {
		cover := slices.Concat(data[:36], []byte(chunks), data[36:])
		s, err := ditas.NewSurvey(t.Context(), anyFile(t, cover), ditas.SurveyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, w := range s.Warnings() {
			if w.Kind == report.Damaged {
				said += w.Text
			}
		}
		if said != want {
			t.Errorf("%q: warns %q, want %q", chunks, said, want)
		}
		var stego bytes.Buffer
		if _, err := s.Hide(t.Context(), &stego, scene(24, 18), ditas.Public(), ditas.HideOptions{}); err != nil {
			t.Fatal(err)
		}
		f, err := wav.Open(bytes.NewReader(stego.Bytes()), int64(stego.Len()))
		if err != nil || len(f.Lacking()) > 0 {
			t.Errorf("%q: padding is missing in what was made, error %v", chunks, err)
		}
		if _, r := reveal(t, stego.Bytes(), ditas.Public(), ditas.RevealOptions{}); !r.Complete {
			t.Errorf("%q: the picture does not come back", chunks)
		}
	}
}
