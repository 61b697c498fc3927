package drawing

import (
	"math"
	"testing"
)

func TestFormula(t *testing.T) {
	s := &Sheet{}
	plain, tilde, index := s.set(0, 0, 10, "S", false), s.set(0, 0, 10, "S~", false), s.set(0, 0, 10, "S~_i+1", false)
	if plain != tilde || index <= tilde+3 {
		t.Errorf("widths %g, %g and %g", plain, tilde, index)
	}
	if both := s.set(0, 0, 10, "S_1 = S_2", false); math.Abs(both-2*s.set(0, 0, 10, "S_1", false)-s.set(0, 0, 10, " = ", false)) > 1e-9 {
		t.Errorf("width %g", both)
	}
}
