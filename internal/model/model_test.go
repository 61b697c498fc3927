package model_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ditas/internal/dsp"
	"ditas/internal/model"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/nn/safetensors"
	"ditas/internal/parallel"
)

// tiny is a system with everything that the large ones have.
var tiny = model.Config{Name: "tiny", Stages: 3, CrossHide: true, CrossReveal: true, Tile: 16, Bands: 64, Width: 8, Depth: 4, Amplitude: 0.5}

const (
	tau  = 0.05
	step = 1.0 / (1 << 15)
)

// newSystem returns a system whose every weight is random, the connections between stages included.
func newSystem(t testing.TB, c model.Config, k kernel.Set[float32]) *model.System {
	t.Helper()
	s, err := model.NewWith(c, k)
	if err != nil {
		t.Fatal(err)
	}
	s.Init(5)
	for i, p := range s.Weights.Params() {
		rng := rand.New(rand.NewPCG(8, uint64(i)))
		for j := range p.Data {
			p.Data[j] += float32(0.1 * rng.NormFloat64())
		}
	}
	s.Weights.Refresh()
	return s
}

// scene returns a picture and covers that are loud in a few frequencies and faint elsewhere.
func scene(c model.Config) (picture []float32, covers [][]float32) {
	rng := rand.New(rand.NewPCG(2, 3))
	picture = make([]float32, 3*c.Tile*c.Tile)
	for i := range picture {
		picture[i] = float32(0.5 + 0.3*math.Sin(float64(i)/40) + 0.2*rng.Float64())
	}
	for range c.Stages {
		cover := make([]float32, c.Samples())
		pitch := 0.1 + 0.2*rng.Float64()
		for i := range cover {
			x := pitch * float64(i)
			cover[i] = float32(0.4*math.Sin(x) + 0.2*math.Sin(2*x) + 0.1*math.Sin(5*x) + 0.005*rng.NormFloat64())
		}
		covers = append(covers, cover)
	}
	return picture, covers
}

// hidden is what came of hiding the scene.
type hidden struct {
	hider      *model.Hider
	picture    []float32
	covers     [][]float32
	containers [][]float32
}

func hide(t testing.TB, s *model.System) hidden {
	t.Helper()
	h, err := s.NewHider()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.SetThresholds(tau); err != nil {
		t.Fatal(err)
	}
	x := hidden{hider: h}
	x.picture, x.covers = scene(s.Config)
	x.containers = x.again()
	return x
}

// again hides the scene once more.
func (x hidden) again() (containers [][]float32) {
	for _, c := range x.covers {
		containers = append(containers, make([]float32, len(c)))
	}
	x.hider.Hide(containers, x.picture, x.covers, step)
	return containers
}

func newRevealer(t testing.TB, s *model.System) *model.Revealer {
	t.Helper()
	r, err := s.NewRevealer()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetThresholds(tau); err != nil {
		t.Fatal(err)
	}
	return r
}

// reveal returns the picture and what every stage contributes.
func reveal(r *model.Revealer, c model.Config, received [][]float32) (picture []float32, stages [][]float32) {
	picture = make([]float32, 3*c.Tile*c.Tile)
	r.Reveal(picture, received)
	for i := range c.Stages {
		one := make([]float32, len(picture))
		r.RevealStage(one, i)
		stages = append(stages, one)
	}
	return picture, stages
}

// sum adds residuals to the grey that they start from, as a receiver does.
func sum(n int, stages ...[]float32) []float32 {
	p := make([]float32, n)
	for i := range p {
		p[i] = model.Middle
		for _, s := range stages {
			p[i] += s[i]
		}
		p[i] = max(0, min(1, p[i]))
	}
	return p
}

func equal(a, b [][]float32) bool { return slices.EqualFunc(a, b, slices.Equal) }

func TestValidate(t *testing.T) {
	for _, name := range model.Names() {
		c, err := model.Named(name)
		if err != nil || c.Validate() != nil || c.Name != name {
			t.Errorf("%s: %+v, %v, %v", name, c, err, c.Validate())
		}
	}
	if _, err := model.Named("ditas-x"); err == nil || !strings.Contains(err.Error(), "ditas-m-ed") {
		t.Errorf("an unknown name: %v", err)
	}
	for want, change := range map[string]func(c *model.Config){
		"0 stages":        func(c *model.Config) { c.Stages = 0 },
		"17 stages":       func(c *model.Config) { c.Stages = 17 },
		"tiles of 12":     func(c *model.Config) { c.Tile = 12 },
		"transform \"x\"": func(c *model.Config) { c.Transform = "x" },
		"0 bands":         func(c *model.Config) { c.Bands = 0 },
		"96 bands":        func(c *model.Config) { c.Bands = 96 },
		"4096 bands":      func(c *model.Config) { c.Tile, c.Bands = 64, 4096 },
		"width 0":         func(c *model.Config) { c.Width = 0 },
		"width 1000":      func(c *model.Config) { c.Width = 1000 },
		"depth 2":         func(c *model.Config) { c.Depth = 2 },
		"depth 33":        func(c *model.Config) { c.Depth = 33 },
		"amplitude 0":     func(c *model.Config) { c.Amplitude = 0 },
		"amplitude 1":     func(c *model.Config) { c.Amplitude = 1 },
		"amplitude NaN":   func(c *model.Config) { c.Amplitude = math.NaN() },
		"-8 pixels":       func(c *model.Config) { c.Tile = -8 },
		"-64 bands":       func(c *model.Config) { c.Bands = -64 },
		"width -1":        func(c *model.Config) { c.Width = -1 },
		"amplitude -Inf":  func(c *model.Config) { c.Amplitude = math.Inf(-1) },
		"amplitude 1e+09": func(c *model.Config) { c.Amplitude = 1e9 },
	} {
		c := tiny
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if _, err := model.New(c); err == nil {
			t.Errorf("New took a system with %s", want)
		}
	}
}

func TestThresholdRange(t *testing.T) {
	h, err := newSystem(t, tiny, kernel.Best()).NewHider()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []float64{0, -0.1, 1.01, math.NaN(), math.Inf(1)} {
		if h.SetThreshold(0, bad) == nil || h.SetThresholds(bad) == nil {
			t.Errorf("a threshold of %v was taken", bad)
		}
	}
	if err := h.SetThresholds(model.MaxThreshold); err != nil {
		t.Error(err)
	}
}

func TestSaveAndLoad(t *testing.T) {
	s := newSystem(t, tiny, kernel.Best())
	s.SetGain(1, 0.1234567890123)
	extra := map[string]string{"trained on": "nothing"}
	for _, half := range []bool{false, true} {
		var file bytes.Buffer
		if err := s.Save(&file, half, extra); err != nil {
			t.Fatal(err)
		}
		got, meta, err := model.Load(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if got.Config != s.Config || !reflect.DeepEqual(meta, extra) {
			t.Errorf("got %+v with %v, want %+v with %v", got.Config, meta, s.Config, extra)
		}
		for i := range tiny.Stages {
			if got.Gain(i) != s.Gain(i) {
				t.Errorf("gain of stage %d is %v, want %v", i, got.Gain(i), s.Gain(i))
			}
		}
		tolerance := 0.0
		if half {
			tolerance = 1.0 / (1 << 11)
		}
		for i, p := range s.Weights.Params() {
			q := got.Weights.Params()[i]
			if q.Name != p.Name || !slices.Equal(q.Shape, p.Shape) {
				t.Fatalf("parameter %d is %s %v, want %s %v", i, q.Name, q.Shape, p.Name, p.Shape)
			}
			for j, want := range p.Data {
				// Below 2⁻¹⁴ half precision has fixed steps.
				if d := math.Abs(float64(q.Data[j] - want)); d > tolerance*max(1.0/(1<<14), math.Abs(float64(want))) {
					t.Fatalf("half %v: %s[%d] is %v, want %v", half, p.Name, j, q.Data[j], want)
				}
			}
		}
		if !half && !equal(hide(t, got).containers, hide(t, s).containers) {
			t.Error("the loaded system hides differently")
		}
	}
}

// write makes the file of a tiny system, changed.
func write(t testing.TB, change func(tensors []safetensors.Tensor, meta map[string]string) []safetensors.Tensor) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := newSystem(t, tiny, kernel.Best()).Save(&file, true, nil); err != nil {
		t.Fatal(err)
	}
	tensors, meta, err := safetensors.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	file.Reset()
	if err := safetensors.Write(&file, change(tensors, meta), meta); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestLoadRefuses(t *testing.T) {
	meta := func(key, value string) func([]safetensors.Tensor, map[string]string) []safetensors.Tensor {
		return func(ts []safetensors.Tensor, m map[string]string) []safetensors.Tensor {
			m[key] = value
			if value == "" {
				delete(m, key)
			}
			return ts
		}
	}
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"nothing":      {nil, safetensors.ErrFormat},
		"text":         {[]byte("this is not a system, whatever it is"), safetensors.ErrFormat},
		"half a file":  {write(t, meta("", ""))[:3000], safetensors.ErrFormat},
		"no config":    {write(t, meta("ditas.config", "")), model.ErrFormat},
		"broken":       {write(t, meta("ditas.config", "{")), model.ErrFormat},
		"no stages":    {write(t, meta("ditas.config", "{}")), model.ErrFormat},
		"no gain":      {write(t, meta("ditas.gain2", "")), model.ErrFormat},
		"gain 0":       {write(t, meta("ditas.gain0", "0")), model.ErrFormat},
		"gain NaN":     {write(t, meta("ditas.gain0", "NaN")), model.ErrFormat},
		"gain +Inf":    {write(t, meta("ditas.gain0", "Inf")), model.ErrFormat},
		"another size": {write(t, meta("ditas.config", `{"stages":3,"tile":16,"bands":64,"width":7,"depth":4,"amplitude":0.5}`)), model.ErrFormat},
		"too large":    {write(t, meta("ditas.config", `{"stages":16,"tile":64,"bands":64,"width":256,"depth":32,"amplitude":0.5}`)), model.ErrFormat},
		"a lost tensor": {write(t, func(ts []safetensors.Tensor, _ map[string]string) []safetensors.Tensor {
			return ts[1:]
		}), model.ErrFormat},
		"integers": {write(t, func(ts []safetensors.Tensor, _ map[string]string) []safetensors.Tensor {
			ts[0] = safetensors.Int64(ts[0].Name, ts[0].Shape, make([]int64, len(ts[0].Data)/2))
			return ts
		}), model.ErrFormat},
	} {
		if _, _, err := model.Load(bytes.NewReader(c.file), int64(len(c.file))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Fuzz(func(t *testing.T, file []byte) {
		s, _, err := model.Load(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			if !errors.Is(err, model.ErrFormat) && !errors.Is(err, safetensors.ErrFormat) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		if _, err := s.NewRevealer(); err != nil {
			t.Errorf("a system that was loaded does not run: %v", err)
		}
	})
}

// TestReceiverAgreesWithSender is what the recursion S_{i+1} = S_i − S~_i rests on: the sender subtracts exactly what the
// receiver adds, down to the last bit, once the containers have been through a file of 16 bits.
func TestReceiverAgreesWithSender(t *testing.T) {
	eachKernelSet(t, func(t *testing.T, k kernel.Set[float32]) {
		s := newSystem(t, tiny, k)
		p, err := s.NewPipeline(true, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.SetThresholds(tau); err != nil {
			t.Fatal(err)
		}
		p.Step = step
		picture, covers := scene(tiny)
		p.Load(picture, covers, make([]float32, len(picture)))
		p.Graph.Forward()

		var received [][]float32
		for i, c := range hide(t, s).containers {
			sender := make([]float32, len(c))
			p.Containers[i].Store(sender)
			if !slices.Equal(sender, c) {
				t.Errorf("stage %d: the graph for training hides differently", i)
			}
			file := make([]float32, len(c))
			for j, v := range c {
				file[j] = float32(int16(math.Round(float64(v)*(1<<15)))) / (1 << 15)
			}
			received = append(received, file)
		}
		revealed, stages := reveal(newRevealer(t, s), tiny, received)
		var sender [][]float32
		for i, want := range p.Revealed {
			own := make([]float32, len(picture))
			want.Store(own)
			if !slices.Equal(stages[i], own) {
				t.Errorf("stage %d: sender and receiver differ", i)
			}
			sender = append(sender, own)
		}
		if !slices.Equal(revealed, sum(len(picture), sender...)) {
			t.Error("the revealed picture is not the sum of the stages")
		}
	})
}

// TestSenderNeverSeesTheChannel guards against feedback: a sender who let S~_i pass through the noisy channel before taking
// S_{i+1} = S_i − S~_i would know what no sender can.
func TestSenderNeverSeesTheChannel(t *testing.T) {
	s := newSystem(t, tiny, kernel.Best())
	x := hide(t, s)
	first := make([][]float32, tiny.Stages)
	for i, c := range x.containers {
		first[i] = slices.Clone(c)
	}
	r := newRevealer(t, s)
	clean, _ := reveal(r, tiny, x.containers)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range x.containers {
		for i := range c {
			c[i] += float32(0.003 * rng.NormFloat64())
		}
	}
	if noisy, _ := reveal(r, tiny, x.containers); slices.Equal(clean, noisy) {
		t.Error("noise in the containers changes nothing")
	}
	// The containers depend on picture, covers, thresholds and step, whatever has happened to earlier ones, and whoever hides.
	if !equal(x.again(), first) || !equal(hide(t, s).containers, first) {
		t.Error("hiding again after noise gives other containers")
	}
	// A stage that will be lost is the channel's doing too, even where training knows about it.
	p, err := s.NewPipeline(true, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetThresholds(tau); err != nil {
		t.Fatal(err)
	}
	p.Step = step
	p.Load(x.picture, x.covers, make([]float32, len(x.picture)))
	for _, keep := range [][]float64{{1, 1, 1}, {0, 1, 1}, {0, 0, 0}} {
		copy(p.Keep, keep)
		p.Graph.Forward()
		for i, c := range p.Containers {
			got := make([]float32, len(first[i]))
			c.Store(got)
			if !slices.Equal(got, first[i]) {
				t.Errorf("stage %d hides differently when the stages %v arrive", i, keep)
			}
		}
	}
	// Picture and covers are the only arrays that go in.
	var arrays []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[model.Pipeline]()) {
		switch f.Type {
		case reflect.TypeFor[*nn.Tensor[float32]](), reflect.TypeFor[[]*nn.Tensor[float32]]():
			arrays = append(arrays, f.Name)
		}
	}
	if want := []string{"Secret", "Covers", "Containers", "Revealed"}; !slices.Equal(arrays, want) {
		t.Errorf("the pipeline has the arrays %v, want %v: does the sender see the channel?", arrays, want)
	}
}

func TestLostSubsequence(t *testing.T) {
	plain := tiny
	plain.CrossHide, plain.CrossReveal = false, false
	for _, c := range []model.Config{plain, tiny} {
		s := newSystem(t, c, kernel.Best())
		x := hide(t, s)
		r := newRevealer(t, s)
		_, all := reveal(r, c, x.containers)
		picture, stages := reveal(r, c, [][]float32{x.containers[0], nil, x.containers[2]})
		if want := sum(len(picture), stages[0], stages[2]); !slices.Equal(picture, want) {
			t.Error("the picture is not the sum of the stages that arrived")
		}
		if !slices.Equal(stages[0], all[0]) {
			t.Error("the stage before the lost one reveals something else")
		}
		if !c.CrossReveal && !slices.Equal(stages[2], all[2]) {
			t.Error("without connections, the stage after the lost one reveals something else")
		}
		if picture, _ := reveal(r, c, make([][]float32, c.Stages)); slices.Max(picture) != model.Middle || slices.Min(picture) != model.Middle {
			t.Error("nothing arrived, and yet there is a picture")
		}
	}
}

// TestMessageStaysBelowTheThreshold checks the erasure channel that both sides know: what is loud is kept, and what is
// faint makes room for a message that the receiver finds by its magnitude.
func TestMessageStaysBelowTheThreshold(t *testing.T) {
	s := newSystem(t, tiny, kernel.Best())
	x := hide(t, s)
	for i := range x.covers {
		fold, err := model.NewFold(tiny, i)
		if err != nil {
			t.Fatal(err)
		}
		cover, container := make([]float32, tiny.Samples()), make([]float32, tiny.Samples())
		fold.Apply(cover, x.covers[i])
		fold.Apply(container, x.containers[i])
		const rounding = 6 * step // of one coefficient; its standard deviation is step/√12
		free := 0
		for j, v := range cover {
			size := math.Abs(float64(container[j]))
			if math.Abs(float64(v)) >= tau {
				if math.Abs(float64(container[j]-v)) > rounding {
					t.Errorf("stage %d: a loud coefficient went from %v to %v", i, v, container[j])
				}
				continue
			}
			free++
			if size > tiny.Amplitude*tau+rounding {
				t.Errorf("stage %d: a message coefficient of %v is beyond the limit", i, container[j])
			}
		}
		if n := len(cover); free < n/2 || free == n {
			t.Errorf("stage %d: %d of %d coefficients are free; the scene tests nothing", i, free, n)
		}
	}
}

func TestFold(t *testing.T) {
	mdct, err := dsp.NewMDCT[float32](tiny.Bands)
	if err != nil {
		t.Fatal(err)
	}
	_, covers := scene(tiny)
	x := covers[0]
	n := tiny.Samples()
	coefficients := make([]float32, n)
	mdct.Forward(coefficients, x)
	slices.Sort(coefficients)
	power := func(x []float32) (p float64) {
		for _, v := range x {
			p += float64(v) * float64(v)
		}
		return p
	}
	var planes [][]float32
	for stage := range tiny.Stages {
		f, err := model.NewFold(tiny, stage)
		if err != nil {
			t.Fatal(err)
		}
		y, back := make([]float32, n), make([]float32, n)
		f.Apply(y, x)
		f.Adjoint(back, y)
		if d := distance(back, x); d > 1e-6 {
			t.Errorf("stage %d: there and back is off by %.1e", stage, d)
		}
		if r := power(y) / power(x); math.Abs(r-1) > 1e-6 {
			t.Errorf("stage %d: the power changes by a factor of %v", stage, r)
		}
		sorted := slices.Sorted(slices.Values(y))
		if !slices.Equal(sorted, coefficients) {
			t.Errorf("stage %d: the planes do not hold every coefficient once", stage)
		}
		for _, other := range planes {
			same := 0
			for i := range y {
				if y[i] == other[i] {
					same++
				}
			}
			if same > n/50 {
				t.Errorf("stage %d has %d of %d coefficients where an earlier stage has them", stage, same, n)
			}
		}
		planes = append(planes, y)
	}
}

// TestVectorKernelsAgree compares containers made on different processors, bit by bit.
func TestVectorKernelsAgree(t *testing.T) {
	a, err := kernel.For("avx2")
	if err != nil {
		t.Skip(err)
	}
	b, err := kernel.For("avx512")
	if err != nil {
		t.Skip(err)
	}
	if !equal(hide(t, newSystem(t, tiny, a)).containers, hide(t, newSystem(t, tiny, b)).containers) {
		t.Error("AVX2 and AVX-512 hide differently")
	}
}

// TestSystemIsShared hides and reveals on several goroutines at once.
func TestSystemIsShared(t *testing.T) {
	s := newSystem(t, tiny, kernel.Best())
	want := hide(t, s).containers
	picture, _ := reveal(newRevealer(t, s), tiny, want)
	parallel.Each(4, 4, func(_, i int) {
		got := hide(t, s).containers
		if p, _ := reveal(newRevealer(t, s), tiny, got); !equal(got, want) || !slices.Equal(p, picture) {
			t.Errorf("goroutine %d has another result", i)
		}
	})
}

// TestSurveyMeetsTheDistortion computes the distortion that a threshold is expected to cause from its definition.
// Half of this cover is a pause. With an activity, hiding leaves the pause alone but for what little is limited, both ends
// agree on that, and the survey finds a strength with room in the other half.
func TestPausesAreLeftAlone(t *testing.T) {
	s := newSystem(t, tiny, kernel.Best())
	picture, covers := scene(tiny)
	rng := rand.New(rand.NewPCG(8, 8))
	n := tiny.Samples()
	for _, c := range covers {
		for i := n / 2; i < n; i++ {
			c[i] = float32(2e-4 * rng.NormFloat64())
		}
	}
	const least = 4
	survey, err := model.NewSurvey(tiny, least)
	if err != nil {
		t.Fatal(err)
	}
	curves := make([]model.Curve, 1)
	survey.Measure(curves, covers[0])
	use, err := curves[0].Use(1e-5, 1e-3)
	if err != nil {
		t.Fatal(err)
	}
	tau := model.Level(use.Level)
	if tau > 0.5 || tau < 1e-3 || use.Room < 1.0/16 || use.Room > 1.0/2 {
		t.Errorf("threshold %v with room in %.3f of it", tau, use.Room)
	}
	h, err := s.NewHider()
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.NewRevealer()
	if err != nil {
		t.Fatal(err)
	}
	h.SetActivity(least)
	r.SetActivity(least)
	if err := errors.Join(h.SetThresholds(tau), r.SetThresholds(tau)); err != nil {
		t.Fatal(err)
	}
	containers := make([][]float32, tiny.Stages)
	for i := range containers {
		containers[i] = make([]float32, n)
	}
	h.Hide(containers, picture, covers, 0)
	var used, pause float64
	for i, c := range containers {
		for j := range n / 2 {
			d := float64(c[j] - covers[i][j])
			used += d * d
		}
		// One frame overlaps the pause from either side.
		for j := n/2 + tiny.Bands; j < n-tiny.Bands; j++ {
			d := float64(c[j] - covers[i][j])
			pause += d * d
		}
	}
	if used == 0 || pause > 1e-9*used {
		t.Errorf("the used half changed by %g, the pause by %g", used, pause)
	}
	revealed := make([]float32, len(picture))
	r.Reveal(revealed, containers)
	// The sum that the sender reckoned with is what the receiver finds: so they took the same frames for active.
	p, err := s.NewPipeline(false, false)
	if err != nil {
		t.Fatal(err)
	}
	p.SetActivity(least)
	if err := p.SetThresholds(tau); err != nil {
		t.Fatal(err)
	}
	p.Load(picture, covers, make([]float32, len(picture)))
	p.Graph.Forward()
	for i := range tiny.Stages {
		want, got := make([]float32, len(picture)), make([]float32, len(picture))
		p.Revealed[i].Store(want)
		r.RevealStage(got, i)
		for j := range want {
			if want[j] != got[j] {
				t.Fatalf("stage %d, value %d: the sender expects %g, the receiver finds %g", i, j, want[j], got[j])
			}
		}
	}
}

func TestSurveyMeetsTheDistortion(t *testing.T) {
	survey, err := model.NewSurvey(tiny, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, covers := scene(tiny)
	mdct, err := dsp.NewMDCT[float32](tiny.Bands)
	if err != nil {
		t.Fatal(err)
	}
	c := make([]float32, tiny.Samples())
	mdct.Forward(c, covers[0])
	curves := make([]model.Curve, 1)
	survey.Measure(curves, covers[0])
	curve := &curves[0]
	// expected is the erased power and a message of 3 % of its largest possible power, per sample.
	expected := func(tau float64) float64 {
		var d float64
		for _, v := range c {
			if x := float64(v); math.Abs(x) < tau {
				d += x*x + 0.03*tiny.Amplitude*tiny.Amplitude*tau*tau
			}
		}
		return d / float64(len(c))
	}
	last := 0.0
	for _, d := range []float64{1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3} {
		use, err := curve.Use(d, 1e-4)
		if err != nil {
			t.Fatal(err)
		}
		got := model.Level(use.Level)
		if got <= last {
			t.Errorf("distortion %g: threshold %v, no more than for less distortion", d, got)
		}
		last = got
		if causes := expected(got); causes > d*(1+1e-6) {
			t.Errorf("distortion %g: threshold %v causes %g", d, got, causes)
		}
		if next := expected(got * math.Pow(10, 0.3/20)); next < d*(1-1e-6) {
			t.Errorf("distortion %g: the threshold above %v causes only %g", d, got, next)
		}
	}
	for _, d := range []float64{0.01, 0.1, 1, math.Inf(1)} {
		if use, err := curve.Use(d, 1e-4); err != nil || model.Level(use.Level) > model.MaxThreshold {
			t.Errorf("distortion %g: threshold %v, error %v", d, model.Level(use.Level), err)
		}
	}
	for _, d := range []float64{0, -1, math.NaN()} {
		if _, err := curve.Use(d, 1e-4); err == nil {
			t.Errorf("a distortion of %v was taken", d)
		}
	}
}

func Example() {
	sys, err := model.New(model.Config{Stages: 2, Tile: 16, Bands: 64, Width: 8, Depth: 4, Amplitude: 0.5})
	if err != nil {
		fmt.Println(err)
		return
	}
	sys.Init(1) // the weights of a trained system come from Load
	h, err := sys.NewHider()
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := sys.NewRevealer()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := errors.Join(h.SetThresholds(0.05), r.SetThresholds(0.05)); err != nil {
		fmt.Println(err)
		return
	}

	picture := make([]float32, 3*16*16) // a black one
	covers := [][]float32{make([]float32, 1024), make([]float32, 1024)}
	for i := range 1024 {
		covers[0][i] = float32(math.Sin(float64(i) / 5))
		covers[1][i] = float32(math.Sin(float64(i) / 7))
	}
	containers := [][]float32{make([]float32, 1024), make([]float32, 1024)}
	h.Hide(containers, picture, covers, 1.0/32768)

	var square float64
	for i, c := range containers {
		for j := range c {
			square += math.Pow(float64(c[j]-covers[i][j]), 2) / 2048
		}
	}
	fmt.Printf("the recording changed by %.0f dB of full scale\n", 10*math.Log10(square))

	revealed := make([]float32, len(picture))
	r.Reveal(revealed, [][]float32{containers[0], nil}) // the second part was lost
	fmt.Printf("%d values were revealed\n", len(revealed))
	// Output:
	// the recording changed by -35 dB of full scale
	// 768 values were revealed
}
