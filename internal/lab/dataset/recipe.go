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

//go:embed recipe/music.tsv
var musicTSV string

// recipe says which files of which packages make which set. Splits are fixed by speaker, by photograph and, of music, by package.
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

// group is the part of a set that comes from one package: a speaker, or the photographs, faces or music in it.
type group struct {
	split, kind string
	pkg         string
	speaker     string // of speech
	voice       voice  // of speech
	images      []namedImage
	pieces      []piece // of music
	key         string  // changes with whatever the result depends on
}

// voice selects the recordings of a speaker in a package.
type voice struct {
	glob    string // of path.Match; "**/" stands for any folders
	clips   int    // how many to make at most; 0 is no limit
	exclude *regexp.Regexp
}

// namedImage is a picture in a package. The path of one in a Qt resource file goes on behind that file's.
type namedImage struct{ name, path string }

// piece is an excerpt of a recording in a package, or of several that are joined and repeated. The path of one in a zip archive
// goes on behind that file's.
type piece struct {
	name  string
	start int // in seconds
	paths []string
}

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
	kindMusic  = "music" // excerpts of 30 s
	kindSongs  = "songs" // excerpts of 3 minutes
)

var kinds = []string{kindSpeech, kindPhotos, kindFaces, kindMusic, kindSongs}

// isMusic reports whether a kind is one of those that [Options.Music] asks for.
func isMusic(kind string) bool { return kind == kindMusic || kind == kindSongs }

var splits = []string{"train", "validation", "test"}

// generation is part of every key. Raise it when clips or pictures come out differently.
const generation = "1"

// tables are the texts of a recipe, tab-separated with # before a comment.
type tables struct{ packages, speech, images, music string }

var standardTables = tables{packagesTSV, speechTSV, imagesTSV, musicTSV}

// parseRecipe reads the tables and checks that they make sense.
func parseRecipe(t tables) (*recipe, error) {
	r := &recipe{packages: map[string]source{}}
	for _, part := range []struct {
		name, text string
		columns    int
		add        func(c []string) error
	}{
		{"packages", t.packages, 5, r.addPackage},
		{"speech", t.speech, 5, r.addVoice},
		{"images", t.images, 5, r.addImage},
		{"music", t.music, 6, r.addPiece},
	} {
		if err := eachRow(part.text, part.columns, part.add); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if err := r.unique(); err != nil {
		return nil, err
	}
	for i := range r.groups {
		sum := sha256.Sum256([]byte(generation + "\n" + r.groups[i].key))
		r.groups[i].key = hex.EncodeToString(sum[:8])
	}
	return r, nil
}

func (r *recipe) addPackage(c []string) error {
	if c[1] != "deb" && c[1] != "npm" {
		return fmt.Errorf("registry %q", c[1])
	}
	r.packages[c[0]] = source{c[0], c[1], c[2], c[3] == "lean", c[4]}
	return nil
}

// check makes sure that a row names a set, one of some kinds, and a package that there is.
func (r *recipe) check(split, kind, pkg, name string, kinds ...string) error {
	if _, ok := r.packages[pkg]; !ok {
		return fmt.Errorf("package %q", pkg)
	}
	if !slices.Contains(splits, split) || !slices.Contains(kinds, kind) {
		return fmt.Errorf("set %s/%s", split, kind)
	}
	if !plainName.MatchString(name) {
		return fmt.Errorf("name %q", name)
	}
	return nil
}

func (r *recipe) addVoice(c []string) error {
	g := group{split: c[0], kind: kindSpeech, speaker: c[1], pkg: c[2], voice: voice{glob: c[3]}, key: strings.Join(c, "\t")}
	if err := r.check(g.split, g.kind, g.pkg, g.speaker, kindSpeech); err != nil {
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
}

func (r *recipe) addImage(c []string) error {
	if err := r.check(c[0], c[1], c[3], c[2], kindPhotos, kindFaces); err != nil {
		return err
	}
	if !fs.ValidPath(c[4]) {
		return fmt.Errorf("path %q", c[4])
	}
	g := r.group(c[0], c[1], c[3])
	g.images = append(g.images, namedImage{c[2], c[4]})
	g.key += strings.Join(c, "\t") + "\n"
	return nil
}

func (r *recipe) addPiece(c []string) error {
	if err := r.check(c[0], c[1], c[3], c[2], kindMusic, kindSongs); err != nil {
		return err
	}
	start, err := strconv.Atoi(c[4])
	if err != nil || start < 0 {
		return fmt.Errorf("start at %q seconds", c[4])
	}
	p := piece{c[2], start, strings.Split(c[5], "|")}
	for _, name := range p.paths {
		if !fs.ValidPath(name) {
			return fmt.Errorf("path %q", name)
		}
	}
	g := r.group(c[0], c[1], c[3])
	g.pieces = append(g.pieces, p)
	g.key += strings.Join(c, "\t") + "\n"
	return nil
}

// group returns the group of what is not speech, which it adds if there is none.
func (r *recipe) group(split, kind, pkg string) *group {
	g := group{split: split, kind: kind, pkg: pkg}
	i := slices.IndexFunc(r.groups, func(o group) bool { return o.name() == g.name() })
	if i < 0 {
		i = len(r.groups)
		r.groups = append(r.groups, g)
	}
	return &r.groups[i]
}

// unique checks that nothing is named or taken twice, and that all music of a package is in one set.
func (r *recipe) unique() error {
	seen := map[string]bool{}
	split := map[string]string{}
	for _, g := range r.groups {
		var names []string
		if g.kind == kindSpeech {
			names = append(names, "speaker "+g.speaker)
		}
		for _, m := range g.images {
			names = append(names, g.kind+" "+m.name, g.pkg+" "+m.path)
		}
		for _, p := range g.pieces {
			names = append(names, g.kind+" "+p.name)
		}
		for _, n := range names {
			if seen[n] {
				return fmt.Errorf("%s appears twice", n)
			}
			seen[n] = true
		}
		if isMusic(g.kind) {
			if s, ok := split[g.pkg]; ok && s != g.split {
				return fmt.Errorf("music of %s is in %s and in %s", g.pkg, s, g.split)
			}
			split[g.pkg] = g.split
		}
	}
	return nil
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
