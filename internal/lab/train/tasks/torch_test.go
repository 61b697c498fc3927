package tasks_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/codestream"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train"
	"ditas/internal/lab/train/tasks"
	"ditas/internal/model"
	"ditas/internal/model/deepsteg"
	"ditas/internal/model/kreuk"
	"ditas/internal/model/restorer"
	"ditas/internal/model/unit"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/nn/safetensors"
	"ditas/internal/racetest"
	"ditas/picture"
)

var update = flag.Bool("update", false, "write what the tests of folder torch compare with, and what they learn from")

const (
	root     = "../../../.."
	torchDir = root + "/torch/testdata"
)

// torchCase is a system of which the tests in PyTorch compute the same.
type torchCase struct {
	Name    string          `json:"name"`
	Config  json.RawMessage `json:"config"`
	Weights string          `json:"weights,omitempty"` // a file below the repository's root, fresh weights where it is empty
}

func torchCases() (all []torchCase) {
	add := func(name, weights, config string) {
		all = append(all, torchCase{name, json.RawMessage(config), weights})
	}
	for _, name := range model.Names() {
		// At strengths such as these a picture is not yet exact, so that what is missing of it is more than what 32 bits do. Nothing is rounded
		// to a file's samples: of thousands some always lie so near the middle that they go one way here and the other there.
		add(name, "weights/photos/"+name+"/weights.safetensors", `{"model":{"name":"`+name+`"},"batch":2,"thresholds":[0.03,0.05],`+
			`"rounding":[1e-6,1e-6],"containerWeight":0.1,"dropout":0.4,"dropoutWeight":0.2,"seed":7}`)
	}
	for _, name := range []string{deepsteg.Name, kreuk.Name} {
		add(name, "weights/photos/"+name+"/weights.safetensors", `{"model":{"name":"`+name+`"}}`)
	}
	add("rounded", "", `{"model":{"name":"ditas-m-ed","tile":16,"bands":64,"width":8,"depth":4},"batch":2,"stageWeights":[0.5,1],`+
		`"rounding":[200,300]}`)
	add("plain", "", `{"model":{"name":"ditas-m-ed","transform":"none","width":8,"depth":4,"amplitude":0.1},"batch":2,"rows":8,`+
		`"finish":10,"relative":true,"loudness":[-0.25,0.25],"containerWeight":0.03,"containerTarget":1e-3}`)
	add("fresh deep-steg", "", `{"model":{"name":"deep-steg","layers":2,"filters":4},"batch":2,"rows":8}`)
	add("passing on", "", `{"model":{"name":"deep-steg","layers":2,"filters":12},"batch":2,"rows":8,"identity":true,"containerTarget":1e-3}`)
	add("folded", "", `{"model":{"name":"kreuk","width":16,"folded":true},"batch":2,"rows":8,"identity":true,"containerTarget":1e-3}`)
	return all
}

// golden collects what is compared.
type golden struct{ tensors []safetensors.Tensor }

const mostValues = 48

// add takes values, at most mostValues of them, evenly spread.
func (g *golden) add(name string, values []float32) {
	stride := (len(values) + mostValues - 1) / mostValues
	var some []float32
	for i := 0; i < len(values); i += stride {
		some = append(some, values[i])
	}
	g.whole(name, []int{len(some)}, some)
}

func (g *golden) whole(name string, shape []int, values []float32) {
	g.tensors = append(g.tensors, safetensors.Float32(name, shape, values))
}

// params adds some of the values of each parameter, and the norms of all.
func (g *golden) params(name string, w *nn.Weights[float32], of func(p *nn.Param[float32]) []float32) {
	var norms []float32
	for _, p := range w.Params() {
		v := of(p)
		g.add(name+"/"+p.Name, v)
		norms = append(norms, float32(norm(v)))
	}
	g.whole(name+"/norms", []int{len(norms)}, norms)
}

func norm(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// TestTorch computes what the tests in PyTorch are to compute, too, and compares it with their file.
func TestTorch(t *testing.T) {
	racetest.Skip(t)
	if *update {
		makeMaterial(t)
	}
	f := train.Folders{}
	f.Speech, f.Pictures = torchDir+"/data/train/speech", torchDir+"/data/train/photos"
	f.ValidationSpeech, f.ValidationPictures = torchDir+"/data/validation/speech", torchDir+"/data/validation/photos"
	m, err := f.Open(t.Context(), unit.Side)
	if err != nil {
		t.Fatal(err)
	}
	secret, cover := picture.New(unit.Side, unit.Side), make([]float32, unit.Samples)
	m.ValidationPictures.Thumbnail(0, secret)
	m.ValidationSpeech.Cover(0, cover)
	pixels := slices.Concat(secret.Pix[:]...)

	g := &golden{}
	g.whole("picture", []int{3, unit.Side, unit.Side}, pixels)
	g.whole("cover", []int{unit.Samples}, cover)
	for _, c := range torchCases() {
		switch c.Name {
		case deepsteg.Name:
			s, _, err := deepsteg.Load(open(t, c.Weights))
			compute(t, g, c.Name, s, err, pixels, cover)
		case kreuk.Name:
			s, _, err := kreuk.Load(open(t, c.Weights))
			compute(t, g, c.Name, s, err, pixels, cover)
		default:
			learn(t, g, c, f)
			if c.Weights != "" {
				activate(t, g, c, pixels, cover)
			}
		}
	}
	restore(t, g, secret)

	cases, err := json.Marshal(torchCases())
	if err != nil {
		t.Fatal(err)
	}
	name := torchDir + "/golden.safetensors"
	if *update {
		var b bytes.Buffer
		if err := cmp.Or(safetensors.Write(&b, g.tensors, map[string]string{"cases": string(cases)}), os.WriteFile(name, b.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want, meta, err := safetensors.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if meta["cases"] != string(cases) || len(want) != len(g.tensors) {
		t.Fatalf("the file is of other systems: go test ./internal/lab/train/tasks -run TestTorch -update")
	}
	values := map[string][]float32{}
	for _, x := range want {
		if values[x.Name], err = x.Float32s(); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range g.tensors {
		got, err := x.Float32s()
		if err != nil || len(got) != len(values[x.Name]) {
			t.Fatalf("%s: %d values, the file has %d: %v", x.Name, len(got), len(values[x.Name]), err)
		}
		var off, most float64
		for i, w := range values[x.Name] {
			off, most = max(off, math.Abs(float64(got[i])-float64(w))), max(most, math.Abs(float64(w)))
		}
		if off > 1e-4*most {
			t.Errorf("%s is off by %.1e of its largest value", x.Name, off/most)
		}
	}
}

// learn adds the loss of the first step and its gradient, before its norm is limited, and fresh weights.
func learn(t *testing.T, g *golden, c torchCase, f train.Folders) {
	t.Helper()
	_, cfg, err := tasks.Read(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	task, err := cfg.Load(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	seed := cfg.Shared().Seed
	if err := task.Begin(seed); err != nil {
		t.Fatal(err)
	}
	if c.Weights == "" {
		g.params(c.Name+"/weight", task.Weights(), func(p *nn.Param[float32]) []float32 { return p.Data })
	} else if err := task.Load(open(t, c.Weights)); err != nil {
		t.Fatal(err)
	}
	w, err := task.NewWorker()
	if err != nil {
		t.Fatal(err)
	}
	var source rand.PCG
	grads := nn.NewGrads(task.Weights())
	for i := range task.Examples(0) {
		dataset.Seed(&source, seed, 0, i)
		if err := w.Learn(0, i, rand.New(&source), grads); err != nil {
			t.Fatal(err)
		}
	}
	loss, _, err := task.Settle(1)
	if err != nil {
		t.Fatal(err)
	}
	g.add(c.Name+"/loss", []float32{float32(loss)})
	for _, p := range task.Weights().Params() {
		for i := range grads.Of(p) {
			grads.Of(p)[i] /= float32(task.Examples(0))
		}
	}
	g.params(c.Name+"/grad", task.Weights(), grads.Of)
}

// open opens a file below the repository's root.
func open(t *testing.T, name string) (io.ReaderAt, int64) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b), int64(len(b))
}

// activate adds containers and what is revealed, without a file's rounding.
func activate(t *testing.T, g *golden, c torchCase, pixels, cover []float32) {
	t.Helper()
	s, _, err := model.Load(open(t, c.Weights))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.NewPipeline(false, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetThresholds(0.1); err != nil {
		t.Fatal(err)
	}
	var covers [][]float32
	for i := range s.Config.Stages {
		covers = append(covers, cover[i*s.Config.Samples():])
	}
	p.Load(pixels, covers, make([]float32, len(pixels)))
	p.Graph.Forward()
	for i := range covers {
		container, revealed := make([]float32, s.Config.Samples()), make([]float32, len(pixels))
		p.Containers[i].Store(container)
		p.Revealed[i].Store(revealed)
		g.add(fmt.Sprint(c.Name, "/container", i), container)
		g.add(fmt.Sprint(c.Name, "/revealed", i), revealed)
	}
}

// compute adds the same for a system of another paper, and the gradient of the sum of its losses for the upper rows of the picture.
func compute(t *testing.T, g *golden, name string, s unit.System, err error, pixels, cover []float32) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	k, err := unit.NewCodec(s)
	if err != nil {
		t.Fatal(err)
	}
	container, revealed := make([]float32, len(cover)), make([]float32, len(pixels))
	k.Hide(container, pixels, cover, 0)
	k.Reveal(revealed, container)
	g.add(name+"/container", container)
	g.add(name+"/revealed", revealed)

	const rows = 8
	p, err := unit.NewPipeline(s, rows)
	if err != nil {
		t.Fatal(err)
	}
	var upper []float32
	for plane := range slices.Chunk(pixels, unit.Side*unit.Side) {
		upper = append(upper, plane[:rows*unit.Side]...)
	}
	p.Load(upper, cover)
	p.Graph.Forward()
	grads := nn.NewGrads(s.Weights())
	p.Graph.Backward(grads, nn.Term{Loss: p.ContainerLoss, Weight: 1}, nn.Term{Loss: p.SecretLoss, Weight: 1})
	g.add(name+"/loss", []float32{float32(p.ContainerLoss.Value + p.SecretLoss.Value)})
	g.params(name+"/grad", s.Weights(), grads.Of)
}

// restore adds two decoded prefixes, what the restorer that ditas ships makes of them, and the gradient of its loss.
func restore(t *testing.T, g *golden, truth *picture.Planes) {
	t.Helper()
	const side = unit.Side / 2
	r, size := open(t, "internal/model/restorer/restorer.safetensors")
	n, err := restorer.Load(r, size, kernel.Best())
	if err != nil {
		t.Fatal(err)
	}
	small := picture.New(side, side)
	for c, plane := range truth.Pix {
		for y := range side {
			copy(small.Pix[c][y*side:][:side], plane[y*unit.Side:])
		}
	}
	small.Round()
	graph := nn.NewGraph(n.Weights, true)
	in, restored := n.Build(graph, side, side)
	goal := graph.Input("truth", nn.Shape{N: 1, C: 3, H: side, W: side})
	loss := graph.MSE(restored, goal)
	if err := graph.Compile(); err != nil {
		t.Fatal(err)
	}
	grads := nn.NewGrads(n.Weights)
	var decoded, errors, total []float32
	for i, bytes := range []int{40, 300} {
		prefix, _, err := codestream.Encode(context.Background(), small, codestream.EncodeOptions{Limit: bytes})
		if err != nil {
			t.Fatal(err)
		}
		p, info, err := codestream.Decode(context.Background(), prefix, codestream.DecodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		goal.Load(slices.Concat(small.Pix[:]...))
		in.Picture.Load(slices.Concat(p.Pix[:]...))
		in.Features.Load(slices.Concat(restorer.Features(p, info)...))
		context, scale := restorer.Condition(info, side, side)
		in.Context.Load(context)
		in.Scale.Load(scale)
		graph.Forward()
		graph.Backward(grads, nn.Term{Loss: loss, Weight: 1 / (2 * (loss.Value + 1e-8))})
		out := make([]float32, 3*side*side)
		restored.Store(out)
		g.add(fmt.Sprint("restorer/restored", i), out)
		decoded = append(decoded, slices.Concat(p.Pix[:]...)...)
		for _, e := range info.Error {
			errors = append(errors, float32(e))
		}
		total = append(total, float32(math.Log(loss.Value+1e-8)))
	}
	g.whole("restorer/truth", []int{3, side, side}, slices.Concat(small.Pix[:]...))
	g.whole("restorer/decoded", []int{2, 3, side, side}, decoded)
	g.whole("restorer/error", []int{2, 3}, errors)
	g.add("restorer/loss", total)
	g.params("restorer/grad", n.Weights, grads.Of)
}

// makeMaterial writes a folder as ditas data makes them, of made-up recordings and pictures.
func makeMaterial(t *testing.T) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 1))
	m := dataset.Manifest{Complete: true, Packages: []dataset.Package{{Name: "made-up", Registry: "deb", Licence: "CC0-1.0"}}}
	file := func(split, kind, name string, encode func(io.Writer) error) {
		t.Helper()
		var b bytes.Buffer
		path := strings.Join([]string{split, kind, name}, "/")
		full := filepath.Join(torchDir, "data", filepath.FromSlash(path))
		if err := cmp.Or(encode(&b), os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, b.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b.Bytes())
		for i, group := range m.Groups {
			if group.Split == split && group.Kind == kind {
				m.Groups[i].Files = append(group.Files, dataset.File{Path: path, SHA256: hex.EncodeToString(sum[:])})
				return
			}
		}
		m.Groups = append(m.Groups, dataset.Group{
			Split: split, Kind: kind, Package: "made-up", Speaker: map[string]string{"speech": split}[kind], Recipe: "made-up",
			Files: []dataset.File{{Path: path, SHA256: hex.EncodeToString(sum[:])}},
		})
	}
	for _, set := range []struct {
		split string
		n     int
	}{{"train", 3}, {"validation", 1}} {
		for i := range set.n {
			rec := &audio.Recording{
				Format:  audio.Format{Rate: dataset.Rate, Channels: 1, Encoding: audio.Int16},
				Samples: audio.NewBlock(1, 9000+4000*i),
			}
			hiss(rec.Samples[0], rng)
			file(set.split, "speech", fmt.Sprintf("%d.wav", i), func(w io.Writer) error { return wav.Encode(w, rec) })
			p := waves(100+20*i, 90, rng)
			file(set.split, "photos", fmt.Sprintf("%d.png", i), func(w io.Writer) error { return p.Encode(w, picture.PNG) })
		}
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(torchDir, "data", dataset.ManifestName), append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// hiss fills x with noise that swells. Unlike a voice it has no part so loud that a message beside it is lost in what 32 bits do, which would
// hide what the two programs have to have in common.
func hiss(x []float64, rng *rand.Rand) {
	beat := 0.0005 + 0.0005*rng.Float64()
	for i := range x {
		swell := math.Sin(beat * float64(i))
		x[i] = 0.1 * (0.5 + 0.5*swell*swell) * rng.NormFloat64()
	}
}

// waves returns a picture of smooth waves, edges and a little noise.
func waves(width, height int, rng *rand.Rand) *picture.Planes {
	p := picture.New(width, height)
	slant, period := rng.Float64(), 6+8*rng.Float64()
	for c, plane := range p.Pix {
		for i := range plane {
			x, y := float64(i%width), float64(i/width)
			v := 0.5 + 0.3*math.Sin(x/period+float64(c))*math.Cos(y/7)
			if x+slant*y > 80 {
				v = 1 - v
			}
			plane[i] = float32(min(1, max(0, v+0.03*rng.NormFloat64())))
		}
	}
	return p
}
