package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

const trainAllHelp = `Train all systems in --configs, a folder with subfolders photos and faces of
configurations. The repository has configs/table1 for the paper's Table 1, and
configs/stages and configs/seeds for ditas experiment variants. --out gets a folder for
each kind of pictures, with a run for each configuration, as ditas train makes it. It
takes some hours.

At Ctrl-C, and after --minutes, the current run is saved, and the same command continues
where it stopped.

You can replace the folders of --data one by one, by a TIMIT tree as it is and pictures
of any size. No two sets should share a speaker or a picture.`

const trainAllExample = `  ditas experiment train-all --data data --configs configs/table1 --out weights
  ditas experiment train-all --speech TIMIT/TRAIN --validation-speech speakers \
    --photos train --validation-photos others --faces faces --validation-faces more \
    --out timit`

type trainAllFlags struct {
	train   trainFlags
	configs string
	// Folders of pictures to learn from and to validate with, by kind; an empty one means the folder of --data.
	pictures, validation [2]string
}

func trainAllCommand() *cobra.Command {
	var o trainAllFlags
	t := &o.train
	cmd := &cobra.Command{
		Use:     "train-all --data FOLDER --out FOLDER",
		Short:   "Train the systems of a folder of configurations, by default the paper's Table 1",
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
	f.StringVar(&t.folders.Speech, "speech", "", "`FOLDER` of recordings to learn from, instead of the ones in --data")
	for i, kind := range kinds {
		f.StringVar(&o.pictures[i], kind, "", "`FOLDER` of "+kind+" to learn from")
		f.StringVar(&o.validation[i], "validation-"+kind, "", "`FOLDER` of "+kind+" to validate with")
	}
	f.StringVar(&t.folders.ValidationSpeech, "validation-speech", "", "`FOLDER` of recordings to validate with")
	f.Float64Var(&t.minutes, "minutes", 0, "stop each run after `M` minutes and save; 0 means no limit")
	f.IntVar(&t.workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	t.addFlags(cmd)
	require(cmd, "out")
	return cmd
}

func (o *trainAllFlags) run(ctx context.Context) error {
	found := false
	for i, kind := range kinds {
		configs, err := filepath.Glob(filepath.Join(o.configs, kind, "*.json"))
		if err != nil {
			return err
		}
		for _, config := range configs {
			found = true
			name := strings.TrimSuffix(filepath.Base(config), ".json")
			run := o.train
			run.config = config
			run.kind, run.half = kind, true
			run.folders.Pictures, run.folders.ValidationPictures = o.pictures[i], o.validation[i]
			run.out = filepath.Join(o.train.out, kind, name)
			run.json = false
			run.printf("%s, %s\n", name, kind)
			if err := run.run(ctx); err != nil {
				return fmt.Errorf("%s, %s: %w", name, kind, err)
			}
		}
	}
	if !found {
		return withHint(fmt.Errorf("no configurations in %s", o.configs), "--configs names a folder like configs/table1 in the repository")
	}
	return nil
}
