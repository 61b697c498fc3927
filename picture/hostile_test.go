package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"
)

// scansOf returns a progressive JPEG of so many pixels across and down, with so many scans behind the first one that say nothing new.
func scansOf(side, scans int) []byte {
	segment := func(marker byte, body ...byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(2+len(body))), body...)
	}
	table := func(kind, symbol byte) []byte { // whose only code is 0
		return segment(0xc4, append(append([]byte{kind, 1}, make([]byte, 15)...), symbol)...)
	}
	blocks := (side + 7) / 8 * ((side + 7) / 8)
	file := []byte{0xff, 0xd8}
	file = append(file, segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...)
	file = append(file, segment(0xc2, 8, byte(side>>8), byte(side), byte(side>>8), byte(side), 1, 1, 0x11, 0)...)
	file = append(file, table(0x00, 0)...)    // no difference
	file = append(file, table(0x10, 0xe0)...) // nothing in 2^14 blocks, and as many more as 14 bits say
	file = append(file, segment(0xda, 1, 1, 0, 0, 0, 0)...)
	file = append(file, make([]byte, (blocks+7)/8)...)
	for range scans {
		file = append(file, segment(0xda, 1, 1, 0, 1, 63, 0)...)
		file = append(file, make([]byte, ((blocks+1<<14-1)>>14*15+7)/8)...)
	}
	return append(file, 0xff, 0xd9)
}

// Each scan of a progressive JPEG costs as much as the whole picture, and takes some ten bytes.
func TestManyScans(t *testing.T) {
	for scans, ok := range map[int]bool{3: true, mostScans - 1: true, mostScans: false} {
		_, err := Decode(bytes.NewReader(scansOf(200, scans)))
		if ok && err != nil || !ok && (err == nil || !strings.Contains(err.Error(), fmt.Sprintf("more than %d scans", mostScans))) {
			t.Errorf("%d scans and one: %v", scans, err)
		}
	}
	// What is behind the picture is not of it.
	behind := append(scansOf(200, 3), bytes.Repeat([]byte{0xff, 0xda, 0, 2}, 2*mostScans)...)
	if _, err := Decode(bytes.NewReader(behind)); err != nil {
		t.Error(err)
	}
}

// allocated returns how many bytes do allocates.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Of a hundred colour profiles, each a thousand times as large as in its file, one is read.
func TestManyProfiles(t *testing.T) {
	chunk := func(name string, body []byte) []byte {
		b := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), name...)
		b = append(b, body...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	var z bytes.Buffer
	w, _ := zlib.NewWriterLevel(&z, 9)
	w.Write(make([]byte, mostProfile))
	w.Close()
	profile := chunk("iCCP", append([]byte("black\x00\x00"), z.Bytes()...))
	file := func(profiles int) []byte {
		var pixels bytes.Buffer
		w := zlib.NewWriter(&pixels)
		w.Write(make([]byte, 8*9))
		w.Close()
		return append(append(append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", []byte{0, 0, 0, 8, 0, 0, 0, 8, 8, 0, 0, 0, 0})...),
			bytes.Repeat(profile, profiles)...), append(chunk("IDAT", pixels.Bytes()), chunk("IEND", nil)...)...)
	}
	one, many := file(1), file(20)
	decode := func(data []byte) func() {
		return func() {
			if _, err := Decode(bytes.NewReader(data)); err != nil {
				t.Error(err)
			}
		}
	}
	if a, b := allocated(decode(one)), allocated(decode(many)); b > 2*a {
		t.Errorf("%d bytes for one profile, %d for twenty", a, b)
	}
}

// Directories of Exif data that are all the same one are not followed any number of times.
func TestManyDirectories(t *testing.T) {
	le := binary.LittleEndian
	const n, exif, pixels = 3000, 34665, 256
	entry := func(b []byte, tag, kind uint16, count, value uint32) []byte {
		return le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, tag), kind), count), value)
	}
	data := append([]byte("II*\x00\x00\x00\x00\x00"), make([]byte, pixels)...)
	said := uint32(len(data))
	data = le.AppendUint16(data, n)
	for range n {
		data = entry(data, 1000, 2, 100, 8)
	}
	data = append(data, 0, 0, 0, 0)
	le.PutUint32(data[4:], uint32(len(data)))
	data = le.AppendUint16(data, n+9)
	for _, e := range [][3]uint32{{256, 4, 16}, {257, 4, 16}, {258, 3, 8}, {259, 3, 1}, {262, 3, 1}, {273, 4, 8}, {277, 3, 1}, {278, 4, 16}, {279, 4, pixels}} {
		data = entry(data, uint16(e[0]), uint16(e[1]), 1, e[2])
	}
	for range n {
		data = entry(data, exif, 4, 1, said)
	}
	data = append(data, 0, 0, 0, 0)
	if used := allocated(func() {
		if _, err := Strip(data); !errors.Is(err, ErrUnstripped) {
			t.Error(err)
		}
	}); used > 200<<20 {
		t.Errorf("%d bytes for a file of %d", used, len(data))
	}
}
