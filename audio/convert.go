package audio

import (
	"fmt"
	"io"
)

// Convert returns f as a Rewriter whose samples have the given encoding and which newWriter, from package wav or flac, writes
// as a new file. Use it for recordings whose own format cannot be written, or that are to become another kind of file. Tags
// and the like are lost.
//
//	rewriter, err := audio.Convert(file, audio.Int16, wav.NewWriter)
//
// Its Readers return the samples of f as [Format.Quantize] rounds them, which the new file holds exactly. If f does not know
// how many frames it has, Convert reads all of it once to count them. Frames that are not written to a Writer are copied
// from f, which the Rewriter returns by a method Unrounded.
func Convert(f File, encoding Encoding, newWriter func(dst io.Writer, format Format, frames int64) (Writer, error)) (Rewriter, error) {
	format := f.Format()
	if format.Encoding != encoding {
		format.Encoding, format.ValidBits = encoding, 0
	}
	if err := format.Check(); err != nil {
		return nil, err
	}
	frames := f.Frames()
	if frames < 0 {
		var err error
		if frames, err = count(f); err != nil {
			return nil, fmt.Errorf("count the frames: %w", err)
		}
	}
	return &converted{f, format, frames, newWriter}, nil
}

// countBlock is how many frames are read at a time.
const countBlock = 4096

// count reads all of f. Where f is cut off it counts what is there.
func count(f File) (frames int64, err error) {
	r, block := f.Reader(), NewBlock(f.Format().Channels, BlockFrames(f.Format().Channels, countBlock))
	for {
		n, err := r.Read(block)
		if err == io.EOF {
			return frames, nil
		}
		if cut, ok := err.(*TruncatedError); ok {
			return cut.Frames, nil
		}
		if err != nil {
			return 0, err
		}
		frames += int64(n)
	}
}

// converted is a recording that is written again as a new file.
type converted struct {
	File
	format    Format
	frames    int64
	newWriter func(io.Writer, Format, int64) (Writer, error)
}

func (c *converted) Format() Format { return c.format }

func (c *converted) Frames() int64 { return c.frames }

func (c *converted) Reader() Reader { return &quantizer{c.File.Reader(), c.format} }

// Unrounded returns the recording with its samples as they were.
func (c *converted) Unrounded() File { return c.File }

func (c *converted) Rewrite(dst io.Writer) (Writer, error) {
	w, err := c.newWriter(dst, c.format, c.frames)
	if err != nil {
		return nil, err
	}
	return &filler{Writer: w, c: c}, nil
}

// quantizer gives samples as a file of another format holds them.
type quantizer struct {
	Reader
	format Format
}

func (q *quantizer) Read(block [][]float64) (int, error) {
	n, err := q.Reader.Read(block)
	for c := range block {
		for i, x := range block[c][:n] {
			block[c][i] = q.format.Quantize(x)
		}
	}
	return n, err
}

// filler is a Writer that Close gives the frames that have not been written.
type filler struct {
	Writer
	c      *converted
	next   int64 // frame
	closed bool
}

func (f *filler) Write(block [][]float64) error {
	if err := f.Writer.Write(block); err != nil {
		return err
	}
	f.next += int64(len(block[0]))
	return nil
}

func (f *filler) Close() error {
	if !f.closed && f.next < f.c.frames {
		if err := f.fill(); err != nil {
			return fmt.Errorf("convert the recording: %w", err)
		}
	}
	f.closed = true
	return f.Writer.Close()
}

// fill writes the frames that are missing.
func (f *filler) fill() error {
	r, block := f.c.Reader(), NewBlock(f.c.format.Channels, BlockFrames(f.c.format.Channels, countBlock))
	if err := r.SeekFrame(f.next); err != nil {
		return err
	}
	part := make([][]float64, len(block))
	for f.next < f.c.frames {
		n, err := r.Read(block)
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		for c := range block {
			part[c] = block[c][:n]
		}
		if err := f.Write(part); err != nil {
			return err
		}
	}
	return nil
}
