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
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/steganalysis"
	"ditas/internal/lab/experiment/steganalysis/detector"
)

const steganalysisHelp = `Measure how well detectors find that something is hidden in a recording, by the protocol
of docs/STEGANALYSIS.md: some 2,000 features made by hand with a linear discriminant, and
convolutional networks, each of which learns one method from recordings with and without
it, and is tried on others. --out gets the results as steganalysis.json, the page as
steganalysis.md, and its figure in a folder figures; they are written again whenever a
method is finished.

--data is a folder that ditas data made: all of its speech is taken, and the music in
--music, a folder that ditas data --music made. --weights is a folder of trained systems,
like weights in the repository, that ditas experiment train-all made; missing systems are
left out.

--detector chooses one kind of detectors. With --detector structure it is looked for what
comes again within recordings of ten minutes, by who knows the methods and has no key;
--out gets the results as steganalysis-structure.json and steganalysis-structure.md.

A run that was stopped goes on with --earlier and the steganalysis.json that it left.`

const steganalysisExample = `  ditas experiment steganalysis --data data --music music --weights weights --out results
  ditas experiment steganalysis --data data --out results --detector features \
    --only "lattice, as is usual" --only "nothing hidden"
  ditas experiment steganalysis --data data --music music --out results --detector structure`

type steganalysisFlags struct {
	experimentFlags
	weights         string
	steps, each     int
	only            []string
	detector, music string
	earlier         string
}

func steganalysisCommand() *cobra.Command {
	var o steganalysisFlags
	cmd := &cobra.Command{
		Use:     "steganalysis --data FOLDER --out FOLDER",
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
	f.StringVar(&o.music, "music", "", "a `FOLDER` that ditas data --music made")
	f.StringVarP(&o.weights, "weights", "w", "", "a `FOLDER` of trained systems; without it, none are tried")
	f.StringVarP(&o.out, "out", "o", "", "`FOLDER` for the results")
	f.StringVar(&o.detector, "detector", "", "only `WHAT` detects: features, networks or structure")
	f.StringArrayVar(&o.only, "only", nil, "measure only the method `NAME` of steganalysis.json; may be given more than once")
	f.StringVar(&o.earlier, "earlier", "", "go on from a steganalysis.json `FILE` of the same data: only what it lacks is measured, and what --only names")
	f.IntVar(&o.each, "each", steganalysis.EachGroup, "number `N` of covers of a speaker or a track at most, at 16 kHz")
	f.IntVar(&o.steps, "steps", detector.Default().Steps, "number `N` of training steps of a network")
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

func (o *steganalysisFlags) run(ctx context.Context) error {
	o.set = "test"
	if err := o.check(); err != nil {
		return err
	}
	switch {
	case !slices.Contains([]string{"", byNetworks, byFeatures, byStructure}, o.detector):
		return usagef("--detector %s: want %s, %s or %s", o.detector, byFeatures, byNetworks, byStructure)
	case o.earlier != "" && o.detector == byStructure:
		return usagef("--earlier goes with --detector features or networks, or both")
	case o.each < 1 || o.steps < 1:
		return usagef("--each %d, --steps %d: want at least 1", o.each, o.steps)
	}
	data, err := o.load(ctx)
	if err != nil {
		return err
	}
	if o.detector == byStructure {
		return o.repeats(ctx, data)
	}
	earlier, err := o.readEarlier()
	if err != nil {
		return err
	}
	config := detector.Default()
	config.Steps = o.steps
	end := o.show("hiding")
	r, err := steganalysis.Measure(ctx, data, steganalysis.Options{
		Options: o.options, Each: o.each, Only: o.only, Features: o.detector != byNetworks, Networks: o.detector != byFeatures, Detector: config, Earlier: earlier,
		Method: func(r *steganalysis.Report) error {
			r.Command = o.command(r)
			figures := map[string]func(w io.Writer) error{}
			if r.Trade != nil {
				figures[filepath.Join("figures", steganalysis.FigureTrade)] = r.Figure
			}
			return o.save("steganalysis", r, r.Markdown, figures)
		},
	})
	end()
	if err != nil {
		return err
	}
	o.printf("the results are in %s\n", o.out)
	return o.result(r)
}

// readEarlier reads the results to go on from, if there are any.
func (o *steganalysisFlags) readEarlier() (*steganalysis.Report, error) {
	if o.earlier == "" {
		return nil, nil
	}
	f, err := os.Open(o.earlier)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := steganalysis.ReadReport(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.earlier, err)
	}
	return r, nil
}

// repeats looks for what comes again in long recordings.
func (o *steganalysisFlags) repeats(ctx context.Context, data steganalysis.Data) error {
	const longest = 600 // seconds
	data.Scenes = slices.DeleteFunc(data.Scenes, func(s steganalysis.Scene) bool { return s.Name != narrowName && s.Name != nativeName })
	for i := range data.Scenes {
		data.Scenes[i].Samples = longest * data.Scenes[i].Rate
	}
	end := o.show("hiding")
	r, err := steganalysis.Repeats(ctx, data, steganalysis.Options{Options: o.options, Only: o.only}, func(r *steganalysis.RepeatsReport) error {
		r.Command = o.common("steganalysis") + o.chosen(o.detector, o.only)
		return o.save("steganalysis-structure", r, r.Markdown, nil)
	})
	end()
	if err != nil {
		return err
	}
	o.printf("the results are in %s\n", o.out)
	return o.result(r)
}

// Names of scenes.
const (
	narrowName = "Speech and music at 16 kHz"
	nativeName = "Music at 44.1 kHz"
)

// load reads all recordings, and says what is measured in which of them.
func (o *steganalysisFlags) load(ctx context.Context) (data steganalysis.Data, err error) {
	narrow := steganalysis.Scene{Name: narrowName, Rate: dataset.Rate, Samples: experiment.Samples}
	native := steganalysis.Scene{Name: nativeName, Rate: dataset.MusicRate, Samples: experiment.Samples, Each: 16}
	trade := steganalysis.Scene{Rate: dataset.Rate, Samples: experiment.Samples, Level: 2 * steganalysis.Level}
	for _, set := range []string{"train", "validation", "test"} {
		o.set = set
		d, err := o.experimentFlags.load(ctx, kinds[0])
		if err != nil {
			return data, err
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
				return data, err
			}
			scene.Sets = append(scene.Sets, music)
		}
	}
	o.set = "test"
	loud, long, systems := narrow, narrow, narrow
	narrow.Networks = []string{
		steganalysis.Loud, steganalysis.Weak, "lattice, 50 dB", steganalysis.Usual, "lattice, faint", "covert, 0.3 bit", steganalysis.Filled, "nothing hidden",
	}
	loud.Name, loud.Level = "The same, twice as loud", 2*steganalysis.Level
	loud.Only = []string{steganalysis.Usual, "lattice, faint", "covert, 0.5 bit", steganalysis.Weak}
	long.Name, long.Samples, long.Joined, long.Only = "A minute at 16 kHz", 60*dataset.Rate, true, []string{steganalysis.Filled, "LSB matching, 0.1 bit"}
	native.Only = []string{steganalysis.Usual, "covert in dither, 0.5 bit", "dither", steganalysis.Weak, steganalysis.Loud, "nothing hidden"}
	native.Networks = []string{steganalysis.Weak, "covert in dither, 0.5 bit"}
	data.Scenes, data.Trade = []steganalysis.Scene{narrow, loud, long}, &trade
	if o.weights != "" {
		runs, err := runsIn(o.weights, kinds[0])
		if err != nil {
			return data, err
		}
		data.Runs = os.DirFS(runs)
		systems.Name, systems.Level, systems.Each, systems.Systems = "The paper's systems, 50 dB below the recording", 2*steganalysis.Level, 3, true
		systems.Only = append([]string{"lattice, 50 dB", "white noise, 50 dB", "linear map, 3 stages", "digits, 3 levels"}, contender.Systems()...)
		systems.Networks = systems.Only
		data.Scenes = append(data.Scenes, systems)
	}
	if o.music != "" {
		data.Scenes = append(data.Scenes, native)
		m, err := dataset.ReadManifest(o.music)
		if err != nil {
			return data, withHint(err, "ditas data --music builds a folder for --music")
		}
		data.Digest += " and " + m.Digest()
	}
	return data, nil
}

// save writes what there is of the results.
func (o *steganalysisFlags) save(name string, r any, page func(w io.Writer) error, files map[string]func(w io.Writer) error) error {
	e := o.experimentFlags
	e.quiet = true // it is said once, at the end
	if files == nil {
		files = map[string]func(w io.Writer) error{}
	}
	files[name+".md"], files[name+".json"] = page, func(w io.Writer) error { return writeJSON(w, r) }
	return e.write(files)
}

// command returns the command that gives the same results: where some are of an earlier run, all at once.
func (o *steganalysisFlags) command(r *steganalysis.Report) string {
	what, only := o.detector, o.only
	if o.earlier != "" {
		if only = nil; r.Features > 0 && r.Network != nil {
			what = ""
		}
	}
	return o.common("steganalysis") + o.chosen(what, only)
}

// chosen returns the flags that say what detects which methods, and how long it learns.
func (o *steganalysisFlags) chosen(what string, only []string) string {
	var c string
	for _, f := range []struct{ name, value string }{{"music", o.music}, {"weights", o.weights}} {
		if f.value != "" {
			c += fmt.Sprintf(" --%s %s", f.name, f.name)
		}
	}
	if what != "" {
		c += " --detector " + what
	}
	if o.each != steganalysis.EachGroup {
		c += fmt.Sprintf(" --each %d", o.each)
	}
	if o.steps != detector.Default().Steps {
		c += fmt.Sprintf(" --steps %d", o.steps)
	}
	for _, name := range only {
		c += fmt.Sprintf(" --only %q", name)
	}
	return c + fmt.Sprintf(" --seed %d", o.options.Seed)
}
