package turbo_test

import (
	"bytes"
	"fmt"

	"ditas/internal/fec/turbo"
)

func Example() {
	message := bytes.Repeat([]byte{1, 0, 0, 1, 1, 1, 0, 1}, 10)
	code, err := turbo.New(len(message))
	if err != nil {
		fmt.Println(err)
		return
	}
	word := make([]byte, code.Len())
	code.Encode(word, message)

	// Send 240 of the 418 positions, rate 1/3. The first 60 and every fourth one get lost, every ninth arrives wrong.
	likelihoods := make([]float32, code.Len())
	for i := range 240 {
		switch l := 2*float32(word[i]) - 1; {
		case i < 60 || i%4 == 0:
		case i%9 == 0:
			likelihoods[i] = -l
		default:
			likelihoods[i] = 3 * l
		}
	}

	received := make([]byte, code.K())
	ok := turbo.NewDecoder(code).Decode(received, likelihoods, 10, func(info []byte) bool {
		return bytes.Equal(info, message) // in earnest, a checksum
	})
	fmt.Println(ok)
	// Output: true
}
