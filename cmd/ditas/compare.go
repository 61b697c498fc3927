package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/compare"
	"ditas/internal/intake"
	"ditas/picture"
	"ditas/picture/quality"
)

const compareHelp = `Measure how two recordings, or two pictures, differ. The first is the original.

For recordings it prints the mean squared error (MSE, where full scale is 1), the
signal-to-noise ratio (SNR), the mean SNR of 20 ms segments, and the largest change of
a sample. It also tells how audible the change is, by the ear model of PEAQ: the
noise-to-mask ratio (NMR), how often the change is below what the ear masks, and the
objective difference grade (ODG) that listeners would give. 0 means imperceptible,
-1 perceptible but not annoying, -2 slightly annoying, -3 annoying, -4 very annoying.
All channels count together. The two recordings must have the same rate, number of
channels and length; if a piece was cut off one of them, --align compares what they
have in common.

For pictures of the same size it prints the MSE, the peak signal-to-noise ratio (PSNR),
the structural similarity (SSIM, MS-SSIM) and the share of pixels that differ.

--plot draws the spectrograms of the recordings and of their difference, with the NMR
over time, or the pictures and their difference. - stands for standard input or output.`

const compareExample = `  ditas compare song.wav stego.wav
  ditas compare photo.png revealed.png --plot difference.png
  ditas compare song.wav cut.wav --align --json`

type compareFlags struct {
	terminal
	forceFlag
	plot    string
	options compare.Options
}

func compareCommand() *cobra.Command {
	var o compareFlags
	cmd := &cobra.Command{
		Use:     "compare ORIGINAL OTHER",
		Short:   "Measure how two recordings or two pictures differ",
		Long:    compareHelp,
		Example: compareExample,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.begin(cmd)
			return o.run(cmd.Context(), args[0], args[1])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.plot, "plot", "", "draw the difference in a `FILE` whose name ends in .png or .svg")
	o.addForce(cmd)
	f.BoolVar(&o.options.Align, "align", false, "find where one recording begins in the other, and compare what they have in common")
	o.addFlags(cmd)
	completeFiles(cmd, "plot", compare.PNG, compare.SVG)
	completeArguments(cmd, recordingExtensions, pictureExtensions)
	return cmd
}

// comparedRecordings and comparedPictures are the results of ditas compare.
type (
	comparedRecordings struct {
		A fileName `json:"a"`
		B fileName `json:"b"`
		*compare.RecordingReport
	}
	comparedPictures struct {
		A fileName `json:"a"`
		B fileName `json:"b"`
		*compare.PictureReport
	}
)

func (o *compareFlags) run(ctx context.Context, a, b string) error {
	if err := oneStdin(a, b); err != nil {
		return err
	}
	format := compare.PNG
	if o.options.Figure = o.plot != ""; o.options.Figure {
		if format = strings.TrimPrefix(strings.ToLower(filepath.Ext(o.plot)), "."); o.plot == "-" {
			format = compare.PNG
		}
		if format != compare.PNG && format != compare.SVG {
			return usagef("--plot %s must end in .png or .svg", o.plot)
		}
		if err := o.checkOutput(o.plot, a, b); err != nil {
			return err
		}
	}
	first, err := o.open(ctx, a)
	if err != nil {
		return err
	}
	defer first.close()
	second, err := o.open(ctx, b)
	if err != nil {
		return err
	}
	defer second.close()
	var res any
	var figure func(w io.Writer, format, a, b string) error
	var tell func()
	nameA, nameB := a, b
	a, b = shown(a), shown(b)
	switch {
	case first.picture != nil && second.picture != nil && o.options.Align:
		return usagef("--align is for recordings")
	case first.picture != nil && second.picture != nil:
		r, err := compare.Pictures(first.picture, second.picture)
		if errors.Is(err, quality.ErrSize) {
			return withHint(fmt.Errorf("%s has %d×%d pixels and %s %d×%d, so they cannot be compared",
				a, first.picture.Width, first.picture.Height, b, second.picture.Width, second.picture.Height), "scale one of them first")
		}
		if err != nil {
			return err
		}
		res, figure, tell = comparedPictures{fileName(nameA), fileName(nameB), r}, r.Figure, func() { o.pictures(r, a, b) }
	case first.picture == nil && second.picture == nil:
		var end func()
		o.options.Progress, end = o.progress("comparing")
		r, err := compare.Recordings(ctx, first.recording.File, second.recording.File, o.options)
		end()
		switch {
		case errors.Is(err, compare.ErrFormat):
			return withHint(fmt.Errorf("%s and %s: %w", a, b, err), "convert one of them first")
		case errors.Is(err, compare.ErrLength) && !o.options.Align:
			return withHint(fmt.Errorf("%s and %s: %w", a, b, err), "--align compares what they have in common")
		case err != nil:
			return fmt.Errorf("%s and %s: %w", a, b, err)
		}
		res, figure, tell = comparedRecordings{fileName(nameA), fileName(nameB), r}, r.Figure, func() { o.recordings(r, a, b) }
	default:
		return usagef("%s is a %s and %s a %s: want two of a kind", a, first.kind(), b, second.kind())
	}
	if o.plot != "" {
		if err := o.write(ctx, o.plot, func(w io.Writer) error { return figure(w, format, filepath.Base(a), filepath.Base(b)) }); err != nil {
			return err
		}
	}
	tell()
	return o.result(res)
}

// pictures prints the figures of two pictures.
func (o *compareFlags) pictures(r *compare.PictureReport, a, b string) {
	o.printf("%s and %s, %d×%d pixels: ", a, b, r.Width, r.Height)
	if r.Equal {
		o.printf("equal\n")
		return
	}
	o.printf("%.2f %% of the pixels differ\n", 100*r.Differing)
	o.printf("  MSE      %.3g\n  PSNR     %s dB\n  SSIM     %s\n  MS-SSIM  %s\n", r.MSE, figure(r.PSNR, 2), figure(r.SSIM, 4), figure(r.MSSSIM, 4))
}

// recordings prints the figures of two recordings.
func (o *compareFlags) recordings(r *compare.RecordingReport, a, b string) {
	o.printf("%s and %s, %.1f s: ", a, b, r.Seconds)
	if r.Equal {
		o.printf("equal\n")
	} else {
		o.printf("%.2f %% of the samples differ\n", 100*r.Differing)
	}
	if r.Offset > 0 {
		o.printf("  aligned        %s begins %s before %s\n", a, counted(int(r.Offset), "frame"), b)
	} else if r.Offset < 0 {
		o.printf("  aligned        %s begins %s before %s\n", b, counted(int(-r.Offset), "frame"), a)
	}
	if r.Equal {
		return
	}
	o.printf("  MSE            %.3g\n  SNR            %s dB\n  segmental SNR  %.1f dB\n", r.MSE, figure(r.SNR, 1), r.SegmentalSNR)
	o.printf("  largest change %.2g of full scale\n", r.MaxDeviation)
	if r.NoNumbers > 0 {
		o.printf("  NMR and ODG    – (%.2g %% of the samples are no numbers in one of the two)\n", 100*r.NoNumbers)
	}
	if r.Masked != nil {
		o.printf("  NMR            %s dB; below what the ear masks in %.1f %% of all moments\n", figure(r.NMR, 1), 100**r.Masked)
	}
	if r.ODG != nil {
		o.printf("  ODG            %.2f, from 0, imperceptible, to -4, very annoying\n", *r.ODG)
		if r.PEAQ.Marked {
			o.printf("                 only roughly: PEAQ was made for music, and this is short or has little above 8 kHz\n")
		}
	}
}

// figure prints a measure, or a dash if there is none.
func figure(v *float64, digits int) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.*f", digits, *v)
}

// compareInput is a recording or, if picture is not nil, a picture.
type compareInput struct {
	recording *recording
	picture   *picture.Planes
}

func (c *compareInput) kind() string {
	if c.picture != nil {
		return "picture"
	}
	return "recording"
}

func (c *compareInput) close() {
	if c.recording != nil {
		c.recording.Close()
	}
}

// open opens what a name stands for, whichever it is.
func (o *compareFlags) open(ctx context.Context, name string) (*compareInput, error) {
	f, size, err := open(ctx, name)
	if err != nil {
		return nil, err
	}
	name = shown(name)
	if !intake.IsPicture(f, size) {
		a, err := intake.Foreign(ctx, f, size)
		var refusal *codec.Refusal
		if errors.Is(err, audio.ErrFormat) && !(errors.As(err, &refusal) && refusal.Format != nil) {
			err = withHint(fmt.Errorf("%s is neither a recording nor a picture that ditas reads", name), "%s, and %s", codec.Wanted(), picture.Wanted())
		} else if err != nil {
			err = about(name, err)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return &compareInput{recording: &recording{a, name, f}}, nil
	}
	defer f.Close()
	p, err := intake.Picture(ctx, f, size, picture.MaxPixels)
	if err != nil {
		return nil, about(name, err)
	}
	return &compareInput{picture: p}, nil
}
