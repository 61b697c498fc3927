package main

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// bind makes a process end when this one does.
func bind(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// limit limits the memory of a process, in bytes. One that has ended already needs no limit.
func limit(pid int, memory uint64) {
	unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: memory, Max: memory}, nil)
}
