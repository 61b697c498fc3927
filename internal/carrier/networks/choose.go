package networks

import (
	"context"
	"math"

	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/model"
	"ditas/internal/parallel"
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

// use is how a slot would be used.
type use struct {
	level uint8
	room  float64 // share of its coefficients
	err   error
}

// choose decides which slots are used, how strongly each, and by which method: the one that leaves pauses alone, unless the recording
// has so few strong coefficients that hardly a frame would be used.
func (v *survey) choose(ctx context.Context, needed int, snr float64, o carrier.Options) ([]slots.Slot, int, error) {
	var plans [2][]slots.Slot
	var rooms [2]float64
	for i, method := range []int{activeFrames, allFrames} {
		uses, err := v.uses(ctx, method, snr, o)
		if err != nil {
			return nil, 0, err
		}
		worth := make([]float64, len(uses))
		for j, u := range uses {
			worth[j] = min(1, u.room/wellRoom)
			if worth[j] == 0 && slots.Usable(v.peaks[j]) {
				worth[j] = 1e-9 // better than to fail
			}
		}
		chosen, err := slots.Plan(worth, needed)
		if err != nil {
			return nil, 0, err
		}
		for _, index := range chosen {
			plans[i] = append(plans[i], slots.Slot{Index: index, Strength: uses[index].level})
			rooms[i] += uses[index].room
		}
		if method == activeFrames && rooms[i] >= float64(needed)/2 {
			break // using all frames cannot give twice the room
		}
	}
	if rooms[0] < rooms[1]/2 {
		return plans[1], allFrames, nil
	}
	return plans[0], activeFrames, nil
}

// wellRoom is the share of a slot's coefficients that make room for the message with which the networks do well.
const wellRoom = 0.8

// uses finds out how each slot would be used.
func (v *survey) uses(ctx context.Context, method int, snr float64, o carrier.Options) ([]use, error) {
	s, peaks := v.sound, v.peaks
	surveys := make([]*model.Survey, o.Workers)
	for i := range surveys {
		var err error
		if surveys[i], err = model.NewSurvey(v.sys.Config, activity(method)); err != nil {
			return nil, err
		}
	}
	// Below this the message would drown in the rounding of the file.
	floor := max(24*carrier.GridOf(s.format).Step, 1e-4)
	uses := make([]use, len(peaks))
	parallel.Each(len(surveys), len(peaks), func(w, i int) {
		u := &uses[i]
		if u.err = ctx.Err(); u.err != nil || !slots.Usable(peaks[i]) {
			return
		}
		x := s.at(i)
		var power float64
		for _, v := range x {
			power += float64(v) * float64(v) / float64(len(x))
		}
		level, room, err := surveys[w].Level(x, power*math.Pow(10, -snr/10), floor)
		*u = use{level: level, room: float64(room) / float64(len(x)), err: err}
	})
	for _, u := range uses {
		if u.err != nil {
			return nil, u.err
		}
	}
	return uses, nil
}
