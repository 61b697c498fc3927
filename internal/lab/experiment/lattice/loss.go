package lattice

import (
	"ditas/audio"
	"ditas/internal/channel"
	"ditas/internal/lab/experiment"
)

// loss measures what is left when a part of the recording is.
func (s *study) loss() (*Table, error) {
	t := &Table{
		Title: "Loss",
		Text: "Default strength. Zeroed samples keep their time; cut ones do not, and the pieces that are left are found again. Offsets are not\n" +
			"multiples of anything.",
		Columns: pictureColumns,
	}
	var err error
	t.Rows, err = s.try("loss", s.Damaged(), losses())
	return t, err
}

// losses are the losses that are tried.
func losses() []trial {
	damage := func(name string, w want, do func(r *audio.Recording) *audio.Recording) trial {
		return trial{name, func(_ int, p *experiment.Subject) (*audio.Recording, error) { return do(p.Stego), nil }, w}
	}
	zero := func(from, n int) func(r *audio.Recording) *audio.Recording {
		return func(r *audio.Recording) *audio.Recording { return channel.Zero(r, from, n) }
	}
	cut := func(from, n int) func(r *audio.Recording) *audio.Recording {
		return func(r *audio.Recording) *audio.Recording { return channel.Cut(r, from, n) }
	}
	const (
		third   = experiment.Samples / 3
		middle  = experiment.Samples / 2
		four    = experiment.Samples * 4 / 5
		nine    = experiment.Samples * 9 / 10
		odd     = 11003 // an offset somewhere
		farther = 16411 // a third and a bit
		piece   = 15000
	)
	return []trial{
		damage("first third zeroed", exactly, zero(0, third)),
		damage("middle third zeroed", exactly, zero(third, third)),
		damage("last third zeroed", exactly, zero(2*third, third)),
		damage("first 16,411 samples cut off", exactly, cut(0, farther)),
		damage("last 16,411 samples cut off", exactly, cut(experiment.Samples-farther, farther)),
		damage("16,384 samples from 11,003 on cut out", exactly, cut(odd, third)),
		damage("15,000 samples from 11,003 on cut out", exactly, cut(odd, piece)),
		damage("first half zeroed", atLeast(40), zero(0, middle)),
		damage("middle half zeroed", atLeast(40), zero(middle/2, middle)),
		damage("last half zeroed", atLeast(40), zero(middle, middle)),
		damage("first half and 27 samples cut off", atLeast(40), cut(0, middle+27)),
		damage("last half and 27 samples cut off", atLeast(40), cut(middle-27, middle+27)),
		damage("half cut out from 11,003 on", atLeast(40), cut(odd, middle)),
		damage("all but the first fifth zeroed", atLeast(26), zero(experiment.Samples-four, four)),
		damage("first four fifths cut off", atLeast(26), cut(0, four)),
		damage("all but the first tenth zeroed", atLeast(18), zero(experiment.Samples-nine, nine)),
		damage("first nine tenths cut off", atLeast(18), cut(0, nine)),
	}
}
