package job

import (
	"os"
	"path/filepath"
)

// places finds out where names of files lead.
type places struct {
	here    string            // the present folder
	folders map[string]string // where folders are, by their names
}

// mostFolders is how many folders are remembered: the files of millions of jobs are in few, or in one after the other.
const mostFolders = 1 << 12

func newPlaces() *places {
	here, err := os.Getwd()
	if err != nil {
		here = "."
	}
	return &places{here, map[string]string{}}
}

// of returns the place of a file, which need not be there: one name for all that lead to it, by way of the present folder or through links.
func (p *places) of(name string) string {
	const mostLinks = 40
	for range mostLinks {
		folder, base := filepath.Split(name)
		if base == "." || base == ".." {
			return p.folder(name)
		}
		name = filepath.Join(p.folder(folder), base)
		to, err := os.Readlink(name)
		if err != nil {
			return name // no link
		}
		if !filepath.IsAbs(to) {
			to = filepath.Dir(name) + string(filepath.Separator) + to
		}
		name = to
	}
	return name
}

// folder returns the place of a folder. As much of it as there is not is taken as it is called.
func (p *places) folder(name string) string {
	if place, ok := p.folders[name]; ok {
		return place
	}
	full := name
	if !filepath.IsAbs(name) {
		full = p.here + string(filepath.Separator) + name // not joined, which would take link/.. for the folder that the link is in
	}
	place, err := filepath.EvalSymlinks(full)
	if err != nil {
		full = filepath.Clean(full)
		if place = full; filepath.Dir(full) != full {
			place = filepath.Join(p.folder(filepath.Dir(full)), filepath.Base(full))
		}
	}
	if len(p.folders) == mostFolders {
		clear(p.folders)
	}
	p.folders[name] = place
	return place
}
