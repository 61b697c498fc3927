package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ditas"
)

const passphraseHelp = `
Give a passphrase at a prompt (-p), in the first line of a file (--passphrase-file;
- means standard input), or in the environment variable DITAS_PASSPHRASE. It is never
read from the command line, where others could see it.`

const passphraseVariable = "DITAS_PASSPHRASE"

// maxPassphrase bounds what is read for a passphrase, in bytes.
const maxPassphrase = 4096

// passphraseFlags say where a passphrase comes from.
type passphraseFlags struct {
	prompt bool
	file   string
	read   bool // and this is it
	value  string
	key    ditas.Key
}

func (f *passphraseFlags) addFlags(cmd *cobra.Command, purpose string) {
	cmd.Flags().BoolVarP(&f.prompt, "passphrase", "p", false, "ask for the passphrase "+purpose)
	cmd.Flags().StringVar(&f.file, "passphrase-file", "", "read the passphrase from the first line of a `FILE`; - is standard input")
}

// keyOf returns the key of the passphrase, the public one if none is given. The passphrase is read and turned into a key once, however many
// files it is for; with twice set, a person has to type it a second time.
func (f *passphraseFlags) keyOf(ctx context.Context, t *terminal, twice bool) (ditas.Key, error) {
	if f.key != (ditas.Key{}) {
		return f.key, nil
	}
	text, err := f.get(ctx, t, twice)
	if err != nil {
		return ditas.Key{}, err
	}
	f.key = ditas.Public()
	if text != "" {
		f.key, err = ditas.Passphrase(text, nil)
	}
	return f.key, err
}

// get returns the passphrase, empty if none is given. With twice set, a person has to type it a second time. It is read once,
// however many files it is for.
func (f *passphraseFlags) get(ctx context.Context, t *terminal, twice bool) (string, error) {
	if f.read {
		return f.value, nil
	}
	if f.prompt && f.file != "" {
		return "", usagef("both -p and --passphrase-file are given")
	}
	p, given := os.LookupEnv(passphraseVariable)
	from := "the environment variable " + passphraseVariable
	var err error
	switch {
	case f.file != "":
		given, from = true, f.file
		p, err = readPassphrase(f.file)
	case f.prompt:
		given, from = true, "the prompt"
		p, err = t.ask(ctx, "Passphrase: ")
		if err == nil && twice && p != "" {
			var again string
			if again, err = t.ask(ctx, "Again: "); err == nil && again != p {
				err = errors.New("the two passphrases differ")
			}
		}
	}
	if err == nil && given && strings.TrimSpace(p) == "" {
		err = withHint(fmt.Errorf("the passphrase from %s is empty", from), "leave it out to use no passphrase")
	}
	f.read, f.value = err == nil, p
	return p, err
}

func readPassphrase(name string) (string, error) {
	var r io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		r = f
	}
	line, err := bufio.NewReader(io.LimitReader(r, maxPassphrase+1)).ReadBytes('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("reading the passphrase: %w", err)
	}
	line = bytes.TrimRight(line, "\r\n")
	if len(line) > maxPassphrase {
		return "", fmt.Errorf("the passphrase in %s is longer than %d bytes", name, maxPassphrase)
	}
	return string(line), nil
}

// ask asks a person at the terminal for a passphrase, which is not shown.
func (t *terminal) ask(ctx context.Context, prompt string) (string, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return "", withHint(errors.New("there is no terminal to ask for the passphrase"), "use --passphrase-file or set %s", passphraseVariable)
	}
	state, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	fmt.Fprint(t.err, prompt)
	go func() {
		line, err := term.ReadPassword(fd)
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		fmt.Fprintln(t.err)
		return string(a.line), a.err
	case <-ctx.Done():
		term.Restore(fd, state)
		fmt.Fprintln(t.err)
		return "", ctx.Err()
	}
}
