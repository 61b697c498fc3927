package restoring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"ditas/internal/lab/dataset"
)

// Names of files in the folder of a run.
const (
	checkpointName = "checkpoint.safetensors"
	logName        = "log.jsonl"
	weightsName    = "restorer.safetensors"
)

// Train runs a training in the folder out, resuming what it finds there, on photographs below data/train/photos and, for
// validation, data/validation/photos. It leaves the weights, the log and a checkpoint in the folder.
func Train(ctx context.Context, cfg Config, data, out string, workers int, progress func(Record)) error {
	pictures, err := dataset.OpenPictures(ctx, filepath.Join(data, "train", "photos"), dataset.LoadOptions{})
	if err != nil {
		return err
	}
	validation, err := dataset.OpenThumbnails(ctx, filepath.Join(data, "validation", "photos"), cfg.Tile, dataset.LoadOptions{})
	if err != nil {
		return err
	}
	t, err := New(cfg, Data{pictures, validation}, workers)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	checkpoint := filepath.Join(out, checkpointName)
	if err := resume(t, checkpoint); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(out, logName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	err = t.Run(ctx, Options{Log: log, LogEvery: 50, Progress: progress, Checkpoint: func(write func(io.Writer) error) error {
		return errors.Join(replace(checkpoint, write), replace(filepath.Join(out, weightsName), func(w io.Writer) error {
			n, err := t.Best()
			if err != nil {
				return err
			}
			return n.Save(w)
		}))
	}})
	return errors.Join(err, log.Close())
}

// resume continues from the checkpoint at path, if there is one.
func resume(t *Trainer, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := t.Resume(f, info.Size()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// replace writes a file so that an interruption leaves the old one.
func replace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
