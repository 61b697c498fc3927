package detector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/lab/train"
)

// maxSamples bounds the samples that pairs hold in memory: 2 GiB of them.
const maxSamples = 1 << 29

// Load implements [train.Config].
func (c *Config) Load(ctx context.Context, f train.Folders) (train.Task, error) {
	for _, folder := range []struct{ path, name string }{
		{f.Speech, "speech"}, {f.Stegos, "stegos"}, {f.ValidationSpeech, "validation-speech"}, {f.ValidationStegos, "validation-stegos"},
	} {
		if folder.path == "" {
			return nil, &train.MissingError{Folder: folder.name}
		}
	}
	pairs, err := OpenPairs(ctx, f.Speech, f.Stegos)
	if err != nil {
		return nil, err
	}
	validation, err := OpenPairs(ctx, f.ValidationSpeech, f.ValidationStegos)
	if err != nil {
		return nil, err
	}
	return NewTask(*c, pairs, validation)
}

// OpenPairs reads the recordings of a folder of covers, and the stegos by the same names from another. Channels are averaged.
// Recordings that are not as long as one another are taken as far as both go.
func OpenPairs(ctx context.Context, covers, stegos string) (pairs []Pair, err error) {
	samples := 0
	err = filepath.WalkDir(covers, func(path string, e fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil || e.IsDir() {
			return err
		}
		cover, err := samplesOf(path)
		if errors.Is(err, audio.ErrFormat) {
			return nil // a text beside recordings, say
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(covers, path)
		if err != nil {
			return err
		}
		stego, err := samplesOf(filepath.Join(stegos, name))
		if err != nil {
			return fmt.Errorf("the stego of %s: %w", path, err)
		}
		if samples += len(cover) + len(stego); samples > maxSamples {
			return fmt.Errorf("the recordings in %s have more samples than fit into 2 GiB; use fewer or shorter ones", covers)
		}
		pairs = append(pairs, Pair{cover, stego})
		return nil
	})
	if err == nil && len(pairs) == 0 {
		err = fmt.Errorf("there are no recordings in %s", covers)
	}
	return pairs, err
}

// samplesOf reads a recording.
func samplesOf(name string) ([]float32, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	rec, err := codec.Decode(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	x := make([]float32, len(rec.Samples[0]))
	for i := range x {
		sum := 0.0
		for _, channel := range rec.Samples {
			sum += channel[i]
		}
		x[i] = float32(sum / float64(len(rec.Samples)))
	}
	return x, nil
}
