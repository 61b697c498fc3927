package unit_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ditas/internal/model/deepsteg"
	"ditas/internal/model/kreuk"
	"ditas/internal/model/unit"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/nn/nntest"
)

// small returns a small system of each kind.
func small(t *testing.T) map[string]unit.System {
	t.Helper()
	d, err := deepsteg.NewWith(deepsteg.Config{Name: deepsteg.Name, Layers: 2, Filters: 2}, kernel.Portable[float32]())
	if err != nil {
		t.Fatal(err)
	}
	k, err := kreuk.NewWith(kreuk.Config{Name: kreuk.Name, Width: 3, Encode: 2, Decode: 2, Reveal: 2}, kernel.Portable[float32]())
	if err != nil {
		t.Fatal(err)
	}
	f, err := kreuk.NewWith(kreuk.Config{Name: kreuk.Name, Width: 3, Encode: 2, Decode: 2, Reveal: 2, Folded: true}, kernel.Portable[float32]())
	if err != nil {
		t.Fatal(err)
	}
	d.Init(1)
	k.Init(1)
	f.Init(1)
	return map[string]unit.System{deepsteg.Name: d, kreuk.Name: k, "kreuk, folded": f}
}

// task returns a picture of a number of rows and a cover.
func task(rows int) (picture, cover []float32) {
	rng := rand.New(rand.NewPCG(3, 4))
	picture, cover = make([]float32, 3*rows*unit.Side), make([]float32, rows*unit.RowSamples)
	for i := range picture {
		picture[i] = rng.Float32()
	}
	for i := range cover {
		cover[i] = float32(0.4*math.Sin(float64(i)/7) + 0.1*rng.NormFloat64())
	}
	return picture, cover
}

// TestGradients compares the gradient of each loss with differences of the loss.
func TestGradients(t *testing.T) {
	for name, s := range small(t) {
		p, err := unit.NewPipeline(s, 1)
		if err != nil {
			t.Fatal(err)
		}
		p.Load(task(1))
		for what, loss := range map[string]*nn.Loss{"container": p.ContainerLoss, "secret": p.SecretLoss, "distortion": p.Distortion} {
			nntest.Gradient(t, name+", "+what, s.Weights(), p.Graph, loss, 6, 0.02)
		}
	}
}

// TestCodec checks that what is used is what is trained, that containers are what a file holds, and that the receiver needs
// nothing else.
func TestCodec(t *testing.T) {
	for name, s := range small(t) {
		picture, cover := task(unit.Side)
		c, err := unit.NewCodec(s)
		if err != nil {
			t.Fatal(err)
		}
		const step = 1.0 / (1 << 15)
		container := make([]float32, unit.Samples)
		c.Hide(container, picture, cover, step)
		for i, v := range container {
			if n := float64(v) / step; n != math.Round(n) || v < -1 || v > 1-step {
				t.Fatalf("%s: sample %d is %g: a 16-bit file cannot hold it", name, i, v)
			}
		}
		revealed := make([]float32, len(picture))
		c.Reveal(revealed, container)
		for i, v := range revealed {
			if v < 0 || v > 1 {
				t.Fatalf("%s: value %d of the picture is %g", name, i, v)
			}
		}

		p, err := unit.NewPipeline(s, unit.Side)
		if err != nil {
			t.Fatal(err)
		}
		p.Load(picture, cover)
		for _, step := range []float64{step, 1.0 / 8} { // the second makes most of the distortion
			p.Step = step
			p.Graph.Forward()
			c.Hide(container, picture, cover, step)
			c.Reveal(revealed, container)
			if got := meanSquare(container, cover); math.Abs(got/p.Distortion.Value-1) > 1e-5 {
				t.Errorf("%s: container MSE %g in use, %g in training", name, got, p.Distortion.Value)
			}
			// Values beyond [0, 1] are limited only where they are used.
			if got := meanSquare(revealed, picture); got > p.SecretLoss.Value*(1+1e-5) || got < p.SecretLoss.Value/2 {
				t.Errorf("%s: picture MSE %g in use, %g in training", name, got, p.SecretLoss.Value)
			}
		}
		if n := testing.AllocsPerRun(1, func() {
			c.Hide(container, picture, cover, step)
			c.Reveal(revealed, container)
		}); n != 0 {
			t.Errorf("%s: hiding and revealing allocates %v times", name, n)
		}

		before := slices.Clone(container)
		picture[3*unit.Side*unit.Side-1] = 1 - picture[3*unit.Side*unit.Side-1]
		c.Hide(container, picture, cover, step)
		if slices.Equal(container, before) {
			t.Errorf("%s: another picture gives the same container", name)
		}
	}
}

func meanSquare(a, b []float32) float64 {
	var sum float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return sum / float64(len(a))
}

func TestStripes(t *testing.T) {
	s := small(t)[deepsteg.Name]
	for _, rows := range []int{0, -1, unit.Side + 1} {
		if _, err := unit.NewPipeline(s, rows); err == nil {
			t.Errorf("stripes of %d rows are taken", rows)
		}
	}
}

// TestSize pins the papers' sizes and what they cost: the arithmetic of configs/table1/README.md.
func TestSize(t *testing.T) {
	d, err := deepsteg.New(deepsteg.Default())
	if err != nil {
		t.Fatal(err)
	}
	k, err := kreuk.New(kreuk.Default())
	if err != nil {
		t.Fatal(err)
	}
	size := kreuk.Default()
	size.Folded = true
	f, err := kreuk.New(size)
	if err != nil {
		t.Fatal(err)
	}
	// Weights of three networks: the first layers see 3, 24 and 12 channels, four more see 150, and the last is 1×1.
	const taps = 9 + 16 + 25
	deep := taps*50*(3+24+12) + 3*4*taps*50*150 + 150*(12+12+3)
	// Values and gates: encoder 1→64→64→64, decoder 66→64→64→64→1 with a last block of 1×1, message decoder 1→64→…→64→1.
	gated := 2 * (9*(64+2*64*64) + 9*(66*64+2*64*64) + 64 + 9*(64+4*64*64+64))
	// Folded, the carrier has 12 channels and the message 3.
	folded := 2 * (9*(12*64+2*64*64) + 9*((64+3+12)*64+2*64*64) + 64*12 + 9*(12*64+4*64*64+64*3))
	for _, c := range []struct {
		s                            unit.System
		weights, biases, evaluations int
	}{
		{d, deep, 3*5*150 + 12 + 12 + 3, unit.Side * unit.Side},
		{k, gated, 2 * (3*64 + 3*64 + 1 + 5*64 + 1), unit.Samples},
		{f, folded, 2 * (3*64 + 3*64 + 12 + 5*64 + 3), unit.Side * unit.Side},
	} {
		codec, err := unit.NewCodec(c.s)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := codec.Parameters(), c.weights+c.biases; got != want {
			t.Errorf("%T: %d parameters, want %d", c.s, got, want)
		}
		if got, want := codec.FLOPs(), 2*c.weights*c.evaluations; got != want {
			t.Errorf("%T: %d FLOPs, want %d", c.s, got, want)
		}
	}
}

// TestIdentity checks that networks that start by passing on what they get do: the cover comes through with about the distortion
// asked for, and the picture is what is read from a quiet one.
func TestIdentity(t *testing.T) {
	folded := kreuk.Default()
	folded.Folded = true
	for name, build := range map[string]func() (unit.System, error){
		"deep-steg":     func() (unit.System, error) { return deepsteg.New(deepsteg.Default()) },
		"kreuk":         func() (unit.System, error) { return kreuk.New(kreuk.Default()) },
		"kreuk, folded": func() (unit.System, error) { return kreuk.New(folded) },
	} {
		s, err := build()
		if err != nil {
			t.Fatal(err)
		}
		const distortion = 2e-3
		s.Identity(1, distortion)
		p, err := unit.NewPipeline(s, 4)
		if err != nil {
			t.Fatal(err)
		}
		picture, cover := task(4)
		p.Load(picture, cover)
		p.Graph.Forward()
		if got := p.Distortion.Value; got > 6*distortion || got < distortion/3 {
			t.Errorf("%s: the cover, of power %.3g, is changed by %.3g, want about %g", name, power(cover), got, distortion)
		}
		if name != deepsteg.Name {
			continue // magnitudes of silence have no room for negative values
		}
		clear(cover)
		p.Load(picture, cover)
		p.Graph.Forward()
		var variance float64
		for _, v := range picture {
			variance += float64(v-0.5) * float64(v-0.5) / float64(len(picture))
		}
		if got := p.SecretLoss.Value; got > 0.7*variance {
			t.Errorf("%s: from a silent cover the picture is read with an error of %.3g, its variance is %.3g", name, got, variance)
		}
	}
}

func power(x []float32) float64 { return meanSquare(x, make([]float32, len(x))) }

// load loads a file by the package of the system of that name.
func load(name string, file []byte) (s unit.System, extra map[string]string, err error) {
	r := bytes.NewReader(file)
	if name == deepsteg.Name {
		return deepsteg.Load(r, r.Size())
	}
	return kreuk.Load(r, r.Size())
}

func TestFiles(t *testing.T) {
	systems := small(t)
	files := map[string][]byte{}
	for name, s := range systems {
		for _, half := range []bool{false, true} {
			var b bytes.Buffer
			if err := s.Save(&b, half, map[string]string{"note": "x"}); err != nil {
				t.Fatal(err)
			}
			back, extra, err := load(name, b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if len(extra) != 1 || extra["note"] != "x" {
				t.Errorf("%s: extra metadata are %v", name, extra)
			}
			for i, p := range s.Weights().Params() {
				for j, v := range back.Weights().Params()[i].Data {
					if !half && v != p.Data[j] || math.Abs(float64(v-p.Data[j])) > 1e-3 {
						t.Fatalf("%s: %s[%d] comes back as %g, want %g", name, p.Name, j, v, p.Data[j])
					}
				}
			}
			files[name] = b.Bytes()
		}
	}
	replaced := func(name, old, new string) []byte {
		file := bytes.Replace(files[name], []byte(old), []byte(new), 1)
		if bytes.Equal(file, files[name]) {
			t.Fatalf("file of %s has no %s", name, old)
		}
		return file
	}
	for what, c := range map[string]struct {
		name string
		file []byte
	}{
		"another system":            {deepsteg.Name, files[kreuk.Name]},
		"the other way round":       {kreuk.Name, files[deepsteg.Name]},
		"no layers":                 {deepsteg.Name, replaced(deepsteg.Name, `layers\":2`, `layers\":0`)},
		"more layers than it fills": {deepsteg.Name, replaced(deepsteg.Name, `layers\":2`, `layers\":9`)},
		"wider than it fills":       {kreuk.Name, replaced(kreuk.Name, `width\":3`, `width\":4`)},
		"one block":                 {kreuk.Name, replaced(kreuk.Name, `reveal\":2`, `reveal\":1`)},
		"a broken configuration":    {kreuk.Name, replaced(kreuk.Name, `{\"name`, `!\"name`)},
		"other names":               {kreuk.Name, bytes.ReplaceAll(files[kreuk.Name], []byte("reveal.block0"), []byte("reveal.blocko"))},
	} {
		if _, _, err := load(c.name, c.file); !errors.Is(err, unit.ErrFormat) {
			t.Errorf("%s: error %v, want one that wraps ErrFormat", what, err)
		}
	}
	if _, _, err := load(kreuk.Name, []byte(strings.Repeat("x", 50))); err == nil {
		t.Error("reads a file that is no safetensors file")
	}
}
