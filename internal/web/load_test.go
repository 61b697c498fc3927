package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/parallel"
)

// besieged is a page's server at the loopback.
type besieged struct {
	t    *testing.T
	h    *Handler
	addr string
	ctx  context.Context
}

func besiege(t *testing.T, o Options) *besieged {
	t.Helper()
	o.Temp = t.TempDir()
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if h.pictures != 0 || len(h.sessions) != 0 {
			t.Errorf("after the end there are %d pages and %d bytes of pictures", len(h.sessions), h.pictures)
		}
	})
	// What hangs is to fail, not to go on for ever.
	limit, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return &besieged{t, h, l.Addr().String(), limit}
}

// dial opens a connection that takes little and sends text.
func (b *besieged) dial(text string) *net.TCPConn {
	b.t.Helper()
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	if err := c.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		b.t.Fatal(err)
	}
	io.WriteString(c, text)
	return c.(*net.TCPConn)
}

// head returns the head of a request.
func (b *besieged) head(method, path, more string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, path, b.addr, more)
}

// page opens a page, and returns its session, the path of its requests, and how to leave it.
func (b *besieged) page() (s *session, path string, leave func()) {
	b.t.Helper()
	ctx, leave := context.WithCancel(b.ctx)
	b.t.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+b.addr+"/api/sessions", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := (&http.Transport{}).RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	var v struct{ Session string }
	if err := json.NewDecoder(response.Body).Decode(&v); err != nil || v.Session == "" {
		b.t.Fatalf("%s: no page (%v)", response.Status, err)
	}
	b.h.mu.Lock()
	defer b.h.mu.Unlock()
	return b.h.sessions[v.Session], "/api/sessions/" + v.Session, leave
}

// do sends a request on a connection of its own and returns the answer.
func (b *besieged) do(method, path string, body []byte) (int, []byte) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.ctx, method, "http://"+b.addr+path, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response.StatusCode, answer
}

// give gives a recording, which must be taken.
func (b *besieged) give(path string, data []byte) {
	b.t.Helper()
	if status, answer := b.do("PUT", path+"?name=a.wav", data); status != 200 || !bytes.Contains(answer, []byte(`"result"`)) {
		b.t.Fatalf("PUT %s: %d %s", path, status, answer)
	}
}

// until waits for something that takes a moment.
func (b *besieged) until(what string, is func() bool) {
	b.t.Helper()
	for !is() {
		if b.ctx.Err() != nil {
			b.t.Fatal("it never came to this: " + what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// closed waits until the other side has closed a connection, and returns how much came on it before.
func closed(c net.Conn) int64 {
	n, _ := io.Copy(io.Discard, c)
	return n
}

// busy is how many requests of a page are being answered.
func (s *session) busy() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

func waveform(t *testing.T, seconds int) []byte {
	t.Helper()
	rec := &audio.Recording{Format: audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 44100*seconds)}
	for i := range rec.Samples[0] {
		rec.Samples[0][i] = rec.Format.Quantize(float64(i*i%1001)/2000 - 0.25)
	}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func square(t *testing.T, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Places are given in turn: who has none comes before who has some, and among those who has waited longest.
func TestQueue(t *testing.T) {
	q := newQueue(1)
	a, b, c := &session{}, &session{}, &session{}
	leave, err := q.enter(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	type entered struct {
		page  *session
		leave func()
	}
	in := make(chan entered)
	waiting := func(page *session) int {
		q.mu.Lock()
		defer q.mu.Unlock()
		if p := q.pages[page]; p != nil {
			return len(p.waiting)
		}
		return 0
	}
	ask := func(ctx context.Context, page *session) {
		n := waiting(page)
		go func() {
			if leave, err := q.enter(ctx, page); err == nil {
				in <- entered{page, leave}
			}
		}()
		for waiting(page) == n {
			time.Sleep(time.Millisecond)
		}
	}
	for range 3 {
		ask(t.Context(), a)
	}
	gone, cancel := context.WithCancel(t.Context())
	ask(gone, b)
	ask(t.Context(), b)
	ask(t.Context(), c)
	ask(t.Context(), b)
	cancel()
	for waiting(b) == 3 {
		time.Sleep(time.Millisecond)
	}
	var order []*session
	leave()
	leave() // which changes nothing
	for range 6 {
		e := <-in
		order = append(order, e.page)
		if q.free != 0 {
			t.Errorf("%d places are free while somebody is in", q.free)
		}
		e.leave()
	}
	if want := []*session{b, c, a, b, a, a}; !slices.Equal(order, want) {
		name := map[*session]string{a: "a", b: "b", c: "c"}
		for i := range order {
			t.Errorf("turn %d: %s, want %s", i, name[order[i]], name[want[i]])
		}
	}
	if q.free != 1 || len(q.pages) != 0 {
		t.Errorf("at the end %d places are free, and %d pages are kept in mind", q.free, len(q.pages))
	}
}

// Pages that come and go do not keep one waiting that has more to do than they.
func TestQueueStarvesNobody(t *testing.T) {
	q := newQueue(1)
	busy := &session{}
	leave, err := q.enter(t.Context(), busy)
	if err != nil {
		t.Fatal(err)
	}
	in := make(chan func())
	ask := func(page *session, note func()) {
		before := func() int {
			q.mu.Lock()
			defer q.mu.Unlock()
			n := 0
			for _, p := range q.pages {
				n += len(p.waiting)
			}
			return n
		}
		n := before()
		go func() {
			if leave, err := q.enter(t.Context(), page); err == nil {
				in <- func() { note(); leave() }
			}
		}()
		for before() == n {
			time.Sleep(time.Millisecond)
		}
	}
	served := false
	ask(busy, func() { served = true })
	visitors := []*session{{}, {}}
	for _, v := range visitors {
		ask(v, func() {})
	}
	leave()
	for turn := 0; !served; turn++ {
		if turn == 6 {
			t.Fatal("six jobs of two others were done before the next one of a page that waited")
		}
		(<-in)() // it is done with its place, which goes to one that waits, and comes again
		if !served {
			ask(visitors[turn%2], func() {})
		}
	}
	go func() {
		for leave := range in {
			leave()
		}
	}()
}

// What goes on when a job was given up, such as a picture's decoder, has the job's place until it ends.
func TestLeftoversAreCounted(t *testing.T) {
	b := besiege(t, Options{Jobs: 1})
	s, path, _ := b.page()
	request, giveUp := context.WithCancel(b.ctx)
	ctx, done, err := s.begin(request, "picture", 0)
	if err != nil {
		t.Fatal(err)
	}
	goOn := make(chan struct{})
	running := make(chan struct{})
	go func() {
		<-running
		giveUp()
	}()
	if err := parallel.Within(ctx, func() error {
		close(running)
		<-goOn
		return nil
	}); err != context.Canceled {
		t.Fatal(err)
	}
	done()
	answered := make(chan int, 1)
	go func() {
		status, _ := b.do("PUT", path+"/picture", square(t, 20))
		answered <- status
	}()
	b.until("the picture waits", func() bool {
		b.h.jobs.mu.Lock()
		defer b.h.jobs.mu.Unlock()
		p := b.h.jobs.pages[s]
		return p != nil && len(p.waiting) == 1
	})
	select {
	case status := <-answered:
		t.Errorf("the next job did not wait: %d", status)
	default:
	}
	close(goOn)
	if status := <-answered; status != 200 {
		t.Errorf("the next job: %d", status)
	}
}

// A page that asks for many samples and takes none of them gets as many answers as a page may leave untaken, and is refused the rest. Others
// are served meanwhile, and when it is closed, so are its connections.
func TestSamplesThatNobodyTakes(t *testing.T) {
	b := besiege(t, Options{Jobs: 1, Patience: time.Hour})
	s, path, leave := b.page()
	b.give(path+"/sounds/recording", waveform(t, 13)) // more than can be asked for at once
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	statuses := map[string]int{}
	for range 40 {
		c := b.dial(b.head("GET", fmt.Sprintf("%s/sounds/recording/samples?from=0&frames=%d", path, maxSamples), "Connection: close\r\n"))
		line, err := bufio.NewReaderSize(c, 16).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		statuses[strings.TrimSpace(line)]++
	}
	if ok, refused := statuses["HTTP/1.1 200 OK"], statuses["HTTP/1.1 429 Too Many Requests"]; ok != pageRequests || refused != 40-pageRequests {
		t.Errorf("of 40 requests %d are answered and %d refused: %v", ok, refused, statuses)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := int64(after.HeapAlloc) - int64(before.HeapAlloc); n > pageAnswers {
		t.Errorf("answers that nobody takes have %d MB", n>>20)
	}
	if n := s.answers.Load(); n != pageRequests*4*maxSamples {
		t.Errorf("%d bytes are counted as not taken", n)
	}
	_, other, _ := b.page()
	b.give(other+"/sounds/recording", waveform(t, 1))
	if status, answer := b.do("GET", other+"/sounds/recording/samples?from=0&frames=1000", nil); status != 200 || len(answer) != 4000 {
		t.Errorf("another page gets %d, %d bytes", status, len(answer))
	}
	leave()
	b.until("nothing is counted any longer", func() bool { return s.busy() == 0 && s.answers.Load() == 0 && s.held.Load() == 0 })
}

// Who takes nothing keeps no place where others work, and loses the connection.
func TestWhoDoesNotRead(t *testing.T) {
	b := besiege(t, Options{Jobs: 1, Patience: 2 * time.Second})
	s, deaf, _ := b.page()
	b.give(deaf+"/sounds/cover", waveform(t, 2))
	const times = 80
	b.dial(strings.Repeat(b.head("GET", deaf+"/spectrograms/cover", ""), times))
	_, other, _ := b.page()
	b.give(other+"/sounds/recording", waveform(t, 1))
	for range 5 {
		if status, answer := b.do("GET", other+"/spectrograms/recording", nil); status != 200 {
			t.Errorf("another page: %d %s", status, answer)
		}
	}
	b.until("the server waits for the client no longer", func() bool { return s.busy() == 0 })
	b.h.jobs.mu.Lock()
	defer b.h.jobs.mu.Unlock()
	if moves := b.h.jobs.end; moves < 3*8 || moves > times { // a job moves its page two or three times
		t.Errorf("between %d and %d jobs were done", moves/3, moves/2)
	}
}

// deafWriter is a client that takes nothing until it is closed.
type deafWriter struct {
	http.ResponseWriter
	closed chan struct{}
}

func (d deafWriter) Write(p []byte) (int, error) {
	<-d.closed
	return 0, net.ErrClosed
}

func (d deafWriter) Header() http.Header { return http.Header{} }

// Work whose client takes nothing goes on as far as it may leave answers untaken, and then is cancelled; it never waits.
func TestWorkForWhoDoesNotRead(t *testing.T) {
	b := besiege(t, Options{})
	s, _, _ := b.page()
	w := deafWriter{closed: make(chan struct{})}
	ctx, out := s.newStream(b.ctx, w)
	line := strings.Repeat("x", 1<<20)
	sent := 0
	for ; ctx.Err() == nil && sent < 1000; sent++ {
		out.send(line)
	}
	if most := pageAnswers >> 20; sent < most-1 || sent > most+1 {
		t.Errorf("%d MB were sent to who takes nothing, want %d", sent, most)
	}
	close(w.closed)
	out.close()
	if n := s.answers.Load(); n != 0 {
		t.Errorf("%d bytes are counted after the end", n)
	}
	// Of progress only the latest waits.
	w = deafWriter{closed: make(chan struct{})}
	_, out = s.newStream(b.ctx, w)
	for i := range 1000 {
		out.advance("surveying", 1000, 1000+i/1000)
	}
	if n := s.answers.Load(); n > 300 {
		t.Errorf("1000 tellings of progress wait, of %d bytes", n)
	}
	close(w.closed)
	out.close()
}

// An upload ends with its page, with the next one to the same place, and when it does not go on. Nothing is kept of it.
func TestUploadsThatDoNotEnd(t *testing.T) {
	b := besiege(t, Options{Patience: 3 * time.Second})
	s, path, leave := b.page()
	upload := func(path string) *net.TCPConn {
		before := s.held.Load()
		c := b.dial(b.head("PUT", path+"?name=a.wav", "Content-Length: 10000000\r\n") + strings.Repeat("ditas", 1<<18))
		b.until("something is on disk", func() bool { return s.held.Load() >= before+1<<20 })
		return c
	}
	answer := func(c net.Conn) string {
		line, _ := bufio.NewReader(c).ReadString('\n')
		return strings.TrimSpace(line)
	}
	// The next one.
	first := upload(path + "/sounds/cover")
	second := b.dial(b.head("PUT", path+"/sounds/cover?name=b.wav", "Content-Length: 10000000\r\n"))
	if got := answer(first); got != "HTTP/1.1 499 status code 499" {
		t.Errorf("the upload that was replaced: %q", got)
	}
	// It does not go on.
	if got := answer(second); got != "HTTP/1.1 408 Request Timeout" {
		t.Errorf("the upload that does not go on: %q", got)
	}
	b.until("nothing is on disk", func() bool { return s.held.Load() == 0 })
	// The page is left.
	b.h.options.Patience = time.Hour
	third, fourth := upload(path+"/sounds/recording"), upload(path+"/picture")
	leave()
	closed(third)
	closed(fourth)
	b.until("nothing is on disk", func() bool { return s.held.Load() == 0 })
	if _, _, err := s.admit(b.ctx, nil); err != errNoSession {
		t.Errorf("a request of a page that was left: %v", err)
	}
}

// Who sends a byte now and then is not waited for.
func TestTrickle(t *testing.T) {
	b := besiege(t, Options{Patience: 500 * time.Millisecond})
	_, path, _ := b.page()
	for _, head := range []string{
		b.head("PUT", path+"/sounds/cover", "Content-Length: 10000000\r\n"), b.head("POST", path+"/hide", "Content-Length: 1000\r\n"),
		b.head("POST", path+"/hide", "Transfer-Encoding: chunked\r\n"), b.head("PUT", "/api/sessions/nobody/picture", "Content-Length: 1000\r\n"),
		b.head("POST", "/api/about", "Content-Length: 1000\r\nOrigin: http://evil.example\r\n"),
	} {
		c := b.dial(head)
		go func() {
			for b.ctx.Err() == nil {
				if _, err := c.Write([]byte("1")); err != nil {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		}()
		closed(c)
	}
}

// A page holds so much and no more.
func TestPageIsFull(t *testing.T) {
	sound := waveform(t, 1)
	b := besiege(t, Options{MaxPage: int64(2*len(sound) + 1000)})
	s, path, leave := b.page()
	b.give(path+"/sounds/cover", sound)
	b.give(path+"/sounds/recording", sound)
	if status, answer := b.do("PUT", path+"/sounds/cover", sound); status != 413 || !bytes.Contains(answer, []byte("holds too many recordings")) {
		t.Errorf("one too many: %d %s", status, answer)
	}
	if status, _ := b.do("GET", path+"/sounds/cover/file", nil); status != 200 {
		t.Errorf("the one before is lost: %d", status)
	}
	if status, _ := b.do("DELETE", path+"/sounds/recording", nil); status != 204 {
		t.Fatal(status)
	}
	b.give(path+"/sounds/cover", sound)
	if n := s.held.Load(); n != int64(len(sound)) {
		t.Errorf("%d bytes are held, of one recording of %d", n, len(sound))
	}
	leave()
	b.until("nothing is held", func() bool { return s.held.Load() == 0 })
}

// All pages hold so many pictures.
func TestPicturesAreBounded(t *testing.T) {
	const side = 100
	b := besiege(t, Options{MaxPixels: side * side, Sessions: mostPictures + 1})
	var last string
	var leave func()
	for range mostPictures {
		_, last, leave = b.page()
		for range 2 { // the second instead of the first
			if status, answer := b.do("PUT", last+"/picture", square(t, side)); status != 200 {
				t.Fatalf("%d %s", status, answer)
			}
		}
	}
	_, path, _ := b.page()
	if status, answer := b.do("PUT", path+"/picture", square(t, side)); status != 503 || !bytes.Contains(answer, []byte("too many large pictures")) {
		t.Errorf("one too many: %d %s", status, answer)
	}
	leave()
	b.until("there is room again", func() bool {
		status, _ := b.do("PUT", path+"/picture", square(t, side))
		return status == 200
	})
}

// Connections are bounded. Those that do nothing go first, and a page that is open stays so.
func TestConnections(t *testing.T) {
	b := besiege(t, Options{Sessions: 1})
	s, path, _ := b.page()
	most := pageRequests + 1 + spare
	var quiet []*net.TCPConn
	for range 3 * most {
		quiet = append(quiet, b.dial("GET / HTTP/1.1\r\n"))
	}
	if status, _ := b.do("PUT", path+"/picture", square(t, 20)); status != 200 {
		t.Errorf("a request of the page: %d", status)
	}
	for _, c := range quiet[:most] {
		closed(c)
	}
	if s.ctx.Err() != nil {
		t.Error("the page was closed")
	}
}

// Heads of requests are bounded, and their names.
func TestHeads(t *testing.T) {
	b := besiege(t, Options{})
	for head, want := range map[string]string{
		b.head("GET", "/", ""): "200",
		b.head("GET", "/", "X: "+strings.Repeat("x", 15<<10)+"\r\n"):      "200",
		b.head("GET", "/", "X: "+strings.Repeat("x", 16<<10)+"\r\n"):      "431",
		"GET / HTTP/1.0\r\n\r\n":                                          "403",
		"GET / HTTP/1.1\r\n\r\n":                                          "400",
		"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n":                    "403",
		"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n":    "403",
		"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n": "400",
		"GET / HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n":          "400",
		"GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example:80\r\n\r\n":       "403",
		"GET / HTTP/1.1\r\nHost: 2130706433\r\n\r\n":                      "403",
		"GET / HTTP/1.1\r\nHost: 0.0.0.0\r\n\r\n":                         "403",
		"GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n":                        "403",
		"GET / HTTP/1.1\r\nHost: LOCALHOST\r\n\r\n":                       "403",
		"GET / HTTP/1.1\r\nHost: \r\n\r\n":                                "403",
	} {
		c := b.dial(head)
		line, err := bufio.NewReader(c).ReadString('\n')
		if words := strings.Fields(line); err != nil || len(words) < 2 || words[1] != want {
			t.Errorf("%.80q: %q, want %s (%v)", head, line, want, err)
		}
		c.Close()
	}
}

// Of jobs with large pictures there is one at a time, and it keeps nobody else from a place.
func TestLargePictures(t *testing.T) {
	b := besiege(t, Options{Jobs: 2, MaxPixels: 1000})
	s, _, _ := b.page()
	other, _, _ := b.page()
	_, first, err := s.begin(b.ctx, "hide", 1000)
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan func())
	go func() {
		if _, done, err := other.begin(b.ctx, "hide", 251); err == nil {
			begun <- done
		}
	}()
	b.until("the second waits", func() bool {
		b.h.large.mu.Lock()
		defer b.h.large.mu.Unlock()
		return b.h.large.pages[other] != nil
	})
	_, small, err := other.begin(b.ctx, "picture", 250)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-begun:
		t.Error("two jobs with large pictures run at once")
	default:
	}
	small()
	first()
	(<-begun)()
}
