package web

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"ditas/internal/parallel"
	"ditas/report"
)

// stream is a response of JSON values, one a line, each sent at once. Work does not wait for a client to take them.
type stream struct {
	page *session
	out  http.ResponseWriter
	stop context.CancelFunc // of the work
	wake chan struct{}      // holds one if there is something to send, and is closed when nothing will be added
	sent chan struct{}      // closed when all has been sent, or given up

	mu       sync.Mutex
	given    bool // up
	closed   bool
	pending  [][]byte
	progress bool         // the last of them tells of progress
	phase    report.Phase // of the progress that was added last
	last     time.Time    // it was added
}

// newStream begins a stream, which has to be closed. The work whose result it is to send is done with the context that it returns, which ends
// when nobody receives.
func (s *session) newStream(ctx context.Context, w http.ResponseWriter) (context.Context, *stream) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	ctx, stop := context.WithCancel(ctx)
	v := &stream{page: s, out: w, stop: stop, wake: make(chan struct{}, 1), sent: make(chan struct{})}
	go v.run()
	return ctx, v
}

// run sends what is pending.
func (s *stream) run() {
	defer close(s.sent)
	for range s.wake {
		s.mu.Lock()
		lines := s.pending
		s.pending, s.progress = nil, false
		s.mu.Unlock()
		for _, line := range lines {
			if !s.write(line) {
				s.giveUp()
			}
			s.page.free(len(line))
		}
	}
}

// write sends a line, unless nobody receives.
func (s *stream) write(line []byte) bool {
	s.mu.Lock()
	given := s.given
	s.mu.Unlock()
	if given {
		return false
	}
	_, err := s.out.Write(line)
	return err == nil && http.NewResponseController(s.out).Flush() == nil
}

// giveUp ends the work.
func (s *stream) giveUp() {
	s.mu.Lock()
	s.given = true
	s.mu.Unlock()
	s.stop()
}

// close waits until all has been sent, or given up.
func (s *stream) close() {
	s.mu.Lock()
	s.closed = true
	close(s.wake)
	s.mu.Unlock()
	<-s.sent
	s.stop()
}

// send sends a value. That nobody receives it ends the work, so there is no error to return.
func (s *stream) send(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(v, false)
	s.progress = false
}

// add adds a line to those that are to be sent. Progress takes the place of progress of the same phase that was not sent yet.
func (s *stream) add(v any, instead bool) {
	line, err := json.Marshal(v)
	if err != nil || s.given || s.closed {
		return
	}
	line = append(line, '\n')
	if n := len(s.pending); instead && n > 0 {
		s.page.free(len(s.pending[n-1]))
		s.pending = s.pending[:n-1]
	}
	if !s.page.reserve(len(line)) {
		s.given = true
		s.stop()
		return
	}
	s.pending = append(s.pending, line)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// often is how often progress is sent.
const often = 80 * time.Millisecond

// advance sends how far an operation is, whenever a phase begins or ends and now and then in between.
func (s *stream) advance(phase report.Phase, done, total int) {
	type progress struct {
		Phase report.Phase `json:"phase"`
		Done  float64      `json:"done"` // 0 to 1
	}
	parallel.Yield()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if total <= 0 || phase == s.phase && done < total && now.Sub(s.last) < often {
		return
	}
	s.add(map[string]progress{"progress": {phase, min(1, float64(done)/float64(total))}}, s.progress && phase == s.phase)
	s.phase, s.last, s.progress = phase, now, true
}

// end sends the result, or what went wrong.
func (s *stream) end(result any, err error) {
	if err != nil {
		s.send(map[string]problem{"error": explain(err)})
		return
	}
	s.send(map[string]any{"result": result})
}
