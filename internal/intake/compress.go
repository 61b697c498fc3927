//go:build !js

package intake

import (
	"context"
	"fmt"
	"io"
	"slices"

	"ditas/internal/ffmpeg"
)

// coding is a codec as ffmpeg has it.
type coding struct {
	Codec
	args []string
}

var codings = []coding{
	{Codec{"mp3", "MP3, 128 kbit/s"}, []string{"-c:a", "libmp3lame", "-b:a", "128k", "-f", "mp3"}},
	{Codec{"aac", "AAC, 128 kbit/s"}, []string{"-c:a", "aac", "-b:a", "128k", "-f", "ipod"}},
	{Codec{"opus", "Opus, 64 kbit/s"}, []string{"-c:a", "libopus", "-b:a", "64k", "-f", "ogg"}},
}

// Codecs returns what [Compress] takes: nothing without the program ffmpeg.
func Codecs() []Codec {
	if _, err := ffmpeg.Find(); err != nil {
		return nil
	}
	list := make([]Codec, len(codings))
	for i, c := range codings {
		list[i] = c.Codec
	}
	return list
}

// Compress has ffmpeg compress a WAV file by one of [Codecs], by name, and writes the file that comes out, which [ForeignWithin] opens. Besides that it takes a
// copy of both on the disk.
func Compress(ctx context.Context, w io.Writer, r io.ReaderAt, size int64, name string) error {
	i := slices.IndexFunc(codings, func(c coding) bool { return c.Name == name })
	if i < 0 {
		return fmt.Errorf("there is no codec %q", name)
	}
	t, err := newTrade()
	if err != nil {
		return err
	}
	defer t.Close()
	if _, err := io.Copy(t.from, &untilDone{ctx, io.NewSectionReader(r, 0, size)}); err != nil {
		return err
	}
	args := []string{"-protocol_whitelist", "file", "-f", "wav", "-i", "file:" + t.input, "-map_metadata", "-1", "-fflags", "+bitexact"}
	args = slices.Concat(args, codings[i].args, []string{"-y", "file:" + t.output})
	if _, err := ffmpeg.RunWith(ctx, t.inherited, args...); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("compressing by %s: %w", codings[i].Title, err)
	}
	info, err := t.to.Stat()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, &untilDone{ctx, io.NewSectionReader(t.to, 0, info.Size())})
	return err
}
