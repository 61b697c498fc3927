//go:build !noasm

package syndrome

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// fastest returns the fastest trellis that this processor runs.
func fastest() trellis {
	if cpu.X86.HasAVX2 {
		return avx2{}
	}
	return portable{}
}

// avx2 computes eight states at a time.
type avx2 struct{}

func (avx2) first(cost, before []int32, column uint32, bit byte, zero, one int32) {
	half := len(cost) / 2
	_, _ = cost[half|int(column)], before[2*half-1]
	firstAVX2(&cost[0], &before[0], half, column, uint64(bit&1), zero, one)
}

func (avx2) next(cost []int32, taken []uint64, column uint32, zero, one int32) {
	half := len(cost) / 2
	_, _ = cost[half|int(column)], taken[half/32-1]
	// The first state of a group is the first bit of a byte, the numbers being little-endian.
	nextAVX2(&cost[0], (*uint8)(unsafe.Pointer(&taken[0])), half, column, zero, one)
}

//go:noescape
func firstAVX2(cost, before *int32, half int, column uint32, bit uint64, zero, one int32)

//go:noescape
func nextAVX2(cost *int32, taken *uint8, half int, column uint32, zero, one int32)
