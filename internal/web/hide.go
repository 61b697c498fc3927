package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"net/http"
	"os"
	"sync"

	"ditas"
	"ditas/audio"
	"ditas/internal/intake"
	"ditas/internal/passphrase"
	"ditas/metric"
	"ditas/picture"
	"ditas/report"
)

// previewSide bounds the pictures that the page shows, in pixels.
const previewSide = 1024

// secret is the picture to hide.
type secret struct {
	Width, Height int
	pixels        *image.RGBA // a third of what planes take
	preview       []byte      // PNG
	losses        []string    // what was not taken over from its file
	file          *ditas.File // that it was read from; nil if no recording has room for that
	hash          []byte      // SHA-256 of that file

	mu         sync.Mutex
	sizes      [][2]int // of the estimators, the latest last
	estimators []*ditas.Estimator
}

// keptEstimators is how many sizes of a picture are kept in mind.
const keptEstimators = 3

// scaled returns the picture at a size, as it will be hidden.
func (p *secret) scaled(ctx context.Context, width, height int) (*picture.Planes, error) {
	v := picture.FromImage(p.pixels)
	if width != p.Width || height != p.Height {
		var err error
		if v, err = v.ResizeContext(ctx, width, height); err != nil {
			return nil, err
		}
		v.Round()
	}
	v.Losses = p.losses
	return v, nil
}

// estimator returns that of the picture at a size.
func (p *secret) estimator(ctx context.Context, width, height int) (*ditas.Estimator, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	size := [2]int{width, height}
	for i, s := range p.sizes {
		if s == size {
			return p.estimators[i], nil
		}
	}
	v, err := p.scaled(ctx, width, height)
	if err != nil {
		return nil, err
	}
	e, err := ditas.NewEstimator(ctx, v)
	if err != nil {
		return nil, err
	}
	if len(p.sizes) == keptEstimators {
		p.sizes, p.estimators = p.sizes[1:], p.estimators[1:]
	}
	p.sizes, p.estimators = append(p.sizes, size), append(p.estimators, e)
	return e, nil
}

// itself returns the picture's file as it would be hidden, nil if it cannot be.
func (p *secret) itself(scale float64, strip bool) (*ditas.File, error) {
	if p.file == nil || scale != 1 {
		return nil, nil
	}
	if !strip {
		return p.file, nil
	}
	data, err := picture.Strip(p.file.Data)
	if errors.Is(err, picture.ErrUnstripped) { // the pixels alone say nothing
		return nil, nil
	}
	return &ditas.File{Name: p.file.Name, Data: data}, err
}

// putPicture takes the picture to hide.
func (s *session) putPicture(w http.ResponseWriter, r *http.Request) error {
	f, err := s.receive(w, r, "picture", s.handler.options.MaxPicture)
	if err != nil {
		return err
	}
	defer f.release()
	ctx, done, err := s.begin(r.Context(), "picture", 0)
	if err != nil {
		return err
	}
	defer done()
	size, err := f.size()
	if err != nil {
		return err
	}
	p, err := intake.Picture(ctx, f, size, s.handler.options.MaxPixels)
	if err := errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	v := &secret{Width: p.Width, Height: p.Height, losses: p.Losses, hash: f.hash}
	if size <= ditas.MaxFile {
		data := make([]byte, size)
		if _, err := f.ReadAt(data, 0); err != nil {
			return err
		}
		v.file = &ditas.File{Name: r.URL.Query().Get("name"), Data: data}
	}
	if v.preview, err = preview(ctx, p); err != nil {
		return err
	}
	v.pixels = p.Image()
	if err := s.give(v); err != nil {
		return err
	}
	done()
	return s.reply(w, struct {
		Width   int      `json:"width"`
		Height  int      `json:"height"`
		Located bool     `json:"located"` // the file says where the picture was taken
		Losses  []string `json:"losses,omitempty"`
	}{v.Width, v.Height, v.file != nil && picture.Located(v.file.Data), v.losses})
}

// give makes a picture the one to hide, if there is room for it.
func (s *session) give(v *secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return errNoSession
	}
	old := s.secret
	s.secret = v
	if !s.count() {
		s.secret = old
		s.count()
		return errPictures
	}
	return nil
}

// getPicture sends the picture to hide, small enough to look at.
func (s *session) getPicture(w http.ResponseWriter, _ *http.Request) error {
	p, err := s.picture()
	if err != nil {
		return err
	}
	return s.answer(w, "image/png", p.preview)
}

func (s *session) picture() (*secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secret == nil {
		return nil, errNoPicture
	}
	return s.secret, nil
}

func (s *session) deletePicture(w http.ResponseWriter, _ *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = nil
	s.count()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *session) deleteSound(w http.ResponseWriter, r *http.Request) error {
	s.drop(r.PathValue("which"))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// putCover takes the recording to hide in and surveys it for a way of hiding.
func (s *session) putCover(w http.ResponseWriter, r *http.Request) error {
	hiding, err := wayOf(r.URL.Query().Get("method"), r.URL.Query().Get("for"))
	if err != nil {
		return err
	}
	return s.putSound(w, r, cover, func(ctx context.Context, f *sound, out *stream) ([]report.Warning, error) {
		if f.cut != nil {
			return nil, f.cut
		}
		v, err := s.survey(ctx, f, hiding, out.advance)
		if err != nil {
			return nil, err
		}
		f.holds, err = ditas.Holds(ctx, f, ditas.Public())
		return f.warnings(v), err
	})
}

// putRecording takes the recording to reveal from.
func (s *session) putRecording(w http.ResponseWriter, r *http.Request) error {
	return s.putSound(w, r, recording, func(context.Context, *sound, *stream) ([]report.Warning, error) { return nil, nil })
}

// taken is what the page is told about a sound that it gave.
type taken struct {
	described
	Warnings []report.Warning `json:"warnings,omitempty"`
}

// putSound takes a sound, and keeps it if listening to it succeeds.
func (s *session) putSound(
	w http.ResponseWriter, r *http.Request, which string, listen func(context.Context, *sound, *stream) ([]report.Warning, error),
) error {
	file, err := s.receive(w, r, which, s.handler.options.MaxRecording)
	if err != nil {
		return err
	}
	ctx, out := s.newStream(r.Context(), w)
	defer out.close()
	ctx, done, err := s.begin(ctx, which, 0)
	if err != nil {
		file.release()
		out.end(nil, err)
		return nil
	}
	defer done()
	f, err := s.openSound(ctx, file, r.URL.Query().Get("name"))
	if err != nil {
		out.end(nil, err)
		return nil
	}
	warnings, err := listen(ctx, f, out)
	if err != nil {
		f.release()
		out.end(nil, err)
		return nil
	}
	d, err := f.describe()
	s.keep(which, f)
	out.end(taken{d, warnings}, err)
	return nil
}

// hideRequest is what the page asks for.
type hideRequest struct {
	Method string  `json:"method"` // that of the purpose if empty
	For    string  `json:"for"`    // the purpose; the default one if both are empty
	SNR    float64 `json:"snr"`
	Scale  float64 `json:"scale"`
	Strip  bool    `json:"strip"` // what the picture's file says besides its pixels
	secrecy
}

// hideResult is what the page is told of a picture that was hidden.
type hideResult struct {
	*report.Hide
	Original [2]int    `json:"original"`          // size of the picture that was given
	Secret   bool      `json:"secret"`            // there is a passphrase
	Weak     bool      `json:"weak"`              // and it is easy to guess
	KeyFile  *advised  `json:"keyFile,omitempty"` // what is to be said against it
	Cover    described `json:"cover"`
	Stego    described `json:"stego"`
}

// advised is what is wrong, and what to do about it.
type advised struct {
	Text   string `json:"text"`
	Advice string `json:"advice"`
}

// maxRequest bounds requests other than uploads, in bytes.
const maxRequest = 1 << 16

// read reads a request.
func read(w http.ResponseWriter, r *http.Request, v any) error {
	// All of it is read: only then is it noticed when the client goes away.
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errStalled
	}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		err = d.Decode(v)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errRequest, err)
	}
	return nil
}

// postHide hides the picture.
func (s *session) postHide(w http.ResponseWriter, r *http.Request) error {
	var q hideRequest
	if err := read(w, r, &q); err != nil {
		return err
	}
	c, err := choose(q.Method, q.For, q.SNR)
	if err == nil {
		err = checkScale(q.Scale)
	}
	if err == nil && q.Passphrase == "" && c.method.SecretOnly {
		err = errOpen
	}
	if err == nil && q.Passphrase != "" && !c.method.Secret {
		err = fmt.Errorf("%w: %s takes no passphrase", errRequest, c.method.Name)
	}
	if err != nil {
		return err
	}
	p, err := s.picture()
	if err != nil {
		return err
	}
	if q.isKeyFile(p.hash) {
		return intake.ErrKeyIsPicture
	}
	f, err := s.take(cover)
	if err != nil {
		return err
	}
	defer f.release()
	ctx, out := s.newStream(r.Context(), w)
	defer out.close()
	ctx, done, err := s.begin(ctx, "hide", p.Width*p.Height)
	if err != nil {
		out.end(nil, err)
		return nil
	}
	defer done()
	v, err := s.hide(ctx, f, p, c, q, out)
	out.end(v, err)
	return nil
}

func (s *session) hide(ctx context.Context, f *sound, p *secret, c choice, q hideRequest, out *stream) (*hideResult, error) {
	survey, err := s.survey(ctx, f, c.way, out.advance)
	if err != nil {
		return nil, err
	}
	room, err := survey.Capacity(c.strength)
	if err != nil {
		return nil, err
	}
	file, err := p.itself(q.Scale, q.Strip)
	if err != nil {
		return nil, err
	}
	width, height := p.size(q.Scale, room)
	if file != nil && room.TakesFile(p.Width, p.Height, len(file.Data)) {
		width, height = p.Width, p.Height
	} else {
		file = nil
	}
	if width == 0 {
		return nil, noRoom(room)
	}
	v := &hideResult{Original: [2]int{p.Width, p.Height}, Secret: q.Passphrase != "", Weak: q.Passphrase != "" && passphrase.Bits(q.Passphrase) < passphrase.Enough}
	if q.isKeyFile(f.hash) {
		v.KeyFile = &advised{intake.KeyIsCover, intake.KeyIsCoverAdvice}
	}
	key, err := s.keyOf(ctx, q.secrecy)
	if err != nil {
		return nil, err
	}
	hidden, err := p.scaled(ctx, width, height)
	if err != nil {
		return nil, err
	}
	o := ditas.HideOptions{Strength: c.strength, Workers: s.handler.workers(), Progress: out.advance, File: file}
	if file != nil {
		if o.Estimator, err = p.estimator(ctx, width, height); err != nil {
			return nil, err
		}
	}
	written, err := s.write(func(w io.Writer) (err error) {
		v.Hide, err = survey.Hide(ctx, w, hidden, key, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	made, err := s.openSound(ctx, written, f.as("stego"))
	if err != nil {
		return nil, err
	}
	if v.Stego, err = made.describe(); err == nil {
		v.Cover, err = f.describe()
	}
	if err != nil {
		made.release()
		return nil, err
	}
	kept := p.pixels
	if width != p.Width || height != p.Height {
		kept = hidden.Image()
	}
	s.mu.Lock()
	s.hidden = kept
	fits := s.count()
	if !fits || s.ended {
		s.hidden = nil
		s.count()
	}
	s.mu.Unlock()
	if !fits {
		made.release()
		return nil, errPictures
	}
	s.keep(stego, made)
	return v, nil
}

// audibility tells how much of the change an ear model hears.
type audibility struct {
	Moments int `json:"moments"`
	Masked  int `json:"masked"` // moments in which the recording masks the change
	// ODG is the grade that listeners would give the change, from 0, not heard, to −4, very annoying; nil at rates without one.
	ODG *float64 `json:"odg"`
}

// audibilityBlock is how many frames of a recording are compared at a time.
const audibilityBlock = 1 << 14

// getAudibility tells how much of the change an ear model hears.
func (s *session) getAudibility(w http.ResponseWriter, r *http.Request) error {
	a, err := s.take(cover)
	if err != nil {
		return err
	}
	defer a.release()
	b, err := s.take(stego)
	if err != nil {
		return err
	}
	defer b.release()
	ctx, done, err := s.begin(r.Context(), "audibility", 0)
	if err != nil {
		return err
	}
	defer done()
	format := a.Format()
	c, err := metric.NewComparisonWithPEAQ(format.Rate, format.Channels)
	if err != nil {
		return err
	}
	if err := pairs(ctx, a, b, audibilityBlock, c.Add); err != nil {
		return err
	}
	var v audibility
	figures := c.Figures()
	for _, moments := range figures.Moments {
		v.Moments += len(moments)
		for _, m := range moments {
			if m.Mean < 0 {
				v.Masked++
			}
		}
	}
	if p := figures.PEAQ; p != nil && !math.IsNaN(p.ODG) {
		v.ODG = &p.ODG
	}
	done()
	return s.reply(w, v)
}

// alike reports whether two recordings have the same rate and channels.
func alike(a, b audio.File) bool {
	return a.Format().Rate == b.Format().Rate && a.Format().Channels == b.Format().Channels
}

// pairs calls do with stretches of two recordings of one rate and as many channels, so many frames at a time.
func pairs(ctx context.Context, a, b audio.File, frames int, do func(x, y [][]float64) error) error {
	if !alike(a, b) {
		return errors.New("the two recordings are of different formats")
	}
	x, y := audio.NewBlock(a.Format().Channels, frames), audio.NewBlock(a.Format().Channels, frames)
	p, q := a.Reader(), b.Reader()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := p.Read(x)
		m, other := q.Read(y)
		if n = min(n, m); n == 0 {
			if err = errors.Join(err, other); errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		u, v := make([][]float64, len(x)), make([][]float64, len(y))
		for c := range x {
			u[c], v[c] = x[c][:n], y[c][:n]
		}
		if err := do(u, v); err != nil {
			return err
		}
	}
}
