package dataset

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"ditas/audio"
	"ditas/audio/wav"
)

// musicSeconds is how long the excerpts of each kind of music are.
var musicSeconds = map[string]int{kindMusic: 30, kindSongs: 180}

// maxZipped is how large a file in a zip archive may be, in bytes.
const maxZipped = 1 << 28

// music makes the excerpts of a group, one after another: a recording of some minutes takes some 100 MB while it is decoded.
func (u *unpacked) music(ctx context.Context, g group) ([]File, error) {
	var made []File
	for _, p := range g.pieces {
		x, err := u.excerpt(ctx, p, musicSeconds[g.kind])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		rec := &audio.Recording{
			Format:  audio.Format{Rate: MusicRate, Channels: musicChannels, Encoding: audio.Int16},
			Samples: audio.NewBlock(musicChannels, len(x)/musicChannels),
		}
		for i, v := range x {
			rec.Samples[i%musicChannels][i/musicChannels] = float64(v)
		}
		f := File{Path: path.Join(g.split, g.kind, p.name+".wav"), Sources: p.paths}
		f.SHA256, err = writeFile(filepath.Join(u.Dir, filepath.FromSlash(f.Path)), func(w io.Writer) error { return wav.Encode(w, rec) })
		if err != nil {
			return nil, err
		}
		made = append(made, f)
	}
	return made, nil
}

// excerpt returns some seconds of a piece, interleaved. One of several recordings is these joined, and again from the first.
func (u *unpacked) excerpt(ctx context.Context, p piece, seconds int) ([]float32, error) {
	// A second more, since a packet that ffmpeg passes over makes what comes before a time shorter.
	end := p.start + seconds
	as := shape{MusicRate, musicChannels, end + 1}
	from, to := p.start*MusicRate*musicChannels, end*MusicRate*musicChannels
	var x []float32
	for _, name := range p.paths {
		file, err := u.onDisk(name)
		if err != nil {
			return nil, err
		}
		// Seeking in lossy recordings is not exact to the sample, so all is decoded up to the end of the excerpt.
		decoded, err := u.tools.decode(ctx, []string{file}, as, u.work)
		if err != nil {
			return nil, err
		}
		x = append(x, decoded[0]...)
	}
	once := len(x)
	if once == 0 || once < to && len(p.paths) == 1 {
		return nil, fmt.Errorf("the recording has %d of %d seconds", once/MusicRate/musicChannels, end)
	}
	for len(x) < to {
		x = append(x, x[:min(once, to-len(x))]...)
	}
	return x[from:to], nil
}

// onDisk returns where the recording at a path of the package lies, which may be one in a zip archive of it.
func (u *unpacked) onDisk(name string) (file string, err error) {
	outer, inner, ok := strings.Cut(name, ".pk3/")
	if !ok {
		return filepath.Join(u.dir, filepath.FromSlash(name)), nil
	}
	outer += ".pk3"
	archive, err := u.root.Open(filepath.FromSlash(outer))
	if err != nil {
		return "", err
	}
	defer archive.Close()
	info, err := archive.Stat()
	if err != nil {
		return "", err
	}
	z, err := zip.NewReader(archive, info.Size())
	if err != nil {
		return "", fmt.Errorf("%s: %w", outer, err)
	}
	from, err := z.Open(inner)
	if err != nil {
		return "", fmt.Errorf("%s: %w", outer, err)
	}
	defer from.Close()
	to, err := os.CreateTemp(u.dir, "*"+path.Ext(inner))
	if err != nil {
		return "", err
	}
	n, err := io.Copy(to, io.LimitReader(from, maxZipped+1))
	if err = errors.Join(err, to.Close()); err == nil && n > maxZipped {
		err = fmt.Errorf("more than %d MiB", maxZipped>>20)
	}
	if err != nil {
		return "", fmt.Errorf("%s/%s: %w", outer, inner, err)
	}
	return to.Name(), nil
}
