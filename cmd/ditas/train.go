package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"ditas/dataset"
	"ditas/train"
	"ditas/train/chart"
)

const trainHelp = `Train networks that hide pictures in recordings.

--data is a folder as ditas data builds it. Any other material is named with
--speech, --pictures, --validation-speech and --validation-pictures, each a folder
that is searched with all below it: a TIMIT tree as it is, WAV files of any rate,
pictures of any size. No speaker and no picture should be in both sets.

--config is a JSON file; what it leaves out is as for the networks that ditas comes
with. Without it the run in --out is continued as it was configured, or a new one
begins.

The folder --out gets
  config.json             the whole configuration
  log.jsonl               a record every 10 steps and at each validation
  loss.png                the loss over the steps
  quality.png             the PSNR on the validation set
  weights.safetensors     the networks: the moving average of the weights
  checkpoint.safetensors  what it takes to continue

At Ctrl-C, and after --minutes, the run is saved; the same command continues it, and
the weights come out the same, bit for bit, as without the interruption. They do
not depend on the number of threads either.`

const trainExample = `  ditas train --data data --out run
  ditas train --config configs/ditas-m-ed.json --data data --out run --minutes 90
  ditas train --data data --kind faces --out faces --steps 2000
  ditas train --speech TIMIT/TRAIN --validation-speech TIMIT/TEST \
    --pictures photos --validation-pictures others --out timit`

const (
	configName     = "config.json"
	logName        = "log.jsonl"
	lossName       = "loss.png"
	qualityName    = "quality.png"
	weightsName    = "weights.safetensors"
	checkpointName = "checkpoint.safetensors"
)

type trainFlags struct {
	terminal
	config, out                          string
	data, kind                           string
	speech, pictures                     string
	validationSpeech, validationPictures string
	steps                                int
	minutes                              float64
	workers                              int
	half                                 bool
}

func trainCommand() *cobra.Command {
	var o trainFlags
	cmd := &cobra.Command{
		Use:     "train --data FOLDER --out RUN",
		Short:   "Train networks of your own",
		Long:    trainHelp,
		Example: trainExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.config, "config", "c", "", "the configuration, a JSON `FILE`")
	f.StringVarP(&o.data, "data", "d", "", "a `FOLDER` that ditas data made")
	f.StringVarP(&o.out, "out", "o", "", "the `FOLDER` of the run; it is made if needed")
	f.StringVar(&o.kind, "kind", "photos", "which pictures of --data, `KIND` being photos or faces")
	f.StringVar(&o.speech, "speech", "", "`FOLDER` of recordings to learn from, in place of those in --data")
	f.StringVar(&o.pictures, "pictures", "", "`FOLDER` of pictures to learn from")
	f.StringVar(&o.validationSpeech, "validation-speech", "", "`FOLDER` of recordings to validate with")
	f.StringVar(&o.validationPictures, "validation-pictures", "", "`FOLDER` of pictures to validate with")
	f.IntVar(&o.steps, "steps", 0, "number `N` of steps of the whole run, instead of the configuration's")
	f.Float64Var(&o.minutes, "minutes", 0, "stop after `M` minutes and save; 0 means no limit")
	f.IntVar(&o.workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	f.BoolVar(&o.half, "half", false, "store weights in 16 bits: half the size")
	o.addFlags(cmd)
	require(cmd, "out")
	return cmd
}

// trained is the result of ditas train.
type trained struct {
	Out        string             `json:"out"`
	Step       int                `json:"step"`
	Steps      int                `json:"steps"`
	Finished   bool               `json:"finished"`
	Validation []train.Validation `json:"validation"` // the last one
}

func (o *trainFlags) run(ctx context.Context) error {
	switch {
	case o.steps < 0:
		return usagef("--steps %d: want 1 or more", o.steps)
	case !(o.minutes >= 0):
		return usagef("--minutes %g: want 0 or more", o.minutes)
	case o.kind != "photos" && o.kind != "faces":
		return usagef("--kind %s: want photos or faces", o.kind)
	}
	if err := checkWorkers(o.workers); err != nil {
		return err
	}
	if err := o.fillFolders(); err != nil {
		return err
	}
	cfg, err := o.configuration()
	if err != nil {
		return err
	}
	data, err := o.load(ctx, cfg.Model.Tile)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return withHint(err, "ditas data builds a folder for --data")
		}
		return err
	}
	workers := o.workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	t, err := train.New(cfg, data, workers)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o777); err != nil {
		return err
	}
	if err := o.resume(t); err != nil {
		return err
	}
	return o.train(ctx, t, cfg)
}

// fillFolders sets the folders that no flag names to those in --data.
func (o *trainFlags) fillFolders() error {
	for _, f := range []struct {
		dir      *string
		flag     string
		set, sub string
	}{
		{&o.speech, "speech", "train", "speech"},
		{&o.pictures, "pictures", "train", o.kind},
		{&o.validationSpeech, "validation-speech", "validation", "speech"},
		{&o.validationPictures, "validation-pictures", "validation", o.kind},
	} {
		if *f.dir != "" {
			continue
		}
		if o.data == "" {
			return withHint(usagef("neither --data nor --%s is given", f.flag), "ditas data builds a folder for --data")
		}
		*f.dir = filepath.Join(o.data, f.set, f.sub)
	}
	return nil
}

// configuration returns the one asked for, or that of the run in the folder, or the one that ditas was trained with.
func (o *trainFlags) configuration() (c train.Config, err error) {
	name := o.config
	if name == "" {
		name = o.at(configName)
	}
	text, err := os.ReadFile(name)
	switch {
	case err == nil:
		if c, err = train.ReadConfig(bytes.NewReader(text)); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
	case o.config == "" && errors.Is(err, fs.ErrNotExist):
		if c, err = train.Default("ditas-m-ed"); err != nil {
			return c, err
		}
	default:
		return c, err
	}
	if o.steps > 0 {
		c.Steps = o.steps
	}
	return c, c.Validate()
}

func (o *trainFlags) at(name string) string { return filepath.Join(o.out, name) }

// load reads the material.
func (o *trainFlags) load(ctx context.Context, tile int) (d train.Data, err error) {
	for _, l := range []struct {
		what string
		load func(dataset.LoadOptions) error
	}{
		{"speech", func(lo dataset.LoadOptions) (err error) {
			d.Speech, err = dataset.OpenSpeech(ctx, o.speech, lo)
			return err
		}},
		{"pictures", func(lo dataset.LoadOptions) (err error) {
			d.Pictures, err = dataset.OpenPictures(ctx, o.pictures, lo)
			return err
		}},
		{"validation speech", func(lo dataset.LoadOptions) (err error) {
			d.ValidationSpeech, err = dataset.OpenSpeech(ctx, o.validationSpeech, lo)
			return err
		}},
		{"validation pictures", func(lo dataset.LoadOptions) (err error) {
			d.ValidationPictures, err = dataset.OpenThumbnails(ctx, o.validationPictures, tile, lo)
			return err
		}},
	} {
		progress, end := o.progress("loading " + l.what)
		err := l.load(dataset.LoadOptions{Progress: progress})
		end()
		if err != nil {
			return d, err
		}
	}
	return d, nil
}

// resume continues the run in the folder, if there is one.
func (o *trainFlags) resume(t *train.Trainer) error {
	f, err := os.Open(o.at(checkpointName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := t.Resume(f, info.Size()); err != nil {
		return withHint(fmt.Errorf("%s: %w", f.Name(), err), "leave out --config and --steps to continue the run as it is, or choose another folder for --out")
	}
	return nil
}

// train runs what is left of the run.
func (o *trainFlags) train(ctx context.Context, t *train.Trainer, cfg train.Config) error {
	if err := writeFile(o.at(configName), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(cfg)
	}); err != nil {
		return err
	}
	if err := keepLog(o.at(logName), t.Step()); err != nil {
		return err
	}
	log, err := os.OpenFile(o.at(logName), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer log.Close()
	if n := t.Step(); n > 0 {
		o.printf("continuing after step %d of %d\n", n, cfg.Steps)
	}
	res := trained{Out: o.out, Steps: cfg.Steps}
	budget := time.Duration(o.minutes * float64(time.Minute))
	bar := o.bar("", progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
	if bar != nil {
		bar.ChangeMax(cfg.Steps)
	}
	first, begin := t.Step(), time.Now()
	err = t.Run(ctx, train.Options{
		Log: log, LogEvery: 10, Budget: budget,
		Checkpoint: func(checkpoint func(io.Writer) error) error { return o.save(t, checkpoint) },
		Progress: func(r train.Record, _ time.Duration) {
			if bar != nil {
				elapsed := time.Since(begin)
				each := elapsed / time.Duration(r.Step-first)
				left := each * time.Duration(cfg.Steps-r.Step)
				if budget > 0 {
					left = min(left, max(0, budget-elapsed))
				}
				bar.Describe(fmt.Sprintf("%.2f steps/s, %v left, loss %.3f", 1/each.Seconds(), left.Round(time.Second), r.Loss))
				bar.Set(r.Step)
			}
			if r.Valid != nil {
				if bar != nil {
					bar.Clear()
				}
				o.printf("%s\n", progressLine(r))
			}
		},
	})
	if bar != nil {
		bar.Clear()
	}
	if err != nil && !errors.Is(err, train.ErrStopped) {
		return err
	}
	res.Step = t.Step()
	res.Finished = res.Step == cfg.Steps
	switch {
	case err != nil && ctx.Err() != nil:
		return withHint(fmt.Errorf("interrupted after step %d of %d; the run is saved in %s", res.Step, res.Steps, o.out), "run the same command again to continue")
	case err != nil:
		o.printf("stopped after step %d of %d; run the same command again to continue\n", res.Step, res.Steps)
	default:
		// Also where nothing was left to do: --half may have changed.
		if err := o.save(t, t.WriteCheckpoint); err != nil {
			return err
		}
		o.printf("finished after step %d; the networks are in %s\n", res.Step, o.at(weightsName))
	}
	records, err := o.records()
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Valid != nil {
			res.Validation = r.Valid
		}
	}
	return o.result(res)
}

// progressLine tells how far a run has come.
func progressLine(r train.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "step %d, %.1f min, loss %.3f;", r.Step, r.Minutes, r.Loss)
	for i, v := range r.Valid {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %.2f dB at MSE %.2g", v.PSNR[len(v.PSNR)-1], v.Container)
	}
	return b.String()
}

// save writes the state of a run, the checkpoint last: what is there when it is complete belongs to it, or is made again.
func (o *trainFlags) save(t *train.Trainer, checkpoint func(io.Writer) error) error {
	best, err := t.Best()
	if err != nil {
		return err
	}
	records, err := o.records()
	if err != nil {
		return err
	}
	about := map[string]string{"ditas.step": strconv.Itoa(t.Step())}
	if m, err := dataset.ReadManifest(o.data); o.data != "" && err == nil {
		about["ditas.data"] = m.Digest()
	}
	for _, file := range []struct {
		name    string
		content func(io.Writer) error
	}{
		{weightsName, func(w io.Writer) error { return best.Save(w, o.half, about) }},
		{lossName, func(w io.Writer) error { return chart.Loss(w, records) }},
		{qualityName, func(w io.Writer) error { return chart.Quality(w, records) }},
		{checkpointName, checkpoint},
	} {
		if err := writeFile(o.at(file.name), file.content); err != nil {
			return err
		}
	}
	return nil
}

// records reads the log.
func (o *trainFlags) records() ([]train.Record, error) {
	f, err := os.Open(o.at(logName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return chart.Read(f)
}

// keepLog drops from a log what is beyond a step, and makes an empty one if there is none.
func keepLog(name string, step int) error {
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return writeFile(name, func(w io.Writer) error {
		lines := bufio.NewScanner(bytes.NewReader(old))
		lines.Buffer(nil, len(old)+1)
		for lines.Scan() {
			var r train.Record
			if json.Unmarshal(lines.Bytes(), &r) != nil || r.Step > step {
				break
			}
			if _, err := fmt.Fprintf(w, "%s\n", lines.Bytes()); err != nil {
				return err
			}
		}
		return nil
	})
}
