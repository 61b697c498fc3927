package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/internal/preflight"
	"ditas/picture"
)

const capacityHelp = `Tell what a recording can take, before anything is hidden in it.

With --image it tells whether that picture fits, how much sound it takes, and to
what size ditas hide --fit would scale it down. A recording that is unsuitable gets a
warning: one that is silent for the most part, clipped, has nothing in the upper part
of its band, or was compressed with loss. - stands for standard input.
` + batchHelp

const capacityExample = `  ditas capacity speech.wav
  ditas capacity speech.wav --image photo.jpg --json
  ditas capacity songs/*.flac --image photo.jpg`

type capacityFlags struct {
	terminal
	image   string
	options ditas.CapacityOptions
}

func capacityCommand() *cobra.Command {
	var o capacityFlags
	cmd := &cobra.Command{
		Use:     "capacity RECORDING… [--image PICTURE]",
		Short:   "Tell what a recording can take",
		Long:    capacityHelp,
		Example: capacityExample,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.begin(cmd)
			return o.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.image, "image", "i", "", "a `PICTURE` that is to be hidden")
	f.Float64Var(&o.options.SNR, "snr", 0, fmt.Sprintf("signal-to-noise ratio in `dB`, %d to %d (default %d)", ditas.MinSNR, ditas.MaxSNR, ditas.DefaultSNR))
	f.BoolVar(&o.options.Faint, "faint", false, "as with hide --faint")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addFlags(cmd)
	completeFiles(cmd, "image", pictureExtensions...)
	completeArguments(cmd, recordingExtensions)
	return cmd
}

// capacity is the result of ditas capacity.
type capacity struct {
	Cover   string  `json:"cover"`
	Format  string  `json:"format"`
	Seconds float64 `json:"seconds"`
	SNR     float64 `json:"snr"`    // dB
	Bytes   int     `json:"bytes"`  // of a picture, coded, that fit
	Robust  int     `json:"robust"` // of them, those that fit with protection against noise
	Pixels  int     `json:"pixels"` // of the largest picture
	Side    int     `json:"side"`   // of the largest square picture, in pixels
	Image   *fit    `json:"image,omitempty"`

	Warnings []preflight.Warning `json:"warnings,omitempty"`
}

// fit tells how a picture fits.
type fit struct {
	Path        string  `json:"path"`
	Width       int     `json:"width"`
	Height      int     `json:"height"`
	Fits        bool    `json:"fits"`
	Bits        float64 `json:"bits"` // that there are for each pixel
	NeedSeconds float64 `json:"needSeconds"`
	FitWidth    int     `json:"fitWidth"` // as --fit would hide it; 0 if nothing fits
	FitHeight   int     `json:"fitHeight"`
}

func (o *capacityFlags) run(ctx context.Context, names []string) error {
	if o.options.SNR != 0 && !(o.options.SNR >= ditas.MinSNR && o.options.SNR <= ditas.MaxSNR) {
		return usagef("--snr %g: want %d to %d dB", o.options.SNR, ditas.MinSNR, ditas.MaxSNR)
	}
	if err := checkWorkers(o.options.Workers); err != nil {
		return err
	}
	if err := oneStdin(append(names, o.image)...); err != nil {
		return err
	}
	var image *picture.Planes
	if o.image != "" {
		var err error
		if image, err = readPicture(ctx, o.image); err != nil {
			return err
		}
	}
	return o.each(ctx, names, tally{files: "recordings", done: "with room for a picture"}, func(i int) error { return o.measure(ctx, names[i], image) })
}

// measure tells what one recording takes, and whether a picture fits, if there is one.
func (o *capacityFlags) measure(ctx context.Context, name string, p *picture.Planes) error {
	cover, err := openRecording(ctx, name)
	if err != nil {
		return err
	}
	defer cover.Close()
	warnings, err := o.preflight(ctx, cover)
	if err != nil {
		return err
	}
	var end func()
	o.options.Progress, end = o.progress("listening")
	room, err := ditas.Capacity(ctx, cover, o.options)
	end()
	if err != nil {
		return explain(err, cover)
	}
	res := capacity{
		Cover: name, Format: cover.Format().String(), Seconds: room.Duration.Seconds(), SNR: room.SNR,
		Bytes: room.Bytes, Robust: room.Robust, Pixels: room.Pixels, Side: room.Side, Warnings: warnings,
	}
	o.printf("%s lasts %s: %s\n", cover.name, seconds(room.Duration), res.Format)
	o.printf("  room     %s at an SNR of %g dB, %s of them with protection against noise\n", size(res.Bytes), res.SNR, size(res.Robust))
	o.printf("  largest  %d×%d pixels, for a square picture; about a tenth of that area comes back exactly\n", res.Side, res.Side)
	if p != nil {
		need := room.Need(p.Width, p.Height)
		f := &fit{Path: o.image, Width: p.Width, Height: p.Height, NeedSeconds: need.Seconds()}
		f.Bits = 8 * float64(room.Bytes) / (float64(p.Width) * float64(p.Height))
		f.FitWidth, f.FitHeight = room.Fit(p.Width, p.Height)
		f.Fits = f.FitWidth == f.Width && f.FitHeight == f.Height
		res.Image = f
		o.printf("%s has %d×%d pixels and takes at least %s of a recording like this: it ", shown(o.image), f.Width, f.Height, seconds(need))
		switch {
		case f.Fits:
			o.printf("fits, with %.1f bits a pixel\n", f.Bits)
		case f.FitWidth > 0:
			o.printf("does not fit, but hide --fit would scale it down to %d×%d\n", f.FitWidth, f.FitHeight)
		default:
			o.printf("does not fit, and nothing else does\n")
		}
	}
	return o.result(res)
}

// seconds prints a duration in tenths of a second, rounded up.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%.1f s", math.Ceil(d.Seconds()*10)/10)
}
