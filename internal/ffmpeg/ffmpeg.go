// Package ffmpeg runs the program of that name, or in its place afconvert of macOS. The former reads and writes what no package here does: AAC and the containers of films, and the
// lossy codecs of experiments. Everything works without it but these.
package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Program is what the program is called.
const Program = "ffmpeg"

// ErrMissing says that the program is not installed.
var ErrMissing = errors.New("the program ffmpeg is not installed; install it (Debian: apt-get install ffmpeg; macOS: brew install ffmpeg; https://ffmpeg.org)")

// Failure is that the program ran and failed.
type Failure struct {
	Said string // its last lines
	Err  error  // as in "exit status 1"
}

func (f *Failure) Error() string { return fmt.Sprintf("%s: %v: %s", Program, f.Err, f.Last()) }

// Unwrap returns how the program ended.
func (f *Failure) Unwrap() error { return f.Err }

// Last returns the last line that the program said.
func (f *Failure) Last() string { return lastLine(f.Said) }

func lastLine(said string) string {
	said = strings.TrimSpace(said)
	return strings.TrimSpace(said[strings.LastIndexByte(said, '\n')+1:])
}

// Find returns where the program is, or an error that wraps [ErrMissing]. As package os/exec does, it takes none from the current folder.
func Find() (path string, err error) {
	path, err = exec.LookPath(Program)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return path, nil
}

// Run runs the program with arguments, on one thread, without standard input. Its error is a *[Failure] if the program fails, or that of ctx.
func Run(ctx context.Context, args ...string) error {
	return run(ctx, io.Discard, "error", nil, args)
}

// RunWith is Run of a program that inherits files, of which the first one is its file descriptor 3. Windows has no such thing. It returns the
// last line that the program said all the same, if it did not fail: it does not of files that are damaged or cut off.
func RunWith(ctx context.Context, inherited []*os.File, args ...string) (said string, err error) {
	var all tail
	err = run(ctx, &all, "error", inherited, args)
	return lastLine(string(all)), err
}

// run is RunWith with what the program says at a level, which also goes to heard.
func run(ctx context.Context, heard io.Writer, level string, inherited []*os.File, args []string) error {
	path, err := Find()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"-nostdin", "-hide_banner", "-v", level, "-threads", "1"}, args...)...)
	cmd.WaitDelay = time.Second
	cmd.ExtraFiles = inherited
	var said tail
	cmd.Stderr = io.MultiWriter(&said, heard)
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &Failure{string(said), err}
	}
	return nil
}

// Version returns how the program calls its version.
func Version(ctx context.Context) (string, error) {
	path, err := Find()
	if err != nil {
		return "", err
	}
	text, err := exec.CommandContext(ctx, path, "-version").Output()
	if err != nil {
		return "", fmt.Errorf("%s -version: %w", Program, err)
	}
	words := strings.Fields(string(text))
	if len(words) < 3 || words[1] != "version" {
		return "", fmt.Errorf("%s -version says %q", Program, string(text[:min(len(text), 100)]))
	}
	return words[2], nil
}

// tail keeps the end of what is written to it.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	const keep = 2000
	*t = append(*t, p...)
	if n := len(*t) - keep; n > 0 {
		*t = bytes.Clone((*t)[n:])
	}
	return len(p), nil
}
