package web_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ditas/internal/racetest"
	"ditas/internal/web"
)

// firefox is a Firefox without a window, which is driven by its own protocol, Marionette: a length in decimal digits, a colon, and so many bytes of JSON each way.
type firefox struct {
	t    *testing.T
	conn net.Conn
	from *bufio.Reader
	last int // number of the last command
}

// openFirefox starts a Firefox with a new profile.
func openFirefox(t *testing.T) *firefox {
	t.Helper()
	var path string
	for _, name := range []string{"firefox-esr", "firefox"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Firefox here: install it (Debian: apt-get install firefox-esr) to test the page in it")
	}
	profile := t.TempDir()
	preferences := `user_pref("marionette.port", 0);` + "\n" + `user_pref("datareporting.policy.dataSubmissionEnabled", false);` + "\n"
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-remote", "--marionette", "--profile", profile)
	cmd.Env = append(os.Environ(), "HOME="+profile)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	f := &firefox{t: t}
	for end := time.Now().Add(patience); f.conn == nil; time.Sleep(50 * time.Millisecond) {
		port, err := os.ReadFile(filepath.Join(profile, "MarionetteActivePort"))
		if err == nil {
			f.conn, err = net.Dial("tcp", net.JoinHostPort("127.0.0.1", strings.TrimSpace(string(port))))
		}
		if err != nil && time.Now().After(end) {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { f.conn.Close() })
	f.conn.SetDeadline(time.Now().Add(4 * patience))
	f.from = bufio.NewReader(f.conn)
	f.read() // what it says of itself
	f.command("WebDriver:NewSession", map[string]any{})
	f.command("WebDriver:SetTimeouts", map[string]any{"script": patience.Milliseconds()})
	return f
}

// read returns a message.
func (f *firefox) read() []byte {
	f.t.Helper()
	length, err := f.from.ReadString(':')
	if err != nil {
		f.t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, ":"))
	if err != nil {
		f.t.Fatal(err)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(f.from, text); err != nil {
		f.t.Fatal(err)
	}
	return text
}

// command has Firefox do something, and returns what comes of it.
func (f *firefox) command(name string, parameters map[string]any) json.RawMessage {
	f.t.Helper()
	f.last++
	text, err := json.Marshal([]any{0, f.last, name, parameters})
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f.conn, "%d:%s", len(text), text); err != nil {
		f.t.Fatal(err)
	}
	var answer [4]json.RawMessage // its kind, the command's number, an error or null, and what comes of it
	if err := json.Unmarshal(f.read(), &answer); err != nil {
		f.t.Fatal(err)
	}
	if string(answer[2]) != "null" {
		f.t.Fatalf("%s: %s", name, answer[2])
	}
	return answer[3]
}

// until waits until an expression is true in the page.
func (f *firefox) until(expression string) {
	f.t.Helper()
	script := fmt.Sprintf(`const [done] = arguments, at = setInterval(() => { if (%s) { clearInterval(at); done(); } }, 50)`, expression)
	f.command("WebDriver:ExecuteAsyncScript", map[string]any{"script": script, "args": []any{}})
}

// click clicks an element as a person does.
func (f *firefox) click(selector string) {
	f.t.Helper()
	var found struct{ Value map[string]string }
	text := f.command("WebDriver:FindElement", map[string]any{"using": "css selector", "value": selector})
	if err := json.Unmarshal(text, &found); err != nil {
		f.t.Fatal(err)
	}
	for _, id := range found.Value {
		f.command("WebDriver:ElementClick", map[string]any{"id": id})
	}
}

// hidesAndReveals takes the example on the page at an address, hides it, and has it come back.
func (f *firefox) hidesAndReveals(address string) {
	f.command("WebDriver:Navigate", map[string]any{"url": address})
	f.until(`"ready" in document.documentElement.dataset`)
	f.command("WebDriver:ExecuteScript", map[string]any{"args": []any{}, "script": `
		window.wrong = [];
		addEventListener("error", (event) => wrong.push(event.message));
		addEventListener("unhandledrejection", (event) => wrong.push(String(event.reason)));`})
	f.click("#example")
	f.until(`!document.querySelector("#hide-go").disabled`)
	f.click("#hide-go")
	f.until(`!document.querySelector("#hidden").hidden && document.querySelector("#download").href`)
	f.click("#try-reveal")
	f.until(`!document.querySelector("#save").hidden && document.querySelector("#save").href`)
	text := f.command("WebDriver:ExecuteScript", map[string]any{"args": []any{}, "script": `
		return JSON.stringify([wrong, [...document.querySelectorAll(".problem")].map((p) => p.hidden ? "" : p.innerText).join(""), document.querySelector("#revealed-lead").innerText])`})
	var is struct{ Value string }
	if err := json.Unmarshal(text, &is); err != nil {
		f.t.Fatal(err)
	}
	if !strings.HasPrefix(is.Value, `[[],"",`) || !strings.Contains(is.Value, "Not one value of one pixel differs") {
		f.t.Errorf("the page says %s", is.Value)
	}
}

// The main path works in Firefox, with the server and without one, but for sound, which takes a device there.
func TestFirefox(t *testing.T) {
	racetest.Skip(t)
	f := openFirefox(t)
	h, err := web.New(web.Options{Temp: t.TempDir(), Photo: example(t, photo, "image/png"), Recording: example(t, speech, "audio/wav")})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	defer h.Close()
	f.hidesAndReveals(server.URL)

	dir := t.TempDir()
	if said, err := exec.Command("go", "run", "./site", dir).CombinedOutput(); err != nil {
		t.Fatalf("writing the site: %v\n%s", err, said)
	}
	site := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer site.Close()
	f.hidesAndReveals(site.URL)
}
