package flac

import (
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"ditas/audio"
)

// NewWriter starts a new FLAC file in dst, of the given format, whose samples are integers, and with the given number of
// sample frames. Close fails if fewer were written.
//
// As the file begins with a digest of its samples, all of it is written by Close. Until then the frames are kept in memory
// and, beyond some megabytes, in a temporary file. They are compressed at [DefaultLevel]; [Level.NewWriter] takes another one.
func NewWriter(dst io.Writer, format audio.Format, samples int64) (audio.Writer, error) {
	return DefaultLevel.NewWriter(dst, format, samples)
}

// NewWriter is the function [NewWriter] at this level. It serves [audio.Convert]:
//
//	rewriter, err := audio.Convert(file, audio.Int16, flac.MaxLevel.NewWriter)
func (l Level) NewWriter(dst io.Writer, format audio.Format, samples int64) (audio.Writer, error) {
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("flac: %w", err)
	}
	if err := format.Check(); err != nil {
		return nil, fmt.Errorf("flac: %w", err)
	}
	switch {
	case format.Encoding.IsFloat():
		return nil, fmt.Errorf("flac: %w: FLAC holds integers, not floating point; write WAV instead", audio.ErrUnsupported)
	case format.Channels > maxChannels || format.Rate > maxRate || format.Bits() < 4:
		return nil, fmt.Errorf("flac: %v does not fit a FLAC file", format)
	case samples < 0 || samples > maxSamples:
		return nil, fmt.Errorf("flac: %d sample frames do not fit a FLAC file", samples)
	}
	how := &efforts[l]
	info := &streamInfo{
		minBlock: how.samples,
		maxBlock: how.samples,
		rate:     format.Rate,
		channels: format.Channels,
		bits:     format.Bits(),
		samples:  samples,
	}
	return newWriter(dst, info, samples, how), nil
}

// Rewrite implements [audio.Rewriter]. Frames whose samples do not change are copied, the others are compressed anew, each
// with the same number of samples, at [DefaultLevel] or the level of [File.WithLevel]. Metadata are copied, except for what
// depends on the frames: the MD5 and the sizes in STREAMINFO, those in samples only where they are wrong, and the positions in
// SEEKTABLE. If no sample changes the copy equals the file, unless it is one that [File.Mend] returned: then what is written is whole, with frames of silence,
// or of what was written there, in place of those that are damaged.
//
// All of dst is written by Close, as with [NewWriter].
func (f *File) Rewrite(dst io.Writer) (audio.Writer, error) {
	info := f.info
	w := newWriter(dst, &info, f.present, f.effort)
	w.from = f
	w.d = f.decoder()
	w.d.seek(f.coded.start)
	if err := w.readTables(); err != nil {
		return nil, fmt.Errorf("flac: %w", err)
	}
	return w, nil
}

// point is an entry of a SEEKTABLE.
type point struct {
	sample, offset uint64 // the first sample of a frame, and where that lies behind the first frame
	samples        uint16 // in the frame
}

type writer struct {
	dst     io.Writer
	info    *streamInfo
	samples int64
	next    int64 // number of the sample to be written next
	head    header
	codes   [][]int64 // samples of the frame at hand; the first used of them have been written
	used    int
	encoder encoder
	md5     digester
	spool   spool // the frames up to the one at hand, if any of them changed or the file is new
	length  int64 // of these frames
	most    int   // samples in one of them
	err     error // that ended the writing

	from    *File     // that is rewritten, nil for a new one
	d       *decoder  // behind the frame at hand, or the one that follows what is lost
	ahead   bool      // that one is decoded, and not yet at hand
	gap     int64     // samples before it that are lost, and still to be written
	silence [][]int64 // a frame in place of them
	differs bool      // the frame at hand does
	changed bool      // a frame did
	tables  [][]point
	passed  []int // points of each table that lie before the frame at hand
}

func newWriter(dst io.Writer, info *streamInfo, samples int64, how *effort) *writer {
	w := &writer{
		dst:     dst,
		info:    info,
		samples: samples,
		codes:   make([][]int64, info.channels),
		md5:     digester{Hash: md5.New()},
	}
	w.encoder.info, w.encoder.effort = info, how
	w.info.minSize, w.info.maxSize = 0, 0
	return w
}

func (w *writer) Write(block [][]float64) error {
	if w.err != nil {
		return w.err
	}
	samples, err := audio.CheckBlock(block, w.info.channels)
	if err != nil {
		return err
	}
	if int64(samples) > w.samples-w.next {
		return fmt.Errorf("more sample frames were written than the %d that the recording has room for", w.samples)
	}
	scale := w.info.scale()
	for done := 0; done < samples; {
		if w.used == len(w.codes[0]) {
			if err := w.begin(); err != nil {
				return w.end(err)
			}
		}
		n := min(samples-done, len(w.codes[0])-w.used)
		var differ int64
		for c, codes := range w.codes {
			codes = codes[w.used : w.used+n]
			for i, x := range block[c][done : done+n] {
				code := int64(audio.Round(x, scale))
				differ |= code ^ codes[i]
				codes[i] = code
			}
		}
		w.differs = w.differs || differ != 0
		done += n
		w.used += n
		w.next += int64(n)
		if w.used == len(w.codes[0]) {
			if err := w.flush(); err != nil {
				return w.end(err)
			}
		}
	}
	return nil
}

// end makes err the last word.
func (w *writer) end(err error) error {
	w.err = err
	w.spool.discard()
	return err
}

// begin prepares the frame that starts with the next sample.
func (w *writer) begin() error {
	w.used = 0
	if w.from != nil {
		if err := w.beginOld(); err != nil {
			return fmt.Errorf("read the samples to replace: %w", err)
		}
		return nil
	}
	unit := int64(w.info.maxBlock)
	w.head = header{number: w.next / unit, samples: int(min(unit, w.samples-w.next))}
	for c := range w.codes {
		if w.codes[c] == nil {
			w.codes[c] = make([]int64, w.head.samples)
		}
		w.codes[c] = w.codes[c][:w.head.samples]
	}
	return nil
}

// beginOld prepares the frame of the file that is rewritten that starts with the next sample, or silence in place of it.
func (w *writer) beginOld() error {
	f := w.from
	if !w.ahead {
		end := w.d.offset()
		first, err := f.load(w.d, w.next)
		if err != nil {
			return err
		}
		w.ahead, w.gap = true, first-w.next
		if w.gap > 0 || w.d.where.start > end { // all that is between is left out
			if err := w.change(end); err != nil {
				return err
			}
		}
	}
	if w.gap == 0 {
		w.ahead = false
		w.head, w.codes, w.differs = w.d.header, w.d.codes, false
		return nil
	}
	number, most := w.next+f.base, int64(f.unit)
	if w.head = (header{variable: f.variable, number: number}); f.variable || f.unit == 1 {
		most = int64(f.info.maxBlock)
		if most < 16 { // none that a file may have
			most = 4096
		}
		n := (w.gap + most - 1) / most // as long as each other, so that none is shorter than any that may have been there
		most = (w.gap + n - 1) / n
	} else if number%most != 0 {
		return damaged("frames are missing before one of them, which does not begin where its number says")
	} else {
		w.head.number /= most
	}
	w.head.samples = int(min(most, w.gap))
	if w.silence == nil {
		w.silence = make([][]int64, w.info.channels)
	}
	for c, x := range w.silence {
		if cap(x) < w.head.samples {
			x = make([]int64, w.head.samples)
		}
		w.silence[c] = x[:w.head.samples]
		clear(w.silence[c])
	}
	w.gap -= int64(w.head.samples)
	w.codes, w.differs = w.silence, true
	return nil
}

// change begins a copy of the frames, of which those up to a position in the file stay as they are.
func (w *writer) change(end int64) error {
	if w.changed {
		return nil
	}
	w.changed = true
	return w.spool.copyFrom(w.from, span{w.from.coded.start, end})
}

// flush puts the frame at hand behind the others.
func (w *writer) flush() error {
	w.md5.add(w.codes, w.info.bits)
	var size int64
	switch {
	case w.from == nil || w.differs:
		if w.from != nil {
			if err := w.change(w.d.where.start); err != nil {
				return err
			}
		}
		frame := w.encoder.encode(w.head, w.codes)
		size = int64(len(frame))
		if err := w.spool.write(frame); err != nil {
			return err
		}
	default:
		size = w.d.where.end - w.d.where.start
		if w.changed {
			if err := w.spool.copyFrom(w.from, w.d.where); err != nil {
				return err
			}
		}
	}
	for i, table := range w.tables {
		for w.passed[i] < len(table) && table[w.passed[i]].sample < uint64(w.next) {
			table[w.passed[i]] = point{uint64(w.next) - uint64(w.head.samples), uint64(w.length), uint16(w.head.samples)}
			w.passed[i]++
		}
	}
	w.length += size
	w.most = max(w.most, len(w.codes[0]))
	if w.info.minSize == 0 || int(size) < w.info.minSize {
		w.info.minSize = int(size)
	}
	w.info.maxSize = max(w.info.maxSize, int(size))
	return nil
}

func (w *writer) Close() error {
	if w.err != nil {
		return w.err
	}
	defer w.spool.discard()
	w.err = errors.New("the recording has been closed")
	if w.from == nil {
		if w.next < w.samples {
			return fmt.Errorf("only %d of %d sample frames were written", w.next, w.samples)
		}
		w.md5.Sum(w.info.md5[:0])
		head := append([]byte(mark), 0x80|blockStreamInfo, 0, 0, infoSize)
		if err := w.put(w.info.append(head)); err != nil {
			return err
		}
		return w.putSpool()
	}

	for w.used < len(w.codes[0]) || (w.changed || w.from.health != nil) && w.next < w.samples {
		if w.used == len(w.codes[0]) {
			if err := w.begin(); err != nil {
				return err
			}
		}
		w.next += int64(len(w.codes[0]) - w.used)
		w.used = len(w.codes[0])
		if err := w.flush(); err != nil {
			return err
		}
	}
	f := w.from
	if !w.changed {
		return w.putFile(span{0, f.size})
	}
	w.md5.Sum(w.info.md5[:0])
	if w.most > w.info.maxBlock { // players that go by it would give up
		if w.info.minBlock == w.info.maxBlock {
			w.info.minBlock = w.most
		}
		w.info.maxBlock = w.most
	}
	if err := w.putFile(span{0, f.infoAt}); err != nil {
		return err
	}
	if err := w.put(w.info.append(nil)); err != nil {
		return err
	}
	at := f.infoAt + infoSize
	for i, where := range f.tables {
		if err := w.putFile(span{at, where.start}); err != nil {
			return err
		}
		table := w.table(i)
		if err := w.put(table); err != nil {
			return err
		}
		at = where.start + int64(len(table))
	}
	if err := w.putFile(span{at, f.coded.start}); err != nil {
		return err
	}
	if err := w.putSpool(); err != nil {
		return err
	}
	return w.putFile(span{f.coded.end, f.size})
}

// readTables reads the SEEKTABLE blocks.
func (w *writer) readTables() error {
	for _, where := range w.from.tables {
		b := make([]byte, (where.end-where.start)/pointSize*pointSize)
		if err := w.from.read(b, where.start); err != nil {
			return err
		}
		points := make([]point, len(b)/pointSize)
		for i := range points {
			b := b[i*pointSize:]
			points[i] = point{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint16(b[16:])}
		}
		w.tables = append(w.tables, points)
	}
	w.passed = make([]int, len(w.tables))
	return nil
}

// table returns a SEEKTABLE. Points that lead nowhere become placeholders.
func (w *writer) table(i int) (b []byte) {
	for j, p := range w.tables[i] {
		if j >= w.passed[i] {
			p.sample = noPoint
		}
		b = binary.BigEndian.AppendUint64(b, p.sample)
		b = binary.BigEndian.AppendUint64(b, p.offset)
		b = binary.BigEndian.AppendUint16(b, p.samples)
	}
	return b
}

func (w *writer) put(b []byte) error {
	if _, err := w.dst.Write(b); err != nil {
		return fmt.Errorf("write the recording: %w", err)
	}
	return nil
}

// putFile copies bytes of the file.
func (w *writer) putFile(s span) error {
	n, err := io.Copy(w.dst, io.NewSectionReader(w.from.r, s.start, s.end-s.start))
	if err == nil && n < s.end-s.start {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("copy the recording: %w", err)
	}
	return nil
}

func (w *writer) putSpool() error {
	if err := w.spool.copyTo(w.dst); err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	return nil
}
