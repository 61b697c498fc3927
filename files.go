package ditas

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"ditas/audio/codec"
	"ditas/internal/replace"
	"ditas/picture"
	"ditas/report"
)

// HideFile hides the picture in file secret in the recording in file cover and writes the result to file stego, in the format that its name
// ends in, .wav or .flac. By any other name it has the cover's format, or becomes FLAC if ditas cannot write that, or WAV if FLAC cannot hold
// it, as the report's Becomes tells. The file appears, or is replaced, only when it is complete. It must not be one of the others. Unless o.File is set,
// it is the picture's file.
func HideFile(ctx context.Context, stego, cover, secret string, key Key, o HideOptions) (*report.Hide, error) {
	if err := distinct(stego, cover, secret); err != nil {
		return nil, err
	}
	if err := codec.CheckOutput(stego); err != nil {
		return nil, err
	}
	m, _, err := choose(o.Method, o.For)
	if err != nil {
		return nil, err
	}
	p, data, err := readPicture(ctx, secret)
	if err != nil {
		return nil, err
	}
	if o.File == nil {
		o.File = &File{Name: filepath.Base(secret), Data: data}
	}
	recording, err := codec.OpenFile(cover)
	if err != nil {
		return nil, err
	}
	defer recording.Close()
	writable, _, err := codec.Cover(recording, codec.CoverOptions{Name: stego, Sixteen: m.MaxBits > 0})
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
// .bmp or .tif). If the picture's own file was hidden, and is of that format, that is what it writes, byte for byte; and if what was hidden is a file that
// is no picture, by any name. The file appears, or is replaced, only when it is complete. It must not be the recording. If it took a passphrase, a new file can
// be read by its owner alone.
func RevealFile(ctx context.Context, secret, stego string, key Key, o RevealOptions) (*report.Reveal, error) {
	if err := distinct(secret, stego); err != nil {
		return nil, err
	}
	format, unknown := picture.FormatOf(secret)
	recording, err := codec.OpenFile(stego)
	if err != nil {
		return nil, err
	}
	defer recording.Close()
	var file *File
	asked := o.File
	o.File = func(f *File) {
		if file = f; asked != nil {
			asked(f)
		}
	}
	p, r, err := Reveal(ctx, recording, key, o)
	if err != nil {
		return r, fmt.Errorf("%s: %w", stego, err)
	}
	if p != nil && unknown != nil {
		return r, unknown
	}
	converting := options(o.Workers, o.Progress).Phase(report.Converting)
	write := replace.File
	if key.Secret() {
		write = replace.Private
	}
	return r, write(secret, func(w io.Writer) error {
		if file != nil && (p == nil || file.format() == format) {
			_, err := w.Write(file.Data)
			return err
		}
		return p.EncodeContext(ctx, w, format, converting)
	})
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

// format returns the format of the picture in the file, or −1 if that is none of them.
func (f *File) format() picture.Format {
	format, err := picture.FormatOf(picture.ExtensionOf(f.Data))
	if err != nil {
		return -1
	}
	return format
}

// readPicture reads a picture, and returns its file, too.
func readPicture(ctx context.Context, name string) (*picture.Planes, []byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	var data bytes.Buffer
	p, err := picture.DecodeContext(ctx, io.TeeReader(f, &data), picture.MaxPixels)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, data.Bytes(), nil
}
