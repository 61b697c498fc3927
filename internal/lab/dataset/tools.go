package dataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrUnreachable says that a package could not be downloaded because its registry did not answer.
var ErrUnreachable = errors.New("the package registry cannot be reached; check the network and run the command again, what is finished is kept")

// MissingToolsError names the programs that have to be installed first.
type MissingToolsError struct {
	Tools    []string // what was looked for
	Packages []string // the Debian packages that hold them
}

func (e *MissingToolsError) Error() string {
	return fmt.Sprintf("%s not found; on Debian 12 or in a container of it, run: apt-get install %s",
		strings.Join(e.Tools, ", "), strings.Join(e.Packages, " "))
}

// tools are the programs that download packages and decode recordings; tests replace them.
type tools interface {
	// find checks that the programs are there.
	find(names ...string) error
	// download fetches the archive of a package into the empty folder dir.
	download(ctx context.Context, p source, dir string) error
	// unpack writes what an archive holds into the empty folder dir.
	unpack(ctx context.Context, p source, archive, dir string) error
	// decode returns recordings in a shape, interleaved, full scale being 1.
	decode(ctx context.Context, files []string, as shape, tmp string) ([][]float32, error)
}

// shape is what recordings are decoded to.
type shape struct {
	rate, channels int
	seconds        int // how much of the beginning; 0 is all
}

// clipShape is the shape of speech.
var clipShape = shape{rate: Rate, channels: 1}

// MusicRate is the sampling rate of all music, in Hz.
const MusicRate = 44100

const musicChannels = 2

const (
	aptGet = "apt-get"
	dpkg   = "dpkg"
	npm    = "npm"
	ffmpeg = "ffmpeg"
)

// system runs the programs of the machine.
type system struct{}

func (system) find(names ...string) error {
	e := &MissingToolsError{}
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			e.Tools = append(e.Tools, name)
			e.Packages = append(e.Packages, map[string]string{aptGet: "apt", dpkg: "dpkg", npm: "npm", ffmpeg: "ffmpeg"}[name])
		}
	}
	if e.Tools != nil {
		return e
	}
	return nil
}

// run executes a program in dir. Its error holds the last words of the program.
func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdin = nil
	cmd.WaitDelay = 10 * time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	var said tail
	cmd.Stderr = &said
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(said)))
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	const keep = 2000
	*t = append(*t, p...)
	if n := len(*t) - keep; n > 0 {
		*t = slices.Delete(*t, 0, n)
	}
	return len(p), nil
}

// unreachable are words of apt-get and npm about a network that does not work.
var unreachable = []string{"Could not resolve", "Could not connect", "Unable to connect", "Cannot initiate the connection", "Connection failed",
	"Connection timed out", "Temporary failure", "Network is unreachable", "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNRESET", "ENETUNREACH"}

func (system) download(ctx context.Context, p source, dir string) error {
	var err error
	switch p.registry {
	case "deb":
		err = run(ctx, dir, aptGet, "-qq", "-o", "APT::Sandbox::User=root", "download", p.name)
	case "npm":
		err = run(ctx, dir, npm, "pack", "--ignore-scripts", "--no-update-notifier", "--loglevel=error", p.name+"@"+p.version)
	}
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case slices.ContainsFunc(unreachable, func(s string) bool { return strings.Contains(err.Error(), s) }):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case strings.Contains(err.Error(), "Unable to locate package") || strings.Contains(err.Error(), "Can't find a source"):
		return fmt.Errorf("apt-get knows no package %s; run apt-get update first, on Debian 12: %w", p.name, err)
	}
	return err
}

// find returns the archive of p in dir, "" if there is none, and the version it is of.
func (p source) find(dir string) (archive, version string, err error) {
	if p.registry == "npm" {
		archive = filepath.Join(dir, p.name+"-"+p.version+".tgz")
		if _, err := os.Stat(archive); errors.Is(err, os.ErrNotExist) {
			return "", "", nil
		} else if err != nil {
			return "", "", err
		}
		return archive, p.version, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", "", err
	}
	for _, e := range entries {
		parts := strings.Split(strings.TrimSuffix(e.Name(), ".deb"), "_")
		if len(parts) != 3 || parts[0] != p.name || !strings.HasSuffix(e.Name(), ".deb") {
			continue
		}
		if v, err := url.PathUnescape(parts[1]); err == nil && (archive == "" || v == p.version) {
			archive, version = filepath.Join(dir, e.Name()), v
		}
	}
	return archive, version, nil
}

func (system) unpack(ctx context.Context, p source, archive, dir string) error {
	if p.registry == "deb" {
		return run(ctx, dir, dpkg, "-x", archive, dir)
	}
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return untar(ctx, f, root)
}

// What an npm archive may hold.
const (
	maxUnpacked = 1 << 30
	maxEntries  = 100_000
)

// untar writes the regular files of an npm archive, which all lie in one folder, without that folder.
func untar(ctx context.Context, r io.Reader, root *os.Root) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	// Both what is read and what is written are bounded: a sparse file takes no room in the archive.
	limited := &io.LimitedReader{R: z, N: maxUnpacked}
	archive := tar.NewReader(limited)
	var total int64
	for range maxEntries {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := archive.Next()
		if err == io.EOF && limited.N > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", maxUnpacked-limited.N, err)
		}
		_, name, ok := strings.Cut(h.Name, "/")
		if h.Typeflag != tar.TypeReg || !ok {
			continue
		}
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("the archive holds a file with the path %q", h.Name)
		}
		if h.Size > maxUnpacked-total {
			return fmt.Errorf("the archive holds more than %d MiB", maxUnpacked>>20)
		}
		total += h.Size
		if err := root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o666)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, archive)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return fmt.Errorf("the archive holds more than %d files", maxEntries)
}

// decode runs ffmpeg once for all files, since it takes longer to start than to decode a word. If that fails, it runs once
// a file to learn which one it was.
func (s system) decode(ctx context.Context, files []string, as shape, tmp string) ([][]float32, error) {
	dir, err := os.MkdirTemp(tmp, "decoded-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	args := []string{"-nostdin", "-v", "error"}
	for _, f := range files {
		if strings.HasSuffix(f, ".g722") {
			args = append(args, "-f", "g722")
		}
		args = append(args, "-i", f)
	}
	raw := func(i int) string { return filepath.Join(dir, strconv.Itoa(i)) }
	for i := range files {
		args = append(args, "-map", strconv.Itoa(i)+":a:0", "-ac", strconv.Itoa(as.channels), "-ar", strconv.Itoa(as.rate))
		if as.seconds > 0 {
			args = append(args, "-t", strconv.Itoa(as.seconds))
		}
		args = append(args, "-f", "f32le", raw(i))
	}
	if err := run(ctx, dir, ffmpeg, args...); err != nil {
		if len(files) == 1 || ctx.Err() != nil {
			return nil, fmt.Errorf("decoding %s: %w", files[0], err)
		}
		var all [][]float32
		for i := range files {
			one, err := s.decode(ctx, files[i:i+1], as, tmp)
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
		return all, nil
	}
	all := make([][]float32, len(files))
	for i := range files {
		b, err := os.ReadFile(raw(i))
		if err != nil {
			return nil, err
		}
		x := make([]float32, len(b)/4)
		if err := binary.Read(bytes.NewReader(b), binary.LittleEndian, x); err != nil {
			return nil, err
		}
		for _, v := range x {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("decoding %s gave samples that are not numbers", files[i])
			}
		}
		all[i] = x
	}
	return all, nil
}
