// Package stream hides pictures by means of a carrier of bytes: it codes a picture as a stream of which every prefix decodes (package
// codestream), has the carrier hide as much of the stream as there is room for, and makes the best of what comes back.
package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/codestream"
	"ditas/internal/keystream"
	"ditas/internal/model/restorer"
	"ditas/metric"
	"ditas/picture"
	"ditas/report"
)

// LeastBits is the number of bits a pixel below which a picture is not hidden. With this many, photographs come back at about 30 dB, and
// small ones somewhat better. With 11 to 15 they come back exactly.
const LeastBits = 1.0

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
		Method: s.name, Duration: room.Cover, Usable: room.Cover, Bytes: room.Bytes, Robust: room.Robust,
		Pixels: int(8 * float64(room.Bytes) / LeastBits), Tile: 1, SNR: room.SNR,
	}
	c.Side = min(codestream.MaxSide, int(math.Sqrt(float64(c.Pixels))))
	return c
}

func (s *survey) Hide(ctx context.Context, dst io.Writer, secret *picture.Planes, o carrier.HideOptions) (*report.Hide, error) {
	room := s.bytes.Room(o.Strength)
	coding := progress(o.Options, report.Coding)
	payload, _, err := codestream.Encode(secret, room.Bytes)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	coding(1, 1)
	done, err := s.bytes.Embed(ctx, dst, o.Strength, payload, o.Key, o.Nonce, o.Options)
	if err != nil {
		return nil, err
	}
	r := &report.Hide{
		Method: s.name, Width: secret.Width, Height: secret.Height, MSE: done.MSE, SNR: done.SNR, MaxDeviation: done.MaxDeviation,
		Robust: done.Robust,
	}
	if err := stages(ctx, r, secret, done, o); err != nil {
		return nil, err
	}
	return r, nil
}

// stages tells how well each stage of a payload brings back the picture.
func stages(ctx context.Context, r *report.Hide, secret *picture.Planes, done *carrier.Report, o carrier.HideOptions) error {
	checking := progress(o.Options, report.Checking)
	arrived := 0
	for i, s := range done.Stages {
		if err := ctx.Err(); err != nil {
			return err
		}
		checking(i, len(done.Stages))
		arrived = min(arrived+s.Bytes, len(done.Payload))
		stage := report.HideStage{Bytes: s.Bytes, Loss: s.Loss}
		p, info, err := codestream.Decode(done.Payload[:arrived], secret.Width*secret.Height)
		switch {
		case errors.Is(err, codestream.ErrShort): // a stage of a few bytes makes no picture by itself
		case err != nil:
			return err
		default:
			psnr, err := metric.PSNR(secret, p)
			if err != nil {
				return err
			}
			stage.PSNR = min(psnr, 100)
			r.PSNR, r.Exact = stage.PSNR, info.Complete
			if o.Restored && arrived == len(done.Payload) {
				if r.Restored, err = restored(ctx, secret, p, info, o.Options); err != nil {
					return err
				}
			}
		}
		r.Stages = append(r.Stages, stage)
	}
	checking(len(done.Stages), len(done.Stages))
	return nil
}

// restored tells how well a picture comes back after a network has restored it.
func restored(ctx context.Context, secret, p *picture.Planes, info codestream.Info, o carrier.Options) (*report.Quality, error) {
	if !info.Complete {
		var err error
		if p, err = restore(ctx, p, info, o); err != nil {
			return nil, err
		}
	}
	return Compare(secret, p)
}

// Compare measures how well a picture came back.
func Compare(original, revealed *picture.Planes) (*report.Quality, error) {
	psnr, err := metric.PSNR(original, revealed)
	if err != nil {
		return nil, err
	}
	q := &report.Quality{PSNR: min(psnr, 100)}
	if ssim, err := metric.SSIM(original, revealed); err == nil {
		q.SSIM = &ssim
	}
	return q, nil
}

// restore has the network restore what is missing of a picture.
func restore(ctx context.Context, p *picture.Planes, info codestream.Info, o carrier.Options) (*picture.Planes, error) {
	network, err := restorer.New()
	if err != nil {
		return nil, err
	}
	restoring := progress(o, report.Restoring)
	restoring(0, 1)
	if p, err = network.Restore(ctx, p, info, o.Workers); err != nil {
		return nil, err
	}
	restoring(1, 1)
	p.Round()
	return p, nil
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
	}
	for _, s := range m.Stages {
		r.Stages = append(r.Stages, report.RevealStage{Bytes: s.Bytes, Blocks: s.Blocks, Arrived: s.Arrived})
	}
	if o.Stage != nil {
		if err := show(ctx, m, o.Stage); err != nil {
			return nil, r, err
		}
	}
	p, info, err := codestream.Decode(m.Payload, picture.MaxPixels)
	if errors.Is(err, codestream.ErrShort) {
		return nil, r, fmt.Errorf("%w: traces of a picture are there, but none of its stages arrived", carrier.ErrNotFound)
	}
	if err != nil {
		return nil, r, fmt.Errorf("the picture in this recording: %w", err)
	}
	r.Width, r.Height, r.Exact = info.Width, info.Height, info.Complete
	if o.Report {
		return nil, r, nil
	}
	if info.Complete || o.Plain {
		return p, r, nil
	}
	if p, err = restore(ctx, p, info, o.Options); err != nil {
		return nil, r, err
	}
	r.Restored = true
	return p, r, nil
}

// show shows the picture up to every stage of a message that adds something to it.
func show(ctx context.Context, m *carrier.Message, show func(stage int, p *picture.Planes)) error {
	end, shown := 0, 0
	for i, s := range m.Stages {
		end += s.Bytes
		arrived := min(end, len(m.Payload))
		if arrived == shown {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p, _, err := codestream.Decode(m.Payload[:arrived], picture.MaxPixels)
		if errors.Is(err, codestream.ErrShort) {
			continue // a stage of a few bytes makes no picture by itself
		}
		if err != nil {
			return fmt.Errorf("the picture in this recording: %w", err)
		}
		shown = arrived
		show(i, p)
	}
	return nil
}
