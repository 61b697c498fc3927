package dataset

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/racetest"
	"ditas/picture"
)

// world stands for the registries and the programs: packages whose "recordings" are text files that hold a frequency.
type world struct {
	downloads, unpacks int
	missing            []string // programs
	offline            bool
	onDecode           func(file string) error
}

func (w *world) find(names ...string) error {
	for _, n := range names {
		if slices.Contains(w.missing, n) {
			return &MissingToolsError{[]string{n}, []string{n}}
		}
	}
	return nil
}

func (w *world) download(_ context.Context, p source, dir string) error {
	if w.offline {
		return ErrUnreachable
	}
	w.downloads++
	name := p.name + "-" + p.version + ".tgz"
	if p.registry == "deb" {
		name = p.name + "_4%3a" + strings.TrimPrefix(p.version, "4:") + "_all.deb"
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(p.name), 0o666)
}

func (w *world) unpack(_ context.Context, p source, archive, dir string) error {
	w.unpacks++
	if b, err := os.ReadFile(archive); err != nil || string(b) != p.name {
		return fmt.Errorf("archive of %s holds %q, %v", p.name, b, err)
	}
	files := map[string][]byte{}
	switch p.name {
	case "sounds":
		files["usr/share/doc/sounds/copyright"] = []byte("free")
		for i := range 70 { // more than one batch
			files[fmt.Sprintf("usr/ann/%02d.ogg", i)] = fmt.Append(nil, 200+i)
		}
		files["usr/bob/a/x.ogg"], files["usr/bob/b/y.ogg"] = []byte("400"), []byte("401")
		files["usr/bob/b/beep.ogg"] = []byte("999")
		files["usr/cid/z.ogg"] = []byte("500")
	case "songs":
		files["usr/share/doc/songs/copyright"] = []byte("CC0")
		files["usr/long.ogg"], files["usr/a.flac"], files["usr/b.flac"] = []byte("300"), []byte("500 7"), []byte("600 4")
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create("music/c.ogg")
		if err == nil {
			_, err = w.Write([]byte("700"))
		}
		if err = errors.Join(err, z.Close()); err != nil {
			return err
		}
		files["usr/all.pk3"] = b.Bytes()
	case "pictures":
		files["LICENSE"] = []byte("MIT")
		for i, n := range []string{"a", "b", "c"} {
			m := gradient(300+i, 200)
			files["src/"+n+".png"] = encodePNG(m)
		}
		files["src/more.rcc"] = resource("d.png", encodePNG(gradient(900, 700)))
	}
	for name, b := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o777), os.WriteFile(p, b, 0o666)); err != nil {
			return err
		}
	}
	return nil
}

// decode makes a tone of what a file says: its frequency in Hz and its length in seconds, 2.5 for one channel and otherwise 200. Later
// channels are louder.
func (w *world) decode(_ context.Context, files []string, as shape, tmp string) ([][]float32, error) {
	if _, err := os.Stat(tmp); err != nil {
		return nil, err
	}
	var all [][]float32
	for _, f := range files {
		if w.onDecode != nil {
			if err := w.onDecode(f); err != nil {
				return nil, err
			}
		}
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		hertz, seconds := 0.0, 2.5
		if as.channels > 1 {
			seconds = 200
		}
		fmt.Sscan(string(b), &hertz, &seconds)
		if as.seconds > 0 {
			seconds = min(seconds, float64(as.seconds))
		}
		x := make([]float32, int(seconds*float64(as.rate))*as.channels)
		for i := range x {
			t := float64(i/as.channels) / float64(as.rate)
			x[i] = float32(0.1 * float64(1+i%as.channels) * math.Sin(2*math.Pi*hertz*t))
		}
		all = append(all, x)
	}
	return all, nil
}

func encodePNG(m image.Image) []byte {
	var b bytes.Buffer
	if err := picture.FromImage(m).Encode(&b, picture.PNG); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// resource makes a Qt resource file of one file.
func resource(name string, content []byte) []byte {
	be := binary.BigEndian
	u := utf16.Encode([]rune(name))
	names := be.AppendUint32(be.AppendUint16(nil, uint16(len(u))), 0)
	for _, c := range u {
		names = be.AppendUint16(names, c)
	}
	tree := slices.Concat(make([]byte, 4), []byte{0, 2, 0, 0, 0, 1, 0, 0, 0, 1}, make([]byte, 14))
	head := []byte("qres")
	for _, v := range []int{1, 20, 20 + len(tree) + len(names), 20 + len(tree)} {
		head = be.AppendUint32(head, uint32(v))
	}
	return slices.Concat(head, tree, names, be.AppendUint32(nil, uint32(len(content))), content)
}

const (
	testPackages = "# package\tregistry\tversion\tlean\tlicence\nsounds\tdeb\t4:1.0\tlean\tfree\npictures\tnpm\t2.0.0\t-\tMIT\nsongs\tdeb\t3\t-\tCC0\n"
	testSpeech   = "train\tann\tsounds\tusr/ann/*.ogg\t0\nvalidation\tbob\tsounds\tusr/bob/**/*.ogg\t0\t^beep\ntest\tcid\tsounds\tusr/**/z.ogg\t0\n"
	testImages   = "train\tphotos\ta\tpictures\tsrc/a.png\ntrain\tphotos\td\tpictures\tsrc/more.rcc/d.png\ntest\tphotos\tb\tpictures\tsrc/b.png\ntest\tfaces\tc\tpictures\tsrc/c.png\n"
	testMusic    = "train\tmusic\tlong\tsongs\t20\tusr/long.ogg\ntrain\tmusic\tjoined\tsongs\t0\tusr/a.flac|usr/b.flac\ntrain\tsongs\tzipped\tsongs\t5\tusr/all.pk3/music/c.ogg\n"
)

func testRecipe(t *testing.T, speech, images string) *recipe {
	t.Helper()
	r, err := parseRecipe(tables{testPackages, speech, images, testMusic})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fullSpeech leaves out cid, who says too little for a clip.
var fullSpeech = strings.Replace(testSpeech, "test\tcid\tsounds\tusr/**/z.ogg\t0\n", "", 1)

func TestBuild(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	w := &world{}
	r := testRecipe(t, fullSpeech, testImages)
	var steps []Progress
	m, err := build(t.Context(), Options{Dir: dir}, r, w, func(p Progress) { steps = append(steps, p) })
	if err != nil {
		t.Fatal(err)
	}
	if first, last := steps[1], steps[len(steps)-1]; first.Step != "downloading pictures" || last.Step != "making validation/speech/bob" || last.Done != last.Total-1 || last.Total != 7 {
		t.Errorf("steps from %v to %v", first, last)
	}
	if !m.Complete || len(m.Groups) != 5 || len(m.Packages) != 2 {
		t.Errorf("the manifest has %d groups of %d packages, complete: %v", len(m.Groups), len(m.Packages), m.Complete)
	}
	want := Package{Name: "sounds", Registry: "deb", Version: "4:1.0", Measured: "4:1.0", Licence: "free", SHA256: m.Packages[1].SHA256}
	if m.Packages[1] != want || len(want.SHA256) != 64 {
		t.Errorf("package %+v, want %+v", m.Packages[1], want)
	}
	for i, want := range []string{"train/photos of pictures", "train/speech of sounds ann", "validation/speech of sounds bob", "test/faces of pictures", "test/photos of pictures"} {
		g := m.Groups[i]
		if got := strings.TrimSpace(fmt.Sprintf("%s/%s of %s %s", g.Split, g.Kind, g.Package, g.Speaker)); got != want {
			t.Errorf("group %d is %s, want %s", i, got, want)
		}
	}
	bob := m.Groups[2]
	if len(bob.Files) != 1 || bob.Files[0].Path != "validation/speech/bob_0001.wav" || !slices.Equal(bob.Files[0].Sources, []string{"usr/bob/a/x.ogg", "usr/bob/b/y.ogg"}) {
		t.Errorf("bob is %+v", bob)
	}
	for _, g := range m.Groups {
		for _, f := range g.Files {
			if sum, err := hashFile(filepath.Join(dir, f.Path)); err != nil || sum != f.SHA256 {
				t.Errorf("%s: %v, %s, want %s", f.Path, err, sum, f.SHA256)
			}
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "licences", "pictures.txt")); err != nil || string(b) != "MIT" {
		t.Errorf("the licence is %q, %v", b, err)
	}

	s, err := OpenSpeech(t.Context(), filepath.Join(dir, "train", "speech"), LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 35 { // two utterances of 2.5 s each
		t.Errorf("%d clips of ann", s.Len())
	}
	photos, err := OpenPictures(t.Context(), filepath.Join(dir, "train", "photos"), LoadOptions{Side: 2000})
	if err != nil {
		t.Fatal(err)
	}
	if q := photos.photos[1].value; photos.Name(1) != "d.png" || q.width != 640 || q.height != 498 {
		t.Errorf("%s is %d×%d", photos.Name(1), q.width, q.height)
	}

	read, err := ReadManifest(dir)
	if err != nil || read.Digest() != m.Digest() {
		t.Errorf("the manifest reads back as another: %v", err)
	}
	var left []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{".archives", "licences", "manifest.json", "test", "train", "validation"}; !slices.Equal(left, want) {
		t.Errorf("the folder holds %q, want %q", left, want)
	}

	// In another folder, with other numbers of processors, the same.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(7))
	again, err := build(t.Context(), Options{Dir: t.TempDir(), Archives: filepath.Join(dir, ".archives")}, r, &world{offline: true}, nil)
	if err != nil || again.Digest() != m.Digest() {
		t.Errorf("a second build differs: %v", err)
	}
}

func TestBuildGoesOn(t *testing.T) {
	dir := t.TempDir()
	r := testRecipe(t, fullSpeech, testImages)
	o := Options{Dir: dir}
	ctx, cancel := context.WithCancel(t.Context())
	w := &world{onDecode: func(f string) error {
		if strings.Contains(f, "bob") {
			cancel()
			return ctx.Err()
		}
		return nil
	}}
	if _, err := build(ctx, o, r, w, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".work")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("temporary files are left")
	}
	if m, err := ReadManifest(dir); err != nil || m.Complete || len(m.Groups) != 4 {
		t.Errorf("after the interruption: %v, %v", m, err)
	}

	steps := func(w *world, r *recipe) (list []string) {
		t.Helper()
		m, err := build(t.Context(), o, r, w, func(p Progress) { list = append(list, p.Step) })
		if err != nil {
			t.Fatal(err)
		}
		if !m.Complete {
			t.Error("not complete")
		}
		return list[1:]
	}
	w = &world{offline: true} // the archives are there
	if s := steps(w, r); !slices.Equal(s, []string{"making validation/speech/bob"}) || w.unpacks != 1 {
		t.Errorf("after the interruption: %q", s)
	}
	w = &world{offline: true, missing: []string{ffmpeg, dpkg}}
	if s := steps(w, r); len(s) != 0 || w.unpacks != 0 {
		t.Errorf("with nothing to do: %q", s)
	}

	// A damaged file and a lost one.
	if err := os.WriteFile(filepath.Join(dir, "train/photos/a.png"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "test/faces/c.png")); err != nil {
		t.Fatal(err)
	}
	if s := steps(&world{}, r); !slices.Equal(s, []string{"making train/photos/pictures", "making test/faces/pictures"}) {
		t.Errorf("after the damage: %q", s)
	}

	// A newer recipe moves bob, and drops a photograph. Nothing of him may stay in validation.
	r = testRecipe(t, strings.Replace(fullSpeech, "validation\tbob", "test\tbob", 1), strings.Replace(testImages, "train\tphotos\ta\tpictures\tsrc/a.png\n", "", 1))
	if s := steps(&world{}, r); !slices.Equal(s, []string{"making train/photos/pictures", "making test/speech/bob"}) {
		t.Errorf("with a new recipe: %q", s)
	}
	for _, gone := range []string{"validation/speech/bob_0001.wav", "train/photos/a.png"} {
		if _, err := os.Stat(filepath.Join(dir, gone)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there", gone)
		}
	}
}

func TestBuildLean(t *testing.T) {
	o := Options{Dir: t.TempDir(), Lean: true}
	r := testRecipe(t, fullSpeech, testImages)
	w := &world{missing: []string{npm}}
	m, err := build(t.Context(), o, r, w, nil)
	if err != nil || len(m.Groups) != 2 || w.downloads != 1 {
		t.Fatalf("lean: %v, %v, %d downloads", m, err, w.downloads)
	}
	o.Lean = false
	m, err = build(t.Context(), o, r, &world{}, nil)
	if err != nil || len(m.Groups) != 5 {
		t.Fatalf("then all: %v, %v", m, err)
	}
	o.Lean = true
	m, err = build(t.Context(), o, r, &world{offline: true}, nil)
	if err != nil || len(m.Groups) != 5 {
		t.Fatalf("lean again keeps what is there: %v, %v", m, err)
	}
}

// Music is cut out at the sample, joined and repeated.
func TestBuildMusic(t *testing.T) {
	racetest.Skip(t)
	dir := t.TempDir()
	r := testRecipe(t, fullSpeech, testImages)
	m, err := build(t.Context(), Options{Dir: dir, Music: true}, r, &world{missing: []string{npm}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Groups) != 2 || len(m.Packages) != 1 || !m.Complete {
		t.Fatalf("%d groups of %d packages, complete: %v", len(m.Groups), len(m.Packages), m.Complete)
	}
	for _, c := range []struct {
		path    string
		seconds int
		hertz   func(second float64) (hertz, start float64) // the tone at a time, and when it began
	}{
		{"train/music/long.wav", 30, func(float64) (float64, float64) { return 300, -20 }},
		{"train/songs/zipped.wav", 180, func(float64) (float64, float64) { return 700, -5 }},
		{"train/music/joined.wav", 30, func(s float64) (float64, float64) {
			round := math.Floor(s / 11)
			if s-11*round < 7 {
				return 500, 11 * round
			}
			return 600, 11*round + 7
		}},
	} {
		b, err := os.ReadFile(filepath.Join(dir, c.path))
		if err != nil {
			t.Fatal(err)
		}
		rec, err := wav.Decode(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if rec.Format.Rate != 44100 || rec.Format.Channels != 2 || rec.Format.Encoding != audio.Int16 || rec.Frames() != 44100*c.seconds {
			t.Fatalf("%s: %d frames of %+v", c.path, rec.Frames(), rec.Format)
		}
		for i := range rec.Frames() {
			hertz, start := c.hertz(float64(i) / 44100)
			want := 0.1 * math.Sin(2*math.Pi*hertz*(float64(i)/44100-start))
			if math.Abs(rec.Samples[0][i]-want) > 1e-4 || math.Abs(rec.Samples[1][i]-2*want) > 1e-4 {
				t.Fatalf("%s: frame %d is %g and %g, want %g and twice that", c.path, i, rec.Samples[0][i], rec.Samples[1][i], want)
			}
		}
	}
	if f := m.Groups[0].Files[1]; !slices.Equal(f.Sources, []string{"usr/a.flac", "usr/b.flac"}) {
		t.Errorf("joined is of %q", f.Sources)
	}
	short := strings.Replace(testMusic, "songs\t20\tusr/long.ogg", "songs\t180\tusr/long.ogg", 1)
	if r, err = parseRecipe(tables{testPackages, fullSpeech, testImages, short}); err != nil {
		t.Fatal(err)
	}
	if _, err := build(t.Context(), Options{Dir: t.TempDir(), Music: true}, r, &world{}, nil); err == nil || !strings.Contains(err.Error(), "long: the recording has 200 of 210 seconds") {
		t.Errorf("a recording that is too short: %v", err)
	}
}

func TestBuildFailures(t *testing.T) {
	racetest.Skip(t)
	for name, c := range map[string]struct {
		speech, images string
		world          world
		words          []string
	}{
		"no ffmpeg":     {fullSpeech, testImages, world{missing: []string{ffmpeg}}, []string{"ffmpeg not found", "apt-get install ffmpeg"}},
		"no npm":        {fullSpeech, testImages, world{missing: []string{npm}}, []string{"apt-get install npm"}},
		"offline":       {fullSpeech, testImages, world{offline: true}, []string{"downloading pictures", "network"}},
		"too short":     {testSpeech, testImages, world{}, []string{"cid", "sounds 4:1.0", "too short"}},
		"no recordings": {"train\tann\tsounds\tusr/*.mp3\t0\n", testImages, world{}, []string{"no recording matches usr/*.mp3"}},
		"no picture":    {fullSpeech, "train\tphotos\ta\tpictures\tsrc/z.png\n", world{}, []string{"z.png", "pictures 2.0.0"}},
		"not in there":  {fullSpeech, "train\tphotos\ta\tpictures\tsrc/more.rcc/z.png\n", world{}, []string{"more.rcc holds no z.png"}},
		"no image":      {fullSpeech, "train\tphotos\ta\tpictures\tLICENSE\n", world{}, []string{"LICENSE", "not a picture"}},
		"shared source": {fullSpeech + "test\tdan\tsounds\tusr/bob/**/*.ogg\t0\n", testImages, world{}, []string{"usr/bob", "validation", "test", "not disjoint"}},
	} {
		dir := t.TempDir()
		_, err := build(t.Context(), Options{Dir: dir}, testRecipe(t, c.speech, c.images), &c.world, nil)
		for _, word := range c.words {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: the error %q does not say %q", name, err, word)
			}
		}
		if len(c.world.missing) > 0 && c.world.downloads > 0 {
			t.Errorf("%s: downloaded before that was noticed", name)
		}
		if m, err := ReadManifest(dir); err == nil && m.Complete {
			t.Errorf("%s: complete all the same", name)
		}
	}
	dir := t.TempDir()
	write(t, dir, "train/photos/mine.png", []byte("x"))
	if _, err := build(t.Context(), Options{Dir: dir}, testRecipe(t, fullSpeech, testImages), &world{}, nil); err == nil || !strings.Contains(err.Error(), "train/photos/mine.png") {
		t.Errorf("a file of somebody else: %v", err)
	}
	dir = t.TempDir()
	write(t, dir, ManifestName, []byte("{"))
	if _, err := build(t.Context(), Options{Dir: dir}, testRecipe(t, fullSpeech, testImages), &world{}, nil); err == nil || !strings.Contains(err.Error(), ManifestName) {
		t.Errorf("a broken manifest: %v", err)
	}
}

// Build deletes what an old manifest lists, so a manifest must not name anything else.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"groups":[{"split":"train","kind":"photos","package":"p","recipe":"1","files":[{"path":"train/photos/a.png"}]}]}`))
	f.Add([]byte(`{"groups":[{"split":"..","kind":"..","files":[{"path":"../../a"}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseManifest(b)
		if err != nil {
			return
		}
		for _, g := range m.Groups {
			for _, file := range g.Files {
				if !filepath.IsLocal(filepath.FromSlash(file.Path)) || strings.Count(file.Path, "/") != 2 {
					t.Fatalf("path %q", file.Path)
				}
			}
		}
		m.Digest()
		m.disjoint()
	})
}

// The programs of TestSystem: this test, under another name.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case aptGet, npm:
		if say := os.Getenv("DITAS_SAY"); say != "" {
			fmt.Fprintln(os.Stderr, say)
			os.Exit(100)
		}
		name := os.Args[len(os.Args)-1] + "_1_all.deb"
		if os.Args[1] == "pack" {
			name = strings.Replace(os.Args[len(os.Args)-1], "@", "-", 1) + ".tgz"
		}
		os.WriteFile(name, nil, 0o666)
	case ffmpeg:
		var inputs []string
		for i, a := range os.Args {
			switch a {
			case "-i":
				inputs = append(inputs, os.Args[i+1])
				if strings.Contains(os.Args[i+1], "bad") {
					fmt.Fprintln(os.Stderr, "Invalid data")
					os.Exit(1)
				}
			case "f32le":
				x := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(len(inputs))))
				os.WriteFile(os.Args[i+1], x, 0o666)
			}
		}
	default:
		os.Exit(m.Run())
	}
}

func TestSystem(t *testing.T) {
	racetest.Skip(t)
	if runtime.GOOS == "windows" {
		t.Skip("the programs are those of Debian")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	var missing *MissingToolsError
	if err := (system{}).find(npm, ffmpeg); !errors.As(err, &missing) || err.Error() != "npm, ffmpeg not found; on Debian 12 or in a container of it, run: apt-get install npm ffmpeg" {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{aptGet, npm, ffmpeg} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := (system{}).find(npm, ffmpeg); err != nil {
		t.Error(err)
	}

	deb, tgz := source{name: "d", registry: "deb", version: "1"}, source{name: "n", registry: "npm", version: "2.0.0"}
	for _, p := range []source{deb, tgz} {
		dir := t.TempDir()
		if err := (system{}).download(t.Context(), p, dir); err != nil {
			t.Fatal(err)
		}
		if archive, version, err := p.find(dir); err != nil || filepath.Dir(archive) != dir || version != p.version {
			t.Errorf("%s: %q, %q, %v", p.name, archive, version, err)
		}
	}
	for say, want := range map[string]string{
		"E: Failed to fetch http://…  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)": ErrUnreachable.Error(),
		"npm error code ECONNREFUSED":      ErrUnreachable.Error(),
		"E: Unable to locate package d":    "run apt-get update",
		"npm error code ENOSPC: disk full": "disk full",
	} {
		t.Setenv("DITAS_SAY", say)
		for _, p := range []source{deb, tgz} {
			err := (system{}).download(t.Context(), p, t.TempDir())
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), say) {
				t.Errorf("%s: %v", say, err)
			}
		}
	}

	tmp := t.TempDir()
	got, err := (system{}).decode(t.Context(), []string{"/a.g722", "/b.ogg", "/c.ogg"}, clipShape, tmp)
	if err != nil || fmt.Sprint(got) != "[[3] [3] [3]]" {
		t.Errorf("decoded %v, %v", got, err)
	}
	_, err = (system{}).decode(t.Context(), []string{"/a.g722", "/bad.ogg", "/c.ogg"}, clipShape, tmp)
	if err == nil || !strings.Contains(err.Error(), "decoding /bad.ogg") || !strings.Contains(err.Error(), "Invalid data") {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("%d temporary files are left", len(left))
	}
}

func TestFindArchive(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"klettres-data_4%3a22.12.3-1_all.deb", "klettres-data_4%3a23.1-1_all.deb", "klettres_1_amd64.deb", "klettres-data_9_all.deb.part", "rccx", "n-1.0.tgz"} {
		write(t, dir, n, nil)
	}
	for _, c := range []struct {
		p             source
		file, version string
	}{
		{source{name: "klettres-data", registry: "deb", version: "4:22.12.3-1"}, "klettres-data_4%3a22.12.3-1_all.deb", "4:22.12.3-1"},
		{source{name: "klettres", registry: "deb", version: "2"}, "klettres_1_amd64.deb", "1"},
		{source{name: "kle", registry: "deb"}, "", ""},
		{source{name: "n", registry: "npm", version: "1.0"}, "n-1.0.tgz", "1.0"},
		{source{name: "n", registry: "npm", version: "2.0"}, "", ""},
	} {
		archive, version, err := c.p.find(dir)
		if err != nil || version != c.version || c.file != "" && archive != filepath.Join(dir, c.file) || c.file == "" && archive != "" {
			t.Errorf("%s %s: %q, %q, %v", c.p.name, c.p.version, archive, version, err)
		}
	}
}

// pack makes an npm archive.
func pack(headers ...tar.Header) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range headers {
		h.Mode = 0o600
		if err := w.WriteHeader(&h); err != nil {
			panic(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			panic(err)
		}
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

func TestUntar(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	file := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 3} }
	good := pack(file("package/LICENSE"), file("package/src/a.jpg"), tar.Header{Typeflag: tar.TypeSymlink, Name: "package/link", Linkname: "/etc"}, tar.Header{Typeflag: tar.TypeDir, Name: "package/d/"})
	if err := untar(t.Context(), bytes.NewReader(good), root); err != nil {
		t.Fatal(err)
	}
	if names, err := files(dir); err != nil || !slices.Equal(names, []string{"LICENSE", "src/a.jpg"}) {
		t.Errorf("unpacked %q, %v", names, err)
	}
	for name, b := range map[string][]byte{
		"climbing":  pack(file("package/../../evil")),
		"absolute":  pack(file("package//evil")),
		"truncated": good[:len(good)/2],
		"no gzip":   []byte("package"),
	} {
		if err := untar(t.Context(), bytes.NewReader(b), root); err == nil {
			t.Errorf("%s: unpacked", name)
		}
	}
	if names, _ := files(filepath.Dir(dir)); slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "evil") }) {
		t.Error("a file was written")
	}
}

func FuzzUntar(f *testing.F) {
	z, err := gzip.NewReader(bytes.NewReader(pack(tar.Header{Typeflag: tar.TypeReg, Name: "package/a", Size: 3}, tar.Header{Typeflag: tar.TypeReg, Name: "package/b/c", Size: 5})))
	if err != nil {
		f.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		z.Write(b)
		z.Close()
		untar(t.Context(), &packed, root)
	})
}
