package nn

// FLOPs returns the number of floating-point operations of the convolutions in one Forward, a multiply-add counting as two.
// What the other operations add is small beside it. A Backward of all gradients takes twice as many.
func (g *Graph[T]) FLOPs() int {
	n := 0
	for _, o := range g.ops {
		if c, ok := o.(*convOp[T]); ok {
			s := c.narrow.shape
			n += 2 * s.N * s.H * s.W * c.c.narrow * c.c.wide * len(c.c.taps)
		}
	}
	return n
}
