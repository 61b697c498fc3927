package carrier

import "ditas/audio"

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
