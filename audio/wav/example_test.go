package wav_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"

	"ditas/audio"
	"ditas/audio/wav"
)

// A new file from samples in memory, and back.
func Example() {
	rec := &audio.Recording{
		Format:  audio.Format{Rate: 8000, Channels: 2, Encoding: audio.Int16},
		Samples: [][]float64{{0, 0.25, 0.5, 2}, {0, -0.25, -0.5, -2}},
	}
	var file bytes.Buffer
	if err := wav.Encode(&file, rec); err != nil {
		log.Fatal(err)
	}
	rec, err := wav.Decode(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rec.Format)
	fmt.Println(rec.Samples)
	// Output:
	// 8000 Hz, 2 channels, 16-bit
	// [[0 0.25 0.5 0.999969482421875] [0 -0.25 -0.5 -1]]
}

// A copy at half the volume, block by block, with all chunks that are not samples as they were.
func ExampleFile_Rewrite() {
	src, err := os.Open("testdata/chunks.wav")
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		log.Fatal(err)
	}
	file, err := wav.Open(src, info.Size())
	if err != nil {
		log.Fatal(err)
	}

	var dst bytes.Buffer
	w, err := file.Rewrite(&dst)
	if err != nil {
		log.Fatal(err)
	}
	r := file.Reader()
	block := audio.NewBlock(file.Format().Channels, 4096)
	part := make([][]float64, len(block))
	for {
		n, err := r.Read(block)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		for c := range block {
			part[c] = block[c][:n]
			for i := range part[c] {
				part[c][i] /= 2
			}
		}
		if err := w.Write(part); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(file.Frames(), "frames of", file.Format())
	fmt.Println(int64(dst.Len()) == info.Size(), bytes.Contains(dst.Bytes(), []byte("a description")))
	// Output:
	// 97 frames of 11025 Hz, mono, 8-bit
	// true true
}
