package heif

import (
	"encoding/binary"
	"errors"
	"image"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// written is what a file is made of that lies.
type written struct {
	infos, places, refs, properties, associations, data []byte
	items, associated                                   int
	primary                                             uint16
}

// item adds an item whose data are so many bytes of w.data from at on, and returns its number.
func (w *written) item(kind string, at, size int) uint16 {
	be := binary.BigEndian
	w.items++
	id := uint16(w.items)
	w.infos = append(w.infos, box("infe", []byte{2, 0, 0, 0}, be.AppendUint16(nil, id), []byte{0, 0}, []byte(kind), []byte{0})...)
	w.places = append(be.AppendUint16(w.places, id), 0, 0, 0, 1)
	w.places = be.AppendUint32(be.AppendUint32(w.places, uint32(32+at)), uint32(size))
	return id
}

// associate gives an item a property, which count from 1 on, so many times.
func (w *written) associate(id uint16, property, times int) {
	for ; times > 0; times -= 255 {
		n := min(times, 255)
		w.associations = append(binary.BigEndian.AppendUint16(w.associations, id), byte(n))
		for range n {
			w.associations = append(w.associations, 0, byte(property))
		}
		w.associated++
	}
}

// refer has an item refer to others.
func (w *written) refer(kind string, from uint16, to []uint16) {
	be := binary.BigEndian
	body := be.AppendUint16(be.AppendUint16(nil, from), uint16(len(to)))
	for _, id := range to {
		body = be.AppendUint16(body, id)
	}
	w.refs = append(w.refs, box(kind, body)...)
}

// file returns the file, in which the data come first.
func (w *written) file() []byte {
	be, full := binary.BigEndian, []byte{0, 0, 0, 0}
	return slices.Concat(
		box("ftyp", []byte("heic"), full, []byte("mif1heic")), box("mdat", w.data),
		box("meta", full,
			box("hdlr", full, full, []byte("pict"), make([]byte, 13)),
			box("pitm", full, be.AppendUint16(nil, w.primary)),
			box("iinf", full, be.AppendUint16(nil, uint16(w.items)), w.infos),
			box("iloc", full, []byte{0x44, 0}, be.AppendUint16(nil, uint16(w.items)), w.places),
			box("iref", full, w.refs),
			box("iprp", box("ipco", w.properties), box("ipma", []byte{0, 0, 0, 1}, be.AppendUint32(nil, uint32(w.associated)), w.associations))))
}

// sized returns a property with the size of an image.
func sized(width, height int) []byte {
	return box("ispe", binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(make([]byte, 4), uint32(width)), uint32(height)))
}

// coded returns the data and the configuration of an image of 80×72.
func coded(t *testing.T) (data, configuration []byte) {
	t.Helper()
	f, err := Parse(read(t, "444.heic"))
	if err != nil {
		t.Fatal(err)
	}
	i := f.box.items[f.tiles.items[0]]
	data, err = f.box.content(i, len(f.box.data))
	configuration, ok := i.property("hvcC")
	if err != nil || !ok || f.tiles.side != image.Pt(80, 72) {
		t.Fatal(f.tiles.side, err)
	}
	return data, configuration
}

// gridOf returns a file whose picture is made of the same tile, of that size, again and again.
func gridOf(t *testing.T, columns, rows int, tile image.Point) []byte {
	data, configuration := coded(t)
	be := binary.BigEndian
	w := &written{data: []byte{0, 1, byte(rows - 1), byte(columns - 1)}}
	w.data = be.AppendUint32(be.AppendUint32(w.data, uint32(columns*tile.X)), uint32(rows*tile.Y))
	head := len(w.data)
	w.data = append(w.data, data...)
	w.primary = w.item("grid", 0, head)
	id := w.item(hevc, head, len(data))
	w.properties = slices.Concat(sized(tile.X, tile.Y), box("hvcC", configuration))
	w.associate(id, 1, 1)
	w.associate(id, 2, 1)
	w.refer("dimg", w.primary, slices.Repeat([]uint16{id}, rows*columns))
	return w.file()
}

// A tile takes milliseconds however small it is, so there may not be any number of them.
func TestManyTiles(t *testing.T) {
	f, err := Parse(gridOf(t, 2, 2, image.Pt(80, 72)))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := f.Decode(t.Context()); err != nil || p.Image.Bounds() != image.Rect(0, 0, 160, 144) {
		t.Errorf("four tiles: %v", err)
	}
	for name, file := range map[string][]byte{
		"too many":  gridOf(t, 256, 9, image.Pt(80, 72)),
		"too small": gridOf(t, 4, 4, image.Pt(80, 16)),
	} {
		if _, err := Parse(file); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a file says once counts for so many items, and so often for one, as makes sense.
func TestPropertiesOverAndOver(t *testing.T) {
	data, configuration := coded(t)
	for name, c := range map[string]struct{ items, times, size int }{
		"for an item":            {1, 5000, 10},
		"for many items":         {2000, 2, 1 << 20},
		"what the decoder sees":  {1, 1, 1 << 20},
		"how it is to be turned": {1, 200, 1},
	} {
		w := &written{data: data}
		for range c.items {
			w.primary = w.item(hevc, 0, len(data))
		}
		kind := map[string]string{"what the decoder sees": "a1op", "how it is to be turned": "irot"}[name]
		if kind == "" {
			kind = "free"
		}
		w.properties = slices.Concat(sized(80, 72), box("hvcC", configuration), box(kind, make([]byte, c.size)))
		for id := range c.items {
			w.associate(uint16(id+1), 1, 1)
			w.associate(uint16(id+1), 2, 1)
			w.associate(uint16(id+1), 3, c.times)
		}
		f, err := Parse(w.file())
		if err == nil {
			_, err = f.Decode(t.Context())
		}
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of a thousand items that are all the whole file, no more than one is looked at.
func TestExifOverAndOver(t *testing.T) {
	w := &written{data: slices.Repeat([]byte{0xFF}, 1<<20), primary: 1}
	for range 1000 {
		w.item("Exif", 0, len(w.data))
	}
	file := w.file()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if Exif(file) != nil {
		t.Error("there is something")
	}
	runtime.ReadMemStats(&after)
	if copied := after.TotalAlloc - before.TotalAlloc; copied > 4*uint64(len(file)) {
		t.Errorf("%d bytes are copied of a file of %d", copied, len(file))
	}
}

// Tiles that are all the same bytes, a picture and a lot of filler, are not copied any number of times.
func TestTilesOverAndOver(t *testing.T) {
	f, err := Parse(gridOf(t, 16, 16, image.Pt(80, 72)))
	if err != nil {
		t.Fatal(err)
	}
	data, _ := coded(t)
	filler := make([]byte, 1<<20)
	filler[0], filler[1], filler[len(filler)-1] = 38<<1, 1, 0x80
	for i := 2; i < len(filler)-1; i++ {
		filler[i] = 0xFF
	}
	data = append(binary.BigEndian.AppendUint32(data, uint32(len(filler))), filler...)
	f.box.items[f.tiles.items[0]].extents = []extent{{uint64(len(f.box.data)), uint64(len(data))}}
	f.box.data = append(f.box.data, data...)
	if _, err := f.Decode(t.Context()); err == nil || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("decoded: %v", err)
	}
}
