//go:build !js

package web

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"ditas/audio/codec"
	"ditas/internal/intake"
	"ditas/internal/passphrase"
	"ditas/internal/words"
	"ditas/picture"
)

// types are those of the page's parts.
var types = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

//go:embed page
var page embed.FS

// index returns the page, with the formats that there are; static is whether no server is behind it.
func index(static bool) ([]byte, error) {
	t, err := template.ParseFS(page, "page/index.html")
	if err != nil {
		return nil, err
	}
	var onlyRead []*codec.Format
	for _, f := range codec.Readable() {
		if !f.Writable() {
			onlyRead = append(onlyRead, f)
		}
	}
	extensions := intake.Extensions()
	if static { // no other program is there to decode
		extensions = append(codec.Extensions(codec.Readable()), ".m4a", ".aac", ".webm", ".caf") // the browser decodes these
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Static":              static,
		"Policy":              staticPolicy,
		"Pictures":            words.List(picture.Names(picture.Readable()), "or"),
		"PictureExtensions":   picture.Extensions(picture.Readable()),
		"RecordingExtensions": extensions,
		"Written":             words.List(codec.Names(codec.Writable()), "or"),
		"OnlyRead":            words.List(codec.Names(onlyRead), "and"),
		"Default":             codec.Default(nil),
	})
	return b.Bytes(), err
}

// staticPolicy is the policy of a page that has no server to send one: what is in the page cannot say who may frame it. The worker is a file of its own,
// to which this does not go.
const staticPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
	"worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'"

// Static returns the page as a static site has it, by the names of its files. It is not whole: assets/backend.js, by which it asks a server,
// has to be replaced.
func Static() (map[string][]byte, error) {
	html, err := index(true)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"index.html": html, "words.txt": wordList()}
	assets, err := fs.Glob(page, "page/assets/*")
	if err != nil {
		return nil, err
	}
	for _, name := range assets {
		if files[strings.TrimPrefix(name, "page/")], err = page.ReadFile(name); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// wordList returns the words that the page draws passphrases from, one a line.
func wordList() []byte { return []byte(strings.Join(passphrase.List(), "\n") + "\n") }

// pageRoutes has the handler serve the page and its parts.
func (h *Handler) pageRoutes() error {
	assets, err := fs.Sub(page, "page")
	if err != nil {
		return err
	}
	index, err := index(false)
	if err != nil {
		return err
	}
	files := http.FileServerFS(assets)
	serve := func(w http.ResponseWriter, r *http.Request) {
		if info, err := fs.Stat(assets, strings.TrimPrefix(r.URL.Path, "/")); err != nil || info.IsDir() {
			nowhere(w)
			return
		}
		// The system's own table of types may be anything.
		if t := types[path.Ext(r.URL.Path)]; t != "" {
			w.Header().Set("Content-Type", t)
		}
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	}
	h.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(index))
	})
	h.mux.HandleFunc("GET /assets/{file}", serve)
	h.mux.HandleFunc("GET /words.txt", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		w.Write(wordList())
	})
	return nil
}
