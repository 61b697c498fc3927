// Package loop takes a training run from step to step: it validates, writes the log, hands out checkpoints, and stops in time so
// that nothing is lost. What is learnt, and how, is the caller's.
package loop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrStopped reports a run that ended before its last step because the context was done or the budget was spent. Its
// state has been handed to Options.Checkpoint.
var ErrStopped = errors.New("training stopped early")

// Options are what a run with records of type R does besides learning.
type Options[R any] struct {
	Log io.Writer // gets a record per LogEvery steps and per validation, as JSON lines
	// Checkpoint is called with the state to be saved at every validation, at the end, and when the run is interrupted.
	Checkpoint func(write func(io.Writer) error) error
	LogEvery   int
	// Progress is called after every step, with a record whose slices are valid until it returns.
	Progress func(R)
	// Budget stops the run after so much time, as an interruption would; 0 means no limit.
	Budget time.Duration
}

// Run is a run with records of type R. Step is the number of steps taken so far and Spent the time that they took; both are kept
// up to date.
type Run[R any] struct {
	Step                 *int
	Spent                *time.Duration
	Steps, ValidateEvery int
	// Advance takes a step, which Step shows afterwards, and returns its record.
	Advance func() (R, error)
	// Stamp notes in a record how long the run has taken.
	Stamp func(r *R, spent time.Duration)
	// Validate adds a validation to a record.
	Validate func(ctx context.Context, r *R) error
	// Logged, if set, is called when a record is due for the log, whether there is one or not.
	Logged func()
	// Write writes a checkpoint.
	Write func(w io.Writer) error
}

// Do takes the remaining steps.
func (r *Run[R]) Do(ctx context.Context, o Options[R]) error {
	begin, spent := time.Now(), *r.Spent
	for *r.Step < r.Steps {
		if ctx.Err() != nil || o.Budget > 0 && time.Since(begin) > o.Budget {
			if err := r.save(o); err != nil {
				return err
			}
			return fmt.Errorf("%w after %d of %d steps", ErrStopped, *r.Step, r.Steps)
		}
		rec, err := r.Advance()
		if err != nil {
			return err
		}
		*r.Spent = spent + time.Since(begin)
		r.Stamp(&rec, *r.Spent)
		validate := *r.Step%r.ValidateEvery == 0 || *r.Step == r.Steps
		if validate {
			// An interruption here must not lose the steps taken, so that it waits for the end.
			if err := r.Validate(context.WithoutCancel(ctx), &rec); err != nil {
				return err
			}
			*r.Spent = spent + time.Since(begin)
		}
		if validate || o.LogEvery > 0 && *r.Step%o.LogEvery == 0 {
			if r.Logged != nil {
				r.Logged()
			}
			if err := write(o.Log, rec); err != nil {
				return err
			}
		}
		if o.Progress != nil {
			o.Progress(rec)
		}
		if validate {
			if err := r.save(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// write adds a line to the log.
func write(w io.Writer, rec any) error {
	if w == nil {
		return nil
	}
	line, err := json.Marshal(rec)
	if err == nil {
		_, err = w.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("training log: %w", err)
	}
	return nil
}

func (r *Run[R]) save(o Options[R]) error {
	if o.Checkpoint == nil {
		return nil
	}
	if err := o.Checkpoint(r.Write); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}
