package keystream_test

import (
	"fmt"

	"ditas/internal/keystream"
)

// Whoever has the key draws the same numbers for the same purpose.
func Example() {
	key, err := keystream.FromPassphrase("correct horse battery staple", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	sender, receiver := keystream.New(key, "frame 7"), keystream.New(key, "frame 7")
	fmt.Println(sender.Dither() == receiver.Dither())
	fmt.Println(keystream.New(key, "frame 8").Dither() == keystream.New(keystream.Public(), "frame 8").Dither())
	// Output:
	// true
	// false
}

// A code under one label says nothing about one under another.
func ExampleKey_MAC() {
	code := keystream.Public().MAC("example", []byte("what is to be authenticated"))
	fmt.Printf("%x\n", code[:6])
	// Output: 6db95942ac8e
}
