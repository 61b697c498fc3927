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
