// Package sphere reads NIST SPHERE files, the format of TIMIT and other speech corpora, whose names often end in .WAV.
//
// A SPHERE file starts with a line "NIST_1A" and one with the size of the header, 1024 as a rule. Lines of a name, a type
// and a value follow, up to one that says end_head, and then the samples. Samples may be PCM of 16, 24 or 32 bits in
// either order of bytes. They count from the container's full scale, whatever sample_sig_bits says. A-law and µ-law are read as the 16 bits that
// they stand for. Files compressed with shorten have to be expanded with NIST's w_decode or sph2pipe first.
package sphere

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"ditas/audio"
	"ditas/audio/internal/pcm"
)

const (
	preamble  = 16      // bytes of the first two lines
	maxHeader = 1 << 16 // bytes
)

// File is a SPHERE file. It implements [audio.File].
type File struct{ section pcm.Section }

// Open reads the header of the SPHERE file of size bytes in r, which File goes on reading from. The error wraps
// [audio.ErrFormat], [audio.ErrUnsupported] or [audio.ErrMalformed].
func Open(r io.ReaderAt, size int64) (*File, error) {
	section, err := parse(r, size)
	if err != nil {
		return nil, fmt.Errorf("sphere: %w", err)
	}
	return &File{*section}, nil
}

// Format implements [audio.File].
func (f *File) Format() audio.Format { return f.section.Format() }

// Frames implements [audio.File]. Of a file that is cut off it counts the frames that are left.
func (f *File) Frames() int64 { return f.section.Frames() }

// End returns the position in the file, in bytes, behind the last frame.
func (f *File) End() int64 { return f.section.End() }

// Reader implements [audio.File]. The Reader allocates nothing after it was made.
func (f *File) Reader() audio.Reader { return f.section.Reader() }

// Decode reads the whole of the SPHERE file of size bytes in r. If the file is cut off, the error is an
// [audio.TruncatedError] and the recording holds what there is.
func Decode(r io.ReaderAt, size int64) (*audio.Recording, error) {
	f, err := Open(r, size)
	if err != nil {
		return nil, err
	}
	return audio.ReadAll(f)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrMalformed, fmt.Sprintf(format, args...))
}

func parse(r io.ReaderAt, size int64) (*pcm.Section, error) {
	r = io.NewSectionReader(r, 0, size)
	var first [preamble]byte
	if n, err := r.ReadAt(first[:], 0); n < len(first) && err != io.EOF {
		return nil, err
	}
	length, ok := bytes.CutPrefix(first[:], []byte("NIST_1A\n"))
	if !ok {
		return nil, fmt.Errorf("%w: not a SPHERE file", audio.ErrFormat)
	}
	start, err := strconv.ParseInt(string(bytes.TrimSpace(length)), 10, 64)
	if err != nil || start < preamble || start > maxHeader {
		return nil, malformed("a header of %q bytes", bytes.TrimSpace(length))
	}
	head := make([]byte, start)
	if n, err := r.ReadAt(head, 0); n < len(head) {
		if err != io.EOF {
			return nil, err
		}
		return nil, malformed("the file ends before its samples begin")
	}
	fields, err := parseFields(string(head[preamble:]))
	if err != nil {
		return nil, err
	}
	layout, err := fields.layout()
	if err != nil {
		return nil, err
	}
	s := &pcm.Section{Layout: *layout, File: r, Size: size, Start: start, Declared: -1}
	s.Present = (size - start) / int64(s.FrameSize())
	if _, ok := fields["sample_count"]; ok {
		if s.Declared, err = fields.integer("sample_count", 0, math.MaxInt64); err != nil {
			return nil, err
		}
		s.Present = min(s.Present, s.Declared)
	}
	return s, nil
}

// fields are the values of the header by name.
type fields map[string]string

func parseFields(head string) (fields, error) {
	f := fields{}
	for line := range strings.Lines(head) {
		line = strings.TrimSpace(line)
		if line == "end_head" {
			return f, nil
		}
		if strings.HasPrefix(line, ";") {
			continue // a comment
		}
		name, rest, _ := strings.Cut(line, " ")
		_, value, _ := strings.Cut(strings.TrimSpace(rest), " ")
		f[name] = strings.TrimSpace(value)
	}
	return nil, malformed("no end_head")
}

func (f fields) integer(name string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(f[name], 10, 64)
	if err != nil || n < low || n > high {
		return 0, malformed("a %s of %q", name, f[name])
	}
	return n, nil
}

// laws are what sample_coding calls companded samples.
var laws = map[string]*pcm.Law{"alaw": pcm.ALaw, "a-law": pcm.ALaw, "ulaw": pcm.MuLaw, "mu-law": pcm.MuLaw, "mulaw": pcm.MuLaw}

func (f fields) layout() (*pcm.Layout, error) {
	coding, ok := f["sample_coding"]
	law := laws[coding]
	if ok && coding != "pcm" && law == nil {
		advice := "convert the file to 16-bit PCM first"
		if strings.Contains(coding, "shorten") {
			advice = "expand the file with sph2pipe or w_decode first"
		}
		return nil, fmt.Errorf("%w: %s; %s", audio.ErrUnsupported, coding, advice)
	}
	rate, err := f.integer("sample_rate", 1, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	channels, err := f.integer("channel_count", 1, math.MaxUint16)
	if err != nil {
		return nil, err
	}
	size, err := f.integer("sample_n_bytes", 1, 8)
	if err != nil {
		return nil, err
	}
	l := &pcm.Layout{Format: audio.Format{Rate: int(rate), Channels: int(channels)}, Law: law}
	if law != nil {
		if size != 1 {
			return nil, malformed("%s samples of %d bytes", coding, size)
		}
		l.Encoding = audio.Int16
		return l, nil
	}
	switch size {
	case 2:
		l.Encoding = audio.Int16
	case 3:
		l.Encoding = audio.Int24
	case 4:
		l.Encoding = audio.Int32
	default:
		return nil, fmt.Errorf("%w: samples of %d bytes; convert the file to 16-bit PCM first", audio.ErrUnsupported, size)
	}
	// The order lists the bytes by significance: 01 or 0123 for the least significant first. sox writes 01 for any size.
	switch order := f["sample_byte_format"]; {
	case strings.HasPrefix(order, "01"):
	case strings.HasSuffix(order, "10"):
		l.BigEndian = true
	default:
		return nil, malformed("a sample_byte_format of %q", order)
	}
	return l, nil
}
