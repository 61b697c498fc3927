// Package job is what is to be done with more files than one command line names: a manifest, of which each line is a job; how jobs are divided among
// machines; and a log of what became of them, by which a run that ended early goes on.
package job

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Job is what is to be done with one recording. Which of its fields there are depends on what that is.
type Job struct {
	Image string `json:"image,omitempty"` // the picture to hide
	Any   string `json:"any,omitempty"`   // or the file of any kind
	Cover string `json:"cover,omitempty"` // the recording to hide it in
	Stego string `json:"stego,omitempty"` // the recording to reveal it from
	Out   string `json:"out,omitempty"`   // the file to write
	Key
}

// Key says where a key comes from. It is never the key.
type Key struct {
	PassphraseFile string `json:"passphraseFile,omitempty"`
	KeyFile        string `json:"keyFile,omitempty"`
	Salt           string `json:"salt,omitempty"`
}

// File returns the name of the recording that is read.
func (j *Job) File() string {
	if j.Cover != "" {
		return j.Cover
	}
	return j.Stego
}

// Inputs returns the names of all files that are read.
func (j *Job) Inputs() (names []string) {
	for _, name := range []string{j.Image, j.Any, j.Cover, j.Stego, j.PassphraseFile, j.KeyFile} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Work is what a manifest's jobs are about.
type Work int

const (
	Hide    Work = iota // a picture or any file, in a cover, which gives a new file
	Reveal              // what is in a stego, which gives a file
	Inspect             // a stego
)

// check returns an error unless a job has what the work takes, and nothing else.
func (w Work) check(j *Job) error {
	fields := []struct {
		name, value    string
		wanted, placed bool
	}{
		{"image", j.Image, w == Hide && j.Any == "", w == Hide && j.Any == ""},
		{"any", j.Any, false, w == Hide},
		{"cover", j.Cover, w == Hide, w == Hide},
		{"stego", j.Stego, w != Hide, w != Hide},
		{"out", j.Out, w != Inspect, w != Inspect},
		{"passphraseFile", j.PassphraseFile, j.KeyFile != "" || j.Salt != "", true},
		{"keyFile", j.KeyFile, false, true},
	}
	for _, f := range fields {
		switch {
		case f.value == "" && f.wanted:
			return fmt.Errorf("%q is missing", f.name)
		case f.value != "" && !f.placed:
			return fmt.Errorf("there is no place for %q", f.name)
		case f.value == "-":
			return fmt.Errorf("%q is -, and a manifest names files", f.name)
		}
	}
	return nil
}

// longest is the most bytes that a line may have.
const longest = 1 << 16

// Each does something with each job of a manifest, in order. A job is a line of JSON; empty lines count for nothing. It ends with the first error, be it
// one of do or of a line, which it names.
func Each(r io.Reader, w Work, do func(j Job) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longest)
	number := 0
	for lines.Scan() {
		number++
		text := bytes.TrimSpace(lines.Bytes())
		if number == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		if len(text) == 0 {
			continue
		}
		j, err := parse(text, w)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if err := do(j); err != nil {
			return err
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("line %d is longer than %d bytes", number+1, longest)
	} else if err != nil {
		return err
	}
	return nil
}

// parse parses a line of a manifest.
func parse(text []byte, w Work) (j Job, err error) {
	if !utf8.Valid(text) {
		return Job{}, errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return Job{}, plain(err)
	}
	if d.InputOffset() != int64(len(text)) {
		return Job{}, errors.New("there is more than one object in it")
	}
	return j, w.check(&j)
}

// plain says of JSON what is wrong with it.
func plain(err error) error {
	var kind *json.UnmarshalTypeError
	if unknown, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("%s is unknown: a line has image or any, cover, stego, out, passphraseFile, keyFile and salt", unknown)
	}
	if errors.As(err, &kind) && kind.Field != "" {
		return fmt.Errorf("%q is no text, but a %s", kind.Field, kind.Value)
	}
	return errors.New("it is not a JSON object")
}

// Check reads a whole manifest before anything is done, and returns how many jobs there are. No two of them may write the same file, nor one what
// another reads, or one of those that others name, which serve all jobs. Names are the same if they lead to one place, through links too.
func Check(r io.ReadSeeker, w Work, others ...string) (jobs int, err error) {
	folded, exactly := map[digest]int{}, map[digest]int{} // the jobs that write files, from 1 on
	places := newPlaces()
	for _, name := range others {
		exactly[digestOf([]byte(places.of(name)))] = -1
	}
	err = Each(r, w, func(j Job) error {
		jobs++
		if j.Out == "" {
			return nil
		}
		place := places.of(j.Out)
		lower, exact := digestOf([]byte(strings.ToLower(place))), digestOf([]byte(place)) // some file systems do not tell the cases apart
		if other := folded[lower]; other > 0 {
			return fmt.Errorf("jobs %d and %d would both write %s", other, jobs, j.Out)
		}
		if exactly[exact] < 0 {
			return fmt.Errorf("job %d would write %s, which all jobs need", jobs, j.Out)
		}
		folded[lower], exactly[exact] = jobs, jobs
		return nil
	})
	if err != nil {
		return 0, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	at := 0
	if err := Each(r, w, func(j Job) error {
		at++
		for _, name := range j.Inputs() {
			if other := exactly[digestOf([]byte(places.of(name)))]; other > 0 {
				return fmt.Errorf("job %d would write %s, which job %d reads", other, name, at)
			}
		}
		return nil
	}); err != nil {
		return 0, err
	}
	return jobs, nil
}

// digest returns what stands for a job.
func (j *Job) digest() digest { return digestOf(fmt.Appendf(nil, "%q", *j)) }

// digest stands for a text, so that millions of them take little memory.
type digest [16]byte

func digestOf(text []byte) digest {
	sum := sha256.Sum256(text)
	return digest(sum[:16])
}
