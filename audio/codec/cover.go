package codec

import (
	"fmt"
	"io"
	"slices"

	"ditas/audio"
)

// CoverOptions say how a recording is to be written. The zero value keeps its format, or takes WAV if that cannot be written.
type CoverOptions struct {
	// Name is the name of the file to write. If its extension stands for a format that can be written, the recording is
	// written in that format; another known format is an error; any other extension changes nothing.
	Name string
	// Level of compression, if the format has levels: see [Format.Levels]. nil means the default. A level for a format
	// without any is an error.
	Level *int
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

// Cover returns f, as [Open] or [OpenFile] returned it, as a recording that can be written, and the format that it
// will have. A recording that is written in its own format keeps everything but the samples; any other becomes a new
// file with the same rate, channels and encoding, without its tags. The new file has 16 bits if f is [Lossy].
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
	to := target(own, o.Name)
	level, err := to.level(o)
	if err != nil {
		return nil, nil, err
	}
	if to == own {
		r, err := to.write.again(f, level)
		return r, to, err
	}
	encoding := f.Format().Encoding
	if Lossy(f) {
		encoding = audio.Int16
	}
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
	return &covered{r, f}, to, nil
}

// covered is a recording that is written as a new file. It remembers what it was.
type covered struct {
	audio.Rewriter
	from audio.File
}

// Unwrap returns the recording that it was.
func (c *covered) Unwrap() audio.File { return c.from }

// target returns the format that a recording of another becomes under a name.
func target(own *Format, name string) *Format {
	if f, ok := ByName(name); ok && f.Writable() {
		return f
	}
	if own != nil && own.Writable() {
		return own
	}
	return Writable()[0]
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
