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

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train"
	"ditas/internal/lab/train/baseline"
	"ditas/internal/lab/train/chart"
	"ditas/internal/lab/train/loop"
)

const trainHelp = `Train networks that hide pictures in recordings.

--data is a folder as ditas data builds it. Any other material is named with
--speech, --pictures, --validation-speech and --validation-pictures, each a folder
that is searched with all below it: a TIMIT tree as it is, WAV files of any rate,
pictures of any size. No speaker and no picture should be in both sets.

--config is a JSON file; what it leaves out is as for the networks that ditas comes
with. Without it the run in --out is continued as it was configured, or a new one
begins. With "deep-steg" or "kreuk" as its model.name it trains a system of another
paper, to compare with; its run has no plots.

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
	completeFiles(cmd, "config", "json")
	completeNames(cmd, "kind", "photos", "faces")
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
	if o.workers == 0 {
		o.workers = runtime.GOMAXPROCS(0)
	}
	name, text, err := o.configurationText()
	if err != nil {
		return err
	}
	if baseline.Trains(text) {
		return o.trainBaseline(ctx, name, text)
	}
	cfg, err := o.configuration(name, text)
	if err != nil {
		return err
	}
	data, err := o.load(ctx, cfg.Model.Tile)
	if err != nil {
		return err
	}
	t, err := train.New(cfg, data, o.workers)
	if err != nil {
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

// configurationText reads the configuration asked for, or that of the run in the folder; nil if there is neither.
func (o *trainFlags) configurationText() (name string, text []byte, err error) {
	name = o.config
	if name == "" {
		name = o.at(configName)
	}
	text, err = os.ReadFile(name)
	if o.config == "" && errors.Is(err, fs.ErrNotExist) {
		return name, nil, nil
	}
	return name, text, err
}

// configuration returns that of the file, or the one that ditas was trained with.
func (o *trainFlags) configuration(name string, text []byte) (c train.Config, err error) {
	if text == nil {
		c, err = train.Default("ditas-m-ed")
	} else if c, err = train.ReadConfig(bytes.NewReader(text)); err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	if err != nil {
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
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return d, ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			return d, withHint(err, "ditas data builds a folder for --data")
		default:
			return d, err
		}
	}
	return d, nil
}

// resume makes the folder, and continues the run in it if there is one.
func (o *trainFlags) resume(t interface {
	Resume(r io.ReaderAt, size int64) error
}) error {
	if err := os.MkdirAll(o.out, 0o777); err != nil {
		return err
	}
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
	log, err := o.open(cfg, t.Step(), cfg.Steps)
	if err != nil {
		return err
	}
	defer log.Close()
	save := func(checkpoint func(io.Writer) error) error { return o.save(t, checkpoint) }
	bar := o.stepBar(t.Step(), cfg.Steps)
	err = t.Run(ctx, train.Options{
		Log: log, LogEvery: 10, Budget: bar.budget, Checkpoint: save,
		Progress: func(r train.Record) {
			bar.advance(r.Step, r.Loss)
			if r.Valid != nil {
				bar.clear()
				o.printf("%s\n", progressLine(r))
			}
		},
	})
	bar.clear()
	if err := o.ended(ctx, err, t.Step(), cfg.Steps, func() error { return save(t.WriteCheckpoint) }); err != nil {
		return err
	}
	res := trained{Out: o.out, Step: t.Step(), Steps: cfg.Steps, Finished: t.Step() == cfg.Steps}
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

// open writes the configuration into the folder and returns the log, with nothing beyond the step that is continued from.
func (o *trainFlags) open(cfg any, step, steps int) (log *os.File, err error) {
	if err := writeFile(o.at(configName), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(cfg)
	}); err != nil {
		return nil, err
	}
	if err := keepLog(o.at(logName), step); err != nil {
		return nil, err
	}
	if step > 0 {
		o.printf("continuing after step %d of %d\n", step, steps)
	}
	return os.OpenFile(o.at(logName), os.O_WRONLY|os.O_APPEND, 0)
}

// ended says how a run ended, err being that of its Run, and saves it if it is finished.
func (o *trainFlags) ended(ctx context.Context, err error, step, steps int, save func() error) error {
	switch {
	case err != nil && !errors.Is(err, loop.ErrStopped):
		return err
	case err != nil && ctx.Err() != nil:
		return withHint(fmt.Errorf("interrupted after step %d of %d; the run is saved in %s", step, steps, o.out), "run the same command again to continue")
	case err != nil:
		o.printf("stopped after step %d of %d; run the same command again to continue\n", step, steps)
		return nil
	}
	// Also where nothing was left to do: --half may have changed.
	if err := save(); err != nil {
		return err
	}
	o.printf("finished after step %d; the networks are in %s\n", step, o.at(weightsName))
	return nil
}

// stepBar shows how far a run is, on a terminal.
type stepBar struct {
	bar          *progressbar.ProgressBar // nil where there is no terminal
	first, steps int
	begin        time.Time
	budget       time.Duration // 0 means no limit
}

func (o *trainFlags) stepBar(first, steps int) *stepBar {
	b := &stepBar{
		bar:   o.bar("", progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false)),
		first: first, steps: steps, begin: time.Now(), budget: time.Duration(o.minutes * float64(time.Minute)),
	}
	if b.bar != nil {
		b.bar.ChangeMax(steps)
	}
	return b
}

func (b *stepBar) advance(step int, loss float64) {
	if b.bar == nil {
		return
	}
	elapsed := time.Since(b.begin)
	each := elapsed / time.Duration(step-b.first)
	left := each * time.Duration(b.steps-step)
	if b.budget > 0 {
		left = min(left, max(0, b.budget-elapsed))
	}
	b.bar.Describe(fmt.Sprintf("%.2f steps/s, %v left, loss %.3f", 1/each.Seconds(), left.Round(time.Second), loss))
	b.bar.Set(step)
}

func (b *stepBar) clear() {
	if b.bar != nil {
		b.bar.Clear()
	}
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
	for _, file := range []struct {
		name    string
		content func(io.Writer) error
	}{
		{weightsName, func(w io.Writer) error { return best.Save(w, o.half, o.about(t.Step())) }},
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

// about is what the weights' file says about the run.
func (o *trainFlags) about(step int) map[string]string {
	about := map[string]string{"ditas.step": strconv.Itoa(step)}
	if m, err := dataset.ReadManifest(o.data); o.data != "" && err == nil {
		about["ditas.data"] = m.Digest()
	}
	return about
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
			var r struct{ Step int }
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
