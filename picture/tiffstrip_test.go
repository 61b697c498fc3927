package picture

import (
	"bytes"
	"errors"
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

// repeat has a directory of TIFF data follow itself.
func repeat(data []byte) {
	at, order := firstDirectory(data)
	copy(data[at+2+12*uint64(order.Uint16(data[at:])):], data[4:8])
}

func FuzzStripTIFF(f *testing.F) {
	for _, name := range []string{"said/orientation6.tif", "said/bigendian.tif", "tiled.tif"} {
		f.Add(open(f, name))
	}
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
