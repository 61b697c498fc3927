package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// LoadOptions says how a folder is loaded. The zero value is a good choice.
type LoadOptions struct {
	// SkipUnreadable leaves out files that are recordings or pictures but cannot be read, and reports them in Skipped.
	// Otherwise they are an error, since a set that silently shrank gives numbers that nobody can repeat.
	SkipUnreadable bool
	// MaxBytes bounds the memory for all samples or pixels; 0 means 4 GiB. To need more is an error.
	MaxBytes int64
	// Side is the size in pixels that the longer side of a picture is scaled down to; 0 means 640.
	Side int
	// Rate is that of all recordings, in Hz; 0 means [Rate].
	Rate int
	// FullBand converts rates by a filter that reaches up to half of the new rate and lets some of what is beyond fold back, so that no band is left
	// with next to nothing in it. Otherwise nothing folds back.
	FullBand bool
	// Progress, if set, is called after every file, by one goroutine at a time.
	Progress func(done, total int)
}

// Skipped is a file that could not be read.
type Skipped struct {
	Name string // the path below the folder, with slashes
	Err  error
}

const (
	defaultMaxBytes = 4 << 30
	defaultSide     = 640
)

// errForeign says that a file is of another kind than the one wanted: a text beside a recording, say.
var errForeign = errors.New("another kind of file")

// item is a loaded file.
type item[T any] struct {
	name  string // the path below the folder, with slashes
	value T
}

// load reads all files below dir, whose names and folders do not start with a dot, in the order of their paths. read
// returns a value and the memory it takes; its error is errForeign for files to pass over. kind is a word for error messages.
func load[T any](ctx context.Context, dir, kind string, o LoadOptions, read func(f *os.File) (T, int64, error)) ([]item[T], []Skipped, error) {
	names, err := files(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("looking for %s: %w", kind, err)
	}
	limit := o.MaxBytes
	if limit == 0 {
		limit = defaultMaxBytes
	}
	type outcome struct {
		value T
		err   error
	}
	results := make([]outcome, len(names))
	var used atomic.Int64
	var mu sync.Mutex
	done := 0
	err = parallel(ctx, len(names), func(i int) error {
		value, bytes, err := readFile(filepath.Join(dir, filepath.FromSlash(names[i])), read)
		results[i] = outcome{value, err}
		if used.Add(bytes) > limit {
			return fmt.Errorf("the %s in %s take more than %d MiB of memory; raise the limit or use a smaller folder", kind, dir, limit>>20)
		}
		if o.Progress != nil {
			mu.Lock()
			defer mu.Unlock()
			done++
			o.Progress(done, len(names))
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	var items []item[T]
	var skipped []Skipped
	for i, r := range results {
		switch {
		case r.err == nil:
			items = append(items, item[T]{names[i], r.value})
		case !errors.Is(r.err, errForeign):
			skipped = append(skipped, Skipped{names[i], r.err})
		}
	}
	if len(skipped) > 0 && !o.SkipUnreadable {
		const show = 5
		var list []error
		for _, s := range skipped[:min(show, len(skipped))] {
			list = append(list, fmt.Errorf("%s: %w", s.Name, s.Err))
		}
		return nil, nil, fmt.Errorf("%d of the %s in %s cannot be read; remove them, or ask to skip such files:\n%w", len(skipped), kind, dir, errors.Join(list...))
	}
	if len(items) == 0 {
		return nil, nil, fmt.Errorf("none of the %d files in %s is one of the %s wanted", len(names), dir, kind)
	}
	return items, skipped, nil
}

func readFile[T any](name string, read func(f *os.File) (T, int64, error)) (value T, bytes int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return value, 0, err
	}
	defer f.Close()
	return read(f)
}

// files lists the regular files below dir, sorted.
func files(dir string) ([]string, error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	err = filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p == root:
			if !e.IsDir() {
				return fmt.Errorf("%s is not a folder", dir)
			}
			return nil
		case strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case e.IsDir():
			return nil
		case e.Type()&fs.ModeSymlink != 0:
			if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
				return err
			}
		case !e.Type().IsRegular():
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		names = append(names, filepath.ToSlash(rel))
		return nil
	})
	slices.Sort(names)
	return names, err
}

// parallel calls do for 0 to n-1 on all processors, until one fails, and returns its error, or the error of ctx.
func parallel(ctx context.Context, n int, do func(i int) error) error {
	var next atomic.Int64
	var failure atomic.Pointer[error]
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for ctx.Err() == nil && failure.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(i); err != nil {
					failure.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := failure.Load(); err != nil {
		return *err
	}
	return nil
}
