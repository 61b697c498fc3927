package lattice

import (
	"context"
	"errors"
	"math"

	"ditas/audio"
	"ditas/internal/keystream"
	"ditas/internal/parallel"
)

// Message is what was found in a recording.
type Message struct {
	Payload []byte // the beginning of the payload that arrived without a gap
	Size    int    // bytes of the whole payload
	Profile Profile
	// Stages tells what arrived of each stage, the most protected first.
	Stages []Arrival
	// Frames is the number of frames that were written, and Arrived how many of them were found.
	Frames, Arrived int
	// Map tells of every frame, channel by channel, whether it was found.
	Map [][]bool
	// Gain is what the recording was multiplied with since, negative for an inverted one, and Offset what was added; both are of
	// the first channel that was found. Where the strength of all frames is high the gain is known but for a power of 2^(1/4), and
	// of those that fit it is the one nearest to 1.
	Gain, Offset float64
	// Noise is the standard deviation of what was added to the samples, that of rounding included, the median over all frames.
	Noise float64
	// Cut is an *audio.TruncatedError if the file ends too early.
	Cut error
}

// Arrival is what arrived of a stage.
type Arrival struct {
	Bytes           int // of the payload
	Blocks, Arrived int
}

// Find finds and reads what is hidden in a recording under a key. The error wraps [ErrNotFound] if nothing is found and
// [ErrVersion] if a later version wrote it. progress, if set, is called now and then from one goroutine at a time.
func Find(ctx context.Context, f audio.File, key keystream.Key, workers int, progress func(done, total int)) (*Message, error) {
	l, err := newListener(ctx, f, key, workers)
	if err != nil {
		return nil, err
	}
	if l.source.Channels() > MaxChannels {
		return nil, ErrNotFound
	}
	h, k, err := l.find()
	if err != nil {
		return nil, err
	}
	r := l.newReceiver(h, progress)
	if err := errors.Join(r.listen(k), l.source.Finish()); err != nil {
		return nil, err
	}
	m, err := r.message(ctx, l.workers)
	if err != nil {
		return nil, err
	}
	m.Gain, m.Offset, m.Cut = k.gain, k.offset, l.source.Cut()
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
	progress func(done, total int)
	done     int64 // samples listened to
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

func (l *listener) newReceiver(h *header, progress func(done, total int)) *receiver {
	r := &receiver{
		listener: l, header: h, key: h.nonce.key(l.key), coded: l.code.encode(h.marshal(l.key)),
		stretch: l.newStretch(blockFrames), progress: progress,
	}
	r.gatherer = newGatherer(h.ladder(), newSlots(r.key))
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
		framer: &framer{words: r.words, key: r.key, profile: r.header.profile},
		reader: newReader(r.header.profile, r.tables[r.header.profile]),
	}
}

// track is where the next frame of a channel is expected.
type track struct {
	lock
	lane, k int
	noise   int     // index, −1 if unknown
	usual   float64 // evidence of the last frames
}

// lanes returns how many frames a lane has.
func (r *receiver) lane() int { return r.header.frames / r.header.channels }

// listen goes through all channels.
func (r *receiver) listen(first lock) error {
	main, ok, err := r.place(first, first.channel)
	if err != nil {
		return err
	}
	if !ok {
		return ErrNotFound
	}
	for c := range r.source.Channels() {
		t := main
		if c != first.channel {
			k := first
			k.channel = c
			if t, ok, err = r.beside(k, main); err != nil {
				return err
			} else if !ok {
				continue
			}
		}
		// Back to the beginning of the recording.
		back := min(int((t.at+FrameLength-1)/FrameLength), t.k)
		t.at -= int64(back) * FrameLength
		t.k -= back
		if err := r.follow(t); err != nil {
			return err
		}
	}
	return nil
}

// sure is the evidence for a frame that leaves no doubt.
const sure = 14

// place finds out which frame of which lane a lock is at. It asks the frame where it would lie in an untouched recording first.
func (r *receiver) place(k lock, likely int) (track, bool, error) {
	best, top := track{}, 0.0
	at := int(k.at / FrameLength)
	lanes := []int{likely % r.header.channels}
	for lane := range r.header.channels {
		if lane != lanes[0] {
			lanes = append(lanes, lane)
		}
	}
	candidates := func(near bool) []track {
		var all []track
		for _, lane := range lanes {
			first := ((k.word-r.header.nonce.start()-5*lane)%words + words) % words
			// A lock may lie before the first frame, where there was something else.
			for i := first - words; i < r.lane(); i += words {
				if near == (i == at) {
					all = append(all, track{lock: k, lane: lane, k: i, noise: -1})
				}
			}
		}
		return all
	}
	for _, near := range []bool{true, false} {
		t, e, err := r.likeliest(candidates(near))
		if err != nil {
			return best, false, err
		}
		if e > top {
			best, top = t, e
		}
		if top > sure {
			return best, true, nil
		}
	}
	if top > sure/2 {
		return best, true, nil
	}
	// In noise the pilots of a few frames may say nothing. A recording that is as long as it was, with a frame where it was, tells
	// enough.
	whole := r.source.Channels() == r.header.channels && r.source.Frames()/FrameLength == int64(r.lane())
	if near := candidates(true); whole && k.at%FrameLength == 0 && len(near) > 0 {
		return near[0], true, nil
	}
	return best, false, nil
}

// likeliest returns which of several tracks, which differ in lane and frame only, has the most evidence in its pilots.
func (r *receiver) likeliest(all []track) (track, float64, error) {
	if len(all) == 0 {
		return track{}, 0, nil
	}
	k := all[0].lock
	if err := errors.Join(r.stretch.load(r.source, k.at), r.ctx.Err()); err != nil {
		return track{}, 0, err
	}
	// Level and noise follow from what all of them have in common.
	s := &r.spots[0]
	j := new(judgement)
	var ys [blockFrames][FrameLength]float64
	var quiet [blockFrames][FrameLength]bool
	j.judge(s.reader, blockFrames, func(i int) {
		r.stretch.frame(ys[i][:], quiet[i][:], &k, i)
		s.reader.quiet = quiet[i]
		word := (k.word + i) % words
		s.reader.know(ys[i][:], nil, &r.words[word], word, &r.code, r.coded)
	})
	var levels [blockFrames]int
	for i := range levels {
		levels[i] = j.level(i)
	}
	scores := make([]float64, len(all))
	spots := make([]*spot, r.workers)
	parallel.Each(r.workers, len(all), func(w, t int) {
		if r.ctx.Err() != nil {
			return
		}
		if spots[w] == nil {
			one := r.newSpot()
			spots[w] = &one
		}
		spot := spots[w]
		for i := range blockFrames {
			if all[t].k+i < 0 {
				continue
			}
			if all[t].k+i >= r.lane() {
				break
			}
			f := spot.framer.at(r.header.nonce.start(), all[t].lane, all[t].k+i)
			spot.reader.quiet = quiet[i]
			word := (k.word + i) % words
			spot.reader.know(ys[i][:], f, &r.words[word], word, &r.code, r.coded)
			// A frame behind a cut is another one than expected, and says nothing.
			scores[t] += max(-2, spot.reader.strongEvidence(spot.reader.pilots, levels[i], j.noise))
		}
	})
	best := 0
	for t, v := range scores {
		if v > scores[best] {
			best = t
		}
	}
	found := all[best]
	if found.k < 0 {
		found.at -= int64(found.k) * FrameLength
		found.k = 0
	}
	return found, scores[best], r.ctx.Err()
}

// beside finds the track of another channel, which most likely is in step with one that is known, in whatever order they are.
func (r *receiver) beside(k lock, main track) (track, bool, error) {
	best, top := track{}, 0.0
	for i := range r.header.channels {
		lane := (k.channel + i) % r.header.channels
		k.word = wordOf(r.header.nonce.start(), lane, main.k)
		t, e, err := r.likeliest([]track{{lock: k, lane: lane, k: main.k, noise: -1}})
		if err != nil {
			return best, false, err
		}
		if e > top {
			best, top = t, e
		}
		if top > sure {
			return best, true, nil
		}
	}
	if top > sure/2 {
		return best, true, nil
	}
	from, err := r.sound(k.channel, 0)
	if err != nil {
		return best, false, err
	}
	found, score, err := r.acquire.search(r.ctx, r.source, k, from)
	if err != nil || score < accepted {
		return best, false, err
	}
	return r.place(found, k.channel)
}

// maxSearches bounds how often a channel that was cut is searched for the next piece.
const maxSearches = 24

// follow reads a channel from a track on to its end, wherever the next piece of it begins.
func (r *receiver) follow(t track) error {
	searches, idle := 0, 0
	for t.at < r.source.Frames() && t.k < r.lane() {
		frames := min(blockFrames, r.lane()-t.k, int((r.source.Frames()-t.at+FrameLength-1)/FrameLength))
		if err := errors.Join(r.stretch.load(r.source, t.at), r.ctx.Err()); err != nil {
			return err
		}
		r.look(&t, frames)
		keep, lost := frames, false
		if t.usual > 2*sure {
			// Of a recording that was clear so far, frames that are not there are elsewhere.
			for keep > 0 && r.spots[keep-1].evidence < sure/2 {
				if len(r.spots[keep-1].reader.pilots) > framePilots/2 {
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
		t.at += int64(keep) * FrameLength
		t.k += keep
		r.report(int64(keep) * FrameLength)
		if !lost {
			continue
		}
		if searches++; searches > maxSearches {
			t.usual = 0
			continue
		}
		next, ok, err := r.resume(t)
		if err != nil {
			return err
		}
		if ok {
			t, idle = next, 0
			continue
		}
		// What stands here is not ours; look again behind it, in ever larger steps.
		idle++
		skip := min(searchFrames/2<<idle, 1<<12)
		t.at += int64(skip) * FrameLength
		t.k += skip
		r.report(int64(skip) * FrameLength)
	}
	return nil
}

// resume looks for the next piece of a channel where a track was lost.
func (r *receiver) resume(t track) (track, bool, error) {
	found, score, err := r.acquire.search(r.ctx, r.source, t.lock, t.at)
	if err != nil || score < accepted {
		return t, false, err
	}
	next, ok, err := r.place(found, t.lane)
	if err != nil || !ok {
		return t, false, err
	}
	// The frames between may be good as well.
	back := min(int((next.at-t.at+FrameLength-1)/FrameLength), next.k)
	next.at -= int64(back) * FrameLength
	next.k -= back
	next.noise, next.usual = t.noise, t.usual
	return next, true, nil
}

func (r *receiver) report(samples int64) {
	r.done = min(r.done+samples, r.source.Frames()*int64(r.source.Channels()))
	r.decoded(0, r.blocks)
}

// decoded reports how many blocks of the payload were decoded. Listening to a million samples counts like a block.
func (r *receiver) decoded(done, of int) {
	if r.progress != nil {
		const sample = 1 << 20
		r.progress(int(r.done/sample)+done, int(r.source.Frames()*int64(r.source.Channels())/sample)+of)
	}
}

// look reads a block of frames as far as to know their levels, and the noise.
func (r *receiver) look(t *track, frames int) {
	parallel.Each(r.workers, frames, func(_, i int) {
		s := &r.spots[i]
		s.frame = s.framer.at(r.header.nonce.start(), t.lane, t.k+i)
		r.stretch.frame(s.y[:], s.reader.quiet[:], &t.lock, i)
		word := wordOf(r.header.nonce.start(), t.lane, t.k+i)
		s.reader.know(s.y[:], s.frame, s.frame.word, word, &r.code, r.coded)
		s.reader.knowFine(s.y[:], s.frame.word, word, &r.code, r.coded)
	})
	// The noise decides between levels only a little, and the levels decide what the noise is.
	if t.noise < 0 || !r.settle(t, frames, []int{t.noise}) {
		var guesses []int
		for n := 2; n < noiseIndices; n += 4 {
			guesses = append(guesses, n)
		}
		r.settle(t, frames, guesses)
	}
	r.identify(frames, max(t.noise, 0))
	for i := range frames {
		if e := r.spots[i].evidence; e > sure/2 {
			t.usual += (e - t.usual) / 4
		}
	}
}

// identify sets the evidence of the frames of a block, to 0 for those that are not the frames they are taken for: words come round
// again, so that is for the frames' own pilots to say. Where there is little noise those of each frame say it, elsewhere those
// of all frames together.
func (r *receiver) identify(frames, noise int) {
	const enough = 0.3 // evidence of a strong symbol with which a frame can speak for itself
	var all float64
	var unclear []*spot
	for i := range frames {
		s := &r.spots[i]
		s.evidence = s.sums[noise]
		clear := s.reader.strongEvidence(s.reader.strong, s.level, noise) / float64(len(s.reader.strong)+1)
		own := s.reader.strongEvidence(s.reader.pilots, s.level, noise)
		if clear < enough {
			all += own
			unclear = append(unclear, s)
		} else if own < -3+9*(clear-enough) {
			s.evidence = 0
		}
	}
	if all < -3 {
		for _, s := range unclear {
			s.evidence = 0
		}
	}
}

// settle chooses the levels of a block's frames under the likeliest of several guesses of the noise, and then the noise, and
// reports whether the two agree.
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
		s.evidence = math.Inf(-1)
		for level := range Levels {
			if e := s.reader.evidence(level, noise); e > s.evidence {
				s.level, s.evidence = level, e
			}
		}
	})
}

// noise returns the noise that fits the frames best at their levels. What earlier blocks had tells a little as well.
func (r *receiver) noise(t *track, frames int) int {
	parallel.Each(r.workers, frames, func(_, i int) {
		s := &r.spots[i]
		clear(s.sums[:])
		s.reader.evidences(&s.sums, s.level)
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

// take adds the frames of a block that are there.
func (r *receiver) take(t *track, frames int) {
	parallel.Each(r.workers, frames, func(_, i int) {
		s := &r.spots[i]
		if s.evidence > 0 {
			s.reader.read(&s.bits, s.y[:], s.frame, s.level, t.noise)
		}
	})
	for i := range frames {
		s := &r.spots[i]
		if s.evidence > 0 && !r.heard[t.lane][t.k+i] {
			r.gatherer.add(&s.bits, (t.k+i)*r.header.channels+t.lane)
			r.heard[t.lane][t.k+i] = s.evidence > sure/2 || t.usual < 2*sure
			r.noises[t.noise]++
		}
	}
}

// message decodes what was gathered.
func (r *receiver) message(ctx context.Context, workers int) (*Message, error) {
	m := &Message{Size: r.header.payload, Profile: r.header.profile, Frames: r.header.frames, Map: r.heard}
	payload, arrived, err := r.gatherer.decode(ctx, r.key, workers, r.decoded)
	if err != nil {
		return nil, err
	}
	m.Payload = payload
	for i := range r.gatherer.stages {
		s := &r.gatherer.stages[i]
		if s.size > 0 {
			m.Stages = append(m.Stages, Arrival{Bytes: s.size, Blocks: s.blocks, Arrived: arrived[i]})
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
