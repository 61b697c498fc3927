package heif

import (
	"bytes"
	"errors"
	"maps"
	"reflect"
	"slices"
)

// ErrUnsure reports a file of which Strip cannot tell what belongs to its pictures.
var ErrUnsure = errors.New("what belongs to the pictures of the file cannot be told from the rest")

// Boxes that pictures and films are made of: those of the file, of its box meta, and of a film and its tracks. Anything else, such as a film beside the
// picture (mpvd), notes of a camera (uuid) or a title (udta), does without.
var (
	fileBoxes  = []string{"ftyp", "meta", "moov", "mdat", "imda", "moof", "mfra", "sidx"}
	metaBoxes  = []string{"hdlr", "pitm", "iloc", "iinf", "iref", "iprp", "idat", "dinf", "ipro", "grpl"}
	movieBoxes = []string{"mvhd", "trak", "mvex", "iods"}
	trackBoxes = []string{"tkhd", "tref", "trgr", "edts", "mdia"}
)

// Strip returns a file without what it says besides its pictures: Exif data, XMP, descriptions, times, boxes that nothing here is made of, and previews, which
// may show what their pictures no longer do. Pictures besides the main one stay. The error wraps ErrTruncated, ErrMalformed, ErrUnsupported or ErrUnsure.
//
// Nothing moves: what is left out is overwritten in place, by Exif data without entries, by blanks, or by zeros in boxes that become free space
// (ISO/IEC 14496-12, section 8.1.2). So the positions that the box iloc and the tracks of films hold stay right, whatever refers to them, and no
// reader takes the file for another one. Should a part that is overwritten be one of a picture as well, the pictures before and after differ, and
// Strip refuses.
func Strip(data []byte) ([]byte, error) {
	out, err := strip(data)
	if err != nil {
		return nil, err
	}
	// What is overwritten may be boxes as well, where parts overlap them, and then the rest would be another file.
	if again, err := strip(out); err != nil || !bytes.Equal(again, out) {
		return nil, ErrUnsure
	}
	return out, nil
}

// strip is Strip without a look at what became of the file.
func strip(data []byte) ([]byte, error) {
	before, err := parseMeta(data)
	if err != nil {
		return nil, err
	}
	out := bytes.Clone(data)
	if err := freeBoxes(out, fileBoxes); err != nil {
		return nil, err
	}
	m, err := parseMeta(out)
	if err != nil {
		return nil, err
	}
	parts, err := m.allParts()
	if err != nil {
		return nil, err
	}
	previews := m.previews()
	for _, id := range slices.Sorted(maps.Keys(m.items)) { // they may overlap
		m.items[id].blank(parts[id], previews[id])
	}
	for _, r := range m.refs {
		if previews[r.from] {
			r.free()
		}
	}
	after, err := parseMeta(out)
	if err != nil {
		return nil, err
	}
	if same, err := before.sameAs(after, before.previews()); err != nil {
		return nil, err
	} else if !same {
		return nil, ErrUnsure
	}
	return out, nil
}

// allParts returns where in the file the data of each item are. Of files whose items are parts of each other the error is ErrUnsure: there might be
// thousands of times as many bytes as in the file.
func (m *meta) allParts() (map[uint32][][]byte, error) {
	left, all := 2*len(m.data), map[uint32][][]byte{}
	for id, i := range m.items {
		parts, err := m.parts(i, len(m.data))
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			left -= len(p)
		}
		if left < 0 {
			return nil, ErrUnsure
		}
		all[id] = parts
	}
	return all, nil
}

// freeBoxes makes free space of all boxes of b that are not among some kinds, and of what is behind the last one.
func freeBoxes(b []byte, kinds []string) error {
	rest, err := walk(b, func(box []byte, head int, cut bool) error {
		kind, body := string(box[4:8]), box[head:]
		switch {
		case cut:
			return ErrTruncated
		case !slices.Contains(kinds, kind):
			copy(box[4:], "free")
			clear(body)
		case kind == "meta" && len(body) >= 4:
			return freeBoxes(body[4:], metaBoxes)
		case kind == "moov":
			return freeBoxes(body, movieBoxes)
		case kind == "trak":
			return freeBoxes(body, trackBoxes)
		}
		return nil
	})
	clear(rest)
	return err
}

// aside reports whether an item is no part of a picture: Exif data, XMP and whatever else has a media type or an address for a kind.
func (i *item) aside() bool { return i.kind == "Exif" || i.kind == "mime" || i.kind == "uri " }

// versionSize is how many bytes, of version and flags, such properties begin with; what follows are strings, which zeros end, and numbers.
const versionSize = 4

// aside reports whether a property is a description or a time (ISO/IEC 23008-12, sections 6.5.20, 6.5.18 and 6.5.19).
func (p property) aside() bool { return p.kind == "udes" || p.kind == "crtt" || p.kind == "mdft" }

// noExif are Exif data of an item (ISO/IEC 23008-12, annex A.2.1) that say nothing: no bytes before a TIFF header, and a directory of no entries.
var noExif = []byte("\x00\x00\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00")

// previews returns the items that are smaller pictures of others (ISO/IEC 23008-12, section 6.4.4), or that only such ones are made of, or are transparent by.
func (m *meta) previews() map[uint32]bool {
	set := map[uint32]bool{}
	for _, r := range m.refs {
		if r.kind == "thmb" && r.from != m.primary {
			set[r.from] = true
		}
	}
	all := func(ids []uint32) bool { return !slices.ContainsFunc(ids, func(id uint32) bool { return !set[id] }) }
	if len(set) == 0 {
		return nil
	}
	for _, r := range m.refs { // tiles and transparency of previews, and then the tiles of their transparency
		if r.kind == "auxl" && r.from != m.primary && len(r.to) > 0 && all(r.to) {
			set[r.from] = true
		}
	}
	for _, r := range m.refs {
		if r.kind == "dimg" && set[r.from] {
			for _, id := range r.to {
				set[id] = true
			}
		}
	}
	// What the rest of the file needs is none.
	needs, rest := map[uint32][]uint32{}, []uint32{m.primary}
	for _, r := range m.refs {
		switch r.kind {
		case "auxl": // transparency, which what it is of needs
			for _, id := range r.to {
				needs[id] = append(needs[id], r.from)
			}
		case "thmb", "cdsc", freed:
		default:
			needs[r.from] = append(needs[r.from], r.to...)
		}
	}
	for id := range needs {
		if !set[id] {
			rest = append(rest, id)
		}
	}
	for len(rest) > 0 {
		id := rest[0]
		rest = rest[1:]
		delete(set, id)
		for _, to := range needs[id] {
			if set[to] {
				delete(set, to)
				rest = append(rest, to)
			}
		}
		delete(needs, id)
	}
	return set
}

// freed is the kind of a reference that does not count any longer.
const freed = "free"

// free has a reference not count any longer.
func (r *reference) free() { copy(r.box[4:8], freed) }

// blank overwrites what an item says, whose data are in these parts of the file. If it is a preview, nothing is left of it but that it was there.
func (i *item) blank(parts [][]byte, preview bool) {
	if preview {
		const hidden = 1 // the last of its flags
		i.info[3] |= hidden
		for _, part := range parts {
			clear(part)
		}
	}
	for _, p := range i.properties {
		if p.aside() && len(p.body) > versionSize {
			clear(p.body[versionSize:])
		}
	}
	if !i.aside() {
		return
	}
	said, filler := []byte(nil), byte(' ')
	if i.kind == "Exif" {
		said, filler = noExif, 0
	}
	for _, part := range parts {
		n := copy(part, said)
		said = said[n:]
		for k := range part[n:] {
			part[n+k] = filler
		}
	}
}

// sameAs reports whether two files have the same pictures, at the same places and with the same properties but for what Strip blanks, and for previews.
func (m *meta) sameAs(other *meta, previews map[uint32]bool) (bool, error) {
	refs := func(m *meta) (list []reference) {
		for _, r := range m.refs {
			if !previews[r.from] {
				list = append(list, reference{kind: r.kind, from: r.from, to: r.to})
			}
		}
		return list
	}
	if m.primary != other.primary || m.frames != other.frames || !slices.Equal(m.order, other.order) || !reflect.DeepEqual(refs(m), refs(other)) {
		return false, nil
	}
	mine, err := m.allParts()
	if err != nil {
		return false, err
	}
	others, err := other.allParts()
	if err != nil {
		return false, err
	}
	for id, i := range m.items {
		o := other.items[id]
		if i.kind != o.kind || i.hidden != o.hidden && !previews[id] || i.inside != o.inside || !slices.Equal(i.extents, o.extents) || len(i.properties) != len(o.properties) {
			return false, nil
		}
		for n, p := range i.properties {
			if q := o.properties[n]; p.kind != q.kind || !p.aside() && !bytes.Equal(p.body, q.body) {
				return false, nil
			}
		}
		if !i.aside() && !previews[id] && !slices.EqualFunc(mine[id], others[id], bytes.Equal) {
			return false, nil
		}
	}
	return true, nil
}
