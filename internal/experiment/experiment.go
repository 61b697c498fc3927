// Package experiment measures the method "lattice" of package ditas beside what it was built to do, and beside simpler methods.
//
//	report, err := experiment.Lattice(ctx, experiment.Data{Speech: speech, Pictures: thumbnails}, experiment.Options{})
//	err = report.Markdown(w)
//	err = report.Figure(w)
//
// The unit experiment is that of package evaluate: a photograph of 64×64 pixels in 3 × 16,384 samples of 16 kHz speech whose peak
// is at 0.99. Everything is hidden and revealed by the public API, from 16-bit WAV files in memory; what happens to a recording
// on the way is package channel's. The sender never knows the channel's noise.
//
// All randomness has seeds, a recording's dither too, which otherwise comes from the system's random numbers.
package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"ditas/internal/dataset"
	"ditas/internal/parallel"
)

// Side is that of the pictures, in pixels.
const Side = 64

const (
	stage   = 4 * Side * Side // samples of one stage of the unit experiment
	samples = 3 * stage       // of a cover
)

// best is the PSNR in dB that counts for pictures without an error.
const best = 100

// Data is what an experiment is made with.
type Data struct {
	Speech   *dataset.Speech
	Pictures *dataset.Pictures // thumbnails of Side×Side pixels
	Music    *dataset.Speech   // optional: recordings that are not speech
	// Digest identifies speech and pictures, MusicName says where the music is from.
	Digest, MusicName string
}

// Options say how much is measured. The zero value is a good choice.
type Options struct {
	// Pairs limits the pairs of a picture and a clip; 0 means all. Quality and hearing are measured on all of them.
	Pairs int
	// Damaged limits the pairs to whose recordings something happens on the way; 0 means half of all. What takes longest, the
	// comparison with other methods among it, is measured on half of these.
	Damaged int
	// Innocents is the number of recordings with nothing hidden in them that are searched, each under two keys.
	Innocents int
	// Parts limits what is measured; nil means all of [Parts]. Tables of other parts are those of Earlier, if it is set, whose data and
	// pairs have to be the same.
	Parts   []string
	Earlier *Report
	Command string // that gives the same results, for the tables' origins
	Seed    uint64
	Workers int // goroutines; 0 means one per processor
	// Progress, if set, is called after every part of a table, possibly from several goroutines at once.
	Progress func(what string, done, total int)
	// Table, if set, is called when a table is finished.
	Table func(t *Table) error
}

// Report is a result with what it takes to get it again.
type Report struct {
	Data      string `json:"data"`
	Music     string `json:"music,omitempty"`
	Pictures  int    `json:"pictures"`
	Clips     int    `json:"clips"`
	Pairs     int    `json:"pairs"`
	Innocents int    `json:"innocents"`
	Origin
	Tables []*Table `json:"tables"`
	Curves []Curve  `json:"curves"`
}

// Origin is what it takes to get a result again, besides its data.
type Origin struct {
	Seed    uint64  `json:"seed"`
	Build   string  `json:"build"` // the commit
	Machine string  `json:"machine"`
	Minutes float64 `json:"minutes"`
	Command string  `json:"command"`
}

// study is a running experiment.
type study struct {
	ctx      context.Context
	data     Data
	options  Options
	workers  int
	subjects []*subject
	curves   []Curve // if they were measured
}

func newStudy(ctx context.Context, data Data, o Options) *study {
	s := &study{ctx: ctx, data: data, options: o, workers: o.Workers}
	if s.workers < 1 {
		s.workers = runtime.GOMAXPROCS(0)
	}
	return s
}

// origin returns that of what was measured since a time, but for the command.
func (s *study) origin(begin time.Time) Origin {
	return Origin{
		Seed: s.options.Seed, Build: build(), Minutes: time.Since(begin).Minutes(),
		Machine: fmt.Sprintf("%s/%s, %s, %d threads", runtime.GOOS, runtime.GOARCH, runtime.Version(), s.workers),
	}
}

// parts are what an experiment consists of, each of which makes a table.
var parts = []struct {
	name    string
	measure func(s *study) (*Table, error)
}{
	{"quality", (*study).quality}, {"noise", (*study).noise}, {"curves", (*study).compare}, {"loss", (*study).loss},
	{"amplitude", (*study).amplitude}, {"formats", (*study).formats}, {"hearing", (*study).hearing},
	{"uniformity", (*study).uniformity}, {"innocents", (*study).innocents},
}

// build returns the commit that the program was built from, as far as it knows.
func build() string {
	revision, modified := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = s.Value[:min(12, len(s.Value))]
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = " with changes"
			}
		}
	}
	return revision + modified
}

// Parts returns the names of all parts of the experiment, in the order of the page.
func Parts() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// Lattice measures the method on data.
func Lattice(ctx context.Context, data Data, o Options) (*Report, error) {
	begin := time.Now()
	s := newStudy(ctx, data, o)
	if err := s.prepare(); err != nil {
		return nil, err
	}
	r := &Report{
		Data: data.Digest, Music: data.MusicName, Pictures: data.Pictures.Len(), Clips: data.Speech.Len(), Pairs: len(s.subjects),
		Innocents: o.Innocents,
	}
	if e := o.Earlier; e != nil && (e.Data != r.Data || e.Pairs != r.Pairs) {
		return nil, fmt.Errorf("the earlier results are those of %d pairs of data %s, not %d of %s", e.Pairs, e.Data, r.Pairs, r.Data)
	}
	for _, p := range parts {
		if o.Parts != nil && !slices.Contains(o.Parts, p.name) {
			r.takeEarlier(o.Earlier, p.name)
			continue
		}
		began := time.Now()
		t, err := p.measure(s)
		if err != nil {
			return nil, err
		}
		t.Part, t.Origin = p.name, s.origin(began)
		t.Origin.Command = o.Command
		r.Tables = append(r.Tables, t)
		if o.Table != nil {
			if err := o.Table(t); err != nil {
				return nil, err
			}
		}
	}
	if s.curves != nil {
		r.Curves = s.curves
	}
	r.Origin = s.origin(begin)
	r.Command = o.Command
	return r, nil
}

// takeEarlier takes the table of a part from an earlier report, if it has one.
func (r *Report) takeEarlier(e *Report, part string) {
	if e == nil {
		return
	}
	for _, t := range e.Tables {
		if t.Part == part {
			r.Tables = append(r.Tables, t)
			r.Music = cmp.Or(r.Music, e.Music)
			if part == "curves" {
				r.Curves = e.Curves
			}
			if part == "innocents" {
				r.Innocents = e.Innocents
			}
		}
	}
}

// damaged returns the subjects to whose recordings something happens, and few half of them.
func (s *study) damaged() []*subject {
	if n := s.options.Damaged; n > 0 {
		return s.subjects[:min(n, len(s.subjects))]
	}
	return half(s.subjects)
}

func (s *study) few() []*subject { return half(s.damaged()) }

// half returns the first half, rounded up.
func half(all []*subject) []*subject { return all[:(len(all)+1)/2] }

// each calls task for every i in [0, n), on all workers, and joins the errors.
func (s *study) each(what string, n int, task func(i int) error) error {
	errs := make([]error, n)
	var done atomic.Int64
	parallel.Each(s.workers, n, func(_, i int) {
		if errs[i] = s.ctx.Err(); errs[i] == nil {
			errs[i] = task(i)
		}
		if finished := int(done.Add(1)); s.options.Progress != nil {
			s.options.Progress(what, finished, n)
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

// source returns random numbers of the experiment's seed for item i of a purpose.
func (s *study) source(purpose purpose, i int) rand.Source {
	var p rand.PCG
	dataset.Seed(&p, s.options.Seed, int(purpose), i)
	return &p
}

// purpose is what random numbers are for.
type purpose int

const (
	forNoise purpose = iota
	forCurves
	forDither
	forHearing
	forMusic
	forInnocents
	forRobustness
	forSteganalysis
)
