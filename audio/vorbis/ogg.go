package vorbis

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"ditas/audio"
)

// Sizes in an Ogg file, in bytes.
const (
	mark      = "OggS"
	pageHead  = 27
	maxPage   = pageHead + 255 + 255*255
	maxPacket = 1 << 20 // libvorbis writes at most some thousand
)

// Flags of a page.
const (
	flagContinued = 1 // its first bytes belong to a packet that an earlier page begins
	flagFirst     = 2 // of its stream
	flagLast      = 4
)

// page is what an Ogg page says about itself.
type page struct {
	at      int64 // where in the file it begins
	size    int64 // in bytes
	flags   byte
	granule int64 // where in the recording its last whole packet ends, in frames; -1 if no packet ends in it
	serial  uint32
	number  uint32
	laces   [255]byte // sizes of the pieces of its packets; a packet ends with one less than 255
	pieces  int
}

// readPage reads the head of the page at position at, and returns false if there is no whole page.
func readPage(r io.ReaderAt, at, size int64) (p page, ok bool, err error) {
	var b [pageHead + 255]byte
	n, err := r.ReadAt(b[:min(int64(len(b)), max(0, size-at))], at)
	if err != nil && err != io.EOF {
		return page{}, false, err
	}
	if n < pageHead || string(b[:4]) != mark || b[4] != 0 || n < pageHead+int(b[26]) {
		return page{}, false, nil
	}
	le := binary.LittleEndian
	p = page{
		at:      at,
		flags:   b[5],
		granule: int64(le.Uint64(b[6:])),
		serial:  le.Uint32(b[14:]),
		number:  le.Uint32(b[18:]),
		pieces:  int(b[26]),
	}
	copy(p.laces[:], b[pageHead:pageHead+p.pieces])
	p.size = int64(pageHead + p.pieces)
	for _, lace := range p.laces[:p.pieces] {
		p.size += int64(lace)
	}
	return p, p.size <= size-at, nil
}

// whole returns how many packets end in the page.
func (p *page) whole() (n int) {
	for _, lace := range p.laces[:p.pieces] {
		if lace < 255 {
			n++
		}
	}
	return n
}

// stream gives the packets of one of the streams in a file.
type stream struct {
	r      io.ReaderAt
	size   int64
	serial uint32
	next   int64  // where the next page is looked for
	page          // the one at hand
	raw    []byte // the bytes of its packets
	piece  int    // of page, that comes next
	left   int    // packets that end in the page and have not been given
	rest   []byte // the beginning of a packet
	begun  bool   // rest is in use: the last piece of the page before was none that ends a packet
	fresh  bool   // no page has been read since seek
	buf    []byte
}

// seek makes the packet that begins first in the page at position at or behind it the next one.
func (s *stream) seek(at int64) {
	s.next, s.piece, s.left, s.begun, s.fresh = at, 0, 0, false, true
	s.page = page{}
}

// packet returns the next packet, which is valid until the next call, and whether it is the last one that ends in its page.
// At the end of the stream the error is io.EOF.
func (s *stream) packet() (p []byte, last bool, err error) { return s.piecesOf(maxPacket) }

// skip passes over the next packet, whatever its size.
func (s *stream) skip() error {
	_, _, err := s.piecesOf(0)
	return err
}

// piecesOf puts together the next packet. One of more than limit bytes is damage, unless limit is 0: then its bytes are
// forgotten.
func (s *stream) piecesOf(limit int) (p []byte, last bool, err error) {
	for {
		if s.piece == s.pieces {
			if err := s.turn(); err != nil {
				return nil, false, err
			}
			continue
		}
		size, ends := 0, false
		for s.piece < s.pieces && !ends {
			lace := s.laces[s.piece]
			size += int(lace)
			ends = lace < 255
			s.piece++
		}
		p, s.raw = s.raw[:size], s.raw[size:]
		if !s.begun {
			s.rest = s.rest[:0]
		}
		switch whole := ends && !s.begun; {
		case whole || limit == 0:
		case len(s.rest)+size > limit:
			return nil, false, damaged("a packet of more than %d bytes", limit)
		default:
			s.rest = append(s.rest, p...)
			p = s.rest
		}
		if s.begun = !ends; ends {
			s.left--
			return p, s.left == 0, nil
		}
	}
}

// turn reads the next page of the stream.
func (s *stream) turn() error {
	for {
		if s.flags&flagLast != 0 {
			return io.EOF
		}
		p, ok, err := readPage(s.r, s.next, s.size)
		if err != nil {
			return err
		}
		if !ok {
			if s.next >= s.size {
				return io.EOF
			}
			if s.next, err = findPage(s.r, s.next+1, s.size); err != nil {
				return err
			}
			continue
		}
		s.next += p.size
		if p.serial != s.serial {
			continue
		}
		if s.buf == nil {
			s.buf = make([]byte, maxPage)
		}
		raw := s.buf[:p.size]
		if n, err := s.r.ReadAt(raw, p.at); n < len(raw) {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		want := binary.LittleEndian.Uint32(raw[22:])
		clear(raw[22:26])
		if checksum(raw) != want {
			return damaged("the page at byte %d does not match its checksum", p.at)
		}
		continued := p.flags&flagContinued != 0
		if !s.fresh && (p.number != s.number+1 || continued != s.begun) {
			return damaged("a page is missing before byte %d", p.at)
		}
		s.page, s.piece, s.left = p, 0, p.whole()
		s.raw = raw[pageHead+p.pieces:]
		if s.fresh && continued { // the packet that began before is passed over
			for ends := false; s.piece < s.pieces && !ends; s.piece++ {
				ends = s.laces[s.piece] < 255
				s.raw = s.raw[s.laces[s.piece]:]
				if ends {
					s.left--
				}
			}
			if s.piece == s.pieces && s.laces[s.pieces-1] == 255 {
				continue // and goes on; no page since seek has begun a packet
			}
		}
		s.fresh = false
		return nil
	}
}

// findPage returns where something that looks like a page begins at or behind position at, or size if nothing does.
func findPage(r io.ReaderAt, at, size int64) (int64, error) {
	b := make([]byte, 32<<10)
	for at < size {
		n, err := r.ReadAt(b[:min(int64(len(b)), size-at)], at)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.Index(b[:n], []byte(mark)); i >= 0 {
			return at + int64(i), nil
		}
		if n < len(b) {
			break
		}
		at += int64(n - len(mark) + 1)
	}
	return size, nil
}

var crcTable = crc()

// crc returns the table of the polynomial that checks pages, 0x04C11DB7.
func crc() (table [256]uint32) {
	for i := range table {
		c := uint32(i) << 24
		for range 8 {
			c = c<<1 ^ 0x04C11DB7*(c>>31)
		}
		table[i] = c
	}
	return table
}

func checksum(b []byte) (c uint32) {
	for _, x := range b {
		c = c<<8 ^ crcTable[byte(c>>24)^x]
	}
	return c
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrDamaged, fmt.Sprintf(format, args...))
}
