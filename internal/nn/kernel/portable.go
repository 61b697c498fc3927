package kernel

import "math"

type portable[T Float] struct{}

// Portable returns the plain Go set, which defines what the others compute.
func Portable[T Float]() Set[T] { return portable[T]{} }

func (portable[T]) Name() string { return "portable" }

func (portable[T]) Pack(p *Packed[T], w []T, rows, k, rowStride, colStride int) {
	p.Rows, p.K = rows, k
	if cap(p.Data) < rows*k {
		p.Data = make([]T, rows*k)
	}
	p.Data = p.Data[:rows*k]
	for r := range rows {
		for i := range k {
			p.Data[r*k+i] = w[r*rowStride+i*colStride]
		}
	}
}

// strip is the number of outputs that stay in the first-level cache while the reduction runs over them.
const strip = 512

func (portable[T]) Correlate(dst []T, pitch, n int, p *Packed[T], bias []T, src []T, offs []int, accumulate bool) {
	for q := 0; q < n; q += strip {
		m := min(strip, n-q)
		for r := range p.Rows {
			d := dst[r*pitch+q:][:m]
			if !accumulate {
				var b T
				if bias != nil {
					b = bias[r]
				}
				for j := range d {
					d[j] = b
				}
			}
			w := p.Data[r*p.K:][:p.K]
			i := 0
			for ; i+4 <= p.K; i += 4 {
				w0, w1, w2, w3 := w[i], w[i+1], w[i+2], w[i+3]
				s0, s1 := src[offs[i]+q:][:m], src[offs[i+1]+q:][:m]
				s2, s3 := src[offs[i+2]+q:][:m], src[offs[i+3]+q:][:m]
				for j := range d {
					d[j] += w0*s0[j] + w1*s1[j] + w2*s2[j] + w3*s3[j]
				}
			}
			for ; i < p.K; i++ {
				wi, s := w[i], src[offs[i]+q:][:m]
				for j := range d {
					d[j] += wi * s[j]
				}
			}
		}
	}
}

func (portable[T]) CorrelateGrad(gw []T, dy []T, pitch, rows, n int, src []T, offs []int) {
	k := len(offs)
	for q := 0; q < n; q += strip {
		m := min(strip, n-q)
		for r := range rows {
			d := dy[r*pitch+q:][:m]
			for i, o := range offs {
				s := src[o+q:][:m]
				var a0, a1 T
				j := 0
				for ; j+2 <= m; j += 2 {
					a0 += d[j] * s[j]
					a1 += d[j+1] * s[j+1]
				}
				for ; j < m; j++ {
					a0 += d[j] * s[j]
				}
				gw[r*k+i] += a0 + a1
			}
		}
	}
}

func (portable[T]) Add(dst, a, b []T) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func (portable[T]) Mul(dst, a, b []T) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func (portable[T]) MulAdd(dst, a, b []T) {
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}

func (portable[T]) Axpy(dst []T, a T, x []T) {
	for i := range dst {
		dst[i] += a * x[i]
	}
}

func (portable[T]) Scale(dst []T, a T, x []T) {
	for i := range dst {
		dst[i] = a * x[i]
	}
}

func (portable[T]) Sum(x []T) float64 {
	var s float64
	for _, v := range x {
		s += float64(v)
	}
	return s
}

func (portable[T]) SumSquares(x []T) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

func (portable[T]) Leaky(dst []T, slope T, x []T) {
	for i := range dst {
		v := x[i]
		if v <= 0 {
			v *= slope
		}
		dst[i] = v
	}
}

func (portable[T]) LeakyGrad(dx []T, slope T, x, dy []T) {
	for i := range dx {
		g := dy[i]
		if x[i] <= 0 {
			g *= slope
		}
		dx[i] += g
	}
}

func (portable[T]) Sigmoid(dst, x []T) {
	for i := range dst {
		dst[i] = T(1 / (1 + math.Exp(-float64(x[i]))))
	}
}

func (portable[T]) SigmoidGrad(dx, y, dy []T) {
	for i := range dx {
		dx[i] += dy[i] * y[i] * (1 - y[i])
	}
}

func (portable[T]) Tanh(dst, x []T) {
	for i := range dst {
		dst[i] = T(math.Tanh(float64(x[i])))
	}
}

func (portable[T]) TanhGrad(dx, y, dy []T) {
	for i := range dx {
		dx[i] += dy[i] * (1 - y[i]*y[i])
	}
}

func (portable[T]) Adam(w, g, m, v []T, s AdamStep) {
	b1, b2, scale := T(s.Beta1), T(s.Beta2), T(s.Scale)
	rate, c2, eps := T(s.Rate*s.C1), T(s.C2), T(s.Eps)
	for i := range w {
		gi := g[i] * scale
		mi := b1*m[i] + (1-b1)*gi
		vi := b2*v[i] + (1-b2)*gi*gi
		m[i], v[i] = mi, vi
		w[i] -= rate * mi / (T(math.Sqrt(float64(vi*c2))) + eps)
	}
}
