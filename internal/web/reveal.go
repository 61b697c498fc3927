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
	"slices"

	"ditas"
	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/intake"
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
	Codec   string   `json:"codec"`   // by which it is compressed after all that, as intake.Codecs names them
}

func (d damage) check() error {
	share := func(v float64) bool { return v >= 0 && v < 1 }
	if !share(d.Cut) || !share(d.Silence) || !(d.Gain >= -40 && d.Gain <= 40) || d.Noise != nil && !(*d.Noise >= -20 && *d.Noise <= 120) ||
		d.Codec != "" && !slices.ContainsFunc(intake.Codecs(), func(c intake.Codec) bool { return c.Name == d.Codec }) {
		return fmt.Errorf("%w: such damage", errRequest)
	}
	return nil
}

// damaging is the phase in which a copy is damaged.
const damaging report.Phase = "damaging"

func (d damage) none() bool {
	return d.Cut == 0 && d.Silence == 0 && d.Noise == nil && d.Gain == 0 && d.Codec == ""
}

// damageBlock is how many samples of a recording are damaged at a time.
const damageBlock = 1 << 16

// span is a stretch of frames, counted from the first of the recording that was given.
type span struct{ from, to int64 }

func (v span) has(frame int64) bool { return frame >= v.from && frame < v.to }

// spans returns which of n frames are taken out, and which of the others are silenced.
func (d damage) spans(n int64) (cut span, silent [2]span) {
	removed := int64(d.Cut * float64(n))
	cut = span{(n - removed) / 2, (n-removed)/2 + removed}
	left := n - removed
	silenced := int64(d.Silence / 2 * float64(left))
	// Both halves of what is left have a pause in their middle, which is on one side of the cut.
	for i := range silent {
		from := int64(i)*(left/2) + (left/2-silenced)/2
		if from >= cut.from {
			from += removed
		}
		silent[i] = span{from, from + silenced}
	}
	return cut, silent
}

// write writes a damaged copy of a recording as a WAV file, the same one every time.
func (d damage) write(ctx context.Context, w io.Writer, f audio.File) error {
	var frames int64
	if err := each(ctx, f, func(_ int64, block [][]float64) error {
		frames += int64(len(block[0]))
		return nil
	}); err != nil {
		return err
	}
	cut, silent := d.spans(frames)
	silence := func(first int64, block [][]float64) {
		for i := range block[0] {
			if at := first + int64(i); silent[0].has(at) || silent[1].has(at) {
				for _, x := range block {
					x[i] = 0
				}
			}
		}
	}
	left := frames - (cut.to - cut.from)
	deviation := 0.0
	if d.Noise != nil {
		var power float64
		if err := each(ctx, f, func(first int64, block [][]float64) error {
			silence(first, block)
			for i := range block[0] {
				if cut.has(first + int64(i)) {
					continue
				}
				for _, x := range block {
					power += x[i] * x[i]
				}
			}
			return nil
		}); err != nil {
			return err
		}
		deviation = math.Sqrt(power/float64(max(1, left*int64(f.Format().Channels)))) * math.Pow(10, -*d.Noise/20)
	}
	out, err := wav.NewWriter(w, f.Format(), left)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 1))
	gain := math.Pow(10, d.Gain/20)
	kept := make([][]float64, f.Format().Channels)
	if err := each(ctx, f, func(first int64, block [][]float64) error {
		silence(first, block)
		for c, x := range block {
			kept[c] = x[:0]
			for i, v := range x {
				if d.Noise != nil {
					v += deviation * rng.NormFloat64()
				}
				if !cut.has(first + int64(i)) {
					kept[c] = append(kept[c], gain*v)
				}
			}
		}
		return out.Write(kept)
	}); err != nil {
		return err
	}
	return out.Close()
}

// each calls do with all there is of a recording, block by block, each beginning with a frame. do may change the block.
func each(ctx context.Context, f audio.File, do func(first int64, block [][]float64) error) error {
	block := audio.NewBlock(f.Format().Channels, max(1, damageBlock/f.Format().Channels))
	part := make([][]float64, len(block))
	r := cancelled{f, ctx}.Reader()
	for first := int64(0); ; {
		n, err := r.Read(block)
		if n == 0 {
			if cut := (*audio.TruncatedError)(nil); err == io.EOF || errors.As(err, &cut) {
				return nil
			}
			return err
		}
		for c := range block {
			part[c] = block[c][:n]
		}
		if err := do(first, part); err != nil {
			return err
		}
		first += int64(n)
	}
}

// revealRequest is what the page asks for.
type revealRequest struct {
	From string `json:"from"` // stego or recording
	secrecy
	Damage damage `json:"damage"`
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
	Picture []byte   `json:"picture"` // nil if what was hidden is none
	PSNR    *float64 `json:"psnr"`
	SaveAs  string   `json:"saveAs"` // the name of what is to be saved
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
	ctx, done, err := s.begin(ctx, "reveal", 0)
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
		var err error
		if f, err = s.damage(ctx, f, q.Damage); err != nil {
			return nil, err
		}
		defer f.release()
		v.Which = damaged
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
		if original == nil || p == nil {
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
	key, err := s.keyOf(ctx, q.secrecy)
	if err != nil {
		return nil, err
	}
	var itself *ditas.File
	p, found, err := ditas.Reveal(ctx, f, key, ditas.RevealOptions{
		Workers: s.handler.workers(), Progress: out.advance, File: func(f *ditas.File) { itself = f },
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
	if p != nil {
		if v.Picture, err = preview(ctx, p); err != nil {
			return nil, err
		}
	}
	v.SaveAs = "revealed.png"
	if itself != nil {
		v.SaveAs = itself.SafeName()
	}
	file, err := s.write(func(w io.Writer) error {
		if itself == nil {
			return p.EncodeContext(ctx, w, picture.PNG, nil)
		}
		_, err := w.Write(itself.Data)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.revealed != nil {
		s.revealed.release()
	}
	s.itself = ""
	if itself != nil {
		s.itself = v.SaveAs
	}
	if s.revealed = file; s.ended {
		file.release()
		s.revealed = nil
	}
	return v, nil
}

// damage makes a damaged copy of a recording the session's, and takes it.
func (s *session) damage(ctx context.Context, f *sound, d damage) (*sound, error) {
	file, err := s.write(func(w io.Writer) error { return d.write(ctx, w, f) })
	if err == nil && d.Codec != "" {
		file, err = s.compress(ctx, file, d.Codec)
	}
	if err != nil {
		return nil, err
	}
	hurt, err := s.openSound(ctx, file, f.as("damaged"))
	if err != nil {
		return nil, err
	}
	s.keep(damaged, hurt)
	return s.take(damaged)
}

// compress returns what a codec makes of a WAV file, which is released. What ffmpeg is given and what it gives back counts as files of the page meanwhile.
func (s *session) compress(ctx context.Context, f *spool, codec string) (*spool, error) {
	defer f.release()
	size, err := f.size()
	if err != nil {
		return nil, err
	}
	defer s.held.Add(-2 * size)
	if s.held.Add(2*size) > s.handler.options.MaxPage {
		return nil, errFull
	}
	return s.write(func(w io.Writer) error { return intake.Compress(ctx, w, f, size, codec) })
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

// getRevealed sends the revealed picture as it is, or the file that was hidden.
func (s *session) getRevealed(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	f, itself := s.revealed, s.itself
	if f != nil {
		f.take()
	}
	s.mu.Unlock()
	if f == nil {
		return errNoPicture
	}
	defer f.release()
	if itself != "" {
		return send(w, r, f, "application/octet-stream", itself) // whatever it is, no browser is to show it as a page of ours
	}
	return send(w, r, f, "image/png", "revealed.png")
}
