package flac_test

import (
	"bytes"
	"fmt"
	"log"
	"os"

	"ditas/audio"
	"ditas/audio/flac"
)

// A new file from samples in memory, and back.
func Example() {
	rec := &audio.Recording{
		Format:  audio.Format{Rate: 8000, Channels: 2, Encoding: audio.Int16},
		Samples: [][]float64{{0, 0.25, 0.5, 2}, {0, -0.25, -0.5, -2}},
	}
	var file bytes.Buffer
	if err := flac.Encode(&file, rec); err != nil {
		log.Fatal(err)
	}
	rec, err := flac.Decode(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rec.Format)
	fmt.Println(rec.Samples)
	// Output:
	// 8000 Hz, 2 channels, 16-bit
	// [[0 0.25 0.5 0.999969482421875] [0 -0.25 -0.5 -1]]
}

// A copy whose first samples are silent, with its tags and pictures as they were.
func ExampleFile_Rewrite() {
	src, err := os.ReadFile("testdata/tags.flac")
	if err != nil {
		log.Fatal(err)
	}
	file, err := flac.Open(bytes.NewReader(src), int64(len(src)))
	if err != nil {
		log.Fatal(err)
	}
	var dst bytes.Buffer
	w, err := file.Rewrite(&dst)
	if err != nil {
		log.Fatal(err)
	}
	if err := w.Write(audio.NewBlock(file.Format().Channels, 100)); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(file.Frames(), "sample frames of", file.Format())
	fmt.Println(bytes.Contains(dst.Bytes(), []byte("TITLE=A Noise")))
	// Output:
	// 3001 sample frames of 44100 Hz, mono, 16-bit
	// true
}
