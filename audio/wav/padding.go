package wav

import (
	"encoding/binary"
	"io"
	"math"
	"sort"
)

// lacking is which chunks of odd size lack the byte of padding behind them, as some programs write them.
type lacking struct {
	names []string
	ends  []int64 // where each ends in the file, in ascending order
}

// note notes a chunk whose content of size bytes begins at pos, if it is one of those.
func (p *parser) note(name string, pos int64, size uint64) {
	if end := pos + int64(size); size&1 != 0 && p.Unpadded(end) {
		p.lacking.names = append(p.lacking.names, name)
		p.lacking.ends = append(p.lacking.ends, end)
	}
}

// padded is a file as it would be if no chunk lacked its padding.
type padded struct {
	file io.ReaderAt
	ends []int64 // of the chunks that lack it, in file
	size patch   // that of the whole, at its place in what is read
}

// pad returns the file that was parsed, with padding.
func (p *parser) pad() *padded {
	f := &padded{file: p.R, ends: p.lacking.ends}
	switch grown := p.whole + uint64(len(f.ends)); {
	case p.whole == 0 || p.whole > uint64(p.Size-p.around.riff-4): // left open, or the padding is counted already
	case p.ds64 > 0:
		before := sort.Search(len(f.ends), func(i int) bool { return f.ends[i] > p.ds64 })
		f.size = patch{p.ds64 + int64(before), binary.LittleEndian.AppendUint64(nil, grown)}
	case grown < math.MaxUint32:
		f.size = patch{p.around.riff, make([]byte, 4)}
		p.Order.PutUint32(f.size.with, uint32(grown))
	}
	return f
}

// before returns how many bytes of padding were added before a position in what is read.
func (p *padded) before(pos int64) int {
	return sort.Search(len(p.ends), func(i int) bool { return p.ends[i]+int64(i) >= pos })
}

// ReadAt implements [io.ReaderAt].
func (p *padded) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) && err == nil {
		pos, rest := at+int64(n), b[n:]
		before := p.before(pos)
		if before < len(p.ends) {
			next := p.ends[before] + int64(before)
			if next == pos {
				b[n] = 0
				n++
				continue
			}
			rest = rest[:min(int64(len(rest)), next-pos)]
		}
		var got int
		if got, err = p.file.ReadAt(rest, pos-int64(before)); got == len(rest) {
			err = nil
		}
		n += got
	}
	for i, v := range p.size.with {
		if i := p.size.at + int64(i) - at; i >= 0 && i < int64(n) {
			b[i] = v
		}
	}
	return n, err
}
