// Command rd prints how good prefixes of streams are: for squares of photographs of a given size, the mean PSNR in dB at
// several lengths in bytes, by how much Info overestimates it (mean and standard deviation), and the mean size of the complete
// stream.
//
//	go run ./internal/codestream/internal/rd --data /path/to/validation/photos --size 64
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"math"
	"os"
	"path/filepath"

	"ditas/internal/codestream"
	"ditas/picture"
)

func main() {
	log.SetFlags(0)
	data := flag.String("data", "", "folder of photographs")
	size := flag.Int("size", 64, "width and height that their middle squares are scaled to")
	flag.Parse()
	if err := measure(*data, *size); err != nil {
		log.Fatal("rd: ", err)
	}
}

// at is what is known of one length.
type at struct {
	bytes               int
	psnr, over, squares float64 // sums
}

func measure(data string, size int) error {
	var rows []at
	for _, n := range []int{50, 60, 80, 120, 200, 300, 500, 700, 1000, 1500, 2000, 3000} {
		rows = append(rows, at{bytes: n * size * size / 4096})
	}
	var pictures, total float64
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
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
		p = p.Thumbnail(size)
		p.Round()
		stream, _, err := codestream.Encode(context.Background(), p, codestream.EncodeOptions{})
		if err != nil {
			return err
		}
		pictures++
		total += float64(len(stream))
		for i := range rows {
			r := &rows[i]
			q, info, err := codestream.Decode(context.Background(), stream[:min(r.bytes, len(stream))], codestream.DecodeOptions{})
			if err != nil {
				return err
			}
			got := psnr(meanSquare(p, q))
			e := info.Error
			over := psnr(float64(3*e[0]*e[0]+0.5*e[1]*e[1]+0.75*e[2]*e[2])/3) - got
			r.psnr += got
			r.over += over
			r.squares += over * over
		}
		return nil
	})
	if err != nil {
		return err
	}
	if pictures == 0 {
		return fmt.Errorf("no photographs in %q: name their folder with --data", data)
	}
	for _, r := range rows {
		over := r.over / pictures
		spread := math.Sqrt(r.squares/pictures - over*over)
		fmt.Printf("%7d bytes %7.3f dB   info %+.2f ± %.2f\n", r.bytes, r.psnr/pictures, over, spread)
	}
	mean := total / pictures
	fmt.Printf("%7.0f bytes lossless, %.4f bits a pixel\n", mean, 8*mean/float64(size*size))
	return nil
}

func meanSquare(a, b *picture.Planes) float64 {
	var sum float64
	for c, plane := range a.Pix {
		for i, v := range plane {
			d := float64(v - b.Pix[c][i])
			sum += d * d
		}
	}
	return sum / float64(3*len(a.Pix[0]))
}

func psnr(mse float64) float64 { return -10 * math.Log10(max(mse, 1e-10)) }
