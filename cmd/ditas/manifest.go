package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"ditas/internal/job"
)

// manifestHelp explains the flags of a command that does this work.
func manifestHelp(work job.Work) string {
	done := `what the results say was done, and what is there of what would be
written, is left as it is, unless --force is given. What failed is tried again.`
	if work == job.Inspect {
		done = `what the results say was done is left out. What failed is
tried again.`
	}
	return `

For very many files, --manifest reads what is to be done from a file, a JSON object a
line, in place of names and flags:

  ` + lineOf(work) + `

Names are as from the present folder, and folders for what is written are made. A line
may have a "passphraseFile" of its own, with "keyFile" and "salt". --shard 2/8 does
the second of eight parts, of a manifest or of the files that are named, so that eight
machines may do one each. --results adds a JSON object a line to a file for each that
is done or failed. With any of these three, a run that ended early goes on when it is
started again: ` + done
}

// lineOf returns an example of a manifest's line.
func lineOf(work job.Work) string {
	switch work {
	case job.Hide:
		return `{"image": "a.jpg", "cover": "b.wav", "out": "c.flac"}`
	case job.Reveal:
		return `{"stego": "c.flac", "out": "d.png"}`
	}
	return `{"stego": "c.flac"}`
}

// manifestFlags say what is to be done with more files than a command line names.
type manifestFlags struct {
	manifest, results string
	shard             job.Shard
	work              job.Work
}

func (f *manifestFlags) addFlags(cmd *cobra.Command, work job.Work) {
	f.work = work
	cmd.Flags().StringVar(&f.manifest, "manifest", "", "do what a `FILE` says, a JSON object a line; - is standard input")
	cmd.Flags().Var(&shardValue{&f.shard}, "shard", "do the part `N/M` of all")
	cmd.Flags().StringVar(&f.results, "results", "", "add the results to a `FILE`, and leave out what that says was done")
}

// shardValue is the value of the flag --shard.
type shardValue struct{ *job.Shard }

func (v *shardValue) Set(text string) (err error) {
	*v.Shard, err = job.ParseShard(text)
	return err
}

func (v *shardValue) Type() string { return "shard" }

// jobs are what a command line asks for.
type jobs struct {
	n       int // how many there are
	each    func(do func(j job.Job) error) error
	many    bool     // there may be more than one
	exact   bool     // what is written is called what they say
	resumes bool     // what was done is left as it is
	log     *job.Log // what became of them, nil if nobody asks
	close   func() error
}

// these are jobs that a command line names.
func these(list ...job.Job) *jobs {
	return &jobs{
		n: len(list), many: len(list) > 1,
		each: func(do func(j job.Job) error) error {
			for _, j := range list {
				if err := do(j); err != nil {
					return err
				}
			}
			return nil
		},
		close: func() error { return nil },
	}
}

// covers are jobs with these covers.
func covers(names []string) (list []job.Job) {
	for _, name := range names {
		list = append(list, job.Job{Cover: name})
	}
	return list
}

// stegos are jobs with these stegos.
func stegos(names []string) (list []job.Job) {
	for _, name := range names {
		list = append(list, job.Job{Stego: name})
	}
	return list
}

// read returns the jobs of the manifest. plain says that nothing else on the command line says what to do. The files of all names in inputs are read for
// all jobs.
func (f *manifestFlags) read(ctx context.Context, plain bool, inputs []string) (*jobs, error) {
	if !plain {
		return nil, withHint(usagef("both --manifest and files are given"), "write them into the manifest, and leave out --out-dir too: it says where each file goes")
	}
	file, _, err := open(ctx, f.manifest)
	if err != nil {
		return nil, err
	}
	needed := slices.DeleteFunc(append(slices.Clone(inputs), f.results), func(name string) bool { return name == "" || name == "-" })
	n, err := job.Check(file, f.work, needed...)
	if err == nil && n == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		file.Close()
		return nil, withHint(fmt.Errorf("the manifest %s: %w", shown(f.manifest), err), "nothing was done yet: mend the manifest first; a line has %s", lineOf(f.work))
	}
	return &jobs{
		n: n, many: true, exact: true,
		each: func(do func(j job.Job) error) error {
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				return err
			}
			return job.Each(file, f.work, do)
		},
		close: file.Close,
	}, nil
}

// part returns this machine's part of the jobs, with their log.
func (f *manifestFlags) part(all *jobs, force bool) (*jobs, error) {
	if f.manifest == "" && f.results == "" && f.shard == (job.Shard{}) {
		return all, nil
	}
	part := *all
	part.many, part.resumes = true, !force
	part.n = f.shard.Size(all.n)
	part.each = func(do func(j job.Job) error) error {
		at := -1
		return all.each(func(j job.Job) error {
			if at++; !f.shard.Has(at) {
				return nil
			}
			return do(j)
		})
	}
	if f.results == "" {
		return &part, nil
	}
	var err error
	if part.log, err = job.OpenLog(f.results); err != nil {
		return nil, withHint(fmt.Errorf("the results in %s: %w", f.results, err), "name another file with --results")
	}
	part.close = func() error { return errors.Join(all.close(), part.log.Close()) }
	return &part, nil
}

// before reports whether a job was done before.
func (l *jobs) before(j job.Job) (bool, error) {
	if !l.resumes {
		return false, nil
	}
	return l.log.Before(j, l.exact)
}

// makeFolder makes the folder that a file is to be written to.
func (l *jobs) makeFolder(j job.Job) error {
	if !l.exact || j.Out == "" {
		return nil
	}
	return makeFolder(filepath.Dir(j.Out))
}
