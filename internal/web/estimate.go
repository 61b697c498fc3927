package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/report"
)

// way is a way of hiding: a method, and what the recording is for if that was asked.
type way struct {
	method  ditas.Method
	purpose string
}

// wayOf returns the way of a method and a purpose, of which either may be empty.
func wayOf(method, purpose string) (way, error) {
	m, err := ditas.MethodFor(method, purpose)
	if err != nil {
		return way{}, fmt.Errorf("%w: %w", errRequest, err)
	}
	return way{m, purpose}, nil
}

// key names the way among those that a cover is surveyed for.
func (w way) key() string { return cmp.Or(w.purpose, w.method.Name) }

// choice is how to hide.
type choice struct {
	way
	strength ditas.Strength
}

// choose returns what a form asks for: a way, and an SNR in dB if its method takes one.
func choose(method, purpose string, snr float64) (choice, error) {
	w, err := wayOf(method, purpose)
	if err != nil {
		return choice{}, err
	}
	m := &w.method
	if m.MaxSNR == 0 {
		return choice{way: w}, nil
	}
	if !(snr >= m.MinSNR && snr <= m.MaxSNR) {
		return choice{}, fmt.Errorf("%w: a strength of %g dB", errRequest, snr)
	}
	if snr == m.DefaultSNR {
		return choice{w, ditas.Strength{}}, nil
	}
	return choice{w, ditas.SNR(snr)}, nil
}

// chosen returns what the query of a request asks for.
func chosen(r *http.Request) (choice, error) {
	q := r.URL.Query()
	return choose(q.Get("method"), q.Get("for"), number(r, "snr"))
}

// checkScale returns an error unless a picture's sides can be scaled by a factor.
func checkScale(factor float64) error {
	if !(factor > 0 && factor <= 1) {
		return fmt.Errorf("%w: a scale of %g", errRequest, factor)
	}
	return nil
}

// number returns the number in a form's field, NaN if there is none.
func number(r *http.Request, field string) float64 {
	v, err := strconv.ParseFloat(r.URL.Query().Get(field), 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// survey returns what is known of a cover for a way of hiding. It is found out once, when it is first wanted.
func (s *session) survey(ctx context.Context, f *sound, w way, progress report.Progress) (*ditas.Survey, error) {
	known := func() *ditas.Survey {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.surveys[w.key()]
	}
	if v := known(); v != nil {
		return v, nil
	}
	select {
	case f.surveying <- struct{}{}:
		defer func() { <-f.surveying }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if v := known(); v != nil {
		return v, nil
	}
	writable, err := f.writable(w.method)
	if err != nil {
		return nil, err
	}
	v, err := ditas.NewSurvey(ctx, writable, ditas.SurveyOptions{Method: w.method.Name, For: w.purpose, Workers: s.handler.workers(), Progress: progress})
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.surveys[w.key()] = v
	return v, nil
}

// writable returns the recording as a method writes it: as it is, or where that takes fewer bits as a new file of the same kind.
func (f *sound) writable(m ditas.Method) (audio.File, error) {
	if format := f.Format(); m.MaxBits == 0 || !format.Encoding.IsFloat() && format.Bits() <= m.MaxBits {
		return f, nil
	}
	r, _, err := codec.Cover(f, codec.CoverOptions{Name: "lowered" + f.format.Extension(), Sixteen: true})
	return r, err
}

// postSurvey surveys the cover for a way of hiding, so that estimates are there at once.
func (s *session) postSurvey(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Method string `json:"method"`
		For    string `json:"for"`
	}
	if err := read(w, r, &q); err != nil {
		return err
	}
	hiding, err := wayOf(q.Method, q.For)
	if err != nil {
		return err
	}
	f, err := s.take(cover)
	if err != nil {
		return err
	}
	defer f.release()
	ctx, out := s.newStream(r.Context(), w)
	defer out.close()
	ctx, done, err := s.begin(ctx, "survey", 0)
	if err != nil {
		out.end(nil, err)
		return nil
	}
	defer done()
	v, err := s.survey(ctx, f, hiding, out.advance)
	if err != nil {
		out.end(nil, err)
		return nil
	}
	out.end(surveyed{v.Method(), f.warnings(v)}, nil)
	return nil
}

// surveyed is what the page is told of a cover that was surveyed once more.
type surveyed struct {
	Method   string           `json:"method"`
	Warnings []report.Warning `json:"warnings,omitempty"`
}

// warnings returns what is wrong with the recording as a cover, for a way of hiding that it was surveyed for.
func (f *sound) warnings(v *ditas.Survey) []report.Warning {
	list := v.Warnings()
	if f.holds != nil {
		list = append(list, *f.holds)
	}
	return list
}

// size returns a picture's size scaled by a factor, and down to what there is room for.
func (p *secret) size(factor float64, room *report.Capacity) (width, height int) {
	side := func(n int) int { return max(1, int(math.Round(factor*float64(n)))) }
	return room.Fit(side(p.Width), side(p.Height))
}

// estimate is what is to be expected.
type estimate struct {
	*report.Capacity
	Picture *estimatedPicture `json:"picture,omitempty"`
}

type estimatedPicture struct {
	Width  int `json:"width"` // as it would be hidden; 0 if there is no room at all
	Height int `json:"height"`
	// Need is how many bytes it takes to be exact, and PSNR the quality in dB, 100 if it is. They are missing where a method does not
	// hide bytes.
	Need int      `json:"need,omitempty"`
	PSNR *float64 `json:"psnr,omitempty"`
}

// getEstimate tells how much room there is and how the picture will come back, if there is one.
func (s *session) getEstimate(w http.ResponseWriter, r *http.Request) error {
	c, err := chosen(r)
	if err != nil {
		return err
	}
	factor := number(r, "scale")
	if err := checkScale(factor); err != nil {
		return err
	}
	f, err := s.take(cover)
	if err != nil {
		return err
	}
	defer f.release()
	p, missing := s.picture()
	pixels := 0
	if missing == nil {
		pixels = p.Width * p.Height
	}
	ctx, done, err := s.begin(r.Context(), "estimate", pixels)
	if err != nil {
		return err
	}
	defer done()
	room, err := s.room(ctx, f, c)
	if err != nil {
		return err
	}
	v := estimate{Capacity: room}
	if missing != nil {
		done()
		return s.reply(w, v)
	}
	width, height := p.size(factor, room)
	if p.file != nil && factor == 1 && room.TakesFile(p.Width, p.Height, len(p.file.Data)) {
		e, err := p.estimator(ctx, p.Width, p.Height)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		exact := 100.0
		need := min(e.Bytes(), report.FileBytes(p.Width, p.Height, len(p.file.Data)))
		v.Picture = &estimatedPicture{Width: p.Width, Height: p.Height, Need: need, PSNR: &exact}
		done()
		return s.reply(w, v)
	}
	v.Picture = &estimatedPicture{Width: width, Height: height}
	if width > 0 && room.Bytes > 0 {
		e, err := p.estimator(ctx, width, height)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		psnr, err := e.PSNR(ctx, room.Bytes)
		if err != nil {
			return err
		}
		v.Picture.Need, v.Picture.PSNR = e.Bytes(), &psnr
	}
	done()
	return s.reply(w, v)
}

// room returns what a cover can take.
func (s *session) room(ctx context.Context, f *sound, c choice) (*report.Capacity, error) {
	v, err := s.survey(ctx, f, c.way, nil)
	if err != nil {
		return nil, err
	}
	return v.Capacity(c.strength)
}

// noRoom tells why there is no room for any picture.
func noRoom(room *report.Capacity) error {
	if err := room.Refusal(); err != nil {
		return err
	}
	return errNoRoom
}

// leastPercent is how far the page scales a picture down.
const leastPercent = 5

// getExact tells to how many percent of its sides the picture has to be scaled down, if at all, to come back exactly.
func (s *session) getExact(w http.ResponseWriter, r *http.Request) error {
	c, err := chosen(r)
	if err != nil {
		return err
	}
	f, err := s.take(cover)
	if err != nil {
		return err
	}
	defer f.release()
	p, err := s.picture()
	if err != nil {
		return err
	}
	ctx, done, err := s.begin(r.Context(), "estimate", p.Width*p.Height)
	if err != nil {
		return err
	}
	defer done()
	room, err := s.room(ctx, f, c)
	switch {
	case err != nil:
		return err
	case room.Pixels == 0:
		return noRoom(room)
	case room.Bytes == 0:
		return errInexact
	}
	for percent := 100; percent >= leastPercent; {
		if err := ctx.Err(); err != nil {
			return err
		}
		width, height := p.size(float64(percent)/100, room)
		if width == 0 {
			break
		}
		e, err := p.estimator(ctx, width, height)
		if err != nil {
			return err
		}
		if e.Bytes() <= room.Bytes {
			done()
			return s.reply(w, map[string]int{"percent": percent})
		}
		// A smaller picture takes more bytes a pixel, so this gets there from above.
		scale := float64(width) / float64(p.Width) * math.Sqrt(float64(room.Bytes)/float64(e.Bytes()))
		percent = min(percent-1, int(100*scale))
	}
	return errNeverExact
}
