package mp3

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/hajimehoshi/go-mp3"

	"ditas/audio"
)

// What a packet may need of those before it.
const (
	maxBack  = 511 // bytes by which a packet's bits may begin before it
	lead     = 256 // packets that surely hold maxBack bytes, or in MPEG-2 the 255 that one may need
	settling = 2   // packets whose sound goes on in the next: by its overlap, and by the overlap of the filter behind it
	look     = 8   // packets that are known in advance, to put what they have no room for in those before
	patience = 16  // packets to go back from where a packet has bits in those before
)

// Reader implements [audio.File]. A packet that cannot be decoded is silent, as is one that begins in a packet that was
// cut off; the decoding goes on with the next.
func (f *File) Reader() audio.Reader {
	frames := f.head.frames()
	return &reader{f: f, walk: walker{f: f}, pcm: make([]byte, 4*frames), used: frames}
}

type reader struct {
	f       *File
	walk    walker
	packet  int64 // the next one to be decoded
	ready   bool  // it is in line, as are those up to taken, behind which walk stands
	taken   int64
	line    [look + 1]sound // of each packet, at its number modulo the length
	placed  int             // bytes of the next packet that the decoder has been given already
	back    []byte          // the last bytes that hold bits of sound, as far as a packet may need them
	reach   int             // how far the next packet may reach back if those before it are what they ought to be
	decoder *mp3.Decoder
	feed    feed
	pcm     []byte // of the last packet: 16-bit samples, two channels
	used    int    // frames of pcm
}

// feed is what the decoder reads from: one packet at a time.
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
	done, frames := 0, r.f.head.frames()
	for done < room {
		if r.used == frames {
			if r.packet == r.f.packets {
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
		n := min(room-done, frames-r.used)
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
		return 0, io.EOF
	}
	return done, nil
}

// SeekFrame decodes a few packets, and gives the very samples that reading up to there gives.
func (r *reader) SeekFrame(frame int64) error {
	if frame < 0 || frame > r.f.Frames() {
		return fmt.Errorf("there is no frame %d in a recording of %d", frame, r.f.Frames())
	}
	frames := int64(r.f.head.frames())
	packet, skip := frame/frames, int(frame%frames)
	if r.ready && packet == r.packet-1 {
		r.used = skip
		return nil
	}
	for from := max(0, packet-settling); ; from-- {
		r.packet, r.used, r.ready, r.decoder = from, int(frames), false, nil
		if from == r.f.packets {
			return nil
		}
		if err := r.prepare(); err != nil {
			return fmt.Errorf("mp3: read samples: %w", err)
		}
		if from == 0 || r.needs(from) == 0 || from == packet-settling-patience {
			break
		}
	}
	last := packet // to decode, if a part of it is wanted
	if skip > 0 {
		last++
	}
	for r.packet < last {
		if err := r.decode(); err != nil {
			return fmt.Errorf("mp3: read samples: %w", err)
		}
	}
	if skip > 0 {
		r.used = skip
	}
	return nil
}

// decode decodes the next packet into pcm.
func (r *reader) decode() error {
	if !r.ready {
		if err := r.prepare(); err != nil {
			return err
		}
	}
	if err := r.takeTo(r.packet + look); err != nil {
		return err
	}
	if !r.play() {
		clear(r.pcm)
		r.decoder = nil
	}
	r.packet++
	return nil
}

// prepare puts the next packet and some more in line.
func (r *reader) prepare() error {
	r.back, r.reach, r.placed = r.back[:0], 0, 0
	from := max(0, r.packet-lead) / stride
	r.walk.at, r.taken = r.f.index[from], from*stride
	return r.takeTo(r.packet + look)
}

// takeTo puts the packets up to the given one in line, or up to the last one if there are fewer.
func (r *reader) takeTo(packet int64) error {
	for r.taken <= min(packet, r.f.packets-1) {
		err := r.take()
		if r.ready = err == nil; err != nil {
			return err
		}
	}
	return nil
}

// at returns a packet that is in line.
func (r *reader) at(packet int64) *sound { return &r.line[packet%int64(len(r.line))] }

// needs returns how many bytes of a packet that is in line have to be in those before.
func (r *reader) needs(packet int64) (n int) {
	for i := r.taken - 1; i >= packet; i-- {
		if s := r.at(i); s.ok {
			n = max(0, min(len(s.bits)+n-s.room(), s.maxBack()))
		} else {
			n = 0
		}
	}
	return n
}

// take puts the packet behind the last one in line.
func (r *reader) take() error {
	p, err := r.walk.next()
	if err == io.EOF {
		return io.ErrUnexpectedEOF // the file has become shorter
	}
	if err != nil {
		return err
	}
	s := r.at(r.taken)
	r.taken++
	back, bits := begins(p), bitsOf(p)
	if back > min(r.reach, len(r.back)) {
		s.ok = false
	} else {
		s.gather(p, r.back[len(r.back)-back:], bits)
	}
	r.reach = min(len(r.back), back) + len(bits)
	r.back = append(r.back, bits...)
	if over := len(r.back) - maxBack; over > 0 {
		r.back = r.back[:copy(r.back, r.back[over:])]
	}
	return nil
}

// play gives the next packet to the decoder, and puts the samples in pcm. It returns false if that fails; the decoder is of
// no more use then.
func (r *reader) play() (ok bool) {
	s, placed, ahead := r.at(r.packet), r.placed, []byte(nil)
	if r.decoder == nil {
		placed = 0
	}
	if r.packet+1 < r.taken {
		ahead = r.at(r.packet + 1).bits[:r.needs(r.packet+1)]
	}
	if !s.ok {
		r.placed = 0
		return false
	}
	r.feed.rest, r.placed = s.packet(placed, ahead)
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
