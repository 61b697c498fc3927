package carrier

import (
	"fmt"
	"io"

	"ditas/audio"
)

// Spool is an [audio.Writer] that keeps the blocks of a recording in memory, for as long as it is not known whether it is of use.
type Spool struct{ blocks [][][]float64 }

// Write keeps a copy of a block.
func (s *Spool) Write(block [][]float64) error {
	kept := audio.NewBlock(len(block), len(block[0]))
	for c := range block {
		copy(kept[c], block[c])
	}
	s.blocks = append(s.blocks, kept)
	return nil
}

// Close does nothing.
func (s *Spool) Close() error { return nil }

// CopyTo writes what is kept, and closes the writer.
func (s *Spool) CopyTo(w audio.Writer) error {
	for _, block := range s.blocks {
		if err := w.Write(block); err != nil {
			return err
		}
	}
	return w.Close()
}

// File returns what is kept as a recording of a format.
func (s *Spool) File(format audio.Format) audio.File { return kept{s, format} }

// kept is the recording of a Spool.
type kept struct {
	spool  *Spool
	format audio.Format
}

// Format implements [audio.File].
func (k kept) Format() audio.Format { return k.format }

// Frames implements [audio.File].
func (k kept) Frames() (n int64) {
	for _, block := range k.spool.blocks {
		n += int64(len(block[0]))
	}
	return n
}

// Reader implements [audio.File].
func (k kept) Reader() audio.Reader { return &keptReader{kept: k} }

type keptReader struct {
	kept
	block int // that holds the next frame
	at    int // of that frame in it
}

// Read implements [audio.Reader].
func (r *keptReader) Read(dst [][]float64) (n int, err error) {
	room, err := audio.CheckBlock(dst, r.format.Channels)
	if err != nil {
		return 0, err
	}
	for n < room && r.block < len(r.spool.blocks) {
		taken := 0
		for c, x := range r.spool.blocks[r.block] {
			taken = copy(dst[c][n:], x[r.at:])
		}
		n, r.at = n+taken, r.at+taken
		if r.at == len(r.spool.blocks[r.block][0]) {
			r.block, r.at = r.block+1, 0
		}
	}
	if n == 0 && room > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// SeekFrame implements [audio.Reader].
func (r *keptReader) SeekFrame(frame int64) error {
	if frame < 0 || frame > r.Frames() {
		return fmt.Errorf("seek to frame %d of %d", frame, r.Frames())
	}
	for r.block = 0; r.block < len(r.spool.blocks) && frame >= int64(len(r.spool.blocks[r.block][0])); r.block++ {
		frame -= int64(len(r.spool.blocks[r.block][0]))
	}
	r.at = int(frame)
	return nil
}
