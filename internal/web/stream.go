package web

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"ditas/report"
)

// stream is a response of JSON values, one a line, each sent at once.
type stream struct {
	mu   sync.Mutex
	out  http.ResponseWriter
	last time.Time // progress was sent
}

func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "application/x-ndjson")
	return &stream{out: w}
}

// send sends a value. That nobody receives it ends the request's context, so there is no error to return.
func (s *stream) send(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendLocked(v)
}

func (s *stream) sendLocked(v any) {
	if json.NewEncoder(s.out).Encode(v) == nil {
		http.NewResponseController(s.out).Flush()
	}
}

// often is how often progress is sent.
const often = 80 * time.Millisecond

// progress returns a callback that sends how far a phase is.
func (s *stream) progress(phase string) func(done, total int) {
	type progress struct {
		Phase string  `json:"phase"`
		Done  float64 `json:"done"` // 0 to 1
	}
	return func(done, total int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if now := time.Now(); total > 0 && (now.Sub(s.last) >= often || done >= total) {
			s.last = now
			s.sendLocked(map[string]progress{"progress": {phase, min(1, float64(done)/float64(total))}})
		}
	}
}

// phases sends how far an operation is.
func (s *stream) phases(phase report.Phase, done, total int) { s.progress(string(phase))(done, total) }

// end sends the result, or what went wrong.
func (s *stream) end(result any, err error) {
	if err != nil {
		s.send(map[string]problem{"error": explain(err)})
		return
	}
	s.send(map[string]any{"result": result})
}
