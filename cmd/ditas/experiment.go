package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ditas/dataset"
	"ditas/experiment"
)

const experimentHelp = `Measure the default method, by the protocol that docs/LATTICE.md is made by.

Photographs of the test set are hidden in its speech; the recordings are damaged in
many ways, and what comes back is compared. --out gets the results as lattice.json,
the page as lattice.md, and the figure in a folder figures.

--data is a folder as ditas data builds it; --set chooses another of its sets, which
is for development. --music adds a folder of recordings that are not speech.
--innocents searches so many recordings in which nothing is hidden; each takes some
ten seconds.`

const experimentExample = `  ditas experiment lattice --data data --out results
  ditas experiment lattice --data data --out results --pairs 8 --set validation`

type experimentFlags struct {
	terminal
	data, set, music, musicName, out string
	options                          experiment.Options
}

func experimentCommand() *cobra.Command {
	var o experimentFlags
	cmd := &cobra.Command{
		Use:       "experiment lattice --data FOLDER --out FOLDER",
		Short:     "Measure the default method on a test set",
		Long:      experimentHelp,
		Example:   experimentExample,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"lattice"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.data, "data", "d", "", "a `FOLDER` that ditas data made")
	f.StringVar(&o.set, "set", "test", "which set of --data, `SET` being test or validation")
	f.StringVar(&o.music, "music", "", "`FOLDER` of recordings that are not speech")
	f.StringVar(&o.musicName, "music-name", "", "`TEXT` that says where the music is from (default: the folder's name)")
	f.StringVarP(&o.out, "out", "o", "", "`FOLDER` for the results")
	f.IntVar(&o.options.Pairs, "pairs", 0, "number `N` of pairs of a picture and a clip; 0 means all")
	f.IntVar(&o.options.Damaged, "damaged", 0, "number `N` of pairs to whose recordings something happens; 0 means half of all")
	f.IntVar(&o.options.Innocents, "innocents", 0, "number `N` of recordings to search in which nothing is hidden")
	f.StringSliceVar(&o.options.Parts, "only", nil, "measure these parts only, a `LIST` of "+strings.Join(experiment.Parts(), ", "))
	f.Uint64Var(&o.options.Seed, "seed", 1, "`N`, from which noise and other random numbers are made")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addFlags(cmd)
	return cmd
}

func (o *experimentFlags) run(ctx context.Context) error {
	switch {
	case o.data == "":
		return withHint(usagef("--data is not given"), "ditas data builds a folder for --data")
	case o.out == "":
		return withHint(usagef("--out is not given"), "give a folder for the results, like --out results")
	case o.set != "test" && o.set != "validation":
		return usagef("--set %s: want test or validation", o.set)
	case o.options.Pairs < 0 || o.options.Damaged < 0 || o.options.Innocents < 0:
		return usagef("--pairs, --damaged and --innocents are numbers from 0 on")
	}
	for _, p := range o.options.Parts {
		if !slices.Contains(experiment.Parts(), p) {
			return usagef("--only %s: want some of %s", p, strings.Join(experiment.Parts(), ", "))
		}
	}
	m, err := dataset.ReadManifest(o.data)
	if err != nil {
		return withHint(err, "ditas data builds a folder for --data")
	}
	data := experiment.Data{Digest: m.Digest() + ", " + o.set}
	if data.Speech, err = dataset.OpenSpeech(ctx, filepath.Join(o.data, o.set, "speech"), dataset.LoadOptions{}); err != nil {
		return err
	}
	if data.Pictures, err = dataset.OpenThumbnails(ctx, filepath.Join(o.data, o.set, "photos"), experiment.Side, dataset.LoadOptions{}); err != nil {
		return err
	}
	if o.music != "" {
		if data.Music, err = dataset.OpenSpeech(ctx, o.music, dataset.LoadOptions{}); err != nil {
			return err
		}
		if data.MusicName = o.musicName; data.MusicName == "" {
			data.MusicName = filepath.Base(o.music)
		}
	}
	if err := os.MkdirAll(filepath.Join(o.out, "figures"), 0o755); err != nil {
		return err
	}
	progress, end := o.progress("measuring")
	if progress != nil {
		o.options.Progress = func(_ string, done, total int) { progress(done, total) }
	}
	o.options.Table = func(t *experiment.Table) error {
		var b strings.Builder
		err := t.Markdown(&b)
		o.printf("%s\n", b.String())
		return err
	}
	r, err := experiment.Lattice(ctx, data, o.options)
	end()
	if err != nil {
		return err
	}
	r.Command = o.command()
	results := map[string]func(w io.Writer) error{
		"lattice.md":   r.Markdown,
		"lattice.json": func(w io.Writer) error { return writeJSON(w, r) },
	}
	if len(r.Curves) > 0 {
		results[filepath.Join("figures", experiment.FigureName)] = r.Figure
	}
	for name, write := range results {
		if err := writeFile(filepath.Join(o.out, name), write); err != nil {
			return err
		}
	}
	o.printf("the results are in %s\n", o.out)
	return o.result(r)
}

// command returns the command that gives the same results, with the names of folders as anyone may have them.
func (o *experimentFlags) command() string {
	c := "ditas experiment lattice --data data --out results"
	if o.set != "test" {
		c += " --set " + o.set
	}
	if o.options.Pairs > 0 {
		c += fmt.Sprintf(" --pairs %d", o.options.Pairs)
	}
	if o.options.Damaged > 0 {
		c += fmt.Sprintf(" --damaged %d", o.options.Damaged)
	}
	if o.music != "" {
		c += " --music music"
	}
	if o.musicName != "" {
		c += fmt.Sprintf(" --music-name %q", o.musicName)
	}
	if o.options.Innocents > 0 {
		c += fmt.Sprintf(" --innocents %d", o.options.Innocents)
	}
	if o.options.Parts != nil {
		c += " --only " + strings.Join(o.options.Parts, ",")
	}
	return c + fmt.Sprintf(" --seed %d", o.options.Seed)
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
