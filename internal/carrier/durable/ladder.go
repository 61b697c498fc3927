package durable

// Aim is what a recording is to survive: all that may happen to it, or one codec that is known beforehand, to which nearly all of its room is given then.
type Aim uint8

const (
	Share        Aim = iota // music and anything else, through what people share it with
	Voice                   // speech, through voice messages
	MusicMP3                // music through MP3 at 128 kbit/s
	MusicOpus64             // music through Opus at 64 kbit/s
	MusicOpus32             // music through Opus at 32 kbit/s in mono
	SpeechOpus64            // speech through Opus at 64 kbit/s
	SpeechOpus32            // speech through Opus at 32 kbit/s
	SpeechOpus24            // speech through Opus for voice at 24 kbit/s
	aims
)

// names are those of the aims.
var names = [aims]string{"share", "voice", "music-mp3-128", "music-opus-64", "music-opus-32", "speech-opus-64", "speech-opus-32", "speech-opus-24"}

func (a Aim) String() string {
	if a < aims {
		return names[a]
	}
	return "unknown aim"
}

// rung says which symbols carry a stage.
type rung struct {
	survives string
	lengths  [bands]int // coefficients of a symbol in each band, divisors of groupSize
	slots    [bands]int // groups of a block in each band
	bits     int        // of a block, at the largest scale
	moved    float64    // share of the way that symbols are moved; 0 stands for the usual ones
	raised   float64    // dB by which they are stronger than the level says
}

// share returns the share of the way to the nearest point that symbols of a length are moved.
func (r *rung) share(length int) float64 {
	if r.moved > 0 {
		return r.moved
	}
	return usualShare(length)
}

// symbols returns how many symbols of a block carry the stage.
func (r *rung) symbols() (n int) {
	for b, s := range r.slots {
		n += s * groupSize / r.lengths[b]
	}
	return n
}

// ladders hold, for each aim, the stages of a payload, the most robust first. The slots of a band add up to slotsOfBand, less headerSlots
// in those of the header. What survives the worst codecs lies below 1.1 kHz, in short symbols; farther up long ones do better.
var ladders = [aims][]rung{
	Share: {
		{"Opus 32 kbit/s, mono", [bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{90, 60, 60, 40, 0, 0, 0}, 50, 0, 0},
		{"AAC 64 kbit/s", [bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{60, 40, 20, 20, 0, 0, 0}, 40, 0, 0},
		{"Opus 64 kbit/s", [bands]int{1, 2, 3, 6, 6, 6, 6}, [bands]int{24, 60, 60, 50, 40, 40, 40}, 62, 0, 0},
		{"MP3 64 kbit/s, mono", [bands]int{1, 1, 2, 3, 6, 6, 6}, [bands]int{16, 40, 50, 70, 60, 60, 60}, 130, 0, 0},
		{"AAC 128 kbit/s", [bands]int{1, 1, 1, 1, 2, 3, 3}, [bands]int{40, 40, 75, 80, 110, 110, 110}, 240, 0, 0},
		{"MP3 128 kbit/s", [bands]int{1, 1, 1, 2, 2, 3, 3}, [bands]int{50, 40, 55, 60, 110, 110, 110}, 350, 0, 0},
	},
	Voice: {
		{"Opus 16 kbit/s, voice", [bands]int{2, 6, 6, 6, 6, 6, 6}, [bands]int{118, 130, 0, 0, 0, 0, 0}, 28, 0.5, 2},
		{"Opus 24 kbit/s, voice", [bands]int{1, 2, 6, 6, 6, 6, 6}, [bands]int{66, 70, 190, 110, 0, 0, 0}, 36, 0.5, 0},
		{"Opus 32 kbit/s", [bands]int{1, 1, 3, 3, 6, 6, 6}, [bands]int{36, 20, 110, 150, 200, 80, 0}, 82, 0.6, 0},
		{"MP3 64 kbit/s", [bands]int{1, 1, 1, 1, 1, 1, 1}, [bands]int{0, 0, 10, 30, 50, 80, 100}, 230, 0, 0},
		{"Opus 64 kbit/s", [bands]int{1, 1, 1, 1, 1, 1, 1}, [bands]int{0, 0, 10, 30, 70, 160, 220}, 540, 0, 0},
	},
	MusicMP3: {
		{"Opus 64 kbit/s", [bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{24, 24, 24, 24, 24, 24, 24}, 40, 0, 0},
		{"MP3 128 kbit/s", [bands]int{1, 1, 1, 2, 3, 3, 6}, [bands]int{256, 256, 296, 296, 296, 296, 296}, 1600, 0, 0},
	},
	MusicOpus64: {
		{"Opus 32 kbit/s", [bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{24, 24, 24, 24, 24, 24, 24}, 24, 0, 0},
		{"Opus 64 kbit/s", [bands]int{1, 2, 6, 6, 6, 6, 6}, [bands]int{256, 256, 296, 296, 296, 296, 296}, 480, 0, 0},
	},
	MusicOpus32: {
		{"Opus 32 kbit/s, twice", [bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{60, 60, 60, 60, 60, 60, 60}, 28, 0, 0},
		{"Opus 32 kbit/s", [bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{220, 220, 260, 260, 260, 260, 260}, 200, 0, 0},
	},
	SpeechOpus64: {
		{"Opus 32 kbit/s", [bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{24, 24, 24, 24, 24, 24, 24}, 60, 0, 0},
		{"Opus 64 kbit/s", [bands]int{1, 1, 1, 1, 1, 1, 1}, [bands]int{256, 256, 296, 296, 296, 296, 296}, 2200, 0, 0},
	},
	SpeechOpus32: {{"Opus 32 kbit/s", [bands]int{1, 2, 6, 6, 6, 6, 6}, [bands]int{280, 280, 320, 320, 320, 320, 320}, 400, 0, 0}},
	SpeechOpus24: {
		{"Opus 24 kbit/s, voice, twice", [bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{60, 60, 60, 60, 60, 60, 60}, 22, 0, 0},
		{"Opus 24 kbit/s, voice", [bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{220, 220, 260, 260, 260, 260, 260}, 105, 0, 0},
	},
}

// scales is the number of scales. Each multiplies the bits of all stages by √2 as compared with the one before; at the last one by 1.
const scales = 4

// factors are those of the scales, in 256ths.
var factors = [scales]int64{91, 128, 181, 256}

// Blocks of the code carry at most maxBlock bits, check included.
const (
	maxBlock   = 8192
	checkSize  = 4 // bytes
	leastBlock = 2 // bytes, for which there is a code
)

// stage is a part of the payload in its code.
type stage struct {
	rung
	first, size int // bytes of the payload
	blocks      int
	block       int // bytes of each block's payload; the last ones may have less
	bits        int // of information in a block
	length      int // coded bits of a block
	symbols     int // of a block of the recording
}

// positions returns the coded bits of all blocks: position p belongs to block p mod blocks.
func (s *stage) positions() int { return s.blocks * s.length }

// begin returns where the first coded bit of a block of the recording lies; the others follow it.
func (s *stage) begin(block int) int {
	return int(int64(block) * int64(s.symbols) % int64(s.positions()))
}

// span returns which bytes of the payload block b holds.
func (s *stage) span(b int) (from, to int) {
	from = s.first + b*s.block
	return min(from, s.first+s.size), min(from+s.block, s.first+s.size)
}

// capacity returns the bytes of payload that a stage takes in so many blocks.
func (r *rung) capacity(blocks, scale int) int {
	bytes := int64(blocks) * int64(r.bits) * factors[scale] >> (8 + 3)
	checks := (8*bytes + maxBlock - 1) / maxBlock
	return int(max(0, bytes-checkSize*checks))
}

// room returns the bytes of payload that all stages take.
func room(aim Aim, blocks, scale int) (n int) {
	for i := range ladders[aim] {
		n += ladders[aim][i].capacity(blocks, scale)
	}
	return min(n, MaxPayload)
}

// ladder returns the stages of a payload of so many bytes. Those behind its end have a size of 0.
func ladder(aim Aim, blocks, scale, payload int) []stage {
	rungs := ladders[aim]
	stages := make([]stage, len(rungs))
	at := 0
	for i := range rungs {
		s := &stages[i]
		*s = stage{rung: rungs[i], first: at, symbols: rungs[i].symbols()}
		s.size = min(payload-at, rungs[i].capacity(blocks, scale))
		if at += s.size; s.size == 0 {
			continue
		}
		const most = maxBlock/8 - checkSize
		s.blocks = (s.size + most - 1) / most
		s.block = max(leastBlock, (s.size+s.blocks-1)/s.blocks)
		s.bits = 8 * (s.block + checkSize)
		s.length = int(min(int64(5*s.bits+18), int64(blocks)*int64(s.symbols)/int64(s.blocks)))
		s.length = max(s.length, s.bits)
	}
	return stages
}
