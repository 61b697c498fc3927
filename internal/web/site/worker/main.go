//go:build js && wasm

// Command worker is ditas in a web worker: it answers what the page asks as ditas serve does, by messages. Each of the page's is one of
//
//	{id, method, path, body}    a request; body, if there is one, is a Blob
//	{id, cancel: true}          that nobody waits for its answer any longer
//
// and is answered by {id, status, headers}, by as many {id, chunk} as there are, each a Uint8Array, and by {id, end: true}. The first message, {ready: true},
// says that requests may come, and {failed: text} that they may not.
package main

import (
	"context"
	"io"
	"net/http"
	"syscall/js"

	"ditas/internal/beside"
	"ditas/internal/parallel"
	"ditas/internal/web"
)

// A browser gives a page less memory than a program has: 4 GiB of addresses, and much less on a telephone.
var options = web.Options{
	Photo: web.Photo(nil), Recording: web.Speech(nil), // which lie beside the page
	MaxRecording: 512 << 20, MaxPicture: 64 << 20, MaxPixels: 24_000_000, Workers: 1,
}

func main() {
	h, err := web.New(options)
	if err != nil {
		post(map[string]any{"failed": err.Error()})
		return
	}
	running := map[int]context.CancelFunc{}
	js.Global().Set("onmessage", js.FuncOf(func(_ js.Value, args []js.Value) any {
		message := args[0].Get("data")
		id := message.Get("id").Int()
		if message.Get("cancel").Truthy() {
			if cancel := running[id]; cancel != nil {
				cancel()
			}
			return nil
		}
		ctx, cancel := context.WithCancel(context.Background())
		running[id] = cancel
		go func() {
			defer delete(running, id)
			defer cancel()
			serve(ctx, h, id, message)
		}()
		return nil
	}))
	post(map[string]any{"ready": true})
	select {}
}

// serve answers a request.
func serve(ctx context.Context, h http.Handler, id int, message js.Value) {
	a := &answer{ctx: ctx, id: id, header: http.Header{}}
	defer a.end()
	// The handler answers to this name.
	r, err := http.NewRequestWithContext(ctx, message.Get("method").String(), "http://localhost"+message.Get("path").String(), http.NoBody)
	if err != nil {
		http.Error(a, err.Error(), http.StatusBadRequest)
		return
	}
	if blob := message.Get("body"); blob.Truthy() {
		b := &body{ctx: ctx, blob: blob, size: int64(blob.Get("size").Float())}
		r.Body, r.ContentLength = b, b.size
	}
	h.ServeHTTP(a, r)
}

// post sends a message to the page, and hands over what it is made of.
func post(message map[string]any, over ...any) { js.Global().Call("postMessage", message, over) }

// answer sends what a request is answered as messages.
type answer struct {
	ctx    context.Context
	id     int
	header http.Header
	begun  bool
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.begun {
		return
	}
	a.begun = true
	headers := map[string]any{}
	for name := range a.header {
		headers[name] = a.header.Get(name)
	}
	post(map[string]any{"id": a.id, "status": status, "headers": headers})
}

// Write implements http.ResponseWriter. It fails when nobody waits for the answer.
func (a *answer) Write(b []byte) (int, error) {
	parallel.Yield()
	if err := a.ctx.Err(); err != nil {
		return 0, err
	}
	a.WriteHeader(http.StatusOK)
	chunk := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(chunk, b)
	post(map[string]any{"id": a.id, "chunk": chunk}, chunk.Get("buffer"))
	return len(b), nil
}

// FlushError is for http.ResponseController: nothing is kept back.
func (a *answer) FlushError() error {
	a.WriteHeader(http.StatusOK)
	return a.ctx.Err()
}

func (a *answer) end() {
	a.WriteHeader(http.StatusOK)
	post(map[string]any{"id": a.id, "end": true})
}

// body reads a Blob.
type body struct {
	ctx  context.Context
	blob js.Value
	size int64
	at   int64
	read []byte // of the blob, and not yet by whom it is for
}

// bodyPiece is how many bytes of a Blob are read at a time.
const bodyPiece = 1 << 20

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if len(b.read) == 0 {
		parallel.Yield()
		if err := b.ctx.Err(); err != nil {
			return 0, err
		}
		if b.at == b.size {
			return 0, io.EOF
		}
		to := min(b.at+bodyPiece, b.size)
		piece, err := beside.Await(b.blob.Call("slice", b.at, to).Call("arrayBuffer"))
		if err != nil {
			return 0, err
		}
		array := js.Global().Get("Uint8Array").New(piece)
		b.read = make([]byte, array.Length())
		js.CopyBytesToGo(b.read, array)
		b.at = to
	}
	n := copy(p, b.read)
	b.read = b.read[n:]
	return n, nil
}

// Close implements io.Closer.
func (*body) Close() error { return nil }
