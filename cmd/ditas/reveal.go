package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/picture"
)

const revealHelp = `Reveal the picture that is hidden in a recording. It takes nothing but the file.

The format of the picture follows from the name to write: .png, .jpg, .bmp or
.tif. Without one of these it is PNG.

A picture is hidden in stages, each of which adds what the ones before it missed,
and the first stage of everything comes first. Of a recording that was cut off, or
parts of which were silenced, ditas reveals what is left, says how much of each
stage that is, and ends with exit code 3.`

const revealExample = `  ditas reveal --stego stego.wav --out photo.png
  ditas reveal -s stego.wav -o photo.jpg --json`

type revealFlags struct {
	terminal
	stego, out string
	options    ditas.RevealOptions
}

func revealCommand() *cobra.Command {
	var o revealFlags
	cmd := &cobra.Command{
		Use:     "reveal --stego RECORDING --out PICTURE",
		Short:   "Reveal the picture in a recording",
		Long:    revealHelp,
		Example: revealExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.stego, "stego", "s", "", "the `RECORDING` with the picture in it")
	f.StringVarP(&o.out, "out", "o", "", "the `PICTURE` to write; a file of that name is replaced")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addFlags(cmd)
	require(cmd, "stego", "out")
	return cmd
}

// revealed is the result of ditas reveal.
type revealed struct {
	Stego    string `json:"stego"`
	Out      string `json:"out"`
	Complete bool   `json:"complete"`
	*ditas.RevealReport
}

func (o *revealFlags) run(ctx context.Context) error {
	if err := checkWorkers(o.options.Workers); err != nil {
		return err
	}
	format := picture.PNG
	if filepath.Ext(o.out) != "" {
		var err error
		if format, err = picture.FormatOf(o.out); err != nil {
			return &usageError{err}
		}
	}
	if err := checkOutput(o.out, o.stego); err != nil {
		return err
	}
	stego, err := openRecording(o.stego)
	if err != nil {
		return err
	}
	defer stego.Close()
	res := revealed{Stego: o.stego, Out: o.out}
	var end func()
	o.options.Progress, end = o.progress("revealing")
	err = writeFile(o.out, func(w io.Writer) error {
		p, report, err := ditas.Reveal(ctx, stego, o.options)
		if err != nil {
			return err
		}
		res.RevealReport, res.Complete = report, report.Complete()
		return p.Encode(w, format)
	})
	end()
	if err != nil {
		return explain(err, stego)
	}
	o.printf("%s holds a picture of %d×%d pixels, now in %s\n", o.stego, res.Width, res.Height, o.out)
	for i, n := range res.Arrived {
		o.printf("  stage %d of %d  %d of %d tiles arrived\n", i+1, len(res.Arrived), n, res.Tiles)
	}
	if err := o.result(res); err != nil {
		return err
	}
	if !res.Complete {
		return &partError{fmt.Errorf("parts of %s are missing, so the picture in %s is coarser than the one that was hidden", o.stego, o.out)}
	}
	return nil
}
