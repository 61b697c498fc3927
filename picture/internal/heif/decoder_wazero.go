//go:build !js

package heif

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"image"
	"math"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

var (
	//go:embed decoders/hevc.wasm.gz
	hevcDecoder []byte
	//go:embed decoders/av1.wasm.gz
	av1Decoder []byte
)

// What a decoder may use of memory: what it needs for the deepest pixels, with some room. The machine has addresses for 4 GiB.
const (
	bytesPerPixel = 48
	bytesAnyway   = 64 << 20
	pageSize      = 1 << 16
	mostPages     = 1<<16 - 1
)

// decoder is a compiled decoder for images of a size.
type decoder struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
	kind    string
	polls   atomic.Int64 // that are left for all images
}

// newDecoder compiles the decoder of a kind of items, for so many images of at most a size.
func newDecoder(ctx context.Context, kind string, images int, size image.Point) (d *decoder, err error) {
	defer guard(&err)
	packed := hevcDecoder
	if kind == av1 {
		packed = av1Decoder
	}
	module, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	pages := min((bytesAnyway+bytesPerPixel*uint64(size.X)*uint64(size.Y))/pageSize, mostPages)
	d = &decoder{kind: kind, runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(uint32(pages)))}
	d.polls.Store(pollsFor(images, size))
	if err := d.prepare(ctx, module); err != nil {
		d.close()
		return nil, fmt.Errorf("preparing the decoder: %w", err)
	}
	return d, nil
}

func (d *decoder) prepare(ctx context.Context, module []byte) (err error) {
	if _, err = wasi_snapshot_preview1.Instantiate(ctx, d.runtime); err != nil {
		return err
	}
	_, err = d.runtime.NewHostModuleBuilder(pollModule).NewFunctionBuilder().WithGoFunction(api.GoFunc(poll), nil, nil).Export(pollName).Instantiate(ctx)
	if err != nil {
		return err
	}
	d.code, err = d.runtime.CompileModule(ctx, module)
	return err
}

// left is the key of how often poll may still be called.
type left struct{}

// poll is called by what is decoding: it ends that by a panic, which the machine turns into an error.
func poll(ctx context.Context, _ []uint64) {
	if err := ctx.Err(); err != nil {
		panic(err)
	}
	if ctx.Value(left{}).(*atomic.Int64).Add(-1) < 0 {
		panic(errors.New("decoding takes too long"))
	}
}

func (d *decoder) close() { d.runtime.Close(context.Background()) }

// memory is a decoder's memory. It doubles, so that little is copied, and what it was is garbage.
type memory struct{ b []byte }

func (m *memory) Reallocate(size uint64) []byte {
	if size > math.MaxInt-256<<20 {
		return nil
	}
	if size > uint64(cap(m.b)) {
		m.b = append(make([]byte, 0, max(size, min(2*size, size+256<<20))), m.b...)
	}
	m.b = m.b[:size]
	return m.b
}

func (m *memory) Free() { m.b = nil }

// start makes an instance of the decoder.
func (d *decoder) start(ctx context.Context) (instance, error) {
	with := experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory {
		return &memory{}
	}))
	m, err := d.runtime.InstantiateModule(with, d.code, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return nil, err
	}
	return wazeroModule{m, &d.polls}, nil
}

// wazeroModule is a module that wazero runs.
type wazeroModule struct {
	api.Module
	polls *atomic.Int64
}

func (m wazeroModule) call(ctx context.Context, name string, a ...uint64) (uint32, error) {
	r, err := m.ExportedFunction(name).Call(context.WithValue(ctx, left{}, m.polls), a...)
	if err != nil {
		return 0, err
	}
	return uint32(r[0]), nil
}

func (m wazeroModule) read(at uint64, n int) ([]byte, bool) {
	return m.Memory().Read(uint32(at), uint32(n))
}

func (m wazeroModule) write(at uint64, b []byte) bool { return m.Memory().Write(uint32(at), b) }

func (m wazeroModule) close() { m.Close(context.Background()) }
