package heif

import (
	"encoding/binary"
	"fmt"
	"image"
	"slices"
)

// Kinds of items that are coded images.
const (
	hevc = "hvc1"
	av1  = "av01"
)

// mostSide bounds the width and the height of images, in pixels: AV1 has no larger ones.
const mostSide = 1 << 16

// mostMeta bounds the box meta in bytes: some take a hundred times as much memory when they are read.
const mostMeta = 4 << 20

// What bounds how often the same bytes of a file count: a few of them may say that a thousand properties are those of each of a thousand items.
const (
	mostProperties = 255     // of an item; no program gives one more than some ten
	mostAssociated = 1 << 28 // bytes of properties, of each item that has them
	mostTiles      = 1 << 11 // of a picture: 100 megapixels in tiles of 256×256 have 1600
	leastTile      = 64      // pixels across and down, of several (MIAF, ISO/IEC 23000-22, section 7.3.11.4.2)
)

// meta is what a file's meta box says, and where in the file the items are.
type meta struct {
	data    []byte // the whole file
	idat    []byte
	primary uint32
	items   map[uint32]*item
	order   []uint32 // of the items in the file
	refs    []reference
	frames  int

	associated int // bytes of properties that items have
}

// item is a coded image, or what is derived of others, such as a grid.
type item struct {
	kind       string
	info       []byte // its box infe, but for its header
	hidden     bool
	inside     bool // in the meta box rather than elsewhere in the file
	unreadable bool // where it is cannot be followed
	extents    []extent
	properties []property
}

// extent is a part of an item's data.
type extent struct{ at, size uint64 }

type property struct {
	kind string
	body []byte
}

// property returns the body of the first property of a kind.
func (i *item) property(kind string) ([]byte, bool) {
	for _, p := range i.properties {
		if p.kind == kind {
			return p.body, true
		}
	}
	return nil, false
}

// reference leads from an item to others.
type reference struct {
	box  []byte // with its header
	kind string
	from uint32
	to   []uint32
}

// cursor reads numbers, and notes where there are none.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.bad = nil, true
		return make([]byte, min(max(n, 0), 8))
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) u8() uint8   { return c.take(1)[0] }
func (c *cursor) u16() uint16 { return binary.BigEndian.Uint16(c.take(2)) }
func (c *cursor) u32() uint32 { return binary.BigEndian.Uint32(c.take(4)) }

// number reads a number of 0, 2, 4 or 8 bytes.
func (c *cursor) number(bytes int) uint64 {
	switch bytes {
	case 0:
		return 0
	case 2:
		return uint64(c.u16())
	case 4:
		return uint64(c.u32())
	case 8:
		return binary.BigEndian.Uint64(c.take(8))
	}
	c.bad = true
	return 0
}

// id reads the identifier of an item, which some versions of boxes give 16 bits and others 32.
func (c *cursor) id(long bool) uint32 {
	if long {
		return c.u32()
	}
	return uint32(c.u16())
}

// boxes calls do with the kind of every box of b, and with what is in it. The last one may be cut.
func boxes(b []byte, do func(kind string, body []byte, cut bool) error) error {
	_, err := walk(b, func(box []byte, head int, cut bool) error { return do(string(box[4:8]), box[head:], cut) })
	return err
}

// walk calls do with every box of b (ISO/IEC 14496-12, section 4.2) and the size of its header, and returns what is behind the last one, which may be cut.
func walk(b []byte, do func(box []byte, head int, cut bool) error) (rest []byte, err error) {
	for len(b) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(b)), 8
		switch size {
		case 0: // to the end
			size = uint64(len(b))
		case 1:
			if len(b) < 16 {
				return nil, do(b, len(b), true)
			}
			size, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if size < uint64(head) {
			return nil, malformed("a box is shorter than its header")
		}
		end := min(size, uint64(len(b)))
		if err := do(b[:end], head, size > uint64(len(b))); err != nil {
			return nil, err
		}
		b = b[end:]
	}
	return b, nil
}

// parseMeta reads a file's boxes.
func parseMeta(data []byte) (*meta, error) {
	m := &meta{data: data, items: map[uint32]*item{}, frames: 1}
	found := false
	err := boxes(data, func(kind string, body []byte, cut bool) error {
		switch {
		case kind == "moov":
			m.frames = max(m.frames, samples(body, 0))
		case kind != "meta" || found:
		case cut:
			return ErrTruncated
		case len(body) > mostMeta:
			return malformed("it says more of its picture than %d MiB", mostMeta>>20)
		default:
			found = true
			return m.read(body)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case !found && m.frames > 1:
		return nil, fmt.Errorf("%w: HEIF with a film and no still picture", ErrUnsupported)
	case !found:
		return nil, ErrTruncated
	case m.items[m.primary] == nil:
		return nil, malformed("there is no main picture")
	}
	return m, nil
}

// samples returns how many samples the longest track of a movie has.
func samples(b []byte, depth int) int {
	most := 0
	boxes(b, func(kind string, body []byte, _ bool) error {
		switch kind {
		case "trak", "mdia", "minf", "stbl":
			if depth < 4 {
				most = max(most, samples(body, depth+1))
			}
		case "stsz":
			if c := (cursor{b: body}); len(body) >= 12 {
				c.take(8)
				most = max(most, int(min(c.u32(), 1<<30)))
			}
		}
		return nil
	})
	return most
}

// read reads the meta box (ISO/IEC 14496-12, section 8.11).
func (m *meta) read(b []byte) error {
	if len(b) < 4 {
		return malformed("the box meta is too short")
	}
	var (
		properties []property
		places     []func() error // they need the items
	)
	err := boxes(b[4:], func(kind string, body []byte, cut bool) error {
		if cut {
			return malformed("the box %s goes beyond the one it is in", kind)
		}
		switch kind {
		case "pitm":
			c := cursor{b: body}
			version := c.u32() >> 24
			m.primary = c.id(version > 0)
			return c.err(kind)
		case "idat":
			m.idat = body
		case "iinf":
			return m.infos(body)
		case "iloc":
			places = append(places, func() error { return m.locations(body) })
		case "iref":
			return m.references(body)
		case "iprp":
			return boxes(body, func(kind string, body []byte, cut bool) error {
				switch kind {
				case "ipco":
					return boxes(body, func(kind string, body []byte, cut bool) error {
						properties = append(properties, property{kind, body})
						return nil
					})
				case "ipma":
					places = append(places, func() error { return m.associations(body, properties) })
				}
				return nil
			})
		}
		return nil
	})
	for _, place := range places {
		if err == nil {
			err = place()
		}
	}
	return err
}

func (c *cursor) err(kind string) error {
	if c.bad {
		return malformed("the box %s is too short", kind)
	}
	return nil
}

// infos reads the box iinf: which items there are.
func (m *meta) infos(b []byte) error {
	c := cursor{b: b}
	if version := c.u32() >> 24; version == 0 {
		c.u16()
	} else {
		c.u32()
	}
	if c.bad {
		return c.err("iinf")
	}
	return boxes(c.b, func(kind string, body []byte, _ bool) error {
		c := cursor{b: body}
		head := c.u32()
		version := head >> 24
		if kind != "infe" || version < 2 {
			return nil
		}
		id := c.id(version > 2)
		c.u16()
		i := &item{kind: string(c.take(4)), info: body, hidden: head&1 != 0}
		if c.bad {
			return c.err(kind)
		}
		if m.items[id] != nil {
			return malformed("two items have the same number")
		}
		m.items[id] = i
		m.order = append(m.order, id)
		return nil
	})
}

// locations reads the box iloc: where the items' data are.
func (m *meta) locations(b []byte) error {
	c := cursor{b: b}
	version := c.u32() >> 24
	sizes := c.u16()
	offset, length, base, index := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		index = 0
	}
	n := c.id(version > 1)
	for range n {
		id := c.id(version > 1)
		method := uint16(0)
		if version > 0 {
			method = c.u16() & 15
		}
		elsewhere := c.u16() != 0
		start := c.number(base)
		var extents []extent
		parts := c.u16()
		if parts > 1 && index+offset+length == 0 { // which would be any number of them, for nothing
			return malformed("an item has %d parts, and their places are not told", parts)
		}
		for range parts {
			c.number(index)
			extents = append(extents, extent{start + c.number(offset), c.number(length)})
			if c.bad {
				return c.err("iloc")
			}
		}
		if c.bad {
			return c.err("iloc")
		}
		if i := m.items[id]; i != nil {
			i.extents, i.inside, i.unreadable = extents, method == 1, elsewhere || method > 1
		}
	}
	return nil
}

// references reads the box iref: which items belong to others.
func (m *meta) references(b []byte) error {
	c := cursor{b: b}
	version := c.u32() >> 24
	_, err := walk(c.b, func(box []byte, head int, _ bool) error {
		c := cursor{b: box[head:]}
		r := reference{box: box, kind: string(box[4:8]), from: c.id(version > 0)}
		for range c.u16() {
			r.to = append(r.to, c.id(version > 0))
			if c.bad {
				return c.err("iref")
			}
		}
		m.refs = append(m.refs, r)
		return c.err("iref")
	})
	return err
}

// associations reads a box ipma: which properties items have.
func (m *meta) associations(b []byte, properties []property) error {
	c := cursor{b: b}
	head := c.u32()
	for range c.u32() {
		id := c.id(head>>24 > 0)
		for range c.u8() {
			index := int(c.u8() & 0x7f)
			if head&1 != 0 {
				index = index<<8 | int(c.u8())
			}
			if index > len(properties) {
				return malformed("an item has a property that does not exist")
			}
			i := m.items[id]
			if i == nil || index == 0 || c.bad {
				continue
			}
			i.properties = append(i.properties, properties[index-1])
			m.associated += len(properties[index-1].body)
			if len(i.properties) > mostProperties || m.associated > mostAssociated {
				return malformed("an item has too many properties")
			}
		}
		if c.bad {
			return c.err("ipma")
		}
	}
	return nil
}

// content returns the data of an item of at most most bytes.
func (m *meta) content(i *item, most int) ([]byte, error) {
	parts, err := m.parts(i, most)
	return slices.Concat(parts...), err
}

// parts returns where in the file the data of an item of at most most bytes are.
func (m *meta) parts(i *item, most int) ([][]byte, error) {
	if i.unreadable {
		return nil, fmt.Errorf("%w: HEIF whose picture is in another file", ErrUnsupported)
	}
	from := m.data
	if i.inside {
		from = m.idat
	}
	var all [][]byte
	for _, e := range i.extents {
		switch {
		case e.at > uint64(len(from)) || e.size > uint64(len(from))-e.at:
			return nil, ErrTruncated
		case e.size == 0 && len(i.extents) == 1:
			e.size = uint64(len(from)) - e.at
		}
		if e.size > uint64(most) {
			return nil, malformed("the parts of an item overlap")
		}
		most -= int(e.size)
		all = append(all, from[e.at:][:e.size])
	}
	return all, nil
}

// size returns an item's width and height.
func (i *item) size() (width, height int, err error) {
	b, ok := i.property("ispe")
	c := cursor{b: b}
	c.u32()
	w, h := c.u32(), c.u32()
	if !ok || c.bad || w == 0 || h == 0 || w > mostSide || h > mostSide {
		return 0, 0, malformed("the size of an image is missing")
	}
	return int(w), int(h), nil
}

// tilesOf returns the coded images that an item is made of.
func (m *meta) tilesOf(id uint32) (tiles, error) {
	i := m.items[id]
	if i == nil {
		return tiles{}, malformed("an item is missing")
	}
	switch i.kind {
	case hevc, av1:
		w, h, err := i.size()
		return tiles{w, h, 1, 1, image.Pt(w, h), []uint32{id}}, err
	case "grid":
		return m.grid(id)
	}
	if name, ok := codings[i.kind]; ok {
		return tiles{}, fmt.Errorf("%w: HEIF with a picture that is %s", ErrUnsupported, name)
	}
	return tiles{}, fmt.Errorf("%w: HEIF with images of the kind %q", ErrUnsupported, printable(i.kind))
}

// codings are the kinds of images that are not decoded, in words (ISO/IEC 23008-12 and 23001-17).
var codings = map[string]string{
	"avc1": "compressed by AVC (H.264)", "vvc1": "compressed by VVC (H.266)", "evc1": "compressed by EVC", "jpeg": "compressed by JPEG",
	"j2k1": "compressed by JPEG 2000", "unci": "not compressed", "iden": "another one turned or cut", "iovl": "made of several, one over another",
}

// printable leaves nothing of a kind but what can be printed.
func printable(kind string) string {
	return string(slices.DeleteFunc([]byte(kind), func(b byte) bool { return b < ' ' || b > '~' }))
}

// grid returns the tiles of a grid (ISO/IEC 23008-12, section 6.6.2.3).
func (m *meta) grid(id uint32) (tiles, error) {
	b, err := m.content(m.items[id], 12)
	if err != nil {
		return tiles{}, err
	}
	c := cursor{b: b}
	c.u8()
	bytes := 2 << (c.u8() & 1)
	rows, columns := int(c.u8())+1, int(c.u8())+1
	width, height := c.number(bytes), c.number(bytes)
	if c.bad || width < 1 || height < 1 || width > mostSide || height > mostSide {
		return tiles{}, malformed("a grid makes no sense")
	}
	t := tiles{width: int(width), height: int(height), columns: columns, rows: rows}
	for _, r := range m.refs {
		if r.kind == "dimg" && r.from == id {
			t.items = r.to
		}
	}
	if len(t.items) != rows*columns {
		return tiles{}, malformed("a grid of %d×%d has %d tiles", columns, rows, len(t.items))
	}
	if len(t.items) > mostTiles {
		return tiles{}, fmt.Errorf("%w: HEIF with a picture of more than %d tiles", ErrUnsupported, mostTiles)
	}
	kind := ""
	for n, id := range t.items {
		i := m.items[id]
		if i == nil || i.kind != hevc && i.kind != av1 || n > 0 && i.kind != kind {
			return tiles{}, malformed("a tile of a grid is no image like the others")
		}
		w, h, err := i.size()
		if err != nil {
			return tiles{}, err
		}
		if n == 0 {
			kind, t.side = i.kind, image.Pt(w, h)
		}
		if t.side != image.Pt(w, h) {
			return tiles{}, malformed("the tiles of a grid have different sizes")
		}
	}
	if len(t.items) > 1 && (t.side.X < leastTile || t.side.Y < leastTile) {
		return tiles{}, malformed("the tiles of a grid are smaller than %d×%d", leastTile, leastTile)
	}
	// No tile may be superfluous: what is decoded is no more than four times what is shown.
	if (columns-1)*t.side.X >= t.width || columns*t.side.X < t.width || (rows-1)*t.side.Y >= t.height || rows*t.side.Y < t.height {
		return tiles{}, malformed("the tiles of a grid are not as large as the picture")
	}
	return t, nil
}

// alphaOf returns the item with an item's transparency (section 6.4.5; MIAF, ISO/IEC 23000-22, section 7.3.5).
func (m *meta) alphaOf(id uint32) (uint32, bool) {
	for _, r := range m.refs {
		if r.kind != "auxl" || !slices.Contains(r.to, id) || m.items[r.from] == nil {
			continue
		}
		b, _ := m.items[r.from].property("auxC")
		for _, name := range []string{"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\x00", "urn:mpeg:hevc:2015:auxid:1\x00", "urn:mpeg:avc:2015:auxid:1\x00"} {
			if len(b) >= 4+len(name) && string(b[4:4+len(name)]) == name {
				return r.from, true
			}
		}
	}
	return 0, false
}

// refers reports whether a reference of a kind leads from one item to another.
func (m *meta) refers(kind string, from, to uint32) bool {
	return slices.ContainsFunc(m.refs, func(r reference) bool {
		return r.kind == kind && r.from == from && slices.Contains(r.to, to)
	})
}

// pictures counts the pictures in a file, which are not the previews, depth maps, gain maps and the like of others, nor tiles.
func (m *meta) pictures() int {
	part := map[uint32]bool{m.primary: true}
	for _, r := range m.refs {
		switch r.kind {
		case "thmb", "auxl":
			part[r.from] = true
		case "dimg":
			for _, id := range r.to {
				part[id] = true
				if id == m.primary {
					part[r.from] = true
				}
			}
		}
	}
	n := 1
	for _, id := range m.order {
		switch i := m.items[id]; i.kind {
		case hevc, av1, "grid", "iden", "iovl", "avc1", "jpeg", "vvc1", "j2k1", "unci":
			if !i.hidden && !part[id] {
				n++
			}
		}
	}
	return n
}
