// Package lattice measures the default method, "lattice", beside what it was built to do and beside simpler methods, and writes
// docs/LATTICE.md.
//
//	report, err := lattice.Measure(ctx, experiment.Data{Speech: speech, Pictures: thumbnails}, lattice.Options{})
//	err = report.Markdown(w)
//	err = report.Figure(w)
package lattice

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"

	"ditas"
)

// Options say how much is measured. The zero value is a good choice. Quality and hearing are measured on all pairs, and what takes
// longest, the comparison with other methods among it, on half of those to whose recordings something happens.
type Options struct {
	experiment.Options
	Music     *dataset.Speech // optional: recordings that are not speech
	MusicName string          // says where they are from
	// Innocents is the number of recordings with nothing hidden in them that are searched, each under two keys.
	Innocents int
	// Parts limits what is measured; nil means all of [Parts]. Tables of other parts are those of Earlier, if it is set, whose data and
	// pairs have to be the same.
	Parts   []string
	Earlier *Report
	Command string // that gives the same results, for the tables' origins
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
	experiment.Origin
	Tables []*Table `json:"tables"`
	Curves []Curve  `json:"curves"`
}

// study is a running measurement.
type study struct {
	*experiment.Study
	music         *dataset.Speech // nil if there is none
	innocentCount int
	curves        []Curve // if they were measured
}

// parts are the parts of the experiment. Each makes a table.
var parts = []struct {
	name    string
	measure func(s *study) (*Table, error)
}{
	{"quality", (*study).quality}, {"noise", (*study).noise}, {"curves", (*study).compare}, {"loss", (*study).loss},
	{"audible", (*study).audible},
	{"amplitude", (*study).amplitude}, {"formats", (*study).formats}, {"hearing", (*study).hearing},
	{"uniformity", (*study).uniformity}, {"innocents", (*study).innocents},
}

// Parts returns the names of all parts of the experiment, in the order of the page.
func Parts() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// Measure measures the method on data.
func Measure(ctx context.Context, data experiment.Data, o Options) (*Report, error) {
	begin := time.Now()
	s := &study{Study: experiment.New(ctx, data, o.Options), music: o.Music, innocentCount: o.Innocents}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	r := &Report{
		Data: data.Digest, Music: o.MusicName, Pictures: data.Pictures.Len(), Clips: data.Speech.Len(), Pairs: len(s.Subjects),
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
		t.Part, t.Origin = p.name, s.Origin(began)
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
	r.Origin = s.Origin(begin)
	r.Command = o.Command
	return r, nil
}

// prepare hides the pictures of all subjects.
func (s *study) prepare() error {
	return s.Each("hiding", len(s.Subjects), func(i int) (err error) {
		p := s.Subjects[i]
		p.Stego, err = s.Hide(p.Cover, p.Secret, "", ditas.HideOptions{})
		return err
	})
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

// few returns half of the subjects to whose recordings something happens.
func (s *study) few() []*experiment.Subject { return half(s.Damaged()) }

// half returns the first half, rounded up.
func half(all []*experiment.Subject) []*experiment.Subject { return all[:(len(all)+1)/2] }
