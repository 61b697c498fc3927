package ditas_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ditas"
	"ditas/internal/racetest"
	"ditas/picture"
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

// keyFor returns a key that a method takes.
func keyFor(t *testing.T, m ditas.Method) ditas.Key {
	if m.SecretOnly {
		return passphrase(t, "x")
	}
	return ditas.Public()
}

// Looking for what is not there is seen to move, by each method alone and by all of them.
func TestProgressOfSearching(t *testing.T) {
	racetest.Skip(t)
	seconds, least := 6.0, 3
	if testing.Short() {
		seconds, least = 1, 1
	}
	cover := music(t, mono, seconds)
	for _, m := range append(ditas.Methods(), ditas.Method{}) {
		var seen []int
		most := 0
		_, _, err := ditas.Reveal(t.Context(), open(t, cover), keyFor(t, m), ditas.RevealOptions{
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
		_, _, err := ditas.Reveal(ctx, open(t, cover), keyFor(t, m), ditas.RevealOptions{
			Method: m.Name, Progress: func(report.Phase, int, int) { cancel() },
		})
		if cancel(); !errors.Is(err, context.Canceled) || errors.Is(err, ditas.ErrNothingFound) {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

// A picture's own file goes from folder to folder by name, byte for byte, and a picture of another format is made of it where that is wanted.
func TestFilesByName(t *testing.T) {
	racetest.Skip(t)
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	photo, decoded := photograph(t, 120, 90)
	for name, data := range map[string][]byte{"beach.jpg": photo.Data, "wrong.png": photo.Data, "cover.wav": music(t, mono, 5)} {
		if err := os.WriteFile(in(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := ditas.HideFile(t.Context(), in("stego.wav"), in("cover.wav"), in("beach.jpg"), ditas.Public(), ditas.HideOptions{})
	if err != nil || r.File == nil || r.File.Name != "beach.jpg" {
		t.Fatalf("%+v, %v", r, err)
	}
	for name, same := range map[string]bool{"one.jpg": true, "two.jpeg": true, "three.png": false} {
		if _, err := ditas.RevealFile(t.Context(), in(name), in("stego.wav"), ditas.Public(), ditas.RevealOptions{}); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(in(name))
		if err != nil || bytes.Equal(got, photo.Data) != same {
			t.Errorf("%s: the file itself %t, %v", name, !same, err)
		}
		p, err := picture.Decode(bytes.NewReader(got))
		if err != nil || psnr(t, decoded, p) < 100 {
			t.Errorf("%s: another picture, %v", name, err)
		}
	}
	// What a file is follows from what is in it, not from its name.
	if _, err := ditas.HideFile(t.Context(), in("misnamed.wav"), in("cover.wav"), in("wrong.png"), ditas.Public(), ditas.HideOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, same := range map[string]bool{"five.jpg": true, "six.png": false} {
		if _, err := ditas.RevealFile(t.Context(), in(name), in("misnamed.wav"), ditas.Public(), ditas.RevealOptions{}); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(in(name)); err != nil || bytes.Equal(got, photo.Data) != same {
			t.Errorf("%s: the file itself %t, %v", name, !same, err)
		}
	}
	if _, err := ditas.RevealFile(t.Context(), in("four.pdf"), in("stego.wav"), ditas.Public(), ditas.RevealOptions{}); err == nil {
		t.Error("a photograph was written as PDF")
	}
	text := &ditas.File{Name: "letter.txt", Data: []byte("Dear Anna")}
	stego, _ := hide(t, music(t, mono, 2), nil, ditas.Public(), ditas.HideOptions{File: text})
	if err := os.WriteFile(in("letter.wav"), stego, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ditas.RevealFile(t.Context(), in("any.name"), in("letter.wav"), ditas.Public(), ditas.RevealOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(in("any.name")); err != nil || !bytes.Equal(got, text.Data) {
		t.Errorf("%q, %v", got, err)
	}
}
