package web_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/flac"
	"ditas/audio/wav"
	"ditas/internal/channel"
	"ditas/internal/ffmpeg"
	"ditas/internal/intake"
	"ditas/internal/racetest"
	"ditas/internal/web"
	"ditas/metric"
	"ditas/picture"
	"ditas/report"
)

// visitor is someone with a page open.
type visitor struct {
	t      *testing.T
	server *httptest.Server
	temp   string // where files may be
	base   string // of the session
	leave  func() // closes the page
}

func serve(t *testing.T, o web.Options) (*httptest.Server, string) {
	t.Helper()
	o.Temp = t.TempDir()
	h, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
		if left, err := os.ReadDir(o.Temp); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v (%v)", left, err)
		}
	})
	return server, o.Temp
}

func visit(t *testing.T, o web.Options) *visitor {
	t.Helper()
	server, temp := serve(t, o)
	return visitAgain(t, server, temp)
}

func visitAgain(t *testing.T, server *httptest.Server, temp string) *visitor {
	t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	t.Cleanup(leave)
	request, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/api/sessions", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(response.Body).ReadBytes('\n')
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%s: %s (%v)", response.Status, line, err)
	}
	var v struct{ Session string }
	if err := json.Unmarshal(line, &v); err != nil || len(v.Session) < 20 {
		t.Fatalf("the session is %s (%v)", line, err)
	}
	return &visitor{t, server, temp, server.URL + "/api/sessions/" + v.Session, leave}
}

// do sends a request and returns the status and the body.
func (v *visitor) do(method, path string, body []byte) (int, []byte) {
	v.t.Helper()
	request, err := http.NewRequest(method, v.base+path, bytes.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	response, err := v.server.Client().Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return response.StatusCode, b
}

// result does work that must succeed, and returns its events.
func (v *visitor) result(method, path string, body []byte, result any) (events []map[string]json.RawMessage) {
	v.t.Helper()
	status, b := v.do(method, path, body)
	for line := range bytes.Lines(b) {
		var e map[string]json.RawMessage
		if err := json.Unmarshal(line, &e); err != nil {
			v.t.Fatal(err)
		}
		events = append(events, e)
	}
	if status != 200 || len(events) == 0 || events[len(events)-1]["result"] == nil {
		v.t.Fatalf("%s %s: %d %.300s", method, path, status, b)
	}
	if err := json.Unmarshal(events[len(events)-1]["result"], result); err != nil {
		v.t.Fatal(err)
	}
	return events
}

// status returns the status of a GET.
func status(t *testing.T, server *httptest.Server, url string) int {
	t.Helper()
	response, err := server.Client().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// sounding returns a recording of harmonics that swell and fade over soft noise.
func sounding(channels, rate int, encoding audio.Encoding, seconds float64) *audio.Recording {
	rec := &audio.Recording{
		Format:  audio.Format{Rate: rate, Channels: channels, Encoding: encoding},
		Samples: audio.NewBlock(channels, int(seconds*float64(rate))),
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for c, x := range rec.Samples {
		for i := range x {
			at := float64(i) / float64(rate)
			s := 0.02 * rng.NormFloat64()
			for h := 1.0; h <= 12; h++ {
				s += math.Sin(2*math.Pi*(180+40*float64(c)+10*math.Sin(at))*h*at) / h
			}
			x[i] = rec.Format.Quantize(0.2 * s * (1.1 + math.Sin(3*at)))
		}
	}
	return rec
}

func wavFile(t *testing.T, rec *audio.Recording) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngFile(t *testing.T, width, height int) []byte {
	t.Helper()
	p := picture.New(width, height)
	for c := range p.Pix {
		for i := range p.Pix[c] {
			x, y := float64(i%width)/float64(width), float64(i/width)/float64(height)
			p.Pix[c][i] = float32(0.5 + 0.3*math.Sin(7*x+float64(c)) + 0.2*math.Cos(9*y))
		}
	}
	var b bytes.Buffer
	if err := p.Encode(&b, picture.PNG); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type soundInfo struct {
	Name, Kind, Given, Format string
	Becomes                   string
	Lossy                     bool
	Frames                    int64
}

// A picture is hidden, both recordings and their difference can be heard and seen, and the picture comes back; in FLAC of 24 bits
// and two channels as in WAV of 16.
func TestHideAndReveal(t *testing.T) {
	rec := sounding(2, 8000, audio.Int24, 2)
	var file bytes.Buffer
	if err := flac.Encode(&file, rec); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"mono.wav": wavFile(t, sounding(1, 8000, audio.Int16, 3)), `C:\music\two.flac`: file.Bytes()} {
		v := visit(t, web.Options{})
		if status, b := v.do("PUT", "/picture", pngFile(t, 48, 40)); status != 200 || string(b) != `{"width":48,"height":40,"located":false}`+"\n" {
			t.Fatalf("%d %s", status, b)
		}
		var cover soundInfo
		v.result("PUT", "/sounds/cover?name="+strings.ReplaceAll(name, `\`, "%5C"), data, &cover)
		var estimate struct {
			Bytes, Robust, Side int
			Picture             struct {
				Width, Height, Need int
				PSNR                float64
			}
		}
		status, b := v.do("GET", "/estimate?snr=50&scale=0.5", nil)
		if err := json.Unmarshal(b, &estimate); err != nil || status != 200 {
			t.Fatalf("%d %s", status, b)
		}
		if p := estimate.Picture; p.Width != 24 || p.Height != 20 || p.PSNR != 100 || p.Need < 100 || p.Need > estimate.Bytes {
			t.Errorf("%s: expected %+v", name, estimate)
		}
		var hidden struct {
			Width, Height int
			Exact, Secret bool
			SNR           float64
			Stages        []any
			Stego         soundInfo
		}
		events := v.result("POST", "/hide", []byte(`{"snr":50,"scale":0.5,"passphrase":"x"}`), &hidden)
		if !hidden.Exact || !hidden.Secret || hidden.Width != 24 || hidden.Height != 20 || hidden.SNR < 49 {
			t.Errorf("%s: hidden %+v", name, hidden)
		}
		if len(events) < 2 || events[0]["progress"] == nil {
			t.Errorf("%s: no progress in %d events", name, len(events))
		}
		if want := strings.NewReplacer(`C:\music\`, "", ".", "-stego.").Replace(name); hidden.Stego.Name != want {
			t.Errorf("%s became %s", name, hidden.Stego.Name)
		}
		if hidden.Stego.Format != cover.Format || hidden.Stego.Kind != cover.Kind || hidden.Stego.Frames != cover.Frames {
			t.Errorf("%+v became %+v", cover, hidden.Stego)
		}

		// What is played are the samples of the files, to the last bit that a float32 holds.
		status, saved := v.do("GET", "/sounds/stego/file", nil)
		if status != 200 {
			t.Fatal(status)
		}
		stego, err := codec.Decode(bytes.NewReader(saved), int64(len(saved)))
		if err != nil {
			t.Fatal(err)
		}
		const from, n = 12345, 600
		status, b = v.do("GET", fmt.Sprintf("/sounds/stego/samples?from=%d&frames=%d", from, n), nil)
		if status != 200 || len(b) != 4*n*len(stego.Samples) {
			t.Fatalf("%d, %d bytes", status, len(b))
		}
		for c, x := range stego.Samples {
			for i := range n {
				if got, want := binary.LittleEndian.Uint32(b[4*(c*n+i):]), math.Float32bits(float32(x[from+i])); got != want {
					t.Fatalf("%s: sample %d of channel %d differs", name, i, c)
				}
			}
		}
		if status, b = v.do("GET", fmt.Sprintf("/sounds/stego/samples?from=%d&frames=100", cover.Frames-10), nil); status != 200 || len(b) != 40*len(stego.Samples) {
			t.Errorf("at the end: %d, %d bytes", status, len(b))
		}
		for _, wrong := range []string{"from=-1&frames=5", "from=0&frames=0", "from=0&frames=99999999", "from=99999999&frames=1", ""} {
			if status, _ := v.do("GET", "/sounds/stego/samples?"+wrong, nil); status != 400 {
				t.Errorf("samples?%s: %d", wrong, status)
			}
		}

		loudness := map[string]float64{}
		for _, which := range []string{"cover", "stego", "difference"} {
			var s struct {
				Columns, Rows int
				Levels        []byte
			}
			status, b := v.do("GET", "/spectrograms/"+which, nil)
			if err := json.Unmarshal(b, &s); err != nil || status != 200 || len(s.Levels) != s.Columns*s.Rows || s.Columns < 20 {
				t.Fatalf("%s: %d %.100s", which, status, b)
			}
			for _, l := range s.Levels {
				loudness[which] += float64(l) / float64(len(s.Levels))
			}
		}
		if d := math.Abs(loudness["cover"] - loudness["stego"]); d > 12 || loudness["difference"] > loudness["cover"]-10 {
			t.Errorf("%s: spectrograms are as bright as %v", name, loudness)
		}
		var heard struct{ Moments, Masked int }
		if status, b := v.do("GET", "/audibility", nil); status != 200 || json.Unmarshal(b, &heard) != nil || heard.Moments < 50 || float64(heard.Masked) < 0.9*float64(heard.Moments) {
			t.Errorf("%s: %d %s", name, status, b)
		}

		// The one who made it, and another one who got the file.
		other := visitAgain(t, v.server, v.temp)
		var given soundInfo
		other.result("PUT", "/sounds/recording?name=gift.wav", saved, &given)
		for from, who := range map[string]*visitor{"stego": v, "recording": other} {
			var revealed struct {
				Exact, Complete bool
				Picture         []byte
				PSNR            *float64
				Found           [][]float64
				Which           string
			}
			events := who.result("POST", "/reveal", []byte(`{"from":"`+from+`","passphrase":"x"}`), &revealed)
			stages := 0
			for _, e := range events {
				if e["stage"] != nil {
					stages++
				}
			}
			if !revealed.Exact || !revealed.Complete || stages < 2 || len(revealed.Found) != len(stego.Samples) || revealed.Which != from {
				t.Errorf("%s: revealed %v %v, %d stages, of %s", name, revealed.Exact, revealed.Complete, stages, revealed.Which)
			}
			if (revealed.PSNR != nil) != (from == "stego") {
				t.Errorf("%s, from %s: compared with the original: %v", name, from, revealed.PSNR)
			}
			status, b := who.do("GET", "/revealed", nil)
			if p, err := picture.Decode(bytes.NewReader(b)); status != 200 || err != nil || p.Width != 24 || p.Height != 20 {
				t.Errorf("%s: %d %v", name, status, err)
			}
			if from == "stego" || name != "mono.wav" { // the search takes a while
				continue
			}
			if status, b := who.do("POST", "/reveal", []byte(`{"from":"`+from+`","passphrase":"y"}`)); !bytes.Contains(b, []byte("Nothing was found")) {
				t.Errorf("%s: with another passphrase: %d %.200s", name, status, b)
			}
		}
	}
}

// What both sides have makes the key that it makes on the command line. A weak passphrase is told of.
func TestWhatBothSidesHave(t *testing.T) {
	racetest.Skip(t)
	v := visit(t, web.Options{})
	v.do("PUT", "/picture", pngFile(t, 24, 20))
	v.result("PUT", "/sounds/cover?name=a.wav", wavFile(t, sounding(1, 8000, audio.Int16, 3)), new(any))
	file := []byte("a photograph that both have")
	both := fmt.Sprintf(`"passphrase":"correct horse battery staple","salt":"Anna","keyFile":"%x"`, sha256.Sum256(file))
	var hidden struct{ Secret, Weak bool }
	if v.result("POST", "/hide", []byte(`{"snr":50,"scale":1,`+both+`}`), &hidden); !hidden.Secret || hidden.Weak {
		t.Errorf("hidden %+v", hidden)
	}
	var revealed struct{ Exact bool }
	if v.result("POST", "/reveal", []byte(`{"from":"stego",`+both+`}`), &revealed); !revealed.Exact {
		t.Error("it does not come back")
	}
	_, saved := v.do("GET", "/sounds/stego/file", nil)
	salt, err := ditas.Salt("Anna", bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ditas.Passphrase("correct horse battery staple", salt)
	if err != nil {
		t.Fatal(err)
	}
	stego, err := codec.Open(bytes.NewReader(saved), int64(len(saved)))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := ditas.Inspect(t.Context(), stego, key, ditas.RevealOptions{Method: ditas.Lattice}); err != nil || !r.Exact {
		t.Errorf("elsewhere: %v", err)
	}
	if v.result("POST", "/hide", []byte(`{"snr":50,"scale":1,"passphrase":"x"}`), &hidden); !hidden.Weak {
		t.Error("nothing is said of a weak passphrase")
	}
	for ask, want := range map[string]string{
		`"salt":"Anna"`: "protects nothing without a passphrase", `"passphrase":"x","salt":" "`: "is empty", `"passphrase":"x","keyFile":"abc"`: "makes no sense",
	} {
		if _, b := v.do("POST", "/hide", []byte(`{"snr":50,"scale":1,`+ask+`}`)); !bytes.Contains(b, []byte(want)) {
			t.Errorf("%s: %.200s", ask, b)
		}
	}
}

// A key file that is the recording or the picture itself is told of in the words of the command, whatever became of the recording here.
func TestKeyFileIsAnother(t *testing.T) {
	rec := sounding(1, 8000, audio.Int16, 3)
	for name, file := range map[string][]byte{"a.wav": wavFile(t, rec), "a.au": auFile(rec)} {
		v := visit(t, web.Options{})
		photo := pngFile(t, 24, 20)
		v.do("PUT", "/picture", photo)
		v.result("PUT", "/sounds/cover?name="+name, file, new(any))
		ask := func(key []byte) []byte {
			return fmt.Appendf(nil, `{"snr":50,"scale":1,"passphrase":"correct horse battery staple","keyFile":"%X"}`, sha256.Sum256(key))
		}
		if status, b := v.do("POST", "/hide", ask(photo)); status != 422 || !bytes.Contains(b, []byte("The key file is the picture itself, without which nobody could reveal it.")) {
			t.Errorf("%s: the picture: %d %s", name, status, b)
		}
		for _, c := range []struct {
			key  []byte
			told bool
		}{{file, true}, {[]byte("another file"), false}} {
			var hidden struct {
				KeyFile *struct{ Text, Advice string }
			}
			v.result("POST", "/hide", ask(c.key), &hidden)
			if told := hidden.KeyFile != nil && strings.HasPrefix(hidden.KeyFile.Text, "the key file is the recording itself, ") && hidden.KeyFile.Advice != ""; told != c.told {
				t.Errorf("%s: %.20q as the key file: told %t, %+v", name, c.key, told, hidden.KeyFile)
			}
		}
	}
}

// auFile is a recording of 16 bits and one channel as an AU file, which becomes FLAC here.
func auFile(rec *audio.Recording) []byte {
	be := binary.BigEndian
	b := []byte(".snd")
	for _, v := range []int{24, 2 * rec.Frames(), 3, rec.Format.Rate, 1} {
		b = be.AppendUint32(b, uint32(v))
	}
	for _, x := range rec.Samples[0] {
		b = be.AppendUint16(b, uint16(int16(audio.Round(x, 1<<15))))
	}
	return b
}

// Every way of hiding hides and reveals. The cover is surveyed once for each, when that is first wanted, until there is another cover.
func TestEveryMethod(t *testing.T) {
	racetest.Skip(t)
	v := visit(t, web.Options{})
	response, err := v.server.Client().Get(v.server.URL + "/api/about")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var about struct{ Methods []ditas.Method }
	if err := json.NewDecoder(response.Body).Decode(&about); err != nil || len(about.Methods) != len(ditas.Methods()) {
		t.Fatalf("the ways of hiding are %v (%v)", about.Methods, err)
	}
	v.do("PUT", "/picture", pngFile(t, 90, 61))
	data := wavFile(t, sounding(1, 16000, audio.Int16, 3.4))
	v.result("PUT", "/sounds/cover?name=a.wav&method="+about.Methods[0].Name, data, new(any))
	surveyed := func(method string) bool {
		var result struct{ Method string }
		events := v.result("POST", "/survey", []byte(`{"method":"`+method+`"}`), &result)
		if result.Method != method {
			t.Errorf("the cover is surveyed for %q, not %s", result.Method, method)
		}
		return bytes.Contains(events[0]["progress"], []byte("surveying"))
	}
	for i, m := range about.Methods {
		if got := surveyed(m.Name); got == (i == 0) {
			t.Errorf("%s: surveyed for it: %v", m.Name, got)
		}
		if surveyed(m.Name) {
			t.Errorf("%s: surveyed twice", m.Name)
		}
		choice := fmt.Sprintf("method=%s&snr=%g", m.Name, m.DefaultSNR)
		var estimate struct {
			report.Capacity
			Picture struct {
				Width, Height, Need int
				PSNR                *float64
			}
		}
		status, b := v.do("GET", "/estimate?scale=1&"+choice, nil)
		err := json.Unmarshal(b, &estimate)
		if err != nil || status != 200 || estimate.Method != m.Name || estimate.Picture.Width < 50 {
			t.Errorf("%s: %d %s", m.Name, status, b)
		}
		if inBytes := estimate.Bytes > 0; (estimate.Picture.PSNR != nil) != inBytes || (estimate.Picture.Need > 0) != inBytes {
			t.Errorf("%s: expected %s", m.Name, b)
		} else if status, b := v.do("GET", "/exact?"+choice, nil); (status == 200) != inBytes {
			t.Errorf("%s: exact: %d %s", m.Name, status, b)
		} else if !inBytes && !bytes.Contains(b, []byte("never gives a picture back exactly")) {
			t.Errorf("%s: exact: %s", m.Name, b)
		}
		ask := fmt.Sprintf(`{"method":%q,"snr":%g,"scale":1,"passphrase":`, m.Name, m.DefaultSNR)
		var hidden struct {
			report.Hide
			Secret bool
		}
		if m.Secret {
			v.result("POST", "/hide", []byte(ask+`"x"}`), &hidden)
		} else if status, b := v.do("POST", "/hide", []byte(ask+`"x"}`)); status != 400 || !bytes.Contains(b, []byte("takes no passphrase")) {
			t.Errorf("%s: with a passphrase: %d %s", m.Name, status, b)
		}
		given := ""
		if m.SecretOnly {
			if status, b := v.do("POST", "/hide", []byte(ask+`""}`)); status != 422 || !bytes.Contains(b, []byte("takes a passphrase")) {
				t.Errorf("%s: without a passphrase: %d %s", m.Name, status, b)
			}
			given = "x"
		}
		v.result("POST", "/hide", []byte(ask+`"`+given+`"}`), &hidden)
		if p := estimate.Picture; hidden.Width != p.Width || hidden.Height != p.Height {
			t.Errorf("%s: hidden with %d×%d pixels, expected %s", m.Name, hidden.Width, hidden.Height, b)
		}
		if hidden.Method != m.Name || hidden.Restored != nil || hidden.Secret != m.SecretOnly || hidden.PSNR < 20 {
			t.Errorf("%s: hidden %+v, expected %s", m.Name, hidden, b)
		}
		for damage, from := range map[string]string{`{}`: "stego", `{"silence":0.3}`: "damaged"} {
			var revealed struct {
				report.Reveal
				PSNR  *float64
				Which string
			}
			ask := []byte(`{"from":"stego","passphrase":"` + given + `","damage":` + damage + `}`)
			if m.Fragile && from == "damaged" {
				if _, b := v.do("POST", "/reveal", ask); !bytes.Contains(b, []byte("Nothing was found in this recording")) {
					t.Errorf("%s, damage %s: %s", m.Name, damage, b)
				}
				continue
			}
			v.result("POST", "/reveal", ask, &revealed)
			if revealed.Method != m.Name || revealed.PSNR == nil || revealed.Which != from {
				t.Errorf("%s, damage %s: revealed %+v", m.Name, damage, revealed)
			} else if from == "stego" && (!revealed.Complete || *revealed.PSNR < hidden.PSNR-1) {
				t.Errorf("%s: %.1f dB come back, want %.1f; %+v", m.Name, *revealed.PSNR, hidden.PSNR, revealed)
			}
		}
		for _, wrong := range []float64{m.MinSNR - 1, m.MaxSNR + 1} {
			if m.MaxSNR == 0 {
				break // the recording decides
			}
			for _, path := range []string{"/estimate", "/exact"} {
				if status, _ := v.do("GET", fmt.Sprintf("%s?method=%s&snr=%g&scale=1", path, m.Name, wrong), nil); status != 400 {
					t.Errorf("%s: %s at %g dB: %d", m.Name, path, wrong, status)
				}
			}
		}
	}
	v.result("PUT", "/sounds/cover?name=b.wav&method="+about.Methods[1].Name, data, new(any))
	if surveyed(about.Methods[1].Name) || !surveyed(about.Methods[0].Name) {
		t.Error("what is known of another cover is another thing")
	}
}

// A cover is surveyed, and hidden in, for what it is for, which decides on the method.
func TestEveryPurpose(t *testing.T) {
	racetest.Skip(t)
	v := visit(t, web.Options{})
	v.do("PUT", "/picture", pngFile(t, 40, 30))
	all := ditas.Purposes()
	v.result("PUT", "/sounds/cover?name=a.wav&for="+all[0].Name, wavFile(t, sounding(1, 16000, audio.Int16, 4)), new(any))
	for i, p := range all {
		m, err := ditas.MethodFor("", p.Name)
		if err != nil {
			t.Fatal(err)
		}
		var surveyed struct{ Method string }
		events := v.result("POST", "/survey", []byte(`{"for":"`+p.Name+`"}`), &surveyed)
		if anew := bytes.Contains(events[0]["progress"], []byte("surveying")); surveyed.Method != p.Method || anew == (i == 0) {
			t.Errorf("%s: surveyed by %s, anew: %t", p.Name, surveyed.Method, anew)
		}
		var hidden report.Hide
		given := ""
		if m.SecretOnly {
			given = "x"
		}
		ask := fmt.Sprintf(`{"for":%q,"snr":%g,"scale":1,"passphrase":%q}`, p.Name, m.DefaultSNR, given)
		if v.result("POST", "/hide", []byte(ask), &hidden); hidden.Method != p.Method {
			t.Errorf("%s: hidden by %s", p.Name, hidden.Method)
		}
	}
	for _, body := range []string{`{"for":"fun"}`, `{"for":"voice","method":"lattice"}`} {
		if status, b := v.do("POST", "/survey", []byte(body)); status != 400 {
			t.Errorf("%s: %d %s", body, status, b)
		}
	}
}

// What is to be kept secret is hidden in recordings of 16 bits: those of more are lowered, and what was decoded is rounded once, with dither whose
// error is that of usual dither, a quarter of a square step.
func TestLoweredForSecrecy(t *testing.T) {
	racetest.Skip(t)
	song, err := os.ReadFile("../../audio/mp3/testdata/joint.mp3")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"fine.wav": wavFile(t, sounding(2, 16000, audio.Int24, 3)), "song.mp3": song} {
		v := visit(t, web.Options{})
		v.do("PUT", "/picture", pngFile(t, 20, 20))
		var given struct {
			Format   string
			Warnings []report.Warning
		}
		v.result("PUT", "/sounds/cover?for=secret&name="+name, data, &given)
		if len(given.Warnings) > 0 {
			t.Errorf("%s: warned of %v", name, given.Warnings)
		}
		var hidden struct {
			report.Hide
			Stego soundInfo
		}
		v.result("POST", "/hide", []byte(`{"for":"secret","scale":1,"passphrase":"x"}`), &hidden)
		if !hidden.Dithered || !strings.Contains(hidden.Stego.Format, "16-bit") || !hidden.Exact {
			t.Errorf("%s: hidden %+v", name, hidden)
		}
		if lowered := hidden.Becomes == "WAV (16000 Hz, 2 channels, 16-bit), without its tags" && hidden.Stego.Kind == "WAV"; lowered != (name == "fine.wav") {
			t.Errorf("%s: it became %q, a %s file", name, hidden.Becomes, hidden.Stego.Kind)
		}
		before, err := codec.Decode(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		status, saved := v.do("GET", "/sounds/stego/file", nil)
		after, err := codec.Decode(bytes.NewReader(saved), int64(len(saved)))
		if err != nil || status != 200 || after.Frames() != before.Frames() {
			t.Fatalf("%s: %d, %v", name, status, err)
		}
		squares, n := 0.0, 0
		for c, x := range before.Samples {
			for i, v := range x {
				d := 32768 * (after.Samples[c][i] - v)
				squares += d * d
			}
			n += len(x)
		}
		if got := squares / float64(n); got < 0.24 || got > 0.26 {
			t.Errorf("%s: the error has a variance of %.3f square steps", name, got)
		}
		for _, path := range []string{"/audibility", "/spectrograms/difference"} {
			if status, b := v.do("GET", path, nil); status != 200 {
				t.Errorf("%s: %s: %d %.200s", name, path, status, b)
			}
		}
		var revealed report.Reveal
		if v.result("POST", "/reveal", []byte(`{"from":"stego","passphrase":"x","damage":{}}`), &revealed); !revealed.Exact {
			t.Errorf("%s: revealed %+v", name, revealed)
		}
	}
}

// A cover in which a change would be found says so, whatever is asked of it.
func TestExposed(t *testing.T) {
	v := visit(t, web.Options{})
	v.do("PUT", "/picture", pngFile(t, 20, 20))
	rec := sounding(1, 16000, audio.Int16, 2)
	for i, x := range rec.Samples[0] {
		rec.Samples[0][i] = x / 64
	}
	rec.Format.Encoding = audio.Int8
	v.result("PUT", "/sounds/cover?for=secret&name=a.wav", wavFile(t, rec), new(any))
	var estimate report.Capacity
	_, b := v.do("GET", "/estimate?for=secret&scale=1", nil)
	if err := json.Unmarshal(b, &estimate); err != nil || estimate.Exposed == nil || estimate.Exposed.Bits != 8 || estimate.Pixels != 0 {
		t.Errorf("expected %s", b)
	}
	for path, body := range map[string]string{"/exact?for=secret": "", "/hide": `{"for":"secret","scale":1,"passphrase":"x"}`} {
		method := "GET"
		if body != "" {
			method = "POST"
		}
		if _, b := v.do(method, path, []byte(body)); !bytes.Contains(b, []byte("A change would be found nearly everywhere")) {
			t.Errorf("%s: %s", path, b)
		}
	}
}

// A way of hiding that does not exist is refused wherever one can be named.
func TestUnknownMethod(t *testing.T) {
	v := visit(t, web.Options{})
	v.do("PUT", "/picture", pngFile(t, 32, 32))
	data := wavFile(t, sounding(1, 8000, audio.Int16, 2))
	v.result("PUT", "/sounds/cover?name=a.wav", data, new(any))
	for _, c := range []struct {
		method, path string
		body         []byte
	}{
		{"PUT", "/sounds/cover?name=a.wav&method=magic", data},
		{"POST", "/survey", []byte(`{"method":"magic"}`)},
		{"GET", "/estimate?method=magic&snr=50&scale=1", nil},
		{"GET", "/exact?method=magic&snr=50", nil},
		{"POST", "/hide", []byte(`{"method":"magic","snr":50,"scale":1}`)},
	} {
		if status, b := v.do(c.method, c.path, c.body); status != 400 || !bytes.Contains(b, []byte("magic")) {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, b)
		}
	}
}

// What is wrong with a recording is said when it is given, as on the command line.
func TestWarnings(t *testing.T) {
	silent := channel.Zero(sounding(1, 8000, audio.Int16, 4), 4000, 24000)
	clipped := channel.Gain(sounding(2, 8000, audio.Int16, 2), 12)
	joint, err := os.ReadFile("../../audio/mp3/testdata/joint.mp3")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		data []byte
		want []report.WarningKind
	}{
		{wavFile(t, sounding(1, 8000, audio.Int16, 2)), nil},
		{wavFile(t, silent), []report.WarningKind{report.Silent}},
		{wavFile(t, clipped), []report.WarningKind{report.Clipped}},
		{joint, []report.WarningKind{report.Compressed}},
	} {
		v := visit(t, web.Options{})
		var got struct{ Warnings []report.Warning }
		v.result("PUT", "/sounds/cover?name=a", c.data, &got)
		var kinds []report.WarningKind
		for _, w := range got.Warnings {
			kinds = append(kinds, w.Kind)
		}
		if !slices.Equal(kinds, c.want) {
			t.Errorf("warnings of %v, want %v", kinds, c.want)
		}
		f, err := codec.Open(bytes.NewReader(c.data), int64(len(c.data)))
		if err != nil {
			t.Fatal(err)
		}
		s, err := ditas.NewSurvey(context.Background(), f, ditas.SurveyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Warnings, s.Warnings()) {
			t.Errorf("warnings %v, want %v", got.Warnings, s.Warnings())
		}
	}
}

// Whoever gives a recording as a cover that already holds a picture is warned.
func TestOccupied(t *testing.T) {
	v := visit(t, web.Options{})
	v.do("PUT", "/picture", pngFile(t, 32, 32))
	v.result("PUT", "/sounds/cover?name=a.wav", wavFile(t, sounding(1, 8000, audio.Int16, 8)), new(any))
	v.result("POST", "/hide", []byte(`{"snr":45,"scale":1,"passphrase":""}`), new(any))
	_, stego := v.do("GET", "/sounds/stego/file", nil)
	var got struct{ Warnings []report.Warning }
	v.result("PUT", "/sounds/cover?name=b.wav", stego, &got)
	if len(got.Warnings) != 1 || got.Warnings[0].Kind != report.Occupied {
		t.Errorf("warnings %v", got.Warnings)
	}
}

// A recording that is too quiet for a strength says so, and which one it can have if there is any.
func TestTooQuiet(t *testing.T) {
	testTooQuiet(t, audio.Int16, 30, false, "too quiet", "louder")
	testTooQuiet(t, audio.Int8, 20, true, "samples of 8 bits", "16 bits, or make this one louder")
}

func testTooQuiet(t *testing.T, encoding audio.Encoding, divisor float64, heard bool, why, advice string) {
	v := visit(t, web.Options{})
	v.do("PUT", "/picture", pngFile(t, 32, 32))
	quiet := sounding(1, 8000, encoding, 4)
	for _, x := range quiet.Samples {
		for i := range x {
			x[i] = quiet.Format.Quantize(x[i] / divisor)
		}
	}
	v.result("PUT", "/sounds/cover?name=a.wav", wavFile(t, quiet), new(any))
	ask := func(snr float64) (room report.Capacity) {
		t.Helper()
		status, b := v.do("GET", fmt.Sprintf("/estimate?snr=%g&scale=1", snr), nil)
		if err := json.Unmarshal(b, &room); err != nil || status != 200 {
			t.Fatalf("%d %s", status, b)
		}
		return room
	}
	room := ask(80)
	if room.TooQuiet == nil || room.Pixels > 0 || room.TooQuiet.Heard != heard {
		t.Fatalf("at 80 dB there is room for %+v", room)
	}
	for path, body := range map[string]string{"/hide": `{"snr":80,"scale":1}`, "/exact?snr=80": ""} {
		method := "POST"
		if body == "" {
			method = "GET"
		}
		if _, b := v.do(method, path, []byte(body)); !bytes.Contains(b, []byte(why)) || !bytes.Contains(b, []byte(advice)) {
			t.Errorf("%s: %s", path, b)
		}
	}
	if heard {
		return
	}
	if room := ask(math.Floor(room.TooQuiet.Reached)); room.TooQuiet != nil || room.Pixels == 0 {
		t.Errorf("at the strength that it can have there is room for %+v", room)
	}
}

// The page has words for every phase.
func TestPhases(t *testing.T) {
	source, err := os.ReadFile("../../report/report.go")
	if err != nil {
		t.Fatal(err)
	}
	words, err := os.ReadFile("page/assets/words.js")
	if err != nil {
		t.Fatal(err)
	}
	phases := regexp.MustCompile(`Phase += "(\w+)"`).FindAllSubmatch(source, -1)
	if len(phases) < 9 {
		t.Fatalf("there are phases %q", phases)
	}
	for _, phase := range phases {
		if !bytes.Contains(words, fmt.Appendf(nil, "\n  %s: \"", phase[1])) {
			t.Errorf("no words for %s", phase[1])
		}
	}
}

// A damaged copy is what the channel makes of the recording, and what is left of the picture comes back.
func TestDamage(t *testing.T) {
	racetest.Skip(t)
	v := visit(t, web.Options{})
	v.do("PUT", "/picture", pngFile(t, 32, 32))
	var cover soundInfo
	v.result("PUT", "/sounds/cover?name=a.wav", wavFile(t, sounding(1, 8000, audio.Int16, 8)), &cover)
	v.result("POST", "/hide", []byte(`{"snr":45,"scale":1,"passphrase":""}`), new(any))
	var revealed struct {
		Arrived, Frames int
		PSNR            float64
		Which           string
		Sound           soundInfo
	}
	v.result("POST", "/reveal", []byte(`{"from":"stego","passphrase":"","damage":{"cut":0.25,"silence":0.1,"noise":60,"gain":-3}}`), &revealed)
	if revealed.Which != "damaged" || revealed.Sound.Frames != cover.Frames*3/4 || revealed.Sound.Name != "a-stego-damaged.wav" {
		t.Errorf("damaged: %+v", revealed)
	}
	if revealed.Arrived >= revealed.Frames*8/10 || revealed.Arrived < revealed.Frames/2 || revealed.PSNR < 20 {
		t.Errorf("what survives: %+v", revealed)
	}
	_, b := v.do("GET", "/sounds/damaged/file", nil)
	got, err := codec.Decode(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	_, b = v.do("GET", "/sounds/stego/file", nil)
	stego, err := codec.Decode(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	n := stego.Frames()
	want := channel.Gain(channel.Cut(stego, n*3/8, n/4), -3)
	if snr, err := metric.SNR(want.Samples[0][:n/8], got.Samples[0][:n/8]); err != nil || snr < 55 || snr > 65 {
		t.Errorf("noise of 60 dB has %.1f dB (%v)", snr, err)
	}
	v.result("POST", "/reveal", []byte(`{"from":"stego","passphrase":"","damage":{"cut":0.25,"silence":0.2,"gain":-3}}`), &revealed)
	_, b = v.do("GET", "/sounds/damaged/file", nil)
	if got, err = codec.Decode(bytes.NewReader(b), int64(len(b))); err != nil {
		t.Fatal(err)
	}
	half := n * 3 / 8
	want = channel.Cut(stego, half, n/4)
	for i := range 2 {
		want = channel.Zero(want, i*half+half*2/5, half/5)
	}
	if want = channel.Convert(channel.Gain(want, -3), stego.Format.Encoding); !slices.Equal(got.Samples[0], want.Samples[0]) {
		t.Error("without noise, what was cut and silenced differs from what it should be")
	}
	// Without damage it is the recording itself.
	v.result("POST", "/reveal", []byte(`{"from":"stego","passphrase":"","damage":{"cut":0,"silence":0,"noise":null,"gain":0}}`), &revealed)
	if revealed.Which != "stego" || revealed.PSNR != 100 {
		t.Errorf("undamaged: %+v", revealed)
	}
	for _, wrong := range []string{`{"cut":1}`, `{"cut":-0.1}`, `{"silence":2}`, `{"noise":-100}`, `{"gain":99}`, `{"melt":1}`, `{`} {
		if status, _ := v.do("POST", "/reveal", []byte(`{"from":"stego","damage":`+wrong+`}`)); status != 400 {
			t.Errorf("damage %s: %d", wrong, status)
		}
	}
}

// MP3 is taken, and becomes WAV.
func TestLossyCoverBecomesWAV(t *testing.T) {
	files, err := filepath.Glob("../../audio/mp3/testdata/*.mp3")
	if err != nil || len(files) == 0 {
		t.Fatal("no MP3 to test with")
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	v := visit(t, web.Options{})
	var got soundInfo
	v.result("PUT", "/sounds/recording?name=song.mp3", data, &got)
	if !got.Lossy || got.Kind != "FLAC" || got.Given != "MP3" || got.Frames < 1 || !strings.Contains(got.Format, "16-bit") {
		t.Errorf("%s is %+v", files[0], got)
	}
	// It must not grow without bound.
	v = visit(t, web.Options{MaxRecording: int64(len(data)), MaxPicture: 1})
	if _, b := v.do("PUT", "/sounds/cover?name=song.mp3", data); !bytes.Contains(b, []byte("it would be too large")) {
		t.Errorf("a small MP3 of a large recording: %s", b)
	}
}

// A file that is not lossy but cannot be written becomes FLAC as well, with the samples that it had.
func TestSphereBecomesFLAC(t *testing.T) {
	data, err := os.ReadFile("../../audio/sphere/testdata/timit.sph")
	if err != nil {
		t.Fatal(err)
	}
	v := visit(t, web.Options{})
	var got soundInfo
	v.result("PUT", "/sounds/recording?name=timit.sph", data, &got)
	if got.Lossy || got.Kind != "FLAC" || got.Given != "NIST SPHERE" || got.Becomes != "FLAC (16000 Hz, mono, 16-bit), without its tags" {
		t.Errorf("it is %+v", got)
	}
	want, err := codec.Decode(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	_, file := v.do("GET", "/sounds/recording/file", nil)
	rec, err := flac.Decode(bytes.NewReader(file), int64(len(file)))
	if err != nil || !slices.Equal(rec.Samples[0], want.Samples[0]) {
		t.Errorf("it holds other samples (%v)", err)
	}
}

// What ffmpeg decodes becomes a file that can be written, also where it was one in another encoding; and what was compressed without loss is
// not called lossy.
func TestDecodedByFFmpeg(t *testing.T) {
	apple := filepath.Join(t.TempDir(), "apple.m4a")
	if err := ffmpeg.Run(t.Context(), "-i", "../../audio/wav/testdata/s24.wav", "-c:a", "alac", "-sample_fmt", "s32p", apple); errors.Is(err, ffmpeg.ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]soundInfo{
		apple:                                {Given: "MP4 (AAC or ALAC)", Kind: "FLAC", Format: "44100 Hz, mono, 24-bit", Becomes: "FLAC (44100 Hz, mono, 24-bit), without its tags", Frames: 97},
		"../../audio/wav/testdata/mp3.wav":   {Given: "WAV", Kind: "FLAC", Format: "44100 Hz, mono, 16-bit", Becomes: "FLAC (44100 Hz, mono, 16-bit), without its tags", Lossy: true},
		"../../audio/wav/testdata/a-law.wav": {Given: "WAV", Kind: "WAV", Format: "44100 Hz, mono, 16-bit", Becomes: "WAV (44100 Hz, mono, 16-bit)", Frames: 97},
	} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		v := visit(t, web.Options{})
		var got soundInfo
		v.result("PUT", "/sounds/recording?name="+filepath.Base(name), data, &got)
		if got.Given != want.Given || got.Kind != want.Kind || got.Format != want.Format || got.Lossy != want.Lossy || got.Becomes != want.Becomes || want.Frames > 0 && got.Frames != want.Frames {
			t.Errorf("%s is %+v", name, got)
		}
		_, file := v.do("GET", "/sounds/recording/file", nil)
		rec, err := codec.Decode(bytes.NewReader(file), int64(len(file)))
		if err != nil || int64(rec.Frames()) != int64(got.Frames) {
			t.Errorf("%s: as a file it has %v", name, err)
		}
	}
}

// Whoever hides in what ffmpeg decoded only as far as it went is told.
func TestCutOffForFFmpeg(t *testing.T) {
	name := filepath.Join(t.TempDir(), "song.m4a")
	args := []string{"-f", "lavfi", "-i", "anoisesrc=d=12:a=0.2:r=16000", "-c:a", "aac", "-movflags", "+faststart", name}
	if err := ffmpeg.Run(t.Context(), args...); errors.Is(err, ffmpeg.ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for end, want := range map[int]bool{len(data): false, len(data) * 2 / 3: true} {
		v := visit(t, web.Options{})
		var got struct{ Warnings []report.Warning }
		v.result("PUT", "/sounds/cover?name=song.m4a", data[:end], &got)
		told := slices.ContainsFunc(got.Warnings, func(w report.Warning) bool { return w.Kind == report.Damaged })
		if told != want {
			t.Errorf("%d bytes of %d: warnings %v", end, len(data), got.Warnings)
		}
	}
}

// The page takes every format that there is, and names it.
func TestFormatsOnThePage(t *testing.T) {
	server, _ := serve(t, web.Options{})
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	accept := func(id string) []string {
		m := regexp.MustCompile(`<input type="file" id="` + id + `"[^>]* accept="([^"]*)">`).FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("%s takes no files in particular", id)
		}
		return strings.Split(m[1], ",")
	}
	covers, recordings, pictures := accept("cover-file"), accept("recording-file"), accept("picture-file")
	if !slices.Contains(covers, "audio/*") || !slices.Contains(recordings, "audio/*") || !slices.Contains(pictures, "image/*") {
		t.Errorf("it takes %v, %v and %v", covers, recordings, pictures)
	}
	for _, f := range codec.Readable() {
		if !strings.Contains(page, f.Name()) {
			t.Errorf("the page does not name %s", f)
		}
		for _, extension := range codec.Extensions([]*codec.Format{f}) {
			if !slices.Contains(covers, extension) || !slices.Contains(recordings, extension) {
				t.Errorf("%s is taken wrongly: %v to hide in, %v to reveal from", extension, covers, recordings)
			}
		}
	}
	for _, k := range picture.Readable() {
		if !strings.Contains(page, k.Name) || !slices.Contains(pictures, k.Extensions[0]) {
			t.Errorf("the page does not take %s: %v", k.Name, pictures)
		}
	}
	if got := response.Header.Get("Content-Type"); got != "text/html; charset=utf-8" || strings.Contains(page, "{{") {
		t.Errorf("the page is %s: %.80s", got, page)
	}
}

// Whoever hides in a file that is damaged in the middle, or reveals from one, is told how much of it is lost, and everything else goes on.
func TestDamagedFile(t *testing.T) {
	var file bytes.Buffer
	if err := flac.Encode(&file, sounding(1, 8000, audio.Int16, 8)); err != nil {
		t.Fatal(err)
	}
	mp3, err := os.ReadFile(filepath.Join("..", "..", "audio", "mp3", "testdata", "joint.mp3"))
	if err != nil {
		t.Fatal(err)
	}
	clear(mp3[len(mp3)/2:][:len(mp3)/8])
	told := func(w report.Warning) bool {
		return w.Kind == report.Damaged && strings.HasPrefix(w.Text, "is damaged: 0.") && strings.HasSuffix(w.Text, " s of it cannot be read")
	}
	v := visit(t, web.Options{})
	var got struct {
		Warnings []report.Warning
		Frames   int64
	}
	v.result("PUT", "/sounds/cover?name=a.flac", file.Bytes(), &got)
	if slices.ContainsFunc(got.Warnings, told) || got.Frames == 0 {
		t.Errorf("of a whole one: %v, %d frames", got.Warnings, got.Frames)
	}
	whole := got.Frames
	file.Bytes()[file.Len()/2] ^= 0x55
	v.result("PUT", "/sounds/cover?name=a.flac", file.Bytes(), &got)
	if n := len(slices.DeleteFunc(slices.Clone(got.Warnings), func(w report.Warning) bool { return !told(w) })); n != 1 || got.Frames != whole {
		t.Errorf("told %d times: %v; %d of %d frames", n, got.Warnings, got.Frames, whole)
	}
	v.do("PUT", "/picture", pngFile(t, 24, 20))
	var hidden struct{ Stego struct{ Frames int64 } }
	if v.result("POST", "/hide", []byte(`{"snr":50,"scale":1}`), &hidden); hidden.Stego.Frames != whole {
		t.Errorf("what is made has %d of %d frames", hidden.Stego.Frames, whole)
	}
	_, stego := v.do("GET", "/sounds/stego/file", nil)
	stego[len(stego)/2] ^= 0x55
	v.result("PUT", "/sounds/recording?name=b.flac", stego, new(any))
	if status, b := v.do("GET", "/spectrograms/recording", nil); status != 200 {
		t.Errorf("its spectrogram: %d %.300s", status, b)
	}
	var revealed struct {
		Complete bool
		Damaged  float64
	}
	if v.result("POST", "/reveal", []byte(`{"from":"recording"}`), &revealed); revealed.Damaged < 0.1 || revealed.Damaged > 2 {
		t.Errorf("revealed from a damaged one: %+v", revealed)
	}
	if v.result("PUT", "/sounds/cover?name=a.mp3", mp3, &got); !slices.ContainsFunc(got.Warnings, told) {
		t.Errorf("of an MP3 file: %v", got.Warnings)
	}
}

// Only this machine's own names are answered to: anyone can make a name of their own point here.
func TestHost(t *testing.T) {
	local, _ := serve(t, web.Options{})
	anywhere, _ := serve(t, web.Options{Anywhere: true})
	for host, want := range map[string][2]int{
		"127.0.0.1:8475": {200, 200}, "localhost:8475": {200, 200}, "[::1]:8475": {200, 200}, "127.0.0.1": {200, 200}, "::1": {200, 200},
		"192.168.1.7:8475": {403, 200}, "[fe80::1]:80": {403, 200},
		"evil.example": {403, 403}, "evil.example:8475": {403, 403}, "127.0.0.1.evil.example": {403, 403}, "localhost.evil.example:80": {403, 403}, "localhost.": {403, 403}, "x:1:2": {403, 403},
	} {
		for i, server := range []*httptest.Server{local, anywhere} {
			for _, path := range []string{"/", "/api/about"} {
				request, err := http.NewRequest("GET", server.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Host = host
				response, err := server.Client().Do(request)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				if response.StatusCode != want[i] {
					t.Errorf("host %q, anywhere %v, %s: %d", host, i == 1, path, response.StatusCode)
				}
			}
		}
	}
}

// Other pages can link here and do nothing else.
func TestOtherPages(t *testing.T) {
	v := visit(t, web.Options{})
	own := v.server.URL
	for _, c := range []struct {
		method, url string
		header      map[string]string
		want        int
	}{
		{"POST", own + "/api/sessions", map[string]string{"Origin": "http://evil.example"}, 403},
		{"POST", own + "/api/sessions", map[string]string{"Origin": "null"}, 403},
		{"POST", own + "/api/sessions", map[string]string{"Origin": "http://127.0.0.1:1"}, 403},
		{"POST", own + "/api/sessions", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"POST", own + "/api/sessions", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"PUT", v.base + "/picture", map[string]string{"Origin": "https://evil.example"}, 403},
		{"PUT", v.base + "/picture", map[string]string{"Origin": own, "Sec-Fetch-Site": "same-origin"}, 422},
		{"DELETE", v.base + "/picture", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"GET", v.base + "/picture", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"GET", v.base + "/picture", map[string]string{"Origin": "http://evil.example"}, 403},
		{"GET", own + "/assets/main.js", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"GET", own + "/assets/main.js", map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
		{"GET", own + "/", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
	} {
		request, err := http.NewRequest(c.method, c.url, strings.NewReader("not a picture"))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range c.header {
			request.Header.Set(name, value)
		}
		response, err := v.server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s %s %v: %d, want %d", c.method, strings.TrimPrefix(c.url, own), c.header, response.StatusCode, c.want)
		}
	}
}

// A picture that is too large to come back exactly is scaled down as far as it takes, and not much farther.
func TestExact(t *testing.T) {
	v := visit(t, web.Options{})
	photo, err := os.ReadFile(photo)
	if err != nil {
		t.Fatal(err)
	}
	v.do("PUT", "/picture", photo)
	v.result("PUT", "/sounds/cover?name=a.wav", wavFile(t, sounding(1, 8000, audio.Int16, 5)), new(any))
	var exact struct{ Percent int }
	if status, b := v.do("GET", "/exact?snr=50", nil); status != 200 || json.Unmarshal(b, &exact) != nil || exact.Percent < 20 || exact.Percent > 95 {
		t.Fatalf("%d %s", status, b)
	}
	for percent, want := range map[int]bool{exact.Percent: true, exact.Percent + 6: false} {
		var e struct{ Picture struct{ PSNR float64 } }
		if status, b := v.do("GET", fmt.Sprintf("/estimate?snr=50&scale=%.2f", float64(percent)/100), nil); status != 200 || json.Unmarshal(b, &e) != nil || (e.Picture.PSNR == 100) != want {
			t.Errorf("at %d %%: %d %s", percent, status, b)
		}
	}
	if status, _ := v.do("GET", "/exact?snr=5", nil); status != 400 {
		t.Errorf("a strength that is none: %d", status)
	}
	// Of one that is far too large there is room for something, if not for all.
	v.do("PUT", "/picture", pngFile(t, 3000, 3000))
	if status, b := v.do("GET", "/exact?snr=75", nil); status != 422 || bytes.Contains(b, []byte("no room")) || !bytes.Contains(b, []byte("even at 5 %")) {
		t.Errorf("a picture that is far too large: %d %s", status, b)
	}
}

// Every answer tells the browser to load nothing from elsewhere; the page has no script or style in itself that would need more.
func TestPolicy(t *testing.T) {
	server, _ := serve(t, web.Options{})
	for _, path := range []string{"/", "/assets/main.js", "/assets/style.css", "/api/about", "/nothing"} {
		response, err := server.Client().Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		policy := response.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
			t.Errorf("%s: the policy %q allows too much", path, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		for _, elsewhere := range []string{"http://", "https://", `"//`} {
			text := strings.ReplaceAll(string(body), "http://www.w3.org/2000/svg", "")
			if strings.Contains(text, elsewhere) {
				t.Errorf("%s mentions an address elsewhere: %s", path, elsewhere)
			}
		}
	}
	if got := status(t, server, server.URL+"/assets/../web.go"); got != 404 {
		t.Errorf("a path that leads out: %d", got)
	}
}

// What there is not, or cannot be done, is answered in the words of ditas.
func TestNothingThere(t *testing.T) {
	server, _ := serve(t, web.Options{})
	for _, c := range []struct {
		method, path string
		status       int
		says, allow  string
	}{
		{"GET", "/none", 404, "ditas: there is nothing at this address; the page is at /\n", ""},
		{"GET", "/assets/none.js", 404, "ditas: there is nothing at this address; the page is at /\n", ""},
		{"GET", "/examples/none.wav", 404, "ditas: there is nothing at this address; the page is at /\n", ""},
		{"GET", "/api/none", 404, "ditas: there is nothing at this address; the page is at /\n", ""},
		{"DELETE", "/api/about", 405, "ditas: DELETE is not what can be done at this address\n", "GET, HEAD"},
		{"GET", "/api/sessions", 405, "ditas: GET is not what can be done at this address\n", "POST"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != c.status || string(body) != c.says || response.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, %q, allowed is %q, %v", c.method, c.path, response.StatusCode, body, response.Header.Get("Allow"), err)
		}
	}
}

// Uploads are bounded, whether they say how long they are or not.
func TestBounds(t *testing.T) {
	v := visit(t, web.Options{MaxRecording: 10_000, MaxPicture: 40_000, MaxPixels: 10_000, Sessions: 2})
	for path, size := range map[string]int{"/sounds/cover": 10_001, "/sounds/recording": 10_001, "/picture": 40_001} {
		for _, body := range []io.Reader{bytes.NewReader(make([]byte, size)), struct{ io.Reader }{bytes.NewReader(make([]byte, size))}} {
			request, err := http.NewRequest("PUT", v.base+path, body)
			if err != nil {
				t.Fatal(err)
			}
			response, err := v.server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode != 413 || !bytes.Contains(b, []byte("larger than")) {
				t.Errorf("%s: %d %s", path, response.StatusCode, b)
			}
		}
		if status, b := v.do("PUT", path, nil); status != 422 || !bytes.Contains(b, []byte("empty")) {
			t.Errorf("%s, empty: %d %s", path, status, b)
		}
	}
	if status, b := v.do("PUT", "/picture", pngFile(t, 101, 100)); status == 200 || !bytes.Contains(b, []byte("too large")) || bytes.Count(bytes.ToLower(b), []byte("scale")) != 1 {
		t.Errorf("too many pixels: %d %s", status, b)
	}
	if status, _ := v.do("POST", "/hide", bytes.Repeat([]byte(" "), 1<<17)); status == 200 {
		t.Error("a request of 128 kB was taken")
	}
	for _, wrong := range []string{"snr=5&scale=1", "snr=NaN&scale=1", "snr=50&scale=0", "snr=50&scale=2", ""} {
		if status, _ := v.do("GET", "/estimate?"+wrong, nil); status != 400 {
			t.Errorf("estimate?%s: %d", wrong, status)
		}
	}
	visitAgain(t, v.server, v.temp)
	response, err := v.server.Client().Post(v.server.URL+"/api/sessions", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 503 {
		t.Errorf("one page too many: %d", response.StatusCode)
	}
}

// Of what a page was given nothing has a name on disk, and when the page has gone nothing is left at all.
func TestNothingIsKept(t *testing.T) {
	v := visit(t, web.Options{})
	var cover soundInfo
	v.result("PUT", "/sounds/cover?name=secret-name.wav", wavFile(t, sounding(1, 8000, audio.Int16, 2)), &cover)
	if runtime.GOOS != "windows" {
		filepath.Walk(v.temp, func(path string, info os.FileInfo, err error) error {
			if err == nil && !info.IsDir() {
				t.Errorf("%s is there for all to see", path)
			}
			return nil
		})
	}
	session := v.base + "/sounds/cover/file"
	if status(t, v.server, session) != 200 {
		t.Fatal("the recording is not there")
	}
	v.leave()
	for range 500 {
		if status(t, v.server, session) == 404 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the recording is still there after the page has gone")
}

// Work ends when nobody waits for it: with room for one job, the next one begins, and what was being made is never there.
func TestCancel(t *testing.T) {
	v := visit(t, web.Options{Jobs: 1})
	v.do("PUT", "/picture", pngFile(t, 64, 64))
	v.result("PUT", "/sounds/cover?name=long.wav", wavFile(t, sounding(1, 16000, audio.Int16, 60)), new(any))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "POST", v.base+"/hide", strings.NewReader(`{"snr":50,"scale":1,"passphrase":""}`))
	if err != nil {
		t.Fatal(err)
	}
	response, err := v.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil || !strings.Contains(line, "progress") {
		t.Fatalf("the first event is %s (%v)", line, err)
	}
	cancel()
	response.Body.Close()
	// This waits for the job's place.
	if status, b := v.do("GET", "/estimate?snr=50&scale=1", nil); status != 200 {
		t.Fatalf("%d %s", status, b)
	}
	if status, _ := v.do("GET", "/sounds/stego/file", nil); status != 404 {
		t.Errorf("the job went on to its end: %d", status)
	}
}

// A program that serves for months, and a page that is open for days, hold nothing of pages that have gone and of work that has ended.
func TestWhatHasEndedIsForgotten(t *testing.T) {
	temp := t.TempDir()
	h, err := web.New(web.Options{Temp: temp, Sessions: 100})
	if err != nil {
		t.Fatal(err)
	}
	type mark struct{ path string }
	var pages, jobs atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count := &jobs
		if strings.HasSuffix(r.URL.Path, "/sessions") {
			count = &pages
		}
		m := &mark{r.URL.Path}
		runtime.AddCleanup(m, func(count *atomic.Int32) { count.Add(1) }, count)
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), mark{}, m)))
	}))
	defer server.Close()
	defer h.Close()
	const times = 20
	for range times {
		visitAgain(t, server, temp).leave()
	}
	v := visitAgain(t, server, temp)
	v.result("PUT", "/sounds/recording?name=a.wav", wavFile(t, sounding(1, 8000, audio.Int16, 0.1)), new(any))
	for range times {
		if status, b := v.do("GET", "/spectrograms/recording", nil); status != 200 {
			t.Fatalf("%d %s", status, b)
		}
	}
	// The latest job may be held, and connections hold their last request.
	for range 500 {
		runtime.GC()
		if pages.Load() >= times-2 && jobs.Load() >= times-2 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("of %d pages %d are forgotten, of as many jobs %d", times, pages.Load(), jobs.Load())
}

// Close ends work and pages.
func TestClose(t *testing.T) {
	temp := t.TempDir()
	h, err := web.New(web.Options{Temp: temp})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	v := visitAgain(t, server, temp)
	v.do("PUT", "/picture", pngFile(t, 64, 64))
	v.result("PUT", "/sounds/cover?name=long.wav", wavFile(t, sounding(1, 16000, audio.Int16, 60)), new(any))
	hiding := make(chan []byte)
	go func() {
		response, err := server.Client().Post(v.base+"/hide", "", strings.NewReader(`{"snr":50,"scale":1,"passphrase":""}`))
		if err != nil {
			hiding <- nil
			return
		}
		b, _ := io.ReadAll(response.Body)
		hiding <- b
	}()
	// An upload that does not go on.
	stalled, keep := io.Pipe()
	defer keep.Close()
	begun := make(chan struct{})
	go func() {
		keep.Write([]byte("RIFF"))
		close(begun)
	}()
	go func() {
		request, err := http.NewRequest("PUT", v.base+"/sounds/recording", stalled)
		if err == nil {
			server.Client().Do(request)
		}
	}()
	<-begun
	time.Sleep(20 * time.Millisecond) // work has begun, most likely
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if b := <-hiding; bytes.Contains(b, []byte(`"result"`)) {
		t.Error("work went on")
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if got := status(t, server, server.URL); got != 503 {
		t.Errorf("after the end: %d", got)
	}
}

// What is wrong with a file is said in words, with what to do.
func TestWords(t *testing.T) {
	v := visit(t, web.Options{})
	sound := wavFile(t, sounding(1, 8000, audio.Int16, 2))
	crowd := wavFile(t, &audio.Recording{Format: audio.Format{Rate: 8000, Channels: 65535, Encoding: audio.Int8}, Samples: audio.NewBlock(65535, 3)})
	silent := wavFile(t, channel.Gain(channel.Zero(sounding(1, 8000, audio.Int16, 2), 0, 1<<20), 0))
	joint, err := os.ReadFile("../../audio/mp3/testdata/joint.mp3")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		data []byte
		want string
	}{
		{"/picture", sound, "This is a recording, and a picture is wanted here."},
		{"/picture", []byte("hello"), "This is not a picture that ditas reads."},
		{"/picture", pngFile(t, 20, 20)[:100], "The picture file ends too early."},
		{"/sounds/cover", pngFile(t, 20, 20), "This is a picture, and a recording is wanted here."},
		{"/sounds/cover", []byte("hello"), "This is not a recording that ditas reads."},
		{"/sounds/cover", sound[:20_000], "The recording is cut off after"},
		{"/sounds/cover", joint[:len(joint)/2], "The recording is cut off after"},
		{"/sounds/cover", slices.Concat(joint, joint), "it holds more than one recording"},
		{"/sounds/cover", crowd, "The recording has more than 64 channels."},
		{"/sounds/recording", crowd, "The recording has more than 64 channels."},
		{"/sounds/cover", silent, "The recording is silent, or clipped nearly everywhere: there is nothing to hide in."},
		{"/sounds/cover", wavFile(t, sounding(1, 8000, audio.Int16, 0.15)), "too short: it takes 1.1 s of sound, and there are 0.1 s."},
	} {
		if _, b := v.do("PUT", c.path, c.data); !bytes.Contains(b, []byte(c.want)) || !bytes.Contains(b, []byte(`"hint":"`)) {
			t.Errorf("%s: %s, want %s", c.path, b, c.want)
		}
	}
	t.Setenv("PATH", t.TempDir()) // without ffmpeg
	for _, data := range []string{
		"\x00\x00\x00\x20ftypM4A ", "OggS" + strings.Repeat("\x00", 24) + "Speex   ", "MThd\x00\x00\x00\x06", "Call me Ishmael. Some years ago, never mind",
	} {
		// The command says so, too.
		_, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data)))
		var refusal *codec.Refusal
		if !errors.As(err, &refusal) {
			t.Fatalf("%q: %v", data, err)
		}
		if _, b := v.do("PUT", "/sounds/cover", []byte(data)); !bytes.Contains(b, []byte("This "+refusal.Says+".")) || !bytes.Contains(b, []byte(refusal.Advice[1:]+".")) {
			t.Errorf("%q: %s, want %s", data, b, refusal.Says)
		}
	}
	if status, b := v.do("POST", "/hide", []byte(`{"snr":50,"scale":1}`)); status != 404 {
		t.Errorf("nothing to hide: %d %s", status, b)
	}
	if got := status(t, v.server, v.server.URL+"/api/sessions/nobody/picture"); got != 404 {
		t.Errorf("a session that is not there: %d", got)
	}
}

// What ffmpeg writes is among the files of a page: it may write no more than there is room for.
func TestForeignFilesCount(t *testing.T) {
	dir := t.TempDir()
	seen := filepath.Join(dir, "seen")
	spy := "#!/bin/sh\necho \"$@\" >> '" + seen + "'\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, ffmpeg.Program), []byte(spy), 0o700); err != nil {
		t.Fatal(err)
	}
	const page = 1 << 20
	v := visit(t, web.Options{MaxPage: page})
	t.Setenv("PATH", dir)
	file := append([]byte("\x00\x00\x00\x20ftypM4A "), make([]byte, 100_000)...)
	v.do("PUT", "/sounds/cover?name=a.m4a", file)
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Skip(err) // a system without a shell there
	}
	found := regexp.MustCompile(`-fs (\d+)`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("ffmpeg was told %s", text)
	}
	if most, err := strconv.Atoi(string(found[1])); err != nil || most > page-2*len(file) {
		t.Errorf("ffmpeg may write %d bytes", most)
	}
	// All of it is let go again.
	if status, b := v.do("PUT", "/sounds/cover?name=a.wav", wavFile(t, sounding(2, 8000, audio.Int16, 25))); status != 200 {
		t.Errorf("%d %s", status, b)
	}
}

// Of a picture that is not taken over whole, the page says what is missing, and what is hidden of it is not called exact. What is not read is named,
// in the words of the command.
func TestLosses(t *testing.T) {
	v := visit(t, web.Options{})
	img := image.NewNRGBA(image.Rect(0, 0, 24, 20))
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	const says = "what was transparent was laid over white"
	if status, b := v.do("PUT", "/picture", file.Bytes()); status != 200 || string(b) != `{"width":24,"height":20,"located":false,"losses":["`+says+`"]}`+"\n" {
		t.Fatalf("%d %s", status, b)
	}
	var cover soundInfo
	v.result("PUT", "/sounds/cover?name=a.wav", wavFile(t, sounding(1, 8000, audio.Int16, 3)), &cover)
	var hidden struct {
		Exact  bool
		PSNR   float64
		Losses []string
	}
	// Not scaled it is the file that is hidden, with all that is in it.
	v.result("POST", "/hide", []byte(`{"snr":50,"scale":0.5}`), &hidden)
	if hidden.Exact || hidden.PSNR != 100 || !slices.Equal(hidden.Losses, []string{says}) {
		t.Errorf("hidden %+v", hidden)
	}
	status, b := v.do("PUT", "/picture", []byte("\x00\x00\x00\x0cJXL \r\n\x87\n"))
	if status != 422 || !bytes.Contains(b, []byte("This is JPEG XL, which ditas does not read.")) || !bytes.Contains(b, []byte("Save the picture as JPEG or PNG.")) {
		t.Errorf("%d %s", status, b)
	}
}
