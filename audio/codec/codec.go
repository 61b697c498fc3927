// Package codec opens recordings whatever their container is: WAV, FLAC or NIST SPHERE.
package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"ditas/audio"
	"ditas/audio/flac"
	"ditas/audio/sphere"
	"ditas/audio/wav"
)

// foreign are the first bytes of files that people take for recordings that Ditas reads.
var foreign = []struct {
	offset      int
	magic, name string
}{
	{0, "OggS", "an Ogg file"},
	{0, "FORM", "an AIFF file"},
	{0, "caff", "a CAF file"},
	{0, "wvpk", "a WavPack file"},
	{0, "riff\x2E\x91\xCF\x11", "a Wave64 file"},
	{4, "ftyp", "an MP4 file"},
	{0, "\x1A\x45\xDF\xA3", "a Matroska or WebM file"},
	{0, "ID3", "an MP3 file"},
	{0, "\xFF\xFB", "an MP3 file"},
	{0, "\xFF\xF3", "an MP3 file"},
	{0, "\xFF\xF1", "an AAC file"},
}

// Open reads the header of the recording of size bytes in r, which the File goes on reading from. Files that can be
// written again are [audio.Rewriter] too. The error wraps [audio.ErrFormat], [audio.ErrUnsupported],
// [audio.ErrMalformed] or [flac.ErrDamaged].
func Open(r io.ReaderAt, size int64) (audio.File, error) {
	if f, err := wav.Open(r, size); err == nil {
		return f, nil
	} else if !errors.Is(err, audio.ErrFormat) {
		return nil, err
	}
	if f, err := flac.Open(r, size); err == nil {
		return f, nil
	} else if !errors.Is(err, audio.ErrFormat) {
		return nil, err
	}
	if f, err := sphere.Open(r, size); err == nil {
		return f, nil
	} else if !errors.Is(err, audio.ErrFormat) {
		return nil, err
	}
	var head [12]byte
	n, err := io.NewSectionReader(r, 0, size).ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	for _, f := range foreign {
		if n > f.offset && bytes.HasPrefix(head[f.offset:n], []byte(f.magic)) {
			return nil, fmt.Errorf("%w: it is %s; convert it to WAV or FLAC first", audio.ErrFormat, f.name)
		}
	}
	return nil, fmt.Errorf("%w: it is neither WAV, FLAC nor NIST SPHERE", audio.ErrFormat)
}

// Decode reads the whole of the recording of size bytes in r. If it is cut off, the error is an [audio.TruncatedError]
// and the recording holds what there is.
func Decode(r io.ReaderAt, size int64) (*audio.Recording, error) {
	f, err := Open(r, size)
	if err != nil {
		return nil, err
	}
	return audio.ReadAll(f)
}

// ReadFile is Decode of the named file. Its errors name the file.
func ReadFile(name string) (*audio.Recording, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	rec, err := Decode(f, info.Size())
	if err != nil {
		return rec, fmt.Errorf("%s: %w", name, err)
	}
	return rec, nil
}
