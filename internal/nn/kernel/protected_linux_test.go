package kernel

import (
	"math/rand/v2"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"
)

// protected returns a slice of n values right before a page that faults when touched.
func protected(t *testing.T, n int) []float32 {
	t.Helper()
	page := syscall.Getpagesize()
	size := (4*n + page - 1) / page * page
	b, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skip("no anonymous mapping:", err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(b) })
	if err := syscall.Mprotect(b[size:], syscall.PROT_NONE); err != nil {
		t.Skip("no protected page:", err)
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&b[size-4*n])), n)
}

// No loop touches memory after the last value of an operand, even where it would not use what it read.
func TestNoAccessPastEnd(t *testing.T) {
	each(t, func(t *testing.T, s Set[float32]) {
		debug.SetPanicOnFault(true) // on this goroutine
		rng := rand.New(rand.NewPCG(19, 20))
		const most, rows, k = 400, 12, 7
		dst, src := protected(t, rows*most), protected(t, most+k)
		weights, packed := protected(t, rows*k), protected(t, rows*k)
		bias, gw := protected(t, rows), protected(t, rows*k)
		a, b, c := protected(t, most), protected(t, most), protected(t, most)
		for n := 1; n <= most; n++ {
			src := src[len(src)-n-k:]
			offs := rng.Perm(k)
			offs[k-1] = k // the last output needs the last value
			for r := 1; r <= rows; r++ {
				bias, gw, dst := bias[rows-r:], gw[(rows-r)*k:], dst[len(dst)-r*n:]
				p := Packed[float32]{Data: packed[(rows-r)*k:]}
				s.Pack(&p, weights[(rows-r)*k:], r, k, k, 1)
				s.Correlate(dst, n, n, &p, bias, src, offs, n%2 == 0)
				s.CorrelateGrad(gw, dst, n, r, n, src, offs)
			}
			x, y, z, w := a[most-n:], b[most-n:], c[most-n:], src[k:]
			for _, f := range binaries {
				f.run(s, x, y, z, 0.5)
			}
			s.Adam(x, y, z, w, AdamStep{C1: 1, C2: 1})
			s.Sum(x)
			s.SumSquares(x)
		}
	})
}
