package web

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/intake"
	"ditas/internal/parallel"
	"ditas/internal/replace"
	"ditas/report"
)

// session is what one page has in hand.
type session struct {
	handler *Handler
	id      string
	ctx     context.Context
	cancel  context.CancelFunc

	held    atomic.Int64 // bytes of files
	answers atomic.Int64 // bytes that were not taken yet

	mu       sync.Mutex
	ended    bool
	requests int // at once
	lanes    map[string]*lane
	secret   *secret
	sounds   map[string]*sound
	hidden   *image.RGBA // what sounds[stego] holds
	revealed *spool      // the picture as a PNG file, or the file that was hidden
	itself   string      // the name of that, empty if it is the picture
	keys     keyring

	pictures int64 // bytes of secret and hidden; under the handler's lock
}

// Bounds of a page.
const (
	pageRequests = 16       // at once; browsers have 6 connections for all pages
	pageAnswers  = 48 << 20 // bytes of answers that wait for being taken: those of a picture that is revealed, stage by stage, and more
)

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
	cancel context.CancelCauseFunc // of the latest job
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
	if s.revealed != nil {
		s.revealed.release()
	}
	s.sounds, s.secret, s.hidden, s.revealed, s.keys = nil, nil, nil, nil, keyring{}
	s.count()
}

// admit lets a request in, unless there are too many. The context that it returns, and what the client may send and take, ends with the page.
func (s *session) admit(ctx context.Context, client *paced) (_ context.Context, leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return nil, nil, errNoSession
	case s.requests == pageRequests:
		return nil, nil, errCrowded
	}
	s.requests++
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, func() {
		cancel()
		client.end(lastWords)
	})
	return ctx, func() {
		stop() // or the session would keep what has ended
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests--
	}, nil
}

// reserve counts bytes of an answer that waits for being taken, until they are freed, and reports whether there is room for them.
func (s *session) reserve(n int) bool {
	if s.answers.Add(int64(n)) > pageAnswers {
		s.free(n)
		return false
	}
	return true
}

func (s *session) free(n int) { s.answers.Add(-int64(n)) }

// answer sends what was made in memory.
func (s *session) answer(w http.ResponseWriter, content string, b []byte) error {
	if !s.reserve(len(b)) {
		return errCrowded
	}
	defer s.free(len(b))
	w.Header().Set("Content-Type", content)
	w.Write(b)
	return nil
}

// reply sends v as JSON.
func (s *session) reply(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.answer(w, "application/json", append(b, '\n'))
}

// begin starts a job. An earlier one in the same lane is cancelled and waited for, and so is a place among the jobs of all
// sessions. The job ends with done, before anything is sent for which somebody may have to wait, and its context with the request, the session,
// or the next job. The place is free when also what the job gave up has ended. Of jobs with large pictures there is one at a time; pixels is how
// many the picture has that the job is about.
func (s *session) begin(ctx context.Context, name string, pixels int) (_ context.Context, done func(), err error) {
	ctx, end, err := s.enter(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	ctx, wait := parallel.Watch(ctx)
	h := s.handler
	queues := []*queue{h.jobs}
	if pixels > h.options.MaxPixels/largeShare {
		queues = []*queue{h.large, h.jobs}
	}
	var leave []func()
	for _, q := range queues {
		out, err := q.enter(ctx, s)
		if err != nil {
			end()
			for _, out := range leave {
				out()
			}
			return nil, nil, err
		}
		leave = append(leave, out)
	}
	return ctx, sync.OnceFunc(func() {
		end()
		go func() {
			wait()
			for _, out := range leave {
				out()
			}
		}()
	}), nil
}

// largeShare is how many times a picture that is not large is smaller than the largest.
const largeShare = 4

// errReplaced is why a context ended whose lane another one has entered.
var errReplaced = errors.New("replaced")

// enter enters a lane. Who is there is cancelled and waited for.
func (s *session) enter(ctx context.Context, name string) (_ context.Context, leave func(), err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	l := s.lanes[name]
	if l == nil {
		l = &lane{turn: make(chan struct{}, 1)}
		s.lanes[name] = l
	}
	if l.cancel != nil {
		l.cancel(errReplaced)
	}
	l.cancel = cancel
	s.mu.Unlock()
	select {
	case l.turn <- struct{}{}:
		return ctx, func() {
			cancel(nil)
			<-l.turn
		}, nil
	case <-ctx.Done():
		cancel(nil)
		return nil, nil, ctx.Err()
	}
}

// sound is a recording in a file of its own.
type sound struct {
	audio.Rewriter
	file   *spool
	name   string
	hash   []byte // SHA-256 of what was uploaded; nil of what was made here
	format *codec.Format
	given  *codec.Format // what it was, before it became a file that can be written
	lossy  bool          // what was given
	// complaint is what the program that decoded what was given said was wrong with it.
	complaint string
	// damaged is how many frames of what was given could not be read, and altered whether they did not match the checksum in its header, if it became another
	// file.
	damaged int64
	altered bool
	// becomes tells what became of what was given, as report.Hide has it.
	becomes string
	// source is what was given, where its samples are more precise than those of the file that it became; nil elsewhere.
	source audio.File
	holds  *report.Warning       // that something is hidden in it, for whoever is about to hide in it
	cut    *audio.TruncatedError // of what was given, if that became another kind of file, which is whole

	surveying chan struct{} // takes one

	mu      sync.Mutex
	surveys map[string]*ditas.Survey // by the key of a way
}

// release is for whoever has taken it, or keeps it.
func (f *sound) release() { f.file.release() }

// Lossy reports whether what was given was compressed with loss.
func (f *sound) Lossy() bool { return f.lossy }

// Unrounded returns what was given, if its samples are more precise, or nil.
func (f *sound) Unrounded() audio.File { return f.source }

// Unwrap returns the recording in the file.
func (f *sound) Unwrap() audio.File { return f.Rewriter }

// Mend returns the sound itself, which is silent where it is damaged.
func (f *sound) Mend() audio.Mended { return f }

// Damaged returns how many frames have turned out to be damaged, also of what was given.
func (f *sound) Damaged() int64 {
	n := f.damaged
	if mended := audio.Mend(f.Rewriter); mended != nil {
		n += mended.Damaged()
	}
	return n
}

// Altered reports whether the samples, also of what was given, turned out not to match a checksum.
func (f *sound) Altered() bool { return f.altered || audio.Altered(f.Rewriter) }

// Complaint returns what the program that decoded what was given said was wrong with it.
func (f *sound) Complaint() string { return f.complaint }

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
	f.file.take()
	return f, nil
}

// spool is a temporary file of a page.
type spool struct {
	*replace.Temporary
	page  *session
	bytes int64  // that the page was charged
	other *spool // that is released with it, if there is one
	hash  []byte // SHA-256 of what was uploaded; nil of other files

	mu    sync.Mutex
	users int
}

func (s *session) newSpool() (*spool, error) {
	f, err := replace.NewTemporary(s.handler.options.Temp)
	if err != nil {
		return nil, err
	}
	return &spool{Temporary: f, page: s, users: 1}, nil
}

// take is for one more user.
func (f *spool) take() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users++
}

// release closes the file, of which nothing is left, when nobody uses it.
func (f *spool) release() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users--; f.users > 0 {
		return nil
	}
	f.page.held.Add(-f.bytes)
	if f.other != nil {
		return errors.Join(f.other.release(), f.Close())
	}
	return f.Close()
}

// bounded writes so many bytes to a file, as far as its page may hold them.
type bounded struct {
	*spool
	left int64
}

func (b *bounded) Write(p []byte) (int, error) {
	n := int64(len(p))
	if b.left -= n; b.left < 0 {
		return 0, errGrown
	}
	if b.page.held.Add(n) > b.page.handler.options.MaxPage {
		b.page.held.Add(-n)
		return 0, errFull
	}
	b.bytes += n
	return b.File.Write(p)
}

// size returns the file's length in bytes.
func (f *spool) size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// most is how many bytes a spool has: up to twice as many as an upload, since what was compressed grows.
func (s *session) most() int64 {
	return 2 * max(s.handler.options.MaxRecording, s.handler.options.MaxPicture)
}

// write makes a spool of what content writes.
func (s *session) write(content func(w io.Writer) error) (*spool, error) {
	f, err := s.newSpool()
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(&bounded{f, s.most()}, 1<<16)
	if err := errors.Join(content(w), w.Flush()); err != nil {
		f.release()
		return nil, err
	}
	return f, nil
}

// receive makes a spool of a request's body. An upload in the same lane that is under way is cancelled.
func (s *session) receive(w http.ResponseWriter, r *http.Request, lane string, limit int64) (*spool, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	ctx, leave, err := s.enter(r.Context(), "upload of "+lane)
	if err != nil {
		return nil, err
	}
	defer leave()
	client := http.NewResponseController(w)
	stop := context.AfterFunc(ctx, func() { client.SetReadDeadline(time.Now()) })
	defer stop()
	digest := sha256.New()
	f, err := s.write(func(dst io.Writer) error {
		_, err := io.Copy(cancelledWriter{io.MultiWriter(dst, digest), ctx}, http.MaxBytesReader(w, r.Body, limit))
		return err
	})
	switch {
	case err != nil && (s.ctx.Err() != nil || context.Cause(ctx) == errReplaced):
		return nil, context.Canceled
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errStalled // by which the request's context has ended, too
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	}
	if n, err := f.size(); err != nil || n == 0 {
		f.release()
		return nil, errors.Join(err, errEmpty)
	}
	f.hash = digest.Sum(nil)
	return f, nil
}

// openSound makes a sound of a file, which becomes the sound's. What cannot be written becomes what can be.
func (s *session) openSound(ctx context.Context, f *spool, name string) (*sound, error) {
	hash := f.hash
	v, err := s.decode(ctx, f)
	if err != nil {
		f.release()
		return nil, err
	}
	v.hash = hash
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
	file, letGo, err := s.read(ctx, f, size)
	if err != nil {
		return nil, err
	}
	defer letGo()
	decoded, foreign := file.(*intake.Sound)
	if foreign {
		defer decoded.Close() // it becomes a file of its own
	}
	if file.Format().Channels > maxChannels {
		return nil, errChannels
	}
	given, lossy := givenFormat(file), codec.Lossy(file)
	r, format, err := codec.Cover(file, codec.CoverOptions{})
	if err != nil {
		return nil, err
	}
	becomes := codec.Becomes(r)
	if format == given && !foreign {
		return &sound{
			Rewriter: r, file: f, format: format, given: given, lossy: lossy, becomes: becomes,
			surveying: make(chan struct{}, 1), surveys: map[string]*ditas.Survey{},
		}, nil
	}
	g, cut, err := s.rewrite(ctx, r)
	if err != nil {
		return nil, err
	}
	v, err := s.decode(ctx, g)
	if err != nil {
		g.release()
		return nil, err
	}
	if lossy && !foreign && cut == nil {
		v.source, g.other = file, f
		if before, ok := audio.As[interface{ Unrounded() audio.File }](r); ok { // silent where it is damaged
			v.source = before.Unrounded()
		}
	} else {
		f.release()
	}
	v.given, v.lossy, v.becomes, v.cut, v.complaint = given, lossy, becomes, cut, codec.Complaint(file)
	if mended := audio.Mend(r); mended != nil {
		v.damaged = mended.Damaged()
	}
	v.altered = audio.Altered(r)
	return v, nil
}

// read opens a recording. What ffmpeg is given and what it gives back counts as files of the page until it is let go.
func (s *session) read(ctx context.Context, f *spool, size int64) (file audio.File, letGo func(), err error) {
	if file, err = intake.Recording(f, size); err == nil {
		return file, func() {}, nil
	}
	room := min(s.most(), s.handler.options.MaxPage-s.held.Load()-size)
	if room <= 0 {
		return nil, nil, errFull
	}
	s.held.Add(size + room)
	file, err = intake.ForeignWithin(ctx, f, size, room)
	kept := int64(0)
	if decoded, ok := file.(*intake.Sound); ok && err == nil {
		kept = decoded.Bytes()
	}
	s.held.Add(kept - size - room)
	return file, func() { s.held.Add(-kept) }, err
}

// rewrite makes a spool of a recording that becomes another kind of file. What a FLAC file takes until it is complete is counted as if it were not
// compressed. It tells whether what was given is cut off.
func (s *session) rewrite(ctx context.Context, r audio.Rewriter) (_ *spool, cut *audio.TruncatedError, err error) {
	format, held := r.Format(), s.held.Add
	size := r.Frames() * int64(format.Channels*format.Encoding.Bits()/8)
	if size > s.most() {
		return nil, nil, errGrown
	}
	defer held(-size)
	if held(size) > s.handler.options.MaxPage {
		return nil, nil, errFull
	}
	f, err := s.write(func(w io.Writer) error {
		out, err := r.Rewrite(cancelledWriter{w, ctx})
		if err != nil {
			return err
		}
		reader, block := cancelled{r, ctx}.Reader(), audio.NewBlock(format.Channels, audio.BlockFrames(format.Channels, rewriteBlock))
		for left := r.Frames(); left > 0; {
			n, err := reader.Read(block)
			if err != nil {
				return err
			}
			n = int(min(int64(n), left))
			left -= int64(n)
			part := make([][]float64, len(block))
			for c := range block {
				part[c] = block[c][:n]
			}
			if err := out.Write(part); err != nil {
				return err
			}
		}
		if n, err := reader.Read(block); n == 0 && err != io.EOF && !errors.As(err, &cut) {
			return err
		}
		return out.Close()
	})
	return f, cut, err
}

// rewriteBlock is how many frames of a recording are written at a time.
const rewriteBlock = 1 << 14

// count counts the pictures that the page holds, and reports whether all pages have room for them. The page is to be locked.
func (s *session) count() bool {
	var n int64
	if s.secret != nil {
		n += int64(len(s.secret.pixels.Pix))
	}
	if s.hidden != nil && (s.secret == nil || s.hidden != s.secret.pixels) {
		n += int64(len(s.hidden.Pix))
	}
	h := s.handler
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pictures += n - s.pictures
	s.pictures = n
	return h.pictures <= int64(mostPictures*4)*int64(h.options.MaxPixels)
}

// mostPictures is how many pictures of the largest size all pages hold at most.
const mostPictures = 4

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
	Kind     string  `json:"kind"`              // of the file that is written
	Given    string  `json:"given"`             // of the file that was given
	Becomes  string  `json:"becomes,omitempty"` // what became of that, as report.Hide has it
	Media    string  `json:"media"`             // type of that file
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
		Name: f.name, Kind: f.format.Name(), Given: f.given.Name(), Becomes: f.becomes, Media: f.format.MediaType(), Format: format.String(), Lossy: f.lossy, Rate: format.Rate, Channels: format.Channels,
		Frames: f.Frames(), Seconds: format.Duration(f.Frames()).Seconds(), Bytes: size,
	}, err
}

// as returns the name of a file that was made of the sound.
func (f *sound) as(suffix string) string {
	return fmt.Sprintf("%s-%s%s", strings.TrimSuffix(f.name, path.Ext(f.name)), suffix, f.format.Extension())
}
