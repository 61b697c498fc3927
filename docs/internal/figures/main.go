// Command figures draws the figures of README.md and docs/METHOD.md.
//
//	go run ./docs/internal/figures
//
// Everything in them that looks measured is: the demo's photograph is hidden in the demo's speech, whose licences allow to show them
// (cmd/ditas/demo/ATTRIBUTION.md), and what happens to it is read off. Random bytes of recordings have seeds, so that the drawings are
// the same in every run.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/picture"
	"ditas/report"
)

func main() {
	log.SetFlags(0)
	demo := flag.String("demo", "cmd/ditas/demo", "folder of photo.png and speech.wav")
	out := flag.String("out", "docs/figures", "folder to write to")
	flag.Parse()
	if err := run(context.Background(), *demo, *out); err != nil {
		log.Fatal("figures: ", err)
	}
}

func run(ctx context.Context, demo, out string) error {
	photo, err := os.ReadFile(filepath.Join(demo, "photo.png"))
	if err != nil {
		return err
	}
	secret, err := picture.Decode(bytes.NewReader(photo))
	if err != nil {
		return err
	}
	cover, err := codec.ReadFile(filepath.Join(demo, "speech.wav"))
	if err != nil {
		return err
	}
	files := map[string]func(w io.Writer) error{"lattice.svg": drawLattice, "frame.svg": drawFrame}
	if err := show(ctx, secret, cover, files); err != nil {
		return err
	}
	if err := climb(ctx, secret, cover, files); err != nil {
		return err
	}
	for name, write := range files {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(out, name), b.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// file returns a recording as a file that can be read and rewritten.
func file(r *audio.Recording) (audio.Rewriter, error) {
	var b bytes.Buffer
	if err := wav.Encode(&b, r); err != nil {
		return nil, err
	}
	return wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// hide hides a picture as ditas hide does unless told otherwise, but for random bytes that follow from a seed.
func hide(ctx context.Context, secret *picture.Planes, cover *audio.Recording, seed byte) (*audio.Recording, *report.Hide, error) {
	f, err := file(cover)
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	hidden, err := ditas.Hide(ctx, &b, f, secret, ditas.Public(), ditas.HideOptions{Random: rand.NewChaCha8([32]byte{seed})})
	if err != nil {
		return nil, nil, err
	}
	stego, err := wav.Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
	return stego, hidden, err
}

// reveal reveals from what a file of a recording holds.
func reveal(ctx context.Context, stego *audio.Recording) (*picture.Planes, *report.Reveal, error) {
	f, err := file(stego)
	if err != nil {
		return nil, nil, err
	}
	return ditas.Reveal(ctx, f, ditas.Public(), ditas.RevealOptions{Method: ditas.Lattice})
}
