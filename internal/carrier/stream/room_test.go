package stream

import (
	"testing"

	"ditas/internal/codestream"
	"ditas/report"
)

// Receivers decode the largest pictures that are hidden at their full size.
func TestLargestPictureIsAllowed(t *testing.T) {
	for bytes := 100; bytes < 1<<24; bytes += 1 + bytes/7 {
		if most, allowed := report.MostPixels(8*float64(bytes)), codestream.Allowed(bytes); most > float64(allowed) {
			t.Errorf("%d bytes are enough for %.0f pixels, of which receivers decode %d", bytes, most, allowed)
		}
	}
}
