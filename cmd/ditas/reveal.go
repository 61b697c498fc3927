package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/networks"
	"ditas/picture"
)

const revealHelp = `Reveal the picture that is hidden in a recording. It takes nothing but the file,
and the passphrase if there is one.

The format of the picture follows from the name to write: .png, .jpg, .bmp or
.tif. Without one of these it is PNG.

A picture is hidden in stages, each of which adds what the ones before it missed,
the first being protected most. Of a recording that was cut, silenced in part or
disturbed by noise, ditas reveals what is left, says how much of each stage that is,
and ends with exit code 3. A change of volume, polarity or of the order of channels
is found and undone. --map draws which parts of the recording were found.

A recording with nothing in it and a wrong passphrase look the same.
` + passphraseHelp

const revealExample = `  ditas reveal --stego stego.wav --out photo.png
  ditas reveal -s stego.flac -o photo.png -p
  ditas reveal -s stego.wav -o photo.jpg --json --map map.png`

type revealFlags struct {
	terminal
	stego, out, drawn string
	passphrase        passphraseFlags
	options           ditas.RevealOptions
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
	o.passphrase.addFlags(cmd, "of the picture")
	f.StringVar(&o.drawn, "map", "", "draw which parts of the recording were found, a `PICTURE`")
	f.BoolVar(&o.options.Plain, "plain", false, "do without the network that restores a picture of which a part is missing")
	f.StringVar(&o.options.Method, "method", "", "how it was hidden, a `NAME` (default: find out)")
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
	if o.options.Method != "" && o.options.Method != ditas.Lattice && o.options.Method != networks.Method {
		return usagef("--method %s is unknown: want %s or %s", o.options.Method, ditas.Lattice, networks.Method)
	}
	if err := checkOutput(o.out, o.stego); err != nil {
		return err
	}
	if o.drawn != "" {
		if err := checkOutput(o.drawn, o.stego, o.out); err != nil {
			return err
		}
	}
	stego, err := openRecording(o.stego)
	if err != nil {
		return err
	}
	defer stego.Close()
	if o.options.Passphrase, err = o.passphrase.read(ctx, &o.terminal, false); err != nil {
		return err
	}
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
	exactly := ""
	if res.Exact {
		exactly = ", exactly as it was hidden"
	}
	o.printf("%s holds a picture of %d×%d pixels, now in %s%s\n", o.stego, res.Width, res.Height, o.out, exactly)
	for i, s := range res.Stages {
		o.printf("  stage %d of %d  %d of %d pieces arrived\n", i+1, len(res.Stages), s.Arrived, s.Blocks)
	}
	if res.Method == ditas.Lattice {
		o.printf("  recording     %d of %d frames found%s\n", res.Arrived, res.Frames, changes(res.RevealReport))
	}
	if o.drawn != "" && len(res.Map) > 0 {
		if err := writeFile(o.drawn, func(w io.Writer) error { return drawMap(res.Map).Encode(w, picture.PNG) }); err != nil {
			return err
		}
	}
	if err := o.result(res); err != nil {
		return err
	}
	if !res.Complete {
		return &partError{fmt.Errorf("parts of %s are missing, so the picture in %s is coarser than the one that was hidden", o.stego, o.out)}
	}
	return nil
}

// changes tells what has become of a recording's amplitude.
func changes(r *ditas.RevealReport) string {
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
