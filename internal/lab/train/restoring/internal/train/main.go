// Command train trains the restorer, or measures the one that ships.
//
//	go run ./internal/lab/train/restoring/internal/train --config configs/restorer.json --data data --out runs/restorer
//	go run ./internal/lab/train/restoring/internal/train --data data --measure 256
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train/restoring"
	"ditas/internal/model/restorer"
)

func main() {
	log.SetFlags(log.Ltime)
	config := flag.String("config", "configs/restorer.json", "configuration of the run")
	data := flag.String("data", "data", "folder with train/photos and validation/photos")
	out := flag.String("out", "runs/restorer", "folder of the run; continued where it was interrupted")
	workers := flag.Int("workers", 2, "goroutines")
	size := flag.Int("measure", 0, "train nothing; measure the shipped restorer on pictures of so many pixels each way")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *size > 0 {
		if err := measure(ctx, *data, *size); err != nil {
			log.Fatal("train: ", err)
		}
		return
	}
	if err := run(ctx, *config, *data, *out, *workers); err != nil {
		stop()
		log.Fatal("train: ", err)
	}
}

func run(ctx context.Context, config, data, out string, workers int) error {
	f, err := os.Open(config)
	if err != nil {
		return err
	}
	defer f.Close()
	cfg, err := restoring.ReadConfig(f)
	if err != nil {
		return fmt.Errorf("%s: %w", config, err)
	}
	return restoring.Train(ctx, cfg, data, out, workers, func(r restoring.Record) {
		if r.Valid != nil || r.Step%50 == 0 {
			log.Printf("step %d, %.1f minutes: gain %.3f dB %v", r.Step, r.Minutes, r.Gain, r.Valid)
		}
	})
}

// lengths are those of the prefixes to measure at, in bytes for 64×64 pixels.
var lengths = []int{50, 60, 80, 120, 200, 300, 500, 700, 1000, 1500, 2000, 3000}

func measure(ctx context.Context, data string, size int) error {
	pictures, err := dataset.OpenThumbnails(ctx, filepath.Join(data, "validation", "photos"), size, dataset.LoadOptions{})
	if err != nil {
		return err
	}
	r, err := restorer.New()
	if err != nil {
		return err
	}
	scaled := make([]int, len(lengths))
	for i, n := range lengths {
		scaled[i] = n * size * size / 4096
	}
	all, err := restoring.Measure(ctx, r, pictures, size, scaled)
	for _, v := range all {
		fmt.Printf("%7d bytes %7.3f dB, restored %7.3f dB, gain %+.3f dB\n", v.Bytes, v.Decoded, v.Restored, v.Restored-v.Decoded)
	}
	return err
}
