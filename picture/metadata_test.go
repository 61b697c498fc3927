package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// located returns Exif data that say which way is up and where a picture was taken, with an owner's name between.
func located(order binary.AppendByteOrder, mark string, orientation uint16) []byte {
	b := []byte(mark)
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	tag := func(tag, kind uint16, count, value uint32) {
		b = order.AppendUint16(order.AppendUint16(b, tag), kind)
		b = order.AppendUint32(order.AppendUint32(b, count), value)
	}
	b = order.AppendUint16(order.AppendUint16(b, 274), 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(order.AppendUint16(b, orientation), 0)
	tag(34853, 4, 1, 38)
	b = order.AppendUint32(b, 0)
	b = order.AppendUint16(b, 2)
	tag(1, 2, 2, 'N'<<24)
	tag(2, 5, 3, 68)
	b = order.AppendUint32(b, 0)
	for _, v := range []uint32{47, 1, 22, 1, 30, 1} {
		b = order.AppendUint32(b, v)
	}
	return append(b, "Anna's camera"...)
}

// coloured returns a picture that is not the same in any two directions.
func coloured() image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 24, 16))
	for y := range 16 {
		for x := range 24 {
			m.Set(x, y, color.RGBA{uint8(10 * x), uint8(15 * y), uint8(x * y), 255})
		}
	}
	return m
}

func jpegFile(t *testing.T, segments ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, coloured(), &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	file := slices.Clone(b.Bytes()[:2])
	for _, s := range segments {
		file = append(file, 0xff, s[0])
		file = binary.BigEndian.AppendUint16(file, uint16(len(s)+1))
		file = append(file, s[1:]...)
	}
	return append(file, b.Bytes()[2:]...)
}

func pngFile(t *testing.T, chunks ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, coloured()); err != nil {
		t.Fatal(err)
	}
	const afterHead = 8 + 25
	file := slices.Clone(b.Bytes()[:afterHead])
	for _, c := range chunks {
		file = binary.BigEndian.AppendUint32(file, uint32(len(c)-4))
		file = append(file, c...)
		file = binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE([]byte(c)))
	}
	return append(file, b.Bytes()[afterHead:]...)
}

// Whoever hides a photograph is told that it says where it was taken, and what is stripped says nothing, and looks the same.
func TestStrip(t *testing.T) {
	big, little := located(binary.BigEndian, "MM\x00*", 6), located(binary.LittleEndian, "II*\x00", 6)
	exif := func(data []byte) []byte { return append([]byte("\xe1Exif\x00\x00"), data...) }
	for name, c := range map[string]struct {
		file    []byte
		located bool
	}{
		"JPEG":                          {jpegFile(t), false},
		"JPEG, Exif":                    {jpegFile(t, exif(big)), true},
		"JPEG, Exif of the other order": {jpegFile(t, exif(little)), true},
		"JPEG, XMP":                     {jpegFile(t, []byte("\xe1http://ns.adobe.com/xap/1.0/\x00<x exif:GPSLatitude=\"47,22N\" by=\"Anna's camera\"/>")), true},
		"JPEG, a comment":               {jpegFile(t, []byte("\xfeAnna's camera")), false},
		"JPEG, another one behind it":   {slices.Concat(jpegFile(t, exif(big)), jpegFile(t, []byte("\xfeAnna's camera"))), true},
		"PNG":                           {pngFile(t), false},
		"PNG, Exif":                     {pngFile(t, "eXIf"+string(big)), true},
		"PNG, a text":                   {pngFile(t, "tEXtAuthor\x00Anna's camera", "tIME1234567"), false},
		"PNG, something behind it":      {append(pngFile(t), "Anna's camera"...), false},
	} {
		if got := Located(c.file); got != c.located {
			t.Errorf("%s: located %t", name, got)
		}
		stripped, err := Strip(c.file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if Located(stripped) || bytes.Contains(stripped, []byte("Anna")) || bytes.Contains(stripped, []byte("GPS")) {
			t.Errorf("%s: something is left", name)
		}
		want, err1 := Decode(bytes.NewReader(c.file))
		got, err2 := Decode(bytes.NewReader(stripped))
		if err := errors.Join(err1, err2); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Width != want.Width || got.Height != want.Height || !slices.Equal(got.Pix[0], want.Pix[0]) {
			t.Errorf("%s: looks different", name)
		}
		if again, err := Strip(stripped); err != nil || !bytes.Equal(again, stripped) {
			t.Errorf("%s: stripped twice it is something else (%v)", name, err)
		}
	}
	// Cut off anywhere, it is an error or a whole picture.
	for _, file := range [][]byte{jpegFile(t, exif(big)), pngFile(t, "eXIf"+string(big))} {
		for n := range file {
			if stripped, err := Strip(file[:n]); err == nil {
				t.Fatalf("%d of %d bytes became %d", n, len(file), len(stripped))
			}
			Located(file[:n])
		}
	}
	var b bytes.Buffer
	if err := gif.Encode(&b, coloured(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Strip(b.Bytes()); !errors.Is(err, ErrUnstripped) {
		t.Errorf("GIF: %v", err)
	}
}

func FuzzStrip(f *testing.F) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, coloured(), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	b = bytes.Buffer{}
	if err := png.Encode(&b, coloured()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	for _, name := range []string{"grid.heic", "turned.avif", "animated.webp", "orientation6.webp", "city.jpg", "orientation6.tif", "bigendian.tif"} {
		f.Add(open(f, "said/"+name))
	}
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x20Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x88\x25\x00\x04\x00\x00\x00\x01\x00\x00\x00\x08"))
	f.Fuzz(func(t *testing.T, file []byte) {
		Located(file)
		stripped, err := Strip(file)
		if err != nil {
			return
		}
		if again, err := Strip(stripped); err != nil || !bytes.Equal(again, stripped) {
			t.Errorf("stripped twice: %v", err)
		}
	})
}

// Files as exiftool writes them, which say who took them and where, say nothing any longer once they are stripped, and look the same: to exiftool, too,
// where it is installed.
func TestStripWhatOthersWrite(t *testing.T) {
	for name, where := range map[string]bool{
		"grid.heic": true, "alpha.heic": true, "turned.avif": true, "place.avif": true, "preview.heic": false,
		"animated.webp": true, "lossyalpha.webp": true, "orientation6.webp": true, "city.jpg": true, "keywords.jpg": false,
		"orientation6.tif": true, "bigendian.tif": true, "tiled.tif": true,
	} {
		if heif := strings.HasSuffix(name, ".heic") || strings.HasSuffix(name, ".avif"); testing.Short() && heif && name != "place.avif" {
			continue
		}
		file := open(t, "said/"+name)
		if got := Located(file); got != where {
			t.Errorf("%s: located %t", name, got)
		}
		stripped, err := Strip(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, word := range []string{"Anna", "Zurich", "GPS"} {
			if bytes.Contains(stripped, []byte(word)) {
				t.Errorf("%s: %s is left", name, word)
			}
		}
		if Located(stripped) {
			t.Errorf("%s: still says where it was taken", name)
		}
		want, err1 := Decode(bytes.NewReader(file))
		got, err2 := Decode(bytes.NewReader(stripped))
		if err := errors.Join(err1, err2); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Width != want.Width || got.Height != want.Height || !slices.EqualFunc(got.Pix[:], want.Pix[:], slices.Equal) || !slices.Equal(got.Losses, want.Losses) {
			t.Errorf("%s: looks different", name)
		}
		if again, err := Strip(stripped); err != nil || !bytes.Equal(again, stripped) {
			t.Errorf("%s: stripped twice it is something else (%v)", name, err)
		}
		for n := 0; n < len(file); n += 1 + n/100 {
			if part, err := Strip(file[:n]); err == nil && !bytes.Equal(part, stripped) {
				t.Errorf("%d of %d bytes of %s became %d", n, len(file), name, len(part))
				break
			}
		}
		if tool, err := exec.LookPath("exiftool"); err == nil {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, stripped, 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"-a", "-G1", "-s", "-ExifIFD:all", "-GPS:all", "-XMP:all", "-IPTC:all", "-Error", path}
			if filepath.Ext(name) != ".tif" { // of which that is the picture
				args = append(args, "-IFD0:all")
			}
			said, err := exec.CommandContext(t.Context(), tool, args...).Output()
			if err != nil {
				t.Errorf("%s: exiftool: %v", name, err)
			}
			for line := range strings.Lines(string(said)) {
				if !strings.Contains(line, "Orientation") {
					t.Errorf("%s: exiftool still finds %s", name, line)
				}
			}
		}
	}
}
