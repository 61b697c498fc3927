package lattice

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ditas/audio"
	"ditas/internal/fec/turbo"
	"ditas/internal/racetest"
)

// smallHeader draws a header of which tests can look at every coded bit.
func smallHeader(seed uint64) header {
	rng := newRand(seed)
	h := header{profile: Profile(rng.IntN(int(profiles))), channels: 1 + rng.IntN(3), nonce: fixed}
	h.frames = h.channels * (1 + rng.IntN(60))
	h.sealed = payloadTag + 1 + int(math.Exp2(rng.Float64()*13))
	h.division = randomDivision(rng)
	return h
}

// randomDivision draws one in which large stages are as likely as small ones.
func randomDivision(rng *rand.Rand) (d division) {
	d.scale = rng.IntN(maxScale + 1)
	for i, n := range shareBits {
		d.shares[i] = rng.IntN(1 << n)
	}
	return d
}

// Every bit that a frame has is dealt to one stage, once, whatever the key.
func TestEverySlotIsDealtOnce(t *testing.T) {
	racetest.Skip(t)
	every(t, func(t *testing.T, p Profile) {
		stages := make([]stage, len(ladders[p]))
		for i, r := range ladders[p] {
			stages[i].rung = r
		}
		for _, s := range []*slots{newSlots(ours), newSlots(theirs)} {
			var b bits[int]
			counts := make([]int, len(stages))
			for i, h := range s.deal(stages) {
				for j := range h.strong {
					b.strong[h.first+j]++
				}
				for _, j := range h.medium {
					b.medium[j]++
				}
				for _, j := range h.fine {
					b.fine[j]++
				}
				counts[i] = h.strong + len(h.medium) + len(h.fine)
			}
			for i, n := range b.fine {
				if n != 1 {
					t.Fatalf("fine bit %d is dealt %d times", i, n)
				}
			}
			medium, strong := 0, 0
			for _, n := range b.medium {
				medium += n
			}
			for _, n := range b.strong {
				strong += n
			}
			if p == Robust && (medium != mediumSlots || strong != maxData) || p == Lean && medium+strong != 0 {
				t.Errorf("%d medium and %d strong bits are dealt", medium, strong)
			}
			for i, n := range counts {
				if n != stages[i].perFrame() {
					t.Errorf("stage %d has %d bits, want %d", i, n, stages[i].perFrame())
				}
			}
		}
	})
	if slices.Equal(newSlots(ours).fine[0], newSlots(theirs).fine[0]) {
		t.Error("two keys deal alike")
	}
}

// Whatever a header says, its stages cover the payload without gap or overlap, in blocks that the code takes.
func TestStagesCoverThePayload(t *testing.T) {
	racetest.Skip(t)
	rng := newRand(7)
	for i := range 4000 {
		h := smallHeader(uint64(i))
		if i%2 == 0 {
			h = randomHeader(rng)
		}
		at := 0
		for j, s := range h.ladder() {
			if s.first != at || s.size < 0 {
				t.Fatalf("%+v: stage %d has %d bytes from %d on, want them from %d on", h, j, s.size, s.first, at)
			}
			at += s.size
			if s.size == 0 {
				continue
			}
			if s.bits < turbo.MinK || s.bits > maxBlock || s.bits != 8*(s.block+checkSize) {
				t.Fatalf("%+v: stage %d of %d bytes has blocks of %d bits", h, j, s.size, s.bits)
			}
			if s.length < s.bits || s.length > 5*s.bits+18 {
				t.Fatalf("%+v: stage %d sends %d bits for %d", h, j, s.length, s.bits)
			}
			end := s.first
			for b := range s.blocks {
				from, to := s.span(b)
				if from != end || to < from || to-from > s.block {
					t.Fatalf("%+v: block %d of stage %d holds bytes %d to %d after %d", h, b, j, from, to, end)
				}
				end = to
			}
			if end != s.first+s.size {
				t.Fatalf("%+v: the blocks of stage %d end at %d, want %d", h, j, end, s.first+s.size)
			}
			for _, f := range []int{0, 1, h.frames / 2, h.frames - 1} {
				if p := s.begin(f); p < 0 || p >= s.positions() {
					t.Fatalf("%+v: frame %d begins at %d of %d in stage %d", h, f, p, s.positions(), j)
				}
			}
		}
		if at != h.sealed {
			t.Fatalf("%+v: stages hold %d bytes", h, at)
		}
	}
}

// Frames go through the coded bits of a stage evenly: none is sent twice before all have been sent once.
func TestCodedBitsAreSentEvenly(t *testing.T) {
	racetest.Skip(t)
	for seed := range uint64(200) {
		h := smallHeader(seed)
		for i, s := range h.ladder() {
			if s.size == 0 {
				continue
			}
			counts := make([]int, s.positions())
			for f := range h.frames {
				p := s.begin(f)
				for range s.perFrame() {
					counts[p]++
					p = (p + 1) % s.positions()
				}
			}
			if least, most := slices.Min(counts), slices.Max(counts); most-least > 1 {
				t.Fatalf("%+v: coded bits of stage %d are sent %d to %d times", h, i, least, most)
			}
		}
	}
}

// A rung takes its weight in sixteenths of a bit in a frame at the middle scale and share, twice as much with every step of the
// scale and with every eight of the share, and nothing at a share of 0.
func TestTakes(t *testing.T) {
	for _, frames := range []int{1, 100, 12345, maxFrames} {
		for _, rungs := range ladders {
			for i, r := range rungs[:len(rungs)-1] {
				for scale := range maxScale + 1 {
					last := int64(0)
					for share := range 1 << shareBits[i] {
						d := division{scale: scale}
						d.shares[i] = share
						got := takes(rungs, i, frames, d)
						f := math.Exp2(float64(scale-24) + float64(share-middleShare(i))/8)
						want := float64(r.weight) * f * float64(frames) / 16 / 8
						if share == 0 {
							want = 0
						}
						if off := math.Abs(float64(got) - want); off > 1+want*2e-4+float64(frames)*0x1p-8 {
							t.Fatalf("%+v: %d bytes in %d frames at scale %d and share %d, want %.2f", r, got, frames, scale, share, want)
						}
						if got < last {
							t.Fatalf("%+v: %d bytes in %d frames at scale %d and share %d, less than at the share below", r, got, frames, scale, share)
						}
						last = got
					}
				}
			}
		}
	}
}

// A division keeps to the sizes that are asked for, and comes near to them where they do not lie too far apart.
func TestDivide(t *testing.T) {
	racetest.Skip(t)
	rng := newRand(8)
	for range 2000 {
		rungs := ladders[rng.IntN(len(ladders))]
		frames := 8 + int(math.Exp2(24*rng.Float64()))
		part := math.Exp2(-6 * rng.Float64())
		sizes := make([]int, len(rungs))
		for i, r := range rungs[:len(rungs)-1] {
			sizes[i] = int(float64(r.weight) / 128 * float64(frames) * part * (0.75 + 0.4*rng.Float64()))
		}
		d := divide(rungs, frames, sizes)
		for i := range rungs[:len(rungs)-1] {
			got := takes(rungs, i, frames, d)
			if got > int64(sizes[i]) {
				t.Fatalf("stage %d of %+v takes %d of %d bytes", i, d, got, sizes[i])
			}
			if least := float64(sizes[i])*math.Exp2(-1.0/8)*0.99 - 2; float64(got) < least {
				t.Fatalf("stage %d of %+v takes %d of %d bytes in %d frames", i, d, got, sizes[i], frames)
			}
		}
	}
}

func TestGoldenStride(t *testing.T) {
	for n := 1; n < 3000; n++ {
		g := goldenStride(n)
		if gcd(g, n) != 1 || g < 1 {
			t.Fatalf("the stride of %d is %d", n, g)
		}
		if n > 300 && math.Abs(float64(g)/float64(n)-0.618) > 0.05 {
			t.Errorf("the stride of %d is %d, far from the golden section", n, g)
		}
	}
}

// Of the room that a plan has, every payload fits that is not larger, in stages that the code takes.
func TestEverythingSmallerThanTheRoomFits(t *testing.T) {
	racetest.Skip(t)
	v, _ := survey(t, noise(5, mono(audio.Int16), 40*FrameLength))
	for _, p := range []*Plan{v.Plan(Robust, v.MSE(40)), v.Plan(Robust, v.MSE(55)), v.Plan(Lean, v.MSE(40)), v.Faint()[0]} {
		room := p.Room()
		if p.fit(room+room/2) != nil {
			t.Errorf("profile %d: far more than the room of %d bytes fits", p.profile, room)
		}
		for n := 1; n <= room; n += 1 + n/100 {
			h := p.fit(n)
			if h == nil {
				t.Fatalf("profile %d: %d bytes do not fit, though there is room for %d", p.profile, n, room)
			}
			if h.payload() != n || h.profile != p.profile {
				t.Fatalf("profile %d: %d bytes get %+v", p.profile, n, h)
			}
			for _, s := range h.ladder() {
				if s.size > 0 && s.bits < turbo.MinK {
					t.Fatalf("profile %d: a payload of %d bytes has a stage of %d", p.profile, n, s.size)
				}
			}
		}
	}
}
