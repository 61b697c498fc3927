// Command prior learns the tables that the codestream starts from, from a folder of photographs.
//
//	go run ./internal/codestream/internal/prior --data /path/to/train/photos --out internal/codestream/internal/bitplane/prior.bin
//
// Every photograph gives its middle square at several sizes, and random squares at random sizes, some of them mirrored. The same
// photographs give the same tables. New tables change the format: streams made with the old ones cannot be read any more.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"

	"ditas/internal/codestream/internal/bitplane"
	"ditas/picture"
)

func main() {
	log.SetFlags(log.Ltime)
	data := flag.String("data", "", "folder of photographs")
	out := flag.String("out", "prior.bin", "file to write")
	every := flag.Int("every", 1, "use every n-th photograph only")
	quick := flag.Bool("quick", false, "two small samples of each photograph: for experiments")
	flag.Parse()
	if err := learn(*data, *out, *every, *quick); err != nil {
		log.Fatal("prior: ", err)
	}
}

// rates are those of practising, one for each round.
var rates = []int{28, 10}

func learn(data, out string, every int, quick bool) error {
	samples, err := load(data, every, quick)
	if err != nil {
		return err
	}
	if len(samples) == 0 {
		return fmt.Errorf("no photographs in %q: name their folder with --data", data)
	}
	log.Print(len(samples), " samples")
	p := bitplane.Ignorant()
	var moments bitplane.Moments
	var lines bitplane.Regression
	var both sync.WaitGroup
	both.Go(func() {
		for _, s := range samples {
			moments.Add(analyse(s))
		}
	})
	both.Go(func() {
		for _, s := range samples {
			lines.Add(analyse(s))
		}
	})
	both.Wait()
	moments.Solve(p)
	lines.Solve(p)
	tally := bitplane.NewTally(p)
	for _, s := range samples {
		tally.Add(analyse(s))
	}
	tally.Fit(p)
	rng := rand.New(rand.NewPCG(1, 2))
	for round, rate := range rates {
		var bits, pixels float64
		for _, i := range rng.Perm(len(samples)) {
			s := samples[i]
			bits += p.Practise(analyse(s), rate)
			pixels += float64(s.Width * s.Height)
		}
		log.Printf("round %d: %.4f bits a pixel", round, bits/pixels)
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	return errors.Join(p.Write(f), f.Close())
}

// analyse returns the coefficients of a sample.
func analyse(p *picture.Planes) *bitplane.Layout {
	l, _ := bitplane.Analyse(context.Background(), p) // nothing ends it
	return l
}

// load cuts samples from the photographs below dir.
func load(dir string, every int, quick bool) (samples []*picture.Planes, err error) {
	i := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i++
		if i%every != 0 {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		p, err := picture.Decode(f)
		if errors.Is(err, picture.ErrFormat) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, s := range cut(p, rand.New(rand.NewPCG(uint64(i), 7)), quick) {
			s.Round()
			samples = append(samples, s)
		}
		return nil
	})
	return samples, err
}

func cut(p *picture.Planes, rng *rand.Rand, quick bool) []*picture.Planes {
	if quick {
		return []*picture.Planes{p.Thumbnail(64), mirror(square(p, rng).Resize(64, 64))}
	}
	all := []*picture.Planes{p.Thumbnail(64), mirror(p.Thumbnail(64)), p.Thumbnail(96), mirror(p.Thumbnail(128))}
	for i := range 4 {
		s := square(p, rng).Resize(64, 64)
		if i&1 == 1 {
			s = mirror(s)
		}
		all = append(all, s)
	}
	if side := min(p.Width, p.Height); side >= 128 {
		all = append(all, crop(p, rng.IntN(p.Width-127), rng.IntN(p.Height-127), 128))
	}
	return all
}

// square cuts out a random square.
func square(p *picture.Planes, rng *rand.Rand) *picture.Planes {
	whole := min(p.Width, p.Height)
	least := min(whole, 96)
	side := least + rng.IntN(whole-least+1)
	return crop(p, rng.IntN(p.Width-side+1), rng.IntN(p.Height-side+1), side)
}

func crop(p *picture.Planes, left, top, side int) *picture.Planes {
	q := picture.New(side, side)
	for c, plane := range p.Pix {
		for y := range side {
			copy(q.Pix[c][y*side:][:side], plane[(top+y)*p.Width+left:])
		}
	}
	return q
}

func mirror(p *picture.Planes) *picture.Planes {
	q := picture.New(p.Width, p.Height)
	for c, plane := range p.Pix {
		for i, v := range plane {
			x := i % p.Width
			q.Pix[c][i-x+p.Width-1-x] = v
		}
	}
	return q
}
