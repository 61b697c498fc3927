package picture

import "fmt"

// Tiles cuts p into squares of size×size pixels, size at least 1, row by row from the upper left. Squares that reach beyond p
// repeat its last column and row. [Join] undoes it.
func (p *Planes) Tiles(size int) []*Planes {
	if p.Width == 0 || p.Height == 0 {
		return nil
	}
	var tiles []*Planes
	for top := 0; top < p.Height; top += size {
		for left := 0; left < p.Width; left += size {
			t := New(size, size)
			inside := min(size, p.Width-left)
			for c, plane := range p.Pix {
				for y := range size {
					row := plane[min(top+y, p.Height-1)*p.Width:][:p.Width]
					dst := t.Pix[c][y*size:][:size]
					copy(dst, row[left:])
					for x := inside; x < size; x++ {
						dst[x] = row[p.Width-1]
					}
				}
			}
			tiles = append(tiles, t)
		}
	}
	return tiles
}

// Join puts the tiles of a picture of width×height pixels together again, in the order of [Planes.Tiles], and cuts off the
// padding. It is an error if the tiles are not squares of one size, or there are too few or too many.
func Join(tiles []*Planes, width, height int) (*Planes, error) {
	if width < 0 || height < 0 {
		return nil, fmt.Errorf("joining tiles: no picture has the size %d×%d", width, height)
	}
	if len(tiles) == 0 {
		if width == 0 || height == 0 {
			return New(width, height), nil
		}
		return nil, fmt.Errorf("joining tiles: none given for %d×%d pixels", width, height)
	}
	size := tiles[0].Width
	for i, t := range tiles {
		if t.Width != size || t.Height != size || size < 1 {
			return nil, fmt.Errorf("joining tiles: tile %d has %d×%d pixels; all must be squares of the size of the first",
				i, t.Width, t.Height)
		}
	}
	columns, rows := (width+size-1)/size, (height+size-1)/size
	if rows == 0 || len(tiles)/rows != columns || len(tiles)%rows != 0 {
		return nil, fmt.Errorf("joining tiles: %d given; %d×%d pixels take %d×%d of size %d",
			len(tiles), width, height, columns, rows, size)
	}
	p := New(width, height)
	for i, t := range tiles {
		left, top := i%columns*size, i/columns*size
		for c, plane := range t.Pix {
			for y := range min(size, height-top) {
				copy(p.Pix[c][(top+y)*width+left:][:min(size, width-left)], plane[y*size:])
			}
		}
	}
	return p, nil
}
