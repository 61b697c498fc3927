// Command example hides a picture in a recording and reveals it again: the program of docs/TUTORIAL.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"ditas"
	"ditas/report"
)

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	key, err := ditas.Passphrase("six words drawn by throwing dice", nil)
	if err != nil {
		log.Fatal(err)
	}
	// The change is 45 dB below the recording. A picture that does not fit is scaled down.
	hide := ditas.HideOptions{Strength: ditas.SNR(45), Fit: true}
	hidden, err := ditas.HideFile(ctx, "stego.wav", "speech.wav", "photo.png", key, hide)
	var short *report.TooShortError
	if errors.As(err, &short) {
		log.Fatalf("the recording should last %v", short.Need)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("hidden in %d stages, SNR %.1f dB\n", len(hidden.Stages), hidden.SNR)

	reveal := ditas.RevealOptions{Progress: func(phase report.Phase, done, total int) {
		if done == total {
			fmt.Println("done with", phase)
		}
	}}
	revealed, err := ditas.RevealFile(ctx, "revealed.png", "stego.wav", key, reveal)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("revealed %d×%d pixels, exact: %t\n", revealed.Width, revealed.Height, revealed.Exact)
}
