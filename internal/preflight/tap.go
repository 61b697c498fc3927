package preflight

import (
	"sync/atomic"

	"ditas/audio"
)

// Tap is a recording that hears itself being read. One reader at a time may read it from beginning to end until [Tap.Report] is called, and
// any number afterwards.
type Tap struct {
	audio.Rewriter
	listener *listener
	lossy    bool
	next     int64 // the frame up to which the recording was heard
	deaf     atomic.Bool
}

// NewTap returns a Tap of f; lossy says that f is a file of a lossy kind.
func NewTap(f audio.Rewriter, lossy bool) *Tap {
	return &Tap{Rewriter: f, listener: newListener(f.Format()), lossy: lossy}
}

// Reader returns a Reader that has the tap hear what it gives.
func (t *Tap) Reader() audio.Reader { return &tapReader{Reader: t.Rewriter.Reader(), tap: t} }

// Unwrap returns the recording without the ear.
func (t *Tap) Unwrap() audio.File { return t.Rewriter }

// Unrounded returns the recording before it was rounded, in a way that has the tap hear that, or nil if it was not.
func (t *Tap) Unrounded() audio.File {
	f, ok := audio.As[interface{ Unrounded() audio.File }](t.Rewriter)
	if !ok {
		return nil
	}
	before := f.Unrounded()
	if before == nil {
		return nil
	}
	return &unrounded{before, t}
}

type unrounded struct {
	audio.File
	tap *Tap
}

func (u *unrounded) Reader() audio.Reader { return &tapReader{Reader: u.File.Reader(), tap: u.tap} }

// Report tells what the recording is like, as far as it was heard. The tap hears nothing more.
func (t *Tap) Report() *Report {
	t.deaf.Store(true)
	return t.listener.report(t.lossy)
}

// hear hears frames of the recording; it skips frames before t.next, which it has heard.
func (t *Tap) hear(block [][]float64, from int64, n int) {
	if t.deaf.Load() || from > t.next || from+int64(n) <= t.next {
		return
	}
	skip := int(t.next - from)
	for c, x := range block {
		t.listener.add(c, x[skip:n])
	}
	if len(block) == 2 {
		t.listener.compare(block[0][skip:n], block[1][skip:n])
	}
	t.next = from + int64(n)
}

type tapReader struct {
	audio.Reader
	tap *Tap
	at  int64
}

func (r *tapReader) Read(block [][]float64) (int, error) {
	n, err := r.Reader.Read(block)
	r.tap.hear(block, r.at, n)
	r.at += int64(n)
	return n, err
}

func (r *tapReader) SeekFrame(frame int64) error {
	err := r.Reader.SeekFrame(frame)
	if err == nil {
		r.at = frame
	}
	return err
}
