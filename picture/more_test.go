package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// says decodes a file and compares what was lost of it.
func says(t *testing.T, name string, data []byte, want ...string) *Planes {
	t.Helper()
	p, err := Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if !slices.Equal(p.Losses, want) {
		t.Errorf("%s: says %q, want %q", name, p.Losses, want)
	}
	return p
}

// A picture of one frame that is opaque and has 8 bits a channel loses nothing.
func TestNothingIsLost(t *testing.T) {
	for _, name := range []string{"rgb.png", "grey.png", "palette.png", "420.jpg", "rgb.jpg", "still.gif", "lossy.webp", "lossless.webp", "24.bmp", "raw.tif"} {
		says(t, name, open(t, name))
	}
	// An alpha channel without anything transparent is none.
	img := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	says(t, "opaque", encodedPNG(t, img))
}

// RGB does not tell which four channels there were, whether they are stored as CMYK or as YCCK.
func TestCMYK(t *testing.T) {
	const transform, ycck = 17, 2 // of the Adobe segment
	data := open(t, "cmyk.jpg")
	says(t, "CMYK", data, "its four channels (CMYK) became RGB")
	data[transform] = ycck
	says(t, "YCCK", data, "its four channels (CMYK) became RGB")
}

func encodedPNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTransparencyIsLost(t *testing.T) {
	for _, name := range []string{"rgba.png", "greyalpha.png", "transparent.png", "lossyalpha.webp", "losslessalpha.webp", "alpha.tif"} {
		says(t, name, open(t, name), lostTransparency)
	}
	// One pixel is enough.
	img := image.NewNRGBA(image.Rect(0, 0, 300, 200))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	img.SetNRGBA(299, 199, color.NRGBA{255, 255, 255, 254})
	says(t, "one pixel", encodedPNG(t, img), lostTransparency)
	says(t, "partial.gif", open(t, "partial.gif"), "only the first of its 2 frames was read", lostTransparency)
}

func TestFramesAreLost(t *testing.T) {
	for _, n := range []int{1, 2, 7} {
		var all gif.GIF
		for range n {
			all.Image = append(all.Image, image.NewPaletted(image.Rect(0, 0, 9, 7), color.Palette{color.White, color.Black}))
			all.Delay = append(all.Delay, 5)
		}
		var b bytes.Buffer
		if err := gif.EncodeAll(&b, &all); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			says(t, "a GIF", b.Bytes())
		} else {
			says(t, "a GIF", b.Bytes(), firstOf(n, "frames"))
		}
	}
	img := image.NewGray(image.Rect(0, 0, 3, 2))
	control := binary.BigEndian.AppendUint32(nil, 5)
	control = append(control, 0, 0, 0, 0)
	still := encodedPNG(t, img)
	animated := withChunk(t, img, "acTL", control...)
	says(t, "an APNG with another still picture", animated, "its animation was dropped, of 5 frames")
	frame := withChunk(t, img, "fcTL", make([]byte, 26)...)
	end := len(animated) - len(still) + 33 // of acTL
	says(t, "an APNG", slices.Concat(animated[:end], frame[33:]), "only the first of its 5 frames was read")
}

// Of an animated WebP file the first frame is read, where it is on the screen.
func TestAnimatedWebP(t *testing.T) {
	for name, test := range map[string]struct {
		tolerance int
		losses    []string
	}{
		"animated.webp": {0, []string{"only the first of its 2 frames was read"}},
		"offset.webp":   {2, []string{"only the first of its 2 frames was read", lostTransparency}},
	} {
		data := open(t, name)
		readPPM(t, name+".ppm").compare(t, says(t, name, data, test.losses...), test.tolerance)
		for _, n := range []int{60, 40, 25} {
			if _, err := Decode(bytes.NewReader(data[:n])); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
	}
}

// field is one of a TIFF directory, of a number or of text.
type field struct {
	tag    uint16
	number uint32
	text   string
}

// tiffOf makes a TIFF file of directories: grey pictures of 8 bits, each of its own width and height, with some entries more. The value of each
// pixel is the number of its directory.
func tiffOf(sizes []image.Point, more ...[]field) []byte {
	le := binary.LittleEndian
	b := []byte("II*\x00\x08\x00\x00\x00")
	for n, size := range sizes {
		list := []field{{256, uint32(size.X), ""}, {257, uint32(size.Y), ""}, {258, 8, ""}, {259, 1, ""}, {262, 1, ""}, {277, 1, ""},
			{278, uint32(size.Y), ""}, {279, uint32(size.X * size.Y), ""}, {273, 0, ""}}
		if n < len(more) {
			list = append(list, more[n]...)
		}
		slices.SortFunc(list, func(a, b field) int { return int(a.tag) - int(b.tag) })
		at := len(b) + 2 + 12*len(list) + 4
		pixels := bytes.Repeat([]byte{byte(n)}, size.X*size.Y)
		tail := slices.Clone(pixels)
		b = le.AppendUint16(b, uint16(len(list)))
		for _, e := range list {
			kind, count, value := uint16(4), uint32(1), e.number
			switch {
			case e.tag == 273:
				value = uint32(at)
			case e.text != "":
				kind, count, value = 2, uint32(len(e.text)), uint32(at+len(tail))
				tail = append(tail, e.text...)
			}
			b = le.AppendUint16(le.AppendUint16(b, e.tag), kind)
			b = le.AppendUint32(le.AppendUint32(b, count), value)
		}
		next := at + len(tail)
		if n == len(sizes)-1 {
			next = 0
		}
		b = append(le.AppendUint32(b, uint32(next)), tail...)
	}
	return b
}

func TestPagesAreLost(t *testing.T) {
	small, large := image.Pt(4, 3), image.Pt(40, 30)
	preview, page := []field{{newSubfileType, 1, ""}}, []field{{newSubfileType, 2, ""}}
	if p := says(t, "one page", tiffOf([]image.Point{large})); p.Width != 40 {
		t.Errorf("width %d", p.Width)
	}
	says(t, "three pages", tiffOf([]image.Point{large, small, large}, page, page, page), "only the first of its 3 pages was read")
	says(t, "a preview behind", tiffOf([]image.Point{large, small}, nil, preview))
	if p := says(t, "a preview in front", tiffOf([]image.Point{small, large}, preview, nil)); p.Width != 40 || p.Pix[0][0] != level[1] {
		t.Errorf("a preview in front: width %d, value %v", p.Width, p.Pix[0][0])
	}
	says(t, "a mask", tiffOf([]image.Point{large, large}, nil, []field{{newSubfileType, 4, ""}}))
	says(t, "an old preview", tiffOf([]image.Point{large, small}, nil, []field{{subfileType, 2, ""}}))
	// Directories that lead back to themselves end.
	loop := tiffOf([]image.Point{small, small})
	copy(loop[8+2+12*9:], "\x08\x00\x00\x00")
	says(t, "a loop", loop)
}

// What a camera saw begins as a TIFF file with a small preview does, and must not be taken for that.
func TestRawsAreNamed(t *testing.T) {
	small := []image.Point{{4, 3}}
	for name, test := range map[string]struct {
		entries []field
		kind    string
	}{
		"NEF":   {[]field{{newSubfileType, 1, ""}, {subdirectories, 8, ""}, {cameraMaker, 0, "NIKON CORPORATION\x00"}}, "NEF"},
		"ARW":   {[]field{{newSubfileType, 1, ""}, {subdirectories, 8, ""}, {cameraMaker, 0, "SONY\x00"}}, "ARW"},
		"DNG":   {[]field{{newSubfileType, 1, ""}, {subdirectories, 8, ""}, {cameraMaker, 0, "NIKON\x00"}, {dngVersion, 0x401, ""}}, "DNG"},
		"other": {[]field{{newSubfileType, 1, ""}, {subdirectories, 8, ""}, {cameraMaker, 0, "Hasselblad\x00"}}, "TIFF with camera raw data"},
	} {
		_, err := Decode(bytes.NewReader(tiffOf(small, test.entries)))
		var unread *UnreadError
		if !errors.As(err, &unread) || !strings.HasPrefix(unread.Kind.Name, test.kind) || !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// withSegment writes a JPEG file with a segment in front.
func withSegment(data []byte, marker byte, body string) []byte {
	segment := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2))
	return slices.Concat(data[:2], segment, []byte(body), data[2:])
}

// Of several views in a JPEG file the first is read, and that is said; gain maps and previews are no pictures.
func TestViewsAreLost(t *testing.T) {
	index := func(kinds ...uint32) string {
		be := binary.BigEndian
		b := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\xb0\x02\x00\x07")
		b = be.AppendUint32(be.AppendUint32(b, uint32(16*len(kinds))), 26)
		b = be.AppendUint32(b, 0)
		for _, k := range kinds {
			b = append(be.AppendUint32(b, k), make([]byte, 12)...)
		}
		return "MPF\x00" + string(b)
	}
	data := open(t, "420.jpg")
	for name, test := range map[string]struct {
		kinds []uint32
		want  []string
	}{
		"two eyes":          {[]uint32{0x020002, 0x020002}, []string{"only the first of its 2 pictures was read"}},
		"a panorama":        {[]uint32{0x030000, 0x020001, 0x020001}, []string{"only the first of its 3 pictures was read"}},
		"a gain map":        {[]uint32{0x030000, 0}, nil},
		"a depth map":       {[]uint32{0x20030000, 0}, nil},
		"a larger preview":  {[]uint32{0x030000, 0x010002}, nil},
		"without any entry": {nil, nil},
	} {
		says(t, name, withSegment(data, 0xe2, index(test.kinds...)), test.want...)
	}
}

// A profile of more than can be looked at is said to be dropped.
func TestLargeProfile(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 1, 1))
	img.Pix[3] = 255
	large := append(profileOf("large", p3, srgbCurve()), make([]byte, mostProfile)...)
	says(t, "a bomb", withProfile(t, img, large), "its colour profile (of more than 16 MB) was dropped, which ditas cannot convert")
}

// FuzzMore counts what else any file holds.
func FuzzMore(f *testing.F) {
	for _, name := range []string{"partial.gif", "raw.tif", "420.jpg", "animated.webp", "offset.webp"} {
		f.Add(open(f, name))
	}
	f.Add(tiffOf([]image.Point{{1, 1}, {2, 2}}, []field{{newSubfileType, 1, ""}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, more := range []func([]byte) string{gifFrames, pngFrames, jpegPictures, tiffPages} {
			if s := more(data); s != "" && !strings.HasPrefix(s, "only the first of its ") && !strings.HasPrefix(s, "its animation") {
				t.Fatal(s)
			}
		}
		if page := tiffPage(data); len(page) != len(data) {
			t.Fatalf("%d bytes become %d", len(data), len(page))
		}
		isRaw(data)
		if len(data) >= 12 {
			if frame, _ := webpFrame(data); frame != nil {
				webpStill(frame)
			}
		}
	})
}

// Each kind that is not read is recognized as such, and its advice says what to save.
func TestUnreadKinds(t *testing.T) {
	for _, k := range Known() {
		if k.Readable() != (k.Advice == "") || !k.Readable() && !strings.Contains(k.Advice, "PNG") || len(k.Extensions) == 0 {
			t.Errorf("%s: readable is %v, with the advice %q", k.Name, k.Readable(), k.Advice)
		}
		for _, m := range k.marks {
			head := append([]byte(strings.ReplaceAll(m, "?", "\x01")), make([]byte, 32)...)
			got, err := sniff(head)
			if err != nil || got.Name != k.Name {
				t.Errorf("%s: %q is %v, %v", k.Name, m, got, err)
			}
		}
		for _, other := range Known() {
			if other.Name == k.Name {
				continue
			}
			if i := slices.IndexFunc(other.Extensions, func(e string) bool { return slices.Contains(k.Extensions, e) }); i >= 0 {
				t.Errorf("%s and %s both end in %s", k.Name, other.Name, filepath.Ext(other.Extensions[i]))
			}
		}
	}
}
