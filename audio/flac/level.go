package flac

import (
	"fmt"
	"io"

	"ditas/audio"
)

// Level is a level of compression, from 0, the fastest, to 8, the smallest. All are lossless, and equal the levels of the
// reference encoder [1]:
//
//	level  packet  stereo    order  parts  windows
//	0      1152    left, right   –      8  –
//	1      1152    adaptive      –      8  –
//	2      1152    best          –      8  –
//	3      4096    left, right   6     16  1
//	4      4096    adaptive      8     16  1
//	5      4096    best          8     32  1
//	6      4096    best          8     64  3
//	7      4096    best         12     64  3
//	8      4096    best         12     64  9
//
// A packet of a new file has that many frames. Two channels are coded as they are, in the best of four ways, or in the way
// that was best when it was last looked for, up to 0.4 s ago. Predictors have coefficients of their own up to that order,
// found under that many windows, or are the fixed ones of the format alone. A residual is cut into that many parts at most.
// None of this goes beyond the streamable subset of RFC 9639, whatever the rate.
//
//   - [1] https://xiph.org/flac/documentation_tools_flac.html
type Level int

const (
	MinLevel     Level = 0
	DefaultLevel Level = 5 // of [NewWriter], [Encode] and [File.Rewrite]
	MaxLevel     Level = 8
)

// check returns an error if there is no such level.
func (l Level) check() error {
	if l < MinLevel || l > MaxLevel {
		return fmt.Errorf("there is no FLAC compression level %d: want %d to %d", l, MinLevel, MaxLevel)
	}
	return nil
}

// Encode is the function [Encode] at this level.
func (l Level) Encode(dst io.Writer, rec *audio.Recording) error {
	w, err := l.NewWriter(dst, rec.Format, int64(rec.Frames()))
	if err != nil {
		return err
	}
	if err := w.Write(rec.Samples); err != nil {
		return err
	}
	return w.Close()
}

// WithLevel returns the same file, but its [File.Rewrite] compresses packets whose samples change at another level. They keep
// their numbers of frames, which a level sets for new files only.
func (f *File) WithLevel(l Level) (*File, error) {
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("flac: %w", err)
	}
	again := *f
	again.effort = &efforts[l]
	return &again, nil
}

// effort is what the encoder tries.
type effort struct {
	frames  int  // in a packet of a new file
	pairing      // of two channels
	order   int  // of a predictor with coefficients of its own, at most; 0 for none
	parts   uint // log2 of the number of parts of a residual, at most
	windows int  // predictors are found for the whole of a packet, and for parts of it down to this fraction
}

// pairing is how the way to code two channels is found.
type pairing uint8

const (
	apart    pairing = iota
	adaptive         // the best one for some time
	best             // for each packet
)

var efforts = [MaxLevel + 1]effort{
	{1152, apart, 0, 3, 0},
	{1152, adaptive, 0, 3, 0},
	{1152, best, 0, 3, 0},
	{4096, apart, 6, 4, 1},
	{4096, adaptive, 8, 4, 1},
	{4096, best, 8, 5, 1},
	{4096, best, 8, 6, 2},
	{4096, best, 12, 6, 2},
	{4096, best, 12, 6, 3},
}
