// Package pcm reads and writes samples that lie uncompressed and interleaved in a file, for the containers that are no
// more than a header around them.
package pcm

import (
	"encoding/binary"
	"math"

	"ditas/audio"
)

// Layout is how the samples of a format lie in a file: frame by frame, the channels of a frame side by side.
type Layout struct {
	audio.Format
	BigEndian bool
	Offset    bool // Int8 samples are stored as code+128
	// Law is by which samples of Int16 were companded to a byte each, nil if they were not. They cannot be written.
	Law *Law
}

// FrameSize returns the size of a frame in bytes.
func (l *Layout) FrameSize() int { return l.Channels * l.width() }

// width returns the size of a sample in bytes.
func (l *Layout) width() int {
	if l.Law != nil {
		return 1
	}
	return l.Encoding.Bits() / 8
}

// bufferSize is the size of the raw block that readers and writers work with, unless a single frame is larger.
const bufferSize = 32 << 10

func (l *Layout) buffer() []byte {
	size := l.FrameSize()
	return make([]byte, max(1, bufferSize/size)*size)
}

// Decode turns raw, a whole number of frames, into as many samples of each channel of block, starting at frame from. It
// leaves raw in an unspecified order of bytes.
func (l *Layout) Decode(block [][]float64, from int, raw []byte) {
	stride := l.FrameSize()
	n := len(raw) / stride
	if n == 0 {
		return
	}
	if l.Law != nil {
		for c := range block {
			dst, raw := block[c][from:from+n], raw[c:]
			for i := range dst {
				dst[i] = float64(l.Law[raw[i*stride]]) * 0x1p-15
			}
		}
		return
	}
	l.swap(raw)
	width := l.width()
	for c := range block {
		dst, raw := block[c][from:from+n], raw[c*width:]
		switch l.Encoding {
		case audio.Int8:
			flip := l.flip()
			for i := range dst {
				dst[i] = float64(int8(raw[i*stride]^flip)) * 0x1p-7
			}
		case audio.Int16:
			for i := range dst {
				dst[i] = float64(int16(binary.LittleEndian.Uint16(raw[i*stride:]))) * 0x1p-15
			}
		case audio.Int24:
			for i := range dst {
				dst[i] = float64(int24(raw[i*stride:])) * 0x1p-23
			}
		case audio.Int32:
			for i := range dst {
				dst[i] = float64(int32(binary.LittleEndian.Uint32(raw[i*stride:]))) * 0x1p-31
			}
		case audio.Float32:
			for i := range dst {
				dst[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[i*stride:])))
			}
		case audio.Float64:
			for i := range dst {
				dst[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[i*stride:]))
			}
		}
	}
}

// Encode fills raw, a whole number of frames, with the samples of block from frame from on. A sample that equals what raw held for it before keeps its bytes there: this
// preserves padding bits that are not zero and the payload of NaNs.
func (l *Layout) Encode(raw []byte, block [][]float64, from int) {
	l.swap(raw)
	n := len(raw) / l.FrameSize()
	if n == 0 {
		return
	}
	width := l.Encoding.Bits() / 8
	stride := l.FrameSize()
	scale := float64(uint64(1) << (min(l.Bits(), 32) - 1))
	pad := min(l.Encoding.Bits(), 32) - min(l.Bits(), 32)
	for c := range block {
		src, raw := block[c][from:from+n], raw[c*width:]
		switch l.Encoding {
		case audio.Int8:
			flip := l.flip()
			for i, x := range src {
				if p := &raw[i*stride]; float64(int8(*p^flip))*0x1p-7 != x {
					*p = byte(int32(audio.Round(x, scale))<<pad) ^ flip
				}
			}
		case audio.Int16:
			for i, x := range src {
				p := raw[i*stride:]
				if float64(int16(binary.LittleEndian.Uint16(p)))*0x1p-15 != x {
					binary.LittleEndian.PutUint16(p, uint16(int32(audio.Round(x, scale))<<pad))
				}
			}
		case audio.Int24:
			for i, x := range src {
				p := raw[i*stride:]
				if float64(int24(p))*0x1p-23 != x {
					code := int32(audio.Round(x, scale)) << pad
					p[0], p[1], p[2] = byte(code), byte(code>>8), byte(code>>16)
				}
			}
		case audio.Int32:
			for i, x := range src {
				p := raw[i*stride:]
				if float64(int32(binary.LittleEndian.Uint32(p)))*0x1p-31 != x {
					binary.LittleEndian.PutUint32(p, uint32(int32(audio.Round(x, scale))<<pad))
				}
			}
		case audio.Float32:
			for i, x := range src {
				p := raw[i*stride:]
				old := float64(math.Float32frombits(binary.LittleEndian.Uint32(p)))
				if math.Float64bits(old) != math.Float64bits(x) {
					binary.LittleEndian.PutUint32(p, math.Float32bits(float32(x)))
				}
			}
		case audio.Float64:
			for i, x := range src {
				binary.LittleEndian.PutUint64(raw[i*stride:], math.Float64bits(x))
			}
		}
	}
	l.swap(raw)
}

func (l *Layout) flip() byte {
	if l.Offset {
		return 0x80
	}
	return 0
}

func int24(p []byte) int32 {
	_ = p[2]
	return int32(uint32(p[0])<<8|uint32(p[1])<<16|uint32(p[2])<<24) >> 8
}

// swap exchanges big-endian with little-endian samples.
func (l *Layout) swap(raw []byte) {
	if !l.BigEndian {
		return
	}
	switch l.Encoding.Bits() {
	case 16:
		for ; len(raw) >= 2; raw = raw[2:] {
			raw[0], raw[1] = raw[1], raw[0]
		}
	case 24:
		for ; len(raw) >= 3; raw = raw[3:] {
			raw[0], raw[2] = raw[2], raw[0]
		}
	case 32:
		for ; len(raw) >= 4; raw = raw[4:] {
			binary.LittleEndian.PutUint32(raw, binary.BigEndian.Uint32(raw))
		}
	case 64:
		for ; len(raw) >= 8; raw = raw[8:] {
			binary.LittleEndian.PutUint64(raw, binary.BigEndian.Uint64(raw))
		}
	}
}
