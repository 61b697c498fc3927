// Package audio says what a recording is: its [Format], its samples, and how they are read and written block by block.
//
// The packages below it read and write the formats of files: wav, flac, mp3, opus, vorbis, aiff, au, w64, sphere, and codec, which opens a file of
// any of them. All return a [File], which any number of independent Readers may read. A File that is also a [Rewriter] can be
// written again with other samples and everything else as it was. [Convert] turns any File into a Rewriter; codec.Cover does
// so only if needed.
//
//	file, err := codec.Open(src, size)
//	r, block := file.Reader(), audio.NewBlock(file.Format().Channels, 4096)
//	for {
//		n, err := r.Read(block)
//		if err == io.EOF {
//			break
//		}
//		…
//	}
//
// [ReadAll] loads a whole File into a [Recording], if there is enough memory.
//
// # Samples
//
// A sample is a float64 in units of full scale. An integer code of b bits stands for code/2^(b-1), which a float64 holds
// exactly and which lies in [-1, 1-2^(1-b)]. The way back rounds to the nearest code, halves to the even one, and clamps
// to the ends of the range; NaN becomes 0. So every code of every integer format survives reading and writing. Floating
// point samples are taken as they are, unbounded.
//
// Blocks are planar: block[c][i] is the sample of channel c in frame i, and all channels are equally long.
package audio

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Errors that say what is wrong with a file. The packages below return errors that wrap one of these, or a
// [TruncatedError] or [JoinedError], and say more.
var (
	// ErrFormat says that the file is of another kind than the one asked for.
	ErrFormat = errors.New("not a known recording")
	// ErrUnsupported says that the container is known, but not the encoding of the samples in it.
	ErrUnsupported = errors.New("unsupported encoding")
	// ErrMalformed says that the header contradicts itself or is incomplete.
	ErrMalformed = errors.New("malformed header")
	// ErrDamaged says that samples are lost because bytes of the file have changed or are missing.
	ErrDamaged = errors.New("damaged samples")
)

// TruncatedError says that a file ends before its header says it would. All frames before that have been read.
type TruncatedError struct {
	Frames   int64 // that are there
	Declared int64 // that the header promises
}

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("the recording is cut off after %d of %d frames", e.Frames, e.Declared)
}

// JoinedError says that a file holds several recordings one after another, which are not to be taken for one. It wraps [ErrUnsupported].
type JoinedError struct {
	At   int64  // the byte at which the second one begins
	What string // that one, in words
}

func (e *JoinedError) Error() string {
	return fmt.Sprintf("it holds more than one recording: %s begins at byte %d", e.What, e.At)
}

// Unwrap returns ErrUnsupported.
func (e *JoinedError) Unwrap() error { return ErrUnsupported }

// Encoding is a set of values that one sample may take.
type Encoding uint8

// The encodings. Int8 is the same set of values whether a container stores it signed or, as WAV does, offset by 128.
const (
	Int8 Encoding = iota + 1
	Int16
	Int24
	Int32
	Float32
	Float64
)

// Bits returns the size of a sample in bits, or 0 if e is not one of the encodings.
func (e Encoding) Bits() int {
	switch e {
	case Int8:
		return 8
	case Int16:
		return 16
	case Int24:
		return 24
	case Int32, Float32:
		return 32
	case Float64:
		return 64
	}
	return 0
}

// IsFloat reports whether e is Float32 or Float64.
func (e Encoding) IsFloat() bool { return e == Float32 || e == Float64 }

func (e Encoding) String() string {
	switch {
	case e.IsFloat():
		return fmt.Sprintf("%d-bit float", e.Bits())
	case e.Bits() > 0:
		return fmt.Sprintf("%d-bit", e.Bits())
	}
	return fmt.Sprintf("encoding %d", uint8(e))
}

// Format is what all frames of a recording have in common.
type Format struct {
	Rate     int // frames per second
	Channels int // samples per frame
	Encoding Encoding
	// ValidBits is how many of the high bits of an integer sample are in use, as for 20 bits in 24; the others are zero.
	// 0 means all of them, and readers set 0 if all are in use.
	ValidBits int
}

// Check returns an error if no recording can have format f.
func (f Format) Check() error {
	switch {
	case f.Rate < 1:
		return fmt.Errorf("a rate of %d Hz is impossible", f.Rate)
	case f.Channels < 1:
		return fmt.Errorf("a recording with %d channels is impossible", f.Channels)
	case f.Encoding.Bits() == 0:
		return fmt.Errorf("%v is unknown", f.Encoding)
	case f.ValidBits < 0 || f.ValidBits > f.Encoding.Bits() || f.ValidBits != 0 && f.Encoding.IsFloat():
		return fmt.Errorf("%d valid bits do not fit %v samples", f.ValidBits, f.Encoding)
	}
	return nil
}

// Bits returns how many bits of a sample are in use.
func (f Format) Bits() int {
	if f.ValidBits > 0 {
		return f.ValidBits
	}
	return f.Encoding.Bits()
}

// Step returns the distance between neighbouring sample values, in units of full scale: 2^(1-bits) for integers. The
// values of a floating point format are not evenly spaced; its Step is the one just below full scale, 2^-24 for Float32
// and 2^-53 for Float64, and smaller samples are finer.
func (f Format) Step() float64 {
	switch f.Encoding {
	case Float32:
		return 0x1p-24
	case Float64:
		return 0x1p-53
	}
	return math.Ldexp(1, 1-f.Bits())
}

// Quantize returns the sample that a file of format f holds after x was written to it.
func (f Format) Quantize(x float64) float64 {
	switch f.Encoding {
	case Float32:
		return float64(float32(x))
	case Float64:
		return x
	}
	scale := float64(uint64(1) << (f.Bits() - 1))
	return Round(x, scale) / scale
}

// Round returns the integer code that stands for sample x where full scale is the power of two scale: x·scale, rounded to
// the nearest integer, halves to even, and clamped to [-scale, scale-1]. NaN gives 0.
func Round(x, scale float64) float64 {
	switch v := math.RoundToEven(x * scale); {
	case v < -scale:
		return -scale
	case v < scale:
		return v + 0 // no integer is -0
	case v >= scale:
		return scale - 1
	}
	return 0
}

// Duration returns how long the given number of frames lasts.
func (f Format) Duration(frames int64) time.Duration {
	return time.Duration(float64(frames) / float64(f.Rate) * float64(time.Second))
}

// String describes f in words, as in "44100 Hz, 2 channels, 16-bit".
func (f Format) String() string {
	channels := "mono"
	if f.Channels != 1 {
		channels = fmt.Sprintf("%d channels", f.Channels)
	}
	encoding := f.Encoding.String()
	if f.Bits() != f.Encoding.Bits() {
		encoding = fmt.Sprintf("%d in %d bits", f.Bits(), f.Encoding.Bits())
	}
	return fmt.Sprintf("%d Hz, %s, %s", f.Rate, channels, encoding)
}

// File is a recording in its container. It does not change, and may be used by several goroutines at once.
type File interface {
	Format() Format
	// Frames returns how many frames the file holds, or -1 where only reading to the end can tell.
	Frames() int64
	// Reader returns a new Reader, positioned at the first frame.
	Reader() Reader
}

// Mended is a File that reads silence in place of what is damaged.
type Mended interface {
	File
	// Damaged returns how many frames have turned out to be damaged, so far.
	Damaged() int64
}

// Mend returns a File that reads silence where f is damaged, or nil if f knows nothing of damage.
func Mend(f File) Mended {
	if m, ok := As[interface{ Mend() Mended }](f); ok {
		return m.Mend()
	}
	return nil
}

// Altered reports whether the samples of f have all been read, and are not those whose checksum is in its header although nothing of it is damaged: some program
// changed either. Files of formats with such a checksum tell it by a method Altered, once they are mended.
func Altered(f File) bool {
	a, ok := As[interface{ Altered() bool }](f)
	return ok && a.Altered()
}

// As returns f if it is a T, or else the first that is one of the files that it is made of, which those tell by a method Unwrap. ok is false if none is.
func As[T any](f File) (t T, ok bool) {
	for f != nil {
		if t, ok := f.(T); ok {
			return t, true
		}
		made, ok := f.(interface{ Unwrap() File })
		if !ok {
			break
		}
		f = made.Unwrap()
	}
	return t, false
}

// Reader reads frames in order.
type Reader interface {
	// Read fills the front of block, which must have the file's number of channels, and returns the number of frames
	// read. It fills the whole block except at the end of the recording. After the last frame it returns 0 and io.EOF,
	// or a *TruncatedError if the file promised more. The error is nil whenever n > 0.
	Read(block [][]float64) (n int, err error)
	// SeekFrame makes the given frame, counted from 0, the next that Read returns.
	SeekFrame(frame int64) error
}

// Writer writes frames in order.
type Writer interface {
	// Write writes all frames of block.
	Write(block [][]float64) error
	// Close writes what follows the samples. It does not close the underlying io.Writer.
	Close() error
}

// Rewriter is a File that can be written again with other samples.
type Rewriter interface {
	File
	// Rewrite returns a Writer that copies the file to dst with the frames that are written to the Writer in place of
	// the first ones. It copies later frames, all bytes that are not samples, and the bytes of unchanged samples as they
	// are.
	Rewrite(dst io.Writer) (Writer, error)
}
