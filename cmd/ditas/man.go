package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ditas/internal/replace"
)

const manHelp = `Write a manual page for ditas and one for each of its commands, in section 1.

The pages carry the date in SOURCE_DATE_EPOCH or, without it, the date of the revision
that this program was built from, so the same source gives the same pages.`

type manFlags struct {
	terminal
	dir string
}

func manCommand() *cobra.Command {
	var o manFlags
	cmd := &cobra.Command{
		Use:     "man --out-dir FOLDER",
		Short:   "Write manual pages",
		Long:    manHelp,
		Example: "  ditas man --out-dir ~/.local/share/man/man1\n  man ditas-hide",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context(), cmd.Root())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.dir, "out-dir", "d", "", "the `FOLDER` to write to; it is made if needed, and existing pages are replaced")
	o.addFlags(cmd)
	require(cmd, "out-dir")
	return cmd
}

// pages is the result of ditas man.
type pages struct {
	Out   string   `json:"out"`
	Pages []string `json:"pages"`
}

func (o *manFlags) run(ctx context.Context, root *cobra.Command) error {
	date, err := pageDate()
	if err != nil {
		return err
	}
	if err := makeFolder(o.dir); err != nil {
		return err
	}
	res := pages{Out: o.dir}
	var write func(c *cobra.Command) error
	write = func(c *cobra.Command) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := pageName(c) + ".1"
		if err := replace.File(filepath.Join(o.dir, name), func(w io.Writer) error { return writePage(w, c, date) }); err != nil {
			return err
		}
		res.Pages = append(res.Pages, name)
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				if err := write(sub); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := write(root); err != nil {
		return err
	}
	o.printf("%d pages are in %s\n", len(res.Pages), o.dir)
	return o.result(res)
}

// pageDate returns the date that manual pages bear, empty if there is none to know.
func pageDate() (string, error) {
	const layout = "2006-01-02"
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return "", fmt.Errorf("SOURCE_DATE_EPOCH is %q, which is no number of seconds", epoch)
		}
		return time.Unix(seconds, 0).UTC().Format(layout), nil
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return t.UTC().Format(layout), nil
			}
		}
	}
	return "", nil
}

// pageName returns the name of a command's page, as in ditas-hide.
func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// writePage writes the page of a command in the macros of man(7).
func writePage(w io.Writer, c *cobra.Command, date string) error {
	c.InitDefaultHelpFlag()
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"%s\" Ditas\n", roff(strings.ToUpper(pageName(c))), roff(date))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(pageName(c)), roff(lowerFirst(c.Short)))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n%s\n", roff(c.CommandPath()), roff(strings.TrimSpace(strings.TrimPrefix(c.UseLine(), c.CommandPath()))))
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	b.WriteString(".SH DESCRIPTION\n" + paragraphs(long))
	if c.HasAvailableSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(sub.Name()), roff(sub.Short))
			}
		}
	}
	b.WriteString(".SH OPTIONS\n")
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		b.WriteString(".TP\n")
		if f.Shorthand != "" {
			fmt.Fprintf(&b, "\\fB%s\\fR, ", roff("-"+f.Shorthand))
		}
		fmt.Fprintf(&b, "\\fB%s\\fR", roff("--"+f.Name))
		if value != "" {
			fmt.Fprintf(&b, " \\fI%s\\fR", roff(value))
		}
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" && f.DefValue != "[]" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(&b, "\n%s\n", roff(usage))
	})
	if c.Example != "" {
		b.WriteString(".SH EXAMPLES\n" + verbatim(c.Example))
	}
	b.WriteString(".SH EXIT STATUS\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, ".TP\n.B %d\n%s\n", e.code, roff(e.text))
	}
	b.WriteString(".SH ENVIRONMENT\n")
	for _, v := range environment {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(v.name), roff(v.text))
	}
	b.WriteString(".SH SEE ALSO\n")
	var others []string
	if c.HasParent() {
		others = append(others, roff(pageName(c.Parent())))
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			others = append(others, roff(pageName(sub)))
		}
	}
	b.WriteString(".BR " + strings.Join(others, " (1),\n.BR ") + " (1)\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// paragraphs sets a text of a command's help: lines that are indented stay as they are, others are filled.
func paragraphs(text string) string {
	var b strings.Builder
	for _, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		b.WriteString(".PP\n")
		var lines []string // that are indented
		flush := func() {
			if lines != nil {
				b.WriteString(verbatim(strings.Join(lines, "\n")))
				lines = nil
			}
		}
		for line := range strings.SplitSeq(paragraph, "\n") {
			if strings.HasPrefix(line, "  ") {
				lines = append(lines, line)
				continue
			}
			flush()
			b.WriteString(roff(line) + "\n")
		}
		flush()
	}
	return b.String()
}

// verbatim sets lines that begin with two spaces as they are, indented.
func verbatim(text string) string {
	var b strings.Builder
	b.WriteString(".RS 2\n.nf\n")
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteString(roff(strings.TrimPrefix(line, "  ")) + "\n")
	}
	b.WriteString(".fi\n.RE\n")
	return b.String()
}

// roff returns a text with nothing in it that is markup. A hyphen is one that can be copied.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\"", `\(dq`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
