package parallel_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"ditas/internal/parallel"
)

// Every task is done once, by a worker that does nothing else at the time, whatever their numbers.
func TestEach(t *testing.T) {
	for _, workers := range []int{-1, 0, 1, 2, 7} {
		w := parallel.NewWorkers(workers)
		for _, n := range []int{0, 1, 3, 100, 5} { // workers are used again
			done := make([]atomic.Int32, n)
			busy := make([]atomic.Bool, max(1, workers))
			w.Each(n, func(worker, i int) {
				if !busy[worker].CompareAndSwap(false, true) {
					t.Errorf("worker %d has two tasks at once", worker)
				}
				done[i].Add(1)
				busy[worker].Store(false)
			})
			for i := range done {
				if times := done[i].Load(); times != 1 {
					t.Errorf("%d workers: task %d of %d was done %d times", workers, i, n, times)
				}
			}
		}
	}
}

// Tasks that wait for each other end only if there are as many workers as were asked for.
func TestTasksRunAtOnce(t *testing.T) {
	const n = 4
	var begun atomic.Int32
	all := make(chan struct{})
	parallel.Each(n, n, func(_, _ int) {
		if begun.Add(1) == n {
			close(all)
		}
		<-all
	})
	if begun.Load() != n {
		t.Errorf("%d of %d tasks ran", begun.Load(), n)
	}
}

func BenchmarkEach(b *testing.B) {
	w := parallel.NewWorkers(4)
	b.ReportAllocs()
	for b.Loop() {
		w.Each(64, func(int, int) {})
	}
}

// Within gives what the task gives, or does not wait for it when the context has ended.
func TestWithin(t *testing.T) {
	failed := errors.New("failed")
	if err := parallel.Within(t.Context(), func() error { return failed }); err != failed {
		t.Errorf("%v, want the task's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	err := parallel.Within(ctx, func() error {
		cancel()
		<-release // which comes only when Within has returned
		return failed
	})
	close(release)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
	if err := parallel.Within(ctx, func() error { t.Error("begun after the end"); return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for _, ctx := range []context.Context{t.Context(), context.Background()} {
		func() {
			defer func() {
				if recover() != "lost" {
					t.Error("a panic was lost")
				}
			}()
			parallel.Within(ctx, func() error { panic("lost") })
		}()
	}
}

// Who watches a context waits also for what was given up and goes on.
func TestWatch(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ctx, wait := parallel.Watch(ctx)
	wait() // for nothing
	begun, goOn := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	go func() {
		<-begun
		cancel()
	}()
	if err := parallel.Within(ctx, func() error {
		close(begun)
		<-goOn
		ended.Store(true)
		return nil
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if ended.Load() {
		t.Error("the task ended before it was let")
	}
	close(goOn)
	if wait(); !ended.Load() {
		t.Error("the task was not waited for")
	}
}
