// Command gen writes the assembly of package kernel. Run it by go generate in that package, once per instruction set.
package main

import (
	"flag"
	"fmt"
	"log"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	name := flag.String("isa", "", "instruction set: avx2 or avx512")
	flag.Parse()
	var x isa
	switch *name {
	case "avx2":
		x = isa{name: *name, lanes: 8, rows: 4, wide: []int{12, 6, 4, 3}, dotRows: 2}
		for _, y := range []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
			reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15} {
			x.v = append(x.v, y)
		}
		x.masks = maskTable()
	case "avx512":
		x = isa{name: *name, lanes: 16, rows: 8, wide: []int{12, 9, 6, 6, 5, 4, 3, 3}, dotRows: 4}
		for _, z := range []reg.VecPhysical{reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
			reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
			reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
			reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31} {
			x.v = append(x.v, z)
		}
	default:
		log.Fatalf("unknown instruction set %q", *name)
	}
	ConstraintExpr("!noasm")
	x.correlate()
	x.correlateGrad()
	x.elementwise()
	Generate()
}

// isa is the instruction set that is being written for. Vector registers are assigned by hand: avo's allocator would give
// registers 16 to 31 to instructions that cannot encode them.
type isa struct {
	name    string
	lanes   int               // float32 values per vector
	rows    int               // rows of the tallest correlation tile
	wide    []int             // vectors per row of the widest tile, by rows−1
	dotRows int               // rows of the tallest weight-gradient tile
	v       []reg.VecPhysical // all vector registers
	masks   Mem               // AVX2: words of ones followed by words of zeros
}

const (
	mid  = 3 // vectors per row of the tile that all row counts share
	taps = 6 // offsets of the widest weight-gradient tile
)

// maskTable holds the masks of VMASKMOVPS: n leading ones are at word 8−n.
func maskTable() Mem {
	m := GLOBL("masks", 8|16) // RODATA|NOPTR
	for i := range 16 {
		DATA(4*i, U32(uint32(0)-uint32(1-i/8)))
	}
	return m
}

func (x isa) avx512() bool { return x.lanes == 16 }

func (x isa) function(name, signature, doc string) {
	TEXT(x.name+name, 4, signature) // NOSPLIT
	Pragma("noescape")
	Doc(fmt.Sprintf("%s%s %s", x.name, name, doc))
}

// vecBytes is the width of a vector.
func (x isa) vecBytes() int { return 4 * x.lanes }

// mask makes the mask of the first n lanes: in K1, or in the vector register r.
func (x isa) mask(n reg.GPVirtual, r reg.VecPhysical) {
	if x.avx512() {
		m := GP32()
		MOVL(I32(-1), m)
		BZHIL(n.As32(), m, m)
		KMOVW(m, reg.K1)
		return
	}
	x.maskAddress(n)
	VMOVUPS(Mem{Base: n}, r)
}

// maskAddress turns the number of lanes in n into the address of their mask.
func (x isa) maskAddress(n reg.GPVirtual) {
	p := GP64()
	LEAQ(x.masks.Offset(32), p)
	SHLQ(Imm(2), n)
	SUBQ(n, p)
	MOVQ(p, n)
}

// loadMasked loads the masked lanes of a vector and zeroes the others.
func (x isa) loadMasked(m Mem, mask, r reg.VecPhysical) {
	if x.avx512() {
		VMOVUPS_Z(m, reg.K1, r)
	} else {
		VMASKMOVPS(m, mask, r)
	}
}

// storeMasked stores the masked lanes of a vector.
func (x isa) storeMasked(r, mask reg.VecPhysical, m Mem) {
	if x.avx512() {
		VMOVUPS(r, reg.K1, m)
	} else {
		VMASKMOVPS(r, mask, m)
	}
}

func (x isa) zero(r reg.VecPhysical) {
	if x.avx512() {
		VPXORD(r, r, r)
	} else {
		VXORPS(r, r, r)
	}
}

func param(name string) reg.GPVirtual {
	r := GP64()
	Load(Param(name), r)
	return r
}
