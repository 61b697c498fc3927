package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ditas/internal/lab/experiment/results"
)

const resultsHelp = `Write docs/RESULTS.md from the results of other experiments and the runs that made the
weights. --from is a folder with table1.json and any of evaluate-photos.json,
evaluate-faces.json (what ditas evaluate --json prints), lattice.json, durable.json,
claims.json, variants.json, robustness.json, steganalysis.json and
steganalysis-structure.json. It may be given more than once: each file is taken from the
first folder that has it.

--out gets the page as RESULTS.md, and in a folder results what the page needs from these
files, so the same command without --from writes it again from the repository alone.`

const resultsExample = `  ditas experiment results
  ditas experiment results --from new --from docs/results --weights weights --out docs`

type resultsFlags struct {
	terminal
	from         []string
	weights, out string
}

func resultsCommand() *cobra.Command {
	var o resultsFlags
	cmd := &cobra.Command{
		Use:     "results",
		Short:   "Write the page of all results",
		Long:    resultsHelp,
		Example: resultsExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVar(&o.from, "from", []string{filepath.Join("docs", "results")}, "a `FOLDER` of results; may be given more than once")
	f.StringVarP(&o.weights, "weights", "w", "weights", "a `FOLDER` of trained systems")
	f.StringVarP(&o.out, "out", "o", "docs", "`FOLDER` for the page")
	o.addFlags(cmd)
	return cmd
}

func (o *resultsFlags) run(context.Context) error {
	for _, kind := range kinds {
		if _, err := runsIn(o.weights, kind); err != nil {
			return err
		}
	}
	var folders []fs.FS
	for _, name := range o.from {
		if _, err := os.Stat(name); err != nil {
			return withHint(err, "--from names a folder of results; other ditas experiment commands write them")
		}
		folders = append(folders, os.DirFS(name))
	}
	r, err := results.Read(os.DirFS(o.weights), folders...)
	if err != nil {
		return withHint(err, "ditas experiment table1 writes table1.json")
	}
	files := map[string]func(w io.Writer) error{"RESULTS.md": r.Markdown}
	for name, v := range r.Files() {
		files[filepath.Join("results", name)] = func(w io.Writer) error { return writeJSON(w, v) }
	}
	e := experimentFlags{terminal: o.terminal, out: o.out}
	if err := e.write(files); err != nil {
		return err
	}
	return o.result(r.Files())
}
