package heif

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "heif", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestProvenance checks that the decoders are those that their README names.
func TestProvenance(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("decoders", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"hevc.wasm.gz": hevcDecoder, "av1.wasm.gz": av1Decoder} {
		if sum := fmt.Sprintf("%x", sha256.Sum256(data)); !strings.Contains(string(readme), sum) {
			t.Errorf("%s has the sum %s, of which README.md does not tell", name, sum)
		}
	}
}

// countdown is a context that ends when it has been looked at so often.
type countdown struct {
	context.Context
	left atomic.Int64
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// Decoders look at the context while they decode, and end with it whenever it ends.
func TestDecodersStop(t *testing.T) {
	for name, least := range map[string]int{"444.heic": 2, "444.avif": 2} {
		f, err := Parse(read(t, name))
		if err != nil {
			t.Fatal(err)
		}
		item := f.box.items[f.tiles.items[0]]
		data, err := f.box.content(item, len(f.box.data))
		if err != nil {
			t.Fatal(err)
		}
		d, err := newDecoder(t.Context(), item.kind, 1, f.tiles.side)
		if err != nil {
			t.Fatal(err)
		}
		defer d.close()
		looks := 0
		for ; ; looks++ {
			ctx := &countdown{Context: t.Context()}
			ctx.left.Store(int64(looks))
			m, err := d.decode(ctx, item, data, f.tiles.side)
			if err == nil {
				break
			}
			if m != nil || !errors.Is(err, context.Canceled) {
				t.Fatalf("%s, ended at look %d: %v", name, looks, err)
			}
		}
		// Those of the calls that go in are four or five: more are looks from inside.
		if looks < 6+least {
			t.Errorf("%s: only %d looks at the context", name, looks)
		}
	}
}

// A decoder that wants more memory than a picture of the size needs does not get it.
func TestDecodersMemory(t *testing.T) {
	f, err := Parse(read(t, "grid.avif"))
	if err != nil {
		t.Fatal(err)
	}
	item := f.box.items[f.tiles.items[0]]
	data, err := f.box.content(item, len(f.box.data))
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDecoder(t.Context(), item.kind, 1, image.Pt(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	// 400 megapixels do not fit into what one pixel is given.
	if _, err := d.decode(t.Context(), item, data, image.Pt(20000, 20000)); err == nil {
		t.Error("decoded")
	}
}

// Of a grid the tiles may be anywhere, but neither missing nor superfluous.
func TestParseGrid(t *testing.T) {
	data := read(t, "grid.heic")
	f, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if f.Width != 100 || f.Height != 90 || len(f.tiles.items) != 4 || f.Primaries != 12 || len(f.Transforms) != 1 || f.Transforms[0].Orientation != 6 {
		t.Errorf("%+v", f)
	}
	grid := bytes.Index(data, []byte("idat")) + 4
	for name, forged := range map[string]string{
		"too few tiles":      "\x00\x00\x02\x01\x00\x64\x00\x5a",
		"too many tiles":     "\x00\x00\x00\x01\x00\x64\x00\x5a",
		"wider than tiles":   "\x00\x00\x01\x01\x00\x81\x00\x5a",
		"a superfluous tile": "\x00\x00\x01\x01\x00\x40\x00\x5a",
		"no width":           "\x00\x00\x01\x01\x00\x00\x00\x5a",
	} {
		bad := bytes.Clone(data)
		copy(bad[grid:], forged)
		if _, err := Parse(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A clean aperture is where ISO/IEC 14496-12 says: around the middle, moved by its offsets.
func TestAperture(t *testing.T) {
	f, err := Parse(read(t, "turned.avif"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Transform{{Crop: image.Rect(10, 20, 40, 36)}, {Orientation: 6}, {Orientation: 2}}
	if len(f.Transforms) != len(want) {
		t.Fatalf("%v", f.Transforms)
	}
	for i, got := range f.Transforms {
		if got != want[i] {
			t.Errorf("step %d is %v, want %v", i, got, want[i])
		}
	}
}

// FuzzParse reads what any file says of its picture.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"420.heic", "alpha.heic", "grid.heic", "three.heic", "turned.avif", "animated.avif"} {
		data := read(f, name)
		f.Add(data[:min(len(data), bytes.Index(data, []byte("mdat"))+64)])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Parse(data)
		if err != nil {
			return
		}
		if h.Width < 1 || h.Height < 1 || len(h.tiles.items) < 1 || h.Pictures < 1 || h.Frames < 1 || h.Depth < 8 || h.Depth > 16 {
			t.Fatalf("%+v", h)
		}
		r := image.Rect(0, 0, h.Width, h.Height)
		for _, step := range h.Transforms {
			switch {
			case step.Crop.Empty() && (step.Orientation < 1 || step.Orientation > 8), !step.Crop.In(r):
				t.Fatalf("step %v of %v", step, r)
			case !step.Crop.Empty():
				r = image.Rect(0, 0, step.Crop.Dx(), step.Crop.Dy())
			case step.Orientation > 4:
				r = image.Rect(0, 0, r.Dy(), r.Dx())
			}
		}
	})
}

func FuzzSequence(f *testing.F) {
	for _, name := range []string{"420.heic", "422.heic", "deep.heic"} {
		h, err := Parse(read(f, name))
		if err != nil {
			f.Fatal(err)
		}
		c, _ := h.box.items[h.box.primary].property("hvcC")
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		i := &item{properties: []property{{"hvcC", data}}}
		if s, err := i.sequence(); err == nil && (s.width < 1 || s.height < 1 || s.chroma < 0 || s.chroma > 3) {
			t.Fatalf("%+v", s)
		}
	})
}

// FuzzDecode has decoders read any coded image of 80×72 pixels: none breaks out, and what comes out has that size.
func FuzzDecode(f *testing.F) {
	sides := image.Pt(80, 72)
	items := map[bool]*item{}
	decoders := map[bool]*decoder{}
	for isHEVC, name := range map[bool]string{true: "444.heic", false: "444.avif"} {
		h, err := Parse(read(f, name))
		if err != nil {
			f.Fatal(err)
		}
		items[isHEVC] = h.box.items[h.box.primary]
		data, err := h.box.content(items[isHEVC], len(h.box.data))
		if err != nil {
			f.Fatal(err)
		}
		if decoders[isHEVC], err = newDecoder(f.Context(), items[isHEVC].kind, 1, sides); err != nil {
			f.Fatal(err)
		}
		f.Cleanup(decoders[isHEVC].close)
		f.Add(isHEVC, data)
	}
	f.Fuzz(func(t *testing.T, isHEVC bool, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		m, err := decoders[isHEVC].decode(t.Context(), items[isHEVC], data, sides)
		if err == nil && m.Bounds() != image.Rect(0, 0, sides.X, sides.Y) {
			t.Fatalf("%v", m.Bounds())
		}
	})
}

// What is not a module of what is known here is refused. That the decoders work when they are rewritten, and how often poll is called then,
// TestDecodersStop sees.
func TestInterruptible(t *testing.T) {
	for _, bad := range []string{"\x00asm\x01\x00\x00\x00\x0a\xff", "\x00asm\x01\x00\x00\x00\x0a\x06\x01\x04\x00\xfd\x00\x0b", "\x00asm\x01\x00\x00\x00\x01\x80"} {
		if _, err := interruptible([]byte(bad)); err == nil {
			t.Errorf("%q becomes a module", bad)
		}
	}
}

// Exif data are behind the four bytes that say where they begin.
func TestExif(t *testing.T) {
	data := bytes.Clone(read(t, "three.heic"))
	at := bytes.Index(data, []byte("infe")) + 12 // the kind of the first item becomes Exif
	copy(data[at:], "Exif")
	m, err := parseMeta(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range m.items {
		if i.kind == "Exif" {
			copy(data[i.extents[0].at:], "\x00\x00\x00\x06Exif\x00\x00MM\x00*")
		}
	}
	if got := Exif(data); !bytes.HasPrefix(got, []byte("MM\x00*")) {
		t.Errorf("%.8q", got)
	}
	if Exif(read(t, "420.heic")) != nil || Exif(nil) != nil {
		t.Error("Exif data where there are none")
	}
}

// Parts of an item whose places take no bytes are not counted, however many there are said to be.
func TestPartsWithoutPlaces(t *testing.T) {
	box := func(kind string, body ...byte) []byte {
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
	}
	iloc := []byte{0, 0, 0, 0, 0, 0, 0xff, 0xff}
	for range 0xffff {
		iloc = append(iloc, 0, 1, 0, 0, 0xff, 0xff)
	}
	meta := slices.Concat(
		make([]byte, 4), box("pitm", 0, 0, 0, 0, 0, 1),
		box("iinf", slices.Concat([]byte{0, 0, 0, 0, 0, 1}, box("infe", []byte("\x02\x00\x00\x00\x00\x01\x00\x00hvc1")...))...), box("iloc", iloc...),
	)
	_, err := Parse(slices.Concat(box("ftyp", []byte("heic\x00\x00\x00\x00")...), box("meta", meta...)))
	if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "65535 parts") {
		t.Errorf("%v", err)
	}
}
