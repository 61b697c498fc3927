package lattice

import (
	"bytes"
	"context"
	"errors"
	"math"
	"testing"

	"ditas/audio"
	"ditas/internal/racetest"
	"ditas/report"
)

// bursts returns noise at the edge of what 8 bits hold, with some loud frames in every channel from a frame on, so many frames apart.
func bursts(channels, frames, first, count, apart int) *audio.Recording {
	f := audio.Format{Rate: 44100, Channels: channels, Encoding: audio.Int8}
	rec := &audio.Recording{Format: f, Samples: audio.NewBlock(channels, frames*FrameLength)}
	rng := newRand(uint64(count))
	for _, x := range rec.Samples {
		low := 0.0
		for i := range x {
			low = 0.7*low + 0.5*rng.NormFloat64()
			loud := 0.02
			if k := i/FrameLength - first; k >= 0 && k%apart == 0 && k/apart < count {
				loud = 0.4
			}
			x[i] = f.Quantize(max(-1, min(1, loud*low)))
		}
	}
	return rec
}

// A recording of which most is left alone, since 8 bits cannot hold a change that is not heard there, gives back what it has room for: wherever
// the few frames are that are loud enough, and in every channel.
func TestMostLeftAlone(t *testing.T) {
	racetest.Skip(t)
	kept := 0
	for _, c := range []struct{ channels, frames, first, count, apart int }{
		{1, 600, 0, 40, 1}, {1, 600, 560, 40, 1}, {1, 1300, 300, 14, 1}, {2, 700, 450, 64, 1}, {2, 700, 100, 60, 9}, {3, 500, 200, 100, 2},
		{1, 3000, 2600, 200, 1}, {1, 1300, 300, 5, 40},
	} {
		cover := open(t, file(t, bursts(c.channels, c.frames, c.first, c.count, c.apart)))
		v, err := NewSurvey(context.Background(), cover, DefaultShaping, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := v.Unheard(Robust, v.MSE(20), math.Inf(-1))
		room := p.Room()
		if room == 0 {
			if err := p.Check(); !errors.As(error(err), new(*report.TooQuietError)) {
				t.Errorf("%+v: no room, and no reason: %v", c, err)
			}
			continue
		}
		hidden := payload(room)
		var b bytes.Buffer
		if _, err := hide(context.Background(), &b, cover, p, hidden, ours, fixed, 2, nil); err != nil {
			t.Errorf("%+v: of %d bytes: %v", c, room, err)
			continue
		}
		m, err := Find(context.Background(), host(open(t, b.Bytes())), ours, 2, nil)
		if err != nil || !bytes.Equal(m.Payload, hidden) {
			t.Errorf("%+v: not all of %d bytes comes back: %v", c, room, err)
			continue
		}
		kept++
	}
	if kept < 6 {
		t.Errorf("%d recordings had room and kept what was hidden", kept)
	}
}
