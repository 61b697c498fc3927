// Command example hides a picture in a recording and reveals it again: the program of docs/TUTORIAL.md.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/picture"
)

const passphrase = "six words drawn by throwing dice"

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	if err := hide(ctx, "photo.png", "speech.wav", "stego.wav"); err != nil {
		log.Fatal(err)
	}
	if err := reveal(ctx, "stego.wav", "revealed.png"); err != nil {
		log.Fatal(err)
	}
}

func hide(ctx context.Context, photo, speech, stego string) error {
	f, err := os.Open(photo)
	if err != nil {
		return err
	}
	defer f.Close()
	secret, err := picture.Decode(f)
	if err != nil {
		return err
	}
	recording, err := open(speech)
	if err != nil {
		return err
	}
	// WAV and FLAC files are written as they were read, but for the samples; audio.Convert makes one of any other.
	cover, ok := recording.(audio.Rewriter)
	if !ok {
		return fmt.Errorf("%s: want a WAV or FLAC file", speech)
	}
	var out bytes.Buffer
	report, err := ditas.Hide(ctx, &out, cover, secret, ditas.HideOptions{Passphrase: passphrase})
	if err != nil {
		return err
	}
	fmt.Printf("hidden in %d stages, SNR %.1f dB\n", len(report.Stages), report.SNR)
	return os.WriteFile(stego, out.Bytes(), 0o666)
}

func reveal(ctx context.Context, stego, photo string) error {
	recording, err := open(stego)
	if err != nil {
		return err
	}
	revealed, report, err := ditas.Reveal(ctx, recording, ditas.RevealOptions{Passphrase: passphrase})
	if err != nil {
		return err
	}
	fmt.Printf("revealed %d×%d pixels, exact: %t\n", report.Width, report.Height, report.Exact)
	var out bytes.Buffer
	if err := revealed.Encode(&out, picture.PNG); err != nil {
		return err
	}
	return os.WriteFile(photo, out.Bytes(), 0o666)
}

// open reads a recording of any kind into memory; codec.Open reads from a file as well.
func open(name string) (audio.File, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return codec.Open(bytes.NewReader(data), int64(len(data)))
}
