package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/carrier"
	"ditas/internal/intake"
	"ditas/internal/job"
	"ditas/internal/words"
	"ditas/picture"
	"ditas/report"
)

// hideHelp explains the command. The formats are those that there are.
func hideHelp() string {
	only := slices.DeleteFunc(codec.Readable(), func(f *codec.Format) bool { return f.Writable() })
	written := codec.Writable()
	others := slices.DeleteFunc(codec.Writable(), func(f *codec.Format) bool { return f == codec.Default(nil) })
	return "Hide a picture in a recording.\n\n" + words.Wrap(fmt.Sprintf(`The picture may be a %s file of up to 100 megapixels, fewer if it
is nearly empty: 16 million pixels and 256 more for each byte; the page of ditas serve takes 50. ditas hides the first frame of an
animated GIF, and lays what is transparent over white. The recording is a %s file. The output keeps everything but the samples: sample
format, rate, channels, length, tags and all other chunks. If the name of the output ends in %s and the recording is another kind of
file, ditas writes a new file of that kind. %s recordings cannot be written as they are, and become %s; what that cannot hold, such as
floating point, becomes %s. --compression sets the FLAC level, from 0, the fastest, to 8, the smallest, as in the program flac; no
level changes a sample. A recording that is FLAC already keeps its block size.`,
		words.List(picture.Names(picture.Readable()), "or"), words.List(codec.Names(written), "or"), words.List(codec.Extensions(written), "or"),
		words.List(codec.Names(only), "and"), codec.Default(nil), words.List(codec.Names(others), "or")), helpWidth) + hideHelpMore + manifestHelp(job.Hide) + "\n" + passphraseHelp
}

// helpWidth is the longest line of an explanation, in characters.
const helpWidth = 86

const hideHelpMore = `

Where there is room, the picture comes back exactly: three seconds of speech are
enough for 64×64 pixels. With less room it comes back coarser; with more room, it
survives more loss and more noise. If a recording is too short even for a coarse
picture, ditas says how long it would have to be; --fit scales the picture down
instead. ditas capacity tells all this beforehand. If a recording is a poor cover,
because it is silent, clipped or narrow, or was compressed with loss, ditas warns and
says what to do.

For each stage of the picture ditas prints how much of the recording may be lost, if
nothing else happens to it, before the stage is. The first stages are also the ones
that stand the most noise; the later ones get what room is left, so that one of them
may survive more loss than a stage before it.

--snr is the signal-to-noise ratio: how much stronger the recording is than the
change to it, in decibels. The change follows the recording and always stays below
what can be heard, so the ratio may turn out higher than you asked. In a recording of
8 bits, a quiet one or one that is clipped it may turn out lower, which ditas says:
samples are rounded, and those at full scale cannot grow. The higher it is, the
harder the change is to find, and the less noise the picture survives. With --faint
the change follows the recording's own spectrum from moment to moment, which makes
it much harder to find. --quality also measures the picture as it will be revealed,
after a network has restored what is missing.

Where there is room for the picture's own file, and that is smaller than the exact
picture, ditas hides the file: it comes back byte for byte under its own name. If
the recording is damaged, what is left shows the picture, as far as there was room to
protect it. A photograph may say where it was taken; --strip leaves out all that a
JPEG, PNG, WebP, TIFF, HEIC or AVIF file says besides its pixels, and of other kinds
hides the pixels alone. --any hides a file of any other kind, whole or not at all.

With a passphrase, nobody can reveal the picture without it. It is not stored
anywhere: if you forget it, the picture is lost. Without a passphrase, anyone who has
ditas can reveal the picture. By the default method, it survives copying, conversion
between WAV and FLAC and between sample formats, cutting, a change of volume, and
noise. It does not survive MP3 and the like, or resampling: if the recording will be
posted or sent, add --for share, or --for voice if it is speech. Much less fits then.
ditas methods tells what each method survives.

--for secret hides so that statistics of the recording do not tell, if nobody else
has the recording as it was. It takes a passphrase, less fits, and any change of the
samples destroys the picture: send the recording as a file. A recording of more than
16 bits, or one that was compressed with loss, becomes one of 16 bits with dither, as
most programs export it; ditas dither does that with nothing hidden.

Pictures and recordings need no flags: ditas tells them apart by their content. One
more name is that of the recording to write; without one, it gets the name of the
first, in the present folder, with a number if there is such a file. A file that
exists is replaced only with --force. With --out-dir, one picture goes into each of
many recordings, or the first picture into the first recording and so on, and each
output has its recording's name. The folder is made if needed. - stands for standard
input or output; if the recording goes to standard output, messages go to standard
error.
` + batchHelp

const hideExample = `  ditas hide photo.jpg song.wav
  ditas hide --image photo.jpg --cover song.wav --out stego.wav
  ditas hide -i photo.jpg -c song.mp3 -o stego.flac -p
  ditas hide -i photo.jpg -c song.wav -o stego.wav --snr 60 --fit
  ditas hide -i photo.jpg -c song.wav -o stego.flac --for share --fit
  ditas hide photo.jpg mine.wav --for secret --passphrase-file words.txt --fit
  ditas hide photo.jpg songs/*.flac --out-dir stego
  ditas hide --manifest jobs.jsonl --shard 2/8 --results results-2.jsonl
  ffmpeg -i film.mkv -f wav - | ditas hide -i photo.jpg -c - -o stego.flac`

type hideFlags struct {
	terminal
	images, covers []string
	anys           []string
	strip          bool
	out            string
	writing
	manifest   manifestFlags
	passphrase passphraseFlags
	strength   strengthFlags
	networks   networkFlags
	method     ditas.Method
	options    ditas.HideOptions
}

func hideCommand() *cobra.Command {
	var o hideFlags
	cmd := &cobra.Command{
		Use:        "hide PICTURE RECORDING [STEGO]",
		Aliases:    []string{"encode", "embed"},
		SuggestFor: []string{"conceal", "insert", "put", "add"},
		Short:      "Hide a picture in a recording",
		Long:       hideHelp(),
		Example:    hideExample,
		Args:       cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.begin(cmd)
			return o.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVarP(&o.images, "image", "i", nil, "the `PICTURE` to hide")
	f.StringArrayVarP(&o.covers, "cover", "c", nil, "the `RECORDING` to hide it in; it is not changed")
	f.StringVarP(&o.out, "out", "o", "", "the `RECORDING` to write (default: the other one's name, with a number)")
	f.StringArrayVar(&o.anys, "any", nil, "hide a `FILE` of any kind, whole or not at all, instead of a picture")
	f.BoolVar(&o.strip, "strip", false, "leave out what the picture's file says besides its pixels")
	o.batch.addFlags(cmd, "under the recordings' names")
	o.passphrase.addFlags(cmd, "needed to reveal the picture")
	o.strength.addFlags(cmd)
	f.BoolVar(&o.options.Fit, "fit", false, "if the picture does not fit, scale it down until it does")
	o.addCompression(cmd)
	f.BoolVar(&o.options.Restored, "quality", false, "also measure the picture as it will be revealed, restored: PSNR and SSIM")
	addForFlag(cmd, &o.options.For)
	o.networks.addFlags(cmd, &o.options.Method, "hide by the method `NAME` (default "+ditas.Methods()[0].Name+")")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.manifest.addFlags(cmd, job.Hide)
	o.addVerbose(cmd)
	o.addFlags(cmd)
	completeFiles(cmd, "image", pictureExtensions...)
	completeFiles(cmd, "cover", recordingExtensions...)
	completeFiles(cmd, "out", writtenRecordingExtensions...)
	completeArguments(cmd, pictureExtensions, recordingExtensions)
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
		must(cmd.MarkFlagRequired(f))
	}
}

// hidden is the result of ditas hide.
type hidden struct {
	Image       fileName `json:"image"`
	ImageWidth  int      `json:"imageWidth"` // of the file
	ImageHeight int      `json:"imageHeight"`
	Cover       fileName `json:"cover"`
	Out         fileName `json:"out"`
	*report.Hide
	Warnings []report.Warning `json:"warnings,omitempty"` // about the recording
}

func (o *hideFlags) run(ctx context.Context, args []string) error {
	var err error
	if o.options.Weights, err = o.networks.load(ctx); err != nil {
		return err
	}
	if o.options.Strength, err = o.strength.get(o.options.Method, o.options.For); err != nil {
		return err
	}
	if o.method, err = ditas.MethodFor(o.options.Method, o.options.For); err != nil {
		return err
	}
	o.sixteen = o.method.MaxBits > 0
	if err := checkWorkers(o.options.Workers); err != nil {
		return err
	}
	if o.manifest.manifest == "" {
		if err := o.passphrase.check(o.method); err != nil {
			return err
		}
	}
	list, inputs, err := o.jobs(ctx, args)
	if err != nil {
		return err
	}
	if list, err = o.manifest.part(list, o.batch.force); err != nil {
		return err
	}
	remove, err := o.batch.makeFolder()
	if err != nil {
		return err
	}
	defer remove()
	if list.many {
		if _, err := o.passphrase.keyOf(ctx, &o.terminal, true); err != nil {
			return err
		}
	}
	names := tally{file: "recording", done: "with a picture hidden inside"}
	switch {
	case o.passphrase.key.Secret():
	case list.exact:
		names.note = "Anyone who has ditas can reveal those for which no passphrase was given."
	default:
		names.note = "Anyone who has ditas can reveal what is hidden: no passphrase was given."
	}
	return o.each(ctx, list, names, func(j job.Job) error { return o.hide(ctx, j, slices.Concat(inputs, j.Inputs())) })
}

// jobs returns what a command line asks for, and the files that are read for all of it.
func (o *hideFlags) jobs(ctx context.Context, args []string) (list *jobs, inputs []string, err error) {
	if o.manifest.manifest != "" {
		inputs = append(o.passphrase.sources(), o.manifest.manifest)
		if err := oneStdin(inputs...); err != nil {
			return nil, nil, err
		}
		o.named = true
		list, err = o.manifest.read(ctx, len(args)+len(o.images)+len(o.anys)+len(o.covers) == 0 && o.out == "" && o.batch.dir == "", inputs)
		return list, inputs, err
	}
	file := ""
	switch len(o.anys) {
	case 0:
	case 1:
		file = o.anys[0]
	default:
		return nil, nil, withHint(usagef("--any is given %d times", len(o.anys)), "put several files into one archive first, such as a zip file")
	}
	images, covers, out, err := o.arguments(ctx, args)
	if err != nil {
		return nil, nil, err
	}
	inputs = slices.Concat(images, covers, o.passphrase.sources(), o.anys)
	if err := oneStdin(inputs...); err != nil {
		return nil, nil, err
	}
	if err := o.batch.check(out, len(covers)); err != nil {
		return nil, nil, err
	}
	if file != "" && o.method.Name == ditas.Networks {
		return nil, nil, withHint(usagef("%s hides pictures alone, and --any is given", ditas.Networks), "choose the method %s", ditas.Methods()[0].Name)
	}
	if file != "" && (o.options.Fit || o.options.Restored) {
		return nil, nil, withHint(usagef("--fit and --quality are for pictures, and --any is given"), "leave them out")
	}
	if file != "" && len(images) > 0 {
		return nil, nil, withHint(usagef("both a picture and --any are given"), "--any is for files that are no pictures: leave one of the two out")
	}
	if file == "" && len(images) != 1 && len(images) != len(covers) {
		last := args[max(0, len(args)-1):]
		if out == "" && o.batch.dir == "" && len(covers) == 1 && len(images) == 2 && slices.Equal(last, images[1:]) {
			return nil, nil, withHint(usagef("%s has the name of a picture, and the last name is that of the recording to write", last[0]), "choose another name")
		}
		return nil, nil, withHint(usagef("%s and %s are given", counted(len(images), "picture"), counted(len(covers), "recording")),
			"give one picture for all recordings, or one for each")
	}
	outs, err := o.outs(out, covers)
	if err != nil {
		return nil, nil, err
	}
	made := make([]job.Job, len(covers))
	for i := range made {
		made[i] = job.Job{Any: file, Cover: covers[i], Out: outs[i]}
		if file == "" {
			made[i].Image = images[min(i, len(images)-1)]
		}
	}
	return these(made...), inputs, nil
}

// counted returns a number of things: "1 picture", "2 pictures".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// arguments tells the pictures, the recordings and the output of a command line apart.
func (o *hideFlags) arguments(ctx context.Context, args []string) (images, covers []string, out string, err error) {
	if args, err = o.passphrase.files(args); err != nil {
		return nil, nil, "", err
	}
	images, covers, out = o.images, o.covers, o.out
	placeless := out == "" && o.batch.dir == ""
	for i, name := range args {
		switch {
		case name == "-" && placeless && i == len(args)-1 && len(images) > 0 && len(covers) > 0:
			out = name
		case name == "-":
			return nil, nil, "", withHint(usagef("- does not say what it is"), "say --image -, --cover - or --out -")
		case looksLikePicture(ctx, name):
			images = append(images, name)
		default:
			covers = append(covers, name)
		}
	}
	if last := len(covers) - 1; placeless && out == "" && (len(images) == 1 || len(o.anys) > 0) && last == 1 && len(args) > 0 && args[len(args)-1] == covers[last] {
		covers, out = covers[:last], covers[last]
	}
	switch folder := slices.IndexFunc(covers, isFolder); {
	case folder >= 0:
		err = withHint(fmt.Errorf("%s is a folder, and files are wanted here", covers[folder]), "name those in it; --out-dir names a folder to write to")
	case len(images) == 0 && len(o.anys) == 0:
		err = noPicture(args)
	case len(covers) == 0:
		err = withHint(usagef("no recording is given"), "name it with --cover; ditas hide -h explains")
	}
	return images, covers, out, err
}

// noPicture says why none of the names is that of a picture to hide.
func noPicture(args []string) error {
	for i, name := range args {
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && i < len(args)-1: // the last one may be that of the recording to write
			return err
		case err == nil && info.Mode().IsRegular() && info.Size() > 0 && !looksLikeRecording(name):
			return withHint(usagef("%s is not a picture that ditas reads", name), "%s; --any hides a file of any other kind", picture.Wanted())
		}
	}
	return withHint(usagef("no picture is given"), "name it with --image, or a file of another kind with --any; ditas hide -h explains")
}

// hide hides one picture, or a file of any kind, in one recording. None of the inputs is written to.
func (o *hideFlags) hide(ctx context.Context, j job.Job, inputs []string) error {
	out := j.Out
	for _, name := range []string{cmp.Or(j.Any, j.Image), j.Cover} { // what is missing is said before what is in the way
		if _, err := os.Stat(name); name != "-" && errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := o.batch.checkOutput(o.placed(out), inputs...); err != nil {
		return err
	}
	passphrase := o.passphrase.of(j.Key)
	if err := cmp.Or(passphrase.check(o.method), passphrase.checkKeyFile(&o.terminal, cmp.Or(j.Any, j.Image), j.Cover)); err != nil {
		return err
	}
	cover, err := openRecording(ctx, j.Cover)
	if err != nil {
		return err
	}
	defer cover.Close()
	rewriter, out, err := o.writable(cover, out)
	if err != nil {
		return err
	}
	secret, err := o.read(ctx, j)
	if err != nil {
		return err
	}
	key, err := passphrase.keyOf(ctx, &o.terminal, true)
	if err != nil {
		return err
	}
	var end func()
	o.options.Progress, end = o.phases()
	defer end()
	survey, err := o.survey(ctx, cover, rewriter, ditas.SurveyOptions{
		Method: o.options.Method, For: o.options.For, Weights: o.options.Weights, Workers: o.options.Workers, Progress: o.options.Progress,
	})
	if err != nil {
		return err
	}
	res := hidden{
		Image: fileName(cmp.Or(j.Any, j.Image)), Cover: fileName(j.Cover), Warnings: survey.Warnings(),
	}
	if secret != nil {
		res.ImageWidth, res.ImageHeight = secret.Width, secret.Height
	}
	occupied, err := o.occupied(ctx, cover, key)
	if err != nil {
		return explain(err, cover, survey.Method())
	}
	res.Warnings = append(res.Warnings, occupied...)
	o.options.Estimator = nil
	placed, err := o.hidesPlace(ctx, survey, secret)
	if err != nil {
		return explain(err, cover, survey.Method())
	}
	if placed {
		o.warnOfPlace(&res)
	}
	content := func(w io.Writer) (err error) {
		if res.Hide, err = survey.Hide(ctx, w, secret, key, o.options); err != nil {
			return err
		}
		if !placed && res.File != nil && picture.Located(o.options.File.Data) {
			o.warnOfPlace(&res)
		}
		return o.batch.checkOutput(o.placed(out), inputs...) // which may have come meanwhile
	}
	out, err = o.writeTo(ctx, &o.terminal, out, content)
	end()
	if err != nil {
		return explain(err, cover, survey.Method())
	}
	res.Out = fileName(out)
	for _, w := range res.Hide.Warnings {
		o.warn(cover.name+" "+w.Text, w.Advice)
	}
	res.Warnings = append(res.Warnings, res.Hide.Warnings...)
	louder := o.louder(res.SNR)
	if louder != nil {
		res.Warnings = append(res.Warnings, *louder)
	}
	o.tell(&res, cover.name, key)
	if louder != nil {
		o.printf("%s %s\n", cover.name, louder.Text)
	}
	return o.result(res)
}

// louder returns a warning if the signal-to-noise ratio turned out lower than what was asked for, if anything was.
func (o *hideFlags) louder(snr float64) *report.Warning {
	const within = 0.5 // dB
	if !o.strength.cmd.Flags().Changed("snr") || snr > o.strength.snr-within {
		return nil
	}
	return &report.Warning{
		Kind: report.Louder, Text: fmt.Sprintf("has changed more than --snr %g allows: its samples are coarse or clipped, and the ratio is %.1f dB", o.strength.snr, snr),
		Advice: "take a recording of more bits, or one that was made at a lower level",
	}
}

// hidesPlace reports whether a file is hidden that says where it was taken, as far as the survey tells.
func (o *hideFlags) hidesPlace(ctx context.Context, survey *ditas.Survey, secret *picture.Planes) (bool, error) {
	if o.options.File == nil || !picture.Located(o.options.File.Data) {
		return false, nil
	}
	if secret == nil {
		return true, nil
	}
	room, err := survey.Capacity(o.options.Strength)
	if err != nil {
		return false, err
	}
	if !room.TakesFile(secret.Width, secret.Height, len(o.options.File.Data)) {
		return false, nil
	}
	if o.options.Estimator, err = ditas.NewEstimator(ctx, secret); err != nil {
		return false, err
	}
	return o.options.Estimator.HidesFile(o.options.File, room), nil
}

// warnOfPlace warns that the file that is hidden says where it was taken.
func (o *hideFlags) warnOfPlace(res *hidden) {
	o.warn(fmt.Sprintf("%s says where it was taken, and whoever reveals it learns that", shown(string(res.Image))), "--strip leaves that out")
}

// occupied warns of a cover that holds something already, for anyone or for this key.
func (o *hideFlags) occupied(ctx context.Context, cover *recording, key ditas.Key) ([]report.Warning, error) {
	keys := []ditas.Key{ditas.Public()}
	if key.Secret() {
		keys = append(keys, key)
	}
	holds, err := ditas.Holds(ctx, cover, keys...)
	if err != nil || holds == nil {
		return nil, err
	}
	o.warn(cover.name+" "+holds.Text, holds.Advice)
	return []report.Warning{*holds}, nil
}

// tell tells people what was hidden and where, and what will come back.
func (o *hideFlags) tell(res *hidden, cover string, key ditas.Key) {
	scaled, what := "", "picture"
	if res.Width == 0 {
		what = "file"
	}
	if res.Width != res.ImageWidth || res.Height != res.ImageHeight {
		scaled = fmt.Sprintf(", scaled down from %d×%d", res.ImageWidth, res.ImageHeight)
	}
	whole := res.comesBack(o.strip)
	if o.brief {
		brief := whole
		if len(res.Losses) > 0 {
			brief += " (" + strings.Join(res.Losses, "; ") + ")"
		}
		switch {
		case res.Becomes != "" && o.sixteen:
			brief += "; " + cover + " became " + res.Becomes
		case res.Becomes != "":
			brief += "; " + cover + " cannot be written as it is, and became " + res.Becomes
		}
		o.printf("%s is hidden in %s%s; %s\n", shown(string(res.Image)), written(string(res.Out)), scaled, brief)
	} else {
		o.printf("%s is hidden in %s\n", shown(string(res.Image)), written(string(res.Out)))
	}
	switch {
	case res.Width == 0:
		o.detail("  file       %s; %s\n", fileSize(res.File.Bytes), whole)
	case res.File != nil:
		o.detail("  picture    %d×%d pixels, %s; %s\n", res.Width, res.Height, fileSize(res.File.Bytes), whole)
	default:
		o.detail("  picture    %d×%d pixels%s; %s\n", res.Width, res.Height, scaled, whole)
	}
	for _, l := range res.Losses {
		o.detail("             %s\n", l)
	}
	o.detail("  recording  SNR %.1f dB, container MSE %.3g, largest change %.2g of full scale\n", res.SNR, res.MSE, res.MaxDeviation)
	for i, s := range res.Stages {
		switch {
		case res.Width == 0 && s.Loss != nil:
			o.detail("  stage %d    %s; arrives %s\n", i+1, size(s.Bytes), o.arrives(*s.Loss))
		case res.Width == 0 && s.Survives != "":
			o.detail("  stage %d    %s; made to survive %s\n", i+1, size(s.Bytes), s.Survives)
		case res.Width == 0:
			o.detail("  stage %d    %s\n", i+1, size(s.Bytes))
		case s.Survives != "":
			o.detail("  stage %d    %s, %s up to here; made to survive %s\n", i+1, size(s.Bytes), decibels(s.PSNR), s.Survives)
		case s.Loss == nil:
			o.detail("  stage %d    %s up to here\n", i+1, decibels(s.PSNR))
		default:
			o.detail("  stage %d    %s, %s up to here; arrives %s\n", i+1, size(s.Bytes), decibels(s.PSNR), o.arrives(*s.Loss))
		}
	}
	if res.Dithered {
		o.detail("  Its samples are rounded to 16 bits with dither, as most programs export recordings.\n")
	}
	switch {
	case o.method.Fragile:
		o.detail("  No change leaves anything of the %s: send the recording as a file, and to no service that converts it.\n", what)
	case !res.Robust:
		o.detail("  The recording has room for it but not for protecting it from noise.\n")
	}
	switch {
	case res.Becomes != "" && o.sixteen:
		o.detail("%s has become %s\n", cover, res.Becomes)
	case res.Becomes != "":
		o.detail("%s cannot be written as it is; the recording with the %s in it becomes %s\n", cover, what, res.Becomes)
	}
	if !key.Secret() {
		o.detail("Anyone who has ditas can reveal it: no passphrase was given.\n")
	}
	if res.PSNR < poor {
		advice := "choose a lower --snr, or a recording with less noise in it"
		if o.method.MaxSNR == 0 {
			advice = "take a longer recording, or a smaller picture"
		}
		o.warn(fmt.Sprintf("%s has little room, so the picture will come back coarse", cover), advice)
	}
}

// comesBack tells as what a picture or a file is revealed.
func (h *hidden) comesBack(stripped bool) string {
	switch {
	case h.File != nil && stripped:
		return "revealed it is the file, byte for byte but for what was left out"
	case h.File != nil:
		return "revealed it is the file itself, byte for byte"
	case h.Exact:
		return "revealed it is exact"
	case h.PSNR == 100:
		return "revealed it is as it was hidden"
	case h.Restored != nil:
		return fmt.Sprintf("revealed it has a PSNR of %.1f dB%s", h.Restored.PSNR, ssim(h.Restored.SSIM))
	}
	return fmt.Sprintf("revealed it has a PSNR of about %.1f dB", h.PSNR)
}

// read reads what is to be hidden: a picture, and with it its file; or a file of any kind alone, and no picture.
func (o *hideFlags) read(ctx context.Context, j job.Job) (secret *picture.Planes, err error) {
	name := cmp.Or(j.Any, j.Image)
	if j.Any != "" {
		o.options.File, err = readFile(ctx, name)
	} else {
		secret, o.options.File, err = readPictureFile(ctx, name)
	}
	if errors.Is(err, picture.ErrFormat) && !errors.As(err, new(*picture.UnreadError)) {
		return nil, withHint(err, "%s; --any hides a file of any other kind", intake.Advice(err))
	}
	if err != nil || o.options.File == nil || !o.strip {
		return secret, err
	}
	stripped, err := picture.Strip(o.options.File.Data)
	switch {
	case errors.Is(err, picture.ErrUnstripped) && secret != nil: // the pixels alone say nothing
		o.options.File = nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	default:
		o.options.File.Data = stripped
	}
	return secret, nil
}

// survey measures a cover, which is to be written as writable, and warns if it is unsuitable.
func (t *terminal) survey(ctx context.Context, r *recording, writable audio.File, o ditas.SurveyOptions) (*ditas.Survey, error) {
	s, err := ditas.NewSurvey(ctx, writable, o)
	if err != nil {
		return nil, explain(err, r, o.Method)
	}
	for _, w := range s.Warnings() {
		t.warn(r.name+" "+w.Text, w.Advice)
	}
	return s, nil
}

// poor is the PSNR in dB below which a picture is hard to make out.
const poor = 18

// decibels prints a PSNR in dB.
func decibels(psnr float64) string {
	if psnr >= 100 {
		return "exact"
	}
	return fmt.Sprintf("%.1f dB", psnr)
}

// arrives tells on what condition a stage arrives that bears the loss of a share of the recording.
func (o *hideFlags) arrives(loss float64) string {
	if o.method.Fragile {
		return "if no sample changes"
	}
	return provided(loss)
}

// provided tells what a stage bears: the loss of a share of the recording.
func provided(loss float64) string {
	// Rounded down: nothing survives the loss of all.
	if percent := math.Floor(100 * loss); percent > 0 {
		return fmt.Sprintf("unless more than %.0f %% of the recording is lost", percent)
	}
	return "if nothing of the recording is lost"
}

// fileSize prints the size of a file.
func fileSize(n int) string {
	if n >= 10_000_000 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return size(n)
}

// size prints a number of bytes.
func size(n int) string {
	switch {
	case n == 1:
		return "1 byte"
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.0f kB", float64(n)/1000)
}

func ssim(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf(" and an SSIM of %.3f", *v)
}

// explain says what can be done about an error with a recording. method is the name of the one that was asked for, empty for the default.
func explain(err error, r *recording, method string) error {
	var large *report.LargeFileError
	if errors.As(err, &large) {
		have, need := fileSize(large.Have), fileSize(large.Need)
		if have == need {
			have, need = fmt.Sprintf("%d bytes", large.Have), fmt.Sprintf("%d bytes", large.Need)
		}
		return withHint(fmt.Errorf("%s has room for %s, and the file takes %s", r.name, have, need), "take a longer recording, or a smaller file")
	}
	var short *report.TooShortError
	if errors.As(err, &short) {
		err = fmt.Errorf("%s: %w", r.name, err)
		if short.Width == 0 {
			return withHint(err, "take a longer recording")
		}
		return withHint(err, "add --fit to scale the picture down, or take a longer recording")
	}
	var quiet *report.TooQuietError
	if errors.As(err, &quiet) {
		finer := 24
		if quiet.Bits > 0 {
			finer = 16
		}
		err = fmt.Errorf("%s: %w", r.name, err)
		switch {
		case quiet.Faint && quiet.Bits > 0:
			return withHint(err, "leave out --faint, or take a recording of %d bits", finer)
		case quiet.Faint:
			return withHint(err, "leave out --faint, take --for secret instead, or amplify the recording first")
		case quiet.Heard:
			return withHint(err, "amplify the recording first, take one of %d bits, or allow it to be heard with --audible", finer)
		}
		if m, unknown := ditas.MethodNamed(method); unknown == nil && quiet.Reached < m.MinSNR {
			return withHint(err, "amplify the recording first")
		}
		if quiet.Bits > 0 {
			return withHint(err, "choose --snr %.0f or less, or take a recording of %d bits", math.Floor(quiet.Reached), finer)
		}
		return withHint(err, "choose --snr %.0f or less, or amplify the recording first", math.Floor(quiet.Reached))
	}
	var exposed *report.ExposedError
	if errors.As(err, &exposed) {
		err = fmt.Errorf("%s: %w", r.name, err)
		if exposed.Bits < 16 {
			return withHint(err, "take a recording of 16 bits or more")
		}
		return withHint(err, "take a recording that goes on throughout")
	}
	if errors.Is(err, ditas.ErrTooLarge) {
		return withHint(err, "%s", intake.Advice(err))
	}
	if intake.Advice(err) != "" {
		return about(r.name, err)
	}
	if m, unknown := ditas.MethodNamed(method); errors.Is(err, ditas.ErrUnfound) && unknown == nil && m.MaxSNR == 0 {
		return withHint(fmt.Errorf("%s: %w", r.name, err), "take a longer recording, with less silence in it")
	}
	if errors.Is(err, ditas.ErrUnfound) {
		return withHint(fmt.Errorf("%s: %w", r.name, err), "take a longer recording, one of 16 bits or more, or allow a stronger change with --audible and a lower --snr")
	}
	if errors.Is(err, carrier.ErrChannels) {
		return withHint(fmt.Errorf("%s: %w", r.name, err), "mix it down to fewer channels, or take another recording")
	}
	if errors.Is(err, carrier.ErrRate) {
		return withHint(fmt.Errorf("%s: %w", r.name, err), "resample it first, or hide by the method %s", ditas.Methods()[0].Name)
	}
	if errors.Is(err, ditas.ErrSilent) {
		return withHint(fmt.Errorf("%s: %w", r.name, err), "take a recording with sound in it")
	}
	if errors.As(err, new(*ditas.WeightsError)) {
		return withHint(fmt.Errorf("%s: %w", r.name, err), "give them by --weights")
	}
	if errors.Is(err, ditas.ErrTooLoud) || errors.Is(err, ditas.ErrNothingFound) || errors.Is(err, ditas.ErrOtherVersion) || errors.Is(err, ditas.ErrPartly) {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return err
}
