package dataset

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed recipe/packages.tsv
var packagesTSV string

//go:embed recipe/speech.tsv
var speechTSV string

//go:embed recipe/images.tsv
var imagesTSV string

// recipe says which files of which packages make which set. Splits are fixed by speaker and by photograph.
type recipe struct {
	packages map[string]source
	groups   []group
}

// source is a package to download.
type source struct {
	name, registry string // registry is deb or npm
	version        string // which the recipe was made for
	lean           bool   // belongs to the lean choice
	licence        string
}

// group is the part of a set that comes from one package: a speaker, or the photographs or faces in it.
type group struct {
	split, kind string
	pkg         string
	speaker     string // of speech
	voice       voice  // of speech
	images      []namedImage
	key         string // changes with whatever the result depends on
}

// voice selects the recordings of a speaker in a package.
type voice struct {
	glob    string // of path.Match; "**/" stands for any folders
	clips   int    // how many to make at most; 0 is no limit
	exclude *regexp.Regexp
}

// namedImage is a picture in a package. The path of one in a Qt resource file goes on behind that file's.
type namedImage struct{ name, path string }

// name is unique among the groups of a recipe.
func (g group) name() string {
	last := g.pkg
	if g.kind == kindSpeech {
		last = g.speaker
	}
	return path.Join(g.split, g.kind, last)
}

// The folders of a set.
const (
	kindSpeech = "speech"
	kindPhotos = "photos"
	kindFaces  = "faces"
)

var splits = []string{"train", "validation", "test"}

// generation is part of every key. Raise it when clips or pictures come out differently.
const generation = "1"

// parseRecipe reads the three tables, tab-separated with # before a comment, and checks that they make sense.
func parseRecipe(packages, speech, images string) (*recipe, error) {
	r := &recipe{packages: map[string]source{}}
	err := eachRow(packages, 5, func(c []string) error {
		if c[1] != "deb" && c[1] != "npm" {
			return fmt.Errorf("registry %q", c[1])
		}
		r.packages[c[0]] = source{c[0], c[1], c[2], c[3] == "lean", c[4]}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("packages: %w", err)
	}
	check := func(split, kind, pkg, name string) error {
		if _, ok := r.packages[pkg]; !ok {
			return fmt.Errorf("package %q", pkg)
		}
		if !slices.Contains(splits, split) || !slices.Contains([]string{kindSpeech, kindPhotos, kindFaces}, kind) {
			return fmt.Errorf("set %s/%s", split, kind)
		}
		if !plainName.MatchString(name) {
			return fmt.Errorf("name %q", name)
		}
		return nil
	}
	err = eachRow(speech, 5, func(c []string) error {
		g := group{split: c[0], kind: kindSpeech, speaker: c[1], pkg: c[2], voice: voice{glob: c[3]}, key: strings.Join(c, "\t")}
		if err := check(g.split, g.kind, g.pkg, g.speaker); err != nil {
			return err
		}
		var err error
		if g.voice.clips, err = strconv.Atoi(c[4]); err != nil || g.voice.clips < 0 {
			return fmt.Errorf("%q clips", c[4])
		}
		if len(c) > 5 {
			if g.voice.exclude, err = regexp.Compile(c[5]); err != nil {
				return err
			}
		}
		r.groups = append(r.groups, g)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("speech: %w", err)
	}
	err = eachRow(images, 5, func(c []string) error {
		g := group{split: c[0], kind: c[1], pkg: c[3]}
		if err := check(g.split, g.kind, g.pkg, c[2]); err != nil {
			return err
		}
		if !fs.ValidPath(c[4]) {
			return fmt.Errorf("path %q", c[4])
		}
		i := slices.IndexFunc(r.groups, func(o group) bool { return o.name() == g.name() })
		if i < 0 {
			i = len(r.groups)
			r.groups = append(r.groups, g)
		}
		r.groups[i].images = append(r.groups[i].images, namedImage{c[2], c[4]})
		r.groups[i].key += strings.Join(c, "\t") + "\n"
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("images: %w", err)
	}
	seen := map[string]bool{}
	for i := range r.groups {
		g := &r.groups[i]
		names := []string{"speaker " + g.speaker}
		for _, m := range g.images {
			names = append(names, g.kind+" "+m.name, g.pkg+" "+m.path)
		}
		for _, n := range names {
			if seen[n] && n != "speaker " {
				return nil, fmt.Errorf("%s appears twice", n)
			}
			seen[n] = true
		}
		sum := sha256.Sum256([]byte(generation + "\n" + g.key))
		g.key = hex.EncodeToString(sum[:8])
	}
	return r, nil
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

func eachRow(table string, columns int, do func(c []string) error) error {
	for i, line := range strings.Split(table, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		c := strings.Split(line, "\t")
		if len(c) < columns {
			return fmt.Errorf("line %d has %d columns", i+1, len(c))
		}
		if err := do(c); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}

// match reports whether the recording at p, a path in the package, is one of the speaker's.
func (v voice) match(p string) bool {
	glob, name := v.glob, p
	if before, after, ok := strings.Cut(v.glob, "**/"); ok {
		if !strings.HasPrefix(p, before) {
			return false
		}
		glob, name = after, path.Base(p)
	}
	ok, err := path.Match(glob, name)
	return ok && err == nil && (v.exclude == nil || !v.exclude.MatchString(path.Base(p)))
}
