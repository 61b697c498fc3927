package contender

import (
	"math"
	"slices"
	"testing"
	"testing/fstest"

	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/experimenttest"
	"ditas/internal/lab/experiment/residual"
	"ditas/internal/model"
	"ditas/internal/model/weights"
	"ditas/picture"
)

// The stages of a system add up to what it reveals, and losing the later ones leaves the first sums.
func TestStages(t *testing.T) {
	p := &experiment.Subject{Secret: experimenttest.Scene(4), Cover: experimenttest.Voice(experiment.Samples, 4)}
	sys, _, err := weights.Load(weights.Default)
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewNetworks(sys)
	if err != nil {
		t.Fatal(err)
	}
	x, err := n.Send(p, Threshold)
	if err != nil {
		t.Fatal(err)
	}
	residuals, sums := n.Stages(p.Secret)
	if len(residuals) != 4 || len(sums) != 3 {
		t.Fatalf("%d residuals and %d sums", len(residuals), len(sums))
	}
	first := residual.Difference(experiment.Grey(experiment.Side, experiment.Side), p.Secret)
	if !slices.Equal(residuals[0], first) {
		t.Error("S_1 is not the picture without mid-grey")
	}
	for i := range 3 {
		if before, after := residual.Energy(residuals[i]), residual.Energy(residuals[i+1]); after > before/2 {
			t.Errorf("stage %d: energy %g after %g", i+1, after, before)
		}
		// The sum is the secret but for what is still missing, limited and rounded.
		for c, plane := range sums[i].Pix {
			for k, v := range plane {
				want := max(0, min(1, float64(p.Secret.Pix[c][k])-residuals[i+1][c*len(plane)+k]))
				if math.Abs(float64(v)-want) > 0.501/255 {
					t.Fatalf("stage %d, channel %d, value %d: %g, want %g", i+1, c, k, v, want)
				}
			}
		}
	}
	for _, c := range []struct {
		lost []int
		sum  int
	}{{nil, 2}, {[]int{2}, 1}, {[]int{1, 2}, 0}} {
		rest, err := n.Reveal(x, Threshold, c.lost...)
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for _, v := range residual.Difference(sums[c.sum], rest) {
			worst = max(worst, math.Abs(v))
		}
		if worst > 1.01/255 { // sums of floating point may round otherwise
			t.Errorf("%v lost: differs by up to %g from the sum of the first %d", c.lost, worst, c.sum+1)
		}
	}
	rest, err := n.Reveal(x, Threshold, 0)
	if err != nil {
		t.Fatal(err)
	}
	score, err := experiment.Judge(p.Secret, rest)
	if err != nil {
		t.Fatal(err)
	}
	if none, _ := experiment.Judge(p.Secret, nil); score.PSNR > none.PSNR+6 {
		t.Errorf("without the first stage %.1f dB, %.1f dB being that of a grey picture", score.PSNR, none.PSNR)
	}
}

func TestNetworks(t *testing.T) {
	p := &experiment.Subject{Secret: experimenttest.Scene(4), Cover: experimenttest.Voice(experiment.Samples, 4)}
	sys, _, err := weights.Load(weights.Default)
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewNetworks(sys)
	if err != nil {
		t.Fatal(err)
	}
	const mse = 1e-4
	x, threshold, err := n.hide(p, mse)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := p.MSE(x); got > mse || got < 0.7*mse {
		t.Errorf("container MSE %g, want %g", got, mse)
	}
	got := revealed(t, p, x, clean, func(received []float64) (*picture.Planes, error) { return n.Reveal(received, threshold) })
	if got < 40 {
		t.Errorf("%.1f dB without noise", got)
	}
}

// A system without a transform has one strength, and its change is scaled to any other.
func TestPlain(t *testing.T) {
	p := &experiment.Subject{Secret: experimenttest.Scene(4), Cover: experimenttest.Voice(experiment.Samples, 4)}
	config, err := model.Named("ditas-m")
	if err != nil {
		t.Fatal(err)
	}
	config.Transform, config.Width = model.NoTransform, 4
	sys, err := model.New(config)
	if err != nil {
		t.Fatal(err)
	}
	sys.Init(1)
	c, err := OfSystem("ditas-m", sys)
	if err != nil {
		t.Fatal(err)
	}
	hide, err := c.Worker()
	if err != nil {
		t.Fatal(err)
	}
	own := 0.0
	for _, target := range []float64{0, 1e-4, 1e-5} {
		p.Target = target
		sent, err := hide(0, p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.MSE(sent.Samples)
		switch {
		case err != nil || got == 0:
			t.Errorf("container MSE %g: %v", got, err)
		case target == 0:
			own = got
		case math.Abs(got/target-1) > 0.01:
			t.Errorf("container MSE %g, want %g; its own is %g", got, target, own)
		}
		if _, err := sent.Reveal(sent.Samples); err != nil {
			t.Error(err)
		}
	}
}

// The pictures that a run has looked at are counted by what its steps learnt from.
func TestTraining(t *testing.T) {
	for config, want := range map[string]int{
		`{"seed": 3, "steps": 100, "batch": 8}`:                                  800,
		`{"steps": 100, "batch": 8, "rows": 8}`:                                  100,
		`{"steps": 100, "batch": 8, "rows": 16, "finish": 10}`:                   90*2 + 10*2,
		`{"steps": 100, "batch": 8, "rows": 8, "finish": 10, "finishBatch": 3}`:  90 + 30,
		`{"steps": 1000, "batch": 8, "rows": 8, "finish": 10, "finishBatch": 3}`: 100,
	} {
		got, err := TrainingOf(fstest.MapFS{
			"x/config.json": {Data: []byte(config)}, "x/log.jsonl": {Data: []byte("{\"step\":50}\n{\"step\":100,\"minutes\":1.5}\n")},
		}, "x")
		if err != nil || got.Pictures != want || got.Steps != 100 || got.Minutes != 1.5 {
			t.Errorf("%s: %+v, want %d pictures; %v", config, got, want, err)
		}
	}
}
