package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"ditas"
)

const capacityHelp = `Tell what a recording can take, before anything is hidden in it.

With --image it tells whether that picture fits, how much sound it takes, and to
what size ditas hide --fit would scale it down.`

const capacityExample = `  ditas capacity speech.wav
  ditas capacity speech.wav --image photo.jpg --json`

type capacityFlags struct {
	terminal
	image string
}

func capacityCommand() *cobra.Command {
	var o capacityFlags
	cmd := &cobra.Command{
		Use:     "capacity RECORDING [--image PICTURE]",
		Short:   "Tell what a recording can take",
		Long:    capacityHelp,
		Example: capacityExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.begin(cmd)
			return o.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.image, "image", "i", "", "a `PICTURE` that is to be hidden")
	o.addFlags(cmd)
	return cmd
}

// capacity is the result of ditas capacity.
type capacity struct {
	Cover   string  `json:"cover"`
	Format  string  `json:"format"`
	Seconds float64 `json:"seconds"`
	Slots   int     `json:"slots"`  // places for one stage of one tile
	Usable  int     `json:"usable"` // of them, those that are not silent
	Tiles   int     `json:"tiles"`  // that fit
	Tile    int     `json:"tile"`   // side of a tile in pixels
	Side    int     `json:"side"`   // of the largest square picture, in pixels
	Image   *fit    `json:"image,omitempty"`
}

// fit tells how a picture fits.
type fit struct {
	Path        string  `json:"path"`
	Width       int     `json:"width"`
	Height      int     `json:"height"`
	Fits        bool    `json:"fits"`
	NeedSeconds float64 `json:"needSeconds"`
	FitWidth    int     `json:"fitWidth"` // as --fit would hide it; 0 if nothing fits
	FitHeight   int     `json:"fitHeight"`
}

func (o *capacityFlags) run(ctx context.Context, name string) error {
	cover, err := openRecording(name)
	if err != nil {
		return err
	}
	defer cover.Close()
	room, err := ditas.Room(ctx, cover)
	if err != nil {
		return explain(err, cover)
	}
	res := capacity{
		Cover: name, Format: cover.Format().String(), Seconds: room.Duration.Seconds(),
		Slots: room.Slots, Usable: room.Usable, Tiles: room.Tiles, Tile: room.Tile, Side: room.Side,
	}
	o.printf("%s lasts %s: %s\n", name, seconds(room.Duration), res.Format)
	o.printf("  slots    %d, of which %d are not silent\n", res.Slots, res.Usable)
	o.printf("  room     %d tiles of %d×%d pixels\n", res.Tiles, res.Tile, res.Tile)
	if res.Side > 0 {
		o.printf("  largest  %d×%d pixels, for a square picture\n", res.Side, res.Side)
	}
	if o.image != "" {
		p, err := readPicture(o.image)
		if err != nil {
			return err
		}
		need := room.Need(p.Width, p.Height)
		f := &fit{Path: o.image, Width: p.Width, Height: p.Height, NeedSeconds: need.Seconds()}
		f.FitWidth, f.FitHeight = room.Fit(p.Width, p.Height)
		f.Fits = f.FitWidth == f.Width && f.FitHeight == f.Height
		res.Image = f
		o.printf("%s has %d×%d pixels and takes %s of sound that is not silent: it ", o.image, f.Width, f.Height, seconds(need))
		switch {
		case f.Fits:
			o.printf("fits\n")
		case f.FitWidth > 0:
			o.printf("does not fit, but hide --fit would scale it down to %d×%d\n", f.FitWidth, f.FitHeight)
		default:
			o.printf("does not fit, and nothing else does\n")
		}
	}
	return o.result(res)
}

// seconds prints a duration in tenths of a second, rounded up.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%.1f s", math.Ceil(d.Seconds()*10)/10)
}
