package picture

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// tiffKept are the tags of TIFF that how a picture looks depends on (TIFF 6.0, its supplements, and ICC.1, annex B.3), in order.
var tiffKept = []uint16{
	254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 290, 291, 292, 293, 296, 297, 301,
	317, 318, 319, 320, 321, 322, 323, 324, 325, 332, 334, 336, 338, 339, 340, 341, 342, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521,
	529, 530, 531, 532, 34675,
}

// tiffSizes are those of a value of each type, in bytes.
var tiffSizes = [...]uint64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4}

// Bounds of what is followed in a TIFF file: directories, and parts of the file in all of them.
const (
	mostPages = 1 << 10
	mostParts = 1 << 20
)

// tiffStripper leaves out what a TIFF file says besides its pixels. Nothing moves but within directories, so that all positions stay right: entries are
// taken out of these, and what they led to becomes zeros.
type tiffStripper struct {
	file, out []byte
	order     binary.ByteOrder
	spans     []tiffSpan
}

// tiffSpan is a part of a file.
type tiffSpan struct {
	from, to uint64
	fate     fate
}

// fate is what becomes of a part of a file.
type fate int

const (
	stays   fate = iota
	goes         // becomes zeros
	changes      // is written anew: a directory, or where the first one is
	fates
)

// stripTIFF leaves out all entries of the directories of a TIFF file but those that pixels and colours depend on, and what they led to, and previews, unless
// there is nothing else. Files of which it does not understand everything it leaves alone.
func stripTIFF(file []byte) ([]byte, error) {
	at, order := firstDirectory(file)
	s := &tiffStripper{file: file, out: slices.Clone(file), order: order}
	s.add(0, 8, changes)
	previews := map[uint64]bool{}
	list := directories(file)
	if slices.ContainsFunc(list, func(d directory) bool { return !d.small }) {
		for _, d := range list {
			previews[uint64(d.at)] = d.preview
		}
	}
	link := uint64(4) // where the position of the next directory is to be
	for pages := 0; at != 0; pages++ {
		strip := s.directory
		if previews[at] {
			strip = s.preview
		}
		next, ok := strip(at)
		if pages == mostPages || !ok {
			return nil, fmt.Errorf("TIFF: %w", ErrUnstripped)
		}
		if !previews[at] {
			link = next
		}
		entries := uint64(order.Uint16(file[at:]))
		at = uint64(order.Uint32(file[at+2+12*entries:]))
		order.PutUint32(s.out[link:], uint32(at))
	}
	if !s.clear() {
		return nil, fmt.Errorf("TIFF: %w", ErrUnstripped)
	}
	return s.out, nil
}

// add notes a part of the file. What is beyond its end is not there.
func (s *tiffStripper) add(from, size uint64, f fate) {
	size64 := uint64(len(s.file))
	if from = min(from, size64); size > 0 {
		s.spans = append(s.spans, tiffSpan{from, from + min(size, size64-from), f})
	}
}

// entries returns those of the directory at a position, of 12 bytes each, and whether all of it is there, with room for a position behind them.
func (s *tiffStripper) entries(at uint64) ([]byte, bool) {
	size := uint64(len(s.file))
	if at+2 > size {
		return nil, false
	}
	end := at + 2 + 12*uint64(s.order.Uint16(s.file[at:]))
	if end+4 > size {
		return nil, false
	}
	return s.file[at+2 : end], true
}

// directory takes the entries out of a directory that do not matter, and reports where the position of the next one is to be, and whether it could.
func (s *tiffStripper) directory(at uint64) (link uint64, ok bool) {
	entries, ok := s.entries(at)
	if !ok {
		return 0, false
	}
	s.add(at, uint64(len(entries))+6, changes)
	kept := []byte{}
	for e := range slices.Chunk(entries, 12) {
		f := goes
		if _, keep := slices.BinarySearch(tiffKept, s.order.Uint16(e)); keep {
			f = stays
		}
		if !s.entry(e, f) {
			return 0, false
		}
		if f == stays {
			kept = append(kept, e...)
		}
	}
	if !s.allPixels(entries, stays) {
		return 0, false
	}
	clear(s.out[at:][:len(entries)+6])
	s.order.PutUint16(s.out[at:], uint16(len(kept)/12))
	copy(s.out[at+2:], kept)
	return at + 2 + uint64(len(kept)), true
}

// preview notes that a directory goes as a whole, with its pixels, and reports whether it can.
func (s *tiffStripper) preview(at uint64) (link uint64, ok bool) {
	entries, ok := s.entries(at)
	if !ok {
		return 0, false
	}
	s.add(at, uint64(len(entries))+6, goes)
	for e := range slices.Chunk(entries, 12) {
		if !s.entry(e, goes) {
			return 0, false
		}
	}
	return 0, s.allPixels(entries, goes)
}

// entry notes what an entry of a directory leads to, but for pixels, and reports whether that is understood.
func (s *tiffStripper) entry(e []byte, f fate) bool {
	const subDirectories, exif, gps = 330, 34665, 34853
	tag := s.order.Uint16(e)
	switch {
	case len(s.spans) > mostParts:
		return false
	case tag == subDirectories, !s.value(e, f): // further pictures, or what nobody knows
		return false
	case tag == exif || tag == gps:
		return s.said(uint64(s.order.Uint32(e[8:])), 0)
	}
	return true
}

// value notes where the value of an entry is, if not in the entry, and reports whether its type is known.
func (s *tiffStripper) value(e []byte, f fate) bool {
	kind := s.order.Uint16(e[2:])
	if kind < 1 || int(kind) >= len(tiffSizes) {
		return false
	}
	if size := tiffSizes[kind] * uint64(s.order.Uint32(e[4:])); size > 4 {
		s.add(uint64(s.order.Uint32(e[8:])), size, f)
	}
	return true
}

// said notes a directory that goes as a whole, of Exif data, of positions, or of what makers agree on (tag 40965) within the former.
func (s *tiffStripper) said(at uint64, depth int) bool {
	entries, ok := s.entries(at)
	if !ok || depth > 1 {
		return false
	}
	s.add(at, uint64(len(entries))+6, goes)
	for e := range slices.Chunk(entries, 12) {
		const agreed = 40965
		if len(s.spans) > mostParts {
			return false
		}
		if !s.value(e, goes) || s.order.Uint16(e) == agreed && !s.said(uint64(s.order.Uint32(e[8:])), depth+1) {
			return false
		}
	}
	return true
}

// allPixels is pixels for all tags that there are for them.
func (s *tiffStripper) allPixels(entries []byte, f fate) bool {
	return s.pixels(entries, 273, 279, f) && s.pixels(entries, 324, 325, f) && s.pixels(entries, 513, 514, f)
}

// pixels notes where the parts of a picture are, by the tags of their positions and sizes, and reports whether they are there, and not too many.
func (s *tiffStripper) pixels(entries []byte, positions, sizes uint16, f fate) bool {
	at, size := s.numbers(entries, positions), s.numbers(entries, sizes)
	if len(at) != len(size) || len(s.spans)+len(at) > mostParts {
		return false
	}
	for i := range at {
		if at[i]+size[i] > uint64(len(s.file)) {
			return false
		}
		s.add(at[i], size[i], f)
	}
	return true
}

// numbers returns the values of a tag, as far as they are there.
func (s *tiffStripper) numbers(entries []byte, tag uint16) (list []uint64) {
	const short, long = 3, 4
	for e := range slices.Chunk(entries, 12) {
		kind, n := s.order.Uint16(e[2:]), uint64(s.order.Uint32(e[4:]))
		if s.order.Uint16(e) != tag || kind != short && kind != long {
			continue
		}
		values := e[8:]
		if n*tiffSizes[kind] > 4 {
			values = s.file[min(uint64(s.order.Uint32(e[8:])), uint64(len(s.file))):]
		}
		for v := range slices.Chunk(values[:min(n*tiffSizes[kind], uint64(len(values)))], int(tiffSizes[kind])) {
			switch {
			case len(v) == 2:
				list = append(list, uint64(s.order.Uint16(v)))
			case len(v) == 4:
				list = append(list, uint64(s.order.Uint32(v)))
			}
		}
		return list
	}
	return nil
}

// clear makes zeros of what goes, and reports whether nothing has two fates, or is written twice.
func (s *tiffStripper) clear() bool {
	slices.SortFunc(s.spans, func(a, b tiffSpan) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	var ends [fates]uint64 // of what has each fate, so far
	for _, v := range s.spans {
		for f, end := range ends {
			if v.from < end && (v.fate != fate(f) || v.fate == changes) {
				return false
			}
		}
		ends[v.fate] = max(ends[v.fate], v.to)
		if v.fate == goes {
			clear(s.out[v.from:v.to])
		}
	}
	return true
}
