package durable_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"testing"

	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/carrier/durable"
	"ditas/internal/fec/turbo"
	"ditas/internal/keystream"
	"ditas/internal/racetest"
)

// This file is a second reader of part 3 of docs/FORMAT.md, written from the text alone, for recordings at 16 kHz with one channel that are
// as they were written. It is plain and slow, and shares nothing with the package but the turbo code, which has tests of its own. Whoever
// changes the format changes the text, and then this.

// What follows, down to the keys, are the numbers of the text.
const (
	hop, window = 256, 512
	lowest      = 4 // k of the first coefficient
	bands, wide = 7, 32
	blockFrames = 64
	period      = 512
	slots       = 320 // groups of a band in a block

	headerBands, headerBytes = 2, 21
	mostOfBlock              = 1020 // bytes
	pilotAlpha, headerAlpha  = 0.7, 0.5
)

// headers are the ways in which a header may lie in a recording. A reader tries all.
var headers = []struct {
	label  string
	slots  int
	length [headerBands]int
}{
	{"durable header share ", 40, [headerBands]int{2, 2}},
	{"durable header voice ", 100, [headerBands]int{2, 6}},
}

// rung is a row of the ladder.
type rung struct {
	length, slots [bands]int
	bits          int
	alpha, raised float64 // where they are not the usual ones
}

func (r *rung) symbols() (n int) {
	for b, s := range r.slots {
		n += s * 6 / r.length[b]
	}
	return n
}

// step returns the step of symbols of n coefficients in a recording of level l.
func (r *rung) step(l, n int) float64 {
	alpha := r.alpha
	switch {
	case alpha != 0:
	case n == 1:
		alpha = 0.65
	default:
		alpha = 0.7
	}
	return stepOf(levelOf(l)-r.raised, n, alpha)
}

// rungs are the table of the ladder, by aim.
var rungs = [8][]rung{
	{
		{[bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{90, 60, 60, 40, 0, 0, 0}, 50, 0, 0},
		{[bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{60, 40, 20, 20, 0, 0, 0}, 40, 0, 0},
		{[bands]int{1, 2, 3, 6, 6, 6, 6}, [bands]int{24, 60, 60, 50, 40, 40, 40}, 62, 0, 0},
		{[bands]int{1, 1, 2, 3, 6, 6, 6}, [bands]int{16, 40, 50, 70, 60, 60, 60}, 130, 0, 0},
		{[bands]int{1, 1, 1, 1, 2, 3, 3}, [bands]int{40, 40, 75, 80, 110, 110, 110}, 240, 0, 0},
		{[bands]int{1, 1, 1, 2, 2, 3, 3}, [bands]int{50, 40, 55, 60, 110, 110, 110}, 350, 0, 0},
	},
	{
		{[bands]int{2, 6, 6, 6, 6, 6, 6}, [bands]int{118, 130, 0, 0, 0, 0, 0}, 28, 0.5, 2},
		{[bands]int{1, 2, 6, 6, 6, 6, 6}, [bands]int{66, 70, 190, 110, 0, 0, 0}, 36, 0.5, 0},
		{[bands]int{1, 1, 3, 3, 6, 6, 6}, [bands]int{36, 20, 110, 150, 200, 80, 0}, 82, 0.6, 0},
		{[bands]int{1, 1, 1, 1, 1, 1, 1}, [bands]int{0, 0, 10, 30, 50, 80, 100}, 230, 0, 0},
		{[bands]int{1, 1, 1, 1, 1, 1, 1}, [bands]int{0, 0, 10, 30, 70, 160, 220}, 540, 0, 0},
	},
	{
		{[bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{24, 24, 24, 24, 24, 24, 24}, 40, 0, 0},
		{[bands]int{1, 1, 1, 2, 3, 3, 6}, [bands]int{256, 256, 296, 296, 296, 296, 296}, 1600, 0, 0},
	},
	{
		{[bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{24, 24, 24, 24, 24, 24, 24}, 24, 0, 0},
		{[bands]int{1, 2, 6, 6, 6, 6, 6}, [bands]int{256, 256, 296, 296, 296, 296, 296}, 480, 0, 0},
	},
	{
		{[bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{60, 60, 60, 60, 60, 60, 60}, 28, 0, 0},
		{[bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{220, 220, 260, 260, 260, 260, 260}, 200, 0, 0},
	},
	{
		{[bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{24, 24, 24, 24, 24, 24, 24}, 60, 0, 0},
		{[bands]int{1, 1, 1, 1, 1, 1, 1}, [bands]int{256, 256, 296, 296, 296, 296, 296}, 2200, 0, 0},
	},
	{
		{[bands]int{1, 2, 6, 6, 6, 6, 6}, [bands]int{280, 280, 320, 320, 320, 320, 320}, 400, 0, 0},
	},
	{
		{[bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{60, 60, 60, 60, 60, 60, 60}, 22, 0, 0},
		{[bands]int{2, 3, 6, 6, 6, 6, 6}, [bands]int{220, 220, 260, 260, 260, 260, 260}, 105, 0, 0},
	},
}

var factors = [4]int{91, 128, 181, 256}

// levelOf returns the level in dB of a recording's level l.
func levelOf(l int) float64 { return 5 + float64(l)/2 }

// pilotLevels are those that pilots and header have, in dB, each from a level on.
var pilotLevels = []struct {
	from int
	dB   float64
}{{0, 4}, {6, 8}, {14, 12}, {22, 16}}

func pilotLevelOf(l int) (dB float64) {
	for _, p := range pilotLevels {
		if l >= p.from {
			dB = p.dB
		}
	}
	return dB
}

func stepOf(dB float64, n int, alpha float64) float64 {
	return math.Sqrt(12*math.Pow(10, -dB/10)*float64(n)) / alpha
}

// Keys and streams, of part 1.

func derive(key []byte, label string) []byte {
	b, err := hkdf.Expand(sha256.New, key, label, 32)
	if err != nil {
		panic(err)
	}
	return b
}

func mac(key []byte, label string, x ...[]byte) []byte {
	h := hmac.New(sha256.New, derive(key, label))
	h.Write(bytes.Join(x, nil))
	return h.Sum(nil)
}

type outputs struct{ *rand.ChaCha8 }

func stream(key []byte, label string) outputs {
	return outputs{rand.NewChaCha8([32]byte(derive(key, label)))}
}

func (o outputs) dither() float64 { return float64(o.Uint64()>>11) * 0x1p-53 }

func (o outputs) below(n int) int {
	hi, _ := bits.Mul64(o.Uint64(), uint64(n))
	return int(hi)
}

func (o outputs) permutation(n int) []int {
	p := make([]int, n)
	for i := range p {
		j := o.below(i + 1)
		p[i] = p[j]
		p[j] = i
	}
	return p
}

// Signal: the coefficients of all frames in units of what the ear bears.

func bark(f float64) float64 { return 7 * math.Asinh(f/650) }

// masks returns M of a frame.
func masks(x []float64) []float64 {
	hertz := func(z float64) float64 { return 650 * math.Sinh(z/7) }
	var power [window/2 + 1]float64
	for k := range power {
		var re, im float64
		for n, v := range x {
			v *= sine(n) / 16
			re += v * cosine(2*n*k, window)
			im += v * cosine(2*n*k-window/2, window)
		}
		power[k] = re*re + im*im
	}
	const count = 87
	var e, up, width, centre [count]float64
	for i := range e {
		from := hertz(bark(80) + float64(i)/4)
		to := min(hertz(bark(80)+float64(i+1)/4), 8000)
		e[i], width[i], centre[i] = 1e-20, (to-from)/31.25, hertz((bark(from)+bark(to))/2)
		up[i] = math.Pow(10, -(10+230/centre[i])*0.25*0.4/10)
		for k, p := range power {
			f := 31.25 * float64(k)
			e[i] += p * max(0, min(to, f+15.625)-max(from, f-15.625)) / 31.25
		}
	}
	down := math.Pow(10, -27*0.25*0.4/10)
	spread := func(e [count]float64) (s [count]float64) {
		for i := range s {
			factor := 1.0
			for j := i; j >= 0; j-- {
				if j < i {
					factor *= up[j]
				}
				s[i] += math.Pow(e[j], 0.4) * factor
			}
			for j := i + 1; j < count; j++ {
				s[i] += math.Pow(e[j], 0.4) * math.Pow(down, float64(j-i))
			}
			s[i] = math.Pow(s[i], 2.5)
		}
		return s
	}
	var flat [count]float64
	for i := range flat {
		flat[i] = 1
	}
	s, s1 := spread(e), spread(flat)
	m := make([]float64, count)
	for i := range m {
		m[i] = math.Log2(s[i]/s1[i]) - max(3, bark(centre[i])/4)/10*math.Log2(10) - math.Log2(width[i])
	}
	return m
}

// cosine returns cos(π·n/of).
func cosine(n, of int) float64 {
	if table[of] == nil {
		table[of] = make([]float64, 2*of)
		for i := range table[of] {
			table[of][i] = math.Cos(math.Pi * float64(i) / float64(of))
		}
	}
	n %= 2 * of
	if n < 0 {
		n += 2 * of
	}
	return table[of][n]
}

var table [2*window + 1][]float64

// sine returns sin(π(n+½)/512).
func sine(n int) float64 { return cosine(2*n+1-window, 2*window) }

// frames returns X(c)/σ(c) of all frames of which there are all samples.
func frames(x []float64) (y [][]float64) {
	count := len(x)/hop - 1
	heard := make([][]float64, count+2) // of frame −1 and of the one behind the last as well
	for i := range heard {
		var f [window]float64
		for n := range f {
			if at := (i-1)*hop + n; at >= 0 && at < len(x) {
				f[n] = x[at]
			}
		}
		heard[i] = masks(f[:])
	}
	for t := range count {
		f := x[t*hop:][:window]
		l := make([]float64, len(heard[0]))
		for i := range l {
			l[i] = min(heard[t][i], heard[t+1][i], heard[t+2][i])
		}
		all := make([]float64, bands*wide)
		for c := range all {
			k := lowest + c
			var sum float64
			for n, v := range f {
				// π/256 (n+½+128)(k+½) is π/1024 (2n+257)(2k+1).
				sum += sine(n) * v * cosine((2*n+257)*(2*k+1), 4*hop)
			}
			at := max(0, min((bark(31.25*(float64(k)+0.5))-bark(80))*4-0.5, 85.999))
			b := int(at)
			sigma := math.Exp2((l[b] + (at-float64(b))*(l[b+1]-l[b])) / 2)
			all[c] = math.Sqrt(2.0/hop) * sum / sigma
		}
		y = append(y, all)
	}
	return y
}

// symbolAt returns u of the symbol that has some coefficients of a frame, in steps.
func symbolAt(y []float64, at []int, signs int, step float64) float64 {
	var u float64
	for i, c := range at {
		if signs>>i&1 != 0 {
			u -= y[c]
		} else {
			u += y[c]
		}
	}
	return u / math.Sqrt(float64(len(at))) / step
}

// likelihood returns about ln P(1)/P(0) of a symbol off its dither by some steps.
func likelihood(off float64) float32 { return float32(-8 * math.Cos(2*math.Pi*off)) }

// group returns the coefficients of group number g mod 5 of a band.
func group(band, g int) []int {
	var places []int
	for c := range wide {
		if c != 15 && c != 16 {
			places = append(places, band*wide+c)
		}
	}
	return places[6*g:][:6]
}

// use is what a group of a frame is for.
type use struct {
	stage   int // −1 for the header
	signs   int
	dithers []float64
}

// header is what a header says, and in which of the ways it lies.
type header struct {
	way                         int
	nonce                       []byte
	aim, level, scale, b, bytes int
}

// reader reads a recording with the key M.
type reader struct {
	M []byte
	y [][]float64
	// For each of the headers, of each block of a period, by frame and group.
	heads [][period / blockFrames]map[[2]int]use
}

func newReader(M []byte, x []float64) *reader {
	r := &reader{M: M, y: frames(x)}
	for _, h := range headers {
		var heads [period / blockFrames]map[[2]int]use
		for i := range heads {
			heads[i] = map[[2]int]use{}
			s := stream(M, fmt.Sprint(h.label, i))
			for b, n := range h.length {
				for _, slot := range s.permutation(slots)[:h.slots] {
					u := use{stage: -1, signs: s.below(64)}
					for range 6 / n {
						u.dithers = append(u.dithers, s.dither())
					}
					heads[i][[2]int{slot / 5, 5*b + slot%5}] = u
				}
			}
		}
		r.heads = append(r.heads, heads)
	}
	return r
}

// pilots returns how well the pilots agree with a level: the mean cosine of their phases, of those that every recording of the key has and of
// those that tell of which one and where they are.
func (r *reader) pilots(db float64, R []byte) (common, numbers float64) {
	s := stream(r.M, "durable pilots")
	var signs [bands]int
	for b := range signs {
		signs[b] = s.below(4)
	}
	var dithers [period][bands]float64
	for t := range dithers {
		for b := range bands {
			dithers[t][b] = s.dither()
		}
	}
	own := outputs{}
	n, m := 0.0, 0.0
	for t, y := range r.y {
		if t%blockFrames == 0 && R != nil {
			own = stream(R, fmt.Sprint("durable numbers ", t/blockFrames))
		}
		for b := range bands {
			dither, number := dithers[t%period][b], (t+b)%4 == 0
			if R != nil {
				if d := own.dither(); number {
					dither = d
				}
			}
			v := math.Cos(2 * math.Pi * (symbolAt(y, []int{wide*b + 15, wide*b + 16}, signs[b], stepOf(db, 2, pilotAlpha)) - dither))
			if number {
				numbers, m = numbers+v, m+1
			} else {
				common, n = common+v, n+1
			}
		}
	}
	return common / n, numbers / m
}

// header decodes the header, whose symbols are at a level in dB, if it lies in one of the ways.
func (r *reader) header(db float64, way int) (h header, err error) {
	code, err := turbo.New(8 * headerBytes)
	if err != nil {
		return h, err
	}
	order := stream(r.M, "durable header order").permutation(code.Len())
	sums := make([]float32, code.Len())
	symbol := 0
	for t, y := range r.y {
		if t%period == 0 {
			symbol = 0
		}
		for g := range 5 * bands {
			u, ok := r.heads[way][t%period/blockFrames][[2]int{t % blockFrames, g}]
			if !ok {
				continue
			}
			at, n := group(g/5, g%5), headers[way].length[g/5]
			for j, d := range u.dithers {
				off := symbolAt(y, at[n*j:][:n], u.signs>>(n*j), stepOf(db, n, headerAlpha)) - d
				sums[order[symbol%code.Len()]] += likelihood(off)
				symbol++
			}
		}
	}
	var b [headerBytes]byte
	info := make([]byte, 8*headerBytes)
	ok := turbo.NewDecoder(code).Decode(info, sums, 20, func(info []byte) bool {
		b = [headerBytes]byte{}
		for i, v := range info {
			b[i/8] |= v << (7 - i%8)
		}
		for i, m := range mac(r.M, "durable header mask", b[:8])[:13] {
			if i >= 8 {
				b[i] ^= m
			}
		}
		return bytes.Equal(mac(r.M, "durable header tag", b[:13])[:8], b[13:])
	})
	if !ok {
		return h, errors.New("no header")
	}
	field := func(first, last int) (v int) {
		for i := first; i <= last; i++ {
			v = v<<1 | int(b[i/8]>>(7-i%8)&1)
		}
		return v
	}
	if v := field(64, 64); v != 0 {
		return h, fmt.Errorf("version %d", v)
	}
	h = header{way: way, nonce: b[:8], aim: field(65, 67), level: field(68, 72), scale: field(73, 74), b: field(79, 83), bytes: field(84, 103)}
	if e := field(75, 78); e > 0 {
		h.b = (32 + h.b) << (e - 1)
	}
	return h, nil
}

// uses returns what the groups of block i are for.
func (r *reader) uses(R []byte, i, way int, ladder []rung) map[[2]int]use {
	heads := &r.heads[way]
	all, s := map[[2]int]use{}, stream(R, fmt.Sprint("durable block ", i))
	for b := range bands {
		var dealt []int
		for stage, row := range ladder {
			for range row.slots[b] {
				dealt = append(dealt, stage)
			}
		}
		for _, slot := range s.permutation(slots) {
			at := [2]int{slot / 5, 5*b + slot%5}
			if u, ok := heads[i%len(heads)][at]; ok {
				all[at] = u
				continue
			}
			u := use{stage: dealt[0], signs: int(s.Uint64() & 63)}
			for range 6 / ladder[u.stage].length[b] {
				u.dithers = append(u.dithers, s.dither())
			}
			all[at], dealt = u, dealt[1:]
		}
	}
	return all
}

// part is a stage of the payload.
type part struct {
	bytes, blocks, size, K, length int
	order                          []int
	sums                           []float32
}

// payload reads the payload that a header tells of.
func (r *reader) payload(h header) ([]byte, error) {
	R := derive(r.M, "durable recording "+string(h.nonce))
	if h.aim >= len(rungs) {
		return nil, fmt.Errorf("aim %d", h.aim)
	}
	ladder, left := rungs[h.aim], h.bytes
	parts := make([]part, len(ladder))
	for i, row := range ladder {
		n := h.b * row.bits * factors[h.scale] >> 11
		p := &parts[i]
		p.bytes = min(max(0, n-4*((8*n+8191)/8192)), left)
		if left -= p.bytes; p.bytes == 0 {
			continue
		}
		p.blocks = (p.bytes + mostOfBlock - 1) / mostOfBlock
		p.size = max(2, (p.bytes+p.blocks-1)/p.blocks)
		p.K = 8 * (p.size + 4)
		p.length = max(p.K, min(5*p.K+18, h.b*row.symbols()/p.blocks))
		p.order = stream(R, fmt.Sprint("durable order of stage ", i)).permutation(p.length)
		p.sums = make([]float32, p.blocks*p.length)
	}
	if left > 0 {
		return nil, fmt.Errorf("%d bytes too many", left)
	}
	r.listen(R, h, ladder, parts)
	var all []byte
	for i := range parts {
		if parts[i].bytes == 0 {
			continue
		}
		b, err := parts[i].decode(R, i)
		if err != nil {
			return all, err
		}
		all = append(all, b...)
	}
	return all, nil
}

// listen adds up what the symbols of all whole blocks say of the coded bits.
func (r *reader) listen(R []byte, h header, ladder []rung, parts []part) {
	next := make([]int, len(parts))
	var uses map[[2]int]use
	for t, y := range r.y {
		if t%blockFrames == 0 {
			uses = r.uses(R, t/blockFrames, h.way, ladder)
			for i, row := range ladder {
				next[i] = t / blockFrames * row.symbols()
			}
		}
		for g := range 5 * bands {
			u := uses[[2]int{t % blockFrames, g}]
			if u.stage < 0 || parts[u.stage].bytes == 0 {
				continue
			}
			n, p := ladder[u.stage].length[g/5], &parts[u.stage]
			for j, d := range u.dithers {
				off := symbolAt(y, group(g/5, g%5)[n*j:][:n], u.signs>>(n*j), ladder[u.stage].step(h.level, n)) - d
				p.sums[next[u.stage]%len(p.sums)] += likelihood(off)
				next[u.stage]++
			}
		}
	}
}

// decode returns the bytes of stage i.
func (p *part) decode(R []byte, i int) ([]byte, error) {
	code, err := turbo.New(p.K)
	if err != nil {
		return nil, err
	}
	var all []byte
	info, decoder := make([]byte, p.K), turbo.NewDecoder(code)
	for b := range p.blocks {
		mother := make([]float32, code.Len())
		for j, o := range p.order {
			mother[j] = p.sums[o*p.blocks+b]
		}
		var block []byte
		if !decoder.Decode(info, mother, 30, func(info []byte) bool {
			block = make([]byte, p.K/8)
			for k, v := range info {
				block[k/8] |= v << (7 - k%8)
			}
			where := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(i)), uint32(b))
			return bytes.Equal(mac(R, "durable check", where, block[:p.size])[:4], block[p.size:])
		}) {
			return nil, fmt.Errorf("block %d of stage %d is lost", b, i)
		}
		all = append(all, block[:p.size]...)
	}
	return all[:p.bytes], nil
}

// expect reads a recording and wants a payload.
func expect(t *testing.T, data, want []byte) {
	t.Helper()
	rec, err := wav.Decode(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	M := sha256.Sum256([]byte("ditas public key 1"))
	r := newReader(M[:], rec.Samples[0])
	best, db := 0.0, 0.0
	for _, l := range pilotLevels {
		if c, _ := r.pilots(l.dB, nil); c > best {
			best, db = c, l.dB
		}
	}
	if best < 0.5 {
		t.Fatalf("the pilots agree by %.2f", best)
	}
	var h header
	for way := range headers {
		if h, err = r.header(db, way); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if pilotLevelOf(h.level) != db || h.b != len(r.y)/blockFrames {
		t.Errorf("pilots at %g dB, %d frames: %+v", db, len(r.y), h)
	}
	if _, numbers := r.pilots(db, derive(M[:], "durable recording "+string(h.nonce))); numbers < 0.5 {
		t.Errorf("the pilots that tell the period agree by %.2f", numbers)
	}
	payload, err := r.payload(h)
	if err != nil {
		t.Fatalf("%v, after %d of %d bytes; %+v", err, len(payload), len(want), h)
	}
	if !bytes.Equal(payload, want) {
		t.Errorf("%q, want %q", payload, want)
	}
}

func TestFormatAsItIsWrittenDown(t *testing.T) {
	racetest.Skip(t)
	data, err := os.ReadFile("testdata/golden.wav")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, data, []byte("what was hidden once is found for ever"))
}

// What is written today is what is written down: for each aim, over more than one period, and as much as there is room for.
func TestFormatAsItIsWritten(t *testing.T) {
	racetest.Skip(t)
	cover, err := os.ReadFile("../../../cmd/ditas/demo/speech.wav") // 16 kHz, one channel
	if err != nil {
		t.Fatal(err)
	}
	rec, err := wav.Decode(bytes.NewReader(cover), int64(len(cover)))
	if err != nil {
		t.Fatal(err)
	}
	rec.Samples[0] = rec.Samples[0][:10*rec.Format.Rate]
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	f, err := wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, aim := range []durable.Aim{durable.Share, durable.Voice} {
		t.Run(aim.String(), func(t *testing.T) {
			o := carrier.Options{Workers: 1}
			s, err := durable.Carrier{Aim: aim}.Survey(t.Context(), f, o)
			if err != nil {
				t.Fatal(err)
			}
			payload := make([]byte, s.Room(carrier.Strength{}).Bytes)
			random := rand.NewChaCha8([32]byte{1})
			_, _ = random.Read(payload)
			var stego bytes.Buffer
			if _, err := s.Embed(t.Context(), &stego, carrier.Strength{}, payload, keystream.Public(), random, o); err != nil {
				t.Fatal(err)
			}
			expect(t, stego.Bytes(), payload)
		})
	}
}
