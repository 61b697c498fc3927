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
	mu    sync.Mutex
	out   http.ResponseWriter
	phase report.Phase // of the progress that was sent last
	last  time.Time    // it was sent
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

// progress sends how far an operation is, whenever a phase begins or ends and now and then in between.
func (s *stream) progress(phase report.Phase, done, total int) {
	type progress struct {
		Phase report.Phase `json:"phase"`
		Done  float64      `json:"done"` // 0 to 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); total > 0 && (phase != s.phase || done >= total || now.Sub(s.last) >= often) {
		s.phase, s.last = phase, now
		s.sendLocked(map[string]progress{"progress": {phase, min(1, float64(done)/float64(total))}})
	}
}

// end sends the result, or what went wrong.
func (s *stream) end(result any, err error) {
	if err != nil {
		s.send(map[string]problem{"error": explain(err)})
		return
	}
	s.send(map[string]any{"result": result})
}
