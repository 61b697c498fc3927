package main

import (
	"context"
	"errors"
	"io"
)

func kill(ctx context.Context, o options, dir string, out io.Writer) error { return errors.New("not yet") }
