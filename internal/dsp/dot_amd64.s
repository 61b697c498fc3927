//go:build !noasm

#include "textflag.h"

// From 8 n bytes before the middle on, a mask of n values.
DATA masks<>+0(SB)/8, $-1
DATA masks<>+8(SB)/8, $-1
DATA masks<>+16(SB)/8, $-1
DATA masks<>+24(SB)/8, $0
DATA masks<>+32(SB)/8, $0
DATA masks<>+40(SB)/8, $0
DATA masks<>+48(SB)/8, $0
GLOBL masks<>(SB), RODATA|NOPTR, $56

// PART adds four products to sum, or goes to rest if there are no more than three.
#define PART(sum, rest) \
	CMPQ    CX, $4      \
	JLT     rest        \
	VMOVUPD (SI), Y4    \
	VMULPD  (DX), Y4, Y4 \
	VADDPD  Y4, sum, sum \
	ADDQ    $32, SI     \
	ADDQ    $32, DX     \
	SUBQ    $4, CX

// REST adds the last products, of which there are at most three, to sum. AX holds the middle of the masks.
#define REST(sum) \
	SHLQ       $3, CX       \
	SUBQ       CX, AX       \
	VMOVUPD    (AX), Y6     \
	VMASKMOVPD (SI), Y6, Y4 \
	VMASKMOVPD (DX), Y6, Y5 \
	VMULPD     Y5, Y4, Y4   \
	VADDPD     Y4, sum, sum

// func dotAVX2(a, b *float64, n int) float64
TEXT ·dotAVX2(SB), NOSPLIT, $0-32
	MOVQ   a+0(FP), SI
	MOVQ   b+8(FP), DX
	MOVQ   n+16(FP), CX
	LEAQ   masks<>+24(SB), AX
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1
	VXORPD Y2, Y2, Y2
	VXORPD Y3, Y3, Y3
	SUBQ   $16, CX
	JLT    tail

loop:
	VMOVUPD (SI), Y4
	VMOVUPD 32(SI), Y5
	VMOVUPD 64(SI), Y6
	VMOVUPD 96(SI), Y7
	VMULPD  (DX), Y4, Y4
	VMULPD  32(DX), Y5, Y5
	VMULPD  64(DX), Y6, Y6
	VMULPD  96(DX), Y7, Y7
	VADDPD  Y4, Y0, Y0
	VADDPD  Y5, Y1, Y1
	VADDPD  Y6, Y2, Y2
	VADDPD  Y7, Y3, Y3
	ADDQ    $128, SI
	ADDQ    $128, DX
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ $16, CX
	PART(Y0, rest0)
	PART(Y1, rest1)
	PART(Y2, rest2)
	REST(Y3)
	JMP  sum

rest0:
	REST(Y0)
	JMP sum

rest1:
	REST(Y1)
	JMP sum

rest2:
	REST(Y2)

sum:
	VADDPD       Y2, Y0, Y0
	VADDPD       Y3, Y1, Y1
	VADDPD       Y1, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPD       X1, X0, X0
	VUNPCKHPD    X0, X0, X1
	VADDSD       X1, X0, X0
	VZEROUPPER
	MOVSD        X0, ret+24(FP)
	RET
