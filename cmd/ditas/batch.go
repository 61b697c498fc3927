package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

const batchHelp = `
Each of several files is handled by itself: if one fails, the others are still done.
Each gets one line, with -v all that one alone gets, and a summary comes at the end.
The exit code is 1 if any file failed, else 4 if nothing was
found in any, else 3 if any was revealed only in part. --json prints one object a
line; for a file that failed it is {"file": …, "error": …}, and {"error": …} if
the command got to none.`

// batchFlags say where the files go that a command makes of several others.
type batchFlags struct {
	dir string
	forceFlag
}

func (f *batchFlags) addFlags(cmd *cobra.Command, what string) {
	cmd.Flags().StringVarP(&f.dir, "out-dir", "d", "", "a `FOLDER` to write to instead of --out, "+what)
	f.addForce(cmd)
}

// check returns an error unless there is one place for what becomes of a number of files.
func (f *batchFlags) check(out string, files int) error {
	switch {
	case out == "" && f.dir == "" && files > 1:
		return withHint(usagef("%d files are to be made, and no folder is given for them", files), "name one with --out-dir; . is the present one")
	case out != "" && f.dir != "":
		return usagef("both an output and --out-dir are given")
	case out != "" && files > 1:
		return withHint(usagef("--out is one file, and there are %d to make", files), "give a folder with --out-dir")
	}
	return nil
}

// names returns the path of the file in the folder that becomes of each input, by what it is to be called. Inputs whose files would have
// the same name are an error.
func (f *batchFlags) names(inputs []string, rename func(input string) string) ([]string, error) {
	taken := map[string]string{}
	var names []string
	for _, in := range inputs {
		if in == "-" {
			return nil, withHint(usagef("standard input has no name for a file in a folder"), "name the file with --out")
		}
		name := filepath.Join(f.dir, filepath.Base(rename(in)))
		// Some file systems do not tell the cases apart.
		key := strings.ToLower(name)
		if other, ok := taken[key]; ok {
			return nil, withHint(usagef("%s and %s would both become %s", other, in, name), "name one of them in a command of its own")
		}
		taken[key] = in
		names = append(names, name)
	}
	return names, nil
}

// tally names what a command does to files: "3 recordings: 1 revealed, 1 in part, 1 failed". A note holds for all that it has done, and may be
// empty.
type tally struct{ files, done, part, note string }

// failure is the result of a command for one of several files that it could not do, or of one that did not get to any.
type failure struct {
	File  string `json:"file,omitempty"`
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

// failed is what a command says of a file that it could not do.
func failed(file string, err error) failure {
	f := failure{File: file, Error: oneLine(plain(err))}
	var hint *hintError
	if errors.As(err, &hint) {
		f.Hint = hint.hint
	}
	return f
}

// failedAt is what a command says that failed before it got to any file.
func failedAt(ctx context.Context, err error) failure {
	f := failed("", err)
	f.Error = oneLine(wording(ctx, err))
	return f
}

// each does something for each of a number of files, and goes on when one of them fails. The error says how many did.
func (t *terminal) each(ctx context.Context, files []string, names tally, do func(i int) error) error {
	if len(files) == 1 {
		err := do(0)
		if err != nil && ctx.Err() == nil && !errors.As(err, new(*partError)) {
			if err := t.result(failed(files[0], err)); err != nil {
				return err
			}
		}
		return err
	}
	t.lines, t.brief = true, !t.verbose
	var done, part, nothing, failures int
	for i, file := range files {
		t.place = fmt.Sprintf("[%d/%d] ", i+1, len(files))
		err := do(i)
		if ended := ctx.Err(); ended != nil && (err != nil || i < len(files)-1) {
			return ended
		}
		switch code := exitCode(err); code {
		case 0:
			done++
			continue
		case exitPartly:
			part++
		default:
			if code == exitNothing {
				nothing++
			} else {
				failures++
			}
			if err := t.result(failed(file, err)); err != nil {
				return err
			}
		}
		conclude(ctx, t.err, err)
	}
	if t.brief && names.note != "" && done > 0 {
		t.printf("%s\n", names.note)
	}
	t.printf("%d %s: %d %s", len(files), names.files, done, names.done)
	if part > 0 {
		t.printf(", %d %s", part, names.part)
	}
	if nothing > 0 {
		t.printf(", %d with nothing found", nothing)
	}
	if failures > 0 {
		t.printf(", %d failed", failures)
	}
	t.printf("\n")
	switch {
	case failures > 0:
		return fmt.Errorf("%d of %d %s failed", failures, len(files), names.files)
	case nothing > 0:
		return &nothingError{fmt.Errorf("nothing was found in %d of %d %s", nothing, len(files), names.files)}
	case part > 0:
		return &partError{fmt.Errorf("%d of %d %s %s", part, len(files), names.files, names.part)}
	}
	return nil
}
