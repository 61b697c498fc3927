package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/steganalysis"
	"ditas/internal/lab/experiment/steganalysis/detector"
)

const steganalysisHelp = `Measure how well small networks detect that something is hidden in a recording, by the
protocol of docs/STEGANALYSIS.md. For every method, at the same container MSE, a detector
of its own learns from pairs of recordings made from the training set, is chosen with the
validation set, and is tried on the test set. --out gets the results as
steganalysis.json, the page as steganalysis.md, and the figure in a folder figures.

--data is a folder that ditas data made. --weights is a folder of trained systems, like
weights in the repository, that ditas experiment train-all made; missing systems are left
out.

With --detector features, some 2,000 features made by hand and a linear discriminant are
the detector, which needs no weights and finds more. It takes all speech in --data, and the
music in --music, a folder that ditas data --music made; --out gets the results as
steganalysis-features.json and steganalysis-features.md. With --detector structure, it is
looked for what comes again within recordings of ten minutes, by who knows the methods and
has no key; --out gets the results as steganalysis-structure.json and
steganalysis-structure.md. Of the flags above --out, --only, --seed and --workers count,
and with features --each.`

const steganalysisExample = `  ditas experiment steganalysis --data data --weights weights --out results
  ditas experiment steganalysis --data data --weights weights --out results --learn 40 \
    --fainter 20 --only lattice --only ditas-m-ed
  ditas experiment steganalysis --detector features --data data --music music --out results`

type steganalysisFlags struct {
	experimentFlags
	weights           string
	learn, validation int
	steps             int
	fainter           []float64
	only              []string
	detector, music   string
	each              int
}

func steganalysisCommand() *cobra.Command {
	var o steganalysisFlags
	cmd := &cobra.Command{
		Use:     "steganalysis --data FOLDER --weights FOLDER --out FOLDER",
		Short:   "Measure how well detectors find what is hidden",
		Long:    steganalysisHelp,
		Example: steganalysisExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.data, "data", "d", "", "a `FOLDER` that ditas data made")
	f.StringVarP(&o.weights, "weights", "w", "weights", "a `FOLDER` of trained systems")
	f.StringVarP(&o.out, "out", "o", "", "`FOLDER` for the results")
	f.IntVar(&o.learn, "learn", steganalysis.LearnPairs, "number `N` of training pairs for each method")
	f.IntVar(&o.validation, "validation", steganalysis.ValidationPairs, "number `N` of validation pairs")
	f.IntVar(&o.steps, "steps", detector.Default().Steps, "number `N` of training steps of a detector")
	f.IntVar(&o.options.Pairs, "pairs", 0, "number `N` of test pairs; 0 means all")
	f.Float64SliceVar(&o.fainter, "fainter", []float64{0, 10}, "strengths, a `LIST` in dB of SNR above the lattice's default")
	f.Lookup("fainter").DefValue = "0,10" // not six digits of each
	f.StringArrayVar(&o.only, "only", nil, "measure only the method `NAME` of steganalysis.json; may be given more than once")
	f.StringVar(&o.detector, "detector", byNetworks, "`WHAT` detects: networks, features or structure")
	f.StringVar(&o.music, "music", "", "a `FOLDER` that ditas data --music made, for --detector features and structure")
	f.IntVar(&o.each, "each", steganalysis.EachGroup, "number `N` of covers of a speaker or a track at most, for --detector features")
	f.Uint64Var(&o.options.Seed, "seed", 1, "the seed `N` of random numbers")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addFlags(cmd)
	return cmd
}

// What detects.
const (
	byNetworks  = "networks"
	byFeatures  = "features"
	byStructure = "structure"
)

// load reads the photographs and the speech of all sets.
func (o *steganalysisFlags) load(ctx context.Context) (d steganalysis.Data, err error) {
	for set, data := range map[string]*experiment.Data{"train": &d.Learn, "validation": &d.Validation, "test": &d.Test} {
		o.set = set
		if *data, err = o.experimentFlags.load(ctx, kinds[0]); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (o *steganalysisFlags) run(ctx context.Context) error {
	o.set = "test"
	if err := o.check(); err != nil {
		return err
	}
	switch {
	case o.detector != byNetworks && o.detector != byFeatures && o.detector != byStructure:
		return usagef("--detector %s: want %s, %s or %s", o.detector, byNetworks, byFeatures, byStructure)
	case o.each < 1:
		return usagef("--each %d: want at least 1", o.each)
	case o.detector != byNetworks:
		return o.attack(ctx)
	case o.music != "":
		return usagef("--music is for --detector %s and %s", byFeatures, byStructure)
	case o.learn < 1 || o.validation < 1 || o.steps < 1:
		return usagef("--learn %d, --validation %d, --steps %d: want at least 1", o.learn, o.validation, o.steps)
	case len(o.fainter) == 0:
		return usagef("--fainter names no strength")
	}
	for _, dB := range o.fainter {
		if !(dB >= -30 && dB <= 40) {
			return usagef("--fainter %g: want -30 to 40 dB", dB)
		}
	}
	runs, err := runsIn(o.weights, kinds[0])
	if err != nil {
		return err
	}
	data, err := o.load(ctx)
	if err != nil {
		return err
	}
	data.Runs = os.DirFS(runs)
	end := o.show("learning")
	config := detector.Default()
	config.Steps = o.steps
	r, err := steganalysis.Measure(ctx, data, steganalysis.Options{
		Options: o.options, Learn: o.learn, Validation: o.validation, Fainter: o.fainter, Only: o.only, Detector: config, Group: o.save,
	})
	end()
	if err != nil {
		return err
	}
	o.printf("the results are in %s\n", o.out)
	return o.result(r)
}

// attack measures what features or structure detect, in all recordings that there are.
func (o *steganalysisFlags) attack(ctx context.Context) error {
	var data steganalysis.AttackData
	narrow := steganalysis.Scene{Name: "Speech and music at 16 kHz", Rate: dataset.Rate, Samples: experiment.Samples}
	trade := steganalysis.Scene{Name: steganalysis.TradeName, Rate: dataset.Rate, Samples: experiment.Samples, Level: 2 * steganalysis.Level}
	native := steganalysis.Scene{Name: "Music at 44.1 kHz", Rate: dataset.MusicRate, Samples: experiment.Samples}
	for _, set := range []string{"train", "validation", "test"} {
		o.set = set
		d, err := o.experimentFlags.load(ctx, kinds[0])
		if err != nil {
			return err
		}
		narrow.Sets, data.Pictures = append(narrow.Sets, d.Speech), d.Pictures
		scenes := []*steganalysis.Scene{&narrow, &native}
		if set != "test" {
			trade.Sets = append(trade.Sets, d.Speech)
			scenes = append(scenes, &trade)
		}
		data.Digest, _, _ = strings.Cut(d.Digest, ",")
		if o.music == "" {
			continue
		}
		for _, scene := range scenes {
			music, err := dataset.OpenSpeech(ctx, filepath.Join(o.music, set, "music"), dataset.LoadOptions{Rate: scene.Rate, FullBand: true})
			if err != nil {
				return err
			}
			scene.Sets = append(scene.Sets, music)
		}
	}
	if o.music != "" {
		m, err := dataset.ReadManifest(o.music)
		if err != nil {
			return withHint(err, "ditas data --music builds a folder for --music")
		}
		data.Digest += " and " + m.Digest()
	}
	if o.detector == byStructure {
		data.Scenes = []steganalysis.Scene{narrow, native}
		for i := range data.Scenes {
			data.Scenes[i].Samples = longest * data.Scenes[i].Rate
		}
	} else {
		loud, long := narrow, narrow
		loud.Name, loud.Level = "The same, twice as loud", 2*steganalysis.Level
		loud.Only = []string{"lattice, as is usual", "lattice, faint", "covert, 0.5 bit", "LSB matching, 0.5 bit"}
		long.Name, long.Samples, long.Joined, long.Only = "A minute at 16 kHz", 60*dataset.Rate, true, []string{steganalysis.Filled, "LSB matching, 0.1 bit"}
		native.Only = []string{"lattice, as is usual", "covert in dither, 0.5 bit", "dither", "LSB matching, 0.5 bit", "white noise, loud", "nothing hidden"}
		data.Scenes, data.Trade = []steganalysis.Scene{narrow, loud, long, native}, &trade
	}
	if o.music == "" {
		data.Scenes = slices.DeleteFunc(data.Scenes, func(s steganalysis.Scene) bool { return s.Rate == native.Rate })
	}
	o.set = "test"
	command := o.common("steganalysis") + " --detector " + o.detector
	if o.music != "" {
		command += " --music music"
	}
	if o.each != steganalysis.EachGroup && o.detector == byFeatures {
		command += fmt.Sprintf(" --each %d", o.each)
	}
	for _, name := range o.only {
		command += fmt.Sprintf(" --only %q", name)
	}
	command += fmt.Sprintf(" --seed %d", o.options.Seed)
	save := func(page, figure func(w io.Writer) error, r any) error {
		e := o.experimentFlags
		e.quiet = true // it is said once, at the end
		name := "steganalysis-" + o.detector
		files := map[string]func(w io.Writer) error{name + ".md": page, name + ".json": func(w io.Writer) error { return writeJSON(w, r) }}
		if figure != nil {
			files[filepath.Join("figures", steganalysis.FigureTrade)] = figure
		}
		return e.write(files)
	}
	options := steganalysis.AttackOptions{Options: o.options, Each: o.each, Only: o.only}
	var r any
	var err error
	end := o.show("hiding")
	if o.detector == byStructure {
		r, err = steganalysis.Repeats(ctx, data, options, func(r *steganalysis.RepeatsReport) error {
			r.Command = command
			return save(r.Markdown, nil, r)
		})
	} else {
		options.Method = func(r *steganalysis.AttackReport) error {
			r.Command = command
			if r.Trade == nil {
				return save(r.Markdown, nil, r)
			}
			return save(r.Markdown, r.Figure, r)
		}
		r, err = steganalysis.Attack(ctx, data, options)
	}
	end()
	if err != nil {
		return err
	}
	o.printf("the results are in %s\n", o.out)
	return o.result(r)
}

// longest is the length in seconds of a recording that is searched for what comes again.
const longest = 600

// save writes what there is of the results.
func (o *steganalysisFlags) save(r *steganalysis.Report) error {
	r.Command = o.command()
	e := o.experimentFlags
	e.quiet = true // it is said once, at the end
	return e.write(map[string]func(w io.Writer) error{
		"steganalysis.md": r.Markdown, filepath.Join("figures", steganalysis.FigureName): r.Figure,
		"steganalysis.json": func(w io.Writer) error { return writeJSON(w, r) },
	})
}

// command returns the command that gives the same results.
func (o *steganalysisFlags) command() string {
	o.set = "test"
	c := o.common("steganalysis") + " --weights weights"
	if o.learn != steganalysis.LearnPairs {
		c += fmt.Sprintf(" --learn %d", o.learn)
	}
	if o.validation != steganalysis.ValidationPairs {
		c += fmt.Sprintf(" --validation %d", o.validation)
	}
	if o.steps != detector.Default().Steps {
		c += fmt.Sprintf(" --steps %d", o.steps)
	}
	var fainter []string
	for _, dB := range o.fainter {
		fainter = append(fainter, strconv.FormatFloat(dB, 'g', -1, 64))
	}
	c += " --fainter " + strings.Join(fainter, ",")
	for _, name := range o.only {
		c += fmt.Sprintf(" --only %q", name)
	}
	return c + fmt.Sprintf(" --seed %d", o.options.Seed)
}
