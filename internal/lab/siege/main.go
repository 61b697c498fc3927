// Command siege breaks ditas on purpose and looks at what is left:
//
//	go run ./internal/lab/siege kill -count 200    signals at random moments, while it hides, reveals, trains and serves
//	go run ./internal/lab/siege load               what the page's server takes when clients behave badly
//
// It needs a system with signals, and for load Linux, whose /proc tells what a program takes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

func main() {
	// What this program listens to, the others do not begin with ignoring, as they would in the background.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "siege:", err)
		os.Exit(1)
	}
}

// options are the command's.
type options struct {
	program string // ditas
	seed    uint64
	count   int
	only    string
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("want kill or load, and flags; kill -h explains them")
	}
	var o options
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	f.StringVar(&o.program, "program", "", "the `FILE` of ditas; it is built if none is named")
	f.Uint64Var(&o.seed, "seed", 1, "what the random moments are drawn from")
	f.IntVar(&o.count, "count", 60, "how many times to kill")
	f.StringVar(&o.only, "only", "", "one `NAME` of what there is to kill or to load")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "siege-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.program == "" {
		if o.program, err = build(ctx, dir); err != nil {
			return err
		}
	}
	if o.program, err = filepath.Abs(o.program); err != nil {
		return err
	}
	switch args[0] {
	case "kill":
		return kill(ctx, o, dir, out)
	case "load":
		return load(ctx, o, dir, out)
	}
	return fmt.Errorf("%q is neither kill nor load", args[0])
}

// build builds ditas, in the module's folder or one below it.
func build(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "ditas")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "ditas/cmd/ditas")
	cmd.Stderr = os.Stderr
	return program, cmd.Run()
}
