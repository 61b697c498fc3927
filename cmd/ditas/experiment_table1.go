package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"ditas/internal/lab/experiment/table1"
)

const table1Help = `Measure the systems of the paper's Table 1, by the protocol of docs/TABLE1.md: all seven
on photographs and on faces, and beside them methods that need no training on
recordings. --out gets the results as table1.json and table1.csv, and the page as
table1.md.

--data is a folder that ditas data made. --weights is a folder of trained systems, like
weights in the repository, that ditas experiment train-all made.`

const table1Example = `  ditas experiment table1 --data data --weights weights --out results
  ditas experiment table1 --data data --weights weights --out results --set validation`

// kinds are the kinds of pictures that systems are trained for and measured on.
var kinds = []string{"photos", "faces"}

type table1Flags struct {
	experimentFlags
	weights string
}

func table1Command() *cobra.Command {
	var o table1Flags
	cmd := &cobra.Command{
		Use:     "table1 --data FOLDER --weights FOLDER --out FOLDER",
		Short:   "Measure the systems of the paper's Table 1",
		Long:    table1Help,
		Example: table1Example,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	o.addExperimentFlags(cmd)
	cmd.Flags().StringVarP(&o.weights, "weights", "w", "weights", "a `FOLDER` of trained systems")
	o.addFlags(cmd)
	return cmd
}

func (o *table1Flags) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	var columns []table1.Data
	for _, kind := range kinds {
		runs, err := runsIn(o.weights, kind)
		if err != nil {
			return err
		}
		data, err := o.load(ctx, kind)
		if err != nil {
			return err
		}
		columns = append(columns, table1.Data{Kind: kind, Data: data, Runs: os.DirFS(runs)})
	}
	end := o.show("measuring")
	r, err := table1.Measure(ctx, columns, o.options)
	end()
	if err != nil {
		return err
	}
	r.Command = o.common("table1") + " --weights weights"
	if err := o.write(map[string]func(w io.Writer) error{
		"table1.md": r.Markdown, "table1.csv": r.CSV,
		"table1.json": func(w io.Writer) error { return writeJSON(w, r) },
	}); err != nil {
		return err
	}
	return o.result(r)
}
