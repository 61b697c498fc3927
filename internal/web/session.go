package web

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/intake"
	"ditas/picture"
)

// session is what one page has in hand.
type session struct {
	handler *Handler
	id      string
	ctx     context.Context
	cancel  context.CancelFunc

	mu       sync.Mutex
	ended    bool
	lanes    map[string]*lane
	secret   *secret
	sounds   map[string]*sound
	hidden   *picture.Planes // what sounds[stego] holds
	revealed *picture.Planes
	keys     keyring
}

// The sounds of a session.
const (
	cover     = "cover"
	stego     = "stego"
	recording = "recording" // to reveal from
	damaged   = "damaged"
)

// lane is work of one kind, of which there is one job at a time.
type lane struct {
	turn   chan struct{}
	cancel context.CancelFunc // of the latest job
}

func (h *Handler) newSession(ctx context.Context) (*session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.sessions) >= h.options.Sessions {
		return nil, errBusy
	}
	s := &session{handler: h, id: rand.Text(), lanes: map[string]*lane{}, sounds: map[string]*sound{}}
	var cancel context.CancelFunc
	s.ctx, cancel = context.WithCancel(ctx)
	stop := context.AfterFunc(h.ctx, cancel)
	s.cancel = func() {
		stop() // or the handler would keep what has ended
		cancel()
	}
	h.sessions[s.id] = s
	return s, nil
}

// end cancels the session's work and lets go of its files.
func (s *session) end() {
	s.cancel()
	s.handler.mu.Lock()
	delete(s.handler.sessions, s.id)
	s.handler.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for _, f := range s.sounds {
		f.release()
	}
	s.sounds, s.secret, s.hidden, s.revealed, s.keys = nil, nil, nil, nil, keyring{}
}

// begin starts a job. An earlier one in the same lane is cancelled and waited for, and so is a place among the jobs of all
// sessions. The job ends with done, and its context with the request, the session, or the next job.
func (s *session) begin(ctx context.Context, name string) (_ context.Context, done func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	s.mu.Lock()
	l := s.lanes[name]
	if l == nil {
		l = &lane{turn: make(chan struct{}, 1)}
		s.lanes[name] = l
	}
	if l.cancel != nil {
		l.cancel()
	}
	l.cancel = cancel
	s.mu.Unlock()
	held := 0
	done = func() {
		stop() // or the session would keep what has ended
		cancel()
		if held > 1 {
			<-s.handler.jobs
		}
		if held > 0 {
			<-l.turn
		}
	}
	for _, places := range []chan struct{}{l.turn, s.handler.jobs} {
		select {
		case places <- struct{}{}:
			held++
		case <-ctx.Done():
			done()
			return nil, nil, ctx.Err()
		}
	}
	if err := ctx.Err(); err != nil {
		done()
		return nil, nil, err
	}
	return ctx, done, nil
}

// sound is a recording in a file of its own.
type sound struct {
	audio.Rewriter
	file   *spool
	name   string
	format *codec.Format
	given  *codec.Format // what it was, before it became a file that can be written

	surveying chan struct{} // takes one

	mu      sync.Mutex
	users   int
	surveys map[string]*ditas.Survey // by the key of a way
}

// Given returns the format that the recording had.
func (f *sound) Given() *codec.Format { return f.given }

// keep puts a sound into the session in place of the one that was there.
func (s *session) keep(which string, f *sound) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		f.release()
		return
	}
	if old := s.sounds[which]; old != nil {
		old.release()
	}
	s.sounds[which] = f
}

// drop takes a sound out of the session.
func (s *session) drop(which string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.sounds[which]; old != nil {
		old.release()
		delete(s.sounds, which)
	}
}

// take returns a sound of the session, to be released.
func (s *session) take(which string) (*sound, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.sounds[which]
	if f == nil {
		return nil, errNoSound
	}
	f.mu.Lock()
	f.users++
	f.mu.Unlock()
	return f, nil
}

// release closes the file when nobody uses it.
func (f *sound) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users--; f.users < 0 {
		f.file.Close()
	}
}

// spool is a temporary file. It has no name where the system allows that.
type spool struct {
	*os.File
	named bool
}

func (s *session) newSpool() (*spool, error) {
	f, err := os.CreateTemp(s.handler.dir, "")
	if err != nil {
		return nil, err
	}
	return &spool{f, os.Remove(f.Name()) != nil}, nil
}

// Close closes the file, of which nothing is left.
func (f *spool) Close() error {
	err := f.File.Close()
	if f.named {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// bounded is a Writer that takes so many bytes.
type bounded struct {
	io.Writer
	left int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errGrown
	}
	return b.Writer.Write(p)
}

// size returns the file's length in bytes.
func (f *spool) size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// write makes a spool of what content writes, which may be up to twice as much as an upload: what was compressed grows.
func (s *session) write(content func(w io.Writer) error) (*spool, error) {
	f, err := s.newSpool()
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(&bounded{f, 2 * max(s.handler.options.MaxRecording, s.handler.options.MaxPicture)}, 1<<16)
	if err := errors.Join(content(w), w.Flush()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// receive makes a spool of a request's body.
func (s *session) receive(w http.ResponseWriter, r *http.Request, limit int64) (*spool, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	f, err := s.write(func(dst io.Writer) error {
		_, err := io.Copy(dst, http.MaxBytesReader(w, r.Body, limit))
		return err
	})
	if err != nil {
		return nil, err
	}
	if n, err := f.size(); err != nil || n == 0 {
		f.Close()
		return nil, errors.Join(err, errEmpty)
	}
	return f, nil
}

// openSound makes a sound of a file, which becomes the sound's. What cannot be written becomes what can be.
func (s *session) openSound(ctx context.Context, f *spool, name string) (*sound, error) {
	v, err := s.decode(ctx, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	v.name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if v.name == "." || v.name == "/" {
		v.name = "recording" + v.format.Extension()
	}
	return v, nil
}

// givenFormat returns the format of what somebody gave.
func givenFormat(file audio.File) *codec.Format {
	if decoded, ok := file.(*intake.Sound); ok {
		return decoded.Given()
	}
	f, _ := codec.Of(file)
	return f
}

// maxChannels is that of recordings in which anything can be hidden. What is drawn and played takes memory for each of them.
const maxChannels = 64

func (s *session) decode(ctx context.Context, f *spool) (*sound, error) {
	size, err := f.size()
	if err != nil {
		return nil, err
	}
	file, err := intake.Foreign(ctx, f, size)
	if err != nil {
		return nil, err
	}
	if decoded, ok := file.(*intake.Sound); ok {
		defer decoded.Close() // it becomes a file of its own
	}
	if file.Format().Channels > maxChannels {
		return nil, errChannels
	}
	given := givenFormat(file)
	r, format, err := codec.Cover(file, codec.CoverOptions{})
	if err != nil {
		return nil, err
	}
	if format == given {
		return &sound{
			Rewriter: r, file: f, format: format, given: given, surveying: make(chan struct{}, 1), surveys: map[string]*ditas.Survey{},
		}, nil
	}
	g, err := s.write(func(w io.Writer) error {
		out, err := r.Rewrite(cancelledWriter{w, ctx})
		if err != nil {
			return err
		}
		return out.Close()
	})
	if err != nil {
		return nil, err
	}
	v, err := s.decode(ctx, g)
	if err != nil {
		g.Close()
		return nil, err
	}
	f.Close()
	v.given = given
	return v, nil
}

// cancelledWriter cannot be written to any longer when a context ends.
type cancelledWriter struct {
	io.Writer
	ctx context.Context
}

func (w cancelledWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

// cancelled is a File that cannot be read any longer when a context ends.
type cancelled struct {
	audio.File
	ctx context.Context
}

func (c cancelled) Reader() audio.Reader { return cancelledReader{c.File.Reader(), c.ctx} }

type cancelledReader struct {
	audio.Reader
	ctx context.Context
}

func (r cancelledReader) Read(block [][]float64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(block)
}

// described is what the page is told about a sound.
type described struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind"`  // of the file that is written
	Given    string  `json:"given"` // of the file that was given
	Format   string  `json:"format"`
	Lossy    bool    `json:"lossy"` // the file that was given
	Rate     int     `json:"rate"`
	Channels int     `json:"channels"`
	Frames   int64   `json:"frames"`
	Seconds  float64 `json:"seconds"`
	Bytes    int64   `json:"bytes"`
}

func (f *sound) describe() (described, error) {
	size, err := f.file.size()
	format := f.Format()
	return described{
		Name: f.name, Kind: f.format.Name(), Given: f.given.Name(), Format: format.String(), Lossy: f.given.Lossy(), Rate: format.Rate, Channels: format.Channels,
		Frames: f.Frames(), Seconds: format.Duration(f.Frames()).Seconds(), Bytes: size,
	}, err
}

// as returns the name of a file that was made of the sound.
func (f *sound) as(suffix string) string {
	return fmt.Sprintf("%s-%s%s", strings.TrimSuffix(f.name, path.Ext(f.name)), suffix, f.format.Extension())
}
