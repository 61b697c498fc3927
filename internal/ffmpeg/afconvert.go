package ffmpeg

import (
	"context"
	"os"
	"os/exec"
	"time"
)

// AFConvert is a program that comes with macOS, and decodes what Apple's systems play.
const AFConvert = "afconvert"

// FindAFConvert returns where that program is, and whether it is installed.
func FindAFConvert() (path string, ok bool) {
	path, err := exec.LookPath(AFConvert)
	return path, err == nil
}

// RunAFConvert has that program decode a file to a WAV file of 16 bits, and ends it where that has most bytes: the program itself would
// go on. The error is a *[Failure] if the program fails, or that of ctx.
func RunAFConvert(ctx context.Context, from, to string, most int64) error {
	path, ok := FindAFConvert()
	if !ok {
		return ErrMissing
	}
	within, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(within, path, "-f", "WAVE", "-d", "LEI16", from, to)
	cmd.WaitDelay = time.Second
	var said tail
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-within.Done():
				return
			case <-tick.C:
				if info, err := os.Stat(to); err == nil && info.Size() >= most {
					stop()
				}
			}
		}
	}()
	err := cmd.Wait()
	stopped := within.Err() != nil
	stop()
	<-done
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !stopped:
		return &Failure{string(said), err}
	}
	return nil
}
