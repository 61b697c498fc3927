// Command proof compares ditas-beam with ditas: both hide in thousands of short recordings, some of which are broken, and reveal what was
// hidden, and ditas-beam is killed in the middle of that and started again. What both say and reveal has to be the same, file by file.
//
//	go -C beam run ./proof -ditas "$PWD/ditas" -beam "$PWD/ditas-beam"
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"ditas/internal/job"
)

func main() {
	log.SetFlags(0)
	var p proof
	flag.StringVar(&p.ditas, "ditas", "", "the `program` ditas, with its folder")
	flag.StringVar(&p.beam, "beam", "", "the `program` ditas-beam, with its folder")
	flag.IntVar(&p.n, "n", 2000, "how many recordings")
	rounds := flag.Int("rounds", 3, "how often a tenth of them is timed by both in turn, for their speed")
	flag.Parse()
	var err error
	if p.folder, err = os.MkdirTemp("", "proof-"); err == nil {
		err = errors.Join(p.all(*rounds), os.RemoveAll(p.folder))
	}
	if err != nil {
		log.Fatal(err)
	}
}

// proof has its recordings in a folder, and folders beside them for what is done.
type proof struct {
	ditas, beam, folder string
	n                   int
	hours               float64 // of sound, in recordings that are not broken
}

// all does everything, up to the first error.
func (p *proof) all(rounds int) error {
	for _, step := range []func() error{p.material, p.hide, p.reveal, func() error { return p.speed(rounds) }} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

const (
	rate   = 16000
	broken = 20 // every 20th is
)

// material makes the recordings, of ditas demo's speech, and the manifest.
func (p *proof) material() error {
	demo := exec.Command(p.ditas, "demo", "--quiet")
	demo.Dir = p.folder
	if err := demo.Run(); err != nil {
		return err
	}
	speech, err := os.ReadFile(filepath.Join(p.folder, "demo-cover.wav"))
	if err != nil {
		return err
	}
	speech = speech[44:] // the header
	if err := os.Mkdir(filepath.Join(p.folder, "covers"), 0o777); err != nil {
		return err
	}
	var hide, reveal bytes.Buffer
	hides, reveals := json.NewEncoder(&hide), json.NewEncoder(&reveal)
	for i := range p.n {
		name := fmt.Sprintf("%04d.wav", i)
		seconds := 2 + i%3
		from := 2 * (i * 997 % (len(speech)/2 - seconds*rate))
		wav := recording(speech[from : from+2*seconds*rate])
		if i%broken == 0 {
			wav = [][]byte{nil, []byte("no recording\n"), wav[:20], wav[:len(wav)/50]}[i/broken%4]
		} else {
			p.hours += float64(seconds) / 3600
		}
		if err := os.WriteFile(filepath.Join(p.folder, "covers", name), wav, 0o666); err != nil {
			return err
		}
		if err := errors.Join(
			hides.Encode(job.Job{Image: "../small.png", Cover: "../covers/" + name, Out: "out/" + name}),
			reveals.Encode(job.Job{Stego: "../beam/out/" + name, Out: "revealed/" + name + ".png"}),
		); err != nil {
			return err
		}
	}
	return errors.Join(
		p.crop(),
		os.WriteFile(filepath.Join(p.folder, "hide.jsonl"), hide.Bytes(), 0o666),
		os.WriteFile(filepath.Join(p.folder, "reveal.jsonl"), reveal.Bytes(), 0o666),
		os.WriteFile(filepath.Join(p.folder, "some.jsonl"), bytes.Join(bytes.SplitAfter(hide.Bytes(), []byte("\n"))[:p.n/10], nil), 0o666))
}

// crop makes a picture of 32×32 pixels of the demo's.
func (p *proof) crop() error {
	b, err := os.ReadFile(filepath.Join(p.folder, "demo-secret.png"))
	if err != nil {
		return err
	}
	whole, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return err
	}
	small := image.NewRGBA(image.Rect(0, 0, 32, 32))
	draw.Draw(small, small.Rect, whole, image.Pt(64, 40), draw.Src)
	var out bytes.Buffer
	return errors.Join(png.Encode(&out, small), os.WriteFile(filepath.Join(p.folder, "small.png"), out.Bytes(), 0o666))
}

// recording returns a WAV file of samples of 16 bits.
func recording(samples []byte) []byte {
	b := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(36+len(samples)))...)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...)
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, 2*rate)
	b = append(b, "\x02\x00\x10\x00data"...)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(samples))), samples...)
}

// command returns a command in a folder of its own. Broken recordings make either end with an error.
func (p *proof) command(folder, work, manifest string, beam bool) (*exec.Cmd, error) {
	cmd := exec.Command(p.ditas, work, "-q", "--manifest", "../"+manifest, "--results", work+"-results.jsonl")
	if beam {
		cmd = exec.Command(p.beam, work, "--manifest", "../"+manifest, "--out", work+"-results", "--ditas", p.ditas)
	}
	cmd.Dir = filepath.Join(p.folder, folder)
	return cmd, os.MkdirAll(cmd.Dir, 0o777)
}

// time runs a command, and returns how long it took and what it took of processors.
func (p *proof) time(folder, work, manifest string, beam bool) (wall, processor time.Duration, err error) {
	cmd, err := p.command(folder, work, manifest, beam)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != job.Failed {
		return 0, 0, err
	}
	return time.Since(began), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// hide hides by both, and kills ditas-beam in the middle.
func (p *proof) hide() error {
	wall, processor, err := p.time("plain", "hide", "hide.jsonl", false)
	if err != nil {
		return err
	}
	p.print("ditas hide", wall, processor)
	cmd, err := p.command("beam", "hide", "hide.jsonl", true)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	for lines := 0; lines < p.n/2; {
		time.Sleep(100 * time.Millisecond)
		if _, lines, err = p.results("beam/hide-results/*.jsonl"); err != nil {
			return err
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	wall, processor = time.Since(began), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	before, err := p.times()
	if err != nil {
		return err
	}
	fmt.Printf("killed when %d files were written\n", len(before))
	again, more, err := p.time("beam", "hide", "hide.jsonl", true)
	if err != nil {
		return err
	}
	p.print("ditas-beam hide, twice", wall+again, processor+more)
	after, err := p.times()
	if err != nil {
		return err
	}
	for name, at := range before {
		if !at.Equal(after[name]) {
			return fmt.Errorf("%s was written again", name)
		}
	}
	return p.same("hide")
}

// reveal reveals by both what ditas-beam hid.
func (p *proof) reveal() error {
	for _, beam := range []bool{false, true} {
		folder, name := "plain", "ditas reveal"
		if beam {
			folder, name = "beam", "ditas-beam reveal"
		}
		wall, processor, err := p.time(folder, "reveal", "reveal.jsonl", beam)
		if err != nil {
			return err
		}
		p.print(name, wall, processor)
	}
	return p.same("reveal")
}

// same returns an error unless both say and reveal the same.
func (p *proof) same(work string) error {
	plain, _, err := p.results("plain/" + work + "-results.jsonl")
	if err != nil {
		return err
	}
	beam, lines, err := p.results("beam/" + work + "-results/*.jsonl")
	if err != nil {
		return err
	}
	if lines != p.n || len(plain) != p.n || len(beam) != p.n {
		return fmt.Errorf("%d results of ditas, %d of ditas-beam in %d lines: want %d", len(plain), len(beam), lines, p.n)
	}
	there, failed := 0, 0
	for name, one := range plain {
		other := beam[name]
		if other.There { // the file was complete when it was killed, and the line was not
			there++
			other.Result, other.There = one.Result, false
		}
		if !reflect.DeepEqual(one, other) {
			return fmt.Errorf("the results differ: %+v, %+v", one, other)
		}
		a, err := os.ReadFile(filepath.Join(p.folder, "plain", name))
		b, err2 := os.ReadFile(filepath.Join(p.folder, "beam", name))
		switch {
		case one.Exit != 0:
			if failed++; err == nil || err2 == nil {
				return fmt.Errorf("%s was written", name)
			}
		case err != nil || err2 != nil || len(a) != len(b):
			return fmt.Errorf("%s differs: %w", name, errors.Join(err, err2))
		case work == "reveal" && !bytes.Equal(a, b):
			return fmt.Errorf("%s differs", name)
		}
	}
	fmt.Printf("the same: %d files and %d failures; of %d files the line was not written yet when it was killed\n", p.n-failed, failed, there)
	return nil
}

// results reads results by what is written. lines is how many there are, of failures too.
func (p *proof) results(pattern string) (all map[string]result, lines int, err error) {
	names, err := filepath.Glob(filepath.Join(p.folder, pattern))
	if err != nil {
		return nil, 0, err
	}
	all = map[string]result{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, 0, err
		}
		for line := range bytes.Lines(text) {
			var r result
			if json.Unmarshal(line, &r) == nil {
				if r.Job.Cover != "" { // each stego has a dither of its own
					for _, drawn := range []string{"mse", "snr", "maxDeviation"} {
						delete(r.Result, drawn)
					}
				}
				all[r.Job.Out] = r
				lines++
			}
		}
	}
	return all, lines, nil
}

// result is what both have to say alike.
type result struct {
	Job         job.Job
	Exit        int
	There       bool
	Result      map[string]any
	Error, Hint string
}

// times returns when each output was written.
func (p *proof) times() (map[string]time.Time, error) {
	all := map[string]time.Time{}
	names, err := filepath.Glob(filepath.Join(p.folder, "beam/out/*.wav"))
	for _, name := range names {
		var info fs.FileInfo
		if info, err = os.Stat(name); err != nil {
			break
		}
		all[name] = info.ModTime()
	}
	return all, err
}

// print prints what something cost.
func (p *proof) print(what string, wall, processor time.Duration) {
	fmt.Printf("%-22s  %d files of %.2f hours in %.0f s, %.0f s of processors: %.0f s of processors for an hour of sound\n",
		what, p.n, p.hours, wall.Seconds(), processor.Seconds(), processor.Seconds()/p.hours)
}

// speed has both do a tenth in turn.
func (p *proof) speed(rounds int) error {
	var ratios []float64
	for i := range rounds {
		a, _, err := p.time(fmt.Sprint("plain-", i), "hide", "some.jsonl", false)
		if err != nil {
			return err
		}
		b, _, err := p.time(fmt.Sprint("beam-", i), "hide", "some.jsonl", true)
		if err != nil {
			return err
		}
		ratios = append(ratios, a.Seconds()/b.Seconds())
		fmt.Printf("a tenth: ditas %.1f s, ditas-beam %.1f s, throughput %.2f\n", a.Seconds(), b.Seconds(), ratios[i])
	}
	if slices.Sort(ratios); rounds > 0 {
		fmt.Printf("median throughput: %.2f of that of ditas\n", ratios[rounds/2])
	}
	return nil
}
