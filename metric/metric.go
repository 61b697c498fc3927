// Package metric measures how far a stego differs from its cover, and how audible the difference is. Package picture/quality
// measures pictures.
//
// [MSE], [SNR], [SegmentalSNR] and [MaxDeviation] compare samples; [Masking] and [PEAQ] tell what can be heard; [Comparison]
// measures all of it, block by block. Recordings are slices of samples, full scale 1, and the first argument is the original.
// Every measure sums in one fixed order in float64, so that equal inputs give equal bits, and each comment names the source of
// its formula.
//
// To judge a file, measure what you read back from it, after rounding to its sample format.
package metric

import "errors"

// ErrSize is what measures wrap if their arguments differ in size, or are too small.
var ErrSize = errors.New("sizes cannot be compared")
