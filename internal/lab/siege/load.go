package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ditas/audio"
	"ditas/audio/wav"
)

// assault is a way of behaving badly, after which somebody else asks for something.
type assault struct {
	name string
	what string
	do   func(context.Context, *server) error
	full bool // there may be no room for another page, if that is said
}

var assaults = []assault{
	{"samples", "40 connections ask for all the samples they may, and do not read", askForSamples, false},
	{"previews", "200 connections ask for a picture of 16 megapixels, small, and do not read", askForPreviews, false},
	{"deaf", "6 connections ask for 100 spectrograms each, one after the other, and do not read", doNotRead, false},
	{"decoders", "60 pictures of 49 megapixels are given, and given up", giveUp, false},
	{"uploads", "12 recordings of 256 MB each are sent, but for their ends", doNotEnd, false},
	{"slow", "300 connections send a byte of an upload now and then", trickle, false},
	{"idle", "3000 connections that say nothing", sayNothing, false},
	{"headers", "100 requests with a header of 10 MB", sendHeaders, false},
	{"damage", "2 pages have 25 minutes of sound damaged", damage, false},
	{"large", "2 pages hide pictures of 49 megapixels in 5 minutes of sound", hideLarge, false},
	{"pages", "100 pages are opened", openPages, true},
}

// answerable is how long an innocent page may have to wait, on a busy machine.
const answerable = time.Minute

func load(ctx context.Context, o options, dir string, out io.Writer) error {
	var failed []error
	fmt.Fprintf(out, "%-9s %8s %8s %8s %6s  %-8s  %s\n", "", "memory", "disk", "later", "files", "others", "")
	for _, a := range assaults {
		if o.only != "" && o.only != a.name {
			continue
		}
		s, err := startServer(ctx, o, dir)
		if err != nil {
			return err
		}
		if err := a.do(ctx, s); err != nil {
			fmt.Fprintf(out, "%s: %v\n", a.name, err)
		}
		s.settle()
		disk, files := s.disk(), s.files()
		answer := "answered"
		if err := s.innocent(ctx); err != nil && a.full && strings.Contains(err.Error(), "Too many pages") {
			answer = "refused"
		} else if err != nil {
			answer = "stopped"
			failed = append(failed, fmt.Errorf("%s: an innocent page: %w", a.name, err))
		}
		most := s.memory("VmHWM")
		s.leave()
		later := s.disk()
		for range 100 { // it may take a moment
			if later == 0 {
				break
			}
			time.Sleep(50 * time.Millisecond)
			later = s.disk()
		}
		fmt.Fprintf(out, "%-9s %5d MB %5d MB %5d MB %6d  %-8s  %s\n", a.name, most>>20, disk>>20, later>>20, files, answer, a.what)
		if err := s.stop(); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", a.name, err))
		}
	}
	return errors.Join(failed...)
}

// server is ditas serve, and who visits it.
type server struct {
	*running
	address string // host and port
	temp    string
	page    string // the path of the besieger's page
	closing []func()
	conns   []net.Conn
}

func startServer(ctx context.Context, o options, dir string) (*server, error) {
	f := &field{options: o, dir: dir, temp: filepath.Join(dir, "temp")}
	if err := os.MkdirAll(f.temp, 0o700); err != nil {
		return nil, err
	}
	r, err := f.start(ctx, []string{"serve", "--addr", "127.0.0.1:0", "--json"})
	if err != nil {
		return nil, err
	}
	s, err := meet(ctx, r)
	if err != nil {
		r.cmd.Process.Kill()
		_, _, other := r.finish()
		return nil, errors.Join(err, other, errors.New(r.stderr.String()))
	}
	s.temp = f.temp
	return s, nil
}

// meet waits until the server answers, and opens a page there.
func meet(ctx context.Context, r *running) (*server, error) {
	var v struct{ Address string }
	if err := json.NewDecoder(r.stdout).Decode(&v); err != nil {
		return nil, err
	}
	s := &server{running: r, address: strings.TrimSuffix(strings.TrimPrefix(v.Address, "http://"), "/")}
	var leave func()
	var err error
	s.page, leave, err = s.open(ctx)
	s.closing = append(s.closing, leave)
	return s, err
}

// stop ends the server as Ctrl-C does.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	if code, signal, err := s.finish(); err != nil || code != 0 {
		return fmt.Errorf("the server ended with %d, %v, %v: %s", code, signal, err, s.stderr.String())
	}
	left, err := os.ReadDir(s.temp)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("%s is left in the folder for temporary files", left[0].Name())
	}
	return err
}

// leave closes all pages and connections of the besieger.
func (s *server) leave() {
	for _, leave := range s.closing {
		leave()
	}
	for _, c := range s.conns {
		c.Close()
	}
	s.closing, s.conns = nil, nil
}

// open opens a page and returns the path that its requests begin with.
func (s *server) open(ctx context.Context) (path string, leave func(), err error) {
	ctx, leave = context.WithCancel(ctx)
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.address+"/api/sessions", nil)
	if err != nil {
		return "", leave, err
	}
	client := &http.Client{Transport: &http.Transport{}}
	response, err := client.Do(r)
	if err != nil {
		return "", leave, err
	}
	line, err := bufio.NewReader(response.Body).ReadBytes('\n')
	if err != nil {
		return "", leave, err
	}
	var v struct{ Session string }
	if err := json.Unmarshal(line, &v); err != nil || v.Session == "" {
		return "", leave, fmt.Errorf("no page was opened: %s", line)
	}
	return "/api/sessions/" + v.Session, leave, nil
}

// do sends a request and reads the answer.
func (s *server) do(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+path, body)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s %.200s", method, path, response.Status, answer)
	}
	return answer, err
}

// innocent is somebody who opens a page and looks at a recording.
func (s *server) innocent(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerable)
	defer cancel()
	page, leave, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if _, err := s.do(ctx, "PUT", page+"/sounds/cover?name=a.wav", bytes.NewReader(recording(1, 5))); err != nil {
		return err
	}
	for _, path := range []string{"/spectrograms/cover", "/sounds/cover/samples?from=0&frames=10000"} {
		if _, err := s.do(ctx, "GET", page+path, nil); err != nil {
			return err
		}
	}
	return nil
}

// send opens a connection, on which as little as possible is received, and sends text.
func (s *server) send(text string) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", s.address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	s.conns = append(s.conns, c)
	if err := c.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		return nil, err
	}
	c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err = io.WriteString(c, text)
	return c, err
}

// request is the head of a request.
func (s *server) request(method, path, more string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, path, s.address, more)
}

// memory returns a figure of the server's, in bytes.
func (s *server) memory(field string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == field+":" {
			n, _ := strconv.ParseInt(words[1], 10, 64)
			return n << 10
		}
	}
	return 0
}

// settle waits until the server takes no more memory.
func (s *server) settle() {
	most, still := s.memory("VmHWM"), 0
	for range 60 {
		time.Sleep(500 * time.Millisecond)
		still++
		if now := s.memory("VmHWM"); now > most {
			most, still = now, 0
		}
		if still == 10 {
			return
		}
	}
}

// disk returns how many bytes of files without a name the server has.
func (s *server) disk() (sum int64) {
	dir := fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if to, err := os.Readlink(name); err != nil || !strings.HasPrefix(to, s.temp) {
			continue
		}
		if info, err := os.Stat(name); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// files returns how many files and connections the server has open.
func (s *server) files() int {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	return len(entries)
}

// recording returns a WAV file of noise, 16 bits at 44.1 kHz.
func recording(channels, seconds int) []byte {
	rec := &audio.Recording{
		Format:  audio.Format{Rate: 44100, Channels: channels, Encoding: audio.Int16},
		Samples: audio.NewBlock(channels, 44100*seconds),
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, x := range rec.Samples {
		for i := range x {
			x[i] = rec.Format.Quantize(0.1 * rng.NormFloat64())
		}
	}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		panic(err) // a buffer takes anything
	}
	return b.Bytes()
}

// blank returns a PNG file of a picture with nothing on it.
func blank(side int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, side, side))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// mostSamples is how many samples a page could ask for at once before it was noticed what that costs.
const mostSamples = 1 << 22

// sendAtOnce opens connections and then sends the same on each of them.
func (s *server) sendAtOnce(n int, text string) error {
	var conns []net.Conn
	for range n {
		c, err := s.send("")
		if err != nil {
			return err
		}
		conns = append(conns, c)
	}
	for _, c := range conns {
		io.WriteString(c, text) // it may be closed already
	}
	return nil
}

func askForSamples(ctx context.Context, s *server) error {
	if _, err := s.do(ctx, "PUT", s.page+"/sounds/recording?name=a.wav", bytes.NewReader(recording(1, 100))); err != nil {
		return err
	}
	// As many as one may ask for, and as many as before there was a bound to it.
	for _, frames := range []int{mostSamples, 1 << 19} {
		if err := s.sendAtOnce(40, s.request("GET", fmt.Sprintf("%s/sounds/recording/samples?from=0&frames=%d", s.page, frames), "")); err != nil {
			return err
		}
	}
	return nil
}

func askForPreviews(ctx context.Context, s *server) error {
	if _, err := s.do(ctx, "PUT", s.page+"/picture", bytes.NewReader(blank(4000))); err != nil {
		return err
	}
	return s.sendAtOnce(200, s.request("GET", s.page+"/picture", ""))
}

func doNotRead(ctx context.Context, s *server) error {
	for _, which := range []string{"cover", "recording"} {
		if _, err := s.do(ctx, "PUT", s.page+"/sounds/"+which+"?name=a.wav", bytes.NewReader(recording(1, 20))); err != nil {
			return err
		}
	}
	for range 3 {
		for _, which := range []string{"cover", "recording"} {
			if _, err := s.send(strings.Repeat(s.request("GET", s.page+"/spectrograms/"+which, ""), 100)); err != nil {
				return err
			}
			time.Sleep(5 * time.Second) // for what is asked for to be sent until there is no place for it
		}
	}
	return nil
}

func giveUp(_ context.Context, s *server) error {
	picture := string(blank(7000))
	for range 60 {
		c, err := s.send(s.request("PUT", s.page+"/picture", fmt.Sprintf("Content-Length: %d\r\n", len(picture))) + picture)
		if err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
		c.Close()
	}
	return nil
}

func doNotEnd(_ context.Context, s *server) error {
	head := s.request("PUT", s.page+"/sounds/cover?name=a.wav", "Content-Length: 300000000\r\n")
	piece := strings.Repeat("ditas", 1<<20/5)
	for range 12 {
		c, err := s.send(head)
		if err != nil {
			return err
		}
		for range 256 {
			c.SetWriteDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.WriteString(c, piece); err != nil {
				break // it is not wanted
			}
		}
	}
	return nil
}

func trickle(_ context.Context, s *server) error {
	head := s.request("PUT", s.page+"/sounds/cover?name=a.wav", "Content-Length: 300000000\r\n")
	for range 300 {
		if _, err := s.send(head); err != nil {
			return err
		}
	}
	for range 40 { // longer than anybody's patience
		for _, c := range s.conns {
			c.SetWriteDeadline(time.Now().Add(time.Second))
			c.Write([]byte("x"))
		}
		time.Sleep(time.Second)
	}
	return nil
}

func sayNothing(_ context.Context, s *server) error {
	for range 3000 {
		if _, err := s.send("GET"); err != nil {
			return err
		}
	}
	return nil
}

func sendHeaders(_ context.Context, s *server) error {
	header := "X: " + strings.Repeat("x", 10<<20) + "\r\n"
	for range 100 {
		s.send(s.request("GET", "/", header)) // it may be cut off
	}
	return nil
}

func openPages(_ context.Context, s *server) error {
	for range 100 {
		if _, err := s.send(s.request("POST", "/api/sessions", "Content-Length: 0\r\n")); err != nil {
			return err
		}
	}
	return nil
}

func damage(ctx context.Context, s *server) error {
	other, leave, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.closing = append(s.closing, leave)
	sound := recording(1, 1<<26/44100)
	for _, page := range []string{s.page, other} {
		if _, err := s.do(ctx, "PUT", page+"/sounds/recording?name=a.wav", bytes.NewReader(sound)); err != nil {
			return err
		}
		ask := `{"from":"recording","damage":{"cut":0.1,"silence":0.1,"noise":20,"gain":-1}}`
		if _, err := s.send(s.request("POST", page+"/reveal", fmt.Sprintf("Content-Length: %d\r\n", len(ask))) + ask); err != nil {
			return err
		}
	}
	return nil
}

func hideLarge(ctx context.Context, s *server) error {
	other, leave, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.closing = append(s.closing, leave)
	picture, sound := blank(7000), recording(2, 300)
	for _, page := range []string{s.page, other} {
		if _, err := s.do(ctx, "PUT", page+"/picture", bytes.NewReader(picture)); err != nil {
			return err
		}
		if _, err := s.do(ctx, "PUT", page+"/sounds/cover?name=a.wav", bytes.NewReader(sound)); err != nil {
			return err
		}
	}
	ask := `{"snr":40,"scale":1,"passphrase":""}`
	for _, page := range []string{s.page, other} {
		if _, err := s.send(s.request("POST", page+"/hide", fmt.Sprintf("Content-Length: %d\r\n", len(ask))) + ask); err != nil {
			return err
		}
	}
	return nil
}
