package main

import (
	"context"
	"errors"
	"io"

	"ditas"
	"ditas/audio"
	"ditas/picture"
	"ditas/report"
)

// methods are the ways of hiding that are measured, the usual one first.
func methods() []ditas.Method { return ditas.Methods() }

// job is what hiding, revealing and looking have in common. All of it runs on one thread.
type job struct {
	method   string // empty is the default: hiding by the lattice, looking for all
	key      ditas.Key
	progress func()
}

// keyOf returns the key of all that is hidden by a method: the public one, unless it hides nothing without a passphrase.
func keyOf(method string) (ditas.Key, error) {
	for _, m := range ditas.Methods() {
		if m.Name == method && m.SecretOnly {
			return ditas.Passphrase("this one", nil)
		}
	}
	return ditas.Public(), nil
}

// other returns a key with which nothing is hidden.
func other() (ditas.Key, error) { return ditas.Passphrase("not this one", nil) }

func (j job) report() report.Progress {
	if j.progress == nil {
		return nil
	}
	return func(report.Phase, int, int) { j.progress() }
}

// hide hides a picture, scaled down if there is too little room.
func (j job) hide(ctx context.Context, dst io.Writer, cover audio.Rewriter, secret *picture.Planes) error {
	_, err := ditas.Hide(ctx, dst, cover, secret, j.key, ditas.HideOptions{
		Method: j.method, Fit: true, Random: zeros{}, Workers: 1, Progress: j.report(),
	})
	return err
}

// reveal wants a picture.
func (j job) reveal(ctx context.Context, stego audio.File) error {
	_, _, err := ditas.Reveal(ctx, stego, j.key, ditas.RevealOptions{Method: j.method, Workers: 1, Progress: j.report()})
	return err
}

// inspect tells whether something is hidden.
func (j job) inspect(ctx context.Context, stego audio.File) (found bool, err error) {
	_, err = ditas.Inspect(ctx, stego, j.key, ditas.RevealOptions{Method: j.method, Workers: 1, Progress: j.report()})
	if errors.Is(err, ditas.ErrNothingFound) {
		return false, nil
	}
	return err == nil, err
}

// zeros are random numbers of no use but that the same recording comes out every time.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
