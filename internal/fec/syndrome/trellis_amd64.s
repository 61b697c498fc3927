//go:build !noasm

#include "textflag.h"

DATA lanes<>+0(SB)/4, $0
DATA lanes<>+4(SB)/4, $1
DATA lanes<>+8(SB)/4, $2
DATA lanes<>+12(SB)/4, $3
DATA lanes<>+16(SB)/4, $4
DATA lanes<>+20(SB)/4, $5
DATA lanes<>+24(SB)/4, $6
DATA lanes<>+28(SB)/4, $7
GLOBL lanes<>(SB), RODATA|NOPTR, $32

// func nextAVX2(cost *int32, taken *uint8, half int, column uint32, zero, one int32)
//
// Eight pairs of states at a time: those of the lower half lie together, and so do those that they differ from by the column, in another order.
TEXT ·nextAVX2(SB), NOSPLIT, $0-36
	MOVQ         cost+0(FP), DI
	MOVQ         taken+8(FP), SI
	MOVQ         half+16(FP), CX
	MOVL         column+24(FP), DX
	MOVL         zero+28(FP), AX
	VMOVD        AX, X14
	VPBROADCASTD X14, Y14
	MOVL         one+32(FP), AX
	VMOVD        AX, X15
	VPBROADCASTD X15, Y15
	MOVL         DX, AX
	ANDL         $7, AX
	VMOVD        AX, X13
	VPBROADCASTD X13, Y13
	VPXOR        lanes<>(SB), Y13, Y13 // the order of the states of the upper half
	ANDL         $-8, DX
	SHRQ         $3, CX                // groups of eight
	LEAQ         (SI)(CX*1), R8        // bits of the upper half
	XORQ         BX, BX                // the first state of a group

loop:
	MOVL      BX, R9
	XORL      DX, R9
	VMOVDQU   (DI)(BX*4), Y0
	VMOVDQU   (DI)(R9*4), Y1
	VPERMD    Y1, Y13, Y1
	VPADDD    Y14, Y0, Y2
	VPADDD    Y15, Y1, Y3
	VPADDD    Y14, Y1, Y4
	VPADDD    Y15, Y0, Y5
	VPCMPGTD  Y3, Y2, Y6               // with the bit set it costs less
	VPCMPGTD  Y5, Y4, Y7
	VPMINSD   Y3, Y2, Y2
	VPMINSD   Y5, Y4, Y4
	VPERMD    Y4, Y13, Y4
	VMOVMSKPS Y6, R10
	VMOVMSKPS Y7, R11
	VMOVDQU   Y2, (DI)(BX*4)
	VMOVDQU   Y4, (DI)(R9*4)
	MOVB      R10, (SI)
	MOVB      R11, (R8)
	INCQ      SI
	INCQ      R8
	ADDQ      $8, BX
	DECQ      CX
	JNZ       loop
	VZEROUPPER
	RET

// func firstAVX2(cost, before *int32, half int, column uint32, bit uint64, zero, one int32)
TEXT ·firstAVX2(SB), NOSPLIT, $0-48
	MOVQ         cost+0(FP), DI
	MOVQ         before+8(FP), SI
	MOVQ         half+16(FP), CX
	MOVL         column+24(FP), DX
	MOVQ         bit+32(FP), AX
	SHLQ         $5, AX
	VMOVQ        AX, X12               // how far the states with the message bit are shifted
	MOVL         zero+40(FP), AX
	VMOVD        AX, X14
	VPBROADCASTD X14, Y14
	MOVL         one+44(FP), AX
	VMOVD        AX, X15
	VPBROADCASTD X15, Y15
	MOVL         DX, AX
	ANDL         $7, AX
	VMOVD        AX, X13
	VPBROADCASTD X13, Y13
	VPXOR        lanes<>(SB), Y13, Y13
	ANDL         $-8, DX
	SHRQ         $3, CX
	XORQ         BX, BX

group:
	MOVL    BX, R9
	XORL    DX, R9
	VMOVDQU (SI)(BX*8), Y0
	VMOVDQU 32(SI)(BX*8), Y1
	VPSRLQ  X12, Y0, Y0
	VPSRLQ  X12, Y1, Y1
	VSHUFPS $0x88, Y1, Y0, Y0
	VPERMQ  $0xd8, Y0, Y0
	VPADDD  Y14, Y0, Y2
	VPADDD  Y15, Y0, Y3
	VPERMD  Y3, Y13, Y3
	VMOVDQU Y2, (DI)(BX*4)
	VMOVDQU Y3, (DI)(R9*4)
	ADDQ    $8, BX
	DECQ    CX
	JNZ     group
	VZEROUPPER
	RET
