package lattice

import (
	"context"
	"errors"
	"math"

	"ditas/internal/carrier"
	"ditas/internal/keystream"
	"ditas/internal/parallel"
)

// Find finds and reads what is hidden in a recording under a key. The error wraps [carrier.ErrNotFound] if nothing is found and
// [carrier.ErrVersion] if a later version wrote it. progress, if set, is called now and then from one goroutine at a time.
func Find(ctx context.Context, stego *carrier.Host, key keystream.Key, workers int, progress func(done, total int)) (*carrier.Message, error) {
	l, err := newListener(stego, key, workers)
	if err != nil {
		return nil, err
	}
	l.progress = progress
	h, k, err := l.search(ctx)
	if err != nil {
		return nil, err
	}
	return l.read(ctx, h, k)
}

// search finds where a message lies.
func (l *listener) search(ctx context.Context) (*header, lock, error) {
	if l.source.Channels() > MaxChannels || l.source.Frames() == 0 {
		return nil, lock{}, carrier.ErrNotFound
	}
	return l.find(ctx)
}

// read reads the message that a search has found.
func (l *listener) read(ctx context.Context, h *header, k lock) (*carrier.Message, error) {
	r := l.newReceiver(h)
	if err := errors.Join(r.listen(ctx, k), l.source.Finish()); err != nil {
		return nil, err
	}
	m, err := r.message(ctx, l.workers)
	if err != nil {
		return nil, err
	}
	if l.progress != nil {
		l.progress(1000, 1000)
	}
	m.Gain, m.Offset, m.Cut = k.gain, k.offset, l.source.Cut()
	// What follows may be a part of a frame, or a few of silence; from as much on as takes a message it is told.
	if beyond := l.source.Frames() - k.at - int64(h.frames/h.channels-k.k)*FrameLength; beyond >= LeastLength+FrameLength {
		m.Beyond = l.source.Format().Duration(beyond)
	}
	return m, nil
}

// receiver collects what the frames of a recording say.
type receiver struct {
	*listener
	header   *header
	coded    []byte // the header in its code
	key      keystream.Key
	gatherer *gatherer
	spots    [blockFrames]spot
	stretch  *stretch
	heard    [][]bool // lane by lane, which frames were found
	noises   [noiseIndices]int
	done     int64 // samples listened to
	spent    int64 // by searches, see [acquirer]
	blocks   int   // of the payload
}

// spot is where one frame of a block is read.
type spot struct {
	framer   *framer
	reader   *reader
	y        [FrameLength]float64
	bits     bits[float32]
	frame    *frame
	level    int
	evidence float64
	sums     [noiseIndices]float64
}

func (l *listener) newReceiver(h *header) *receiver {
	r := &receiver{
		listener: l, header: h, key: h.key(l.key), coded: l.code.encode(h.marshal(l.key)),
		stretch: l.newStretch(blockFrames),
	}
	r.gatherer = newGatherer(h.ladder(), newSlots(r.key), int((l.source.Frames()+FrameLength-1)/FrameLength)*l.source.Channels())
	for i := range r.gatherer.stages {
		r.blocks += r.gatherer.stages[i].blocks
	}
	for i := range r.spots {
		r.spots[i] = r.newSpot()
	}
	for range h.channels {
		r.heard = append(r.heard, make([]bool, h.frames/h.channels))
	}
	return r
}

func (r *receiver) newSpot() spot {
	return spot{
		framer: &framer{marker: r.marker, set: r.header.nonce.set(), key: r.key, profile: r.header.profile},
		reader: newReader(r.header.profile, r.tables[r.header.profile]),
	}
}

// track is where the next frame of a channel is expected.
type track struct {
	lock
	noise int     // index, −1 if unknown
	mean  float64 // evidence of the last frames
}

// frames returns how many frames a lane has.
func (r *receiver) frames() int { return r.header.frames / r.header.channels }

// listen goes through all channels.
func (r *receiver) listen(ctx context.Context, first lock) error {
	if first.lane >= r.header.channels || first.k >= r.frames() {
		return carrier.ErrNotFound
	}
	taken := make([]bool, r.header.channels)
	for i := range r.source.Channels() {
		// The channel that was found first, then the others in order.
		c := first.channel
		if i > 0 {
			if c = i; i <= first.channel {
				c = i - 1
			}
		}
		k, ok := first, true
		if i > 0 {
			var err error
			if k, ok, err = r.beside(ctx, first, c, taken); err != nil {
				return err
			}
		}
		if !ok {
			r.report(r.source.Frames())
			continue
		}
		taken[k.lane] = true
		// Back to the beginning of the recording.
		back := min(int((k.at+FrameLength-1)/FrameLength), k.k)
		k.at -= int64(back) * FrameLength
		k.k -= back
		if err := r.follow(ctx, track{lock: k, noise: -1}); err != nil {
			return err
		}
	}
	return nil
}

// sure is the evidence for a frame that leaves no doubt, in nats: of frames that are not there, one in a million at
// most has as much (Markov).
const sure = 14

// besideFrames is how many frames tell which lane a channel has, and mostBeside how many are looked at in recordings of which much was left alone.
const (
	besideFrames = 64
	mostBeside   = 1024
)

// beside finds the lane of another channel, which most likely is in step with one that is known, in whatever order
// they are.
func (r *receiver) beside(ctx context.Context, k lock, channel int, taken []bool) (lock, bool, error) {
	k.channel = channel
	var trials []trial
	for i := range r.header.channels {
		if lane := (channel + i) % r.header.channels; !taken[lane] {
			trials = append(trials, trial{pair: pair{channel, lane}, set: k.set})
		}
	}
	limit := threshold(float64(r.header.channels))
	var windows [besideFrames / blockFrames]*stretch
	for i := range windows {
		windows[i] = r.newStretch(blockFrames)
	}
	for from := 0; from < mostBeside && k.at+int64(from)*FrameLength < r.source.Frames(); from += besideFrames {
		for i, w := range windows {
			if err := errors.Join(w.load(r.source, k.at+int64(from+i*blockFrames)*FrameLength), ctx.Err()); err != nil {
				return k, false, err
			}
		}
		best, top := k, limit
		for i := range trials {
			t := &trials[i]
			for i, w := range windows {
				if err := ctx.Err(); err != nil {
					return k, false, err
				}
				t.add(r.listener, w, &k, k.k+from+i*blockFrames)
			}
			if score := t.score(); score > top {
				best, top = k, score
				best.lane = t.lane
			}
			if top > 2*limit {
				break
			}
		}
		if top > limit {
			return best, true, nil
		}
	}
	var lanes []int
	for lane := range taken {
		if !taken[lane] {
			lanes = append(lanes, lane)
		}
	}
	if len(lanes) == 0 {
		return k, false, nil
	}
	return r.search(ctx, k, 0, lanes, r.finest(k.gain), 0)
}

// Pieces are looked for in so many frames at a time.
const (
	longPiece  = 64
	shortPiece = 8
)

// sureSearches and mostSearches bound what all searches for pieces of a recording spend: so much, and so much for each sample that is there.
// A header may claim any number of frames, among which a piece is looked for, and frames that come and go.
const (
	sureSearches = 1 << 26
	mostSearches = 1 << 7
)

// search looks for frames of some lanes in a channel, from a place of the file on, from frame first on. octave is
// that of the finest lattice that noise leaves; a coarser one is tried after it.
func (r *receiver) search(ctx context.Context, k lock, from int64, lanes []int, octave, first int) (lock, bool, error) {
	a := newAcquirer(r.marker, r.source, r.workers)
	most := sureSearches + mostSearches*r.source.Frames()*int64(r.source.Channels())
	for i := range 4 {
		if r.spent > most {
			return k, false, nil
		}
		frames, octave := longPiece, octave
		if i%2 == 1 {
			frames = shortPiece
		}
		if i >= 2 {
			octave = min(octaves-1, octave+2)
		}
		if err := a.stretch(ctx, k.channel, from, frames*FrameLength); err != nil {
			return k, false, err
		}
		h := hypothesis{
			gain: k.gain, offset: k.offset, octave: octave, sets: []int{k.set}, lanes: lanes,
			first: first, last: r.frames(),
		}
		c, ok, err := a.correlate(ctx, h, 0, frames*FrameLength)
		if err != nil {
			return k, false, err
		}
		r.spent, a.spent = r.spent+a.spent, 0
		if ok {
			c.channel = k.channel
			return c.lock, true, nil
		}
	}
	return k, false, nil
}

// maxSearches bounds how often a channel that was cut is searched for the next piece.
const maxSearches = 24

// follow reads a channel from a track on to its end, wherever the next piece of it begins.
func (r *receiver) follow(ctx context.Context, t track) error {
	searches, idle, patient := 0, 0, 0 // up to frame patient, frames that are not there are not searched for
	since, noise := t.k, -1            // the frame behind the last one that was heard, and the noise there
	for t.at < r.source.Frames() && t.k < r.frames() {
		frames := min(blockFrames, r.frames()-t.k, int((r.source.Frames()-t.at+FrameLength-1)/FrameLength))
		if err := errors.Join(r.stretch.load(r.source, t.at), ctx.Err()); err != nil {
			return err
		}
		r.look(&t, frames)
		keep, lost := frames, false
		if t.mean > 2*sure && t.k+frames > patient {
			// Of a recording that was clear so far, frames that are not there are elsewhere.
			for keep > 0 && r.spots[keep-1].evidence < sure/2 {
				if len(r.spots[keep-1].reader.sync) > syncPilots/2 {
					lost = true
				}
				keep--
			}
			if !lost || keep == frames-1 && keep > 0 {
				// Silence keeps time; a single frame may have been disturbed.
				keep, lost = frames, false
			}
		}
		r.take(&t, keep)
		for i := range keep {
			if r.spots[i].evidence > sure {
				since, noise = t.k+i+1, t.noise
			}
		}
		t.at += int64(keep) * FrameLength
		t.k += keep
		r.report(int64(keep) * FrameLength)
		if !lost {
			continue
		}
		if searches++; searches > maxSearches {
			t.mean = 0
			continue
		}
		t.noise = noise
		next, ok, err := r.resume(ctx, t, since)
		if err != nil {
			return err
		}
		if ok {
			t, idle = next, 0
			continue
		}
		// What stands here is not ours, or was left alone. Search again behind it, in ever larger steps, and go on here until then: frames that
		// were left alone keep time.
		idle++
		patient = t.k + min(shortPiece/2<<idle, 1<<12)
	}
	return nil
}

// resume looks for the next piece of a channel, from frame first on, where a track was lost.
func (r *receiver) resume(ctx context.Context, t track, first int) (track, bool, error) {
	// Noise is an eighth of the step.
	finest := max(r.finest(t.gain), min(octaves-3, (t.noise+3)/4))
	found, ok, err := r.search(ctx, t.lock, t.at, []int{t.lane}, finest, first)
	if err != nil || !ok {
		return t, false, err
	}
	// The frames between may be good as well.
	back := min(int((found.at-t.at+FrameLength-1)/FrameLength), found.k)
	found.at -= int64(back) * FrameLength
	found.k -= back
	t.lock = found
	return t, true, nil
}

func (r *receiver) report(samples int64) {
	r.done = min(r.done+samples, r.source.Frames()*int64(r.source.Channels()))
	r.decoded(0, r.blocks)
}

// decoded reports how many blocks of the payload were decoded. Listening to a million samples counts like a block.
func (r *receiver) decoded(done, of int) {
	if r.progress == nil {
		return
	}
	const sample = 1 << 20
	part := float64(r.done)/sample + float64(done)
	all := float64(r.source.Frames()*int64(r.source.Channels()))/sample + float64(of)
	r.progress(r.searched+int(math.Round(float64(1000-r.searched)*min(1, part/all))), 1000)
}

// look reads a block of frames as far as to know their levels, and the noise.
func (r *receiver) look(t *track, frames int) {
	parallel.Each(r.workers, frames, func(_, i int) {
		s := &r.spots[i]
		s.frame = s.framer.at(t.lane, t.k+i)
		r.stretch.frame(s.y[:], s.reader.quiet[:], &t.lock, i)
		s.reader.know(s.y[:], &s.frame.marks, t.lane, t.k+i, &r.code, r.coded)
	})
	// The noise decides between levels only a little, and the levels decide what the noise is.
	if t.noise < 0 || !r.settle(t, frames, []int{t.noise}) {
		var guesses []int
		for n := 2; n < noiseIndices; n += 4 {
			guesses = append(guesses, n)
		}
		r.settle(t, frames, guesses)
	}
	for i := range frames {
		r.spots[i].evidence = r.spots[i].sums[max(t.noise, 0)]
		if e := r.spots[i].evidence; e > sure/2 {
			t.mean += (e - t.mean) / 4
		}
	}
}

// settle chooses the levels of a block's frames under the likeliest of several guesses of the noise, and then the
// noise, and reports whether the two agree.
func (r *receiver) settle(t *track, frames int, guesses []int) bool {
	best, top := guesses[0], 0.0
	var levels [blockFrames]int
	for _, noise := range guesses {
		r.levels(noise, frames)
		sum := 0.0
		for i := range frames {
			sum += max(0, r.spots[i].evidence)
		}
		if sum > top {
			best, top = noise, sum
			for i := range frames {
				levels[i] = r.spots[i].level
			}
		}
	}
	if top == 0 {
		for i := range frames {
			clear(r.spots[i].sums[:])
		}
		return false
	}
	for i := range frames {
		r.spots[i].level = levels[i]
	}
	t.noise = r.noise(t, frames)
	return t.noise-best >= -2 && t.noise-best <= 2 && top > float64(frames)*sure
}

// levels chooses the level of each frame under a noise.
func (r *receiver) levels(noise, frames int) {
	parallel.Each(r.workers, frames, func(_, i int) {
		s := &r.spots[i]
		s.level, s.evidence = s.reader.likeliest(noise, s.level)
	})
}

// noise returns the noise that fits the frames best at their levels. What earlier blocks had tells a little as well.
func (r *receiver) noise(t *track, frames int) int {
	parallel.Each(r.workers, frames, func(_, i int) {
		s := &r.spots[i]
		clear(s.sums[:])
		sync := s.reader.syncEvidences(s.level)
		s.reader.evidences(&s.sums, s.level, &sync)
	})
	best, top := max(t.noise, 0), 0.0
	for n := range noiseIndices {
		sum := 0.0
		for i := range frames {
			sum += max(0, r.spots[i].sums[n])
		}
		if sum > top {
			best, top = n, sum
		}
	}
	return best
}

// take adds the frames of a block that are there. Where those before it were clear, little evidence speaks of one that was left alone.
func (r *receiver) take(t *track, frames int) {
	least := 0.0
	if t.mean > 2*sure {
		least = sure / 2
	}
	parallel.Each(r.workers, frames, func(_, i int) {
		s := &r.spots[i]
		if s.evidence > least {
			s.reader.read(&s.bits, s.y[:], s.frame, s.level, t.noise)
		}
	})
	for i := range frames {
		s := &r.spots[i]
		if s.evidence > least && !r.heard[t.lane][t.k+i] {
			r.gatherer.add(&s.bits, (t.k+i)*r.header.channels+t.lane)
			r.heard[t.lane][t.k+i] = s.evidence > sure/2 || t.mean < 2*sure
			r.noises[t.noise]++
		}
	}
}

// message decodes what was gathered.
func (r *receiver) message(ctx context.Context, workers int) (*carrier.Message, error) {
	m := &carrier.Message{Size: r.header.payload(), Robust: r.header.profile == Robust, Frames: r.header.frames, Map: r.heard}
	sealed, arrived, err := r.gatherer.decode(ctx, r.key, workers, r.decoded)
	if err != nil {
		return nil, err
	}
	if m.Payload, err = unseal(r.key, sealed, r.header.sealed); err != nil {
		return nil, err
	}
	for i := range r.gatherer.stages {
		s := &r.gatherer.stages[i]
		if s.size > 0 {
			m.Stages = append(m.Stages, carrier.Arrival{Bytes: r.header.payloadOf(s), Blocks: s.blocks, Arrived: arrived[i]})
		}
	}
	frames := 0
	for _, lane := range r.heard {
		for _, heard := range lane {
			if heard {
				m.Arrived++
			}
		}
	}
	for _, n := range r.noises {
		frames += n
	}
	half := 0
	for n, count := range r.noises {
		if half += count; 2*half >= frames {
			m.Noise = quarters(n) / 8 * unit
			break
		}
	}
	return m, nil
}
