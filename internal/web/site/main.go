// Command site writes the page as a static site that needs no server: ditas itself, compiled to WebAssembly, answers what the page asks.
//
//	go run ./internal/web/site FOLDER
//
// The folder, which must be empty or new, may then be put anywhere on any host of files. All that the page needs to begin comes at once; the networks'
// weights, the decoders of HEIC and AVIF and the examples are loaded when they are needed, or by the service worker when nothing else is to be done. The same source and the
// same version of Go make the same files, byte for byte.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"ditas/internal/web"
)

// files are those of the site alone.
//
//go:embed files
var files embed.FS

// program is the compressed program; the extension keeps servers from taking it for something to compress once more.
const program = "ditas.wasm.gz"

// serviceWorker is the file that keeps the others, whose names and hash it is given.
const serviceWorker = "service-worker.js"

// later are the files that are loaded when they are needed, and where they come from in the repository.
var later = map[string]string{
	"restorer.safetensors":   "internal/model/restorer/restorer.safetensors",
	"hevc.wasm.gz":           "picture/internal/heif/decoders/hevc.wasm.gz",
	"av1.wasm.gz":            "picture/internal/heif/decoders/av1.wasm.gz",
	"ditas-m-ed.safetensors": "internal/model/weights/ditas-m-ed.safetensors",
	"examples/photo.png":     "cmd/ditas/demo/photo.png",
	"examples/speech.wav":    "cmd/ditas/demo/speech.wav",
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("want the name of a folder to write to")
	}
	site, err := build(ctx)
	if err != nil {
		return err
	}
	return write(args[0], site)
}

// build returns the files of the site by their names.
func build(ctx context.Context) (map[string][]byte, error) {
	root, goroot, err := places(ctx)
	if err != nil {
		return nil, err
	}
	site, err := web.Static()
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(files, "files", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		site[strings.TrimPrefix(name, "files/")], err = files.ReadFile(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	if site["wasm_exec.js"], err = os.ReadFile(filepath.Join(goroot, "lib/wasm/wasm_exec.js")); err != nil {
		return nil, err
	}
	for name, from := range later {
		if site[name], err = os.ReadFile(filepath.Join(root, filepath.FromSlash(from))); err != nil {
			return nil, err
		}
	}
	if site[program], err = compile(ctx, root, goroot); err != nil {
		return nil, err
	}
	site[serviceWorker], err = keeping(site)
	return site, err
}

// places returns the folders of the module and of Go.
func places(ctx context.Context) (root, goroot string, err error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD", "GOROOT").Output()
	if err != nil {
		return "", "", fmt.Errorf("go env: %w", err)
	}
	mod, goroot, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return filepath.Dir(mod), strings.TrimSpace(goroot), nil
}

// compile returns the program, compressed.
func compile(ctx context.Context, root, goroot string) ([]byte, error) {
	temp, err := os.MkdirTemp("", "ditas-site-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	name := filepath.Join(temp, "ditas.wasm")
	overlay, err := withoutTLS(temp, goroot)
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-overlay", overlay, "-tags", "nethttpomithttp2", "-ldflags", "-s -w",
		"-o", name, "./internal/web/site/worker")
	c.Dir = root
	c.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS=", "GOWASM=")
	if said, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling the program: %w\n%s", err, said)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return compress(data)
}

// standIn is what takes the place of package crypto/tls.
//
//go:embed tls/tls.go.txt
var standIn []byte

// withoutTLS writes what has the go command compile standIn in place of crypto/tls, and returns the name of that. Nothing in a browser opens connections
// itself, but net/http mentions the package, with which come all its curves and certificates.
func withoutTLS(temp, goroot string) (overlay string, err error) {
	replaced := map[string]string{}
	sources, err := filepath.Glob(filepath.Join(goroot, "src/crypto/tls/*.go"))
	if err != nil {
		return "", err
	}
	for _, name := range sources {
		replaced[name] = "" // as if it were not there
	}
	stub := filepath.Join(temp, "tls.go")
	replaced[filepath.Join(goroot, "src/crypto/tls/tls.go")] = stub
	if err := os.WriteFile(stub, standIn, 0o666); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(temp, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o666)
}

func compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// keeping returns the service worker that keeps a site. Another site has another version.
func keeping(site map[string][]byte) ([]byte, error) {
	names, digest := slices.Sorted(maps.Keys(site)), sha256.New()
	for _, name := range names {
		fmt.Fprintf(digest, "%s %x\n", name, sha256.Sum256(site[name]))
	}
	kept, err := json.Marshal(slices.DeleteFunc(names, func(name string) bool { return name == serviceWorker }))
	if err != nil {
		return nil, err
	}
	version := hex.EncodeToString(digest.Sum(nil)[:8])
	return slices.Concat(fmt.Appendf(nil, "const version = %q;\nconst files = %s;\n\n", version, kept), site[serviceWorker]), nil
}

// write writes a site to a folder that has nothing in it.
func write(folder string, site map[string][]byte) error {
	if there, err := os.ReadDir(folder); len(there) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cmp.Or(err, fmt.Errorf("%s is not empty", folder))
	}
	for name, data := range site {
		name = filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o666); err != nil {
			return err
		}
	}
	return nil
}
