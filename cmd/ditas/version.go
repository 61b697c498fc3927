package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"ditas/internal/model/weights"
)

// build is the result of ditas version.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified"` // since that revision
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Networks string `json:"networks"` // recordings can be revealed by programs with the same
}

// current returns what is known of this program, but for its networks.
func current() build {
	b := build{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func versionCommand() *cobra.Command {
	var t terminal
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Tell which version this is",
		Example: "  ditas version --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t.begin(cmd)
			b := current()
			_, id, err := weights.Load(weights.Default)
			if err != nil {
				return err
			}
			b.Networks = fmt.Sprintf("%s %x", weights.Default, id)
			t.printf("ditas %s\n", b.Version)
			if b.Revision != "" {
				state := ""
				if b.Modified {
					state = ", modified"
				}
				t.printf("  revision  %s%s\n", b.Revision, state)
			}
			t.printf("  go        %s %s\n  networks  %s\n", b.Go, b.Platform, b.Networks)
			return t.result(b)
		},
	}
	t.addFlags(cmd)
	return cmd
}
