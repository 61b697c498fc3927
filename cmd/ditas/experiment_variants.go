package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ditas/internal/lab/experiment/variants"
)

const variantsHelp = `Measure the multi-stage systems trained from several seeds, and systems with different
numbers of stages, by the protocol of docs/VARIANTS.md. --out gets the results as
variants.json, the page as variants.md, and the figure in a folder figures.

--weights has the systems of Table 1, one seed each, as in the repository; --seeds and
--stages are folders that ditas experiment train-all makes from configs/seeds and
configs/stages. You may leave out either.`

const variantsExample = `  ditas experiment train-all --data data --configs configs/seeds --out runs/seeds
  ditas experiment train-all --data data --configs configs/stages --out runs/stages
  ditas experiment variants --data data --seeds runs/seeds --stages runs/stages --out results`

type variantsFlags struct {
	experimentFlags
	weights, seeds, stages string
}

func variantsCommand() *cobra.Command {
	var o variantsFlags
	cmd := &cobra.Command{
		Use:     "variants --data FOLDER --seeds FOLDER --stages FOLDER --out FOLDER",
		Short:   "Measure systems of several seeds and numbers of stages",
		Long:    variantsHelp,
		Example: variantsExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	o.addExperimentFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.weights, "weights", "w", "weights", "a `FOLDER` of trained systems")
	f.StringVar(&o.seeds, "seeds", "", "a `FOLDER` of the same systems, trained from other seeds")
	f.StringVar(&o.stages, "stages", "", "a `FOLDER` of systems with different numbers of stages")
	o.addFlags(cmd)
	return cmd
}

func (o *variantsFlags) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.seeds == "" && o.stages == "" {
		return withHint(usagef("neither --seeds nor --stages is given"), "ditas experiment variants -h tells how to make them")
	}
	var all []variants.Data
	for _, kind := range kinds {
		v := variants.Data{Kind: kind}
		seeds, err := runsIfAny(o.seeds, kind)
		if err != nil {
			return err
		}
		if seeds != nil {
			runs, err := runsIn(o.weights, kind)
			if err != nil {
				return err
			}
			v.Runs = []fs.FS{os.DirFS(runs), seeds}
		}
		if v.Stages, err = runsIfAny(o.stages, kind); err != nil {
			return err
		}
		if v.Runs == nil && v.Stages == nil {
			continue
		}
		if v.Data, err = o.load(ctx, kind); err != nil {
			return err
		}
		all = append(all, v)
	}
	if all == nil {
		return withHint(usagef("neither --seeds nor --stages has a folder photos or faces"), "ditas experiment train-all makes such folders")
	}
	end := o.show("measuring")
	r, err := variants.Measure(ctx, all, o.options)
	end()
	if err != nil {
		return err
	}
	r.Command = o.common("variants")
	for _, f := range []struct{ name, value string }{{"weights", o.weights}, {"seeds", o.seeds}, {"stages", o.stages}} {
		if f.value != "" {
			r.Command += " --" + f.name + " " + f.name
		}
	}
	return o.page("variants", r, r.Markdown, r.Files())
}

// runsIfAny returns the runs of a kind in a folder, nil if there is none.
func runsIfAny(folder, kind string) (fs.FS, error) {
	if folder == "" {
		return nil, nil
	}
	runs := filepath.Join(folder, kind)
	if _, err := os.Stat(runs); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return os.DirFS(runs), nil
}
