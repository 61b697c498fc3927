// Package model holds the networks that hide pictures in sound: the stages of the paper's method, multi-stage residual
// hiding, and the five systems DITAS-S, -M, -M-E, -M-D and -M-ED as five values of one [Config].
//
// A [System] has N stages. Stage i takes what is still missing of a picture, S_i, and a subsequence of the recording, T_i,
// and makes T~_i = H_i(S_i, T_i), which sounds like T_i and from which S~_i = R_i(T~_i) is read. What S~_i misses goes on
// to the next stage, S_{i+1} = S_i − S~_i; the revealed picture is the sum of the S~_i.
//
//	sys, err := model.New(cfg)               // fresh weights, or:
//	sys, err := model.Load(r, size)          // from a safetensors file
//	h, err := sys.NewHider()
//	err = h.SetThresholds(0.03)
//	h.Hide(containers, picture, covers, step)
//	r, err := sys.NewRevealer()
//	err = r.SetThresholds(0.03)
//	r.Reveal(picture, containers)
//
// Both networks work in the transform domain ([Fold]). Coefficients of the cover below a threshold are erased and make room
// for the message, whose coefficients stay well below the threshold; those above are left alone, and the receiver tells
// the two apart by magnitude. So the channel that H_i and R_i learn to code for is an erasure channel whose erasures both
// know, and the recording itself does not interfere. The threshold is the strength of hiding; one set of weights serves
// all of them.
//
// Pictures are planar RGB, 3×tile×tile values in [0, 1]; subsequences are Config.Samples values with full scale 1.
package model
