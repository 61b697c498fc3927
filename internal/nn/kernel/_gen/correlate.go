package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// kind is how a tile treats memory.
type kind string

const (
	plain kind = ""
	fetch kind = "Fetch" // prefetches the source of the tile after the next
	tail  kind = "Tail"  // masks the last vector
)

// correlate writes, for every row count, the widest tile that the registers hold, the tile of mid vectors, and tiles of 1
// to mid vectors whose last one is masked; for the most rows also one that prefetches.
func (x isa) correlate() {
	for rows := 1; rows <= x.rows; rows++ {
		if w := x.wide[rows-1]; w != mid {
			x.tile(rows, w, plain)
		}
		x.tile(rows, mid, plain)
		if rows == x.rows {
			x.tile(rows, mid, fetch)
		}
		for vecs := 1; vecs <= mid; vecs++ {
			x.tile(rows, vecs, tail)
		}
	}
}

func (x isa) tile(rows, vecs int, kind kind) {
	masked := kind == tail
	x.function(fmt.Sprintf("Correlate%dx%d%s", rows, vecs, kind), "func(tiles, k int, a, src *float32, offs *int, dst *float32, pitch int, bias *float32, accumulate, tail int)",
		fmt.Sprintf("computes tiles of %d×%d outputs.", rows, vecs*x.lanes))
	tiles, k := param("tiles"), param("k")
	a, src, offs := param("a"), param("src"), param("offs")
	dst, pitch := param("dst"), param("pitch")
	SHLQ(Imm(2), pitch)

	// Registers: the accumulators, then the source vectors or the weights, whichever are fewer, then one of the other.
	acc := func(r, v int) reg.VecPhysical { return x.v[r*vecs+v] }
	free := x.v[rows*vecs:]
	last := free[len(free)-1] // holds AVX2's mask where one is needed

	var mask reg.GPVirtual
	if masked {
		mask = param("tail")
		if x.avx512() {
			x.mask(mask, last)
		} else {
			x.maskAddress(mask)
		}
	}
	loadMask := func(r reg.VecPhysical) {
		if !x.avx512() {
			VMOVUPS(Mem{Base: mask}, r)
		}
	}

	Label("tile")
	start, p := param("accumulate"), GP64()
	TESTQ(start, start)
	JZ(LabelRef("bias"))
	MOVQ(dst, p)
	if masked {
		loadMask(last)
	}
	for r := range rows {
		for v := range vecs {
			m := Mem{Base: p, Disp: v * x.vecBytes()}
			if masked && v == vecs-1 {
				x.loadMasked(m, last, acc(r, v))
			} else {
				VMOVUPS(m, acc(r, v))
			}
		}
		if r < rows-1 {
			ADDQ(pitch, p)
		}
	}
	JMP(LabelRef("started"))
	Label("bias")
	if kind == fetch || kind == plain && vecs == mid {
		// Blocks of rows take turns with these tiles, so that no stream tells the processor where the next stores go.
		MOVQ(dst, p)
		for r := range rows {
			x.prefetch(Mem{Base: p}, vecs)
			if r < rows-1 {
				ADDQ(pitch, p)
			}
		}
	}
	bias := param("bias")
	for r := range rows {
		for v := range vecs {
			VBROADCASTSS(Mem{Base: bias, Disp: 4 * r}, acc(r, v))
		}
	}
	Label("started")

	ap, op, left, off := GP64(), GP64(), GP64(), GP64()
	MOVQ(a, ap)
	MOVQ(offs, op)
	MOVQ(k, left)
	Label("reduce")
	MOVQ(Mem{Base: op}, off)
	source := func(v int) Mem { return Mem{Base: src, Index: off, Scale: 4, Disp: v * x.vecBytes()} }
	load := func(v int, r reg.VecPhysical) {
		if masked && v == vecs-1 {
			loadMask(last)
			x.loadMasked(source(v), last, r)
		} else {
			VMOVUPS(source(v), r)
		}
	}
	if kind == fetch {
		x.prefetch(source(2*vecs), vecs)
	}
	if vecs <= rows || masked {
		for v := range vecs {
			load(v, free[v])
		}
		for r := range rows {
			w := free[vecs]
			VBROADCASTSS(Mem{Base: ap, Disp: 4 * r}, w)
			for v := range vecs {
				VFMADD231PS(w, free[v], acc(r, v))
			}
		}
	} else {
		for r := range rows {
			VBROADCASTSS(Mem{Base: ap, Disp: 4 * r}, free[r])
		}
		for v := range vecs {
			if rows == 1 {
				VFMADD231PS(source(v), free[0], acc(0, v))
				continue
			}
			load(v, free[rows])
			for r := range rows {
				VFMADD231PS(free[rows], free[r], acc(r, v))
			}
		}
	}
	ADDQ(Imm(8), op)
	ADDQ(Imm(uint64(4*rows)), ap)
	DECQ(left)
	JNZ(LabelRef("reduce"))

	MOVQ(dst, p)
	if masked {
		loadMask(last)
	}
	for r := range rows {
		for v := range vecs {
			m := Mem{Base: p, Disp: v * x.vecBytes()}
			if masked && v == vecs-1 {
				x.storeMasked(acc(r, v), last, m)
			} else {
				VMOVUPS(acc(r, v), m)
			}
		}
		if r < rows-1 {
			ADDQ(pitch, p)
		}
	}
	ADDQ(U32(vecs*x.vecBytes()), src)
	ADDQ(U32(vecs*x.vecBytes()), dst)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// prefetch requests the lines of vectors at m.
func (x isa) prefetch(m Mem, vecs int) {
	for at := 0; at < vecs*x.vecBytes(); at += 64 {
		PREFETCHT0(m.Offset(at))
	}
}

// correlateGrad writes the dot products of up to dotRows rows with up to taps shifted sources.
func (x isa) correlateGrad() {
	for rows := 1; rows <= x.dotRows; rows++ {
		for t := 1; t <= taps; t++ {
			x.dot(rows, t)
		}
	}
}

func (x isa) dot(rows, taps int) {
	x.function(fmt.Sprintf("Dot%dx%d", rows, taps),
		"func(n int, dy *float32, pitch int, src *float32, offs *int, gw *float32, gwPitch int)",
		fmt.Sprintf("adds %d×%d dot products of rows of dy and shifted sources to gw.", rows, taps))
	acc := func(r, t int) reg.VecPhysical { return x.v[r*taps+t] }
	free := x.v[rows*taps:]
	last := free[len(free)-1]

	n, pitch, src, offs := param("n"), param("pitch"), param("src"), param("offs")
	SHLQ(Imm(2), pitch)
	y := make([]reg.GPVirtual, rows)
	for r := range y {
		if r == 0 {
			y[r] = param("dy")
			continue
		}
		y[r] = GP64()
		MOVQ(y[r-1], y[r])
		ADDQ(pitch, y[r])
	}
	s := make([]reg.GPVirtual, taps)
	for t := range s {
		s[t] = GP64()
		MOVQ(Mem{Base: offs, Disp: 8 * t}, s[t])
		LEAQ(Mem{Base: src, Index: s[t], Scale: 4}, s[t])
	}
	for i := range rows * taps {
		x.zero(x.v[i])
	}
	at := GP64()
	XORQ(at, at)
	step := func(load func(m Mem, r reg.VecPhysical)) {
		for r := range rows {
			load(Mem{Base: y[r], Index: at, Scale: 1}, free[r])
		}
		for t := range taps {
			load(Mem{Base: s[t], Index: at, Scale: 1}, free[rows])
			for r := range rows {
				VFMADD231PS(free[rows], free[r], acc(r, t))
			}
		}
	}
	SUBQ(Imm(uint64(x.lanes)), n)
	JL(LabelRef("tail"))
	Label("loop")
	step(func(m Mem, r reg.VecPhysical) { VMOVUPS(m, r) })
	ADDQ(U32(x.vecBytes()), at)
	SUBQ(Imm(uint64(x.lanes)), n)
	JGE(LabelRef("loop"))
	Label("tail")
	ADDQ(Imm(uint64(x.lanes)), n)
	JZ(LabelRef("sum"))
	x.mask(n, last)
	step(func(m Mem, r reg.VecPhysical) { x.loadMasked(m, last, r) })

	Label("sum")
	gw, gwPitch := param("gw"), param("gwPitch")
	SHLQ(Imm(2), gwPitch)
	for r := range rows {
		for t := 0; t < taps; t += 4 {
			var v [4]reg.VecPhysical
			for i := range v {
				v[i] = acc(r, min(t+i, taps-1))
			}
			x.addSums(v, free, Mem{Base: gw, Disp: 4 * t}, min(4, taps-t))
		}
		if r < rows-1 {
			ADDQ(gwPitch, gw)
		}
	}
	VZEROUPPER()
	RET()
}

// addSums adds the sums of the lanes of the first n vectors to n words at m.
func (x isa) addSums(v [4]reg.VecPhysical, free []reg.VecPhysical, m Mem, n int) {
	t := free[:3]
	// Each 128-bit lane of t[0] becomes the partial sums of v[0] to v[3].
	half := func(a, b, dst, tmp reg.VecPhysical) {
		VUNPCKLPS(b, a, dst)
		VUNPCKHPS(b, a, tmp)
		VADDPS(tmp, dst, dst)
	}
	half(v[0], v[1], t[0], t[1])
	half(v[2], v[3], t[1], t[2])
	VUNPCKLPD(t[1], t[0], t[2])
	VUNPCKHPD(t[1], t[0], t[0])
	VADDPS(t[2], t[0], t[0])
	if x.avx512() {
		VEXTRACTF64X4(Imm(1), t[0], t[1].AsY())
		VADDPS(t[1].AsY(), t[0].AsY(), t[0].AsY())
		VEXTRACTF32X4(Imm(1), t[0].AsY(), t[1].AsX())
	} else {
		VEXTRACTF128(Imm(1), t[0], t[1].AsX())
	}
	s, u := t[0].AsX(), t[1].AsX()
	VADDPS(u, s, s)
	if n == 4 {
		VADDPS(m, s, s)
		VMOVUPS(s, m)
		return
	}
	for i := range n {
		VADDSS(m.Offset(4*i), s, u)
		VMOVSS(u, m.Offset(4*i))
		if i < n-1 {
			VSHUFPS(Imm(0b111001), s, s, s)
		}
	}
}
