package aiff

import (
	"encoding/binary"
	"fmt"
	"math"

	"ditas/audio"
	"ditas/audio/internal/pcm"
	"ditas/audio/internal/riff"
)

// common is what the COMM chunk says.
type common struct {
	layout pcm.Layout
	frames int64
}

// Of the samples of a compression type of AIFF-C: how they lie in the file, or, if the Encoding is 0, that they are integers of as many bits as
// the chunk says. Apple's names for what is not compressed come in both cases.
var types = map[string]pcm.Layout{
	"NONE": {BigEndian: true},
	"none": {BigEndian: true},
	"twos": {BigEndian: true},
	"sowt": {},
	"raw ": {Format: audio.Format{Encoding: audio.Int8}, Offset: true},
	"in24": {Format: audio.Format{Encoding: audio.Int24}, BigEndian: true},
	"in32": {Format: audio.Format{Encoding: audio.Int32}, BigEndian: true},
	"42n1": {Format: audio.Format{Encoding: audio.Int24}},
	"42ni": {Format: audio.Format{Encoding: audio.Int24}},
	"23n1": {Format: audio.Format{Encoding: audio.Int32}},
	"23ni": {Format: audio.Format{Encoding: audio.Int32}},
	"fl32": {Format: audio.Format{Encoding: audio.Float32}, BigEndian: true},
	"FL32": {Format: audio.Format{Encoding: audio.Float32}, BigEndian: true},
	"fl64": {Format: audio.Format{Encoding: audio.Float64}, BigEndian: true},
	"FL64": {Format: audio.Format{Encoding: audio.Float64}, BigEndian: true},
	"alaw": {Format: audio.Format{Encoding: audio.Int16}, Law: pcm.ALaw},
	"ALAW": {Format: audio.Format{Encoding: audio.Int16}, Law: pcm.ALaw},
	"ulaw": {Format: audio.Format{Encoding: audio.Int16}, Law: pcm.MuLaw},
	"ULAW": {Format: audio.Format{Encoding: audio.Int16}, Law: pcm.MuLaw},
}

// compressed names the others that people meet.
var compressed = map[string]string{
	"ima4": "IMA ADPCM", "MAC3": "MACE 3:1", "MAC6": "MACE 6:1", "GSM ": "GSM 6.10", "agsm": "GSM 6.10", "G722": "G.722", "G726": "G.726",
	"QDMC": "QDesign Music", "QDM2": "QDesign Music", "Qclp": "Qualcomm PureVoice", "ADP4": "ADPCM", "DWVW": "DWVW", ".mp3": "MP3", "ms\x00\x55": "MP3",
}

// The COMM chunk is 18 bytes, and in AIFF-C four more with the compression type, and a name of it.
const (
	commonSize = 18
	typeSize   = 4
)

// parseCommon reads a COMM chunk.
func parseCommon(body []byte, compression bool) (*common, error) {
	if len(body) < commonSize || compression && len(body) < commonSize+typeSize {
		return nil, riff.Malformed("a COMM chunk of %d bytes", len(body))
	}
	channels, bits := int(binary.BigEndian.Uint16(body)), int(binary.BigEndian.Uint16(body[6:]))
	kind := "NONE"
	if compression {
		kind = string(body[commonSize : commonSize+typeSize])
	}
	layout, ok := types[kind]
	if !ok {
		name, known := compressed[kind]
		if !known {
			name = fmt.Sprintf("compression %q", kind)
		}
		return nil, fmt.Errorf("%w: %s; convert the file to 16-bit PCM first", audio.ErrUnsupported, name)
	}
	rate, ok := extended([10]byte(body[8:]))
	switch {
	case channels == 0:
		return nil, riff.Malformed("no channels")
	case !ok || rate < 0.5 || rate >= math.MaxInt32:
		return nil, riff.Malformed("a rate of %v Hz", rate)
	case layout.Encoding == 0:
		if bits == 0 || bits > 32 {
			return nil, fmt.Errorf("%w: samples of %d bits; convert the file to 16-bit PCM first", audio.ErrUnsupported, bits)
		}
		// Samples fill whole bytes, from the top.
		layout.Encoding = [...]audio.Encoding{audio.Int8, audio.Int16, audio.Int24, audio.Int32}[(bits-1)/8]
		if bits < layout.Encoding.Bits() {
			layout.ValidBits = bits
		}
	case kind == "raw " && bits > 8:
		return nil, fmt.Errorf("%w: unsigned samples of %d bits; convert the file to 16-bit PCM first", audio.ErrUnsupported, bits)
	}
	// Rates are whole numbers here. Those of old Macs are not, as 22254.545… Hz, by less than players care about.
	layout.Rate, layout.Channels = int(math.Round(rate)), channels
	return &common{layout, int64(binary.BigEndian.Uint32(body[2:]))}, nil
}

// extended returns the number that 80 bits stand for, the extended format of IEEE 754: a sign, 15 bits of an exponent that is biased by 16383,
// and 64 of a mantissa with one before the point. ok is false for what is no number.
func extended(b [10]byte) (x float64, ok bool) {
	exponent, mantissa := int(binary.BigEndian.Uint16(b[:])), binary.BigEndian.Uint64(b[2:])
	sign := 1 - 2*float64(exponent>>15)
	exponent &= 0x7FFF
	x = sign * math.Ldexp(float64(mantissa), exponent-16383-63)
	return x, exponent != 0x7FFF
}
