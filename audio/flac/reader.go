package flac

import (
	"fmt"
	"io"

	"ditas/audio"
)

// Reader implements [audio.File]. Every packet is checked against its checksum before its samples are given; the MD5 is
// not checked. The error of a packet that does not match wraps [audio.ErrDamaged].
func (f *File) Reader() audio.Reader {
	d := f.decoder()
	d.seek(f.packets.start)
	return &reader{f: f, d: d}
}

type reader struct {
	f    *File
	d    *decoder
	next int64 // frame
	used int   // frames of the packet in d
	err  error // that ended the reading
}

func (r *reader) Read(block [][]float64) (int, error) {
	room, err := audio.CheckBlock(block, r.f.info.channels)
	if err != nil || room == 0 {
		return 0, err
	}
	step := 1 / r.f.info.scale()
	done := 0
	for done < room && r.next < r.f.present && r.err == nil {
		if r.used == len(r.d.codes[0]) {
			r.err = r.f.decode(r.d, r.next)
			r.used = 0
			continue
		}
		n := min(room-done, len(r.d.codes[0])-r.used)
		for c, codes := range r.d.codes {
			dst := block[c][done : done+n]
			for i, v := range codes[r.used : r.used+n] {
				dst[i] = float64(v) * step
			}
		}
		done += n
		r.used += n
		r.next += int64(n)
	}
	switch {
	case done > 0:
		return done, nil
	case r.err != nil:
		return 0, r.err
	case r.f.info.frames > r.f.present:
		return 0, &audio.TruncatedError{Frames: r.f.present, Declared: r.f.info.frames}
	}
	return 0, io.EOF
}

// decode decodes the packet that d stands before, which ought to begin with the given frame.
func (f *File) decode(d *decoder, frame int64) error {
	err := d.next()
	switch {
	case err == io.ErrUnexpectedEOF:
		return &audio.TruncatedError{Frames: frame, Declared: max(f.info.frames, f.present)}
	case err == nil && f.first(&d.header) != frame:
		err = damaged("samples from %d on come next", f.first(&d.header))
	case err == nil && int64(d.frames) > f.present-frame:
		err = damaged("there are samples beyond the last one, %d", f.present-1)
	}
	if err != nil {
		return fmt.Errorf("flac: from sample %d, byte %d, on: %w", frame, d.where.start, err)
	}
	return nil
}

func (r *reader) SeekFrame(frame int64) error {
	f, d := r.f, r.d
	if frame < 0 || frame > f.present {
		return fmt.Errorf("there is no frame %d in a recording of %d", frame, f.present)
	}
	if start := r.next - int64(r.used); r.err == nil && frame >= start && frame <= start+int64(len(d.codes[0])) {
		r.used, r.next = int(frame-start), frame
		return nil
	}
	r.next, r.used, r.err = frame, len(d.codes[0]), nil
	if frame == f.present {
		return nil
	}
	r.err = f.seek(d, frame)
	if r.err == nil {
		r.used = int(frame - f.first(&d.header))
	}
	return r.err
}

// seek decodes the packet that holds a frame. It goes by the numbers in the packets, since tables may be wrong.
func (f *File) seek(d *decoder, frame int64) error {
	from, to := f.packets.start, f.packets.end
	d.failed = 0
	for to-from > readSize {
		mid := from + (to-from)/2
		found, err := d.find(mid, to)
		if err != nil {
			return err
		}
		if found && f.first(&d.header) <= frame {
			from = d.where.start
		} else {
			to = mid
		}
	}
	var h header
	d.seek(from)
	if _, err := h.parse(d.peek(maxHeader), d.info); err != nil {
		return fmt.Errorf("flac: byte %d: %w", from, err)
	}
	for next := f.first(&h); ; next += int64(d.frames) {
		if err := f.decode(d, next); err != nil {
			return err
		}
		if frame < next+int64(d.frames) {
			return nil
		}
	}
}
