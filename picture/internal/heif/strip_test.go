package heif

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
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
	(&item{kind: hevc, properties: []property{p}}).blank(nil)
	if !bytes.Equal(p.body, make([]byte, len(p.body))) {
		t.Errorf("a description became %q", p.body)
	}
}

func FuzzStrip(f *testing.F) {
	for _, name := range []string{"grid.heic", "alpha.heic", "turned.avif", "place.avif"} {
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
