package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/internal/job"
	"ditas/internal/words"
	"ditas/picture"
	"ditas/report"
)

// revealHelp explains the command.
func revealHelp() string {
	return `Reveal the picture that is hidden in a recording. All it needs is the file, and the
passphrase if there is one.

The name of the output decides its format: .png, .jpg, .bmp or .tif. If it has no
extension, the picture is PNG. Without a name, the picture gets that of the recording,
or is called picture if that comes from standard input, in the present folder, with a
number if there is such a file. A file that exists is replaced only with --force.
- stands for standard input or output.

If the picture's own file was hidden, or a file of another kind, ditas gives that back
byte for byte: under its own name if you give none, and under yours, unless that ends
as those of pictures of another format do. --format asks for the picture in any case.

With --out-dir, ditas reveals the pictures of many recordings, each under its
recording's name: the file that was hidden, or the picture in the --format, PNG by
default. The folder is made if needed.

A picture is hidden in stages. Each adds what the ones before it missed, and the
first is protected best. If the recording was cut, silenced in part or disturbed by
noise, ditas reveals what is left, says how much of each stage arrived, and ends with
exit code 3. It finds and undoes a change of volume or polarity, and swapped channels.
--map draws which parts of the recording were found. With --thorough, it also finds
what is played up to 5 % faster or slower, at its own pitch or another, which may take
minutes.

A wrong passphrase gives the same message as a recording with nothing in it.
` + batchHelp + manifestHelp(job.Reveal) + "\n" + passphraseHelp
}

const revealExample = `  ditas reveal stego.wav
  ditas reveal --stego stego.wav --out photo.png
  ditas reveal -s stego.flac -o photo.png -p
  ditas reveal -s stego.wav -o photo.jpg --json --map map.png
  ditas reveal --manifest jobs.jsonl --shard 2/8 --results results-2.jsonl
  ditas reveal stego/*.wav --out-dir pictures --passphrase-file secret.txt
  curl -s https://example.org/stego.wav | ditas reveal - -o - | magick - photo.webp`

type revealFlags struct {
	networks networkFlags
	terminal
	stegos             []string
	out, drawn, format string
	named              bool // a name is given for what is written
	batch              batchFlags
	manifest           manifestFlags
	passphrase         passphraseFlags
	options            ditas.RevealOptions
}

func revealCommand() *cobra.Command {
	var o revealFlags
	cmd := &cobra.Command{
		Use:        "reveal RECORDING [PICTURE]",
		Aliases:    []string{"decode", "extract"},
		SuggestFor: []string{"recover", "unhide", "show", "get", "read"},
		Short:      "Reveal the picture in a recording",
		Long:       revealHelp(),
		Example:    revealExample,
		Args:       cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.begin(cmd)
			return o.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVarP(&o.stegos, "stego", "s", nil, "the `RECORDING` with the picture in it; the flag may be left out")
	f.StringVarP(&o.out, "out", "o", "", "the `PICTURE` to write (default: the recording's name, perhaps with a number)")
	f.StringVar(&o.format, "format", "", "write the picture as `FORMAT`: "+words.List(pictureFormats, "or")+" (default: by the name)")
	o.batch.addFlags(cmd, "under the recordings' names")
	o.passphrase.addFlags(cmd, "of the picture")
	f.StringVar(&o.drawn, "map", "", "write a `PICTURE` that shows which parts of the recording were found")
	f.BoolVar(&o.options.Plain, "plain", false, "do not let a network restore what is missing from the picture")
	f.BoolVar(&o.options.Thorough, "thorough", false, "if nothing is found, try other speeds for minutes")
	o.networks.addFlags(cmd, &o.options.Method, "try only the method `NAME`")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.manifest.addFlags(cmd, job.Reveal)
	o.addVerbose(cmd)
	o.addFlags(cmd)
	completeFiles(cmd, "stego", recordingExtensions...)
	completeFiles(cmd, "out", writtenPictureExtensions...)
	completeFiles(cmd, "map", "png")
	completeNames(cmd, "format", pictureFormats...)
	completeArguments(cmd, recordingExtensions)
	return cmd
}

// revealed is the result of ditas reveal.
type revealed struct {
	Stego fileName `json:"stego"`
	Out   fileName `json:"out"`
	*report.Reveal
}

// arguments tells the recordings and the output of a command line apart.
func (o *revealFlags) arguments(args []string) (stegos []string, out string, err error) {
	if args, err = o.passphrase.files(args); err != nil {
		return nil, "", err
	}
	stegos, out = slices.Concat(o.stegos, args), o.out
	if last := len(stegos) - 1; out == "" && o.batch.dir == "" && last == 1 && len(args) > 0 {
		info, missing := os.Stat(stegos[last])
		extension := strings.TrimPrefix(strings.ToLower(filepath.Ext(stegos[last])), ".")
		if missing != nil || !info.Mode().IsRegular() || slices.Contains(pictureExtensions, extension) || !looksLikeRecording(stegos[last]) {
			stegos, out = stegos[:last], stegos[last]
		}
	}
	if len(stegos) == 0 {
		err = withHint(usagef("no recording is given"), "ditas reveal -h explains")
	}
	return stegos, out, err
}

func (o *revealFlags) run(ctx context.Context, args []string) error {
	if err := checkWorkers(o.options.Workers); err != nil {
		return err
	}
	var err error
	if o.options.Weights, err = o.networks.load(ctx); err != nil {
		return err
	}
	if _, err := checkMethod(o.options.Method); err != nil {
		return err
	}
	if extension := filepath.Ext(o.drawn); extension != "" && !strings.EqualFold(extension, ".png") {
		return usagef("--map %s: the name must end in .png, as the map is a PNG picture", o.drawn)
	}
	list, inputs, err := o.jobs(ctx, args)
	if err != nil {
		return err
	}
	if list, err = o.manifest.part(list, o.batch.force); err != nil {
		return err
	}
	if o.drawn != "" && list.many {
		return withHint(usagef("--map is for one recording alone"), "name that one, without --manifest, --shard and --results")
	}
	remove, err := o.batch.makeFolder()
	if err != nil {
		return err
	}
	defer remove()
	if list.many {
		if _, err := o.passphrase.keyOf(ctx, &o.terminal, false); err != nil {
			return err
		}
	}
	return o.each(ctx, list, tally{file: "recording", done: "revealed", part: "revealed in part"}, func(j job.Job) error {
		return o.reveal(ctx, j, slices.Concat(inputs, j.Inputs()))
	})
}

// jobs returns what a command line asks for, and the files that are read for all of it.
func (o *revealFlags) jobs(ctx context.Context, args []string) (list *jobs, inputs []string, err error) {
	if o.manifest.manifest != "" {
		inputs = append(o.passphrase.sources(), o.manifest.manifest)
		if err := oneStdin(inputs...); err != nil {
			return nil, nil, err
		}
		if _, _, err := o.formatOf(""); err != nil {
			return nil, nil, err
		}
		o.named = true
		list, err = o.manifest.read(ctx, len(args)+len(o.stegos) == 0 && o.out == "" && o.batch.dir == "", inputs)
		return list, inputs, err
	}
	names, out, err := o.arguments(args)
	if err != nil {
		return nil, nil, err
	}
	inputs = slices.Concat(names, o.passphrase.sources())
	if err := oneStdin(inputs...); err != nil {
		return nil, nil, err
	}
	if err := o.batch.check(out, len(names)); err != nil {
		return nil, nil, err
	}
	if _, _, err := o.formatOf(out); err != nil {
		return nil, nil, err
	}
	outs := []string{out}
	o.named = out != ""
	extension := "." + cmp.Or(strings.ToLower(o.format), "png")
	named := func(stego string) string { return ending(strings.TrimSuffix(stego, filepath.Ext(stego)), extension) }
	switch {
	case out == "" && o.batch.dir == "" && names[0] == "-":
		outs[0] = "picture" + extension // as a picture from standard input is called when it is hidden
	case out == "" && o.batch.dir == "":
		outs[0] = named(filepath.Base(names[0])) // or with a number
	case o.batch.dir != "":
		if outs, err = o.batch.names(names, named); err != nil {
			return nil, nil, err
		}
	}
	made := stegos(names)
	for i := range made {
		made[i].Out = outs[i]
	}
	return these(made...), inputs, nil
}

// formatOf returns the format of a picture that is written under a name. If the extension is that of no picture, unknown says so: what is revealed may
// be a file of that kind.
func (o *revealFlags) formatOf(out string) (format picture.Format, unknown, err error) {
	switch {
	case o.format != "":
		if format, err = picture.FormatOf("." + strings.ToLower(o.format)); err != nil {
			return format, nil, usagef("--format %s is unknown: want %s", o.format, words.List(pictureFormats, "or"))
		}
		if other, err := picture.FormatOf(out); err == nil && other != format {
			return format, nil, usagef("--format %s and the name %s do not go together", o.format, out)
		}
		return format, nil, nil
	case filepath.Ext(out) != "":
		if format, err = picture.FormatOf(out); err != nil {
			return format, &usageError{err}, nil
		}
		return format, nil, nil
	}
	return picture.PNG, nil, nil
}

// reveal reveals the picture in one recording. None of the inputs is written to.
func (o *revealFlags) reveal(ctx context.Context, j job.Job, inputs []string) error {
	out := j.Out
	format, unknown, err := o.formatOf(out)
	if err != nil {
		return err
	}
	unnamed := !o.named && o.batch.dir == ""
	placed := func() string { // if nobody takes the name meanwhile
		if unnamed {
			return unused(out)
		}
		return out
	}
	if err := o.batch.checkOutput(placed(), inputs...); err != nil {
		return err
	}
	if o.drawn != "" {
		if err := o.batch.checkOutput(o.drawn, append(inputs, placed())...); err != nil {
			return err
		}
		if o.drawn == "-" && out == "-" {
			return usagef("both --out and --map are standard output")
		}
		if filepath.Clean(o.drawn) == filepath.Clean(placed()) {
			return usagef("both --out and --map are %s", out)
		}
	}
	passphrase := o.passphrase.of(j.Key)
	if err := passphrase.checkNamed(o.options.Method); err != nil {
		return err
	}
	stego, err := openRecording(ctx, j.Stego)
	if err != nil {
		return err
	}
	defer stego.Close()
	key, err := passphrase.keyOf(ctx, &o.terminal, false)
	if err != nil {
		return err
	}
	res := revealed{Stego: fileName(j.Stego)}
	var file *ditas.File
	var end func()
	o.options.Progress, end = o.phases()
	o.options.File = func(f *ditas.File) { file = f }
	p, r, err := ditas.Reveal(ctx, stego, key, o.options)
	if err == nil && o.drawn != "" && len(r.Map) == 0 {
		err = withHint(usagef("the picture is hidden by %s, which has no map of what was found", r.Method), "leave out --map")
	}
	if err == nil && p == nil && o.format != "" {
		err = withHint(usagef("what is hidden is no picture, but the file %s", file.SafeName()), "leave out --format")
	}
	if err != nil {
		end()
		return passphrase.advise(explain(err, stego, o.options.Method))
	}
	res.Reveal = r
	out, itself := o.outFor(out, file, p == nil)
	switch {
	case !itself && unknown != nil:
		return o.refuse(unknown, file)
	case o.drawn != "" && filepath.Clean(o.drawn) == filepath.Clean(placed()):
		return usagef("both what is revealed and --map are %s", out)
	}
	content := func(w io.Writer) error {
		if itself {
			if _, err := w.Write(file.Data); err != nil {
				return err
			}
		} else {
			var converting func(done, total int)
			if o.options.Progress != nil {
				converting = func(done, total int) { o.options.Progress(report.Converting, done, total) }
			}
			if err := p.EncodeContext(ctx, w, format, converting); err != nil {
				return err
			}
		}
		return o.batch.checkOutput(placed(), inputs...) // which may have come meanwhile
	}
	switch {
	case unnamed:
		out, err = writeUnused(key.Secret(), out, content)
	case key.Secret():
		err = o.writePrivate(ctx, out, content)
	default:
		err = o.write(ctx, out, content)
	}
	end()
	if err != nil {
		return explain(err, stego, o.options.Method)
	}
	res.Out = fileName(out)
	out = written(out)
	what, smaller, exactly := fmt.Sprintf("a picture of %d×%d pixels", res.Width, res.Height), "", ""
	switch {
	case p == nil:
		what, exactly = "the file "+file.SafeName(), ", byte for byte"
	case itself:
		exactly = ", the file itself, byte for byte"
		if kind := picture.Misnamed(out, file.Data); kind != "" {
			exactly += "; it is " + kind + ", whatever its name says"
		}
	case p.Width != r.Width:
		smaller = fmt.Sprintf(" at %d×%d, since too little has arrived to tell more", p.Width, p.Height)
	}
	if !itself && res.Exact && format != picture.JPEG && len(p.Losses) == 0 {
		exactly = ", exactly as it was hidden"
	}
	o.printf("%s holds %s, now in %s%s%s\n", stego.name, what, out, smaller, exactly)
	o.arrival(res.Reveal)
	if o.drawn != "" {
		if err := o.write(ctx, o.drawn, func(w io.Writer) error { return drawMap(res.Map).EncodeContext(ctx, w, picture.PNG, nil) }); err != nil {
			return err
		}
	}
	if err := o.result(res); err != nil {
		return err
	}
	if !res.Complete {
		return &partError{fmt.Errorf("parts of %s are missing, so the picture in %s is coarser than the one that was hidden", stego.name, out)}
	}
	return nil
}

// outFor returns where what was revealed is to be written, and whether that is the file itself: always if it is no picture, else if nothing says that
// another kind of file is wanted. Where no name was given, it has its own.
func (o *revealFlags) outFor(out string, file *ditas.File, only bool) (string, bool) {
	if file == nil || o.format != "" && !only {
		return out, false
	}
	name := file.SafeName()
	extension := filepath.Ext(name)
	if picture.Misnamed(name, file.Data) != "" {
		extension = picture.ExtensionOf(file.Data)
	}
	switch {
	case o.batch.dir != "":
		return ending(strings.TrimSuffix(out, filepath.Ext(out)), extension), true
	case !o.named:
		return name, true // or with a number
	}
	return out, only || picture.Misnamed(out, file.Data) == ""
}

// refuse returns an error that no picture is written under the name that was given, and what is. file is what was hidden, nil if that is the picture alone.
func (o *revealFlags) refuse(unknown error, file *ditas.File) error {
	if o.format == "" && file != nil {
		return withHint(unknown, "under a name that ends in %s, or not as those of pictures do, the hidden file comes back as it is",
			picture.ExtensionOf(file.Data))
	}
	return withHint(unknown, "--format writes a picture under any name")
}

// arrival tells what has arrived of a recording.
func (t *terminal) arrival(r *report.Reveal) {
	for i, s := range r.Stages {
		t.detail("  stage %d of %d  %d of %d pieces arrived\n", i+1, len(r.Stages), s.Arrived, s.Blocks)
	}
	if r.Truncated {
		t.detail("  recording     ends too early: the file is cut off\n")
	}
	if r.Beyond > 0 {
		t.detail("  recording     goes on for %.1f s behind what was hidden: something else may be hidden there, to be found once that part is cut out\n", r.Beyond)
	}
	if r.Damaged > 0 {
		t.detail("  recording     %.2f s of the file are damaged\n", r.Damaged)
	}
	if r.Altered {
		t.detail("  recording     its samples do not match the checksum in its header: something has changed them\n")
	}
	if r.Complaint != "" {
		t.detail("  recording     seems to be damaged or cut off: the program that decoded it says: %s\n", r.Complaint)
	}
	if r.Map != nil {
		enough := ""
		if r.Complete && r.Arrived < r.Frames {
			enough = ", enough for all that was hidden"
		}
		t.detail("  recording     %d of %d frames found%s%s\n", r.Arrived, r.Frames, enough, changes(r))
	}
}

// changes tells what has become of a recording's amplitude.
func changes(r *report.Reveal) string {
	var s string
	if math.Abs(r.Gain) > 0.05 {
		s += fmt.Sprintf(", volume changed by %+.1f dB", r.Gain)
	}
	if r.Inverted {
		s += ", polarity inverted"
	}
	if math.Abs(r.Offset) > 1e-4 {
		s += fmt.Sprintf(", offset by %+.4f", r.Offset)
	}
	return s
}

// drawMap draws a row for each channel, from left to right in time: dark where the recording was found.
func drawMap(found [][]bool) *picture.Planes {
	const width, height, gap = 1024, 32, 4
	p := picture.New(width, len(found)*(height+gap)-gap)
	for i := range p.Pix[0] {
		y, x := i/width, i%width
		channel, row := y/(height+gap), y%(height+gap)
		value := float32(1)
		if row < height {
			from, to := x*len(found[channel])/width, max((x+1)*len(found[channel])/width, x*len(found[channel])/width+1)
			n := 0
			for _, f := range found[channel][from:to] {
				if f {
					n++
				}
			}
			value = 0.9 - 0.7*float32(n)/float32(to-from)
		}
		for c := range p.Pix {
			p.Pix[c][i] = value
		}
	}
	return p
}
