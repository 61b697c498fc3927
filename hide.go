package ditas

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"ditas/audio"
	"ditas/internal/carrier/lattice"
	"ditas/internal/carrier/networks"
	"ditas/internal/codestream"
	"ditas/picture"
	"ditas/picture/quality"
)

// HideOptions says how to hide. The zero value is a good choice for those who do not need a passphrase.
type HideOptions struct {
	// Method is how to hide: [Lattice], which is what an empty one means, or [Networks].
	Method string
	// Passphrase is what it takes to reveal the picture. Without one anyone with ditas can. Networks take none.
	Passphrase string
	// SNR is the signal-to-noise ratio of the recording to its change in dB that is aimed at, from MinSNR to MaxSNR; 0 means
	// DefaultSNR, and 40 with Networks. The higher it is, the less there is to find, and the less the picture
	// is protected; the change is kept below what can be heard in any case.
	SNR float64
	// Faint makes the least change that carries a picture, one step of a 16-bit file in most samples, in place of SNR.
	Faint bool
	// Fit scales the picture down to what the recording takes, instead of failing.
	Fit bool
	// Random gives the few random bytes that make what is hidden in one recording unlike that in any other; nil means the system's,
	// and anything else is for experiments: two recordings of one passphrase and the same random bytes give each other away. The
	// same of it, and of all else, makes the same recording. Networks draw nothing at random.
	Random io.Reader
	// Workers is the number of goroutines; 0 means one per processor. Results do not depend on it.
	Workers int
	// Progress, if set, is called now and then, possibly from several goroutines at once.
	Progress func(done, total int)
}

// HideReport tells what Hide did.
type HideReport struct {
	Method string `json:"method"`
	Width  int    `json:"width"` // of the picture as hidden
	Height int    `json:"height"`
	// MSE, SNR in dB and the largest deviation are those of the whole recording to its change, full scale being 1.
	MSE          float64 `json:"mse"`
	SNR          float64 `json:"snr"`
	MaxDeviation float64 `json:"maxDeviation"`
	// PSNR in dB, at most 100, and SSIM are those of the picture that Reveal gives to the one hidden, if nothing happens to
	// the file. SSIM is nil for pictures of less than 11 pixels a side. Exact tells that not one value differs.
	PSNR  float64  `json:"psnr"`
	SSIM  *float64 `json:"ssim"`
	Exact bool     `json:"exact"`
	// Robust tells that the picture is protected against noise; of a recording with little room Hide spends that on quality.
	Robust bool        `json:"robust"`
	Stages []HideStage `json:"stages"`
	// Networks is what the networks did, if they were used.
	Networks *NetworksReport `json:"networks,omitempty"`
}

// NetworksReport tells what networks did with a recording.
type NetworksReport struct {
	Tiles  int `json:"tiles"` // of 64×64 pixels
	Stages int `json:"stages"`
	Slots  int `json:"slots"` // used
	Room   int `json:"room"`  // slots of the recording
	// UsedSNR in dB is that of the used slots to their change.
	UsedSNR float64 `json:"usedSNR"`
}

// HideStage is a stage of the picture.
type HideStage struct {
	Bytes int `json:"bytes"`
	// PSNR in dB, at most 100, is that of the picture that this stage and the ones before it make; before the network restores
	// what it can, but for the last stage.
	PSNR float64 `json:"psnr"`
	// Loss is the share of the recording that may be lost, if nothing else happens to it, before the stage is.
	Loss float64 `json:"loss"`
}

// shaping is that of the carrier.
var shaping = lattice.DefaultShaping

// Hide writes cover to dst with a picture hidden in it, in cover's own format. If it fails, what was written to dst is of
// no use. It returns a *TooShortError if there is no room.
func Hide(ctx context.Context, dst io.Writer, cover audio.Rewriter, secret *picture.Planes, o HideOptions) (*HideReport, error) {
	if o.Method != "" && o.Method != Lattice {
		return hideWithNetworks(ctx, dst, cover, secret, o)
	}
	if o.SNR == 0 {
		o.SNR = DefaultSNR
	}
	if !(o.SNR >= MinSNR && o.SNR <= MaxSNR) {
		return nil, fmt.Errorf("signal-to-noise ratio of %g dB: want %d to %d", o.SNR, MinSNR, MaxSNR)
	}
	key, err := key(o.Passphrase)
	if err != nil {
		return nil, err
	}
	// Both passes take about the same time.
	half := func(second bool) func(done, total int) {
		if o.Progress == nil {
			return nil
		}
		return func(done, total int) {
			if second {
				done += total
			}
			o.Progress(done, 2*total)
		}
	}
	r, plans, err := survey(ctx, cover, CapacityOptions{SNR: o.SNR, Faint: o.Faint, Workers: o.Workers, Progress: half(false)})
	if err != nil {
		return nil, err
	}
	if err := r.check(secret); err != nil {
		var short *TooShortError
		if !o.Fit || !errors.As(err, &short) || short.Width == 0 {
			return nil, err
		}
		secret = secret.Fit(short.Width, short.Height)
	}
	stream, complete, err := codestream.Encode(ctx, secret, codestream.EncodeOptions{Limit: r.Bytes})
	if err != nil {
		return nil, err
	}
	// Quality comes first: the plan with the most protection that takes all of the picture, or the one with the most room.
	plan := plans[len(plans)-1]
	for _, p := range plans {
		if complete && len(stream) <= p.Room() {
			plan = p
			break
		}
	}
	stream = stream[:min(len(stream), plan.Room())]
	random := o.Random
	if random == nil {
		random = rand.Reader
	}
	done, err := lattice.Hide(ctx, dst, cover, plan, stream, key, random, workers(o.Workers), half(true))
	if err != nil {
		return nil, err
	}
	report := &HideReport{
		Method: Lattice, Width: secret.Width, Height: secret.Height, MSE: done.MSE, SNR: done.SNR, MaxDeviation: done.MaxDeviation,
		Robust: done.Profile == lattice.Robust,
	}
	lengths := make([]int, len(done.Stages))
	arrived := 0
	for i, s := range done.Stages {
		arrived = min(arrived+s.Bytes, len(done.Payload))
		lengths[i] = arrived
		// A stage of a few bytes makes no picture by itself, and keeps a PSNR of 0.
		report.Stages = append(report.Stages, HideStage{Bytes: s.Bytes, Loss: s.Loss})
	}
	size := secret.Width * secret.Height
	err = codestream.Prefixes(ctx, done.Payload, lengths, codestream.DecodeOptions{MaxPixels: size}, func(i int, v *codestream.View) error {
		p, info, err := v.Picture(ctx, size)
		if err != nil {
			return err
		}
		last := lengths[i] == len(done.Payload)
		if last {
			if p, _, err = restore(ctx, p, info, o.Workers); err != nil {
				return err
			}
		}
		if info.Halvings > 0 {
			p = p.Resize(secret.Width, secret.Height)
		}
		psnr, err := quality.PSNR(secret, p)
		if err != nil {
			return err
		}
		report.PSNR, report.Exact = min(psnr, 100), info.Complete
		report.Stages[i].PSNR = report.PSNR
		if last {
			if ssim, err := quality.SSIM(secret, p); err == nil {
				report.SSIM = &ssim
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, codestream.ErrShort) {
		return nil, err
	}
	return report, nil
}

func hideWithNetworks(ctx context.Context, dst io.Writer, cover audio.Rewriter, secret *picture.Planes, o HideOptions) (*HideReport, error) {
	switch {
	case o.Method != Networks:
		return nil, fmt.Errorf("method %q is unknown: want %s or %s", o.Method, Lattice, Networks)
	case o.Passphrase != "":
		return nil, fmt.Errorf("%s takes no passphrase: leave it out, or use the method %s", o.Method, Lattice)
	case o.Faint:
		return nil, fmt.Errorf("%s has no faint setting: use the method %s", o.Method, Lattice)
	}
	n, err := networks.Hide(ctx, dst, cover, secret, networks.HideOptions{SNR: o.SNR, Fit: o.Fit, Workers: o.Workers, Progress: o.Progress})
	if err != nil {
		return nil, fromNetworks(err)
	}
	return &HideReport{
		Method: n.Method, Width: n.Width, Height: n.Height, MSE: n.MSE, SNR: n.SNR, MaxDeviation: n.MaxDeviation,
		PSNR: n.PSNR, SSIM: n.SSIM, Exact: n.PSNR >= 100,
		Networks: &NetworksReport{Tiles: n.Tiles, Stages: n.Stages, Slots: n.Slots, Room: n.Room, UsedSNR: n.UsedSNR},
	}, nil
}

// fromNetworks returns this package's error for one of package networks.
func fromNetworks(err error) error {
	var short *networks.TooShortError
	switch {
	case errors.As(err, &short):
		return (*TooShortError)(short)
	case errors.Is(err, networks.ErrTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}
