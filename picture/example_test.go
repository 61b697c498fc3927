package picture_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"ditas/picture"
)

func ExampleDecode() {
	file, err := os.Open("testdata/orientation6.jpg") // as a phone held upright stores it
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	photo, err := picture.Decode(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	secret := photo.Thumbnail(64)
	fmt.Printf("%d×%d becomes %d×%d\n", photo.Width, photo.Height, secret.Width, secret.Height)
	// Output: 19×12 becomes 64×64
}

func ExampleDecode_notAPicture() {
	_, err := picture.Decode(strings.NewReader("Dear diary,"))
	fmt.Println(errors.Is(err, picture.ErrFormat), err)
	// Output: true not a picture (PNG, JPEG, GIF, WebP, HEIC, AVIF, BMP or TIFF)
}

func ExamplePlanes_Tiles() {
	photo := picture.New(150, 100)
	tiles := photo.Tiles(64) // 3 columns, 2 rows
	back, err := picture.Join(tiles, photo.Width, photo.Height)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(tiles), back.Width, back.Height)
	// Output: 6 150 100
}

func ExamplePlanes_Encode() {
	format, err := picture.FormatOf("revealed.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer // or a temporary file that is renamed once it is complete
	if err := picture.New(64, 64).Encode(&file, format); err != nil {
		fmt.Println(err)
		return
	}
	back, err := picture.Decode(&file)
	fmt.Println(back.Width, back.Height, err)
	// Output: 64 64 <nil>
}
