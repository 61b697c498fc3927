// Command ditas hides a picture in a recording, so that nobody hears it, and reveals it from the recording alone.
//
// ditas -h tells what it can do, and ditas demo shows it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ditas"
	"ditas/internal/job"
)

// Exit codes.
const (
	exitFailed  = job.Failed
	exitUsage   = job.Usage
	exitPartly  = job.Partly
	exitNothing = job.Nothing
)

const rootHelp = `ditas hides a picture in a recording so that nobody hears it, and gives the picture
back from the recording alone: to reveal it you need this program, the file, and the
passphrase if there is one. Without a passphrase, anyone who has ditas can reveal it.

Everything happens on this machine.`

const rootExample = `  ditas demo
  ditas serve --open
  ditas capacity speech.wav --image photo.jpg
  ditas hide --image photo.jpg --cover speech.wav --out stego.wav
  ditas reveal --stego stego.wav --out photo.png`

func main() {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	// Whoever reads what is written may go away, which then is an error like others: files that are being written have to be removed.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	// The first signal ends the work in good order; a second one ends the program.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "ditas",
		Short:         "Hide a picture in a recording, and reveal it again",
		Long:          rootHelp,
		Example:       rootExample,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	// By either name messages go elsewhere than what is written there.
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "/dev/stdout" {
			args[i] = "-"
		}
	}
	started := false
	for _, c := range []*cobra.Command{
		hideCommand(), revealCommand(), inspectCommand(), capacityCommand(), methodsCommand(), ditherCommand(), passphraseCommand(), compareCommand(), demoCommand(), serveCommand(), trainCommand(), evaluateCommand(), experimentCommand(), dataCommand(),
		versionCommand(), completionCommand(), manCommand(),
	} {
		for _, c := range append(c.Commands(), c) {
			completeFolders(c)
			giveOnce(c)
			if takes := c.Args; takes != nil {
				c.Args = func(cmd *cobra.Command, args []string) error { return plainArguments(cmd, args, takes(cmd, args)) }
			}
			do := c.RunE
			c.RunE = func(cmd *cobra.Command, names []string) error {
				started = true
				if slices.Contains(names, "") {
					return withHint(usagef("a name is empty"), "name a file; %s -h explains", cmd.CommandPath())
				}
				if err := checkFlags(cmd.Flags(), args); err != nil {
					return err
				}
				return do(cmd, names)
			}
		}
		root.AddCommand(c)
	}
	root.AddCommand(topicCommands()...)
	root.SetUsageTemplate(root.UsageTemplate() + exitHelp())
	help := helpCommand()
	explain := help.RunE
	help.RunE = func(cmd *cobra.Command, args []string) error {
		started = true
		return explain(cmd, args)
	}
	root.SetHelpCommand(help)
	root.Version = current().Version
	root.SetVersionTemplate("ditas {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return plainFlagError(cmd, args, err) })
	root.SetArgs(args)
	out := &checked{Writer: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if out.err != nil && (err == nil || errors.Is(err, out.err) || errors.As(err, new(*partError))) {
		started, err = true, fmt.Errorf("standard output: %w", out.err)
	}
	if err == nil {
		return 0
	}
	if !started && !errors.As(err, new(*hintError)) {
		// Flags that cobra found at fault.
		if missing, ok := strings.CutPrefix(err.Error(), "required flag(s) "); ok {
			err = fmt.Errorf("--%s is missing", strings.Trim(strings.TrimSuffix(missing, " not set"), `"`))
		}
		err = withHint(&usageError{err}, "%s -h explains", cmd.CommandPath())
	}
	// Whoever reads objects gets one for what failed before there was any.
	if slices.Contains(args, "--json") && !out.written && out.err == nil {
		t := terminal{out: out, json: true}
		t.result(failedAt(ctx, err))
	}
	return conclude(ctx, stderr, err)
}

// unknownCommand says that cmd has no command of a name, and which one may be meant.
func unknownCommand(cmd *cobra.Command, name string) error {
	err := usagef("unknown command %q", name)
	if cmd.HasParent() {
		return withHint(err, "%s -h lists those that there are", cmd.CommandPath())
	}
	if s := suggestions(cmd, name); len(s) > 0 {
		return withHint(err, "did you mean ditas %s?", strings.Join(s, " or ditas "))
	}
	if there(name) {
		return withHint(err, "that is a file: ditas hide takes a picture and a recording, ditas reveal a recording with a picture in it")
	}
	return withHint(err, "ditas -h lists the commands")
}

// suggestions returns the names of cmd's commands that a name may be meant for: those that cobra finds, and those whose other names it is like.
func suggestions(cmd *cobra.Command, name string) []string {
	names, name := cmd.SuggestionsFor(name), strings.ToLower(name)
	like := func(alias string) bool {
		return edits(name, alias) <= cmd.SuggestionsMinimumDistance || strings.HasPrefix(alias, name)
	}
	for _, c := range cmd.Commands() {
		if slices.ContainsFunc(c.Aliases, like) && !slices.Contains(names, c.Name()) {
			names = append(names, c.Name())
		}
	}
	return names
}

// plainArguments says of names that a command does not take what it does, in place of what cobra says; err is nil if it takes them.
func plainArguments(cmd *cobra.Command, args []string, err error) error {
	_, takes, _ := strings.Cut(cmd.Use, " ")
	switch {
	case err == nil:
		return nil
	case cmd.HasSubCommands():
		return unknownCommand(cmd, args[0])
	case len(args) == 0:
		err = usagef("nothing is given")
	case takes == "":
		return withHint(usagef("%s is one too many: want flags alone", shown(args[0])), "%s -h explains", cmd.CommandPath())
	default:
		err = usagef("that is not what %s takes", cmd.CommandPath())
	}
	return withHint(err, "%s %s; -h explains", cmd.CommandPath(), takes)
}

// plainFlagError says of a flag's value what it should have been, of a flag that there is not which one may be meant, and of one that is given twice in
// args that it is, in place of what the parser says.
func plainFlagError(cmd *cobra.Command, args []string, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		if before := cmd.Flags().Args(); len(before) > 0 && cmd.HasSubCommands() { // of which the flag would be
			return unknownCommand(cmd, before[0])
		}
		err := usagef("there is no flag --%s", unknown.GetSpecifiedName())
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			if attached(cmd, args, short) {
				return errSpelledOut
			}
			err = usagef("there is no flag -%s", unknown.GetSpecifiedName())
		}
		if name := misread(args); name != "" {
			return withHint(err, "if the file %s is meant, say ./%s, or put all names behind --", name, name)
		}
		if near := nearest(cmd.Flags(), unknown.GetSpecifiedName()); near != "" {
			return withHint(err, "did you mean --%s?", near)
		}
		return withHint(err, "%s -h explains", cmd.CommandPath())
	}
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	if invalid.GetFlag().Name == "passphrase" {
		return errSpelledOut
	}
	var again *againError
	if errors.As(err, &again) {
		return again.explain(invalid.GetFlag(), args)
	}
	want := map[string]string{
		"float64": "a number", "int": "a whole number", "int64": "a whole number", "uint64": "a whole number that is not negative", "bool": "true or false",
		"shard": "a number and of how many, as in 2/8",
	}[invalid.GetFlag().Value.Type()]
	switch {
	case want == "":
		return err
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("--%s %s: want a smaller number", invalid.GetFlag().Name, invalid.GetValue())
	}
	return fmt.Errorf("--%s %q: want %s", invalid.GetFlag().Name, invalid.GetValue(), want)
}

// attached reports whether a flag that there is not, and what follows it, is the end of a passphrase behind -p.
func attached(cmd *cobra.Command, args []string, short string) bool {
	return cmd.Flags().Lookup("passphrase") != nil && slices.ContainsFunc(args, func(arg string) bool {
		return strings.HasPrefix(arg, "-p") && strings.HasSuffix(arg[2:], short)
	})
}

// otherwise are names that people give to flags of ours, by what other programs call them: the first that a command has is meant.
var otherwise = map[string][]string{
	"in": {"stego", "image"}, "input": {"stego", "image"}, "picture": {"image", "out"}, "photo": {"image", "out"}, "secret": {"image"},
	"audio": {"cover", "stego"}, "recording": {"cover", "stego"}, "sound": {"cover", "stego"}, "song": {"cover", "stego"}, "carrier": {"cover", "stego"},
	"file": {"any"}, "message": {"any"}, "text": {"any"}, "data": {"any"},
	"overwrite": {"force"}, "folder": {"out-dir"}, "directory": {"out-dir"}, "resize": {"fit"}, "scale": {"fit"},
}

// nearest returns the name of the flag that a name is most likely meant for, empty if it is like none: the one that is called so elsewhere, or of
// those that begin alike the one with the fewest letters to change, otherwise one of which at most a third differs.
func nearest(flags *pflag.FlagSet, name string) (near string) {
	for _, meant := range otherwise[name] {
		if flags.Lookup(meant) != nil {
			return meant
		}
	}
	const alike = 3 // letters
	least, begins := (len(name)+2)/3+1, false
	flags.VisitAll(func(f *pflag.Flag) {
		d, same := edits(name, f.Name), len(name) >= alike && strings.HasPrefix(f.Name, name[:alike])
		if (d < least && same == begins) || (same && !begins) {
			near, least, begins = f.Name, d, same
		}
	})
	return near
}

// edits is how many letters have to be changed, added or removed to make b of a (Wagner and Fischer 1974).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = min(d, row[j], row[j+1]) + 1
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

// checked is standard output, the first error in writing to it, and whether anything was written.
type checked struct {
	io.Writer
	err     error
	written bool
}

func (c *checked) Write(p []byte) (int, error) {
	c.written = true
	n, err := c.Writer.Write(p)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

// conclude tells what went wrong and returns the exit code.
func conclude(ctx context.Context, stderr io.Writer, err error) int {
	text, code := wording(ctx, err), exitCode(err)
	if code == exitPartly {
		text = "warning: " + text
	}
	if errors.Is(err, syscall.EPIPE) {
		return code // whoever reads has what he wanted
	}
	fmt.Fprintf(stderr, "ditas: %s\n", inLine(text))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(stderr, "hint: %s\n", inLine(hint))
	}
	return code
}

// hintOf returns what to do about an error, empty if that is not known.
func hintOf(err error) string {
	var hint *hintError
	switch {
	case errors.As(err, &hint):
		return hint.hint
	case errors.Is(err, syscall.ELOOP):
		return "a link leads back to itself: mend it, or name the file that is meant"
	case errors.Is(err, syscall.ENOSPC):
		return "make room on that disk, or write to another one; the variable TMPDIR (on Windows: TMP) names the folder for temporary files"
	}
	return ""
}

// wording is the text of an error, and of one that an interruption led to, that it was one.
func wording(ctx context.Context, err error) string {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return plain(err)
}

// exitCode returns the exit code of an error.
func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(*usageError)):
		return exitUsage
	case errors.As(err, new(*partError)), errors.Is(err, ditas.ErrPartly):
		return exitPartly
	case errors.As(err, new(*nothingError)), errors.Is(err, ditas.ErrNothingFound):
		return exitNothing
	}
	return exitFailed
}

// plain returns the text of an error without the names of the system's calls. Errors that were joined stand one behind the other: other ends of lines are in
// names of files.
func plain(err error) string {
	text := err.Error()
	if all, joined := joinedIn(err); all != nil {
		var parts []string
		for _, e := range all {
			parts = append(parts, plain(e))
		}
		text = strings.Replace(text, joined.Error(), strings.Join(parts, "; "), 1)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		reason := path.Err.Error()
		switch {
		case errors.Is(path.Err, fs.ErrNotExist) && noTemporaries(path.Path):
			return fmt.Sprintf("there is no folder %s for temporary files, and the variable TMPDIR (on Windows: TMP) names it", os.TempDir())
		case errors.Is(path.Err, fs.ErrNotExist):
			reason = "there is no such file"
		case errors.Is(path.Err, fs.ErrPermission):
			reason = "you have no permission for this file"
		}
		text = strings.Replace(text, path.Error(), path.Path+": "+reason, 1)
	}
	return text
}

// joinedIn returns the errors that were joined by package errors in an error, and the one that they were joined to, nil if there is none.
func joinedIn(err error) (all []error, joined error) {
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		all := e.Unwrap()
		var lines []string
		for _, part := range all {
			lines = append(lines, part.Error())
		}
		if len(all) > 1 && strings.Join(lines, "\n") == err.Error() {
			return all, err
		}
		for _, part := range all {
			if all, joined := joinedIn(part); joined != nil {
				return all, joined
			}
		}
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return joinedIn(inner)
		}
	}
	return nil, nil
}

// noTemporaries reports whether a file could not be made because the folder for temporary files, in which it was to be, is not there.
func noTemporaries(name string) bool {
	_, err := os.Stat(os.TempDir())
	return errors.Is(err, fs.ErrNotExist) && filepath.Dir(name) == filepath.Clean(os.TempDir())
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// partError reports a picture that was revealed only in part.
type partError struct{ error }

// nothingError reports that nothing was found.
type nothingError struct{ error }

// hintError is an error with something to do about it.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

func withHint(err error, format string, args ...any) error {
	return &hintError{err, fmt.Sprintf(format, args...)}
}
