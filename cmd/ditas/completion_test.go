package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ditas/internal/racetest"
)

// Shells complete what the scripts for them say, with the names of methods and purposes. Each shell is run where it is installed.
func TestCompletionInShells(t *testing.T) {
	racetest.Skip(t)
	if runtime.GOOS == "windows" {
		t.Skip("there are no such shells")
	}
	dir := t.TempDir()
	// What shells run is this test, as ditas.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "ditas")); err != nil {
		t.Fatal(err)
	}
	script := func(t *testing.T, shell string) string {
		var b strings.Builder
		if code := run(t.Context(), []string{"completion", shell}, &b, os.Stderr); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		name := filepath.Join(dir, "completion."+shell)
		if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	methods, purposes := []string{"lattice", "durable", "ditas-m-ed"}, []string{"keep", "share", "voice", "share-mp3-128"}
	for shell, says := range map[string]func(name, flag string) []string{
		"fish": func(name, flag string) []string {
			return []string{"--no-config", "-c", "source " + name + "; complete --do-complete 'ditas hide " + flag + " '"}
		},
		"bash": func(name, flag string) []string {
			return []string{"--norc", "--noprofile", "-c", `for f in /usr/share/bash-completion/bash_completion /etc/bash_completion; do [ -r $f ] && . $f && break; done
type _init_completion > /dev/null 2>&1 || exit 77
. ` + name + `
COMP_WORDS=(ditas hide ` + flag + ` ""); COMP_CWORD=3; COMP_LINE="ditas hide ` + flag + ` "; COMP_POINT=${#COMP_LINE}; COMP_TYPE=63; COMP_KEY=9
__start_ditas ditas "" ` + flag + `
printf '%s\n' "${COMPREPLY[@]}"`}
		},
		"zsh": func(name, flag string) []string {
			// The completion of zsh lives in its line editor: what its function would describe is caught.
			return []string{"-f", "-c", `compdef() { :; }; _describe() { for a in "$@"; do [[ ${(t)${(P)a}} == array* ]] && print -l -- ${(P)a}; done; return 0; }; _arguments() { :; }
source ` + name + `
words=(ditas hide ` + flag + ` ""); CURRENT=4; compstate=()
_ditas`}
		},
	} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skip(err)
			}
			name := script(t, shell)
			for flag, want := range map[string][]string{"--method": methods, "--for": purposes} {
				cmd := exec.CommandContext(t.Context(), path, says(name, flag)...)
				cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+dir)
				out, err := cmd.CombinedOutput()
				if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 77 {
					t.Skip("bash-completion is not installed")
				}
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				var given []string
				for line := range strings.Lines(string(out)) {
					word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
					given = append(given, word)
				}
				for _, w := range want {
					if !slices.Contains(given, w) {
						t.Errorf("%s completes %s with %q, without %s", shell, flag, given, w)
					}
				}
			}
		})
	}
}
