package prior

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"ditas/picture"
)

// load cuts samples from the photographs below a folder: of each its middle square at several sizes, and random squares at random
// sizes, some of them mirrored.
func (c *Config) load(ctx context.Context, dir string) (samples []*picture.Planes, err error) {
	i := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil || d.IsDir() {
			return err
		}
		i++
		if i%c.Every != 0 {
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
		for _, s := range cut(p, rand.New(rand.NewPCG(uint64(i), 6+c.Seed)), c.Quick) {
			s.Round()
			samples = append(samples, s)
		}
		return nil
	})
	if err == nil && len(samples) == 0 {
		err = fmt.Errorf("there are no photographs in %s", dir)
	}
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
