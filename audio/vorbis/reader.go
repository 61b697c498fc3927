package vorbis

import (
	"fmt"
	"io"

	"ditas/audio"
	"ditas/audio/internal/ogg"
)

// Reader implements [audio.File]. Every page is checked against its checksum. The error of one that does not match, or is
// missing, wraps [audio.ErrDamaged].
func (f *File) Reader() audio.Reader { return f.reader(f.track.Stream(), nil) }

func (f *File) reader(s *ogg.Stream, lost *ogg.Lost) *reader {
	r := &reader{f: f, s: s, Decoded: ogg.Decoded{Channels: f.format.Channels, Zero: f.zero(), End: f.track.End, Cut: f.track.Cut, Lost: lost}}
	if lost == nil {
		r.Damage = f.track.Damage
	}
	r.begin(0)
	return r
}

// Mend returns the file as one that reads silence where it is damaged.
func (f *File) Mend() audio.Mended {
	return f.track.Mend(f, func(lost *ogg.Lost) audio.Reader { return f.reader(f.track.Mended(), lost) })
}

type reader struct {
	ogg.Decoded
	f     *File
	s     *ogg.Stream
	d     *decoder
	known bool // Pos is; where decoding began midway, it is not before the end of a page
}

// begin makes the packets of the i-th entry of the index the next ones.
func (r *reader) begin(i int) {
	r.s.From(r.f.index[i].at)
	r.GoTo(r.Zero)
	r.Pos, r.known = r.f.start, i == 0
	if i == 0 && r.f.headless {
		r.Pos, r.s.Hole = 0, r.Lost != nil
	}
	if r.d == nil {
		r.d, r.Err = r.f.decoder()
	} else {
		r.d.Clear()
		r.Err = nil
	}
}

func (r *reader) Read(block [][]float64) (int, error) { return r.Decoded.Read(block, r.decode) }

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
		if r.s.Hole && r.known {
			if err := r.resume(p, last); err != nil {
				return fmt.Errorf("vorbis: the page at byte %d: %w", r.s.Page.At, err)
			}
			if r.Silent() {
				return nil
			}
			continue
		}
		if r.s.Hole { // the position is not known before the end of this page
			r.s.Hole = false
			r.d.Clear()
		}
		n, err := r.d.decode(p)
		if err != nil {
			return fmt.Errorf("vorbis: the page at byte %d: %w", r.s.Page.At, err)
		}
		r.Pos += int64(n)
		switch g := r.s.Granule; {
		case !last || r.known && r.Pos == g:
		case !r.known && r.s.Flags&ogg.Last == 0:
			r.Pos, r.known = g, true
		case r.known && (g < r.End || r.Pos < g): // only the last page may have more, which is not meant to be heard
			return fmt.Errorf("vorbis: the page at byte %d: %w", r.s.Page.At, damaged("it ends with frame %d instead of %d", r.Pos, g))
		}
		if r.known && r.Pos > r.At {
			r.PCM = r.d.pcm
			r.Take(n)
			return nil
		}
	}
}

// resume begins anew with the page at hand, of which p is the first packet, behind pages that are damaged. Only decoding tells how long a page is.
func (r *reader) resume(p []byte, last bool) error {
	r.d.Clear()
	defer r.d.Clear()
	return r.Resume(r.s, p, last, r.d.decode)
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
		r.At = to
		if to == r.End || r.Err != nil {
			return r.Err
		}
		switch r.Err = r.decode(); {
		case r.Err == nil && (r.Silent() || r.Pos-int64(r.Have) <= to):
			return nil
		case r.Err == nil || r.Err == io.EOF:
			if i == 0 {
				return nil // Read tells
			}
		default:
			return r.Err
		}
	}
}
