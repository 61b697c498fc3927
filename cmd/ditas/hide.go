package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/audio"
	"ditas/model/weights"
)

const hideHelp = `Hide a picture in a recording.

The picture may be a PNG, JPEG, GIF, WebP, BMP or TIFF file of any size. The
recording is a WAV or FLAC file, of which the output keeps everything but the
samples it needs: sample format, rate, channels, length, tags and all other chunks.
If the name to write ends in .wav or .flac and the recording is another kind of
file, a new one of that kind is written. A NIST SPHERE file is written as WAV.

How much a picture takes depends on its size: about 3 s of mono sound at 16 kHz
for every 64×64 pixels, and half of that in stereo. Silence does not count. If the
recording is too short ditas says how much it takes; --fit scales the picture
down to what fits instead. ditas capacity tells beforehand.

--snr is the signal-to-noise ratio: how much stronger the recording is than what
is changed in it, in decibels, in every stretch that is used. The change follows the
recording and leaves pauses alone, so it is less audible than hiss of that level. A
higher ratio is quieter still and leaves a coarser picture.

Whoever has the file needs nothing else to reveal the picture: no key, no size,
not the original recording. It is not encrypted either: anyone who has ditas can
reveal it. It survives copying, and also cutting off the end, which costs quality.
It does not survive MP3 and the like, resampling or a change of volume.`

const hideExample = `  ditas hide --image photo.jpg --cover song.wav --out stego.wav
  ditas hide -i photo.jpg -c song.wav -o stego.wav --snr 45 --fit`

type hideFlags struct {
	terminal
	image, cover, out string
	method            string
	options           ditas.HideOptions
}

func hideCommand() *cobra.Command {
	var o hideFlags
	cmd := &cobra.Command{
		Use:     "hide --image PICTURE --cover RECORDING --out STEGO",
		Short:   "Hide a picture in a recording",
		Long:    hideHelp,
		Example: hideExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.image, "image", "i", "", "the `PICTURE` to hide")
	f.StringVarP(&o.cover, "cover", "c", "", "the `RECORDING` to hide it in, which stays as it is")
	f.StringVarP(&o.out, "out", "o", "", "the `RECORDING` to write; a file of that name is replaced")
	f.Float64Var(&o.options.SNR, "snr", ditas.DefaultSNR, fmt.Sprintf("signal-to-noise ratio in `dB`, %d to %d", ditas.MinSNR, ditas.MaxSNR))
	f.BoolVar(&o.options.Fit, "fit", false, "scale the picture down to what fits, if it does not")
	f.StringVar(&o.method, "method", weights.Default, "how to hide, a `NAME`")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addFlags(cmd)
	require(cmd, "image", "cover", "out")
	return cmd
}

func checkWorkers(n int) error {
	if n < 0 {
		return usagef("--workers %d: want 0 or more", n)
	}
	return nil
}

// require marks flags that a command cannot do without.
func require(cmd *cobra.Command, flags ...string) {
	for _, f := range flags {
		if err := cmd.MarkFlagRequired(f); err != nil {
			panic(err) // a flag that was not defined
		}
	}
}

// hidden is the result of ditas hide.
type hidden struct {
	Image       string `json:"image"`
	ImageWidth  int    `json:"imageWidth"` // of the file
	ImageHeight int    `json:"imageHeight"`
	Cover       string `json:"cover"`
	Out         string `json:"out"`
	*ditas.HideReport
}

func (o *hideFlags) run(ctx context.Context) error {
	switch {
	case !(o.options.SNR >= ditas.MinSNR && o.options.SNR <= ditas.MaxSNR):
		return usagef("--snr %g: want %d to %d dB", o.options.SNR, ditas.MinSNR, ditas.MaxSNR)
	case o.method != weights.Default:
		return usagef("--method %s is unknown: the only one is %s", o.method, weights.Default)
	}
	if err := checkWorkers(o.options.Workers); err != nil {
		return err
	}
	if ext := strings.ToLower(filepath.Ext(o.out)); slices.Contains([]string{".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wma", ".aiff", ".sph"}, ext) {
		return withHint(usagef("%s: ditas writes WAV and FLAC", o.out), "let the name end in .wav or .flac; lossy compression would destroy the picture")
	}
	if err := checkOutput(o.out, o.image, o.cover); err != nil {
		return err
	}
	cover, err := openRecording(o.cover)
	if err != nil {
		return err
	}
	defer cover.Close()
	rewriter, err := cover.rewriter(o.out)
	if err != nil {
		return err
	}
	secret, err := readPicture(o.image)
	if err != nil {
		return err
	}
	res := hidden{Image: o.image, ImageWidth: secret.Width, ImageHeight: secret.Height, Cover: o.cover, Out: o.out}
	var end func()
	o.options.Progress, end = o.progress("hiding")
	err = writeFile(o.out, func(w io.Writer) (err error) {
		res.HideReport, err = ditas.Hide(ctx, w, rewriter, secret, o.options)
		return err
	})
	end()
	if err != nil {
		return explain(err, cover)
	}
	scaled := ""
	if res.Width != res.ImageWidth || res.Height != res.ImageHeight {
		scaled = fmt.Sprintf(", scaled down from %d×%d", res.ImageWidth, res.ImageHeight)
	}
	o.printf("%s is hidden in %s\n", o.image, o.out)
	o.printf("  picture    %d×%d pixels%s; revealed it has a PSNR of %.1f dB%s\n", res.Width, res.Height, scaled, res.PSNR, ssim(res.SSIM))
	o.printf("  recording  SNR %.1f dB where it was changed, container MSE %.3g\n", res.UsedSNR, res.MSE)
	o.printf("  room       %d of %d slots of the recording\n", res.Slots, res.Room)
	o.printf("Anyone who has ditas can reveal it: it is hidden, not encrypted.\n")
	if res.PSNR < poor {
		fmt.Fprintf(o.err, "ditas: warning: this recording leaves little room, and the picture will come back coarse\nhint: choose a lower --snr, or a recording with less noise in it\n")
	}
	return o.result(res)
}

// poor is the PSNR in dB below which a picture is hard to make out.
const poor = 18

func ssim(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf(" and an SSIM of %.3f", *v)
}

// explain says what can be done about an error with a recording.
func explain(err error, r *recording) error {
	var short *ditas.TooShortError
	if errors.As(err, &short) {
		if short.Width == 0 {
			return withHint(err, "take a longer recording")
		}
		return withHint(err, "add --fit to scale the picture down, or take a longer recording")
	}
	var cut *audio.TruncatedError
	if errors.As(err, &cut) {
		return withHint(fmt.Errorf("%s: %w", r.name, err), "get a whole copy of the recording, or save it anew with an audio editor")
	}
	if errors.Is(err, ditas.ErrNothingFound) || errors.Is(err, ditas.ErrOtherVersion) {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return err
}
