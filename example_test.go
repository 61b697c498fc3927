package ditas_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/picture"
)

// openRecording opens a recording of any kind. Its file stays open, as the recording is read from it later on.
func openRecording(name string) audio.File {
	recording, err := codec.OpenFile(name)
	if err != nil {
		log.Fatal(err)
	}
	return recording
}

func readPhoto() *picture.Planes {
	file, err := os.Open("cmd/ditas/demo/photo.png")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	photo, err := picture.Decode(file)
	if err != nil {
		log.Fatal(err)
	}
	return photo
}

// hidden returns a recording with a photograph of 48×48 pixels in it.
func hidden(key ditas.Key) audio.File {
	var stego bytes.Buffer
	cover := openRecording("cmd/ditas/demo/speech.wav")
	_, err := ditas.Hide(context.Background(), &stego, cover, readPhoto().Thumbnail(48), key, ditas.HideOptions{})
	if err != nil {
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
	key, err := ditas.Passphrase("correct horse", nil)
	if err != nil {
		log.Fatal(err)
	}
	cover := openRecording("cmd/ditas/demo/speech.wav")
	var stego bytes.Buffer // or a file
	report, err := ditas.Hide(context.Background(), &stego, cover, readPhoto(), key, ditas.HideOptions{Strength: ditas.SNR(45), Fit: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d×%d pixels, exact: %t\n", report.Width, report.Height, report.Exact)
	fmt.Printf("the change is %.0f dB below the recording\n", report.SNR)
	// Output:
	// 192×128 pixels, exact: true
	// the change is 50 dB below the recording
}

// An MP3 file serves as a cover too. What comes out of it is a FLAC file.
func ExampleHide_mp3() {
	cover := openRecording("audio/mp3/testdata/joint.mp3")
	var stego bytes.Buffer
	report, err := ditas.Hide(context.Background(), &stego, cover, readPhoto().Thumbnail(24), ditas.Public(), ditas.HideOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d×%d pixels; it became %s\n", report.Width, report.Height, report.Becomes)
	// Output: 24×24 pixels; it became FLAC (44100 Hz, 2 channels, 16-bit), without its tags
}

// The picture comes back from the recording and the passphrase alone.
func ExampleReveal() {
	key, err := ditas.Passphrase("correct horse", nil)
	if err != nil {
		log.Fatal(err)
	}
	stego := hidden(key)
	revealed, report, err := ditas.Reveal(context.Background(), stego, key, ditas.RevealOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d×%d pixels, complete: %t, exact: %t\n", revealed.Width, revealed.Height, report.Complete, report.Exact)
	if err := revealed.Encode(io.Discard, picture.PNG); err != nil {
		log.Fatal(err)
	}
	// Output: 48×48 pixels, complete: true, exact: true
}

// Files go in and out under their names, and nothing half written stays behind.
func ExampleHideFile() {
	folder, err := os.MkdirTemp("", "ditas-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	ctx, key := context.Background(), ditas.Public()
	stego, photo := filepath.Join(folder, "stego.wav"), filepath.Join(folder, "photo.png")
	if _, err := ditas.HideFile(ctx, stego, "cmd/ditas/demo/speech.wav", "cmd/ditas/demo/photo.png", key, ditas.HideOptions{}); err != nil {
		log.Fatal(err)
	}
	report, err := ditas.RevealFile(ctx, photo, stego, key, ditas.RevealOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d×%d pixels, exact: %t\n", report.Width, report.Height, report.Exact)
	// Output: 192×128 pixels, exact: true
}

// Inspect tells what there is for a key.
func ExampleInspect() {
	stego := hidden(ditas.Public())
	report, err := ditas.Inspect(context.Background(), stego, ditas.Public(), ditas.RevealOptions{})
	if errors.Is(err, ditas.ErrNothingFound) {
		fmt.Println("nothing, or it takes a passphrase")
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
	fmt.Println("all stages arrived:", whole == len(report.Stages))
	// Output:
	// lattice, 48×48 pixels
	// all stages arrived: true
}

// A survey knows what a recording can take before anything is hidden in it, and hides without reading it all again.
func ExampleNewSurvey() {
	cover := openRecording("cmd/ditas/demo/speech.wav")
	survey, err := ditas.NewSurvey(context.Background(), cover, ditas.SurveyOptions{})
	if err != nil {
		log.Fatal(err)
	}
	capacity, err := survey.Capacity(ditas.Strength{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("a square picture of %d pixels a side, or less\n", capacity.Side/100*100)
	width, height := capacity.Fit(4000, 3000)
	fmt.Println("4000×3000 pixels fit:", width == 4000 && height == 3000)
	// Output:
	// a square picture of 1600 pixels a side, or less
	// 4000×3000 pixels fit: false
}
