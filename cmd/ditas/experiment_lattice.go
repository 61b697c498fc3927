package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment/lattice"
)

const latticeHelp = `Measure the default method, by the protocol of docs/LATTICE.md.

The command hides photographs of the test set in its speech, damages the recordings in
many ways, and compares what comes back. --out gets the results as lattice.json, the
page as lattice.md, and the figure in a folder figures.

--data is a folder that ditas data made; --set chooses another of its sets, for
development. --music adds a folder of recordings that are not speech. --innocents
searches recordings with nothing hidden in them; each takes a few seconds.`

const latticeExample = `  ditas experiment lattice --data data --out results
  ditas experiment lattice --data data --out results --pairs 8 --set validation`

type latticeFlags struct {
	experimentFlags
	measured                  lattice.Options
	music, musicName, earlier string
}

func latticeCommand() *cobra.Command {
	var o latticeFlags
	cmd := &cobra.Command{
		Use:     "lattice --data FOLDER --out FOLDER",
		Short:   "Measure the default method",
		Long:    latticeHelp,
		Example: latticeExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	o.addExperimentFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.music, "music", "", "`FOLDER` of recordings that are not speech")
	f.StringVar(&o.musicName, "music-name", "", "`TEXT` that says where the music comes from (default: the folder's name)")
	f.IntVar(&o.options.Damaged, "damaged", 0, "number `N` of pairs whose recordings are damaged; 0 means half of all")
	f.IntVar(&o.measured.Innocents, "innocents", 0, "number `N` of recordings to search that have nothing hidden in them")
	f.StringSliceVar(&o.measured.Parts, "only", nil, "measure only the parts in `LIST`: "+strings.Join(lattice.Parts(), ", "))
	f.StringVar(&o.earlier, "earlier", "", "with --only, take the other parts from a lattice.json `FILE` of the same data and pairs")
	o.addFlags(cmd)
	return cmd
}

func (o *latticeFlags) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.options.Damaged < 0 || o.measured.Innocents < 0 {
		return usagef("--damaged and --innocents: want 0 or more")
	}
	for _, p := range o.measured.Parts {
		if !slices.Contains(lattice.Parts(), p) {
			return usagef("--only %s: want some of %s", p, strings.Join(lattice.Parts(), ", "))
		}
	}
	data, err := o.load(ctx, "photos")
	if err != nil {
		return err
	}
	if o.music != "" {
		if o.measured.Music, err = dataset.OpenSpeech(ctx, o.music, dataset.LoadOptions{}); err != nil {
			return err
		}
		if o.measured.MusicName = o.musicName; o.measured.MusicName == "" {
			o.measured.MusicName = filepath.Base(o.music)
		}
	}
	if o.earlier != "" {
		f, err := os.Open(o.earlier)
		if err != nil {
			return err
		}
		defer f.Close()
		if o.measured.Earlier, err = lattice.ReadReport(f); err != nil {
			return err
		}
	}
	o.measured.Command = o.command()
	end := o.show("measuring")
	o.measured.Table = func(t *lattice.Table) error {
		var b strings.Builder
		err := t.Markdown(&b)
		o.text(b.String() + "\n")
		return err
	}
	o.measured.Options = o.options
	r, err := lattice.Measure(ctx, data, o.measured)
	end()
	if err != nil {
		return err
	}
	results := map[string]func(w io.Writer) error{
		"lattice.md":   r.Markdown,
		"lattice.json": func(w io.Writer) error { return writeJSON(w, r) },
	}
	if len(r.Curves) > 0 {
		results[filepath.Join("figures", lattice.FigureName)] = r.Figure
	}
	if err := o.write(results); err != nil {
		return err
	}
	return o.result(r)
}

// command returns the command that gives the same results.
func (o *latticeFlags) command() string {
	c := o.common("lattice")
	if o.options.Damaged > 0 {
		c += fmt.Sprintf(" --damaged %d", o.options.Damaged)
	}
	if o.music != "" {
		c += " --music music"
	}
	if o.musicName != "" {
		c += fmt.Sprintf(" --music-name %q", o.musicName)
	}
	if o.measured.Innocents > 0 {
		c += fmt.Sprintf(" --innocents %d", o.measured.Innocents)
	}
	if o.earlier != "" {
		c += " --earlier results/lattice.json"
	}
	if o.measured.Parts != nil {
		c += " --only " + strings.Join(o.measured.Parts, ",")
	}
	return c + fmt.Sprintf(" --seed %d", o.options.Seed)
}
