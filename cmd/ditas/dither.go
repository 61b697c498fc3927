package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/audio/codec"
	"ditas/internal/job"
	"ditas/report"
)

const ditherHelp = `Write recordings in 16 bits with dither, and nothing hidden in them.

Dither is the weak noise with which samples are rounded, of up to one step in each
direction; most programs add it when they export 16 bits. ditas hide --for secret
gives the same to recordings of more bits and to those that were compressed with loss.
Whoever dithers all recordings that he sends does not stand out with those that hold
something.

A recording of 16 bits keeps everything but its samples. Any other becomes a new file
without its tags: a WAV or FLAC file one of its kind, the others FLAC, or what the
name of the output says. The original is not changed; keep it to yourself, or whoever
has both sees what was done.

The last of two names is that of the recording to write; without one, it gets the name
of the first, in the present folder, with a number if there is such a file. A file
that exists is replaced only with --force. With --out-dir, each of many recordings is
written under its own name. - stands for standard input or output.
` + batchHelp

const ditherExample = `  ditas dither song.wav
  ditas dither master.wav song.flac
  ditas dither songs/*.flac --out-dir dithered`

type ditherFlags struct {
	terminal
	out string
	writing
	options ditas.DitherOptions
}

func ditherCommand() *cobra.Command {
	o := ditherFlags{writing: writing{sixteen: true}}
	cmd := &cobra.Command{
		Use:     "dither RECORDING… [OUT]",
		Short:   "Write recordings in 16 bits with dither, with nothing in them",
		Long:    ditherHelp,
		Example: ditherExample,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.begin(cmd)
			return o.run(cmd.Context(), expand(args))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.out, "out", "o", "", "the `RECORDING` to write (default: the other one's name, with a number)")
	o.batch.addFlags(cmd, "under the recordings' names")
	o.addCompression(cmd)
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addVerbose(cmd)
	o.addFlags(cmd)
	completeFiles(cmd, "out", writtenRecordingExtensions...)
	completeArguments(cmd, recordingExtensions)
	return cmd
}

// dithered is the result of ditas dither.
type dithered struct {
	Recording fileName `json:"recording"`
	Out       fileName `json:"out"`
	Format    string   `json:"format"` // of what is written
	// Becomes tells what a recording became that has more bits, or cannot be written as it is.
	Becomes  string           `json:"becomes,omitempty"`
	Warnings []report.Warning `json:"warnings,omitempty"`
}

func (o *ditherFlags) run(ctx context.Context, names []string) error {
	if err := checkWorkers(o.options.Workers); err != nil {
		return err
	}
	out := o.out
	if len(names) == 2 && out == "" && o.batch.dir == "" {
		names, out = names[:1], names[1]
	}
	if err := oneStdin(names...); err != nil {
		return err
	}
	if err := o.batch.check(out, len(names)); err != nil {
		return err
	}
	outs, err := o.outs(out, names)
	if err != nil {
		return err
	}
	remove, err := o.batch.makeFolder()
	if err != nil {
		return err
	}
	defer remove()
	list := covers(names)
	for i := range list {
		list[i].Out = outs[i]
	}
	return o.each(ctx, these(list...), tally{file: "recording", done: "dithered"}, func(j job.Job) error { return o.dither(ctx, j, names) })
}

// dither dithers one recording. None of the inputs is written to.
func (o *ditherFlags) dither(ctx context.Context, j job.Job, inputs []string) error {
	if err := o.batch.checkOutput(o.placed(j.Out), inputs...); err != nil {
		return err
	}
	r, err := openRecording(ctx, j.Cover)
	if err != nil {
		return err
	}
	defer r.Close()
	rewriter, out, err := o.writable(r, j.Out)
	if err != nil {
		return err
	}
	format := rewriter.Format()
	if format.Bits() < 16 {
		return withHint(fmt.Errorf("%s has samples of %d bits, and dither is for what becomes 16", r.name, format.Bits()),
			"leave it as it is: ditas dithers no such recording when it hides in one")
	}
	var end func()
	o.options.Progress, end = o.phases()
	defer end()
	out, err = o.writeTo(ctx, &o.terminal, out, func(w io.Writer) error {
		if err := ditas.Dither(ctx, w, rewriter, o.options); err != nil {
			return err
		}
		return o.batch.checkOutput(o.placed(out), inputs...) // which may have come meanwhile
	})
	end()
	if err != nil {
		return explain(err, r, ditas.Covert)
	}
	res := dithered{Recording: fileName(j.Cover), Out: fileName(out), Format: format.String(), Becomes: codec.Becomes(rewriter), Warnings: ditas.Damage(rewriter)}
	for _, w := range res.Warnings {
		o.warn(r.name+" "+w.Text, w.Advice)
	}
	if res.Becomes != "" {
		o.printf("%s is dithered in %s; it became %s\n", r.name, written(out), res.Becomes)
	} else {
		o.printf("%s is dithered in %s: %s\n", r.name, written(out), res.Format)
	}
	return o.result(res)
}
