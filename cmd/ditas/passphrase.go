package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf16"

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
		p, err = t.readPassphrase(f.file)
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

// readPassphrase reads a passphrase from the first line of a file, and warns of what may surprise.
func (t *terminal) readPassphrase(name string) (string, error) {
	var r io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		info, err := f.Stat()
		if err == nil && runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			t.warn(fmt.Sprintf("others can read the passphrase in %s", name), "chmod 600 "+name)
		}
		r = f
	}
	// Standard input may go on behind the line; only UTF-16 has lines that end otherwise.
	buffered := bufio.NewReader(io.LimitReader(r, 2*maxPassphrase+8))
	var data []byte
	var err error
	if mark, _ := buffered.Peek(2); string(mark) == "\xff\xfe" || string(mark) == "\xfe\xff" {
		data, err = io.ReadAll(buffered)
	} else if data, err = buffered.ReadBytes('\n'); err == io.EOF {
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the passphrase: %w", err)
	}
	text, err := decodeText(data)
	if err != nil {
		return "", fmt.Errorf("the passphrase in %s: %w", shown(name), err)
	}
	line, _, _ := strings.Cut(text, "\n")
	line = strings.TrimRight(line, "\r")
	if len(line) > maxPassphrase {
		return "", fmt.Errorf("the passphrase in %s is longer than %d bytes", shown(name), maxPassphrase)
	}
	if trimmed := strings.TrimRightFunc(line, unicode.IsSpace); trimmed != line && trimmed != "" {
		t.warn(fmt.Sprintf("the passphrase in %s ends in blanks, which count", shown(name)), "remove them unless you mean them")
	}
	return line, nil
}

// decodeText decodes what editors write: UTF-8, with or without a byte order mark, or UTF-16 with one.
func decodeText(data []byte) (string, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return string(data[3:]), nil
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		order = binary.BigEndian
	case bytes.IndexByte(data, 0) >= 0:
		return "", errors.New("there are zero bytes in it: save the file as UTF-8")
	default:
		return string(data), nil
	}
	var units []uint16
	for data = data[2:]; len(data) >= 2; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	return string(utf16.Decode(units)), nil
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
