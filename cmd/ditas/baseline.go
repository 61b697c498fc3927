package main

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"ditas/internal/lab/train/baseline"
	"ditas/internal/model/unit"
)

// trainedBaseline is the result of ditas train for a system of another paper.
type trainedBaseline struct {
	Out        string            `json:"out"`
	Step       int               `json:"step"`
	Steps      int               `json:"steps"`
	Finished   bool              `json:"finished"`
	Validation *baseline.Figures `json:"validation,omitempty"` // the last one of this session
}

// trainBaseline trains the system of another paper that the text of a configuration, in the file of that name, is for.
func (o *trainFlags) trainBaseline(ctx context.Context, name string, text []byte) error {
	cfg, err := baseline.ReadConfig(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if o.steps > 0 {
		cfg.Steps = o.steps
	}
	data, err := o.load(ctx, unit.Side)
	if err != nil {
		return err
	}
	t, err := baseline.New(cfg, data, o.workers)
	if err != nil {
		return err
	}
	if err := o.resume(t); err != nil {
		return err
	}
	log, err := o.open(cfg, t.Step(), cfg.Steps)
	if err != nil {
		return err
	}
	defer log.Close()
	o.printf("%.1f TFLOP in all\n", t.FLOPs()/1e12)
	res := trainedBaseline{Out: o.out, Steps: cfg.Steps}
	save := func(checkpoint func(io.Writer) error) error { return o.saveBaseline(t, checkpoint) }
	bar := o.stepBar(t.Step(), cfg.Steps)
	err = t.Run(ctx, baseline.Options{
		Log: log, LogEvery: 10, Budget: bar.budget, Checkpoint: save,
		Progress: func(r baseline.Record) {
			bar.advance(r.Step, r.Loss)
			if v := r.Valid; v != nil {
				res.Validation = v
				bar.clear()
				o.printf("step %d, %.1f min, loss %.4f; %.2f dB at MSE %.2g, SNR %.1f dB\n", r.Step, r.Minutes, r.Loss, v.PSNR, v.Container, v.SNR)
			}
		},
	})
	bar.clear()
	if err := o.ended(ctx, err, t.Step(), cfg.Steps, func() error { return save(t.WriteCheckpoint) }); err != nil {
		return err
	}
	res.Step, res.Finished = t.Step(), t.Step() == cfg.Steps
	return o.result(res)
}

// saveBaseline writes the state of a run, the checkpoint last: what is there when it is complete belongs to it, or is made
// again.
func (o *trainFlags) saveBaseline(t *baseline.Trainer, checkpoint func(io.Writer) error) error {
	best, err := t.Best()
	if err != nil {
		return err
	}
	err = writeFile(o.at(weightsName), func(w io.Writer) error { return best.Save(w, o.half, o.about(t.Step())) })
	if err != nil {
		return err
	}
	return writeFile(o.at(checkpointName), checkpoint)
}
