//go:build !js

package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of connections.
const (
	headerTime  = 10 * time.Second // for the head of a request to arrive
	idleTime    = 2 * time.Minute  // between two requests
	headerBytes = 12 << 10         // of that head, to which net/http adds 4 KiB of its own
	sendBuffer  = 256 << 10        // bytes that the system holds of what a client has not taken
	spare       = 32               // connections that are not of a page's requests
)

// shutdown is how long requests may take to end when the program does.
const shutdown = 5 * time.Second

// Serve serves the page at l until ctx ends, and then closes the Handler. Connections are bounded: where there are too many, one that is of
// no page's request has to go, the one first that has been quiet longest.
func (h *Handler) Serve(ctx context.Context, l net.Listener) error {
	d := &doors{most: h.options.Sessions*(pageRequests+1) + spare, all: map[net.Conn]*door{}}
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: headerBytes,
		ConnState: d.change,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if c, ok := c.(interface{ SetWriteBuffer(int) error }); ok {
				c.SetWriteBuffer(sendBuffer)
			}
			return context.WithValue(ctx, doorKey{}, d.open(c))
		},
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		// Pages hold connections that end with the handler's work.
		closing := h.Close()
		ctx, cancel := context.WithTimeout(context.Background(), shutdown)
		defer cancel()
		stopped <- errors.Join(closing, server.Shutdown(ctx))
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return errors.Join(err, h.Close(), server.Close())
	}
	return <-stopped
}

// doors are the connections that there are.
type doors struct {
	mu   sync.Mutex
	most int
	turn int
	all  map[net.Conn]*door
}

// door is a connection.
type door struct {
	of   *doors
	conn net.Conn
	last int // turn in which it changed
	kept int // how often: requests of pages
}

// doorKey is the key of a connection's door in the context of its requests.
type doorKey struct{}

// open counts a new connection.
func (d *doors) open(c net.Conn) *door {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn++
	v := &door{of: d, conn: c, last: d.turn}
	d.all[c] = v
	return v
}

// change is told when a connection begins, does something, or ends.
func (d *doors) change(c net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := d.all[c]
	if v == nil {
		return
	}
	d.turn++
	v.last = d.turn
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(d.all, c)
	case http.StateNew:
		for len(d.all) > d.most {
			goes := c // if all others are kept
			for c, v := range d.all {
				if v.kept == 0 && v.last < d.all[goes].last {
					goes = c
				}
			}
			delete(d.all, goes)
			goes.Close()
			if goes == c {
				return
			}
		}
	}
}

// dropping returns what has the system forget what was sent on the connection of a request, and not taken, when that is closed.
func dropping(ctx context.Context) func() {
	if v, ok := ctx.Value(doorKey{}).(*door); ok {
		if c, ok := v.conn.(*net.TCPConn); ok {
			return func() { c.SetLinger(0) }
		}
	}
	return func() {}
}

// keepConnection keeps the connection of a request open although there are many, until it is let go.
func keepConnection(ctx context.Context) (letGo func()) {
	v, ok := ctx.Value(doorKey{}).(*door)
	if !ok {
		return func() {}
	}
	keep := func(n int) {
		v.of.mu.Lock()
		defer v.of.mu.Unlock()
		v.kept += n
	}
	keep(1)
	return func() { keep(-1) }
}
