package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ditas/internal/job"
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
		return withHint(usagef("both an output and --out-dir are given"), "leave one of the two out")
	case out != "" && files > 1:
		return withHint(usagef("--out is one file, and there are %d to make", files), "give a folder with --out-dir")
	}
	return nil
}

// makeFolder makes the folder, if one is named. If it was not there, what is returned removes it again unless something is in it by then.
func (f *batchFlags) makeFolder() (remove func(), err error) {
	remove = func() {}
	if f.dir == "" {
		return remove, nil
	}
	if !there(f.dir) {
		remove = func() { os.Remove(f.dir) }
	}
	return remove, makeFolder(f.dir)
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
type tally struct{ file, done, part, note string }

// failure is the result of a command for one of several files that it could not do, or of one that did not get to any.
type failure struct {
	File  fileName `json:"file,omitempty"`
	Error fileName `json:"error"`
	Hint  fileName `json:"hint,omitempty"`
}

// failed is what a command says of a file that it could not do.
func failed(file string, err error) failure {
	return failure{File: fileName(file), Error: fileName(plain(err)), Hint: fileName(hintOf(err))}
}

// failedAt is what a command says that failed before it got to any file.
func failedAt(ctx context.Context, err error) failure {
	f := failed("", err)
	f.Error = fileName(wording(ctx, err))
	return f
}

// counts is how many of several files a command did, and how many it could not do.
type counts struct{ done, part, before, nothing, failed int }

// add counts a file by the exit code of what was done with it.
func (c *counts) add(code int) {
	switch code {
	case 0:
		c.done++
	case exitPartly:
		c.part++
	case exitNothing:
		c.nothing++
	default:
		c.failed++
	}
}

// each does something for each of a number of files, and goes on when one of them fails. The error says how many did.
func (t *terminal) each(ctx context.Context, list *jobs, names tally, do func(j job.Job) error) (err error) {
	defer func() { err = errors.Join(err, list.close()) }()
	if !list.many {
		return list.each(func(j job.Job) error {
			err := do(j)
			if err != nil && ctx.Err() == nil && !errors.As(err, new(*partError)) {
				if err := t.result(failed(j.File(), err)); err != nil {
					return err
				}
			}
			return err
		})
	}
	t.lines, t.brief = true, !t.verbose
	var n counts
	at := 0
	err = list.each(func(j job.Job) error {
		at++
		t.place = fmt.Sprintf("[%d/%d] ", at, list.n)
		if before, err := list.before(j); err != nil || before {
			n.before++
			return cmp.Or(err, ctx.Err())
		}
		err := t.one(ctx, list, j, do)
		if ended := ctx.Err(); ended != nil && (err != nil || at < list.n) {
			return ended
		}
		var lost *lostError
		if errors.As(err, &lost) {
			return lost.error
		}
		n.add(exitCode(err))
		return nil
	})
	if err != nil {
		return err
	}
	return t.summary(list.n, n, names)
}

// lostError is an error in telling the results, after which it makes no sense to go on.
type lostError struct{ error }

// one does something for one of several files, and tells what became of it.
func (t *terminal) one(ctx context.Context, list *jobs, j job.Job, do func(j job.Job) error) error {
	began := time.Now()
	t.told = nil
	err := list.makeFolder(j)
	if err == nil {
		err = do(j)
	}
	if ctx.Err() != nil {
		return err
	}
	r := job.Result{Job: j, Exit: exitCode(err), Seconds: time.Since(began).Seconds(), Result: t.told}
	if r.Exit != 0 && r.Exit != exitPartly {
		f := failed(j.File(), err)
		if err := t.result(f); err != nil {
			return &lostError{err}
		}
		r.Result, r.Error, r.Hint = nil, string(f.Error), string(f.Hint)
	}
	if err != nil {
		conclude(ctx, t.err, err)
	}
	if list.log != nil {
		if err := list.log.Add(r); err != nil {
			return &lostError{fmt.Errorf("writing the results: %w", err)}
		}
	}
	return err
}

// summary tells what became of a number of files. The error says so, too, unless all were done.
func (t *terminal) summary(files int, n counts, names tally) error {
	if t.brief && names.note != "" && n.done > 0 {
		t.printf("%s\n", names.note)
	}
	t.printf("%s: %d %s", counted(files, names.file), n.done, names.done)
	for _, also := range []struct {
		n    int
		what string
	}{{n.part, names.part}, {n.before, "done before"}, {n.nothing, "with nothing found"}, {n.failed, "failed"}} {
		if also.n > 0 {
			t.printf(", %d %s", also.n, also.what)
		}
	}
	t.printf("\n")
	switch {
	case n.failed > 0:
		return fmt.Errorf("%d of %s failed", n.failed, counted(files, names.file))
	case n.nothing > 0:
		return &nothingError{fmt.Errorf("nothing was found in %d of %s", n.nothing, counted(files, names.file))}
	case n.part > 0:
		return &partError{fmt.Errorf("%d of %s %s", n.part, counted(files, names.file), names.part)}
	}
	return nil
}
