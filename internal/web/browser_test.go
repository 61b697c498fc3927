package web_test

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ditas"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/internal/channel"
	"ditas/internal/passphrase"
	"ditas/internal/racetest"
	"ditas/internal/web"
	"ditas/metric"
	"ditas/picture"
	"ditas/picture/quality"
)

// go test ./internal/web -run TestPage -screenshots /tmp/shots
var screenshots = flag.String("screenshots", "", "write pictures of the page to this `folder`")

const (
	photo  = "../../cmd/ditas/demo/photo.png"
	speech = "../../cmd/ditas/demo/speech.wav"
)

// patience bounds what a test waits for.
const patience = 90 * time.Second

// chromium returns the browser to test with.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here: install it (Debian: apt-get install chromium) to test the page in a browser")
	return ""
}

// tab is a page in a browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// openPage serves the page and opens it in a browser of its own.
func openPage(t *testing.T) (*tab, *httptest.Server) {
	t.Helper()
	chromium(t)
	temp := t.TempDir()
	h, err := web.New(web.Options{Temp: temp, Photo: example(t, photo, "image/png"), Recording: example(t, speech, "audio/wav")})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
		if left, _ := os.ReadDir(temp); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	return browse(t, server.URL), server
}

// browse opens an address in a browser of its own, and waits until the page there is ready.
func browse(t *testing.T, address string) *tab {
	t.Helper()
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1200, 900),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), flags...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page failed: %+v", e.ExceptionDetails)
		case *log.EventEntryAdded:
			// What the policy forbids, among others; what a test does wrong or breaks is no failure.
			if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "status of 4") && !strings.Contains(e.Entry.Text, "net::ERR_") {
				t.Errorf("the page complains: %s %s", e.Entry.Text, e.Entry.URL)
			}
		}
	}))
	t.Cleanup(cancel)
	// The first run starts the browser, which lives as long as its context.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	p := &tab{t, ctx}
	p.visit(address)
	return p
}

// visit goes to an address, and waits until the page there is ready.
func (p *tab) visit(address string) {
	p.t.Helper()
	p.do(chromedp.Navigate(address))
	p.until(`"ready" in document.documentElement.dataset`)
}

func example(t *testing.T, path, kind string) *web.Example {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &web.Example{Name: filepath.Base(path), Type: kind, Credit: "free", Data: data}
}

// shorten writes the first seconds of a recording to another file.
func shorten(t *testing.T, from, to string, seconds int) {
	t.Helper()
	rec, err := codec.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := wav.Encode(&b, channel.Keep(rec, 0, seconds*rec.Format.Rate)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.shot("failed")
		p.t.Fatal(err)
	}
}

// eval returns what a JavaScript expression yields.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// act has JavaScript do something.
func (p *tab) act(script string) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](script))
}

// until waits for a JavaScript expression to become true.
func (p *tab) until(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(0))); err != nil {
		p.shot("failed")
		p.t.Fatalf("waiting for %s: %v\n%s", expression, err, p.problems())
	}
}

// problems returns what the page says went wrong.
func (p *tab) problems() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	s, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`[...document.querySelectorAll(".problem:not([hidden])")].map(e => e.innerText).join("; ")`))
	return s
}

func (p *tab) text(selector string) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf("document.querySelector(%q).innerText", selector))
}

// click clicks the middle of an element once it has stopped moving: a page that still shifts as an answer comes in would be clicked elsewhere.
func (p *tab) click(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	still := fmt.Sprintf(`(async () => {
		const where = () => JSON.stringify(document.querySelector(%q)?.getBoundingClientRect());
		const frame = () => new Promise((resolve) => setTimeout(resolve, 20));
		for (let before, now = where(), same = 0; same < 3; same = now === before ? same + 1 : 0) {
			await frame();
			[before, now] = [now, where()];
		}
	})()`, selector)
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](still, chromedp.EvalAwaitPromise)); err != nil {
		p.t.Fatalf("%s does not stop moving: %v", selector, err)
	}
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// unfold opens a <details>, given its summary.
func (p *tab) unfold(summary string) {
	p.t.Helper()
	p.act(fmt.Sprintf(`document.querySelector(%q).click()`, summary)) // wherever the page shifts it to meanwhile
	p.until(fmt.Sprintf(`document.querySelector(%q).parentElement.open`, summary))
}

// slide sets a slider as a hand would.
func (p *tab) slide(selector string, value int) {
	p.t.Helper()
	p.act(fmt.Sprintf("{ const e = document.querySelector(%q); e.value = %d; e.dispatchEvent(new Event('input', {bubbles: true})); }", selector, value))
}

// give puts a file where it may be dropped.
func (p *tab) give(selector, path string) {
	p.t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		p.t.Fatal(err)
	}
	p.do(chromedp.SetUploadFiles(chromedp.CSS(selector), []string{path}))
}

// shot takes a picture of the whole page, if one is wanted.
func (p *tab) shot(name string) {
	if *screenshots == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Error(err)
		return
	}
	if err := os.MkdirAll(*screenshots, 0o777); err != nil {
		p.t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o666); err != nil {
		p.t.Error(err)
	}
}

// fits checks that nothing is wider than the screen.
func (p *tab) fits() {
	p.t.Helper()
	wide := eval[[]string](p, `document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")].filter(e => {
		const text = document.createRange();
		text.selectNodeContents(e);
		return e.checkVisibility() && Math.max(e.getBoundingClientRect().right, text.getBoundingClientRect().right) > innerWidth;
	}).map(e => e.tagName + "#" + e.id + "." + e.className)`)
	if len(wide) > 0 {
		p.t.Errorf("wider than a screen of %d pixels: %v", eval[int](p, "innerWidth"), wide)
	}
}

// accessible returns what a screen reader learns of an element: its role and its name.
func (p *tab) accessible(selector string) (role, name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.QueryAfter(chromedp.CSS(selector), func(ctx context.Context, t *chromedp.Target, nodes []*chromedp.Node) (chromedp.Void, error) {
		v, err := cdp.Call(ctx, t, accessibility.GetPartialAXTree, accessibility.GetPartialAXTreeParams{NodeID: nodes[0].NodeID})
		if err == nil && len(v.Nodes) > 0 && v.Nodes[0].Role != nil && v.Nodes[0].Name != nil {
			role, name = strings.Trim(string(v.Nodes[0].Role.Value), `"`), strings.Trim(string(v.Nodes[0].Name.Value), `"`)
		}
		return chromedp.Void{}, err
	}))
	if err != nil {
		p.t.Fatal(err)
	}
	return role, name
}

// call is a command of the protocol as an action.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// look is how the page is looked at.
func (p *tab) look(width int64, scheme string) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, 900), call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}), chromedp.Sleep(50*time.Millisecond)) // to be laid out
}

// save clicks something that saves a file, and returns the file's content.
func (p *tab) save(selector string) (name string, content []byte) {
	p.t.Helper()
	dir := p.t.TempDir()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	begun, progress := chromedp.Events(ctx, browser.DownloadWillBegin), chromedp.Events(ctx, browser.DownloadProgress)
	events := true
	p.do(call(browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: dir, EventsEnabled: &events,
	}))
	p.click(selector)
	for e, err := range begun {
		if err != nil {
			p.shot("failed")
			p.t.Fatalf("nothing was saved: %v", err)
		}
		name = e.SuggestedFilename
		break
	}
	var id string
	for e, err := range progress {
		if err != nil {
			p.t.Fatalf("%s was not saved: %v", name, err)
		}
		if e.State == browser.DownloadProgressStateCompleted {
			id = e.GUID
			break
		}
	}
	content, err := os.ReadFile(filepath.Join(dir, id))
	if err != nil {
		p.t.Fatal(err)
	}
	return name, content
}

// Someone hides a photograph in a recording, hears that nothing changed, sees the picture come back, saves the recording, and
// someone else reveals the picture from the file with the passphrase.
func TestPageHidesAndReveals(t *testing.T) {
	racetest.Skip(t)
	p, _ := openPage(t)
	p.look(1200, "light")
	p.shot("1-empty")
	p.check("empty")
	if !eval[bool](p, `document.querySelector("#hide-go").disabled`) {
		t.Error("there is something to hide before anything was given")
	}

	short := filepath.Join(t.TempDir(), "speech.wav")
	shorten(t, speech, short, 10)
	p.give("#picture-file", photo)
	p.give("#cover-file", short)
	p.until(`document.querySelector("#verdict").textContent.includes("come back")`)
	if s := p.text("#verdict"); s != "The picture will come back exactly." {
		t.Errorf("expected: %q", s)
	}
	if s := p.text("#picture-drop figcaption"); !strings.Contains(s, "192×128 pixels") {
		t.Errorf("the picture is %q", s)
	}
	if s := p.text("#cover-drop figcaption"); !strings.Contains(s, "10 s") {
		t.Errorf("the recording is %q", s)
	}
	p.unfold("#more > summary")
	exact := p.text("#detail")
	p.slide("#strength", -75)
	p.until(fmt.Sprintf(`document.querySelector("#room").getAttribute("aria-busy") == "false" && document.querySelector("#detail").innerText != %q`, exact))
	if s := p.text("#verdict"); !strings.Contains(s, " quality: ") {
		t.Errorf("at 75 dB: %q", s)
	}
	p.slide("#strength", -50)
	p.until(fmt.Sprintf(`document.querySelector("#detail").innerText == %q`, exact))
	p.unfold("#lock-summary")
	p.do(chromedp.SendKeys(chromedp.CSS("#passphrase"), "open sesame"))
	p.unfold("#also summary")
	p.do(chromedp.SendKeys(chromedp.CSS("#salt"), "Anna"))
	p.give("#key-file", short)
	p.shot("2-ready")
	p.check("ready to hide")

	p.click("#hide-go")
	p.until(`!document.querySelector("#hidden").hidden`)
	if eval[bool](p, `document.querySelector("#facts").checkVisibility()`) {
		t.Error("who does not ask for numbers gets them all the same")
	}
	p.unfold("#numbers > summary")
	p.until(`/ODG/.test(document.querySelector("#facts").innerText) && document.querySelector("#top").textContent != ""`)
	if s := p.text("#facts"); !strings.Contains(s, "not one value of one pixel differs") || !strings.Contains(s, "SNR 5") {
		t.Errorf("the facts are %q", s)
	}
	if s := p.text("#hidden-lead"); !strings.Contains(s, " The key file is the recording itself, and whoever has that sees") {
		t.Errorf("with the cover as the key file: %q", s)
	}

	// Both versions play at once, and the switch does not stop or move them.
	p.click("#hide-player .play")
	p.until(`/^0:0[1-9]/.test(document.querySelector("#hide-player .time").textContent)`)
	p.click("#hide-player .choice:nth-of-type(2) input")
	if got := eval[string](p, `JSON.stringify(document.querySelector("#hide-player").dataset)`); got != `{"state":"playing","heard":"1"}` {
		t.Errorf("after the switch the player is %s", got)
	}
	p.until(`/^0:0[2-9]/.test(document.querySelector("#hide-player .time").textContent)`)
	p.shot("3-hidden")
	p.check("hidden")
	p.look(1200, "dark")
	p.shot("4-hidden-dark")
	p.look(320, "light")
	p.fits()
	p.shot("4-hidden-phone")
	p.look(1200, "light")
	p.click("#hide-player .play")

	name, stego := p.save("#download")
	if name != "speech-stego.wav" {
		t.Errorf("the recording is saved as %s", name)
	}
	cover, err := codec.ReadFile(short)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := codec.Decode(bytes.NewReader(stego), int64(len(stego)))
	if err != nil {
		t.Fatal(err)
	}
	if snr, err := metric.SNR(cover.Samples[0], changed.Samples[0]); err != nil || snr < 49 || snr > 70 {
		t.Errorf("the saved recording has an SNR of %.1f dB (%v)", snr, err)
	}

	// See it come back at once.
	p.click("#try-reveal")
	p.until(`document.querySelector("#revealed-title").textContent.includes("exactly")`)
	if n := eval[int](p, `document.querySelectorAll("#stages li").length`); n < 3 {
		t.Errorf("%d stages are shown", n)
	}
	p.shot("5-revealed")
	p.check("revealed")

	// Damage it.
	p.unfold("#damage summary")
	p.click(`[data-damage="33,0,11"]`)
	p.until(`document.querySelector("#revealed-title").textContent.includes("survived") && !document.querySelector("#hear").hidden`)
	if s := p.text("#found"); !strings.Contains(s, "missing") {
		t.Errorf("the map says %q", s)
	}
	if s := p.text("#revealed-lead"); !strings.Contains(s, "Parts are missing") {
		t.Errorf("what survived is %q", s)
	}
	p.shot("6-damaged")
	p.look(320, "dark")
	p.fits()
	p.shot("7-damaged-phone-dark")
	p.look(1200, "light")

	// Someone else gets the file alone.
	file := filepath.Join(t.TempDir(), "from-a-friend.wav")
	if err := os.WriteFile(file, stego, 0o666); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.Reload())
	p.until(`"ready" in document.documentElement.dataset`)
	p.click("#tab-reveal")
	p.give("#recording-file", file)
	p.until(`!document.querySelector("#reveal-go").disabled`)
	p.unfold("#key-also summary")
	p.do(chromedp.SendKeys(chromedp.CSS("#key-salt"), "Anna"))
	p.give("#key-key-file", short)
	p.do(chromedp.SendKeys(chromedp.CSS("#key"), "open sesame"+kb.Enter))
	p.until(`document.querySelector("#revealed-title").textContent.includes("exactly")`)
	p.until(`document.querySelector("#save").href.includes("revealed")`)
	_, png := p.save("#save")
	got, err := picture.Decode(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	original, err := os.ReadFile(photo)
	if err != nil {
		t.Fatal(err)
	}
	want, err := picture.Decode(bytes.NewReader(original))
	if err != nil {
		t.Fatal(err)
	}
	if mse, err := quality.MSE(want, got); err != nil || mse != 0 {
		t.Errorf("the picture that is saved differs from the one that was hidden by %g (%v)", mse, err)
	}
}

// The switch between versions neither moves nor stops what is heard: of two ramps of opposite sign the magnitude goes on without a
// step, over the seams between pieces too, but for the few milliseconds of the fade.
func TestPageSwitchesAtOnce(t *testing.T) {
	p, _ := openPage(t)
	type heard struct {
		Before, Switched, After int // samples that go on from the one before, that do not, and that do behind those
		Span, Moved             int // samples from the first that does not to the last, and how far off the recording is then
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	h, err := chromedp.Run(ctx, chromedp.Evaluate[heard](`(async () => {
		const { Player } = await import("/assets/player.js");
		const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
		const samples = [];
		// A context in which what would be heard is written down.
		window.AudioContext = class extends AudioContext {
			constructor(options) { super(options); this.bus = this.createGain(); }
			get destination() { return this.bus; }
			async resume() {
				this.listening ??= this.audioWorklet.addModule("/assets/recorder-worklet.js").then(() => {
					const tap = new AudioWorkletNode(this, "tap", { numberOfOutputs: 0 });
					tap.port.onmessage = ({ data }) => samples.push(...data);
					this.bus.connect(tap);
				});
				await this.listening;
				return super.resume();
			}
		};
		const rate = 8000;
		// The right channel holds what must not leak into the left one.
		const ramp = (sign) => async (from, n) => Float32Array.from({ length: 2 * n }, (_, i) => (i < n ? (sign * (from + i + 1)) / 2 ** 17 : 0.5));
		const root = document.createElement("div");
		root.id = "ramps";
		document.body.append(root);
		const player = new Player(root, { rate, channels: 2, frames: 8 * rate }, [{ label: "up", load: ramp(1) }, { label: "down", load: ramp(-1) }]);
		player.play();
		while (player.now() < 1.2 * rate) await rest(20);
		root.querySelectorAll("input[type=radio]")[1].click();
		while (player.now() < 3 * rate) await rest(20);
		player.pause();
		await rest(50);
		const start = samples.findIndex((v) => v > 0);
		let end = samples.length;
		while (end > 0 && samples[end - 1] >= 0) end--;
		const at = samples.slice(start, end).map((v) => Math.abs(v) * 2 ** 17);
		const breaks = at.map((v, i) => (i && Math.abs(v - at[i - 1] - 1) > 0.5 ? i : 0)).filter(Boolean);
		const [first, last] = [breaks[0] ?? 0, breaks.at(-1) ?? 0];
		return {
			before: first, switched: breaks.length, after: at.length - last, span: last - first,
			moved: Math.round(at.at(-1) - at[0]) - (at.length - 1),
		};
	})()`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	if h.Before < 4000 || h.After < 8000 || h.Switched < 2 || h.Span > 8*80 || h.Moved != 0 {
		t.Errorf("heard %+v", h)
	}
	// Of many channels at a high rate it asks for no more at a time than it gets.
	most, err := chromedp.Run(ctx, chromedp.Evaluate[int](`(async () => {
		const { Player } = await import("/assets/player.js");
		const [rate, channels] = [192000, 16];
		const asked = [];
		const load = async (from, n) => {
			asked.push(n * channels);
			return new Float32Array(n * channels);
		};
		const root = document.createElement("div");
		const player = new Player(root, { rate, channels, frames: 3 * rate }, [{ label: "", load }]);
		player.play();
		while (asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
		player.close();
		return Math.max(...asked);
	})()`, chromedp.EvalAwaitPromise))
	if err != nil || most > 1<<22 {
		t.Errorf("it asks for %d samples at a time (%v)", most, err)
	}
}

// Who has nothing at hand takes the example. Files can be dropped, and work can be cancelled.
func TestPageTakesExampleAndDrops(t *testing.T) {
	racetest.Skip(t)
	p, server := openPage(t)
	p.click("#example")
	p.until(`document.querySelector("#verdict").textContent.includes("come back") && !document.querySelector("#hide-go").disabled`)
	// Both at once, anywhere, and the browser knows no type of either; a picture can be pasted, too.
	p.act(`globalThis.give = async (type, where, width) => {
		const canvas = Object.assign(document.createElement("canvas"), { width, height: 50 });
		const blob = await new Promise((resolve) => canvas.toBlob(resolve));
		const speech = await (await fetch("/examples/speech.wav")).blob();
		const files = new DataTransfer();
		if (type == "drop") files.items.add(new File([speech], "dropped"));
		files.items.add(new File([blob], type == "drop" ? "picture" : "pasted.png"));
		const event = type == "drop" ? new DragEvent(type, { dataTransfer: files, bubbles: true, cancelable: true }) : new ClipboardEvent(type, { clipboardData: files, bubbles: true });
		document.querySelector(where).dispatchEvent(event);
	}; give("drop", "footer", 60); undefined`)
	p.until(`document.querySelector("#picture-given").innerText.includes("60×50 pixels") && document.querySelector("#cover-given").innerText.includes("dropped")`)
	p.act(`give("paste", "body", 70); undefined`)
	p.until(`document.querySelector("#picture-given").innerText.includes("70×50 pixels")`)
	p.until(`!document.querySelector("#hide-go").disabled`)
	p.act(`document.querySelector("#hide-go").click(); document.querySelector("#hide-busy .cancel").click()`)
	p.until(`document.querySelector("#hide-busy").hidden && !document.querySelector("#hide-go").disabled`)
	if s := p.problems(); s != "" || !eval[bool](p, `document.querySelector("#hidden").hidden`) {
		t.Errorf("cancelled, and the page says %q", s)
	}

	// It says so when ditas is gone.
	server.CloseClientConnections()
	p.until(`!document.querySelector("#lost").hidden`)
}

// Who comes for the first time hides a picture by two clicks, without scrolling, can save it at once, and finds out whether the change is heard.
func TestPageHidesInTwoClicks(t *testing.T) {
	racetest.Skip(t)
	p, _ := openPage(t)
	seen := func(selector string) bool {
		return eval[bool](p, fmt.Sprintf(`(() => { const { top, bottom } = document.querySelector(%q).getBoundingClientRect(); return top >= 0 && bottom <= innerHeight })()`, selector))
	}
	for _, size := range [][2]int64{{1280, 800}, {390, 844}} {
		p.look(size[0], "light")
		p.do(chromedp.EmulateViewport(size[0], size[1]), chromedp.Reload())
		p.until(`"ready" in document.documentElement.dataset`)
		for _, selector := range []string{"#example", "#hide-go"} {
			if !seen(selector) {
				t.Errorf("%s is out of sight at %v", selector, size)
			}
		}
		for _, name := range []string{"PSNR", "dB", "lattice", "samples"} {
			if s := p.text("#hide"); strings.Contains(s, name) {
				t.Errorf("the first thing that a newcomer reads is %s, in %q", name, s)
			}
		}
		p.click("#example")
		p.until(`document.querySelector("#verdict").textContent.includes("come back") && !document.querySelector("#hide-go").disabled`)
		if !seen("#hide-go") || eval[float64](p, "scrollY") != 0 || eval[bool](p, `[...document.querySelectorAll("#hide details")].some(e => e.open)`) {
			t.Errorf("the button is out of sight at %v when it is needed", size)
		}
	}
	p.act(`
		window.shared = [];
		navigator.canShare = ({ files }) => files[0].type == "audio/wav";
		navigator.share = async ({ files }) => shared.push(files[0].name + " " + files[0].size);
		crypto.getRandomValues = (array) => array.fill(0);
	`)
	p.click("#hide-go")
	p.until(`!document.querySelector("#hidden").hidden`)
	for _, selector := range []string{"#download", "#share"} {
		if !seen(selector) {
			t.Errorf("%s is out of sight", selector)
		}
	}
	p.click("#share")
	p.until(`shared.length == 1`)
	info, err := os.Stat(speech)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := eval[string](p, `shared[0]`), fmt.Sprintf("speech-stego.wav %d", info.Size()); got != want || p.asks() {
		t.Errorf("shared %q, want %q; and the browser asks whether to leave: %t", got, want, p.asks())
	}

	// With the zeros that are drawn above, A is the one with the picture in it.
	p.click("#blind-player .choice:nth-of-type(2) input")
	p.click("#blind-player .play")
	p.until(`/^0:0[1-9]/.test(document.querySelector("#blind-player .time").textContent)`)
	for i, guess := range []string{"a", "a", "b", "a", "a"} {
		if s := p.text("#blind-score"); !strings.Contains(s, fmt.Sprintf("Round %d of 5", i+1)) || strings.Contains(s, "right") {
			t.Errorf("before the last guess: %q", s)
		}
		p.act(`document.querySelector("#guess-` + guess + `").click()`)
	}
	if s := p.text("#blind-score"); !strings.Contains(s, "right 4 times out of 5") {
		t.Errorf("after the last guess: %q", s)
	}
	p.unfold("#numbers > summary")
	p.click("#blind-player .play")
	p.until(`document.querySelector("#blind-player").dataset.state == "playing"`)
	p.click("#hide-player .play")
	p.until(`document.querySelector("#hide-player").dataset.state == "playing"`)
	if got := eval[string](p, `document.querySelector("#blind-player").dataset.state`); got != "paused" {
		t.Error("two recordings play at once")
	}
}

// Whoever translates the page finds what it says in two files.
func TestPageHasItsWordsInOnePlace(t *testing.T) {
	var files []string
	for _, pattern := range []string{"page/assets/*.js", "site/files/assets/*.js"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	words := regexp.MustCompile("[\"'`][A-Z][a-z’]+( [a-z]+| …|\\.)[^\"'`]*[\"'`]")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := words.FindAll(data, -1); filepath.Base(name) != "words.js" && len(found) > 0 {
			t.Errorf("%s says %q", name, found)
		}
	}
}

// The microphone is a source of recordings, kept without loss. It is used once at a time, and no longer than the button says.
func TestPageRecords(t *testing.T) {
	racetest.Skip(t)
	p, _ := openPage(t)
	usual := p.text("#record")
	p.act(`{
		window.microphones = [];
		const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
		navigator.mediaDevices.getUserMedia = async (what) => {
			// The browser's microphone beeps: square waves, in which nothing can be hidden.
			const stream = await ask(what), context = new AudioContext();
			const mixed = new MediaStreamAudioDestinationNode(context, {channelCount: 1}), tone = new OscillatorNode(context);
			context.createMediaStreamSource(stream).connect(mixed);
			tone.connect(mixed);
			tone.start();
			microphones.push(...mixed.stream.getTracks());
			return mixed.stream;
		};
		const record = document.querySelector("#record");
		record.click();
		record.click();
	}`)
	p.until(`/Stop recording \([2-9]/.test(document.querySelector("#record").innerText)`)
	if n := eval[int](p, `microphones.length`); n != 1 {
		t.Errorf("two clicks take the microphone %d times", n)
	}
	p.shot("9-recording")
	p.click("#record")
	p.until(`document.querySelector("#cover-drop figcaption").innerText.includes("microphone.wav") || !document.querySelector("#cover-problem").hidden`)
	if s := p.text("#cover-drop figcaption"); !strings.Contains(s, "16-bit") || !strings.Contains(s, "mono") {
		t.Errorf("recorded: %q %s", s, p.problems())
	}
	if s := p.text("#record"); s != usual {
		t.Errorf("when it is done the button says %q", s)
	}
	if n := eval[int](p, `microphones.filter(m => m.readyState != "ended").length`); n > 0 {
		t.Errorf("%d microphones are still on", n)
	}
}

// asks reports whether the browser would ask before the page is left.
func (p *tab) asks() bool {
	p.t.Helper()
	return eval[bool](p, `!dispatchEvent(new Event("beforeunload", { cancelable: true }))`)
}

// A result is shown as long as it is one of what is given. What is cancelled leaves nothing, least of all something to save, and the keyboard does not
// lose its place.
func TestPageShowsNothingStale(t *testing.T) {
	racetest.Skip(t)
	p, _ := openPage(t)
	short := filepath.Join(t.TempDir(), strings.Repeat("a_long_name_", 9)+".wav")
	shorten(t, speech, short, 6)
	p.give("#picture-file", photo)
	p.give("#cover-file", short)
	p.until(`!document.querySelector("#hide-go").disabled`)
	p.unfold("#lock-summary")
	p.do(chromedp.SendKeys(chromedp.CSS("#passphrase"), "one"))
	if p.asks() {
		t.Error("the browser asks before a page is left on which nothing is made")
	}
	p.click("#hide-go")
	p.until(`!document.querySelector("#hidden").hidden`)
	if !p.asks() {
		t.Error("what is not saved is lost without a question")
	}
	p.look(320, "light")
	p.fits()
	p.look(1200, "light")
	p.do(chromedp.SendKeys(chromedp.CSS("#passphrase"), "two"))
	if eval[bool](p, `document.querySelector("#download").checkVisibility() || !document.querySelector("#made").hidden`) || p.asks() {
		t.Error("after another passphrase was typed the recording without it is there to be saved")
	}
	for _, change := range []string{
		`document.querySelector("#for-share").click(); document.querySelector("#for-keep").click()`,
		`{ const e = document.querySelector("#size"); e.value = 60; e.dispatchEvent(new Event("input", {bubbles: true})); }`,
		`{ const e = document.querySelector("#salt"); e.value = "Anna"; e.dispatchEvent(new Event("input", {bubbles: true})); }`,
	} {
		p.until(`!document.querySelector("#hide-go").disabled && document.querySelector("#hide-go").ariaDisabled == "false"`)
		p.act(`document.querySelector("#hide-go").click(); ` + change)
		p.until(`document.querySelector("#hide-busy").hidden && document.querySelector("#hide-go").ariaDisabled == "false"`)
		if eval[bool](p, `!document.querySelector("#hidden").hidden`) {
			t.Errorf("hidden all the same after %s", change)
		}
	}
	p.until(`!document.querySelector("#hide-go").disabled`)
	p.act(`document.querySelector("#hide-go").focus(); document.querySelector("#hide-go").click()`)
	if got := eval[string](p, `document.activeElement.id`); got != "hide-go" {
		t.Errorf("while it hides, the focus is at %q", got)
	}
	p.act(`{ const e = document.querySelector("#hide-busy .cancel"); e.focus(); e.click(); }`)
	p.until(`document.querySelector("#hide-busy").hidden`)
	if got := eval[string](p, `document.activeElement.id + " " + document.querySelector("#status").textContent`); got != "hide-go Cancelled." {
		t.Errorf("after it was cancelled, where the focus is and what is announced: %q", got)
	}
	p.click("#hide-go")
	p.until(`!document.querySelector("#hidden").hidden`)
	p.click("#try-reveal")
	if got := eval[string](p, `document.activeElement.id`); got != "tab-reveal" {
		t.Errorf("what was clicked is gone, and the focus is at %q", got)
	}
	p.until(`/^Here/.test(document.querySelector("#revealed-title").textContent) || !document.querySelector("#reveal-problem").hidden`)
	if s := p.problems(); s != "" {
		t.Fatal(s)
	}
	p.until(`document.querySelector("#save").href.includes("revealed") && document.querySelector("#save").checkVisibility()`)
	p.act(`document.querySelector("#reveal-go").click()`)
	if eval[bool](p, `document.querySelector("#save").checkVisibility()`) {
		t.Error("while a picture is revealed the one before it is offered to be saved")
	}
	p.act(`document.querySelector("#reveal-busy .cancel").click()`)
	p.until(`document.querySelector("#reveal-busy").hidden && document.querySelector("#reveal-go").ariaDisabled == "false"`)
	if eval[bool](p, `document.querySelector("#revealed").checkVisibility()`) {
		t.Errorf("cancelled, and the page shows %q", p.text("#revealed"))
	}
	p.click("#reveal-go")
	p.until(`!document.querySelector("#save").hidden && document.querySelector("#save").checkVisibility()`)
	p.do(chromedp.SendKeys(chromedp.CSS("#key"), "three"))
	if eval[bool](p, `document.querySelector("#revealed").checkVisibility()`) {
		t.Error("what another passphrase revealed is shown")
	}
	p.click("#tab-hide")
	p.save("#download")
	if p.asks() {
		t.Error("the browser asks although all is saved")
	}
}

// choose chooses a way of hiding as a hand would.
func (p *tab) choose(method string) {
	p.t.Helper()
	p.act(fmt.Sprintf("{ const e = document.querySelector('#method'); e.value = %q; e.dispatchEvent(new Event('change', {bubbles: true})); }", method))
}

// What the recording is for decides on the way of hiding, and the other way round.
func TestPageAsksWhatFor(t *testing.T) {
	racetest.Skip(t)
	p, _ := openPage(t)
	short := filepath.Join(t.TempDir(), "short.wav")
	shorten(t, speech, short, 5)
	p.give("#picture-file", photo)
	p.give("#cover-file", short)
	p.until(`document.querySelector("#verdict").textContent.includes("come back")`)
	chosen := func() string {
		return eval[string](p, `(document.querySelector("#purposes :checked")?.value ?? "none") + " by " + document.querySelector("#method").value`)
	}
	all := slices.DeleteFunc(ditas.Purposes(), func(p ditas.Purpose) bool { return p.Codec != "" })
	if got := eval[[]string](p, `[...document.querySelectorAll("#purposes input")].map(e => e.value)`); !slices.Equal(got, []string{ditas.Keep, ditas.Share, ditas.Secret}) {
		t.Errorf("there is a choice of %v", got)
	}
	for _, says := range eval[[]string](p, `[...document.querySelectorAll("#purposes label")].map(e => e.innerText)`) {
		if !strings.Contains(says, "survives") {
			t.Errorf("what does it survive? %q", says)
		}
	}
	p.unfold("#more > summary")
	for _, purpose := range slices.Backward(all) {
		switch purpose.Name {
		case ditas.Voice: // a kind of share
			p.click("#for-share")
			p.until(`document.querySelector("#verdict").textContent.includes("come back") && document.querySelector("#room").ariaBusy === "false"`)
			p.click("#voice")
		case ditas.Share:
			p.click("#voice")
		default:
			p.click("#for-" + purpose.Name)
		}
		p.until(`document.querySelector("#verdict").textContent.includes("come back") && document.querySelector("#room").ariaBusy === "false"`)
		want := purpose.Name + " by " + purpose.Method
		if purpose.Name == ditas.Voice {
			want = "share by durable"
		}
		if got := chosen(); got != want || eval[bool](p, `document.querySelector("#voice").checked`) != (purpose.Name == ditas.Voice) {
			t.Errorf("for %s: %s", purpose.Name, got)
		}
		m, err := ditas.MethodNamed(purpose.Method)
		if err != nil {
			t.Fatal(err)
		}
		if s := p.text("#more"); !strings.Contains(s, m.Survives[0]) || !strings.Contains(s, m.Loses[0]) {
			t.Errorf("for %s: %q", purpose.Name, s)
		}
		if open := eval[bool](p, `document.querySelector("#hide-go").disabled`); open != m.SecretOnly {
			t.Errorf("for %s without a passphrase: nothing can be hidden: %t", purpose.Name, open)
		}
		if p.shot("15-for-" + purpose.Name); purpose.Name != ditas.Voice && purpose.Name != ditas.Secret {
			continue
		}
		p.look(320, "dark")
		p.fits()
		p.shot("15-for-" + purpose.Name + "-phone")
		p.look(1200, "light")
		if m.SecretOnly {
			p.click("#suggest")
			p.until(`!document.querySelector("#hide-go").disabled`)
			thrown := eval[string](p, `document.querySelector("#passphrase").value`)
			if n := len(strings.Fields(thrown)); n != passphrase.Words || passphrase.Bits(thrown) < passphrase.Enough {
				t.Errorf("the page suggests %q", thrown)
			}
			for word := range strings.FieldsSeq(thrown) {
				if !slices.Contains(passphrase.List(), word) {
					t.Errorf("the page suggests %s, which is not in the list", word)
				}
			}
			p.click("#suggest") // never the same
			p.until(fmt.Sprintf(`document.querySelector("#passphrase").value != %q`, thrown))
		}
		p.until(`!document.querySelector("#hide-go").disabled`)
		p.click("#hide-go")
		p.until(`!document.querySelector("#hidden").hidden && document.querySelector("#hide-busy").hidden`)
		p.shot("15-hidden-for-" + purpose.Name)
		if s := p.text("#hidden-lead"); !strings.Contains(s, m.Loses[0]) {
			t.Errorf("it is hidden: %q", s)
		}
		if m.SecretOnly {
			p.act(`{ const e = document.querySelector("#passphrase"); e.value = ""; e.dispatchEvent(new Event("input", {bubbles: true})); }`)
			continue
		}
		// The damage that a voice message does can be tried, where there is something to do it.
		p.click("#try-reveal")
		p.until(`/^Here/.test(document.querySelector("#revealed-title").textContent) && !document.querySelector("#save").hidden`)
		if _, err := exec.LookPath("ffmpeg"); err != nil {
			if eval[bool](p, `!document.querySelector("#codec-knob").hidden`) {
				t.Error("a codec is offered that is not there")
			}
		} else {
			p.act(`{ const e = document.querySelector("#codec"); e.value = "opus"; e.dispatchEvent(new Event("input", {bubbles: true})); }`)
			if eval[bool](p, `document.querySelector("#revealed").checkVisibility()`) {
				t.Error("what was revealed without that damage is shown with it")
			}
			p.click("#reveal-go")
			p.until(`!document.querySelector("#reveal-problem").hidden || /^Here/.test(document.querySelector("#revealed-title").textContent) && !document.querySelector("#save").hidden`)
			if s := p.problems(); s != "" || strings.Contains(p.text("#revealed-title"), "exactly") {
				t.Errorf("after Opus: %q %s", p.text("#revealed-title"), s)
			}
		}
		p.click("#tab-hide")
	}
	for method, want := range map[string]string{ditas.Networks: "none by " + ditas.Networks, ditas.Durable: "share by durable"} {
		p.choose(method)
		if got := chosen(); got != want {
			t.Errorf("%s: %s", method, got)
		}
	}
}

// Another way of hiding can be chosen, and the page goes by what it can do: what it hides appears stage by stage too.
func TestPageHidesByAnotherMethod(t *testing.T) {
	racetest.Skip(t)
	p, _ := openPage(t)
	short := filepath.Join(t.TempDir(), "short.wav")
	shorten(t, speech, short, 5)
	p.give("#picture-file", photo)
	p.give("#cover-file", short)
	p.until(`document.querySelector("#verdict").textContent.includes("come back")`)
	all := ditas.Methods()
	if got := eval[[]string](p, `[...document.querySelector("#method").options].map(o => o.value)`); len(got) != len(all) || got[0] != all[0].Name {
		t.Errorf("there is a choice of %v", got)
	}
	if eval[bool](p, `document.querySelector("#method").checkVisibility()`) {
		t.Error("who does not ask for more gets it all the same")
	}
	p.slide("#strength", -55)
	p.unfold("#lock-summary")
	p.do(chromedp.SendKeys(chromedp.CSS("#passphrase"), "typed before"))
	p.unfold("#more > summary")
	p.act(`{
		window.said = [];
		for (const name of ["room", "hide", "reveal"]) {
			const busy = document.querySelector("#" + name + "-busy");
			new MutationObserver(() => said.push(busy.querySelector("span").textContent)).observe(busy, { childList: true, subtree: true });
		}
	}`)
	p.choose(ditas.Networks)
	p.until(`/the picture is scaled down to|The picture fits/.test(document.querySelector("#verdict").textContent) && !document.querySelector("#hide-go").disabled`)
	for _, m := range all {
		if m.Name != ditas.Networks {
			continue
		}
		if s := p.text("#more"); !strings.Contains(s, m.Loses[0]) || !strings.Contains(s, m.Costs) || !strings.Contains(s, m.Survives[0]) {
			t.Errorf("it says of %s: %q", m.Name, s)
		}
		got := eval[[]float64](p, `["min", "max", "value"].map(k => Number(document.querySelector("#strength")[k]))`)
		if want := []float64{-m.MaxSNR, -m.MinSNR, -m.DefaultSNR}; !slices.Equal(got, want) {
			t.Errorf("the strength is %v, want %v", got, want)
		}
	}
	if s := p.text("#passphrase-says"); !strings.Contains(s, "takes no passphrase") || !eval[bool](p, `document.querySelector("#passphrase").disabled`) {
		t.Errorf("a passphrase: %q", s)
	}
	if eval[bool](p, `document.querySelector("#exactly").checkVisibility() || document.querySelector("#fill").checkVisibility()`) {
		t.Error("it is to come back exactly")
	}
	p.shot("12-method")
	p.check("another method")
	p.look(1200, "dark")
	p.shot("12-method-dark")
	p.look(320, "light")
	p.fits()
	p.shot("12-method-phone")
	p.look(1200, "light")
	p.click("#hide-go")
	p.until(`!document.querySelector("#hidden").hidden || !document.querySelector("#hide-problem").hidden`)
	p.unfold("#numbers > summary")
	p.until(`/ODG/.test(document.querySelector("#facts").innerText) && document.querySelector("#top").textContent != ""`)
	if s := p.text("#facts"); strings.Contains(s, "If a piece gets lost") || strings.Contains(s, "NaN") || strings.Contains(s, "undefined") {
		t.Errorf("the facts are %q", s)
	}
	if s := p.text("#hidden-lead"); !strings.Contains(s, "Anyone who has ditas can reveal") || !strings.Contains(s, "or resampling") {
		t.Errorf("it is hidden: %q", s)
	}
	p.shot("13-hidden-by-another-method")
	p.click("#try-reveal")
	p.until(`document.querySelectorAll("#stages img").length == 3 && document.querySelector("#revealed-title").textContent == "Here it is"`)
	if s := p.text("#revealed"); strings.Contains(s, "protected most") || !strings.Contains(s, "Stage 3\narrived") {
		t.Errorf("the page says %q", s)
	}
	p.shot("14-revealed-by-another-method")

	// It said all along what it was doing.
	said := strings.Join(eval[[]string](p, "said"), "\n")
	for _, want := range []string{"Listening to the recording", "Checking what comes back", "Making the picture"} {
		if !strings.Contains(said, want) {
			t.Errorf("it said nothing of %q: %q", want, said)
		}
	}
	if strings.Contains(said, "undefined") {
		t.Errorf("it said %q", said)
	}

	// Back to the usual one, which has been surveyed and keeps its strength.
	p.click("#tab-hide")
	p.choose(all[0].Name)
	p.until(`document.querySelector("#verdict").textContent.includes("come back") && !document.querySelector("#passphrase").disabled`)
	if got := eval[string](p, `document.querySelector("#strength").value + " " + document.querySelector("#passphrase").value`); got != "-55 typed before" {
		t.Errorf("strength and passphrase are %q", got)
	}
}

// A poor recording is taken, and the page says what is wrong with it, to those who listen too.
func TestPageWarns(t *testing.T) {
	racetest.Skip(t)
	p, _ := openPage(t)
	rec, err := codec.ReadFile(speech)
	if err != nil {
		t.Fatal(err)
	}
	poor := filepath.Join(t.TempDir(), "poor.wav")
	var b bytes.Buffer
	if err := wav.Encode(&b, channel.Zero(channel.Gain(channel.Keep(rec, 0, 8*rec.Format.Rate), 30), rec.Format.Rate, 6*rec.Format.Rate)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(poor, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if role, _ := p.accessible("#cover-warnings"); role != "status" {
		t.Errorf("warnings appear in a %s", role)
	}
	p.give("#cover-file", poor)
	p.until(`document.querySelector("#cover-drop figcaption").innerText.includes("poor.wav")`)
	for _, want := range []string{"This recording is digital silence for", "Take a recording that goes on throughout.", "This recording is clipped", "at a lower level."} {
		if s := p.text("#cover-warnings"); !strings.Contains(s, want) {
			t.Errorf("it warns %q, want %s", s, want)
		}
	}
	p.click("#for-share")
	p.until(`document.querySelector("#room-busy").hidden && !document.querySelector("#verdict").textContent.includes("listens")`)
	if s := p.text("#cover-warnings"); !strings.Contains(s, "This recording is clipped") {
		t.Errorf("for another purpose it warns %q", s)
	}
	p.click("#for-keep")
	p.check("warnings")
	for _, scheme := range []string{"dark", "light"} {
		p.look(1200, scheme)
		p.shot("15-warnings-" + scheme)
	}
	p.look(320, "light")
	p.fits()
	p.give("#cover-file", speech)
	p.until(`document.querySelector("#cover-drop figcaption").innerText.includes("speech.wav")`)
	if s := p.text("#cover-warnings"); s != "" {
		t.Errorf("of a good recording: %q", s)
	}
	// No recording of 16 bits takes so small a change.
	p.give("#picture-file", photo)
	p.until(`!document.querySelector("#hide-go").disabled`)
	p.slide("#strength", -90)
	p.until(`document.querySelector("#verdict").textContent.includes("too quiet")`)
	if s := p.text("#advice"); !strings.Contains(s, " dB, or make the recording louder") || !eval[bool](p, `document.querySelector("#hide-go").disabled`) {
		t.Errorf("of a strength that it cannot have: %q", s)
	}
	p.look(1200, "light")
	p.shot("16-too-quiet")
}

// Whoever gives another recording is told nothing any more of the one before it.
func TestPageTakesAnotherRecording(t *testing.T) {
	racetest.Skip(t)
	p, _ := openPage(t)
	short := filepath.Join(t.TempDir(), "short.wav")
	shorten(t, speech, short, 2)
	p.give("#picture-file", photo)
	p.give("#cover-file", speech)
	p.until(`!document.querySelector("#hide-go").disabled`)
	p.click("#hide-go")
	p.give("#cover-file", short)
	p.until(`document.querySelector("#cover-drop figcaption").innerText.includes("short.wav")`)
	p.until(`document.querySelector("#hide-busy").hidden`)
	if eval[bool](p, `document.querySelector("#hidden").checkVisibility()`) {
		t.Errorf("of a recording that has been replaced: %q", p.text("#hidden-lead"))
	}

	// Reading and listening can be cancelled, and done again.
	p.act(`{
		const [input, files] = [document.querySelector("#cover-file"), new DataTransfer()];
		files.items.add(new File(["RIFF"], "never.wav"));
		input.files = files.files;
		input.dispatchEvent(new Event("change"));
		const cancel = document.querySelector("#cover-busy .cancel");
		cancel.focus();
		cancel.click();
	}`)
	p.until(`document.querySelector("#cover-busy").hidden`)
	if got := eval[string](p, `document.activeElement.id`); got != "cover-file" || p.problems() != "" || !strings.Contains(p.text("#cover-given"), "short.wav") {
		t.Errorf("reading was cancelled: the focus is at %q, %s, %s", got, p.problems(), p.text("#cover-given"))
	}
	p.act(`{ document.querySelector("#for-secret").click(); const cancel = document.querySelector("#room-busy .cancel"); cancel.focus(); cancel.click(); }`)
	p.until(`document.querySelector("#room-busy").hidden && document.querySelector("#listen").checkVisibility()`)
	if got := eval[string](p, `document.activeElement.id`); got != "listen" || !eval[bool](p, `document.querySelector("#hide-go").disabled`) {
		t.Errorf("listening was cancelled, and the focus is at %q", got)
	}
	p.click("#listen")
	p.until(`document.querySelector("#room").ariaBusy == "false" && !document.querySelector("#verdict").classList.contains("waiting")`)

	// The search through one in which nothing is hidden takes a while.
	p.click("#tab-reveal")
	p.give("#recording-file", speech)
	p.until(`!document.querySelector("#reveal-go").disabled`)
	p.click("#reveal-go")
	p.give("#recording-file", short)
	p.until(`document.querySelector("#recording-drop figcaption").innerText.includes("short.wav")`)
	p.until(`document.querySelector("#reveal-busy").hidden && document.querySelector("#reveal-go").ariaDisabled == "false"`)
	if s := p.problems(); s != "" {
		t.Errorf("of a recording that has been replaced: %q", s)
	}
}

// What goes wrong is said where it happened, in words.
func TestPageExplains(t *testing.T) {
	racetest.Skip(t)
	p, _ := openPage(t)
	p.give("#picture-file", speech)
	p.until(`!document.querySelector("#picture-problem").hidden`)
	if s := p.text("#picture-problem"); !strings.Contains(s, "This is a recording, and a picture is wanted here.") || !strings.Contains(s, "PNG") {
		t.Errorf("a recording for a picture: %q", s)
	}
	p.give("#cover-file", photo)
	p.until(`!document.querySelector("#cover-problem").hidden`)
	if s := p.text("#cover-problem"); !strings.Contains(s, "This is a picture, and a recording is wanted here.") {
		t.Errorf("a picture for a recording: %q", s)
	}
	p.click("#tab-reveal")
	innocent := filepath.Join(t.TempDir(), "innocent.wav")
	shorten(t, speech, innocent, 3)
	p.give("#recording-file", innocent)
	p.until(`!document.querySelector("#reveal-go").disabled`)
	p.do(chromedp.SendKeys(chromedp.CSS("#key"), "open says me"))
	p.click("#reveal-go")
	p.until(`!document.querySelector("#reveal-problem").hidden`)
	if s := p.text("#reveal-problem"); !strings.Contains(s, "Nothing was found in this recording.") || !strings.Contains(s, "another passphrase") {
		t.Errorf("an innocent recording: %q", s)
	}
	p.shot("8-nothing-found")
	p.check("nothing found")
}

// The page works without a mouse, at the width of a phone, for those who hear it read, and in the dark.
func TestPageIsForEverybody(t *testing.T) {
	racetest.Skip(t)
	p, _ := openPage(t)
	for _, width := range []int64{320, 390, 1200} {
		for _, name := range []string{"hide", "reveal"} {
			p.look(width, "light")
			p.click("#tab-" + name)
			p.fits()
			if width == 390 {
				p.shot("10-phone-" + name)
			}
		}
	}
	p.click("#tab-hide")
	light := eval[string](p, `getComputedStyle(document.documentElement).backgroundColor`)
	p.look(1200, "dark")
	if dark := eval[string](p, `getComputedStyle(document.documentElement).backgroundColor`); dark == light {
		t.Errorf("the page is %s in the dark too", dark)
	}
	p.shot("11-dark")

	// Tab goes through the page in the order in which it is read, and arrows between the tabs.
	p.do(chromedp.Reload())
	p.until(`"ready" in document.documentElement.dataset`)
	var order []string
	for range 12 {
		p.do(chromedp.KeyEvent(kb.Tab))
		order = append(order, eval[string](p, `document.activeElement.id`))
	}
	if got, want := strings.Join(order[1:], " "), "tab-hide picture-file cover-file example record for-keep lock-summary more-summary"; !strings.HasPrefix(got, want) {
		t.Errorf("the order of keys is %s, want %s", got, want)
	}
	p.do(chromedp.Focus(chromedp.CSS("#tab-hide")), chromedp.KeyEvent(kb.ArrowRight))
	if got := eval[string](p, `document.activeElement.id + " " + document.querySelector("#reveal").hidden`); got != "tab-reveal false" {
		t.Errorf("an arrow leads to %s", got)
	}

	// Each tab has an address, and the way back leads to the other one.
	if got := eval[string](p, `location.hash`); got != "#reveal" {
		t.Errorf("the address of a tab is %q", got)
	}
	p.act(`history.back()`)
	p.until(`document.querySelector("#reveal").hidden && document.querySelector("#tab-hide").ariaSelected == "true"`)
	p.act(`history.forward()`)
	p.until(`document.querySelector("#hide").hidden`)
	p.do(chromedp.Reload())
	p.until(`"ready" in document.documentElement.dataset`)
	if eval[bool](p, `document.querySelector("#reveal").hidden`) {
		t.Error("the address of a tab leads to the other one")
	}

	p.do(chromedp.EmulateViewport(1200, 300), chromedp.Focus(chromedp.CSS("#tab-hide")), chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.End), chromedp.Sleep(300*time.Millisecond))
	if got := eval[string](p, `document.activeElement.id + " " + scrollY`); got != "tab-reveal 0" {
		t.Errorf("the last tab, and how far the page has scrolled away from it: %s", got)
	}

	// What is chosen is seen where colours are the reader's own.
	p.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}}}))
	p.until(`getComputedStyle(document.querySelector("#purposes label:has(:checked)")).outlineStyle == "solid"`)
	p.shot("11-forced-colours")
	p.look(1200, "light")

	// A screen reader finds the parts by their roles, and what was given by its name.
	for _, c := range []struct{ selector, role, name string }{
		{"#tab-reveal", "tab", "Reveal"}, {"#strength", "slider", "Strength"}, {"#size", "slider", "Size of the picture"},
		{"#picture-file", "button", "A picture"}, {"#passphrase", "textbox", "Passphrase"}, {"#hide-go", "button", "Hide the picture"},
	} {
		p.click("#tab-hide")
		p.act(`document.querySelector("#lock").open = document.querySelector("#more").open = true`)
		role, name := p.accessible(c.selector)
		if role != c.role || !strings.Contains(name, c.name) {
			t.Errorf("%s is a %s called %q to a screen reader", c.selector, role, name)
		}
	}

	p.check("with all unfolded")
	p.click("#tab-reveal")
	p.check("revealing")
}

// axe is a checker of pages for people with disabilities, axe-core 4.14.1 by Deque Systems (MPL 2.0, <https://github.com/dequelabs/axe-core>).
//
//go:embed testdata/axe.min.js
var axe string

// check checks what the page shows in a state, in the light, in the dark and in forced colours.
func (p *tab) check(state string) {
	p.t.Helper()
	if !eval[bool](p, `"axe" in window`) {
		p.act(axe)
	}
	forced := func(value string) {
		p.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "forced-colors", Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}}))
	}
	for _, look := range []string{"light", "dark", "forced colours"} {
		if look == "forced colours" {
			forced("active")
		} else {
			p.look(1200, look)
		}
		p.act(`delete window.axed; axe.run().then((r) => { window.axed = r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.failureSummary + " " + n.html.slice(0, 200))) }, (e) => { window.axed = [String(e)] }); undefined`)
		p.until(`"axed" in window`)
		for _, s := range eval[[]string](p, `axed`) {
			p.t.Errorf("%s, %s: %s", state, look, s)
		}
	}
	forced("none")
	p.look(1200, "light")
}

// When a page goes its session does, with all that it was given.
func TestPageLeaves(t *testing.T) {
	racetest.Skip(t)
	p, server := openPage(t)
	p.give("#cover-file", speech)
	p.until(`!document.querySelector("#cover-drop .given").hidden`)
	p.until(`performance.getEntriesByType("resource").some(e => e.name.includes("/spectrograms/cover"))`)
	session := eval[string](p, `performance.getEntriesByType("resource").map(e => e.name).find(n => n.includes("/spectrograms/cover"))`)
	if status(t, server, session) != 200 {
		t.Fatalf("%s is not there", session)
	}
	p.do(chromedp.Navigate("about:blank"))
	for range 400 {
		if status(t, server, session) == 404 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the recording is still there after the page has gone")
}

// The page says of a photograph that it says where it was taken, and gives back the very file; and any file that somebody hid.
func TestPageGivesBackTheFile(t *testing.T) {
	racetest.Skip(t)
	p, _ := openPage(t)
	p.look(1200, "light")
	dir := t.TempDir()
	beach, cover, letter := filepath.Join(dir, "beach.jpg"), filepath.Join(dir, "speech.wav"), filepath.Join(dir, "letter.wav")
	photograph := jpegFile(t)
	if err := os.WriteFile(beach, photograph, 0o600); err != nil {
		t.Fatal(err)
	}
	shorten(t, speech, cover, 10)
	p.give("#picture-file", beach)
	p.until(`!document.querySelector("#strip-line").hidden`)
	p.give("#cover-file", cover)
	p.until(`document.querySelector("#verdict").textContent.includes("come back exactly")`)
	p.click("#hide-go")
	p.until(`!document.querySelector("#hidden").hidden`)
	p.unfold("#numbers > summary")
	p.until(`document.querySelector("#facts").innerText`)
	if s := p.text("#facts"); !strings.Contains(s, "the very file") || !strings.Contains(s, "beach.jpg") {
		t.Errorf("the facts are %q", s)
	}
	p.shot("8-file-hidden")
	p.click("#try-reveal")
	p.until(`document.querySelector("#revealed-title").textContent.includes("the very file") && !document.querySelector("#save").hidden`)
	if s := p.text("#stages"); !strings.Contains(s, "The file itself") {
		t.Errorf("the stages are %q", s)
	}
	p.shot("9-file-revealed")
	if name, data := p.save("#save"); name != "beach.jpg" || !bytes.Equal(data, photograph) {
		t.Errorf("%d bytes are saved as %s", len(data), name)
	}

	rec, err := codec.OpenFile(cover)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	var stego bytes.Buffer
	text := &ditas.File{Name: "letter.html", Data: []byte("<script>document.title = 'taken'</script>")}
	if _, err := ditas.Hide(t.Context(), &stego, rec, nil, ditas.Public(), ditas.HideOptions{File: text}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(letter, stego.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p.click("#tab-reveal")
	p.give("#recording-file", letter)
	p.until(`document.querySelector("#recording-given").textContent.includes("letter.wav") && !document.querySelector("#reveal-go").disabled`)
	p.click("#reveal-go")
	p.until(`document.querySelector("#save").textContent == "Save letter.html" && !document.querySelector("#save").hidden`)
	p.shot("10-any-file-revealed")
	if name, data := p.save("#save"); name != "letter.html" || !bytes.Equal(data, text.Data) {
		t.Errorf("%d bytes are saved as %s", len(data), name)
	}
}
