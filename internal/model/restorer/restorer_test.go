package restorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"ditas/internal/codestream"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/nn/safetensors"
	"ditas/picture"
)

// photo is the demonstration's photograph, 192×128 pixels.
func photo(t testing.TB) *picture.Planes {
	t.Helper()
	f, err := os.Open("../../../cmd/ditas/demo/photo.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := picture.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func noise(width, height int) *picture.Planes {
	rng := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	p := picture.New(width, height)
	for _, plane := range p.Pix {
		for i := range plane {
			plane[i] = rng.Float32()
		}
	}
	return p
}

// random returns a small network with weights that matter everywhere.
func random(t testing.TB) *Network {
	t.Helper()
	n, err := NewNetwork(Config{Width: 8, Blocks: 2}, kernel.Best())
	if err != nil {
		t.Fatal(err)
	}
	n.Init(1)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, p := range n.Weights.Params() {
		for i := range p.Data {
			p.Data[i] += 0.1 * float32(rng.NormFloat64())
		}
	}
	n.Weights.Refresh()
	return n
}

var uncertain = codestream.Info{Error: [3]float32{0.05, 0.02, 0.01}}

// whole computes the network on a picture of even sides at once.
func whole(t *testing.T, n *Network, p *picture.Planes, info codestream.Info) *picture.Planes {
	t.Helper()
	g := nn.NewGraph(n.Weights, false)
	in, restored := n.Build(g, p.Height, p.Width)
	g.Output(restored)
	if err := g.Compile(); err != nil {
		t.Fatal(err)
	}
	c, s := Condition(info, p.Height, p.Width)
	in.Context.Load(c)
	in.Scale.Load(s)
	in.Features.Load(slices.Concat(Features(p, info)...))
	pixels := slices.Concat(p.Pix[:]...)
	in.Picture.Load(pixels)
	g.Forward()
	restored.Store(pixels)
	q := picture.New(p.Width, p.Height)
	for c, plane := range q.Pix {
		for i := range plane {
			plane[i] = min(max(pixels[c*len(plane)+i], 0), 1)
		}
	}
	return q
}

func largestDifference(a, b *picture.Planes) float64 {
	most := 0.0
	for c, plane := range a.Pix {
		for i, v := range plane {
			most = max(most, math.Abs(float64(v-b.Pix[c][i])))
		}
	}
	return most
}

func TestTilesEqualWhole(t *testing.T) {
	n := random(t)
	for _, s := range [][2]int{{2, 2}, {64, 64}, {90, 400}, {130, 110}, {244, 106}} {
		p := noise(s[0], s[1])
		want := whole(t, n, p, uncertain)
		for _, workers := range []int{1, 3} {
			got, err := With(n).Restore(context.Background(), p, uncertain, Options{Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			if d := largestDifference(got, want); d > 1e-5 {
				t.Errorf("%v with %d workers: differs by %g", s, workers, d)
			}
		}
		if largestDifference(want, p) < 1e-3 {
			t.Error("the network does nothing")
		}
	}
}

func TestWorkersAgree(t *testing.T) {
	n := random(t)
	p := noise(301, 203)
	want, err := With(n).Restore(context.Background(), p, uncertain, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{0, 2, 7} {
		got, err := With(n).Restore(context.Background(), p, uncertain, Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if largestDifference(got, want) != 0 {
			t.Errorf("%d workers give another picture than one", workers)
		}
	}
}

func TestCuts(t *testing.T) {
	for n := 2; n < 600; n += 2 {
		const reach, side = 20, 120
		window := min(n, side)
		at := 0
		for _, c := range cuts(n, window, reach) {
			if c.low != at || c.high <= c.low || c.window < 0 || c.window+window > n || c.window%2 != 0 {
				t.Fatalf("%d pixels: %+v after %d", n, c, at)
			}
			if c.window > 0 && c.low-c.window < reach || c.window+window < n && c.window+window-c.high < reach {
				t.Fatalf("%d pixels: %+v does not reach far enough", n, c)
			}
			at = c.high
		}
		if at != n {
			t.Fatalf("%d pixels: cuts end at %d", n, at)
		}
	}
}

func TestRestoreLeavesAlone(t *testing.T) {
	r := With(random(t))
	p := noise(9, 7)
	if q, err := r.Restore(context.Background(), p, codestream.Info{Complete: true}, Options{Workers: 1}); err != nil || q != p {
		t.Errorf("a complete picture is changed; error %v", err)
	}
	empty := picture.New(0, 0)
	if q, err := r.Restore(context.Background(), empty, uncertain, Options{Workers: 1}); err != nil || q != empty {
		t.Errorf("an empty picture is changed; error %v", err)
	}
	for c := range p.Pix {
		copy(p.Pix[c], p.Pix[0])
	}
	info := uncertain
	info.Grey = true
	q, err := r.Restore(context.Background(), p, info, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range q.Pix[0] {
		if q.Pix[1][i] != v || q.Pix[2][i] != v || v < 0 || v > 1 {
			t.Fatalf("pixel %d of a grey picture becomes %g, %g, %g", i, v, q.Pix[1][i], q.Pix[2][i])
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Restore(ctx, p, info, Options{Workers: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

func TestFeatures(t *testing.T) {
	p := noise(23, 17)
	all := Features(p, uncertain)
	if len(all) != Channels {
		t.Fatalf("%d channels", len(all))
	}
	scale := 1 / (2*rms(uncertain) + 1e-4)
	for k, radius := range radii {
		for c := range 3 {
			for i, got := range all[3+3*k+c] {
				x0, y0 := i%23, i/23
				var sum, n float64
				for y := max(y0-radius, 0); y <= min(y0+radius, 16); y++ {
					for x := max(x0-radius, 0); x <= min(x0+radius, 22); x++ {
						sum += float64(p.Pix[c][y*23+x])
						n++
					}
				}
				want := (float64(p.Pix[c][i]) - sum/n) * scale
				want /= 1 + math.Abs(want)
				if math.Abs(float64(got)-want) > 1e-4 {
					t.Fatalf("radius %d, channel %d, pixel %d: %g, want %g", radius, c, i, got, want)
				}
			}
		}
	}
}

func psnr(a, b *picture.Planes) float64 {
	var sum float64
	for c, plane := range a.Pix {
		for i, v := range plane {
			d := float64(v - b.Pix[c][i])
			sum += d * d
		}
	}
	return -10 * math.Log10(sum/float64(3*len(a.Pix[0])))
}

// TestRestoreHelps restores the demonstration's photograph, which is not among the training pictures, from several prefixes.
func TestRestoreHelps(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	small := photo(t).Thumbnail(64)
	small.Round()
	for name, p := range map[string]*picture.Planes{"photo": photo(t), "thumbnail": small} {
		stream, _, err := codestream.Encode(t.Context(), p, codestream.EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, bits := range []float64{0.15, 0.3, 0.6, 1.2, 2.5} {
			n := int(bits * float64(p.Width*p.Height) / 8)
			decoded, info, err := codestream.Decode(t.Context(), stream[:n], codestream.DecodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			restored, err := r.Restore(context.Background(), decoded, info, Options{Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			before, after := psnr(decoded, p), psnr(restored, p)
			t.Logf("%s, %d bytes: %.2f dB, restored %.2f dB", name, n, before, after)
			if after < before+0.05 {
				t.Errorf("%s, %d bytes: %.2f dB become %.2f dB", name, n, before, after)
			}
		}
	}
}

// TestGradient compares the gradient of a loss with finite differences.
func TestGradient(t *testing.T) {
	n := random(t)
	const side = 8
	g := nn.NewGraph(n.Weights, true)
	in, restored := n.Build(g, side, side)
	truth := g.Input("truth", nn.Shape{N: 1, C: 3, H: side, W: side})
	loss := g.MSE(restored, truth)
	if err := g.Compile(); err != nil {
		t.Fatal(err)
	}
	info := codestream.Info{Error: [3]float32{1, 0.5, 0.5}}
	c, s := Condition(info, side, side)
	in.Context.Load(c)
	in.Scale.Load(s)
	p := noise(side, side)
	in.Picture.Load(slices.Concat(p.Pix[:]...))
	in.Features.Load(slices.Concat(Features(p, info)...))
	truth.Load(slices.Concat(noise(side, side+2).Resize(side, side).Pix[:]...))
	value := func() float64 { g.Forward(); return loss.Value }
	value()
	grads := nn.NewGrads(n.Weights)
	g.Backward(grads, nn.Term{Loss: loss, Weight: 1})
	for _, p := range n.Weights.Params() {
		i := len(p.Data) / 2
		const step = 2e-3
		old := p.Data[i]
		p.Data[i] = old + step
		n.Weights.Refresh()
		up := value()
		p.Data[i] = old - step
		n.Weights.Refresh()
		down := value()
		p.Data[i] = old
		n.Weights.Refresh()
		want, got := (up-down)/(2*step), float64(grads.Of(p)[i])
		if math.Abs(got-want) > 0.03*math.Abs(want)+2e-4 {
			t.Errorf("%s[%d]: gradient is %g, want %g", p.Name, i, got, want)
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	n := random(t)
	var file bytes.Buffer
	if err := n.Save(&file); err != nil {
		t.Fatal(err)
	}
	got, err := Load(bytes.NewReader(file.Bytes()), int64(file.Len()), kernel.Best())
	if err != nil {
		t.Fatal(err)
	}
	if got.Config != n.Config {
		t.Errorf("configuration is %+v, want %+v", got.Config, n.Config)
	}
	for i, p := range n.Weights.Params() {
		for j, v := range got.Weights.Params()[i].Data {
			if math.Abs(float64(v-p.Data[j])) > 1e-3*math.Abs(float64(p.Data[j]))+1e-6 {
				t.Fatalf("%s[%d] is %g, want %g", p.Name, j, v, p.Data[j])
			}
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	file := func(config string, tensors ...safetensors.Tensor) []byte {
		var b bytes.Buffer
		if err := safetensors.Write(&b, tensors, map[string]string{configKey: config}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	one := safetensors.Float32("x", []int{1}, []float32{1})
	for name, b := range map[string][]byte{
		"no configuration": file("", one),
		"no size":          file(`{}`, one),
		"large":            file(`{"width":512,"blocks":64}`, one),
		"other names":      file(`{"width":1,"blocks":1}`, safetensors.Float32("x", []int{1000}, make([]float32, 1000))),
	} {
		if _, err := Load(bytes.NewReader(b), int64(len(b)), kernel.Best()); err == nil {
			t.Errorf("%s: no error", name)
		} else if name != "other names" && !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := Load(bytes.NewReader([]byte("junk")), 4, kernel.Best()); !errors.Is(err, safetensors.ErrFormat) {
		t.Errorf("junk: error %v", err)
	}
	if len(embedded) > 400_000 {
		t.Errorf("the shipped weights take %d bytes", len(embedded))
	}
}

func ExampleRestorer_Restore() {
	ctx := context.Background()
	flat := picture.New(100, 60)
	r, err := New()
	if err != nil {
		fmt.Println(err)
		return
	}
	stream, _, err := codestream.Encode(ctx, flat, codestream.EncodeOptions{Limit: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	decoded, info, err := codestream.Decode(ctx, stream, codestream.DecodeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := r.Restore(ctx, decoded, info, Options{Workers: 2})
	fmt.Println(p.Width, p.Height, err)
	// Output: 100 60 <nil>
}

func BenchmarkRestore(b *testing.B) {
	r, err := New()
	if err != nil {
		b.Fatal(err)
	}
	for _, side := range []int{64, 256} {
		p := photo(b).Resize(side, side)
		b.Run(fmt.Sprintf("side=%d", side), func(b *testing.B) {
			b.SetBytes(int64(3 * side * side))
			for b.Loop() {
				if _, err := r.Restore(context.Background(), p, uncertain, Options{Workers: 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
