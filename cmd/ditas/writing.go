package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/words"
	"ditas/picture"
)

// writing says where and how the recordings are written that a command makes of others.
type writing struct {
	batch       batchFlags
	named       bool // the name of what is written is the user's
	sixteen     bool // it has 16 bits at most
	compression int
	cmd         *cobra.Command
}

// addCompression adds --compression.
func (w *writing) addCompression(cmd *cobra.Command) {
	w.cmd = cmd
	levels, says := compressionLevels()
	cmd.Flags().IntVar(&w.compression, "compression", 0, says)
	completeNames(cmd, "compression", levels...)
}

// compressionLevels returns the levels that --compression takes, and what to say of them.
func compressionLevels() (levels []string, says string) {
	var each []string
	for _, f := range codec.Writable() {
		lowest, highest, usual, ok := f.Levels()
		if !ok {
			continue
		}
		each = append(each, fmt.Sprintf("of a %s file, %d (fastest) to %d (smallest) (default %d)", f, lowest, highest, usual))
		for level := lowest; level <= highest; level++ {
			if text := strconv.Itoa(level); !slices.Contains(levels, text) {
				levels = append(levels, text)
			}
		}
	}
	return levels, "level `N` " + words.List(each, "or")
}

// outs returns what is written for each of the recordings. out is what the command line names, empty if it names none.
func (w *writing) outs(out string, recordings []string) (outs []string, err error) {
	outs = []string{out}
	w.named = out != ""
	switch {
	case out == "" && w.batch.dir == "" && recordings[0] == "-":
		return nil, withHint(usagef("standard input has no name for the recording to write"), "name that with --out")
	case out == "" && w.batch.dir == "":
		outs[0] = filepath.Base(writtenName(recordings[0])) // or with a number
	case w.batch.dir != "":
		if outs, err = w.batch.names(recordings, writtenName); err != nil {
			return nil, err
		}
	}
	for i, out := range outs {
		if err := w.check(out); err != nil {
			return nil, unfit(shown(recordings[i]), err) // before any of several is done
		}
	}
	return outs, nil
}

// writtenName returns what the recording of this name is called when it is written: the name, with the extension of that. What only ffmpeg can tell of a
// file is not asked here.
func writtenName(recording string) string {
	var f audio.File
	if info, err := os.Stat(recording); err == nil && info.Mode().IsRegular() {
		if file, err := codec.OpenFile(recording); err == nil {
			defer file.Close()
			f = file
		}
	}
	return nameFor(recording, codec.Default(f))
}

// nameFor returns a name for a file of a format, if need be with another extension.
func nameFor(name string, format *codec.Format) string {
	if f, ok := codec.ByName(name); ok && f == format {
		return name
	}
	return ending(strings.TrimSuffix(name, filepath.Ext(name)), format.Extension())
}

// options says how a recording is to be written under a name.
func (w *writing) options(out string) codec.CoverOptions {
	o := codec.CoverOptions{Name: out, Sixteen: w.sixteen}
	if w.cmd.Flags().Changed("compression") {
		o.Level = &w.compression
	}
	return o
}

// check returns an error if a recording is not to be written under a name: if that is one of a picture, or of a kind of recordings that is not written.
func (w *writing) check(out string) error {
	_, recording := codec.ByName(out)
	if !recording && slices.Contains(picture.Extensions(picture.Known()), strings.ToLower(filepath.Ext(out))) {
		return &codec.Refusal{
			Name: out, Says: "is the name of a picture, and a recording is to be written",
			Advice: "let the name to write end in " + words.List(codec.Extensions(codec.Writable()), "or"), Err: audio.ErrUnsupported,
		}
	}
	return w.options(out).Check()
}

// writable returns a recording as it is to be written, and under which name, which may end otherwise than out unless that is the user's.
func (w *writing) writable(r *recording, out string) (audio.Rewriter, string, error) {
	wanted := w.options(out)
	if !w.named {
		wanted.Name = ""
	} else if err := w.check(out); err != nil {
		return nil, "", unfit(r.name, err)
	}
	rewriter, format, err := codec.Cover(r.File, wanted)
	if err != nil {
		return nil, "", unfit(r.name, err)
	}
	if fits := nameFor(out, format); !w.named && fits != out { // floating point, as only ffmpeg could tell
		if out = fits; w.batch.dir != "" {
			out = unused(fits)
		}
	}
	return rewriter, out, nil
}

// unnamed reports whether what is written gets a name from ditas, which it need not have if another file has.
func (w *writing) unnamed() bool { return !w.named && w.batch.dir == "" }

// placed returns where a file is written if nobody takes its name meanwhile.
func (w *writing) placed(out string) string {
	if w.unnamed() {
		return unused(out)
	}
	return out
}

// writeTo writes a file, and returns its name.
func (w *writing) writeTo(ctx context.Context, t *terminal, out string, content func(w io.Writer) error) (string, error) {
	if w.unnamed() {
		return writeUnused(false, out, content)
	}
	return out, t.write(ctx, out, content)
}
