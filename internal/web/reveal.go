package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"

	"ditas"
	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/channel"
	"ditas/picture"
	"ditas/picture/quality"
	"ditas/report"
)

// damage is what is to happen to a recording before it is revealed. The zero value is nothing.
type damage struct {
	Cut     float64  `json:"cut"`     // share that is taken out of the middle
	Silence float64  `json:"silence"` // share of what is left that is silenced, in two pieces
	Noise   *float64 `json:"noise"`   // dB by which the recording is stronger than the noise that is added
	Gain    float64  `json:"gain"`    // dB
}

func (d damage) check() error {
	share := func(v float64) bool { return v >= 0 && v < 1 }
	if !share(d.Cut) || !share(d.Silence) || !(d.Gain >= -40 && d.Gain <= 40) || d.Noise != nil && !(*d.Noise >= -20 && *d.Noise <= 120) {
		return fmt.Errorf("%w: such damage", errRequest)
	}
	return nil
}

// damaging is the phase in which a copy is damaged.
const damaging report.Phase = "damaging"

func (d damage) none() bool { return d.Cut == 0 && d.Silence == 0 && d.Noise == nil && d.Gain == 0 }

// longestDamaged is the number of samples, 12 minutes of stereo at 44.1 kHz, up to which recordings are damaged: it takes them into
// memory.
const longestDamaged = 1 << 26

// do returns a damaged copy of a recording, the same one every time.
func (d damage) do(ctx context.Context, f audio.File) (*audio.Recording, error) {
	if f.Frames()*int64(f.Format().Channels) > longestDamaged {
		return nil, errTooLong
	}
	rec, err := audio.ReadAll(cancelled{f, ctx})
	var cut *audio.TruncatedError
	if err != nil && !errors.As(err, &cut) {
		return nil, err
	}
	if n := rec.Frames(); d.Cut > 0 {
		removed := int(d.Cut * float64(n))
		rec = channel.Cut(rec, (n-removed)/2, removed)
	}
	if n := rec.Frames(); d.Silence > 0 {
		silenced := int(d.Silence / 2 * float64(n))
		rec = channel.Zero(channel.Zero(rec, (n/2-silenced)/2, silenced), n/2+(n/2-silenced)/2, silenced)
	}
	if d.Noise != nil {
		var power float64
		for _, x := range rec.Samples {
			for _, v := range x {
				power += v * v
			}
		}
		power /= float64(max(1, rec.Frames()*len(rec.Samples)))
		rec = channel.Noise(rec, math.Sqrt(power)*math.Pow(10, -*d.Noise/20), rand.NewPCG(1, 1))
	}
	if d.Gain != 0 {
		rec = channel.Gain(rec, d.Gain)
	}
	return rec, ctx.Err()
}

// writeSound makes a WAV file of a recording in memory.
func (s *session) writeSound(ctx context.Context, rec *audio.Recording, name string) (*sound, error) {
	f, err := s.write(func(w io.Writer) error { return wav.Encode(w, rec) })
	if err != nil {
		return nil, err
	}
	return s.openSound(ctx, f, name)
}

// revealRequest is what the page asks for.
type revealRequest struct {
	From       string `json:"from"` // stego or recording
	Passphrase string `json:"passphrase"`
	Damage     damage `json:"damage"`
}

// revealedStage is the picture up to a stage.
type revealedStage struct {
	Stage   int      `json:"stage"` // from 0
	Picture []byte   `json:"picture"`
	PSNR    *float64 `json:"psnr"` // dB, 100 if exact; nil if the original is not here to compare with
}

// revealResult is what the page is told of a picture that was revealed.
type revealResult struct {
	*report.Reveal
	Picture []byte   `json:"picture"`
	PSNR    *float64 `json:"psnr"`
	// Found tells channel by channel, in mapColumns pieces at most, what share of each was found.
	Found [][]float64 `json:"found"`
	Sound described   `json:"sound"` // what was revealed from
	Which string      `json:"which"`
}

// mapColumns is how finely the map of what was found is drawn.
const mapColumns = 160

// postReveal reveals the picture in a recording, after damaging it if that is wanted.
func (s *session) postReveal(w http.ResponseWriter, r *http.Request) error {
	var q revealRequest
	if err := read(w, r, &q); err != nil {
		return err
	}
	if err := q.Damage.check(); err != nil {
		return err
	}
	if q.From != stego && q.From != recording {
		return errNoSound
	}
	f, err := s.take(q.From)
	if err != nil {
		return err
	}
	defer f.release()
	ctx, out := s.newStream(r.Context(), w)
	defer out.close()
	ctx, done, err := s.begin(ctx, "reveal")
	if err != nil {
		out.end(nil, err)
		return nil
	}
	defer done()
	v, err := s.reveal(ctx, f, q, out)
	out.end(v, err)
	return nil
}

func (s *session) reveal(ctx context.Context, f *sound, q revealRequest, out *stream) (*revealResult, error) {
	v := &revealResult{Which: q.From}
	if q.Damage.none() {
		s.drop(damaged)
	} else {
		out.advance(damaging, 0, 1)
		rec, err := q.Damage.do(ctx, f)
		if err != nil {
			return nil, err
		}
		hurt, err := s.writeSound(ctx, rec, f.as("damaged"))
		if err != nil {
			return nil, err
		}
		s.keep(damaged, hurt)
		v.Which = damaged
		if f, err = s.take(damaged); err != nil {
			return nil, err
		}
		defer f.release()
	}
	var original *picture.Planes
	if q.From == stego {
		s.mu.Lock()
		hidden := s.hidden
		s.mu.Unlock()
		if hidden != nil {
			original = picture.FromImage(hidden)
		}
	}
	compare := func(p *picture.Planes) *float64 {
		if original == nil {
			return nil
		}
		psnr, err := quality.PSNR(original, p)
		if err != nil {
			return nil
		}
		psnr = min(psnr, 100)
		return &psnr
	}
	var failed error
	key, err := keyOf(q.Passphrase)
	if err != nil {
		return nil, err
	}
	p, found, err := ditas.Reveal(ctx, f, key, ditas.RevealOptions{
		Workers: s.handler.workers(), Progress: out.advance,
		Stage: func(i int, p *picture.Planes) {
			b, err := preview(ctx, p)
			failed = errors.Join(failed, err)
			out.send(map[string]revealedStage{"stage": {i, b, compare(p)}})
		},
	})
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	v.Reveal, v.PSNR = found, compare(p)
	if v.Sound, err = f.describe(); err != nil {
		return nil, err
	}
	for _, lane := range found.Map {
		v.Found = append(v.Found, shares(lane, mapColumns))
	}
	found.Map = nil // the page draws it no finer
	if v.Picture, err = preview(ctx, p); err != nil {
		return nil, err
	}
	file, err := s.write(func(w io.Writer) error { return p.EncodeContext(ctx, w, picture.PNG, nil) })
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.revealed != nil {
		s.revealed.release()
	}
	if s.revealed = file; s.ended {
		file.release()
		s.revealed = nil
	}
	return v, nil
}

// preview returns a picture small enough to look at, as PNG.
func preview(ctx context.Context, p *picture.Planes) ([]byte, error) {
	small, err := p.FitContext(ctx, previewSide, previewSide)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = small.EncodeContext(ctx, &b, picture.PNG, nil)
	return b.Bytes(), err
}

// shares returns the share of values that are true in each of n pieces at most.
func shares(v []bool, n int) []float64 {
	n = min(n, len(v))
	s := make([]float64, n)
	for i := range s {
		from, to := i*len(v)/n, (i+1)*len(v)/n
		for _, found := range v[from:to] {
			if found {
				s[i] += 1 / float64(to-from)
			}
		}
		s[i] = math.Round(1000*s[i]) / 1000
	}
	return s
}

// getRevealed sends the revealed picture as it is.
func (s *session) getRevealed(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	f := s.revealed
	if f != nil {
		f.take()
	}
	s.mu.Unlock()
	if f == nil {
		return errNoPicture
	}
	defer f.release()
	return send(w, r, f, "image/png", "revealed.png")
}
