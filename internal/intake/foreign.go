//go:build !js

package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/internal/ffmpeg"
)

// mostDecoded bounds what ffmpeg writes, in bytes: what a WAV file can hold, six hours of stereo in 16 bits.
const mostDecoded = 1<<32 - 1<<16

// mostOf bounds what ffmpeg writes of a file of some bytes: 256 frames of 16-bit stereo for each, and a minute and a half of any file. The lowest rates have a
// quarter of that, and whoever searches hours of silence in a few bytes takes as long as for hours of sound.
func mostOf(size int64) int64 { return min(mostDecoded, 1<<24+1024*size) }

// Sound is a recording that ffmpeg, or afconvert, took out of a file that ditas does not read. Closing it removes the temporary file that it is in.
type Sound struct {
	audio.File
	given     *codec.Format
	lossy     bool
	bytes     int64
	complaint string
	trade     *trade
}

// Given returns the format that the recording had.
func (s *Sound) Given() *codec.Format { return s.given }

// Lossy reports whether the recording was compressed with loss, as [codec.Lossy] means it. MP4, for one, holds both kinds.
func (s *Sound) Lossy() bool { return s.lossy }

// Bytes returns the size of the temporary file.
func (s *Sound) Bytes() int64 { return s.bytes }

// Complaint returns what ffmpeg says is wrong with the file although it decoded it, as [codec.Complaint] means it: that it is cut off, or damaged.
func (s *Sound) Complaint() string { return s.complaint }

// Close removes the temporary file.
func (s *Sound) Close() error { return s.trade.Close() }

// Formats returns the formats of what [Foreign] opens: without the programs ffmpeg and afconvert those of [codec.Readable].
func Formats() []*codec.Format {
	formats := codec.Readable()
	for _, f := range codec.Known() {
		if !f.Readable() && decoderOf(f) != nil {
			formats = append(formats, f)
		}
	}
	return formats
}

// Extensions returns the extensions of [Formats], with their dots, in lower case.
func Extensions() []string { return codec.Extensions(Formats()) }

// Foreign is [Recording], and where that refuses a file as of a format or in an encoding that the program ffmpeg reads, such as MP4, it has the
// program decode the first sound in it: in 16 bits if it was compressed with loss, or else in those that it has. The File is then a *[Sound],
// which is to be closed. Without the program the error says what to install.
func Foreign(ctx context.Context, r io.ReaderAt, size int64) (audio.File, error) {
	return ForeignWithin(ctx, r, size, mostDecoded)
}

// ForeignWithin is [Foreign] of what is decoded to fewer than most bytes; more are refused. Besides these it takes a copy of the file on the disk.
func ForeignWithin(ctx context.Context, r io.ReaderAt, size, most int64) (audio.File, error) {
	f, err := Recording(r, size)
	var (
		refusal  *codec.Refusal
		encoding *codec.EncodingError
		format   *codec.Format
	)
	switch {
	case errors.As(err, &refusal):
		format = refusal.Format
	case errors.As(err, &encoding):
		format = encoding.Format
	}
	if format == nil || format.Demuxer() == "" {
		return f, err
	}
	decode := decoderOf(format)
	if decode == nil {
		return nil, wanting(format, err)
	}
	s, err := decode(ctx, r, size, format, min(most, mostOf(size)))
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", format, err)
	}
	return s, nil
}

// wanting returns the error that a file cannot be read for want of ffmpeg.
func wanting(format *codec.Format, err error) error {
	says := "is " + format.Name() + ", which ditas reads by the program ffmpeg, and that is not installed"
	if errors.As(err, new(*codec.EncodingError)) {
		says = "is " + format.Name() + " in an encoding that ditas reads by the program ffmpeg, and that is not installed"
	}
	return &codec.Refusal{
		Says: says, Advice: "install ffmpeg (https://ffmpeg.org), or " + format.Advice(), Err: audio.ErrFormat, Format: format,
	}
}

// apple are formats that the program afconvert of macOS decodes without leaving out more than was left out, by what ffmpeg calls them.
var apple = []string{"mov", "aac", "ac3", "amr"}

// decoderOf returns what decodes the first sound of a file of a format, to fewer than most bytes, by a program that is installed; nil if none is.
func decoderOf(format *codec.Format) func(ctx context.Context, r io.ReaderAt, size int64, format *codec.Format, most int64) (*Sound, error) {
	if _, err := ffmpeg.Find(); err == nil && format.Demuxer() != "" {
		return decode
	}
	if _, ok := ffmpeg.FindAFConvert(); ok && slices.Contains(apple, format.Demuxer()) {
		return decodeByApple
	}
	return nil
}

// decodeByApple has afconvert decode the first sound of a file.
func decodeByApple(ctx context.Context, r io.ReaderAt, size int64, format *codec.Format, most int64) (s *Sound, err error) {
	extension := ""
	if list := codec.Extensions([]*codec.Format{format}); len(list) > 0 {
		extension = list[0]
	}
	t, err := newNamedTrade(extension)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	if _, err := io.Copy(t.from, &untilDone{ctx, io.NewSectionReader(r, 0, size)}); err != nil {
		return nil, err
	}
	if err := ffmpeg.RunAFConvert(ctx, t.input, t.output, most); err != nil {
		var failure *ffmpeg.Failure
		if errors.As(err, &failure) {
			err = fmt.Errorf("%w: the program afconvert says: %s", audio.ErrDamaged, nameless(failure.Last(), t.input))
		}
		return nil, err
	}
	if err := t.from.Truncate(0); err != nil { // its room on the disk is free
		return nil, err
	}
	if err := t.reopen(); err != nil {
		return nil, err
	}
	return t.sound(format, format.Lossy(), ffmpeg.AFConvert, "", most)
}

// decode has ffmpeg decode the first sound of a file, to fewer than most bytes.
func decode(ctx context.Context, r io.ReaderAt, size int64, format *codec.Format, most int64) (s *Sound, err error) {
	t, err := newTrade()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	if _, err := io.Copy(t.from, &untilDone{ctx, io.NewSectionReader(r, 0, size)}); err != nil {
		return nil, err
	}
	// The format is given, and nothing but files may be read, so that no file can have ffmpeg look for another one.
	input := []string{"-protocol_whitelist", "file", "-f", format.Demuxer(), "-i", "file:" + t.input}
	lossy, pcm := format.Lossy(), "pcm_s16le"
	if stream, err := ffmpeg.Probe(ctx, t.inherited, input...); err == nil { // or else decoding says what is wrong
		lossy, pcm = !stream.Lossless(), stream.PCM()
	}
	output := []string{"-map", "0:a:0", "-vn", "-c:a", pcm, "-fflags", "+bitexact", "-fs", fmt.Sprint(most), "-f", "wav", "-y", "file:" + t.output}
	said, err := ffmpeg.RunWith(ctx, t.inherited, append(input, output...)...)
	if err != nil {
		if ctx.Err() == nil {
			err = undecoded(err, format, t.input)
		}
		return nil, err
	}
	if err := t.from.Truncate(0); err != nil { // its room on the disk is free
		return nil, err
	}
	return t.sound(format, lossy, ffmpeg.Program, nameless(said, t.input), most)
}

// sound returns what a program has decoded of a file.
func (t *trade) sound(format *codec.Format, lossy bool, program, complaint string, most int64) (*Sound, error) {
	info, err := t.to.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() >= most { // it ended there, and says nothing of that
		return nil, &codec.Refusal{Says: "is too long to be decoded by " + program, Advice: "cut it, or convert it to FLAC first", Err: audio.ErrUnsupported}
	}
	decoded, err := wav.Open(t.to, info.Size())
	if err != nil {
		return nil, err
	}
	return &Sound{decoded, format, lossy, info.Size(), complaint, t}, nil
}

// undecoded is the error that ffmpeg fails with a copy of a file, in its words but for the name of the copy, which nobody knows.
func undecoded(err error, format *codec.Format, copied string) error {
	var failure *ffmpeg.Failure
	switch {
	case !errors.As(err, &failure):
		return fmt.Errorf("%w: %w", audio.ErrDamaged, err)
	case strings.Contains(failure.Said, "matches no streams"):
		return &codec.Refusal{Says: "is " + format.Name() + " without any sound", Advice: "take a file with sound in it", Err: audio.ErrUnsupported}
	}
	return fmt.Errorf("%w: the program ffmpeg says: %s", audio.ErrDamaged, nameless(failure.Last(), copied))
}

// speaker is what ffmpeg puts before what a part of it says.
var speaker = regexp.MustCompile(`^\[[^\]]* @ 0x[0-9a-f]+\] `)

// nameless returns what ffmpeg says without the name of the copy that it reads, which nobody knows, and of the part of it that says so.
func nameless(said, copied string) string {
	said = speaker.ReplaceAllString(said, "")
	for _, name := range []string{"file:" + copied, copied} {
		said = strings.ReplaceAll(strings.ReplaceAll(said, name+": ", ""), name, "the file")
	}
	return said
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
