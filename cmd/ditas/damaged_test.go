package main

import (
	"errors"
	"strings"
	"testing"

	"ditas"
)

// Whoever finds nothing in a file that is damaged learns that it is.
func TestNothingInDamaged(t *testing.T) {
	for name, want := range map[string]bool{"whole.flac": false, "one-bit-flipped.flac": true} {
		path, _ := caseFile(t, name)
		r, err := openRecording(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		_, err = ditas.Inspect(t.Context(), r, ditas.Public(), ditas.RevealOptions{Method: "durable"})
		if !errors.Is(err, ditas.ErrNothingFound) || strings.Contains(err.Error(), "are damaged") != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
