package web_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ditas/internal/racetest"
	"ditas/picture"
	"ditas/picture/quality"
)

// buildSite writes the static site, and returns its folder.
func buildSite(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if said, err := exec.Command("go", "run", "./site", dir).CombinedOutput(); err != nil {
		t.Fatalf("building the site: %v\n%s", err, said)
	}
	return dir
}

// openSite builds the static site, serves it in a subfolder of a server that knows of nothing else, and opens it in a browser.
func openSite(t *testing.T) (p *tab, server *httptest.Server, address string) {
	t.Helper()
	chromium(t)
	server = httptest.NewServer(http.StripPrefix("/some/where", http.FileServer(http.Dir(buildSite(t)))))
	t.Cleanup(server.Close)
	address = server.URL + "/some/where/"
	return browse(t, address), server, address
}

// pictureIn decodes a picture.
func pictureIn(t *testing.T, file []byte) *picture.Planes {
	t.Helper()
	p, err := picture.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// hideBoth gives picture and recording and has the one hidden in the other. It returns the recording as it is saved.
func (p *tab) hideBoth(photo, cover, passphrase string) []byte {
	p.t.Helper()
	p.give("#picture-file", photo)
	p.give("#cover-file", cover)
	p.until(`document.querySelector("#verdict").textContent.includes("come back")`)
	p.act(`document.querySelector("#passphrase").value = ""`)
	if passphrase != "" {
		p.typed("#passphrase", passphrase)
	}
	p.click("#hide-go")
	p.until(`!document.querySelector("#hidden").hidden && !document.querySelector("#hide-go").disabled`)
	_, stego := p.save("#download")
	return stego
}

// Without a server, and then without a network, someone hides a picture in a recording and gets it back, exactly.
func TestSite(t *testing.T) {
	racetest.Skip(t)
	began := time.Now()
	p, server, address := openSite(t)
	t.Log("open", time.Since(began))
	short := filepath.Join(t.TempDir(), "speech.wav")
	shorten(t, speech, short, 10)
	original, err := os.ReadFile(photo)
	if err != nil {
		t.Fatal(err)
	}
	for _, passphrase := range []string{"", "open sesame"} {
		began := time.Now()
		stego := filepath.Join(t.TempDir(), "stego.wav")
		if err := os.WriteFile(stego, p.hideBoth(photo, short, passphrase), 0o666); err != nil {
			t.Fatal(err)
		}
		t.Log("hidden", time.Since(began))
		if psnr, err := quality.PSNR(pictureIn(t, original), pictureIn(t, p.revealFile(stego, passphrase))); err != nil || psnr < 100 {
			t.Errorf("with the passphrase %q the picture came back with %.1f dB (%v)", passphrase, psnr, err)
		}
		t.Log("revealed", time.Since(began))
		p.visit(address)
	}

	p.do()
	p.until(`navigator.serviceWorker.controller !== null`)
	server.Close()
	p.visit(address)
	p.hideBoth(photo, short, "")
}

// typed types into a field.
func (p *tab) typed(selector, text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// revealFile reveals what is hidden in a file, and returns the picture as it is saved.
func (p *tab) revealFile(stego, passphrase string) []byte {
	p.t.Helper()
	p.click("#tab-reveal")
	p.give("#recording-file", stego)
	p.until(`!document.querySelector("#reveal-go").disabled`)
	if passphrase != "" {
		p.typed("#key", passphrase)
	}
	p.click("#reveal-go")
	p.until(`document.querySelector("#revealed-title").textContent.includes("exactly") && !document.querySelector("#save").hidden`)
	_, png := p.save("#save")
	return png
}
