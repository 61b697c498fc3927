package ditas_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ditas"
	"ditas/report"
)

// Who has given up does not wait for a picture to be read, and nothing is written.
func TestHideFileStops(t *testing.T) {
	dir := t.TempDir()
	secret, cover, stego := filepath.Join(dir, "secret.png"), filepath.Join(dir, "cover.wav"), filepath.Join(dir, "stego.wav")
	if err := os.WriteFile(secret, []byte("whoever reads this finds that it is no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ditas.HideFile(ctx, stego, cover, secret, ditas.Public(), ditas.HideOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(stego); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the output: %v", err)
	}
}

// RevealFile tells how far the picture is written, and stops in the middle of that.
func TestRevealFileStops(t *testing.T) {
	dir := t.TempDir()
	stego, secret := filepath.Join(dir, "stego.wav"), filepath.Join(dir, "secret.png")
	hidden, _ := hide(t, music(t, mono, 4), scene(64, 48), ditas.Public(), ditas.HideOptions{})
	if err := os.WriteFile(stego, hidden, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, stopAt := range []int{-1, 0, 20} {
		ctx, cancel := context.WithCancel(t.Context())
		var phases []report.Phase
		last, end := 0, 0
		_, err := ditas.RevealFile(ctx, secret, stego, ditas.Public(), ditas.RevealOptions{Progress: func(p report.Phase, done, total int) {
			if !slices.Contains(phases, p) {
				phases, last = append(phases, p), 0
			}
			if done < last || phases[len(phases)-1] != p {
				t.Errorf("%s from %d to %d after %v", p, last, done, phases)
			}
			last, end = done, total
			if p == report.Converting && done == stopAt {
				cancel()
			}
		}})
		cancel()
		if phases[len(phases)-1] != report.Converting {
			t.Errorf("phases %v: the picture is written unseen", phases)
		}
		_, missing := os.Stat(secret)
		if stopAt >= 0 {
			if !errors.Is(err, context.Canceled) || missing == nil {
				t.Errorf("stopped at row %d: %v, the output %v", stopAt, err, missing)
			}
			continue
		}
		if err != nil || missing != nil || last != end || end != 48 {
			t.Errorf("ended at %d of %d: %v, %v", last, end, err, missing)
		}
		if err := os.Remove(secret); err != nil {
			t.Fatal(err)
		}
	}
}

// Looking for what is not there is seen to move, by each method alone and by all of them.
func TestProgressOfSearching(t *testing.T) {
	seconds, least := 6.0, 3
	if testing.Short() {
		seconds, least = 1, 1
	}
	cover := music(t, mono, seconds)
	for _, m := range append(ditas.Methods(), ditas.Method{}) {
		var seen []int
		most := 0
		_, _, err := ditas.Reveal(t.Context(), open(t, cover), ditas.Public(), ditas.RevealOptions{
			Method: m.Name,
			Progress: func(p report.Phase, done, total int) {
				if p == report.Searching {
					seen, most = append(seen, done), total
				}
			},
		})
		if !errors.Is(err, ditas.ErrNothingFound) {
			t.Fatal(err)
		}
		if len(seen) < least || !slices.IsSorted(seen) || seen[len(seen)-1] != most {
			t.Errorf("method %q: %v of %d", m.Name, seen, most)
		}
	}
}

// Whoever gives up a search is told so, not that nothing was found.
func TestSearchStops(t *testing.T) {
	cover := music(t, mono, 2)
	for _, m := range ditas.Methods() {
		ctx, cancel := context.WithCancel(t.Context())
		_, _, err := ditas.Reveal(ctx, open(t, cover), ditas.Public(), ditas.RevealOptions{
			Method: m.Name, Progress: func(report.Phase, int, int) { cancel() },
		})
		if cancel(); !errors.Is(err, context.Canceled) || errors.Is(err, ditas.ErrNothingFound) {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}
