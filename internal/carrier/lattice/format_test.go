package lattice_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"ditas/audio/wav"
	"ditas/internal/fec/turbo"
)

// This file is a second implementation of docs/FORMAT.md, as far as it takes to say which point of the fine lattice every sample of a
// recording stands at, written from the text alone. It shares nothing with the package but the turbo code, which has tests of its
// own.

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

func (o outputs) draw(deck *[]int) int {
	d := *deck
	i := o.below(len(d))
	at := d[i]
	d[i] = d[len(d)-1]
	*deck = d[:len(d)-1]
	return at
}

func toBits(b []byte) (out []byte) {
	for _, v := range b {
		for i := 7; i >= 0; i-- {
			out = append(out, v>>i&1)
		}
	}
	return out
}

func turboCode(t *testing.T, info []byte) []byte {
	t.Helper()
	code, err := turbo.New(len(info))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, code.Len())
	code.Encode(out, info)
	return out
}

// rungs are the table of ladders: strong, medium, fine bits 0 to 3, weight, middle share.
var rungs = [2][][8]int{
	{
		{44, 0, 0, 0, 0, 60, 32, 9}, {44, 240, 0, 0, 0, 200, 240, 9}, {0, 584, 0, 0, 0, 400, 1600, 9},
		{0, 0, 988, 0, 0, 0, 4000, 17}, {0, 0, 0, 988, 0, 0, 6400, 17}, {0, 0, 0, 0, 988, 328, 0, 0},
	},
	{{0, 0, 100, 100, 0, 0, 1280, 9}, {0, 0, 300, 300, 0, 0, 4800, 9}, {0, 0, 588, 588, 0, 0, 12800, 9}, {0, 0, 0, 0, 988, 988, 0, 0}},
}

var mantissas = [16]uint64{
	1048576, 1095000, 1143480, 1194106, 1246974, 1302182, 1359835, 1420040, 1482910, 1548564, 1617125, 1688722, 1763488, 1841564, 1923097, 2008240,
}

func takes(r [8]int, frames, scale, share int) int {
	if share == 0 {
		return 0
	}
	e := 16*(scale-24) + 2*(share-r[7])
	factor := mantissas[e&15]
	if e >= 0 {
		factor <<= e >> 4
	} else {
		factor >>= -(e >> 4)
	}
	return int((uint64(r[6]) * factor >> 12) * uint64(frames) >> 15)
}

func TestFormatAsItIsWrittenDown(t *testing.T) {
	if testing.Short() {
		t.Skip("runs nothing side by side")
	}
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Key, Nonce string
		Stego      []struct {
			File, Payload string
			Profile       int
			Scale         int
			Shares        []int
		}
	}
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	M, _ := hex.DecodeString(golden.Key)
	N, _ := hex.DecodeString(golden.Nonce)
	for _, g := range golden.Stego {
		t.Run(g.File, func(t *testing.T) {
			data, err := os.ReadFile("testdata/" + g.File)
			if err != nil {
				t.Fatal(err)
			}
			rec, err := wav.Decode(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			payload, _ := hex.DecodeString(g.Payload)
			x := rec.Samples[0]
			frames := len(x) / 1024
			h, s := 72, 88
			if g.Profile == 1 {
				h, s = 24, 0
			}

			// The header.
			head := make([]byte, 7, 23)
			head[0] = 3<<4 | byte(g.Profile)
			copy(head[1:], N)
			var fields string
			for _, f := range [][2]int{{0, 6}, {frames, 24}, {len(payload) + 16, 21}, {g.Scale, 5}, {g.Shares[0], 4}, {g.Shares[1], 4}, {g.Shares[2], 4}, {g.Shares[3], 5}, {g.Shares[4], 5}, {0, 2}} {
				fields += fmt.Sprintf("%0*b", f[1], f[0])
			}
			for i := 0; i < len(fields); i += 8 {
				v, err := strconv.ParseUint(fields[i:i+8], 2, 8)
				if err != nil {
					t.Fatal(err)
				}
				head = append(head, byte(v))
			}
			R := derive(M, "recording "+string(head))
			head = append(head, mac(M, "header tag", head)[:6]...)
			for i, m := range mac(M, "header mask", N)[:17] {
				if i == 0 || i >= 7 {
					head[i] ^= m
				}
			}
			headerCode := turboCode(t, toBits(head))

			// The payload.
			type part struct {
				coded            []byte
				per              int
				medium, fine     []int
				firstStrong, own int
			}
			var parts []part
			A, o := stream(R, "medium slots").permutation(824), stream(R, "fine slots")
			var B [4][]int
			for bit := range B {
				B[bit] = o.permutation(988)
			}
			rest, strong := append(payload, mac(R, "payload tag", payload)[:16]...), 0
			for stage, r := range rungs[g.Profile] {
				n := len(rest)
				if stage < len(rungs[g.Profile])-1 {
					n = min(n, takes(r, frames, g.Scale, g.Shares[stage]))
				}
				p := part{medium: A[:r[1]], firstStrong: strong, own: r[0]}
				for bit := range B {
					for _, j := range B[bit][:r[2+bit]] {
						p.fine = append(p.fine, 4*j+bit)
					}
					B[bit] = B[bit][r[2+bit]:]
				}
				p.per = p.own + len(p.medium) + len(p.fine)
				A, strong = A[r[1]:], strong+r[0]
				if n > 0 {
					blocks := (8*n + 8127) / 8128
					size := (n + blocks - 1) / blocks
					K := 8 * (size + 8)
					length := max(K, min(5*K+18, frames*p.per/blocks))
					p.coded = make([]byte, blocks*length)
					order := stream(R, fmt.Sprintf("order of stage %d", stage)).permutation(length)
					for b := range blocks {
						block := make([]byte, size)
						copy(block, rest[min(n, b*size):min(n, (b+1)*size)])
						var where [8]byte
						binary.BigEndian.PutUint32(where[:], uint32(stage))
						binary.BigEndian.PutUint32(where[4:], uint32(b))
						check := mac(R, "check", where[:], block)[:8]
						for i, v := range turboCode(t, toBits(append(block, check...)))[:length] {
							p.coded[order[i]*blocks+b] = v
						}
					}
				}
				rest = rest[n:]
				parts = append(parts, p)
			}

			checked, silence := 0, 0
			block, err := aes.NewCipher(derive(M, "marks"))
			if err != nil {
				t.Fatal(err)
			}
			for k := range frames {
				// The marks.
				var counter [16]byte
				binary.BigEndian.PutUint16(counter[:], uint16(N[5]%64))
				binary.BigEndian.PutUint64(counter[4:], uint64(k))
				random := make([]byte, 57*16)
				cipher.NewCTR(block, counter[:]).XORKeyStream(random, random)
				word := func(i int) uint32 { return binary.BigEndian.Uint32(random[4*i:]) }
				var mark [124]int
				var number [124]uint32
				for i := range mark {
					at := 1 + i
					if i >= 24 {
						at = 28 + 2*(i-24)
					}
					mark[i] = 8*((79*i+int(word(0)%128))%128) + int(word(at)%8)
					number[i] = word(at) - word(at)%8
					if i >= 24 {
						number[i] = word(at + 1)
					}
				}
				pilot := map[int]uint32{} // numbers of pilots of synchronisation
				for i, at := range mark[:24] {
					pilot[at] = number[i]
				}
				marked := map[int]bool{}
				for _, at := range mark {
					if marked[at] {
						t.Fatalf("frame %d: sample %d is marked twice", k, at)
					}
					marked[at] = true
				}
				var deck []int
				for i := range 1024 {
					if !marked[i] {
						deck = append(deck, i)
					}
				}
				label := make([]byte, 16)
				copy(label, "frame")
				binary.BigEndian.PutUint64(label[8:], uint64(k))
				o := stream(R, string(label))
				isStrong := map[int]bool{}
				coarse := map[int]float64{} // dithers of marks
				for i, at := range mark[24 : 40+h] {
					isStrong[at] = true
					coarse[at] = float64(number[24+i]) * 0x1p-32
				}
				var data []int
				for range s {
					at := o.draw(&deck)
					data = append(data, at)
					isStrong[at] = true
				}
				var fineDither, coarseDither [1024]float64
				for i := range 1024 {
					v := o.Uint64()
					fineDither[i], coarseDither[i] = float64(v>>32)*0x1p-32, float64(v&(1<<32-1))*0x1p-32
				}
				for at, d := range coarse {
					coarseDither[at] = d
				}
				headerFine := map[int]int{}
				for j, at := range mark[112:] {
					headerFine[at] = j
					fineDither[at] = float64(number[112+j]) * 0x1p-32
				}

				// The payload's bits of the frame.
				var strongBits [88]byte
				var mediumBits [824]byte
				var fineBits [3952]byte
				for _, p := range parts {
					if p.coded == nil {
						continue
					}
					n := len(p.coded)
					at := k * p.per % n
					next := func() byte {
						v := p.coded[at]
						at = (at + 1) % n
						return v
					}
					for j := range p.own {
						strongBits[p.firstStrong+j] = next()
					}
					for _, j := range p.medium {
						mediumBits[j] = next()
					}
					for _, j := range p.fine {
						fineBits[j] = next()
					}
				}
				carried := func(i int) byte { return headerCode[(120*(k%16)+i)*579%938] }
				coarseBit := map[int]byte{}
				for i, at := range mark[40 : 40+h] {
					coarseBit[at] = carried(i)
				}
				for i, at := range data {
					coarseBit[at] = strongBits[i]
				}

				y := x[k*1024:][:1024]
				best, at := -1, 0
				for l := range 48 {
					Δ := 2 * math.Pow(2, float64(l)/4) / 32768
					bitsOf := min(l/4+1, 4)
					good, medium, fine := 0, 0, 0
					for i, v := range y {
						if u, ok := pilot[i]; ok {
							e := 1 + (l+2)/4
							coarser := 3
							if g.Profile == 1 {
								coarser = 1
							}
							// On the octave's fine lattice, and no farther than a quarter of a step from the coarse one's points.
							F, S := math.Exp2(float64(e)), math.Exp2(float64(e+coarser))
							on := func(step float64) float64 { // the distance from the nearest point, in units
								return math.Abs(math.Remainder(v*32768-step*float64(u)*math.Exp2(float64(16-math.Log2(step)))/(1<<32), step))
							}
							if on(F) < 0.5001 && on(S) <= S/4+F/2+0.5001 {
								good++
							}
							continue
						}
						var symbol [4]byte
						if j, ok := headerFine[i]; ok {
							for t := range symbol {
								symbol[t] = carried(72 + 4*j + t)
							}
						} else {
							copy(symbol[:], fineBits[fine:])
							fine += 4
						}
						label := 0
						for _, bit := range symbol[:bitsOf] {
							label = label<<1 | int(bit)
						}
						stands := 0
						for g := range 1 << bitsOf {
							if g^g/2 == label {
								stands = g
							}
						}
						off := math.Remainder(v-Δ*(fineDither[i]+float64(stands)/float64(int(1)<<bitsOf)), Δ)
						right := math.Abs(off) < 0.5001/32768

						// The coarse symbol is within a quarter of a step and half a fine one, and half a unit of rounding.
						S, has, bit := Δ*2*math.Sqrt2, isStrong[i], coarseBit[i]
						if g.Profile == 0 {
							if S = 8 * Δ; !has {
								S, has, bit = 3*Δ, true, mediumBits[medium]
								medium++
							}
						}
						if has {
							n := float64(bit)/2 - 0.25
							if _, carries := coarseBit[i]; !carries && isStrong[i] {
								n = 0
							}
							off := math.Remainder(v-S*(coarseDither[i]+n), S)
							right = right && math.Abs(off) <= S/4+Δ/2+0.5001/32768
						}
						if right {
							good++
						}
					}
					if good > best {
						best, at = good, l
					}
				}
				still := 0
				for i := 0; i < 1024; {
					j := i
					for j < 1024 && y[j] == y[i] {
						j++
					}
					if j-i >= 16 {
						still += j - i
					}
					i = j
				}
				silence += still
				if best < 1024-still {
					t.Errorf("frame %d: at level %d, %d of %d samples are where the format puts them", k, at, best, 1024-still)
				}
				checked += best
			}
			if checked < 1024*frames/2 {
				t.Errorf("%d samples were looked at, %d are silent", checked, silence)
			}
		})
	}
}
