package codec

import (
	"fmt"
	"io"
	"slices"

	"ditas/audio"
)

// CoverOptions say how a recording is to be written. The zero value stands for the format that [Default] returns.
type CoverOptions struct {
	// Name is the name of the file to write. If its extension stands for a format that can be written, the recording is
	// written in that format; another known format is an error; any other extension changes nothing.
	Name string
	// Level of compression, if the format has levels: see [Format.Levels]. nil means the default. A level for a format
	// without any is an error.
	Level *int
	// Sixteen makes recordings of more than 16 bits, and those of floating point, new files of 16.
	Sixteen bool
}

// Check returns the error that [Cover] would return for any recording with these options.
func (o CoverOptions) Check() error {
	f, ok := ByName(o.Name)
	if !ok {
		return nil
	}
	if !f.Writable() {
		refusal := f.unwritten()
		refusal.Name = o.Name
		return refusal
	}
	_, err := f.level(o)
	return err
}

// Default returns the format in which f is written where no name says another: its own, or if that cannot be written FLAC, or WAV for what FLAC
// cannot hold, which is floating point and more than 8 channels. A nil f is any recording that cannot be written as it is.
func Default(f audio.File) *Format { return CoverOptions{}.format(f) }

// format returns the format in which f is written where no name says another.
func (o CoverOptions) format(f audio.File) *Format {
	if own, _ := Of(f); own != nil && own.Writable() {
		return own
	}
	var last *Format
	for _, first := range []bool{true, false} {
		for _, to := range Writable() {
			if to.write.first != first {
				continue
			}
			if last = to; f == nil || to.holds(f, o) {
				return to
			}
		}
	}
	return last // which will say what is wrong
}

// holds reports whether a new file of the format can have the samples of f.
func (f *Format) holds(file audio.File, o CoverOptions) bool {
	format := file.Format()
	if encoding := o.encodingOf(file); encoding != format.Encoding {
		format.Encoding, format.ValidBits = encoding, 0
	}
	if format.Encoding.IsFloat() && !f.Floats() {
		return false
	}
	_, _, usual, _ := f.Levels()
	_, err := f.write.create(usual)(io.Discard, format, max(0, file.Frames()))
	return err == nil
}

// encodingOf returns that of a new file made of f.
func (o CoverOptions) encodingOf(f audio.File) audio.Encoding {
	if Lossy(f) || o.lowers(f) {
		return audio.Int16
	}
	return f.Format().Encoding
}

// lowers reports whether f has more bits than its new file is to have.
func (o CoverOptions) lowers(f audio.File) bool {
	format := f.Format()
	return o.Sixteen && (format.Encoding.IsFloat() || format.Bits() > 16)
}

// Cover returns f, as [Open] or [OpenFile] returned it, as a recording that can be written, and the format that it
// will have. A recording that is written in its own format keeps everything but the samples; any other becomes a new
// file with the same rate, channels and encoding, without its tags. The new file has 16 bits if f is [Lossy]. [Becomes] tells people. Of a new file,
// a method Unrounded returns f, whose samples may be more precise. Where f is damaged, the recording is silent, as by [audio.Mend], and [audio.Mend] of it
// tells how much that is.
//
// The error is a *[Refusal] that wraps [audio.ErrUnsupported] if the format cannot be written or cannot hold the
// recording, or if there is no such level.
func Cover(f audio.File, o CoverOptions) (audio.Rewriter, *Format, error) {
	if err := o.Check(); err != nil {
		return nil, nil, err
	}
	own, _ := Of(f)
	if named, ok := f.(*File); ok {
		f = named.File
	}
	if damaged, ok := f.(interface{ Mend() audio.Mended }); ok {
		f = damaged.Mend()
	}
	to, asked := ByName(o.Name)
	if !asked {
		to = o.format(f)
	}
	level, err := to.level(o)
	if err != nil {
		return nil, nil, err
	}
	if to == own && !o.lowers(f) {
		r, err := to.write.again(f, level)
		return r, to, err
	}
	encoding := o.encodingOf(f)
	if encoding.IsFloat() && !to.Floats() {
		return nil, nil, &Refusal{
			Says:   "has floating-point samples, which " + to.name + " cannot hold",
			Advice: endIn(slices.DeleteFunc(Writable(), func(f *Format) bool { return !f.Floats() })),
			Err:    audio.ErrUnsupported,
		}
	}
	create := to.write.create(level)
	r, err := audio.Convert(f, encoding, create)
	if err != nil {
		return nil, nil, err
	}
	// Better to learn now, than after minutes of listening, that the format does not hold that number of channels, say.
	if _, err := create(io.Discard, r.Format(), r.Frames()); err != nil {
		return nil, nil, &Refusal{
			Says:   fmt.Sprintf("cannot become %s: %v", to.name, err),
			Advice: endIn(slices.DeleteFunc(Writable(), func(f *Format) bool { return f == to })),
			Err:    audio.ErrUnsupported,
		}
	}
	return &covered{r, f, to, asked && !o.lowers(f)}, to, nil
}

// covered is a recording that is written as a new file. It remembers what it was.
type covered struct {
	audio.Rewriter
	from  audio.File
	to    *Format
	asked bool // for that format
}

// Unwrap returns the recording that it was.
func (c *covered) Unwrap() audio.File { return c.from }

// Unrounded returns the recording with its samples as they were.
func (c *covered) Unrounded() audio.File { return c.from }

// Becomes says what becomes of a cover, as [Cover] or [Open] returned it, that cannot be written as it is, as in "FLAC (44100 Hz, 2 channels,
// 16-bit), without its tags". It is empty for one that can, and where a name asked for another format.
func Becomes(cover audio.Rewriter) string {
	c, converted := cover.(*covered)
	switch {
	case converted && !c.asked:
		return fmt.Sprintf("%s (%v), without its tags", c.to, c.Format())
	case !converted && expands(cover):
		own, _ := Of(cover)
		return fmt.Sprintf("%s (%v)", own, cover.Format())
	}
	return ""
}

// expands reports whether the samples of a file take more bits when it is written again in its own format.
func expands(r audio.Rewriter) bool {
	f, ok := r.(interface{ Expands() bool })
	return ok && f.Expands()
}

// level returns the level of compression that is asked for, or the usual one.
func (f *Format) level(o CoverOptions) (int, error) {
	asked := o.Level
	lowest, highest, usual, ok := f.Levels()
	switch {
	case asked == nil:
		return usual, nil
	case !ok:
		leveled := slices.DeleteFunc(Writable(), func(f *Format) bool { return f.write.levels == nil })
		return 0, &Refusal{
			Name:   o.Name,
			Says:   fmt.Sprintf("would be %s, which has no levels of compression", f.name),
			Advice: endIn(leveled) + ", or leave the level out",
			Err:    audio.ErrUnsupported,
		}
	case *asked < lowest || *asked > highest:
		return 0, &Refusal{
			Name:   o.Name,
			Says:   fmt.Sprintf("would be %s, which has no level of compression %d", f.name, *asked),
			Advice: fmt.Sprintf("take one from %d, the fastest, to %d, the smallest", lowest, highest),
			Err:    audio.ErrUnsupported,
		}
	}
	return *asked, nil
}
