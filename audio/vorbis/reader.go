package vorbis

import (
	"fmt"
	"io"

	"ditas/audio"
	"ditas/audio/internal/ogg"
)

// Reader implements [audio.File]. Every page is checked against its checksum. The error of one that does not match, or is
// missing, wraps [audio.ErrDamaged].
func (f *File) Reader() audio.Reader {
	r := &reader{f: f, s: f.stream()}
	r.begin(0)
	return r
}

type reader struct {
	f     *File
	s     *ogg.Stream
	d     *decoder
	at    int64 // position of the next frame that is given
	pos   int64 // position behind the last packet that was decoded
	known bool  // pos is; where decoding began midway, it is not before the end of a page
	used  int   // frames of d.pcm that lie before at
	have  int   // frames in d.pcm
	err   error // that ended the reading
}

// begin makes the packets of the i-th entry of the index the next ones.
func (r *reader) begin(i int) {
	r.s.From(r.f.index[i].at)
	r.used, r.have = 0, 0
	r.at = r.f.zero()
	if r.pos, r.known = r.f.start, i == 0; r.d == nil {
		r.d, r.err = r.f.decoder()
	} else {
		r.d.Clear()
		r.err = nil
	}
}

func (r *reader) Read(block [][]float64) (int, error) {
	room, err := audio.CheckBlock(block, r.f.format.Channels)
	if err != nil || room == 0 {
		return 0, err
	}
	done := 0
	for done < room && r.err == nil && r.at < r.f.end {
		if r.used == r.have {
			r.err = r.decode()
			continue
		}
		n := int(min(int64(room-done), int64(r.have-r.used), r.f.end-r.at))
		for c := range block {
			pcm := r.d.pcm[r.used*r.d.channels+c:]
			for i := range block[c][done : done+n] {
				block[c][done+i] = float64(pcm[i*r.d.channels])
			}
		}
		done += n
		r.used += n
		r.at += int64(n)
	}
	switch {
	case done > 0:
		return done, nil
	case r.err == io.EOF:
		return 0, &audio.TruncatedError{Frames: r.at - r.f.zero(), Declared: r.f.Frames()}
	case r.err != nil:
		return 0, r.err
	}
	return 0, io.EOF
}

// decode decodes packets up to the first with frames at or behind position at. The error is io.EOF if there is none.
func (r *reader) decode() error {
	for {
		p, last, err := r.s.Packet()
		if err == io.EOF {
			return err
		}
		if err != nil {
			return fmt.Errorf("vorbis: read samples: %w", err)
		}
		n, err := r.d.decode(p)
		if err != nil {
			return fmt.Errorf("vorbis: the page at byte %d: %w", r.s.Page.At, err)
		}
		begins := r.pos
		r.pos += int64(n)
		switch g := r.s.Granule; {
		case !last || r.known && r.pos == g:
		case !r.known && r.s.Flags&ogg.Last == 0:
			begins, r.pos, r.known = g-int64(n), g, true
		case r.known && (g < r.f.end || r.pos < g): // only the last page may have more, which is not meant to be heard
			return fmt.Errorf("vorbis: the page at byte %d: %w", r.s.Page.At, damaged("it ends with frame %d instead of %d", r.pos, g))
		}
		if r.known && r.pos > r.at {
			r.have = n
			r.used = int(max(0, r.at-begins))
			return nil
		}
	}
}

// SeekFrame decodes from the last page on whose position is known, and gives the very samples that reading up to there
// gives.
func (r *reader) SeekFrame(frame int64) error {
	f := r.f
	if frame < 0 || frame > f.Frames() {
		return fmt.Errorf("there is no frame %d in a recording of %d", frame, f.Frames())
	}
	to := f.zero() + frame
	i := len(f.index) - 1
	for i > 0 && f.index[i].before > to {
		i--
	}
	for ; ; i-- {
		r.begin(i)
		r.at = to
		if to == f.end || r.err != nil {
			return r.err
		}
		switch r.err = r.decode(); {
		case r.err == nil && r.pos-int64(r.have) <= to:
			return nil
		case r.err == nil || r.err == io.EOF:
			if i == 0 {
				return nil // Read tells
			}
		default:
			return r.err
		}
	}
}
