package heif

import (
	"context"
	"errors"
	"image"
	"syscall/js"

	"ditas/internal/beside"
)

// decoder is a decoder that the browser has compiled: an object of decoders.js.
type decoder struct {
	kind string
	code js.Value
}

// newDecoder has the browser compile the decoder of a kind of items, which lies beside the page, for so many images of at most a size. How much memory
// it uses is the browser's to bound.
func newDecoder(_ context.Context, kind string, images int, size image.Point) (*decoder, error) {
	name := "hevc.wasm.gz"
	if kind == av1 {
		name = "av1.wasm.gz"
	}
	packed, err := beside.Read(name)
	if err != nil {
		return nil, err
	}
	module, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	source := js.Global().Get("Uint8Array").New(len(module))
	js.CopyBytesToJS(source, module)
	code, err := beside.Await(js.Global().Call("compileDecoder", source, pollModule, pollName, pollsFor(images, size)))
	if err != nil {
		return nil, err
	}
	return &decoder{kind, code}, nil
}

func (*decoder) close() {}

// start makes an instance of the decoder.
func (d *decoder) start(context.Context) (instance, error) {
	exports, err := beside.Await(d.code.Call("start"))
	return browserModule{exports}, err
}

// browserModule is a module that the browser runs: what it exports.
type browserModule struct{ exports js.Value }

func (m browserModule) call(_ context.Context, name string, a ...uint64) (_ uint32, err error) {
	defer func() {
		if r := recover(); r != nil {
			thrown, ok := r.(js.Error)
			if !ok {
				panic(r)
			}
			err = errors.New(thrown.Error())
		}
	}()
	args := make([]any, len(a))
	for i, v := range a {
		args[i] = v
	}
	return uint32(int32(m.exports.Call(name, args...).Int())), nil
}

// bytes returns an array that is a part of the memory.
func (m browserModule) bytes(at uint64, n int) (js.Value, bool) {
	buffer := m.exports.Get("memory").Get("buffer")
	if at+uint64(n) > uint64(buffer.Get("byteLength").Float()) {
		return js.Value{}, false
	}
	return js.Global().Get("Uint8Array").New(buffer, at, n), true
}

func (m browserModule) read(at uint64, n int) ([]byte, bool) {
	array, ok := m.bytes(at, n)
	if !ok {
		return nil, false
	}
	b := make([]byte, n)
	js.CopyBytesToGo(b, array)
	return b, true
}

func (m browserModule) write(at uint64, b []byte) bool {
	array, ok := m.bytes(at, len(b))
	if ok {
		js.CopyBytesToJS(array, b)
	}
	return ok
}

func (browserModule) close() {}
