package mp3

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/hajimehoshi/go-mp3"

	"ditas/audio"
)

// What a frame may need of the ones before it.
const (
	maxBack  = 511 // bytes by which a frame's bits may begin before it
	lead     = 256 // frames that surely hold maxBack bytes, or in MPEG-2 the 255 that one may need
	settling = 2   // frames whose sound goes on in the next: by its overlap, and by the overlap of the filter behind it
	look     = 8   // frames that are known in advance, to put what they have no room for in those before
	patience = 16  // frames to go back from where a frame has bits in those before
	opening  = 16  // frames that may begin in one that was cut off, where a file is a part of another, without being damaged
)

// Reader implements [audio.File]. A frame that cannot be decoded is silent, as is one that begins in a frame that was
// cut off; the decoding goes on with the next. [File.Damaged] tells how many that are.
func (f *File) Reader() audio.Reader {
	samples := f.head.samples()
	r := &reader{f: f, walk: walker{f: f}, pcm: make([]byte, 4*samples), used: samples}
	if f.skip == 0 && f.tail == 0 {
		return r
	}
	return &trimmed{r: r, left: f.Frames(), moved: true, part: make([][]float64, f.head.channels())}
}

// trimmed reads what is of the sound.
type trimmed struct {
	r     *reader
	left  int64 // samples to be read
	moved bool  // r stands at the first frame of the file
	part  [][]float64
}

func (t *trimmed) Read(block [][]float64) (int, error) {
	room, err := audio.CheckBlock(block, t.r.f.head.channels())
	if err != nil || room == 0 {
		return 0, err
	}
	if t.left == 0 {
		return 0, t.r.f.ending()
	}
	if t.moved {
		if err := t.r.SeekFrame(t.r.f.skip + t.r.f.Frames() - t.left); err != nil {
			return 0, err
		}
		t.moved = false
	}
	for c, x := range block {
		t.part[c] = x[:min(int64(room), t.left)]
	}
	n, err := t.r.Read(t.part)
	t.left -= int64(n)
	return n, err
}

func (t *trimmed) SeekFrame(sample int64) error {
	frames := t.r.f.Frames()
	if sample < 0 || sample > frames {
		return fmt.Errorf("there is no sample frame %d in a recording of %d", sample, frames)
	}
	t.left, t.moved = frames-sample, false
	return t.r.SeekFrame(t.r.f.skip + sample)
}

type reader struct {
	f       *File
	walk    walker
	frame   int64 // the next one to be decoded
	ready   bool  // it is in line, as are those up to taken, behind which walk stands
	taken   int64
	line    [look + 1]sound // of each frame, at its number modulo the length
	placed  int             // bytes of the next frame that the decoder has been given already
	back    []byte          // the last bytes that hold bits of sound, as far as a frame may need them
	reach   int             // how far the next frame may reach back if those before it are what they ought to be
	decoder *mp3.Decoder
	feed    feed
	pcm     []byte // of the last frame: 16-bit samples, two channels
	used    int    // samples of pcm that have been read
}

// feed is what the decoder reads from: one frame at a time.
type feed struct{ rest []byte }

func (f *feed) Read(b []byte) (int, error) {
	if len(f.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func (r *reader) Read(block [][]float64) (int, error) {
	room, err := audio.CheckBlock(block, r.f.head.channels())
	if err != nil || room == 0 {
		return 0, err
	}
	done, samples := 0, r.f.head.samples()
	for done < room {
		if r.used == samples {
			if r.frame == r.f.count {
				break
			}
			if err := r.decode(); err != nil {
				if done > 0 {
					break // the next call meets the error again
				}
				return 0, fmt.Errorf("mp3: read samples: %w", err)
			}
			r.used = 0
		}
		n := min(room-done, samples-r.used)
		for c := range block {
			pcm := r.pcm[4*r.used+2*c:]
			for i := range block[c][done : done+n] {
				block[c][done+i] = float64(int16(binary.LittleEndian.Uint16(pcm[4*i:]))) * 0x1p-15
			}
		}
		done += n
		r.used += n
	}
	if done == 0 {
		return 0, r.f.ending()
	}
	return done, nil
}

// SeekFrame goes to a sample frame. It decodes a few frames for that, and then Read gives the very samples that reading from
// the start gives.
func (r *reader) SeekFrame(sample int64) error {
	if most := r.f.count * int64(r.f.head.samples()); sample < 0 || sample > most {
		return fmt.Errorf("there is no sample frame %d in a recording of %d", sample, most)
	}
	samples := int64(r.f.head.samples())
	frame, skip := sample/samples, int(sample%samples)
	if r.ready && frame == r.frame-1 {
		r.used = skip
		return nil
	}
	for from := max(0, frame-settling); ; from-- {
		r.frame, r.used, r.ready, r.decoder = from, int(samples), false, nil
		if from == r.f.count {
			return nil
		}
		if err := r.prepare(); err != nil {
			return fmt.Errorf("mp3: read samples: %w", err)
		}
		if from == 0 || r.needs(from) == 0 || from == frame-settling-patience {
			break
		}
	}
	last := frame // to decode, if a part of it is wanted
	if skip > 0 {
		last++
	}
	for r.frame < last {
		if err := r.decode(); err != nil {
			return fmt.Errorf("mp3: read samples: %w", err)
		}
	}
	if skip > 0 {
		r.used = skip
	}
	return nil
}

// decode decodes the next frame into pcm.
func (r *reader) decode() error {
	if !r.ready {
		if err := r.prepare(); err != nil {
			return err
		}
	}
	if err := r.takeTo(r.frame + look); err != nil {
		return err
	}
	if !r.play() {
		clear(r.pcm)
		r.decoder = nil
		if r.frame >= opening || r.at(r.frame).ok {
			r.f.damage.add(r.frame)
		}
	}
	r.frame++
	return nil
}

// prepare puts the next frame and some more in line.
func (r *reader) prepare() error {
	r.back, r.reach, r.placed = r.back[:0], 0, 0
	from := max(0, r.frame-lead) / stride
	r.walk.at, r.taken = r.f.index[from], from*stride
	return r.takeTo(r.frame + look)
}

// takeTo puts the frames up to the given one in line, or up to the last one if there are fewer.
func (r *reader) takeTo(frame int64) error {
	for r.taken <= min(frame, r.f.count-1) {
		err := r.take()
		if r.ready = err == nil; err != nil {
			return err
		}
	}
	return nil
}

// at returns a frame that is in line.
func (r *reader) at(frame int64) *sound { return &r.line[frame%int64(len(r.line))] }

// needs returns how many bytes of a frame that is in line have to be in those before.
func (r *reader) needs(frame int64) (n int) {
	for i := r.taken - 1; i >= frame; i-- {
		if s := r.at(i); s.ok {
			n = max(0, min(len(s.bits)+n-s.room(), s.maxBack()))
		} else {
			n = 0
		}
	}
	return n
}

// take puts the frame behind the last one in line.
func (r *reader) take() error {
	frame, err := r.walk.next()
	if err == io.EOF {
		return io.ErrUnexpectedEOF // the file has become shorter
	}
	if err != nil {
		return err
	}
	s := r.at(r.taken)
	r.taken++
	back, bits := begins(frame), bitsOf(frame)
	if back > min(r.reach, len(r.back)) {
		s.ok = false
	} else {
		s.gather(frame, r.back[len(r.back)-back:], bits)
	}
	r.reach = min(len(r.back), back) + len(bits)
	r.back = append(r.back, bits...)
	if over := len(r.back) - maxBack; over > 0 {
		r.back = r.back[:copy(r.back, r.back[over:])]
	}
	return nil
}

// play gives the next frame to the decoder, and puts the samples in pcm. It returns false if that fails; the decoder is of
// no more use then.
func (r *reader) play() (ok bool) {
	s, placed, ahead := r.at(r.frame), r.placed, []byte(nil)
	if r.decoder == nil {
		placed = 0
	}
	if r.frame+1 < r.taken {
		ahead = r.at(r.frame + 1).bits[:r.needs(r.frame+1)]
	}
	if !s.ok {
		r.placed = 0
		return false
	}
	r.feed.rest, r.placed = s.frame(placed, ahead)
	defer func() {
		if recover() != nil { // go-mp3 does that when it is given impossible bits
			ok = false
		}
	}()
	if r.decoder == nil {
		d, err := mp3.NewDecoder(&r.feed)
		if err != nil {
			return false
		}
		r.decoder = d
	}
	n, err := io.ReadFull(r.decoder, r.pcm)
	return err == nil && n == len(r.pcm)
}
