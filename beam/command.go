package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"ditas/internal/job"
)

// ended is what became of a job. It crashed if the process ended with it.
type ended struct {
	job.Result
	crashed bool
}

// command has ditas do tasks, by a manifest of its own, and tells what became of each as soon as it is known; they end in their order. It kills ditas where a
// file takes longer than it may, and returns how many tasks it came to. An error is one of the command line, of this machine, or of tell.
func (d *do) command(ctx context.Context, tasks []task, tell func(t task, e ended) error) (n int, err error) {
	if err := d.slots.acquire(ctx); err != nil {
		return 0, err
	}
	defer d.slots.release()
	folder, err := os.MkdirTemp("", "ditas-beam-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	manifest, results := filepath.Join(folder, "manifest.jsonl"), filepath.Join(folder, "results.jsonl")
	if err := errors.Join(write(manifest, tasks), os.WriteFile(results, nil, 0o600)); err != nil {
		return 0, err
	}
	log, err := os.Open(results)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	told := bufio.NewReader(log)
	var torn []byte // the beginning of a line
	more := func() error {
		for {
			text, err := told.ReadBytes('\n')
			if torn = append(torn, text...); err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if n == len(tasks) {
				return fmt.Errorf("%s gave more than %d results", d.Ditas, n)
			}
			e, err := read(torn)
			if torn = nil; err != nil {
				return fmt.Errorf("%s gave what is no result: %w", d.Ditas, err)
			}
			n++
			if err := tell(tasks[n-1], e); err != nil {
				return err
			}
		}
	}
	name := map[job.Work]string{job.Hide: "hide", job.Reveal: "reveal", job.Inspect: "inspect"}[d.Work]
	// With --json there is a line for each file, and none of the files is done any more once nobody reads them.
	args := slices.Concat([]string{name, "--manifest", manifest, "--results", results, "--json", "--workers", "1"}, d.Flags)
	cmd := exec.CommandContext(ctx, d.Ditas, args...)
	says := &tail{}
	cmd.Stderr = says
	cmd.WaitDelay = 10 * time.Second // a program that ditas has started may outlive it
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	// The system ends the process together with the thread that started it, where it can.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	bind(cmd)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	limit(cmd.Process.Pid, uint64(d.Memory)<<20)
	var late atomic.Bool
	clock := time.AfterFunc(d.Time, func() {
		late.Store(true)
		cmd.Process.Kill()
	})
	defer clock.Stop()
	var wrong error
	whole := follow(out, func() {
		began = time.Now()
		clock.Reset(d.Time)
		if wrong = cmp.Or(wrong, more()); wrong != nil { // which has the files before this one
			cmd.Process.Kill()
		}
	})
	crash := cmd.Wait()
	if ctx.Err() != nil {
		return n, ctx.Err()
	}
	wrong = cmp.Or(wrong, more())
	switch {
	case wrong != nil || n == len(tasks):
		return n, wrong
	case whole != nil:
		return n, whole
	case crash == nil:
		return n, fmt.Errorf("%s gave %d results for %d files", d.Ditas, n, len(tasks))
	}
	why := fmt.Sprintf("%s crashed: %s", name, says.reason(crash))
	if late.Load() {
		why = fmt.Sprintf("it took longer than %v", d.Time)
	}
	n++
	return n, tell(tasks[n-1], ended{
		job.Result{Job: tasks[n-1].Job, Exit: job.Failed, Seconds: time.Since(began).Seconds(), Error: why}, true,
	})
}

// write writes a manifest.
func write(name string, tasks []task) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	for _, t := range tasks {
		if err := e.Encode(t.Job); err != nil {
			return err
		}
	}
	return os.WriteFile(name, text.Bytes(), 0o600)
}

// read reads a line of results. What it tells stays as it was written.
func read(line []byte) (e ended, err error) {
	var told json.RawMessage
	e.Result.Result = &told
	err = json.Unmarshal(line, &e.Result)
	if e.Result.Result = told; told == nil {
		e.Result.Result = nil
	}
	return e, err
}

// follow reads what ditas prints to its end, and calls next whenever a file is done. It returns an error if that says that the command as a whole failed.
func follow(out io.Reader, next func()) (whole error) {
	d := json.NewDecoder(out)
	for {
		var is struct{ File, Error, Hint string }
		if d.Decode(&is) != nil {
			io.Copy(io.Discard, out)
			return whole
		}
		if next(); is.File == "" && is.Error != "" {
			whole = errors.New(strings.TrimSuffix(is.Error+": "+is.Hint, ": "))
		}
	}
}

// tail keeps the end of what was written.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 1 << 16
	t.text = append(t.text, p...)
	if n := len(t.text) - most; n > 0 {
		t.text = t.text[n:]
	}
	return len(p), nil
}

// reason returns why a process ended.
func (t *tail) reason(err error) string {
	for line := range strings.Lines(string(t.text)) {
		for _, begins := range []string{"fatal error: ", "panic: "} {
			if text, ok := strings.CutPrefix(strings.TrimSpace(line), begins); ok {
				return text
			}
		}
	}
	if err == nil {
		return "it ended"
	}
	return err.Error()
}
