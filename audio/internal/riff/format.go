package riff

import (
	"encoding/binary"
	"fmt"
	"math"

	"ditas/audio"
	"ditas/audio/internal/pcm"
)

// Format tags of the fmt chunk.
const (
	PCM        = 0x0001
	Float      = 0x0003
	ALaw       = 0x0006
	MuLaw      = 0x0007
	Extensible = 0xFFFE
)

// Subformat and ambisonic are the last 14 bytes of the GUIDs that extend a format tag: the usual ones [1], and those of the ambisonic
// B-format.
//
//   - [1] Multiple Channel Audio Data and WAVE Files, Microsoft, 2001
const (
	Subformat = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71"
	ambisonic = "\x00\x00\x21\x07\xD3\x11\x86\x44\xC8\xC1\xCA\x00\x00\x00"
)

// compressed names the format tags that people meet and that are refused.
var compressed = map[uint16]string{
	0x0002: "Microsoft ADPCM",
	0x0011: "IMA ADPCM",
	0x0031: "GSM 6.10",
	0x0050: "MPEG audio",
	0x0055: "MP3",
	0x00FF: "AAC",
	0x0161: "Windows Media Audio",
	0x2000: "AC-3",
}

// ParseFormat reads a fmt chunk. The error wraps [audio.ErrUnsupported] or [audio.ErrMalformed].
func ParseFormat(body []byte, order binary.ByteOrder) (*pcm.Layout, error) {
	if len(body) < 16 {
		return nil, Malformed("a format of %d bytes", len(body))
	}
	tag := order.Uint16(body)
	channels := int(order.Uint16(body[2:]))
	rate := order.Uint32(body[4:])
	frame := int(order.Uint16(body[12:]))
	valid := int(order.Uint16(body[14:]))
	extensible := tag == Extensible
	if extensible {
		if len(body) < 40 {
			return nil, Malformed("an extensible format of %d bytes", len(body))
		}
		guid := string(body[26:40])
		if guid != Subformat && guid != ambisonic {
			return nil, fmt.Errorf("%w: samples of type %x; convert the file to 16-bit PCM first", audio.ErrUnsupported, body[24:40])
		}
		tag = order.Uint16(body[24:])
		valid = int(order.Uint16(body[18:]))
	}
	law := map[uint16]*pcm.Law{ALaw: pcm.ALaw, MuLaw: pcm.MuLaw}[tag]
	if tag != PCM && tag != Float && law == nil {
		name, known := compressed[tag]
		if !known {
			name = fmt.Sprintf("format 0x%04X", tag)
		}
		return nil, fmt.Errorf("%w: %s; convert the file to 16-bit PCM first", audio.ErrUnsupported, name)
	}
	switch {
	case channels == 0:
		return nil, Malformed("no channels")
	case rate == 0 || rate > math.MaxInt32:
		return nil, Malformed("a rate of %d Hz", rate)
	}
	bits := int(order.Uint16(body[14:]))
	layout := &pcm.Layout{Format: audio.Format{Rate: int(rate), Channels: channels}, BigEndian: order == binary.BigEndian, Offset: true}
	if law != nil {
		if frame != channels && bits != 8 {
			return nil, Malformed("%d channels of a byte each in frames of %d bytes", channels, frame)
		}
		layout.Encoding, layout.Law = audio.Int16, law
		return layout, nil
	}
	width, err := width(tag, channels, frame, bits, uint64(order.Uint32(body[8:])) == uint64(rate)*uint64(channels*((bits+7)/8)))
	if err != nil {
		return nil, err
	}
	encodings := map[int]audio.Encoding{1: audio.Int8, 2: audio.Int16, 3: audio.Int24, 4: audio.Int32}
	if tag == Float {
		encodings = map[int]audio.Encoding{4: audio.Float32, 8: audio.Float64}
	}
	encoding, ok := encodings[width]
	if !ok {
		return nil, fmt.Errorf("%w: samples of %d bytes; convert the file to 16-bit PCM first", audio.ErrUnsupported, width)
	}
	if valid < encoding.Bits() && !encoding.IsFloat() {
		layout.ValidBits = valid
	}
	layout.Encoding = encoding
	return layout, nil
}

// width returns the size of a sample in bytes, of channels that lie in frames of some bytes; agrees says that the number of bytes per second is
// the one for so many bits.
//
// Where the size of a frame contradicts channels and bits, players go by these. That is safe where it could not be otherwise: samples that need
// more room than a frame has, floats, and a number of bytes per second that agrees. Else nothing is: of 24 bits in 4 bytes, say, there are files
// with the bits at the top, at the bottom, and of floating point.
func width(tag uint16, channels, frame, bits int, agrees bool) (int, error) {
	if bits == 0 && tag == PCM {
		return 0, Malformed("samples of 0 bits (bits per sample), in frames of %d bytes (block align)", frame)
	}
	if need := channels * ((bits + 7) / 8); bits > 0 && frame != need {
		if frame > need && tag != Float && !agrees {
			return 0, Malformed("frames of %d bytes (block align), but %d channels of %d bits (bits per sample); which of the two is wrong, nothing tells",
				frame, channels, bits)
		}
		frame = need
	}
	if frame == 0 || frame%channels != 0 {
		return 0, Malformed("%d channels in frames of %d bytes", channels, frame)
	}
	return frame / channels, nil
}
