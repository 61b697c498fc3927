// Package durable hides bytes in a recording so that they come back after what happens to recordings that people share: lossy codecs, other
// rates, a cut, another volume. Nothing but the recording and a key is needed. It is a [carrier.Carrier]:
//
//	survey, err := durable.Carrier{Aim: durable.Share}.Survey(ctx, cover, options)
//	report, err := survey.Embed(ctx, dst, carrier.Strength{}, payload, key, rand.Reader, options)
//	…
//	found, err := durable.Carrier{}.Find(ctx, host, key, options)
//	message, err := found.Read(ctx, options)
//
// What comes back is the beginning of the payload: as much of it as what happened leaves room for. So a payload has to be a stream of which
// every prefix is of use (package codestream).
//
// # How it works
//
// Whatever the recording's rate and channels, the mark lies in the mean of its channels at 16 kHz, in the coefficients of a lapped transform
// (MDCT, 16 ms) from 140 to 7100 Hz. Each symbol is the sum of one to six neighbouring coefficients with keyed signs, each in units of what
// the ear bears of it there (package durable/ear). It is moved a part of the way to the nearest point of a lattice that a keyed dither shifts
// and its bit shifts by half a step (quantisation index modulation; Chen and Wornell 2001, Eggers et al. 2003). What the ear bears is
// computed from the marked recording by the receiver too, so the sender brings mark and mask together in several rounds. Before sudden sounds,
// beside loud tones and where samples would clip it moves symbols less far. The receiver learns from the symbols themselves how much noise there
// is in each band of each frame, which differs a lot behind a codec, and so how much each symbol says.
//
// The payload is divided into stages, each for a kind of codec ([Aim]). The first ones have most of the coefficients below 1.1 kHz, which the worst
// codecs keep. Who knows the codec beforehand gives nearly all of the room to one stage. Every block of the code (package turbo) is spread
// over the whole recording. How strong all of it is follows from the recording: as strong as listeners do not hear by criterion Q of package
// metric, found by trying strengths on excerpts.
//
// Seven coefficients in a hundred are pilots. They depend on the key alone and repeat after 8.2 s, but for a quarter of them that tell
// which repetition it is. The search computes them for frames that begin at any half of a sample, correlates them with what the key
// expects, and leaves the last word to the tag of the header, which comes with each repetition. Clocks that drift make lines
// through the offsets. A thorough search also looks for other speeds, one after the other in short pieces, and for recordings that were stretched
// at their own pitch: their frames lie along lines with jumps, found by dynamic programming.
//
// docs/FORMAT.md has all that another reader or writer has to know.
package durable
