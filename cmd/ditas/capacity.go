package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/internal/job"
	"ditas/picture"
	"ditas/report"
)

const capacityHelp = `Tell what a recording can take, before anything is hidden in it.

With --image it tells whether that picture fits, how much sound it takes, to what
size ditas hide --fit would scale it down, and whether its file fits byte for byte.
One picture among the recordings stands for --image, too.
With --any it tells whether a file of any other kind does.
--for, --method and --snr are as for ditas hide. If a recording is a poor cover, ditas warns:
when it is mostly silent, clipped, has nothing in the upper part of its band, or was
compressed with loss. - stands for standard input.
` + batchHelp

const capacityExample = `  ditas capacity speech.wav
  ditas capacity speech.wav --image photo.jpg --json
  ditas capacity song.flac --any letter.odt
  ditas capacity songs/*.flac --image photo.jpg`

type capacityFlags struct {
	networks networkFlags
	terminal
	image    string
	any      string
	strength strengthFlags
	options  ditas.SurveyOptions
}

func capacityCommand() *cobra.Command {
	var o capacityFlags
	cmd := &cobra.Command{
		Use:     "capacity RECORDING… [--image PICTURE | --any FILE]",
		Short:   "Tell what a recording can take",
		Long:    capacityHelp,
		Example: capacityExample,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.begin(cmd)
			return o.run(cmd.Context(), expand(args))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.image, "image", "i", "", "a `PICTURE` that you want to hide")
	f.StringVar(&o.any, "any", "", "a `FILE` of any kind that you want to hide")
	o.strength.addFlags(cmd)
	addForFlag(cmd, &o.options.For)
	o.networks.addFlags(cmd, &o.options.Method, "the method to hide by, a `NAME` (default "+ditas.Methods()[0].Name+")")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addFlags(cmd)
	completeFiles(cmd, "image", pictureExtensions...)
	completeArguments(cmd, recordingExtensions)
	return cmd
}

// capacity is the result of ditas capacity.
type capacity struct {
	Cover   fileName `json:"cover"`
	Format  string   `json:"format"`
	Method  string   `json:"method"`
	After   []after  `json:"after,omitempty"`
	Seconds float64  `json:"seconds"`
	SNR     float64  `json:"snr"`    // dB, about
	Bytes   int      `json:"bytes"`  // of a picture, coded, that fit
	Robust  int      `json:"robust"` // of them, those that fit with protection against noise
	Pixels  int      `json:"pixels"` // of the largest picture
	Side    int      `json:"side"`   // of the largest square picture, in pixels
	// Dithered says that the samples would be rounded to 16 bits with dither.
	Dithered bool    `json:"dithered,omitempty"`
	Image    *fit    `json:"image,omitempty"`
	File     *itself `json:"file,omitempty"` // of a file that is no picture

	Warnings []report.Warning `json:"warnings,omitempty"`
}

// fit tells how a picture fits.
type fit struct {
	Path        fileName `json:"path"`
	Width       int      `json:"width"`
	Height      int      `json:"height"`
	Fits        bool     `json:"fits"`
	Bits        float64  `json:"bits"` // that there are for each pixel
	NeedSeconds float64  `json:"needSeconds"`
	FitWidth    int      `json:"fitWidth"` // as --fit would hide it; 0 if nothing fits
	FitHeight   int      `json:"fitHeight"`
	File        *itself  `json:"file,omitempty"` // nil if it cannot be hidden as it is
}

// itself tells how a file fits, byte for byte: a picture's own, or another.
type itself struct {
	Bytes  int  `json:"bytes"`
	Needs  int  `json:"needs"` // bytes of room
	Fits   bool `json:"fits"`
	Hidden bool `json:"hidden"` // by ditas hide: of a picture the pixels alone are, where they take less and lack nothing
}

// exactBits is how many bits a pixel of a photograph takes to come back exactly, roughly.
const exactBits = 13

func (o *capacityFlags) run(ctx context.Context, names []string) error {
	var err error
	if o.options.Weights, err = o.networks.load(ctx); err != nil {
		return err
	}
	strength, err := o.strength.get(o.options.Method, o.options.For)
	if err != nil {
		return err
	}
	if err := checkWorkers(o.options.Workers); err != nil {
		return err
	}
	names = o.pictureAmong(ctx, names)
	if o.image != "" && o.any != "" {
		return withHint(usagef("both a picture and --any are given"), "ask for one of them at a time")
	}
	if err := oneStdin(append(names, o.image, o.any)...); err != nil {
		return err
	}
	var image *picture.Planes
	var file *ditas.File
	if o.image != "" {
		if image, file, err = readPictureFile(ctx, o.image); err != nil {
			return err
		}
	}
	if o.any != "" {
		if file, err = readFile(ctx, o.any); err != nil {
			return err
		}
	}
	return o.each(ctx, these(covers(names)...), tally{file: "recording", done: "with room for a picture"}, func(j job.Job) error {
		return o.measure(ctx, j.Cover, strength, image, file)
	})
}

// pictureAmong takes the one picture out of names that recordings are expected under, as ditas hide takes it without a flag.
func (o *capacityFlags) pictureAmong(ctx context.Context, names []string) []string {
	is := func(name string) bool { return name != "-" && looksLikePicture(ctx, name) }
	at := slices.IndexFunc(names, is)
	if at < 0 || len(names) == 1 || o.image != "" || o.any != "" || slices.ContainsFunc(names[at+1:], is) {
		return names
	}
	o.image = names[at]
	return slices.Delete(slices.Clone(names), at, at+1)
}

// measure tells what one recording takes, and whether a picture fits, if there is one, and its file.
func (o *capacityFlags) measure(ctx context.Context, name string, strength ditas.Strength, p *picture.Planes, file *ditas.File) error {
	cover, err := openRecording(ctx, name)
	if err != nil {
		return err
	}
	defer cover.Close()
	var end func()
	o.options.Progress, end = o.phases()
	survey, err := o.survey(ctx, cover, cover.File, o.options)
	end()
	if err != nil {
		return err
	}
	room, err := survey.Capacity(strength)
	if err != nil {
		return err
	}
	if err := room.Check(1, 1); err != nil {
		return explain(err, cover, survey.Method())
	}
	method, err := ditas.MethodNamed(room.Method)
	if err != nil {
		return err
	}
	res := capacity{
		Cover: fileName(name), Format: cover.Format().String(), Seconds: room.Duration.Seconds(), SNR: room.SNR,
		Method: room.Method, Bytes: room.Bytes, Robust: room.Robust, Pixels: room.Pixels, Side: room.Side, Dithered: room.Dithered,
		Warnings: survey.Warnings(),
	}
	o.printf("%s lasts %.1f s: %s\n", cover.name, res.Seconds, res.Format)
	exactly := ""
	if res.Bytes > 0 {
		protected := size(res.Robust) + " of them"
		if res.Robust == res.Bytes {
			protected = "all of it"
		}
		if method.Fragile {
			o.printf("  room     %s at an SNR of %.3g dB, for what is lost when any sample changes\n", size(res.Bytes), res.SNR)
		} else {
			o.printf("  room     %s at an SNR of %.3g dB, %s with protection against noise\n", size(res.Bytes), res.SNR, protected)
		}
		if len(room.Stages) == 0 { // else it is for pictures that arrive only in part
			side := int(math.Sqrt(8 * float64(res.Bytes) / exactBits))
			exactly = fmt.Sprintf("; one of about %d×%d comes back exactly", side, side)
		}
	}
	if res.Bytes == 0 {
		exactly = fmt.Sprintf(" at an SNR of %.3g dB; it comes back close, but hardly ever exact", res.SNR)
	}
	o.printf("  largest  %d×%d pixels, for a square picture%s\n", res.Side, res.Side, exactly)
	if res.Dithered {
		o.printf("  dither   its samples would be rounded to 16 bits with dither, as most programs export recordings\n")
	}
	if p != nil {
		need := room.Need(p.Width, p.Height)
		f := &fit{Path: fileName(o.image), Width: p.Width, Height: p.Height, NeedSeconds: need.Seconds()}
		f.Bits = 8 * float64(room.Bytes) / (float64(p.Width) * float64(p.Height))
		f.FitWidth, f.FitHeight = room.Fit(p.Width, p.Height)
		f.Fits = f.FitWidth == f.Width && f.FitHeight == f.Height
		res.Image = f
		o.printf("%s has %d×%d pixels and takes at least %s of a recording like this: it ", shown(o.image), f.Width, f.Height, seconds(need))
		switch {
		case f.Fits:
			if o.printf("fits"); f.Bits > 0 {
				o.printf(", with %.1f bits a pixel", f.Bits)
			}
			o.printf("\n")
		case f.FitWidth > 0:
			o.printf("does not fit, but hide --fit would scale it down to %d×%d\n", f.FitWidth, f.FitHeight)
		default:
			o.printf("does not fit, nor does any smaller one\n")
		}
		if file != nil && room.Bytes > 0 {
			f.File = &itself{
				Bytes: len(file.Data), Needs: report.FileBytes(p.Width, p.Height, len(file.Data)), Fits: room.TakesFile(p.Width, p.Height, len(file.Data)),
			}
			if f.File.Fits {
				e, err := ditas.NewEstimator(ctx, p)
				if err != nil {
					return err
				}
				f.File.Hidden = e.HidesFile(file, room)
			}
			switch {
			case f.File.Hidden:
				o.printf("  file     fits as it is, %s, and is hidden: with it the picture comes back exactly\n", fileSize(f.File.Bytes))
			case f.File.Fits:
				o.printf("  file     would fit, %s, but the pixels alone take less and come back exactly: they are hidden\n", fileSize(f.File.Bytes))
			default:
				o.printf("  file     of %s, takes %s of room to come back byte for byte\n", fileSize(f.File.Bytes), fileSize(f.File.Needs))
			}
		}
	}
	if p == nil && file != nil {
		f := &itself{Bytes: len(file.Data), Needs: report.FileBytes(0, 0, len(file.Data)), Fits: room.TakesFile(0, 0, len(file.Data))}
		f.Hidden = f.Fits
		res.File = f
		o.printf("%s takes %s of room: it ", shown(o.any), fileSize(f.Needs))
		switch {
		case f.Fits:
			o.printf("fits\n")
		case room.Bytes == 0:
			o.printf("cannot be hidden by this method, which is for pictures\n")
		default:
			o.printf("does not fit\n")
		}
	}
	if err := o.afterwards(ctx, room, p, &res); err != nil {
		return err
	}
	return o.result(res)
}

// afterwards tells what is left after each of the things that a method is made to survive: of a picture, if there is one that fits when it is
// scaled, how good it still is.
func (o *capacityFlags) afterwards(ctx context.Context, room *report.Capacity, p *picture.Planes, res *capacity) error {
	var estimate *ditas.Estimator
	if len(room.Stages) > 0 && p != nil && res.Image.FitWidth > 0 {
		small, err := p.ResizeContext(ctx, res.Image.FitWidth, res.Image.FitHeight)
		if err != nil {
			return err
		}
		if estimate, err = ditas.NewEstimator(ctx, small); err != nil {
			return err
		}
	}
	for _, s := range room.Stages {
		a := after{CapacityStage: s}
		o.printf("  after %s: %s", s.Survives, size(s.Bytes))
		if estimate != nil {
			psnr, err := estimate.PSNR(ctx, s.Bytes)
			if err != nil {
				return err
			}
			a.PSNR = &psnr
			o.printf(", about %s", decibels(psnr))
		}
		o.printf("\n")
		res.After = append(res.After, a)
	}
	if len(room.Stages) > 0 {
		o.printf("  Codecs leave more of some recordings than of others: now and then a stage less comes back.\n")
	}
	return nil
}

// after is what is left of a picture's stream after something.
type after struct {
	report.CapacityStage
	PSNR *float64 `json:"psnr,omitempty"` // about, of the picture as it would be scaled; nil without one
}

// seconds prints how long a recording has to be, in tenths of a second, rounded up: less would not be enough.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%.1f s", math.Ceil(d.Seconds()*10)/10)
}
