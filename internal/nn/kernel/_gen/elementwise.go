package main

import (
	"log"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vec and op are what loop bodies work with: a vector register, and a register or a constant in memory.
type (
	vec = reg.VecPhysical
	op  = Op
)

// elementwise is a loop over vectors. Its body is written for unrolled, single and masked vectors.
type elementwise struct {
	name, doc string
	signature string
	pointers  []string // parameters that point to vectors
	scalars   []string // parameters that every lane gets, the first constants
	constants []uint32 // further constants
	unroll    int      // vectors per round
	temps     int      // registers of one vector
	// body computes one vector in the registers t, with the constants c.
	body func(load func(pointer string, r vec), store func(r vec, pointer string), t []vec, c []op)
}

const (
	signBit  = 0x80000000
	valueBit = 0x7fffffff
)

func bits(v float64) uint32 { return math.Float32bits(float32(v)) }

const binary = "func(n int, dst, a, b *float32, scalar float32)"

func (x isa) elementwise() {
	x.loop(elementwise{
		name: "Add", doc: "computes dst = a + b.", signature: binary, pointers: []string{"dst", "a", "b"}, unroll: 4, temps: 2,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			load("a", t[0])
			load("b", t[1])
			VADDPS(t[1], t[0], t[0])
			store(t[0], "dst")
		},
	})
	x.loop(elementwise{
		name: "Mul", doc: "computes dst = a·b.", signature: binary, pointers: []string{"dst", "a", "b"}, unroll: 4, temps: 2,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			load("a", t[0])
			load("b", t[1])
			VMULPS(t[1], t[0], t[0])
			store(t[0], "dst")
		},
	})
	x.loop(elementwise{
		name: "MulAdd", doc: "computes dst += a·b.", signature: binary, pointers: []string{"dst", "a", "b"}, unroll: 4, temps: 3,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			load("a", t[0])
			load("b", t[1])
			load("dst", t[2])
			VFMADD231PS(t[1], t[0], t[2])
			store(t[2], "dst")
		},
	})
	x.loop(elementwise{
		name: "Axpy", doc: "computes dst += scalar·a.", signature: binary, pointers: []string{"dst", "a"},
		scalars: []string{"scalar"}, unroll: 4, temps: 2,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			load("a", t[0])
			load("dst", t[1])
			VFMADD231PS(c[0], t[0], t[1])
			store(t[1], "dst")
		},
	})
	x.loop(elementwise{
		name: "Scale", doc: "computes dst = scalar·a.", signature: binary, pointers: []string{"dst", "a"},
		scalars: []string{"scalar"}, unroll: 4, temps: 1,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			load("a", t[0])
			VMULPS(c[0], t[0], t[0])
			store(t[0], "dst")
		},
	})
	x.loop(elementwise{
		name: "Leaky", doc: "computes dst = a, times scalar where a ≤ 0.", signature: binary, pointers: []string{"dst", "a"},
		scalars: []string{"scalar"}, constants: []uint32{0}, unroll: 4, temps: 3,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			load("a", t[0])
			x.mulNotPositive(c[0], c[1].(vec), t[0], t[0], t[1:])
			store(t[0], "dst")
		},
	})
	x.loop(elementwise{
		name: "LeakyGrad", doc: "computes dst += b, times scalar where a ≤ 0.", signature: binary, pointers: []string{"dst", "a", "b"},
		scalars: []string{"scalar"}, constants: []uint32{0}, unroll: 3, temps: 4,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			load("a", t[0])
			load("b", t[1])
			x.mulNotPositive(c[0], c[1].(vec), t[0], t[1], t[2:])
			load("dst", t[0])
			VADDPS(t[0], t[1], t[1])
			store(t[1], "dst")
		},
	})
	x.loop(elementwise{
		name: "SigmoidGrad", doc: "computes dst += b·a·(1−a).", signature: binary, pointers: []string{"dst", "a", "b"},
		constants: []uint32{bits(1)}, unroll: 4, temps: 3,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			load("a", t[0])
			load("b", t[1])
			VMULPS(t[0], t[1], t[1])
			VSUBPS(t[0], c[0].(vec), t[0])
			load("dst", t[2])
			VFMADD231PS(t[0], t[1], t[2])
			store(t[2], "dst")
		},
	})
	x.loop(elementwise{
		name: "TanhGrad", doc: "computes dst += b·(1−a²).", signature: binary, pointers: []string{"dst", "a", "b"},
		constants: []uint32{bits(1)}, unroll: 4, temps: 3,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			load("a", t[0])
			load("b", t[1])
			VFNMADD213PS(c[0], t[0], t[0])
			load("dst", t[2])
			VFMADD231PS(t[0], t[1], t[2])
			store(t[2], "dst")
		},
	})
	x.loop(elementwise{
		name: "Sigmoid", doc: "computes dst = 1/(1+e^−a).", signature: binary, pointers: []string{"dst", "a"},
		// e^−104 is less than half of the least positive value.
		constants: append([]uint32{bits(-104), bits(1), signBit}, expm1Constants()...), unroll: 1, temps: 5,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			limit, one, sign := c[0].(vec), c[1].(vec), c[2]
			load("a", t[0])
			x.or(sign, t[0], t[1]) // −|a|
			VMAXPS(t[1], limit, t[1])
			p, n := x.expm1(t[1], t[2:], c[3:])
			VADDPS(one, p, p)
			x.scale2(p, n, t[4], c[3:]) // p = e^−|a|
			VADDPS(one, p, t[1])
			// What rounding 1 + p lost is taken from the quotient, without which its error passes 2 units in the last place.
			VSUBPS(one, t[1], t[4])
			VSUBPS(t[4], p, t[4])
			x.blendSign(t[0], p, one, t[3]) // e^−|a| where a < 0, else 1
			VDIVPS(t[1], t[3], t[3])
			VFNMADD231PS(t[4], t[3], t[3])
			store(t[3], "dst")
		},
	})
	x.loop(elementwise{
		name: "Tanh", doc: "computes dst = tanh a.", signature: binary, pointers: []string{"dst", "a"},
		// tanh 10 rounds to 1.
		constants: append([]uint32{bits(-20), bits(1), signBit, bits(2), valueBit}, expm1Constants()...), unroll: 1, temps: 5,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			limit, one, sign, two, value := c[0].(vec), c[1].(vec), c[2], c[3], c[4]
			load("a", t[0])
			x.or(sign, t[0], t[1])
			VADDPS(t[1], t[1], t[1]) // −2|a|
			VMAXPS(t[1], limit, t[1])
			p, n := x.expm1(t[1], t[2:], c[5:])
			// With s = 2ⁿ, e^−2|a| − 1 = s·p + (s − 1), where s − 1 is exact and 0 for small a.
			x.power2(n, one, t[1], c[5:])
			VSUBPS(one, t[1], t[4])
			VFMADD213PS(t[4], t[1], p)
			VADDPS(two, p, t[1])
			VDIVPS(t[1], p, p)
			x.and(value, p, p)
			x.and(sign, t[0], t[0])
			x.or(t[0], p, p)
			store(p, "dst")
		},
	})
	x.loop(elementwise{
		name: "Adam", doc: "takes one step of Adam.",
		signature: "func(n int, w, grad, m, v *float32, scale, beta1, gain1, beta2, gain2, rate, c2, eps float32)",
		pointers:  []string{"w", "grad", "m", "v"},
		scalars:   []string{"scale", "beta1", "gain1", "beta2", "gain2", "rate", "c2", "eps"}, unroll: 1, temps: 4,
		body: func(load func(string, vec), store func(vec, string), t []vec, c []op) {
			scale, beta1, gain1, beta2, gain2, rate, c2, eps := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
			load("grad", t[0])
			VMULPS(scale, t[0], t[0])
			load("m", t[1])
			VMULPS(beta1, t[1], t[1])
			VFMADD231PS(gain1, t[0], t[1])
			store(t[1], "m")
			VMULPS(t[0], t[0], t[0])
			load("v", t[2])
			VMULPS(beta2, t[2], t[2])
			VFMADD231PS(gain2, t[0], t[2])
			store(t[2], "v")
			VMULPS(c2, t[2], t[2])
			VSQRTPS(t[2], t[2])
			VADDPS(eps, t[2], t[2])
			VMULPS(rate, t[1], t[1])
			VDIVPS(t[2], t[1], t[1])
			load("w", t[0])
			VSUBPS(t[1], t[0], t[0])
			store(t[0], "w")
		},
	})
	x.sum("Sum", "returns Σ a.", false)
	x.sum("SumSquares", "returns Σ a².", true)
}

// loop writes e: rounds of unroll vectors, then single vectors, then the masked rest.
func (x isa) loop(e elementwise) {
	x.function(e.name, e.signature, e.doc)
	// The registers: units of temporaries, constants as far as they fit, and the mask.
	mask := x.v[len(x.v)-1]
	spare := x.v[e.unroll*e.temps : len(x.v)-1]
	c := make([]op, 0, len(e.scalars)+len(e.constants))
	for i, s := range e.scalars {
		p, err := Param(s).Resolve()
		if err != nil {
			log.Fatal(err)
		}
		VBROADCASTSS(p.Addr, spare[i])
		c = append(c, spare[i])
	}
	if len(e.constants) > 0 {
		table := GLOBL(x.name+e.name+"Constants", 8|16) // RODATA|NOPTR
		for i, v := range e.constants {
			for lane := range x.lanes {
				DATA(i*x.vecBytes()+4*lane, U32(v))
			}
			m := table.Offset(i * x.vecBytes())
			if len(c) >= len(spare) {
				c = append(c, m)
				continue
			}
			VMOVUPS(m, spare[len(c)])
			c = append(c, spare[len(c)])
		}
	}
	n, at := param("n"), GP64()
	pointers := map[string]reg.GPVirtual{}
	for _, p := range e.pointers {
		pointers[p] = param(p)
	}
	XORQ(at, at)
	body := func(unit int, masked bool) {
		m := func(p string) Mem {
			return Mem{Base: pointers[p], Index: at, Scale: 1, Disp: unit * x.vecBytes()}
		}
		load := func(p string, r vec) {
			if masked {
				x.loadMasked(m(p), mask, r)
			} else {
				VMOVUPS(m(p), r)
			}
		}
		store := func(r vec, p string) {
			if masked {
				x.storeMasked(r, mask, m(p))
			} else {
				VMOVUPS(r, m(p))
			}
		}
		e.body(load, store, x.v[unit*e.temps:][:e.temps], c)
	}
	x.strips(n, at, e.unroll, func(vecs int) {
		for u := range vecs {
			body(u, false)
		}
	}, func() {
		x.mask(n, mask)
		body(0, true)
	})
	VZEROUPPER()
	RET()
}

// strips writes a loop over n values, at being the offset in bytes: rounds of unroll vectors, single vectors, and the rest,
// whose length is in n.
func (x isa) strips(n, at reg.GPVirtual, unroll int, full func(vecs int), rest func()) {
	round := func(label, next string, vecs int) {
		SUBQ(U32(vecs*x.lanes), n)
		JL(LabelRef(next))
		Label(label)
		full(vecs)
		ADDQ(U32(vecs*x.vecBytes()), at)
		SUBQ(U32(vecs*x.lanes), n)
		JGE(LabelRef(label))
		Label(next)
		ADDQ(U32(vecs*x.lanes), n)
	}
	if unroll > 1 {
		round("round", "singles", unroll)
	}
	round("single", "rest", 1)
	JZ(LabelRef("done"))
	rest()
	Label("done")
}

// mulNotPositive multiplies the lanes of v where a ≤ 0 by slope; those of NaN stay.
func (x isa) mulNotPositive(slope op, zero, a, v vec, tmp []vec) {
	const lessOrEqual = 0x12 // ordered, quiet
	if x.avx512() {
		VCMPPS(Imm(lessOrEqual), zero, a, reg.K2)
		VMULPS(slope, v, reg.K2, v)
		return
	}
	VMULPS(slope, v, tmp[0])
	VCMPPS(Imm(lessOrEqual), zero, a, tmp[1])
	VBLENDVPS(tmp[1], tmp[0], v, v)
}

// blendSign sets dst to neg where the sign bit of a is set, and else to pos.
func (x isa) blendSign(a, neg, pos, dst vec) {
	if x.avx512() {
		VPMOVD2M(a, reg.K2)
		VBLENDMPS(neg, pos, reg.K2, dst)
	} else {
		VBLENDVPS(a, neg, pos, dst)
	}
}

func (x isa) or(a op, b, dst vec) {
	VORPS(a, b, dst)
}

func (x isa) and(a op, b, dst vec) {
	VANDPS(a, b, dst)
}

// expm1Constants are those of expm1, scale2 and power2: log₂e, ln 2 in two parts, and the polynomial.
func expm1Constants() []uint32 {
	hi := float64(float32(math.Ln2))
	c := []uint32{bits(math.Log2E), bits(hi), bits(math.Ln2 - hi)}
	// (e^r − 1 − r)/r² for |r| ≤ ½ ln 2: the Chebyshev fit of degree 4, whose relative error makes 2⁻²⁵ of e^r − 1.
	for _, v := range []float64{0.0013926213141530752, 0.008363203145563602, 0.041666556149721146, 0.16666576266288757, 0.5} {
		c = append(c, bits(v))
	}
	return append(c, 127)
}

// expm1 returns p and n with e^a = 2ⁿ·(1 + p), n integer and |p| < ½. It keeps them in t[0] and t[1], and clobbers a and t.
func (x isa) expm1(a vec, t []vec, c []op) (p, n vec) {
	p, n = t[0], t[1]
	log2e, hi, lo, poly := c[0], c[1], c[2], c[3:8]
	const nearest = 8
	VMULPS(log2e, a, n)
	if x.avx512() {
		VRNDSCALEPS(Imm(nearest), n, n)
	} else {
		VROUNDPS(Imm(nearest), n, n)
	}
	VFNMADD231PS(hi, n, a)
	VFNMADD231PS(lo, n, a)
	VMOVUPS(poly[0], p)
	for _, k := range poly[1:] {
		VFMADD213PS(k, a, p)
	}
	VMULPS(a, a, t[2])
	VFMADD213PS(a, t[2], p)
	return p, n
}

// scale2 multiplies p by 2ⁿ, rounding once where the result is subnormal.
func (x isa) scale2(p, n, tmp vec, c []op) {
	if x.avx512() {
		VSCALEFPS(n, p, p)
		return
	}
	// 2ⁿ itself may be subnormal: multiply by 2^⌊n/2⌋ and the rest.
	bias := c[8]
	VCVTPS2DQ(n, n)
	VPSRAD(Imm(1), n, tmp)
	VPSUBD(tmp, n, n)
	VPADDD(bias, tmp, tmp)
	VPSLLD(Imm(23), tmp, tmp)
	VMULPS(tmp, p, p)
	VPADDD(bias, n, n)
	VPSLLD(Imm(23), n, n)
	VMULPS(n, p, p)
}

// power2 sets dst to 2ⁿ, for n from −126.
func (x isa) power2(n, one, dst vec, c []op) {
	if x.avx512() {
		VSCALEFPS(n, one, dst)
		return
	}
	VCVTPS2DQ(n, dst)
	VPADDD(c[8], dst, dst)
	VPSLLD(Imm(23), dst, dst)
}

// sum writes a sum over float32 values with accumulators in float64.
func (x isa) sum(name, doc string, square bool) {
	x.function(name, "func(n int, a *float32) float64", doc)
	n, a, at := param("n"), param("a"), GP64()
	XORQ(at, at)
	acc, low, high, mask := x.v[:4], x.v[4], x.v[5], x.v[len(x.v)-1]
	for _, r := range acc {
		x.zero(r)
	}
	add := func(v, acc vec) {
		if square {
			VFMADD231PD(v, v, acc)
		} else {
			VADDPD(v, acc, acc)
		}
	}
	half := func(r vec) reg.Register {
		if x.avx512() {
			return r.AsY()
		}
		return r.AsX()
	}
	x.strips(n, at, 2, func(vecs int) {
		for i := range 2 * vecs {
			VCVTPS2PD(Mem{Base: a, Index: at, Scale: 1, Disp: i * x.vecBytes() / 2}, x.v[4+i])
			add(x.v[4+i], acc[i])
		}
	}, func() {
		x.mask(n, mask)
		x.loadMasked(Mem{Base: a, Index: at, Scale: 1}, mask, low)
		if x.avx512() {
			VEXTRACTF64X4(Imm(1), low, high.AsY())
		} else {
			VEXTRACTF128(Imm(1), low, high.AsX())
		}
		VCVTPS2PD(half(low), low)
		VCVTPS2PD(half(high), high)
		add(low, acc[0])
		add(high, acc[1])
	})
	VADDPD(acc[1], acc[0], acc[0])
	VADDPD(acc[3], acc[2], acc[2])
	VADDPD(acc[2], acc[0], acc[0])
	if x.avx512() {
		VEXTRACTF64X4(Imm(1), acc[0], acc[1].AsY())
		VADDPD(acc[1].AsY(), acc[0].AsY(), acc[0].AsY())
	}
	VEXTRACTF128(Imm(1), acc[0].AsY(), acc[1].AsX())
	s, t := acc[0].AsX(), acc[1].AsX()
	VADDPD(t, s, s)
	VUNPCKHPD(s, s, t)
	VADDSD(t, s, s)
	VZEROUPPER()
	Store(s, ReturnIndex(0)) // by an SSE instruction
	RET()
}
