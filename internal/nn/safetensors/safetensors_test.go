package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func golden(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// halves are the values of the golden file's F16 tensor before rounding.
var halves = []float32{0.1, float32(math.Copysign(0, -1)), 65504, 6e-8, 3e-8, 1 + 0x1p-11, 1 + 3*0x1p-11, -1e-5, float32(math.Inf(1)), 0x1p-14 - 0x1p-26}

func TestReadGolden(t *testing.T) {
	b := golden(t)
	tensors, metadata, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if len(metadata) != 2 || metadata["format"] != "ditas" || metadata["note"] != `naïve <1> & "2"` {
		t.Errorf("metadata is %q", metadata)
	}
	byName := map[string]Tensor{}
	for _, x := range tensors {
		byName[x.Name] = x
	}
	if len(byName) != 5 {
		t.Fatalf("got %d tensors, want 5", len(byName))
	}
	if v, err := byName["count"].Int64s(); err != nil || !slices.Equal(v, []int64{-1, 0, math.MaxInt64}) {
		t.Errorf("count is %v, %v", v, err)
	}
	if v, err := byName["pi"].Float64s(); err != nil || !slices.Equal(v, []float64{math.Pi}) || len(byName["pi"].Shape) != 0 {
		t.Errorf("pi is %v of shape %v, %v", v, byName["pi"].Shape, err)
	}
	if v, err := byName["pi"].Float32s(); err != nil || v[0] != float32(math.Pi) {
		t.Errorf("pi as float32 is %v, %v", v, err)
	}
	w := byName["layer.0.weight"]
	if v, err := w.Float32s(); err != nil || !slices.Equal(v, []float32{0, -1.5, 2.25, 1e-30, -3e38, 0.1}) || !slices.Equal(w.Shape, []int{2, 3}) {
		t.Errorf("weight is %v of shape %v, %v", v, w.Shape, err)
	}
	if e := byName["none"]; len(e.Data) != 0 || !slices.Equal(e.Shape, []int{0, 7}) {
		t.Errorf("none has %d bytes and shape %v", len(e.Data), e.Shape)
	}
	h, err := byName["half"].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range h {
		if want := nearestHalf(float64(halves[i])); math.Float32bits(v) != math.Float32bits(want) {
			t.Errorf("half %d is %g, want %g", i, v, want)
		}
	}
	if _, err := w.Int64s(); err == nil {
		t.Error("floats were given out as integers")
	}
	if _, err := byName["count"].Float32s(); err == nil {
		t.Error("integers were given out as floats")
	}
}

func TestWriteGolden(t *testing.T) {
	tensors := []Tensor{
		Float16("half", []int{2, 5}, halves),
		Float32("none", []int{0, 7}, nil),
		Float32("layer.0.weight", []int{2, 3}, []float32{0, -1.5, 2.25, 1e-30, -3e38, 0.1}),
		Float64("pi", nil, []float64{math.Pi}),
		Int64("count", []int{3}, []int64{-1, 0, math.MaxInt64}),
	}
	for range 5 {
		var w bytes.Buffer
		if err := Write(&w, tensors, map[string]string{"note": `naïve <1> & "2"`, "format": "ditas"}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(w.Bytes(), golden(t)) {
			t.Fatalf("wrote\n%q\nwant\n%q", w.Bytes(), golden(t))
		}
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(tensors), func(i, j int) { tensors[i], tensors[j] = tensors[j], tensors[i] })
	}
}

func TestWriteRefuses(t *testing.T) {
	one := []float32{1}
	for name, tensors := range map[string][]Tensor{
		"wrong count":    {Float32("a", []int{2}, one)},
		"negative":       {Float32("a", []int{-1}, one)},
		"negative twice": {Float32("a", []int{-1, -1}, one)},
		"twice":          {Float32("a", []int{1}, one), Float16("a", []int{1}, one)},
		"reserved":       {Float32("__metadata__", []int{1}, one)},
		"not UTF-8":      {Float32("\xff", []int{1}, one)},
		"no type":        {{Name: "a", Shape: []int{1}, Data: []byte{1}}},
	} {
		if err := Write(&bytes.Buffer{}, tensors, nil); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	if err := Write(&bytes.Buffer{}, nil, map[string]string{"a": "\xff"}); err == nil {
		t.Error("metadata that is not UTF-8: written")
	}
}

// file makes a file of a header and n zero bytes.
func file(header string, n int) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, n)...)
}

func TestReadRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":              {},
		"short":              {1, 0, 0},
		"no header":          file("", 0),
		"no object":          file("[]", 0),
		"leading space":      file(" {}", 0),
		"not UTF-8":          file("{\"\xff\":1}", 0),
		"trailing text":      file("{} {}", 0),
		"unclosed":           file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`, 4),
		"unknown type":       file(`{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}`, 4),
		"no shape":           file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4),
		"null shape":         file(`{"a":{"dtype":"F32","shape":null,"data_offsets":[0,4]}}`, 4),
		"wrong case":         file(`{"a":{"DType":"F32","shape":[1],"data_offsets":[0,4]}}`, 4),
		"negative":           file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4),
		"fraction":           file(`{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}`, 4),
		"one offset":         file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}`, 4),
		"three offsets":      file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}`, 4),
		"backwards":          file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 4),
		"outside":            file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4),
		"wrong size":         file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4),
		"product overflow":   file(`{"a":{"dtype":"F32","shape":[4294967296,4294967297],"data_offsets":[0,4]}}`, 4),
		"size overflow":      file(`{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}`, 4),
		"huge and empty":     file(`{"a":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}}`, 0),
		"twice":              file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2),
		"a terabyte":         file(`{"a":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}`, 8),
		"overlap":            file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3),
		"same bytes":         file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 2),
		"gap":                file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3),
		"gap at the start":   file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2),
		"bytes left over":    file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 2),
		"metadata, numbers":  file(`{"__metadata__":{"a":1}}`, 0),
		"metadata, null":     file(`{"__metadata__":{"a":null}}`, 0),
		"header too long":    append(binary.LittleEndian.AppendUint64(nil, 3), "{}"...),
		"header of exabytes": append(binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "{}"...),
	} {
		if _, _, err := Read(bytes.NewReader(b), int64(len(b))); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	b := golden(t)
	if _, _, err := Read(bytes.NewReader(b[:len(b)-1]), int64(len(b))); !errors.Is(err, ErrFormat) {
		t.Errorf("a file shorter than declared: got %v", err)
	}
}

// halfValue decodes binary16 by its definition.
func halfValue(b uint16) float64 {
	v := math.Ldexp(float64(b&0x3ff), -24)
	if e := int(b >> 10 & 31); e > 0 {
		v = math.Ldexp(float64(b&0x3ff|0x400), e-25)
	}
	if b&0x8000 != 0 {
		v = -v
	}
	return v
}

// nearestHalf rounds to binary16 by searching all of its numbers.
func nearestHalf(x float64) float32 {
	a := math.Abs(x)
	i, _ := slices.BinarySearchFunc(halfNumbers, a, func(h, x float64) int {
		switch {
		case h < x:
			return -1
		case h > x:
			return 1
		}
		return 0
	})
	if i == len(halfNumbers) {
		return float32(math.Copysign(math.Inf(1), x))
	}
	if i > 0 && (a-halfNumbers[i-1] < halfNumbers[i]-a || a-halfNumbers[i-1] == halfNumbers[i]-a && i%2 == 1) {
		i--
	}
	if i == 0x7c00 {
		return float32(math.Copysign(math.Inf(1), x))
	}
	return float32(math.Copysign(halfNumbers[i], x))
}

// halfNumbers are the non-negative numbers in order, and 2¹⁶, to which what rounds to infinity is nearest.
var halfNumbers = func() []float64 {
	v := make([]float64, 0x7c01)
	for i := range v {
		v[i] = halfValue(uint16(i))
	}
	v[0x7c00] = 65536
	return v
}()

func TestFloat16(t *testing.T) {
	for i := range 1 << 16 {
		b := uint16(i)
		f := Float16frombits(b)
		if b&0x7c00 == 0x7c00 {
			if b&0x3ff == 0 && !math.IsInf(float64(f), 1-int(b>>14&2)) || b&0x3ff != 0 && f == f {
				t.Fatalf("%#04x is %g", b, f)
			}
			if b&0x3ff != 0 {
				b |= 0x200 // quiet
			}
		} else if float64(f) != halfValue(b) || math.Signbit(float64(f)) != (b&0x8000 != 0) {
			t.Fatalf("%#04x is %g, want %g", b, f, halfValue(b))
		}
		if got := Float16bits(f); got != b {
			t.Fatalf("%#04x came back as %#04x", b, got)
		}
	}
	check := func(f float32) {
		t.Helper()
		if got, want := Float16frombits(Float16bits(f)), nearestHalf(float64(f)); math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("%g (%#08x) rounds to %g, want %g", f, math.Float32bits(f), got, want)
		}
	}
	for i := range halfNumbers[:0x7c00] { // the halfway points and their neighbours
		m := float32((halfNumbers[i] + halfNumbers[i+1]) / 2)
		for _, f := range []float32{m, math.Nextafter32(m, 0), math.Nextafter32(m, 1e9)} {
			check(f)
			check(-f)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 1_000_000 {
		if f := math.Float32frombits(r.Uint32()); f == f {
			check(f)
		}
	}
}

func TestBFloat16(t *testing.T) {
	v, err := Tensor{DType: BF16, Shape: []int{2}, Data: []byte{0x80, 0x3f, 0x49, 0xc0}}.Float32s()
	if err != nil || v[0] != 1 || v[1] != -3.140625 {
		t.Errorf("got %v, %v", v, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(golden(f))
	f.Add(file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"I8","shape":[0],"data_offsets":[2,2]}} `, 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		tensors, metadata, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "safetensors: ") {
				t.Fatalf("unwrapped error: %v", err)
			}
			return
		}
		for _, x := range tensors {
			if _, err := x.Float64s(); err == nil && x.DType.Size()*product(x.Shape) != len(x.Data) {
				t.Fatalf("%v with %d bytes", x.Shape, len(x.Data))
			}
		}
		var once, twice bytes.Buffer
		if err := Write(&once, tensors, metadata); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		tensors, metadata, err = Read(bytes.NewReader(once.Bytes()), int64(once.Len()))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if err := Write(&twice, tensors, metadata); err != nil || !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Fatalf("written twice, different: %v", err)
		}
	})
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func Example() {
	var file bytes.Buffer
	err := Write(&file, []Tensor{
		Float32("stage.0.bias", []int{3}, []float32{0.25, -1, 7}),
		Int64("step", nil, []int64{1200}),
	}, map[string]string{"method": "lattice"})
	if err != nil {
		fmt.Println(err)
		return
	}
	tensors, metadata, err := Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range tensors {
		fmt.Println(t.Name, t.DType, t.Shape)
	}
	bias, _ := tensors[1].Float32s()
	fmt.Println(bias, metadata)
	// Output:
	// step I64 []
	// stage.0.bias F32 [3]
	// [0.25 -1 7] map[method:lattice]
}
