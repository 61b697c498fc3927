package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/internal/ffmpeg"
)

// mostDecoded bounds what ffmpeg writes, in bytes: what a WAV file can hold, six hours of stereo.
const mostDecoded = 1<<32 - 1<<16

// Sound is a recording that ffmpeg took out of a file that ditas does not read. Closing it removes the temporary file that it is in.
type Sound struct {
	audio.File
	given *codec.Format
	file  *os.File
	dir   string
}

// Given returns the format that the recording had.
func (s *Sound) Given() *codec.Format { return s.given }

// Close removes the temporary file.
func (s *Sound) Close() error { return errors.Join(s.file.Close(), os.RemoveAll(s.dir)) }

// Extensions returns the extensions of what [Foreign] opens, with their dots, in lower case: without the program ffmpeg those of
// [codec.Readable].
func Extensions() []string {
	formats := codec.Readable()
	if _, err := ffmpeg.Find(); err == nil {
		for _, f := range codec.Known() {
			if f.Demuxer() != "" {
				formats = append(formats, f)
			}
		}
	}
	return codec.Extensions(formats)
}

// Foreign is [Recording], and where that refuses a file as of a format that the program ffmpeg reads, such as MP4, it has the program decode
// the first sound in it, in 16 bits. The File is then a *[Sound], which is to be closed. Without the program the error says what to install.
func Foreign(ctx context.Context, r io.ReaderAt, size int64) (audio.File, error) {
	f, err := Recording(r, size)
	var refusal *codec.Refusal
	if !errors.As(err, &refusal) || refusal.Format == nil || refusal.Format.Demuxer() == "" {
		return f, err
	}
	if _, missing := ffmpeg.Find(); missing != nil {
		return nil, &codec.Refusal{
			Says:   "is " + refusal.Format.Name() + ", which ditas reads by the program ffmpeg, and that is not installed",
			Advice: "install ffmpeg (https://ffmpeg.org), or " + refusal.Advice, Err: audio.ErrFormat, Format: refusal.Format,
		}
	}
	s, err := decode(ctx, r, size, refusal.Format)
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", refusal.Format, err)
	}
	return s, nil
}

// decode has ffmpeg decode the first sound of a file.
func decode(ctx context.Context, r io.ReaderAt, size int64, format *codec.Format) (s *Sound, err error) {
	dir, err := os.MkdirTemp("", "ditas-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to.wav")
	if err := copyTo(ctx, from, r, size); err != nil {
		return nil, err
	}
	// The format is given, and nothing but files may be read, so that no file can have ffmpeg look for another one.
	err = ffmpeg.Run(ctx, "-protocol_whitelist", "file", "-f", format.Demuxer(), "-i", "file:"+from,
		"-map", "0:a:0", "-vn", "-c:a", "pcm_s16le", "-fflags", "+bitexact", "-fs", fmt.Sprint(int64(mostDecoded)), to)
	if err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("%w: %w", audio.ErrDamaged, err)
		}
		return nil, err
	}
	if err := os.Remove(from); err != nil {
		return nil, err
	}
	file, err := os.Open(to)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	decoded, err := wav.Open(file, info.Size())
	if err != nil {
		return nil, err
	}
	os.RemoveAll(dir) // where open files may be removed, nothing is left even if the process dies; else Close does it
	return &Sound{decoded, format, file, dir}, nil
}

// copyTo writes a file of size bytes to a new one.
func copyTo(ctx context.Context, name string, r io.ReaderAt, size int64) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, &untilDone{ctx, io.NewSectionReader(r, 0, size)})
	return errors.Join(err, f.Close())
}

// untilDone reads until a context ends.
type untilDone struct {
	ctx context.Context
	io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Reader.Read(p)
}
