package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"ditas/internal/racetest"
	"ditas/internal/web"
	"ditas/picture"
	"ditas/picture/quality"
)

// The static site, which needs no server, does what the page of ditas serve does.
func TestSite(t *testing.T) {
	racetest.Skip(t)
	chromium(t)
	dir := t.TempDir()
	if said, err := exec.Command("go", "run", "./site", dir).CombinedOutput(); err != nil {
		t.Fatalf("writing the site: %v\n%s", err, said)
	}
	t.Run("size", func(t *testing.T) { testSiteSize(t, dir) })
	t.Run("offline", func(t *testing.T) { testSiteOffline(t, dir) })
	t.Run("same", func(t *testing.T) { testSiteSame(t, dir) })
}

// later are the files that a visit does not begin with.
var later = []string{".safetensors", "examples", "hevc.wasm.gz", "av1.wasm.gz", "words.txt"}

// What a visit begins with takes less than 3.5 MB, and nothing asks for another place than the folder.
func testSiteSize(t *testing.T, dir string) {
	var sum int64
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || slices.ContainsFunc(later, func(part string) bool { return strings.Contains(name, part) }) {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, root := range []string{`"/assets`, `="/`, `url(/`} {
			if filepath.Ext(name) != ".gz" && bytes.Contains(data, []byte(root)) {
				t.Errorf("%s asks for something at the host's root: %s", name, root)
			}
		}
		packed := counting(0)
		z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(data); err != nil {
			return err
		}
		err = z.Close()
		sum += int64(packed)
		return err
	})
	if err != nil || sum < 1_000_000 || sum > 3_500_000 {
		t.Errorf("a visit begins with %d bytes, compressed (%v)", sum, err)
	}
	t.Logf("a visit begins with %d bytes", sum)
}

// counting counts what is written.
type counting int64

func (c *counting) Write(p []byte) (int, error) {
	*c += counting(len(p))
	return len(p), nil
}

// serveSite serves the site in a subfolder of a server that knows of nothing else, and opens it in a browser.
func serveSite(t *testing.T, h http.Handler) (p *tab, server *httptest.Server, address string) {
	t.Helper()
	server = httptest.NewServer(http.StripPrefix("/some/where", h))
	t.Cleanup(server.Close)
	address = server.URL + "/some/where/"
	return browse(t, address), server, address
}

// Someone hides a picture, first with a server of files and then without a network, takes it back, and hides it again. Someone else reveals it.
func testSiteOffline(t *testing.T, dir string) {
	p, server, address := serveSite(t, http.FileServer(http.Dir(dir)))
	temp := t.TempDir()
	cover, stego := filepath.Join(temp, "speech.wav"), filepath.Join(temp, "stego.wav")
	shorten(t, speech, cover, 10)
	original, err := os.ReadFile(photo)
	if err != nil {
		t.Fatal(err)
	}
	p.look(1200, "light") // without motion, which a busy browser does by fits and starts
	p.until(`navigator.serviceWorker.controller !== null`)
	p.check("the site")
	foreignCover := cover
	if _, err := exec.LookPath("ffmpeg"); err == nil { // what the browser decodes becomes WAV, at its own rate
		for _, name := range []string{"memo.m4a", "memo.webm"} {
			foreign := filepath.Join(temp, name)
			if said, err := exec.Command("ffmpeg", "-i", cover, "-ar", "24000", foreign).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			p.give("#cover-file", foreign)
			p.until(`document.querySelector("#cover-drop figcaption").innerText.includes("memo.wav")`)
			want := map[string]string{"memo.m4a": "24000 Hz", "memo.webm": "48000 Hz"}[name] // Opus has one rate
			if s := p.text("#cover-drop figcaption"); !strings.Contains(s, "10 s") || !strings.Contains(s, want) {
				t.Errorf("%s becomes %q", name, s)
			}
			p.visit(address)
		}
		foreignCover = filepath.Join(temp, "memo.m4a")
	}
	for _, c := range []struct {
		cover, passphrase string
		offline           bool
	}{{foreignCover, "", false}, {cover, "of dice", true}} {
		if c.offline {
			server.Close()
			p.visit(address)
		}
		p.give("#picture-file", photo)
		p.give("#cover-file", c.cover)
		p.until(`document.querySelector("#verdict").textContent.includes("come back")`)
		p.unfold("#lock-summary")
		if c.passphrase != "" { // one of dice, also without a network
			p.click("#suggest")
			p.until(`document.querySelector("#passphrase").value.split(" ").length == 6`)
			c.passphrase = eval[string](p, `document.querySelector("#passphrase").value`)
		}
		p.click("#hide-go")
		p.click("#hide-busy .cancel")
		p.until(`document.querySelector("#hide-busy").hidden && !document.querySelector("#hide-go").disabled`)
		if !eval[bool](p, `document.querySelector("#hidden").hidden`) {
			t.Error("what was cancelled is shown")
		}
		p.click("#hide-go")
		p.until(`!document.querySelector("#hidden").hidden && !document.querySelector("#hide-go").disabled`)
		name, data := p.save("#download")
		if want := strings.TrimSuffix(filepath.Base(c.cover), filepath.Ext(c.cover)) + "-stego.wav"; name != want {
			t.Errorf("the recording is saved as %s, want %s", name, want)
		}
		if s := p.text("#hidden-lead"); strings.Contains(s, "same kind of file") != (c.cover == cover) {
			t.Errorf("%s with a picture in it: %q", filepath.Base(c.cover), s)
		}
		if err := os.WriteFile(stego, data, 0o666); err != nil {
			t.Fatal(err)
		}
		p.visit(address) // as somebody else would
		p.click("#tab-reveal")
		p.give("#recording-file", stego)
		p.until(`!document.querySelector("#reveal-go").disabled`)
		p.typed("#key", c.passphrase)
		p.click("#reveal-go")
		p.until(`document.querySelector("#revealed-title").textContent.includes("exactly") && !document.querySelector("#save").hidden`)
		_, png := p.save("#save")
		if mse, err := quality.MSE(decoded(t, original), decoded(t, png)); err != nil || mse != 0 {
			t.Errorf("with the passphrase %q the picture that is saved differs from the one that was hidden by %g (%v)", c.passphrase, mse, err)
		}
	}
}

// typed types a text into a field.
func (p *tab) typed(selector, text string) {
	p.t.Helper()
	if text != "" {
		p.do(chromedp.SendKeys(chromedp.CSS(selector), text))
	}
}

func decoded(t *testing.T, file []byte) *picture.Planes {
	t.Helper()
	p, err := picture.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sevens is a source of randomness that is none.
type sevens struct{}

func (sevens) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 7
	}
	return len(p), nil
}

// With the same random numbers the browser reads the same pictures and makes the same recordings as the program, byte for byte.
func testSiteSame(t *testing.T, dir string) {
	const unrandom = `crypto.getRandomValues = (array) => array.fill(7);`
	p, _, _ := serveSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "worker.js") && !strings.HasSuffix(r.URL.Path, "service-worker.js") {
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprintln(w, unrandom)
			script, err := os.ReadFile(filepath.Join(dir, "worker.js"))
			if err != nil {
				t.Error(err)
			}
			w.Write(script)
			return
		}
		http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
	}))
	random := rand.Reader
	rand.Reader = sevens{}
	t.Cleanup(func() { rand.Reader = random })
	v := visit(t, web.Options{})
	cover := filepath.Join(t.TempDir(), "speech.wav")
	shorten(t, speech, cover, 10)
	recording, err := os.ReadFile(cover)
	if err != nil {
		t.Fatal(err)
	}
	js := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	p.act(`globalThis.begun = (async () => {
		const [{ Session }, { ask }] = await Promise.all([import("./assets/api.js"), import("./assets/backend.js")]);
		const session = await Session.open(() => {});
		return {
			session,
			bytes: (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)),
			async hash(path) {
				const answer = await (await ask(session.url(path))).arrayBuffer();
				return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", answer)), (b) => b.toString(16).padStart(2, "0")).join("");
			},
		};
	})(); undefined`)
	// same checks that after what JavaScript does, and the program has done, both give the same at a path.
	same := func(what, path, script string) {
		t.Helper()
		code, want := v.do("GET", path, nil)
		if code != http.StatusOK {
			t.Fatalf("%s: %d", what, code)
		}
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		defer cancel()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`(async () => {
			const { session, bytes, hash } = await begun;
			%s
			return hash(%s);
		})()`, script, js(path)), chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if sum := sha256.Sum256(want); hex.EncodeToString(sum[:]) != got {
			t.Errorf("%s: the browser gives something else than the program", what)
		}
	}
	for _, name := range []string{"../../picture/testdata/heif/grid.heic", "../../picture/testdata/heif/alpha.avif", photo} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		path := "/picture?name=" + filepath.Base(name)
		if code, said := v.do("PUT", path, data); code != http.StatusOK {
			t.Fatalf("%d: %s", code, said)
		}
		same(path, "/picture", fmt.Sprintf("await session.put(%s, bytes(%s));", js(path), js(data)))
	}
	for _, c := range []struct{ purpose, passphrase string }{{"keep", ""}, {"share", ""}, {"secret", "open sesame"}} {
		request := js(map[string]any{"for": c.purpose, "scale": 1, "snr": 50, "passphrase": c.passphrase})
		path := "/sounds/cover?name=speech.wav&for=" + c.purpose
		v.result("PUT", path, recording, new(any))
		v.result("POST", "/hide", []byte(request), new(any))
		same(c.purpose, "/sounds/stego/file", fmt.Sprintf(`await session.work("PUT", %s, bytes(%s), {});
			await session.work("POST", "/hide", %s, {});`, js(path), js(recording), js(request)))
	}
}
