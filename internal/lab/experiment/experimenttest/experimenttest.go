// Package experimenttest has made-up voices and pictures, with which tests of experiments need no data set.
//
//	p := &experiment.Subject{Secret: experimenttest.Scene(1), Cover: experimenttest.Voice(experiment.Samples, 1)}
package experimenttest

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/picture"
)

// Data returns a data set of one clip and two pictures.
func Data(t *testing.T) experiment.Data {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, content func(b *bytes.Buffer) error) {
		var b bytes.Buffer
		if err := content(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("speech/a.wav", func(b *bytes.Buffer) error { return wav.Encode(b, Voice(experiment.Samples+999, 5)) })
	for i, name := range []string{"photos/a.png", "photos/b.png"} {
		write(name, func(b *bytes.Buffer) error { return Scene(uint64(i)).Encode(b, picture.PNG) })
	}
	speech, err := dataset.OpenSpeech(t.Context(), filepath.Join(dir, "speech"), dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := dataset.OpenThumbnails(t.Context(), filepath.Join(dir, "photos"), experiment.Side, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return experiment.Data{Speech: speech, Pictures: pictures, Digest: "made up"}
}

// Voice returns samples that resemble a voice, with a peak of 0.99: harmonics of a gliding pitch that swell, and a little noise.
func Voice(n int, seed uint64) *audio.Recording {
	rng := rand.New(rand.NewPCG(seed, 7))
	x := make([]float32, n)
	phase, top := 0.0, 0.0
	for i := range x {
		t := float64(i) / 3000
		phase += 0.05 + 0.01*math.Sin(t+float64(seed))
		v := 0.0
		for k := 1.0; k <= 20; k++ {
			v += math.Sin(k*phase) / (k * k)
		}
		v = 0.3*v*(1+0.5*math.Sin(3*t)) + 0.002*rng.NormFloat64()
		x[i] = float32(v)
		top = max(top, math.Abs(v))
	}
	for i := range x {
		x[i] *= float32(0.99 / top)
	}
	return experiment.Recording(x)
}

// Scene returns a picture in 8 bits with smooth parts, an edge and some texture.
func Scene(seed uint64) *picture.Planes {
	rng := rand.New(rand.NewPCG(seed, 8))
	p := picture.New(experiment.Side, experiment.Side)
	for c, plane := range p.Pix {
		for i := range plane {
			x, y := float64(i%experiment.Side)/experiment.Side, float64(i/experiment.Side)/experiment.Side
			v := 0.5 + 0.25*math.Sin(7*x+2*float64(c)+float64(seed)) + 0.15*math.Cos(5*y-float64(c)) + 0.02*rng.NormFloat64()
			if x+y > 1.2 {
				v = 1 - v
			}
			plane[i] = float32(v)
		}
	}
	p.Round()
	return p
}
