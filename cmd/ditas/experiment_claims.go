package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ditas/internal/lab/experiment/claims"
)

const claimsHelp = `Measure what the paper claims for its stages, by the protocol of docs/CLAIMS.md:
residuals grow sparser, the payload can be chosen, and a picture is left when part of
the recording is lost. --out gets the results as claims.json, the page as claims.md, and
the figures in a folder figures.

--data is a folder that ditas data made. --weights is a folder of trained systems, like
weights in the repository, that ditas experiment train-all made. The figures show the
photograph and the speech of ditas demo.`

const claimsExample = `  ditas experiment claims --data data --weights weights --out results
  ditas experiment claims --data data --weights weights --out results --pairs 8 --set validation`

type claimsFlags struct {
	experimentFlags
	weights string
}

func claimsCommand() *cobra.Command {
	var o claimsFlags
	cmd := &cobra.Command{
		Use:     "claims --data FOLDER --weights FOLDER --out FOLDER",
		Short:   "Measure what the paper claims for its stages",
		Long:    claimsHelp,
		Example: claimsExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	o.addExperimentFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.weights, "weights", "w", "weights", "a `FOLDER` of trained systems")
	f.IntVar(&o.options.Damaged, "damaged", 0, "number `N` of pairs that lose parts of their recordings; 0 means half of all")
	o.addFlags(cmd)
	return cmd
}

func (o *claimsFlags) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.options.Damaged < 0 {
		return usagef("--damaged %d: want 0 or more", o.options.Damaged)
	}
	runs, err := runsIn(o.weights, "photos")
	if err != nil {
		return err
	}
	data, err := o.load(ctx, "photos")
	if err != nil {
		return err
	}
	exhibit, err := demoExhibit()
	if err != nil {
		return err
	}
	end := o.show("measuring")
	r, err := claims.Measure(ctx, data, exhibit, os.DirFS(runs), o.options)
	end()
	if err != nil {
		return err
	}
	r.Command = o.common("claims") + " --weights weights"
	if o.options.Damaged > 0 {
		r.Command += fmt.Sprintf(" --damaged %d", o.options.Damaged)
	}
	return o.page("claims", r, r.Markdown, r.Files())
}
