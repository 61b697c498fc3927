package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// exitCodes says what they mean.
var exitCodes = []struct {
	code int
	text string
}{
	{0, "fine"},
	{exitFailed, "failed; a line on standard error says why"},
	{exitUsage, "wrong usage"},
	{exitPartly, "revealed, but only in part: parts of the recording are missing"},
	{exitNothing, "nothing found: no picture, or it takes another passphrase"},
}

// environment says which variables there are.
var environment = []struct{ name, text string }{
	{passphraseVariable, "the passphrase, unless -p or --passphrase-file gives one"},
	{"NO_COLOR", "has no effect: ditas never prints colours"},
	{"TERM", "if it is dumb, or standard error is not a terminal, ditas shows no progress"},
	{"TMPDIR", "the folder for copies of standard input; they are deleted at the end (on Windows: TMP)"},
	{"SOURCE_DATE_EPOCH", "the date of manual pages, in seconds since 1970"},
}

// exitHelp is at the end of every command's help.
func exitHelp() string {
	var b strings.Builder
	b.WriteString("\nExit codes:\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "  %d  %s\n", e.code, e.text)
	}
	return b.String()
}

const exitTopic = `
If you give one command several files, it handles each by itself and ends with 1 if
any failed, else with 4 if nothing was found in any, else with 3 if any was revealed
only in part.

An error is one line on standard error, perhaps with a second line for a hint; if
whoever reads standard output goes away, as head does, there is none. A recording
with nothing in it and a wrong passphrase both end with 4 and the same line: nobody
can tell them apart.`

// topicCommands returns what can be read by ditas help beside commands.
func topicCommands() []*cobra.Command {
	var variables strings.Builder
	variables.WriteString("Environment variables:\n")
	for _, v := range environment {
		fmt.Fprintf(&variables, "  %-18s %s\n", v.name, v.text)
	}
	return []*cobra.Command{
		{Use: "exit-codes", Short: "What the exit codes mean", Long: strings.TrimSpace(exitHelp()) + "\n" + exitTopic},
		{Use: "environment", Short: "Which environment variables there are", Long: strings.TrimSpace(variables.String())},
	}
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Example: "  ditas help hide\n  ditas help exit-codes",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if c, _, err := cmd.Root().Find(args); err == nil {
				for _, sub := range c.Commands() {
					if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
						names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return withHint(usagef("there is no help for %q", strings.Join(args, " ")), "ditas -h lists the commands")
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}
