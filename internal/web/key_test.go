package web

import (
	"context"
	"errors"
	"testing"

	"ditas"
)

// Keys are made one at a time, whoever asks for them and goes away meanwhile, and the one that a page asked for last is not made again.
func TestOneKeyIsMadeAtATime(t *testing.T) {
	h := &Handler{deriving: make(chan struct{}, 1)}
	one, other := &session{handler: h}, &session{handler: h}
	asked := secrecy{Passphrase: "x", Salt: "Anna"}
	h.deriving <- struct{}{} // somebody else is at it
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := one.keyOf(ctx, asked); !errors.Is(err, context.Canceled) {
		t.Errorf("a key for somebody who has gone: %v", err)
	}
	waiting := make(chan error, 2)
	ctx, cancel = context.WithCancel(t.Context())
	for _, s := range []*session{one, other} {
		go func() {
			_, err := s.keyOf(ctx, asked)
			waiting <- err
		}()
	}
	cancel()
	for range 2 {
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("a key was made beside another one, or %v", err)
		}
	}
	<-h.deriving
	made, err := one.keyOf(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	h.deriving <- struct{}{}
	if again, err := one.keyOf(t.Context(), asked); err != nil || again != made {
		t.Errorf("the same key again: %v", err)
	}
	for _, q := range []secrecy{{}, {Salt: "Anna"}, {KeyFile: "00"}, {Passphrase: "x", KeyFile: "zz"}, {Passphrase: "x", Salt: " "}} {
		key, err := one.keyOf(t.Context(), q) // needs no place
		if q == (secrecy{}) {
			if err != nil || key != ditas.Public() {
				t.Errorf("without a passphrase: %v", err)
			}
		} else if err == nil {
			t.Errorf("%+v makes a key", q)
		}
	}
}
