package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ditas"
	"ditas/internal/intake"
	"ditas/internal/job"
	"ditas/internal/parallel"
	"ditas/internal/passphrase"
)

const passphraseHelp = `
Give a passphrase at a prompt (-p), in the first line of a file (--passphrase-file;
- means standard input), or in the environment variable DITAS_PASSPHRASE. It is never
read from the command line, where others could see it. Making a key of it takes most
of a second and 256 MiB of memory, once for all files.

--salt adds a name that both sides know, such as "Anna and Ben", and --key-file any
file that both have, which may be a photograph or a song: its bytes count, not its
name. Capital and small letters of a name differ; blanks around it do not count.
Neither has to be secret. With one of them, whoever tries a list of passphrases has to
begin anew for you, and with a file that nobody else has, guessing is in vain. What
was hidden with them is revealed only with the same.`

const passphraseVariable = "DITAS_PASSPHRASE"

// maxPassphrase bounds what is read for a passphrase, in bytes.
const maxPassphrase = 4096

// passphraseFlags say where a passphrase comes from.
type passphraseFlags struct {
	cmd     *cobra.Command
	prompt  bool
	file    string
	keyFile string
	salt    string
	read    bool // and this is it
	value   string
	key     ditas.Key
	others  map[job.Key]*passphraseFlags // for jobs that have their own
}

func (f *passphraseFlags) addFlags(cmd *cobra.Command, purpose string) {
	f.cmd = cmd
	cmd.Flags().BoolVarP(&f.prompt, "passphrase", "p", false, "ask for the passphrase "+purpose)
	cmd.Flags().StringVar(&f.file, "passphrase-file", "", "read the passphrase from the first line of a `FILE`; - is standard input")
	cmd.Flags().StringVar(&f.keyFile, "key-file", "", "a `FILE` that both sides have, on which the key depends too")
	cmd.Flags().StringVar(&f.salt, "salt", "", "a `NAME` that both sides know; its case counts, blanks around it do not")
}

// of returns where the key of a job comes from: what the job says, or what the flags say if it says nothing.
func (f *passphraseFlags) of(k job.Key) *passphraseFlags {
	if k == (job.Key{}) {
		return f
	}
	if f.others[k] == nil {
		if f.others == nil {
			f.others = map[job.Key]*passphraseFlags{}
		}
		f.others[k] = &passphraseFlags{cmd: f.cmd, file: k.PassphraseFile, keyFile: k.KeyFile, salt: k.Salt}
	}
	return f.others[k]
}

// check returns an error if a method hides nothing without a passphrase and none is given, or takes none and one is given, without reading any.
func (f *passphraseFlags) check(m ditas.Method) error {
	_, variable := os.LookupEnv(passphraseVariable)
	given := f.prompt || f.file != "" || variable
	switch {
	case m.SecretOnly && !given:
		return withHint(usagef("%s hides nothing without a passphrase, and none is given", m.Name),
			"add -p to type one, or --passphrase-file, or set %s; ditas passphrase throws dice for one", passphraseVariable)
	case given && !m.Secret:
		return withHint(usagef("%s takes no passphrase, and one is given", m.Name),
			"leave it out, and %s unset, or choose the method %s", passphraseVariable, ditas.Methods()[0].Name)
	}
	return nil
}

// checkNamed is check for the method of a name, if there is one.
func (f *passphraseFlags) checkNamed(method string) error {
	if method == "" {
		return nil
	}
	m, err := checkMethod(method)
	return cmp.Or(err, f.check(m))
}

// sources returns the names of the files that are read for the key.
func (f *passphraseFlags) sources() []string { return []string{f.file, f.keyFile} }

// errSpelledOut reports a passphrase on the command line.
var errSpelledOut = withHint(usagef("-p takes no passphrase from the command line, where others could see it: it asks for one"),
	"leave it out and type it when asked; it may be in the history of your shell now")

// files returns the names of files that arguments stand for. If one looks like a passphrase that was meant for -p, that is an error: it is
// in the shell's history already, and should not become the name of a file.
func (f *passphraseFlags) files(args []string) ([]string, error) {
	args = expand(args)
	for _, name := range args {
		if _, err := os.Stat(name); !f.prompt || name == "-" || err == nil || hasExtension(name) {
			continue
		}
		return nil, errSpelledOut
	}
	return args, nil
}

// keyOf returns the key of the passphrase, the public one if none is given. The passphrase is read and turned into a key once, however many
// files it is for; if it is to hide with, a person has to type it a second time, and is warned of a weak one.
func (f *passphraseFlags) keyOf(ctx context.Context, t *terminal, hiding bool) (ditas.Key, error) {
	if f.key != (ditas.Key{}) {
		return f.key, nil
	}
	text, err := f.get(ctx, t, hiding)
	if err != nil {
		return ditas.Key{}, err
	}
	if text == "" {
		if f.keyFile != "" || f.salt != "" {
			return ditas.Key{}, withHint(usagef("--key-file and --salt go with a passphrase"), "add -p, or set %s", passphraseVariable)
		}
		f.key = ditas.Public()
		return f.key, nil
	}
	salt, err := f.readSalt(ctx)
	if err != nil {
		return ditas.Key{}, err
	}
	if bits := passphrase.Bits(text); hiding && bits < passphrase.Enough {
		t.warn(fmt.Sprintf("the passphrase is easy to guess: it has %.0f bits at most", bits), "ditas passphrase throws dice for one that is not")
	}
	var key ditas.Key
	err = parallel.Within(ctx, func() (err error) {
		key, err = ditas.Passphrase(text, salt)
		return err
	})
	if err != nil {
		return ditas.Key{}, err
	}
	f.key = key
	return key, nil
}

// checkKeyFile returns an error if the key file is the picture that is to be hidden, which whoever is to reveal it does not have, or that of the
// passphrase, by which it is as easy to guess as before. It warns of one that is the cover: whoever has both that and the stego sees what was done.
func (f *passphraseFlags) checkKeyFile(t *terminal, picture, cover string) error {
	switch {
	case f.keyFile == "":
	case isAmong(f.keyFile, picture):
		return withHint(usagef("%w", intake.ErrKeyIsPicture), intake.KeyAdvice)
	case isAmong(f.keyFile, f.file):
		return withHint(usagef("the key file is that of the passphrase, and whoever guesses the one has the other"), intake.KeyAdvice+", and another one")
	case isAmong(f.keyFile, cover):
		t.warn(intake.KeyIsCover, intake.KeyIsCoverAdvice)
	}
	return nil
}

// advise says what may be wrong with the key if nothing was found with it, and leaves other errors as they are.
func (f *passphraseFlags) advise(err error) error {
	switch {
	case !errors.Is(err, ditas.ErrNothingFound):
		return err
	case !f.key.Secret() && f.cmd.Flags().Lookup("thorough") != nil:
		return withHint(err, "if it takes a passphrase, add -p; if it may have been played faster or slower, --thorough")
	case !f.key.Secret():
		return withHint(err, "if it takes a passphrase, add -p")
	case f.salt == "" && f.keyFile == "":
		return withHint(err, "check the passphrase, add --salt or --key-file if one was given when hiding, and leave all of them out if none was")
	}
	return withHint(err, "the passphrase, --salt and --key-file all have to be what was given when hiding")
}

// notUTF8 reports text of another encoding, which makes another key than the same text in UTF-8 does elsewhere.
func notUTF8(what string) error {
	return withHint(fmt.Errorf("%s is not UTF-8, and would be another one where it is", what), "have the terminal write UTF-8")
}

// readSalt returns the salt of the key file and of the name.
func (f *passphraseFlags) readSalt(ctx context.Context) ([]byte, error) {
	if !utf8.ValidString(f.salt) {
		return nil, notUTF8("--salt")
	}
	file := os.Stdin
	if f.keyFile != "" && f.keyFile != "-" {
		var err error
		if file, err = openSource(f.keyFile, "name a file that both sides have"); err != nil {
			return nil, err
		}
		defer file.Close()
	}
	var content io.Reader
	if f.keyFile != "" {
		content = readerFunc(func(p []byte) (int, error) {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			return file.Read(p)
		})
	}
	salt, err := ditas.Salt(f.salt, content)
	switch {
	case errors.Is(err, ditas.ErrNoSalt):
		return nil, withHint(err, "leave out --key-file or --salt to use none")
	case err != nil:
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	return salt, nil
}

// openSource opens a file that is read for the key. If it is a folder, advice says what to name instead.
func openSource(name, advice string) (*os.File, error) {
	if isFolder(name) {
		return nil, withHint(fmt.Errorf("%s is a folder, and a file is wanted here", name), "%s", advice)
	}
	return os.Open(name)
}

// readerFunc reads by calling itself.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// get returns the passphrase, empty if none is given. If it is to hide with, a person has to type it a second time. It is read once,
// however many files it is for.
func (f *passphraseFlags) get(ctx context.Context, t *terminal, hiding bool) (string, error) {
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
		if hiding {
			p, err = t.askTwice(ctx)
		} else {
			p, err = t.ask(ctx, "Passphrase: ")
		}
	}
	if err == nil && given && strings.TrimSpace(p) == "" {
		err = withHint(fmt.Errorf("the passphrase from %s is empty", from), "leave it out to use no passphrase")
	}
	if err == nil && !utf8.ValidString(p) {
		err = notUTF8("the passphrase from " + from)
	}
	f.read, f.value = err == nil, p
	return p, err
}

// askTwice asks for a passphrase to hide with, and offers to throw dice for one.
func (t *terminal) askTwice(ctx context.Context) (string, error) {
	p, err := t.ask(ctx, "Passphrase (an empty line throws dice for one): ")
	if err != nil {
		return "", err
	}
	again := "Again: "
	if p == "" {
		text, bits, err := passphrase.Throw(rand.Reader, passphrase.Words)
		if err != nil {
			return "", err
		}
		p, again = text, "Type it: "
		fmt.Fprintf(t.err, "\n  %s\n\nThat is the passphrase, of %.0f bits. Write it down: without it the picture is lost.\n", p, bits)
	}
	typed, err := t.ask(ctx, again)
	if err == nil && typed != p {
		err = errors.New("the two passphrases differ")
	}
	return p, err
}

// readPassphrase reads a passphrase from the first line of a file, and warns of what may surprise.
func (t *terminal) readPassphrase(name string) (string, error) {
	var r io.Reader = os.Stdin
	if name != "-" {
		f, err := openSource(name, "name the file with the passphrase in its first line")
		if err != nil {
			return "", err
		}
		defer f.Close()
		info, err := f.Stat()
		if err == nil && runtime.GOOS != "windows" && info.Mode().IsRegular() {
			if may := allowed(info.Mode()); may != "" {
				t.warn(fmt.Sprintf("others can %s the passphrase in %s", may, name), "chmod 600 "+name)
			}
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
	text, whole := decodeText(data)
	switch line, _, _ := strings.Cut(text, "\n"); {
	case !whole:
		err = errors.New("half a character of UTF-16 is missing or alone in it: save the file as UTF-8")
	case strings.ContainsRune(line, 0):
		err = errors.New("there are zero bytes in it: save the file as UTF-8")
	case !utf8.ValidString(line):
		err = errors.New("it is not UTF-8, and would be another passphrase in a file that is: save the file as UTF-8")
	}
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

// allowed names what a file's mode lets others than its owner do with what is in it, empty if that is nothing.
func allowed(mode fs.FileMode) string {
	switch read, write := mode&0o044 != 0, mode&0o022 != 0; {
	case read && write:
		return "read and change"
	case read:
		return "read"
	case write:
		return "change"
	}
	return ""
}

// decodeText decodes the first line of what editors write: UTF-8, with or without a byte order mark, or UTF-16 with one. Of UTF-16 it tells whether
// that is whole: not if half of what makes a character is missing, which would become another one.
func decodeText(data []byte) (text string, whole bool) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return string(data[3:]), true
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return string(data), true
	}
	var line []rune
	for data = data[2:]; len(data) >= 2; data = data[2:] {
		r := rune(order.Uint16(data))
		if utf16.IsSurrogate(r) {
			if len(data) < 4 {
				return string(line), false
			}
			if r = utf16.DecodeRune(r, rune(order.Uint16(data[2:]))); r == unicode.ReplacementChar {
				return string(line), false
			}
			data = data[2:]
		}
		if r == '\n' {
			return string(line), true
		}
		line = append(line, r)
	}
	return string(line), len(data) == 0
}

// keyboard returns where a person types: standard input, or if that is something else, such as a recording that comes through a pipe, the terminal
// that messages go to.
func (t *terminal) keyboard() (*os.File, error) {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		return os.Stdin, nil
	}
	if f, ok := t.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		name := "/dev/tty"
		if runtime.GOOS == "windows" {
			name = "CONIN$"
		}
		if tty, err := os.OpenFile(name, os.O_RDWR, 0); err == nil {
			return tty, nil
		}
	}
	return nil, withHint(errors.New("there is no terminal to ask for the passphrase"), "use --passphrase-file or set %s", passphraseVariable)
}

// ask asks a person at the terminal for a passphrase, which is not shown.
func (t *terminal) ask(ctx context.Context, prompt string) (string, error) {
	keyboard, err := t.keyboard()
	if err != nil {
		return "", err
	}
	if keyboard != os.Stdin {
		defer keyboard.Close()
	}
	fd := int(keyboard.Fd())
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
		line, err := readUnseen(fd)
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		fmt.Fprintln(t.err)
		if errors.Is(a.err, io.EOF) {
			a.err = withHint(errors.New("the input ended before there was a passphrase"), "type the passphrase and then Enter")
		}
		return string(a.line), a.err
	case <-ctx.Done():
		term.Restore(fd, state)
		fmt.Fprintln(t.err)
		return "", ctx.Err()
	}
}
