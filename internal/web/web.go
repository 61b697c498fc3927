// Package web is ditas in a browser: one page, embedded, that hides pictures in recordings and reveals them, and the handler behind
// it.
//
//	handler, err := web.New(web.Options{})
//	defer handler.Close()
//	err = http.Serve(listener, handler)
//
// A page that is open holds one session: a response that does not end. All that belongs to it, files and work in progress, goes
// when that connection does. Files have no name where the system allows that, so that nothing of them is left even if the
// program is killed. Samples, spectrograms and pictures are made here, whatever the recording's format, so that the page only
// plays and draws.
//
// The handler answers to the names of this machine's loopback only, which a page elsewhere cannot make its own name point to, and to
// its own page only. It sends nothing anywhere.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"ditas"
	"ditas/internal/intake"
	"ditas/picture"
)

// Options bound what a Handler does. The zero value is right for a page on this machine.
type Options struct {
	// Anywhere answers to any IP address, not to those of the loopback only. Names other than localhost are refused in any case.
	Anywhere bool
	// Photo and Recording are offered to those who have none at hand, if they are set.
	Photo, Recording *Example
	// MaxRecording and MaxPicture bound uploads, in bytes; 0 means 2 GiB and 256 MiB.
	MaxRecording, MaxPicture int64
	// MaxPixels bounds pictures; 0 means 50 megapixels, which take 3 GB of memory to hide.
	MaxPixels int
	// Sessions bounds how many pages are open at once, and Jobs how many of them work at once; 0 means 5, because a browser has no
	// more than 6 connections for all of them, or 32 with Anywhere, and 2.
	Sessions, Jobs int
	// MaxPage bounds the files that a page holds, in bytes; 0 means four times MaxRecording and MaxPicture.
	MaxPage int64
	// Workers is the number of goroutines of a job; 0 means one per processor.
	Workers int
	// Patience is how long a client may take to send or to take 64 kB; 0 means 30 s.
	Patience time.Duration
	// Temp is the folder for files; an empty one means the system's.
	Temp string
}

// Example is a file to try ditas with.
type Example struct {
	Name   string
	Type   string // as in Content-Type
	Credit string // who made it, and its licence
	Data   []byte
}

// Photo is the photograph that ditas comes with, given its file.
func Photo(data []byte) *Example {
	return &Example{Name: "photo.png", Type: "image/png", Credit: "photograph by Ryan Hagerty, public domain", Data: data}
}

// Speech is the recording that ditas comes with, given its file.
func Speech(data []byte) *Example {
	return &Example{Name: "speech.wav", Type: "audio/wav", Credit: "speech by Carlo Flora, CC-BY-3.0", Data: data}
}

// Handler serves the page. Close ends what it does.
type Handler struct {
	options Options
	mux     *http.ServeMux
	jobs    *queue
	large   *queue // for jobs with large pictures, before they have a place among the jobs
	looks   *queue // for what takes a moment, so that a page does not wait for long work to play a sound
	// deriving has room for one who makes a key.
	deriving chan struct{}
	ctx      context.Context
	cancel   context.CancelFunc

	mu       sync.Mutex
	closed   bool
	sessions map[string]*session
	pictures int64 // bytes of those that all pages hold
	requests sync.WaitGroup
}

// New returns a Handler, which has to be closed.
func New(o Options) (*Handler, error) {
	sessions := 5
	if o.Anywhere {
		sessions = 32
	}
	orUsual(&o.MaxRecording, 2<<30)
	orUsual(&o.MaxPicture, 256<<20)
	orUsual(&o.MaxPixels, 50_000_000)
	orUsual(&o.Sessions, sessions)
	orUsual(&o.Jobs, 2)
	orUsual(&o.MaxPage, 4*o.MaxRecording+o.MaxPicture)
	orUsual(&o.Patience, 30*time.Second)
	o.MaxPixels = min(o.MaxPixels, picture.MaxPixels)
	h := &Handler{
		options: o, mux: http.NewServeMux(), jobs: newQueue(o.Jobs), large: newQueue(1), looks: newQueue(2 * o.Jobs),
		deriving: make(chan struct{}, 1), sessions: map[string]*session{},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	if err := h.routes(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// orUsual gives an option that is not set its usual value.
func orUsual[T int | int64 | time.Duration](option *T, usual T) {
	if *option <= 0 {
		*option = usual
	}
}

// Close cancels all work and waits for it to end. Nothing is left of any file.
func (h *Handler) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	h.requests.Wait()
	return nil
}

func (h *Handler) routes() error {
	if err := h.pageRoutes(); err != nil {
		return fmt.Errorf("the page: %w", err)
	}
	h.mux.HandleFunc("GET /examples/{file}", h.example)
	h.mux.HandleFunc("GET /api/about", h.about)
	h.mux.HandleFunc("POST /api/sessions", h.open)
	for pattern, serve := range map[string]func(*session, http.ResponseWriter, *http.Request) error{
		"PUT /picture":                (*session).putPicture,
		"GET /picture":                (*session).getPicture,
		"PUT /sounds/cover":           (*session).putCover,
		"PUT /sounds/recording":       (*session).putRecording,
		"POST /survey":                (*session).postSurvey,
		"GET /exact":                  (*session).getExact,
		"GET /estimate":               (*session).getEstimate,
		"POST /hide":                  (*session).postHide,
		"GET /audibility":             (*session).getAudibility,
		"POST /reveal":                (*session).postReveal,
		"GET /revealed":               (*session).getRevealed,
		"GET /sounds/{which}/file":    (*session).getFile,
		"GET /sounds/{which}/samples": (*session).getSamples,
		"GET /spectrograms/{which}":   (*session).getSpectrogram,
		"DELETE /sounds/{which}":      (*session).deleteSound,
		"DELETE /picture":             (*session).deletePicture,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		h.mux.HandleFunc(method+" /api/sessions/{session}"+path, func(w http.ResponseWriter, r *http.Request) {
			h.mu.Lock()
			s := h.sessions[r.PathValue("session")]
			h.mu.Unlock()
			err := error(errNoSession)
			if s != nil {
				err = h.servePage(s, serve, w, r)
			}
			if err != nil {
				fail(w, err)
			}
		})
	}
	return nil
}

// servePage serves a request of a page.
func (h *Handler) servePage(s *session, serve func(*session, http.ResponseWriter, *http.Request) error, w http.ResponseWriter, r *http.Request) error {
	ctx, leave, err := s.admit(r.Context(), w.(*paced))
	if err != nil {
		return err
	}
	defer leave()
	defer keepConnection(ctx)()
	return serve(s, w, r.WithContext(ctx))
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	w := pace(to, r, h.options.Patience)
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=(), payment=(), usb=()")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	if err := h.admit(r); err != nil {
		http.Error(w, "ditas: "+err.Error(), http.StatusForbidden)
		return
	}
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		http.Error(w, "ditas: the program is ending", http.StatusServiceUnavailable)
		return
	}
	h.requests.Add(1)
	h.mu.Unlock()
	defer h.requests.Done()
	// Who sends or takes too slowly must not keep the program from ending.
	defer context.AfterFunc(h.ctx, func() { w.end(lastWords) })()
	if answer, pattern := h.mux.Handler(r); pattern == "" {
		h.unrouted(w, r, answer)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// lastWords is how long answers may take to get out when the page or the program ends.
const lastWords = time.Second

// policy lets the page load its own parts, and pictures that it was given as data, and nothing else from anywhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// crossOrigin is what tells requests of other pages.
var crossOrigin = http.NewCrossOriginProtection()

// admit returns an error unless a request is for this machine by a name that is its own, and from its own page.
func (h *Handler) admit(r *http.Request) error {
	if !h.names(r.Host) {
		return fmt.Errorf("this page does not answer to the name %q: use the address that ditas serve printed", r.Host)
	}
	if err := crossOrigin.Check(r); err != nil {
		return errors.New("this request comes from another page")
	}
	// Other pages may link to this one, and nothing more.
	if r.URL.Path == "/" {
		return nil
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return errors.New("this request comes from another page")
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host {
		return errors.New("this request comes from another page")
	}
	return nil
}

// names reports whether a Host header names this machine in a way that nobody else can: a name that someone else owns may be made to
// point here.
func (h *Handler) names(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && (h.options.Anywhere || ip.IsLoopback())
}

// about tells the page what it can do.
func (h *Handler) about(w http.ResponseWriter, _ *http.Request) {
	type example struct {
		Name   string `json:"name"`
		Credit string `json:"credit"`
	}
	var v struct {
		Photo        *example `json:"photo"`
		Recording    *example `json:"recording"`
		MaxRecording int64    `json:"maxRecording"`
		MaxPicture   int64    `json:"maxPicture"`
		// Purposes and Methods are the ways of hiding, the defaults first. Whoever knows the codec beforehand is better off at the command line.
		Purposes []ditas.Purpose `json:"purposes"`
		Methods  []ditas.Method  `json:"methods"`
		Codecs   []intake.Codec  `json:"codecs,omitempty"` // by which recordings can be damaged
	}
	if e := h.options.Photo; e != nil {
		v.Photo = &example{e.Name, e.Credit}
	}
	if e := h.options.Recording; e != nil {
		v.Recording = &example{e.Name, e.Credit}
	}
	v.MaxRecording, v.MaxPicture = h.options.MaxRecording, h.options.MaxPicture
	v.Purposes = slices.DeleteFunc(ditas.Purposes(), func(p ditas.Purpose) bool { return p.Codec != "" })
	v.Methods, v.Codecs = ditas.Methods(), intake.Codecs()
	reply(w, v)
}

func (h *Handler) example(w http.ResponseWriter, r *http.Request) {
	for _, e := range []*Example{h.options.Photo, h.options.Recording} {
		if e != nil && e.Name == r.PathValue("file") {
			w.Header().Set("Content-Type", e.Type)
			w.Write(e.Data)
			return
		}
	}
	nowhere(w)
}

// nowhere answers what is asked for where there is nothing.
func nowhere(w http.ResponseWriter) {
	http.Error(w, "ditas: there is nothing at this address; the page is at /", http.StatusNotFound)
}

// unrouted answers a request that nothing here is for.
func (h *Handler) unrouted(w http.ResponseWriter, r *http.Request, answer http.Handler) {
	said := unsaid{header: http.Header{}}
	answer.ServeHTTP(&said, r)
	if said.status != http.StatusMethodNotAllowed {
		nowhere(w)
		return
	}
	w.Header().Set("Allow", said.header.Get("Allow"))
	http.Error(w, "ditas: "+r.Method+" is not what can be done at this address", said.status)
}

// unsaid is an answer of which only the status and the header count.
type unsaid struct {
	header http.Header
	status int
}

func (u *unsaid) Header() http.Header         { return u.header }
func (u *unsaid) WriteHeader(status int)      { u.status = status }
func (u *unsaid) Write(b []byte) (int, error) { return len(b), nil }

// heartbeat is how often a session says that it is alive.
const heartbeat = 15 * time.Second

// open is a session: it lasts as long as the response.
func (h *Handler) open(w http.ResponseWriter, r *http.Request) {
	s, err := h.newSession(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	defer s.end()
	defer keepConnection(r.Context())()
	ctx, out := s.newStream(s.ctx, w)
	defer out.close()
	out.send(map[string]string{"session": s.id})
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			out.send(struct{}{})
		}
	}
}

// reply sends v as JSON.
func reply(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// workers is the number of goroutines of a job.
func (h *Handler) workers() int {
	if h.options.Workers > 0 {
		return h.options.Workers
	}
	return runtime.GOMAXPROCS(0)
}
