package codec_test

import (
	"fmt"

	"ditas/audio/codec"
	"ditas/audio/resample"
)

// Any recording as mono at 8 kHz.
func ExampleReadFile() {
	rec, err := codec.ReadFile("../sphere/testdata/timit.sph")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rec.Format)
	rec, err = resample.Recording(rec.Mono(), 8000)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rec.Format, rec.Frames())
	// Output:
	// 16000 Hz, mono, 16-bit
	// 8000 Hz, mono, 16-bit 49
}

// An MP3 file as a recording that can be written: as FLAC, since the name says so.
func ExampleCover() {
	recording, err := codec.OpenFile("../mp3/testdata/joint.mp3")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer recording.Close()
	cover, format, err := codec.Cover(recording, codec.CoverOptions{Name: "stego.flac"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(format, cover.Format())
	// Output: FLAC 44100 Hz, 2 channels, 16-bit
}
