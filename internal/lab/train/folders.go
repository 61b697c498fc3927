package train

import (
	"context"
	"fmt"

	"ditas/internal/lab/dataset"
)

// Folders are what a run learns from and what it is measured on while it runs; a task needs some of them. The test set has no place
// here.
type Folders struct {
	Speech, ValidationSpeech     string
	Pictures, ValidationPictures string
	// Stegos are recordings like those of Speech, by the same names, in which something is hidden.
	Stegos, ValidationStegos string
	// Progress, if set, returns a function that is told how far the loading of something is, and one to end with.
	Progress func(what string) (step func(done, total int), end func())
}

// MissingError reports a folder that a task needs and that is not named.
type MissingError struct{ Folder string } // speech, pictures, stegos, or those with validation- before

func (e *MissingError) Error() string {
	return fmt.Sprintf("there is no folder of %s to learn from", e.Folder)
}

// Material is what most tasks learn from.
type Material struct {
	Speech, ValidationSpeech     *dataset.Speech
	Pictures, ValidationPictures *dataset.Pictures // for validation, as thumbnails
}

// Open loads the speech and the pictures, those for validation as thumbnails of side×side pixels.
func (f Folders) Open(ctx context.Context, side int) (m Material, err error) {
	if m.Speech, err = f.OpenSpeech(ctx, "speech", f.Speech); err != nil {
		return m, err
	}
	if m.ValidationSpeech, err = f.OpenSpeech(ctx, "validation-speech", f.ValidationSpeech); err != nil {
		return m, err
	}
	m.Pictures, m.ValidationPictures, err = f.OpenPictures(ctx, side)
	return m, err
}

// OpenSpeech loads the recordings of a folder.
func (f Folders) OpenSpeech(ctx context.Context, what, folder string) (s *dataset.Speech, err error) {
	err = f.load(what, folder, func(o dataset.LoadOptions) (err error) {
		s, err = dataset.OpenSpeech(ctx, folder, o)
		return err
	})
	return s, err
}

// OpenPictures loads the pictures, those for validation as thumbnails of side×side pixels.
func (f Folders) OpenPictures(ctx context.Context, side int) (learn, validation *dataset.Pictures, err error) {
	if err := f.load("pictures", f.Pictures, func(o dataset.LoadOptions) (err error) {
		learn, err = dataset.OpenPictures(ctx, f.Pictures, o)
		return err
	}); err != nil {
		return nil, nil, err
	}
	err = f.load("validation-pictures", f.ValidationPictures, func(o dataset.LoadOptions) (err error) {
		validation, err = dataset.OpenThumbnails(ctx, f.ValidationPictures, side, o)
		return err
	})
	return learn, validation, err
}

func (f Folders) load(what, folder string, load func(dataset.LoadOptions) error) error {
	if folder == "" {
		return &MissingError{what}
	}
	var o dataset.LoadOptions
	if f.Progress != nil {
		progress, end := f.Progress("loading " + what)
		defer end()
		o.Progress = progress
	}
	return load(o)
}
