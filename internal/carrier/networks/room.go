package networks

import (
	"context"
	"fmt"
	"math"
	"time"

	"ditas/audio"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/model"
	"ditas/picture"
)

// RoomReport tells what a recording can take.
type RoomReport struct {
	Duration time.Duration `json:"duration"` // of the recording, in nanoseconds
	Slots    int           `json:"slots"`    // places for one stage of one tile
	Usable   int           `json:"usable"`   // of them, those that are not silent
	Tiles    int           `json:"tiles"`    // that fit
	Tile     int           `json:"tile"`     // side of a tile in pixels
	Side     int           `json:"side"`     // of the largest square picture, in pixels

	format audio.Format
	c      model.Config
}

// Room tells what a recording can take. The error is an *audio.TruncatedError if the file is cut off.
func Room(ctx context.Context, cover audio.File) (*RoomReport, error) {
	sys, _, err := network()
	if err != nil {
		return nil, err
	}
	s, err := listen(ctx, cover, sys.Config.Samples())
	if err != nil {
		return nil, err
	}
	return room(s, s.peaks(), sys.Config), nil
}

func room(s *sound, peaks []float64, c model.Config) *RoomReport {
	r := &RoomReport{
		Duration: s.format.Duration(int64(s.frames())), Slots: len(peaks), Tile: c.Tile,
		format: s.format, c: c,
	}
	for _, p := range peaks {
		if slots.Usable(p) {
			r.Usable++
		}
	}
	r.Tiles = r.Usable / c.Stages
	r.Side = int(math.Sqrt(float64(r.Tiles))) * c.Tile
	return r
}

// tiles returns the number of tiles of a picture.
func (r *RoomReport) tiles(width, height int) int {
	return ((width + r.Tile - 1) / r.Tile) * ((height + r.Tile - 1) / r.Tile)
}

// Need returns how much sound that is not silence a picture takes in this recording.
func (r *RoomReport) Need(width, height int) time.Duration {
	// Slots of different channels play at once, so the last ones take as long as a whole row of them.
	rows := (r.tiles(width, height)*r.c.Stages + r.format.Channels - 1) / r.format.Channels
	return r.format.Duration(int64(rows) * int64(r.c.Samples()))
}

// have returns how much sound that is not silence there is.
func (r *RoomReport) have() time.Duration {
	return r.format.Duration(int64(r.Usable) * int64(r.c.Samples()) / int64(r.format.Channels))
}

// Fit returns the size to which a picture has to be scaled down to fit, its own if it does, and zeros if nothing fits.
func (r *RoomReport) Fit(width, height int) (w, h int) {
	if width < 1 || height < 1 || r.Tiles < 1 {
		return 0, 0
	}
	// The longer side decides; the best scale is found by halving, since a larger picture never takes fewer tiles.
	size := func(long int) (int, int) {
		if width >= height {
			return long, max(1, (height*long+width/2)/width)
		}
		return max(1, (width*long+height/2)/height), long
	}
	low, high := 1, max(width, height)
	for low < high {
		mid := (low + high + 1) / 2
		if r.tiles(size(mid)) <= r.Tiles {
			low = mid
		} else {
			high = mid - 1
		}
	}
	w, h = size(low)
	if r.tiles(w, h) > r.Tiles {
		return 0, 0
	}
	return w, h
}

// check returns an error unless the picture fits.
func (r *RoomReport) check(p *picture.Planes) error {
	switch {
	case p.Width < 1 || p.Height < 1:
		return fmt.Errorf("the picture is empty")
	case p.Width > MaxSide || p.Height > MaxSide:
		return fmt.Errorf("%w: %d×%d pixels, at most %d a side", ErrTooLarge, p.Width, p.Height, MaxSide)
	case r.tiles(p.Width, p.Height) > r.Tiles:
		e := &TooShortError{Need: r.Need(p.Width, p.Height), Have: r.have()}
		e.Width, e.Height = r.Fit(p.Width, p.Height)
		return e
	}
	return nil
}
