// Package ogg finds the pages and packets of Ogg files (RFC 3533). A file is a sequence of pages, each with a checksum and the position in
// the recording that its last packet leads to. Packets are parts of a page or go on in the next ones.
package ogg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"ditas/audio"
)

// Sizes in an Ogg file, in bytes.
const (
	mark      = "OggS"
	PageHead  = 27 // of the head of a page, without the sizes of its pieces
	maxPage   = PageHead + 255 + 255*255
	maxPacket = 1 << 20 // libvorbis writes at most some thousand
)

// Flags of a page.
const (
	Continued = 1 // its first bytes belong to a packet that an earlier page begins
	First     = 2 // of its stream
	Last      = 4
)

// Page is what an Ogg page says about itself.
type Page struct {
	At      int64 // where in the file it begins
	Size    int64 // in bytes
	Flags   byte
	Granule int64 // where in the recording its last whole packet ends, in frames; -1 if no packet ends in it
	Serial  uint32
	Number  uint32
	Laces   [255]byte // sizes of the pieces of its packets; a packet ends with one less than 255
	Pieces  int
}

// ReadPage reads the head of the page at position at, and returns false if there is no whole page.
func ReadPage(r io.ReaderAt, at, size int64) (p Page, ok bool, err error) {
	var b [PageHead + 255]byte
	n, err := r.ReadAt(b[:min(int64(len(b)), max(0, size-at))], at)
	if err != nil && err != io.EOF {
		return Page{}, false, err
	}
	if n < PageHead || string(b[:4]) != mark || b[4] != 0 || n < PageHead+int(b[26]) {
		return Page{}, false, nil
	}
	le := binary.LittleEndian
	p = Page{
		At:      at,
		Flags:   b[5],
		Granule: int64(le.Uint64(b[6:])),
		Serial:  le.Uint32(b[14:]),
		Number:  le.Uint32(b[18:]),
		Pieces:  int(b[26]),
	}
	copy(p.Laces[:], b[PageHead:PageHead+p.Pieces])
	p.Size = int64(PageHead + p.Pieces)
	for _, lace := range p.Laces[:p.Pieces] {
		p.Size += int64(lace)
	}
	return p, p.Size <= size-at, nil
}

// read reads the page into buf and checks it. The error wraps [audio.ErrDamaged] if it does not match its checksum.
func (p *Page) read(r io.ReaderAt, buf []byte) (raw []byte, err error) {
	raw = buf[:p.Size]
	if n, err := r.ReadAt(raw, p.At); n < len(raw) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	want := binary.LittleEndian.Uint32(raw[22:])
	clear(raw[22:26])
	if Checksum(raw) != want {
		return nil, damaged("the page at byte %d does not match its checksum", p.At)
	}
	return raw, nil
}

// follows reports whether the page comes behind the one of a number.
func (p *Page) follows(number uint32) bool { return int32(p.Number-number) > 0 }

// whole returns how many packets end in the page.
func (p *Page) whole() (n int) {
	for _, lace := range p.Laces[:p.Pieces] {
		if lace < 255 {
			n++
		}
	}
	return n
}

// Stream gives the packets of one of the streams in a file.
type Stream struct {
	r      io.ReaderAt
	size   int64
	serial uint32
	next   int64  // where the next page is looked for
	Page          // the one at hand
	raw    []byte // the bytes of its packets
	piece  int    // of page, that comes next
	left   int    // packets that end in the page and have not been given
	rest   []byte // the beginning of a packet
	begun  bool   // rest is in use: the last piece of the page before was none that ends a packet
	fresh  bool   // no page has been read since From
	buf    []byte

	// Mend passes over pages that are damaged, and what is left of packets that they hold a part of. Hole is set then, until somebody clears it,
	// and the next packet is the first that begins in the page at hand.
	Mend, Hole bool
}

// NewStream returns the stream of a serial number in the file of size bytes in r, to be placed by From.
func NewStream(r io.ReaderAt, size int64, serial uint32) *Stream {
	return &Stream{r: r, size: size, serial: serial}
}

// Next returns where the page behind the one at hand is looked for.
func (s *Stream) Next() int64 { return s.next }

// From makes the packet that begins first in the page at position at or behind it the next one.
func (s *Stream) From(at int64) {
	s.next, s.piece, s.left, s.begun, s.fresh, s.Hole = at, 0, 0, false, true, false
	s.Page = Page{}
}

// Packet returns the next packet, which is valid until the next call, and whether it is the last one that ends in its page.
// At the end of the stream the error is io.EOF.
func (s *Stream) Packet() (p []byte, last bool, err error) { return s.piecesOf(maxPacket) }

// Skip passes over the next packet, whatever its size.
func (s *Stream) Skip() error {
	_, _, err := s.piecesOf(0)
	return err
}

// piecesOf puts together the next packet. One of more than limit bytes is damage, unless limit is 0: then its bytes are
// forgotten.
func (s *Stream) piecesOf(limit int) (p []byte, last bool, err error) {
	for {
		if s.piece == s.Pieces {
			if err := s.turn(); err != nil {
				return nil, false, err
			}
			continue
		}
		size, ends := 0, false
		for s.piece < s.Pieces && !ends {
			lace := s.Laces[s.piece]
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
func (s *Stream) turn() error {
	for {
		if s.Flags&Last != 0 {
			return io.EOF
		}
		p, ok, err := ReadPage(s.r, s.next, s.size)
		if err != nil {
			return err
		}
		if !ok {
			if s.next >= s.size {
				return io.EOF
			}
			if s.next, err = FindPage(s.r, s.next+1, s.size); err != nil {
				return err
			}
			continue
		}
		if p.Serial != s.serial && !s.Mend { // a damaged one may be of any stream
			s.next += p.Size
			continue
		}
		if s.buf == nil {
			s.buf = make([]byte, maxPage)
		}
		raw, err := p.read(s.r, s.buf)
		if errors.Is(err, audio.ErrDamaged) && s.Mend {
			s.Hole = true
			if s.next, err = FindPage(s.r, p.At+1, s.size); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		s.next += p.Size
		if p.Serial != s.serial {
			continue
		}
		if s.Mend && !s.fresh && !p.follows(s.Number) {
			continue // it is there twice, or comes too late
		}
		continued := p.Flags&Continued != 0
		if !s.fresh && (p.Number != s.Number+1 || continued != s.begun) {
			if !s.Mend {
				return damaged("a page is missing before byte %d", p.At)
			}
			s.Hole, s.fresh, s.begun = true, true, false
		}
		s.Page, s.piece, s.left = p, 0, p.whole()
		s.raw = raw[PageHead+p.Pieces:]
		if s.fresh && continued { // the packet that began before is passed over
			for ends := false; s.piece < s.Pieces && !ends; s.piece++ {
				ends = s.Laces[s.piece] < 255
				s.raw = s.raw[s.Laces[s.piece]:]
				if ends {
					s.left--
				}
			}
			if s.piece == s.Pieces && (s.Pieces == 0 || s.Laces[s.Pieces-1] == 255) {
				continue // and goes on; no page since From has begun a packet
			}
		}
		s.fresh = false
		return nil
	}
}

// FindPage returns where something that looks like a page begins at or behind position at, or size if nothing does.
func FindPage(r io.ReaderAt, at, size int64) (int64, error) {
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

// Checksum returns the checksum of a page, in whose place there have to be zeros.
func Checksum(b []byte) (c uint32) {
	for _, x := range b {
		c = c<<8 ^ crcTable[byte(c>>24)^x]
	}
	return c
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrDamaged, fmt.Sprintf(format, args...))
}
