// Command speed measures what hiding and revealing cost, in seconds of processor time on one thread, and writes docs/SPEED.md.
//
//	go run -buildvcs=true ./internal/lab/bench/speed
//	go run ./internal/lab/bench/speed -only 'Find|256x192' -out -
//	go test ./internal/lab/bench/speed -run '^$' -bench . -count 6 | benchstat -
//
// All inputs are synthesised, the same every time. Only the public API is called. Processor time hardly depends on what else the
// machine does, but caches and clocks are shared: the page gives the least of some runs.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"ditas/internal/lab/machine"
	"ditas/internal/replace"
)

// mostDelay is how long, in seconds, anything may go on after it is cancelled.
const mostDelay = .1

// results is docs/results/speed.json.
type results struct {
	Build   string   `json:"build"`
	Machine string   `json:"machine"`
	Command string   `json:"command"`
	Rows    []result `json:"rows"`
}

// result is what was measured of a task. Seconds are of processor time, the least of all runs.
type result struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Goal    float64 `json:"goal,omitempty"` // seconds
	Passes  float64 `json:"passes"`
	Most    float64 `json:"mostPasses,omitempty"`
	Silent  float64 `json:"silent"`  // seconds from the last progress to the end
	Moments int     `json:"moments"` // at which it was cancelled
	Delay   float64 `json:"delay"`   // seconds, the longest

	task *task
}

func (r *result) met() string {
	if r.Goal == 0 {
		return "–"
	}
	if r.Seconds <= r.Goal && (r.Most == 0 || r.Passes <= r.Most) {
		return "yes"
	}
	return "no"
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := speed(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}

func speed(ctx context.Context) error {
	runs := flag.Int("runs", 3, "`N` runs of each task")
	moments := flag.Int("moments", 20, "cancel each task at `N` moments")
	only := flag.String("only", "", "measure the tasks that match a regular `expression`, and those they are compared with")
	out := flag.String("out", "docs", "write SPEED.md and results/speed.json to this `folder`; - means the page to standard output")
	flag.Parse()
	if *runs < 1 || *moments < 0 {
		return fmt.Errorf("%d runs and %d moments: want at least 1 and 0", *runs, *moments)
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if *only != "" && *out != "-" {
		return fmt.Errorf("-only measures a part, which is no page: add -out -")
	}
	runtime.GOMAXPROCS(1)
	r := results{
		Build:   machine.Build(),
		Machine: fmt.Sprintf("%s, %s/%s, %s, one thread", machine.Processor(), runtime.GOOS, runtime.GOARCH, runtime.Version()),
		Command: fmt.Sprintf("go run -buildvcs=true ./internal/lab/bench/speed -runs %d -moments %d", *runs, *moments),
	}
	all, in := tasks(), newInputs()
	for _, t := range all {
		if !needed(t, all, wanted) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: ", t.name)
		row, err := t.result(ctx, in, *runs, *moments)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		fmt.Fprintf(os.Stderr, "%.2f s, cancelled within %.3f s\n", row.Seconds, row.Delay)
		r.Rows = append(r.Rows, row)
	}
	r.setGoals()
	var page bytes.Buffer
	r.write(&page)
	if *out == "-" {
		_, err := page.WriteTo(os.Stdout)
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	err = replace.File(filepath.Join(*out, "results", "speed.json"), func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
	if err != nil {
		return err
	}
	return replace.File(filepath.Join(*out, "SPEED.md"), func(w io.Writer) error {
		_, err := page.WriteTo(w)
		return err
	})
}

// needed tells whether a task is wanted, or one that is compared with it.
func needed(t *task, all []*task, wanted *regexp.Regexp) bool {
	if wanted.MatchString(t.name) {
		return true
	}
	for _, other := range all {
		if other.times == t.name && needed(other, all, wanted) {
			return true
		}
	}
	return false
}

// result measures a task some times, and cancels it at moments spread over what it takes.
func (t *task) result(ctx context.Context, in *inputs, runs, moments int) (result, error) {
	row := result{Name: t.name, Most: t.passes, task: t}
	do, err := t.prepare(ctx, in)
	if err != nil {
		return row, err
	}
	for i := range runs {
		runtime.GC()
		m, err := measure(ctx, do)
		if err != nil {
			return row, err
		}
		if i == 0 || m.seconds < row.Seconds {
			row.Seconds, row.Silent = m.seconds, m.silent
		}
		row.Passes = max(row.Passes, m.passes)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range moments {
		share := (float64(i) + rng.Float64()) / float64(moments)
		took, done, err := interrupt(ctx, do, time.Duration(share*row.Seconds*float64(time.Second)))
		if err != nil {
			return row, err
		}
		if !done {
			row.Moments++
			row.Delay = max(row.Delay, took.Seconds())
		}
	}
	return row, ctx.Err()
}

// setGoals makes seconds of the goals that are multiples of what another task takes.
func (r *results) setGoals() {
	seconds := map[string]float64{}
	for _, row := range r.Rows {
		seconds[row.Name] = row.Seconds
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Goal = row.task.goal; row.task.times != "" {
			row.Goal *= seconds[row.task.times]
		}
	}
}

// write writes the page.
func (r *results) write(w *bytes.Buffer) {
	fmt.Fprintf(w, "# Speed\n\nWritten by `%s`: do not edit. The same as JSON: [speed.json](results/speed.json).\n\n", r.Command)
	fmt.Fprintf(w, "Commit %s, measured on %s.\n\n", r.Build, r.Machine)
	fmt.Fprintf(w, `Seconds are of processor time on one thread, garbage collection included, the least of some runs. Recordings and pictures are
synthesised: chords and bursts of noise, and detail at all scales with edges and grain. Passes say how often the recording is read, "silent" how long it
takes from the last report of progress to the end, and the last column how long, at most, a task goes on after it is cancelled: the goal is
%g s at any moment.
`, mostDelay)
	group := ""
	for _, row := range r.Rows {
		if row.task.group != group {
			group = row.task.group
			fmt.Fprintf(w, "\n## %s\n\n", group)
			fmt.Fprintln(w, "| | seconds | goal | met | passes | silent, s | cancelled within, s |")
			fmt.Fprintln(w, "|---|---:|---:|---|---:|---:|---:|")
		}
		goal := "–"
		if row.Goal != 0 {
			goal = fmt.Sprintf("%.2f", row.Goal)
		}
		if t := row.task; t.times != "" {
			goal += fmt.Sprintf(" (%g × %s)", t.goal, r.title(t.times))
		}
		passes := fmt.Sprintf("%.1f", row.Passes)
		if row.Most != 0 {
			passes += fmt.Sprintf(" (at most %g)", row.Most)
		}
		delay := "–"
		if row.Moments > 0 {
			delay = fmt.Sprintf("%.3f (%d moments)", row.Delay, row.Moments)
		}
		fmt.Fprintf(w, "| %s | %.2f | %s | %s | %s | %.2f | %s |\n", row.task.title, row.Seconds, goal, row.met(), passes, row.Silent, delay)
	}
	var late []string
	for _, row := range r.Rows {
		if row.Delay > mostDelay {
			late = append(late, row.task.title)
		}
	}
	switch {
	case len(late) > 0:
		fmt.Fprintf(w, "\nCancelling misses its goal in: %s.\n", strings.Join(late, "; "))
	default:
		fmt.Fprintf(w, "\nCancelling met its goal at every moment that was tried.\n")
	}
}

func (r *results) title(name string) string {
	for _, row := range r.Rows {
		if row.Name == name {
			return row.task.title
		}
	}
	return name
}
