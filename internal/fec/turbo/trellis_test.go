package turbo

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The fastest trellis of this processor says to the bit what the portable one says, of likelihoods of every size.
func TestTrellisesAgree(t *testing.T) {
	if _, ok := fastest().(portable); ok {
		t.Skip("there is only the portable one")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, steps := range []int{memory + 1, 43, 500, MaxK + memory} {
		for _, size := range []int{0, 1, 100, 2 * maxMetric} {
			draw := func() int32 { return int32(rng.IntN(2*size+1) - size) }
			input, branches := make([]int32, steps), make([][4]int32, steps)
			for i := range input {
				input[i] = draw()
				n0, n1 := draw()/2, draw()/2
				branches[i] = [4]int32{0, n0 + n1, n0, n1}
			}
			for _, by := range []correction{exact.correction, scaleFree.correction} {
				metrics := [2][][8]int32{make([][8]int32, steps), make([][8]int32, steps)}
				output := [2][]int32{make([]int32, steps-memory), make([]int32, steps-memory)}
				for i, trellis := range []trellis{portable{}, fastest()} {
					trellis.backward(metrics[i], input, branches, by)
					trellis.forward(output[i], metrics[i], input, branches, by)
				}
				if !slices.Equal(metrics[0], metrics[1]) || !slices.Equal(output[0], output[1]) {
					t.Errorf("%d steps, likelihoods up to %d, correction %d: differ", steps, size, by)
				}
			}
		}
	}
}

func BenchmarkTrellis(b *testing.B) {
	const steps = 8192
	for name, trellis := range map[string]trellis{"portable": portable{}, "fastest": fastest()} {
		b.Run(name, func(b *testing.B) {
			metrics, input, branches := make([][8]int32, steps), make([]int32, steps), make([][4]int32, steps)
			for b.Loop() {
				trellis.backward(metrics, input, branches, exact.correction)
				trellis.forward(input, metrics, input, branches, exact.correction)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/steps, "ns/step")
		})
	}
}
