package dataset

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ManifestName is the file in the folder of [Build] that holds its [Manifest], as JSON.
const ManifestName = "manifest.json"

// Manifest says what the sets hold and where that comes from.
type Manifest struct {
	Complete bool      `json:"complete"` // false while Build has not finished
	Packages []Package `json:"packages"` // sorted by name
	Groups   []Group   `json:"groups"`   // sorted by split, kind, package and speaker
}

// Package is where files come from.
type Package struct {
	Name     string `json:"name"`
	Registry string `json:"registry"` // "deb" or "npm"
	Version  string `json:"version"`
	Measured string `json:"measured"`       // the version that the recipe was made for
	SHA256   string `json:"archive_sha256"` // of the file that was downloaded
	Licence  string `json:"licence"`        // the whole text is in the folder licences
}

// Group is the part of a set that was made of one package: a speaker, or the photographs, faces or music in it.
type Group struct {
	Split   string `json:"split"` // "train", "validation" or "test"
	Kind    string `json:"kind"`  // "speech", "photos", "faces", "music" or "songs"
	Package string `json:"package"`
	Speaker string `json:"speaker,omitempty"`
	Recipe  string `json:"recipe"` // identifies the rules that made it
	Files   []File `json:"files"`
}

// File is one clip, picture or piece of music.
type File struct {
	Path    string   `json:"path"` // below the manifest's folder, with slashes
	SHA256  string   `json:"sha256"`
	Sources []string `json:"sources"` // paths in the package; what lies in a Qt resource file or in a zip archive has its path behind that file's
}

// ReadManifest reads the manifest in the folder dir. Without one the error wraps [fs.ErrNotExist].
func ReadManifest(dir string) (*Manifest, error) {
	name := filepath.Join(dir, ManifestName)
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	m, err := parseManifest(b)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w; move the folder away and build it anew", name, err)
	}
	return m, nil
}

// parseManifest reads a manifest and makes sure that its paths lie in the folder of their set: files that it names may be
// deleted.
func parseManifest(b []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	for _, g := range m.Groups {
		for _, f := range g.Files {
			if !fs.ValidPath(f.Path) || strings.Contains(f.Path, `\`) || path.Dir(f.Path) != g.Split+"/"+g.Kind ||
				!slices.Contains(splits, g.Split) || !slices.Contains(kinds, g.Kind) {
				return nil, fmt.Errorf("%q cannot be a file of %s/%s", f.Path, g.Split, g.Kind)
			}
		}
	}
	return &m, nil
}

// Digest identifies the content of all sets: two folders with the same digest hold the same files. Record it with
// every result.
func (m *Manifest) Digest() string {
	var lines []string
	for _, g := range m.Groups {
		for _, f := range g.Files {
			lines = append(lines, f.SHA256+"  "+f.Path+"\n")
		}
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}

// write sorts m and stores it in dir.
func (m *Manifest) write(dir string) error {
	slices.SortFunc(m.Packages, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(m.Groups, func(a, b Group) int { return strings.Compare(a.order(), b.order()) })
	_, err := writeFile(filepath.Join(dir, ManifestName), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		return enc.Encode(m)
	})
	return err
}

func (g Group) order() string {
	return fmt.Sprint(slices.Index(splits, g.Split), "/", g.Kind, "/", g.Package, "/", g.Speaker)
}

// disjoint checks what the recipe promises: no speaker, no source and no content in two sets.
func (m *Manifest) disjoint() error {
	split := map[string]string{}
	check := func(g Group, what string) error {
		if s, ok := split[what]; ok && s != g.Split {
			return fmt.Errorf("%s is in %s and in %s", what, s, g.Split)
		}
		split[what] = g.Split
		return nil
	}
	for _, g := range m.Groups {
		var errs []error
		if g.Speaker != "" {
			errs = append(errs, check(g, "speaker "+g.Speaker))
		}
		for _, f := range g.Files {
			errs = append(errs, check(g, "content "+f.SHA256))
			for _, s := range f.Sources {
				errs = append(errs, check(g, g.Package+": "+s))
			}
		}
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("the sets are not disjoint, the recipe does not fit these packages: %w", err)
		}
	}
	return nil
}

// writeFile makes a file that appears under its name only when it is complete, and returns its SHA-256.
func writeFile(name string, content func(w io.Writer) error) (sum string, err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".*.part")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	hash := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(f, hash), 1<<16)
	err = errors.Join(content(w), w.Flush(), f.Chmod(0o644), f.Close())
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// hashFile returns the SHA-256 of a file.
func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
