// Package codec opens recordings whatever their container is: WAV, FLAC, NIST SPHERE, MP3 or Ogg Vorbis.
//
// Only WAV and FLAC can be written. [audio.Convert] makes one of them out of any other, and [CheckOutput] says so of a name
// that promises something else.
package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"ditas/audio"
	"ditas/audio/flac"
	"ditas/audio/mp3"
	"ditas/audio/sphere"
	"ditas/audio/vorbis"
	"ditas/audio/wav"
)

// foreign are the first bytes of files that people take for recordings that Ditas reads.
var foreign = []struct {
	offset      int
	magic, name string
}{
	{0, "FORM", "an AIFF file"},
	{0, "caff", "a CAF file"},
	{0, "wvpk", "a WavPack file"},
	{0, "riff\x2E\x91\xCF\x11", "a Wave64 file"},
	{4, "ftyp", "an MP4 file"},
	{0, "\x1A\x45\xDF\xA3", "a Matroska or WebM file"},
	{0, "ID3", "an ID3 tag before something other than MP3 or FLAC"},
	{0, "\xFF\xF1", "an AAC file"},
	{0, "\xFF\xF9", "an AAC file"},
	{0, "\x30\x26\xB2\x75\x8E\x66\xCF\x11", "a Windows Media file"},
}

// openers are those of the containers, each of which knows its own by the first bytes. That of MP3 comes last, because an MP3
// file has little to know it by.
var openers = []func(r io.ReaderAt, size int64) (audio.File, error){
	func(r io.ReaderAt, size int64) (audio.File, error) { return wav.Open(r, size) },
	func(r io.ReaderAt, size int64) (audio.File, error) { return flac.Open(r, size) },
	func(r io.ReaderAt, size int64) (audio.File, error) { return sphere.Open(r, size) },
	func(r io.ReaderAt, size int64) (audio.File, error) { return vorbis.Open(r, size) },
	func(r io.ReaderAt, size int64) (audio.File, error) { return mp3.Open(r, size) },
}

// Open reads the header of the recording of size bytes in r, which the File goes on reading from. Files that can be
// written again are [audio.Rewriter] too; [Lossy] tells those that cannot because of their compression. The error wraps
// [audio.ErrFormat], [audio.ErrUnsupported], [audio.ErrMalformed], [flac.ErrDamaged] or [vorbis.ErrDamaged].
func Open(r io.ReaderAt, size int64) (audio.File, error) {
	for _, open := range openers {
		f, err := open(r, size)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, audio.ErrFormat) {
			return nil, err
		}
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
	return nil, fmt.Errorf("%w: it is neither WAV, FLAC, NIST SPHERE, MP3 nor Ogg Vorbis", audio.ErrFormat)
}

// Lossy reports whether f, as Open returned it, has been through a compression that changed its samples.
func Lossy(f audio.File) bool {
	switch f.(type) {
	case *mp3.File, *vorbis.File:
		return true
	}
	return false
}

// lossy are the extensions of files whose samples are not what was written to them.
var lossy = map[string]string{
	".aac":  "AAC",
	".ac3":  "AC-3",
	".m4a":  "AAC in MP4",
	".mp2":  "MPEG audio",
	".mp3":  "MP3",
	".mp4":  "AAC in MP4",
	".oga":  "Ogg Vorbis",
	".ogg":  "Ogg Vorbis",
	".opus": "Opus",
	".spx":  "Speex",
	".webm": "WebM",
	".wma":  "Windows Media Audio",
}

// CheckOutput returns an error if the extension of name asks for a lossy kind of recording. What is hidden in one would not
// survive, so Ditas writes none. The error wraps [audio.ErrUnsupported] and says what to do.
func CheckOutput(name string) error {
	if kind, ok := lossy[strings.ToLower(filepath.Ext(name))]; ok {
		return fmt.Errorf("%w: %s: %s is lossy and would throw away what is hidden; let the name end in .wav or .flac", audio.ErrUnsupported, name, kind)
	}
	return nil
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
