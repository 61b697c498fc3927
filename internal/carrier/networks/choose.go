package networks

import (
	"context"
	"fmt"
	"math"
	"slices"

	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/model"
	"ditas/internal/parallel"
	"ditas/report"
)

// Methods of hiding, as numbered in a slots.Layout: the DITAS networks, leaving pauses alone or using all frames.
const (
	activeFrames = 1
	allFrames    = 2
)

// activity is the least number of strong coefficients, of the 256 in a frame, with which a frame is used. Those with fewer are
// pauses, whose hiss would be heard first.
func activity(method int) int {
	if method == activeFrames {
		return 16
	}
	return 0
}

// hidings are the methods that are tried.
var hidings = [...]int{activeFrames, allFrames}

// surveyed is what is known of a slot.
type surveyed struct {
	usable bool
	power  float64                   // mean square
	curves [len(hidings)]model.Curve // by method
}

// measure finds out what each slot takes.
func (v *survey) measure(ctx context.Context, o carrier.Options) error {
	workers := make([]*model.Survey, o.Workers)
	for i := range workers {
		var err error
		if workers[i], err = model.NewSurvey(v.sys.Config, activity(hidings[0]), activity(hidings[1])); err != nil {
			return err
		}
	}
	v.slots = make([]surveyed, v.sound.slots())
	parallel.Each(len(workers), len(v.slots), func(w, i int) {
		if ctx.Err() != nil {
			return
		}
		s, x := &v.slots[i], v.sound.at(i)
		var peak float32
		for _, sample := range x {
			peak = max(peak, sample, -sample)
			s.power += float64(sample) * float64(sample) / float64(len(x))
		}
		if s.usable = slots.Usable(float64(peak)); s.usable {
			workers[w].Measure(s.curves[:], x)
		}
	})
	return ctx.Err()
}

// use is how a slot would be used.
type use struct {
	model.Use
	snr float64 // dB that are expected, rounding and header included
}

// missed is by how many dB a slot or a recording may not miss the strength.
const missed = 3

// carries tells whether a slot carries anything at a strength.
func (u *use) carries(snr float64) bool { return u.Room > 0 && u.snr > snr-missed }

// uses finds out how each slot would be used, by the method of a number in hidings, by a picture that needs so many of them.
func (v *survey) uses(hiding, needed int, snr float64) []use {
	grid := carrier.GridOf(v.sound.format)
	// Below this the message would drown in the rounding of the file.
	floor := max(24*grid.Step, 1e-4)
	extra := grid.Step*grid.Step/12 + slots.Change(v.sound.Len(), grid, layoutSize(needed))
	all := make([]use, len(v.slots))
	for i := range v.slots {
		s := &v.slots[i]
		if !s.usable {
			continue
		}
		// What the networks may add to rounding and header, or as little as they can. It fails for no strength that there is.
		mse := max(s.power*math.Pow(10, -snr/10)-extra, math.SmallestNonzeroFloat32)
		if u, err := s.curves[hiding].Use(mse, floor); err == nil {
			all[i] = use{Use: u, snr: 10 * math.Log10(s.power/(u.Distortion+extra))}
		}
	}
	return all
}

// layoutSize is about how many bytes the layout of a picture takes in so many slots, which are hardly ever all in one run.
func layoutSize(needed int) int { return 40 + 2*needed }

// Capacity tells what fits at a strength: what slots have room for that do not miss it.
func (v *survey) Capacity(s carrier.Strength) *report.Capacity {
	c, format := v.sys.Config, v.sound.format
	r := &report.Capacity{Method: Name, Duration: format.Duration(int64(v.sound.length)), Tile: c.Tile, SNR: s.SNR}
	usable, reached := 0, math.Inf(-1)
	for i := range hidings {
		var ratios []float64
		count := 0
		for _, u := range v.uses(i, len(v.slots), s.SNR) {
			if u.Room > 0 {
				ratios = append(ratios, u.snr)
			}
			if u.carries(s.SNR) {
				count++
			}
		}
		usable = max(usable, count)
		if slices.Sort(ratios); len(ratios) >= c.Stages {
			reached = max(reached, ratios[len(ratios)-c.Stages])
		}
	}
	tiles := usable / c.Stages
	r.Usable = format.Duration(int64(usable) * int64(c.Samples()) / int64(format.Channels))
	r.Pixels, r.Side = tiles*c.Tile*c.Tile, int(math.Sqrt(float64(tiles)))*c.Tile
	if tiles == 0 && !math.IsInf(reached, -1) {
		r.TooQuiet = &report.TooQuietError{Asked: s.SNR, Reached: reached}
	}
	return r
}

// choose decides which slots are used, how strongly each, and by which method: the one that leaves pauses alone, unless the recording
// has so few strong coefficients that hardly a frame would be used.
func (v *survey) choose(needed int, snr float64) (chosen []slots.Slot, method int, err error) {
	most := 0.0
	for i, hiding := range hidings {
		uses := v.uses(i, needed, snr)
		worth := make([]float64, len(uses))
		for j := range uses {
			if uses[j].carries(snr) {
				worth[j] = min(1, uses[j].Room/wellRoom)
			}
		}
		indices, failed := slots.Plan(worth, needed)
		if failed != nil {
			err = failed
			continue
		}
		plan, room := make([]slots.Slot, 0, needed), 0.0
		for _, index := range indices {
			plan = append(plan, slots.Slot{Index: index, Strength: uses[index].Level})
			room += uses[index].Room
		}
		if chosen == nil || room > 2*most {
			chosen, method, most = plan, hiding, room
		}
		if most >= float64(needed)/2 {
			break // using all frames cannot give twice the room
		}
	}
	if chosen == nil {
		return nil, 0, fmt.Errorf("networks: %w", err)
	}
	return chosen, method, nil
}

// wellRoom is the share of a slot's coefficients that make room for the message with which the networks do well.
const wellRoom = 0.8
