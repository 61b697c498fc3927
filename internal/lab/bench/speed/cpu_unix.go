//go:build unix

package main

import (
	"syscall"
	"time"
)

// cpu returns the processor time that this process has taken, its garbage collector's included.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
