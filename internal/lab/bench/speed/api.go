package main

import (
	"context"
	"errors"
	"io"

	"ditas"
	"ditas/audio"
	"ditas/picture"
)

// methods are the ways of hiding whose search is measured.
var methods = []string{ditas.Lattice, ditas.Networks}

// job is what hiding, revealing and looking have in common. All of it runs on one thread.
type job struct {
	method     string // empty is the default: hiding by the lattice, looking for all
	passphrase string // empty is the public key
	progress   func(done, total int)
}

// hide hides a picture by the lattice, scaled down if there is too little room.
func (j job) hide(ctx context.Context, dst io.Writer, cover audio.Rewriter, secret *picture.Planes) error {
	_, err := ditas.Hide(ctx, dst, cover, secret, ditas.HideOptions{
		Method: j.method, Passphrase: j.passphrase, Fit: true, Random: zeros{}, Workers: 1, Progress: j.progress,
	})
	return err
}

// reveal wants a picture.
func (j job) reveal(ctx context.Context, stego audio.File) error {
	_, _, err := ditas.Reveal(ctx, stego, ditas.RevealOptions{
		Method: j.method, Passphrase: j.passphrase, Workers: 1, Progress: j.progress,
	})
	return err
}

// inspect tells whether something is hidden.
func (j job) inspect(ctx context.Context, stego audio.File) (found bool, err error) {
	_, err = ditas.Inspect(ctx, stego, ditas.RevealOptions{
		Method: j.method, Passphrase: j.passphrase, Workers: 1, Progress: j.progress,
	})
	if errors.Is(err, ditas.ErrNothingFound) {
		return false, nil
	}
	return err == nil, err
}

// capacity surveys a cover.
func (j job) capacity(ctx context.Context, cover audio.File) error {
	_, err := ditas.Capacity(ctx, cover, ditas.CapacityOptions{Workers: 1, Progress: j.progress})
	return err
}

// zeros are random numbers of no use but that the same recording comes out every time.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
