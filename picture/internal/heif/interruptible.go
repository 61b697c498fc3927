package heif

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A loop in WebAssembly neither lets the garbage collector stop the program nor looks at a context. That the runtime looks at every turn
// of every loop makes decoders take twice as long. Here each loop counts down, and a function is called every so many turns, about
// once a millisecond, which costs next to nothing.
const (
	pollModule = "ditas"
	pollName   = "poll"
	pollEvery  = 1 << 16
)

// Sections of a module (WebAssembly core specification 2.0, section 5.5).
const (
	sectionTypes    = 1
	sectionImports  = 2
	sectionGlobals  = 6
	sectionExports  = 7
	sectionStart    = 8
	sectionElements = 9
	sectionCode     = 10
)

// module is what was seen of a module, as far as it matters where functions get other numbers.
type module struct {
	types     uint64
	functions uint64 // that are imported
	globals   uint64
}

// interruptible returns a WebAssembly module of which every loop calls the function poll now and then, which the result imports. It is an error
// if the module has anything in it that is not known here.
func interruptible(b []byte) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("not a WebAssembly module that can be interrupted: %v", r)
		}
	}()
	var m module
	out = slices.Clone(b[:8])
	for at := 8; at < len(b); {
		id := b[at]
		r := &wasm{b: b, at: at + 1}
		size := int(r.u())
		body := b[r.at:][:size]
		at = r.at + size
		if body, err = m.section(id, body); err != nil {
			return nil, err
		}
		out = append(binary.AppendUvarint(append(out, id), uint64(len(body))), body...)
	}
	return out, nil
}

// section returns a section with what is needed for calling poll.
func (m *module) section(id byte, body []byte) ([]byte, error) {
	r := &wasm{b: body}
	u := binary.AppendUvarint
	switch id {
	case sectionTypes:
		m.types = r.u()
		return append(append(u(nil, m.types+1), r.rest()...), 0x60, 0, 0), nil
	case sectionImports:
		n := r.u()
		start := r.at
		for range n {
			r.name()
			r.name()
			switch kind := r.byte(); kind {
			case 0:
				m.functions++
				r.u()
			case 3:
				m.globals++
				r.at += 2
			default:
				return nil, fmt.Errorf("an import of kind %d", kind)
			}
		}
		out := append(u(nil, n+1), body[start:]...)
		out = append(u(out, uint64(len(pollModule))), pollModule...)
		out = append(u(out, uint64(len(pollName))), pollName...)
		return u(append(out, 0), m.types), nil
	case sectionGlobals:
		n := r.u()
		m.globals += n
		out := append(u(nil, n+1), r.rest()...)
		return append(signed(append(out, 0x7f, 1, opConst), pollEvery), opEnd), nil
	case sectionExports:
		n := r.u()
		out := u(nil, n)
		for range n {
			start := r.at
			r.name()
			kind := r.byte()
			out = append(out, body[start:r.at]...)
			i := r.u()
			if kind == 0 {
				i = m.moved(i)
			}
			out = u(out, i)
		}
		return out, nil
	case sectionStart:
		return u(nil, m.moved(r.u())), nil
	case sectionElements:
		return m.elements(r)
	case sectionCode:
		n := r.u()
		out := u(nil, n)
		for range n {
			size := int(r.u())
			code, err := m.code(body[r.at:][:size])
			if err != nil {
				return nil, err
			}
			r.at += size
			out = append(u(out, uint64(len(code))), code...)
		}
		return out, nil
	}
	return body, nil
}

// moved returns the number of a function, which is one more for those that are behind poll.
func (m *module) moved(i uint64) uint64 {
	if i >= m.functions {
		i++
	}
	return i
}

// elements rewrites the table of functions.
func (m *module) elements(r *wasm) ([]byte, error) {
	n := r.u()
	out := binary.AppendUvarint(nil, n)
	for range n {
		if kind := r.u(); kind != 0 {
			return nil, fmt.Errorf("a table of kind %d", kind)
		}
		start := r.at
		if r.byte() != opConst {
			return nil, fmt.Errorf("a table at a place that is no constant")
		}
		r.u()
		if r.byte() != opEnd {
			return nil, fmt.Errorf("a table at a place that is no constant")
		}
		out = append(append(out, 0), r.b[start:r.at]...)
		count := r.u()
		out = binary.AppendUvarint(out, count)
		for range count {
			out = binary.AppendUvarint(out, m.moved(r.u()))
		}
	}
	return out, nil
}

// Instructions (section 5.4).
const (
	opLoop      = 0x03
	opIf        = 0x04
	opEnd       = 0x0b
	opCall      = 0x10
	opGlobalGet = 0x23
	opGlobalSet = 0x24
	opConst     = 0x41
	opZero      = 0x45
	opSub       = 0x6b
	opFunction  = 0xd2
	noResult    = 0x40
)

// code rewrites a function's code.
func (m *module) code(f []byte) ([]byte, error) {
	r := &wasm{b: f}
	for range r.u() { // local variables
		r.u()
		r.at++
	}
	out := slices.Clone(f[:r.at])
	u := binary.AppendUvarint
	for r.at < len(f) {
		start := r.at
		op := r.byte()
		if op == opCall || op == opFunction {
			out = u(append(out, op), m.moved(r.u()))
			continue
		}
		if err := r.operands(op); err != nil {
			return nil, err
		}
		out = append(out, f[start:r.at]...)
		if op == opLoop {
			count := u(nil, m.globals)
			out = slices.Concat(out, []byte{opGlobalGet}, count, []byte{opConst, 1, opSub, opGlobalSet}, count,
				[]byte{opGlobalGet}, count, []byte{opZero, opIf, noResult})
			out = slices.Concat(signed(append(out, opConst), pollEvery), []byte{opGlobalSet}, count)
			out = append(u(append(out, opCall), m.functions), opEnd)
		}
	}
	return out, nil
}

// wasm reads a module, and panics behind its end.
type wasm struct {
	b  []byte
	at int
}

func (r *wasm) byte() byte {
	r.at++
	return r.b[r.at-1]
}

// skip reads over a number in LEB128, signed or not.
func (r *wasm) skip() {
	for r.byte() >= 0x80 {
	}
}

// u reads an unsigned number in LEB128.
func (r *wasm) u() uint64 {
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 {
		panic("a number without end")
	}
	r.at += n
	return v
}

func (r *wasm) name()        { r.at += int(r.u()) }
func (r *wasm) rest() []byte { return r.b[r.at:] }

// operands skips what belongs to an instruction.
func (r *wasm) operands(op byte) error {
	switch {
	case op <= 0x01, op == 0x05, op == opEnd, op == 0x0f, op == 0x1a, op == 0x1b, op >= opZero && op <= 0xc4, op == 0xd1:
	case op >= 0x02 && op <= opIf, op == 0x0c, op == 0x0d, op >= 0x20 && op <= 0x26, op == opConst, op == 0x42: // a type, label, variable or constant
		r.skip()
	case op == 0x0e: // labels
		for range r.u() {
			r.skip()
		}
		r.skip()
	case op == 0x11, op >= 0x28 && op <= 0x3e: // a type and a table; an alignment and an offset
		r.skip()
		r.skip()
	case op == 0x1c: // types
		r.at += int(r.u())
	case op == 0x3f, op == 0x40, op == 0xd0:
		r.at++
	case op == 0x43:
		r.at += 4
	case op == 0x44:
		r.at += 8
	case op == 0xfc:
		switch more := r.u(); {
		case more <= 7:
		case more == 9, more == 11, more == 13, more >= 15 && more <= 17:
			r.skip()
		case more == 8, more == 10, more == 12, more == 14:
			r.skip()
			r.skip()
		default:
			return fmt.Errorf("instruction 0xfc %d", more)
		}
	default:
		return fmt.Errorf("instruction %#x", op)
	}
	return nil
}

// signed appends a signed number in LEB128.
func signed(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
