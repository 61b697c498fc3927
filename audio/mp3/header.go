package mp3

import "encoding/binary"

// header is the first four bytes of a frame: 11 bits of 1, 2 for the version, 2 for the layer, 1 that is 0 if a checksum
// follows, 4 for the bit rate, 2 for the rate, 1 for a byte of padding, 1 without meaning, 2 for the mode, 2 that extend
// it, and 4 that do not matter here.
type header uint32

// Values of fields.
const (
	version25   = 0
	versionNone = 1
	version1    = 3
	rateNone    = 3
	modeJoint   = 1
	modeMono    = 3
)

func parse(b []byte) header { return header(binary.BigEndian.Uint32(b)) }

func (h header) version() uint32 { return uint32(h) >> 19 & 3 }

// layer returns 1 to 3, or 4 if there is none.
func (h header) layer() int { return 4 - int(h>>17&3) }

func (h header) bitRate() uint32 { return uint32(h) >> 12 & 15 }

// like returns whether a frame with header h may be of the same recording as one with header first.
func (h header) like(first header) bool {
	return h.valid() && h&0xFFFE_0C00 == first&0xFFFE_0C00 && h.channels() == first.channels()
}

// valid reports whether h may be the header of a frame whose size it tells.
func (h header) valid() bool {
	return h>>21 == 0x7FF && h.version() != versionNone && h.layer() < 4 && h.bitRate() != 0 && h.bitRate() != 15 && h>>10&3 != rateNone
}

// rate returns samples per second.
func (h header) rate() int {
	rate := [...]int{44100, 48000, 32000}[h>>10&3]
	switch h.version() {
	case version1:
		return rate
	case version25:
		return rate / 4
	}
	return rate / 2
}

func (h header) channels() int {
	if h>>6&3 == modeMono {
		return 1
	}
	return 2
}

// samples returns how many samples of each channel a frame of layer III has.
func (h header) samples() int {
	if h.version() == version1 {
		return 1152
	}
	return 576
}

// Bit rates in kbit/s, by version, layer and code.
var bitRates = [2][3][15]int{
	{
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
	},
	{
		{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
	},
}

// size returns the size of the frame in bytes.
func (h header) size() int {
	first := 0
	if h.version() == version1 {
		first = 1
	}
	rate := bitRates[first][h.layer()-1][h.bitRate()] * 1000
	padding := int(h >> 9 & 1)
	switch {
	case h.layer() == 1:
		return 4 * (12*rate/h.rate() + padding)
	case h.layer() == 3 && first == 0:
		return 72*rate/h.rate() + padding
	}
	return 144*rate/h.rate() + padding
}

// sumSize returns the size of the checksum between header and side information in bytes.
func (h header) sumSize() int {
	if h>>16&1 == 0 {
		return 2
	}
	return 0
}

// sideSize returns the size of the side information in bytes.
func (h header) sideSize() int {
	switch {
	case h.version() == version1 && h.channels() == 2:
		return 32
	case h.version() != version1 && h.channels() == 1:
		return 9
	}
	return 17
}
