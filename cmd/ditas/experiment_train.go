package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ditas/experiment"
)

const trainAllHelp = `Train all systems of the paper's Table 1, on photographs and on faces, as configured
in --configs, which the repository has in configs/table1: a folder for each kind of
pictures with a file for each system. --out gets a folder for each kind with a run for
each system, as ditas train makes it. It takes some hours.

At Ctrl-C, and after --minutes, the run under way is saved; the same command continues
where it was.

The folders of --data can be replaced one by one, by a TIMIT tree as it is and pictures
of any size. No speaker and no picture should be in more than one set.`

const trainAllExample = `  ditas experiment train-all --data data --configs configs/table1 --out weights
  ditas experiment train-all --speech TIMIT/TRAIN --validation-speech speakers \
    --photos train --validation-photos others --faces faces --validation-faces more \
    --out timit`

type trainAllFlags struct {
	train   trainFlags
	configs string
	// Folders of pictures to learn from and to validate with, by kind; those of --data where one is empty.
	pictures, validation [2]string
}

func trainAllCommand() *cobra.Command {
	var o trainAllFlags
	t := &o.train
	cmd := &cobra.Command{
		Use:     "train-all --data FOLDER --out FOLDER",
		Short:   "Train the systems of the paper's Table 1",
		Long:    trainAllHelp,
		Example: trainAllExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&t.data, "data", "d", "", "a `FOLDER` that ditas data made")
	f.StringVar(&o.configs, "configs", filepath.Join("configs", "table1"), "`FOLDER` of configurations")
	f.StringVarP(&t.out, "out", "o", "", "`FOLDER` for the runs")
	f.StringVar(&t.speech, "speech", "", "`FOLDER` of recordings to learn from, in place of those in --data")
	for i, kind := range kinds {
		f.StringVar(&o.pictures[i], kind, "", "`FOLDER` of "+kind+" to learn from")
		f.StringVar(&o.validation[i], "validation-"+kind, "", "`FOLDER` of "+kind+" to validate with")
	}
	f.StringVar(&t.validationSpeech, "validation-speech", "", "`FOLDER` of recordings to validate with")
	f.Float64Var(&t.minutes, "minutes", 0, "stop each run after `M` minutes and save; 0 means no limit")
	f.IntVar(&t.workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	t.addFlags(cmd)
	require(cmd, "out")
	return cmd
}

func (o *trainAllFlags) run(ctx context.Context) error {
	for i, kind := range kinds {
		for _, system := range experiment.Systems() {
			run := o.train
			run.config = filepath.Join(o.configs, kind, system+".json")
			if _, err := os.Stat(run.config); err != nil {
				return withHint(err, "--configs names a folder like configs/table1 of the repository")
			}
			run.kind, run.half = kind, true
			run.pictures, run.validationPictures = o.pictures[i], o.validation[i]
			run.out = filepath.Join(o.train.out, kind, system)
			run.json = false
			run.printf("%s, %s\n", system, kind)
			if err := run.run(ctx); err != nil {
				return fmt.Errorf("%s, %s: %w", system, kind, err)
			}
		}
	}
	return nil
}
