package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"golang.org/x/sync/errgroup"

	"ditas/internal/job"
)

func init() { register.DoFn2x1[context.Context, string, error](&do{}) }

// What may become of a file, which are the names of Beam's counters, too.
const (
	namespace = "ditas"

	done    = "done"
	partly  = "in part"
	nothing = "with nothing found"
	failed  = "failed"
	before  = "done before"
	dead    = "dead before"
	retried = "tried again"
)

var outcomes = []string{done, partly, nothing, failed, before, dead, retried}

// do is the function of the pipeline. It takes lines of a manifest, and writes what became of them as soon as it is known to logs of this worker: the
// results, and the dead letters, which are left alone from then on. Files that were done before are left as they are. An error is one of the work as
// a whole, never one of a single file.
type do struct {
	Work      job.Work
	Out       string // the folder of the logs
	Ditas     string
	Flags     []string
	Processes int
	Chunk     int
	Attempts  int
	Time      time.Duration
	Memory    int // in MiB

	worker        string
	results, dead *job.Log
	counters      map[string]beam.Counter
	group         *errgroup.Group
	within        context.Context // that the group ends
	chunk         []task
	slots         slots

	mu     sync.Mutex
	counts map[string]int64 // since they were told to Beam
}

// task is a job that is to be done, and which attempt at it that will be.
type task struct {
	job.Job
	attempt int
}

// Setup opens the logs.
func (d *do) Setup() (err error) {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	d.worker = fmt.Sprintf("%s-%d", host, os.Getpid())
	if d.results, err = d.open("results"); err != nil {
		return err
	}
	d.dead, err = d.open("dead")
	return err
}

// open opens a log of this worker, which knows what those of all others say.
func (d *do) open(name string) (*job.Log, error) {
	others, err := filepath.Glob(filepath.Join(globbed(d.Out), name+"-*.jsonl"))
	if err != nil {
		return nil, err
	}
	return job.OpenLog(filepath.Join(d.Out, name+"-"+d.worker+".jsonl"), others...)
}

// globbed returns the pattern that a name alone matches.
func globbed(name string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(name)
}

// StartBundle makes ready for lines.
func (d *do) StartBundle(ctx context.Context) {
	d.counters, d.counts, d.chunk = map[string]beam.Counter{}, map[string]int64{}, nil
	for _, name := range outcomes {
		d.counters[name] = beam.NewCounter(namespace, name)
	}
	d.slots = slotsFor(d.Processes)
	d.group, d.within = errgroup.WithContext(ctx)
	d.group.SetLimit(d.Processes)
}

// ProcessElement takes a line.
func (d *do) ProcessElement(ctx context.Context, line string) error {
	return job.Each(strings.NewReader(line), d.Work, func(j job.Job) error {
		if _, is := d.dead.Exit(j); is {
			d.count(dead)
			return nil
		}
		is, err := d.results.Before(j, true)
		if err != nil {
			return err
		}
		if is {
			d.count(before)
			return nil
		}
		d.chunk = append(d.chunk, task{j, 1})
		if len(d.chunk) == d.Chunk {
			d.begin(ctx)
		}
		if d.within.Err() != nil {
			return cmp.Or(d.group.Wait(), d.within.Err())
		}
		return nil
	})
}

// FinishBundle waits until all is done.
func (d *do) FinishBundle(ctx context.Context) error {
	d.begin(ctx)
	err := d.group.Wait()
	d.tell(ctx)
	return err
}

// begin begins the work of a chunk, once there is a process for it.
func (d *do) begin(ctx context.Context) {
	chunk := d.chunk
	d.chunk = nil
	d.group.Go(func() error { return d.all(d.within, chunk) })
	d.tell(ctx)
}

// Teardown closes the logs.
func (d *do) Teardown() error {
	if err := d.results.Close(); err != nil {
		return err
	}
	return d.dead.Close()
}

// all does tasks one after the other. Those that may pass another time come again when all others are done.
func (d *do) all(ctx context.Context, tasks []task) error {
	for len(tasks) > 0 {
		if err := pause(ctx, time.Duration(tasks[0].attempt-1)*time.Second); err != nil {
			return err
		}
		var again []task
		n, err := d.command(ctx, tasks, func(t task, e ended) error {
			if e.Exit == job.Failed {
				// A worker that was given up may have made the file meanwhile.
				if is, err := d.results.Before(t.Job, true); err != nil || is {
					d.count(before)
					return err
				}
			}
			if e.Exit == job.Failed && (e.crashed || passes(e.Error)) && t.attempt < d.Attempts {
				again = append(again, task{t.Job, t.attempt + 1})
				d.count(retried)
				return nil
			}
			e.Attempt, e.Worker = t.attempt, d.worker
			return d.add(e.Result)
		})
		if err != nil {
			return err
		}
		tasks = append(tasks[n:], again...)
	}
	return nil
}

// add writes down what became of a job.
func (d *do) add(r job.Result) error {
	switch r.Exit {
	case 0:
		d.count(done)
	case job.Partly:
		d.count(partly)
	case job.Nothing:
		d.count(nothing)
	default:
		d.count(failed)
		return d.dead.Add(r)
	}
	return d.results.Add(r)
}

// pause waits, unless the work ends meanwhile.
func pause(ctx context.Context, long time.Duration) error {
	select {
	case <-time.After(long):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// passes reports whether an error may not come again: a disk that is full, or one of another machine that was away.
func passes(text string) bool {
	for _, e := range []syscall.Errno{
		syscall.EAGAIN, syscall.EBUSY, syscall.EIO, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOSPC,
		syscall.ECONNRESET, syscall.ETIMEDOUT, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ESTALE,
	} {
		if strings.Contains(text, e.Error()) {
			return true
		}
	}
	return false
}

func (d *do) count(outcome string) {
	d.mu.Lock()
	d.counts[outcome]++
	d.mu.Unlock()
}

// tell tells Beam's counters what was counted.
func (d *do) tell(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for outcome, n := range d.counts {
		d.counters[outcome].Inc(ctx, n)
	}
	clear(d.counts)
}

// slots are how many processes there may be at a time.
type slots chan struct{}

// all of them, of this worker: Beam may give it several bundles at once, by functions that know nothing of each other.
var everyones = struct {
	sync.Mutex
	slots map[int]slots
}{slots: map[int]slots{}}

// slotsFor returns the slots for a number of processes.
func slotsFor(n int) slots {
	everyones.Lock()
	defer everyones.Unlock()
	if everyones.slots[n] == nil {
		everyones.slots[n] = make(slots, n)
	}
	return everyones.slots[n]
}

// acquire waits for a slot.
func (s slots) acquire(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slots) release() { <-s }
