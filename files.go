package ditas

import (
	"context"
	"fmt"
	"io"
	"os"

	"ditas/audio/codec"
	"ditas/internal/replace"
	"ditas/picture"
	"ditas/report"
)

// HideFile hides the picture in file secret in the recording in file cover and writes the result to file stego, in the format that its name
// ends in, .wav or .flac. By any other name it has the cover's format, or becomes a WAV file if ditas cannot write that format. The file
// appears, or is replaced, only when it is complete. It must not be one of the others.
func HideFile(ctx context.Context, stego, cover, secret string, key Key, o HideOptions) (*report.Hide, error) {
	if err := distinct(stego, cover, secret); err != nil {
		return nil, err
	}
	if err := codec.CheckOutput(stego); err != nil {
		return nil, err
	}
	p, err := readPicture(ctx, secret)
	if err != nil {
		return nil, err
	}
	recording, err := codec.OpenFile(cover)
	if err != nil {
		return nil, err
	}
	defer recording.Close()
	writable, _, err := codec.Cover(recording, codec.CoverOptions{Name: stego})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cover, err)
	}
	var r *report.Hide
	err = replace.File(stego, func(w io.Writer) (err error) {
		r, err = Hide(ctx, w, writable, p, key, o)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cover, err)
	}
	return r, nil
}

// RevealFile reveals the picture in the recording in file stego and writes it to file secret, in the format that its name ends in (.png, .jpg,
// .bmp or .tif). The file appears, or is replaced, only when it is complete. It must not be the recording. If it took a passphrase, a new file can
// be read by its owner alone.
func RevealFile(ctx context.Context, secret, stego string, key Key, o RevealOptions) (*report.Reveal, error) {
	if err := distinct(secret, stego); err != nil {
		return nil, err
	}
	format, err := picture.FormatOf(secret)
	if err != nil {
		return nil, err
	}
	recording, err := codec.OpenFile(stego)
	if err != nil {
		return nil, err
	}
	defer recording.Close()
	p, r, err := Reveal(ctx, recording, key, o)
	if err != nil {
		return r, fmt.Errorf("%s: %w", stego, err)
	}
	converting := options(o.Workers, o.Progress).Phase(report.Converting)
	write := replace.File
	if key.Secret() {
		write = replace.Private
	}
	return r, write(secret, func(w io.Writer) error { return p.EncodeContext(ctx, w, format, converting) })
}

// distinct returns an error if a file to be written is one of those that are read.
func distinct(out string, in ...string) error {
	a, err := os.Stat(out)
	if err != nil {
		return nil // it is not there yet
	}
	for _, name := range in {
		if b, err := os.Stat(name); err == nil && os.SameFile(a, b) {
			return fmt.Errorf("%s would replace the input %s: choose another name", out, name)
		}
	}
	return nil
}

func readPicture(ctx context.Context, name string) (*picture.Planes, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := picture.DecodeContext(ctx, f, picture.MaxPixels)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}
