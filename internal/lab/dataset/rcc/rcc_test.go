package rcc

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The files were made by Qt's own compiler.
func TestParse(t *testing.T) {
	want := map[string]string{
		"ditas/readme":           "stored as it is",
		"ditas/photos/long.txt":  strings.Repeat("compressible \n", 5000)[:5000],
		"ditas/photos/empty":     "",
		"ditas/photos/été/ж.txt": "accents",
	}
	for _, name := range []string{"v1.rcc", "v2.rcc", "v3.rcc"} {
		files, err := Parse(fixture(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != len(want) {
			t.Errorf("%s: %d files", name, len(files))
		}
		packed := 0
		for _, f := range files {
			content, err := f.Content()
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if w, ok := want[f.Path]; !ok || w != string(content) {
				t.Errorf("%s: %s holds %q", name, f.Path, content)
			}
			if f.flags&flagZlib != 0 {
				packed++
			}
		}
		if packed != 1 {
			t.Errorf("%s: %d files are compressed, want 1", name, packed)
		}
	}
}

func TestZstdIsRefused(t *testing.T) {
	files, err := Parse(fixture(t, "zstd.rcc"))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(files, func(f File) bool { return f.Path == "ditas/photos/long.txt" })
	if _, err := files[i].Content(); err == nil || !strings.Contains(err.Error(), "Zstandard") {
		t.Errorf("got %v", err)
	}
}

// node is a node of a hand-made tree: a folder if count is not 0.
type node struct {
	name         string
	count, first uint32
	data         string
	flags        uint16
}

// build writes a version 1 file.
func build(nodes ...node) []byte {
	be := binary.BigEndian
	var tree, data, names []byte
	for _, n := range nodes {
		at := uint32(len(names))
		u := utf16.Encode([]rune(n.name))
		names = be.AppendUint16(names, uint16(len(u)))
		names = be.AppendUint32(names, 0)
		for _, c := range u {
			names = be.AppendUint16(names, c)
		}
		tree = be.AppendUint32(tree, at)
		if n.count > 0 {
			tree = be.AppendUint16(tree, flagFolder)
			tree = be.AppendUint32(be.AppendUint32(tree, n.count), n.first)
			continue
		}
		tree = be.AppendUint16(tree, n.flags)
		tree = be.AppendUint32(be.AppendUint32(tree, 0), uint32(len(data)))
		data = append(be.AppendUint32(data, uint32(len(n.data))), n.data...)
	}
	b := []byte("qres")
	for _, v := range []int{1, 20, 20 + len(tree), 20 + len(tree) + len(data)} {
		b = be.AppendUint32(b, uint32(v))
	}
	return slices.Concat(b, tree, data, names)
}

func TestParseRefuses(t *testing.T) {
	good := fixture(t, "v3.rcc")
	damaged := func(at int, b ...byte) []byte {
		d := slices.Clone(good)
		copy(d[at:], b)
		return d
	}
	for name, b := range map[string][]byte{
		"empty":            {},
		"header only":      good[:20],
		"another kind":     damaged(0, []byte("qrex")...),
		"version 4":        damaged(4, 0, 0, 0, 4),
		"tree outside":     damaged(8, 255, 255, 255, 255),
		"data outside":     damaged(12, 0, 1, 0, 0),
		"a loop":           build(node{count: 1, first: 1}, node{name: "a", count: 2, first: 0}),
		"itself":           build(node{count: 1, first: 0}),
		"many children":    build(node{count: 1 << 31, first: 1}, node{name: "a"}),
		"parent folder":    build(node{count: 1, first: 1}, node{name: ".."}),
		"slashes":          build(node{count: 1, first: 1}, node{name: "/etc/passwd"}),
		"climbing out":     build(node{count: 1, first: 1}, node{name: "a/../../b"}),
		"no name":          build(node{count: 1, first: 1}, node{name: ""}),
		"a file as a root": build(node{data: "x"}),
	} {
		if files, err := Parse(b); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: got %v, %v", name, files, err)
		}
	}
}

func TestContentIsBounded(t *testing.T) {
	packed := func(data string) File {
		files, err := Parse(build(node{count: 1, first: 1}, node{name: "a", data: data, flags: flagZlib}))
		if err != nil {
			t.Fatal(err)
		}
		return files[0]
	}
	const zlibOfX = "\x78\x9c\xab\x00\x00\x00\x79\x00\x79"
	if b, err := packed("\x00\x00\x00\x01" + zlibOfX).Content(); err != nil || string(b) != "x" {
		t.Errorf("got %q, %v", b, err)
	}
	for name, data := range map[string]string{
		"too much":  "\x00\x00\x00\x00" + zlibOfX,
		"too few":   "\x00\x00\x00\x02" + zlibOfX,
		"huge":      "\xff\xff\xff\xff" + zlibOfX,
		"too short": "\x00",
		"no zlib":   "\x00\x00\x00\x01xxxx",
	} {
		if b, err := packed(data).Content(); err == nil {
			t.Errorf("%s: got %q", name, b)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"v1.rcc", "v2.rcc", "v3.rcc", "zstd.rcc"} {
		f.Add(fixture(f, name))
	}
	f.Add(build(node{count: 1, first: 1}, node{name: "a", count: 2, first: 0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		files, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		if len(files) > len(b)/14 {
			t.Fatalf("%d files in %d bytes", len(files), len(b))
		}
		for _, file := range files {
			if !fs.ValidPath(file.Path) {
				t.Fatalf("path %q", file.Path)
			}
			if c, err := file.Content(); err == nil && len(c) > MaxContent {
				t.Fatalf("%d bytes", len(c))
			}
		}
	})
}
