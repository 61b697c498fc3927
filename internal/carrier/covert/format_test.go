package covert_test

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
)

// This file is a second reader of part 4 of docs/FORMAT.md, written from the text alone; it takes the columns of the code from there. It is plain and
// slow, and shares nothing with the package. Whoever changes the format changes the text, and then this.

// derived is Derive of the text.
func derived(key []byte, label string) []byte {
	b, err := hkdf.Expand(sha256.New, key, label, 32)
	if err != nil {
		panic(err)
	}
	return b
}

// mac is MAC of the text.
func mac(key []byte, label string, x []byte) []byte {
	h := hmac.New(sha256.New, derived(key, label))
	h.Write(x)
	return h.Sum(nil)
}

// drawing is Stream of the text.
type drawing struct{ *rand.ChaCha8 }

func stream(key []byte, label string) drawing {
	return drawing{rand.NewChaCha8([32]byte(derived(key, label)))}
}

func (d drawing) below(n int) int {
	v := new(big.Int).SetUint64(d.Uint64())
	return int(v.Rsh(v.Mul(v, big.NewInt(int64(n))), 64).Int64())
}

func (d drawing) permutation(n int) []int {
	p := make([]int, n)
	for i := range p {
		j := d.below(i + 1)
		p[i] = p[j]
		p[j] = i
	}
	return p
}

// columnsOfText returns the columns that the text lists, by width.
func columnsOfText(t testing.TB) map[int][]int {
	t.Helper()
	text, err := os.ReadFile("../../../docs/FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), "| width | columns from 0 |\n|---|---|\n")
	columns := map[int][]int{}
	for line := range strings.Lines(part) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			break
		}
		width, err := strconv.Atoi(strings.TrimSpace(cells[1]))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range strings.Split(cells[2], ",") {
			v, err := strconv.ParseInt(strings.TrimSpace(c), 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			columns[width] = append(columns[width], int(v))
		}
		if len(columns[width]) != width {
			t.Fatalf("%d columns for width %d", len(columns[width]), width)
		}
	}
	if len(columns) != 19 {
		t.Fatalf("the text has columns for %d widths", len(columns))
	}
	return columns
}

// told returns the bits that parities tell.
func told(columns map[int][]int, x []int, m int) []byte {
	bits, z := make([]byte, m), 0
	for i := range bits {
		from, to := i*len(x)/m, (i+1)*len(x)/m
		w := to - from
		for j := range w {
			column := 513 + 2*int(uint64(j+1)*0x9e3779b97f4a7c15>>32%256)
			if list, ok := columns[w]; ok {
				column = list[j]
			}
			if x[from+j] == 1 {
				z ^= column
			}
		}
		bits[i] = byte(z & 1)
		z >>= 1
	}
	return bits
}

// packed returns bits as bytes.
func packed(bits []byte) []byte {
	b := make([]byte, len(bits)/8)
	for i := range b {
		for j := range 8 {
			b[i] = b[i]<<1 | bits[8*i+j]
		}
	}
	return b
}

// readByText returns what is hidden in a recording, by the text.
func readByText(t testing.TB, rec *audio.Recording, m []byte) ([]byte, error) {
	t.Helper()
	columns := columnsOfText(t)
	channels, frames := len(rec.Samples), len(rec.Samples[0])
	total, bits := frames*channels, 16
	if !rec.Format.Encoding.IsFloat() {
		bits = min(bits, rec.Format.Bits())
	}
	low := [2][]int{make([]int, total), make([]int, total)}
	for n := range total {
		v := int(math.Round(math.Ldexp(rec.Samples[n%channels][n/channels], bits-1)))
		low[0][n], low[1][n] = v&1, v>>1&1
	}
	s := derived(m, fmt.Sprintf("covert 0 %d %d %d %d", rec.Format.Rate, channels, bits, frames))

	count := 264 * min(64, total/2112)
	places, taken := make([]int, count), make([]bool, total)
	draw := stream(s, "covert header places")
	for i := range places {
		from, to := i*total/count, (i+1)*total/count
		places[i] = from + draw.below(to-from)
		taken[places[i]] = true
	}
	x := make([]int, count)
	for k, p := range stream(s, "covert header order").permutation(count) {
		x[k] = low[0][places[p]]
	}
	h := packed(told(columns, x, 264))
	r := derived(s, "covert recording "+string(h[:16]))
	for i, v := range mac(r, "covert header mask", h[:16])[:9] {
		h[16+i] ^= v
	}
	if !bytes.Equal(mac(r, "covert header tag", h[:25])[:8], h[25:]) {
		return nil, errors.New("there is no header")
	}

	pieces := (frames + 16383) / 16384
	q := stream(r, "covert pieces").permutation(pieces)
	segments := max(1, total>>20)
	list := make([][]int, segments)
	all := 0
	for g := range list {
		for _, p := range q[g*pieces/segments : (g+1)*pieces/segments] {
			for n := p * 16384 * channels; n < min((p+1)*16384, frames)*channels; n++ {
				if !taken[n] {
					list[g] = append(list[g], n)
				}
			}
		}
		all += len(list[g])
	}
	size := int(binary.BigEndian.Uint32(h[16:]))
	second := int(int64(h[20])<<32 | int64(binary.BigEndian.Uint32(h[21:])))
	var message []byte
	for layer, length := range []int{8*(size+16) - second, second} {
		before := 0
		for g, samples := range list {
			p := stream(r, "covert segment "+strconv.Itoa(g)).permutation(len(samples))
			blocks := (len(samples) + 65535) / 65536
			for i := range blocks {
				from, to := i*len(samples)/blocks, (i+1)*len(samples)/blocks
				n := (before+to)*length/all - (before+from)*length/all
				if n == 0 {
					continue
				}
				to = min(to, from+512*(8+n))
				var x []int
				for _, k := range p[from:to] {
					x = append(x, low[layer][samples[k]])
				}
				bits := told(columns, x, 8+n)
				draw := stream(r, fmt.Sprintf("covert mask %d %d %d %d", g, i, layer, packed(bits[:8])[0]))
				var v uint64
				for k, bit := range bits[8:] {
					if k%64 == 0 {
						v = draw.Uint64()
					}
					message = append(message, bit^byte(v>>(k%64)&1))
				}
			}
			before += len(samples)
		}
	}
	sealed := packed(message)
	draw = stream(r, "covert payload")
	for i := 0; i < len(sealed); i += 8 {
		v := draw.Uint64()
		for j := range min(8, len(sealed)-i) {
			sealed[i+j] ^= byte(v >> (8 * j))
		}
	}
	payload := sealed[:size]
	if !bytes.Equal(mac(r, "covert payload tag", payload)[:16], sealed[size:]) {
		return nil, errors.New("the tag is wrong")
	}
	return payload, nil
}

// What is written is read by the text, from recordings with several channels and segments, at rates of all kinds.
func TestReadByText(t *testing.T) {
	for _, c := range []struct{ channels, frames, size int }{{1, 16896, 20}, {2, 30000, 2500}, {3, 33001, 7}, {2, 1_200_000, 900}} {
		if testing.Short() && c.frames > 1_000_000 {
			continue
		}
		payload := random(c.size, 7)
		stego := hidden(t, file(t, loud(c.channels, c.frames, 80, 2)), payload, 8, options)
		got, err := readByText(t, must(codec.Decode(bytes.NewReader(stego), int64(len(stego)))), key[:])
		if err != nil || !bytes.Equal(got, payload) {
			t.Errorf("%d channels of %d frames, %d bytes: %v", c.channels, c.frames, c.size, err)
		}
	}
}

var update = flag.Bool("update", false, "write the golden recording anew")

// The recording in testdata was written once, and stays readable.
func TestGolden(t *testing.T) {
	const name = "testdata/golden.wav"
	payload, golden := []byte("what nobody looks for is there all the same"), keystream.Public().Derive("golden")
	if *update {
		var b bytes.Buffer
		s := survey(t, file(t, loud(1, 20000, 60, 3)))
		if _, err := s.Embed(context.Background(), &b, carrier.Strength{}, payload, golden, source(4), options); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(t, b, golden); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("read %q, %v", got, err)
	}
	if got, err := readByText(t, must(codec.Decode(bytes.NewReader(b), int64(len(b)))), golden[:]); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("read by the text: %q, %v", got, err)
	}
}
