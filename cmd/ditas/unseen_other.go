//go:build !linux && !darwin

package main

import "golang.org/x/term"

// readUnseen reads a line from a terminal, which does not show it. The error is io.EOF if the input ends before anything is typed.
func readUnseen(fd int) ([]byte, error) { return term.ReadPassword(fd) }
