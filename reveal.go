package ditas

import (
	"context"
	"errors"
	"fmt"
	"math"

	"ditas/audio"
	"ditas/internal/carrier/lattice"
	"ditas/internal/carrier/networks"
	"ditas/internal/codestream"
	"ditas/internal/model/restorer"
	"ditas/picture"
)

// RevealOptions says how to reveal. The zero value is right for recordings without a passphrase.
type RevealOptions struct {
	// Method is the one that was used to hide. If it is empty, Reveal tries [Lattice] and then, without a passphrase, networks,
	// which take the whole recording into memory, unless it is too long for that.
	Method     string
	Passphrase string
	// Plain leaves a picture of which not all has arrived as it is, in place of having a network restore what it can.
	Plain bool
	// Stage, if set, is called for every stage, counted from 0, that adds something to the picture, one after the other, with the
	// picture that it and the ones before it make.
	Stage func(stage int, p *picture.Planes)
	// Workers is the number of goroutines; 0 means one per processor. Results do not depend on it.
	Workers int
	// Progress, if set, is called now and then, possibly from several goroutines at once.
	Progress func(done, total int)
}

// RevealReport tells what Reveal found.
type RevealReport struct {
	Method string `json:"method"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	// Exact tells that the picture is the one that was hidden, to the last bit.
	Exact bool `json:"exact"`
	// Restored tells that a network has made what has arrived look more like what was hidden.
	Restored bool          `json:"restored"`
	Stages   []RevealStage `json:"stages"`
	// Robust tells that the picture was protected against noise when it was hidden by the method [Lattice].
	Robust bool `json:"robust"`
	// Bytes is the size of what was hidden, and Read how much of that arrived without a gap; both are 0 with networks.
	Bytes int `json:"bytes"`
	Read  int `json:"read"`
	// Frames is the number of pieces that the recording had, and Arrived how many of them were found. Map tells which, channel by
	// channel as they were written.
	Frames  int      `json:"frames"`
	Arrived int      `json:"arrived"`
	Map     [][]bool `json:"-"`
	// Gain in dB and Inverted are what has become of the recording's amplitude since, Offset what was added to every sample, and
	// Noise the standard deviation of what else was added, that of rounding included; full scale is 1.
	Gain     float64 `json:"gain"`
	Inverted bool    `json:"inverted"`
	Offset   float64 `json:"offset"`
	Noise    float64 `json:"noise"`

	complete bool
}

// RevealStage tells what arrived of a stage.
type RevealStage struct {
	Bytes int `json:"bytes"` // that it has
	// Blocks is the number of pieces that stand or fall on their own, and Arrived how many of them came through.
	Blocks  int `json:"blocks"`
	Arrived int `json:"arrived"`
}

// Complete reports whether all that was hidden arrived.
func (r *RevealReport) Complete() bool { return r.complete }

// Reveal returns the picture that is hidden in a recording, by whatever method, as far as what has arrived of it allows. It
// returns an error that wraps [ErrNothingFound] or [ErrOtherVersion] if there is nothing that it can reveal.
func Reveal(ctx context.Context, stego audio.File, o RevealOptions) (*picture.Planes, *RevealReport, error) {
	f, r, err := find(ctx, stego, o)
	if err != nil {
		return nil, r, err
	}
	if f.networks != nil {
		p, err := f.networks.Reveal(ctx, networks.RevealOptions{Workers: o.Workers, Progress: o.Progress, Stage: o.Stage})
		return p, r, err
	}
	if o.Plain {
		return f.arrived, r, nil
	}
	p, restored, err := restore(ctx, f.arrived, f.info, o.Workers)
	if err != nil {
		return nil, r, err
	}
	r.Restored = restored
	return p, r, nil
}

// Inspect tells what Reveal would find, and fails as it would, but has no network restore or reveal the picture.
func Inspect(ctx context.Context, stego audio.File, o RevealOptions) (*RevealReport, error) {
	_, r, err := find(ctx, stego, o)
	return r, err
}

// found is what was found in a recording: what a stream gives, or what networks can reveal.
type found struct {
	arrived  *picture.Planes
	info     codestream.Info
	networks *networks.Found
}

func find(ctx context.Context, stego audio.File, o RevealOptions) (*found, *RevealReport, error) {
	switch o.Method {
	case Networks:
		return findNetworks(ctx, stego)
	case "", Lattice:
	default:
		return nil, nil, fmt.Errorf("method %q is unknown: want %s or %s", o.Method, Lattice, Networks)
	}
	f, r, err := findLattice(ctx, stego, o)
	if errors.Is(err, ErrNothingFound) && o.Method == "" && o.Passphrase == "" {
		if n := stego.Frames(); n >= 0 && n*int64(stego.Format().Channels) <= longestForNetworks {
			if f, r, err := findNetworks(ctx, stego); !errors.Is(err, ErrNothingFound) {
				return f, r, err
			}
		}
	}
	return f, r, err
}

// longestForNetworks is the number of samples, 12 minutes of mono at 44.1 kHz, up to which Reveal looks for networks unasked.
const longestForNetworks = 1 << 25

func findLattice(ctx context.Context, stego audio.File, o RevealOptions) (*found, *RevealReport, error) {
	key, err := key(o.Passphrase)
	if err != nil {
		return nil, nil, err
	}
	m, err := lattice.Find(ctx, stego, key, workers(o.Workers), o.Progress)
	switch {
	case errors.Is(err, lattice.ErrVersion):
		return nil, nil, ErrOtherVersion
	case errors.Is(err, lattice.ErrNotFound):
		return nil, nil, ErrNothingFound
	case err != nil:
		return nil, nil, err
	}
	r := &RevealReport{
		Method: Lattice, Frames: m.Frames, Arrived: m.Arrived, Map: m.Map, Gain: 20 * math.Log10(math.Abs(m.Gain)),
		Inverted: m.Gain < 0, Offset: m.Offset, Noise: m.Noise, Robust: m.Profile == lattice.Robust,
		Bytes: m.Size, Read: len(m.Payload), complete: len(m.Payload) == m.Size,
	}
	for _, s := range m.Stages {
		r.Stages = append(r.Stages, RevealStage{Bytes: s.Bytes, Blocks: s.Blocks, Arrived: s.Arrived})
	}
	p, info, err := picturesOf(ctx, m, o.Stage)
	if errors.Is(err, codestream.ErrShort) {
		return nil, r, fmt.Errorf("%w: traces of a picture are there, but none of its stages arrived", ErrNothingFound)
	}
	if err != nil {
		return nil, r, fmt.Errorf("the picture in this recording: %w", err)
	}
	r.Width, r.Height, r.Exact = info.Width, info.Height, info.Complete
	return &found{arrived: p, info: info}, r, nil
}

// picturesOf returns the picture that has arrived, and calls show, if it is not nil, for every stage of a message that adds
// something to it.
func picturesOf(
	ctx context.Context, m *lattice.Message, show func(stage int, p *picture.Planes),
) (p *picture.Planes, info codestream.Info, err error) {
	var lengths, stages []int
	end, shown := 0, 0
	for i, s := range m.Stages {
		end += s.Bytes
		arrived := min(end, len(m.Payload))
		if show != nil && arrived > shown {
			lengths, stages = append(lengths, arrived), append(stages, i)
			shown = arrived
		}
	}
	lengths = append(lengths, len(m.Payload))
	made := -1
	err = codestream.Prefixes(ctx, m.Payload, lengths, codestream.DecodeOptions{}, func(i int, v *codestream.View) (err error) {
		if made < 0 || lengths[made] != lengths[i] {
			if p, info, err = v.Picture(ctx, v.Width*v.Height); err != nil {
				return err
			}
			made = i
		}
		if i < len(stages) {
			show(stages[i], p)
		}
		return nil
	})
	return p, info, err
}

// restore has the network restore a picture of which not all has arrived, if that is worth it, and tells whether it did.
func restore(ctx context.Context, p *picture.Planes, info codestream.Info, n int) (*picture.Planes, bool, error) {
	if !restorer.Worth(p, info) {
		return p, false, nil
	}
	network, err := restorer.New()
	if err != nil {
		return nil, false, err
	}
	if p, err = network.Restore(ctx, p, info, restorer.Options{Workers: workers(n)}); err != nil {
		return nil, false, err
	}
	p.Round()
	return p, true, nil
}

func findNetworks(ctx context.Context, stego audio.File) (*found, *RevealReport, error) {
	f, err := networks.Find(ctx, stego)
	switch {
	case errors.Is(err, networks.ErrOtherVersion):
		return nil, nil, ErrOtherVersion
	case errors.Is(err, networks.ErrNothingFound):
		return nil, nil, fmt.Errorf("%w", ErrNothingFound)
	case err != nil:
		return nil, nil, err
	}
	n := f.Report()
	r := &RevealReport{Method: n.Method, Width: n.Width, Height: n.Height, complete: n.Complete()}
	for _, arrived := range n.Arrived {
		r.Stages = append(r.Stages, RevealStage{Blocks: n.Tiles, Arrived: arrived})
		r.Frames += n.Tiles
		r.Arrived += arrived
	}
	return &found{networks: f}, r, nil
}
