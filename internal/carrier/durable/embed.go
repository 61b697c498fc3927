package durable

import (
	"context"
	"errors"
	"math"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/dsp"
	"ditas/internal/keystream"
)

// mixer adds a mark to a recording that is given to it block by block.
type mixer struct {
	format     audio.Format
	marker     *marker
	down, up   []*dsp.ResamplerStream
	low        [][]float64 // new samples at 16 kHz
	lowMark    [][]float64 // the mark at 16 kHz
	mark       [][]float64 // at the recording's rate
	room       [][]float64 // share of each sample of the mark that there is room for below full scale
	checked    int         // samples of the mark that have been looked at for this
	dip        []float64   // by how much the mark is weaker around a sample that would clip, relative to the sample itself
	cover      [][]float64 // that waits for its mark
	out, given [][]float64
	quiet      []bool
	taken      int // samples at 16 kHz
	behind     int // samples of cover that were written, and are kept to tell silence
}

func newMixer(format audio.Format, m *modulator, p projection, r *rates) *mixer {
	x := &mixer{format: format, marker: newMarker(m, p, format.Channels, format.Rate)}
	for range format.Channels {
		x.down, x.up = append(x.down, r.down.Stream()), append(x.up, r.up.Stream())
	}
	n := format.Channels
	x.low, x.lowMark, x.mark = make([][]float64, n), make([][]float64, n), make([][]float64, n)
	x.cover, x.out, x.given, x.room = make([][]float64, n), make([][]float64, n), make([][]float64, n), make([][]float64, n)
	x.dip = make([]float64, max(1, format.Rate/dipRate))
	for i := range x.dip {
		x.dip[i] = (1 + math.Cos(math.Pi*float64(i)/float64(len(x.dip)))) / 2
	}
	return x
}

// dipRate is the rate in Hz that makes dips of one sample to either side.
const dipRate = 1000

// add takes the next samples and returns those of the cover and of the stego that are complete. They are valid until the next call.
func (m *mixer) add(block [][]float64) (cover, stego [][]float64) {
	for c, x := range block {
		m.low[c] = m.down[c].Add(m.low[c][:0], finite(x))
	}
	return m.take(block, m.low)
}

// take takes the next samples, and the same as they are at 16 kHz.
func (m *mixer) take(block, low [][]float64) (cover, stego [][]float64) {
	for c, x := range block {
		m.cover[c] = append(m.cover[c], x...)
	}
	m.taken += len(low[0])
	m.marker.add(m.lowMark, low)
	for c := range m.mark {
		m.mark[c] = m.up[c].Add(m.mark[c], m.lowMark[c])
		m.lowMark[c] = m.lowMark[c][:0]
	}
	// Whether a sample is silent, and whether the mark has to be weaker, can be told only with the samples behind it.
	known := min(len(m.mark[0]), len(m.cover[0])-m.behind)
	m.makeRoom(known)
	return m.mix(max(0, known-max(carrier.SilenceRun, len(m.dip))))
}

// end returns the rest.
func (m *mixer) end() (cover, stego [][]float64) {
	for c := range m.low {
		m.low[c] = m.down[c].End(m.low[c][:0])
	}
	return m.finish(m.low)
}

// finish takes the last samples at 16 kHz, and returns the rest.
func (m *mixer) finish(low [][]float64) (cover, stego [][]float64) {
	m.taken += len(low[0])
	m.marker.add(m.lowMark, low)
	m.marker.end(m.lowMark, m.taken)
	left := len(m.cover[0]) - m.behind
	for c := range m.mark {
		m.mark[c] = m.up[c].Add(m.mark[c], m.lowMark[c])
		m.mark[c] = m.up[c].End(m.mark[c])
		for len(m.mark[c]) < left {
			m.mark[c] = append(m.mark[c], 0)
		}
	}
	m.makeRoom(left)
	return m.mix(left)
}

// makeRoom makes the mark weaker around samples that would clip, smoothly, as what is cut off from single samples would be heard at all frequencies.
// It looks at the first n samples of the mark.
func (m *mixer) makeRoom(n int) {
	for c := range m.room {
		x, mark := m.cover[c][m.behind:], m.mark[c]
		for len(m.room[c]) < n+len(m.dip) {
			m.room[c] = append(m.room[c], 1)
		}
		for i := m.checked; i < n; i++ {
			v := math.Abs(x[i])
			if bound := max(1, v); math.Abs(x[i]+mark[i]) > bound {
				m.weaken(m.room[c], i, 1-(bound-v)/math.Abs(mark[i]))
			}
		}
	}
	m.checked = max(m.checked, n)
}

// weaken takes away a share of the mark at sample i, and less of it around.
func (m *mixer) weaken(room []float64, i int, share float64) {
	for j, d := range m.dip {
		for _, k := range [2]int{i - j, i + j} {
			if k >= 0 && k < len(room) {
				room[k] = min(room[k], 1-share*d)
			}
		}
	}
}

// finite returns x, and zeros where samples are not finite or beyond all bounds.
func finite(x []float64) []float64 {
	for i, v := range x {
		if !(math.Abs(v) < 1e6) {
			y := append([]float64(nil), x...)
			for j, v := range y[i:] {
				if !(math.Abs(v) < 1e6) {
					y[i+j] = 0
				}
			}
			return y
		}
	}
	return x
}

// mix adds the mark to n samples of the cover.
func (m *mixer) mix(n int) (cover, stego [][]float64) {
	if cap(m.quiet) < n {
		m.quiet = make([]bool, n)
	}
	quiet := m.quiet[:n]
	for c := range m.cover {
		x := m.cover[c]
		carrier.MarkSilence(quiet, x, m.behind, m.behind+n)
		out := grow(m.out[c], n)
		for i, v := range x[m.behind:][:n] {
			out[i] = v
			if quiet[i] || !(math.Abs(v) < 1e6) {
				continue
			}
			// A sample beyond full scale may stay there.
			bound := max(1, math.Abs(v))
			out[i] = m.format.Quantize(max(-bound, min(bound, v+m.room[c][i]*m.mark[c][i])))
		}
		m.out[c] = out
		m.given[c] = append(m.given[c][:0], x[m.behind:][:n]...)
		keep := max(0, m.behind+n-carrier.SilenceRun)
		m.cover[c] = x[:copy(x, x[keep:])]
		m.mark[c] = m.mark[c][:copy(m.mark[c], m.mark[c][n:])]
		m.room[c] = m.room[c][:copy(m.room[c], m.room[c][n:])]
	}
	m.checked -= n
	m.behind = min(carrier.SilenceRun, m.behind+n)
	return m.given, m.out
}

// proof reads a recording again while it is written.
type proof struct {
	projection projection
	receiver   *receiver
	transform  *transform
	down       *dsp.ResamplerStream
	mono, low  []float64
	frames     []frame
	number     int // blocks read
	blocks     int // blocks there are
}

// proofBlocks is how many blocks are read at a time.
const proofBlocks = periodBlocks

func newProof(rates *rates, p projection, r *receiver, blocks int) *proof {
	return &proof{
		projection: p, receiver: r, transform: newTransform(), down: rates.down.Stream(), blocks: blocks,
		low: make([]float64, contextFrames*hop), frames: make([]frame, proofBlocks*blockFrames),
	}
}

// project returns the projection of a block of all channels.
func (p projection) project(dst []float64, block [][]float64) []float64 {
	dst = grow(dst, len(block[0]))
	clear(dst)
	for c, x := range block {
		s := p.sign(c) / float64(len(block))
		for i, v := range x {
			if math.Abs(v) < 1e6 {
				dst[i] += s * v
			}
		}
	}
	return dst
}

func (p *proof) add(stego [][]float64) {
	p.mono = p.projection.project(p.mono, stego)
	p.low = p.down.Add(p.low, p.mono)
	p.read(proofBlocks)
}

// read reads what is there, at least so many blocks at a time.
func (p *proof) read(blocks int) {
	for {
		n := min(proofBlocks, p.blocks-p.number, (len(p.low)/hop-2*contextFrames-1)/blockFrames)
		if n <= 0 || n < blocks && p.number+n < p.blocks {
			return
		}
		frames := p.frames[:n*blockFrames]
		p.transform.normalise(frames, p.low)
		p.receiver.readPayload(frames, p.number)
		p.number += n
		p.low = p.low[:copy(p.low, p.low[n*blockFrames*hop:])]
	}
}

func (p *proof) end() {
	p.low = p.down.End(p.low)
	p.low = append(p.low, make([]float64, 2*contextFrames*hop+hop)...)
	p.read(1)
}

// plan is how a recording is to be used.
type plan struct {
	aim        Aim
	level      int
	scale      int
	projection projection
	samples    int64 // of a channel
	blocks     int
}

// embedBlock is the number of samples of a channel that are read at a time.
const embedBlock = 1 << 13

// job is a payload to be hidden.
type job struct {
	plan     plan
	rates    *rates
	payload  []byte
	key      keystream.Key
	nonce    nonce
	workers  int
	progress func(done, total int)
}

// header returns the header of the payload.
func (j *job) header() *header {
	return &header{nonce: j.nonce, aim: j.plan.aim, level: j.plan.level, scale: j.plan.scale, blocks: j.plan.blocks, payload: len(j.payload)}
}

// modulator returns what says how the payload, which fits, is written.
func (j *job) modulator() (*modulator, error) {
	h, code := j.header(), newHeaderCode(j.key)
	m := &modulator{
		pilots: newPilots(j.key), layout: newLayout(j.key), key: h.nonce.key(j.key), header: code, headerBits: code.encode(h.marshal(j.key)),
		stages: ladder(h.aim, h.blocks, h.scale, h.payload),
	}
	m.set(h.level)
	m.layout.of(m.key, h.aim)
	var err error
	m.coded, err = encodePayload(m.stages, j.payload, m.key)
	return m, err
}

// tools returns what writes and what reads a payload, which fits.
func (j *job) tools(format audio.Format) (*mixer, *proof, error) {
	m, err := j.modulator()
	if err != nil {
		return nil, nil, err
	}
	r := newReceiver(m.pilots, newLikelihoods(), newLayout(j.key), m.header, m.pilotLevel)
	r.open(j.header(), j.key)
	blocks := max(0, int(lowLength(j.plan.samples, format.Rate)/hop)-1) / blockFrames
	return newMixer(format, m, j.plan.projection, j.rates), newProof(j.rates, j.plan.projection, r, blocks), nil
}

// run writes the samples of cover to w with the payload in them, and reads it again. It does not close w.
func (j *job) run(ctx context.Context, w audio.Writer, cover audio.File) (*carrier.Report, error) {
	host, err := carrier.NewHost(ctx, cover)
	if err != nil {
		return nil, err
	}
	m, p, err := j.tools(cover.Format())
	if err != nil {
		return nil, err
	}
	t := tally{}
	write := func(cover, stego [][]float64) error {
		if len(stego[0]) == 0 {
			return nil
		}
		t.add(cover, stego)
		p.add(stego)
		return w.Write(stego)
	}
	steps := int(host.Frames()/embedBlock) + 1
	total := steps + steps/8 + 1
	block := audio.NewBlock(host.Channels(), embedBlock)
	for from := int64(0); from < host.Frames(); from += embedBlock {
		n := int(min(embedBlock, host.Frames()-from))
		for c := range block {
			block[c] = block[c][:n]
		}
		if err := errors.Join(host.Read(block, from), ctx.Err()); err != nil {
			return nil, err
		}
		if err := write(m.add(block)); err != nil {
			return nil, err
		}
		j.tell(int(from/embedBlock)+1, total)
	}
	if err := write(m.end()); err != nil {
		return nil, err
	}
	p.end()
	r := t.report(host)
	for i := range p.receiver.gatherer.stages {
		if s := &p.receiver.gatherer.stages[i]; s.size > 0 {
			r.Stages = append(r.Stages, carrier.Protection{Bytes: s.size, Loss: lossOf(i), Survives: s.survives})
		}
	}
	r.Robust = true
	r.Payload, _, err = p.receiver.gatherer.decode(ctx, p.receiver.key, max(1, j.workers), func(done, of int) {
		j.tell(steps+(total-steps)*done/of, total)
	})
	if err != nil {
		return nil, err
	}
	j.tell(total, total)
	return r, nil
}

// lossOf returns the share of a recording that may be lost before stage i is: the symbols of a stage are spread over all of it, and what is left has to
// hold its bits. Of the file as it is, that is at least a third, but for the last stages.
func lossOf(i int) float64 {
	if i == 0 {
		return 0.5
	}
	return 1.0 / 3
}

func (j *job) tell(done, total int) {
	if j.progress != nil {
		j.progress(done, total)
	}
}

// tally measures a change.
type tally struct{ signal, change, most float64 }

func (t *tally) add(cover, stego [][]float64) {
	for c, x := range cover {
		for i, v := range x {
			e := stego[c][i] - v
			if e-e != 0 {
				continue
			}
			t.signal += v * v
			t.change += e * e
			t.most = max(t.most, math.Abs(e))
		}
	}
}

func (t *tally) report(h *carrier.Host) *carrier.Report {
	return &carrier.Report{
		MSE: t.change / float64(max(1, h.Frames()*int64(h.Channels()))), SNR: min(200, 10*math.Log10(t.signal/t.change)), MaxDeviation: t.most,
	}
}
