package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const completionHelp = `Print a script that teaches a shell to complete the commands and flags of ditas, the
kinds of files that each flag takes, and the names that it knows.

  bash        ditas completion bash > ~/.local/share/bash-completion/completions/ditas
  zsh         ditas completion zsh > "${fpath[1]}/_ditas"
  fish        ditas completion fish > ~/.config/fish/completions/ditas.fish
  PowerShell  ditas completion powershell | Out-String | Invoke-Expression

The line for PowerShell belongs in the file that $PROFILE names. Bash needs the package
bash-completion, and zsh needs "autoload -U compinit; compinit" in ~/.zshrc.`

func completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Print a script for bash, zsh, fish or PowerShell to complete command lines",
		Long:      completionHelp,
		Example:   "  ditas completion bash > ditas.bash\n  source <(ditas completion bash)",
		Args:      cobra.ExactArgs(1),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, w := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(w, true)
			case "zsh":
				return root.GenZshCompletion(w)
			case "fish":
				return root.GenFishCompletion(w, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(w)
			}
			return usagef("shell %q is unknown: want bash, zsh, fish or powershell", args[0])
		},
	}
}

// completeFiles has shells complete a flag with files of these extensions, any if there are none.
func completeFiles(cmd *cobra.Command, flag string, extensions ...string) {
	must(cmd.MarkFlagFilename(flag, extensions...))
}

// completeFolders has shells complete all flags with folders that take a FOLDER.
func completeFolders(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if value, _ := pflag.UnquoteUsage(f); value == "FOLDER" {
			must(cmd.MarkFlagDirname(f.Name))
		}
	})
}

// completeNames has shells complete a flag with names.
func completeNames(cmd *cobra.Command, flag string, names ...string) {
	must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)))
}

// completeArguments has shells complete arguments with files of these extensions.
func completeArguments(cmd *cobra.Command, extensions ...[]string) {
	cmd.ValidArgsFunction = cobra.FixedCompletions(slices.Concat(extensions...), cobra.ShellCompDirectiveFilterFileExt)
}

// must panics if a flag was not defined.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
