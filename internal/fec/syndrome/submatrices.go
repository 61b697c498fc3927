package syndrome

// MaxSearched is the largest width of the submatrices that were found by search.
const MaxSearched = 20

// columns returns the submatrix of a height and a width.
func columns(height, width int) []uint16 {
	if width >= 2 && width <= MaxSearched {
		if c := found[height-MinHeight][width-2]; len(c) == width {
			return c
		}
	}
	c := make([]uint16, width)
	for j := range c {
		c[j] = column(height, uint32(uint64(j+1)*0x9e3779b97f4a7c15>>32))
	}
	return c
}

// column returns the column of a height whose bits between the lowest and the highest are those of middle.
func column(height int, middle uint32) uint16 {
	return 1 | uint16(middle)<<1&(1<<(height-1)-1) | 1<<(height-1)
}
