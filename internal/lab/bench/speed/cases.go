package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/channel"
	"ditas/internal/cputime"
	"ditas/picture"
)

// task is one thing that is measured.
type task struct {
	name  string // of its benchmark as well
	title string
	group string // heading of its table
	// goal is the most it may take: seconds, or times the seconds of another task where that is named.
	goal   float64
	times  string
	passes float64 // the most passes over the recording that it may take; 0 means any
	// prepare returns the run. It is not measured.
	prepare func(ctx context.Context, in *inputs) (run, error)
}

// run does a task once, telling its progress, and returns how many passes over the recording it took.
type run func(ctx context.Context, progress func()) (passes float64, err error)

// inputs are made when they are needed first, and kept.
type inputs struct {
	covers map[int]*audio.Recording   // by seconds
	photos map[[2]int]*picture.Planes // by width and height
	stegos map[stegoOf]*bytes.Buffer  // files
}

type stegoOf struct {
	method                 string
	seconds, width, height int
}

func newInputs() *inputs {
	return &inputs{map[int]*audio.Recording{}, map[[2]int]*picture.Planes{}, map[stegoOf]*bytes.Buffer{}}
}

func (in *inputs) cover(seconds int) *audio.Recording {
	if in.covers[seconds] == nil {
		in.covers[seconds] = music(seconds, 1)
	}
	return in.covers[seconds]
}

func (in *inputs) photo(width, height int) *picture.Planes {
	size := [2]int{width, height}
	if in.photos[size] == nil {
		in.photos[size] = photo(width, height, 1)
	}
	return in.photos[size]
}

// stego returns a recording with a picture in it, hidden with the method's key.
func (in *inputs) stego(ctx context.Context, of stegoOf) (audio.File, error) {
	b := in.stegos[of]
	if b == nil {
		cover, err := file(in.cover(of.seconds))
		if err != nil {
			return nil, err
		}
		key, err := keyOf(of.method)
		if err != nil {
			return nil, err
		}
		b = &bytes.Buffer{}
		if err := (job{method: of.method, key: key}).hide(ctx, b, cover, in.photo(of.width, of.height)); err != nil {
			return nil, err
		}
		in.stegos[of] = b
	}
	return codec.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

const (
	short = 20  // seconds in which something is to be found
	long  = 180 // seconds in which pictures are hidden
)

// tasks are the tasks of the page, in its order.
func tasks() []*task {
	const finding = "Finding: 20 s of 44.1 kHz stereo"
	untouched := func(r *audio.Recording) *audio.Recording { return r }
	usual := methods()[0].Name
	all := []*task{
		find("FindUntouched", "untouched", usual, 0, "", untouched),
		find("FindCut", "its front cut", usual, 4, "FindUntouched", cut),
		find("FindCutQuieter", "its front cut, and −3 dB", usual, 4, "FindUntouched", func(r *audio.Recording) *audio.Recording {
			return channel.Convert(channel.Gain(cut(r), -3), audio.Int16)
		}),
	}
	for _, m := range methods()[1:] {
		all = append(all, find("FindUntouched/"+m.Name, "untouched, --method "+m.Name, m.Name, 0, "", untouched))
	}
	for _, m := range methods() {
		all = append(all, miss("Innocent/"+m.Name, "an innocent recording, --method "+m.Name, 3, 4, m.Name, false))
	}
	all = append(all,
		miss("Innocent/all", "an innocent recording, every method", 0, 0, "", false),
		miss("WrongPassphrase", "another passphrase", 3, 4, methods()[0].Name, true))
	for _, t := range all {
		t.group = finding
	}
	for _, p := range []struct {
		width, height int
		hide, reveal  float64
	}{{256, 192, 2, 1}, {1024, 768, 3.5, 1.5}, {4032, 3024, 12, 8}} {
		s := size{p.width, p.height}
		all = append(all, hiding("", s, p.hide), revealing("", s, p.reveal))
		for _, m := range methods()[1:] {
			if s.width > 1024 {
				continue // the recording takes no more of them
			}
			all = append(all, hiding(m.Name, s, p.hide), revealing(m.Name, s, p.reveal))
		}
	}
	return all
}

// cut takes the front of a recording away, by no whole number of frames.
func cut(r *audio.Recording) *audio.Recording { return channel.Cut(r, 0, 33333) }

// find looks for what is there, after a change.
func find(name, title, method string, goal float64, times string, change func(*audio.Recording) *audio.Recording) *task {
	return &task{name: name, title: title, goal: goal, times: times,
		prepare: func(ctx context.Context, in *inputs) (run, error) {
			stego, err := in.stego(ctx, stegoOf{method, short, 256, 192})
			if err != nil {
				return nil, err
			}
			r, err := audio.ReadAll(stego)
			if err != nil {
				return nil, err
			}
			f, err := file(change(r))
			if err != nil {
				return nil, err
			}
			key, err := keyOf(method)
			return look(f, job{method: method, key: key}, true), err
		}}
}

// miss looks for what is not there: in an innocent recording, or for another passphrase.
func miss(name, title string, goal, passes float64, method string, hidden bool) *task {
	t := &task{name: name, title: title, goal: goal, passes: passes,
		prepare: func(ctx context.Context, in *inputs) (run, error) {
			key, err := keyOf(method)
			if hidden {
				key, err = other()
			}
			if err != nil {
				return nil, err
			}
			if !hidden {
				f, err := file(in.cover(short))
				return look(f, job{method: method, key: key}, false), err
			}
			f, err := in.stego(ctx, stegoOf{method, short, 256, 192})
			return look(f, job{method: method, key: key}, false), err
		}}
	if goal != 0 {
		t.times = "FindCutQuieter"
	}
	return t
}

// look returns a run that inspects, and wants to find something or not.
func look(f audio.File, j job, want bool) run {
	return func(ctx context.Context, progress func()) (float64, error) {
		c := &counted{File: f}
		j.progress = progress
		found, err := j.inspect(ctx, c)
		if err == nil && found != want {
			err = fmt.Errorf("found something: %t, want %t", found, want)
		}
		return c.passes(), err
	}
}

// size is that of a picture.
type size struct{ width, height int }

// of returns what a task does with the picture, by a method, as a name and as a title.
func (s size) of(does, method string) (name, title string) {
	name, title = fmt.Sprintf("%s/%dx%d", does, s.width, s.height), fmt.Sprintf("%s %d×%d", strings.ToLower(does), s.width, s.height)
	if method != "" {
		name, title = name+"/"+method, title+", --method "+method
	}
	return name, title
}

// hiding hides a picture in a cover, and writes it nowhere.
func hiding(method string, s size, goal float64) *task {
	name, title := s.of("Hide", method)
	return &task{
		name: name, title: title, goal: goal,
		group: "Hiding and revealing: 3 minutes of 44.1 kHz stereo",
		prepare: func(_ context.Context, in *inputs) (run, error) {
			key, err := keyOf(method)
			if err != nil {
				return nil, err
			}
			cover, err := file(in.cover(long))
			secret := in.photo(s.width, s.height)
			return func(ctx context.Context, progress func()) (float64, error) {
				c := &counted{File: cover}
				err := job{method: method, key: key, progress: progress}.hide(ctx, io.Discard, rewriter{c, cover}, secret)
				return c.passes(), err
			}, err
		}}
}

// revealing reveals it.
func revealing(method string, s size, goal float64) *task {
	name, title := s.of("Reveal", method)
	return &task{
		name: name, title: title, goal: goal,
		group: "Hiding and revealing: 3 minutes of 44.1 kHz stereo",
		prepare: func(ctx context.Context, in *inputs) (run, error) {
			key, err := keyOf(method)
			if err != nil {
				return nil, err
			}
			f, err := in.stego(ctx, stegoOf{method, long, s.width, s.height})
			return func(ctx context.Context, progress func()) (float64, error) {
				c := &counted{File: f}
				err := job{method: method, key: key, progress: progress}.reveal(ctx, c)
				return c.passes(), err
			}, err
		}}
}

// counted is a recording that counts what is read of it.
type counted struct {
	audio.File
	frames atomic.Int64
}

func (c *counted) passes() float64 { return float64(c.frames.Load()) / float64(max(1, c.Frames())) }

func (c *counted) Reader() audio.Reader { return &counting{c.File.Reader(), c} }

type counting struct {
	audio.Reader
	file *counted
}

func (c *counting) Read(block [][]float64) (int, error) {
	n, err := c.Reader.Read(block)
	c.file.frames.Add(int64(n))
	return n, err
}

// rewriter is a counted recording that can be written again.
type rewriter struct {
	*counted
	to audio.Rewriter
}

func (r rewriter) Rewrite(dst io.Writer) (audio.Writer, error) { return r.to.Rewrite(dst) }

// measured is what a task took once.
type measured struct {
	seconds, passes float64
	// silent is what it took, in seconds, from the last progress to its end.
	silent float64
}

// measure does a run once.
func measure(ctx context.Context, r run) (measured, error) {
	begin := cputime.Now()
	var last atomic.Int64
	last.Store(int64(begin))
	passes, err := r(ctx, func() { last.Store(int64(cputime.Now())) })
	end := cputime.Now()
	return measured{(end - begin).Seconds(), passes, (end - time.Duration(last.Load())).Seconds()}, err
}

// interrupt cancels a run when it has taken so long, and returns the processor time from there to its end; done tells that it ended
// before.
func interrupt(parent context.Context, r run, after time.Duration) (took time.Duration, done bool, err error) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	var at atomic.Int64
	ended, stopped := make(chan struct{}), make(chan struct{})
	begin := cputime.Now()
	go func() {
		defer close(stopped)
		for cputime.Now() < begin+after {
			select {
			case <-ended:
				return
			case <-time.After(time.Millisecond):
			}
		}
		at.Store(int64(cputime.Now()))
		cancel()
	}()
	_, err = r(ctx, nil)
	end := cputime.Now()
	close(ended)
	<-stopped
	if at.Load() == 0 || time.Duration(at.Load()) > end {
		return 0, true, err
	}
	if errors.Is(err, context.Canceled) {
		err = context.Cause(parent)
	}
	return end - time.Duration(at.Load()), false, err
}
