package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ditas/internal/channel/set"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment/durable"
	"ditas/picture"
)

const durableHelp = `Measure what is left of pictures when recordings go through MP3, AAC, Opus, Vorbis, other
rates, cuts, filters and whatever else people do to them, and whether anybody hears the
change, by the protocol of docs/DURABLE.md. --out gets the results as durable.json, the
page as durable.md, and the figures in a folder figures.

--data is a folder that ditas data made, and --music one that ditas data --music made.
--set train and --set validation are for development. Codecs need ffmpeg; without it
they are not measured. The pictures that are drawn are of the photograph of ditas demo.`

const durableExample = `  ditas experiment durable --data data --music music --out results
  ditas experiment durable --data data --music music --out results --set train \
    --scenes music --covers 4 --methods lattice=10,lattice=20 --channels mp3-128,opus-64`

type durableFlags struct {
	experimentFlags
	music             string
	methods, channels []string
	scenes            []string
	covers, innocents int
	noPictures        bool
}

func durableCommand() *cobra.Command {
	var o durableFlags
	cmd := &cobra.Command{
		Use:     "durable --data FOLDER --music FOLDER --out FOLDER",
		Short:   "Measure what pictures survive when recordings are shared",
		Long:    durableHelp,
		Example: durableExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.data, "data", "d", "", "a `FOLDER` that ditas data made")
	f.StringVar(&o.music, "music", "", "a `FOLDER` that ditas data --music made; without it voice notes alone are measured")
	f.StringVar(&o.set, "set", "test", "which set of --data and --music to use: `SET` is test, validation or train")
	f.StringVarP(&o.out, "out", "o", "", "`FOLDER` for the results")
	f.StringSliceVar(&o.scenes, "scenes", nil, "measure only the scenes in `LIST`: "+strings.Join(durable.SceneNames(), ", "))
	f.StringSliceVar(&o.methods, "methods", nil, "methods, a `LIST` of names, spread-spectrum among them, with a signal-to-noise ratio in dB if wanted, as in lattice=10 (default all)")
	f.StringSliceVar(&o.channels, "channels", nil, "channels, a `LIST` of names as on the page, or codecs for all of these (default all)")
	f.IntVar(&o.covers, "covers", 0, "number `N` of covers of each scene, and a third as many songs; 0 means all")
	f.IntVar(&o.innocents, "innocents", 0, "number `N` of pieces to search that have nothing hidden in them")
	f.BoolVar(&o.noPictures, "no-pictures", false, "draw no pictures, which takes the time of one more cover")
	f.Uint64Var(&o.options.Seed, "seed", 1, "the seed `N` of random numbers")
	f.IntVar(&o.options.Workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addFlags(cmd)
	return cmd
}

// chosen returns what the flags say is measured.
func (o *durableFlags) chosen() (durable.Options, error) {
	var d durable.Options
	switch {
	case o.data == "":
		return d, withHint(usagef("--data is not given"), "ditas data builds a folder for --data")
	case o.out == "":
		return d, withHint(usagef("--out is not given"), "give a folder for the results, like --out results")
	case !slices.Contains([]string{"test", "validation", "train"}, o.set):
		return d, usagef("--set %s: want test, validation or train", o.set)
	case o.covers < 0 || o.innocents < 0:
		return d, usagef("--covers and --innocents: want 0 or more")
	}
	for _, name := range o.scenes {
		if !slices.Contains(durable.SceneNames(), name) {
			return d, usagef("--scenes %s: want some of %s", name, strings.Join(durable.SceneNames(), ", "))
		}
		if o.music == "" && name != durable.Voice {
			return d, withHint(usagef("--scenes %s needs --music", name), "ditas data --music builds a folder for --music")
		}
	}
	for _, name := range o.methods {
		c, err := durable.ParseContestant(name)
		if err != nil {
			return d, usagef("--methods: %w", err)
		}
		d.Contestants = append(d.Contestants, c)
	}
	for _, name := range o.channels {
		if name == "codecs" {
			for _, c := range set.All() {
				if c.Kind == set.Codec {
					d.Channels = append(d.Channels, c)
				}
			}
			continue
		}
		c, err := set.Named(name)
		if err != nil {
			return d, usagef("--channels: %w", err)
		}
		d.Channels = append(d.Channels, c)
	}
	d.Innocents = o.innocents
	return d, checkWorkers(o.options.Workers)
}

func (o *durableFlags) run(ctx context.Context) error {
	options, err := o.chosen()
	if err != nil {
		return err
	}
	if !o.noPictures {
		if options.Exhibit, err = picture.Decode(bytes.NewReader(demoPhoto)); err != nil {
			return err
		}
		options.Attribution, _, _ = strings.Cut(demoAttribution, " Speech:")
	}
	data, err := o.open(ctx)
	if err != nil {
		return err
	}
	end := o.show("measuring")
	options.Options = o.options
	r, err := durable.Measure(ctx, data, options)
	end()
	if err != nil {
		return err
	}
	r.Command = o.command()
	figures := map[string]func(w io.Writer) error{durable.ChartName: r.Chart}
	if draw, ok := r.Pictures(); ok {
		figures[durable.PicturesName] = draw
	}
	return o.page("durable", r, r.Markdown, figures)
}

// open finds the recordings and pictures.
func (o *durableFlags) open(ctx context.Context) (durable.Data, error) {
	folders := durable.Folders{Speech: filepath.Join(o.data, o.set, "speech"), Photos: filepath.Join(o.data, o.set, "photos")}
	digest := ""
	for _, folder := range []string{o.data, o.music} {
		if folder == "" {
			continue
		}
		m, err := dataset.ReadManifest(folder)
		if err != nil {
			return durable.Data{}, withHint(err, "ditas data builds folders for --data and, with --music, for --music")
		}
		digest += m.Digest() + ", "
	}
	if o.music != "" {
		folders.Music, folders.Songs = filepath.Join(o.music, o.set, "music"), filepath.Join(o.music, o.set, "songs")
	}
	data, err := durable.Open(ctx, folders, o.scenes, o.covers)
	data.Digest, data.Seen = digest+o.set, o.set != "test"
	return data, err
}

// command returns the command that gives the same results.
func (o *durableFlags) command() string {
	c := "ditas experiment durable --data data"
	if o.music != "" {
		c += " --music music"
	}
	c += " --out results"
	if o.set != "test" {
		c += " --set " + o.set
	}
	for _, f := range []struct {
		name string
		list []string
	}{{"scenes", o.scenes}, {"methods", o.methods}, {"channels", o.channels}} {
		if f.list != nil {
			c += fmt.Sprintf(" --%s %s", f.name, strings.Join(f.list, ","))
		}
	}
	if o.covers > 0 {
		c += fmt.Sprintf(" --covers %d", o.covers)
	}
	if o.innocents > 0 {
		c += fmt.Sprintf(" --innocents %d", o.innocents)
	}
	if o.noPictures {
		c += " --no-pictures"
	}
	return c + fmt.Sprintf(" --seed %d", o.options.Seed)
}
