package codestream_test

import (
	"context"
	"fmt"

	"ditas/internal/codestream"
	"ditas/picture"
)

// A picture is coded once; how much of it arrives decides how good it is.
func Example() {
	ctx := context.Background()
	ramp := picture.New(64, 64)
	for c, plane := range ramp.Pix {
		for i := range plane {
			plane[i] = float32(i%64*(c+1)+i/64) / 255
		}
	}
	stream, complete, err := codestream.Encode(ctx, ramp, codestream.EncodeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(complete)
	for _, n := range []int{20, len(stream)} {
		p, info, err := codestream.Decode(ctx, stream[:n], codestream.DecodeOptions{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.Width, p.Height, info.Complete)
	}
	// Output:
	// true
	// 64 64 false
	// 64 64 true
}
