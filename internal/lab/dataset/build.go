package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/lab/dataset/rcc"
	"ditas/picture"
)

// Options says what [Build] makes, and where.
type Options struct {
	Dir      string // the folder for the sets
	Archives string // the folder for downloaded packages, which is kept; "" means .archives in Dir
	Lean     bool   // only what the smaller packages give: a quarter of the download for most of the material
	Music    bool   // music, in place of speech and pictures
}

// Progress is a step of [Build] that begins.
type Progress struct {
	Step        string // such as "downloading gcin-voice"
	Done, Total int    // steps before this one, and all
}

// Build makes the sets for training, validation and test in o.Dir: folders train, validation and test with speech
// (16 kHz mono WAV, 3 to 6 s of one speaker), photos and faces (PNG) in each, the manifest, and the licences.
// About 680 MB are downloaded, or 173 MB for the lean choice, with apt-get and npm; ffmpeg decodes the recordings.
//
// With o.Music the sets hold music instead (44.1 kHz stereo, 16 bits), excerpts of 30 s in the folders music and of 3 minutes in songs,
// of 670 MB of downloads. No two sets share a package. Give it a folder of its own, so that the digests of both stay what they are.
//
// What is already there and unchanged is kept, so a build that was interrupted goes on where it stopped. Files that an
// older recipe made and this one does not are removed. One Build at a time may work in a folder. progress may be nil.
func Build(ctx context.Context, o Options, progress func(Progress)) (*Manifest, error) {
	r, err := parseRecipe(standardTables)
	if err != nil {
		return nil, fmt.Errorf("dataset: recipe: %w", err)
	}
	m, err := build(ctx, o, r, system{}, progress)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	return m, nil
}

type builder struct {
	Options
	recipe   *recipe
	tools    tools
	manifest *Manifest
	work     string // a folder for temporary files
}

func build(ctx context.Context, o Options, r *recipe, t tools, progress func(Progress)) (*Manifest, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if o.Archives == "" {
		o.Archives = filepath.Join(o.Dir, ".archives")
	}
	if o.Archives, err = filepath.Abs(o.Archives); err != nil {
		return nil, err
	}
	b := &builder{Options: o, recipe: r, tools: t, work: filepath.Join(o.Dir, ".work")}
	for _, d := range []string{b.Dir, b.Archives} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			return nil, err
		}
	}

	progress(Progress{Step: "checking " + o.Dir, Total: 1})
	todo, err := b.resume(ctx)
	if err != nil {
		return nil, err
	}
	missing, err := b.prepare(todo)
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(b.work); err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.work)
	done, total := 0, len(missing)+len(todo)
	step := func(format string, args ...any) {
		progress(Progress{fmt.Sprintf(format, args...), done, total})
		done++
	}
	for _, p := range missing {
		step("downloading %s", p.name)
		if err := b.download(ctx, p); err != nil {
			return nil, err
		}
	}
	for len(todo) > 0 {
		pkg := b.recipe.packages[todo[0].pkg]
		of := func(g group) bool { return g.pkg == pkg.name }
		groups := slices.DeleteFunc(slices.Clone(todo), func(g group) bool { return !of(g) })
		todo = slices.DeleteFunc(todo, of)
		if err := b.fromPackage(ctx, pkg, groups, func(g group) { step("making %s", g.name()) }); err != nil {
			return nil, err
		}
	}
	if err := b.finish(); err != nil {
		return nil, err
	}
	return b.manifest, nil
}

// resume finds out which groups are still to be made. Of a manifest that is there it keeps the groups that the recipe
// still has, and removes the files of the others.
func (b *builder) resume(ctx context.Context) (todo []group, err error) {
	old, err := ReadManifest(b.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		old, err = &Manifest{}, nil
	}
	if err != nil {
		return nil, err
	}
	b.manifest = &Manifest{Packages: old.Packages}
	var obsolete []Group
	kept := map[string]bool{}
	for _, g := range old.Groups {
		i := slices.IndexFunc(b.recipe.groups, func(r group) bool {
			return r.key == g.Recipe && r.split == g.Split && r.kind == g.Kind && r.pkg == g.Package && r.speaker == g.Speaker
		})
		if i < 0 {
			obsolete = append(obsolete, g)
			continue
		}
		ok, err := b.intact(ctx, g)
		if err != nil {
			return nil, err
		}
		if ok {
			b.manifest.Groups = append(b.manifest.Groups, g)
			kept[b.recipe.groups[i].name()] = true
		}
	}
	for _, g := range b.recipe.groups {
		if !kept[g.name()] && b.wants(g) {
			todo = append(todo, g)
		}
	}
	slices.SortStableFunc(todo, func(a, b group) int { return strings.Compare(a.pkg, b.pkg) })
	for _, g := range obsolete {
		for _, f := range g.Files {
			if err := os.Remove(filepath.Join(b.Dir, filepath.FromSlash(f.Path))); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
	}
	return todo, nil
}

// wants reports whether the options ask for a group.
func (b *builder) wants(g group) bool {
	if b.Music || isMusic(g.kind) {
		return b.Music && isMusic(g.kind)
	}
	return !b.Lean || b.recipe.packages[g.pkg].lean
}

// intact reports whether the files of g are there and unchanged.
func (b *builder) intact(ctx context.Context, g Group) (bool, error) {
	var changed atomic.Bool
	err := parallel(ctx, len(g.Files), func(i int) error {
		sum, err := hashFile(filepath.Join(b.Dir, filepath.FromSlash(g.Files[i].Path)))
		if errors.Is(err, fs.ErrNotExist) {
			sum, err = "", nil
		}
		if sum != g.Files[i].SHA256 {
			changed.Store(true)
		}
		return err
	})
	return !changed.Load(), err
}

// prepare checks that all programs are there before anything is downloaded, and returns the packages to download.
func (b *builder) prepare(todo []group) (missing []source, err error) {
	need := map[string]bool{}
	seen := map[string]bool{}
	for _, g := range todo {
		if g.kind == kindSpeech || isMusic(g.kind) {
			need[ffmpeg] = true
		}
		p := b.recipe.packages[g.pkg]
		if seen[p.name] {
			continue
		}
		seen[p.name] = true
		archive, _, err := p.find(b.Archives)
		if err != nil {
			return nil, err
		}
		if p.registry == "deb" {
			need[dpkg] = true
		}
		if archive == "" {
			missing = append(missing, p)
			need[map[string]string{"deb": aptGet, "npm": npm}[p.registry]] = true
		}
	}
	return missing, b.tools.find(slices.Sorted(maps.Keys(need))...)
}

// download puts the archive of p into the folder of archives.
func (b *builder) download(ctx context.Context, p source) error {
	dir, err := os.MkdirTemp(b.Archives, ".part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := b.tools.download(ctx, p, dir); err != nil {
		return fmt.Errorf("downloading %s: %w", p.name, err)
	}
	archive, _, err := p.find(dir)
	if err == nil && archive == "" {
		err = errors.New("no archive came")
	}
	if err != nil {
		return fmt.Errorf("downloading %s: %w", p.name, err)
	}
	return os.Rename(archive, filepath.Join(b.Archives, filepath.Base(archive)))
}

// fromPackage makes the groups of one package.
func (b *builder) fromPackage(ctx context.Context, p source, groups []group, begin func(group)) error {
	archive, version, err := p.find(b.Archives)
	if err != nil {
		return err
	}
	dir := filepath.Join(b.work, p.name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := b.tools.unpack(ctx, p, archive, dir); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("unpacking %s: %w; delete it and run the command again", archive, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := unpacked{builder: b, dir: dir, root: root, resources: map[string][]rcc.File{}}
	if err := u.list(); err != nil {
		return err
	}
	sum, err := hashFile(archive)
	if err != nil {
		return err
	}
	if err := u.copyLicence(p); err != nil {
		return err
	}
	for _, g := range groups {
		begin(g)
		var files []File
		switch {
		case g.kind == kindSpeech:
			files, err = u.speech(ctx, g)
		case isMusic(g.kind):
			files, err = u.music(ctx, g)
		default:
			files, err = u.images(ctx, g)
		}
		if err != nil {
			return fmt.Errorf("making %s of %s %s (the recipe is for %s): %w", g.name(), p.name, version, p.version, err)
		}
		m := b.manifest
		m.Groups = append(m.Groups, Group{g.split, g.kind, g.pkg, g.speaker, g.key, files})
		m.Packages = slices.DeleteFunc(m.Packages, func(o Package) bool { return o.Name == p.name })
		m.Packages = append(m.Packages, Package{p.name, p.registry, version, p.version, sum, p.licence})
		if err := m.write(b.Dir); err != nil {
			return err
		}
	}
	return nil
}

// finish checks the whole and marks it complete.
func (b *builder) finish() error {
	m := b.manifest
	m.Packages = slices.DeleteFunc(m.Packages, func(p Package) bool {
		return !slices.ContainsFunc(m.Groups, func(g Group) bool { return g.Package == p.Name })
	})
	if err := m.disjoint(); err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, g := range m.Groups {
		for _, f := range g.Files {
			listed[f.Path] = true
		}
	}
	var strange []string
	for _, s := range splits {
		names, err := files(filepath.Join(b.Dir, s))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, n := range names {
			if p := path.Join(s, n); !listed[p] {
				strange = append(strange, p)
			}
		}
	}
	if len(strange) > 0 {
		return fmt.Errorf("%d files in %s do not belong to the sets, the first is %s; move them to a folder of their own", len(strange), b.Dir, strange[0])
	}
	m.Complete = true
	return m.write(b.Dir)
}

// unpacked is a package on disk.
type unpacked struct {
	*builder
	dir       string
	root      *os.Root
	files     []string // regular files, sorted
	mu        sync.Mutex
	resources map[string][]rcc.File // Qt resource files that were read
}

func (u *unpacked) list() error {
	err := fs.WalkDir(u.root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			u.files = append(u.files, p)
		}
		return err
	})
	slices.Sort(u.files)
	return err
}

// copyLicence keeps what the package says about copyright.
func (u *unpacked) copyLicence(p source) error {
	name := "LICENSE"
	if p.registry == "deb" {
		name = "usr/share/doc/" + p.name + "/copyright"
	}
	text, err := u.root.ReadFile(filepath.FromSlash(name))
	if err != nil {
		return fmt.Errorf("looking for the licence of %s: %w", p.name, err)
	}
	_, err = writeFile(filepath.Join(u.Dir, "licences", p.name+".txt"), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	return err
}

// decodeBatch is how many recordings one run of ffmpeg decodes.
const decodeBatch = 32

// speech makes the clips of a speaker.
func (u *unpacked) speech(ctx context.Context, g group) ([]File, error) {
	var names []string
	for _, f := range u.files {
		if g.voice.match(f) {
			names = append(names, f)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no recording matches %s", g.voice.glob)
	}
	var made []File
	j := joiner{limit: g.voice.clips, emit: func(x []float32, sources []string) error {
		f := File{Path: path.Join(g.split, g.kind, fmt.Sprintf("%s_%04d.wav", g.speaker, len(made)+1)), Sources: slices.Clone(sources)}
		samples := make([]float64, len(x))
		for i, v := range x {
			samples[i] = float64(v)
		}
		rec := &audio.Recording{Format: audio.Format{Rate: Rate, Channels: 1, Encoding: audio.Int16}, Samples: [][]float64{samples}}
		var err error
		f.SHA256, err = writeFile(filepath.Join(u.Dir, filepath.FromSlash(f.Path)), func(w io.Writer) error { return wav.Encode(w, rec) })
		made = append(made, f)
		return err
	}}
	batches := slices.Collect(slices.Chunk(names, decodeBatch))
	for some := range slices.Chunk(batches, runtime.GOMAXPROCS(0)) {
		decoded := make([][][]float32, len(some))
		err := parallel(ctx, len(some), func(i int) error {
			paths := make([]string, len(some[i]))
			for k, n := range some[i] {
				paths[k] = filepath.Join(u.dir, filepath.FromSlash(n))
			}
			var err error
			decoded[i], err = u.tools.decode(ctx, paths, clipShape, u.work)
			return err
		})
		if err != nil {
			return nil, err
		}
		for i, batch := range decoded {
			for k, x := range batch {
				if j.full() {
					return made, nil
				}
				if x = utterance(x); x == nil {
					continue
				}
				if err := j.add(some[i][k], x); err != nil {
					return nil, err
				}
			}
		}
	}
	if len(made) == 0 {
		return nil, errors.New("the recordings are too short for a clip")
	}
	return made, nil
}

// Pictures are scaled down to this many pixels on the longer side.
const (
	trainSide = 640
	testSide  = 1024
)

// images makes the pictures of a group.
func (u *unpacked) images(ctx context.Context, g group) ([]File, error) {
	side := testSide
	if g.split == "train" {
		side = trainSide
	}
	made := make([]File, len(g.images))
	err := parallel(ctx, len(g.images), func(i int) error {
		m := g.images[i]
		content, err := u.content(m.path)
		if err != nil {
			return err
		}
		p, err := picture.Decode(bytes.NewReader(content))
		if err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
		p = p.Fit(side, side)
		f := File{Path: path.Join(g.split, g.kind, m.name+".png"), Sources: []string{m.path}}
		f.SHA256, err = writeFile(filepath.Join(u.Dir, filepath.FromSlash(f.Path)), func(w io.Writer) error { return p.Encode(w, picture.PNG) })
		made[i] = f
		return err
	})
	return made, err
}

// content reads a file of the package, or one in a Qt resource file of it.
func (u *unpacked) content(name string) ([]byte, error) {
	outer, inner, ok := strings.Cut(name, ".rcc/")
	if !ok {
		return u.root.ReadFile(filepath.FromSlash(name))
	}
	outer += ".rcc"
	u.mu.Lock()
	defer u.mu.Unlock()
	list, ok := u.resources[outer]
	if !ok {
		b, err := u.root.ReadFile(filepath.FromSlash(outer))
		if err != nil {
			return nil, err
		}
		if list, err = rcc.Parse(b); err != nil {
			return nil, fmt.Errorf("%s: %w", outer, err)
		}
		u.resources[outer] = list
	}
	i := slices.IndexFunc(list, func(f rcc.File) bool { return f.Path == inner })
	if i < 0 {
		return nil, fmt.Errorf("%s holds no %s", outer, inner)
	}
	return list[i].Content()
}
