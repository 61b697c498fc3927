package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf16"
)

// profile is an ICC profile of three primaries, or of grey, and the curves of their values (ICC.1:2022).
type profile struct {
	name   string
	curves [3]curve
	matrix [3][3]float64 // linear values to XYZ of D50
	grey   bool
	hdr    int  // the code point of a curve of high dynamic range that there is in place of curves, 0 if there is none
	known  bool // of this form; others, of tables, are not converted
}

// curve makes linear values.
type curve func(v float64) float64

// mostProfile is the size in bytes up to which a profile is looked at.
const mostProfile = 16 << 20

// fromXYZ turns XYZ of D50 into linear values of sRGB (IEC 61966-2-1, adapted to D50 as ICC profiles are, by Bradford's transform).
var fromXYZ = [3][3]float64{
	{3.1338561, -1.6168667, -0.4906146},
	{-0.9787684, 1.9161415, 0.0334540},
	{0.0719453, -0.2289914, 1.4052427},
}

// Tags of profiles.
const (
	tagDescription = "desc"
	tagTables      = "A2B0"
)

// parseProfile reads a profile. One that makes no sense is not known.
func parseProfile(b []byte) *profile {
	if len(b) < 132 || string(b[36:40]) != "acsp" {
		return &profile{name: "unreadable"}
	}
	tags := map[string][]byte{}
	for i := range min(int(binary.BigEndian.Uint32(b[128:])), (len(b)-132)/12) {
		e := b[132+12*i:]
		at, size := uint64(binary.BigEndian.Uint32(e[4:])), uint64(binary.BigEndian.Uint32(e[8:]))
		if at+size <= uint64(len(b)) && size >= 8 {
			tags[string(e[:4])] = b[at:][:size]
		}
	}
	p := &profile{name: description(tags[tagDescription])}
	switch string(b[16:20]) {
	case "RGB ":
		if c := tags["cicp"]; len(c) >= 12 && isHDR(int(c[9])) { // which goes before its tables (ICC.1:2022, section 9.2.17)
			return codedProfile("ICC", int(c[8]), int(c[9]))
		}
		if tags[tagTables] != nil && tags["rXYZ"] == nil {
			return p
		}
		p.known = true
		for i, c := range [...]string{"r", "g", "b"} {
			xyz, trc := tags[c+"XYZ"], parseCurve(tags[c+"TRC"])
			if len(xyz) < 20 || trc == nil {
				return &profile{name: p.name}
			}
			p.curves[i] = trc
			for row := range 3 {
				p.matrix[row][i] = float64(int32(binary.BigEndian.Uint32(xyz[8+4*row:]))) / 65536
			}
		}
	case "GRAY":
		if trc := parseCurve(tags["kTRC"]); trc != nil {
			p.known, p.grey, p.curves[0] = true, true, trc
		}
	}
	return p
}

// description returns the name of a profile.
func description(b []byte) string {
	name := ""
	switch {
	case len(b) > 12 && string(b[:4]) == "desc":
		n := uint64(binary.BigEndian.Uint32(b[8:]))
		name = string(b[12:][:min(n, uint64(len(b)-12))])
	case len(b) >= 28 && string(b[:4]) == "mluc":
		size, at := uint64(binary.BigEndian.Uint32(b[20:])), uint64(binary.BigEndian.Uint32(b[24:]))
		if at+size <= uint64(len(b)) {
			var units []uint16
			for text := b[at:][:size]; len(text) >= 2; text = text[2:] {
				units = append(units, binary.BigEndian.Uint16(text))
			}
			name = string(utf16.Decode(units))
		}
	}
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 127 || r == '�' {
			return -1
		}
		return r
	}, name)
	if name = strings.TrimSpace(name); len(name) > 64 || name == "" {
		return "without a name"
	}
	return name
}

// parseCurve reads a curve, nil if it makes no sense.
func parseCurve(b []byte) curve {
	fixed := func(at int) float64 { return float64(int32(binary.BigEndian.Uint32(b[at:]))) / 65536 }
	switch {
	case len(b) >= 12 && string(b[:4]) == "curv":
		n := int(binary.BigEndian.Uint32(b[8:]))
		switch {
		case n == 0:
			return func(v float64) float64 { return v }
		case n < 0 || n > (len(b)-12)/2:
			return nil
		case n == 1:
			gamma := float64(binary.BigEndian.Uint16(b[12:])) / 256
			return func(v float64) float64 { return math.Pow(v, gamma) }
		}
		table := make([]float64, n)
		for i := range table {
			table[i] = float64(binary.BigEndian.Uint16(b[12+2*i:])) / 65535
		}
		return func(v float64) float64 {
			x := v * float64(n-1)
			i := min(int(x), n-2)
			return table[i] + (x-float64(i))*(table[i+1]-table[i])
		}
	case len(b) >= 16 && string(b[:4]) == "para":
		kind := int(binary.BigEndian.Uint16(b[8:]))
		counts := [...]int{1, 3, 4, 5, 7}
		if kind >= len(counts) || len(b) < 12+4*counts[kind] {
			return nil
		}
		var p [7]float64 // g, a, b, c, d, e, f
		p[1] = 1
		for i := range counts[kind] {
			p[i] = fixed(12 + 4*i)
		}
		g, a, off, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
		switch kind {
		case 1, 2: // below −b/a it is constant
			if a == 0 {
				return nil
			}
			e, f, c, d = c, c, 0, -off/a
		}
		return func(v float64) float64 {
			if v >= d {
				return math.Pow(max(0, a*v+off), g) + e
			}
			return c*v + f
		}
	}
	return nil
}

// encoded returns the value in sRGB of a linear one.
func encoded(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// steps is the number of values for which curves are tabulated.
const steps = 1 << 12

// table returns the values of a curve at k/steps.
func (c curve) table() []float32 {
	t := make([]float32, steps+1)
	for i := range t {
		if v := c(float64(i) / steps); v > 0 { // and a number
			t[i] = float32(min(v, 1))
		}
	}
	return t
}

// look returns the value of a tabulated curve at v, from 0 to 1.
func look(t []float32, v float32) float32 {
	x := min(max(v, 0), 1) * steps
	i := min(int(x), steps-1)
	return t[i] + (x-float32(i))*(t[i+1]-t[i])
}

// toLinear returns what makes linear values of sRGB of linear values of the profile.
func (p *profile) toLinear() (m [3][3]float64) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				m[i][j] += fromXYZ[i][k] * p.matrix[k][j]
			}
		}
	}
	return m
}

// same reports whether the profile is sRGB, but for what nobody sees.
func (p *profile) same() bool {
	if p.hdr != 0 {
		return false
	}
	curves := p.curves[:]
	if p.grey {
		curves = curves[:1]
	} else {
		for i, row := range p.toLinear() {
			for j, v := range row {
				want := 0.0
				if i == j {
					want = 1
				}
				if math.Abs(v-want) > 0.01 {
					return false
				}
			}
		}
	}
	for _, c := range curves {
		for i := range 65 {
			v := float64(i) / 64
			if math.Abs(encoded(min(max(c(v), 0), 1))-v) > 1.2/255 {
				return false
			}
		}
	}
	return true
}

// convert turns values of the profile into values of sRGB. What sRGB cannot show becomes the nearest that it can, channel by channel.
func (p *profile) convert(q *Planes) {
	back := curve(encoded).table()
	if p.grey {
		t := p.curves[0].table()
		for _, plane := range q.Pix {
			for i, v := range plane {
				plane[i] = encodedNear(back, look(t, v))
			}
		}
		return
	}
	var m [3][3]float32
	for i, row := range p.toLinear() {
		for j, v := range row {
			m[i][j] = float32(v)
		}
	}
	var t [3][]float32
	for c := range t {
		t[c] = p.curves[c].table()
	}
	for i := range q.Pix[0] {
		r, g, b := look(t[0], q.Pix[0][i]), look(t[1], q.Pix[1][i]), look(t[2], q.Pix[2][i])
		for c := range q.Pix {
			q.Pix[c][i] = encodedNear(back, m[c][0]*r+m[c][1]*g+m[c][2]*b)
		}
	}
}

// encodedNear looks a value up, and computes it near black, where the table is too coarse.
func encodedNear(t []float32, v float32) float32 {
	if v < 32.0/steps {
		return float32(encoded(float64(max(v, 0))))
	}
	return look(t, v)
}

// icc returns what reads the profile that find finds.
func icc(find func(data []byte) []byte) func(data []byte) *profile {
	return func(data []byte) *profile {
		switch b := find(data); {
		case len(b) == 0:
			return nil
		case len(b) >= mostProfile:
			return &profile{name: fmt.Sprintf("of more than %d MB", mostProfile>>20)}
		default:
			return parseProfile(b)
		}
	}
}

// codedProfile returns the profile of code points of ITU-T H.273, of a kind of files that names them so; nil if they stand for sRGB, or for nothing.
// What is not said is sRGB.
func codedProfile(named string, primaries, transfer int) *profile {
	const unspecified, code601, code2020of10, code2020of12 = 2, 6, 14, 15
	curved := slices.Contains([]int{codeSRGBCurve, codeBT709, unspecified, code601, code2020of10, code2020of12}, transfer)
	if isHDR(transfer) && primaries == unspecified {
		primaries = codeBT2020 // with which ITU-R BT.2100 has these curves
	}
	switch matrix, known := toXYZ[primaries]; {
	case known && isHDR(transfer):
		return &profile{name: primariesNames[primaries] + " " + map[int]string{codePQ: "PQ", codeHLG: "HLG"}[transfer], matrix: matrix, hdr: transfer, known: true}
	case (primaries == codeBT709 || primaries == unspecified) && curved:
		return nil
	case known && curved:
		return &profile{name: primariesNames[primaries], curves: [3]curve{decoded, decoded, decoded}, matrix: matrix, known: true}
	}
	return &profile{name: fmt.Sprintf("%s %d, %d", named, primaries, transfer)}
}

// Chromaticities of primaries and white, in 1/100000: of sRGB (ITU-T H.273, 1), and the code points of Display P3 and sRGB.
var srgbChroma = [8]uint32{31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000}

const (
	codeBT709     = 1 // primaries, and a curve that viewers take for that of sRGB
	code625       = 5
	code525       = 6
	codeBT2020    = 9
	codeP3        = 12
	codeSRGBCurve = 13
	gammaSRGB     = 45455
)

// primariesNames are what spaces of these primaries are called.
var primariesNames = map[int]string{codeBT709: "BT.709", codeP3: "Display P3", codeBT2020: "BT.2020", code625: "BT.601 for 625 lines", code525: "BT.601 for 525 lines"}

// toXYZ are the primaries of sRGB, of Display P3, of ITU-R BT.601 and of BT.2020, adapted to D50 (CSS Color 4).
var toXYZ = map[int][3][3]float64{
	codeBT709:  {{0.4360657, 0.3851515, 0.1430784}, {0.2224932, 0.7168870, 0.0606169}, {0.0139239, 0.0970814, 0.7140994}},
	code625:    {{0.4552321, 0.3675844, 0.1414035}, {0.2322772, 0.7078137, 0.0599092}, {0.0145397, 0.1049015, 0.7057687}},
	code525:    {{0.4162788, 0.3931830, 0.1547583}, {0.2216705, 0.7032737, 0.0750558}, {0.0136518, 0.0913489, 0.7202092}},
	codeBT2020: {{0.6734241, 0.1656411, 0.1251286}, {0.2790177, 0.6753402, 0.0456377}, {-0.0019300, 0.0299784, 0.7973330}},
	codeP3:     {{0.5151187, 0.2919778, 0.1571035}, {0.2411892, 0.6922441, 0.0665668}, {-0.0010505, 0.0418791, 0.7840713}},
}

// decoded returns the linear value of a value in sRGB.
func decoded(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// pngColours returns what a PNG file says of its colours (PNG, third edition, section 4.3): by code points, else by a profile, else that they are
// sRGB, else by a gamma and primaries. It is nil if that is sRGB, or nothing.
func pngColours(data []byte) *profile {
	chunks := map[string][]byte{}
	pngChunks(data, func(name string, chunk []byte) {
		switch name {
		case "cICP", "gAMA", "cHRM", "sRGB":
			if pngSum(chunk) {
				chunks[name] = chunk[8 : len(chunk)-4]
			}
		}
	})
	if c := chunks["cICP"]; len(c) == 4 {
		if c[3] != 1 && c[0] != codeBT709 { // from 16 to 235
			return &profile{name: fmt.Sprintf("cICP %d, %d", c[0], c[1])}
		}
		return codedProfile("cICP", int(c[0]), int(c[1]))
	}
	if p := icc(pngProfile)(data); p != nil || chunks["sRGB"] != nil {
		return p
	}
	if c := chunks["cHRM"]; len(c) == 32 {
		for i, want := range srgbChroma {
			if got := binary.BigEndian.Uint32(c[4*i:]); max(got, want)-min(got, want) > 1000 {
				return &profile{name: "primaries of its own"}
			}
		}
	}
	if c := chunks["gAMA"]; len(c) == 4 {
		if g := binary.BigEndian.Uint32(c); g > 0 && max(g, gammaSRGB)-min(g, gammaSRGB) > 1000 {
			linear := func(v float64) float64 { return math.Pow(v, 1e5/float64(g)) }
			return &profile{name: fmt.Sprintf("gamma %.2f", 1e5/float64(g)), curves: [3]curve{linear, linear, linear}, matrix: toXYZ[codeBT709], known: true}
		}
	}
	return nil
}

// jpegProfile returns the profile in a JPEG file (ICC.1, annex B.4), or nil.
func jpegProfile(data []byte) []byte {
	const app2 = 0xe2
	var parts [256][]byte
	jpegSegments(data, func(marker byte, segment []byte) {
		if body, ok := bytes.CutPrefix(segment, []byte("ICC_PROFILE\x00")); ok && marker == app2 && len(body) > 2 {
			parts[body[0]] = body[2:]
		}
	})
	return bytes.Join(parts[:], nil)
}

// pngProfile returns the first profile in a PNG file, or nil. One that is damaged it returns as it stands there, compressed: as no profile.
func pngProfile(data []byte) []byte {
	var found []byte
	pngChunks(data, func(name string, chunk []byte) {
		if name != "iCCP" || found != nil { // there may be one; each takes up to a thousand times its size
			return
		}
		found = chunk
		_, rest, ok := bytes.Cut(chunk[8:len(chunk)-4], []byte{0})
		if !pngSum(chunk) || !ok || len(rest) < 2 {
			return
		}
		if z, err := zlib.NewReader(bytes.NewReader(rest[1:])); err == nil {
			if b, err := io.ReadAll(io.LimitReader(z, mostProfile)); err == nil { // which may be a part of it
				found = b
			}
		}
	})
	return found
}

// webpProfile returns the profile in a WebP file, or nil.
func webpProfile(data []byte) []byte {
	for data = data[min(12, len(data)):]; len(data) >= 8; {
		size := uint64(binary.LittleEndian.Uint32(data[4:]))
		if size+8 > uint64(len(data)) {
			return nil
		}
		if string(data[:4]) == "ICCP" {
			return data[8 : 8+size]
		}
		data = data[min(8+size+size&1, uint64(len(data))):]
	}
	return nil
}

// pngChunks calls do with every whole chunk of a PNG file, and returns what is behind them.
func pngChunks(data []byte, do func(name string, chunk []byte)) (rest []byte) {
	for data = data[min(8, len(data)):]; len(data) >= 12; {
		size := uint64(binary.BigEndian.Uint32(data)) + 12
		if size > uint64(len(data)) {
			break
		}
		do(string(data[4:8]), data[:size])
		data = data[size:]
	}
	return data
}

// pngSum reports whether a chunk matches its checksum.
func pngSum(chunk []byte) bool {
	n := len(chunk) - 4
	return crc32.ChecksumIEEE(chunk[4:n]) == binary.BigEndian.Uint32(chunk[n:])
}

// pngPlain returns a PNG file without the chunks that its picture does without, which need not be right.
func pngPlain(data []byte) []byte {
	plain := append([]byte(nil), data[:min(8, len(data))]...)
	rest := pngChunks(data, func(name string, chunk []byte) {
		if name[0]&0x20 == 0 || name == "tRNS" {
			plain = append(plain, chunk...)
		}
	})
	return append(plain, rest...)
}

// tiffTag returns where the value of a tag in the first directory of TIFF data lies, and what is in it if it is a number; ok tells whether it is
// there.
func tiffTag(data []byte, tag uint16) (value []byte, number uint32, ok bool) {
	at, order := firstDirectory(data)
	e := entry(data, order, at, tag)
	if e == nil {
		return nil, 0, false
	}
	number = order.Uint32(e[8:])
	size := uint64(order.Uint32(e[4:]))
	switch order.Uint16(e[2:]) {
	case 3:
		return nil, uint32(order.Uint16(e[8:])), true
	case 1, 2, 7: // bytes
		if size > 4 && uint64(number)+size <= uint64(len(data)) {
			return data[number:][:size], number, true
		}
	}
	return nil, number, true
}

// tiffProfile returns the profile in a TIFF file, or nil.
func tiffProfile(data []byte) []byte {
	b, _, _ := tiffTag(data, 34675)
	return b
}
