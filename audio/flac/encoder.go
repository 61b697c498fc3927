package flac

import (
	"math"
	"math/bits"
	"slices"
)

// The most that encoder tries at any level: within the subset of [1], which all decoders understand, at any rate.
const (
	maxOrder     = 12 // of a predictor with coefficients of its own
	lags         = 16 // more than maxOrder, and a multiple of 4
	maxPartition = 6  // log2 of the number of parts of a residual
	maxParam     = 30 // of a Rice code
	maxParam4    = 14 // of one that is written with 4 bits
)

// encoder compresses packets. Each channel is predicted with the best of the fixed predictors and of those that linear
// prediction gives, its residual is cut into the parts that Rice codes suit best, and a pair of channels is coded in one of
// four ways. How much of this is tried is the effort.
type encoder struct {
	info     *streamInfo
	effort   *effort
	out      bitWriter
	taper    []float64 // the first part of a window
	windowed []float64
	trial    []int64
	channels [maxChannels]channel // the second pair is middle and side of the first
	way      stereo               // that was best last
	kept     int                  // frames for which it is taken unseen
}

// pairs are the channels of encoder that make up a packet of two.
var pairs = [...][2]int{independent: {0, 1}, leftSide: {0, 3}, sideRight: {3, 1}, midSide: {2, 3}}

// channel is how the samples of one channel are coded.
type channel struct {
	codes     []int64 // without wasted bits
	width     uint
	wasted    uint
	kind      int // as in typeConstant, …, with the order
	order     int
	precision uint
	shift     uint
	coeffs    [maxOrder]int64
	residual  []int64 // from order on
	rice      rice
	size      int // in bits, with an estimate for the residual
}

// rice is how a residual is coded.
type rice struct {
	parts  uint // log2 of their number
	params [1 << maxPartition]uint8
	size   int // in bits
}

// encode compresses a packet. The result is valid until the next call.
func (e *encoder) encode(h header, codes [][]int64) []byte {
	h.stereo = independent
	chosen := [maxChannels]int{0, 1, 2, 3, 4, 5, 6, 7}
	if len(codes) == 2 {
		h.stereo = e.pair(codes[0], codes[1])
		copy(chosen[:], pairs[h.stereo][:])
	} else {
		for c, x := range codes {
			e.channels[c].set(x, uint(e.info.bits))
			e.analyse(&e.channels[c])
		}
	}
	e.out.buf = h.append(e.out.buf[:0], e.info)
	for _, c := range chosen[:len(codes)] {
		e.channels[c].write(&e.out)
	}
	e.out.align()
	sum := checksum16(0, e.out.buf)
	e.out.bits(uint64(sum), 16)
	return e.out.buf
}

// pair finds a way to code two channels.
func (e *encoder) pair(left, right []int64) stereo {
	settled := e.effort.pairing == apart
	if e.effort.pairing == adaptive && e.kept > 0 {
		settled = true
		e.kept -= len(left)
	}
	width := uint(e.info.bits)
	for c := range 4 {
		if settled && c != pairs[e.way][0] && c != pairs[e.way][1] {
			continue
		}
		x := &e.channels[c]
		switch c {
		case 0:
			x.set(left, width)
		case 1:
			x.set(right, width)
		case 2:
			x.mix(left, right, width, func(l, r int64) int64 { return (l + r) >> 1 })
		case 3:
			x.mix(left, right, width+1, func(l, r int64) int64 { return l - r })
		}
		e.analyse(x)
	}
	if settled {
		return e.way
	}
	least := math.MaxInt
	for way, c := range pairs {
		if size := e.channels[c[0]].size + e.channels[c[1]].size; size < least {
			least, e.way = size, stereo(way)
		}
	}
	e.kept = e.info.rate*2/5 - len(left)
	return e.way
}

// set takes the samples x of width bits.
func (c *channel) set(x []int64, width uint) {
	c.width = width
	c.codes = append(c.codes[:0], x...)
}

// mix takes a mixture of two channels.
func (c *channel) mix(left, right []int64, width uint, of func(l, r int64) int64) {
	c.width = width
	c.codes = c.codes[:0]
	for i, l := range left {
		c.codes = append(c.codes, of(l, right[i]))
	}
}

// analyse finds the best way to code a channel.
func (e *encoder) analyse(c *channel) {
	x := c.codes
	var any, differ int64
	for _, v := range x {
		any |= v
		differ |= v ^ x[0]
	}
	c.wasted = 0
	if differ == 0 {
		c.kind, c.size = typeConstant, int(8+c.width)
		return
	}
	if c.wasted = uint(bits.TrailingZeros64(uint64(any))); c.wasted > 0 {
		c.width -= c.wasted
		for i := range x {
			x[i] >>= c.wasted
		}
	}
	c.kind, c.order, c.size = typeVerbatim, 0, int(8+c.wasted)+len(x)*int(c.width)
	e.tryFixed(c)
	e.tryLinear(c)
}

// try takes the residual in e.trial if it makes the channel smaller than it is. The overhead is in bits.
func (e *encoder) try(c *channel, kind, order, overhead int) bool {
	var r rice
	if !r.choose(e.trial[:len(c.codes)], order, e.effort.parts) {
		return false
	}
	size := int(8+c.wasted) + order*int(c.width) + overhead + r.size
	if size >= c.size {
		return false
	}
	c.kind, c.order, c.size, c.rice = kind+order, order, size, r
	c.residual, e.trial = e.trial, c.residual
	return true
}

// tryFixed tries the fixed predictor with the smallest sum of magnitudes.
func (e *encoder) tryFixed(c *channel) {
	x := c.codes
	if len(x) <= maxFixed {
		return
	}
	var sums [maxFixed + 1]uint64
	a, b, d, f := x[3], x[3]-x[2], x[3]-2*x[2]+x[1], x[3]-3*x[2]+3*x[1]-x[0]
	for _, v0 := range x[maxFixed:] {
		v1 := v0 - a
		v2 := v1 - b
		v3 := v2 - d
		v4 := v3 - f
		sums[0] += magnitude(v0)
		sums[1] += magnitude(v1)
		sums[2] += magnitude(v2)
		sums[3] += magnitude(v3)
		sums[4] += magnitude(v4)
		a, b, d, f = v0, v1, v2, v3
	}
	order := 0
	for i, sum := range sums {
		if sum < sums[order] {
			order = i
		}
	}
	e.trial = predictionError(e.trial, x, fixed[order], 0)
	e.try(c, typeFixed, order, 0)
}

func magnitude(v int64) uint64 {
	sign := v >> 63
	return uint64((v ^ sign) - sign)
}

// tryLinear tries the predictors that linear prediction gives under windows. These are the whole packet, and, down to the
// fraction that the effort sets, each of the equal parts that it can be cut into, and all but that part.
func (e *encoder) tryLinear(c *channel) {
	x := c.codes
	if e.effort.order == 0 || len(x) < 4*maxOrder {
		return
	}
	e.setTaper(len(x) / (4 * e.effort.windows))
	whole := e.autocorrelation(x)
	e.tryPredictor(c, &whole, len(x))
	for parts := 2; parts <= e.effort.windows; parts++ {
		for p := range parts {
			part := x[p*len(x)/parts : (p+1)*len(x)/parts]
			auto := e.autocorrelation(part)
			e.tryPredictor(c, &auto, len(part))
			if parts == 2 {
				continue // all but one half is the other one
			}
			// But for products of samples on either side of the cuts, which are few.
			for lag := range auto {
				auto[lag] = whole[lag] - auto[lag]
			}
			e.tryPredictor(c, &auto, len(x)-len(part))
		}
	}
}

// tryPredictor tries the predictor, of those that follow from the autocorrelation of a number of samples, whose size promises
// to be the smallest.
func (e *encoder) tryPredictor(c *channel, auto *[lags]float64, samples int) {
	if auto[0] <= 0 {
		return
	}
	x, precision := c.codes, coefficientBits(e.info.bits, len(c.codes))
	var coeffs, chosen [maxOrder]float64
	order, least := 0, math.Inf(1)
	errs := auto[0]
	for i := range e.effort.order { // Levinson and Durbin
		k := auto[i+1]
		for j := range i {
			k -= coeffs[j] * auto[i-j]
		}
		k /= errs
		before := coeffs
		coeffs[i] = k
		for j := range i {
			coeffs[j] -= k * before[i-1-j]
		}
		errs *= 1 - k*k
		if !(errs > 0) {
			break
		}
		// The bits that a residual of this power takes, but for a constant. The rounding of predictions adds to the power.
		perSample := math.Log2(errs/float64(samples)+0.5) / 2
		size := perSample*float64(len(x)-i-1) + float64((i+1)*int(c.width+precision))
		if size < least {
			order, least, chosen = i+1, size, coeffs
		}
	}
	if order == 0 {
		return
	}
	quantised, shift, ok := quantise(chosen[:order], precision)
	if !ok {
		return
	}
	e.trial = predictionError(e.trial, x, quantised[:order], shift)
	if e.try(c, typeLinear, order, 9+order*int(precision)) {
		c.coeffs, c.shift, c.precision = quantised, shift, precision
	}
}

// coefficientBits returns the precision of a predictor's coefficients that the reference encoder takes for samples of a width
// in bits and packets of a number of frames.
func coefficientBits(width, frames int) uint {
	least, above := 7, []int{192, 384, 576, 1152, 2304, 4608}
	switch {
	case width < 16:
		return uint(max(5, 2+width/2))
	case width > 16:
		least, above = 13, []int{384, 1152}
	}
	for _, limit := range above {
		if frames > limit {
			least++
		}
	}
	return uint(least)
}

// setTaper makes windows rise and fall in n samples, as a Hann window does.
func (e *encoder) setTaper(n int) {
	if len(e.taper) == n {
		return
	}
	e.taper = slices.Grow(e.taper[:0], n)[:n]
	for i := range e.taper {
		e.taper[i] = 0.5 - 0.5*math.Cos(math.Pi*(float64(i)+0.5)/float64(n))
	}
}

// autocorrelation returns the autocorrelation of x under a window.
func (e *encoder) autocorrelation(x []int64) (auto [lags]float64) {
	// Zeros before the samples spare the sums a special case.
	if size := lags + len(x); cap(e.windowed) < size {
		e.windowed = make([]float64, size)
	}
	w := e.windowed[:lags+len(x)]
	now := w[lags:]
	for i, v := range x {
		now[i] = float64(v)
	}
	for i, v := range e.taper {
		now[i] *= v
		now[len(now)-1-i] *= v
	}
	for lag := 0; lag < lags; lag += 4 {
		a, b := w[lags-lag:][:len(now)], w[lags-lag-1:][:len(now)]
		c, d := w[lags-lag-2:][:len(now)], w[lags-lag-3:][:len(now)]
		var s0, s1, s2, s3 float64
		for i, v := range now {
			s0 += v * a[i]
			s1 += v * b[i]
			s2 += v * c[i]
			s3 += v * d[i]
		}
		auto[lag], auto[lag+1], auto[lag+2], auto[lag+3] = s0, s1, s2, s3
	}
	return auto
}

// quantise returns coefficients of the given precision in bits, to be divided by 2^shift. What one loses by rounding, the
// next makes up for.
func quantise(coeffs []float64, precision uint) (q [maxOrder]int64, shift uint, ok bool) {
	largest := 0.0
	for _, v := range coeffs {
		largest = max(largest, math.Abs(v))
	}
	_, exponent := math.Frexp(largest)
	fit := int(precision) - 1 - exponent
	if largest == 0 || fit < 0 {
		return q, 0, false
	}
	shift = uint(min(fit, 15))
	limit := int64(1) << (precision - 1)
	rest := 0.0
	for i, v := range coeffs {
		rest += math.Ldexp(v, int(shift))
		q[i] = max(-limit, min(limit-1, int64(math.RoundToEven(rest))))
		rest -= float64(q[i])
	}
	return q, shift, true
}

// predictionError fills dst from len(coeffs) on with what prediction leaves of x, and returns it.
func predictionError(dst, x, coeffs []int64, shift uint) []int64 {
	if cap(dst) < len(x) {
		dst = make([]int64, len(x))
	}
	dst = dst[:len(x)]
	var reversed [maxOrder]int64
	for i, c := range coeffs {
		reversed[len(coeffs)-1-i] = c
	}
	c := reversed[:len(coeffs)]
	for i := len(c); i < len(x); i++ {
		dst[i] = x[i] - predict(c, x[i-len(c):i])>>shift
	}
	return dst
}

// choose finds the parts, 2^most of them at most, and parameters that take the fewest bits for the residual in x from order on.
// It returns false if a value does not fit 32 bits.
func (r *rice) choose(x []int64, order int, most uint) bool {
	top := min(uint(bits.TrailingZeros(uint(len(x)))), most)
	for top > 0 && len(x)>>top <= order {
		top--
	}
	var sums [1 << maxPartition]uint64 // of values folded to be positive
	size := len(x) >> top
	var large uint64
	for p, from := 0, order; p < 1<<top; p++ {
		to := (p + 1) * size
		var sum uint64
		for _, v := range x[from:to] {
			u := fold(v)
			sum += u
			large |= u
		}
		sums[p] = sum
		from = to
	}
	if large >= 1<<32-1 {
		return false
	}
	r.size = math.MaxInt
	var params [1 << maxPartition]uint8
	for parts := top; ; parts-- {
		total, highest := 0, uint8(0)
		for p := range 1 << parts {
			n := len(x) >> parts
			if p == 0 {
				n -= order
			}
			k, size := param(sums[p], n)
			params[p] = k
			total += size
			highest = max(highest, k)
		}
		width := 4
		if highest > maxParam4 {
			width = 5
		}
		if total += 6 + width<<parts; total < r.size {
			r.parts, r.size, r.params = parts, total, params
		}
		if parts == 0 {
			return true
		}
		for p := range 1 << (parts - 1) {
			sums[p] = sums[2*p] + sums[2*p+1]
		}
	}
}

// fold maps 0, -1, 1, -2, … to 0, 1, 2, 3, ….
func fold(v int64) uint64 { return uint64(v<<1 ^ v>>63) }

// param returns the parameter of the Rice code that suits n values best, and roughly how many bits they take, as if
// the values had a geometric distribution with the ratio q, where q^2^k/(1-q^2^k) is the mean without the k low bits.
func param(sum uint64, n int) (k uint8, size int) {
	size = n + int(sum)
	likely := min(bits.Len64(sum/uint64(max(n, 1))), maxParam)
	q := float64(sum) / (float64(sum) + float64(n))
	for try := 1; try <= likely; try++ {
		q *= q
		if try < likely-2 {
			continue
		}
		if bits := n*(try+1) + int(float64(n)*q/(1-q)); bits < size {
			k, size = uint8(try), bits
		}
	}
	return k, size
}

// write writes the channel as analyse found best.
func (c *channel) write(w *bitWriter) {
	w.bits(uint64(c.kind), 7)
	if c.wasted > 0 {
		w.bits(1, 1)
		w.unary(uint64(c.wasted - 1))
	} else {
		w.bits(0, 1)
	}
	plain := c.order
	switch c.kind {
	case typeConstant:
		plain = 1
	case typeVerbatim:
		plain = len(c.codes)
	}
	for _, v := range c.codes[:plain] {
		w.bits(uint64(v), c.width)
	}
	if c.kind < typeFixed {
		return
	}
	if c.kind > typeLinear {
		w.bits(uint64(c.precision-1), 4)
		w.bits(uint64(c.shift), 5)
		for _, v := range c.coeffs[:c.order] {
			w.bits(uint64(v), c.precision)
		}
	}
	c.rice.write(w, c.residual[:len(c.codes)], c.order)
}

// write writes the residual in x from order on.
func (r *rice) write(w *bitWriter, x []int64, order int) {
	coding, width := uint64(coding4), uint(4)
	for _, k := range r.params[:1<<r.parts] {
		if k > maxParam4 {
			coding, width = coding5, 5
		}
	}
	w.bits(coding, 2)
	w.bits(uint64(r.parts), 4)
	size := len(x) >> r.parts
	for p, k := range r.params[:1<<r.parts] {
		w.bits(uint64(k), width)
		for _, v := range x[order : (p+1)*size] {
			u := fold(v)
			if high := u >> k; high+uint64(k) < 48 {
				w.bits(1<<k|u&(1<<k-1), uint(high)+1+uint(k))
			} else {
				w.unary(high)
				w.bits(u, uint(k))
			}
		}
		order = (p + 1) * size
	}
}
