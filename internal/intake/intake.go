// Package intake opens what people give, recordings and pictures, which it tells apart by what is in them. The
// command and the page say the same of a file that is not what is wanted.
package intake

import (
	"context"
	"errors"
	"fmt"
	"io"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/words"
	"ditas/picture"
)

// Recording is [codec.Open] of a file that somebody gave as a recording. Of a picture the error says that it is one.
func Recording(r io.ReaderAt, size int64) (audio.File, error) {
	f, err := codec.Open(r, size)
	if errors.Is(err, audio.ErrFormat) && IsPicture(r, size) {
		return nil, &codec.Refusal{Says: "is a picture, and a recording is wanted here", Advice: codec.Wanted(), Err: audio.ErrFormat}
	}
	return f, err
}

// Picture is [picture.DecodeContext] of a file of size bytes that somebody gave as a picture. Of a recording the error
// says that it is one, and of a kind of pictures that is not read which one it is and what to do.
func Picture(ctx context.Context, r io.ReaderAt, size int64, maxPixels int) (*picture.Planes, error) {
	p, err := picture.DecodeContext(ctx, io.NewSectionReader(r, 0, size), maxPixels)
	var unread *picture.UnreadError
	if errors.As(err, &unread) {
		return nil, &codec.Refusal{Says: "is " + unread.Kind.Name + ", which ditas does not read", Advice: unread.Kind.Advice, Err: err}
	}
	if !errors.Is(err, picture.ErrFormat) || IsPicture(r, size) {
		return p, err
	}
	says := "is not a picture that ditas reads"
	if _, err := codec.Open(r, size); !errors.Is(err, audio.ErrFormat) {
		says = "is a recording, and a picture is wanted here"
	}
	return nil, &codec.Refusal{Says: says, Advice: picture.Wanted(), Err: picture.ErrFormat}
}

// IsPicture reports whether a file of size bytes begins as a picture does.
func IsPicture(r io.ReaderAt, size int64) bool {
	head := make([]byte, picture.HeadSize)
	n, err := io.NewSectionReader(r, 0, size).ReadAt(head, 0)
	return (err == nil || err == io.EOF) && picture.Recognize(head[:n])
}

// Advice returns what to do about a recording or a picture that cannot be read, as far as the error tells.
func Advice(err error) string {
	var (
		refusal *codec.Refusal
		cut     *audio.TruncatedError
		joined  *audio.JoinedError
	)
	switch {
	case errors.As(err, &refusal):
		return refusal.Advice
	case errors.As(err, &cut):
		return "get a whole copy of the recording, or save it anew with an audio editor"
	case errors.As(err, &joined):
		return fmt.Sprintf("take them apart at that byte: head -c %d gives the first one, tail -c +%d what follows", joined.At, joined.At+1)
	case errors.Is(err, picture.ErrTooLarge):
		return "scale the picture down first"
	case errors.Is(err, ErrKeyIsPicture):
		return KeyAdvice
	case errors.Is(err, audio.ErrUnsupported), errors.Is(err, audio.ErrMalformed), errors.Is(err, audio.ErrDamaged):
		return "save the recording anew with an audio editor, as " + words.List(codec.Names(codec.Writable()), "or")
	}
	return ""
}

// Codec is a way to compress recordings with loss.
type Codec struct {
	Name  string `json:"name"`
	Title string `json:"title"` // for people
}
