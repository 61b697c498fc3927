package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/internal/replace"
)

const experimentHelp = `Measure methods on test sets, by the protocols of the pages in docs/.`

func experimentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "experiment",
		Short: "Measure methods on test sets",
		Long:  experimentHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHint(usagef("no experiment is named"), "ditas experiment -h lists them")
		},
	}
	cmd.AddCommand(latticeCommand(), table1Command(), robustnessCommand(), durableCommand(), trainAllCommand(), figuresCommand(), claimsCommand(),
		steganalysisCommand(), variantsCommand(), resultsCommand())
	return cmd
}

// experimentFlags are common to all experiments on a data set.
type experimentFlags struct {
	terminal
	data, set, out        string
	speech, photos, faces string
	options               experiment.Options
}

func (o *experimentFlags) addExperimentFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.data, "data", "d", "", "a `FOLDER` that ditas data made")
	f.StringVar(&o.set, "set", "test", "which set of --data to use: `SET` is test or validation")
	f.StringVar(&o.speech, "speech", "", "`FOLDER` of recordings to measure with, instead of the ones in --data")
	f.StringVar(&o.photos, "photos", "", "`FOLDER` of photographs to measure with")
	f.StringVar(&o.faces, "faces", "", "`FOLDER` of faces to measure with")
	f.StringVarP(&o.out, "out", "o", "", "`FOLDER` for the results")
	f.IntVar(&o.options.Pairs, "pairs", 0, "number `N` of pairs of a picture and a clip; 0 means all")
	f.Uint64Var(&o.options.Seed, "seed", 1, "the seed `N` of noise and other random numbers")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
}

// check reports what is wrong with the flags.
func (o *experimentFlags) check() error {
	switch {
	case o.data == "" && o.speech == "":
		return withHint(usagef("--data is not given"), "ditas data builds a folder for --data")
	case o.out == "":
		return withHint(usagef("--out is not given"), "give a folder for the results, like --out results")
	case o.set != "test" && o.set != "validation":
		return usagef("--set %s: want test or validation", o.set)
	case o.options.Pairs < 0:
		return usagef("--pairs %d: want 0 or more", o.options.Pairs)
	}
	return checkWorkers(o.options.Workers)
}

// load reads the chosen set: its speech, and its pictures of a kind.
func (o *experimentFlags) load(ctx context.Context, kind string) (d experiment.Data, err error) {
	speech, pictures := o.speech, map[string]string{"photos": o.photos, "faces": o.faces}[kind]
	if speech != "" {
		d.Digest += ", own speech"
	} else {
		speech = filepath.Join(o.data, o.set, "speech")
	}
	if pictures != "" {
		d.Digest += ", own " + kind
	} else {
		pictures = filepath.Join(o.data, o.set, kind)
	}
	if o.data != "" {
		m, err := dataset.ReadManifest(o.data)
		if err != nil {
			return d, withHint(err, "ditas data builds a folder for --data")
		}
		d.Digest = m.Digest() + ", " + o.set + d.Digest
	} else if o.speech == "" || d.Digest != ", own speech, own "+kind {
		return d, withHint(usagef("neither --data nor both of --speech and --%s are given", kind), "ditas data builds a folder for --data")
	} else {
		d.Digest = d.Digest[2:]
	}
	if d.Speech, err = dataset.OpenSpeech(ctx, speech, dataset.LoadOptions{}); err != nil {
		return d, err
	}
	d.Pictures, err = dataset.OpenThumbnails(ctx, pictures, experiment.Side, dataset.LoadOptions{})
	return d, err
}

// write writes results to files of the folder for them.
func (o *experimentFlags) write(results map[string]func(w io.Writer) error) error {
	for name, write := range results {
		name := filepath.Join(o.out, name)
		if err := makeFolder(filepath.Dir(name)); err != nil {
			return err
		}
		if err := replace.File(name, write); err != nil {
			return err
		}
	}
	o.printf("the results are in %s\n", o.out)
	return nil
}

// page writes the results of an experiment with the name, its page and the figures that go beside it, and prints them if asked to.
func (o *experimentFlags) page(name string, report any, markdown func(w io.Writer) error, figures map[string]func(w io.Writer) error) error {
	results := map[string]func(w io.Writer) error{
		name + ".md":   markdown,
		name + ".json": func(w io.Writer) error { return writeJSON(w, report) },
	}
	for name, draw := range figures {
		results[filepath.Join("figures", name)] = draw
	}
	if err := o.write(results); err != nil {
		return err
	}
	return o.result(report)
}

// show shows the progress of what is done until end is called.
func (o *experimentFlags) show(what string) (end func()) {
	progress, end := o.progress(what)
	if progress != nil {
		o.options.Progress = func(_ string, done, total int) { progress(done, total) }
	}
	return end
}

// common returns the part of the command that gives the same results that all experiments have, with the names of folders as
// anyone may have them.
func (o *experimentFlags) common(name string) string {
	c := "ditas experiment " + name
	for _, f := range []struct{ name, value string }{{"data", o.data}, {"speech", o.speech}, {"photos", o.photos}, {"faces", o.faces}} {
		if f.value != "" {
			c += fmt.Sprintf(" --%s %s", f.name, f.name)
		}
	}
	c += " --out results"
	if o.set != "test" {
		c += " --set " + o.set
	}
	if o.options.Pairs > 0 {
		c += fmt.Sprintf(" --pairs %d", o.options.Pairs)
	}
	return c
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
