// Package metric measures what hiding costs the recording. Package picture/quality does so for pictures.
//
// Recordings are slices of samples, full scale 1: [MSE], [SNR], [SegmentalSNR], [MaxDeviation], and, for what can be heard,
// [Masking] and [PEAQ]. [Comparison] takes them all, block by block. The first argument is the original. Every measure sums in
// one fixed order in float64, so that equal inputs give equal bits, and each comment names the source of its formula.
//
// Figures about files are to be taken from what was read back from the file, after rounding to its sample format.
package metric

import "errors"

// ErrSize is wrapped by the error of a measure whose arguments differ in size, or are too small for it.
var ErrSize = errors.New("sizes cannot be compared")
