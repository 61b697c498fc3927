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

	"ditas/internal/lab/experiment/robustness"
)

const robustnessHelp = `Measure how much of a picture is left when something happens to the recording, by the
protocol of docs/ROBUSTNESS.md: white noise, rounding, resampling, a low-pass, gain, MP3
and Opus, for all methods at the same container MSE. --out gets the results as
robustness.json, the page as robustness.md, and the figure in a folder figures.

--data is a folder that ditas data made. --weights is a folder of trained systems, like
weights in the repository, that ditas experiment train-all made; missing systems are left
out. MP3 and Opus need ffmpeg; without it they are not measured.`

const robustnessExample = `  ditas experiment robustness --data data --weights weights --out results
  ditas experiment robustness --data data --weights weights --out results --pairs 4 --mse 1e-5`

type robustnessFlags struct {
	experimentFlags
	weights string
	mse     float64
	only    []string
	noise   []float64
}

func robustnessCommand() *cobra.Command {
	var o robustnessFlags
	cmd := &cobra.Command{
		Use:     "robustness --data FOLDER --weights FOLDER --out FOLDER",
		Short:   "Measure what pictures survive",
		Long:    robustnessHelp,
		Example: robustnessExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	o.addExperimentFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.weights, "weights", "w", "weights", "a `FOLDER` of trained systems")
	f.Float64Var(&o.mse, "mse", robustness.DefaultMSE, "container MSE `D` of all methods, full scale 1; hearing may limit it")
	f.Float64SliceVar(&o.noise, "noise", nil, "levels of noise, a `LIST` in dB below the cover")
	f.Lookup("noise").DefValue = "60 to 10 in steps of 5"
	f.StringSliceVar(&o.only, "only", nil, "measure these conditions only, a `LIST` of "+strings.Join(robustness.Parts(), ", "))
	o.addFlags(cmd)
	return cmd
}

func (o *robustnessFlags) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	if !(o.mse > 0 && o.mse < 1) {
		return usagef("--mse %g: want more than 0 and less than 1", o.mse)
	}
	if slices.ContainsFunc(o.noise, func(dB float64) bool { return !(dB >= -100 && dB <= 200) }) {
		return usagef("--noise %v: want levels from -100 to 200 dB", o.noise)
	}
	for _, p := range o.only {
		if !slices.Contains(robustness.Parts(), p) {
			return usagef("--only %s: want some of %s", p, strings.Join(robustness.Parts(), ", "))
		}
	}
	if _, err := os.Stat(o.weights); err != nil {
		return withHint(err, "--weights names a folder of trained systems; ditas experiment train-all builds one")
	}
	data, err := o.load(ctx, kinds[0])
	if err != nil {
		return err
	}
	end := o.show("measuring")
	r, err := robustness.Measure(ctx, data, os.DirFS(filepath.Join(o.weights, kinds[0])),
		robustness.Options{Options: o.options, MSE: o.mse, Conditions: o.only, Noise: o.noise})
	end()
	if err != nil {
		return err
	}
	r.Command = o.command()
	if err := o.write(map[string]func(w io.Writer) error{
		"robustness.md": r.Markdown, filepath.Join("figures", robustness.FigureName): r.Figure,
		"robustness.json": func(w io.Writer) error { return writeJSON(w, r) },
	}); err != nil {
		return err
	}
	return o.result(r)
}

// command returns the command that gives the same results.
func (o *robustnessFlags) command() string {
	c := o.common("robustness") + " --weights weights"
	if o.mse != robustness.DefaultMSE {
		c += fmt.Sprintf(" --mse %g", o.mse)
	}
	if o.noise != nil {
		c += " --noise " + strings.Trim(strings.ReplaceAll(fmt.Sprint(o.noise), " ", ","), "[]")
	}
	if o.only != nil {
		c += " --only " + strings.Join(o.only, ",")
	}
	return c + fmt.Sprintf(" --seed %d", o.options.Seed)
}
