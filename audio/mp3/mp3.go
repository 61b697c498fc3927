// Package mp3 reads MP3 files, which are MPEG-1 and MPEG-2 audio of layer III [1, 2] and their extension to lower rates,
// MPEG-2.5. [Open] gives a File to read in blocks. MP3 cannot be written: its compression would destroy what is hidden.
//
// An MP3 file is a sequence of frames of 1152 samples of each channel (576 below 32 kHz) that each begin with a header of four
// bytes, with tags before and after them. The bits of a frame may begin within the ones before it.
//
// A frame is always one of these, as in [1]. What package audio calls a frame, one sample of each channel, is a sample frame
// here. Samples are counted and numbered per channel, so a file has as many samples as it has sample frames.
//
// Frames are found, put in order and put together here, and decoded by github.com/hajimehoshi/go-mp3. It returns
// 16-bit samples, rounded towards 0, within 2 steps of what mpg123 returns. MP3 at 8 kHz, which it cannot decode, is
// refused, and the highs of intensity stereo in MPEG-2, which hardly anything writes, may come from another direction. The
// silence that an encoder puts before the sound and behind it, 1000 to 3000 samples, is left out where it says how much that is [3].
//
//   - [1] ISO/IEC 11172-3, 1993
//   - [2] ISO/IEC 13818-3, 1998
//   - [3] Taylor and others, MP3 Info Tag revision 1, http://gabriel.mp3-tech.org/mp3infotag.html
package mp3

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"ditas/audio"
)

// Sizes that bound what is searched and kept.
const (
	headSize = 4       // of a header, in bytes
	maxFrame = 1441    // bytes: 320 kbit/s at 32 kHz
	maxGap   = 1 << 16 // bytes that are no frames before the first one
	maxTags  = 16
	enough   = 3 // frames in a row that chance does not make
	ahead    = (enough + 1) * maxFrame
	stride   = 64 // frames between two entries of the index
)

// File is an MP3 file. It implements [audio.File].
type File struct {
	r     io.ReaderAt
	size  int64
	head  header  // of the first frame; the others are like it
	index []int64 // where every stride-th frame begins
	count int64   // of the frames
	end   int64   // behind the last of them
	skip  int64   // samples that the encoder put before the sound
	tail  int64   // and behind it
	// promised is how many frames there ought to be, 0 if that is not known.
	promised int64
	gone     int64                 // frames that must have been where there are none
	cut      *audio.TruncatedError // nil if the file is not known to be cut off
	damage   damage
}

// damage is which frames could not be decoded, so far. It is safe for concurrent use.
type damage struct {
	mu     sync.Mutex
	frames map[int64]struct{}
}

func (d *damage) add(frame int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.frames == nil {
		d.frames = map[int64]struct{}{}
	}
	d.frames[frame] = struct{}{}
}

// Mend returns the file itself, which reads silence where it is damaged.
func (f *File) Mend() audio.Mended { return f }

// Damaged implements [audio.Mended]. Where there is something else between frames, as many count as there would have been room for. The samples of those
// are left out, since nothing tells their number for sure.
func (f *File) Damaged() int64 {
	f.damage.mu.Lock()
	defer f.damage.mu.Unlock()
	return (f.gone + int64(len(f.damage.frames))) * int64(f.head.samples())
}

// Open finds the frames of the MP3 file of size bytes in r, for which it reads all of it once. File goes on reading from
// r. The error wraps [audio.ErrFormat] or [audio.ErrUnsupported], or is one of r.
//
// ID3v2 tags may stand before the frames and anything that is no frame between and behind them. Of frames of another kind there are none in one
// recording, and no more than its encoder says that there are: a file that was joined of several is refused. If there are fewer, a Reader says at
// the end that the file is cut off.
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
	var sound, gone, breaks int64 // bytes of frames and of what is between them, and how often that is
	more := int64(0)              // where the frames begin of which nothing was said
	for n := int64(0); ; n++ {
		behind := w.at
		frame, err := w.next()
		if err == io.EOF {
			if breaks > 0 {
				f.gone = max(breaks, (gone*(n+1)+sound/2)/sound)
			}
			if f.promised > 0 && f.count > f.promised+countsItself {
				return &audio.JoinedError{At: more, What: "what its encoder did not count"}
			}
			f.end = behind
			part, err := w.partAt(behind)
			if err != nil {
				return err
			}
			f.trim(part)
			return nil
		}
		if err != nil {
			return err
		}
		if n == f.promised {
			more = behind
		}
		if n > 0 && isInfo(frame) {
			return &audio.JoinedError{At: behind, What: "another MP3 file"}
		}
		if gap := w.at - int64(len(frame)) - behind; gap > 0 && n > 0 {
			tag, err := isTag(f.r, behind)
			if err != nil {
				return err
			}
			if !tag {
				breaks++
				gone += gap
			}
		}
		sound += int64(len(frame))
		if n == 0 && isInfo(frame) {
			f.skip, f.tail, f.promised = gaps(frame)
			n--
			continue
		}
		if n%stride == 0 {
			f.index = append(f.index, w.at-int64(len(frame)))
		}
		f.count++
	}
}

// countsItself is by how many frames encoders may differ in what they count: some count the one that tells the number.
const countsItself = 1

// partAt reports whether a frame begins at a position behind the others that the file does not hold the whole of.
func (w *walker) partAt(at int64) (bool, error) {
	b, err := w.peek(at, headSize)
	if err != nil || len(b) < headSize {
		return false, err
	}
	h := parse(b)
	return h.like(w.f.head) && at+int64(h.size()) > w.f.size, nil
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

// isTag reports whether something that is no sound begins at a position.
func isTag(r io.ReaderAt, at int64) (bool, error) {
	var b [8]byte
	if _, err := r.ReadAt(b[:], at); err != nil && err != io.EOF {
		return false, err
	}
	for _, mark := range []string{"ID3", "TAG", "APETAGEX", "LYRICSBE"} {
		if bytes.HasPrefix(b[:], []byte(mark)) {
			return true, nil
		}
	}
	return false, nil
}

// isInfo reports whether frame is the one that encoders put before the others to say how many there are. It holds no sound.
func isInfo(frame []byte) bool {
	at := headSize + parse(frame).sideSize()
	if len(frame) < at+4 {
		return false
	}
	name := string(frame[at : at+4])
	return name == "Xing" || name == "Info" || len(frame) >= 40 && string(frame[36:40]) == "VBRI"
}

// decoderDelay is how many samples later than the encoder's delay says the sound begins in any decoder.
const decoderDelay = 529

// gaps returns how many samples before and behind the sound are not of it, and how many frames there are, as far as the encoder says so in an
// info frame.
func gaps(frame []byte) (before, behind, frames int64) {
	at := headSize + parse(frame).sideSize()
	if len(frame) < at+12 {
		return 0, 0, 0
	}
	flags := frame[at+7]
	if at += 8; flags&1 != 0 {
		frames = int64(binary.BigEndian.Uint32(frame[at:]))
	}
	for i, size := range [...]int{4, 4, 100, 4} { // frames, bytes, a table, quality
		if flags>>i&1 != 0 {
			at += size
		}
	}
	if len(frame) < at+24 {
		return 0, 0, frames
	}
	switch tag := frame[at : at+24]; string(tag[:4]) {
	case "LAME", "Lavf", "Lavc":
		before, behind = int64(tag[21])<<4|int64(tag[22]>>4), int64(tag[22]&15)<<8|int64(tag[23])
		return before + decoderDelay, max(0, behind-decoderDelay), frames
	}
	return 0, 0, frames
}

// trim leaves out what is not of the sound. Of a file that is cut off the end is sound. It is cut off if more frames are missing than ways of counting
// account for, or if there is a part of one.
func (f *File) trim(part bool) {
	samples := int64(f.head.samples())
	declared := max(0, f.promised*samples-f.skip-f.tail)
	if f.promised > 0 && f.count != f.promised {
		f.tail = 0
	}
	all := f.count * samples
	f.skip = min(f.skip, all)
	f.tail = min(f.tail, all-f.skip)
	missing := f.promised - f.count - f.gone
	if missing > countsItself || missing == countsItself && part {
		f.cut = &audio.TruncatedError{Frames: f.Frames(), Declared: max(declared, f.Frames()+1)}
	}
}

// ending is the error of readers behind the last frame.
func (f *File) ending() error {
	if f.cut != nil {
		return f.cut
	}
	return io.EOF
}

// Format implements [audio.File]. The samples are 16-bit.
func (f *File) Format() audio.Format {
	return audio.Format{Rate: f.head.rate(), Channels: f.head.channels(), Encoding: audio.Int16}
}

// Frames implements [audio.File]: it counts sample frames, in a file that is cut off only the ones in whole frames.
func (f *File) Frames() int64 { return f.count*int64(f.head.samples()) - f.skip - f.tail }

// End returns the position in the file, in bytes, behind the last frame.
func (f *File) End() int64 { return f.end }

// MostBegun is how many bytes [Begins] needs at most.
const MostBegun = enough * maxFrame

// Begins reports whether b begins with frames, as many as chance does not make one after another. Tags before them do not count.
func Begins(b []byte) bool {
	var first header
	for n := range enough {
		if len(b) < headSize {
			return false
		}
		h := parse(b)
		if n == 0 {
			first = h
		}
		if !h.like(first) || h.layer() != 3 || h.size() > len(b) {
			return false
		}
		b = b[h.size():]
	}
	return true
}

// walker goes from frame to frame.
type walker struct {
	f      *File
	at     int64  // where the next frame is looked for
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

// first returns where the first frame at or behind position start begins, and sets the head of the file.
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

// row counts the frames that follow one another from position at on, up to enough, and reports whether the file or a tag
// follows the last of them.
func (w *walker) row(at int64) (n int, whole bool, err error) { return w.rowOf(w.f.head, at) }

// rowOf does so with frames like a header.
func (w *walker) rowOf(head header, at int64) (n int, whole bool, err error) {
	for n < enough {
		b, err := w.peek(at, 8)
		if err != nil {
			return 0, false, err
		}
		if len(b) < headSize || !parse(b).like(head) {
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

// next returns the next whole frame, which is valid until the next call, or io.EOF. Bytes that are no frames are passed
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
		if h := parse(b); h.valid() && h.layer() == 3 && !h.like(w.f.head) {
			if n, _, err := w.rowOf(h, w.at); err != nil {
				return nil, err
			} else if n >= enough {
				return nil, &audio.JoinedError{At: w.at, What: fmt.Sprintf(
					"one of %d Hz and %d channels instead of %d Hz and %d", h.rate(), h.channels(), w.f.head.rate(), w.f.head.channels(),
				)}
			}
			if b, err = w.peek(w.at, ahead); err != nil {
				return nil, err
			}
		}
		skip := bytes.IndexByte(b[1:], 0xFF)
		if skip < 0 {
			skip = len(b) - 1
		}
		w.at += int64(1 + skip)
	}
}
