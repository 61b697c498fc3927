// Package rcc reads Qt's binary resource files (.rcc), in which Debian's gcompris-qt-data keeps its pictures.
//
// A file starts with "qres", the format version (1 to 3), and the places of three sections: a tree of folders and files, their
// contents, and their names. All numbers are big-endian. The format has no published description; it is what rcc, Qt's
// resource compiler, writes and QResource reads.
//
// [Parse] lists the files of one, and [File.Content] gives what they hold.
package rcc

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode/utf16"
)

// ErrFormat is in the chain of every error that means "this is no valid resource file".
var ErrFormat = errors.New("not a valid Qt resource file")

// MaxContent is the size up to which a compressed file is unpacked, in bytes.
const MaxContent = 64 << 20

// File is one file in a resource file.
type File struct {
	Path  string // with slashes, without a leading one; valid in the sense of fs.ValidPath
	flags uint16
	data  []byte // as stored
}

const (
	flagZlib   = 1
	flagFolder = 2
	flagZstd   = 4
)

// maxDepth bounds how deeply folders may be nested.
const maxDepth = 64

type parser struct {
	tree, data, names []byte
	nodeSize          int
	left              int // nodes that may still be visited: more than there are means a loop
	files             []File
}

// Parse returns the files in b, in the order of the tree. It keeps b.
func Parse(b []byte) ([]File, error) {
	if len(b) < 20 || string(b[:4]) != "qres" {
		return nil, fmt.Errorf("rcc: %w", ErrFormat)
	}
	word := func(i int) uint32 { return binary.BigEndian.Uint32(b[4*i:]) }
	version := word(1)
	p := parser{nodeSize: 22}
	switch version {
	case 1:
		p.nodeSize = 14 // no time of modification
	case 2, 3:
	default:
		return nil, fmt.Errorf("rcc: %w: version %d is unknown", ErrFormat, version)
	}
	for i, section := range []*[]byte{&p.tree, &p.data, &p.names} {
		at := word(2 + i)
		if at > uint32(len(b)) {
			return nil, fmt.Errorf("rcc: %w: a section starts at %d of %d bytes", ErrFormat, at, len(b))
		}
		*section = b[at:]
	}
	p.left = len(p.tree) / p.nodeSize
	if err := p.visit(0, "", 0); err != nil {
		return nil, fmt.Errorf("rcc: %w: %w", ErrFormat, err)
	}
	return p.files, nil
}

// visit lists a node of the tree, number n, which lies in folder.
func (p *parser) visit(n uint32, folder string, depth int) error {
	if p.left--; p.left < 0 || depth > maxDepth {
		return errors.New("the tree has no end")
	}
	at := uint64(n) * uint64(p.nodeSize)
	if at+uint64(p.nodeSize) > uint64(len(p.tree)) {
		return fmt.Errorf("node %d lies outside", n)
	}
	node := p.tree[at:]
	flags := binary.BigEndian.Uint16(node[4:])
	path := folder
	if n != 0 {
		name, err := p.name(binary.BigEndian.Uint32(node))
		if err != nil {
			return err
		}
		if folder != "" {
			path += "/"
		}
		path += name
	}
	if flags&flagFolder != 0 {
		count, first := binary.BigEndian.Uint32(node[6:]), binary.BigEndian.Uint32(node[10:])
		for i := range count {
			if err := p.visit(first+i, path, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if !fs.ValidPath(path) || path == "." {
		return fmt.Errorf("a file cannot have the path %q", path)
	}
	data := binary.BigEndian.Uint32(node[10:])
	if uint64(data)+4 > uint64(len(p.data)) {
		return fmt.Errorf("%s lies outside", path)
	}
	rest := p.data[data+4:]
	size := binary.BigEndian.Uint32(p.data[data:])
	if uint64(size) > uint64(len(rest)) {
		return fmt.Errorf("%s of %d bytes reaches outside", path, size)
	}
	p.files = append(p.files, File{path, flags, rest[:size:size]})
	return nil
}

// name decodes a name: its length, a hash, and UTF-16.
func (p *parser) name(at uint32) (string, error) {
	if uint64(at)+6 > uint64(len(p.names)) {
		return "", errors.New("a name lies outside")
	}
	b := p.names[at:]
	n := int(binary.BigEndian.Uint16(b))
	if len(b) < 6+2*n {
		return "", errors.New("a name reaches outside")
	}
	if n == 0 || n > 255 {
		return "", fmt.Errorf("a name of %d characters", n)
	}
	u := make([]uint16, n)
	for i := range u {
		u[i] = binary.BigEndian.Uint16(b[6+2*i:])
	}
	return string(utf16.Decode(u)), nil
}

// Content returns what f holds, unpacked up to [MaxContent]. Contents compressed with Zstandard are an error.
func (f File) Content() ([]byte, error) {
	switch {
	case f.flags&flagZstd != 0:
		return nil, fmt.Errorf("rcc: %s is compressed with Zstandard, which is not supported", f.Path)
	case f.flags&flagZlib == 0:
		return f.data, nil
	case len(f.data) < 4:
		return nil, fmt.Errorf("rcc: %w: %s is too short", ErrFormat, f.Path)
	}
	size := binary.BigEndian.Uint32(f.data)
	if size > MaxContent {
		return nil, fmt.Errorf("rcc: %s of %d bytes is too large", f.Path, size)
	}
	z, err := zlib.NewReader(bytes.NewReader(f.data[4:]))
	if err != nil {
		return nil, fmt.Errorf("rcc: %w: %s: %w", ErrFormat, f.Path, err)
	}
	b, err := io.ReadAll(io.LimitReader(z, int64(size)+1))
	if err == nil && len(b) != int(size) {
		err = fmt.Errorf("it does not hold the %d bytes it declares", size)
	}
	if err != nil {
		return nil, fmt.Errorf("rcc: %w: %s: %w", ErrFormat, f.Path, err)
	}
	return b, nil
}
