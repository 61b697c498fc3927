//go:build !noasm

#include "textflag.h"

// Where the branches of input 0 and 1 lead to from each state, and where those come from that lead to each state.
DATA to0<>+0(SB)/4, $0
DATA to0<>+4(SB)/4, $2
DATA to0<>+8(SB)/4, $5
DATA to0<>+12(SB)/4, $7
DATA to0<>+16(SB)/4, $1
DATA to0<>+20(SB)/4, $3
DATA to0<>+24(SB)/4, $4
DATA to0<>+28(SB)/4, $6
GLOBL to0<>(SB), RODATA|NOPTR, $32

DATA to1<>+0(SB)/4, $1
DATA to1<>+4(SB)/4, $3
DATA to1<>+8(SB)/4, $4
DATA to1<>+12(SB)/4, $6
DATA to1<>+16(SB)/4, $0
DATA to1<>+20(SB)/4, $2
DATA to1<>+24(SB)/4, $5
DATA to1<>+28(SB)/4, $7
GLOBL to1<>(SB), RODATA|NOPTR, $32

DATA from0<>+0(SB)/4, $0
DATA from0<>+4(SB)/4, $4
DATA from0<>+8(SB)/4, $1
DATA from0<>+12(SB)/4, $5
DATA from0<>+16(SB)/4, $6
DATA from0<>+20(SB)/4, $2
DATA from0<>+24(SB)/4, $7
DATA from0<>+28(SB)/4, $3
GLOBL from0<>(SB), RODATA|NOPTR, $32

DATA from1<>+0(SB)/4, $4
DATA from1<>+4(SB)/4, $0
DATA from1<>+8(SB)/4, $5
DATA from1<>+12(SB)/4, $1
DATA from1<>+16(SB)/4, $2
DATA from1<>+20(SB)/4, $6
DATA from1<>+24(SB)/4, $3
DATA from1<>+28(SB)/4, $7
GLOBL from1<>(SB), RODATA|NOPTR, $32

// SUM sets s to what correction.sum does of a and b. t is lost; Y10 holds the correction, Y11 zeros.
#define SUM(a, b, s, t) \
	VPSUBD  b, a, t   \
	VPABSD  t, t      \
	VPSRLD  $2, t, t  \
	VPSUBD  t, Y10, t \
	VPMAXSD Y11, t, t \
	VPMAXSD a, b, s   \
	VPADDD  t, s, s

// func backwardAVX2(metrics *[8]int32, input *int32, branches *[4]int32, steps int, start *[8]int32, correction int32)
TEXT ·backwardAVX2(SB), NOSPLIT, $0-44
	MOVQ metrics+0(FP), DI
	MOVQ input+8(FP), SI
	MOVQ branches+16(FP), BX
	MOVQ steps+24(FP), CX
	MOVQ start+32(FP), DX
	VMOVDQU (DX), Y0
	VMOVDQU to0<>(SB), Y8
	VMOVDQU to1<>(SB), Y9
	MOVL correction+40(FP), AX
	VMOVD AX, X10
	VPBROADCASTD X10, Y10
	VPXOR Y11, Y11, Y11
	LEAQ (SI)(CX*4), SI
	MOVQ CX, AX
	SHLQ $4, AX
	ADDQ AX, BX
	SHLQ $1, AX
	ADDQ AX, DI

back:
	SUBQ $32, DI
	SUBQ $16, BX
	SUBQ $4, SI
	VMOVDQU Y0, (DI)
	VBROADCASTI128 (BX), Y1
	VPSHUFD $0x55, Y1, Y2
	VPSUBD Y1, Y2, Y2
	VPBROADCASTD (SI), Y3
	VPADDD Y3, Y2, Y2
	VPERMD Y0, Y8, Y4
	VPERMD Y0, Y9, Y5
	VPADDD Y1, Y4, Y4
	VPADDD Y2, Y5, Y5
	SUM(Y4, Y5, Y0, Y6)
	DECQ CX
	JNZ back
	VZEROUPPER
	RET

// func forwardAVX2(output *int32, metrics *[8]int32, input *int32, branches *[4]int32, steps int, start *[8]int32, correction int32)
TEXT ·forwardAVX2(SB), NOSPLIT, $0-52
	MOVQ output+0(FP), DI
	MOVQ metrics+8(FP), DX
	MOVQ input+16(FP), SI
	MOVQ branches+24(FP), BX
	MOVQ steps+32(FP), CX
	MOVQ start+40(FP), AX
	VMOVDQU (AX), Y0
	MOVL correction+48(FP), AX
	VMOVD AX, X10
	VMOVDQU to0<>(SB), Y8
	VMOVDQU to1<>(SB), Y9
	VPBROADCASTD X10, Y10
	VPXOR Y11, Y11, Y11
	VMOVDQU from0<>(SB), Y14
	VMOVDQU from1<>(SB), Y15

forth:
	VBROADCASTI128 (BX), Y1
	VPSHUFD $0x55, Y1, Y2
	VPSUBD Y1, Y2, Y2
	VPBROADCASTD (SI), Y3
	VPADDD Y1, Y0, Y4        // branches of input 0
	VPADDD Y2, Y0, Y5        // of input 1, without the input
	VPERMD (DX), Y8, Y6
	VPERMD (DX), Y9, Y7
	VPADDD Y4, Y6, Y6
	VPADDD Y5, Y7, Y7

	// The metrics of the next states.
	VPADDD Y3, Y5, Y5
	VPERMD Y4, Y14, Y4
	VPERMD Y5, Y15, Y5
	SUM(Y4, Y5, Y0, Y3)

	// The sums over all states: of pairs, of fours, with the branches of input 0 in even lanes and those of input 1 in odd ones, and of all.
	VPSHUFD $0xb1, Y6, Y1
	SUM(Y6, Y1, Y2, Y3)
	VPSHUFD $0xb1, Y7, Y1
	SUM(Y7, Y1, Y4, Y3)
	VPBLENDD $0xaa, Y4, Y2, Y2
	VPSHUFD $0x4e, Y2, Y1
	SUM(Y2, Y1, Y4, Y3)
	VPERMQ $0x4e, Y4, Y1
	SUM(Y4, Y1, Y2, Y3)
	VPSHUFD $0x55, X2, X1
	VPSUBD X2, X1, X1
	VMOVD X1, (DI)

	ADDQ $4, DI
	ADDQ $32, DX
	ADDQ $4, SI
	ADDQ $16, BX
	DECQ CX
	JNZ forth
	VZEROUPPER
	RET
