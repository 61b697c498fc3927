package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"ditas/internal/cputime"
)

// BenchmarkSpeed measures the page's tasks, with processor time as a unit of its own.
func BenchmarkSpeed(b *testing.B) {
	in := newInputs()
	for _, t := range tasks() {
		b.Run(t.name, func(b *testing.B) {
			do, err := t.prepare(b.Context(), in)
			if err != nil {
				b.Fatal(err)
			}
			var seconds, passes float64
			for b.Loop() {
				m, err := measure(b.Context(), do)
				if err != nil {
					b.Fatal(err)
				}
				seconds += m.seconds
				passes = m.passes
			}
			b.ReportMetric(seconds/float64(b.N), "cpu-s/op")
			b.ReportMetric(passes, "passes")
		})
	}
}

func TestInterrupt(t *testing.T) {
	spin := func(from context.Context, beyond time.Duration) {
		for until := time.Duration(0); ; {
			if until == 0 && from.Err() != nil {
				until = cputime.Now() + beyond
			}
			if until != 0 && cputime.Now() >= until {
				return
			}
		}
	}
	took, done, err := interrupt(t.Context(), func(ctx context.Context, _ func()) (float64, error) {
		spin(ctx, 50*time.Millisecond)
		return 0, ctx.Err()
	}, 20*time.Millisecond)
	if err != nil || done || took < 50*time.Millisecond {
		t.Errorf("a run that goes on for 50 ms took %v after it was cancelled, done: %t, error: %v", took, done, err)
	}
	_, done, err = interrupt(t.Context(), func(context.Context, func()) (float64, error) { return 0, nil }, time.Hour)
	if err != nil || !done {
		t.Errorf("a run that ends at once: done: %t, error: %v", done, err)
	}
}

func TestPage(t *testing.T) {
	var r results
	for _, task := range tasks() {
		seconds := map[string]float64{"FindUntouched": .5, "FindCutQuieter": 2, "Innocent/lattice": 6.1}[task.name]
		r.Rows = append(r.Rows, result{Name: task.name, Seconds: max(seconds, .01), task: task, Most: task.passes, Passes: 2, Moments: 3, Delay: .01})
	}
	r.Rows[len(r.Rows)-1].Delay = .2
	r.setGoals()
	var page bytes.Buffer
	r.write(&page)
	for _, want := range []string{
		`its front cut, and −3 dB \| 2\.00 \| 2\.00 \(4 × untouched\) \| yes`,
		`--method lattice \| 6\.10 \| 6\.00 .* \| no \| 2\.0 \(at most 4\)`,
		`every method \| 0\.01 \| – \| –`,
		`hide 4032×3024 \| 0\.01 \| 12\.00 \| yes`,
		`misses its goal in: reveal 4032×3024\.`,
	} {
		if !regexp.MustCompile(want).MatchString(page.String()) {
			t.Errorf("the page lacks %s:\n%s", want, page.String())
		}
	}
}

func TestOnlyMeasuresWhatItIsComparedWith(t *testing.T) {
	var names []string
	all := tasks()
	for _, task := range all {
		if needed(task, all, regexp.MustCompile("WrongPassphrase")) {
			names = append(names, task.name)
		}
	}
	if got := strings.Join(names, " "); got != "FindUntouched FindCutQuieter WrongPassphrase" {
		t.Errorf("measured %s", got)
	}
}
