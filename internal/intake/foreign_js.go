package intake

import (
	"context"
	"errors"
	"io"

	"ditas/audio"
	"ditas/audio/codec"
)

// Sound is a recording that another program took out of a file that ditas does not read. There is none in a browser, which has no such programs.
type Sound struct{ audio.File }

// Given returns the format that the recording had.
func (*Sound) Given() *codec.Format { return nil }

// Bytes returns the size of the temporary file.
func (*Sound) Bytes() int64 { return 0 }

// Close removes the temporary file.
func (*Sound) Close() error { return nil }

// ForeignWithin is [Recording], but says of files that another program would have to decode that there is none.
func ForeignWithin(_ context.Context, r io.ReaderAt, size, _ int64) (audio.File, error) {
	f, err := Recording(r, size)
	var (
		refusal  *codec.Refusal
		encoding *codec.EncodingError
	)
	switch {
	case errors.As(err, &refusal) && refusal.Format != nil && refusal.Format.Demuxer() != "":
		return nil, unread(refusal.Format, "")
	case errors.As(err, &encoding) && encoding.Format.Demuxer() != "":
		return nil, unread(encoding.Format, " in an encoding")
	}
	return f, err
}

// unread returns the error that a file takes another program.
func unread(format *codec.Format, encoding string) error {
	return &codec.Refusal{
		Says: "is " + format.Name() + encoding + ", which this page cannot read", Advice: format.Advice(), Err: audio.ErrFormat, Format: format,
	}
}

// Codecs returns nothing: no other program is there to compress.
func Codecs() []Codec { return nil }

// Compress fails.
func Compress(context.Context, io.Writer, io.ReaderAt, int64, string) error {
	return errors.ErrUnsupported
}
