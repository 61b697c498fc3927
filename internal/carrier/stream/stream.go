// Package stream hides pictures by means of a carrier of bytes: it codes a picture as an embedded stream, where every prefix decodes
// (package codestream), has the carrier hide as much of the stream as there is room for, and makes the best of what comes back.
package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/codestream"
	"ditas/internal/keystream"
	"ditas/internal/model/restorer"
	"ditas/internal/parallel"
	"ditas/picture"
	"ditas/picture/quality"
	"ditas/report"
)

// mostReplans is how often less is hidden because a cover does not give back what it seemed to have room for, and leastPayload how many bytes that
// may be: of fewer nobody makes a picture.
const (
	mostReplans  = 12
	leastPayload = 16
)

// Of returns the method that hides pictures by a carrier. name is what reports call it.
func Of(name string, c carrier.Carrier) carrier.Method { return &method{name, c} }

type method struct {
	name    string
	carrier carrier.Carrier
}

func (m *method) Survey(ctx context.Context, cover audio.File, o carrier.Options) (carrier.PictureSurvey, error) {
	s, err := m.carrier.Survey(ctx, cover, o)
	if err != nil {
		return nil, err
	}
	return &survey{m.name, s}, nil
}

func (m *method) Find(ctx context.Context, stego *carrier.Host, key keystream.Key, o carrier.Options) (carrier.FoundPicture, error) {
	f, err := m.carrier.Find(ctx, stego, key, o)
	if err != nil {
		return nil, err
	}
	return &found{m.name, f}, nil
}

type survey struct {
	name  string
	bytes carrier.Survey
}

func (s *survey) Capacity(strength carrier.Strength) *report.Capacity {
	room := s.bytes.Room(strength)
	c := &report.Capacity{
		Method: s.name, Duration: room.Cover, Usable: room.Cover, Least: room.Least, Bytes: room.Bytes, Robust: room.Robust,
		Pixels: int(min(report.MostPixels(8*float64(room.Bytes)), math.MaxInt32)), Tile: 1, SNR: room.SNR, TooQuiet: room.TooQuiet,
		Exposed: room.Exposed, Dithered: room.Dithered, Sublinear: room.Sublinear,
	}
	end := 0
	for _, stage := range room.Stages {
		end += stage.Bytes
		c.Stages = append(c.Stages, report.CapacityStage{Bytes: end, Survives: stage.Survives})
	}
	c.Side = min(codestream.MaxSide, int(math.Sqrt(float64(c.Pixels))))
	return c
}

func (s *survey) Hide(ctx context.Context, dst io.Writer, secret *picture.Planes, o carrier.HideOptions) (*report.Hide, error) {
	room := s.bytes.Room(o.Strength)
	if o.File != nil {
		size, err := pictureSize(ctx, secret, o, room.Bytes)
		if err != nil {
			return nil, err
		}
		if size > 0 {
			r, err := s.hideFile(ctx, dst, secret, size, o)
			var lost *carrier.LostError
			if secret == nil || !errors.As(err, &lost) || lost.Written {
				return r, err
			}
		}
		if secret == nil {
			return nil, &report.LargeFileError{Need: report.FileBytes(0, 0, len(o.File.Data)), Have: room.Bytes}
		}
	}
	c := check{secret: secret, options: o}
	payload, complete, err := codestream.Encode(ctx, secret, codestream.EncodeOptions{
		Limit: room.Bytes, Progress: progress(o.Options, report.Coding),
		Lengths: func(size int, complete bool) []int {
			c.whole, c.picture = size, size
			return c.expect(ends(s.bytes.Divide(o.Strength, size)), complete)
		},
		Show: func(i int, v *codestream.View) error { return c.stage(ctx, i, v) },
	})
	if err != nil {
		return nil, err
	}
	done, err := s.embed(ctx, dst, payload, o)
	if err != nil {
		return nil, err
	}
	r := &report.Hide{
		Method: s.name, Width: secret.Width, Height: secret.Height, MSE: done.MSE, SNR: done.SNR, MaxDeviation: done.MaxDeviation,
		Robust: done.Robust, Dithered: done.Dithered,
	}
	if err := c.finish(ctx, r, done, complete && len(done.Payload) == len(payload)); err != nil {
		return nil, err
	}
	return r, nil
}

// embed embeds as much of a payload as comes back. A stage that is known not to arrive is not sent: less is hidden until all of it does.
func (s *survey) embed(ctx context.Context, dst io.Writer, payload []byte, o carrier.HideOptions) (*carrier.Report, error) {
	options, embedding := o.Options, progress(o.Options, report.Embedding)
	options.Progress = triesOf(embedding)
	for replans := 0; ; replans++ {
		done, err := s.bytes.Embed(ctx, dst, o.Strength, payload, o.Key, o.Nonce, options)
		if err == nil {
			embedding(triesTotal, triesTotal)
			return done, nil
		}
		var lost *carrier.LostError
		if !errors.As(err, &lost) || lost.Written || lost.Size < 2 || replans == mostReplans {
			return nil, err
		}
		if payload = payload[:max(0, min(lost.Arrived, len(payload)-len(payload)/8))]; len(payload) < leastPayload {
			return nil, carrier.ErrUnfound
		}
	}
}

// tries turns the progress of one try after the other, nobody knows how many, into one that always moves and never falls. Nearly always
// the first is the last, so it takes firstTry of the whole. Each of those that follow takes less than the one before.
type tries struct {
	before int     // tries that failed
	share  float64 // that is done of the present one
}

const (
	triesTotal = 10_000
	firstTry   = 0.9
)

// triesOf returns what a carrier tells how far its tries are, and makes one progress of all of them.
func triesOf(embedding func(done, total int)) report.Progress {
	var t tries
	return func(p report.Phase, done, total int) {
		if p == report.Embedding {
			embedding(t.at(done, total), triesTotal)
		}
	}
}

// at returns how much is done in all of triesTotal. A try that is less far than it was is another one.
func (t *tries) at(done, total int) int {
	share := float64(done) / float64(max(1, total))
	if share < t.share {
		t.before++
	}
	t.share = share
	if t.before == 0 {
		return int(firstTry * triesTotal * share)
	}
	return int(triesTotal * (1 - (1-firstTry)/(float64(t.before)+share)))
}

// ends returns where stages of so many bytes end.
func ends(stages []int) []int {
	lengths, end := make([]int, len(stages)), 0
	for i, n := range stages {
		end += n
		lengths[i] = end
	}
	return lengths
}

// check is how well each stage brings back a picture.
type check struct {
	secret   *picture.Planes
	options  carrier.HideOptions
	whole    int   // bytes of the payload
	picture  int   // of them, those of the picture's stream
	lengths  []int // bytes of that at which stages end
	psnr     []float64
	restored *report.Quality
	exact    bool
}

// expect prepares for stages that end after the given numbers of bytes of the payload, and returns how much of the picture those of them have that
// need measuring: where the payload is complete so is the picture, by the word of the codestream, or as the file behind it has it.
func (c *check) expect(lengths []int, complete bool) []int {
	if complete {
		lengths = slices.DeleteFunc(lengths, func(n int) bool { return n >= c.whole })
	}
	for i, n := range lengths {
		lengths[i] = min(n, c.picture)
	}
	c.lengths, c.psnr = lengths, make([]float64, len(lengths))
	return lengths
}

// finish completes a report. Pictures that were measured while the payload was coded are measured again if it had to be divided otherwise.
func (c *check) finish(ctx context.Context, r *report.Hide, done *carrier.Report, complete bool) error {
	var sizes []int
	for _, s := range done.Stages {
		sizes = append(sizes, s.Bytes)
		r.Stages = append(r.Stages, hiddenStage(s))
	}
	if done.Heard {
		r.Warnings = append(r.Warnings, report.Warning{
			Kind: report.Audible, Text: fmt.Sprintf("has changed so much that it can be heard: its signal-to-noise ratio is %.1f dB", r.SNR),
			Advice: "take a recording of more bits, or leave the strength open: then nothing is changed that would be heard",
		})
	}
	checking := progress(c.options.Options, report.Checking)
	expected, psnr := c.lengths, c.psnr
	if r.File == nil {
		c.whole, c.picture = len(done.Payload), len(done.Payload)
	}
	if slices.Equal(c.expect(ends(sizes), complete), expected) {
		c.psnr = psnr
	} else {
		if err := c.decode(ctx, done.Payload); err != nil {
			return err
		}
	}
	for i, psnr := range c.psnr {
		r.Stages[i].PSNR, r.PSNR = psnr, psnr
	}
	r.Exact, r.Restored = c.exact, c.restored
	if complete {
		r.PSNR, r.Exact = 100, true
		if c.options.Restored {
			var err error
			if r.Restored, err = compared(ctx, c.secret, c.secret); err != nil {
				return err
			}
		}
	}
	checking(1, 1)
	return ctx.Err()
}

// hiddenStage returns what there is to say of a stage, but for its quality.
func hiddenStage(p carrier.Protection) report.HideStage {
	stage := report.HideStage{Bytes: p.Bytes, Survives: p.Survives, PSNR: 100}
	if p.Survives == "" {
		stage.Loss = &p.Loss
	}
	return stage
}

// decode measures prefixes of a payload, which are its first stages.
func (c *check) decode(ctx context.Context, payload []byte) error {
	o := codestream.DecodeOptions{
		MaxPixels: c.secret.Width * c.secret.Height, Progress: progress(c.options.Options, report.Checking),
	}
	err := codestream.Prefixes(ctx, payload, c.lengths, o, func(i int, v *codestream.View) error { return c.stage(ctx, i, v) })
	if errors.Is(err, codestream.ErrShort) { // a stage of a few bytes makes no picture by itself
		return nil
	}
	return err
}

// stage measures the picture of one stage and those before it.
func (c *check) stage(ctx context.Context, i int, v *codestream.View) error {
	c.exact = v.Complete
	mse, err := v.Distance(ctx, c.secret)
	if err != nil {
		return err
	}
	c.psnr[i] = min(-10*math.Log10(mse), 100)
	if !c.options.Restored || i < len(c.lengths)-1 {
		return nil
	}
	p, info, err := v.Picture(ctx, c.secret.Width*c.secret.Height)
	if err != nil {
		return err
	}
	c.restored, err = restored(ctx, c.secret, p, info, c.options.Options)
	return err
}

// restored tells how well a picture comes back after a network has restored it, if that is worth it.
func restored(ctx context.Context, secret, p *picture.Planes, info codestream.Info, o carrier.Options) (*report.Quality, error) {
	p, _, err := restore(ctx, p, info, o)
	if err != nil {
		return nil, err
	}
	if p.Width != secret.Width || p.Height != secret.Height { // decoded small because few bytes arrived
		if p, err = p.ResizeContext(ctx, secret.Width, secret.Height); err != nil {
			return nil, err
		}
	}
	return compared(ctx, secret, p)
}

// compared is [Compare], with ctx's error when ctx ends.
func compared(ctx context.Context, original, revealed *picture.Planes) (*report.Quality, error) {
	var q *report.Quality
	err := parallel.Within(ctx, func() (err error) {
		q, err = Compare(original, revealed)
		return err
	})
	if err != nil {
		return nil, err
	}
	return q, nil
}

// Compare measures how well a picture came back.
func Compare(original, revealed *picture.Planes) (*report.Quality, error) {
	psnr, err := quality.PSNR(original, revealed)
	if err != nil {
		return nil, err
	}
	q := &report.Quality{PSNR: min(psnr, 100)}
	if ssim, err := quality.SSIM(original, revealed); err == nil {
		q.SSIM = &ssim
	}
	return q, nil
}

// restore has the network restore what is missing of a picture if that is worth it, and tells whether it did.
func restore(ctx context.Context, p *picture.Planes, info codestream.Info, o carrier.Options) (*picture.Planes, bool, error) {
	if !restorer.Worth(p, info) {
		return p, false, nil
	}
	network, err := restorer.New()
	if err != nil {
		return nil, false, err
	}
	restoring := restorer.Options{Workers: o.Workers, Progress: progress(o, report.Restoring)}
	if p, err = network.Restore(ctx, p, info, restoring); err != nil {
		return nil, false, err
	}
	p.Round()
	return p, true, nil
}

// progress returns the progress of a phase, which may be called whether or not anybody asks for it.
func progress(o carrier.Options, p report.Phase) func(done, total int) {
	if f := o.Phase(p); f != nil {
		return f
	}
	return func(int, int) {}
}

type found struct {
	name  string
	bytes carrier.Found
}

func (f *found) Reveal(ctx context.Context, o carrier.RevealOptions) (*picture.Planes, *report.Reveal, error) {
	m, err := f.bytes.Read(ctx, o.Options)
	if err != nil {
		return nil, nil, err
	}
	r := &report.Reveal{
		Method: f.name, Frames: m.Frames, Arrived: m.Arrived, Map: m.Map, Gain: 20 * math.Log10(math.Abs(m.Gain)),
		Inverted: m.Gain < 0, Offset: m.Offset, Noise: m.Noise, Robust: m.Robust,
		Bytes: m.Size, Read: len(m.Payload), Complete: len(m.Payload) == m.Size,
		Truncated: m.Cut != nil, Beyond: m.Beyond.Seconds(),
	}
	for _, s := range m.Stages {
		r.Stages = append(r.Stages, report.RevealStage{Bytes: s.Bytes, Blocks: s.Blocks, Arrived: s.Arrived})
	}
	file := arrivedFile(m)
	if file != nil {
		if r.File = (&report.File{Name: file.Name, Bytes: len(file.Data)}); o.File != nil {
			o.File(file)
		}
	}
	p, info, err := decode(ctx, m, o)
	if errors.Is(err, codestream.ErrNoPicture) {
		if r.Exact = file != nil; !r.Exact {
			return nil, r, carrier.ErrPartly
		}
		return nil, r, nil
	}
	if errors.Is(err, codestream.ErrShort) {
		return nil, r, fmt.Errorf("%w: traces of a picture are there, but none of its stages arrived", carrier.ErrNotFound)
	}
	if err != nil {
		return nil, r, fmt.Errorf("the picture in this recording: %w", err)
	}
	// What a prefix is enough for is exact by the checks of its pieces alone; the word is for what the carrier has checked as a whole.
	r.Width, r.Height, r.Exact = info.Width, info.Height, info.Complete && r.Complete
	if file != nil {
		r.Exact = true
	}
	if o.Report {
		return nil, r, nil
	}
	if file != nil {
		return pictureOf(ctx, file, p, r)
	}
	if o.Plain {
		return p, r, nil
	}
	if p, r.Restored, err = restore(ctx, p, info, o.Options); err != nil {
		return nil, r, err
	}
	return p, r, nil
}

// decode returns the picture that has arrived, if more than a report is asked for, and shows the picture up to every stage of a message
// that adds something to it.
func decode(ctx context.Context, m *carrier.Message, o carrier.RevealOptions) (p *picture.Planes, info codestream.Info, err error) {
	var lengths, stages []int
	end, shown := 0, 0
	for i, s := range m.Stages {
		end += s.Bytes
		if arrived := min(end, len(m.Payload)); o.Stage != nil && arrived > shown {
			lengths, stages, shown = append(lengths, arrived), append(stages, i), arrived
		}
	}
	if shown < len(m.Payload) || len(lengths) == 0 {
		lengths = append(lengths, len(m.Payload))
	}
	decoding := codestream.DecodeOptions{Progress: progress(o.Options, report.Decoding)}
	err = codestream.Prefixes(ctx, m.Payload, lengths, decoding, func(i int, v *codestream.View) (err error) {
		if o.Report && i >= len(stages) {
			info = v.Info()
			return nil
		}
		if p, info, err = v.Picture(ctx, v.Width*v.Height); err != nil {
			return err
		}
		if i < len(stages) {
			o.Stage(stages[i], p)
		}
		return nil
	})
	return p, info, err
}
