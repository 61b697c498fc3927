package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ditas/report"
)

// terminal is where a command tells what it does. Results go to standard output, as text or, if asked, as JSON: one object, or
// one a line where there are several files; where standard output is a file that the command makes, they go to standard error.
// Errors, warnings and progress go to standard error, progress only if that is a terminal. There are no colours anywhere.
type terminal struct {
	out, err io.Writer
	json     bool
	quiet    bool
	verbose  bool
	lines    bool   // one JSON object a line
	brief    bool   // one line for each file
	place    string // among several files
	told     any    // the result that was told last
}

// addFlags adds the flags that all commands have in common.
func (t *terminal) addFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&t.json, "json", false, "print the results as JSON")
	cmd.Flags().BoolVarP(&t.quiet, "quiet", "q", false, "print nothing but errors and warnings")
}

// begin connects t to a command's output.
func (t *terminal) begin(cmd *cobra.Command) { t.out, t.err = cmd.OutOrStdout(), cmd.ErrOrStderr() }

// printf prints a result for people. Texts among what is formatted, such as names of files, are shown on one line.
func (t *terminal) printf(format string, args ...any) {
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			args[i] = inLine(arg)
		case fileName:
			args[i] = inLine(string(arg))
		}
	}
	t.text(fmt.Sprintf(format, args...))
}

// text prints a result for people that has lines.
func (t *terminal) text(s string) {
	if !t.json && !t.quiet {
		fmt.Fprint(t.out, visible(s))
	}
}

// detail prints more of a result for people, which those are spared who gave many files.
func (t *terminal) detail(format string, args ...any) {
	if !t.brief {
		t.printf(format, args...)
	}
}

// addVerbose adds the flag -v of commands that take several files.
func (t *terminal) addVerbose(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&t.verbose, "verbose", "v", false, "say as much of each of several files as of one")
}

// result prints v if results are wanted as JSON.
func (t *terminal) result(v any) error {
	t.told = v
	if !t.json {
		return nil
	}
	e := json.NewEncoder(t.out)
	e.SetEscapeHTML(false)
	if !t.lines {
		e.SetIndent("", "  ")
	}
	return e.Encode(v)
}

// warn prints a warning and what to do about it.
func (t *terminal) warn(text, hint string) {
	fmt.Fprintf(t.err, "ditas: warning: %s\nhint: %s\n", inLine(text), inLine(hint))
}

// visible writes out what a terminal would obey rather than show, such as escape codes in the names of files, but for tabs and the ends of lines.
func visible(s string) string { return escaped(s, "\t\n") }

// inLine is visible for what is on one line.
func inLine(s string) string { return escaped(s, "") }

// escaped writes out what a terminal would obey, but for some characters.
func escaped(s, but string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case strings.ContainsRune(but, r):
			b.WriteRune(r)
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029':
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// fileName is the name of a file in a result, or a text with such names in it. Systems let names be any bytes, and JSON has nothing but Unicode: bytes that
// are no UTF-8 become the halves of surrogates from U+DC80 to U+DCFF, as Python has it (PEP 383), and so the name can be had back.
type fileName string

// MarshalJSON returns a string of JSON.
func (n fileName) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	out := []byte{'"'}
	for s := string(n); len(s) > 0; {
		valid := 0
		for valid < len(s) {
			if r, size := utf8.DecodeRuneInString(s[valid:]); r != utf8.RuneError || size > 1 {
				valid += size
				continue
			}
			break
		}
		b.Reset()
		if err := e.Encode(s[:valid]); err != nil {
			return nil, err
		}
		out = append(out, bytes.Trim(b.Bytes(), "\n")[1:b.Len()-2]...)
		if s = s[valid:]; len(s) > 0 {
			out = fmt.Appendf(out, `\udc%02x`, s[0])
			s = s[1:]
		}
	}
	return append(out, '"'), nil
}

// bar returns a progress bar, or nil where none is to be seen.
func (t *terminal) bar(what string, options ...progressbar.Option) *progressbar.ProgressBar {
	f, ok := t.err.(*os.File)
	if !ok || t.json || t.quiet || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return progressbar.NewOptions(1, slices.Concat([]progressbar.Option{
		progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(t.place + what), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100 * time.Millisecond),
	}, options, fitting(f))...)
}

// fitting returns how much of a progress bar fits on a terminal: what is longer than a line would leave its beginning behind each time.
func fitting(f *os.File) []progressbar.Option {
	const roomy, narrow = 60, 40 // columns
	switch width, _, err := term.GetSize(int(f.Fd())); {
	case err == nil && width < narrow:
		return []progressbar.Option{progressbar.OptionSetWidth(1), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false)}
	case err == nil && width < roomy:
		return []progressbar.Option{progressbar.OptionSetWidth(10), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false)}
	}
	return []progressbar.Option{progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true)}
}

// phases returns a callback that draws a progress bar for each phase of an operation, or nil, and a function that removes it.
func (t *terminal) phases() (step report.Progress, end func()) {
	bar := t.bar("")
	if bar == nil {
		return nil, func() {}
	}
	return func(phase report.Phase, done, total int) {
		bar.Describe(t.place + string(phase))
		bar.ChangeMax(max(1, total))
		bar.Set(done)
	}, func() { bar.Clear() }
}

// progress returns a callback that draws a progress bar, or nil, and a function that removes it.
func (t *terminal) progress(what string) (step func(done, total int), end func()) {
	bar := t.bar(what)
	if bar == nil {
		return nil, func() {}
	}
	return func(done, total int) {
		bar.ChangeMax(total)
		bar.Set(done)
	}, func() { bar.Clear() }
}
