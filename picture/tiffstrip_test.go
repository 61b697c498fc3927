package picture

import (
	"bytes"
	"errors"
	"image"
	"slices"
	"testing"
)

// A TIFF file is left alone where what is to go is a part of what is to stay, or where there are pictures that nobody follows.
func TestStripTIFFRefuses(t *testing.T) {
	const artist, subDirectories, strips, gps = 315, 330, 273, 34853
	for name, change := range map[string]func(data []byte, entry func(tag uint16) []byte){
		"the owner's name is in the picture": func(_ []byte, entry func(uint16) []byte) { copy(entry(artist)[8:], entry(strips)[8:]) },
		"the picture is in the owner's name": func(_ []byte, entry func(uint16) []byte) { copy(entry(strips)[8:], entry(artist)[8:]) },
		"positions are in the picture":       func(_ []byte, entry func(uint16) []byte) { copy(entry(gps)[8:], entry(strips)[8:]) },
		"positions are nowhere":              func(_ []byte, entry func(uint16) []byte) { copy(entry(gps)[8:], "\xff\xff\xff\xff") },
		"the directory is its own next":      func(data []byte, _ func(uint16) []byte) { repeat(data) },
		"an unknown type":                    func(_ []byte, entry func(uint16) []byte) { copy(entry(artist)[2:], "\x77\x77") },
	} {
		data := open(t, "said/orientation6.tif")
		at, order := firstDirectory(data)
		change(data, func(tag uint16) []byte {
			e := entry(data, order, at, tag)
			if e == nil {
				t.Fatalf("there is no tag %d", tag)
			}
			return e
		})
		if stripped, err := Strip(data); !errors.Is(err, ErrUnstripped) {
			t.Errorf("%s: %d bytes, %v", name, len(stripped), err)
		}
	}
	data := open(t, "said/orientation6.tif")
	at, order := firstDirectory(data)
	order.PutUint16(entry(data, order, at, artist), subDirectories)
	if _, err := Strip(data); !errors.Is(err, ErrUnstripped) {
		t.Errorf("pictures below the first one: %v", err)
	}
}

// Of a preview nothing is left, before the page that it is of or behind it; pages stay, and so do previews of nothing.
func TestStripTIFFPreviews(t *testing.T) {
	small, large := image.Pt(4, 3), image.Pt(40, 30)
	preview, page := []field{{newSubfileType, 1, ""}, {270, 0, "Anna's lake"}}, []field{{newSubfileType, 2, ""}}
	for name, c := range map[string]struct {
		sizes []image.Point
		more  [][]field
		left  []int // of sizes
	}{
		"behind":     {[]image.Point{large, small}, [][]field{nil, preview}, []int{0}},
		"in front":   {[]image.Point{small, large}, [][]field{preview, nil}, []int{1}},
		"between":    {[]image.Point{large, small, small, large}, [][]field{page, preview, preview, page}, []int{0, 3}},
		"of nothing": {[]image.Point{small, small}, [][]field{preview, preview}, []int{0, 1}},
		"old":        {[]image.Point{large, small}, [][]field{nil, {{subfileType, 2, ""}}}, []int{0}},
		"a mask":     {[]image.Point{large, large}, [][]field{nil, {{newSubfileType, 4, ""}}}, []int{0, 1}},
	} {
		data := tiffOf(c.sizes, c.more...)
		stripped, err := Strip(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(stripped) != len(data) || bytes.Contains(stripped, []byte("Anna")) {
			t.Errorf("%s: %d of %d bytes", name, len(stripped), len(data))
		}
		if list := directories(stripped); len(list) != len(c.left) {
			t.Errorf("%s: %d pictures are left, want %d", name, len(list), len(c.left))
		}
		for n, size := range c.sizes {
			pixels := bytes.Repeat([]byte{byte(n)}, size.X*size.Y)
			if left := slices.Contains(c.left, n); n > 0 && bytes.Contains(stripped, pixels) != left {
				t.Errorf("%s: the pixels of picture %d are left: %t", name, n, !left)
			}
		}
		want, err1 := Decode(bytes.NewReader(data))
		got, err2 := Decode(bytes.NewReader(stripped))
		if err1 != nil || err2 != nil || want.Width != got.Width || !slices.EqualFunc(got.Pix[:], want.Pix[:], slices.Equal) {
			t.Errorf("%s: looks different, %v, %v", name, err1, err2)
		}
	}
}

// repeat has a directory of TIFF data follow itself.
func repeat(data []byte) {
	at, order := firstDirectory(data)
	copy(data[at+2+12*uint64(order.Uint16(data[at:])):], data[4:8])
}

func FuzzStripTIFF(f *testing.F) {
	for _, name := range []string{"said/orientation6.tif", "said/bigendian.tif", "tiled.tif"} {
		f.Add(open(f, name))
	}
	f.Add(tiffOf([]image.Point{{X: 4, Y: 3}, {X: 8, Y: 6}, {X: 4, Y: 3}}, []field{{newSubfileType, 1, ""}}, nil, []field{{newSubfileType, 1, ""}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if k, err := sniff(data); err != nil || k.Name != "TIFF" {
			return
		}
		stripped, err := Strip(data)
		if err != nil {
			return
		}
		if len(stripped) != len(data) {
			t.Errorf("%d bytes became %d", len(data), len(stripped))
		}
		if again, err := Strip(stripped); err != nil || !bytes.Equal(again, stripped) {
			t.Errorf("stripped twice: %v", err)
		}
		if len(data) < 1<<12 {
			before, err1 := DecodeContext(t.Context(), bytes.NewReader(data), 1<<14)
			after, err2 := DecodeContext(t.Context(), bytes.NewReader(stripped), 1<<14)
			if err1 == nil && (err2 != nil || before.Width != after.Width || !bytes.Equal(before.Image().Pix, after.Image().Pix)) {
				t.Errorf("it looks different: %v", err2)
			}
		}
	})
}
