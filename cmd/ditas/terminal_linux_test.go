package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"ditas/report"
)

// However narrow a terminal is, progress stays in its line.
func TestProgressOnNarrowTerminals(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer master.Close()
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer tty.Close()
	t.Setenv("TERM", "xterm")
	for _, columns := range []uint16{20, 40, 60} {
		if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
			t.Fatal(err)
		}
		shown := make(chan []byte)
		go func() {
			var all []byte
			for b := make([]byte, 4096); !bytes.Contains(all, []byte("the end")); {
				n, err := master.Read(b)
				if err != nil {
					break
				}
				all = append(all, b[:n]...)
			}
			shown <- all
		}()
		step, end := (&terminal{err: tty}).phases()
		for _, phase := range []report.Phase{report.Surveying, report.Converting} {
			for i := range 4 {
				step(phase, 2500*i, 7500)
				time.Sleep(110 * time.Millisecond) // more often nothing is drawn
			}
		}
		end()
		fmt.Fprint(tty, "\nthe end")
		text, _, _ := strings.Cut(string(<-shown), "\n")
		drawn := 0
		for line := range strings.SplitSeq(text, "\r") {
			if strings.Contains(line, "%") {
				drawn++
			}
			if utf8.RuneCountInString(line) > int(columns) {
				t.Errorf("%d columns: %q", columns, line)
			}
		}
		if drawn < 2 {
			t.Errorf("%d columns: nothing is drawn", columns)
		}
	}
}
