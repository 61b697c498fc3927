package flac

import (
	"fmt"
	"io"

	"ditas/audio"
)

// Reader implements [audio.File]. Every frame is checked against its checksum before its samples are given; the MD5 is
// not checked. The error of a frame that does not match wraps [audio.ErrDamaged].
func (f *File) Reader() audio.Reader {
	d := f.decoder()
	d.seek(f.coded.start)
	return &reader{f: f, d: d}
}

type reader struct {
	f    *File
	d    *decoder
	next int64 // number of the sample to be read next
	used int   // samples of the frame in d
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
	case r.f.info.samples > r.f.present:
		return 0, &audio.TruncatedError{Frames: r.f.present, Declared: r.f.info.samples}
	}
	return 0, io.EOF
}

// decode decodes the frame that d stands before, which ought to begin with the given sample.
func (f *File) decode(d *decoder, sample int64) error {
	err := d.next()
	switch {
	case err == io.ErrUnexpectedEOF:
		return &audio.TruncatedError{Frames: sample, Declared: max(f.info.samples, f.present)}
	case err == nil && f.first(&d.header) != sample:
		err = damaged("samples from %d on come next", f.first(&d.header))
	case err == nil && int64(d.samples) > f.present-sample:
		err = damaged("there are samples beyond the last one, %d", f.present-1)
	}
	if err != nil {
		return fmt.Errorf("flac: from sample %d, byte %d, on: %w", sample, d.where.start, err)
	}
	return nil
}

// SeekFrame goes to a sample frame.
func (r *reader) SeekFrame(sample int64) error {
	f, d := r.f, r.d
	if sample < 0 || sample > f.present {
		return fmt.Errorf("there is no sample frame %d in a recording of %d", sample, f.present)
	}
	if start := r.next - int64(r.used); r.err == nil && sample >= start && sample <= start+int64(len(d.codes[0])) {
		r.used, r.next = int(sample-start), sample
		return nil
	}
	r.next, r.used, r.err = sample, len(d.codes[0]), nil
	if sample == f.present {
		return nil
	}
	r.err = f.seek(d, sample)
	if r.err == nil {
		r.used = int(sample - f.first(&d.header))
	}
	return r.err
}

// seek decodes the frame that holds a sample. It goes by the numbers in the frames, since tables may be wrong.
func (f *File) seek(d *decoder, sample int64) error {
	from, to := f.coded.start, f.coded.end
	d.failed = 0
	for to-from > readSize {
		mid := from + (to-from)/2
		found, err := d.find(mid, to)
		if err != nil {
			return err
		}
		if found && f.first(&d.header) <= sample {
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
	for next := f.first(&h); ; next += int64(d.samples) {
		if err := f.decode(d, next); err != nil {
			return err
		}
		if sample < next+int64(d.samples) {
			return nil
		}
	}
}
