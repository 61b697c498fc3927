package ogg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"ditas/audio"
)

// Track is the sound of one of the streams in a file.
type Track struct {
	r      io.ReaderAt
	size   int64
	serial uint32
	mark   string // that the first packet of every stream of its kind begins with

	Begin int64 // where the first page of the stream, and later of its sound, begins
	First Page  // the first page of sound that tells a position; its Granule is -1 if there is none
	End   int64 // the position behind the last frame
	Bytes int64 // where in the file the last page of the track ends
	Cut   int64 // where End would be if the file did not end within a page; 0 if it does not
	Tail  int64 // how many frames the last page seems to hold, if that is damaged, so that End lies before it; 0 if it is not

	Damage  error // of the first page that is damaged, or comes behind one that is missing at the beginning; nil if there is none
	missing bool  // the first page, at least
}

// heads is how much is read of the first packet of a stream.
const heads = 16

// Find returns the first stream of a file whose first packet begins with mark, or nil. It calls other, if that is set, with the beginning of the
// first packet of each stream before, so never for what is no Ogg file.
func Find(r io.ReaderAt, size int64, mark string, other func(head []byte)) (*Track, error) {
	t := &Track{r: r, size: size, mark: mark}
	for at := int64(0); ; {
		p, ok, err := ReadPage(r, at, size)
		if err != nil || !ok || p.Flags&First == 0 {
			return nil, err
		}
		head, err := t.head(&p)
		if err != nil {
			return nil, err
		}
		if t.begins(head) {
			t.serial, t.Begin = p.Serial, at
			return t, nil
		}
		if other != nil {
			other(head)
		}
		at += p.Size
	}
}

// head returns the beginning of the first packet of a page.
func (t *Track) head(p *Page) ([]byte, error) {
	b := make([]byte, heads)
	n, err := t.r.ReadAt(b, p.At+int64(PageHead+p.Pieces))
	if err == io.EOF {
		err = nil
	}
	return b[:n], err
}

func (t *Track) begins(head []byte) bool {
	return len(head) >= len(t.mark) && string(head[:len(t.mark)]) == t.mark
}

// Stream returns the packets from the first page on.
func (t *Track) Stream() *Stream {
	s := NewStream(t.r, t.size, t.serial)
	s.From(t.Begin)
	return s
}

// Mended returns the packets from the first page on, as far as they are whole.
func (t *Track) Mended() *Stream {
	s := t.Stream()
	s.Mend = true
	return s
}

// Scan goes through the pages of sound, of which the first lies at or behind position at and has a number, and sets Begin, First, End, Bytes, Cut, Tail and Damage.
// Positions may not go back, nor be less than least. It calls page, if that is set, with every page of the track that is not damaged and the position
// that those before lead to.
func (t *Track) Scan(at int64, number uint32, least int64, page func(p *Page, before int64)) error {
	t.Begin, t.Bytes, t.First = at, at, Page{Granule: -1}
	before, begun, last, buf := least, false, uint32(0), make([]byte, maxPage)
	for at < t.size {
		p, ok, err := ReadPage(t.r, at, t.size)
		if err != nil {
			return err
		}
		if !ok {
			if t.Cut, err = t.cut(at, before); err != nil {
				return err
			}
			if at, err = FindPage(t.r, at+1, t.size); err != nil {
				return err
			}
			continue
		}
		t.Cut = 0
		if _, err := p.read(t.r, buf); errors.Is(err, audio.ErrDamaged) { // and so is what it says about itself
			if t.Damage == nil {
				t.Damage = err
			}
			end, err := t.cut(at, before)
			if err != nil {
				return err
			}
			if t.Tail = 0; end > before {
				t.Tail = min(max(1, end-max(0, before)), mostLost)
			}
			if at, err = FindPage(t.r, at+1, t.size); err != nil {
				return err
			}
			continue
		} else if err != nil {
			return err
		}
		at += p.Size
		if p.Flags&First != 0 { // those of one recording all begin before its sound
			if head, err := t.head(&p); err != nil {
				return err
			} else if begun {
				return &audio.JoinedError{At: p.At, What: "another recording"}
			} else if t.begins(head) {
				return fmt.Errorf("%w: it holds several recordings that sound at once; convert one of them to WAV or FLAC first", audio.ErrUnsupported)
			}
		}
		if p.Serial != t.serial {
			continue
		}
		if !begun && p.Number != number {
			if t.missing = true; t.Damage == nil {
				t.Damage = damaged("a page is missing before byte %d", p.At)
			}
		}
		if begun && !p.follows(last) {
			if t.Damage == nil {
				t.Damage = damaged("the page at byte %d is not where it belongs", p.At)
			}
			continue
		}
		last, t.Bytes, t.Tail = p.Number, at, 0
		if begun = true; page != nil {
			page(&p, before)
		}
		if p.Granule == -1 {
			continue
		}
		if p.Granule < before {
			return fmt.Errorf("%w: the page at byte %d goes back in time", audio.ErrMalformed, p.At)
		}
		if before = p.Granule; t.First.Granule == -1 {
			t.First = p
		}
	}
	if t.First.Granule != -1 {
		t.End = before
	}
	return nil
}

// cut returns to which position the page of the track at position at leads of which the file has only the beginning, 0 if there is no such page.
func (t *Track) cut(at, before int64) (int64, error) {
	head := make([]byte, PageHead)
	n, err := t.r.ReadAt(head[:min(PageHead, t.size-at)], at)
	if err != nil && err != io.EOF {
		return 0, err
	}
	if begins := string(head[:min(n, len(mark))]); begins == "" || !strings.HasPrefix(mark, begins) {
		return 0, nil
	}
	le := binary.LittleEndian
	switch granule := int64(le.Uint64(head[6:])); {
	case n < PageHead: // which does not say
		return before + 1, nil
	case le.Uint32(head[14:]) != t.serial:
		return 0, nil
	case granule > before && granule-before <= mostLost:
		return granule, nil
	}
	return before + 1, nil
}

// mostLost is how many frames may be lost at a time: silence in their place takes time, and only a header says how many they are.
const mostLost = 1 << 20

// Headless reports whether sound is lost before the first frame that there is, which is at a position. Otherwise the recording begins there.
func (t *Track) Headless(at int64) bool { return t.missing && at > 0 && at <= mostLost }

// Length returns how many frames the packets of sound hold up to the end of page First; frames tells how many a packet holds.
func (t *Track) Length(frames func(packet []byte) (int, error)) (length int64, err error) {
	s := t.Mended() // that the first page is not
	for {
		p, last, err := s.Packet()
		if err != nil {
			return 0, err
		}
		if s.Hole {
			s.Hole, length = false, 0
		}
		n, err := frames(p)
		if err != nil {
			return 0, err
		}
		if length += int64(n); last && s.At >= t.First.At {
			return length, nil
		}
	}
}

// Bound cuts off what a track that begins at a position has beyond the frames that there may be in its bytes: packets of a byte or two may last for a
// tenth of a second, pages may be missing before each, and whoever reads all that silence takes hours for a small file. The lowest rates of speech
// have 64 frames for each byte at 48 kHz.
func (t *Track) Bound(start int64) {
	const most, free = 256, 1 << 21 // frames for each byte, and those of any file
	if end := start + free + most*(t.Bytes-t.Begin); t.End > end {
		t.Cut, t.End = max(t.Cut, t.End), end
	}
}

// HeadersEnd returns what it means that err came while headers were read.
func HeadersEnd(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: the file ends within its headers", audio.ErrMalformed)
	}
	return err
}

// Decoded is what has been decoded of a track and is given out block by block. Positions are those of frames.
type Decoded struct {
	Channels  int
	Zero, End int64     // the positions of the first frame that is heard, and behind the last
	At        int64     // of the next one that is given
	Pos       int64     // behind the last packet that was decoded
	PCM       []float32 // of that packet, interleaved
	Used      int       // frames of PCM that lie before At
	Have      int       // frames in PCM
	Cut       int64     // End of a file that goes on, 0 of one that does not
	Err       error     // that ended the reading
	Damage    error     // that is told at the end, unless it is mended
	Lost      *Lost     // where what is lost is put down; nil if nothing is mended
	silent    int64     // frames from At on that are lost
}

// mended is a file that reads silence where it is damaged.
type mended struct {
	audio.File
	lost   Lost
	tail   int64 // frames behind the last one that are lost
	reader func(lost *Lost) audio.Reader
}

// Mend returns a file of a track as one that reads silence where it is damaged; reader returns its readers, which put down there what is lost. Of a last
// page that is damaged nothing is read, but what it held counts.
func (t *Track) Mend(f audio.File, reader func(lost *Lost) audio.Reader) audio.Mended {
	return &mended{File: f, tail: t.Tail, reader: reader}
}

// Unwrap returns the file as it is.
func (m *mended) Unwrap() audio.File { return m.File }

// Mend returns the file itself.
func (m *mended) Mend() audio.Mended { return m }

// Reader implements [audio.File].
func (m *mended) Reader() audio.Reader { return m.reader(&m.lost) }

// Damaged implements [audio.Mended].
func (m *mended) Damaged() int64 { return m.lost.Frames() + m.tail }

// Lost is what of a track is lost: from each of these positions on, how many frames.
type Lost struct {
	mu   sync.Mutex
	from map[int64]int64
}

// Frames returns how many are lost.
func (l *Lost) Frames() (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, length := range l.from {
		n += length
	}
	return n
}

// Resume has decoding begin anew with the page that a stream has at hand, of which p is the first packet and perhaps the last, behind pages that
// are damaged; frames tells how many a packet holds. If no packet begins in the page, the stream's Hole is set, and the next page is to be tried.
func (d *Decoded) Resume(s *Stream, p []byte, last bool, frames func(packet []byte) (int, error)) (err error) {
	if s.Flags&Continued != 0 { // p began in a page before
		if last {
			s.From(s.Page.At)
			s.Hole = true
			return nil
		}
		if p, last, err = s.Packet(); err != nil {
			return err
		}
	}
	n, err := frames(p)
	length := int64(n)
	for err == nil && !last {
		if p, last, err = s.Packet(); err == nil {
			n, err = frames(p)
			length += int64(n)
		}
	}
	if err == nil {
		err = d.resume(max(d.Pos, s.Granule-length)) // of the last page, the end is not meant to be heard
	}
	if err == nil {
		s.From(s.Page.At)
	}
	return err
}

// resume says that what comes next begins at a position, and that from Pos on until there everything is lost.
func (d *Decoded) resume(pos int64) error {
	if pos-d.Pos > mostLost {
		return damaged("%d frames before it are missing", pos-d.Pos)
	}
	if from, to := max(d.Pos, d.Zero), min(pos, d.End); to > from {
		d.Lost.mu.Lock()
		if d.Lost.from == nil {
			d.Lost.from = map[int64]int64{}
		}
		d.Lost.from[from] = to - from
		d.Lost.mu.Unlock()
	}
	d.Pos, d.Used, d.Have = pos, 0, 0
	d.silent = max(0, min(pos, d.End)-d.At)
	return nil
}

// Silent reports whether what comes next is lost.
func (d *Decoded) Silent() bool { return d.silent > 0 }

// GoTo makes the frame at a position the next one, which has still to be decoded.
func (d *Decoded) GoTo(at int64) { d.At, d.Used, d.Have, d.silent = at, 0, 0, 0 }

// Read fills a block, as [audio.Reader] does. decode decodes packets up to the first with frames at or behind At; its error is io.EOF if there is none.
func (d *Decoded) Read(block [][]float64, decode func() error) (int, error) {
	room, err := audio.CheckBlock(block, d.Channels)
	if err != nil || room == 0 {
		return 0, err
	}
	done := 0
	for done < room && d.Err == nil && d.At < d.End {
		if d.silent > 0 {
			n := int(min(int64(room-done), d.silent))
			for _, x := range block {
				clear(x[done : done+n])
			}
			done, d.At, d.silent = done+n, d.At+int64(n), d.silent-int64(n)
			continue
		}
		if d.Used == d.Have {
			d.Err = decode()
			continue
		}
		n := int(min(int64(room-done), int64(d.Have-d.Used), d.End-d.At))
		for c := range block {
			pcm := d.PCM[d.Used*d.Channels+c:]
			for i := range block[c][done : done+n] {
				block[c][done+i] = float64(pcm[i*d.Channels])
			}
		}
		done += n
		d.Used += n
		d.At += int64(n)
	}
	switch {
	case done > 0:
		return done, nil
	case d.Err == io.EOF:
		return 0, &audio.TruncatedError{Frames: d.At - d.Zero, Declared: max(0, d.End-d.Zero)}
	case d.Err != nil:
		return 0, d.Err
	case d.Cut > d.End:
		return 0, &audio.TruncatedError{Frames: d.At - d.Zero, Declared: d.Cut - d.Zero}
	case d.Damage != nil:
		return 0, fmt.Errorf("read samples: %w", d.Damage)
	}
	return 0, io.EOF
}

// Take makes the frames of a packet, which has been decoded to PCM, the next ones, but for those before At.
func (d *Decoded) Take(frames int) {
	d.Have = frames
	d.Used = int(max(0, d.At-(d.Pos-int64(frames))))
}
