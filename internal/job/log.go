package job

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// The codes that commands end with, besides 0.
const (
	Failed  = 1
	Usage   = 2
	Partly  = 3 // parts of the recording are missing
	Nothing = 4 // was found
)

// Result is what became of a job: a line of a log.
type Result struct {
	Job     Job     `json:"job"`
	Exit    int     `json:"exit"`              // the code that the command ends with that does this alone
	Seconds float64 `json:"seconds,omitempty"` // that it took
	Attempt int     `json:"attempt,omitempty"` // which one this was, from 1 on, where what failed is tried again
	Worker  string  `json:"worker,omitempty"`  // who did it, where there are several
	There   bool    `json:"there,omitempty"`   // the file was there, and nothing was done
	Result  any     `json:"result,omitempty"`  // what the command tells
	Error   string  `json:"error,omitempty"`
	Hint    string  `json:"hint,omitempty"`
}

// Log is a file of results, which only grows: what was done stays done if the machine dies. Of a line that was begun when it did, nothing is read.
type Log struct {
	mu   sync.Mutex
	f    *os.File
	torn bool // the last line has no end
	last map[digest]int
}

// OpenLog opens a log, and makes it if there is none. It knows what others know, too, which may be those of other machines and are left as they are.
func OpenLog(name string, others ...string) (*Log, error) {
	last := map[digest]int{}
	for _, other := range others {
		if err := (&Log{last: last}).learn(other); err != nil {
			return nil, fmt.Errorf("%s: %w", other, err)
		}
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	l := &Log{f: f, last: last}
	if err := l.read(); err != nil {
		f.Close()
		return nil, err
	}
	return l, nil
}

// learn reads what another log has.
func (l *Log) learn(name string) (err error) {
	if l.f, err = os.Open(name); err != nil {
		return err
	}
	defer l.f.Close()
	return l.read()
}

// begins is how every line begins.
const begins = `{"job":`

// read reads what the log has. Lines that are no results are refused, lest a file of another kind grow by mistake, but for those that were torn.
func (l *Log) read() error {
	r := bufio.NewReader(l.f)
	for {
		if begun, _ := r.Peek(len(begins)); !ours(begun) {
			return fmt.Errorf("its lines do not begin with %s, as those of results do", begins)
		}
		line, err := r.ReadBytes('\n')
		l.torn = err == io.EOF && len(line) > 0
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var is struct {
			Job  Job
			Exit int
		}
		if json.Unmarshal(line, &is) == nil {
			l.last[is.Job.digest()] = is.Exit
		}
	}
}

// ours reports whether a line begins as results do, or is one of which no more than a part of that was written.
func ours(begun []byte) bool {
	line, _, _ := bytes.Cut(begun, []byte("\n"))
	return strings.HasPrefix(begins, string(line))
}

// Exit returns the exit code of a job when it was done last; ok tells whether it ever was.
func (l *Log) Exit(j Job) (exit int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	exit, ok = l.last[j.digest()]
	return exit, ok
}

// Before reports whether a job needs not be done: the log, which may be nil, says that it was, or there is what it would write, which the log then says.
// exact says that what is written is called what the job says; else the log alone tells.
func (l *Log) Before(j Job, exact bool) (bool, error) {
	written := j.Out != "" && there(j.Out) && !isAmong(j.Out, j.Inputs())
	if l == nil {
		return written, nil
	}
	exit, ok := l.Exit(j)
	switch {
	case ok && exit == Nothing:
		return true, nil
	case ok && (exit == 0 || exit == Partly) && (written || j.Out == "" || !exact): // which may have another extension
		return true, nil
	case written:
		return true, l.Add(Result{Job: j, There: true})
	}
	return false, nil
}

// there reports whether a name is taken.
func there(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// isAmong reports whether a file is one of others, however they are called.
func isAmong(name string, others []string) bool {
	info, err := os.Stat(name)
	return err == nil && slices.ContainsFunc(others, func(name string) bool {
		other, err := os.Stat(name)
		return err == nil && os.SameFile(info, other)
	})
}

// Add adds a line to the log.
func (l *Log) Add(r Result) error {
	var line bytes.Buffer
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.torn {
		line.WriteByte('\n')
	}
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return err
	}
	// In one piece, so that what is written at once by another process stays apart from it.
	if _, err := l.f.Write(line.Bytes()); err != nil {
		return err
	}
	l.torn = false
	l.last[r.Job.digest()] = r.Exit
	return nil
}

// Close closes the log.
func (l *Log) Close() error { return errors.Join(l.f.Sync(), l.f.Close()) }
