package flac

import (
	"errors"
	"fmt"
	"io"

	"ditas/audio"
)

// Reader implements [audio.File]. Every frame is checked against its checksum before its samples are given. The error of a frame that does not match
// wraps [audio.ErrDamaged]; of a file that [File.Mend] returned, it is read as silence.
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
	gap  int64 // samples before that frame that are lost
	err  error // that ended the reading
}

// load decodes the frame behind the last one, which ought to begin with the given sample. Of a mended file it passes over what is damaged, up to
// the next frame that is not, and returns the number of its first sample, or that behind the last one.
func (f *File) load(d *decoder, sample int64) (first int64, err error) {
	if f.health != nil && sample >= f.whole {
		f.health.lose(sample, f.present-sample)
		return f.present, nil
	}
	err = f.decode(d, sample)
	if f.health == nil {
		return sample, err
	}
	if err == nil {
		f.health.hear(f, d, sample)
		return sample, nil
	}
	if !errors.Is(err, audio.ErrDamaged) {
		return sample, err
	}
	first, d.failed = f.present, 0
	for from := d.where.start + 1; ; from = d.where.start + 1 {
		found, err := d.find(from, f.coded.end)
		if err != nil {
			return 0, err
		}
		if at := f.first(&d.header); found && (at < sample || at > f.whole-int64(d.samples)) {
			continue
		} else if found {
			first = at
			f.health.hear(f, d, first)
		}
		break
	}
	f.health.lose(sample, first-sample)
	return first, nil
}

func (r *reader) Read(block [][]float64) (int, error) {
	room, err := audio.CheckBlock(block, r.f.info.channels)
	if err != nil || room == 0 {
		return 0, err
	}
	step := 1 / r.f.info.scale()
	done := 0
	for done < room && r.next < r.f.present && r.err == nil {
		if r.gap > 0 {
			n := int(min(int64(room-done), r.gap))
			for _, x := range block {
				clear(x[done : done+n])
			}
			done, r.next, r.gap = done+n, r.next+int64(n), r.gap-int64(n)
			continue
		}
		if r.used == len(r.d.codes[0]) {
			var first int64
			first, r.err = r.f.load(r.d, r.next)
			r.gap, r.used = max(0, first-r.next), 0
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
	case err == io.ErrUnexpectedEOF: // although the last frame lies within it
		err = damaged("a frame goes on beyond the end of the file")
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
	if start := r.next - int64(r.used); r.err == nil && r.gap == 0 && sample >= start && sample <= start+int64(len(d.codes[0])) {
		r.used, r.next = int(sample-start), sample
		return nil
	}
	r.next, r.used, r.gap, r.err = sample, len(d.codes[0]), 0, nil
	if sample == f.present {
		return nil
	}
	first, err := r.seek(sample)
	if r.err = err; err != nil {
		return err
	}
	if r.gap = max(0, first-sample); r.gap == 0 {
		r.used = int(sample - first)
	} else {
		r.used = 0
	}
	return nil
}

// seek decodes the frame that holds a sample, or of a mended file the first one behind it if that is damaged, and returns the number of its
// first sample. It goes by the numbers in the frames, since tables may be wrong.
func (r *reader) seek(sample int64) (int64, error) {
	f, d := r.f, r.d
	from, to := f.coded.start, f.coded.end
	d.failed = 0
	for to-from > readSize {
		mid := from + (to-from)/2
		found, err := d.find(mid, to)
		if err != nil {
			return 0, err
		}
		if found && f.first(&d.header) <= sample {
			from = d.where.start
		} else {
			to = mid
		}
	}
	var h header
	d.seek(from)
	next := int64(0)
	if _, err := h.parse(d.peek(maxHeader), d.info); err == nil {
		next = f.first(&h)
	} else if f.health == nil || from > f.coded.start {
		return 0, fmt.Errorf("flac: byte %d: %w", from, err)
	}
	for {
		first, err := f.load(d, next)
		if err != nil || first == f.present {
			return first, err
		}
		if next = first + int64(d.samples); sample < next {
			return first, nil
		}
	}
}
