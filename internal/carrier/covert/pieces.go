package covert

import (
	"ditas/internal/carrier"
)

// pieces reads a recording piece by piece, in steps of its shape.
type pieces struct {
	host  *carrier.Host
	shape shape
	block [][]float64 // of the last piece, with margin frames on both sides of it
	at    int64       // the frame that block begins with
	read  bool
}

func newPieces(h *carrier.Host, s shape) *pieces {
	p := &pieces{host: h, shape: s, block: make([][]float64, s.channels)}
	for c := range p.block {
		p.block[c] = make([]float64, pieceFrames+2*margin)
	}
	return p
}

// next reads the piece that begins at a frame. What it returns has margin frames on both sides, with zeros beyond the ends of the recording, and
// lasts until the next call.
func (p *pieces) next(from int64) ([][]float64, error) {
	from -= margin
	kept := 0
	if p.read && from == p.at+pieceFrames {
		kept = 2 * margin
	}
	rest, scale := make([][]float64, len(p.block)), p.shape.scale()
	for c, x := range p.block {
		copy(x[:kept], x[pieceFrames:])
		rest[c] = x[kept:]
	}
	p.read = false
	if err := p.host.Read(rest, from+int64(kept)); err != nil {
		return nil, err
	}
	for _, x := range rest {
		for i := range x {
			x[i] *= scale
		}
	}
	p.at, p.read = from, true
	return p.block, nil
}
