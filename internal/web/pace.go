package web

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// piece is how many bytes a client has to send or to take, unless there are fewer, before its patience runs out: Options.Patience.
const piece = 64 << 10

// paced is the answer to a client that has to go on sending and taking.
type paced struct {
	http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	drop     func() // has the system forget what the client has not taken when the connection is closed

	mu    sync.Mutex
	ended bool
}

// pace returns the answer to a request, and makes its body one that has to go on.
func pace(w http.ResponseWriter, r *http.Request, patience time.Duration) *paced {
	p := &paced{ResponseWriter: w, control: http.NewResponseController(w), patience: patience, drop: dropping(r.Context())}
	p.taking()
	if r.Body != nil && r.Body != http.NoBody {
		p.sending()
		r.Body = &body{ReadCloser: r.Body, of: p}
	}
	return p
}

// taking gives the client time to take a piece.
func (p *paced) taking() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.control.SetWriteDeadline(time.Now().Add(p.patience))
	}
}

// sending gives the client time to send a piece.
func (p *paced) sending() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.control.SetReadDeadline(time.Now().Add(p.patience))
	}
}

// end has the client send no more, and take what it does within some time.
func (p *paced) end(within time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.control.SetReadDeadline(time.Now())
	p.control.SetWriteDeadline(time.Now().Add(within))
}

// Write implements io.Writer. When it fails, the request's context ends.
func (p *paced) Write(b []byte) (n int, err error) {
	for b := range slices.Chunk(b, piece) {
		p.taking()
		k, err := p.ResponseWriter.Write(b)
		if n += k; err != nil {
			p.drop()
			return n, err
		}
	}
	return n, nil
}

// FlushError sends what was written.
func (p *paced) FlushError() error {
	p.taking()
	err := p.control.Flush()
	if err != nil {
		p.drop()
	}
	return err
}

// Unwrap is for http.ResponseController.
func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// body is what a client sends.
type body struct {
	io.ReadCloser
	of  *paced
	got int // since it was given time
}

func (b *body) Read(p []byte) (int, error) {
	// What comes after the end is none of the body's business: the deadline is set before anything is read only.
	if b.got >= piece {
		b.got = 0
		b.of.sending()
	}
	n, err := b.ReadCloser.Read(p)
	b.got += n
	return n, err
}
