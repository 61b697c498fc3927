// Package mp3 reads MP3 files, which are MPEG-1 and MPEG-2 audio of layer III [1, 2] and their extension to lower rates,
// MPEG-2.5. [Open] gives a File to read in blocks. MP3 cannot be written: its compression would destroy what is hidden.
//
// An MP3 file is a sequence of packets of 1152 frames (576 below 32 kHz) that each begin with a header of four bytes, with
// tags before and after them. [1] calls such a packet a frame; here it is a packet, because in package audio a frame is one
// sample of each channel. The bits of a packet may begin within the ones before it.
//
// Packets are found, put in order and put together here, and decoded by github.com/hajimehoshi/go-mp3. It returns
// 16-bit samples, rounded towards 0, within 2 steps of what mpg123 returns. MP3 at 8 kHz, which it cannot decode, is refused, and
// the highs of intensity stereo in MPEG-2, which hardly anything writes, may come from another direction. The silence that
// an encoder puts before the sound and behind it, 1000 to 3000 frames, is kept.
//
//   - [1] ISO/IEC 11172-3, 1993
//   - [2] ISO/IEC 13818-3, 1998
package mp3

import (
	"bytes"
	"fmt"
	"io"

	"ditas/audio"
)

// Sizes that bound what is searched and kept.
const (
	headSize  = 4       // of a header, in bytes
	maxPacket = 1441    // bytes: 320 kbit/s at 32 kHz
	maxGap    = 1 << 16 // bytes that are no packets before the first one
	maxTags   = 16
	enough    = 3 // packets in a row that chance does not make
	ahead     = (enough + 1) * maxPacket
	stride    = 64 // packets between two entries of the index
)

// File is an MP3 file. It implements [audio.File].
type File struct {
	r       io.ReaderAt
	size    int64
	head    header  // of the first packet; the others are like it
	index   []int64 // where every stride-th packet begins
	packets int64
}

// Open finds the packets of the MP3 file of size bytes in r, for which it reads all of it once. File goes on reading from
// r. The error wraps [audio.ErrFormat] or [audio.ErrUnsupported], or is one of r.
//
// ID3v2 tags may stand before the packets and anything that is no packet between and behind them.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: io.NewSectionReader(r, 0, size), size: size}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("mp3: %w", err)
	}
	return f, nil
}

func (f *File) open() error {
	start, err := f.skipTags()
	if err != nil {
		return err
	}
	w := walker{f: f}
	at, err := w.first(start)
	if err != nil {
		return err
	}
	switch {
	case f.head.layer() != 3:
		return fmt.Errorf("%w: MPEG audio layer %d; convert the file to 16-bit WAV first", audio.ErrUnsupported, f.head.layer())
	case f.head.rate() == 8000:
		return fmt.Errorf("%w: MP3 at 8000 Hz; convert the file to 16-bit WAV first", audio.ErrUnsupported)
	}
	w.at = at
	for n := int64(0); ; n++ {
		p, err := w.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n == 0 && isInfo(p) {
			n--
			continue
		}
		if n%stride == 0 {
			f.index = append(f.index, w.at-int64(len(p)))
		}
		f.packets++
	}
}

// skipTags returns where the ID3v2 tags at the beginning end.
func (f *File) skipTags() (at int64, err error) {
	for range maxTags {
		var head [10]byte
		n, err := f.r.ReadAt(head[:], at)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if n < len(head) || string(head[:3]) != "ID3" {
			break
		}
		at += int64(len(head))
		at += int64(head[6]&127)<<21 | int64(head[7]&127)<<14 | int64(head[8]&127)<<7 | int64(head[9]&127)
		if head[5]&0x10 != 0 {
			at += int64(len(head)) // a footer
		}
	}
	return at, nil
}

// isInfo reports whether p is the packet that encoders put before the others to say how many there are. It holds no sound.
func isInfo(p []byte) bool {
	at := headSize + parse(p).sideSize()
	if len(p) < at+4 {
		return false
	}
	name := string(p[at : at+4])
	return name == "Xing" || name == "Info" || len(p) >= 40 && string(p[36:40]) == "VBRI"
}

// Format implements [audio.File]. The samples are 16-bit.
func (f *File) Format() audio.Format {
	return audio.Format{Rate: f.head.rate(), Channels: f.head.channels(), Encoding: audio.Int16}
}

// Frames implements [audio.File]. Of a file that is cut off it counts the frames of the packets that are whole.
func (f *File) Frames() int64 { return f.packets * int64(f.head.frames()) }

// walker goes from packet to packet.
type walker struct {
	f      *File
	at     int64  // where the next packet is looked for
	buf    []byte // of the file from position from on
	from   int64
	filled int
}

// window is how many bytes walker reads at a time.
const window = 32 << 10

// peek returns the size bytes at position at, or fewer at the end of the file. They are valid until the next call.
func (w *walker) peek(at int64, size int) ([]byte, error) {
	end := w.from + int64(w.filled)
	if at < w.from || at > end || at+int64(size) > end && end < w.f.size {
		if w.buf == nil {
			w.buf = make([]byte, window)
		}
		n, err := w.f.r.ReadAt(w.buf, at)
		if err != nil && err != io.EOF {
			return nil, err
		}
		w.from, w.filled = at, n
	}
	b := w.buf[at-w.from : w.filled]
	return b[:min(size, len(b))], nil
}

// first returns where the first packet at or behind position start begins, and sets the head of the file.
func (w *walker) first(start int64) (int64, error) {
	for at := start; at < start+maxGap; at++ {
		b, err := w.peek(at, ahead)
		if err != nil {
			return 0, err
		}
		if len(b) < headSize {
			break
		}
		h := parse(b)
		if !h.valid() {
			continue
		}
		w.f.head = h
		n, whole, err := w.row(at)
		if err != nil {
			return 0, err
		}
		if n >= enough || at == start && whole {
			return at, nil
		}
	}
	return 0, fmt.Errorf("%w: not an MP3 file", audio.ErrFormat)
}

// row counts the packets that follow one another from position at on, up to enough, and reports whether the file or a tag
// follows the last of them.
func (w *walker) row(at int64) (n int, whole bool, err error) {
	for n < enough {
		b, err := w.peek(at, 8)
		if err != nil {
			return 0, false, err
		}
		if len(b) < headSize || !parse(b).like(w.f.head) {
			end := at == w.f.size || bytes.HasPrefix(b, []byte("TAG")) || bytes.HasPrefix(b, []byte("APETAGEX"))
			return n, end && n > 0, nil
		}
		if at += int64(parse(b).size()); at > w.f.size {
			break
		}
		n++
	}
	return n, false, nil
}

// next returns the next whole packet, which is valid until the next call, or io.EOF. Bytes that are no packets are passed
// over up to one that another follows.
func (w *walker) next() ([]byte, error) {
	for lost := false; ; lost = true {
		b, err := w.peek(w.at, ahead)
		if err != nil {
			return nil, err
		}
		if len(b) < headSize {
			return nil, io.EOF
		}
		if h := parse(b); h.like(w.f.head) && h.size() <= len(b) {
			if !lost {
				w.at += int64(h.size())
				return b[:h.size()], nil
			}
			n, whole, err := w.row(w.at)
			if err != nil {
				return nil, err
			}
			if n >= enough || whole {
				lost = false
				if b, err = w.peek(w.at, h.size()); err != nil {
					return nil, err
				}
				w.at += int64(len(b))
				return b, nil
			}
		}
		skip := bytes.IndexByte(b[1:], 0xFF)
		if skip < 0 {
			skip = len(b) - 1
		}
		w.at += int64(1 + skip)
	}
}
