package features

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ditas/internal/lab/experiment/steganalysis/trial"
)

// gaussian returns pairs of dependent features: x = Az, and of stegos A(z + shift), z being white. Groups are of ten pairs.
func gaussian(pairs, features int, shift []float64, seed uint64) Set {
	mixing := rand.New(rand.NewPCG(99, uint64(features)))
	a := make([][]float64, features)
	for i := range a {
		for range features {
			a[i] = append(a[i], mixing.NormFloat64())
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	draw := func(shift []float64) []float64 {
		z, x := make([]float64, features), make([]float64, features)
		for i := range z {
			z[i] = rng.NormFloat64()
			if i < len(shift) {
				z[i] += shift[i]
			}
		}
		for i, row := range a {
			for j, v := range row {
				x[i] += v * z[j]
			}
		}
		return x
	}
	var s Set
	for i := range pairs {
		s.Cover, s.Stego = append(s.Cover, draw(nil)), append(s.Stego, draw(shift))
		s.Group = append(s.Group, fmt.Sprint("speaker ", i/10))
	}
	return s
}

// dealt returns the labels of a set whose pairs are all of one source.
func dealt(s Set, split trial.Split) trial.Labels {
	return trial.Labels{Groups: s.Group, Sources: slices.Repeat([]string{"package"}, len(s.Cover)), Part: trial.Deal(s.Group, split, 1)}
}

func try(t *testing.T, s Set, split trial.Split, workers int) *trial.Verdict {
	t.Helper()
	v, _, err := Try(t.Context(), s, dealt(s, split), split, 1, workers)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Two Gaussians of one covariance at a Mahalanobis distance δ cannot be told better than with P_E = Φ(−δ/2) and an AUC of Φ(δ/√2), which the
// discriminant reaches with recordings enough.
func TestTryGaussian(t *testing.T) {
	below := func(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }
	for _, shift := range [][]float64{{1}, {1.2, -1.2}} {
		distance := 0.0
		for _, v := range shift {
			distance = math.Hypot(distance, v)
		}
		s := gaussian(250, 6, shift, 4)
		for _, split := range []trial.Split{trial.Disjoint, trial.Known} {
			v := try(t, s, split, 2)
			if want := below(-distance / 2); math.Abs(v.Error.Value-want) > 0.04 || v.Error.Low > want || v.Error.High < want {
				t.Errorf("P_E %+v, want %.3f", v.Error, want)
			}
			if want := below(distance / math.Sqrt2); math.Abs(v.AUC.Value-want) > 0.03 {
				t.Errorf("AUC %+v, want %.3f", v.AUC, want)
			}
		}
	}
}

// Where there is nothing to be found, nothing is, even with more features than recordings; and what is loud is found always.
func TestTryNothingAndLoud(t *testing.T) {
	if v := try(t, gaussian(150, 400, nil, 5), trial.Disjoint, 2); math.Abs(v.Error.Value-0.5) > 0.08 {
		t.Errorf("nothing is hidden: P_E %+v", v.Error)
	}
	v := try(t, gaussian(150, 40, []float64{25}, 6), trial.Disjoint, 2)
	if v.Error.Value != 0 || v.AUC.Value != 1 || v.Error.High != 0 {
		t.Errorf("what is loud: P_E %+v, AUC %+v", v.Error, v.AUC)
	}
}

// All is the same however many workers there are.
func TestTryRepeats(t *testing.T) {
	s := gaussian(100, 300, []float64{1}, 7)
	text := func(workers int) string {
		b, err := json.Marshal(try(t, s, trial.Disjoint, workers))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if a, b := text(1), text(3); a != b {
		t.Errorf("with one worker %s\nwith three %s", a, b)
	}
}

// The scores by which ridge and threshold are chosen are those of discriminants that have not seen the group.
func TestLeftOut(t *testing.T) {
	s := gaussian(30, 5, []float64{1}, 8)
	d, err := Train(t.Context(), s, 1)
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := d.standardise(s)
	const p = 5
	for g := range 3 {
		// Ridge regression of the labels on the other groups' features, solved by elimination.
		var a [p][p + 1]float64
		for i, row := range rows {
			if i/20 == g {
				continue
			}
			for j, v := range row {
				for k, w := range row {
					a[j][k] += v * w / p
				}
				a[j][p] += v * float64(2*(i%2)-1)
			}
		}
		for j := range p {
			a[j][j] += d.Ridge * float64(len(rows))
		}
		for j := range p {
			for i := range p {
				if i == j {
					continue
				}
				f := a[i][j] / a[j][j]
				for k := range a[i] {
					a[i][k] -= f * a[j][k]
				}
			}
		}
		for i := g * 20; i < g*20+20; i++ {
			want := 0.0
			for j := range p {
				want += rows[i][j] * a[j][p] / a[j][j] / p
			}
			got := d.Known.Cover[i/2]
			if i%2 == 1 {
				got = d.Known.Stego[i/2]
			}
			if math.Abs(got-want) > 1e-9 {
				t.Fatalf("recording %d: %g, want %g", i, got, want)
			}
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	good := gaussian(100, 3, nil, 9)
	for name, spoil := range map[string]func(s *Set){
		"a single pair":         func(s *Set) { *s = s.Part(func(i int) bool { return i == 0 }) },
		"a single group":        func(s *Set) { *s = s.Part(func(i int) bool { return i < 10 }) },
		"fewer stegos":          func(s *Set) { s.Stego = s.Stego[1:] },
		"a feature too few":     func(s *Set) { s.Stego[3] = s.Stego[3][1:] },
		"features not a number": func(s *Set) { s.Cover[3] = []float64{math.NaN(), 1, 2} },
	} {
		s := good.Part(func(int) bool { return true })
		spoil(&s)
		if _, err := Train(t.Context(), s, 1); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Try(ended, good, dealt(good, trial.Disjoint), trial.Disjoint, 1, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}
