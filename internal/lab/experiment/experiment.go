// Package experiment is what all experiments on hiding share: the data, pairs of a picture and a clip, random numbers that have seeds, the
// hiding and revealing, and what counts as a good picture.
//
//	s := experiment.New(ctx, experiment.Data{Speech: speech, Pictures: thumbnails}, experiment.Options{Seed: 1})
//	outcomes := make([]experiment.Outcome, len(s.Subjects))
//	err := s.Each("hiding", len(s.Subjects), func(i int) error {
//		p := s.Subjects[i]
//		stego, err := s.Hide(p.Cover, p.Secret, "", ditas.HideOptions{})
//		if err == nil {
//			outcomes[i], err = s.Revealed(p.Secret, stego)
//		}
//		return err
//	})
//
// Each experiment is a package of its own in a folder here, which measures, writes its page and draws its figures: lattice, table1, figures,
// claims, variants, robustness, durable and steganalysis. Package results makes one page of what they found. They share the methods that are
// compared, in package contender, the measures of what is missing of a picture, in package residual, and what figures are drawn with, in
// package drawing.
//
// The unit experiment is as in package evaluate: a photograph of 64×64 pixels in 3 × 16,384 samples of 16 kHz speech whose peak
// is at 0.99. Everything is hidden and revealed by the public API, from 16-bit WAV files in memory; what happens to a recording
// on the way is package channel's. The sender never knows the channel's noise.
//
// All randomness has seeds, a recording's dither too, which otherwise comes from the system's random numbers.
package experiment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/machine"
	"ditas/internal/parallel"
)

// Side is the side of the pictures, in pixels.
const Side = 64

// Stages is how many subsequences the unit experiment hides a picture in, and Stage and Samples the samples of one and of a cover.
const (
	Stages  = 3
	Stage   = 4 * Side * Side
	Samples = Stages * Stage
)

// Data is what an experiment is made with.
type Data struct {
	Speech   *dataset.Speech
	Pictures *dataset.Pictures // thumbnails of Side×Side pixels
	Digest   string            // identifies both
}

// Options say how much is measured. The zero value is a good choice.
type Options struct {
	// Pairs limits the pairs of a picture and a clip; 0 means all.
	Pairs int
	// Damaged limits the pairs to whose recordings something happens on the way, where that takes longer than hiding; 0 means half of all.
	Damaged int
	Seed    uint64
	Workers int // goroutines; 0 means one per processor
	// Progress, if set, is called after every part of a measurement, possibly from several goroutines at once.
	Progress func(what string, done, total int)
}

// Origin is what it takes to get a result again, besides its data.
type Origin struct {
	Seed    uint64  `json:"seed"`
	Build   string  `json:"build"` // the commit
	Machine string  `json:"machine"`
	Minutes float64 `json:"minutes"`
	Command string  `json:"command"`
}

// Study is a running experiment.
type Study struct {
	Options  Options // Workers is the number of goroutines
	Data     Data
	Subjects []*Subject
	ctx      context.Context
}

// New returns a study of all pairs that the options allow, with nothing hidden yet. Without data it has none, and hides what it is given.
func New(ctx context.Context, data Data, o Options) *Study {
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	s := &Study{Options: o, Data: data, ctx: ctx}
	if data.Pictures == nil {
		return s
	}
	pairs := dataset.Pairs(data.Pictures.Len(), data.Speech.Len())
	if o.Pairs > 0 {
		pairs = pairs[:min(o.Pairs, len(pairs))]
	}
	for _, pair := range pairs {
		s.Subjects = append(s.Subjects, s.subject(pair))
	}
	return s
}

// Context returns the study's context. When it ends, everything that the study does ends.
func (s *Study) Context() context.Context { return s.ctx }

// Origin returns the origin of what was measured since a time, without the command.
func (s *Study) Origin(begin time.Time) Origin {
	return Origin{
		Seed: s.Options.Seed, Build: machine.Build(), Minutes: time.Since(begin).Minutes(),
		Machine: fmt.Sprintf("%s/%s, %s, %d threads", runtime.GOOS, runtime.GOARCH, runtime.Version(), s.Options.Workers),
	}
}

// Damaged returns the subjects whose recordings are damaged, limited by the options.
func (s *Study) Damaged() []*Subject {
	n := s.Options.Damaged
	if n == 0 {
		n = (len(s.Subjects) + 1) / 2
	}
	return s.Subjects[:min(n, len(s.Subjects))]
}

// Each calls task for every i in [0, n), on all workers, and joins the errors.
func (s *Study) Each(what string, n int, task func(i int) error) error {
	errs := make([]error, n)
	var done atomic.Int64
	parallel.Each(s.Options.Workers, n, func(_, i int) {
		if errs[i] = s.ctx.Err(); errs[i] == nil {
			errs[i] = task(i)
		}
		if finished := int(done.Add(1)); s.Options.Progress != nil {
			s.Options.Progress(what, finished, n)
		}
	})
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Source returns random numbers of the experiment's seed for item i of a purpose.
func (s *Study) Source(purpose Purpose, i int) rand.Source {
	var p rand.PCG
	dataset.Seed(&p, s.Options.Seed, int(purpose), i)
	return &p
}

// Purpose is what random numbers are for. Every use has its own, which no other experiment may draw from.
type Purpose int

const (
	ForNoise Purpose = iota
	ForCurves
	ForDither
	ForHearing
	ForMusic
	ForInnocents
	ForRobustness
	ForSteganalysis
	ForDurable
	ForCovers
)
