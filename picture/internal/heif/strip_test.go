package heif

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"slices"
	"testing"
)

// said returns a file of ../../testdata/said, and what is in it.
func said(t testing.TB, name string) ([]byte, *meta) {
	t.Helper()
	data, err := os.ReadFile("../../testdata/said/" + name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseMeta(data)
	if err != nil {
		t.Fatal(err)
	}
	return data, m
}

// Where the Exif data of a file are said to be a part of its picture, stripping would destroy that.
func TestStripRefuses(t *testing.T) {
	data, m := said(t, "turned.avif")
	var exif *item
	for _, i := range m.items {
		if i.kind == "Exif" {
			exif = i
		}
	}
	place := func(e extent) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(e.at)), uint32(e.size))
	}
	old := place(exif.extents[0])
	if bytes.Count(data, old) != 1 {
		t.Fatal("the place of the Exif data is not where it was")
	}
	picture := m.items[m.primary].extents[0]
	for name, e := range map[string]extent{
		"the picture":                    picture,
		"the end of the picture":         {picture.at + picture.size - 1, 100},
		"the boxes before":               {60, 40},
		"a whole file, which is no part": {0, uint64(len(data))},
	} {
		if _, err := Strip(bytes.Replace(data, old, place(e), 1)); err == nil {
			t.Errorf("%s: stripped", name)
		}
	}
	if _, err := Strip(bytes.Replace(data, old, place(extent{uint64(len(data)), 1}), 1)); !errors.Is(err, ErrTruncated) {
		t.Errorf("behind the end: %v", err)
	}
}

// What is beside a picture in boxes of its own goes, and the picture stays where it is.
func TestStripBoxes(t *testing.T) {
	data, _ := said(t, "grid.heic")
	for _, more := range []string{
		"\x00\x00\x00\x12mpvdAnna film ", "\x00\x00\x00\x00uuidAnna", "\x00\x00\x00\x01mpvd\x00\x00\x00\x00\x00\x00\x00\x14Anna", "Anna",
		"\x00\x00\x00\x1amoov\x00\x00\x00\x12udta\x00\x00\x00\x0ctextAnna", "\x00\x00\x00\x0cfreeAnna",
	} {
		file := append(bytes.Clone(data), more...)
		stripped, err := Strip(file)
		if err != nil {
			t.Errorf("%q: %v", more, err)
			continue
		}
		if len(stripped) != len(file) || bytes.Contains(stripped, []byte("Anna")) {
			t.Errorf("%q: %q is left", more, stripped[len(data):])
		}
		m, err := parseMeta(stripped)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := m.content(m.items[m.primary], 12); err != nil || len(b) < 8 {
			t.Errorf("%q: the picture is %q, %v", more, b, err)
		}
	}
	// Descriptions and times are properties of a picture.
	p := property{"udes", []byte("\x00\x00\x00\x00en\x00Anna\x00her house\x00\x00")}
	(&item{kind: hevc, properties: []property{p}}).blank(nil, false)
	if !bytes.Equal(p.body, make([]byte, len(p.body))) {
		t.Errorf("a description became %q", p.body)
	}
}

// Of a preview and its transparency nothing is left: neither its pixels nor that it belongs to the picture, which stays as it is.
func TestStripPreview(t *testing.T) {
	data, before := said(t, "preview.heic")
	previews := before.previews()
	if len(previews) != 2 || previews[before.primary] {
		t.Fatalf("the previews are %v", previews)
	}
	stripped, err := Strip(data)
	if err != nil {
		t.Fatal(err)
	}
	after, err := parseMeta(stripped)
	if err != nil {
		t.Fatal(err)
	}
	for id, i := range after.items {
		b, err := after.content(i, len(stripped))
		if err != nil {
			t.Fatal(err)
		}
		if previews[id] && (bytes.ContainsFunc(b, func(r rune) bool { return r != 0 }) || !i.hidden) {
			t.Errorf("a preview is %q, hidden %t", b[:8], i.hidden)
		}
		if old, err := before.content(before.items[id], len(data)); !previews[id] && i.kind == hevc && (err != nil || !bytes.Equal(b, old)) {
			t.Errorf("a picture is changed, %v", err)
		}
	}
	for _, r := range after.refs {
		if r.kind == "thmb" || previews[r.from] && r.kind != freed {
			t.Errorf("%d is still %q of %d", r.from, r.kind, r.to)
		}
	}
	if _, ok := after.alphaOf(after.primary); !ok || after.pictures() != 1 {
		t.Errorf("transparent %t, %d pictures", ok, after.pictures())
	}
}

// What else a file needs is no preview, whatever it says besides.
func TestPreviews(t *testing.T) {
	to := func(kind string, from uint32, ids ...uint32) reference {
		return reference{kind: kind, from: from, to: ids}
	}
	for name, c := range map[string]struct {
		refs []reference
		want []uint32
	}{
		"one":                          {[]reference{to("thmb", 2, 1)}, []uint32{2}},
		"of tiles":                     {[]reference{to("thmb", 2, 1), to("dimg", 2, 3, 4)}, []uint32{2, 3, 4}},
		"of a tile of the picture":     {[]reference{to("thmb", 2, 1), to("dimg", 2, 3, 4), to("dimg", 1, 4)}, []uint32{2, 3}},
		"that the picture is made of":  {[]reference{to("thmb", 2, 1), to("dimg", 1, 2), to("dimg", 2, 3)}, nil},
		"the picture":                  {[]reference{to("thmb", 1, 2)}, nil},
		"that another picture is from": {[]reference{to("thmb", 2, 1), to("base", 5, 2)}, nil},
		"of which Exif data tell":      {[]reference{to("thmb", 2, 1), to("cdsc", 5, 2)}, []uint32{2}},
		"with transparency":            {[]reference{to("thmb", 2, 1), to("auxl", 3, 2), to("auxl", 4, 1, 2)}, []uint32{2, 3}},
		"with the same transparency":   {[]reference{to("thmb", 2, 1), to("auxl", 3, 1), to("auxl", 3, 2)}, []uint32{2}},
		"with transparency of its own": {[]reference{to("thmb", 2, 1), to("auxl", 3, 2), to("dimg", 3, 4)}, []uint32{2, 3, 4}},
	} {
		got := slices.Sorted(maps.Keys((&meta{primary: 1, refs: c.refs}).previews()))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func FuzzStrip(f *testing.F) {
	for _, name := range []string{"preview.heic", "grid.heic", "alpha.heic", "turned.avif", "place.avif"} {
		data, _ := said(f, name)
		f.Add(data[:min(len(data), 2000)])
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
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
		before, err1 := Parse(data)
		after, err2 := Parse(stripped)
		if (err1 == nil) != (err2 == nil) || err1 == nil && (before.Width != after.Width || before.Height != after.Height) {
			t.Errorf("it was a picture (%v) and is one (%v)", err1, err2)
		}
	})
}
