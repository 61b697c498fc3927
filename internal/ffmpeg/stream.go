package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Stream is what the program says of a sound in a file.
type Stream struct {
	Codec   string // as in "alac"
	Profile string // of the codec, as in "DTS-HD MA", mostly empty
	Samples string // the kind that the codec is decoded to: u8, s16, s32, s64, flt or dbl; empty if the program does not say
	Bits    int    // of a sample that are in use, 0 if that is all of them
}

// Probe returns what the program says of the first sound of an input, whose arguments end in -i and its name; for what it inherits
// see [RunWith]. It decodes nothing.
func Probe(ctx context.Context, inherited []*os.File, input ...string) (Stream, error) {
	var heard hearing
	// Copying nothing makes it open the file and say what is in it, as ffprobe would, which not everybody has.
	args := slices.Concat(input, []string{"-map", "0:a:0", "-c", "copy", "-t", "0", "-f", "null", "-"})
	if err := run(ctx, &heard, "info", inherited, args); err != nil {
		return Stream{}, err
	}
	if heard.first == nil {
		return Stream{}, errors.New("ffmpeg does not say what is in the file")
	}
	return *heard.first, nil
}

// hearing listens to what the program says for the first sound that it mentions in its input.
type hearing struct {
	line  []byte
	first *Stream
	index int // of the stream in the file
	over  bool
}

func (h *hearing) Write(p []byte) (int, error) {
	const longest = 4096 // and what follows in such a line is not about a stream
	for _, b := range p {
		switch {
		case b == '\n':
			h.hear(string(h.line))
			h.line = h.line[:0]
		case len(h.line) < longest:
			h.line = append(h.line, b)
		}
	}
	return len(p), nil
}

func (h *hearing) hear(line string) {
	h.over = h.over || strings.HasPrefix(line, "Stream mapping:") || strings.HasPrefix(line, "Output #")
	if h.over {
		return
	}
	// Files with programs have their streams in the order of these.
	if s, index, ok := parseStream(line); ok && (h.first == nil || index < h.index) {
		h.first, h.index = &s, index
	}
}

// stream is a line about a sound: its number, perhaps with an identifier and a language behind it, the codec, perhaps with a profile.
var stream = regexp.MustCompile(`^ {2,4}Stream #0[:.](\d+)(?:\[\w+\])?(?:\([^)]*\))?: Audio: ([\w-]+)(?: \(([^)/]*)\))?`)

// samples is the part of such a line about samples: planar or not, perhaps with the number of bits in use.
var samples = regexp.MustCompile(`, (u8|s16|s32|s64|flt|dbl)p?(?: \((\d+) bit\))?(?:,| \(|$)`)

// parseStream reads a line such as
//
//	Stream #0:1[0x2](eng): Audio: alac (alac / 0x63616C61), 44100 Hz, stereo, s32p (24 bit), 1411 kb/s (default)
func parseStream(line string) (s Stream, index int, ok bool) {
	line = strings.TrimRight(line, "\r")
	m := stream.FindStringSubmatch(line)
	if m == nil {
		return Stream{}, 0, false
	}
	index, err := strconv.Atoi(m[1])
	if err != nil {
		return Stream{}, 0, false
	}
	s = Stream{Codec: m[2], Profile: m[3]}
	if kind := samples.FindStringSubmatch(line); kind != nil {
		s.Samples = kind[1]
		s.Bits, _ = strconv.Atoi(kind[2]) // 0 where nothing is said
	}
	return s, index, true
}

// lossless are the codecs whose samples are those that were put in. Besides, the names of all encodings of PCM begin with pcm_; A-law, µ-law and
// the like among them leave nothing out either.
var lossless = []string{
	"alac", "ape", "atrac3al", "atrac3pal", "dst", "flac", "mlp", "mp4als", "osq",
	"ralf", "s302m", "shorten", "tak", "truehd", "tta", "wavarc", "wavpack", "wmalossless",
}

// Lossless reports whether the codec leaves nothing out that was in the recording. That of DSD, which has one bit, does not.
func (s Stream) Lossless() bool {
	return slices.Contains(lossless, s.Codec) || strings.HasPrefix(s.Codec, "pcm_") || strings.HasPrefix(s.Codec, "dsd_") ||
		strings.HasPrefix(s.Profile, "DTS-HD MA")
}

// PCM returns what the program calls the encoding that holds the sound as it was: with the bits of a sample that it has, or 16 if the codec is
// lossy, where finer ones would be of no use.
func (s Stream) PCM() string {
	switch {
	case !s.Lossless():
		return "pcm_s16le"
	case strings.HasPrefix(s.Codec, "dsd_") || s.Codec == "dst":
		return "pcm_s24le" // what a filter makes of single bits
	case s.Samples == "s32" && s.Bits > 0 && s.Bits <= 24:
		return "pcm_s24le"
	}
	names := map[string]string{"u8": "u8", "s16": "s16le", "s32": "s32le", "s64": "s32le", "flt": "f32le", "dbl": "f64le", "": "s24le"}
	return fmt.Sprintf("pcm_%s", names[s.Samples])
}
