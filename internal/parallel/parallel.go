// Package parallel divides independent tasks among goroutines, so that results do not depend on how many there are:
//
//	parallel.Each(workers, len(rows), func(worker, i int) { rows[i] = compute(scratch[worker], i) })
package parallel

import (
	"context"
	"sync"
	"sync/atomic"
)

// Workers divide tasks among goroutines. They must not be used by two goroutines at once.
type Workers struct {
	next atomic.Int64
	n    int
	task func(worker, i int)
	done sync.WaitGroup
	run  []func() // one for each goroutine besides the caller's
}

// NewWorkers returns n workers, at least one.
func NewWorkers(n int) *Workers {
	w := &Workers{}
	for i := 1; i < n; i++ {
		w.run = append(w.run, func() {
			w.work(i)
			w.done.Done()
		})
	}
	return w
}

// Each calls task(worker, i) once for every i in [0, n); each worker takes the next i as it becomes free. Results do not
// depend on the number of workers if what task(·, i) writes belongs to i. Each allocates nothing.
func (w *Workers) Each(n int, task func(worker, i int)) {
	w.n, w.task = n, task
	w.next.Store(0)
	helping := w.run[:max(0, min(len(w.run), n-1))]
	w.done.Add(len(helping))
	for _, run := range helping {
		go run()
	}
	w.work(0)
	w.done.Wait()
	w.task = nil
}

func (w *Workers) work(worker int) {
	for i := int(w.next.Add(1)) - 1; i < w.n; i = int(w.next.Add(1)) - 1 {
		w.task(worker, i)
		Yield()
	}
}

// Each is [Workers.Each] for a single use.
func Each(workers, n int, task func(worker, i int)) { NewWorkers(min(workers, n)).Each(n, task) }

// Watch returns a context of which wait waits for all that [Within] was given it for, also for what goes on by itself.
func Watch(ctx context.Context) (watched context.Context, wait func()) {
	var all sync.WaitGroup
	return context.WithValue(ctx, watching{}, &all), all.Wait
}

// watching is the key of the WaitGroup of a context that is watched.
type watching struct{}

// Within runs do and returns its error when it returns, or at once ctx's when ctx ends. do then goes on by itself, as what cannot be told to
// stop does, and nobody may look at what it writes. If it panics, so does Within.
func Within(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Done() == nil {
		return do()
	}
	type outcome struct {
		err      error
		panicked any
	}
	end := make(chan outcome, 1)
	all, watched := ctx.Value(watching{}).(*sync.WaitGroup)
	if watched {
		all.Add(1)
	}
	go func() {
		if watched {
			defer all.Done()
		}
		var o outcome
		defer func() {
			o.panicked = recover()
			end <- o
		}()
		o.err = do()
	}()
	select {
	case o := <-end:
		if o.panicked != nil {
			panic(o.panicked)
		}
		return o.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
