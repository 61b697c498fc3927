// Package safetensors reads and writes the safetensors file format, in which Ditas keeps network weights, so that any
// other tool can read them and no code is ever run to load them.
//
// A file is the length of its header (8 bytes, little-endian), the header (JSON: for each name a data type, a shape and
// the range of its bytes, and under "__metadata__" a map of strings), and the bytes of all tensors, little-endian and in
// row-major order, without gaps. The format is described at https://huggingface.co/docs/safetensors.
//
// Make tensors with [Float32], [Float16], [Float64] or [Int64] and store them with [Write]; load them with [Read], and
// take the numbers out with [Tensor.Float32s] or [Tensor.Int64s]. What Read accepts is what the reference implementation
// accepts, save the data types narrower than a byte.
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// MaxHeader is the largest header the format allows, in bytes.
const MaxHeader = 100_000_000

// ErrFormat is in the chain of every error that means "this is no valid safetensors file".
var ErrFormat = errors.New("not a valid safetensors file")

// DType names the type of a tensor's elements, as the header spells it.
type DType string

// The types that this package converts. Tensors of the format's other types are read and written as bytes.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I64  DType = "I64"
)

// Size is the number of bytes of one element, 0 for an unknown type.
func (d DType) Size() int {
	switch d {
	case F64, I64, "U64":
		return 8
	case F32, "I32", "U32":
		return 4
	case F16, BF16, "I16", "U16":
		return 2
	case "I8", "U8", "BOOL", "F8_E5M2", "F8_E4M3":
		return 1
	}
	return 0
}

// Tensor is one named array.
type Tensor struct {
	Name  string
	DType DType
	Shape []int  // sizes of the dimensions, outermost first; empty for a single number
	Data  []byte // the elements, little-endian, in row-major order
}

// Float32 returns a tensor of 32-bit floats. The number of values must be the product of shape; [Write] checks it.
func Float32(name string, shape []int, values []float32) Tensor {
	b := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
	}
	return Tensor{name, F32, slices.Clone(shape), b}
}

// Float16 returns a tensor of 16-bit floats, each value rounded to the nearest, ties to even.
func Float16(name string, shape []int, values []float32) Tensor {
	b := make([]byte, 2*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint16(b[2*i:], Float16bits(v))
	}
	return Tensor{name, F16, slices.Clone(shape), b}
}

// Float64 returns a tensor of 64-bit floats.
func Float64(name string, shape []int, values []float64) Tensor {
	b := make([]byte, 8*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(v))
	}
	return Tensor{name, F64, slices.Clone(shape), b}
}

// Int64 returns a tensor of 64-bit integers.
func Int64(name string, shape []int, values []int64) Tensor {
	b := make([]byte, 8*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint64(b[8*i:], uint64(v))
	}
	return Tensor{name, I64, slices.Clone(shape), b}
}

// Float32s returns the elements of a tensor of floats. F16, BF16 and F32 convert exactly; F64 is rounded.
func (t Tensor) Float32s() ([]float32, error) {
	size := t.DType.Size()
	var at func(b []byte) float32
	switch t.DType {
	case F64:
		at = func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }
	case F32:
		at = func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
	case F16:
		at = func(b []byte) float32 { return Float16frombits(binary.LittleEndian.Uint16(b)) }
	case BF16:
		at = func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }
	default:
		return nil, fmt.Errorf("safetensors: tensor %q holds %s, not floats", t.Name, t.DType)
	}
	v := make([]float32, len(t.Data)/size)
	for i := range v {
		v[i] = at(t.Data[i*size:])
	}
	return v, nil
}

// Float64s returns the elements of a tensor of floats, all of them exactly.
func (t Tensor) Float64s() ([]float64, error) {
	if t.DType == F64 {
		v := make([]float64, len(t.Data)/8)
		for i := range v {
			v[i] = math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:]))
		}
		return v, nil
	}
	f, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	v := make([]float64, len(f))
	for i := range v {
		v[i] = float64(f[i])
	}
	return v, nil
}

// Int64s returns the elements of an I64 tensor.
func (t Tensor) Int64s() ([]int64, error) {
	if t.DType != I64 {
		return nil, fmt.Errorf("safetensors: tensor %q holds %s, not %s", t.Name, t.DType, I64)
	}
	v := make([]int64, len(t.Data)/8)
	for i := range v {
		v[i] = int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
	}
	return v, nil
}

const metadataKey = "__metadata__"

// entry is what the header says of one tensor.
type entry struct {
	DType   DType     `json:"dtype"`
	Shape   []int     `json:"shape"`
	Offsets [2]uint64 `json:"data_offsets"`
}

// Write stores tensors and metadata, which may be nil. The same input gives the same bytes in whatever order the tensors
// come: they are laid out by falling element size, so that every one of them is aligned, and then by name.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	ordered := slices.Clone(tensors)
	slices.SortFunc(ordered, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(b.DType.Size(), a.DType.Size()), cmp.Compare(a.Name, b.Name))
	})
	header, err := marshalHeader(ordered, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))); err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	for _, t := range ordered {
		if _, err := w.Write(t.Data); err != nil {
			return fmt.Errorf("safetensors: %w", err)
		}
	}
	return nil
}

// marshalHeader returns the header of tensors whose data follow in their order.
func marshalHeader(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	var h bytes.Buffer
	h.WriteByte('{')
	if len(metadata) > 0 {
		for k, v := range metadata {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, fmt.Errorf("safetensors: metadata %q is not UTF-8", k)
			}
		}
		if err := appendField(&h, metadataKey, metadata); err != nil {
			return nil, fmt.Errorf("safetensors: writing the header: %w", err)
		}
	}
	seen := make(map[string]bool, len(tensors))
	var end uint64
	for _, t := range tensors {
		if t.Name == metadataKey || !utf8.ValidString(t.Name) {
			return nil, fmt.Errorf("safetensors: %q cannot name a tensor", t.Name)
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("safetensors: two tensors are named %q", t.Name)
		}
		seen[t.Name] = true
		dims := make([]uint64, len(t.Shape))
		for i, n := range t.Shape {
			dims[i] = uint64(n) // a negative size becomes one that overflows or cannot match
		}
		n, err := byteSize(t.DType, dims)
		if err != nil || n != uint64(len(t.Data)) {
			return nil, fmt.Errorf("safetensors: tensor %q of type %s and shape %v cannot have %d bytes", t.Name, t.DType, t.Shape, len(t.Data))
		}
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		if err := appendField(&h, t.Name, entry{t.DType, shape, [2]uint64{end, end + n}}); err != nil {
			return nil, fmt.Errorf("safetensors: writing the header: %w", err)
		}
		end += n
	}
	h.WriteByte('}')
	for h.Len()%8 != 0 { // the data starts aligned, as the reference implementation has it
		h.WriteByte(' ')
	}
	if h.Len() > MaxHeader {
		return nil, fmt.Errorf("safetensors: the header would take %d bytes, the format allows %d", h.Len(), MaxHeader)
	}
	return h.Bytes(), nil
}

// appendField adds a key and its value to an object in JSON that has begun.
func appendField(h *bytes.Buffer, key string, value any) error {
	enc := json.NewEncoder(h)
	enc.SetEscapeHTML(false)
	if h.Len() > 1 {
		h.WriteByte(',')
	}
	if err := enc.Encode(key); err != nil {
		return err
	}
	h.Truncate(h.Len() - 1) // the newline of Encode
	h.WriteByte(':')
	if err := enc.Encode(value); err != nil {
		return err
	}
	h.Truncate(h.Len() - 1)
	return nil
}

// Read loads all tensors, in the order of their data, and the metadata of the size bytes that r holds. It takes no more
// memory than a small multiple of size, whatever the file declares. The tensors share one block of memory.
func Read(r io.ReaderAt, size int64) ([]Tensor, map[string]string, error) {
	if size < 8 {
		return nil, nil, fmt.Errorf("safetensors: %w: %d bytes are too few", ErrFormat, size)
	}
	var length [8]byte
	if err := readAt(r, length[:], 0); err != nil {
		return nil, nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > MaxHeader || n > uint64(size-8) {
		return nil, nil, fmt.Errorf("safetensors: %w: a header of %d bytes in a file of %d", ErrFormat, n, size)
	}
	header := make([]byte, n)
	if err := readAt(r, header, 8); err != nil {
		return nil, nil, err
	}
	total := uint64(size-8) - n
	tensors, offsets, metadata, err := parseHeader(header, total)
	if err != nil {
		return nil, nil, fmt.Errorf("safetensors: %w: %w", ErrFormat, err)
	}
	if total > math.MaxInt {
		return nil, nil, fmt.Errorf("safetensors: %d bytes of data do not fit in memory", total)
	}
	data := make([]byte, total)
	if err := readAt(r, data, 8+int64(n)); err != nil {
		return nil, nil, err
	}
	for i, o := range offsets {
		tensors[i].Data = data[o[0]:o[1]:o[1]]
	}
	return tensors, metadata, nil
}

func readAt(r io.ReaderAt, b []byte, off int64) error {
	if n, err := r.ReadAt(b, off); n < len(b) {
		if err == io.EOF {
			err = fmt.Errorf("%w: it ends early: %w", ErrFormat, io.ErrUnexpectedEOF)
		}
		return fmt.Errorf("safetensors: %w", err)
	}
	return nil
}

// parseHeader checks a header against the number of data bytes that follow it. It walks the outer object itself, because
// encoding/json would silently take the last of two equal names.
func parseHeader(header []byte, total uint64) ([]Tensor, [][2]uint64, map[string]string, error) {
	if len(header) == 0 || header[0] != '{' {
		return nil, nil, nil, errors.New("the header does not start with {")
	}
	if !utf8.Valid(header) {
		return nil, nil, nil, errors.New("the header is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(header))
	if _, err := dec.Token(); err != nil {
		return nil, nil, nil, err
	}
	type item struct {
		Tensor
		offsets [2]uint64
	}
	var items []item
	var metadata map[string]string
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, nil, nil, err
		}
		name := key.(string) // the decoder allows nothing else here
		if seen[name] {
			return nil, nil, nil, fmt.Errorf("%q appears twice", name)
		}
		seen[name] = true
		if name == metadataKey {
			var m map[string]*string
			if err := dec.Decode(&m); err != nil {
				return nil, nil, nil, fmt.Errorf("%s: %w", metadataKey, err)
			}
			metadata = make(map[string]string, len(m))
			for k, v := range m {
				if v == nil {
					return nil, nil, nil, fmt.Errorf("%s: %q is not a string", metadataKey, k)
				}
				metadata[k] = *v
			}
			continue
		}
		var raw map[string]json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		t, offsets, err := parseEntry(name, raw)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		items = append(items, item{t, offsets})
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, nil, nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, nil, nil, errors.New("something follows the header's object")
	}
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(slices.Compare(a.offsets[:], b.offsets[:]), cmp.Compare(a.Name, b.Name))
	})
	tensors := make([]Tensor, len(items))
	ranges := make([][2]uint64, len(items))
	var end uint64
	for i, it := range items {
		if it.offsets[0] != end {
			return nil, nil, nil, fmt.Errorf("tensor %q starts at %d, not where the one before ends, %d", it.Name, it.offsets[0], end)
		}
		end = it.offsets[1]
		tensors[i], ranges[i] = it.Tensor, it.offsets
	}
	if end != total {
		return nil, nil, nil, fmt.Errorf("the tensors take %d bytes, the file holds %d", end, total)
	}
	return tensors, ranges, metadata, nil
}

func parseEntry(name string, raw map[string]json.RawMessage) (Tensor, [2]uint64, error) {
	t := Tensor{Name: name}
	var offsets [2]uint64
	fail := func(err error) (Tensor, [2]uint64, error) { return Tensor{}, [2]uint64{}, err }
	if keys := slices.Sorted(maps.Keys(raw)); !slices.Equal(keys, []string{"data_offsets", "dtype", "shape"}) {
		return fail(fmt.Errorf("it has the fields %q, not data_offsets, dtype and shape", keys))
	}
	if err := json.Unmarshal(raw["dtype"], &t.DType); err != nil {
		return fail(err)
	}
	var dims, ends []uint64
	if err := json.Unmarshal(raw["shape"], &dims); err != nil {
		return fail(err)
	}
	if err := json.Unmarshal(raw["data_offsets"], &ends); err != nil {
		return fail(err)
	}
	if dims == nil || len(ends) != 2 || ends[0] > ends[1] {
		return fail(fmt.Errorf("shape %s with data_offsets %s", raw["shape"], raw["data_offsets"]))
	}
	copy(offsets[:], ends)
	n, err := byteSize(t.DType, dims)
	if err != nil {
		return fail(err)
	}
	if n != offsets[1]-offsets[0] {
		return fail(fmt.Errorf("%s of shape %v takes %d bytes, data_offsets give it %d", t.DType, dims, n, offsets[1]-offsets[0]))
	}
	t.Shape = make([]int, len(dims))
	for i, d := range dims {
		t.Shape[i] = int(d)
	}
	return t, offsets, nil
}

// byteSize is the size of a tensor, if neither a dimension nor the product exceeds an int.
func byteSize(d DType, dims []uint64) (uint64, error) {
	n := uint64(d.Size())
	if n == 0 {
		return 0, fmt.Errorf("unknown data type %q", string(d))
	}
	for _, m := range dims {
		hi, lo := bits.Mul64(n, m)
		if hi != 0 || lo > math.MaxInt || m > math.MaxInt {
			return 0, fmt.Errorf("shape %v is too large", dims)
		}
		n = lo
	}
	return n, nil
}
