package ditas_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"ditas"
	"ditas/internal/racetest"
	"ditas/picture"
	"ditas/report"
)

// photograph returns a JPEG file of a picture with grain in it, which takes much to be coded exactly, and that picture.
func photograph(t testing.TB, width, height int) (*ditas.File, *picture.Planes) {
	t.Helper()
	p := scene(width, height)
	rng := rand.New(rand.NewPCG(1, 2))
	for c := range p.Pix {
		for i := range p.Pix[c] {
			p.Pix[c][i] = max(0, min(1, p.Pix[c][i]+float32(rng.NormFloat64())*0.03))
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p.Image(), &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	decoded, err := picture.Decode(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return &ditas.File{Name: "holiday/The beach.jpg", Data: b.Bytes()}, decoded
}

// The very file comes back, of every method that hides bytes, and what is left of a damaged recording is the picture.
func TestFile(t *testing.T) {
	racetest.Skip(t)
	file, secret := photograph(t, 160, 120)
	cover := music(t, mono, 6)
	stego, told := hide(t, cover, secret, ditas.Public(), ditas.HideOptions{File: file})
	if told.File == nil || told.File.Name != "The beach.jpg" || told.File.Bytes != len(file.Data) || !told.Exact || told.PSNR != 100 {
		t.Fatalf("%+v, file %+v", told, told.File)
	}
	var got *ditas.File
	options := ditas.RevealOptions{File: func(f *ditas.File) { got = f }}
	revealed, r := reveal(t, stego, ditas.Public(), options)
	if got == nil || got.Name != "The beach.jpg" || !bytes.Equal(got.Data, file.Data) {
		t.Fatalf("the file is not the one that was hidden: %+v", r.File)
	}
	if !r.Exact || !r.Complete || r.Width != 160 || r.Height != 120 || psnr(t, secret, revealed) < 100 {
		t.Errorf("the picture is not that of the file: %+v", r)
	}
	inspected(t, stego, ditas.Public(), ditas.RevealOptions{}, r)

	// Stage by stage it is what was told, and with a quarter of the recording alone there is a picture.
	var stages []float64
	reveal(t, stego, ditas.Public(), ditas.RevealOptions{Stage: func(_ int, p *picture.Planes) { stages = append(stages, psnr(t, secret, p)) }})
	for i := range stages[:len(stages)-1] {
		if want := told.Stages[i].PSNR; stages[i] < want-0.01 || stages[i] > want+0.01 {
			t.Errorf("stage %d has %.2f dB, and %.2f dB were told", i, stages[i], want)
		}
	}
	got = nil
	damaged := bytes.Clone(stego)
	clear(damaged[len(damaged)/4:])
	revealed, r = reveal(t, damaged, ditas.Public(), options)
	if got != nil || r.File != nil || r.Exact || r.Complete {
		t.Errorf("a file that is damaged was given back: %+v", r)
	}
	if quality := psnr(t, secret, revealed); quality < 20 {
		t.Errorf("%.1f dB are left of the picture", quality)
	}
}

// An Estimator that there is already saves making one, and changes nothing.
func TestFileWithEstimator(t *testing.T) {
	racetest.Skip(t)
	file, secret := photograph(t, 160, 120)
	e, err := ditas.NewEstimator(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	cover := music(t, mono, 30)
	with, one := hide(t, cover, secret, ditas.Public(), ditas.HideOptions{File: file, Estimator: e, Random: rand.NewChaCha8([32]byte{1})})
	without, _ := hide(t, cover, secret, ditas.Public(), ditas.HideOptions{File: file, Random: rand.NewChaCha8([32]byte{1})})
	if one.File == nil || !bytes.Equal(with, without) {
		t.Errorf("with an Estimator it is another recording, or no file is in it: %+v", one)
	}
}

// A picture is hidden as it was before where its file is no gain: if it takes less, or if there is no room.
func TestFileThatIsNoGain(t *testing.T) {
	racetest.Skip(t)
	file, secret := photograph(t, 160, 120)
	large := &ditas.File{Name: "large.tif", Data: make([]byte, 3*160*120*2)}
	told := func(name string, cover []byte, file *ditas.File, r *report.Hide) {
		t.Helper()
		e, err := ditas.NewEstimator(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		room, err := survey(t, cover).Capacity(ditas.Strength{})
		if err != nil || e.HidesFile(file, room) != (r.File != nil) {
			t.Errorf("%s: beforehand it is said that the file is hidden: %t, %v", name, r.File == nil, err)
		}
	}
	for name, c := range map[string]struct {
		cover []byte
		file  *ditas.File
	}{
		"no room for the file":                {music(t, mono, 0.6), file},
		"no room for a large one":             {music(t, mono, 6), large},
		"a file that is larger than the rest": {music(t, mono, 30), large},
	} {
		with, one := hide(t, c.cover, secret, ditas.Public(), ditas.HideOptions{File: c.file, Random: rand.NewChaCha8([32]byte{1})})
		without, other := hide(t, c.cover, secret, ditas.Public(), ditas.HideOptions{Random: rand.NewChaCha8([32]byte{1})})
		if one.File != nil || one.PSNR != other.PSNR || !bytes.Equal(with, without) {
			t.Errorf("%s: %+v with a file, and %+v without", name, one, other)
		}
		told(name, c.cover, c.file, one)
	}
	// What the picture lacks is in the file: then it is hidden even if it is larger.
	secret.Losses = []string{"16 bits a channel became 8"}
	cover := music(t, mono, 30)
	_, r := hide(t, cover, secret, ditas.Public(), ditas.HideOptions{File: large})
	if r.File == nil || r.Losses != nil || !r.Exact {
		t.Errorf("of a picture that is not all of its file: %+v", r)
	}
	told("a picture that is not all of its file", cover, large, r)
}

// Any file is hidden whole or not at all.
func TestAnyFile(t *testing.T) {
	racetest.Skip(t)
	text := &ditas.File{Name: "letter.txt", Data: []byte(strings.Repeat("Dear Anna, ", 300))}
	cover := music(t, mono, 3)
	stego, told := hide(t, cover, nil, ditas.Public(), ditas.HideOptions{File: text})
	if told.File == nil || told.Width != 0 || !told.Exact {
		t.Errorf("told %+v", told)
	}
	var got *ditas.File
	p, r, err := ditas.Reveal(t.Context(), open(t, stego), ditas.Public(), ditas.RevealOptions{File: func(f *ditas.File) { got = f }})
	if err != nil || p != nil || got == nil || got.Name != text.Name || !bytes.Equal(got.Data, text.Data) || !r.Exact || r.Width != 0 {
		t.Fatalf("%v, %+v", err, r)
	}
	clear(stego[len(stego)/3:])
	if p, _, err := ditas.Reveal(t.Context(), open(t, stego), ditas.Public(), ditas.RevealOptions{}); p != nil || !errors.Is(err, ditas.ErrPartly) && !errors.Is(err, ditas.ErrNothingFound) {
		t.Errorf("damaged: %v", err)
	}
	var large *report.LargeFileError
	big := &ditas.File{Name: "big", Data: make([]byte, 1<<20)}
	if _, err := ditas.Hide(t.Context(), io.Discard, open(t, cover), nil, ditas.Public(), ditas.HideOptions{File: big}); !errors.As(err, &large) || large.Need <= 1<<20 {
		t.Errorf("a large file: %v", err)
	}
	if _, err := ditas.Hide(t.Context(), io.Discard, open(t, cover), nil, ditas.Public(), ditas.HideOptions{File: text, Method: ditas.Networks}); err == nil {
		t.Error("networks hide a text")
	}
	if _, err := ditas.Hide(t.Context(), io.Discard, open(t, cover), nil, ditas.Public(), ditas.HideOptions{}); err == nil {
		t.Error("nothing is hidden")
	}
}

// A file whose few bytes hold many pixels is given back, and they are not decoded: whoever reveals a recording did not ask for that.
func TestFileOfManyPixels(t *testing.T) {
	racetest.Skip(t)
	const side = 1 << 12
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 1<<14 {
		t.Fatalf("%d bytes are no small file", b.Len())
	}
	secret := scene(64, 48)
	secret.Losses = []string{"most of it is missing"}
	stego, _ := hide(t, music(t, mono, 6), secret, ditas.Public(), ditas.HideOptions{File: &ditas.File{Name: "bomb.png", Data: b.Bytes()}})
	var got *ditas.File
	p, r := reveal(t, stego, ditas.Public(), ditas.RevealOptions{Plain: true, File: func(f *ditas.File) { got = f }})
	if got == nil || !bytes.Equal(got.Data, b.Bytes()) || p.Width != 64 || p.Height != 48 || r.Width != 64 || r.Exact {
		t.Errorf("%d×%d pixels, %+v", p.Width, p.Height, r)
	}
}

// A name is written as what it is on every system, and nowhere else than where it was meant to be.
func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{
		"photo.jpg": "photo.jpg", "Straße im März.JPG": "Straße im März.JPG", "写真.heic": "写真.heic", "a b.tar.gz": "a b.tar.gz",
		"../../etc/passwd": "passwd", `C:\Windows\system32\evil.dll`: "evil.dll", "/": "hidden", "": "hidden", "..": "hidden", ".bashrc": "bashrc",
		"-rf.jpg": "rf.jpg", "a\x00b\n\x1b[31mc.png": "ab[31mc.png", "a<b>c:d\"e|f?g*h": "a_b_c_d_e_f_g_h", "end. . ": "end",
		"CON": "hidden CON", "con.jpg": "hidden con.jpg", "LPT1.txt": "hidden LPT1.txt", "COM¹": "hidden COM¹", "common.jpg": "common.jpg",
		"gpj.\u202eexe.txt": "gpj.exe.txt", "\xff\xfe.jpg": "jpg", "a\u2028b.jpg": "ab.jpg",
		strings.Repeat("ä", 200) + ".jpeg": strings.Repeat("ä", 97) + ".jpeg", strings.Repeat("x", 300): strings.Repeat("x", 200),
	} {
		got := (&ditas.File{Name: name}).SafeName()
		if got != want || !utf8.ValidString(got) {
			t.Errorf("%q is written as %q, want %q", name, got, want)
		}
	}
}

func FuzzSafeName(f *testing.F) {
	for _, name := range []string{"photo.jpg", "../../x", "CON.txt", " . ", "\xff", strings.Repeat("é", 300)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := (&ditas.File{Name: name}).SafeName()
		if got == "" || len(got) > 200 || strings.ContainsAny(got, "/\\\x00<>:\"|?*") || strings.HasPrefix(got, ".") || strings.HasPrefix(got, "-") || !utf8.ValidString(got) {
			t.Errorf("%q is written as %q", name, got)
		}
		if again := (&ditas.File{Name: got}).SafeName(); again != got {
			t.Errorf("%q is written as %q, and that as %q", name, got, again)
		}
	})
}
