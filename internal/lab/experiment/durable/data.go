package durable

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/lab/dataset"
	"ditas/picture"
)

// Scene is a use that people make of hiding: covers of a kind, and pictures of a size.
type Scene struct {
	Name  string // for flags and JSON
	Title string
	Side  int // of the square pictures, in pixels

	purpose string // of package ditas, for which the durable method hides
	Covers  []Cover
	// Pictures are thumbnails of Side×Side pixels; cover i takes picture i, and after the last the first again.
	Pictures *dataset.Pictures
}

// Cover is a recording that is read when it is needed, so that not all of them are in memory.
type Cover struct {
	Name string
	Read func() (*audio.Recording, error)
}

// Data is what the experiment is made with.
type Data struct {
	Scenes []Scene
	Digest string // identifies all of it
	Seen   bool   // parameters may have been chosen on it
}

// Folders are where the data are.
type Folders struct {
	Speech string // clips of speakers, as ditas data makes them
	Photos string
	Music  string // recordings of 30 s or so; "" leaves this scene out
	Songs  string // recordings of some minutes, likewise
}

// The scenes, and how long a voice note is, in seconds.
const (
	Music       = "music"
	Voice       = "voice"
	Songs       = "songs"
	noteSeconds = 10
)

// SceneNames returns the names of all scenes.
func SceneNames() []string { return []string{Music, Voice, Songs} }

// Open finds the covers of the scenes asked for, of nil all, at most a number of each and a third as many songs, of 0 all, and loads the pictures.
func Open(ctx context.Context, f Folders, scenes []string, limit int) (Data, error) {
	var d Data
	for _, s := range []struct {
		Scene
		folder string
		covers func(folder string, limit int) ([]Cover, error)
	}{
		{Scene{Name: Music, Title: "Half a minute of music, a photograph of 128×128 pixels", Side: 128, purpose: ditas.Share}, f.Music, recordings},
		{Scene{Name: Voice, Title: "A voice note of 10 s, a photograph of 64×64 pixels", Side: 64, purpose: ditas.Voice}, f.Speech, notes},
		{Scene{Name: Songs, Title: "Three minutes of a song, a photograph of 512×512 pixels", Side: 512, purpose: ditas.Share}, f.Songs, recordings},
	} {
		if s.folder == "" || scenes != nil && !slices.Contains(scenes, s.Name) {
			continue
		}
		scene := s.Scene
		var err error
		most := limit
		if s.Name == Songs {
			most = (limit + 2) / 3 // each takes six times as long
		}
		if scene.Covers, err = s.covers(s.folder, most); err != nil {
			return Data{}, err
		}
		if scene.Pictures, err = dataset.OpenThumbnails(ctx, f.Photos, scene.Side, dataset.LoadOptions{}); err != nil {
			return Data{}, err
		}
		d.Scenes = append(d.Scenes, scene)
	}
	return d, nil
}

// recordings are the files of a folder that ditas reads, in the order of their names. A limit takes them evenly from all.
func recordings(folder string, limit int) ([]Cover, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var covers []Cover
	for _, e := range entries {
		if f, ok := codec.ByName(e.Name()); !ok || !f.Readable() || !e.Type().IsRegular() {
			continue
		}
		name := filepath.Join(folder, e.Name())
		covers = append(covers, Cover{Name: e.Name(), Read: func() (*audio.Recording, error) { return read(name) }})
	}
	if len(covers) == 0 {
		return nil, fmt.Errorf("%s holds no recordings", folder)
	}
	return evenly(covers, limit), nil
}

// evenly returns some of a list, from all of it.
func evenly[T any](list []T, limit int) []T {
	if limit < 1 || limit >= len(list) {
		return list
	}
	some := make([]T, limit)
	for i := range some {
		some[i] = list[i*len(list)/limit]
	}
	return some
}

// read loads a recording as 16 bits.
func read(name string) (*audio.Recording, error) {
	f, err := codec.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := audio.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if r.Format.Encoding != audio.Int16 {
		r.Format.Encoding, r.Format.ValidBits = audio.Int16, 0
		for _, x := range r.Samples {
			for i, v := range x {
				x[i] = r.Format.Quantize(v)
			}
		}
	}
	return r, nil
}

var clipName = regexp.MustCompile(`^(.+)_[0-9]+\.wav$`)

// notes joins the clips of each speaker to voice notes: the first of every speaker, then the second, and so on.
func notes(folder string, limit int) ([]Cover, error) {
	all, err := recordings(folder, 0)
	if err != nil {
		return nil, err
	}
	var speakers []string
	clips := map[string][]Cover{}
	for _, c := range all {
		name := strings.TrimSuffix(c.Name, filepath.Ext(c.Name))
		if m := clipName.FindStringSubmatch(c.Name); m != nil {
			name = m[1]
		}
		if clips[name] == nil {
			speakers = append(speakers, name)
		}
		clips[name] = append(clips[name], c)
	}
	const most = 2 // of a speaker
	var covers []Cover
	for round := range most {
		for _, name := range speakers {
			// Clips are 3 to 6 s long; three of them nearly always make a note.
			of := clips[name]
			if from := 3 * round; from < len(of) && (round == 0 || from+3 <= len(of)) {
				covers = append(covers, Cover{Name: fmt.Sprintf("%s, note %d", name, round+1), Read: func() (*audio.Recording, error) { return join(of[from:]) }})
			}
		}
	}
	if limit > 0 {
		covers = covers[:min(limit, len(covers))]
	}
	return covers, nil
}

// join puts recordings together until they are as long as a voice note, with the first again after the last.
func join(list []Cover) (*audio.Recording, error) {
	var note *audio.Recording
	for i := 0; ; i++ {
		r, err := list[i%len(list)].Read()
		if err != nil {
			return nil, err
		}
		if r.Frames() == 0 {
			return nil, fmt.Errorf("%s is empty", list[i%len(list)].Name)
		}
		if note == nil {
			note = &audio.Recording{Format: r.Format, Samples: make([][]float64, r.Format.Channels)}
		}
		if r.Format != note.Format {
			return nil, fmt.Errorf("%s is %+v, the clips before are %+v", list[i%len(list)].Name, r.Format, note.Format)
		}
		for c, x := range r.Samples {
			note.Samples[c] = append(note.Samples[c], x...)
		}
		if n := noteSeconds * note.Format.Rate; note.Frames() >= n {
			for c, x := range note.Samples {
				note.Samples[c] = x[:n]
			}
			return note, nil
		}
	}
}

// secret returns the picture of cover i.
func (s *Scene) secret(i int) *picture.Planes {
	p := picture.New(s.Side, s.Side)
	s.Pictures.Thumbnail(i%s.Pictures.Len(), p)
	return p
}
