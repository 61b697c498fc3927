package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/figures"
	"ditas/picture"
)

const figuresHelp = `Draw the figures of the paper, as in docs/FIGURES.md: what every method makes of a
recording and a photograph, what every stage does, and how the stages are connected.
--out gets the page as figures.md and the figures in a folder figures.

They show the photograph and the speech of ditas demo, which anyone may publish. --pair
shows a pair of --data, a folder that ditas data made, instead. --weights is a folder of
trained systems, like weights in the repository, that ditas experiment train-all made.`

const figuresExample = `  ditas experiment figures --weights weights --out results
  ditas experiment figures --data data --pair 3 --weights weights --out results`

type figuresFlags struct {
	experimentFlags
	weights string
	pair    int
}

func figuresCommand() *cobra.Command {
	var o figuresFlags
	cmd := &cobra.Command{
		Use:     "figures --weights FOLDER --out FOLDER",
		Short:   "Draw the figures of the paper",
		Long:    figuresHelp,
		Example: figuresExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.data, "data", "d", "", "a `FOLDER` that ditas data made, for --pair")
	f.StringVar(&o.set, "set", "test", "which set of --data to use: `SET` is test or validation")
	f.StringVarP(&o.weights, "weights", "w", "weights", "a `FOLDER` of trained systems")
	f.StringVarP(&o.out, "out", "o", "", "`FOLDER` for the results")
	f.IntVar(&o.pair, "pair", 0, "show pair `N` of --data, counted from 1; 0 means the pair of ditas demo")
	f.Uint64Var(&o.options.Seed, "seed", 1, "the seed `N` of random numbers")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addFlags(cmd)
	return cmd
}

// demoAttribution says where the demo's photograph and speech are from, in Markdown.
const demoAttribution = `Photograph: a moose in autumn, by Ryan Hagerty, U.S. Fish and Wildlife Service, public domain
(<https://commons.wikimedia.org/wiki/File:Male_Moose.jpg>). Speech: Carlo Flora, © 2012 Carlo Flora, <http://www.segreterietelefoniche.it>, translated by
Silvia Petrin from the English text that Digium, Inc. distributes, [CC-BY-3.0](https://creativecommons.org/licenses/by/3.0/); its start, scaled, and with
pictures hidden in it. More in [ATTRIBUTION.md](../cmd/ditas/demo/ATTRIBUTION.md).`

// demoExhibit returns what ditas demo shows, which may be published.
func demoExhibit() (*experiment.Exhibit, error) {
	photo, err := picture.Decode(bytes.NewReader(demoPhoto))
	if err != nil {
		return nil, err
	}
	f, err := codec.Open(bytes.NewReader(demoSpeech), int64(len(demoSpeech)))
	if err != nil {
		return nil, err
	}
	speech, err := audio.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return experiment.NewExhibit(photo, speech, demoAttribution)
}

// runsIn opens the folder of a kind of pictures in a folder of trained systems.
func runsIn(weights, kind string) (string, error) {
	runs := filepath.Join(weights, kind)
	if _, err := os.Stat(runs); err != nil {
		return "", withHint(err, "--weights names a folder of trained systems; ditas experiment train-all builds one")
	}
	return runs, nil
}

func (o *figuresFlags) run(ctx context.Context) error {
	switch {
	case o.out == "":
		return withHint(usagef("--out is not given"), "give a folder for the results, like --out results")
	case o.pair < 0:
		return usagef("--pair %d: want 0 or more", o.pair)
	case o.pair > 0:
		if err := o.check(); err != nil {
			return err
		}
	}
	if err := checkWorkers(o.options.Workers); err != nil {
		return err
	}
	runs, err := runsIn(o.weights, "photos")
	if err != nil {
		return err
	}
	exhibit, err := o.exhibit(ctx)
	if err != nil {
		return err
	}
	progress, end := o.progress("drawing")
	if progress != nil {
		o.options.Progress = func(_ string, done, total int) { progress(done, total) }
	}
	r, err := figures.Make(ctx, exhibit, os.DirFS(runs), o.options)
	end()
	if err != nil {
		return err
	}
	r.Command = o.command()
	results := map[string]func(w io.Writer) error{"figures.md": r.Markdown}
	figures, err := r.Files()
	if err != nil {
		return err
	}
	for name, draw := range figures {
		results[filepath.Join("figures", name)] = draw
	}
	if err := o.write(results); err != nil {
		return err
	}
	return o.result(r)
}

func (o *figuresFlags) exhibit(ctx context.Context) (*experiment.Exhibit, error) {
	if o.pair == 0 {
		return demoExhibit()
	}
	data, err := o.load(ctx, "photos")
	if err != nil {
		return nil, err
	}
	return data.Exhibit(o.pair - 1)
}

// command returns the command that gives the same results.
func (o *figuresFlags) command() string {
	if o.pair == 0 {
		return "ditas experiment figures --weights weights --out results"
	}
	return o.common("figures") + fmt.Sprintf(" --weights weights --pair %d", o.pair)
}
