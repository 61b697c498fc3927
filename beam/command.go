package main

import (
	"bytes"
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

// command has ditas do tasks, by a manifest of its own, and returns what became of as many of them as it came to. It kills it where a file takes longer
// than it may. An error is one of the command line, or of this machine.
func (d *do) command(ctx context.Context, tasks []task) ([]ended, error) {
	folder, err := os.MkdirTemp("", "ditas-beam-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	manifest, results := filepath.Join(folder, "manifest.jsonl"), filepath.Join(folder, "results.jsonl")
	if err := write(manifest, tasks); err != nil {
		return nil, err
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
		return nil, err
	}
	// The system ends the process together with the thread that started it, where it can.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	bind(cmd)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	limit(cmd.Process.Pid, uint64(d.Memory)<<20)
	var late atomic.Bool
	clock := time.AfterFunc(d.Time, func() {
		late.Store(true)
		cmd.Process.Kill()
	})
	defer clock.Stop()
	whole := follow(out, func() {
		began = time.Now()
		clock.Reset(d.Time)
	})
	err = cmd.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	all, missing := read(results)
	switch {
	case len(all) == len(tasks):
		return all, nil
	case whole != nil:
		return nil, whole
	case len(all) > len(tasks) || err == nil:
		return nil, errors.Join(fmt.Errorf("%s gave %d results for %d files", d.Ditas, len(all), len(tasks)), missing)
	}
	why := fmt.Sprintf("%s crashed: %s", name, says.reason(err))
	if late.Load() {
		why = fmt.Sprintf("it took longer than %v", d.Time)
	}
	return append(all, ended{job.Result{
		Job: tasks[len(all)].Job, Exit: job.Failed, Seconds: time.Since(began).Seconds(), Error: why,
	}, true}), nil
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

// read reads results, up to one that is torn. What they tell stays as it was written.
func read(name string) (all []ended, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	for {
		var told json.RawMessage
		e := ended{Result: job.Result{Result: &told}}
		if d.Decode(&e.Result) != nil {
			return all, nil
		}
		if e.Result.Result = told; told == nil {
			e.Result.Result = nil
		}
		all = append(all, e)
	}
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
