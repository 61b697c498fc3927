package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/internal/job"
	"ditas/report"
)

// inspectHelp explains the command.
func inspectHelp() string {
	return `Tell whether there is a picture in a recording, how much of it has arrived, and how
the recording has changed since, without writing anything.

It ends as ditas reveal would: with exit code 0 if the whole picture is there, 3 if
parts are missing, and 4 if ditas finds nothing with this passphrase or, without one,
nothing that anyone could reveal. A wrong passphrase gives the same message as a
recording with nothing in it. - stands for standard input.
` + batchHelp + manifestHelp(job.Inspect) + "\n" + passphraseHelp
}

const inspectExample = `  ditas inspect stego.wav
  ditas inspect --json -p stego/*.flac
  ditas inspect --manifest jobs.jsonl --shard 2/8 --results results-2.jsonl`

type inspectFlags struct {
	networks networkFlags
	terminal
	manifest   manifestFlags
	passphrase passphraseFlags
	options    ditas.RevealOptions
}

func inspectCommand() *cobra.Command {
	var o inspectFlags
	cmd := &cobra.Command{
		Use:     "inspect RECORDING…",
		Short:   "Tell whether there is a picture in a recording",
		Long:    inspectHelp(),
		Example: inspectExample,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("manifest") {
				return nil
			}
			return cobra.MinimumNArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.begin(cmd)
			return o.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.passphrase.addFlags(cmd, "of the picture")
	o.networks.addFlags(cmd, &o.options.Method, "try only the method `NAME`")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.manifest.addFlags(cmd, job.Inspect)
	o.addVerbose(cmd)
	o.addFlags(cmd)
	completeArguments(cmd, recordingExtensions)
	return cmd
}

// inspected is the result of ditas inspect.
type inspected struct {
	Stego      fileName `json:"stego"`
	Format     string   `json:"format"`
	Passphrase bool     `json:"passphrase"` // takes one
	*report.Reveal
}

func (o *inspectFlags) run(ctx context.Context, args []string) error {
	names, err := o.passphrase.files(args)
	if err != nil {
		return err
	}
	if err := checkWorkers(o.options.Workers); err != nil {
		return err
	}
	if o.options.Weights, err = o.networks.load(ctx); err != nil {
		return err
	}
	if _, err := checkMethod(o.options.Method); err != nil {
		return err
	}
	if err := oneStdin(slices.Concat(names, o.passphrase.sources(), []string{o.manifest.manifest})...); err != nil {
		return err
	}
	list := these(stegos(names)...)
	if o.manifest.manifest != "" {
		if list, err = o.manifest.read(ctx, len(names) == 0, nil); err != nil {
			return err
		}
	}
	if list, err = o.manifest.part(list, false); err != nil {
		return err
	}
	if list.many {
		if _, err := o.passphrase.keyOf(ctx, &o.terminal, false); err != nil {
			return err
		}
	}
	return o.each(ctx, list, tally{file: "recording", done: "with a picture", part: "with parts of one"}, func(j job.Job) error {
		return o.inspect(ctx, j)
	})
}

func (o *inspectFlags) inspect(ctx context.Context, j job.Job) error {
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
	var end func()
	o.options.Progress, end = o.phases()
	r, err := ditas.Inspect(ctx, stego, key, o.options)
	end()
	if err != nil {
		return passphrase.advise(explain(err, stego, o.options.Method))
	}
	res := inspected{
		Stego: fileName(j.Stego), Format: stego.Format().String(), Passphrase: key.Secret(), Reveal: r,
	}
	switch {
	case r.File != nil && r.Width == 0:
		o.printf("%s holds the file %s of %s: it is there byte for byte\n", stego.name, shownName(r.File), fileSize(r.File.Bytes))
	case r.File != nil:
		o.printf("%s holds a picture of %d×%d pixels: it is there as the file %s of %s\n", stego.name, r.Width, r.Height, shownName(r.File), fileSize(r.File.Bytes))
	default:
		o.printf("%s holds a picture of %d×%d pixels: %s\n", stego.name, res.Width, res.Height, what(r))
	}
	if res.Bytes > 0 {
		profile := "not protected against noise"
		if res.Robust {
			profile = "protected against noise"
		}
		o.detail("  method        %s, %s\n", res.Method, profile)
		o.detail("  size          %s, of which %s arrived without a gap\n", size(res.Bytes), size(res.Read))
	} else {
		o.detail("  method        %s\n", res.Method)
	}
	o.arrival(r)
	if !res.Passphrase {
		o.detail("Anyone who has ditas can reveal it: it takes no passphrase.\n")
	}
	if err := o.result(res); err != nil {
		return err
	}
	if !res.Complete {
		return &partError{fmt.Errorf("parts of %s are missing", stego.name)}
	}
	return nil
}

// shownName returns the name of a file that was hidden as it would be written.
func shownName(f *report.File) string { return (&ditas.File{Name: f.Name}).SafeName() }

// what tells how good the picture is that a recording gives.
func what(r *report.Reveal) string {
	switch {
	case r.Exact:
		return "it is there exactly as it was hidden"
	case r.Complete:
		return "all that was hidden of it is there"
	default:
		return "parts of it are missing"
	}
}
