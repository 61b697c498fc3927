package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"compress/zlib"
)

// TestKindsThatAreNotRead checks that an error names what a file is, and what to do.
func TestKindsThatAreNotRead(t *testing.T) {
	for head, name := range map[string]string{
		"\x00\x00\x00\x18ftypjxl \x00\x00\x00\x00mif1jxl ": "JPEG XL", "\xff\x0a\xfa\x7f\x01\x90\x08\x08": "JPEG XL",
		"\x00\x00\x00\x0cJXL \r\n\x87\n\x00\x00": "JPEG XL", "II*\x00\x10\x00\x00\x00CR\x02\x00": "CR2", "\x00\x00\x00\x18ftypcrx ": "CR3",
		"8BPS\x00\x01": "Photoshop", "\x00\x00\x00\x0cjP  \r\n\x87\n": "JPEG 2000",
	} {
		_, err := Decode(strings.NewReader(head))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "PNG") {
			t.Errorf("%q: %v, which does not name %s", head, err, name)
		}
		if !Recognize([]byte(head)) {
			t.Errorf("%q passes for no picture", head)
		}
	}
}

// TestRareFiles decodes files that are read as others read them, and has those that are not named.
func TestRareFiles(t *testing.T) {
	for name, says := range map[string]string{
		"iccp-bad-crc.png": "", "fill-order-2.tif": "FillOrder", "cmyk.tif": "CMYK", "rgb565.bmp": "16 bits a pixel", "rle8.bmp": "RLE8",
		"progressive-restart.jpg": "progressive JPEG with restart markers", "sampling-22-11-12.jpg": "JPEG of a rare kind (luma/chroma subsampling ratio) cannot be read by ditas",
	} {
		data, err := os.ReadFile(filepath.Join("testdata", "rare", name))
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(bytes.NewReader(data))
		switch {
		case says == "" && (err != nil || p.Width != 16 || p.Height != 12):
			t.Errorf("%s: %v", name, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "PNG")):
			t.Errorf("%s: error %v, which does not say %s", name, err, says)
		}
	}
}

// What TIFF files may have that is not read is named, without words of the decoder's.
func TestTIFFLimits(t *testing.T) {
	const bitsPerSample, compression, photometric, sampleFormat = 258, 259, 262, 339
	for _, c := range []struct {
		tag, is uint16 // what it becomes
		value   uint16
		says    string
	}{
		{compression, compression, 7, "TIFF compressed by JPEG cannot be read by ditas"},
		{compression, compression, 50000, "TIFF compressed by Zstandard cannot be read by ditas"},
		{compression, compression, 99, "TIFF of a rare kind (compression value 99) cannot be read by ditas"},
		{photometric, sampleFormat, 3, "TIFF with floating-point samples cannot be read by ditas"},
		{bitsPerSample, bitsPerSample, 32, "TIFF with 32 bits a channel cannot be read by ditas"},
	} {
		data := open(t, "grey.tif")
		at, order := firstDirectory(data)
		e := entry(data, order, at, c.tag)
		if e == nil {
			t.Fatalf("there is no tag %d", c.tag)
		}
		order.PutUint16(e, c.is)
		order.PutUint16(e[8:], c.value)
		_, err := Decode(bytes.NewReader(data))
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "unsupported feature") || !strings.Contains(err.Error(), "save it as PNG") {
			t.Errorf("tag %d is %d: %v", c.is, c.value, err)
		}
	}
}

// TestPlanarTIFF names pictures whose channels lie one behind the other, which would be decoded as noise.
func TestPlanarTIFF(t *testing.T) {
	const planarConfiguration, resolutionUnit = 284, 296
	var b bytes.Buffer
	if err := New(4, 4).Encode(&b, TIFF); err != nil {
		t.Fatal(err)
	}
	at, order := firstDirectory(b.Bytes())
	e := entry(b.Bytes(), order, at, resolutionUnit)
	order.PutUint16(e, planarConfiguration)
	order.PutUint16(e[8:], 2)
	if _, err := Decode(&b); err == nil || !strings.Contains(err.Error(), "TIFF with its channels one behind the other (planar) cannot be read by ditas") {
		t.Error(err)
	}
}

// TestOtherHEIF names what pictures are compressed by, whatever brand their file has, and reads what it reads under any.
func TestOtherHEIF(t *testing.T) {
	data := open(t, "heif/420.heic")
	for brand, says := range map[string][2]string{
		"avci": {"avc1", "AVC (H.264)"}, "j2ki": {"j2k1", "JPEG 2000"}, "vvic": {"vvc1", "VVC (H.266)"}, "jpeg": {"jpeg", "compressed by JPEG"},
		"unif": {"unci", "not compressed"}, "heif": {"hvc1", ""},
	} {
		other := bytes.Clone(data)
		copy(other[8:], brand)
		other = bytes.ReplaceAll(other, []byte("hvc1\x00"), []byte(says[0]+"\x00"))
		p, err := Decode(bytes.NewReader(other))
		switch {
		case says[1] == "" && (err != nil || p.Width == 0):
			t.Errorf("%s: %v", brand, err)
		case says[1] != "" && (err == nil || !strings.Contains(err.Error(), says[1]) || !strings.Contains(err.Error(), "PNG")):
			t.Errorf("%s: %v, want that it is %s", brand, err, says[1])
		}
		if !Recognize(other[:HeadSize]) {
			t.Errorf("%s passes for no picture", brand)
		}
	}
}

// TestJPEGWithoutEnd reads a picture that is whole without its last marker, says so, and refuses what lacks more.
func TestJPEGWithoutEnd(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * i)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := Decode(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	for _, missing := range []int{1, 2} {
		p, err := Decode(bytes.NewReader(b.Bytes()[:b.Len()-missing]))
		if err != nil || !slices.Equal(p.Pix[0], whole.Pix[0]) || !slices.Equal(p.Losses, []string{"the end of its file is missing"}) {
			t.Errorf("%d bytes are missing: %v", missing, err)
		}
	}
	for _, missing := range []int{20, 500, b.Len() / 2} {
		if _, err := Decode(bytes.NewReader(b.Bytes()[:b.Len()-missing])); !errors.Is(err, ErrTruncated) {
			t.Errorf("%d bytes are missing: %v", missing, err)
		}
	}
	// SOF9 in place of SOF0.
	if _, err := Decode(bytes.NewReader(bytes.Replace(b.Bytes(), []byte("\xff\xc0"), []byte("\xff\xc9"), 1))); err == nil ||
		!strings.Contains(err.Error(), "arithmetically coded JPEG cannot be read by ditas") {
		t.Error(err)
	}
}

// A file of Truevision is no icon, and an icon is none of theirs.
func TestTGA(t *testing.T) {
	size := "\x00\x00\x00\x00\x20\x00\x10\x00"
	for head, name := range map[string]string{
		"\x00\x00\x02\x00\x00\x00\x00\x00" + size + "\x18\x20":                                                   "TGA",
		"\x00\x00\x0a\x00\x00\x00\x00\x00" + size + "\x20\x08":                                                   "TGA",
		"\x05\x00\x03\x00\x00\x00\x00\x00" + size + "\x08\x00hello":                                              "TGA",
		"\x00\x01\x01\x00\x00\x00\x01\x18" + size + "\x08\x00":                                                   "TGA",
		"\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00\x68\x04\x00\x00\x16\x00\x00\x00":               "ICO",
		"\x00\x00\x02\x00\x01\x00\x20\x20\x00\x00\x00\x00\x00\x00\x68\x04\x00\x00\x16\x00\x00\x00" + "a pointer": "ICO",
	} {
		_, err := Decode(strings.NewReader(head + strings.Repeat("\x00", 100)))
		var unread *UnreadError
		if !errors.As(err, &unread) || unread.Kind.Name != name || unread.Kind.Advice != save {
			t.Errorf("%q: %v, want %s", head, err, name)
		}
	}
}

// profileOf makes an ICC profile of three primaries, given as XYZ of D50, and a curve.
func profileOf(name string, primaries [3][3]float64, trc []byte) []byte {
	be := binary.BigEndian
	type entry struct {
		tag  string
		body []byte
	}
	fixed := func(v float64) uint32 { return uint32(int32(math.Round(v * 65536))) }
	entries := []entry{{"desc", append(append([]byte("desc\x00\x00\x00\x00"), be.AppendUint32(nil, uint32(len(name)+1))...), name+"\x00"...)}}
	for i, c := range []string{"r", "g", "b"} {
		xyz := []byte("XYZ \x00\x00\x00\x00")
		for _, v := range primaries[i] {
			xyz = be.AppendUint32(xyz, fixed(v))
		}
		entries = append(entries, entry{c + "XYZ", xyz}, entry{c + "TRC", trc})
	}
	head := make([]byte, 128)
	copy(head[12:], "mntrRGB XYZ ")
	copy(head[36:], "acsp")
	table, body := be.AppendUint32(nil, uint32(len(entries))), []byte(nil)
	for _, e := range entries {
		table = append(table, e.tag...)
		table = be.AppendUint32(table, uint32(132+12*len(entries)+len(body)))
		table = be.AppendUint32(table, uint32(len(e.body)))
		body = append(body, e.body...)
	}
	return append(append(head, table...), body...)
}

// srgbCurve is the curve of sRGB as a parametric curve of kind 3.
func srgbCurve() []byte {
	b := []byte("para\x00\x00\x00\x00\x00\x03\x00\x00")
	for _, v := range []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045} {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
	}
	return b
}

// Primaries of Display P3 and of sRGB, adapted to D50 (as in the profiles of Apple and of the ICC).
var (
	p3   = [3][3]float64{{0.51512, 0.24120, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.15710, 0.06657, 0.78407}}
	srgb = [3][3]float64{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.71410}}
)

// withProfile writes a PNG file with a profile.
func withProfile(t *testing.T, img image.Image, icc []byte) []byte {
	t.Helper()
	var b, z bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	w := zlib.NewWriter(&z)
	w.Write(icc)
	w.Close()
	body := append([]byte("iCCPprofile\x00\x00"), z.Bytes()...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	chunk = append(chunk, body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
	data := b.Bytes()
	return append(append(append([]byte(nil), data[:33]...), chunk...), data[33:]...)
}

// TestProfiles checks conversions to sRGB against the values of CSS Color 4, where display-p3(0.9176 0.2003 0.1386) and so on are the primaries
// of sRGB, and that what is sRGB anyway is left alone.
func TestProfiles(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 5, 1))
	for i, c := range [][3]float64{{0.9176, 0.2003, 0.1386}, {0.4584, 0.9853, 0.2983}, {0, 0, 0.9596}, {1, 1, 1}, {0.5, 0.5, 0.5}} {
		img.SetNRGBA(i, 0, color.NRGBA{uint8(c[0]*255 + .5), uint8(c[1]*255 + .5), uint8(c[2]*255 + .5), 255})
	}
	p, err := Decode(bytes.NewReader(withProfile(t, img, profileOf("Display P3", p3, srgbCurve()))))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 1}, {128. / 255, 128. / 255, 128. / 255}} {
		for c := range 3 {
			// Near 0 the curve is steep: a step of the file is some steps of what is linear.
			if got := float64(p.Pix[c][i]); math.Abs(got-want[c]) > 0.03 {
				t.Errorf("colour %d, channel %d: %.3f, want %.3f", i, c, got, want[c])
			}
		}
	}
	if len(p.Losses) != 1 || !strings.Contains(p.Losses[0], "Display P3") {
		t.Errorf("says %q", p.Losses)
	}
	plain := FromImage(img)
	lost := []string{"its colour profile (unreadable) was dropped, which ditas cannot convert"}
	damaged := withProfile(t, img, profileOf("Display P3", p3, srgbCurve()))
	damaged[70] ^= 1
	unpacked := bytes.Clone(damaged)
	size := int(binary.BigEndian.Uint32(unpacked[33:]))
	binary.BigEndian.PutUint32(unpacked[41+size:], crc32.ChecksumIEEE(unpacked[37:41+size]))
	for name, c := range map[string]struct {
		file []byte
		says []string
	}{
		"sRGB":           {withProfile(t, img, profileOf("sRGB", srgb, srgbCurve())), nil},
		"no profile":     {withProfile(t, img, []byte("no profile")), lost},
		"damaged":        {damaged, lost},
		"not compressed": {unpacked, lost},
	} {
		q, err := Decode(bytes.NewReader(c.file))
		if err != nil || !slices.Equal(q.Losses, c.says) {
			t.Fatalf("%s: %v, error %v", name, q, err)
		}
		for channel := range 3 {
			for i, v := range q.Pix[channel] {
				if v != plain.Pix[channel][i] {
					t.Errorf("%s changes a value", name)
				}
			}
		}
	}
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, img, nil); err != nil {
		t.Fatal(err)
	}
	with := slices.Concat(photo.Bytes()[:2], []byte("\xff\xe2\x00\x1aICC_PROFILE\x00\x01\x01no profile"), photo.Bytes()[2:])
	if q, err := Decode(bytes.NewReader(with)); err != nil || !slices.Equal(q.Losses, lost) {
		t.Errorf("JPEG: %v, error %v", q, err)
	}
	// Adobe RGB's curve is the power 563/256; grey stays grey.
	gamma := []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01\x02\x33")
	q, err := Decode(bytes.NewReader(withProfile(t, img, profileOf("a gamma", srgb, gamma))))
	if err != nil {
		t.Fatal(err)
	}
	want := encoded(math.Pow(128./255, 563./256))
	for c := range 3 {
		if got := float64(q.Pix[c][4]); math.Abs(got-want) > 0.003 {
			t.Errorf("grey becomes %.4f, want %.4f", got, want)
		}
	}
	// Tables are not converted, and that is said.
	tables := profileOf("a printer", p3, srgbCurve())
	copy(tables[16:], "CMYK")
	if q, err = Decode(bytes.NewReader(withProfile(t, img, tables))); err != nil || len(q.Losses) != 1 || !strings.Contains(q.Losses[0], "a printer") {
		t.Errorf("says %q, error %v", q.Losses, err)
	}
}

// withChunk writes a PNG file with a chunk in front of its pixels.
func withChunk(t *testing.T, img image.Image, name string, content ...byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	body := append([]byte(name), content...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	chunk = append(chunk, body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
	return slices.Concat(b.Bytes()[:33], chunk, b.Bytes()[33:])
}

// TestColoursOfPNG checks that what PNG files say of their colours without a profile is gone by, or that it is said that it was not.
func TestColoursOfPNG(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	img.SetNRGBA(0, 0, color.NRGBA{234, 51, 35, 255}) // in Display P3 the red of sRGB
	img.SetNRGBA(1, 0, color.NRGBA{55, 55, 55, 255})  // 0.2157: where values are linear, 0.502 in sRGB
	wide := binary.BigEndian.AppendUint32(nil, 31270)
	for _, v := range []uint32{32900, 70800, 29200, 17000, 79700, 13100, 4600} {
		wide = binary.BigEndian.AppendUint32(wide, v)
	}
	for name, c := range map[string]struct {
		chunk     string
		content   []byte
		says      string
		red, grey float64 // 0 if they are as they were
	}{
		"Display P3":    {"cICP", []byte{12, 13, 0, 1}, "converted from the profile Display P3", 1, 0},
		"sRGB":          {"cICP", []byte{1, 13, 0, 1}, "", 0, 0},
		"HDR":           {"cICP", []byte{9, 16, 0, 1}, "converted from the profile BT.2020 PQ to sRGB, and its highlights were dimmed", 1, 0.13}, // 3.1 of 203 cd/m²
		"logarithmic":   {"cICP", []byte{9, 9, 0, 1}, "(cICP 9, 9) was dropped", 0, 0},
		"linear":        {"gAMA", []byte{0, 1, 0x86, 0xa0}, "converted from the profile gamma 1.00", 0.962, 0.502},
		"sRGB's gamma":  {"gAMA", []byte{0, 0, 0xb1, 0x8f}, "", 0, 0},
		"its primaries": {"cHRM", wide, "(primaries of its own) was dropped", 0, 0},
	} {
		p, err := Decode(bytes.NewReader(withChunk(t, img, c.chunk, c.content...)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if said := strings.Join(p.Losses, "; "); (said == "") != (c.says == "") || !strings.Contains(said, c.says) {
			t.Errorf("%s: says %q", name, said)
		}
		plain := FromImage(img)
		for i, want := range []float64{c.red, c.grey} {
			if want == 0 {
				want = float64(plain.Pix[0][i])
			}
			if got := float64(p.Pix[0][i]); math.Abs(got-want) > 0.004 {
				t.Errorf("%s: pixel %d is %.4f, want %.4f", name, i, got, want)
			}
		}
	}
}

// TestDeep checks that 16 bits a channel are told where there is something in them.
func TestDeep(t *testing.T) {
	for _, v := range []uint16{0x8080, 0x8081} {
		img := image.NewNRGBA64(image.Rect(0, 0, 2, 2))
		for i := range 4 {
			img.SetNRGBA64(i%2, i/2, color.NRGBA64{v, v, v, 0xffff})
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		p, err := Decode(&b)
		if err != nil || (len(p.Losses) > 0) != (v == 0x8081) {
			t.Errorf("%#x: says %q, error %v", v, p.Losses, err)
		}
	}
}

// FuzzProfile converts by any profile: no panic, and values that are in the range.
func FuzzProfile(f *testing.F) {
	f.Add(profileOf("Display P3", p3, srgbCurve()))
	f.Add(profileHDR())
	f.Add(profileOf("gamma", srgb, []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01\x02\x33")))
	f.Add(profileOf("table", srgb, []byte("curv\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\xff\xff")))
	f.Fuzz(func(t *testing.T, icc []byte) {
		p := New(4, 1)
		for c := range p.Pix {
			copy(p.Pix[c], []float32{0, 0.3, 0.9, 1})
		}
		p.manage(parseProfile(icc))
		for _, plane := range p.Pix {
			for _, v := range plane {
				if !(v >= -1e-6 && v <= 1+1e-6) {
					t.Fatalf("value %v", v)
				}
			}
		}
	})
}

// TestNearlyEmpty checks that a few bytes that say a hundred megapixels are refused before there is memory for them.
func TestNearlyEmpty(t *testing.T) {
	// A GIF's header says its size, and nothing else is needed to refuse it.
	head := []byte("GIF89a\x10\x27\x10\x27\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x10\x27\x10\x27\x00")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode(bytes.NewReader(append(head, make([]byte, 30_000)...)))
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrTooLarge) || after.TotalAlloc-before.TotalAlloc > 4<<20 {
		t.Errorf("error %v, took %d MiB", err, (after.TotalAlloc-before.TotalAlloc)>>20)
	}
	// All bytes of a file count, those of remarks too.
	noted := withChunk(t, image.NewGray(image.Rect(0, 0, 1, 1)), "tEXt", make([]byte, 20_000)...)
	binary.BigEndian.PutUint32(noted[16:], 10_000)
	binary.BigEndian.PutUint32(noted[20:], 10_000)
	binary.BigEndian.PutUint32(noted[29:], crc32.ChecksumIEEE(noted[12:29]))
	_, err = Decode(bytes.NewReader(noted))
	if want := fmt.Sprintf("10000×10000 in %d bytes", len(noted)); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one that says %s", err, want)
	}
	// What is empty and not that large is read.
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 2500, 2000))); err != nil {
		t.Fatal(err)
	}
	if p, err := Decode(&b); err != nil || p.Width != 2500 {
		t.Error(err)
	}
}
