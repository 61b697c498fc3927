package ditas_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/picture"
)

// openFile opens a recording. Its file stays open, as the recording is read from it later on.
func openFile(name string) audio.File {
	file, err := os.Open(name)
	if err != nil {
		log.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		log.Fatal(err)
	}
	recording, err := codec.Open(file, info.Size())
	if err != nil {
		log.Fatal(err)
	}
	return recording
}

// hidden returns a recording with a photograph of 48×48 pixels in it.
func hidden(passphrase string) audio.File {
	file, err := os.Open("cmd/ditas/demo/photo.png")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	photo, err := picture.Decode(file)
	if err != nil {
		log.Fatal(err)
	}
	var stego bytes.Buffer
	cover := openFile("cmd/ditas/demo/speech.wav").(audio.Rewriter)
	if _, err := ditas.Hide(context.Background(), &stego, cover, photo.Thumbnail(48), ditas.HideOptions{Passphrase: passphrase}); err != nil {
		log.Fatal(err)
	}
	recording, err := codec.Open(bytes.NewReader(stego.Bytes()), int64(stego.Len()))
	if err != nil {
		log.Fatal(err)
	}
	return recording
}

// A photograph goes into a recording of speech. With Fit it is scaled down if there is too little room.
func ExampleHide() {
	photo, err := os.Open("cmd/ditas/demo/photo.png")
	if err != nil {
		log.Fatal(err)
	}
	defer photo.Close()
	secret, err := picture.Decode(photo)
	if err != nil {
		log.Fatal(err)
	}
	cover := openFile("cmd/ditas/demo/speech.wav")
	rewriter, ok := cover.(audio.Rewriter)
	if !ok {
		log.Fatal("not a WAV or FLAC file: audio.Convert makes one of it")
	}
	var stego bytes.Buffer // or a file
	report, err := ditas.Hide(context.Background(), &stego, rewriter, secret, ditas.HideOptions{Passphrase: "correct horse", SNR: 45, Fit: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d×%d pixels, exact: %t\n", report.Width, report.Height, report.Exact)
	fmt.Printf("the change is %.0f dB below the recording\n", report.SNR)
	// Output:
	// 192×128 pixels, exact: true
	// the change is 45 dB below the recording
}

// The picture comes back from the recording and the passphrase alone.
func ExampleReveal() {
	stego := hidden("correct horse")
	revealed, report, err := ditas.Reveal(context.Background(), stego, ditas.RevealOptions{Passphrase: "correct horse"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d×%d pixels, complete: %t, exact: %t\n", revealed.Width, revealed.Height, report.Complete(), report.Exact)
	if err := revealed.Encode(io.Discard, picture.PNG); err != nil {
		log.Fatal(err)
	}
	// Output: 48×48 pixels, complete: true, exact: true
}

// Inspect tells what there is for a passphrase.
func ExampleInspect() {
	stego := hidden("correct horse")
	report, err := ditas.Inspect(context.Background(), stego, ditas.RevealOptions{Passphrase: "correct horse"})
	if errors.Is(err, ditas.ErrNothingFound) {
		fmt.Println("nothing, or it takes another passphrase")
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	whole := 0
	for _, s := range report.Stages {
		if s.Arrived == s.Blocks {
			whole++
		}
	}
	fmt.Printf("%s, %d×%d pixels\n", report.Method, report.Width, report.Height)
	fmt.Println("all stages arrived:", whole == len(report.Stages), "all frames:", report.Arrived == report.Frames)
	// Output:
	// lattice, 48×48 pixels
	// all stages arrived: true all frames: true
}

// What a recording can take is known before anything is hidden in it.
func ExampleCapacity() {
	cover := openFile("cmd/ditas/demo/speech.wav")
	capacity, err := ditas.Capacity(context.Background(), cover, ditas.CapacityOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("a square picture of %d pixels a side, or less\n", capacity.Side/100*100)
	width, height := capacity.Fit(4000, 3000)
	fmt.Println("4000×3000 pixels fit:", width == 4000 && height == 3000)
	// Output:
	// a square picture of 1000 pixels a side, or less
	// 4000×3000 pixels fit: false
}
