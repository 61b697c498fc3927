package main

import (
	"context"
	"encoding/hex"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/evaluate"
	"ditas/internal/model"
	"ditas/internal/model/weights"
)

const evaluateHelp = `Measure networks on a test set.

The middle square of every photograph, scaled to 64×64 pixels, is hidden in the start
of a clip of speech. The clip goes through a real 16-bit WAV file before anything is
measured or revealed. Figures are means over pairs that cover all photographs and all
clips. The result is a table in Markdown, or everything as JSON.

--data is a folder that ditas data made; its test set is used. --speech and --pictures
name other folders. --thresholds sets the strengths of hiding: the larger a threshold,
the louder the change and the better the picture.`

const evaluateExample = `  ditas evaluate --data data
  ditas evaluate --data data --kind faces --weights run/weights.safetensors --json`

type evaluateFlags struct {
	terminal
	data, kind, speech, pictures, weights string
	options                               evaluate.Options
}

func evaluateCommand() *cobra.Command {
	var o evaluateFlags
	cmd := &cobra.Command{
		Use:     "evaluate --data FOLDER",
		Short:   "Measure networks on a test set",
		Long:    evaluateHelp,
		Example: evaluateExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.data, "data", "d", "", "a `FOLDER` that ditas data made")
	f.StringVar(&o.kind, "kind", "photos", "which pictures of --data: `KIND` is photos or faces")
	f.StringVar(&o.speech, "speech", "", "`FOLDER` of recordings, instead of the ones in --data")
	f.StringVar(&o.pictures, "pictures", "", "`FOLDER` of pictures, instead of the ones in --data")
	f.StringVarP(&o.weights, "weights", "w", "", "the networks, a `FILE` that ditas train made (default: the ones that ditas comes with)")
	f.Float64SliceVar(&o.options.Thresholds, "thresholds", []float64{0.006, 0.01, 0.03, 0.1}, "strengths of hiding, a `LIST`")
	f.Lookup("thresholds").DefValue = "0.006,0.01,0.03,0.1" // not six digits of each
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addFlags(cmd)
	return cmd
}

func (o *evaluateFlags) run(ctx context.Context) error {
	switch {
	case o.kind != "photos" && o.kind != "faces":
		return usagef("--kind %s: want photos or faces", o.kind)
	case o.data == "" && (o.speech == "" || o.pictures == ""):
		return withHint(usagef("neither --data nor both of --speech and --pictures are given"), "ditas data builds a folder for --data")
	}
	material := "of the user's own"
	if o.data != "" {
		m, err := dataset.ReadManifest(o.data)
		if err != nil {
			return withHint(err, "ditas data builds a folder for --data")
		}
		material = m.Digest() + ", " + o.kind
	}
	if o.speech == "" {
		o.speech = filepath.Join(o.data, "test", "speech")
	} else if o.data != "" {
		material += ", other speech"
	}
	if o.pictures == "" {
		o.pictures = filepath.Join(o.data, "test", o.kind)
	} else if o.data != "" {
		material += ", other pictures"
	}
	sys, id, err := o.system(ctx)
	if err != nil {
		return err
	}
	speech, err := dataset.OpenSpeech(ctx, o.speech, dataset.LoadOptions{})
	if err != nil {
		return err
	}
	pictures, err := dataset.OpenThumbnails(ctx, o.pictures, sys.Config.Tile, dataset.LoadOptions{})
	if err != nil {
		return err
	}
	var end func()
	o.options.Progress, end = o.progress("measuring")
	r, err := evaluate.System(ctx, sys, pictures, speech, o.options)
	end()
	if err != nil {
		return err
	}
	r.Weights, r.Data = hex.EncodeToString(id[:]), material
	var table strings.Builder
	if err := r.Markdown(&table); err != nil {
		return err
	}
	o.text(table.String())
	return o.result(r)
}

// system returns the networks to be measured and the first bytes of their hash.
func (o *evaluateFlags) system(ctx context.Context) (*model.System, [4]byte, error) {
	if o.weights == "" {
		return weights.Load(weights.Default)
	}
	f, size, err := open(ctx, o.weights)
	if err != nil {
		return nil, [4]byte{}, err
	}
	defer f.Close()
	return weights.Read(f, size)
}
