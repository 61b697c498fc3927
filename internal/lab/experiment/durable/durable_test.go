package durable

import (
	"bytes"
	"encoding/json"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/channel/set"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/experimenttest"
	"ditas/internal/racetest"
	"ditas/picture"
)

// folders makes a voice of four clips, one of one, two songs, and two photographs.
func folders(t *testing.T) Folders {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, b *bytes.Buffer) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	sound := func(name string, frames int, seed uint64) {
		var b bytes.Buffer
		if err := wav.Encode(&b, experimenttest.Voice(frames, seed)); err != nil {
			t.Fatal(err)
		}
		write(name, &b)
	}
	for i, name := range []string{"ann_0001", "ann_0002", "ann_0003", "ann_0004", "ann_0005", "ann_0006", "bob_0001"} {
		sound("speech/"+name+".wav", 16000*4+i, uint64(i))
	}
	sound("music/a.wav", 90000, 11)
	sound("music/b.wav", 80000, 12)
	sound("music/c.wav", 70000, 13)
	for i, name := range []string{"photos/a.png", "photos/b.png"} {
		var b bytes.Buffer
		if err := experimenttest.Scene(uint64(i)).Encode(&b, picture.PNG); err != nil {
			t.Fatal(err)
		}
		write(name, &b)
	}
	write("music/README.txt", bytes.NewBufferString("not a recording"))
	return Folders{Speech: filepath.Join(dir, "speech"), Photos: filepath.Join(dir, "photos"), Music: filepath.Join(dir, "music")}
}

func TestOpen(t *testing.T) {
	racetest.Skip(t)
	d, err := Open(t.Context(), folders(t), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Scenes) != 2 || d.Scenes[0].Name != Music || d.Scenes[1].Name != Voice {
		t.Fatalf("scenes %+v", d.Scenes)
	}
	names := func(s Scene) (list []string) {
		for _, c := range s.Covers {
			list = append(list, c.Name)
		}
		return list
	}
	if got := names(d.Scenes[0]); !slices.Equal(got, []string{"a.wav", "b.wav", "c.wav"}) {
		t.Errorf("music %q", got)
	}
	if got := names(d.Scenes[1]); !slices.Equal(got, []string{"ann, note 1", "bob, note 1", "ann, note 2"}) {
		t.Errorf("notes %q", got)
	}
	for k, first := range []int{0, 6, 3} {
		note, err := d.Scenes[1].Covers[k].Read()
		if err != nil {
			t.Fatal(err)
		}
		clip := experimenttest.Voice(64000+first, uint64(first)).Samples[0]
		if note.Frames() != 160000 || !slices.Equal(note.Samples[0][:len(clip)], clip) {
			t.Errorf("note %d has %d frames, or begins with another clip", k, note.Frames())
		}
		if again := first == 6; slices.Equal(note.Samples[0][len(clip):2*len(clip)], clip) != again {
			t.Errorf("note %d goes on with the same clip: %v", k, !again)
		}
	}
	if p := d.Scenes[0].secret(2); p.Width != 128 {
		t.Errorf("a picture of %d pixels", p.Width)
	}
	f := folders(t)
	if d, err = Open(t.Context(), f, []string{Music}, 2); err != nil || len(d.Scenes) != 1 || !slices.Equal(names(d.Scenes[0]), []string{"a.wav", "b.wav"}) {
		t.Errorf("two of the music: %+v, %v", d.Scenes, err)
	}
	f.Music = f.Photos
	if _, err := Open(t.Context(), f, nil, 0); err == nil || !strings.Contains(err.Error(), "no recordings") {
		t.Errorf("music of photographs: %v", err)
	}
}

func TestContestants(t *testing.T) {
	if c, err := ParseContestant("lattice=20"); err != nil || c.Title() != "lattice at 20 dB" {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := ParseContestant("lattice"); err != nil || c.Title() != "lattice" {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := ParseContestant("spread-spectrum"); err != nil || c.Title() != "spread spectrum" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{"", "=3", "lettuce", "lattice=loud", "lattice=1000", "lattice=NaN"} {
		if _, err := ParseContestant(bad); err == nil {
			t.Errorf("%q is a contestant", bad)
		}
	}
	if all := Contestants(); !slices.Contains(all, Contestant{"lattice", 10}) || len(all) < 2 {
		t.Errorf("all contestants: %+v", all)
	}
}

// What the lattice is known to stand comes back, and what it does not stand does not.
func TestMeasure(t *testing.T) {
	d, err := Open(t.Context(), folders(t), []string{Voice}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() { // two covers and two pieces of them, side by side
		for i := range d.Scenes[0].Covers {
			d.Scenes[0].Covers[i].Read = func() (*audio.Recording, error) { return experimenttest.Voice(40000, uint64(i)), nil }
		}
		r, err := Measure(t.Context(), d, Options{
			Options: experiment.Options{Seed: 1, Workers: 2}, Contestants: []Contestant{{"lattice", 20}}, Channels: []set.Channel{}, Innocents: 2,
			Exhibit: experimenttest.Scene(5),
		})
		if err != nil || r.Scenes[0].Methods[0].Results[0].Found != 2 {
			t.Errorf("%+v, %v", r.Scenes[0].Methods[0].Covers, err)
		}
		return
	}
	d.Scenes[0].Covers[1] = Cover{Name: "silence", Read: func() (*audio.Recording, error) {
		return &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 160000)}, nil
	}}
	var channels []set.Channel
	for _, name := range []string{"cut-8s", "stretch-faster-5", "mp3-128"} {
		c, err := set.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		channels = append(channels, c)
	}
	t.Setenv("PATH", t.TempDir()) // no ffmpeg
	measure := func(workers, innocents int, exhibit *picture.Planes) *Report {
		r, err := Measure(t.Context(), d, Options{
			Options: experiment.Options{Seed: 1, Workers: workers}, Contestants: []Contestant{{"lattice", 20}}, Channels: channels, Innocents: innocents,
			Exhibit: exhibit, Attribution: "By nobody.",
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := measure(2, 2, experimenttest.Scene(5))
	m := r.Scenes[0].Methods[0]
	if sent := m.Results[0]; sent.Found != 1 || sent.Exact != 1 || sent.Bits < 100 || math.Abs(sent.PSNR-(experiment.Best+m.Covers[1].Grey)/2) > 1e-9 || sent.Worst != m.Covers[1].Grey {
		t.Errorf("as sent: %+v", sent)
	}
	if stretched := m.Results[2]; stretched.Found != 0 || stretched.Bits != 0 || math.Abs(stretched.PSNR-r.Scenes[0].Grey) > 1e-9 {
		t.Errorf("stretched: %+v, grey is %.2f", stretched, r.Scenes[0].Grey)
	}
	if m.Results[3] != nil || r.Channels[3].Lacking != "ffmpeg not found" {
		t.Errorf("without ffmpeg: %+v, %+v", m.Results[3], r.Channels[3])
	}
	if m.Refused() != 1 || m.Covers[1].Refused == "" {
		t.Errorf("silence: %+v", m.Covers[1])
	}
	h := m.Hearing
	if h.SNR < 15 || h.SNR > 60 || h.NMR != h.WorstNMR || h.NMR > 0 || h.ODG > 0.3 || h.ODG < -4 || h.Marked != 1 || h.Frames < 0 || h.Frames > 1 {
		t.Errorf("hearing: %+v", h)
	}
	if (h.Failing > 0) != (len(m.Covers[0].Failures) > 0) {
		t.Errorf("%d covers fail, %q", h.Failing, m.Covers[0].Failures)
	}
	if r.Innocents.Searched != 2 || r.Innocents.Found != 0 {
		t.Errorf("innocents: %+v", r.Innocents)
	}
	again, err1 := json.Marshal(measure(1, 0, nil).Scenes)
	first, err2 := json.Marshal(r.Scenes)
	if err1 != nil || err2 != nil || !bytes.Equal(again, first) {
		t.Errorf("other workers find something else: %v, %v", err1, err2)
	}
	var page strings.Builder
	if err := r.Markdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| as sent | ", " | 1 of 2 | ", "| MP3, 128 kbit/s | ", " – | – | – |\n", "not measured: ffmpeg not found", "By nobody.", "Of 2 pieces", "No parameter was chosen",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, &page)
		}
	}
	draw, ok := r.Pictures()
	if !ok {
		t.Fatal("no pictures")
	}
	for _, f := range []func(b *bytes.Buffer) error{
		func(b *bytes.Buffer) error { return r.Chart(b) }, func(b *bytes.Buffer) error { return draw(b) },
	} {
		var b bytes.Buffer
		if err := f(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(&b); err != nil {
			t.Error(err)
		}
	}
}

func TestTargetsAreOfChannels(t *testing.T) {
	for scene, aims := range targets {
		if !slices.Contains(SceneNames(), scene) {
			t.Errorf("scene %s", scene)
		}
		for name := range aims {
			if _, err := set.Named(name); err != nil {
				t.Error(err)
			}
		}
	}
}

// A method that misses an aim is marked on the page.
func TestMissedAim(t *testing.T) {
	result := func(psnr float64) *Result { return &Result{PSNR: psnr, Worst: psnr - 1, Found: 1, Bits: 1234.4} }
	r := &Report{
		Contestants: []string{"durable", "lattice"}, Channels: []Channel{{Title: "as sent"}, {Name: "mp3-128", Title: "MP3, 128 kbit/s"}, {Name: "opus-64", Title: "Opus"}},
		Scenes: []*SceneReport{{Name: Music, Covers: []string{"a"}, Methods: []*Method{
			{Covers: make([]Hidden, 1), Results: []*Result{{PSNR: experiment.Best, Exact: 1, Found: 1}, result(32.9), result(25)}},
			{Covers: make([]Hidden, 1), Results: []*Result{nil, result(20), nil}},
		}}},
		Seen: true,
	}
	var page strings.Builder
	if err := r.Markdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| as sent |  | exact | 1 of 1 | 0 | – | – | – |\n",
		"| MP3, 128 kbit/s | 33, 40 | 32.9 (31.9) ✗ | 1 of 1 | 1234 | 20.0 (19.0) | 1 of 1 | 1234 |\n",
		"| Opus | 25, 29 | 25.0 (24.0) | 1 of 1 | 1234 | – | – | – |\n", "For development alone",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, &page)
		}
	}
	if _, ok := r.Pictures(); ok {
		t.Error("there are pictures of nothing")
	}
}
