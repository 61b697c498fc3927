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
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train"
	"ditas/internal/lab/train/chart"
	"ditas/internal/lab/train/tasks"
	"ditas/internal/replace"
)

const trainHelp = `Train the networks that hide pictures in recordings, or anything else in ditas that is
learnt.

--config is a JSON file; what it leaves out is as for the networks that ditas comes
with. Its "task" says what to train, or its "model.name" does:
  systems   the networks of the paper, ditas-s to ditas-m-ed
  baseline  systems of other papers, to compare with: deep-steg and kreuk
  restorer  the network that improves pictures that arrived only in part
  detector  a network that tells covers from stegos
  prior     the tables that picture streams start from
Without --config, ditas continues the run in --out with its own configuration, or
trains ditas-m-ed anew if there is no run.

--data is a folder that ditas data made. To use other material, name folders with
--speech, --pictures, --validation-speech and --validation-pictures. Their subfolders
are searched too, and may hold a TIMIT tree as it is, WAV files of any rate and
pictures of any size. The two sets should not share a speaker or a picture. A detector
learns from --speech and --stegos: recordings of the same names, with and without
something hidden.

--init starts from weights of the same shapes, say from a finished run.

The folder --out gets
  config.json             the whole configuration
  log.jsonl               a record every 10 steps and at each validation
  loss.png                the loss over the steps
  quality.png             the PSNR on the validation set, where there is one
  weights.safetensors     the networks: the moving average of the weights; for a
                          restorer restorer.safetensors, for the tables prior.bin
  checkpoint.safetensors  what is needed to continue

At Ctrl-C, and after --minutes, the run is saved. The same command continues it, and
the weights come out bit for bit as without the interruption. They do not depend on
the number of threads either.`

const trainExample = `  ditas train --data data --out run
  ditas train --config configs/ditas-m-ed.json --data data --out run --minutes 90
  ditas train --data data --kind faces --out faces --steps 2000 --init run/weights.safetensors
  ditas train --config configs/restorer.json --data data --out restorer
  ditas train --speech TIMIT/TRAIN --validation-speech TIMIT/TEST \
    --pictures photos --validation-pictures others --out timit`

const (
	configName     = "config.json"
	logName        = "log.jsonl"
	lossName       = "loss.png"
	qualityName    = "quality.png"
	checkpointName = "checkpoint.safetensors"
)

type trainFlags struct {
	terminal
	config, out, init string
	data, kind        string
	folders           train.Folders
	steps             int
	minutes           float64
	workers           int
	half              bool
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
	f.StringVar(&o.kind, "kind", "photos", "which pictures of --data: `KIND` is photos or faces")
	f.StringVar(&o.folders.Speech, "speech", "", "`FOLDER` of recordings to learn from, instead of the ones in --data")
	f.StringVar(&o.folders.Pictures, "pictures", "", "`FOLDER` of pictures to learn from")
	f.StringVar(&o.folders.ValidationSpeech, "validation-speech", "", "`FOLDER` of recordings to validate with")
	f.StringVar(&o.folders.ValidationPictures, "validation-pictures", "", "`FOLDER` of pictures to validate with")
	f.StringVar(&o.folders.Stegos, "stegos", "", "`FOLDER` of stegos made from the recordings in --speech, for a detector")
	f.StringVar(&o.folders.ValidationStegos, "validation-stegos", "", "`FOLDER` of stegos made from the recordings in --validation-speech")
	f.StringVar(&o.init, "init", "", "a `FILE` of weights to start from, instead of the configuration's")
	f.IntVar(&o.steps, "steps", 0, "number `N` of steps of the whole run, instead of the configuration's")
	f.Float64Var(&o.minutes, "minutes", 0, "stop after `M` minutes and save; 0 means no limit")
	f.IntVar(&o.workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	f.BoolVar(&o.half, "half", false, "store weights in 16 bits: half the size")
	o.addFlags(cmd)
	require(cmd, "out")
	completeFiles(cmd, "config", "json")
	completeFiles(cmd, "init", "safetensors")
	completeNames(cmd, "kind", "photos", "faces")
	return cmd
}

// trained is the result of ditas train.
type trained struct {
	Out        string          `json:"out"`
	Task       string          `json:"task"`
	Step       int             `json:"step"`
	Steps      int             `json:"steps"`
	Finished   bool            `json:"finished"`
	Validation json.RawMessage `json:"validation,omitempty"` // the last one
}

// session is a run that is being continued.
type session struct {
	*trainFlags
	kind    tasks.Kind
	cfg     train.Config
	trainer *train.Trainer
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
	if o.workers == 0 {
		o.workers = runtime.GOMAXPROCS(0)
	}
	kind, cfg, err := o.configuration()
	if err != nil {
		return err
	}
	task, err := o.load(ctx, cfg)
	if err != nil {
		return err
	}
	s := session{trainFlags: o, kind: kind, cfg: task.Config()}
	if s.trainer, err = train.New(task, o.workers); err != nil {
		return err
	}
	if err := s.resume(); err != nil {
		return err
	}
	return s.train(ctx, task)
}

// configuration reads the configuration asked for, or else the one in the run's folder; where there is neither, it is ditas-m-ed's.
func (o *trainFlags) configuration() (kind tasks.Kind, cfg train.Config, err error) {
	name := o.config
	if name == "" {
		name = o.at(configName)
	}
	text, err := os.ReadFile(name)
	if o.config == "" && errors.Is(err, fs.ErrNotExist) {
		text, err = []byte(`{"model": {"name": "ditas-m-ed"}}`), nil
	}
	if err != nil {
		return kind, nil, err
	}
	if kind, cfg, err = tasks.Read(text); err != nil {
		return kind, nil, withHint(fmt.Errorf("%s: %w", name, err),
			"ditas train -h explains configurations; the repository has some in configs")
	}
	if o.steps > 0 {
		cfg.Shared().Steps = o.steps
	}
	if o.init != "" {
		cfg.Shared().Init = o.init
	}
	return kind, cfg, cfg.Validate()
}

func (o *trainFlags) at(name string) string { return filepath.Join(o.out, name) }

// load reads the material, from the folders in --data where none is named.
func (o *trainFlags) load(ctx context.Context, cfg train.Config) (train.Task, error) {
	f := o.folders
	f.Progress = o.progress
	for _, in := range []struct {
		dir      *string
		set, sub string
	}{
		{&f.Speech, "train", "speech"}, {&f.Pictures, "train", o.kind},
		{&f.ValidationSpeech, "validation", "speech"}, {&f.ValidationPictures, "validation", o.kind},
	} {
		if *in.dir == "" && o.data != "" {
			*in.dir = filepath.Join(o.data, in.set, in.sub)
		}
	}
	task, err := cfg.Load(ctx, f)
	var missing *train.MissingError
	switch {
	case err == nil:
		return task, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &missing) && (missing.Folder == "stegos" || missing.Folder == "validation-stegos"):
		return nil, withHint(usagef("--%s is not given", missing.Folder),
			"a detector learns from stegos with the names of their covers; ditas hide --out-dir makes them")
	case errors.As(err, &missing):
		return nil, withHint(usagef("neither --data nor --%s is given", missing.Folder), "ditas data builds a folder for --data")
	case errors.Is(err, fs.ErrNotExist):
		return nil, withHint(err, "ditas data builds a folder for --data")
	}
	return nil, err
}

// resume continues the run in the folder, which it makes if there is none.
func (s *session) resume() error {
	f, err := os.Open(s.at(checkpointName))
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.trainer.Start(); err != nil {
			return withHint(err, "--init, or init in the configuration, names weights of the same shapes that ditas train made")
		}
		return makeFolder(s.out)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := s.trainer.Resume(f, info.Size()); err != nil {
		return withHint(fmt.Errorf("%s: %w", f.Name(), err),
			"leave out --config, --steps and --init to continue the run as it is, or choose another folder for --out")
	}
	return nil
}

// train runs what is left of the run.
func (s *session) train(ctx context.Context, task train.Task) error {
	t := s.trainer
	log, err := s.open(s.cfg, t.Step(), t.Steps())
	if err != nil {
		return err
	}
	defer log.Close()
	if c, ok := task.(train.Counted); ok {
		s.printf("%.1f TFLOP in all\n", c.FLOPs()/1e12)
	}
	bar := s.stepBar(t.Step(), t.Steps())
	err = t.Run(ctx, train.Options{
		Log: log, LogEvery: 10, Budget: bar.budget, Checkpoint: s.save,
		Progress: func(r train.Record) {
			bar.advance(r.Step, r.Loss)
			if r.Valid != nil {
				bar.clear()
				s.printf("step %d, %.1f min, loss %.4f; %v\n", r.Step, r.Minutes, r.Loss, r.Valid)
			}
		},
	})
	bar.clear()
	if err := s.ended(ctx, err); err != nil {
		return err
	}
	res := trained{Out: s.out, Task: s.kind.Name, Step: t.Step(), Steps: t.Steps(), Finished: t.Step() == t.Steps()}
	if res.Validation, err = lastValidation(s.at(logName)); err != nil {
		return err
	}
	return s.result(res)
}

// open writes the configuration into the folder and returns the log, with nothing beyond the step that is continued from.
func (o *trainFlags) open(cfg any, step, steps int) (log *os.File, err error) {
	if err := replace.File(o.at(configName), func(w io.Writer) error {
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

// ended says how a run ended, given the error of Run, and saves it if it is finished.
func (s *session) ended(ctx context.Context, err error) error {
	step, steps := s.trainer.Step(), s.trainer.Steps()
	switch {
	case err != nil && !errors.Is(err, train.ErrStopped):
		return err
	case err != nil && ctx.Err() != nil:
		return withHint(fmt.Errorf("interrupted after step %d of %d; the run is saved in %s", step, steps, s.out),
			"run the same command again to continue")
	case err != nil:
		s.printf("stopped after step %d of %d; run the same command again to continue\n", step, steps)
		return nil
	}
	// Also where nothing was left to do: --half may have changed.
	if err := s.save(s.trainer.WriteCheckpoint); err != nil {
		return err
	}
	s.printf("finished after step %d; the networks are in %s\n", step, s.at(s.kind.File))
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

// save writes the state of a run, the checkpoint last: what is there when it is complete belongs to it, or is made again.
func (s *session) save(checkpoint func(io.Writer) error) error {
	records, err := s.records()
	if err != nil {
		return err
	}
	type file struct {
		name    string
		content func(io.Writer) error
	}
	files := []file{
		{s.kind.File, func(w io.Writer) error { return s.trainer.Save(w, s.half, s.about(s.trainer.Step())) }},
		{lossName, func(w io.Writer) error { return chart.Loss(w, records) }},
	}
	if chart.HasQuality(records) {
		files = append(files, file{qualityName, func(w io.Writer) error { return chart.Quality(w, records) }})
	}
	for _, f := range append(files, file{checkpointName, checkpoint}) {
		if err := replace.File(s.at(f.name), f.content); err != nil {
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
func (o *trainFlags) records() ([]chart.Record, error) {
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
	return replace.File(name, func(w io.Writer) error {
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

// lastValidation returns the last validation in a log, nil if there is none.
func lastValidation(name string) (last json.RawMessage, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		var r struct {
			Valid json.RawMessage `json:"valid"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if r.Valid != nil {
			last = r.Valid
		}
	}
	return last, nil
}
